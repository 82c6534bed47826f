/* SPDX-License-Identifier: Apache-2.0 */
/* cost.h - what work and machines cost: whole seconds, whole millionths of the catalogue's currency
 */
#ifndef BULKHEAD_API_COST_H
#define BULKHEAD_API_COST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AMOUNT_ONE = 1000000, SHARE_COSTS_MAX = 100 };

/* Of all tries that have ended: of a job, or of all jobs of a queue. */
struct job_cost {
    int64_t vcpu_seconds, gpu_seconds;
    int64_t amount; /* millionths */
    /* Of a job that has ended: its number among the ended ones of its queue; 0: it cost nothing. Of
     * a queue's settled ones: the last that is in the sum. */
    int64_t mark;
};

struct share_cost { /* of the jobs of a queue that name one share; the marks are not used */
    char *identifier;
    struct job_cost all, settled;
};

struct cost_forecast { /* of what has not ended */
    int64_t amount;
    int64_t since_ns; /* when it came to that; 0: nothing is to come */
    int64_t unknown;  /* jobs that are not in it */
};

struct queue_cost {      /* status.cost of a JobQueue */
    struct job_cost all; /* mark: not used */
    struct job_cost settled;
    int64_t since_ns; /* 0: nothing has cost anything yet */
    /* At most SHARE_COSTS_MAX. What is in none of them is of jobs without a share, and of shares
     * that came when there were so many. */
    struct share_cost *shares;
    size_t share_count;
    struct cost_forecast forecast;
};

/* On the heap; NULL for none. */
struct share_cost *share_costs_copy(const struct share_cost *shares, size_t count);
void queue_cost_done(struct queue_cost *cost); /* frees and forgets its shares */

struct environment_cost { /* status.cost of a ComputeEnvironment: of its machines, idle or not */
    int64_t vcpu_seconds, gpu_seconds, amount; /* up to at_ns */
    int64_t at_ns;
    int64_t price, vcpus, gpus; /* of those that there are since: an hour, in millionths */
    int64_t since_ns;           /* counted from then on; 0: nothing is counted yet */
};

/* "0.096000"; caller frees. */
char *money_text(int64_t amount);
/* NULL, another form or too much: false. */
bool money_parse(const char *text, int64_t *ret_amount);

#endif
