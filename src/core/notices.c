/* SPDX-License-Identifier: Apache-2.0 */
/* notices.c - Kubernetes Events about jobs, best effort
 *
 * A retry, an end, and a reason to wait that has changed. No more of them than there are writes of
 * a status: of an array all retries since the last status are one Event, and a reason to wait is an
 * Event when it is told in the status. What only waits for its turn in the queue or for the jobs
 * that it names itself makes none: there may be a hundred thousand of them. At most as many a turn
 * as NOTICES_MAX; what is beyond that is left out. A restart repeats none, since the reason
 * that was told last stands in the status. */
#include "internal.h"

#include <stdlib.h>

enum { NOTICES_MAX = 256 };

void notice(struct core *core, const char *kind, const struct object_meta *meta, const char *type,
            const char *reason, const char *message)
{
    if (core->notices.count >= NOTICES_MAX)
        return;
    ARRAY_ROOM(core->notices.items, core->notices.count, core->notices.capacity);
    /* Kept as heap texts until the plan copies them: the arena of this turn may not exist yet. */
    core->notices.items[core->notices.count++] = (struct action){
        .kind = ACTION_EVENT,
        .object_kind = kind,
        .namespace_ = text_copy(meta->namespace_),
        .name = text_copy(meta->name),
        .uid = text_copy(meta->uid),
        .event_type = type,
        .reason = reason,
        .message = text_copy(message),
    };
}

/* ---------------------------------------------------------------------- retries */

void notice_retry(struct core *core, struct core_job *job, const struct core_pod *pod,
                  const struct outcome *outcome)
{
    AUTO_TEXT why = text_printf(
        "%s%s%s", outcome->status_reason != NULL ? outcome->status_reason : "",
        outcome->reason != NULL ? "; " : "", outcome->reason != NULL ? outcome->reason : "");
    if (job->array) {
        AUTO_TEXT last = text_printf("attempt %u of child %u: %s", pod->attempt, pod->index, why);
        text_set(&job->retried_last, last);
        job->retried++;
        return;
    }
    AUTO_TEXT told = text_printf("attempt %u failed (%s); it will be retried", pod->attempt, why);
    notice(core, "BatchJob", &job->spec->meta, "Warning", "Retrying", told);
}

void notice_retries(struct core *core, struct core_job *job)
{
    if (job->retried == 0)
        return;
    AUTO_TEXT told =
        job->retried == 1
            ? text_printf("an attempt failed and will be retried: %s", job->retried_last)
            : text_printf("%lld attempts failed and will be retried; the last: %s",
                          (long long)job->retried, job->retried_last);
    job->retried = 0;
    notice(core, "BatchJob", &job->spec->meta, "Warning", "Retrying", told);
}

/* -------------------------------------------------------------------- reasons to wait */

enum tone { TONE_SILENT, TONE_NORMAL, TONE_WARNING };

/* A warning: somebody has to do something, or it may never start. */
static enum tone tone_of(enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_NONE:
    case VERDICT_BEHIND:
    case VERDICT_DEPENDENCY:
    case VERDICT_STARTING:
    case VERDICT_RUNNING:
    case VERDICT_COUNT:
        return TONE_SILENT;
    case VERDICT_QUEUE_DISABLED:
    case VERDICT_BOOTING:
    case VERDICT_BUYING:
    case VERDICT_MAX_VCPUS:
    case VERDICT_ROOM:
    case VERDICT_PRIORITY:
    case VERDICT_CONCURRENT:
    case VERDICT_CONSUMABLE:
    case VERDICT_RETRY:
        return TONE_NORMAL;
    default:
        return TONE_WARNING;
    }
}

void notice_waits(struct core *core, struct core_job *job, const char *words)
{
    enum tone tone = tone_of(job->verdict);
    if (job->verdict == job->told_verdict || tone == TONE_SILENT)
        return;
    /* "Retrying" is an attempt's. */
    const char *reason =
        job->verdict == VERDICT_RETRY ? "CreateFailed" : verdict_reason(job->verdict);
    notice(core, "BatchJob", &job->spec->meta, tone == TONE_WARNING ? "Warning" : "Normal", reason,
           words);
}

/* What an earlier life of this process has told. */
void notice_load(struct core_job *job)
{
    const char *reason = job->spec->status.reason;
    for (int i = 0; reason != NULL && i < VERDICT_COUNT; i++) {
        if (text_eq(reason, verdict_reason((enum verdict)i)))
            job->told_verdict = (enum verdict)i;
    }
}
