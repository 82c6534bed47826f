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
