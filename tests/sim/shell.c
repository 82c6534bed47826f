/* SPDX-License-Identifier: Apache-2.0 */
/* shell.c - the process around the core: turns, requests in flight and their faults, crashes
 *
 * Plays controller/. What was observed is applied at once; a turn plans some time after. Each
 * action becomes a request that owns copies, commits after one delay and is answered after another,
 * in any order among those in flight. Between the two the process may die: then the answer goes
 * nowhere, and what had not committed yet may still do so. As DESIGN.md says (Truth, 7), what a
 * dead process has signed is fenced once the next one has started. */
#include "sim/world.h"

#include "bulkhead/base/map.h"
#include "bulkhead/base/str.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const result_names[] = {
    [DONE_OK] = "OK",
    [DONE_EXISTS] = "EXISTS",
    [DONE_NOT_FOUND] = "NOT_FOUND",
    [DONE_CONFLICT] = "CONFLICT",
    [DONE_REFUSED] = "REFUSED",
    [DONE_QUOTA] = "QUOTA",
    [DONE_FORBIDDEN] = "FORBIDDEN",
    [DONE_AGAIN] = "AGAIN",
    [DONE_UNKNOWN] = "UNKNOWN",
};

/* --- Turns -------------------------------------------------------------------------------------
 */

static void send(struct world *world, const struct action *action);

static void hash_plan(struct world *world, const struct plan *plan)
{
    AUTO_STR text = STR_EMPTY;
    plan_print(plan, &text);
    str_addf(&text, "wake %lld\n", (long long)plan->wake_ns);
    world->plan_hash = hash_bytes(str_text(&text), text.size, world->plan_hash);
}

static void run_turn(struct world *world, struct task *task);

/* One alarm, moved when a plan asks for another time: most plans ask for the same one again. */
static void wake_at(struct world *world, int64_t wake_ns)
{
    struct task *wake = &world->wake;
    int64_t due_ns = wake_ns > world->now_ns ? wake_ns : world->now_ns + 1000;
    wake->run = run_turn;
    if (wake_ns == INT64_MAX)
        timer_clear(&world->tasks, &wake->timer);
    else if (!timer_is_set(&wake->timer) || wake->timer.due_ns != due_ns)
        timer_set(&world->tasks, &wake->timer, due_ns);
}

static void run_turn(struct world *world, struct task *task)
{
    bool rang = task == &world->wake; /* only the clock; else a turn that was asked for */
    if (world->core == NULL || (!rang && (uint64_t)task->n != world->process))
        return;
    if (!rang)
        world->turn_set = false;

    struct plan plan = {0};
    core_plan(world->core, world->now_ns, world->turn_arena, &plan);
    world->counters.turns++;
    if (world->hash_plans)
        hash_plan(world, &plan);
    life_plan(world, &plan);
    oracle_planned(world, &plan);
    capacity_planned(world, &plan);

    uint64_t process = world->process;
    for (size_t i = 0; i < plan.action_count && !world->failed; i++) {
        send(world, &plan.actions[i]);
        if (world->process != process || world->core == NULL) {
            arena_reset(world->turn_arena);
            return; /* died while sending */
        }
    }
    oracle_backfill_sent(world, &plan);
    arena_reset(world->turn_arena);
    oracle_turn_sent(world);

    wake_at(world, plan.wake_ns);
}

static void want_turn(struct world *world)
{
    if (world->turn_set)
        return;
    world->turn_set = true;
    int64_t delay_ns = chance(world, 250) ? draw(world, 0, 4000) * 1000 : 0;
    after(world, delay_ns, run_turn, NULL, NULL, (int64_t)world->process);
}

void shell_apply(struct world *world, struct event *event)
{
    assert(world->core != NULL);
    world->counters.events++;
    life_event(world, event);
    capacity_event(world, event);
    core_apply(world->core, event);
    want_turn(world);
}

/* --- Answers -----------------------------------------------------------------------------------
 */

static void forget(struct request *request)
{
    *request->link = request->next;
    if (request->next != NULL)
        request->next->link = request->link;
    request->dead = true;
}

bool shell_is_idle(const struct world *world)
{
    return world->requests == NULL;
}

/* Every other type is to be had in two zones. */
static struct text_list zones_of(size_t type)
{
    static char west[] = "west", east[] = "east";
    static char *both[] = {west, east};
    return type % 2 == 0 ? (struct text_list){.items = both, .count = ARRAY_LEN(both)}
                         : (struct text_list){.items = NULL};
}

static void answer_types(const struct world *world, const struct request *request,
                         struct done *done, struct instance_type types[TYPES_MAX])
{
    double dear = capacity_dear(world, request->environment) ? 3 : 1;
    for (size_t i = 0; i < world->type_count; i++) {
        const struct machine_type *type = &world->types[i];
        union {
            const char *in;
            char *out;
        } name = {.in = type->name}; /* borrowed for the call */
        types[i] = (struct instance_type){
            .name = name.out,
            .vcpus = type->vcpus,
            .capacity = {.cpu_milli = type->vcpus * 1000,
                         .memory_bytes = type->memory_mib * 1024 * 1024,
                         .pods = 20},
            .price = dear * (double)type->price,
            .spot_price = dear * (double)type->spot_price,
            .interruption = type->interruption,
            .zones = zones_of(i),
            .available = -1,
        };
    }
    done->types = types;
    done->type_count = world->type_count;
}

static void run_answer(struct world *world, struct task *task)
{
    struct request *request = task->a;
    if (request->dead || world->core == NULL || request->process != world->process)
        return;
    forget(request);
    if (request->result != DONE_OK)
        request->self->settled = true;
    request->self->unclear = request->result == DONE_UNKNOWN;

    struct instance_type types[TYPES_MAX];
    struct event event = {.kind = EVENT_DONE, .now_ns = world->now_ns};
    event.done = (struct done){
        .action_id = request->id,
        .result = request->result,
        .message = request->result == DONE_OK ? NULL : "the server's words",
        .resource_version = request->ret_version,
        .array_version = request->ret_array_version,
        .pod = request->result == DONE_OK && request->ret_pod != NULL
                   ? pod_convert(request->ret_pod)
                   : NULL,
        .definition = request->ret_revision != NULL &&
                              (request->result == DONE_OK || request->result == DONE_EXISTS)
                          ? revision_convert(request->ret_revision)
                          : NULL,
        .uid = request->ret_uid,
        .provider = request->provider,
        .instances = &request->instances,
    };
    capacity_heard(world, request);
    if (request->kind == ACTION_PROVIDER_TYPES && request->provider == PROVIDER_OK)
        answer_types(world, request, &event.done, types);
    if (request->provider != PROVIDER_OK)
        event.done.message = "the provider's words";
    if (request->kind != ACTION_PROVIDER_OBSERVE || request->provider != PROVIDER_OK)
        STORY(world, "answer #%llu %s %s%s", (unsigned long long)request->id,
              action_kind_name(request->kind), result_names[request->result],
              request->provider != PROVIDER_OK ? " provider error" : "");
    if (request->seen != NULL) {
        struct event fresh = {.now_ns = world->now_ns};
        event_fill(request->seen, false, &fresh);
        shell_apply(world, &fresh);
    }
    shell_apply(world, &event);
    if (request->crashes)
        shell_crash(world, draw_ms(world, 100, 3000));
}

static void answer_after(struct world *world, struct request *request, int64_t delay_ns)
{
    after(world, delay_ns, run_answer, request, NULL, 0);
}

/* What manifests/default/fence.yaml refuses from who led before. In one world of sixteen the fence
 * is behind, and lets pass what it would not do twice: all but what makes or frees a pod. */
static bool is_fenced(const struct world *world, enum action_kind kind)
{
    switch (kind) {
    case ACTION_POD_CREATE:
    case ACTION_POD_RELEASE:
    case ACTION_POD_MARK:
        return true;
    case ACTION_JOB_STATUS:
    case ACTION_JOB_TOLD:
    case ACTION_QUEUE_STATUS:
    case ACTION_ENVIRONMENT_STATUS:
    case ACTION_DEFINITION_STATUS:
    case ACTION_CONSUMABLE_STATUS:
    case ACTION_REVISION_CREATE:
    case ACTION_SERVICE_CREATE:
    case ACTION_FINALIZER:
        return mix64(world->seed ^ 0x66656e6365U) % 16 != 0;
    default:
        return false; /* deletes name a UID; nothing fences a provider or a sink */
    }
}

static void run_commit(struct world *world, struct task *task)
{
    struct request *request = task->a;
    bool stale = request->process != world->process || world->core == NULL;
    /* Also while nobody lives. */
    if (request->process != world->process && is_fenced(world, request->kind)) {
        world->counters.fenced++;
        return;
    }
    if (request->committed)
        return;
    request_commit(world, request);
    if (stale)
        STORY(world, "late   #%llu %s of a dead process commits", (unsigned long long)request->id,
              action_kind_name(request->kind));
    if (request->crashes && request->crash == CRASH_COMMITTED && !stale) {
        shell_crash(world, draw_ms(world, 100, 3000));
        return;
    }
    if (task->n == 0) { /* else its answer is lost, and has been told already */
        int64_t latency_ns = draw(world, 100, 4000) * 1000;
        answer_after(world, request,
                     chance(world, world->faults.lag) ? latency_ns + draw_ms(world, 10, 3000)
                                                      : latency_ns);
    }
}

/* --- Sending -----------------------------------------------------------------------------------
 */

static bool is_write(const struct request *request)
{
    switch (request->kind) {
    case ACTION_POD_CHECK:
    case ACTION_POD_GET:
    case ACTION_EVENT:
    case ACTION_PROVIDER_TYPES:
    case ACTION_PROVIDER_OBSERVE:
        return false;
    default:
        return true;
    }
}

static bool is_provider(const struct request *request)
{
    return request->kind >= ACTION_PROVIDER_TYPES && request->kind <= ACTION_PROVIDER_TERMINATE;
}

static void tell_sent(struct world *world, const struct request *request)
{
    STORY(world, "sends  #%llu %s %s%s%s%s%s%s%s", (unsigned long long)request->id,
          action_kind_name(request->kind), request->namespace_ != NULL ? request->namespace_ : "",
          request->namespace_ != NULL ? "/" : "",
          request->name != NULL ? request->name
                                : (request->environment != NULL ? request->environment : ""),
          request->node_name != NULL ? " on " : "",
          request->node_name != NULL ? request->node_name : "", request->status != NULL ? " " : "",
          request->status != NULL ? job_phase_name(request->status->status.phase) : "");
    if (request->status != NULL && request->status->status.message != NULL)
        STORY(world, "       %s: %s", request->status->status.reason,
              request->status->status.message);
}

/* Answers that the server gives without doing anything. True: the request is answered. */
static bool refuse(struct world *world, struct request *request)
{
    bool create = request->kind == ACTION_POD_CREATE || request->kind == ACTION_POD_CHECK;
    const struct faults *faults = &world->faults;
    enum done_result result = DONE_OK;

    if (is_provider(request))
        return false;
    if (create && request_is_refused(world, request)) {
        result = DONE_REFUSED;
        world->counters.refused_jobs++;
    } else if (request->kind == ACTION_POD_CREATE && world->quota_full) {
        result = DONE_QUOTA;
        world->counters.quota_refusals++;
    } else if (request->kind == ACTION_POD_CREATE && world->forbidden) {
        result = DONE_FORBIDDEN;
        world->counters.forbidden++;
    } else if (chance(world, faults->throttle)) {
        result = DONE_AGAIN;
        world->counters.throttled++;
    } else if (chance(world, faults->lost_before)) {
        result = chance(world, 500) ? DONE_AGAIN : DONE_UNKNOWN;
        world->counters.lost_before++;
    }
    if (result == DONE_OK)
        return false;

    request->committed = true; /* never will */
    request->result = result;
    struct truth *truth = create ? truth_of(world, request->job_uid) : NULL;
    if (truth != NULL)
        truth->create_failed = true;
    answer_after(world, request, draw(world, 200, 20000) * 1000);
    return true;
}

/* Somebody else writes to the object first. */
static void disturb(struct world *world, const struct request *request)
{
    static const enum kind kinds[ACTION_KIND_COUNT] = {
        [ACTION_JOB_STATUS] = KIND_JOB,
        [ACTION_QUEUE_STATUS] = KIND_QUEUE,
        [ACTION_CONSUMABLE_STATUS] = KIND_CONSUMABLE,
        [ACTION_ENVIRONMENT_STATUS] = KIND_ENVIRONMENT,
        [ACTION_DEFINITION_STATUS] = KIND_DEFINITION,
    };
    enum kind kind = kinds[request->kind];
    if (kind == 0 || !chance(world, world->faults.conflict))
        return;
    struct object *object = store_find(world, kind, request->namespace_, request->name);
    if (object != NULL)
        store_change(world, object, false);
}

static bool dies_at_this_write(const struct world *world, enum crash_phase *ret_phase)
{
    for (size_t i = 0; i < DISTURBANCES_MAX; i++) {
        const struct disturbance *disturbance = &world->disturbances[i];
        if (disturbance->kind == DISTURB_CRASH && disturbance->at == world->writes_sent) {
            *ret_phase = disturbance->phase;
            return true;
        }
    }
    return false;
}

static void send(struct world *world, const struct action *action)
{
    struct request *request = request_new(world, action);
    world->counters.actions++;
    if (request->kind != ACTION_PROVIDER_OBSERVE)
        tell_sent(world, request);
    if (request->kind != ACTION_PROVIDER_OBSERVE && request->kind != ACTION_PROVIDER_TYPES &&
        request->kind != ACTION_EVENT && !turn_is_told(world, request)) {
        world->last_write_ns = world->now_ns;
        world->last_write = action_kind_name(request->kind);
    }
    if (request->kind == ACTION_EVENT)
        return;

    request->next = world->requests;
    request->link = &world->requests;
    if (request->next != NULL)
        request->next->link = &request->next;
    world->requests = request;
    oracle_sent(world, request);
    if (world->failed)
        return;

    if (is_write(request)) {
        world->counters.writes++;
        world->writes_sent++;
        if (dies_at_this_write(world, &request->crash)) {
            request->crashes = true;
            if (request->crash == CRASH_BEFORE) {
                request->committed = true;
                shell_crash(world, draw_ms(world, 100, 3000));
                return;
            }
        } else if (chance(world, world->faults.crash)) {
            after(world, draw(world, 0, 3000) * 1000, run_commit, request, NULL, 1);
            shell_crash(world, draw_ms(world, 100, 5000));
            return;
        }
    }
    if (!request->crashes && refuse(world, request))
        return;

    disturb(world, request);
    int64_t latency_ns = draw(world, 200, 8000) * 1000;
    if (chance(world, world->faults.lag))
        latency_ns += draw_ms(world, 10, 2000);
    bool lost = !request->crashes && !is_provider(request) &&
                (chance(world, world->faults.lost_after) || chance(world, world->faults.late));
    after(world, latency_ns, run_commit, request, NULL, lost ? 1 : 0);
    if (!lost)
        return;

    /* UNKNOWN is told a while after the commit, or, when the client gave up early, before it. */
    int64_t told_ns = latency_ns + draw_ms(world, 1, 3000);
    if (world->faults.late > 0 && chance(world, 300)) {
        told_ns = latency_ns / 2;
        world->counters.late_commits++;
    } else {
        world->counters.lost_after++;
    }
    struct request *answer = arena_alloc(world->arena, sizeof(*answer));
    *answer = *request; /* answered by itself: the commit goes its own way */
    answer->result = DONE_UNKNOWN;
    *answer->link = answer;
    if (answer->next != NULL)
        answer->next->link = &answer->next;
    struct truth *truth =
        request->kind == ACTION_POD_CREATE ? truth_of(world, request->job_uid) : NULL;
    if (truth != NULL)
        truth->create_failed = true;
    answer_after(world, answer, told_ns);
}

/* --- The process --------------------------------------------------------------------------------
 */

static void run_start(struct world *world, struct task *task)
{
    UNUSED(task);
    shell_start(world);
}

void shell_start(struct world *world)
{
    world->process++;
    world->progress_ns = world->now_ns; /* its first checkpoints are still to come */
    const struct core_options options = {.tells_max = world->has_sink ? 4 : 0};
    world->core = core_new(&options);
    life_begin(world, &options);
    world->synced = false;
    world->turn_set = false;
    STORY(world, "process %llu starts", (unsigned long long)world->process);
    watch_start(world);
}

void shell_crash(struct world *world, int64_t restart_delay_ns)
{
    if (world->core == NULL)
        return;
    world->counters.crashes++;
    life_end(world);
    STORY(world, "process %llu dies", (unsigned long long)world->process);
    world->core = core_free(world->core);
    timer_clear(&world->tasks, &world->wake.timer);
    while (world->requests != NULL) {
        struct request *request = world->requests;
        forget(request);
        if (!request->committed && chance(world, 400))
            request->committed = true; /* it never reached the server */
    }
    world->creates = NULL;
    watch_reset(world);
    moment_crash(world, restart_delay_ns);
    after(world, restart_delay_ns, run_start, NULL, NULL, 0);
}
