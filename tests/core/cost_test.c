/* SPDX-License-Identifier: Apache-2.0 */
/* cost_test.c - what jobs cost, as their statuses tell it */
#include "core/world.h"

#include "bulkhead/base/macros.h"

static const struct world_row rows[] = {
    /* clang-format off */
    {"a quarter of a machine of 3.60 an hour for 100 seconds",
     "environment e kwok max=8 types=large:4:16Gi:3.60 delay=10m\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 memory=1Gi runs=100s\n"
     "at 200s\n",
     "5s a costs 0 vCPU-s, 0 GPU-s, 0 millionths\n"
     "10s start a on e-1\n"
     "11s a costs 0 vCPU-s, 0 GPU-s, 0 millionths\n"
     "110s a costs 100 vCPU-s, 0 GPU-s, 25000 millionths\n"},
    {"half of the memory is half of the machine, whatever it takes of the CPUs",
     "environment e kwok max=8 types=large:4:16Gi:3.60 delay=10m\n"
     "queue q envs=e\n"
     "job a queue=q cpu=500m memory=8Gi runs=100s\n"
     "at 200s\n",
     "5s a costs 0 vCPU-s, 0 GPU-s, 0 millionths\n"
     "10s start a on e-1\n"
     "11s a costs 0 vCPU-s, 0 GPU-s, 0 millionths\n"
     "110s a costs 50 vCPU-s, 0 GPU-s, 50000 millionths\n"},
    {"each attempt counts, failed ones too, and none twice over a restart",
     "environment e kwok max=8 types=large:4:16Gi:3.60 delay=10m\n"
     "queue q envs=e\n"
     "job a queue=q cpu=2 memory=1Gi retry=2\n"
     "at 20s\n"
     "pod a running\n"
     "at 30s\n"
     "pod a failed\n"
     "at 40s\n"
     "restart\n"
     "pod a running\n"
     "at 60s\n"
     "pod a ok\n"
     "at 70s\n"
     "restart\n"
     "at 80s\n",
     "5s a costs 0 vCPU-s, 0 GPU-s, 0 millionths\n"
     "10s start a on e-1\n"
     "15s a costs 0 vCPU-s, 0 GPU-s, 0 millionths\n"
     "21s a costs 0 vCPU-s, 0 GPU-s, 0 millionths\n"
     "30s start a on e-1\n"
     "31s a costs 20 vCPU-s, 0 GPU-s, 5000 millionths\n"
     "41s a costs 20 vCPU-s, 0 GPU-s, 5000 millionths\n"
     "60s a costs 60 vCPU-s, 0 GPU-s, 15000 millionths\n"},
    {"nodes that are there anyway have no price, and GPUs are counted",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4 nvidia.com/gpu=2\n"
     "job a queue=q cpu=1 nvidia.com/gpu=2 runs=30s\n"
     "at 60s\n",
     "0s start a on n1\n"
     "1s a costs 0 vCPU-s, 0 GPU-s, 0 millionths\n"
     "30s a costs 30 vCPU-s, 60 GPU-s, 0 millionths\n"},
    /* clang-format on */
};

TEST(cost)
{
    world_check(rows, ARRAY_LEN(rows), SHOW_PODS | SHOW_COST);
}
