/* SPDX-License-Identifier: Apache-2.0 */
/* reclaim.h - a share gets its due back from those that borrowed it; see reclaim.c */
#ifndef BULKHEAD_CORE_RECLAIM_H
#define BULKHEAD_CORE_RECLAIM_H

#include "internal.h"

enum {
    RECLAIM_PATIENCE_S = 10, /* what ends by itself goes first */
    RECLAIM_PAUSE_S = 5,     /* until it is looked again whether there is somebody to stop */
    RECLAIM_CHILD_MAX = 5,   /* a child that has used up so many tries is left alone */
};

/* The queue's head waits for room: has it waited long enough for others to make some? */
void reclaim_look(struct core *core, struct core_queue *queue);
int64_t reclaim_wake_ns(const struct core_queue *queue); /* INT64_MAX: no need to look */

void reclaim_lend(struct core_pod *pod);     /* it is charged to its share: may it be stopped? */
void reclaim_lend_all(struct core_job *job); /* it is known now whether the job is preemptible */
void reclaim_forget(struct core_pod *pod);   /* it is not any more */

/* What is to be done for one that is to be stopped, and what came of it; false: nothing. */
bool reclaim_plan(struct core *core, struct core_pod *pod);
void reclaim_done(struct core *core, struct core_pod *pod, const struct done *done);
void reclaim_seen(struct core *core, struct core_pod *pod, const struct pod *seen);
/* Was the try stopped for another share? */
bool reclaim_gave_way(const struct core_pod *pod, const struct pod *seen);
char *reclaim_words(const struct core_pod *pod, const struct pod *seen);

#endif
