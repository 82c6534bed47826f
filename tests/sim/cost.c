/* SPDX-License-Identifier: Apache-2.0 */
/* cost.c - the oracle on what the jobs of a queue cost
 *
 * Each job's stored status says what it cost; the queue's stored sum of all must be what its jobs
 * cost that are there or were removed for their age, and never more than all that ever were. What
 * somebody else deleted may be missing from it, if nobody watched. */
#include "sim/world.h"

#include <string.h>

enum { LATE_S = 300 };

static void cost_count(struct job_cost *sum, const struct job_cost *more, int64_t sign)
{
    sum->vcpu_seconds += sign * more->vcpu_seconds;
    sum->gpu_seconds += sign * more->gpu_seconds;
    sum->amount += sign * more->amount;
}

static bool is_at_most(const struct job_cost *a, const struct job_cost *b)
{
    return a->vcpu_seconds <= b->vcpu_seconds && a->gpu_seconds <= b->gpu_seconds &&
           a->amount <= b->amount;
}

static struct sim_queue *queue_of(struct world *world, const struct sim_job *job)
{
    return store_find(world, KIND_QUEUE, NULL, job->queue);
}

/* Before it is stored. */
void cost_job_stored(struct world *world, const struct sim_job *job,
                     const struct stored_status *status)
{
    struct sim_queue *queue = queue_of(world, job);
    if (queue == NULL)
        return;
    struct job_cost *by = &queue->spent_by[share_index(job->share)];
    if (job->status != NULL) {
        cost_count(&queue->spent, &job->status->status.cost, -1);
        cost_count(by, &job->status->status.cost, -1);
    }
    cost_count(&queue->spent, &status->status.cost, 1);
    cost_count(by, &status->status.cost, 1);
    world->counters.charged += status->status.cost.amount > 0;
}

void cost_job_taken(struct world *world, const struct sim_job *job)
{
    struct sim_queue *queue = queue_of(world, job);
    if (queue == NULL || job->status == NULL)
        return;
    cost_count(&queue->taken, &job->status->status.cost, 1);
    cost_count(&queue->taken_by[share_index(job->share)], &job->status->status.cost, 1);
}

void cost_job_expired(struct world *world, const struct sim_job *job)
{
    const struct sim_queue *queue = queue_of(world, job);
    if (queue != NULL && job->status != NULL &&
        job->status->status.cost.mark > queue->cost.settled.mark)
        violation(world, "cost", "job %s is removed, and %s has not counted it", job->object.name,
                  queue->object.name);
}

/* What is told of the share; nothing: it has cost nothing. */
static struct share_cost told_of(const struct queue_cost *cost, size_t share)
{
    for (size_t i = 0; i < cost->share_count; i++) {
        if (share_index(cost->shares[i].identifier) == share)
            return cost->shares[i];
    }
    return (struct share_cost){.identifier = NULL};
}

/* Every job has a share here, and there are few: together they are all. */
static void check_shares(struct world *world, const struct sim_queue *queue,
                         const struct queue_cost *cost)
{
    struct job_cost all = {0}, settled = {0};
    for (size_t i = 0; i < SHARE_COUNT; i++) {
        const struct share_cost old = told_of(&queue->cost, i), now = told_of(cost, i);
        if (!is_at_most(&old.all, &now.all) || !is_at_most(&old.settled, &now.settled))
            violation(world, "cost", "what share %zu of %s cost goes down", i, queue->object.name);
        if (!is_at_most(&now.all, &queue->spent_by[i]))
            violation(world, "cost",
                      "share %zu of %s is told to have cost %lld, its jobs cost %lld", i,
                      queue->object.name, (long long)now.all.amount,
                      (long long)queue->spent_by[i].amount);
        cost_count(&all, &now.all, 1);
        cost_count(&settled, &now.settled, 1);
    }
    if (all.amount != cost->all.amount || all.vcpu_seconds != cost->all.vcpu_seconds ||
        all.gpu_seconds != cost->all.gpu_seconds || settled.amount != cost->settled.amount ||
        settled.vcpu_seconds != cost->settled.vcpu_seconds)
        violation(world, "cost", "the shares of %s are told to have cost %lld of %lld",
                  queue->object.name, (long long)all.amount, (long long)cost->all.amount);
    world->counters.forecasts += cost->forecast.amount > 0;
    world->counters.shares_charged += cost->share_count > 1;
}

void cost_queue_stored(struct world *world, struct sim_queue *queue, const struct request *request)
{
    const struct queue_cost *cost = &request->queue_cost;
    if (!is_at_most(&queue->cost.all, &cost->all) ||
        !is_at_most(&queue->cost.settled, &cost->settled) ||
        queue->cost.settled.mark > cost->settled.mark)
        violation(world, "cost", "what %s cost goes down", queue->object.name);
    if (!is_at_most(&cost->all, &queue->spent))
        violation(world, "cost", "%s is told to have cost %lld, its jobs cost %lld",
                  queue->object.name, (long long)cost->all.amount, (long long)queue->spent.amount);
    check_shares(world, queue, cost);
    queue->cost = *cost;
}

/* What its machines cost at least: those that are there, since their launch. One may be known for
 * some time only, and was launched by a process before the last status that it stored. */
static int64_t vcpu_seconds(const struct world *world, const struct sim_environment *environment)
{
    int64_t sum = 0;
    const struct group *group = environment->group;
    for (size_t i = 0; i < group->count; i++) {
        const struct instance_live *instance = group->items[i];
        if (instance->alive && instance->type >= 0)
            sum += world->types[instance->type].vcpus *
                   ((world->now_ns - instance->launched_ns) / NS_PER_S - LATE_S);
    }
    return sum;
}

void cost_environment_stored(struct world *world, struct sim_environment *environment,
                             const struct request *request)
{
    const struct environment_cost *cost = &request->charge, *old = &environment->charge;
    if (cost->amount < old->amount || cost->vcpu_seconds < old->vcpu_seconds ||
        cost->at_ns < old->at_ns || (old->since_ns != 0 && cost->since_ns != old->since_ns))
        violation(world, "cost", "what the machines of %s cost goes down",
                  environment->object.name);
    environment->charge = *cost;
    int64_t taken = 0;
    for (size_t i = 0; i < request->interruption_count; i++)
        taken += request->interruptions[i].interruptions;
    if (taken > (int64_t)environment->group->count * 1000000)
        violation(world, "cost", "more machines of %s were taken back than there were",
                  environment->object.name);
    world->counters.taken_back += taken > 0;
    environment->interruptions = request->interruptions;
    environment->interruption_count = request->interruption_count;
    environment->interruptions_at_ns = request->interruptions_at_ns;
}

/* Now: as it was stored, and what came to it since. */
static const char *charge_unconverged(struct world *world)
{
    const struct store *store = &world->stores[KIND_ENVIRONMENT];
    for (size_t i = 0; i < store->count; i++) {
        const struct sim_environment *environment = (const struct sim_environment *)store->items[i];
        const struct environment_cost *cost = &environment->charge;
        if (!environment->managed)
            continue;
        int64_t now =
            cost->vcpu_seconds + cost->vcpus * ((world->now_ns - cost->at_ns) / NS_PER_S + 1);
        int64_t least = vcpu_seconds(world, environment);
        if (now < least)
            return arena_printf(world->arena, "%s had %lld vCPU-seconds, its machines %lld",
                                environment->object.name, (long long)now, (long long)least);
    }
    return NULL;
}

/* Nothing is to come where nothing lives. */
static const char *forecast_unconverged(struct world *world, const struct sim_queue *queue)
{
    const struct store *jobs = &world->stores[KIND_JOB];
    for (size_t i = 0; i < jobs->count; i++) {
        const struct sim_job *job = (const struct sim_job *)jobs->items[i];
        if (name_eq(job->queue, queue->object.name) && !job_ended(job))
            return NULL;
    }
    const struct cost_forecast *told = &queue->cost.forecast;
    if (told->amount == 0 && told->unknown == 0 && told->since_ns == 0)
        return NULL;
    return arena_printf(world->arena, "%s is told to cost %lld more, and %lld jobs, and none lives",
                        queue->object.name, (long long)told->amount, (long long)told->unknown);
}

const char *cost_unconverged(struct world *world)
{
    const struct store *store = &world->stores[KIND_QUEUE];
    for (size_t i = 0; i < store->count; i++) {
        const struct sim_queue *queue = (const struct sim_queue *)store->items[i];
        struct job_cost least = queue->spent;
        cost_count(&least, &queue->taken, -1);
        if (!is_at_most(&least, &queue->cost.all))
            return arena_printf(world->arena, "%s is told to have cost %lld, its jobs cost %lld",
                                queue->object.name, (long long)queue->cost.all.amount,
                                (long long)least.amount);
        const char *forecast = forecast_unconverged(world, queue);
        if (forecast != NULL)
            return forecast;
        for (size_t k = 0; k < SHARE_COUNT; k++) {
            struct job_cost least_by = queue->spent_by[k];
            cost_count(&least_by, &queue->taken_by[k], -1);
            const struct share_cost told = told_of(&queue->cost, k);
            if (!is_at_most(&least_by, &told.all))
                return arena_printf(
                    world->arena, "share %zu of %s is told to have cost %lld, its jobs cost %lld",
                    k, queue->object.name, (long long)told.all.amount, (long long)least_by.amount);
        }
    }
    return charge_unconverged(world);
}
