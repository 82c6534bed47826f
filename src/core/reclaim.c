/* SPDX-License-Identifier: Apache-2.0 */
/* reclaim.c - a share gets its due back from those that borrowed it
 *
 * The share that used least goes next, so what ends goes to it first. Where that takes too long,
 * and the policy says reclaim: Preemptible, pods of preemptible jobs are stopped for it:
 *
 *     due(share) = what all pods of the queue take
 *                  * (1 / weight) / sum of (1 / weight) of the shares that run or wait
 *
 * For whom   The head of the queue, once one has waited for room for RECLAIM_PATIENCE_S while no
 *            machine was on its way: as many of its children as its share is short of its due.
 * Who        Pods of preemptible jobs whose share has no less than its due without them. Of these
 *            the ones that lose least: what they take times how long they have run, then the
 *            youngest. Only as many as make room for a child on one node, and none that is not
 *            needed for that. A multi-node job is never stopped.
 * No circle  Nobody gets more than his due by it and nobody is left with less. While dues stay
 *            what they are, nothing can be taken from who gained, and nothing for who lost: no
 *            share ever changes sides, and what is lent above dues only shrinks. Dues change with
 *            who runs and waits, so there is a bound as well: a child that has used up
 *            RECLAIM_CHILD_MAX tries is left alone, and one round ends before the next.
 * Durable    A pod to be stopped is marked with an annotation first, as of the version that was
 *            looked at, so that it cannot have ended. Then it is deleted, with its own time to go.
 *            Whatever becomes of a marked try but success uses no attempt, whoever looks and
 *            whenever; a process that finds a marked pod carries it out.
 *
 * Cost   A look is one comparison. When somebody has waited long enough, every RECLAIM_PAUSE_S at
 *        most: a walk over the shares, and RECLAIM_LOOKED_AT pods, the youngest of each share. */
#include "reclaim.h"
#include "consume.h"
#include "order.h"
#include "shares.h"

#include <stdlib.h>
#include <string.h>

enum {
    RECLAIM_LOOKED_AT = 256, /* pods */
    RECLAIM_OF_SHARE = 64,
    RECLAIM_CHILDREN = 16, /* for which room is made at a time */
};

/* ----------------------------------------------------------------------------- dues */

struct dues {
    int64_t total;      /* what all pods take */
    usage_sum inverses; /* of the weights of those that take part */
};

static bool takes_part(const struct core_share *share)
{
    return share->group != NULL && (share->pods > 0 || share->jobs.count > 0);
}

static usage_sum inverse(const struct core_share *share)
{
    int64_t weight = share_weight_now(share->group);
    assert(weight > 0);
    return ((usage_sum)1 << 60) / (usage_sum)weight;
}

static struct dues dues_of(const struct shares *shares)
{
    struct dues dues = {0};
    for (const struct core_share *share = shares->first; share != NULL; share = share->next) {
        if (!takes_part(share))
            continue;
        dues.total += share->running;
        dues.inverses += inverse(share);
    }
    return dues;
}

static int64_t due_of(const struct dues *dues, const struct core_share *share)
{
    assert(dues->inverses > 0); /* the share that waits takes part */
    usage_sum due = usage_times(inverse(share), dues->total) / dues->inverses;
    return (int64_t)due;
}

/* --------------------------------------------------------------------------- whom to stop */

struct victim {
    struct core_pod *pod;
    int64_t lost; /* thousandths of a vCPU times seconds */
    enum { LEFT, PERHAPS, TAKEN } fate;
};

struct round {
    const struct core_job *job; /* for which */
    struct dues dues;
    struct victim victims[RECLAIM_LOOKED_AT]; /* the cheapest first */
    size_t victim_count;
    const struct core_node *nodes[RECLAIM_CHILDREN]; /* of the children that have got room */
    size_t child_count;
};

static bool may_be_stopped(const struct core_pod *pod)
{
    const struct core_job *job = pod->job;
    return pod->state == PODS_LIVE && pod->in_job && job != NULL && pod->uid != NULL &&
           pod->kill == KILL_NONE && !pod->deleting && !pod->suspect && !pod->chosen &&
           pod->node != NULL && pod->counted && !(pod->assisted && !pod->bound) &&
           pod_amounts(pod) != NULL && job->children[pod->index].refusals < RECLAIM_CHILD_MAX;
}

static int cheapest_first(const void *a, const void *b)
{
    const struct victim *left = a, *right = b;
    if (left->lost != right->lost)
        return left->lost < right->lost ? -1 : 1;
    if (left->pod->created_ns != right->pod->created_ns)
        return left->pod->created_ns > right->pod->created_ns ? -1 : 1;
    return strcmp(left->pod->key, right->pod->key);
}

static void gather(const struct core *core, const struct shares *shares, struct round *round)
{
    const struct core_share *share = shares->first;
    for (; share != NULL && round->victim_count < RECLAIM_LOOKED_AT; share = share->next) {
        if (share->lent == NULL || !takes_part(share) ||
            share->running <= due_of(&round->dues, share))
            continue;
        int looked = 0;
        for (struct core_pod *pod = share->lent;
             pod != NULL && looked < RECLAIM_OF_SHARE && round->victim_count < RECLAIM_LOOKED_AT;
             pod = pod->lent_next, looked++) {
            int64_t since_ns = pod->started ? pod->started_ns : core->now_ns;
            int64_t ran_s = (core->now_ns - since_ns) / NS_PER_S;
            if (may_be_stopped(pod))
                round->victims[round->victim_count++] =
                    (struct victim){pod, pod->charge * (ran_s > 0 ? ran_s : 0), LEFT};
        }
    }
    qsort(round->victims, round->victim_count, sizeof(*round->victims), cheapest_first);
}

/* Those of its share that are chosen already are gone as far as this goes. */
static bool can_be_spared(const struct round *round, const struct core_pod *pod)
{
    int64_t left = pod->share->running - pod->charge;
    for (size_t i = 0; i < round->victim_count; i++) {
        const struct victim *other = &round->victims[i];
        if (other->fate != LEFT && other->pod->share == pod->share)
            left -= other->pod->charge;
    }
    return left >= due_of(&round->dues, pod->share);
}

/* Could the job run there, but for the room? */
static bool serves(const struct core_node *node, const struct core_job *job)
{
    const struct core_queue *queue = job->queue;
    const struct core_environment *environment = node->environment;
    bool waited_for = false;
    for (size_t i = 0; i < queue->blocked_count; i++)
        waited_for = waited_for || queue->blocked[i] == environment;
    return waited_for && environment->held_by == NULL && !environment->gives_way &&
           node->in_environment && node_is_usable(node) && node->gang == NULL &&
           node_takes(node, job->class_);
}

/* What is free there for one more child, with those gone that are chosen. */
static void room_there(const struct round *round, const struct core_node *node,
                       struct amounts *ret_room)
{
    node_free_amounts(node, ret_room);
    for (size_t i = 0; i < round->child_count; i++) {
        if (round->nodes[i] == node)
            amounts_sub(ret_room, &round->job->class_->needs);
    }
    for (size_t i = 0; i < round->victim_count; i++) {
        const struct victim *victim = &round->victims[i];
        if (victim->fate != LEFT && victim->pod->node == node)
            amounts_add(ret_room, pod_amounts(victim->pod));
    }
}

/* Room for one child on the node of the victim at last, by those up to it. */
static bool make_room(struct round *round, size_t last)
{
    const struct core_node *node = round->victims[last].pod->node;
    const struct amounts *needs = &round->job->class_->needs;
    for (size_t i = 0; i <= last; i++) {
        struct victim *victim = &round->victims[i];
        if (victim->fate == LEFT && victim->pod->node == node && can_be_spared(round, victim->pod))
            victim->fate = PERHAPS;
    }
    struct amounts room;
    room_there(round, node, &room);
    bool fits = amounts_fit(needs, &room);
    for (size_t i = last + 1; i-- > 0;) { /* the dearest first: is it needed at all? */
        struct victim *victim = &round->victims[i];
        if (victim->fate != PERHAPS)
            continue;
        struct amounts without = room;
        amounts_sub(&without, pod_amounts(victim->pod));
        bool needed = fits && !amounts_fit(needs, &without);
        victim->fate = needed ? TAKEN : LEFT;
        if (!needed)
            room = without;
    }
    return fits;
}

/* One more child; false: there is nobody to take it from. */
static bool choose(struct round *round)
{
    for (size_t i = 0; i < round->victim_count; i++) {
        const struct core_pod *pod = round->victims[i].pod;
        if (round->victims[i].fate != LEFT || !serves(pod->node, round->job) ||
            !make_room(round, i))
            continue;
        round->nodes[round->child_count++] = pod->node;
        return true;
    }
    return false;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void make_way(struct core *core, struct core_job *job)
{
    struct shares *shares = job->queue->shares;
    int64_t rate = shares_rate(job->queue, &job->class_->needs);
    struct round *round = mem_new(sizeof(*round));
    round->job = job;
    round->dues = dues_of(shares);
    int64_t children = (due_of(&round->dues, job->share) - job->share->running) / rate;
    children = least(least(children, job_wanted(job)), RECLAIM_CHILDREN);
    children = least(children, least(consume_times(core, job), quota_times(core, job)));
    if (children > 0)
        gather(core, shares, round);
    while ((int64_t)round->child_count < children && choose(round))
        continue;
    for (size_t i = 0; i < round->victim_count; i++) {
        struct core_pod *pod = round->victims[i].pod;
        if (round->victims[i].fate != TAKEN)
            continue;
        pod->chosen = true;
        shares->reclaiming++;
        text_set(&pod->gives_way_to, job->share->id);
        pod_outbox(core, pod);
    }
    free(round);
}

/* ---------------------------------------------------------------------------- when */

/* It waits for room, no machine comes for it, and what it would take is on one node. */
static bool waits_for_room(const struct core_queue *queue, const struct core_job *job)
{
    const struct placement *asks = &job->class_->placement;
    bool hopeless = job->verdict == VERDICT_ROOM || job->verdict == VERDICT_MAX_VCPUS ||
                    job->verdict == VERDICT_CAPACITY || job->verdict == VERDICT_BID;
    return hopeless && job == queue->tried && queue->blocked_count > 0 && job->share != NULL &&
           job->share->group != NULL && !job->gang && asks->host_port_count == 0 && !asks->apart;
}

void reclaim_look(struct core *core, struct core_queue *queue)
{
    struct shares *shares = queue->shares;
    if (shares == NULL)
        return;
    shares->reclaim_ns = INT64_MAX;
    bool wanted = queue_is_fair(queue) && shares->policy != NULL && shares->policy->reclaim;
    struct core_job *job = wanted ? order_first(queue) : NULL;
    if (job == NULL || !waits_for_room(queue, job)) {
        shares->short_ns = 0;
        return;
    }
    if (shares->reclaiming > 0 || core->creates_full)
        return; /* their ends are news, and so are creates that come back: there may be room */
    if (shares->short_ns == 0)
        shares->short_ns = core->now_ns + RECLAIM_PATIENCE_S * NS_PER_S;
    shares->reclaim_ns = shares->short_ns;
    if (core->now_ns < shares->short_ns)
        return;
    shares->short_ns = core->now_ns + RECLAIM_PAUSE_S * NS_PER_S;
    make_way(core, job);
    shares->reclaim_ns = INT64_MAX; /* without news there is nobody else */
}

int64_t reclaim_wake_ns(const struct core_queue *queue)
{
    return queue->shares != NULL && queue->shares->reclaim_ns != 0 ? queue->shares->reclaim_ns
                                                                   : INT64_MAX;
}

/* --------------------------------------------------------------------------- their pods */

void reclaim_lend(struct core_pod *pod)
{
    const struct core_job *job = pod->job;
    if (pod->lent || !pod->in_job || job == NULL || !job->preemptible || job->gang)
        return;
    pod->lent = true;
    pod->lent_prev = NULL;
    pod->lent_next = pod->share->lent;
    if (pod->lent_next != NULL)
        pod->lent_next->lent_prev = pod;
    pod->share->lent = pod;
}

/* Pods of an earlier life are charged before the job's definition is known. */
void reclaim_lend_all(struct core_job *job)
{
    for (uint32_t i = 0; job->preemptible && job->pods > 0 && i < job->size; i++) {
        struct core_pod *pod = job->children != NULL ? job->children[i].pod : NULL;
        if (pod != NULL && pod->share != NULL)
            reclaim_lend(pod);
    }
}

static void unchoose(struct core_pod *pod)
{
    if (pod->chosen)
        pod->share->of->reclaiming--;
    pod->chosen = false;
}

void reclaim_forget(struct core_pod *pod)
{
    unchoose(pod);
    if (!pod->lent)
        return;
    pod->lent = false;
    if (pod->lent_prev != NULL)
        pod->lent_prev->lent_next = pod->lent_next;
    else
        pod->share->lent = pod->lent_next;
    if (pod->lent_next != NULL)
        pod->lent_next->lent_prev = pod->lent_prev;
    pod->lent_prev = pod->lent_next = NULL;
}

/* ------------------------------------------------------------------------ being durable */

bool reclaim_plan(struct core *core, struct core_pod *pod)
{
    if (!pod->chosen || pod->gives_way)
        return false;
    if (pod->state != PODS_LIVE || pod->kill != KILL_NONE || pod->deleting || pod->suspect) {
        unchoose(pod); /* it goes anyway */
        return false;
    }
    struct action *action = action_new(core, ACTION_POD_MARK, pod);
    action->namespace_ = pod->namespace_;
    action->name = pod->name;
    action->uid = pod->uid;
    action->message = pod->gives_way_to;
    action->resource_version = arena_printf(core->arena, "%lld", (long long)pod->version);
    return true;
}

static void stop(struct core *core, struct core_pod *pod)
{
    pod->gives_way = true;
    if (pod->share != NULL && !pod->chosen) {
        pod->chosen = true;
        pod->share->of->reclaiming++;
    }
    pod_kill(core, pod, KILL_SHARE);
}

void reclaim_done(struct core *core, struct core_pod *pod, const struct done *done)
{
    if (pod->gone || pod->state != PODS_LIVE || pod->gives_way)
        return;
    if (done->result == DONE_OK)
        stop(core, pod);
    else
        unchoose(pod); /* should it be marked all the same, the watch will tell */
}

void reclaim_seen(struct core *core, struct core_pod *pod, const struct pod *seen)
{
    if (seen->gives_way_to == NULL || !pod->in_job || pod->job->gang)
        return;
    text_set(&pod->gives_way_to, seen->gives_way_to);
    stop(core, pod);
}

bool reclaim_gave_way(const struct core_pod *pod, const struct pod *seen)
{
    bool marked = pod->gives_way || (seen != NULL && seen->gives_way_to != NULL);
    return marked && pod->job != NULL && !pod->job->gang;
}

char *reclaim_words(const struct core_pod *pod, const struct pod *seen)
{
    const char *share =
        seen != NULL && seen->gives_way_to != NULL ? seen->gives_way_to : pod->gives_way_to;
    return text_printf("Preempted: stopped so that share %s gets its due", share);
}
