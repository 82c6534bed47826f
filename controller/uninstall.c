/* SPDX-License-Identifier: Apache-2.0 */
/* uninstall.c - kind after kind: list, take away what is ours, and list again until nothing is
 *
 * What fails, or was changed meanwhile, is seen by the next list; so no answer needs to be
 * understood but that of the list. A kind that is not there any more has nothing of ours. */
#include "uninstall.h"

#include "bulkhead/api/meta.h"
#include "bulkhead/base/log.h"
#include "bulkhead/json/get.h"
#include "bulkhead/kube/path.h"

#include "request.h"

#include <stdlib.h>
#include <string.h>

enum { WRITE_TIMEOUT_S = 10, LEASE_S_DEFAULT = 15, LEASE_S_MAX = 60, NODES_NAMED = 5 };

/* --------------------------------------------------------------- what is taken away */

struct kind {
    const char *name, *path;
    const char *label;     /* the objects that have it are ours */
    const char *finalizer; /* NULL: ours have none */
    bool select;           /* ask for those with the label alone */
    bool remove;           /* delete ours; the others go with their CRD */
    enum own_kind own;     /* whose finalizer request_finalizer takes off; else OWN_KIND_COUNT */
    enum action_kind delete_action;
    int (*delete_request)(const struct action *action, int64_t timeout_s,
                          struct request *ret_request, struct err *err);
};

static int request_pod_delete(const struct action *action, int64_t timeout_s,
                              struct request *ret_request, struct err *err)
{
    return request_pod(action, NULL, timeout_s, ret_request, err);
}

#define OURS(resource) "/apis/" API_VERSION "/" resource
/* A pod that has lost its labels still has its finalizer: so all pods are looked at. Nodes last:
 * they are only told. */
/* clang-format off */
static const struct kind kinds[] = {
    { "Pod", "/api/v1/pods", LABEL_JOB_UID, FINALIZER_OUTCOME, false, true, OWN_KIND_COUNT,
      ACTION_POD_DELETE, request_pod_delete },
    { "Service", "/api/v1/services", LABEL_JOB_UID, NULL, true, true, OWN_KIND_COUNT,
      ACTION_SERVICE_DELETE, request_service },
    { "ControllerRevision", "/apis/apps/v1/controllerrevisions", LABEL_DEFINITION, NULL, true, true,
      OWN_KIND_COUNT, ACTION_REVISION_DELETE, request_revision },
    { "JobQueue", OURS("jobqueues"), NULL, FINALIZER_IN_USE, false, false, OWN_QUEUE, 0, NULL },
    { "ComputeEnvironment", OURS("computeenvironments"), NULL, FINALIZER_IN_USE, false, false,
      OWN_ENVIRONMENT, 0, NULL },
    { "ConsumableResource", OURS("consumableresources"), NULL, FINALIZER_IN_USE, false, false,
      OWN_CONSUMABLE, 0, NULL },
    { "Node", "/api/v1/nodes", LABEL_ENVIRONMENT, NULL, true, false, OWN_KIND_COUNT, 0, NULL },
};
/* clang-format on */

struct uninstall {
    struct uninstall_options options;
    uv_timer_t timer;
    size_t kind;  /* the one that is taken away */
    int pass;     /* of it */
    size_t found; /* in this pass: objects with something to take away */
    size_t in_flight;
    bool page_open;                 /* objects of a page are being sent */
    char *more;                     /* the list goes on there; NULL: it is over */
    int64_t let_go, deleted, nodes; /* of this kind */
    char *nodes_named;
    char *trouble;       /* the last answer that was no success; NULL: none */
    char *lease_version; /* as it was first seen */
    int exit_status;
};

static void list_page(struct uninstall *uninstall);
static void look_at_lease(struct uninstall *uninstall);

static const struct kind *kind_of(const struct uninstall *uninstall)
{
    return &kinds[uninstall->kind];
}

static void finish(struct uninstall *uninstall, int exit_status)
{
    uninstall->options.on_done(uninstall->options.ctx, exit_status);
}

/* ------------------------------------------------------------------------- one object */

static void on_written(void *ctx, const struct kube_response *response);

static void send_request(struct uninstall *uninstall, struct request *request)
{
    struct err err;
    AUTO_STR path = STR_EMPTY;
    str_add(&path, request->path);
    kube_path_query(&path, "fieldManager", "bulkhead-uninstall");
    const struct kube_request sent = {.lane = KUBE_LANE_WRITES,
                                      .method = request->method,
                                      .path = request->method == KUBE_DELETE ? request->path
                                                                             : str_text(&path),
                                      .body = request->body,
                                      .content = request->content,
                                      .accept = request->accept,
                                      .on_done = on_written,
                                      .ctx = uninstall};
    if (kube_send(uninstall->options.kube, &sent, NULL, &err) == 0)
        uninstall->in_flight++;
    else
        text_set(&uninstall->trouble, err.text);
    request_done(request);
}

static bool has_finalizer(struct json_object *meta, const char *finalizer)
{
    struct json_object *list = json_get_list(meta, "finalizers");
    for (size_t i = 0; finalizer != NULL && i < json_list_count(list); i++)
        if (text_eq(json_object_get_string(json_list_at(list, i)), finalizer))
            return true;
    return false;
}

static void let_go(struct uninstall *uninstall, struct json_object *object,
                   const struct action *action)
{
    struct err err;
    struct request request;
    bool needed = true;
    enum own_kind own = kind_of(uninstall)->own;
    struct action release = *action;
    release.kind = ACTION_POD_RELEASE;
    int made = own != OWN_KIND_COUNT
                   ? request_finalizer(own, object, false, WRITE_TIMEOUT_S, &request, &needed, &err)
                   : request_pod(&release, NULL, WRITE_TIMEOUT_S, &request, &err);
    if (made < 0)
        text_set(&uninstall->trouble, err.text);
    else if (needed)
        send_request(uninstall, &request);
}

static void take_away(struct uninstall *uninstall, struct json_object *object)
{
    struct err err;
    struct request request;
    const struct kind *kind = kind_of(uninstall);
    struct json_object *meta = json_get_object(object, "metadata");
    bool held = has_finalizer(meta, kind->finalizer);
    bool ours = held || (kind->label != NULL &&
                         json_get_text(json_get_object(meta, "labels"), kind->label) != NULL);
    bool going = json_get_text(meta, "deletionTimestamp") != NULL;
    const struct action action = {.kind = kind->delete_action,
                                  .namespace_ = json_get_text(meta, "namespace"),
                                  .name = json_get_text(meta, "name"),
                                  .uid = json_get_text(meta, "uid"),
                                  .grace_s = -1};
    if (action.name == NULL || action.uid == NULL)
        return;
    if (held) {
        uninstall->found++;
        let_go(uninstall, object, &action);
    }
    if (!kind->remove || !ours || going)
        return;
    uninstall->found += held ? 0 : 1;
    if (kind->delete_request(&action, WRITE_TIMEOUT_S, &request, &err) < 0)
        text_set(&uninstall->trouble, err.text);
    else
        send_request(uninstall, &request);
}

static void tell_node(struct uninstall *uninstall, struct json_object *object)
{
    const char *name = json_get_text(json_get_object(object, "metadata"), "name");
    if (name != NULL && uninstall->nodes++ < NODES_NAMED) {
        AUTO_TEXT before = uninstall->nodes_named;
        uninstall->nodes_named =
            before != NULL ? text_printf("%s, %s", before, name) : text_copy(name);
    }
}

/* ------------------------------------------------------------------------- one kind */

static void on_pause_over(uv_timer_t *timer)
{
    list_page(timer->data);
}

static void list_again(struct uninstall *uninstall)
{
    text_set(&uninstall->more, NULL);
    uninstall->found = 0;
    uv_timer_start(&uninstall->timer, on_pause_over, (uint64_t)uninstall->options.pause_ms, 0);
}

static void tell_end(struct uninstall *uninstall)
{
    if (uninstall->nodes > 0)
        log_warn("nodes of environments are left: delete them, and end their machines yourself; "
                 "nobody asks their provider any more",
                 KV_INT("nodes", uninstall->nodes), KV("such_as", uninstall->nodes_named));
    if (uninstall->exit_status == 0)
        log_info("nothing is left that waits for a controller; now delete the manifests");
    finish(uninstall, uninstall->exit_status);
}

static void next_kind(struct uninstall *uninstall)
{
    const struct kind *kind = kind_of(uninstall);
    bool left = uninstall->found > 0 || (uninstall->trouble != NULL && uninstall->pass > 0);
    if (left) {
        uninstall->exit_status = 1;
        log_error("could not take all away; try again", KV("kind", kind->name),
                  KV_INT("left", (int64_t)uninstall->found), KV("why", uninstall->trouble));
    } else if (uninstall->let_go + uninstall->deleted > 0) {
        log_info("taken away", KV("kind", kind->name), KV_INT("finalizers", uninstall->let_go),
                 KV_INT("deleted", uninstall->deleted));
    }
    uninstall->kind++;
    uninstall->pass = 0;
    uninstall->found = 0;
    uninstall->let_go = uninstall->deleted = 0;
    text_set(&uninstall->trouble, NULL);
    if (uninstall->kind < ARRAY_LEN(kinds))
        list_page(uninstall);
    else
        tell_end(uninstall);
}

/* A page is done: the next one, or what the list as a whole has shown. */
static void go_on(struct uninstall *uninstall)
{
    if (uninstall->page_open || uninstall->in_flight > 0)
        return;
    if (uninstall->more != NULL)
        list_page(uninstall);
    else if (uninstall->found == 0 || ++uninstall->pass >= UNINSTALL_PASSES)
        next_kind(uninstall);
    else
        list_again(uninstall);
}

/* What went already, or was changed, is for the next list to see. */
static void on_written(void *ctx, const struct kube_response *response)
{
    struct err err;
    struct uninstall *uninstall = ctx;
    uninstall->in_flight--;
    bool removed = text_eq(response->method_text, "DELETE");
    if (response->outcome == KUBE_OK) {
        uninstall->deleted += removed ? 1 : 0;
        uninstall->let_go += removed ? 0 : 1;
    } else if (response->outcome != KUBE_NOT_FOUND && response->outcome != KUBE_CONFLICT) {
        kube_response_err(response, &err);
        text_set(&uninstall->trouble, err.text);
    }
    go_on(uninstall);
}

static void on_page(void *ctx, const struct kube_response *response)
{
    struct err err;
    struct uninstall *uninstall = ctx;
    if (response->outcome == KUBE_NOT_FOUND) {
        next_kind(uninstall); /* its CRD has gone, and all of it */
        return;
    }
    if (kube_response_err(response, &err) < 0) {
        text_set(&uninstall->trouble, err.text);
        if (++uninstall->pass >= UNINSTALL_PASSES || response->outcome == KUBE_FORBIDDEN) {
            uninstall->pass = UNINSTALL_PASSES;
            next_kind(uninstall);
        } else {
            list_again(uninstall);
        }
        return;
    }
    bool node = text_eq(kind_of(uninstall)->name, "Node");
    struct json_object *items = json_get_list(response->body, "items");
    text_set(&uninstall->more,
             json_get_text(json_get_object(response->body, "metadata"), "continue"));
    if (uninstall->found == 0)
        text_set(&uninstall->trouble, NULL); /* of an earlier list */
    uninstall->page_open = true;
    for (size_t i = 0; i < json_list_count(items); i++) {
        if (node)
            tell_node(uninstall, json_list_at(items, i));
        else
            take_away(uninstall, json_list_at(items, i));
    }
    uninstall->page_open = false;
    go_on(uninstall);
}

static void read_path(struct uninstall *uninstall, const char *path, enum kube_accept accept,
                      kube_done_fn *on_done)
{
    struct err err;
    const struct kube_request request = {.lane = KUBE_LANE_WATCHES,
                                         .method = KUBE_GET,
                                         .path = path,
                                         .accept = accept,
                                         .on_done = on_done,
                                         .ctx = uninstall};
    if (kube_send(uninstall->options.kube, &request, NULL, &err) == 0)
        return;
    log_error("cannot uninstall", KV("why", err.text)); /* one read at a time: never full */
    finish(uninstall, 1);
}

static void list_page(struct uninstall *uninstall)
{
    AUTO_STR path = STR_EMPTY;
    AUTO_TEXT limit = text_printf("%d", UNINSTALL_PAGE);
    const struct kind *kind = kind_of(uninstall);
    str_add(&path, kind->path);
    kube_path_query(&path, "limit", limit);
    if (kind->select)
        kube_path_query(&path, "labelSelector", kind->label);
    if (uninstall->more != NULL)
        kube_path_query(&path, "continue", uninstall->more);
    read_path(uninstall, str_text(&path), KUBE_ACCEPT_METADATA_LIST, on_page);
}

/* ------------------------------------------------------------------------ who leads */

static void on_lease_pause_over(uv_timer_t *timer)
{
    look_at_lease(timer->data);
}

static void wait_for_lease(struct uninstall *uninstall, const char *holder, const char *version,
                           int64_t seconds)
{
    seconds = seconds > 0 && seconds <= LEASE_S_MAX ? seconds : LEASE_S_DEFAULT;
    log_info("somebody holds the lease: is it still renewed?", KV("holder", holder),
             KV_INT("wait_s", seconds + 1));
    text_set(&uninstall->lease_version, version != NULL ? version : "");
    uv_timer_start(&uninstall->timer, on_lease_pause_over,
                   (uint64_t)((seconds + 1) * uninstall->options.second_ms), 0);
}

static void on_lease(void *ctx, const struct kube_response *response)
{
    struct uninstall *uninstall = ctx;
    struct json_object *spec = json_get_object(response->body, "spec");
    const char *holder = json_get_text(spec, "holderIdentity");
    const char *version =
        json_get_text(json_get_object(response->body, "metadata"), "resourceVersion");
    if (response->outcome != KUBE_OK && response->outcome != KUBE_NOT_FOUND) {
        log_error("cannot tell whether a controller leads", KV("why", response->message));
        finish(uninstall, 1);
    } else if (response->outcome == KUBE_NOT_FOUND || holder == NULL ||
               text_eq(uninstall->lease_version, version)) {
        list_page(uninstall);
    } else if (uninstall->lease_version == NULL) {
        wait_for_lease(uninstall, holder, version,
                       json_get_i64(spec, "leaseDurationSeconds", LEASE_S_DEFAULT));
    } else {
        log_error("a controller leads; stop it first: kubectl -n bulkhead-system scale "
                  "deployment/bulkhead-controller --replicas=0",
                  KV("holder", holder));
        finish(uninstall, 1);
    }
}

static void look_at_lease(struct uninstall *uninstall)
{
    struct err err;
    AUTO_STR path = STR_EMPTY;
    const struct kube_ref ref = {.group_version = "coordination.k8s.io/v1",
                                 .resource = "leases",
                                 .namespace = uninstall->options.namespace_,
                                 .name = LEASE_NAME};
    if (kube_path(&path, &ref, &err) < 0) {
        log_error("cannot uninstall", KV("why", err.text));
        finish(uninstall, 1);
        return;
    }
    read_path(uninstall, str_text(&path), KUBE_ACCEPT_JSON, on_lease);
}

/* ------------------------------------------------------------------------- life */

struct uninstall *uninstall_new(const struct uninstall_options *options)
{
    struct uninstall *uninstall = mem_new(sizeof(*uninstall));
    uninstall->options = *options;
    if (uninstall->options.second_ms == 0)
        uninstall->options.second_ms = 1000;
    if (uninstall->options.pause_ms == 0)
        uninstall->options.pause_ms = UNINSTALL_PAUSE_MS;
    uv_timer_init(options->uv, &uninstall->timer);
    uninstall->timer.data = uninstall;
    uv_timer_start(&uninstall->timer, on_lease_pause_over, 0, 0); /* answers come from the loop */
    return uninstall;
}

static void on_closed(uv_handle_t *handle)
{
    struct uninstall *uninstall = handle->data;
    free(uninstall->more);
    free(uninstall->nodes_named);
    free(uninstall->trouble);
    free(uninstall->lease_version);
    free(uninstall);
}

struct uninstall *uninstall_free(struct uninstall *uninstall)
{
    if (uninstall != NULL)
        uv_close((uv_handle_t *)&uninstall->timer, on_closed);
    return NULL;
}

struct run {
    uv_loop_t uv;
    int exit_status;
};

static void on_done(void *ctx, int exit_status)
{
    struct run *run = ctx;
    run->exit_status = exit_status;
    uv_stop(&run->uv);
}

int uninstall_run(const struct options *options, struct err *err)
{
    struct run run = {.exit_status = 1};
    AUTO(kube_config) config = NULL;
    const struct kube_config_options where = {.path = options->kubeconfig,
                                              .context = options->context};
    const struct kube_client_options how = {.user_agent = "bulkhead-uninstall/" BULKHEAD_VERSION};
    if (kube_config_load(&where, &config, err) < 0)
        return -1;
    log_info("uninstalling", KV("server", config->server));
    uv_loop_init(&run.uv);
    struct kube_client *kube = kube_client_new(&run.uv, &config, &how, err);
    if (kube != NULL) {
        const struct uninstall_options what = {
            .uv = &run.uv,
            .kube = kube,
            .namespace_ = options->namespace_ != NULL ? options->namespace_ : NAMESPACE_DEFAULT,
            .on_done = on_done,
            .ctx = &run,
        };
        struct uninstall *uninstall = uninstall_new(&what);
        uv_run(&run.uv, UV_RUN_DEFAULT);
        kube_client_close(kube, NULL, NULL);
        uninstall_free(uninstall);
        uv_run(&run.uv, UV_RUN_DEFAULT);
    }
    uv_loop_close(&run.uv);
    return kube != NULL ? run.exit_status : -1;
}
