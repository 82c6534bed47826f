/* SPDX-License-Identifier: Apache-2.0 */
/* uninstall.h - --uninstall: takes from a cluster what only a controller takes away
 *
 * Without a controller a pod of a job, a queue, an environment and a resource that are deleted stay
 * for ever, for the finalizer that they carry. This takes all of them off, deletes the pods,
 * Services and revisions that jobs left, and says how many. What has been recorded of no try is
 * lost then; BatchJobs and the other kinds go with their CRDs.
 *
 * Refuses: while a controller leads, which would put finalizers back and start what was
 * deleted. A lease that somebody holds is watched for as long as its holder has to renew it.
 *
 * Needs neither lease nor Cell nor CRDs: it works on a cluster that is half uninstalled, and
 * again.
 *
 * Not here: machines. Only their provider ends them, and only a controller asks it; nodes that
 * are left are told.
 *
 * Bounds: a page of UNINSTALL_PAGE objects is in flight, UNINSTALL_PASSES lists of a kind. */
#ifndef BULKHEAD_CONTROLLER_UNINSTALL_H
#define BULKHEAD_CONTROLLER_UNINSTALL_H

#include "bulkhead/kube/client.h"

#include "options.h"

enum { UNINSTALL_PAGE = 500, UNINSTALL_PASSES = 8, UNINSTALL_PAUSE_MS = 500 };

struct uninstall_options {
    uv_loop_t *uv;
    struct kube_client *kube;                    /* borrowed */
    const char *namespace_;                      /* of the lease */
    int64_t second_ms, pause_ms;                 /* 0: 1000 and UNINSTALL_PAUSE_MS; for tests */
    void (*on_done)(void *ctx, int exit_status); /* once, from the loop */
    void *ctx;
};

struct uninstall;
struct uninstall *uninstall_new(const struct uninstall_options *options);
struct uninstall *uninstall_free(struct uninstall *uninstall); /* after the client was closed */
DEFINE_AUTO(uninstall, uninstall_free)

/* All of it. 0: nothing is left that waits for a controller; 1: something is, and was told. -1:
 * err. */
int uninstall_run(const struct options *options, struct err *err);

#endif
