/* SPDX-License-Identifier: Apache-2.0 */
/* standby.h - what a replica that does not lead reads along, and how it is handed to the core
 *
 * Why: a takeover that lists tens of thousands of pods takes seconds, in which nothing starts.
 * A standby has read them all before, and needs to hear only what came last.
 *
 * Owns: of each object the last event that it gave, in the shape in which the core takes it:
 * about 1 KiB a pod. The core itself is told nothing before the takeover, and decides nothing.
 *
 * Safety: what was heard may be old: the leader before may have written since. So after the
 * epoch is raised, when nobody else can write any more, each kind is brought up to that moment
 * before anything is handed over. Pods: one of ours is annotated, and what comes before that
 * change in their watch is all that came before it in the store. A kind of STANDBY_MANY
 * objects or more: its present version is asked for, and heard of in its watch. Any other
 * kind, and a watch that has not come so far within STANDBY_PATIENCE_TICKS, is listed again.
 * So what the core is handed is what lists made now would show, in their order.
 *
 * Not here: whether to stand by at all, and what when it does not work (controller.c). */
#ifndef BULKHEAD_CONTROLLER_STANDBY_H
#define BULKHEAD_CONTROLLER_STANDBY_H

#include "watches.h"

enum { STANDBY_MANY = 1000 };

struct standby;
struct standby *standby_new(void);
struct standby *standby_free(struct standby *standby); /* before the client is closed */
DEFINE_AUTO(standby, standby_free)

/* Each object that is heard of: what was known of it is dropped, then what it is now put there. */
void standby_drop(struct standby *standby, enum watched_kind kind, const char *namespace_,
                  const char *name);
/* Takes what the event owns. The event that an object has gone leaves nothing. */
void standby_put(struct standby *standby, enum watched_kind kind, struct event *event);
size_t standby_count(const struct standby *standby);
size_t standby_count_of(const struct standby *standby, enum watched_kind kind);

struct standby_takeover {
    struct kube_client *kube;
    struct watches *watches; /* borrowed until on_synced of the watches, or standby_free */
    const char *manager;     /* of the fence; borrowed for the call */
    int64_t epoch;
};
/* Brings every kind up to now; the watches' on_synced runs when all are. */
void standby_catch_up(struct standby *standby, const struct standby_takeover *takeover);
/* All of it, kind after kind, in the order of lists. Empty after that. */
void standby_hand_over(struct standby *standby,
                       void (*apply)(void *ctx, enum watched_kind kind, struct event *event),
                       void *ctx);

#endif
