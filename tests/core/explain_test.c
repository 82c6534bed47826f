/* SPDX-License-Identifier: Apache-2.0 */
/* explain_test.c - the whole of why a job waits, as somebody who asks reads it */
#include "core/world.h"

#include "bulkhead/base/macros.h"

static const struct world_row rows[] = {
    /* clang-format off */
    {"each requirement tells how many nodes it rules out, and what one change would unblock",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "node n2 env=e cpu=4 taints=gpu:yes:NoSchedule\n"
     "node n3 env=e cpu=8 unready\n"
     "node n4 env=e cpu=8 cordoned\n"
     "node n5 env=e cpu=2 labels=zone:a\n"
     "pod f1 node=n1 cpu=500m\n"
     "job a queue=q cpu=4\n"
     "at 1s\n"
     "explain a\n",
     "1s default/a in JobQueue q: RUNNABLE NodesFull: needs cpu 4; e: its nodes are full; room comes when a running pod ends or a node is added\n"
     "  needs cpu 4\n"
     "  place in line: 1 of 1\n"
     "  earliest start: not known: nothing that would make room is known\n"
     "  e: NodesFull: its nodes are full; room comes when a running pod ends or a node is added\n"
     "    nodes: 0 of 5 fit\n"
     "      not Ready rules out 1: 1 would fit once Ready\n"
     "      cordoned rules out 1: 1 would fit once uncordoned\n"
     "      taint gpu=yes:NoSchedule rules out 1: 1 would fit with a toleration\n"
     "      cpu rules out 2 (1 even when empty): 1 would fit with cpu 3500m\n"},
    {"node selector, affinity, host ports and other pods that must not be near",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4 labels=zone:a,disk:ssd\n"
     "node n2 env=e cpu=4 labels=zone:b,disk:ssd\n"
     "node n3 env=e cpu=4 labels=zone:b,disk:hdd\n"
     "pod f1 node=n1 cpu=100m port=8080\n"
     "job a queue=q cpu=1 select=zone:a affinity=disk:In:ssd port=8080\n"
     "job b queue=q cpu=1 affinity=disk:In:tape\n"
     "at 1s\n"
     "explain a\n"
     "explain b\n",
     "1s default/a in JobQueue q: RUNNABLE NodesFull: needs cpu 1; e: its nodes are full; room comes when a running pod ends or a node is added\n"
     "  needs cpu 1\n"
     "  place in line: 1 of 2\n"
     "  earliest start: not known: nothing that would make room is known\n"
     "  e: NodesFull: its nodes are full; room comes when a running pod ends or a node is added\n"
     "    nodes: 0 of 3 fit\n"
     "      host port in use rules out 1: 1 would fit once the port is free\n"
     "      required node affinity rules out 1\n"
     "      node selector zone=a rules out 2, 1 by itself: 1 would fit without it\n"
     "1s default/b in JobQueue q: RUNNABLE BehindInQueue: earlier jobs of JobQueue q go first\n"
     "  needs cpu 1\n"
     "  place in line: 2 of 2, 1 pod before it; first is default/a (NodesFull)\n"
     "  earliest start: not known: nothing that would make room is known\n"
     "  e: DoesNotFit: no labelled node is large enough or matches\n"
     "    nodes: 0 of 3 fit\n"
     "      required node affinity rules out 3: 3 would fit without it\n"},
    {"full nodes and nodes that are too small even when empty",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4 memory=8Gi\n"
     "node n2 env=e cpu=4 memory=8Gi nvidia.com/gpu=1\n"
     "node n3 env=e cpu=2 memory=8Gi\n"
     "job a queue=q cpu=3 array=2 runs=60s\n"
     "job b queue=q cpu=3 runs=10s\n"
     "at 1s\n"
     "explain b\n",
     "1s default/b in JobQueue q: RUNNABLE NodesFull: needs cpu 3; e: its nodes are full; room comes when a running pod ends or a node is added\n"
     "  needs cpu 3\n"
     "  place in line: 1 of 1\n"
     "  earliest start: not known: pods run there of which nobody knows how long: they have no timeout, and none like them has ended yet\n"
     "  e: NodesFull: its nodes are full; room comes when a running pod ends or a node is added\n"
     "    nodes: 0 of 3 fit\n"
     "      cpu rules out 3 (1 even when empty): 1 would fit with cpu 2\n"},
    {"who is behind is told its place, and what would keep it waiting at the head",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4 memory=8Gi\n"
     "node n2 env=e cpu=4 memory=8Gi nvidia.com/gpu=1\n"
     "job a queue=q cpu=3 array=3 runs=60s\n"
     "job c queue=q cpu=500m memory=5Gi nvidia.com/gpu=2\n"
     "job d queue=q cpu=1\n"
     "at 1s\n"
     "explain c\n"
     "explain d\n",
     "1s default/c in JobQueue q: RUNNABLE BehindInQueue: earlier jobs of JobQueue q go first\n"
     "  needs cpu 500m, memory 5Gi, nvidia.com/gpu 2\n"
     "  place in line: 2 of 3, 1 pod before it; first is default/a (NodesFull)\n"
     "  earliest start: not known: pods run there of which nobody knows how long: they have no timeout, and none like them has ended yet\n"
     "  e: DoesNotFit: no labelled node is large enough or matches\n"
     "    nodes: 0 of 2 fit\n"
     "      nvidia.com/gpu rules out 2 (2 even when empty): 1 would fit with nvidia.com/gpu 1\n"
     "1s default/d in JobQueue q: RUNNABLE BehindInQueue: earlier jobs of JobQueue q go first\n"
     "  needs cpu 1\n"
     "  place in line: 3 of 3, 2 pods before it; first is default/a (NodesFull)\n"
     "  earliest start: not known: pods run there of which nobody knows how long: they have no timeout, and none like them has ended yet\n"
     "  e: could take it\n"
     "    nodes: 2 of 2 fit\n"},
    {"instance types: too small, set aside, more than maxvCpus leaves",
     "environment e kwok max=6 types=small:1:2Gi:0.05,large:4:8Gi:0.18,huge:16:64Gi:0.9\n"
     "queue q envs=e\n"
     "job a queue=q cpu=4 runs=60s\n"
     "at 20s\n"
     "job b queue=q cpu=3 array=2\n"
     "at 21s\n"
     "explain b\n",
     "0s launch e 1x large\n"
     "21s default/b in JobQueue q: PENDING MaxvCpusReached: 2 of 2 children (0-1) wait: needs cpu 3; e: at 4 of maxvCpus 6; room comes when a running pod ends, or raise maxvCpus\n"
     "  needs cpu 3\n"
     "  place in line: 1 of 1\n"
     "  earliest start: not known: pods run there of which nobody knows how long: they have no timeout, and none like them has ended yet\n"
     "  cost to come: not known: nobody knows how long it runs: it has no timeout, and none like it has ended yet\n"
     "  e: MaxvCpusReached: at 4 of maxvCpus 6; room comes when a running pod ends, or raise maxvCpus\n"
     "    nodes: 0 of 1 fit\n"
     "      cpu rules out 1\n"
     "    instance types: 0 of 3 fit\n"
     "      more vCPUs than maxvCpus rules out 1: 1 would fit with a higher maxvCpus\n"
     "      more vCPUs than maxvCpus leaves rules out 1: 1 would fit once machines are given back, or with a higher maxvCpus\n"
     "      cpu rules out 1: 1 would fit with cpu 1\n"},
    {"out of capacity: until when each type is set aside",
     "environment e kwok max=8 types=small:1:2Gi:0.05,large:4:8Gi:0.18\n"
     "queue q envs=e\n"
     "answer always launch e capacity no~more\n"
     "job a queue=q cpu=1\n"
     "at 6s\n"
     "explain a\n",
     "0s launch e 1x small\n"
     "1s launch e 1x large\n"
     "6s default/a in JobQueue q: RUNNABLE InsufficientInstanceCapacity: needs cpu 1; e: CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - no more small to be had now; asked for again in 11 s\n"
     "  needs cpu 1\n"
     "  place in line: 1 of 1\n"
     "  earliest start: not known: that is not a matter of time alone\n"
     "  cost to come: not known: no compute environment could take it now\n"
     "  e: InsufficientInstanceCapacity: CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - no more small to be had now; asked for again in 10 s\n"
     "    instance types: 0 of 2 fit\n"
     "      none to be had a moment ago rules out 2: 2 would fit once the node group has some again\n"},
    {"a higher queue's head holds the room; nothing of it in another environment",
     "environment e static\n"
     "environment f static ns=team\n"
     "environment g static disabled\n"
     "queue high envs=e priority=9\n"
     "queue low envs=e,f,g,h\n"
     "node n1 env=e cpu=4\n"
     "job a queue=high cpu=3 runs=60s\n"
     "job b queue=high cpu=4\n"
     "job c queue=low cpu=1\n"
     "at 1s\n"
     "explain c\n",
     "1s default/c in JobQueue low: RUNNABLE HigherPriorityFirst: needs cpu 1; e: queue high of higher priority waits for room there; f: it does not serve namespace default; g: it is DISABLED; h: it does not exist\n"
     "  needs cpu 1\n"
     "  place in line: 1 of 1\n"
     "  earliest start: not known: a queue of higher priority goes first\n"
     "  e: HigherPriorityFirst: queue high of higher priority waits for room there\n"
     "    nodes: 1 of 1 fit\n"
     "  f: DoesNotFit: it does not serve namespace default\n"
     "  g: ComputeEnvironmentUnusable: it is DISABLED\n"
     "  h: ComputeEnvironmentUnusable: it does not exist\n"},
    {"a multi-node job: empty nodes, and those that are kept for another",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "node n2 env=e cpu=4\n"
     "node n3 env=e cpu=4\n"
     "job a queue=q cpu=1 runs=60s\n"
     "job g queue=q nodes=3 cpu=2\n"
     "at 1s\n"
     "explain g\n",
     "1s default/g in JobQueue q: RUNNABLE NodesFull: needs 3 nodes at once, each with cpu 2; e: too few of its nodes are empty; room comes when a running pod ends or a node is added\n"
     "  needs 3 nodes at once, each with cpu 2\n"
     "  place in line: 1 of 1\n"
     "  earliest start: not known: when enough nodes are empty at once for a multi-node job is not reckoned\n"
     "  e: NodesFull: too few of its nodes are empty; room comes when a running pod ends or a node is added\n"
     "    nodes: 2 of 3 fit\n"
     "      not empty rules out 1: 1 would fit once empty\n"},
    {"what does not wait for room is told so, and an end is told as it is",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=1 runs=1s\n"
     "job b queue=q cpu=1 after=z\n"
     "job c queue=q cpu=1 runs=60s\n"
     "at 5s\n"
     "explain a\n"
     "explain b\n"
     "explain c\n"
     "explain x\n",
     "5s default/a in JobQueue q: SUCCEEDED Succeeded: Essential container in task exited\n"
     "5s default/b in JobQueue q: PENDING DependencyPending: waits for z (does not exist yet)\n"
     "  needs cpu 1\n"
     "  in no line\n"
     "  e: could take it\n"
     "    nodes: 1 of 1 fit\n"
     "5s default/c in JobQueue q: RUNNING Running\n"
     "5s x is not there\n"},
    /* clang-format on */
};

TEST(explain)
{
    world_check(rows, ARRAY_LEN(rows), SHOW_MACHINES);
}
