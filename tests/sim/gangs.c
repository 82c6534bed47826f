/* SPDX-License-Identifier: Apache-2.0 */
/* gangs.c - the oracle on multi-node jobs: placed whole, alone on their nodes, led by the main node
 *
 * Room for all is judged when the main node's create is sent, by what the process had heard and
 * sent then. With two templates it is enough to count: nodes that fit the one, the other, either.
 */
#include "sim/world.h"

#include <string.h>

const struct template_ *job_template(const struct sim_job *job, uint32_t index)
{
    return is_part(job, index) ? &job->others : &job->template_;
}

bool is_part(const struct sim_job *job, uint32_t index)
{
    return job->gang && index != job->main_node;
}

/* --- Room for all ------------------------------------------------------------------------------
 */

/* Nothing of ours is there or on its way, as far as the process can know. */
static bool is_empty(const struct world *world, const struct sim_node *node,
                     const struct request *mine)
{
    const struct watch *watch = &world->watches[KIND_POD];
    for (size_t i = 0; i < watch->known_count; i++) {
        const struct sim_pod *pod = (const struct sim_pod *)(const void *)watch->known[i].copy;
        bool over = pod_ended(pod) || pod_ended(pod->body->pod) || pod->body->pod->object.gone;
        if (pod->ours && !over && name_eq(pod->node_uid, node->object.uid))
            return false;
    }
    for (const struct request *other = world->creates; other != NULL; other = other->create_next) {
        const struct sim_pod *pod = other->ret_pod;
        bool heard = other->settled ||
                     (pod != NULL && (pod->body->pod->object.gone ||
                                      watch_known(world, KIND_POD, pod->object.uid) != NULL));
        /* An earlier try of the same part, whose name somebody else has. */
        bool instead =
            mine != NULL && name_eq(other->job_uid, mine->job_uid) && other->index == mine->index;
        if (other != mine && !instead && !heard && !is_squatted(world, other) &&
            name_eq(other->node_uid, node->object.uid))
            return false;
    }
    return true;
}

static bool fits(const struct world *world, const struct sim_node *node,
                 const struct template_ *template_)
{
    int64_t cpu = template_->cpu_milli, memory = template_->memory_mib;
    const struct watch *watch = &world->watches[KIND_POD];
    for (size_t i = 0; i < watch->known_count; i++) {
        const struct sim_pod *pod = (const struct sim_pod *)(const void *)watch->known[i].copy;
        if (pod->ours || pod_ended(pod) || !name_eq(pod->node_name, node->object.name))
            continue;
        cpu += pod->cpu_milli;
        memory += pod->memory_mib;
    }
    return cpu <= node->cpu_milli && memory <= node->memory_mib;
}

void oracle_gang_sent(struct world *world, const struct request *request, const struct sim_job *job)
{
    if (!job->gang || is_part(job, request->index) || job->size < 2)
        return;
    uint32_t main_fits = 0, others_fit = 0, either_fits = 0;
    const struct watch *watch = &world->watches[KIND_NODE];
    for (size_t i = 0; i < watch->known_count; i++) {
        const struct sim_node *node = (const struct sim_node *)(const void *)watch->known[i].copy;
        if (!node->ready || !name_eq(node->environment, request->environment) ||
            !is_empty(world, node, request))
            continue;
        bool for_main = fits(world, node, &job->template_);
        bool for_others = fits(world, node, &job->others);
        main_fits += for_main;
        others_fit += for_others;
        either_fits += for_main || for_others;
    }
    if (main_fits < 1 || others_fit < job->size - 1 || either_fits < job->size)
        violation(world, "gang", "%s is created, but of %u nodes %u are there", request->name,
                  job->size, either_fits);
}

/* --- Alone, of one attempt, the main node first -------------------------------------------------
 */

void oracle_gang_created(struct world *world, const struct sim_pod *pod, const struct sim_job *job)
{
    const struct store *store = &world->stores[KIND_POD];
    const struct sim_pod *main_pod = job->gang ? job->truth->children[job->main_node].last : NULL;
    if (is_part(job, pod->index) &&
        (main_pod == NULL || !main_pod->started || main_pod->attempt != pod->attempt))
        violation(world, "gang", "pod %s is created before its main node runs", pod->object.name);
    for (size_t i = 0; i < store->count; i++) {
        const struct sim_pod *other = (const struct sim_pod *)store->items[i];
        if (other == pod || !other->ours || other->body->job == NULL || !pod_may_execute(other) ||
            pod_is_stranded(world, other))
            continue;
        bool mine = name_eq(other->job_uid, pod->job_uid);
        if (!job->gang && other->body->job->object.gone)
            continue; /* a process that has started since cannot know what its job was */
        if (job->gang && mine && (!is_part(job, pod->index) || other->attempt != pod->attempt))
            violation(world, "gang", "pod %s is created while %s of attempt %u is there",
                      pod->object.name, other->object.name, other->attempt);
        if ((job->gang || other->body->job->gang) && name_eq(other->node_uid, pod->node_uid))
            violation(world, "gang", "pod %s shares its node with %s", pod->object.name,
                      other->object.name);
    }
}
