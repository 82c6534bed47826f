/* SPDX-License-Identifier: Apache-2.0 */
/* history.c - how long work takes, as it was seen
 *
 * From the start of the first container to the end, of attempts that succeeded: those of a job, of
 * all jobs of one JobDefinition, and of all pods with equal requirements. Mean and deviation are
 * those of RFC 6298 (section 2), with alpha = 1/8 and beta = 1/4, but that the first eight weigh
 * alike in the mean:
 *
 *     deviation += (|run - mean| - deviation) / 4       the first: run / 2
 *     mean += (run - mean) / n                          n = count, 8 at most
 *
 * and what a run may be relied on to take no longer than is mean + max(1 s, 4 * deviation), once
 * BOUND_OF runs were seen. A timeout that is set is never passed by that: the smaller of the two
 * holds.
 *
 * A definition's history is in its status, where it is written a minute after the first run that
 * is not in it yet: so at most once a minute, and a crash loses no more than that of it. It belongs
 * to the definition, whatever its revision; the deviation grows with an edit that matters and comes
 * down again. */
#include "internal.h"

#include <inttypes.h>

enum { MEAN_OF = 8, DEVIATION_OF = 4, BOUND_OF = 4 };
#define TELL_NS (60 * NS_PER_S)
#define RUN_MS_MAX (INT64_MAX / NS_PER_MS / 16) /* half a millennium */

void runs_add(struct core_runs *runs, int64_t took_ns)
{
    int64_t off_ns = took_ns - runs->mean_ns;
    runs->count += runs->count < INT64_MAX;
    if (runs->count == 1) {
        runs->mean_ns = took_ns;
        runs->deviation_ns = took_ns / 2;
        return;
    }
    runs->deviation_ns += ((off_ns < 0 ? -off_ns : off_ns) - runs->deviation_ns) / DEVIATION_OF;
    runs->mean_ns += off_ns / (runs->count < MEAN_OF ? runs->count : MEAN_OF);
}

/* ------------------------------------------------------------------- of a definition */

void history_load(struct core_definition *definition, const struct run_history *stored)
{
    if (stored->count <= 0 || stored->mean_ms < 0 || stored->mean_ms > RUN_MS_MAX ||
        stored->deviation_ms < 0 || stored->deviation_ms > RUN_MS_MAX)
        return;
    definition->told_runs = *stored;
    definition->runs = (struct core_runs){stored->count, stored->mean_ms * NS_PER_MS,
                                          stored->deviation_ms * NS_PER_MS};
}

void history_timer(struct core *core, struct core_definition *definition)
{
    definition->told_runs =
        (struct run_history){definition->runs.count, definition->runs.mean_ns / NS_PER_MS,
                             definition->runs.deviation_ns / NS_PER_MS};
    definition_look(core, definition);
}

void history_learn(struct core *core, struct core_pod *pod, int64_t finished_ns)
{
    struct core_job *job = pod->job;
    int64_t took_ns = finished_ns - pod->started_ns;
    if (!pod->started || pod->started_ns == 0 || finished_ns == 0 || took_ns < 0 ||
        took_ns / NS_PER_MS > RUN_MS_MAX)
        return;
    if (pod->class_ != NULL)
        runs_add(&pod->class_->runs, took_ns);
    if (job->gang && pod->index != job->main_node)
        return; /* a multi-node job takes as long as its main node */
    runs_add(&job->runs, took_ns);
    if (job->definition == NULL)
        return;
    struct core_definition *definition = job->definition->of;
    runs_add(&definition->runs, took_ns);
    if (!timer_is_set(&definition->tell_timer))
        timer_set(&core->timers, &definition->tell_timer, core->now_ns + TELL_NS);
}

/* -------------------------------------------------------------------- what is expected */

static const struct core_runs *runs_of_definition(const struct core_job *job)
{
    return job->definition != NULL ? &job->definition->of->runs : NULL;
}

int64_t history_run_ns(const struct core_job *job, bool *ret_bound)
{
    const struct core_runs *const seen[] = {&job->runs, runs_of_definition(job),
                                            job->class_ != NULL ? &job->class_->runs : NULL};
    *ret_bound = false;
    for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
        if (seen[i] != NULL && seen[i]->count > 0)
            return seen[i]->mean_ns > 0 ? seen[i]->mean_ns : 1;
    }
    *ret_bound = true;
    return job->timeout_ns;
}

int64_t history_bound_ns(const struct core_job *job)
{
    const struct core_runs *of_definition = runs_of_definition(job);
    const struct core_runs *runs = job->runs.count >= BOUND_OF ? &job->runs : of_definition;
    if (runs == NULL || runs->count < BOUND_OF)
        return job->timeout_ns;
    int64_t more_ns = 4 * runs->deviation_ns > NS_PER_S ? 4 * runs->deviation_ns : NS_PER_S;
    int64_t bound_ns = runs->mean_ns + more_ns;
    return job->timeout_ns > 0 && job->timeout_ns < bound_ns ? job->timeout_ns : bound_ns;
}
