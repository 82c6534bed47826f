/* SPDX-License-Identifier: Apache-2.0 */
/* process.c - opens the parts, hands each the callbacks that join it to the others, closes them */
#include "process.h"

#include "bulkhead/api/cell.h"
#include "bulkhead/base/clock.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { TICK_MS = 1000, CLIENT_LINE = 4, TELLS_MAX = 32 };

static uint64_t random_next(void *ctx)
{
    UNUSED(ctx);
    uint64_t bits = 0;
    if (getrandom(&bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
        bits = (uint64_t)clock_wall_ns(); /* jitter and names of Events need no better */
    return bits;
}

bool process_may_act(void *ctx)
{
    const struct controller *controller = ctx;
    return controller->lease != NULL && kube_lease_is_held(controller->lease, clock_steady_ns());
}

void process_apply(void *ctx, struct event *event)
{
    struct controller *controller = ctx;
    loop_apply(controller->loop, event);
}

/* ----------------------------------------------------------------------- the loop */

static void log_plan(const struct plan *plan)
{
    AUTO_STR text = STR_EMPTY;
    plan_print(plan, &text);
    for (const char *line = str_text(&text); *line != '\0';) {
        size_t size = strcspn(line, "\n");
        AUTO_TEXT action = text_copy_n(line, size);
        log_debug("plan", KV("action", action));
        line += size + (line[size] == '\n' ? 1 : 0);
    }
}

static void on_planned(void *ctx, int64_t took_ns, const struct plan *plan)
{
    struct controller *controller = ctx;
    measure_plan(controller->measures, took_ns, plan->action_count);
    if (controller->options->log_level == LOG_DEBUG && plan->action_count > 0)
        log_plan(plan);
}

static void record_event(void *ctx, const struct event *event)
{
    const struct controller *controller = ctx;
    recording_event(controller->recording, event);
}

static void record_plan(void *ctx, int64_t now_ns, const struct plan *plan)
{
    const struct controller *controller = ctx;
    recording_plan(controller->recording, now_ns, plan);
}

static void execute(void *ctx, const struct plan *plan)
{
    struct controller *controller = ctx;
    execute_plan(controller->executor, plan);
}

static void after_plan(void *ctx)
{
    struct controller *controller = ctx;
    execute_settle(controller->executor);
}

/* ------------------------------------------------------------ the executor's host */

static int host_send(void *ctx, const struct kube_request *request, struct err *err)
{
    struct controller *controller = ctx;
    return kube_send(controller->kube, request, NULL, err);
}

/* The client's own line is kept just long enough that it never runs dry between two answers. */
static size_t host_room(void *ctx)
{
    struct controller *controller = ctx;
    struct kube_lane_stats stats = kube_client_stats(controller->kube, KUBE_LANE_WRITES);
    size_t there = (size_t)stats.in_flight + stats.waiting;
    size_t wanted = (size_t)stats.window + CLIENT_LINE;
    return wanted > there ? wanted - there : 0;
}

static const char *host_manager(void *ctx)
{
    const struct controller *controller = ctx;
    return fence_manager(controller->fence);
}

static void host_on_fenced(void *ctx)
{
    const struct controller *controller = ctx;
    fence_look(controller->fence);
}

static bool host_start_provider(void *ctx, const struct action *action)
{
    struct controller *controller = ctx;
    return groups_start(controller->groups, action);
}

static void host_post_event(void *ctx, const struct action *action)
{
    struct controller *controller = ctx;
    bool ours = own_kind_find(action->object_kind) != OWN_KIND_COUNT;
    const struct kube_event event = {
        .api_version = ours ? API_VERSION : "v1",
        .kind = action->object_kind,
        .namespace = action->namespace_,
        .name = action->name,
        .uid = action->uid,
        .reason = action->reason,
        .message = action->message,
        .warning = text_eq(action->event_type, "Warning"),
    };
    kube_events_post(controller->events, &event);
}

static bool host_post_change(void *ctx, const struct action *action)
{
    struct controller *controller = ctx;
    return controller->sink != NULL && sink_post(controller->sink, action);
}

static void on_sink_answer(void *ctx, uint64_t action_id, enum done_result result,
                           const char *message)
{
    struct controller *controller = ctx;
    execute_tell_done(controller->executor, action_id, result, message);
}

static void host_refresh(void *ctx, enum own_kind kind, struct json_object *doc)
{
    static const enum watched_kind watched[OWN_KIND_COUNT] = {
        [OWN_JOB] = WATCHED_JOBS,
        [OWN_DEFINITION] = WATCHED_DEFINITIONS,
        [OWN_QUEUE] = WATCHED_QUEUES,
        [OWN_ENVIRONMENT] = WATCHED_ENVIRONMENTS,
        [OWN_CONSUMABLE] = WATCHED_CONSUMABLES,
        [OWN_ARRAY_STATE] = WATCHED_ARRAY_STATES,
    };
    struct controller *controller = ctx;
    observe_read(controller->observer, watched[kind], doc);
}

static void host_on_write(void *ctx, const char *write, enum kube_outcome outcome)
{
    struct controller *controller = ctx;
    measure_write(controller->measures, write, outcome);
}

static void host_on_done(void *ctx, enum action_kind kind, enum done_result result)
{
    struct controller *controller = ctx;
    measure_action(controller->measures, kind, result);
}

static void host_on_reaction(void *ctx, int64_t took_ns)
{
    struct controller *controller = ctx;
    measure_reaction(controller->measures, took_ns);
}

static void on_provider_answer(void *ctx, const struct provider_answer *answer, uint64_t action_id,
                               enum action_kind kind)
{
    struct controller *controller = ctx;
    execute_provider_done(controller->executor, answer, action_id, kind);
}

static void on_environment(void *ctx, const struct compute_environment *environment)
{
    struct controller *controller = ctx;
    if (controller->standby == NULL)
        groups_see(controller->groups, environment);
}

static void on_environment_gone(void *ctx, const char *name)
{
    struct controller *controller = ctx;
    if (controller->standby == NULL)
        groups_gone(controller->groups, name);
}

static void on_object(void *ctx, enum watched_kind kind, const char *namespace_, const char *name)
{
    struct controller *controller = ctx;
    if (controller->standby != NULL)
        standby_drop(controller->standby, kind, namespace_, name);
}

static void apply_observed(void *ctx, enum watched_kind kind, struct event *event)
{
    struct controller *controller = ctx;
    if (controller->standby != NULL)
        standby_put(controller->standby, kind, event);
    else
        loop_apply(controller->loop, event);
}

static void apply_handed_over(void *ctx, enum watched_kind kind, struct event *event)
{
    if (kind == WATCHED_ENVIRONMENTS && event->kind == EVENT_ENVIRONMENT)
        on_environment(ctx, event->environment);
    apply_observed(ctx, kind, event);
}

void process_hand_over(struct controller *controller)
{
    AUTO(standby) standby = STEAL(controller->standby);
    standby_hand_over(standby, apply_handed_over, controller);
}

/* ------------------------------------------------------------------------ building */

static char *default_identity(void)
{
    char host[256] = "unknown";
    (void)gethostname(host, sizeof(host) - 1);
    return text_printf("%s_%ld", host, (long)getpid());
}

static int open_client(struct controller *controller, struct err *err)
{
    const struct options *options = controller->options;
    AUTO(kube_config) config = NULL;
    const struct kube_config_options where = {.path = options->kubeconfig,
                                              .context = options->context};
    const struct kube_client_options how = {.user_agent = "bulkhead-controller/" BULKHEAD_VERSION,
                                            .random = controller->random};
    if (kube_config_load(&where, &config, err) < 0)
        return -1;
    const char *version = BULKHEAD_VERSION;
    bool in_cluster = text_eq(config->source, "in-cluster");
    const char *namespace_ = options->namespace_ != NULL ? options->namespace_
                             : in_cluster                ? config->namespace
                                                         : NAMESPACE_DEFAULT;
    controller->lease_namespace = text_copy(namespace_);
    log_info("starting", KV("version", version), KV("server", config->server),
             KV("config", config->source), KV("lease_namespace", namespace_),
             KV("identity", controller->identity));
    controller->kube = kube_client_new(&controller->uv, &config, &how, err);
    return controller->kube != NULL ? 0 : -1;
}

static int open_sink(struct controller *controller, struct err *err)
{
    const struct options *options = controller->options;
    if (options->sink_url == NULL)
        return 0;
    const struct sink_options sink = {
        .uv = &controller->uv,
        .endpoint = {.name = "--event-sink",
                     .url = options->sink_url,
                     .ca_path = options->sink_ca,
                     .token_path = options->sink_token},
        .random = controller->random,
        .user_agent = "bulkhead-controller/" BULKHEAD_VERSION,
        .on_answer = on_sink_answer,
        .ctx = controller,
    };
    controller->sink = sink_new(&sink, err);
    return controller->sink != NULL ? 0 : -1;
}

static int open_server(struct controller *controller, struct err *err)
{
    const struct options *options = controller->options;
    const struct server_options serve = {
        .loop = &controller->uv,
        .address = options->listen_address,
        .port = (int)options->listen_port,
        .ctx = controller,
        .ready = controller_on_ready,
        .metrics = controller_on_metrics,
        .explain = controller_on_explain,
    };
    if (server_new(&serve, &controller->server, err) < 0)
        return -1;
    log_info("listening", KV("address", options->listen_address),
             KV_INT("port", server_port(controller->server)));
    return 0;
}

static void open_core(struct controller *controller)
{
    const struct options *options = controller->options;
    const struct core_options core = {
        .verdict_delay_ns = options->verdict_delay_s * NS_PER_S,
        .start_deadline_ns = options->start_deadline_s * NS_PER_S,
        .boot_deadline_ns = options->boot_deadline_s * NS_PER_S,
        .tells_max = controller->sink != NULL ? TELLS_MAX : 0,
    };
    controller->core = core_new(&core);
    if (options->record != NULL)
        controller->recording =
            recording_open(options->record, options->record_mebibytes << 20, &core);
    const struct loop_options loop = {
        .uv = &controller->uv,
        .core = controller->core,
        .now_ns = clock_steady_ns,
        .before_plan = controller_before_plan,
        .may_act = process_may_act,
        .on_barred = controller_on_barred,
        .execute = execute,
        .after_plan = after_plan,
        .on_planned = on_planned,
        .record_event = record_event,
        .record_plan = record_plan,
        .ctx = controller,
    };
    controller->loop = loop_new(&loop);
    const struct observer_options observer = {
        .memo = controller->memo,
        .apply = apply_observed,
        .on_object = on_object,
        .on_environment = on_environment,
        .on_environment_gone = on_environment_gone,
        .now_ns = clock_steady_ns,
        .ctx = controller,
    };
    controller->observer = observer_new(&observer);
}

/* A write must be over before another replica may take the lease: within what lies between the last
 * moment that we hold it and that one, less a second for the way. */
static int64_t write_timeout_s(const struct options *options)
{
    int64_t slack_s = options->lease_duration_s - options->renew_deadline_s;
    return slack_s > 2 ? slack_s - 1 : 1;
}

static void open_executor(struct controller *controller)
{
    const struct executor_host host = {
        .send = host_send,
        .room = host_room,
        .may_write = process_may_act,
        .manager = host_manager,
        .on_fenced = host_on_fenced,
        .start_provider = host_start_provider,
        .post_event = host_post_event,
        .post_change = host_post_change,
        .apply = process_apply,
        .refresh = host_refresh,
        .on_write = host_on_write,
        .on_done = host_on_done,
        .on_reaction = host_on_reaction,
        .now_ns = clock_steady_ns,
        .memo = controller->memo,
        .write_timeout_s = write_timeout_s(controller->options),
        .ctx = controller,
    };
    controller->executor = executor_new(&host);
    const struct groups_options groups = {
        .host = {.loop = &controller->uv,
                 .kube = controller->kube,
                 .programs_dir = controller->options->programs_dir,
                 .now_ns = clock_steady_ns},
        .on_answer = on_provider_answer,
        .ctx = controller,
    };
    controller->groups = groups_new(&groups);
}

static void open_handles(struct controller *controller)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    (void)signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < ARRAY_LEN(controller->signals); i++) {
        uv_signal_init(&controller->uv, &controller->signals[i]);
        controller->signals[i].data = controller;
        uv_signal_start(&controller->signals[i], controller_on_signal, numbers[i]);
    }
    uv_timer_init(&controller->uv, &controller->tick);
    uv_timer_init(&controller->uv, &controller->stop_deadline);
    controller->tick.data = controller;
    controller->stop_deadline.data = controller;
    uv_timer_start(&controller->tick, controller_on_tick, TICK_MS, TICK_MS);
    controller->handles_open = true;
}

/* Everything that uses the client goes before it; what it still owes is never answered. */
void process_close(struct controller *controller)
{
    watches_free(controller->watches);
    standby_free(controller->standby);
    kube_lease_free(controller->lease);
    kube_events_free(controller->events);
    groups_free(controller->groups);
    sink_free(controller->sink);
    if (controller->kube != NULL)
        kube_client_close(controller->kube, NULL, NULL);
    startup_free(controller->startup);
    fence_free(controller->fence);
    executor_free(controller->executor);
    server_free(controller->server);
    loop_free(controller->loop);
    if (controller->handles_open) {
        for (size_t i = 0; i < ARRAY_LEN(controller->signals); i++)
            uv_close((uv_handle_t *)&controller->signals[i], NULL);
        uv_close((uv_handle_t *)&controller->tick, NULL);
        uv_close((uv_handle_t *)&controller->stop_deadline, NULL);
    }
    uv_run(&controller->uv, UV_RUN_DEFAULT);
    uv_loop_close(&controller->uv);
    recording_close(controller->recording);
    observer_free(controller->observer);
    core_free(controller->core);
    memo_free(controller->memo);
    measures_free(controller->measures);
    free(controller->lease_namespace);
    free(controller->identity);
    free(controller->lease_trouble);
    free(controller->holder);
}

int process_open(struct controller *controller, struct err *err)
{
    const struct options *options = controller->options;
    controller->identity =
        options->identity != NULL ? text_copy(options->identity) : default_identity();
    controller->random = (struct kube_random){.next = random_next};
    controller->measures = measures_new();
    controller->memo = memo_new();
    if (open_client(controller, err) < 0)
        return -1;
    const struct kube_events_options events = {.component = "bulkhead-controller",
                                               .instance = controller->identity,
                                               .random = controller->random};
    controller->events = kube_events_new(controller->kube, &events);
    if (open_sink(controller, err) < 0)
        return -1;
    open_core(controller);
    open_executor(controller);
    if (open_server(controller, err) < 0)
        return -1;
    open_handles(controller);
    const struct startup_options startup = {.kube = controller->kube,
                                            .random = controller->random,
                                            .lease_namespace = controller->lease_namespace,
                                            .on_passed = controller_on_checks_passed,
                                            .ctx = controller};
    controller->startup = startup_new(&controller->uv, &startup);
    const struct fence_options fence = {.uv = &controller->uv,
                                        .kube = controller->kube,
                                        .random = controller->random,
                                        .cell = CELL_DEFAULT,
                                        .holder = controller->identity,
                                        .wall_ns = clock_wall_ns,
                                        .on_taken = controller_on_epoch,
                                        .on_passed = controller_on_passed,
                                        .ctx = controller};
    controller->fence = fence_new(&fence);
    return 0;
}
