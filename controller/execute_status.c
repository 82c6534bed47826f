/* SPDX-License-Identifier: Apache-2.0 */
/* execute_status.c - statuses and finalizers of our own kinds: writes in several steps
 *
 *   job status:  [ArrayState: create or replace [read, replace]] -> status -> done
 *   others:                                                         status -> done
 *   finalizer:                                              read -> patch  -> done
 *   and after a conflict: read the object, show it to the core, then tell of the conflict.
 *
 * The ArrayState goes first: a crash in between leaves children in it that the job's status does
 * not count yet, and both are read when the process starts again. The other way round, a pod could
 * lose its finalizer while its outcome is nowhere. */
#include "call.h"

#include "bulkhead/api/array_state.h"

#include <stdlib.h>
#include <string.h>

enum { COMPANION_RETRIES_MAX = 2 };

static const char *const status_writes[OWN_KIND_COUNT] = {
    [OWN_JOB] = "BatchJob status",
    [OWN_DEFINITION] = "JobDefinition status",
    [OWN_QUEUE] = "JobQueue status",
    [OWN_ENVIRONMENT] = "ComputeEnvironment status",
    [OWN_CONSUMABLE] = "ConsumableResource status",
};

static void call_about(struct call *call, enum own_kind own, const struct object_meta *meta)
{
    call->own = own;
    call->namespace_ = text_copy(meta->namespace_);
    call->name = text_copy(meta->name);
    call->uid = text_copy(meta->uid);
}

/* ----------------------------------------------------------- after a conflict */

static void on_read_again(struct call *call, const struct kube_response *response)
{
    struct executor_host *host = &call->executor->host;
    struct json_object *meta = json_get_object(response->body, "metadata");
    if (response->outcome == KUBE_NOT_FOUND ||
        (response->outcome == KUBE_OK && !text_eq(json_get_text(meta, "uid"), call->uid))) {
        call_end_text(call, DONE_NOT_FOUND, "it is gone");
    } else if (response->outcome != KUBE_OK) {
        call_end_text(call, DONE_AGAIN, response->message);
    } else {
        host->refresh(host->ctx, call->own, response->body);
        call_end_text(call, DONE_CONFLICT, call->message);
    }
}

static void read_again(struct call *call, const char *message)
{
    struct err err;
    struct request request;
    text_set(&call->message, message);
    if (request_get(call->own, call->namespace_, call->name, &request, &err) < 0)
        call_end_text(call, DONE_AGAIN, err.text);
    else
        call_send(call, &request, NULL, on_read_again);
}

static bool status_is_kept(enum own_kind own)
{
    return own == OWN_QUEUE || own == OWN_ENVIRONMENT;
}

/* The end of every write of an object of ours. */
static void on_written(struct call *call, const struct kube_response *response)
{
    struct executor_host *host = &call->executor->host;
    if (result_of(call->kind, response->outcome, response->message) == DONE_CONFLICT) {
        read_again(call, response->message);
        return;
    }
    if (response->outcome == KUBE_OK) {
        struct json_object *meta = json_get_object(response->body, "metadata");
        memo_version(host->memo, call->uid, json_get_text(meta, "resourceVersion"));
        if (call->doc != NULL)
            memo_conditions(host->memo, call->uid, call->doc);
        if (call->doc != NULL && status_is_kept(call->own))
            memo_stored(host->memo, call->uid, call->doc);
    }
    call_end_response(call, response);
}

/* --------------------------------------------------------------------- status */

static void send_status(struct call *call)
{
    struct err err;
    struct request request;
    int64_t timeout_s = call->executor->host.write_timeout_s;
    if (request_put_status(call->own, call->doc, timeout_s, &request, &err) < 0)
        call_end_text(call, DONE_REFUSED, err.text);
    else
        call_send(call, &request, status_writes[call->own], on_written);
}

/* ------------------------------------------------------------------ companion */

static void send_companion(struct call *call);

/* Somebody else wrote it, or an earlier try of ours whose answer was lost: ours is newer. */
static void on_companion_read(struct call *call, const struct kube_response *response)
{
    struct err err;
    AUTO_TEXT job_uid = NULL;
    AUTO_TEXT version = NULL;
    struct array_status ignored = {.size = 0};
    struct json_object *meta = json_get_object(call->companion, "metadata");
    if (response->outcome == KUBE_NOT_FOUND) {
        json_object_object_del(meta, "resourceVersion");
        send_companion(call);
        return;
    }
    if (response->outcome != KUBE_OK) {
        call_end_text(call, DONE_AGAIN, response->message);
        return;
    }
    int decoded = array_state_decode(response->body, &job_uid, &ignored, &version, &err);
    array_status_done(&ignored);
    if (decoded == 0 && !text_eq(job_uid, call->uid)) {
        call_end_text(call, DONE_AGAIN,
                      "the ArrayState of a deleted job of this name is in the way");
        return;
    }
    json_object_object_del(meta, "resourceVersion");
    json_put_text(meta, "resourceVersion",
                  json_get_text(json_get_object(response->body, "metadata"), "resourceVersion"));
    send_companion(call);
}

static void on_companion(struct call *call, const struct kube_response *response)
{
    struct err err;
    struct request request;
    enum kube_outcome outcome = response->outcome;
    bool stale = outcome == KUBE_EXISTS || outcome == KUBE_CONFLICT || outcome == KUBE_NOT_FOUND;
    if (outcome == KUBE_OK) {
        struct json_object *meta = json_get_object(response->body, "metadata");
        text_set(&call->array_version, json_get_text(meta, "resourceVersion"));
        send_status(call);
    } else if (!stale) {
        call_end_response(call, response);
    } else if (call->retries++ >= COMPANION_RETRIES_MAX) {
        call_end_text(call, DONE_AGAIN, response->message);
    } else if (request_get(OWN_ARRAY_STATE, call->namespace_, call->name, &request, &err) < 0) {
        call_end_text(call, DONE_AGAIN, err.text);
    } else {
        call_send(call, &request, NULL, on_companion_read);
    }
}

static void send_companion(struct call *call)
{
    struct err err;
    struct request request;
    int64_t timeout_s = call->executor->host.write_timeout_s;
    if (request_array_state(call->companion, timeout_s, &request, &err) < 0)
        call_end_text(call, DONE_REFUSED, err.text);
    else
        call_send(call, &request, "ArrayState", on_companion);
}

/* ------------------------------------------------------------------- encoding */

/* The job's status with its children packed in; what is too large for the job goes to the
 * companion, and the job keeps the counts. */
static void encode_job(struct call *call, const struct action *action,
                       const struct object_meta *meta, struct json_object *previous, int64_t now_ns)
{
    struct job_status status = *action->status;
    struct array_status *array = status.nodes.size > 0 ? &status.nodes : &status.array;
    if (action->children != NULL)
        call->state_bytes =
            array_status_pack(array, action->children, action->refusals, action->history);
    char *const packed[] = {array->encoding, array->data, array->refusals, array->history};
    if (array_status_is_large(array)) {
        call->companion = array_state_encode(action->job, action->array_version, array);
        array_status_move_out(array);
    }
    call->doc = batch_job_status_encode(meta, &status, previous, now_ns);
    for (size_t i = 0; i < ARRAY_LEN(packed); i++)
        free(packed[i]); /* move_out only forgets them */
}

static struct object_meta meta_of(const struct action *action)
{
    struct object_meta meta = {.name = NULL};
    if (action->meta != NULL)
        meta = *action->meta;
    else if (action->kind == ACTION_JOB_STATUS)
        meta = action->job->meta;
    /* The core knows of later versions than the object it was told of: those of our own writes. */
    if (action->resource_version != NULL)
        meta.resource_version = (char *)(uintptr_t)action->resource_version;
    return meta;
}

void start_status(struct call *call, const struct action *action)
{
    struct executor_host *host = &call->executor->host;
    int64_t now_ns = host->now_ns();
    const struct object_meta meta = meta_of(action);
    AUTO(json_object) previous = memo_previous(host->memo, meta.uid);
    switch (action->kind) {
    case ACTION_JOB_STATUS:
        call_about(call, OWN_JOB, &meta);
        encode_job(call, action, &meta, previous, now_ns);
        break;
    case ACTION_QUEUE_STATUS:
        call_about(call, OWN_QUEUE, &meta);
        call->doc = job_queue_status_encode(&meta, action->queue_status, previous, now_ns);
        break;
    case ACTION_ENVIRONMENT_STATUS:
        call_about(call, OWN_ENVIRONMENT, &meta);
        call->doc =
            compute_environment_status_encode(&meta, action->environment_status, previous, now_ns);
        break;
    case ACTION_CONSUMABLE_STATUS:
        call_about(call, OWN_CONSUMABLE, &meta);
        call->doc = consumable_status_encode(&meta, action->consumable_status, previous, now_ns);
        break;
    default:
        call_about(call, OWN_DEFINITION, &meta);
        call->doc =
            job_definition_status_encode(&meta, action->definition_status, previous, now_ns);
        break;
    }
    if (call->companion != NULL) {
        send_companion(call);
    } else if (memo_is_stored(host->memo, meta.uid, call->doc)) {
        call_end(call, &(struct done){.result = DONE_OK}); /* an earlier process has written it */
    } else {
        memo_stored(host->memo, meta.uid, NULL); /* until the answer it is not known */
        send_status(call);
    }
}

/* ------------------------------------------------------------------ finalizer */

static void on_finalizer_read(struct call *call, const struct kube_response *response)
{
    struct err err;
    struct request request;
    bool needed = false;
    int64_t timeout_s = call->executor->host.write_timeout_s;
    struct json_object *meta = json_get_object(response->body, "metadata");
    if (response->outcome != KUBE_OK) {
        call_end_response(call, response);
    } else if (!text_eq(json_get_text(meta, "uid"), call->uid)) {
        call_end_text(call, DONE_NOT_FOUND, "another object has its name");
    } else if (request_finalizer(call->own, response->body, call->add, timeout_s, &request, &needed,
                                 &err) < 0) {
        call_end_text(call, DONE_REFUSED, err.text);
    } else if (!needed) {
        call_end_response(call, response);
    } else {
        call_send(call, &request, "finalizer", on_written);
    }
}

void start_finalizer(struct call *call, const struct action *action)
{
    struct err err;
    struct request request;
    call->own = own_kind_find(action->object_kind);
    call->namespace_ = text_copy(action->namespace_);
    call->name = text_copy(action->name);
    call->uid = text_copy(action->uid);
    call->add = action->add;
    if (call->own == OWN_KIND_COUNT)
        call_end_text(call, DONE_REFUSED, "not a kind of bulkhead");
    else if (request_get(call->own, call->namespace_, call->name, &request, &err) < 0)
        call_end_text(call, DONE_REFUSED, err.text);
    else
        call_send(call, &request, NULL, on_finalizer_read);
}
