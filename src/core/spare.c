/* SPDX-License-Identifier: Apache-2.0 */
/* spare.c - room for what will soon come back from machines that are about to go
 *
 * What runs on a machine that is about to go (signals.h) is left alone, and will be tried again
 * when it is lost. For SPARE_S after the first signal there is room for it: free room on other
 * machines or machines that come, else one is bought, in the first of its queue's environments that
 * has any, before the old one goes. Until then the environments that are counted on keep what is
 * idle. After that time a machine that is still there is taken to stay for longer than an idle one
 * is worth. Nothing is bought for work that would not be tried again, nor for multi-node jobs,
 * which come back as a whole; nor does anything give way to it. */
#include "buyer.h"
#include "signals.h"

#include <string.h>

enum { SPARE_S = 600, SPARE_PODS_MAX = 1000 };

/* Everything in one pass. */
struct spares {
    struct core *core;
    struct buyer *buyers;
    size_t count;
    bool have_room; /* free room is among the bins */
    size_t pods;
};

static bool comes_back(const struct core_pod *pod)
{
    const struct core_job *job = pod->job;
    if (!pod->ours || !pod->counted || pod->state != PODS_LIVE || pod->kill != KILL_NONE ||
        job == NULL || job->gang || job->children == NULL || job_is_stopped(job) ||
        !job->queue->present || job->queue->spec == NULL || child_is_stopped(job, pod->index))
        return false;
    if (!pod->started)
        return true; /* that is no attempt */
    struct outcome lost = {.kind = OUTCOME_LOST, .attempt = true};
    AUTO_TEXT words = text_printf("Host EC2 (instance %s) terminated.", pod->node->name);
    lost.status_reason = words;
    return retry_wanted(job->retry, &lost, job->children[pod->index].attempts + 1);
}

/* Neighbours of equal room are one group: a thousand idle machines are one. */
static void add_free_room(struct core *core, struct buyer *buyer)
{
    const struct core_environment *environment = buyer->environment;
    struct amounts last = {.v = {0}};
    int64_t alike = 0;
    for (size_t i = 0; i < environment->slot_count; i++) {
        const struct core_node *node = environment->slots[i];
        struct amounts free_;
        if (node == NULL || node->gang != NULL || node->alone > 0 || !node_is_usable(node))
            continue;
        node_free_amounts(node, &free_);
        if (free_.v[DIM_CPU] <= 0 || free_.v[DIM_PODS] <= 0)
            continue;
        if (alike > 0 && memcmp(&last, &free_, sizeof(last)) != 0) {
            buyer_add_bins(core, buyer, &last, alike);
            alike = 0;
        }
        last = free_;
        alike++;
    }
    buyer_add_bins(core, buyer, &last, alike);
}

static void spare_for(struct spares *spares, const struct core_pod *pod, int64_t until_ns)
{
    struct core *core = spares->core;
    for (size_t i = 0; i < spares->count; i++) {
        struct buyer *buyer = &spares->buyers[i];
        buyer->took = false;
        if (!spares->have_room && !buyer->waits)
            add_free_room(core, buyer);
    }
    spares->have_room = true;
    spares->pods++;
    (void)buyers_take(core, spares->buyers, spares->count, pod->job, 1);
    for (size_t i = 0; i < spares->count; i++) {
        struct core_environment *environment = spares->buyers[i].environment;
        if (spares->buyers[i].took && environment->spares_until_ns < until_ns)
            environment->spares_until_ns = until_ns;
    }
}

static void look_at(struct spares *spares, const struct core_environment *environment)
{
    for (const struct core_instance *i = environment->instances; i != NULL; i = i->next) {
        int64_t until_ns = i->signal_ns + SPARE_S * NS_PER_S;
        if (i->signal_ns == 0 || i->state > INSTANCE_RUNNING || i->node == NULL ||
            until_ns <= spares->core->now_ns)
            continue;
        for (const struct core_pod *pod = i->node->pods; pod != NULL; pod = pod->next) {
            if (spares->pods < SPARE_PODS_MAX && comes_back(pod))
                spare_for(spares, pod, until_ns);
        }
    }
}

void buy_spares(struct core *core, struct buyer *buyers, size_t count)
{
    struct spares spares = {.core = core, .buyers = buyers, .count = count};
    struct buyer *before = arena_alloc(core->arena, (count + 1) * sizeof(*before));
    for (size_t i = 0; i < count; i++) {
        before[i] = buyers[i];
        buyers[i].environment->spares_until_ns = 0;
    }
    for (size_t i = 0; i < count; i++)
        look_at(&spares, buyers[i].environment);
    for (size_t i = 0; i < count; i++) { /* nothing makes room for it */
        buyers[i].short_of = before[i].short_of;
        buyers[i].short_class = before[i].short_class;
    }
}
