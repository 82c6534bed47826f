/* SPDX-License-Identifier: Apache-2.0 */
/* replace.h - a job that takes the place of one that failed */
#ifndef BULKHEAD_CORE_REPLACE_H
#define BULKHEAD_CORE_REPLACE_H

#include "internal.h"

void replace_read(struct core *core, struct core_job *job); /* from spec and status */
/* The job that stands in for the one of that uid in the end; NULL: none. */
struct core_job *replace_find(const struct core *core, const char *uid);
bool replace_can_follow(const struct core_job *replacement); /* it is recorded that it does */
void replace_look(struct core *core, struct core_dependency *dependency);
void replace_refuse(struct core *core, struct core_dependency *dependency, const char *why);
void replace_written(struct core *core, struct core_job *job); /* its status */
void replace_left(struct core *core, struct core_job *job);    /* it ended: the next may take it */
void replace_gone(struct core *core, struct core_job *job);
void replace_fill(struct arena *arena, const struct core_job *job, struct job_status *ret_status);

#endif
