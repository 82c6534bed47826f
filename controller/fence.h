/* SPDX-License-Identifier: Apache-2.0 */
/* fence.h - takes the epoch of the Cell, and tells when another has taken it
 *
 *   fence_take:  read the Cell (make it if it is not there) -> raise its epoch, by the version that
 *                was read -> ask whether the API server refuses the epoch before -> on_taken
 *
 * Why        A lease alone does not keep a process that was stopped for minutes from sending what
 *            it had ready. From on_taken on, the API server refuses it (cell.h).
 * Proof      The question is a dry run under the epoch before, repeated for a while because the
 * server's own view of the Cell comes a moment later. If it is still accepted, the policies are not
 * installed: on_taken says so, and the lease alone has to do. Trouble    Everything is tried again
 * with a growing pause; the lease bounds how long. */
#ifndef BULKHEAD_CONTROLLER_FENCE_H
#define BULKHEAD_CONTROLLER_FENCE_H

#include "bulkhead/kube/client.h"

#include <uv.h>

struct fence_options {
    uv_loop_t *uv;
    struct kube_client *kube;
    struct kube_random random;
    const char *cell, *holder; /* copied */
    int64_t proof_ms;          /* how long the proof is looked for; 0: 3 s */
    int64_t (*wall_ns)(void);
    void (*on_taken)(void *ctx, bool enforced);
    void (*on_passed)(void *ctx, const char *why); /* another has it now; why is one line */
    void *ctx;
};

struct fence;
struct fence *fence_new(const struct fence_options *options);
struct fence *fence_free(struct fence *fence); /* closes on the loop; the client must be closed */
void fence_take(struct fence *fence);
/* A write was refused by the policies: is the epoch still ours? */
void fence_look(struct fence *fence);
int64_t fence_epoch(const struct fence *fence);       /* 0: not taken yet */
bool fence_is_enforced(const struct fence *fence);    /* proven when it was taken */
const char *fence_manager(const struct fence *fence); /* "bulkhead-default-7"; NULL: not taken */

#endif
