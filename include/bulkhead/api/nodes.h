/* SPDX-License-Identifier: Apache-2.0 */
/* nodes.h - nodeProperties: the nodes of a multi-node parallel job and what runs on each
 *
 * Included by job.h, which holds it. Ranges may nest: the narrowest one that has a node decides for
 * it, of equally narrow ones the last. */
#ifndef BULKHEAD_API_NODES_H
#define BULKHEAD_API_NODES_H

#include "bulkhead/api/placement.h"

enum { JOB_NODES_MAX = 1000, JOB_NODE_RANGES_MAX = 100, JOB_NODE_OVERRIDES_MAX = 20 };

struct pod_template {
    char *json;                 /* the PodTemplateSpec as compact JSON text,
                                   {metadata:{labels,annotations},spec:{...}} */
    struct placement placement; /* of template.spec */
    uint64_t hash;              /* of json */
};

struct template_override { /* spec.overrides of a job, see template.h */
    char *json;            /* compact text; NULL: none */
};

struct node_range {
    char *target_nodes; /* "0:3", ":3", "4:", "2" */
    struct pod_template template_;
};

struct node_properties {
    int64_t num_nodes; /* 0: not a multi-node job */
    int64_t main_node;
    bool allow_spot;
    struct node_range *ranges;
    size_t range_count;
};

struct node_override {
    char *target_nodes;
    struct template_override overrides;
};

struct node_overrides { /* spec.nodeOverrides of a job */
    struct opt_i64 num_nodes;
    struct node_override *items; /* for a node those that have it hold, one after the other */
    size_t count;
};

/* The first and last node that target_nodes names; false: it cannot be read, is the wrong way
 * round, or names nodes beyond num_nodes. */
bool node_range_bounds(const char *target_nodes, int64_t num_nodes, int64_t *ret_first,
                       int64_t *ret_last);
/* The range that decides for a node; NULL: none has it. */
const struct node_range *node_range_of(const struct node_properties *nodes, int64_t node);

/* The nodes that hold for a job. numNodes can only be changed when a range is open at its end. The
 * result is the caller's, for node_properties_done. Errors name the override's path. */
int node_overrides_apply(const struct node_properties *base, const struct node_overrides *overrides,
                         struct node_properties *ret_nodes, struct err *err);
void node_properties_done(struct node_properties *nodes);

#endif
