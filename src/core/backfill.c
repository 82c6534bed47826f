/* SPDX-License-Identifier: Apache-2.0 */
/* backfill.c - queues in which a smaller job may pass the head, as long as the head does not start
 * later for it (BACKFILL)
 *
 * The head that waits for room is kept a place: a node (or nodes, or a machine on its way) and a
 * time by which it starts there, by the bounds of what runs (backfill_find.c). What is behind the
 * head may start on any node that is not kept; on one that is, only if the head has room there by
 * that time all the same: since the job's own bound ends it before, or since it fits beside the
 * head. So as long as what runs keeps its bounds, the head starts by the time that it was told when
 * it became the head, or earlier; and that time never moves back. This is EASY backfilling (Lifka,
 * 1995), with the node and not only the count of nodes in the promise.
 *
 * Nothing passes a head for which no such time is known, nor one that waits for a limit of its
 * queue or for a consumable resource: there is no time by which it would have those. What passes
 * leaves the head's part of the limits, and takes no consumable resource that the head takes. Of an
 * array at the head the first child that waits is kept a place.
 *
 * Lines of equal jobs are those of passing.c, of equal bounds besides. Nothing of this is stored:
 * after a restart bounds and starts tell the same.
 *
 * Cost  The reservation is looked at again in each pass over the queue: a look at the pods of its
 * nodes. It is searched for anew when it does not hold any more, FIND_CHUNK nodes a turn, and after
 * many nodes were looked at in vain not at once. */
#include "backfill.h"
#include "assist.h"
#include "gang.h"
#include "passing.h"

#include "bulkhead/base/clock.h"

#include <stdlib.h>
#include <string.h>

enum backfill_state {
    BACKFILL_IDLE,    /* the head has not been looked at, or waits for something else than room */
    BACKFILL_LOOKS,   /* the search goes on */
    BACKFILL_KNOWN,   /* there is a reservation */
    BACKFILL_UNKNOWN, /* there is none as things are */
};

struct backfill {
    struct core_queue *queue;
    char *uid; /* of the head; NULL: none */
    enum backfill_state state;
    int64_t since_ns, next_ns; /* that it is the head; before that it is not searched again */
    int64_t checked_ns;        /* when the reservation was last found to hold */
    struct search search;
    struct reservation kept;
    bool looked; /* at the reservation, in this pass */
    bool away;   /* some of its nodes take nothing, for now */
    struct queue_reservation told;
    struct timer timer;
};

struct backfill *backfill_of_timer(struct timer *timer)
{
    return CONTAINER_OF(timer, struct backfill, timer);
}

void backfill_timer(struct core *core, struct backfill *backfill)
{
    UNUSED(core);
    backfill->queue->dirty = true;
}

static void wake_by(struct core *core, struct backfill *backfill, int64_t due_ns)
{
    if (due_ns > core->now_ns &&
        (!timer_is_set(&backfill->timer) || due_ns < backfill->timer.due_ns))
        timer_set(&core->timers, &backfill->timer, due_ns);
}

/* ------------------------------------------------------------------------- what is told */

static void told_done(struct queue_reservation *told)
{
    free(told->job);
    free(told->environment);
    free(told->node);
    free(told->message);
    *told = (struct queue_reservation){0};
}

static const char *why_unknown(const struct backfill *backfill)
{
    if (backfill->state == BACKFILL_IDLE)
        return "nothing passes it: it waits for something else than room";
    if (backfill->search.bounded)
        return "nothing passes it: there are too many nodes to reckon with";
    return "nothing passes it: nobody knows by when it has room; timeouts, or a history of "
           "durations, "
           "would tell";
}

static char *how_known(const struct reservation *kept)
{
    static const char *const words[] = {
        [RESERVE_NODE] = "there is room by then, if what runs there keeps its bounds",
        [RESERVE_NODES] = "they are empty by then, if what runs there keeps its bounds",
        [RESERVE_MACHINE] = "a machine that is on its way is Ready by then",
        [RESERVE_GIVEBACK] = "they are too small, and given back for a larger one when empty",
    };
    return text_copy(words[kept->kind]);
}

/* Not what only lasts a moment: most heads start by then. */
static void tell(struct core *core, struct backfill *backfill, const struct core_job *head)
{
    struct queue_reservation *told = &backfill->told;
    int64_t due_ns = backfill->since_ns + core->options.verdict_delay_ns;
    if (due_ns > core->now_ns) {
        wake_by(core, backfill, due_ns);
        return;
    }
    bool known = backfill->state == BACKFILL_KNOWN;
    const struct reservation *kept = &backfill->kept;
    struct queue_reservation now = {.job = text_copy(head->key)};
    if (known) {
        now.environment = text_copy(kept->environment);
        now.node = text_copy(kept->node_count > 0 ? kept->nodes[0].name : NULL);
        now.node_count = (int64_t)kept->node_count;
        now.starts_by_ns = kept->starts_by_ns;
        now.message = how_known(kept);
    } else {
        now.message = text_copy(why_unknown(backfill));
    }
    bool same = text_eq(told->job, now.job) && text_eq(told->environment, now.environment) &&
                text_eq(told->node, now.node) && text_eq(told->message, now.message) &&
                told->node_count == now.node_count && told->starts_by_ns == now.starts_by_ns;
    if (same) {
        told_done(&now);
        return;
    }
    told_done(told);
    *told = now;
    backfill->queue->status_dirty = true;
}

void backfill_tell(const struct core_queue *queue, struct job_queue_status *status)
{
    if (queue->backfill != NULL)
        status->reservation = queue->backfill->told;
}

/* ----------------------------------------------------------------------- the reservation */

static void all_take_work(struct backfill *backfill)
{
    for (size_t i = 0; backfill->away && i < backfill->kept.node_count; i++) {
        if (backfill->kept.nodes[i].node != NULL)
            backfill->kept.nodes[i].node->kept_away = false;
    }
    backfill->away = false;
}

static void drop(struct backfill *backfill)
{
    all_take_work(backfill);
    reservation_done(&backfill->kept);
    reservation_done(&backfill->search.best);
    backfill->search = (struct search){0};
    backfill->state = BACKFILL_IDLE;
}

static void forget(struct core *core, struct backfill *backfill)
{
    drop(backfill);
    timer_clear(&core->timers, &backfill->timer);
    if (backfill->told.job != NULL)
        backfill->queue->status_dirty = true;
    told_done(&backfill->told);
    text_set(&backfill->uid, NULL);
    backfill->next_ns = 0;
}

void backfill_forget(struct core *core, struct core_queue *queue)
{
    if (queue->backfill != NULL)
        forget(core, queue->backfill);
}

void backfill_set(struct core *core, struct core_queue *queue)
{
    bool wanted = queue->spec != NULL && queue->spec->strategy == QUEUE_BACKFILL &&
                  queue->spec->policy == NULL;
    if (wanted == (queue->backfill != NULL))
        return;
    if (!wanted) {
        backfill_free(core, queue);
        return;
    }
    queue->backfill = mem_new(sizeof(*queue->backfill));
    queue->backfill->queue = queue;
    queue->backfill->timer.kind = TIMER_BACKFILL;
}

void backfill_free(struct core *core, struct core_queue *queue)
{
    if (queue->backfill == NULL)
        return;
    forget(core, queue->backfill);
    free(queue->backfill);
    queue->backfill = NULL;
}

/* Is it still good for what was promised? Earlier is better; what is free and waits to be given
 * back, or for other nodes, stays good. */
static bool holds(struct core *core, struct backfill *backfill, const struct core_job *head)
{
    struct reservation *kept = &backfill->kept;
    int64_t free_by_ns = reservation_free_ns(core, head, kept);
    int64_t by_ns = kept->kind != RESERVE_NODE && kept->free_by_ns < core->now_ns
                        ? core->now_ns
                        : kept->free_by_ns;
    if (free_by_ns > by_ns || (kept->coming_by_ns != 0 && kept->coming_by_ns < core->now_ns))
        return false;
    backfill->checked_ns = core->now_ns;
    if (kept->node_count > 0 && free_by_ns < kept->free_by_ns) {
        if (kept->starts_by_ns == kept->free_by_ns)
            kept->starts_by_ns = free_by_ns;
        kept->free_by_ns = free_by_ns;
    }
    int64_t due_ns =
        (kept->coming_by_ns > kept->free_by_ns ? kept->coming_by_ns : kept->free_by_ns) + 1;
    if (kept->node_count == 0 || kept->free_by_ns > core->now_ns)
        wake_by(core, backfill, due_ns);
    return true;
}

static void go_on(struct core *core, struct backfill *backfill, const struct core_job *head)
{
    struct search *search = &backfill->search;
    if (backfill->next_ns > core->now_ns) {
        wake_by(core, backfill, backfill->next_ns);
        return;
    }
    if (!find_go_on(core, head, search)) {
        backfill->queue->dirty = core->more = true;
        return;
    }
    /* A search that costs much does not come again at once. */
    backfill->next_ns = core->now_ns + (int64_t)(search->looked / FIND_CHUNK) * (NS_PER_S / 10);
    reservation_done(&backfill->kept);
    backfill->kept = search->best;
    backfill->state = search->found ? BACKFILL_KNOWN : BACKFILL_UNKNOWN;
    bool bounded = search->bounded;
    *search = (struct search){.bounded = bounded};
    if (backfill->state == BACKFILL_KNOWN && !holds(core, backfill, head)) {
        /* Something has changed there while others were looked at. */
        drop(backfill);
        backfill->state = BACKFILL_LOOKS;
        backfill->next_ns = core->now_ns + NS_PER_S / 10;
        wake_by(core, backfill, backfill->next_ns);
        return;
    }
    if (backfill->state == BACKFILL_KNOWN)
        passing_reopen(backfill->queue); /* others may pass than before */
}

static void search_anew(struct core *core, struct backfill *backfill, const struct core_job *head)
{
    drop(backfill);
    backfill->state = BACKFILL_LOOKS;
    go_on(core, backfill, head);
}

void backfill_blocked(struct core *core, struct core_job *job, bool room)
{
    struct backfill *backfill = job->queue->backfill;
    if (backfill == NULL || !text_eq(backfill->uid, job->uid))
        return;
    if (!room)
        drop(backfill);
    else if (backfill->state != BACKFILL_KNOWN || !holds(core, backfill, job))
        search_anew(core, backfill, job);
    tell(core, backfill, job);
}

/* ----------------------------------------------------------------------------- a pass */

static void look_at_head(struct core *core, struct backfill *backfill, const struct core_job *head)
{
    bool other = !text_eq(backfill->uid, head->uid);
    if (other) {
        forget(core, backfill);
        text_set(&backfill->uid, head->uid);
        backfill->since_ns = core->now_ns;
        passing_reopen(backfill->queue); /* it was kept from what was kept for the last */
        return;
    }
    if (backfill->state == BACKFILL_LOOKS || backfill->state == BACKFILL_UNKNOWN)
        go_on(core, backfill, head);
    else if (backfill->state == BACKFILL_KNOWN && !holds(core, backfill, head))
        search_anew(core, backfill, head);
    tell(core, backfill, head);
}

struct core_job *backfill_next(struct core *core, struct core_queue *queue)
{
    struct backfill *backfill = queue->backfill;
    const struct core_job *head = order_first(queue);
    if (head == NULL) {
        forget(core, backfill);
        return NULL;
    }
    all_take_work(backfill);
    if (!text_eq(backfill->uid, head->uid) || !backfill->looked)
        look_at_head(core, backfill, head);
    backfill->looked = true;
    struct core_job *job = passing_first(queue);
    return job == head || backfill->state == BACKFILL_KNOWN ? job : NULL;
}

/* What cannot be promised to the head once the job has it. */
static const char *may_not_pass(const struct core_job *head, const struct core_job *job)
{
    if (job_is_assisted(job))
        return "the cluster's scheduler chooses its node, which may be one that is kept";
    for (size_t i = 0; i < job->hold_count; i++) {
        for (size_t j = 0; j < head->hold_count; j++) {
            if (job->holds[i].of == head->holds[j].of)
                return "it takes a consumable resource that the first takes, too";
        }
    }
    return NULL;
}

/* Which of the kept nodes take the job. */
static void keep_away(struct core *core, struct backfill *backfill, const struct core_job *head,
                      const struct core_job *job)
{
    struct reservation *kept = &backfill->kept;
    int64_t end_ns = job_ends_by_ns(core, job);
    for (size_t i = 0; i < kept->node_count; i++) {
        struct core_node *node = kept->nodes[i].node;
        if (node == NULL)
            continue;
        /* A multi-node job's parts may come to any of them, and it is not known which. */
        bool good = end_ns <= kept->free_by_ns;
        if (!good && !job->gang && kept->kind == RESERVE_NODE)
            good = kept_free_ns(core, head, kept, &kept->nodes[i], &job->class_->needs, end_ns) <=
                   kept->free_by_ns;
        node->kept_away = !good;
        backfill->away = backfill->away || !good;
    }
}

/* Passes it the head? The head itself may have left the order by now, having found its place. */
static bool passes(const struct backfill *backfill, const struct core_job *job)
{
    return backfill != NULL && backfill->state == BACKFILL_KNOWN &&
           !text_eq(backfill->uid, job->uid);
}

bool backfill_begin(struct core *core, struct core_job *job)
{
    struct backfill *backfill = job->queue->backfill;
    const struct core_job *head = order_first(job->queue);
    if (!passes(backfill, job) || head == NULL)
        return true;
    const char *bar = may_not_pass(head, job);
    if (bar == NULL) {
        keep_away(core, backfill, head, job);
        return true;
    }
    return false;
}

void backfill_tell_barred(struct core *core, struct core_job *job)
{
    const struct core_job *head = order_first(job->queue);
    AUTO_TEXT words = text_printf("it may not pass %s, the first of the queue: %s", head->key,
                                  may_not_pass(head, job));
    verdict_set(core, job, VERDICT_KEPT, words);
    passing_shut(core, job, NULL, 0);
}

void backfill_look(struct core *core, const struct core_queue *queue)
{
    const struct core_job *head = order_first(queue);
    if (queue->backfill != NULL && queue->backfill->state == BACKFILL_KNOWN && head != NULL)
        (void)reservation_free_ns(core, head, &queue->backfill->kept);
}

bool backfill_placed(struct core *core, struct core_job *job, const struct core_node *node)
{
    struct backfill *backfill = job->queue->backfill;
    const struct core_job *head = order_first(job->queue);
    if (!passes(backfill, job))
        return false;
    for (size_t i = 0; i < backfill->kept.node_count; i++) {
        if (backfill->kept.nodes[i].node != node)
            continue;
        keep_away(core, backfill, head, job);
        return true;
    }
    return false;
}

void backfill_end(struct core *core, const struct core_queue *queue)
{
    UNUSED(core);
    if (queue->backfill == NULL)
        return;
    all_take_work(queue->backfill);
    queue->backfill->looked = false;
}

bool backfill_keeps(struct core *core, const struct core_job *job, struct str *words)
{
    const struct backfill *backfill = job->queue->backfill;
    const struct core_job *head = order_first(job->queue);
    const struct core_node *node = NULL;
    char time[TIME_TEXT_MAX];
    for (size_t i = 0; backfill != NULL && node == NULL && i < backfill->kept.node_count; i++) {
        struct core_node *here = backfill->kept.nodes[i].node;
        struct amounts room;
        if (here == NULL || !here->kept_away)
            continue;
        here->kept_away = false;
        node_free_amounts(here, &room);
        if (amounts_fit(&job->class_->needs, &room) && here->gang == NULL && node_is_usable(here) &&
            node_takes(here, job->class_))
            node = here;
        here->kept_away = true;
    }
    if (node == NULL)
        return false;
    UNUSED(core);
    str_addf(words, "room on node %s is kept for %s, the first of the queue", node->name,
             head->key);
    if (backfill->kept.starts_by_ns != 0)
        str_addf(words, ", which starts by %s at the latest",
                 time_print(backfill->kept.starts_by_ns, time));
    int64_t bound_ns = history_bound_ns(job);
    if (bound_ns == 0)
        str_add(words, "; who has a timeout, or a history of durations, may pass it if that ends "
                       "before");
    else
        str_addf(words, "; this job may take %lld s, which is too long to pass it",
                 (long long)((bound_ns + NS_PER_S - 1) / NS_PER_S));
    return true;
}

const struct core_job *backfill_before(const struct core_job *job)
{
    return job->queue != NULL && passes(job->queue->backfill, job) ? order_first(job->queue) : NULL;
}

bool backfill_buys(const struct core_queue *queue)
{
    const struct backfill *backfill = queue->backfill;
    return backfill == NULL ||
           (backfill->state == BACKFILL_KNOWN && backfill->kept.kind != RESERVE_GIVEBACK);
}

bool core_reservation(const struct core *core, const char *queue,
                      struct core_reservation_view *ret_view)
{
    const struct core_queue *of = map_get(core->queues, queue);
    const struct backfill *backfill = of != NULL ? of->backfill : NULL;
    if (backfill == NULL || backfill->state != BACKFILL_KNOWN || of->spec == NULL ||
        backfill->kept.kind != RESERVE_NODE)
        return false;
    *ret_view = (struct core_reservation_view){backfill->uid, backfill->kept.nodes[0].name,
                                               backfill->kept.free_by_ns,
                                               backfill->checked_ns == core->now_ns};
    return true;
}
