/* SPDX-License-Identifier: Apache-2.0 */
/* buy.c - what to buy
 *
 * The waiting work is walked in the order in which it will be placed (queues by priority, jobs by
 * age) and packed, class by class, first into the room that is there (counted.c), then into
 * machines that are on their way, to whichever of the queue's environments, then into machines to
 * buy in the first of them: the type with the lowest price for each pod it would take, among those
 * that are large enough, not set aside, and within maxvCpus. What one environment cannot take goes
 * to the queue's next. One whose turn has not come yet is asked all the same what it would take:
 * that waits for it, and only what it could not buy is handed on. A queue whose work cannot all be
 * bought for here keeps lower queues from buying here.
 *
 * Where the strategy is LOWEST_PRICE_PACKING, what that came to is one proposal; buymix.c has
 * others.
 *
 * Pace. The first need is bought at once; then at most one launch a second for an environment,
 * planned anew. */
#include "backfill.h"
#include "buyer.h"
#include "gang.h"
#include "order.h"
#include "passing.h"
#include "signals.h"
#include "strategy.h"

#include <stdlib.h>
#include <string.h>

/* PASSED_MAX: a look whether a job could run at all may be a look at every node. */
enum { BUY_JOBS_MAX = 1000, LAUNCH_COUNT_MAX = 1000, PASSED_MAX = 16 };

/* --------------------------------------------------------------------- buying */

void buyer_add(const struct core *core, struct buyer *buyer, const struct core_type *type,
               int64_t machines)
{
    size_t index = (size_t)(type - buyer->environment->types);
    if (buyer->needed != NULL && buyer->needed[index] == 0 && machines > 0)
        buyer->needed[index] = core->thinking.step;
    buyer->bought[index] += machines;
}

int64_t buy_for_class(struct core *core, struct buyer *buyer, const struct core_class *class_,
                      int64_t wanted)
{
    while (wanted > 0) {
        struct core_type *type =
            type_choose(core, buyer->environment, class_, buyer->budget, wanted);
        if (type == NULL)
            break;
        int64_t fit = amounts_times(&class_->needs, &type->room, wanted);
        int64_t machines = wanted / fit;
        int64_t affordable =
            type->spec.vcpus > 0 ? buyer->budget / type->spec.vcpus : LAUNCH_COUNT_MAX;
        if (machines > affordable)
            machines = affordable;
        core->thinking.unsure = core->thinking.unsure || type->out_level > 0;
        buyer_add(core, buyer, type, machines);
        buyer->budget -= machines * type->spec.vcpus;
        wanted -= machines * fit;
        bins_buy(core, buyer, type, class_, fit, machines);
    }
    return wanted;
}

/* Machines to buy in one environment for up to wanted pods of the class; how many are left over. */
static int64_t take_work(struct core *core, struct buyer *buyer, struct core_queue *queue,
                         const struct core_class *class_, int64_t wanted)
{
    struct core_environment *environment = buyer->environment;
    if (!environment_could_fit(environment, class_))
        return wanted;
    if (buyer->waits)
        return 0;
    if (environment->held_buy != NULL && environment->held_buy != queue)
        return wanted;
    if (environment->gives_way) {
        give_way_for(core, environment);
        return 0;
    }
    int64_t all = wanted;
    wanted = buy_for_class(core, buyer, class_, wanted);
    mix_note(core, buyer, class_, all - wanted);
    if (wanted > 0 && buyer->short_class == NULL) {
        buyer->short_class = class_;
        buyer->short_step = core->thinking.step;
    }
    buyer->short_of = buyer->short_of || wanted > 0;
    return wanted;
}

struct buyer *buyer_of(struct buyer *buyers, size_t count,
                       const struct core_environment *environment)
{
    for (size_t i = 0; environment != NULL && i < count; i++) {
        if (buyers[i].environment == environment)
            return &buyers[i];
    }
    return NULL;
}

bool is_idle(const struct core *core, const struct core_node *node, uint64_t before)
{
    return node != NULL && node->spec != NULL && node->live == 0 && node->gang == NULL &&
           !node->closed && node->instance != NULL && node->instance->state <= INSTANCE_RUNNING &&
           !is_counted_on(core, node, before);
}

/* Another queue goes first there, and there is nothing to be had for it: that may take long. */
static bool is_held_long(const struct core *core, const struct core_environment *environment,
                         const struct core_queue *queue)
{
    const struct core_queue *first = environment->held_by;
    return first != NULL && first != queue && first->short_pass == core->buy_pass;
}

/* Room that comes anyway. */
static int64_t take_room(struct core *core, struct buyer *buyer, const struct core_class *class_,
                         int64_t wanted)
{
    int64_t left = bins_pack(core, buyer, class_, wanted);
    mix_note(core, buyer, class_, wanted - left);
    return left;
}

/* What is paid for already is used first, wherever. */
enum source { ROOM_THERE, ROOM_COMES, ROOM_BOUGHT };

static int64_t take_from(struct core *core, struct core_environment *environment,
                         struct buyer *buyer, const struct core_job *job, enum source source,
                         int64_t wanted)
{
    if (source == ROOM_THERE)
        return environment->gives_way ? wanted
                                      : count_on_room(core, environment, job->class_, wanted);
    if (buyer == NULL)
        return wanted;
    return source == ROOM_COMES ? take_room(core, buyer, job->class_, wanted)
                                : take_work(core, buyer, job->queue, job->class_, wanted);
}

void buyers_have_all(const struct core *core, struct buyer *buyers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (buyers[i].short_class == NULL || buyers[i].short_step != core->thinking.step)
            continue;
        buyers[i].short_class = NULL;
        buyers[i].short_gang = NULL;
    }
}

int64_t buyers_take(struct core *core, struct buyer *buyers, size_t count,
                    const struct core_job *job, int64_t wanted)
{
    const struct core_queue *queue = job->queue;
    enum source last = core->thinking.doubt ? ROOM_THERE : ROOM_BOUGHT;
    for (unsigned step = 0; step < 2 * (ROOM_BOUGHT + 1); step++) {
        bool held = step > ROOM_BOUGHT; /* where others go first for long comes last */
        enum source source = step % (ROOM_BOUGHT + 1);
        for (size_t i = 0; i < queue->spec->environment_count && wanted > 0; i++) {
            struct core_environment *environment =
                map_get(core->environments, queue->spec->environments[i].compute_environment);
            if (source <= last && environment_usable(environment) &&
                environment_serves(environment, job->spec->meta.namespace_) &&
                is_held_long(core, environment, queue) == held)
                wanted = take_from(core, environment, buyer_of(buyers, count, environment), job,
                                   source, wanted);
        }
    }
    if (wanted == 0)
        buyers_have_all(core, buyers, count);
    return wanted;
}

/* As things are, it will be set aside when it is the first (place_head): it is in nobody's way. */
static bool is_for_nothing(const struct core *core, const struct core_job *job)
{
    AUTO_STR words = STR_EMPTY;
    bool any = false;
    const struct job_queue *spec = job->queue->spec;
    if (quota_never(core, job, &words) != VERDICT_NONE ||
        consume_never(job, &words) != VERDICT_NONE)
        return true;
    for (size_t i = 0; i < spec->environment_count; i++) {
        const struct core_environment *environment =
            map_get(core->environments, spec->environments[i].compute_environment);
        if (!environment_usable(environment))
            continue;
        any = true;
        if (environment_serves(environment, job->spec->meta.namespace_) &&
            environment_could_fit(environment, job->class_))
            return false;
    }
    return any;
}

/* True: there may be room for what comes after it. */
static bool buy_for_job(struct core *core, struct buyer *buyers, size_t count, struct core_job *job,
                        int64_t times)
{
    int64_t all = job_wanted(job);
    counted_step(core);
    all = times < all ? times : all;
    /* No machines for what could not start on them. */
    int64_t wanted = quota_buy(core, job, consume_buy(core, job, all));
    bool whole = wanted == all;
    if (job->gang && !whole)
        return false;
    bool all_had = job->gang ? buy_for_gang(core, buyers, count, job)
                             : buyers_take(core, buyers, count, job, wanted) == 0;
    if ((!all_had || !whole) && !job->gang && core->thinking.passed < PASSED_MAX &&
        is_for_nothing(core, job)) {
        core->thinking.passed++;
        return true;
    }
    if (!all_had)
        job->queue->short_pass = core->buy_pass;
    return all_had && whole;
}

/* Where what can start passes what cannot, what can be bought for passes too. */
static void buy_for_lines(struct core *core, struct buyer *buyers, size_t count,
                          const struct core_queue *queue)
{
    size_t looked = 0;
    bool skip = false;
    struct core_job *job;
    struct passing_walk walk;
    passing_walk_begin(&walk, core->arena, queue);
    backfill_look(core, queue);
    while ((job = passing_walk_next(&walk, skip)) != NULL && looked < BUY_JOBS_MAX) {
        bool early = job->gang && looked > 0;
        looked++;
        /* Room that is kept from it does not count for it. */
        bool may = looked == 1 || backfill_begin(core, job);
        skip = early || !may || !buy_for_job(core, buyers, count, job, INT64_MAX);
        if (skip && !backfill_buys(queue))
            break; /* what the first waits for is not to be used up */
    }
    backfill_end(core, queue);
}

/* What is behind a machine of which there were none when last asked is not bought for in the same
 * pass: it would stand idle if there are none again. Nor is what is behind a job for which an
 * environment gives way no more, before it has found room there. What it has already stays. */
static void buy_in_order(struct core *core, struct buyer *buyers, size_t count,
                         struct core_queue *queue)
{
    size_t looked = 0;
    core->thinking.unsure = core->thinking.doubt = false;
    int64_t times;
    struct core_job *job;
    struct order_walk walk;
    order_walk_begin(&walk, core, queue);
    while ((job = order_walk_next(&walk, &times)) != NULL) {
        /* A multi-node job's machines would stand idle until it is at the head. */
        bool early = job->gang && looked > 0;
        if (++looked > BUY_JOBS_MAX || early || !buy_for_job(core, buyers, count, job, times))
            break; /* first in, first out: what is behind it does not start before it */
        core->thinking.doubt = core->thinking.unsure;
    }
    if (core->thinking.doubt)
        queue->short_pass = core->buy_pass;
    core->thinking.doubt = false;
}

static void buy_for_queue(struct core *core, struct buyer *buyers, size_t count,
                          struct core_queue *queue)
{
    if (queue->passing != NULL)
        buy_for_lines(core, buyers, count, queue);
    else
        buy_in_order(core, buyers, count, queue);
    for (size_t i = 0; i < count; i++) {
        if (buyers[i].short_of && buyers[i].environment->held_buy == NULL)
            buyers[i].environment->held_buy = queue;
    }
}

static void buy_minimum(struct core *core, struct buyer *buyer)
{
    struct core_environment *environment = buyer->environment;
    const struct compute_environment *spec = environment->spec;
    int64_t have = spec->max_vcpus - buyer->budget - environment_vcpus_leaving(environment);
    while (have < spec->min_vcpus) {
        struct core_type *best = NULL;
        for (size_t i = 0; i < environment->type_count; i++) {
            struct core_type *type = &environment->types[i];
            if (!type_is_to_be_had(core, type) || type->spec.vcpus <= 0 ||
                type->spec.vcpus > buyer->budget)
                continue;
            if (best == NULL || type->price * best->spec.vcpus < best->price * type->spec.vcpus)
                best = type;
        }
        if (best == NULL)
            return;
        buyer->bought[best - environment->types]++;
        buyer->budget -= best->spec.vcpus;
        have += best->spec.vcpus;
    }
}

static struct core_launch *launch_add(struct core *core, struct core_environment *environment,
                                      const struct core_type *type, int64_t count)
{
    struct core_launch *launch = mem_new(sizeof(*launch));
    launch->type = text_copy(type->spec.name);
    launch->zone = text_copy(type->zone);
    launch->count = count < LAUNCH_COUNT_MAX ? count : LAUNCH_COUNT_MAX;
    launch->vcpus = launch->count * type->spec.vcpus;
    launch->since_ns = core->now_ns;
    /* Unique in the environment also after a restart: time goes on. */
    launch->token = text_printf("%llx%02llx", (unsigned long long)(core->now_ns / NS_PER_MS),
                                (unsigned long long)(environment->launch_sequence++ & 0xff));
    struct core_launch **link = &environment->launches;
    while (*link != NULL)
        link = &(*link)->next;
    *link = launch;
    return launch;
}

static void drop_unsent(struct core_environment *environment)
{
    for (struct core_launch **link = &environment->launches; *link != NULL;) {
        struct core_launch *launch = *link;
        if (launch->sent) {
            link = &launch->next;
            continue;
        }
        *link = launch->next;
        launch_free(launch);
    }
    environment_recount(environment);
}

static void fill_bins(struct core *core, struct buyer *buyer)
{
    struct core_environment *environment = buyer->environment;
    for (const struct core_instance *i = environment->instances; i != NULL; i = i->next) {
        const struct core_type *type = environment_type_in(environment, i->type, i->zone);
        if (instance_coming(i) && type != NULL)
            bins_add_whole(core, buyer, type, 1);
    }
    for (const struct core_launch *launch = environment->launches; launch != NULL;
         launch = launch->next) {
        const struct core_type *type = environment_type_in(environment, launch->type, launch->zone);
        if (type != NULL)
            bins_add_whole(core, buyer, type, launch->count);
    }
}

/* Our finalizer comes first: an environment that vanished would leave its machines to nobody. */
bool environment_can_buy(const struct core_environment *environment)
{
    return environment_usable(environment) && environment->spec->provider != PROVIDER_STATIC &&
           environment->types_known && environment->observed &&
           environment->spec->meta.has_finalizer;
}

static void buyer_open(struct core *core, struct buyer *buyer, struct core_environment *environment)
{
    *buyer = (struct buyer){.environment = environment, .open = true};
    environment->held_buy = NULL;
    if (!environment_can_buy(environment)) {
        buyer->waits = true;
        return;
    }
    buyer->paced = environment->buy_next_ns > core->now_ns ||
                   environment->launch_next_ns > core->now_ns ||
                   environment->launches_in_flight > 0;
    if (!buyer->paced)
        drop_unsent(environment);
    fill_bins(core, buyer);
    buyer->bought = arena_alloc(core->arena, (environment->type_count + 1) * sizeof(int64_t));
    buyer->needed = arena_alloc(core->arena, (environment->type_count + 1) * sizeof(uint64_t));
    buyer->budget = environment->spec->max_vcpus - environment->vcpus;
    mix_begin(core, buyer);
}

/* What was needed first is asked for first; what the walk did not need, last. */
static const struct core_type *next_bought(const struct buyer *buyer)
{
    const struct core_type *next = NULL;
    uint64_t first = 0;
    for (size_t i = 0; i < buyer->environment->type_count; i++) {
        uint64_t step = buyer->needed[i] - 1; /* 0: the very last */
        if (buyer->bought[i] <= 0 || (next != NULL && step >= first))
            continue;
        next = &buyer->environment->types[i];
        first = step;
    }
    return next;
}

/* There may be room for what waits that was kept from it until now. */
static bool room_is_free_again(const struct core *core)
{
    size_t at = 0;
    const struct core_environment *environment;
    while ((environment = map_next(core->environments, &at, NULL)) != NULL) {
        if (environment->gave_way_ns == core->now_ns)
            return true;
    }
    return false;
}

static void buyer_close(struct core *core, struct buyer *buyer)
{
    struct core_environment *environment = buyer->environment;
    if (buyer->waits || buyer->paced)
        return;
    if (buyer->mixes)
        mix_choose(core, buyer);
    bool later = buyer->short_class != NULL && room_is_free_again(core);
    if (buyer->short_class == NULL)
        buy_minimum(core, buyer);
    else if (!later && buyer->short_gang != NULL)
        make_room_for_gang(core, buyer);
    else if (!later)
        make_room(core, buyer);
    bool any = false;
    const struct core_type *type;
    while ((type = next_bought(buyer)) != NULL) {
        int64_t *count = &buyer->bought[type - environment->types];
        struct core_launch *launch = launch_add(core, environment, type, *count);
        launch->together = buyer->mixes; /* to what comes after it in this pass */
        *count = 0;
        any = true;
    }
    /* After buying look again, a pause later: more may have come. */
    environment->buy_dirty = any || later;
    environment->buy_next_ns = core->now_ns + (any ? NS_PER_S : NS_PER_S / 10);
    environment_recount(environment);
    if (!any && buyer->short_class != NULL && environment->vcpus < environment->spec->min_vcpus) {
        /* The minimum gave way to work that needs a larger machine; nothing may tell when that is
         * over. */
        environment->buy_dirty = true;
        environment->buy_next_ns = core->now_ns + 5 * NS_PER_S;
    }
}

void buy_plan(struct core *core)
{
    size_t count = 0, at = 0;
    bool wanted = give_back_is_due(core); /* who counts on them? */
    struct core_environment *environment;
    while ((environment = map_next(core->environments, &at, NULL)) != NULL) {
        bool ready = environment->buy_dirty && environment_can_buy(environment) &&
                     environment->buy_next_ns <= core->now_ns &&
                     environment->launch_next_ns <= core->now_ns &&
                     environment->launches_in_flight == 0;
        wanted = wanted || ready;
    }
    if (!wanted)
        return;
    struct buyer *buyers =
        arena_alloc(core->arena, (map_count(core->environments) + 1) * sizeof(*buyers));
    at = 0;
    while ((environment = map_next(core->environments, &at, NULL)) != NULL) {
        if (environment_usable(environment) && environment->spec->provider != PROVIDER_STATIC &&
            !environment_is_silent(core, environment))
            buyer_open(core, &buyers[count++], environment);
    }
    counted_begin(core);
    buy_replacements(core, buyers, count);
    for (struct tree_node *n = tree_first(&core->queue_order); n != NULL; n = tree_next(n)) {
        struct core_queue *queue = CONTAINER_OF(n, struct core_queue, by_priority);
        if (queue->spec->state != QUEUE_DISABLED)
            buy_for_queue(core, buyers, count, queue);
    }
    buy_spares(core, buyers, count);
    counted_end(core);
    for (size_t i = 0; i < count; i++)
        buyer_close(core, &buyers[i]);
}
