/* SPDX-License-Identifier: Apache-2.0 */
/* recorded.c - a recorded day from its log: what there was, and who submitted what */
#include "recorded.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------------------- classes */

/* A class is a queue, or a share of one; beyond the last they have one together. */
static size_t class_of(struct recorded *recorded, const struct batch_job *job)
{
    const char *queue = job->queue != NULL ? job->queue : "";
    AUTO_TEXT name =
        job->share != NULL ? text_printf("%s/%s", queue, job->share) : text_copy(queue);
    size_t i = 0;
    while (i < recorded->class_count && !text_eq(recorded->classes[i], name))
        i++;
    if (i < recorded->class_count || recorded->class_count == DAY_CLASSES_MAX)
        return i < DAY_CLASSES_MAX ? i : DAY_CLASSES_MAX - 1;
    recorded->classes[i] = STEAL(name);
    recorded->class_count = i + 1;
    recorded->history->class_count = i + 1;
    return i;
}

static const char *class_name(void *ctx, size_t class_)
{
    const struct recorded *recorded = ctx;
    return class_ < recorded->class_count ? recorded->classes[class_] : NULL;
}

static bool next_none(void *ctx, struct day_arrival *ret_arrival)
{
    UNUSED(ctx);
    UNUSED(ret_arrival);
    return false;
}

static struct day_work work_none(void *ctx, const struct day_try *try)
{
    UNUSED(ctx);
    UNUSED(try);
    return (struct day_work){0};
}

/* ----------------------------------------------------------------------- what is told */

static void keep(struct recorded *recorded, const struct event *event)
{
    ARRAY_ROOM(recorded->events, recorded->event_count, recorded->event_capacity);
    struct recorded_event *kept = &recorded->events[recorded->event_count];
    *kept = (struct recorded_event){.at_ns = recorded->synced ? event->now_ns : recorded->start_ns,
                                    .recorded = recorded};
    if (!record_copy(event, &kept->event))
        return;
    recorded->event_count++;
    if (record_has_object(event))
        return;
    kept->event.namespace_ = kept->namespace_ = text_copy(event->namespace_);
    kept->event.name = kept->name = text_copy(event->name);
    kept->event.uid = kept->uid = text_copy(event->uid);
}

/* What was stored of a job belongs to the recorded day: on another it begins anew. */
static struct batch_job *as_submitted(const struct event *event)
{
    struct event copy;
    if (!record_copy(event, &copy))
        return NULL;
    job_status_done(&copy.job->status);
    copy.job->status = (struct job_status){0};
    copy.job->has_status = false;
    return copy.job;
}

static void job_arrives(struct recorded *recorded, const struct event *event)
{
    const struct batch_job *told = event->job;
    if (told->meta.uid == NULL || (told->has_status && told->status.phase >= JOB_SUCCEEDED))
        return;
    struct recorded_job *job = mem_new(sizeof(*job));
    job->spec = as_submitted(event);
    job->at_ns = recorded->synced ? event->now_ns : recorded->start_ns;
    job->class_ = class_of(recorded, told);
    job->request_count = told->request_count;
    ARRAY_ROOM(recorded->jobs, recorded->job_count, recorded->job_capacity);
    recorded->jobs[recorded->job_count++] = job;
    map_put(recorded->jobs_by_uid, told->meta.uid, job);
    history_arrival(recorded, job);
}

/* Of later changes only what a user asks for matters: cancel, terminate. */
static void job_told(struct recorded *recorded, const struct event *event)
{
    struct recorded_job *job =
        event->job->meta.uid != NULL ? map_get(recorded->jobs_by_uid, event->job->meta.uid) : NULL;
    if (job == NULL) {
        job_arrives(recorded, event);
        return;
    }
    if (event->job->request_count <= job->request_count)
        return;
    job->request_count = event->job->request_count;
    keep(recorded, event);
    struct batch_job *kept = recorded->events[recorded->event_count - 1].event.job;
    job_status_done(&kept->status);
    kept->status = (struct job_status){0};
    kept->has_status = false;
}

/* A job that somebody deleted before it had ended; what a time limit deleted had. */
static void job_gone(struct recorded *recorded, const struct event *event)
{
    struct recorded_job *job =
        event->uid != NULL ? map_get(recorded->jobs_by_uid, event->uid) : NULL;
    if (job == NULL || job->measured->over)
        return;
    keep(recorded, event);
}

static bool is_static_node(const struct recorded *recorded, const struct node *node)
{
    const char *environment = key_values_get(&node->labels, LABEL_ENVIRONMENT);
    const struct group *group =
        environment != NULL ? map_get(recorded->history->groups, environment) : NULL;
    return group != NULL && group->spec != NULL && !group->spec->managed;
}

static void environment_told(struct recorded *recorded, const struct event *event)
{
    struct group *group = group_of(recorded->history, event->environment->meta.name);
    struct compute_environment *copy = environment_copy(event->environment);
    if (copy->catalog_count == 0 && group->spec != NULL)
        environment_complete(recorded, copy); /* what its provider told stays true */
    group_spec(group, copy);
    keep(recorded, event);
}

static void on_event(void *ctx, const struct event *event)
{
    struct recorded *recorded = ctx;
    if (recorded->start_ns == 0)
        recorded->start_ns = event->now_ns;
    recorded->end_ns = event->now_ns;
    switch (event->kind) {
    case EVENT_JOB:
        job_told(recorded, event);
        break;
    case EVENT_JOB_GONE:
        job_gone(recorded, event);
        break;
    case EVENT_POD:
        history_pod(recorded, event->pod, event->now_ns);
        break;
    case EVENT_POD_GONE:
        history_pod_gone(recorded, event->uid, event->now_ns);
        break;
    case EVENT_NODE:
        if (is_static_node(recorded, event->node))
            keep(recorded, event);
        else
            history_node(recorded, event->node, event->now_ns);
        break;
    case EVENT_ENVIRONMENT:
        environment_told(recorded, event);
        break;
    case EVENT_REVISION: /* those that the day makes itself would come twice */
        if (!recorded->synced)
            keep(recorded, event);
        break;
    case EVENT_DONE:
        history_done(recorded, &event->done, event->now_ns);
        break;
    case EVENT_SYNCED:
        recorded->synced = true;
        break;
    case EVENT_ARRAY_STATE:
    case EVENT_REVISION_GONE:
    case EVENT_NODE_GONE:
    case EVENT_SERVICE: /* the day's own core makes them */
    case EVENT_SERVICE_GONE:
    case EVENT_QUEUE_GONE: /* what has a finalizer goes when the day's own core lets it */
    case EVENT_ENVIRONMENT_GONE:
    case EVENT_CONSUMABLE_GONE:
    case EVENT_INVALID:
    case EVENT_TICK:
        break;
    default:
        keep(recorded, event);
        break;
    }
}

static void on_plan(void *ctx, int64_t now_ns, const struct plan *plan)
{
    struct recorded *recorded = ctx;
    recorded->end_ns = now_ns;
    history_plan(recorded, now_ns, plan);
}

/* ------------------------------------------------------------------------- the whole */

int recorded_read(struct record_reader *reader, struct recorded **ret_recorded,
                  struct replay *ret_replay, struct err *err)
{
    struct recorded *recorded = mem_new(sizeof(*recorded));
    const struct day_load load = {next_none, work_none, class_name, recorded};
    const struct day_options options = {.grain_ns = 1};
    recorded->history = day_new(&options, &load);
    recorded->history->now_ns = 0;
    recorded->jobs_by_uid = map_new();
    recorded->pods = map_new();
    recorded->works = map_new();
    recorded->boots = map_new();
    recorded->asked = map_new();
    recorded->replaced = map_new();
    const struct replay_watch watch = {.on_event = on_event, .on_plan = on_plan, .ctx = recorded};
    int result = record_replay(reader, &watch, ret_replay, err);
    recorded->history->now_ns = recorded->end_ns;
    measure_finish(recorded->history);
    *ret_recorded = recorded;
    return result;
}

static void free_values(struct map *map)
{
    size_t at = 0;
    void *value;
    while ((value = map_next(map, &at, NULL)) != NULL)
        free(value);
    map_free(map);
}

static void recorded_event_free(struct recorded_event *kept)
{
    struct record record = {.kind = RECORD_EVENT, .event = kept->event};
    record_drop(&record);
    free(kept->namespace_);
    free(kept->name);
    free(kept->uid);
}

struct recorded *recorded_free(struct recorded *recorded)
{
    if (recorded == NULL)
        return NULL;
    for (size_t i = 0; i < recorded->event_count; i++)
        recorded_event_free(&recorded->events[i]);
    history_free(recorded);
    for (size_t i = 0; i < recorded->job_count; i++) {
        batch_job_free(recorded->jobs[i]->spec);
        free(recorded->jobs[i]);
    }
    for (size_t i = 0; i < recorded->class_count; i++)
        free(recorded->classes[i]);
    day_free(recorded->history);
    map_free(recorded->jobs_by_uid);
    free_values(recorded->works);
    free_values(recorded->boots);
    map_free(recorded->replaced);
    free(recorded->events);
    free(recorded->jobs);
    free(recorded);
    return NULL;
}

const struct day_report *recorded_report(struct recorded *recorded)
{
    return day_report(recorded->history);
}
