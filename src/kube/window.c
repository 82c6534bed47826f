/* SPDX-License-Identifier: Apache-2.0 */
/* window.c - how many requests in flight the server can use: see the header
 *
 * A round is as many answers as the limit. When a round's mean latency is within a few times the
 * lowest seen, the server still had room: a few more. When it is far above, requests only queue in
 * the server, which makes everybody's latency worse and nothing faster: a third less.
 *
 * The floor rises only at the smallest window, where the waiting cannot be our own doing: so a
 * server that became slower for good (a larger object, a slower etcd) gets a new floor within some
 * rounds, while a queue that we made ourselves is never taken for normal (it was, when the floor
 * crept up by a hundredth each round). Latency below 100 ms is never a reason to shrink: with 25 ms
 * the noise of a busy machine decided, and held the window at a fifth of its most. */
#include "window.h"

#include <assert.h>

enum { STEP = 4, LATENCY_FACTOR = 4 };
static const int64_t latency_fine_ns = 100 * 1000000LL;

void window_init(struct window *window, int min, int max)
{
    assert(min >= 1);
    assert(max >= min);
    *window = (struct window){.min = min, .max = max};
    window->limit = min * 2 < max ? min * 2 : max;
}

static void start_round(struct window *window)
{
    window->round_sum_ns = 0;
    window->round_count = 0;
    window->round_full = false;
}

static void set_limit(struct window *window, int limit)
{
    window->limit = limit < window->min ? window->min : limit > window->max ? window->max : limit;
    start_round(window);
}

static void end_round(struct window *window)
{
    int64_t mean_ns = window->round_sum_ns / window->round_count;

    if (window->floor_ns == 0 || mean_ns < window->floor_ns)
        window->floor_ns = mean_ns > 0 ? mean_ns : 1;
    else if (window->limit == window->min)
        window->floor_ns += (mean_ns - window->floor_ns) / 4;

    if (mean_ns > latency_fine_ns && mean_ns > LATENCY_FACTOR * window->floor_ns)
        set_limit(window, window->limit * 2 / 3);
    else if (window->round_full)
        set_limit(window, window->limit + STEP);
    else
        start_round(window);
}

void window_answer(struct window *window, int64_t latency_ns, bool full)
{
    window->round_sum_ns += latency_ns > 0 ? latency_ns : 0;
    window->round_count++;
    window->round_full |= full;
    if (window->round_count >= window->limit)
        end_round(window);
}

void window_pushback(struct window *window, int64_t now_ns)
{
    if (now_ns < window->held_ns)
        return;
    /* Those in flight were sent under the old limit: their complaints say nothing new. */
    window->held_ns =
        now_ns + (window->floor_ns > latency_fine_ns ? 4 * window->floor_ns : 4 * latency_fine_ns);
    set_limit(window, window->limit * 2 / 3);
}
