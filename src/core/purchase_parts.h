/* SPDX-License-Identifier: Apache-2.0 */
/* purchase_parts.h - what the modules of the purchase planner share: see purchase.c */
#ifndef BULKHEAD_CORE_PURCHASE_PARTS_H
#define BULKHEAD_CORE_PURCHASE_PARTS_H

#include "purchase.h"

struct candidate { /* for the rest of a machine */
    size_t class_;
    double factor; /* of its score: the part that does not change */
};

struct planner {
    struct arena *arena;
    const struct purchase_problem *problem;
    size_t class_count, type_count;
    /* Only the dimensions that anything needs. */
    size_t dims;
    int64_t *needs;  /* [class * dims + d] */
    int64_t *rooms;  /* [type * dims + d] */
    double *inverse; /* 1 / room; 0 where there is none */
    double *prices;  /* by dimension: what the relaxed problem pays for one of it */
    double bound;
    double *values; /* by class: what a place for it is worth */
    size_t *order;  /* types that could be of use, the most promising first */
    size_t order_count;
    bool sized;   /* size counts when a machine is filled */
    int64_t work; /* done so far, in classes looked at */
    /* scratch of fill */
    struct candidate *candidates;
    int64_t *taken; /* by class; zero between calls */
    struct purchase_part *parts;
    size_t part_count;
};

struct solution {
    int64_t *remaining; /* by class */
    size_t *active;     /* classes of which some remain */
    size_t active_count;
    struct purchase_group *groups;
    size_t group_count, group_capacity;
    int64_t *machines; /* by type */
    int64_t vcpus, left;
    double price;
};

/* purchase_bound.c: planner->prices and planner->bound */
void planner_bound(struct planner *planner, const int64_t *count);

/* purchase_fill.c */
bool planner_fits(const struct planner *planner, size_t class_, const int64_t *room);
bool planner_allows(const struct planner *planner, size_t class_, size_t type);
/* Fills one machine of the type, with that room left, into planner->parts; what that is worth. */
double planner_fill(struct planner *planner, const struct solution *solution, size_t type,
                    int64_t *room);

#endif
