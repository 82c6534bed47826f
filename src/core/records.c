/* SPDX-License-Identifier: Apache-2.0 */
/* records.c - what is durable of an array's children, kept in the form in which it is written
 *
 * A status of an array is written again and again while one child after another ends. So what is
 * written is not gathered from all children each time, but kept in step: whoever changes what is
 * durable of a child (its end, its attempts, its refusals) calls records_child. core_check compares
 * them with the children. */
#include "inputs.h"
#include "results.h"

#include <stdlib.h>
#include <string.h>

enum { FAILED_RANGES_MAX = 512, FAILED_INDEXES_MAX = 1024 };
static const char cut_mark[] = ",...";

/* ---- the lowest indexes of a set ---- */

void lowest_add(struct lowest *lowest, uint32_t index, size_t ranges_max)
{
    if (lowest->cut && index >= lowest->end)
        return;
    ranges_add(&lowest->ranges, index, index + 1);
    if (lowest->ranges.count <= ranges_max)
        return;
    const struct range *last = ranges_at(&lowest->ranges, lowest->ranges.count - 1);
    lowest->cut = true;
    lowest->end = last->first;
    lowest->ranges.total -= last->end - last->first;
    lowest->ranges.count--;
}

char *lowest_text(struct arena *arena, const struct lowest *lowest, size_t size_max)
{
    AUTO_STR text = STR_EMPTY;
    ranges_print(&lowest->ranges, &text, size_max);
    const char *end =
        text.size >= strlen(cut_mark) ? str_text(&text) + text.size - strlen(cut_mark) : "";
    if (lowest->cut && strcmp(end, cut_mark) != 0)
        str_add(&text, cut_mark);
    return text.size > 0 ? arena_copy(arena, str_text(&text)) : NULL;
}

void lowest_load(struct lowest *lowest, const char *from, uint32_t size)
{
    AUTO_TEXT text = text_copy(from != NULL ? from : "");
    char *cut = strstr(text, cut_mark);
    struct err err = {0};
    if (cut != NULL)
        *cut = '\0';
    /* Damaged: the counts are what matters, the indexes begin anew. */
    lowest->cut = ranges_parse(text, size, &lowest->ranges, &err) < 0 || cut != NULL;
    size_t count = lowest->ranges.count;
    lowest->end = !lowest->cut ? 0 : count > 0 ? ranges_at(&lowest->ranges, count - 1)->end : size;
}

/* ---- records ---- */

static struct child_record record_of(const struct child *child)
{
    return (struct child_record){
        .outcome = child->phase == JOB_SUCCEEDED ? CHILD_SUCCEEDED
                   : child->phase == JOB_FAILED  ? CHILD_FAILED
                                                 : CHILD_WAITING,
        .attempts = child->attempts,
    };
}

static bool same(struct child_record a, struct child_record b)
{
    return a.outcome == b.outcome && a.attempts == b.attempts;
}

/* They are for the names of later pods: nobody asks for those of a child that has ended. */
static uint8_t refusals_of(const struct child *child)
{
    return child->phase < JOB_SUCCEEDED ? child->refusals : 0;
}

/* Of the runs of equal neighbours, those that begin at the child or right behind it. */
static int64_t runs_at(const struct core_job *job, uint32_t i)
{
    const struct child_record *items = job->records.items;
    return (i > 0 && !same(items[i - 1], items[i])) +
           (i + 1 < job->size && !same(items[i], items[i + 1]));
}

void records_child(struct core_job *job, uint32_t index)
{
    struct core_records *records = &job->records;
    if (records->items == NULL)
        return;
    const struct child *child = &job->children[index];
    struct child_record now = record_of(child);
    uint8_t refusals = refusals_of(child);
    records->refused += (refusals > 0) - (records->refusals[index] > 0);
    records->refusals[index] = refusals;
    if (same(records->items[index], now))
        return;
    if (now.outcome == CHILD_FAILED && records->items[index].outcome != CHILD_FAILED)
        lowest_add(&records->failed, index, FAILED_RANGES_MAX);
    records->runs -= runs_at(job, index);
    records->items[index] = now;
    records->runs += runs_at(job, index);
}

void records_new(struct core_job *job)
{
    if (!job->array)
        return;
    struct core_records *records = &job->records;
    records->items = mem_new((size_t)job->size * sizeof(*records->items));
    records->refusals = mem_new(job->size);
    records->runs = 1;
}

void records_done(struct core_job *job)
{
    free(job->records.items);
    free(job->records.refusals);
    ranges_done(&job->records.failed.ranges);
    array_history_free(job->records.history);
    job->records = (struct core_records){0};
}

/* ---- history ---- */

void records_end(struct core_job *job, uint32_t index, unsigned before,
                 const struct failure_words *words)
{
    struct core_records *records = &job->records;
    if (records->items == NULL)
        return;
    if (records->history == NULL)
        records->history = array_history_new(job->size);
    array_history_add(records->history, index, before,
                      &(struct history_end){.told = true,
                                            .status_reason = words->status_reason,
                                            .reason = words->reason,
                                            .exit_code = words->exit_code});
}

/* After the children have been loaded. */
void records_load(struct core_job *job, const char *history)
{
    struct err err = {0};
    for (uint32_t i = 0; job->records.items != NULL && i < job->size; i++)
        records_child(job, i);
    if (job->records.items != NULL && !job->ended)
        (void)array_history_unpack(history, job->records.items, job->size, &job->records.history,
                                   &err); /* damaged: what it told is left out */
}

/* ---- what is written ---- */

/* About what it packs to; how much that was is known once it has been written. */
int64_t records_bytes(const struct core_job *job)
{
    int64_t runs = job->records.runs;
    int64_t bytes = runs * 8 < job->size ? runs * 8 : job->size;
    int64_t history = job->records.history != NULL ? job->size / 8 : 0;
    return bytes + (history < HISTORY_TEXT_MAX ? history : HISTORY_TEXT_MAX) +
           (int64_t)(results_bytes(job) + inputs_bytes(job));
}

/* Of the few nodes of a gang, whose records go forth and back. */
static void gather(struct core *core, const struct core_job *job, struct action *action)
{
    struct child_record *items = arena_alloc(core->arena, job->size * sizeof(*items));
    uint8_t *refusals = arena_alloc(core->arena, job->size);
    for (uint32_t i = 0; i < job->size; i++) {
        items[i] = record_of(&job->children[i]);
        refusals[i] = job->children[i].refusals;
    }
    action->children = items;
    action->refusals = refusals;
}

void records_fill(struct core *core, const struct core_job *job, struct action *action,
                  struct array_status *ret_array)
{
    const struct core_records *records = &job->records;
    ret_array->size = job->size;
    memcpy(ret_array->counts, job->counts, sizeof(ret_array->counts));
    ret_array->failed_indexes = lowest_text(core->arena, &records->failed, FAILED_INDEXES_MAX);
    failures_fill(core->arena, job, ret_array);
    results_fill(core->arena, job, ret_array);
    inputs_fill(core->arena, job, ret_array);
    if (records->items == NULL) {
        gather(core, job, action);
        return;
    }
    action->children = records->items;
    action->refusals = records->refused > 0 ? records->refusals : NULL;
    action->history = records->history;
}

char *records_check(const struct core_job *job)
{
    const struct core_records *records = &job->records;
    int64_t runs = 1, refused = 0;
    if (records->items == NULL)
        return NULL;
    for (uint32_t i = 0; i < job->size; i++) {
        const struct child *child = &job->children[i];
        runs += i > 0 && !same(records->items[i - 1], records->items[i]);
        refused += refusals_of(child) > 0;
        if (!same(records->items[i], record_of(child)) ||
            records->refusals[i] != refusals_of(child))
            return text_printf("job %s child %u: its record is not what it is", job->key, i);
        if (child->phase == JOB_FAILED && !ranges_has(&records->failed.ranges, i) &&
            !(records->failed.cut && i >= records->failed.end))
            return text_printf("job %s child %u: it failed and is not among these", job->key, i);
    }
    if (runs != records->runs || refused != records->refused)
        return text_printf("job %s: the sums of its records are wrong", job->key);
    return NULL;
}
