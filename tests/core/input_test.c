/* SPDX-License-Identifier: Apache-2.0 */
/* input_test.c - what the children of an array use of their own ones in another array */
#include "core/world.h"

#include "src/core/internal.h"

#include "bulkhead/api/result.h"

#include <string.h>

#define HOUSE                                                                                      \
    "environment e static\n"                                                                       \
    "queue q envs=e\n"                                                                             \
    "node n1 env=e cpu=8\n"

static const struct world_row used[] = {
    /* clang-format off */
    {"each child gets what its own one left, once that is recorded",
     HOUSE
     "job a queue=q cpu=1 array=2\n"
     "job b queue=q cpu=1 array=2 after=a:N_TO_N arg=Ref::jobs.a.n/Ref::jobs.a\n"
     "at 1s\n"
     "pod a/1 ok result={\"n\":\"one\"}\n"
     "at 7s\n"
     "pod a/0 ok result={\"n\":0}\n"
     "at 9s\n",
     "0s start a/0 with no args\n"
     "0s start a/1 with no args\n"
     "1s told b PENDING DependencyPending inputs jobs.a.n|jobs.a;1|one|{\"n\":\"one\"};\n"
     "1s start b/1 with [\"one/{\\\"n\\\":\\\"one\\\"}\"]\n"
     "2s told a PENDING Starting results 1 {\"n\":\"one\"};\n"
     "7s told a SUCCEEDED Succeeded results 0 {\"n\":0}; 1 {\"n\":\"one\"};\n"
     "7s told b PENDING DependencyPending inputs jobs.a.n|jobs.a;0|0|{\"n\":0};1|one|{\"n\":\"one\"};\n"
     "7s start b/0 with [\"0/{\\\"n\\\":0}\"]\n"
     "8s told b PENDING Starting inputs jobs.a.n|jobs.a;0|0|{\"n\":0};1|one|{\"n\":\"one\"};\n"},
    {"a retry, a new start and the deletion of the job change nothing",
     HOUSE
     "job a queue=q cpu=1 array=2\n"
     "job b queue=q cpu=1 array=2 retry=2 after=a:N_TO_N arg=Ref::jobs.a.n\n"
     "at 1s\n"
     "pod a/0 ok result={\"n\":0}\n"
     "pod a/1 ok result={\"n\":1}\n"
     "at 2s\n"
     "job a gone\n"
     "restart\n"
     "at 3s\n"
     "pod b/0 failed exit=1\n"
     "pod b/1 ok\n"
     "at 4s\n"
     "restart\n"
     "at 5s\n"
     "pod b/0 ok\n"
     "at 6s\n",
     "0s start a/0 with no args\n"
     "0s start a/1 with no args\n"
     "1s told a SUCCEEDED Succeeded results 0 {\"n\":0}; 1 {\"n\":1};\n"
     "1s told b PENDING DependencyPending inputs jobs.a.n;0|0;1|1;\n"
     "1s start b/0 with [\"0\"]\n"
     "1s start b/1 with [\"1\"]\n"
     "2s told b PENDING Starting inputs jobs.a.n;0|0;1|1;\n"
     "3s start b/0 with [\"0\"]\n"
     "5s told b SUCCEEDED Succeeded\n"},
    {"who waits for its own one of a job that is deleted gets nothing of it any more",
     HOUSE
     "job a queue=q cpu=1 array=2\n"
     "job b queue=q cpu=1 array=2 after=a:N_TO_N:Always arg=Ref::jobs.a.n\n"
     "at 1s\n"
     "pod a/0 ok result={\"n\":0}\n"
     "at 3s\n"
     "job a gone\n"
     "at 4s\n"
     "pod b/0 ok\n"
     "at 9s\n"
     "why b\n",
     "0s start a/0 with no args\n"
     "0s start a/1 with no args\n"
     "1s told b PENDING DependencyPending inputs jobs.a.n;0|0;\n"
     "1s start b/0 with [\"0\"]\n"
     "2s told a PENDING Starting results 0 {\"n\":0};\n"
     "3s stop a/1\n"
     "3s told b PENDING Starting 1: Ref::jobs.a.n: a was deleted, and left its child no result inputs jobs.a.n;0|0;\n"
     "4s told b FAILED ArrayChildFailed 1: Ref::jobs.a.n: a was deleted, and left its child no result\n"
     "9s b FAILED ArrayChildFailed: Array Child Job failed\n"},
    {"a new start before they are recorded takes them again",
     HOUSE
     "job a queue=q cpu=1 array=2\n"
     "job b queue=q cpu=1 array=2 after=a:N_TO_N arg=Ref::jobs.a.n\n"
     "answer job-status b never\n"
     "at 1s\n"
     "pod a/0 ok result={\"n\":0}\n"
     "at 3s\n"
     "restart\n"
     "at 4s\n",
     "0s start a/0 with no args\n"
     "0s start a/1 with no args\n"
     "1s told b PENDING DependencyPending inputs jobs.a.n;0|0;\n"
     "2s told a PENDING Starting results 0 {\"n\":0};\n"
     "3s told b PENDING DependencyPending inputs jobs.a.n;0|0;\n"
     "3s start b/0 with [\"0\"]\n"},
    {"together with what all children use, in the order of the template",
     HOUSE
     "job a queue=q cpu=1 array=1\n"
     "job x queue=q cpu=1\n"
     "job b queue=q cpu=1 array=1 after=a:N_TO_N,x arg=Ref::jobs.a.n,Ref::jobs.x,Ref::jobs.a.m\n"
     "at 1s\n"
     "pod a/0 ok result={\"n\":0,\"m\":\"a|b\"}\n"
     "at 2s\n"
     "pod x ok result=all\n"
     "at 3s\n",
     "0s start a/0 with no args\n"
     "0s start x with no args\n"
     "1s told a SUCCEEDED Succeeded results 0 {\"n\":0,\"m\":\"a|b\"};\n"
     "1s told b PENDING DependencyPending inputs jobs.a.n|jobs.a.m;0|0|a|b;\n"
     "2s told b PENDING DependencyPending inputs jobs.a.n|jobs.a.m;0|0|a|b;\n"
     "2s told x SUCCEEDED Succeeded result all\n"
     "3s told b PENDING DependencyPending inputs jobs.a.n|jobs.a.m;0|0|a|b; jobs.x=all\n"
     "3s start b/0 with [\"0,all,a|b\"]\n"},
    {"of two arrays, once both children have ended",
     HOUSE
     "job a queue=q cpu=1 array=2\n"
     "job x queue=q cpu=1 array=2\n"
     "job b queue=q cpu=1 array=2 after=a:N_TO_N,x:N_TO_N arg=Ref::jobs.x+Ref::jobs.a\n"
     "at 1s\n"
     "pod a/0 ok result=a0\n"
     "pod a/1 ok result=a1\n"
     "pod x/1 ok result=x1\n"
     "at 3s\n"
     "pod x/0 ok result=x0\n"
     "at 5s\n",
     "0s start a/0 with no args\n"
     "0s start a/1 with no args\n"
     "0s start x/0 with no args\n"
     "0s start x/1 with no args\n"
     "1s told a SUCCEEDED Succeeded results 0 a0; 1 a1;\n"
     "1s told b PENDING DependencyPending inputs jobs.x|jobs.a;1|x1|a1;\n"
     "1s start b/1 with [\"x1+a1\"]\n"
     "2s told x PENDING Starting results 1 x1;\n"
     "3s told x SUCCEEDED Succeeded results 0 x0; 1 x1;\n"
     "3s told b PENDING DependencyPending inputs jobs.x|jobs.a;0|x0|a0;1|x1|a1;\n"
     "3s start b/0 with [\"x0+a0\"]\n"
     "4s told b PENDING Starting inputs jobs.x|jobs.a;0|x0|a0;1|x1|a1;\n"},
    {"of a single job, by an array of one",
     HOUSE
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1 array=1 after=a:N_TO_N arg=Ref::jobs.a\n"
     "at 1s\n"
     "pod a ok result=one\n"
     "at 3s\n",
     "0s start a with no args\n"
     "1s told a SUCCEEDED Succeeded result one\n"
     "1s told b PENDING DependencyPending inputs jobs.a;0|one;\n"
     "1s start b/0 with [\"one\"]\n"
     "2s told b PENDING Starting inputs jobs.a;0|one;\n"},
    {"a definition that comes later finds them, and what has them is kept until then",
     HOUSE
     "job a queue=q cpu=1 array=1 ttl=0s\n"
     "job b queue=q array=1 after=a:N_TO_N definition=d\n"
     "at 1s\n"
     "pod a/0 ok result={\"n\":0}\n"
     "at 9s\n"
     "definition d cpu=1 arg=Ref::jobs.a.n\n"
     "at 12s\n",
     "0s start a/0 with no args\n"
     "1s told a SUCCEEDED Succeeded results 0 {\"n\":0};\n"
     "5s told b SUBMITTED JobDefinitionMissing\n"
     "9s told b PENDING DependencyPending inputs jobs.a.n;0|0;\n"
     "9s start b/0 with [\"0\"]\n"
     "10s delete job a\n"},
    {"one after another within the array",
     HOUSE
     "job a queue=q cpu=1 array=2 ttl=0s\n"
     "job b queue=q cpu=1 array=2 after=a:N_TO_N,SEQUENTIAL arg=Ref::jobs.a\n"
     "at 1s\n"
     "pod a/0 ok result=zero\n"
     "pod a/1 ok result=one\n"
     "at 2s\n"
     "pod b/0 ok\n"
     "at 5s\n",
     "0s start a/0 with no args\n"
     "0s start a/1 with no args\n"
     "1s told b PENDING DependencyPending inputs jobs.a;0|zero;\n"
     "1s told a SUCCEEDED Succeeded results 0 zero; 1 one;\n"
     "1s start b/0 with [\"zero\"]\n"
     "2s told b PENDING DependencyPending inputs jobs.a;1|one;\n"
     "2s start b/1 with [\"one\"]\n"
     "3s delete job a\n"},
    {"of an array with a computed size, both",
     HOUSE
     "job s queue=q cpu=1\n"
     "job a queue=q cpu=1 after=s sizefrom=Ref::jobs.s.n\n"
     "job b queue=q cpu=1 after=s,a:N_TO_N sizefrom=Ref::jobs.s.n arg=Ref::jobs.a/Ref::jobs.s.n\n"
     "at 1s\n"
     "pod s ok result={\"n\":2}\n"
     "at 2s\n"
     "pod a/1 ok result=one\n"
     "at 4s\n"
     "restart\n"
     "at 5s\n"
     "pod a/0 ok result=zero\n"
     "at 7s\n",
     "0s start s with no args\n"
     "1s told s SUCCEEDED Succeeded result {\"n\":2}\n"
     "1s told b PENDING DependencyPending jobs.s.n=2\n"
     "1s told a PENDING DependencyPending jobs.s.n=2\n"
     "1s start a/0 with no args\n"
     "1s start a/1 with no args\n"
     "2s told b PENDING DependencyPending inputs jobs.a;1|one; jobs.s.n=2\n"
     "2s start b/1 with [\"one/2\"]\n"
     "3s told a PENDING Starting results 1 one; jobs.s.n=2\n"
     "5s told a SUCCEEDED Succeeded results 0 zero; 1 one; jobs.s.n=2\n"
     "5s told b PENDING DependencyPending inputs jobs.a;0|zero;1|one; jobs.s.n=2\n"
     "5s start b/0 with [\"zero/2\"]\n"
     "6s told b PENDING Starting inputs jobs.a;0|zero;1|one; jobs.s.n=2\n"},
    {"children that are held get those of the job that replaced theirs",
     HOUSE
     "job a queue=q cpu=1 array=2\n"
     "job b queue=q cpu=1 array=2 after=a:N_TO_N:Hold arg=Ref::jobs.a\n"
     "at 1s\n"
     "pod a/0 ok result=first\n"
     "pod a/1 failed exit=1\n"
     "at 3s\n"
     "job r queue=q cpu=1 array=2 replaces=a\n"
     "at 5s\n"
     "pod r/1 ok result=second\n"
     "at 8s\n",
     "0s start a/0 with no args\n"
     "0s start a/1 with no args\n"
     "1s told b PENDING DependencyPending inputs jobs.a;0|first;\n"
     "1s told a FAILED ArrayChildFailed results 0 first;\n"
     "1s start b/0 with [\"first\"]\n"
     "2s told b PENDING DependencyHeld inputs jobs.a;0|first;\n"
     "3s told r PENDING DependencyPending results 0 first;\n"
     "3s start r/1 with no args\n"
     "3s told b PENDING DependencyPending inputs jobs.a;0|first;\n"
     "5s told r SUCCEEDED Succeeded results 0 first; 1 second;\n"
     "5s told b PENDING DependencyPending inputs jobs.a;0|first;1|second;\n"
     "5s start b/1 with [\"second\"]\n"
     "6s told b PENDING Starting inputs jobs.a;0|first;1|second;\n"},
    {"a child that was skipped before its job took another's place leaves nothing",
     HOUSE
     "job a queue=q cpu=1 array=2\n"
     "job k queue=q cpu=1 array=2\n"
     "job r queue=q cpu=1 array=2 after=k:N_TO_N:OnFailure replaces=a\n"
     "job b queue=q cpu=1 array=2 after=r:N_TO_N arg=Ref::jobs.r\n"
     "at 1s\n"
     "pod k/0 ok\n"
     "at 2s\n"
     "pod a/0 ok result=first\n"
     "pod a/1 failed exit=1\n"
     "at 4s\n"
     "pod k/1 failed exit=1\n"
     "at 5s\n"
     "pod r/1 ok result=second\n"
     "at 8s\n",
     "0s start a/0 with no args\n"
     "0s start a/1 with no args\n"
     "0s start k/0 with no args\n"
     "0s start k/1 with no args\n"
     "1s told r PENDING DependencyPending\n"
     "1s told b PENDING DependencyPending 0: Ref::jobs.r: its child of r left no result: expected a termination message of a container that succeeded\n"
     "2s told k PENDING Starting\n"
     "2s told a FAILED ArrayChildFailed results 0 first;\n"
     "2s told r PENDING DependencyPending\n"
     "4s start r/1 with no args\n"
     "4s told k FAILED ArrayChildFailed\n"
     "5s told r SUCCEEDED Succeeded results 1 second;\n"
     "5s told b PENDING DependencyPending 0: Ref::jobs.r: its child of r left no result: expected a termination message of a container that succeeded inputs jobs.r;1|second;\n"
     "5s start b/1 with [\"second\"]\n"
     "6s told b PENDING Starting 0: Ref::jobs.r: its child of r left no result: expected a termination message of a container that succeeded inputs jobs.r;1|second;\n"},
    {"a job whose child is cancelled in time uses nothing for it",
     HOUSE
     "job a queue=q cpu=1 array=2\n"
     "job b queue=q cpu=1 array=2 after=a:N_TO_N arg=Ref::jobs.a\n"
     "at 1s\n"
     "job b cancel 1:not needed\n"
     "at 2s\n"
     "pod a/0 ok result=zero\n"
     "pod a/1 ok result=one\n"
     "at 4s\n"
     "pod b/0 ok\n"
     "at 6s\n"
     "jobs\n",
     "0s start a/0 with no args\n"
     "0s start a/1 with no args\n"
     "1s told b PENDING DependencyPending\n"
     "2s told b PENDING DependencyPending inputs jobs.a;0|zero;\n"
     "2s told a SUCCEEDED Succeeded results 0 zero; 1 one;\n"
     "2s start b/0 with [\"zero\"]\n"
     "3s told b PENDING Starting inputs jobs.a;0|zero;\n"
     "4s told b FAILED ArrayChildFailed\n"
     "6s jobs\n"
     "  a SUCCEEDED Succeeded 2 SUCCEEDED\n"
     "  b FAILED ArrayChildFailed 1 SUCCEEDED 1 FAILED\n"},
    {"deleted before it is known what is used of it",
     HOUSE
     "job a queue=q cpu=1 array=1\n"
     "job b queue=q array=1 after=a:N_TO_N definition=d\n"
     "at 1s\n"
     "pod a/0 ok result={\"n\":0}\n"
     "at 9s\n"
     "job a gone\n"
     "at 12s\n"
     "why b\n",
     "0s start a/0 with no args\n"
     "1s told a SUCCEEDED Succeeded results 0 {\"n\":0};\n"
     "5s told b SUBMITTED JobDefinitionMissing\n"
     "9s told b FAILED DependencyFailed\n"
     "12s b FAILED DependencyFailed: Dependent Job failed: a was deleted before it was known what this job uses of it\n"},
    /* clang-format on */
};

TEST(inputs_are_used)
{
    world_check(used, ARRAY_LEN(used), SHOW_PODS | SHOW_STATUS | SHOW_RESULTS | SHOW_ARGS);
}

static const struct world_row unusable[] = {
    /* clang-format off */
    {"none was left, no such field, not JSON: only these children fail",
     HOUSE
     "job a queue=q cpu=1 array=4\n"
     "job b queue=q cpu=1 array=4 after=a:N_TO_N arg=Ref::jobs.a.n\n"
     "at 1s\n"
     "pod a/0 ok result={\"n\":0}\n"
     "pod a/1 ok\n"
     "pod a/2 ok result={\"m\":0}\n"
     "pod a/3 ok result=three\n"
     "at 2s\n"
     "pod b/0 ok\n"
     "at 4s\n"
     "why b\n",
     "0s start a/0 with no args\n"
     "0s start a/1 with no args\n"
     "0s start a/2 with no args\n"
     "0s start a/3 with no args\n"
     "1s told a SUCCEEDED Succeeded results 0 {\"n\":0}; 2 {\"m\":0}; 3 three;\n"
     "1s told b PENDING DependencyPending 1: Ref::jobs.a.n: its child of a left no result: expected a termination message of a container that succeeded 2: Ref::jobs.a.n: the result of its child of a has no field n 3: Ref::jobs.a.n: the result of its child of a is not a JSON object inputs jobs.a.n;0|0;\n"
     "1s start b/0 with [\"0\"]\n"
     "2s told b FAILED ArrayChildFailed 1: Ref::jobs.a.n: its child of a left no result: expected a termination message of a container that succeeded 2: Ref::jobs.a.n: the result of its child of a has no field n 3: Ref::jobs.a.n: the result of its child of a is not a JSON object\n"
     "4s b FAILED ArrayChildFailed: Array Child Job failed\n"},
    {"of children that failed",
     HOUSE
     "job a queue=q cpu=1 array=2\n"
     "job b queue=q cpu=1 array=2 after=a:N_TO_N:Always arg=Ref::jobs.a\n"
     "at 1s\n"
     "pod a/0 ok result=zero\n"
     "pod a/1 failed exit=1\n"
     "at 4s\n",
     "0s start a/0 with no args\n"
     "0s start a/1 with no args\n"
     "1s told a FAILED ArrayChildFailed results 0 zero;\n"
     "1s told b PENDING DependencyPending 1: Ref::jobs.a: its child of a left no result: expected a termination message of a container that succeeded inputs jobs.a;0|zero;\n"
     "1s start b/0 with [\"zero\"]\n"
     "2s told b PENDING Starting 1: Ref::jobs.a: its child of a left no result: expected a termination message of a container that succeeded inputs jobs.a;0|zero;\n"},
    {"of children that were skipped",
     HOUSE
     "job a queue=q cpu=1 array=2\n"
     "job o queue=q cpu=1 array=2 after=a:N_TO_N:OnFailure\n"
     "job c queue=q cpu=1 array=2 after=o:N_TO_N arg=Ref::jobs.o\n"
     "at 1s\n"
     "pod a/0 ok result=zero\n"
     "pod a/1 failed exit=1\n"
     "at 2s\n"
     "pod o/1 ok result=mended\n"
     "at 4s\n"
     "jobs\n",
     "0s start a/0 with no args\n"
     "0s start a/1 with no args\n"
     "1s start o/1 with no args\n"
     "1s told c PENDING DependencyPending 0: Ref::jobs.o: its child of o left no result: expected a termination message of a container that succeeded\n"
     "1s told a FAILED ArrayChildFailed results 0 zero;\n"
     "1s told o PENDING Starting\n"
     "2s told o SUCCEEDED Succeeded results 1 mended;\n"
     "2s told c PENDING DependencyPending 0: Ref::jobs.o: its child of o left no result: expected a termination message of a container that succeeded inputs jobs.o;1|mended;\n"
     "2s start c/1 with [\"mended\"]\n"
     "3s told c PENDING Starting 0: Ref::jobs.o: its child of o left no result: expected a termination message of a container that succeeded inputs jobs.o;1|mended;\n"
     "4s jobs\n"
     "  a FAILED ArrayChildFailed 1 SUCCEEDED 1 FAILED\n"
     "  o SUCCEEDED Succeeded 2 SUCCEEDED\n"
     "  c 1 STARTING 1 FAILED\n"},
    {"with one that failed the others get theirs before it may be deleted",
     HOUSE
     "job a queue=q cpu=1 array=2 ttl=0s\n"
     "job b queue=q cpu=1 array=2 after=a:N_TO_N arg=Ref::jobs.a\n"
     "at 1s\n"
     "pod a/0 ok result=zero\n"
     "pod a/1 failed exit=1\n"
     "at 5s\n"
     "pod b/0 ok\n"
     "at 7s\n"
     "jobs\n",
     "0s start a/0 with no args\n"
     "0s start a/1 with no args\n"
     "1s told a FAILED ArrayChildFailed results 0 zero;\n"
     "1s told b PENDING DependencyPending inputs jobs.a;0|zero;\n"
     "1s start b/0 with [\"zero\"]\n"
     "2s told b PENDING Starting inputs jobs.a;0|zero;\n"
     "3s delete job a\n"
     "5s told b FAILED ArrayChildFailed\n"
     "7s jobs\n"
     "  b FAILED ArrayChildFailed 1 SUCCEEDED 1 FAILED\n"},
    {"the size of an array is not of children",
     HOUSE
     "job a queue=q cpu=1 array=2\n"
     "job b queue=q cpu=1 after=a:N_TO_N sizefrom=Ref::jobs.a.n\n"
     "at 1s\n"
     "why b\n",
     "0s start a/0 with no args\n"
     "0s start a/1 with no args\n"
     "0s told b FAILED InvalidReference\n"
     "1s b FAILED InvalidReference: Ref::jobs.a.n: not with type N_TO_N; expected a dependsOn entry without it\n"},
    /* clang-format on */
};

TEST(inputs_that_cannot_be_used)
{
    world_check(unusable, ARRAY_LEN(unusable), SHOW_PODS | SHOW_STATUS | SHOW_RESULTS | SHOW_ARGS);
}

/* Each child uses a result of 3,900 bytes four times: there is room for sixteen of them at a time.
 */
TEST(inputs_have_a_bound)
{
    enum { SIZE = 24, FIRST = 16 };
    AUTO(world) world = world_new(SHOW_PODS);
    AUTO_STR script = STR_EMPTY;
    str_add(&script, "environment e static\nqueue q envs=e\nnode n1 env=e cpu=99\n");
    str_addf(&script, "job a queue=q cpu=1 array=%d ttl=0s\n", SIZE);
    str_addf(&script, "job b queue=q cpu=1 array=%d after=a:N_TO_N arg=", SIZE);
    str_add(&script, "Ref::jobs.a,Ref::jobs.a.x,Ref::jobs.a.x.y,Ref::jobs.a.x.y.z\nat 1s\n");
    for (int i = 0; i < SIZE; i++)
        str_addf(&script, "pod a/%d ok result={\"x\":{\"y\":{\"z\":\"%03900d\"}}}\n", i, i);
    str_add(&script, "at 20s\nwhy b\njobs\n");
    for (int i = 0; i < FIRST; i++)
        str_addf(&script, "pod b/%d ok\n", i);
    str_add(&script, "restart\nat 40s\njobs\n");
    world_run(world, str_text(&script));
    CHECK_TEXT("they wait, and are told what for", strstr(world_log(world), "20s b "),
               "20s b PENDING DependencyPending: 8 of 24 children (16-23) wait: waits for room for "
               "the results that they use: 262144 bytes at a time; some comes when children that "
               "have theirs end\n"
               "20s jobs\n"
               "  a SUCCEEDED Succeeded 24 SUCCEEDED\n"
               "  b 8 PENDING 16 STARTING\n"
               "20s start b/16 on n1\n"
               "20s start b/17 on n1\n"
               "20s start b/18 on n1\n"
               "20s start b/19 on n1\n"
               "20s start b/20 on n1\n"
               "20s start b/21 on n1\n"
               "20s start b/22 on n1\n"
               "20s start b/23 on n1\n"
               "40s jobs\n"
               "  b 8 STARTING 16 SUCCEEDED\n");
}
