/* SPDX-License-Identifier: Apache-2.0 */
/* tries_test.c - what status tells of single tries */
#include "core/world.h"

#define HOUSE                                                                                      \
    "environment e static\n"                                                                       \
    "queue q envs=e\n"                                                                             \
    "node n1 env=e cpu=2\n"

static const struct world_row rows[] = {
    /* clang-format off */
    {"each container with its exit code, and what failed with its last words",
     HOUSE
     "job a queue=q cpu=1 retry=2\n"
     "at 1s\n"
     "pod a failed exit=3 reason=Error message=no~such~file also=log:0:bye,check:2:timeout\n"
     "at 3s\n"
     "pod a ok also=log:0:bye\n"
     "at 4s\n"
     "tries a\n",
     "4s tries of a\n"
     "  0.1 attempt 1 on n1: Essential container in task exited, main 3 Error (no such file), "
     "log 0 Completed, check 2 Error (timeout)\n"
     "  0.2 attempt 2 on n1: Essential container in task exited, main 0, log 0 Completed\n"},
    {"of an array, only what did not simply succeed",
     HOUSE
     "job a queue=q cpu=1 array=2\n"
     "at 1s\n"
     "pod a/0 ok\n"
     "pod a/1 failed exit=7\n"
     "at 4s\n"
     "tries a\n",
     "4s tries of a\n"
     "  1.1 attempt 1 on n1: Essential container in task exited, main 7\n"},
    {"of many containers those that failed come first",
     HOUSE
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "pod a failed exit=1 also=a:0,b:0,c:0,d:0,e:0,f:0,g:0,h:0,i:0,j:0,k:4,l:5\n"
     "at 4s\n"
     "tries a\n",
     "4s tries of a\n"
     "  0.1 attempt 1 on n1: Essential container in task exited, main 1, a 0 Completed, "
     "b 0 Completed, c 0 Completed, d 0 Completed, e 0 Completed, f 0 Completed, g 0 Completed, "
     "k 4 Error, l 5 Error\n"},
    {"a restart keeps them",
     HOUSE
     "job a queue=q cpu=1 retry=2\n"
     "at 1s\n"
     "pod a failed exit=3 message=words also=log:0\n"
     "at 3s\n"
     "restart\n"
     "at 4s\n"
     "pod a ok\n"
     "at 5s\n"
     "tries a\n",
     "5s tries of a\n"
     "  0.1 attempt 1 on n1: Essential container in task exited, main 3 (words), log 0 Completed\n"
     "  0.2 attempt 2 on n1: Essential container in task exited, main 0\n"},
    /* clang-format on */
};

TEST(tries)
{
    world_check(rows, ARRAY_LEN(rows), 0);
}
