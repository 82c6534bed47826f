/* SPDX-License-Identifier: Apache-2.0 */
/* users.c - plays the people of a scenario
 *
 * How long each attempt runs and how it exits is a function of the seed, the job, the child and the
 * attempt, so it is known before it happens. */
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
    int64_t long_ns = moment_run_ns(world, job, index, x);
    if (long_ns != 0)
        return long_ns;
    int64_t ms = x % 10 < 4 ? 1 + (int64_t)(x / 16 % 300)
                            : 300 + (int64_t)(x / 16 % (uint64_t)world->scale->run_ms);
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
    if (world->follows != NULL)
        job->dependencies[job->dependency_count++] = (struct sim_dependency){
            .name = world->follows->object.name, .condition = DEPEND_ALWAYS};
    else
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
    if (!world_has(world, FEATURE_DEFINITIONS) || !chance(world, 300))
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
    if (world_has(world, FEATURE_ARRAYS) && chance(world, 400))
        job->size = (uint32_t)draw(
            world, 1, chance(world, 300) ? world->scale->children_many : world->scale->children);
    if (job->size > 0 && chance(world, 300))
        job->max_concurrent = draw(world, 1, 3);
    job->template_ = draw_template(world);
    lending_job(world, job);
    if (world->defined) {
        definition_choose(world, job);
        job->definition_name = "common";
        job->definition_number = 0;
    } else if (world_has(world, FEATURE_GANGS) && chance(world, 200)) {
        draw_gang(world, job, namespace_);
    } else if (world_has(world, FEATURE_DEFINITIONS) && chance(world, 400)) {
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
    moment_submitted(world, job);
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

static void run_follow(struct world *world, struct task *task)
{
    world->follows = task->a;
    if (!world->follows->object.gone)
        submit(world, arena_printf(world->arena, "after-%u", ++world->follow_numbers),
               world->follows->object.namespace_, false);
    world->follows = NULL;
}

static void run_use(struct world *world, struct task *task)
{
    const struct sim_definition *definition = task->a;
    world->defined = true;
    submit(world, arena_printf(world->arena, "after-%u", ++world->follow_numbers),
           definition->object.namespace_, false);
    world->defined = false;
}

void use_definition(struct world *world, struct sim_definition *definition, int64_t delay_ns)
{
    after(world, delay_ns, run_use, definition, NULL, 0);
}

void follow(struct world *world, const struct sim_job *job, int64_t delay_ns)
{
    union {
        const struct sim_job *in;
        void *out;
    } on = {.in = job};
    after(world, delay_ns, run_follow, on.out, NULL, 0);
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

void delete_job(struct world *world, struct sim_job *job)
{
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

static void delete_some_job(struct world *world)
{
    struct sim_job *job = pick(world, KIND_JOB);
    if (job != NULL)
        delete_job(world, job);
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
    queue->closed = queue->object.generation;
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

void set_max_vcpus(struct world *world, struct sim_environment *environment, int64_t vcpus)
{
    world->counters.environment_edits++;
    environment->max_vcpus = vcpus;
    STORY(world, "user   sets maxvCpus of %s to %lld", environment->object.name, (long long)vcpus);
    store_change(world, &environment->object, true);
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
    set_max_vcpus(world, environment, draw(world, 1, 8) * 4);
}

static void run_quota(struct world *world, struct task *task)
{
    UNUSED(task);
    world->quota_full = world->forbidden = false;
}

static void run_mischief(struct world *world, struct task *task);

static void mischief_later(struct world *world, int64_t least_ms)
{
    after(world, draw_ms(world, least_ms, world->scale->mischief_max_ms), run_mischief, NULL, NULL,
          0);
}

static void run_mischief(struct world *world, struct task *task)
{
    UNUSED(task);
    if (!world->restless)
        return;
    const struct faults *faults = &world->faults;
    mischief_later(world, world->scale->mischief_min_ms);
    if (chance(world, faults->user)) {
        static void (*const acts[])(struct world *) = {
            stop_job,        delete_some_job,  delete_pod, edit_queue,
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
    if (world_has(world, FEATURE_FOREIGN) && chance(world, 60))
        foreign_pod(world);
    if (chance(world, faults->crash * 8))
        shell_crash(world, draw_ms(world, 50, 8000));
}

void users_come(struct world *world, int64_t burst_ms)
{
    const struct scale *scale = world->scale;
    for (int64_t i = 0, count = chance(world, world->lends ? 1000 : 100)
                                    ? draw(world, scale->jobs_many_min, scale->jobs_many_max)
                                    : draw_few(world, scale->jobs);
         i < count; i++)
        after(world, draw_ms(world, 0, burst_ms), run_submit, NULL, NULL, i);
    for (int64_t i = 0; i < 3 && chance(world, 400); i++)
        after(world, burst_ms * NS_PER_MS + draw_ms(world, 0, scale->mend_ms), run_mend, NULL, NULL,
              i);
    world->restless = true;
    moments_begin(world);
    mischief_later(world, scale->mischief_min_ms * 5);
}
