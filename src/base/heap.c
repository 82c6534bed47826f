/* SPDX-License-Identifier: Apache-2.0 */
/* heap.c - a pairing heap of timers: what is due first
 *
 * A tree in which no timer is due before its parent. Children of one parent are a list: child is
 * the first of them, next the one behind, prev the one in front, or for the first of them the
 * parent. What is set is compared with the first timer alone: most are due soon, or late and
 * cleared before that. Taking out the first one joins its children two by two, from the left, and
 * these pairs from the right, which keeps the tree flat: as long as a logarithm, on average over
 * all that was done. */
#include "bulkhead/base/heap.h"

#include <assert.h>
#include <stddef.h>

static bool is_before(const struct timer *a, const struct timer *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->sequence < b->sequence;
}

/* The later of two becomes a child of the other. */
static struct timer *join(struct timer *a, struct timer *b)
{
    struct timer *first = is_before(a, b) ? a : b;
    struct timer *other = first == a ? b : a;
    other->prev = first;
    other->next = first->child;
    if (first->child != NULL)
        first->child->prev = other;
    first->child = other;
    return first;
}

/* A list of children as one tree. */
static struct timer *join_all(struct timer *child)
{
    struct timer *pairs = NULL; /* the last one first */
    while (child != NULL && child->next != NULL) {
        struct timer *after = child->next->next;
        struct timer *pair = join(child, child->next);
        pair->next = pairs;
        pairs = pair;
        child = after;
    }
    while (pairs != NULL) {
        struct timer *next = pairs->next;
        child = child != NULL ? join(pairs, child) : pairs;
        pairs = next;
    }
    return child;
}

/* Not as if each were taken out in its turn: a list, to which the children of each are added. */
void timers_done(struct timers *timers)
{
    struct timer *list = timers->first;
    if (list != NULL)
        list->next = NULL;
    while (list != NULL) {
        struct timer *timer = list, *last = timer->child;
        list = timer->next;
        timer->is_set = false;
        if (last == NULL)
            continue;
        while (last->next != NULL)
            last = last->next;
        last->next = list;
        list = timer->child;
    }
    *timers = (struct timers){NULL, 0};
}

static void take_out(struct timers *timers, struct timer *timer)
{
    struct timer *rest = timer->child != NULL ? join_all(timer->child) : NULL;
    if (timers->first == timer) {
        timers->first = rest;
        return;
    }
    if (timer->prev->child == timer)
        timer->prev->child = timer->next;
    else
        timer->prev->next = timer->next;
    if (timer->next != NULL)
        timer->next->prev = timer->prev;
    if (rest != NULL)
        timers->first = join(timers->first, rest);
}

void timer_set(struct timers *timers, struct timer *timer, int64_t due_ns)
{
    if (timer->is_set)
        take_out(timers, timer);
    timer->is_set = true;
    timer->due_ns = due_ns;
    timer->sequence = ++timers->sequence;
    timer->child = NULL;
    timers->first = timers->first != NULL ? join(timers->first, timer) : timer;
}

void timer_clear(struct timers *timers, struct timer *timer)
{
    if (!timer->is_set)
        return;
    assert(timers->first != NULL);
    timer->is_set = false;
    take_out(timers, timer);
}
