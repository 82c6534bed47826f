/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions, and the document around a status. */
#include "bulkhead/api/job.h"
#include "bulkhead/api/tables.h"
#include "bulkhead/base/clock.h"
#include "bulkhead/base/str.h"

static const char *const status_words[] = {"True", "False", "Unknown"};

static const struct field condition_fields[] = {
    FIELD(struct condition_record, type, "type", .required = true, .max = 64),
    FIELD(struct condition_record, status, "status", .required = true, WORDS(status_words)),
    FIELD(struct condition_record, observed_generation, "observedGeneration"),
    TIME(struct condition_record, changed_ns, "lastTransitionTime", .required = true),
    FIELD(struct condition_record, reason, "reason", .required = true, .max = 128),
    FIELD(struct condition_record, message, "message", .max = 4096),
};
const struct object_type condition_type =
    OBJECT_TYPE(struct condition_record, "Condition", condition_fields, .open = true);

static struct json_object *find_previous(struct json_object *previous, const char *type)
{
    struct json_object *list = json_get_list(json_get_object(previous, "status"), "conditions");
    for (size_t i = 0; i < json_list_count(list); i++) {
        struct json_object *item = json_list_at(list, i);
        if (text_eq(json_get_text(item, "type"), type))
            return item;
    }
    return NULL;
}

static struct json_object *condition_encode(const struct condition_wanted *wanted,
                                            int64_t generation, struct json_object *previous,
                                            int64_t now_ns)
{
    char text[TIME_TEXT_MAX];
    struct json_object *old = find_previous(previous, wanted->type);
    const char *changed = json_get_text(old, "lastTransitionTime");
    if (changed == NULL || !text_eq(json_get_text(old, "status"), wanted->status))
        changed = time_print(now_ns, text);

    struct json_object *condition = json_object_new_object();
    json_put_text(condition, "type", wanted->type);
    json_put_text(condition, "status", wanted->status);
    json_put_i64(condition, "observedGeneration", generation);
    json_put_text(condition, "lastTransitionTime", changed);
    json_put_text(condition, "reason", wanted->reason);
    if (wanted->message != NULL && wanted->message[0] != '\0')
        json_put_text(condition, "message", wanted->message);
    return condition;
}

struct json_object *conditions_encode(const struct condition_wanted *wanted, size_t count,
                                      int64_t generation, struct json_object *previous,
                                      int64_t now_ns)
{
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < count; i++)
        json_object_array_add(list, condition_encode(&wanted[i], generation, previous, now_ns));
    return list;
}

enum readiness readiness_of(const char *status)
{
    if (text_eq(status, "VALID"))
        return READY_YES;
    return text_eq(status, "INVALID") ? READY_STALLED : READY_NOT_YET;
}

void conditions_ready(enum readiness readiness, const char *reason, const char *message,
                      struct condition_wanted ret_wanted[2])
{
    const char *why = reason != NULL ? reason : "Unknown";
    bool stalled = readiness == READY_STALLED;
    ret_wanted[0] =
        (struct condition_wanted){"Ready", readiness == READY_YES ? "True" : "False", why, message};
    ret_wanted[1] = (struct condition_wanted){"Stalled", stalled ? "True" : "False",
                                              stalled ? why : "NotStalled", stalled ? message : ""};
}

struct json_object *status_document(const char *kind, const struct object_meta *meta,
                                    struct json_object *status)
{
    struct json_object *doc = json_object_new_object();
    struct json_object *metadata = json_object_new_object();
    json_put_text(metadata, "name", meta->name);
    json_put_text(metadata, "namespace", meta->namespace_);
    json_put_text(metadata, "uid", meta->uid);
    json_put_text(metadata, "resourceVersion", meta->resource_version);
    json_put_text(doc, "apiVersion", API_VERSION);
    json_put_text(doc, "kind", kind);
    json_put(doc, "metadata", metadata);
    json_put(doc, "status", status);
    return doc;
}

/* ---- phases ---- */

static const char *const phase_names[JOB_PHASE_COUNT] = {
    [JOB_SUBMITTED] = "SUBMITTED", [JOB_PENDING] = "PENDING", [JOB_RUNNABLE] = "RUNNABLE",
    [JOB_STARTING] = "STARTING",   [JOB_RUNNING] = "RUNNING", [JOB_SUCCEEDED] = "SUCCEEDED",
    [JOB_FAILED] = "FAILED",
};

const char *job_phase_name(enum job_phase phase)
{
    return (unsigned)phase < JOB_PHASE_COUNT ? phase_names[phase] : "UNKNOWN";
}

struct phase_counts {
    int64_t at[JOB_PHASE_COUNT];
};
#define PHASE_COUNT(phase, key)                                                                    \
    FIELD(struct phase_counts, at[phase], key, .min = 0, .max = 1000000000, .keep_zero = true)
static const struct field phase_count_fields[] = {
    PHASE_COUNT(JOB_SUBMITTED, "SUBMITTED"), PHASE_COUNT(JOB_PENDING, "PENDING"),
    PHASE_COUNT(JOB_RUNNABLE, "RUNNABLE"),   PHASE_COUNT(JOB_STARTING, "STARTING"),
    PHASE_COUNT(JOB_RUNNING, "RUNNING"),     PHASE_COUNT(JOB_SUCCEEDED, "SUCCEEDED"),
    PHASE_COUNT(JOB_FAILED, "FAILED"),
};
const struct object_type phase_counts_type =
    OBJECT_TYPE(struct phase_counts, "StatusSummary", phase_count_fields, .open = true);
