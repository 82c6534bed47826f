/* SPDX-License-Identifier: Apache-2.0 */
/* pods.c - pods as the API server has them
 *
 * One record a pod, ours or foreign, under namespace/name. A record of ours that stands for a
 * child's live try has in_job set and is the child's pod; when the try has ended it waits
 * (PODS_ENDED) until the outcome is durable in the job's status, and only then may the finalizer go
 * (podwork.c). A pod of ours whose try is recorded already, or whose job is gone, is a leftover: it
 * is stopped and released. */
#include "assist.h"
#include "cost.h"
#include "gang.h"
#include "internal.h"
#include "ladder.h"
#include "reclaim.h"
#include "shares.h"
#include "tell.h"

#include <stdlib.h>
#include <string.h>

static bool is_terminal(const struct pod *seen)
{
    return seen->phase == POD_SUCCEEDED || seen->phase == POD_FAILED;
}

/* -------------------------------------------------------------------- records */

static struct core_pod *pod_new(struct core *core, const char *key, const char *namespace_,
                                const char *name)
{
    struct core_pod *pod = mem_new(sizeof(*pod));
    pod->key = text_copy(key);
    pod->namespace_ = text_copy(namespace_);
    pod->name = text_copy(name);
    pod->count = 1;
    pod->timer.kind = TIMER_POD;
    pod->created_ns = core->now_ns;
    map_put(core->pods, key, pod);
    core->counts.pods++;
    return pod;
}

void pod_release_memory(struct core *core, struct core_pod *pod)
{
    if (!pod->gone || pod->flights > 0 || pod->in_outbox || pod->adrift || pod->state == PODS_ENDED)
        return;
    timer_clear(&core->timers, &pod->timer);
    class_drop(core, pod->class_);
    consume_pod_done(core, pod);
    free(pod->own);
    free(pod->key);
    free(pod->namespace_);
    free(pod->name);
    free(pod->uid);
    free(pod->daemon_uid);
    free(pod->queue);
    free(pod->environment);
    free(pod->address);
    free(pod->gives_way_to);
    free(pod->waiting_reason);
    free(pod->waiting_message);
    free(pod->host_ports);
    free(pod);
}

void pod_hold(struct core *core, struct core_pod *pod, bool held)
{
    core->counts.pods_held += (int64_t)held - (int64_t)pod->has_finalizer;
    pod->has_finalizer = held;
}

/* Takes the record out of everything that others look at. */
void pod_unlink(struct core *core, struct core_pod *pod)
{
    if (pod->gone)
        return;
    pod->gone = true;
    core->counts.pods--;
    pod_hold(core, pod, false);
    map_remove(core->pods, pod->key);
    node_count_pod(core, pod, false);
    node_pod_remove(core, pod);
    consume_end(core, pod);
    quota_end(core, pod);
    shares_end(core, pod);
    timer_clear(&core->timers, &pod->timer);
}

/* ------------------------------------------------------------------ placement */

static char *pod_name(const struct core_job *job, uint32_t index, unsigned try)
{
    AUTO_TEXT stem = job_stem(job->spec->meta.name, job->uid);
    return text_printf("%s-%u-%u", stem, index, try);
}

struct core_pod *pod_place(struct core *core, struct core_job *job, uint32_t index,
                           struct core_node *node)
{
    struct child *child = &job->children[index];
    unsigned try = child->attempts + child->refusals + 1U;
    AUTO_TEXT name = pod_name(job, index, try);
    AUTO_TEXT key = text_printf("%s/%s", job->spec->meta.namespace_, name);
    const struct core_pod *taken = map_get(core->pods, key);
    if (taken != NULL && !taken->ours && child->refusals < JOB_REFUSALS_MAX) {
        child->refusals++; /* a squatter's, who may stay for ever: the next try has another name */
        records_child(job, index);
        job_changed(core, job, NS_PER_S);
        return pod_place(core, job, index, node);
    }
    if (taken != NULL)
        return NULL; /* its end comes first */
    struct core_pod *pod = pod_new(core, key, job->spec->meta.namespace_, name);
    pod->state = PODS_CREATING;
    pod->ours = pod->in_job = true;
    pod_hold(core, pod, true);
    pod->job = job;
    pod->alone = job->gang;
    pod->index = index;
    pod->try = (uint16_t)try;
    /* Of a gang all pods belong to the main node's attempt. */
    pod->attempt =
        (uint16_t)((job->gang ? job->children[job->main_node].attempts : child->attempts) + 1U);
    pod->class_ = class_share(job_class(job, index));
    pod->node_uid = uid_hash(node->spec->meta.uid);
    if (job_is_assisted(job))
        assist_begin(pod, node);
    child->pod = pod;
    node_pod_add(core, node, pod);
    node_count_pod(core, pod, true);
    consume_take(core, pod);
    quota_take(core, pod);
    shares_take(core, pod);
    pod->price = pod_price(pod);
    child_move(core, job, index, ON_PLACE);
    blocked_moved(core, job);
    if (!job->array) /* told only if it has not started by then */
        job_changed(core, job, core->options.verdict_delay_ns);
    pod_outbox(core, pod);
    return pod;
}

/* The create never happened, or what has the name is not ours: the child waits for a place again.
 */
void pod_unplace(struct core *core, struct core_pod *pod, bool use_up_try)
{
    struct core_job *job = pod->job;
    if (pod->in_job && job != NULL && job->children != NULL) {
        struct child *child = &job->children[pod->index];
        child->pod = NULL;
        if (use_up_try && child->refusals < JOB_REFUSALS_MAX) {
            child->refusals++;
            records_child(job, pod->index);
            job_changed(core, job, NS_PER_S);
        }
        if (child_is_stopped(job, pod->index) && (!job->gang || pod->index == job->main_node)) {
            failures_child(
                job, pod->index,
                &(struct failure_words){.status_reason = child_stop_reason(job, pod->index)},
                false);
            child_move(core, job, pod->index, ON_FAIL);
            depend_child_ended(core, job, pod->index);
            job_changed(core, job, 0);
            job_settle(core, job);
        } else {
            child_move(core, job, pod->index, ON_UNPLACE);
        }
        gang_look(core, job);
        if (job->gang)
            job_settle(core, job);
    }
    pod->in_job = false;
    pod->job = NULL;
    pod_unlink(core, pod);
}

/* ------------------------------------------------------------------- adoption */

/* A pod of a job that this process did not create: made by an earlier life, or by a create whose
 * answer was lost. */
static void adopt(struct core *core, struct core_pod *pod, const struct pod *seen)
{
    struct core_job *job = map_get(core->jobs, seen->job_uid);
    pod->ours = true;
    pod->state = PODS_LIVE;
    pod->node_uid = uid_hash(seen->node_uid);
    if (seen->meta.created_ns != 0)
        pod->created_ns = seen->meta.created_ns;
    pod->index = seen->index;
    pod->count = seen->count;
    pod->price = seen->price;
    pod->try = (uint16_t)seen->try;
    pod->attempt = (uint16_t)(seen->attempt > 0 ? seen->attempt : 1);
    pod->alone = job != NULL && job->gang;
    if (job == NULL || job->children == NULL || seen->index >= job->size ||
        !text_eq(seen->owner_uid, job->uid) ||
        !text_eq(job->spec->meta.namespace_, seen->meta.namespace_))
        return;
    struct child *child = &job->children[seen->index];
    /* A later try was only made because the earlier one had been given up; that was not durable
     * yet. */
    if (child->pod != NULL && child->pod->state == PODS_LIVE && child->pod->try < seen->try) {
        bool outer = core->superseded;
        core->superseded = true;
        pod_give_up(core, child->pod);
        core->superseded = outer;
    }
    if (job->children == NULL)
        return;
    unsigned recorded = child->attempts + (unsigned)child->refusals;
    if (child->phase >= JOB_SUCCEEDED || seen->try <= recorded || child->pod != NULL)
        return;
    if (seen->try >
        recorded + 1) { /* tries in between left no trace; they were not attempts that we counted */
        unsigned gap = seen->try - recorded - 1;
        child->refusals =
            (uint8_t)(child->refusals + gap > JOB_REFUSALS_MAX ? JOB_REFUSALS_MAX
                                                               : child->refusals + gap);
        records_child(job, pod->index);
    }
    if (pod->attempt <= child->attempts)
        pod->attempt = (uint16_t)(child->attempts + 1U);
    pod->in_job = true;
    pod->job = job;
    child->pod = pod;
    job->gang_open = job->gang;
    child_move(core, job, pod->index, ON_READY);
    child_move(core, job, pod->index, ON_PLACE);
}

/* ----------------------------------------------------------------- observation */

static void take_requests(struct core *core, struct core_pod *pod, const struct pod *seen)
{
    struct amounts own;
    amounts_from(core, &seen->requests, &own);
    own.v[DIM_PODS] = 1;
    if (pod->class_ != NULL && pod->own == NULL &&
        memcmp(&own, &pod->class_->needs, sizeof(own)) == 0)
        return;
    if (pod->own != NULL && memcmp(&own, pod->own, sizeof(own)) == 0)
        return;
    bool counted = pod->counted;
    node_count_pod(core, pod, false);
    if (pod->own == NULL)
        pod->own = mem_new(sizeof(own));
    *pod->own = own;
    node_count_pod(core, pod, counted);
}

static void take_ports(struct core_pod *pod, const struct pod *seen)
{
    if (pod->host_ports != NULL || seen->host_port_count == 0)
        return;
    pod->host_ports = mem_grow(NULL, seen->host_port_count, sizeof(*pod->host_ports));
    memcpy(pod->host_ports, seen->host_ports, seen->host_port_count * sizeof(*pod->host_ports));
    pod->host_port_count = seen->host_port_count;
}

static void take_node(struct core *core, struct core_pod *pod, const struct pod *seen)
{
    if (seen->node_name == NULL ||
        (pod->node != NULL && strcmp(pod->node->name, seen->node_name) == 0))
        return;
    bool counted = pod->counted;
    node_count_pod(core, pod, false);
    node_pod_remove(core, pod);
    node_pod_add(core, node_named(core, seen->node_name, true), pod);
    node_count_pod(core, pod, counted);
}

bool pod_has_trouble(const struct core_pod *pod)
{
    const char *why = pod->waiting_reason;
    return why != NULL && strcmp(why, "ContainerCreating") != 0 &&
           strcmp(why, "PodInitializing") != 0;
}

static void take_waiting(struct core *core, struct core_pod *pod, const struct pod *seen)
{
    /* What it waited for when it was stopped: a kubelet that stops it says ContainerCreating then.
     */
    bool stopped = pod->kill != KILL_NONE || is_terminal(seen);
    if (stopped && (seen->waiting_reason == NULL || pod->waiting_reason != NULL))
        return;
    bool same = text_eq(pod->waiting_reason, seen->waiting_reason);
    text_set(&pod->waiting_reason, seen->waiting_reason);
    text_set(&pod->waiting_message, seen->waiting_message);
    if (same || stopped || !pod->in_job || !pod_has_trouble(pod))
        return;
    pod->job->slow_index = pod->index;
    job_changed(core, pod->job, core->options.verdict_delay_ns);
}

static void take_start(struct core *core, struct core_pod *pod, const struct pod *seen)
{
    take_waiting(core, pod, seen);
    pod->init_started = pod->init_started || seen->init_started;
    if (!seen->containers_started || pod->started)
        return;
    pod->started = true;
    pod->started_ns = seen->started_ns != 0 ? seen->started_ns : core->now_ns;
    consume_started(core, pod);
    ladder_served(pod->node);
    if (!pod->in_job || pod->job == NULL)
        return;
    struct core_job *job = pod->job;
    child_move(core, job, pod->index, ON_START);
    if (job->started_ns == 0)
        job->started_ns = pod->started_ns;
    gang_look(core, job);
    job_changed(core, job, core->options.running_delay_ns);
}

/* It has ended, and stays until what is known now is in its job's stored status. */
static void await_status(struct core *core, struct core_pod *pod)
{
    struct core_job *job = pod->job;
    pod->state = PODS_ENDED;
    core->counts.pods_ended++;
    pod->ended_next = NULL;
    if (job->ended_last != NULL)
        job->ended_last->ended_next = pod;
    else
        job->ended_first = pod;
    job->ended_last = pod;
    job->ended_pods++;
    if (job_is_unstored(job))
        queue_enter(core, job);
    shares_end(core, pod);
    timer_clear(&core->timers, &pod->timer);
    pod->needs_sequence =
        job->sequence + 1; /* job_changed, which follows, makes it at least that */
}

/* A process that died between an ArrayState and the first status has recorded the end of a pod, and
 * not what its job runs: nothing but the pods may tell that. */
static bool tells_revision(const struct core *core, const struct pod *seen)
{
    const struct core_job *job = map_get(core->jobs, seen->job_uid);
    return job != NULL && !job->ended && !job->gone && job->children != NULL &&
           job->spec->definition != NULL && job->spec->status.definition == NULL &&
           job->written_ns == 0 && seen->definition != NULL && text_eq(seen->owner_uid, job->uid);
}

static void take_end(struct core *core, struct core_pod *pod, const struct pod *seen)
{
    if (pod->state > PODS_LIVE)
        return;
    if (!pod->ours)
        return;
    if (pod->in_job) {
        pod_finish(core, pod, seen, NULL);
    } else if (tells_revision(core, seen)) {
        struct core_job *job = map_get(core->jobs, seen->job_uid);
        pod->job = job;
        await_status(core, pod);
        job_changed(core, job, 0);
    } else { /* a leftover: recorded already, or nobody's */
        pod->state = PODS_RELEASE;
        pod_outbox(core, pod);
    }
}

void pod_finish(struct core *core, struct core_pod *pod, const struct pod *seen,
                const char *lost_why)
{
    await_status(core, pod);
    outcome_apply(core, pod, seen, lost_why);
}

/* It was deleted before it had a node. */
static void never_was(struct core *core, struct core_pod *pod, const struct pod *seen)
{
    node_count_pod(core, pod, false);
    if (pod->in_job) {
        pod_finish(core, pod, seen, "the pod was deleted before it started");
    } else {
        pod->state = PODS_RELEASE;
        pod_outbox(core, pod);
    }
}

/* One of ours whose labels somebody took off: nobody knows its job any more, and nobody else would
 * ever let it go. */
static void let_go_nameless(struct core *core, struct core_pod *pod)
{
    if (pod->state != PODS_FOREIGN || !pod->has_finalizer || !pod->deleting)
        return;
    pod->state = PODS_RELEASE;
    pod_outbox(core, pod);
}

/* Its try is on record, or its child has ended: the create was on its way while that came about.
 * Whoever sent it is dead, and the pod must not run for a moment longer. */
static bool came_late(struct core *core, const struct pod *seen)
{
    const struct core_job *job = seen->job_uid != NULL ? map_get(core->jobs, seen->job_uid) : NULL;
    if (job == NULL)
        return false;
    if (job->ended || job->children == NULL || seen->index >= job->size)
        return job->ended;
    const struct child *child = &job->children[seen->index];
    return child->phase >= JOB_SUCCEEDED ||
           seen->try <= child->attempts + (unsigned)child->refusals;
}

/* Of others that nobody expects the job may not be heard of yet. */
static void stop_unexpected(struct core *core, struct core_pod *pod, const struct pod *seen)
{
    if (came_late(core, seen))
        pod_kill(core, pod, KILL_ORPHAN);
    else if (!timer_is_set(&pod->timer))
        timer_set(&core->timers, &pod->timer, core->now_ns + 5 * NS_PER_S);
}

static void update(struct core *core, struct core_pod *pod, const struct pod *seen)
{
    if (pod->uid == NULL) {
        pod->uid = text_copy(seen->meta.uid);
        /* The server's time counts: a later process has no other to tell a start deadline by. */
        if (seen->meta.created_ns > pod->created_ns)
            pod->created_ns = seen->meta.created_ns;
    }
    if (pod->state == PODS_CREATING && pod->ours) {
        pod->state = PODS_LIVE;
        pod->unresolved = false;
        if (pod->job != NULL)
            tell_look(core, pod->job);
    }
    pod->version = version_number(seen->meta.resource_version);
    pod->deleting = seen->meta.deleted_ns != 0;
    pod->deleted_ns = seen->meta.deleted_ns;
    pod_hold(core, pod, seen->meta.has_finalizer);
    if (pod->daemon_uid == NULL && text_eq(seen->owner_kind, "DaemonSet"))
        pod->daemon_uid = text_copy(seen->owner_uid);
    if (seen->address != NULL)
        text_set(&pod->address, seen->address);
    take_node(core, pod, seen);
    assist_seen(core, pod, seen);
    take_requests(core, pod, seen);
    take_ports(pod, seen);
    node_count_pod(core, pod, !is_terminal(seen) && pod->node != NULL);
    consume_seen(core, pod, seen);
    quota_seen(core, pod, seen);
    take_start(core, pod, seen);
    let_go_nameless(core, pod);
    if (assist_is_over(pod)) {
        consume_end(core, pod);
        quota_end(core, pod);
        shares_end(core, pod);
        never_was(core, pod, seen);
    } else if (is_terminal(seen)) {
        consume_end(core, pod);
        quota_end(core, pod);
        shares_end(core, pod);
        if (pod->finished_ns == 0 && pod->ours) {
            pod->finished_ns = seen->finished_ns;
            text_set(&pod->queue, seen->queue);
        }
        take_end(core, pod, seen);
    } else if (pod->ours && pod->state == PODS_LIVE) {
        shares_seen(core, pod, seen);
        reclaim_seen(core, pod, seen);
        if (!pod->in_job && pod->kill == KILL_NONE)
            stop_unexpected(core, pod, seen);
        else
            pod_timer_set(core, pod);
        if (pod->kill != KILL_NONE && !pod->kill_sent)
            pod_outbox(core, pod);
        node_check_lost(core, pod);
    }
}

static void apply(struct core *core, const struct pod *seen, bool read)
{
    AUTO_TEXT key = text_printf("%s/%s", seen->meta.namespace_ != NULL ? seen->meta.namespace_ : "",
                                seen->meta.name);
    struct core_pod *pod = map_get(core->pods, key);
    if (pod != NULL && pod->uid != NULL && !text_eq(pod->uid, seen->meta.uid)) {
        if (version_number(seen->meta.resource_version) < pod->version)
            return; /* news of an object that is gone already */
        AUTO_TEXT old = text_copy(pod->uid);
        pod_gone(core, key, old);
        pod = NULL;
    }
    if (pod != NULL && version_number(seen->meta.resource_version) <= pod->version &&
        pod->version != 0)
        return;
    if (pod != NULL && pod->state == PODS_CREATING &&
        (seen->job_uid == NULL || (pod->job != NULL && !text_eq(seen->job_uid, pod->job->uid)) ||
         seen->index != pod->index || seen->try != pod->try ||
         !text_eq(seen->owner_uid, seen->job_uid))) {
        if (pod->create_sent && !read) {
            pod->shadowed = true; /* it may be gone, and ours in its place: the answer says */
            return;
        }
        pod_unplace(core, pod,
                    true); /* someone else's pod has the name: the next try has another */
        pod_release_memory(core, pod);
        pod = NULL;
    }
    if (pod == NULL) {
        pod = pod_new(core, key, seen->meta.namespace_, seen->meta.name);
        pod->state = PODS_FOREIGN;
        if (seen->job_uid != NULL && seen->meta.has_finalizer)
            adopt(core, pod, seen);
        else if (seen->job_uid != NULL && core->synced &&
                 map_get(core->jobs, seen->job_uid) != NULL)
            adopt(core, pod, seen);
    }
    update(core, pod, seen);
}

void pod_apply(struct core *core, struct pod *take_seen)
{
    if (!core->synced && take_seen->job_uid != NULL) {
        ARRAY_ROOM(core->early_pods, core->early_count, core->early_capacity);
        core->early_pods[core->early_count++] = take_seen;
        return;
    }
    apply(core, take_seen, false);
    pod_free(take_seen);
}

void pod_read(struct core *core, struct pod *take_seen)
{
    apply(core, take_seen, true);
    pod_free(take_seen);
}

static int compare_early(const void *a, const void *b)
{
    const struct pod *left = *(struct pod *const *)a;
    const struct pod *right = *(struct pod *const *)b;
    int order = strcmp(left->job_uid, right->job_uid);
    if (order != 0)
        return order;
    if (left->index != right->index)
        return left->index < right->index ? -1 : 1;
    if (left->try != right->try)
        return left->try < right->try ? -1 : 1;
    int64_t versions =
        version_number(left->meta.resource_version) - version_number(right->meta.resource_version);
    return versions < 0 ? -1 : versions > 0;
}

void pods_pin_early(struct core *core)
{
    for (size_t i = 0; i < core->early_count; i++) {
        struct core_job *job = map_get(core->jobs, core->early_pods[i]->job_uid);
        if (job != NULL)
            revision_pin_by_pod(job, core->early_pods[i]);
    }
}

static bool is_of_one_child(const struct pod *a, const struct pod *b)
{
    return a->index == b->index && text_eq(a->job_uid, b->job_uid);
}

/* A pod that changed while all was read is there more than once. */
static bool early_is_superseded(const struct core *core, size_t at)
{
    const struct pod *seen = core->early_pods[at];
    for (size_t i = at + 1; i < core->early_count && is_of_one_child(core->early_pods[i], seen);
         i++)
        if (core->early_pods[i]->try > seen->try)
            return true;
    return false;
}

/* In the order of tries, so that what ended earlier is counted before what runs now. */
void pods_apply_early(struct core *core)
{
    if (core->early_count > 1)
        qsort(core->early_pods, core->early_count, sizeof(*core->early_pods), compare_early);
    for (size_t i = 0; i < core->early_count; i++) {
        const struct pod *seen = core->early_pods[i];
        assert(seen != NULL);
        core->superseded = early_is_superseded(core, i);
        apply(core, seen, false);
        pod_free(core->early_pods[i]);
    }
    core->superseded = false;
    free(core->early_pods);
    core->early_pods = NULL;
    core->early_count = core->early_capacity = 0;
}

/* The machine is gone, but the pod may have ended before, and the watch of pods may be behind the
 * others: its last word is read from the server first. Nobody but pod GC can change it any more. */
void pod_lost(struct core *core, struct core_pod *pod)
{
    if (!pod->ours || pod->state != PODS_LIVE || pod->suspect)
        return;
    if (pod_is_afloat(pod)) { /* it was never there */
        assist_drift(core, pod);
        return;
    }
    pod->suspect = true;
    pod_outbox(core, pod);
}

/* It was still not terminal when it was read after its machine had gone. */
void pod_give_up(struct core *core, struct core_pod *pod)
{
    pod->suspect = false;
    pod->given_up = pod->bound;
    if (!node_is_another(pod))
        node_count_pod(core, pod, false);
    consume_end(core, pod);
    quota_end(core, pod);
    if (pod->in_job) {
        pod_finish(core, pod, NULL, "its node went away before the pod started");
    } else {
        pod->state = PODS_RELEASE;
        pod_outbox(core, pod);
    }
}

/* Listed, and gone before the rest was: it would be taken for live, and nobody would tell again. */
static void forget_early(struct core *core, const char *uid)
{
    size_t kept = 0;
    for (size_t i = 0; i < core->early_count; i++) {
        struct pod *seen = core->early_pods[i];
        assert(seen != NULL);
        if (text_eq(seen->meta.uid, uid))
            pod_free(seen);
        else
            core->early_pods[kept++] = seen;
    }
    core->early_count = kept;
}

void pod_gone(struct core *core, const char *key, const char *uid)
{
    forget_early(core, uid);
    struct core_pod *pod = map_get(core->pods, key);
    if (pod == NULL || pod->uid == NULL || !text_eq(pod->uid, uid))
        return;
    if (pod->ours && pod->state == PODS_LIVE && pod->in_job) {
        node_count_pod(core, pod, false);
        pod_finish(core, pod, NULL, "the pod was deleted before it started");
    }
    pod_unlink(core, pod);
    pod_release_memory(core, pod);
}

void pods_disown(struct core *core, struct core_job *job)
{
    for (uint32_t i = 0; job->children != NULL && i < job->size; i++) {
        struct core_pod *pod = job->children[i].pod;
        if (pod == NULL)
            continue;
        job->children[i].pod = NULL;
        pod->in_job = false;
        pod->job = NULL;
        pod_kill(core, pod, KILL_ORPHAN);
    }
    for (struct core_pod *pod = job->ended_first; pod != NULL; pod = pod->ended_next)
        pod->kill = KILL_ORPHAN;        /* nor is it kept */
    job->written_sequence = UINT64_MAX; /* nobody is left to tell: what has ended may go */
    pods_durable(core, job);
}

void pods_durable(struct core *core, struct core_job *job)
{
    bool was_unstored = job_is_unstored(job);
    while (job->ended_first != NULL && job->ended_first->needs_sequence <= job->written_sequence) {
        struct core_pod *pod = job->ended_first;
        job->ended_first = pod->ended_next;
        if (job->ended_first == NULL)
            job->ended_last = NULL;
        core->counts.pods_ended--;
        job->ended_pods--;
        pod->job = NULL;
        pod->state = PODS_RELEASE;
        if (pod->gone)
            pod_release_memory(core, pod);
        else
            pod_outbox(core, pod);
    }
    if (was_unstored && !job_is_unstored(job))
        queue_enter(core, job);
}
