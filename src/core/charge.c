/* SPDX-License-Identifier: Apache-2.0 */
/* charge.c - what the machines of an environment cost
 *
 * A machine costs its price, idle or not, from its launch until it is known to be gone. So the sum
 * grows with time at a rate that changes only when machines come, go, or change their price. The
 * status has the sum as of a moment and the rates since: it is written when the rates change, and
 * what it costs now follows from that. Nothing is written while nothing changes.
 *
 * A process that starts goes on from the stored moment with the stored rates, until it has heard
 * of its machines; those that were launched after that moment are charged from their launch. So
 * what went while nobody watched is charged until somebody looks again, as in between two looks of
 * one process. Lost in a crash: what was launched after the last stored status and was gone before
 * the next process looked. */
#include "charge.h"
#include "cost.h"

#define NS_PER_HOUR (3600 * NS_PER_S)

__extension__ typedef __int128 wide;

static void grow(int64_t *sum, int64_t *rest, int64_t rate, int64_t ns, int64_t unit)
{
    if (rate == 0)
        return; /* the rest is less than a unit */
    wide all = (wide)rate * ns + *rest;
    *sum += (int64_t)(all / unit);
    *rest = (int64_t)(all % unit);
}

/* That much of these rates. */
static void add(struct environment_charge *charge, const struct environment_cost *rates, int64_t ns)
{
    struct environment_cost *cost = &charge->cost;
    grow(&cost->amount, &charge->rest_amount, rates->price, ns, NS_PER_HOUR);
    grow(&cost->vcpu_seconds, &charge->rest_vcpus, rates->vcpus, ns, NS_PER_S);
    grow(&cost->gpu_seconds, &charge->rest_gpus, rates->gpus, ns, NS_PER_S);
}

static void go_on(struct environment_charge *charge, int64_t now_ns)
{
    int64_t ns = now_ns - charge->cost.at_ns;
    const struct environment_cost rates = charge->cost;
    if (ns <= 0)
        return;
    add(charge, &rates, ns);
    charge->cost.at_ns = now_ns;
}

static void rates_of(const struct core_instance *instance, struct environment_cost *sum)
{
    const struct core_type *type = environment_type(instance->environment, instance->type);
    sum->price += instance_price(instance);
    sum->vcpus += instance_vcpus(instance);
    sum->gpus += type != NULL ? resources_get(&type->spec.capacity, COST_GPU) : 0;
}

void charge_look(struct core *core, struct core_environment *environment)
{
    struct environment_charge *charge = &environment->charge;
    struct environment_cost rates = {.price = 0};
    const struct compute_environment *spec = environment->spec;
    if (spec == NULL || spec->provider == PROVIDER_STATIC || !environment->types_known ||
        !environment->observed)
        return;
    if (!charge->open)
        charge->cost = spec->cost;
    if (charge->cost.since_ns == 0)
        charge->cost = (struct environment_cost){.since_ns = core->now_ns, .at_ns = core->now_ns};
    if (!charge->open)
        charge->from_ns = charge->cost.at_ns;
    charge->open = true;
    go_on(charge, core->now_ns);
    for (struct core_instance *i = environment->instances; i != NULL; i = i->next) {
        struct environment_cost own = {.price = 0};
        if (i->state > INSTANCE_TERMINATING)
            continue;
        rates_of(i, &own);
        if (!i->charged && i->launched_ns > charge->from_ns && i->launched_ns < core->now_ns)
            add(charge, &own, core->now_ns - i->launched_ns);
        i->charged = true;
        rates.price += own.price;
        rates.vcpus += own.vcpus;
        rates.gpus += own.gpus;
    }
    if (rates.price != charge->cost.price || rates.vcpus != charge->cost.vcpus ||
        rates.gpus != charge->cost.gpus)
        environment->status_dirty = true;
    charge->cost.price = rates.price;
    charge->cost.vcpus = rates.vcpus;
    charge->cost.gpus = rates.gpus;
}

/* The status of a process that is dead may arrive when this one has begun already, and tell of
 * machines that were gone before it looked. What has been told is not taken back. */
void charge_heard(struct core *core, struct core_environment *environment)
{
    const struct environment_cost *stored = &environment->spec->cost;
    struct environment_cost *cost = &environment->charge.cost;
    if (!environment->charge.open || stored->since_ns == 0)
        return;
    go_on(&environment->charge, core->now_ns);
    cost->amount = larger(cost->amount, stored->amount);
    cost->vcpu_seconds = larger(cost->vcpu_seconds, stored->vcpu_seconds);
    cost->gpu_seconds = larger(cost->gpu_seconds, stored->gpu_seconds);
    cost->since_ns = stored->since_ns < cost->since_ns ? stored->since_ns : cost->since_ns;
}

/* Before its first look: as it was stored. */
struct environment_cost charge_until(const struct core_environment *environment, int64_t now_ns)
{
    struct environment_charge charge = environment->charge;
    if (!charge.open)
        return environment->spec != NULL ? environment->spec->cost : (struct environment_cost){0};
    go_on(&charge, now_ns);
    return charge.cost;
}

uint64_t charge_hash(const struct core_environment *environment, uint64_t hash)
{
    const struct environment_cost *cost = &environment->charge.cost;
    const int64_t rates[] = {cost->price, cost->vcpus, cost->gpus};
    return hash_bytes(rates, sizeof(rates), hash);
}
