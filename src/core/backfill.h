/* SPDX-License-Identifier: Apache-2.0 */
/* backfill.h - what may pass the head of a queue, and what is kept for the head: see backfill.c */
#ifndef BULKHEAD_CORE_BACKFILL_H
#define BULKHEAD_CORE_BACKFILL_H

#include "internal.h"

enum reservation_kind {
    RESERVE_NODE,     /* one node, on which the head will find room beside others */
    RESERVE_NODES,    /* a multi-node job's: empty of other pods of ours by then */
    RESERVE_MACHINE,  /* one on its way: no node is kept */
    RESERVE_GIVEBACK, /* machines that are too small: empty by then, to be given back for another */
};

struct kept_node {
    char *name;
    uint32_t part;          /* of a multi-node job; else 0 */
    struct core_node *node; /* while a queue is looked at */
};

struct reservation { /* for the head of a queue */
    enum reservation_kind kind;
    char *environment;
    struct kept_node *nodes; /* heap */
    size_t node_count;
    int64_t free_by_ns;   /* they have room for it, by the bounds of what runs there */
    int64_t coming_by_ns; /* the machines on their way that it counts on are Ready; 0: none */
    int64_t starts_by_ns; /* 0: not known, since nobody has seen such a machine boot */
};

/* backfill_find.c */

enum { FIND_CHUNK = 1024, FIND_NODES_MAX = 5000 };
#define START_NS (5 * NS_PER_S) /* from placing a pod to its start, as it is reckoned with */

struct search { /* goes on from turn to turn */
    size_t environment, slot, looked;
    struct reservation best;
    bool found, bounded; /* bounded: there were more nodes than are looked at */
};

/* The next chunk of nodes. True: all were looked at, and search->best is the earliest, if any was
 * found. */
bool find_go_on(struct core *core, const struct core_job *head, struct search *search);
void reservation_done(struct reservation *reservation);
/* When the nodes have room for the head, with what runs there now; INT64_MAX: nobody knows, or one
 * of them is of no use any more. */
int64_t reservation_free_ns(struct core *core, const struct core_job *head,
                            struct reservation *reservation);
/* The same of one node, with one more pod there until extra_end_ns; extra NULL: without. */
int64_t kept_free_ns(struct core *core, const struct core_job *head,
                     const struct reservation *reservation, const struct kept_node *kept,
                     const struct amounts *extra, int64_t extra_end_ns);
/* When one that would start now has ended for certain; INT64_MAX: nobody knows. */
int64_t job_ends_by_ns(const struct core *core, const struct core_job *job);

/* backfill.c */

void backfill_set(struct core *core, struct core_queue *queue); /* as its strategy says */
void backfill_free(struct core *core, struct core_queue *queue);
void backfill_forget(struct core *core, struct core_queue *queue); /* it starts nothing */
void backfill_timer(struct core *core, struct backfill *backfill);
struct backfill *backfill_of_timer(struct timer *timer);

/* The next job to be looked at, the head first; NULL: none, or nothing may pass the head. */
struct core_job *backfill_next(struct core *core, struct core_queue *queue);
/* A job is about to be placed: nodes that are kept from it take nothing. False: it may not pass at
 * all. */
bool backfill_begin(struct core *core, struct core_job *job);
void backfill_tell_barred(struct core *core, struct core_job *job);    /* then: it waits */
void backfill_look(struct core *core, const struct core_queue *queue); /* before it is bought for */
/* One more of its pods was placed there. True: look again where the next may go. */
bool backfill_placed(struct core *core, struct core_job *job, const struct core_node *node);
void backfill_end(struct core *core,
                  const struct core_queue *queue); /* all nodes take work again */
/* The head found no place; room: it is room that it waits for. */
void backfill_blocked(struct core *core, struct core_job *job, bool room);
/* Is it only kept from the room that there is? With words. */
bool backfill_keeps(struct core *core, const struct core_job *job, struct str *words);
/* Whose part of the queue's limits is kept from the job; NULL: nobody's. */
const struct core_job *backfill_before(const struct core_job *job);
/* What cannot be bought for: may those behind it be bought for? */
bool backfill_buys(const struct core_queue *queue);
void backfill_tell(const struct core_queue *queue, struct job_queue_status *status);

#endif
