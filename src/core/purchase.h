/* SPDX-License-Identifier: Apache-2.0 */
/* purchase.h - how many machines of which types take all the work at the lowest price
 *
 * Knows work as classes (a vector of needs, and how many there are) and machine types as a vector
 * of room and a price; nothing else of the core. The problem is vector bin packing with machines of
 * different sizes and prices, which nobody solves exactly at this size: purchase.c says how it is
 * approached, and every plan comes with a price below which none can be.
 *
 * The same problem has the same plan, on every machine: floating point only where + - * / decide.
 *
 * Bounds     at most PURCHASE_CLASSES_MAX classes and PURCHASE_TYPES_MAX types; more are left out
 * of the plan. Work is bounded by counting it, not by a clock. */
#ifndef BULKHEAD_CORE_PURCHASE_H
#define BULKHEAD_CORE_PURCHASE_H

#include "bulkhead/base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PURCHASE_DIMS = 24, PURCHASE_CLASSES_MAX = 8192, PURCHASE_TYPES_MAX = 4096 };

struct purchase_class {
    int64_t needs[PURCHASE_DIMS]; /* of one; 0: none of it */
    int64_t count;
};

struct purchase_type {
    int64_t room[PURCHASE_DIMS]; /* below zero: as zero */
    double price;                /* above zero */
    int64_t vcpus;
    int64_t limit; /* how many there are; -1: any number */
};

struct purchase_problem {
    const struct purchase_class *classes;
    size_t class_count;
    const struct purchase_type *types;
    size_t type_count;
    const bool *allowed; /* [class * type_count + type]; NULL: all on all */
    int64_t vcpus_max;   /* of all machines together */
};

struct purchase_part { /* so many of a class */
    size_t class_;
    int64_t times;
};

struct purchase_group { /* count equal machines with equal work */
    size_t type;
    int64_t count;
    struct purchase_part *parts;
    size_t part_count;
};

struct purchase_plan {
    int64_t *counts; /* machines, by type */
    struct purchase_group *groups;
    size_t group_count;
    double price;
    int64_t vcpus;
    int64_t left;        /* of all work: what could not be planned for */
    double bound;        /* no plan for all the work costs less */
    double single_price; /* of the best plan with one type only; 0: there is none */
    size_t single_type;
    int64_t single_count;
};

/* In the arena. */
void purchase_make(struct arena *arena, const struct purchase_problem *problem,
                   struct purchase_plan *ret_plan);

#endif
