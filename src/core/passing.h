/* SPDX-License-Identifier: Apache-2.0 */
/* passing.h - queues in which what can start passes what cannot: see passing.c */
#ifndef BULKHEAD_CORE_PASSING_H
#define BULKHEAD_CORE_PASSING_H

#include "order.h"

/* By the strategy in the queue's spec, whenever that may have changed. */
void passing_set(struct core_queue *queue);
void passing_free(struct core_queue *queue);

/* order.c: the job is in the order of its queue, or leaves it. */
void passing_enter(struct core_job *job);
void passing_leave(struct core_job *job);

/* The head of the oldest line that may have room; NULL: none has. */
struct core_job *passing_first(const struct core_queue *queue);
/* There is no room for it now, nor for those behind it in its line. */
void passing_shut(const struct core *core, struct core_job *job,
                  struct core_environment *const *blocked, size_t count);
void passing_reopen(struct core_queue *queue); /* room may have grown */
/* Where shut lines wait for room, in the queue's order of environments; how many. */
size_t passing_blocked(const struct core *core, const struct core_queue *queue,
                       struct core_environment **ret_blocked);
bool passing_takes_consumables(const struct core_queue *queue); /* does any job that waits? */

/* A walk over the jobs of all lines, the oldest first; nothing enters or leaves meanwhile. */
struct passing_walk {
    struct arena *arena;
    struct tree cursors; /* the next of lines that have been begun */
    struct tree_node *open, *shut;
    struct core_job *last;
};
void passing_walk_begin(struct passing_walk *walk, struct arena *arena,
                        const struct core_queue *queue);
/* skip: those behind the last one in its line are of no interest. */
struct core_job *passing_walk_next(struct passing_walk *walk, bool skip);

#endif
