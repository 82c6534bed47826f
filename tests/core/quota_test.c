/* SPDX-License-Identifier: Apache-2.0 */
/* quota_test.c - limits of queues, and queues that are drained */
#include "core/world.h"

static const struct world_row rows[] = {
    /* clang-format off */
    {"no more than maxvCpus of a queue run, and the verdict says so",
     "environment e static\n"
     "queue q envs=e most-vcpus=3\n"
     "node n1 env=e cpu=8\n"
     "job a queue=q cpu=2 created=1s\n"
     "job b queue=q cpu=1500m created=2s\n"
     "job c queue=q cpu=1 created=3s\n"
     "why b\n"
     "why c\n"
     "at 10s\n"
     "pod a ok\n",
     "0s start a on n1\n"
     "0s b RUNNABLE QueueLimitReached: needs 1500m of limits.maxvCpus of JobQueue q, 2 of 3 in use; room comes when a running job of the queue ends, or raise the limit\n"
     "0s c RUNNABLE BehindInQueue: earlier jobs of JobQueue q go first\n"
     "10s start b on n1\n"
     "10s start c on n1\n"},
    {"memory",
     "environment e static\n"
     "queue q envs=e most-memory=3Gi\n"
     "node n1 env=e cpu=8 memory=16Gi\n"
     "job a queue=q cpu=1 memory=2Gi created=1s\n"
     "job b queue=q cpu=1 memory=2Gi created=2s\n"
     "why b\n",
     "0s start a on n1\n"
     "0s b RUNNABLE QueueLimitReached: needs 2Gi of limits.maxMemory of JobQueue q, 2Gi of 3Gi in use; room comes when a running job of the queue ends, or raise the limit\n"},
    {"GPUs of every vendor together",
     "environment e static\n"
     "queue q envs=e most-gpus=2\n"
     "node n1 env=e cpu=8 nvidia.com/gpu=4 amd.com/gpu=4\n"
     "job a queue=q cpu=1 nvidia.com/gpu=1 created=1s\n"
     "job b queue=q cpu=1 amd.com/gpu=1 created=2s\n"
     "job c queue=q cpu=1 amd.com/gpu=1 created=3s\n"
     "why c\n",
     "0s start a on n1\n"
     "0s start b on n1\n"
     "0s c RUNNABLE QueueLimitReached: needs 1 of limits.maxGpus of JobQueue q, 2 of 2 in use; room comes when a running job of the queue ends, or raise the limit\n"},
    {"children of an array count one each, and the queue goes on as they end",
     "environment e static\n"
     "queue q envs=e most-jobs=2\n"
     "node n1 env=e cpu=8\n"
     "job a queue=q cpu=1 array=4\n"
     "at 10s\n"
     "pod a/0 ok\n"
     "at 11s\n"
     "why a\n",
     "0s start a/0 on n1\n"
     "0s start a/1 on n1\n"
     "10s start a/2 on n1\n"
     "11s a PENDING QueueLimitReached: 1 of 4 children (3) waits: needs 1 of limits.maxRunningJobs of JobQueue q, 2 of 2 in use; room comes when a running job of the queue ends, or raise the limit\n"},
    {"a job that is larger than a limit does not block the queue",
     "environment e static\n"
     "queue q envs=e most-vcpus=2\n"
     "node n1 env=e cpu=8\n"
     "job a queue=q cpu=4 created=1s\n"
     "job b queue=q cpu=1 created=2s\n"
     "why a\n"
     "at 10s\n"
     "queue q most-vcpus=8\n",
     "0s start b on n1\n"
     "0s a RUNNABLE QueueLimitTooSmall: needs 4, more than limits.maxvCpus of JobQueue q, 2: raise it, or submit to another\n"
     "10s start a on n1\n"},
    {"a lowered limit stops nothing, and nothing more starts",
     "environment e static\n"
     "queue q envs=e most-vcpus=4\n"
     "node n1 env=e cpu=8\n"
     "job a queue=q cpu=1 array=6\n"
     "at 10s\n"
     "queue q most-vcpus=2\n"
     "at 20s\n"
     "pod a/0 ok\n"
     "pod a/1 ok\n"
     "at 30s\n"
     "pod a/2 ok\n",
     "0s start a/0 on n1\n"
     "0s start a/1 on n1\n"
     "0s start a/2 on n1\n"
     "0s start a/3 on n1\n"
     "30s start a/4 on n1\n"},
    {"a restart counts the same",
     "environment e static\n"
     "queue q envs=e most-jobs=2\n"
     "node n1 env=e cpu=8\n"
     "job a queue=q cpu=1 array=4\n"
     "at 10s\n"
     "restart\n"
     "at 20s\n"
     "pod a/0 ok\n",
     "0s start a/0 on n1\n"
     "0s start a/1 on n1\n"
     "20s start a/2 on n1\n"},
    {"a pod counts until it is gone, though its job is deleted",
     "environment e static\n"
     "queue q envs=e most-jobs=1\n"
     "node n1 env=e cpu=8\n"
     "job a queue=q cpu=1 created=1s\n"
     "job b queue=q cpu=1 created=2s\n"
     "at 10s\n"
     "pod a running\n"
     "job a gone\n"
     "at 20s\n",
     "0s start a on n1\n"
     "10s stop a\n"
     "10s start b on n1\n"},
    {"a multi-node job starts when there is enough for all of its nodes, and is one job",
     "environment e static\n"
     "queue q envs=e most-vcpus=4 most-jobs=2\n"
     "node n1 env=e cpu=4\n"
     "node n2 env=e cpu=4\n"
     "node n3 env=e cpu=4\n"
     "node n4 env=e cpu=4\n"
     "job a queue=q cpu=2 created=1s\n"
     "job g queue=q cpu=1 nodes=3 created=2s\n"
     "why g\n"
     "at 10s\n"
     "pod a ok\n"
     "job b queue=q cpu=2 created=10s\n"
     "at 11s\n"
     "why b\n"
     "restart\n"
     "pod g/0 running\n"
     "at 20s\n"
     "job c queue=q cpu=1 created=20s\n"
     "job b gone\n"
     "at 21s\n",
     "0s start a on n1\n"
     "0s g RUNNABLE QueueLimitReached: needs 3 of limits.maxvCpus of JobQueue q, 2 of 4 in use; room comes when a running job of the queue ends, or raise the limit\n"
     "10s start g/0 on n1\n"
     "11s b RUNNABLE QueueLimitReached: needs 2 of limits.maxvCpus of JobQueue q, 3 of 4 in use; room comes when a running job of the queue ends, or raise the limit\n"
     "11s start g/1 on n2\n"
     "11s start g/2 on n3\n"
     "20s start c on n4\n"},
    {"what a limit holds back holds no environment, and no machine is bought for it",
     "environment e kwok max=16 types=small:2:4Gi:0.1\n"
     "queue high envs=e priority=10 most-vcpus=2\n"
     "queue low envs=e priority=1\n"
     "job a queue=high cpu=2 array=3\n"
     "job b queue=low cpu=2\n"
     "at 30s\n"
     "why a\n",
     "0s launch e 2x small\n"
     "10s start a/0 on e-1\n"
     "10s start b on e-2\n"
     "30s a PENDING QueueLimitReached: 2 of 3 children (1-2) wait: needs 2 of limits.maxvCpus of JobQueue high, 2 of 2 in use; room comes when a running job of the queue ends, or raise the limit\n"},
    {"a DRAINING queue goes on with what was submitted before",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=1\n"
     "job a queue=q cpu=1 created=1s\n"
     "job b queue=q cpu=1 created=2s\n"
     "at 10s\n"
     "queue q draining\n"
     "at 20s\n"
     "job c queue=q cpu=1 created=20s\n"
     "pod a ok\n"
     "at 25s\n"
     "why c\n"
     "at 30s\n"
     "restart\n"
     "pod b ok\n"
     "at 40s\n"
     "why c\n"
     "queue q enabled\n"
     "at 41s\n",
     "0s start a on n1\n"
     "20s start b on n1\n"
     "25s c SUBMITTED JobQueueDraining: JobQueue q is DRAINING and takes no job that was submitted after 1970-01-01T00:16:50Z: submit to another, or set its state to ENABLED\n"
     "40s c SUBMITTED JobQueueDraining: JobQueue q is DRAINING and takes no job that was submitted after 1970-01-01T00:16:50Z: submit to another, or set its state to ENABLED\n"
     "40s start c on n1\n"},
    {"an old notice does not open a DRAINING queue, nor is it closed any later",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "at 10s\n"
     "queue q draining\n"
     "at 20s\n"
     "job c queue=q cpu=1 created=20s\n"
     "at 30s\n"
     "queue q was enabled\n"
     "queue q was broken=words\n"
     "queue q priority=1\n"
     "at 40s\n"
     "why c\n",
     "40s c SUBMITTED JobQueueDraining: JobQueue q is DRAINING and takes no job that was submitted after 1970-01-01T00:16:50Z: submit to another, or set its state to ENABLED\n"},
    {"disabled before a pod that was placed is sent: it is not",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "consumable c total=5 spent\n"
     "answer always consumable-status c again\n"
     "job a queue=q cpu=2 takes=c:1\n"
     "at 1s\n"
     "queue q disabled\n"
     "answer consumable-status c ok\n"
     "at 10s\n"
     "why a\n"
     "queue q enabled\n"
     "at 20s\n",
     "10s a RUNNABLE JobQueueDisabled: JobQueue q is DISABLED: it starts nothing until its state is ENABLED again\n"
     "10s start a on n1\n"},
    {"lowered before a pod that was placed is sent: it is not",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "consumable c total=5 spent\n"
     "answer always consumable-status c again\n"
     "job a queue=q cpu=2 takes=c:1\n"
     "at 1s\n"
     "queue q most-vcpus=1\n"
     "answer consumable-status c ok\n"
     "at 10s\n"
     "why a\n"
     "queue q most-vcpus=2\n"
     "at 20s\n",
     "10s a RUNNABLE QueueLimitTooSmall: needs 2, more than limits.maxvCpus of JobQueue q, 1: raise it, or submit to another\n"
     "10s start a on n1\n"},
    {"lowered before a multi-node job's Service is stored: the job is not started",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "node n2 env=e cpu=4\n"
     "job a queue=q cpu=1\n"
     "answer always service-create g-00000002 again\n"
     "job g queue=q cpu=2 nodes=1\n"
     "at 1s\n"
     "queue q most-jobs=1\n"
     "answer service-create g-00000002 ok\n"
     "at 10s\n"
     "why g\n"
     "pod a ok\n"
     "at 20s\n",
     "0s start a on n1\n"
     "10s g RUNNABLE QueueLimitReached: needs 1 of limits.maxRunningJobs of JobQueue q, 1 of 1 in use; room comes when a running job of the queue ends, or raise the limit\n"
     "10s start g/0 on n1\n"},
    {"no node above a maxvCpus that was lowered is kept for the first, which waits for something else",
     "environment e kwok max=8 types=small:4:8Gi:0.05 delay=10s boot=5s\n"
     "policy p reservation=50\n"
     "queue q envs=e policy=p\n"
     "job r queue=q share=a cpu=2 runs=20s\n"
     "at 10s\n"
     "job large queue=q share=a cpu=3\n"
     "at 15s\n"
     "environment e max=2\n"
     "at 100s\n"
     "why large\n",
     "0s launch e 1x small\n"
     "5s start r on e-1\n"
     "15s BEYOND maxvCpus of e: 4\n"
     "16s BEYOND maxvCpus of e: 4\n"
     "20s BEYOND maxvCpus of e: 4\n"
     "25s BEYOND maxvCpus of e: 4\n"
     "35s terminate e i1\n"
     "100s large RUNNABLE MaxvCpusTooSmall: MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - needs cpu 3; e: every instance type that it fits has more vCPUs than maxvCpus, 2\n"},
    {"the only node that the first could run on stays, though a limit keeps it waiting",
     "environment e kwok max=8 types=small:2:8Gi:0.05 delay=10s boot=5s allocatable=1900m\n"
     "queue q envs=e most-vcpus=2\n"
     "job r queue=q cpu=500m\n"
     "at 10s\n"
     "environment e allocatable=2\n"
     "job large queue=q cpu=2\n"
     "job next queue=q cpu=1500m\n"
     "at 100s\n"
     "why large\n",
     "0s launch e 1x small\n"
     "5s start r on e-1\n"
     "10s launch e 1x small\n"
     "100s large RUNNABLE QueueLimitReached: needs 2 of limits.maxvCpus of JobQueue q, 500m of 2 in use; room comes when a running job of the queue ends, or raise the limit\n"},
    {"also the only nodes for the parts of a multi-node job",
     "environment e kwok max=8 types=small:2:8Gi:0.05 delay=10s boot=5s allocatable=1900m\n"
     "queue q envs=e most-vcpus=4\n"
     "job r queue=q cpu=500m\n"
     "at 10s\n"
     "environment e allocatable=2\n"
     "job large queue=q cpu=2 nodes=2\n"
     "job next queue=q cpu=1500m nodes=2\n"
     "at 100s\n"
     "why large\n",
     "0s launch e 1x small\n"
     "5s start r on e-1\n"
     "10s launch e 2x small\n"
     "100s large RUNNABLE QueueLimitReached: needs 4 of limits.maxvCpus of JobQueue q, 500m of 4 in use; room comes when a running job of the queue ends, or raise the limit\n"},
    {"not when computeReservation bars it though nothing runs",
     "environment e kwok max=8 types=small:2:8Gi:0.05 delay=10s boot=5s allocatable=1900m\n"
     "policy p reservation=60\n"
     "queue q envs=e policy=p\n"
     "queue other envs=e\n"
     "job r queue=other cpu=500m\n"
     "at 10s\n"
     "environment e allocatable=2\n"
     "job next queue=other cpu=1500m nodes=2 runs=5s\n"
     "at 16s\n"
     "job large queue=q share=a cpu=2 nodes=2\n"
     "at 18s\n"
     "why large\n"
     "at 100s\n",
     "0s launch e 1x small\n"
     "5s start r on e-1\n"
     "10s launch e 2x small\n"
     "15s start next/0 on e-2\n"
     "15s start next/1 on e-3\n"
     "18s large RUNNABLE ReservedForOtherShares: SchedulingPolicy p keeps 4.800 of 8 vCPUs free for shares that are not active (computeReservation 60, 1 active)\n"
     "30s terminate e i3 i2\n"},
    /* clang-format on */
};

TEST(limits_of_queues)
{
    world_check(rows, ARRAY_LEN(rows), SHOW_PODS | SHOW_MACHINES);
}
