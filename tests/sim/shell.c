/* SPDX-License-Identifier: Apache-2.0 */
/* shell.c - the process around the core: turns, requests in flight and their faults, crashes
 *
 * Plays controller/. What was observed is applied at once; a turn plans some time after. Each
 * action becomes a request that owns copies, commits after one delay and is answered after another,
 * in any order among those in flight. Between the two the process may die: then the answer goes
 * nowhere, and what had not committed yet may still do so. As DESIGN.md says (Truth, 7), the
 * creates and patches of a dead process are fenced once the next one has started. */
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

static void run_turn(struct world *world, struct task *task)
{
    if ((uint64_t)task->n != world->process || world->core == NULL)
        return;
    if (task->b == NULL) /* a turn that was asked for; else only the clock rang */
        world->turn_set = false;
    else if (world->wake_ns != task->timer.due_ns)
        return;

    struct plan plan = {0};
    core_plan(world->core, world->now_ns, world->turn_arena, &plan);
    world->counters.turns++;
    if (world->hash_plans)
        hash_plan(world, &plan);
    oracle_planned(world, &plan);

    uint64_t process = world->process;
    for (size_t i = 0; i < plan.action_count && !world->failed; i++) {
        send(world, &plan.actions[i]);
        if (world->process != process || world->core == NULL) {
            arena_reset(world->turn_arena);
            return; /* died while sending */
        }
    }
    arena_reset(world->turn_arena);
    oracle_turn_sent(world);

    world->wake_ns = plan.wake_ns;
    if (plan.wake_ns == INT64_MAX)
        return;
    int64_t delay_ns = plan.wake_ns > world->now_ns ? plan.wake_ns - world->now_ns : 1000;
    struct task *wake = after(world, delay_ns, run_turn, NULL, world, (int64_t)world->process);
    world->wake_ns = wake->timer.due_ns;
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
    core_apply(world->core, event);
    want_turn(world);
}

/* --- Copies ------------------------------------------------------------------------------------
 */

static char *copy(struct world *world, const char *text)
{
    return text != NULL ? arena_copy(world->arena, text) : NULL;
}

static void copy_tries(struct world *world, const struct job_status *from, struct job_status *to)
{
    to->tries = arena_alloc(world->arena, from->try_count * sizeof(*to->tries) + 1);
    for (size_t i = 0; i < from->try_count; i++) {
        const struct job_try *try = &from->tries[i];
        to->tries[i] = *try;
        to->tries[i].pod = copy(world, try->pod);
        to->tries[i].pod_uid = copy(world, try->pod_uid);
        to->tries[i].node = copy(world, try->node);
        to->tries[i].node_uid = copy(world, try->node_uid);
        to->tries[i].instance_id = copy(world, try->instance_id);
        to->tries[i].reason = copy(world, try->reason);
        to->tries[i].status_reason = copy(world, try->status_reason);
        to->tries[i].message = copy(world, try->message);
    }
    to->dependencies =
        arena_alloc(world->arena, from->dependency_count * sizeof(*to->dependencies) + 1);
    for (size_t i = 0; i < from->dependency_count; i++) {
        to->dependencies[i] = from->dependencies[i];
        to->dependencies[i].job_name = copy(world, from->dependencies[i].job_name);
        to->dependencies[i].uid = copy(world, from->dependencies[i].uid);
    }
}

/* The documented texts, see api/array_state.h: "w0*10,s1*3,f2" and "3:2,7-9:1". */
static void pack(struct world *world, struct stored_status *stored, uint32_t size)
{
    AUTO_STR data = STR_EMPTY;
    AUTO_STR refusals = STR_EMPTY;
    for (uint32_t i = 0, end; i < size; i = end) {
        const struct child_record *first = &stored->children[i];
        for (end = i + 1; end < size && stored->children[end].outcome == first->outcome &&
                          stored->children[end].attempts == first->attempts;)
            end++;
        str_addf(&data, "%s%c%u", i > 0 ? "," : "", "wsf"[first->outcome], first -> attempts);
        if (end - i > 1)
            str_addf(&data, "*%u", end - i);
    }
    for (uint32_t i = 0; i < size; i++)
        if (stored->refusals[i] > 0)
            str_addf(&refusals, "%s%u:%u", refusals.size > 0 ? "," : "", i, stored->refusals[i]);
    stored->data = copy(world, str_text(&data));
    stored->refusals_text = copy(world, str_text(&refusals));
}

static const struct stored_status *copy_status(struct world *world, const struct action *action)
{
    const struct job_status *from = action->status;
    struct stored_status *stored = arena_alloc(world->arena, sizeof(*stored));
    stored->status = *from;
    stored->status.reason = copy(world, from->reason);
    stored->status.message = copy(world, from->message);
    stored->status.definition_uid = copy(world, from->definition_uid);
    copy_tries(world, from, &stored->status);
    stored->status.array.encoding = stored->status.array.data = NULL;
    stored->status.array.refusals = NULL;
    stored->status.array.failed_indexes = copy(world, from->array.failed_indexes);
    uint32_t size = from->array.size;
    if (action->children != NULL && size > 0) {
        stored->children = arena_alloc(world->arena, size * sizeof(*stored->children));
        memcpy(stored->children, action->children, size * sizeof(*stored->children));
        stored->refusals = arena_alloc(world->arena, size);
        if (action->refusals != NULL)
            memcpy(stored->refusals, action->refusals, size);
        pack(world, stored, size);
    }
    return stored;
}

static void copy_order(struct world *world, const struct pod_order *order, struct request *request)
{
    const struct pod_template *from =
        order->definition != NULL ? &order->definition->template_ : &order->job->template_;
    request->template_ = (struct template_){
        .cpu_milli = from->placement.requests.cpu_milli,
        .memory_mib = from->placement.requests.memory_bytes / (1024 * 1024),
        .hash = from->hash,
    };
    request->namespace_ = copy(world, order->job->meta.namespace_);
    request->name = copy(world, order->name);
    request->job_uid = copy(world, order->job->meta.uid);
    request->job_name = copy(world, order->job->meta.name);
    request->queue = copy(world, order->job->queue);
    request->node_name = copy(world, order->node_name);
    request->node_uid = copy(world, order->node_uid);
    request->environment = copy(world, order->environment);
    request->index = order->index;
    request->count = order->count;
    request->try = order->try;
    request->attempt = order->attempt;
    request->active_deadline_s = order->active_deadline_s;
}

static struct request *request_of(struct world *world, const struct action *action)
{
    struct request *request = arena_alloc(world->arena, sizeof(*request));
    request->kind = action->kind;
    request->id = action->id;
    request->process = world->process;
    request->sent_ns = world->now_ns;
    request->self = request;
    request->namespace_ = copy(world, action->namespace_);
    request->name = copy(world, action->name);
    request->uid = copy(world, action->uid);
    request->resource_version = copy(world, action->resource_version);
    request->object_kind = copy(world, action->object_kind);
    request->grace_s = action->grace_s;
    request->add = action->add;
    request->environment = copy(world, action->environment);
    request->instance_type = copy(world, action->instance_type);
    request->token = copy(world, action->token);
    request->number = action->count;
    request->id_count = action->id_count;
    request->ids = arena_alloc(world->arena, action->id_count * sizeof(char *) + 1);
    for (size_t i = 0; i < action->id_count; i++)
        request->ids[i] = copy(world, action->ids[i]);

    const struct object_meta *meta = action->meta;
    if (action->kind == ACTION_POD_CREATE || action->kind == ACTION_POD_CHECK)
        copy_order(world, &action->order, request);
    if (action->kind == ACTION_JOB_STATUS) {
        meta = &action->job->meta;
        request->status = copy_status(world, action);
        request->array_version = copy(world, action->array_version);
    }
    if (action->kind == ACTION_QUEUE_STATUS)
        request->observed_generation = action->queue_status->observed_generation;
    if (action->kind == ACTION_ENVIRONMENT_STATUS)
        request->observed_generation = action->environment_status->observed_generation;
    if (meta != NULL) {
        request->namespace_ = copy(world, meta->namespace_);
        request->name = copy(world, meta->name);
        request->uid = copy(world, meta->uid);
        request->resource_version = copy(world, meta->resource_version);
    }
    return request;
}

/* --- What a request does when it commits -------------------------------------------------------
 */

static const char *version_text(struct world *world, const struct object *object)
{
    return arena_printf(world->arena, "%llu", (unsigned long long)object->version);
}

/* The object that the request means; sets its result when a precondition does not hold. */
static void *target(struct world *world, struct request *request, enum kind kind)
{
    struct object *object = store_find(world, kind, request->namespace_, request->name);
    if (object == NULL) {
        request->result = DONE_NOT_FOUND;
        return NULL;
    }
    if (request->uid != NULL && strcmp(object->uid, request->uid) != 0) {
        request->result = kind == KIND_POD ? DONE_CONFLICT : DONE_NOT_FOUND;
        return NULL;
    }
    if (request->resource_version != NULL && kind != KIND_POD &&
        strcmp(version_text(world, object), request->resource_version) != 0) {
        request->result = DONE_CONFLICT;
        request->seen = object_copy(world, object); /* the shell reads it before it answers */
        world->counters.conflicts++;
        return NULL;
    }
    return object;
}

static const struct sim_pod *pod_copy(struct world *world, const struct sim_pod *pod)
{
    struct sim_pod *result = arena_alloc(world->arena, sizeof(*result));
    *result = *pod;
    return result;
}

static bool is_refused(const struct world *world, const struct request *request)
{
    const struct truth *truth = truth_of(world, request->job_uid);
    return truth != NULL && truth->job->refused;
}

static void create_pod(struct world *world, struct request *request)
{
    if (store_find(world, KIND_POD, request->namespace_, request->name) != NULL) {
        world->counters.creates_exist++;
        request->result = DONE_EXISTS;
        return;
    }
    struct sim_pod *pod =
        object_new(world, KIND_POD, sizeof(*pod), request->namespace_, request->name);
    struct truth *truth = truth_of(world, request->job_uid);
    pod->object.finalizer = true;
    pod->node_name = request->node_name;
    pod->cpu_milli = request->template_.cpu_milli;
    pod->memory_mib = request->template_.memory_mib;
    pod->grace_s = 30;
    pod->active_deadline_s = request->active_deadline_s;
    pod->owner_kind = "BatchJob";
    pod->owner_uid = pod->job_uid = request->job_uid;
    pod->ours = true;
    pod->job_name = request->job_name;
    pod->queue = request->queue;
    pod->environment = request->environment;
    pod->node_uid = request->node_uid;
    pod->index = request->index;
    pod->count = request->count > 0 ? request->count : 1;
    pod->try = request->try;
    pod->attempt = request->attempt;
    pod->body = arena_alloc(world->arena, sizeof(*pod->body));
    pod->body->pod = pod;
    pod->body->job = truth != NULL ? truth->job : NULL;
    pod->body->sent_ns = request->sent_ns;
    pod->body->process = request->process;
    oracle_created(world, pod, request);
    store_add(world, &pod->object);
    world->counters.pods++;
    kubelet_sees(world, pod);
    pod_collect_later(world, pod);
    request->ret_pod = pod_copy(world, pod);
}

static void write_job(struct world *world, struct request *request)
{
    struct sim_job *job = store_find(world, KIND_JOB, request->namespace_, request->name);
    struct stored_status *status = arena_alloc(world->arena, sizeof(*status));
    *status = *request->status;
    if (job != NULL && job->large && status->children != NULL &&
        strcmp(job->object.uid, request->uid) == 0) {
        struct sim_array_state *state =
            store_find(world, KIND_ARRAY_STATE, request->namespace_, request->name);
        bool fresh = state == NULL;
        bool stale = request->process != world->process || world->core == NULL;
        const char *version = fresh ? NULL : version_text(world, &state->object);
        /* As controller/execute_status.c: one of this job is read and written over, one that a
         * deleted job of this name has left waits for the garbage collector. */
        if (!fresh && strcmp(state->job_uid, request->uid) != 0) {
            request->result = DONE_AGAIN;
            return;
        }
        if (stale && !name_eq(version, request->array_version)) {
            request->result = DONE_CONFLICT; /* nobody is there to read it */
            return;
        }
        if (!fresh)
            oracle_children(world, job, state->status, status);
        if (fresh) {
            state = object_new(world, KIND_ARRAY_STATE, sizeof(*state), request->namespace_,
                               request->name);
            state->job_uid = job->object.uid;
        }
        state->status = status;
        status->elsewhere = true;
        if (fresh)
            store_add(world, &state->object);
        else
            store_change(world, &state->object, true);
        request->ret_array_version = version_text(world, &state->object);
        world->counters.companions++;
        if (stale)
            return; /* nor to write the status after it */
    }
    job = target(world, request, KIND_JOB);
    if (job == NULL)
        return;
    oracle_status(world, job, status);
    job->status = status;
    store_change(world, &job->object, false);
    request->ret_version = version_text(world, &job->object);
}

static void write_simple(struct world *world, struct request *request, enum kind kind)
{
    struct object *object = target(world, request, kind);
    if (object == NULL)
        return;
    if (kind == KIND_QUEUE)
        ((struct sim_queue *)object)->observed_generation = request->observed_generation;
    if (kind == KIND_ENVIRONMENT)
        ((struct sim_environment *)object)->observed_generation = request->observed_generation;
    store_change(world, object, false);
    request->ret_version = version_text(world, object);
}

static void write_finalizer(struct world *world, struct request *request)
{
    enum kind kind = strcmp(request->object_kind, "JobQueue") == 0 ? KIND_QUEUE : KIND_ENVIRONMENT;
    struct object *object = target(world, request, kind);
    if (object == NULL)
        return;
    if (!request->add) {
        store_unfinalize(world, object);
    } else if (object->deleted_ns != 0) {
        request->result = DONE_REFUSED; /* no new finalizers on what is being deleted */
    } else {
        object->finalizer = true;
        store_change(world, object, false);
    }
    request->ret_version = version_text(world, object);
}

static void commit(struct world *world, struct request *request)
{
    struct sim_pod *pod = NULL;
    request->committed = true;
    request->result = DONE_OK;
    switch (request->kind) {
    case ACTION_POD_CREATE:
        create_pod(world, request);
        break;
    case ACTION_POD_CHECK:
        world->counters.dry_runs++;
        break;
    case ACTION_POD_GET:
        pod = target(world, request, KIND_POD);
        if (pod != NULL) {
            world->counters.adoptions++;
            request->ret_pod = pod_copy(world, pod);
        }
        break;
    case ACTION_POD_RELEASE:
        pod = target(world, request, KIND_POD);
        if (pod != NULL && pod->object.finalizer) {
            oracle_released(world, pod);
            store_unfinalize(world, &pod->object);
        }
        break;
    case ACTION_POD_DELETE:
        if (request->uid == NULL)
            violation(world, "I7", "delete of pod %s without a uid", request->name);
        pod = target(world, request, KIND_POD);
        if (pod != NULL) {
            oracle_kill(world, pod, request);
            pod_delete(world, pod, request->grace_s);
        }
        break;
    case ACTION_JOB_STATUS:
        write_job(world, request);
        break;
    case ACTION_QUEUE_STATUS:
        write_simple(world, request, KIND_QUEUE);
        break;
    case ACTION_ENVIRONMENT_STATUS:
        write_simple(world, request, KIND_ENVIRONMENT);
        break;
    case ACTION_DEFINITION_STATUS:
        write_simple(world, request, KIND_DEFINITION);
        break;
    case ACTION_FINALIZER:
        write_finalizer(world, request);
        break;
    case ACTION_PROVIDER_TYPES:
    case ACTION_PROVIDER_OBSERVE:
    case ACTION_PROVIDER_LAUNCH:
    case ACTION_PROVIDER_TERMINATE:
        provider_commit(world, request);
        break;
    case ACTION_EVENT:
    case ACTION_KIND_COUNT:
        break;
    }
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

static void answer_types(const struct world *world, struct done *done,
                         struct instance_type types[TYPES_MAX])
{
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
            .price = (double)type->vcpus,
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
        .provider = request->provider,
        .instances = &request->instances,
    };
    if (request->kind == ACTION_PROVIDER_TYPES && request->provider == PROVIDER_OK)
        answer_types(world, &event.done, types);
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

static void run_commit(struct world *world, struct task *task)
{
    struct request *request = task->a;
    bool stale = request->process != world->process || world->core == NULL;
    bool fenced = request->kind == ACTION_POD_CREATE || request->kind == ACTION_POD_RELEASE;
    if (stale && world->core != NULL && fenced) {
        world->counters.fenced++;
        return;
    }
    if (request->committed)
        return;
    commit(world, request);
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
}

/* Answers that the server gives without doing anything. True: the request is answered. */
static bool refuse(struct world *world, struct request *request)
{
    bool create = request->kind == ACTION_POD_CREATE || request->kind == ACTION_POD_CHECK;
    const struct faults *faults = &world->faults;
    enum done_result result = DONE_OK;

    if (is_provider(request))
        return false;
    if (create && is_refused(world, request)) {
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
        [ACTION_ENVIRONMENT_STATUS] = KIND_ENVIRONMENT,
    };
    enum kind kind = kinds[request->kind];
    if (kind == 0 || !chance(world, world->faults.conflict))
        return;
    struct object *object = store_find(world, kind, request->namespace_, request->name);
    if (object != NULL)
        store_change(world, object, false);
}

static void send(struct world *world, const struct action *action)
{
    struct request *request = request_of(world, action);
    world->counters.actions++;
    if (request->kind != ACTION_PROVIDER_OBSERVE)
        tell_sent(world, request);
    if (request->kind != ACTION_PROVIDER_OBSERVE && request->kind != ACTION_EVENT) {
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
        if (++world->writes_sent == world->crash_at) {
            request->crashes = true;
            request->crash = world->crash_phase;
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
    world->core = core_new(NULL);
    world->synced = false;
    world->turn_set = false;
    world->wake_ns = INT64_MAX;
    STORY(world, "process %llu starts", (unsigned long long)world->process);
    watch_start(world);
}

void shell_crash(struct world *world, int64_t restart_delay_ns)
{
    if (world->core == NULL)
        return;
    world->counters.crashes++;
    STORY(world, "process %llu dies", (unsigned long long)world->process);
    world->core = core_free(world->core);
    while (world->requests != NULL) {
        struct request *request = world->requests;
        forget(request);
        if (!request->committed && chance(world, 400))
            request->committed = true; /* it never reached the server */
    }
    world->creates = NULL;
    watch_reset(world);
    after(world, restart_delay_ns, run_start, NULL, NULL, 0);
}
