/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"

#include "bulkhead/base/map.h"

#include <assert.h>
#include <stdlib.h>

struct group_call {
    struct group *group;
    uint64_t action_id;
    enum action_kind kind;
    struct group_call *next;
};

struct group {
    struct groups *owner;
    enum provider_kind provider;
    struct node_group *node_group;
    struct group_call *calls; /* in flight: at most one of each verb */
};

struct groups {
    struct groups_options options;
    struct map *by_name;
    size_t in_flight;
};

struct groups *groups_new(const struct groups_options *options)
{
    struct groups *groups = mem_new(sizeof(*groups));
    groups->options = *options;
    groups->by_name = map_new();
    return groups;
}

/* answer NULL: tell nobody. */
static void group_free(struct group *group, const struct provider_answer *answer)
{
    struct groups *groups = group->owner;
    node_group_free(group->node_group);
    while (group->calls != NULL) {
        struct group_call *call = group->calls;
        group->calls = call->next;
        groups->in_flight--;
        if (answer != NULL)
            groups->options.on_answer(groups->options.ctx, answer, call->action_id, call->kind);
        free(call);
    }
    free(group);
}

struct groups *groups_free(struct groups *groups)
{
    if (groups == NULL)
        return NULL;
    struct group *group;
    for (size_t i = 0; (group = map_next(groups->by_name, &i, NULL)) != NULL;)
        group_free(group, NULL);
    map_free(groups->by_name);
    free(groups);
    return NULL;
}

void groups_gone(struct groups *groups, const char *name)
{
    static const struct provider_answer gone = {.result = PROVIDER_AGAIN,
                                                .message = "the environment is gone"};
    struct group *group = name != NULL ? map_remove(groups->by_name, name) : NULL;
    if (group != NULL)
        group_free(group, &gone);
}

void groups_see(struct groups *groups, const struct compute_environment *environment)
{
    const char *name = environment->meta.name;
    struct group *group = map_get(groups->by_name, name);
    if (group != NULL && group->provider != environment->provider) {
        groups_gone(groups, name);
        group = NULL;
    }
    if (group != NULL) {
        node_group_update(group->node_group, environment);
        return;
    }
    group = mem_new(sizeof(*group));
    group->owner = groups;
    group->provider = environment->provider;
    group->node_group = node_group_new(&groups->options.host, environment);
    map_put(groups->by_name, name, group);
}

static void on_answer(void *ctx, const struct provider_answer *answer)
{
    struct group_call *call = ctx;
    struct group_call **link = &call->group->calls;
    struct groups *groups = call->group->owner;
    while (*link != call)
        link = &(*link)->next;
    *link = call->next;
    groups->in_flight--;
    groups->options.on_answer(groups->options.ctx, answer, call->action_id, call->kind);
    free(call);
}

bool groups_start(struct groups *groups, const struct action *action)
{
    struct group *group = map_get(groups->by_name, action->environment);
    if (group == NULL)
        return false;
    struct group_call *call = mem_new(sizeof(*call));
    *call = (struct group_call){
        .group = group, .action_id = action->id, .kind = action->kind, .next = group->calls};
    group->calls = call;
    groups->in_flight++;
    switch (action->kind) {
    case ACTION_PROVIDER_TYPES:
        node_group_types(group->node_group, on_answer, call);
        break;
    case ACTION_PROVIDER_OBSERVE:
        node_group_observe(group->node_group, on_answer, call);
        break;
    case ACTION_PROVIDER_LAUNCH:
        node_group_launch(group->node_group, action->instance_type, action->zone, action->count,
                          action->token, on_answer, call);
        break;
    case ACTION_PROVIDER_TERMINATE:
        node_group_terminate(group->node_group, action->ids, action->id_count, on_answer, call);
        break;
    default:
        assert(false);
    }
    return true;
}

size_t groups_in_flight(const struct groups *groups)
{
    return groups->in_flight;
}
