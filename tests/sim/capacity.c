/* SPDX-License-Identifier: Apache-2.0 */
/* capacity.c - machines that are told beforehand to go, groups that have none for a while, and the
 * oracle on both
 *
 * The process has heard of a signal when an answer with it was delivered to it; from then on it may
 * place nothing there. A group in a drought launches nothing, whatever the type. */
#include "sim/world.h"

#include "bulkhead/base/str.h"

#include <string.h>

/* ------------------------------------------------------------------------ signals */

static void run_interrupt(struct world *world, struct task *task)
{
    struct instance_live *instance = task->a;
    if (!world->restless || !instance->alive)
        return; /* a machine that was told to go may stay */
    world->counters.interruptions++;
    provider_reclaim(world, instance);
}

static void signal_some(struct world *world)
{
    struct group *group = world->groups[draw(world, 0, (int64_t)world->group_count - 1)];
    if (group->count == 0)
        return;
    struct instance_live *instance = group->items[draw(world, 0, (int64_t)group->count - 1)];
    if (!instance->alive || instance->type < 0 || !group->environment->managed)
        return;
    instance->signal = chance(world, 500) ? SIGNAL_INTERRUPTION : SIGNAL_REBALANCE;
    world->counters.signals++;
    STORY(world, "machine %s (%s): %s", instance->id,
          instance->node_name != NULL ? instance->node_name : "-",
          instance_signal_name(instance->signal));
    if (instance->signal == SIGNAL_INTERRUPTION || chance(world, 300))
        after(world, draw_ms(world, 1000, 120000), run_interrupt, instance, NULL, 0);
}

/* The answer reaches the process. */
void capacity_heard(struct world *world, const struct request *request)
{
    for (size_t i = 0; i < request->instances.count; i++) {
        const struct instance *told = &request->instances.items[i];
        if (told->signal == SIGNAL_NONE)
            continue;
        for (size_t g = 0; g < world->group_count; g++) {
            struct instance_live *instance = group_find(world->groups[g], told->id);
            if (instance != NULL)
                instance->heard_by = world->process;
        }
    }
}

/* Nothing more goes where it is known that the machine goes. */
static void check_create(struct world *world, const struct request *request)
{
    const struct store *store = &world->stores[KIND_NODE];
    for (size_t i = 0; i < store->count && request->node_uid != NULL; i++) {
        const struct sim_node *node = (const struct sim_node *)store->items[i];
        if (strcmp(node->object.uid, request->node_uid) == 0 &&
            node->instance->heard_by == world->process)
            violation(world, "signal", "create %s on %s, which is known to go", request->name,
                      node->object.name);
    }
}

void capacity_sent(struct world *world, const struct request *request)
{
    if (request->kind == ACTION_POD_CREATE)
        check_create(world, request);
}

/* ------------------------------------------------------------------------ droughts */

static void drought(struct world *world)
{
    struct group *group = world->groups[draw(world, 0, (int64_t)world->group_count - 1)];
    group->drought = !group->drought;
    world->counters.droughts += group->drought;
    STORY(world, "%s has %s", group->environment->object.name,
          group->drought ? "no machines for now" : "machines again");
}

bool capacity_dear(const struct world *world, const char *environment)
{
    for (size_t i = 0; i < world->group_count; i++)
        if (strcmp(world->groups[i]->environment->object.name, environment) == 0)
            return world->groups[i]->dear;
    return false;
}

void capacity_mischief(struct world *world)
{
    if (chance(world, world->faults.spot))
        signal_some(world);
    if (chance(world, world->faults.capacity))
        drought(world);
}

void capacity_calm(struct world *world)
{
    for (size_t i = 0; i < world->group_count; i++)
        world->groups[i]->drought = false;
}
