/* SPDX-License-Identifier: Apache-2.0 */
/* heap.c - a binary heap of timers: what is due first
 *
 * Invariant: items[i - 1]->place == i, and no timer is due before the one at place i / 2. */
#include "bulkhead/base/heap.h"

#include "bulkhead/base/str.h"

#include <assert.h>
#include <stdlib.h>

void timers_done(struct timers *timers)
{
    for (size_t i = 0; i < timers->count; i++)
        timers->items[i]->place = 0;
    free(timers->items);
    *timers = (struct timers){NULL, 0, 0, 0};
}

static bool is_before(const struct timer *a, const struct timer *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->sequence < b->sequence;
}

static void put_at(struct timers *timers, size_t place, struct timer *timer)
{
    timers->items[place - 1] = timer;
    timer->place = place;
}

/* Moves a timer to where it belongs, starting from a place that is free. */
static void settle(struct timers *timers, size_t place, struct timer *timer)
{
    while (place > 1 && is_before(timer, timers->items[place / 2 - 1])) {
        put_at(timers, place, timers->items[place / 2 - 1]);
        place /= 2;
    }

    for (size_t child = place * 2; child <= timers->count; child = place * 2) {
        if (child < timers->count && is_before(timers->items[child], timers->items[child - 1]))
            child++;
        if (!is_before(timers->items[child - 1], timer))
            break;
        put_at(timers, place, timers->items[child - 1]);
        place = child;
    }
    put_at(timers, place, timer);
}

void timer_set(struct timers *timers, struct timer *timer, int64_t due_ns)
{
    if (timer->place == 0) {
        ARRAY_ROOM(timers->items, timers->count, timers->capacity);
        put_at(timers, ++timers->count, timer);
    }
    assert(timers->items[timer->place - 1] == timer);

    timer->due_ns = due_ns;
    timer->sequence = ++timers->sequence;
    settle(timers, timer->place, timer);
}

void timer_clear(struct timers *timers, struct timer *timer)
{
    size_t place = timer->place;
    if (place == 0)
        return;

    assert(place <= timers->count);
    assert(timers->items[place - 1] == timer);

    struct timer *last = timers->items[--timers->count];
    timer->place = 0;
    if (last != timer)
        settle(timers, place, last);
}

struct timer *timers_first(const struct timers *timers)
{
    return timers->count > 0 ? timers->items[0] : NULL;
}
