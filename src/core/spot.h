/* SPDX-License-Identifier: Apache-2.0 */
/* spot.h - how often spot machines are taken back, as it is learnt: see spot.c */
#ifndef BULKHEAD_CORE_SPOT_H
#define BULKHEAD_CORE_SPOT_H

#include "internal.h"

/* A machine goes, or will, and not because we told it to. */
void spot_interrupted(struct core *core, struct core_instance *instance);
/* Its machines ran until now; before one is forgotten, and before a status is written. */
void spot_look(struct core *core, struct core_environment *environment);
/* Of 10,000 machines, how many are expected to be taken back in a day; catalogue: what it says. */
int64_t spot_rate(const struct core_environment *environment, const char *type, int64_t catalogue);
void spot_fill(struct core *core, struct core_environment *environment,
               struct compute_environment_status *status);
uint64_t spot_hash(const struct core_environment *environment, uint64_t hash);
void spot_free(struct core_environment *environment);

#endif
