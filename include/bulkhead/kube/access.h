/* SPDX-License-Identifier: Apache-2.0 */
/* access.h - before anything else: may we do our work here, and are our resources installed?
 *
 * Both answer once, from the loop, with one line a person can act on. A check that could not be
 * made (no answer, refused) is an error of kind AGAIN or INVALID, not "missing". The client must
 * outlive the answer, or be closed (then there is none). */
#ifndef BULKHEAD_KUBE_ACCESS_H
#define BULKHEAD_KUBE_ACCESS_H

#include "bulkhead/kube/client.h"

struct kube_right {
    const char *verb;
    const char *group;     /* "" core */
    const char *resource;  /* "pods" or "pods/status" */
    const char *namespace; /* NULL: in all namespaces, or cluster-scoped */
};

/* missing: indexes into rights of what is not allowed, borrowed. err is NULL when the check was
 * made and nothing is missing; else "not allowed (kubectl apply -k manifests/default, or grant it):
 * create pods, patch batchjobs/status.bulkhead.dev" (INVALID) or why the check could not be made.
 */
typedef void kube_access_fn(void *ctx, const size_t *missing, size_t missing_count,
                            const struct err *err);

/* rights is copied; at most 256. One SelfSubjectAccessReview each, all at once. */
int kube_access_check(struct kube_client *client, const struct kube_right *rights, size_t count,
                      kube_access_fn *on_done, void *ctx, struct err *err);

/* Are these resources ("batchjobs", "jobqueues"; NULL-terminated, copied) served in group_version
 * ("bulkhead.dev/v1alpha1")? err NULL: all of them. Else "the API server does not know
 * bulkhead.dev/v1alpha1: install the CRDs with kubectl apply -k ..." */
typedef void kube_discovery_fn(void *ctx, const struct err *err);
int kube_discovery_check(struct kube_client *client, const char *group_version,
                         const char *const *resources, kube_discovery_fn *on_done, void *ctx,
                         struct err *err);

#endif
