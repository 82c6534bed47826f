/* SPDX-License-Identifier: Apache-2.0 */
/* consume_tell.c - the status of consumable resources: what makes claims durable (consume.c) */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

enum { LEVEL_MAX = 5 };

/* ----------------------------------------------------------------------- status */

static void fill_words(struct core *core, const struct core_consumable *resource,
                       struct consumable_status *status)
{
    const struct consumable_resource *spec = resource->spec;
    AUTO_STR words = STR_EMPTY;
    status->status = "VALID";
    status->reason = "ConsumableResourceHealthy";
    if (spec->invalid != NULL) {
        status->status = "INVALID";
        status->reason = "InvalidSpec";
        str_add(&words, spec->invalid);
    } else if (spec->meta.deleted_ns != 0) {
        status->status = "DELETING";
        status->reason = "InUse";
        str_addf(&words, "deletion waits for %zu pod%s: ", resource->hold_count,
                 resource->hold_count == 1 ? "" : "s");
        consume_print_holders(resource, &words);
    } else if (status->in_use > spec->total - resource->consumed) {
        str_addf(&words, "%lld in use, more than there are: nothing is taken until enough is back",
                 (long long)status->in_use);
    } else {
        str_add(&words, "ConsumableResource Healthy");
    }
    status->message = arena_copy(core->arena, str_text(&words));
}

static void fill_claims(struct core *core, const struct core_consumable *resource,
                        struct consumable_status *status)
{
    if (!resource->spec->spent)
        return;
    size_t room = resource->hold_count + resource->orphan_count;
    status->claims.items = arena_alloc(core->arena, (room + 1) * sizeof(char *));
    for (const struct hold *hold = resource->holds; hold != NULL; hold = hold->next)
        status->claims.items[status->claims.count++] =
            arena_printf(core->arena, "%s=%lld", hold->pod->key, (long long)hold->quantity);
    for (const struct orphan_claim *claim = resource->orphans; claim != NULL; claim = claim->next)
        status->claims.items[status->claims.count++] =
            arena_printf(core->arena, "%s=%lld", claim->pod, (long long)claim->quantity);
}

static uint64_t status_hash(const struct core_consumable *resource,
                            const struct consumable_status *status)
{
    const int64_t numbers[] = {status->observed_generation, status->in_use, status->available,
                               status->consumed};
    uint64_t hash = hash_bytes(numbers, sizeof(numbers), 1);
    hash = hash_text(status->message, hash_text(status->reason, hash));
    hash = hash_text(resource->spec->meta.uid, hash);
    for (size_t i = 0; i < status->claims.count; i++)
        hash = hash_text(status->claims.items[i], hash);
    return hash;
}

static int64_t status_due(const struct core *core, const struct core_consumable *resource)
{
    int64_t due = resource->written_ns + core->options.status_interval_ns;
    if (resource->written_ns == 0 || resource->urgent)
        due = 0;
    return due > resource->retry_ns ? due : resource->retry_ns;
}

static void plan_status(struct core *core, struct core_consumable *resource)
{
    struct consumable_status *status = arena_alloc(core->arena, sizeof(*status));
    const struct object_meta *meta = &resource->spec->meta;
    int64_t left = consume_left_now(resource);
    *status = (struct consumable_status){
        .observed_generation = meta->generation,
        .in_use = resource->held + resource->orphaned,
        .available = left > 0 ? left : 0,
        .consumed = resource->consumed,
    };
    fill_words(core, resource, status);
    fill_claims(core, resource, status);
    uint64_t hash = status_hash(resource, status);
    resource->urgent = false;
    if (hash == resource->written_hash && resource->sequence == resource->written_sequence)
        return;
    struct action *action = action_new(core, ACTION_CONSUMABLE_STATUS, resource);
    action->name = resource->name;
    action->meta = meta;
    action->consumable_status = status;
    action->resource_version = resource->resource_version != NULL
                                   ? arena_copy(core->arena, resource->resource_version)
                                   : NULL;
    struct flight *flight = flight_find(core, action->id);
    flight->sequence = resource->sequence;
    flight->text = text_copy(meta->uid);
    resource->sent_hash = hash;
    resource->status_in_flight = true;
}

/* False: there is something to do for it later. */
static bool plan_one(struct core *core, struct core_consumable *resource)
{
    if (resource->spec == NULL)
        return true;
    if (resource->orphans != NULL && resource->orphan_until_ns == 0)
        resource->orphan_until_ns = core->now_ns + CONSUME_ORPHAN_NS;
    if (resource->orphans != NULL && resource->orphan_until_ns <= core->now_ns) {
        consume_drop_orphans(resource);
        resource->sequence++;
        consume_changed(core, resource);
        core->more = true; /* somebody may have waited for it */
    }
    bool pending = resource->orphans != NULL;
    if (pending)
        admin_wake(core, resource->orphan_until_ns);
    /* The finalizer first: both at once would be a conflict. */
    if (!resource->finalizer_waits && !resource->status_in_flight)
        plan_finalizer(
            core, "ConsumableResource", &resource->spec->meta, resource->resource_version,
            resource->hold_count == 0 && resource->orphans == NULL, &resource->finalizer_in_flight);
    if (resource->status_in_flight || resource->finalizer_in_flight)
        return !pending; /* the answer looks again */
    int64_t due = status_due(core, resource);
    if (due > core->now_ns) {
        admin_wake(core, due);
        return false;
    }
    plan_status(core, resource);
    return !pending;
}

void consume_plan(struct core *core)
{
    struct core_consumable *list = core->consumables_to_look;
    core->consumables_to_look = NULL;
    while (list != NULL) {
        struct core_consumable *resource = list;
        list = resource->look_next;
        resource->in_looks = false;
        if (!plan_has_room(core) || !plan_one(core, resource))
            consume_look(core, resource);
        else
            consumable_free_if_unused(core, resource);
    }
}

void consume_finalizer_done(struct core *core, const char *name, bool waits)
{
    struct core_consumable *resource = map_get(core->consumables, name);
    if (resource == NULL)
        return;
    resource->finalizer_in_flight = false;
    resource->finalizer_waits = waits && resource->spec != NULL;
    consume_look(core, resource);
}

static void not_written(struct core *core, struct core_consumable *resource,
                        const struct done *done)
{
    bool conflict = done->result == DONE_CONFLICT; /* what is there now has been read already */
    resource->retry_ns = core->now_ns + (conflict ? NS_PER_S / 10 : NS_PER_S << resource->level);
    if (!conflict && resource->level < LEVEL_MAX)
        resource->level++;
    resource->urgent = true;
    resource->written_hash = 0; /* what is there now is not known */
    if (done->result == DONE_FORBIDDEN || done->result == DONE_REFUSED)
        consume_unplace_unsent(core, resource, VERDICT_FORBIDDEN, done->message);
}

void consume_done(struct core *core, struct flight *flight, const struct done *done)
{
    struct core_consumable *resource = flight->object;
    uint64_t sequence = flight->sequence;
    bool same = resource->spec != NULL && text_eq(flight->text, resource->spec->meta.uid);
    flight_end(core, flight);
    resource->status_in_flight = false;
    resource->written_ns = core->now_ns;
    if (done->result == DONE_OK && same) {
        resource->level = 0;
        resource->retry_ns = 0;
        resource->written_hash = resource->sent_hash;
        if (resource->written_sequence < sequence)
            resource->written_sequence = sequence;
        if (done->resource_version != NULL)
            text_set(&resource->resource_version, done->resource_version);
    } else if (done->result != DONE_OK && done->result != DONE_NOT_FOUND) {
        not_written(core, resource, done);
    }
    consume_look(core, resource);
}
