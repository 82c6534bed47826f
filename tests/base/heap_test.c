/* SPDX-License-Identifier: Apache-2.0 */
#include "bulkhead/base/heap.h"

#include "bulkhead/base/str.h"
#include "check.h"

/* Takes out all timers and prints their kinds in the order they came. */
static char *drain(struct timers *timers)
{
    struct str out = STR_EMPTY;
    for (struct timer *timer; (timer = timers_first(timers)) != NULL;) {
        str_addf(&out, "%s%d", out.size > 0 ? " " : "", timer->kind);
        timer_clear(timers, timer);
    }
    return str_take(&out);
}

TEST(order)
{
    struct timers timers = {0};
    struct timer t[6] = {{.kind = 0}, {.kind = 1}, {.kind = 2}, {.kind = 3}, {.kind = 4}};

    CHECK_TRUE("none", timers_first(&timers) == NULL);
    timer_clear(&timers, &t[5]); /* not in it: nothing happens */

    timer_set(&timers, &t[0], 30);
    timer_set(&timers, &t[1], 10);
    timer_set(&timers, &t[2], 20);
    timer_set(&timers, &t[3], 10); /* same time as 1: after it */
    timer_set(&timers, &t[4], -5);
    AUTO_TEXT by_due = drain(&timers);
    CHECK_TEXT("by due time, then as set", by_due, "4 1 3 2 0");

    for (size_t i = 0; i < 5; i++) {
        CHECK_TRUE("cleared", !timer_is_set(&t[i]));
        timer_set(&timers, &t[i], 10);
    }
    timer_set(&timers, &t[0], 10); /* set again: to the end of its time */
    timer_set(&timers, &t[2], 99);
    timer_set(&timers, &t[2], 1);
    timer_clear(&timers, &t[3]);
    AUTO_TEXT moved = drain(&timers);
    CHECK_TEXT("moved", moved, "2 1 4 0");

    timer_set(&timers, &t[0], 1);
    timers_done(&timers);
    CHECK_TRUE("done leaves no timer set", !timer_is_set(&t[0]));
}

TEST(random_against_a_scan)
{
    enum { COUNT = 60 };
    struct timer t[COUNT] = {{0}};
    struct timers timers = {0};
    struct check_random random = {3};

    for (int step = 0; step < 20000; step++) {
        struct timer *timer = &t[check_random_below(&random, COUNT)];
        if (check_random_below(&random, 3) == 0)
            timer_clear(&timers, timer);
        else
            timer_set(&timers, timer, (int64_t)check_random_below(&random, 20));

        const struct timer *want = NULL;
        for (size_t i = 0; i < COUNT; i++) {
            const struct timer *one = &t[i];
            if (timer_is_set(one) &&
                (want == NULL || one->due_ns < want->due_ns ||
                 (one->due_ns == want->due_ns && one->sequence < want->sequence)))
                want = one;
        }
        if (timers_first(&timers) != want)
            CHECK_INT("first", step, -1);
    }
    timers_done(&timers);
}
