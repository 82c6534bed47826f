/* SPDX-License-Identifier: Apache-2.0 */
/* passing_test.c - queues in which what can start passes what cannot (BEST_EFFORT_FIFO) */
#include "core/world.h"

#include "bulkhead/base/str.h"
#include "bulkhead/core/explain.h"

static const struct world_row rows[] = {
    /* clang-format off */
    {"what can start passes what cannot, in order",
     "environment e static\n"
     "queue q envs=e besteffort\n"
     "node n1 env=e cpu=4\n"
     "job running queue=q cpu=2 created=1s\n"
     "job large queue=q cpu=4 created=2s\n"
     "job b queue=q cpu=1 created=4s\n"
     "job a queue=q cpu=1 created=3s\n"
     "job c queue=q cpu=1 created=5s\n"
     "why large\n"
     "why c\n"
     "at 10s\n"
     "pod a ok\n"
     "at 20s\n"
     "pod running ok\n"
     "pod b ok\n"
     "pod c ok\n",
     "0s start running on n1\n"
     "0s start a on n1\n"
     "0s start b on n1\n"
     "0s large RUNNABLE NodesFull: needs cpu 4; e: its nodes are full; room comes when a running pod ends or a node is added\n"
     "0s c RUNNABLE NodesFull: needs cpu 1; e: its nodes are full; room comes when a running pod ends or a node is added\n"
     "10s start c on n1\n"
     "20s start large on n1\n"},
    {"jobs of one shape keep their order",
     "environment e static\n"
     "queue q envs=e besteffort\n"
     "node n1 env=e cpu=2\n"
     "job z queue=q cpu=2 created=1s\n"
     "job a2 queue=q cpu=1 created=3s\n"
     "job a1 queue=q cpu=1 created=2s\n"
     "job a0 queue=q cpu=1 created=4s\n"
     "at 10s\n"
     "pod z ok\n"
     "at 11s\n"
     "why a0\n"
     "at 20s\n"
     "job early queue=q cpu=1 created=1500ms\n"
     "at 21s\n"
     "why early\n"
     "why a0\n"
     "at 30s\n"
     "pod a2 ok\n",
     "0s start z on n1\n"
     "10s start a1 on n1\n"
     "10s start a2 on n1\n"
     "11s a0 RUNNABLE NodesFull: needs cpu 1; e: its nodes are full; room comes when a running pod ends or a node is added\n"
     "21s early RUNNABLE NodesFull: needs cpu 1; e: its nodes are full; room comes when a running pod ends or a node is added\n"
     "21s a0 RUNNABLE NodesFull: needs cpu 1; e: its nodes are full; room comes when a running pod ends or a node is added\n"
     "30s start early on n1\n"},
    {"a lower queue starts nothing where something of a higher one waits for room",
     "environment e static\n"
     "environment f static\n"
     "queue high envs=e priority=10 besteffort\n"
     "queue low envs=e,f priority=1\n"
     "node n1 env=e cpu=4\n"
     "node n2 env=f cpu=1\n"
     "job running queue=high cpu=2 created=1s\n"
     "job large queue=high cpu=4 created=2s\n"
     "job x queue=low cpu=1 created=1s\n"
     "job y queue=low cpu=1 created=2s\n"
     "why y\n"
     "at 10s\n"
     "job large gone\n",
     "0s start running on n1\n"
     "0s start x on n2\n"
     "0s y RUNNABLE NodesFull: needs cpu 1; e: queue high of higher priority waits for room there; f: its nodes are full; room comes when a running pod ends or a node is added\n"
     "10s start y on n1\n"},
    {"a limit of the queue holds back what it holds back",
     "environment e static\n"
     "queue high envs=e priority=10 besteffort most-vcpus=3\n"
     "queue low envs=e priority=1\n"
     "node n1 env=e cpu=8\n"
     "job a queue=high cpu=2 created=1s\n"
     "job b queue=high cpu=2 created=2s\n"
     "job c queue=high cpu=1 created=3s\n"
     "job d queue=low cpu=4 created=4s\n"
     "why b\n"
     "at 10s\n"
     "pod a ok\n",
     "0s start a on n1\n"
     "0s start c on n1\n"
     "0s start d on n1\n"
     "0s b RUNNABLE QueueLimitReached: needs 2 of limits.maxvCpus of JobQueue high, 2 of 3 in use; room comes when a running job of the queue ends, or raise the limit\n"
     "10s start b on n1\n"},
    {"machines are bought for what passes too",
     "environment e kwok max=4 types=small:2:4Gi:0.1,large:4:8Gi:0.2\n"
     "queue q envs=e besteffort\n"
     "job a queue=q cpu=2 created=1s\n"
     "job large queue=q cpu=4 created=2s\n"
     "job b queue=q cpu=2 created=3s\n"
     "at 30s\n"
     "why large\n",
     "0s launch e 2x small\n"
     "10s start a on e-1\n"
     "10s start b on e-2\n"
     "30s large RUNNABLE MaxvCpusReached: needs cpu 4; e: at 4 of maxvCpus 4; room comes when a running pod ends, or raise maxvCpus\n"},
    {"a resource that is used up is waited for, and passed",
     "environment e static\n"
     "consumable c total=1\n"
     "queue q envs=e besteffort\n"
     "node n1 env=e cpu=8\n"
     "job a queue=q cpu=1 takes=c:1 created=1s\n"
     "job b queue=q cpu=1 takes=c:1 created=2s\n"
     "job d queue=q cpu=1 created=3s\n"
     "at 10s\n"
     "pod a ok\n",
     "0s start a on n1\n"
     "0s start d on n1\n"
     "10s start b on n1\n"},
    {"a multi-node job is passed, and starts when it finds room",
     "environment e static\n"
     "queue q envs=e besteffort\n"
     "node n1 env=e cpu=2\n"
     "node n2 env=e cpu=2\n"
     "job a queue=q cpu=1 created=1s\n"
     "job g queue=q cpu=1 nodes=2 created=2s\n"
     "job b queue=q cpu=1 created=3s\n"
     "at 10s\n"
     "pod a ok\n"
     "at 11s\n"
     "pod b ok\n",
     "0s start a on n1\n"
     "0s start b on n1\n"
     "11s start g/0 on n1\n"},
    {"the strategy can be changed while jobs wait",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job running queue=q cpu=2 created=1s\n"
     "job large queue=q cpu=4 created=2s\n"
     "job a queue=q cpu=1 created=3s\n"
     "at 10s\n"
     "queue q besteffort\n"
     "at 20s\n"
     "restart\n"
     "job b queue=q cpu=1 created=20s\n",
     "0s start running on n1\n"
     "10s start a on n1\n"
     "20s start b on n1\n"},
    /* clang-format on */
};

/* --- In random worlds ---------------------------------------------------------------------------
 * After every step nothing that waits would fit anywhere: the clauses of explain.c count the nodes
 * that would take it, apart from the code that places. And of equal jobs the older ran first. */

enum { JOBS = 24, STEPS = 30, NODES = 3, SHAPES = 4 };

static uint32_t drawn(uint64_t *seed, uint32_t below)
{
    *seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(*seed >> 33) % below;
}

static bool waits(struct world *world, struct arena *arena, unsigned number, int64_t *ret_fit)
{
    AUTO_TEXT uid = text_printf("%08u-uid", number + 1); /* as the world gives them out */
    struct explanation told;
    if (!core_explain(world_core(world), uid, arena, &told) || told.waiting == 0)
        return false;
    *ret_fit = 0;
    for (size_t i = 0; i < told.environment_count; i++)
        *ret_fit += told.environments[i].nodes.fit;
    return true;
}

static void random_world(uint64_t seed)
{
    AUTO(world) world = world_new(SHOW_PODS);
    AUTO(arena) arena = arena_new(0);
    AUTO_STR script = STR_EMPTY;
    uint32_t shape[JOBS] = {0}, submitted = 0;
    str_add(&script, "environment e static\nqueue q envs=e besteffort\n");
    for (unsigned i = 0; i < NODES; i++)
        str_addf(&script, "node n%u env=e cpu=%u\n", i, 1 + drawn(&seed, 6));
    world_run(world, str_text(&script));
    for (unsigned step = 1; step <= STEPS; step++) {
        AUTO_STR lines = STR_EMPTY;
        str_addf(&lines, "at %us\n", step * 10);
        for (uint32_t more = drawn(&seed, 3); more > 0 && submitted < JOBS; more--) {
            shape[submitted] = 1 + drawn(&seed, SHAPES);
            str_addf(&lines, "job j%02u queue=q cpu=%u runs=%us\n", submitted, shape[submitted],
                     5 + drawn(&seed, 60));
            submitted++;
        }
        str_addf(&lines, "at %us\n", step * 10 + 1);
        world_run(world, str_text(&lines));
        bool before[SHAPES + 1] = {false}; /* an older one of that shape waits */
        for (unsigned i = 0; i < submitted; i++) {
            int64_t fit = 0;
            bool waiting = waits(world, arena, i, &fit);
            CHECK_INT("nodes that would take what waits", fit, 0);
            if (before[shape[i]])
                CHECK_INT("who came later waits too", waiting, 1);
            before[shape[i]] = before[shape[i]] || waiting;
        }
    }
}

TEST(nothing_waits_beside_room)
{
    for (uint64_t seed = 1; seed <= 40; seed++)
        random_world(seed);
}

TEST(passing)
{
    world_check(rows, ARRAY_LEN(rows), SHOW_PODS | SHOW_MACHINES);
}
