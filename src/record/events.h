/* SPDX-License-Identifier: Apache-2.0 */
/* events.h - one event of the core as bytes */
#ifndef BULKHEAD_RECORD_EVENTS_H
#define BULKHEAD_RECORD_EVENTS_H

#include "bulkhead/core/core.h"
#include "types.h"

/* Without its kind and time. */
void event_put(struct str *out, const struct event *event);
/* kind is set. Texts are kept in the arena. On bad input nothing is left to free. */
void event_get(struct record_input *input, struct arena *arena, struct event *ret_event);
bool event_has_object(const struct event *event);
void event_drop(struct event *event); /* frees all of it, when nobody applied it */
void event_drop_borrowed(
    struct done *done); /* instances and types alone: the core only reads them */

#endif
