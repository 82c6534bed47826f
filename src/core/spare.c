/* SPDX-License-Identifier: Apache-2.0 */
/* spare.c - room for what will soon come back from machines that are about to go
 *
 * What runs on a machine that is about to go (signals.h) is left alone, and will be tried again
 * when it is lost. For SPARE_S after the first signal there is room for it: free room on other
 * machines or machines that come, else one is bought, in the first of its queue's environments that
 * has any, before the old one goes. What is counted on for that is kept (counted.c). After that
 * time a machine that is still there is taken to stay for longer than an idle one is worth. Nothing
 * is bought for work that would not be tried again, nor for multi-node jobs, which come back as a
 * whole; nor does anything give way to it. */
#include "buyer.h"
#include "signals.h"

enum { SPARE_S = 600, SPARE_PODS_MAX = 1000 };

/* Everything in one pass. */
struct spares {
    struct core *core;
    struct buyer *buyers;
    size_t count;
    size_t pods;
};

static bool comes_back(const struct core_pod *pod)
{
    const struct core_job *job = pod->job;
    bool late = pod->kill == KILL_START;
    if (!pod->ours || !pod->counted || pod->state != PODS_LIVE ||
        (pod->kill != KILL_NONE && !late) || job == NULL || job->gang || job->children == NULL ||
        job_is_stopped(job) || !job->queue->present || job->queue->spec == NULL ||
        child_is_stopped(job, pod->index))
        return false;
    if (!pod->started && !late)
        return true; /* that is no attempt */
    return outcome_is_followed(pod);
}

static void look_at(struct spares *spares, const struct core_environment *environment)
{
    for (const struct core_instance *i = environment->instances; i != NULL; i = i->next) {
        int64_t until_ns = i->signal_ns + SPARE_S * NS_PER_S;
        if (i->signal_ns == 0 || i->state > INSTANCE_RUNNING || i->node == NULL ||
            until_ns <= spares->core->now_ns)
            continue;
        for (const struct core_pod *pod = i->node->pods; pod != NULL; pod = pod->next) {
            if (spares->pods >= SPARE_PODS_MAX || !comes_back(pod))
                continue;
            spares->pods++;
            counted_step(spares->core);
            (void)buyers_take(spares->core, spares->buyers, spares->count, pod->job, 1);
        }
    }
}

void buy_spares(struct core *core, struct buyer *buyers, size_t count)
{
    struct spares spares = {.core = core, .buyers = buyers, .count = count};
    struct buyer *before = arena_alloc(core->arena, (count + 1) * sizeof(*before));
    for (size_t i = 0; i < count; i++)
        before[i] = buyers[i];
    for (size_t i = 0; i < count; i++)
        look_at(&spares, buyers[i].environment);
    for (size_t i = 0; i < count; i++) { /* nothing makes room for it */
        buyers[i].short_of = before[i].short_of;
        buyers[i].short_class = before[i].short_class;
    }
}
