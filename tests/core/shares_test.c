/* SPDX-License-Identifier: Apache-2.0 */
/* shares_test.c - fair share: whose turn it is, what is kept free, what survives a restart */
#include "core/world_parts.h"

#include "bulkhead/base/clock.h"
#include "src/core/usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUSE                                                                                      \
    "environment e static\n"                                                                       \
    "queue q envs=e policy=p\n"

static const struct world_row rows[] = {
    /* clang-format off */
    {"shares take turns, child by child, whoever came first",
     HOUSE
     "policy p\n"
     "node n1 env=e cpu=4\n"
     "job big queue=q cpu=1 array=100 share=a\n"
     "at 1s\n"
     "job late queue=q cpu=1 array=2 share=b\n"
     "at 10s\n"
     "pod big/0 ok\n"
     "at 11s\n"
     "pod big/1 ok\n"
     "at 12s\n",
     "0s start big/0 on n1\n"
     "0s start big/1 on n1\n"
     "0s start big/2 on n1\n"
     "0s start big/3 on n1\n"
     "10s start late/0 on n1\n"
     "11s start late/1 on n1\n"},
    {"with equal use the names decide, and then each has one",
     HOUSE
     "policy p\n"
     "node n1 env=e cpu=6\n"
     "job a queue=q cpu=1 array=9 share=c\n"
     "job b queue=q cpu=1 array=9 share=b\n"
     "job c queue=q cpu=1 array=9 share=a\n"
     "at 1s\n",
     "0s start c/0 on n1\n"
     "0s start b/0 on n1\n"
     "0s start a/0 on n1\n"
     "0s start c/1 on n1\n"
     "0s start b/1 on n1\n"
     "0s start a/1 on n1\n"},
    {"time makes another share the first, and both are told",
     HOUSE
     "policy p\n"
     "node n1 env=e cpu=3\n"
     "job b0 queue=q cpu=3 share=b runs=99s\n"
     "at 99s\n"
     "job a0 queue=q cpu=1 share=a runs=9999s\n"
     "at 101s\n"
     "job a1 queue=q cpu=3 share=a\n"
     "job b1 queue=q cpu=3 share=b\n"
     "at 120s\n"
     "why a1\n"
     "why b1\n"
     "at 300s\n"
     "why a1\n"
     "why b1\n",
     "0s start b0 on n1\n"
     "99s start a0 on n1\n"
     "120s a1 RUNNABLE NodesFull: needs cpu 3; e: its nodes are full; room comes when a running pod ends or a node is added\n"
     "120s b1 RUNNABLE BehindInQueue: shares of JobQueue q that have used less go first, and earlier jobs of its own\n"
     "300s a1 RUNNABLE BehindInQueue: shares of JobQueue q that have used less go first, and earlier jobs of its own\n"
     "300s b1 RUNNABLE NodesFull: needs cpu 3; e: its nodes are full; room comes when a running pod ends or a node is added\n"},
    {"half the weight gets twice as much",
     HOUSE
     "policy p weights=a:0.5,b:1\n"
     "node n1 env=e cpu=6\n"
     "job x queue=q cpu=1 array=9 share=a\n"
     "job y queue=q cpu=1 array=9 share=b\n"
     "at 1s\n",
     "0s start x/0 on n1\n"
     "0s start y/0 on n1\n"
     "0s start x/1 on n1\n"
     "0s start x/2 on n1\n"
     "0s start y/1 on n1\n"
     "0s start x/3 on n1\n"},
    {"two shares under one prefix have one allotment together",
     HOUSE
     "policy p weights=u*:1,v:1\n"
     "node n1 env=e cpu=8\n"
     "job a queue=q cpu=1 array=9 share=u1\n"
     "job b queue=q cpu=1 array=9 share=u2\n"
     "job c queue=q cpu=1 array=9 share=v\n"
     "at 1s\n"
     "jobs\n",
     "0s start a/0 on n1\n"
     "0s start b/0 on n1\n"
     "0s start c/0 on n1\n"
     "0s start c/1 on n1\n"
     "0s start a/1 on n1\n"
     "0s start b/1 on n1\n"
     "0s start c/2 on n1\n"
     "0s start c/3 on n1\n"
     "1s jobs\n"
     "  a 7 RUNNABLE 2 STARTING\n"
     "  b 7 RUNNABLE 2 STARTING\n"
     "  c 5 RUNNABLE 4 STARTING\n"},
    {"in a share the highest priority goes first, then age; not between shares",
     HOUSE
     "policy p\n"
     "node n1 env=e cpu=1\n"
     "definition d cpu=1 prio=3\n"
     "job a1 queue=q cpu=1 share=a\n"
     "job a2 queue=q cpu=1 share=a prio=5\n"
     "job a3 queue=q definition=d share=a\n"
     "job b1 queue=q cpu=1 share=b\n"
     "at 1s\n"
     "pod a2 ok\n"
     "at 2s\n"
     "pod b1 ok\n"
     "at 3s\n"
     "pod a3 ok\n"
     "at 4s\n",
     "0s start a2 on n1\n"
     "1s start b1 on n1\n"
     "2s start a3 on n1\n"
     "3s start a1 on n1\n"},
    {"what was used is remembered for a while: who used less goes next",
     HOUSE
     "policy p decay=400s\n"
     "node n1 env=e cpu=1\n"
     "job a queue=q cpu=1 share=a\n"
     "at 100s\n"
     "job b queue=q cpu=1 share=b\n"
     "at 110s\n"
     "pod a ok\n"
     "at 120s\n"
     "job a2 queue=q cpu=1 share=a\n"
     "job b2 queue=q cpu=1 share=b\n"
     "at 130s\n"
     "pod b ok\n"
     "at 131s\n",
     "0s start a on n1\n"
     "110s start b on n1\n"
     "130s start b2 on n1\n"},
    {"use fades: after the window a share is as new",
     HOUSE
     "policy p decay=40s\n"
     "node n1 env=e cpu=1\n"
     "job a queue=q cpu=1 share=a\n"
     "at 100s\n"
     "pod a ok\n"
     "job b queue=q cpu=1 share=b\n"
     "at 141s\n"
     "job a2 queue=q cpu=1 share=a\n"
     "job b2 queue=q cpu=1 share=b\n"
     "pod b ok\n"
     "at 142s\n",
     "0s start a on n1\n"
     "100s start b on n1\n"
     "141s start a2 on n1\n"},
    {"a part is kept free for shares that are not active",
     HOUSE
     "policy p reservation=50\n"
     "node n1 env=e cpu=8\n"
     "job a queue=q cpu=1 array=9 share=a\n"
     "at 6s\n"
     "why a\n"
     "job b queue=q cpu=1 array=9 share=b\n"
     "at 7s\n"
     "jobs\n",
     "0s start a/0 on n1\n"
     "0s start a/1 on n1\n"
     "0s start a/2 on n1\n"
     "0s start a/3 on n1\n"
     "6s a PENDING ReservedForOtherShares: 5 of 9 children (4-8) wait: SchedulingPolicy p keeps 4.000 of 8 vCPUs free for shares that are not active (computeReservation 50, 1 active)\n"
     "6s start b/0 on n1\n"
     "6s start b/1 on n1\n"
     "7s jobs\n"
     "  a 5 RUNNABLE 4 STARTING\n"
     "  b 7 RUNNABLE 2 STARTING\n"},
    {"what is kept free follows the nodes at once",
     HOUSE
     "policy p reservation=60\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1500m share=a\n"
     "job b queue=q cpu=1 share=b\n"
     "at 6s\n"
     "why a\n"
     "node n2 env=e cpu=2\n"
     "at 20s\n"
     "jobs\n",
     "0s start b on n1\n"
     "6s a RUNNABLE ReservedForOtherShares: SchedulingPolicy p keeps 0.720 of 2 vCPUs free for shares that are not active (computeReservation 60, 2 active)\n"
     "6s start a on n2\n"
     "20s jobs\n"
     "  a STARTING\n"
     "  b STARTING\n"},
    {"what is barred whatever ends lets others pass, until a share more leaves it enough",
     HOUSE
     "policy p reservation=60\n"
     "node n1 env=e cpu=2\n"
     "node n2 env=e cpu=2\n"
     "job a queue=q cpu=2 share=a\n"
     "job next queue=q cpu=1 share=a created=1s runs=20s\n"
     "at 6s\n"
     "why a\n"
     "at 10s\n"
     "job b queue=q cpu=500m share=b\n"
     "at 15s\n"
     "why a\n"
     "at 25s\n"
     "jobs\n",
     "0s start next on n1\n"
     "6s a RUNNABLE ReservedForOtherShares: SchedulingPolicy p keeps 2.400 of 4 vCPUs free for shares that are not active (computeReservation 60, 1 active)\n"
     "10s start b on n1\n"
     "15s a RUNNABLE ReservedForOtherShares: SchedulingPolicy p keeps 1.440 of 4 vCPUs free for shares that are not active (computeReservation 60, 2 active)\n"
     "20s start a on n2\n"
     "25s jobs\n"
     "  a STARTING\n"
     "  next SUCCEEDED Succeeded attempts=1\n"
     "  b STARTING\n"},
    {"a multi-node job asks for what its nodes take, of what is not kept free",
     "environment e kwok max=8 types=s:1:2Gi:0.05,m:4:8Gi:0.2 boot=10s delay=20s\n"
     "policy p reservation=50\n"
     "queue q envs=e policy=p\n"
     "job g queue=q cpu=500m nodes=3 maincpu=2 share=a runs=30s\n"
     "at 11s\n"
     "jobs\n",
     "11s start g/0 on e-3\n"
     "11s start g/1 on e-1\n"
     "11s start g/2 on e-2\n"
     "11s jobs\n"
     "  g 3 RUNNING\n"},
    {"a policy that is not there, not valid, and mended",
     HOUSE
     "node n1 env=e cpu=8\n"
     "job a queue=q cpu=1 share=a\n"
     "at 1s\n"
     "why a\n"
     "policy p invalid=spec.fairsharePolicy.x:~no~such~field\n"
     "at 2s\n"
     "why a\n"
     "policy p invalid=\n"
     "at 3s\n",
     "1s a RUNNABLE SchedulingPolicyMissing: SchedulingPolicy p does not exist: create it\n"
     "2s a RUNNABLE SchedulingPolicyMissing: SchedulingPolicy p is invalid: spec.fairsharePolicy.x: no such field\n"
     "2s start a on n1\n"},
    {"a policy that goes: what runs goes on, nothing new starts",
     HOUSE
     "policy p\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 array=3 share=a\n"
     "at 1s\n"
     "policy p gone\n"
     "pod a/0 ok\n"
     "at 7s\n"
     "why a\n"
     "policy p\n"
     "at 8s\n",
     "0s start a/0 on n1\n"
     "0s start a/1 on n1\n"
     "7s a PENDING SchedulingPolicyMissing: 1 of 3 children (2) waits: SchedulingPolicy p does not exist: create it\n"
     "7s start a/2 on n1\n"},
    {"a job without a share is refused where there are shares, and only there",
     HOUSE
     "queue f envs=e\n"
     "policy p\n"
     "node n1 env=e cpu=8\n"
     "job a queue=q cpu=1\n"
     "job b queue=f cpu=1 share=x prio=9\n"
     "at 1s\n"
     "jobs\n",
     "0s start b on n1\n"
     "1s jobs\n"
     "  a FAILED InvalidSpec\n"
     "  b STARTING\n"},
    {"a head that does not fit keeps its turn",
     HOUSE
     "policy p\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=2 share=a\n"
     "job b queue=q cpu=3 share=b\n"
     "job c queue=q cpu=1 share=c\n"
     "at 1s\n"
     "pod a ok\n"
     "at 2s\n",
     "0s start a on n1\n"
     "1s start b on n1\n"
     "1s start c on n1\n"},
    {"memory counts with DOMINANT, in vCPUs that would be as great a part",
     HOUSE
     "policy p dominant\n"
     "node n1 env=e cpu=8 memory=8Gi\n"
     "job a queue=q cpu=1 memory=3Gi array=2 share=a\n"
     "job b queue=q cpu=1 memory=100Mi array=9 share=b\n"
     "at 1s\n",
     "0s start a/0 on n1\n"
     "0s start b/0 on n1\n"
     "0s start b/1 on n1\n"
     "0s start b/2 on n1\n"
     "0s start a/1 on n1\n"
     "0s start b/3 on n1\n"
     "0s start b/4 on n1\n"
     "0s start b/5 on n1\n"},
    {"a restart forgets nothing: the checkpoint, and pods that still run",
     HOUSE
     "policy p\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 array=9 share=a\n"
     "at 100s\n"
     "job b queue=q cpu=1 array=9 share=b\n"
     "pod a/0 ok\n"
     "at 125s\n"
     "shares\n"
     "restart\n"
     "pod a/1 ok\n"
     "at 126s\n"
     "restart\n"
     "pod b/0 ok\n"
     "at 127s\n"
     "pod b/1 ok\n"
     "at 200s\n"
     "shares\n",
     "0s start a/0 on n1\n"
     "0s start a/1 on n1\n"
     "100s start b/0 on n1\n"
     "125s shares\n"
     "  q at 120s active 2 a=165428,b=19150\n"
     "125s start a/2 on n1\n"
     "126s start b/1 on n1\n"
     "127s start b/2 on n1\n"
     "200s shares\n"
     "  q at 180s active 2 a=173262,b=67491\n"},
    {"a queue with jobs in line gets a policy, and loses it again",
     "environment e static\n"
     "queue q envs=e\n"
     "policy p\n"
     "node n1 env=e cpu=1\n"
     "job a queue=q cpu=1 share=a array=2\n"
     "job b queue=q cpu=1 share=a\n"
     "job c queue=q cpu=1 share=b\n"
     "job d queue=q cpu=1\n"
     "at 1s\n"
     "at 2s\n"
     "queue q policy=p\n"
     "pod a/0 ok\n"
     "at 3s\n"
     "queue q policy=\n"
     "pod d ok\n"
     "at 4s\n"
     "pod a/1 ok\n"
     "at 5s\n"
     "pod b ok\n"
     "at 6s\n",
     "0s start a/0 on n1\n"
     "2s start d on n1\n"
     "3s start a/1 on n1\n"
     "4s start b on n1\n"
     "5s start c on n1\n"},
    /* clang-format on */
};

TEST(shares)
{
    world_check(rows, ARRAY_LEN(rows), SHOW_PODS);
}

/* ------------------------------------------------ against the formulas, worked out each time */

enum { REF_SHARES = 7, REF_JOBS = 60, REF_PODS = 4000, REF_WINDOW_S = 640 };

struct ref_pod {
    int job, share;
    uint32_t index;
    int64_t rate, from_s, to_s; /* to_s -1: it runs */
};

/* Straight from the formulas: every pod there ever was, each time. */
struct formulas {
    struct usage_clock clock;
    struct ref_pod pods[REF_PODS];
    size_t pod_count;
    struct {
        int share, priority;
        int64_t cpu, created_s;
        uint32_t size, started, ended;
    } jobs[REF_JOBS];
    size_t job_count;
    int64_t busy_s[REF_SHARES];   /* when it last had a job; -1: never */
    size_t forgotten[REF_SHARES]; /* so many of the first pods are from before it was forgotten */
};

/* Those that begin with u have one allotment of weight 2, v has weight 0.5, others 1. */
static const char *const ref_names[REF_SHARES] = {"u1", "u2", "u3", "v", "w", "x", "y"};
static const int64_t ref_weights[REF_SHARES] = {20000, 20000, 20000, 5000, 10000, 10000, 10000};

static bool ref_active(const struct formulas *ref, int share, int64_t now_s)
{
    for (size_t i = 0; i < ref->job_count; i++) {
        if (ref->jobs[i].share == share && ref->jobs[i].ended < ref->jobs[i].size)
            return true;
    }
    return ref->busy_s[share] >= 0 && now_s < ref->busy_s[share] + REF_WINDOW_S;
}

static usage_sum ref_key(const struct formulas *ref, int share, int64_t now_s)
{
    usage_sum sum = 0;
    int64_t active = 0;
    bool counts = ref_active(ref, share, now_s);
    for (size_t i = ref->forgotten[share]; counts && i < ref->pod_count; i++) {
        const struct ref_pod *pod = &ref->pods[i];
        if (pod->share != share)
            continue;
        int64_t to_s = pod->to_s >= 0 ? pod->to_s : now_s;
        if (pod->to_s == pod->from_s)
            to_s++; /* a second at least */
        for (int64_t s = pod->from_s; s < to_s; s++)
            sum += usage_times(usage_weight(&ref->clock, s), pod->rate);
        if (pod->to_s < 0)
            sum += usage_times(usage_weight(&ref->clock, now_s), pod->rate * ref->clock.half_s);
    }
    for (int s = 0; s < REF_SHARES; s++)
        active += ref_names[s][0] == 'u' && ref_active(ref, s, now_s);
    bool prefix = ref_names[share][0] == 'u';
    return usage_times(sum, ref_weights[share] * (prefix && active > 1 ? active : 1));
}

/* Which share is next, and which of its jobs; -1: none waits. */
static int ref_next(const struct formulas *ref, int64_t now_s, int *ret_job)
{
    int best = -1;
    usage_sum best_key = 0;
    for (int share = 0; share < REF_SHARES; share++) {
        int first = -1;
        for (int i = 0; i < (int)ref->job_count; i++) {
            if (ref->jobs[i].share == share && ref->jobs[i].started < ref->jobs[i].size &&
                (first < 0 || ref->jobs[i].priority > ref->jobs[first].priority))
                first = i; /* they are declared in the order of age and name */
        }
        if (first < 0)
            continue;
        usage_sum key = ref_key(ref, share, now_s);
        if (best < 0 || key < best_key) {
            best = share;
            best_key = key;
            *ret_job = first;
        }
    }
    return best;
}

static void ref_start(struct formulas *ref, int64_t now_s, int job, uint32_t index)
{
    REQUIRE(ref->pod_count < REF_PODS);
    ref->pods[ref->pod_count++] = (struct ref_pod){.job = job,
                                                   .share = ref->jobs[job].share,
                                                   .index = index,
                                                   .rate = ref->jobs[job].cpu,
                                                   .from_s = now_s,
                                                   .to_s = -1};
    ref->jobs[job].started++;
}

/* Every start that the core has made since, in its order, is the one that the formulas ask for. */
static size_t follow(struct formulas *ref, const char *log, size_t from, unsigned seed)
{
    while (log[from] != '\0') {
        char *rest; /* "12s start j03/7 on n1" */
        int64_t at_s = strtoll(log + from, &rest, 10);
        REQUIRE(text_starts(rest, "s start j"));
        int job = (int)strtol(rest + strlen("s start j"), &rest, 10);
        REQUIRE(*rest == '/' && job >= 0 && job < (int)ref->job_count);
        uint32_t index = (uint32_t)strtoul(rest + 1, NULL, 10);
        int64_t now_s = WORLD_EPOCH_NS / NS_PER_S + at_s;
        int want = -1;
        int share = ref_next(ref, now_s, &want);
        AUTO_TEXT name = text_printf("seed %u at %lds: %s of share %s started", seed, at_s,
                                     log + from, share >= 0 ? ref_names[share] : "(none)");
        CHECK_INT(name, job, want);
        if (job != want)
            check_stop();
        ref_start(ref, now_s, job, index);
        from += strcspn(log + from, "\n") + 1;
    }
    return from;
}

static void submit(struct formulas *ref, struct str *script, struct check_random *random,
                   int64_t now_s)
{
    int share = (int)check_random_below(random, REF_SHARES);
    if (!ref_active(ref, share, now_s))
        ref->forgotten[share] = ref->pod_count;
    size_t n = ref->job_count++;
    ref->jobs[n].share = share;
    ref->jobs[n].priority = (int)check_random_below(random, 3);
    ref->jobs[n].cpu = 500 * (1 + (int64_t)check_random_below(random, 6));
    ref->jobs[n].created_s = now_s;
    ref->jobs[n].size = 1 + (uint32_t)check_random_below(random, 30);
    str_addf(script, "job j%02zu queue=q cpu=%ldm start=99999s array=%u share=%s prio=%d\n", n,
             ref->jobs[n].cpu, ref->jobs[n].size, ref_names[ref->jobs[n].share],
             ref->jobs[n].priority);
}

static void end_pods(struct formulas *ref, struct str *script, struct check_random *random,
                     int64_t now_s)
{
    for (size_t i = 0; i < ref->pod_count; i++) {
        struct ref_pod *pod = &ref->pods[i];
        if (pod->to_s >= 0 || check_random_below(random, 4) > 0)
            continue;
        pod->to_s = now_s;
        ref->busy_s[pod->share] = now_s;
        ref->jobs[pod->job].ended++;
        str_addf(script, "pod j%02d/%u ok\n", pod->job, pod->index);
    }
}

static void one_history(unsigned seed)
{
    struct check_random random = {seed};
    AUTO(world) world = world_new(SHOW_PODS);
    struct formulas *ref = mem_new(sizeof(*ref));
    size_t from = 0;
    int64_t at_s = 0, base_s = WORLD_EPOCH_NS / NS_PER_S;
    ref->clock = (struct usage_clock){REF_WINDOW_S / 4, 0};
    int64_t epoch = base_s / ref->clock.half_s - USAGE_EPOCHS_MAX / 2;
    ref->clock.base_s = epoch * ref->clock.half_s;
    for (int i = 0; i < REF_SHARES; i++)
        ref->busy_s[i] = -1;
    world_run(world, "environment e static\nqueue q envs=e policy=p\n"
                     "policy p decay=640s weights=u*:2,v:0.5\nnode n1 env=e cpu=20\nat 1s\n");
    at_s = 1;
    while (at_s < 7 * REF_WINDOW_S / 4) { /* then the unit changes, and sums are rounded */
        AUTO_STR script = STR_EMPTY;
        if (ref->job_count < REF_JOBS && check_random_below(&random, 3) == 0)
            submit(ref, &script, &random, base_s + at_s);
        end_pods(ref, &script, &random, base_s + at_s);
        if (check_random_below(&random, 8) == 0) /* an edit that is nobody's business here */
            str_addf(&script, "queue q priority=%d\n", (int)check_random_below(&random, 9));
        at_s += (int64_t)check_random_below(&random, 40) + 1;
        str_addf(&script, "at %lds\n", at_s);
        world_run(world, str_text(&script));
        from = follow(ref, world_log(world), from, seed);
    }
    CHECK_TRUE("something started", ref->pod_count > 20);
    free(ref);
}

TEST(formulas_worked_out_anew_each_time)
{
    for (unsigned seed = 1; seed <= 40; seed++)
        one_history(seed);
}
