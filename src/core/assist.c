/* SPDX-License-Identifier: Apache-2.0 */
/* assist.c - pods that the cluster's scheduler places
 *
 * What a pod asks beside room, bulkhead sees to itself where a node's labels, taints and resources
 * decide. Where volumes, devices or other pods do, the scheduler knows better: such a pod is
 * created without a node, selects the environment's nodes, and the scheduler binds it.
 *
 * Room   is kept for it all the same, on a node where it fits, from before it is created: so it
 *        waits in its queue, counts against its environment and buys machines as any other does.
 *        Once it is bound, it counts where it is. Between the two the scheduler may choose a node
 *        that has been filled meanwhile: then a kubelet refuses one of them, which uses a try and
 *        no attempt.
 * Apart  Pods with required anti-affinity by host name are kept room for on a node each, or too few
 *        machines would be bought. What other rules the scheduler goes by, nobody guesses.
 * Adrift When the node goes on which room was kept, or after a restart, room is looked for anew,
 *        before any queue is looked at. After ADRIFT_NS without any the pod is taken back, and its
 *        child waits for a place again.
 * End    A pod that is deleted before it was bound will never be: no kubelet ever confirms, and
 *        the finalizer is all that holds it. */
#include "assist.h"
#include "gang.h"

#include <stdlib.h>
#include <string.h>

#define ADRIFT_NS (60 * NS_PER_S)

bool job_is_assisted(const struct core_job *job)
{
    return !job->gang && job->class_ != NULL && job->class_->placement.scheduler != NULL;
}

const char *assist_bar(const struct core_job *job)
{
    for (uint32_t i = 0; job->gang && i < job->size; i++) {
        const char *field = job_class(job, i)->placement.scheduler;
        if (field != NULL && strcmp(field, SCHEDULER_VOLUMES) != 0)
            return field;
    }
    return NULL;
}

bool pod_is_afloat(const struct core_pod *pod)
{
    return pod->assisted && !pod->bound;
}

bool assist_is_over(const struct core_pod *pod)
{
    return pod_is_afloat(pod) && pod->deleting && pod->state == PODS_LIVE;
}

void assist_begin(struct core_pod *pod, const struct core_node *node)
{
    pod->assisted = true;
    pod->node_uid = 0;
    text_set(&pod->environment, node->environment->name);
}

/* ---------------------------------------------------------------------- adrift */

void assist_drift(struct core *core, struct core_pod *pod)
{
    if (pod->adrift || !pod_is_afloat(pod) || !pod->in_job || pod->state != PODS_LIVE)
        return;
    pod->adrift = true;
    pod->adrift_ns = core->now_ns;
    pod->adrift_next = core->adrift;
    core->adrift = pod;
    pod_timer_set(core, pod);
}

static bool has_room_kept(const struct core_pod *pod)
{
    return pod->node != NULL && pod->node->spec != NULL;
}

void assist_node_gone(struct core *core, struct core_node *node)
{
    for (struct core_pod *pod = node->pods; pod != NULL; pod = pod->next)
        assist_drift(core, pod);
}

static bool is_settled(const struct core_pod *pod)
{
    return pod->gone || !pod->in_job || pod->state != PODS_LIVE || !pod_is_afloat(pod) ||
           pod->kill != KILL_NONE || pod->deleting || has_room_kept(pod);
}

/* Room for one of them; false: there is none now. */
static bool keep_room(struct core *core, struct core_pod *pod)
{
    struct core_environment *environment =
        pod->environment != NULL ? map_get(core->environments, pod->environment) : NULL;
    struct core_class *class_ = pod->job->class_;
    if (class_ == NULL || !environment_usable(environment))
        return false;
    struct core_node *node = rooms_find(environment, class_, 0);
    if (node == NULL)
        return false;
    node_count_pod(core, pod, false);
    node_pod_remove(core, pod);
    node_pod_add(core, node, pod);
    node_count_pod(core, pod, true);
    return true;
}

void assists_place(struct core *core)
{
    struct core_pod *pod = core->adrift;
    core->adrift = NULL;
    while (pod != NULL) {
        struct core_pod *next = pod->adrift_next;
        if (is_settled(pod) || keep_room(core, pod)) {
            pod->adrift = false;
            pod->adrift_ns = 0;
            if (pod->gone)
                pod_release_memory(core, pod);
            else if (pod->in_job && pod->state == PODS_LIVE)
                pod_timer_set(core, pod);
        } else {
            pod->adrift_next = core->adrift;
            core->adrift = pod;
        }
        pod = next;
    }
}

void assists_free(struct core *core)
{
    for (struct core_pod *pod = core->adrift, *next; pod != NULL; pod = next) {
        next = pod->adrift_next;
        pod->adrift = false;
        pod_release_memory(core, pod);
    }
    core->adrift = NULL;
}

int64_t assist_due(const struct core_pod *pod)
{
    return pod->adrift ? pod->adrift_ns + ADRIFT_NS : INT64_MAX;
}

bool assist_timer(struct core *core, struct core_pod *pod)
{
    if (!pod->in_job || pod->state != PODS_LIVE || pod->kill != KILL_NONE ||
        assist_due(pod) > core->now_ns)
        return false;
    pod_kill(core, pod, KILL_HOST);
    return true;
}

/* ---------------------------------------------------------------- observation */

/* After take_node: what it is on is known. */
void assist_seen(struct core *core, struct core_pod *pod, const struct pod *seen)
{
    if (!pod->ours || pod->state != PODS_LIVE)
        return;
    pod->scheduled_ns = seen->scheduled_ns;
    if (seen->node_name == NULL) {
        pod->assisted = true;
        if (pod->environment == NULL)
            text_set(&pod->environment, seen->environment);
        if (!has_room_kept(pod))
            assist_drift(core, pod);
    } else if (pod_is_afloat(pod) || (seen->node_uid == NULL && !pod->bound)) {
        pod->assisted = pod->bound = true; /* a pod that is placed here names its Node's UID */
        if (pod->kill == KILL_HOST && !pod->kill_sent)
            pod->kill = KILL_NONE;
        text_set(&pod->environment, NULL);
        node_was_bound(pod);
    }
}
