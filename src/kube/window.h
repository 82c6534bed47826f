/* SPDX-License-Identifier: Apache-2.0 */
/* window.h - how many requests in flight the server can use: additive up, multiplicative down */
#ifndef BULKHEAD_KUBE_WINDOW_H
#define BULKHEAD_KUBE_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

struct window {
    int min, max;
    int limit;            /* the present limit, min..max */
    int64_t floor_ns;     /* the mean latency of an unhurried round; 0: none yet */
    int64_t round_sum_ns; /* of the answers of this round */
    int round_count;
    bool round_full; /* the limit held something back during this round */
    int64_t held_ns; /* no second decrease before this time */
};

void window_init(struct window *window, int min, int max);
/* An answer came; full: requests were waiting for a place. */
void window_answer(struct window *window, int64_t latency_ns, bool full);
/* The server said 429 or 503. Decreases once per round trip, however many say so. */
void window_pushback(struct window *window, int64_t now_ns);

#endif
