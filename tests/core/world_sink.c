/* SPDX-License-Identifier: Apache-2.0 */
/* world_sink.c - what the event sink is told, and what of it stands in a job's status */
#include "core/world_parts.h"

#include <inttypes.h>

void log_tell(struct world *world, const struct action *action)
{
    char mark[STATE_MARK_TEXT_MAX];
    const struct state_change *change = action->change;
    log_time(world);
    str_addf(&world->log, "sink %s %s", action->name, state_mark_print(change->mark, mark));
    if (change->status_reason != NULL && change->status_reason[0] != '\0')
        str_addf(&world->log, ": %s", change->status_reason);
    str_add(&world->log, "\n");
}

enum done_result write_delivered(struct world *world, const struct action *action,
                                 struct answer *answer)
{
    struct thing *thing = thing_find(world, "job", action->name);
    if (thing == NULL || !text_eq(thing->uid, action->uid))
        return DONE_NOT_FOUND;
    text_set(&thing->status.delivered, action->message);
    thing->version = ++world->version;
    answer->version = text_printf("%" PRId64, thing->version);
    return DONE_OK;
}
