/* SPDX-License-Identifier: Apache-2.0 */
/* results.h - what jobs leave, and what they use of others, between the core's modules */
#ifndef BULKHEAD_CORE_RESULTS_H
#define BULKHEAD_CORE_RESULTS_H

#include "internal.h"

void result_keep(struct core_job *job, uint32_t index, const char *text); /* NULL: none */
/* The child has succeeded in the job whose place this one takes. */
void result_inherit(struct core_job *job, uint32_t index, const struct core_job *from);
void results_fill(struct arena *arena, const struct core_job *job, struct array_status *ret_array);
/* Of one that succeeded, or of the single job when it is one. NULL: none is kept. */
const char *result_of_child(const struct core_job *job, uint32_t index);
int64_t results_left_out(const struct core_job *job); /* that did not fit */
size_t results_bytes(const struct core_job *job);     /* of those in the status of an array */
void results_load(struct core_job *job, const struct array_status *array);
void results_done(struct core_job *job);
void references_load(struct core_job *job);
void references_seen(struct batch_job *spec);
/* What of others it uses, as its template has it. True: that is news. */
bool references_read(struct core_job *job);
/* The dependency is met: takes from it what its dependant uses. False: that is not known yet. */
bool references_take(struct core *core, struct core_dependency *dependency);
bool references_ready(const struct core_job *job);                /* durable, or there are none */
void references_written(struct core *core, struct core_job *job); /* its status is durable */
/* Fails the job when a reference makes no sense or a result cannot be used. */
bool references_fail(struct core *core, struct core_job *job);
void results_read_size(struct core_job *job); /* of a new record: is its size known? */
/* The size of an array that is computed, once what it is computed from is there. */
void references_size(struct core *core, struct core_job *job);
uint32_t results_array_size(const struct core_job *job); /* a computed one; 0: none */
void references_forget(struct core_job *job);            /* nothing more is made of it */

#endif
