/* SPDX-License-Identifier: Apache-2.0 */
/* event.h - Events that kubectl describe shows, best effort
 *
 * The first to go when anything is short: they are sent only while the writes lane has nothing
 * waiting, and beyond the bound they are dropped and counted. The same object and reason within the
 * window is one Event whose count grows.
 *
 * Bounds     queue_max waiting, 1,024 recent series, 4 in flight. */
#ifndef BULKHEAD_KUBE_EVENT_H
#define BULKHEAD_KUBE_EVENT_H

#include "bulkhead/kube/client.h"

struct kube_event {
    const char *api_version, *kind; /* of the object it is about; all text is copied */
    const char *namespace;          /* NULL: cluster-scoped; its Events live in "default" */
    const char *name, *uid;
    const char *reason;  /* CamelCase, cut to 128 */
    const char *message; /* cut to 1,024 bytes */
    bool warning;        /* else Normal */
};

struct kube_events_options {
    const char *component;     /* "bulkhead-controller" */
    const char *instance;      /* NULL: none; the pod or host name */
    size_t queue_max;          /* 0: 256 */
    int64_t window_ms;         /* 0: 600,000 */
    int64_t series_ms;         /* a series is written at most so often; 0: 10,000 */
    struct kube_random random; /* names */
};

struct kube_events_stats {
    uint64_t written, dropped, failed; /* failed: refused by the server */
    size_t waiting;
};

struct kube_events;
struct kube_events *kube_events_new(struct kube_client *client,
                                    const struct kube_events_options *options);
struct kube_events *kube_events_free(struct kube_events *events); /* what waits is dropped */
DEFINE_AUTO(kube_events, kube_events_free)

void kube_events_post(struct kube_events *events, const struct kube_event *event);
struct kube_events_stats kube_events_stats(const struct kube_events *events);

#endif
