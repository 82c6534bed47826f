/* SPDX-License-Identifier: Apache-2.0 */
/* front.c - the first jobs in line, for the status of their queue
 *
 * Who is first, why it waits, and when it starts at the earliest. That is worked out when something
 * about the line has changed, at most every FRONT_PERIOD_NS for a queue: a model of the queue's
 * environments is made for it (forecast.c), which costs a look at each of their nodes. An estimate
 * that merely grows older is not written again.
 *
 * With it goes what the queue is still to cost (expect.c), which takes a look at each job: where
 * there are many, at most every COST_PERIOD_NS. */
#include "front.h"
#include "expect.h"
#include "forecast.h"
#include "order.h"

#include <stdlib.h>

#define FRONT_PERIOD_NS (15 * NS_PER_S)
#define COST_PERIOD_NS (60 * NS_PER_S)

enum { COST_OFTEN_MAX = 100 }; /* jobs */

struct front {
    struct queue_front items[QUEUE_FRONT_MAX];
    size_t count;
    int64_t looked_ns;
    struct cost_forecast cost;
    bool cost_taken, cost_dirty;
    int64_t cost_looked_ns;
};

static void items_free(struct front *front)
{
    for (size_t i = 0; i < front->count; i++) {
        free(front->items[i].job);
        free(front->items[i].reason);
        free(front->items[i].message);
        free(front->items[i].estimate);
    }
    front->count = 0;
}

void front_free(struct core_queue *queue)
{
    if (queue->front == NULL)
        return;
    items_free(queue->front);
    free(queue->front);
    queue->front = NULL;
}

static void take(struct core *core, struct front *front, const struct forecast *forecast)
{
    struct core_job *job = map_get(core->jobs, forecast->job->uid);
    AUTO_TEXT message = verdict_message(core, job);
    front->items[front->count] = (struct queue_front){
        .job = text_copy(job->key),
        .position = (int64_t)front->count + 1,
        .reason = text_copy(verdict_reason(verdict_shown(job))),
        .message = text_copy_max(message, QUEUE_FRONT_WORDS_MAX),
        .earliest_ns = forecast->start_ns,
        .estimate = text_copy_max(forecast->why, QUEUE_FRONT_WORDS_MAX),
    };
    front->count++;
}

/* As it was told before, when it is still the same: over a restart, too. */
static void take_cost(struct core *core, const struct core_queue *queue, struct front *front)
{
    struct cost_forecast now;
    const struct cost_forecast before =
        front->cost_taken ? front->cost : queue->spec->cost.forecast;
    if (!expect_queue(core, queue, &now))
        return;
    if (now.amount == before.amount && now.unknown == before.unknown)
        now.since_ns = before.since_ns;
    else if (now.amount != 0 || now.unknown != 0)
        now.since_ns = core->now_ns;
    front->cost = now;
    front->cost_taken = true;
}

static void look_at_cost(struct core *core, struct core_queue *queue)
{
    struct front *front = queue->front;
    bool many = queue->live > COST_OFTEN_MAX;
    int64_t due_ns = front->cost_looked_ns + (many ? COST_PERIOD_NS : FRONT_PERIOD_NS);
    if (due_ns > core->now_ns) {
        admin_wake(core, due_ns);
        return;
    }
    front->cost_dirty = false;
    front->cost_looked_ns = core->now_ns;
    take_cost(core, queue, front);
    queue->status_dirty = true;
}

static void look_at_jobs(struct core *core, struct core_queue *queue)
{
    struct front *front = queue->front;
    int64_t due_ns = front->looked_ns + FRONT_PERIOD_NS;
    /* Not before those that are told anything are told it: most jobs start by then. */
    if (front->looked_ns == 0 && order_first(queue) != NULL)
        due_ns = core->now_ns + core->options.verdict_delay_ns;
    if (front->looked_ns == 0)
        front->looked_ns = due_ns - FRONT_PERIOD_NS;
    if (due_ns > core->now_ns) {
        admin_wake(core, due_ns);
        return;
    }
    queue->front_dirty = false;
    front->cost_dirty = true;
    front->looked_ns = core->now_ns;
    items_free(front);
    struct forecast forecasts[QUEUE_FRONT_MAX] = {0};
    size_t count = 0;
    if (order_first(queue) != NULL)
        count = forecast(core, queue, NULL, QUEUE_FRONT_MAX, core->arena, forecasts);
    for (size_t i = 0; i < count; i++)
        take(core, front, &forecasts[i]);
    queue->status_dirty = true;
}

/* Nothing is left: that needs no look, and is told with the end of the last job. */
static void empty(struct core_queue *queue)
{
    struct front *front = queue->front;
    items_free(front);
    front->cost = (struct cost_forecast){.amount = 0};
    front->cost_taken = true;
    front->cost_dirty = false;
    queue->front_dirty = false;
    queue->status_dirty = true;
}

void front_look(struct core *core, struct core_queue *queue)
{
    if (queue->spec == NULL)
        return;
    if (queue->front_dirty && queue->front == NULL)
        queue->front = mem_new(sizeof(*queue->front));
    if (queue->front_dirty && queue->live == 0)
        empty(queue);
    else if (queue->front_dirty)
        look_at_jobs(core, queue);
    if (queue->front != NULL && queue->front->cost_dirty)
        look_at_cost(core, queue);
}

void front_heard(struct core_queue *queue)
{
    bool looked = queue->front != NULL && queue->front->cost_taken;
    if (!looked && queue->spec->cost.forecast.since_ns != 0)
        queue->front_dirty = true;
}

struct cost_forecast front_cost(const struct core_queue *queue)
{
    if (queue->front != NULL && queue->front->cost_taken)
        return queue->front->cost;
    return queue->spec != NULL ? queue->spec->cost.forecast : (struct cost_forecast){.amount = 0};
}

uint64_t front_fill(const struct core_queue *queue, struct job_queue_status *status, uint64_t hash)
{
    const struct front *front = queue->front;
    status->front_count = 0;
    status->cost.forecast = front_cost(queue);
    hash = hash_bytes(&status->cost.forecast, sizeof(status->cost.forecast), hash);
    for (size_t i = 0; front != NULL && i < front->count; i++) {
        const struct queue_front *item = &front->items[i];
        hash = hash_text(item->message, hash_text(item->reason, hash_text(item->job, hash)));
        hash = hash_text(item->estimate, hash);
        hash = hash_bytes(&item->earliest_ns, sizeof(item->earliest_ns), hash);
        status->front[status->front_count++] = *item;
    }
    return hash;
}
