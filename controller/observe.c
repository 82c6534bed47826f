/* SPDX-License-Identifier: Apache-2.0 */
#include "observe.h"

#include "bulkhead/api/revision.h"
#include "bulkhead/base/log.h"
#include "bulkhead/base/map.h"
#include "bulkhead/json/get.h"

#include <stdlib.h>

enum { UNREADABLE_MAX = 1024 }; /* remembered by name; more are only counted */

struct observer {
    struct observer_options options;
    struct observer_stats stats;
    struct map *unreadable; /* "BatchJob ns/name" to itself: logged already */
};

/* ---------------------------------------------------------- one per kind */

static int decode_environment(struct json_object *doc, struct event *event, struct err *err)
{
    return compute_environment_decode(doc, &event->environment, err);
}

static int decode_queue(struct json_object *doc, struct event *event, struct err *err)
{
    return job_queue_decode(doc, &event->queue, err);
}

static int decode_definition(struct json_object *doc, struct event *event, struct err *err)
{
    return job_definition_decode(doc, &event->definition, err);
}

static int decode_consumable(struct json_object *doc, struct event *event, struct err *err)
{
    return consumable_resource_decode(doc, &event->consumable, err);
}

static int decode_policy(struct json_object *doc, struct event *event, struct err *err)
{
    return scheduling_policy_decode(doc, &event->policy, err);
}

static int decode_revision(struct json_object *doc, struct event *event, struct err *err)
{
    return definition_revision_decode(doc, &event->definition, err);
}

static int decode_service(struct json_object *doc, struct event *event, struct err *err)
{
    return node_service_decode(doc, &event->service, err);
}

static int decode_node(struct json_object *doc, struct event *event, struct err *err)
{
    return node_decode(doc, &event->node, err);
}

static int decode_daemon_set(struct json_object *doc, struct event *event, struct err *err)
{
    return daemon_set_decode(doc, &event->daemon_set, err);
}

static int decode_runtime_class(struct json_object *doc, struct event *event, struct err *err)
{
    return runtime_class_decode(doc, &event->runtime_class, err);
}

static int decode_pod(struct json_object *doc, struct event *event, struct err *err)
{
    return pod_decode(doc, &event->pod, err);
}

static int decode_job(struct json_object *doc, struct event *event, struct err *err)
{
    return batch_job_decode(doc, &event->job, err);
}

struct watched_type {
    const char *kind, *path;
    enum event_kind changed, gone;
    bool status_is_ours; /* our own writes come back as events */
    bool told_invalid;   /* few, of admins: told what does not decode, and their status is kept */
    int (*decode)(struct json_object *doc, struct event *event, struct err *err); /* or NULL */
};

#define OURS(resource) "/apis/" API_VERSION "/" resource
/* clang-format off */
static const struct watched_type types[WATCHED_COUNT] = {
    [WATCHED_ARRAY_STATES] = { "ArrayState", OURS("arraystates"),
        EVENT_ARRAY_STATE, EVENT_TICK, false, false, NULL },
    [WATCHED_ENVIRONMENTS] = { "ComputeEnvironment", OURS("computeenvironments"),
        EVENT_ENVIRONMENT, EVENT_ENVIRONMENT_GONE, true, true, decode_environment },
    [WATCHED_QUEUES] = { "JobQueue", OURS("jobqueues"),
        EVENT_QUEUE, EVENT_QUEUE_GONE, true, true, decode_queue },
    [WATCHED_DEFINITIONS] = { "JobDefinition", OURS("jobdefinitions"),
        EVENT_DEFINITION, EVENT_DEFINITION_GONE, true, false, decode_definition },
    [WATCHED_CONSUMABLES] = { "ConsumableResource", OURS("consumableresources"),
        EVENT_CONSUMABLE, EVENT_CONSUMABLE_GONE, true, false, decode_consumable },
    [WATCHED_POLICIES] = { "SchedulingPolicy", OURS("schedulingpolicies"),
        EVENT_POLICY, EVENT_POLICY_GONE, false, false, decode_policy },
    [WATCHED_REVISIONS] = { "ControllerRevision", "/apis/apps/v1/controllerrevisions",
        EVENT_REVISION, EVENT_REVISION_GONE, false, false, decode_revision },
    [WATCHED_SERVICES] = { "Service", "/api/v1/services",
        EVENT_SERVICE, EVENT_SERVICE_GONE, false, false, decode_service },
    [WATCHED_NODES] = { "Node", "/api/v1/nodes",
        EVENT_NODE, EVENT_NODE_GONE, false, false, decode_node },
    [WATCHED_DAEMON_SETS] = { "DaemonSet", "/apis/apps/v1/daemonsets",
        EVENT_DAEMON_SET, EVENT_DAEMON_SET_GONE, false, false, decode_daemon_set },
    [WATCHED_RUNTIME_CLASSES] = { "RuntimeClass", "/apis/node.k8s.io/v1/runtimeclasses",
        EVENT_RUNTIME_CLASS, EVENT_RUNTIME_CLASS_GONE, false, false, decode_runtime_class },
    [WATCHED_PODS] = { "Pod", "/api/v1/pods",
        EVENT_POD, EVENT_POD_GONE, false, false, decode_pod },
    [WATCHED_JOBS] = { "BatchJob", OURS("batchjobs"),
        EVENT_JOB, EVENT_JOB_GONE, true, false, decode_job },
};
/* clang-format on */

const char *watched_kind_name(enum watched_kind kind)
{
    return types[kind].kind;
}

const char *watched_kind_path(enum watched_kind kind)
{
    return types[kind].path;
}

const char *watched_kind_selector(enum watched_kind kind)
{
    /* Those of others are many. */
    return kind == WATCHED_REVISIONS  ? LABEL_DEFINITION
           : kind == WATCHED_SERVICES ? LABEL_JOB_UID
                                      : NULL;
}

/* ---------------------------------------------------------------- observer */

struct observer *observer_new(const struct observer_options *options)
{
    struct observer *observer = mem_new(sizeof(*observer));
    observer->options = *options;
    observer->unreadable = map_new();
    return observer;
}

struct observer *observer_free(struct observer *observer)
{
    if (observer == NULL)
        return NULL;
    map_free(observer->unreadable);
    free(observer);
    return NULL;
}

const struct observer_stats *observer_stats(const struct observer *observer)
{
    return &observer->stats;
}

static void apply(struct observer *observer, enum watched_kind kind, struct event *event)
{
    observer->stats.told[kind]++;
    observer->options.apply(observer->options.ctx, kind, event);
}

static void log_unreadable(struct observer *observer, enum watched_kind kind,
                           const struct event *event, const struct err *err)
{
    AUTO_STR key = STR_EMPTY;
    observer->stats.unreadable++;
    str_addf(&key, "%s %s/%s", types[kind].kind, event->namespace_ != NULL ? event->namespace_ : "",
             event->name != NULL ? event->name : "");
    if (map_get(observer->unreadable, str_text(&key)) != NULL ||
        map_count(observer->unreadable) >= UNREADABLE_MAX)
        return;
    map_put(observer->unreadable, str_text(&key), observer);
    observer->stats.unreadable_named++;
    log_warn("cannot read an object", KV("object", str_text(&key)), KV("why", err->text));
}

/* The author of a queue or environment is told in its status what is wrong with it. */
static void tell_invalid(struct observer *observer, enum watched_kind kind,
                         struct json_object *object, struct event *event, const struct err *why)
{
    struct err err;
    struct object_meta *meta = mem_new(sizeof(*meta));
    if (object_meta_decode(object, meta, &err) < 0) {
        log_unreadable(observer, kind, event, &err);
        free(meta);
        return;
    }
    event->kind = EVENT_INVALID;
    event->object_kind = types[kind].kind;
    event->message = why->text;
    event->meta = meta;
    apply(observer, kind, event);
}

static void observe_gone(struct observer *observer, enum watched_kind kind, struct event *event)
{
    if (types[kind].gone == EVENT_TICK)
        return;
    if (types[kind].status_is_ours)
        memo_forget(observer->options.memo, event->uid);
    if (kind == WATCHED_ENVIRONMENTS)
        observer->options.on_environment_gone(observer->options.ctx, event->name);
    event->kind = types[kind].gone;
    apply(observer, kind, event);
}

/* The event is about the job: its UID is the owner's, not the object's own. */
static void observe_array_state(struct observer *observer, struct json_object *object,
                                struct event *event)
{
    struct err err;
    AUTO_TEXT job_uid = NULL;
    AUTO_TEXT version = NULL;
    struct array_status *array = mem_new(sizeof(*array));
    if (array_state_decode(object, &job_uid, array, &version, &err) < 0) {
        log_unreadable(observer, WATCHED_ARRAY_STATES, event, &err);
        free(array);
        return;
    }
    event->array = array;
    event->uid = job_uid;
    event->resource_version = version;
    apply(observer, WATCHED_ARRAY_STATES, event);
}

static struct event event_about(struct observer *observer, enum watched_kind kind,
                                struct json_object *object)
{
    struct json_object *meta = json_get_object(object, "metadata");
    return (struct event){.kind = types[kind].changed,
                          .now_ns = observer->options.now_ns(),
                          .namespace_ = json_get_text(meta, "namespace"),
                          .name = json_get_text(meta, "name"),
                          .uid = json_get_text(meta, "uid"),
                          .resource_version = json_get_text(meta, "resourceVersion")};
}

static void observe_changed(struct observer *observer, enum watched_kind kind,
                            struct json_object *object, struct event *event)
{
    struct err err = {.kind = ERR_NONE};
    const struct watched_type *watched = &types[kind];
    if (kind == WATCHED_ARRAY_STATES) {
        observe_array_state(observer, object, event);
        return;
    }
    if (watched->status_is_ours)
        memo_conditions(observer->options.memo, event->uid, object);
    if (watched->told_invalid)
        memo_stored(observer->options.memo, event->uid, object);
    if (watched->decode(object, event, &err) < 0) {
        if (watched->told_invalid)
            tell_invalid(observer, kind, object, event, &err);
        else
            log_unreadable(observer, kind, event, &err);
        return;
    }
    if (kind == WATCHED_ENVIRONMENTS)
        observer->options.on_environment(observer->options.ctx, event->environment);
    apply(observer, kind, event);
}

void observe(struct observer *observer, enum watched_kind kind, enum kube_watch_type type,
             struct json_object *object, bool initial)
{
    struct memo *memo = observer->options.memo;
    struct event event = event_about(observer, kind, object);
    if (observer->options.on_object != NULL)
        observer->options.on_object(observer->options.ctx, kind, event.namespace_, event.name);
    if (type == KUBE_DELETED) {
        observe_gone(observer, kind, &event);
        return;
    }
    if (types[kind].status_is_ours && !memo_is_news(memo, event.uid, event.resource_version)) {
        observer->stats.echoes++;
        return;
    }
    if (kind == WATCHED_JOBS && type == KUBE_ADDED && !initial && event.uid != NULL)
        memo_arrival(memo, event.uid, event.now_ns);
    observe_changed(observer, kind, object, &event);
}

void observe_read(struct observer *observer, enum watched_kind kind, struct json_object *object)
{
    struct event event = event_about(observer, kind, object);
    if (types[kind].status_is_ours)
        memo_version(observer->options.memo, event.uid, event.resource_version);
    observe_changed(observer, kind, object, &event);
}
