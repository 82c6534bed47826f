/* SPDX-License-Identifier: Apache-2.0 */
/* consume.h - consumable resources inside the core; part of internal.h */
#ifndef BULKHEAD_CORE_CONSUME_H
#define BULKHEAD_CORE_CONSUME_H

struct hold { /* what each child of a job takes of one resource, or what a pod has taken */
    struct core_consumable *of;
    int64_t quantity;
    /* of a pod */
    struct core_pod *pod;
    struct hold *prev, *next; /* in of->holds, while it is taken */
    bool taken;
    uint64_t sequence; /* NON_REPLENISHABLE: durable once this status of the resource is */
};

struct orphan_claim { /* in the status that was read, and of no pod that is known yet */
    char *pod;        /* key */
    int64_t quantity;
    struct orphan_claim *next;
};

struct core_consumable {
    char *name;
    struct consumable_resource *spec; /* NULL: not there, and known by those who name it only */
    size_t users;                     /* holds that point here, taken or not */
    struct hold *holds;               /* taken ones, the latest first */
    size_t hold_count;
    int64_t held; /* the sum of them */
    struct orphan_claim *orphans;
    size_t orphan_count;
    int64_t orphaned;        /* the sum of them */
    int64_t orphan_until_ns; /* when they are given up */
    int64_t consumed;
    int64_t kept; /* for parts of multi-node jobs that follow their main node */
    bool dirty;   /* for the next pass: who waits for it may look again */
    struct core_consumable *dirty_next; /* in core->consumables_dirty */
    /* in one pass */
    uint64_t reserved_pass, planned_pass;
    int64_t reserved; /* for the heads of queues that came before */
    const struct core_queue *reserved_for;
    int64_t planned; /* by work that will be placed before */
    /* status */
    uint64_t sequence, written_sequence; /* changes of claims; durable */
    uint64_t sent_hash, written_hash;
    int64_t written_ns, retry_ns;
    int level;   /* failures in a row */
    bool urgent; /* a pod waits for its claim to be written */
    bool status_in_flight, finalizer_in_flight;
    bool finalizer_waits; /* done; the watch has not shown it yet */
    bool in_looks;        /* in core->consumables_to_look */
    struct core_consumable *look_next;
    char *resource_version;
    int flights;
};

/* Events. */
void consumable_apply(struct core *core, struct consumable_resource *take_spec);
void consumable_gone(struct core *core, const char *name);
void consumables_free(struct core *core);

/* Jobs. */
void consume_bind(struct core *core, struct core_job *job); /* once its definition is known */
void consume_job_done(struct core *core, struct core_job *job);

/* Pods. */
void consume_take(struct core *core, struct core_pod *pod); /* what its job says */
void consume_seen(struct core *core, struct core_pod *pod, const struct pod *seen);
void consume_started(struct core *core, struct core_pod *pod);
void consume_end(struct core *core, struct core_pod *pod); /* it does not run, or not any more */
void consume_pod_done(struct core *core, struct core_pod *pod);
/* What it has claimed, used up or given back is written: it may be created, or released. */
bool consume_is_durable(const struct core_pod *pod);

/* Placement. */
void consume_pass_begin(struct core *core);
void consume_pass_end(struct core *core);
bool consume_has_news(const struct core_queue *queue);
/* What its head still needs is kept from the queues that follow. */
void consume_reserve(struct core *core, struct core_queue *queue);
/* How many more children there is enough for now: INT64_MAX when the job takes nothing. */
int64_t consume_times(const struct core *core, const struct core_job *job);
/* Is there too little for the job to start anything now? */
bool consume_lacks(const struct core *core, const struct core_job *job);
bool consume_part_fits(const struct core_job *job); /* of an open multi-node job: for one more */
/* Of an open multi-node job: what the parts take that are still to start is kept for them. */
void consume_keep(struct core *core, struct core_job *job);
/* Why there can never be enough as things are; VERDICT_NONE: there can. */
enum verdict consume_never(const struct core_job *job, struct str *out);
enum verdict consume_words(const struct core *core, const struct core_job *job, struct str *out);
/* How many of them there will be enough for; what they take counts against work that follows. */
int64_t consume_buy(struct core *core, const struct core_job *job, int64_t wanted);

/* Status. */
void consume_plan(struct core *core);
void consume_done(struct core *core, struct flight *flight, const struct done *done);
void consume_finalizer_done(struct core *core, const char *name, bool waits);
char *consume_check(const struct core *core); /* see core_check */

/* Between consume.c, consume_place.c and consume_tell.c. */
#define CONSUME_ORPHAN_NS (10 * NS_PER_S) /* so long a create of an earlier life may come true */
bool consume_is_spent(const struct core_consumable *resource);
/* Of all there is, once everything under way has been given back; and now. */
int64_t consume_left_at_most(const struct core_consumable *resource);
int64_t consume_left_now(const struct core_consumable *resource);
void consume_look(struct core *core, struct core_consumable *resource);    /* at its status */
void consume_changed(struct core *core, struct core_consumable *resource); /* more may be free */
void consume_drop_orphans(struct core_consumable *resource);
void consumable_free_if_unused(struct core *core, struct core_consumable *resource);
/* Pods that are not sent yet do not go without what their job asks for. */
void consume_unplace_unsent(struct core *core, struct core_consumable *resource,
                            enum verdict verdict, const char *words);
void consume_print_holders(const struct core_consumable *resource, struct str *out);

#endif
