/* SPDX-License-Identifier: Apache-2.0 */
/* cost_test.c - what jobs and queues cost, as their statuses tell it */
#include "core/world.h"

#include "bulkhead/base/macros.h"
#include "bulkhead/base/str.h"

#include <stdlib.h>
#include <string.h>

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

static const struct world_row bills[] = {
    /* clang-format off */
    {"a queue's sum goes out with its status, and after a minute at the latest",
     "environment e kwok max=8 types=large:4:16Gi:3.60 delay=10m\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 memory=1Gi runs=100s\n"
     "at 300s\n",
     "170s q costs 100 vCPU-s, 0 GPU-s, 25000 millionths, 25000 settled up to 1\n"},
    {"over a restart nothing is counted twice, and nothing is lost that is in no stored sum yet",
     "environment e kwok max=8 types=large:4:16Gi:3.60 delay=10m\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 memory=1Gi runs=100s\n"
     "job b queue=q cpu=1 memory=1Gi runs=200s\n"
     "at 120s\n"
     "restart\n"
     "at 190s\n"
     "restart\n"
     "at 400s\n"
     "restart\n"
     "at 600s\n",
     "120s q costs 100 vCPU-s, 0 GPU-s, 25000 millionths, 0 settled up to 0\n"
     "135s q costs 100 vCPU-s, 0 GPU-s, 25000 millionths, 0 settled up to 0\n"
     "190s q costs 100 vCPU-s, 0 GPU-s, 25000 millionths, 0 settled up to 0\n"
     "210s q costs 100 vCPU-s, 0 GPU-s, 25000 millionths, 0 settled up to 0\n"
     "270s q costs 300 vCPU-s, 0 GPU-s, 75000 millionths, 75000 settled up to 2\n"
     "400s q costs 300 vCPU-s, 0 GPU-s, 75000 millionths, 75000 settled up to 2\n"},
    {"what is removed for its age is in the sum first",
     "environment e kwok max=8 types=large:4:16Gi:3.60 delay=10m\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 memory=1Gi runs=100s ttl=5s\n"
     "at 120s\n"
     "restart\n"
     "at 200s\n",
     "111s q costs 100 vCPU-s, 0 GPU-s, 25000 millionths, 25000 settled up to 1\n"
     "120s q costs 100 vCPU-s, 0 GPU-s, 25000 millionths, 25000 settled up to 1\n"},
    {"what others delete stays in the sum",
     "environment e kwok max=8 types=large:4:16Gi:3.60 delay=10m\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 memory=1Gi runs=100s\n"
     "at 180s\n"
     "job a gone\n"
     "at 200s\n"
     "restart\n"
     "at 300s\n",
     "170s q costs 100 vCPU-s, 0 GPU-s, 25000 millionths, 25000 settled up to 1\n"
     "200s q costs 100 vCPU-s, 0 GPU-s, 25000 millionths, 25000 settled up to 1\n"},
    {"a pod carries its price: it is charged when its machine has gone and nobody knows prices",
     "environment e kwok max=8 types=large:4:16Gi:3.60 delay=10m\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 memory=1Gi runs=100s\n"
     "at 105s\n"
     "answer always provider-types e again\n"
     "restart\n"
     "at 300s\n",
     "170s q costs 100 vCPU-s, 0 GPU-s, 25000 millionths, 25000 settled up to 1\n"},
    {"what jobs of each share cost has sums of its own, the dearest first",
     "environment e kwok max=8 types=large:4:16Gi:3.60 delay=10m\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 memory=1Gi runs=20s share=x\n"
     "job b queue=q cpu=2 memory=1Gi runs=20s share=y\n"
     "job c queue=q cpu=1 memory=1Gi runs=40s\n"
     "at 120s\n",
     "35s q costs 60 vCPU-s, 0 GPU-s, 15000 millionths, 15000 settled up to 2, by share: "
     "y 10000/10000, x 5000/5000\n"
     "50s q costs 60 vCPU-s, 0 GPU-s, 15000 millionths, 15000 settled up to 2, by share: "
     "y 10000/10000, x 5000/5000\n"
     "110s q costs 100 vCPU-s, 0 GPU-s, 25000 millionths, 25000 settled up to 3, by share: "
     "y 10000/10000, x 5000/5000\n"},
    {"of a share whose job was deleted while nobody watched, and another that got more meanwhile",
     "environment e kwok max=8 types=large:4:16Gi:3.60 delay=10m\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 memory=1Gi share=x retry=2\n"
     "job b queue=q cpu=1 memory=1Gi runs=100s share=y\n"
     "at 20s\n"
     "pod a running\n"
     "at 40s\n"
     "pod a failed\n"
     "at 105s\n"
     "answer always queue-status q again\n"
     "at 112s\n"
     "job a gone\n"
     "restart\n"
     "answer always queue-status q ok\n"
     "at 200s\n",
     "100s q costs 20 vCPU-s, 0 GPU-s, 5000 millionths, 0 settled up to 0, by share: x 5000/0\n"
     "110s q costs 20 vCPU-s, 0 GPU-s, 5000 millionths, 0 settled up to 0, by share: x 5000/0\n"
     "111s q costs 120 vCPU-s, 0 GPU-s, 30000 millionths, 25000 settled up to 1, by share: "
     "y 25000/25000, x 5000/0\n"
     "112s q costs 120 vCPU-s, 0 GPU-s, 30000 millionths, 5000 settled up to 0, by share: "
     "y 25000/0, x 5000/5000\n"
     "172s q costs 120 vCPU-s, 0 GPU-s, 30000 millionths, 30000 settled up to 1, by share: "
     "y 25000/25000, x 5000/5000\n"},
    {"what a dead process tells too late to have settled stays so, with what it counted of who is gone",
     "environment e kwok max=8 types=large:4:16Gi:3.60 delay=10m\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 memory=1Gi runs=100s\n"
     "job b queue=q cpu=1 memory=1Gi runs=40s\n"
     "at 40s\n"
     "answer always queue-status q again\n"
     "at 52s\n"
     "job b gone\n"
     "restart\n"
     "answer always queue-status q ok\n"
     "at 53s\n"
     "queue q settled=10000\n"
     "at 300s\n",
     "51s q costs 40 vCPU-s, 0 GPU-s, 10000 millionths, 10000 settled up to 1\n"
     "53s q costs 0 vCPU-s, 0 GPU-s, 10000 millionths, 10000 settled up to 1\n"
     "67s q costs 0 vCPU-s, 0 GPU-s, 10000 millionths, 10000 settled up to 1\n"
     "110s q costs 0 vCPU-s, 0 GPU-s, 10000 millionths, 10000 settled up to 1\n"
     "170s q costs 100 vCPU-s, 0 GPU-s, 35000 millionths, 35000 settled up to 2\n"},
    /* clang-format on */
};

static const struct world_row charges[] = {
    /* clang-format off */
    {"a machine costs its price from its launch until it is gone, idle or not",
     "environment e kwok max=8 types=large:4:16Gi:3.60 delay=30s\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 memory=1Gi runs=100s\n"
     "at 200s\n",
     "0s e costs 0 vCPU-s, 0 millionths, and 0 an hour for 0 vCPUs\n"
     "1s e costs 4 vCPU-s, 1000 millionths, and 3600000 an hour for 4 vCPUs\n"
     "10s e costs 40 vCPU-s, 10000 millionths, and 3600000 an hour for 4 vCPUs\n"
     "11s e costs 44 vCPU-s, 11000 millionths, and 3600000 an hour for 4 vCPUs\n"
     "110s e costs 440 vCPU-s, 110000 millionths, and 3600000 an hour for 4 vCPUs\n"
     "140s e costs 560 vCPU-s, 140000 millionths, and 3600000 an hour for 4 vCPUs\n"
     "141s e costs 564 vCPU-s, 141000 millionths, and 3600000 an hour for 4 vCPUs\n"
     "142s e costs 564 vCPU-s, 141000 millionths, and 0 an hour for 0 vCPUs\n"},
    {"over a restart it goes on from what is stored, with what there was",
     "environment e kwok max=8 types=large:4:16Gi:3.60 delay=10m\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 memory=1Gi runs=100s\n"
     "at 50s\n"
     "restart\n"
     "at 150s\n"
     "job b queue=q cpu=4 memory=1Gi runs=10s\n"
     "at 155s\n",
     "0s e costs 0 vCPU-s, 0 millionths, and 0 an hour for 0 vCPUs\n"
     "1s e costs 4 vCPU-s, 1000 millionths, and 3600000 an hour for 4 vCPUs\n"
     "10s e costs 40 vCPU-s, 10000 millionths, and 3600000 an hour for 4 vCPUs\n"
     "11s e costs 44 vCPU-s, 11000 millionths, and 3600000 an hour for 4 vCPUs\n"
     "50s e costs 200 vCPU-s, 50000 millionths, and 3600000 an hour for 4 vCPUs\n"
     "110s e costs 440 vCPU-s, 110000 millionths, and 3600000 an hour for 4 vCPUs\n"
     "150s e costs 600 vCPU-s, 150000 millionths, and 3600000 an hour for 4 vCPUs\n"},
    {"what went while nobody watched is charged until somebody looks",
     "environment e kwok max=8 types=large:4:16Gi:3.60 delay=10m\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 memory=1Gi\n"
     "at 100s\n"
     "machine i1 gone\n"
     "restart\n"
     "at 120s\n",
     "0s e costs 0 vCPU-s, 0 millionths, and 0 an hour for 0 vCPUs\n"
     "1s e costs 4 vCPU-s, 1000 millionths, and 3600000 an hour for 4 vCPUs\n"
     "10s e costs 40 vCPU-s, 10000 millionths, and 3600000 an hour for 4 vCPUs\n"
     "100s e costs 400 vCPU-s, 100000 millionths, and 0 an hour for 0 vCPUs\n"},
    {"what a dead process told too late is not taken back",
     "environment e kwok max=8 types=large:4:16Gi:3.60 delay=10m\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 memory=1Gi\n"
     "at 20s\n"
     "environment e charged=50000\n"
     "at 60s\n",
     "0s e costs 0 vCPU-s, 0 millionths, and 0 an hour for 0 vCPUs\n"
     "1s e costs 4 vCPU-s, 1000 millionths, and 3600000 an hour for 4 vCPUs\n"
     "10s e costs 40 vCPU-s, 10000 millionths, and 3600000 an hour for 4 vCPUs\n"
     "20s e costs 80 vCPU-s, 50000 millionths, and 3600000 an hour for 4 vCPUs\n"
     "21s e costs 84 vCPU-s, 51000 millionths, and 3600000 an hour for 4 vCPUs\n"},
    {"the spot price is what a spot machine costs",
     "environment e kwok max=4 spot types=large:4:16Gi:3.60 offers=large:0.90:5:0 delay=20s\n"
     "queue q envs=e\n"
     "job a queue=q cpu=4 memory=1Gi runs=100s\n"
     "at 200s\n",
     "0s e costs 0 vCPU-s, 0 millionths, and 0 an hour for 0 vCPUs\n"
     "1s e costs 4 vCPU-s, 250 millionths, and 900000 an hour for 4 vCPUs\n"
     "10s e costs 40 vCPU-s, 2500 millionths, and 900000 an hour for 4 vCPUs\n"
     "11s e costs 44 vCPU-s, 2750 millionths, and 900000 an hour for 4 vCPUs\n"
     "110s e costs 440 vCPU-s, 27500 millionths, and 900000 an hour for 4 vCPUs\n"
     "130s e costs 520 vCPU-s, 32500 millionths, and 900000 an hour for 4 vCPUs\n"
     "131s e costs 524 vCPU-s, 32750 millionths, and 900000 an hour for 4 vCPUs\n"
     "132s e costs 524 vCPU-s, 32750 millionths, and 0 an hour for 0 vCPUs\n"},
    /* clang-format on */
};

TEST(charges)
{
    world_check(charges, ARRAY_LEN(charges), SHOW_CHARGE);
}

/* Killed at any plan, whatever of it was carried out: each job is counted once. */
static const char told_in_the_end[] =
    "environment e kwok max=8 types=large:4:16Gi:3.60 delay=10m\n"
    "queue q envs=e\n"
    "job a queue=q cpu=1 memory=1Gi runs=20s ttl=3s share=x\n"
    "job b queue=q cpu=1 memory=1Gi runs=21s\n"
    "job c queue=q cpu=2 memory=1Gi runs=10s array=2 ttl=0s share=y\n"
    "at 130s\n"
    "job b gone\n"
    "job d queue=q cpu=1 memory=1Gi runs=20s ttl=2s share=x\n"
    "at 300s\n";

static const char *last_sum(struct world *world)
{
    world_run(world, told_in_the_end);
    const char *found = NULL;
    for (const char *at = world_log(world); (at = strstr(at, "q costs ")) != NULL; at++)
        found = at;
    return found;
}

TEST(killed_at_any_moment)
{
    AUTO(world) whole = world_new(SHOW_BILL);
    const char *want = last_sum(whole);
    CHECK_TEXT("whole", want,
               "q costs 101 vCPU-s, 0 GPU-s, 25250 millionths, 25250 settled up to 4, by share: "
               "x 10000/10000, y 10000/10000\n");
    for (size_t plan = 1; plan <= world_plan_count(whole); plan++) {
        for (enum world_cut cut = CUT_BEFORE_ACTIONS; cut <= CUT_BEFORE_ANSWERS; cut++) {
            AUTO(world) world = world_new(SHOW_BILL);
            AUTO_TEXT row = text_printf("cut at plan %zu, %d", plan, (int)cut);
            world_restart_at(world, plan, cut);
            CHECK_TEXT(row, last_sum(world), want);
        }
    }
}

/* What is told of a queue's shares last: how many have sums, and what all others cost. */
static int64_t last_others(struct world *world, int *ret_shares)
{
    const char *sum = world_log(world);
    for (const char *at = sum; (at = strstr(at, "q costs ")) != NULL; at++)
        sum = at;
    const char *amount = strstr(sum, "GPU-s, ");
    const char *share = strstr(sum, "by share:");
    *ret_shares = 0;
    if (amount == NULL || share == NULL)
        return -1;
    int64_t others = strtoll(amount + strlen("GPU-s, "), NULL, 10);
    share += strlen("by share:");
    while ((share = strstr(share, " s")) != NULL && (share = strchr(share + 1, ' ')) != NULL) {
        others -= strtoll(share, NULL, 10);
        ++*ret_shares;
    }
    return others;
}

/* Those after the hundredth are in the queue's sum alone, for whoever adds to it later, too. */
TEST(a_hundred_shares_have_sums)
{
    enum { JOBS = 103 };
    int shares = 0;
    AUTO_STR text = STR_EMPTY;
    AUTO(world) world = world_new(SHOW_BILL);
    str_addf(&text, "environment e kwok max=128 types=huge:128:512Gi:128 delay=10m\n"
                    "queue q envs=e\n");
    for (int i = 0; i < JOBS; i++)
        str_addf(&text, "job j%d queue=q cpu=1 memory=1Gi runs=36s share=s%d\n", i, i);
    str_addf(&text,
             "at 200s\nrestart\njob last queue=q cpu=1 memory=1Gi runs=36s share=s%d\nat 300s\n",
             JOBS);
    world_run(world, str_text(&text));
    int64_t others = last_others(world, &shares);
    CHECK_INT("shares", shares, SHARE_COSTS_MAX);
    CHECK_INT("three before the restart, and one after it, of 0.011635 each", others, 4 * 11635);
}

TEST(bills)
{
    world_check(bills, ARRAY_LEN(bills), SHOW_BILL);
}

TEST(cost)
{
    world_check(rows, ARRAY_LEN(rows), SHOW_PODS | SHOW_COST);
}
