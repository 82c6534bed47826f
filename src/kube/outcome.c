/* SPDX-License-Identifier: Apache-2.0 */
/* outcome.c - what an answer of the API server means: see the header */
#include "bulkhead/kube/outcome.h"

#include "bulkhead/base/str.h"
#include "json_doc.h"

#include <string.h>

static const struct {
    const char *name;
    enum err_kind kind;
} outcomes[KUBE_OUTCOME_COUNT] = {
    [KUBE_OK] = {"OK", ERR_NONE},
    [KUBE_NOT_FOUND] = {"NotFound", ERR_STALE},
    [KUBE_EXISTS] = {"AlreadyExists", ERR_STALE},
    [KUBE_CONFLICT] = {"Conflict", ERR_STALE},
    [KUBE_INVALID] = {"Invalid", ERR_INVALID},
    [KUBE_FORBIDDEN] = {"Forbidden", ERR_INVALID},
    [KUBE_QUOTA] = {"QuotaExceeded", ERR_AGAIN},
    [KUBE_UNAUTHORIZED] = {"Unauthorized", ERR_AGAIN},
    [KUBE_TOO_MANY] = {"TooManyRequests", ERR_AGAIN},
    [KUBE_GONE] = {"Expired", ERR_EXPIRED},
    [KUBE_NAMESPACE_TERMINATING] = {"NamespaceTerminating", ERR_INVALID},
    [KUBE_SERVER] = {"ServerError", ERR_AGAIN},
    [KUBE_UNKNOWN] = {"Unknown", ERR_AGAIN},
    [KUBE_NOT_SENT] = {"NotSent", ERR_AGAIN},
};

const char *kube_outcome_name(enum kube_outcome outcome)
{
    return (unsigned)outcome < KUBE_OUTCOME_COUNT ? outcomes[outcome].name : "?";
}

enum err_kind kube_outcome_kind(enum kube_outcome outcome)
{
    return (unsigned)outcome < KUBE_OUTCOME_COUNT ? outcomes[outcome].kind : ERR_FATAL;
}

bool kube_outcome_is_open(enum kube_outcome outcome)
{
    return outcome == KUBE_SERVER || outcome == KUBE_UNKNOWN;
}

static const char *text_or_empty(const char *text)
{
    return text != NULL ? text : "";
}

const char *kube_status_reason(struct json_object *body)
{
    return text_eq(doc_text(body, "kind"), "Status") ? text_or_empty(doc_text(body, "reason")) : "";
}

const char *kube_status_message(struct json_object *body)
{
    return text_eq(doc_text(body, "kind"), "Status") ? text_or_empty(doc_text(body, "message"))
                                                     : "";
}

/* The namespace admission plugin names itself in details.causes; older servers only in words. */
static bool says_terminating(struct json_object *body)
{
    struct json_object *causes = doc_find(body, "details.causes", json_type_array);
    size_t count = causes != NULL ? json_object_array_length(causes) : 0;

    for (size_t i = 0; i < count; i++) {
        struct json_object *cause = json_object_array_get_idx(causes, i);
        if (text_eq(doc_text(cause, "reason"), "NamespaceTerminating"))
            return true;
    }
    return strstr(kube_status_message(body), "because it is being terminated") != NULL;
}

static enum kube_outcome outcome_of_403(struct json_object *body)
{
    if (says_terminating(body))
        return KUBE_NAMESPACE_TERMINATING;
    if (strstr(kube_status_message(body), "exceeded quota") != NULL)
        return KUBE_QUOTA;
    return KUBE_FORBIDDEN;
}

static enum kube_outcome outcome_of_409(struct json_object *body)
{
    if (text_eq(kube_status_reason(body), "AlreadyExists"))
        return KUBE_EXISTS;
    if (says_terminating(body))
        return KUBE_NAMESPACE_TERMINATING;
    return KUBE_CONFLICT;
}

enum kube_outcome kube_outcome_of(int status, struct json_object *body)
{
    if (status >= 200 && status <= 299)
        return KUBE_OK;

    switch (status) {
    case 401:
        return KUBE_UNAUTHORIZED;
    case 403:
        return outcome_of_403(body);
    case 404:
        return KUBE_NOT_FOUND;
    case 409:
        return outcome_of_409(body);
    case 410:
        return KUBE_GONE;
    case 429:
        return KUBE_TOO_MANY;
    default:
        /* A server of ours sends no 3xx; whatever does is not an API server, and waiting helps as
         * little as with any other 4xx. 408 (a proxy's request timeout) is as open as a 504. */
        return status >= 500 || status == 408 ? KUBE_SERVER : KUBE_INVALID;
    }
}
