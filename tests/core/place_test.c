/* SPDX-License-Identifier: Apache-2.0 */
/* place_test.c - which job starts where, and in which order */
#include "core/world.h"

#include "bulkhead/base/macros.h"

static const struct world_row rows[] = {
    /* clang-format off */
    {"the oldest starts first",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=1\n"
     "job b queue=q cpu=1 created=2s\n"
     "job a queue=q cpu=1 created=1s\n"
     "why b\n",
     "0s start a on n1\n"
     "0s b RUNNABLE NodesFull: needs cpu 1; e: its nodes are full; room comes when a running pod ends or a node is added\n"},
    {"of two jobs of one second the first by name goes first",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=1\n"
     "job z queue=q cpu=1\n"
     "job a queue=q cpu=1\n"
     "why z\n",
     "0s start a on n1\n"
     "0s z RUNNABLE NodesFull: needs cpu 1; e: its nodes are full; room comes when a running pod ends or a node is added\n"},
    {"what is behind a blocked head does not overtake it",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job running queue=q cpu=3 runs=10s\n"
     "job large queue=q cpu=4 created=1s\n"
     "job small queue=q cpu=1 created=2s\n"
     "why large\n"
     "why small\n"
     "at 11s\n"
     "jobs\n",
     "0s start running on n1\n"
     "0s large RUNNABLE NodesFull: needs cpu 4; e: its nodes are full; room comes when a running pod ends or a node is added\n"
     "0s small RUNNABLE BehindInQueue: earlier jobs of JobQueue q go first\n"
     "10s start large on n1\n"
     "11s jobs\n"
     "  running SUCCEEDED Succeeded attempts=1\n"
     "  large STARTING\n"
     "  small RUNNABLE\n"},
    {"a higher queue's head holds the room against lower queues",
     "environment e static\n"
     "queue high envs=e priority=10\n"
     "queue low envs=e priority=1\n"
     "node n1 env=e cpu=4\n"
     "job running queue=high cpu=3 runs=10s\n"
     "job large queue=high cpu=4 created=1s\n"
     "job small queue=low cpu=1 created=0s\n"
     "why small\n"
     "at 11s\n"
     "jobs\n",
     "0s start running on n1\n"
     "0s small RUNNABLE HigherPriorityFirst: needs cpu 1; e: queue high of higher priority waits for room there\n"
     "10s start large on n1\n"
     "11s jobs\n"
     "  running SUCCEEDED Succeeded attempts=1\n"
     "  large STARTING\n"
     "  small RUNNABLE\n"},
    {"a higher queue does not hold environments that it does not use",
     "environment e1 static\n"
     "environment e2 static\n"
     "queue high envs=e1 priority=10\n"
     "queue low envs=e1,e2 priority=1\n"
     "node n1 env=e1 cpu=1\n"
     "node n2 env=e2 cpu=1\n"
     "job first queue=high cpu=1\n"
     "job waits queue=high cpu=1\n"
     "job low queue=low cpu=1\n",
     "0s start first on n1\n"
     "0s start low on n2\n"},
    {"queues of one priority go by name",
     "environment e static\n"
     "queue b envs=e\n"
     "queue a envs=e\n"
     "node n1 env=e cpu=1\n"
     "job x queue=b cpu=1\n"
     "job y queue=a cpu=1\n",
     "0s start y on n1\n"},
    {"environments are filled in their order",
     "environment e1 static\n"
     "environment e2 static\n"
     "queue q envs=e2,e1\n"
     "node n1 env=e1 cpu=2\n"
     "node n2 env=e2 cpu=1\n"
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1\n"
     "job c queue=q cpu=1\n",
     "0s start a on n2\n"
     "0s start b on n1\n"
     "0s start c on n1\n"},
    {"an environment that is too small for a job is passed over",
     "environment e1 static\n"
     "environment e2 static\n"
     "queue q envs=e1,e2\n"
     "node n1 env=e1 cpu=1\n"
     "node n2 env=e2 cpu=4\n"
     "job a queue=q cpu=2\n",
     "0s start a on n2\n"},
    {"a disabled environment is passed over",
     "environment e1 static disabled\n"
     "environment e2 static\n"
     "queue q envs=e1,e2\n"
     "node n1 env=e1 cpu=1\n"
     "node n2 env=e2 cpu=1\n"
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1\n"
     "why b\n"
     "at 1s\n"
     "environment e1 enabled\n",
     "0s start a on n2\n"
     "0s b RUNNABLE NodesFull: needs cpu 1; e1: it is DISABLED; e2: its nodes are full; room comes when a running pod ends or a node is added\n"
     "1s start b on n1\n"},
    {"an environment serves its namespaces only",
     "environment e1 static ns=team\n"
     "environment e2 static ns=default,team\n"
     "queue q envs=e1,e2\n"
     "node n1 env=e1 cpu=1\n"
     "node n2 env=e2 cpu=1\n"
     "job a queue=q cpu=1\n",
     "0s start a on n2\n"},
    {"the lowest node that fits is taken, so that others run empty",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=1\n"
     "node n2 env=e cpu=4\n"
     "node n3 env=e cpu=4\n"
     "job a queue=q cpu=2\n"
     "job b queue=q cpu=2\n"
     "job c queue=q cpu=1\n",
     "0s start a on n2\n"
     "0s start b on n2\n"
     "0s start c on n1\n"},
    {"pods of others take room",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "pod theirs node=n1 cpu=3\n"
     "job a queue=q cpu=2\n"
     "why a\n"
     "at 1s\n"
     "pod theirs gone\n",
     "0s a RUNNABLE NodesFull: needs cpu 2; e: its nodes are full; room comes when a running pod ends or a node is added\n"
     "1s start a on n1\n"},
    {"pods that are going take room until they have gone",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "pod theirs node=n1 cpu=3 terminating\n"
     "job a queue=q cpu=2\n"
     "at 1s\n"
     "pod theirs gone\n",
     "1s start a on n1\n"},
    {"a finished pod takes no room",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "pod theirs node=n1 cpu=3 terminal\n"
     "job a queue=q cpu=4\n",
     "0s start a on n1\n"},
    {"room is kept for the pods of DaemonSets that will come",
     "environment e static\n"
     "queue q envs=e\n"
     "daemonset logs cpu=500m\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1\n"
     "at 1s\n"
     "pod logs-x node=n1 cpu=500m daemonset=logs\n"
     "why b\n",
     "0s start a on n1\n"
     "1s b RUNNABLE NodesFull: needs cpu 1; e: its nodes are full; room comes when a running pod ends or a node is added\n"},
    {"a DaemonSet that goes gives its room back",
     "environment e static\n"
     "queue q envs=e\n"
     "daemonset logs cpu=500m\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=2\n"
     "why a\n"
     "at 1s\n"
     "daemonset logs gone\n",
     "0s a RUNNABLE DoesNotFit: MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - needs cpu 2; e: no labelled node is large enough or matches\n"
     "1s start a on n1\n"},
    {"a RuntimeClass takes room of its own, and says where its pods may run",
     "environment e static\n"
     "queue q envs=e\n"
     "runtimeclass vm cpu=500m select=vm:yes\n"
     "node n1 env=e cpu=8\n"
     "node n2 env=e cpu=4 labels=vm:yes\n"
     "job a queue=q cpu=1 runtime=vm array=3\n"
     "jobs\n",
     "0s start a/0 on n2\n"
     "0s start a/1 on n2\n"
     "0s jobs\n"
     "  a 1 RUNNABLE 2 STARTING\n"},
    {"a RuntimeClass that changes is counted anew for what still waits",
     "environment e static\n"
     "queue q envs=e\n"
     "runtimeclass vm cpu=2\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 runtime=vm\n"
     "at 1s\n"
     "runtimeclass vm cpu=1\n",
     "1s start a on n1\n"},
    {"a node is full when it has its number of pods",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=8 pods=2\n"
     "job a queue=q cpu=1 array=3\n"
     "jobs\n",
     "0s start a/0 on n1\n"
     "0s start a/1 on n1\n"
     "0s jobs\n"
     "  a 1 RUNNABLE 2 STARTING\n"},
    {"memory is room too",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=8 memory=1Gi\n"
     "job a queue=q cpu=1 memory=600Mi array=2\n"
     "jobs\n",
     "0s start a/0 on n1\n"
     "0s jobs\n"
     "  a 1 RUNNABLE 1 STARTING\n"},
    {"extended resources are room too",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=8 nvidia.com/gpu=1\n"
     "job a queue=q cpu=1 nvidia.com/gpu=1 array=2\n"
     "jobs\n",
     "0s start a/0 on n1\n"
     "0s jobs\n"
     "  a 1 RUNNABLE 1 STARTING\n"},
    {"one host port is bound once a node",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=8\n"
     "node n2 env=e cpu=8\n"
     "pod theirs node=n1 port=8080 cpu=0\n"
     "job a queue=q cpu=1 port=8080\n"
     "job b queue=q cpu=1 port=8080\n"
     "job c queue=q cpu=1 port=9090\n"
     "why b\n",
     "0s start a on n2\n"
     "0s b RUNNABLE NodesFull: needs cpu 1; e: its nodes are full; room comes when a running pod ends or a node is added\n"},
    {"nodeSelector",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=1 labels=zone:a\n"
     "node n2 env=e cpu=1 labels=zone:b\n"
     "job a queue=q cpu=1 select=zone:b\n",
     "0s start a on n2\n"},
    {"required node affinity",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=1 labels=zone:a\n"
     "node n2 env=e cpu=1 labels=zone:b\n"
     "node n3 env=e cpu=1 labels=zone:c\n"
     "job a queue=q cpu=1 affinity=zone:NotIn:a|b\n"
     "job b queue=q cpu=1 affinity=zone:In:b|c\n"
     "job c queue=q cpu=1 affinity=gpu:Exists:\n"
     "why c\n",
     "0s start a on n3\n"
     "0s start b on n2\n"
     "0s c RUNNABLE DoesNotFit: MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - needs cpu 1; e: no labelled node is large enough or matches\n"},
    {"a taint keeps away who does not tolerate it",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=1 taints=gpu:yes:NoSchedule\n"
     "node n2 env=e cpu=1 taints=gpu:yes:PreferNoSchedule\n"
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1 tolerate=gpu:yes\n",
     "0s start a on n2\n"
     "0s start b on n1\n"},
    {"the environment's own taint and not-ready keep nobody away",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=1 taints=bulkhead.dev/compute-environment:e:NoSchedule,node.kubernetes.io/not-ready::NoSchedule\n"
     "job a queue=q cpu=1\n",
     "0s start a on n1\n"},
    {"a node that is cordoned, not Ready or of nobody takes nothing",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=1 cordoned\n"
     "node n2 env=e cpu=1 unready\n"
     "node n3 cpu=1\n"
     "job a queue=q cpu=1\n"
     "why a\n"
     "at 1s\n"
     "node n2 ready\n",
     "0s a RUNNABLE NodesFull: needs cpu 1; e: its nodes are full; room comes when a running pod ends or a node is added\n"
     "1s start a on n2\n"},
    {"two of six children start where there is room for two",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 array=6\n"
     "jobs\n"
     "why a\n",
     "0s start a/0 on n1\n"
     "0s start a/1 on n1\n"
     "0s jobs\n"
     "  a 4 RUNNABLE 2 STARTING\n"
     "0s a PENDING NodesFull: 4 of 6 children (2-5) wait: needs cpu 1; e: its nodes are full; room comes when a running pod ends or a node is added\n"},
    {"what fits nothing is parked, told so, and blocks nobody",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job huge queue=q cpu=9\n"
     "job small queue=q cpu=1\n"
     "why huge\n"
     "at 1s\n"
     "node n2 env=e cpu=10\n",
     "0s start small on n1\n"
     "0s huge RUNNABLE DoesNotFit: MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - needs cpu 9; e: no labelled node is large enough or matches\n"
     "1s start huge on n2\n"},
    {"parked children of an array block nobody either",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job huge queue=q cpu=9 array=3\n"
     "job small queue=q cpu=1\n"
     "why huge\n",
     "0s start small on n1\n"
     "0s huge PENDING DoesNotFit: 3 of 3 children (0-2) wait: MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - needs cpu 9; e: no labelled node is large enough or matches\n"},
    {"a job that an unusable environment could take waits instead of being parked",
     "environment e1 static\n"
     "environment e2 static disabled\n"
     "queue q envs=e1,e2\n"
     "node n1 env=e1 cpu=1\n"
     "job a queue=q cpu=2\n"
     "why a\n",
     "0s a RUNNABLE ComputeEnvironmentUnusable: needs cpu 2; e1: no labelled node is large enough or matches; e2: it is DISABLED\n"},
    {"a queue whose environments are all unusable says what to do",
     "environment e static disabled\n"
     "queue q envs=e,missing\n"
     "job a queue=q cpu=2\n"
     "why a\n",
     "0s a RUNNABLE ComputeEnvironmentUnusable: ACTION_REQUIRED - needs cpu 2; e: it is DISABLED; missing: it does not exist\n"},
    {"a node that refused a pod rests for a second",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "node n2 env=e cpu=2\n"
     "job a queue=q cpu=2\n"
     "at 1s\n"
     "pod a refused OutOfcpu\n"
     "at 1.5s\n"
     "job b queue=q cpu=2\n"
     "at 3s\n"
     "jobs\n",
     "0s start a on n1\n"
     "1s start a on n2\n"
     "2s start b on n1\n"
     "3s jobs\n"
     "  a STARTING refusals=1\n"
     "  b STARTING\n"},
    {"no room is given twice in one turn",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=3\n"
     "node n2 env=e cpu=3\n"
     "job a queue=q cpu=2 array=2\n"
     "job b queue=q cpu=1 array=3\n"
     "jobs\n",
     "0s start a/0 on n1\n"
     "0s start a/1 on n2\n"
     "0s start b/0 on n1\n"
     "0s start b/1 on n2\n"
     "0s jobs\n"
     "  a 2 STARTING\n"
     "  b 1 RUNNABLE 2 STARTING\n"},
    /* clang-format on */
};

TEST(place)
{
    world_check(rows, ARRAY_LEN(rows), SHOW_PODS);
}
