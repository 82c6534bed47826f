/* SPDX-License-Identifier: Apache-2.0 */
/* The loop over a core of this test: one that counts, and plans what the test tells it to. */
#include "check.h"

#include "controller/loop.h"

#include <stdlib.h>

static struct {
    int applied, planned, executed, settled, barred;
    int64_t now_ns, wake_ns;
    bool may_act, fail_in_execute;
    struct loop *loop;
} world;

void core_apply(struct core *core, const struct event *event)
{
    UNUSED(core);
    UNUSED(event);
    world.applied++;
}

void core_plan(struct core *core, int64_t now_ns, struct arena *arena, struct plan *ret_plan)
{
    UNUSED(core);
    UNUSED(now_ns);
    (void)arena_alloc(arena, 100);
    world.planned++;
    *ret_plan = (struct plan){.wake_ns = world.wake_ns};
}

static int64_t now(void)
{
    return world.now_ns;
}

static void before_plan(void *ctx)
{
    UNUSED(ctx);
}

static bool may_act(void *ctx)
{
    UNUSED(ctx);
    return world.may_act;
}

static void on_barred(void *ctx)
{
    UNUSED(ctx);
    world.barred++;
}

static void execute(void *ctx, const struct plan *plan)
{
    UNUSED(ctx);
    UNUSED(plan);
    world.executed++;
}

static void tick(struct loop *loop)
{
    struct event event = {.kind = EVENT_TICK};
    loop_apply(loop, &event);
    CHECK_INT("stamped", event.now_ns, world.now_ns);
}

static void after_plan(void *ctx)
{
    UNUSED(ctx);
    world.settled++;
    if (world.fail_in_execute) {
        world.fail_in_execute = false;
        tick(world.loop);
    }
}

static struct loop *loop_of(uv_loop_t *uv)
{
    const struct loop_options options = {.uv = uv,
                                         .now_ns = now,
                                         .before_plan = before_plan,
                                         .may_act = may_act,
                                         .on_barred = on_barred,
                                         .execute = execute,
                                         .after_plan = after_plan};
    uv_loop_init(uv);
    world.applied = world.planned = world.executed = world.settled = world.barred = 0;
    world.now_ns = NS_PER_S;
    world.wake_ns = INT64_MAX;
    world.may_act = true;
    world.fail_in_execute = false;
    return world.loop = loop_new(&options);
}

static void finish(uv_loop_t *uv, struct loop *loop)
{
    loop_free(loop);
    uv_run(uv, UV_RUN_DEFAULT);
    CHECK_INT("handles left", uv_loop_close(uv), 0);
}

TEST(loop_plans_once_a_turn)
{
    uv_loop_t uv;
    struct loop *loop = loop_of(&uv);
    tick(loop);
    uv_run(&uv, UV_RUN_NOWAIT);
    CHECK_INT("not before everything was listed", world.planned, 0);
    loop_plan_from_now(loop);
    tick(loop);
    tick(loop);
    uv_run(&uv, UV_RUN_NOWAIT);
    CHECK_INT("applied", world.applied, 3);
    CHECK_INT("one plan", world.planned, 1);
    CHECK_INT("carried out", world.executed, 1);
    uv_run(&uv, UV_RUN_NOWAIT);
    uv_run(&uv, UV_RUN_NOWAIT);
    CHECK_INT("nothing happened, nothing planned", world.planned, 1);
    finish(&uv, loop);
}

TEST(loop_wakes_for_the_core)
{
    uv_loop_t uv;
    struct loop *loop = loop_of(&uv);
    loop_plan_from_now(loop);
    world.wake_ns = world.now_ns; /* a plan that was cut asks for the next at once */
    uv_run(&uv, UV_RUN_NOWAIT);
    CHECK_INT("first", world.planned, 1);
    world.wake_ns = INT64_MAX;
    uv_run(&uv, UV_RUN_NOWAIT);
    CHECK_INT("second, without an event", world.planned, 2);
    uv_run(&uv, UV_RUN_NOWAIT);
    CHECK_INT("and no third", world.planned, 2);
    finish(&uv, loop);
}

TEST(loop_plans_again_for_what_failed_at_once)
{
    uv_loop_t uv;
    struct loop *loop = loop_of(&uv);
    loop_plan_from_now(loop);
    world.fail_in_execute = true;
    uv_run(&uv, UV_RUN_NOWAIT);
    CHECK_INT("one", world.planned, 1);
    uv_run(&uv, UV_RUN_NOWAIT);
    CHECK_INT("two", world.planned, 2);
    finish(&uv, loop);
}

TEST(loop_stops_when_deposed)
{
    uv_loop_t uv;
    struct loop *loop = loop_of(&uv);
    loop_plan_from_now(loop);
    world.may_act = false;
    tick(loop);
    uv_run(&uv, UV_RUN_NOWAIT);
    CHECK_INT("nothing planned", world.planned, 0);
    CHECK_INT("said so", world.barred, 1);
    world.may_act = true;
    tick(loop);
    uv_run(&uv, UV_RUN_NOWAIT);
    CHECK_INT("for good", world.planned, 0);
    finish(&uv, loop);
}
