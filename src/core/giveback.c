/* SPDX-License-Identifier: Apache-2.0 */
/* giveback.c - what to give back
 *
 * Machines that stood idle for their delay, and on which nothing counts that waits (counted.c: a
 * buying pass has looked at that in the same turn), and those that stand idle in the way of what
 * has to be bought. Never one with a pod of ours on it. */
#include "buyer.h"
#include "gang.h"
#include "order.h"
#include "signals.h"
#include "strategy.h"

#include <stdlib.h>

void node_send_away(struct core *core, struct core_node *node)
{
    node->closed = true; /* before anything else: nothing is placed there any more */
    node_room_changed(core, node);
    node->instance->state = INSTANCE_TERMINATING;
    instance_judge(node->instance);
    node->environment->terminate_wanted = true;
    node->environment->status_dirty = true;
}

/* Idle, and of no use to the class. One that boots for it, or waits for it, is not in its way. */
static bool is_in_the_way(const struct core *core, const struct core_node *node,
                          const struct buyer *buyer)
{
    return is_idle(core, node, buyer->short_step) && !node_could_fit(node, buyer->short_class);
}

/* Machines that stand idle (kept for minvCpus, or for their delay) and are too small for what waits
 * may use up what maxvCpus leaves. They make room at once, if that is enough for the smallest
 * machine that would do. */
void make_room(struct core *core, struct buyer *buyer)
{
    struct core_environment *environment = buyer->environment;
    const struct core_type *smallest = type_smallest(core, environment, buyer->short_class);
    if (smallest == NULL || smallest->spec.vcpus > environment->spec->max_vcpus)
        return;
    int64_t missing = smallest->spec.vcpus - buyer->budget;
    if (missing <= 0)
        return;
    int64_t idle = 0;
    for (size_t i = 0; i < environment->slot_count; i++) {
        if (is_in_the_way(core, environment->slots[i], buyer))
            idle += instance_vcpus(environment->slots[i]->instance);
    }
    for (size_t i = environment->slot_count; i > 0 && missing > 0 && idle >= missing; i--) {
        struct core_node *node = environment->slots[i - 1];
        if (!is_in_the_way(core, node, buyer))
            continue;
        int64_t vcpus = instance_vcpus(node->instance);
        node_send_away(core, node);
        missing -= vcpus;
        idle -= vcpus;
    }
}

/* vCPUs that are not counted as leaving yet. */
static int64_t leaves_with(const struct core_node *node)
{
    return node_is_leaving(node) ? 0 : instance_vcpus(node->instance);
}

/* May be given back whoever counts on it. */
static bool goes_anyway(const struct core_environment *environment, const struct core_node *node)
{
    return environment->spec->meta.deleted_ns != 0 || node_signal(node) != SIGNAL_NONE;
}

static int64_t idle_until_ns(const struct core_environment *environment,
                             const struct core_node *node)
{
    int64_t since_ns = node->idle_since_ns;
    if (since_ns < environment->starved_ns)
        since_ns = environment->starved_ns;
    if (since_ns < node->counted_ns)
        since_ns = node->counted_ns;
    return since_ns + environment->spec->scale_down_delay_ns;
}

static bool is_empty(const struct core_node *node)
{
    return node->instance != NULL && node->instance->state <= INSTANCE_RUNNING && node->live == 0 &&
           node->gang == NULL;
}

/* Its delay is over. One on its way is seen to by the boot deadline. */
static bool is_due(const struct core *core, const struct core_environment *environment,
                   const struct core_node *node)
{
    return is_empty(node) && node->instance->joined &&
           core->now_ns >= idle_until_ns(environment, node);
}

static bool has_room_without(struct core *core, const struct core_environment *environment,
                             const struct core_job *job, const struct core_class *class_,
                             const struct core_node *node)
{
    if (!job->gang || job->size == 1)
        return environment_could_fit_without(environment, class_, node);
    if (environment != node->environment)
        return gang_could_fit(core, job, environment);
    return machine_least_vcpus(environment, class_, INT64_MAX) > 0; /* others have other parts */
}

static bool could_run_elsewhere(struct core *core, const struct core_job *job,
                                const struct core_class *class_, const struct core_node *node)
{
    const struct job_queue *spec = job->queue->spec;
    for (size_t i = 0; i < spec->environment_count; i++) {
        const struct core_environment *environment =
            map_get(core->environments, spec->environments[i].compute_environment);
        if (environment_usable(environment) &&
            environment_serves(environment, job->spec->meta.namespace_) &&
            has_room_without(core, environment, job, class_, node))
            return true;
    }
    return false;
}

static bool is_the_only_place_for(struct core *core, const struct core_job *job,
                                  const struct core_node *node)
{
    const struct core_class *last = NULL;
    for (uint32_t i = 0; i < (job->gang ? job->size : 1); i++) {
        const struct core_class *class_ = job_class(job, i);
        if (class_ != NULL && class_ != last && node_could_fit(node, class_) &&
            !could_run_elsewhere(core, job, class_, node))
            return true;
        last = class_;
    }
    return false;
}

static bool queue_names(const struct core_queue *queue, const struct core_environment *environment)
{
    for (size_t i = 0; i < queue->spec->environment_count; i++) {
        if (text_eq(queue->spec->environments[i].compute_environment, environment->name))
            return true;
    }
    return false;
}

/* The first of a queue fits no type, but this very node, which offers more than others of its type
 * did; it waits for something else than room. Were the node given back, the job would be set aside,
 * a machine bought for who comes next, and when that offers as much, it would all begin again. Not
 * where maxvCpus was lowered below what is there: who lowered it wants the machines gone. */
static bool is_the_only_place(struct core *core, const struct core_environment *environment,
                              const struct core_node *node)
{
    if (environment->vcpus - environment->vcpus_leaving > environment->spec->max_vcpus)
        return false;
    for (const struct tree_node *n = tree_first(&core->queue_order); n != NULL; n = tree_next(n)) {
        const struct core_queue *queue = CONTAINER_OF(n, struct core_queue, by_priority);
        const struct core_job *job = order_first(queue);
        if (job != NULL && queue_names(queue, environment) &&
            environment_serves(environment, job->spec->meta.namespace_) &&
            is_the_only_place_for(core, job, node))
            return true;
    }
    return false;
}

static bool is_needed(struct core *core, const struct core_environment *environment,
                      const struct core_node *node)
{
    return is_counted_on(core, node, UINT64_MAX) || is_gathered(core, environment, node) ||
           is_the_only_place(core, environment, node);
}

static bool may_go(struct core *core, const struct core_environment *environment,
                   const struct core_node *node)
{
    if (!is_empty(node))
        return false;
    if (goes_anyway(environment, node))
        return true;
    return is_due(core, environment, node) && !is_needed(core, environment, node) &&
           environment->vcpus - environment->vcpus_leaving - leaves_with(node) >=
               environment->spec->min_vcpus;
}

/* An idle node has one timer, and it has fired, or another has: the next time it may go. */
static void look_again(struct core *core, const struct core_environment *environment,
                       struct core_node *node)
{
    int64_t due_ns = idle_until_ns(environment, node);
    if (is_needed(core, environment, node) && due_ns < core->now_ns + 5 * NS_PER_S)
        due_ns = core->now_ns + 5 * NS_PER_S;
    if (due_ns > core->now_ns)
        node_wake_by(core, node, due_ns);
}

static bool gives_back(const struct core_environment *environment)
{
    return environment->spec != NULL && environment->spec->provider != PROVIDER_STATIC &&
           environment->observed;
}

/* What cannot be sent yet is not decided yet: somebody may come who needs it. */
static bool may_be_sent(const struct core *core, const struct core_environment *environment)
{
    return !environment->terminate_in_flight && environment->terminate_next_ns <= core->now_ns;
}

bool give_back_is_due(const struct core *core)
{
    size_t at = 0;
    const struct core_environment *environment;
    while ((environment = map_next(core->environments, &at, NULL)) != NULL) {
        if (!environment->give_back_dirty || !gives_back(environment) ||
            !may_be_sent(core, environment))
            continue;
        for (size_t i = 0; i < environment->slot_count; i++) {
            if (environment->slots[i] != NULL && is_due(core, environment, environment->slots[i]))
                return true;
        }
    }
    return false;
}

void give_back(struct core *core, struct core_environment *environment)
{
    if (gives_back(environment) && !may_be_sent(core, environment))
        return;
    if (environment->gave_way_ns == core->now_ns)
        return; /* what waits takes the room that there is first */
    environment->give_back_dirty = false;
    if (!gives_back(environment))
        return;
    environment->vcpus_leaving = environment_vcpus_leaving(environment);
    for (size_t slot = environment->slot_count; slot > 0; slot--) {
        struct core_node *node = environment->slots[slot - 1];
        if (node == NULL)
            continue;
        if (!may_go(core, environment, node)) {
            if (node->live == 0 && node->gang == NULL)
                look_again(core, environment, node);
            continue;
        }
        environment->vcpus_leaving += leaves_with(node);
        node_send_away(core, node);
    }
    bool all = environment->spec->meta.deleted_ns != 0 && environment->pods_live == 0;
    for (struct core_instance *i = environment->instances; i != NULL;
         i = i->next) { /* those that never joined */
        if (i->state > INSTANCE_RUNNING || (i->node != NULL && i->node->live > 0) ||
            !(all || (i->signal != SIGNAL_NONE && i->node == NULL)))
            continue;
        i->state = INSTANCE_TERMINATING;
        instance_judge(i);
        environment->terminate_wanted = true;
    }
}
