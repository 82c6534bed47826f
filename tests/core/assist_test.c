/* SPDX-License-Identifier: Apache-2.0 */
/* assist_test.c - pods that the cluster's scheduler places: room, machines, ends and restarts */
#include "core/world.h"

static const struct world_row rows[] = {
    /* clang-format off */
    {"room is kept before it is bound, and counts where it is bound",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "node n2 env=e cpu=2\n"
     "job a queue=q cpu=2 needs=volumes\n"
     "job b queue=q cpu=2\n"
     "job c queue=q cpu=2\n"
     "at 1s\n"
     "pod a bound n1\n"
     "at 2s\n"
     "pod a running\n"
     "at 3s\n"
     "pod a ok\n"
     "at 4s\n"
     "jobs\n",
     "0s start a in e, unbound\n"
     "0s start b on n2\n"
     "3s start c on n1\n"
     "4s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b STARTING\n"
     "  c STARTING\n"},
    {"bound elsewhere than where room was kept",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "node n2 env=e cpu=2\n"
     "job a queue=q cpu=2 needs=volumes\n"
     "at 1s\n"
     "pod a bound n2\n"
     "job b queue=q cpu=2\n"
     "at 2s\n",
     "0s start a in e, unbound\n"
     "1s start b on n1\n"},
    {"it buys machines as other work does, one each when they are to be apart",
     "environment e kwok max=8 types=big:4:8Gi:0.1 delay=600s boot=5s\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 array=2 needs=affinity.podAntiAffinity apart\n"
     "at 20s\n",
     "0s launch e 1x big\n"
     "5s start a/0 in e, unbound\n"
     "5s launch e 1x big\n"
     "10s start a/1 in e, unbound\n"},
    {"what the scheduler says is told, and its deadline ends it",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 start=60s needs=volumes\n"
     "at 1s\n"
     "pod a waiting Unschedulable words=0/1~nodes~are~available\n"
     "at 10s\n"
     "why a\n"
     "at 70s\n"
     "why a\n",
     "0s start a in e, unbound\n"
     "10s a STARTING Accepted: pod a-00000001-0-1 waits for the cluster's scheduler: Unschedulable: 0/1 nodes are available\n"
     "60s stop a\n"
     "70s a FAILED ContainerFailed: Task failed to start\n"},
    {"terminated before it is bound",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=2 needs=volumes\n"
     "job b queue=q cpu=2\n"
     "at 1s\n"
     "job a terminate not needed\n"
     "at 2s\n"
     "why a\n",
     "0s start a in e, unbound\n"
     "1s stop a\n"
     "1s start b on n1\n"
     "2s a FAILED Terminated: not needed\n"},
    {"deleted by somebody before it is bound: another follows",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=2 needs=volumes\n"
     "at 1s\n"
     "pod a deleting\n"
     "at 2s\n"
     "pods\n",
     "0s start a in e, unbound\n"
     "1s start a in e, unbound\n"
     "2s pods\n"
     "  a pending on no node\n"},
    {"the node that room was kept on goes: room is kept on another, or found later",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=2 needs=volumes\n"
     "at 1s\n"
     "node n1 gone\n"
     "at 2s\n"
     "node n2 env=e cpu=2\n"
     "job b queue=q cpu=2\n"
     "at 3s\n"
     "pod a bound n2\n"
     "at 4s\n"
     "jobs\n",
     "0s start a in e, unbound\n"
     "4s jobs\n"
     "  a STARTING\n"
     "  b RUNNABLE\n"},
    {"no room for a minute: it is taken back, and waits for a place again",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=2 needs=volumes\n"
     "at 1s\n"
     "node n1 gone\n"
     "at 65s\n"
     "jobs\n"
     "node n2 env=e cpu=2\n"
     "at 70s\n",
     "0s start a in e, unbound\n"
     "61s stop a\n"
     "65s jobs\n"
     "  a RUNNABLE refusals=1\n"
     "65s start a in e, unbound\n"},
    {"a restart finds it, and keeps room for it before anybody else",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=2 needs=volumes\n"
     "job b queue=q cpu=2\n"
     "at 1s\n"
     "restart\n"
     "at 2s\n"
     "pod a bound n1\n"
     "restart\n"
     "at 3s\n"
     "pod a ok\n"
     "at 4s\n",
     "0s start a in e, unbound\n"
     "3s start b on n1\n"},
    {"another machine has its node's name: what it is bound to is known after a restart too",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 start=60s needs=volumes\n"
     "at 1s\n"
     "pod a bound n1\n"
     "restart\n"
     "at 2s\n"
     "node n1 gone\n"
     "at 10s\n"
     "node n1 env=e cpu=2\n"
     "at 20s\n"
     "jobs\n",
     "0s start a in e, unbound\n"
     "10s stop a\n"
     "10s start a in e, unbound\n"
     "20s jobs\n"
     "  a STARTING refusals=1\n"},
    {"its node is heard of after it was bound there: the name was another's until lately",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 start=60s needs=volumes\n"
     "at 5s\n"
     "pod a bound n1\n"
     "pod a running\n"
     "node n1 gone\n"
     "at 6s\n"
     "node n1 env=e cpu=2 created=3s\n"
     "at 20s\n"
     "jobs\n",
     "0s start a in e, unbound\n"
     "20s jobs\n"
     "  a RUNNING\n"},
    {"the machine that it waited for registers anew: it is stopped, and not tried twice at a time",
     "environment e kwok max=8 types=big:4:8Gi:0.1 delay=600s boot=5s\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 needs=volumes\n"
     "at 6s\n"
     "job b queue=q cpu=3 array=2\n"
     "at 15s\n"
     "pod a bound e-2\n"
     "pod a running\n"
     "at 16s\n"
     "node e-2 gone\n"
     "at 20s\n"
     "node e-2 env=e cpu=4 memory=8Gi machine=i2\n"
     "at 30s\n"
     "jobs\n",
     "0s launch e 1x big\n"
     "5s start a in e, unbound\n"
     "6s start b/0 on e-1\n"
     "6s launch e 1x big\n"
     "11s start b/1 on e-2\n"
     "20s stop a\n"
     "20s stop b/1\n"
     "20s start b/1 on e-2\n"
     "30s jobs\n"
     "  a FAILED HostTerminated attempts=1\n"
     "  b 2 STARTING\n"},
    {"nor does it matter that nobody watched when the name went to another",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job a queue=q cpu=1 start=60s needs=volumes\n"
     "at 1s\n"
     "pod a bound n1\n"
     "at 2s\n"
     "node n1 gone\n"
     "node n1 env=e cpu=2\n"
     "restart\n"
     "at 20s\n"
     "jobs\n",
     "0s start a in e, unbound\n"
     "2s stop a\n"
     "2s start a in e, unbound\n"
     "20s jobs\n"
     "  a STARTING refusals=1\n"},
    {"given up after a restart: the next machine of that name has to take it in",
     "environment e kwok max=4 types=big:4:8Gi:0.1 delay=600s boot=5s\n"
     "queue q envs=e\n"
     "job a queue=q cpu=3 needs=volumes\n"
     "at 6s\n"
     "pod a bound e-1\n"
     "pod a running\n"
     "restart\n"
     "at 7s\n"
     "machine i1 gone\n"
     "node e-1 gone\n"
     "answer always release a again\n"
     "job b queue=q cpu=3\n"
     "at 13s\n"
     "node e-1 env=e cpu=4 memory=8Gi machine=i2\n"
     "at 16s\n"
     "jobs\n",
     "0s launch e 1x big\n"
     "5s start a in e, unbound\n"
     "12s ask for a\n"
     "12s launch e 1x big\n"
     "16s jobs\n"
     "  a FAILED HostTerminated attempts=1\n"
     "  b RUNNABLE\n"},
    {"a machine is gone, and another, whose Node of the same name is not heard of yet, runs its pod",
     "environment e kwok max=8 types=big:4:8Gi:0.1 delay=600s boot=5s\n"
     "queue q envs=e\n"
     "job a queue=q cpu=3 needs=volumes\n"
     "at 6s\n"
     "environment e boot=100s\n"
     "job b queue=q cpu=3\n"
     "at 8s\n"
     "machine i1 gone\n"
     "machine i2 node=e-1\n"
     "pod a bound e-1\n"
     "pod a running\n"
     "at 30s\n"
     "pod a ok\n"
     "at 31s\n"
     "jobs\n",
     "0s launch e 1x big\n"
     "5s start a in e, unbound\n"
     "6s launch e 1x big\n"
     "31s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b RUNNABLE\n"},
    {"a multi-node job takes volumes, and is placed on its nodes",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "node n2 env=e cpu=2\n"
     "job a queue=q cpu=2 nodes=2 needs=volumes\n"
     "at 1s\n",
     "0s start a/0 on n1\n"},
    /* clang-format on */
};

TEST(the_schedulers_pods)
{
    world_check(rows, ARRAY_LEN(rows), SHOW_PODS | SHOW_MACHINES);
}
