/* SPDX-License-Identifier: Apache-2.0 */
/* ladder.h - capacity on its way, step by step: see ladder.c */
#ifndef BULKHEAD_CORE_LADDER_H
#define BULKHEAD_CORE_LADDER_H

#include "internal.h"

/* Its node is seen to be Ready for the first time: how long did that take? */
void ladder_joined(struct core *core, struct core_instance *instance);
/* A pod of ours has started there. */
void ladder_served(struct core_node *node);
/* The provider tells of it, or its Node does. */
void ladder_look(struct core *core, struct core_instance *instance);
/* Hints live in the arena. */
void ladder_fill(const struct core *core, const struct core_environment *environment,
                 struct arena *arena, struct compute_environment_status *status);
/* "ACQUIRED since ...": the oldest of those that are coming. */
void ladder_words(const struct core_environment *environment, struct str *out);
/* From launch to Ready, as it was seen on average, or as the catalogue says; 0: not known. */
int64_t type_boot_ns(const struct core_type *type);
bool type_boot_is_seen(const struct core_type *type);

#endif
