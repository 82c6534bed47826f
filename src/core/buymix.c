/* SPDX-License-Identifier: Apache-2.0 */
/* buymix.c - which mixture of types is the cheapest for all the work of one buying pass
 *
 * With LOWEST_PRICE_PACKING the machines that were chosen class by class are one proposal. The plan
 * of purchase.h, which mixes classes on machines and machines of many types, is another; the best
 * plan with one type only is a third. But work is placed in the order of its queue, not as a plan
 * would have it: so each proposal is packed in that order first, with what it then lacks bought in
 * addition, and the one that is the cheapest after that is bought. So what is bought never costs
 * more than the best single type would, packed in the same order. */
#include "buyer.h"
#include "purchase.h"
#include "strategy.h"

#include <string.h>

enum { MIX_MAX = 4096 };

struct mix { /* work that is to be bought for, in its order */
    const struct core_class *class_;
    int64_t count;
};

void mix_begin(struct core *core, struct buyer *buyer)
{
    buyer->mixes = buyer->environment->spec->allocation_strategy == ALLOCATE_LOWEST_PRICE_PACKING;
    if (!buyer->mixes)
        return;
    buyer->first_budget = buyer->budget;
    buyer->first_count = buyer->bin_count;
    buyer->first = arena_alloc(core->arena, (buyer->bin_count + 1) * sizeof(*buyer->first));
    if (buyer->bin_count > 0)
        memcpy(buyer->first, buyer->bins, buyer->bin_count * sizeof(*buyer->first));
}

void mix_note(struct core *core, struct buyer *buyer, const struct core_class *class_,
              int64_t count)
{
    if (!buyer->mixes || count <= 0)
        return;
    if (buyer->mix_count > 0 && buyer->mix[buyer->mix_count - 1].class_ == class_) {
        buyer->mix[buyer->mix_count - 1].count += count;
    } else if (buyer->mix_count < MIX_MAX) {
        ARENA_ROOM(core->arena, buyer->mix, buyer->mix_count, buyer->mix_capacity);
        buyer->mix[buyer->mix_count++] = (struct mix){class_, count};
    } else {
        buyer->mixes = false; /* beyond that, what was chosen class by class is bought */
    }
}

/* The pass as it began. */
static struct buyer again(struct core *core, const struct buyer *of)
{
    struct buyer trial = *of;
    trial.bins = arena_alloc(core->arena, (of->first_count + 1) * sizeof(*trial.bins));
    if (of->first_count > 0)
        memcpy(trial.bins, of->first, of->first_count * sizeof(*trial.bins));
    trial.bin_count = trial.bin_capacity = of->first_count;
    trial.budget = of->first_budget;
    trial.needed = NULL;
    return trial;
}

/* Adds to the machines what is bought in addition when they come, and takes off those that nothing
 * went to; the price of all then, or -1: there is work for which there is none. */
static double realise(struct core *core, const struct buyer *of, int64_t *counts)
{
    const struct core_environment *environment = of->environment;
    struct buyer trial = again(core, of);
    double price = 0;
    trial.bought = counts;
    for (size_t i = 0; i < environment->type_count; i++) {
        trial.budget -= counts[i] * environment->types[i].spec.vcpus;
        if (counts[i] > 0)
            bins_add_whole(core, &trial, &environment->types[i], counts[i]);
    }
    if (trial.budget < 0)
        return -1;
    for (size_t i = 0; i < of->mix_count; i++) {
        int64_t left = bins_pack(core, &trial, of->mix[i].class_, of->mix[i].count);
        if (buy_for_class(core, &trial, of->mix[i].class_, left) > 0)
            return -1;
    }
    for (size_t i = of->first_count; i < trial.bin_count; i++) {
        const struct bins *bins = &trial.bins[i];
        if (bins->whole)
            counts[bins->type - environment->types] -= bins->count;
    }
    for (size_t i = 0; i < environment->type_count; i++)
        price += (double)counts[i] * (double)environment->types[i].price;
    return price;
}

static bool *allowed_make(struct core *core, const struct buyer *buyer)
{
    const struct core_environment *environment = buyer->environment;
    size_t types = environment->type_count;
    bool *allowed = arena_alloc(core->arena, buyer->mix_count * types * sizeof(*allowed) + 1);
    for (size_t c = 0; c < buyer->mix_count; c++) {
        const struct core_class *class_ = buyer->mix[c].class_;
        for (size_t t = 0; t < types; t++)
            allowed[c * types + t] = amounts_fit(&class_->needs, &environment->types[t].room) &&
                                     type_matches(environment, &environment->types[t], class_);
    }
    return allowed;
}

static void plan_make(struct core *core, const struct buyer *buyer, struct purchase_plan *ret_plan)
{
    _Static_assert((int)PURCHASE_DIMS == (int)DIM_MAX, "vectors are copied");
    const struct core_environment *environment = buyer->environment;
    struct purchase_class *classes =
        arena_alloc(core->arena, (buyer->mix_count + 1) * sizeof(*classes));
    struct purchase_type *types =
        arena_alloc(core->arena, (environment->type_count + 1) * sizeof(*types));
    struct buyer without = again(core, buyer); /* only what does not fit machines on their way */
    for (size_t c = 0; c < buyer->mix_count; c++) {
        memcpy(classes[c].needs, buyer->mix[c].class_->needs.v, sizeof(classes[c].needs));
        classes[c].count = bins_pack(core, &without, buyer->mix[c].class_, buyer->mix[c].count);
    }
    for (size_t t = 0; t < environment->type_count; t++) {
        const struct core_type *type = &environment->types[t];
        memcpy(types[t].room, type->room.v, sizeof(types[t].room));
        types[t].price = (double)type->price;
        types[t].vcpus = type->spec.vcpus;
        types[t].limit = type_is_to_be_had(core, type) ? -1 : 0;
    }
    const struct purchase_problem problem = {
        .classes = classes,
        .class_count = buyer->mix_count,
        .types = types,
        .type_count = environment->type_count,
        .allowed = allowed_make(core, buyer),
        .vcpus_max = buyer->first_budget,
    };
    purchase_make(core->arena, &problem, ret_plan);
}

static int64_t *counts_copy(struct core *core, const struct buyer *buyer, const int64_t *from)
{
    size_t count = buyer->environment->type_count;
    int64_t *counts = arena_alloc(core->arena, (count + 1) * sizeof(*counts));
    if (from != NULL)
        memcpy(counts, from, count * sizeof(*counts));
    return counts;
}

static void take_if_cheaper(struct core *core, struct buyer *buyer, int64_t *counts, double *price,
                            int64_t **best)
{
    double here = realise(core, buyer, counts);
    if (here < 0 || (*price >= 0 && here >= *price))
        return;
    *price = here;
    *best = counts;
}

void mix_choose(struct core *core, struct buyer *buyer)
{
    if (buyer->mix_count == 0)
        return;
    struct purchase_plan plan;
    const struct core_environment *environment = buyer->environment;
    int64_t *best = NULL;
    double price = -1;
    take_if_cheaper(core, buyer, counts_copy(core, buyer, NULL), &price, &best);
    plan_make(core, buyer, &plan);
    if (plan.left == 0 && price >= 0 && plan.price < price)
        take_if_cheaper(core, buyer, counts_copy(core, buyer, plan.counts), &price, &best);
    if (plan.single_price > 0) {
        int64_t *single = counts_copy(core, buyer, NULL);
        single[plan.single_type] = plan.single_count;
        take_if_cheaper(core, buyer, single, &price, &best);
    }
    for (size_t i = 0; best != NULL && i < environment->type_count; i++) {
        buyer->budget += (buyer->bought[i] - best[i]) * environment->types[i].spec.vcpus;
        buyer->bought[i] = best[i];
    }
}
