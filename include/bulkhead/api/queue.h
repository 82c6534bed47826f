/* SPDX-License-Identifier: Apache-2.0 */
/* queue.h - JobQueue and ComputeEnvironment: what an admin declares, and the status we write */
#ifndef BULKHEAD_API_QUEUE_H
#define BULKHEAD_API_QUEUE_H

#include "bulkhead/api/cost.h"
#include "bulkhead/api/meta.h"
#include "bulkhead/api/policy.h"
#include "bulkhead/api/resources.h"

struct json_object;

enum {
    QUEUE_ENVIRONMENTS_MAX = 16,
    QUEUE_PRIORITY_MAX = 1000,
    QUEUE_TIME_LIMIT_S_MAX = 86400, /* at least 1 s; AWS: 600 */
    TTL_S_MAX = 2147483647,
    KEEP_S_MAX = 604800,     /* of finished pods: a week */
    KEEP_PER_NODE_MAX = 100, /* of them on one node */
    KEEP_PER_NODE = 10,      /* where nothing is said */
    QUEUE_VCPUS_MAX = 10000000,
    QUEUE_GPUS_MAX = 10000000,
    QUEUE_RUNNING_MAX = 1000000000,
};

enum blocked_reason { /* why a RUNNABLE job waits, as far as AWS has an action for it */
                      BLOCKED_NONE,
                      BLOCKED_CAPACITY,
                      BLOCKED_MAX_RESOURCE,
                      BLOCKED_REQUIREMENT,
                      BLOCKED_CONFIGURATION, /* nothing here is ever certain enough to say so */
                      BLOCKED_COUNT,
};
const char *blocked_reason_name(enum blocked_reason reason); /* AWS's words; NULL: BLOCKED_NONE */

struct time_limit_action { /* jobStateTimeLimitActions[]: cancel what waits so long for that */
    enum blocked_reason reason;
    unsigned state, action; /* one value each: RUNNABLE, CANCEL */
    int64_t seconds;
};

struct environment_order {
    int64_t order;
    char *compute_environment;
};

struct finished_pods { /* spec.finishedPods: pods that stay after their end, for kubectl logs */
    int64_t keep_s;    /* 0: none does */
    int64_t per_node;  /* of this queue's; the oldest goes first */
};

enum queue_state {
    QUEUE_DISABLED, /* starts nothing; what runs goes on */
    QUEUE_ENABLED,
    QUEUE_DRAINING, /* goes on with what was submitted before, and takes nothing more */
};

enum queue_strategy {             /* spec.queueingStrategy: what of the head that cannot start */
                      QUEUE_FIFO, /* nothing passes it */
                      QUEUE_BEST_EFFORT, /* what can start passes it, in order */
                      QUEUE_BACKFILL,    /* the same, where that does not let it start later */
};

struct queue_limits { /* spec.limits: of all that runs of the queue at a time */
    struct opt_i64 vcpus;
    int64_t memory_bytes; /* 0: no limit */
    struct opt_i64 gpus;  /* of every vendor: extended resources named <vendor>/gpu */
    struct opt_i64 jobs;  /* children of arrays count one each, a multi-node job is one */
};

struct job_queue {
    struct object_meta meta;
    unsigned state;                         /* spec.state: enum queue_state; default ENABLED */
    unsigned strategy;                      /* enum queue_strategy */
    int64_t priority;                       /* 0..1000, higher first; default 0 */
    struct environment_order *environments; /* sorted by order; 1..QUEUE_ENVIRONMENTS_MAX */
    size_t environment_count;
    char *policy; /* spec.schedulingPolicy: its shares take turns; NULL: first in, first out */
    struct text_list namespaces; /* spec.kubernetesNamespaces: who may submit; empty: every
                                    namespace that one of its environments serves */
    struct time_limit_action limits[BLOCKED_COUNT - 1]; /* one a reason */
    size_t limit_count;
    struct opt_i64 ttl_s; /* ttlSecondsAfterFinished, where a job has none of its own */
    struct finished_pods finished_pods;
    struct queue_limits most;
    int64_t observed_generation; /* status.observedGeneration as read */
    int64_t draining_since_ns;   /* status.drainingSince as read; 0: it is not there */
    struct queue_shares shares;  /* status.shares as read */
    struct queue_cost cost;      /* status.cost as read */
};

enum job_phase { /* the seven states of AWS Batch, in the order of a job's life */
                 JOB_SUBMITTED,
                 JOB_PENDING,
                 JOB_RUNNABLE,
                 JOB_STARTING,
                 JOB_RUNNING,
                 JOB_SUCCEEDED,
                 JOB_FAILED,
                 JOB_PHASE_COUNT,
};
const char *job_phase_name(enum job_phase phase); /* "RUNNABLE" */

enum { QUEUE_FRONT_MAX = 10, QUEUE_FRONT_WORDS_MAX = 400 };

struct queue_front { /* status.front[]: the first jobs in line */
    char *job;       /* namespace/name */
    int64_t position;
    char *reason, *message; /* as the job's status has them; cut to QUEUE_FRONT_WORDS_MAX */
    int64_t earliest_ns;    /* 0: not known */
    char *estimate;         /* what that rests on, or why it is not known */
};

struct queue_reservation { /* status.reservation: of a BACKFILL queue */
    char *job;             /* the first, namespace/name; NULL: none waits for room */
    char *environment;     /* NULL: nobody knows by when it starts */
    char *node;            /* the first of those that are kept; NULL: none is */
    int64_t node_count;
    int64_t starts_by_ns; /* 0: not known */
    char *message;
};

struct job_queue_status {
    int64_t observed_generation;
    const char *status; /* VALID, INVALID or DELETING (AWS's words) */
    const char *reason; /* CamelCase: JobQueueHealthy, ComputeEnvironmentMissing, InUse */
    char *message;
    int64_t jobs[JOB_PHASE_COUNT]; /* children of arrays count one each; finished ones are not
                                      counted */
    int64_t draining_since_ns;     /* 0: it is not DRAINING */
    struct queue_limits used;      /* of each limit that is set */
    struct queue_front front[QUEUE_FRONT_MAX];
    size_t front_count;
    struct queue_reservation reservation;
    struct queue_shares shares;
    struct queue_cost cost;
};

enum { INSTANCE_ZONES_MAX = 8 };

struct instance_type {
    char *name;
    int64_t vcpus;
    struct resources capacity; /* allocatable of a node of this type before any node has joined */
    double price;              /* per hour, in the currency of the catalogue; 0: unknown */
    double spot_price;         /* the same of a spot machine, now; 0: unknown */
    int64_t interruption;      /* percent of spot machines that are taken back; -1: unknown */
    char *arch;                /* amd64, arm64; NULL: amd64 */
    struct text_list zones; /* where there are such; at most INSTANCE_ZONES_MAX. Empty: unknown */
    int64_t boot_ms;        /* kwok: launch to node Ready */
    int64_t available;      /* kwok: instances there are; -1: no limit */
};

enum allocation_strategy {
    ALLOCATE_BEST_FIT,
    ALLOCATE_BEST_FIT_PROGRESSIVE, /* the default */
    ALLOCATE_SPOT_CAPACITY,
    ALLOCATE_SPOT_PRICE_CAPACITY,
    ALLOCATE_LOWEST_PRICE_PACKING,
};

enum provider_kind { PROVIDER_STATIC, PROVIDER_KWOK, PROVIDER_COMMAND };

enum { INTERRUPTIONS_TOLD_MAX = 64 }; /* types */

struct interruption_record { /* status.interruptions[]: what was seen of spot machines of a type */
    char *type;
    int64_t machine_s;     /* how long they ran, all together */
    int64_t interruptions; /* how many were taken back, in millionths: both decay */
};

struct compute_environment {
    struct object_meta meta;
    bool managed;                 /* spec.type: MANAGED or UNMANAGED */
    bool enabled;                 /* spec.state */
    struct text_list namespaces;  /* spec.kubernetesNamespaces, 1..64 */
    int64_t min_vcpus, max_vcpus; /* spec.computeResources */
    bool spot;                    /* spec.computeResources.type: SPOT; EC2 (default) is on demand */
    enum allocation_strategy allocation_strategy; /* spec.computeResources.allocationStrategy */
    int64_t bid_percentage; /* of SPOT: the highest spot price, in percent of the on-demand price */
    struct text_list instance_types; /* empty: all of the catalogue */
    int64_t
        scale_down_delay_ns; /* scalingPolicy.minScaleDownDelayMinutes or .scaleDownDelaySeconds */
    enum provider_kind provider;   /* spec.nodeGroup.provider */
    struct instance_type *catalog; /* spec.nodeGroup.kwok.catalog */
    size_t catalog_count;
    char *command_program; /* spec.nodeGroup.command.program */
    struct key_values command_parameters;
    int64_t observed_generation;
    struct environment_cost cost;              /* status.cost as read */
    struct interruption_record *interruptions; /* status.interruptions as read */
    size_t interruption_count;
    int64_t interruptions_at_ns; /* status.interruptionsAsOf; 0: none */
};

enum launch_step { /* of machines on their way: the last step that they have reached */
                   LAUNCH_REQUESTED,
                   LAUNCH_ACQUIRED,
                   LAUNCH_BOOTED,
                   LAUNCH_JOINED,
                   LAUNCH_READY,
                   LAUNCH_STEPS,
};

const char *launch_step_name(unsigned step);

struct launching { /* status.launching[]: machines on one step */
    unsigned step;
    int64_t count;
    int64_t since_ns; /* the oldest stands there since */
    char *hint;
};

struct compute_environment_status {
    int64_t observed_generation;
    const char *status; /* VALID, INVALID, UPDATING or DELETING */
    const char *reason;
    char *message;
    int64_t desired_vcpus; /* what the plan wants now */
    int64_t vcpus;         /* of instances that are requested, booting or joined */
    int64_t used_vcpus;    /* asked for by our pods on them, rounded up */
    int64_t nodes;         /* joined and Ready */
    int64_t nodes_booting; /* requested or booting */
    struct launching launching[LAUNCH_STEPS];
    size_t launching_count;
    struct environment_cost cost;
    struct interruption_record *interruptions; /* at most INTERRUPTIONS_TOLD_MAX */
    size_t interruption_count;
    int64_t interruptions_at_ns;
};

struct job_queue *job_queue_free(struct job_queue *queue);
struct compute_environment *compute_environment_free(struct compute_environment *environment);
DEFINE_AUTO(job_queue, job_queue_free)
DEFINE_AUTO(compute_environment, compute_environment_free)
void instance_type_done(struct instance_type *type);
/* Does an item of spec.computeResources.instanceTypes mean it: by name, family, or "optimal",
 * "default_x86_64", "default_arm64"? */
bool instance_type_is(const struct instance_type *type, const char *item);
void instance_type_copy(struct instance_type *to, const struct instance_type *from);

/* ERR_INVALID with the field's path and what was expected: "spec.priority: 2000, expected 0..1000".
 */
int job_queue_decode(struct json_object *doc, struct job_queue **ret_queue, struct err *err);
int compute_environment_decode(struct json_object *doc,
                               struct compute_environment **ret_environment, struct err *err);
/* Metadata alone, for objects whose spec does not decode. */
int object_meta_decode(struct json_object *doc, struct object_meta *ret_meta, struct err *err);

/* A whole document for PUT .../status: apiVersion, kind, metadata{name,uid,resourceVersion}, status
 * with conditions Ready and Stalled (kstatus). now_ns becomes lastTransitionTime where the previous
 * document (may be NULL) had another status. Caller owns the result. */
struct json_object *job_queue_status_encode(const struct object_meta *meta,
                                            const struct job_queue_status *status,
                                            struct json_object *previous, int64_t now_ns);
struct json_object *
compute_environment_status_encode(const struct object_meta *meta,
                                  const struct compute_environment_status *status,
                                  struct json_object *previous, int64_t now_ns);

#endif
