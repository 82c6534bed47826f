/* SPDX-License-Identifier: Apache-2.0 */
/* spot_test.c - how often machines are taken back is learnt, and decides what is bought */
#include "core/world.h"

#include "bulkhead/base/macros.h"

#define TWO_TYPES                                                                                  \
    "environment e kwok spot max=2 delay=1m strategy=SPOT_CAPACITY_OPTIMIZED "                     \
    "types=a:2:8Gi:0.20,b:2:8Gi:0.20 offers=a:0.06:5,b:0.07:5\n"                                   \
    "queue q envs=e\n"                                                                             \
    "job j queue=q cpu=2 retry=10\n"

static const struct world_row rows[] = {
    /* clang-format off */
    {"what was taken back once is expected to go again: (0.05 x 10 + 1) / 10 = 0.15 a day",
     TWO_TYPES
     "at 20s\n"
     "machine i1 INTERRUPTION\n"
     "at 40s\n"
     "machine i1 gone\n"
     "at 100s\n",
     "0s launch e 1x a\n"
     "45.1s launch e 1x b\n"},
    {"that is known after a restart",
     TWO_TYPES
     "at 20s\n"
     "machine i1 INTERRUPTION\n"
     "at 40s\n"
     "restart\n"
     "at 60s\n"
     "machine i1 gone\n"
     "at 120s\n",
     "0s launch e 1x a\n"
     "65.1s launch e 1x b\n"},
    {"one that is told to go is counted once, over a restart: (0.05 x 10 + 1) / 10 is below 0.2",
     "environment e kwok spot max=2 delay=1m strategy=SPOT_CAPACITY_OPTIMIZED "
     "types=a:2:8Gi:0.20,b:2:8Gi:0.20 offers=a:0.06:5,b:0.07:20\n"
     "queue q envs=e\n"
     "job j queue=q cpu=2 retry=10\n"
     "at 20s\n"
     "machine i1 INTERRUPTION\n"
     "at 40s\n"
     "restart\n"
     "at 60s\n"
     "machine i1 gone\n"
     "at 120s\n",
     "0s launch e 1x a\n"
     "65.1s launch e 1x a\n"},
    {"a machine that is gone without a word was taken back, too",
     TWO_TYPES
     "at 20s\n"
     "machine i1 gone\n"
     "at 200s\n",
     "0s launch e 1x a\n"
     "30.1s launch e 1x b\n"},
    {"what we give back was not taken",
     TWO_TYPES
     "at 20s\n"
     "job j terminate enough\n"
     "pod j failed\n"
     "at 200s\n"
     "job k queue=q cpu=2\n"
     "at 300s\n",
     "0s launch e 1x a\n"
     "80s terminate e i1\n"
     "200s launch e 1x a\n"},
    {"half of it is forgotten in a week: 0.5 / 10 + 1 / 10 x 1/4 = 0.075 after two",
     "environment e kwok spot max=2 delay=1m strategy=SPOT_CAPACITY_OPTIMIZED "
     "types=a:2:8Gi:0.20,b:2:8Gi:0.20 offers=a:0.06:5,b:0.07:8\n"
     "queue q envs=e\n"
     "job j queue=q cpu=2\n"
     "at 20s\n"
     "machine i1 INTERRUPTION\n"
     "at 40s\n"
     "machine i1 gone\n"
     "job j terminate enough\n"
     "at 3600s\n"
     "job k queue=q cpu=2 runs=10s\n"
     "at 1209700s\n"
     "job l queue=q cpu=2 runs=10s\n"
     "at 1209800s\n",
     "0s launch e 1x a\n"
     "40s terminate e i1\n"
     "3600s launch e 1x b\n"
     "3680s terminate e i2\n"
     "1209700s launch e 1x a\n"
     "1209780s terminate e i3\n"},
    /* clang-format on */
};

TEST(interruptions_are_learnt)
{
    world_check(rows, ARRAY_LEN(rows), SHOW_MACHINES);
}
