/* SPDX-License-Identifier: Apache-2.0 */
/* giveway.c - an environment that runs empty, because an earlier and cheaper one has machines again
 *
 * When the first environment of a queue runs dry, work goes to the next, and whatever ends there
 * leaves a hole that new work would fill for ever: the dearer machines would stay for as long as
 * there is work. So an environment gives way when each queue that lists it lists another one before
 * it that could buy a machine now, cheaper for each vCPU by a tenth at least than the cheapest
 * machine here. Nothing new is placed here then: it is bought for there. What runs here runs on,
 * and the machines go as they get empty.
 *
 * Nobody is starved by that. As soon as something comes by that no earlier environment can take,
 * for want of capacity or of room in maxvCpus or because it does not fit there, the environment
 * stops giving way and what waits takes the room that there is. Nor is room wasted for long: what
 * is not empty after EMPTY_S is held by long work, whose machine costs the same with holes and
 * without them; then it stops for LONG_PAUSE_S. Otherwise it stops for PAUSE_S at least, so that
 * it does not go to and fro.
 *
 * Cost: while pods run here, one look in LOOK_S at the queues and the environments that they list.
 */
#include "buyer.h"
#include "strategy.h"

enum { LOOK_S = 5, LOOK_SELDOM_S = 60, EMPTY_S = 600, PAUSE_S = 60, LONG_PAUSE_S = 1800 };

__extension__ typedef __int128 wide;

/* For each of the other's vCPUs: comparable, and exact. */
static wide price_over(const struct core_type *type, const struct core_type *other)
{
    return (wide)type->price * other->spec.vcpus;
}

/* a costs less for each vCPU, by a tenth at least. */
static bool much_cheaper(const struct core_type *a, const struct core_type *b)
{
    return price_over(a, b) * 11 <= price_over(b, a) * 10;
}

static const struct core_type *cheaper_of(const struct core_type *a, const struct core_type *b)
{
    if (a == NULL)
        return b;
    return price_over(b, a) < price_over(a, b) ? b : a;
}

static const struct core_type *cheapest_here(const struct core_environment *environment)
{
    const struct core_type *best = NULL;
    for (const struct core_instance *i = environment->instances; i != NULL; i = i->next) {
        const struct core_type *type = environment_type(environment, i->type);
        if (i->state <= INSTANCE_RUNNING && type != NULL && type->spec.vcpus > 0)
            best = cheaper_of(best, type);
    }
    return best;
}

/* Could it buy a machine now that is much cheaper? */
static bool could_take(const struct core *core, const struct core_environment *environment,
                       const struct core_type *here)
{
    if (environment == NULL || !environment_can_buy(environment) ||
        environment_is_silent(core, environment) || environment->gives_way)
        return false;
    int64_t budget = environment->spec->max_vcpus - environment->vcpus;
    for (size_t i = 0; i < environment->type_count; i++) {
        const struct core_type *type = &environment->types[i];
        if (type_is_to_be_had(core, type) && type->spec.vcpus > 0 && type->spec.vcpus <= budget &&
            much_cheaper(type, here))
            return true;
    }
    return false;
}

/* Does the queue list it, and if so, one before it that could take its work? */
static bool has_better(const struct core *core, const struct core_queue *queue,
                       const struct core_environment *environment, const struct core_type *here,
                       bool *ret_listed)
{
    bool better = false;
    for (size_t i = 0; i < queue->spec->environment_count; i++) {
        const char *name = queue->spec->environments[i].compute_environment;
        *ret_listed = text_eq(name, environment->name);
        if (*ret_listed)
            return better;
        better = better || could_take(core, map_get(core->environments, name), here);
    }
    return false;
}

/* ret_seldom: it is the first of a queue, or in none; then it never gives way. */
static bool all_have_better(const struct core *core, const struct core_environment *environment,
                            bool *ret_seldom)
{
    const struct core_type *here = cheapest_here(environment);
    bool any = false;
    bool all = here != NULL;
    for (struct tree_node *n = tree_first(&core->queue_order); n != NULL; n = tree_next(n)) {
        const struct core_queue *queue = CONTAINER_OF(n, struct core_queue, by_priority);
        bool listed = false;
        if (text_eq(queue->spec->environments[0].compute_environment, environment->name)) {
            *ret_seldom = true;
            return false;
        }
        if (all && !has_better(core, queue, environment, here, &listed))
            all = !listed;
        any = any || listed;
    }
    *ret_seldom = !any && here != NULL;
    return all && any;
}

static bool is_growing(const struct core_environment *environment)
{
    for (const struct core_instance *i = environment->instances; i != NULL; i = i->next) {
        if (instance_coming(i))
            return true;
    }
    return environment->launches != NULL;
}

void give_way_end(struct core *core, struct core_environment *environment)
{
    bool long_work = core->now_ns - environment->gives_way_ns >= EMPTY_S * NS_PER_S;
    environment->gives_way = false;
    environment->gave_way_ns = core->now_ns;
    environment->give_way_next_ns = core->now_ns + (long_work ? LONG_PAUSE_S : PAUSE_S) * NS_PER_S;
    environment_touch(core, environment); /* what waits may be placed here again */
    core->more = true;
}

void give_way_for(struct core *core, struct core_environment *environment)
{
    give_way_end(core, environment);
    core->thinking.unsure = true;
}

int64_t give_way_due_ns(const struct core_environment *environment)
{
    bool looks = environment->gives_way || environment->pods_live > 0;
    return looks ? environment->give_way_look_ns : INT64_MAX;
}

void give_way_look(struct core *core, struct core_environment *environment)
{
    if (give_way_due_ns(environment) > core->now_ns)
        return;
    bool seldom = false;
    bool better = all_have_better(core, environment, &seldom);
    environment->give_way_look_ns = core->now_ns + (seldom ? LOOK_SELDOM_S : LOOK_S) * NS_PER_S;
    if (environment->gives_way) {
        bool over = core->now_ns - environment->gives_way_ns >= EMPTY_S * NS_PER_S;
        if (over || !better || environment->pods_live == 0)
            give_way_end(core, environment);
        return;
    }
    if (!better || environment->give_way_next_ns > core->now_ns || is_growing(environment))
        return;
    environment->gives_way = true;
    environment->gives_way_ns = core->now_ns;
}
