/* SPDX-License-Identifier: Apache-2.0 */
/* gangbuy.c - machines for multi-node jobs
 *
 * A gang is bought for whole or not at all, and only when it is at the head of its queue: machines
 * that come earlier would stand idle. They come one by one; until there is one for each part the
 * empty ones are not given back (is_gathered), nor sent away for work that comes after it (claim).
 */
#include "buyer.h"
#include "gang.h"
#include "order.h"

#include <stdlib.h>

/* A machine on its way that nothing has been packed into yet; the smallest that will do. */
static bool bins_take_whole(struct buyer *buyer, const struct core_class *class_)
{
    struct bins *best = NULL;
    for (size_t i = 0; i < buyer->bin_count; i++) {
        struct bins *bins = &buyer->bins[i];
        if (bins->whole && bins->count > 0 && amounts_fit(&class_->needs, &bins->room) &&
            (best == NULL || bins->room.v[DIM_CPU] < best->room.v[DIM_CPU]))
            best = bins;
    }
    if (best == NULL)
        return false;
    best->count--;
    return true;
}

struct part {
    struct core_node *node; /* an empty one that is there; NULL: none, or it has one already */
    bool comes;             /* one is on its way for it */
    bool without;           /* neither */
};

static bool may_have(const struct core_node *node, const struct core_class *class_)
{
    return node_is_usable(node) && gang_part_fits(node, class_) && node_takes(node, class_);
}

/* What is on its way would not do for this part, but for another that has a node which would. */
static bool changes_places(struct buyer *buyer, const struct core_job *job, uint32_t part,
                           struct part *parts)
{
    const struct core_class *class_ = job_class(job, part);
    for (uint32_t i = 0; i < job->size; i++) {
        const struct core_class *other = job_class(job, i);
        if (parts[i].node == NULL || other == class_ || !may_have(parts[i].node, class_) ||
            !bins_take_whole(buyer, other))
            continue;
        parts[part].node = parts[i].node;
        parts[i] = (struct part){.comes = true};
        return true;
    }
    return false;
}

/* Which parts have no machine, neither an empty one nor one on its way; how many vCPUs the least
 * ones for them have, or -1 when there is none to be had for one of them now. */
static int64_t parts_without(struct core *core, struct buyer *buyer, const struct core_job *job,
                             unsigned attempt, struct part *ret_parts)
{
    const struct core_environment *environment = buyer->environment;
    const struct core_class *in_vain = NULL;
    struct gang_match match;
    gang_match(core, job, environment, GANG_ROOM_NOW, attempt, &match);
    for (uint32_t i = 0; i < job->size; i++)
        ret_parts[i] = (struct part){.node = match.nodes[i]};
    free(match.nodes);
    int64_t least_sum = 0;
    for (uint32_t i = 0; i < job->size; i++) {
        const struct core_class *class_ = job_class(job, i);
        struct part *part = &ret_parts[i];
        if (part->node != NULL || part->comes || !gang_part_waits(job, i, attempt) ||
            bins_take_whole(buyer, class_))
            continue;
        if (job->class_count > 1 && class_ != in_vain && changes_places(buyer, job, i, ret_parts))
            continue;
        in_vain = class_;
        part->without = true;
        int64_t least = machine_least_vcpus(environment, class_, core->now_ns);
        least_sum = least > 0 && least_sum >= 0 ? least_sum + least : -1;
    }
    return least_sum;
}

/* The same, but no machine for a part that a smaller one would do for: in the first way a small
 * part may get the only machine that is large enough for another, and what maxvCpus leaves may not
 * do for a second one of that size. */
static int64_t parts_without_exact(struct core *core, struct buyer *buyer,
                                   const struct core_job *job, unsigned attempt,
                                   struct part *ret_parts)
{
    const struct core_environment *environment = buyer->environment;
    int64_t least_sum = 0;
    core->gang_match++;
    for (uint32_t i = 0; i < job->size; i++) {
        const struct core_class *class_ = job_class(job, i);
        int64_t least = machine_least_vcpus(environment, class_, core->now_ns);
        ret_parts[i] = (struct part){.without = gang_part_waits(job, i, attempt)};
        for (size_t slot = 0; ret_parts[i].without && slot < environment->slot_count; slot++) {
            struct core_node *node = environment->slots[slot];
            bool takes = is_idle(core, node, UINT64_MAX) && node->match != core->gang_match &&
                         instance_vcpus(node->instance) <= least && may_have(node, class_);
            if (!takes)
                continue;
            node->match = core->gang_match;
            ret_parts[i] = (struct part){.node = node};
        }
        if (!ret_parts[i].without || bins_take_whole(buyer, class_)) {
            ret_parts[i].without = false;
            continue;
        }
        least_sum = least > 0 && least_sum >= 0 ? least_sum + least : -1;
    }
    return least_sum;
}

/* How many are left of each group of machines on their way, to put back what a search took. */
static int64_t *bins_counts(struct core *core, const struct buyer *buyer)
{
    int64_t *counts = arena_alloc(core->arena, (buyer->bin_count + 1) * sizeof(*counts));
    for (size_t i = 0; i < buyer->bin_count; i++)
        counts[i] = buyer->bins[i].count;
    return counts;
}

static void bins_put_back(struct buyer *buyer, const int64_t *counts)
{
    for (size_t i = 0; i < buyer->bin_count; i++)
        buyer->bins[i].count = counts[i];
}

/* Nobody who comes later counts on the machines that it will use. */
static void count_on_parts(struct core *core, const struct core_job *job, const struct part *parts)
{
    for (uint32_t i = 0; i < job->size; i++) {
        if (parts[i].node != NULL)
            count_on_node(core, parts[i].node);
    }
}

/* A machine for each of its parts that has none: what is bought now, all of it or nothing. */
static bool buy_whole(struct core *core, struct buyer *buyer, const struct core_job *job,
                      unsigned attempt)
{
    struct core_environment *environment = buyer->environment;
    struct part *parts = arena_alloc(core->arena, job->size * sizeof(*parts));
    int64_t *bought = arena_alloc(core->arena, (environment->type_count + 1) * sizeof(*bought));
    int64_t budget = buyer->budget;
    /* A dear machine for one must not keep the others from theirs. */
    const int64_t *counts = bins_counts(core, buyer);
    int64_t rest = parts_without(core, buyer, job, attempt, parts);
    if (rest > budget && job->class_count > 1) {
        bins_put_back(buyer, counts);
        rest = parts_without_exact(core, buyer, job, attempt, parts);
    }
    bool all = rest >= 0 && rest <= budget;
    for (uint32_t i = 0; all && i < job->size; i++) {
        const struct core_class *class_ = job_class(job, i);
        if (!parts[i].without)
            continue;
        rest -= machine_least_vcpus(environment, class_, core->now_ns);
        struct core_type *type = type_choose(core, environment, class_, budget - rest, 1);
        all = type != NULL;
        if (!all)
            break;
        core->thinking.unsure = core->thinking.unsure || type->out_level > 0;
        bought[type - environment->types]++;
        budget -= type->spec.vcpus;
    }
    if (!all) {
        if (buyer->short_class == NULL) {
            buyer->short_class = job->class_;
            buyer->short_gang = job;
            buyer->short_step = core->thinking.step;
        }
        buyer->short_of = true;
        return false;
    }
    for (size_t i = 0; i < environment->type_count; i++)
        buyer_add(core, buyer, &environment->types[i], bought[i]);
    buyer->budget = budget;
    buyer->mixes = false; /* its machines are its own: the pass cannot be played again without it */
    count_on_parts(core, job, parts);
    return true;
}

/* Machines for all of it are there or on their way: then none is bought elsewhere. */
static bool is_coming(struct core *core, struct buyer *buyer, const struct core_job *job)
{
    struct part *parts = arena_alloc(core->arena, job->size * sizeof(*parts));
    const int64_t *counts = bins_counts(core, buyer);
    bool all = true;
    (void)parts_without(core, buyer, job, UINT32_MAX, parts);
    for (uint32_t i = 0; i < job->size; i++)
        all = all && !parts[i].without;
    if (all)
        count_on_parts(core, job, parts);
    else
        bins_put_back(buyer, counts);
    return all;
}

/* The buyer of its queue's i-th environment, if it could run there; NULL: not. */
static struct buyer *buyer_for(struct core *core, struct buyer *buyers, size_t count,
                               const struct core_job *job, size_t i)
{
    const char *name = job->queue->spec->environments[i].compute_environment;
    struct core_environment *environment = map_get(core->environments, name);
    struct buyer *buyer = buyer_of(buyers, count, environment);
    bool could = buyer != NULL && environment_serves(environment, job->spec->meta.namespace_) &&
                 gang_could_fit(core, job, environment);
    return could ? buyer : NULL;
}

bool buy_for_gang(struct core *core, struct buyer *buyers, size_t count, struct core_job *job)
{
    const struct core_queue *queue = job->queue;
    for (int buys = 0; buys < 2; buys++) {
        for (size_t i = 0; i < queue->spec->environment_count; i++) {
            struct buyer *buyer = buyer_for(core, buyers, count, job, i);
            const struct core_queue *held = buyer != NULL ? buyer->environment->held_buy : NULL;
            bool may = buyer != NULL && (held == NULL || held == queue);
            if (buys == 0 && may && !buyer->waits && is_coming(core, buyer, job))
                return true;
            if (buys == 0 || buyer == NULL)
                continue;
            bool gives_way = may && buyer->environment->gives_way;
            if (gives_way)
                give_way_for(core, buyer->environment);
            if (gives_way || buyer->waits || (may && buy_whole(core, buyer, job, UINT32_MAX))) {
                buyers_have_all(core, buyers, count);
                return true;
            }
        }
    }
    return false;
}

void buy_replacements(struct core *core, struct buyer *buyers, size_t count)
{
    for (const struct core_job *job = core->gangs; job != NULL; job = job->gang_next) {
        struct buyer *buyer = buyer_of(buyers, count, gang_short_in(job));
        counted_step(core);
        if (buyer != NULL && !buyer->waits && !buy_whole(core, buyer, job, gang_attempt(job)))
            job->queue->short_pass = core->buy_pass;
    }
}

/* Marks idle machines that stay for the gang's parts, of any size or of the least only; how many
 * vCPUs the others need, beyond what comes and what goes. -1: a type is set aside, that comes
 * first.
 */
static int64_t gang_keeps(struct core *core, const struct buyer *buyer, bool least_only)
{
    const struct core_environment *environment = buyer->environment;
    const struct core_job *job = buyer->short_gang;
    unsigned attempt = job->gang_open ? gang_attempt(job) : UINT32_MAX;
    const struct core_class *last = NULL;
    int64_t needed = 0;
    int64_t least = 0;
    size_t slot = 0;
    core->gang_match++;
    for (uint32_t i = 0; i < job->size; i++) {
        const struct core_class *class_ = job_class(job, i);
        if (!gang_part_waits(job, i, attempt))
            continue;
        if (class_ != last) {
            slot = 0;
            least = machine_least_vcpus(environment, class_, core->now_ns);
        }
        last = class_;
        struct core_node *stays = NULL;
        for (; stays == NULL && slot < environment->slot_count; slot++) {
            struct core_node *node = environment->slots[slot];
            if (is_idle(core, node, buyer->short_step) && node->match != core->gang_match &&
                gang_part_fits(node, class_) &&
                (!least_only || instance_vcpus(node->instance) <= least))
                stays = node;
        }
        if (stays != NULL)
            stays->match = core->gang_match;
        else if (least == 0)
            return -1;
        else
            needed += least;
    }
    for (const struct core_instance *i = environment->instances; i != NULL; i = i->next)
        needed -= i->state >= INSTANCE_TERMINATING || (i->node == NULL && instance_coming(i))
                      ? instance_vcpus(i)
                      : 0;
    return needed > 0 ? needed : 0;
}

/* A multi-node job waits for many machines at once. Idle ones that are of no use to it may use up
 * what maxvCpus leaves; and when it cannot be done with those that are of use, they may be larger
 * than its parts need. They give way, when that is enough for all. */
void make_room_for_gang(struct core *core, struct buyer *buyer)
{
    struct core_environment *environment = buyer->environment;
    for (int pass = 0; pass < 2; pass++) {
        int64_t needed = gang_keeps(core, buyer, pass > 0);
        int64_t idle = 0;
        for (size_t i = 0; i < environment->slot_count; i++) {
            const struct core_node *node = environment->slots[i];
            if (is_idle(core, node, buyer->short_step) && node->match != core->gang_match)
                idle += instance_vcpus(node->instance);
        }
        if (needed < 0 || buyer->budget >= needed)
            return;
        if (buyer->budget + idle < needed)
            continue;
        for (size_t i = environment->slot_count; i > 0 && buyer->budget < needed; i--) {
            struct core_node *node = environment->slots[i - 1];
            if (!is_idle(core, node, buyer->short_step) || node->match == core->gang_match)
                continue;
            needed -= instance_vcpus(node->instance);
            node_send_away(core, node);
        }
        return;
    }
}

/* A multi-node job at the head of its queue gathers machines until it has enough for all parts:
 * they come one by one, and stand empty meanwhile. */
bool is_gathered(const struct core *core, const struct core_environment *environment,
                 const struct core_node *node)
{
    for (const struct core_job *job = core->gangs; job != NULL; job = job->gang_next) {
        if (gang_short_in(job) == environment && gang_could_use(job, node))
            return true;
    }
    for (const struct tree_node *n = tree_first(&core->queue_order); n != NULL; n = tree_next(n)) {
        const struct core_queue *queue = CONTAINER_OF(n, struct core_queue, by_priority);
        const struct core_job *job = order_first(queue);
        for (size_t i = 0; job != NULL && job->gang && i < queue->blocked_count; i++) {
            if (queue->blocked[i] == environment && gang_could_use(job, node))
                return true;
        }
    }
    return false;
}
