/* SPDX-License-Identifier: Apache-2.0 */
/* bins.c - machines that are on their way or to be bought, and what will go there
 *
 * They are kept in groups of equal room, so a thousand new machines cost no more than one. Work
 * goes into the first group that has room for it, in the order in which it will be placed: what is
 * bought for here is what the placement of the same work will find. */
#include "buyer.h"

#include <string.h>

enum { BIN_GROUPS_MAX = 4096 };

static void bins_add(struct core *core, struct buyer *buyer, const struct bins *bins)
{
    if (bins->count <= 0 || buyer->bin_count >= BIN_GROUPS_MAX)
        return; /* room that is forgotten here is found again when the machine has joined */
    ARENA_ROOM(core->arena, buyer->bins, buyer->bin_count, buyer->bin_capacity);
    buyer->bins[buyer->bin_count++] = *bins;
}

void bins_add_whole(struct core *core, struct buyer *buyer, const struct core_type *type,
                    int64_t count)
{
    bins_add(core, buyer,
             &(struct bins){.type = type, .room = type->room, .count = count, .whole = true});
}

static void bins_split(struct core *core, struct buyer *buyer, const struct bins *from,
                       const struct core_class *class_, int64_t times, int64_t count)
{
    struct bins bins = *from;
    for (size_t i = 0; i < DIM_MAX; i++)
        bins.room.v[i] -= class_->needs.v[i] * times;
    bins.count = count;
    bins.whole = false;
    bins_add(core, buyer, &bins);
}

void bins_buy(struct core *core, struct buyer *buyer, const struct core_type *type,
              const struct core_class *class_, int64_t times, int64_t count)
{
    const struct bins whole = {.type = type, .room = type->room};
    bins_split(core, buyer, &whole, class_, times, count);
}

/* Labels and taints of a new machine of that type, asked once for each class and type. */
static bool matches(struct core *core, struct buyer *buyer, const struct core_class *class_,
                    const struct core_type *type)
{
    enum { UNKNOWN, YES, NO };
    const struct core_environment *environment = buyer->environment;
    if (buyer->match == NULL || buyer->match_class != class_) {
        buyer->match = arena_alloc(core->arena, environment->type_count + 1);
        buyer->match_class = class_;
    }
    unsigned char *known = &buyer->match[type - environment->types];
    if (*known == UNKNOWN)
        *known = type_matches(environment, type, class_) ? YES : NO;
    return *known == YES;
}

static int64_t pack(struct core *core, struct buyer *buyer, const struct core_class *class_,
                    int64_t wanted, bool plain)
{
    size_t groups = buyer->bin_count; /* those that are split off are full for this class */
    for (size_t i = 0; i < groups && wanted > 0; i++) {
        const struct core_type *type = buyer->bins[i].type;
        if (plain && amounts_extended(&type->room))
            continue;
        int64_t fit = amounts_times(&class_->needs, &buyer->bins[i].room, wanted);
        if (buyer->bins[i].count <= 0 || fit <= 0 || !matches(core, buyer, class_, type))
            continue;
        struct bins bins = buyer->bins[i];
        int64_t full = wanted / fit < bins.count ? wanted / fit : bins.count;
        int64_t rest = full < bins.count ? wanted - full * fit : 0;
        wanted -= full * fit + rest;
        buyer->bins[i].count -= full + (rest > 0);
        bins_split(core, buyer, &bins, class_, fit, full);
        if (rest > 0)
            bins_split(core, buyer, &bins, class_, rest, 1);
    }
    return wanted;
}

int64_t bins_pack(struct core *core, struct buyer *buyer, const struct core_class *class_,
                  int64_t wanted)
{
    if (!amounts_extended(&class_->needs)) /* as they will be placed: see rooms.c */
        wanted = pack(core, buyer, class_, wanted, true);
    return pack(core, buyer, class_, wanted, false);
}
