/* SPDX-License-Identifier: Apache-2.0 */
/* counted.c - what waiting work counts on, of the room that is there
 *
 * What waits does not always wait for machines of its own: behind the head of a queue, or below a
 * queue that goes first, there may be room enough for it on machines that are Ready. A buying pass
 * places such work in thought, by the same search as place.c, before it packs anything into what is
 * on its way or buys. So room that is there is not bought again, and a machine that somebody counts
 * on is not given back, however long it has been idle: one rule, for the same reason. Its delay
 * begins when nobody counts on it any more.
 *
 * It is counted on only for as long as it takes machines to come: behind a head for which none can
 * be had nothing is counted, so the idle machines behind it go after their delay. And a machine
 * that is counted on by who comes later is in nobody's way who comes first (is_idle).
 *
 * In thought: while the pass lasts the room is taken from the node and from its environment's tree,
 * and then given back; which pass it was, and at which step of it, stays with the node. Cost: one
 * search for each class of a job, and one way up the tree for each node that work was put on. */
#include "buyer.h"

struct thought {
    struct core_node *node;
    struct amounts taken;
    struct thought *next;
};

void counted_begin(struct core *core)
{
    assert(core->thinking.placed == NULL);
    core->buy_pass = ++core->thinking.step;
    core->thinking.passed = 0;
}

void counted_step(struct core *core)
{
    core->thinking.step++;
}

static void take(struct core *core, struct core_node *node, const struct amounts *amounts)
{
    struct thought *thought = arena_alloc(core->arena, sizeof(*thought));
    *thought = (struct thought){.node = node, .taken = *amounts, .next = core->thinking.placed};
    core->thinking.placed = thought;
    amounts_add(&node->used, amounts);
    rooms_think(node);
    if (!core->thinking.doubt)
        node->counted_ns = core->now_ns;
    if (node->claim < core->buy_pass) /* who comes first has the say */
        node->claim = core->thinking.step;
}

void counted_end(struct core *core)
{
    for (const struct thought *thought = core->thinking.placed; thought != NULL;
         thought = thought->next) {
        amounts_sub(&thought->node->used, &thought->taken);
        rooms_think(thought->node);
    }
    core->thinking.placed = NULL;
}

void count_on_node(struct core *core, struct core_node *node)
{
    struct amounts free_;
    node_free_amounts(node, &free_);
    take(core, node, &free_);
}

int64_t count_on_room(struct core *core, const struct core_environment *environment,
                      const struct core_class *class_, int64_t wanted)
{
    const struct placement *asks = &class_->placement;
    bool one_each = asks->host_port_count > 0 || asks->apart;
    struct core_node *node;
    for (uint32_t slot = 0; wanted > 0; slot = one_each ? node->slot + 1 : 0) {
        node = rooms_find(environment, class_, slot);
        if (node == NULL)
            break;
        struct amounts amounts = {.v = {0}};
        struct amounts free_;
        node_free_amounts(node, &free_);
        int64_t times = amounts_times(&class_->needs, &free_, one_each ? 1 : wanted);
        for (size_t i = 0; i < DIM_MAX; i++)
            amounts.v[i] = class_->needs.v[i] * times;
        take(core, node, &amounts);
        wanted -= times;
    }
    return wanted;
}

bool is_counted_on(const struct core *core, const struct core_node *node, uint64_t before)
{
    return node->claim >= core->buy_pass && node->claim < before;
}
