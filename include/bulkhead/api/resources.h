/* SPDX-License-Identifier: Apache-2.0 */
/* resources.h - amounts of CPU, memory, pods and extended resources
 *
 * cpu in milli-CPUs, memory and ephemeral storage in bytes, extended resources (nvidia.com/gpu,
 * hugepages-2Mi, ...) in units. Values saturate at INT64_MAX instead of overflowing. */
#ifndef BULKHEAD_API_RESOURCES_H
#define BULKHEAD_API_RESOURCES_H

#include "bulkhead/api/meta.h"

enum { RESOURCES_EXTENDED_MAX = 16 };

struct extended_resource {
    char *name;
    int64_t amount;
};

struct resources {
    int64_t cpu_milli;
    int64_t memory_bytes;
    int64_t ephemeral_bytes;
    int64_t pods;                       /* of a node: how many it takes; of a pod: 1 */
    struct extended_resource *extended; /* sorted by name; at most RESOURCES_EXTENDED_MAX */
    size_t extended_count;
};

void resources_done(struct resources *resources);
void resources_copy(struct resources *to,
                    const struct resources *from); /* to is overwritten, not freed */
/* Amount of a resource by its Kubernetes name (cpu in milli). Unknown names: 0. */
int64_t resources_get(const struct resources *resources, const char *name);
/* ERR_INVALID when there are too many extended resources. */
int resources_set_extended(struct resources *resources, const char *name, int64_t amount,
                           struct err *err);
void resources_add(struct resources *sum, const struct resources *more);
void resources_max(struct resources *sum, const struct resources *other); /* per resource */
/* "cpu 1500m, memory 512Mi, nvidia.com/gpu 1" */
void resources_print(const struct resources *resources, struct str *out);

#endif
