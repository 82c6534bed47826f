/* SPDX-License-Identifier: Apache-2.0 */
/* nodeOverrides: what one job changes about the nodes of its definition.
 *
 * Each override names nodes, and a node may be named by several. So the nodes are cut into runs
 * whose template and overrides are the same, and each run becomes a range of its own. There are at
 * most twice as many runs as there are ranges and overrides. */
#include "bulkhead/api/job.h"
#include "bulkhead/api/nodes.h"
#include "bulkhead/api/tables.h"
#include "bulkhead/api/template.h"
#include "bulkhead/base/str.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct field override_fields[] = {
    FIELD(struct node_override, target_nodes, "targetNodes", .required = true, .min = 1, .max = 9,
          .format = &format_target_nodes),
    CUSTOM(struct node_override, overrides, &template_override_field, "overrides"),
};
static const struct object_type override_type =
    OBJECT_TYPE(struct node_override, "NodePropertyOverride", override_fields);

static const struct field overrides_fields[] = {
    FIELD(struct node_overrides, num_nodes, "numNodes", .min = 1, .max = JOB_NODES_MAX),
    LIST(struct node_overrides, items, count, &override_type, "nodePropertyOverrides",
         .max = JOB_NODE_OVERRIDES_MAX),
};
const struct object_type node_overrides_type =
    OBJECT_TYPE(struct node_overrides, "NodeOverrides", overrides_fields);

void node_properties_done(struct node_properties *nodes)
{
    for (size_t i = 0; i < nodes->range_count; i++) {
        free(nodes->ranges[i].target_nodes);
        pod_template_done(&nodes->ranges[i].template_);
    }
    free(nodes->ranges);
    *nodes = (struct node_properties){0};
}

static bool is_open(const struct node_properties *nodes)
{
    for (size_t i = 0; i < nodes->range_count; i++) {
        const char *target = nodes->ranges[i].target_nodes;
        if (target[strlen(target) - 1] == ':')
            return true;
    }
    return false;
}

/* The base with another number of nodes: still every range within it, and each node in one. */
static int check_number(const struct node_properties *nodes, struct err *err)
{
    if (!is_open(nodes))
        return err_set(err, ERR_INVALID,
                       "spec.nodeOverrides.numNodes: no range of the nodes is open at its end, as "
                       "4: is");
    if (nodes->main_node >= nodes->num_nodes)
        return err_set(err, ERR_INVALID,
                       "spec.nodeOverrides.numNodes: %" PRId64
                       ", expected more than mainNode, %" PRId64,
                       nodes->num_nodes, nodes->main_node);
    for (size_t i = 0; i < nodes->range_count; i++) {
        int64_t first = 0;
        int64_t last = 0;
        if (!node_range_bounds(nodes->ranges[i].target_nodes, nodes->num_nodes, &first, &last))
            return err_set(err, ERR_INVALID,
                           "spec.nodeOverrides.numNodes: %" PRId64
                           ", too few for the range %s of the nodes",
                           nodes->num_nodes, nodes->ranges[i].target_nodes);
    }
    return 0;
}

static int check_targets(const struct node_overrides *overrides, int64_t num_nodes, struct err *err)
{
    for (size_t i = 0; i < overrides->count; i++) {
        int64_t first = 0;
        int64_t last = 0;
        if (!node_range_bounds(overrides->items[i].target_nodes, num_nodes, &first, &last))
            return err_set(err, ERR_INVALID,
                           "spec.nodeOverrides.nodePropertyOverrides[%zu].targetNodes: %s, "
                           "expected nodes within 0..%" PRId64 ", the lower one first",
                           i, overrides->items[i].target_nodes, num_nodes - 1);
    }
    return 0;
}

static bool has_node(const struct node_override *override, int64_t num_nodes, int64_t node)
{
    int64_t first = 0;
    int64_t last = 0;
    return node_range_bounds(override->target_nodes, num_nodes, &first, &last) && node >= first &&
           node <= last;
}

/* Which overrides hold for a node: a bit each. */
static uint32_t overrides_of(const struct node_overrides *overrides, int64_t num_nodes,
                             int64_t node)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < overrides->count; i++) {
        if (overrides->items[i].overrides.json != NULL &&
            has_node(&overrides->items[i], num_nodes, node))
            bits |= 1U << i;
    }
    return bits;
}

static int template_with(const struct pod_template *base, const struct node_overrides *overrides,
                         uint32_t bits, struct pod_template *ret_template, struct err *err)
{
    struct pod_template result = {.json = text_copy(base->json), .hash = base->hash};
    placement_copy(&result.placement, &base->placement);
    for (size_t i = 0; i < overrides->count; i++) {
        struct pod_template changed = {0};
        if ((bits & (1U << i)) == 0)
            continue;
        AUTO_TEXT path = text_printf("spec.nodeOverrides.nodePropertyOverrides[%zu].overrides", i);
        int failed =
            template_override_apply(&result, &overrides->items[i].overrides, path, &changed, err);
        pod_template_done(&result);
        if (failed < 0)
            return -1;
        result = changed;
    }
    *ret_template = result;
    return 0;
}

int node_overrides_apply(const struct node_properties *base, const struct node_overrides *overrides,
                         struct node_properties *ret_nodes, struct err *err)
{
    struct node_properties whole = *base; /* borrows the ranges */
    if (overrides->num_nodes.set)
        whole.num_nodes = overrides->num_nodes.value;
    if ((overrides->num_nodes.set && check_number(&whole, err) < 0) ||
        check_targets(overrides, whole.num_nodes, err) < 0)
        return -1;
    struct node_properties result = whole;
    size_t runs_max = 2 * (base->range_count + overrides->count) + 1;
    result.range_count = 0;
    result.ranges = mem_new(runs_max * sizeof(*result.ranges));
    for (int64_t first = 0, end; first < whole.num_nodes; first = end) {
        const struct node_range *range = node_range_of(&whole, first);
        uint32_t bits = overrides_of(overrides, whole.num_nodes, first);
        for (end = first + 1; end < whole.num_nodes; end++) {
            if (node_range_of(&whole, end) != range ||
                overrides_of(overrides, whole.num_nodes, end) != bits)
                break;
        }
        struct node_range *run = &result.ranges[result.range_count];
        if (range == NULL ||
            template_with(&range->template_, overrides, bits, &run->template_, err) < 0) {
            node_properties_done(&result);
            return range == NULL ? err_set(err, ERR_INVALID,
                                           "spec.nodeOverrides.numNodes: no range has node "
                                           "%" PRId64,
                                           first)
                                 : -1;
        }
        run->target_nodes = text_printf("%" PRId64 ":%" PRId64, first, end - 1);
        result.range_count++;
    }
    *ret_nodes = result;
    return 0;
}
