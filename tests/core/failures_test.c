/* SPDX-License-Identifier: Apache-2.0 */
/* failures_test.c - failures counted by reason: bounded, exact, and the same after a new start */
#include "check.h"

#include "src/core/internal.h"

#include <string.h>

static int64_t children_of(const struct array_status *array)
{
    int64_t sum = array->other_children;
    for (size_t i = 0; i < array->failure_count; i++)
        sum += array->failures[i].children;
    return sum;
}

TEST(failures_by_reason)
{
    struct child children[1000] = {0};
    struct core_job job = {.array = true, .size = 1000, .children = children},
                    again = {.array = true, .size = 1000};
    struct failure_words exit = {.status_reason = "Essential container in task exited"};
    for (uint32_t i = 0; i < 1000;
         i += 2) { /* 250 children with exit code 1, ten each with others */
        exit.exit_code = OPT_I64(i < 500 ? 1 : 2 + (int64_t)i % 50 / 2);
        job.children[i].attempts = 1;
        failures_attempt(&job, i, &exit);
        job.children[i].attempts = 2;
        failures_attempt(&job, i, &exit);
        failures_child(&job, i, &exit, true);
    }
    struct arena *arena = arena_new(0);
    struct array_status status = {.size = 1000}, loaded = {.size = 1000};
    failures_fill(arena, &job, &status);
    CHECK_INT("groups", (int64_t)status.failure_count, JOB_FAILURE_GROUPS_MAX);
    CHECK_INT("first", status.failures[0].children, 250);
    CHECK_INT("first's attempts", status.failures[0].attempts, 500);
    CHECK_INT("exact", children_of(&status), 500);
    CHECK_INT("other", status.other_children, 60);
    CHECK_INT("other attempts", status.other_attempts, 120);
    CHECK_TRUE("the lowest indexes", text_starts(status.failures[0].indexes, "0,2,4,6,8,"));
    CHECK_TRUE("bounded", strlen(status.failures[0].indexes) <= 260);

    failures_load(&again, &status);
    failures_fill(arena, &again, &loaded);
    CHECK_INT("groups again", (int64_t)loaded.failure_count, JOB_FAILURE_GROUPS_MAX);
    CHECK_INT("exact again", children_of(&loaded), 500);
    for (size_t i = 0; i < loaded.failure_count; i++) {
        CHECK_TEXT("words", loaded.failures[i].status_reason, status.failures[i].status_reason);
        CHECK_INT("code", loaded.failures[i].exit_code.value, status.failures[i].exit_code.value);
        CHECK_INT("attempts", loaded.failures[i].attempts, status.failures[i].attempts);
        CHECK_TEXT("indexes", loaded.failures[i].indexes, status.failures[i].indexes);
    }
    failures_done(&job);
    failures_done(&again);
    arena_free(arena);
}
