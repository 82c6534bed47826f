/* SPDX-License-Identifier: Apache-2.0 */
/* strategy.h - which instance type, by the allocation strategy: see strategy.c */
#ifndef BULKHEAD_CORE_STRATEGY_H
#define BULKHEAD_CORE_STRATEGY_H

#include "internal.h"

/* What it costs here, and whether that is too much: after its offer or the environment changed. */
void type_refresh_price(const struct core_environment *environment, struct core_type *type);
/* Of 10,000 machines, how many are expected to be taken back; below 10,000. */
int64_t type_interruption(const struct core_environment *environment, const struct core_type *type);
bool type_is_out(const struct core *core, const struct core_type *type); /* set aside for a while */
bool type_may_be_bought(const struct core_type *type); /* named, and not too dear now */
bool type_is_to_be_had(const struct core *core,
                       const struct core_type *type); /* and not set aside */
/* Of those, the one of fewest vCPUs that takes the class; NULL: none. */
const struct core_type *type_smallest(const struct core *core,
                                      const struct core_environment *environment,
                                      const struct core_class *class_);
/* One that the class would fit, if only it were not too dear now; NULL: none. */
const struct core_type *type_over_bid(const struct core_environment *environment,
                                      const struct core_class *class_);

#endif
