/* SPDX-License-Identifier: Apache-2.0 */
/* history.h - how long work takes, as it was seen; part of internal.h. See history.c */
#ifndef BULKHEAD_CORE_HISTORY_H
#define BULKHEAD_CORE_HISTORY_H

#include "bulkhead/api/job.h"

struct core;
struct core_definition;
struct core_job;
struct core_pod;

struct core_runs { /* attempts that came to a good end; follows: the last ones weigh most */
    int64_t count, mean_ns, deviation_ns;
};

void runs_add(struct core_runs *runs, int64_t took_ns);

/* A pod came to a good end: how long do those of its job take, of its definition, and those like
 * it? */
void history_learn(struct core *core, struct core_pod *pod, int64_t finished_ns);
void history_load(struct core_definition *definition, const struct run_history *stored);
void history_timer(struct core *core, struct core_definition *definition);

/* What a pod of the job takes on average, or at most by its timeout; 0: not known. */
int64_t history_run_ns(const struct core_job *job, bool *ret_bound);
/* What it may be relied on to take no longer than, see history.c; 0: not known. */
int64_t history_bound_ns(const struct core_job *job);

#endif
