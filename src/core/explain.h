/* SPDX-License-Identifier: Apache-2.0 */
/* explain.h - what the reading API (bulkhead/core/explain.h) takes from the core's modules */
#ifndef BULKHEAD_CORE_EXPLAIN_INTERNAL_H
#define BULKHEAD_CORE_EXPLAIN_INTERNAL_H

#include "bulkhead/core/explain.h"
#include "internal.h"

/* verdict.c: of a job that is first in line, in one environment */
enum verdict verdict_of_bar(struct core *core, const struct core_job *job,
                            const struct core_environment *environment, struct str *out);
enum verdict verdict_in(struct core *core, const struct core_job *job,
                        const struct core_environment *environment, struct str *out);

#endif
