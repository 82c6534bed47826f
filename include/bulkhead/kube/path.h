/* SPDX-License-Identifier: Apache-2.0 */
/* path.h - request paths of the API server, percent-encoded
 *
 *   struct kube_ref ref = {.group_version = "apps/v1", .resource = "controllerrevisions",
 *                          .namespace = "team-a", .name = "train-1"};
 *   kube_path(&path, &ref, err) /apis/apps/v1/namespaces/team-a/controllerrevisions/train-1
 *   kube_path_query(&path, "timeout", "5s") ...?timeout=5s
 */
#ifndef BULKHEAD_KUBE_PATH_H
#define BULKHEAD_KUBE_PATH_H

#include "bulkhead/base/err.h"
#include "bulkhead/base/str.h"

struct kube_ref {
    const char *group_version; /* "v1" (core) or "group/version" */
    const char *resource;      /* plural: "pods" */
    const char *namespace;     /* NULL: cluster-scoped, or all namespaces */
    const char *name;          /* NULL: the collection */
    const char *subresource;   /* NULL: none; "status", "log" */
};

/* Appends to out. ERR_INVALID, and out unchanged, for a missing part, for "" where NULL was meant
 * (DELETE .../pods/ would delete them all), and for "." and "..". */
int kube_path(struct str *out, const struct kube_ref *ref, struct err *err);

/* Appends ?key=value or &key=value. */
void kube_path_query(struct str *out, const char *key, const char *value);

#endif
