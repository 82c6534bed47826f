/* SPDX-License-Identifier: Apache-2.0 */
/* results.c - what jobs leave to those who depend on them
 *
 * A result is kept with the outcome that it came with, in the same status: before that is durable
 * the pod, which still has it, is not let go. It is kept for as long as the job is: somebody who
 * depends on it may come at any time. */
#include "internal.h"

#include "bulkhead/api/result.h"

#include <stdlib.h>
#include <string.h>

struct core_result {
    struct tree_node node; /* in results->by_index */
    uint32_t index;
    size_t bytes; /* of its line */
    char *text;
};

struct core_results {
    struct tree by_index;
    size_t bytes;
    int64_t left_out; /* did not fit any more */
};

static struct core_result *result_of(const struct tree_node *node)
{
    return node != NULL ? CONTAINER_OF(node, struct core_result, node) : NULL;
}

static int compare_results(const struct tree_node *a, const struct tree_node *b)
{
    uint32_t left = CONTAINER_OF(a, const struct core_result, node)->index;
    uint32_t right = CONTAINER_OF(b, const struct core_result, node)->index;
    return left < right ? -1 : left > right;
}

static struct core_results *results_make(struct core_results **field)
{
    if (*field == NULL) {
        *field = mem_new(sizeof(**field));
        (*field)->by_index.compare = compare_results;
    }
    return *field;
}

static struct core_result *results_find(const struct core_results *results, uint32_t index)
{
    const struct tree_node *node = results != NULL ? results->by_index.root : NULL;
    while (node != NULL) {
        struct core_result *result = CONTAINER_OF(node, struct core_result, node);
        if (result->index == index)
            return result;
        node = index < result->index ? node->left : node->right;
    }
    return NULL;
}

/* False: it does not fit. */
static bool results_add(struct core_results *results, uint32_t index, const char *text,
                        size_t bytes_max)
{
    size_t bytes = result_line_bytes(index, text);
    if (results_find(results, index) != NULL)
        return true;
    if (results->bytes + bytes > bytes_max)
        return false;
    struct core_result *result = mem_new(sizeof(*result));
    *result = (struct core_result){.index = index, .bytes = bytes, .text = text_copy(text)};
    results->bytes += bytes;
    tree_insert(&results->by_index, &result->node);
    return true;
}

static struct core_results *results_free(struct core_results *results)
{
    struct tree_node *node;
    while (results != NULL && (node = tree_first(&results->by_index)) != NULL) {
        struct core_result *result = result_of(node);
        tree_remove(&results->by_index, node);
        free(result->text);
        free(result);
    }
    free(results);
    return NULL;
}

/* ---------------------------------------------------------------------- keeping */

void result_keep(struct core_job *job, uint32_t index, const char *text)
{
    if (job->gang && index != job->main_node)
        return; /* the main node speaks for all */
    if (text == NULL)
        return;
    if (!job->array) {
        text_set(&job->result, text);
        return;
    }
    struct core_results *results = results_make(&job->results);
    if (!results_add(results, index, text, results_bytes_max(job->size)))
        results->left_out++;
}

void results_fill(struct arena *arena, const struct core_job *job, struct array_status *ret_array)
{
    if (job->results == NULL)
        return;
    AUTO_STR lines = STR_EMPTY;
    for (const struct tree_node *node = tree_first(&job->results->by_index); node != NULL;
         node = tree_next(node)) {
        const struct core_result *result = CONTAINER_OF(node, const struct core_result, node);
        result_line_add(&lines, result->index, result->text);
    }
    ret_array->results = lines.size > 0 ? arena_copy(arena, str_text(&lines)) : NULL;
    ret_array->results_left_out = job->results->left_out;
}

size_t results_bytes(const struct core_job *job)
{
    return job->results != NULL ? job->results->bytes : 0;
}

void results_load(struct core_job *job, const struct array_status *array)
{
    const char *cursor = array->results;
    uint32_t index;
    char *text;
    while (cursor != NULL && result_line_next(&cursor, &index, &text)) {
        if (index < job->size)
            results_add(results_make(&job->results), index, text, RESULTS_BYTES_MAX);
        free(text);
    }
    if (array->results_left_out > 0)
        results_make(&job->results)->left_out = array->results_left_out;
}

void results_done(struct core_job *job)
{
    job->results = results_free(job->results);
    text_set(&job->result, NULL);
}
