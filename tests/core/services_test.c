/* SPDX-License-Identifier: Apache-2.0 */
/* services_test.c - the Services that name the nodes of multi-node jobs */
#include "core/world.h"

#include "bulkhead/base/macros.h"

#define HERE                                                                                       \
    "environment e static\n"                                                                       \
    "queue q envs=e\n"                                                                             \
    "node n1 env=e cpu=2\n"                                                                        \
    "node n2 env=e cpu=2\n"

static const struct world_row rows[] = {
    /* clang-format off */
    {"it is there before the first pod, and goes when the end is stored",
     HERE
     "job g queue=q cpu=1 nodes=2\n"
     "at 1s\n"
     "pod g/0 running\n"
     "at 3s\n"
     "pod g/0 ok\n"
     "at 9s\n",
     "0s make service g-00000001\n"
     "0s start g/0 on n1\n"
     "1s start g/1 on n2\n"
     "2s told g RUNNING Running\n"
     "3s stop g/1\n"
     "3s told g SUCCEEDED Succeeded\n"
     "3s delete service g-00000001\n"},
    {"a job of one node without nodeProperties has none, nor has an array",
     HERE
     "job a queue=q cpu=1 runs=1s\n"
     "job b queue=q cpu=1 array=2 runs=1s\n"
     "at 9s\n",
     "0s start a on n1\n"
     "0s start b/0 on n1\n"
     "0s start b/1 on n2\n"
     "1s told a SUCCEEDED Succeeded\n"
     "1s told b SUCCEEDED Succeeded\n"},
    {"it stays over a retry, so that names do",
     HERE
     "job g queue=q cpu=1 nodes=2 retry=2\n"
     "at 1s\n"
     "pod g/0 running\n"
     "at 2s\n"
     "pod g/0 failed exit=1\n"
     "at 3s\n"
     "pod g/0 running\n",
     "0s make service g-00000001\n"
     "0s start g/0 on n1\n"
     "1s start g/1 on n2\n"
     "2s stop g/1\n"
     "2s told g RUNNABLE Accepted\n"
     "2s start g/0 on n1\n"
     "3s start g/1 on n2\n"
     "3s told g RUNNING Running\n"},
    {"a name that starts with a digit gets a letter",
     HERE
     "job 3.way queue=q cpu=1 nodes=2\n",
     "0s make service job-3-way-00000001\n"
     "0s start 3.way/0 on n1\n"},
    {"somebody else's has the name: nothing starts, it says so and keeps no room",
     HERE
     "service g-00000001\n"
     "job g queue=q cpu=1 nodes=2\n"
     "job a queue=q cpu=2 created=1s\n"
     "at 1s\n"
     "why g\n"
     "at 6s\n"
     "service g-00000001 gone\n"
     "pod a ok\n"
     "at 20s\n",
     "0s make service g-00000001\n"
     "0s start a on n1\n"
     "1s g RUNNABLE ServiceNameTaken: a Service g-00000001 is there that is not this job's, whose nodes are to have that name: delete it\n"
     "5s told g RUNNABLE NodesFull\n"
     "5s told a STARTING Starting\n"
     "6s told a SUCCEEDED Succeeded\n"
     "6s make service g-00000001\n"
     "6s start g/0 on n1\n"
     "11s told g STARTING Accepted\n"},
    {"an answer that is lost: it is asked for again, and found",
     HERE
     "answer service-create g-00000001 lost\n"
     "job g queue=q cpu=1 nodes=2\n"
     "at 5s\n",
     "0s make service g-00000001\n"
     "0s start g/0 on n1\n"
     "5s told g STARTING Accepted\n"},
    {"a server that has no time is asked again, and the pod keeps its place",
     HERE
     "answer service-create g-00000001 again\n"
     "job g queue=q cpu=1 nodes=2\n"
     "job a queue=q cpu=2 created=1s\n"
     "at 2s\n",
     "0s make service g-00000001\n"
     "1s make service g-00000001\n"
     "1s start g/0 on n1\n"},
    {"the node goes while it is made: the job is placed anew",
     HERE
     "answer service-create g-00000001 again\n"
     "job g queue=q cpu=1 nodes=2\n"
     "at 500ms\n"
     "node n1 gone\n"
     "at 2s\n"
     "node n3 env=e cpu=2\n"
     "at 3s\n",
     "0s make service g-00000001\n"
     "1s make service g-00000001\n"
     "2s start g/0 on n3\n"},
    {"the server does not accept it: its words end the job",
     HERE
     "answer service-create g-00000001 refused no Services here\n"
     "job g queue=q cpu=1 nodes=2\n"
     "at 1s\n"
     "why g\n",
     "0s make service g-00000001\n"
     "0s told g FAILED ServiceRefused\n"
     "1s g FAILED ServiceRefused: no Services here\n"},
    {"a right is missing: it waits and says which",
     HERE
     "answer service-create g-00000001 forbidden cannot create resource services\n"
     "job g queue=q cpu=1 nodes=2\n"
     "at 1s\n"
     "why g\n"
     "at 6s\n",
     "0s make service g-00000001\n"
     "1s g RUNNABLE Forbidden: the controller may not create pods and Services here: cannot create resource services\n"
     "5s told g STARTING Accepted\n"
     "5s make service g-00000001\n"
     "5s start g/0 on n1\n"},
    {"terminated while it is made: no pod starts",
     HERE
     "answer service-create g-00000001 again\n"
     "job g queue=q cpu=1 nodes=2\n"
     "at 500ms\n"
     "job g terminate enough\n"
     "at 9s\n",
     "0s make service g-00000001\n"
     "0.5s told g FAILED Terminated\n"},
    {"somebody takes it away: it is made again",
     HERE
     "job g queue=q cpu=1 nodes=2\n"
     "at 1s\n"
     "service g-00000001 gone\n"
     "at 2s\n"
     "pod g/0 running\n",
     "0s make service g-00000001\n"
     "0s start g/0 on n1\n"
     "1s make service g-00000001\n"
     "2s start g/1 on n2\n"},
    {"after a restart it is there, and not made again",
     HERE
     "job g queue=q cpu=1 nodes=2\n"
     "at 1s\n"
     "restart\n"
     "pod g/0 running\n"
     "at 3s\n"
     "pod g/0 ok\n"
     "at 4s\n",
     "0s make service g-00000001\n"
     "0s start g/0 on n1\n"
     "1s start g/1 on n2\n"
     "2s told g RUNNING Running\n"
     "3s stop g/1\n"
     "3s told g SUCCEEDED Succeeded\n"
     "3s delete service g-00000001\n"},
    {"it was to be deleted when the process died: the next one does it",
     HERE
     "answer service-delete g-00000001 never\n"
     "job g queue=q cpu=1 nodes=2\n"
     "at 1s\n"
     "pod g/0 ok\n"
     "at 4s\n"
     "restart\n"
     "at 5s\n",
     "0s make service g-00000001\n"
     "0s start g/0 on n1\n"
     "1s told g SUCCEEDED Succeeded\n"
     "1s delete service g-00000001\n"
     "4s delete service g-00000001\n"},
    {"a delete that fails is tried again",
     HERE
     "answer service-delete g-00000001 again\n"
     "job g queue=q cpu=1 nodes=2\n"
     "at 1s\n"
     "pod g/0 ok\n"
     "at 9s\n",
     "0s make service g-00000001\n"
     "0s start g/0 on n1\n"
     "1s told g SUCCEEDED Succeeded\n"
     "1s delete service g-00000001\n"
     "2s delete service g-00000001\n"},
    {"a job that is deleted takes it along",
     HERE
     "job g queue=q cpu=1 nodes=2\n"
     "at 1s\n"
     "job g gone\n"
     "at 9s\n",
     "0s make service g-00000001\n"
     "0s start g/0 on n1\n"
     "1s stop g/0\n"},
    /* clang-format on */
};

TEST(services)
{
    world_check(rows, ARRAY_LEN(rows), SHOW_PODS | SHOW_STATUS | SHOW_SERVICES);
}
