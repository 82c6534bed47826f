/* SPDX-License-Identifier: Apache-2.0 */
/* clauses.c - what rules a node or an instance type out for a class of work
 *
 * Placement stops at the first thing that does not fit; whoever asks why wants all of them. So each
 * node gets the set of clauses that rule it out, and a table counts, clause by clause, how many
 * nodes it rules out, how many of those nothing else does, and what one change would set them
 * free. The set is empty exactly when rooms_find would give the node to the class: what placement
 * asks beyond the clauses here is told as CLAUSE_OTHER, and never as a fit. */
#include "clauses.h"
#include "bulkhead/base/quantity.h"
#include "causes.h"
#include "signals.h"
#include "strategy.h"

#include <string.h>

#define BIT(clause) (UINT64_C(1) << (unsigned)(clause))

/* ---------------------------------------------------------------------- one node, one type */

static uint64_t label_clauses(const struct placement *placement, const char *node_name,
                              const struct key_values *labels)
{
    uint64_t set = 0;
    for (size_t i = 0; i < placement->node_selector.count; i++) {
        const struct key_value *pair = &placement->node_selector.items[i];
        size_t at =
            i < CLAUSE_SELECTOR_LAST - CLAUSE_SELECTOR ? i : CLAUSE_SELECTOR_LAST - CLAUSE_SELECTOR;
        if (!text_eq(key_values_get(labels, pair->key), pair->value))
            set |= BIT(CLAUSE_SELECTOR + at);
    }
    struct placement affinity = *placement; /* borrowed, but for the selector */
    affinity.node_selector.count = 0;
    if (!placement_matches(&affinity, node_name, labels))
        set |= BIT(CLAUSE_AFFINITY);
    if (set == 0 && !placement_matches(placement, node_name, labels))
        set |= BIT(CLAUSE_OTHER);
    return set;
}

static uint64_t room_clauses(const struct amounts *needs, const struct amounts *room)
{
    uint64_t set = 0;
    for (size_t i = 0; i < DIM_MAX; i++) {
        if (needs->v[i] > 0 && needs->v[i] > room->v[i])
            set |= BIT(CLAUSE_RESOURCE + i);
    }
    return set;
}

static uint64_t state_clauses(const struct core_node *node, const struct core_class *class_)
{
    uint64_t set = 0;
    if (!node->spec->ready)
        set |= BIT(CLAUSE_NOT_READY);
    if (node->spec->unschedulable)
        set |= BIT(CLAUSE_CORDONED);
    if (node->closed || node->spec->meta.deleted_ns != 0)
        set |= BIT(CLAUSE_LEAVING);
    else if (!node_is_verified(node))
        set |= BIT(CLAUSE_UNVERIFIED);
    if (node_signal(node) != SIGNAL_NONE)
        set |= BIT(CLAUSE_SIGNALLED);
    if (node_rests_for(node, class_))
        set |= BIT(CLAUSE_RESTS);
    if (node->gang != NULL || node->alone > 0)
        set |= BIT(CLAUSE_RESERVED);
    return set;
}

uint64_t node_clauses(const struct core_node *node, const struct core_class *class_, bool empty)
{
    const struct placement *asks = &class_->placement;
    struct amounts room;
    if (node->spec == NULL)
        return BIT(CLAUSE_LEAVING);
    node_free_amounts(node, &room);
    uint64_t set = state_clauses(node, class_) | room_clauses(&class_->needs, &room) |
                   label_clauses(asks, node->name, &node->spec->labels);
    if (empty && node->live > 0)
        set |= BIT(CLAUSE_OCCUPIED);
    if (node_blocking_taint(node, &asks->tolerations) != NULL)
        set |= BIT(CLAUSE_TAINT);
    if (!node_ports_free(node, asks))
        set |= BIT(CLAUSE_PORT);
    if (asks->apart && !node_has_none_of(node, class_))
        set |= BIT(CLAUSE_APART);
    if (set == 0 && (!node_is_usable(node) || !node_takes(node, class_)))
        set |= BIT(CLAUSE_OTHER);
    return set;
}

uint64_t type_clauses(const struct core *core, const struct core_environment *environment,
                      const struct core_type *type, const struct core_class *class_)
{
    uint64_t set = room_clauses(&class_->needs, &type->room) |
                   label_clauses(&class_->placement, "", &type->labels);
    if (type->spec.vcpus > environment->spec->max_vcpus)
        set |= BIT(CLAUSE_MAX_VCPUS);
    else if (type->spec.vcpus > environment->spec->max_vcpus - environment->vcpus)
        set |= BIT(CLAUSE_LEFT_VCPUS);
    if (type_is_out(core, type))
        set |= BIT(CLAUSE_SET_ASIDE);
    if (!type_may_be_bought(type))
        set |= BIT(CLAUSE_BID);
    if (type->over_bid)
        set |= BIT(CLAUSE_DEAR);
    if (set == 0 && !type_matches(environment, type, class_))
        set |= BIT(CLAUSE_OTHER);
    return set;
}

/* ------------------------------------------------------------------------------- tables */

struct tally {
    int64_t rules_out, alone, never;
    int64_t best, best_count; /* of a resource, among those that nothing else rules out */
};

static void count_in(struct tally tallies[CLAUSE_COUNT], uint64_t set, const struct amounts *room,
                     const struct amounts *most, const struct amounts *needs)
{
    bool alone = (set & (set - 1)) == 0;
    for (unsigned i = 0; set >> i != 0 && i < CLAUSE_COUNT; i++) {
        struct tally *tally = &tallies[i];
        if ((set & BIT(i)) == 0)
            continue;
        tally->rules_out++;
        tally->alone += alone;
        if (i < CLAUSE_RESOURCE)
            continue;
        unsigned d = i - CLAUSE_RESOURCE;
        tally->never += most != NULL && most->v[d] < needs->v[d];
        if (alone && room->v[d] > tally->best) {
            tally->best = room->v[d];
            tally->best_count = 0;
        }
        if (alone && room->v[d] > 0)
            tally->best_count += room->v[d] == tally->best;
    }
}

static const char *const names[CLAUSE_SELECTOR] = {
    [CLAUSE_NOT_READY] = "not Ready",
    [CLAUSE_CORDONED] = "cordoned",
    [CLAUSE_LEAVING] = "on its way out",
    [CLAUSE_SIGNALLED] = "about to be taken back",
    [CLAUSE_UNVERIFIED] = "not known to the node group",
    [CLAUSE_RESTS] = "resting after it refused or lost such a pod",
    [CLAUSE_RESERVED] = "kept for a multi-node job",
    [CLAUSE_OCCUPIED] = "not empty",
    [CLAUSE_TAINT] = "taint",
    [CLAUSE_PORT] = "host port in use",
    [CLAUSE_APART] = "anti-affinity with a pod there",
    [CLAUSE_MAX_VCPUS] = "more vCPUs than maxvCpus",
    [CLAUSE_LEFT_VCPUS] = "more vCPUs than maxvCpus leaves",
    [CLAUSE_SET_ASIDE] = "none to be had a moment ago",
    [CLAUSE_DEAR] = "spot price above bidPercentage",
    [CLAUSE_BID] = "spot price above bidPercentage",
    [CLAUSE_AFFINITY] = "required node affinity",
    [CLAUSE_OTHER] = "takes no work",
};

/* What would set free those that nothing else rules out. */
static const char *const remedies[CLAUSE_SELECTOR] = {
    [CLAUSE_NOT_READY] = "once Ready",
    [CLAUSE_CORDONED] = "once uncordoned",
    [CLAUSE_UNVERIFIED] = "once the node group tells of it",
    [CLAUSE_RESTS] = "once rested, in minutes at most",
    [CLAUSE_RESERVED] = "once that job has ended",
    [CLAUSE_OCCUPIED] = "once empty",
    [CLAUSE_TAINT] = "with a toleration",
    [CLAUSE_PORT] = "once the port is free",
    [CLAUSE_APART] = "once that pod has ended",
    [CLAUSE_MAX_VCPUS] = "with a higher maxvCpus",
    [CLAUSE_LEFT_VCPUS] = "once machines are given back, or with a higher maxvCpus",
    [CLAUSE_SET_ASIDE] = "once the node group has some again",
    [CLAUSE_DEAR] = "once that falls, or with a higher bidPercentage",
    [CLAUSE_BID] = "once the price falls, or with a higher bidPercentage",
    [CLAUSE_AFFINITY] = "without it",
};

static const char *dim_name(const struct core *core, unsigned dim)
{
    static const char *const fixed[DIM_FIXED] = {
        [DIM_CPU] = "cpu",
        [DIM_MEMORY] = "memory",
        [DIM_EPHEMERAL] = "ephemeral-storage",
        [DIM_PODS] = "number of pods",
    };
    if (dim < DIM_FIXED)
        return fixed[dim];
    return dim < DIM_MAX ? core->dim_names[dim] : "?";
}

static const char *amount_text(unsigned dim, int64_t amount, struct arena *arena)
{
    char text[QUANTITY_TEXT_MAX];
    if (dim == DIM_CPU)
        return arena_copy(arena, quantity_print_milli(amount, text));
    if (dim == DIM_MEMORY || dim == DIM_EPHEMERAL)
        return arena_copy(arena, quantity_print_bytes(amount, text));
    return arena_printf(arena, "%lld", (long long)amount);
}

static const char *clause_what(const struct core *core, const struct core_class *class_,
                               unsigned clause, const struct taint *taint, bool more_taints,
                               struct arena *arena)
{
    const struct key_values *selector = &class_->placement.node_selector;
    if (clause >= CLAUSE_RESOURCE)
        return arena_copy(arena, dim_name(core, clause - CLAUSE_RESOURCE));
    if (clause == CLAUSE_SELECTOR_LAST &&
        selector->count > CLAUSE_SELECTOR_LAST - CLAUSE_SELECTOR + 1)
        return "further labels of the node selector";
    if (clause >= CLAUSE_SELECTOR) {
        const struct key_value *pair = &selector->items[clause - CLAUSE_SELECTOR];
        return arena_printf(arena, "node selector %s=%s", pair->key, pair->value);
    }
    if (clause == CLAUSE_TAINT && taint != NULL)
        return arena_printf(arena, "taint %s%s%s:%s%s", taint->key,
                            taint->value != NULL && taint->value[0] != '\0' ? "=" : "",
                            taint->value != NULL ? taint->value : "", taint->effect,
                            more_taints ? " and others" : "");
    return names[clause];
}

static const char *clause_change(const struct core *core, unsigned clause,
                                 const struct tally *tally, struct arena *arena)
{
    long long alone = (long long)tally->alone;
    if (alone == 0)
        return NULL;
    if (clause < CLAUSE_SELECTOR && remedies[clause] == NULL)
        return NULL;
    if (clause < CLAUSE_SELECTOR)
        return arena_printf(arena, "%lld would fit %s", alone, remedies[clause]);
    if (clause < CLAUSE_RESOURCE)
        return arena_printf(arena, "%lld would fit without it", alone);
    unsigned dim = clause - CLAUSE_RESOURCE;
    if (tally->best <= 0 || dim == DIM_PODS)
        return NULL;
    return arena_printf(arena, "%lld would fit with %s %s", (long long)tally->best_count,
                        dim_name(core, dim), amount_text(dim, tally->best, arena));
}

static void table_fill(const struct core *core, const struct core_class *class_,
                       const struct tally tallies[CLAUSE_COUNT], const struct taint *taint,
                       bool more_taints, struct arena *arena, struct explain_table *table)
{
    table->lines = arena_alloc(arena, CLAUSE_COUNT * sizeof(*table->lines));
    for (unsigned i = 0; i < CLAUSE_COUNT; i++) {
        const struct tally *tally = &tallies[i];
        if (tally->rules_out == 0)
            continue;
        table->lines[table->line_count++] = (struct explain_line){
            .what = clause_what(core, class_, i, taint, more_taints, arena),
            .rules_out = tally->rules_out,
            .alone = tally->alone,
            .never = tally->never,
            .change = clause_change(core, i, tally, arena),
        };
    }
}

void clauses_of_nodes(const struct core *core, const struct core_environment *environment,
                      const struct core_class *class_, bool empty, struct arena *arena,
                      struct explain_table *ret_table)
{
    struct tally tallies[CLAUSE_COUNT] = {0};
    const struct taint *first = NULL;
    bool more = false;
    *ret_table = (struct explain_table){0};
    for (size_t i = 0; i < environment->slot_count; i++) {
        const struct core_node *node = environment->slots[i];
        if (node == NULL || node->spec == NULL)
            continue;
        uint64_t set = node_clauses(node, class_, empty);
        struct amounts room, most = node->capacity;
        node_free_amounts(node, &room);
        amounts_sub(&most, &node->reserved);
        amounts_sub(&most, &node->daemons);
        ret_table->all++;
        ret_table->fit += set == 0;
        count_in(tallies, set, &room, &most, &class_->needs);
        if ((set & BIT(CLAUSE_TAINT)) == 0)
            continue;
        const struct taint *taint = node_blocking_taint(node, &class_->placement.tolerations);
        if (first == NULL)
            first = taint;
        more = more || !text_eq(first->key, taint->key) || !text_eq(first->value, taint->value) ||
               !text_eq(first->effect, taint->effect);
    }
    table_fill(core, class_, tallies, first, more, arena, ret_table);
}

void clauses_of_types(const struct core *core, const struct core_environment *environment,
                      const struct core_class *class_, struct arena *arena,
                      struct explain_table *ret_table)
{
    struct tally tallies[CLAUSE_COUNT] = {0};
    *ret_table = (struct explain_table){0};
    for (size_t i = 0; i < environment->type_count; i++) {
        const struct core_type *type = &environment->types[i];
        if (!type->wanted)
            continue;
        uint64_t set = type_clauses(core, environment, type, class_);
        ret_table->all++;
        ret_table->fit += set == 0;
        count_in(tallies, set, &type->room, NULL, &class_->needs);
    }
    table_fill(core, class_, tallies, NULL, false, arena, ret_table);
}
