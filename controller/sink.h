/* SPDX-License-Identifier: Apache-2.0 */
/* sink.h - posts changes of state to the event sink, one CloudEvent a request
 *
 * Owns       a client of its own, so that a slow sink delays no write to the API server, and each
 *            event from sink_post until on_answer.
 * Answers    2xx: taken. 400, 413, 415, 422: never to be taken as it is (DONE_REFUSED). Anything
 *            else, no answer included: to be sent again (DONE_AGAIN); when, the core decides.
 * Log        one line when the trouble starts, one when it is over, and one for each refusal. */
#ifndef BULKHEAD_CONTROLLER_SINK_H
#define BULKHEAD_CONTROLLER_SINK_H

#include "bulkhead/core/core.h"
#include "bulkhead/kube/client.h"
#include "bulkhead/kube/endpoint.h"

struct sink_options {
    uv_loop_t *uv;
    struct kube_endpoint endpoint;
    struct kube_random random;
    const char *user_agent;
    /* From the loop, once for each event posted; never inside sink_post. */
    void (*on_answer)(void *ctx, uint64_t action_id, enum done_result result, const char *message);
    void *ctx;
};

struct sink_stats {
    uint64_t delivered, refused, failed; /* failed: sent, or not even that, and not taken */
};

struct sink;
struct sink *sink_new(const struct sink_options *options, struct err *err); /* NULL: see err */
struct sink *sink_free(struct sink *sink); /* no answers any more */
DEFINE_AUTO(sink, sink_free)

/* JOB_TELL. false: it could not even be sent; there will be no answer. */
bool sink_post(struct sink *sink, const struct action *action);
struct sink_stats sink_stats(const struct sink *sink);

#endif
