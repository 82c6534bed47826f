/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include "bulkhead/base/log.h"
#include "bulkhead/serve/metrics.h"

#include "options.h"
#include "result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

enum measure {
    JOBS,
    JOBS_LIVE,
    VCPUS,
    NODES,
    PRICE,
    VCPU_SECONDS,
    GPU_SECONDS,
    COST,
    SHARE_COST,
    FORECAST,
    FORECAST_UNKNOWN,
    ENVIRONMENT_VCPU_SECONDS,
    ENVIRONMENT_GPU_SECONDS,
    ENVIRONMENT_COST,
    PODS,
    OBJECTS,
    ACTIONS_IN_FLIGHT,
    STATE_BUGS, /* core */
    WRITES,
    ACTIONS,
    PLANS,
    PLANNED,
    REACTION, /* as it happens */
    EVENTS,
    TOLD,
    ECHOES,
    UNREADABLE,
    WATCHING,
    WATCHED_OBJECTS,
    LISTS,
    REPAIRED, /* watches */
    REQUESTS_IN_FLIGHT,
    REQUESTS_WAITING,
    WINDOW,
    REQUESTS,
    TOO_MANY, /* client */
    KUBE_EVENTS,
    SINK_EVENTS,
    SINK_BEHIND, /* event sink */
    RECORDING,
    RECORDED_BYTES, /* --record */
    LEADING,
    EPOCH,
    FENCED,
    READY,
    LOG_DROPPED,
    MEMORY,
    FDS,
    BUILD, /* process */
    MEASURE_COUNT,
};

static const char *const queue_phase[] = {"queue", "phase", NULL};
static const char *const environment_state[] = {"environment", "state", NULL};
static const char *const environment_only[] = {"environment", NULL};
static const char *const queue_only[] = {"queue", NULL};
static const char *const queue_share[] = {"queue", "share", NULL};
static const char *const state[] = {"state", NULL};
static const char *const kind[] = {"kind", NULL};
static const char *const kind_result[] = {"kind", "result", NULL};
static const char *const lane[] = {"lane", NULL};
static const char *const result[] = {"result", NULL};
static const char *const version[] = {"version", NULL};

static const double plan_bounds[] = {0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1};
static const double reaction_bounds[] = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1,
                                         0.3,   1,     3,     10,   60,   300,  1800};

/* clang-format off */
static const struct {
    enum metric_kind kind;
    const char *name, *help;
    const char *const *labels;
} declared[MEASURE_COUNT] = {
    [JOBS]      = { METRIC_GAUGE, "bulkhead_jobs", "Jobs (children of arrays count one each) by queue and phase.", queue_phase },
    [JOBS_LIVE] = { METRIC_GAUGE, "bulkhead_jobs_live", "BatchJobs that have not ended.", NULL },
    [VCPUS]     = { METRIC_GAUGE, "bulkhead_environment_vcpus", "vCPUs of a compute environment: desired by the plan, current on its instances, used by its pods, max of its spec.", environment_state },
    [NODES]     = { METRIC_GAUGE, "bulkhead_environment_nodes", "Instances of a compute environment: ready or booting.", environment_state },
    [PRICE]     = { METRIC_GAUGE, "bulkhead_environment_price_per_hour", "Price of the instances of a compute environment, an hour, by its catalogue.", environment_only },
    [VCPU_SECONDS] = { METRIC_COUNTER, "bulkhead_queue_vcpu_seconds_total", "vCPU-seconds of attempts that ended, by queue.", queue_only },
    [GPU_SECONDS]  = { METRIC_COUNTER, "bulkhead_queue_gpu_seconds_total", "GPU-seconds of attempts that ended, by queue.", queue_only },
    [COST]         = { METRIC_COUNTER, "bulkhead_queue_cost_total", "What attempts that ended cost, by queue: their share of their nodes' price.", queue_only },
    [SHARE_COST]   = { METRIC_COUNTER, "bulkhead_queue_share_cost_total", "The part of bulkhead_queue_cost_total that is of jobs of a share; (other): of jobs without one, and of shares after the hundredth.", queue_share },
    [FORECAST]         = { METRIC_GAUGE, "bulkhead_queue_cost_forecast", "What jobs that have not ended are to cost, as far as it is known, by queue.", queue_only },
    [FORECAST_UNKNOWN] = { METRIC_GAUGE, "bulkhead_queue_cost_forecast_unknown_jobs", "Jobs that have not ended and are not in bulkhead_queue_cost_forecast, by queue.", queue_only },
    [ENVIRONMENT_VCPU_SECONDS] = { METRIC_COUNTER, "bulkhead_environment_vcpu_seconds_total", "vCPU-seconds of the instances of a compute environment, idle or not.", environment_only },
    [ENVIRONMENT_GPU_SECONDS]  = { METRIC_COUNTER, "bulkhead_environment_gpu_seconds_total", "GPU-seconds of the instances of a compute environment, idle or not.", environment_only },
    [ENVIRONMENT_COST]         = { METRIC_COUNTER, "bulkhead_environment_cost_total", "What the instances of a compute environment cost, idle or not, by its catalogue.", environment_only },
    [PODS]      = { METRIC_GAUGE, "bulkhead_pods", "Pods of jobs: live, ended and not released yet, and all that are held by our finalizer.", state },
    [OBJECTS]   = { METRIC_GAUGE, "bulkhead_objects", "Objects that the core knows.", kind },
    [ACTIONS_IN_FLIGHT] = { METRIC_GAUGE, "bulkhead_actions_in_flight", "Actions that the core waits for.", NULL },
    [STATE_BUGS]        = { METRIC_COUNTER, "bulkhead_state_bugs_total", "Events that the state table does not know; always 0.", NULL },
    [WRITES]    = { METRIC_COUNTER, "bulkhead_writes_total", "Writes to the API server by what was written and how it ended.", kind_result },
    [ACTIONS]   = { METRIC_COUNTER, "bulkhead_actions_total", "Actions of the core by kind and how they ended.", kind_result },
    [PLANS]     = { METRIC_HISTOGRAM, "bulkhead_plan_duration_seconds", "Time to make one plan.", NULL },
    [PLANNED]   = { METRIC_COUNTER, "bulkhead_planned_actions_total", "Actions in all plans.", NULL },
    [REACTION]  = { METRIC_HISTOGRAM, "bulkhead_reaction_seconds", "From a job's first watch event to the sending of its first pod.", NULL },
    [EVENTS]    = { METRIC_COUNTER, "bulkhead_events_applied_total", "Events that went into the core.", NULL },
    [TOLD]      = { METRIC_COUNTER, "bulkhead_objects_told_total", "Changed objects that went into the core.", kind },
    [ECHOES]    = { METRIC_COUNTER, "bulkhead_echoes_total", "Watch events that were our own writes coming back.", NULL },
    [UNREADABLE] = { METRIC_COUNTER, "bulkhead_unreadable_objects_total", "Objects that could not be read.", NULL },
    [WATCHING]  = { METRIC_GAUGE, "bulkhead_watch_up", "1 while the watch of this kind is open.", kind },
    [WATCHED_OBJECTS] = { METRIC_GAUGE, "bulkhead_watch_objects", "Objects that the watch of this kind has told.", kind },
    [LISTS]     = { METRIC_COUNTER, "bulkhead_watch_lists_total", "Whole lists read.", kind },
    [REPAIRED]  = { METRIC_COUNTER, "bulkhead_watch_repaired_total", "Changes that a list told and the watch had not; should be 0.", kind },
    [REQUESTS_IN_FLIGHT] = { METRIC_GAUGE, "bulkhead_requests_in_flight", "Requests to the API server in flight.", lane },
    [REQUESTS_WAITING]   = { METRIC_GAUGE, "bulkhead_requests_waiting", "Requests that wait for the window.", lane },
    [WINDOW]    = { METRIC_GAUGE, "bulkhead_request_window", "How many requests may be in flight now.", lane },
    [REQUESTS]  = { METRIC_COUNTER, "bulkhead_requests_total", "Requests sent, repeats included.", lane },
    [TOO_MANY]  = { METRIC_COUNTER, "bulkhead_requests_throttled_total", "Answers of status 429.", lane },
    [KUBE_EVENTS] = { METRIC_COUNTER, "bulkhead_kube_events_total", "Events for kubectl describe, by what became of them.", result },
    [SINK_EVENTS] = { METRIC_COUNTER, "bulkhead_sink_events_total", "CloudEvents for the event sink: delivered, failed (sent again later), refused (never to be taken, dropped), and lost: jobs that were deleted before the sink had heard all.", result },
    [SINK_BEHIND] = { METRIC_GAUGE, "bulkhead_sink_jobs_behind", "Jobs with changes of state that the event sink has not taken yet.", NULL },
    [RECORDING] = { METRIC_GAUGE, "bulkhead_recording", "1 while decisions are recorded; 0 once the log has reached its largest size or cannot be written.", NULL },
    [RECORDED_BYTES] = { METRIC_COUNTER, "bulkhead_recorded_bytes_total", "Bytes of the log of decisions.", NULL },
    [LEADING]   = { METRIC_GAUGE, "bulkhead_lease_held", "1 while this replica leads.", NULL },
    [EPOCH]     = { METRIC_GAUGE, "bulkhead_cell_epoch", "The epoch of the Cell under which this process writes; 0 while it does not lead.", NULL },
    [FENCED]    = { METRIC_GAUGE, "bulkhead_fence_enforced", "1 if the API server refused the epoch before when this one was taken.", NULL },
    [READY]     = { METRIC_GAUGE, "bulkhead_ready", "1 while /readyz says so.", NULL },
    [LOG_DROPPED] = { METRIC_COUNTER, "bulkhead_log_lines_dropped_total", "Log lines beyond the limit per second.", NULL },
    [MEMORY]    = { METRIC_GAUGE, "bulkhead_process_resident_memory_bytes", "Resident memory.", NULL },
    [FDS]       = { METRIC_GAUGE, "bulkhead_process_open_fds", "Open file descriptors.", NULL },
    [BUILD]     = { METRIC_GAUGE, "bulkhead_build_info", "1, with the version.", version },
};
/* clang-format on */

struct measures {
    struct metrics *metrics;
    struct metric *at[MEASURE_COUNT];
};

struct measures *measures_new(void)
{
    struct measures *measures = mem_new(sizeof(*measures));
    measures->metrics = metrics_new();
    for (size_t i = 0; i < MEASURE_COUNT; i++) {
        const double *bounds = i == PLANS ? plan_bounds : i == REACTION ? reaction_bounds : NULL;
        size_t count = i == PLANS      ? ARRAY_LEN(plan_bounds)
                       : i == REACTION ? ARRAY_LEN(reaction_bounds)
                                       : 0;
        measures->at[i] = metrics_register(measures->metrics, declared[i].kind, declared[i].name,
                                           declared[i].help, declared[i].labels, bounds, count);
    }
    return measures;
}

struct measures *measures_free(struct measures *measures)
{
    if (measures == NULL)
        return NULL;
    metrics_free(measures->metrics);
    free(measures);
    return NULL;
}

/* --------------------------------------------------------------- as it happens */

void measure_write(struct measures *measures, const char *write, enum kube_outcome outcome)
{
    metric_add(measures->at[WRITES], (const char *[]){write, kube_outcome_name(outcome)}, 1);
}

void measure_action(struct measures *measures, enum action_kind action, enum done_result done)
{
    metric_add(measures->at[ACTIONS],
               (const char *[]){action_kind_name(action), done_result_name(done)}, 1);
}

void measure_plan(struct measures *measures, int64_t took_ns, size_t action_count)
{
    metric_observe(measures->at[PLANS], NULL, (double)took_ns / NS_PER_S);
    metric_add(measures->at[PLANNED], NULL, (double)action_count);
}

void measure_reaction(struct measures *measures, int64_t took_ns)
{
    metric_observe(measures->at[REACTION], NULL, (double)took_ns / NS_PER_S);
}

/* --------------------------------------------------------------- when asked for */

static void set(struct measures *measures, enum measure measure, double value)
{
    metric_set(measures->at[measure], NULL, value);
}

static void set1(struct measures *measures, enum measure measure, const char *label, double value)
{
    metric_set(measures->at[measure], (const char *[]){label}, value);
}

static void set2(struct measures *measures, enum measure measure, const char *first,
                 const char *second, double value)
{
    metric_set(measures->at[measure], (const char *[]){first, second}, value);
}

/* No share is called so: it is no value of a label. */
static void set_shares(struct measures *measures, const struct core_queue_view *view)
{
    int64_t other = view->cost.amount;
    for (size_t i = 0; i < view->share_count; i++) {
        other -= view->shares[i].all.amount;
        set2(measures, SHARE_COST, view->name, view->shares[i].identifier,
             (double)view->shares[i].all.amount / 1e6);
    }
    if (view->share_count > 0)
        set2(measures, SHARE_COST, view->name, "(other)", (double)other / 1e6);
}

static bool set_queue(void *ctx, const struct core_queue_view *view)
{
    for (size_t i = 0; i < JOB_PHASE_COUNT; i++)
        set2(ctx, JOBS, view->name, job_phase_name((enum job_phase)i), (double)view->jobs[i]);
    set1(ctx, VCPU_SECONDS, view->name, (double)view->cost.vcpu_seconds);
    set1(ctx, GPU_SECONDS, view->name, (double)view->cost.gpu_seconds);
    set1(ctx, COST, view->name, (double)view->cost.amount / 1e6);
    set_shares(ctx, view);
    set1(ctx, FORECAST, view->name, (double)view->forecast.amount / 1e6);
    set1(ctx, FORECAST_UNKNOWN, view->name, (double)view->forecast.unknown);
    return true;
}

static bool set_environment(void *ctx, const struct core_environment_view *view)
{
    const struct compute_environment_status *status = view->status;
    set2(ctx, VCPUS, view->name, "desired", (double)status->desired_vcpus);
    set2(ctx, VCPUS, view->name, "current", (double)status->vcpus);
    set2(ctx, VCPUS, view->name, "used", (double)status->used_vcpus);
    set2(ctx, VCPUS, view->name, "max", (double)view->max_vcpus);
    set2(ctx, NODES, view->name, "ready", (double)status->nodes);
    set2(ctx, NODES, view->name, "booting", (double)status->nodes_booting);
    set1(ctx, PRICE, view->name, (double)view->price / 1e6);
    set1(ctx, ENVIRONMENT_VCPU_SECONDS, view->name, (double)view->cost.vcpu_seconds);
    set1(ctx, ENVIRONMENT_GPU_SECONDS, view->name, (double)view->cost.gpu_seconds);
    set1(ctx, ENVIRONMENT_COST, view->name, (double)view->cost.amount / 1e6);
    return true;
}

static void set_core(struct measures *measures, const struct measures_view *view)
{
    struct core_counts counts;
    metric_clear(measures->at[JOBS]);
    metric_clear(measures->at[VCPUS]);
    metric_clear(measures->at[NODES]);
    metric_clear(measures->at[PRICE]);
    metric_clear(measures->at[VCPU_SECONDS]);
    metric_clear(measures->at[GPU_SECONDS]);
    metric_clear(measures->at[COST]);
    metric_clear(measures->at[SHARE_COST]);
    metric_clear(measures->at[FORECAST]);
    metric_clear(measures->at[FORECAST_UNKNOWN]);
    metric_clear(measures->at[ENVIRONMENT_VCPU_SECONDS]);
    metric_clear(measures->at[ENVIRONMENT_GPU_SECONDS]);
    metric_clear(measures->at[ENVIRONMENT_COST]);
    core_counts(view->core, &counts);
    core_queues(view->core, set_queue, measures);
    core_environments(view->core, set_environment, measures);
    set(measures, JOBS_LIVE, (double)counts.jobs_live);
    set1(measures, PODS, "live", (double)counts.pods_live);
    set1(measures, PODS, "ended", (double)counts.pods_ended);
    set1(measures, PODS, "held", (double)counts.pods_held);
    set1(measures, OBJECTS, "jobs", (double)counts.jobs);
    set1(measures, OBJECTS, "pods", (double)counts.pods);
    set1(measures, OBJECTS, "nodes", (double)counts.nodes);
    set1(measures, OBJECTS, "queues", (double)counts.queues);
    set1(measures, OBJECTS, "environments", (double)counts.environments);
    set1(measures, OBJECTS, "definitions", (double)counts.definitions);
    set(measures, ACTIONS_IN_FLIGHT, (double)counts.actions_in_flight);
    set(measures, STATE_BUGS, (double)counts.state_bugs);
    set(measures, EVENTS, (double)view->events_applied);
}

static void set_observer(struct measures *measures, const struct observer *observer)
{
    const struct observer_stats *stats = observer_stats(observer);
    for (size_t i = 0; i < WATCHED_COUNT; i++)
        set1(measures, TOLD, watched_kind_name((enum watched_kind)i), (double)stats->told[i]);
    set(measures, ECHOES, (double)stats->echoes);
    set(measures, UNREADABLE, (double)stats->unreadable);
}

static void set_watches(struct measures *measures, const struct watches *watches)
{
    metric_clear(measures->at[WATCHING]);
    for (size_t i = 0; i < WATCHED_COUNT; i++) {
        const char *name = watched_kind_name((enum watched_kind)i);
        const struct kube_watch *watch = watches_at(watches, (enum watched_kind)i);
        if (watch == NULL)
            continue;
        struct kube_watch_stats stats = kube_watch_stats(watch);
        bool up = watches_state(watches, (enum watched_kind)i) == KUBE_WATCH_WATCHING;
        set1(measures, WATCHING, name, up ? 1 : 0);
        set1(measures, WATCHED_OBJECTS, name, (double)stats.objects);
        set1(measures, LISTS, name, (double)stats.lists);
        set1(measures, REPAIRED, name, (double)stats.repaired);
    }
}

static void set_client(struct measures *measures, const struct kube_client *kube)
{
    static const char *const lanes[KUBE_LANE_COUNT] = {[KUBE_LANE_WRITES] = "writes",
                                                       [KUBE_LANE_WATCHES] = "watches",
                                                       [KUBE_LANE_LEASE] = "lease"};
    for (size_t i = 0; i < KUBE_LANE_COUNT; i++) {
        struct kube_lane_stats stats = kube_client_stats(kube, (enum kube_lane)i);
        set1(measures, REQUESTS_IN_FLIGHT, lanes[i], (double)stats.in_flight);
        set1(measures, REQUESTS_WAITING, lanes[i], (double)stats.waiting);
        set1(measures, WINDOW, lanes[i], (double)stats.window);
        set1(measures, REQUESTS, lanes[i], (double)stats.sent);
        set1(measures, TOO_MANY, lanes[i], (double)stats.too_many);
    }
}

/* The second number of statm, in pages. */
static double resident_bytes(void)
{
    char line[128] = "";
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    const char *read = fgets(line, sizeof(line), file);
    (void)fclose(file);
    const char *second = read != NULL ? strchr(line, ' ') : NULL;
    return second != NULL ? strtod(second, NULL) * (double)sysconf(_SC_PAGESIZE) : 0;
}

static double open_fds(void)
{
    uv_fs_t scan;
    int count = uv_fs_scandir(NULL, &scan, "/proc/self/fd", 0, NULL);
    uv_fs_req_cleanup(&scan);
    return count > 0 ? count - 1 : 0; /* less the folder itself */
}

static void set_sink(struct measures *measures, const struct measures_view *view)
{
    struct core_counts counts;
    struct sink_stats stats = sink_stats(view->sink);
    core_counts(view->core, &counts);
    set1(measures, SINK_EVENTS, "delivered", (double)stats.delivered);
    set1(measures, SINK_EVENTS, "failed", (double)stats.failed);
    set1(measures, SINK_EVENTS, "refused", (double)stats.refused);
    set1(measures, SINK_EVENTS, "lost", (double)counts.tells_lost);
    set(measures, SINK_BEHIND, (double)counts.tells_waiting);
}

void measures_print(struct measures *measures, const struct measures_view *view, struct str *out)
{
    if (view->core != NULL)
        set_core(measures, view);
    if (view->observer != NULL)
        set_observer(measures, view->observer);
    if (view->watches != NULL)
        set_watches(measures, view->watches);
    if (view->kube != NULL) {
        set_client(measures, view->kube);
        set1(measures, REQUESTS_IN_FLIGHT, "providers", (double)view->provider_calls);
    }
    if (view->events != NULL) {
        struct kube_events_stats stats = kube_events_stats(view->events);
        set1(measures, KUBE_EVENTS, "written", (double)stats.written);
        set1(measures, KUBE_EVENTS, "dropped", (double)stats.dropped);
        set1(measures, KUBE_EVENTS, "failed", (double)stats.failed);
    }
    if (view->sink != NULL)
        set_sink(measures, view);
    if (view->recording != NULL) {
        set(measures, RECORDING, recording_goes_on(view->recording) ? 1 : 0);
        set(measures, RECORDED_BYTES, (double)recording_bytes(view->recording));
    }
    set(measures, LEADING, view->leading ? 1 : 0);
    set(measures, EPOCH, (double)view->epoch);
    set(measures, FENCED, view->fenced ? 1 : 0);
    set(measures, READY, view->ready ? 1 : 0);
    set(measures, LOG_DROPPED, (double)log_dropped());
    set(measures, MEMORY, resident_bytes());
    set(measures, FDS, open_fds());
    set1(measures, BUILD, BULKHEAD_VERSION, 1);
    metrics_print(measures->metrics, out);
}
