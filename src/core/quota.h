/* SPDX-License-Identifier: Apache-2.0 */
/* quota.h - what runs of a queue, against its limits; part of internal.h, see quota.c */
#ifndef BULKHEAD_CORE_QUOTA_H
#define BULKHEAD_CORE_QUOTA_H

#include "bulkhead/api/node.h"
#include "bulkhead/api/queue.h"

struct core;
struct core_pod;
struct core_job;
struct core_queue;

struct queue_use { /* what counts against spec.limits */
    int64_t cpu_milli, memory_bytes, gpus, jobs;
};

struct queue_quota {                /* of one queue */
    struct queue_use used, planned; /* planned: in this buying pass */
    uint64_t planned_pass;
};

/* Pods. */
void quota_take(struct core *core, struct core_pod *pod); /* it is to be made */
void quota_seen(struct core *core, struct core_pod *pod, const struct pod *seen); /* it runs */
void quota_end(struct core *core, struct core_pod *pod); /* it does not run, or not any more */
/* A limit has been lowered since the pod was placed, and it would be above it. */
bool quota_is_passed(const struct core_pod *pod);
/* Of a multi-node job: that it runs, and what the parts take that are still to start. */
void quota_keep(struct core *core, struct core_job *job);

/* How many more of its children, or multi-node jobs as it, may start now: INT64_MAX without limits.
 */
int64_t quota_times(const struct core *core, const struct core_job *job);
/* How many there will be machines for; they count against work that follows in this pass. */
int64_t quota_buy(struct core *core, const struct core_job *job, int64_t wanted);
void quota_tell(const struct core_queue *queue, struct queue_limits *ret_used);
char *quota_check(const struct core *core); /* see core_check */

#endif
