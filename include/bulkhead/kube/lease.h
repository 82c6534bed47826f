/* SPDX-License-Identifier: Apache-2.0 */
/* lease.h - one leader at a time, by a coordination.k8s.io/v1 Lease
 *
 * Taken when the lease is absent, released, ours already (a restart with the same identity), or
 * when its record has not changed for its duration by OUR clock: the times written in it are never
 * compared with ours.
 *
 * Safety     held until the sending time of the last successful renewal plus renew_deadline_ms.
 *            Another may take it duration_ms after that renewal at the earliest, so whatever the
 *            holder sends must be over within their difference (5 s by default) of being sent: give
 *            writes a timeout below that. Clocks may differ; their rates may not by more than that.
 *            A stopped process is not warned: ask kube_lease_is_held before every batch of writes,
 *            and fence writes in the API server besides.
 * Lane       KUBE_LANE_LEASE. */
#ifndef BULKHEAD_KUBE_LEASE_H
#define BULKHEAD_KUBE_LEASE_H

#include "bulkhead/kube/client.h"

/* Callbacks run from the loop and must not free the lease.
 * on_acquired: from now it is held. on_lost: no write may leave any more; why is one line. It goes
 * on trying to take the lease again; a caller that would rather exit does so.
 * on_observed (may be NULL): someone else holds it, or err says why the last call did not work. */
struct kube_lease_options {
    const char *namespace, *name; /* copied */
    const char *identity;         /* stable across restarts if a restart shall take over at once */
    int64_t duration_ms;          /* 0: 15,000; whole seconds, at least 1,000 */
    int64_t renew_deadline_ms;    /* 0: 10,000; less than duration_ms */
    int64_t retry_ms;             /* 0: 2,000; less than renew_deadline_ms / 1.2 */
    struct kube_random random;
    void (*on_acquired)(void *ctx);
    void (*on_lost)(void *ctx, const char *why);
    void (*on_observed)(void *ctx, const char *holder, const struct err *err);
    void *ctx;
};

struct kube_lease;
struct kube_lease *kube_lease_new(struct kube_client *client,
                                  const struct kube_lease_options *options, struct err *err);
struct kube_lease *kube_lease_free(struct kube_lease *lease); /* does not release it */
DEFINE_AUTO(kube_lease, kube_lease_free)

/* Cheap. now_ns: clock_steady_ns(), read for this call. */
bool kube_lease_is_held(const struct kube_lease *lease, int64_t now_ns);
int64_t kube_lease_held_until_ns(const struct kube_lease *lease); /* 0: not held */
const char *kube_lease_holder(const struct kube_lease *lease); /* last seen; "" unknown or free */
int64_t kube_lease_transitions(const struct kube_lease *lease);

/* Gives the lease back, so that another may take it at once: call when the last write has been
 * answered. It counts as lost at once (on_lost does not run). on_done (may be NULL) runs from the
 * loop when the server has answered, or after 2 s; free the lease after that. */
void kube_lease_release(struct kube_lease *lease, void (*on_done)(void *ctx), void *ctx);

#endif
