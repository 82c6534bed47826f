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
     "25s launch e 1x m\n"
     "65s ask for a\n"
     "65s start a on e-2\n"
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
    {"an idle machine that will be taken over is kept for ten minutes, and no longer",
     "environment e kwok spot max=8 types=m:2:2Gi:0.05 delay=10s\n"
     "queue q envs=e\n"
     "job a queue=q cpu=2 retry=2\n"
     "at 12s\n"
     "pod a running\n"
     "machine i1 REBALANCE\n"
     "at 700s\n"
     "jobs\n",
     "0s launch e 1x m\n"
     "10s start a on e-1\n"
     "25s launch e 1x m\n"
     "625s terminate e i2\n"
     "700s jobs\n"
     "  a RUNNING\n"},
    {"room is kept for what did not start in time, until it is tried again",
     "environment e kwok spot max=8 types=m:2:2Gi:0.05 delay=10s\n"
     "queue q envs=e\n"
     "job a queue=q cpu=2 retry=2 start=20s\n"
     "at 12s\n"
     "pod a waiting ImagePullBackOff\n"
     "machine i1 REBALANCE\n"
     "answer delete a never\n"
     "at 60s\n"
     "pod a failed exit=137\n"
     "at 70s\n"
     "jobs\n",
     "0s launch e 1x m\n"
     "10s start a on e-1\n"
     "25s launch e 1x m\n"
     "30s stop a\n"
     "60s start a on e-2\n"
     "60s terminate e i1\n"
     "70s jobs\n"
     "  a STARTING attempts=1\n"},
    {"nothing is bought for what would not be tried again",
     "environment e kwok spot max=8 types=m:2:2Gi:0.05 delay=10s\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1 retry=3 rule=EXIT,status=Host~EC2*\n"
     "at 12s\n"
     "pod a running\n"
     "pod b running\n"
     "machine i1 INTERRUPTION\n"
     "at 60s\n",
     "0s launch e 1x m\n"
     "10s start a on e-1\n"
     "10s start b on e-1\n"},
    {"nothing is bought where there is room already",
     "environment e kwok spot max=8 types=m:2:2Gi:0.05 delay=10m\n"
     "queue q envs=e\n"
     "job a queue=q cpu=2 retry=2\n"
     "job b queue=q cpu=2 runs=20s\n"
     "at 12s\n"
     "pod a running\n"
     "at 40s\n"
     "machine i1 INTERRUPTION\n"
     "at 70s\n"
     "node e-1 gone\n"
     "machine i1 gone\n"
     "at 100s\n"
     "jobs\n",
     "0s launch e 2x m\n"
     "10s start a on e-1\n"
     "10s start b on e-2\n"
     "75s ask for a\n"
     "75s start a on e-2\n"
     "100s jobs\n"
     "  a STARTING attempts=1\n"
     "  b SUCCEEDED Succeeded attempts=1\n"},
    {"what comes back goes on to the next environment when the first has no more",
     "environment e1 kwok spot max=8 types=m:2:2Gi:0.05:1 delay=10m\n"
     "environment e2 kwok max=8 types=m:2:2Gi:0.2 delay=10m\n"
     "queue q envs=e1,e2\n"
     "job a queue=q cpu=2 retry=2\n"
     "at 12s\n"
     "pod a running\n"
     "machine i1 INTERRUPTION\n"
     "at 60s\n"
     "node e1-1 gone\n"
     "machine i1 gone\n"
     "at 90s\n"
     "jobs\n",
     "0s launch e1 1x m\n"
     "10s start a on e1-1\n"
     "25s launch e1 1x m\n"
     "26s launch e2 1x m\n"
     "65s ask for a\n"
     "65s start a on e2-2\n"
     "90s jobs\n"
     "  a STARTING attempts=1\n"},
    /* clang-format on */
};

TEST(signals)
{
    world_check(signal_rows, ARRAY_LEN(signal_rows), SHOW_PODS | SHOW_MACHINES);
}

/* ------------------------------------------------------------------ environments in order */

static const struct world_row order_rows[] = {
    /* clang-format off */
    {"the second in which the first waits for its next launch is no reason to go on",
     "environment e1 kwok max=8 types=m:1:2Gi:0.05\n"
     "environment e2 kwok max=8 types=m:1:2Gi:0.05\n"
     "queue q envs=e1,e2\n"
     "job a queue=q cpu=1\n"
     "at 0.2s\n"
     "job b queue=q cpu=1 array=2\n"
     "at 6s\n",
     "0s launch e1 1x m\n"
     "1s launch e1 2x m\n"},
    {"what the first could not take then goes on at once",
     "environment e1 kwok max=2 types=m:1:2Gi:0.05\n"
     "environment e2 kwok max=8 types=m:1:2Gi:0.05\n"
     "queue q envs=e1,e2\n"
     "job a queue=q cpu=1\n"
     "at 0.2s\n"
     "job b queue=q cpu=1 array=3\n"
     "at 6s\n",
     "0s launch e1 1x m\n"
     "0.2s launch e2 2x m\n"
     "1s launch e1 1x m\n"},
    {"insufficient capacity: on to the next at once, and to the one after it",
     "environment e1 kwok max=8 types=m:1:2Gi:0.05:1\n"
     "environment e2 kwok max=8 types=m:1:2Gi:0.05:0\n"
     "environment e3 kwok max=8 types=m:1:2Gi:0.05\n"
     "queue q envs=e1,e2,e3\n"
     "job a queue=q cpu=1 array=3\n"
     "at 6s\n",
     "0s launch e1 3x m\n"
     "0.1s launch e2 2x m\n"
     "0.2s launch e3 2x m\n"},
    {"a node group that is misconfigured is passed over, and used again when it is mended",
     "environment e1 kwok max=8 types=m:1:2Gi:0.05\n"
     "environment e2 kwok max=8 types=m:1:2Gi:0.05\n"
     "queue q envs=e1,e2\n"
     "answer launch e1 invalid no~such~zone\n"
     "job a queue=q cpu=1\n"
     "at 90s\n"
     "job b queue=q cpu=1\n"
     "at 120s\n",
     "0s launch e1 1x m\n"
     "0.1s launch e2 1x m\n"
     "10.1s start a on e2-1\n"
     "90s launch e1 1x m\n"
     "100s start b on e1-2\n"},
    {"one that is DISABLED is passed over",
     "environment e1 kwok disabled max=8 types=m:1:2Gi:0.05\n"
     "environment e2 kwok max=8 types=m:1:2Gi:0.05\n"
     "queue q envs=e1,e2\n"
     "job a queue=q cpu=1\n"
     "at 20s\n",
     "0s launch e2 1x m\n"
     "10s start a on e2-1\n"},
    {"a provider that cannot be asked is waited for a minute, and used again when it answers",
     "environment e1 kwok max=8 types=m:1:2Gi:0.05 delay=20s\n"
     "environment e2 kwok max=8 types=m:1:2Gi:0.05\n"
     "queue q envs=e1,e2\n"
     "answer always launch e1 again no~route\n"
     "job a queue=q cpu=1\n"
     "at 80s\n"
     "answer launch e1 ok\n"
     "at 100s\n"
     "job b queue=q cpu=1\n"
     "at 120s\n",
     "0s launch e1 1x m\n"
     "2s launch e1 1x m\n"
     "4s launch e1 1x m\n"
     "6s launch e1 1x m\n"
     "8s launch e1 1x m\n"
     "10s launch e1 1x m\n"
     "12s launch e1 1x m\n"
     "14s launch e1 1x m\n"
     "16s launch e1 1x m\n"
     "18s launch e1 1x m\n"
     "20s launch e1 1x m\n"
     "22s launch e1 1x m\n"
     "24s launch e1 1x m\n"
     "26s launch e1 1x m\n"
     "28s launch e1 1x m\n"
     "30s launch e1 1x m\n"
     "32s launch e1 1x m\n"
     "34s launch e1 1x m\n"
     "36s launch e1 1x m\n"
     "38s launch e1 1x m\n"
     "40s launch e1 1x m\n"
     "42s launch e1 1x m\n"
     "44s launch e1 1x m\n"
     "46s launch e1 1x m\n"
     "48s launch e1 1x m\n"
     "50s launch e1 1x m\n"
     "52s launch e1 1x m\n"
     "54s launch e1 1x m\n"
     "56s launch e1 1x m\n"
     "58s launch e1 1x m\n"
     "60s launch e1 1x m\n"
     "60s launch e2 1x m\n"
     "62s launch e1 1x m\n"
     "64s launch e1 1x m\n"
     "66s launch e1 1x m\n"
     "68s launch e1 1x m\n"
     "70s start a on e2-1\n"
     "70s launch e1 1x m\n"
     "72s launch e1 1x m\n"
     "74s launch e1 1x m\n"
     "76s launch e1 1x m\n"
     "78s launch e1 1x m\n"
     "80s launch e1 1x m\n"
     "100s start b on e1-2\n"},
    {"back to the first: what comes anyway is used, new work is bought for there, and the second's machines go",
     "environment e1 kwok spot max=8 types=m:1:2Gi:0.05 boot=60s\n"
     "environment e2 kwok max=8 types=m:1:2Gi:0.2 boot=60s delay=30s\n"
     "queue q envs=e1,e2\n"
     "answer launch e1 capacity no~more\n"
     "job a queue=q cpu=1 array=2 runs=60s\n"
     "at 30s\n"
     "job b queue=q cpu=1 runs=60s\n"
     "at 200s\n"
     "jobs\n",
     "0s launch e1 2x m\n"
     "0.1s launch e2 2x m\n"
     "30s launch e1 1x m\n"
     "60.1s start a/0 on e2-1\n"
     "60.1s start a/1 on e2-2\n"
     "90s start b on e1-3\n"
     "150.1s terminate e2 i2 i1\n"
     "200s jobs\n"
     "  a SUCCEEDED Succeeded 2 SUCCEEDED\n"
     "  b SUCCEEDED Succeeded attempts=1\n"},
    {"a multi-node job that comes in the second is not bought for again in the first",
     "environment e1 kwok max=8 types=m:1:2Gi:0.05 boot=60s\n"
     "environment e2 kwok max=8 types=m:1:2Gi:0.2 boot=60s\n"
     "queue q envs=e1,e2\n"
     "answer launch e1 capacity no~more\n"
     "job g queue=q nodes=2 cpu=1\n"
     "at 80s\n"
     "jobs\n",
     "0s launch e1 2x m\n"
     "0.1s launch e2 2x m\n"
     "60.1s start g/0 on e2-1\n"
     "80s jobs\n"
     "  g 1 RUNNABLE 1 STARTING\n"},
    {"no machine makes room for what is bought for in the next environment",
     "environment e1 kwok max=4 min=2 types=s:2:4Gi:0.05,l:4:8Gi:0.1 boot=10s\n"
     "environment e2 kwok max=8 types=l:4:8Gi:0.2 boot=10s\n"
     "queue q envs=e1,e2\n"
     "at 20s\n"
     "job a queue=q cpu=4 runs=10s\n"
     "at 60s\n"
     "jobs\n",
     "0s launch e1 1x s\n"
     "20s launch e2 1x l\n"
     "30s start a on e2-2\n"
     "60s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"},
    {"nor for a multi-node job that is",
     "environment e1 kwok max=4 min=2 types=s:2:4Gi:0.05,l:4:8Gi:0.1 boot=10s\n"
     "environment e2 kwok max=8 types=l:4:8Gi:0.2 boot=10s\n"
     "queue q envs=e1,e2\n"
     "at 20s\n"
     "job g queue=q nodes=1 cpu=4\n"
     "at 40s\n",
     "0s launch e1 1x s\n"
     "20s launch e2 1x l\n"
     "30s start g/0 on e2-2\n"},
    {"it does for what the next has no room for",
     "environment e1 kwok max=4 min=2 types=s:2:4Gi:0.05,l:4:8Gi:0.1 boot=10s\n"
     "environment e2 kwok max=4 types=l:4:8Gi:0.2 boot=10s\n"
     "queue q envs=e1,e2\n"
     "at 20s\n"
     "job a queue=q cpu=4 array=2\n"
     "at 60s\n",
     "0s launch e1 1x s\n"
     "20s terminate e1 i1\n"
     "20s launch e2 1x l\n"
     "21.1s launch e1 1x l\n"
     "30s start a/0 on e2-2\n"
     "31.1s start a/1 on e1-3\n"},
    {"queues that share environments take turns by priority, each in its own order",
     "environment e1 kwok max=2 types=m:1:2Gi:0.05\n"
     "environment e2 kwok max=2 types=m:1:2Gi:0.05\n"
     "queue high envs=e1,e2 priority=9\n"
     "queue low envs=e2,e1\n"
     "job l queue=low cpu=1 array=3\n"
     "job h queue=high cpu=1\n"
     "at 12s\n"
     "pods\n",
     "0s launch e1 2x m\n"
     "0s launch e2 2x m\n"
     "10s start h on e1-1\n"
     "10s start l/0 on e2-3\n"
     "10s start l/1 on e2-4\n"
     "10s start l/2 on e1-2\n"
     "12s pods\n"
     "  h pending on e1-1\n"
     "  l/0 pending on e2-3\n"
     "  l/1 pending on e2-4\n"
     "  l/2 pending on e1-2\n"},
    /* clang-format on */
};

TEST(environments_in_order)
{
    world_check(order_rows, ARRAY_LEN(order_rows), SHOW_PODS | SHOW_MACHINES);
}

/* ------------------------------------------------------------------------- giving way */

static const struct world_row way_rows[] = {
    /* clang-format off */
    {"no machine makes room for what takes its place where an environment gives way no more",
     "environment b kwok max=4 min=2 types=s:2:4Gi:0.02:0,l:4:8Gi:0.04:0 allocatable=1900m boot=5s\n"
     "environment a kwok max=4 types=x:4:8Gi:0.4 boot=5s\n"
     "queue q envs=b,a\n"
     "job m queue=q cpu=2 retry=3\n"
     "at 10s\n"
     "pod m running\n"
     "environment b types=s:2:4Gi:0.02,l:4:8Gi:0.04\n"
     "at 30s\n"
     "pod m failed exit=1\n"
     "at 60s\n",
     "0s launch b 1x s\n"
     "1s launch b 1x l\n"
     "1.1s launch a 1x x\n"
     "6.1s start m on a-1\n"
     "15s launch b 1x s\n"
     "30s start m on a-1\n"},
    {"what is behind one that is let in again is not bought for before it has its place",
     "environment e1 kwok ns=other max=8 types=m:2:4Gi:0.05 boot=10s delay=20s\n"
     "environment e2 kwok ns=default,other max=4 types=m:4:8Gi:0.4 boot=10s\n"
     "queue q envs=e1,e2\n"
     "job a queue=q cpu=2 runs=500s\n"
     "job h queue=q cpu=4 runs=10s\n"
     "job c queue=q ns=other cpu=2 array=2 runs=10s\n"
     "at 400s\n"
     "at 560s\n"
     "jobs\n",
     "0s launch e2 1x m\n"
     "10s start a on e2-1\n"
     "510s start h on e2-1\n"
     "510s launch e1 2x m\n"
     "520s start c/0 on e1-2\n"
     "520s start c/1 on e1-3\n"
     "550s terminate e1 i3 i2\n"
     "560s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  h SUCCEEDED Succeeded attempts=1\n"
     "  c SUCCEEDED Succeeded 2 SUCCEEDED\n"},
    {"nor behind a multi-node job",
     "environment e1 kwok ns=other max=8 types=m:2:4Gi:0.05 boot=10s delay=20s\n"
     "environment e2 kwok ns=default,other max=8 types=m:4:8Gi:0.4 boot=10s\n"
     "queue q envs=e1,e2\n"
     "job a queue=q cpu=2 runs=500s\n"
     "job h queue=q nodes=2 cpu=4\n"
     "job c queue=q ns=other cpu=2 array=2 runs=10s\n"
     "at 400s\n",
     "0s launch e2 1x m\n"
     "10s start a on e2-1\n"},
    {"new work is for the first again, though the second has room: the dearer machines run empty",
     "environment e1 kwok spot max=8 types=m:4:8Gi:0.05 boot=10s\n"
     "environment e2 kwok max=8 types=m:4:8Gi:0.2 boot=10s delay=20s\n"
     "queue q envs=e1,e2\n"
     "answer launch e1 capacity no~more\n"
     "job a queue=q cpu=2 runs=60s\n"
     "job b queue=q cpu=2 runs=100s\n"
     "at 80s\n"
     "job c queue=q cpu=2 runs=100s\n"
     "at 82s\n"
     "why c\n"
     "at 150s\n"
     "jobs\n",
     "0s launch e1 1x m\n"
     "0.1s launch e2 1x m\n"
     "10.1s start a on e2-1\n"
     "10.1s start b on e2-1\n"
     "80s launch e1 1x m\n"
     "82s c RUNNABLE NodesBooting: needs cpu 2; e1: 1 node is booting, ACQUIRED since 1970-01-01T00:18:00Z; e2: it runs empty, since cheaper machines can be had in an earlier environment\n"
     "90s start c on e1-2\n"
     "130.1s terminate e2 i1\n"
     "150s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b SUCCEEDED Succeeded attempts=1\n"
     "  c RUNNING\n"},
    {"what the first cannot take is placed in the second at once",
     "environment e1 kwok spot max=8 types=m:4:8Gi:0.05 boot=10s\n"
     "environment e2 kwok max=8 types=m:4:8Gi:0.2 boot=10s delay=20s\n"
     "queue q envs=e1,e2\n"
     "answer launch e1 capacity no~more\n"
     "job a queue=q cpu=2 runs=60s\n"
     "job b queue=q cpu=2 runs=200s\n"
     "at 80s\n"
     "answer launch e1 capacity no~more\n"
     "job c queue=q cpu=2 runs=20s\n"
     "at 130s\n"
     "jobs\n",
     "0s launch e1 1x m\n"
     "0.1s launch e2 1x m\n"
     "10.1s start a on e2-1\n"
     "10.1s start b on e2-1\n"
     "80s launch e1 1x m\n"
     "80.1s start c on e2-1\n"
     "130s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b RUNNING\n"
     "  c SUCCEEDED Succeeded attempts=1\n"},
    {"nobody gives way to one that costs about as much",
     "environment e1 kwok spot max=8 types=m:4:8Gi:0.19 boot=10s\n"
     "environment e2 kwok max=8 types=m:4:8Gi:0.2 boot=10s delay=20s\n"
     "queue q envs=e1,e2\n"
     "answer launch e1 capacity no~more\n"
     "job a queue=q cpu=2 runs=60s\n"
     "job b queue=q cpu=2 runs=100s\n"
     "at 80s\n"
     "job c queue=q cpu=2 runs=10s\n"
     "at 95s\n"
     "jobs\n",
     "0s launch e1 1x m\n"
     "0.1s launch e2 1x m\n"
     "10.1s start a on e2-1\n"
     "10.1s start b on e2-1\n"
     "80s start c on e2-1\n"
     "95s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b RUNNING\n"
     "  c SUCCEEDED Succeeded attempts=1\n"},
    {"nor does one that is the first of another queue",
     "environment e1 kwok spot max=8 types=m:4:8Gi:0.05 boot=10s\n"
     "environment e2 kwok max=8 types=m:4:8Gi:0.2 boot=10s delay=20s\n"
     "queue q envs=e1,e2\n"
     "queue r envs=e2\n"
     "answer launch e1 capacity no~more\n"
     "job a queue=q cpu=2 runs=60s\n"
     "job b queue=q cpu=2 runs=100s\n"
     "at 80s\n"
     "job c queue=q cpu=2 runs=10s\n"
     "at 95s\n"
     "jobs\n",
     "0s launch e1 1x m\n"
     "0.1s launch e2 1x m\n"
     "10.1s start a on e2-1\n"
     "10.1s start b on e2-1\n"
     "80s start c on e2-1\n"
     "95s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b RUNNING\n"
     "  c SUCCEEDED Succeeded attempts=1\n"},
    {"a machine that long work holds is filled again after ten minutes",
     "environment e1 kwok spot max=4 types=m:4:8Gi:0.05 boot=10s delay=20s\n"
     "environment e2 kwok max=8 types=m:4:8Gi:0.2 boot=10s delay=20s\n"
     "queue q envs=e1,e2\n"
     "answer launch e1 capacity no~more\n"
     "job a queue=q cpu=2 runs=60s\n"
     "job b queue=q cpu=2 runs=1000s\n"
     "at 680s\n"
     "job c queue=q cpu=2 runs=100s\n"
     "at 700s\n"
     "jobs\n",
     "0s launch e1 1x m\n"
     "0.1s launch e2 1x m\n"
     "10.1s start a on e2-1\n"
     "10.1s start b on e2-1\n"
     "680s start c on e2-1\n"
     "700s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b RUNNING\n"
     "  c RUNNING\n"},
    /* clang-format on */
};

TEST(environments_give_way)
{
    world_check(way_rows, ARRAY_LEN(way_rows), SHOW_PODS | SHOW_MACHINES);
}

/* ---------------------------------------------------------------- what is counted on */

static const struct world_row count_rows[] = {
    /* clang-format off */
    {"what is Ready behind a head that waits for its machine is not bought again, nor given back",
     "environment big kwok max=8 types=l:8:16Gi:0.4 boot=60s delay=20s\n"
     "environment small kwok max=8 types=s:1:2Gi:0.05 boot=10s delay=20s\n"
     "queue q envs=big,small\n"
     "job a queue=q cpu=8 runs=30s\n"
     "job b queue=q cpu=1 array=2 runs=30s\n"
     "at 200s\n"
     "jobs\n",
     "0s launch big 1x l\n"
     "0s launch small 2x s\n"
     "60s start a on big-1\n"
     "60s start b/0 on small-2\n"
     "60s start b/1 on small-3\n"
     "110s terminate big i1\n"
     "110s terminate small i3 i2\n"
     "200s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b SUCCEEDED Succeeded 2 SUCCEEDED\n"},
    {"below a queue that goes first too, and on machines that are not empty",
     "environment e kwok max=16 types=s:2:4Gi:0.05,l:8:16Gi:0.4 boot=30s delay=10s\n"
     "queue high envs=e priority=9\n"
     "queue low envs=e\n"
     "job a queue=high cpu=1 runs=100s\n"
     "at 32s\n"
     "job b queue=high cpu=8 runs=30s\n"
     "job c queue=low cpu=1 runs=30s\n"
     "at 110s\n"
     "jobs\n",
     "0s launch e 1x s\n"
     "30s start a on e-1\n"
     "32s launch e 1x l\n"
     "62s start b on e-2\n"
     "62s start c on e-1\n"
     "102s terminate e i2\n"
     "110s jobs\n"
     "  a RUNNING\n"
     "  b SUCCEEDED Succeeded attempts=1\n"
     "  c SUCCEEDED Succeeded attempts=1\n"},
    {"who goes first and waits for long keeps nobody from buying elsewhere",
     "environment there static\n"
     "node n1 env=there cpu=4\n"
     "environment e kwok max=8 types=s:2:2Gi:0.05 boot=10s delay=10s\n"
     "queue high envs=there priority=9\n"
     "queue low envs=there,e\n"
     "job a queue=high cpu=2 runs=300s\n"
     "job b queue=high cpu=4 runs=30s\n"
     "at 12s\n"
     "job c queue=low cpu=1 runs=30s\n"
     "at 60s\n"
     "jobs\n",
     "0s start a on n1\n"
     "12s launch e 1x s\n"
     "22s start c on e-1\n"
     "60s jobs\n"
     "  a RUNNING\n"
     "  b RUNNABLE\n"
     "  c SUCCEEDED Succeeded attempts=1\n"},
    {"what is Ready in an environment of nodes that are there is not bought",
     "environment there static\n"
     "node n1 env=there cpu=4\n"
     "environment e kwok max=8 types=l:8:16Gi:0.4 boot=60s delay=10s\n"
     "queue q envs=there,e\n"
     "job a queue=q cpu=8 runs=30s\n"
     "job b queue=q cpu=1 array=4 runs=30s\n"
     "at 150s\n"
     "jobs\n",
     "0s launch e 1x l\n"
     "60s start a on e-1\n"
     "60s start b/0 on n1\n"
     "60s start b/1 on n1\n"
     "60s start b/2 on n1\n"
     "60s start b/3 on n1\n"
     "100s terminate e i1\n"
     "150s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b SUCCEEDED Succeeded 4 SUCCEEDED\n"},
    {"a machine that the head waits for in vain is asked for again, those behind it stay",
     "environment big kwok max=8 types=l:8:16Gi:0.4 boot=never\n"
     "environment small kwok max=8 types=s:1:2Gi:0.05 boot=10s delay=20s\n"
     "queue q envs=big,small\n"
     "job a queue=q cpu=8\n"
     "job b queue=q cpu=1 array=2 runs=30s\n"
     "at 700s\n"
     "jobs\n",
     "0s launch big 1x l\n"
     "0s launch small 2x s\n"
     "605s terminate big i1\n"
     "620s launch big 1x l\n"
     "700s jobs\n"
     "  a RUNNABLE\n"
     "  b 2 RUNNABLE\n"},
    {"what fits nothing is not in the way of what is behind it",
     "environment e kwok max=16 types=s:2:4Gi:0.05,l:8:16Gi:0.4 boot=30s delay=10s\n"
     "queue q envs=e\n"
     "job a queue=q cpu=8 runs=100s\n"
     "job b queue=q cpu=64\n"
     "job c queue=q cpu=1 runs=30s\n"
     "at 40s\n"
     "jobs\n",
     "0s launch e 1x l\n"
     "1s launch e 1x s\n"
     "30s start a on e-1\n"
     "31s start c on e-2\n"
     "40s jobs\n"
     "  a RUNNING\n"
     "  b RUNNABLE\n"
     "  c RUNNING\n"},
    {"what cannot be told to go yet is there for who comes meanwhile",
     "environment e kwok max=8 types=s:2:4Gi:0.05 boot=10s delay=5s\n"
     "queue q envs=e\n"
     "job a queue=q cpu=2 runs=10s\n"
     "job b queue=q cpu=2 runs=10.5s\n"
     "answer terminate e again\n"
     "at 25.6s\n"
     "job c queue=q cpu=2 runs=10s\n"
     "at 50s\n"
     "jobs\n",
     "0s launch e 2x s\n"
     "10s start a on e-1\n"
     "10s start b on e-2\n"
     "25s terminate e i1\n"
     "25.6s start c on e-2\n"
     "27s terminate e i1\n"
     "40.6s terminate e i2\n"
     "50s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b SUCCEEDED Succeeded attempts=1\n"
     "  c SUCCEEDED Succeeded attempts=1\n"},
    {"behind a head for which nothing is to be had idle machines go after their delay",
     "environment big kwok max=8 types=l:8:16Gi:0.4:0 boot=60s delay=10s\n"
     "environment small kwok max=8 types=s:2:2Gi:0.05 boot=10s delay=30s\n"
     "queue q envs=small,big\n"
     "job a queue=q cpu=1 runs=10s\n"
     "at 22s\n"
     "job b queue=q cpu=8 runs=30s\n"
     "job c queue=q cpu=1 runs=30s\n"
     "at 100s\n"
     "jobs\n",
     "0s launch small 1x s\n"
     "10s start a on small-1\n"
     "22s launch big 1x l\n"
     "37s launch big 1x l\n"
     "52s terminate small i1\n"
     "67s launch big 1x l\n"
     "100s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b RUNNABLE\n"
     "  c RUNNABLE\n"},
    {"a machine of a type that is not in the catalogue counts when another has its Node's name",
     "environment e kwok max=6 types=l:4:8Gi:0.2 delay=10m\n"
     "environment f kwok max=8 types=l:4:8Gi:0.2 delay=10m\n"
     "queue q envs=e\n"
     "job a queue=q cpu=4\n"
     "at 20s\n"
     "environment e types=s:2:4Gi:0.05\n"
     "restart\n"
     "at 25s\n"
     "node e-1 gone\n"
     "node e-1 env=f cpu=4 memory=8Gi machine=i9\n"
     "job b queue=q cpu=2 array=3\n"
     "at 45s\n"
     "jobs\n",
     "0s launch e 1x l\n"
     "10s start a on e-1\n"
     "25s stop a\n"
     "25s launch e 1x s\n"
     "35s start b/0 on e-2\n"
     "45s jobs\n"
     "  a RUNNABLE refusals=1\n"
     "  b 2 RUNNABLE 1 STARTING\n"},
    /* clang-format on */
};

TEST(counted_on)
{
    world_check(count_rows, ARRAY_LEN(count_rows), SHOW_PODS | SHOW_MACHINES);
}
