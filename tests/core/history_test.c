/* SPDX-License-Identifier: Apache-2.0 */
/* history_test.c - how long work takes, as it was seen: kept for a definition, over restarts */
#include "core/world.h"
#include "src/core/internal.h"

#define HERE                                                                                       \
    "environment e static\n"                                                                       \
    "node n env=e cpu=1\n"                                                                         \
    "queue q envs=e\n"                                                                             \
    "definition d cpu=1\n"

static const struct world_row rows[] = {
    /* clang-format off */
    {"a definition tells how long its jobs take, once a minute at most",
     HERE
     "job a queue=q definition=d runs=10s\n"
     "job b queue=q definition=d runs=14s\n"
     "at 100s\n"
     "job c queue=q definition=d runs=12s\n"
     "job other queue=q cpu=1 runs=500s\n"
     "at 700s\n",
     "0s store d-u1-d-1: cpu=1\n"
     "0s start a on n\n"
     "0s   of d:1: cpu=1\n"
     "0s definition d ACTIVE latest=1 active=1\n"
     "10s start b on n\n"
     "10s   of d:1: cpu=1\n"
     "70s definition d ACTIVE latest=1 active=1 runs=2 of 12000 ms, off by 4750 ms\n"
     "100s start c on n\n"
     "100s   of d:1: cpu=1\n"
     "112s start other on n\n"
     "172s definition d ACTIVE latest=1 active=1 runs=3 of 12000 ms, off by 3562 ms\n"},
    {"what a definition told is known after a restart",
     HERE
     "job a queue=q definition=d runs=10s\n"
     "at 100s\n"
     "restart\n"
     "job b queue=q definition=d runs=30s\n"
     "job c queue=q definition=d runs=10s\n"
     "at 101s\n"
     "explain c\n",
     "0s store d-u1-d-1: cpu=1\n"
     "0s start a on n\n"
     "0s   of d:1: cpu=1\n"
     "0s definition d ACTIVE latest=1 active=1\n"
     "70s definition d ACTIVE latest=1 active=1 runs=1 of 10000 ms, off by 5000 ms\n"
     "100s start b on n\n"
     "100s   of d:1: cpu=1\n"
     "101s default/c in JobQueue q: RUNNABLE NodesFull: needs cpu 1; e: its nodes are full; room comes when a running pod ends or a node is added\n"
     "  needs cpu 1\n"
     "  place in line: 1 of 1\n"
     "  earliest start: 1970-01-01T00:18:30Z: a pod of default/b ends, by the mean of earlier runs\n"
     "  e: NodesFull: its nodes are full; room comes when a running pod ends or a node is added\n"
     "    nodes: 0 of 1 fit\n"
     "      cpu rules out 1\n"},
    {"a crash loses a minute of it",
     HERE
     "job a queue=q definition=d runs=10s\n"
     "at 30s\n"
     "restart\n"
     "at 40s\n"
     "job b queue=q definition=d runs=20s\n"
     "at 200s\n",
     "0s store d-u1-d-1: cpu=1\n"
     "0s start a on n\n"
     "0s   of d:1: cpu=1\n"
     "0s definition d ACTIVE latest=1 active=1\n"
     "40s start b on n\n"
     "40s   of d:1: cpu=1\n"
     "120s definition d ACTIVE latest=1 active=1 runs=1 of 20000 ms, off by 10000 ms\n"},
    {"what failed is not counted",
     HERE
     "job a queue=q definition=d\n"
     "at 10s\n"
     "pod a failed exit=1\n"
     "at 200s\n",
     "0s store d-u1-d-1: cpu=1\n"
     "0s start a on n\n"
     "0s   of d:1: cpu=1\n"
     "0s definition d ACTIVE latest=1 active=1\n"},
    /* clang-format on */
};

TEST(history)
{
    world_check(rows, ARRAY_LEN(rows), SHOW_PODS | SHOW_REVISIONS);
}

/* What a run may be relied on not to pass: by hand. */
TEST(bound)
{
    struct core_job job = {.timeout_ns = 0};
    const int64_t took_s[] = {10, 14, 12, 12};
    for (size_t i = 0; i < ARRAY_LEN(took_s); i++) {
        CHECK_INT("three are too few", history_bound_ns(&job), 0);
        runs_add(&job.runs, took_s[i] * NS_PER_S);
    }
    /* mean 12 s; deviation 5 s, then + (4 - 5) / 4 = 4.75 s, * 3/4 = 3.5625 s, * 3/4 */
    CHECK_INT("mean", job.runs.mean_ns, 12 * NS_PER_S);
    CHECK_INT("deviation", job.runs.deviation_ns, 2671875000);
    CHECK_INT("bound", history_bound_ns(&job), 12 * NS_PER_S + 4 * INT64_C(2671875000));
    job.timeout_ns = 20 * NS_PER_S;
    CHECK_INT("a shorter timeout holds", history_bound_ns(&job), 20 * NS_PER_S);
    job.timeout_ns = 3600 * NS_PER_S;
    CHECK_INT("a longer one does not", history_bound_ns(&job), 22687500000);
    for (int i = 0; i < 100; i++)
        runs_add(&job.runs, 12 * NS_PER_S);
    CHECK_INT("a second at least", history_bound_ns(&job), 13 * NS_PER_S);
}
