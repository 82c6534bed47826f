/* SPDX-License-Identifier: Apache-2.0 */
/* depend_test.c - who waits for whom, and what an end means to those who wait */
#include "core/world.h"

#include "src/core/internal.h"

#include <stdlib.h>
#include <string.h>

static const struct world_row rows[] = {
    /* clang-format off */
    {"a job waits for another",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1 after=a\n"
     "why b\n"
     "at 1s\n"
     "pod a ok\n"
     "at 2s\n"
     "jobs\n",
     "0s start a on n1\n"
     "0s b PENDING DependencyPending: waits for a (STARTING)\n"
     "1s told a SUCCEEDED Succeeded\n"
     "1s start b on n1\n"
     "2s told b STARTING Starting\n"
     "2s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b STARTING\n"},
    {"jobs may arrive in any order",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job b queue=q cpu=1 after=a\n"
     "why b\n"
     "at 1s\n"
     "job a queue=q cpu=1\n"
     "at 2s\n"
     "pod a ok\n"
     "at 3s\n"
     "jobs\n",
     "0s b PENDING DependencyPending: waits for a (does not exist yet)\n"
     "1s start a on n1\n"
     "2s told b PENDING DependencyPending\n"
     "2s told a SUCCEEDED Succeeded\n"
     "2s start b on n1\n"
     "3s told b STARTING Starting\n"
     "3s jobs\n"
     "  b STARTING\n"
     "  a SUCCEEDED Succeeded attempts=1\n"},
    {"all of several",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1\n"
     "job c queue=q cpu=1 after=a,b\n"
     "at 1s\n"
     "pod a ok\n"
     "at 2s\n"
     "why c\n"
     "pod b ok\n"
     "at 3s\n"
     "jobs\n",
     "0s start a on n1\n"
     "0s start b on n1\n"
     "1s told a SUCCEEDED Succeeded\n"
     "2s told c PENDING DependencyPending\n"
     "2s c PENDING DependencyPending: waits for b (STARTING)\n"
     "2s told b SUCCEEDED Succeeded\n"
     "2s start c on n1\n"
     "3s told c STARTING Starting\n"
     "3s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b SUCCEEDED Succeeded attempts=1\n"
     "  c STARTING\n"},
    {"a dependency on an array waits for the whole",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1 array=2\n"
     "job b queue=q cpu=1 after=a\n"
     "at 1s\n"
     "pod a/0 ok\n"
     "at 2s\n"
     "why b\n"
     "pod a/1 ok\n"
     "at 3s\n"
     "jobs\n",
     "0s start a/0 on n1\n"
     "0s start a/1 on n1\n"
     "2s told a PENDING Starting\n"
     "2s b PENDING DependencyPending: waits for a (PENDING)\n"
     "2s told a SUCCEEDED Succeeded\n"
     "2s start b on n1\n"
     "3s told b STARTING Starting\n"
     "3s jobs\n"
     "  a SUCCEEDED Succeeded 2 SUCCEEDED\n"
     "  b STARTING\n"},
    {"SEQUENTIAL: one child after another",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1 array=3 after=SEQUENTIAL\n"
     "why a\n"
     "at 1s\n"
     "pod a/0 ok\n"
     "at 2s\n"
     "pod a/1 ok\n"
     "at 3s\n"
     "pod a/2 ok\n"
     "at 4s\n"
     "jobs\n",
     "0s start a/0 on n1\n"
     "0s a PENDING DependencyPending: 2 of 3 children (1-2) wait: waits for the child before (SEQUENTIAL)\n"
     "1s start a/1 on n1\n"
     "2s start a/2 on n1\n"
     "2s told a PENDING Starting\n"
     "3s told a SUCCEEDED Succeeded\n"
     "4s jobs\n"
     "  a SUCCEEDED Succeeded 3 SUCCEEDED\n"},
    {"SEQUENTIAL: a failure fails those behind it",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1 array=4 after=SEQUENTIAL\n"
     "at 1s\n"
     "pod a/0 ok\n"
     "at 2s\n"
     "pod a/1 failed exit=1\n"
     "at 3s\n"
     "jobs\n",
     "0s start a/0 on n1\n"
     "1s start a/1 on n1\n"
     "2s told a FAILED ArrayChildFailed\n"
     "3s jobs\n"
     "  a FAILED ArrayChildFailed 1 SUCCEEDED 3 FAILED\n"},
    {"N_TO_N: a child waits for the child of its index",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1 array=3\n"
     "job b queue=q cpu=1 array=3 after=a:N_TO_N\n"
     "at 1s\n"
     "pod a/1 ok\n"
     "at 2s\n"
     "jobs\n"
     "at 3s\n"
     "pod a/0 failed exit=1\n"
     "pod a/2 ok\n"
     "at 4s\n"
     "jobs\n",
     "0s start a/0 on n1\n"
     "0s start a/1 on n1\n"
     "0s start a/2 on n1\n"
     "1s start b/1 on n1\n"
     "2s told a PENDING Starting\n"
     "2s jobs\n"
     "  a 2 STARTING 1 SUCCEEDED\n"
     "  b 2 PENDING 1 STARTING\n"
     "3s start b/2 on n1\n"
     "3s told a FAILED ArrayChildFailed\n"
     "3s told b PENDING Starting\n"
     "4s told b PENDING Starting\n"
     "4s jobs\n"
     "  a FAILED ArrayChildFailed 2 SUCCEEDED 1 FAILED\n"
     "  b 2 STARTING 1 FAILED\n"},
    {"N_TO_N and the dependant comes later",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1 array=3\n"
     "at 1s\n"
     "pod a/0 ok\n"
     "pod a/1 failed exit=1\n"
     "pod a/2 ok\n"
     "at 3s\n"
     "job b queue=q cpu=1 array=3 after=a:N_TO_N\n"
     "at 4s\n"
     "jobs\n",
     "0s start a/0 on n1\n"
     "0s start a/1 on n1\n"
     "0s start a/2 on n1\n"
     "1s told a FAILED ArrayChildFailed\n"
     "3s start b/0 on n1\n"
     "3s start b/2 on n1\n"
     "3s told b PENDING Starting\n"
     "4s jobs\n"
     "  a FAILED ArrayChildFailed 2 SUCCEEDED 1 FAILED\n"
     "  b 2 STARTING 1 FAILED\n"},
    {"N_TO_N needs as many children",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1 array=3\n"
     "job b queue=q cpu=1 array=2 after=a:N_TO_N\n"
     "at 1s\n"
     "why b\n",
     "0s start a/0 on n1\n"
     "0s start a/1 on n1\n"
     "0s start a/2 on n1\n"
     "0s told b FAILED DependencyFailed\n"
     "1s b FAILED DependencyFailed: Dependent Job failed: a has 3 children, expected 2 for N_TO_N\n"},
    {"N_TO_N on a job whose spec is invalid, whose size nobody knows: as it ended",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job b queue=q cpu=1 array=2 after=a:N_TO_N\n"
     "job c queue=q cpu=1 array=2 after=a:N_TO_N:OnFailure\n"
     "job a queue=q cpu=1 array=2 invalid=spec.retryStrategy.attempts:~0,~expected~1..10\n"
     "at 1s\n",
     "0s told a FAILED InvalidSpec\n"
     "0s start c/0 on n1\n"
     "0s start c/1 on n1\n"
     "0s told b FAILED ArrayChildFailed\n"
     "1s told c PENDING Starting\n"},
    {"N_TO_N together with a plain one",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job x queue=q cpu=1\n"
     "job a queue=q cpu=1 array=2\n"
     "job b queue=q cpu=1 array=2 after=a:N_TO_N,x\n"
     "at 1s\n"
     "pod a/0 ok\n"
     "at 2s\n"
     "pod x ok\n"
     "at 3s\n"
     "jobs\n",
     "0s start a/0 on n1\n"
     "0s start a/1 on n1\n"
     "0s start x on n1\n"
     "2s told a PENDING Starting\n"
     "2s told x SUCCEEDED Succeeded\n"
     "2s start b/0 on n1\n"
     "3s told b PENDING DependencyPending\n"
     "3s jobs\n"
     "  x SUCCEEDED Succeeded attempts=1\n"
     "  a 1 STARTING 1 SUCCEEDED\n"
     "  b 1 PENDING 1 STARTING\n"},
    {"a failed dependency fails its dependants, and theirs",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1 after=a\n"
     "job c queue=q cpu=1 after=b\n"
     "at 1s\n"
     "pod a failed exit=1\n"
     "at 2s\n"
     "why b\n"
     "why c\n",
     "0s start a on n1\n"
     "1s told a FAILED ContainerFailed\n"
     "1s told b FAILED DependencyFailed\n"
     "1s told c FAILED DependencyFailed\n"
     "2s b FAILED DependencyFailed: Dependent Job failed: a ended FAILED\n"
     "2s c FAILED DependencyFailed: Dependent Job failed: b ended FAILED\n"},
    {"a dependency that has failed already",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "pod a failed exit=1\n"
     "at 2s\n"
     "job b queue=q cpu=1 after=a\n"
     "why b\n",
     "0s start a on n1\n"
     "1s told a FAILED ContainerFailed\n"
     "2s told b FAILED DependencyFailed\n"
     "2s b FAILED DependencyFailed: Dependent Job failed: a ended FAILED\n"},
    {"a dependency that is deleted before it ended",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1 after=a\n"
     "at 1s\n"
     "job a gone\n"
     "at 2s\n"
     "why b\n",
     "0s start a on n1\n"
     "1s stop a\n"
     "1s told b FAILED DependencyFailed\n"
     "2s b FAILED DependencyFailed: Dependent Job failed: a was deleted before it ended\n"},
    {"a dependency that is deleted after it succeeded",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job x queue=q cpu=2 runs=10s\n"
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1 after=a,x created=1s\n"
     "at 11s\n"
     "pod a ok\n"
     "at 12s\n"
     "job a gone\n"
     "at 23s\n"
     "jobs\n",
     "0s start a on n1\n"
     "5s told b PENDING DependencyPending\n"
     "5s told a STARTING Starting\n"
     "5s told x RUNNABLE NodesFull\n"
     "11s start x on n1\n"
     "11s told a SUCCEEDED Succeeded\n"
     "12s told x RUNNING Running\n"
     "12s told b PENDING DependencyPending\n"
     "21s told x SUCCEEDED Succeeded\n"
     "21s start b on n1\n"
     "22s told b STARTING Starting\n"
     "23s jobs\n"
     "  x SUCCEEDED Succeeded attempts=1\n"
     "  b STARTING\n"},
    {"a cancelled dependency fails its dependants",
     "environment e static\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1 after=a\n"
     "at 1s\n"
     "job a cancel\n"
     "at 2s\n"
     "why b\n",
     "1s told a FAILED Cancelled\n"
     "1s told b FAILED DependencyFailed\n"
     "2s b FAILED DependencyFailed: Dependent Job failed: a ended FAILED\n"},
    {"a job that waits for itself",
     "environment e static\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 after=a\n"
     "why a\n",
     "0s told a FAILED DependencyCycle\n"
     "0s a FAILED DependencyCycle: dependency cycle: a -> a; delete one of these jobs and submit it without the dependency\n"},
    {"a cycle is named",
     "environment e static\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 after=c\n"
     "job b queue=q cpu=1 after=a\n"
     "at 1s\n"
     "job c queue=q cpu=1 after=b\n"
     "at 2s\n"
     "why a\n"
     "why b\n"
     "why c\n",
     "1s told c FAILED DependencyCycle\n"
     "1s told a FAILED DependencyFailed\n"
     "1s told b FAILED DependencyFailed\n"
     "2s a FAILED DependencyFailed: Dependent Job failed: c ended FAILED\n"
     "2s b FAILED DependencyFailed: Dependent Job failed: a ended FAILED\n"
     "2s c FAILED DependencyCycle: dependency cycle: c -> b -> a -> c; delete one of these jobs and submit it without the dependency\n"},
    {"who waits for a cycle fails with it",
     "environment e static\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 after=b\n"
     "job d queue=q cpu=1 after=a\n"
     "job b queue=q cpu=1 after=a\n"
     "at 1s\n"
     "why d\n",
     "0s told b FAILED DependencyCycle\n"
     "0s told a FAILED DependencyFailed\n"
     "0s told d FAILED DependencyFailed\n"
     "1s d FAILED DependencyFailed: Dependent Job failed: a ended FAILED\n"},
    {"N_TO_N: children that fail with their job, without a pod, count when that is durable",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "answer job-status a again unavailable\n"
     "job a queue=q cpu=1 array=2 after=a\n"
     "job b queue=q cpu=1 array=2 after=a:N_TO_N\n"
     "job c queue=q cpu=1 array=2 after=a:N_TO_N:OnFailure\n"
     "at 9s\n",
     "0s told a FAILED DependencyCycle\n"
     "1s told a FAILED DependencyCycle\n"
     "1s start c/0 on n1\n"
     "1s start c/1 on n1\n"
     "1s told b FAILED ArrayChildFailed\n"
     "2s told c PENDING Starting\n"},
    {"the end counts when it is durable",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1 after=a\n"
     "answer job-status a again unavailable\n"
     "at 1s\n"
     "pod a ok\n"
     "at 1.5s\n"
     "why b\n"
     "at 4s\n"
     "jobs\n",
     "0s start a on n1\n"
     "1s told a SUCCEEDED Succeeded\n"
     "1.5s b PENDING DependencyPending: waits for a (SUCCEEDED)\n"
     "2s told a SUCCEEDED Succeeded\n"
     "2s start b on n1\n"
     "3s told b STARTING Starting\n"
     "4s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b STARTING\n"},
    {"many are told by name, the rest by number",
     "environment e static\n"
     "queue q envs=e\n"
     "job e queue=q cpu=1 after=a,b,c,d\n"
     "why e\n",
     "0s e PENDING DependencyPending: waits for a (does not exist yet), b (does not exist yet), c (does not exist yet) and 1 more\n"},
    {"terminated while it waits for another",
     "environment e static\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1 after=a\n"
     "at 1s\n"
     "job b terminate not any more\n"
     "at 2s\n"
     "why b\n"
     "why a\n",
     "1s told b FAILED Terminated\n"
     "2s b FAILED Terminated: not any more\n"
     "2s a RUNNABLE DoesNotFit: MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - needs cpu 1; e: no labelled node is large enough or matches\n"},
    {"a job of another namespace is another job",
     "environment e static ns=default,team\n"
     "queue q envs=e ns=default,team\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1 ns=team\n"
     "job b queue=q cpu=1 after=a\n"
     "why b\n",
     "0s start a on n1\n"
     "0s b PENDING DependencyPending: waits for a (does not exist yet)\n"},
    {"OnFailure: a clean-up runs when its job failed, and is skipped when it succeeded",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1\n"
     "job c queue=q cpu=1 after=a:OnFailure\n"
     "job d queue=q cpu=1 after=b:OnFailure\n"
     "at 1s\n"
     "pod a failed exit=1\n"
     "pod b ok\n"
     "at 2s\n"
     "why d\n"
     "jobs\n",
     "0s start a on n1\n"
     "0s start b on n1\n"
     "1s told a FAILED ContainerFailed\n"
     "1s told b SUCCEEDED Succeeded\n"
     "1s start c on n1\n"
     "1s told d SUCCEEDED Skipped\n"
     "2s told c STARTING Starting\n"
     "2s d SUCCEEDED Skipped: skipped: b ended SUCCEEDED, and this job was to run OnFailure\n"
     "2s jobs\n"
     "  a FAILED ContainerFailed attempts=1\n"
     "  b SUCCEEDED Succeeded attempts=1\n"
     "  c STARTING\n"
     "  d SUCCEEDED Skipped\n"},
    {"skipped is success to those who wait for it",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1 after=a:OnFailure\n"
     "job c queue=q cpu=1 after=b\n"
     "job d queue=q cpu=1 after=b:OnFailure\n"
     "at 1s\n"
     "pod a ok\n"
     "at 3s\n"
     "jobs\n",
     "0s start a on n1\n"
     "1s told a SUCCEEDED Succeeded\n"
     "1s told b SUCCEEDED Skipped\n"
     "1s start c on n1\n"
     "1s told d SUCCEEDED Skipped\n"
     "2s told c STARTING Starting\n"
     "3s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b SUCCEEDED Skipped\n"
     "  c STARTING\n"
     "  d SUCCEEDED Skipped\n"},
    {"Always: after either end, also of one that was deleted",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1\n"
     "job c queue=q cpu=1\n"
     "job d queue=q cpu=1 after=a:Always,b:Always,c:Always\n"
     "at 1s\n"
     "pod a ok\n"
     "pod b failed exit=1\n"
     "at 2s\n"
     "job c gone\n"
     "at 4s\n"
     "jobs\n",
     "0s start a on n1\n"
     "0s start b on n1\n"
     "0s start c on n1\n"
     "1s told a SUCCEEDED Succeeded\n"
     "1s told b FAILED ContainerFailed\n"
     "2s stop c\n"
     "2s start d on n1\n"
     "2s told d STARTING Starting\n"
     "4s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b FAILED ContainerFailed attempts=1\n"
     "  d STARTING\n"},
    {"N_TO_N OnFailure: only the children whose own one failed run",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1 array=2\n"
     "job b queue=q cpu=1 array=2 after=a:N_TO_N:OnFailure\n"
     "at 1s\n"
     "pod a/0 ok\n"
     "pod a/1 failed exit=1\n"
     "at 3s\n"
     "pod b/1 ok\n"
     "at 4s\n"
     "why b\n"
     "jobs\n",
     "0s start a/0 on n1\n"
     "0s start a/1 on n1\n"
     "1s start b/1 on n1\n"
     "1s told a FAILED ArrayChildFailed\n"
     "1s told b PENDING Starting\n"
     "2s told b PENDING Starting\n"
     "3s told b SUCCEEDED Succeeded\n"
     "4s b SUCCEEDED Succeeded: 1 of 2 children succeeded, the others (1) were skipped\n"
     "4s jobs\n"
     "  a FAILED ArrayChildFailed 1 SUCCEEDED 1 FAILED\n"
     "  b SUCCEEDED Succeeded 2 SUCCEEDED\n"},
    {"SEQUENTIAL OnFailure: one after another until one succeeds",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1 array=4 after=SEQUENTIAL:OnFailure\n"
     "job b queue=q cpu=1 array=2 after=SEQUENTIAL:Always\n"
     "at 1s\n"
     "pod a/0 failed exit=1\n"
     "pod b/0 failed exit=1\n"
     "at 3s\n"
     "pod a/1 ok\n"
     "pod b/1 ok\n"
     "at 4s\n"
     "jobs\n",
     "0s start a/0 on n1\n"
     "0s start b/0 on n1\n"
     "1s start a/1 on n1\n"
     "1s start b/1 on n1\n"
     "2s told a PENDING DependencyPending\n"
     "2s told b PENDING Starting\n"
     "3s told a FAILED ArrayChildFailed\n"
     "3s told b FAILED ArrayChildFailed\n"
     "4s jobs\n"
     "  a FAILED ArrayChildFailed 3 SUCCEEDED 1 FAILED\n"
     "  b FAILED ArrayChildFailed 1 SUCCEEDED 1 FAILED\n"},
    {"a cycle with conditions fails whole",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1 after=b:OnFailure\n"
     "job b queue=q cpu=1 after=a:Always\n"
     "at 1s\n"
     "jobs\n",
     "0s told a FAILED DependencyCycle\n"
     "0s told b FAILED DependencyCycle\n"
     "1s jobs\n"
     "  a FAILED DependencyCycle\n"
     "  b FAILED DependencyCycle\n"},
    {"N_TO_N on a job that failed and was deleted: what may run still does after a restart",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 array=2\n"
     "job x queue=q cpu=1 runs=10s\n"
     "job b queue=q cpu=1 array=2 after=a:N_TO_N,x\n"
     "at 1s\n"
     "pod a/0 ok\n"
     "pod a/1 failed exit=1\n"
     "at 4s\n"
     "job a gone\n"
     "at 5s\n"
     "restart\n"
     "at 20s\n"
     "jobs\n",
     "0s start a/0 on n1\n"
     "0s start a/1 on n1\n"
     "1s start x on n1\n"
     "1s told a FAILED ArrayChildFailed\n"
     "1s told b PENDING DependencyPending\n"
     "2s told x RUNNING Running\n"
     "2s told b PENDING DependencyPending\n"
     "6s told x RUNNING Running\n"
     "10s told b PENDING DependencyPending\n"
     "11s told x SUCCEEDED Succeeded\n"
     "11s start b/0 on n1\n"
     "12s told b PENDING Starting\n"
     "20s jobs\n"
     "  x SUCCEEDED Succeeded attempts=1\n"
     "  b 1 STARTING 1 FAILED\n"},
    /* clang-format on */
};

TEST(depend)
{
    world_check(rows, ARRAY_LEN(rows), SHOW_PODS | SHOW_STATUS);
}

/* ------------------------------------------------------------------- long chains */

enum { CHAIN = 20000 }; /* deeper than any stack, were it walked by recursion under ASan */

static void chain_add(struct core *core, unsigned index)
{
    struct batch_job *job = mem_new(sizeof(*job));
    job->meta.name = text_printf("j%u", index);
    job->meta.namespace_ = text_copy("default");
    job->meta.uid = text_printf("%08u", index);
    job->meta.resource_version = text_copy("1");
    job->meta.created_ns = NS_PER_S;
    job->queue = text_copy("q");
    job->has_template = true;
    job->template_.json = text_copy("{}");
    job->template_.placement.requests.cpu_milli = 1000;
    if (index > 0) {
        job->dependencies = mem_new(sizeof(*job->dependencies));
        job->dependency_count = 1;
        job->dependencies[0].job_name = text_printf("j%u", index - 1);
    }
    core_apply(core, &(struct event){.kind = EVENT_JOB, .job = job});
}

/* Plans until nothing is left to do at this time; every action succeeds. */
static void run(struct core *core, int64_t now_ns)
{
    AUTO(arena) arena = arena_new(0);
    for (;;) {
        struct plan plan;
        arena_reset(arena);
        core_plan(core, now_ns, arena, &plan);
        if (plan.action_count == 0)
            return;
        uint64_t *ids = mem_new(plan.action_count * sizeof(*ids));
        size_t count = 0;
        for (size_t i = 0; i < plan.action_count; i++) {
            if (plan.actions[i].kind != ACTION_EVENT)
                ids[count++] = plan.actions[i].id;
        }
        for (size_t i = 0; i < count; i++)
            core_apply(core, &(struct event){.kind = EVENT_DONE,
                                             .now_ns = now_ns,
                                             .done = {.action_id = ids[i], .result = DONE_OK}});
        free(ids);
    }
}

static void chain_fails(bool backwards, bool before_sync)
{
    AUTO(core) core = core_new(NULL);
    struct job_queue *queue = mem_new(sizeof(*queue));
    queue->meta.name = text_copy("q");
    queue->meta.uid = text_copy("q");
    queue->meta.has_finalizer = true;
    queue->state = QUEUE_ENABLED;
    queue->environments = mem_new(sizeof(*queue->environments));
    queue->environment_count = 1;
    queue->environments[0] = (struct environment_order){1, text_copy("e")};
    core_apply(core, &(struct event){.kind = EVENT_QUEUE, .queue = queue});
    struct event synced = {.kind = EVENT_SYNCED, .now_ns = NS_PER_S};
    if (!before_sync)
        core_apply(core, &synced);
    for (unsigned i = 0; i < CHAIN; i++)
        chain_add(core, backwards ? CHAIN - 1 - i : i);
    if (before_sync)
        core_apply(core, &synced);
    run(core, 2 * NS_PER_S);
    struct core_counts counts;
    core_counts(core, &counts);
    CHECK_INT("all wait but one", counts.jobs_by_phase[JOB_PENDING], CHAIN - 1);
    core_apply(core,
               &(struct event){.kind = EVENT_JOB_GONE, .now_ns = 3 * NS_PER_S, .uid = "00000000"});
    run(core, 3 * NS_PER_S);
    core_counts(core, &counts);
    CHECK_INT("all have failed", counts.jobs_by_phase[JOB_FAILED], CHAIN - 1);
}

TEST(a_long_chain_of_jobs)
{
    chain_fails(false, false);
}

TEST(a_chain_that_comes_backwards)
{
    chain_fails(true, false);
}

TEST(a_chain_that_was_there_before)
{
    chain_fails(false, true);
}

/* Beyond any depth that a walk inside a walk could reach. */
TEST(a_long_cycle_of_jobs)
{
    AUTO(core) core = core_new(NULL);
    core_apply(core, &(struct event){.kind = EVENT_SYNCED, .now_ns = NS_PER_S});
    for (unsigned i = 1; i < CHAIN; i++)
        chain_add(core, i);
    struct batch_job *first = mem_new(sizeof(*first));
    first->meta.name = text_copy("j0");
    first->meta.namespace_ = text_copy("default");
    first->meta.uid = text_copy("00000000");
    first->queue = text_copy("q");
    first->dependencies = mem_new(sizeof(*first->dependencies));
    first->dependency_count = 1;
    first->dependencies[0].job_name = text_printf("j%u", CHAIN - 1U);
    core_apply(core, &(struct event){.kind = EVENT_JOB, .now_ns = NS_PER_S, .job = first});
    const struct core_job *job = map_get(core->jobs, "00000000");
    CHECK_INT("it has ended", job->ended, 1);
    CHECK_TEXT("named at both ends", job->end_message,
               "dependency cycle: j0 -> j19999 -> j19998 -> j19997 -> j19996 -> j19995 -> j19994 "
               "-> j19993 -> ... (19988 more) -> j4 -> j3 -> j2 -> j1 -> j0; delete one of these "
               "jobs and submit it without the dependency");
}
