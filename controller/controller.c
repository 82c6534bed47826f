/* SPDX-License-Identifier: Apache-2.0 */
#include "controller.h"

#include "bulkhead/base/clock.h"

#include "process.h"

#include <malloc.h>
#include <string.h>
#include <unistd.h>

enum {
    STOP_DEADLINE_MS = 10000,
    LEASE_TROUBLE_TICKS = 2,
    CATCH_UP_TICKS = 60, /* a standby that takes longer reads all anew */
};

static void leave(struct controller *controller, int exit_status)
{
    controller->exit_status = exit_status;
    uv_stop(&controller->uv);
}

/* --------------------------------------------------------------------- stopping */

static size_t in_flight(const struct controller *controller)
{
    return executor_in_flight(controller->executor) + groups_in_flight(controller->groups);
}

static void on_released(void *ctx)
{
    struct controller *controller = ctx;
    leave(controller, 0);
}

static void release(struct controller *controller)
{
    controller->releasing = true;
    if (process_may_act(controller))
        kube_lease_release(controller->lease, on_released, controller);
    else
        leave(controller, 0);
}

static void on_stop_deadline(uv_timer_t *timer)
{
    struct controller *controller = timer->data;
    if (controller->releasing)
        return;
    log_warn("stopping although writes are unanswered", KV_INT("writes", in_flight(controller)));
    release(controller);
}

void controller_on_signal(uv_signal_t *handle, int number)
{
    struct controller *controller = handle->data;
    if (controller->life == LIFE_STOPPING)
        _exit(128 + number); /* whoever signals twice does not want to wait */
    controller->life = LIFE_STOPPING;
    log_info("stopping", KV("signal", strsignal(number)),
             KV_INT("in_flight", in_flight(controller)));
    loop_plan_no_more(controller->loop);
    execute_drop_waiting(controller->executor);
    controller->watches = watches_free(controller->watches);
    uv_timer_start(&controller->stop_deadline, on_stop_deadline, STOP_DEADLINE_MS, 0);
}

/* ---------------------------------------------------------------------- the turn */

void controller_before_plan(void *ctx)
{
    struct controller *controller = ctx;
    if (controller->life == LIFE_STOPPING && !controller->releasing && in_flight(controller) == 0)
        release(controller);
    else if (controller->watches != NULL)
        watches_turn(controller->watches);
    execute_turn(controller->executor);
}

void controller_on_barred(void *ctx)
{
    struct controller *controller = ctx;
    log_error("the lease ran out before it could be renewed; exiting, nothing was written");
    leave(controller, 1);
}

/* -------------------------------------------------------------------- leadership */

static void on_synced(void *ctx);

/* Reads every kind, or goes on reading along with who leads. */
static void begin_watches(struct controller *controller)
{
    struct err err;
    const struct watches_options options = {.kube = controller->kube,
                                            .observer = controller->observer,
                                            .random = controller->random,
                                            .standby = controller->standby != NULL,
                                            .on_synced = on_synced,
                                            .ctx = controller};
    controller->watches = watches_new(&options);
    if (watches_start(controller->watches, &err) < 0) {
        log_error("cannot watch", KV("why", err.text));
        leave(controller, 1);
    }
}

static void stand_by(struct controller *controller)
{
    controller->standby = standby_new();
    begin_watches(controller);
}

static void read_anew(struct controller *controller)
{
    controller->watches = watches_free(controller->watches);
    controller->standby = standby_free(controller->standby);
    begin_watches(controller);
}

static void on_synced(void *ctx)
{
    struct controller *controller = ctx;
    struct core_counts counts;
    (void)malloc_trim(0); /* pages of a first list are the largest documents there are */
    if (controller->life == LIFE_STANDBY) {
        log_info("reading along", KV_INT("objects", standby_count(controller->standby)));
        return;
    }
    bool warm = controller->standby != NULL;
    if (warm)
        process_hand_over(controller);
    process_apply(controller, &(struct event){.kind = EVENT_SYNCED});
    loop_plan_from_now(controller->loop);
    controller->life = LIFE_LEADING;
    core_counts(controller->core, &counts);
    log_info("leading", KV_INT("queues", counts.queues),
             KV_INT("environments", counts.environments), KV_INT("jobs", counts.jobs),
             KV_INT("pods", counts.pods), KV_INT("nodes", counts.nodes),
             KV("standby", warm ? "warm" : "cold"),
             KV_INT("took_ms", (clock_steady_ns() - controller->acquired_ns) / NS_PER_MS));
}

static void on_acquired(void *ctx)
{
    struct controller *controller = ctx;
    if (controller->life != LIFE_STANDBY)
        return;
    /* What has not been read whole by now is read when the epoch is ours. */
    if (controller->watches != NULL && !watches_synced(controller->watches)) {
        controller->watches = watches_free(controller->watches);
        controller->standby = standby_free(controller->standby);
    }
    controller->life = LIFE_READING;
    controller->acquired_ns = clock_steady_ns();
    log_info("the lease is ours; taking the epoch", KV("identity", controller->identity));
    fence_take(controller->fence);
}

void controller_on_passed(void *ctx, const char *why)
{
    struct controller *controller = ctx;
    if (controller->life == LIFE_STOPPING)
        return;
    loop_plan_no_more(controller->loop);
    log_error("another controller leads; exiting", KV("why", why));
    leave(controller, 1);
}

/* What is read from here on holds all that an earlier leader has brought about. */
void controller_on_epoch(void *ctx, bool enforced)
{
    struct controller *controller = ctx;
    if (controller->life != LIFE_READING)
        return;
    if (!enforced)
        log_warn(
            "the API server accepts writes of who led before: it has no fence policies (kubectl "
            "apply -f manifests/default/fence.yaml), or has just started, or is behind and "
            "does not know them yet; the lease alone has to do");
    if (controller->standby == NULL) {
        log_info("reading the cluster", KV_INT("epoch", fence_epoch(controller->fence)));
        begin_watches(controller);
        return;
    }
    log_info("catching up", KV_INT("epoch", fence_epoch(controller->fence)),
             KV_INT("objects", standby_count(controller->standby)));
    const struct standby_takeover takeover = {.kube = controller->kube,
                                              .watches = controller->watches,
                                              .manager = fence_manager(controller->fence),
                                              .epoch = fence_epoch(controller->fence)};
    standby_catch_up(controller->standby, &takeover);
}

static void catch_up_in_time(struct controller *controller)
{
    if (controller->life != LIFE_READING || controller->standby == NULL ||
        fence_epoch(controller->fence) == 0 || ++controller->behind_ticks != CATCH_UP_TICKS)
        return;
    AUTO_STR text = STR_EMPTY;
    watches_print(controller->watches, &text);
    log_warn("cannot catch up; reading the cluster anew", KV("left", str_text(&text)));
    read_anew(controller);
}

static void on_lost(void *ctx, const char *why)
{
    struct controller *controller = ctx;
    loop_plan_no_more(controller->loop);
    if (controller->life == LIFE_STOPPING) {
        leave(controller, 0);
        return;
    }
    log_error("lost the lease; exiting", KV("why", why),
              KV("last_answer", controller->lease_trouble));
    leave(controller, 1);
}

static void lease_is_well(struct controller *controller)
{
    if (controller->lease_trouble_told)
        log_info("the lease is reached again");
    text_set(&controller->lease_trouble, NULL);
    controller->lease_trouble_told = false;
}

static void on_lease_observed(void *ctx, const char *holder, const struct err *err)
{
    struct controller *controller = ctx;
    if (err != NULL) {
        if (controller->lease_trouble == NULL) {
            controller->lease_trouble_ticks = 0;
            controller->lease_trouble_until_ns = kube_lease_held_until_ns(controller->lease);
        }
        text_set(&controller->lease_trouble, err->text);
        return;
    }
    lease_is_well(controller);
    if (text_eq(controller->holder, holder) || text_eq(holder, controller->identity))
        return;
    text_set(&controller->holder, holder);
    if (holder[0] == '\0' || controller->life != LIFE_STANDBY)
        return;
    log_info("standing by", KV("leader", holder));
    if (controller->watches == NULL && !controller->options->cold_standby)
        stand_by(controller);
}

/* One line when it goes and one when it is back; none while the watches tell the same story. */
static void tell_lease_trouble(struct controller *controller)
{
    bool server_gone = controller->watches != NULL && watches_server_gone(controller->watches);
    if (controller->lease_trouble == NULL)
        return;
    if (kube_lease_held_until_ns(controller->lease) > controller->lease_trouble_until_ns) {
        lease_is_well(controller);
    } else if (server_gone) {
        controller->lease_trouble_ticks = 0;
    } else if (controller->lease_trouble_ticks++ >= LEASE_TROUBLE_TICKS &&
               !controller->lease_trouble_told) {
        controller->lease_trouble_told = true;
        log_warn("cannot reach the lease; trying on", KV("why", controller->lease_trouble));
    }
}

void controller_on_checks_passed(void *ctx)
{
    struct err err;
    struct controller *controller = ctx;
    const struct options *options = controller->options;
    if (controller->life != LIFE_CHECKING)
        return;
    controller->life = LIFE_STANDBY;
    const struct kube_lease_options lease = {
        .namespace = controller->lease_namespace,
        .name = LEASE_NAME,
        .identity = controller->identity,
        .duration_ms = options->lease_duration_s * 1000,
        .renew_deadline_ms = options->renew_deadline_s * 1000,
        .retry_ms = options->retry_period_s * 1000,
        .random = controller->random,
        .on_acquired = on_acquired,
        .on_lost = on_lost,
        .on_observed = on_lease_observed,
        .ctx = controller,
    };
    controller->lease = kube_lease_new(controller->kube, &lease, &err);
    if (controller->lease == NULL) {
        log_error("cannot compete for the lease", KV("why", err.text));
        leave(controller, 1);
    }
}

/* ------------------------------------------------------------------------ serving */

bool controller_on_ready(void *ctx, struct str *why)
{
    struct controller *controller = ctx;
    AUTO_STR watches = STR_EMPTY;
    if (controller->watches != NULL)
        watches_print(controller->watches, &watches);
    const struct ready_view view = {
        .life = controller->life,
        .lease_held = process_may_act(controller),
        .obstacle = controller->startup != NULL ? startup_obstacle(controller->startup) : NULL,
        .holder = controller->lease != NULL ? kube_lease_holder(controller->lease) : "",
        .watches = str_text(&watches),
    };
    return ready_print(&view, why);
}

void controller_on_metrics(void *ctx, struct str *out)
{
    struct controller *controller = ctx;
    AUTO_STR ignored = STR_EMPTY;
    const struct measures_view view = {
        .core = controller->core,
        .kube = controller->kube,
        .events = controller->events,
        .sink = controller->sink,
        .recording = controller->recording,
        .watches = controller->watches,
        .observer = controller->observer,
        .events_applied = loop_events(controller->loop),
        .provider_calls = groups_in_flight(controller->groups),
        .epoch = fence_epoch(controller->fence),
        .leading = process_may_act(controller),
        .fenced = fence_is_enforced(controller->fence),
        .ready = controller_on_ready(controller, &ignored),
    };
    measures_print(controller->measures, &view, out);
}

unsigned controller_on_explain(void *ctx, const struct key_values *args, bool *ret_json,
                               struct str *out)
{
    struct controller *controller = ctx;
    const struct explain_view view = {
        .core = controller->core,
        .leading = controller->life == LIFE_LEADING && process_may_act(controller),
        .holder = controller->lease != NULL ? kube_lease_holder(controller->lease) : "",
        .now_ns = clock_steady_ns(),
    };
    return explain_answer(&controller->explain_pace, &view, args, ret_json, out);
}

void controller_on_tick(uv_timer_t *timer)
{
    struct controller *controller = timer->data;
    if (controller->watches != NULL)
        watches_tick(controller->watches);
    recording_tick(controller->recording, clock_steady_ns());
    tell_lease_trouble(controller);
    catch_up_in_time(controller);
}

/* ------------------------------------------------------------------------ running */

int controller_run(const struct options *options, struct err *err)
{
    struct controller controller = {.options = options, .life = LIFE_CHECKING};
    uv_loop_init(&controller.uv);
    int opened = process_open(&controller, err);
    if (opened == 0)
        uv_run(&controller.uv, UV_RUN_DEFAULT);
    process_close(&controller);
    return opened == 0 ? controller.exit_status : -1;
}
