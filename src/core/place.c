/* SPDX-License-Identifier: Apache-2.0 */
/* place.c - queue order into pods on nodes
 *
 * Queues are looked at from the highest priority down, each from its oldest job on (FIFO). The head
 * takes room in the first of the queue's environments that has it, then in the next. A head that
 * cannot be placed whole blocks its queue, and holds the environments it could still run in against
 * queues of lower priority: strict priority, so that a large job of a high queue is not starved by
 * small ones of a low queue. A job that fits nothing there is at all does not block: it is parked,
 * told so, and looked at again when the shape of an environment changes. So is one that needs more
 * of a consumable resource than there can ever be; one that has to wait for it blocks its queue,
 * but holds no environment (consume.c).
 *
 * Cost of a turn: only queues that have news are looked at, and a blocked head costs one search an
 * environment. */
#include "assist.h"
#include "backfill.h"
#include "gang.h"
#include "inputs.h"
#include "order.h"
#include "passing.h"
#include "reclaim.h"
#include "shares.h"
#include "signals.h"

#include <string.h>

enum { JOBS_A_TURN_MAX = 4096 }; /* looked at in one queue */

bool environment_usable(const struct core_environment *environment)
{
    return environment != NULL && environment->present && environment->spec != NULL &&
           environment->spec->enabled && environment->spec->meta.deleted_ns == 0 &&
           environment->provider_error == NULL;
}

bool environment_serves(const struct core_environment *environment, const char *namespace_)
{
    const struct text_list *served = &environment->spec->namespaces;
    for (size_t i = 0; i < served->count; i++) {
        if (strcmp(served->items[i], namespace_) == 0)
            return true;
    }
    return false;
}

bool environment_is_held(const struct core_environment *environment, const struct core_queue *queue)
{
    return environment->held_for_part ||
           (environment->held_by != NULL && environment->held_by != queue);
}

/* ------------------------------------------------------------------- parking */

void job_park(struct core *core, struct core_job *job)
{
    struct core_queue *queue = job->queue;
    job->parked = true;
    job->parked_prev = NULL;
    job->parked_next = queue->parked_first;
    if (queue->parked_first != NULL)
        queue->parked_first->parked_prev = job;
    queue->parked_first = job;
    queue_enter(core, job);
}

void job_unpark(struct core *core, struct core_job *job)
{
    struct core_queue *queue = job->queue;
    job->parked = job->parked_reserved = false;
    if (job->parked_prev != NULL)
        job->parked_prev->parked_next = job->parked_next;
    else
        queue->parked_first = job->parked_next;
    if (job->parked_next != NULL)
        job->parked_next->parked_prev = job->parked_prev;
    job->parked_prev = job->parked_next = NULL;
    queue_enter(core, job);
}

void queue_unpark_all(struct core *core, struct core_queue *queue)
{
    while (queue->parked_first != NULL)
        job_unpark(core, queue->parked_first);
}

/* -------------------------------------------------------------- could it ever fit? */

static bool types_could_fit(const struct core_environment *environment,
                            const struct core_class *class_, int64_t vcpus_max)
{
    if (!environment->types_known)
        return true; /* not certain yet */
    for (size_t i = 0; i < environment->type_count; i++) {
        const struct core_type *type = &environment->types[i];
        if (type->wanted && type->spec.vcpus <= vcpus_max &&
            amounts_fit(&class_->needs, &type->room) && type_matches(environment, type, class_))
            return true;
    }
    return false;
}

bool node_could_fit(const struct core_node *node, const struct core_class *class_)
{
    if (node->spec == NULL || node->closed || node_signal(node) != SIGNAL_NONE)
        return false;
    struct amounts most = node->capacity;
    amounts_sub(&most, &node->reserved);
    amounts_sub(&most, &node->daemons);
    return amounts_fit(&class_->needs, &most) &&
           placement_matches(&class_->placement, node->name, &node->spec->labels);
}

bool environment_could_fit_without(const struct core_environment *environment,
                                   const struct core_class *class_, const struct core_node *except)
{
    if (environment->spec->provider != PROVIDER_STATIC &&
        types_could_fit(environment, class_, environment->spec->max_vcpus))
        return true;
    for (size_t i = 0; i < environment->slot_count; i++) {
        const struct core_node *node = environment->slots[i];
        if (node != NULL && node != except && node_could_fit(node, class_))
            return true;
    }
    return false;
}

bool environment_could_fit(const struct core_environment *environment,
                           const struct core_class *class_)
{
    return environment_could_fit_without(environment, class_, NULL);
}

/* It fits a type, and would fit nothing there is only because of maxvCpus. */
bool environment_max_too_small(const struct core_environment *environment,
                               const struct core_class *class_)
{
    return environment->spec->provider != PROVIDER_STATIC &&
           !environment_could_fit(environment, class_) &&
           types_could_fit(environment, class_, INT64_MAX);
}

/* ------------------------------------------------------------------- placing */

/* Children of an array take turns with other shares. */
static bool is_not_its_turn(const struct core_job *job)
{
    return queue_is_fair(job->queue) &&
           (order_first(job->queue) != job ||
            shares_reserved(job->queue, job->class_->needs.v[DIM_CPU]));
}

/* As many runnable children as there is room for; true when none is left that may start. */
static bool place_in(struct core *core, struct core_job *job, struct core_environment *environment)
{
    uint32_t index;
    struct core_node *node = NULL;
    int64_t times = 0, placed = 0;
    while (ranges_first(&job->runnable, &index)) {
        if (placed++ > 0 && is_not_its_turn(job))
            return false;
        if (job_at_limit(job))
            return true; /* out of the order until a child ends: the head passes to the next job */
        if (consume_times(core, job) <= 0 || quota_times(core, job) <= 0)
            return false;
        if (creates_are_full(core)) {
            core->creates_full = true;
            environment->starved_ns =
                core->now_ns; /* its nodes are idle for want of creates, not of work */
            return false;
        }
        const struct placement *asks = &job->class_->placement;
        if (times == 0 || asks->host_port_count > 0 || asks->apart) {
            node = rooms_find(environment, job->class_, 0);
            if (node == NULL)
                return false;
            struct amounts free_;
            node_free_amounts(node, &free_);
            times = amounts_times(&job->class_->needs, &free_, INT64_MAX);
        }
        if (!inputs_check_placed(core, job, index))
            continue;
        if (pod_place(core, job, index, node) == NULL) {
            /* Its name is still taken by a pod that is on its way out. */
            job_hold(core, job, VERDICT_RETRY, "an earlier pod of the same name has not gone yet",
                     NS_PER_S);
            return false;
        }
        core->plan_creates++;
        times = backfill_placed(core, job, node) ? 0 : times - 1;
    }
    return true;
}

static void set_blocked(struct core *core, struct core_queue *queue,
                        struct core_environment **blocked, size_t count)
{
    if (queue->blocked_count == count &&
        memcmp(queue->blocked, blocked, count * sizeof(*blocked)) == 0)
        return;
    memcpy(queue->blocked, blocked, count * sizeof(*blocked));
    queue->blocked_count = count;
    core->pass_below = true; /* lower queues may have gained or lost an environment */
}

static void buy_for(struct core_queue *queue, const struct core *core)
{
    for (size_t i = 0; i < queue->spec->environment_count; i++) {
        struct core_environment *environment =
            map_get(core->environments, queue->spec->environments[i].compute_environment);
        if (environment != NULL)
            environment->buy_dirty = true;
    }
}

/* What the head waits for: a limit of its queue, what is kept for other shares, a consumable
 * resource, or room. Room is of no use to it for all but the last: false. */
static bool tell_blocked(struct core *core, struct core_job *job)
{
    AUTO_STR words = STR_EMPTY;
    bool limit = quota_times(core, job) <= 0;
    bool reserved = !limit && shares_reserved(job->queue, job_milli_at_once(job));
    bool consumable = !limit && !reserved && consume_lacks(core, job);
    bool kept = !limit && !consumable && backfill_keeps(core, job, &words);
    enum verdict verdict = limit        ? quota_words(core, job, &words)
                           : reserved   ? shares_reserved_words(job->queue, &words)
                           : consumable ? consume_words(core, job, &words)
                           : kept       ? VERDICT_KEPT
                                        : verdict_of_blocked(core, job, &words);
    verdict_set(core, job, verdict, str_text(&words));
    return !limit && !reserved && !consumable;
}

/* There is no use in waiting, as things are. */
static void park_with(struct core *core, struct core_job *job, enum verdict verdict,
                      const char *words)
{
    job_park(core, job);
    verdict_set_lasting(core, job, verdict, words);
}

/* It still is the one to be placed. */
static bool is_next(const struct core_queue *queue, const struct core_job *job)
{
    return queue->passing != NULL ? order_has(job) : order_first(queue) == job;
}

/* One job at the head. True: go on with the next one. */
static bool place_head(struct core *core, struct core_queue *queue, struct core_job *job)
{
    struct core_environment *blocked[QUEUE_ENVIRONMENTS_MAX] = {NULL};
    size_t blocked_count = 0;
    bool could = false;   /* fits one of them at its emptiest */
    bool unknown = false; /* one of them is missing or disabled */
    bool others = false;  /* one of them is usable: what is behind may run there */
    AUTO_STR words = STR_EMPTY;
    enum verdict never = quota_never(core, job, &words);
    if (never == VERDICT_NONE)
        never = consume_never(job, &words);
    if (never == VERDICT_NONE)
        never = shares_never(queue, job_milli_at_once(job), &words);
    for (size_t i = 0; i < queue->spec->environment_count; i++) {
        struct core_environment *environment =
            map_get(core->environments, queue->spec->environments[i].compute_environment);
        if (environment == NULL || environment->spec == NULL) {
            unknown = true;
            continue;
        }
        others = others || environment_usable(environment);
        if (!environment_serves(environment, job->spec->meta.namespace_))
            continue;
        if (!environment_usable(environment)) {
            unknown = true;
            continue;
        }
        bool may = never == VERDICT_NONE && environment->held_by == NULL &&
                   !environment->gives_way && !shares_reserved(queue, job_milli_at_once(job));
        if (may && gang_allowed(job, environment) &&
            (job->gang ? gang_place(core, job, environment) : place_in(core, job, environment)))
            return true;
        if (never == VERDICT_NONE && (core->creates_full || !is_next(queue, job)))
            return false;
        if (job->gang ? gang_could_fit(core, job, environment)
                      : environment_could_fit(environment, job->class_)) {
            could = true;
            blocked[blocked_count++] = environment;
        }
    }
    /* What no machine could ever take is told so, whatever else it lacks: a verdict must not depend
     * on which of two reasons was there first. */
    if (!could && (others || !unknown)) {
        str_clear(&words);
        enum verdict verdict = verdict_of_blocked(core, job, &words);
        park_with(core, job, verdict, str_text(&words));
        return true;
    }
    if (never == VERDICT_RESERVED) { /* how many shares are active moves by itself: no news */
        job->parked_reserved = true;
        job_park(core, job);
        verdict_set(core, job, never, str_text(&words));
        return true;
    }
    if (never != VERDICT_NONE) {
        park_with(core, job, never, str_text(&words));
        return true;
    }
    bool room = tell_blocked(core, job);
    backfill_blocked(core, job, room);
    if (queue->passing != NULL)
        passing_shut(core, job, blocked, room ? blocked_count : 0);
    else
        set_blocked(core, queue, blocked, room ? blocked_count : 0);
    return false;
}

static struct core_job *next_that_may(struct core *core, struct core_queue *queue)
{
    return queue->backfill != NULL ? backfill_next(core, queue) : passing_first(queue);
}

/* Whatever can start starts, the oldest first; see passing.c. */
static void place_passing(struct core *core, struct core_queue *queue)
{
    struct core_environment *blocked[QUEUE_ENVIRONMENTS_MAX] = {NULL};
    size_t looked = 0;
    struct core_job *job;
    while ((job = next_that_may(core, queue)) != NULL && !core->creates_full) {
        if (++looked > JOBS_A_TURN_MAX) {
            queue->dirty = core->more = true;
            break;
        }
        if (backfill_begin(core, job))
            (void)place_head(core, queue, job);
        else
            backfill_tell_barred(core, job);
    }
    backfill_end(core, queue);
    if (core->creates_full)
        queue->dirty = true; /* goes on when creates have come back */
    if (order_first(queue) != NULL)
        buy_for(queue, core);
    set_blocked(core, queue, blocked, passing_blocked(core, queue, blocked));
}

/* What was kept for other shares, and barred them whatever ended, is more or less now. */
static void unpark_reserved(struct core *core, struct core_queue *queue)
{
    queue->reserve_moved = false;
    struct core_job *next;
    for (struct core_job *job = queue->parked_first; job != NULL; job = next) {
        next = job->parked_next;
        if (job->parked_reserved)
            job_unpark(core, job);
    }
}

static void place_queue(struct core *core, struct core_queue *queue)
{
    size_t looked = 0;
    struct core_job *job;
    if (queue->reserve_moved)
        unpark_reserved(core, queue);
    queue->dirty = false;
    if (queue->passing != NULL) {
        if (queue->reopen)
            passing_reopen(queue);
        queue->reopen = false;
        place_passing(core, queue);
        return;
    }
    queue->reopen = false;
    while ((job = order_first(queue)) != NULL) {
        if (++looked > JOBS_A_TURN_MAX) {
            queue->dirty = core->more = true;
            return;
        }
        if (place_head(core, queue, job)) {
            /* Placed whole or parked: both take it out of the order. */
            assert(order_first(queue) != job);
            continue;
        }
        if (core->creates_full) {
            queue->dirty = true; /* goes on when creates have come back */
            buy_for(queue, core);
            return;
        }
        if (order_first(queue) != job)
            continue; /* held back, or another share's turn: the next job is the head now */
        buy_for(queue, core);
        queue->tried = job;
        shares_head(core, job);
        return;
    }
    struct core_environment *none[1] = {NULL};
    set_blocked(core, queue, none, 0);
    queue->tried = NULL;
}

/* Room may have grown, there or for this queue. */
static bool has_grown(const struct core *core, const struct core_queue *queue)
{
    if (queue->reopen || core->pass_all || core->pass_below || consume_has_news(queue) ||
        (core->consumables_dirty != NULL && passing_takes_consumables(queue)) ||
        (queue_is_fair(queue) && order_first(queue) != queue->tried)) /* time has gone on */
        return true;
    for (size_t i = 0; core->any_dirty && i < queue->spec->environment_count; i++) {
        const struct core_environment *environment =
            map_get(core->environments, queue->spec->environments[i].compute_environment);
        if (environment != NULL && environment->dirty)
            return true;
    }
    return false;
}

static void shapes_changed(struct core *core)
{
    size_t at = 0;
    struct core_queue *queue;
    while ((queue = map_next(core->queues, &at, NULL)) != NULL) {
        if (queue->spec != NULL)
            queue_unpark_all(core, queue);
    }
}

/* Only news can change what a pass comes to: no shares, no place that is kept, nothing that is
 * looked at anew in every pass. */
static bool is_plain(const struct core *core)
{
    return core->adrift == NULL && core->gangs == NULL && map_count(core->consumables) == 0;
}

/* There is no news since a plain pass: another one would leave all as it is. */
static bool nothing_to_place(const struct core *core)
{
    if (!core->pass_plain || core->pass_all || core->any_dirty || core->shape_changed ||
        !is_plain(core))
        return false;
    for (struct tree_node *n = tree_first(&core->queue_order); n != NULL; n = tree_next(n)) {
        const struct core_queue *queue = CONTAINER_OF(n, struct core_queue, by_priority);
        if (queue->dirty || queue->reopen || queue->shares != NULL || queue->backfill != NULL)
            return false;
    }
    return true;
}

void place_all(struct core *core)
{
    core->creates_full = false;
    core->plan_creates = 0;
    core->turns_wake_ns = INT64_MAX;
    core->pass_below = false;
    if (nothing_to_place(core))
        return;
    core->pass_plain = is_plain(core);
    consume_pass_begin(core);
    if (core->shape_changed) {
        core->shape_changed = false;
        shapes_changed(core);
    }
    size_t at = 0;
    struct core_environment *environment;
    while ((environment = map_next(core->environments, &at, NULL)) != NULL) {
        environment->held_by = NULL;
        environment->held_for_part = false;
    }
    assists_place(core);
    gangs_place(core);

    for (struct tree_node *n = tree_first(&core->queue_order); n != NULL; n = tree_next(n)) {
        struct core_queue *queue = CONTAINER_OF(n, struct core_queue, by_priority);
        if (queue->spec->state == QUEUE_DISABLED) { /* nothing new starts; what runs goes on */
            struct core_environment *none[1] = {NULL};
            set_blocked(core, queue, none, 0);
            queue->dirty = queue->reserves = false;
            backfill_forget(core, queue);
            continue;
        }
        bool reserved = queue->reserves;
        queue->reopen = has_grown(core, queue);
        bool news = !core->creates_full && (queue->dirty || queue->reopen);
        if (news)
            place_queue(core, queue);
        reclaim_look(core, queue);
        int64_t wake_ns = shares_wake_ns(queue), reclaim_ns = reclaim_wake_ns(queue);
        wake_ns = wake_ns < reclaim_ns ? wake_ns : reclaim_ns;
        if (wake_ns < core->turns_wake_ns)
            core->turns_wake_ns = wake_ns;
        consume_reserve(core, queue);
        if ((news && queue->reserves) || reserved != queue->reserves)
            core->pass_below = true; /* more may be left for lower queues, or less */
        for (size_t i = 0; i < queue->blocked_count; i++) {
            if (queue->blocked[i]->held_by == NULL)
                queue->blocked[i]->held_by = queue;
        }
    }
    if (!core->creates_full) {
        core->pass_all = false;
        consume_pass_end(core);
        core->any_dirty = false;
        at = 0;
        while ((environment = map_next(core->environments, &at, NULL)) != NULL)
            environment->dirty = false;
    }
}
