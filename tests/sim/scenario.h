/* SPDX-License-Identifier: Apache-2.0 */
/* scenario.h - what a world has in it, and for how long it is disturbed; part of world.h
 *
 * Normal worlds have everything at once. Small ones have few of everything and each feature in some
 * worlds only, so that many of them fit in a second; what can go wrong, and what must hold, is the
 * same. */
#ifndef BULKHEAD_TESTS_SIM_SCENARIO_H
#define BULKHEAD_TESTS_SIM_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

struct world;

enum feature {
    FEATURE_ARRAYS,
    FEATURE_GANGS,
    FEATURE_DEFINITIONS,
    FEATURE_CONSUMABLES,
    FEATURE_POLICIES,
    FEATURE_DAEMONS,
    FEATURE_FOREIGN, /* pods of others */
    FEATURE_SPOT,    /* machines are asked about four times as often */
    FEATURE_COUNT,
};

struct scale {
    int64_t types, environments, queues;        /* at most */
    int64_t jobs, jobs_many_min, jobs_many_max; /* now and then many */
    int64_t children, children_many;            /* of an array, at most */
    int64_t lent_min, lent_max;                 /* children where shares lend to each other */
    int64_t burst_ms;                           /* in which the jobs come */
    int64_t mend_ms;                            /* after it, in which jobs that replace others do */
    int64_t trouble_min_ms, trouble_max_ms;     /* then nothing goes wrong any more */
    int64_t late_ms;                            /* jobs may come for so long after that */
    int64_t mischief_min_ms, mischief_max_ms;   /* between two acts */
    int64_t run_ms;                             /* of an attempt, at most, about */
    int64_t boot_ms;                            /* of a machine, at most, but for slow ones */
    int slow_boot_per_mille;
    int64_t delay_s;        /* a machine may be idle, at most */
    int64_t quiet_s;        /* nothing may be written for so long in the end */
    uint64_t long_quiet_in; /* but in one world of so many it is QUIET_S */
    int one_per_mille;      /* have one of what there may be few of */
    int feature_per_mille;  /* of the worlds have a feature; 1000: all */
    uint64_t sink_in;       /* one world in so many has an event sink */
};

const struct scale *scale_of(bool small);
int64_t draw_few(struct world *world, int64_t most);
bool world_has(const struct world *world, enum feature feature);
void scenario_draw(struct world *world);
void scenario_calm(struct world *world); /* the last fault is over; heal everything */

#endif
