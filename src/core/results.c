/* SPDX-License-Identifier: Apache-2.0 */
/* results.c - what jobs leave to those who depend on them
 *
 * A result is kept with the outcome that it came with, in the same status: before that is durable
 * the pod, which still has it, is not let go. It is kept for as long as the job is: somebody who
 * depends on it may come at any time. */
#include "results.h"
#include "inputs.h"

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

void result_inherit(struct core_job *job, uint32_t index, const struct core_job *from)
{
    const struct core_result *result = results_find(from->results, index);
    result_keep(job, index, result != NULL ? result->text : NULL);
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

const char *result_of_child(const struct core_job *job, uint32_t index)
{
    const struct core_result *result = results_find(job->results, index);
    if (!job->array)
        return job->result;
    return result != NULL ? result->text : NULL;
}

int64_t results_left_out(const struct core_job *job)
{
    return job->results != NULL ? job->results->left_out : 0;
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

/* ------------------------------------------------------------------- references */

void references_load(struct core_job *job)
{
    job->values = job->spec->status.references;
    job->spec->status.references = (struct key_values){NULL, 0};
    if (job->ended)
        key_values_done(&job->values);
}

bool references_read(struct core_job *job)
{
    const struct pod_template *template_ = job->template_;
    const struct node_properties *nodes = job->nodes;
    if (job->ended || template_ == NULL || template_->json == NULL ||
        (job->references_known && job->references_hash == template_->hash))
        return false;
    struct err err = {0};
    const struct job_definition *definition =
        job->definition != NULL && !job->spec->has_template ? job->definition->spec : NULL;
    references_forget(job);
    job->references_known = true;
    job->references_hash = template_->hash;
    int found = references_find_size(job->spec, &job->references, &err);
    if (found == 0)
        found = references_find(job->spec, definition, template_, &job->references, &err);
    for (size_t i = 0; nodes != NULL && i < nodes->range_count && found == 0; i++)
        found = references_find(job->spec, definition, &nodes->ranges[i].template_,
                                &job->references, &err);
    if (found < 0)
        job->bad_reference = text_copy(err.text);
    inputs_begin(job);
    return true;
}

/* A later version of a job whose status was read before: what it says here the job knows. */
void references_seen(struct batch_job *spec)
{
    text_set(&spec->status.result, NULL);
    key_values_done(&spec->status.references);
}

bool references_ready(const struct core_job *job)
{
    if (!job->sized)
        return false;
    return job->values_sequence == 0 || job->values_sequence <= job->written_sequence;
}

void references_written(struct core *core, struct core_job *job)
{
    if (job->values_sequence == 0 || !references_ready(job))
        return;
    job->values_sequence = 0;
    depend_look_all(core, job);
}

static void bad_result(struct core_job *job, const struct reference *reference, const char *why)
{
    if (job->bad_reference == NULL)
        job->bad_reference = text_printf(REFERENCE_MARK "%s: %s", reference->text, why);
    job->bad_result = true;
}

static size_t values_bytes(const struct key_values *values)
{
    size_t bytes = 0;
    for (size_t i = 0; i < values->count; i++)
        bytes += strlen(values->items[i].value);
    return bytes;
}

static void take_value(struct core_job *job, const struct reference *reference,
                       const struct core_dependency *dependency)
{
    const struct core_job *on = dependency->on;
    struct err err = {0};
    AUTO_TEXT value = NULL;
    AUTO_TEXT why = NULL;
    if (on == NULL) {
        why = text_printf("%s was deleted", dependency->name);
    } else if (on->array) {
        why = text_printf("%s is an array: expected a single job, whose result it is",
                          dependency->name);
    } else if (on->result == NULL) {
        why = text_printf("%s left no result: expected a termination message of a container that "
                          "succeeded",
                          dependency->name);
    } else if (reference_value(on->result, reference->path, &value, &err) < 0) {
        why = text_printf("the result of %s %s", dependency->name, err.text);
    } else if (values_bytes(&job->values) + strlen(value) > REFERENCE_VALUES_BYTES_MAX) {
        why = text_printf("the results that this job uses take more than %d bytes",
                          REFERENCE_VALUES_BYTES_MAX);
    }
    if (why != NULL)
        bad_result(job, reference, why);
    else
        key_values_set(&job->values, reference->text, value);
}

bool references_take(struct core *core, struct core_dependency *dependency)
{
    struct core_job *job = dependency->job;
    const struct core_job *on = dependency->on;
    if (job->ended)
        return true;
    if (!job->references_known) /* what has a result is kept until it is known who wants it */
        return on == NULL || (on->result == NULL && on->results == NULL);
    if (dependency->type == DEPENDENCY_N_TO_N)
        return on == NULL || inputs_complete(dependency); /* nothing more comes of who is gone */
    size_t count = job->values.count;
    for (size_t i = 0; i < job->references.count; i++) {
        const struct reference *reference = &job->references.items[i];
        if (&job->dependencies[reference->dependency] == dependency &&
            key_values_get(&job->values, reference->text) == NULL)
            take_value(job, reference, dependency);
    }
    if (job->values.count > count) {
        job_changed(core, job, 0);
        job->values_sequence = job->sequence;
    }
    return true;
}

/* A dependency was met when it was not known yet that it is used. */
static void find_lost(struct core_job *job)
{
    for (size_t i = 0; i < job->references.count && job->bad_reference == NULL; i++) {
        const struct reference *reference = &job->references.items[i];
        const struct core_dependency *dependency = &job->dependencies[reference->dependency];
        if (dependency->outcome == DEPENDENCY_SATISFIED && dependency->type != DEPENDENCY_N_TO_N &&
            key_values_get(&job->values, reference->text) == NULL) {
            AUTO_TEXT why = text_printf(
                "%s left no result, or was deleted before it was known that this job uses it",
                dependency->name);
            bad_result(job, reference, why);
        }
    }
}

bool references_fail(struct core *core, struct core_job *job)
{
    if (!job->ended)
        find_lost(job);
    if (job->ended || job->bad_reference == NULL)
        return false;
    job_fail_waiting(core, job, job->bad_result ? "ResultUnusable" : "InvalidReference",
                     job->bad_reference);
    return true;
}

/* ---------------------------------------------------------------- computed sizes */

void results_read_size(struct core_job *job)
{
    const struct batch_job *spec = job->spec;
    job->sized = spec->size_from == NULL && spec->invalid == NULL;
    if (job->sized || spec->invalid != NULL || !spec->has_status || spec->status.array.size == 0)
        return;
    job->array = job->sized = true;
    job->size = spec->status.array.size;
}

/* Until here it was kept as a single job that waits. */
static void become_array(struct core *core, struct core_job *job, uint32_t size)
{
    uint8_t phase = job->children[0].phase;
    job_uncount(core, job);
    free(job->children);
    job->children = mem_new((size_t)size * sizeof(*job->children));
    for (uint32_t i = 0; i < size; i++)
        job->children[i].phase = phase;
    job->size = size;
    job->array = job->sized = true;
    records_new(job);
    job_count_new(core, job);
    if (job->admitted)
        job->phase = JOB_PENDING;
    job_changed(core, job, 0);
    job->values_sequence = job->sequence;
    job->requests_seen = 0; /* those that name children can be read now */
    requests_read(job);
    requests_stop(core, job, 0);
    if (!job->ended)
        depend_sized(core, job);
}

static void become_empty(struct core *core, struct core_job *job)
{
    AUTO_TEXT words = text_printf("%s is 0: there is nothing to run", job->spec->size_from);
    child_move(core, job, 0, ON_SUCCEED);
    job_end(core, job, JOB_SUCCEEDED, "Succeeded", words);
}

void references_size(struct core *core, struct core_job *job)
{
    enum { DIGITS_MAX = 7 };
    const char *size_from = job->spec->size_from;
    if (job->sized || job->ended)
        return;
    const char *value = key_values_get(&job->values, size_from + strlen(REFERENCE_MARK));
    if (value == NULL)
        return;
    size_t digits = strspn(value, "0123456789");
    int64_t size = strtoll(value, NULL, 10);
    if (digits == 0 || digits > DIGITS_MAX || value[digits] != '\0' || size > JOB_ARRAY_SIZE_MAX) {
        AUTO_TEXT words =
            text_printf("spec.arrayProperties.sizeFrom: %s is %.64s, expected a whole number 0..%d",
                        size_from, value, JOB_ARRAY_SIZE_MAX);
        job_fail_waiting(core, job, "ResultUnusable", words);
    } else if (size == 0) {
        become_empty(core, job);
    } else {
        become_array(core, job, (uint32_t)size);
    }
}

uint32_t results_array_size(const struct core_job *job)
{
    return job->spec->size_from != NULL && job->array ? job->size : 0;
}

void references_forget(struct core_job *job)
{
    references_done(&job->references);
    text_set(&job->bad_reference, NULL);
    job->references_known = job->bad_result = false;
}

void results_done(struct core_job *job)
{
    references_forget(job);
    key_values_done(&job->values);
    job->results = results_free(job->results);
    inputs_done(job);
    text_set(&job->result, NULL);
}
