/* SPDX-License-Identifier: Apache-2.0 */
/* cost.h - what work costs: see cost.c */
#ifndef BULKHEAD_CORE_COST_H
#define BULKHEAD_CORE_COST_H

#include "internal.h"

enum { SHARE_ONE = 1000000, SECONDS_A_HOUR = 3600 };

#define COST_GPU "nvidia.com/gpu"

/* A try has ended: its job is charged. */
void cost_take(struct core *core, const struct core_pod *pod, const struct pod *seen);
/* It has ended, or is told of. A status of a dead process that has come since may tell of the same
 * tries, with prices that are not known any more: what is stored never goes down. */
void cost_late(struct core_job *job);
int64_t pod_price(const struct core_pod *pod); /* millionths an hour where it is; 0: not known */
int64_t instance_price(const struct core_instance *instance); /* likewise */
/* Of a machine of that type there, the same. */
int64_t type_price(const struct core_environment *environment, const struct core_type *type);
/* The part of a machine that they are, in millionths: the largest of any resource; alone: all. */
int64_t amounts_share(const struct amounts *needs, const struct amounts *all, bool alone);
void cost_add(struct job_cost *sum, const struct job_cost *more);
/* Of the machines that there are, an hour, in millionths; those without a known price cost 0. */
int64_t environment_price(const struct core_environment *environment);

#endif
