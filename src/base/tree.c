/* SPDX-License-Identifier: Apache-2.0 */
#include "bulkhead/base/tree.h"

#include <assert.h>

/* splitmix64: spreads a counter, so that priorities look random and are the same in every run. */
static uint64_t spread(uint64_t x)
{
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

static void replace_child(struct tree *tree, struct tree_node *old, struct tree_node *new_)
{
    struct tree_node *parent = old->parent;
    if (parent == NULL)
        tree->root = new_;
    else if (parent->left == old)
        parent->left = new_;
    else
        parent->right = new_;
    if (new_ != NULL)
        new_->parent = parent;
}

/* Turns node up over its parent. */
static void rotate_up(struct tree *tree, struct tree_node *node)
{
    struct tree_node *parent = node->parent;
    struct tree_node *moved;
    replace_child(tree, parent, node);
    if (parent->left == node) {
        moved = node->right;
        node->right = parent;
        parent->left = moved;
    } else {
        moved = node->left;
        node->left = parent;
        parent->right = moved;
    }
    parent->parent = node;
    if (moved != NULL)
        moved->parent = parent;
}

void tree_insert(struct tree *tree, struct tree_node *node)
{
    assert(node->priority == 0);
    node->left = node->right = node->parent = NULL;
    node->priority = spread(++tree->sequence) | 1;

    struct tree_node *parent = NULL;
    struct tree_node **link = &tree->root;
    while (*link != NULL) {
        parent = *link;
        int order = tree->compare(node, parent);
        assert(order != 0);
        link = order < 0 ? &parent->left : &parent->right;
    }
    *link = node;
    node->parent = parent;
    while (node->parent != NULL && node->parent->priority < node->priority)
        rotate_up(tree, node);
    tree->count++;
}

void tree_remove(struct tree *tree, struct tree_node *node)
{
    if (node->priority == 0)
        return;
    while (node->left != NULL && node->right != NULL) {
        struct tree_node *up =
            node->left->priority > node->right->priority ? node->left : node->right;
        rotate_up(tree, up);
    }
    replace_child(tree, node, node->left != NULL ? node->left : node->right);
    *node = (struct tree_node){0};
    tree->count--;
}

struct tree_node *tree_first(const struct tree *tree)
{
    struct tree_node *node = tree->root;
    while (node != NULL && node->left != NULL)
        node = node->left;
    return node;
}

struct tree_node *tree_next(const struct tree_node *node)
{
    if (node->right != NULL) {
        struct tree_node *next = node->right;
        while (next->left != NULL)
            next = next->left;
        return next;
    }
    while (node->parent != NULL && node->parent->right == node)
        node = node->parent;
    return node->parent;
}
