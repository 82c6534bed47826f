/* SPDX-License-Identifier: Apache-2.0 */
/* backoff.c - how long to wait before trying again: see the header */
#include "bulkhead/kube/backoff.h"

#include <assert.h>
#include <stddef.h>

/* splitmix64 of a constant: for callers that did not bring a random source. */
static uint64_t fixed_next(void)
{
    static uint64_t state = 0x62756c6b68656164U; /* "bulkhead" */
    uint64_t mixed = state += 0x9e3779b97f4a7c15U;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
    return mixed ^ (mixed >> 31);
}

int64_t kube_random_between(const struct kube_random *random, int64_t low, int64_t high)
{
    if (high <= low)
        return low;
    uint64_t drawn =
        random != NULL && random->next != NULL ? random->next(random->ctx) : fixed_next();
    /* The bias of the remainder is below 1 in 2^40 for any span of time used here. */
    return low + (int64_t)(drawn % ((uint64_t)(high - low) + 1));
}

int64_t kube_backoff_next(struct kube_backoff *backoff, const struct kube_random *random)
{
    assert(backoff->min_ms >= 1);
    assert(backoff->max_ms >= backoff->min_ms);

    if (backoff->ceiling_ms == 0)
        backoff->ceiling_ms = backoff->min_ms;
    else if (backoff->ceiling_ms > backoff->max_ms / 2)
        backoff->ceiling_ms = backoff->max_ms;
    else
        backoff->ceiling_ms *= 2;
    return kube_random_between(random, 1, backoff->ceiling_ms);
}

void kube_backoff_reset(struct kube_backoff *backoff)
{
    backoff->ceiling_ms = 0;
}
