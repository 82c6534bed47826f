/* SPDX-License-Identifier: Apache-2.0 */
/* lease_record.h - what a Lease object says, and the one that we write: no clock, no network
 *
 * Whatever the object is, each answer is within its bounds: a member that is missing, mistyped or
 * out of range is as if it were not there. */
#ifndef BULKHEAD_KUBE_LEASE_RECORD_H
#define BULKHEAD_KUBE_LEASE_RECORD_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    LEASE_DURATION_S_MAX = 3600,
    LEASE_TRANSITIONS_MAX = INT32_MAX, /* Kubernetes' type of it */
};

bool lease_record_is(const struct json_object *object);       /* an object at all */
const char *lease_record_holder(struct json_object *object);  /* borrowed; "" nobody */
int64_t lease_record_transitions(struct json_object *object); /* 0 .. the maximum */
/* How long its holder said that it may be silent. */
int64_t lease_record_duration_ms(struct json_object *object, int64_t otherwise_ms);
/* The same version of the same object; no two without a version are. */
bool lease_record_same(struct json_object *a, struct json_object *b);

struct lease_claim {
    const char *namespace, *name;
    const char *holder; /* "": it is given back */
    bool taken;         /* from another, or from nobody */
    int64_t duration_ms, now_ns;
};
/* A copy of the object (NULL: none) with the claim in it. Members of others stay as they are. */
struct json_object *lease_record_next(struct json_object *object, const struct lease_claim *claim);

#endif
