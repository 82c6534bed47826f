/* SPDX-License-Identifier: Apache-2.0 */
/* strategy.c - which instance type, by the allocation strategy of its environment
 *
 * Types are compared for as many pods of one class as wait. What a machine costs is divided by the
 * pods that it would take of them, so a large machine is the cheap one only when there is work to
 * fill it. Prices are whole millionths, compared by multiplying: equal prices are equal on every
 * machine, and then the larger type is taken.
 *
 * BEST_FIT: the lowest price a pod; waits while that type is set aside.
 *
 * BEST_FIT_PROGRESSIVE: the same, but goes on to the next: first within the family, while that
 * costs at most FAMILY_FACTOR times the cheapest of the others.
 *
 * SPOT_CAPACITY_OPTIMIZED: the fewest interruptions, then the lowest price a pod.
 *
 * SPOT_PRICE_CAPACITY_OPTIMIZED: the lowest price of work that gets done: a try on a machine that
 * is taken back with probability p is made 1/(1-p) times.
 *
 * LOWEST_PRICE_PACKING: the lowest price a pod, here; for a whole plan see purchase.h */
#include "strategy.h"
#include "spot.h"

#include <string.h>

enum {
    PARTS = 10000,           /* of one: a rate of interruptions */
    INTERRUPTION_MAX = 9500, /* a type that is always taken back would cost infinitely much */
    INTERRUPTION_UNKNOWN = 500,
    FAMILY_FACTOR = 2,
};
static const double PRICE_MAX = 1e9;

static int64_t millionths(double price)
{
    return (int64_t)((price < PRICE_MAX ? price : PRICE_MAX) * 1e6 + 0.5);
}

void type_refresh_price(const struct core_environment *environment, struct core_type *type)
{
    const struct compute_environment *spec = environment->spec;
    const struct instance_type *offer = &type->spec;
    bool spot = spec != NULL && spec->spot;
    double price = spot && offer->spot_price > 0 ? offer->spot_price : offer->price;
    type->price = price > 0 ? millionths(price) : offer->vcpus * 1000000;
    if (type->price == 0)
        type->price = 1;
    type->over_bid =
        spot && offer->spot_price > 0 && offer->price > 0 &&
        millionths(offer->spot_price) * 100 > millionths(offer->price) * spec->bid_percentage;
}

int64_t type_interruption(const struct core_environment *environment, const struct core_type *type)
{
    int64_t rate = type->spec.interruption >= 0 ? type->spec.interruption * (PARTS / 100)
                                                : INTERRUPTION_UNKNOWN;
    rate = spot_rate(environment, type->spec.name, rate);
    return rate < INTERRUPTION_MAX ? rate : INTERRUPTION_MAX;
}

/* The type for some pods of a class. */
struct offer {
    struct core_type *type;
    int64_t fit;
};

__extension__ typedef __int128 wide;

/* What a pod costs on a, less what it costs on b; above, below or zero. */
static int compare_price(const struct offer *a, const struct offer *b)
{
    wide left = (wide)a->type->price * b->fit, right = (wide)b->type->price * a->fit;
    return left < right ? -1 : left > right;
}

static int compare_done(const struct core_environment *environment, const struct offer *a,
                        const struct offer *b)
{
    wide left = (wide)a->type->price * b->fit * (PARTS - type_interruption(environment, b->type));
    wide right = (wide)b->type->price * a->fit * (PARTS - type_interruption(environment, a->type));
    return left < right ? -1 : left > right;
}

static bool is_better(const struct core_environment *environment, const struct offer *a,
                      const struct offer *b)
{
    enum allocation_strategy strategy = environment->spec->allocation_strategy;
    if (b->type == NULL)
        return true;
    int order = 0;
    if (strategy == ALLOCATE_SPOT_CAPACITY) {
        int64_t left = type_interruption(environment, a->type),
                right = type_interruption(environment, b->type);
        order = left < right ? -1 : left > right;
    } else if (strategy == ALLOCATE_SPOT_PRICE_CAPACITY) {
        order = compare_done(environment, a, b);
    }
    if (order == 0)
        order = compare_price(a, b);
    return order < 0 || (order == 0 && a->type->spec.vcpus > b->type->spec.vcpus);
}

static bool same_family(const struct core_type *a, const struct core_type *b)
{
    size_t left = strcspn(a->spec.name, "."), right = strcspn(b->spec.name, ".");
    return left == right && strncmp(a->spec.name, b->spec.name, left) == 0;
}

bool type_is_out(const struct core *core, const struct core_type *type)
{
    return type->out_until_ns > core->now_ns;
}

bool type_may_be_bought(const struct core_type *type)
{
    return type->wanted && !type->over_bid;
}

bool type_is_to_be_had(const struct core *core, const struct core_type *type)
{
    return type_may_be_bought(type) && !type_is_out(core, type);
}

const struct core_type *type_smallest(const struct core *core,
                                      const struct core_environment *environment,
                                      const struct core_class *class_)
{
    const struct core_type *best = NULL;
    for (size_t i = 0; i < environment->type_count; i++) {
        const struct core_type *type = &environment->types[i];
        if ((best == NULL || type->spec.vcpus < best->spec.vcpus) &&
            type_is_to_be_had(core, type) && amounts_fit(&class_->needs, &type->room) &&
            type_matches(environment, type, class_))
            best = type;
    }
    return best;
}

/* The best offer: of all (family NULL), or of a family's; set aside or not. */
static struct offer best_offer(const struct core *core, const struct core_environment *environment,
                               const struct core_class *class_, int64_t budget, int64_t wanted,
                               bool also_out, const struct core_type *family)
{
    struct offer best = {.type = NULL};
    for (size_t i = 0; i < environment->type_count; i++) {
        struct core_type *type = &environment->types[i];
        if (!type_may_be_bought(type) || type->spec.vcpus > budget ||
            (!also_out && type_is_out(core, type)) ||
            (family != NULL && !same_family(type, family)))
            continue;
        struct offer offer = {type, amounts_times(&class_->needs, &type->room, wanted)};
        if (offer.fit > 0 && is_better(environment, &offer, &best) &&
            type_matches(environment, type, class_))
            best = offer;
    }
    return best;
}

struct core_type *type_choose(const struct core *core, const struct core_environment *environment,
                              const struct core_class *class_, int64_t budget, int64_t wanted)
{
    enum allocation_strategy strategy = environment->spec->allocation_strategy;
    struct offer best = best_offer(core, environment, class_, budget, wanted, true, NULL);
    if (best.type == NULL || !type_is_out(core, best.type))
        return best.type;
    if (strategy == ALLOCATE_BEST_FIT)
        return NULL; /* it waits for its type */
    struct offer next = best_offer(core, environment, class_, budget, wanted, false, NULL);
    if (strategy != ALLOCATE_BEST_FIT_PROGRESSIVE || next.type == NULL)
        return next.type;
    struct offer kin = best_offer(core, environment, class_, budget, wanted, false, best.type);
    bool near_enough = kin.type != NULL && (wide)kin.type->price * next.fit <=
                                               (wide)next.type->price * kin.fit * FAMILY_FACTOR;
    return near_enough ? kin.type : next.type;
}

const struct core_type *type_over_bid(const struct core_environment *environment,
                                      const struct core_class *class_)
{
    for (size_t i = 0; i < environment->type_count; i++) {
        const struct core_type *type = &environment->types[i];
        if (type->wanted && type->over_bid && amounts_fit(&class_->needs, &type->room) &&
            type_matches(environment, type, class_))
            return type;
    }
    return NULL;
}
