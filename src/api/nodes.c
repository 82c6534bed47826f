/* SPDX-License-Identifier: Apache-2.0 */
/* nodeProperties: ranges of nodes, and what a multi-node job must say to be one. */
#include "bulkhead/api/nodes.h"

#include "bulkhead/api/tables.h"
#include "bulkhead/api/template.h"

#include <inttypes.h>
#include <string.h>

/* Up to four digits at *text, moved past; -1: none there. */
static int64_t take_number(const char **text)
{
    int64_t number = -1;
    for (int digits = 0; **text >= '0' && **text <= '9' && digits < 4; digits++, (*text)++)
        number = (number < 0 ? 0 : number * 10) + (**text - '0');
    return number;
}

bool node_range_bounds(const char *target_nodes, int64_t num_nodes, int64_t *ret_first,
                       int64_t *ret_last)
{
    const char *rest = target_nodes;
    int64_t first = take_number(&rest);
    int64_t last = first;
    if (*rest == ':') {
        rest++;
        last = take_number(&rest);
        if (first < 0 && last < 0)
            return false;
        first = first < 0 ? 0 : first;
        last = last < 0 ? num_nodes - 1 : last;
    }
    *ret_first = first;
    *ret_last = last;
    return *rest == '\0' && first >= 0 && first <= last && last < num_nodes;
}

const struct node_range *node_range_of(const struct node_properties *nodes, int64_t node)
{
    const struct node_range *best = NULL;
    int64_t best_size = 0;
    for (size_t i = 0; i < nodes->range_count; i++) {
        int64_t first = 0;
        int64_t last = 0;
        const struct node_range *range = &nodes->ranges[i];
        if (!node_range_bounds(range->target_nodes, nodes->num_nodes, &first, &last) ||
            node < first || node > last)
            continue;
        if (best == NULL || last - first <= best_size) {
            best = range;
            best_size = last - first;
        }
    }
    return best;
}

static const struct field range_fields[] = {
    FIELD(struct node_range, target_nodes, "targetNodes", .required = true, .min = 1, .max = 9,
          .format = &format_target_nodes),
    CUSTOM(struct node_range, template_, &node_template_field, "template", .required = true),
};
static const struct object_type range_type =
    OBJECT_TYPE(struct node_range, "NodeRangeProperty", range_fields);

static const struct field nodes_fields[] = {
    FIELD(struct node_properties, num_nodes, "numNodes", .required = true, .min = 1,
          .max = JOB_NODES_MAX),
    FIELD(struct node_properties, main_node, "mainNode", .required = true, .keep_zero = true,
          .min = 0, .max = JOB_NODES_MAX - 1),
    FIELD(struct node_properties, allow_spot, "allowSpot"),
    LIST(struct node_properties, ranges, range_count, &range_type, "nodeRangeProperties",
         .required = true, .min = 1, .max = JOB_NODE_RANGES_MAX),
};

static int check_nodes(const void *object, const struct json_at *at, struct err *err)
{
    const struct node_properties *nodes = object;
    const struct json_at list = {at, "nodeRangeProperties", 0};
    if (nodes->main_node >= nodes->num_nodes)
        return json_fail(JSON_AT(at, "mainNode"), err, "%" PRId64 ", expected less than numNodes",
                         nodes->main_node);
    for (size_t i = 0; i < nodes->range_count; i++) {
        int64_t first = 0;
        int64_t last = 0;
        const char *target = nodes->ranges[i].target_nodes;
        if (!node_range_bounds(target, nodes->num_nodes, &first, &last))
            return json_fail(JSON_AT(JSON_ITEM(&list, i), "targetNodes"), err,
                             "%s, expected nodes within 0..%" PRId64 ", the lower one first",
                             target, nodes->num_nodes - 1);
    }
    for (int64_t node = 0; node < nodes->num_nodes; node++) {
        if (node_range_of(nodes, node) == NULL)
            return json_fail(&list, err, "no range has node %" PRId64, node);
    }
    return 0;
}

const struct object_type node_properties_type =
    OBJECT_TYPE(struct node_properties, "NodeProperties", nodes_fields, .check = check_nodes);
