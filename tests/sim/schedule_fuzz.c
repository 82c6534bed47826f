/* SPDX-License-Identifier: Apache-2.0 */
/* schedule_fuzz.c - bytes as the choices of one simulated world: its users, faults and delays
 *
 * The simulator's invariants are what must hold. So the fuzzer's coverage leads to schedules that
 * seeds drawn at random would take long to reach. */
#include "fuzz/fuzz.h"
#include "sim/world.h"

FUZZ(data, size)
{
    struct counters counters = {0};
    struct run_result result;
    struct run_options options = {.seed = 1, .choices = data, .choice_bytes = size};
    run_world(&options, &counters, &result);
    if (result.failed)
        fprintf(stderr, "%s\n", result.failure);
    MUST(!result.failed);
    return 0;
}
