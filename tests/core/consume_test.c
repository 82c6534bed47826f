/* SPDX-License-Identifier: Apache-2.0 */
/* consume_test.c - consumable resources: taken, waited for, given back, used up */
#include "core/world.h"

#define HOUSE                                                                                      \
    "environment e static\n"                                                                       \
    "queue q envs=e\n"                                                                             \
    "node n1 env=e cpu=8\n"

static const struct world_row rows[] = {
    /* clang-format off */
    {"what a pod takes is held until it has ended, and the next one waits for it",
     HOUSE
     "consumable lic total=3\n"
     "job a queue=q cpu=1 takes=lic:2\n"
     "job b queue=q cpu=1 takes=lic:2\n"
     "job c queue=q cpu=1\n"
     "at 6s\n"
     "why b\n"
     "why c\n"
     "pod a ok\n"
     "at 7s\n"
     "jobs\n",
     "0s start a on n1\n"
     "6s b RUNNABLE ConsumableResourceInUse: needs 2 of ConsumableResource lic, 1 of 3 free; held by default/a (2)\n"
     "6s c RUNNABLE BehindInQueue: earlier jobs of JobQueue q go first\n"
     "6s start b on n1\n"
     "6s start c on n1\n"
     "7s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b STARTING\n"
     "  c STARTING\n"},
    {"a child of an array takes for itself",
     HOUSE
     "consumable lic total=5\n"
     "job a queue=q cpu=1 array=4 takes=lic:2\n"
     "at 6s\n"
     "why a\n"
     "pod a/0 failed exit=1\n"
     "at 7s\n"
     "pod a/1 ok\n"
     "at 8s\n"
     "jobs\n",
     "0s start a/0 on n1\n"
     "0s start a/1 on n1\n"
     "6s a PENDING ConsumableResourceInUse: 2 of 4 children (2-3) wait: needs 2 of ConsumableResource lic, 1 of 5 free; held by default/a (4)\n"
     "6s start a/2 on n1\n"
     "7s start a/3 on n1\n"
     "8s jobs\n"
     "  a 2 STARTING 1 SUCCEEDED 1 FAILED\n"},
    {"a definition says what is taken, and a job may say otherwise",
     HOUSE
     "consumable lic total=1\n"
     "definition d cpu=1 takes=lic:1\n"
     "job a queue=q definition=d\n"
     "job b queue=q definition=d takes=\n"
     "job c queue=q definition=d\n"
     "at 1s\n"
     "jobs\n",
     "0s start a on n1\n"
     "0s start b on n1\n"
     "1s jobs\n"
     "  a STARTING\n"
     "  b STARTING\n"
     "  c RUNNABLE\n"},
    {"more than there can ever be: told at once, and nobody waits behind it",
     HOUSE
     "consumable lic total=3\n"
     "job a queue=q cpu=1 takes=lic:4\n"
     "job b queue=q cpu=1 takes=lic:1\n"
     "at 1s\n"
     "why a\n"
     "consumable lic total=5\n"
     "at 2s\n"
     "jobs\n",
     "0s start b on n1\n"
     "1s a RUNNABLE ConsumableResourceTooSmall: MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - needs 4 of ConsumableResource lic, of which there are 3: raise its totalQuantity\n"
     "1s start a on n1\n"
     "2s jobs\n"
     "  a STARTING\n"
     "  b STARTING\n"},
    {"a resource that is missing, being deleted, or not for the namespace",
     HOUSE
     "consumable team total=1 ns=team\n"
     "job a queue=q cpu=1 takes=lic:1\n"
     "job b queue=q cpu=1 takes=team:1\n"
     "at 1s\n"
     "why a\n"
     "why b\n"
     "consumable lic total=1\n"
     "at 2s\n"
     "consumable lic deleting\n"
     "job c queue=q cpu=1 takes=lic:1\n"
     "at 3s\n"
     "why c\n"
     "pod a ok\n"
     "at 5s\n"
     "why c\n",
     "1s a RUNNABLE ConsumableResourceMissing: ConsumableResource lic does not exist: create it\n"
     "1s b RUNNABLE NamespaceNotAllowed: ConsumableResource team is not for namespace default: add it to spec.kubernetesNamespaces of the resource\n"
     "1s start a on n1\n"
     "3s c RUNNABLE ConsumableResourceMissing: ConsumableResource lic is being deleted: create it again\n"
     "5s c RUNNABLE ConsumableResourceMissing: ConsumableResource lic does not exist: create it\n"},
    {"lowered under what is in use: what runs goes on, nothing is taken until enough is back",
     HOUSE
     "consumable lic total=4\n"
     "job a queue=q cpu=1 array=4 takes=lic:1\n"
     "job b queue=q cpu=1 takes=lic:1\n"
     "at 1s\n"
     "consumable lic total=2 lowered\n"
     "pod a/0 ok\n"
     "pod a/1 ok\n"
     "at 2s\n"
     "why b\n"
     "pod a/2 ok\n"
     "at 3s\n"
     "jobs\n",
     "0s start a/0 on n1\n"
     "0s start a/1 on n1\n"
     "0s start a/2 on n1\n"
     "0s start a/3 on n1\n"
     "2s b RUNNABLE ConsumableResourceInUse: needs 1 of ConsumableResource lic, 0 of 2 free; held by default/a (2)\n"
     "2s start b on n1\n"
     "3s jobs\n"
     "  a 1 STARTING 3 SUCCEEDED\n"
     "  b STARTING\n"},
    {"a head that waits for it blocks its queue only",
     HOUSE
     "queue r envs=e\n"
     "consumable lic total=1\n"
     "job a queue=q cpu=1 takes=lic:1\n"
     "job b queue=q cpu=1 takes=lic:1\n"
     "job c queue=q cpu=1\n"
     "job d queue=r cpu=1\n"
     "at 1s\n"
     "jobs\n"
     "job b cancel no longer needed\n"
     "at 2s\n"
     "jobs\n",
     "0s start a on n1\n"
     "0s start d on n1\n"
     "1s jobs\n"
     "  a STARTING\n"
     "  b RUNNABLE\n"
     "  c RUNNABLE\n"
     "  d STARTING\n"
     "1s start c on n1\n"
     "2s jobs\n"
     "  a STARTING\n"
     "  b FAILED Cancelled\n"
     "  c STARTING\n"
     "  d STARTING\n"},
    {"a head that no environment would take keeps nothing from queues of lower priority",
     "environment e static\n"
     "node n1 env=e cpu=4\n"
     "queue high envs=gone priority=10\n"
     "queue low envs=e\n"
     "consumable lic total=2\n"
     "job a queue=high cpu=1 takes=lic:1\n"
     "at 1s\n"
     "job b queue=low cpu=1 takes=lic:2\n"
     "at 2s\n"
     "why a\n",
     "1s start b on n1\n"
     "2s a RUNNABLE ComputeEnvironmentUnusable: ACTION_REQUIRED - needs cpu 1; gone: it does not exist\n"},
    {"nor does one keep machines from being bought for what it needs",
     "environment e kwok max=4 types=large:2:8Gi:0.10 delay=10m\n"
     "queue high envs=gone priority=10\n"
     "queue low envs=e\n"
     "consumable lic total=2\n"
     "job a queue=high cpu=1 takes=lic:1\n"
     "at 1s\n"
     "job b queue=low cpu=1 nodes=2 takes=lic:1\n"
     "at 20s\n",
     "11s start b/0 on e-1\n"},
    {"what the head of a higher queue needs is kept for it",
     HOUSE
     "queue high envs=e priority=10\n"
     "queue low envs=e\n"
     "consumable lic total=3\n"
     "job a queue=low cpu=1 takes=lic:2\n"
     "at 1s\n"
     "job b queue=high cpu=1 takes=lic:3\n"
     "job c queue=low cpu=1 takes=lic:1\n"
     "job d queue=low cpu=1\n"
     "at 2s\n"
     "why b\n"
     "why c\n"
     "pod a ok\n"
     "at 3s\n"
     "pod b ok\n"
     "at 4s\n"
     "jobs\n",
     "0s start a on n1\n"
     "2s b RUNNABLE ConsumableResourceInUse: needs 3 of ConsumableResource lic, 1 of 3 free; held by default/a (2)\n"
     "2s c RUNNABLE ConsumableResourceInUse: needs 1 of ConsumableResource lic, 1 of 3 free; queue high of higher priority goes first; held by default/a (2)\n"
     "2s start b on n1\n"
     "3s start c on n1\n"
     "3s start d on n1\n"
     "4s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b SUCCEEDED Succeeded attempts=1\n"
     "  c STARTING\n"
     "  d STARTING\n"},
    {"several resources: all or nothing",
     HOUSE
     "consumable lic total=1\n"
     "consumable tok total=5\n"
     "job a queue=q cpu=1 takes=tok:4\n"
     "job b queue=q cpu=1 takes=lic:1,tok:2\n"
     "at 1s\n"
     "why b\n"
     "pod a ok\n"
     "at 2s\n"
     "jobs\n",
     "0s start a on n1\n"
     "1s b RUNNABLE ConsumableResourceInUse: needs 2 of ConsumableResource tok, 1 of 5 free; held by default/a (4)\n"
     "1s start b on n1\n"
     "2s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b STARTING\n"},
    {"it is held while the pod stops, though its job is deleted",
     HOUSE
     "consumable lic total=1\n"
     "job a queue=q cpu=1 takes=lic:1\n"
     "at 1s\n"
     "pod a running\n"
     "answer always delete a never\n"
     "job a gone\n"
     "job b queue=q cpu=1 takes=lic:1\n"
     "at 2s\n"
     "why b\n"
     "restart\n"
     "why b\n"
     "pod a failed exit=143\n"
     "at 3s\n"
     "jobs\n",
     "0s start a on n1\n"
     "1s stop a\n"
     "2s b RUNNABLE ConsumableResourceInUse: needs 1 of ConsumableResource lic, 0 of 1 free; held by default/a-00000001-0-1 (1)\n"
     "2s b RUNNABLE ConsumableResourceInUse: needs 1 of ConsumableResource lic, 0 of 1 free; held by default/a-00000001-0-1 (1)\n"
     "2s start b on n1\n"
     "3s jobs\n"
     "  b STARTING\n"},
    {"what was refused, or lost before it started, is given back",
     HOUSE
     "node n2 env=e cpu=8\n"
     "consumable lic total=1\n"
     "job a queue=q cpu=1 takes=lic:1\n"
     "at 1s\n"
     "pod a refused OutOfcpu\n"
     "at 2s\n"
     "node n1 gone\n"
     "at 60s\n"
     "jobs\n",
     "0s start a on n1\n"
     "1s start a on n2\n"
     "60s jobs\n"
     "  a STARTING refusals=1\n"},
    {"a create that failed gives it back",
     HOUSE
     "consumable lic total=1\n"
     "answer create a refused no such field\n"
     "job a queue=q cpu=1 takes=lic:1\n"
     "job b queue=q cpu=1 takes=lic:1\n"
     "at 1s\n"
     "jobs\n",
     "0s start a on n1\n"
     "0s start b on n1\n"
     "1s jobs\n"
     "  a FAILED PodRefused\n"
     "  b STARTING\n"},
    {"a time limit for capacity counts the wait for it",
     "environment e static\n"
     "queue q envs=e limits=capacity:10s\n"
     "node n1 env=e cpu=8\n"
     "consumable lic total=1\n"
     "job a queue=q cpu=1 takes=lic:1\n"
     "job b queue=q cpu=1 takes=lic:1\n"
     "at 12s\n"
     "why b\n",
     "0s start a on n1\n"
     "12s b FAILED Cancelled: Canceled by JobStateTimeLimit action due to reason: CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY\n"},
    /* clang-format on */
};

TEST(taking_and_giving_back)
{
    world_check(rows, ARRAY_LEN(rows), SHOW_PODS);
}

static const struct world_row machines[] = {
    /* clang-format off */
    {"no machines are bought for what waits for a consumable resource",
     "environment e kwok max=16 types=small:1:1Gi:0.05 delay=30s boot=10s\n"
     "queue q envs=e\n"
     "queue r envs=e\n"
     "consumable lic total=2\n"
     "job a queue=q cpu=500m memory=512Mi array=5 takes=lic:1 runs=20s\n"
     "job b queue=r cpu=500m memory=512Mi takes=lic:1\n"
     "at 15s\n"
     "jobs\n"
     "at 60s\n",
     "0s launch e 1x small\n"
     "15s jobs\n"
     "  a 3 RUNNABLE 2 RUNNING\n"
     "  b RUNNABLE\n"},
    /* clang-format on */
};

TEST(machines_for_what_waits)
{
    world_check(machines, ARRAY_LEN(machines), SHOW_MACHINES);
}

static const struct world_row spent[] = {
    /* clang-format off */
    {"a claim is written before the pod is made, and used up when it starts",
     HOUSE
     "consumable dose total=3 spent\n"
     "job a queue=q cpu=1 takes=dose:2 retry=2\n"
     "at 1s\n"
     "pod a running\n"
     "at 3s\n"
     "pod a failed exit=1\n"
     "at 6s\n"
     "why a\n"
     "consumable dose total=4\n"
     "at 7s\n"
     "pod a ok\n"
     "at 10s\n"
     "jobs\n",
     "0s resource dose VALID in use 2 free 1 claims 1: ConsumableResource Healthy\n"
     "0s start a on n1\n"
     "1s resource dose VALID in use 0 free 1 consumed 2: ConsumableResource Healthy\n"
     "6s a RUNNABLE ConsumableResourceTooSmall: MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - needs 2 of ConsumableResource dose, of which there are 3, 2 of them used up: raise its totalQuantity\n"
     "6s resource dose VALID in use 2 free 0 consumed 2 claims 1: ConsumableResource Healthy\n"
     "6s start a on n1\n"
     "7s resource dose VALID in use 0 free 0 consumed 4: ConsumableResource Healthy\n"
     "10s jobs\n"
     "  a SUCCEEDED Succeeded attempts=2\n"},
    {"what never starts gives it back",
     HOUSE
     "consumable dose total=1 spent\n"
     "job a queue=q cpu=1 takes=dose:1\n"
     "at 2s\n"
     "pod a refused OutOfcpu\n"
     "at 4s\n"
     "job a terminate enough\n"
     "at 6s\n"
     "jobs\n",
     "0s resource dose VALID in use 1 free 0 claims 1: ConsumableResource Healthy\n"
     "0s start a on n1\n"
     "2s resource dose VALID in use 0 free 1: ConsumableResource Healthy\n"
     "3s resource dose VALID in use 1 free 0 claims 1: ConsumableResource Healthy\n"
     "3s start a on n1\n"
     "4s stop a try 2\n"
     "4s resource dose VALID in use 0 free 1: ConsumableResource Healthy\n"
     "6s jobs\n"
     "  a FAILED Terminated refusals=2\n"},
    {"nothing is made while the claim cannot be written",
     HOUSE
     "consumable dose total=1 spent\n"
     "at 2s\n"
     "answer consumable-status dose again\n"
     "answer consumable-status dose conflict\n"
     "answer consumable-status dose lost\n"
     "job a queue=q cpu=1 takes=dose:1\n"
     "at 12s\n",
     "0s resource dose VALID in use 0 free 1: ConsumableResource Healthy\n"
     "2s resource dose VALID in use 1 free 0 claims 1: ConsumableResource Healthy\n"
     "3s resource dose VALID in use 1 free 0 claims 1: ConsumableResource Healthy\n"
     "3.1s resource dose VALID in use 1 free 0 claims 1: ConsumableResource Healthy\n"
     "5.1s resource dose VALID in use 1 free 0 claims 1: ConsumableResource Healthy\n"
     "5.2s resource dose VALID in use 1 free 0 claims 1: ConsumableResource Healthy\n"
     "5.2s start a on n1\n"},
    {"a child that is cancelled while its claim is written does not start",
     HOUSE
     "consumable dose total=2 spent\n"
     "at 2s\n"
     "answer consumable-status dose again\n"
     "job a queue=q cpu=1 array=2 takes=dose:1\n"
     "at 2.5s\n"
     "job a cancel 1:not needed\n"
     "at 6s\n"
     "jobs\n",
     "0s resource dose VALID in use 0 free 2: ConsumableResource Healthy\n"
     "2s resource dose VALID in use 2 free 0 claims 2: ConsumableResource Healthy\n"
     "3s resource dose VALID in use 1 free 1 claims 1: ConsumableResource Healthy\n"
     "3s start a/0 on n1\n"
     "6s jobs\n"
     "  a 1 STARTING 1 FAILED\n"},
    {"a write of unknown outcome is made good, also when nothing differs from the one before",
     HOUSE
     "consumable lic total=1\n"
     "at 2s\n"
     "answer consumable-status lic lost\n"
     "job a queue=q cpu=1 takes=lic:1\n"
     "at 2.5s\n"
     "pod a ok\n"
     "at 8s\n",
     "0s resource lic VALID in use 0 free 1: ConsumableResource Healthy\n"
     "2s start a on n1\n"
     "2s resource lic VALID in use 1 free 0: ConsumableResource Healthy\n"
     "3s resource lic VALID in use 0 free 1: ConsumableResource Healthy\n"
     "3.1s resource lic VALID in use 0 free 1: ConsumableResource Healthy\n"},
    {"the node may be taken while a claim is written: then the pod goes elsewhere",
     HOUSE
     "node n2 env=e cpu=1\n"
     "consumable dose total=1 spent\n"
     "at 2s\n"
     "answer consumable-status dose again\n"
     "job a queue=q cpu=1 takes=dose:1\n"
     "at 2.5s\n"
     "pod foreign node=n1 cpu=8\n"
     "node n1 overcommitted\n"
     "at 6s\n",
     "0s resource dose VALID in use 0 free 1: ConsumableResource Healthy\n"
     "2s resource dose VALID in use 1 free 0 claims 1: ConsumableResource Healthy\n"
     "3s resource dose VALID in use 1 free 0 claims 1: ConsumableResource Healthy\n"
     "3s resource dose VALID in use 1 free 0 claims 1: ConsumableResource Healthy\n"
     "3s start a on n2\n"},
    {"without the right to write it the job is told",
     HOUSE
     "consumable dose total=1 spent\n"
     "at 2s\n"
     "answer always consumable-status dose forbidden not yours\n"
     "job a queue=q cpu=1 takes=dose:1\n"
     "at 4s\n"
     "why a\n",
     "0s resource dose VALID in use 0 free 1: ConsumableResource Healthy\n"
     "2s resource dose VALID in use 1 free 0 claims 1: ConsumableResource Healthy\n"
     "3s resource dose VALID in use 1 free 0 claims 1: ConsumableResource Healthy\n"
     "4s a RUNNABLE Forbidden: the controller may not create pods here: not yours\n"},
    {"a process that died between claim and create leaves a claim, which is dropped after some seconds",
     HOUSE
     "consumable dose total=1 spent\n"
     "answer create a never\n"
     "job a queue=q cpu=1 takes=dose:1\n"
     "at 1s\n"
     "restart\n"
     "why a\n"
     "at 13s\n"
     "pod a ok\n"
     "at 18s\n",
     "0s resource dose VALID in use 1 free 0 claims 1: ConsumableResource Healthy\n"
     "0s start a on n1\n"
     "1s resource dose VALID in use 1 free 0 claims 1: ConsumableResource Healthy\n"
     "1s a RUNNABLE ConsumableResourceInUse: needs 1 of ConsumableResource dose, 0 of 1 free; claimed before a restart, and not made yet: 1 pod\n"
     "11s resource dose VALID in use 0 free 1: ConsumableResource Healthy\n"
     "11s resource dose VALID in use 1 free 0 claims 1: ConsumableResource Healthy\n"
     "11s start a on n1\n"
     "13s resource dose VALID in use 0 free 0 consumed 1: ConsumableResource Healthy\n"},
    {"a claim of an earlier process is the same try's, when there is enough to place it",
     HOUSE
     "consumable dose total=2 spent\n"
     "answer create a never\n"
     "job a queue=q cpu=1 takes=dose:1\n"
     "at 1s\n"
     "restart\n"
     "at 3s\n"
     "pod a ok\n"
     "at 8s\n"
     "consumables\n",
     "0s resource dose VALID in use 1 free 1 claims 1: ConsumableResource Healthy\n"
     "0s start a on n1\n"
     "1s start a on n1\n"
     "1s resource dose VALID in use 1 free 1 claims 1: ConsumableResource Healthy\n"
     "3s resource dose VALID in use 0 free 1 consumed 1: ConsumableResource Healthy\n"
     "  dose consumed 1 claims 0\n"},
    {"a claim of a job that is gone is dropped after some seconds",
     HOUSE
     "consumable dose total=1 spent\n"
     "answer create a never\n"
     "job a queue=q cpu=1 takes=dose:1\n"
     "at 1s\n"
     "job a gone\n"
     "restart\n"
     "job b queue=q cpu=1 takes=dose:1\n"
     "at 6s\n"
     "why b\n"
     "at 20s\n"
     "pods\n",
     "0s resource dose VALID in use 1 free 0 claims 1: ConsumableResource Healthy\n"
     "0s start a on n1\n"
     "1s resource dose VALID in use 1 free 0 claims 1: ConsumableResource Healthy\n"
     "6s b RUNNABLE ConsumableResourceInUse: needs 1 of ConsumableResource dose, 0 of 1 free; claimed before a restart, and not made yet: 1 pod\n"
     "11s resource dose VALID in use 0 free 1: ConsumableResource Healthy\n"
     "11s resource dose VALID in use 1 free 0 claims 1: ConsumableResource Healthy\n"
     "11s start b on n1\n"
     "20s pods\n"
     "  b pending on n1\n"},
    {"used up is counted once, whenever the process dies",
     HOUSE
     "consumable dose total=5 spent\n"
     "job a queue=q cpu=1 takes=dose:1\n"
     "at 1s\n"
     "pod a running\n"
     "restart\n"
     "at 2s\n"
     "restart\n"
     "at 4s\n"
     "pod a ok\n"
     "restart\n"
     "at 8s\n"
     "jobs\n",
     "0s resource dose VALID in use 1 free 4 claims 1: ConsumableResource Healthy\n"
     "0s start a on n1\n"
     "1s resource dose VALID in use 0 free 4 consumed 1: ConsumableResource Healthy\n"
     "2s resource dose VALID in use 0 free 4 consumed 1: ConsumableResource Healthy\n"
     "4s resource dose VALID in use 0 free 4 consumed 1: ConsumableResource Healthy\n"
     "8s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"},
    {"a pod is not released before what it used up is written",
     HOUSE
     "consumable dose total=5 spent\n"
     "job a queue=q cpu=1 takes=dose:1\n"
     "at 1s\n"
     "answer always consumable-status dose again\n"
     "pod a ok\n"
     "at 5s\n"
     "pods\n"
     "restart\n"
     "answer consumable-status dose ok\n"
     "at 40s\n"
     "pods\n",
     "0s resource dose VALID in use 1 free 4 claims 1: ConsumableResource Healthy\n"
     "0s start a on n1\n"
     "1s resource dose VALID in use 0 free 4 consumed 1: ConsumableResource Healthy\n"
     "2s resource dose VALID in use 0 free 4 consumed 1: ConsumableResource Healthy\n"
     "4s resource dose VALID in use 0 free 4 consumed 1: ConsumableResource Healthy\n"
     "5s pods\n"
     "  a succeeded on n1\n"
     "5s resource dose VALID in use 0 free 4 consumed 1: ConsumableResource Healthy\n"
     "40s pods\n"},
    /* clang-format on */
};

TEST(used_up)
{
    world_check(spent, ARRAY_LEN(spent), SHOW_PODS | SHOW_CONSUMABLES);
}

static struct consumable_resource *doses(const char *version, int64_t consumed, const char *claim)
{
    struct consumable_resource *resource = mem_new(sizeof(*resource));
    resource->meta = (struct object_meta){.name = text_copy("dose"),
                                          .uid = text_copy("u"),
                                          .resource_version = text_copy(version),
                                          .has_finalizer = true};
    resource->spent = true;
    resource->total = 9;
    resource->consumed = consumed;
    if (claim != NULL)
        text_list_add(&resource->claims, claim);
    return resource;
}

/* A write of a dead process that arrives between the list and the start holds what was listed. */
TEST(what_an_earlier_life_had_sent)
{
    AUTO(core) core = core_new(NULL);
    AUTO(arena) arena = arena_new(0);
    struct plan plan;
    core_apply(core, &(struct event){.kind = EVENT_CONSUMABLE,
                                     .consumable = doses("7", 1, "default/a-1-0-1=2")});
    core_apply(core, &(struct event){.kind = EVENT_CONSUMABLE, .consumable = doses("8", 3, NULL)});
    core_apply(core, &(struct event){.kind = EVENT_SYNCED});
    core_plan(core, NS_PER_S, arena, &plan);
    REQUIRE(plan.action_count == 1 && plan.actions[0].kind == ACTION_CONSUMABLE_STATUS);
    const struct consumable_status *status = plan.actions[0].consumable_status;
    CHECK_TEXT("version", plan.actions[0].resource_version, "8");
    CHECK_INT("consumed", status->consumed, 3);
    CHECK_INT("claims", (int64_t)status->claims.count, 0);
    CHECK_INT("available", status->available, 6);
}

static const struct world_row multi_node[] = {
    /* clang-format off */
    {"a multi-node job waits for enough for all of its nodes",
     HOUSE
     "node n2 env=e cpu=8\n"
     "consumable lic total=5\n"
     "job a queue=q cpu=1 takes=lic:2\n"
     "job g queue=q cpu=1 nodes=2 takes=lic:2\n"
     "at 1s\n"
     "why g\n"
     "pod a ok\n"
     "at 2s\n"
     "jobs\n",
     "0s start a on n1\n"
     "1s g RUNNABLE ConsumableResourceInUse: needs 2 of ConsumableResource lic for each of 2 nodes, 3 of 5 free; held by default/a (2)\n"
     "1s start g/0 on n1\n"
     "2s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  g 1 RUNNABLE 1 STARTING\n"},
    {"what the other nodes take is kept while the main node starts",
     HOUSE
     "queue r envs=e\n"
     "node n2 env=e cpu=8\n"
     "node n3 env=e cpu=8\n"
     "consumable lic total=5\n"
     "job g queue=q cpu=1 nodes=2 takes=lic:2\n"
     "at 1s\n"
     "job a queue=r cpu=1 takes=lic:2\n"
     "job b queue=r cpu=1 takes=lic:1\n"
     "at 2s\n"
     "why a\n"
     "restart\n"
     "pod g/0 running\n"
     "at 3s\n"
     "pod g/0 ok\n"
     "at 5s\n"
     "jobs\n",
     "0s start g/0 on n1\n"
     "2s a RUNNABLE ConsumableResourceInUse: needs 2 of ConsumableResource lic, 3 of 5 free; kept for nodes of a multi-node job that are about to start; held by default/g (2)\n"
     "2s start g/1 on n2\n"
     "3s stop g/1\n"
     "3s start a on n3\n"
     "3s start b on n3\n"
     "5s jobs\n"
     "  g SUCCEEDED Succeeded attempts=1\n"
     "  a STARTING\n"
     "  b STARTING\n"},
    {"what fits nowhere is told so, whatever else it lacks, and whichever was there first",
     HOUSE
     "consumable lic total=5\n"
     "job a queue=q cpu=64 takes=lic:7\n"
     "at 1s\n"
     "why a\n"
     "consumable lic total=9\n"
     "at 2s\n"
     "why a\n",
     "1s a RUNNABLE DoesNotFit: MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - needs cpu 64; e: no labelled node is large enough or matches\n"
     "2s a RUNNABLE DoesNotFit: MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - needs cpu 64; e: no labelled node is large enough or matches\n"},
    {"more for all nodes than there can ever be",
     HOUSE
     "node n2 env=e cpu=8\n"
     "consumable lic total=5\n"
     "job g queue=q cpu=1 nodes=2 takes=lic:3\n"
     "at 1s\n"
     "why g\n",
     "1s g RUNNABLE ConsumableResourceTooSmall: MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - needs 3 of ConsumableResource lic for each of 2 nodes, of which there are 5: raise its totalQuantity\n"},
    /* clang-format on */
};

TEST(gangs)
{
    world_check(multi_node, ARRAY_LEN(multi_node), SHOW_PODS);
}

static const struct world_row told[] = {
    /* clang-format off */
    {"words that a person must act on are told when they change, though the verdict stays",
     HOUSE
     "consumable lic total=1\n"
     "job a queue=q cpu=1 takes=lic:1\n"
     "at 1s\n"
     "consumable lic deleting\n"
     "job c queue=q cpu=1 takes=lic:1\n"
     "at 8s\n"
     "restart\n"
     "at 9s\n"
     "pod a ok\n"
     "at 60s\n"
     "restart\n"
     "at 90s\n",
     "5s told a STARTING Starting\n"
     "6s told c RUNNABLE ConsumableResourceMissing: ConsumableResource lic is being deleted: create it again\n"
     "9s told a SUCCEEDED Succeeded: Essential container in task exited\n"
     "14s told c RUNNABLE ConsumableResourceMissing: ConsumableResource lic does not exist: create it\n"},
    /* clang-format on */
};

TEST(told_again)
{
    world_check(told, ARRAY_LEN(told), SHOW_STATUS | SHOW_WORDS);
}
