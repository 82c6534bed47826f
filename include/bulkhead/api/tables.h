/* SPDX-License-Identifier: Apache-2.0 */
/* tables.h - the field tables of our kinds, for what compares them with the CRDs
 *
 * Decoders and encoders are in queue.h and job.h; nothing but tests and lint needs these. */
#ifndef BULKHEAD_API_TABLES_H
#define BULKHEAD_API_TABLES_H

#include "bulkhead/json/table.h"

extern const struct object_type job_queue_spec_type;
extern const struct object_type job_queue_status_type;
extern const struct object_type compute_environment_spec_type;
extern const struct object_type compute_environment_status_type;
extern const struct object_type job_definition_spec_type;
extern const struct object_type job_definition_status_type;
extern const struct object_type batch_job_spec_type;
extern const struct object_type batch_job_status_type;
extern const struct object_type consumable_resource_spec_type;
extern const struct object_type consumable_resource_status_type;
extern const struct object_type cell_status_type;
extern const struct object_type scheduling_policy_spec_type;
extern const struct object_type queue_shares_type; /* a part of JobQueueStatus */
extern const struct object_type array_state_type;  /* beside apiVersion, kind and metadata */

/* Shared by the kinds' own files. */
extern const struct object_type retry_strategy_type;
extern const struct object_type consumable_needs_type;
extern const struct object_type condition_type;
extern const struct object_type phase_counts_type;        /* int64_t[JOB_PHASE_COUNT] */
extern const struct custom_field template_field;          /* struct pod_template */
extern const struct custom_field node_template_field;     /* the same, of a multi-node job */
extern const struct custom_field template_override_field; /* struct template_override */
extern const struct custom_field numbers_field;           /* struct number_list, each 1.. */
extern const char *const state_words[2];                  /* DISABLED, ENABLED */
extern const char *const blocked_words[4];                /* from BLOCKED_CAPACITY on */
extern const struct custom_field amount_field;            /* int64_t, millionths: "0.096000" */
extern const struct object_type job_cost_type;
extern const struct object_type queue_cost_type;
extern const struct object_type environment_cost_type;
extern const struct object_type node_properties_type;
extern const struct object_type node_overrides_type;

extern const struct text_format format_label;       /* a DNS label */
extern const struct text_format format_name;        /* the name of an object */
extern const struct text_format format_definition;  /* name or name:revision */
extern const struct text_format format_namespace;   /* one that jobs may run in */
extern const struct text_format format_reason_glob; /* evaluateOnExit */
extern const struct text_format format_code_glob;
extern const struct text_format format_indexes;
extern const struct text_format format_target_nodes; /* of a node range */
extern const struct text_format format_program;
extern const struct text_format format_instance_type;
extern const struct text_format format_share;         /* a share identifier */
extern const struct text_format format_share_pattern; /* or a prefix of them, with * */

/* As read from a status of ours; what does not read so is nothing. */
struct queue_cost;
struct environment_cost;
void queue_cost_decode(struct json_object *value, struct queue_cost *ret_cost);
void environment_cost_decode(struct json_object *value, struct environment_cost *ret_cost);

/* Conditions of a status, decoded so that they can be freed and compared. */
struct condition_record {
    char *type, *status, *reason, *message;
    int64_t observed_generation, changed_ns;
};
struct condition_list {
    struct condition_record *items;
    size_t count;
};
/* What a status says of itself; lastTransitionTime is kept from previous (a whole document, may be
 * NULL) where the status of that condition is the same. Caller owns the result. */
struct condition_wanted {
    const char *type, *status, *reason, *message;
};
struct json_object *conditions_encode(const struct condition_wanted *wanted, size_t count,
                                      int64_t generation, struct json_object *previous,
                                      int64_t now_ns);
/* Ready and Stalled as kstatus reads them. */
enum readiness { READY_YES, READY_NOT_YET, READY_STALLED };
/* VALID: yes; INVALID: stalled; anything else: not yet. */
enum readiness readiness_of(const char *status);
void conditions_ready(enum readiness readiness, const char *reason, const char *message,
                      struct condition_wanted ret_wanted[2]);

/* What was decoded up to an error is in *ret_status all the same; job_status_done frees it. */
struct job_status;
int job_status_decode(struct json_object *value, const struct json_at *at,
                      struct job_status *ret_status, struct err *err);

struct object_meta;
/* {apiVersion, kind, metadata{name, namespace, uid, resourceVersion}, status}; takes the status. */
struct json_object *status_document(const char *kind, const struct object_meta *meta,
                                    struct json_object *status);

#endif
