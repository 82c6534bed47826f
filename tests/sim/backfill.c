/* SPDX-License-Identifier: Apache-2.0 */
/* backfill.c - what must hold of a node that is kept for the first job of a BACKFILL queue
 *
 * When a plan in which the core looked at it is sent: of what the process has heard of on that
 * node, and sent there itself, count what may still be there at the promised time (what has no
 * timeout that ends it before, and no history that could say more); beside that there has to be
 * room for the first. Bounds are reckoned with mildly: what the core takes for later may be in
 * time. */
#include "sim/world.h"

#include <string.h>

/* Where nobody has a timeout nothing ever passes. */
int64_t timeout_draw(struct world *world)
{
    const struct store *queues = &world->stores[KIND_QUEUE];
    bool bounded = false;
    for (size_t i = 0; i < queues->count; i++)
        bounded |= ((const struct sim_queue *)queues->items[i])->strategy == QUEUE_BACKFILL;
    if (bounded && chance(world, 600))
        return draw(world, 5, 90);
    return chance(world, 150) ? draw(world, 1, 12) : 0;
}

struct stay {
    const struct world *world;
    int64_t by_ns;
};

static bool stays(void *ctx, const struct node_pod *pod)
{
    const struct stay *stay = ctx;
    const struct world *world = stay->world;
    const struct truth *truth = pod->job_uid != NULL ? truth_of(world, pod->job_uid) : NULL;
    if (truth == NULL)
        return true; /* not ours */
    const struct sim_job *job = truth->job;
    if (job->definition_name != NULL || job->size > 0 || job->gang)
        return false; /* there may be a history */
    int64_t from_ns = world->now_ns;
    if (pod->known != NULL && pod->known->body->pod->started_ns != 0)
        from_ns = pod->known->body->pod->started_ns;
    return job->timeout_s == 0 || from_ns + job->timeout_s * NS_PER_S > stay->by_ns;
}

static void check_kept(struct world *world, const struct core_reservation_view *kept)
{
    const struct sim_node *node = known_node(world, kept->node);
    const struct truth *head = truth_of(world, kept->job_uid);
    struct stay stay = {world, kept->free_by_ns};
    if (node == NULL || head == NULL || head->job->gang || head->job->definition_name != NULL)
        return; /* what it needs follows from a revision */
    const struct template_ *needs = job_template(head->job, 0);
    struct node_use use = {needs->cpu_milli, needs->memory_mib, 1};
    node_use_add(world, node, NULL, stays, &stay, &use);
    world->counters.kept_places++;
    if (use.cpu_milli > node->cpu_milli || use.memory_mib > node->memory_mib ||
        use.pods > node->pods)
        violation(
            world, "backfill",
            "%s is kept for %s, but with it %lldm of %lldm CPU, %lld of %lld MiB are taken there "
            "for longer than promised",
            kept->node, head->job->object.name, (long long)use.cpu_milli,
            (long long)node->cpu_milli, (long long)use.memory_mib, (long long)node->memory_mib);
}

/* Who is made while a place is kept for somebody else of the same queue has passed. */
static void count_passed(struct world *world, const struct plan *plan, const char *queue,
                         const char *head_uid)
{
    for (size_t i = 0; i < plan->action_count; i++) {
        const struct action *action = &plan->actions[i];
        if (action->kind == ACTION_POD_CREATE && name_eq(action->order.job->queue, queue) &&
            !name_eq(action->order.job->meta.uid, head_uid))
            world->counters.passed++;
    }
}

void oracle_backfill_sent(struct world *world, const struct plan *plan)
{
    const struct store *queues = &world->stores[KIND_QUEUE];
    struct core_reservation_view kept;
    for (size_t i = 0; i < queues->count && !world->failed; i++) {
        const struct sim_queue *queue = (const struct sim_queue *)queues->items[i];
        if (!queue->backfilled || !core_reservation(world->core, queue->object.name, &kept) ||
            !kept.looked)
            continue;
        check_kept(world, &kept);
        count_passed(world, plan, queues->items[i]->name, kept.job_uid);
    }
}
