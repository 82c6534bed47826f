/* SPDX-License-Identifier: Apache-2.0 */
/* users.c - draws a scenario and plays its people
 *
 * A scenario is a few environments, queues and jobs, a set of faults with an intensity each, and a
 * moment after which nothing goes wrong any more. How long each attempt runs and how it exits is a
 * function of the seed, the job, the child and the attempt, so it is known before it happens. */
#include "sim/world.h"

#include "bulkhead/base/str.h"

#include <string.h>

static const char *const namespaces[NAMESPACE_COUNT] = {"red", "blue"};

/* --- The truth about programs ------------------------------------------------------------------
 */

static uint64_t truth_hash(const struct world *world, const struct sim_job *job, uint32_t index,
                           uint32_t attempt)
{
    uint64_t x = mix64(world->seed ^ ((uint64_t)job->number << 40));
    return mix64(x ^ ((uint64_t)index << 8) ^ attempt);
}

int truth_exit(const struct world *world, const struct sim_job *job, uint32_t index,
               uint32_t attempt)
{
    static const int codes[] = {1, 1, 2, 17, 42, 137};
    uint64_t x = truth_hash(world, job, index, attempt);
    return x % 100 < 25 ? codes[x / 100 % ARRAY_LEN(codes)] : 0;
}

/* Some leave nothing, some a text, most an object. */
const char *truth_result(struct world *world, const struct sim_job *job, uint32_t index,
                         uint32_t attempt)
{
    uint64_t x = mix64(truth_hash(world, job, index, attempt) ^ 0x5e);
    if (x % 10 == 0)
        return NULL;
    unsigned count = (unsigned)(x / 10 % (RESULT_COUNT_MAX + 1));
    if (x % 10 == 1)
        return arena_printf(world->arena, "%u", count);
    return arena_printf(world->arena, "{\"count\":%u,\"of\":{\"job\":\"%u-%u\"}}", count,
                        job->number, index);
}

int64_t truth_run_ns(const struct world *world, const struct sim_job *job, uint32_t index,
                     uint32_t attempt)
{
    uint64_t x = mix64(truth_hash(world, job, index, attempt));
    int64_t ms = x % 10 < 4 ? 1 + (int64_t)(x / 16 % 300) : 300 + (int64_t)(x / 16 % 20000);
    return ms * NS_PER_MS * (world->lends ? 6 : 1);
}

/* --- Jobs --------------------------------------------------------------------------------------
 */

struct template_ draw_template(struct world *world)
{
    static const int64_t cpus[] = {250, 500, 500, 1000, 1000, 1500, 2000, 3800};
    struct template_ result = {
        .cpu_milli = cpus[draw(world, 0, ARRAY_LEN(cpus) - 1)],
        .memory_mib = draw(world, 1, 4) * 256,
    };
    if (chance(world, 40)) {
        result.cpu_milli = 64000;
        world->counters.infeasible++;
    }
    result.assisted = chance(world, 100);
    result.hash =
        mix64((uint64_t)(result.cpu_milli * 4096 + result.memory_mib) * 2 + result.assisted);
    return result;
}

static void draw_retry(struct world *world, struct sim_job *job)
{
    static const struct rule rules[] = {
        {NULL, "Host EC2*", NULL, true}, {NULL, NULL, "42", false},
        {NULL, NULL, "1*", true},        {"CannotPullContainerError*", NULL, NULL, false},
        {"*", NULL, NULL, false},        {NULL, "Essential container in task exited", "2", false},
    };
    if (chance(world, 300))
        return;
    job->attempts = draw(world, 1, 4);
    job->rule_count = (size_t)draw(world, 0, RULES_MAX);
    for (size_t i = 0; i < job->rule_count; i++)
        job->rules[i] = rules[draw(world, 0, ARRAY_LEN(rules) - 1)];
}

static enum dependency_condition draw_condition(struct world *world)
{
    if (chance(world, 600))
        return DEPEND_ON_SUCCESS;
    return chance(world, 500) ? DEPEND_ON_FAILURE : DEPEND_ALWAYS;
}

/* The newest array that the children of this one can wait for; NULL: none. */
static const struct sim_job *newest_array(const struct world *world, const struct sim_job *job)
{
    const struct store *store = &world->stores[KIND_JOB];
    for (size_t i = store->count; i-- > 0;) {
        const struct sim_job *on = (const struct sim_job *)store->items[i];
        if (on->size > 0 && !on->gang && on->invalid == NULL &&
            strcmp(on->object.namespace_, job->object.namespace_) == 0)
            return on;
    }
    return NULL;
}

/* Each child waits for its own one. */
static void draw_own(struct world *world, struct sim_job *job)
{
    const struct sim_job *on = job->gang || job->size == 0 ? NULL : newest_array(world, job);
    if (on == NULL || !chance(world, 250))
        return;
    job->size = on->size;
    job->dependencies[job->dependency_count++] = (struct sim_dependency){
        .name = on->object.name,
        .type = DEPENDENCY_N_TO_N,
        .condition = chance(world, 800) ? DEPEND_ON_SUCCESS : draw_condition(world),
    };
    struct sim_dependency *drawn = &job->dependencies[0];
    drawn->hold = drawn->condition == DEPEND_ON_SUCCESS && chance(world, 300);
    world->counters.dependencies++;
}

static void draw_dependencies(struct world *world, struct sim_job *job)
{
    draw_own(world, job);
    const struct store *store = &world->stores[KIND_JOB];
    if (job->size > 1 && !job->gang && chance(world, 150)) {
        job->dependencies[job->dependency_count++] = (struct sim_dependency){
            .type = DEPENDENCY_SEQUENTIAL, .condition = draw_condition(world)};
        world->counters.dependencies++;
    }
    while (job->dependency_count < DEPENDENCIES_MAX && store->count > 0 && chance(world, 200)) {
        const struct sim_job *on =
            (const struct sim_job *)store->items[draw(world, 0, (int64_t)store->count - 1)];
        if (strcmp(on->object.namespace_, job->object.namespace_) != 0 ||
            (job->dependency_count > 0 &&
             name_eq(job->dependencies[job->dependency_count - 1].name, on->object.name)))
            continue;
        bool pairs = on->size > 0 && job->size > 0 && !on->gang && !job->gang &&
                     on->invalid == NULL && chance(world, 500);
        if (pairs && job->dependency_count == 0)
            job->size = on->size;
        bool n_to_n = pairs && on->size == job->size;
        job->dependencies[job->dependency_count++] = (struct sim_dependency){
            .name = on->object.name,
            .type = n_to_n ? DEPENDENCY_N_TO_N : DEPENDENCY_PLAIN,
            .condition = draw_condition(world),
        };
        struct sim_dependency *drawn = &job->dependencies[job->dependency_count - 1];
        drawn->hold = drawn->condition == DEPEND_ON_SUCCESS && chance(world, 500);
        world->counters.dependencies++;
    }
}

static void draw_replaces(struct world *world, struct sim_job *job)
{
    const struct sim_job *on = job_to_replace(world, job->object.namespace_);
    if (on == NULL || strcmp(on->object.name, job->object.name) == 0)
        return;
    for (size_t i = 0; i < job->dependency_count; i++)
        if (name_eq(job->dependencies[i].name, on->object.name))
            return;
    job->replaces = on->object.name;
    if (!chance(world, 900) || job->gang || on->gang)
        return;
    job->size = on->size;
    for (size_t i = 0; i < job->dependency_count; i++)
        if (job->size == 0 && job->dependencies[i].type != DEPENDENCY_PLAIN)
            job->size = 1; /* then it will be refused */
}

/* What the first dependency leaves, by way of an argument. */
static void draw_use(struct world *world, struct sim_job *job)
{
    static const char *const paths[] = {"", "count", "of.job", "of", "nothing"};
    const struct sim_dependency *first = &job->dependencies[0];
    if (job->dependency_count == 0 || first->name == NULL || job->definition_name != NULL ||
        chance(world, 300))
        return;
    job->uses = paths[draw(world, 0, ARRAY_LEN(paths) - (chance(world, 800) ? 2 : 1))];
    world->counters.uses++;
    world->counters.uses_own += first->type == DEPENDENCY_N_TO_N;
    job->computed = job->size == 0 && !job->gang && job->replaces == NULL && chance(world, 500);
    if (job->computed && chance(world, 800))
        job->uses = "count";
}

static void draw_troubles(struct world *world, struct sim_job *job)
{
    job->timeout_s = timeout_draw(world);
    job->image_hangs = chance(world, 25);
    job->start_deadline_s = chance(world, 300) ? draw(world, 5, 60) : START_DEADLINE_S;
    job->ttl_s = chance(world, 250) ? draw(world, 0, 20) : -1;
    job->refused = chance(world, 25);
    job->unfit = !job->gang && chance(world, 15);
    world->counters.unfit_jobs += job->unfit;
    job->large = job->size > 0 && !job->gang && chance(world, 200);
    if (chance(world, 20)) {
        job->invalid = "spec.retryStrategy.attempts: 0, expected 1..10";
        world->counters.invalid_jobs++;
    }
}

static void draw_gang(struct world *world, struct sim_job *job, const char *namespace_)
{
    job->gang = true;
    job->size = (uint32_t)draw(world, 1, 4);
    job->main_node = (uint32_t)draw(world, 0, job->size - 1);
    job->others = chance(world, 500) ? job->template_ : draw_template(world);
    world->counters.gangs++;
    if (!chance(world, 300))
        return;
    job->definition_name = "nodes";
    const struct sim_definition *definition =
        store_find(world, KIND_DEFINITION, namespace_, job->definition_name);
    job->size = definition->nodes;
    job->main_node = definition->main_node;
    job->template_ = definition->template_;
    job->others = definition->others;
    job->renumbered = chance(world, 400);
    if (job->renumbered)
        job->size = (uint32_t)draw(world, job->main_node + 1, 5);
}

static void submit(struct world *world, const char *name, const char *namespace_, bool mends)
{
    struct sim_job *job = object_new(world, KIND_JOB, sizeof(*job), namespace_, name);
    const struct store *queues = &world->stores[KIND_QUEUE];
    job->number = ++world->job_numbers;
    job->queue = queues->items[draw(world, 0, (int64_t)queues->count - 1)]->name;
    if (chance(world, 20))
        job->queue = "nowhere";
    job->share = share_choose(world);
    job->priority = draw(world, 0, 2);
    job->preemptible = chance(world, 500);
    if (chance(world, 400))
        job->size = (uint32_t)draw(world, 1, chance(world, 300) ? 12 : 4);
    if (job->size > 0 && chance(world, 300))
        job->max_concurrent = draw(world, 1, 3);
    job->template_ = draw_template(world);
    lending_job(world, job);
    if (chance(world, 200)) {
        draw_gang(world, job, namespace_);
    } else if (chance(world, 400)) {
        definition_choose(world, job);
    }
    job->base = job->template_;
    if (!job->gang && chance(world, 150)) {
        job->overridden = true;
        job->template_ = draw_template(world);
        job->template_.assisted = job->base.assisted; /* volumes are not overridden */
        world->counters.overrides++;
    }
    if (chance(world, 500)) {
        job->own_needs = true;
        needs_draw(world, &job->needs);
    }
    world->counters.assisted += job->template_.assisted && !job->gang;
    draw_retry(world, job);
    if (job->gang)
        job->max_concurrent = 0;
    draw_dependencies(world, job);
    if (chance(world, mends ? 1000 : 80))
        draw_replaces(world, job);
    draw_use(world, job);
    draw_troubles(world, job);
    if (chance(world, 200))
        draw_parent(world, job);
    world->counters.arrays += job->size > 0 && !job->gang;
    world->counters.jobs++;
    truth_new(world, job);
    STORY(
        world,
        "user   submits %s/%s x%u to %s: %lldm, %lld attempts, %zu rules, timeout %lld s%s%s%s%s%s",
        namespace_, name, job->size, job->queue, (long long)job->template_.cpu_milli,
        (long long)job->attempts, job->rule_count, (long long)job->timeout_s,
        job->image_hangs ? ", image hangs" : "", job->refused ? ", refused" : "",
        job->dependency_count > 0 ? ", depends" : "", job->replaces != NULL ? ", replaces " : "",
        job->replaces != NULL ? job->replaces : "");
    store_add(world, &job->object);
    if (chance(world, world->faults.user / 10))
        squat(world, job);
    service_troubles(world, job);
}

static void run_submit(struct world *world, struct task *task)
{
    const char *name = arena_printf(world->arena, "job-%lld", (long long)task->n);
    submit(world, name, namespaces[draw(world, 0, NAMESPACE_COUNT - 1)], false);
}

static void run_mend(struct world *world, struct task *task)
{
    const char *name = arena_printf(world->arena, "mend-%lld", (long long)task->n);
    submit(world, name, namespaces[draw(world, 0, NAMESPACE_COUNT - 1)], true);
}

struct again {
    const char *name, *namespace_;
};

static void run_submit_again(struct world *world, struct task *task)
{
    const struct again *again = task->a;
    world->counters.recreates++;
    if (store_find(world, KIND_JOB, again->namespace_, again->name) == NULL)
        submit(world, again->name, again->namespace_, false);
}

/* --- Changes of mind ---------------------------------------------------------------------------
 */

static void *pick(struct world *world, enum kind kind)
{
    const struct store *store = &world->stores[kind];
    return store->count > 0 ? store->items[draw(world, 0, (int64_t)store->count - 1)] : NULL;
}

static void stop_job(struct world *world)
{
    struct sim_job *job = pick(world, KIND_JOB);
    if (job == NULL || job->request_count == ARRAY_LEN(job->requests))
        return;
    enum job_action action = chance(world, 500) ? JOB_CANCEL : JOB_TERMINATE;
    struct sim_ask *ask = &job->requests[job->request_count++];
    *ask = (struct sim_ask){.action = action, .end = UINT32_MAX};
    if (job->size > 0 && chance(world, 500)) { /* now and then beyond the end: then nothing stops */
        ask->first = (uint32_t)draw(world, 0, job->size - 1);
        ask->end = (uint32_t)draw(world, ask->first + 1, job->size + (chance(world, 100) ? 1 : 0));
        ask->indexes = arena_printf(world->arena, "%u-%u", ask->first, ask->end - 1);
        if (ask->end > job->size)
            ask->first = ask->end;
    }
    world->counters.cancels += action == JOB_CANCEL;
    world->counters.terminations += action == JOB_TERMINATE;
    STORY(world, "user   %s %s %s", action == JOB_CANCEL ? "cancels" : "terminates",
          job->object.name, ask->indexes != NULL ? ask->indexes : "");
    store_change(world, &job->object, true);
}

static void delete_job(struct world *world)
{
    struct sim_job *job = pick(world, KIND_JOB);
    if (job == NULL)
        return;
    world->counters.job_deletes++;
    STORY(world, "user   deletes %s", job->object.name);
    cost_job_taken(world, job);
    store_delete(world, &job->object);
    if (chance(world, 600)) {
        struct again *again = arena_alloc(world->arena, sizeof(*again));
        *again = (struct again){job->object.name, job->object.namespace_};
        after(world, draw_ms(world, 0, 3000), run_submit_again, again, NULL, 0);
    }
}

static void delete_pod(struct world *world)
{
    struct sim_pod *pod = pick(world, KIND_POD);
    if (pod == NULL || !pod->ours || pod->object.deleted_ns != 0)
        return;
    world->counters.pod_deletes++;
    STORY(world, "user   deletes pod %s", pod->object.name);
    pod_delete(world, pod, draw(world, 0, 5));
}

static void run_enable(struct world *world, struct task *task)
{
    struct sim_queue *queue = task->a;
    queue->enabled = true;
    store_change(world, &queue->object, true);
}

static void edit_queue(struct world *world)
{
    struct sim_queue *queue = pick(world, KIND_QUEUE);
    if (queue == NULL || !queue->enabled)
        return;
    world->counters.queue_edits++;
    if (chance(world, 300)) {
        queue->keep_before_s = queue->keep_s;
        queue->keep_changed_ns = world->now_ns;
        queue->keep_s = chance(world, 500) ? draw(world, 1, 40) : 0;
        queue->per_node = draw(world, 1, 4);
        STORY(world, "user   lets queue %s keep finished pods for %lld s", queue->object.name,
              (long long)queue->keep_s);
        store_change(world, &queue->object, true);
        return;
    }
    if (chance(world, 400)) {
        quota_edit(world, queue);
        return;
    }
    queue->enabled = false;
    STORY(world, "user   disables queue %s", queue->object.name);
    store_change(world, &queue->object, true);
    after(world, draw_ms(world, 1000, 30000), run_enable, queue, NULL, 0);
}

static void edit_environment(struct world *world)
{
    struct sim_environment *environment = pick(world, KIND_ENVIRONMENT);
    if (environment == NULL || environment->object.deleted_ns != 0)
        return;
    if (chance(world, 80)) {
        world->counters.environment_deletes++;
        STORY(world, "user   deletes environment %s", environment->object.name);
        store_delete(world, &environment->object);
        return;
    }
    world->counters.environment_edits++;
    environment->max_vcpus = draw(world, 1, 8) * 4;
    STORY(world, "user   sets maxvCpus of %s to %lld", environment->object.name,
          (long long)environment->max_vcpus);
    store_change(world, &environment->object, true);
}

static void run_quota(struct world *world, struct task *task)
{
    UNUSED(task);
    world->quota_full = world->forbidden = false;
}

static void run_mischief(struct world *world, struct task *task)
{
    UNUSED(task);
    if (!world->restless)
        return;
    const struct faults *faults = &world->faults;
    after(world, draw_ms(world, 200, 9000), run_mischief, NULL, NULL, 0);
    if (chance(world, faults->user)) {
        static void (*const acts[])(struct world *) = {
            stop_job,        delete_job,       delete_pod, edit_queue,
            consumable_edit, edit_environment, policy_edit};
        acts[draw(world, 0, ARRAY_LEN(acts) - 1)](world);
    }
    if (chance(world, faults->edit))
        definition_edit(world);
    if (chance(world, faults->spot))
        provider_spot(world);
    if (chance(world, faults->capacity))
        provider_capacity(world);
    capacity_mischief(world);
    if (chance(world, faults->partition))
        node_partition(world);
    if (chance(world, faults->kubelet_restart))
        kubelet_restart(world);
    if (chance(world, faults->quota) || chance(world, faults->forbidden)) {
        world->quota_full = faults->quota > 0;
        world->forbidden = !world->quota_full;
        after(world, draw_ms(world, 500, 10000), run_quota, NULL, NULL, 0);
    }
    if (world->has_sink)
        sink_mischief(world);
    if (chance(world, 60))
        foreign_pod(world);
    if (chance(world, faults->crash * 8))
        shell_crash(world, draw_ms(world, 50, 8000));
}

/* --- Scenarios ---------------------------------------------------------------------------------
 */

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
    world->type_count = (size_t)draw(world, 1, TYPES_MAX);
    for (size_t i = 0; i < world->type_count; i++)
        world->types[i] = (struct machine_type){.name = names[i],
                                                .vcpus = (int64_t)2 << i,
                                                .memory_mib = (int64_t)8192 << i,
                                                .price = draw(world, 8, 12) << i,
                                                .spot_price = draw(world, 0, 8) << i,
                                                .interruption = draw(world, -1, 30),
                                                .available = -1};
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
    environment->delay_ns = draw(world, 0, 60) * NS_PER_S;
    environment->strategy = (enum allocation_strategy)draw(world, 0, ALLOCATE_LOWEST_PRICE_PACKING);
    environment->spot = environment->strategy == ALLOCATE_SPOT_CAPACITY ||
                        environment->strategy == ALLOCATE_SPOT_PRICE_CAPACITY || chance(world, 300);
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
    draw_faults(world);
    draw_types(world);
    if (chance(world, 300)) {
        struct sim_daemon_set *set =
            object_new(world, KIND_DAEMON_SET, sizeof(*set), "kube-system", "agent");
        set->cpu_milli = draw(world, 1, 3) * 100;
        set->memory_mib = 128;
        store_add(world, &set->object);
    }
    consumables_draw(world);
    policies_draw(world);
    size_t environments = (size_t)draw(world, 1, ARRAY_LEN(environment_names));
    for (size_t i = 0; i < environments && i < ARRAY_LEN(environment_names); i++)
        draw_environment(world, environment_names[i]);
    size_t queues = (size_t)draw(world, 1, ARRAY_LEN(queue_names));
    for (size_t i = 0; i < queues && i < ARRAY_LEN(queue_names); i++)
        draw_queue(world, queue_names[i]);
    for (size_t i = 0; i < NAMESPACE_COUNT; i++) {
        definition_add(world, namespaces[i]);
        definition_add_nodes(world, namespaces[i]);
    }

    lending_draw(world);
    int64_t burst = chance(world, 400) && !world->lends ? 100 : 60000;
    for (int64_t i = 0, count = chance(world, world->lends ? 1000 : 100) ? draw(world, 8, 20)
                                                                         : draw(world, 1, 7);
         i < count; i++)
        after(world, draw_ms(world, 0, burst), run_submit, NULL, NULL, i);
    for (int64_t i = 0; i < 3 && chance(world, 400); i++)
        after(world, burst * NS_PER_MS + draw_ms(world, 0, 60000), run_mend, NULL, NULL, i);
    world->restless = true;
    after(world, draw_ms(world, 1000, 9000), run_mischief, NULL, NULL, 0);
    int64_t calm_ns = burst * NS_PER_MS + draw_ms(world, 2000, 90000);
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

/* --- Must it end? ------------------------------------------------------------------------------
 */

static bool fits_somewhere(const struct world *world, const struct sim_job *job,
                           const struct template_ *template_,
                           const struct sim_environment *environment)
{
    int64_t reserve = 100; /* what a node may have less than promised */
    int64_t cpu_milli = template_->cpu_milli;
    if (job->gang && job->others.cpu_milli > cpu_milli)
        cpu_milli = job->others.cpu_milli; /* then it fits, whatever goes where */
    for (size_t i = 0; i < world->stores[KIND_DAEMON_SET].count; i++)
        reserve += ((struct sim_daemon_set *)world->stores[KIND_DAEMON_SET].items[i])->cpu_milli;
    if (environment->managed) {
        for (size_t i = 0; i < world->type_count; i++)
            if (world->types[i].vcpus * 1000 - reserve >= cpu_milli &&
                world->types[i].vcpus * (job->gang ? job->size : 1) <= environment->max_vcpus)
                return true;
        return false;
    }
    uint32_t found = 0;
    const struct store *nodes = &world->stores[KIND_NODE];
    for (size_t i = 0; i < nodes->count; i++) {
        const struct sim_node *node = (const struct sim_node *)nodes->items[i];
        if (name_eq(node->environment, environment->object.name) && node->instance->alive &&
            node->cpu_milli - reserve >= cpu_milli && ++found >= (job->gang ? job->size : 1))
            return true;
    }
    return false;
}

/* As a whole: what waits of it will end. */
static bool is_stopped(const struct sim_job *job)
{
    for (size_t i = 0; i < job->request_count; i++)
        if (job->requests[i].indexes == NULL)
            return true;
    return false;
}

static bool feasible(const struct world *world, const struct sim_job *job, int depth);

/* The one that it has recorded: the name may be another's by now. NULL: none, or it is gone. */
static const struct sim_job *recorded(const struct world *world, const struct sim_job *job,
                                      const char *name)
{
    for (size_t i = 0; job->status != NULL && i < job->status->status.dependency_count; i++) {
        const struct dependency_record *record = &job->status->status.dependencies[i];
        const struct truth *truth = name_eq(record->job_name, name) && record->uid != NULL
                                        ? truth_of(world, record->uid)
                                        : NULL;
        if (truth != NULL)
            return truth->job->object.gone ? NULL : truth->job;
    }
    return store_find(world, KIND_JOB, job->object.namespace_, name);
}

/* Will what it waits for come to an end that decides about it? */
static bool will_be_decided(const struct world *world, const struct sim_job *job, const char *name,
                            const struct sim_dependency *dependency, int depth)
{
    const struct sim_job *on = dependency != NULL && dependency->hold
                                   ? recorded(world, job, name)
                                   : store_find(world, KIND_JOB, job->object.namespace_, name);
    if (on != NULL && dependency != NULL && dependency->condition == DEPEND_ON_SUCCESS)
        on = stand_in(world, on);
    bool on_ended = on != NULL && on->status != NULL && on->status->status.phase >= JOB_SUCCEEDED;
    if (on == NULL || (!on_ended && !feasible(world, on, depth + 1)))
        return false; /* then it waits, or fails: either is right */
    return dependency == NULL || !dependency->hold || on->status == NULL ||
           on->status->status.phase == JOB_SUCCEEDED;
}

static bool feasible(const struct world *world, const struct sim_job *job, int depth)
{
    if (is_stopped(job) || must_stop_from_above(world, job) || job->invalid != NULL)
        return true;
    const struct template_ *template_ = revision_template(world, job);
    const struct sim_queue *queue = store_find(world, KIND_QUEUE, NULL, job->queue);
    if (queue == NULL || queue->object.deleted_ns != 0 || template_ == NULL || depth > 20 ||
        !needs_feasible(world, job) || !quota_feasible(queue, job, template_) ||
        !reservation_feasible(world, queue))
        return false;
    for (size_t i = 0; i < job->dependency_count; i++) {
        const struct sim_dependency *dependency = &job->dependencies[i];
        if (dependency->name != NULL &&
            !will_be_decided(world, job, dependency->name, dependency, depth))
            return false;
    }
    if (job->replaces != NULL && !will_be_decided(world, job, job->replaces, NULL, depth))
        return false;
    for (size_t i = 0; i < queue->environment_count; i++) {
        const struct sim_environment *environment =
            store_find(world, KIND_ENVIRONMENT, NULL, queue->environments[i]);
        if (environment == NULL || environment->object.deleted_ns != 0)
            continue;
        for (size_t n = 0; n < environment->namespace_count; n++)
            if (strcmp(environment->namespaces[n], job->object.namespace_) == 0 &&
                fits_somewhere(world, job, template_, environment))
                return true;
    }
    return false;
}

bool job_feasible(const struct world *world, const struct sim_job *job)
{
    return feasible(world, job, 0);
}
