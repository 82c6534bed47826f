/* SPDX-License-Identifier: Apache-2.0 */
/* expect_test.c - what is still to be paid, as somebody who asks reads it, and as queues tell it */
#include "core/world.h"

#include "bulkhead/base/macros.h"
#include "bulkhead/base/str.h"

#include <string.h>

/* What comes after "cost to come: " for the last job that was explained; "" when nothing does. */
static const struct {
    const char *name, *given, *want;
} rows[] = {
    /* clang-format off */
    {"the timeout is a bound, and a quarter of a machine a quarter of its price",
     "environment e kwok max=8 types=large:4:16Gi:3.60\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 memory=1Gi timeout=100s\n"
     "at 1s\n"
     "explain a\n",
     "0.025000: at most 100 s, by its timeout, at 0.900000 an hour, its part of a machine of type large in e"},
    {"by the mean of earlier runs, each child that has not ended",
     "environment e kwok max=4 types=large:4:16Gi:3.60\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 memory=1Gi array=6 runs=50s\n"
     "at 65s\n"
     "explain a\n",
     "0.025000: 2 left, each 50 s, by the mean of earlier runs, at 0.900000 an hour, its part of a machine of type large in e"},
    {"nobody knows how long",
     "environment e kwok max=8 types=large:4:16Gi:3.60\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 memory=1Gi\n"
     "at 1s\n"
     "explain a\n",
     "not known: nobody knows how long it runs: it has no timeout, and none like it has ended yet"},
    {"a type without a price beside one that has one",
     "environment e kwok max=8 types=large:4:16Gi:3.60,odd:1:64Gi\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 memory=32Gi timeout=100s\n"
     "at 1s\n"
     "explain a\n",
     "not known: instance type odd of e has no price"},
    {"nothing has a price",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=1\n"
     "job a queue=q cpu=2 timeout=100s\n"
     "at 1s\n"
     "explain a\n",
     ""},
    {"nodes that are there anyway come first",
     "environment s static\n"
     "environment e kwok max=8 types=large:4:16Gi:3.60\n"
     "queue q envs=s,e\n"
     "node n1 env=s cpu=2 memory=4Gi\n"
     "job a queue=q cpu=2 memory=1Gi timeout=100s\n"
     "at 1s\n"
     "explain a\n",
     "0.000000: the nodes of s have no price"},
    {"each part of a multi-node job has its machine alone",
     "environment e kwok max=8 types=large:4:16Gi:3.60\n"
     "queue q envs=e\n"
     "job a queue=q cpu=1 memory=1Gi nodes=2 timeout=100s\n"
     "at 1s\n"
     "explain a\n",
     "0.200000: at most 100 s, by its timeout, at 7.200000 an hour, the price of all its machines, of type large in e"},
    {"more than any environment has",
     "environment e kwok max=8 types=large:4:16Gi:3.60\n"
     "queue q envs=e\n"
     "job a queue=q cpu=5 memory=1Gi timeout=100s\n"
     "at 1s\n"
     "explain a\n",
     "not known: no compute environment could take it now"},
    /* clang-format on */
};

TEST(cost_to_come)
{
    static const char words[] = "cost to come: ";
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(world) world = world_new(0);
        world_run(world, rows[i].given);
        const char *found = strstr(world_log(world), words);
        const char *at = found != NULL ? found + strlen(words) : "";
        AUTO_TEXT line = text_printf("%.*s", (int)strcspn(at, "\n"), at);
        CHECK_TEXT(rows[i].name, line, rows[i].want);
    }
}

static const struct world_row queues[] = {
    /* clang-format off */
    {"of a queue: what waits and what runs; what waits for others is not known; over a restart the same",
     "environment e kwok max=4 types=large:4:16Gi:3.60 delay=1m\n"
     "queue q envs=e\n"
     "job a queue=q cpu=4 memory=1Gi timeout=100s runs=20s\n"
     "job b queue=q cpu=4 memory=1Gi timeout=100s runs=20s\n"
     "job c queue=q cpu=1 memory=1Gi timeout=100s after=b runs=20s\n"
     "at 25s\n"
     "restart\n"
     "at 200s\n",
     "5s q is to cost 200000 millionths more since 5s, and 1 jobs\n"
     "10s q is to cost 200000 millionths more since 5s, and 1 jobs\n"
     "11s q is to cost 200000 millionths more since 5s, and 1 jobs\n"
     "20s q is to cost 200000 millionths more since 5s, and 1 jobs\n"
     "25s q is to cost 200000 millionths more since 5s, and 1 jobs\n"
     "30s q is to cost 100000 millionths more since 30s, and 1 jobs\n"
     "31s q is to cost 100000 millionths more since 30s, and 1 jobs\n"
     "50s q is to cost 100000 millionths more since 30s, and 1 jobs\n"
     "51s q is to cost 100000 millionths more since 30s, and 1 jobs\n"
     "60s q is to cost 25000 millionths more since 60s, and 0 jobs\n"},
    {"what a dead process tells late of jobs that have ended is not told again",
     "environment e kwok max=4 types=large:4:16Gi:3.60 delay=1m\n"
     "queue q envs=e\n"
     "at 25s\n"
     "restart\n"
     "queue q awaits=1\n"
     "at 200s\n",
     ""},
    /* clang-format on */
};

TEST(cost_to_come_of_a_queue)
{
    for (size_t i = 0; i < ARRAY_LEN(queues); i++) {
        AUTO(world) world = world_new(SHOW_FRONT);
        AUTO_STR told = STR_EMPTY;
        world_run(world, queues[i].given);
        for (const char *at = world_log(world); *at != '\0';) {
            int length = (int)strcspn(at, "\n");
            AUTO_TEXT line = text_printf("%.*s\n", length, at);
            if (strstr(line, " is to cost ") != NULL)
                str_add(&told, line);
            at += length + (at[length] != '\0');
        }
        CHECK_TEXT(queues[i].name, str_text(&told), queues[i].want);
    }
}
