/* SPDX-License-Identifier: Apache-2.0 */
/* process.h - the parts of the process, shared by controller.c (its life) and process.c (wiring)
 *
 * Order      What uses the client is closed before it; what the executor and the core remember goes
 *            after it, when no answer can come any more. */
#ifndef BULKHEAD_CONTROLLER_PROCESS_H
#define BULKHEAD_CONTROLLER_PROCESS_H

#include "bulkhead/kube/lease.h"
#include "bulkhead/serve/server.h"

#include "execute.h"
#include "explain.h"
#include "fence.h"
#include "groups.h"
#include "loop.h"
#include "metrics.h"
#include "options.h"
#include "ready.h"
#include "recording.h"
#include "sink.h"
#include "standby.h"
#include "startup.h"
#include "watches.h"

struct controller {
    const struct options *options;
    uv_loop_t uv;
    enum life life;
    int exit_status;
    char *lease_namespace, *identity;
    struct kube_random random;

    struct kube_client *kube;
    struct kube_lease *lease;
    struct fence *fence;
    struct kube_events *events;
    struct server *server;
    struct startup *startup;
    struct watches *watches;
    struct standby *standby; /* what is heard goes there; NULL: to the core */
    struct observer *observer;
    struct memo *memo;
    struct core *core;
    struct loop *loop;
    struct recording *recording; /* NULL: none */
    struct executor *executor;
    struct groups *groups;
    struct sink *sink; /* NULL: none */
    struct measures *measures;
    struct explain_pace explain_pace;

    uv_signal_t signals[2];
    uv_timer_t tick, stop_deadline;
    bool handles_open, releasing;
    char *holder;        /* as last told; NULL: not yet */
    char *lease_trouble; /* NULL: none */
    int lease_trouble_ticks;
    int behind_ticks;               /* since a standby has begun to take over */
    int64_t acquired_ns;            /* the lease */
    int64_t lease_trouble_until_ns; /* held until then, as it was known when trouble came */
    bool lease_trouble_told;
};

/* controller.c: what happens when. */
void controller_before_plan(void *ctx);
void controller_on_barred(void *ctx);
void controller_on_signal(uv_signal_t *handle, int number);
void controller_on_tick(uv_timer_t *timer);
void controller_on_checks_passed(void *ctx);
void controller_on_epoch(void *ctx, bool enforced);
void controller_on_passed(void *ctx, const char *why);
bool controller_on_ready(void *ctx, struct str *why);
void controller_on_metrics(void *ctx, struct str *out);
unsigned controller_on_explain(void *ctx, const struct key_values *args, bool *ret_json,
                               struct str *out);

/* process.c */
int process_open(struct controller *controller, struct err *err);
void process_close(struct controller *controller); /* also one that opened halfway */
bool process_may_act(void *ctx);
void process_apply(void *ctx, struct event *event);
/* What a standby has heard goes to the core, as if it had been listed now. */
void process_hand_over(struct controller *controller);

#endif
