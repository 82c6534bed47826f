/* SPDX-License-Identifier: Apache-2.0 */
/* gang_test.c - multi-node jobs: placed whole, led by their main node */
#include "core/world.h"

#include "bulkhead/base/macros.h"

static const struct world_row rows[] = {
    /* clang-format off */
    {"the main node starts first, the others when it runs",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "node n2 env=e cpu=2\n"
     "node n3 env=e cpu=2\n"
     "job g queue=q cpu=1 nodes=3 main=1\n"
     "at 1s\n"
     "pod g/1 running\n"
     "at 2s\n"
     "jobs\n",
     "0s start g/1 on n2\n"
     "1s start g/0 on n1\n"
     "1s start g/2 on n3\n"
     "2s jobs\n"
     "  g 2 STARTING 1 RUNNING\n"},
    {"nothing starts while one node is missing",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "node n2 env=e cpu=2\n"
     "job a queue=q cpu=1 runs=3s\n"
     "job g queue=q cpu=1 nodes=2 created=1s\n"
     "why g\n"
     "at 4s\n",
     "0s start a on n1\n"
     "0s g RUNNABLE NodesFull: needs 2 nodes at once, each with cpu 1; e: too few of its nodes are empty; room comes when a running pod ends or a node is added\n"
     "3s start g/0 on n1\n"},
    {"a node that is kept for it takes nothing else, nor does one that it is on",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "node n2 env=e cpu=4\n"
     "job g queue=q cpu=1 nodes=2\n"
     "job small queue=q cpu=1 created=1s\n"
     "at 5s\n"
     "pod g/0 running\n"
     "at 6s\n"
     "jobs\n",
     "0s start g/0 on n1\n"
     "5s start g/1 on n2\n"
     "6s jobs\n"
     "  g 1 STARTING 1 RUNNING\n"
     "  small RUNNABLE\n"},
    {"the main node's end is the job's end, and the others are stopped",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "node n2 env=e cpu=2\n"
     "job g queue=q cpu=1 nodes=2\n"
     "at 1s\n"
     "pod g/0 running\n"
     "at 2s\n"
     "pod g/1 running\n"
     "at 3s\n"
     "pod g/0 ok\n"
     "at 5s\n"
     "jobs\n",
     "0s start g/0 on n1\n"
     "1s start g/1 on n2\n"
     "3s stop g/1\n"
     "5s jobs\n"
     "  g SUCCEEDED Succeeded attempts=1\n"},
    {"the end of another node is not the job's",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "node n2 env=e cpu=2\n"
     "job g queue=q cpu=1 nodes=2 retry=3\n"
     "at 1s\n"
     "pod g/0 running\n"
     "at 2s\n"
     "pod g/1 failed exit=1\n"
     "at 3s\n"
     "jobs\n"
     "pod g/0 ok\n"
     "at 4s\n"
     "jobs\n",
     "0s start g/0 on n1\n"
     "1s start g/1 on n2\n"
     "3s jobs\n"
     "  g 1 RUNNABLE 1 RUNNING\n"
     "4s jobs\n"
     "  g SUCCEEDED Succeeded attempts=1\n"},
    {"the main node's failure retries all, once the last is gone",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "node n2 env=e cpu=2\n"
     "job g queue=q cpu=1 nodes=2 retry=2\n"
     "at 1s\n"
     "pod g/0 running\n"
     "at 2s\n"
     "pod g/1 running\n"
     "at 3s\n"
     "pod g/0 failed exit=1\n"
     "at 7s\n"
     "pod g/0 running\n"
     "at 8s\n",
     "0s start g/0 on n1\n"
     "1s start g/1 on n2\n"
     "3s stop g/1\n"
     "3s start g/0 on n1\n"
     "7s start g/1 on n2\n"},
    {"a restart between the main node's start and the others'",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "node n2 env=e cpu=2\n"
     "job g queue=q cpu=1 nodes=2\n"
     "job small queue=q cpu=1 created=1s\n"
     "at 1s\n"
     "restart\n"
     "at 2s\n"
     "pod g/0 running\n"
     "at 3s\n"
     "jobs\n",
     "0s start g/0 on n1\n"
     "2s start g/1 on n2\n"
     "3s jobs\n"
     "  g 1 STARTING 1 RUNNING\n"
     "  small RUNNABLE\n"},
    {"cancelled while it waits",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job g queue=q cpu=1 nodes=2\n"
     "at 1s\n"
     "job g cancel enough\n"
     "at 2s\n"
     "jobs\n",
     "2s jobs\n"
     "  g FAILED Cancelled\n"},
    {"terminated as a whole",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "node n2 env=e cpu=2\n"
     "job g queue=q cpu=1 nodes=2 retry=3\n"
     "at 1s\n"
     "pod g/0 running\n"
     "at 2s\n"
     "pod g/1 running\n"
     "at 3s\n"
     "job g terminate enough\n"
     "at 6s\n"
     "jobs\n",
     "0s start g/0 on n1\n"
     "1s start g/1 on n2\n"
     "3s stop g/0\n"
     "3s stop g/1\n"
     "6s jobs\n"
     "  g FAILED Terminated attempts=1\n"},
    {"a small part does not take the node that the large one needs",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "node n2 env=e cpu=1\n"
     "job g queue=q cpu=1 nodes=2 main=1 maincpu=4\n"
     "at 1s\n"
     "pod g/1 running\n",
     "0s start g/1 on n1\n"
     "1s start g/0 on n2\n"},
    {"two large parts and one large node: nothing starts",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=4\n"
     "node n2 env=e cpu=1\n"
     "node n3 env=e cpu=1\n"
     "job g queue=q cpu=4 nodes=3 maincpu=1\n"
     "at 1s\n"
     "why g\n",
     "1s g RUNNABLE DoesNotFit: MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - needs 3 nodes at once, each with cpu 1; e: it cannot have 3 such nodes\n"},
    {"a foreign pod takes the room that was kept: the part starts elsewhere",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "node n2 env=e cpu=2\n"
     "node n3 env=e cpu=2\n"
     "job g queue=q cpu=2 nodes=2\n"
     "at 1s\n"
     "pod foreign node=n2 cpu=1\n"
     "at 2s\n"
     "pod g/0 running\n",
     "0s start g/0 on n1\n"
     "2s start g/1 on n3\n"},
    {"not in a SPOT environment, unless it allows that",
     "environment e static spot\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "node n2 env=e cpu=2\n"
     "job g queue=q cpu=1 nodes=2\n"
     "job h queue=q cpu=1 nodes=2 allowspot created=1s\n"
     "at 1s\n"
     "why g\n",
     "0s start h/0 on n1\n"
     "1s g RUNNABLE DoesNotFit: MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - needs 2 nodes at once, each with cpu 1; e: it is SPOT, and the job does not set nodeProperties.allowSpot\n"},
    {"the timeout is the main node's, and ends all",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "node n2 env=e cpu=2\n"
     "job g queue=q cpu=1 nodes=2 timeout=10s retry=3\n"
     "at 1s\n"
     "pod g/0 running\n"
     "at 2s\n"
     "pod g/1 running\n"
     "at 20s\n"
     "jobs\n",
     "0s start g/0 on n1\n"
     "1s start g/1 on n2\n"
     "12s stop g/0\n"
     "12s stop g/1\n"
     "20s jobs\n"
     "  g FAILED TimedOut attempts=1\n"},
    {"also when nobody says that the main node has ended",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "node n2 env=e cpu=2\n"
     "job g queue=q cpu=1 nodes=2 timeout=10s retry=3\n"
     "at 1s\n"
     "pod g/0 running\n"
     "answer delete g/0 never\n"
     "at 2s\n"
     "pod g/1 running\n"
     "at 20s\n"
     "jobs\n",
     "0s start g/0 on n1\n"
     "1s start g/1 on n2\n"
     "12s stop g/0\n"
     "12s stop g/1\n"
     "20s jobs\n"
     "  g 1 RUNNABLE 1 RUNNING\n"},
    {"deleted while it runs: all are stopped",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "node n2 env=e cpu=2\n"
     "job g queue=q cpu=1 nodes=2\n"
     "job then queue=q cpu=1 created=1s\n"
     "at 1s\n"
     "pod g/0 running\n"
     "at 2s\n"
     "pod g/1 running\n"
     "at 3s\n"
     "job g gone\n"
     "at 5s\n"
     "jobs\n",
     "0s start g/0 on n1\n"
     "1s start g/1 on n2\n"
     "3s stop g/0\n"
     "3s stop g/1\n"
     "3s start then on n1\n"
     "5s jobs\n"
     "  then STARTING\n"},
    {"terminated, and a new process: its node is its own until the pod has gone",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "job g queue=q cpu=1 nodes=1\n"
     "job then queue=q cpu=1 created=1s\n"
     "at 1s\n"
     "pod g/0 running\n"
     "at 2s\n"
     "answer always delete g/0 again\n"
     "job g terminate enough\n"
     "at 3s\n"
     "restart\n"
     "at 4s\n"
     "jobs\n",
     "0s start g/0 on n1\n"
     "2s stop g/0\n"
     "3s stop g/0\n"
     "4s stop g/0\n"
     "4s jobs\n"
     "  g 1 RUNNING\n"
     "  then RUNNABLE\n"},
    {"its result is the main node's, and its tries tell of what failed",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "node n2 env=e cpu=2\n"
     "job g queue=q cpu=1 nodes=2\n"
     "at 1s\n"
     "pod g/0 running\n"
     "at 2s\n"
     "pod g/1 failed exit=3\n"
     "at 3s\n"
     "pod g/0 ok result=7\n"
     "at 4s\n"
     "tries g\n"
     "at 6s\n"
     "jobs\n",
     "0s start g/0 on n1\n"
     "1s start g/1 on n2\n"
     "4s tries of g\n"
     "  1.1 attempt 1 on n2: Essential container in task exited, main 3\n"
     "  0.1 attempt 1 on n1: Essential container in task exited, main 0\n"
     "6s jobs\n"
     "  g SUCCEEDED Succeeded attempts=1\n"},
    {"a job overrides how many nodes it has, also after a restart",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "node n2 env=e cpu=2\n"
     "node n3 env=e cpu=2\n"
     "job g queue=q cpu=1 nodes=2 setnodes=3\n"
     "at 1s\n"
     "restart\n"
     "at 2s\n"
     "pod g/0 running\n"
     "at 3s\n"
     "jobs\n",
     "0s start g/0 on n1\n"
     "2s start g/1 on n2\n"
     "2s start g/2 on n3\n"
     "3s jobs\n"
     "  g 2 STARTING 1 RUNNING\n"},
    {"overrides that do not go with the nodes end it at once",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=2\n"
     "node n2 env=e cpu=2\n"
     "node n3 env=e cpu=2\n"
     "job g queue=q cpu=1 nodes=2 main=1 setnodes=1\n"
     "at 1s\n"
     "why g\n",
     "1s g FAILED InvalidOverrides: spec.nodeOverrides.numNodes: 1, expected more than mainNode, 1\n"},
    /* clang-format on */
};

TEST(gang)
{
    world_check(rows, ARRAY_LEN(rows), SHOW_PODS);
}

static const struct world_row machine_rows[] = {
    /* clang-format off */
    {"the node that came first is for the part that needs it, when what comes is for another",
     "environment e kwok max=10 types=small:2:8Gi:0.05,big:4:16Gi:0.2 delay=600s boot=never\n"
     "queue q envs=e\n"
     "job s queue=q cpu=1\n"
     "at 2s\n"
     "job s gone\n"
     "environment e boot=5s\n"
     "job g queue=q cpu=1 nodes=2 main=1 maincpu=3 created=2s\n"
     "at 60s\n",
     "0s launch e 1x small\n"
     "2s launch e 1x big\n"},
    {"a machine for each node is bought at once",
     "environment e kwok max=8 types=small:1:2Gi:0.05,large:4:8Gi:0.18\n"
     "queue q envs=e\n"
     "job g queue=q cpu=1 nodes=3\n",
     "0s launch e 3x small\n"},
    {"more than maxvCpus allows is told at once, and nothing is bought",
     "environment e kwok max=2 types=small:1:2Gi:0.05\n"
     "queue q envs=e\n"
     "job g queue=q cpu=1 nodes=3\n"
     "at 1s\n"
     "why g\n",
     "1s g RUNNABLE DoesNotFit: MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - needs 3 nodes at once, each with cpu 1; e: it cannot have 3 such nodes within maxvCpus 2: raise it, or add a larger instance type\n"},
    {"machines are kept until there is one for each, though they come one by one",
     "environment e kwok max=8 types=small:1:2Gi:0.05:1 delay=5s\n"
     "queue q envs=e\n"
     "job g queue=q cpu=1 nodes=2\n"
     "at 100s\n"
     "why g\n",
     "0s launch e 2x small\n"
     "15s launch e 1x small\n"
     "45s launch e 1x small\n"
     "100s g RUNNABLE InsufficientInstanceCapacity: needs 2 nodes at once, each with cpu 1; e: CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - no more small to be had now; asked for again in 56 s\n"},
    {"the machine of a part dies before it starts: another is bought, and it starts there",
     "environment e kwok max=8 types=small:1:2Gi:0.05 boot=10s\n"
     "queue q envs=e\n"
     "job g queue=q cpu=1 nodes=2\n"
     "at 15s\n"
     "machine i2 gone\n"
     "at 100s\n"
     "pod g/0 running\n",
     "0s launch e 2x small\n"
     "10s start g/0 on e-1\n"
     "75s launch e 1x small\n"
     "100s start g/1 on e-3\n"},
    /* clang-format on */
};

TEST(gang_machines)
{
    world_check(machine_rows, ARRAY_LEN(machine_rows), SHOW_MACHINES | SHOW_PODS);
}
