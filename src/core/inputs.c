/* SPDX-License-Identifier: Apache-2.0 */
/* inputs.c - what the children of an array use of their own ones elsewhere
 *
 * A reference to a job that is an N_TO_N dependency means, for child i, the result of its child i.
 * As soon as all own ones of a child have ended as it wants, what it uses of them is copied, and
 * the child becomes runnable once that is durable: a retry, a new start and the deletion of a
 * dependency change nothing of what it gets. It is forgotten with the write that tells the child's
 * end.
 *
 * There is room for INPUTS_BYTES_MAX at a time. A child that finds none waits for others to end;
 * room is never held by a child whose own ones have not all ended, so this comes to an end. A job
 * is needed, and its outcome not recorded, for as long as a child has not got what it uses of it.
 */
#include "inputs.h"
#include "results.h"

#include "bulkhead/api/result.h"

#include <stdlib.h>
#include <string.h>

struct core_input {
    struct tree_node node; /* in inputs->by_index */
    uint32_t index;
    size_t bytes;                   /* of its line */
    uint64_t sequence;              /* durable once this status is; 0: it is */
    struct core_input *prev, *next; /* of those that are not, in order of their sequences */
    char *values;                   /* as its line has them, see input_value */
};

struct core_inputs {
    struct tree by_index;
    size_t bytes; /* of all lines but the first */
    char *head;   /* the first: what the values are of */
    bool known;   /* that is as the template has it */
    bool complete, starved;
    struct core_input *fresh_first, *fresh_last;
};

static struct core_input *input_of(const struct tree_node *node)
{
    return node != NULL ? CONTAINER_OF(node, struct core_input, node) : NULL;
}

static int compare_inputs(const struct tree_node *a, const struct tree_node *b)
{
    uint32_t left = CONTAINER_OF(a, const struct core_input, node)->index;
    uint32_t right = CONTAINER_OF(b, const struct core_input, node)->index;
    return left < right ? -1 : left > right;
}

static struct core_input *find(const struct core_inputs *inputs, uint32_t index)
{
    struct tree_node *node = inputs->by_index.root;
    while (node != NULL) {
        struct core_input *input = input_of(node);
        if (input->index == index)
            return input;
        node = index < input->index ? node->left : node->right;
    }
    return NULL;
}

static struct core_input *add(struct core_inputs *inputs, uint32_t index, char *take_values,
                              size_t bytes)
{
    struct core_input *input = mem_new(sizeof(*input));
    *input = (struct core_input){.index = index, .bytes = bytes, .values = take_values};
    inputs->bytes += bytes;
    tree_insert(&inputs->by_index, &input->node);
    return input;
}

static void fresh_add(struct core_inputs *inputs, struct core_input *input, uint64_t sequence)
{
    input->sequence = sequence;
    input->prev = inputs->fresh_last;
    if (inputs->fresh_last != NULL)
        inputs->fresh_last->next = input;
    else
        inputs->fresh_first = input;
    inputs->fresh_last = input;
}

static void fresh_remove(struct core_inputs *inputs, struct core_input *input)
{
    if (input->sequence == 0)
        return;
    if (input->prev != NULL)
        input->prev->next = input->next;
    else
        inputs->fresh_first = input->next;
    if (input->next != NULL)
        input->next->prev = input->prev;
    else
        inputs->fresh_last = input->prev;
    input->prev = input->next = NULL;
    input->sequence = 0;
}

static void drop(struct core_inputs *inputs, struct core_input *input)
{
    fresh_remove(inputs, input);
    tree_remove(&inputs->by_index, &input->node);
    inputs->bytes -= input->bytes;
    free(input->values);
    free(input);
}

static void drop_all(struct core_inputs *inputs)
{
    struct tree_node *node;
    while ((node = tree_first(&inputs->by_index)) != NULL)
        drop(inputs, input_of(node));
}

static struct core_inputs *make(struct core_job *job)
{
    if (job->inputs == NULL) {
        job->inputs = mem_new(sizeof(*job->inputs));
        job->inputs->by_index.compare = compare_inputs;
    }
    return job->inputs;
}

void inputs_done(struct core_job *job)
{
    if (job->inputs == NULL)
        return;
    drop_all(job->inputs);
    free(job->inputs->head);
    free(job->inputs);
    job->inputs = NULL;
}

/* ---------------------------------------------------------------- what is used */

static const struct core_dependency *own_one(const struct core_job *job,
                                             const struct reference *reference)
{
    const struct core_dependency *dependency = &job->dependencies[reference->dependency];
    return dependency->type == DEPENDENCY_N_TO_N ? dependency : NULL;
}

void inputs_begin(struct core_job *job)
{
    AUTO_STR head = STR_EMPTY;
    for (size_t i = 0; i < job->references.count; i++) {
        const struct reference *reference = &job->references.items[i];
        if (own_one(job, reference) != NULL)
            str_addf(&head, "%s%s", head.size > 0 ? "\t" : "", reference->text);
    }
    if (head.size == 0) {
        inputs_done(job);
        return;
    }
    struct core_inputs *inputs = make(job);
    if (inputs->head != NULL && strcmp(inputs->head, str_text(&head)) != 0) {
        drop_all(inputs); /* of another template, or by a program that reads templates otherwise */
        inputs->complete = false;
    }
    text_set(&inputs->head, str_text(&head));
    inputs->known = true;
}

void inputs_load(struct core_job *job, const char *text)
{
    const char *newline = text != NULL ? strchr(text, '\n') : NULL;
    if (job->ended || newline == NULL)
        return;
    AUTO_TEXT head = text_copy_n(text, (size_t)(newline - text));
    struct core_inputs *inputs = make(job);
    if (inputs->known && strcmp(inputs->head, head) != 0)
        return;
    text_set(&inputs->head, head);
    const char *cursor = newline + 1;
    const char *line = cursor;
    uint32_t index;
    char *values;
    for (; input_line_next(&cursor, &index, &values); line = cursor) {
        if (index < job->size && job->children[index].phase < JOB_SUCCEEDED &&
            find(inputs, index) == NULL)
            add(inputs, index, values, (size_t)(cursor - line));
        else
            free(values);
    }
}

/* The result of its own one; NULL: why not goes into *ret_why. */
static char *value_of(const struct core_job *job, const struct reference *reference, uint32_t index,
                      char **ret_why)
{
    const struct core_dependency *dependency = own_one(job, reference);
    const struct core_job *on = dependency->on;
    const char *result = on != NULL ? result_of_child(on, index) : NULL;
    struct err err = {0};
    char *value = NULL;
    if (on == NULL)
        *ret_why = text_printf(REFERENCE_MARK "%s: %s was deleted, and left its child no result",
                               reference->text, dependency->name);
    else if (result == NULL && results_left_out(on) > 0)
        *ret_why = text_printf(REFERENCE_MARK "%s: its child of %s left no result, or one that did "
                                              "not fit any more (status.arrayProperties."
                                              "resultsLeftOut of %s): expected shorter ones",
                               reference->text, dependency->name, dependency->name);
    else if (result == NULL)
        *ret_why =
            text_printf(REFERENCE_MARK "%s: its child of %s left no result: expected a termination "
                                       "message of a container that succeeded",
                        reference->text, dependency->name);
    else if (reference_value(result, reference->path, &value, &err) < 0)
        *ret_why = text_printf(REFERENCE_MARK "%s: the result of its child of %s %s",
                               reference->text, dependency->name, err.text);
    return value;
}

/* NULL: all of it is there. */
static char *read_values(const struct core_job *job, uint32_t index, struct str *values)
{
    char *why = NULL;
    for (size_t i = 0; i < job->references.count && why == NULL; i++) {
        const struct reference *reference = &job->references.items[i];
        if (own_one(job, reference) == NULL)
            continue;
        AUTO_TEXT value = value_of(job, reference, index, &why);
        if (value != NULL)
            input_add(values, value);
    }
    if (why == NULL && values->size > INPUT_BYTES_MAX)
        why =
            text_printf("the results that one child uses take more than %d bytes", INPUT_BYTES_MAX);
    return why;
}

static bool is_complete(const struct core_job *job)
{
    int64_t open = job->size - job->counts[JOB_SUCCEEDED] - job->counts[JOB_FAILED];
    return (int64_t)job->inputs->by_index.count == open;
}

static void look_complete(struct core *core, struct core_job *job)
{
    if (job->inputs->complete || !job->inputs->known || !is_complete(job))
        return;
    job->inputs->complete = true;
    depend_again_later(core, job);
}

static bool has_room(const struct core_job *job, size_t bytes)
{
    return job->inputs->bytes == 0 || job->inputs->bytes + bytes <= inputs_bytes_max(job->size);
}

bool inputs_take(struct core *core, struct core_job *job, uint32_t index)
{
    struct core_inputs *inputs = job->inputs;
    if (inputs == NULL)
        return true;
    const struct core_input *had = find(inputs, index);
    if (had != NULL || !inputs->known)
        return had != NULL && inputs->known && had->sequence == 0;
    if (inputs->starved || job_is_stopped(job))
        return false;
    AUTO_STR values = STR_EMPTY;
    AUTO_STR line = STR_EMPTY;
    AUTO_TEXT why = read_values(job, index, &values);
    if (why != NULL) {
        job_fail_child(core, job, index, why);
        job_changed(core, job, 0);
        return false;
    }
    input_line_add(&line, index, str_text(&values));
    if (!has_room(job, line.size)) {
        inputs->starved = true;
        return false;
    }
    struct core_input *input = add(inputs, index, str_take(&values), line.size);
    job_changed(core, job, 0);
    fresh_add(inputs, input, job->sequence);
    look_complete(core, job);
    return false;
}

bool inputs_complete(const struct core_dependency *dependency)
{
    const struct core_job *job = dependency->job;
    for (size_t i = 0; job->inputs != NULL && i < job->references.count; i++) {
        if (own_one(job, &job->references.items[i]) == dependency)
            return is_complete(job);
    }
    return true;
}

void inputs_child_ended(struct core *core, struct core_job *job, uint32_t index)
{
    struct core_inputs *inputs = job->inputs;
    if (inputs == NULL)
        return;
    struct core_input *input = find(inputs, index);
    if (input != NULL)
        drop(inputs, input);
    if (inputs->starved && inputs->bytes <= inputs_bytes_max(job->size) / 2) {
        inputs->starved = false; /* not at every end: all that wait are looked at */
        depend_look_all(core, job);
    }
    look_complete(core, job);
}

void inputs_written(struct core *core, struct core_job *job)
{
    struct core_inputs *inputs = job->inputs;
    struct core_input *input;
    while (inputs != NULL && (input = inputs->fresh_first) != NULL &&
           input->sequence <= job->written_sequence) {
        fresh_remove(inputs, input);
        depend_look_child(core, job, input->index);
    }
}

/* ------------------------------------------------------------------------ use */

bool inputs_check_placed(struct core *core, struct core_job *job, uint32_t index)
{
    if (job->inputs == NULL || find(job->inputs, index) != NULL)
        return true;
    job_fail_child(core, job, index,
                   "what it uses of other jobs is not in its job's status any more");
    job_changed(core, job, 0);
    job_settle(core, job);
    return false;
}

const struct key_values *inputs_values(struct arena *arena, const struct core_job *job,
                                       uint32_t index)
{
    const struct core_input *input = job->inputs != NULL ? find(job->inputs, index) : NULL;
    if (job->references.count == 0)
        return NULL;
    if (input == NULL)
        return &job->values;
    size_t whole = job->values.count;
    struct key_values *all = arena_alloc(arena, sizeof(*all));
    all->items = arena_alloc(arena, (whole + job->references.count) * sizeof(*all->items));
    all->count = whole;
    if (whole > 0)
        memcpy(all->items, job->values.items, whole * sizeof(*all->items));
    const char *name = job->inputs->head;
    for (size_t i = 0; *name != '\0' && i < job->references.count; i++) {
        AUTO_TEXT value = input_value(input->values, i);
        size_t size = strcspn(name, "\t");
        all->items[all->count++] = (struct key_value){
            .key = arena_printf(arena, "%.*s", (int)size, name),
            .value = arena_copy(arena, value != NULL ? value : ""),
        };
        name += size;
        name += *name == '\t';
    }
    return all;
}

void inputs_fill(struct arena *arena, const struct core_job *job, struct array_status *ret_array)
{
    if (inputs_bytes(job) == 0)
        return;
    AUTO_STR lines = STR_EMPTY;
    str_addf(&lines, "%s\n", job->inputs->head);
    for (const struct tree_node *node = tree_first(&job->inputs->by_index); node != NULL;
         node = tree_next(node)) {
        const struct core_input *input = CONTAINER_OF(node, const struct core_input, node);
        input_line_add(&lines, input->index, input->values);
    }
    ret_array->inputs = arena_copy(arena, str_text(&lines));
}

size_t inputs_bytes(const struct core_job *job)
{
    if (job->inputs == NULL || job->inputs->by_index.count == 0)
        return 0;
    return job->inputs->bytes + strlen(job->inputs->head) + 1;
}

bool inputs_wait(const struct core_job *job)
{
    return job->inputs != NULL && (job->inputs->starved || job->inputs->fresh_first != NULL);
}

void inputs_print(const struct core_job *job, struct str *out)
{
    if (job->inputs->starved)
        str_addf(out,
                 "room for the results that they use: %zu bytes at a time; some comes when "
                 "children that have theirs end",
                 inputs_bytes_max(job->size));
    else
        str_add(out, "the results that they use to be recorded");
}

char *inputs_check(const struct core_job *job)
{
    const struct core_inputs *inputs = job->inputs;
    size_t bytes = 0;
    if (inputs == NULL || job->children == NULL)
        return NULL;
    for (const struct tree_node *node = tree_first(&inputs->by_index); node != NULL;
         node = tree_next(node)) {
        const struct core_input *input = CONTAINER_OF(node, const struct core_input, node);
        bytes += input->bytes;
        if (input->index >= job->size || job->children[input->index].phase >= JOB_SUCCEEDED)
            return text_printf("job %s child %u: it has ended, and what it used is kept", job->key,
                               input->index);
    }
    for (uint32_t i = 0; i < job->size; i++) {
        uint8_t phase = job->children[i].phase;
        const struct core_input *input = find(inputs, i);
        if (phase >= JOB_RUNNABLE && phase < JOB_SUCCEEDED &&
            (input == NULL || input->sequence != 0))
            return text_printf("job %s child %u: it may run before what it uses is durable",
                               job->key, i);
    }
    if (bytes != inputs->bytes)
        return text_printf("job %s: the sum of what its children use is wrong", job->key);
    return NULL;
}
