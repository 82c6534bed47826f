/* SPDX-License-Identifier: Apache-2.0 */
/* shares.h - fair share: the shares of a queue take turns, for the core's modules; see shares.c */
#ifndef BULKHEAD_CORE_SHARES_H
#define BULKHEAD_CORE_SHARES_H

#include "internal.h"
#include "usage.h"

enum {
    SHARES_ACTIVE_MAX = 10000, /* of one queue */
    SHARES_TOLD = 10,          /* in its status, one by one */
};

/* All that begin alike and have one allotment together, or a single one. */
struct share_group {
    const char *pattern; /* borrowed from the policy; NULL: of those that are in no entry */
    int64_t weight;
    bool prefix;
    size_t active;       /* shares of it */
    struct tree waiting; /* those with jobs that may start, by key */
    usage_sum key;       /* of the first of them, weighed */
    const char *first;   /* its identifier */
    struct tree_node node;
};

struct core_share {
    char *id;
    struct shares *of;
    struct share_group *group; /* NULL: the policy is not known */
    struct tree jobs;          /* that may start: by priority, then age */
    struct tree_node node;     /* in group->waiting, while there are such jobs */
    int64_t live, pods;        /* jobs that have not ended; pods that are charged to it */
    bool active;               /* counted as such */
    struct core_pod *lent;     /* those of preemptible jobs, the youngest first */
    int64_t running;           /* what these pods take, in thousandths of a vCPU or its like */
    usage_sum past;            /* used until upto_s */
    int64_t upto_s;
    usage_sum key; /* past, and what runs, as of keyed_s */
    int64_t keyed_s;
    int64_t idle_s; /* neither job nor pod since */
    bool idle;      /* in the list of those */
    struct core_share *idle_prev, *idle_next;
    struct core_share *prev, *next; /* all shares of the queue, in order of coming */
};

struct shares {
    struct core *core;
    struct core_queue *queue;
    const struct scheduling_policy *policy; /* borrowed; NULL: none that can be used */
    bool off;                               /* the queue has none any more: first in, first out */
    struct map *by_id;
    struct core_share *first, *last, *idle_first, *idle_last;
    struct share_group *groups; /* one an entry of the policy, and one for all others */
    size_t group_count;
    struct tree order;   /* groups with waiting shares */
    size_t active, over; /* shares; those that came when there were too many */
    struct usage_clock clock;
    int64_t running_milli;    /* vCPUs of all pods, in thousandths */
    struct amounts ratio_of;  /* DOMINANT: for each resource, of the machines that are richest */
    struct amounts ratio_cpu; /* in it, and how many thousandths of a vCPU come with that; as of */
    int64_t counted_s;
    uint64_t changes;      /* of anything that the status tells */
    struct core_job *head; /* that was told what it waits for; NULL: it is not in line any more */
    size_t reclaiming;     /* pods that are being stopped for a share of this queue */
    int64_t short_ns;      /* when its head has waited for them long enough; 0: it does not */
    int64_t reclaim_ns;    /* when to look again */
    /* what the status tells, taken at most once a minute */
    struct queue_shares *told;
    uint64_t told_changes;
};

bool queue_is_fair(const struct core_queue *queue);
void shares_queue_changed(struct core *core, struct core_queue *queue); /* or is gone */
void policy_apply(struct core *core, struct scheduling_policy *take_spec);
void policy_gone(struct core *core, const char *name);
void policies_free(struct core *core);
void shares_free(struct core_queue *queue);

void shares_job_in(struct core_job *job);
void shares_job_out(struct core_job *job);
bool shares_full(struct core_job *job);  /* its share is one too many */
void shares_enter(struct core_job *job); /* it may start */
void shares_leave(struct core_job *job);
void shares_head(struct core *core, struct core_job *job); /* it waits, as the first of all */

struct core_job *shares_first(const struct core_queue *queue);
struct core_job *shares_each(const struct core_queue *queue, const struct core_job *after);
/* Why nothing of the queue starts; false: it does. Words go into out, if that is not NULL. */
bool shares_bar(const struct core_queue *queue, struct str *out);
/* Would this much more, in thousandths of a vCPU, use what is kept for shares that are not active?
 */
bool shares_reserved(const struct core_queue *queue, int64_t milli);
int64_t shares_milli_left(const struct core_queue *queue); /* INT64_MAX: nothing is kept */
enum verdict shares_reserved_words(const struct core_queue *queue, struct str *out);
/* The same words, if it would be so with nothing running; VERDICT_NONE: it would not. Looked at
 * again when reserve_moved is set: a share has become active, or is no more, or the policy moved.
 */
enum verdict shares_never(const struct core_queue *queue, int64_t milli, struct str *out);
/* When the head may be another, though nothing happened; INT64_MAX: no need to look. */
int64_t shares_wake_ns(const struct core_queue *queue);

void shares_take(struct core *core, struct core_pod *pod); /* its job's share is charged */
/* The same for one that an earlier life has made, by its labels if its job is gone. */
void shares_seen(struct core *core, struct core_pod *pod, const struct pod *seen);
void shares_end(struct core *core, struct core_pod *pod);

/* What one more child counts at once. */
int64_t shares_rate(const struct core_queue *queue, const struct amounts *needs);
usage_sum shares_ahead(const struct shares *shares, int64_t rate);
int64_t share_weight_now(const struct share_group *group);

/* What it had used by then, in thousandths of a vCPU times seconds. */
void shares_recall(struct core_queue *queue, const char *id, int64_t at_s, int64_t milli);

/* shares_tell.c */
void shares_load(struct core_queue *queue);
int64_t shares_due_ns(const struct core_queue *queue); /* when the status is to tell them anew */
const struct queue_shares *shares_status(struct core *core, struct core_queue *queue); /* or NULL */
char *shares_check(const struct core *core, const struct core_queue *queue);

#endif
