/* SPDX-License-Identifier: Apache-2.0 */
/* truth.c - what each child must come to, worked out from what is stored about its pods
 *
 * Never asks the core. What the API server has stored about a pod is what happened; what no report
 * says has not. From that and the job's own rules follow attempts, refusals, success and failure.
 */
#include "sim/world.h"

#include "bulkhead/base/str.h"

#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 20 };

struct truth *truth_of(const struct world *world, const char *job_uid)
{
    for (struct truth *truth = world->truths; truth != NULL; truth = truth->next)
        if (strcmp(truth->job->object.uid, job_uid) == 0)
            return truth;
    return NULL;
}

void truth_new(struct world *world, struct sim_job *job)
{
    struct truth *truth = arena_alloc(world->arena, sizeof(*truth));
    truth->job = job;
    truth->child_count = job->size > 0 ? job->size : 1;
    uint32_t most = job->computed ? RESULT_COUNT_MAX : truth->child_count;
    truth->children = arena_alloc(world->arena, most * sizeof(*truth->children));
    truth->next = world->truths;
    world->truths = truth;
    job->truth = truth;
}

bool pod_may_execute(const struct sim_pod *pod)
{
    const struct body *body = pod->body;
    if (body->instance != NULL && !body->instance->alive)
        return false;
    if (pod->object.gone)
        return body->executing;
    return !pod_ended(pod);
}

/* Not executing, and nobody but the oracle's machine knows: its node is not the one it was made
 * for. */
bool pod_is_stranded(const struct world *world, const struct sim_pod *pod)
{
    if (pod->object.gone || pod_ended(pod) || pod->body->admitted)
        return false;
    const struct sim_node *node = node_of_pod(world, pod);
    if (pod->node_name == NULL)
        return pod->object.deleted_ns != 0; /* else the scheduler may bind it yet */
    return node == NULL || !node->instance->alive || !name_eq(node->object.uid, pod_machine(pod));
}

/* Who had given it up with its machine may have died before the finalizer was off: what the next
 * one does to it, and when, changes nothing. */
bool is_recorded(const struct world *world, const struct sim_pod *pod)
{
    const struct sim_job *job = pod->body->job;
    const struct stored_status *stored = job != NULL ? job->status : NULL;
    const struct sim_array_state *state =
        job != NULL ? store_find(world, KIND_ARRAY_STATE, job->object.namespace_, job->object.name)
                    : NULL;
    if (state != NULL && name_eq(state->job_uid, job->object.uid) &&
        (stored == NULL || stored->elsewhere))
        stored = state->status;
    if (stored == NULL)
        return false;
    const struct child_record *child =
        stored->children != NULL ? &stored->children[pod->index] : NULL;
    int64_t tries = child != NULL ? child->attempts + stored->refusals[pod->index]
                                  : stored->status.attempts + stored->status.refusals;
    return tries >= pod->try;
}

/* By the times in its own metadata, so that it holds also when the process that stopped it is gone.
 */
static bool was_too_late(const struct sim_pod *pod)
{
    const struct sim_job *job = pod->body->job;
    if (pod->started || pod->phase == POD_SUCCEEDED || job == NULL)
        return false;
    if (pod->deadline)
        return true;
    /* What became of its machine after that makes no difference. That it was removed does not
     * either, when it was not held any more. */
    int64_t told_ns = pod->object.deleted_ns - pod->grace_s * NS_PER_S;
    return pod->object.deleted_ns != 0 && pod->body->told_held && pod->reason == NULL &&
           (pod->disruption == NULL || pod->disrupted_ns > told_ns) &&
           told_ns - pod->object.created_ns >= job->start_deadline_s * NS_PER_S;
}

/* Stopped when another Node had its name: whoever had heard of that Node stopped it for that, and
 * says so; who had not, stopped it for its start deadline. Stopped by somebody else when its
 * machine was dead: who had given it up with its machine before, and has not written that yet, says
 * that; who comes later goes by the times. What is said first holds. */
static bool could_not_start(const struct sim_pod *pod)
{
    return was_too_late(pod) && (pod->deadline || !pod->body->host_lost || pod->body->counted_late);
}

void truth_counted(const struct sim_job *job, uint32_t index, int64_t attempts)
{
    const struct sim_pod *last = job->truth->children[index].last;
    if (last != NULL && last->body->host_lost && attempts >= last->attempt && was_too_late(last))
        last->body->counted_late = true;
}

/* It may be said first of a child that waits for this one: its status is another. */
static bool may_be_counted(const struct sim_pod *last)
{
    return last != NULL && last->body->host_lost && was_too_late(last) && !pod_may_execute(last);
}

static bool counts_as_attempt(const struct sim_pod *pod)
{
    return pod->phase == POD_SUCCEEDED ||
           (!pod_gave_way(pod) && (pod->started || could_not_start(pod)));
}

static bool glob(const char *pattern, const char *text)
{
    if (pattern == NULL)
        return true;
    size_t size = strlen(pattern);
    if (size > 0 && pattern[size - 1] == '*')
        return strncmp(pattern, text, size - 1) == 0;
    return strcmp(pattern, text) == 0;
}

static int64_t attempts_max(const struct sim_job *job)
{
    if (job->attempts > 0)
        return job->attempts;
    int64_t attempts = revision_attempts(job);
    return attempts > 0 ? attempts : 1;
}

/* By the times in the pod's status, so that it holds whoever looks, and whenever. */
static bool ran_too_long(const struct sim_job *job, const struct sim_pod *pod)
{
    return job->timeout_s > 0 && pod->started && pod->phase == POD_FAILED &&
           pod->disruption == NULL && !pod->exit_unknown &&
           pod->finished_ns - pod->started_ns >= job->timeout_s * NS_PER_S;
}

static bool rules_retry(const struct sim_job *job, const struct sim_pod *pod, const char *reason)
{
    bool too_late = could_not_start(pod); /* whatever became of its machine after that */
    bool host_lost = !too_late && (!pod_ended(pod) || pod->disruption != NULL ||
                                   (pod->exit_unknown && pod->started));
    bool not_started = !pod->started;
    const char *status_reason = host_lost     ? "Host EC2 (instance i) terminated."
                                : not_started ? "Task failed to start"
                                              : "Essential container in task exited";
    char code[16] = "";
    if (pod->has_exit)
        snprintf(code, sizeof(code), "%d", pod->exit_code);
    for (size_t i = 0; i < job->rule_count; i++) {
        const struct rule *rule = &job->rules[i];
        if (glob(rule->on_reason, reason) && glob(rule->on_status_reason, status_reason) &&
            glob(rule->on_exit_code, code))
            return rule->retry;
    }
    return true;
}

enum retry { RETRY_NO, RETRY_YES, RETRY_EITHER };

static enum retry attempt_retried(const struct world *world, const struct sim_job *job,
                                  const struct sim_pod *pod, uint32_t attempts_done)
{
    if ((int64_t)attempts_done >= attempts_max(job))
        return RETRY_NO;
    if (pod->deadline && pod->started)
        return RETRY_NO;
    if (ran_too_long(job, pod))
        return RETRY_NO;
    /* Stopped since another Node had the name: whoever knows that says so, a later process goes by
     * the exit. */
    if (pod->body->for_another && !could_not_start(pod))
        return RETRY_EITHER;
    if (!could_not_start(pod))
        return rules_retry(job, pod, "") ? RETRY_YES : RETRY_NO;

    /* What it waited for is not in its last status: a process that came after does not know, nor
     * does one whose kubelet was cut off before it could tell. */
    bool known = rules_retry(job, pod, "CannotPullContainerError: image");
    bool unknown = rules_retry(job, pod, "CannotStartContainerError: not started in time");
    if (!pod->body->told_hang)
        return unknown ? RETRY_YES : RETRY_NO;
    if (known != unknown && world->counters.crashes + world->counters.partitions > 0)
        return RETRY_EITHER;
    return known ? RETRY_YES : RETRY_NO;
}

bool job_ended(const struct sim_job *job)
{
    return job->status != NULL && job->status->status.phase >= JOB_SUCCEEDED;
}

struct summary summarize(const struct world *world, const struct sim_job *job,
                         const struct sim_pod *last)
{
    struct summary sum = {0};
    if (last == NULL)
        return sum;
    sum = summarize(world, job, last->body->sibling);
    if (pod_may_execute(last) && !pod_is_stranded(world, last))
        sum.live = true;
    if (last->phase == POD_SUCCEEDED)
        sum.succeeded = true;
    if (!counts_as_attempt(last)) {
        /* What a kubelet will not take however often it is asked counts for 20 of the 100 that a
         * child has. The core may have counted a little more: names that were taken. */
        sum.refusals++;
        sum.used += !sum.live && name_eq(last->reason, "SysctlForbidden") ? 20 : 1;
        sum.final_failed |= !sum.live && sum.used > JOB_REFUSALS_MAX;
        sum.may_have_failed |= !sum.live && sum.used > JOB_REFUSALS_MAX - 20;
        return sum;
    }
    sum.attempts++;
    enum retry retry = attempt_retried(world, job, last, sum.attempts);
    sum.final_failed |= !sum.live && !sum.succeeded && retry == RETRY_NO;
    sum.may_have_failed = !sum.live && !sum.succeeded && retry == RETRY_EITHER;
    return sum;
}

/* --- What the end of another may have meant ------------------------------------------------------
 */

static bool child_may_fail(const struct world *world, const struct sim_job *job, uint32_t index,
                           int depth);

static bool child_may_succeed(const struct world *world, const struct sim_job *job, uint32_t index,
                              int depth)
{
    return summarize(world, job, job->truth->children[index].last).succeeded ||
           may_be_taken(world, job, index) || may_be_skipped(world, job, index, depth + 1) ||
           may_be_empty(world, job);
}

static bool is_named(const struct sim_job *job, const struct sim_job *dependant, const char *name)
{
    return strcmp(job->object.name, name) == 0 &&
           strcmp(job->object.namespace_, dependant->object.namespace_) == 0;
}

/* Is it who a dependency may wait for? Who waits for a success follows replacements. */
static bool is_meant(const struct world *world, const struct sim_job *on, const struct sim_job *job,
                     const struct sim_dependency *dependency)
{
    return dependency->condition == DEPEND_ON_SUCCESS
               ? stands_for(world, on, job, dependency->name, 0)
               : is_named(on, job, dependency->name);
}

static bool is_pair(const struct sim_job *job, const struct sim_job *on,
                    const struct sim_dependency *dependency)
{
    return dependency->type == DEPENDENCY_N_TO_N && on->size == job->size;
}

/* Names that come back can depend in a circle, whose jobs all fail. */
static bool leads_to(struct world *world, const struct sim_job *from, const struct sim_job *target)
{
    for (size_t i = 0; i <= from->dependency_count; i++) {
        bool last = i == from->dependency_count;
        const char *name = last ? from->replaces : from->dependencies[i].name;
        for (struct truth *other = world->truths; name != NULL && other != NULL;
             other = other->next) {
            if (!stands_for(world, other->job, from, name, 0))
                continue;
            if (other->job == target)
                return true;
            if (other->walk == world->walk)
                continue;
            other->walk = world->walk;
            if (leads_to(world, other->job, target))
                return true;
        }
    }
    return false;
}

bool is_on_cycle(struct world *world, const struct sim_job *job)
{
    world->walk++;
    return leads_to(world, job, job);
}

/* Has what a child waits for failed, in truth or by its status? */
static bool dependency_may_fail(const struct world *world, const struct sim_job *job,
                                const struct sim_dependency *dependency, uint32_t index, int depth)
{
    if (dependency->name == NULL) /* SEQUENTIAL: the child before it */
        return index > 0 && child_may_fail(world, job, index - 1, depth + 1);
    for (const struct truth *other = world->truths; other != NULL; other = other->next) {
        const struct sim_job *on = other->job;
        if (!is_meant(world, on, job, dependency))
            continue;
        /* That it is gone changes nothing for those who waited for it. */
        if (on->expired && on->status->status.phase == JOB_SUCCEEDED)
            continue;
        if (on->object.gone || on->object.deleted_ns != 0)
            return true;
        if (dependency->type == DEPENDENCY_N_TO_N && !is_pair(job, on, dependency))
            return true;
        if (dependency->hold) /* whatever becomes of it */
            continue;
        if (on->status != NULL && on->status->status.phase == JOB_FAILED)
            return true;
        if (depth > DEPTH_MAX) /* names that came back can depend in a circle */
            return true;
        bool pairs = is_pair(job, on, dependency);
        for (uint32_t i = 0; i < other->child_count; i++)
            if ((!pairs || i == index) && !is_part(on, i) &&
                child_may_fail(world, on, i, depth + 1))
                return true;
    }
    return false;
}

/* Is the end of each job that it waits for stored, or the job not there any more? Children that
 * wait for children go by what is told of those. */
bool may_follow(const struct world *world, const struct sim_job *job)
{
    for (size_t i = 0; i < job->dependency_count; i++) {
        const struct sim_dependency *dependency = &job->dependencies[i];
        bool over = dependency->name == NULL || dependency->type != DEPENDENCY_PLAIN;
        for (const struct truth *other = world->truths; !over && other != NULL; other = other->next)
            over = is_meant(world, other->job, job, dependency) &&
                   (job_ended(other->job) || other->job->object.gone ||
                    other->job->object.deleted_ns != 0);
        if (!over)
            return false;
    }
    return true;
}

bool is_asked_to_stop(const struct sim_job *job, uint32_t index)
{
    for (size_t i = 0; i < job->request_count; i++)
        if (index >= job->requests[i].first && index < job->requests[i].end)
            return true;
    return false;
}

/* The same for success: of the whole, or of the child of the same index. */
static bool dependency_may_succeed(const struct world *world, const struct sim_job *job,
                                   const struct sim_dependency *dependency, uint32_t index,
                                   int depth)
{
    if (dependency->name == NULL)
        return index > 0 && child_may_succeed(world, job, index - 1, depth + 1);
    if (depth > DEPTH_MAX)
        return true;
    for (const struct truth *other = world->truths; other != NULL; other = other->next) {
        const struct sim_job *on = other->job;
        if (!is_meant(world, on, job, dependency))
            continue;
        bool pairs = is_pair(job, on, dependency);
        bool all = true;
        for (uint32_t i = 0; i < other->child_count; i++)
            all &= (pairs && i != index) || is_part(on, i) ||
                   child_may_succeed(world, on, i, depth + 1);
        if (all)
            return true;
    }
    return false;
}

/* A job that somebody deletes and makes anew with another size, before a process has read who waits
 * for it: N_TO_N does not fit then, whatever the condition. */
static bool may_not_pair(const struct world *world, const struct sim_job *job,
                         const struct sim_dependency *dependency)
{
    if (dependency->type != DEPENDENCY_N_TO_N || dependency->name == NULL)
        return false;
    for (const struct truth *other = world->truths; other != NULL; other = other->next)
        if (is_meant(world, other->job, job, dependency) && !is_pair(job, other->job, dependency))
            return true;
    return false;
}

/* May a child have failed though no attempt of its own failed for good? */
bool is_excused(const struct world *world, const struct sim_job *job, uint32_t index, int depth)
{
    if (job->object.deleted_ns != 0 || job->invalid != NULL || job->refused)
        return true;
    if (is_asked_to_stop(job, index) || is_stopped_from_above(world, job) ||
        replaces_may_fail(world, job) || may_be_unusable(world, job, index) ||
        revision_may_be_missing(world, job))
        return true;
    for (size_t i = 0; i < job->dependency_count; i++)
        if (may_not_pair(world, job, &job->dependencies[i]))
            return true;
    for (size_t i = 0; i < job->dependency_count; i++)
        if (job->dependencies[i].condition == DEPEND_ON_SUCCESS &&
            dependency_may_fail(world, job, &job->dependencies[i], index, depth))
            return true;
    return false;
}

bool may_be_skipped(const struct world *world, const struct sim_job *job, uint32_t index, int depth)
{
    for (size_t i = 0; i < job->dependency_count; i++)
        if (job->dependencies[i].condition == DEPEND_ON_FAILURE &&
            dependency_may_succeed(world, job, &job->dependencies[i], index, depth))
            return true;
    return false;
}

/* Has every dependency come to an end that lets the child run? */
bool may_start(const struct world *world, const struct sim_job *job, uint32_t index)
{
    for (size_t i = 0; i < job->dependency_count; i++) {
        const struct sim_dependency *dependency = &job->dependencies[i];
        bool by_failure = dependency->condition != DEPEND_ON_SUCCESS &&
                          dependency_may_fail(world, job, dependency, index, 0);
        bool by_success = dependency->condition != DEPEND_ON_FAILURE &&
                          dependency_may_succeed(world, job, dependency, index, 0);
        bool first = dependency->name == NULL && index == 0;
        if (!by_failure && !by_success && !first)
            return false;
    }
    return true;
}

static bool child_may_fail(const struct world *world, const struct sim_job *job, uint32_t index,
                           int depth)
{
    if (depth > DEPTH_MAX)
        return true;
    const struct sim_pod *last = job->truth->children[index].last;
    struct summary sum = summarize(world, job, last);
    return sum.final_failed || sum.may_have_failed || may_be_counted(last) ||
           is_excused(world, job, index, depth);
}
