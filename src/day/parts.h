/* SPDX-License-Identifier: Apache-2.0 */
/* parts.h - what the parts of a day share
 *
 *   day.c        turns: virtual time, events in, plans out; jobs
 *   server.c     the API server: what each action does, and its answer
 *   pods.c       pods as their kubelets run them
 *   machines.c   the provider: machines that are launched, boot and go
 *   measure.c    what came of it: waits, hours, cost, the series
 *   report.c     the same as tables
 *   load.c       generated load (scenario.h)
 *   scenario.c   a day from manifests (scenario.h) */
#ifndef BULKHEAD_DAY_PARTS_H
#define BULKHEAD_DAY_PARTS_H

#include "bulkhead/base/heap.h"
#include "bulkhead/base/map.h"
#include "bulkhead/day/day.h"

struct meter { /* a value over time */
    int64_t value, peak, since_ns;
    double seconds; /* sum of value times seconds */
};

enum due_kind { DUE_POD, DUE_MACHINE, DUE_ACT };

struct day_job {
    char *uid;
    size_t class_;
    int64_t arrived_ns;
    int64_t children, succeeded, failed;
    uint8_t *started; /* a bit a child: it has been told how long that one waited */
    size_t started_size;
    bool over;
};

struct machine {
    struct group *group;
    const struct instance_type *type; /* the group's */
    size_t row;                       /* in the report's machines */
    char *id;                         /* also the node's name */
    char *uid;                        /* of its Node; NULL: not joined */
    int64_t launched_ns, cpu_milli, memory_bytes, pod_count;
    enum instance_signal signal; /* told with the machine */
    struct timer timer;          /* boots; then, if it is to be interrupted, goes */
    struct machine *next;
};

struct group { /* of one environment */
    char *name;
    struct compute_environment *spec; /* the last of specs; NULL: a static one */
    struct compute_environment **specs;
    size_t spec_count;
    struct machine *machines, **last;
    struct meter vcpus, used_milli, nodes;
    int64_t launched;
    struct text_list dry; /* types of the last drought */
    int64_t dry_until_ns;
};

struct day_pod {
    char *key; /* namespace/name */
    char *namespace_, *name, *uid, *node, *node_uid, *environment, *queue, *definition,
        *definition_uid, *job_name, *gives_way_to;
    struct day_job *job;
    struct machine *machine; /* NULL: a static node's */
    struct group *group;
    struct resources requests;
    struct consumable_needs consumables;
    uint32_t index, count, try, attempt;
    enum pod_phase phase;
    uint64_t version;
    int64_t created_ns, started_ns, finished_ns, deleted_ns;
    int32_t exit_code;
    bool finalizer, gone, lost; /* lost: its machine went, and nobody has told yet */
    struct timer timer;
};

struct act {
    void (*run)(struct day *day, void *ctx);
    void *ctx;
    struct timer timer;
    struct act *next;
};

struct class_measures {
    int64_t jobs, children, succeeded, failed;
    struct meter running_milli, running;
    int64_t *waits;
    size_t wait_count, wait_capacity;
};

struct day {
    struct day_options options;
    struct day_load load;
    struct core *core;
    struct arena *arena;
    int64_t now_ns, wake_ns;
    uint64_t version, uids;
    struct timers timers;
    struct map *jobs, *pods, *groups;
    struct map *nodes_told; /* static ones that are counted already */
    struct event *events;   /* to be applied; their texts live in the arena until the next plan */
    size_t event_count, event_capacity;
    struct day_arrival arrival; /* the next one */
    bool arrivals_over;
    struct err failed;
    struct act *acts;
    int64_t jobs_over, pods_live;
    int64_t static_vcpus; /* of nodes that are there anyway */
    /* measures */
    struct class_measures classes[DAY_CLASSES_MAX];
    size_t class_count;
    struct meter vcpus, used_milli;
    int64_t first_arrival_ns, last_end_ns, series_next_ns, retries;
    struct str series;
    struct day_report report;
    size_t machine_capacity;
    struct str text; /* of a plan, to be hashed */
};

/* day.c */
struct event *day_event_new(struct day *day, enum event_kind kind);
char *day_uid(struct day *day, const char *prefix);
char *day_version(struct day *day); /* a new one */

/* server.c */
void server_carry_out(struct day *day, const struct action *action);

/* pods.c */
struct pod *pod_show(const struct day *day, const struct day_pod *from); /* as the watch tells it */
enum done_result pod_create(struct day *day, const struct action *action, struct pod **ret_pod);
enum done_result pod_mark(struct day *day, const struct action *action);
enum done_result pod_release(struct day *day, const struct action *action);
enum done_result pod_delete(struct day *day, const struct action *action);
void pod_due(struct day *day, struct day_pod *pod);
void pods_machine_gone(struct day *day, const struct machine *machine);
void pods_job_gone(struct day *day, const struct day_job *job);
void pods_done(struct day *day);

/* machines.c */
struct group *group_of(struct day *day, const char *environment); /* makes it */
void group_spec(struct group *group,
                struct compute_environment *spec); /* taken; the old ones stay */
void machines_answer(struct day *day, const struct action *action);
void machine_due(struct day *day, struct machine *machine);
void machines_done(struct day *day);

/* measure.c */
void meter_add(struct meter *meter, int64_t now_ns, int64_t change);
void measure_arrival(struct day *day, struct day_job *job, int64_t children);
void measure_start(struct day *day, struct day_pod *pod);
void measure_end(struct day *day, struct day_pod *pod);
void measure_job_over(struct day *day, struct day_job *job, const struct job_status *status);
size_t measure_row(struct day *day, const struct group *group, const char *type);
void measure_launch(struct day *day, struct machine *machine);
void measure_gone(struct day *day, struct machine *machine, bool reclaimed);
void measure_series(struct day *day);
void measure_finish(struct day *day);
void measure_done(struct day *day);

#endif
