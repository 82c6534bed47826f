/* SPDX-License-Identifier: Apache-2.0 */
/* quota.c - limits of queues and queues that are drained: who sets them, and what must hold
 *
 * Judged when a create is committed, by what is stored of pods then, against the highest limit that
 * the process could go by when it sent the create. */
#include "sim/world.h"

#include <string.h>

static void draw_limits(struct world *world, struct sim_queue *queue)
{
    queue->most_milli = chance(world, 400) ? draw(world, 1, 8) * 1000 : 0;
    queue->most_mib = chance(world, 150) ? draw(world, 1, 6) * 1024 : 0;
    queue->most_jobs = chance(world, 400) ? draw(world, 1, 5) : 0;
}

static unsigned draw_strategy(struct world *world)
{
    int64_t drawn = draw(world, 0, 999);
    unsigned strategy = drawn < 250 ? QUEUE_BEST_EFFORT : drawn < 500 ? QUEUE_BACKFILL : QUEUE_FIFO;
    world->counters.best_effort += strategy == QUEUE_BEST_EFFORT;
    world->counters.backfill += strategy == QUEUE_BACKFILL;
    return strategy;
}

void quota_draw(struct world *world, struct sim_queue *queue)
{
    queue->strategy = draw_strategy(world);
    queue->backfilled = queue->strategy == QUEUE_BACKFILL;
    if (chance(world, 250))
        draw_limits(world, queue);
}

static void run_open(struct world *world, struct task *task)
{
    struct sim_queue *queue = task->a;
    queue->draining = false;
    store_change(world, &queue->object, true);
}

void quota_edit(struct world *world, struct sim_queue *queue)
{
    if (chance(world, 200)) {
        static const char *const words[] = {"FIFO", "BEST_EFFORT_FIFO", "BACKFILL"};
        queue->strategy = draw_strategy(world);
        queue->backfilled = queue->backfilled || queue->strategy == QUEUE_BACKFILL;
        STORY(world, "user   makes queue %s %s", queue->object.name, words[queue->strategy]);
        store_change(world, &queue->object, true);
        return;
    }
    if (chance(world, 500)) {
        draw_limits(world, queue);
        world->counters.queue_limits++;
        STORY(world, "user   limits queue %s to %lldm, %lldMi, %lld jobs", queue->object.name,
              (long long)queue->most_milli, (long long)queue->most_mib,
              (long long)queue->most_jobs);
        store_change(world, &queue->object, true);
        return;
    }
    if (queue->draining)
        return;
    queue->draining = true;
    world->counters.queue_drains++;
    STORY(world, "user   drains queue %s", queue->object.name);
    store_change(world, &queue->object, true);
    queue->closed = queue->object.generation;
    after(world, draw_ms(world, 1000, 30000), run_open, queue, NULL, 0);
}

void quota_fill(const struct sim_queue *from, struct job_queue *ret)
{
    ret->state = !from->enabled ? QUEUE_DISABLED : from->draining ? QUEUE_DRAINING : QUEUE_ENABLED;
    ret->strategy = from->strategy;
    ret->draining_since_ns = from->draining_since_ns;
    if (from->most_milli > 0)
        ret->most.vcpus = OPT_I64(from->most_milli / 1000);
    ret->most.memory_bytes = from->most_mib << 20;
    if (from->most_jobs > 0)
        ret->most.jobs = OPT_I64(from->most_jobs);
}

/* --- What must hold ----------------------------------------------------------------------------
 */

static void higher(int64_t *limit, int64_t other)
{
    if (other == 0 || other > *limit)
        *limit = other > 0 ? other : INT64_MAX;
}

static void limits_of(const struct sim_queue *queue, struct request *request)
{
    higher(&request->most_milli, queue->most_milli);
    higher(&request->most_mib, queue->most_mib);
    higher(&request->most_jobs, queue->most_jobs);
}

/* What the watch has told, or a read after a conflict has or may have. */
void oracle_quota_sent(struct world *world, struct request *request, const struct sim_job *job)
{
    const struct sim_queue *live = store_find(world, KIND_QUEUE, NULL, request->queue);
    const struct sim_queue *known =
        live != NULL ? (const struct sim_queue *)(const void *)watch_known(world, KIND_QUEUE,
                                                                           live->object.uid)
                     : NULL;
    request->most_milli = request->most_mib = request->most_jobs = live != NULL ? 1 : INT64_MAX;
    if (live != NULL)
        limits_of(live, request);
    if (known != NULL)
        limits_of(known, request);
    bool shut = known != NULL && !known->enabled && !live->enabled;
    for (int i = 0; live != NULL && i < 2; i++) { /* the answer to the last may be on its way */
        const struct object *newer = i == 0 ? live->object.read : live->object.read_before;
        if (newer == NULL || (known != NULL && newer->version <= known->object.version))
            continue;
        const struct sim_queue *read = (const struct sim_queue *)(const void *)newer;
        limits_of(read, request);
        shut = shut && !read->enabled;
    }
    if (shut && !is_part(job, request->index))
        violation(world, "limits", "%s is created, and %s is known to be DISABLED", request->name,
                  request->queue);
    if (live != NULL && live->draining && known != NULL && known->draining &&
        known->draining_since_ns != 0 && known->draining_since_ns == live->draining_since_ns &&
        known->observed_generation >= (int64_t)live->closed && /* not of a time before that */
        job->object.created_ns > known->draining_since_ns)
        violation(world, "draining", "%s is created, but its job came after %s was closed",
                  request->name, request->queue);
}

/* Nobody binds a pod that is being deleted: the API server refuses it. Nor does a kubelet take in
 * one whose machine died before it had looked. */
static bool runs(const struct world *world, const struct sim_pod *pod, const char *queue)
{
    bool never = pod->node_name == NULL && pod->object.deleted_ns != 0;
    return pod->ours && !pod->object.gone && !never && pod_may_execute(pod) &&
           !pod_is_stranded(world, pod) && name_eq(pod->queue, queue);
}

/* A multi-node job is one, whose pods count once, as long as it is there. */
static bool counts(const struct world *world, const struct sim_pod *pod, size_t index)
{
    const struct truth *truth = truth_of(world, pod->job_uid);
    if (truth == NULL || !truth->job->gang)
        return true;
    if (truth->job->object.gone)
        return false;
    for (size_t i = 0; i < index; i++) {
        const struct sim_pod *other = (const struct sim_pod *)world->stores[KIND_POD].items[i];
        if (runs(world, other, pod->queue) && name_eq(other->job_uid, pod->job_uid))
            return false;
    }
    return true;
}

void oracle_quota_created(struct world *world, const struct sim_pod *created,
                          const struct request *request)
{
    const struct store *store = &world->stores[KIND_POD];
    int64_t milli = created->cpu_milli, mib = created->memory_mib, jobs = 1;
    int64_t most_milli = request->most_milli, most_mib = request->most_mib;
    int64_t most_jobs = request->most_jobs;
    if (request->process != world->process)
        return; /* a part of a multi-node job may have been planned under another limit */
    const struct truth *mine = truth_of(world, created->job_uid);
    if (mine != NULL && is_part(mine->job, created->index))
        return; /* counted when its main node was placed, by the limits of then */
    if (mine != NULL && mine->job->gang && mine->job->object.gone)
        jobs = 0; /* it is one as long as it is there */
    for (size_t i = 0; i < store->count; i++) {
        const struct sim_pod *pod = (const struct sim_pod *)store->items[i];
        if (!runs(world, pod, created->queue))
            continue;
        milli += pod->cpu_milli;
        mib += pod->memory_mib;
        jobs += counts(world, pod, i);
        /* It was sent later and arrived earlier, and the limits may have been raised in between. */
        if (pod->body->sent_ns <= request->sent_ns)
            continue;
        most_milli = larger(most_milli, pod->body->most_milli);
        most_mib = larger(most_mib, pod->body->most_mib);
        most_jobs = larger(most_jobs, pod->body->most_jobs);
    }
    if (milli > most_milli || mib > most_mib || jobs > most_jobs)
        violation(world, "limits",
                  "with pod %s queue %s runs %lldm, %lldMi, %lld jobs, more than its limits",
                  created->object.name, created->queue, (long long)milli, (long long)mib,
                  (long long)jobs);
    world->counters.limited_creates += request->most_milli != INT64_MAX ||
                                       request->most_mib != INT64_MAX ||
                                       request->most_jobs != INT64_MAX;
}

/* Is it within the limits of its queue at all? */
bool quota_feasible(const struct sim_queue *queue, const struct sim_job *job,
                    const struct template_ *template_)
{
    int64_t others = job->gang ? job->size - 1 : 0;
    int64_t milli = template_->cpu_milli + others * job->others.cpu_milli;
    int64_t mib = template_->memory_mib + others * job->others.memory_mib;
    return (queue->most_milli == 0 || milli <= queue->most_milli) &&
           (queue->most_mib == 0 || mib <= queue->most_mib);
}
