/* SPDX-License-Identifier: Apache-2.0 */
/* core.h - the part that decides: a deterministic state machine
 *
 * core_apply takes what was observed and changes the core's state, nothing else. core_plan looks at
 * what changed and returns what to do. Same events at the same times, same plans, byte for byte:
 * there is no clock, socket, random source or log in here. The cost of a turn follows what changed,
 * never the size of the world.
 *
 * Truth: it is in the API server and the providers; the core is a cache that can be thrown
 * away and filled again by listing everything and sending EVENT_SYNCED.
 *
 * Actions: they are carried out in any order, each exactly once, and answered by exactly one
 * EVENT_DONE (or by the process ending). The core remembers what is in flight, so it never
 * asks for the same thing twice.
 *
 * Time: now_ns is steady time (clock.h); it never goes back. */
#ifndef BULKHEAD_CORE_CORE_H
#define BULKHEAD_CORE_CORE_H

#include "bulkhead/api/array_history.h"
#include "bulkhead/api/array_state.h"
#include "bulkhead/api/instance.h"
#include "bulkhead/api/job.h"
#include "bulkhead/api/node.h"
#include "bulkhead/api/policy.h"
#include "bulkhead/api/queue.h"
#include "bulkhead/api/service.h"
#include "bulkhead/api/state_change.h"
#include "bulkhead/base/arena.h"

struct core;

struct core_options {         /* zero means the default */
    int64_t verdict_delay_ns; /* a job that waits this long is told why in its status; 5 s */
    int64_t
        running_delay_ns; /* a single job that still runs after this is told to be RUNNING; 1 s */
    int64_t start_deadline_ns; /* an attempt that cannot start (image, missing Secret) ends after
                                  this; 300 s */
    int64_t boot_deadline_ns;  /* an instance that has not joined by then is given back; 600 s */
    int64_t observe_period_ns; /* how often a provider is asked while nothing moves; 60 s (5 s while
                                  something does) */
    int64_t status_interval_ns; /* least time between two status writes of one running array, queue
                                   or environment; 1 s */
    /* Pod creates in flight; 160: what the API client keeps under way and little more, so that a
     * status that is written now does not stand behind hundreds of them. */
    size_t creates_max;
    size_t cleanups_max; /* finalizer releases and deletes in flight; 128 */
    size_t tells_max;    /* changes of state on their way to the event sink; 0: there is no sink */
};

/* ------------------------------------------------------------------ events */

enum event_kind {
    EVENT_JOB,         /* job (taken): seen for the first time, or changed */
    EVENT_JOB_GONE,    /* uid */
    EVENT_ARRAY_STATE, /* uid of the job, array (taken), resource_version: only read while !synced
                        */
    EVENT_QUEUE,       /* queue (taken) */
    EVENT_QUEUE_GONE,  /* name */
    EVENT_ENVIRONMENT, /* environment (taken) */
    EVENT_ENVIRONMENT_GONE,   /* name */
    EVENT_DEFINITION,         /* definition (taken) */
    EVENT_DEFINITION_GONE,    /* namespace_, name */
    EVENT_REVISION,           /* definition (taken): content that one had, see revision.h */
    EVENT_REVISION_GONE,      /* namespace_, name, uid: of the ControllerRevision */
    EVENT_SERVICE,            /* service (taken): of a multi-node job, see service.h */
    EVENT_SERVICE_GONE,       /* namespace_, name, uid */
    EVENT_POD,                /* pod (taken): ours or foreign, any node */
    EVENT_POD_GONE,           /* namespace_, name, uid */
    EVENT_NODE,               /* node (taken) */
    EVENT_NODE_GONE,          /* name */
    EVENT_DAEMON_SET,         /* daemon_set (taken) */
    EVENT_DAEMON_SET_GONE,    /* namespace_, name */
    EVENT_RUNTIME_CLASS,      /* runtime_class (taken) */
    EVENT_RUNTIME_CLASS_GONE, /* name */
    EVENT_CONSUMABLE,         /* consumable (taken) */
    EVENT_CONSUMABLE_GONE,    /* name */
    EVENT_POLICY,             /* policy (taken) */
    EVENT_POLICY_GONE,        /* name */
    EVENT_INVALID, /* object_kind, meta (taken), message: a JobQueue or ComputeEnvironment whose
                      spec does not decode */
    EVENT_SYNCED,  /* every kind has been listed: the core may act from now on */
    EVENT_DONE,    /* done: how an action ended */
    EVENT_TICK,    /* nothing but the time */
};

enum done_result {
    DONE_OK,
    DONE_EXISTS,    /* create: the name is taken (409) */
    DONE_NOT_FOUND, /* the object, or its UID, is not there (any more) */
    DONE_CONFLICT,  /* the object has changed since it was read */
    DONE_REFUSED,   /* will never be accepted as it is: 400, 422, Pod Security, policy, missing
                       service account */
    DONE_QUOTA,     /* a ResourceQuota is used up */
    DONE_FORBIDDEN, /* we lack a right (RBAC) */
    DONE_AGAIN,     /* certainly did not happen: try later */
    DONE_UNKNOWN,   /* may or may not have happened */
};

struct done {
    uint64_t action_id;
    enum done_result result;
    const char *message; /* the other side's words; NULL when DONE_OK */
    const char
        *resource_version; /* of what was written: JOB_STATUS, QUEUE_STATUS, ... ; may be NULL */
    const char
        *array_version;  /* JOB_STATUS: resourceVersion of the ArrayState written; may be NULL */
    int64_t state_bytes; /* JOB_STATUS: what an array's children were packed to; 0: not known */
    struct pod *pod; /* POD_CREATE, POD_GET with DONE_OK: the object as the server has it (taken) */
    const char *uid; /* SERVICE_CREATE with DONE_OK: of the Service, which is the job's */
    struct job_definition *definition; /* REVISION_CREATE with DONE_OK or DONE_EXISTS: the revision
                                          as the server has it (taken) */
    enum provider_result provider; /* TYPES, OBSERVE, LAUNCH, TERMINATE (result is then DONE_OK) */
    const struct instances
        *instances; /* OBSERVE: all; LAUNCH: the launched ones. Borrowed for the call */
    const struct instance_type *types; /* TYPES. Borrowed for the call */
    size_t type_count;
};

struct event {
    enum event_kind kind;
    int64_t now_ns;
    const char *namespace_, *name, *uid, *message, *resource_version, *object_kind;
    union { /* ownership moves into the core, whatever it makes of them */
        struct batch_job *job;
        struct job_queue *queue;
        struct compute_environment *environment;
        struct job_definition *definition;
        struct pod *pod;
        struct node_service *service;
        struct node *node;
        struct daemon_set *daemon_set;
        struct runtime_class *runtime_class;
        struct consumable_resource *consumable;
        struct scheduling_policy *policy;
        struct array_status *array; /* heap; text fields too */
        struct object_meta *meta;   /* heap; text fields too */
        struct done done;
    };
};

/* ----------------------------------------------------------------- actions */

enum action_kind {
    ACTION_POD_CREATE, /* order; with fieldValidation=Strict and a server-side timeout */
    ACTION_POD_CHECK,  /* order; the same as a dry run: is this template accepted? node_name is NULL
                        */
    ACTION_POD_GET,  /* namespace_, name: what became of a create whose answer was lost, or who has
                        the name? */
    ACTION_POD_MARK, /* namespace_, name, uid, resource_version, message: a share. Its try is to
                        be stopped for that share: ANNOTATION_GIVES_WAY */
    ACTION_POD_RELEASE,  /* namespace_, name, uid: take FINALIZER_OUTCOME off (uid precondition) */
    ACTION_POD_DELETE,   /* namespace_, name, uid, grace_s (-1: the pod's own) */
    ACTION_JOB_STATUS,   /* job, status, children and more: see below */
    ACTION_JOB_DELETE,   /* namespace_, name, uid: a job that ended long ago (uid precondition) */
    ACTION_JOB_TELL,     /* namespace_, name, uid, change: to the event sink. DONE_REFUSED: it will
                            never take this one */
    ACTION_JOB_TOLD,     /* namespace_, name, uid, message: status.delivered of a job that has ended
                            (uid precondition) */
    ACTION_QUEUE_STATUS, /* queue_meta, queue_status */
    ACTION_ENVIRONMENT_STATUS, /* environment_meta, environment_status */
    ACTION_DEFINITION_STATUS,  /* meta, definition_status */
    ACTION_REVISION_CREATE,    /* namespace_, name, definition: whose content, count: the number */
    ACTION_REVISION_DELETE,    /* namespace_, name, uid */
    ACTION_SERVICE_CREATE,     /* namespace_, name, job, uid: the job's. DONE_EXISTS: the name is
                                  somebody else's */
    ACTION_SERVICE_DELETE,     /* namespace_, name, uid */
    ACTION_CONSUMABLE_STATUS,  /* meta, consumable_status: for PUT with meta's resourceVersion */
    ACTION_FINALIZER, /* object_kind "JobQueue"/"ComputeEnvironment"/"ConsumableResource", name,
                         uid, resource_version, add */
    ACTION_PROVIDER_TYPES,     /* environment */
    ACTION_PROVIDER_OBSERVE,   /* environment */
    ACTION_PROVIDER_LAUNCH,    /* environment, instance_type, zone, count, token */
    ACTION_PROVIDER_TERMINATE, /* environment, ids, id_count */
    ACTION_EVENT, /* object_kind, namespace_, name, uid, event_type, reason, message. No EVENT_DONE
                   */
    ACTION_KIND_COUNT,
};
const char *action_kind_name(enum action_kind kind);

/* Everything an action points to lives in the plan's arena or in the core, until the next call into
 * the core. */
struct action {
    enum action_kind kind;
    uint64_t id; /* for EVENT_DONE */
    const char *namespace_, *name, *uid, *resource_version, *object_kind;
    int64_t grace_s;
    bool add;
    struct pod_order order;
    /* JOB_STATUS: a whole status for PUT with meta's resourceVersion. Array state that packs to
     * more than JOB_STATE_INLINE_MAX goes to the ArrayState of the job's name first (created when
     * array_version is NULL); children holds one record a child (NULL: a single job), refusals
     * one number a child (NULL: there are none), and history how attempts ended (NULL: all that
     * ended succeeded). */
    const struct batch_job *job;
    const struct job_status *status;
    const struct child_record *children;
    const uint8_t *refusals;
    const struct array_history *history;
    const char *array_version;
    const struct object_meta *meta; /* QUEUE_STATUS, ENVIRONMENT_STATUS, DEFINITION_STATUS */
    const struct job_queue_status *queue_status;
    const struct compute_environment_status *environment_status;
    const struct consumable_status *consumable_status;
    const struct job_definition *definition;
    const struct state_change *change;
    const struct job_definition_status *definition_status;
    const char *environment, *instance_type, *zone, *token; /* zone NULL: any */
    int64_t count;
    const char *const *ids;
    size_t id_count;
    const char *event_type, *reason, *message;
};

struct plan {
    const struct action *actions;
    size_t action_count;
    int64_t wake_ns; /* plan again by then, even if nothing happens; INT64_MAX: no need */
};

struct core *core_new(const struct core_options *options);
struct core *core_free(struct core *core);
DEFINE_AUTO(core, core_free)
void core_apply(struct core *core, const struct event *event); /* O(what changed) */
/* Nothing is planned before EVENT_SYNCED. The plan lives in the arena. */
void core_plan(struct core *core, int64_t now_ns, struct arena *arena, struct plan *ret_plan);
/* One line an action, for tests, logs and the decision record; deterministic. */
void plan_print(const struct plan *plan, struct str *out);

/* ----------------------------------------------------------------- reading */

struct core_counts {
    int64_t jobs, jobs_live, jobs_by_phase[JOB_PHASE_COUNT]; /* children of arrays count one each */
    int64_t pods, pods_live,
        pods_ended;    /* of ours: ended ones wait for their outcome to be durable or to vanish */
    int64_t pods_held; /* they have our finalizer */
    int64_t nodes, queues, environments, definitions;
    int64_t actions_in_flight, creates_in_flight;
    int64_t state_bugs;    /* (state, event) pairs that the table does not know: always 0 */
    int64_t tells_waiting; /* jobs of which the event sink has not heard all */
    int64_t tells_refused; /* changes of state that it will never take */
    int64_t tells_lost;    /* jobs that went before it had heard all */
    uint64_t actions[ACTION_KIND_COUNT];
};
void core_counts(const struct core *core, struct core_counts *ret_counts);
int64_t core_state_bugs(const struct core *core); /* of them, for who looks after every plan */
/* Walks, for metrics and tests; stop by returning false. */
struct core_queue_view {
    const char *name;
    struct job_cost cost;            /* of tries that have ended, as jobs tell durably */
    const struct share_cost *shares; /* parts of it; their marks are not used */
    size_t share_count;
    struct cost_forecast forecast; /* of what has not ended, when it was looked at last */
    int64_t jobs[JOB_PHASE_COUNT];
};
void core_queues(const struct core *core,
                 bool (*visit)(void *ctx, const struct core_queue_view *view), void *ctx);
struct core_environment_view {
    const char *name;
    const struct compute_environment_status *status; /* as it would be written now */
    int64_t max_vcpus;
    int64_t price; /* of its machines, an hour, in millionths */
    struct environment_cost cost;
};
void core_environments(const struct core *core,
                       bool (*visit)(void *ctx, const struct core_environment_view *view),
                       void *ctx);
/* One node that is kept for the first of a BACKFILL queue; false: there is none. */
struct core_reservation_view {
    const char *job_uid, *node;
    int64_t free_by_ns; /* there is room for it by then, if what runs there keeps its bounds */
    bool looked;        /* at it, in the last plan */
};
bool core_reservation(const struct core *core, const char *queue,
                      struct core_reservation_view *ret_view);
/* The invariants that can be seen from inside, for the simulator and debug builds: capacity of
 * nodes, one live pod a child, counters equal to recounts. Walks the world. Returns a text or NULL
 * when all hold. */
char *core_check(const struct core *core);

#endif
