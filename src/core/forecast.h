/* SPDX-License-Identifier: Apache-2.0 */
/* forecast.h - when a waiting job starts, as far as that can be reckoned: see forecast.c */
#ifndef BULKHEAD_CORE_FORECAST_H
#define BULKHEAD_CORE_FORECAST_H

#include "internal.h"

struct forecast {
    const struct core_job *job;
    int64_t start_ns; /* of its first child that waits; 0: not known */
    const char *why;  /* what that rests on, or why it is not known; in the arena */
};

/* The first jobs in line, at most max; how many. With a job: that one alone, after those before
 * it. */
size_t forecast(struct core *core, const struct core_queue *queue, const struct core_job *only,
                size_t max, struct arena *arena, struct forecast *ret);

#endif
