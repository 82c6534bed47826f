/* SPDX-License-Identifier: Apache-2.0 */
#include "bulkhead/base/tree.h"

#include "check.h"

struct item {
    struct tree_node node;
    uint64_t key;
};

static const struct item *item_of(const struct tree_node *node)
{
    return (const struct item *)(const void *)((const char *)node - offsetof(struct item, node));
}

static int compare_items(const struct tree_node *a, const struct tree_node *b)
{
    uint64_t left = item_of(a)->key, right = item_of(b)->key;
    return left < right ? -1 : left > right;
}

TEST(random_against_a_scan)
{
    enum { COUNT = 200 };
    static struct item items[COUNT];
    struct tree tree = {.compare = compare_items};
    struct check_random random = {5};
    size_t count = 0;

    for (uint64_t i = 0; i < COUNT; i++)
        items[i].key = i * 7919 % COUNT; /* each key once, out of order */
    CHECK_TRUE("empty", tree_first(&tree) == NULL);

    for (int step = 0; step < 20000; step++) {
        struct item *item = &items[check_random_below(&random, COUNT)];
        if (tree_has(&item->node)) {
            tree_remove(&tree, &item->node);
            count--;
        } else if (step / 2000 % 2 == 0 || check_random_below(&random, 4) == 0) {
            tree_insert(&tree, &item->node);
            count++;
        } else {
            tree_remove(&tree, &item->node); /* in no tree: nothing happens */
        }

        if (tree.count != count)
            CHECK_INT("count", (int64_t)tree.count, (int64_t)count);
        if (step % 50 != 0)
            continue;

        size_t walked = 0;
        uint64_t next_key = 0;
        for (const struct tree_node *node = tree_first(&tree); node != NULL;
             node = tree_next(node)) {
            CHECK_TRUE("ascending", item_of(node)->key >= next_key);
            next_key = item_of(node)->key + 1;
            walked++;
        }
        CHECK_INT("walked", (int64_t)walked, (int64_t)count);
    }
}
