/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - bench-core: what decisions cost, without anything around the core
 *
 *     build/bench-core [--tasks N] [--nodes N] [--samples N]
 *
 * One JSON object a line, for hack/bench: {"name": ..., "unit": ..., "value": ...}. Times are CPU
 * time of core_apply and core_plan; making the events is not counted. */
#include "bulkhead/api/job.h"
#include "bulkhead/api/node.h"
#include "bulkhead/api/policy.h"
#include "bulkhead/api/queue.h"
#include "bulkhead/core/core.h"
#include "bulkhead/json/get.h"
#include "src/core/purchase.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PODS_A_NODE = 110, START_S = 1700000000, CLASSES = 1000, VCPUS = 16 };

struct bench {
    struct core *core;
    struct arena *arena;
    int64_t now_ns;
    int64_t nodes; /* machines of environment m, or nodes of environment s */
    uint64_t jobs, pods, creates, actions;
    double core_s; /* in the core */
    bool managed;
    bool fair;        /* its queue has shares */
    int64_t share;    /* of the next job */
    struct pod *last; /* as it was made */
};

static double cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void row(const char *name, const char *unit, double value)
{
    printf("{\"name\":\"%s\",\"unit\":\"%s\",\"value\":%.6g}\n", name, unit, value);
    (void)fflush(stdout);
}

static void check(int result, const struct err *err)
{
    if (result >= 0)
        return;
    (void)fprintf(stderr, "bench-core: %s\n", err->text);
    exit(1);
}

/* ------------------------------------------------------------------- the world */

static void apply(struct bench *bench, struct event *event)
{
    event->now_ns = bench->now_ns;
    double start = cpu_s();
    core_apply(bench->core, event);
    bench->core_s += cpu_s() - start;
}

static struct json_object *parse(const char *text)
{
    struct json_object *doc = NULL;
    struct err err = {0};
    check(json_parse(text, strlen(text), &doc, &err), &err);
    return doc;
}

static void add_groups(struct bench *bench)
{
    struct err err = {0};
    struct event queue = {.kind = EVENT_QUEUE}, environment = {.kind = EVENT_ENVIRONMENT};
    AUTO_TEXT text = text_printf(
        "{\"metadata\":{\"name\":\"e\",\"uid\":\"uid-e\",\"resourceVersion\":\"1\"},\"spec\":"
        "{\"kubernetesNamespaces\":[\"n\"],%s}}",
        bench->managed ? "\"type\":\"MANAGED\",\"computeResources\":{\"maxvCpus\":1000000},"
                         "\"nodeGroup\":{\"provider\":\"command\",\"command\":{\"program\":\"p\"}}"
                       : "\"type\":\"UNMANAGED\",\"nodeGroup\":{\"provider\":\"static\"}");
    AUTO(json_object) environment_doc = parse(text);
    AUTO(json_object)
    queue_doc = parse(
        "{\"metadata\":{\"name\":\"q\",\"uid\":\"uid-q\",\"resourceVersion\":\"1\"},"
        "\"spec\":{\"computeEnvironmentOrder\":[{\"order\":1,\"computeEnvironment\":\"e\"}]}}");
    AUTO(json_object)
    policy_doc = parse("{\"metadata\":{\"name\":\"p\",\"uid\":\"uid-p\"},\"spec\":{}}");
    struct event policy = {.kind = EVENT_POLICY};
    check(compute_environment_decode(environment_doc, &environment.environment, &err), &err);
    check(job_queue_decode(queue_doc, &queue.queue, &err), &err);
    check(scheduling_policy_decode(policy_doc, &policy.policy, &err), &err);
    queue.queue->policy = bench->fair ? text_copy("p") : NULL;
    apply(bench, &policy);
    environment.environment->meta.has_finalizer = queue.queue->meta.has_finalizer = true;
    environment.environment->max_vcpus = bench->nodes * VCPUS;
    apply(bench, &environment);
    apply(bench, &queue);
}

static void add_nodes(struct bench *bench)
{
    for (int64_t i = 0; i < bench->nodes; i++) {
        struct err err = {0};
        struct event event = {.kind = EVENT_NODE};
        AUTO_TEXT text = text_printf(
            "{\"metadata\":{\"name\":\"node-%" PRId64 "\",\"uid\":\"uid-node-%" PRId64 "\","
            "\"resourceVersion\":\"1\",\"labels\":{\"bulkhead.dev/compute-environment\":\"e\"}},"
            "\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}],"
            "\"allocatable\":{\"cpu\":\"%d\",\"memory\":\"256Gi\",\"pods\":\"%d\"}}}",
            i, i, bench->managed ? VCPUS : PODS_A_NODE, PODS_A_NODE);
        AUTO(json_object) doc = parse(text);
        check(node_decode(doc, &event.node, &err), &err);
        apply(bench, &event);
    }
}

/* A job of its own class: so many milli-CPUs and MiB. */
static void add_job(struct bench *bench, int64_t children, int64_t cpu_milli, int64_t mib)
{
    struct err err = {0};
    struct event event = {.kind = EVENT_JOB};
    uint64_t id = ++bench->jobs;
    AUTO_TEXT array = children > 1
                          ? text_printf("\"arrayProperties\":{\"size\":%" PRId64 "},", children)
                          : text_copy("");
    AUTO_TEXT text = text_printf(
        "{\"metadata\":{\"name\":\"job-%08" PRIu64 "\",\"namespace\":\"n\",\"uid\":\"uid-%" PRIu64
        "\",\"generation\":1,\"resourceVersion\":\"1\"},\"spec\":{\"jobQueue\":\"q\",%s"
        "\"template\":{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"resources\":"
        "{\"requests\":{\"cpu\":\"%" PRId64 "m\",\"memory\":\"%" PRId64 "Mi\"}}}]}}}}",
        id, id, array, cpu_milli, mib);
    AUTO(json_object) doc = parse(text);
    check(batch_job_decode(doc, &event.job, &err), &err);
    event.job->meta.created_ns = bench->now_ns;
    if (bench->fair)
        event.job->share = text_printf("s%" PRId64, bench->share);
    apply(bench, &event);
}

static void answer_observe(struct bench *bench, struct event *event)
{
    struct instances all = {.items = NULL};
    for (int64_t i = 0; bench->managed && i < bench->nodes; i++) {
        AUTO_TEXT id = text_printf("node-%" PRId64, i);
        instances_add(&all, &(struct instance){.id = id,
                                               .node_name = id,
                                               .state = INSTANCE_RUNNING,
                                               .launched_ns = bench->now_ns});
        text_set(&all.items[all.count - 1].type, "m");
    }
    event->done.instances = &all;
    apply(bench, event);
    event->done.instances = NULL;
    instances_done(&all);
}

/* What a task of the job asks for: a class of its own for each of CLASSES jobs in a row. */
static int64_t job_cpu_milli(uint64_t job)
{
    return 100 + (int64_t)(job % CLASSES) % 40 * 10;
}
static int64_t job_mib(uint64_t job)
{
    return 64 + (int64_t)(job % CLASSES);
}

static struct pod *pod_made(struct bench *bench, const struct pod_order *order)
{
    struct pod *pod = mem_new(sizeof(*pod));
    const struct object_meta *job = &order->job->meta;
    uint64_t id = ++bench->pods, number = strtoull(job->name + strlen("job-"), NULL, 10);
    pod->meta = (struct object_meta){.name = text_copy(order->name),
                                     .namespace_ = text_copy("n"),
                                     .uid = text_printf("p%" PRIu64, id),
                                     .resource_version = text_printf("%" PRIu64, id + 1),
                                     .created_ns = bench->now_ns,
                                     .has_finalizer = true};
    pod->node_name = text_copy(order->node_name);
    pod->phase = POD_PENDING;
    pod->requests = (struct resources){
        .cpu_milli = job_cpu_milli(number), .memory_bytes = job_mib(number) << 20, .pods = 1};
    pod->owner_kind = text_copy("BatchJob");
    pod->owner_uid = text_copy(job->uid);
    pod->job_uid = text_copy(job->uid);
    pod->job_name = text_copy(job->name);
    pod->queue = text_copy("q");
    pod->environment = text_copy("e");
    pod->node_uid = text_printf("uid-%s", order->node_name);
    pod->index = order->index;
    pod->count = 1;
    pod->try = order->try;
    pod->attempt = order->attempt;
    return pod;
}

/* ------------------------------------------------------------------------ turns */

static const char *version(struct bench *bench)
{
    return arena_printf(bench->arena, "%" PRIu64, 1000000000 + ++bench->actions);
}

/* A patient API server and a node group that has all its machines already. */
static void carry_out(struct bench *bench, const struct action *action)
{
    struct event event = {.kind = EVENT_DONE};
    event.done = (struct done){.action_id = action->id, .result = DONE_OK};
    struct instance_type type = {.name = text_copy("m"),
                                 .vcpus = VCPUS,
                                 .price = 1,
                                 .interruption = -1,
                                 .available = -1,
                                 .capacity = {.cpu_milli = VCPUS * 1000,
                                              .memory_bytes = (int64_t)256 << 30,
                                              .pods = PODS_A_NODE}};
    switch ((int)action->kind) {
    case ACTION_EVENT:
        instance_type_done(&type);
        return;
    case ACTION_POD_CREATE:
        bench->creates++;
        event.done.pod = pod_made(bench, &action->order);
        pod_free(bench->last);
        bench->last = bench->fair ? pod_made(bench, &action->order) : NULL;
        apply(bench, &event);
        break;
    case ACTION_PROVIDER_TYPES:
        event.done.types = &type;
        event.done.type_count = 1;
        apply(bench, &event);
        break;
    case ACTION_PROVIDER_OBSERVE:
        answer_observe(bench, &event);
        break;
    default:
        event.done.resource_version = version(bench);
        apply(bench, &event);
        break;
    }
    instance_type_done(&type);
}

/* One turn: what is planned is carried out at once; how many actions. */
static size_t turn(struct bench *bench)
{
    struct plan plan;
    struct arena *arena = arena_new(0);
    double start = cpu_s();
    core_plan(bench->core, bench->now_ns, arena, &plan);
    bench->core_s += cpu_s() - start;
    for (size_t i = 0; i < plan.action_count; i++)
        carry_out(bench, &plan.actions[i]);
    arena_free(arena);
    arena_reset(bench->arena);
    return plan.action_count;
}

/* Turns for so long, or until there is nothing more to create. */
static void settle(struct bench *bench, int64_t seconds)
{
    int64_t until_ns = bench->now_ns + seconds * NS_PER_S;
    while (bench->now_ns < until_ns) {
        while (turn(bench) > 0)
            bench->now_ns += NS_PER_MS;
        bench->now_ns += NS_PER_S;
    }
}

static void bench_open(struct bench *bench, int64_t nodes, bool managed, bool fair)
{
    *bench = (struct bench){.core = core_new(NULL),
                            .arena = arena_new(0),
                            .now_ns = (int64_t)START_S * NS_PER_S,
                            .nodes = nodes,
                            .managed = managed,
                            .fair = fair};
    add_groups(bench);
    add_nodes(bench);
    apply(bench, &(struct event){.kind = EVENT_SYNCED});
    settle(bench, 2);
}

static void bench_close(struct bench *bench)
{
    core_free(bench->core);
    arena_free(bench->arena);
    pod_free(bench->last);
}

/* ------------------------------------------------------------------------ figures */

static void bench_tasks(int64_t tasks, int64_t nodes)
{
    struct bench bench;
    int64_t children = tasks / CLASSES;
    bench_open(&bench, nodes, false, false);
    for (int i = 0; i < CLASSES; i++)
        add_job(&bench, children, job_cpu_milli(bench.jobs + 1), job_mib(bench.jobs + 1));
    bench.core_s = 0;
    uint64_t before = 0;
    do {
        before = bench.creates;
        turn(&bench);
        bench.now_ns += NS_PER_MS;
    } while (bench.creates > before);
    AUTO_TEXT name = text_printf("%" PRIu64 " tasks in %d classes onto %" PRId64 " nodes",
                                 bench.creates, CLASSES, nodes);
    row(name, "decisions/s", (double)bench.creates / bench.core_s);
    bench_close(&bench);
}

static int compare_doubles(const void *a, const void *b)
{
    const double *left = a, *right = b;
    return *left < *right ? -1 : *left > *right;
}

/* All machines are full and maxvCpus is reached; waiting jobs stand in line, and one comes. */
static double bench_turn(int64_t waiting, int64_t nodes, int samples)
{
    struct bench bench;
    double *took = mem_new((size_t)samples * sizeof(*took));
    bench_open(&bench, nodes, true, false);
    add_job(&bench, nodes, VCPUS * 1000, 1024);
    settle(&bench, 5);
    if ((int64_t)bench.creates != nodes)
        (void)fprintf(stderr, "bench-core: only %" PRIu64 " machines are full\n", bench.creates);
    for (int64_t i = 0; i < waiting; i++)
        add_job(&bench, 1, 500 + job_cpu_milli(bench.jobs + 1), job_mib(bench.jobs + 1));
    settle(&bench, 20);
    for (int i = 0; i < samples; i++) {
        bench.now_ns += 10 * NS_PER_MS;
        turn(&bench); /* what time has made due is not the job's */
        bench.now_ns += NS_PER_MS;
        bench.core_s = 0;
        add_job(&bench, 1, 500 + job_cpu_milli(bench.jobs + 1), job_mib(bench.jobs + 1));
        struct plan plan;
        struct arena *arena = arena_new(0);
        double start = cpu_s();
        core_plan(bench.core, bench.now_ns, arena, &plan);
        took[i] = bench.core_s + cpu_s() - start;
        for (size_t a = 0; a < plan.action_count; a++)
            carry_out(&bench, &plan.actions[a]);
        arena_free(arena);
    }
    qsort(took, (size_t)samples, sizeof(*took), compare_doubles);
    double median = took[samples / 2] * 1e6;
    AUTO_TEXT name =
        text_printf("a job arrives, %" PRId64 " wait, %" PRId64 " nodes", waiting, nodes);
    row(name, "us a turn", median);
    free(took);
    bench_close(&bench);
    return median;
}

/* The pod that was made last has ended, and somebody else's turn has come. */
static double end_last(struct bench *bench)
{
    struct pod *pod = bench->last;
    struct plan plan;
    AUTO(arena) arena = arena_new(0);
    bench->last = NULL;
    if (pod == NULL) {
        (void)fprintf(stderr, "bench-core: nothing started\n");
        exit(1);
    }
    text_set(&pod->meta.resource_version, version(bench));
    text_set(&pod->meta.uid, NULL);
    pod->meta.uid =
        text_printf("p%" PRIu64, bench->pods - 1); /* it was made twice: this is the copy */
    pod->phase = POD_SUCCEEDED;
    pod->containers_started = true;
    pod->started_ns = pod->meta.created_ns;
    pod->finished_ns = bench->now_ns;
    bench->core_s = 0;
    apply(bench, &(struct event){.kind = EVENT_POD, .pod = pod});
    double start = cpu_s();
    core_plan(bench->core, bench->now_ns, arena, &plan);
    double took = bench->core_s + cpu_s() - start;
    for (size_t a = 0; a < plan.action_count; a++)
        carry_out(bench, &plan.actions[a]);
    return took;
}

/* Every share has a pod, on full nodes, and one that waits: one ends, and the next share is due. */
static double bench_shares(int64_t shares, int samples)
{
    struct bench bench;
    double *took = mem_new((size_t)samples * sizeof(*took));
    bench_open(&bench, (shares + PODS_A_NODE - 1) / PODS_A_NODE, false, true);
    for (int64_t i = 0; i < 2 * bench.nodes * PODS_A_NODE + samples; i++) {
        bench.share = i % shares;
        add_job(&bench, 1, job_cpu_milli(bench.jobs + 1), job_mib(bench.jobs + 1));
    }
    settle(&bench, 20);
    double seconds = 0;
    for (int i = 0; i < samples; i++) {
        settle(&bench, 3);
        bench.core_s = 0;
        turn(&bench); /* what time has made due is not the pod's */
        seconds += bench.core_s;
        bench.now_ns += NS_PER_MS;
        took[i] = end_last(&bench);
    }
    qsort(took, (size_t)samples, sizeof(*took), compare_doubles);
    double median = took[samples / 2] * 1e6;
    AUTO_TEXT name = text_printf("a pod ends, %" PRId64 " shares wait for their turn", shares);
    AUTO_TEXT first = text_printf("a new second, %" PRId64 " shares wait for their turn", shares);
    row(name, "us a turn", median);
    row(first, "us a turn, mean", seconds / samples * 1e6);
    free(took);
    bench_close(&bench);
    return median;
}

/* ------------------------------------------------------------------------ purchase */

static uint64_t draws = 88172645463325252;
static int64_t draw(int64_t from, int64_t to)
{
    draws ^= draws << 13;
    draws ^= draws >> 7;
    draws ^= draws << 17;
    return from + (int64_t)(draws % (uint64_t)(to - from + 1));
}

/* 50 families of 8 sizes, with 2 to 16 GiB a vCPU and prices as clouds have them; classes of an
 * eighth of a vCPU to 8, with half to 12 GiB for each. */
static void bench_purchase(size_t class_count, int64_t pods)
{
    enum { TYPES = 400 };
    static const double per_vcpu[] = {0.0425, 0.048, 0.063, 0.0504, 0.0378, 0.09};
    static const int64_t gib[] = {2, 4, 8, 4, 2, 16};
    static const int64_t sizes[] = {2, 4, 8, 16, 32, 64, 96, 192};
    AUTO(arena) arena = arena_new(0);
    struct purchase_type *types = arena_alloc(arena, TYPES * sizeof(*types));
    struct purchase_class *classes = arena_alloc(arena, class_count * sizeof(*classes));
    for (size_t t = 0; t < TYPES; t++) {
        size_t family = t / 8, shape = family % 6, generation = family / 6;
        int64_t vcpus = sizes[t % 8];
        types[t] = (struct purchase_type){
            .room = {vcpus * 1000 - 80, vcpus * gib[shape] * 1024 - 500 - vcpus * 20, 0,
                     vcpus < 28 ? 110 : vcpus * 4},
            .price = per_vcpu[shape] * (double)vcpus *
                     (1 + 0.01 * (double)generation + 0.002 * (double)draw(0, 9)),
            .vcpus = vcpus,
            .limit = -1,
        };
    }
    for (size_t c = 0; c < class_count; c++) {
        int64_t cpu_milli = draw(1, 64) * 125, per_cpu = (int64_t)1024 << draw(0, 3);
        classes[c] = (struct purchase_class){
            .needs = {cpu_milli, cpu_milli * per_cpu / 1000 * draw(50, 150) / 100, 0, 1},
            .count = pods / (int64_t)class_count,
        };
    }
    const struct purchase_problem problem = {.classes = classes,
                                             .class_count = class_count,
                                             .types = types,
                                             .type_count = TYPES,
                                             .vcpus_max = INT32_MAX};
    struct purchase_plan plan;
    double start = cpu_s();
    purchase_make(arena, &problem, &plan);
    double took = cpu_s() - start;
    AUTO_TEXT what = text_printf("plan for %" PRId64 " pods of %zu classes on %d types", pods,
                                 class_count, TYPES);
    AUTO_TEXT single = text_printf("%s: price, by the best single type's", what);
    AUTO_TEXT bound = text_printf("%s: price, by the lower bound", what);
    row(what, "s", took);
    row(single, "x", plan.price / plan.single_price);
    row(bound, "x", plan.price / plan.bound);
}

static int64_t option(int argc, char **argv, const char *name, int64_t otherwise)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], name) == 0)
            return strtoll(argv[i + 1], NULL, 10);
    }
    return otherwise;
}

int main(int argc, char **argv)
{
    int64_t nodes = option(argc, argv, "--nodes", 10000);
    int samples = (int)option(argc, argv, "--samples", 200);
    int64_t tasks = option(argc, argv, "--tasks", 1000000);
    double few = bench_shares(10, samples);
    (void)bench_shares(1000, samples);
    row("a pod ends: 10000 shares by 10", "x", bench_shares(10000, samples) / few);
    bench_purchase(1000, 20000);
    bench_purchase(100, 20000);
    double least = bench_turn(1000, nodes, samples);
    (void)bench_turn(10000, nodes, samples);
    row("a job arrives: 100000 waiting by 1000", "x", bench_turn(100000, nodes, samples) / least);
    bench_tasks(tasks, nodes);
    return 0;
}
