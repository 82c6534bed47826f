/* SPDX-License-Identifier: Apache-2.0 */
/* penalty.c - how long a node rests after it refused or lost a pod: see causes.h
 *
 * Without it, a pod that a kubelet refuses is made again at once, and refused again, a thousand
 * times an hour. Entries are by cause and class, so that an ordinary pod that ends well does not
 * clear what a device plug-in that is not back yet does to others. */
#include "causes.h"
#include "internal.h"

#include <stdlib.h>

enum { LEVEL_MAX = 8 }; /* 256 s */
#define FORGET_AFTER_NS (600 * NS_PER_S)

static void set_active(struct core *core, struct penalty *penalty, bool active)
{
    core->penalties_active += active - penalty->active;
    penalty->active = active;
}

static struct penalty *penalty_for(struct core *core, struct core_node *node,
                                   const struct core_class *class_, const struct cause *cause)
{
    uint64_t hash = class_ != NULL ? class_->hash : 0;
    if (node->penalties == NULL)
        node->penalties = mem_new(NODE_PENALTIES_MAX * sizeof(*node->penalties));
    struct penalty *first_over = &node->penalties[0];
    for (size_t i = 0; i < node->penalty_count; i++) {
        struct penalty *penalty = &node->penalties[i];
        if (penalty->cause == cause && penalty->class_hash == hash)
            return penalty;
        if (penalty->until_ns < first_over->until_ns)
            first_over = penalty;
    }
    struct penalty *penalty = node->penalty_count < NODE_PENALTIES_MAX
                                  ? &node->penalties[node->penalty_count++]
                                  : first_over;
    set_active(core, penalty, false);
    *penalty = (struct penalty){.cause = cause, .class_hash = hash, .level = cause->level};
    return penalty;
}

void node_penalty(struct core *core, struct core_node *node, const struct core_class *class_,
                  const struct cause *cause)
{
    if (cause->rest == REST_NONE)
        return;
    struct penalty *penalty = penalty_for(core, node, class_, cause);
    if (penalty->since_ns != 0 && core->now_ns - penalty->until_ns > FORGET_AFTER_NS)
        penalty->level = cause->level;
    penalty->since_ns = core->now_ns;
    penalty->until_ns = core->now_ns + (NS_PER_S << penalty->level);
    set_active(core, penalty, true);
    if (penalty->level < LEVEL_MAX)
        penalty->level++;
    if (!timer_is_set(&node->timer) || penalty->until_ns < node->timer.due_ns)
        timer_set(&core->timers, &node->timer, penalty->until_ns);
    node_room_changed(core, node);
}

void node_forgive(struct core_node *node, const struct core_class *class_, int64_t started_ns)
{
    uint64_t hash = class_ != NULL ? class_->hash : 0;
    for (size_t i = node->penalty_count; i > 0; i--) {
        struct penalty *penalty = &node->penalties[i - 1];
        if (penalty->class_hash == hash && !penalty->active && started_ns >= penalty->since_ns)
            *penalty = node->penalties[--node->penalty_count];
    }
}

void penalties_pause(struct core *core, struct core_node *node)
{
    for (size_t i = 0; i < node->penalty_count; i++)
        set_active(core, &node->penalties[i], false);
}

void penalties_done(struct core *core, struct core_node *node)
{
    penalties_pause(core, node);
    free(node->penalties);
    node->penalties = NULL;
    node->penalty_count = 0;
}

bool penalties_end(struct core *core, struct core_node *node)
{
    bool any = false;
    for (size_t i = 0; i < node->penalty_count; i++) {
        struct penalty *penalty = &node->penalties[i];
        if (!penalty->active || penalty->until_ns > core->now_ns)
            continue;
        set_active(core, penalty, false);
        any = true;
    }
    return any;
}

int64_t penalties_next_ns(const struct core_node *node)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < node->penalty_count; i++) {
        const struct penalty *penalty = &node->penalties[i];
        if (penalty->active && penalty->until_ns < next)
            next = penalty->until_ns;
    }
    return next;
}

bool node_rests(const struct core_node *node)
{
    for (size_t i = 0; i < node->penalty_count; i++) {
        if (node->penalties[i].active && node->penalties[i].cause->rest == REST_ALL)
            return true;
    }
    return false;
}

bool node_rests_for(const struct core_node *node, const struct core_class *class_)
{
    for (size_t i = 0; i < node->penalty_count; i++) {
        const struct penalty *penalty = &node->penalties[i];
        if (penalty->active &&
            (penalty->cause->rest == REST_ALL || penalty->class_hash == class_->hash))
            return true;
    }
    return false;
}

int64_t environment_resting(const struct core *core, const struct core_environment *environment,
                            const struct core_class *class_)
{
    int64_t count = 0;
    for (size_t i = 0; core->penalties_active > 0 && i < environment->slot_count; i++)
        count += environment->slots[i] != NULL && node_rests_for(environment->slots[i], class_);
    return count;
}
