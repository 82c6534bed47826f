/* SPDX-License-Identifier: Apache-2.0 */
#include "usage.h"

/* 4096 * 2^(i/64), rounded. */
static const int64_t weights[USAGE_STEPS] = {
    4096, 4141, 4186, 4231, 4277, 4324, 4371, 4419, 4467, 4515, 4565, 4614, 4664, 4715, 4767, 4819,
    4871, 4924, 4978, 5032, 5087, 5142, 5198, 5255, 5312, 5370, 5428, 5487, 5547, 5607, 5668, 5730,
    5793, 5856, 5919, 5984, 6049, 6115, 6182, 6249, 6317, 6386, 6455, 6526, 6597, 6668, 6741, 6814,
    6889, 6964, 7039, 7116, 7194, 7272, 7351, 7431, 7512, 7594, 7677, 7760, 7845, 7930, 8016, 8104,
};

usage_sum usage_weight(const struct usage_clock *clock, int64_t s)
{
    int64_t t = s - clock->base_s;
    int64_t step = t % clock->half_s * USAGE_STEPS / clock->half_s;
    return (usage_sum)weights[step] << (t / clock->half_s);
}

/* Of the first seconds of epoch 0. Second x is in step x * USAGE_STEPS / half_s. */
static usage_sum first_seconds(const struct usage_clock *clock, int64_t seconds)
{
    usage_sum sum = 0;
    int64_t from = 0;
    for (int64_t i = 0; i < USAGE_STEPS && from < seconds; i++) {
        int64_t to = ((i + 1) * clock->half_s + USAGE_STEPS - 1) / USAGE_STEPS;
        if (to > seconds)
            to = seconds;
        sum += (usage_sum)weights[i] * (usage_sum)(to - from);
        from = to;
    }
    return sum;
}

static usage_sum since_base(const struct usage_clock *clock, int64_t s)
{
    int64_t t = s - clock->base_s;
    int64_t epoch = t / clock->half_s;
    usage_sum whole = first_seconds(clock, clock->half_s);
    return whole * (((usage_sum)1 << epoch) - 1) +
           (first_seconds(clock, t % clock->half_s) << epoch);
}

usage_sum usage_weights(const struct usage_clock *clock, int64_t from_s, int64_t to_s)
{
    return from_s < to_s ? since_base(clock, to_s) - since_base(clock, from_s) : 0;
}
