/* SPDX-License-Identifier: Apache-2.0 */
/* The status of a job: what must survive a restart, and what tells its story.
 *
 * The table has every member of struct job_status, so that what was written is what is read. A few
 * members beside it are derived for people: progress, running and failed fill printer columns. */
#include "bulkhead/api/array_history.h"
#include "bulkhead/api/job.h"
#include "bulkhead/api/references.h"
#include "bulkhead/api/result.h"
#include "bulkhead/api/revision.h"
#include "bulkhead/api/tables.h"
#include "bulkhead/base/map.h"
#include "bulkhead/json/get.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_MAX = 4096, FAILED_INDEXES_MAX = 2048, DATA_MAX = 1024 * 1024 };

struct status_doc {
    struct job_status status;
    char *progress;
    int64_t running, failed;
    struct condition_list conditions;
};

static const struct field container_fields[] = {
    FIELD(struct try_container, name, "name", .max = 63),
    FIELD(struct try_container, exit_code, "exitCode", .keep_zero = true),
    FIELD(struct try_container, reason, "reason", .max = 128),
    FIELD(struct try_container, message, "message", .max = JOB_CONTAINER_WORDS_MAX),
};
static const struct object_type container_type =
    OBJECT_TYPE(struct try_container, "TryContainer", container_fields, .open = true);

static const struct field try_fields[] = {
    FIELD(struct job_try, index, "index", .keep_zero = true),
    FIELD(struct job_try, try, "try", .keep_zero = true),
    FIELD(struct job_try, attempt, "attempt", .keep_zero = true),
    FIELD(struct job_try, pod, "pod", .max = 253),
    FIELD(struct job_try, pod_uid, "podUid", .max = 128),
    FIELD(struct job_try, node, "node", .max = 253),
    FIELD(struct job_try, node_uid, "nodeUid", .max = 128),
    FIELD(struct job_try, instance_id, "instanceId", .max = 256),
    TIME(struct job_try, started_ns, "startedAt"),
    TIME(struct job_try, stopped_ns, "stoppedAt"),
    FIELD(struct job_try, exit_code, "exitCode"),
    FIELD(struct job_try, reason, "reason", .max = MESSAGE_MAX),
    FIELD(struct job_try, status_reason, "statusReason", .max = MESSAGE_MAX),
    FIELD(struct job_try, message, "message", .max = MESSAGE_MAX),
    LIST(struct job_try, containers, container_count, &container_type, "containers",
         .max = JOB_TRY_CONTAINERS_MAX),
};
static const struct object_type try_type =
    OBJECT_TYPE(struct job_try, "JobTry", try_fields, .open = true);

void job_try_copy(struct job_try *to, const struct job_try *from)
{
    *to = *from;
    to->pod = text_copy(from->pod);
    to->pod_uid = text_copy(from->pod_uid);
    to->node = text_copy(from->node);
    to->node_uid = text_copy(from->node_uid);
    to->instance_id = text_copy(from->instance_id);
    to->reason = text_copy(from->reason);
    to->status_reason = text_copy(from->status_reason);
    to->message = text_copy(from->message);
    to->containers = mem_new((from->container_count + 1) * sizeof(*to->containers));
    for (size_t i = 0; i < from->container_count; i++) {
        to->containers[i].name = text_copy(from->containers[i].name);
        to->containers[i].exit_code = from->containers[i].exit_code;
        to->containers[i].reason = text_copy(from->containers[i].reason);
        to->containers[i].message = text_copy(from->containers[i].message);
    }
}

void job_try_done(struct job_try *try)
{
    json_done(&try_type, try);
}

static const char *const outcome_words[] = {
    [DEPENDENCY_WAITING] = "WAITING", [DEPENDENCY_SATISFIED] = "SATISFIED",
    [DEPENDENCY_FAILED] = "FAILED",   [DEPENDENCY_SKIPPED] = "SKIPPED",
    [DEPENDENCY_HELD] = "HELD",
};
static const struct field dependency_fields[] = {
    FIELD(struct dependency_record, job_name, "jobName", .max = 253),
    FIELD(struct dependency_record, uid, "uid", .max = 128),
    WORD(struct dependency_record, outcome, outcome_words, "outcome"),
    FIELD(struct dependency_record, replacement, "replacement", .max = 253),
};
static const struct object_type dependency_type_ =
    OBJECT_TYPE(struct dependency_record, "DependencyRecord", dependency_fields, .open = true);

static const struct field replaces_fields[] = {
    FIELD(struct replaces_record, job.job_name, "jobName", .max = 253),
    FIELD(struct replaces_record, job.uid, "uid", .max = 128),
    WORD(struct replaces_record, job.outcome, outcome_words, "outcome"),
    FIELD(struct replaces_record, children_taken, "childrenTaken", .min = 0,
          .max = JOB_ARRAY_SIZE_MAX),
};
static const struct object_type replaces_type =
    OBJECT_TYPE(struct replaces_record, "ReplacesRecord", replaces_fields, .open = true);

static const char *const encoding_words[] = {"runs", "zn64"};

static const struct field failure_fields[] = {
    FIELD(struct array_failure, status_reason, "statusReason", .max = MESSAGE_MAX),
    FIELD(struct array_failure, reason, "reason", .max = MESSAGE_MAX),
    FIELD(struct array_failure, exit_code, "exitCode"),
    FIELD(struct array_failure, attempts, "attempts", .keep_zero = true),
    FIELD(struct array_failure, children, "children", .keep_zero = true),
    FIELD(struct array_failure, indexes, "indexes", .max = FAILED_INDEXES_MAX),
};
static const struct object_type failure_type =
    OBJECT_TYPE(struct array_failure, "ArrayFailure", failure_fields, .open = true);

static const struct field array_fields[] = {
    FIELD(struct array_status, size, "size", .min = 0, .max = JOB_ARRAY_SIZE_MAX),
    OBJECT(struct array_status, counts, &phase_counts_type, "statusSummary"),
    FIELD(struct array_status, failed_indexes, "failedIndexes", .max = FAILED_INDEXES_MAX),
    LIST(struct array_status, failures, failure_count, &failure_type, "failures",
         .max = JOB_FAILURE_GROUPS_MAX),
    FIELD(struct array_status, other_attempts, "otherFailedAttempts"),
    FIELD(struct array_status, other_children, "otherFailedChildren"),
    FIELD(struct array_status, history, "history", .max = HISTORY_TEXT_MAX),
    FIELD(struct array_status, history_left_out, "historyLeftOut"),
    FIELD(struct array_status, encoding, "encoding", WORDS(encoding_words)),
    FIELD(struct array_status, data, "data", .max = DATA_MAX),
    FIELD(struct array_status, refusals, "refusals", .max = DATA_MAX),
    FIELD(struct array_status, results, "results", .max = RESULTS_BYTES_MAX),
    FIELD(struct array_status, results_left_out, "resultsLeftOut"),
    FIELD(struct array_status, inputs, "inputs", .max = INPUTS_TEXT_MAX),
};
static const struct object_type array_type =
    OBJECT_TYPE(struct array_status, "ArrayStatus", array_fields, .open = true);

static const char *const phase_words[] = {"SUBMITTED", "PENDING",   "RUNNABLE", "STARTING",
                                          "RUNNING",   "SUCCEEDED", "FAILED"};

/* The nodes of a multi-node job are kept as the children of an array are. */
static const struct field nodes_fields[] = {
    FIELD(struct job_status, nodes.size, "numNodes", .min = 0, .max = JOB_NODES_MAX),
    FIELD(struct job_status, main_node, "mainNode", .min = 0, .max = JOB_NODES_MAX - 1,
          .keep_zero = true),
    OBJECT(struct job_status, nodes.counts, &phase_counts_type, "statusSummary"),
    FIELD(struct job_status, nodes.encoding, "encoding", WORDS(encoding_words)),
    FIELD(struct job_status, nodes.data, "data", .max = DATA_MAX),
    FIELD(struct job_status, nodes.refusals, "refusals", .max = DATA_MAX),
};
static const struct object_type nodes_type =
    OBJECT_TYPE(struct job_status, "NodesStatus", nodes_fields, .open = true);

#define DOC struct status_doc
#define S(m) status.m
static const struct field status_fields[] = {
    FIELD(DOC, S(observed_generation), "observedGeneration"),
    WORD(DOC, S(phase), phase_words, "status"),
    FIELD(DOC, S(reason), "reason", .max = 128),
    FIELD(DOC, S(message), "statusReason", .max = MESSAGE_MAX),
    FIELD(DOC, progress, "progress", .max = 32),
    FIELD(DOC, running, "running", .keep_zero = true),
    FIELD(DOC, failed, "failed", .keep_zero = true),
    TIME(DOC, S(started_ns), "startedAt"),
    TIME(DOC, S(stopped_ns), "stoppedAt"),
    FIELD(DOC, S(attempts), "attempts", .min = 0, .max = JOB_ATTEMPTS_MAX, .keep_zero = true),
    FIELD(DOC, S(refusals), "refusals", .min = 0, .max = 1000),
    FIELD(DOC, S(cancelled), "isCancelled"),
    FIELD(DOC, S(terminated), "isTerminated"),
    WORD(DOC, S(blocked), blocked_words, "blockedReason", .min = BLOCKED_CAPACITY),
    TIME(DOC, S(blocked_since_ns), "blockedSince"),
    FIELD(DOC, S(delivered), "delivered", .max = 32),
    FIELD(DOC, S(definition), "definition", .max = 263),
    FIELD(DOC, S(definition_uid), "definitionUid", .max = 128),
    FIELD(DOC, S(scheduling_priority), "schedulingPriority", .max = JOB_PRIORITY_MAX),
    FIELD(DOC, S(references), "references", .max = REFERENCES_MAX),
    FIELD(DOC, S(result), "result", .max = RESULT_BYTES_MAX),
    OBJECT(DOC, S(cost), &job_cost_type, "cost"),
    OBJECT(DOC, S(array), &array_type, "arrayProperties"),
    OBJECT(DOC, status, &nodes_type, "nodeProperties"),
    LIST(DOC, S(dependencies), S(dependency_count), &dependency_type_, "dependencies",
         .max = JOB_DEPENDENCIES_MAX),
    OBJECT(DOC, S(replaces), &replaces_type, "replaces"),
    LIST(DOC, S(tries), S(try_count), &try_type, "tries", .max = JOB_TRIES_KEPT),
    LIST(DOC, conditions.items, conditions.count, &condition_type, "conditions", .max = 8),
};
const struct object_type batch_job_status_type =
    OBJECT_TYPE(DOC, "BatchJobStatus", status_fields, .open = true);

void job_status_done(struct job_status *status)
{
    DOC doc = {.status = *status};
    json_done(&batch_job_status_type, &doc);
    *status = (struct job_status){0};
}

int job_status_decode(struct json_object *value, const struct json_at *at,
                      struct job_status *ret_status, struct err *err)
{
    DOC doc = {0};
    int result = json_decode(&batch_job_status_type, value, at, &doc, err);
    *ret_status = doc.status;
    doc.status = (struct job_status){0};
    json_done(&batch_job_status_type, &doc); /* what was derived */
    return result;
}

/* ---- encoding ---- */

static bool ended(const struct job_status *status)
{
    return status->phase == JOB_SUCCEEDED || status->phase == JOB_FAILED;
}

static void derive(DOC *doc)
{
    const struct job_status *status = &doc->status;
    if (status->nodes.size > 0) { /* how many of its nodes run; at the end, how many there were */
        const int64_t *nodes = status->nodes.counts;
        doc->running = nodes[JOB_RUNNING];
        doc->failed = status->phase == JOB_FAILED;
        doc->progress = text_printf("%" PRId64 "/%" PRIu32 " nodes",
                                    ended(status) ? (int64_t)status->nodes.size : doc->running,
                                    status->nodes.size);
        return;
    }
    if (status->array.size == 0) {
        doc->progress = text_copy(ended(status) ? "1/1" : "0/1");
        doc->running = status->phase == JOB_RUNNING;
        doc->failed = status->phase == JOB_FAILED;
        return;
    }
    const int64_t *counts = status->array.counts;
    doc->progress = text_printf("%" PRId64 "/%" PRIu32, counts[JOB_SUCCEEDED] + counts[JOB_FAILED],
                                status->array.size);
    doc->running = counts[JOB_RUNNING];
    doc->failed = counts[JOB_FAILED];
}

/* As batch/v1 Job has them, Complete or Failed once it ended; Ready and Stalled for kstatus, to
 * which a job is current when it succeeded, stalled when it failed, and in progress until then. */
static struct json_object *job_conditions(const struct job_status *status,
                                          struct json_object *previous, int64_t now_ns)
{
    struct condition_wanted wanted[4];
    const char *reason = status->reason != NULL ? status->reason : job_phase_name(status->phase);
    enum readiness readiness = READY_NOT_YET;
    size_t count = 0;
    if (ended(status)) {
        bool good = status->phase == JOB_SUCCEEDED;
        readiness = good ? READY_YES : READY_STALLED;
        wanted[count++] = (struct condition_wanted){good ? "Complete" : "Failed", "True", reason,
                                                    status->message};
    }
    if (status->request_refused != NULL)
        wanted[count++] = (struct condition_wanted){"RequestRefused", "True", "InvalidIndexes",
                                                    status->request_refused};
    conditions_ready(readiness, reason, status->message, &wanted[count]);
    return conditions_encode(wanted, count + 2, status->observed_generation, previous, now_ns);
}

struct json_object *batch_job_status_encode(const struct object_meta *meta,
                                            const struct job_status *status,
                                            struct json_object *previous, int64_t now_ns)
{
    DOC doc = {.status = *status};
    derive(&doc);
    struct json_object *json = json_encode(&batch_job_status_type, &doc);
    text_set(&doc.progress, NULL);
    if (status->array.size == 0)
        json_object_object_del(json, "arrayProperties");
    if (status->nodes.size == 0)
        json_object_object_del(json, "nodeProperties");
    if (status->replaces.job.job_name == NULL)
        json_object_object_del(json, "replaces");
    json_put(json, "conditions", job_conditions(status, previous, now_ns));
    return status_document("BatchJob", meta, json);
}

/* ---- JobDefinition ---- */

struct definition_status_doc {
    struct job_definition_status status;
    char *word, *reason;
    struct condition_list conditions;
};

static const char *const definition_words[] = {"ACTIVE", "INACTIVE", "INVALID"};

static const struct field durations_fields[] = {
    FIELD(struct definition_status_doc, status.runs.count, "count"),
    FIELD(struct definition_status_doc, status.runs.mean_ms, "meanMilliseconds"),
    FIELD(struct definition_status_doc, status.runs.deviation_ms, "deviationMilliseconds"),
};
static const struct object_type durations_type =
    OBJECT_TYPE(struct definition_status_doc, "Durations", durations_fields);

static const struct field definition_fields[] = {
    FIELD(struct definition_status_doc, status.observed_generation, "observedGeneration"),
    FIELD(struct definition_status_doc, word, "status", WORDS(definition_words)),
    FIELD(struct definition_status_doc, reason, "reason", .max = 128),
    FIELD(struct definition_status_doc, status.message, "statusReason", .max = MESSAGE_MAX),
    LIST(struct definition_status_doc, conditions.items, conditions.count, &condition_type,
         "conditions", .max = 8),
    FIELD(struct definition_status_doc, status.latest_revision, "latestRevision"),
    CUSTOM(struct definition_status_doc, status.active, &numbers_field, "activeRevisions",
           .max = DEFINITION_ACTIVE_TOLD),
    PART(&durations_type, "durations"),
};
const struct object_type job_definition_status_type = OBJECT_TYPE(
    struct definition_status_doc, "JobDefinitionStatus", definition_fields, .open = true);

uint64_t job_definition_status_hash(const struct job_definition_status *status)
{
    const char *texts[] = {status->status, status->reason, status->message};
    const int64_t numbers[] = {status->observed_generation, status->latest_revision,
                               status->runs.count, status->runs.mean_ms, status->runs.deviation_ms};
    uint64_t hash = hash_bytes(numbers, sizeof(numbers), 1);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        const char *text = texts[i] != NULL ? texts[i] : "";
        hash = hash_bytes(text, strlen(text), hash);
    }
    return hash_bytes(status->active.items, status->active.count * sizeof(int64_t), hash);
}

void job_definition_status_read(struct json_object *value, struct job_definition *definition)
{
    struct definition_status_doc doc = {0};
    if (value != NULL && json_decode(&job_definition_status_type, value, JSON_ROOT("status"), &doc,
                                     &(struct err){0}) == 0) {
        definition->latest_revision = doc.status.latest_revision;
        definition->runs = doc.status.runs;
        doc.status.status = doc.word;
        doc.status.reason = doc.reason;
        definition->told_hash = job_definition_status_hash(&doc.status);
    }
    json_done(&job_definition_status_type, &doc);
}

struct json_object *job_definition_status_encode(const struct object_meta *meta,
                                                 const struct job_definition_status *status,
                                                 struct json_object *previous, int64_t now_ns)
{
    AUTO_TEXT word = text_copy(status->status);
    AUTO_TEXT reason = text_copy(status->reason);
    const struct definition_status_doc doc = {.status = *status, .word = word, .reason = reason};
    struct condition_wanted wanted[2];
    struct json_object *json = json_encode(&job_definition_status_type, &doc);
    if (status->runs.count == 0)
        json_object_object_del(json, "durations");

    bool valid = !text_eq(status->status, "INVALID");
    conditions_ready(valid ? READY_YES : READY_STALLED, status->reason, status->message, wanted);
    json_put(json, "conditions",
             conditions_encode(wanted, ARRAY_LEN(wanted), status->observed_generation, previous,
                               now_ns));
    return status_document("JobDefinition", meta, json);
}

/* ---- ArrayState ---- */

void array_status_done(struct array_status *status)
{
    json_done(&array_type, status);
}

struct array_doc {
    char *job_uid;
    struct array_status status;
};

static const struct field array_doc_fields[] = {
    FIELD(struct array_doc, job_uid, "jobUid", .required = true, .max = 128),
    FIELD(struct array_doc, status.size, "size", .required = true, .min = 1,
          .max = JOB_ARRAY_SIZE_MAX),
    LIST(struct array_doc, status.failures, status.failure_count, &failure_type, "failures",
         .max = JOB_FAILURE_GROUPS_MAX),
    FIELD(struct array_doc, status.other_attempts, "otherFailedAttempts"),
    FIELD(struct array_doc, status.other_children, "otherFailedChildren"),
    FIELD(struct array_doc, status.history, "history", .max = HISTORY_TEXT_MAX),
    FIELD(struct array_doc, status.history_left_out, "historyLeftOut"),
    FIELD(struct array_doc, status.encoding, "encoding", .required = true, WORDS(encoding_words)),
    FIELD(struct array_doc, status.data, "data", .required = true, .max = DATA_MAX),
    FIELD(struct array_doc, status.refusals, "refusals", .max = DATA_MAX),
    FIELD(struct array_doc, status.results, "results", .max = RESULTS_BYTES_MAX),
    FIELD(struct array_doc, status.results_left_out, "resultsLeftOut"),
    FIELD(struct array_doc, status.inputs, "inputs", .max = INPUTS_TEXT_MAX),
};
const struct object_type array_state_type =
    OBJECT_TYPE(struct array_doc, "ArrayState", array_doc_fields, .open = true);

struct json_object *array_state_encode(const struct batch_job *job, const char *resource_version,
                                       const struct array_status *status)
{
    AUTO_TEXT uid = text_copy(job->meta.uid);
    const struct array_doc doc = {.job_uid = uid, .status = *status};
    struct json_object *json = json_encode(&array_state_type, &doc);
    struct json_object *metadata = json_object_new_object();
    json_put_text(metadata, "name", job->meta.name);
    json_put_text(metadata, "namespace", job->meta.namespace_);
    json_put_text(metadata, "resourceVersion", resource_version);
    json_put(metadata, "ownerReferences", job_owner_references(&job->meta));
    json_put_text(json, "apiVersion", API_VERSION);
    json_put_text(json, "kind", "ArrayState");
    json_put(json, "metadata", metadata);
    return json;
}

int array_state_decode(struct json_object *doc_json, char **ret_job_uid,
                       struct array_status *ret_status, char **ret_resource_version,
                       struct err *err)
{
    struct array_doc doc = {0};
    if (json_decode(&array_state_type, doc_json, JSON_ROOT("arrayState"), &doc, err) < 0) {
        json_done(&array_state_type, &doc);
        return -1;
    }
    *ret_job_uid = doc.job_uid;
    *ret_status = doc.status;
    *ret_resource_version =
        text_copy(json_get_text(json_get_object(doc_json, "metadata"), "resourceVersion"));
    return 0;
}
