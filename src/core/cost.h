/* SPDX-License-Identifier: Apache-2.0 */
/* cost.h - what work costs: see cost.c */
#ifndef BULKHEAD_CORE_COST_H
#define BULKHEAD_CORE_COST_H

#include "internal.h"

/* A try has ended: its job, and its queue since the start of the process, are charged. */
void cost_take(struct core *core, const struct core_pod *pod, const struct pod *seen);
/* Of the machines that there are, an hour, in millionths; those without a known price cost 0. */
int64_t environment_price(const struct core_environment *environment);

#endif
