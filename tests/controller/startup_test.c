/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "bulkhead/kube/access.h"
#include "controller/startup.h"

TEST(rights_print)
{
    static const struct kube_right all[] = {
        {"get", "bulkhead.dev", "batchjobs", NULL},
        {"list", "bulkhead.dev", "batchjobs", NULL},
        {"update", "bulkhead.dev", "batchjobs/status", NULL},
        {"create", "", "pods", NULL},
        {"patch", "", "pods", NULL},
        {"update", "coordination.k8s.io", "leases", "bulkhead-system"},
    };
    static const size_t some[] = {0, 1, 3, 5};
    static const size_t one[] = {4};
    AUTO_STR out = STR_EMPTY;
    rights_print(all, some, ARRAY_LEN(some), &out);
    CHECK_TEXT(
        "some", str_text(&out),
        "batchjobs.bulkhead.dev: get,list; pods: create; leases.coordination.k8s.io: update");
    str_clear(&out);
    rights_print(all, one, ARRAY_LEN(one), &out);
    CHECK_TEXT("one", str_text(&out), "pods: patch");
}
