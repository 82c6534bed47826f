/* SPDX-License-Identifier: Apache-2.0 */
/* bill.h - what the jobs of a queue cost: see bill.c
 */
#ifndef BULKHEAD_CORE_BILL_H
#define BULKHEAD_CORE_BILL_H

#include "bulkhead/api/cost.h"

#include <stdbool.h>
#include <stdint.h>

struct core;
struct core_job;
struct core_queue;
struct job_queue_status;

struct job_bill {                 /* of a job, beside what it cost by now */
    struct job_cost sent, told;   /* in the status that is under way; that is durable */
    struct core_job *prev, *next; /* in queue->bill.first, from its mark on until it is settled */
    bool listed;
};

struct queue_bill {
    struct job_cost all;     /* of all that is durable */
    struct job_cost settled; /* of jobs up to the mark, and of those that are gone */
    int64_t last_mark;
    struct core_job *first, *last; /* ended and not settled, by mark */
    struct queue_cost told, sent;  /* in its durable status; in the one under way */
    int64_t told_ns;
    bool urgent; /* somebody waits for that to be told */
    char *uid;   /* of the object that counts it */
};

/* A job: its status goes out; is durable; it was read from the server; it is gone. */
void bill_send(struct core_job *job);
void bill_written(struct core_job *job);
void bill_read(struct core *core, struct core_job *job);
void bill_gone(struct core_job *job);
/* May it not be removed yet, because its queue's status does not count it for good? */
bool bill_holds(struct core *core, struct core_job *job);

/* The queues: all jobs have been read; another object has the name now. */
void bill_begin_all(struct core *core);
void bill_queue_new(struct core *core, struct core_queue *queue);
void bill_free(struct core_queue *queue);
/* Is its status to be written for this alone? If not yet: no later than *wake_ns. */
bool bill_is_due(const struct core *core, const struct core_queue *queue, int64_t *wake_ns);
void bill_fill(struct core_queue *queue, struct job_queue_status *status);
void bill_stored(struct core *core, struct core_queue *queue);
char *bill_check(const struct core *core); /* walks the world */

#endif
