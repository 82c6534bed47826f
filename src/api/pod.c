/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding pods: thousands a second, so only what is needed is read. */
#include "bulkhead/api/cost.h"
#include "bulkhead/api/node.h"
#include "bulkhead/api/result.h"
#include "bulkhead/api/template.h"
#include "bulkhead/json/get.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { POD_MESSAGE_MAX = 1024 };

static const int64_t POD_PRICE_MAX = (int64_t)1e15; /* a thousand million an hour */

static void exits_done(struct container_exit *exits, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(exits[i].name);
        free(exits[i].reason);
        free(exits[i].message);
    }
    free(exits);
}

struct pod *pod_free(struct pod *pod)
{
    if (pod == NULL)
        return NULL;
    object_meta_done(&pod->meta);
    resources_done(&pod->requests);
    exits_done(pod->exits, pod->exit_count);
    consumable_needs_done(&pod->consumables);
    char *texts[] = {
        pod->node_name,       pod->reason,     pod->message,        pod->owner_kind,
        pod->owner_uid,       pod->job_uid,    pod->job_name,       pod->queue,
        pod->environment,     pod->node_uid,   pod->disruption,     pod->waiting_reason,
        pod->waiting_message, pod->definition, pod->definition_uid, pod->result,
        pod->address,         pod->share,      pod->gives_way_to,
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        free(texts[i]);
    free(pod->host_ports);
    free(pod);
    return NULL;
}

static enum pod_phase phase_of(const char *text)
{
    static const char *const names[] = {"Pending", "Running", "Succeeded", "Failed"};
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        if (text_eq(text, names[i]))
            return (enum pod_phase)i;
    }
    return text == NULL ? POD_PENDING : POD_UNKNOWN;
}

static void decode_owner(struct json_object *owners, struct pod *pod)
{
    for (size_t i = 0; i < json_list_count(owners); i++) {
        struct json_object *owner = json_list_at(owners, i);
        if (!json_get_bool(owner, "controller"))
            continue;
        pod->owner_kind = text_copy(json_get_text(owner, "kind"));
        pod->owner_uid = text_copy(json_get_text(owner, "uid"));
        return;
    }
}

static uint32_t number_of(struct json_object *map, const char *key, uint32_t otherwise)
{
    const char *text = json_get_text(map, key);
    if (text == NULL || strspn(text, "0123456789") != strlen(text))
        return otherwise;
    errno = 0;
    unsigned long long number = strtoull(text, NULL, 10);
    return errno == 0 && number <= UINT32_MAX ? (uint32_t)number : otherwise;
}

static void decode_ours(struct json_object *meta, struct pod *pod)
{
    struct json_object *labels = json_get_object(meta, "labels");
    struct json_object *annotations = json_get_object(meta, "annotations");
    pod->job_uid = text_copy(json_get_text(labels, LABEL_JOB_UID));
    if (pod->job_uid == NULL)
        return;
    pod->job_name = text_copy(json_get_text(annotations, ANNOTATION_JOB));
    pod->queue = text_copy(json_get_text(labels, LABEL_QUEUE));
    pod->share = text_copy(json_get_text(labels, LABEL_SHARE));
    pod->environment = text_copy(json_get_text(labels, LABEL_ENVIRONMENT));
    pod->node_uid = text_copy(json_get_text(annotations, ANNOTATION_NODE_UID));
    pod->definition = text_copy(json_get_text(annotations, ANNOTATION_DEFINITION));
    pod->gives_way_to = text_copy(json_get_text(annotations, ANNOTATION_GIVES_WAY));
    pod->definition_uid = text_copy(json_get_text(annotations, ANNOTATION_DEFINITION_UID));
    pod->index = number_of(labels, LABEL_INDEX, 0);
    pod->try = number_of(labels, LABEL_TRY, 0);
    pod->attempt = number_of(annotations, ANNOTATION_ATTEMPT, 0);
    pod->count = number_of(annotations, ANNOTATION_COUNT, 1);
    if (pod->count == 0)
        pod->count = 1;
    if (!money_parse(json_get_text(annotations, ANNOTATION_PRICE), &pod->price) ||
        pod->price > POD_PRICE_MAX)
        pod->price = 0;
    consumable_needs_parse(json_get_text(annotations, ANNOTATION_CONSUMABLES), &pod->consumables);
}

static void note_start(struct pod *pod, int64_t ns)
{
    pod->containers_started = true;
    if (ns != 0 && (pod->started_ns == 0 || ns < pod->started_ns))
        pod->started_ns = ns;
}

/* A container that was created and could not start has terminated too (ContainerCannotRun,
 * StartError), with a start time at the epoch: the attempt has not begun. */
static void decode_terminated(struct pod *pod, const char *name, struct json_object *state,
                              bool main_container)
{
    int64_t started = json_get_time(state, "startedAt");
    int64_t finished = json_get_time(state, "finishedAt");
    const char *reason = json_get_text(state, "reason");
    bool never_ran = text_eq(reason, "ContainerCannotRun") || text_eq(reason, "StartError") ||
                     text_eq(reason, "ContainerStatusUnknown");
    bool ran = !never_ran || started > 0;
    if (main_container && ran)
        note_start(pod, started);
    pod->init_started = pod->init_started || (!main_container && ran);
    if (finished > pod->finished_ns)
        pod->finished_ns = finished;
    int32_t exit_code = (int32_t)json_get_i64(state, "exitCode", 0);
    const char *message = json_get_text(state, "message");
    pod->exits[pod->exit_count++] = (struct container_exit){
        .name = text_copy(name),
        .exit_code = exit_code,
        .reason = text_copy(reason),
        /* Of what a program said before it failed, the end tells why. */
        .message = exit_code != 0 ? text_copy_end(message, POD_MESSAGE_MAX)
                                  : text_copy_max(message, POD_MESSAGE_MAX),
    };
}

static void decode_container_status(struct pod *pod, struct json_object *status,
                                    bool main_container)
{
    struct json_object *state = json_get_object(status, "state");
    struct json_object *waiting = json_get_object(state, "waiting");
    struct json_object *running = json_get_object(state, "running");
    struct json_object *terminated = json_get_object(state, "terminated");
    if (terminated != NULL)
        decode_terminated(pod, json_get_text(status, "name"), terminated, main_container);
    if (running != NULL && main_container)
        note_start(pod, json_get_time(running, "startedAt"));
    pod->init_started = pod->init_started || (running != NULL && !main_container);
    if (waiting != NULL && pod->waiting_reason == NULL) {
        pod->waiting_reason = text_copy(json_get_text(waiting, "reason"));
        pod->waiting_message = text_copy_max(json_get_text(waiting, "message"), POD_MESSAGE_MAX);
    }
}

static void decode_container_statuses(struct pod *pod, struct json_object *status)
{
    struct json_object *init = json_get_list(status, "initContainerStatuses");
    struct json_object *mains = json_get_list(status, "containerStatuses");
    size_t count = json_list_count(init) + json_list_count(mains);
    if (count == 0)
        return;
    pod->exits = mem_new(count * sizeof(*pod->exits));
    for (size_t i = 0; i < json_list_count(init); i++)
        decode_container_status(pod, json_list_at(init, i), false);
    for (size_t i = 0; i < json_list_count(mains); i++)
        decode_container_status(pod, json_list_at(mains, i), true);
}

static void decode_disruption(struct pod *pod, struct json_object *conditions)
{
    for (size_t i = 0; i < json_list_count(conditions); i++) {
        struct json_object *item = json_list_at(conditions, i);
        if (!text_eq(json_get_text(item, "type"), "DisruptionTarget") ||
            !text_eq(json_get_text(item, "status"), "True"))
            continue;
        const char *reason = json_get_text(item, "reason");
        pod->disruption = text_copy(reason != NULL ? reason : "DisruptionTarget");
        pod->disrupted_ns = json_get_time(item, "lastTransitionTime");
        return;
    }
}

/* While it has no node, what it waits for is the scheduler's to say. */
static void decode_scheduling(struct pod *pod, struct json_object *conditions)
{
    for (size_t i = 0; i < json_list_count(conditions); i++) {
        struct json_object *item = json_list_at(conditions, i);
        if (!text_eq(json_get_text(item, "type"), "PodScheduled"))
            continue;
        bool bound = text_eq(json_get_text(item, "status"), "True");
        if (bound && pod->node_name != NULL)
            pod->scheduled_ns = json_get_time(item, "lastTransitionTime");
        if (!text_eq(json_get_text(item, "status"), "False") || pod->node_name != NULL ||
            pod->waiting_reason != NULL)
            continue;
        pod->waiting_reason = text_copy(json_get_text(item, "reason"));
        pod->waiting_message = text_copy_max(json_get_text(item, "message"), POD_MESSAGE_MAX);
    }
}

static void decode_status(struct pod *pod, struct json_object *status)
{
    pod->address = text_copy(json_get_text(status, "podIP"));
    pod->phase = phase_of(json_get_text(status, "phase"));
    pod->reason = text_copy(json_get_text(status, "reason"));
    pod->message = text_copy_max(json_get_text(status, "message"), POD_MESSAGE_MAX);
    pod->deadline = text_eq(pod->reason, "DeadlineExceeded");
    decode_container_statuses(pod, status);
    decode_disruption(pod, json_get_list(status, "conditions"));
    decode_scheduling(pod, json_get_list(status, "conditions"));
}

static struct json_object *status_of_container(struct json_object *statuses, const char *name)
{
    for (size_t i = 0; i < json_list_count(statuses); i++) {
        struct json_object *status = json_list_at(statuses, i);
        if (text_eq(json_get_text(status, "name"), name))
            return status;
    }
    return NULL;
}

/* The containers are asked in the order of the spec: their statuses come sorted by name. */
static void decode_result(struct pod *pod, struct json_object *spec, struct json_object *status)
{
    struct json_object *containers = json_get_list(spec, "containers");
    struct json_object *statuses = json_get_list(status, "containerStatuses");
    if (pod->job_uid == NULL || pod->phase != POD_SUCCEEDED)
        return;
    for (size_t i = 0; i < json_list_count(containers) && pod->result == NULL; i++) {
        const char *name = json_get_text(json_list_at(containers, i), "name");
        struct json_object *state = json_get_object(status_of_container(statuses, name), "state");
        const char *text = json_get_text(json_get_object(state, "terminated"), "message");
        AUTO_TEXT result = text_copy_max(text, RESULT_BYTES_MAX);
        size_t size = result != NULL ? strlen(result) : 0;
        while (size > 0 && (result[size - 1] == '\n' || result[size - 1] == '\r'))
            result[--size] = '\0';
        if (size > 0)
            pod->result = STEAL(result);
    }
}

/* Requests and ports are taken out of the placement; the rest of it is of no use once a pod is
 * on its node. */
static void decode_requests(struct pod *pod, struct json_object *spec, struct json_object *status)
{
    struct placement placement = {0};
    (void)placement_decode_at(spec, status, NULL, &placement,
                              NULL); /* cannot fail without a path */
    pod->requests = placement.requests;
    pod->host_ports = placement.host_ports;
    pod->host_port_count = placement.host_port_count;
    placement.requests = (struct resources){0};
    placement.host_ports = NULL;
    placement_done(&placement);
}

int pod_decode(struct json_object *doc, struct pod **ret_pod, struct err *err)
{
    AUTO(pod) pod = mem_new(sizeof(*pod));
    struct json_object *meta = json_get_object(doc, "metadata");
    struct json_object *spec = json_get_object(doc, "spec");
    struct json_object *status = json_get_object(doc, "status");
    if (object_meta_decode(doc, &pod->meta, err) < 0)
        return err_wrap(err, "pod");
    if (pod->meta.deleted_ns !=
        0) /* the time of the request, not the one by which it must be gone */
        pod->meta.deleted_ns -= json_get_i64(meta, "deletionGracePeriodSeconds", 0) * NS_PER_S;
    pod->node_name = text_copy(json_get_text(spec, "nodeName"));
    decode_owner(json_get_list(meta, "ownerReferences"), pod);
    decode_ours(meta, pod);
    decode_requests(pod, spec, status);
    decode_status(pod, status);
    decode_result(pod, spec, status);
    *ret_pod = STEAL(pod);
    return 0;
}
