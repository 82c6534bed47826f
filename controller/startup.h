/* SPDX-License-Identifier: Apache-2.0 */
/* startup.h - before anything else: is the API server there, does it serve our kinds, may we work?
 *
 * Asked again with a growing pause until all three hold, because each heals without us: the server
 * comes up, somebody applies the manifests. Each obstacle is logged once, and again when it
 * changes. */
#ifndef BULKHEAD_CONTROLLER_STARTUP_H
#define BULKHEAD_CONTROLLER_STARTUP_H

#include "bulkhead/base/str.h"
#include "bulkhead/kube/client.h"

struct startup_options {
    struct kube_client *kube;
    struct kube_random random;
    const char *lease_namespace; /* copied */
    void (*on_passed)(void *ctx);
    void *ctx;
};

struct startup;
struct startup *startup_new(uv_loop_t *uv, const struct startup_options *options);
const char *startup_obstacle(const struct startup *startup); /* NULL: none known */
/* Its handle closes on the loop. The client must be closed before it runs again. */
struct startup *startup_free(struct startup *startup);

/* "pods: create,delete; batchjobs.bulkhead.dev: get": those that missing (count indexes) names. */
struct kube_right;
void rights_print(const struct kube_right *all, const size_t *missing, size_t count,
                  struct str *out);

#endif
