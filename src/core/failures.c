/* SPDX-License-Identifier: Apache-2.0 */
/* failures.c - why children of an array failed, counted by reason
 *
 * A group is what failed attempts have in common: statusReason, reason and exit code. It counts the
 * attempts that ended so, and the children that failed for good so. The counts are exact because
 * they are written in the same object as the children's own records (job_status_plan), and read
 * back from the one that those are read from (load.c): a pod whose end is in the records is never
 * counted again, one whose end is not will be. There are at most JOB_FAILURE_GROUPS_MAX groups;
 * what comes later counts as other. The indexes of a group are for the eye: the lowest of them. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

enum { RANGES_MAX = 64, INDEXES_TEXT_MAX = 256, WORDS_MAX = 256 };

/* Long words are cut, so that a message with a different tail each time is one group. */
static char *words_cut(const char *words)
{
    return words != NULL && words[0] != '\0' ? text_copy_max(words, WORDS_MAX) : NULL;
}

static bool group_is(const struct core_failure *group, const struct failure_words *words)
{
    return group->exit_code.set == words->exit_code.set &&
           (!words->exit_code.set || group->exit_code.value == words->exit_code.value) &&
           text_eq(group->status_reason, words->status_reason) &&
           text_eq(group->reason, words->reason);
}

/* NULL: there are as many groups as there may be. */
static struct core_failure *group_of(struct core_job *job, const struct failure_words *given)
{
    AUTO_TEXT status_reason = words_cut(given->status_reason);
    AUTO_TEXT reason = words_cut(given->reason);
    struct failure_words words = {status_reason, reason, given->exit_code};
    for (size_t i = 0; i < job->failure_count; i++) {
        if (group_is(&job->failures[i], &words))
            return &job->failures[i];
    }
    if (job->failures == NULL)
        job->failures = mem_new(JOB_FAILURE_GROUPS_MAX * sizeof(*job->failures));
    if (job->failure_count == JOB_FAILURE_GROUPS_MAX)
        return NULL;
    struct core_failure *group = &job->failures[job->failure_count++];
    *group = (struct core_failure){.status_reason = STEAL(status_reason),
                                   .reason = STEAL(reason),
                                   .exit_code = given->exit_code};
    return group;
}

/* The child's attempts count this one already. */
void failures_attempt(struct core_job *job, uint32_t index, const struct failure_words *words)
{
    records_end(job, index, job->children[index].attempts - 1U, words);
    struct core_failure *group = job->array ? group_of(job, words) : NULL;
    if (group != NULL)
        group->attempts++;
    else
        job->other_attempts++;
}

void failures_child(struct core_job *job, uint32_t index, const struct failure_words *words,
                    bool attempted)
{
    if (!attempted)
        records_end(job, index, job->children[index].attempts, words);
    struct core_failure *group = job->array ? group_of(job, words) : NULL;
    if (group == NULL) {
        job->other_children++;
        return;
    }
    group->children++;
    lowest_add(&group->indexes, index, RANGES_MAX);
}

/* ---- as status has them ---- */

void failures_fill(struct arena *arena, const struct core_job *job, struct array_status *ret_array)
{
    ret_array->other_attempts = job->other_attempts;
    ret_array->other_children = job->other_children;
    ret_array->failure_count = job->failure_count;
    ret_array->failures =
        arena_alloc(arena, (job->failure_count + 1) * sizeof(struct array_failure));
    for (size_t i = 0; i < job->failure_count; i++) {
        const struct core_failure *group = &job->failures[i];
        ret_array->failures[i] = (struct array_failure){
            .status_reason = arena_copy(arena, group->status_reason),
            .reason = arena_copy(arena, group->reason),
            .exit_code = group->exit_code,
            .attempts = group->attempts,
            .children = group->children,
            .indexes = lowest_text(arena, &group->indexes, INDEXES_TEXT_MAX),
        };
    }
}

void failures_load(struct core_job *job, const struct array_status *array)
{
    failures_done(job);
    job->other_attempts = array->other_attempts;
    job->other_children = array->other_children;
    for (size_t i = 0; i < array->failure_count && i < JOB_FAILURE_GROUPS_MAX; i++) {
        const struct array_failure *from = &array->failures[i];
        struct core_failure *group = group_of(
            job, &(struct failure_words){from->status_reason, from->reason, from->exit_code});
        group->attempts += from->attempts;
        group->children += from->children;
        lowest_load(&group->indexes, from->indexes, job->size);
    }
}

void failures_done(struct core_job *job)
{
    for (size_t i = 0; i < job->failure_count; i++) {
        free(job->failures[i].status_reason);
        free(job->failures[i].reason);
        ranges_done(&job->failures[i].indexes.ranges);
    }
    free(job->failures);
    job->failures = NULL;
    job->failure_count = 0;
    job->other_attempts = job->other_children = 0;
}
