/* SPDX-License-Identifier: Apache-2.0 */
/* forecast_test.c - when a waiting job starts: what that rests on, and when nobody knows */
#include "core/world.h"

#include "bulkhead/base/macros.h"

static const struct world_row rows[] = {
    /* clang-format off */
    {"by the timeout of what runs",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=4 timeout=60s runs=30s\n"
     "at 10s\n"
     "job b queue=q cpu=4 timeout=100s\n"
     "job c queue=q cpu=1\n"
     "at 11s\n"
     "explain b\n"
     "explain c\n",
     "0s start a on n1\n"
     "11s default/b in JobQueue q: RUNNABLE NodesFull: needs cpu 4; e: its nodes are full; room comes when a running pod ends or a node is added\n"
     "  needs cpu 4\n"
     "  place in line: 1 of 2\n"
     "  earliest start: 1970-01-01T00:17:40Z: a pod of default/a ends at its timeout, at the latest\n"
     "  e: NodesFull: its nodes are full; room comes when a running pod ends or a node is added\n"
     "    nodes: 0 of 1 fit\n"
     "      cpu rules out 1\n"
     "11s default/c in JobQueue q: RUNNABLE BehindInQueue: earlier jobs of JobQueue q go first\n"
     "  needs cpu 1\n"
     "  place in line: 2 of 2, 1 pod before it; first is default/b (NodesFull)\n"
     "  earliest start: 1970-01-01T00:19:20Z: a pod of default/b ends at its timeout, at the latest\n"
     "  e: could take it, with more room\n"
     "    nodes: 0 of 1 fit\n"
     "      cpu rules out 1\n"},
    {"by the mean of earlier runs",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=4 array=4\n"
     "at 1s\n"
     "pod a/0 running\n"
     "at 21s\n"
     "pod a/0 ok\n"
     "at 22s\n"
     "pod a/1 running\n"
     "at 23s\n"
     "explain a\n",
     "0s start a/0 on n1\n"
     "21s start a/1 on n1\n"
     "23s default/a in JobQueue q: PENDING NodesFull: 2 of 4 children (2-3) wait: needs cpu 4; e: its nodes are full; room comes when a running pod ends or a node is added\n"
     "  needs cpu 4\n"
     "  place in line: 1 of 1\n"
     "  earliest start: 1970-01-01T00:17:22Z: a pod of default/a ends, by the mean of earlier runs\n"
     "  e: NodesFull: its nodes are full; room comes when a running pod ends or a node is added\n"
     "    nodes: 0 of 1 fit\n"
     "      cpu rules out 1\n"},
    {"what runs longer than the mean may end at any time",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=4 array=4\n"
     "at 1s\n"
     "pod a/0 running\n"
     "at 21s\n"
     "pod a/0 ok\n"
     "at 22s\n"
     "pod a/1 running\n"
     "at 60s\n"
     "explain a\n",
     "0s start a/0 on n1\n"
     "21s start a/1 on n1\n"
     "60s default/a in JobQueue q: PENDING NodesFull: 2 of 4 children (2-3) wait: needs cpu 4; e: its nodes are full; room comes when a running pod ends or a node is added\n"
     "  needs cpu 4\n"
     "  place in line: 1 of 1\n"
     "  earliest start: not known: a pod of default/a runs longer than earlier ones did, and has no timeout\n"
     "  e: NodesFull: its nodes are full; room comes when a running pod ends or a node is added\n"
     "    nodes: 0 of 1 fit\n"
     "      cpu rules out 1\n"},
    {"by the machines that boot: nobody knows before the first has",
     "environment e kwok max=2 types=small:1:2Gi:0.05 boot=10s\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 runs=300s\n"
     "at 1s\n"
     "explain a\n",
     "1s default/a in JobQueue q: RUNNABLE NodesBooting: needs cpu 1; e: 1 node is booting, ACQUIRED since 1970-01-01T00:16:40Z\n"
     "  needs cpu 1\n"
     "  place in line: 1 of 1\n"
     "  earliest start: not known: no machine of type small has been seen to boot yet\n"
     "  cost to come: not known: nobody knows how long it runs: it has no timeout, and none like it has ended yet\n"
     "  e: NodesBooting: 1 node is booting, ACQUIRED since 1970-01-01T00:16:40Z\n"
     "    instance types: 1 of 1 fit\n"
     "    on its way: 1 ACQUIRED since 1970-01-01T00:16:40Z: i1 (small) boots, as far as the node group knows; given back if it is not Ready by 1970-01-01T00:26:40Z\n"},
    {"by the machines that boot, as long as earlier ones took",
     "environment e kwok max=2 types=small:1:2Gi:0.05 boot=10s\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 runs=300s\n"
     "at 20s\n"
     "job b queue=q cpu=1\n"
     "at 23s\n"
     "explain b\n",
     "10s start a on e-1\n"
     "23s default/b in JobQueue q: RUNNABLE NodesBooting: needs cpu 1; e: 1 node is booting, ACQUIRED since 1970-01-01T00:17:00Z\n"
     "  needs cpu 1\n"
     "  place in line: 1 of 1\n"
     "  earliest start: 1970-01-01T00:17:10Z: a machine of type small is Ready, by the mean of earlier ones\n"
     "  cost to come: not known: nobody knows how long it runs: it has no timeout, and none like it has ended yet\n"
     "  e: NodesBooting: 1 node is booting, ACQUIRED since 1970-01-01T00:17:00Z\n"
     "    nodes: 0 of 1 fit\n"
     "      cpu rules out 1\n"
     "    instance types: 0 of 1 fit\n"
     "      more vCPUs than maxvCpus leaves rules out 1: 1 would fit once machines are given back, or with a higher maxvCpus\n"
     "    on its way: 1 ACQUIRED since 1970-01-01T00:17:00Z: i2 (small) boots, as far as the node group knows; given back if it is not Ready by 1970-01-01T00:27:00Z\n"},
    {"a multi-node job is not reckoned, nor who is behind it",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "node n2 env=e cpu=4\n"
     "job a queue=q cpu=1 timeout=60s\n"
     "job g queue=q nodes=2 cpu=2\n"
     "job h queue=q cpu=1\n"
     "at 1s\n"
     "explain h\n",
     "0s start a on n1\n"
     "1s default/h in JobQueue q: RUNNABLE BehindInQueue: earlier jobs of JobQueue q go first\n"
     "  needs cpu 1\n"
     "  place in line: 2 of 2, 2 pods before it; first is default/g (NodesFull)\n"
     "  earliest start: not known: it is behind default/g, and of that one: when enough nodes are empty at once for a multi-node job is not reckoned\n"
     "  e: could take it\n"
     "    nodes: 2 of 2 fit\n"},
    /* clang-format on */
};

static const struct world_row front_rows[] = {
    /* clang-format off */
    {"the first in line, each with its earliest start, at most every 15 s",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "job a queue=q cpu=4 timeout=60s runs=30s\n"
     "at 10s\n"
     "job b queue=q cpu=4 timeout=100s runs=10s\n"
     "job c queue=q cpu=1 runs=10s\n"
     "at 90s\n",
     "0s start a on n1\n"
     "0s q has nobody in line\n"
     "1s q has nobody in line\n"
     "10s q has nobody in line\n"
     "15s q 1 default/b NodesFull, from 60s: a pod of default/a ends at its timeout, at the latest\n"
     "15s q 2 default/c BehindInQueue, from 160s: a pod of default/b ends at its timeout, at the latest\n"
     "30s start b on n1\n"
     "30s q 1 default/c NodesFull, from 60s: a pod of default/b ends, by the mean of earlier runs\n"
     "31s q 1 default/c NodesFull, from 60s: a pod of default/b ends, by the mean of earlier runs\n"
     "40s start c on n1\n"
     "40s q 1 default/c NodesFull, from 60s: a pod of default/b ends, by the mean of earlier runs\n"
     "41s q 1 default/c NodesFull, from 60s: a pod of default/b ends, by the mean of earlier runs\n"
     "45s q has nobody in line\n"
     "50s q has nobody in line\n"},
    /* clang-format on */
};

TEST(front)
{
    world_check(front_rows, ARRAY_LEN(front_rows), SHOW_PODS | SHOW_FRONT);
}

TEST(forecast)
{
    world_check(rows, ARRAY_LEN(rows), SHOW_PODS);
}
