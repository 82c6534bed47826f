/* SPDX-License-Identifier: Apache-2.0 */
/* outcome.h - what an answer of the API server means for whoever asked
 *
 * A pure function of method, HTTP status and the Status object in the body; a fuzz target. */
#ifndef BULKHEAD_KUBE_OUTCOME_H
#define BULKHEAD_KUBE_OUTCOME_H

#include "bulkhead/base/err.h"

#include <stdbool.h>

struct json_object;

enum kube_outcome {
    KUBE_OK,                    /* 2xx */
    KUBE_NOT_FOUND,             /* 404 */
    KUBE_EXISTS,                /* 409 AlreadyExists: read it, adopt it only if it is yours */
    KUBE_CONFLICT,              /* 409: a precondition (uid, resourceVersion) no longer holds */
    KUBE_INVALID,               /* 400, 405, 406, 413, 415, 422: the server's words say why */
    KUBE_FORBIDDEN,             /* 403: RBAC or an admission policy */
    KUBE_QUOTA,                 /* 403 "exceeded quota": wait until something ends */
    KUBE_UNAUTHORIZED,          /* 401, after the credentials were refreshed and sent once more */
    KUBE_TOO_MANY,              /* 429, still so when the request's time was over */
    KUBE_GONE,                  /* 410: a resourceVersion or continue token is too old */
    KUBE_NAMESPACE_TERMINATING, /* 403 or 409: nothing new can be made there */
    KUBE_SERVER,                /* 5xx: a write may or may not have happened */
    KUBE_UNKNOWN,               /* sent, no whole answer: a write may or may not have happened */
    KUBE_NOT_SENT,              /* certainly did not happen: never left this process */
    KUBE_OUTCOME_COUNT
};

const char *kube_outcome_name(enum kube_outcome outcome); /* "Exists"; for logs and metrics */

/* AGAIN: TOO_MANY, SERVER, UNKNOWN, NOT_SENT, QUOTA, UNAUTHORIZED. STALE: EXISTS, CONFLICT,
 * NOT_FOUND. EXPIRED: GONE. INVALID: INVALID, FORBIDDEN, NAMESPACE_TERMINATING. NONE: OK. */
enum err_kind kube_outcome_kind(enum kube_outcome outcome);

/* True for SERVER and UNKNOWN: whoever wrote must read back before it decides anything. */
bool kube_outcome_is_open(enum kube_outcome outcome);

/* status: the HTTP status (100..599). body: NULL, or what the server sent; any JSON is tolerated.
 * Never returns UNKNOWN or NOT_SENT. */
enum kube_outcome kube_outcome_of(int status, struct json_object *body);

/* Of a metav1.Status body; "" when there is none. Borrowed from body. */
const char *kube_status_reason(struct json_object *body);
const char *kube_status_message(struct json_object *body);

#endif
