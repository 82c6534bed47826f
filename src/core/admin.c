/* SPDX-License-Identifier: Apache-2.0 */
/* admin.c - status and finalizers of what admins declare: queues and environments
 *
 * A status is written when what it says has changed, at most once in status_interval_ns. What an
 * earlier process has written of the same generation stays until the node group has answered: a
 * restart takes nobody's readiness away. A finalizer keeps a queue while jobs of it live, and an
 * environment while pods run on its machines or machines are left. */
#include "backfill.h"
#include "charge.h"
#include "front.h"
#include "ladder.h"
#include "shares.h"
#include "spot.h"

#include <stdlib.h>
#include <string.h>

enum {
    NAMES_TOLD = 3,
    KIND_LETTER = 2, /* the one that tells JobQueue, ComputeEnvironment and ConsumableResource apart
                      */
};

void admin_wake(struct core *core, int64_t at_ns)
{
    if (at_ns < core->admin_wake_ns)
        core->admin_wake_ns = at_ns;
}

/* Not more often than the interval: what is too early is looked at again when it is not. */
static bool may_write(struct core *core, int64_t written_ns)
{
    int64_t due_ns = written_ns + core->options.status_interval_ns;
    if (written_ns == 0 || due_ns <= core->now_ns)
        return true;
    admin_wake(core, due_ns);
    return false;
}

/* ---------------------------------------------------------------------- queues */

static char *live_jobs(struct core *core, const struct core_queue *queue)
{
    AUTO_STR out = STR_EMPTY;
    int told = 0;
    size_t at = 0;
    const struct core_job *job;
    while ((job = map_next(core->jobs, &at, NULL)) != NULL && told < NAMES_TOLD) {
        if (job->queue == queue && !job->ended)
            str_addf(&out, "%s%s", told++ > 0 ? ", " : "", job->key);
    }
    if (queue->live > told)
        str_addf(&out, " and %lld more", (long long)(queue->live - told));
    return str_take(&out);
}

static void queue_words(struct core *core, const struct core_queue *queue,
                        struct job_queue_status *status)
{
    status->status = "VALID";
    status->reason = "JobQueueHealthy";
    AUTO_TEXT words = text_copy("JobQueue Healthy");
    if (queue->spec == NULL) {
        status->status = "INVALID";
        status->reason = "InvalidSpec";
        text_set(&words, queue->invalid);
    } else if (queue->spec->meta.deleted_ns != 0) {
        AUTO_TEXT names = live_jobs(core, queue);
        status->status = "DELETING";
        status->reason = "InUse";
        free(words);
        words = text_printf("deletion waits for %lld live job%s: %s", (long long)queue->live,
                            queue->live == 1 ? "" : "s", names);
    } else if (shares_bar(queue, NULL)) {
        AUTO_STR out = STR_EMPTY;
        (void)shares_bar(queue, &out);
        status->status = "INVALID";
        status->reason = "SchedulingPolicyMissing";
        text_set(&words, str_text(&out));
    } else {
        size_t usable = 0;
        for (size_t i = 0; i < queue->spec->environment_count; i++) {
            const char *name = queue->spec->environments[i].compute_environment;
            const struct core_environment *environment = map_get(core->environments, name);
            usable += environment_usable(environment);
            if (environment == NULL) {
                status->status = "INVALID";
                status->reason = "ComputeEnvironmentMissing";
                free(words);
                words = text_printf("ComputeEnvironment %s does not exist", name);
            }
        }
        if (usable == 0 && strcmp(status->status, "VALID") == 0) {
            status->status = "INVALID";
            status->reason = "ComputeEnvironmentUnusable";
            text_set(&words, "none of its compute environments is ENABLED and VALID");
        }
        if (queue->draining_since_ns != 0 && strcmp(status->status, "VALID") == 0) {
            status->reason = "JobQueueDraining";
            text_set(&words, "DRAINING: it goes on with the jobs it has and takes no others");
        }
    }
    status->message = arena_copy(core->arena, words != NULL ? words : "");
}

static void plan_queue(struct core *core, struct core_queue *queue)
{
    const struct object_meta *meta = queue_meta(queue);
    bool bill = bill_is_due(core, queue);
    if ((!queue->status_dirty && !bill) || queue->status_in_flight || queue->finalizer_in_flight)
        return;
    if (!may_write(core, queue->written_ns))
        return;
    struct job_queue_status *status = arena_alloc(core->arena, sizeof(*status));
    status->observed_generation = meta->generation;
    queue_words(core, queue, status);
    memcpy(status->jobs, queue->jobs, sizeof(status->jobs));
    status->draining_since_ns = queue->draining_since_ns;
    quota_tell(queue, &status->used);
    uint64_t hash = hash_bytes(status->jobs, sizeof(status->jobs), (uint64_t)meta->generation);
    const int64_t numbers[] = {status->draining_since_ns, status->used.vcpus.value,
                               status->used.memory_bytes, status->used.gpus.value,
                               status->used.jobs.value};
    hash = hash_bytes(numbers, sizeof(numbers), hash);
    const struct queue_shares *shares = shares_status(core, queue);
    if (shares != NULL) { /* a new one is taken only when something has changed */
        status->shares = *shares;
        hash = hash_bytes(&shares->at_ns, sizeof(shares->at_ns), hash);
    }
    hash = hash_text(status->message, hash_text(status->reason, hash_text(meta->uid, hash)));
    backfill_tell(queue, status);
    const struct queue_reservation *kept = &status->reservation;
    const int64_t kept_numbers[] = {kept->node_count, kept->starts_by_ns};
    hash = hash_bytes(kept_numbers, sizeof(kept_numbers), hash);
    hash = hash_text(kept->job, hash_text(kept->environment, hash_text(kept->node, hash)));
    hash = hash_text(kept->message, hash);
    bill_fill(core, queue, status);
    hash = front_fill(queue, status, hash);
    queue->status_dirty = false;
    if (hash == queue->written_hash && !bill)
        return;
    struct action *action = action_new(core, ACTION_QUEUE_STATUS, queue);
    action->name = queue->name;
    action->meta = meta;
    action->queue_status = status;
    action->resource_version = arena_copy(core->arena, queue->resource_version);
    flight_find(core, action->id)->sequence = hash;
    queue->status_in_flight = true;
}

/* ---------------------------------------------------------------- environments */

static char *live_pods(const struct core_environment *environment)
{
    AUTO_STR out = STR_EMPTY;
    int told = 0;
    for (size_t i = 0; i < environment->slot_count && told < NAMES_TOLD; i++) {
        const struct core_node *node = environment->slots[i];
        for (const struct core_pod *pod = node != NULL ? node->pods : NULL;
             pod != NULL && told < NAMES_TOLD; pod = pod->next) {
            if (pod->ours && pod->counted)
                str_addf(&out, "%s%s", told++ > 0 ? ", " : "", pod->key);
        }
    }
    if (environment->pods_live > told)
        str_addf(&out, " and %lld more", (long long)(environment->pods_live - told));
    return str_take(&out);
}

static char *environment_words(const struct core_environment *environment,
                               struct compute_environment_status *status)
{
    status->status = "VALID";
    status->reason = "ComputeEnvironmentHealthy";
    if (environment->spec == NULL) {
        status->status = "INVALID";
        status->reason = "InvalidSpec";
        return text_copy(environment->invalid);
    }
    if (environment->spec->meta.deleted_ns != 0) {
        status->status = "DELETING";
        status->reason = "InUse";
        if (environment->pods_live == 0 && environment->instance_count == 0)
            return text_copy("deletion waits for a last look at the node group");
        if (environment->pods_live == 0)
            return text_printf("deletion waits for %zu machines to go",
                               environment->instance_count);
        AUTO_TEXT names = live_pods(environment);
        return text_printf("deletion waits for %lld running pod%s: %s",
                           (long long)environment->pods_live,
                           environment->pods_live == 1 ? "" : "s", names);
    }
    if (environment->provider_error != NULL) {
        status->status = "INVALID";
        status->reason = "NodeGroupMisconfigured";
        return text_copy(environment->provider_error);
    }
    if (!environment->types_known || !environment->observed) {
        status->status = "UPDATING";
        status->reason = "NodeGroupUnknown";
        return text_printf("asking the node group%s%s",
                           environment->provider_words != NULL ? ": " : "",
                           environment->provider_words != NULL ? environment->provider_words : "");
    }
    if (environment->provider_words != NULL)
        return text_printf("ComputeEnvironment Healthy; the node group says: %s",
                           environment->provider_words);
    return text_copy("ComputeEnvironment Healthy");
}

void environment_status_fill(const struct core_environment *environment,
                             struct compute_environment_status *ret)
{
    const struct object_meta *meta = environment_meta(environment);
    *ret = (struct compute_environment_status){.observed_generation =
                                                   meta != NULL ? meta->generation : 0};
    ret->message = environment_words(environment, ret);
    bool managed = environment->spec != NULL && environment->spec->provider != PROVIDER_STATIC;
    int64_t own = 0;
    for (size_t i = 0; i < environment->slot_count && !managed; i++) {
        if (environment->slots[i] != NULL)
            own += amounts_vcpus(&environment->slots[i]->capacity);
    }
    ret->vcpus = ret->desired_vcpus = managed ? environment->vcpus : own;
    ret->used_vcpus = amounts_vcpus(&environment->used);
    ret->nodes = environment->nodes_ready;
    for (const struct core_instance *i = environment->instances; i != NULL; i = i->next) {
        if (i->state >= INSTANCE_TERMINATING)
            ret->desired_vcpus -= instance_vcpus(i);
        ret->nodes_booting += instance_coming(i);
    }
    for (const struct core_launch *launch = environment->launches; launch != NULL;
         launch = launch->next)
        ret->nodes_booting += launch->count;
}

/* It is not known yet how it is, and nothing speaks against what was last told of it. */
static bool not_heard_of(const struct core_environment *environment)
{
    const struct compute_environment *spec = environment->spec;
    return spec != NULL && spec->meta.deleted_ns == 0 && environment->provider_error == NULL &&
           environment->provider_words == NULL &&
           !(environment->types_known && environment->observed) &&
           spec->observed_generation == spec->meta.generation;
}

static void plan_environment(struct core *core, struct core_environment *environment)
{
    const struct object_meta *meta = environment_meta(environment);
    if (!environment->status_dirty || environment->status_in_flight ||
        environment->finalizer_in_flight || not_heard_of(environment))
        return;
    if (!may_write(core, environment->written_ns))
        return;
    struct compute_environment_status *status = arena_alloc(core->arena, sizeof(*status));
    environment_status_fill(environment, status);
    char *message = status->message;
    status->message = arena_copy(core->arena, message != NULL ? message : "");
    free(message);
    const int64_t numbers[] = {
        status->observed_generation, status->desired_vcpus, status->vcpus,
        status->used_vcpus,          status->nodes,         status->nodes_booting};
    uint64_t hash = charge_hash(environment, hash_bytes(numbers, sizeof(numbers), 1));
    hash = spot_hash(environment, hash);
    spot_fill(core, environment, status);
    status->cost = charge_until(environment, core->now_ns);
    ladder_fill(core, environment, core->arena, status);
    for (size_t i = 0; i < status->launching_count; i++) {
        const struct launching *step = &status->launching[i];
        const int64_t told[] = {step->step, step->count, step->since_ns};
        hash = hash_text(step->hint, hash_bytes(told, sizeof(told), hash));
    }
    hash = hash_text(status->message, hash_text(status->reason, hash_text(meta->uid, hash)));
    environment->status_dirty = false;
    if (hash == environment->written_hash)
        return;
    struct action *action = action_new(core, ACTION_ENVIRONMENT_STATUS, environment);
    action->name = environment->name;
    action->meta = meta;
    action->environment_status = status;
    action->resource_version = arena_copy(core->arena, environment->resource_version);
    flight_find(core, action->id)->sequence = hash;
    environment->status_in_flight = true;
}

/* ------------------------------------------------------------------------- gone */

void gone_remember(struct core *core, const struct object_meta *meta)
{
    if (meta == NULL || meta->uid == NULL || is_gone(core, meta))
        return;
    text_set(&core->gone[core->gone_next], meta->uid);
    core->gone_next = (core->gone_next + 1) % ARRAY_LEN(core->gone);
}

bool is_gone(const struct core *core, const struct object_meta *meta)
{
    /* A ring, filled from its first place on: behind one that is empty all are. */
    for (size_t i = 0; i < ARRAY_LEN(core->gone) && core->gone[i] != NULL; i++) {
        if (text_eq(core->gone[i], meta->uid))
            return true;
    }
    return false;
}

bool is_outdated(const struct object_meta *known, const struct object_meta *meta)
{
    return known != NULL && text_eq(known->uid, meta->uid) && known->generation > meta->generation;
}

void version_take(char **known, const char *version)
{
    if (*known == NULL || version_number(version) > version_number(*known))
        text_set(known, version);
}

/* ------------------------------------------------------------------- finalizers */

void plan_finalizer(struct core *core, const char *kind, const struct object_meta *meta,
                    const char *version, bool free_to_go, bool *in_flight)
{
    bool add = meta->deleted_ns == 0 && !meta->has_finalizer;
    bool remove = meta->deleted_ns != 0 && meta->has_finalizer && free_to_go;
    if (*in_flight || (!add && !remove))
        return;
    struct action *action = action_new(core, ACTION_FINALIZER, NULL);
    action->object_kind = kind;
    action->name = meta->name;
    action->uid = meta->uid;
    action->resource_version = arena_copy(core->arena, version);
    action->add = add;
    flight_find(core, action->id)->text = text_printf("%c%s", kind[KIND_LETTER], meta->name);
    *in_flight = true;
}

/* Nearly always: it is there, and not being deleted. */
static bool finalizer_is_right(const struct object_meta *meta)
{
    return meta->has_finalizer == (meta->deleted_ns == 0);
}

static bool environment_may_go(const struct core_environment *environment)
{
    if (environment->pods_live > 0 || environment->launches != NULL ||
        environment->instance_count > 0)
        return false;
    return environment->spec == NULL ||
           (environment->observed && !environment_wants_last_look(environment));
}

void admin_plan(struct core *core)
{
    core->admin_wake_ns = INT64_MAX;
    size_t at = 0;
    struct core_queue *queue;
    while ((queue = map_next(core->queues, &at, NULL)) != NULL) {
        const struct object_meta *meta = queue_meta(queue);
        if (!queue->present || meta == NULL)
            continue;
        /* The finalizer first: both at once would be a conflict. */
        if (!finalizer_is_right(meta) && !queue->finalizer_waits && !queue->status_in_flight)
            plan_finalizer(core, "JobQueue", meta, queue->resource_version, queue->live == 0,
                           &queue->finalizer_in_flight);
        front_look(core, queue);
        int64_t due_ns = shares_due_ns(queue);
        if (due_ns <= core->now_ns)
            queue->status_dirty = true;
        else
            admin_wake(core, due_ns);
        plan_queue(core, queue);
    }
    at = 0;
    struct core_environment *environment;
    while ((environment = map_next(core->environments, &at, NULL)) != NULL) {
        const struct object_meta *meta = environment_meta(environment);
        if (meta == NULL)
            continue;
        if (!finalizer_is_right(meta) && !environment->finalizer_waits &&
            !environment->status_in_flight)
            plan_finalizer(core, "ComputeEnvironment", meta, environment->resource_version,
                           environment_may_go(environment), &environment->finalizer_in_flight);
        plan_environment(core, environment);
    }
    consume_plan(core);
}

/* ---------------------------------------------------------------------- answers */

static void finalizer_done(struct core *core, const char *which, const struct done *done)
{
    /* After success the watch brings the object as it is now; until then nothing more is asked for.
     * After a failure it is tried again with the version that the watch or the next read has
     * brought. */
    bool waits = done->result == DONE_OK;
    if (!waits)
        admin_wake(core, core->now_ns + NS_PER_S);
    struct core_queue *queue = which[0] == 'b' ? map_get(core->queues, which + 1) : NULL;
    struct core_environment *environment =
        which[0] == 'm' ? map_get(core->environments, which + 1) : NULL;
    if (queue != NULL) {
        queue->finalizer_in_flight = false;
        queue->finalizer_waits = waits;
    }
    if (environment != NULL) {
        environment->finalizer_in_flight = false;
        environment->finalizer_waits = waits;
    }
    if (which[0] == 'n')
        consume_finalizer_done(core, which + 1, waits);
}

void admin_done(struct core *core, struct flight *flight, struct done *done)
{
    enum action_kind kind = flight->kind;
    void *object = flight->object;
    uint64_t hash = flight->sequence;
    AUTO_TEXT text = STEAL(flight->text);
    flight_end(core, flight);
    bool written = done->result == DONE_OK;
    if (kind == ACTION_FINALIZER) {
        finalizer_done(core, text, done);
    } else if (kind == ACTION_QUEUE_STATUS) {
        struct core_queue *queue = object;
        queue->status_in_flight = false;
        queue->written_ns = core->now_ns;
        queue->status_dirty = queue->status_dirty || !written;
        queue->written_hash = written ? hash : 0; /* 0: what is there now is not known */
        if (written)
            bill_stored(core, queue);
        if (written && done->resource_version != NULL)
            text_set(&queue->resource_version, done->resource_version);
        queue->users++;
        queue_drop(core, queue); /* frees it if it has gone meanwhile */
    } else if (kind == ACTION_ENVIRONMENT_STATUS) {
        struct core_environment *environment = object;
        environment->status_in_flight = false;
        environment->written_ns = core->now_ns;
        environment->status_dirty = environment->status_dirty || !written;
        environment->written_hash = written ? hash : 0;
        if (written && done->resource_version != NULL)
            text_set(&environment->resource_version, done->resource_version);
        environment_free_if_unused(core, environment);
    }
}
