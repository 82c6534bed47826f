/* SPDX-License-Identifier: Apache-2.0 */
/* scenario.c - draws what there is, what goes wrong and when it ends
 *
 * A scenario is a few environments, queues and jobs, a set of faults with an intensity each, and a
 * moment after which nothing goes wrong any more. */
#include "sim/world.h"

#include "bulkhead/base/str.h"

static const char *const namespaces[NAMESPACE_COUNT] = {"red", "blue"};

static const struct scale normal = {
    .types = TYPES_MAX,
    .environments = ENVIRONMENTS_MAX,
    .queues = 2,
    .jobs = 7,
    .jobs_many_min = 8,
    .jobs_many_max = 20,
    .children = 4,
    .children_many = 12,
    .lent_min = 3,
    .lent_max = 10,
    .burst_ms = 60000,
    .mend_ms = 60000,
    .trouble_min_ms = 2000,
    .trouble_max_ms = 90000,
    .mischief_min_ms = 200,
    .mischief_max_ms = 9000,
    .run_ms = 20000,
    .boot_ms = 20000,
    .slow_boot_per_mille = 100,
    .delay_s = 60,
    .quiet_s = QUIET_S,
    .long_quiet_in = 1,
    .feature_per_mille = 1000,
    .sink_in = 2,
};

static const struct scale small = {
    .types = 2,
    .environments = 2,
    .queues = 2,
    .jobs = 2,
    .jobs_many_min = 3,
    .jobs_many_max = 6,
    .children = 2,
    .children_many = 4,
    .lent_min = 2,
    .lent_max = 4,
    .burst_ms = 4000,
    .mend_ms = 6000,
    .trouble_min_ms = 3000,
    .trouble_max_ms = 25000,
    .late_ms = 6000,
    .mischief_min_ms = 100,
    .mischief_max_ms = 3500,
    .run_ms = 5000,
    .boot_ms = 5000,
    .slow_boot_per_mille = 20,
    .delay_s = 15,
    .quiet_s = 130,
    .long_quiet_in = 8,
    .one_per_mille = 650,
    .feature_per_mille = 150,
    .sink_in = 8,
};

const struct scale *scale_of(bool is_small)
{
    return is_small ? &small : &normal;
}

bool world_has(const struct world *world, enum feature feature)
{
    return (world->features >> feature & 1) != 0;
}

/* Mostly one, where there are to be few. */
int64_t draw_few(struct world *world, int64_t most)
{
    return chance(world, world->scale->one_per_mille) ? 1 : draw(world, 1, most);
}

static void draw_faults(struct world *world)
{
    struct faults *faults = &world->faults;
    const struct {
        int *rate, most;
    } rates[] = {
        {&faults->lag, 300},
        {&faults->stall, 20},
        {&faults->relist, 20},
        {&faults->duplicate, 50},
        {&faults->lost_before, 150},
        {&faults->lost_after, 150},
        {&faults->late, 60},
        {&faults->throttle, 200},
        {&faults->conflict, 200},
        {&faults->quota, 200},
        {&faults->forbidden, 60},
        {&faults->crash, 30},
        {&faults->provider_error, 300},
        {&faults->launch_lost, 300},
        {&faults->capacity, 300},
        {&faults->never_join, 200},
        {&faults->spot, 300},
        {&faults->name_reuse, 900},
        {&faults->kubelet_refuse, 150},
        {&faults->kubelet_evict, 100},
        {&faults->kubelet_restart, 200},
        {&faults->partition, 200},
        {&faults->user, 600},
        {&faults->edit, 900},
    };
    bool none = chance(world, 100);
    for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
        bool on = chance(world, 350);
        int rate = (int)draw(world, 1, rates[i].most);
        *rates[i].rate = on && !none ? rate : 0;
    }
    bool liars = !none && mix64(world->seed ^ 0x6c696172U) % 4 == 0;
    faults->observe_short = liars ? 100 : 0;
    faults->squat = liars ? 10 : 0;
}

static void draw_types(struct world *world)
{
    static const char *const names[TYPES_MAX] = {"m2", "m4", "m8"};
    world->type_count = (size_t)draw_few(world, world->scale->types);
    for (size_t i = 0; i < world->type_count; i++)
        world->types[i] = (struct machine_type){.name = names[i],
                                                .vcpus = (int64_t)2 << i,
                                                .memory_mib = (int64_t)8192 << i,
                                                .price = draw(world, 8, 12) << i,
                                                .spot_price = draw(world, 0, 8) << i,
                                                .interruption = draw(world, -1, 30),
                                                .available = -1};
}

static bool is_for_spot(enum allocation_strategy strategy)
{
    return strategy == ALLOCATE_SPOT_CAPACITY || strategy == ALLOCATE_SPOT_PRICE_CAPACITY;
}

static void draw_environment(struct world *world, const char *name)
{
    struct sim_environment *environment =
        object_new(world, KIND_ENVIRONMENT, sizeof(*environment), NULL, name);
    struct group *group = arena_alloc(world->arena, sizeof(*group));
    environment->managed = world->group_count == 0 || chance(world, 700);
    environment->enabled = true;
    environment->namespaces[environment->namespace_count++] = namespaces[0];
    if (chance(world, 700))
        environment->namespaces[environment->namespace_count++] = namespaces[1];
    environment->min_vcpus = environment->managed && chance(world, 200) ? draw(world, 1, 4) : 0;
    environment->max_vcpus = draw(world, 1, 8) * 4;
    environment->delay_ns = draw(world, 0, world->scale->delay_s) * NS_PER_S;
    environment->strategy = (enum allocation_strategy)draw(world, 0, ALLOCATE_LOWEST_PRICE_PACKING);
    if (is_for_spot(environment->strategy) && !world_has(world, FEATURE_SPOT))
        environment->strategy = ALLOCATE_BEST_FIT;
    environment->spot = is_for_spot(environment->strategy) ||
                        (world_has(world, FEATURE_SPOT) && chance(world, 300));
    environment->bid = draw(world, 40, 100);
    environment->group = group;
    group->dear = chance(world, 300);
    group->environment = environment;
    world->groups[world->group_count++] = group;
    store_add(world, &environment->object);
    for (int64_t i = draw(world, 1, 3); !environment->managed && i > 0; i--) {
        struct instance_live *instance =
            group_add(world, group, (int)draw(world, 0, (int64_t)world->type_count - 1));
        instance->node_name = arena_printf(world->arena, "node-%u", ++world->node_numbers);
        instance->state = INSTANCE_RUNNING;
        node_join(world, instance);
    }
}

static void draw_queue(struct world *world, const char *name)
{
    struct sim_queue *queue = object_new(world, KIND_QUEUE, sizeof(*queue), NULL, name);
    queue->enabled = true;
    queue->priority = draw(world, 0, 3) * 10;
    queue->keep_s = chance(world, 300) ? draw(world, 1, 40) : 0;
    queue->per_node = draw(world, 1, 4);
    quota_draw(world, queue);
    queue->policy = policy_choose(world);
    size_t first = (size_t)draw(world, 0, (int64_t)world->group_count - 1);
    size_t count = (size_t)draw(world, 1, (int64_t)world->group_count);
    for (size_t i = 0; i < count; i++)
        queue->environments[queue->environment_count++] =
            world->groups[(first + i) % world->group_count]->environment->object.name;
    store_add(world, &queue->object);
}

static void run_calm(struct world *world, struct task *task)
{
    UNUSED(task);
    scenario_calm(world);
}

void scenario_draw(struct world *world)
{
    static const char *const environment_names[] = {"env-a", "env-b", "env-c"};
    static const char *const queue_names[] = {"queue-a", "queue-b"};
    const struct scale *scale = world->scale;
    for (unsigned i = 0; i < FEATURE_COUNT; i++)
        if (scale->feature_per_mille == 1000 || chance(world, scale->feature_per_mille))
            world->features |= 1U << i;
    draw_faults(world);
    draw_types(world);
    if (world_has(world, FEATURE_DAEMONS) && chance(world, 300)) {
        struct sim_daemon_set *set =
            object_new(world, KIND_DAEMON_SET, sizeof(*set), "kube-system", "agent");
        set->cpu_milli = draw(world, 1, 3) * 100;
        set->memory_mib = 128;
        store_add(world, &set->object);
    }
    if (world_has(world, FEATURE_CONSUMABLES))
        consumables_draw(world);
    if (world_has(world, FEATURE_POLICIES))
        policies_draw(world);
    size_t environments = (size_t)draw_few(world, scale->environments);
    for (size_t i = 0; i < environments && i < ARRAY_LEN(environment_names); i++)
        draw_environment(world, environment_names[i]);
    size_t queues = (size_t)draw_few(world, scale->queues);
    for (size_t i = 0; i < queues && i < ARRAY_LEN(queue_names); i++)
        draw_queue(world, queue_names[i]);
    for (size_t i = 0; i < NAMESPACE_COUNT && world_has(world, FEATURE_DEFINITIONS); i++) {
        definition_add(world, namespaces[i]);
        definition_add_nodes(world, namespaces[i]);
    }

    lending_draw(world);
    int64_t burst_ms = chance(world, 400) && !world->lends ? 100 : scale->burst_ms;
    users_come(world, burst_ms);
    int64_t calm_ns =
        burst_ms * NS_PER_MS + draw_ms(world, scale->trouble_min_ms, scale->trouble_max_ms);
    world->calm_ns = world->now_ns + calm_ns;
    after(world, calm_ns, run_calm, NULL, NULL, 0);
}

void scenario_calm(struct world *world)
{
    STORY(world, "calm");
    world->restless = false;
    world->faults = (struct faults){0};
    world->quota_full = world->forbidden = world->sink_down = false;
    for (size_t i = 0; i < world->type_count; i++)
        world->types[i].available = -1;
    for (size_t i = 0; i < world->type_count; i++)
        world->types[i].spot_price = 0; /* then it cannot be too high */
    capacity_calm(world);
}
