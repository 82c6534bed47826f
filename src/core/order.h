/* SPDX-License-Identifier: Apache-2.0 */
/* order.h - which job of a queue is next
 *
 * All who ask for the order of a queue's waiting jobs ask here: placing (the head), buying and
 * positions (a walk in the order in which they would start), and whoever tells all of them
 * something. A queue has one line, jobs by creation time, namespace, name; passing.h keeps more
 * where what can start may pass. With a scheduling policy it has one line for each share, and these
 * take turns (shares.h).
 *
 * A job is in the order while it has children that may start; queue_enter (child.c) decides. */
#ifndef BULKHEAD_CORE_ORDER_H
#define BULKHEAD_CORE_ORDER_H

#include "internal.h"
#include "usage.h"

void order_init(struct core_queue *queue);
void order_enter(struct core_job *job); /* into the order of its queue */
void order_leave(struct core_job *job);
bool order_has(const struct core_job *job);
int order_compare(const struct core_job *left, const struct core_job *right); /* by age */

struct core_job *order_first(const struct core_queue *queue); /* the head; NULL: none waits */

/* Every waiting job once, in any order that is the same in every run; NULL: none is left. */
struct core_job *order_each(const struct core_queue *queue, const struct core_job *after);

/* A walk in the order in which they would start, if everything found its place now. Nothing enters
 * or leaves the order meanwhile. */
enum { ORDER_LINES_MAX = 64 }; /* shares; those behind would not start anything in a walk */
struct order_line {            /* one share */
    const struct core_share *share;
    struct core_job *job; /* NULL: none is left */
    int64_t left;         /* children of the job that have not come by */
    int64_t rate;
    usage_sum key; /* weighed, with what has come by */
};
struct order_walk {
    const struct core_queue *queue;
    struct core_job *next;
    bool fair;
    struct order_line lines[ORDER_LINES_MAX];
    size_t line_count;
    int64_t milli_left; /* until what is kept for other shares */
};
void order_walk_begin(struct order_walk *walk, struct core *core, const struct core_queue *queue);
/* The next job, and how many more of its children are meant at most: a job may come by again,
 * after others, for the rest. NULL: that was all. */
struct core_job *order_walk_next(struct order_walk *walk, int64_t *ret_times);

#endif
