/* SPDX-License-Identifier: Apache-2.0 */
/* twice.c - nothing is bought that is there already
 *
 * Whatever waits needs at most one machine for each pod. So of one type and in one environment,
 * what is launched, what is on its way, and what is Ready with nothing of ours on it are together
 * never more than wait there, have to come back from machines that go, or minvCpus asks for. What
 * is Ready may be of no use for a while to who waits: it is not counted after the process has heard
 * of anything that may mean that (upset_ns), and while it is shared with others. */
#include "sim/world.h"

#include <string.h>

static bool is_listed(const struct world *world, const struct sim_job *job, const char *environment)
{
    const struct store *store = &world->stores[KIND_QUEUE];
    for (size_t i = 0; i < store->count; i++) {
        const struct sim_queue *queue = (const struct sim_queue *)store->items[i];
        if (strcmp(queue->object.name, job->queue) != 0)
            continue;
        for (size_t e = 0; e < queue->environment_count; e++)
            if (strcmp(queue->environments[e], environment) == 0)
                return true;
    }
    return false;
}

/* Until then it is what the process has to find room for. */
static bool is_end_heard(const struct world *world, const struct sim_pod *pod)
{
    const struct sim_pod *known =
        (const struct sim_pod *)(const void *)watch_known(world, KIND_POD, pod->object.uid);
    return known != NULL ? pod_ended(known) : pod->object.gone;
}

static bool needs_room(const struct world *world, const struct sim_job *job, uint32_t index)
{
    const struct sim_pod *last = job->truth->children[index].last;
    if (last == NULL || job->gang)
        return true; /* a node is kept for each part for as long as its job goes on */
    if (!pod_may_execute(last) || pod_is_stranded(world, last)) {
        if (!is_end_heard(world, last))
            return true;
        struct summary sum = summarize(world, job, last);
        return !sum.succeeded && !sum.final_failed;
    }
    /* It may have to come back. */
    return last->body->instance == NULL || last->body->instance->signal != SIGNAL_NONE;
}

/* Sent or there, and bound to no node: room is kept for it where nobody but the process knows, also
 * when its job is gone. */
static int64_t pods_adrift(const struct world *world)
{
    const struct watch *watch = &world->watches[KIND_POD];
    int64_t count = 0;
    for (const struct request *r = world->creates; r != NULL; r = r->create_next) {
        const struct sim_pod *pod = r->ret_pod;
        bool heard = pod != NULL && (pod->body->pod->object.gone ||
                                     watch_known(world, KIND_POD, pod->object.uid) != NULL);
        count += r->node_name == NULL && (!r->settled || r->unclear) && !heard;
    }
    for (size_t i = 0; i < watch->known_count; i++) {
        const struct sim_pod *pod = (const struct sim_pod *)(const void *)watch->known[i].copy;
        count += pod->ours && pod->node_name == NULL && !pod_ended(pod);
    }
    return count;
}

static int64_t pods_waiting(const struct world *world, const char *environment)
{
    int64_t count = 0;
    for (const struct truth *truth = world->truths; truth != NULL; truth = truth->next) {
        const struct sim_job *job = truth->job;
        bool gone = job->object.gone && watch_known(world, KIND_JOB, job->object.uid) == NULL;
        bool over = gone || job_ended(job);
        for (uint32_t i = 0; !over && is_listed(world, job, environment) && i < truth->child_count;
             i++)
            count += needs_room(world, job, i);
    }
    return count;
}

/* A pod that was made there, and has come and gone while the watch on pods lags. */
static bool is_known_by_its_create(const struct world *world, const struct sim_node *node)
{
    if (world->watches[KIND_POD].first == NULL)
        return false;
    for (const struct request *r = world->creates; r != NULL; r = r->create_next)
        if (r->ret_pod != NULL && name_eq(r->node_uid, node->object.uid) &&
            watch_known(world, KIND_POD, r->ret_pod->object.uid) == NULL)
            return true;
    return false;
}

/* Somebody has a pod of the name that a create of ours wanted: whose it is is being asked. */
static bool is_asked_for(const struct world *world, const struct request *create)
{
    for (const struct request *r = world->requests; r != NULL; r = r->next)
        if (r->kind == ACTION_POD_GET && name_eq(r->name, create->name) &&
            name_eq(r->namespace_, create->namespace_))
            return true;
    return false;
}

/* Also a DaemonSet's, of which the process may not know that it comes to each node, and one that
 * has just ended, of which it may not have heard. */
static bool has_pods(const struct world *world, const struct sim_node *node)
{
    const struct store *store = &world->stores[KIND_POD];
    if (is_known_by_its_create(world, node))
        return true;
    for (const struct request *r = world->creates; r != NULL; r = r->create_next)
        if (r->ret_pod == NULL && (!r->settled || r->unclear || is_asked_for(world, r)) &&
            name_eq(r->node_name, node->object.name))
            return true; /* on its way, perhaps for a job that is gone */
    const struct watch *watch = &world->watches[KIND_POD];
    for (size_t i = 0; i < watch->known_count; i++) {
        const struct sim_pod *pod = (const struct sim_pod *)(const void *)watch->known[i].copy;
        if (!pod_ended(pod) && name_eq(pod->node_name, node->object.name))
            return true; /* that it is gone has not been heard */
    }
    for (size_t i = 0; i < store->count; i++) {
        const struct sim_pod *pod = (const struct sim_pod *)store->items[i];
        bool known = pod_ended(pod) && world->now_ns - pod->finished_ns >= 60 * NS_PER_S;
        if (!known && name_eq(pod->node_name, node->object.name))
            return true;
    }
    return false;
}

static struct instance_live *instance_under(const struct world *world, const char *node_name)
{
    const struct store *store = &world->stores[KIND_NODE];
    for (size_t i = 0; node_name != NULL && i < store->count; i++) {
        const struct sim_node *node = (const struct sim_node *)store->items[i];
        if (name_eq(node->object.name, node_name))
            return node->instance;
    }
    return NULL;
}

void twice_event(struct world *world, const struct event *event)
{
    bool failed = event->kind == EVENT_POD && event->pod->phase == POD_FAILED;
    const char *name = failed                      ? event->pod->node_name
                       : event->kind == EVENT_NODE ? event->node->meta.name
                                                   : NULL;
    struct instance_live *instance = instance_under(world, name);
    if (instance == NULL)
        return;
    bool ready = event->kind == EVENT_NODE && event->node->ready;
    instance->troubled = instance->troubled || failed || (instance->was_ready && !ready);
    instance->was_ready = instance->was_ready || ready;
}

static bool is_sent_away(const struct world *world, const struct instance_live *instance)
{
    for (const struct request *r = world->requests; r != NULL; r = r->next)
        for (size_t i = 0; r->kind == ACTION_PROVIDER_TERMINATE && i < r->id_count; i++)
            if (strcmp(r->ids[i], instance->id) == 0)
                return true;
    return false;
}

/* On its way, or Ready and empty. */
static bool is_to_be_had(const struct world *world, const struct instance_live *instance)
{
    const struct sim_node *node = instance->node;
    if (is_sent_away(world, instance))
        return false;
    if (!instance->alive || instance->signal != SIGNAL_NONE || instance->state > INSTANCE_RUNNING)
        return false;
    if (node == NULL)
        return instance->joins && world->now_ns - instance->launched_ns < 300 * NS_PER_S;
    return !node->object.gone && node->ready && !node->tainted && instance->refuses_until_ns == 0 &&
           instance->partitioned_until_ns == 0 && !instance->troubled && !has_pods(world, node);
}

static bool is_known(const struct group *group, const char *token)
{
    for (size_t i = 0; i < ARRAY_LEN(group->tokens); i++)
        if (name_eq(group->tokens[i], token))
            return true;
    return false;
}

void twice_launch(struct world *world, struct group *group, const struct request *request)
{
    bool again = is_known(group, request->token); /* it may have been carried out */
    int64_t machines = request->number;
    int64_t vcpus = 1;
    group->tokens[group->token_count++ % ARRAY_LEN(group->tokens)] =
        arena_copy(world->arena, request->token);
    if (again || group->launched_late || world->now_ns - world->erred_ns < 60 * NS_PER_S)
        return; /* what a call that failed has made is found out later */
    for (size_t i = 0; i < group->count; i++) {
        const struct instance_live *instance = group->items[i];
        machines += instance->type >= 0 && is_to_be_had(world, instance) &&
                    strcmp(world->types[instance->type].name, request->instance_type) == 0;
    }
    for (size_t i = 0; i < world->type_count; i++)
        if (strcmp(world->types[i].name, request->instance_type) == 0)
            vcpus = world->types[i].vcpus;
    int64_t least = (group->environment->min_vcpus + vcpus - 1) / vcpus;
    int64_t wanted = pods_waiting(world, request->environment) + pods_adrift(world);
    world->counters.launches_judged++;
    if (machines > wanted + least)
        violation(world, "twice",
                  "%s: %lld x %s are launched, which makes %lld empty ones for %lld pods",
                  request->environment, (long long)request->number, request->instance_type,
                  (long long)machines, (long long)wanted);
}
