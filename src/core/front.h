/* SPDX-License-Identifier: Apache-2.0 */
/* front.h - the first jobs in line, for the status of their queue: see front.c */
#ifndef BULKHEAD_CORE_FRONT_H
#define BULKHEAD_CORE_FRONT_H

#include "internal.h"

void front_look(struct core *core, struct core_queue *queue); /* when it is due, and dirty */
/* Texts stay the front's. Returns a hash of all that is told. */
uint64_t front_fill(const struct core_queue *queue, struct job_queue_status *status, uint64_t hash);
/* What all that has not ended is to cost: as it was looked at, until then as it was stored. */
struct cost_forecast front_cost(const struct core_queue *queue);
/* It was read, or has changed: what is told there another process has told, perhaps late, as long
 * as this one has not looked itself. */
void front_heard(struct core_queue *queue);
void front_free(struct core_queue *queue);

#endif
