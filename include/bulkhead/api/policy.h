/* SPDX-License-Identifier: Apache-2.0 */
/* policy.h - SchedulingPolicy: how the shares of a fair-share queue stand to each other
 *
 * A queue names a policy, a job a share. Of two shares the one that has used less, weighed, goes
 * next; docs/scheduling.md has the formulas. */
#ifndef BULKHEAD_API_POLICY_H
#define BULKHEAD_API_POLICY_H

#include "bulkhead/api/meta.h"

struct json_object;

enum {
    POLICY_SHARES_MAX = 500,     /* entries of shareDistribution */
    POLICY_DECAY_S_MAX = 604800, /* a week */
    POLICY_DECAY_S = 600,        /* where shareDecaySeconds is 0 */
    POLICY_RESERVATION_MAX = 99, /* percent */
    SHARE_WEIGHT_ONE = 10000,    /* weightFactor 1.0 */
    SHARE_WEIGHT_MAX = 9999999,  /* 999.9999 */
    SHARE_IDENTIFIER_MAX = 63,   /* it is a label of pods */
};

struct share_weight {
    char *identifier; /* or a prefix with * behind it */
    int64_t weight;   /* 1..SHARE_WEIGHT_MAX; the more, the less the share gets */
};

struct scheduling_policy {
    struct object_meta meta;
    int64_t decay_s;     /* shareDecaySeconds: the window; never 0 here */
    int64_t reservation; /* computeReservation, percent */
    struct share_weight *weights;
    size_t weight_count;
    bool dominant; /* resource: DOMINANT; else VCPU */
    bool reclaim;  /* reclaim: Preemptible; else Never */
    char *invalid; /* not NULL: why queues cannot use it; with the path */
};

struct share_told { /* one of those that used most, for people */
    char *identifier;
    int64_t used;          /* vCPU seconds, older ones weighing less */
    int64_t running_milli; /* what its pods take, in thousandths of a vCPU */
    int64_t waiting;       /* jobs that could start */
};

struct queue_shares { /* status.shares of a queue */
    int64_t at_ns;    /* 0: there is none */
    int64_t active;
    struct share_told *top;
    size_t top_count;
    char *used; /* of all: "a=1500,b=20", in thousandths of a vCPU times seconds; or NULL */
    int64_t left_out;
};
enum { SHARES_TEXT_MAX = 65536, SHARES_TOP_MAX = 10 };

void queue_shares_done(struct queue_shares *shares); /* takes NULL */
/* Adds one, or counts it as left out. */
struct str;
void queue_shares_print(struct str *out, const char *identifier, int64_t milli, int64_t *left_out);
/* The next of the text; what does not read so is passed over. *id belongs to the walk, and is NULL
 * before it and after it. */
bool queue_shares_next(const char **text, char **id, int64_t *ret_milli);

struct scheduling_policy *scheduling_policy_free(struct scheduling_policy *policy);
DEFINE_AUTO(scheduling_policy, scheduling_policy_free)
/* Succeeds whenever there is usable metadata; what is wrong in spec is told in ->invalid. */
int scheduling_policy_decode(struct json_object *doc, struct scheduling_policy **ret_policy,
                             struct err *err);

#endif
