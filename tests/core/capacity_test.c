/* SPDX-License-Identifier: Apache-2.0 */
/* capacity_test.c - environments in order, machines that are taken away, and what is given back */
#include "core/world.h"

#include "bulkhead/base/macros.h"

/* ------------------------------------------------------- what is known of a machine's end */

static const struct world_row signal_rows[] = {
    /* clang-format off */
    {"a machine that will be taken back takes nothing new; what runs there runs on",
     "environment e kwok spot max=8 types=m:2:2Gi:0.05 delay=10m\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1\n"
     "at 12s\n"
     "pod a running\n"
     "machine i1 INTERRUPTION zone=x-1a\n"
     "at 30s\n"
     "job b queue=q cpu=1\n"
     "at 60s\n"
     "jobs\n",
     "0s launch e 1x m\n"
     "10s start a on e-1\n"
     "30s launch e 1x m\n"
     "40s start b on e-2\n"
     "60s jobs\n"
     "  a RUNNING\n"
     "  b STARTING\n"},
    {"when it is lost, what ran there is tried again on what came before that",
     "environment e kwok spot max=8 types=m:2:2Gi:0.05 delay=10m\n"
     "queue q envs=e\n"
     "job a queue=q cpu=2 retry=2\n"
     "at 12s\n"
     "pod a running\n"
     "at 25s\n"
     "machine i1 INTERRUPTION\n"
     "at 60s\n"
     "node e-1 gone\n"
     "machine i1 gone\n"
     "at 80s\n"
     "tries a\n"
     "jobs\n",
     "0s launch e 1x m\n"
     "10s start a on e-1\n"
     "60s ask for a\n"
     "60.1s launch e 1x m\n"
     "70.1s start a on e-2\n"
     "80s tries of a\n"
     "  0.1 attempt 1 on e-1: Host EC2 (instance e-1) terminated.\n"
     "80s jobs\n"
     "  a STARTING attempts=1\n"},
    {"an idle machine that may be taken back is given back at once",
     "environment e kwok spot max=8 types=m:2:2Gi:0.05 delay=10m\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 runs=10s\n"
     "at 30s\n"
     "machine i1 REBALANCE\n"
     "at 60s\n",
     "0s launch e 1x m\n"
     "10s start a on e-1\n"
     "40s terminate e i1\n"},
    {"the minimum is replaced before the machine goes",
     "environment e kwok spot max=8 min=2 types=m:2:2Gi:0.05 delay=10m\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 runs=100s\n"
     "at 30s\n"
     "machine i1 REBALANCE\n"
     "at 200s\n",
     "0s launch e 1x m\n"
     "10s start a on e-1\n"
     "40s launch e 1x m\n"
     "110s terminate e i1\n"},
    {"a machine that is to go before it has joined is given back, and another one is bought",
     "environment e kwok spot max=8 types=m:2:2Gi:0.05 boot=60s\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1\n"
     "at 10s\n"
     "machine i1 INTERRUPTION\n"
     "at 100s\n"
     "jobs\n",
     "0s launch e 1x m\n"
     "10s terminate e i1\n"
     "10s launch e 1x m\n"
     "70s start a on e-2\n"
     "100s jobs\n"
     "  a STARTING\n"},
    {"a taint of a termination handler is heard too, also by work that tolerates everything",
     "environment e kwok max=8 types=m:2:2Gi:0.05 delay=10m\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 runs=30s\n"
     "at 15s\n"
     "node e-1 taints=aws-node-termination-handler/spot-itn:x:NoSchedule\n"
     "at 20s\n"
     "job b queue=q cpu=1 tolerate=aws-node-termination-handler/spot-itn:x\n"
     "at 60s\n"
     "jobs\n",
     "0s launch e 1x m\n"
     "10s start a on e-1\n"
     "20s launch e 1x m\n"
     "30s start b on e-2\n"
     "40s terminate e i1\n"
     "60s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b STARTING\n"},
    {"a node that somebody cordoned takes nothing new, and stays for its delay",
     "environment e kwok max=8 types=m:2:2Gi:0.05 delay=1m\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 runs=10s\n"
     "at 15s\n"
     "node e-1 cordoned\n"
     "job b queue=q cpu=1 runs=200s\n"
     "at 100s\n"
     "jobs\n",
     "0s launch e 1x m\n"
     "10s start a on e-1\n"
     "15s launch e 1x m\n"
     "25s start b on e-2\n"
     "80s terminate e i1\n"
     "100s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b RUNNING\n"},
    {"a multi-node job is not placed on machines that go",
     "environment e kwok spot max=8 types=m:2:2Gi:0.05 delay=10m\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 runs=10s\n"
     "at 25s\n"
     "machine i1 REBALANCE\n"
     "job g queue=q nodes=2 cpu=1 allowspot\n"
     "at 60s\n"
     "jobs\n",
     "0s launch e 1x m\n"
     "10s start a on e-1\n"
     "25s launch e 1x m\n"
     "25s terminate e i1\n"
     "26s launch e 1x m\n"
     "36s start g/0 on e-2\n"
     "60s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  g 1 RUNNABLE 1 STARTING\n"},
    {"signals are heard again after a restart, and told once",
     "environment e kwok spot max=8 types=m:2:2Gi:0.05 delay=10m\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1\n"
     "at 12s\n"
     "pod a running\n"
     "machine i1 REBALANCE\n"
     "at 30s\n"
     "restart\n"
     "job b queue=q cpu=1\n"
     "at 60s\n"
     "pods\n",
     "0s launch e 1x m\n"
     "10s start a on e-1\n"
     "30s launch e 1x m\n"
     "40s start b on e-2\n"
     "60s pods\n"
     "  a running on e-1\n"
     "  b pending on e-2\n"},
    /* clang-format on */
};

TEST(signals)
{
    world_check(signal_rows, ARRAY_LEN(signal_rows), SHOW_PODS | SHOW_MACHINES);
}
