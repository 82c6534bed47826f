/* SPDX-License-Identifier: Apache-2.0 */
/* result_test.c - what jobs leave, and what becomes of it for those who depend on them */
#include "core/world.h"

#include "src/core/internal.h"

#include "bulkhead/api/result.h"

#include <string.h>

#define HOUSE                                                                                      \
    "environment e static\n"                                                                       \
    "queue q envs=e\n"                                                                             \
    "node n1 env=e cpu=8\n"

static const struct world_row kept[] = {
    /* clang-format off */
    {"a result is written with the end, before the pod is let go",
     HOUSE
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "pod a ok result={\"count\":3}\n"
     "at 2s\n",
     "0s start a on n1\n"
     "1s told a SUCCEEDED Succeeded result {\"count\":3}\n"
     "1s release a\n"
     "1s delete a\n"},
    {"a failed attempt leaves none",
     HOUSE
     "job a queue=q cpu=1 retry=2\n"
     "at 1s\n"
     "pod a failed exit=1 message=words\n"
     "at 2s\n"
     "pod a ok\n"
     "at 4s\n",
     "0s start a on n1\n"
     "1s start a on n1\n"
     "2s told a SUCCEEDED Succeeded\n"
     "2s release a\n"
     "2s release a try 2\n"
     "2s delete a\n"
     "2s delete a try 2\n"},
    {"of an array each child has its own",
     HOUSE
     "job a queue=q cpu=1 array=3\n"
     "at 1s\n"
     "pod a/2 ok result=two\\lines\n"
     "pod a/1 ok\n"
     "at 3s\n"
     "pod a/0 ok result=zero\n"
     "at 4s\n",
     "0s start a/0 on n1\n"
     "0s start a/1 on n1\n"
     "0s start a/2 on n1\n"
     "2s told a PENDING Starting results 2 two\\\\lines;\n"
     "2s release a/2\n"
     "2s release a/1\n"
     "2s delete a/2\n"
     "2s delete a/1\n"
     "3s told a SUCCEEDED Succeeded results 0 zero; 2 two\\\\lines;\n"
     "3s release a/0\n"
     "3s delete a/0\n"},
    {"a new start reads them",
     HOUSE
     "job a queue=q cpu=1 array=2\n"
     "at 1s\n"
     "pod a/0 ok result=zero\n"
     "at 3s\n"
     "restart\n"
     "at 4s\n"
     "pod a/1 ok result=one\n"
     "at 6s\n",
     "0s start a/0 on n1\n"
     "0s start a/1 on n1\n"
     "2s told a PENDING Starting results 0 zero;\n"
     "2s release a/0\n"
     "2s delete a/0\n"
     "4s told a SUCCEEDED Succeeded results 0 zero; 1 one;\n"
     "4s release a/1\n"
     "4s delete a/1\n"},
    /* clang-format on */
};

static const struct world_row used[] = {
    /* clang-format off */
    {"a dependant runs with what the job left, once that is recorded",
     HOUSE
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1 after=a arg=--n=Ref::jobs.a.count\n"
     "at 1s\n"
     "pod a ok result={\"count\":3}\n"
     "at 2s\n",
     "0s start a with no args\n"
     "1s told a SUCCEEDED Succeeded result {\"count\":3}\n"
     "1s told b PENDING DependencyPending jobs.a.count=3\n"
     "1s start b with [\"--n=3\"]\n"},
    {"also by way of a parameter, and the whole text",
     HOUSE
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1 after=a arg=Ref::n/Ref::jobs.a. param=n:Ref::jobs.a\n"
     "at 1s\n"
     "pod a ok result=x$y\n"
     "at 2s\n",
     "0s start a with no args\n"
     "1s told a SUCCEEDED Succeeded result x$y\n"
     "1s told b PENDING DependencyPending jobs.a=x$y\n"
     "1s start b with [\"x$$y/x$$y.\"]\n"},
    {"a dependency that was deleted and a new start change nothing",
     HOUSE
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1 retry=2 after=a arg=Ref::jobs.a.count\n"
     "at 1s\n"
     "pod a ok result={\"count\":3}\n"
     "at 2s\n"
     "job a gone\n"
     "restart\n"
     "at 3s\n"
     "pod b failed exit=1\n"
     "at 4s\n"
     "pod b ok\n"
     "at 5s\n",
     "0s start a with no args\n"
     "1s told a SUCCEEDED Succeeded result {\"count\":3}\n"
     "1s told b PENDING DependencyPending jobs.a.count=3\n"
     "1s start b with [\"3\"]\n"
     "3s start b with [\"3\"]\n"
     "4s told b SUCCEEDED Succeeded jobs.a.count=3\n"},
    {"each child of an array gets the same",
     HOUSE
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1 after=a array=2 arg=Ref::jobs.a.x\n"
     "at 1s\n"
     "pod a ok result={\"x\":{\"y\":[1,true]}}\n"
     "at 2s\n",
     "0s start a with no args\n"
     "1s told a SUCCEEDED Succeeded result {\"x\":{\"y\":[1,true]}}\n"
     "1s told b PENDING DependencyPending jobs.a.x={\"y\":[1,true]}\n"
     "1s start b/0 with [\"{\\\"y\\\":[1,true]}\"]\n"
     "1s start b/1 with [\"{\\\"y\\\":[1,true]}\"]\n"},
    {"a definition that comes later finds what was left",
     HOUSE
     "job a queue=q cpu=1\n"
     "job b queue=q after=a definition=d\n"
     "at 1s\n"
     "pod a ok result={\"count\":3}\n"
     "at 3s\n"
     "definition d cpu=1 arg=Ref::jobs.a.count\n"
     "at 4s\n",
     "0s start a with no args\n"
     "1s told a SUCCEEDED Succeeded result {\"count\":3}\n"
     "3s told b PENDING DependencyPending jobs.a.count=3\n"
     "3s start b with [\"3\"]\n"},
    /* clang-format on */
};

TEST(results_are_used)
{
    world_check(used, ARRAY_LEN(used), SHOW_PODS | SHOW_STATUS | SHOW_RESULTS | SHOW_ARGS);
}

#define LEAVES(result, arg)                                                                        \
    HOUSE "job a queue=q cpu=1\n"                                                                  \
          "job b queue=q cpu=1 after=a arg=" arg "\n"                                              \
          "at 1s\n"                                                                                \
          "pod a ok " result "\n"                                                                  \
          "at 2s\n"                                                                                \
          "why b\n"
#define STARTED "0s start a on n1\n"

static const struct world_row unusable[] = {
    /* clang-format off */
    {"of a job that it does not depend on",
     LEAVES("", "Ref::jobs.c-d.x"),
     STARTED
     "2s b FAILED InvalidReference: Ref::jobs.c-d: expected an entry with jobName c-d in spec.dependsOn\n"},
    {"nothing was left",
     LEAVES("", "Ref::jobs.a.x"),
     STARTED
     "2s b FAILED ResultUnusable: Ref::jobs.a.x: a left no result: expected a termination message of a container that succeeded\n"},
    {"no such field",
     LEAVES("result={\"x\":1}", "Ref::jobs.a.x.y"),
     STARTED
     "2s b FAILED ResultUnusable: Ref::jobs.a.x.y: the result of a has no field x.y\n"},
    {"not JSON",
     LEAVES("result=three", "Ref::jobs.a.x"),
     STARTED
     "2s b FAILED ResultUnusable: Ref::jobs.a.x: the result of a is not a JSON object\n"},
    {"of an array as a whole",
     HOUSE
     "job a queue=q cpu=1 array=1\n"
     "job b queue=q cpu=1 after=a arg=Ref::jobs.a.x\n"
     "at 1s\n"
     "pod a/0 ok\n"
     "at 2s\n"
     "why b\n",
     "0s start a/0 on n1\n"
     "2s b FAILED ResultUnusable: Ref::jobs.a.x: a is an array: expected a single job, whose result it is\n"},
    {"of a job that failed",
     HOUSE
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1 after=a:Always arg=Ref::jobs.a.x\n"
     "at 1s\n"
     "pod a failed exit=1\n"
     "at 2s\n"
     "why b\n",
     STARTED
     "2s b FAILED ResultUnusable: Ref::jobs.a.x: a left no result: expected a termination message of a container that succeeded\n"},
    {"deleted before it was known what is used of it: nothing, so it counts as it ended",
     HOUSE
     "job a queue=q cpu=1\n"
     "job b queue=q after=a definition=d\n"
     "at 1s\n"
     "pod a ok result=3\n"
     "at 9s\n"
     "job a gone\n"
     "at 12s\n"
     "definition d cpu=1\n"
     "at 13s\n",
     "0s start a on n1\n"
     "12s start b on n1\n"},
    {"or what cannot be had any more",
     HOUSE
     "job a queue=q cpu=1\n"
     "job b queue=q after=a definition=d\n"
     "at 1s\n"
     "pod a ok result=3\n"
     "at 9s\n"
     "job a gone\n"
     "at 12s\n"
     "definition d cpu=1 arg=Ref::jobs.a\n"
     "at 13s\n"
     "why b\n",
     "0s start a on n1\n"
     "13s b FAILED ResultUnusable: Ref::jobs.a: a left no result, or was deleted before it was known that this job uses it\n"},
    /* clang-format on */
};

TEST(results_that_cannot_be_used)
{
    world_check(unusable, ARRAY_LEN(unusable), SHOW_PODS);
}

#define SIZED(left, ...)                                                                           \
    HOUSE "job a queue=q cpu=1\n"                                                                  \
          "job b queue=q cpu=1 after=a sizefrom=Ref::jobs.a.n\n" __VA_ARGS__ "at 1s\n"             \
          "pod a ok result=" left "\n"                                                             \
          "at 2s\n"

static const struct world_row sizes[] = {
    /* clang-format off */
    {"an array gets its size from a result, recorded before a child starts",
     SIZED("{\"n\":3}")
     "restart\n"
     "at 3s\n"
     "pod b/0 ok\n"
     "pod b/1 ok\n"
     "pod b/2 ok result=x\n"
     "at 5s\n",
     "0s start a on n1\n"
     "1s told a SUCCEEDED Succeeded result {\"n\":3}\n"
     "1s told b PENDING DependencyPending of 3 PENDING jobs.a.n=3\n"
     "1s start b/0 on n1\n"
     "1s start b/1 on n1\n"
     "1s start b/2 on n1\n"
     "3s told b SUCCEEDED Succeeded of 3 SUCCEEDED results 2 x; jobs.a.n=3\n"},
    {"none: it succeeds at once",
     SIZED("{\"n\":0}")
     "why b\n",
     "0s start a on n1\n"
     "1s told a SUCCEEDED Succeeded result {\"n\":0}\n"
     "1s told b SUCCEEDED Succeeded jobs.a.n=0\n"
     "2s b SUCCEEDED Succeeded: Ref::jobs.a.n is 0: there is nothing to run\n"},
    {"a text is not a size",
     SIZED("{\"n\":\"3x\"}")
     "why b\n",
     "0s start a on n1\n"
     "1s told a SUCCEEDED Succeeded result {\"n\":\"3x\"}\n"
     "1s told b FAILED ResultUnusable jobs.a.n=3x\n"
     "2s b FAILED ResultUnusable: spec.arrayProperties.sizeFrom: Ref::jobs.a.n is 3x, expected a whole number 0..1000000\n"},
    {"nor is a negative number, nor one that is too large",
     SIZED("{\"n\":-1,\"m\":1000001}", "job c queue=q cpu=1 after=a sizefrom=Ref::jobs.a.m\n")
     "why b\n"
     "why c\n",
     "0s start a on n1\n"
     "1s told a SUCCEEDED Succeeded result {\"n\":-1,\"m\":1000001}\n"
     "1s told c FAILED ResultUnusable jobs.a.m=1000001\n"
     "1s told b FAILED ResultUnusable jobs.a.n=-1\n"
     "2s b FAILED ResultUnusable: spec.arrayProperties.sizeFrom: Ref::jobs.a.n is -1, expected a whole number 0..1000000\n"
     "2s c FAILED ResultUnusable: spec.arrayProperties.sizeFrom: Ref::jobs.a.m is 1000001, expected a whole number 0..1000000\n"},
    {"no such field",
     SIZED("{\"m\":1}")
     "why b\n",
     "0s start a on n1\n"
     "1s told a SUCCEEDED Succeeded result {\"m\":1}\n"
     "1s told b FAILED ResultUnusable\n"
     "2s b FAILED ResultUnusable: Ref::jobs.a.n: the result of a has no field n\n"},
    {"cancelled before it has a size",
     HOUSE
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1 after=a sizefrom=Ref::jobs.a.n\n"
     "at 1s\n"
     "job b cancel not needed\n"
     "at 2s\n"
     "why b\n",
     "0s start a on n1\n"
     "1s told b FAILED Cancelled\n"
     "2s b FAILED Cancelled: not needed\n"},
    {"children by index are known once there are children",
     HOUSE
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=1 after=a sizefrom=Ref::jobs.a.n\n"
     "at 1s\n"
     "job b cancel 1:not needed\n"
     "at 2s\n"
     "pod a ok result={\"n\":2}\n"
     "at 3s\n"
     "jobs\n",
     "0s start a on n1\n"
     "2s told a SUCCEEDED Succeeded result {\"n\":2}\n"
     "2s told b PENDING DependencyPending of 1 PENDING 1 FAILED jobs.a.n=2\n"
     "2s start b/0 on n1\n"
     "3s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b 1 STARTING 1 FAILED\n"},
    {"N_TO_N with an array that has its size from the same result",
     SIZED("{\"n\":2}", "job c queue=q cpu=1 array=2 after=b:N_TO_N\n"
                         "job d queue=q cpu=1 array=3 after=b:N_TO_N\n"
                         "job e queue=q cpu=1 after=a,b:N_TO_N sizefrom=Ref::jobs.a.n\n")
     "pod b/1 ok\n"
     "at 3s\n"
     "why d\n"
     "jobs\n",
     "0s start a on n1\n"
     "1s told a SUCCEEDED Succeeded result {\"n\":2}\n"
     "1s told e PENDING DependencyPending of 2 PENDING jobs.a.n=2\n"
     "1s told b PENDING DependencyPending of 2 PENDING jobs.a.n=2\n"
     "1s told d FAILED DependencyFailed of 3 FAILED\n"
     "1s start b/0 on n1\n"
     "1s start b/1 on n1\n"
     "2s start c/1 on n1\n"
     "2s start e/1 on n1\n"
     "3s told b PENDING Starting of 1 STARTING 1 SUCCEEDED jobs.a.n=2\n"
     "3s d FAILED DependencyFailed: Dependent Job failed: b has 2 children, expected 3 for N_TO_N\n"
     "3s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1\n"
     "  b 1 STARTING 1 SUCCEEDED\n"
     "  c 1 PENDING 1 STARTING\n"
     "  d FAILED DependencyFailed 3 FAILED\n"
     "  e 1 PENDING 1 STARTING\n"},
    {"N_TO_N with one that never had children",
     SIZED("{\"n\":0}", "job c queue=q cpu=1 array=2 after=b:N_TO_N\n")
     "why c\n",
     "0s start a on n1\n"
     "1s told a SUCCEEDED Succeeded result {\"n\":0}\n"
     "1s told b SUCCEEDED Succeeded jobs.a.n=0\n"
     "1s told c FAILED DependencyFailed of 2 FAILED\n"
     "2s c FAILED DependencyFailed: Dependent Job failed: b has 0 children, expected 2 for N_TO_N\n"},
    {"and with one that failed before it had a size",
     SIZED("{\"n\":-1}", "job c queue=q cpu=1 array=2 after=b:N_TO_N\n")
     "why c\n",
     "0s start a on n1\n"
     "1s told a SUCCEEDED Succeeded result {\"n\":-1}\n"
     "1s told b FAILED ResultUnusable jobs.a.n=-1\n"
     "1s told c FAILED ArrayChildFailed of 2 FAILED\n"
     "2s c FAILED ArrayChildFailed: Array Child Job failed\n"},
    /* clang-format on */
};

TEST(sizes_are_computed)
{
    world_check(sizes, ARRAY_LEN(sizes), SHOW_PODS | SHOW_STATUS | SHOW_CHILDREN | SHOW_RESULTS);
}

TEST(results_are_kept)
{
    world_check(kept, ARRAY_LEN(kept), SHOW_PODS | SHOW_CLEANUP | SHOW_STATUS | SHOW_RESULTS);
}

TEST(results_of_an_array_have_a_bound)
{
    enum { SIZE = 80 };
    AUTO(world) world = world_new(SHOW_STATUS | SHOW_RESULTS);
    AUTO_STR script = STR_EMPTY;
    str_add(&script, "environment e static\nqueue q envs=e\nnode n1 env=e cpu=99\n");
    str_addf(&script, "job a queue=q cpu=1 array=%d\nat 1s\n", SIZE);
    for (int i = 0; i < SIZE; i++)
        str_addf(&script, "pod a/%d ok result=%0*d\n", i, RESULT_BYTES_MAX, i);
    str_add(&script, "restart\nat 9s\n");
    world_run(world, str_text(&script));
    int64_t fit = RESULTS_BYTES_MAX / (RESULT_BYTES_MAX + 4);
    AUTO_TEXT left = text_printf(" left out %lld\n", (long long)(SIZE - fit));
    CHECK_INT("counted", strstr(world_log(world), left) != NULL, 1);
}
