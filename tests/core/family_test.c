/* SPDX-License-Identifier: Apache-2.0 */
/* family_test.c - jobs that were submitted by a job end with it when it is stopped */
#include "core/world.h"

#define BEGIN                                                                                      \
    "environment e static\n"                                                                       \
    "queue q envs=e\n"                                                                             \
    "node n1 env=e cpu=8\n"

static const struct world_row rows[] = {
    /* clang-format off */
    {"terminating a job ends those that it submitted, and theirs",
     BEGIN
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1 parent=a\n"
     "job c queue=q cpu=1 array=2 parent=b\n"
     "job d queue=q cpu=1 parent=b after=a\n"
     "job e queue=q cpu=1\n"
     "at 1s\n"
     "job a terminate wrong data\n"
     "at 4s\n"
     "jobs\n",
     "0s start a on n1\n"
     "0s start b on n1\n"
     "0s start c/0 on n1\n"
     "0s start c/1 on n1\n"
     "0s start e on n1\n"
     "1s stop a\n"
     "1s stop b\n"
     "1s stop c/0\n"
     "1s stop c/1\n"
     "1s told d FAILED Terminated: wrong data (asked of job a, through its parent job b)\n"
     "1s told a FAILED Terminated: wrong data\n"
     "1s told b FAILED Terminated: wrong data (asked of its parent job a)\n"
     "1s told c FAILED Terminated: wrong data (asked of job a, through its parent job b)\n"
     "4s jobs\n"
     "  a FAILED Terminated refusals=1\n"
     "  b FAILED Terminated refusals=1\n"
     "  c FAILED Terminated 2 FAILED\n"
     "  d FAILED Terminated\n"
     "  e STARTING\n"},
    {"also through one in between that never was valid",
     BEGIN
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "job a terminate wrong data\n"
     "at 2s\n"
     "job b queue=q cpu=1 parent=a invalid=no\n"
     "job c queue=q cpu=1 parent=b\n"
     "at 4s\n"
     "jobs\n",
     "0s start a on n1\n"
     "1s stop a\n"
     "1s told a FAILED Terminated: wrong data\n"
     "2s told b FAILED InvalidSpec: no\n"
     "2s told c FAILED Terminated: wrong data (asked of job a, through its parent job b)\n"
     "4s jobs\n"
     "  a FAILED Terminated refusals=1\n"
     "  b FAILED InvalidSpec\n"
     "  c FAILED Terminated\n"},
    {"cancelling it spares what runs, and nothing is tried again",
     BEGIN
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1 parent=a retry=3\n"
     "job c queue=q cpu=9 parent=a\n"
     "at 1s\n"
     "job a cancel not needed\n"
     "at 2s\n"
     "pod b failed exit=1\n"
     "at 4s\n"
     "jobs\n",
     "0s start a on n1\n"
     "0s start b on n1\n"
     "1s told c FAILED Cancelled: not needed (asked of its parent job a)\n"
     "2s told b FAILED ContainerFailed: Essential container in task exited\n"
     "4s jobs\n"
     "  a STARTING\n"
     "  b FAILED ContainerFailed attempts=1\n"
     "  c FAILED Cancelled\n"},
    {"a job that ended by itself leaves its own alone, until somebody stops it after all",
     BEGIN
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1 parent=a\n"
     "job c queue=q cpu=1 parent=b\n"
     "at 1s\n"
     "pod a ok\n"
     "at 2s\n"
     "pod b failed exit=1\n"
     "at 5s\n"
     "jobs\n"
     "job a terminate enough\n"
     "at 8s\n"
     "jobs\n",
     "0s start a on n1\n"
     "0s start b on n1\n"
     "0s start c on n1\n"
     "1s told a SUCCEEDED Succeeded: Essential container in task exited\n"
     "2s told b FAILED ContainerFailed: Essential container in task exited\n"
     "5s told c STARTING Starting\n"
     "5s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b FAILED ContainerFailed attempts=1\n"
     "  c STARTING\n"
     "5s stop c\n"
     "5s told c FAILED Terminated: enough (asked of job a, through its parent job b)\n"
     "8s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b FAILED ContainerFailed attempts=1\n"
     "  c FAILED Terminated refusals=1\n"},
    {"a restart: what was asked of a parent that has ended is not forgotten",
     BEGIN
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1 parent=a retry=5\n"
     "job c queue=q cpu=1 parent=b retry=5\n"
     "at 1s\n"
     "pod a ok\n"
     "pod b ok\n"
     "at 3s\n"
     "job a cancel enough\n"
     "at 4s\n"
     "restart\n"
     "at 5s\n"
     "pod c failed exit=1\n"
     "at 8s\n"
     "jobs\n",
     "0s start a on n1\n"
     "0s start b on n1\n"
     "0s start c on n1\n"
     "1s told a SUCCEEDED Succeeded: Essential container in task exited\n"
     "1s told b SUCCEEDED Succeeded: Essential container in task exited\n"
     "5s told c FAILED ContainerFailed: Essential container in task exited\n"
     "8s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b SUCCEEDED Succeeded attempts=1\n"
     "  c FAILED ContainerFailed attempts=1\n"},
    {"who comes after its parent was stopped is stopped too",
     BEGIN
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "job a terminate enough\n"
     "at 3s\n"
     "job b queue=q cpu=1 parent=a\n"
     "at 5s\n"
     "job c queue=q cpu=1 parent=b\n"
     "at 8s\n"
     "jobs\n",
     "0s start a on n1\n"
     "1s stop a\n"
     "1s told a FAILED Terminated: enough\n"
     "3s told b FAILED Terminated: enough (asked of its parent job a)\n"
     "5s told c FAILED Terminated: enough (asked of job a, through its parent job b)\n"
     "8s jobs\n"
     "  a FAILED Terminated refusals=1\n"
     "  b FAILED Terminated\n"
     "  c FAILED Terminated\n"},
    {"children that are stopped by index are not the whole job",
     BEGIN
     "job a queue=q cpu=1 array=2\n"
     "job b queue=q cpu=1 parent=a\n"
     "at 1s\n"
     "job a terminate=0:one~of~two\n"
     "at 4s\n"
     "jobs\n",
     "0s start a/0 on n1\n"
     "0s start a/1 on n1\n"
     "0s start b on n1\n"
     "1s stop a/0\n"
     "2s told a PENDING Starting\n"
     "4s jobs\n"
     "  a 1 STARTING 1 FAILED\n"
     "  b STARTING\n"},
    {"terminated after it was cancelled through its parent",
     BEGIN
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1 parent=a\n"
     "at 1s\n"
     "job a cancel not needed\n"
     "at 3s\n"
     "job a terminate now\n"
     "at 5s\n"
     "jobs\n",
     "0s start a on n1\n"
     "0s start b on n1\n"
     "2s told b STARTING Starting\n"
     "3s stop a\n"
     "3s stop b\n"
     "3s told a FAILED Terminated: not needed\n"
     "3s told b FAILED Terminated: not needed (asked of its parent job a)\n"
     "5s jobs\n"
     "  a FAILED Terminated refusals=1\n"
     "  b FAILED Terminated refusals=1\n"},
    {"a parent in another namespace is none",
     BEGIN
     "environment e static ns=default,team\n"
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1 parent=a ns=team\n"
     "at 1s\n"
     "job a terminate enough\n"
     "at 4s\n"
     "jobs\n",
     "0s start a on n1\n"
     "0s start b on n1\n"
     "1s stop a\n"
     "1s told a FAILED Terminated: enough\n"
     "4s jobs\n"
     "  a FAILED Terminated refusals=1\n"
     "  b STARTING\n"},
    {"an orphan that was cancelled with its parent stays cancelled over a restart",
     BEGIN
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1 array=2 parent=a retry=3\n"
     "at 1s\n"
     "job a cancel not needed\n"
     "at 4s\n"
     "job a gone\n"
     "at 5s\n"
     "restart\n"
     "at 6s\n"
     "pod b/0 failed exit=1\n"
     "pod b/1 ok\n"
     "at 9s\n"
     "jobs\n",
     "0s start a on n1\n"
     "0s start b/0 on n1\n"
     "0s start b/1 on n1\n"
     "2s told b PENDING Starting\n"
     "4s stop a\n"
     "6s told b FAILED Cancelled: its parent job was cancelled\n"
     "9s jobs\n"
     "  b FAILED Cancelled 1 SUCCEEDED 1 FAILED\n"},
    /* clang-format on */
};

TEST(parents_and_children)
{
    world_check(rows, ARRAY_LEN(rows), SHOW_PODS | SHOW_STATUS | SHOW_WORDS);
}
