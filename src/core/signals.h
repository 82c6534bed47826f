/* SPDX-License-Identifier: Apache-2.0 */
/* signals.h - machines of which it is known beforehand that they go
 *
 * A signal comes from the provider (struct instance), or from a taint that a termination handler
 * sets on the Node. It is never taken back: a machine that has one takes nothing new, is given
 * back as soon as it is empty, and counts as leaving when minvCpus are looked at. What runs there
 * runs on. A node that somebody cordoned takes nothing new either and counts as leaving, but is
 * given back no sooner than others. */
#ifndef BULKHEAD_CORE_SIGNALS_H
#define BULKHEAD_CORE_SIGNALS_H

#include "internal.h"

enum instance_signal node_signal(const struct core_node *node); /* the worse of the two */
bool node_is_leaving(const struct core_node *node);             /* signalled or cordoned */
/* vCPUs of machines that go: told to, signalled or cordoned. */
int64_t environment_vcpus_leaving(const struct core_environment *environment);

/* The provider says so of the machine, perhaps again. */
void instance_take_signal(struct core *core, struct core_instance *instance,
                          const struct instance *told);
/* Once all that one answer says of them is taken: one Event for all that are new. */
void signals_notice(struct core *core, struct core_environment *environment);
/* node->spec is another one. */
void node_take_signal(struct core *core, struct core_node *node);

#endif
