/* SPDX-License-Identifier: Apache-2.0 */
/* watch.h - every change of one resource, exactly as long as the API server lets us
 *
 * Lists in pages (resourceVersion unset, so never a stale read), then watches with bookmarks and
 * resumes where it stopped. When the server no longer has the history (410, at any point) it lists
 * again and tells only the difference, deletes included.
 *
 * Owns       for each object its key, uid and resourceVersion, never a body: about 200 bytes each.
 * Promises   per object: ADDED, then MODIFIED with rising resourceVersions, then DELETED; a name
 *            that comes back with another uid is DELETED, then ADDED. Nothing is told twice.
 *            Objects whose metadata is unusable are counted and left out.
 * Lane       KUBE_LANE_WATCHES. */
#ifndef BULKHEAD_KUBE_WATCH_H
#define BULKHEAD_KUBE_WATCH_H

#include "bulkhead/kube/client.h"

enum kube_watch_type { KUBE_ADDED, KUBE_MODIFIED, KUBE_DELETED };
enum kube_watch_state { KUBE_WATCH_LISTING, KUBE_WATCH_WATCHING, KUBE_WATCH_BACKING_OFF };
const char *kube_watch_type_name(enum kube_watch_type type);    /* "ADDED" */
const char *kube_watch_state_name(enum kube_watch_state state); /* "Listing" */

/* All callbacks run from the loop, record and return; none may free the watch.
 * on_event: object is borrowed. initial: told by a list, before its on_synced. For a DELETED that a
 * list found out, object holds only metadata.namespace, name, uid and the last resourceVersion
 * seen. on_synced: a whole list has been told; runs after every (re)list. on_state: err is NULL
 * when all is well; its text says what ended the list or watch. */
struct kube_watch_options {
    const char *path;           /* the collection: /api/v1/pods; copied, as are the selectors */
    const char *label_selector; /* NULL: none */
    const char *field_selector;
    bool metadata_only;
    void (*on_event)(void *ctx, enum kube_watch_type type, struct json_object *object,
                     bool initial);
    void (*on_synced)(void *ctx);
    void (*on_state)(void *ctx, enum kube_watch_state state, const struct err *err); /* or NULL */
    void *ctx;
    struct kube_random random;
    int page_limit;         /* 0: 500; halved when a page passes 32 MiB */
    int64_t timeout_s_min;  /* a watch asks the server for a random time between; 0: 240 */
    int64_t timeout_s_max;  /* 0: 480 */
    int64_t silence_ms;     /* no byte for so long: new connection; 0: 90,000 */
    int64_t backoff_min_ms; /* 0: 800 */
    int64_t backoff_max_ms; /* 0: 30,000 */
    int64_t healthy_ms;     /* a watch that lasted so long resets the back-off; 0: 120,000 */
    size_t objects_max;     /* 0: 4,000,000; beyond it the list ends with an error */
    size_t line_bytes_max;  /* 0: 4 MiB */
};

struct kube_watch_stats {
    uint64_t lists, watches, events; /* lists finished; watches begun; events told */
    uint64_t stale;    /* events dropped: resourceVersion not newer than what was told */
    uint64_t unusable; /* objects left out: no name, uid or numeric resourceVersion */
    uint64_t repaired; /* changes a list told that the watch should have told before: should be 0 */
    uint64_t rv_went_back; /* a list older than what was seen: the server's store was restored */
    uint64_t silences;
    size_t objects;
    uint64_t resource_version; /* the latest seen */
    bool synced;               /* at least one list has been told */
};

struct kube_watch;
struct kube_watch *kube_watch_new(struct kube_client *client,
                                  const struct kube_watch_options *options, struct err *err);
struct kube_watch *kube_watch_free(struct kube_watch *watch); /* NULL in, NULL out */
DEFINE_AUTO(kube_watch, kube_watch_free)

/* Compares what is known with a consistent list, soon. For an audit now and then: a server's watch
 * cache can lose events. No-op while a list is under way. */
void kube_watch_relist(struct kube_watch *watch);
struct kube_watch_stats kube_watch_stats(const struct kube_watch *watch);

#endif
