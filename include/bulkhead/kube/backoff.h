/* SPDX-License-Identifier: Apache-2.0 */
/* backoff.h - how long to wait before trying again
 *
 * Doubling from min_ms to max_ms with full jitter: each wait is drawn evenly from [1, ceiling].
 * The random source is passed in, so that tests and simulations repeat exactly. */
#ifndef BULKHEAD_KUBE_BACKOFF_H
#define BULKHEAD_KUBE_BACKOFF_H

#include <stdint.h>

struct kube_random {
    uint64_t (*next)(void *ctx); /* 64 even bits; must not block. NULL: a fixed seed (tests) */
    void *ctx;
};

/* An even number in [low, high]; low when high <= low. */
int64_t kube_random_between(const struct kube_random *random, int64_t low, int64_t high);

struct kube_backoff {
    int64_t min_ms, max_ms; /* set by the owner; 1 <= min_ms <= max_ms */
    int64_t ceiling_ms;     /* of the last wait; 0: none since the last reset */
};

int64_t kube_backoff_next(struct kube_backoff *backoff, const struct kube_random *random); /* ms */
void kube_backoff_reset(struct kube_backoff *backoff);

#endif
