/* SPDX-License-Identifier: Apache-2.0 */
/* shares.c - fair share: which share of a queue is next
 *
 * The share with the lowest key goes next, weighed:
 *
 *     key(share)  = what it used, older use weighing less (usage.h)
 *                 + what its pods take now, as if they ran for one half-life more
 *     weighed     = key * weight, and * k for one of k active shares under one prefix
 *
 * Without the second part all that is free at a moment would go to one share. A half-life is a
 * quarter of shareDecaySeconds. What is charged: whole seconds from the pod's creation to its end,
 * at least one, times the vCPUs that it asks for (DOMINANT: times the greatest part that it takes
 * of any resource, in vCPUs that would be as great a part).
 *
 * Two levels. All shares of a group have the same weight, so in a group the keys alone decide, and
 * when their number changes only the group moves. The key of a share with pods grows all the time:
 * what stands in the tree may be too low, never too high, so only what comes to the front is worked
 * out anew, at most once a second each. O(log shares) a turn.
 *
 * A share is active while it has jobs that have not ended, or used something within the window. */
#include "shares.h"
#include "order.h"
#include "reclaim.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------------------- time */

static int64_t second_of(const struct shares *shares)
{
    return shares->core->now_ns / NS_PER_S;
}

static void accrue(struct core_share *share, int64_t to_s)
{
    if (to_s <= share->upto_s)
        return;
    int64_t rate = share->running < USAGE_RATE_MAX ? share->running : USAGE_RATE_MAX;
    if (rate > 0)
        share->past += (usage_sum)rate * usage_weights(&share->of->clock, share->upto_s, to_s);
    share->upto_s = to_s;
}

static void rekey(struct core_share *share);

/* Keeps the numbers small: after USAGE_EPOCHS_MAX half-lives the unit is another. */
static void change_unit(struct shares *shares, int64_t now_s)
{
    struct usage_clock *clock = &shares->clock;
    bool long_ago = (now_s - clock->base_s) / clock->half_s > 8 * (int64_t)USAGE_EPOCHS_MAX;
    while ((now_s - clock->base_s) / clock->half_s >= USAGE_EPOCHS_MAX) {
        int64_t to_s = clock->base_s + USAGE_EPOCHS_MAX * clock->half_s;
        if (long_ago) /* nothing from before counts any more */
            to_s += (now_s - to_s) / clock->half_s * clock->half_s;
        for (struct core_share *share = shares->first; share != NULL; share = share->next) {
            if (long_ago) {
                share->past = 0;
                share->upto_s = to_s;
                continue;
            }
            accrue(share, to_s);
            share->past >>= USAGE_EPOCHS_MAX;
        }
        clock->base_s = to_s;
    }
    for (struct core_share *share = shares->first; share != NULL; share = share->next)
        rekey(share);
}

usage_sum shares_ahead(const struct shares *shares, int64_t rate)
{
    if (rate > USAGE_RATE_MAX)
        rate = USAGE_RATE_MAX;
    return (usage_sum)rate * (usage_sum)shares->clock.half_s *
           usage_weight(&shares->clock, second_of(shares));
}

/* ---------------------------------------------------------------------------- order */

static int compare_jobs(const struct tree_node *a, const struct tree_node *b)
{
    const struct core_job *left = CONTAINER_OF(a, const struct core_job, order);
    const struct core_job *right = CONTAINER_OF(b, const struct core_job, order);
    if (left->priority != right->priority)
        return left->priority > right->priority ? -1 : 1;
    return order_compare(left, right);
}

static int compare_shares(const struct tree_node *a, const struct tree_node *b)
{
    const struct core_share *left = CONTAINER_OF(a, const struct core_share, node);
    const struct core_share *right = CONTAINER_OF(b, const struct core_share, node);
    if (left->key != right->key)
        return left->key < right->key ? -1 : 1;
    return strcmp(left->id, right->id);
}

static int compare_groups(const struct tree_node *a, const struct tree_node *b)
{
    const struct share_group *left = CONTAINER_OF(a, const struct share_group, node);
    const struct share_group *right = CONTAINER_OF(b, const struct share_group, node);
    if (left->key != right->key)
        return left->key < right->key ? -1 : 1;
    return strcmp(left->first, right->first);
}

static struct core_share *first_of(const struct share_group *group)
{
    struct tree_node *first = tree_first(&group->waiting);
    return first != NULL ? CONTAINER_OF(first, struct core_share, node) : NULL;
}

int64_t share_weight_now(const struct share_group *group)
{
    return group->prefix && group->active > 1 ? group->weight * (int64_t)group->active
                                              : group->weight;
}

static void place_group(struct shares *shares, struct share_group *group)
{
    tree_remove(&shares->order, &group->node);
    const struct core_share *first = first_of(group);
    if (first == NULL)
        return;
    group->first = first->id;
    group->key = usage_times(first->key, share_weight_now(group));
    tree_insert(&shares->order, &group->node);
}

static void place_share(struct core_share *share)
{
    struct share_group *group = share->group;
    if (group == NULL)
        return;
    tree_remove(&group->waiting, &share->node);
    share->keyed_s = second_of(share->of);
    share->key = share->past + shares_ahead(share->of, share->running);
    if (share->jobs.count > 0)
        tree_insert(&group->waiting, &share->node);
    place_group(share->of, group);
}

static void rekey(struct core_share *share)
{
    accrue(share, second_of(share->of));
    place_share(share);
}

/* ------------------------------------------------------------------------ being active */

static void idle_remove(struct core_share *share)
{
    struct shares *shares = share->of;
    if (!share->idle)
        return;
    share->idle = false;
    if (share->idle_prev != NULL)
        share->idle_prev->idle_next = share->idle_next;
    else
        shares->idle_first = share->idle_next;
    if (share->idle_next != NULL)
        share->idle_next->idle_prev = share->idle_prev;
    else
        shares->idle_last = share->idle_prev;
    share->idle_prev = share->idle_next = NULL;
}

static void idle_add(struct core_share *share, int64_t since_s)
{
    struct shares *shares = share->of;
    if (share->idle)
        return;
    share->idle = true;
    share->idle_s = since_s;
    share->idle_prev = shares->idle_last;
    if (shares->idle_last != NULL)
        shares->idle_last->idle_next = share;
    else
        shares->idle_first = share;
    shares->idle_last = share;
}

static void count_active(struct core_share *share, bool active)
{
    struct shares *shares = share->of;
    if (share->active == active)
        return;
    share->active = active;
    shares->active += active ? 1 : (size_t)-1;
    shares->queue->dirty = true; /* what is kept for others is more, or less */
    shares->queue->reserve_moved = true;
    if (share->group == NULL)
        return;
    share->group->active += active ? 1 : (size_t)-1;
    if (share->group->prefix)
        place_group(shares, share->group);
}

static void share_drop(struct core_share *share)
{
    struct shares *shares = share->of;
    assert(share->live == 0 && share->pods == 0 && share->jobs.count == 0);
    assert(share->idle && shares->idle_first == share && share->idle_prev == NULL);
    idle_remove(share);
    if (!share->active)
        shares->over--;
    count_active(share, false);
    if (share->prev != NULL)
        share->prev->next = share->next;
    else
        shares->first = share->next;
    if (share->next != NULL)
        share->next->prev = share->prev;
    else
        shares->last = share->prev;
    map_remove(shares->by_id, share->id);
    free(share->id);
    free(share);
}

static int64_t window_of(const struct shares *shares)
{
    return shares->policy != NULL ? shares->policy->decay_s : POLICY_DECAY_S;
}

/* What was used longer ago than the window is forgotten. */
static void forget_idle(struct shares *shares)
{
    int64_t now_s = second_of(shares);
    bool room = false;
    struct core_share *next;
    for (struct core_share *share = shares->idle_first;
         share != NULL && share->idle_s + window_of(shares) <= now_s; share = next) {
        next = share->idle_next;
        share_drop(share); /* not told for its own sake: the status has its time */
        room = true;
    }
    if (room && shares->over > 0)
        jobs_admit_all(shares->core);
}

static struct core_share *share_named(struct shares *shares, const char *id)
{
    struct core_share *share = map_get(shares->by_id, id);
    if (share != NULL)
        return share;
    share = mem_new(sizeof(*share));
    share->id = text_copy(id);
    share->of = shares;
    share->jobs.compare = compare_jobs;
    share->upto_s = second_of(shares);
    map_put(shares->by_id, share->id, share);
    share->prev = shares->last;
    if (shares->last != NULL)
        shares->last->next = share;
    else
        shares->first = share;
    shares->last = share;
    shares->over++;
    idle_add(share, second_of(shares));
    return share;
}

static struct share_group *group_for(const struct shares *shares, const char *id)
{
    for (size_t i = 0; i + 1 < shares->group_count; i++) {
        const char *pattern = shares->groups[i].pattern;
        size_t size = strlen(pattern);
        if (shares->groups[i].prefix ? strncmp(pattern, id, size - 1) == 0
                                     : strcmp(pattern, id) == 0)
            return &shares->groups[i];
    }
    return shares->group_count > 0 ? &shares->groups[shares->group_count - 1] : NULL;
}

/* Before anything is looked up: time has gone on. */
static void go_on(struct shares *shares)
{
    int64_t now_s = second_of(shares);
    if ((now_s - shares->clock.base_s) / shares->clock.half_s >= USAGE_EPOCHS_MAX)
        change_unit(shares, now_s);
    forget_idle(shares);
}

static struct core_share *share_known(struct shares *shares, const char *id)
{
    go_on(shares);
    struct core_share *share = share_named(shares, id);
    idle_remove(share);
    if (share->group == NULL)
        share->group = group_for(shares, id);
    return share;
}

static struct core_share *share_use(struct shares *shares, const char *id, bool must)
{
    struct core_share *share = share_known(shares, id);
    if (!share->active && (must || shares->active < SHARES_ACTIVE_MAX)) {
        shares->over--;
        count_active(share, true);
    }
    shares->changes++;
    return share;
}

static void share_settle(struct core_share *share)
{
    share->of->changes++;
    if (share->live == 0 && share->pods == 0)
        idle_add(share, second_of(share->of));
}

/* ------------------------------------------------------------------------------- jobs */

/* In a queue that was made anew with a policy there may be jobs that name no share. */
static const char *share_id_of(const struct core_job *job)
{
    return job->spec->share != NULL ? job->spec->share : "";
}

void shares_job_in(struct core_job *job)
{
    if (!queue_is_fair(job->queue) || job->ended || job->share != NULL)
        return;
    /* Who names none mostly fails at once, and keeps nothing from others: no active share. */
    job->share = job->spec->share != NULL ? share_use(job->queue->shares, job->spec->share, false)
                                          : share_known(job->queue->shares, share_id_of(job));
    job->share->live++;
}

void shares_job_out(struct core_job *job)
{
    struct core_share *share = job->share;
    if (share == NULL)
        return;
    if (order_has(job))
        order_leave(job);
    job->share = NULL;
    share->live--;
    share_settle(share);
}

bool shares_full(struct core_job *job)
{
    struct core_share *share = job->share;
    if (share == NULL || share->active || job->spec->share == NULL)
        return false;
    (void)share_use(share->of, share->id, false);
    return !share->active;
}

void shares_enter(struct core_job *job)
{
    tree_insert(&job->share->jobs, &job->order);
    if (job->share->jobs.count == 1)
        rekey(job->share);
}

void shares_leave(struct core_job *job)
{
    if (job->share->of->head == job)
        job->share->of->head = NULL;
    tree_remove(&job->share->jobs, &job->order);
    if (job->share->jobs.count == 0)
        rekey(job->share);
}

/* Time makes another share the first: who was that before waits for its turn again. */
void shares_head(struct core *core, struct core_job *job)
{
    if (job->share == NULL)
        return;
    struct shares *shares = job->share->of;
    struct core_job *before = shares->head;
    shares->head = job;
    if (before != NULL && before != job)
        verdict_set(core, before, VERDICT_BEHIND, NULL);
}

bool queue_is_fair(const struct core_queue *queue)
{
    return queue != NULL && queue->shares != NULL && !queue->shares->off;
}

struct core_job *shares_first(const struct core_queue *queue)
{
    struct shares *shares = queue->shares;
    if (shares->policy == NULL)
        return NULL;
    if (shares->core->arena != NULL) /* a turn; somebody who only asks changes nothing */
        go_on(shares);
    for (;;) {
        struct tree_node *front = tree_first(&shares->order);
        if (front == NULL)
            return NULL;
        struct core_share *share = first_of(CONTAINER_OF(front, struct share_group, node));
        if (share->running == 0 || share->keyed_s == second_of(shares))
            return CONTAINER_OF(tree_first(&share->jobs), struct core_job, order);
        rekey(share); /* it was at least that */
    }
}

struct core_job *shares_each(const struct core_queue *queue, const struct core_job *after)
{
    struct core_share *share = after != NULL ? after->share : queue->shares->first;
    struct tree_node *next = after != NULL   ? tree_next(&after->order)
                             : share != NULL ? tree_first(&share->jobs)
                                             : NULL;
    while (next == NULL && share != NULL && (share = share->next) != NULL)
        next = tree_first(&share->jobs);
    return next != NULL ? CONTAINER_OF(next, struct core_job, order) : NULL;
}

/* ----------------------------------------------------------------------------- policies */

static void groups_make(struct shares *shares)
{
    const struct scheduling_policy *policy = shares->policy;
    shares->group_count = policy != NULL ? policy->weight_count + 1 : 0;
    shares->groups = mem_new((shares->group_count + 1) * sizeof(*shares->groups));
    for (size_t i = 0; i < shares->group_count; i++) {
        struct share_group *group = &shares->groups[i];
        bool rest = i + 1 == shares->group_count;
        group->pattern = rest ? NULL : policy->weights[i].identifier;
        group->weight = rest ? SHARE_WEIGHT_ONE : policy->weights[i].weight;
        group->prefix = !rest && group->pattern[strlen(group->pattern) - 1] == '*';
        group->waiting.compare = compare_shares;
    }
}

/* Some of what was before can still be told, such as of pods that an earlier life has started. The
 * stairs of the weight are where they are for every process: epochs begin at multiples of the
 * half-life. */
static struct usage_clock clock_at(int64_t half_s, int64_t now_s)
{
    int64_t epoch = now_s / half_s - USAGE_EPOCHS_MAX / 2;
    return (struct usage_clock){half_s, epoch * half_s};
}

static int64_t half_life_of(const struct scheduling_policy *policy)
{
    int64_t window = policy != NULL ? policy->decay_s : POLICY_DECAY_S;
    return window > 4 ? window / 4 : 1;
}

/* As the queue names it, invalid or not; or NULL. */
static const struct scheduling_policy *policy_of(const struct core_queue *queue)
{
    const char *name = queue->spec != NULL ? queue->spec->policy : NULL;
    return name != NULL ? map_get(queue->shares->core->policies, name) : NULL;
}

/* The same use in the unit of another clock, rounded. */
static void change_clock(struct shares *shares, struct usage_clock after)
{
    int64_t now_s = second_of(shares);
    struct usage_clock before = shares->clock;
    for (struct core_share *share = shares->first; share != NULL; share = share->next) {
        accrue(share, now_s);
        share->past = share->past * usage_weight(&after, now_s) / usage_weight(&before, now_s);
        share->upto_s = now_s;
    }
    shares->clock = after;
}

/* Groups, weights and half-life are others; what was used stays. The queue may have been edited in
 * another place: with the same half-life nothing is rounded, and no turn changes for that. */
static void take_policy(struct shares *shares)
{
    const struct scheduling_policy *policy = policy_of(shares->queue);
    int64_t now_s = second_of(shares);
    go_on(shares);
    if (half_life_of(policy) != shares->clock.half_s)
        change_clock(shares, clock_at(half_life_of(policy), now_s));
    for (struct core_share *share = shares->first; share != NULL; share = share->next) {
        if (share->group != NULL)
            tree_remove(&share->group->waiting, &share->node);
        accrue(share, now_s);
        share->group = NULL;
    }
    for (size_t i = 0; i < shares->group_count; i++)
        tree_remove(&shares->order, &shares->groups[i].node);
    free(shares->groups);
    shares->policy = policy != NULL && policy->invalid == NULL && !shares->off ? policy : NULL;
    shares->queue->reserve_moved = true;
    shares->counted_s = INT64_MIN;
    groups_make(shares);
    for (struct core_share *share = shares->first; share != NULL; share = share->next) {
        share->group = group_for(shares, share->id);
        if (share->group != NULL)
            share->group->active += share->active;
    }
    for (struct core_share *share = shares->first; share != NULL; share = share->next)
        place_share(share);
    shares->changes++;
    if (shares->policy != NULL)
        shares_load(shares->queue);
}

static void queue_look(struct core *core, struct core_queue *queue)
{
    queue->dirty = queue->status_dirty = queue->verdict_dirty = true;
    core->pass_all = true;
}

static void policy_changed(struct core *core, const char *name)
{
    size_t at = 0;
    struct core_queue *queue;
    while ((queue = map_next(core->queues, &at, NULL)) != NULL) {
        if (queue->spec == NULL || !text_eq(queue->spec->policy, name))
            continue;
        take_policy(queue->shares);
        queue_look(core, queue);
    }
}

void policy_apply(struct core *core, struct scheduling_policy *take_spec)
{
    struct scheduling_policy *old = map_put(core->policies, take_spec->meta.name, take_spec);
    policy_changed(core, take_spec->meta.name);
    scheduling_policy_free(old); /* the key in the map is a copy */
}

void policy_gone(struct core *core, const char *name)
{
    struct scheduling_policy *old = map_remove(core->policies, name);
    if (old == NULL)
        return;
    policy_changed(core, name);
    scheduling_policy_free(old);
}

void policies_free(struct core *core)
{
    size_t at = 0;
    struct scheduling_policy *policy;
    while ((policy = map_next(core->policies, &at, NULL)) != NULL)
        scheduling_policy_free(policy);
    map_free(core->policies);
}

bool shares_bar(const struct core_queue *queue, struct str *out)
{
    if (!queue_is_fair(queue) || queue->shares->policy != NULL)
        return false;
    const char *name = queue->spec != NULL ? queue->spec->policy : NULL;
    const struct scheduling_policy *policy = policy_of(queue);
    if (out != NULL && policy != NULL && policy->invalid != NULL)
        str_addf(out, "SchedulingPolicy %s is invalid: %s", name, policy->invalid);
    else if (out != NULL)
        str_addf(out, "SchedulingPolicy %s does not exist: create it", name != NULL ? name : "");
    return true;
}

/* ------------------------------------------------------------------ queues come and change */

/* All that is in the queue changes lines. A rare event, so it may cost a walk. */
static void jobs_move(struct core *core, struct core_queue *queue, bool off)
{
    size_t at = 0;
    struct core_job *job;
    while (queue->live > 0 && (job = map_next(core->jobs, &at, NULL)) != NULL) {
        if (job->queue != queue || job->ended || job->gone)
            continue;
        bool waits = order_has(job);
        if (waits)
            order_leave(job);
        if (off)
            shares_job_out(job);
    }
    queue->shares->off = off;
    at = 0;
    while (queue->live > 0 && (job = map_next(core->jobs, &at, NULL)) != NULL) {
        if (job->queue != queue || job->ended || job->gone)
            continue;
        shares_job_in(job);
        for (uint32_t i = 0; !off && job->children != NULL && i < job->size; i++) {
            struct core_pod *pod = job->children[i].pod;
            if (pod != NULL)
                shares_take(core, pod);
        }
        queue_enter(core, job);
    }
}

void shares_queue_changed(struct core *core, struct core_queue *queue)
{
    if (queue->spec == NULL) {
        if (queue->shares != NULL)
            take_policy(queue->shares);
        return;
    }
    bool fair = queue->spec->policy != NULL;
    if (fair && queue->shares == NULL) {
        struct shares *shares = mem_new(sizeof(*shares));
        shares->core = core;
        shares->queue = queue;
        shares->by_id = map_new();
        shares->order.compare = compare_groups;
        shares->clock = clock_at(half_life_of(NULL), core->now_ns / NS_PER_S);
        shares->counted_s = INT64_MIN;
        queue->shares = shares;
        shares->off = queue->live > 0;
    }
    if (queue->shares != NULL && queue->shares->off == fair)
        jobs_move(core, queue, !fair);
    if (queue->shares != NULL)
        take_policy(queue->shares);
}

void shares_free(struct core_queue *queue)
{
    struct shares *shares = queue->shares;
    if (shares == NULL)
        return;
    struct core_share *next;
    for (struct core_share *share = shares->first; share != NULL; share = next) {
        next = share->next;
        free(share->id);
        free(share);
    }
    map_free(shares->by_id);
    free(shares->groups);
    queue_shares_done(shares->told);
    free(shares->told);
    free(shares);
    queue->shares = NULL;
}

/* -------------------------------------------------------------------------- what pods take */

static void richer(struct shares *shares, const struct amounts *room)
{
    int64_t cpu = room->v[DIM_CPU];
    for (size_t d = 0; d < DIM_MAX && cpu > 0; d++) {
        if (room->v[d] <= 0)
            continue;
        usage_sum here = (usage_sum)room->v[d] * (usage_sum)shares->ratio_cpu.v[d];
        usage_sum best = (usage_sum)shares->ratio_of.v[d] * (usage_sum)cpu;
        if (shares->ratio_of.v[d] == 0 || here > best) {
            shares->ratio_of.v[d] = room->v[d];
            shares->ratio_cpu.v[d] = cpu;
        }
    }
}

static const struct core_environment *usable_environment(const struct shares *shares, size_t i)
{
    const struct job_queue *spec = shares->queue->spec;
    const struct core_environment *environment =
        map_get(shares->core->environments, spec->environments[i].compute_environment);
    return environment_usable(environment) ? environment : NULL;
}

/* How much there is, of machines as they could be bought; of static ones, as they are. Worked out
 * each time, since who is told to wait for it is looked at again only when it grows. */
static int64_t max_milli(const struct shares *shares)
{
    const struct job_queue *spec = shares->queue->spec;
    int64_t milli = 0;
    for (size_t i = 0; spec != NULL && i < spec->environment_count; i++) {
        const struct core_environment *environment = usable_environment(shares, i);
        if (environment == NULL)
            continue;
        milli += environment->spec->provider != PROVIDER_STATIC
                     ? environment->spec->max_vcpus * 1000
                     : environment->slots_cpu;
    }
    return milli;
}

/* For each resource, the machines that are richest in it. */
static void count_ratios(struct shares *shares)
{
    enum { COUNT_EVERY_S = 10 };
    const struct job_queue *spec = shares->queue->spec;
    int64_t now_s = second_of(shares);
    if (spec == NULL ||
        (shares->counted_s > now_s - COUNT_EVERY_S && shares->ratio_of.v[DIM_CPU] > 0))
        return;
    shares->counted_s = now_s;
    shares->ratio_of = shares->ratio_cpu = (struct amounts){{0}};
    for (size_t i = 0; i < spec->environment_count; i++) {
        const struct core_environment *environment = usable_environment(shares, i);
        if (environment == NULL)
            continue;
        bool bought = environment->spec->provider != PROVIDER_STATIC;
        for (size_t t = 0; bought && t < environment->type_count; t++) {
            if (environment->types[t].wanted)
                richer(shares, &environment->types[t].room);
        }
        for (size_t s = 0; !bought && s < environment->slot_count; s++) {
            if (environment->slots[s] != NULL)
                richer(shares, &environment->slots[s]->capacity);
        }
    }
}

/* What else the class takes, as vCPUs that would be as great a part of all there is. Pods are no
 * such resource: a node takes so many of them whatever they are. */
static int64_t dominant(struct shares *shares, const struct amounts *needs, int64_t rate)
{
    count_ratios(shares);
    for (size_t d = 0; d < DIM_MAX; d++) {
        if (d == DIM_PODS || needs->v[d] <= 0 || shares->ratio_of.v[d] <= 0)
            continue;
        usage_sum part = (usage_sum)needs->v[d] * (usage_sum)shares->ratio_cpu.v[d] /
                         (usage_sum)shares->ratio_of.v[d];
        if (part > (usage_sum)rate)
            rate = part < USAGE_RATE_MAX ? (int64_t)part : USAGE_RATE_MAX;
    }
    return rate;
}

int64_t shares_rate(const struct core_queue *queue, const struct amounts *needs)
{
    struct shares *shares = queue->shares;
    int64_t rate = needs->v[DIM_CPU] > 0 ? needs->v[DIM_CPU] : 1;
    if (shares->policy != NULL && shares->policy->dominant)
        rate = dominant(shares, needs, rate);
    return rate < USAGE_RATE_MAX ? rate : USAGE_RATE_MAX;
}

static void charge(struct core *core, struct core_pod *pod, struct core_queue *queue,
                   const char *id)
{
    const struct amounts *needs = pod_amounts(pod);
    if (!queue_is_fair(queue) || pod->share != NULL || needs == NULL)
        return;
    struct core_share *share = share_use(queue->shares, id, true);
    int64_t created_s = pod->created_ns / NS_PER_S;
    queue->users++; /* until it has ended */
    accrue(share, second_of(share->of));
    pod->share = share;
    pod->charge = shares_rate(queue, needs);
    pod->charge_milli = needs->v[DIM_CPU];
    pod->charged_s = core->now_ns / NS_PER_S;
    /* What it used before we knew of it, as far as the last checkpoint does not tell. */
    int64_t from_s = created_s > share->of->clock.base_s ? created_s : share->of->clock.base_s;
    if (share->of->told != NULL && from_s < share->of->told->at_ns / NS_PER_S)
        from_s = share->of->told->at_ns / NS_PER_S;
    if (from_s < pod->charged_s)
        share->past +=
            (usage_sum)pod->charge * usage_weights(&share->of->clock, from_s, pod->charged_s);
    share->running += pod->charge;
    share->pods++;
    share->of->running_milli += pod->charge_milli;
    reclaim_lend(pod);
    place_share(share);
}

void shares_take(struct core *core, struct core_pod *pod)
{
    charge(core, pod, pod->job->queue, share_id_of(pod->job));
}

void shares_seen(struct core *core, struct core_pod *pod, const struct pod *seen)
{
    if (pod->in_job && pod->job != NULL)
        shares_take(core, pod);
    else if (pod->share == NULL && seen->queue != NULL)
        charge(core, pod, map_get(core->queues, seen->queue),
               seen->share != NULL ? seen->share : "");
}

void shares_recall(struct core_queue *queue, const char *id, int64_t at_s, int64_t milli)
{
    struct shares *shares = queue->shares;
    struct core_share *share = share_use(shares, id, false);
    int64_t now_s = second_of(shares);
    if (at_s > now_s)
        at_s = now_s;
    if (at_s >= shares->clock.base_s)
        share->past += (usage_sum)milli * usage_weight(&shares->clock, at_s);
    if (share->live == 0 && share->pods == 0)
        idle_add(share, at_s);
    place_share(share);
}

void shares_end(struct core *core, struct core_pod *pod)
{
    struct core_share *share = pod->share;
    if (share == NULL)
        return;
    struct shares *shares = share->of;
    struct core_queue *queue = shares->queue;
    reclaim_forget(pod);
    pod->share = NULL;
    go_on(shares);
    accrue(share, second_of(shares));
    if (pod->charged_s == second_of(shares)) /* a second at least */
        share->past += (usage_sum)pod->charge * usage_weight(&shares->clock, pod->charged_s);
    share->running -= pod->charge;
    share->pods--;
    shares->running_milli -= pod->charge_milli;
    place_share(share);
    share_settle(share);
    queue->dirty = queue->status_dirty = true;
    queue_drop(core, queue);
}

/* --------------------------------------------------------------------- computeReservation */

static bool reserves(const struct core_queue *queue)
{
    return queue_is_fair(queue) && queue->shares->policy != NULL &&
           queue->shares->policy->reservation > 0;
}

/* (computeReservation / 100) ^ active of all there is. */
static int64_t reserved_milli(const struct shares *shares, int64_t all_milli)
{
    int64_t milli = all_milli;
    for (size_t i = 0; i < shares->active && milli > 0; i++)
        milli = milli * shares->policy->reservation / 100;
    return milli;
}

int64_t shares_milli_left(const struct core_queue *queue)
{
    if (!reserves(queue))
        return INT64_MAX;
    int64_t all_milli = max_milli(queue->shares);
    int64_t reserved = reserved_milli(queue->shares, all_milli);
    return reserved > 0 ? all_milli - reserved - queue->shares->running_milli : INT64_MAX;
}

bool shares_reserved(const struct core_queue *queue, int64_t milli)
{
    return milli > shares_milli_left(queue);
}

enum verdict shares_reserved_words(const struct core_queue *queue, struct str *out)
{
    struct shares *shares = queue->shares;
    int64_t all_milli = max_milli(shares), reserved = reserved_milli(shares, all_milli);
    str_addf(out,
             "SchedulingPolicy %s keeps %lld.%03lld of %lld vCPUs free for shares that are not "
             "active (computeReservation %lld, %zu active)",
             queue->spec->policy, (long long)(reserved / 1000), (long long)(reserved % 1000),
             (long long)(all_milli / 1000), (long long)shares->policy->reservation, shares->active);
    return VERDICT_RESERVED;
}

enum verdict shares_never(const struct core_queue *queue, int64_t milli, struct str *out)
{
    int64_t left = shares_milli_left(queue);
    if (left == INT64_MAX || milli <= left + queue->shares->running_milli)
        return VERDICT_NONE;
    return shares_reserved_words(queue, out);
}

int64_t shares_wake_ns(const struct core_queue *queue)
{
    const struct shares *shares = queue->shares;
    if (!queue_is_fair(queue) || shares->policy == NULL || shares->order.root == NULL)
        return INT64_MAX;
    if (shares->order.count == 1 &&
        CONTAINER_OF(shares->order.root, struct share_group, node)->waiting.count == 1)
        return INT64_MAX; /* nobody else waits */
    int64_t pause_s = shares->clock.half_s / USAGE_STEPS;
    return (second_of(shares) + (pause_s > 1 ? pause_s : 1)) * NS_PER_S;
}
