/* SPDX-License-Identifier: Apache-2.0 */
#include "bulkhead/api/queue.h"

#include "bulkhead/api/tables.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- spec ---- */

static const struct field order_fields[] = {
    FIELD(struct environment_order, order, "order", .required = true, .min = 0, .max = 1000000),
    FIELD(struct environment_order, compute_environment, "computeEnvironment", .required = true,
          .max = 63, .format = &format_name),
};
static const struct object_type order_type =
    OBJECT_TYPE(struct environment_order, "ComputeEnvironmentOrder", order_fields);

/* AWS's words, the first of them with BLOCKED_CAPACITY. */
const char *const blocked_words[4] = {
    "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE",
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
    "MISCONFIGURATION:EC2_INSTANCE_CONFIGURATION_UNSUPPORTED",
};

const char *blocked_reason_name(enum blocked_reason reason)
{
    return reason == BLOCKED_NONE ? NULL : blocked_words[reason - 1];
}

static const char *const limit_state_words[] = {"RUNNABLE"};
static const char *const limit_action_words[] = {"CANCEL"};

static const struct field limit_fields[] = {
    WORD(struct time_limit_action, reason, blocked_words, "reason", .required = true,
         .min = BLOCKED_CAPACITY),
    WORD(struct time_limit_action, state, limit_state_words, "state", .required = true),
    FIELD(struct time_limit_action, seconds, "maxTimeSeconds", .required = true, .min = 1,
          .max = QUEUE_TIME_LIMIT_S_MAX),
    WORD(struct time_limit_action, action, limit_action_words, "action", .required = true),
};
static const struct object_type limit_type =
    OBJECT_TYPE(struct time_limit_action, "JobStateTimeLimitAction", limit_fields);

static const struct field finished_fields[] = {
    FIELD(struct finished_pods, keep_s, "keepSeconds", .required = true, .min = 0,
          .max = KEEP_S_MAX),
    FIELD(struct finished_pods, per_node, "maxPerNode", .min = 1, .max = KEEP_PER_NODE_MAX,
          .fallback = KEEP_PER_NODE),
};
static const struct object_type finished_type =
    OBJECT_TYPE(struct finished_pods, "FinishedPods", finished_fields);

static const struct field most_fields[] = {
    FIELD(struct job_queue, most.vcpus, "maxvCpus", .min = 1, .max = QUEUE_VCPUS_MAX),
    BYTES(struct job_queue, most.memory_bytes, "maxMemory", .min = 1),
    FIELD(struct job_queue, most.gpus, "maxGpus", .min = 0, .max = QUEUE_GPUS_MAX),
    FIELD(struct job_queue, most.jobs, "maxRunningJobs", .min = 1, .max = QUEUE_RUNNING_MAX),
};
static const struct object_type most_type =
    OBJECT_TYPE(struct job_queue, "QueueLimits", most_fields);

static const char *const queue_state_words[] = {
    [QUEUE_DISABLED] = "DISABLED", [QUEUE_ENABLED] = "ENABLED", [QUEUE_DRAINING] = "DRAINING"};

static const char *const strategy_words[] = {
    [QUEUE_FIFO] = "FIFO", [QUEUE_BEST_EFFORT] = "BEST_EFFORT_FIFO", [QUEUE_BACKFILL] = "BACKFILL"};

static const struct field spec_fields[] = {
    WORD(struct job_queue, strategy, strategy_words, "queueingStrategy"),
    WORD(struct job_queue, state, queue_state_words, "state", .fallback = QUEUE_ENABLED),
    FIELD(struct job_queue, priority, "priority", .min = 0, .max = QUEUE_PRIORITY_MAX),
    LIST(struct job_queue, environments, environment_count, &order_type, "computeEnvironmentOrder",
         .required = true, .min = 1, .max = QUEUE_ENVIRONMENTS_MAX),
    FIELD(struct job_queue, policy, "schedulingPolicy", .min = 1, .max = 63,
          .format = &format_name),
    FIELD(struct job_queue, namespaces, "kubernetesNamespaces", .max = 64, .item_max = 63,
          .format = &format_namespace),
    ARRAY(struct job_queue, limits, limit_count, &limit_type, "jobStateTimeLimitActions"),
    FIELD(struct job_queue, ttl_s, "ttlSecondsAfterFinished", .min = 0, .max = TTL_S_MAX),
    OBJECT(struct job_queue, finished_pods, &finished_type, "finishedPods"),
    PART(&most_type, "limits"),
};

static int check_limits(const struct job_queue *queue, const struct json_at *at, struct err *err)
{
    const struct json_at list = {at, "jobStateTimeLimitActions", 0};
    for (size_t i = 0; i < queue->limit_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (queue->limits[i].reason == queue->limits[j].reason)
                return json_fail(JSON_AT(JSON_ITEM(&list, i), "reason"), err, "%s is there twice",
                                 blocked_reason_name(queue->limits[i].reason));
        }
    }
    return 0;
}

static int check_queue(const void *object, const struct json_at *at, struct err *err)
{
    const struct job_queue *queue = object;
    const struct json_at list = {at, "computeEnvironmentOrder", 0};
    if (queue->policy != NULL && queue->strategy != QUEUE_FIFO)
        return json_fail(JSON_AT(at, "queueingStrategy"), err,
                         "expected FIFO with a schedulingPolicy, whose shares take turns");
    for (size_t i = 0; i < queue->environment_count; i++) {
        for (size_t j = 0; j < i; j++) {
            const struct environment_order *a = &queue->environments[j];
            const struct environment_order *b = &queue->environments[i];
            if (a->order == b->order)
                return json_fail(JSON_AT(JSON_ITEM(&list, i), "order"), err,
                                 "%" PRId64 " is there twice", b->order);
            if (text_eq(a->compute_environment, b->compute_environment))
                return json_fail(JSON_AT(JSON_ITEM(&list, i), "computeEnvironment"), err,
                                 "%s is there twice", b->compute_environment);
        }
    }
    return check_limits(queue, at, err);
}

const struct object_type job_queue_spec_type =
    OBJECT_TYPE(struct job_queue, "JobQueueSpec", spec_fields, .check = check_queue);

struct job_queue *job_queue_free(struct job_queue *queue)
{
    if (queue == NULL)
        return NULL;
    object_meta_done(&queue->meta);
    json_done(&job_queue_spec_type, queue);
    queue_shares_done(&queue->shares);
    queue_cost_done(&queue->cost);
    free(queue);
    return NULL;
}

static int by_order(const void *a, const void *b)
{
    const struct environment_order *left = a, *right = b;
    return (left->order > right->order) - (left->order < right->order);
}

int job_queue_decode(struct json_object *doc, struct job_queue **ret_queue, struct err *err)
{
    AUTO(job_queue) queue = mem_new(sizeof(*queue));
    if (object_meta_decode(doc, &queue->meta, err) < 0)
        return err_wrap(err, "job queue");
    if (json_decode(&job_queue_spec_type, json_get(doc, "spec"), JSON_ROOT("spec"), queue, err) < 0)
        return -1;
    qsort(queue->environments, queue->environment_count, sizeof(*queue->environments), by_order);
    queue->observed_generation =
        json_get_i64(json_get_object(doc, "status"), "observedGeneration", 0);
    queue->draining_since_ns = json_get_time(json_get_object(doc, "status"), "drainingSince");
    struct json_object *shares = json_get_object(json_get_object(doc, "status"), "shares");
    struct err ignored = {0};
    if (shares != NULL && json_decode(&queue_shares_type, shares, JSON_ROOT("status.shares"),
                                      &queue->shares, &ignored) < 0) {
        queue_shares_done(&queue->shares); /* damaged by somebody: as if nothing had been used */
        queue->shares = (struct queue_shares){0};
    }
    queue_cost_decode(json_get(json_get_object(doc, "status"), "cost"), &queue->cost);
    *ret_queue = STEAL(queue);
    return 0;
}

/* ---- status ---- */

struct queue_status_doc {
    struct job_queue_status status;
    char *word, *reason;
    struct condition_list conditions;
};

static const char *const status_words[] = {"VALID", "INVALID", "DELETING"};

static const struct field used_fields[] = {
    FIELD(struct queue_status_doc, status.used.vcpus, "vcpus"),
    BYTES(struct queue_status_doc, status.used.memory_bytes, "memory"),
    FIELD(struct queue_status_doc, status.used.gpus, "gpus"),
    FIELD(struct queue_status_doc, status.used.jobs, "runningJobs"),
};
static const struct object_type used_type =
    OBJECT_TYPE(struct queue_status_doc, "QueueUsed", used_fields);
static const struct field front_fields[] = {
    FIELD(struct queue_front, job, "job", .max = 320),
    FIELD(struct queue_front, position, "position"),
    FIELD(struct queue_front, reason, "reason", .max = 128),
    FIELD(struct queue_front, message, "message", .max = QUEUE_FRONT_WORDS_MAX),
    TIME(struct queue_front, earliest_ns, "earliestStart"),
    FIELD(struct queue_front, estimate, "estimate", .max = QUEUE_FRONT_WORDS_MAX),
};
static const struct object_type front_type =
    OBJECT_TYPE(struct queue_front, "QueueFront", front_fields, .open = true);

static const struct field reservation_fields[] = {
    FIELD(struct queue_reservation, job, "job", .max = 320),
    FIELD(struct queue_reservation, environment, "environment", .max = 63),
    FIELD(struct queue_reservation, node, "node", .max = 253),
    FIELD(struct queue_reservation, node_count, "nodeCount"),
    TIME(struct queue_reservation, starts_by_ns, "startsBy"),
    FIELD(struct queue_reservation, message, "message", .max = QUEUE_FRONT_WORDS_MAX),
};
static const struct object_type reservation_type =
    OBJECT_TYPE(struct queue_reservation, "QueueReservation", reservation_fields, .open = true);

static const struct field status_fields[] = {
    FIELD(struct queue_status_doc, status.observed_generation, "observedGeneration"),
    FIELD(struct queue_status_doc, word, "status", WORDS(status_words)),
    FIELD(struct queue_status_doc, reason, "reason", .max = 128),
    FIELD(struct queue_status_doc, status.message, "statusReason", .max = 4096),
    OBJECT(struct queue_status_doc, status.jobs, &phase_counts_type, "jobs"),
    PART(&used_type, "used"),
    TIME(struct queue_status_doc, status.draining_since_ns, "drainingSince"),
    OBJECT(struct queue_status_doc, status.cost, &queue_cost_type, "cost"),
    ARRAY(struct queue_status_doc, status.front, status.front_count, &front_type, "front"),
    OBJECT(struct queue_status_doc, status.reservation, &reservation_type, "reservation"),
    OBJECT(struct queue_status_doc, status.shares, &queue_shares_type, "shares"),
    LIST(struct queue_status_doc, conditions.items, conditions.count, &condition_type, "conditions",
         .max = 8),
};
const struct object_type job_queue_status_type =
    OBJECT_TYPE(struct queue_status_doc, "JobQueueStatus", status_fields, .open = true);

struct json_object *job_queue_status_encode(const struct object_meta *meta,
                                            const struct job_queue_status *status,
                                            struct json_object *previous, int64_t now_ns)
{
    AUTO_TEXT word = text_copy(status->status);
    AUTO_TEXT reason = text_copy(status->reason);
    const struct queue_status_doc doc = {.status = *status, .word = word, .reason = reason};
    struct condition_wanted wanted[2];
    struct json_object *json = json_encode(&job_queue_status_type, &doc);
    if (status->reservation.job == NULL)
        json_object_object_del(json, "reservation");

    conditions_ready(readiness_of(status->status), status->reason, status->message, wanted);
    json_put(json, "conditions",
             conditions_encode(wanted, ARRAY_LEN(wanted), status->observed_generation, previous,
                               now_ns));
    return status_document("JobQueue", meta, json);
}
