/* SPDX-License-Identifier: Apache-2.0 */
/* scheduler.c - the cluster's own scheduler, for pods that are created without a node
 *
 * It binds a pod to some node of the environment that it selects, by what is there when it looks:
 * it knows nothing of what the process keeps room for. When nothing fits it says so, and looks
 * again. */
#include "sim/world.h"

#include <string.h>

const char *pod_machine(const struct sim_pod *pod)
{
    return pod->node_uid != NULL ? pod->node_uid : pod->bound_uid;
}

static bool fits(const struct world *world, const struct sim_node *node, const struct sim_pod *pod)
{
    const struct store *store = &world->stores[KIND_POD];
    int64_t cpu = node->cpu_milli, memory = node->memory_mib, pods = node->pods;
    if (!node->ready || node->tainted || node->object.deleted_ns != 0 ||
        !name_eq(node->environment, pod->environment))
        return false;
    for (size_t i = 0; i < store->count; i++) {
        const struct sim_pod *other = (const struct sim_pod *)store->items[i];
        if (!name_eq(other->node_name, node->object.name) || pod_ended(other))
            continue;
        cpu -= other->cpu_milli;
        memory -= other->memory_mib;
        pods--;
    }
    return cpu >= pod->cpu_milli && memory >= pod->memory_mib && pods >= 1;
}

static const struct sim_node *choose(struct world *world, const struct sim_pod *pod)
{
    const struct store *store = &world->stores[KIND_NODE];
    size_t from = store->count > 0 ? (size_t)draw(world, 0, (int64_t)store->count - 1) : 0;
    for (size_t i = 0; i < store->count; i++) {
        const struct sim_node *node =
            (const struct sim_node *)store->items[(from + i) % store->count];
        if (fits(world, node, pod))
            return node;
    }
    return NULL;
}

static void run_schedule(struct world *world, struct task *task)
{
    struct sim_pod *pod = task->a;
    if (pod->object.gone || pod->object.deleted_ns != 0 || pod_ended(pod))
        return;
    const struct sim_node *node = choose(world, pod);
    if (node == NULL) {
        if (pod->waiting_reason == NULL) {
            pod->waiting_reason = "Unschedulable";
            store_change(world, &pod->object, false);
        }
        after(world, draw_ms(world, 500, 5000), run_schedule, pod, NULL, 0);
        return;
    }
    world->counters.bound++;
    pod->node_name = node->object.name;
    pod->bound_uid = node->object.uid;
    pod->bound_ns = world->now_ns / NS_PER_S * NS_PER_S;
    pod->waiting_reason = NULL;
    STORY(world, "binds  %s to %s", pod->object.name, pod->node_name);
    store_change(world, &pod->object, false);
    kubelet_sees(world, pod);
}

void scheduler_sees(struct world *world, struct sim_pod *pod)
{
    after(world, chance(world, 200) ? draw_ms(world, 200, 8000) : draw_ms(world, 1, 100),
          run_schedule, pod, NULL, 0);
}

/* A kubelet finds a pod in its node's name of which it knows nothing. */
static void run_unknown(struct world *world, struct task *task)
{
    struct sim_pod *pod = task->a;
    const struct sim_node *node = node_of_pod(world, pod);
    if (pod->object.gone || pod_ended(pod) || node == NULL || !node->instance->alive ||
        name_eq(node->object.uid, pod->bound_uid))
        return;
    pod->body->instance = node->instance;
    pod->body->executing = false;
    pod->exit_unknown = true;
    pod->phase = POD_FAILED;
    pod->waiting_reason = NULL;
    if (pod->started)
        pod->finished_ns = world->now_ns;
    store_change(world, &pod->object, false);
    pod_confirm(world, pod);
}

void scheduler_node_joined(struct world *world, const struct sim_node *node)
{
    const struct store *store = &world->stores[KIND_POD];
    for (size_t i = 0; i < store->count; i++) {
        struct sim_pod *pod = (struct sim_pod *)store->items[i];
        if (pod->bound_uid != NULL && name_eq(pod->node_name, node->object.name))
            after(world, draw_ms(world, 100, 3000), run_unknown, pod, NULL, 0);
    }
}
