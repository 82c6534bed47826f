/* SPDX-License-Identifier: Apache-2.0 */
#include "loop.h"

#include <assert.h>
#include <stdlib.h>

struct loop {
    struct loop_options options;
    struct arena *arena;
    uv_prepare_t turn_end;
    uv_timer_t wake;
    int64_t wake_ns; /* INT64_MAX: never */
    bool planning;   /* plans are made */
    bool dirty;      /* something was applied since the last plan */
    bool executing;
    int closing;
    uint64_t turns, events;
};

static void on_wake(uv_timer_t *timer);

/* libuv's timers have a grain of 1 ms and count from the turn's start: one that comes early costs
 * an empty turn, one that comes late costs a job's time. */
static void sleep_until(struct loop *loop, int64_t wake_ns)
{
    loop->wake_ns = wake_ns;
    if (wake_ns == INT64_MAX) {
        uv_timer_stop(&loop->wake);
        return;
    }
    int64_t left_ns = wake_ns - loop->options.now_ns();
    uint64_t left_ms = left_ns > 0 ? (uint64_t)((left_ns + NS_PER_MS - 1) / NS_PER_MS) : 0;
    uv_update_time(loop->options.uv);
    uv_timer_start(&loop->wake, on_wake, left_ms, 0);
}

static void on_wake(uv_timer_t *timer)
{
    struct loop *loop = timer->data; /* the sleep has ended: the turn's end sees what time it is */
    if (!loop->dirty && loop->options.now_ns() < loop->wake_ns)
        sleep_until(loop, loop->wake_ns); /* early by the grain */
}

void loop_apply(struct loop *loop, struct event *event)
{
    assert(!loop->executing);
    event->now_ns = loop->options.now_ns();
    loop->events++;
    if (loop->options.record_event != NULL)
        loop->options.record_event(loop->options.ctx, event);
    core_apply(loop->options.core, event);
    if (!loop->dirty && loop->planning)
        uv_timer_start(&loop->wake, on_wake, 0, 0); /* no sleep before the plan, whoever called */
    loop->dirty = true;
}

static void plan_once(struct loop *loop)
{
    const struct loop_options *options = &loop->options;
    struct plan plan;
    if (!options->may_act(options->ctx)) {
        loop_plan_no_more(loop);
        options->on_barred(options->ctx);
        return;
    }
    loop->dirty = false;
    int64_t start_ns = options->now_ns();
    core_plan(options->core, start_ns, loop->arena, &plan);
    if (options->on_planned != NULL)
        options->on_planned(options->ctx, options->now_ns() - start_ns, &plan);
    if (options->record_plan != NULL)
        options->record_plan(options->ctx, start_ns, &plan);
    loop->executing = true;
    options->execute(options->ctx, &plan);
    loop->executing = false;
    int64_t wake_ns = plan.wake_ns;
    arena_reset(loop->arena);
    options->after_plan(options->ctx);
    sleep_until(loop, loop->dirty ? 0 : wake_ns);
    loop->turns++;
}

static void on_turn_end(uv_prepare_t *prepare)
{
    struct loop *loop = prepare->data;
    loop->options.before_plan(loop->options.ctx);
    if (loop->planning && (loop->dirty || loop->options.now_ns() >= loop->wake_ns))
        plan_once(loop);
}

struct loop *loop_new(const struct loop_options *options)
{
    struct loop *loop = mem_new(sizeof(*loop));
    loop->options = *options;
    loop->arena = arena_new(0);
    loop->wake_ns = INT64_MAX;
    uv_prepare_init(options->uv, &loop->turn_end);
    uv_timer_init(options->uv, &loop->wake);
    loop->turn_end.data = loop;
    loop->wake.data = loop;
    uv_prepare_start(&loop->turn_end, on_turn_end);
    return loop;
}

void loop_plan_from_now(struct loop *loop)
{
    loop->planning = true;
    loop->dirty = true;
}

void loop_plan_no_more(struct loop *loop)
{
    loop->planning = false;
    sleep_until(loop, INT64_MAX);
}

uint64_t loop_turns(const struct loop *loop)
{
    return loop->turns;
}

uint64_t loop_events(const struct loop *loop)
{
    return loop->events;
}

static void on_closed(uv_handle_t *handle)
{
    struct loop *loop = handle->data;
    if (--loop->closing > 0)
        return;
    arena_free(loop->arena);
    free(loop);
}

struct loop *loop_free(struct loop *loop)
{
    if (loop == NULL)
        return NULL;
    loop->closing = 2;
    uv_close((uv_handle_t *)&loop->turn_end, on_closed);
    uv_close((uv_handle_t *)&loop->wake, on_closed);
    return NULL;
}
