/* SPDX-License-Identifier: Apache-2.0 */
/* strategy_test.c - which instance type is bought, by allocation strategy */
#include "core/world.h"

#include "bulkhead/base/macros.h"

static const struct world_row rows[] = {
    /* clang-format off */
    {"of equal prices a pod the larger type is taken",
     "environment e kwok max=64 types=m.large:2:8Gi:0.1,m.xlarge:4:16Gi:0.2,m.2xlarge:8:32Gi:0.4\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 array=8\n",
     "0s launch e 1x m.2xlarge\n"},
    {"no larger than the work is worth",
     "environment e kwok max=64 types=m.large:2:8Gi:0.1,m.xlarge:4:16Gi:0.2,m.2xlarge:8:32Gi:0.4\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 array=2\n",
     "0s launch e 1x m.large\n"},
    {"BEST_FIT_PROGRESSIVE goes on within the family first",
     "environment e kwok max=64 types=c.large:2:4Gi:0.08:0,c.xlarge:4:8Gi:0.17,m.large:2:8Gi:0.1\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1\n"
     "at 5s\n",
     "0s launch e 1x c.large\n"
     "1s launch e 1x c.xlarge\n"},
    {"BEST_FIT_PROGRESSIVE leaves the family when that would cost more than twice as much",
     "environment e kwok max=64 types=c.large:2:4Gi:0.08:0,c.4xlarge:16:32Gi:0.68,m.large:2:8Gi:0.1\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1\n"
     "at 5s\n",
     "0s launch e 1x c.large\n"
     "1s launch e 1x m.large\n"},
    {"BEST_FIT waits for its type, and asks again",
     "environment e kwok max=64 types=c.large:2:4Gi:0.08,m.large:2:8Gi:0.1 strategy=BEST_FIT\n"
     "queue q envs=e\n"
     "answer launch e capacity none\n"
     "job a queue=q cpu=1\n"
     "at 40s\n",
     "0s launch e 1x c.large\n"
     "15s launch e 1x c.large\n"
     "25s start a on e-1\n"},
    {"SPOT_CAPACITY_OPTIMIZED takes what is interrupted least, whatever it costs",
     "environment e kwok spot max=64 strategy=SPOT_CAPACITY_OPTIMIZED types=a:2:8Gi:0.1,b:2:8Gi:0.2,c:2:8Gi:0.3 offers=a:0.03:20,b:0.06:3,c:0.09:3\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1\n",
     "0s launch e 1x b\n"},
    {"SPOT_CAPACITY_OPTIMIZED: the next best when that has run out",
     "environment e kwok spot max=64 strategy=SPOT_CAPACITY_OPTIMIZED types=a:2:8Gi:0.1,b:2:8Gi:0.2:0,c:2:8Gi:0.3 offers=a:0.03:20,b:0.06:3,c:0.09:3\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1\n"
     "at 5s\n",
     "0s launch e 1x b\n"
     "1s launch e 1x c\n"},
    /* 0.060/(1-0.5) = 0.120; 0.090/(1-0.05) = 0.095; 0.100/(1-0) = 0.100 */
    {"SPOT_PRICE_CAPACITY_OPTIMIZED weighs the price with what is lost",
     "environment e kwok spot max=64 strategy=SPOT_PRICE_CAPACITY_OPTIMIZED types=a:2:8Gi:0.2,b:2:8Gi:0.2,c:2:8Gi:0.2 offers=a:0.06:50,b:0.09:5,c:0.1:0\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1\n",
     "0s launch e 1x b\n"},
    {"on demand the spot price does not count",
     "environment e kwok max=64 types=a:2:8Gi:0.1,b:2:8Gi:0.2 offers=b:0.01\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1\n",
     "0s launch e 1x a\n"},
    {"bidPercentage: a type above it is not bought",
     "environment e kwok spot max=64 bid=50 types=a:2:8Gi:0.1,b:2:8Gi:0.2 offers=a:0.06,b:0.09\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1\n",
     "0s launch e 1x b\n"},
    {"bidPercentage: told when nothing is left, and bought when the price falls",
     "environment e kwok spot max=64 bid=50 types=a:2:8Gi:0.1,b:1:8Gi:0.2 offers=a:0.06,b:0.09\n"
     "queue q envs=e\n"
     "job a queue=q cpu=2\n"
     "at 6s\n"
     "why a\n"
     "environment e offers=a:0.05,b:0.09\n"
     "at 7s\n",
     "6s a RUNNABLE SpotPriceTooHigh: needs cpu 2; e: the spot price of a is above bidPercentage 50 of its on-demand price; it is bought when that falls, or raise bidPercentage\n"
     "6s launch e 1x a\n"},
    {"LOWEST_PRICE_PACKING mixes work on machines: two for 20",
     "environment e kwok max=640 strategy=LOWEST_PRICE_PACKING types=even:8:16Gi:10,cpu:8:8Gi:9,memory:8:64Gi:30\n"
     "queue q envs=e\n"
     "job a0 queue=q cpu=1 memory=6Gi\n"
     "job b0 queue=q cpu=3 memory=2Gi\n"
     "job a1 queue=q cpu=1 memory=6Gi\n"
     "job b1 queue=q cpu=3 memory=2Gi\n"
     "job a2 queue=q cpu=1 memory=6Gi\n"
     "job b2 queue=q cpu=3 memory=2Gi\n"
     "job a3 queue=q cpu=1 memory=6Gi\n"
     "job b3 queue=q cpu=3 memory=2Gi\n"
     "at 10s\n"
     "jobs\n",
     "0s launch e 2x even\n"
     "10s start a0 on e-1\n"
     "10s start a1 on e-1\n"
     "10s start a2 on e-2\n"
     "10s start a3 on e-2\n"
     "10s start b0 on e-1\n"
     "10s start b1 on e-1\n"
     "10s start b2 on e-2\n"
     "10s start b3 on e-2\n"
     "10s jobs\n"
     "  a0 STARTING\n"
     "  b0 STARTING\n"
     "  a1 STARTING\n"
     "  b1 STARTING\n"
     "  a2 STARTING\n"
     "  b2 STARTING\n"
     "  a3 STARTING\n"
     "  b3 STARTING\n"},
    {"the same work by BEST_FIT_PROGRESSIVE: four for 36",
     "environment e kwok max=640 types=even:8:16Gi:10,cpu:8:8Gi:9,memory:8:64Gi:30\n"
     "queue q envs=e\n"
     "job a0 queue=q cpu=1 memory=6Gi\n"
     "job b0 queue=q cpu=3 memory=2Gi\n"
     "job a1 queue=q cpu=1 memory=6Gi\n"
     "job b1 queue=q cpu=3 memory=2Gi\n"
     "job a2 queue=q cpu=1 memory=6Gi\n"
     "job b2 queue=q cpu=3 memory=2Gi\n"
     "job a3 queue=q cpu=1 memory=6Gi\n"
     "job b3 queue=q cpu=3 memory=2Gi\n"
     "at 2s\n",
     "0s launch e 4x cpu\n"},
    {"LOWEST_PRICE_PACKING keeps within maxvCpus, first come first",
     "environment e kwok max=16 strategy=LOWEST_PRICE_PACKING types=even:8:16Gi:10,cpu:8:8Gi:9,memory:8:64Gi:30\n"
     "queue q envs=e\n"
     "job a0 queue=q cpu=1 memory=6Gi\n"
     "job b0 queue=q cpu=3 memory=2Gi\n"
     "job a1 queue=q cpu=1 memory=6Gi\n"
     "job b1 queue=q cpu=3 memory=2Gi\n"
     "job a2 queue=q cpu=1 memory=6Gi\n"
     "job b2 queue=q cpu=3 memory=2Gi\n"
     "job a3 queue=q cpu=1 memory=6Gi\n"
     "job b3 queue=q cpu=3 memory=2Gi\n"
     "at 2s\n",
     "0s launch e 1x even\n"
     "1s launch e 1x cpu\n"},
    {"a machine on its way takes only work that it is for",
     "environment e kwok max=64 types=m.a:4:16Gi:0.1,g.a:4:16Gi:0.3\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1 select=node.kubernetes.io/instance-type:g.a\n"
     "at 2s\n",
     "0s launch e 1x m.a\n"
     "1s launch e 1x g.a\n"},
    {"families and groups of types may be named",
     "environment e kwok max=64 types=c.large:2:4Gi:0.08,m.large:2:8Gi:0.1 want=m\n"
     "environment f kwok max=64 types=c.large:2:4Gi:0.08,m.large:2:8Gi:0.1 want=default_x86_64\n"
     "queue q envs=e\n"
     "queue r envs=f\n"
     "job a queue=q cpu=1\n"
     "job b queue=r cpu=1\n",
     "0s launch e 1x m.large\n"
     "0s launch f 1x c.large\n"},
    /* clang-format on */
};

TEST(strategy)
{
    world_check(rows, ARRAY_LEN(rows), SHOW_PODS | SHOW_MACHINES);
}

static const struct world_row zones[] = {
    /* clang-format off */
    {"a machine is bought where the job asks for it",
     "environment e kwok max=64 types=m.a:4:16Gi:1,m.b:4:16Gi:0.5 offers=m.a:0:5:0:west:east,m.b:0:5:0:west\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 select=topology.kubernetes.io/zone:east\n"
     "job b queue=q cpu=1 select=topology.kubernetes.io/zone:west\n"
     "at 20s\n",
     "0s launch e 1x m.a in east\n"
     "1s launch e 1x m.b in west\n"
     "10s start a on e-1\n"
     "11s start b on e-2\n"},
    {"a zone that has run out is passed over, not the type",
     "environment e kwok max=64 types=m.a:4:16Gi:1,m.b:4:16Gi:1.5 offers=m.a:0:5:0:west:east\n"
     "queue q envs=e\n"
     "answer launch e capacity none~in~west\n"
     "job a queue=q cpu=1\n"
     "at 12s\n",
     "0s launch e 1x m.a in west\n"
     "1s launch e 1x m.a in east\n"
     "11s start a on e-1\n"},
    {"a zone that no type is in",
     "environment e kwok max=64 types=m.a:4:16Gi:1 offers=m.a:0:5:0:west\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 select=topology.kubernetes.io/zone:north\n"
     "at 6s\n"
     "why a\n",
     "6s a RUNNABLE DoesNotFit: MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - needs cpu 1; e: no instance type is large enough or matches\n"},
    /* clang-format on */
};

TEST(machines_in_zones)
{
    world_check(zones, ARRAY_LEN(zones), SHOW_PODS | SHOW_MACHINES);
}

static const struct world_row rooms[] = {
    /* clang-format off */
    {"GPU nodes are kept for GPU work while others have room",
     "environment e static\n"
     "queue q envs=e\n"
     "node g env=e cpu=4 nvidia.com/gpu=1\n"
     "node n env=e cpu=2\n"
     "job a queue=q cpu=1 array=4\n"
     "job b queue=q cpu=1 nvidia.com/gpu=1\n",
     "0s start a/0 on n\n"
     "0s start a/1 on n\n"
     "0s start a/2 on g\n"
     "0s start a/3 on g\n"
     "0s start b on g\n"},
    {"on machines that boot too: the plain one is for the plain work",
     "environment e kwok max=64 types=g.a:4:16Gi:1,m.a:4:16Gi:0.5 offers=g.a:0:5:1\n"
     "queue q envs=e\n"
     "job b queue=q cpu=1 nvidia.com/gpu=1\n"
     "job c queue=q cpu=1 array=4\n"
     "at 2s\n",
     "0s launch e 1x g.a\n"
     "1s launch e 1x m.a\n"},
    /* clang-format on */
};

TEST(rooms_for_those_who_need_them)
{
    world_check(rooms, ARRAY_LEN(rooms), SHOW_PODS | SHOW_MACHINES);
}
