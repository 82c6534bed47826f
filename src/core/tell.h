/* SPDX-License-Identifier: Apache-2.0 */
/* tell.h - changes of state for the event sink, see tell.c */
#ifndef BULKHEAD_CORE_TELL_H
#define BULKHEAD_CORE_TELL_H

#include "internal.h"

void tell_load(struct core *core, struct core_job *job); /* from status, or of a new job */
void tell_look(struct core *core, struct core_job *job); /* it may have changed its state */
void tell_plan(struct core *core);
void tell_action_done(struct core *core, struct flight *flight, const struct done *done);
bool tell_holds(const struct core *core, const struct core_job *job); /* deleted later */
void tell_job_gone(struct core *core, struct core_job *job);
int64_t tell_wake_ns(const struct core *core);
char *tell_delivered(struct core *core, const struct core_job *job); /* for its status, or NULL */

#endif
