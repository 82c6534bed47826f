/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"

#include "bulkhead/api/cell.h"
#include "bulkhead/api/revision.h"
#include "bulkhead/api/service.h"
#include "bulkhead/kube/path.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct settled { /* an action that ended while the plan was still being carried out */
    struct settled *next;
    enum action_kind kind;
    struct done done;
    char *message;
};

struct executor *executor_new(const struct executor_host *host)
{
    struct executor *executor = mem_new(sizeof(*executor));
    executor->host = *host;
    executor->builders = builders_new(BUILDERS_MAX, BUILDERS_BYTES_MAX);
    executor->settled_last = &executor->settled_first;
    return executor;
}

size_t executor_in_flight(const struct executor *executor)
{
    return executor->in_flight;
}

/* ------------------------------------------------------------ end of an action */

static void apply_done(struct executor *executor, enum action_kind kind, const struct done *done)
{
    struct event event = {.kind = EVENT_DONE, .done = *done};
    executor->host.on_done(executor->host.ctx, kind, done->result);
    executor->host.apply(executor->host.ctx, &event);
}

static void settle_later(struct executor *executor, enum action_kind kind, const struct done *done)
{
    struct settled *settled = mem_new(sizeof(*settled));
    settled->kind = kind;
    settled->done = *done;
    settled->message = text_copy(done->message);
    settled->done.message = settled->message;
    *executor->settled_last = settled;
    executor->settled_last = &settled->next;
}

static void end(struct executor *executor, enum action_kind kind, const struct done *done)
{
    if (executor->executing)
        settle_later(executor, kind, done);
    else
        apply_done(executor, kind, done);
}

void execute_settle(struct executor *executor)
{
    struct settled *settled = executor->settled_first;
    executor->settled_first = NULL;
    executor->settled_last = &executor->settled_first;
    while (settled != NULL) {
        struct settled *next = settled->next;
        apply_done(executor, settled->kind, &settled->done);
        free(settled->message);
        free(settled);
        settled = next;
    }
}

/* ---------------------------------------------------------------------- calls */

struct call *call_new(struct executor *executor, const struct action *action)
{
    struct call *call = mem_new(sizeof(*call));
    call->executor = executor;
    call->action_id = action->id;
    call->kind = action->kind;
    call->own = OWN_KIND_COUNT;
    call->next = executor->calls;
    if (call->next != NULL)
        call->next->prev = call;
    executor->calls = call;
    executor->in_flight++;
    return call;
}

static void call_free(struct call *call)
{
    struct executor *executor = call->executor;
    if (call->prev != NULL)
        call->prev->next = call->next;
    else
        executor->calls = call->next;
    if (call->next != NULL)
        call->next->prev = call->prev;
    executor->in_flight--;
    request_done(&call->request);
    free(call->namespace_);
    free(call->name);
    free(call->uid);
    free(call->array_version);
    free(call->message);
    json_object_put(call->doc);
    json_object_put(call->companion);
    free(call);
}

struct executor *executor_free(struct executor *executor)
{
    if (executor == NULL)
        return NULL;
    for (struct call *call = executor->calls, *next; call != NULL; call = next) {
        next = call->next;
        call_free(call);
    }
    while (executor->settled_first != NULL) {
        struct settled *settled = executor->settled_first;
        executor->settled_first = settled->next;
        free(settled->message);
        free(settled);
    }
    builders_free(executor->builders);
    free(executor);
    return NULL;
}

void call_end(struct call *call, const struct done *done)
{
    struct done full = *done;
    full.action_id = call->action_id;
    full.state_bytes = call->state_bytes;
    if (full.array_version == NULL)
        full.array_version = call->array_version;
    end(call->executor, call->kind, &full);
    call_free(call);
}

void call_end_text(struct call *call, enum done_result result, const char *message)
{
    call_end(call, &(struct done){.result = result, .message = message});
}

void call_end_response(struct call *call, const struct kube_response *response)
{
    struct json_object *meta = json_get_object(response->body, "metadata");
    enum done_result result = result_of(call->kind, response->outcome, response->message);
    if (result == DONE_UNKNOWN && call->write == NULL)
        result = DONE_AGAIN; /* it was only read */
    bool ok = result == DONE_OK;
    call_end(call, &(struct done){
                       .result = result,
                       .message = ok ? NULL : response->message,
                       .resource_version = ok ? json_get_text(meta, "resourceVersion") : NULL,
                   });
}

static void tell_reaction(struct executor_host *host, int64_t arrived_ns)
{
    if (arrived_ns != 0)
        host->on_reaction(host->ctx, host->now_ns() - arrived_ns);
}

/* The policies' refusal says nothing about the object: it did not happen, and it is tried again if
 * we still lead. */
static bool is_fenced(const struct call *call, const struct kube_response *response)
{
    bool refused = response->outcome == KUBE_INVALID || response->outcome == KUBE_FORBIDDEN;
    return call->write != NULL && refused && strstr(response->message, "'" FENCE_POLICY) != NULL;
}

static void on_response(void *ctx, const struct kube_response *response)
{
    struct call *call = ctx;
    struct executor *executor = call->executor;
    if (call->write != NULL)
        executor->host.on_write(executor->host.ctx, call->write, response->outcome);
    if (is_fenced(call, response)) {
        executor->host.on_fenced(executor->host.ctx);
        call_end_text(call, DONE_AGAIN, response->message);
    } else {
        call->on_answer(call, response);
    }
    execute_turn(executor);
}

static enum line_class class_of(enum action_kind kind)
{
    switch (kind) {
    case ACTION_POD_CREATE:
        return LINE_NEW;
    case ACTION_POD_RELEASE:
    case ACTION_POD_DELETE:
    case ACTION_JOB_DELETE:
    case ACTION_REVISION_DELETE:
    case ACTION_SERVICE_DELETE:
        return LINE_ENDING;
    default:
        return LINE_FIRST;
    }
}

void call_send(struct call *call, struct request *take_request, const char *write,
               answer_fn *on_answer)
{
    call->write = write;
    call->on_answer = on_answer;
    call->request = *take_request;
    *take_request = (struct request){.path = NULL};
    line_add(&call->executor->line, &call->place, class_of(call->kind));
}

/* DELETE takes no field manager: it relies on the UID. */
static char *signed_path(struct call *call)
{
    struct executor_host *host = &call->executor->host;
    AUTO_STR path = STR_EMPTY;
    str_add(&path, call->request.path);
    if (call->request.method != KUBE_GET && call->request.method != KUBE_DELETE)
        kube_path_query(&path, "fieldManager", host->manager(host->ctx));
    return str_take(&path);
}

static void send_now(struct call *call)
{
    struct err err;
    AUTO_TEXT path = signed_path(call);
    struct executor_host *host = &call->executor->host;
    struct request *request = &call->request;
    const struct kube_request kube = {
        .lane = KUBE_LANE_WRITES,
        .method = request->method,
        .path = path,
        .take_body = request->body != NULL ? &request->body : NULL,
        .content = request->content,
        .accept = request->accept,
        .on_done = on_response,
        .ctx = call,
    };
    if (call->kind == ACTION_POD_CREATE)
        tell_reaction(host, memo_take_arrival(host->memo, call->uid));
    int sent = host->send(host->ctx, &kube, &err);
    request_done(request);
    if (sent < 0)
        call_end_text(call, DONE_AGAIN, err.text);
}

/* A process that may not write any more is about to end, and what waits ends with it. */
void execute_turn(struct executor *executor)
{
    struct executor_host *host = &executor->host;
    if (executor->line.count == 0 || !host->may_write(host->ctx))
        return;
    for (size_t room = host->room(host->ctx); room > 0 && executor->line.count > 0; room--)
        send_now(CONTAINER_OF(line_take(&executor->line), struct call, place));
}

void execute_drop_waiting(struct executor *executor)
{
    for (struct line_item *item; (item = line_take(&executor->line)) != NULL;)
        call_free(CONTAINER_OF(item, struct call, place));
}

/* ----------------------------------------------------------------------- pods */

/* The core wants the pod as the server has it. */
static void on_pod(struct call *call, const struct kube_response *response)
{
    struct err err;
    struct pod *pod = NULL;
    if (response->outcome != KUBE_OK) {
        call_end_response(call, response);
        return;
    }
    if (pod_decode(response->body, &pod, &err) < 0) {
        call_end_text(call, call->kind == ACTION_POD_GET ? DONE_AGAIN : DONE_UNKNOWN, err.text);
        return;
    }
    call_end(call, &(struct done){.result = DONE_OK,
                                  .resource_version = pod->meta.resource_version,
                                  .pod = pod});
}

static void start_pod(struct executor *executor, const struct action *action)
{
    static const char *const writes[ACTION_KIND_COUNT] = {
        [ACTION_POD_CREATE] = "Pod create", [ACTION_POD_CHECK] = "Pod check",
        [ACTION_POD_MARK] = "Pod mark",     [ACTION_POD_RELEASE] = "Pod release",
        [ACTION_POD_DELETE] = "Pod delete",
    };
    struct err err;
    struct request request;
    struct call *call = call_new(executor, action);
    bool wants_pod = action->kind == ACTION_POD_CREATE || action->kind == ACTION_POD_GET;
    if (request_pod(action, executor->builders, executor->host.write_timeout_s, &request, &err) <
        0) {
        call_end_text(call, DONE_REFUSED, err.text);
        return;
    }
    if (action->kind == ACTION_POD_CREATE)
        call->uid = text_copy(action->order.job->meta.uid); /* the reaction is the job's */
    call_send(call, &request, writes[action->kind], wants_pod ? on_pod : call_end_response);
}

static void start_job_delete(struct executor *executor, const struct action *action)
{
    struct err err;
    struct request request;
    struct call *call = call_new(executor, action);
    if (request_job_delete(action, executor->host.write_timeout_s, &request, &err) < 0)
        call_end_text(call, DONE_REFUSED, err.text);
    else
        call_send(call, &request, "BatchJob delete", call_end_response);
}

/* ---------------------------------------------------------------- the event sink */

static void start_tell(struct executor *executor, const struct action *action)
{
    if (!executor->host.post_change(executor->host.ctx, action))
        execute_tell_done(executor, action->id, DONE_AGAIN, "it could not be sent");
}

void execute_tell_done(struct executor *executor, uint64_t action_id, enum done_result result,
                       const char *message)
{
    end(executor, ACTION_JOB_TELL,
        &(struct done){.action_id = action_id, .result = result, .message = message});
}

static void start_told(struct executor *executor, const struct action *action)
{
    struct err err;
    struct request request;
    struct call *call = call_new(executor, action);
    if (request_job_told(action, executor->host.write_timeout_s, &request, &err) < 0)
        call_end_text(call, DONE_REFUSED, err.text);
    else
        call_send(call, &request, "BatchJob status", call_end_response);
}

/* ------------------------------------------------------------------ revisions */

static void end_revision(struct call *call, enum done_result result,
                         const struct kube_response *response)
{
    struct err err;
    struct job_definition *revision = NULL;
    if (definition_revision_decode(response->body, &revision, &err) < 0)
        call_end_text(call, DONE_AGAIN, err.text);
    else
        call_end(call, &(struct done){.result = result, .definition = revision});
}

static void on_revision_read(struct call *call, const struct kube_response *response)
{
    if (response->outcome == KUBE_OK)
        end_revision(call, DONE_EXISTS, response);
    else
        call_end_text(call, DONE_AGAIN, response->message);
}

/* What has the name already counts: an earlier process made it, whatever it was told then. */
static void on_revision(struct call *call, const struct kube_response *response)
{
    struct err err;
    struct request request;
    if (response->outcome == KUBE_OK)
        end_revision(call, DONE_OK, response);
    else if (response->outcome != KUBE_EXISTS)
        call_end_response(call, response);
    else if (request_revision_get(call->namespace_, call->name, &request, &err) < 0)
        call_end_text(call, DONE_AGAIN, err.text);
    else
        call_send(call, &request, NULL, on_revision_read);
}

static void start_revision(struct executor *executor, const struct action *action)
{
    struct err err;
    struct request request;
    struct call *call = call_new(executor, action);
    bool create = action->kind == ACTION_REVISION_CREATE;
    call->namespace_ = text_copy(action->namespace_);
    call->name = text_copy(action->name);
    if (request_revision(action, executor->host.write_timeout_s, &request, &err) < 0)
        call_end_text(call, DONE_REFUSED, err.text);
    else
        call_send(call, &request,
                  create ? "ControllerRevision create" : "ControllerRevision delete",
                  create ? on_revision : call_end_response);
}

/* ------------------------------------------------------------------- services */

/* What has the name: is it the job's, made by an earlier process or by a request without answer? */
static void on_service_read(struct call *call, const struct kube_response *response)
{
    struct err err;
    AUTO(node_service) service = NULL;
    if (response->outcome != KUBE_OK) {
        call_end_text(call, DONE_AGAIN, response->message);
        return;
    }
    bool ours = node_service_decode(response->body, &service, &err) == 0 &&
                text_eq(service->job_uid, call->uid);
    if (!ours)
        call_end_text(call, DONE_EXISTS, "it is somebody else's");
    else if (service->meta.deleted_ns != 0)
        call_end_text(call, DONE_AGAIN, "it is being deleted");
    else
        call_end(call, &(struct done){.result = DONE_OK, .uid = service->meta.uid});
}

static void on_service(struct call *call, const struct kube_response *response)
{
    struct err err;
    struct request request;
    const char *uid = json_get_text(json_get_object(response->body, "metadata"), "uid");
    if (response->outcome == KUBE_OK && uid != NULL)
        call_end(call, &(struct done){.result = DONE_OK, .uid = uid});
    else if (response->outcome != KUBE_EXISTS)
        call_end_response(call, response);
    else if (request_service_get(call->namespace_, call->name, &request, &err) < 0)
        call_end_text(call, DONE_AGAIN, err.text);
    else
        call_send(call, &request, NULL, on_service_read);
}

static void start_service(struct executor *executor, const struct action *action)
{
    struct err err;
    struct request request;
    struct call *call = call_new(executor, action);
    bool create = action->kind == ACTION_SERVICE_CREATE;
    call->namespace_ = text_copy(action->namespace_);
    call->name = text_copy(action->name);
    call->uid = text_copy(action->uid);
    if (request_service(action, executor->host.write_timeout_s, &request, &err) < 0)
        call_end_text(call, DONE_REFUSED, err.text);
    else
        call_send(call, &request, create ? "Service create" : "Service delete",
                  create ? on_service : call_end_response);
}

/* ------------------------------------------------------------------ providers */

static void start_provider(struct executor *executor, const struct action *action)
{
    if (executor->host.start_provider(executor->host.ctx, action))
        return;
    end(executor, action->kind,
        &(struct done){.action_id = action->id,
                       .result = DONE_OK,
                       .provider = PROVIDER_AGAIN,
                       .message = "this compute environment is not known"});
}

void execute_provider_done(struct executor *executor, const struct provider_answer *answer,
                           uint64_t action_id, enum action_kind kind)
{
    assert(!executor->executing); /* providers never answer inside the call */
    end(executor, kind,
        &(struct done){.action_id = action_id,
                       .result = DONE_OK,
                       .message = answer->result == PROVIDER_OK ? NULL : answer->message,
                       .provider = answer->result,
                       .instances = answer->instances,
                       .types = answer->types,
                       .type_count = answer->type_count});
}

/* ----------------------------------------------------------------------- plan */

static void start(struct executor *executor, const struct action *action)
{
    switch (action->kind) {
    case ACTION_POD_CREATE:
    case ACTION_POD_CHECK:
    case ACTION_POD_GET:
    case ACTION_POD_MARK:
    case ACTION_POD_RELEASE:
    case ACTION_POD_DELETE:
        start_pod(executor, action);
        break;
    case ACTION_JOB_DELETE:
        start_job_delete(executor, action);
        break;
    case ACTION_JOB_TELL:
        start_tell(executor, action);
        break;
    case ACTION_JOB_TOLD:
        start_told(executor, action);
        break;
    case ACTION_REVISION_CREATE:
    case ACTION_REVISION_DELETE:
        start_revision(executor, action);
        break;
    case ACTION_SERVICE_CREATE:
    case ACTION_SERVICE_DELETE:
        start_service(executor, action);
        break;
    case ACTION_JOB_STATUS:
    case ACTION_QUEUE_STATUS:
    case ACTION_ENVIRONMENT_STATUS:
    case ACTION_DEFINITION_STATUS:
    case ACTION_CONSUMABLE_STATUS:
        start_status(call_new(executor, action), action);
        break;
    case ACTION_FINALIZER:
        start_finalizer(call_new(executor, action), action);
        break;
    case ACTION_PROVIDER_TYPES:
    case ACTION_PROVIDER_OBSERVE:
    case ACTION_PROVIDER_LAUNCH:
    case ACTION_PROVIDER_TERMINATE:
        start_provider(executor, action);
        break;
    case ACTION_EVENT:
        executor->host.post_event(executor->host.ctx, action);
        break;
    case ACTION_KIND_COUNT:
        assert(false);
    }
}

void execute_plan(struct executor *executor, const struct plan *plan)
{
    executor->executing = true;
    for (size_t i = 0; i < plan->action_count; i++)
        start(executor, &plan->actions[i]);
    execute_turn(executor);
    executor->executing = false;
}
