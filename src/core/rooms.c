/* SPDX-License-Identifier: Apache-2.0 */
/* rooms.c - finding a node with enough room without looking at every node
 *
 * Each environment keeps its nodes in slots, and over the slots a tree in which every inner place
 * holds, dimension by dimension, the most that is free anywhere below. The first slot that fits is
 * found by walking down, turning away from subtrees whose maxima are too small: O(log n) when one
 * dimension decides, as it does in practice, and never more than the number of nodes. Low slots are
 * taken first, so that the highest ones run empty and can be given back. Only the fixed dimensions
 * are in the tree; extended resources, labels and taints are checked at the leaf.
 *
 * What asks for no extended resource goes to a node that has none, while there is one with room:
 * GPUs are kept for who needs them. For that the tree holds the maxima of such nodes beside those
 * of all. */
#include "causes.h"
#include "gang.h"
#include "signals.h"

#include <stdlib.h>
#include <string.h>

static void room_join(struct room *rooms, size_t place)
{
    const struct room *left = &rooms[2 * place], *right = &rooms[2 * place + 1];
    for (size_t d = 0; d < DIM_FIXED; d++) {
        rooms[place].v[d] = larger(left->v[d], right->v[d]);
        rooms[place].plain[d] = larger(left->plain[d], right->plain[d]);
    }
}

static void room_fix_up(struct core_environment *environment, size_t place)
{
    for (place /= 2; place >= 1; place /= 2)
        room_join(environment->rooms, place);
}

static void rooms_grow(struct core_environment *environment)
{
    size_t old = environment->slot_capacity;
    size_t capacity = old > 0 ? old * 2 : 8;
    environment->slots = mem_grow(environment->slots, capacity, sizeof(struct core_node *));
    memset(environment->slots + old, 0, (capacity - old) * sizeof(struct core_node *));
    struct room *rooms = mem_new(2 * capacity * sizeof(*rooms));
    memset(rooms, 0xff, 2 * capacity * sizeof(*rooms)); /* -1: nothing fits */
    for (size_t i = 0; i < old; i++)
        rooms[capacity + i] = environment->rooms[old + i];
    free(environment->rooms);
    environment->rooms = rooms;
    environment->slot_capacity = capacity;
    for (size_t place = capacity - 1; place >= 1; place--)
        room_join(rooms, place);
}

bool node_is_usable(const struct core_node *node)
{
    return node->spec != NULL && node->spec->ready && !node->spec->unschedulable && !node->closed &&
           node->spec->meta.deleted_ns == 0 && node_signal(node) == SIGNAL_NONE &&
           !node_rests(node) && node_is_verified(node);
}

/* Its leaf of the tree as it is now; true: it has more room than it had. */
static bool leaf_set(const struct core_node *node)
{
    struct core_environment *environment = node->environment;
    struct amounts free_;
    node_free_amounts(node, &free_);
    bool usable = node_is_usable(node) && node->gang == NULL && /* then it takes nothing else */
                  node->alone == 0;
    struct room *leaf = &environment->rooms[environment->slot_capacity + node->slot];
    bool grew = false, plain = usable && !amounts_extended(&node->capacity);
    for (size_t d = 0; d < DIM_FIXED; d++) {
        int64_t left = free_.v[d] > 0 ? free_.v[d] : 0; /* below zero: full for who asks for any */
        int64_t value = usable ? left : -1;
        grew = grew || value > leaf->v[d];
        leaf->v[d] = value;
        leaf->plain[d] = plain ? value : -1;
    }
    room_fix_up(environment, environment->slot_capacity + node->slot);
    return grew;
}

void node_room_changed(struct core *core, struct core_node *node)
{
    if (node->environment == NULL || !node->in_environment)
        return;
    if (node->gang != NULL && !node_is_usable(node))
        gang_node_unusable(core, node);
    if (leaf_set(node))
        environment_touch(core, node->environment);
}

void rooms_think(const struct core_node *node)
{
    if (node->environment != NULL && node->in_environment)
        (void)leaf_set(node);
}

static void count_cpu(struct core *core, struct core_environment *environment,
                      struct core_node *node, int64_t cpu)
{
    bool more = cpu > node->slot_cpu;
    environment->slots_cpu += cpu - node->slot_cpu;
    node->slot_cpu = cpu;
    if (more) /* whatever room is left there, less of it is kept for other shares */
        environment_touch(core, environment);
}

void slot_take(struct core *core, struct core_environment *environment, struct core_node *node)
{
    if (!node->in_environment) {
        size_t slot = 0;
        while (slot < environment->slot_count && environment->slots[slot] != NULL)
            slot++;
        if (slot >= environment->slot_capacity)
            rooms_grow(environment);
        if (slot == environment->slot_count)
            environment->slot_count++;
        environment->slots[slot] = node;
        node->slot = (uint32_t)slot;
        node->in_environment = true;
    }
    bool ready = node->spec != NULL && node->spec->ready;
    if (ready != node->counted_ready) {
        environment->nodes_ready += ready ? 1 : -1;
        node->counted_ready = ready;
        environment->status_dirty = true;
    }
    count_cpu(core, environment, node, node->capacity.v[DIM_CPU]);
    node_room_changed(core, node);
}

void slot_give(struct core *core, struct core_node *node)
{
    struct core_environment *environment = node->environment;
    if (!node->in_environment || environment == NULL)
        return;
    struct room *leaf = &environment->rooms[environment->slot_capacity + node->slot];
    memset(leaf, 0xff, sizeof(*leaf));
    room_fix_up(environment, environment->slot_capacity + node->slot);
    environment->slots[node->slot] = NULL;
    while (environment->slot_count > 0 && environment->slots[environment->slot_count - 1] == NULL)
        environment->slot_count--;
    node->in_environment = false;
    count_cpu(core, environment, node, 0);
    if (node->counted_ready)
        environment->nodes_ready--;
    node->counted_ready = false;
    environment->status_dirty = true;
}

static bool room_fits(const struct room *room, const struct amounts *needs, bool plain)
{
    const int64_t *free_ = plain ? room->plain : room->v;
    for (size_t d = 0; d < DIM_FIXED; d++) {
        if (needs->v[d] > free_[d] && (needs->v[d] > 0 || free_[d] < 0))
            return false;
    }
    return true;
}

static struct core_node *find(const struct core_environment *environment,
                              const struct core_class *class_, uint32_t first_slot, bool plain)
{
    size_t capacity = environment->slot_capacity;
    if (capacity == 0 || first_slot >= environment->slot_count)
        return NULL;
    size_t place = capacity + first_slot;
    for (;;) {
        if (room_fits(&environment->rooms[place], &class_->needs, plain)) {
            if (place < capacity) {
                place *= 2;
                continue;
            }
            struct core_node *node = environment->slots[place - capacity];
            struct amounts free_;
            if (node != NULL) {
                node_free_amounts(node, &free_);
                if (amounts_fit(&class_->needs, &free_) && node_takes(node, class_))
                    return node;
            }
        }
        while ((place & 1) != 0) { /* a right child: up until there is a sibling to the right */
            place /= 2;
            if (place <= 1)
                return NULL;
        }
        if (place == 0)
            return NULL;
        place++;
    }
}

struct core_node *rooms_find(const struct core_environment *environment,
                             const struct core_class *class_, uint32_t first_slot)
{
    struct core_node *node = NULL;
    if (!amounts_extended(&class_->needs))
        node = find(environment, class_, first_slot, true);
    return node != NULL ? node : find(environment, class_, first_slot, false);
}
