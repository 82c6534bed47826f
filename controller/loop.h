/* SPDX-License-Identifier: Apache-2.0 */
/* loop.h - the turn: what was observed goes into the core; the turn's end plans once
 *
 *     callbacks ── loop_apply ──> core        (any number, from anywhere on the loop)
 *     end of the turn ── core_plan ──> execute (once, when something happened or wake_ns has come)
 *
 * The end of a turn is just before libuv would sleep: after the callbacks of timers and of the last
 * poll, whichever they were. Bounded: a poll hands over what the sockets' buffers hold, and a plan
 * is bounded by the core; one that was cut says so by asking to be woken at once.
 *
 * A plan is carried out while may_act says so at that moment; execute must not call loop_apply (the
 * plan borrows from the core) and leaves what failed at once to after_plan. */
#ifndef BULKHEAD_CONTROLLER_LOOP_H
#define BULKHEAD_CONTROLLER_LOOP_H

#include "bulkhead/core/core.h"

#include <uv.h>

struct loop_options {
    uv_loop_t *uv;
    struct core *core; /* borrowed */
    int64_t (*now_ns)(void);
    void (*before_plan)(void *ctx); /* every turn, also while nothing is planned; may loop_apply */
    bool (*may_act)(void *ctx);     /* false: planning ends for good, and on_barred is called */
    void (*on_barred)(void *ctx);
    void (*execute)(void *ctx, const struct plan *plan);
    void (*after_plan)(void *ctx);                                           /* may loop_apply */
    void (*on_planned)(void *ctx, int64_t took_ns, const struct plan *plan); /* or NULL */
    /* All that the core is told, before it takes it, and when it planned; NULL: nobody records. */
    void (*record_event)(void *ctx, const struct event *event);
    void (*record_plan)(void *ctx, int64_t now_ns, const struct plan *plan);
    void *ctx;
};

struct loop;
struct loop *loop_new(const struct loop_options *options);
/* Stamps the time and applies. */
void loop_apply(struct loop *loop, struct event *event);
void loop_plan_from_now(struct loop *loop); /* after EVENT_SYNCED */
void loop_plan_no_more(struct loop *loop);  /* events are still applied */
uint64_t loop_turns(const struct loop *loop);
uint64_t loop_events(const struct loop *loop);
/* Closes its handles; they are gone when the uv loop has run once more. NULL in, NULL out. */
struct loop *loop_free(struct loop *loop);
DEFINE_AUTO(loop, loop_free)

#endif
