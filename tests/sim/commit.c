/* SPDX-License-Identifier: Apache-2.0 */
/* commit.c - what a request does when it commits: the API server's side
 *
 * Preconditions are checked here and nowhere else: a uid, a resourceVersion, a name that is taken.
 */
#include "sim/world.h"

#include "bulkhead/base/str.h"

#include <stdlib.h>
#include <string.h>

static const char *version_text(struct world *world, const struct object *object)
{
    return arena_printf(world->arena, "%llu", (unsigned long long)object->version);
}

static bool has_version(const struct object *object, const char *text)
{
    char *end = NULL;
    return strtoll(text, &end, 10) == (long long)object->version && *end == '\0';
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
        request->result = DONE_NOT_FOUND;
        return NULL;
    }
    if (request->resource_version != NULL && !has_version(object, request->resource_version)) {
        request->result = DONE_CONFLICT;
        if (kind != KIND_POD) {
            object->read_before = object->read;
            object->read = request->seen =
                object_copy(world, object); /* the shell reads it before it answers */
        }
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

bool request_is_refused(const struct world *world, const struct request *request)
{
    const struct truth *truth = truth_of(world, request->job_uid);
    return truth != NULL && truth->job->refused;
}

static void create_pod(struct world *world, struct request *request)
{
    bool taken = store_find(world, KIND_POD, request->namespace_, request->name) != NULL;
    struct truth *truth = truth_of(world, request->job_uid);
    if (request_is_refused(world, request)) { /* also when who sent it has died since */
        request->result = DONE_REFUSED;
        return;
    }
    if (!taken && truth != NULL && world->faults.squat > 0 &&
        chance(world, world->faults.squat)) { /* a moment before */
        squat_name(world, truth->job, request->name);
        taken = true;
    }
    if (taken) {
        world->counters.creates_exist++;
        request->result = DONE_EXISTS;
        return;
    }
    struct sim_pod *pod =
        object_new(world, KIND_POD, sizeof(*pod), request->namespace_, request->name);
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
    pod->share = request->share;
    pod->environment = request->environment;
    pod->node_uid = request->node_uid;
    pod->revision = request->revision;
    pod->revision_of = request->revision_of;
    pod->index = request->index;
    pod->count = request->count > 0 ? request->count : 1;
    pod->try = request->try;
    pod->attempt = request->attempt;
    pod->price = request->price;
    pod->needs = request->needs;
    pod->arg = request->arg;
    pod->body = arena_alloc(world->arena, sizeof(*pod->body));
    pod->body->pod = pod;
    pod->body->job = truth != NULL ? truth->job : NULL;
    pod->body->sent_ns = request->sent_ns;
    pod->body->most_milli = request->most_milli;
    pod->body->most_mib = request->most_mib;
    pod->body->most_jobs = request->most_jobs;
    pod->body->process = request->process;
    oracle_created(world, pod, request);
    oracle_taken(world, pod, request);
    if (truth != NULL)
        oracle_given(world, truth->job, pod, request->array_size);
    store_add(world, &pod->object);
    world->counters.pods++;
    if (pod->node_name == NULL)
        scheduler_sees(world, pod);
    kubelet_sees(world, pod);
    pod_collect_later(world, pod);
    request->ret_pod = pod_copy(world, pod);
}

static void write_job(struct world *world, struct request *request)
{
    struct sim_job *job = store_find(world, KIND_JOB, request->namespace_, request->name);
    struct stored_status *status = arena_alloc(world->arena, sizeof(*status));
    *status = *request->status;
    if (job != NULL && strcmp(job->object.uid, request->uid) == 0)
        oracle_results(world, job, status);
    /* Large states shrink and grow again: now and then one is small enough for the job itself. */
    if (job != NULL && job->large && status->children != NULL && chance(world, 800) &&
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
        /* What a companion says counts once a status points at it, or there is none: with a status
         * that holds the state itself, it is what a process wrote that died before the status. */
        if (!fresh && (job->status == NULL || job->status->elsewhere))
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
    oracle_sized(world, job, status);
    oracle_status(world, job, status);
    results_stored(world, job, status);
    cost_job_stored(world, job, status);
    /* Else nobody may have read it; or it was on its way when a pod was stored that says it. */
    bool knows = status->status.definition != NULL || request->sent_ns >= job->truth->pinned_ns;
    if (request->process == world->process && knows)
        oracle_pinned(world, job, status->status.definition, status->status.definition_uid);
    job->status = status;
    store_change(world, &job->object, false);
    request->ret_version = version_text(world, &job->object);
}

static void expire_job(struct world *world, struct request *request)
{
    struct sim_job *job = target(world, request, KIND_JOB);
    if (job == NULL)
        return;
    oracle_expired(world, job);
    cost_job_expired(world, job);
    sink_expires(world, job);
    job->expired = true;
    world->counters.expired_jobs++;
    store_delete(world, &job->object);
}

static void deliver_job(struct world *world, struct request *request)
{
    struct sim_job *job = target(world, request, KIND_JOB);
    if (job == NULL)
        return;
    sink_delivered(world, request, job);
    request->ret_version = version_text(world, &job->object);
}

static void queue_told(struct world *world, struct sim_queue *queue, const struct request *request)
{
    queue->observed_generation = request->observed_generation;
    queue->draining_since_ns = request->draining_since_ns;
    queue->shares_used = request->shares_used;
    queue->shares_at_ns = request->shares_at_ns;
    cost_queue_stored(world, queue, request);
}

/* Whoever waits for Ready would take a restart for an outage. */
static void environment_told(struct world *world, struct sim_environment *environment,
                             const struct request *request)
{
    bool same = environment->observed_generation == request->observed_generation;
    if (same && environment->told_ready && request->told_unknown)
        violation(world, "ready", "environment %s was VALID, and nothing is known against it",
                  environment->object.name);
    environment->observed_generation = request->observed_generation;
    environment->told_ready = request->told_ready;
    cost_environment_stored(world, environment, request);
}

static void write_simple(struct world *world, struct request *request, enum kind kind)
{
    struct object *object = target(world, request, kind);
    if (object == NULL)
        return;
    if (kind == KIND_QUEUE)
        queue_told(world, (struct sim_queue *)object, request);
    if (kind == KIND_ENVIRONMENT)
        environment_told(world, (struct sim_environment *)object, request);
    store_change(world, object, false);
    request->ret_version = version_text(world, object);
}

static void write_consumable(struct world *world, struct request *request)
{
    struct sim_consumable *resource = target(world, request, KIND_CONSUMABLE);
    if (resource == NULL)
        return;
    consumable_write(world, resource, request);
    store_change(world, &resource->object, false);
    request->ret_version = version_text(world, &resource->object);
}

static void write_finalizer(struct world *world, struct request *request)
{
    enum kind kind = strcmp(request->object_kind, "JobQueue") == 0             ? KIND_QUEUE
                     : strcmp(request->object_kind, "ConsumableResource") == 0 ? KIND_CONSUMABLE
                                                                               : KIND_ENVIRONMENT;
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

void request_commit(struct world *world, struct request *request)
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
    case ACTION_POD_MARK:
        pod = target(world, request, KIND_POD);
        if (pod != NULL) {
            oracle_marked(world, pod, request);
            pod->gives_way_to = request->message;
            store_change(world, &pod->object, false);
        }
        break;
    case ACTION_POD_RELEASE:
        pod = target(world, request, KIND_POD);
        if (pod != NULL && pod->object.finalizer) {
            oracle_released(world, pod);
            oracle_gives(world, pod);
            pod->released_ns = world->now_ns;
            store_unfinalize(world, &pod->object);
        }
        break;
    case ACTION_POD_DELETE:
        if (request->uid == NULL)
            violation(world, "I7", "delete of pod %s without a uid", request->name);
        pod = target(world, request, KIND_POD);
        if (pod != NULL) {
            oracle_kill(world, pod, request);
            oracle_removed(world, pod, request);
            world->deleting_pod = true;
            pod_delete(world, pod, request->grace_s);
            world->deleting_pod = false;
        }
        break;
    case ACTION_JOB_STATUS:
        write_job(world, request);
        break;
    case ACTION_JOB_DELETE:
        expire_job(world, request);
        break;
    case ACTION_JOB_TELL:
        sink_hears(world, request);
        break;
    case ACTION_JOB_TOLD:
        deliver_job(world, request);
        break;
    case ACTION_QUEUE_STATUS:
        write_simple(world, request, KIND_QUEUE);
        break;
    case ACTION_ENVIRONMENT_STATUS:
        write_simple(world, request, KIND_ENVIRONMENT);
        break;
    case ACTION_DEFINITION_STATUS:
        definition_told(world, request);
        write_simple(world, request, KIND_DEFINITION);
        break;
    case ACTION_CONSUMABLE_STATUS:
        write_consumable(world, request);
        break;
    case ACTION_REVISION_CREATE:
        revision_create(world, request);
        break;
    case ACTION_REVISION_DELETE:
        revision_delete(world, request, target(world, request, KIND_REVISION));
        break;
    case ACTION_SERVICE_CREATE:
        service_create(world, request);
        break;
    case ACTION_SERVICE_DELETE:
        service_delete(world, request, target(world, request, KIND_SERVICE));
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
