/* SPDX-License-Identifier: Apache-2.0 */
/* core.c - events in, plans out
 *
 * A plan is made in one pass: what time has made due, then placement, pods, machines, then what is
 * to be told. Each step looks only at what is marked as changed. */
#include "assist.h"
#include "backfill.h"
#include "gang.h"
#include "internal.h"
#include "order.h"
#include "results.h"
#include "shares.h"
#include "tell.h"

#include <stdlib.h>
#include <string.h>

/* --------------------------------------------------------------- life and death */

static int64_t or_default(int64_t value, int64_t otherwise)
{
    return value > 0 ? value : otherwise;
}

struct core *core_new(const struct core_options *options)
{
    struct core *core = mem_new(sizeof(*core));
    if (options != NULL)
        core->options = *options;
    struct core_options *o = &core->options;
    o->verdict_delay_ns = or_default(o->verdict_delay_ns, 5 * NS_PER_S);
    o->running_delay_ns = or_default(o->running_delay_ns, NS_PER_S);
    o->start_deadline_ns = or_default(o->start_deadline_ns, 300 * NS_PER_S);
    o->boot_deadline_ns = or_default(o->boot_deadline_ns, 600 * NS_PER_S);
    o->observe_period_ns = or_default(o->observe_period_ns, 60 * NS_PER_S);
    o->status_interval_ns = or_default(o->status_interval_ns, NS_PER_S);
    if (o->creates_max == 0)
        o->creates_max = 160;
    if (o->cleanups_max == 0)
        o->cleanups_max = 128;
    core->jobs = map_new();
    core->jobs_by_name = map_new();
    core->queues = map_new();
    core->environments = map_new();
    core->definitions = map_new();
    core->definitions_by_uid = map_new();
    core->revisions = map_new();
    core->services = map_new();
    core->nodes = map_new();
    core->pods = map_new();
    core->daemon_sets = map_new();
    core->runtime_classes = map_new();
    core->consumables = map_new();
    core->policies = map_new();
    core->dependants = map_new();
    core->replacements = map_new();
    core->families = map_new();
    core->companions = map_new();
    core->dim_count = DIM_FIXED;
    core->admin_wake_ns = INT64_MAX;
    return core;
}

static void job_free(struct core *core, struct core_job *job)
{
    tries_done(job);
    for (size_t i = 0; i < job->dependency_count; i++) {
        free(job->dependencies[i].name);
        free(job->dependencies[i].uid);
        free(job->dependencies[i].replacement);
    }
    free(job->dependencies);
    class_drop(core, job->class_);
    job_forget_template(job);
    revision_unpin(core, job);
    if (job->queue != NULL)
        queue_drop(core, job->queue);
    gang_free(core, job);
    consume_job_done(core, job);
    ranges_done(&job->runnable);
    free(job->children);
    records_done(job);
    free(job->failed_bits);
    free(job->verdict_text);
    free(job->retried_last);
    requests_done(job);
    failures_done(job);
    results_done(job);
    free(job->end_reason);
    free(job->end_message);
    free(job->resource_version);
    free(job->array_version);
    free(job->key);
    free(job->uid);
    batch_job_free(job->spec);
    free(job);
}

/* Jobs that are gone, once no action and no list names them. */
static void free_dead(struct core *core)
{
    struct core_job **link = &core->dead;
    while (*link != NULL) {
        struct core_job *job = *link;
        if (job->flights > 0 || job->fresh || job->in_gangs || job->tell_held) {
            link = &job->dead_next;
            continue;
        }
        *link = job->dead_next;
        job_free(core, job);
    }
}

static void companion_free(struct array_status *array)
{
    array_status_done(array);
    free(array);
}

static void companions_free(struct core *core)
{
    size_t at = 0;
    struct array_status *array;
    while (core->companions != NULL && (array = map_next(core->companions, &at, NULL)) != NULL)
        companion_free(array);
    core->companions = map_free(core->companions);
}

static void notices_drop(struct core *core)
{
    for (size_t i = 0; i < core->notices.count; i++) {
        struct action *action = &core->notices.items[i];
        free((char *)(uintptr_t)action->namespace_);
        free((char *)(uintptr_t)action->name);
        free((char *)(uintptr_t)action->uid);
        free((char *)(uintptr_t)action->message);
    }
    core->notices.count = 0;
}

struct core *core_free(struct core *core)
{
    if (core == NULL)
        return NULL;
    core->synced = false;
    for (size_t i = 0; i < core->flight_capacity; i++) {
        struct flight *flight = &core->flights[i];
        if (!flight->used)
            continue;
        flight_end(core, flight);
        if (flight_is_of_pod(flight->kind)) /* one that is gone waits for its answers only */
            pod_release_memory(core, flight->object);
    }
    assists_free(core);
    core_free_objects(core);
    core->fresh = NULL;
    for (struct core_job *job = core->dead; job != NULL; job = job->dead_next)
        job->fresh = job->in_gangs = job->tell_held = false;
    free_dead(core);
    core_free_records(core);
    companions_free(core);
    notices_drop(core);
    free(core->notices.items);
    map_free(core->jobs);
    map_free(core->jobs_by_name);
    map_free(core->queues);
    map_free(core->environments);
    definitions_free(core);
    services_free(core);
    map_free(core->nodes);
    map_free(core->pods);
    map_free(core->daemon_sets);
    runtime_classes_free(core);
    consumables_free(core);
    policies_free(core);
    map_free(core->dependants);
    map_free(core->replacements);
    map_free(core->families);
    for (size_t i = 0; i < core->early_count; i++)
        pod_free(core->early_pods[i]);
    for (size_t i = DIM_FIXED; i < core->dim_count; i++)
        free(core->dim_names[i]);
    for (size_t i = 0; i < ARRAY_LEN(core->gone); i++)
        free(core->gone[i]);
    free(core->early_pods);
    timers_done(&core->timers);
    free(core->flights);
    free(core->free_flights);
    free(core->looks);
    free(core->classes);
    free(core);
    return NULL;
}

/* ------------------------------------------------------------------------ apply */

static void apply_done(struct core *core, struct done *done)
{
    struct flight *flight = flight_find(core, done->action_id);
    if (flight == NULL)
        return;
    switch (flight->kind) {
    case ACTION_POD_CREATE:
    case ACTION_POD_GET:
    case ACTION_POD_MARK:
    case ACTION_POD_RELEASE:
    case ACTION_POD_DELETE:
        pod_done(core, flight, done);
        break;
    case ACTION_PROVIDER_TYPES:
    case ACTION_PROVIDER_OBSERVE:
    case ACTION_PROVIDER_LAUNCH:
    case ACTION_PROVIDER_TERMINATE:
        provider_done(core, flight, done);
        break;
    default:
        status_done(core, flight, done);
        break;
    }
}

static void apply_array_state(struct core *core, const struct event *event)
{
    struct array_status *array = event->array;
    if (core->synced || core->companions == NULL || event->uid == NULL) {
        companion_free(array); /* what this process knows is newer */
        return;
    }
    struct array_status *old = map_put(core->companions, event->uid, array);
    if (old != NULL)
        companion_free(old);
}

static void apply_synced(struct core *core)
{
    if (core->synced)
        return;
    core->synced = true;
    core->pass_all = true;
    jobs_begin_all(core);
    companions_free(core);
    size_t at = 0;
    struct core_node *node;
    while ((node = map_next(core->nodes, &at, NULL)) != NULL) {
        if (node->spec != NULL)
            node_refresh(core, node);
    }
}

static void apply_invalid(struct core *core, const struct event *event)
{
    if (text_eq(event->object_kind, "JobQueue")) {
        queue_invalid(core, event->meta, event->message);
    } else if (text_eq(event->object_kind, "ComputeEnvironment")) {
        environment_invalid(core, event->meta, event->message);
    } else {
        object_meta_done(event->meta);
        free(event->meta);
    }
}

static void apply_gone(struct core *core, const struct event *event)
{
    AUTO_TEXT key = text_printf("%s/%s", event->namespace_ != NULL ? event->namespace_ : "",
                                event->name != NULL ? event->name : "");
    switch (event->kind) {
    case EVENT_JOB_GONE:
        job_gone(core, event->uid);
        break;
    case EVENT_QUEUE_GONE:
        queue_gone(core, event->name);
        break;
    case EVENT_ENVIRONMENT_GONE:
        environment_gone(core, event->name);
        break;
    case EVENT_DEFINITION_GONE:
        definition_gone(core, key);
        break;
    case EVENT_REVISION_GONE:
        revision_gone(core, key, event->uid);
        break;
    case EVENT_SERVICE_GONE:
        service_gone(core, key, event->uid);
        break;
    case EVENT_POD_GONE:
        pod_gone(core, key, event->uid);
        break;
    case EVENT_RUNTIME_CLASS_GONE:
        runtime_class_gone(core, event->name);
        break;
    case EVENT_CONSUMABLE_GONE:
        consumable_gone(core, event->name);
        break;
    case EVENT_POLICY_GONE:
        policy_gone(core, event->name);
        break;
    case EVENT_NODE_GONE:
        node_gone(core, event->name);
        break;
    default:
        daemon_set_gone(core, key);
        break;
    }
}

void core_apply(struct core *core, const struct event *event)
{
    if (event->now_ns > core->now_ns)
        core->now_ns = event->now_ns;
    switch (event->kind) {
    case EVENT_JOB:
        job_apply(core, event->job);
        break;
    case EVENT_ARRAY_STATE:
        apply_array_state(core, event);
        break;
    case EVENT_QUEUE:
        queue_apply(core, event->queue);
        break;
    case EVENT_ENVIRONMENT:
        environment_apply(core, event->environment);
        break;
    case EVENT_DEFINITION:
        definition_apply(core, event->definition);
        break;
    case EVENT_REVISION:
        revision_apply(core, event->definition);
        break;
    case EVENT_SERVICE:
        service_apply(core, event->service);
        break;
    case EVENT_POD:
        pod_apply(core, event->pod);
        break;
    case EVENT_NODE:
        node_apply(core, event->node);
        break;
    case EVENT_DAEMON_SET:
        daemon_set_apply(core, event->daemon_set);
        break;
    case EVENT_RUNTIME_CLASS:
        runtime_class_apply(core, event->runtime_class);
        break;
    case EVENT_CONSUMABLE:
        consumable_apply(core, event->consumable);
        break;
    case EVENT_POLICY:
        policy_apply(core, event->policy);
        break;
    case EVENT_INVALID:
        apply_invalid(core, event);
        break;
    case EVENT_SYNCED:
        apply_synced(core);
        break;
    case EVENT_DONE: {
        struct done done = event->done;
        apply_done(core, &done);
        pod_free(done.pod); /* unless somebody took it */
        job_definition_free(done.definition);
        break;
    }
    case EVENT_TICK:
        break;
    default:
        apply_gone(core, event);
        break;
    }
    if (core->synced)
        depend_settle(core);
    free_dead(core);
}

/* ------------------------------------------------------------------------- plan */

static void run_timers(struct core *core)
{
    enum { TIMERS_A_TURN_MAX = 20000 };
    struct timer *timer;
    for (size_t i = 0;
         (timer = timers_first(&core->timers)) != NULL && timer->due_ns <= core->now_ns; i++) {
        if (i >= TIMERS_A_TURN_MAX || !plan_has_room(core)) {
            core->more = true;
            return;
        }
        timer_clear(&core->timers, timer);
        switch ((enum timer_kind)timer->kind) {
        case TIMER_JOB:
            job_timer(core, CONTAINER_OF(timer, struct core_job, timer));
            break;
        case TIMER_POD:
            pod_timer(core, CONTAINER_OF(timer, struct core_pod, timer));
            break;
        case TIMER_NODE:
            node_timer(core, CONTAINER_OF(timer, struct core_node, timer));
            break;
        case TIMER_ENVIRONMENT:
            environment_timer(core, CONTAINER_OF(timer, struct core_environment, timer));
            break;
        case TIMER_DEFINITION:
            definition_timer(core, CONTAINER_OF(timer, struct core_definition, timer));
            break;
        case TIMER_HISTORY:
            history_timer(core, CONTAINER_OF(timer, struct core_definition, tell_timer));
            break;
        case TIMER_BACKFILL:
            backfill_timer(core, backfill_of_timer(timer));
            break;
        case TIMER_SERVICE:
            service_timer(core, CONTAINER_OF(timer, struct core_service, timer));
            break;
        }
    }
}

static void plan_notices(struct core *core)
{
    for (size_t i = 0; i < core->notices.count; i++) {
        const struct action *from = &core->notices.items[i];
        struct action *action = action_new(core, ACTION_EVENT, NULL);
        *action = *from;
        action->namespace_ = arena_copy(core->arena, from->namespace_);
        action->name = arena_copy(core->arena, from->name);
        action->uid = arena_copy(core->arena, from->uid);
        action->message = arena_copy(core->arena, from->message);
    }
    notices_drop(core);
}

/* The jobs of a queue whose state has changed are told: enabled or disabled, gone or back. */
static void queues_tell(struct core *core)
{
    size_t at = 0;
    struct core_queue *queue;
    while ((queue = map_next(core->queues, &at, NULL)) != NULL) {
        if (!queue->verdict_dirty)
            continue;
        queue->verdict_dirty = false;
        struct core_job *job = NULL;
        while ((job = order_each(queue, job)) != NULL) {
            AUTO_STR words = STR_EMPTY;
            if (queue->spec == NULL && queue->present)
                verdict_set_lasting(core, job, VERDICT_QUEUE_INVALID, queue->invalid);
            else if (queue->spec != NULL && queue->spec->state != QUEUE_DISABLED &&
                     shares_bar(queue, &words))
                verdict_set_lasting(core, job, VERDICT_POLICY, str_text(&words));
            else if (queue->spec == NULL)
                verdict_set(core, job, VERDICT_QUEUE_MISSING,
                            "its JobQueue was deleted: create it again");
            else
                verdict_set(core, job,
                            queue->spec->state != QUEUE_DISABLED ? VERDICT_BEHIND
                                                                 : VERDICT_QUEUE_DISABLED,
                            NULL);
        }
        queue->dirty = true;
    }
}

void core_plan(struct core *core, int64_t now_ns, struct arena *arena, struct plan *ret_plan)
{
    if (now_ns > core->now_ns)
        core->now_ns = now_ns;
    core->arena = arena;
    core->actions = NULL;
    core->action_count = core->action_capacity = 0;
    core->more = false;
    int64_t wake_ns = INT64_MAX;
    if (core->synced) {
        run_timers(core);
        depend_settle(core);
        queues_tell(core);
        place_all(core);
        pods_plan(core);
        jobs_tell(core);
        scale_plan(core);
        depend_settle(core);
        run_timers(core); /* what this turn has made due at once: ends of jobs */
        pods_plan(core);
        status_plan(core);
        plan_notices(core);
        tell_plan(core);
        const struct timer *next = timers_first(&core->timers);
        if (next != NULL)
            wake_ns = next->due_ns;
        if (core->turns_wake_ns < wake_ns)
            wake_ns = core->turns_wake_ns;
        if (core->admin_wake_ns < wake_ns)
            wake_ns = core->admin_wake_ns;
        if (tell_wake_ns(core) < wake_ns)
            wake_ns = tell_wake_ns(core);
        if (core->more)
            wake_ns = core->now_ns;
    }
    *ret_plan = (struct plan){core->actions, core->action_count, wake_ns};
    core->arena = NULL;
    core->actions = NULL;
}
