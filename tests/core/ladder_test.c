/* SPDX-License-Identifier: Apache-2.0 */
/* ladder_test.c - capacity on its way: which step hangs, and since when */
#include "core/world.h"

#include "bulkhead/base/macros.h"

static const struct world_row rows[] = {
    /* clang-format off */
    {"a machine climbs from request to its first pod",
     "environment e kwok max=8 types=small:1:2Gi:0.05\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1\n"
     "at 15s\n"
     "pod a waiting ImagePullBackOff words=no~such~image\n"
     "at 80s\n"
     "pod a running\n"
     "at 90s\n",
     "0s e has nothing on its way\n"
     "1s e has 1 ACQUIRED since 0s: i1 (small) boots, as far as the node group knows; given back if it is not Ready by 1970-01-01T00:26:40Z\n"
     "10s start a on e-1\n"
     "10s e has 1 READY since 10s: pod default/a-00000001-0-1 on e-1 has not started: its kubelet pulls images\n"
     "70s e has 1 READY since 10s: pod default/a-00000001-0-1 on e-1 has not started: ImagePullBackOff: no such image\n"
     "80s e has nothing on its way\n"},
    {"a machine that boots and never joins is given back, and told so meanwhile",
     "environment e kwok max=8 types=small:1:2Gi:0.05 boot=never\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 array=3\n"
     "at 300s\n"
     "explain a\n",
     "0s e has nothing on its way\n"
     "1s e has 3 ACQUIRED since 0s: i1 (small) boots, as far as the node group knows; given back if it is not Ready by 1970-01-01T00:26:40Z\n"
     "300s default/a in JobQueue q: PENDING NodesBooting: 3 of 3 children (0-2) wait: needs cpu 1; e: 3 nodes are booting, the oldest ACQUIRED since 1970-01-01T00:16:40Z\n"
     "  needs cpu 1\n"
     "  place in line: 1 of 1\n"
     "  earliest start: not known: no machine of type small has been seen to boot yet\n"
     "  cost to come: not known: nobody knows how long it runs: it has no timeout, and none like it has ended yet\n"
     "  e: NodesBooting: 3 nodes are booting, the oldest ACQUIRED since 1970-01-01T00:16:40Z\n"
     "    instance types: 1 of 1 fit\n"
     "    on its way: 3 ACQUIRED since 1970-01-01T00:16:40Z: i1 (small) boots, as far as the node group knows; given back if it is not Ready by 1970-01-01T00:26:40Z\n"},
    {"a Node that joins and is not Ready",
     "environment e kwok max=8 types=small:1:2Gi:0.05 boot=never\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1\n"
     "at 20s\n"
     "node e-1 env=e cpu=1 machine=i1 unready\n"
     "at 40s\n"
     "explain a\n"
     "node e-1 ready\n"
     "at 50s\n",
     "0s e has nothing on its way\n"
     "1s e has 1 ACQUIRED since 0s: i1 (small) boots, as far as the node group knows; given back if it is not Ready by 1970-01-01T00:26:40Z\n"
     "20s e has 1 JOINED since 20s: i1 (small) its Node is there and not Ready; given back if it is not Ready by 1970-01-01T00:26:40Z\n"
     "40s default/a in JobQueue q: RUNNABLE NodesBooting: needs cpu 1; e: 1 node is booting, JOINED since 1970-01-01T00:17:00Z\n"
     "  needs cpu 1\n"
     "  place in line: 1 of 1\n"
     "  earliest start: not known: no machine of type small has been seen to boot yet\n"
     "  cost to come: not known: nobody knows how long it runs: it has no timeout, and none like it has ended yet\n"
     "  e: NodesBooting: 1 node is booting, JOINED since 1970-01-01T00:17:00Z\n"
     "    nodes: 0 of 1 fit\n"
     "      not Ready rules out 1: 1 would fit once Ready\n"
     "    instance types: 1 of 1 fit\n"
     "    on its way: 1 JOINED since 1970-01-01T00:17:00Z: i1 (small) its Node is there and not Ready; given back if it is not Ready by 1970-01-01T00:26:40Z\n"
     "40s start a on e-1\n"
     "40s e has 1 READY since 40s: pod default/a-00000001-0-1 on e-1 has not started: its kubelet pulls images\n"},
    {"a request that the node group does not answer",
     "environment e kwok max=8 types=small:1:2Gi:0.05\n"
     "queue q envs=e\n"
     "answer launch e again the~API~is~throttled\n"
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "explain a\n"
     "at 5s\n",
     "0s e has nothing on its way\n"
     "1s e has 1 REQUESTED since 0s: the node group says: the API is throttled\n"
     "1s default/a in JobQueue q: RUNNABLE NodesRequested: needs cpu 1; e: nodes are being requested (the API is throttled)\n"
     "  needs cpu 1\n"
     "  place in line: 1 of 1\n"
     "  earliest start: not known: no machine of type small has been seen to boot yet\n"
     "  cost to come: not known: nobody knows how long it runs: it has no timeout, and none like it has ended yet\n"
     "  e: NodesRequested: nodes are being requested (the API is throttled)\n"
     "    instance types: 1 of 1 fit\n"
     "    on its way: 1 REQUESTED since 1970-01-01T00:16:40Z: the node group says: the API is throttled\n"
     "2s e has 1 ACQUIRED since 2s: i1 (small) boots, as far as the node group knows; given back if it is not Ready by 1970-01-01T00:26:42Z\n"},
    /* clang-format on */
};

TEST(ladder)
{
    world_check(rows, ARRAY_LEN(rows), SHOW_PODS | SHOW_LAUNCHING);
}
