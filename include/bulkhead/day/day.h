/* SPDX-License-Identifier: Apache-2.0 */
/* day.h - a day of a batch system on virtual time, with the real core
 *
 * A perfect world: the API server answers at once, machines boot after their time, pods run as long
 * as the load says, and nothing fails but what the load or an act asks for. It shows what the
 * core's decisions are worth (waits, cost, utilisation), where tests/sim looks for errors.
 *
 * Deterministic  the same objects, load and acts give the same plans and the same report.
 * Time           moves in steps of grain_ns; what falls between is due at the next.
 * Lifetime       of what is given with "taken": the day's. */
#ifndef BULKHEAD_DAY_DAY_H
#define BULKHEAD_DAY_DAY_H

#include "bulkhead/base/str.h"
#include "bulkhead/core/core.h"

enum { DAY_CLASSES_MAX = 64 }; /* groups of jobs that are told apart in reports */

struct day_arrival {
    int64_t at_ns;         /* of the day; does not go back */
    struct batch_job *job; /* taken; its name, uid and creation time are set */
    size_t class_;
};

struct day_try { /* which attempt is to run */
    const char *job_uid;
    size_t class_;
    uint32_t index, try, attempt;
};

struct day_work {
    int64_t duration_ns;
    int32_t exit_code;
};

struct day_load {                                             /* who submits what */
    bool (*next)(void *ctx, struct day_arrival *ret_arrival); /* false: nobody any more */
    struct day_work (*work)(void *ctx, const struct day_try *try);
    const char *(*class_name)(void *ctx, size_t class_); /* NULL: there are no more classes */
    void *ctx;
};

struct day_options { /* zero means the default */
    struct core_options core;
    int64_t start_ns;     /* of the day, since the epoch; 2026-01-05T00:00:00Z, a Monday */
    int64_t stop_ns;      /* after the start: the day ends there whatever still runs; 10 days */
    int64_t pod_start_ns; /* from its create to its first container's start; 1 s */
    int64_t grain_ns;     /* 100 ms */
    int64_t series_ns;    /* a line of the series each time; 0: none */
    /* Before each event is applied and after each plan is made; NULL: nobody listens. */
    void (*on_event)(void *ctx, const struct event *event);
    void (*on_plan)(void *ctx, int64_t now_ns, const struct plan *plan);
    void *ctx;
};

struct day;
struct day *day_new(const struct day_options *options, const struct day_load *load);
struct day *day_free(struct day *day);
DEFINE_AUTO(day, day_free)

/* What there is, before day_run or in an act. All take what they are given. */
void day_queue(struct day *day, struct job_queue *queue);
/* Twice the same: the core takes one, the other is the provider's. */
void day_environment(struct day *day, struct compute_environment *environment,
                     struct compute_environment *provider);
void day_node(struct day *day, struct node *node);          /* of a static environment */
void day_event(struct day *day, const struct event *event); /* any other kind of object */

/* Something that happens in the day: run is called then. ctx lives as long as the day. */
void day_act(struct day *day, int64_t at_ns, void (*run)(struct day *day, void *ctx), void *ctx);
/* No machine of these types can be had until then; types empty: of none. */
void day_drought(struct day *day, const char *environment, const struct text_list *types,
                 int64_t for_ns);
/* The provider says of so many percent of the machines, the oldest, that they are likelier than
 * others to go (REBALANCE), or that they go in two minutes (INTERRUPTION), and then they do. */
void day_signal(struct day *day, const char *environment, const struct text_list *types,
                int64_t percent, enum instance_signal signal);
/* The provider takes back so many percent of the environment's machines, the oldest. */
void day_reclaim(struct day *day, const char *environment, const struct text_list *types,
                 int64_t percent);

/* The day ends there, and day_run tells why. */
void day_fail(struct day *day, const struct err *err);

/* -1: it came to no end (ERR_FATAL says where it turns in circles), or core_check found a fault. */
int day_run(struct day *day, struct err *err);
int64_t day_now_ns(const struct day *day); /* since the day's start */
struct core *day_core(struct day *day);

/* ------------------------------------------------------------------ what came of it */

struct day_waits { /* from submission to the first start of a container, per child */
    int64_t count, p50_ns, p95_ns, max_ns;
    double mean_s;
};

struct day_class {
    const char *name;
    int64_t jobs, children, succeeded, failed, unfinished;
    double vcpu_hours; /* that its pods asked for while they ran */
    struct day_waits waits;
};

struct day_machines { /* of one type in one environment */
    const char *environment, *type;
    int64_t launched, now, peak, reclaimed; /* now: when the day ended */
    double hours, cost;
};

struct day_report {
    struct day_class all; /* name: NULL */
    struct day_class *classes;
    size_t class_count;
    struct day_machines *machines;
    size_t machine_count;
    int64_t makespan_ns; /* from the first arrival to the last end of a child */
    int64_t peak_vcpus, retries;
    double machine_vcpu_hours, cost; /* until the last machine is given back, or the day's end */
    double utilisation;              /* vcpu_hours of all of machine_vcpu_hours; 0 without */
    uint64_t turns, events, actions;
    uint64_t plan_hash; /* of every plan as plan_print has it, and of when it was made */
};
/* Borrowed from the day, valid until it is freed. */
const struct day_report *day_report(struct day *day);
void day_report_print(const struct day_report *report, struct str *out);
/* One column a report, for comparing days. */
void day_compare_print(const char *const *names, const struct day_report *const *reports,
                       size_t count, struct str *out);
/* CSV: a header, then a line each series_ns. */
const char *day_series(const struct day *day);

#endif
