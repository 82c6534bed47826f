/* SPDX-License-Identifier: Apache-2.0 */
/* amounts.h - resources as vectors inside the core; see amounts.c */
#ifndef BULKHEAD_CORE_AMOUNTS_H
#define BULKHEAD_CORE_AMOUNTS_H

#include <stdbool.h>
#include <stdint.h>

struct core;
struct resources;

enum { DIM_CPU, DIM_MEMORY, DIM_EPHEMERAL, DIM_PODS, DIM_FIXED, DIM_MAX = 24 };

struct amounts { /* resources as a vector; extended resources have a dimension each, see core_dim */
    int64_t v[DIM_MAX];
};

/* Extended resources beyond DIM_MAX - DIM_FIXED different names are left out: false. */
bool amounts_from(struct core *core, const struct resources *resources,
                  struct amounts *ret_amounts);
void amounts_add(struct amounts *sum, const struct amounts *more);
void amounts_sub(struct amounts *sum, const struct amounts *less);
bool amounts_fit(const struct amounts *needs, const struct amounts *room);
/* How many times needs fits into room, at most limit. */
int64_t amounts_times(const struct amounts *needs, const struct amounts *room, int64_t limit);
bool amounts_extended(const struct amounts *amounts); /* GPUs and the like: any of them? */
int64_t amounts_vcpus(const struct amounts *amounts); /* milli-CPUs rounded up to whole ones */

#endif
