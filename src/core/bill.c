/* SPDX-License-Identifier: Apache-2.0 */
/* bill.c - what the jobs of a queue cost, over restarts
 *
 * The truth is in the jobs: each one's status says what its tries cost. A queue's sum would be that
 * of its jobs, if jobs were never deleted. So a queue's status has two sums: of all its jobs, for
 * people, and the settled part, for the next process.
 *
 *   1. A job that has ended and cost something gets a mark, the next number of its queue, which
 *      goes into the status that tells of its end.
 *   2. Jobs are settled in the order of their marks, once that status is durable: what they cost is
 *      added to the settled sum, which has the mark of the last one.
 *   3. Both go out with the queue's status whenever that is written, and when they have changed at
 *      least once a minute.
 *   4. A process that starts takes the settled sum and adds every job that it finds, but for those
 *      that have a mark up to the sum's: these are in it. So each job is counted once, whether the
 *      process died before or after any of these writes.
 *   5. We remove a job (ttlSecondsAfterFinished) when a stored sum has its mark, or when for
 *      HOLD_NS none could be stored. So no crash loses anything of what we remove.
 *
 * What a dead process had sent may still arrive, where the fence is behind. A job's status with a
 * mark below one that is settled would be taken for settled, and a queue's may have settled more
 * than we know of. So whoever comes after another process settles nothing in its first minute, and
 * takes over what it hears in that time to be settled.
 *
 * Others may delete a job at any time. While we watch, what it cost goes over into the settled sum.
 * What was in no stored sum is lost if nobody watches then, or if the process dies before the next
 * is stored: that is at most what the job was charged since the queue's last stored sum, because a
 * start that finds less than the stored sum of all settles the difference.
 *
 * Only what is durable in the jobs is counted, so no sum is ever taken back. */
#include "bill.h"
#include "cost.h"

#include <stdlib.h>
#include <string.h>

#define PERIOD_NS (60 * NS_PER_S)
#define HOLD_NS (600 * NS_PER_S)
#define LATE_NS (60 * NS_PER_S) /* as long as an API server may take to carry out a request */

static bool is_zero(const struct job_cost *cost)
{
    return cost->vcpu_seconds == 0 && cost->gpu_seconds == 0 && cost->amount == 0;
}

static bool is_same(const struct job_cost *a, const struct job_cost *b)
{
    return a->vcpu_seconds == b->vcpu_seconds && a->gpu_seconds == b->gpu_seconds &&
           a->amount == b->amount && a->mark == b->mark;
}

/* Comes to the sums of its queue and of its share: of all; of what is settled. */
static void count_all(struct core_job *job, const struct job_cost *more)
{
    struct queue_bill *bill = &job->queue->bill;
    struct share_cost *share = is_zero(more) ? NULL : bill_share(bill, job->spec->share, true);
    cost_add(&bill->all, more);
    if (share != NULL)
        cost_add(&share->all, more);
}

static void count_settled(struct core_job *job, const struct job_cost *more)
{
    struct queue_bill *bill = &job->queue->bill;
    struct share_cost *share = is_zero(more) ? NULL : bill_share(bill, job->spec->share, false);
    cost_add(&bill->settled, more);
    if (share != NULL)
        cost_add(&share->settled, more);
}

/* ------------------------------------------------------------------------ the list */

static void list_remove(struct core_job *job)
{
    struct queue_bill *bill = &job->queue->bill;
    if (!job->bill.listed)
        return;
    if (job->bill.prev != NULL)
        job->bill.prev->bill.next = job->bill.next;
    else
        bill->first = job->bill.next;
    if (job->bill.next != NULL)
        job->bill.next->bill.prev = job->bill.prev;
    else
        bill->last = job->bill.prev;
    job->bill.listed = false;
    job->bill.prev = job->bill.next = NULL;
}

/* From the end: marks come in order, but for what others have put back. */
static void list_add(struct core_job *job)
{
    struct queue_bill *bill = &job->queue->bill;
    struct core_job *after = bill->last;
    while (after != NULL && after->cost.mark > job->cost.mark)
        after = after->bill.prev;
    job->bill.prev = after;
    job->bill.next = after != NULL ? after->bill.next : bill->first;
    if (after != NULL)
        after->bill.next = job;
    else
        bill->first = job;
    if (job->bill.next != NULL)
        job->bill.next->bill.prev = job;
    else
        bill->last = job;
    job->bill.listed = true;
}

static bool can_settle(const struct queue_bill *bill)
{
    return bill->first != NULL && bill->first->bill.told.mark != 0;
}

static void settle_first(struct queue_bill *bill)
{
    struct core_job *job = bill->first;
    count_settled(job, &job->bill.told);
    if (job->cost.mark > bill->settled.mark)
        bill->settled.mark = job->cost.mark;
    list_remove(job);
}

static void settle(const struct core *core, struct queue_bill *bill)
{
    while (core->now_ns >= bill->settle_from_ns && can_settle(bill))
        settle_first(bill);
}

/* ----------------------------------------------------------------------------- jobs */

void bill_send(struct core_job *job)
{
    if (job->ended && job->cost.mark == 0 && job->queue != NULL && !is_zero(&job->cost)) {
        job->cost.mark = ++job->queue->bill.last_mark;
        list_add(job);
    }
    job->bill.sent = job->cost;
}

static bool has_ttl(const struct core_job *job)
{
    return job->spec->ttl_s.set || (job->queue->spec != NULL && job->queue->spec->ttl_s.set);
}

void bill_written(const struct core *core, struct core_job *job)
{
    const struct job_cost more = {
        .vcpu_seconds = job->bill.sent.vcpu_seconds - job->bill.told.vcpu_seconds,
        .gpu_seconds = job->bill.sent.gpu_seconds - job->bill.told.gpu_seconds,
        .amount = job->bill.sent.amount - job->bill.told.amount,
    };
    bool settled = job->bill.told.mark != 0 && !job->bill.listed;
    if (job->queue == NULL || job->gone)
        return;
    struct queue_bill *bill = &job->queue->bill;
    job->bill.told = job->bill.sent;
    count_all(job, &more);
    if (settled)
        count_settled(job, &more);
    settle(core, bill);
    if (job->bill.told.mark != 0 && has_ttl(job))
        bill->urgent = true;
}

/* Has the stored sum got it already? */
static bool is_settled(const struct core_job *job)
{
    return job->cost.mark != 0 && job->cost.mark <= job->queue->bill.settled.mark;
}

static void take(struct core_job *job)
{
    struct queue_bill *bill = &job->queue->bill;
    job->bill.sent = job->bill.told = job->cost;
    if (job->cost.mark > bill->last_mark)
        bill->last_mark = job->cost.mark;
    if (!is_settled(job))
        count_all(job, &job->cost);
}

void bill_read(struct core *core, struct core_job *job)
{
    if (!core->synced || job->queue == NULL)
        return; /* bill_begin_all takes all */
    take(job);
    if (job->cost.mark != 0 && !is_settled(job))
        list_add(job);
    settle(core, &job->queue->bill);
}

void bill_gone(const struct core *core, struct core_job *job)
{
    if (job->queue == NULL)
        return;
    bool settled = job->bill.told.mark != 0 && !job->bill.listed;
    list_remove(job);
    if (!settled)
        count_settled(job, &job->bill.told);
    settle(core, &job->queue->bill);
}

bool bill_holds(struct core *core, struct core_job *job)
{
    struct core_queue *queue = job->queue;
    if (queue == NULL || !queue->present || job->cost.mark <= queue->bill.told.settled.mark ||
        core->now_ns >= queue->bill.told_ns + HOLD_NS)
        return false;
    queue->bill.urgent = true;
    return true;
}

/* --------------------------------------------------------------------------- queues */

static void open_bill(struct core *core, struct core_queue *queue)
{
    struct queue_bill *bill = &queue->bill;
    const struct object_meta *meta = queue_meta(queue);
    text_set(&bill->uid, meta != NULL ? meta->uid : NULL);
    const struct queue_cost *stored = queue->spec != NULL ? &queue->spec->cost : NULL;
    bill->told = (struct queue_cost){.since_ns = 0};
    if (stored != NULL)
        bill->told = (struct queue_cost){
            .all = stored->all, .settled = stored->settled, .since_ns = stored->since_ns};
    bill->sent = bill->told;
    bill_shares_open(bill, stored);
    bill->told_ns = core->now_ns;
    bill->settled = bill->all = bill->told.settled;
    bill->all.mark = 0;
    bill->last_mark = bill->settled.mark;
    bill->first = bill->last = NULL;
    bill->urgent = false;
    bool first = queue->spec == NULL || queue->spec->observed_generation == 0;
    bill->settle_from_ns = first ? 0 : core->now_ns + LATE_NS;
}

static int by_mark(const void *a, const void *b)
{
    const struct core_job *left = *(struct core_job *const *)a;
    const struct core_job *right = *(struct core_job *const *)b;
    int order = strcmp(left->queue->name, right->queue->name);
    if (order != 0)
        return order;
    if (left->cost.mark != right->cost.mark)
        return left->cost.mark < right->cost.mark ? -1 : 1;
    return strcmp(left->uid, right->uid);
}

static int64_t missing(int64_t told, int64_t found)
{
    return told > found ? told - found : 0;
}

static struct job_cost gone_of(const struct job_cost *told, const struct job_cost *found)
{
    return (struct job_cost){
        .vcpu_seconds = missing(told->vcpu_seconds, found->vcpu_seconds),
        .gpu_seconds = missing(told->gpu_seconds, found->gpu_seconds),
        .amount = missing(told->amount, found->amount),
    };
}

/* What came of jobs that nobody will count again: of one share, and of all. NULL: of none. */
static void keep_gone(struct queue_bill *bill, struct share_cost *share, struct job_cost gone)
{
    if (share != NULL) {
        cost_add(&share->all, &gone);
        cost_add(&share->settled, &gone);
    }
    cost_add(&bill->all, &gone);
    cost_add(&bill->settled, &gone);
}

/* Jobs that were counted once and are gone, while nobody watched. Of shares first: what came to
 * another meanwhile does not make up for it there. */
static void keep_told(struct core_queue *queue)
{
    struct queue_bill *bill = &queue->bill;
    const struct queue_cost *stored = queue->spec != NULL ? &queue->spec->cost : NULL;
    if (stored == NULL)
        return;
    for (size_t i = 0; i < stored->share_count; i++) {
        struct share_cost *share = bill_share(bill, stored->shares[i].identifier, false);
        if (share != NULL) /* else: not believed */
            keep_gone(bill, share, gone_of(&stored->shares[i].all, &share->all));
    }
    keep_gone(bill, NULL, gone_of(&stored->all, &bill->all));
}

/* What a process that is dead now has settled, and told after we had begun. Jobs that it counted
 * have been read with their marks, since that was durable; what else it counted is gone. */
static void keep_settled(struct core_queue *queue)
{
    struct queue_bill *bill = &queue->bill;
    const struct queue_cost *stored = &queue->spec->cost;
    while (can_settle(bill) && bill->first->cost.mark <= stored->settled.mark)
        settle_first(bill);
    for (size_t i = 0; i < stored->share_count; i++) {
        struct share_cost *share = bill_share(bill, stored->shares[i].identifier, true);
        if (share != NULL)
            keep_gone(bill, share, gone_of(&stored->shares[i].settled, &share->settled));
    }
    keep_gone(bill, NULL, gone_of(&stored->settled, &bill->settled));
    if (stored->settled.mark > bill->settled.mark)
        bill->settled.mark = stored->settled.mark;
    if (bill->settled.mark > bill->last_mark)
        bill->last_mark = bill->settled.mark;
}

static void heard(const struct core *core, struct core_queue *queue)
{
    if (core->now_ns >= queue->bill.settle_from_ns || queue->spec == NULL ||
        !bill_shares_are_sound(&queue->spec->cost))
        return;
    keep_settled(queue);
    keep_told(queue);
}

/* Adds what the jobs of one queue, or of all, cost. */
static void take_jobs(struct core *core, const struct core_queue *only)
{
    size_t at = 0, marked = 0, capacity = 0;
    struct core_job **listed = NULL;
    struct core_job *job;
    while ((job = map_next(core->jobs, &at, NULL)) != NULL) {
        if (job->queue == NULL || (only != NULL && job->queue != only))
            continue;
        job->bill.listed = false;
        job->bill.prev = job->bill.next = NULL;
        take(job);
        if (job->spec->has_status) /* another process was at work */
            job->queue->bill.settle_from_ns = core->now_ns + LATE_NS;
        if (job->cost.mark == 0 || is_settled(job))
            continue;
        ARRAY_ROOM(listed, marked, capacity);
        listed[marked++] = job;
    }
    if (marked > 1)
        qsort(listed, marked, sizeof(struct core_job *), by_mark);
    for (size_t i = 0; i < marked; i++)
        list_add(listed[i]);
    free(listed);
}

void bill_begin_all(struct core *core)
{
    size_t at = 0;
    struct core_queue *queue;
    while ((queue = map_next(core->queues, &at, NULL)) != NULL)
        open_bill(core, queue);
    take_jobs(core, NULL);
    at = 0;
    while ((queue = map_next(core->queues, &at, NULL)) != NULL) {
        keep_told(queue);
        settle(core, &queue->bill);
    }
}

void bill_queue_new(struct core *core, struct core_queue *queue)
{
    const struct object_meta *meta = queue_meta(queue);
    if (!core->synced)
        return;
    if (text_eq(queue->bill.uid, meta->uid)) {
        heard(core, queue);
        return;
    }
    open_bill(core, queue);
    take_jobs(core, queue);
    keep_told(queue);
    settle(core, &queue->bill);
}

void bill_free(struct core_queue *queue)
{
    free(queue->bill.uid);
    bill_shares_free(&queue->bill);
}

static bool has_changed(const struct queue_bill *bill)
{
    return !is_same(&bill->all, &bill->told.all) || !is_same(&bill->settled, &bill->told.settled);
}

bool bill_is_due(struct core *core, struct core_queue *queue)
{
    struct queue_bill *bill = &queue->bill;
    settle(core, bill);
    if (can_settle(bill))
        admin_wake(core, bill->settle_from_ns);
    if (!has_changed(bill))
        return false;
    int64_t due_ns = bill->told_ns + PERIOD_NS;
    if (bill->urgent || due_ns <= core->now_ns)
        return true;
    admin_wake(core, due_ns);
    return false;
}

void bill_fill(struct core *core, struct core_queue *queue, struct job_queue_status *status)
{
    struct queue_bill *bill = &queue->bill;
    const struct object_meta *meta = queue_meta(queue);
    status->cost = (struct queue_cost){.all = bill->all, .settled = bill->settled};
    if (!is_zero(&bill->all))
        status->cost.since_ns = meta->created_ns;
    bill->sent = status->cost;
    bill_shares_fill(bill, core->arena, &status->cost);
    bill->urgent = false; /* after a failure it is written again in any case */
}

void bill_stored(struct core *core, struct core_queue *queue)
{
    queue->bill.told = queue->bill.sent;
    queue->bill.told_ns = core->now_ns;
}

/* ---------------------------------------------------------------------------- check */

/* What is settled, and the jobs that are not: of one share, or of all. */
static struct job_cost recount(const struct core *core, const struct core_queue *queue,
                               const struct share_cost *share)
{
    struct job_cost sum = share != NULL ? share->settled : queue->bill.settled;
    size_t jobs = 0;
    const struct core_job *job;
    while ((job = map_next(core->jobs, &jobs, NULL)) != NULL) {
        bool settled = job->bill.told.mark != 0 && !job->bill.listed;
        if (job->queue == queue && !settled &&
            (share == NULL || text_eq(job->spec->share, share->identifier)))
            cost_add(&sum, &job->bill.told);
    }
    sum.mark = 0;
    return sum;
}

char *bill_check(const struct core *core)
{
    size_t at = 0;
    const struct core_queue *queue;
    while ((queue = map_next(core->queues, &at, NULL)) != NULL) {
        const struct queue_bill *bill = &queue->bill;
        const struct job_cost sum = recount(core, queue, NULL);
        if (!is_same(&sum, &bill->all))
            return text_printf("queue %s: its jobs cost %lld, %lld kept", queue->name,
                               (long long)sum.amount, (long long)bill->all.amount);
        for (size_t i = 0; i < bill->share_count; i++) {
            const struct share_cost *share = &bill->shares[i];
            const struct job_cost of_share = recount(core, queue, share);
            if (!is_same(&of_share, &share->all))
                return text_printf("queue %s: the jobs of share %s cost %lld, %lld kept",
                                   queue->name, share->identifier, (long long)of_share.amount,
                                   (long long)share->all.amount);
        }
    }
    return NULL;
}
