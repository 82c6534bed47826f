/* SPDX-License-Identifier: Apache-2.0 */
/* spot.c - how often spot machines are taken back, as it is learnt
 *
 * Interruptions of a type are taken for a Poisson process: so many in a machine-day. The rate has a
 * Gamma distribution, which is what the catalogue says (p, percent of machines in a day) weighed
 * like PRIOR_S of running machines; after k interruptions in d machine-days its mean is
 *
 *     rate = (p * PRIOR + k) / (PRIOR + d)
 *
 * (Gelman et al., Bayesian Data Analysis, 3rd edition, section 2.6: the conjugate prior.) What was
 * seen counts less as it gets older: k and d lose 1/243 of themselves at every full hour, that is
 * half of it in a week, so the market of last month does not decide. Whole numbers, so every
 * process comes to the same.
 *
 * What was seen goes out with the environment's status, whenever that is written, and by itself
 * only after an interruption: what has run since then follows from the machines that are there. */
#include "spot.h"

#include <stdlib.h>
#include <string.h>

enum {
    DAY_S = 86400,
    PRIOR_S = 10 * DAY_S,
    LOSS = 243,
    HOURS_MAX = 24 * 7 * 64, /* after that nothing is left of it */
    ONE = 1000000,           /* interruptions are counted in millionths, since they decay */
    PARTS = 10000,
};
#define NS_PER_HOUR (3600 * NS_PER_S)

__extension__ typedef __int128 wide;

static struct spot_type *find(const struct core_environment *environment, const char *type)
{
    for (size_t i = 0; type != NULL && i < environment->spot_count; i++) {
        if (strcmp(environment->spot[i].name, type) == 0)
            return &environment->spot[i];
    }
    return NULL;
}

static struct spot_type *make(struct core_environment *environment, const char *type)
{
    struct spot_type *found = find(environment, type);
    if (found != NULL || type == NULL || environment->spot_count == INTERRUPTIONS_TOLD_MAX)
        return found;
    ARRAY_ROOM(environment->spot, environment->spot_count, environment->spot_capacity);
    found = &environment->spot[environment->spot_count++];
    *found = (struct spot_type){.name = text_copy(type)};
    return found;
}

/* What was stored; from then on this process counts. */
static void open_spot(struct core *core, struct core_environment *environment)
{
    const struct compute_environment *spec = environment->spec;
    if (environment->spot_at_ns != 0)
        return;
    environment->spot_at_ns =
        spec->interruptions_at_ns != 0 ? spec->interruptions_at_ns : core->now_ns;
    for (size_t i = 0; i < spec->interruption_count; i++) {
        const struct interruption_record *record = &spec->interruptions[i];
        struct spot_type *type = make(environment, record->type);
        if (type == NULL || record->machine_s < 0)
            continue;
        type->machine_ns = record->machine_s < INT64_MAX / NS_PER_S / 2
                               ? record->machine_s * NS_PER_S
                               : INT64_MAX / 2;
        type->interruptions = record->interruptions;
    }
}

static void decay(struct core_environment *environment, int64_t now_ns)
{
    int64_t hours = now_ns / NS_PER_HOUR - environment->spot_at_ns / NS_PER_HOUR;
    if (hours > HOURS_MAX)
        hours = HOURS_MAX;
    for (size_t i = 0; i < environment->spot_count; i++) {
        struct spot_type *type = &environment->spot[i];
        for (int64_t h = 0; h < hours; h++) {
            type->machine_ns -= type->machine_ns / LOSS;
            type->interruptions -= type->interruptions / LOSS;
        }
    }
}

void spot_look(struct core *core, struct core_environment *environment)
{
    const struct compute_environment *spec = environment->spec;
    if (spec == NULL || !spec->spot || spec->provider == PROVIDER_STATIC || !environment->observed)
        return;
    open_spot(core, environment);
    int64_t from_ns = environment->spot_at_ns;
    if (from_ns > core->now_ns)
        from_ns = core->now_ns;
    decay(environment, core->now_ns);
    struct spot_type *type = NULL;
    for (const struct core_instance *i = environment->instances; i != NULL; i = i->next) {
        if (i->state > INSTANCE_RUNNING || i->interrupted || i->type == NULL)
            continue;
        if (type == NULL || strcmp(type->name, i->type) != 0)
            type = make(environment, i->type);
        int64_t since_ns = i->launched_ns > from_ns ? i->launched_ns : from_ns;
        if (type != NULL && since_ns < core->now_ns)
            type->machine_ns += core->now_ns - since_ns;
    }
    environment->spot_at_ns = core->now_ns;
}

void spot_interrupted(struct core *core, struct core_instance *instance)
{
    struct core_environment *environment = instance->environment;
    const struct compute_environment *spec = environment->spec;
    if (instance->interrupted || instance->terminate_asked || spec == NULL || !spec->spot)
        return;
    if (!environment->observed) { /* it was told to an earlier process, which has counted it */
        instance->interrupted = true;
        return;
    }
    spot_look(core, environment);
    struct spot_type *type = make(environment, instance->type);
    instance->interrupted = true;
    if (type == NULL)
        return;
    type->interruptions += ONE;
    environment->spot_events++;
    environment->status_dirty = environment->buy_dirty = true;
}

int64_t spot_rate(const struct core_environment *environment, const char *type, int64_t catalogue)
{
    const struct spot_type *found = find(environment, type);
    if (found == NULL)
        return catalogue;
    wide seen = (wide)found->interruptions * DAY_S * PARTS / ONE;
    wide rate = ((wide)catalogue * PRIOR_S + seen) / (PRIOR_S + found->machine_ns / NS_PER_S);
    return rate < PARTS ? (int64_t)rate : PARTS;
}

void spot_fill(struct core *core, struct core_environment *environment,
               struct compute_environment_status *status)
{
    spot_look(core, environment);
    if (environment->spot_at_ns == 0) { /* not heard of its machines yet: as it was stored */
        const struct compute_environment *spec = environment->spec;
        status->interruptions = spec != NULL ? spec->interruptions : NULL;
        status->interruption_count = spec != NULL ? spec->interruption_count : 0;
        status->interruptions_at_ns = spec != NULL ? spec->interruptions_at_ns : 0;
        return;
    }
    if (environment->spot_count == 0)
        return;
    status->interruptions =
        arena_alloc(core->arena, environment->spot_count * sizeof(*status->interruptions));
    status->interruption_count = environment->spot_count;
    status->interruptions_at_ns = environment->spot_at_ns;
    for (size_t i = 0; i < environment->spot_count; i++) {
        const struct spot_type *type = &environment->spot[i];
        status->interruptions[i] = (struct interruption_record){
            .type = arena_copy(core->arena, type->name),
            .machine_s = type->machine_ns / NS_PER_S,
            .interruptions = type->interruptions,
        };
    }
}

uint64_t spot_hash(const struct core_environment *environment, uint64_t hash)
{
    return hash_bytes(&environment->spot_events, sizeof(environment->spot_events), hash);
}

void spot_free(struct core_environment *environment)
{
    for (size_t i = 0; i < environment->spot_count; i++)
        free(environment->spot[i].name);
    free(environment->spot);
}
