/* SPDX-License-Identifier: Apache-2.0 */
/* clauses.h - what rules a node or an instance type out for a class of work: see clauses.c */
#ifndef BULKHEAD_CORE_CLAUSES_H
#define BULKHEAD_CORE_CLAUSES_H

#include "bulkhead/core/explain.h"
#include "internal.h"

enum clause {
    /* of nodes */
    CLAUSE_NOT_READY,
    CLAUSE_CORDONED,
    CLAUSE_LEAVING,
    CLAUSE_SIGNALLED,
    CLAUSE_UNVERIFIED,
    CLAUSE_RESTS,
    CLAUSE_RESERVED,
    CLAUSE_OCCUPIED,
    CLAUSE_TAINT,
    CLAUSE_PORT,
    CLAUSE_APART,
    /* of instance types */
    CLAUSE_MAX_VCPUS,
    CLAUSE_LEFT_VCPUS,
    CLAUSE_SET_ASIDE,
    CLAUSE_BID,
    CLAUSE_DEAR,
    /* of both */
    CLAUSE_AFFINITY,
    CLAUSE_OTHER, /* it takes no work for a reason that has no clause of its own */
    CLAUSE_SELECTOR,
    CLAUSE_SELECTOR_LAST = CLAUSE_SELECTOR + 7, /* the eighth label and all after it */
    CLAUSE_RESOURCE,                            /* and one for each dimension */
    CLAUSE_COUNT = CLAUSE_RESOURCE + DIM_MAX,
};
_Static_assert(CLAUSE_COUNT <= 64, "a set of clauses is one word");

/* The clauses that rule it out, one bit each; 0: it takes one more of the class now. */
uint64_t node_clauses(const struct core_node *node, const struct core_class *class_, bool empty);
uint64_t type_clauses(const struct core *core, const struct core_environment *environment,
                      const struct core_type *type, const struct core_class *class_);

/* nodes.c: parts of node_takes */
const struct taint *node_blocking_taint(const struct core_node *node,
                                        const struct tolerations *tolerations);
bool node_ports_free(const struct core_node *node, const struct placement *placement);
bool node_has_none_of(const struct core_node *node, const struct core_class *class_);

/* empty: a node must have no other pod of ours, as a part of a multi-node job asks. */
void clauses_of_nodes(const struct core *core, const struct core_environment *environment,
                      const struct core_class *class_, bool empty, struct arena *arena,
                      struct explain_table *ret_table);
void clauses_of_types(const struct core *core, const struct core_environment *environment,
                      const struct core_class *class_, struct arena *arena,
                      struct explain_table *ret_table);

#endif
