/* SPDX-License-Identifier: Apache-2.0 */
/* recover_test.c - a core that is thrown away at any moment, and filled again from what the server
 * holds, comes to the same end */
#include "core/world.h"

#include "bulkhead/base/str.h"

#include <string.h>

static const struct world_row rows[] = {
    /* clang-format off */
    {"a restart changes nothing for what runs",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1\n"
     "job c queue=q cpu=1\n"
     "at 1s\n"
     "pod a running\n"
     "at 2s\n"
     "restart\n"
     "at 3s\n"
     "pod a ok\n"
     "at 4s\n"
     "jobs\n",
     "0s start a on n1 try 1 attempt 1\n"
     "0s start b on n1 try 1 attempt 1\n"
     "3s start c on n1 try 1 attempt 1\n"
     "4s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b STARTING\n"
     "  c STARTING\n"},
    {"attempts are counted once over a restart",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 retry=3\n"
     "at 1s\n"
     "pod a failed exit=1\n"
     "restart\n"
     "at 3s\n"
     "pod a failed exit=1\n"
     "at 4s\n"
     "restart\n"
     "at 5s\n"
     "pod a failed exit=1\n"
     "restart\n"
     "at 6s\n"
     "jobs\n"
     "pods\n",
     "0s start a on n1 try 1 attempt 1\n"
     "1s start a on n1 try 2 attempt 2\n"
     "3s start a on n1 try 3 attempt 3\n"
     "6s jobs\n"
     "  a FAILED ContainerFailed attempts=3\n"
     "6s pods\n"},
    {"what ended while nobody looked is counted",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1 array=3\n"
     "answer job-status a never\n"
     "at 1s\n"
     "pod a/0 ok\n"
     "pod a/1 failed exit=1\n"
     "at 2.5s\n"
     "restart\n"
     "at 4s\n"
     "pod a/2 ok\n"
     "at 5s\n"
     "jobs\n"
     "pods\n",
     "0s start a/0 on n1 try 1 attempt 1\n"
     "0s start a/1 on n1 try 1 attempt 1\n"
     "0s start a/2 on n1 try 1 attempt 1\n"
     "5s jobs\n"
     "  a FAILED ArrayChildFailed 2 SUCCEEDED 1 FAILED\n"
     "5s pods\n"},
    {"tries are taken in their order",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "node n2 env=e cpu=4\n"
     "job a queue=q cpu=1 retry=2\n"
     "answer job-status a never\n"
     "at 1s\n"
     "pod a refused OutOfcpu\n"
     "at 2s\n"
     "pod a failed exit=1\n"
     "at 3.5s\n"
     "pods\n"
     "restart\n"
     "jobs\n"
     "pods\n"
     "at 5s\n"
     "pod a ok\n"
     "at 6s\n"
     "jobs\n",
     "0s start a on n1 try 1 attempt 1\n"
     "1s start a on n2 try 2 attempt 1\n"
     "2s start a on n1 try 3 attempt 2\n"
     "3.5s pods\n"
     "  a failed on n1\n"
     "  a failed on n2\n"
     "  a pending on n1\n"
     "3.5s jobs\n"
     "  a STARTING attempts=1\n"
     "3.5s pods\n"
     "  a failed on n1\n"
     "  a failed on n2\n"
     "  a pending on n1\n"
     "6s jobs\n"
     "  a SUCCEEDED Succeeded attempts=2 refusals=1\n"},
    {"what was lost is lost again, beside what has come in its place",
     "environment e kwok min=4 max=4 types=m:2:4Gi:1\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 array=3 most=1\n"
     "at 12s\n"
     "pod a/0 running\n"
     "at 20s\n"
     "node e-1 gone\n"
     "machine i1 gone\n"
     "at 25.5s\n"
     "pod a/1 running\n"
     "restart\n"
     "jobs\n"
     "at 28s\n"
     "jobs\n"
     "at 40s\n"
     "pod a/1 ok\n"
     "at 42s\n"
     "jobs\n"
     "at 90s\n"
     "jobs\n",
     "10s start a/0 on e-1 try 1 attempt 1\n"
     "25s ask for a/0\n"
     "25s start a/1 on e-2 try 1 attempt 1\n"
     "25.5s jobs\n"
     "  a 1 RUNNABLE 2 RUNNING\n"
     "28s jobs\n"
     "  a 1 RUNNABLE 2 RUNNING\n"
     "42s jobs\n"
     "  a 1 RUNNABLE 1 RUNNING 1 SUCCEEDED\n"
     "60s start a/2 on e-2 try 1 attempt 1\n"
     "90s jobs\n"
     "  a 1 STARTING 1 SUCCEEDED 1 FAILED\n"},
    {"a leftover of a try that is recorded already is removed",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1 retry=2\n"
     "answer release a never\n"
     "at 1s\n"
     "pod a failed exit=1\n"
     "at 3s\n"
     "pods\n"
     "restart\n"
     "at 4s\n"
     "pods\n",
     "0s start a on n1 try 1 attempt 1\n"
     "1s start a on n1 try 2 attempt 2\n"
     "3s pods\n"
     "  a failed on n1\n"
     "  a pending on n1\n"
     "4s pods\n"
     "  a pending on n1\n"},
    {"somebody's pod has its name for a moment, while the create has no answer",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1\n"
     "answer create a late\n"
     "at 1s\n"
     "pod a-00000001-0-1 node=n1 cpu=1\n"
     "at 2s\n"
     "pod a-00000001-0-1 gone\n"
     "at 3s\n"
     "arrives\n"
     "at 4s\n"
     "pod a running\n"
     "at 5s\n"
     "pods\n"
     "jobs\n",
     "0s start a on n1 try 1 attempt 1\n"
     "5s pods\n"
     "  a running on n1\n"
     "5s jobs\n"
     "  a RUNNING\n"},
    {"and for good: the next try has another name",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1\n"
     "answer create a unknown\n"
     "at 1s\n"
     "pod a-00000001-0-1 node=n1 cpu=1\n"
     "at 20s\n"
     "pods\n",
     "0s start a on n1 try 1 attempt 1\n"
     "6s ask for a-00000001-0-1\n"
     "6s start a on n1 try 2 attempt 1\n"
     "20s pods\n"
     "  a-00000001-0-1 running on n1\n"
     "  a pending on n1\n"},
    {"a create of a dead process arrives when its try is on record: the pod goes at once",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1\n"
     "answer create a late\n"
     "at 1s\n"
     "restart\n"
     "at 2s\n"
     "pod a ok\n"
     "at 3s\n"
     "arrives\n"
     "at 3.1s\n"
     "pods\n"
     "jobs\n",
     "0s start a on n1 try 1 attempt 1\n"
     "1s start a on n1 try 1 attempt 1\n"
     "3s stop a\n"
     "3.1s pods\n"
     "3.1s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"},
    {"a pod whose job was deleted meanwhile is stopped and removed",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "pod a running\n"
     "at 2s\n"
     "job a gone\n"
     "restart\n"
     "at 9s\n"
     "pods\n",
     "0s start a on n1 try 1 attempt 1\n"
     "7s stop a\n"
     "9s pods\n"},
    {"a create whose answer is lost: it happened, and is adopted",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "answer create a lost timed~out\n"
     "job a queue=q cpu=1\n"
     "at 3s\n"
     "jobs\n"
     "pods\n",
     "0s start a on n1 try 1 attempt 1\n"
     "3s jobs\n"
     "  a STARTING\n"
     "3s pods\n"
     "  a pending on n1\n"},
    {"a create that may have happened is asked for, and made when it has not",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "answer create a unknown timed~out\n"
     "answer get a-00000001-0-1 again unavailable\n"
     "job a queue=q cpu=1\n"
     "at 10s\n"
     "jobs\n",
     "0s start a on n1 try 1 attempt 1\n"
     "6s ask for a-00000001-0-1\n"
     "7s ask for a-00000001-0-1\n"
     "7s start a on n1 try 1 attempt 1\n"
     "10s jobs\n"
     "  a STARTING\n"},
    {"a name that is taken by somebody else's pod: the next try has another",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1\n"
     "pod a-00000001-0-1 node=n1 cpu=1\n"
     "at 3s\n"
     "jobs\n"
     "pods\n",
     "0s start a on n1 try 2 attempt 1\n"
     "3s jobs\n"
     "  a STARTING refusals=1\n"
     "3s pods\n"
     "  a-00000001-0-1 running on n1\n"
     "  a pending on n1\n"},
    {"a name that was taken unseen: exists, asked for, next try",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "answer create a exists\n"
     "job a queue=q cpu=1\n"
     "at 3s\n"
     "jobs\n",
     "0s start a on n1 try 1 attempt 1\n"
     "0s ask for a-00000001-0-1\n"
     "0s start a on n1 try 1 attempt 1\n"
     "3s jobs\n"
     "  a STARTING\n"},
    {"N_TO_N dependants go on where the other's child succeeded",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=3\n"
     "job a queue=q cpu=1 array=3\n"
     "job b queue=q cpu=3 array=3 after=a:N_TO_N\n"
     "at 1s\n"
     "pod a/0 failed exit=1\n"
     "pod a/1 ok\n"
     "pod a/2 ok\n"
     "at 3s\n"
     "jobs\n"
     "restart\n"
     "at 4s\n"
     "jobs\n"
     "pod b/1 ok\n"
     "at 5s\n"
     "restart\n"
     "pod b/2 ok\n"
     "at 6s\n"
     "jobs\n",
     "0s start a/0 on n1 try 1 attempt 1\n"
     "0s start a/1 on n1 try 1 attempt 1\n"
     "0s start a/2 on n1 try 1 attempt 1\n"
     "1s start b/1 on n1 try 1 attempt 1\n"
     "3s jobs\n"
     "  a FAILED ArrayChildFailed 2 SUCCEEDED 1 FAILED\n"
     "  b 1 RUNNABLE 1 STARTING 1 FAILED\n"
     "4s jobs\n"
     "  a FAILED ArrayChildFailed 2 SUCCEEDED 1 FAILED\n"
     "  b 1 RUNNABLE 1 STARTING 1 FAILED\n"
     "4s start b/2 on n1 try 1 attempt 1\n"
     "6s jobs\n"
     "  a FAILED ArrayChildFailed 2 SUCCEEDED 1 FAILED\n"
     "  b FAILED ArrayChildFailed 2 SUCCEEDED 1 FAILED\n"},
    {"a request to cancel is remembered",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=1\n"
     "job a queue=q cpu=1 retry=5\n"
     "at 1s\n"
     "pod a running\n"
     "at 2s\n"
     "job a cancel enough\n"
     "restart\n"
     "at 3s\n"
     "pod a failed exit=1\n"
     "at 4s\n"
     "why a\n",
     "0s start a on n1 try 1 attempt 1\n"
     "4s a FAILED ContainerFailed: Essential container in task exited\n"},
    {"a dependency that was deleted while nobody looked",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=1\n"
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1 after=a\n"
     "at 3s\n"
     "restart\n"
     "job a gone\n"
     "at 4s\n"
     "why b\n",
     "0s start a on n1 try 1 attempt 1\n"
     "3s stop a\n"
     "4s b FAILED DependencyFailed: Dependent Job failed: a was deleted before it ended\n"},
    {"machines that were bought are found again",
     "environment e kwok max=4 types=m:1:2Gi:1 delay=20s\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 array=2 runs=20s\n"
     "at 5s\n"
     "restart\n"
     "at 15s\n"
     "restart\n"
     "at 100s\n"
     "jobs\n",
     "10s start a/0 on e-1 try 1 attempt 1\n"
     "10s start a/1 on e-2 try 1 attempt 1\n"
     "100s jobs\n"
     "  a SUCCEEDED Succeeded 2 SUCCEEDED\n"},
    {"the state of an array is read back",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 array=200\n"
     "at 1s\n"
     "pod a/0 ok\n"
     "pod a/1 failed exit=1\n"
     "at 3s\n"
     "jobs\n"
     "restart\n"
     "jobs\n",
     "0s start a/0 on n1 try 1 attempt 1\n"
     "0s start a/1 on n1 try 1 attempt 1\n"
     "1s start a/2 on n1 try 1 attempt 1\n"
     "1s start a/3 on n1 try 1 attempt 1\n"
     "3s jobs\n"
     "  a 196 RUNNABLE 2 STARTING 1 SUCCEEDED 1 FAILED\n"
     "3s jobs\n"
     "  a 196 RUNNABLE 2 STARTING 1 SUCCEEDED 1 FAILED\n"},
    /* clang-format on */
};

TEST(recover)
{
    world_check(rows, ARRAY_LEN(rows), SHOW_PODS | SHOW_ATTEMPTS);
}

/* ---------------------------------------------------------------- at any moment */

#define STATIC "environment e static\nqueue q envs=e\nnode n1 env=e cpu=2\nnode n2 env=e cpu=1\n"

static const struct {
    const char *name, *given;
} stories[] = {
    /* clang-format off */
    {"jobs, retries and failures",
     STATIC
     "job a queue=q cpu=1 retry=2\n"
     "job b queue=q cpu=1\n"
     "job c queue=q cpu=2 runs=10s\n"
     "at 1s\n"
     "pod a running\n"
     "at 3s\n"
     "pod a failed exit=1\n"
     "pod b failed exit=2\n"
     "at 6s\n"
     "pod a ok\n"},
    {"children that are stopped by index, and few at a time",
     STATIC
     "job a queue=q cpu=1 array=6 most=2 retry=2\n"
     "at 1s\n"
     "pod a/0 running\n"
     "at 2s\n"
     "job a terminate 0,3:bad input\n"
     "at 3s\n"
     "job a cancel 5:not needed\n"
     "pod a/1 ok\n"
     "at 6s\n"
     "pod a/2 failed exit=1\n"
     "at 9s\n"
     "pod a/2 ok\n"
     "pod a/4 ok\n"
     "at 12s\n"},
    {"an array with refusals",
     STATIC
     "job a queue=q cpu=1 array=5 retry=2\n"
     "at 1s\n"
     "pod a/0 refused OutOfcpu\n"
     "pod a/1 failed exit=1\n"
     "at 6s\n"
     "pod a/0 ok\n"
     "pod a/1 failed exit=1\n"
     "pod a/2 ok\n"
     "at 9s\n"
     "pod a/3 ok\n"
     "pod a/4 running\n"},
    {"dependencies",
     STATIC
     "job a queue=q cpu=1 array=3 runs=5s\n"
     "job b queue=q cpu=1 array=3 after=a:N_TO_N runs=5s\n"
     "job c queue=q cpu=1 array=3 after=SEQUENTIAL,b runs=5s\n"
     "job d queue=q cpu=1 after=c runs=5s\n"},
    {"a dependency that fails in part",
     "environment e static\nqueue q envs=e\nnode n1 env=e cpu=3\n"
     "job a queue=q cpu=1 array=3\n"
     "job b queue=q cpu=3 array=3 after=a:N_TO_N runs=5s\n"
     "job c queue=q cpu=1 after=b\n"
     "at 1s\n"
     "pod a/0 ok\n"
     "pod a/1 failed exit=1\n"
     "pod a/2 ok\n"},
    {"cancel, terminate, delete",
     STATIC
     "job a queue=q cpu=1 array=4\n"
     "job b queue=q cpu=1\n"
     "job c queue=q cpu=1\n"
     "at 2s\n"
     "pod a/0 running\n"
     "pod a/1 running\n"
     "pod a/2 running\n"
     "at 4s\n"
     "job a terminate enough\n"
     "job c cancel not needed\n"
     "at 6s\n"
     "job b gone\n"},
    {"timeouts",
     STATIC
     "job a queue=q cpu=1 timeout=5s\n"
     "job b queue=q cpu=1 timeout=5s runs=3s\n"
     "at 2s\n"
     "pod a running\n"},
    {"machines come and go",
     "environment e kwok max=6 types=small:1:2Gi:1,large:4:8Gi:3 delay=15s\nqueue q envs=e\n"
     "job a queue=q cpu=1 array=5 runs=10s\n"
     "job b queue=q cpu=4 runs=10s\n"},
    {"a machine that dies",
     "environment e kwok max=2 types=m:2:4Gi:1 delay=15s\nqueue q envs=e\n"
     "job a queue=q cpu=1 retry=2 runs=20s\n"
     "at 20s\n"
     "node e-1 gone\n"
     "machine i1 gone\n"},
    {"consumable resources, given back and used up",
     STATIC
     "consumable lic total=2\n"
     "consumable dose total=20 spent\n"
     "job a queue=q cpu=500m array=4 takes=lic:1,dose:2 runs=5s\n"
     "job b queue=q cpu=500m takes=lic:2 runs=3s\n"
     "job c queue=q cpu=500m takes=dose:3 retry=2\n"
     "at 20s\n"
     "pod c failed exit=1\n"
     "at 30s\n"
     "pod c ok\n"},
    {"children that use what their own ones left",
     STATIC
     "job a queue=q cpu=1 array=3\n"
     "job b queue=q cpu=1 array=3 retry=2 after=a:N_TO_N arg=Ref::jobs.a.n\n"
     "at 2s\n"
     "pod a/0 ok result={\"n\":0}\n"
     "pod a/1 ok result={\"m\":1}\n"
     "at 10s\n"
     "pod a/2 ok result={\"n\":2}\n"
     "at 20s\n"
     "pod b/0 failed exit=1\n"
     "at 30s\n"
     "job a gone\n"
     "pod b/0 ok\n"
     "pod b/2 ok\n"},
    {"a template that is refused",
     STATIC
     "answer always create a refused no such field\n"
     "answer always check a refused no such field\n"
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1 after=a\n"},
    /* clang-format on */
};

/* How everything stands in the end, once what was cut short is over. */
static const char *the_end(struct world *world, const char *given)
{
    world_run(world, given);
    world_run(world, "at 400s\njobs\npods\nconsumables");
    return strstr(world_log(world), "400s jobs");
}

static void check_breaches(const char *name, const struct world *world)
{
    static const char *const breaches[] = {"KILLED",         "TWICE",    "BEYOND",
                                           "OVERCOMMITTED",  "BROKEN",   "RESTLESS",
                                           "NOT UNDERSTOOD", "OVERSOLD", "UNCONSUMED"};
    for (size_t i = 0; i < ARRAY_LEN(breaches); i++)
        CHECK_TRUE(name, strstr(world_log(world), breaches[i]) == NULL);
}

static void check_cuts(const char *name, const char *given, const char *want, size_t plans)
{
    static const char *const cuts[] = {"", "before its actions", "half way", "before its answers"};
    for (size_t plan = 1; plan <= plans; plan++) {
        for (enum world_cut cut = CUT_BEFORE_ACTIONS; cut <= CUT_BEFORE_ANSWERS; cut++) {
            AUTO(world) world = world_new(0);
            AUTO_TEXT row = text_printf("%s, cut at plan %zu %s", name, plan, cuts[cut]);
            world_restart_at(world, plan, cut);
            CHECK_TEXT(row, the_end(world, given), want);
            check_breaches(row, world);
        }
    }
}

TEST(cut_at_any_moment)
{
    for (size_t i = 0; i < ARRAY_LEN(stories); i++) {
        AUTO(world) world = world_new(0);
        const char *want = the_end(world, stories[i].given);
        check_breaches(stories[i].name, world);
        CHECK_TRUE(stories[i].name, world_plan_count(world) > 3);
        check_cuts(stories[i].name, stories[i].given, want, world_plan_count(world));
    }
}
