/* SPDX-License-Identifier: Apache-2.0 */
/* build_fuzz.c - whatever a job's template and parameters say, the pod is ours: our node, our
 * labels, our owner, nothing that the controller decides taken from the template */
#include "fuzz/fuzz.h"

#include "bulkhead/api/job.h"
#include "bulkhead/base/str.h"
#include "bulkhead/json/get.h"

#include <string.h>

static void check_metadata(struct json_object *pod, const struct batch_job *job)
{
    struct json_object *meta = json_get_object(pod, "metadata");
    MUST(text_eq(json_get_text(meta, "name"), "pod-1"));
    MUST(text_eq(json_get_text(meta, "namespace"), job->meta.namespace_));
    struct json_object *owners = json_get_list(meta, "ownerReferences");
    MUST(json_list_count(owners) == 1);
    MUST(text_eq(json_get_text(json_list_at(owners, 0), "kind"), "BatchJob"));
    MUST(text_eq(json_get_text(json_list_at(owners, 0), "uid"), job->meta.uid));
    struct json_object *labels = json_get_object(meta, "labels");
    MUST(text_eq(json_get_text(labels, LABEL_JOB_UID), job->meta.uid));
    MUST(text_eq(json_get_text(labels, LABEL_INDEX), "3"));
    MUST(text_eq(json_get_text(labels, LABEL_TRY), "2"));
    struct json_object *finalizers = json_get_list(meta, "finalizers");
    MUST(json_list_count(finalizers) == 1);
}

static void check_spec(struct json_object *pod)
{
    struct json_object *spec = json_get_object(pod, "spec");
    MUST(text_eq(json_get_text(spec, "nodeName"), "node-1"));
    MUST(text_eq(json_get_text(spec, "restartPolicy"), "Never"));
    MUST(json_get(spec, "schedulerName") == NULL);
    const char *priority = json_get_text(spec, "priorityClassName");
    MUST(priority == NULL || !text_starts(priority, "system-"));
    struct json_object *containers = json_get_list(spec, "containers");
    MUST(json_list_count(containers) > 0);
    for (size_t i = 0; i < json_list_count(containers); i++) {
        size_t ours = 0;
        struct json_object *env = json_get_list(json_list_at(containers, i), "env");
        for (size_t j = 0; j < json_list_count(env); j++) {
            const char *name = json_get_text(json_list_at(env, j), "name");
            ours += text_eq(name, "AWS_BATCH_JOB_ID");
        }
        MUST(ours == 1);
    }
}

/* ---- what is not ours is the template's, as it stands there ---- */

static bool is_in(const char *key, const char *const *keys, size_t count)
{
    bool found = false;
    for (size_t i = 0; i < count; i++)
        found |= strcmp(key, keys[i]) == 0;
    return found;
}

/* Each member of got is one of keys, or the same in the template. */
static void check_members(struct json_object *got, struct json_object *template_,
                          const char *const *keys, size_t count)
{
    for (const struct lh_entry *m = json_first(got); m != NULL; m = m->next) {
        if (!is_in(json_key(m), keys, count))
            MUST(json_object_equal(json_value(m), json_get(template_, json_key(m))) != 0);
    }
}

static void check_containers(struct json_object *got, struct json_object *template_)
{
    static const char *const ours[] = {"env", "terminationMessagePolicy", "command", "args"};
    MUST(json_list_count(got) == json_list_count(template_));
    for (size_t i = 0; i < json_list_count(got); i++) {
        struct json_object *its = json_list_at(template_, i);
        check_members(json_list_at(got, i), its, ours, ARRAY_LEN(ours));
        struct json_object *env = json_get_list(json_list_at(got, i), "env");
        struct json_object *own = json_get_list(its, "env");
        size_t before = json_list_count(env) - json_list_count(own);
        for (size_t j = 0; j < json_list_count(own); j++)
            MUST(json_object_equal(json_list_at(env, before + j), json_list_at(own, j)) != 0);
    }
}

/* ---- parameters: each mark once, by the longest name that fits, and values as they are ---- */

static const char *parameter_of(struct json_object *parameters, const char *text, size_t *ret_size)
{
    const char *value = NULL;
    for (size_t size = strlen(text); size > 0 && value == NULL; size--) {
        AUTO_TEXT name = text_copy_n(text, size);
        value = json_object_get_string(json_get(parameters, name));
        *ret_size = size;
    }
    return value;
}

static void replaced(struct json_object *parameters, const char *text, struct str *out)
{
    static const char mark[] = "Ref::";
    while (*text != '\0') {
        size_t size = 0;
        bool marked = strncmp(text, mark, strlen(mark)) == 0;
        const char *value = marked ? parameter_of(parameters, text + strlen(mark), &size) : NULL;
        if (value == NULL) {
            str_add_bytes(out, text++, 1);
            continue;
        }
        str_add(out, value);
        text += strlen(mark) + size;
    }
}

static void check_replaced(struct json_object *got, struct json_object *template_,
                           struct json_object *parameters)
{
    static const char *const lists[] = {"command", "args"};
    for (size_t i = 0; i < json_list_count(template_); i++) {
        for (size_t l = 0; l < ARRAY_LEN(lists); l++) {
            struct json_object *before = json_get_list(json_list_at(template_, i), lists[l]);
            struct json_object *after = json_get_list(json_list_at(got, i), lists[l]);
            MUST(json_list_count(before) == json_list_count(after));
            for (size_t j = 0; j < json_list_count(before); j++) {
                AUTO_STR want = STR_EMPTY;
                replaced(parameters, json_object_get_string(json_list_at(before, j)), &want);
                MUST(text_eq(json_object_get_string(json_list_at(after, j)), str_text(&want)));
            }
        }
    }
}

static void check_tolerations(struct json_object *got, struct json_object *own)
{
    size_t owned = json_list_count(own);
    MUST(json_list_count(got) > owned && json_list_count(got) <= owned + 3);
    for (size_t i = 0; i < owned; i++)
        MUST(json_object_equal(json_list_at(got, i), json_list_at(own, i)) != 0);
    struct json_object *first = json_list_at(got, owned);
    MUST(text_eq(json_get_text(first, "key"), LABEL_ENVIRONMENT));
    MUST(text_eq(json_get_text(first, "value"), "e"));
}

static void check_allowed(struct json_object *pod, struct json_object *template_)
{
    static const char *const top[] = {"apiVersion", "kind", "metadata", "spec"};
    static const char *const metadata[] = {"name",        "namespace",  "labels",
                                           "annotations", "finalizers", "ownerReferences"};
    static const char *const labels[] = {LABEL_JOB_UID,     LABEL_QUEUE, LABEL_SHARE,
                                         LABEL_ENVIRONMENT, LABEL_INDEX, LABEL_TRY};
    static const char *const annotations[] = {
        ANNOTATION_JOB,     ANNOTATION_DEFINITION, ANNOTATION_DEFINITION_UID, ANNOTATION_COUNT,
        ANNOTATION_ATTEMPT, ANNOTATION_NODE_UID,   ANNOTATION_CONSUMABLES,    ANNOTATION_PRICE};
    static const char *const spec[] = {"nodeName",   "restartPolicy",  "activeDeadlineSeconds",
                                       "containers", "initContainers", "tolerations"};
    struct json_object *meta = json_get_object(pod, "metadata");
    struct json_object *own_meta = json_get_object(template_, "metadata");
    struct json_object *got = json_get_object(pod, "spec");
    struct json_object *own = json_get_object(template_, "spec");
    check_members(pod, NULL, top, ARRAY_LEN(top));
    check_members(meta, NULL, metadata, ARRAY_LEN(metadata));
    check_members(json_get_object(meta, "labels"), json_get_object(own_meta, "labels"), labels,
                  ARRAY_LEN(labels));
    check_members(json_get_object(meta, "annotations"), json_get_object(own_meta, "annotations"),
                  annotations, ARRAY_LEN(annotations));
    check_members(got, own, spec, ARRAY_LEN(spec));
    check_containers(json_get_list(got, "containers"), json_get_list(own, "containers"));
    check_containers(json_get_list(got, "initContainers"), json_get_list(own, "initContainers"));
    check_tolerations(json_get_list(got, "tolerations"), json_get_list(own, "tolerations"));
}

FUZZ(data, size)
{
    struct err err = {0};
    AUTO(json_object) doc = NULL;
    if (json_parse((const char *)data, size, &doc, &err) < 0)
        return 0;
    AUTO(batch_job) job = NULL;
    if (batch_job_decode(doc, &job, &err) < 0 || job->invalid != NULL || !job->has_template ||
        job->meta.uid == NULL || job->meta.namespace_ == NULL)
        return 0;
    struct pod_order order = {.job = job,
                              .name = "pod-1",
                              .node_name = "node-1",
                              .node_uid = "node-uid",
                              .environment = "e",
                              .index = 3,
                              .count = 1,
                              .try = 2,
                              .attempt = 1};
    AUTO(json_object) pod = NULL;
    if (pod_build(&order, &pod, &err) < 0) {
        MUST(pod == NULL && err.text[0] != '\0');
        return 0;
    }
    check_metadata(pod, job);
    check_spec(pod);
    struct json_object *spec = json_get_object(doc, "spec");
    struct json_object *template_ = json_get_object(spec, "template");
    struct json_object *own = json_get_object(template_, "spec");
    struct json_object *got = json_get_object(pod, "spec");
    struct json_object *parameters = json_get_object(spec, "parameters");
    if (json_get(spec, "overrides") != NULL || job->dependency_count > 0)
        return 0;
    check_allowed(pod, template_);
    check_replaced(json_get_list(got, "containers"), json_get_list(own, "containers"), parameters);
    check_replaced(json_get_list(got, "initContainers"), json_get_list(own, "initContainers"),
                   parameters);
    return 0;
}
