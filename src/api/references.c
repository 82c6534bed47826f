/* SPDX-License-Identifier: Apache-2.0 */
#include "bulkhead/api/references.h"

#include "bulkhead/api/result.h"
#include "bulkhead/api/template.h"

#include <stdlib.h>
#include <string.h>

#define JOBS "jobs."

static const char name_bytes[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
static const char field_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

/* ---- texts of a pod spec ---- */

static void edit_list(struct json_object *list, references_edit_fn *edit, void *ctx)
{
    for (size_t i = 0; i < json_list_count(list); i++) {
        AUTO_STR text = STR_EMPTY;
        const char *old = json_object_get_string(json_list_at(list, i));
        if (old == NULL || strstr(old, REFERENCE_MARK) == NULL)
            continue;
        edit(ctx, old, &text);
        json_object_array_put_idx(list, i, json_object_new_string(str_text(&text)));
    }
}

static void edit_containers(struct json_object *list, references_edit_fn *edit, void *ctx)
{
    for (size_t i = 0; i < json_list_count(list); i++) {
        struct json_object *container = json_list_at(list, i);
        edit_list(json_get_list(container, "command"), edit, ctx);
        edit_list(json_get_list(container, "args"), edit, ctx);
    }
}

void references_edit(struct json_object *pod_spec, references_edit_fn *edit, void *ctx)
{
    edit_containers(json_get_list(pod_spec, "initContainers"), edit, ctx);
    edit_containers(json_get_list(pod_spec, "containers"), edit, ctx);
}

/* ---- parameters ---- */

/* The job's own win over the definition's. */
static void merge_parameters(const struct batch_job *job, const struct job_definition *definition,
                             struct key_values *ret)
{
    const struct key_values *lists[] = {
        definition != NULL ? &definition->parameters : NULL,
        &job->parameters,
    };
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        for (size_t j = 0; lists[i] != NULL && j < lists[i]->count; j++)
            key_values_set(ret, lists[i]->items[j].key, lists[i]->items[j].value);
    }
}

/* The longest parameter whose name starts here, so that Ref::input is not taken for Ref::in. */
static const struct key_value *parameter_at(const struct key_values *parameters, const char *text)
{
    const struct key_value *best = NULL;
    for (size_t i = 0; i < parameters->count; i++) {
        const struct key_value *item = &parameters->items[i];
        if (item->key[0] != '\0' && text_starts(text, item->key) &&
            (best == NULL || strlen(item->key) > strlen(best->key)))
            best = item;
    }
    return best;
}

static void replace_parameters(void *ctx, const char *text, struct str *out)
{
    const struct key_values *parameters = ctx;
    const char *ref = NULL;
    while ((ref = strstr(text, REFERENCE_MARK)) != NULL) {
        const char *name = ref + strlen(REFERENCE_MARK);
        const struct key_value *parameter = parameter_at(parameters, name);
        if (parameter == NULL) {
            str_add_bytes(out, text, (size_t)(name - text));
            text = name;
            continue;
        }
        str_add_bytes(out, text, (size_t)(ref - text)); /* the value is not looked at again */
        str_add(out, parameter->value);
        text = name + strlen(parameter->key);
    }
    str_add(out, text);
}

void parameters_replace(const struct batch_job *job, const struct job_definition *definition,
                        struct json_object *pod_spec)
{
    struct key_values parameters = {NULL, 0};
    merge_parameters(job, definition, &parameters);
    references_edit(pod_spec, replace_parameters, &parameters);
    key_values_done(&parameters);
}

/* ---- references ---- */

static bool is_one_of(char c, const char *bytes)
{
    return c != '\0' && strchr(bytes, c) != NULL;
}

/* Does the name end here? A dash may follow it, unless the name of another job goes on with it. */
static bool name_ends(const char *rest)
{
    return !is_one_of(rest[0], name_bytes) || (rest[0] == '-' && !is_one_of(rest[1], name_bytes));
}

/* The dependency with the longest name of those that start here, since names may have dots. */
static bool named_at(const struct batch_job *job, const char *text, size_t *ret_dependency)
{
    size_t longest = 0;
    for (size_t i = 0; i < job->dependency_count; i++) {
        const char *name = job->dependencies[i].job_name;
        size_t size = name != NULL ? strlen(name) : 0;
        if (size > longest && text_starts(text, name) && name_ends(text + size)) {
            longest = size;
            *ret_dependency = i;
        }
    }
    return longest > 0;
}

static size_t path_size(const char *text)
{
    size_t size = 0;
    while (text[size] == '.' && is_one_of(text[size + 1], field_bytes))
        size += 1 + strspn(text + size + 1, field_bytes);
    return size;
}

/* Right after the mark: where the name of a job would stand; NULL: no result is meant. */
static const char *name_at(const char *text)
{
    const char *name = text_starts(text, JOBS) ? text + strlen(JOBS) : NULL;
    return name != NULL && *name != '-' && is_one_of(*name, name_bytes) ? name : NULL;
}

size_t reference_size(const struct batch_job *job, const char *text)
{
    size_t dependency;
    const char *name = name_at(text);
    if (name == NULL || !named_at(job, name, &dependency))
        return 0;
    size_t size = strlen(JOBS) + strlen(job->dependencies[dependency].job_name);
    return size + path_size(text + size);
}

struct finding {
    const struct batch_job *job;
    struct references *references;
    bool whole; /* of jobs with one result only */
    struct err err;
};

static bool is_known(const struct references *references, const char *text)
{
    for (size_t i = 0; i < references->count; i++) {
        if (strcmp(references->items[i].text, text) == 0)
            return true;
    }
    return false;
}

static void add(struct finding *finding, const char *text, size_t dependency)
{
    struct references *references = finding->references;
    size_t name = strlen(JOBS) + strlen(finding->job->dependencies[dependency].job_name);
    if (is_known(references, text))
        return;
    if (finding->whole && finding->job->dependencies[dependency].type == DEPENDENCY_N_TO_N) {
        err_set(&finding->err, ERR_INVALID,
                REFERENCE_MARK "%s: not with type N_TO_N; expected a dependsOn entry without it",
                text);
        return;
    }
    if (strlen(text) > REFERENCE_BYTES_MAX) {
        err_set(&finding->err, ERR_INVALID,
                REFERENCE_MARK "%.64s...: longer than %d bytes; expected fewer fields of fields",
                text, REFERENCE_BYTES_MAX);
        return;
    }
    if (references->count == REFERENCES_MAX) {
        err_set(&finding->err, ERR_INVALID, "more than %d different references to results",
                REFERENCES_MAX);
        return;
    }
    if (references->items == NULL)
        references->items = mem_new(REFERENCES_MAX * sizeof(*references->items));
    references->items[references->count++] = (struct reference){
        .text = text_copy(text),
        .dependency = dependency,
        .path = text[name] == '.' ? text_copy(text + name + 1) : NULL,
    };
}

static void find_at(struct finding *finding, const char *text)
{
    size_t dependency;
    const char *name = name_at(text);
    if (name == NULL)
        return;
    if (named_at(finding->job, name, &dependency)) {
        AUTO_TEXT found = text_copy_n(text, reference_size(finding->job, text));
        add(finding, found, dependency);
        return;
    }
    int size = (int)strspn(name, name_bytes);
    while (name[size - 1] == '-')
        size--;
    err_set(&finding->err, ERR_INVALID,
            REFERENCE_MARK JOBS "%.*s: expected an entry with jobName %.*s in spec.dependsOn", size,
            name, size, name);
}

static void find_all(void *ctx, const char *text, struct str *out)
{
    struct finding *finding = ctx;
    for (const char *at = text; (at = strstr(at, REFERENCE_MARK)) != NULL;) {
        at += strlen(REFERENCE_MARK);
        if (finding->err.kind == ERR_NONE)
            find_at(finding, at);
    }
    str_add(out, text);
}

/* Most jobs use no results: that is seen without reading their template. */
static bool may_have(const struct key_values *parameters)
{
    for (size_t i = 0; i < parameters->count; i++) {
        if (strstr(parameters->items[i].value, JOBS) != NULL)
            return true;
    }
    return false;
}

int references_find_size(const struct batch_job *job, struct references *references,
                         struct err *err)
{
    struct finding finding = {.job = job, .references = references, .whole = true};
    AUTO_STR same = STR_EMPTY;
    if (job->size_from == NULL)
        return 0;
    find_all(&finding, job->size_from, &same);
    if (finding.err.kind == ERR_NONE)
        return 0;
    *err = finding.err;
    return -1;
}

int references_find(const struct batch_job *job, const struct job_definition *definition,
                    const struct pod_template *template_, struct references *references,
                    struct err *err)
{
    bool any = strstr(template_->json, REFERENCE_MARK) != NULL &&
               (strstr(template_->json, JOBS) != NULL || may_have(&job->parameters) ||
                (definition != NULL && may_have(&definition->parameters)));
    struct finding finding = {.job = job, .references = references};
    AUTO(json_object) json = any ? template_json(template_->json) : NULL;
    struct json_object *spec = json_get_object(json, "spec");
    parameters_replace(job, definition, spec);
    references_edit(spec, find_all, &finding);
    if (finding.err.kind == ERR_NONE)
        return 0;
    references_done(references);
    *err = finding.err;
    return -1;
}

void references_done(struct references *references)
{
    for (size_t i = 0; i < references->count; i++) {
        free(references->items[i].text);
        free(references->items[i].path);
    }
    free(references->items);
    *references = (struct references){NULL, 0};
}

/* ---- values ---- */

/* The field at the path; up to where there is one goes into ret_size when there is none. */
static struct json_object *field_at(struct json_object *object, const char *path, size_t *ret_size)
{
    const char *at = path;
    while (object != NULL && *at != '\0') {
        AUTO_TEXT key = text_copy_n(at, strcspn(at, "."));
        at += strlen(key);
        object = json_get(object, key);
        *ret_size = (size_t)(at - path);
        at += *at == '.';
    }
    return object;
}

int reference_value(const char *result, const char *path, char **ret_value, struct err *err)
{
    struct err why = {0};
    size_t size = 0;
    AUTO(json_object) json = NULL;
    if (path == NULL) {
        *ret_value = text_copy(result);
        return 0;
    }
    if (json_parse(result, strlen(result), &json, &why) < 0 ||
        !json_object_is_type(json, json_type_object))
        return err_set(err, ERR_INVALID, "is not a JSON object%s",
                       strlen(result) >= RESULT_BYTES_MAX ? ": it was cut at 4096 bytes" : "");
    struct json_object *value = field_at(json, path, &size);
    if (value == NULL)
        return err_set(err, ERR_INVALID, "has no field %.*s", (int)size, path);
    *ret_value =
        text_copy(json_object_is_type(value, json_type_string) ? json_object_get_string(value)
                                                               : json_print(value));
    return 0;
}
