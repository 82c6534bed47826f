/* SPDX-License-Identifier: Apache-2.0 */
/* records.h - what is durable of a job's children beside their state; part of internal.h
 *
 * records.c    of an array, as it is written
 * failures.c   why children failed, by reason */
#ifndef BULKHEAD_CORE_RECORDS_H
#define BULKHEAD_CORE_RECORDS_H

#include "bulkhead/base/ranges.h"
#include "bulkhead/core/core.h"

struct core_job;

struct lowest { /* the lowest indexes of a set, as many ranges as are to be told */
    struct ranges ranges;
    uint32_t end; /* cut: from here on they are not kept */
    bool cut;
};

struct core_records { /* see records.c */
    struct child_record *items;
    uint8_t *refusals;
    int64_t runs;    /* of equal neighbours */
    int64_t refused; /* children with refusals */
    struct lowest failed;
    struct array_history *history; /* NULL: every child has simply succeeded or not ended */
};

struct core_failure { /* see failures.c */
    char *status_reason, *reason;
    struct opt_i64 exit_code;
    int64_t attempts, children;
    struct lowest indexes;
};

struct failure_words {
    const char *status_reason, *reason;
    struct opt_i64 exit_code;
};

/* records.c */
void lowest_add(struct lowest *lowest, uint32_t index, size_t ranges_max);
char *lowest_text(struct arena *arena, const struct lowest *lowest, size_t size_max);
void lowest_load(struct lowest *lowest, const char *from, uint32_t size);
void records_new(struct core_job *job);
void records_done(struct core_job *job);
void records_load(struct core_job *job, const char *history);
/* To be called whenever the end, attempts or refusals of a child have changed. */
void records_child(struct core_job *job, uint32_t index);
/* One more end of a child of which there were `before`: an attempt's, or that it was stopped. */
void records_end(struct core_job *job, uint32_t index, unsigned before,
                 const struct failure_words *words);
int64_t records_bytes(const struct core_job *job);
void records_fill(struct core *core, const struct core_job *job, struct action *action,
                  struct array_status *ret_array);
char *records_check(const struct core_job *job);

/* failures.c */
void failures_attempt(struct core_job *job, uint32_t index, const struct failure_words *words);
/* attempted: words are those of its last attempt, and told already. */
void failures_child(struct core_job *job, uint32_t index, const struct failure_words *words,
                    bool attempted);
void failures_fill(struct arena *arena, const struct core_job *job, struct array_status *ret_array);
void failures_load(struct core_job *job, const struct array_status *array);
void failures_done(struct core_job *job);

#endif
