/* SPDX-License-Identifier: Apache-2.0 */
/* queues.h - queues inside the core; part of internal.h, which has what they are made of */
#ifndef BULKHEAD_CORE_QUEUES_H
#define BULKHEAD_CORE_QUEUES_H

struct core_queue {
    char *name;
    struct job_queue
        *spec; /* NULL: known only by the jobs that name it, or its spec does not decode */
    struct object_meta *bad_meta; /* of a queue whose spec does not decode */
    char *invalid;
    bool present;
    struct tree order;            /* jobs with runnable children, see order.h */
    size_t waiting;               /* how many these are */
    const struct core_job *tried; /* the head that could not be placed; only ever compared */
    struct shares *shares;        /* NULL: it never had a scheduling policy */
    struct core_job
        *parked_first; /* jobs that fit nothing there is: looked at again when shapes change */
    int64_t jobs[JOB_PHASE_COUNT];
    int64_t live;       /* jobs that are not terminal */
    size_t users;       /* jobs that name it, ended ones too */
    bool dirty, reopen; /* look at the head again; what is shut may have room */
    bool reserve_moved; /* what computeReservation keeps is more or less: see shares_never */
    struct core_environment
        *blocked[QUEUE_ENVIRONMENTS_MAX]; /* where the blocked head waits for room */
    size_t blocked_count;
    struct queue_quota quota;     /* see quota.h */
    struct core_passing *passing; /* lines of equal jobs; NULL: FIFO. See passing.h */
    struct backfill *backfill;    /* what is kept for the head; NULL: nothing. See backfill.h */
    int64_t newest_ns;            /* the latest creation of a job that it has taken */
    int64_t draining_since_ns;    /* 0: it is not DRAINING */
    bool reserves;                /* its head was kept consumable resources for, in the last pass */
    uint64_t short_pass;          /* the last buying pass in which it could not have all it needs */
    /* status */
    uint64_t written_hash;
    int64_t written_ns;
    bool verdict_dirty;     /* its waiting jobs are to be told anew */
    struct front *front;    /* as its status tells it: front.c; NULL: nothing yet */
    struct queue_bill bill; /* what its jobs cost: bill.h */
    bool front_dirty;       /* who is first, or why it waits, may have changed */
    bool status_dirty, status_in_flight, finalizer_in_flight;
    bool finalizer_waits; /* done; the watch has not shown it yet */
    char *resource_version;
    int flights;
    struct tree_node by_priority;
};

#endif
