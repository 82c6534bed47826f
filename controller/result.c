/* SPDX-License-Identifier: Apache-2.0 */
#include "result.h"

#include <string.h>

/* clang-format off */
static const enum done_result results[KUBE_OUTCOME_COUNT] = {
    [KUBE_OK]                    = DONE_OK,
    [KUBE_NOT_FOUND]             = DONE_NOT_FOUND,
    [KUBE_EXISTS]                = DONE_EXISTS,
    [KUBE_CONFLICT]              = DONE_CONFLICT,
    [KUBE_INVALID]               = DONE_REFUSED,
    [KUBE_FORBIDDEN]             = DONE_FORBIDDEN,
    [KUBE_QUOTA]                 = DONE_QUOTA,
    [KUBE_UNAUTHORIZED]          = DONE_AGAIN,
    [KUBE_TOO_MANY]              = DONE_AGAIN,
    [KUBE_GONE]                  = DONE_AGAIN,
    [KUBE_NAMESPACE_TERMINATING] = DONE_REFUSED,
    [KUBE_SERVER]                = DONE_UNKNOWN,
    [KUBE_UNKNOWN]               = DONE_UNKNOWN,
    [KUBE_NOT_SENT]              = DONE_AGAIN,
};
/* clang-format on */

static bool has(const char *message, const char *part)
{
    return message != NULL && strstr(message, part) != NULL;
}

/* What a job cannot go on without. */
static bool is_create(enum action_kind kind)
{
    return kind == ACTION_POD_CREATE || kind == ACTION_POD_CHECK || kind == ACTION_SERVICE_CREATE;
}

/* RBAC writes: pods is forbidden: User "x" cannot create resource "pods" in API group "".
 * Everything else that says 403 is about the object itself. */
static enum done_result forbidden(enum action_kind kind, const char *message)
{
    if (!is_create(kind))
        return DONE_FORBIDDEN;
    if (has(message, "cannot ") && has(message, " resource "))
        return DONE_FORBIDDEN;
    /* A namespace is younger than its default service account by a moment. */
    if (has(message, "error looking up service account") &&
        has(message, "serviceaccount \"default\" not found"))
        return DONE_AGAIN;
    return DONE_REFUSED;
}

/* Neither a GET nor a dry run leaves anything behind, so an open outcome is just a late one. */
static bool writes_nothing(enum action_kind kind)
{
    return kind == ACTION_POD_GET || kind == ACTION_POD_CHECK;
}

enum done_result result_of(enum action_kind kind, enum kube_outcome outcome, const char *message)
{
    enum done_result result = results[outcome];
    switch (result) {
    case DONE_FORBIDDEN:
        return forbidden(kind, message);
    case DONE_UNKNOWN:
        return writes_nothing(kind) ? DONE_AGAIN : DONE_UNKNOWN;
    case DONE_NOT_FOUND:
        /* Only the namespace of a create can be missing, and with it the job soon. */
        return is_create(kind) ? DONE_AGAIN : DONE_NOT_FOUND;
    case DONE_CONFLICT:
        /* A delete names the UID, and the version where it counts that nothing has changed. */
        if (kind == ACTION_POD_DELETE && has(message, "ResourceVersion in precondition"))
            return DONE_CONFLICT;
        if (kind == ACTION_POD_DELETE || kind == ACTION_JOB_DELETE || kind == ACTION_JOB_TOLD ||
            kind == ACTION_REVISION_DELETE || kind == ACTION_SERVICE_DELETE)
            return DONE_NOT_FOUND;
        if (kind == ACTION_POD_RELEASE)
            return has(message, "UID") ? DONE_NOT_FOUND : DONE_AGAIN;
        if (is_create(kind))
            return DONE_AGAIN;
        return DONE_CONFLICT;
    case DONE_REFUSED:
        /* A patch that names another UID is told that the field is immutable. */
        if (kind == ACTION_POD_RELEASE && has(message, "metadata.uid"))
            return DONE_NOT_FOUND;
        return DONE_REFUSED;
    default:
        return result;
    }
}

const char *done_result_name(enum done_result result)
{
    static const char *const names[] = {
        [DONE_OK] = "ok",
        [DONE_EXISTS] = "exists",
        [DONE_NOT_FOUND] = "not_found",
        [DONE_CONFLICT] = "conflict",
        [DONE_REFUSED] = "refused",
        [DONE_QUOTA] = "quota",
        [DONE_FORBIDDEN] = "forbidden",
        [DONE_AGAIN] = "again",
        [DONE_UNKNOWN] = "unknown",
    };
    return names[result];
}
