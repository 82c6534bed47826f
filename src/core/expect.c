/* SPDX-License-Identifier: Apache-2.0 */
/* expect.c - what is still to be paid for work
 *
 * A try is charged when it ends, so everything that has not ended is still to come:
 *
 *     children left x seconds of a run x price of a pod an hour / 3600
 *
 * The seconds are those that history.c expects of a run: the mean of earlier ones, else the
 * timeout, with which the amount is an upper bound. The price is that of the type which the first
 * environment that could take a pod would buy for it now, by its strategy, as cost.c would charge
 * it: the pod's part of the machine, or all of it for a part of a multi-node job. Where that
 * environment is UNMANAGED, its nodes are there anyway and cost nothing.
 *
 * An estimate: it knows nothing of tries that fail, of prices to come, of later environments that
 * take what the first has no room for, nor of pods that run on dearer machines already. Where one
 * of its factors would be a guess it says that it is not known.
 *
 * Bound  For a queue LOOKS_MAX looks, at jobs in line, at pods that run, and at the nodes and types
 * of an environment for each kind of pod; equal jobs one after another cost one. What is beyond
 * them, and what waits for other jobs, is not known. */
#include "expect.h"
#include "cost.h"
#include "gang.h"
#include "order.h"

#include <string.h>

#define AMOUNT_MAX (INT64_C(1000000000) * AMOUNT_ONE)

enum { LOOKS_MAX = 2000 };

__extension__ typedef __int128 wide;

struct price {
    int64_t hour;              /* of one pod, in millionths; -1: not known */
    const char *why, *of, *in; /* why it is not known; type and environment. of NULL: no price */
};

struct reckoning {
    struct core *core;
    int64_t looks;
    /* the last price that was looked for, and for what */
    const struct core_class *class_;
    const char *namespace_;
    int64_t wanted;
    struct price price;
};

static struct price price_in(struct reckoning *reckoning, const struct core_job *job,
                             const struct core_environment *environment,
                             const struct core_class *class_, int64_t wanted)
{
    struct price price = {.hour = -1, .in = environment->name};
    reckoning->looks +=
        (int64_t)(environment->spec->provider == PROVIDER_STATIC ? environment->slot_count
                                                                 : environment->type_count);
    if (environment->spec->provider == PROVIDER_STATIC) {
        price.hour = environment_could_fit(environment, class_) ? 0 : -1;
        return price;
    }
    const struct core_type *type =
        type_choose(reckoning->core, environment, class_, environment->spec->max_vcpus, wanted);
    if (type == NULL)
        return price;
    price.of = type->spec.name;
    int64_t whole = type_price(environment, type);
    const struct amounts *room = type->has_learnt ? &type->learnt : &type->room;
    if (whole > 0)
        price.hour =
            (int64_t)((wide)whole * amounts_share(&class_->needs, room, job->gang) / SHARE_ONE);
    return price;
}

/* Of one pod, where it would go first. */
static struct price price_of(struct reckoning *reckoning, const struct core_job *job,
                             const struct core_class *class_, int64_t wanted)
{
    const struct job_queue *queue = job->queue->spec;
    struct price price = {.hour = -1, .why = "no compute environment could take it now"};
    const char *namespace_ = job->spec->meta.namespace_;
    if (reckoning->class_ == class_ && !job->gang && reckoning->wanted == wanted &&
        strcmp(reckoning->namespace_, namespace_) == 0)
        return reckoning->price;
    for (size_t i = 0; i < queue->environment_count; i++) {
        const struct core_environment *environment =
            map_get(reckoning->core->environments, queue->environments[i].compute_environment);
        if (!environment_usable(environment) || !environment_serves(environment, namespace_))
            continue;
        const struct price here = price_in(reckoning, job, environment, class_, wanted);
        if (here.hour < 0 && here.of == NULL)
            continue; /* not there */
        price = here;
        break;
    }
    reckoning->class_ = job->gang ? NULL : class_;
    reckoning->namespace_ = namespace_;
    reckoning->wanted = wanted;
    reckoning->price = price;
    return price;
}

/* An hour of all parts of a multi-node job: equal ones next to each other are looked for once. */
static struct price price_of_parts(struct reckoning *reckoning, const struct core_job *job)
{
    struct price one = {.hour = -1, .why = "what it runs is not known yet"}, sum = one;
    const struct core_class *class_ = NULL;
    for (uint32_t i = 0; i < job->size; i++) {
        const struct core_class *here = job_class(job, i);
        if (here == NULL)
            return (struct price){.hour = -1, .why = "what it runs is not known yet"};
        if (here != class_)
            one = price_of(reckoning, job, here, 1);
        class_ = here;
        if (one.hour < 0)
            return one;
        one.hour = one.hour < AMOUNT_MAX ? one.hour : AMOUNT_MAX;
        int64_t before = i > 0 ? sum.hour : 0;
        sum = one;
        sum.hour = before + one.hour;
    }
    return sum;
}

static int64_t left_of(const struct core_job *job)
{
    int64_t left = 0;
    for (unsigned phase = 0; phase < JOB_SUCCEEDED; phase++)
        left += job->counts[phase];
    return job->gang ? 1 : left; /* all of it, or nothing */
}

struct estimate {
    int64_t amount; /* -1: not known */
    const char *why;
    struct price price;
    int64_t left, seconds;
    bool bound;
};

static struct estimate reckon(struct reckoning *reckoning, const struct core_job *job)
{
    struct estimate estimate = {.amount = -1, .left = left_of(job)};
    reckoning->looks++;
    if (job->class_ == NULL || (job->array && !job->sized)) {
        estimate.why = job->class_ == NULL ? "what it runs is not known yet"
                                           : "how many children it has is not known yet";
        return estimate;
    }
    estimate.price = job->gang ? price_of_parts(reckoning, job)
                               : price_of(reckoning, job, job->class_, estimate.left);
    estimate.why = estimate.price.why;
    if (estimate.price.hour == 0)
        estimate.amount = 0;
    if (estimate.price.hour <= 0)
        return estimate;
    int64_t run_ns = history_run_ns(job, &estimate.bound);
    if (run_ns <= 0) {
        estimate.why = "nobody knows how long it runs: it has no timeout, and none like it has "
                       "ended yet";
        return estimate;
    }
    estimate.seconds = (run_ns + NS_PER_S - 1) / NS_PER_S;
    wide each = (wide)estimate.price.hour * estimate.seconds / SECONDS_A_HOUR;
    wide amount = (each < AMOUNT_MAX ? each : AMOUNT_MAX) * estimate.left;
    estimate.amount = amount < AMOUNT_MAX ? (int64_t)amount : AMOUNT_MAX;
    return estimate;
}

/* ------------------------------------------------------------------------- one job */

static bool has_prices(const struct core_environment *environment)
{
    for (size_t i = 0; environment_usable(environment) && i < environment->type_count; i++) {
        if (type_price(environment, &environment->types[i]) > 0)
            return true;
    }
    return false;
}

/* Does anything have a price where its jobs may run? */
static bool is_paid_for(const struct core *core, const struct core_queue *queue)
{
    const struct job_queue *spec = queue != NULL ? queue->spec : NULL;
    for (size_t i = 0; spec != NULL && i < spec->environment_count; i++) {
        const struct core_environment *environment =
            map_get(core->environments, spec->environments[i].compute_environment);
        if (has_prices(environment))
            return true;
    }
    return false;
}

bool expect_job(struct core *core, const struct core_job *job, struct arena *arena,
                struct expected *ret)
{
    struct reckoning reckoning = {.core = core};
    if (job->ended || !is_paid_for(core, job->queue))
        return false;
    const struct estimate estimate = reckon(&reckoning, job);
    const struct price *price = &estimate.price;
    *ret = (struct expected){.known = estimate.amount >= 0, .amount = estimate.amount};
    if (!ret->known && estimate.why == NULL) {
        ret->why = arena_printf(arena, "instance type %s of %s has no price", price->of, price->in);
        return true;
    }
    if (!ret->known) {
        ret->why = estimate.why;
        return true;
    }
    if (price->hour == 0 && price->of == NULL) {
        ret->why = arena_printf(arena, "the nodes of %s have no price", price->in);
        return true;
    }
    AUTO_TEXT hour = money_text(price->hour);
    AUTO_TEXT left =
        job->array ? text_printf("%lld left, each ", (long long)estimate.left) : text_copy("");
    ret->why = arena_printf(arena, "%s%s%lld s, by %s, at %s an hour, %s %s in %s", left,
                            estimate.bound ? "at most " : "", (long long)estimate.seconds,
                            estimate.bound ? "its timeout" : "the mean of earlier runs", hour,
                            job->gang ? "the price of all its machines, of type"
                                      : "its part of a machine of type",
                            price->of, price->in);
    return true;
}

/* ------------------------------------------------------------------------- a queue */

static void count_job(struct reckoning *reckoning, struct core_job *job, struct cost_forecast *sum)
{
    struct core *core = reckoning->core;
    if (job->mark == core->walk || job->ended)
        return;
    job->mark = core->walk;
    const struct estimate estimate = reckon(reckoning, job);
    if (estimate.amount < 0)
        return;
    sum->unknown--;
    sum->amount += estimate.amount;
    if (sum->amount > AMOUNT_MAX)
        sum->amount = AMOUNT_MAX;
}

static void count_pods(struct reckoning *reckoning, const struct core_queue *queue,
                       const struct core_environment *environment, struct cost_forecast *sum)
{
    for (size_t i = 0; i < environment->slot_count && reckoning->looks < LOOKS_MAX; i++) {
        const struct core_node *node = environment->slots[i];
        reckoning->looks++;
        for (const struct core_pod *pod = node != NULL ? node->pods : NULL;
             pod != NULL && reckoning->looks < LOOKS_MAX; pod = pod->next) {
            reckoning->looks++;
            if (pod->ours && pod->job != NULL && pod->job->queue == queue)
                count_job(reckoning, pod->job, sum);
        }
    }
}

static bool uses(const struct core_queue *queue, const struct core_environment *environment)
{
    for (size_t i = 0; queue->spec != NULL && i < queue->spec->environment_count; i++) {
        if (strcmp(queue->spec->environments[i].compute_environment, environment->name) == 0)
            return true;
    }
    return false;
}

void expect_changed(struct core *core, const struct core_environment *environment)
{
    size_t at = 0;
    struct core_queue *queue;
    while ((queue = map_next(core->queues, &at, NULL)) != NULL)
        queue->front_dirty = queue->front_dirty || (queue->live > 0 && uses(queue, environment));
}

bool expect_queue(struct core *core, const struct core_queue *queue, struct cost_forecast *ret)
{
    struct reckoning reckoning = {.core = core};
    struct cost_forecast sum = {.unknown = queue->live};
    *ret = (struct cost_forecast){.amount = 0};
    if (queue->live == 0)
        return true;
    for (size_t i = 0; i < queue->spec->environment_count; i++) {
        const struct core_environment *environment =
            map_get(core->environments, queue->spec->environments[i].compute_environment);
        if (environment_usable(environment) && environment->spec->provider != PROVIDER_STATIC &&
            !environment->types_known)
            return false;
    }
    if (!is_paid_for(core, queue))
        return true;
    core->walk++;
    for (struct core_job *job = order_each(queue, NULL); job != NULL && reckoning.looks < LOOKS_MAX;
         job = order_each(queue, job))
        count_job(&reckoning, job, &sum);
    for (size_t i = 0; i < queue->spec->environment_count; i++) {
        const struct core_environment *environment =
            map_get(core->environments, queue->spec->environments[i].compute_environment);
        if (environment_usable(environment))
            count_pods(&reckoning, queue, environment, &sum);
    }
    *ret = sum;
    return true;
}
