/* SPDX-License-Identifier: Apache-2.0 */
/* kept_test.c - finished pods that stay for a while */
#include "core/world.h"

#define HOUSE                                                                                      \
    "environment e static\n"                                                                       \
    "queue q envs=e keep=20s most=2\n"                                                             \
    "node n1 env=e cpu=2\n"

static const struct world_row rows[] = {
    /* clang-format off */
    {"a finished pod stays, holds no room, and goes when its time is over",
     HOUSE
     "job a queue=q cpu=2\n"
     "at 1s\n"
     "pod a running\n"
     "at 3s\n"
     "pod a ok\n"
     "at 4s\n"
     "job b queue=q cpu=2\n"
     "pods\n"
     "at 30s\n"
     "pods\n",
     "0s start a on n1\n"
     "3s release a\n"
     "4s start b on n1\n"
     "4s pods\n"
     "  a succeeded on n1\n"
     "  b pending on n1\n"
     "23s delete a\n"
     "30s pods\n"
     "  b pending on n1\n"},
    {"so does one that failed, and its retry goes on",
     HOUSE
     "job a queue=q cpu=1 retry=2\n"
     "at 1s\n"
     "pod a failed exit=1\n"
     "at 5s\n"
     "pod a ok\n"
     "at 30s\n"
     "pods\n",
     "0s start a on n1\n"
     "1s start a on n1\n"
     "2s release a\n"
     "5s release a try 2\n"
     "21s delete a\n"
     "25s delete a try 2\n"
     "30s pods\n"},
    {"the oldest goes first when there are too many on a node",
     HOUSE
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "pod a ok\n"
     "at 2s\n"
     "job b queue=q cpu=1\n"
     "at 3s\n"
     "pod b ok\n"
     "at 4s\n"
     "job c queue=q cpu=1\n"
     "at 5s\n"
     "pod c ok\n"
     "at 6s\n"
     "pods\n",
     "0s start a on n1\n"
     "1s release a\n"
     "2s start b on n1\n"
     "3s release b\n"
     "4s start c on n1\n"
     "5s release c\n"
     "5s delete a\n"
     "6s pods\n"
     "  b succeeded on n1\n"
     "  c succeeded on n1\n"},
    {"a restart changes nothing: neither the time nor the record",
     HOUSE
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1 array=2\n"
     "at 1s\n"
     "pod a ok\n"
     "pod b/0 ok\n"
     "at 9s\n"
     "restart\n"
     "at 10s\n"
     "pods\n"
     "at 30s\n"
     "jobs\n"
     "pods\n",
     "0s start a on n1\n"
     "0s start b/0 on n1\n"
     "1s start b/1 on n1\n"
     "1s release a\n"
     "2s release b/0\n"
     "10s pods\n"
     "  a succeeded on n1\n"
     "  b/0 succeeded on n1\n"
     "  b/1 pending on n1\n"
     "21s delete a\n"
     "21s delete b/0\n"
     "30s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b 1 STARTING 1 SUCCEEDED\n"
     "30s pods\n"
     "  b/1 pending on n1\n"},
    {"it does not keep a machine, and goes with it",
     "environment e kwok max=4 types=m:2:4Gi:1 delay=5s\n"
     "queue q envs=e keep=60s\n"
     "job a queue=q cpu=1\n"
     "at 12s\n"
     "pod a ok\n"
     "at 20s\n"
     "pods\n",
     "10s start a on e-1\n"
     "12s release a\n"
     "17s delete a\n"
     "20s pods\n"},
    {"a queue that says less lets them go",
     HOUSE
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1\n"
     "at 1s\n"
     "pod a ok\n"
     "at 2s\n"
     "pod b ok\n"
     "at 3s\n"
     "queue q most=1\n"
     "at 5s\n"
     "queue q keep=1s\n"
     "at 6s\n"
     "pods\n",
     "0s start a on n1\n"
     "0s start b on n1\n"
     "1s release a\n"
     "2s release b\n"
     "3s delete a\n"
     "5s delete b\n"
     "6s pods\n"},
    {"a queue that is gone keeps nothing",
     HOUSE
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "pod a ok\n"
     "at 3s\n"
     "queue q gone\n"
     "at 6s\n"
     "pods\n",
     "0s start a on n1\n"
     "1s release a\n"
     "3s delete a\n"
     "6s pods\n"},
    {"what has nothing to show is not kept",
     HOUSE
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "pod a refused OutOfcpu\n"
     "at 3s\n"
     "pods\n",
     "0s start a on n1\n"
     "2s start a on n1\n"
     "2s release a\n"
     "2s delete a\n"
     "3s pods\n"
     "  a pending on n1\n"},
    /* clang-format on */
};

TEST(finished_pods)
{
    world_check(rows, ARRAY_LEN(rows), SHOW_PODS | SHOW_CLEANUP);
}
