/* SPDX-License-Identifier: Apache-2.0 */
/* reclaim_test.c - a share gets its due back: who is stopped for it, and what becomes of him */
#include "core/world_parts.h"

#include <stdlib.h>
#include <string.h>

#define HOUSE(policy)                                                                              \
    "environment e static\n"                                                                       \
    "queue q envs=e policy=p\n"                                                                    \
    "policy p " policy "\n"
#define LENT HOUSE("reclaim") "node n1 env=e cpu=4\n"

static const struct world_row rows[] = {
    /* clang-format off */
    {"half of what was borrowed goes back, the youngest first",
     LENT
     "job a queue=q cpu=1 array=4 share=x preemptible runs=99999s\n"
     "at 100s\n"
     "job b queue=q cpu=1 array=9 share=y runs=99999s\n"
     "at 200s\n",
     "0s start a/0 on n1 try 1 attempt 1\n"
     "0s start a/1 on n1 try 1 attempt 1\n"
     "0s start a/2 on n1 try 1 attempt 1\n"
     "0s start a/3 on n1 try 1 attempt 1\n"
     "110s mark a/0: gives way to y\n"
     "110s mark a/1: gives way to y\n"
     "110s stop a/0\n"
     "110s stop a/1\n"
     "110s start b/0 on n1 try 1 attempt 1\n"
     "110s start b/1 on n1 try 1 attempt 1\n"},
    {"nobody is stopped who did not say that he may be",
     LENT
     "job a queue=q cpu=1 array=4 share=x runs=99999s\n"
     "at 100s\n"
     "job b queue=q cpu=1 array=9 share=y runs=99999s\n"
     "at 200s\n",
     "0s start a/0 on n1 try 1 attempt 1\n"
     "0s start a/1 on n1 try 1 attempt 1\n"
     "0s start a/2 on n1 try 1 attempt 1\n"
     "0s start a/3 on n1 try 1 attempt 1\n"},
    {"nobody is stopped where the policy says Never",
     HOUSE("")
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1 array=4 share=x preemptible runs=99999s\n"
     "at 100s\n"
     "job b queue=q cpu=1 array=9 share=y runs=99999s\n"
     "at 200s\n",
     "0s start a/0 on n1 try 1 attempt 1\n"
     "0s start a/1 on n1 try 1 attempt 1\n"
     "0s start a/2 on n1 try 1 attempt 1\n"
     "0s start a/3 on n1 try 1 attempt 1\n"},
    {"what ends by itself within ten seconds is used first",
     LENT
     "job a queue=q cpu=1 array=4 share=x preemptible runs=105s\n"
     "at 100s\n"
     "job b queue=q cpu=1 array=2 share=y runs=10s\n"
     "at 200s\n",
     "0s start a/0 on n1 try 1 attempt 1\n"
     "0s start a/1 on n1 try 1 attempt 1\n"
     "0s start a/2 on n1 try 1 attempt 1\n"
     "0s start a/3 on n1 try 1 attempt 1\n"
     "105s start b/0 on n1 try 1 attempt 1\n"
     "105s start b/1 on n1 try 1 attempt 1\n"},
    {"the cheapest to lose go, and none that is not needed",
     LENT
     "job old queue=q cpu=1 share=x preemptible runs=99999s\n"
     "at 50s\n"
     "job new queue=q cpu=1 share=x preemptible runs=99999s\n"
     "job wide queue=q cpu=2 share=x preemptible runs=99999s\n"
     "at 100s\n"
     "job b queue=q cpu=2 share=y runs=99999s\n"
     "at 200s\n",
     "0s start old on n1 try 1 attempt 1\n"
     "50s start new on n1 try 1 attempt 1\n"
     "50s start wide on n1 try 1 attempt 1\n"
     "110s mark new: gives way to y\n"
     "110s mark old: gives way to y\n"
     "110s stop new\n"
     "110s stop old\n"
     "110s start b on n1 try 1 attempt 1\n"},
    {"weights: who is due less gets less back",
     HOUSE("reclaim weights=x:1,y:3")
     "node n1 env=e cpu=8\n"
     "job a queue=q cpu=1 array=8 share=x preemptible runs=99999s\n"
     "at 100s\n"
     "job b queue=q cpu=1 array=9 share=y runs=99999s\n"
     "at 200s\n",
     "0s start a/0 on n1 try 1 attempt 1\n"
     "0s start a/1 on n1 try 1 attempt 1\n"
     "0s start a/2 on n1 try 1 attempt 1\n"
     "0s start a/3 on n1 try 1 attempt 1\n"
     "0s start a/4 on n1 try 1 attempt 1\n"
     "0s start a/5 on n1 try 1 attempt 1\n"
     "0s start a/6 on n1 try 1 attempt 1\n"
     "0s start a/7 on n1 try 1 attempt 1\n"
     "110s mark a/0: gives way to y\n"
     "110s mark a/1: gives way to y\n"
     "110s stop a/0\n"
     "110s stop a/1\n"
     "110s start b/0 on n1 try 1 attempt 1\n"
     "110s start b/1 on n1 try 1 attempt 1\n"},
    {"a share that has its due takes nothing more",
     HOUSE("reclaim")
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 share=x preemptible runs=99999s\n"
     "job b queue=q cpu=1 array=5 share=y preemptible runs=99999s\n"
     "at 1000s\n",
     "0s start a on n1 try 1 attempt 1\n"
     "0s start b/0 on n1 try 1 attempt 1\n"},
    {"on one machine, not a bit of each",
     HOUSE("reclaim")
     "node n1 env=e cpu=2\n"
     "node n2 env=e cpu=2\n"
     "job a queue=q cpu=1 array=4 share=x preemptible runs=99999s\n"
     "at 100s\n"
     "job b queue=q cpu=2 share=y runs=99999s\n"
     "at 200s\n",
     "0s start a/0 on n1 try 1 attempt 1\n"
     "0s start a/1 on n1 try 1 attempt 1\n"
     "0s start a/2 on n2 try 1 attempt 1\n"
     "0s start a/3 on n2 try 1 attempt 1\n"
     "110s mark a/0: gives way to y\n"
     "110s mark a/1: gives way to y\n"
     "110s stop a/0\n"
     "110s stop a/1\n"
     "110s start b on n1 try 1 attempt 1\n"},
    {"a mark that does not come through is tried again, with whoever is the cheapest then",
     LENT
     "job a queue=q cpu=1 array=4 share=x preemptible runs=99999s\n"
     "answer mark a/0 conflict\n"
     "answer mark a/0 conflict\n"
     "at 100s\n"
     "job b queue=q cpu=1 share=y runs=99999s\n"
     "at 200s\n",
     "0s start a/0 on n1 try 1 attempt 1\n"
     "0s start a/1 on n1 try 1 attempt 1\n"
     "0s start a/2 on n1 try 1 attempt 1\n"
     "0s start a/3 on n1 try 1 attempt 1\n"
     "110s mark a/0: gives way to y\n"
     "115s mark a/0: gives way to y\n"
     "120s mark a/0: gives way to y\n"
     "120s stop a/0\n"
     "120s start b on n1 try 1 attempt 1\n"},
    {"a mark whose answer is lost is found again",
     LENT
     "job a queue=q cpu=1 array=4 share=x preemptible runs=99999s\n"
     "answer mark a/0 lost\n"
     "at 100s\n"
     "job b queue=q cpu=1 share=y runs=99999s\n"
     "at 200s\n",
     "0s start a/0 on n1 try 1 attempt 1\n"
     "0s start a/1 on n1 try 1 attempt 1\n"
     "0s start a/2 on n1 try 1 attempt 1\n"
     "0s start a/3 on n1 try 1 attempt 1\n"
     "110s mark a/0: gives way to y\n"
     "110s stop a/0\n"
     "110s start b on n1 try 1 attempt 1\n"},
    {"it starts again later, with the attempt that it had",
     LENT
     "job a queue=q cpu=1 array=4 share=x preemptible runs=500s\n"
     "at 100s\n"
     "job b queue=q cpu=1 share=y runs=50s\n"
     "at 2000s\n"
     "tries a\n"
     "jobs\n",
     "0s start a/0 on n1 try 1 attempt 1\n"
     "0s start a/1 on n1 try 1 attempt 1\n"
     "0s start a/2 on n1 try 1 attempt 1\n"
     "0s start a/3 on n1 try 1 attempt 1\n"
     "110s mark a/0: gives way to y\n"
     "110s stop a/0\n"
     "110s start b on n1 try 1 attempt 1\n"
     "160s start a/0 on n1 try 2 attempt 1\n"
     "2000s tries of a\n"
     "  0.1 on n1: Preempted: stopped so that share y gets its due, main 143\n"
     "2000s jobs\n"
     "  a SUCCEEDED Succeeded 4 SUCCEEDED\n"
     "  b SUCCEEDED Succeeded attempts=1\n"},
    {"a child that was stopped five times is left alone",
     HOUSE("reclaim decay=40s")
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 share=x preemptible runs=99999s\n"
     "job n queue=q cpu=1 share=x runs=99999s\n"
     "at 100s\n"
     "job b1 queue=q cpu=1 share=y runs=60s\n"
     "at 300s\n"
     "job b2 queue=q cpu=1 share=y runs=60s\n"
     "at 500s\n"
     "job b3 queue=q cpu=1 share=y runs=60s\n"
     "at 700s\n"
     "job b4 queue=q cpu=1 share=y runs=60s\n"
     "at 900s\n"
     "job b5 queue=q cpu=1 share=y runs=60s\n"
     "at 1100s\n"
     "job b6 queue=q cpu=1 share=y runs=60s\n"
     "at 1300s\n"
     "job b7 queue=q cpu=1 share=y runs=60s\n"
     "at 1500s\n",
     "0s start a on n1 try 1 attempt 1\n"
     "0s start n on n1 try 1 attempt 1\n"
     "110s mark a: gives way to y\n"
     "110s stop a\n"
     "110s start b1 on n1 try 1 attempt 1\n"
     "170s start a on n1 try 2 attempt 1\n"
     "310s mark a: gives way to y\n"
     "310s stop a try 2\n"
     "310s start b2 on n1 try 1 attempt 1\n"
     "370s start a on n1 try 3 attempt 1\n"
     "510s mark a: gives way to y\n"
     "510s stop a try 3\n"
     "510s start b3 on n1 try 1 attempt 1\n"
     "570s start a on n1 try 4 attempt 1\n"
     "710s mark a: gives way to y\n"
     "710s stop a try 4\n"
     "710s start b4 on n1 try 1 attempt 1\n"
     "770s start a on n1 try 5 attempt 1\n"
     "910s mark a: gives way to y\n"
     "910s stop a try 5\n"
     "910s start b5 on n1 try 1 attempt 1\n"
     "970s start a on n1 try 6 attempt 1\n"},
    {"machines that come make room as well",
     "environment e types=small:4:16Gi max=8\n"
     "queue q envs=e policy=p\n"
     "policy p reclaim\n"
     "job a queue=q cpu=1 array=4 share=x preemptible runs=99999s\n"
     "at 100s\n"
     "job b queue=q cpu=1 share=y runs=99999s\n"
     "at 300s\n",
     "10s start a/0 on e-1 try 1 attempt 1\n"
     "10s start a/1 on e-1 try 1 attempt 1\n"
     "10s start a/2 on e-1 try 1 attempt 1\n"
     "10s start a/3 on e-1 try 1 attempt 1\n"
     "110s start b on e-2 try 1 attempt 1\n"},
    /* clang-format on */
};

static int marks_in(const char *log)
{
    int marks = 0;
    for (const char *at = log; (at = strstr(at, " mark ")) != NULL; at++)
        marks++;
    return marks;
}

static struct world *killed_at(size_t plan, enum world_cut cut)
{
    static const char script[] = LENT "job a queue=q cpu=1 array=4 share=x preemptible runs=500s\n"
                                      "at 100s\n"
                                      "job b queue=q cpu=1 array=4 share=y runs=200s\n"
                                      "at 2000s\n"
                                      "jobs\n";
    struct world *world = world_new(SHOW_PODS);
    if (cut != CUT_NONE)
        world_restart_at(world, plan, cut);
    world_run(world, script);
    return world;
}

/* Whenever the process dies, whoever was stopped goes on with the attempt that he had (there is
 * only one), and no more are stopped; a mark may be sent again. */
TEST(reclaim_over_restarts)
{
    AUTO(world) undisturbed = killed_at(0, CUT_NONE);
    const int marks = marks_in(world_log(undisturbed));
    CHECK_INT("stopped", marks, 2);
    for (size_t plan = 1; plan <= world_plan_count(undisturbed); plan++) {
        for (enum world_cut cut = CUT_BEFORE_ACTIONS; cut <= CUT_BEFORE_ANSWERS; cut++) {
            AUTO(world) world = killed_at(plan, cut);
            AUTO_TEXT name = text_printf("killed at plan %zu, cut %d: %d marks", plan, (int)cut,
                                         marks_in(world_log(world)));
            CHECK_TRUE(name, marks_in(world_log(world)) >= marks &&
                                 marks_in(world_log(world)) <= 2 * marks);
            CHECK_HAS(name, world_log(world),
                      "  a SUCCEEDED Succeeded 4 SUCCEEDED\n"
                      "  b SUCCEEDED Succeeded 4 SUCCEEDED\n");
        }
    }
}

TEST(reclaim)
{
    world_check(rows, ARRAY_LEN(rows), SHOW_PODS | SHOW_ATTEMPTS);
}

/* ------------------------------------------------- what must hold of everybody who is stopped */

enum { HISTORY_JOBS = 40, HISTORY_SHARES = 3, HISTORY_CPUS = 12, CHILDREN_MAX = 8 };
static const int weights[HISTORY_SHARES] = {4, 2, 1};

struct history {
    struct check_random random;
    struct {
        int share, size, ended, stops[CHILDREN_MAX];
        bool preemptible, runs[CHILDREN_MAX], marked[CHILDREN_MAX];
    } jobs[HISTORY_JOBS];
    int job_count, stops;
    size_t from; /* in the log */
};

static int runs_of(const struct history *history, int share, bool but_marked)
{
    int count = 0;
    for (int j = 0; j < history->job_count; j++) {
        for (int c = 0; history->jobs[j].share == share && c < history->jobs[j].size; c++)
            count += history->jobs[j].runs[c] && !(but_marked && history->jobs[j].marked[c]);
    }
    return count;
}

static bool has_work(const struct history *history, int share)
{
    for (int j = 0; j < history->job_count; j++) {
        if (history->jobs[j].share == share && history->jobs[j].ended < history->jobs[j].size)
            return true;
    }
    return false;
}

/* In thousandths: its part of all that runs, by 1 / weight. */
static int due_thousandths(const struct history *history, int share)
{
    int all = 0, inverses = 0;
    for (int s = 0; s < HISTORY_SHARES; s++) {
        all += runs_of(history, s, false);
        inverses += has_work(history, s) ? 4 / weights[s] : 0;
    }
    return inverses > 0 ? all * 1000 * (4 / weights[share]) / inverses : 0;
}

static void check_mark(struct history *history, int j, int c, int winner)
{
    int loser = history->jobs[j].share;
    history->jobs[j].marked[c] = true;
    history->stops++;
    CHECK_TRUE("only who said so", history->jobs[j].preemptible);
    CHECK_TRUE("at most five times", ++history->jobs[j].stops[c] <= 5);
    CHECK_TRUE("nobody is left with less than his due",
               runs_of(history, loser, true) * 1000 >= due_thousandths(history, loser));
    CHECK_TRUE("who gains has no more than his due",
               (runs_of(history, winner, false) + 1) * 1000 <= due_thousandths(history, winner));
}

/* "110s mark j03/4: gives way to b" */
static void read_line(struct history *history, const char *line)
{
    const char *verb = strchr(line, ' ') + 1, *name = strchr(verb, ' ') + 2;
    char *rest;
    long j = strtol(name, &rest, 10), c = strtol(rest + 1, &rest, 10);
    if (strncmp(verb, "start ", 6) == 0) {
        history->jobs[j].runs[c] = true;
    } else if (strncmp(verb, "mark ", 5) == 0) {
        check_mark(history, (int)j, (int)c, rest[strlen(": gives way to ")] - 'a');
    } else if (strncmp(verb, "stop ", 5) == 0) {
        CHECK_TRUE("nobody is stopped unmarked", history->jobs[j].marked[c]);
        history->jobs[j].runs[c] = history->jobs[j].marked[c] = false;
    }
}

static void step(struct history *history, struct world *world, int64_t at_s)
{
    AUTO_STR script = STR_EMPTY;
    if (history->job_count < HISTORY_JOBS && check_random_below(&history->random, 3) == 0) {
        int j = history->job_count++;
        history->jobs[j].share = (int)check_random_below(&history->random, HISTORY_SHARES);
        history->jobs[j].size = 1 + (int)check_random_below(&history->random, CHILDREN_MAX);
        history->jobs[j].preemptible = check_random_below(&history->random, 4) > 0;
        str_addf(&script, "job j%02d queue=q cpu=1 array=%d share=%c runs=99999s start=99999s%s\n",
                 j, history->jobs[j].size, 'a' + history->jobs[j].share,
                 history->jobs[j].preemptible ? " preemptible" : "");
    }
    for (int j = 0; j < history->job_count; j++) {
        for (int c = 0; c < history->jobs[j].size; c++) {
            if (!history->jobs[j].runs[c] || check_random_below(&history->random, 40) > 0)
                continue;
            history->jobs[j].runs[c] = false;
            history->jobs[j].ended++;
            str_addf(&script, "pod j%02d/%d ok\n", j, c);
        }
    }
    str_addf(&script, "at %ds\n", (int)at_s);
    world_run(world, str_text(&script));
    const char *log = world_log(world);
    while (log[history->from] != '\0') {
        read_line(history, log + history->from);
        history->from = (size_t)(strchrnul(log + history->from, '\n') - log);
        history->from += log[history->from] == '\n';
    }
}

TEST(whoever_is_stopped)
{
    int stops = 0;
    for (unsigned seed = 1; seed <= 30; seed++) {
        struct history *history = mem_new(sizeof(*history));
        AUTO(world) world = world_new(SHOW_PODS);
        history->random = (struct check_random){seed};
        world_run(world,
                  HOUSE("reclaim decay=600s weights=a:4,b:2,c:1") "node n1 env=e cpu=12\nat 1s\n");
        for (int64_t at_s = 1; at_s < 2000;) {
            at_s += 1 + (int64_t)check_random_below(&history->random, 30);
            step(history, world, at_s);
        }
        stops += history->stops;
        free(history);
    }
    AUTO_TEXT name = text_printf("%d were stopped", stops);
    CHECK_TRUE(name, stops > 100);
}
