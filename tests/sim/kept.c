/* SPDX-License-Identifier: Apache-2.0 */
/* kept.c - the oracle on finished pods that stay for a while
 *
 * What a queue says about finished pods binds only what ran and is not being deleted. They go when
 * their time is over, when there are too many of them on their node, or with their node. */
#include "sim/world.h"

#define EXCUSE_NS (60 * NS_PER_S) /* a delete may have been on its way for so long */
#define CALM_NS (10 * NS_PER_S)   /* but not when nothing goes wrong */

static bool is_finished(const struct sim_pod *pod)
{
    return pod->ours && pod->started && pod_ended(pod) && pod->object.deleted_ns == 0;
}

static int64_t finished_on_node(const struct world *world, const struct sim_pod *pod)
{
    const struct store *store = &world->stores[KIND_POD];
    int64_t count = 0;
    for (size_t i = 0; i < store->count; i++) {
        const struct sim_pod *other = (const struct sim_pod *)store->items[i];
        count += is_finished(other) && name_eq(other->queue, pod->queue) &&
                 name_eq(other->node_name, pod->node_name);
    }
    return count;
}

/* A delete of ours commits. One that was to stop it may come after it has finished by itself. */
void oracle_removed(struct world *world, const struct sim_pod *pod, const struct request *request)
{
    const struct sim_queue *queue = store_find(world, KIND_QUEUE, NULL, pod->queue);
    const struct sim_node *node = node_of_pod(world, pod);
    if (!is_finished(pod) || pod->object.finalizer || queue == NULL || queue->keep_s == 0 ||
        request->sent_ns < pod->finished_ns)
        return;
    if (world->now_ns >= pod->finished_ns + queue->keep_s * NS_PER_S) {
        world->counters.pods_kept += queue->keep_changed_ns < pod->finished_ns;
        return;
    }
    bool changed = queue->keep_changed_ns != 0 && world->now_ns - queue->keep_changed_ns <
                                                      queue->keep_before_s * NS_PER_S + EXCUSE_NS;
    bool taken = world->pod_taken_ns != 0 && world->now_ns - world->pod_taken_ns < EXCUSE_NS;
    bool job_gone = pod->body->job == NULL || pod->body->job->object.gone ||
                    pod->body->job->object.deleted_ns != 0;
    if (changed || job_gone || node == NULL || !name_eq(node->object.uid, pod->node_uid))
        return;
    if (finished_on_node(world, pod) > queue->per_node) {
        world->counters.pods_kept_less++;
        return;
    }
    if (!taken)
        violation(world, "kept", "finished pod %s goes after %lld ms, its queue keeps %lld s",
                  pod->object.name, (long long)((world->now_ns - pod->finished_ns) / NS_PER_MS),
                  (long long)queue->keep_s);
}

/* Released so long ago that whoever is to delete it has had the time. */
static bool is_settled(const struct world *world, const struct sim_pod *pod)
{
    return is_finished(pod) && pod->released_ns != 0 &&
           world->now_ns - pod->released_ns > CALM_NS && !moment_is_collected(world, pod);
}

/* When nothing goes wrong any more: none that should have gone, and not too many on a node. */
void oracle_kept(struct world *world)
{
    const struct store *store = &world->stores[KIND_POD];
    if (world->restless || world->now_ns < world->calm_ns + 3 * CALM_NS)
        return;
    for (size_t i = 0; i < store->count; i++) {
        const struct sim_pod *pod = (const struct sim_pod *)store->items[i];
        const struct sim_queue *queue =
            pod->ours ? store_find(world, KIND_QUEUE, NULL, pod->queue) : NULL;
        int64_t keep_s = queue != NULL ? queue->keep_s : 0, count = 0;
        if (!is_settled(world, pod))
            continue;
        if (world->now_ns - pod->finished_ns > keep_s * NS_PER_S + CALM_NS)
            violation(world, "kept", "finished pod %s is still there", pod->object.name);
        for (size_t j = 0; j < store->count; j++) {
            const struct sim_pod *other = (const struct sim_pod *)store->items[j];
            count += is_settled(world, other) && name_eq(other->queue, pod->queue) &&
                     name_eq(other->node_name, pod->node_name);
        }
        if (queue != NULL && count > queue->per_node)
            violation(world, "kept", "node %s has %lld finished pods of %s, at most %lld may stay",
                      pod->node_name, (long long)count, pod->queue, (long long)queue->per_node);
    }
}
