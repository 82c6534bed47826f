/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - the API server: what each action does, and its answer
 *
 * Nothing is refused and nobody else writes. Statuses are not kept: the core that wrote them is the
 * only one who would read them. */
#include "parts.h"

#include "bulkhead/api/revision.h"
#include "bulkhead/json/get.h"

static struct done *answer(struct day *day, const struct action *action, enum done_result result)
{
    struct done *done = &day_event_new(day, EVENT_DONE)->done;
    *done = (struct done){.action_id = action->id, .result = result};
    if (result == DONE_OK)
        done->resource_version =
            arena_printf(day->arena, "%llu", (unsigned long long)++day->version);
    return done;
}

/* Somebody deleted it, and now nothing holds it any more: it goes. */
static void take_finalizer(struct day *day, const struct action *action)
{
    enum event_kind kind = text_eq(action->object_kind, "JobQueue") ? EVENT_QUEUE_GONE
                           : text_eq(action->object_kind, "ComputeEnvironment")
                               ? EVENT_ENVIRONMENT_GONE
                               : EVENT_CONSUMABLE_GONE;
    answer(day, action, DONE_OK);
    if (action->add)
        return;
    struct event *gone = day_event_new(day, kind);
    gone->name = arena_copy(day->arena, action->name);
    gone->uid = action->uid != NULL ? arena_copy(day->arena, action->uid) : NULL;
}

/* Of a multi-node job. */
static void make_service(struct day *day, const struct action *action)
{
    AUTO_TEXT uid = day_uid(day, "service");
    answer(day, action, DONE_OK)->uid = arena_copy(day->arena, uid);
}

static void delete_service(struct day *day, const struct action *action)
{
    answer(day, action, DONE_OK);
    struct event *gone = day_event_new(day, EVENT_SERVICE_GONE);
    gone->namespace_ = arena_copy(day->arena, action->namespace_);
    gone->name = arena_copy(day->arena, action->name);
    gone->uid = arena_copy(day->arena, action->uid);
}

static void get_pod(struct day *day, const struct action *action)
{
    AUTO_TEXT key = text_printf("%s/%s", action->namespace_, action->name);
    const struct day_pod *pod = map_get(day->pods, key);
    answer(day, action, pod != NULL ? DONE_OK : DONE_NOT_FOUND)->pod =
        pod != NULL ? pod_show(day, pod) : NULL;
}

static void write_job(struct day *day, const struct action *action)
{
    struct day_job *job = map_get(day->jobs, action->job->meta.uid);
    if (job != NULL && !job->over && action->status->phase >= JOB_SUCCEEDED)
        measure_job_over(day, job, action->status);
    answer(day, action, job != NULL ? DONE_OK : DONE_NOT_FOUND);
}

static void delete_job(struct day *day, const struct action *action)
{
    struct day_job *job = map_get(day->jobs, action->uid);
    answer(day, action, job != NULL ? DONE_OK : DONE_NOT_FOUND);
    if (job == NULL)
        return;
    struct event *gone = day_event_new(day, EVENT_JOB_GONE);
    gone->uid = arena_copy(day->arena, job->uid);
    pods_job_gone(day, job);
}

/* As the API server would show the object that is made. */
static void create_revision(struct day *day, const struct action *action)
{
    struct err err;
    AUTO(json_object) doc = definition_revision_encode(action->definition, action->count);
    AUTO_TEXT uid = day_uid(day, "revision");
    AUTO_TEXT version = day_version(day);
    struct json_object *meta = json_get_object(doc, "metadata");
    json_put_text(meta, "uid", uid);
    json_put_text(meta, "resourceVersion", version);
    struct job_definition *definition = NULL;
    bool good = definition_revision_decode(doc, &definition, &err) == 0;
    struct done *done = answer(day, action, good ? DONE_OK : DONE_REFUSED);
    done->definition = definition;
    done->message = good ? NULL : arena_copy(day->arena, err.text);
}

void server_carry_out(struct day *day, const struct action *action)
{
    struct pod *pod = NULL;
    switch (action->kind) {
    case ACTION_EVENT:
        break;
    case ACTION_POD_CREATE: {
        enum done_result result = pod_create(day, action, &pod);
        answer(day, action, result)->pod = pod;
        break;
    }
    case ACTION_POD_GET:
        get_pod(day, action);
        break;
    case ACTION_POD_MARK:
        answer(day, action, pod_mark(day, action));
        break;
    case ACTION_POD_RELEASE:
        answer(day, action, pod_release(day, action));
        break;
    case ACTION_POD_DELETE:
        answer(day, action, pod_delete(day, action));
        break;
    case ACTION_JOB_STATUS:
        write_job(day, action);
        break;
    case ACTION_JOB_DELETE:
        delete_job(day, action);
        break;
    case ACTION_SERVICE_CREATE:
        make_service(day, action);
        break;
    case ACTION_SERVICE_DELETE:
        delete_service(day, action);
        break;
    case ACTION_FINALIZER:
        take_finalizer(day, action);
        break;
    case ACTION_REVISION_CREATE:
        create_revision(day, action);
        break;
    case ACTION_PROVIDER_TYPES:
    case ACTION_PROVIDER_OBSERVE:
    case ACTION_PROVIDER_LAUNCH:
    case ACTION_PROVIDER_TERMINATE:
        machines_answer(day, action);
        break;
    default:
        answer(day, action, DONE_OK);
        break;
    }
}
