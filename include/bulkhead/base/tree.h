/* SPDX-License-Identifier: Apache-2.0 */
/* tree.h - an ordered set: intrusive treap
 *
 * Embed a struct tree_node; the tree borrows it until tree_remove. The order is the compare
 * function's; two items never compare equal. Heap priorities come from a counter through a fixed
 * hash, so the shape depends only on the sequence of calls. Insert, remove, next: O(log n)
 * expected. */
#ifndef BULKHEAD_BASE_TREE_H
#define BULKHEAD_BASE_TREE_H

#include "bulkhead/base/macros.h"

#include <stdbool.h>
#include <stdint.h>

struct tree_node {
    struct tree_node *left, *right, *parent;
    uint64_t priority; /* 0: not in a tree */
};
typedef int (*tree_compare)(const struct tree_node *a, const struct tree_node *b);
struct tree {
    struct tree_node *root;
    tree_compare compare;
    uint64_t sequence;
    size_t count;
};

void tree_insert(struct tree *tree, struct tree_node *node);
void tree_remove(struct tree *tree, struct tree_node *node); /* no-op when it is in no tree */
struct tree_node *tree_first(const struct tree *tree);
struct tree_node *tree_next(const struct tree_node *node);
static inline bool tree_has(const struct tree_node *node)
{
    return node->priority != 0;
}

#endif
