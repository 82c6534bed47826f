/* SPDX-License-Identifier: Apache-2.0 */
/* consumable.h - ConsumableResource: a counted thing that jobs take and give back, or use up
 *
 * Licences, database connections, tokens. An admin declares how many there are; a job or its
 * definition says how many each of its pods takes. What a pod holds is in an annotation of it, so
 * that it can be counted again by whoever looks. */
#ifndef BULKHEAD_API_CONSUMABLE_H
#define BULKHEAD_API_CONSUMABLE_H

#include "bulkhead/api/meta.h"

struct json_object;

#define CONSUMABLE_QUANTITY_MAX 1000000000000 /* 10^12: sums over a million pods fit an int64_t */
enum {
    CONSUMABLE_NEEDS_MAX = 16,   /* different resources of one job; AWS: 5 */
    CONSUMABLE_CLAIMS_MAX = 500, /* tries at once that are made and have not started */
    CONSUMABLE_CLAIM_MAX = 400,  /* bytes of a claim's text */
};

struct consumable_need { /* one resource, and how many of it a pod takes */
    char *resource;
    int64_t quantity; /* 1..CONSUMABLE_QUANTITY_MAX */
};
struct consumable_needs {
    struct consumable_need *items; /* each resource once; at most CONSUMABLE_NEEDS_MAX */
    size_t count;
};

struct consumable_resource {
    struct object_meta meta;
    bool spent; /* spec.resourceType: NON_REPLENISHABLE; else what is taken is given back */
    int64_t total;
    struct text_list namespaces; /* spec.kubernetesNamespaces: whose jobs may take it; empty: all */
    int64_t consumed;            /* status as read: what tries have used up for good */
    struct text_list claims;     /* status as read, see struct consumable_status */
    char *invalid;               /* not NULL: why nothing can be taken of it; with the path */
};

struct consumable_status {
    int64_t observed_generation;
    const char *status; /* VALID, INVALID or DELETING, as a queue's */
    const char *reason; /* CamelCase */
    char *message;
    int64_t in_use, available, consumed;
    /* NON_REPLENISHABLE: what tries have taken that have not started, "namespace/pod=quantity".
     * Once a try has started its claim goes, and consumed grows, in one write; when it never
     * starts the claim goes alone. */
    struct text_list claims;
};

struct consumable_resource *consumable_resource_free(struct consumable_resource *resource);
DEFINE_AUTO(consumable_resource, consumable_resource_free)
/* Succeeds whenever there is usable metadata; what is wrong in spec is told in ->invalid. */
int consumable_resource_decode(struct json_object *doc, struct consumable_resource **ret_resource,
                               struct err *err);
/* A whole document for PUT .../status, see queue.h. */
struct json_object *consumable_status_encode(const struct object_meta *meta,
                                             const struct consumable_status *status,
                                             struct json_object *previous, int64_t now_ns);

void consumable_needs_done(struct consumable_needs *needs);
/* The value of ANNOTATION_CONSUMABLES: "licences=2,tokens=1". */
void consumable_needs_print(const struct consumable_needs *needs, struct str *out);
/* What does not read so is passed over: an annotation can be edited by anybody. text: or NULL. */
void consumable_needs_parse(const char *text, struct consumable_needs *ret_needs);
/* "namespace/pod=quantity": the size of the pod's part, 0 if it is none. */
size_t consumable_claim_parse(const char *text, int64_t *ret_quantity);

#endif
