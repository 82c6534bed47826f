/* SPDX-License-Identifier: Apache-2.0 */
/* The specs of JobDefinition and BatchJob. Statuses are in job_status.c. */
#include "bulkhead/api/job.h"

#include "bulkhead/api/policy.h"
#include "bulkhead/api/references.h"
#include "bulkhead/api/revision.h"
#include "bulkhead/api/tables.h"
#include "bulkhead/api/template.h"

#include <stdlib.h>
#include <string.h>

enum {
    SIZE_FROM_MAX = 1024,
    PARAMETERS_MAX = 256,
    REASON_MAX = 1024,
    GLOB_MAX = 512,
    SECONDS_MAX = 2147483647
};

/* ---- what both kinds share ---- */

static const char *const action_words[] = {"EXIT", "RETRY"};

static const struct field rule_fields[] = {
    FIELD(struct exit_rule, on_reason, "onReason", .min = 1, .max = GLOB_MAX,
          .format = &format_reason_glob),
    FIELD(struct exit_rule, on_status_reason, "onStatusReason", .min = 1, .max = GLOB_MAX,
          .format = &format_reason_glob),
    FIELD(struct exit_rule, on_exit_code, "onExitCode", .min = 1, .max = GLOB_MAX,
          .format = &format_code_glob),
    WORD(struct exit_rule, retry, action_words, "action", .required = true, .any_case = true),
};

static int check_rule(const void *object, const struct json_at *at, struct err *err)
{
    const struct exit_rule *rule = object;
    if (rule->on_reason == NULL && rule->on_status_reason == NULL && rule->on_exit_code == NULL)
        return json_fail(at, err, "expected onReason, onStatusReason or onExitCode");
    return 0;
}

static const struct object_type rule_type =
    OBJECT_TYPE(struct exit_rule, "EvaluateOnExit", rule_fields, .check = check_rule);

static const struct field retry_fields[] = {
    FIELD(struct retry_strategy, attempts, "attempts", .min = 1, .max = JOB_ATTEMPTS_MAX),
    ARRAY(struct retry_strategy, rules, rule_count, &rule_type, "evaluateOnExit"),
};

static int check_retry(const void *object, const struct json_at *at, struct err *err)
{
    const struct retry_strategy *retry = object;
    if (retry->rule_count > 0 && !retry->attempts.set)
        return json_fail(JSON_AT(at, "attempts"), err, "required with evaluateOnExit");
    return 0;
}

const struct object_type retry_strategy_type =
    OBJECT_TYPE(struct retry_strategy, "RetryStrategy", retry_fields, .check = check_retry);

/* ---- JobDefinition ---- */

struct definition_doc {
    struct job_definition definition;
    unsigned type;
};

static const struct field definition_timeout_fields[] = {
    FIELD(struct definition_doc, definition.timeout_s, "attemptDurationSeconds", .required = true,
          .min = JOB_TIMEOUT_S_MIN, .max = SECONDS_MAX),
};
static const struct object_type definition_timeout_type =
    OBJECT_TYPE(struct definition_doc, "JobTimeout", definition_timeout_fields);

static const char *const type_words[] = {"container", "multinode"};

/* What is about revisions comes first, so that it holds also when the rest is invalid. */
static const struct field definition_fields[] = {
    CUSTOM(struct definition_doc, definition.deregistered, &numbers_field, DEFINITION_DEREGISTERED,
           .max = DEFINITION_DEREGISTERED_MAX),
    FIELD(struct definition_doc, definition.history_limit, DEFINITION_HISTORY, .min = 0,
          .max = DEFINITION_HISTORY_MAX, .fallback = DEFINITION_HISTORY_DEFAULT),
    WORD(struct definition_doc, type, type_words, "type"),
    FIELD(struct definition_doc, definition.parameters, "parameters", .max = PARAMETERS_MAX),
    OBJECT(struct definition_doc, definition.retry, &retry_strategy_type, "retryStrategy"),
    FIELD(struct definition_doc, definition.scheduling_priority, "schedulingPriority",
          .max = JOB_PRIORITY_MAX),
    FIELD(struct definition_doc, definition.preemptible, "preemptible"),
    PART(&definition_timeout_type, "timeout"),
    OBJECT(struct definition_doc, definition.consumables, &consumable_needs_type,
           "consumableResourceProperties"),
    CUSTOM(struct definition_doc, definition.template_, &template_field, "template",
           .present_offset = offsetof(struct definition_doc, definition.has_template)),
    OBJECT(struct definition_doc, definition.nodes, &node_properties_type, "nodeProperties",
           .present_offset = offsetof(struct definition_doc, definition.has_nodes)),
};

/* As AWS: a container definition has a template, a multinode one nodeProperties. */
static int check_definition(const void *object, const struct json_at *at, struct err *err)
{
    const struct definition_doc *doc = object;
    bool multinode = doc->type == 1;
    if (doc->definition.has_nodes != multinode)
        return json_fail(JSON_AT(at, "nodeProperties"), err,
                         multinode ? "required with type multinode" : "needs type multinode");
    if (doc->definition.has_template == multinode)
        return json_fail(JSON_AT(at, "template"), err,
                         multinode ? "with type multinode templates are in nodeProperties"
                                   : "required");
    return 0;
}

const struct object_type job_definition_spec_type = OBJECT_TYPE(
    struct definition_doc, "JobDefinitionSpec", definition_fields, .check = check_definition);

struct job_definition *job_definition_free(struct job_definition *definition)
{
    if (definition == NULL)
        return NULL;
    object_meta_done(&definition->meta);
    key_values_done(&definition->parameters);
    json_done(&retry_strategy_type, &definition->retry);
    consumable_needs_done(&definition->consumables);
    pod_template_done(&definition->template_);
    json_done(&node_properties_type, &definition->nodes);
    numbers_field.done(&definition->deregistered);
    free(definition->content);
    free(definition->of_name);
    free(definition->of_uid);
    free(definition->invalid);
    free(definition);
    return NULL;
}

int job_definition_decode(struct json_object *doc_json, struct job_definition **ret_definition,
                          struct err *err)
{
    struct err why = {0};
    struct definition_doc doc = {0};
    if (object_meta_decode(doc_json, &doc.definition.meta, err) < 0)
        return err_wrap(err, "job definition");
    if (json_decode(&job_definition_spec_type, json_get(doc_json, "spec"), JSON_ROOT("spec"), &doc,
                    &why) < 0)
        doc.definition.invalid = text_copy(why.text);
    struct job_definition *definition = mem_new(sizeof(*definition));
    *definition = doc.definition;
    definition->content = definition_content(json_get(doc_json, "spec"));
    job_definition_status_read(json_get_object(doc_json, "status"), definition);
    *ret_definition = definition;
    return 0;
}

/* ---- BatchJob ---- */

static const struct field array_fields[] = {
    FIELD(struct batch_job, array_size, "size", .min = 1, .max = JOB_ARRAY_SIZE_MAX),
    FIELD(struct batch_job, size_from, "sizeFrom", .min = 1, .max = SIZE_FROM_MAX),
    FIELD(struct batch_job, max_concurrent, "maxConcurrent", .min = 1, .max = JOB_ARRAY_SIZE_MAX),
};

static int check_array(const void *object, const struct json_at *at, struct err *err)
{
    const struct batch_job *job = object;
    bool both = job->array_size.set && job->size_from != NULL;
    if (job->array_size.set != (job->size_from != NULL))
        return 0;
    return json_fail(at, err, "expected one of size and sizeFrom%s", both ? ", not both" : "");
}

static const struct object_type array_type =
    OBJECT_TYPE(struct batch_job, "ArrayProperties", array_fields, .check = check_array);

static const struct field job_timeout_fields[] = {
    FIELD(struct batch_job, timeout_s, "attemptDurationSeconds", .required = true,
          .min = JOB_TIMEOUT_S_MIN, .max = SECONDS_MAX),
};
static const struct object_type job_timeout_type =
    OBJECT_TYPE(struct batch_job, "JobTimeout", job_timeout_fields);

static const char *const dependency_words[] = {"SEQUENTIAL", "N_TO_N"};
static const char *const condition_words[] = {"OnSuccess", "OnFailure", "Always"};
static const char *const hold_words[] = {"Fail", "Hold"};

static const struct field dependency_fields[] = {
    FIELD(struct dependency, job_name, "jobName", .min = 1, .max = 253, .format = &format_name),
    WORD(struct dependency, type, dependency_words, "type", .min = DEPENDENCY_SEQUENTIAL),
    WORD(struct dependency, condition, condition_words, "condition"),
    WORD(struct dependency, hold, hold_words, "onDependencyFailure"),
};
static const struct object_type dependency_type_ =
    OBJECT_TYPE(struct dependency, "JobDependency", dependency_fields);

static const struct field replaces_fields[] = {
    FIELD(struct batch_job, replaces, "jobName", .required = true, .min = 1, .max = 253,
          .format = &format_name),
};
static const struct object_type replaces_type =
    OBJECT_TYPE(struct batch_job, "JobReplaces", replaces_fields);

static const char *const request_words[] = {"CANCEL", "TERMINATE"};

static const struct field request_fields[] = {
    WORD(struct job_request, action, request_words, "action", .required = true),
    FIELD(struct job_request, reason, "reason", .required = true, .min = 1, .max = REASON_MAX),
    FIELD(struct job_request, indexes, "indexes", .min = 1, .max = JOB_REQUEST_INDEXES_MAX,
          .format = &format_indexes),
};
static const struct object_type request_type =
    OBJECT_TYPE(struct job_request, "JobRequest", request_fields);

static const struct field job_fields[] = {
    FIELD(struct batch_job, queue, "jobQueue", .required = true, .min = 1, .max = 63,
          .format = &format_name),
    FIELD(struct batch_job, definition, "jobDefinition", .min = 1, .max = 263,
          .format = &format_definition),
    LIST(struct batch_job, requests, request_count, &request_type, "requests",
         .max = JOB_REQUESTS_MAX),
    PART(&array_type, "arrayProperties"),
    OBJECT(struct batch_job, consumables, &consumable_needs_type, "consumableResourceProperties",
           .present_offset = offsetof(struct batch_job, has_consumables)),
    LIST(struct batch_job, dependencies, dependency_count, &dependency_type_, "dependsOn",
         .max = JOB_DEPENDENCIES_MAX),
    CUSTOM(struct batch_job, overrides, &template_override_field, "overrides"),
    FIELD(struct batch_job, parameters, "parameters", .max = PARAMETERS_MAX),
    PART(&replaces_type, "replaces"),
    OBJECT(struct batch_job, retry, &retry_strategy_type, "retryStrategy",
           .present_offset = offsetof(struct batch_job, has_retry)),
    FIELD(struct batch_job, scheduling_priority, "schedulingPriorityOverride",
          .max = JOB_PRIORITY_MAX),
    FIELD(struct batch_job, share, "shareIdentifier", .min = 1, .max = SHARE_IDENTIFIER_MAX,
          .format = &format_share),
    FIELD(struct batch_job, preemptible, "preemptible",
          .present_offset = offsetof(struct batch_job, has_preemptible)),
    PART(&job_timeout_type, "timeout"),
    FIELD(struct batch_job, start_deadline_s, "startDeadlineSeconds", .min = 1,
          .max = JOB_START_DEADLINE_S_MAX),
    FIELD(struct batch_job, ttl_s, "ttlSecondsAfterFinished", .min = 0, .max = TTL_S_MAX),
    CUSTOM(struct batch_job, template_, &template_field, "template",
           .present_offset = offsetof(struct batch_job, has_template)),
    OBJECT(struct batch_job, nodes, &node_properties_type, "nodeProperties",
           .present_offset = offsetof(struct batch_job, has_nodes)),
    OBJECT(struct batch_job, node_overrides, &node_overrides_type, "nodeOverrides",
           .present_offset = offsetof(struct batch_job, has_node_overrides)),
};

static bool is_array(const struct batch_job *job)
{
    return job->array_size.set || job->size_from != NULL;
}

/* One whole reference, to a job with one result. */
static int check_size_from(const struct batch_job *job, const struct json_at *at, struct err *err)
{
    const struct json_at *size_from = JSON_AT(JSON_AT(at, "arrayProperties"), "sizeFrom");
    const char *text = job->size_from + strlen(REFERENCE_MARK);
    struct references references = {NULL, 0};
    if (!text_starts(job->size_from, REFERENCE_MARK) || reference_size(job, text) != strlen(text) ||
        text[0] == '\0')
        return json_fail(size_from, err,
                         "\"%s\", expected Ref::jobs.<jobName> or Ref::jobs.<jobName>.<field> of a "
                         "job in dependsOn",
                         job->size_from);
    int found = references_find_size(job, &references, err);
    references_done(&references);
    return found < 0 ? err_wrap(err, "spec.arrayProperties.sizeFrom") : 0;
}

static int check_dependency(const struct batch_job *job, size_t i, const struct json_at *list,
                            struct err *err)
{
    const struct dependency *dependency = &job->dependencies[i];
    bool alone = dependency->job_name == NULL;
    if (alone && dependency->type != DEPENDENCY_SEQUENTIAL)
        return json_fail(JSON_AT(JSON_ITEM(list, i), "jobName"), err,
                         "required, except with type SEQUENTIAL");
    if (alone && !is_array(job))
        return json_fail(JSON_AT(JSON_ITEM(list, i), "type"), err,
                         "SEQUENTIAL without jobName, expected arrayProperties too");
    if (dependency->type == DEPENDENCY_N_TO_N && !is_array(job))
        return json_fail(JSON_AT(JSON_ITEM(list, i), "type"), err,
                         "N_TO_N, expected arrayProperties too");
    if (!alone && text_eq(dependency->job_name, job->meta.name))
        return json_fail(JSON_AT(JSON_ITEM(list, i), "jobName"), err,
                         "%s is this job itself; for children one after another use type "
                         "SEQUENTIAL without jobName",
                         dependency->job_name);
    if (!alone && text_eq(dependency->job_name, job->replaces))
        return json_fail(JSON_AT(JSON_ITEM(list, i), "jobName"), err,
                         "%s is the job that this one replaces, expected another",
                         dependency->job_name);
    if (dependency->hold && (alone || dependency->condition != DEPEND_ON_SUCCESS))
        return json_fail(JSON_AT(JSON_ITEM(list, i), "onDependencyFailure"), err,
                         "Hold, expected with a jobName and condition OnSuccess only");
    return 0;
}

static int check_job(const void *object, const struct json_at *at, struct err *err)
{
    const struct batch_job *job = object;
    const struct json_at list = {at, "dependsOn", 0};
    int given = (job->definition != NULL) + job->has_template + job->has_nodes;
    if (given != 1)
        return json_fail(at, err, "expected one of jobDefinition, template and nodeProperties%s",
                         given > 1 ? ", not more" : "");
    if (job->has_node_overrides && (job->has_template || is_array(job)))
        return json_fail(JSON_AT(at, "nodeOverrides"), err, "only for multi-node jobs");
    if (job->has_nodes && is_array(job))
        return json_fail(JSON_AT(at, "arrayProperties"), err, "not together with nodeProperties");
    if (job->size_from != NULL && check_size_from(job, at, err) < 0)
        return -1;
    for (size_t i = 0; i < job->dependency_count; i++) {
        if (check_dependency(job, i, &list, err) < 0)
            return -1;
    }
    if (job->replaces != NULL && text_eq(job->replaces, job->meta.name))
        return json_fail(JSON_AT(JSON_AT(at, "replaces"), "jobName"), err,
                         "%s is this job itself; submit it under another name", job->replaces);
    return 0;
}

const struct object_type batch_job_spec_type =
    OBJECT_TYPE(struct batch_job, "BatchJobSpec", job_fields, .check = check_job);

/* The first owner that is a BatchJob, of whatever version. */
static char *parent_of(struct json_object *doc)
{
    struct json_object *owners = json_get_list(json_get_object(doc, "metadata"), "ownerReferences");
    for (size_t i = 0; i < json_list_count(owners); i++) {
        struct json_object *owner = json_list_at(owners, i);
        const char *version = json_get_text(owner, "apiVersion");
        if (version != NULL && text_starts(version, API_GROUP "/") &&
            text_eq(json_get_text(owner, "kind"), "BatchJob"))
            return text_copy(json_get_text(owner, "uid"));
    }
    return NULL;
}

struct batch_job *batch_job_free(struct batch_job *job)
{
    if (job == NULL)
        return NULL;
    object_meta_done(&job->meta);
    free(job->parent_uid);
    json_done(&batch_job_spec_type, job);
    job_status_done(&job->status);
    free(job->invalid);
    free(job);
    return NULL;
}

int batch_job_decode(struct json_object *doc, struct batch_job **ret_job, struct err *err)
{
    struct err why = {0};
    AUTO(batch_job) job = mem_new(sizeof(*job));
    struct json_object *status = json_get(doc, "status");
    if (object_meta_decode(doc, &job->meta, err) < 0)
        return err_wrap(err, "job");
    job->parent_uid = parent_of(doc);
    if (json_decode(&batch_job_spec_type, json_get(doc, "spec"), JSON_ROOT("spec"), job, &why) < 0)
        job->invalid = text_copy(why.text);
    /* A status without a phase was written by nobody: kubectl sends "status: {}" now and then. */
    if (json_get(status, "status") != NULL) {
        if (job_status_decode(status, JSON_ROOT("status"), &job->status, &why) < 0)
            text_set(&job->invalid, why.text);
        else
            job->has_status = true;
    }
    *ret_job = STEAL(job);
    return 0;
}
