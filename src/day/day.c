/* SPDX-License-Identifier: Apache-2.0 */
/* day.c - turns: what is due happens, the core is told, plans once, and its plan is carried out
 *
 * Everything that an action does takes effect when it is carried out; its answer, and what a watch
 * would show of it, are applied before the next plan. At one moment there are as many turns as it
 * takes until nothing is left to do; then time jumps to what is due next. */
#include "parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DAY_START_NS (1767571200 * NS_PER_S) /* 2026-01-05T00:00:00Z */
#define DAY_STOP_NS (240 * 3600 * NS_PER_S)
enum { TURNS_AT_ONCE_MAX = 200000 };

static int64_t or_default(int64_t value, int64_t otherwise)
{
    return value > 0 ? value : otherwise;
}

struct day *day_new(const struct day_options *options, const struct day_load *load)
{
    struct day *day = mem_new(sizeof(*day));
    day->options = *options;
    day->load = *load;
    struct day_options *o = &day->options;
    o->start_ns = or_default(o->start_ns, DAY_START_NS);
    o->stop_ns = or_default(o->stop_ns, DAY_STOP_NS);
    o->pod_start_ns = or_default(o->pod_start_ns, NS_PER_S);
    o->grain_ns = or_default(o->grain_ns, 100 * NS_PER_MS);
    day->core = core_new(&o->core);
    day->arena = arena_new(0);
    day->now_ns = o->start_ns;
    day->series_next_ns = o->series_ns > 0 ? o->start_ns : INT64_MAX;
    day->jobs = map_new();
    day->pods = map_new();
    day->groups = map_new();
    day->nodes_told = map_new();
    while (day->class_count < DAY_CLASSES_MAX &&
           load->class_name(load->ctx, day->class_count) != NULL)
        day->class_count++;
    return day;
}

static void job_free(struct day_job *job)
{
    free(job->uid);
    free(job->started);
    free(job);
}

static void event_drop(struct event *event)
{
    if (event->kind == EVENT_DONE) {
        pod_free(event->done.pod);
        job_definition_free(event->done.definition);
        if (event->done.instances != NULL)
            instances_done((struct instances *)(uintptr_t)event->done.instances);
    } else if (event->kind == EVENT_POD) {
        pod_free(event->pod);
    } else if (event->kind == EVENT_NODE) {
        node_free(event->node);
    } else if (event->kind == EVENT_JOB) {
        batch_job_free(event->job);
    }
}

struct day *day_free(struct day *day)
{
    if (day == NULL)
        return NULL;
    for (size_t i = 0; i < day->event_count; i++)
        event_drop(&day->events[i]);
    free(day->events);
    core_free(day->core);
    batch_job_free(day->arrival.job);
    timers_done(&day->timers); /* before what it borrows */
    size_t at = 0;
    struct day_job *job;
    while ((job = map_next(day->jobs, &at, NULL)) != NULL)
        job_free(job);
    pods_done(day);
    machines_done(day);
    while (day->acts != NULL) {
        struct act *act = day->acts;
        day->acts = act->next;
        free(act);
    }
    measure_done(day);
    map_free(day->jobs);
    map_free(day->pods);
    map_free(day->groups);
    map_free(day->nodes_told);
    arena_free(day->arena);
    str_done(&day->text);
    free(day);
    return NULL;
}

char *day_uid(struct day *day, const char *prefix)
{
    return text_printf("%s-%" PRIu64, prefix, ++day->uids);
}

char *day_version(struct day *day)
{
    return text_printf("%" PRIu64, ++day->version);
}

int64_t day_now_ns(const struct day *day)
{
    return day->now_ns - day->options.start_ns;
}

struct core *day_core(struct day *day)
{
    return day->core;
}

/* ------------------------------------------------------------------- what is told */

struct event *day_event_new(struct day *day, enum event_kind kind)
{
    ARRAY_ROOM(day->events, day->event_count, day->event_capacity);
    struct event *event = &day->events[day->event_count++];
    *event = (struct event){.kind = kind};
    return event;
}

void day_event(struct day *day, const struct event *event)
{
    *day_event_new(day, event->kind) = *event;
}

static void meta_complete(struct day *day, struct object_meta *meta, const char *prefix)
{
    if (meta->uid == NULL)
        meta->uid = day_uid(day, prefix);
    free(meta->resource_version);
    meta->resource_version = day_version(day);
    if (meta->created_ns == 0)
        meta->created_ns = day->now_ns - day->now_ns % NS_PER_S;
    if (meta->generation == 0)
        meta->generation = 1;
}

void day_queue(struct day *day, struct job_queue *queue)
{
    meta_complete(day, &queue->meta, queue->meta.name);
    queue->meta.has_finalizer = true; /* the watch never has to show it */
    day_event_new(day, EVENT_QUEUE)->queue = queue;
}

void day_environment(struct day *day, struct compute_environment *environment,
                     struct compute_environment *provider)
{
    struct group *group = group_of(day, environment->meta.name);
    group_spec(group, provider);
    meta_complete(day, &environment->meta, environment->meta.name);
    environment->meta.has_finalizer = true;
    day_event_new(day, EVENT_ENVIRONMENT)->environment = environment;
}

void day_node(struct day *day, struct node *node)
{
    meta_complete(day, &node->meta, node->meta.name);
    const char *environment = key_values_get(&node->labels, LABEL_ENVIRONMENT);
    if (environment != NULL) {
        struct group *group = group_of(day, environment);
        meter_add(&group->vcpus, day->now_ns, node->allocatable.cpu_milli / 1000);
        meter_add(&group->nodes, day->now_ns, 1);
        meter_add(&day->vcpus, day->now_ns, node->allocatable.cpu_milli / 1000);
        day->static_vcpus += node->allocatable.cpu_milli / 1000;
    }
    day_event_new(day, EVENT_NODE)->node = node;
}

void day_act(struct day *day, int64_t at_ns, void (*run)(struct day *day, void *ctx), void *ctx)
{
    struct act *act = mem_new(sizeof(*act));
    *act = (struct act){.run = run, .ctx = ctx, .timer.kind = DUE_ACT, .next = day->acts};
    day->acts = act;
    timer_set(&day->timers, &act->timer, day->options.start_ns + at_ns);
}

void day_fail(struct day *day, const struct err *err)
{
    if (day->failed.kind == ERR_NONE)
        day->failed = *err;
}

/* ------------------------------------------------------------------------- arrivals */

static int64_t children_of(const struct batch_job *job)
{
    if (job->array_size.set)
        return job->array_size.value;
    return job->has_nodes ? job->nodes.num_nodes : 1;
}

static void next_arrival(struct day *day)
{
    if (!day->load.next(day->load.ctx, &day->arrival)) {
        day->arrivals_over = true;
        day->arrival = (struct day_arrival){.at_ns = INT64_MAX};
        return;
    }
    day->arrival.at_ns += day->options.start_ns;
}

static void arrive(struct day *day)
{
    struct batch_job *spec = day->arrival.job;
    struct day_job *job = mem_new(sizeof(*job));
    day->arrival.job = NULL;
    spec->meta.created_ns = 0;
    meta_complete(day, &spec->meta, "job");
    job->uid = text_copy(spec->meta.uid);
    job->class_ = day->arrival.class_;
    job->arrived_ns = day->now_ns;
    map_put(day->jobs, job->uid, job);
    measure_arrival(day, job, children_of(spec));
    day_event_new(day, EVENT_JOB)->job = spec;
    next_arrival(day);
}

/* ---------------------------------------------------------------------------- turns */

static void apply_all(struct day *day)
{
    /* What listens may not keep an event: the core takes what it holds. */
    for (size_t i = 0; i < day->event_count; i++) {
        struct event *event = &day->events[i];
        event->now_ns = day->now_ns;
        if (day->options.on_event != NULL)
            day->options.on_event(day->options.ctx, event);
        struct event taken = *event;
        core_apply(day->core, &taken);
        if (event->kind == EVENT_DONE && event->done.instances != NULL)
            instances_done((struct instances *)(uintptr_t)event->done.instances);
    }
    day->report.events += day->event_count;
    day->event_count = 0;
}

static void hash_plan(struct day *day, const struct plan *plan)
{
    if (plan->action_count == 0)
        return;
    str_clear(&day->text);
    plan_print(plan, &day->text);
    day->report.plan_hash = hash_bytes(str_text(&day->text), day->text.size,
                                       day->report.plan_hash ^ (uint64_t)day->now_ns);
}

static void turn(struct day *day)
{
    struct plan plan;
    apply_all(day);
    arena_reset(day->arena);
    core_plan(day->core, day->now_ns, day->arena, &plan);
    hash_plan(day, &plan);
    if (day->options.on_plan != NULL)
        day->options.on_plan(day->options.ctx, day->now_ns, &plan);
    day->report.turns++;
    day->report.actions += plan.action_count;
    for (size_t i = 0; i < plan.action_count; i++)
        server_carry_out(day, &plan.actions[i]);
    day->wake_ns = plan.wake_ns;
}

/* Until nothing more is to be done at this moment. */
static int settle(struct day *day, struct err *err)
{
    for (int turns = 0; day->event_count > 0 || day->wake_ns <= day->now_ns; turns++) {
        if (turns >= TURNS_AT_ONCE_MAX)
            return err_set(err, ERR_FATAL, "the core plans without end, %lld s into the day",
                           (long long)(day_now_ns(day) / NS_PER_S));
        turn(day);
    }
    return 0;
}

static void run_due(struct day *day)
{
    struct timer *timer;
    while ((timer = timers_first(&day->timers)) != NULL && timer->due_ns <= day->now_ns) {
        timer_clear(&day->timers, timer);
        switch ((enum due_kind)timer->kind) {
        case DUE_POD:
            pod_due(day, CONTAINER_OF(timer, struct day_pod, timer));
            break;
        case DUE_MACHINE:
            machine_due(day, CONTAINER_OF(timer, struct machine, timer));
            break;
        case DUE_ACT: {
            struct act *act = CONTAINER_OF(timer, struct act, timer);
            act->run(day, act->ctx);
            break;
        }
        }
    }
    while (day->arrival.job != NULL && day->arrival.at_ns <= day->now_ns)
        arrive(day);
}

/* The next moment of the grid at which anything happens; past the day's end: that end. */
static int64_t next_ns(const struct day *day)
{
    int64_t end_ns = day->options.start_ns + day->options.stop_ns;
    const struct timer *timer = timers_first(&day->timers);
    int64_t next = day->arrival.at_ns;
    if (timer != NULL && timer->due_ns < next)
        next = timer->due_ns;
    if (day->wake_ns < next)
        next = day->wake_ns;
    if (next >= end_ns)
        return end_ns;
    int64_t grain = day->options.grain_ns;
    int64_t since = next - day->options.start_ns;
    return day->options.start_ns + (since + grain - 1) / grain * grain;
}

/* Every job has ended, and nothing costs anything any more. */
static bool is_over(const struct day *day)
{
    return day->arrivals_over && day->jobs_over == (int64_t)map_count(day->jobs) &&
           day->pods_live == 0 && day->vcpus.value == day->static_vcpus;
}

int day_run(struct day *day, struct err *err)
{
    int64_t end_ns = day->options.start_ns + day->options.stop_ns;
    next_arrival(day);
    day_event_new(day, EVENT_SYNCED);
    int result = settle(day, err);
    while (result == 0 && day->failed.kind == ERR_NONE && day->now_ns < end_ns && !is_over(day)) {
        int64_t next = next_ns(day);
        while (day->series_next_ns < next) {
            int64_t now_ns = day->now_ns;
            day->now_ns = day->series_next_ns > now_ns ? day->series_next_ns : now_ns;
            measure_series(day);
            day->series_next_ns += day->options.series_ns;
        }
        day->now_ns = next;
        run_due(day);
        if (day->wake_ns <= day->now_ns || day->event_count > 0)
            result = settle(day, err);
    }
    measure_finish(day);
    if (result == 0 && day->failed.kind != ERR_NONE)
        return err_set(err, day->failed.kind, "%s", day->failed.text);
    AUTO_TEXT found = core_check(day->core);
    if (result == 0 && found != NULL)
        return err_set(err, ERR_FATAL, "%s", found);
    return result;
}
