/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "controller/result.h"

/* clang-format off */
static const struct { enum action_kind kind; enum kube_outcome outcome; const char *message; const char *want; } rows[] = {
    { ACTION_POD_CREATE, KUBE_OK, "", "ok" },
    { ACTION_POD_CREATE, KUBE_EXISTS, "pods \"a\" already exists", "exists" },
    { ACTION_POD_CREATE, KUBE_NOT_FOUND, "namespaces \"gone\" not found", "again" },
    { ACTION_POD_CREATE, KUBE_INVALID, "strict decoding error: unknown field \"spec.contaners\"", "refused" },
    { ACTION_POD_CREATE, KUBE_QUOTA, "exceeded quota: q", "quota" },
    { ACTION_POD_CREATE, KUBE_FORBIDDEN, "pods is forbidden: User \"x\" cannot create resource \"pods\" in API group \"\" in the namespace \"n\"", "forbidden" },
    { ACTION_POD_CREATE, KUBE_FORBIDDEN, "pods \"a\" is forbidden: violates PodSecurity \"restricted:latest\": ...", "refused" },
    { ACTION_POD_CREATE, KUBE_FORBIDDEN, "pods \"a\" is forbidden: error looking up service account n/default: serviceaccount \"default\" not found", "again" },
    { ACTION_POD_CREATE, KUBE_FORBIDDEN, "pods \"a\" is forbidden: error looking up service account n/robot: serviceaccount \"robot\" not found", "refused" },
    { ACTION_POD_CREATE, KUBE_NAMESPACE_TERMINATING, "", "refused" },
    { ACTION_POD_CREATE, KUBE_TOO_MANY, "", "again" },
    { ACTION_POD_CREATE, KUBE_UNAUTHORIZED, "", "again" },
    { ACTION_POD_CREATE, KUBE_SERVER, "", "unknown" },
    { ACTION_POD_CREATE, KUBE_UNKNOWN, "", "unknown" },
    { ACTION_POD_CREATE, KUBE_NOT_SENT, "", "again" },
    { ACTION_POD_CHECK, KUBE_SERVER, "", "again" },
    { ACTION_POD_CHECK, KUBE_INVALID, "", "refused" },
    { ACTION_POD_GET, KUBE_NOT_FOUND, "", "not_found" },
    { ACTION_POD_GET, KUBE_UNKNOWN, "", "again" },
    { ACTION_POD_RELEASE, KUBE_NOT_FOUND, "", "not_found" },
    { ACTION_POD_RELEASE, KUBE_INVALID, "Pod \"a\" is invalid: metadata.uid: Invalid value: \"u\": field is immutable", "not_found" },
    { ACTION_POD_RELEASE, KUBE_CONFLICT, "Precondition failed: UID in precondition: u, UID in object meta: v", "not_found" },
    { ACTION_POD_RELEASE, KUBE_CONFLICT, "the object has been modified", "again" },
    { ACTION_POD_RELEASE, KUBE_SERVER, "", "unknown" },
    { ACTION_POD_DELETE, KUBE_CONFLICT, "Precondition failed: UID in precondition: u, UID in object meta: v", "not_found" },
    { ACTION_POD_DELETE, KUBE_CONFLICT, "Operation cannot be fulfilled on Pod \"a\": Precondition failed: ResourceVersion in precondition: 7, ResourceVersion in object meta: 9", "conflict" },
    { ACTION_POD_DELETE, KUBE_NOT_FOUND, "", "not_found" },
    { ACTION_POD_MARK, KUBE_CONFLICT, "the object has been modified", "conflict" },
    { ACTION_POD_MARK, KUBE_SERVER, "", "unknown" },
    { ACTION_JOB_STATUS, KUBE_CONFLICT, "the object has been modified", "conflict" },
    { ACTION_JOB_STATUS, KUBE_NOT_FOUND, "", "not_found" },
    { ACTION_JOB_STATUS, KUBE_FORBIDDEN, "", "forbidden" },
    { ACTION_JOB_STATUS, KUBE_INVALID, "a terminal status never changes", "refused" },
    { ACTION_SERVICE_CREATE, KUBE_EXISTS, "services \"a\" already exists", "exists" },
    { ACTION_SERVICE_CREATE, KUBE_FORBIDDEN, "services is forbidden: User \"x\" cannot create resource \"services\" in API group \"\" in the namespace \"n\"", "forbidden" },
    { ACTION_SERVICE_CREATE, KUBE_FORBIDDEN, "services \"a\" is forbidden: a policy says no", "refused" },
    { ACTION_SERVICE_CREATE, KUBE_QUOTA, "exceeded quota: q", "quota" },
    { ACTION_SERVICE_DELETE, KUBE_CONFLICT, "Precondition failed: UID in precondition: u, UID in object meta: v", "not_found" },
    { ACTION_FINALIZER, KUBE_CONFLICT, "the object has been modified", "conflict" },
};
/* clang-format on */

TEST(result_of)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TEXT name =
            text_printf("row %zu: %s %s", i, kube_outcome_name(rows[i].outcome), rows[i].message);
        enum done_result result = result_of(rows[i].kind, rows[i].outcome, rows[i].message);
        CHECK_TEXT(name, done_result_name(result), rows[i].want);
    }
}

TEST(result_of_every_outcome)
{
    for (int kind = 0; kind < ACTION_KIND_COUNT; kind++)
        for (int outcome = 0; outcome < KUBE_OUTCOME_COUNT; outcome++) {
            enum done_result result =
                result_of((enum action_kind)kind, (enum kube_outcome)outcome, NULL);
            CHECK_TRUE("ok only when it is", (result == DONE_OK) == (outcome == KUBE_OK));
            CHECK_TRUE("has a name", done_result_name(result) != NULL);
        }
}
