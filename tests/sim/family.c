/* SPDX-License-Identifier: Apache-2.0 */
/* family.c - jobs that belong to a job: who is stopped with whom, by the requests alone */
#include "sim/world.h"

#include <string.h>

enum { DEPTH_MAX = 40 };

static bool is_stopped(const struct sim_job *job, bool terminated)
{
    for (size_t i = 0; i < job->request_count; i++)
        if (job->requests[i].indexes == NULL &&
            (!terminated || job->requests[i].action == JOB_TERMINATE))
            return true;
    return false;
}

/* As the process has heard of it, or as it is stored. */
static const struct sim_job *parent_of(const struct world *world, const struct sim_job *job,
                                       bool known)
{
    if (job->parent_uid == NULL)
        return NULL;
    if (known)
        return (const struct sim_job *)(const void *)watch_known(world, KIND_JOB, job->parent_uid);
    const struct truth *truth = truth_of(world, job->parent_uid);
    return truth != NULL ? truth->job : NULL;
}

struct which {
    bool known;      /* what the process has heard of, not what is stored */
    bool live;       /* they are all there */
    bool terminated; /* not only cancelled */
};

static bool above(const struct world *world, const struct sim_job *job, struct which which)
{
    const struct sim_job *parent = job;
    for (int depth = 0; depth < DEPTH_MAX; depth++) {
        parent = parent_of(world, parent, which.known);
        if (parent == NULL || (which.live && parent->object.gone))
            return false;
        if (is_stopped(parent, which.terminated))
            return true;
    }
    return false;
}

bool is_stopped_from_above(const struct world *world, const struct sim_job *job)
{
    return above(world, job, (struct which){0});
}

bool is_known_stopped_from_above(const struct world *world, const struct sim_job *job)
{
    return above(world, job, (struct which){.known = true});
}

bool must_stop_from_above(const struct world *world, const struct sim_job *job)
{
    return above(world, job, (struct which){.live = true});
}

bool is_terminated_from_above(const struct world *world, const struct sim_job *job)
{
    return above(world, job, (struct which){.terminated = true});
}

void family_collect(struct world *world, const struct sim_job *parent)
{
    for (size_t i = world->stores[KIND_JOB].count; i-- > 0;) {
        struct sim_job *job = (struct sim_job *)world->stores[KIND_JOB].items[i];
        if (!name_eq(job->parent_uid, parent->object.uid) || job->object.deleted_ns != 0)
            continue;
        cost_job_taken(world, job);
        store_delete(world, &job->object);
    }
}

void draw_parent(struct world *world, struct sim_job *job)
{
    const struct store *store = &world->stores[KIND_JOB];
    if (store->count == 0)
        return;
    const struct sim_job *parent =
        (const struct sim_job *)store->items[draw(world, 0, (int64_t)store->count - 1)];
    if (strcmp(parent->object.namespace_, job->object.namespace_) != 0)
        return;
    job->parent_uid = parent->object.uid;
    world->counters.parents++;
}
