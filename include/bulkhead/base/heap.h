/* SPDX-License-Identifier: Apache-2.0 */
/* heap.h - a heap of timers: what is due first
 *
 * Intrusive: embed a struct timer; the heap borrows it until it is removed. Timers with the same
 * due time come out in the order of their sequence number, so a walk is deterministic. */
#ifndef BULKHEAD_BASE_HEAP_H
#define BULKHEAD_BASE_HEAP_H

#include "bulkhead/base/macros.h"

#include <stdbool.h>
#include <stdint.h>

struct timer {
    int64_t due_ns;
    uint64_t sequence; /* set by timer_set */
    struct timer *child, *next, *prev;
    bool is_set;
    int kind; /* for the owner */
};

struct timers {
    struct timer *first;
    uint64_t sequence;
};

void timers_done(struct timers *timers); /* none is set any more; frees nothing */
void timer_set(struct timers *timers, struct timer *timer, int64_t due_ns); /* adds or moves */
void timer_clear(struct timers *timers, struct timer *timer);               /* no-op if not in it */
static inline struct timer *timers_first(const struct timers *timers)       /* NULL: none */
{
    return timers->first;
}
static inline bool timer_is_set(const struct timer *timer)
{
    return timer->is_set;
}

#endif
