/* SPDX-License-Identifier: Apache-2.0 */
/* mend.c - jobs that replace one that failed: who submits them, and what must be true of them
 *
 * What was stored about the replaced job when it had FAILED is the truth about what is taken over:
 * a child that is told to have succeeded there never runs again, every other one does. */
#include "sim/world.h"

#include "bulkhead/base/str.h"

#include <string.h>

enum { DEPTH_MAX = 20 };

static bool has_failed(const struct sim_job *job)
{
    return job->status != NULL && job->status->status.phase == JOB_FAILED;
}

static bool same_namespace(const struct sim_job *a, const struct sim_job *b)
{
    return strcmp(a->object.namespace_, b->object.namespace_) == 0;
}

/* --- What must be true -------------------------------------------------------------------------
 */

/* Is it the job of that name of the dependant's namespace, or one that replaces it, also after
 * others? */
bool stands_for(const struct world *world, const struct sim_job *job,
                const struct sim_job *dependant, const char *name, int depth)
{
    if (!same_namespace(job, dependant))
        return false;
    if (strcmp(job->object.name, name) == 0 || name_eq(job->replaces, name))
        return true;
    if (job->replaces == NULL || depth > DEPTH_MAX)
        return false;
    for (const struct truth *other = world->truths; other != NULL; other = other->next)
        if (same_namespace(other->job, job) &&
            strcmp(other->job->object.name, job->replaces) == 0 &&
            stands_for(world, other->job, dependant, name, depth + 1))
            return true;
    return false;
}

/* The job whose place it has taken by this status; NULL: none. */
static const struct sim_job *replaced_by(const struct world *world, const struct sim_job *job,
                                         const struct stored_status *status)
{
    const struct replaces_record *record = status != NULL ? &status->status.replaces : NULL;
    if (record == NULL || record->job.uid == NULL || record->job.outcome != DEPENDENCY_SATISFIED ||
        job->replaces == NULL)
        return NULL;
    const struct truth *truth = truth_of(world, record->job.uid);
    return truth != NULL ? truth->job : NULL;
}

/* Are they arrays of the same children? Nothing is taken over of nodes. */
static bool is_alike(const struct sim_job *on, const struct sim_job *job)
{
    return job->size > 0 && on->size == job->size && !on->gang && !job->gang;
}

static bool succeeded_there(const struct sim_job *on, uint32_t index)
{
    return on->status != NULL && on->status->children != NULL && index < on->size &&
           on->status->children[index].outcome == CHILD_SUCCEEDED;
}

bool is_taken(const struct world *world, const struct sim_job *job, uint32_t index,
              const struct stored_status *status)
{
    const struct sim_job *on = replaced_by(world, job, status);
    return on != NULL && is_alike(on, job) && succeeded_there(on, index);
}

/* Whatever is stored of the job itself: by what it names. */
bool may_be_taken(const struct world *world, const struct sim_job *job, uint32_t index)
{
    for (const struct truth *other = world->truths; job->replaces != NULL && other != NULL;
         other = other->next)
        if (same_namespace(other->job, job) && has_failed(other->job) &&
            strcmp(other->job->object.name, job->replaces) == 0 && other->job->size == job->size &&
            succeeded_there(other->job, index))
            return true;
    return false;
}

/* Why it may have been refused: by what it names, or by another that was first. */
bool replaces_may_fail(const struct world *world, const struct sim_job *job)
{
    for (const struct truth *other = world->truths; job->replaces != NULL && other != NULL;
         other = other->next) {
        const struct sim_job *on = other->job;
        if (on == job || !same_namespace(on, job))
            continue;
        if (name_eq(on->replaces, job->replaces))
            return true;
        if (strcmp(on->object.name, job->replaces) != 0)
            continue;
        if (on->object.gone || on->object.deleted_ns != 0 || on->size != job->size ||
            on->gang != job->gang ||
            (on->status != NULL && on->status->status.phase == JOB_SUCCEEDED))
            return true;
    }
    return false;
}

void oracle_replaces_created(struct world *world, const struct sim_job *job,
                             const struct sim_pod *pod)
{
    if (job->replaces == NULL || job->object.gone)
        return;
    const struct sim_job *on = replaced_by(world, job, job->status);
    if (on == NULL)
        violation(world, "replace", "pod %s is created before it is stored what %s had done",
                  pod->object.name, job->replaces);
    else if (!has_failed(on))
        violation(world, "replace", "pod %s is created, but %s has not FAILED", pod->object.name,
                  on->object.name);
    else if (is_alike(on, job) && succeeded_there(on, pod->index))
        violation(world, "replace", "pod %s is created, but its child has succeeded in %s",
                  pod->object.name, on->object.name);
}

void oracle_replaces_stored(struct world *world, const struct sim_job *job,
                            const struct stored_status *status)
{
    const struct sim_job *on = replaced_by(world, job, status);
    const struct sim_job *was = replaced_by(world, job, job->status);
    if (was != NULL && was != on)
        violation(world, "replace", "%s had taken the place of %s", job->object.name,
                  was->object.name);
    if (on == NULL || was != NULL)
        return;
    world->counters.replaced++;
    for (const struct truth *other = world->truths; other != NULL; other = other->next)
        if (other->job != job && !other->job->object.gone &&
            replaced_by(world, other->job, other->job->status) == on)
            violation(world, "replace", "%s and %s both take the place of %s", job->object.name,
                      other->job->object.name, on->object.name);
    if (!has_failed(on))
        violation(world, "replace", "%s takes the place of %s, which has not FAILED",
                  job->object.name, on->object.name);
    for (uint32_t i = 0; is_alike(on, job) && i < job->size && status->children != NULL; i++) {
        bool there = succeeded_there(on, i);
        bool here = status->children[i].outcome == CHILD_SUCCEEDED;
        /* It may have ended by itself before: stopped, or by its own dependencies. */
        if ((there && !here && !is_excused(world, job, i, 0)) ||
            (here && !there && !may_be_skipped(world, job, i, 0)))
            violation(world, "replace", "%s[%u] %s in %s, and is stored otherwise in %s",
                      on->object.name, i, there ? "succeeded" : "did not succeed", on->object.name,
                      job->object.name);
        world->counters.taken += there;
    }
}

/* --- Must it end? ------------------------------------------------------------------------------
 */

/* The live job that waits in its place now: itself, or what has replaced it. */
const struct sim_job *stand_in(const struct world *world, const struct sim_job *job)
{
    const struct store *store = &world->stores[KIND_JOB];
    for (int depth = 0; depth < DEPTH_MAX; depth++) {
        const struct sim_job *next = NULL;
        for (size_t i = 0; i < store->count && next == NULL; i++) {
            const struct sim_job *other = (const struct sim_job *)store->items[i];
            if (replaced_by(world, other, other->status) == job)
                next = other;
        }
        if (next == NULL)
            return job;
        job = next;
    }
    return job;
}

/* --- Who submits them --------------------------------------------------------------------------
 */

/* The failed job of a held dependant, or any; now and then one that has not failed at all. */
const struct sim_job *job_to_replace(struct world *world, const char *namespace_)
{
    const struct store *store = &world->stores[KIND_JOB];
    const struct sim_job *found = NULL;
    for (size_t i = 0; i < store->count; i++) {
        const struct sim_job *job = (const struct sim_job *)store->items[i];
        if (strcmp(job->object.namespace_, namespace_) != 0 || job->object.deleted_ns != 0)
            continue;
        if (has_failed(job) ? chance(world, 500) : found == NULL && chance(world, 100))
            found = job;
    }
    return found;
}
