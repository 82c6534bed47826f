/* SPDX-License-Identifier: Apache-2.0 */
/* flight.c - actions in flight: which object an answer is about
 *
 * An action id is a slot and the slot's generation, so that an answer to a forgotten action finds
 * nothing. */
#include "internal.h"

#include <stdlib.h>

enum { PLAN_ACTIONS_MAX = 8192 }; /* the rest waits for the next turn, which follows at once */

bool plan_has_room(struct core *core)
{
    if (core->action_count < PLAN_ACTIONS_MAX)
        return true;
    core->more = true;
    return false;
}

static struct action *action_push(struct core *core)
{
    ARENA_ROOM(core->arena, core->actions, core->action_count, core->action_capacity);
    struct action *action = &core->actions[core->action_count++];
    *action = (struct action){.grace_s = -1};
    return action;
}

bool flight_is_of_pod(enum action_kind kind)
{
    return kind == ACTION_POD_CREATE || kind == ACTION_POD_GET || kind == ACTION_POD_MARK ||
           kind == ACTION_POD_RELEASE || kind == ACTION_POD_DELETE;
}

static void count_flight(void *object, enum action_kind kind, int change)
{
    if (object == NULL)
        return;
    switch (kind) {
    case ACTION_POD_CREATE:
    case ACTION_POD_GET:
    case ACTION_POD_MARK:
    case ACTION_POD_RELEASE:
    case ACTION_POD_DELETE:
        ((struct core_pod *)object)->flights += change;
        break;
    case ACTION_POD_CHECK:
    case ACTION_JOB_STATUS:
    case ACTION_JOB_DELETE:
    case ACTION_JOB_TELL:
    case ACTION_JOB_TOLD:
        ((struct core_job *)object)->flights += change;
        break;
    case ACTION_QUEUE_STATUS:
        ((struct core_queue *)object)->flights += change;
        break;
    case ACTION_CONSUMABLE_STATUS:
        ((struct core_consumable *)object)->flights += change;
        break;
    case ACTION_DEFINITION_STATUS:
    case ACTION_REVISION_CREATE:
        ((struct core_definition *)object)->flights += change;
        break;
    case ACTION_SERVICE_CREATE:
    case ACTION_SERVICE_DELETE:
        ((struct core_service *)object)->flights += change;
        break;
    case ACTION_REVISION_DELETE:
        ((struct core_revision *)object)->flights += change;
        break;
    case ACTION_ENVIRONMENT_STATUS:
    case ACTION_PROVIDER_TYPES:
    case ACTION_PROVIDER_OBSERVE:
    case ACTION_PROVIDER_LAUNCH:
    case ACTION_PROVIDER_TERMINATE:
        ((struct core_environment *)object)->flights += change;
        break;
    case ACTION_FINALIZER: /* by name, see status.c */
    case ACTION_EVENT:
    case ACTION_KIND_COUNT:
        break;
    }
}

static uint32_t flight_slot(struct core *core)
{
    if (core->free_flight_count == 0) {
        size_t old = core->flight_capacity;
        size_t capacity = old > 0 ? old * 2 : 64;
        core->flights = mem_grow(core->flights, capacity, sizeof(*core->flights));
        core->free_flights = mem_grow(core->free_flights, capacity, sizeof(*core->free_flights));
        for (size_t i = capacity; i > old; i--) {
            core->flights[i - 1] = (struct flight){0};
            core->free_flights[core->free_flight_count++] = (uint32_t)(i - 1);
        }
        core->flight_capacity = capacity;
    }
    return core->free_flights[--core->free_flight_count];
}

struct action *action_new(struct core *core, enum action_kind kind, void *object)
{
    struct action *action = action_push(core);
    action->kind = kind;
    core->counts.actions[kind]++;
    if (kind == ACTION_EVENT)
        return action;

    uint32_t slot = flight_slot(core);
    struct flight *flight = &core->flights[slot];
    flight->kind = kind;
    flight->generation++;
    flight->used = true;
    flight->object = object;
    flight->sequence = 0;
    flight->text = NULL;
    core->flights_in_use++;
    core->creates_in_flight += kind == ACTION_POD_CREATE;
    core->cleanups_in_flight += kind == ACTION_POD_RELEASE || kind == ACTION_POD_DELETE;
    count_flight(object, kind, 1);
    action->id = ((uint64_t)flight->generation << 32) | slot;
    return action;
}

struct flight *flight_find(struct core *core, uint64_t action_id)
{
    uint64_t slot = action_id & 0xffffffffU;
    if (slot >= core->flight_capacity)
        return NULL;
    struct flight *flight = &core->flights[slot];
    if (!flight->used || flight->generation != (uint32_t)(action_id >> 32))
        return NULL;
    return flight;
}

void flight_end(struct core *core, struct flight *flight)
{
    assert(flight->used);
    flight->used = false;
    free(flight->text);
    flight->text = NULL;
    core->flights_in_use--;
    core->creates_in_flight -= flight->kind == ACTION_POD_CREATE;
    core->cleanups_in_flight -=
        flight->kind == ACTION_POD_RELEASE || flight->kind == ACTION_POD_DELETE;
    count_flight(flight->object, flight->kind, -1);
    core->free_flights[core->free_flight_count++] = (uint32_t)(flight - core->flights);
}
