/* SPDX-License-Identifier: Apache-2.0 */
/* feasible.c - must a job come to an end once nothing goes wrong any more?
 *
 * Where either answer is right the oracle asks for less: false. */
#include "sim/world.h"

#include <string.h>

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
    const struct sim_job *on = dependency != NULL
                                   ? recorded(world, job, name)
                                   : store_find(world, KIND_JOB, job->object.namespace_, name);
    if (on != NULL && dependency != NULL && dependency->condition == DEPEND_ON_SUCCESS)
        on = stand_in(world, on);
    bool on_ended = on != NULL && job_ended(on);
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
        !reservation_feasible(world, queue, job, template_))
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
