/* SPDX-License-Identifier: Apache-2.0 */
/* whatif.c - the jobs of a recorded day on another day: see recorded.h */
#include "recorded.h"

#include "bulkhead/day/scenario.h"
#include "bulkhead/json/get.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define UNKNOWN_WORK_S 60.0 /* of a queue of which nothing ended */

struct compute_environment *environment_copy(const struct compute_environment *environment)
{
    const struct event event = {.kind = EVENT_ENVIRONMENT,
                                .environment =
                                    (struct compute_environment *)(uintptr_t)environment};
    struct event copy = {0};
    bool good = record_copy(&event, &copy);
    assert(good);
    UNUSED(good);
    return copy.environment;
}

/* -------------------------------------------------------------------------- the load */

static bool next(void *ctx, struct day_arrival *ret)
{
    struct recorded *recorded = ctx;
    if (recorded->next >= recorded->job_count)
        return false;
    const struct recorded_job *job = recorded->jobs[recorded->next++];
    const struct event event = {.kind = EVENT_JOB, .job = job->spec};
    struct event copy = {0};
    bool good = record_copy(&event, &copy);
    assert(good);
    UNUSED(good);
    *ret = (struct day_arrival){
        .at_ns = job->at_ns - recorded->start_ns, .job = copy.job, .class_ = job->class_};
    return true;
}

/* As that attempt ended; else as long as the job's others, or the queue's, ran on average. */
static struct day_work work(void *ctx, const struct day_try *try)
{
    const struct recorded *recorded = ctx;
    AUTO_TEXT key = text_printf("%s/%u/%u", try->job_uid, try->index, try->attempt);
    const struct recorded_work *known = map_get(recorded->works, key);
    const struct recorded_job *job = map_get(recorded->jobs_by_uid, try->job_uid);
    if (known != NULL)
        return known->work;
    double seconds = UNKNOWN_WORK_S;
    if (job != NULL && job->ended > 0)
        seconds = job->ended_s / (double)job->ended;
    else if (recorded->class_ended[try->class_] > 0)
        seconds = recorded->class_ended_s[try->class_] / (double)recorded->class_ended[try->class_];
    return (struct day_work){.duration_ns = (int64_t)(seconds * 1000.0) * NS_PER_MS};
}

static const char *class_name(void *ctx, size_t class_)
{
    const struct recorded *recorded = ctx;
    return class_ < recorded->class_count ? recorded->classes[class_] : NULL;
}

/* ------------------------------------------------------------------------ what there is */

void environment_complete(struct recorded *recorded, struct compute_environment *environment)
{
    const struct group *group = map_get(recorded->history->groups, environment->meta.name);
    if (environment->provider == PROVIDER_COMMAND && environment->catalog_count == 0 &&
        group != NULL && group->spec != NULL && group->spec->catalog_count > 0) {
        struct compute_environment *lender = environment_copy(group->spec);
        environment->catalog = STEAL(lender->catalog);
        environment->catalog_count = lender->catalog_count;
        lender->catalog_count = 0;
        compute_environment_free(lender);
    }
    for (size_t i = 0; i < environment->catalog_count; i++) {
        struct instance_type *type = &environment->catalog[i];
        AUTO_TEXT key = text_printf("%s/%s", environment->meta.name, type->name);
        const struct recorded_boots *boots = map_get(recorded->boots, key);
        if (type->boot_ms == 0 && boots != NULL)
            type->boot_ms = boots->sum_ns / boots->count / NS_PER_MS;
    }
}

static void tell_environment(struct day *day, struct recorded *recorded, struct event *copy)
{
    struct compute_environment *provider = environment_copy(copy->environment);
    environment_complete(recorded, provider);
    day_environment(day, copy->environment, provider);
}

static void tell_node(struct day *day, struct event *copy)
{
    AUTO_TEXT key = text_copy(copy->node->meta.name);
    if (map_put(day->nodes_told, key, day) == NULL)
        day_node(day, copy->node);
    else
        day_event(day, copy);
}

/* Every kind begins with its metadata. */
static struct object_meta *meta_of(const struct event *event)
{
    return &event->queue->meta;
}

static void tell(struct day *day, void *ctx)
{
    struct recorded_event *told = ctx;
    struct event copy;
    if (!record_has_object(&told->event)) {
        day_event(day, &told->event); /* something went */
        return;
    }
    if (!record_copy(&told->event, &copy))
        return;
    switch (copy.kind) {
    case EVENT_ENVIRONMENT:
        tell_environment(day, told->recorded, &copy);
        break;
    case EVENT_QUEUE:
        day_queue(day, copy.queue);
        break;
    case EVENT_NODE:
        tell_node(day, &copy);
        break;
    default:
        if (copy.kind == EVENT_CONSUMABLE)
            copy.consumable->meta.has_finalizer = true; /* as that of a queue: see day_queue */
        free(meta_of(&copy)->resource_version);
        meta_of(&copy)->resource_version = day_version(day);
        day_event(day, &copy);
        break;
    }
}

/* What a manifest can take the place of. Without a default: a new kind is to be thought of. */
static const char *kind_of(const struct event *event)
{
    switch (event->kind) {
    case EVENT_QUEUE:
        return "JobQueue";
    case EVENT_ENVIRONMENT:
        return "ComputeEnvironment";
    case EVENT_DEFINITION:
        return "JobDefinition";
    case EVENT_CONSUMABLE:
        return "ConsumableResource";
    case EVENT_POLICY:
        return "SchedulingPolicy";
    case EVENT_DAEMON_SET:
        return "DaemonSet";
    case EVENT_RUNTIME_CLASS:
        return "RuntimeClass";
    case EVENT_JOB:
    case EVENT_JOB_GONE:
    case EVENT_ARRAY_STATE:
    case EVENT_QUEUE_GONE:
    case EVENT_ENVIRONMENT_GONE:
    case EVENT_DEFINITION_GONE:
    case EVENT_REVISION:
    case EVENT_REVISION_GONE:
    case EVENT_POD:
    case EVENT_POD_GONE:
    case EVENT_NODE:
    case EVENT_NODE_GONE:
    case EVENT_DAEMON_SET_GONE:
    case EVENT_RUNTIME_CLASS_GONE:
    case EVENT_CONSUMABLE_GONE:
    case EVENT_POLICY_GONE:
    case EVENT_SERVICE:
    case EVENT_SERVICE_GONE:
    case EVENT_INVALID:
    case EVENT_SYNCED:
    case EVENT_DONE:
    case EVENT_TICK:
        break;
    }
    return NULL;
}

static bool is_replaced(const struct recorded *recorded, const struct event *event)
{
    const char *kind = kind_of(event);
    if (kind == NULL)
        return false;
    AUTO_TEXT key = text_printf("%s/%s", kind, meta_of(event)->name);
    return map_get(recorded->replaced, key) != NULL;
}

static int apply_manifests(struct recorded *recorded, struct day *day,
                           struct json_object *manifests, struct err *err)
{
    recorded->replaced = map_free(recorded->replaced);
    recorded->replaced = map_new();
    for (size_t i = 0; i < json_list_count(manifests); i++) {
        struct json_object *doc = json_list_at(manifests, i);
        const char *kind = json_get_text(doc, "kind");
        const char *name = json_get_text(json_get_object(doc, "metadata"), "name");
        if (doc == NULL)
            continue;
        if (scenario_apply(day, doc, err) < 0)
            return -1;
        AUTO_TEXT key = text_printf("%s/%s", kind, name != NULL ? name : "");
        map_put(recorded->replaced, key, recorded);
        const struct group *group =
            text_eq(kind, "ComputeEnvironment") && name != NULL ? map_get(day->groups, name) : NULL;
        if (group != NULL && group->spec != NULL)
            environment_complete(recorded, group->spec);
    }
    return 0;
}

int recorded_day(struct recorded *recorded, struct json_object *manifests,
                 const struct day_options *options, struct day **ret_day, struct err *err)
{
    const struct day_load load = {next, work, class_name, recorded};
    struct day_options with = *options;
    with.start_ns = recorded->start_ns - recorded->start_ns % NS_PER_S;
    recorded->next = 0;
    AUTO(day) day = day_new(&with, &load);
    if (apply_manifests(recorded, day, manifests, err) < 0)
        return -1;
    for (size_t i = 0; i < recorded->event_count; i++) {
        struct recorded_event *told = &recorded->events[i];
        if (is_replaced(recorded, &told->event))
            continue;
        if (told->at_ns <= recorded->start_ns)
            tell(day, told);
        else
            day_act(day, told->at_ns - recorded->start_ns, tell, told);
    }
    *ret_day = STEAL(day);
    return 0;
}
