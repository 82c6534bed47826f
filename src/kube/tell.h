/* SPDX-License-Identifier: Apache-2.0 */
/* tell.h - turns what a list or a watch shows into events, each told once
 *
 * What a list shows is the truth, so there any difference from what was told is told; of a watch
 * only what is newer. Every list has a number (round), which marks the objects it had. */
#ifndef BULKHEAD_KUBE_TELL_H
#define BULKHEAD_KUBE_TELL_H

#include "bulkhead/kube/watch.h"
#include "known.h"

struct tell {
    struct map *known;
    struct identity identity; /* of the object at hand */
    uint64_t rv;              /* the highest told by watch, list or bookmark */
    uint32_t round;
    uint64_t list_rv;        /* of the present list; 0: no page yet */
    uint64_t rv_before_list; /* what the watch should have told already */
    size_t objects_max;
    void (*on_event)(void *ctx, enum kube_watch_type type, struct json_object *object,
                     bool initial);
    void *ctx;
    struct kube_watch_stats stats;
};

void tell_init(struct tell *tell, const struct kube_watch_options *options);
void tell_done(struct tell *tell);

void tell_begin_list(struct tell *tell);
/* False: there are more than objects_max. */
bool tell_listed(struct tell *tell, struct json_object *object);
/* Tells what the list did not have, and goes on from its resourceVersion. True: the list was older
 * than what had been told. */
bool tell_end_list(struct tell *tell);
bool tell_watched(struct tell *tell, bool deleted, struct json_object *object);

#endif
