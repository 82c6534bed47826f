/* SPDX-License-Identifier: Apache-2.0 */
/* kept.c - finished pods that stay for a while, so that kubectl logs works
 *
 * A pod whose outcome is durable and whose finalizer is off may stay as long after its end as its
 * queue says (spec.finishedPods), and no more of them on a node than it says: the oldest goes
 * first. Nothing is stored about it. That it stays follows from its own labels and times and from
 * its queue, so a process that comes later decides the same. It holds no room, and its node may go:
 * it is deleted with it. What has nothing to show (no container ran) or is being deleted is not
 * kept. Of a job that is deleted the garbage collector takes them. */
#include "internal.h"

#include <string.h>

static const struct finished_pods *rules_of(const struct core *core, const struct core_pod *pod)
{
    const struct core_queue *queue = pod->queue != NULL ? map_get(core->queues, pod->queue) : NULL;
    bool there = queue != NULL && queue->present && queue->spec != NULL;
    return there && queue->spec->finished_pods.keep_s > 0 ? &queue->spec->finished_pods : NULL;
}

static int64_t kept_until_ns(const struct core *core, const struct core_pod *pod)
{
    const struct finished_pods *rules = rules_of(core, pod);
    return rules != NULL ? pod->finished_ns + rules->keep_s * NS_PER_S : 0;
}

static void let_go(struct core *core, struct core_pod *pod)
{
    pod->state = PODS_DELETE;
    timer_clear(&core->timers, &pod->timer);
    pod_outbox(core, pod);
}

/* Those of one queue on one node, when one came or the queue says another number. */
static void let_go_beyond(struct core *core, const struct core_node *node, const char *queue,
                          int64_t most)
{
    for (;;) {
        struct core_pod *oldest = NULL;
        int64_t count = 0;
        for (struct core_pod *pod = node->pods; pod != NULL; pod = pod->next) {
            if (pod->state != PODS_KEPT || !text_eq(pod->queue, queue))
                continue;
            count++;
            if (oldest == NULL || pod->finished_ns < oldest->finished_ns ||
                (pod->finished_ns == oldest->finished_ns && strcmp(pod->key, oldest->key) < 0))
                oldest = pod;
        }
        if (oldest == NULL || count <= most)
            return;
        let_go(core, oldest);
    }
}

bool pod_keep(struct core *core, struct core_pod *pod)
{
    const struct core_node *node = pod->node;
    const struct finished_pods *rules = rules_of(core, pod);
    if (rules == NULL || pod->kill == KILL_ORPHAN || pod->finished_ns == 0 || !pod->started ||
        pod->deleting || node == NULL || node->spec == NULL ||
        kept_until_ns(core, pod) <= core->now_ns)
        return false;
    pod->state = PODS_KEPT;
    timer_set(&core->timers, &pod->timer, kept_until_ns(core, pod));
    let_go_beyond(core, node, pod->queue, rules->per_node);
    return true;
}

void kept_timer(struct core *core, struct core_pod *pod)
{
    if (kept_until_ns(core, pod) <= core->now_ns)
        let_go(core, pod);
    else
        timer_set(&core->timers, &pod->timer, kept_until_ns(core, pod));
}

void kept_node_gone(struct core *core, struct core_node *node)
{
    for (struct core_pod *pod = node->pods; pod != NULL; pod = pod->next) {
        if (pod->state == PODS_KEPT)
            let_go(core, pod);
    }
}

/* The queue says something else, or is gone: every one that is kept is looked at, which is a walk
 * over all pods; but only an admin makes it happen. */
void kept_queue_changed(struct core *core, const struct core_queue *queue)
{
    size_t at = 0;
    struct core_pod *pod;
    while ((pod = map_next(core->pods, &at, NULL)) != NULL) {
        if (pod->state != PODS_KEPT || !text_eq(pod->queue, queue->name))
            continue;
        const struct finished_pods *rules = rules_of(core, pod);
        kept_timer(core, pod);
        if (rules != NULL && pod->node != NULL)
            let_go_beyond(core, pod->node, pod->queue, rules->per_node);
    }
}
