/* SPDX-License-Identifier: Apache-2.0 */
/* capacity.c - machines that are told beforehand to go, groups that have none for a while, and the
 * oracle on both
 *
 * The process has heard of a signal when an answer with it was delivered to it; from then on it may
 * place nothing there. A group in a drought launches nothing, whatever the type. */
#include "sim/world.h"

#include "bulkhead/base/str.h"

#include <string.h>

enum { FLAP_S = 60, UPSET_S = 1000 };

/* ------------------------------------------------------------------------ signals */

static void run_interrupt(struct world *world, struct task *task)
{
    struct instance_live *instance = task->a;
    if (!world->restless || !instance->alive)
        return; /* a machine that was told to go may stay */
    world->counters.interruptions++;
    provider_reclaim(world, instance);
}

static void signal_some(struct world *world)
{
    struct group *group = world->groups[draw(world, 0, (int64_t)world->group_count - 1)];
    if (group->count == 0)
        return;
    struct instance_live *instance = group->items[draw(world, 0, (int64_t)group->count - 1)];
    if (!instance->alive || instance->type < 0 || !group->environment->managed)
        return;
    enum instance_signal signal = chance(world, 500) ? SIGNAL_INTERRUPTION : SIGNAL_REBALANCE;
    if (signal > instance->signal) /* who is to be taken back is not told less afterwards */
        instance->signal = signal;
    world->counters.signals++;
    STORY(world, "machine %s (%s): %s", instance->id,
          instance->node_name != NULL ? instance->node_name : "-",
          instance_signal_name(instance->signal));
    if (signal == SIGNAL_INTERRUPTION || chance(world, 300))
        after(world, draw_ms(world, 1000, 120000), run_interrupt, instance, NULL, 0);
}

/* Where prices have moved, what machines cost is told anew: then it is not over yet. */
static void prices_heard(struct world *world, const struct request *request)
{
    int64_t sum = 1;
    for (size_t i = 0; i < world->type_count; i++)
        sum = sum * 31 + world->types[i].price * 1000 + world->types[i].spot_price;
    for (size_t i = 0; i < world->group_count; i++) {
        struct group *group = world->groups[i];
        if (!name_eq(group->environment->object.name, request->environment) ||
            group->told_prices == sum)
            continue;
        group->told_prices = sum;
        world->progress_ns = world->now_ns;
    }
}

/* The answer reaches the process. */
void capacity_heard(struct world *world, const struct request *request)
{
    if (request->kind == ACTION_PROVIDER_TYPES)
        prices_heard(world, request);
    bool sets_free = request->kind == ACTION_PROVIDER_TYPES || request->kind == ACTION_POD_CHECK ||
                     request->kind == ACTION_POD_GET || request->kind == ACTION_JOB_STATUS ||
                     request->kind == ACTION_CONSUMABLE_STATUS ||
                     request->kind == ACTION_REVISION_CREATE;
    /* Prices have moved: what is bought, and what gives way for it, may change one by one. */
    if (request->kind == ACTION_PROVIDER_TYPES &&
        world->upset_ns < world->now_ns + FLAP_S * NS_PER_S)
        world->upset_ns = world->now_ns + FLAP_S * NS_PER_S;
    if (sets_free)
        world->news_ns = world->now_ns;
    if (request->provider != PROVIDER_OK)
        world->erred_ns = world->now_ns;
    /* Somebody has the name: it is tried again, less and less often. */
    if (request->kind == ACTION_SERVICE_CREATE && request->result == DONE_EXISTS)
        world->upset_ns = world->now_ns + UPSET_S * NS_PER_S;
    for (size_t i = 0; i < request->instances.count; i++) {
        const struct instance *told = &request->instances.items[i];
        if (told->signal == SIGNAL_NONE)
            continue;
        for (size_t g = 0; g < world->group_count; g++) {
            struct instance_live *instance = group_find(world->groups[g], told->id);
            if (instance == NULL || instance->heard_by == world->process)
                continue;
            instance->heard_by = world->process;
            world->news_ns = world->now_ns;
        }
    }
}

/* Nothing more goes where it is known that the machine goes. */
static void check_create(struct world *world, const struct request *request)
{
    const struct store *store = &world->stores[KIND_NODE];
    for (size_t i = 0; i < store->count && request->node_uid != NULL; i++) {
        const struct sim_node *node = (const struct sim_node *)store->items[i];
        if (strcmp(node->object.uid, request->node_uid) == 0 &&
            node->instance->heard_by == world->process)
            violation(world, "signal", "create %s on %s, which is known to go", request->name,
                      node->object.name);
    }
}

/* ------------------------------------------------------------------ no going to and fro */

/* Not by a status. An edit may be heard long after it was made. */
static bool is_edited(const struct world *world, enum kind kind, const struct object_meta *meta)
{
    struct object *live = store_find(world, kind, NULL, meta->name);
    uint64_t generation = (uint64_t)meta->generation;
    if (live == NULL || strcmp(live->uid, meta->uid) != 0)
        return true;
    bool edited = generation > live->generation_heard;
    if (edited)
        live->generation_heard = generation;
    return edited;
}

/* By the scheduler, perhaps elsewhere than room was kept for it. */
static bool is_bound(const struct pod *pod)
{
    return pod->phase == POD_PENDING && pod->node_name != NULL && pod->node_uid == NULL;
}

/* Less than its type should, or more than another of its type did: what was taken for too small may
 * be large enough after all. */
static bool is_odd(const struct world *world, const struct node *node)
{
    const struct sim_node *mine = store_find(world, KIND_NODE, NULL, node->meta.name);
    const struct store *store = &world->stores[KIND_NODE];
    bool odd = node->allocatable.cpu_milli % 1000 != 0;
    for (size_t i = 0; i < store->count && mine != NULL; i++) {
        const struct sim_node *other = (const struct sim_node *)store->items[i];
        odd = odd || (name_eq(other->type, mine->type) && other->cpu_milli < mine->cpu_milli);
    }
    return odd;
}

/* What others do: their objects and edits, ends of pods, machines that are lost or offer less than
 * they should or more than others did, calls that fail. Not what follows from our own acts:
 * statuses as we wrote them, pods that begin, machines that join as expected. */
static bool is_news(const struct world *world, const struct event *event)
{
    switch (event->kind) {
    case EVENT_TICK:
        return false;
    case EVENT_QUEUE:
        return is_edited(world, KIND_QUEUE, &event->queue->meta);
    case EVENT_ENVIRONMENT:
        return is_edited(world, KIND_ENVIRONMENT, &event->environment->meta);
    case EVENT_DONE:
        return event->done.result != DONE_OK || event->done.provider != PROVIDER_OK;
    case EVENT_POD:
        return event->pod->phase >= POD_SUCCEEDED || event->pod->job_uid == NULL ||
               is_bound(event->pod);
    case EVENT_NODE:
        return !event->node->ready || is_odd(world, event->node);
    default:
        return true;
    }
}

/* Time alone changes things after these: a node rests for minutes after it refused a pod, a type is
 * set aside for a quarter of an hour at most, a job is held back after a write that was refused. */
static bool is_upset(const struct event *event)
{
    if (event->kind == EVENT_DONE)
        return event->done.provider != PROVIDER_OK || event->done.result == DONE_AGAIN ||
               event->done.result == DONE_QUOTA || event->done.result == DONE_FORBIDDEN;
    return event->kind == EVENT_POD && event->pod->phase == POD_FAILED &&
           !event->pod->containers_started;
}

void capacity_event(struct world *world, const struct event *event)
{
    if (is_news(world, event))
        world->news_ns = world->now_ns;
    twice_event(world, event);
    if (is_upset(event))
        world->upset_ns = world->now_ns + UPSET_S * NS_PER_S;
    /* While a multi-node job comes together, its environment is kept from others. */
    const struct truth *truth = event->kind == EVENT_POD && event->pod->job_uid != NULL
                                    ? truth_of(world, event->pod->job_uid)
                                    : NULL;
    bool gathers = truth != NULL && truth->job->gang;
    if (gathers && world->upset_ns < world->now_ns + FLAP_S * NS_PER_S)
        world->upset_ns = world->now_ns + FLAP_S * NS_PER_S;
    if (event->kind == EVENT_SYNCED) /* what is to be had is asked now, one after the other */
        world->upset_ns = world->now_ns + FLAP_S * NS_PER_S;
}

/* Of the same queue, after the job, and without its pods. */
static bool gang_waits_behind(const struct world *world, const struct sim_job *job)
{
    for (const struct truth *truth = world->truths; truth != NULL; truth = truth->next) {
        const struct sim_job *other = truth->job;
        if (!other->gang || other == job || other->object.gone || job_ended(other) ||
            !name_eq(other->queue, job->queue) || other->object.created_ns < job->object.created_ns)
            continue;
        const struct sim_pod *last = truth->children[other->main_node].last;
        if (last == NULL || pod_ended(last))
            return true;
    }
    return false;
}

/* The main node's pod, or first the Service that names it; or that of a job before it. */
static bool places_gang(const struct world *world, const struct action *action)
{
    if (action->kind != ACTION_POD_CREATE)
        return action->kind == ACTION_SERVICE_CREATE;
    const struct truth *truth = truth_of(world, action->order.job->meta.uid);
    if (truth == NULL)
        return false;
    return truth->job->gang ? !is_part(truth->job, action->order.index)
                            : gang_waits_behind(world, truth->job);
}

/* Nothing is bought for a multi-node job, nor for what is behind it, before it is first. When what
 * was first has its place, the line moves on to the next: nobody knows when that will be. */
void capacity_planned(struct world *world, const struct plan *plan)
{
    for (size_t i = 0; i < plan->action_count; i++)
        if (places_gang(world, &plan->actions[i]))
            world->news_ns = world->now_ns;
}

static struct group *group_named(struct world *world, const char *environment)
{
    for (size_t i = 0; i < world->group_count; i++)
        if (strcmp(world->groups[i]->environment->object.name, environment) == 0)
            return world->groups[i];
    return NULL;
}

static void check_launch(struct world *world, const struct request *request)
{
    struct group *group = group_named(world, request->environment);
    int64_t vcpus = 0;
    if (group != NULL)
        twice_launch(world, group, request);
    for (size_t i = 0; i < world->type_count; i++)
        if (strcmp(world->types[i].name, request->instance_type) == 0)
            vcpus = world->types[i].vcpus;
    for (size_t i = 0; group != NULL && i < ARRAY_LEN(group->given_back); i++) {
        const struct given_back *back = &group->given_back[i];
        /* In the same moment it is one decision: a machine that is of no use gives way. */
        bool soon = back->process == world->process && world->now_ns > back->sent_ns &&
                    world->now_ns > world->upset_ns &&
                    world->now_ns - back->sent_ns < FLAP_S * NS_PER_S && back->vcpus >= vcpus &&
                    (back->vcpus == vcpus || request->number == 1); /* else many for a large one */
        if (!soon || world->news_ns >= back->sent_ns)
            continue;
        if (shares_take_turns(world, request->environment))
            world->counters.turns_taken++;
        else
            violation(world, "flap", "%s: %s is launched %lld s after one of %lld vCPUs went",
                      request->environment, request->instance_type,
                      (long long)((world->now_ns - back->sent_ns) / NS_PER_S),
                      (long long)back->vcpus);
    }
}

/* Somebody else's pod is there, and keeps it from being of use. */
static bool is_shared(const struct world *world, const struct sim_node *node)
{
    const struct store *store = &world->stores[KIND_POD];
    for (size_t i = 0; i < store->count; i++) {
        const struct sim_pod *pod = (const struct sim_pod *)store->items[i];
        if (!pod->ours && !pod_ended(pod) && name_eq(pod->node_name, node->object.name) &&
            !name_eq(pod->owner_kind, "DaemonSet"))
            return true;
    }
    return false;
}

static void check_terminate(struct world *world, const struct request *request)
{
    struct group *group = group_named(world, request->environment);
    for (size_t i = 0; group != NULL && i < request->id_count; i++) {
        const struct instance_live *instance = group_find(group, request->ids[i]);
        /* That a machine never joins is found out only here, and its type is set aside. */
        if (instance != NULL && instance->alive && !instance->joins)
            world->upset_ns = world->now_ns + UPSET_S * NS_PER_S;
        if (instance == NULL || !instance->alive || instance->signal != SIGNAL_NONE ||
            instance->node == NULL || instance->node->object.gone || !instance->node->ready ||
            is_shared(world, instance->node))
            continue; /* it was of no use */
        if (world->now_ns - instance->launched_ns < FLAP_S * NS_PER_S &&
            world->now_ns > world->upset_ns && world->news_ns < instance->launched_ns)
            violation(world, "flap", "%s: %s goes %lld s after it was launched",
                      request->environment, instance->id,
                      (long long)((world->now_ns - instance->launched_ns) / NS_PER_S));
        world->counters.given_back++;
        group->given_back[group->given_back_count++ % ARRAY_LEN(group->given_back)] =
            (struct given_back){world->now_ns, world->types[instance->type].vcpus, world->process};
    }
}

/* Its time is over. What was bought for when it has to come back is of no use any more. */
static bool is_timed_out(const struct world *world, const struct request *request)
{
    const struct sim_pod *pod = store_find(world, KIND_POD, request->namespace_, request->name);
    const struct sim_job *job = pod != NULL ? pod->body->job : NULL;
    return job != NULL && job->timeout_s > 0 && pod->started && !pod_ended(pod) &&
           world->now_ns - pod->started_ns >= job->timeout_s * NS_PER_S;
}

void capacity_sent(struct world *world, const struct request *request)
{
    if (request->kind == ACTION_POD_DELETE && is_timed_out(world, request))
        world->news_ns = world->now_ns;
    if (request->kind == ACTION_POD_CREATE)
        check_create(world, request);
    if (request->kind == ACTION_PROVIDER_LAUNCH)
        check_launch(world, request);
    if (request->kind == ACTION_PROVIDER_TERMINATE)
        check_terminate(world, request);
}

/* ------------------------------------------------------------------------ droughts */

static void drought(struct world *world)
{
    struct group *group = world->groups[draw(world, 0, (int64_t)world->group_count - 1)];
    group->drought = !group->drought;
    world->counters.droughts += group->drought;
    STORY(world, "%s has %s", group->environment->object.name,
          group->drought ? "no machines for now" : "machines again");
}

bool capacity_dear(const struct world *world, const char *environment)
{
    for (size_t i = 0; i < world->group_count; i++)
        if (strcmp(world->groups[i]->environment->object.name, environment) == 0)
            return world->groups[i]->dear;
    return false;
}

void capacity_mischief(struct world *world)
{
    if (chance(world, world->faults.spot))
        signal_some(world);
    if (chance(world, world->faults.capacity))
        drought(world);
}

void capacity_calm(struct world *world)
{
    for (size_t i = 0; i < world->group_count; i++)
        world->groups[i]->drought = false;
}
