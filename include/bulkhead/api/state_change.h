/* SPDX-License-Identifier: Apache-2.0 */
/* state_change.h - a job's change of state, as a CloudEvent says it
 *
 * A mark names one change: the try during which it happened (0: before the first) and the state
 * that was entered. "2.RUNNING" is its text; together with the job's UID it is the event's id, so
 * that one change told twice can be known by its id. Marks of a job are in order: by try, then by
 * state, and the end comes last. */
#ifndef BULKHEAD_API_STATE_CHANGE_H
#define BULKHEAD_API_STATE_CHANGE_H

#include "bulkhead/api/job.h"

enum { STATE_MARK_TEXT_MAX = 32, STATE_CHANGE_TEXT_MAX = 4096 /* of one text from elsewhere */ };

struct state_mark {
    uint32_t try;
    enum job_phase phase;
};

uint64_t state_mark_order(struct state_mark mark); /* grows along the life of a job */
const char *state_mark_print(struct state_mark mark, char text[STATE_MARK_TEXT_MAX]);
bool state_mark_parse(const char *text, struct state_mark *ret_mark); /* false: not a mark */

struct state_change {
    const struct batch_job *job;
    struct state_mark mark;
    int64_t time_ns, started_ns, stopped_ns; /* 0: not (known) */
    const char *status_reason;               /* NULL: none */
    const struct job_try *tries;             /* recent ones that have ended by then */
    size_t try_count;
    const int64_t *counts; /* of an array's children, by phase; NULL: a single job */
    uint32_t size;         /* of the array */
    bool cancelled, terminated;
};

/* A CloudEvent 1.0 in structured mode. Its data is what a handler of Amazon EventBridge takes: an
 * envelope whose detail has the shape of AWS Batch's "Batch Job State Change". Heap text. */
char *state_change_encode(const struct state_change *change);

#endif
