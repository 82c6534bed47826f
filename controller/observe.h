/* SPDX-License-Identifier: Apache-2.0 */
/* observe.h - objects of the API server become events of the core
 *
 * Watch events, and objects that we read after a conflict, come the same way. What does not decode
 * is told to its author where we write a status (EVENT_INVALID), else logged, once an object. */
#ifndef BULKHEAD_CONTROLLER_OBSERVE_H
#define BULKHEAD_CONTROLLER_OBSERVE_H

#include "bulkhead/core/core.h"
#include "bulkhead/kube/watch.h"

#include "memo.h"

enum watched_kind { /* in the order in which they are listed; array states come before all others */
                    WATCHED_ARRAY_STATES,
                    WATCHED_ENVIRONMENTS,
                    WATCHED_QUEUES,
                    WATCHED_DEFINITIONS,
                    WATCHED_CONSUMABLES,
                    WATCHED_POLICIES,
                    WATCHED_REVISIONS,
                    WATCHED_SERVICES,
                    WATCHED_NODES,
                    WATCHED_DAEMON_SETS,
                    WATCHED_RUNTIME_CLASSES,
                    WATCHED_PODS,
                    WATCHED_JOBS,
                    WATCHED_COUNT,
};
const char *watched_kind_name(enum watched_kind kind);     /* "BatchJob" */
const char *watched_kind_path(enum watched_kind kind);     /* of the collection in all namespaces */
const char *watched_kind_selector(enum watched_kind kind); /* of labels; NULL: all of it */

struct observer_options {
    struct memo *memo; /* borrowed */
    void (*apply)(void *ctx, enum watched_kind kind, struct event *event);
    /* Before anything else is made of an object; NULL: nobody asks. */
    void (*on_object)(void *ctx, enum watched_kind kind, const char *namespace_, const char *name);
    /* Before the core takes it; borrowed for the call. */
    void (*on_environment)(void *ctx, const struct compute_environment *environment);
    void (*on_environment_gone)(void *ctx, const char *name);
    int64_t (*now_ns)(void);
    void *ctx;
};

struct observer_stats {
    uint64_t told[WATCHED_COUNT]; /* events fed to the core */
    uint64_t echoes;              /* skipped: our own writes coming back */
    uint64_t unreadable;          /* objects that did not decode */
    uint64_t unreadable_named;    /* of these, told of in the log: each object once */
};

struct observer;
struct observer *observer_new(const struct observer_options *options);
struct observer *observer_free(struct observer *observer);
DEFINE_AUTO(observer, observer_free)

/* initial: part of a list, so not a new arrival. */
void observe(struct observer *observer, enum watched_kind kind, enum kube_watch_type type,
             struct json_object *object, bool initial);
/* The same for an object that we read on purpose: it counts whatever we wrote or saw before. */
void observe_read(struct observer *observer, enum watched_kind kind, struct json_object *object);
const struct observer_stats *observer_stats(const struct observer *observer);

#endif
