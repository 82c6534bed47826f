/* SPDX-License-Identifier: Apache-2.0 */
/* objects.h - what the simulated API server stores; part of world.h
 *
 * Live objects change in place; watches hold copies. What all copies share is behind a pointer. */
#ifndef BULKHEAD_TESTS_SIM_OBJECTS_H
#define BULKHEAD_TESTS_SIM_OBJECTS_H

#include "bulkhead/core/core.h"

enum {
    QUEUES_MAX = 3,
    ENVIRONMENTS_MAX = 3,
    DEFINITIONS_MAX = 3,
    DEPENDENCIES_MAX = 3,
    RULES_MAX = 2,
    NAMESPACE_COUNT = 2,
    NEEDS_MAX = 2,
};

enum kind {
    KIND_ARRAY_STATE,
    KIND_JOB,
    KIND_QUEUE,
    KIND_ENVIRONMENT,
    KIND_DEFINITION,
    KIND_CONSUMABLE,
    KIND_POLICY,
    KIND_REVISION,
    KIND_SERVICE,
    KIND_POD,
    KIND_NODE,
    KIND_DAEMON_SET,
    KIND_COUNT,
};

/* The head of every stored object. The live object changes in place; watches hold copies. */
struct object {
    enum kind kind;
    const char *namespace_, *name, *uid; /* namespace_ NULL: cluster-scoped */
    uint64_t version, generation;
    uint64_t generation_heard; /* of the live object: the latest that a process was told of */
    const struct object *read; /* of the live object: a copy of what was read of it last */
    const struct object *read_before; /* before that; the answer with the last may be on its way */
    int64_t created_ns, deleted_ns;
    bool finalizer, gone;
    size_t size; /* of the whole struct, for copies */
};

struct template_ {
    int64_t cpu_milli, memory_mib;
    bool assisted; /* needs the cluster's scheduler */
    uint64_t hash;
};

struct sim_need {
    const char *resource;
    int64_t quantity;
};
struct sim_needs {
    struct sim_need items[NEEDS_MAX];
    size_t count;
};

struct sim_consumable {
    struct object object;
    bool spent;
    int64_t total, old_total, changed_ns; /* old_total: before the last change */
    int64_t in_use, consumed;             /* as stored */
    const char *const *claims;
    size_t claim_count;
};

struct sim_policy {
    struct object object;
    int64_t decay_s, reservation, prefix_weight, weight; /* of u*, and of v */
    bool dominant, reclaim;
};

struct sim_share { /* all pods of it that were ever made */
    const char *queue, *share;
    int64_t pods, cpu_milli;
};

struct sim_definition {
    struct object object;
    struct template_ template_;
    int64_t attempts;       /* 0: absent */
    struct sim_needs needs; /* of consumable resources */
    uint32_t nodes;         /* 0: type container */
    uint32_t main_node;
    struct template_ others;
    int64_t history_limit; /* old revisions to keep */
    uint64_t deregistered; /* one bit a revision */
    uint64_t edited;       /* the version of the last edit of its content */
    bool was_deregistered; /* some revision of it, at some time */
    uint64_t told_hash;    /* status, as stored */
    int64_t told_latest;
    struct run_history told_runs;
};

struct sim_revision { /* what a definition was */
    struct object object;
    const char *of_name, *of_uid;
    int64_t number;
    struct template_ template_;
    int64_t attempts;
    struct sim_needs needs;
    uint64_t again; /* version of the last edit that made it the content once more */
    uint32_t nodes; /* 0: type container */
    uint32_t main_node;
    struct template_ others;
};

struct sim_service { /* of a multi-node job */
    struct object object;
    const char *job_uid;
};

struct rule {
    const char *on_reason, *on_status_reason, *on_exit_code;
    bool retry;
};

struct stored_status {             /* as PUT; never changed */
    struct job_status status;      /* text and lists in the arena */
    struct child_record *children; /* NULL: a single job */
    uint8_t *refusals;
    const char *data, *refusals_text, *results_text, *inputs_text, *history;
    bool elsewhere; /* data is in the ArrayState */
};

struct truth;
struct sim_dependency {
    const char *name;
    enum dependency_type type;
    enum dependency_condition condition;
    bool hold;
};
struct sim_job {
    struct object object;
    uint32_t number;
    const char *queue;
    const char *share;
    bool preemptible;
    int64_t priority;
    const char *definition_name; /* NULL: inline template */
    int64_t definition_number;   /* 0: the newest that is active */
    struct template_ template_;  /* what the user wants to run: overrides are in */
    struct template_ base;       /* of an inline template */
    bool overridden;
    uint32_t size;                                        /* 0: a single job */
    int64_t max_concurrent;                               /* 0: no limit */
    int64_t attempts, timeout_s, start_deadline_s, ttl_s; /* ttl_s -1: stays */
    bool gang;                                            /* a multi-node job of size nodes */
    uint32_t main_node;
    struct template_ others; /* of its other nodes */
    bool renumbered;         /* size is its own, not its definition's */
    struct rule rules[RULES_MAX];
    size_t rule_count;
    struct sim_dependency dependencies[DEPENDENCIES_MAX];
    size_t dependency_count;
    const char *replaces; /* NULL: none */
    bool computed;        /* an array; its size is what it uses, and 0 until that is known */
    const char *uses; /* of the result of the first dependency: a path, "" the whole; NULL: no */
    const char *parent_uid; /* NULL: none */
    struct sim_ask {
        enum job_action action;
        const char *indexes; /* NULL: the whole job */
        uint32_t first, end;
    } requests[2];
    size_t request_count;
    const char *invalid;
    bool expired;                            /* deleted for its ttl */
    bool image_hangs, refused, unfit, large; /* large: its state goes to an ArrayState */
    struct sim_needs needs;                  /* that hold */
    bool own_needs;                          /* not the definition's */
    const struct stored_status *status;
    struct truth *truth; /* shared by all copies */
};

struct sim_array_state {
    struct object object;
    const char *job_uid;
    const struct stored_status *status;
};

enum { SHARE_COUNT = 4 };

struct sim_queue {
    struct object object;
    bool enabled;
    int64_t priority, observed_generation;
    int64_t keep_s, per_node; /* of finished pods; 0: they go */
    int64_t keep_changed_ns, keep_before_s;
    int64_t most_milli, most_mib, most_jobs; /* limits; 0: none */
    bool draining;
    uint64_t closed;           /* generation with which it last became DRAINING */
    unsigned strategy;         /* enum queue_strategy */
    bool backfilled;           /* it was BACKFILL at some time */
    int64_t draining_since_ns; /* as stored */
    struct queue_cost cost;    /* likewise */
    struct job_cost spent;     /* by all jobs that it ever had, as these tell */
    struct job_cost taken;     /* the part of those that others deleted */
    struct job_cost spent_by[SHARE_COUNT], taken_by[SHARE_COUNT]; /* the same by share */
    const char *environments[ENVIRONMENTS_MAX];
    size_t environment_count;
    const char *policy;      /* NULL: first in, first out */
    const char *shares_used; /* status.shares as stored */
    int64_t shares_at_ns;
};

struct group;
struct sim_environment {
    struct object object;
    bool managed, enabled;
    const char *namespaces[NAMESPACE_COUNT];
    size_t namespace_count;
    int64_t min_vcpus, max_vcpus, delay_ns, observed_generation;
    struct environment_cost charge;            /* as stored */
    bool told_ready;                           /* its status is VALID, of that generation */
    struct interruption_record *interruptions; /* as stored */
    size_t interruption_count;
    int64_t interruptions_at_ns;
    enum allocation_strategy strategy;
    bool spot;
    int64_t bid;
    struct group *group; /* shared by all copies */
};

struct instance_live;
struct sim_node {
    struct object object;
    const char *environment, *type, *instance_id;
    int64_t cpu_milli, memory_mib, pods;
    bool ready, tainted;
    struct instance_live *instance; /* shared */
};

/* What is true of a pod whatever the API server has been told. */
struct body {
    struct sim_pod *pod;
    struct sim_job *job;            /* NULL: foreign */
    struct instance_live *instance; /* that admitted it */
    struct sim_pod *sibling;        /* the child's try before this one */
    bool admitted, executing, confirmed, killed;
    bool told_hang; /* its kubelet has said that the image does not come */
    bool host_lost; /* told to go when another Node had the name, or by others on a dead machine */
    bool for_another;  /* the same, or by the process when another had had it */
    bool counted_late; /* it is told of as an attempt that did not start in time */
    bool anew;         /* another Node has come under its node's name */
    bool told_held;    /* told to go before its outcome was stored and its finalizer off */
    int64_t sent_ns;   /* when the create was */
    int64_t most_milli, most_mib, most_jobs; /* limits of its queue then */
    uint64_t process;                        /* that sent the create */
};

struct sim_pod {
    struct object object;
    const char *node_name;
    enum pod_phase phase;
    const char *reason;
    int64_t cpu_milli, memory_mib, grace_s, active_deadline_s;
    const char *owner_kind, *owner_uid;
    bool ours;
    const char *job_uid, *job_name, *queue, *share, *environment, *node_uid;
    const char *gives_way_to; /* the share for which it was marked to be stopped */
    const char *bound_uid;    /* of the node that the scheduler chose; nobody else knows */
    int64_t bound_ns;         /* when it did */
    const char *revision, *revision_of;
    uint32_t index, count, try, attempt;
    int64_t price;
    bool deadline, started;
    const char *disruption, *message, *waiting_reason;
    int64_t disrupted_ns;
    int64_t started_ns, finished_ns;
    int64_t released_ns; /* its finalizer was taken off */
    bool has_exit, exit_unknown;
    int exit_code;
    const char *result; /* what it left */
    struct sim_needs needs;
    const char *arg;   /* what it was given, when its job uses a result */
    struct body *body; /* shared */
};

struct sim_daemon_set {
    struct object object;
    int64_t cpu_milli, memory_mib;
};

struct store { /* live objects of one kind, in order of creation */
    struct object **items;
    size_t count, capacity;
};

#endif
