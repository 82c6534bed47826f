/* SPDX-License-Identifier: Apache-2.0 */
/* scale_test.c - which machines are bought, when, and when they are given back */
#include "core/world.h"

#include "bulkhead/base/macros.h"

static const struct world_row rows[] = {
    /* clang-format off */
    {"the first need is bought at once, and work starts when the machine is Ready",
     "environment e kwok max=8 types=small:1:2Gi:0.05,large:4:8Gi:0.18\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1\n"
     "why a\n"
     "at 11s\n"
     "jobs\n",
     "0s launch e 1x small token f424000\n"
     "0s a RUNNABLE NodesBooting: needs cpu 1; e: 1 node is booting, ACQUIRED since 1970-01-01T00:16:40Z\n"
     "10s start a on e-1\n"
     "11s jobs\n"
     "  a STARTING\n"},
    {"the type with the lowest price for each pod is chosen",
     "environment e kwok max=16 types=small:1:2Gi:0.05,large:4:8Gi:0.18\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 array=4\n",
     "0s launch e 1x large token f424000\n"},
    {"a type that is too small is not bought",
     "environment e kwok max=16 types=small:1:2Gi:0.05,large:4:8Gi:0.18\n"
     "queue q envs=e\n"
     "job a queue=q cpu=2\n",
     "0s launch e 1x large token f424000\n"},
    {"memory decides too",
     "environment e kwok max=16 types=small:1:2Gi:0.05,large:4:8Gi:0.18\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 memory=4Gi\n",
     "0s launch e 1x large token f424000\n"},
    {"only named types are bought",
     "environment e kwok max=16 types=small:1:2Gi:0.05,large:4:8Gi:0.18 want=large\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1\n",
     "0s launch e 1x large token f424000\n"},
    {"one call a second, planned anew",
     "environment e kwok max=16 types=small:1:2Gi:0.05\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1\n"
     "at 0.2s\n"
     "job b queue=q cpu=1 array=3\n"
     "at 5s\n",
     "0s launch e 1x small token f424000\n"
     "1s launch e 3x small token f462801\n"},
    {"the types of one mixture are asked for together",
     "environment e kwok max=16 types=small:1:2Gi:0.05,large:4:8Gi:0.18 strategy=LOWEST_PRICE_PACKING\n"
     "queue q envs=e\n"
     "job a queue=q cpu=4\n"
     "job b queue=q cpu=1\n"
     "at 15s\n"
     "jobs\n",
     "0s launch e 1x large token f424000\n"
     "0s launch e 1x small token f424001\n"
     "10s start a on e-1\n"
     "10s start b on e-2\n"
     "15s jobs\n"
     "  a STARTING\n"
     "  b STARTING\n"},
    {"other types one after the other: what is behind a machine that is not to be had is not bought for",
     "environment e kwok max=16 types=small:1:2Gi:0.05,large:4:8Gi:0.18:0\n"
     "queue q envs=e\n"
     "job a queue=q cpu=4\n"
     "job b queue=q cpu=1\n"
     "at 10s\n"
     "jobs\n",
     "0s launch e 1x large token f424000\n"
     "10s jobs\n"
     "  a RUNNABLE\n"
     "  b RUNNABLE\n"},
    {"never beyond maxvCpus",
     "environment e kwok max=3 types=small:1:2Gi:0.05 delay=1m\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 array=5 runs=20s\n"
     "at 15s\n"
     "why a\n"
     "at 90s\n"
     "jobs\n",
     "0s launch e 3x small token f424000\n"
     "10s start a/0 on e-1\n"
     "10s start a/1 on e-2\n"
     "10s start a/2 on e-3\n"
     "15s a PENDING MaxvCpusReached: 2 of 5 children (3-4) wait: needs cpu 1; e: at 3 of maxvCpus 3; room comes when a running pod ends, or raise maxvCpus\n"
     "30s start a/3 on e-1\n"
     "30s start a/4 on e-2\n"
     "90s terminate e i3\n"
     "90s jobs\n"
     "  a SUCCEEDED Succeeded 5 SUCCEEDED\n"},
    {"out of capacity: the next type, then the same again after a while",
     "environment e kwok max=8 types=small:1:2Gi:0.05:1,large:4:8Gi:0.4\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 array=3\n"
     "at 5s\n",
     "0s launch e 3x small token f424000\n"
     "1s launch e 1x large token f462801\n"},
    {"out of capacity everywhere: told so, asked again later",
     "environment e kwok max=8 types=small:1:2Gi:0.05\n"
     "queue q envs=e\n"
     "answer launch e capacity no~more\n"
     "job a queue=q cpu=1\n"
     "at 6s\n"
     "why a\n"
     "at 30s\n",
     "0s launch e 1x small token f424000\n"
     "6s a RUNNABLE InsufficientInstanceCapacity: needs cpu 1; e: CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - no more small to be had now; asked for again in 11 s\n"
     "15s launch e 1x small token f7cd801\n"
     "25s start a on e-1\n"},
    {"out of capacity: the queue's next environment",
     "environment e1 kwok max=8 types=small:1:2Gi:0.05\n"
     "environment e2 kwok max=8 types=small:1:2Gi:0.05\n"
     "queue q envs=e1,e2\n"
     "answer always launch e1 capacity no~more\n"
     "job a queue=q cpu=1\n"
     "at 6s\n",
     "0s launch e1 1x small token f424000\n"
     "0.1s launch e2 1x small token f42a400\n"},
    {"what one environment cannot buy goes to the next",
     "environment e1 kwok max=2 types=small:1:2Gi:0.05\n"
     "environment e2 kwok max=8 types=small:1:2Gi:0.05\n"
     "queue q envs=e1,e2\n"
     "job a queue=q cpu=1 array=5\n"
     "at 2s\n",
     "0s launch e1 2x small token f424000\n"
     "0s launch e2 3x small token f424000\n"},
    {"what a joined node really offers is learnt",
     "environment e kwok max=8 types=small:1:2Gi:0.05,large:4:8Gi:0.18 allocatable=900m\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1\n"
     "at 30s\n"
     "why a\n",
     "0s launch e 1x small token f424000\n"
     "10s launch e 1x large token f695001\n"
     "30s a RUNNABLE DoesNotFit: MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - needs cpu 1; e: no instance type is large enough or matches\n"},
    {"and known again after a restart, whatever is heard first",
     "environment e kwok max=8 types=small:1:2Gi:0.05,large:4:8Gi:0.18 allocatable=900m\n"
     "queue q envs=e\n"
     "job a queue=q cpu=500m\n"
     "at 20s\n"
     "answer types e again timed~out\n"
     "restart\n"
     "at 21s\n"
     "job b queue=q cpu=1\n"
     "at 30s\n"
     "why b\n",
     "0s launch e 1x small token f424000\n"
     "10s start a on e-1\n"
     "25s launch e 1x large token fa3e800\n"
     "30s b RUNNABLE NodesBooting: needs cpu 1; e: 1 node is booting, ACQUIRED since 1970-01-01T00:17:05Z\n"},
    {"room is kept for DaemonSets on machines that are to be bought",
     "environment e kwok max=8 types=small:1:2Gi:0.05,large:4:8Gi:0.5\n"
     "queue q envs=e\n"
     "daemonset logs cpu=100m\n"
     "job a queue=q cpu=1\n",
     "0s launch e 1x large token f424000\n"},
    {"minvCpus are held without work",
     "environment e kwok max=8 min=2 types=small:1:2Gi:0.05 delay=10s\n"
     "queue q envs=e\n"
     "at 60s\n",
     "0s launch e 2x small token f424000\n"},
    {"an idle machine goes after its delay, not before",
     "environment e kwok max=8 types=small:1:2Gi:0.05 delay=30s\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 runs=10s\n"
     "at 60s\n"
     "jobs\n",
     "0s launch e 1x small token f424000\n"
     "10s start a on e-1\n"
     "50s terminate e i1\n"
     "60s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"},
    {"a machine stays for a pod that is refused for a moment",
     "environment e kwok max=8 types=small:1:2Gi:0.05 delay=0s\n"
     "queue q envs=e\n"
     "answer create a quota exceeded~quota:~pods\n"
     "job a queue=q cpu=1 runs=10s\n"
     "at 60s\n"
     "jobs\n",
     "0s launch e 1x small token f424000\n"
     "10s start a on e-1\n"
     "11s start a on e-1\n"
     "21s terminate e i1\n"
     "60s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"},
    {"booting is not idling",
     "environment e kwok max=8 types=small:1:2Gi:0.05 delay=10s boot=60s\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 runs=5s\n"
     "at 50s\n"
     "job a cancel\n"
     "at 90s\n",
     "0s launch e 1x small token f424000\n"
     "70s terminate e i1\n"},
    {"work that comes in time keeps the machine",
     "environment e kwok max=8 types=small:1:2Gi:0.05 delay=30s\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 runs=10s\n"
     "at 45s\n"
     "job b queue=q cpu=1 runs=10s\n"
     "at 100s\n",
     "0s launch e 1x small token f424000\n"
     "10s start a on e-1\n"
     "45s start b on e-1\n"
     "85s terminate e i1\n"},
    {"machines that are not needed any more go, those that are stay",
     "environment e kwok max=8 types=small:1:2Gi:0.05 delay=30s\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 runs=10s\n"
     "job b queue=q cpu=1 runs=100s\n"
     "at 70s\n"
     "jobs\n",
     "0s launch e 2x small token f424000\n"
     "10s start a on e-1\n"
     "10s start b on e-2\n"
     "50s terminate e i1\n"
     "70s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b RUNNING\n"},
    {"a machine with a running pod is not given back",
     "environment e kwok max=8 types=small:2:2Gi:0.05 delay=5s\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 runs=10s\n"
     "job b queue=q cpu=1 runs=60s\n"
     "at 60s\n"
     "jobs\n",
     "0s launch e 1x small token f424000\n"
     "10s start a on e-1\n"
     "10s start b on e-1\n"
     "60s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b RUNNING\n"},
    {"idle machines that are too small make room at once",
     "environment e kwok max=4 types=small:1:2Gi:0.05,large:4:8Gi:0.18 delay=10m\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 runs=5s\n"
     "at 20s\n"
     "job b queue=q cpu=4\n"
     "at 60s\n"
     "jobs\n",
     "0s launch e 1x small token f424000\n"
     "10s start a on e-1\n"
     "20s terminate e i1\n"
     "21s launch e 1x large token f944801\n"
     "31s start b on e-2\n"
     "60s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b STARTING\n"},
    {"minvCpus give way to a larger machine",
     "environment e kwok max=4 min=1 types=small:1:2Gi:0.05,large:4:8Gi:0.4 delay=10m\n"
     "queue q envs=e\n"
     "at 20s\n"
     "job b queue=q cpu=4\n"
     "at 60s\n"
     "jobs\n",
     "0s launch e 1x small token f424000\n"
     "20s terminate e i1\n"
     "21s launch e 1x large token f944801\n"
     "31s start b on e-2\n"
     "60s jobs\n"
     "  b STARTING\n"},
    {"a machine that does not join in time is given back, and its type set aside",
     "environment e kwok max=8 types=small:1:2Gi:0.05,large:4:8Gi:0.4 boot=never\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1\n"
     "at 620s\n",
     "0s launch e 1x small token f424000\n"
     "605s terminate e i1\n"
     "605s launch e 1x large token 187d8801\n"},
    {"a launch whose answer was lost is asked for again with the same token",
     "environment e kwok max=8 types=small:1:2Gi:0.05\n"
     "queue q envs=e\n"
     "answer launch e lost timed~out\n"
     "job a queue=q cpu=1\n"
     "at 20s\n"
     "jobs\n",
     "0s launch e 1x small token f424000\n"
     "2s launch e 1x small token f424000\n"
     "10s start a on e-1\n"
     "20s jobs\n"
     "  a STARTING\n"},
    {"the answer of a launch comes when its machine has gone: nothing is placed on what it names",
     "environment e kwok max=2 types=small:2:4Gi:0.05\n"
     "queue q envs=e\n"
     "answer launch e late\n"
     "job a queue=q cpu=1\n"
     "at 12s\n"
     "machine i1 gone\n"
     "at 30s\n"
     "arrives\n"
     "job b queue=q cpu=1\n"
     "at 45s\n",
     "0s launch e 1x small token f424000\n"
     "10s start a on e-1\n"
     "20s ask for a\n"
     "30s launch e 1x small token fb77001\n"
     "40s start a on e-2\n"
     "40s start b on e-2\n"},
    {"a launch that did not happen is asked for again with the same token",
     "environment e kwok max=8 types=small:1:2Gi:0.05\n"
     "queue q envs=e\n"
     "answer launch e again connection~refused\n"
     "job a queue=q cpu=1\n"
     "at 20s\n"
     "jobs\n",
     "0s launch e 1x small token f424000\n"
     "2s launch e 1x small token f424000\n"
     "12s start a on e-1\n"
     "20s jobs\n"
     "  a STARTING\n"},
    {"a misconfigured node group is told",
     "environment e kwok max=8 types=small:1:2Gi:0.05\n"
     "queue q envs=e\n"
     "answer types e invalid no~such~catalogue\n"
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "why a\n",
     "1s a RUNNABLE ComputeEnvironmentUnusable: ACTION_REQUIRED - needs cpu 1; e: its node group is misconfigured: no such catalogue\n"},
    {"a terminate that failed is sent again",
     "environment e kwok max=8 types=small:1:2Gi:0.05 delay=5s\n"
     "queue q envs=e\n"
     "answer terminate e again connection~refused\n"
     "job a queue=q cpu=1 runs=5s\n"
     "at 40s\n",
     "0s launch e 1x small token f424000\n"
     "10s start a on e-1\n"
     "20s terminate e i1\n"
     "22s terminate e i1\n"},
    {"an environment that is deleted goes when its pods have gone",
     "environment e kwok max=8 types=small:1:2Gi:0.05 delay=10m\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 runs=20s\n"
     "at 15s\n"
     "environment e deleting\n"
     "at 60s\n"
     "jobs\n",
     "0s launch e 1x small token f424000\n"
     "10s start a on e-1\n"
     "30s terminate e i1\n"
     "60s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"},
    {"a machine whose Node is gone, that could not be told to go, and that an answer leaves out, is told",
     "environment e kwok max=8 types=small:1:2Gi:0.05 delay=10m\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 runs=5s\n"
     "at 20s\n"
     "node e-1 gone\n"
     "at 25s\n"
     "answer terminate e again connection~refused\n"
     "machine i1 hidden\n"
     "environment e deleting\n"
     "at 60s\n",
     "0s launch e 1x small token f424000\n"
     "10s start a on e-1\n"
     "25s terminate e i1\n"
     "27s terminate e i1\n"},
    {"a machine that goes, and that an answer leaves out, counts on: none is bought in its place yet",
     "environment e kwok max=1 types=small:1:2Gi:0.05 delay=10m\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 runs=5s\n"
     "at 20s\n"
     "machine i1 going\n"
     "node e-1 gone\n"
     "at 22s\n"
     "machine i1 hidden\n"
     "job b queue=q cpu=1\n"
     "at 40s\n"
     "machine i1 gone\n"
     "at 60s\n",
     "0s launch e 1x small token f424000\n"
     "10s start a on e-1\n"
     "42s launch e 1x small token fe65001\n"
     "52s start b on e-2\n"},
    {"a terminate that a misconfigured node group refuses is sent again, until it is mended",
     "environment e kwok max=8 types=small:1:2Gi:0.05 delay=5s\n"
     "queue q envs=e\n"
     "answer terminate e invalid no~right\n"
     "job a queue=q cpu=1 runs=5s\n"
     "at 22s\n"
     "job b queue=q cpu=1 runs=5s\n"
     "why b\n"
     "at 40s\n"
     "jobs\n",
     "0s launch e 1x small token f424000\n"
     "10s start a on e-1\n"
     "20s terminate e i1\n"
     "22s b RUNNABLE ComputeEnvironmentUnusable: ACTION_REQUIRED - needs cpu 1; e: its node group is misconfigured: no right\n"
     "25s terminate e i1\n"
     "25s launch e 1x small token fa3e801\n"
     "35s start b on e-2\n"
     "40s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b SUCCEEDED Succeeded attempts=1\n"},
    {"a higher queue that cannot buy enough keeps lower ones from buying",
     "environment e kwok max=4 types=small:1:2Gi:0.05,large:4:8Gi:0.18 delay=10s\n"
     "queue high envs=e priority=9\n"
     "queue low envs=e\n"
     "job running queue=high cpu=1 runs=30s\n"
     "at 12s\n"
     "job large queue=high cpu=4\n"
     "job small queue=low cpu=1\n"
     "at 15s\n"
     "why large\n"
     "why small\n"
     "at 70s\n"
     "jobs\n",
     "0s launch e 1x small token f424000\n"
     "10s start running on e-1\n"
     "15s large RUNNABLE MaxvCpusReached: needs cpu 4; e: at 1 of maxvCpus 4; room comes when a running pod ends, or raise maxvCpus\n"
     "15s small RUNNABLE HigherPriorityFirst: needs cpu 1; e: queue high of higher priority waits for room there\n"
     "40s terminate e i1\n"
     "41s launch e 1x large token fe26801\n"
     "51s start large on e-2\n"
     "70s jobs\n"
     "  running SUCCEEDED Succeeded attempts=1\n"
     "  large STARTING\n"
     "  small RUNNABLE\n"},
    {"BEST_FIT waits for its type instead of taking a dearer one",
     "environment e kwok max=8 types=small:1:2Gi:0.05:0,large:4:8Gi:0.4 strategy=BEST_FIT\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1\n"
     "at 10s\n"
     "why a\n",
     "0s launch e 1x small token f424000\n"
     "10s a RUNNABLE InsufficientInstanceCapacity: needs cpu 1; e: CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - no more small to be had now; asked for again in 11 s\n"},
    {"a job no type can hold is told, and nothing is bought",
     "environment e kwok max=8 types=small:1:2Gi:0.05,large:4:8Gi:0.18\n"
     "queue q envs=e\n"
     "job a queue=q cpu=6\n"
     "at 1s\n"
     "why a\n",
     "1s a RUNNABLE DoesNotFit: MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - needs cpu 6; e: no instance type is large enough or matches\n"},
    {"an old notice does not raise maxvCpus again",
     "environment e kwok max=8 types=small:1:2Gi:0.05\n"
     "queue q envs=e\n"
     "at 1s\n"
     "environment e max=1\n"
     "at 2s\n"
     "environment e was max=8\n"
     "environment e was broken=words\n"
     "job a queue=q cpu=1 array=2\n"
     "at 10s\n",
     "2s launch e 1x small token f4a1000\n"},
    {"a disabled queue buys nothing",
     "environment e kwok max=8 types=small:1:2Gi:0.05\n"
     "queue q envs=e disabled\n"
     "job a queue=q cpu=1\n"
     "at 20s\n",
     ""},
    {"what is cancelled before its machine is bought is not bought for",
     "environment e kwok max=2 types=small:1:2Gi:0.05\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 array=5\n"
     "at 2s\n"
     "job a cancel\n"
     "at 30s\n"
     "jobs\n",
     "0s launch e 2x small token f424000\n"
     "30s jobs\n"
     "  a FAILED Cancelled 5 FAILED\n"},
    /* clang-format on */
};

TEST(scale)
{
    world_check(rows, ARRAY_LEN(rows), SHOW_PODS | SHOW_MACHINES | SHOW_TOKENS);
}
