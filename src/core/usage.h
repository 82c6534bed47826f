/* SPDX-License-Identifier: Apache-2.0 */
/* usage.h - what somebody has used, where older use weighs less
 *
 * The weight of use halves with each half-life, in USAGE_STEPS even steps. Only sums are kept, in
 * units that grow with time instead of sums that shrink: a sum of whole numbers is the same however
 * it was split up, so what is brought up to date late is equal to what always was. All is whole
 * numbers and whole seconds: the same on every machine. */
#ifndef BULKHEAD_CORE_USAGE_H
#define BULKHEAD_CORE_USAGE_H

#include <stdint.h>

__extension__ typedef unsigned __int128 usage_sum;

enum {
    USAGE_STEPS = 64,         /* of a half-life */
    USAGE_WEIGHT_ONE = 4096,  /* weight of a second at the start of an epoch */
    USAGE_EPOCHS_MAX = 16,    /* half-lives until the unit is changed: then sums fit with weights */
    USAGE_RATE_MAX = 1 << 30, /* thousandths of a vCPU of one share */
};

static inline usage_sum usage_times(usage_sum sum, int64_t times)
{
    usage_sum factor = (usage_sum)times;
    return sum * factor;
}

struct usage_clock {
    int64_t half_s; /* the half-life */
    int64_t base_s; /* where epoch 0 began */
};

/* The weight of the second that begins at s. From base_s on, for USAGE_EPOCHS_MAX half-lives and as
 * many again. */
usage_sum usage_weight(const struct usage_clock *clock, int64_t s);
/* Of all seconds in [from_s, to_s). */
usage_sum usage_weights(const struct usage_clock *clock, int64_t from_s, int64_t to_s);

#endif
