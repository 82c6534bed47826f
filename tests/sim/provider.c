/* SPDX-License-Identifier: Apache-2.0 */
/* provider.c - groups of machines
 *
 * Launches are idempotent by token, also across lives of the process. Capacity of a type runs out
 * and comes back. An answer may be lost after the machines were launched, part of the machines may
 * be had, some never join, and any may die. An observe is a snapshot: its answer can be late. */
#include "sim/world.h"

#include "bulkhead/base/str.h"

#include <string.h>

struct instance_live *group_add(struct world *world, struct group *group, int type)
{
    struct instance_live *instance = arena_alloc(world->arena, sizeof(*instance));
    instance->group = group;
    instance->id = arena_printf(world->arena, "i-%05u", ++world->instance_numbers);
    instance->type = type;
    instance->state = INSTANCE_PENDING;
    instance->launched_ns = world->now_ns;
    instance->alive = instance->joins = true;
    if (group->count == group->capacity) { /* in the arena: the old array is left behind */
        size_t capacity = group->capacity > 0 ? group->capacity * 2 : 8;
        struct instance_live **items =
            arena_alloc(world->arena, capacity * sizeof(struct instance_live *));
        if (group->count > 0)
            memcpy(items, group->items, group->count * sizeof(struct instance_live *));
        group->items = items;
        group->capacity = capacity;
    }
    group->items[group->count++] = instance;
    return instance;
}

int64_t group_vcpus(const struct world *world, const struct group *group)
{
    int64_t sum = 0;
    for (size_t i = 0; i < group->count; i++)
        if (group->items[i]->state < INSTANCE_TERMINATING && group->items[i]->alive)
            sum += world->types[group->items[i]->type].vcpus;
    return sum;
}

bool node_name_in_use(const struct world *world, const char *name)
{
    for (size_t g = 0; g < world->group_count; g++)
        for (size_t i = 0; i < world->groups[g]->count; i++) {
            const struct instance_live *instance = world->groups[g]->items[i];
            if (instance->alive && name_eq(instance->node_name, name))
                return true;
        }
    return false;
}

/* Usually a new name; sometimes the lowest that no living machine has, as with names made of IPs.
 */
const char *node_name_new(struct world *world)
{
    for (uint32_t i = 1; i <= world->node_numbers && chance(world, world->faults.name_reuse); i++) {
        const char *name = arena_printf(world->arena, "node-%u", i);
        if (!node_name_in_use(world, name))
            return name;
    }
    return arena_printf(world->arena, "node-%u", ++world->node_numbers);
}

static void run_boot(struct world *world, struct task *task)
{
    struct instance_live *instance = task->a;
    if (!instance->alive || instance->state >= INSTANCE_TERMINATING)
        return;
    if (task->n == 0) {
        instance->state = INSTANCE_RUNNING;
        return;
    }
    if (instance->joins)
        node_join(world, instance);
}

static void launch(struct world *world, struct group *group, const struct request *request,
                   int type)
{
    struct instance_live *instance = group_add(world, group, type);
    instance->token = request->token;
    instance->node_name = node_name_new(world);
    instance->joins = !chance(world, world->faults.never_join);
    world->counters.launches_never_join += !instance->joins;
    world->counters.launches++;
    world->progress_ns = world->now_ns;
    int64_t boot_ns = chance(world, world->scale->slow_boot_per_mille)
                          ? draw_ms(world, 30000, 200000)
                          : draw_ms(world, 1000, world->scale->boot_ms);
    after(world, boot_ns / 2, run_boot, instance, NULL, 0);
    after(world, boot_ns, run_boot, instance, NULL, 1);
}

static void run_terminated(struct world *world, struct task *task)
{
    struct instance_live *instance = task->a;
    if (task->n == 0)
        instance_die(world, instance);
    instance->state = INSTANCE_TERMINATED;
    instance->dead_ns = world->now_ns;
}

struct instance_live *group_find(const struct group *group, const char *id)
{
    for (size_t i = 0; i < group->count; i++)
        if (strcmp(group->items[i]->id, id) == 0)
            return group->items[i];
    return NULL;
}

static void terminate(struct world *world, struct instance_live *instance, bool stale)
{
    if (instance->state >= INSTANCE_TERMINATING)
        return;
    /* As with launches, what a dead process had sent comes on top of what the next one does. */
    if (stale)
        world->counters.terminates_late++;
    else
        oracle_terminated(world, instance);
    world->counters.terminates++;
    instance->state = INSTANCE_TERMINATING;
    after(world, draw_ms(world, 50, 6000), run_terminated, instance, NULL, 0);
}

/* --- Answers -----------------------------------------------------------------------------------
 */

static void add_answer(struct world *world, struct request *request,
                       const struct instance_live *instance)
{
    struct instances *list = &request->instances;
    struct instance *items = arena_alloc(world->arena, (list->count + 1) * sizeof(*items));
    if (list->count > 0)
        memcpy(items, list->items, list->count * sizeof(*items));
    items[list->count++] = (struct instance){
        .id = arena_copy(world->arena, instance->id),
        .type = arena_copy(world->arena, world->types[instance->type].name),
        .node_name = arena_copy(world->arena, instance->node_name),
        .state = instance->state,
        .signal = instance->signal,
        .launched_ns = instance->launched_ns,
    };
    list->items = items;
}

static void commit_launch(struct world *world, struct group *group, struct request *request)
{
    int64_t before = 0;
    for (size_t i = 0; i < group->count; i++)
        if (name_eq(group->items[i]->token, request->token)) {
            before++;
            add_answer(world, request, group->items[i]);
        }
    if (before > 0) {
        world->counters.launches_repeated++;
        if (before < request->number)
            request->provider = PROVIDER_CAPACITY;
        return;
    }

    int type = -1;
    for (size_t i = 0; i < world->type_count; i++)
        if (strcmp(world->types[i].name, request->instance_type) == 0)
            type = (int)i;
    if (type < 0 || request->token == NULL) {
        violation(world, "launch", "type %s, token %s",
                  request->instance_type != NULL ? request->instance_type : "NULL",
                  request->token != NULL ? request->token : "NULL");
        return;
    }
    int64_t *available = &world->types[type].available;
    for (int64_t i = 0; i < request->number; i++) {
        if (*available == 0 || group->drought) {
            request->provider = PROVIDER_CAPACITY;
            world->counters.launches_partial++;
            break;
        }
        if (*available > 0)
            (*available)--;
        launch(world, group, request, type);
        add_answer(world, request, group->items[group->count - 1]);
    }
    oracle_launched(world, group, request);
}

/* Clouds are eventually consistent: a machine that was told of may be missing from one answer, and
 * is in the next. */
static bool is_left_out(struct world *world, struct instance_live *instance)
{
    bool known = instance->told_to == world->process && !instance->left_out;
    instance->left_out =
        known && world->faults.observe_short > 0 && chance(world, world->faults.observe_short);
    if (instance->left_out)
        world->counters.observes_short++;
    return instance->left_out;
}

static void commit_observe(struct world *world, struct group *group, struct request *request)
{
    for (size_t i = 0; i < group->count; i++) {
        struct instance_live *instance = group->items[i];
        bool vanished = !instance->alive && instance->dead_ns + 30 * NS_PER_S < world->now_ns;
        if (vanished || is_left_out(world, instance))
            continue;
        instance->told_to = request->process; /* the answer to a dead one goes nowhere */
        add_answer(world, request, instance);
    }
}

void provider_commit(struct world *world, struct request *request)
{
    struct group *group = NULL;
    for (size_t i = 0; i < world->group_count; i++)
        if (strcmp(world->groups[i]->environment->object.name, request->environment) == 0)
            group = world->groups[i];
    if (group == NULL) {
        violation(world, "provider", "no environment %s", request->environment);
        return;
    }
    request->provider = PROVIDER_OK;
    if (chance(world, world->faults.provider_error)) {
        world->counters.provider_errors++;
        request->provider = PROVIDER_AGAIN;
        if (request->kind == ACTION_PROVIDER_LAUNCH)
            moment_launch_refused(world, group->environment);
        return;
    }
    if (request->kind == ACTION_PROVIDER_LAUNCH)
        commit_launch(world, group, request);
    if (request->kind == ACTION_PROVIDER_OBSERVE)
        commit_observe(world, group, request);
    for (size_t i = 0; request->kind == ACTION_PROVIDER_TERMINATE && i < request->id_count; i++) {
        struct instance_live *instance = group_find(group, request->ids[i]);
        if (instance == NULL)
            continue;
        terminate(world, instance, request->process != world->process || world->core == NULL);
        add_answer(world, request, instance);
    }
    bool changes =
        request->kind == ACTION_PROVIDER_LAUNCH || request->kind == ACTION_PROVIDER_TERMINATE;
    if (changes && chance(world, world->faults.launch_lost)) {
        world->counters.launches_lost++;
        request->provider = PROVIDER_AGAIN;
        request->instances = (struct instances){0};
    }
}

/* --- Faults ------------------------------------------------------------------------------------
 */

void provider_spot(struct world *world)
{
    struct group *group = world->groups[draw(world, 0, (int64_t)world->group_count - 1)];
    if (group->count == 0)
        return;
    struct instance_live *instance = group->items[draw(world, 0, (int64_t)group->count - 1)];
    if (instance->alive)
        provider_reclaim(world, instance);
}

void provider_reclaim(struct world *world, struct instance_live *instance)
{
    instance_die(world, instance);
    instance->state = INSTANCE_TERMINATING;
    after(world, draw_ms(world, 10, 10000), run_terminated, instance, NULL, 1);
}

void provider_capacity(struct world *world)
{
    struct machine_type *type = &world->types[draw(world, 0, (int64_t)world->type_count - 1)];
    type->available = type->available == -1 ? draw(world, 0, 2) : -1;
    STORY(world, "capacity of %s is %lld now", type->name, (long long)type->available);
}
