/* SPDX-License-Identifier: Apache-2.0 */
/* expect.h - what is still to be paid for work, as far as that can be reckoned: see expect.c */
#ifndef BULKHEAD_CORE_EXPECT_H
#define BULKHEAD_CORE_EXPECT_H

#include "internal.h"

struct expected {
    bool known;
    int64_t amount;  /* millionths */
    const char *why; /* what it rests on, or why it is not known; in the arena */
};

/* Of a job that has not ended. False: nowhere that it may run has machines to pay for. */
bool expect_job(struct core *core, const struct core_job *job, struct arena *arena,
                struct expected *ret);
/* Of all jobs of a queue that have not ended; those that are not known are counted. False: the node
 * groups have not told their types and prices yet. */
bool expect_queue(struct core *core, const struct core_queue *queue, struct cost_forecast *ret);

/* What it would cost to buy there has changed: queues that use it look again. */
void expect_changed(struct core *core, const struct core_environment *environment);

#endif
