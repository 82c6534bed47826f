/* SPDX-License-Identifier: Apache-2.0 */
/* heap.h - a binary heap of timers: what is due first
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
    size_t place;      /* 1-based place in the heap; 0: not in it */
    int kind;          /* for the owner */
};

struct timers {
    struct timer **items;
    size_t count, capacity;
    uint64_t sequence;
};

void timers_done(struct timers *timers); /* frees the array, never the timers */
void timer_set(struct timers *timers, struct timer *timer, int64_t due_ns); /* adds or moves */
void timer_clear(struct timers *timers, struct timer *timer);               /* no-op if not in it */
struct timer *timers_first(const struct timers *timers);                    /* NULL: none */
static inline bool timer_is_set(const struct timer *timer)
{
    return timer->place != 0;
}

#endif
