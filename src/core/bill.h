/* SPDX-License-Identifier: Apache-2.0 */
/* bill.h - what the jobs of a queue cost: see bill.c
 */
#ifndef BULKHEAD_CORE_BILL_H
#define BULKHEAD_CORE_BILL_H

#include "bulkhead/api/cost.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
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
    struct share_cost *shares; /* the same by share: bill_shares.c */
    size_t share_count, share_capacity;
    struct core_job *first, *last; /* ended and not settled, by mark */
    struct queue_cost told, sent;  /* in its durable status; in the one under way */
    int64_t told_ns;
    int64_t settle_from_ns; /* nothing is settled before */
    bool urgent;            /* somebody waits for that to be told */
    char *uid;              /* of the object that counts it */
};

/* A job: its status goes out; is durable; it was read from the server; it is gone. */
void bill_send(struct core_job *job);
void bill_written(const struct core *core, struct core_job *job);
void bill_read(struct core *core, struct core_job *job);
void bill_gone(const struct core *core, struct core_job *job);
/* May it not be removed yet, because its queue's status does not count it for good? */
bool bill_holds(struct core *core, struct core_job *job);

/* The queues: all jobs have been read; another object has the name now. */
void bill_begin_all(struct core *core);
void bill_queue_new(struct core *core, struct core_queue *queue);
void bill_free(struct core_queue *queue);
/* Is its status to be written for this alone? If not yet, it is asked again when it is. */
bool bill_is_due(struct core *core, struct core_queue *queue);
/* What it tells of shares is the bill's, and the arena's. */
void bill_fill(struct core *core, struct core_queue *queue, struct job_queue_status *status);
void bill_stored(struct core *core, struct core_queue *queue);

/* bill_shares.c */
/* Parts of the queue's sums, each once? Somebody may have edited it. */
bool bill_shares_are_sound(const struct queue_cost *stored);
void bill_shares_open(struct queue_bill *bill, const struct queue_cost *stored); /* or NULL */
void bill_shares_free(struct queue_bill *bill);
/* NULL: it has no sum of its own; with make: because there are too many, or it is none. */
struct share_cost *bill_share(struct queue_bill *bill, const char *share, bool make);
void bill_shares_fill(const struct queue_bill *bill, struct arena *arena, struct queue_cost *cost);

char *bill_check(const struct core *core); /* walks the world */

#endif
