/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include "bulkhead/api/revision.h"
#include "bulkhead/json/get.h"
#include "bulkhead/kube/path.h"

#include <stdlib.h>

/* clang-format off */
const struct own_type own_types[OWN_KIND_COUNT] = {
    [OWN_JOB]         = { "BatchJob",           "batchjobs",           true  },
    [OWN_DEFINITION]  = { "JobDefinition",      "jobdefinitions",      true  },
    [OWN_QUEUE]       = { "JobQueue",           "jobqueues",           false },
    [OWN_ENVIRONMENT] = { "ComputeEnvironment", "computeenvironments", false },
    [OWN_CONSUMABLE]  = { "ConsumableResource", "consumableresources", false },
    [OWN_ARRAY_STATE] = { "ArrayState",         "arraystates",         true  },
};
/* clang-format on */

enum own_kind own_kind_find(const char *kind)
{
    for (size_t i = 0; i < OWN_KIND_COUNT; i++)
        if (text_eq(kind, own_types[i].kind))
            return (enum own_kind)i;
    return OWN_KIND_COUNT;
}

void request_done(struct request *request)
{
    free(request->path);
    free(request->body);
    *request = (struct request){.path = NULL};
}

void request_print(const struct request *request, struct str *out)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    static const char *const contents[] = {"json", "merge-patch", "strategic-merge-patch",
                                           "json-patch", "apply"};
    str_addf(out, "%s %s", methods[request->method], request->path);
    if (request->body != NULL)
        str_addf(out, " %s", contents[request->content]);
    str_add(out, request->accept == KUBE_ACCEPT_METADATA ? " -> metadata\n" : " -> object\n");
    if (request->body != NULL)
        str_addf(out, "%s\n", request->body);
}

/* ------------------------------------------------------------------ paths */

static int pod_path(struct str *out, const char *namespace_, const char *name, struct err *err)
{
    struct kube_ref ref = {
        .group_version = "v1", .resource = "pods", .namespace = namespace_, .name = name};
    return kube_path(out, &ref, err);
}

static int own_path(struct str *out, enum own_kind kind, const char *namespace_, const char *name,
                    const char *subresource, struct err *err)
{
    struct kube_ref ref = {.group_version = API_VERSION,
                           .resource = own_types[kind].resource,
                           .namespace = own_types[kind].namespaced ? namespace_ : NULL,
                           .name = name,
                           .subresource = subresource};
    if (own_types[kind].namespaced && namespace_ == NULL)
        return err_set(err, ERR_INVALID, "%s %s: no namespace", own_types[kind].kind,
                       name != NULL ? name : "");
    return kube_path(out, &ref, err);
}

static void add_timeout(struct str *path, int64_t timeout_s)
{
    char seconds[32];
    (void)snprintf(seconds, sizeof(seconds), "%llds", (long long)timeout_s);
    kube_path_query(path, "timeout", seconds);
}

/* ------------------------------------------------------------------- pods */

static int pod_create(const struct action *action, struct builders *builders, int64_t timeout_s,
                      struct request *ret_request, struct err *err)
{
    AUTO_STR path = STR_EMPTY;
    AUTO_STR body = STR_EMPTY;
    bool check = action->kind == ACTION_POD_CHECK;
    AUTO(pod_builder) own = NULL; /* nodes of a multi-node job differ by more than an index */
    if (action->order.nodes != NULL)
        own = pod_builder_new(&action->order, err);
    const struct pod_builder *builder =
        action->order.nodes != NULL ? own : builders_get(builders, &action->order, err);
    if (builder == NULL)
        return -1;
    const struct batch_job *job = action->order.job;
    if (pod_path(&path, job->meta.namespace_, NULL, err) < 0)
        return err_wrap(err, "pod %s", action->order.name);
    kube_path_query(&path, "fieldValidation", "Strict");
    if (check)
        kube_path_query(&path, "dryRun", "All");
    add_timeout(&path, timeout_s);
    pod_builder_print(builder, &action->order, &body);
    *ret_request = (struct request){.method = KUBE_POST,
                                    .path = str_take(&path),
                                    .body = str_take(&body),
                                    .content = KUBE_CONTENT_JSON,
                                    .accept = check ? KUBE_ACCEPT_METADATA : KUBE_ACCEPT_JSON};
    return 0;
}

/* A strategic merge patch removes one item of the list whatever else is on it, and the UID in it
 * makes the server refuse it for a namesake. */
static struct json_object *release_patch(const char *uid)
{
    struct json_object *doc = json_object_new_object();
    struct json_object *meta = json_object_new_object();
    struct json_object *gone = json_object_new_array();
    json_object_array_add(gone, json_object_new_string(FINALIZER_OUTCOME));
    json_put_text(meta, "uid", uid);
    json_put(meta, "$deleteFromPrimitiveList/finalizers", gone);
    json_put(doc, "metadata", meta);
    return doc;
}

/* Only as of the version that was looked at: what has ended is not marked any more. */
static struct json_object *mark_patch(const struct action *action)
{
    struct json_object *doc = json_object_new_object();
    struct json_object *meta = json_object_new_object();
    struct json_object *annotations = json_object_new_object();
    json_put_text(annotations, ANNOTATION_GIVES_WAY, action->message);
    json_put_text(meta, "uid", action->uid);
    json_put_text(meta, "resourceVersion", action->resource_version);
    json_put(meta, "annotations", annotations);
    json_put(doc, "metadata", meta);
    return doc;
}

static struct json_object *delete_options(const char *uid, const char *resource_version,
                                          int64_t grace_s)
{
    struct json_object *doc = json_object_new_object();
    struct json_object *preconditions = json_object_new_object();
    json_put_text(preconditions, "uid", uid);
    if (resource_version != NULL)
        json_put_text(preconditions, "resourceVersion", resource_version);
    json_put_text(doc, "apiVersion", "v1");
    json_put_text(doc, "kind", "DeleteOptions");
    json_put(doc, "preconditions", preconditions);
    if (grace_s >= 0)
        json_put_i64(doc, "gracePeriodSeconds", grace_s);
    return doc;
}

int request_pod(const struct action *action, struct builders *builders, int64_t timeout_s,
                struct request *ret_request, struct err *err)
{
    if (action->kind == ACTION_POD_CREATE || action->kind == ACTION_POD_CHECK)
        return pod_create(action, builders, timeout_s, ret_request, err);
    AUTO_STR path = STR_EMPTY;
    AUTO(json_object) body = NULL;
    struct request request = {.method = KUBE_GET, .accept = KUBE_ACCEPT_JSON};
    if (pod_path(&path, action->namespace_, action->name, err) < 0)
        return err_wrap(err, "pod %s", action->name);
    if (action->kind == ACTION_POD_RELEASE || action->kind == ACTION_POD_MARK) {
        request.method = KUBE_PATCH;
        request.content = KUBE_CONTENT_STRATEGIC_MERGE_PATCH;
        body = action->kind == ACTION_POD_MARK ? mark_patch(action) : release_patch(action->uid);
    } else if (action->kind == ACTION_POD_DELETE) {
        request.method = KUBE_DELETE;
        body = delete_options(action->uid, action->resource_version, action->grace_s);
    }
    if (body != NULL) {
        request.accept = KUBE_ACCEPT_METADATA;
        request.body = text_copy(json_print(body));
        add_timeout(&path, timeout_s);
    }
    request.path = str_take(&path);
    *ret_request = request;
    return 0;
}

/* ------------------------------------------------- revisions and services */

/* Kinds of others that we keep: made and deleted, never changed. */
struct kept_kind {
    const char *group_version, *resource, *word;
};
static const struct kept_kind revisions = {"apps/v1", "controllerrevisions", "revision"};
static const struct kept_kind services = {"v1", "services", "service"};

static int kept_path(struct str *out, const struct kept_kind *kind, const char *namespace_,
                     const char *name, struct err *err)
{
    struct kube_ref ref = {.group_version = kind->group_version,
                           .resource = kind->resource,
                           .namespace = namespace_,
                           .name = name};
    return kube_path(out, &ref, err);
}

static int kept_get(const struct kept_kind *kind, const char *namespace_, const char *name,
                    struct request *ret_request, struct err *err)
{
    AUTO_STR path = STR_EMPTY;
    if (kept_path(&path, kind, namespace_, name, err) < 0)
        return err_wrap(err, "%s %s", kind->word, name);
    *ret_request =
        (struct request){.method = KUBE_GET, .path = str_take(&path), .accept = KUBE_ACCEPT_JSON};
    return 0;
}

/* doc: what is made; NULL: the one of the action's name and UID is deleted. */
static int kept_write(const struct kept_kind *kind, const struct action *action,
                      struct json_object *take_doc, int64_t timeout_s, enum kube_accept accept,
                      struct request *ret_request, struct err *err)
{
    AUTO_STR path = STR_EMPTY;
    bool create = take_doc != NULL;
    AUTO(json_object) body = create ? take_doc : delete_options(action->uid, NULL, -1);
    if (kept_path(&path, kind, action->namespace_, create ? NULL : action->name, err) < 0)
        return err_wrap(err, "%s %s", kind->word, action->name);
    add_timeout(&path, timeout_s);
    *ret_request = (struct request){.method = create ? KUBE_POST : KUBE_DELETE,
                                    .path = str_take(&path),
                                    .body = text_copy(json_print(body)),
                                    .content = KUBE_CONTENT_JSON,
                                    .accept = accept};
    return 0;
}

int request_revision_get(const char *namespace_, const char *name, struct request *ret_request,
                         struct err *err)
{
    return kept_get(&revisions, namespace_, name, ret_request, err);
}

/* The core wants a revision that was made as the server has it. */
int request_revision(const struct action *action, int64_t timeout_s, struct request *ret_request,
                     struct err *err)
{
    bool create = action->kind == ACTION_REVISION_CREATE;
    struct json_object *doc =
        create ? definition_revision_encode(action->definition, action->count) : NULL;
    return kept_write(&revisions, action, doc, timeout_s,
                      create ? KUBE_ACCEPT_JSON : KUBE_ACCEPT_METADATA, ret_request, err);
}

int request_service_get(const char *namespace_, const char *name, struct request *ret_request,
                        struct err *err)
{
    return kept_get(&services, namespace_, name, ret_request, err);
}

int request_service(const struct action *action, int64_t timeout_s, struct request *ret_request,
                    struct err *err)
{
    bool create = action->kind == ACTION_SERVICE_CREATE;
    struct json_object *doc = create ? node_service_encode(&action->job->meta) : NULL;
    return kept_write(&services, action, doc, timeout_s, KUBE_ACCEPT_METADATA, ret_request, err);
}

/* ---------------------------------------------------------- our own kinds */

int request_get(enum own_kind kind, const char *namespace_, const char *name,
                struct request *ret_request, struct err *err)
{
    AUTO_STR path = STR_EMPTY;
    if (own_path(&path, kind, namespace_, name, NULL, err) < 0)
        return -1;
    *ret_request =
        (struct request){.method = KUBE_GET, .path = str_take(&path), .accept = KUBE_ACCEPT_JSON};
    return 0;
}

int request_job_delete(const struct action *action, int64_t timeout_s, struct request *ret_request,
                       struct err *err)
{
    AUTO_STR path = STR_EMPTY;
    AUTO(json_object) body = delete_options(action->uid, NULL, -1);
    if (own_path(&path, OWN_JOB, action->namespace_, action->name, NULL, err) < 0)
        return err_wrap(err, "job %s", action->name);
    json_put_text(body, "propagationPolicy", "Background");
    add_timeout(&path, timeout_s);
    *ret_request = (struct request){.method = KUBE_DELETE,
                                    .path = str_take(&path),
                                    .body = text_copy(json_print(body)),
                                    .content = KUBE_CONTENT_JSON,
                                    .accept = KUBE_ACCEPT_METADATA};
    return 0;
}

int request_job_told(const struct action *action, int64_t timeout_s, struct request *ret_request,
                     struct err *err)
{
    AUTO_STR path = STR_EMPTY;
    AUTO(json_object) body = json_object_new_object();
    struct json_object *meta = json_object_new_object();
    struct json_object *status = json_object_new_object();
    if (own_path(&path, OWN_JOB, action->namespace_, action->name, "status", err) < 0)
        return err_wrap(err, "job %s", action->name);
    json_put_text(meta, "uid", action->uid);
    json_put_text(status, "delivered", action->message);
    json_put(body, "metadata", meta);
    json_put(body, "status", status);
    add_timeout(&path, timeout_s);
    *ret_request = (struct request){.method = KUBE_PATCH,
                                    .path = str_take(&path),
                                    .body = text_copy(json_print(body)),
                                    .content = KUBE_CONTENT_MERGE_PATCH,
                                    .accept = KUBE_ACCEPT_METADATA};
    return 0;
}

/* PUT of a whole document, or POST of a new one to the collection. */
static int write_doc(enum own_kind kind, struct json_object *doc, const char *subresource,
                     bool create, int64_t timeout_s, struct request *ret_request, struct err *err)
{
    struct json_object *meta = json_get_object(doc, "metadata");
    const char *name = json_get_text(meta, "name");
    AUTO_STR path = STR_EMPTY;
    if (name == NULL)
        return err_set(err, ERR_INVALID, "%s without a name", own_types[kind].kind);
    if (own_path(&path, kind, json_get_text(meta, "namespace"), create ? NULL : name, subresource,
                 err) < 0)
        return -1;
    add_timeout(&path, timeout_s);
    *ret_request = (struct request){.method = create ? KUBE_POST : KUBE_PUT,
                                    .path = str_take(&path),
                                    .body = text_copy(json_print(doc)),
                                    .content = KUBE_CONTENT_JSON,
                                    .accept = KUBE_ACCEPT_METADATA};
    return 0;
}

int request_put_status(enum own_kind kind, struct json_object *doc, int64_t timeout_s,
                       struct request *ret_request, struct err *err)
{
    return write_doc(kind, doc, "status", false, timeout_s, ret_request, err);
}

int request_array_state(struct json_object *doc, int64_t timeout_s, struct request *ret_request,
                        struct err *err)
{
    bool create = json_get_text(json_get_object(doc, "metadata"), "resourceVersion") == NULL;
    return write_doc(OWN_ARRAY_STATE, doc, NULL, create, timeout_s, ret_request, err);
}

int request_finalizer(enum own_kind kind, struct json_object *doc, bool add, int64_t timeout_s,
                      struct request *ret_request, bool *ret_needed, struct err *err)
{
    struct json_object *meta = json_get_object(doc, "metadata");
    struct json_object *now = json_get_list(meta, "finalizers");
    struct json_object *list = json_object_new_array();
    bool had = false;
    for (size_t i = 0; i < json_list_count(now); i++) {
        struct json_object *item = json_list_at(now, i);
        bool ours = text_eq(json_object_get_string(item), FINALIZER_IN_USE);
        had = had || ours;
        if (!ours)
            json_object_array_add(list, json_object_get(item));
    }
    if (add)
        json_object_array_add(list, json_object_new_string(FINALIZER_IN_USE));
    AUTO(json_object) patch = json_object_new_object();
    struct json_object *patch_meta = json_object_new_object();
    json_put_text(patch_meta, "uid", json_get_text(meta, "uid"));
    json_put_text(patch_meta, "resourceVersion", json_get_text(meta, "resourceVersion"));
    json_put(patch_meta, "finalizers", list);
    json_put(patch, "metadata", patch_meta);
    *ret_needed = had != add;
    if (had == add)
        return 0;

    AUTO_STR path = STR_EMPTY;
    if (own_path(&path, kind, json_get_text(meta, "namespace"), json_get_text(meta, "name"), NULL,
                 err) < 0)
        return -1;
    add_timeout(&path, timeout_s);
    *ret_request = (struct request){.method = KUBE_PATCH,
                                    .path = str_take(&path),
                                    .body = text_copy(json_print(patch)),
                                    .content = KUBE_CONTENT_MERGE_PATCH,
                                    .accept = KUBE_ACCEPT_METADATA};
    return 0;
}
