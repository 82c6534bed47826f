/* SPDX-License-Identifier: Apache-2.0 */
/* load.h - generated load: arrivals, durations and ends that follow from a seed */
#ifndef BULKHEAD_DAY_LOAD_H
#define BULKHEAD_DAY_LOAD_H

#include "bulkhead/api/job.h"
#include "bulkhead/day/day.h"
#include "bulkhead/json/table.h"

enum { LOAD_ACTS_MAX = 256, LOAD_ARRAY_SIZES_MAX = 32 };

struct load_class {
    char *name, *namespace_;
    int64_t jobs, from_s, to_s, burst, seconds, spread, fail_percent;
    int arrivals;
    struct number_list array_sizes;
    struct json_object *job;
};

struct load_act {
    int64_t at_s;
    bool has_drought, has_reclaim, has_signal;
    char *environment, *reclaim_environment, *signal_environment;
    struct text_list types, reclaim_types, signal_types;
    int64_t drought_s, percent, signal_percent;
    int signal; /* REBALANCE, INTERRUPTION */
    struct json_object *apply;
};

struct load_spec {
    int64_t seed, until_s;
    struct load_class *classes;
    size_t class_count;
    struct load_act *acts;
    size_t act_count;
};
extern const struct object_type load_spec_type;

struct load; /* of one day; borrows the spec */
struct load *load_new(const struct load_spec *spec) NEVER_NULL;
struct load *load_free(struct load *load);
DEFINE_AUTO(load, load_free)
struct day_load load_source(struct load *load);

/* A job of the class as the API server would hand it out; ERR_INVALID with the path. */
int load_job(const struct load_class *class_, int64_t number, int64_t array_size,
             struct batch_job **ret_job, struct err *err);

#endif
