/* SPDX-License-Identifier: Apache-2.0 */
/* request.h - the requests that carry out actions, as data
 *
 * Pure: from an action, or from an object and what is to change, to method, path and body. Every
 * write names what it assumes: a UID, a resourceVersion, or a name that only one writer would
 * choose. Every write also carries a time limit for the server, so that none can come true later
 * than our lease allows (see lease.h of the client). The executor signs them (fence.h). */
#ifndef BULKHEAD_CONTROLLER_REQUEST_H
#define BULKHEAD_CONTROLLER_REQUEST_H

#include "builders.h"

#include "bulkhead/core/core.h"
#include "bulkhead/kube/client.h"

struct request { /* owns its texts */
    enum kube_method method;
    char *path;
    char *body; /* NULL: none */
    enum kube_content content;
    enum kube_accept accept;
};
void request_done(struct request *request);
/* "PUT /apis/... json metadata\n{...}\n", for tests and the debug log. */
void request_print(const struct request *request, struct str *out);

/* The kinds of ours that are read and written here. */
enum own_kind {
    OWN_JOB,
    OWN_DEFINITION,
    OWN_QUEUE,
    OWN_ENVIRONMENT,
    OWN_CONSUMABLE,
    OWN_ARRAY_STATE,
    OWN_KIND_COUNT,
};
struct own_type {
    const char *kind, *resource;
    bool namespaced;
};
extern const struct own_type own_types[OWN_KIND_COUNT];
/* OWN_KIND_COUNT: not one of ours. */
enum own_kind own_kind_find(const char *kind);

/* POD_CREATE, POD_CHECK, POD_GET, POD_RELEASE and POD_DELETE. ERR_INVALID: the order cannot be made
 * into a pod; the text names the template's field. */
int request_pod(const struct action *action, struct builders *builders, int64_t timeout_s,
                struct request *ret_request, struct err *err);

/* JOB_DELETE: of that very job, by its UID; what it owns follows. */
int request_job_delete(const struct action *action, int64_t timeout_s, struct request *ret_request,
                       struct err *err);
/* JOB_TOLD: status.delivered of that very job, and nothing else. */
int request_job_told(const struct action *action, int64_t timeout_s, struct request *ret_request,
                     struct err *err);
/* REVISION_CREATE and REVISION_DELETE; request_revision_get: what has the name already. */
int request_revision(const struct action *action, int64_t timeout_s, struct request *ret_request,
                     struct err *err);
int request_revision_get(const char *namespace_, const char *name, struct request *ret_request,
                         struct err *err);
/* SERVICE_CREATE and SERVICE_DELETE; request_service_get: what has the name already. */
int request_service(const struct action *action, int64_t timeout_s, struct request *ret_request,
                    struct err *err);
int request_service_get(const char *namespace_, const char *name, struct request *ret_request,
                        struct err *err);
int request_get(enum own_kind kind, const char *namespace_, const char *name,
                struct request *ret_request, struct err *err);
/* doc is a whole object with resourceVersion; its namespace and name say where it goes. */
int request_put_status(enum own_kind kind, struct json_object *doc, int64_t timeout_s,
                       struct request *ret_request, struct err *err);
/* Created when doc has no resourceVersion, else replaced. */
int request_array_state(struct json_object *doc, int64_t timeout_s, struct request *ret_request,
                        struct err *err);
/* Puts FINALIZER_IN_USE on or takes it off, with whatever others have there left in place. doc is
 * the object as just read. ret_needed false: it is as wanted already, and there is no request. */
int request_finalizer(enum own_kind kind, struct json_object *doc, bool add, int64_t timeout_s,
                      struct request *ret_request, bool *ret_needed, struct err *err);

#endif
