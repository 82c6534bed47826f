/* SPDX-License-Identifier: Apache-2.0 */
/* notices_test.c - Kubernetes Events about jobs */
#include "core/world.h"

#define HOUSE                                                                                      \
    "environment e static\n"                                                                       \
    "queue q envs=e\n"                                                                             \
    "node n1 env=e cpu=2\n"

static const struct world_row rows[] = {
    /* clang-format off */
    {"a retry and an end, with the reasons of AWS",
     HOUSE
     "job a queue=q cpu=1 retry=2\n"
     "at 1s\n"
     "pod a failed exit=137 reason=OOMKilled\n"
     "at 3s\n"
     "pod a failed exit=1\n"
     "at 4s\n",
     "1s event BatchJob a Retrying: attempt 1 failed (Essential container in task exited; "
     "OutOfMemoryError: Container killed due to memory usage); it will be retried\n"
     "3s event BatchJob a Failed: Essential container in task exited\n"},
    {"of an array all retries since its last status are one",
     HOUSE
     "job a queue=q cpu=500m array=4 retry=2\n"
     "at 1s\n"
     "pod a/0 failed exit=1\n"
     "at 5s\n"
     "pod a/1 failed exit=1\n"
     "pod a/2 failed exit=1\n"
     "pod a/3 failed exit=1\n"
     "at 10s\n",
     "2s event BatchJob a Retrying: an attempt failed and will be retried: attempt 1 of child 0: "
     "Essential container in task exited\n"
     "6s event BatchJob a Retrying: 3 attempts failed and will be retried; the last: attempt 1 of "
     "child 3: Essential container in task exited\n"},
    {"a reason to wait is told when it has lasted, and again only when it changes",
     "environment e static\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1\n"
     "at 20s\n"
     "node n1 env=e cpu=500m\n"
     "at 40s\n"
     "queue q disabled\n"
     "at 60s\n",
     "5s event BatchJob a DoesNotFit: MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - needs cpu 1; e: no "
     "labelled node is large enough or matches\n"
     "45s event BatchJob a JobQueueDisabled: JobQueue q is DISABLED: it starts nothing until its state "
     "is ENABLED again\n"},
    {"what waits for its turn or its dependencies makes none",
     HOUSE
     "job a queue=q cpu=2\n"
     "job b queue=q cpu=2 created=1s\n"
     "job c queue=q cpu=2 created=2s\n"
     "job d queue=q cpu=2 created=3s after=a\n"
     "at 20s\n",
     "5s event BatchJob b NodesFull: needs cpu 2; e: its nodes are full; room comes when a running "
     "pod ends or a node is added\n"},
    {"a restart repeats none",
     "environment e static\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1\n"
     "job b queue=missing cpu=1\n"
     "at 20s\n"
     "restart\n"
     "at 60s\n",
     "5s event BatchJob b JobQueueMissing: JobQueue missing does not exist: create it, or submit to "
     "another\n"
     "5s event BatchJob a DoesNotFit: MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - needs cpu 1; e: no "
     "labelled node is large enough or matches\n"},
    /* clang-format on */
};

TEST(events)
{
    world_check(rows, ARRAY_LEN(rows), SHOW_EVENTS);
}
