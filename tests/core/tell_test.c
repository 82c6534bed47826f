/* SPDX-License-Identifier: Apache-2.0 */
/* tell_test.c - what the event sink is told: in order, at least once, and never in anybody's way */
#include "core/world.h"

static const struct world_row rows[] = {
    /* clang-format off */
    {"a job's states, one at a time",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "pod a running\n"
     "at 3s\n"
     "pod a ok\n"
     "at 4s\n",
     "0s sink a 1.RUNNABLE\n"
     "0s sink a 1.STARTING\n"
     "1s sink a 1.RUNNING\n"
     "3s sink a 1.SUCCEEDED: Essential container in task exited\n"
     "3s delivered a 1.SUCCEEDED\n"},
    {"a retry is told with why, and a pod that never started uses no attempt",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "node n2 env=e cpu=2\n"
     "job a queue=q cpu=1 retry=2\n"
     "at 1s\n"
     "pod a failed exit=3\n"
     "at 2s\n"
     "pod a refused OutOfcpu\n"
     "at 3s\n"
     "pod a failed exit=4\n"
     "at 4s\n",
     "0s sink a 1.RUNNABLE\n"
     "0s sink a 1.STARTING\n"
     "1s sink a 1.RUNNING\n"
     "1s sink a 2.RUNNABLE: Essential container in task exited\n"
     "1s sink a 2.STARTING\n"
     "2s sink a 3.RUNNABLE: OutOfcpu\n"
     "2s sink a 3.STARTING\n"
     "3s sink a 3.RUNNING\n"
     "3s sink a 3.FAILED: Essential container in task exited\n"
     "3s delivered a 3.FAILED\n"},
    {"a try that left no trace is told as before the restart",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "pod a-00000001-0-1 node=n1 cpu=100m\n"
     "job a queue=q cpu=1\n"
     "at 500ms\n"
     "pod a running\n"
     "at 600ms\n"
     "restart\n"
     "at 900ms\n",
     "0s sink a 1.RUNNABLE\n"
     "0s sink a 2.STARTING\n"
     "0.5s sink a 2.RUNNING\n"
     "0.6s sink a 1.RUNNABLE\n"
     "0.6s sink a 2.STARTING\n"
     "0.6s sink a 2.RUNNING\n"},
    {"what waits for a job is PENDING, an array until its end",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1 array=2\n"
     "job b queue=q cpu=1 after=a\n"
     "at 1s\n"
     "pod a/0 ok\n"
     "at 2s\n"
     "pod a/1 ok\n"
     "at 3s\n"
     "pod b ok\n"
     "at 4s\n",
     "0s sink a 0.PENDING\n"
     "0s sink b 0.PENDING\n"
     "2s sink a 0.SUCCEEDED: all children succeeded\n"
     "2s sink b 1.RUNNABLE\n"
     "2s sink b 1.STARTING\n"
     "2s delivered a 0.SUCCEEDED\n"
     "3s sink b 1.RUNNING\n"
     "3s sink b 1.SUCCEEDED: Essential container in task exited\n"
     "3s delivered b 1.SUCCEEDED\n"},
    {"a multi-node job goes as its main node does",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "node n2 env=e cpu=2\n"
     "job g queue=q cpu=1 nodes=2 main=1 retry=2\n"
     "at 1s\n"
     "pod g/1 running\n"
     "at 2s\n"
     "pod g/0 failed exit=7\n"
     "at 3s\n"
     "pod g/1 failed exit=8\n"
     "at 4s\n"
     "pod g/1 ok\n"
     "at 5s\n",
     "0s sink g 1.RUNNABLE\n"
     "0s sink g 1.STARTING\n"
     "1s sink g 1.RUNNING\n"
     "3s sink g 2.RUNNABLE: Essential container in task exited\n"
     "3s sink g 2.STARTING\n"
     "4s sink g 2.RUNNING\n"
     "4s sink g 2.SUCCEEDED: Essential container in task exited\n"
     "4s delivered g 2.SUCCEEDED\n"},
    {"what never ran has an end only",
     "environment e static\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 invalid=spec.x:~nonsense\n"
     "at 1s\n",
     "0s sink a 0.FAILED: spec.x: nonsense\n"
     "0s delivered a 0.FAILED\n"},
    {"a sink that is down is asked again, after pauses that grow, and hears all in order",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "answer always job-tell a again\n"
     "job a queue=q cpu=1 runs=2s\n"
     "at 3s\n"
     "answer job-tell a ok\n"
     "at 9s\n",
     "0s sink a 1.RUNNABLE\n"
     "0.2s sink a 1.RUNNABLE\n"
     "0.7s sink a 1.RUNNABLE\n"
     "1.7s sink a 1.RUNNABLE\n"
     "3.7s sink a 1.RUNNABLE\n"
     "3.7s sink a 1.STARTING\n"
     "3.7s sink a 1.RUNNING\n"
     "3.7s sink a 1.SUCCEEDED: Essential container in task exited\n"
     "3.7s delivered a 1.SUCCEEDED\n"},
    {"what the sink will never take is passed over",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "answer job-tell a refused\n"
     "job a queue=q cpu=1\n"
     "at 1s\n",
     "0s sink a 1.RUNNABLE\n"
     "0s sink a 1.STARTING\n"},
    {"a restart tells again what is not known to be taken, and goes on",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "pod a running\n"
     "at 3s\n"
     "restart\n" /* its status says RUNNING, and that STARTING was taken */
     "at 4s\n"
     "pod a ok\n"
     "at 5s\n"
     "restart\n"
     "at 6s\n",
     "0s sink a 1.RUNNABLE\n"
     "0s sink a 1.STARTING\n"
     "1s sink a 1.RUNNING\n"
     "4s sink a 1.SUCCEEDED: Essential container in task exited\n"
     "4s delivered a 1.SUCCEEDED\n"},
    {"what ended while nobody looked is told from its record",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "answer always job-tell a never\n"
     "job a queue=q cpu=1 retry=2\n"
     "at 1s\n"
     "pod a failed exit=1\n"
     "at 2s\n"
     "pod a failed exit=2\n"
     "at 4s\n"
     "answer job-tell a ok\n"
     "restart\n"
     "at 5s\n",
     "0s sink a 1.RUNNABLE\n"
     "4s sink a 1.RUNNABLE\n"
     "4s sink a 1.STARTING\n"
     "4s sink a 1.RUNNING\n"
     "4s sink a 2.RUNNABLE: Essential container in task exited\n"
     "4s sink a 2.STARTING\n"
     "4s sink a 2.RUNNING\n"
     "4s sink a 2.FAILED: Essential container in task exited\n"
     "4s delivered a 2.FAILED\n"},
    {"what could not be removed is recorded as told while another job keeps it",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=1\n"
     "job a queue=q cpu=1 array=1 ttl=1s runs=1s\n"
     "answer always job-tell a again\n"
     "answer job-delete a again\n"
     "at 3s\n"
     "answer job-tell a ok\n"
     "at 4s\n"
     "job b queue=q array=1 after=a:N_TO_N definition=d\n"
     "at 20s\n"
     "jobs\n",
     "0s sink a 0.PENDING\n"
     "0.2s sink a 0.PENDING\n"
     "0.7s sink a 0.PENDING\n"
     "1.7s sink a 0.PENDING\n"
     "3.7s sink a 0.PENDING\n"
     "3.7s sink a 0.SUCCEEDED: all children succeeded\n"
     "3.7s delivered a 0.SUCCEEDED\n"
     "20s jobs\n"
     "  b 1 SUBMITTED\n"},
    {"a job stays beyond its ttl until its end is told",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "answer always job-tell a again\n"
     "job a queue=q cpu=1 runs=1s ttl=1s\n"
     "at 3s\n"
     "jobs\n"
     "answer job-tell a ok\n"
     "at 5s\n"
     "jobs\n",
     "0s sink a 1.RUNNABLE\n"
     "0.2s sink a 1.RUNNABLE\n"
     "0.7s sink a 1.RUNNABLE\n"
     "1.7s sink a 1.RUNNABLE\n"
     "3s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "3.7s sink a 1.RUNNABLE\n"
     "3.7s sink a 1.STARTING\n"
     "3.7s sink a 1.RUNNING\n"
     "3.7s sink a 1.SUCCEEDED: Essential container in task exited\n"
     "5s jobs\n"},
    {"a job that is deleted before it ended has failed",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "pod a running\n"
     "at 2s\n"
     "job a gone\n"
     "at 3s\n",
     "0s sink a 1.RUNNABLE\n"
     "0s sink a 1.STARTING\n"
     "1s sink a 1.RUNNING\n"
     "2s sink a 0.FAILED: the BatchJob was deleted\n"},
    /* clang-format on */
};

TEST(what_the_sink_is_told)
{
    world_check(rows, ARRAY_LEN(rows), SHOW_TELLS);
}

/* Two at a time, one of a job; and no more of anything than with a sink that is there. */
TEST(a_silent_sink_is_in_nobodys_way)
{
    AUTO(world) world = world_new(SHOW_TELLS | SHOW_PODS);
    world_run(world, "environment e static\n"
                     "queue q envs=e\n"
                     "node n1 env=e cpu=9\n"
                     "answer always job-tell a never\n"
                     "answer always job-tell b never\n"
                     "job a queue=q cpu=1\n"
                     "job b queue=q cpu=1\n"
                     "job c queue=q cpu=1\n"
                     "at 60s\n"
                     "jobs\n");
    struct core_counts counts;
    core_counts(world_core(world), &counts);
    CHECK_TEXT("log", world_log(world),
               "0s start a on n1\n0s start b on n1\n0s start c on n1\n"
               "0s sink a 1.RUNNABLE\n0s sink b 1.RUNNABLE\n"
               "60s jobs\n  a STARTING\n  b STARTING\n  c STARTING\n");
    CHECK_INT("waiting", counts.tells_waiting, 3);
}

TEST(without_a_sink_nothing_is_told_or_kept)
{
    AUTO(world) world = world_new(SHOW_STATUS);
    world_run(world, "environment e static\n"
                     "queue q envs=e\n"
                     "node n1 env=e cpu=2\n"
                     "job a queue=q cpu=1 runs=2s\n"
                     "at 60s\n");
    struct core_counts counts;
    core_counts(world_core(world), &counts);
    CHECK_TEXT("log", world_log(world),
               "1s told a RUNNING Running\n2s told a SUCCEEDED Succeeded\n");
    CHECK_INT("told", (int64_t)counts.actions[ACTION_JOB_TELL], 0);
    CHECK_INT("delivered", (int64_t)counts.actions[ACTION_JOB_TOLD], 0);
}
