/* SPDX-License-Identifier: Apache-2.0 */
/* charge.h - what the machines of an environment cost: see charge.c */
#ifndef BULKHEAD_CORE_CHARGE_H
#define BULKHEAD_CORE_CHARGE_H

#include "internal.h"

/* After its machines, or their prices, may have changed. */
void charge_look(struct core *core, struct core_environment *environment);
/* Its status was read: at a start, or as somebody has written it. */
void charge_heard(struct core *core, struct core_environment *environment);
/* Up to a moment that is not before the last look. */
struct environment_cost charge_until(const struct core_environment *environment, int64_t now_ns);
uint64_t charge_hash(const struct core_environment *environment, uint64_t hash);

#endif
