/* SPDX-License-Identifier: Apache-2.0 */
/* client.h - requests to the API server, on a libuv loop
 *
 * Owns       the connections, the credentials, and every request from kube_send until its on_done
 *            has returned or kube_cancel was called.
 * Promises   on_done runs once per request, from the loop, never inside kube_send. Nothing blocks
 *            (token files are small and read in place; credential plugins are processes of
 *            their own). A write is put on the wire once; it is sent again only when it certainly
 *            did not happen: the connection failed before sending (once), 429 (after
 *            Retry-After, until its time is over), 401 (once, with fresh credentials).
 * Lanes      each has connections of its own, so that a burst of creates or a slow list cannot
 *            delay the lease. HTTP/2: all streams of a lane share one connection.
 * Window     how many requests of KUBE_LANE_WRITES are in flight: between window_min and
 *            window_max, up by a few per round while latency holds, down by a third on 429, 503
 *            or when latency shows that requests only queue in the server. The rest wait, first
 *            in first out.
 * Security   TLS 1.2 or later, verified unless the kubeconfig says otherwise; no redirects, no
 *            proxy, no compression; bodies are bounded.
 * Not here   who may write (lease.h), what to write, list and watch (watch.h). Nothing logs. */
#ifndef BULKHEAD_KUBE_CLIENT_H
#define BULKHEAD_KUBE_CLIENT_H

#include "bulkhead/base/err.h"
#include "bulkhead/kube/backoff.h"
#include "bulkhead/kube/kubeconfig.h"
#include "bulkhead/kube/outcome.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct json_object;

enum kube_lane { KUBE_LANE_WRITES, KUBE_LANE_WATCHES, KUBE_LANE_LEASE, KUBE_LANE_COUNT };
enum kube_method { KUBE_GET, KUBE_POST, KUBE_PUT, KUBE_PATCH, KUBE_DELETE };
enum kube_content {
    KUBE_CONTENT_JSON,
    KUBE_CONTENT_MERGE_PATCH,
    KUBE_CONTENT_STRATEGIC_MERGE_PATCH,
    KUBE_CONTENT_JSON_PATCH,
    KUBE_CONTENT_APPLY, /* server-side apply; JSON is YAML */
    KUBE_CONTENT_CLOUD_EVENT,
};
enum kube_accept {
    KUBE_ACCEPT_JSON,
    KUBE_ACCEPT_METADATA,      /* PartialObjectMetadata: replies to writes, metadata-only watches */
    KUBE_ACCEPT_METADATA_LIST, /* the same for a list */
};

/* Valid until on_done returns; every pointer is borrowed. */
struct kube_response {
    enum kube_outcome outcome;
    int status;               /* HTTP; 0: no answer */
    struct json_object *body; /* NULL: none, or not JSON. json_object_get() keeps it */
    int64_t retry_after_ms;   /* 0: the server did not say */
    const char *reason;       /* the Status object's, "" if none */
    const char *message;      /* the Status object's, or what went wrong on the way; "" if OK */
    bool body_too_large;      /* it passed body_bytes_max and was dropped (outcome UNKNOWN) */
    const char *method_text;  /* "POST" */
    const char *path;
    int64_t latency_ns; /* of the last sending; 0: never sent */
};

/* Sets err to "POST /api/...: 409 AlreadyExists: pods \"x\" already exists" with the outcome's
 * kind; returns -1, or 0 for KUBE_OK. */
int kube_response_err(const struct kube_response *response, struct err *err);

typedef void kube_done_fn(void *ctx, const struct kube_response *response);
/* Bytes of a 2xx body as they come; false ends the request (outcome UNKNOWN). May call kube_send,
 * must not call kube_cancel for this request. */
typedef bool kube_data_fn(void *ctx, const char *bytes, size_t size);

struct kube_request {
    enum kube_lane lane;
    enum kube_method method;
    const char *path;  /* with query, encoded (path.h); copied */
    const char *body;  /* copied; NULL: none */
    size_t body_bytes; /* 0: strlen(body) */
    char **take_body;  /* instead of body: heap text, moved; NULLed when kube_send succeeds */
    enum kube_content content;
    enum kube_accept accept;
    int64_t timeout_ms;    /* from kube_send to on_done, waiting included; 0: 30 s; < 0: none */
    size_t body_bytes_max; /* of the answer; 0: 32 MiB */
    bool keep_429; /* hand a 429 over at once: eviction's 429 means "not now", not overload */
    kube_data_fn *on_data;         /* NULL: the answer is collected and parsed */
    kube_done_fn *on_done;         /* required */
    void (*on_dropped)(void *ctx); /* NULL, or runs instead of on_done when the client is closed */
    void *ctx;
};

struct kube_client_options {
    int window_min, window_max; /* 0: 8 and 96; at most 256 */
    size_t waiting_max;         /* requests waiting, per lane; 0: 4096 */
    int64_t connect_timeout_ms; /* 0: 10 s */
    int64_t exec_timeout_ms;    /* a credential plugin's time; 0: 60 s */
    const char *user_agent;     /* NULL: "bulkhead" */
    struct kube_random random;
};

struct kube_lane_stats {
    int in_flight;
    size_t waiting;
    int window;           /* the present limit */
    uint64_t sent;        /* sendings, repeats included */
    uint64_t answers;     /* of any status */
    uint64_t too_many;    /* 429s */
    uint64_t resent;      /* after 429, 401 or a failed connection */
    uint64_t connections; /* made so far */
    int http_version;     /* of the last answer: 1 or 2; 0: none yet */
};

struct kube_client;

/* config is taken on success. ERR_INVALID: options, CA or client certificate unusable. */
struct kube_client *kube_client_new(uv_loop_t *loop, struct kube_config **take_config,
                                    const struct kube_client_options *options, struct err *err);

/* Ends everything: no on_done runs any more; requests in flight are cut off (on_dropped). Watches,
 * leases and event queues on this client must be freed before. on_closed runs from the loop when
 * the last handle is closed; by then the client is freed. Not from inside on_done or on_data. */
void kube_client_close(struct kube_client *client, void (*on_closed)(void *ctx), void *ctx);

/* ERR_AGAIN: the lane's waiting line is full; send again after an on_done. ERR_INVALID: the request
 * itself. ret_id (may be NULL) is never 0. */
int kube_send(struct kube_client *client, const struct kube_request *request, uint64_t *ret_id,
              struct err *err);

/* on_done will not run. What was already sent may still happen. Unknown and finished ids: no-op. */
void kube_cancel(struct kube_client *client, uint64_t id);

/* Call when a lane's connection is suspect (nothing heard for too long): new requests go to a new
 * connection, those in flight end on the old one. At most once in 5 s; a request that was sent and
 * timed out does it by itself. */
void kube_client_renew_lane(struct kube_client *client, enum kube_lane lane_name);

const struct kube_config *kube_client_config(const struct kube_client *client); /* borrowed */
uv_loop_t *kube_client_loop(const struct kube_client *client);
struct kube_lane_stats kube_client_stats(const struct kube_client *client,
                                         enum kube_lane lane_name);

#endif
