/* SPDX-License-Identifier: Apache-2.0 */
/* static.c - the provider of machines that somebody else looks after
 *
 * The nodes that carry the environment's label are the group, so there is nothing to list, nothing
 * to buy and nothing to send away here. */
#include "group.h"

static void static_types(struct node_group *group, provider_callback done, void *ctx)
{
    group_begin(group, GROUP_TYPES, done, ctx);
    group_refuse(group, GROUP_TYPES, PROVIDER_OK, "%s", "");
}

static void static_observe(struct node_group *group, provider_callback done, void *ctx)
{
    group_begin(group, GROUP_OBSERVE, done, ctx);
    group_refuse(group, GROUP_OBSERVE, PROVIDER_OK, "%s", "");
}

static void static_launch(struct node_group *group, const char *instance_type, const char *zone,
                          int64_t count, const char *token, provider_callback done, void *ctx)
{
    UNUSED(instance_type);
    UNUSED(zone);
    UNUSED(count);
    UNUSED(token);
    group_begin(group, GROUP_LAUNCH, done, ctx);
    group_refuse(group, GROUP_LAUNCH, PROVIDER_INVALID,
                 "compute environment %s has static nodes: it cannot launch any; label nodes "
                 "with " LABEL_ENVIRONMENT "=%s to add them",
                 group->name, group->name);
}

static void static_terminate(struct node_group *group, const char *const *ids, size_t count,
                             provider_callback done, void *ctx)
{
    UNUSED(ids);
    UNUSED(count);
    group_begin(group, GROUP_TERMINATE, done, ctx);
    group_refuse(group, GROUP_TERMINATE, PROVIDER_INVALID,
                 "compute environment %s has static nodes: it cannot terminate any", group->name);
}

static void static_free(struct node_group *group)
{
    UNUSED(group);
}

const struct provider provider_static = {
    .name = "static",
    .types = static_types,
    .observe = static_observe,
    .launch = static_launch,
    .terminate = static_terminate,
    .free_state = static_free,
};
