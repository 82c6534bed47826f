/* SPDX-License-Identifier: Apache-2.0 */
/* inputs.h - what the children of an array use of their own ones elsewhere (N_TO_N), between the
 * core's modules */
#ifndef BULKHEAD_CORE_INPUTS_H
#define BULKHEAD_CORE_INPUTS_H

#include "internal.h"

/* After references_read: are there such references? */
void inputs_begin(struct core_job *job);
void inputs_load(struct core_job *job, const char *text); /* once it is known which have ended */
void inputs_done(struct core_job *job);
/* The child's own ones have ended as it wants: takes what it uses of them. True: all of that is
 * durable, or there is nothing; false: it waits, or it has failed for what it could not use. */
bool inputs_take(struct core *core, struct core_job *job, uint32_t index);
/* Has every child that may still run what it uses of this one? */
bool inputs_complete(const struct core_dependency *dependency);
void inputs_child_ended(struct core *core, struct core_job *job, uint32_t index);
void inputs_written(struct core *core, struct core_job *job); /* its status is durable */
/* False: what the child uses is not recorded, which only damage to the status can bring about; it
 * has failed. */
bool inputs_check_placed(struct core *core, struct core_job *job, uint32_t index);
/* Everything that a pod of the child uses; NULL: nothing. Lives in the arena. */
const struct key_values *inputs_values(struct arena *arena, const struct core_job *job,
                                       uint32_t index);
void inputs_fill(struct arena *arena, const struct core_job *job, struct array_status *ret_array);
size_t inputs_bytes(const struct core_job *job); /* of their text */
bool inputs_wait(const struct core_job *job);    /* do children wait only for them? */
void inputs_print(const struct core_job *job, struct str *out);
char *inputs_check(const struct core_job *job);

#endif
