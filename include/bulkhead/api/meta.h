/* SPDX-License-Identifier: Apache-2.0 */
/* meta.h - what every Kubernetes object has, and the small lists that several kinds share
 *
 * Ownership  a struct owns all text it points to; each type's _done/_free releases it. Absent text
 *            is NULL, absent numbers are struct opt_i64 with set == false. Times are ns since the
 *            epoch, 0 when absent. */
#ifndef BULKHEAD_API_META_H
#define BULKHEAD_API_META_H

#include "bulkhead/base/err.h"
#include "bulkhead/base/str.h"
#include "bulkhead/json/values.h"

#include <stdbool.h>
#include <stdint.h>

#define API_GROUP "bulkhead.dev"
#define API_VERSION "bulkhead.dev/v1alpha1"

/* Labels, taint, annotations and finalizers that bulkhead owns. */
#define LABEL_JOB_UID "bulkhead.dev/job-uid"
#define LABEL_QUEUE "bulkhead.dev/job-queue"
#define LABEL_ENVIRONMENT                                                                          \
    "bulkhead.dev/compute-environment"   /* pods and nodes; also the taint key */
#define LABEL_INDEX "bulkhead.dev/index" /* first child of the pod's run */
#define LABEL_TRY "bulkhead.dev/try"
#define LABEL_ZONE "topology.kubernetes.io/zone"
#define LABEL_SHARE "bulkhead.dev/share-identifier" /* in a fair-share queue */
#define LABEL_INSTANCE_TYPE "node.kubernetes.io/instance-type"
#define LABEL_INSTANCE_ID "bulkhead.dev/instance-id" /* on nodes */
#define ANNOTATION_JOB "bulkhead.dev/job"            /* the job's name */
#define ANNOTATION_COUNT "bulkhead.dev/count"        /* children in the pod's run */
#define ANNOTATION_ATTEMPT "bulkhead.dev/attempt"
#define LABEL_DEFINITION "bulkhead.dev/job-definition"      /* on revisions: its name, cut to 63 */
#define ANNOTATION_DEFINITION "bulkhead.dev/job-definition" /* on pods: name:revision */
#define ANNOTATION_DEFINITION_UID "bulkhead.dev/job-definition-uid"
#define ANNOTATION_NODE_UID "bulkhead.dev/node-uid"
#define ANNOTATION_CONSUMABLES "bulkhead.dev/consumable-resources" /* "licences=2,tokens=1" */
#define ANNOTATION_PRICE "bulkhead.dev/price-per-hour"             /* its part of its machine's */
#define ANNOTATION_GIVES_WAY "bulkhead.dev/gives-way-to" /* stopped for that share: reclaim.c */
#define ANNOTATION_TAKEOVER "bulkhead.dev/takeover" /* the epoch that was taken then: standby.c */
#define FINALIZER_OUTCOME "bulkhead.dev/outcome"    /* on pods: the outcome is not durable yet */
#define FINALIZER_IN_USE "bulkhead.dev/in-use"      /* on queues, environments, resources */
#define TAINT_ENVIRONMENT LABEL_ENVIRONMENT

struct object_meta {
    char *name;
    char *namespace_; /* NULL on cluster-scoped kinds */
    char *uid;
    char *resource_version;
    int64_t generation;
    int64_t created_ns;
    int64_t deleted_ns; /* deletionTimestamp; 0: not being deleted */
    bool has_finalizer; /* ours: FINALIZER_OUTCOME on pods, FINALIZER_IN_USE on queues, environments
                           and consumable resources */
};

/* A Kubernetes condition (metav1.Condition). */
struct condition {
    const char *type;   /* static text */
    const char *status; /* "True", "False", "Unknown" */
    char *reason;       /* CamelCase */
    char *message;
    int64_t changed_ns; /* lastTransitionTime */
};

void object_meta_done(struct object_meta *meta);

/* A resourceVersion as a number, by which two states of one object are told apart; NULL or no
 * number: 0. */
int64_t version_number(const char *text);

/* For metadata.ownerReferences of what a BatchJob owns: it goes with the job. */
struct json_object;
struct json_object *job_owner_references(const struct object_meta *job);

#endif
