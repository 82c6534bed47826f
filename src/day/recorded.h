/* SPDX-License-Identifier: Apache-2.0 */
/* recorded.h - what a recorded day is made of
 *
 *   recorded.c   from the log: what there was, who submitted what, how attempts ended
 *   history.c    what came of it, measured as a day's own world is
 *   whatif.c     the same jobs on another day */
#ifndef BULKHEAD_DAY_PARTS_RECORDED_H
#define BULKHEAD_DAY_PARTS_RECORDED_H

#include "bulkhead/day/recorded.h"
#include "parts.h"

struct recorded_event { /* something declared, as it was told */
    int64_t at_ns;
    struct event event;
    char *namespace_, *name, *uid; /* of an event without an object: something went */
    struct recorded *recorded;
};

struct recorded_job {
    int64_t at_ns;
    struct batch_job *spec; /* as submitted: no status */
    size_t class_;
    struct day_job *measured;
    size_t request_count;
    double ended_s; /* of its attempts, together */
    int64_t ended;
};

struct recorded_pod {
    struct day_pod pod; /* for measure.c; only what that reads */
    struct recorded_job *job;
    int64_t started_ns;
    uint32_t attempt;
    bool ended;
};

struct recorded_work { /* how an attempt ended */
    struct day_work work;
};

struct recorded_boots { /* of one type in one environment */
    int64_t count, sum_ns;
};

struct asked { /* an action that is answered later */
    char *environment;
    bool lists;
};

struct recorded {
    struct day *history; /* of which only the measures are used */
    int64_t start_ns, end_ns;
    bool synced;
    struct recorded_event *events;
    size_t event_count, event_capacity;
    struct recorded_job **jobs;
    size_t job_count, job_capacity;
    struct map *jobs_by_uid, *pods, *works, *boots, *asked, *replaced;
    char *classes[DAY_CLASSES_MAX];
    double class_ended_s[DAY_CLASSES_MAX];
    int64_t class_ended[DAY_CLASSES_MAX];
    size_t class_count;
    size_t next; /* of jobs, to be submitted */
};

/* history.c */
void history_arrival(struct recorded *recorded, struct recorded_job *job);
void history_pod(struct recorded *recorded, const struct pod *pod, int64_t now_ns);
void history_pod_gone(struct recorded *recorded, const char *uid, int64_t now_ns);
void history_node(struct recorded *recorded, const struct node *node, int64_t now_ns);
void history_done(struct recorded *recorded, const struct done *done, int64_t now_ns);
void history_plan(struct recorded *recorded, int64_t now_ns, const struct plan *plan);
void history_free(struct recorded *recorded);

/* whatif.c */
struct compute_environment *environment_copy(const struct compute_environment *environment);
/* With the types that a provider told of, and the boot times that were seen. */
void environment_complete(struct recorded *recorded, struct compute_environment *environment);

#endif
