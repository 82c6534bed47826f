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
    return 0;
}
