/* SPDX-License-Identifier: Apache-2.0 */
/* client_priv.h - the insides of a kube_client, shared by client.c (slots, sending, life), lane.c
 * (wires, who goes next) and call.c (one request on the wire), and the timers that watches, leases
 * and events run on */
#ifndef BULKHEAD_KUBE_CLIENT_PRIV_H
#define BULKHEAD_KUBE_CLIENT_PRIV_H

#include "auth.h"
#include "bulkhead/base/heap.h"
#include "bulkhead/base/str.h"
#include "bulkhead/kube/client.h"
#include "easy.h"
#include "window.h"
#include "wire.h"

enum { IDLE_EASIES_MAX = 64, OLD_WIRES_MAX = 4 };

/* A timer on the client's clock (clock_steady_ns). Embedded and borrowed; clear it before it goes.
 * on_due runs from the loop, once. */
struct kube_timer {
    struct timer timer;
    void (*on_due)(void *ctx);
    void *ctx;
};
void kube_timer_set(struct kube_client *client, struct kube_timer *timer, int64_t due_ns);
void kube_timer_clear(struct kube_client *client, struct kube_timer *timer);

enum call_state { CALL_WAITING, CALL_FLYING, CALL_DOOMED };

/* One request, from kube_send until its on_done. */
struct call {
    struct kube_client *client;
    struct lane *lane;
    struct call *next, *previous; /* in the lane's list of its state, or the client's of doomed */
    enum call_state state;
    uint64_t id;
    enum kube_method method;
    enum kube_content content;
    enum kube_accept accept;
    bool keep_429;
    char *path, *body;
    size_t body_bytes, answer_bytes_max;
    kube_data_fn *on_data;
    kube_done_fn *on_done;
    void (*on_dropped)(void *ctx);
    void *ctx;
    struct kube_timer expiry; /* while it waits */
    int64_t deadline_ns;      /* INT64_MAX: none */

    /* The sending of the moment. */
    CURL *easy;
    struct curl_slist *headers;
    struct lane_wire *wire;
    uint64_t auth_generation;
    struct str answer;
    char curl_text[CURL_ERROR_SIZE];
    int64_t sent_ns; /* 0: not on the wire yet */
    bool too_large, stopped;

    /* What it has been through. */
    bool reconnected, reauthorized;
    bool refused; /* by a 429 */
    int64_t latency_ns;
};

struct call_list {
    struct call *first, *last;
    size_t count;
};
void call_list_append(struct call_list *list, struct call *call);
void call_list_prepend(struct call_list *list, struct call *call);
void call_list_remove(struct call_list *list, struct call *call);

/* A wire of a lane: the current one, or one that is left to finish what is on it. */
struct lane_wire {
    struct lane *lane;
    struct wire *wire;
    bool closing;
};

struct idle_easy {
    CURL *easy;
    uint64_t cert_generation;
};

struct lane {
    struct kube_client *client;
    enum kube_lane name;
    struct lane_wire *current;
    struct lane_wire *old[OLD_WIRES_MAX];
    struct call_list waiting, flying;
    struct window window;
    bool adaptive;
    int64_t paused_until_ns; /* after a 429 */
    struct kube_timer resume;
    struct kube_backoff pause; /* for 429s that do not say how long */
    int64_t renewed_ns;
    struct idle_easy idle[IDLE_EASIES_MAX];
    size_t idle_count;
    struct kube_lane_stats stats;
};

struct kube_client {
    uv_loop_t *loop;
    struct kube_config *config;
    struct kube_client_options options;
    char *user_agent;
    struct easy_target target;
    struct auth *auth;
    uint64_t cert_generation;
    struct lane lanes[KUBE_LANE_COUNT];
    struct call_list doomed; /* cancelled inside a libcurl callback */
    struct call **slots;     /* id: generation << 32 | place + 1 */
    size_t slot_count, slot_capacity;
    size_t *free_slots;
    size_t free_count, free_capacity;
    uint32_t generation;
    struct timers timers;
    uv_timer_t timer;
    int in_curl;       /* inside libcurl: its handles must not be touched */
    bool sending_only; /* inside kube_send: no on_done may run */
    bool closing;
    int open_parts; /* wires, auth and timer that have not closed */
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

/* client.c */
void client_release(struct call *call); /* out of its list and its slot, and freed */
void client_part_closed(struct kube_client *client);

/* lane.c */
void lane_init(struct kube_client *client, enum kube_lane name);
void lane_close(struct lane *lane); /* on_dropped for every call; its wires follow from the loop */
void lane_pump(struct lane *lane);  /* starts what may go out */
void lane_pause(struct lane *lane, int64_t until_ns);
void client_pump(struct kube_client *client); /* every lane */

/* call.c */
void call_start(struct call *call);                   /* puts it on its lane's current wire */
void call_detach(struct call *call);                  /* off the wire, its easy handle put aside */
void call_finished(struct call *call, CURLcode code); /* the wire is through with it */
/* Ends it without an answer: runs on_done and releases it. */
void call_fail(struct call *call, enum kube_outcome outcome, const char *message);

#endif
