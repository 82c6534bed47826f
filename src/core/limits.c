/* SPDX-License-Identifier: Apache-2.0 */
/* limits.c - limits of time that admins and users set: what waits too long, what ended long ago
 *
 * Waiting   A queue's jobStateTimeLimitActions name reasons in AWS's words. A reason holds from the
 *           moment it is certain until something else is: the job got a pod, or it waits for
 *           another thing. A machine that is asked for once more, or a turn in line, says nothing
 *           either way, so neither starts the time anew; but a job is only cancelled while the
 *           reason is certain. Reason and time are in the job's status and survive a restart.
 * Ended     A job that has ended is deleted after its ttlSecondsAfterFinished, or its queue's, once
 *           everybody who depends on it has durably taken note of how it ended, the event sink has
 *           been told, and what it cost is in its queue's stored sum. */
#include "internal.h"
#include "tell.h"

#include <stdlib.h>

/* ------------------------------------------------------------- waiting too long */

static enum blocked_reason reason_of(enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_CAPACITY:
    case VERDICT_CONSUMABLE: /* AWS has no reason of its own for it, and its limits hold */
        return BLOCKED_CAPACITY;
    case VERDICT_MAX_RESOURCE:
        return BLOCKED_MAX_RESOURCE;
    case VERDICT_FIT:
    case VERDICT_CONSUMABLE_TOO_SMALL:
        return BLOCKED_REQUIREMENT;
    default:
        return BLOCKED_NONE;
    }
}

/* Says nothing about whether an earlier reason still holds. */
static bool leaves_open(enum verdict verdict)
{
    return verdict == VERDICT_NONE || verdict == VERDICT_BEHIND || verdict == VERDICT_BUYING ||
           verdict == VERDICT_RETRY;
}

void blocked_look(struct core *core, struct core_job *job)
{
    enum blocked_reason reason = reason_of(job->verdict);
    bool open = leaves_open(job->verdict) && job->counts[JOB_STARTING] == 0;
    if (job->ended || job_is_stopped(job) || reason == job->blocked ||
        (reason == BLOCKED_NONE && open))
        return;
    job->blocked = reason;
    job->blocked_since_ns = reason != BLOCKED_NONE ? core->now_ns : 0;
}

void blocked_moved(struct core *core, struct core_job *job)
{
    if (job->blocked != BLOCKED_NONE)
        job->blocked_since_ns = core->now_ns;
}

static const struct time_limit_action *limit_of(const struct core_job *job)
{
    const struct job_queue *queue = job->queue != NULL ? job->queue->spec : NULL;
    if (queue == NULL || job->blocked == BLOCKED_NONE || job_is_stopped(job) ||
        reason_of(job->verdict) != job->blocked)
        return NULL;
    for (size_t i = 0; i < queue->limit_count; i++) {
        if (queue->limits[i].reason == job->blocked)
            return &queue->limits[i];
    }
    return NULL;
}

static char *cancel_words(enum blocked_reason reason)
{
    return text_printf("Canceled by JobStateTimeLimit action due to reason: %s",
                       blocked_reason_name(reason));
}

static void cancel(struct core *core, struct core_job *job)
{
    job->cancelled = true;
    free(job->stop_reason);
    job->stop_reason = cancel_words(job->blocked);
    job_changed(core, job, 0);
    job_stop_children(core, job, false);
}

void blocked_load(struct core_job *job)
{
    const struct job_status *status = &job->spec->status;
    job->blocked = status->blocked_since_ns != 0 ? status->blocked : BLOCKED_NONE;
    job->blocked_since_ns = status->blocked_since_ns;
    /* Children of an array that ran when it was cancelled may still run. */
    if (!job->ended && status->cancelled && !job_is_stopped(job) && job->blocked != BLOCKED_NONE) {
        job->cancelled = true;
        job->stop_reason = cancel_words(job->blocked);
    }
}

/* ------------------------------------------------------------- ended long ago */

#define KEPT_TOLD_NS (60 * NS_PER_S)

static int64_t ttl_due(const struct core_job *job)
{
    const struct job_queue *queue = job->queue != NULL ? job->queue->spec : NULL;
    struct opt_i64 ttl = job->spec->ttl_s;
    if (!ttl.set && queue != NULL)
        ttl = queue->ttl_s;
    if (!ttl.set || !job->end_durable || job->delete_sent || job->spec->meta.deleted_ns != 0)
        return INT64_MAX;
    int64_t due = job->stopped_ns + ttl.value * NS_PER_S;
    return due > job->delete_retry_ns ? due : job->delete_retry_ns;
}

/* Not for what is a moment away: for who waits for a queue or a definition that never comes, say.
 */
static void tell_kept(struct core *core, struct core_job *job, const struct core_job *waits)
{
    if (job->kept_told || core->now_ns < job->kept_since_ns + KEPT_TOLD_NS)
        return;
    job->kept_told = true;
    AUTO_TEXT words =
        text_printf("kept beyond its ttlSecondsAfterFinished: %s, which depends on it, has not "
                    "taken note of its end yet (%s): see what that one waits for, or cancel it",
                    waits->spec->meta.name, verdict_reason(waits->verdict));
    notice(core, "BatchJob", &job->spec->meta, "Warning", "KeptForDependant", words);
}

static void plan_delete(struct core *core, struct core_job *job)
{
    if (tell_holds(core, job)) {
        job->delete_retry_ns = core->now_ns + 60 * NS_PER_S; /* at once when all is told */
        return;
    }
    if (bill_holds(core, job)) {
        job->delete_retry_ns = core->now_ns + NS_PER_S;
        return;
    }
    const struct core_job *waits = depend_kept_for(core, job);
    if (waits != NULL) {
        if (job->kept_since_ns == 0)
            job->kept_since_ns = core->now_ns;
        job->delete_retry_ns = core->now_ns + NS_PER_S;
        tell_kept(core, job, waits);
        return;
    }
    struct action *action = action_new(core, ACTION_JOB_DELETE, job);
    action->namespace_ = job->spec->meta.namespace_;
    action->name = job->spec->meta.name;
    action->uid = job->uid;
    job->delete_sent = true;
}

void job_deleted(struct core *core, struct flight *flight, const struct done *done)
{
    enum { LEVEL_MAX = 6 };
    struct core_job *job = flight->object;
    flight_end(core, flight);
    bool happened =
        done->result == DONE_OK || done->result == DONE_NOT_FOUND || done->result == DONE_CONFLICT;
    if (happened || job->gone) /* the watch will say so */
        return;
    job->delete_sent = false;
    job->delete_retry_ns = core->now_ns + (NS_PER_S << job->delete_level);
    if (job->delete_level < LEVEL_MAX)
        job->delete_level++;
    job_timer_set(core, job);
    tell_look(core, job); /* it may stay for long now: that its end was told is to be durable */
}

/* ------------------------------------------------------------- both */

int64_t limits_due(const struct core_job *job)
{
    if (job->ended)
        return ttl_due(job);
    const struct time_limit_action *limit = limit_of(job);
    return limit != NULL ? job->blocked_since_ns + limit->seconds * NS_PER_S : INT64_MAX;
}

void limits_apply(struct core *core, struct core_job *job)
{
    if (limits_due(job) > core->now_ns)
        return;
    if (job->ended)
        plan_delete(core, job);
    else
        cancel(core, job);
}

/* The queue's limits have changed: when is each of its jobs due now? */
void limits_changed(struct core *core, struct core_queue *queue)
{
    size_t at = 0;
    struct core_job *job;
    while ((job = map_next(core->jobs, &at, NULL)) != NULL) {
        if (job->queue == queue)
            job_timer_set(core, job);
    }
}
