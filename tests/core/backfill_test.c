/* SPDX-License-Identifier: Apache-2.0 */
/* backfill_test.c - who may pass a head without making it later (BACKFILL) */
#include "core/world.h"
#include "core/world_parts.h"

#include "bulkhead/base/str.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct world_row rows[] = {
    /* clang-format off */
    {"who ends before passes the first on its node, who does not waits, and is told why",
     "environment e static\n"
     "queue q envs=e backfill\n"
     "node n1 env=e cpu=4\n"
     "job running queue=q cpu=2 timeout=100s runs=100s created=1s\n"
     "job large queue=q cpu=4 created=2s\n"
     "job long queue=q cpu=1 timeout=200s created=3s\n"
     "job nobodyknows queue=q cpu=1 created=4s\n"
     "job short queue=q cpu=1 timeout=60s runs=60s created=5s\n"
     "at 20s\n"
     "why large\n"
     "why long\n"
     "why nobodyknows\n"
     "at 110s\n",
     "0s start running on n1\n"
     "0s start short on n1\n"
     "5s q keeps n1 for default/large, by 100s: there is room by then, if what runs there keeps its bounds\n"
     "20s large RUNNABLE NodesFull: needs cpu 4; e: its nodes are full; room comes when a running pod ends or a node is added\n"
     "20s long RUNNABLE ReservedForFirst: room on node n1 is kept for default/large, the first of the queue, which starts by 1970-01-01T00:18:25Z at the latest; this job may take 200 s, which is too long to pass it\n"
     "20s nobodyknows RUNNABLE ReservedForFirst: room on node n1 is kept for default/large, the first of the queue, which starts by 1970-01-01T00:18:25Z at the latest; who has a timeout, or a history of durations, may pass it if that ends before\n"
     "100s start large on n1\n"
     "100s q keeps nothing\n"
     "105s q keeps nothing for default/long: nothing passes it: nobody knows by when it has room; timeouts, or a history of durations, would tell\n"},
    {"on nodes that are not kept, and beside the first, anything passes",
     "environment e static\n"
     "queue q envs=e backfill\n"
     "node n1 env=e cpu=8\n"
     "node n2 env=e cpu=1\n"
     "job running queue=q cpu=5 timeout=100s runs=100s created=1s\n"
     "job large queue=q cpu=6 created=3s\n"
     "job notbeside queue=q cpu=3 created=4s\n"
     "job beside queue=q cpu=2 created=5s\n"
     "job elsewhere queue=q cpu=1 created=6s\n"
     "job notanymore queue=q cpu=1 created=7s\n"
     "at 150s\n",
     "0s start running on n1\n"
     "0s start beside on n1\n"
     "0s start elsewhere on n2\n"
     "5s q keeps n1 for default/large, by 100s: there is room by then, if what runs there keeps its bounds\n"
     "100s start large on n1\n"
     "100s q keeps nothing\n"
     "105s q keeps nothing for default/notbeside: nothing passes it: nobody knows by when it has room; timeouts, or a history of durations, would tell\n"},
    {"nothing passes while nobody knows by when the first starts",
     "environment e static\n"
     "queue q envs=e backfill\n"
     "node n1 env=e cpu=4\n"
     "job running queue=q cpu=2 runs=50s created=1s\n"
     "job large queue=q cpu=4 created=2s timeout=10s\n"
     "job short queue=q cpu=1 timeout=1s created=3s\n"
     "at 60s\n",
     "0s start running on n1\n"
     "5s q keeps nothing for default/large: nothing passes it: nobody knows by when it has room; timeouts, or a history of durations, would tell\n"
     "50s start large on n1\n"
     "50s q keeps nothing\n"
     "55s q keeps n1 for default/short, by 70s: there is room by then, if what runs there keeps its bounds\n"},
    {"nothing passes what waits for a limit, and the first has its part of the limits",
     "environment e static\n"
     "queue q envs=e backfill most-vcpus=6\n"
     "node n1 env=e cpu=4\n"
     "node n2 env=e cpu=4\n"
     "job running queue=q cpu=2 timeout=100s runs=100s created=1s\n"
     "job large queue=q cpu=5 created=2s\n"
     "at 10s\n"
     "node n3 env=e cpu=5\n"
     "job small queue=q cpu=1 timeout=10s runs=10s created=10s\n"
     "at 101s\n"
     "job four queue=q cpu=4 created=101s timeout=900s\n"
     "at 120s\n",
     "0s start running on n1\n"
     "15s q keeps nothing for default/large: nothing passes it: it waits for something else than room\n"
     "100s start large on n3\n"
     "100s start small on n1\n"
     "100s q keeps nothing\n"
     "106s q keeps nothing for default/four: nothing passes it: it waits for something else than room\n"},
    {"by the history of its definition",
     "environment e static\n"
     "queue q envs=e backfill\n"
     "node n1 env=e cpu=4\n"
     "definition d cpu=1\n"
     "job a queue=q definition=d array=8 runs=10s\n"
     "at 30s\n"
     "job running queue=q cpu=2 timeout=100s runs=100s created=30s\n"
     "job large queue=q cpu=4 created=31s\n"
     "job b queue=q definition=d runs=10s created=32s\n"
     "at 75s\n"
     "restart\n"
     "at 95s\n"
     "job c queue=q definition=d runs=10s created=95s\n"
     "at 140s\n",
     "0s start a/0 on n1\n"
     "0s start a/1 on n1\n"
     "0s start a/2 on n1\n"
     "0s start a/3 on n1\n"
     "5s q keeps nothing for default/a: nothing passes it: nobody knows by when it has room; timeouts, or a history of durations, would tell\n"
     "10s start a/4 on n1\n"
     "10s start a/5 on n1\n"
     "10s start a/6 on n1\n"
     "10s start a/7 on n1\n"
     "10s q keeps nothing\n"
     "30s start running on n1\n"
     "30s start b on n1\n"
     "35s q keeps n1 for default/large, by 130s: there is room by then, if what runs there keeps its bounds\n"
     "75s q keeps nothing\n"
     "80s q keeps n1 for default/large, by 130s: there is room by then, if what runs there keeps its bounds\n"
     "95s start c on n1\n"
     "130s start large on n1\n"
     "130s q keeps nothing\n"},
    {"a multi-node job is kept nodes that run empty",
     "environment e static\n"
     "queue q envs=e backfill\n"
     "node n1 env=e cpu=4\n"
     "node n2 env=e cpu=4\n"
     "node n3 env=e cpu=4\n"
     "job a queue=q cpu=1 timeout=100s runs=100s created=1s\n"
     "job b queue=q cpu=4 timeout=200s runs=200s created=1s\n"
     "job g queue=q nodes=2 cpu=2 created=2s\n"
     "job long queue=q cpu=1 timeout=300s runs=300s created=3s\n"
     "job short queue=q cpu=1 timeout=50s runs=50s created=4s\n"
     "at 110s\n",
     "0s start a on n1\n"
     "0s start b on n2\n"
     "0s start short on n1\n"
     "5s q keeps 2 nodes with n3 for default/g, by 100s: they are empty by then, if what runs there keeps its bounds\n"
     "100s q keeps nothing\n"
     "100s start g/0 on n1\n"
     "105s q keeps n2 for default/long, by 200s: there is room by then, if what runs there keeps its bounds\n"},
    {"a machine on its way is kept for who it was bought for",
     "environment e kwok max=10 types=small:2:4Gi:0.1,large:4:8Gi:0.2 boot=20s\n"
     "queue q envs=e backfill\n"
     "job b queue=q cpu=4 created=1s\n"
     "job a queue=q cpu=1 created=2s\n"
     "at 40s\n"
     "job large queue=q cpu=4 created=40s\n"
     "at 41s\n"
     "job small queue=q cpu=1 created=41s\n"
     "at 70s\n",
     "0s launch e 1x large\n"
     "1s launch e 1x small\n"
     "5s q keeps nothing for default/b: nothing passes it: nobody knows by when it has room; timeouts, or a history of durations, would tell\n"
     "20s start b on e-1\n"
     "20s q keeps nothing\n"
     "21s start a on e-2\n"
     "40s launch e 1x large\n"
     "41s start small on e-2\n"
     "45s q keeps nothing for default/large, by 60s: a machine that is on its way is Ready by then\n"
     "60s start large on e-3\n"
     "60s q keeps nothing\n"},
    {"machines that are too small are emptied for a larger one",
     "environment e kwok max=4 types=small:2:4Gi:0.1,large:4:8Gi:0.2 boot=10s\n"
     "queue q envs=e backfill\n"
     "job a queue=q cpu=2 created=1s runs=100s timeout=100s\n"
     "job b queue=q cpu=1 created=1s runs=200s timeout=200s\n"
     "at 20s\n"
     "job large queue=q cpu=4 created=20s runs=50s\n"
     "at 21s\n"
     "job long queue=q cpu=1 created=21s timeout=1000s runs=10s\n"
     "job short queue=q cpu=1 created=22s timeout=100s runs=100s\n"
     "at 400s\n",
     "0s launch e 2x small\n"
     "5s q keeps nothing for default/a: nothing passes it: nobody knows by when it has room; timeouts, or a history of durations, would tell\n"
     "10s start a on e-1\n"
     "10s start b on e-2\n"
     "10s q keeps nothing\n"
     "21s start short on e-2\n"
     "25s q keeps 2 nodes with e-1 for default/large: they are too small, and given back for a larger one when empty\n"
     "210s terminate e i2 i1\n"
     "211s q keeps nothing for default/large: nothing passes it: nobody knows by when it has room; timeouts, or a history of durations, would tell\n"
     "211s launch e 1x large\n"
     "221s start large on e-3\n"
     "221s q keeps nothing\n"
     "226s q keeps nothing for default/long: nothing passes it: nobody knows by when it has room; timeouts, or a history of durations, would tell\n"
     "271s start long on e-3\n"
     "271s q keeps nothing\n"},
    {"machines are bought for what passes",
     "environment e kwok max=7 types=small:2:4Gi:0.1,large:4:8Gi:0.2 boot=10s\n"
     "queue q envs=e backfill\n"
     "job a queue=q cpu=4 created=1s runs=100s timeout=100s\n"
     "at 20s\n"
     "job large queue=q cpu=4 created=20s runs=50s\n"
     "at 30s\n"
     "job small queue=q cpu=2 created=30s runs=500s\n"
     "at 150s\n",
     "0s launch e 1x large\n"
     "5s q keeps nothing for default/a: nothing passes it: nobody knows by when it has room; timeouts, or a history of durations, would tell\n"
     "10s start a on e-1\n"
     "10s q keeps nothing\n"
     "25s q keeps e-1 for default/large, by 110s: there is room by then, if what runs there keeps its bounds\n"
     "30s launch e 1x small\n"
     "40s start small on e-2\n"
     "110s start large on e-1\n"
     "110s q keeps nothing\n"},
    {"what comes for the first is waited for: nothing has to give way for another, or is bought twice",
     "environment e kwok max=8 types=small:2:8Gi:0.05,big:4:16Gi:0.2 delay=20s boot=never\n"
     "queue q envs=e backfill\n"
     "job large queue=q cpu=4 memory=1Gi timeout=30s\n"
     "at 2s\n"
     "environment e boot=5s\n"
     "job small queue=q cpu=2 array=2 created=2s\n"
     "at 100s\n"
     "why small\n",
     "0s launch e 1x big\n"
     "2s launch e 2x small\n"
     "5s q keeps nothing for default/large: nothing passes it: nobody knows by when it has room; timeouts, or a history of durations, would tell\n"
     "100s small PENDING BehindInQueue: 2 of 2 children (0-1) wait: earlier jobs of JobQueue q go first\n"},
    {"who runs longer than its history let expect is not relied on any more",
     "environment e static\n"
     "queue q envs=e backfill\n"
     "node n1 env=e cpu=2\n"
     "definition d cpu=1\n"
     "job a queue=q definition=d array=8 runs=10s\n"
     "at 40s\n"
     "job slow queue=q definition=d runs=200s created=40s\n"
     "job large queue=q cpu=2 created=41s\n"
     "job short queue=q cpu=1 created=42s timeout=5s runs=5s\n"
     "at 100s\n"
     "job later queue=q cpu=1 created=100s timeout=5s\n"
     "at 110s\n",
     "0s start a/0 on n1\n"
     "0s start a/1 on n1\n"
     "5s q keeps nothing for default/a: nothing passes it: nobody knows by when it has room; timeouts, or a history of durations, would tell\n"
     "10s start a/2 on n1\n"
     "10s start a/3 on n1\n"
     "20s start a/4 on n1\n"
     "20s start a/5 on n1\n"
     "20s q keeps n1 for default/a, by 43s: there is room by then, if what runs there keeps its bounds\n"
     "30s start a/6 on n1\n"
     "30s start a/7 on n1\n"
     "30s q keeps nothing\n"
     "40s start slow on n1\n"
     "40s start short on n1\n"
     "45s q keeps n1 for default/large, by 52s: there is room by then, if what runs there keeps its bounds\n"
     "52.6s q keeps nothing for default/large: nothing passes it: nobody knows by when it has room; timeouts, or a history of durations, would tell\n"},
    /* clang-format on */
};

/* --- In random worlds ---------------------------------------------------------------------------
 * A story of nodes and jobs, a job every few seconds, each with a timeout. */

enum { JOBS = 24, NODES = 3, STEP_S = 15, STEPS = 60 };

struct story {
    char *nodes, *jobs[JOBS];
    int64_t created_s[JOBS];
};

static uint32_t drawn(uint64_t *seed, uint32_t below)
{
    *seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(*seed >> 33) % below;
}

/* exact: each takes as long as its timeout. */
static void story_draw(struct story *story, uint64_t seed, bool exact)
{
    AUTO_STR nodes = STR_EMPTY;
    int64_t now_s = 0;
    for (unsigned i = 0; i < NODES; i++)
        str_addf(&nodes, "node n%u env=e cpu=%u\n", i, 2 + drawn(&seed, 7));
    story->nodes = str_take(&nodes);
    for (unsigned i = 0; i < JOBS; i++) {
        uint32_t timeout_s = 10 + drawn(&seed, drawn(&seed, 3) == 0 ? 200 : 60);
        uint32_t runs_s = exact ? timeout_s : 1 + drawn(&seed, timeout_s);
        uint32_t cpu = 1 + drawn(&seed, drawn(&seed, 3) == 0 ? 8 : 2);
        now_s += drawn(&seed, 12);
        story->created_s[i] = now_s;
        story->jobs[i] =
            text_printf("job j%02u queue=q cpu=%u runs=%us timeout=%us created=%" PRId64 "s\n", i,
                        cpu, runs_s, timeout_s, now_s);
    }
}

static void story_done(struct story *story)
{
    free(story->nodes);
    for (unsigned i = 0; i < JOBS; i++)
        free(story->jobs[i]);
}

/* In milliseconds, by the log; -1: it has not started. */
static int64_t started_ms(const struct world *world, unsigned job)
{
    AUTO_TEXT words = text_printf("s start j%02u on ", job);
    const char *line = strstr(world_log(world), words);
    if (line == NULL)
        return -1;
    while (line > world_log(world) && line[-1] != '\n')
        line--;
    return (int64_t)(strtod(line, NULL) * 1000.0 + 0.5);
}

struct promise { /* for one job: the earliest that it was told */
    int64_t by_ms;
    bool given;
};

/* Plays it; from step fifo_from on the queue is a FIFO queue. */
static struct world *play(const struct story *story, unsigned fifo_from, struct promise *promises)
{
    struct world *world = world_new(SHOW_PODS);
    AUTO_TEXT begin =
        text_printf("environment e static\nqueue q envs=e backfill\n%s", story->nodes);
    unsigned next = 0;
    world_run(world, begin);
    for (unsigned step = 1; step <= STEPS; step++) {
        AUTO_STR lines = STR_EMPTY;
        for (; next < JOBS && story->created_s[next] <= step * STEP_S; next++)
            str_addf(&lines, "at %" PRId64 "s\n%s", story->created_s[next], story->jobs[next]);
        str_addf(&lines, "at %us\n", step * STEP_S);
        if (step == fifo_from)
            str_add(&lines, "queue q envs=e\n");
        world_run(world, str_text(&lines));
        struct core_reservation_view kept;
        if (promises == NULL || !core_reservation(world_core(world), "q", &kept))
            continue;
        struct promise *promise = &promises[strtoul(kept.job_uid, NULL, 10) - 1];
        int64_t by_ms = (kept.free_by_ns - WORLD_EPOCH_NS) / NS_PER_MS;
        if (promise->given)
            CHECK_TRUE("a promise never moves back", by_ms <= promise->by_ms);
        *promise = (struct promise){by_ms, true};
    }
    return world;
}

/* Who passes the first does not make it later: from each moment on the same world is played on as
 * a FIFO queue, and what was the first then starts no earlier there. */
TEST(the_first_is_not_later_than_with_fifo)
{
    int64_t passed = 0, compared = 0;
    for (uint64_t seed = 1; seed <= 25; seed++) {
        struct story story;
        story_draw(&story, seed, true);
        AUTO(world) world = play(&story, 0, NULL);
        for (unsigned step = 2; step < STEPS; step += 2) {
            unsigned first = 0;
            int64_t now_ms = step * STEP_S * 1000;
            while (first < JOBS && started_ms(world, first) >= 0 &&
                   started_ms(world, first) <= now_ms)
                first++;
            if (first == JOBS || story.created_s[first] * 1000 >= now_ms)
                continue; /* nobody waits */
            AUTO(world) fifo = play(&story, step, NULL);
            int64_t with_ms = started_ms(world, first), without_ms = started_ms(fifo, first);
            if (without_ms >= 0)
                CHECK_TRUE("it starts", with_ms >= 0);
            CHECK_TRUE("and not later", without_ms < 0 || with_ms <= without_ms);
            compared++;
        }
        for (unsigned i = 1; i < JOBS; i++)
            passed += started_ms(world, i) >= 0 && started_ms(world, i) < started_ms(world, i - 1);
        story_done(&story);
    }
    CHECK_TRUE("heads were compared", compared > 100);
    CHECK_TRUE("and were passed", passed > 20);
}

/* What ends before its timeout makes room earlier: then the first starts by its promise, or
 * before. */
TEST(promises_are_kept)
{
    int64_t kept = 0;
    for (uint64_t seed = 100; seed < 160; seed++) {
        struct story story;
        struct promise promises[JOBS] = {{0, false}};
        story_draw(&story, seed, false);
        AUTO(world) world = play(&story, 0, promises);
        for (unsigned i = 0; i < JOBS; i++) {
            if (!promises[i].given)
                continue;
            CHECK_TRUE("it starts", started_ms(world, i) >= 0);
            CHECK_TRUE("by its promise", started_ms(world, i) <= promises[i].by_ms);
            kept++;
        }
        story_done(&story);
    }
    CHECK_TRUE("promises were given", kept > 30);
}

TEST(backfill)
{
    world_check(rows, ARRAY_LEN(rows), SHOW_PODS | SHOW_MACHINES | SHOW_KEPT);
}
