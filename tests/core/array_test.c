/* SPDX-License-Identifier: Apache-2.0 */
/* array_test.c - arrays: how many children at once, and children that are stopped one by one */
#include "core/world.h"

#include "src/core/internal.h"

#define HOUSE                                                                                      \
    "environment e static\n"                                                                       \
    "queue q envs=e\n"                                                                             \
    "node n1 env=e cpu=4\n"

static const struct world_row rows[] = {
    /* clang-format off */
    {"maxConcurrent holds children back, and not the queue",
     HOUSE
     "job a queue=q cpu=1 array=3 most=1\n"
     "job b queue=q cpu=1\n"
     "at 6s\n"
     "why a\n"
     "pod a/0 ok\n"
     "at 7s\n"
     "jobs\n",
     "0s start a/0 on n1\n"
     "0s start b on n1\n"
     "5s told a PENDING MaxConcurrentReached\n"
     "5s told b STARTING Starting\n"
     "6s a PENDING MaxConcurrentReached: 2 of 3 children (1-2) wait: maxConcurrent 1 reached: the next starts when one that runs ends\n"
     "6s start a/1 on n1\n"
     "7s told a PENDING MaxConcurrentReached\n"
     "7s jobs\n"
     "  a 1 RUNNABLE 1 STARTING 1 SUCCEEDED\n"
     "  b STARTING\n"},
    {"children are terminated by index: the others go on",
     HOUSE
     "job a queue=q cpu=1 array=6\n"
     "at 1s\n"
     "pod a/0 running\n"
     "at 2s\n"
     "job a terminate 0,4-5:bad input\n"
     "pod a/1 ok\n"
     "pod a/2 ok\n"
     "pod a/3 ok\n"
     "at 4s\n"
     "jobs\n"
     "why a\n",
     "0s start a/0 on n1\n"
     "0s start a/1 on n1\n"
     "0s start a/2 on n1\n"
     "0s start a/3 on n1\n"
     "2s stop a/0\n"
     "2s told a PENDING Running\n"
     "2s told a FAILED ArrayChildFailed\n"
     "4s jobs\n"
     "  a FAILED ArrayChildFailed 3 SUCCEEDED 3 FAILED\n"
     "4s a FAILED ArrayChildFailed: Array Child Job failed\n"},
    {"children are cancelled by index: what runs may finish, and is not retried",
     HOUSE
     "job a queue=q cpu=2 array=3 retry=3\n"
     "at 1s\n"
     "pod a/0 running\n"
     "pod a/1 running\n"
     "at 2s\n"
     "job a cancel 1-2:not needed\n"
     "at 3s\n"
     "pod a/1 failed exit=1\n"
     "pod a/0 ok\n"
     "at 5s\n"
     "jobs\n"
     "why a\n",
     "0s start a/0 on n1\n"
     "0s start a/1 on n1\n"
     "2s told a PENDING Running\n"
     "3s told a FAILED ArrayChildFailed\n"
     "5s jobs\n"
     "  a FAILED ArrayChildFailed 1 SUCCEEDED 2 FAILED\n"
     "5s a FAILED ArrayChildFailed: Array Child Job failed\n"},
    {"indexes beyond the end stop nothing",
     HOUSE
     "job a queue=q cpu=1 array=2\n"
     "at 1s\n"
     "job a terminate 1-2:all\n"
     "at 2s\n"
     "jobs\n",
     "0s start a/0 on n1\n"
     "0s start a/1 on n1\n"
     "1s told a PENDING Starting\n"
     "2s jobs\n"
     "  a 2 STARTING\n"},
    {"children are terminated while they wait for another job",
     HOUSE
     "job x queue=q cpu=1\n"
     "job a queue=q cpu=1 array=2 after=x\n"
     "at 1s\n"
     "job a terminate 0-1:no more\n"
     "at 2s\n"
     "jobs\n"
     "why a\n",
     "0s start x on n1\n"
     "1s told a FAILED ArrayChildFailed\n"
     "2s jobs\n"
     "  x STARTING\n"
     "  a FAILED ArrayChildFailed 2 FAILED\n"
     "2s a FAILED ArrayChildFailed: Array Child Job failed\n"},
    {"a new start knows what was asked of children",
     HOUSE
     "job a queue=q cpu=2 array=4\n"
     "at 1s\n"
     "pod a/0 running\n"
     "job a terminate 0,3:bad input\n"
     "restart\n"
     "at 3s\n"
     "jobs\n",
     "0s start a/0 on n1\n"
     "0s start a/1 on n1\n"
     "1s stop a/0\n"
     "1s told a PENDING NodesFull\n"
     "1s start a/2 on n1\n"
     "2s told a PENDING Starting\n"
     "3s jobs\n"
     "  a 2 STARTING 2 FAILED\n"},
    {"an older notice of the job takes back nothing that was asked",
     HOUSE
     "job a queue=q cpu=2 array=4\n"
     "at 1s\n"
     "pod a/0 running\n"
     "at 2s\n"
     "answer delete a/0 never\n"
     "job a terminate 0,3:bad input\n"
     "at 3s\n"
     "job a was unasked\n"
     "pod a/0 failed exit=1\n"
     "at 5s\n"
     "jobs\n",
     "0s start a/0 on n1\n"
     "0s start a/1 on n1\n"
     "2s stop a/0\n"
     "2s told a PENDING NodesFull\n"
     "3s start a/2 on n1\n"
     "4s told a PENDING Starting\n"
     "5s jobs\n"
     "  a 2 STARTING 2 FAILED\n"},
    /* clang-format on */
};

TEST(arrays)
{
    world_check(rows, ARRAY_LEN(rows), SHOW_PODS | SHOW_STATUS);
}
