/* SPDX-License-Identifier: Apache-2.0 */
/* groups.h - one node group for each compute environment, and the provider calls in flight
 *
 * A group is made when its environment is first seen, follows its spec, and is freed when it is
 * gone; a call that is still in flight then is answered with PROVIDER_AGAIN, so that every action
 * gets its answer. */
#ifndef BULKHEAD_CONTROLLER_GROUPS_H
#define BULKHEAD_CONTROLLER_GROUPS_H

#include "bulkhead/core/core.h"
#include "bulkhead/nodes/provider.h"

struct groups_options {
    struct provider_host host;
    /* From the loop, once a started action; never inside groups_start. Borrowed for the call. */
    void (*on_answer)(void *ctx, const struct provider_answer *answer, uint64_t action_id,
                      enum action_kind kind);
    void *ctx;
};

struct groups;
struct groups *groups_new(const struct groups_options *options);
struct groups *groups_free(struct groups *groups); /* no answers any more */
DEFINE_AUTO(groups, groups_free)

void groups_see(struct groups *groups, const struct compute_environment *environment);
void groups_gone(struct groups *groups, const char *name);
/* PROVIDER_* kinds. false: this environment is not known (any more); there will be no answer. */
bool groups_start(struct groups *groups, const struct action *action);
size_t groups_in_flight(const struct groups *groups);

#endif
