/* SPDX-License-Identifier: Apache-2.0 */
/* family.h - jobs that were submitted by a job */
#ifndef BULKHEAD_CORE_FAMILY_H
#define BULKHEAD_CORE_FAMILY_H

#include "internal.h"

/* By its parent as its spec has it; again when that may have changed. */
void family_join(struct core *core, struct core_job *job);
void family_leave(struct core *core, struct core_job *job); /* it is gone */
/* At start-up, once the requests of all jobs are read: how their pods ended depends on it. */
void family_begin(struct core *core);
/* After the requests of a job that has begun were read: passes them on, and takes on those of its
 * parent. */
void family_look(struct core *core, struct core_job *job);
void family_settle(struct core *core, struct core_job *job); /* LOOK_FAMILY, see depend.c */

#endif
