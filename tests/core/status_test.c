/* SPDX-License-Identifier: Apache-2.0 */
/* status_test.c - what is written when, and what a durable status sets free */
#include "core/world.h"

#include "bulkhead/base/macros.h"

static const struct world_row jobs[] = {
    /* clang-format off */
    {"nothing is written before there is something to say",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1\n"
     "at 3s\n"
     "pod a running\n"
     "pod a ok\n"
     "at 5s\n",
     "0s start a on n1\n"
     "3s told a SUCCEEDED Succeeded\n"
     "3s release a\n"
     "3s delete a\n"},
    {"RUNNING is written when it still runs after a second",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "pod a running\n"
     "at 1.9s\n"
     "# not yet\n"
     "at 3s\n",
     "0s start a on n1\n"
     "2s told a RUNNING Running\n"},
    {"a job of less than a second goes from nothing to its end",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "pod a running\n"
     "at 1.5s\n"
     "pod a ok\n"
     "at 5s\n",
     "0s start a on n1\n"
     "1.5s told a SUCCEEDED Succeeded\n"
     "1.5s release a\n"
     "1.5s delete a\n"},
    {"why it waits is written after five seconds",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=1\n"
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1\n"
     "job c queue=q cpu=1\n"
     "at 4s\n"
     "# not yet\n"
     "at 10s\n",
     "0s start a on n1\n"
     "5s told c RUNNABLE BehindInQueue\n"
     "5s told a STARTING Starting\n"
     "5s told b RUNNABLE NodesFull\n"},
    {"a changed reason is written after five more",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=1\n"
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1\n"
     "at 6s\n"
     "queue q disabled\n"
     "at 20s\n",
     "0s start a on n1\n"
     "5s told a STARTING Starting\n"
     "5s told b RUNNABLE NodesFull\n"
     "11s told b RUNNABLE JobQueueDisabled\n"},
    {"a reason that comes and goes within five seconds is not written",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=1\n"
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1\n"
     "at 2s\n"
     "pod a ok\n"
     "at 10s\n",
     "0s start a on n1\n"
     "2s start b on n1\n"
     "2s told a SUCCEEDED Succeeded\n"
     "2s release a\n"
     "2s delete a\n"
     "7s told b STARTING Starting\n"},
    {"an array is written at most once a second",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=8\n"
     "job a queue=q cpu=1 array=8\n"
     "at 1s\n"
     "pod a/0 ok\n"
     "at 1.2s\n"
     "pod a/1 ok\n"
     "at 1.4s\n"
     "pod a/2 ok\n"
     "at 1.6s\n"
     "pod a/3 ok\n"
     "at 1.8s\n"
     "pod a/4 ok\n"
     "at 2.2s\n"
     "pod a/5 ok\n"
     "at 2.4s\n"
     "pod a/6 failed exit=1\n"
     "at 2.6s\n"
     "pod a/7 ok\n"
     "at 5s\n",
     "0s start a/0 on n1\n"
     "0s start a/1 on n1\n"
     "0s start a/2 on n1\n"
     "0s start a/3 on n1\n"
     "0s start a/4 on n1\n"
     "0s start a/5 on n1\n"
     "0s start a/6 on n1\n"
     "0s start a/7 on n1\n"
     "2s told a PENDING Starting of 3 STARTING 5 SUCCEEDED\n"
     "2s release a/0\n"
     "2s release a/1\n"
     "2s release a/2\n"
     "2s release a/3\n"
     "2s release a/4\n"
     "2s delete a/0\n"
     "2s delete a/1\n"
     "2s delete a/2\n"
     "2s delete a/3\n"
     "2s delete a/4\n"
     "2.6s told a FAILED ArrayChildFailed of 7 SUCCEEDED 1 FAILED\n"
     "2.6s release a/5\n"
     "2.6s release a/6\n"
     "2.6s release a/7\n"
     "2.6s delete a/5\n"
     "2.6s delete a/6\n"
     "2.6s delete a/7\n"},
    {"a conflict is written again",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1\n"
     "answer job-status a conflict\n"
     "at 1s\n"
     "pod a ok\n"
     "at 3s\n",
     "0s start a on n1\n"
     "1s told a SUCCEEDED Succeeded\n"
     "1.1s told a SUCCEEDED Succeeded\n"
     "1.1s release a\n"
     "1.1s delete a\n"},
    {"an outage is waited out, longer each time",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1\n"
     "answer always job-status a again unavailable\n"
     "at 1s\n"
     "pod a ok\n"
     "at 9s\n"
     "answer job-status a ok\n"
     "at 20s\n"
     "pods\n",
     "0s start a on n1\n"
     "1s told a SUCCEEDED Succeeded\n"
     "2s told a SUCCEEDED Succeeded\n"
     "4s told a SUCCEEDED Succeeded\n"
     "8s told a SUCCEEDED Succeeded\n"
     "16s told a SUCCEEDED Succeeded\n"
     "16s release a\n"
     "16s delete a\n"
     "20s pods\n"},
    {"a pod is released when its outcome is durable, then deleted",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1\n"
     "answer job-status a again unavailable\n"
     "at 1s\n"
     "pod a ok\n"
     "at 1.5s\n"
     "pods\n"
     "at 5s\n"
     "pods\n",
     "0s start a on n1\n"
     "1s told a SUCCEEDED Succeeded\n"
     "1.5s pods\n"
     "  a succeeded on n1\n"
     "2s told a SUCCEEDED Succeeded\n"
     "2s release a\n"
     "2s delete a\n"
     "5s pods\n"},
    {"an answer that never comes is not asked for twice",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1\n"
     "answer job-status a never\n"
     "at 1s\n"
     "pod a ok\n"
     "at 600s\n"
     "pods\n",
     "0s start a on n1\n"
     "1s told a SUCCEEDED Succeeded\n"
     "600s pods\n"
     "  a succeeded on n1\n"},
    /* clang-format on */
};

TEST(status_of_jobs)
{
    world_check(jobs, ARRAY_LEN(jobs), SHOW_PODS | SHOW_CLEANUP | SHOW_STATUS | SHOW_CHILDREN);
}

static const struct world_row admin[] = {
    /* clang-format off */
    {"a queue and an environment that are fine",
     "environment e static\n"
     "queue q envs=e\n"
     "at 1s\n",
     "0s queue q VALID: JobQueue Healthy\n"
     "0s environment e VALID: ComputeEnvironment Healthy\n"},
    {"a queue whose environment is missing",
     "queue q envs=e\n"
     "at 1s\n"
     "environment e static\n"
     "at 3s\n",
     "0s queue q INVALID: ComputeEnvironment e does not exist\n"
     "1s queue q VALID: JobQueue Healthy\n"
     "1s environment e VALID: ComputeEnvironment Healthy\n"},
    {"a queue whose environments are all disabled",
     "environment e static disabled\n"
     "queue q envs=e\n"
     "at 1s\n",
     "0s queue q INVALID: none of its compute environments is ENABLED and VALID\n"
     "0s environment e VALID: ComputeEnvironment Healthy\n"},
    {"a spec that does not decode",
     "environment e static broken=spec.type:~\"BOTH\"\n"
     "queue q envs=e broken=spec.priority:~2000\n"
     "at 1s\n",
     "0s queue q INVALID: spec.priority: 2000\n"
     "0s environment e INVALID: spec.type: \"BOTH\"\n"},
    {"deleting a queue waits for its jobs and names them",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1\n"
     "job c queue=q cpu=1\n"
     "job d queue=q cpu=1\n"
     "at 1s\n"
     "queue q deleting\n"
     "at 3s\n"
     "pod a ok\n"
     "pod b ok\n"
     "pod c ok\n"
     "pod d ok\n"
     "at 6s\n",
     "0s queue q VALID: JobQueue Healthy\n"
     "0s environment e VALID: ComputeEnvironment Healthy\n"
     "1s queue q DELETING: deletion waits for 4 live jobs: default/a, default/b, default/c and 1 more\n"
     "3s remove finalizer of JobQueue q\n"
     "3s environment e VALID: ComputeEnvironment Healthy\n"},
    {"deleting an environment waits for its pods and names them",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=1\n"
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "environment e deleting\n"
     "at 3s\n"
     "pod a ok\n"
     "at 6s\n",
     "0s queue q VALID: JobQueue Healthy\n"
     "0s environment e VALID: ComputeEnvironment Healthy\n"
     "1s queue q INVALID: none of its compute environments is ENABLED and VALID\n"
     "1s environment e DELETING: deletion waits for 1 running pod: default/a-00000001-0-1\n"
     "3s queue q INVALID: none of its compute environments is ENABLED and VALID\n"
     "3s remove finalizer of ComputeEnvironment e\n"
     "4s queue q INVALID: ComputeEnvironment e does not exist\n"},
    {"an environment that was there before stays until late launches would have been seen",
     "environment e kwok max=4 types=m:1:1Gi:1\n"
     "queue q envs=e\n"
     "at 20s\n"
     "restart\n"
     "at 21s\n"
     "environment e deleting\n"
     "at 50s\n",
     "0s queue q VALID: JobQueue Healthy\n"
     "0s environment e UPDATING: asking the node group\n"
     "1s environment e VALID: ComputeEnvironment Healthy\n"
     "20s queue q VALID: JobQueue Healthy\n"
     "20s environment e VALID: ComputeEnvironment Healthy\n"
     "21s queue q INVALID: none of its compute environments is ENABLED and VALID\n"
     "21s environment e DELETING: deletion waits for a last look at the node group\n"
     "30s remove finalizer of ComputeEnvironment e\n"
     "30s queue q INVALID: ComputeEnvironment e does not exist\n"},
    {"a queue that is being deleted takes no new jobs",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=1\n"
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "queue q deleting\n"
     "at 3s\n"
     "job b queue=q cpu=1\n"
     "at 4s\n"
     "why b\n",
     "0s queue q VALID: JobQueue Healthy\n"
     "0s environment e VALID: ComputeEnvironment Healthy\n"
     "1s queue q DELETING: deletion waits for 1 live job: default/a\n"
     "3s queue q DELETING: deletion waits for 2 live jobs: default/a, default/b\n"
     "4s b SUBMITTED JobQueueDeleting: JobQueue q is being deleted: submit to another\n"},
    {"a node group that asks for help",
     "environment e kwok max=4 types=m:1:1Gi:1\n"
     "queue q envs=e\n"
     "answer types e invalid no~such~catalogue\n"
     "at 1s\n",
     "0s queue q VALID: JobQueue Healthy\n"
     "0s environment e UPDATING: asking the node group\n"
     "1s queue q INVALID: none of its compute environments is ENABLED and VALID\n"
     "1s environment e INVALID: no such catalogue\n"},
    {"a restart takes nobody's readiness away; what has changed since is not known yet",
     "environment e kwok max=4 types=m:1:1Gi:1\n"
     "queue q envs=e\n"
     "at 2s\n"
     "restart\n"
     "at 4s\n"
     "environment e kwok max=8 types=m:1:1Gi:1\n"
     "restart\n"
     "at 6s\n",
     "0s queue q VALID: JobQueue Healthy\n"
     "0s environment e UPDATING: asking the node group\n"
     "1s environment e VALID: ComputeEnvironment Healthy\n"
     "2s queue q VALID: JobQueue Healthy\n"
     "2s environment e VALID: ComputeEnvironment Healthy\n"
     "4s queue q VALID: JobQueue Healthy\n"
     "4s environment e UPDATING: asking the node group\n"
     "5s environment e VALID: ComputeEnvironment Healthy\n"},
    {"the provider's last words are told",
     "environment e kwok max=4 types=m:1:1Gi:1\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1\n"
     "answer launch e again request~limit~exceeded\n"
     "at 1.5s\n",
     "0s queue q VALID: JobQueue Healthy\n"
     "0s environment e UPDATING: asking the node group\n"
     "1s environment e VALID: ComputeEnvironment Healthy; the node group says: request limit exceeded\n"},
    {"definitions are told whether they can be used",
     "definition good cpu=1\n"
     "definition bad cpu=1 invalid=spec.timeout:~0\n"
     "at 1s\n",
     "0s definition bad INVALID\n"
     "0s definition good ACTIVE\n"},
    /* clang-format on */
};

TEST(status_of_what_admins_declare)
{
    world_check(admin, ARRAY_LEN(admin), SHOW_ADMIN);
}
