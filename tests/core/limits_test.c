/* SPDX-License-Identifier: Apache-2.0 */
/* limits_test.c - what cannot start is ended, what waits too long is cancelled, what ended long ago
 * is deleted */
#include "core/world.h"

static const struct world_row rows[] = {
    /* clang-format off */
    {"what fits nothing is cancelled after the time of that reason",
     "environment e kwok max=8 types=small:1:2Gi:0.05\n"
     "queue q envs=e limits=fit:60s,capacity:10s\n"
     "job a queue=q cpu=6\n"
     "at 100s\n"
     "why a\n",
     "5s told a RUNNABLE DoesNotFit\n"
     "60s told a FAILED Cancelled\n"
     "100s a FAILED Cancelled: Canceled by JobStateTimeLimit action due to reason: MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT\n"},
    {"no action for the reason: it waits",
     "environment e kwok max=8 types=small:1:2Gi:0.05\n"
     "queue q envs=e limits=capacity:60s\n"
     "job a queue=q cpu=6\n"
     "at 100s\n",
     "5s told a RUNNABLE DoesNotFit\n"},
    {"maxvCpus below every type that it fits",
     "environment e kwok max=2 types=small:1:2Gi:0.05,large:4:8Gi:0.18\n"
     "queue q envs=e limits=fit:10s,max:60s\n"
     "job a queue=q cpu=3\n"
     "at 50s\n"
     "why a\n"
     "at 100s\n",
     "5s told a RUNNABLE MaxvCpusTooSmall\n"
     "50s a RUNNABLE MaxvCpusTooSmall: MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - needs cpu 3; e: every instance type that it fits has more vCPUs than maxvCpus, 2\n"
     "60s told a FAILED Cancelled\n"},
    {"the time begins anew when something else kept it meanwhile",
     "environment e kwok max=2 types=small:1:2Gi:0.05,large:4:8Gi:0.18\n"
     "queue q envs=e limits=max:60s\n"
     "job a queue=q cpu=3\n"
     "at 40s\n"
     "environment e disabled\n"
     "at 45s\n"
     "environment e enabled\n"
     "at 90s\n"
     "jobs\n"
     "at 110s\n"
     "jobs\n",
     "5s told a RUNNABLE MaxvCpusTooSmall\n"
     "45s told a RUNNABLE NodesRequested\n"
     "50s told a RUNNABLE MaxvCpusTooSmall\n"
     "90s jobs\n"
     "  a RUNNABLE\n"
     "105s told a FAILED Cancelled\n"
     "110s jobs\n"
     "  a FAILED Cancelled\n"},
    {"a restart does not give it more time",
     "environment e kwok max=2 types=small:1:2Gi:0.05,large:4:8Gi:0.18\n"
     "queue q envs=e limits=max:60s\n"
     "job a queue=q cpu=3\n"
     "at 30s\n"
     "restart\n"
     "at 100s\n",
     "5s told a RUNNABLE MaxvCpusTooSmall\n"
     "60s told a FAILED Cancelled\n"},
    {"a limit that is set later holds from when the wait began",
     "environment e kwok max=2 types=small:1:2Gi:0.05,large:4:8Gi:0.18\n"
     "queue q envs=e\n"
     "job a queue=q cpu=3\n"
     "at 30s\n"
     "queue q limits=max:40s\n"
     "at 100s\n",
     "5s told a RUNNABLE MaxvCpusTooSmall\n"
     "35s told a RUNNABLE MaxvCpusTooSmall\n"
     "40s told a FAILED Cancelled\n"},
    {"deleted after its time",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 ttl=30s\n"
     "at 1s\n"
     "pod a ok\n"
     "at 100s\n"
     "jobs\n",
     "1s told a SUCCEEDED Succeeded\n"
     "31s delete job a\n"
     "100s jobs\n"},
    {"the queue's time, and the job's own before it",
     "environment e static\n"
     "queue q envs=e ttl=10s\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1 ttl=0s\n"
     "at 1s\n"
     "pod a ok\n"
     "pod b failed\n"
     "at 100s\n",
     "1s told a SUCCEEDED Succeeded\n"
     "1s told b FAILED ContainerFailed\n"
     "1s delete job b\n"
     "11s delete job a\n"},
    {"nobody says anything: it stays",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "pod a ok\n"
     "at 10000s\n"
     "jobs\n",
     "1s told a SUCCEEDED Succeeded\n"
     "10000s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"},
    {"a time that is set after the end",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "pod a ok\n"
     "at 50s\n"
     "job a ttl=10s\n"
     "at 60s\n",
     "1s told a SUCCEEDED Succeeded\n"
     "50s delete job a\n"},
    {"a restart knows when it ended",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 ttl=30s\n"
     "at 1s\n"
     "pod a ok\n"
     "at 20s\n"
     "restart\n"
     "at 100s\n",
     "1s told a SUCCEEDED Succeeded\n"
     "31s delete job a\n"},
    {"who waits for it has taken note before it goes",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=1\n"
     "job a queue=q cpu=1 ttl=0s\n"
     "job c queue=q cpu=1 after=a\n"
     "at 1s\n"
     "pod a ok\n"
     "at 9s\n"
     "restart\n"
     "at 20s\n"
     "jobs\n",
     "1s told a SUCCEEDED Succeeded\n"
     "2s told c STARTING Starting\n"
     "3s delete job a\n"
     "20s jobs\n"
     "  c STARTING\n"},
    {"a delete that is refused is tried again",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 ttl=0s\n"
     "answer job-delete a again\n"
     "at 1s\n"
     "pod a ok\n"
     "at 20s\n"
     "jobs\n",
     "1s told a SUCCEEDED Succeeded\n"
     "1s delete job a\n"
     "2s delete job a\n"
     "20s jobs\n"},
    /* clang-format on */
};

static const struct world_row starts[] = {
    /* clang-format off */
    {"the job's own start deadline, and the kubelet's words as the reason",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 start=20s retry=3 "
     "rule=EXIT,reason=CannotStartContainerError:~CreateContainerConfigError:~secret~x*\n"
     "at 1s\n"
     "pod a waiting CreateContainerConfigError words=secret~x~not~found\n"
     "at 60s\n"
     "why a\n",
     "0s start a on n1\n"
     "5s told a STARTING Starting\n"
     "20s stop a\n"
     "20s told a FAILED ContainerFailed\n"
     "60s a FAILED ContainerFailed: Task failed to start\n"},
    {"also when it could not be stopped, and the kubelet ended it",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 start=20s retry=3 "
     "rule=EXIT,reason=CannotStartContainerError:~CreateContainerConfigError:~secret~x*\n"
     "at 1s\n"
     "pod a waiting CreateContainerConfigError words=secret~x~not~found\n"
     "answer delete a again busy\n"
     "at 20.5s\n"
     "pod a deadline\n"
     "at 60s\n"
     "why a\n",
     "0s start a on n1\n"
     "5s told a STARTING Starting\n"
     "20s stop a\n"
     "20.5s told a FAILED ContainerFailed\n"
     "60s a FAILED ContainerFailed: Task failed to start\n"},
    {"somebody deleted it before its deadline, heard of after: it is no attempt",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 start=20s\n"
     "at 1s\n"
     "answer delete a never\n"
     "at 21s\n"
     "pod a deleting ago=15\n"
     "pod a stopped\n"
     "at 22s\n"
     "jobs\n",
     "0s start a on n1\n"
     "5s told a STARTING Starting\n"
     "20s stop a\n"
     "21s start a on n1\n"
     "22s told a STARTING Starting\n"
     "22s jobs\n"
     "  a STARTING refusals=1\n"},
    {"an image that does not come is tried again as often as the strategy says",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 start=20s retry=2\n"
     "at 1s\n"
     "pod a waiting ErrImagePull words=no~such~image\n"
     "at 30s\n"
     "pod a waiting ImagePullBackOff\n"
     "at 60s\n"
     "why a\n",
     "0s start a on n1\n"
     "5s told a STARTING Starting\n"
     "20s stop a\n"
     "20s start a on n1\n"
     "21s told a STARTING Starting\n"
     "35s told a STARTING Starting\n"
     "40s stop a try 2\n"
     "40s told a FAILED ContainerFailed\n"
     "60s a FAILED ContainerFailed: Task failed to start\n"},
    {"a volume that does not mount",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 start=20s retry=2 "
     "rule=EXIT,reason=CannotStartContainerError:~ContainerCreating:~a~volume*\n"
     "at 1s\n"
     "pod a waiting ContainerCreating\n"
     "at 60s\n",
     "0s start a on n1\n"
     "5s told a STARTING Starting\n"
     "20s stop a\n"
     "20s told a FAILED ContainerFailed\n"},
    {"a volume that does not mount under init containers",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 start=20s\n"
     "at 1s\n"
     "pod a waiting PodInitializing\n"
     "at 60s\n",
     "0s start a on n1\n"
     "5s told a STARTING Starting\n"
     "20s stop a\n"
     "20s told a FAILED ContainerFailed\n"},
    {"an init container may work as long as it likes",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 start=20s\n"
     "at 1s\n"
     "pod a waiting PodInitializing init\n"
     "at 60s\n"
     "jobs\n",
     "0s start a on n1\n"
     "5s told a STARTING Starting\n"
     "60s jobs\n"
     "  a STARTING\n"},
    {"what ended before it was told to go was no attempt",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 start=20s\n"
     "answer delete a again\n"
     "at 20.5s\n"
     "pod a unknown\n"
     "at 22s\n"
     "jobs\n",
     "0s start a on n1\n"
     "5s told a STARTING Starting\n"
     "20s stop a\n"
     "20.5s start a on n1\n"
     "21.5s told a STARTING Starting\n"
     "22s jobs\n"
     "  a STARTING refusals=1\n"},
    {"what was told to go was one, whatever becomes of its machine, and who looks at it",
     "environment e kwok max=4 types=m:2:4Gi:0.1 boot=5s\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 start=20s retry=3\n"
     "answer always delete a again\n"
     "at 26s\n"
     "pod a deleting\n"
     "at 28s\n"
     "restart\n"
     "at 30s\n"
     "machine i1 gone\n"
     "node e-1 gone\n"
     "at 50s\n"
     "jobs\n",
     "5s start a on e-1\n"
     "5s told a STARTING Starting\n"
     "25s stop a\n"
     "26s stop a\n"
     "35s ask for a\n"
     "36s told a RUNNABLE NodesBooting\n"
     "40.1s start a on e-2\n"
     "45.1s told a STARTING Starting\n"
     "50s jobs\n"
     "  a STARTING attempts=1\n"},
    /* clang-format on */
};

TEST(starts)
{
    world_check(starts, ARRAY_LEN(starts), SHOW_PODS | SHOW_STATUS);
}

TEST(limits)
{
    world_check(rows, ARRAY_LEN(rows), SHOW_STATUS);
}
