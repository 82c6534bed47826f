/* SPDX-License-Identifier: Apache-2.0 */
/* array.c - sim --array: one very large array from its submission to its end
 *
 * The real core, the real encoders, a patient API server and nodes enough. Nothing goes wrong but
 * what the pattern asks for: this measures what size costs, the worlds of run.c look for errors.
 * Pods run for 1..127 turns, so that children end out of order. Halfway the process is started
 * again from what it has written. At the end every child must be recorded as the pattern says. */
#include "sim/array.h"

#include "bulkhead/api/array_state.h"
#include "bulkhead/base/map.h"
#include "bulkhead/core/core.h"
#include "bulkhead/json/get.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum {
    NODES = 256,
    PODS_A_NODE = 110,
    SLOTS = 128, /* turns that a pod may take, and a power of two */
    START_S = 1700000000,
    PODS_MAX = NODES * PODS_A_NODE + 32768, /* what runs, and what is over for a while */
};
#define TURN_NS (NS_PER_S / 10)
#define JOB_UID "0e57-job"

/* How the attempt ends: its exit code. */
typedef int (*exit_fn)(uint32_t index, uint32_t attempt);

struct pattern {
    const char *name;
    int attempts;
    exit_fn exit_code;
};

static int exit_all(uint32_t index, uint32_t attempt)
{
    UNUSED(index);
    UNUSED(attempt);
    return 0;
}

static int exit_third(uint32_t index, uint32_t attempt)
{
    return index % 3 == 0 && attempt <= 2 ? 1 : 0;
}

static int exit_alternating(uint32_t index, uint32_t attempt)
{
    UNUSED(attempt);
    return index % 2 != 0 ? 1 : 0;
}

/* Noise: four in ten attempts fail, with one of three exit codes. */
static int exit_random(uint32_t index, uint32_t attempt)
{
    const uint32_t words[] = {index, attempt};
    uint64_t hash = hash_bytes(words, sizeof(words), 7);
    return hash % 10 < 4 ? (int)(hash / 10 % 3) + 1 : 0;
}

static const struct pattern patterns[] = {
    {"all", 1, exit_all},
    {"third-fails-twice", 3, exit_third},
    {"alternating", 1, exit_alternating},
    {"random", JOB_ATTEMPTS_MAX, exit_random},
};

struct server_pod { /* as the API server has it */
    char *name, *uid, *node;
    uint64_t version;
    uint32_t index, try, attempt;
    enum pod_phase phase;
    int64_t created_ns, started_ns, finished_ns;
    bool finalizer;
    struct server_pod *next; /* in a slot */
};

struct measured {
    uint64_t turns, events, pods, writes;
    double core_s, start_s, turn_worst_s, encode_s, encode_worst_s;
    size_t status_worst, state_worst, pods_worst;
};

struct big {
    struct core *core;
    struct arena *arena;
    const struct pattern *pattern;
    uint32_t size;
    int64_t now_ns;
    uint64_t version, uids, turn;
    struct map *pods;
    struct server_pod *slots[SLOTS]; /* what changes in the turn */
    struct event *events;            /* for the next turn */
    size_t event_count, event_capacity;
    char *job_text, *job_status, *state, *state_version; /* as the API server has them */
    uint64_t job_version;
    struct array_status last; /* as packed last; texts ours */
    enum job_phase phase;
    bool failed, starting;
    struct measured measured;
};

static double cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void fail(struct big *big, const char *what)
{
    printf("FAILED: %s\n", what);
    big->failed = true;
}

/* ------------------------------------------------------------------ objects */

static struct json_object *parse(const char *text)
{
    struct json_object *doc = NULL;
    struct err err = {0};
    if (json_parse(text, strlen(text), &doc, &err) < 0) {
        printf("FAILED: %s\n", err.text);
        abort();
    }
    return doc;
}

static struct event *event_new(struct big *big, enum event_kind kind)
{
    ARRAY_ROOM(big->events, big->event_count, big->event_capacity);
    struct event *event = &big->events[big->event_count++];
    *event = (struct event){.kind = kind};
    return event;
}

static void send_world(struct big *big)
{
    static const char queue[] =
        "{\"metadata\":{\"name\":\"q\",\"uid\":\"uid-q\",\"resourceVersion\":\"1\"},"
        "\"spec\":{\"computeEnvironmentOrder\":[{\"order\":1,\"computeEnvironment\":\"e\"}]}}";
    static const char environment[] =
        "{\"metadata\":{\"name\":\"e\",\"uid\":\"uid-e\",\"resourceVersion\":\"1\"},"
        "\"spec\":{\"type\":\"UNMANAGED\",\"kubernetesNamespaces\":[\"n\"],"
        "\"nodeGroup\":{\"provider\":\"static\"}}}";
    AUTO(json_object) queue_doc = parse(queue);
    AUTO(json_object) environment_doc = parse(environment);
    struct err err = {0};
    int bad = job_queue_decode(queue_doc, &event_new(big, EVENT_QUEUE)->queue, &err);
    bad += compute_environment_decode(environment_doc,
                                      &event_new(big, EVENT_ENVIRONMENT)->environment, &err);
    for (int i = 0; i < NODES; i++) {
        AUTO_TEXT text = text_printf(
            "{\"metadata\":{\"name\":\"node-%d\",\"uid\":\"uid-node-%d\",\"resourceVersion\":\"1\","
            "\"labels\":{\"bulkhead.dev/compute-environment\":\"e\"}},\"status\":{\"conditions\":["
            "{\"type\":\"Ready\",\"status\":\"True\"}],\"allocatable\":{\"cpu\":\"%d\","
            "\"memory\":\"64Gi\",\"pods\":\"%d\"}}}",
            i, i, PODS_A_NODE, PODS_A_NODE);
        AUTO(json_object) doc = parse(text);
        bad += node_decode(doc, &event_new(big, EVENT_NODE)->node, &err);
    }
    if (bad != 0)
        fail(big, err.text);
}

/* The job as the API server has it: its spec, and the status that was written last. */
static void send_job(struct big *big)
{
    struct err err = {0};
    AUTO_TEXT meta = text_printf("{\"name\":\"big\",\"namespace\":\"n\",\"uid\":\"" JOB_UID "\","
                                 "\"generation\":1,\"resourceVersion\":\"%" PRIu64 "\"}",
                                 big->job_version);
    AUTO(json_object) doc = parse(big->job_text);
    json_put(doc, "metadata", parse(meta));
    if (big->job_status != NULL)
        json_put(doc, "status", parse(big->job_status));
    if (batch_job_decode(doc, &event_new(big, EVENT_JOB)->job, &err) < 0)
        fail(big, err.text);
}

static void send_state(struct big *big)
{
    struct err err = {0};
    AUTO_TEXT uid = NULL;
    AUTO_TEXT version = NULL;
    struct array_status *array = mem_new(sizeof(*array));
    AUTO(json_object) doc = parse(big->state);
    if (array_state_decode(doc, &uid, array, &version, &err) < 0) {
        fail(big, err.text);
        free(array);
        return;
    }
    struct event *event = event_new(big, EVENT_ARRAY_STATE);
    event->uid = JOB_UID;
    event->array = array;
    event->resource_version = big->state_version;
}

static struct pod *pod_convert_big(const struct big *big, const struct server_pod *from)
{
    struct pod *pod = mem_new(sizeof(*pod));
    pod->meta = (struct object_meta){
        .name = text_copy(from->name),
        .namespace_ = text_copy("n"),
        .uid = text_copy(from->uid),
        .resource_version = text_printf("%" PRIu64, from->version),
        .created_ns = from->created_ns,
        .has_finalizer = from->finalizer,
    };
    pod->node_name = text_copy(from->node);
    pod->phase = from->phase;
    pod->requests = (struct resources){.cpu_milli = 1000, .memory_bytes = 1 << 20, .pods = 1};
    pod->owner_kind = text_copy("BatchJob");
    pod->owner_uid = text_copy(JOB_UID);
    pod->job_uid = text_copy(JOB_UID);
    pod->job_name = text_copy("big");
    pod->queue = text_copy("q");
    pod->environment = text_copy("e");
    pod->node_uid = text_printf("uid-%s", from->node);
    pod->index = from->index;
    pod->count = 1;
    pod->try = from->try;
    pod->attempt = from->attempt;
    pod->containers_started = from->started_ns != 0;
    pod->started_ns = from->started_ns;
    pod->finished_ns = from->finished_ns;
    if (from->finished_ns != 0) {
        int code = big->pattern->exit_code(from->index, from->attempt);
        pod->exit_count = 1;
        pod->exits = mem_new(sizeof(*pod->exits));
        pod->exits[0] = (struct container_exit){
            .name = text_copy("c"),
            .exit_code = code,
            .reason = text_copy(code == 0 ? "Completed" : "Error"),
        };
    }
    return pod;
}

static void send_pod(struct big *big, const struct server_pod *pod)
{
    event_new(big, EVENT_POD)->pod = pod_convert_big(big, pod);
}

/* ------------------------------------------------------------------ the API server */

static struct event *answer(struct big *big, const struct action *action)
{
    struct event *event = event_new(big, EVENT_DONE);
    event->done = (struct done){.action_id = action->id, .result = DONE_OK};
    return event;
}

static struct server_pod *pod_of(struct big *big, const char *name)
{
    struct server_pod *pod = map_get(big->pods, name);
    if (pod == NULL)
        fail(big, "an action names a pod that is not there");
    return pod;
}

static void slot_add(struct big *big, struct server_pod *pod, uint64_t turns)
{
    struct server_pod **slot = &big->slots[(big->turn + turns) % SLOTS];
    pod->next = *slot;
    *slot = pod;
}

static void create(struct big *big, const struct action *action)
{
    const struct pod_order *order = &action->order;
    struct server_pod *pod = mem_new(sizeof(*pod));
    pod->name = text_copy(order->name);
    pod->uid = text_printf("p%" PRIu64, ++big->uids);
    pod->node = text_copy(order->node_name);
    pod->index = order->index;
    pod->try = order->try;
    pod->attempt = order->attempt;
    pod->version = ++big->version;
    pod->created_ns = big->now_ns;
    pod->finalizer = true;
    if (map_put(big->pods, pod->name, pod) != NULL)
        fail(big, "a pod was made twice");
    answer(big, action)->done.pod = pod_convert_big(big, pod);
    slot_add(big, pod, 1);
    big->measured.pods++;
    if (map_count(big->pods) > big->measured.pods_worst)
        big->measured.pods_worst = map_count(big->pods);
}

static void server_pod_free(struct server_pod *pod)
{
    free(pod->name);
    free(pod->uid);
    free(pod->node);
    free(pod);
}

static void delete_pod(struct big *big, const struct action *action)
{
    struct server_pod *pod = pod_of(big, action->name);
    answer(big, action);
    if (pod == NULL)
        return;
    if (pod->finalizer || pod->finished_ns == 0)
        fail(big, "a pod is deleted that is not over");
    map_remove(big->pods, pod->name);
    struct event *gone = event_new(big, EVENT_POD_GONE); /* the names live in the turn's arena */
    gone->namespace_ = "n";
    gone->name = arena_copy(big->arena, pod->name);
    gone->uid = arena_copy(big->arena, pod->uid);
    server_pod_free(pod);
}

static void array_texts_free(struct array_status *array)
{
    free(array->encoding);
    free(array->data);
    free(array->refusals);
    free(array->history);
    *array = (struct array_status){0};
}

/* As controller/execute_status.c writes it. */
static void write_status(struct big *big, const struct action *action)
{
    struct measured *measured = &big->measured;
    struct job_status status = *action->status;
    double start = cpu_s();
    int64_t bytes =
        array_status_pack(&status.array, action->children, action->refusals, action->history);
    array_texts_free(&big->last);
    big->last = status.array;
    if (array_status_is_large(&status.array)) {
        AUTO(json_object)
        state = array_state_encode(action->job, big->state_version, &status.array);
        text_set(&big->state, json_print(state));
        free(big->state_version);
        big->state_version = text_printf("%" PRIu64, ++big->version);
        array_status_move_out(&status.array);
        if (strlen(big->state) > measured->state_worst)
            measured->state_worst = strlen(big->state);
    }
    AUTO(json_object) doc = batch_job_status_encode(action->meta, &status, NULL, big->now_ns);
    const char *text = json_print(doc);
    double took = cpu_s() - start;
    measured->encode_s += took;
    if (took > measured->encode_worst_s)
        measured->encode_worst_s = took;
    if (strlen(text) > measured->status_worst)
        measured->status_worst = strlen(text);
    measured->writes++;
    text_set(&big->job_status, json_print(json_get_object(doc, "status")));
    big->job_version = ++big->version;
    big->phase = status.phase;
    struct done *done = &answer(big, action)->done;
    done->state_bytes = bytes;
    done->resource_version = arena_printf(big->arena, "%" PRIu64, big->job_version);
    done->array_version = arena_copy(big->arena, big->state_version);
}

static void carry_out(struct big *big, const struct action *action)
{
    struct server_pod *pod;
    switch (action->kind) {
    case ACTION_POD_CREATE:
        create(big, action);
        break;
    case ACTION_POD_RELEASE:
        pod = pod_of(big, action->name);
        if (pod != NULL) {
            pod->finalizer = false;
            pod->version = ++big->version;
        }
        answer(big, action);
        break;
    case ACTION_POD_DELETE:
        delete_pod(big, action);
        break;
    case ACTION_JOB_STATUS:
        write_status(big, action);
        break;
    case ACTION_EVENT:
        break;
    default:
        answer(big, action);
        break;
    }
}

/* What is due in this turn: a pod starts, or ends. */
static void kubelets(struct big *big)
{
    struct server_pod *due = big->slots[big->turn % SLOTS];
    struct server_pod *pod;
    big->slots[big->turn % SLOTS] = NULL;
    while ((pod = due) != NULL) {
        due = pod->next;
        pod->version = ++big->version;
        if (pod->started_ns == 0) {
            const uint32_t words[] = {pod->index, pod->attempt};
            pod->phase = POD_RUNNING;
            pod->started_ns = big->now_ns;
            slot_add(big, pod, 1 + hash_bytes(words, sizeof(words), 3) % (SLOTS - 2));
        } else {
            bool good = big->pattern->exit_code(pod->index, pod->attempt) == 0;
            pod->phase = good ? POD_SUCCEEDED : POD_FAILED;
            pod->finished_ns = big->now_ns;
        }
        send_pod(big, pod);
    }
}

/* ------------------------------------------------------------------ turns */

static void turn(struct big *big)
{
    struct measured *measured = &big->measured;
    struct plan plan;
    big->turn++;
    big->now_ns += TURN_NS;
    kubelets(big);
    double start = cpu_s();
    for (size_t i = 0; i < big->event_count; i++) {
        big->events[i].now_ns = big->now_ns;
        core_apply(big->core, &big->events[i]);
    }
    measured->events += big->event_count;
    big->event_count = 0;
    arena_reset(big->arena);
    core_plan(big->core, big->now_ns, big->arena, &plan);
    double took = cpu_s() - start;
    measured->core_s += took;
    measured->turns++;
    if (big->starting)
        measured->start_s = took;
    else if (took > measured->turn_worst_s)
        measured->turn_worst_s = took;
    big->starting = false;
    for (size_t i = 0; i < plan.action_count; i++)
        carry_out(big, &plan.actions[i]);
}

static void check_core(struct big *big)
{
    AUTO_TEXT found = core_check(big->core);
    if (found != NULL)
        fail(big, found);
}

/* The process dies; the next one reads what there is. */
static void start(struct big *big)
{
    for (size_t i = 0; i < big->event_count; i++) {
        if (big->events[i].kind == EVENT_DONE)
            pod_free(big->events[i].done.pod);
        else if (big->events[i].kind == EVENT_POD)
            pod_free(big->events[i].pod);
    }
    big->event_count = 0;
    big->core = core_free(big->core);
    big->core = core_new(NULL);
    send_world(big);
    send_job(big);
    if (big->state != NULL)
        send_state(big);
    size_t at = 0;
    const struct server_pod *pod;
    while ((pod = map_next(big->pods, &at, NULL)) != NULL)
        send_pod(big, pod);
    event_new(big, EVENT_SYNCED);
    big->starting = true;
}

/* Until nothing is left to do; false: it did not come to that. */
static bool run(struct big *big)
{
    uint64_t turns_max = 20000 + (uint64_t)big->size;
    bool restarted = false;
    while (big->measured.turns < turns_max && !big->failed) {
        turn(big);
        struct core_counts counts;
        core_counts(big->core, &counts);
        int64_t ended = counts.jobs_by_phase[JOB_SUCCEEDED] + counts.jobs_by_phase[JOB_FAILED];
        if (!restarted && ended >= big->size / 2 && ended < big->size) {
            restarted = true;
            check_core(big);
            start(big);
        }
        if (big->phase >= JOB_SUCCEEDED && map_count(big->pods) == 0)
            return true;
    }
    return false;
}

/* ------------------------------------------------------------------ the verdict */

static struct child_record wanted(const struct big *big, uint32_t index)
{
    for (uint8_t attempt = 1; attempt <= big->pattern->attempts; attempt++) {
        if (big->pattern->exit_code(index, attempt) == 0)
            return (struct child_record){CHILD_SUCCEEDED, attempt};
    }
    return (struct child_record){CHILD_FAILED, (uint8_t)big->pattern->attempts};
}

/* False: not all of its ends are told. What is told must be true. */
static bool check_ends(struct big *big, const struct array_history *history, uint32_t index)
{
    struct child_record want = wanted(big, index);
    struct history_end ends[HISTORY_CHILD_MAX];
    size_t failed = want.attempts - (want.outcome == CHILD_SUCCEEDED ? 1U : 0U);
    size_t count = history != NULL ? array_history_read(history, index, ends) : 0;
    bool told = count == failed;
    for (size_t i = 0; i < count; i++) {
        told = told && ends[i].told;
        if (ends[i].told &&
            ends[i].exit_code.value != big->pattern->exit_code(index, (uint32_t)i + 1))
            fail(big, "the history tells another exit code");
    }
    return told;
}

static void check_history(struct big *big, const struct child_record *records)
{
    struct err err = {0};
    AUTO(array_history) history = NULL;
    int64_t left_out = 0;
    if (array_history_unpack(big->last.history, records, big->size, &history, &err) < 0)
        fail(big, err.text);
    for (uint32_t i = 0; i < big->size && !big->failed; i++)
        left_out += !check_ends(big, history, i);
    if (left_out != big->last.history_left_out)
        fail(big, "another number of children is left out than told");
}

static void check_children(struct big *big)
{
    struct err err = {0};
    struct child_record *records = mem_new(big->size * sizeof(*records));
    int64_t failed = 0;
    if (array_state_unpack(big->last.encoding, big->last.data, records, big->size, &err) < 0)
        fail(big, err.text);
    for (uint32_t i = 0; i < big->size && !big->failed; i++) {
        struct child_record want = wanted(big, i);
        failed += want.outcome == CHILD_FAILED;
        if (records[i].outcome != want.outcome || records[i].attempts != want.attempts)
            fail(big, "a child is not recorded as it ended");
    }
    check_history(big, records);
    free(records);
    if (!big->failed && big->last.counts[JOB_FAILED] != failed)
        fail(big, "the count of failed children is wrong");
    if (!big->failed && (big->phase == JOB_FAILED) != (failed > 0))
        fail(big, "the job did not end as its children did");
}

static void print_measured(const struct big *big, double wall_s)
{
    const struct measured *m = &big->measured;
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    printf("array of %u, %s: %s, %" PRIu64 " pods, %" PRIu64 " turns of 100 ms virtual, %" PRIu64
           " events\n",
           big->size, big->pattern->name, job_phase_name(big->phase), m->pods, m->turns, m->events);
    printf("largest status %zu bytes, largest ArrayState %zu bytes, %" PRIu64
           " status writes; at the end %zu bytes of history, %" PRId64 " children left out\n",
           m->status_worst, m->state_worst, m->writes,
           big->last.history != NULL ? strlen(big->last.history) : 0, big->last.history_left_out);
    printf(
        "wall %.1f s; CPU of the core %.2f s, its worst turn %.1f ms, the start halfway %.1f ms; "
        "CPU of encoding %.2f s, worst write %.1f ms\n",
        wall_s, m->core_s, m->turn_worst_s * 1e3, m->start_s * 1e3, m->encode_s,
        m->encode_worst_s * 1e3);
    printf("at most %zu pods in the API server; peak memory %ld MiB, the pretended API server's "
           "included\n",
           m->pods_worst, used.ru_maxrss / 1024);
}

static void big_done(struct big *big)
{
    for (size_t i = 0; i < big->event_count; i++) {
        if (big->events[i].kind == EVENT_DONE)
            pod_free(big->events[i].done.pod);
        else if (big->events[i].kind == EVENT_POD)
            pod_free(big->events[i].pod);
    }
    core_free(big->core);
    size_t at = 0;
    struct server_pod *pod;
    while ((pod = map_next(big->pods, &at, NULL)) != NULL)
        server_pod_free(pod);
    map_free(big->pods);
    arena_free(big->arena);
    array_texts_free(&big->last);
    free(big->events);
    free(big->job_text);
    free(big->job_status);
    free(big->state);
    free(big->state_version);
}

static bool run_pattern(uint32_t size, const struct pattern *pattern)
{
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    struct big big = {
        .pattern = pattern,
        .size = size,
        .now_ns = START_S * NS_PER_S,
        .arena = arena_new(0),
        .pods = map_new(),
        .job_version = 1,
        .version = 1,
    };
    big.job_text = text_printf(
        "{\"spec\":{\"jobQueue\":\"q\",\"arrayProperties\":{\"size\":%u},"
        "\"retryStrategy\":{\"attempts\":%d},\"template\":{\"spec\":{\"containers\":[{\"name\":"
        "\"c\",\"image\":\"i\",\"resources\":{\"requests\":{\"cpu\":\"1\",\"memory\":\"1Mi\"}}}]}}}"
        "}",
        size, pattern->attempts);
    start(&big);
    if (!run(&big) && !big.failed)
        fail(&big, "the array does not end");
    if (big.measured.pods_worst > PODS_MAX)
        fail(&big, "too many pods pile up in the API server");
    if (!big.failed) {
        check_core(&big);
        check_children(&big);
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    print_measured(&big,
                   (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) * 1e-9);
    bool good = !big.failed;
    big_done(&big);
    return good;
}

int array_main(const char *size_text, const char *pattern_name)
{
    char *end = NULL;
    unsigned long size = strtoul(size_text, &end, 10);
    bool good = *size_text != '\0' && *end == '\0' && size > 0 && size <= JOB_ARRAY_SIZE_MAX;
    uint64_t passed = 0, failed = 0;
    for (size_t i = 0; good && i < ARRAY_LEN(patterns); i++) {
        if (pattern_name != NULL && strcmp(patterns[i].name, pattern_name) != 0)
            continue;
        if (run_pattern((uint32_t)size, &patterns[i]))
            passed++;
        else
            failed++;
    }
    if (passed + failed == 0) {
        fprintf(stderr,
                "usage: sim --array 1..%d [--pattern all|third-fails-twice|alternating|"
                "random]\n",
                JOB_ARRAY_SIZE_MAX);
        return 2;
    }
    printf("%" PRIu64 " passed, %" PRIu64 " failed\n", passed, failed);
    return failed > 0 ? 1 : 0;
}
