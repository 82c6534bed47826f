/* SPDX-License-Identifier: Apache-2.0 */
/* job_test.c - the life of a job: attempts and retries, requests, what is refused and what waits */
#include "core/world.h"

#include "src/core/internal.h"

#include <stdlib.h>

static const struct world_row rows[] = {
    /* clang-format off */
    {"the life of a job",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "pod a running\n"
     "at 3s\n"
     "pod a ok\n"
     "at 5s\n"
     "jobs\n"
     "pods\n",
     "0s start a on n1\n"
     "2s told a RUNNING Running\n"
     "3s told a SUCCEEDED Succeeded\n"
     "5s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "5s pods\n"},
    {"a failed job says so",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "pod a failed exit=3\n"
     "at 2s\n"
     "why a\n",
     "0s start a on n1\n"
     "1s told a FAILED ContainerFailed\n"
     "2s a FAILED ContainerFailed: Essential container in task exited\n"},
    {"without retries one attempt is all",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "pod a failed exit=1\n"
     "at 2s\n"
     "jobs\n",
     "0s start a on n1\n"
     "1s told a FAILED ContainerFailed\n"
     "2s jobs\n"
     "  a FAILED ContainerFailed attempts=1\n"},
    {"retries until attempts are used up",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 retry=3\n"
     "at 1s\n"
     "pod a failed exit=1\n"
     "at 3s\n"
     "pod a failed exit=1\n"
     "at 5s\n"
     "pod a failed exit=1\n"
     "at 7s\n"
     "jobs\n",
     "0s start a on n1\n"
     "1s start a on n1\n"
     "2s told a STARTING Starting\n"
     "3s start a on n1\n"
     "4s told a STARTING Starting\n"
     "5s told a FAILED ContainerFailed\n"
     "7s jobs\n"
     "  a FAILED ContainerFailed attempts=3\n"},
    {"a retry may succeed",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 retry=2\n"
     "at 1s\n"
     "pod a failed exit=1\n"
     "at 3s\n"
     "pod a ok\n"
     "at 4s\n"
     "jobs\n",
     "0s start a on n1\n"
     "1s start a on n1\n"
     "2s told a STARTING Starting\n"
     "3s told a SUCCEEDED Succeeded\n"
     "4s jobs\n"
     "  a SUCCEEDED Succeeded attempts=2\n"},
    {"the first rule that matches decides: EXIT",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 retry=5 rule=RETRY,exit=1 rule=EXIT,exit=*\n"
     "at 1s\n"
     "pod a failed exit=1\n"
     "at 3s\n"
     "pod a failed exit=2\n"
     "at 4s\n"
     "jobs\n",
     "0s start a on n1\n"
     "1s start a on n1\n"
     "2s told a STARTING Starting\n"
     "3s told a FAILED ContainerFailed\n"
     "4s jobs\n"
     "  a FAILED ContainerFailed attempts=2\n"},
    {"a reason that is absent matches the catch-all",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 retry=5 rule=RETRY,status=Host~EC2* rule=EXIT,reason=*\n"
     "at 1s\n"
     "pod a failed exit=1\n"
     "at 2s\n"
     "jobs\n",
     "0s start a on n1\n"
     "1s told a FAILED ContainerFailed\n"
     "2s jobs\n"
     "  a FAILED ContainerFailed attempts=1\n"},
    {"what no rule matches is retried",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 retry=2 rule=EXIT,exit=9\n"
     "at 1s\n"
     "pod a failed exit=1\n"
     "at 2s\n"
     "jobs\n",
     "0s start a on n1\n"
     "1s start a on n1\n"
     "2s told a STARTING Starting\n"
     "2s jobs\n"
     "  a STARTING attempts=1\n"},
    {"out of memory has AWS's reason",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 retry=5 rule=EXIT,reason=OutOfMemoryError*\n"
     "at 1s\n"
     "pod a failed exit=137 reason=OOMKilled\n"
     "at 2s\n"
     "jobs\n",
     "0s start a on n1\n"
     "1s told a FAILED ContainerFailed\n"
     "2s jobs\n"
     "  a FAILED ContainerFailed attempts=1\n"},
    {"what the kubelet refuses uses no attempt",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "node n2 env=e cpu=2\n"
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "pod a refused OutOfcpu\n"
     "at 2s\n"
     "pod a refused NodeAffinity\n"
     "at 5s\n"
     "pod a ok\n"
     "at 6s\n"
     "jobs\n",
     "0s start a on n1\n"
     "1s start a on n2\n"
     "2s start a on n1\n"
     "2s told a STARTING Starting\n"
     "5s told a SUCCEEDED Succeeded\n"
     "6s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1 refusals=2\n"},
    {"a pod that somebody deletes before it starts uses no attempt",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "pod a gone\n"
     "at 2s\n"
     "jobs\n",
     "0s start a on n1\n"
     "1s start a on n1\n"
     "2s told a STARTING Starting\n"
     "2s jobs\n"
     "  a STARTING refusals=1\n"},
    {"a pod that somebody deletes while it runs was an attempt",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "pod a running\n"
     "at 2s\n"
     "pod a gone\n"
     "at 3s\n"
     "why a\n",
     "0s start a on n1\n"
     "2s told a FAILED HostTerminated\n"
     "3s a FAILED HostTerminated: Host EC2 (instance n1) terminated.\n"},
    {"an eviction is the host's: an attempt, retried by the rule for hosts",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 retry=2 rule=RETRY,status=Host~EC2* rule=EXIT,reason=*\n"
     "at 1s\n"
     "pod a running\n"
     "at 2s\n"
     "pod a evicted\n"
     "at 5s\n"
     "jobs\n",
     "0s start a on n1\n"
     "2s told a RUNNABLE NodesFull\n"
     "3s start a on n1\n"
     "5s jobs\n"
     "  a STARTING attempts=1\n"},
    {"a machine that goes under a running pod is an attempt",
     "environment e kwok max=4 types=m:2:4Gi:1\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 retry=2\n"
     "at 12s\n"
     "pod a running\n"
     "at 20s\n"
     "node e-1 gone\n"
     "machine i1 gone\n"
     "at 45s\n"
     "jobs\n",
     "5s told a RUNNABLE NodesBooting\n"
     "10s start a on e-1\n"
     "13s told a RUNNING Running\n"
     "25s ask for a\n"
     "26s told a RUNNABLE NodesBooting\n"
     "35.1s start a on e-2\n"
     "40.1s told a STARTING Starting\n"
     "45s jobs\n"
     "  a STARTING attempts=1\n"},
    {"a machine that goes before the pod starts uses no attempt",
     "environment e kwok max=4 types=m:2:4Gi:1\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1\n"
     "at 15s\n"
     "node e-1 gone\n"
     "machine i1 gone\n"
     "at 45s\n"
     "jobs\n",
     "5s told a RUNNABLE NodesBooting\n"
     "10s start a on e-1\n"
     "15s told a STARTING Starting\n"
     "20s ask for a\n"
     "21s told a RUNNABLE NodesBooting\n"
     "30.1s start a on e-2\n"
     "35.1s told a STARTING Starting\n"
     "45s jobs\n"
     "  a STARTING refusals=1\n"},
    {"a node's name that another machine has: what ran there is lost",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 retry=2\n"
     "at 1s\n"
     "pod a running\n"
     "at 2s\n"
     "node n1 gone\n"
     "at 3s\n"
     "node n1 env=e cpu=2\n"
     "at 5s\n"
     "jobs\n",
     "0s start a on n1\n"
     "2s told a RUNNING Running\n"
     "3s stop a\n"
     "3s start a on n1\n"
     "4s told a STARTING Starting\n"
     "5s jobs\n"
     "  a STARTING attempts=1\n"},
    {"a timeout stops the attempt and is not retried",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 retry=3 timeout=10s\n"
     "at 1s\n"
     "pod a running\n"
     "at 15s\n"
     "why a\n",
     "0s start a on n1\n"
     "2s told a RUNNING Running\n"
     "12s stop a\n"
     "12s told a FAILED TimedOut\n"
     "15s a FAILED TimedOut: Job attempt duration exceeded timeout\n"},
    {"a pod that ends before its timeout did not time out",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 retry=2 timeout=10s\n"
     "at 1s\n"
     "pod a running\n"
     "at 10s\n"
     "pod a failed exit=1\n"
     "at 11s\n"
     "jobs\n",
     "0s start a on n1\n"
     "2s told a RUNNING Running\n"
     "10s start a on n1\n"
     "11s told a STARTING Starting\n"
     "11s jobs\n"
     "  a STARTING attempts=1\n"},
    {"the kubelet kept the deadline",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 retry=2 timeout=10s\n"
     "at 1s\n"
     "pod a running\n"
     "at 11s\n"
     "pod a deadline\n"
     "at 12s\n"
     "why a\n",
     "0s start a on n1\n"
     "2s told a RUNNING Running\n"
     "11s told a FAILED TimedOut\n"
     "12s a FAILED TimedOut: Job attempt duration exceeded timeout\n"},
    {"an image that cannot be pulled ends the attempt after five minutes",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 retry=2 rule=EXIT,reason=CannotPullContainerError*\n"
     "at 1s\n"
     "pod a waiting ImagePullBackOff\n"
     "at 310s\n"
     "why a\n",
     "0s start a on n1\n"
     "5s told a STARTING Starting\n"
     "300s stop a\n"
     "300s told a FAILED ContainerFailed\n"
     "310s a FAILED ContainerFailed: Task failed to start\n"},
    {"a pod of which its kubelet says nothing ends like one that cannot start",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1\n"
     "at 310s\n"
     "jobs\n",
     "0s start a on n1\n"
     "5s told a STARTING Starting\n"
     "300s stop a\n"
     "300s told a FAILED ContainerFailed\n"
     "310s jobs\n"
     "  a FAILED ContainerFailed attempts=1\n"},
    {"cancelled while it waits",
     "environment e static\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "job a cancel not needed\n"
     "at 2s\n"
     "why a\n",
     "1s told a FAILED Cancelled\n"
     "2s a FAILED Cancelled: not needed\n"},
    {"cancelled while it runs: the attempt may finish it",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 retry=3\n"
     "at 1s\n"
     "pod a running\n"
     "at 2s\n"
     "job a cancel not needed\n"
     "at 3s\n"
     "pod a ok\n"
     "at 4s\n"
     "why a\n",
     "0s start a on n1\n"
     "2s told a RUNNING Running\n"
     "3s told a SUCCEEDED Succeeded\n"
     "4s a SUCCEEDED Succeeded: Essential container in task exited\n"},
    {"cancelled while it runs: no retry",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 retry=3\n"
     "at 1s\n"
     "pod a running\n"
     "at 2s\n"
     "job a cancel not needed\n"
     "at 3s\n"
     "pod a failed exit=4\n"
     "at 4s\n"
     "why a\n",
     "0s start a on n1\n"
     "2s told a RUNNING Running\n"
     "3s told a FAILED ContainerFailed\n"
     "4s a FAILED ContainerFailed: Essential container in task exited\n"},
    {"cancelled while it starts and refused by the kubelet",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "job a cancel not needed\n"
     "at 2s\n"
     "pod a refused OutOfcpu\n"
     "at 3s\n"
     "why a\n",
     "0s start a on n1\n"
     "2s told a FAILED Cancelled\n"
     "3s a FAILED Cancelled: not needed\n"},
    {"terminated while it waits",
     "environment e static\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "job a terminate wrong input\n"
     "at 2s\n"
     "why a\n",
     "1s told a FAILED Terminated\n"
     "2s a FAILED Terminated: wrong input\n"},
    {"terminated while it starts",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 retry=2\n"
     "at 1s\n"
     "job a terminate wrong input\n"
     "at 2s\n"
     "why a\n"
     "jobs\n",
     "0s start a on n1\n"
     "1s stop a\n"
     "1s told a FAILED Terminated\n"
     "2s a FAILED Terminated: wrong input\n"
     "2s jobs\n"
     "  a FAILED Terminated refusals=1\n"},
    {"terminated while it runs",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 retry=2\n"
     "at 1s\n"
     "pod a running\n"
     "at 2s\n"
     "job a terminate wrong input\n"
     "at 3s\n"
     "why a\n"
     "jobs\n",
     "0s start a on n1\n"
     "2s stop a\n"
     "2s told a RUNNING Running\n"
     "2s told a FAILED Terminated\n"
     "3s a FAILED Terminated: wrong input\n"
     "3s jobs\n"
     "  a FAILED Terminated attempts=1\n"},
    {"terminated, but it had succeeded already",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "pod a ok\n"
     "job a terminate too late\n"
     "at 2s\n"
     "why a\n",
     "0s start a on n1\n"
     "1s told a SUCCEEDED Succeeded\n"
     "2s a SUCCEEDED Succeeded: Essential container in task exited\n"},
    {"terminating an array stops what runs and fails what waits",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 array=4\n"
     "at 1s\n"
     "pod a/0 ok\n"
     "pod a/1 running\n"
     "at 2s\n"
     "job a terminate enough\n"
     "at 3s\n"
     "jobs\n"
     "why a\n",
     "0s start a/0 on n1\n"
     "0s start a/1 on n1\n"
     "1s start a/2 on n1\n"
     "2s stop a/1\n"
     "2s stop a/2\n"
     "2s told a PENDING Running\n"
     "2s told a FAILED Terminated\n"
     "3s jobs\n"
     "  a FAILED Terminated 1 SUCCEEDED 3 FAILED\n"
     "3s a FAILED Terminated: enough\n"},
    {"cancelling an array lets what runs finish",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 array=4\n"
     "at 1s\n"
     "pod a/0 running\n"
     "pod a/1 running\n"
     "at 2s\n"
     "job a cancel enough\n"
     "at 3s\n"
     "jobs\n"
     "pod a/0 ok\n"
     "pod a/1 ok\n"
     "at 4s\n"
     "why a\n",
     "0s start a/0 on n1\n"
     "0s start a/1 on n1\n"
     "2s told a PENDING Running\n"
     "3s jobs\n"
     "  a 2 RUNNING 2 FAILED\n"
     "3s told a FAILED Cancelled\n"
     "4s a FAILED Cancelled: enough\n"},
    {"deleted while it runs: its pod is stopped and released",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=2\n"
     "at 1s\n"
     "pod a running\n"
     "at 2s\n"
     "job a gone\n"
     "at 3s\n"
     "jobs\n"
     "pods\n",
     "0s start a on n1\n"
     "2s stop a\n"
     "2s start b on n1\n"
     "3s jobs\n"
     "  b STARTING\n"
     "3s pods\n"
     "  b pending on n1\n"},
    {"deleted while it waits",
     "environment e static\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "job a gone\n"
     "at 2s\n"
     "jobs\n",
     "2s jobs\n"},
    {"a spec that is invalid fails at once",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 invalid=spec.retryStrategy.attempts:~0,~expected~1..10\n"
     "why a\n",
     "0s told a FAILED InvalidSpec\n"
     "0s a FAILED InvalidSpec: spec.retryStrategy.attempts: 0, expected 1..10\n"},
    {"a template that cannot be served fails at once",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 nodes=2 needs=resourceClaims\n"
     "why a\n",
     "0s told a FAILED UnsupportedTemplate\n"
     "0s a FAILED UnsupportedTemplate: a multi-node job is placed whole and without the cluster's scheduler, which resourceClaims of its template needs\n"},
    {"a queue that is missing is waited for",
     "environment e static\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1\n"
     "why a\n"
     "at 1s\n"
     "queue q envs=e\n",
     "0s a SUBMITTED JobQueueMissing: JobQueue q does not exist: create it, or submit to another\n"
     "1s start a on n1\n"},
    {"a queue that does not decode is waited for",
     "environment e static\n"
     "queue q envs=e broken=spec.priority:~2000,~expected~0..1000\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1\n"
     "why a\n"
     "at 1s\n"
     "queue q broken=\n",
     "0s a SUBMITTED JobQueueInvalid: JobQueue q is invalid: spec.priority: 2000, expected 0..1000\n"
     "1s start a on n1\n"},
    {"a queue that is deleted while a job waits in it",
     "environment e static\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "queue q gone\n"
     "why a\n",
     "1s a RUNNABLE JobQueueMissing: its JobQueue was deleted: create it again\n"},
    {"a queue that goes in the turn in which a job comes",
     "environment e static\n"
     "queue q envs=e\n"
     "at 1s\n"
     "job a queue=q cpu=1\n"
     "queue q gone\n"
     "why a\n",
     "1s a RUNNABLE JobQueueMissing: its JobQueue was deleted: create it again\n"},
    {"a queue that is broken in the turn in which a job comes",
     "environment e static\n"
     "queue q envs=e\n"
     "at 1s\n"
     "job a queue=q cpu=1\n"
     "queue q broken=spec.priority:~2000\n"
     "why a\n",
     "1s a RUNNABLE JobQueueInvalid: spec.priority: 2000\n"},
    {"a definition that is missing is waited for",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q definition=d\n"
     "why a\n"
     "at 1s\n"
     "definition d cpu=1\n",
     "0s a SUBMITTED JobDefinitionMissing: JobDefinition d does not exist in namespace default\n"
     "1s start a on n1\n"},
    {"an invalid definition fails the job",
     "environment e static\n"
     "queue q envs=e\n"
     "definition d cpu=1 invalid=spec.timeout:~0\n"
     "job a queue=q definition=d\n"
     "why a\n",
     "0s told a FAILED InvalidDefinition\n"
     "0s a FAILED InvalidDefinition: JobDefinition d is invalid: spec.timeout: 0\n"},
    {"retries and timeout are the definition's unless the job has its own",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "definition d cpu=1 retry=2 timeout=10s\n"
     "job a queue=q definition=d\n"
     "job b queue=q definition=d retry=1 timeout=60s\n"
     "at 1s\n"
     "pod a failed exit=1\n"
     "pod b failed exit=1\n"
     "at 2s\n"
     "jobs\n"
     "pod a running\n"
     "at 15s\n"
     "why a\n",
     "0s start a on n1\n"
     "0s start b on n1\n"
     "1s start a on n1\n"
     "1s told b FAILED ContainerFailed\n"
     "2s told a STARTING Starting\n"
     "2s jobs\n"
     "  a STARTING attempts=1\n"
     "  b FAILED ContainerFailed attempts=1\n"
     "3s told a RUNNING Running\n"
     "13s stop a try 2\n"
     "13s told a FAILED TimedOut\n"
     "15s a FAILED TimedOut: Job attempt duration exceeded timeout\n"},
    {"a disabled queue starts nothing; what runs goes on",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=1\n"
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1\n"
     "at 1s\n"
     "queue q disabled\n"
     "pod a ok\n"
     "at 2s\n"
     "jobs\n"
     "why b\n"
     "at 3s\n"
     "queue q enabled\n",
     "0s start a on n1\n"
     "1s told a SUCCEEDED Succeeded\n"
     "2s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b RUNNABLE\n"
     "2s b RUNNABLE JobQueueDisabled: JobQueue q is DISABLED: it starts nothing until its state is ENABLED again\n"
     "3s start b on n1\n"},
    {"a queue takes jobs of its namespaces only",
     "environment e static ns=default,team\n"
     "queue q envs=e ns=team\n"
     "node n1 env=e cpu=1\n"
     "job a queue=q cpu=1\n"
     "why a\n"
     "at 1s\n"
     "queue q ns=team,default\n",
     "0s a SUBMITTED NamespaceNotAllowed: JobQueue q takes no jobs from namespace default: add it to spec.kubernetesNamespaces of the queue\n"
     "1s start a on n1\n"},
    {"without namespaces of its own, those that its environments serve",
     "environment e static ns=team\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=1\n"
     "job a queue=q cpu=1\n"
     "why a\n",
     "0s a SUBMITTED NamespaceNotAllowed: JobQueue q takes no jobs from namespace default: add it to spec.kubernetesNamespaces of the queue\n"},
    {"a template that the server refuses fails the job with the server's words",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "answer create a refused unknown~field~spec.containerz\n"
     "job a queue=q cpu=1\n"
     "why a\n",
     "0s start a on n1\n"
     "0s told a FAILED PodRefused\n"
     "0s a FAILED PodRefused: the API server refused the pod: unknown field spec.containerz\n"},
    {"a template is tried before there is room for it",
     "environment e static\n"
     "queue q envs=e\n"
     "answer check a refused unknown~field~spec.containerz\n"
     "job a queue=q cpu=1\n"
     "why a\n",
     "0s told a FAILED PodRefused\n"
     "0s a FAILED PodRefused: the API server refused the pod: unknown field spec.containerz\n"},
    {"a quota that is used up is waited for, longer each time",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "answer always create a quota exceeded~quota:~pods\n"
     "job a queue=q cpu=1\n"
     "why a\n"
     "at 5s\n"
     "why a\n"
     "answer create a ok\n"
     "at 10s\n"
     "jobs\n",
     "0s start a on n1\n"
     "0s a RUNNABLE QuotaExceeded: a ResourceQuota of the namespace is used up: exceeded quota: pods\n"
     "1s start a on n1\n"
     "3s start a on n1\n"
     "5s told a RUNNABLE QuotaExceeded\n"
     "5s a RUNNABLE QuotaExceeded: a ResourceQuota of the namespace is used up: exceeded quota: pods\n"
     "7s start a on n1\n"
     "10s jobs\n"
     "  a STARTING\n"},
    {"a right that we lack is told",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "answer create a forbidden pods~is~forbidden\n"
     "job a queue=q cpu=1\n"
     "why a\n"
     "at 6s\n"
     "jobs\n",
     "0s start a on n1\n"
     "0s a RUNNABLE Forbidden: the controller may not create pods here: pods is forbidden\n"
     "5s start a on n1\n"
     "5s told a STARTING Starting\n"
     "6s jobs\n"
     "  a STARTING\n"},
    {"a create that could not be sent is sent again",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "answer create a again connection~refused\n"
     "job a queue=q cpu=1\n"
     "at 2s\n"
     "jobs\n",
     "0s start a on n1\n"
     "1s start a on n1\n"
     "2s jobs\n"
     "  a STARTING\n"},
    /* clang-format on */
};

TEST(life_of_a_job)
{
    world_check(rows, ARRAY_LEN(rows), SHOW_PODS | SHOW_STATUS);
}

/* ------------------------------------------------------------------ evaluateOnExit */

static const struct {
    const char *name, *pattern, *text;
    bool want;
} globs[] = {
    /* clang-format off */
    {"no pattern matches anything",             NULL,       "x",           true},
    {"no pattern matches what is absent",       NULL,       NULL,          true},
    {"the same text",                           "1",        "1",           true},
    {"not a part of it",                        "1",        "12",          false},
    {"a prefix",                                "Host EC2*","Host EC2 (instance i1) terminated.", true},
    {"a prefix that is the whole",              "Host*",    "Host",        true},
    {"another prefix",                          "Host*",    "Task failed", false},
    {"a star alone matches anything",           "*",        "Error",       true},
    {"a star alone matches what is absent",     "*",        NULL,          true},
    {"a text does not match what is absent",    "Error",    NULL,          false},
    {"a star in the middle is a plain star",    "a*c",      "abc",         false},
    {"a star in the middle before the last",    "a*c*",     "a*cd",        true},
    {"upper and lower case are different",      "host*",    "Host EC2",    false},
    {"an empty pattern matches what is absent", "",         NULL,          true},
    {"an empty pattern matches nothing else",   "",         "x",           false},
    /* clang-format on */
};

TEST(glob_of_aws)
{
    for (size_t i = 0; i < ARRAY_LEN(globs); i++)
        CHECK_INT(globs[i].name, glob_matches(globs[i].pattern, globs[i].text), globs[i].want);
}

static const struct {
    const char *name;
    int64_t attempts; /* 0: not given */
    struct exit_rule rules[2];
    size_t rule_count;
    struct outcome outcome;
    int64_t done;
    bool want;
} retries[] = {
    /* clang-format off */
    {"one attempt unless more are given", 0, {{0}}, 0, {.attempt = true}, 1, false},
    {"another attempt is left", 2, {{0}}, 0, {.attempt = true}, 1, true},
    {"none is left", 2, {{0}}, 0, {.attempt = true}, 2, false},
    {"none is left, whatever a rule says", 2, {{.retry = true}}, 1, {.attempt = true}, 2, false},
    {"what is final is not retried", 5, {{.retry = true}}, 1, {.final_ = true}, 1, false},
    {"a rule without conditions matches", 5, {{.retry = false}}, 1, {.attempt = true}, 1, false},
    {"exit code as text", 5, {{.on_exit_code = (char *)"13*", .retry = false}}, 1,
     {.exit_code = {true, 137}}, 1, false},
    {"no exit code is an empty text", 5, {{.on_exit_code = (char *)"0", .retry = false}}, 1,
     {.attempt = true}, 1, true},
    {"all conditions of a rule must match", 5,
     {{.on_exit_code = (char *)"1", .on_reason = (char *)"Out*", .retry = false}}, 1,
     {.exit_code = {true, 1}}, 1, true},
    {"the first rule that matches decides", 5,
     {{.on_exit_code = (char *)"1", .retry = false}, {.retry = true}}, 2,
     {.exit_code = {true, 1}}, 1, false},
    {"rules before it are passed over", 5,
     {{.on_exit_code = (char *)"2", .retry = true}, {.retry = false}}, 2,
     {.exit_code = {true, 1}}, 1, false},
    /* clang-format on */
};

TEST(retry_is_wanted)
{
    for (size_t i = 0; i < ARRAY_LEN(retries); i++) {
        struct retry_strategy retry = {.rule_count = retries[i].rule_count};
        if (retries[i].attempts > 0)
            retry.attempts = OPT_I64(retries[i].attempts);
        for (size_t r = 0; r < retry.rule_count; r++)
            retry.rules[r] = retries[i].rules[r];
        CHECK_INT(retries[i].name, retry_wanted(&retry, &retries[i].outcome, retries[i].done),
                  retries[i].want);
    }
    CHECK_INT("without a strategy", retry_wanted(NULL, &(struct outcome){.attempt = true}, 1), 0);
}

/* --------------------------------------------------------- what the end of a pod means */

static const struct {
    const char *name;
    struct pod seen;
    enum kill_reason kill;
    bool started; /* known before */
    enum outcome_kind want;
    bool want_attempt, want_final;
    const char *want_status, *want_reason;
} ends[] = {
    /* clang-format off */
    {"it succeeded", {.phase = POD_SUCCEEDED, .containers_started = true}, KILL_NONE, true,
     OUTCOME_SUCCEEDED, true, false, "Essential container in task exited", NULL},
    {"it succeeded although it was to be stopped", {.phase = POD_SUCCEEDED}, KILL_TERMINATE, true,
     OUTCOME_SUCCEEDED, true, false, "Essential container in task exited", NULL},
    {"it failed", {.phase = POD_FAILED, .containers_started = true, .exit_count = 1,
      .exits = &(struct container_exit){.exit_code = 3, .reason = (char *)"Error"}}, KILL_NONE, true,
     OUTCOME_FAILED, true, false, "Essential container in task exited", NULL},
    {"out of memory", {.phase = POD_FAILED, .containers_started = true, .exit_count = 1,
      .exits = &(struct container_exit){.exit_code = 137, .reason = (char *)"OOMKilled"}},
     KILL_NONE, true, OUTCOME_FAILED, true, false, "Essential container in task exited",
     "OutOfMemoryError: Container killed due to memory usage"},
    {"its command is not there", {.phase = POD_FAILED, .containers_started = true, .exit_count = 1,
      .exits = &(struct container_exit){.exit_code = 127, .reason = (char *)"StartError",
                                        .message = (char *)"no such file"}}, KILL_NONE, true,
     OUTCOME_FAILED, true, false, "Essential container in task exited",
     "CannotStartContainerError: no such file"},
    {"refused by the kubelet", {.phase = POD_FAILED, .reason = (char *)"OutOfmemory",
      .message = (char *)"Node didn't have enough resource"}, KILL_NONE, false,
     OUTCOME_REFUSED, false, false, "OutOfmemory: Node didn't have enough resource", NULL},
    {"evicted before it started", {.phase = POD_FAILED, .reason = (char *)"Evicted"}, KILL_NONE,
     false, OUTCOME_LOST, false, false, "Evicted", NULL},
    {"evicted while it ran", {.phase = POD_FAILED, .reason = (char *)"Evicted",
      .containers_started = true}, KILL_NONE, true,
     OUTCOME_LOST, true, false, "Host EC2 (instance unknown) terminated.", NULL},
    {"a kubelet did not take its running pod back", {.phase = POD_FAILED,
      .reason = (char *)"NodeAffinity"}, KILL_NONE, true,
     OUTCOME_LOST, true, false, "Host EC2 (instance unknown) terminated.", NULL},
    {"gone with its node before it ended", {.phase = POD_RUNNING, .containers_started = true},
     KILL_NONE, true, OUTCOME_LOST, true, false, "Host EC2 (instance unknown) terminated.", NULL},
    {"stopped before it started", {.phase = POD_FAILED}, KILL_NONE, false,
     OUTCOME_LOST, false, false, "the pod was deleted before it started", NULL},
    {"its deadline was kept by the kubelet", {.phase = POD_FAILED, .deadline = true,
      .containers_started = true}, KILL_NONE, true,
     OUTCOME_FAILED, true, true, "Job attempt duration exceeded timeout", NULL},
    {"its deadline came before its start", {.phase = POD_FAILED, .deadline = true}, KILL_NONE,
     false, OUTCOME_FAILED, true, false, "Task failed to start", NULL},
    {"stopped for its timeout", {.phase = POD_FAILED, .containers_started = true}, KILL_TIMEOUT,
     true, OUTCOME_FAILED, true, true, "Job attempt duration exceeded timeout", NULL},
    {"to be stopped for its timeout, but its machine died", {.phase = POD_FAILED,
      .disruption = (char *)"DeletionByPodGC"}, KILL_TIMEOUT, true,
     OUTCOME_LOST, true, false, "Host EC2 (instance unknown) terminated.", NULL},
    /* clang-format on */
};

TEST(end_of_a_pod)
{
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        struct core_pod pod = {.kill = ends[i].kill, .started = ends[i].started};
        struct outcome outcome;
        outcome_read(&pod, &ends[i].seen, &outcome);
        CHECK_INT(ends[i].name, outcome.kind, ends[i].want);
        CHECK_INT(ends[i].name, outcome.attempt, ends[i].want_attempt);
        CHECK_INT(ends[i].name, outcome.final_, ends[i].want_final);
        CHECK_TEXT(ends[i].name, outcome.status_reason, ends[i].want_status);
        CHECK_TEXT(ends[i].name, outcome.reason, ends[i].want_reason);
        free(outcome.reason);
        free(outcome.status_reason);
        free(outcome.message);
    }
}
