/* SPDX-License-Identifier: Apache-2.0 */
/* job.h - JobDefinition and BatchJob: what a user submits, and the status that tells its story */
#ifndef BULKHEAD_API_JOB_H
#define BULKHEAD_API_JOB_H

#include "bulkhead/api/consumable.h"
#include "bulkhead/api/meta.h"
#include "bulkhead/api/nodes.h"
#include "bulkhead/api/placement.h"
#include "bulkhead/api/queue.h"

struct json_object;

enum {
    JOB_ARRAY_SIZE_MAX = 1000000,
    JOB_ATTEMPTS_MAX = 10,
    JOB_EXIT_RULES_MAX = 5,
    JOB_DEPENDENCIES_MAX = 100,
    JOB_REQUESTS_MAX = 100,
    JOB_REQUEST_INDEXES_MAX = 4096, /* bytes of spec.requests[].indexes */
    JOB_TRIES_KEPT = 10,            /* recent tries told one by one in status */
    JOB_TRY_CONTAINERS_MAX = 10,    /* of a try, told one by one; those that failed first */
    JOB_CONTAINER_WORDS_MAX = 512,  /* bytes of what a container said last */
    JOB_REFUSALS_MAX = 100,         /* tries of one child that may be used up without an attempt */
    JOB_TIMEOUT_S_MIN = 1,          /* AWS: 60 */
    JOB_PRIORITY_MAX = 9999,
    JOB_FAILURE_GROUPS_MAX = 20, /* reasons of failure that an array counts apart */
    JOB_START_DEADLINE_S_MAX = 86400,
    POD_NODE_GRACE_S = 60, /* of a node that is not ready or silent, before its pods are given up */
    DEFINITION_HISTORY_DEFAULT = 100, /* revisions kept besides the newest and those in use */
    DEFINITION_HISTORY_MAX = 1000,
    DEFINITION_DEREGISTERED_MAX = 1000,
    DEFINITION_ACTIVE_TOLD = 100, /* newest active revisions told in a definition's status */
    JOB_STATE_INLINE_MAX =
        8 * 1024, /* bytes of array state kept in the job; more goes to an ArrayState */
};

struct exit_rule { /* evaluateOnExit; NULL conditions match anything */
    char *on_reason;
    char *on_status_reason;
    char *on_exit_code;
    bool retry; /* action: RETRY or EXIT, any case */
};

struct retry_strategy {
    struct opt_i64 attempts; /* 1..10; absent: 1 */
    struct exit_rule rules[JOB_EXIT_RULES_MAX];
    size_t rule_count;
};

struct number_list { /* [1,2] */
    int64_t *items;
    size_t count;
};

struct run_history { /* how long attempts took that came to a good end; see core/history.c */
    int64_t count, mean_ms, deviation_ms;
};

/* A JobDefinition, or one revision of it (see revision.h). */
struct job_definition {
    struct object_meta meta;         /* of a revision: the ControllerRevision's */
    struct number_list deregistered; /* revisions that new jobs cannot have */
    int64_t history_limit;           /* old revisions to keep */
    char *content;    /* what makes a revision: the spec without the two above, as canonical text */
    int64_t revision; /* of a revision: its number; else 0 */
    char *of_name, *of_uid;  /* of a revision: the JobDefinition; else NULL */
    int64_t latest_revision; /* status.latestRevision as read; 0: none */
    uint64_t told_hash;      /* of the status as read, see job_definition_status_hash */
    struct run_history runs; /* status.durations as read */
    struct key_values parameters;
    struct retry_strategy retry;
    struct opt_i64 timeout_s;
    struct opt_i64 scheduling_priority; /* 0..JOB_PRIORITY_MAX; of fair-share queues */
    bool preemptible; /* its jobs may be stopped to give a share its due, and start again */
    struct consumable_needs consumables; /* of each pod; a job may have its own instead */
    bool has_template;
    struct pod_template template_;
    bool has_nodes; /* type multinode */
    struct node_properties nodes;
    char *invalid; /* not NULL: why this definition cannot be used; a sentence with the field's path
                    */
};

enum dependency_type { DEPENDENCY_PLAIN, DEPENDENCY_SEQUENTIAL, DEPENDENCY_N_TO_N };
/* Which end of the dependency lets the dependant run. With another end it is skipped, but with
 * DEPEND_ON_SUCCESS it has failed too, as in AWS. */
enum dependency_condition { DEPEND_ON_SUCCESS, DEPEND_ON_FAILURE, DEPEND_ALWAYS };
struct dependency {
    char *job_name; /* NULL only with SEQUENTIAL: this array's own children, one after another */
    enum dependency_type type;
    enum dependency_condition condition;
    bool hold; /* onDependencyFailure: Hold. A failure is waited over until another job replaces the
                  one that failed */
};

enum job_action { JOB_CANCEL, JOB_TERMINATE };
struct job_request { /* spec.requests[]: append-only */
    enum job_action action;
    char *reason;
    char *indexes; /* "0-3,7": of an array, these children only; NULL: the whole job */
};

struct try_container { /* as its kubelet told of it. Text may be NULL */
    char *name;
    int64_t exit_code;
    char *reason;  /* Completed, Error, OOMKilled, ... */
    char *message; /* the end of its output or termination message; only of one that failed */
};

/* One try as status tells it. Text may be NULL. */
struct job_try {
    uint32_t index;        /* child; 0 for a single job */
    uint32_t try, attempt; /* attempt 0: refused or lost before it started, no attempt used */
    char *pod, *pod_uid, *node, *node_uid, *instance_id;
    int64_t started_ns, stopped_ns;
    struct opt_i64 exit_code;
    char *reason;        /* container reason in AWS's words: OutOfMemoryError: ...,
                            CannotPullContainerError: ... */
    char *status_reason; /* Essential container in task exited; Host EC2 (...) terminated. */
    char *message;       /* last output of a failed container */
    struct try_container *containers; /* that ended, init containers first */
    size_t container_count;
};

struct dependency_record { /* what became of a dependency */
    char *job_name;
    char *uid; /* NULL: not seen yet */
    enum {
        DEPENDENCY_WAITING,
        DEPENDENCY_SATISFIED,
        DEPENDENCY_FAILED,
        DEPENDENCY_SKIPPED, /* it ended, but not as the condition asks */
        DEPENDENCY_HELD,    /* it failed; WAITING for a job that replaces it */
    } outcome;
    char *replacement; /* the job that stands in for it, whose uid this is; NULL: itself */
};

struct replaces_record {          /* what became of spec.replaces; job_name NULL: none */
    struct dependency_record job; /* SATISFIED: this job has taken its place */
    int64_t children_taken;       /* of an array: children that had succeeded there */
};

struct array_failure { /* what failed attempts have in common. Text may be NULL. */
    char *status_reason, *reason;
    struct opt_i64 exit_code;
    int64_t attempts; /* that ended so */
    int64_t children; /* that failed for good so */
    char *indexes;    /* of these children, the lowest: "0-3,7,..." */
};

struct array_status {
    uint32_t size;
    int64_t counts[JOB_PHASE_COUNT]; /* statusSummary */
    char *encoding, *data; /* see array_state.h; NULL data: in the ArrayState of the job's name */
    char *refusals; /* "index[-index]:count,..." of children with tries that used no attempt */
    char *history;  /* see array_history.h; beside data */
    int64_t history_left_out;       /* children with ends that are not all in it */
    char *failed_indexes;           /* ranges, at most 1 KiB */
    struct array_failure *failures; /* at most JOB_FAILURE_GROUPS_MAX */
    size_t failure_count;
    int64_t other_attempts, other_children; /* beyond those */
    char *results;            /* of children, see result.h; NULL data: in the ArrayState too */
    int64_t results_left_out; /* children whose result did not fit any more */
    char *inputs;             /* of children, see result.h; NULL data: in the ArrayState too */
};

void job_try_copy(struct job_try *to, const struct job_try *from);
void job_try_done(struct job_try *try);
void array_status_done(struct array_status *status);

/* The children as texts: encoding, data, refusals and history are the caller's to free. refusals
 * and history may be NULL. Returns their size in bytes. */
struct child_record;
struct array_history;
int64_t array_status_pack(struct array_status *array, const struct child_record *children,
                          const uint8_t *refusals, const struct array_history *history);
/* More than JOB_STATE_INLINE_MAX: array_state_encode it, then take its texts out of the job's. */
bool array_status_is_large(const struct array_status *array);
void array_status_move_out(struct array_status *array);

/* status of a BatchJob, both as read at start-up and as written. */
struct job_status {
    int64_t observed_generation;
    enum job_phase phase;
    char *reason;  /* CamelCase, why it is where it is */
    char *message; /* one sentence for a person; at the end AWS's statusReason */
    int64_t started_ns, stopped_ns;
    int64_t attempts; /* of a single job: attempts that began */
    int64_t refusals; /* of a single job: tries that were no attempt */
    bool cancelled, terminated;
    char *request_refused; /* why a request was not carried out; a sentence with the field's path */
    enum blocked_reason blocked; /* what it waits for, when that is a matter for time limits */
    int64_t blocked_since_ns;
    char *delivered; /* mark of the last change of state that the event sink has taken, see
                        state_change.h; NULL: nobody is told of this job */
    /* The revision it was accepted with: "name:3"; NULL: inline template or not accepted yet. */
    char *definition, *definition_uid;
    struct job_try *tries; /* newest last, at most JOB_TRIES_KEPT */
    size_t try_count;
    struct dependency_record *dependencies;
    size_t dependency_count;
    struct key_values references; /* results of others that it uses: "jobs.split.count", value */
    char *result; /* of a single job that succeeded, see result.h; NULL: it left none */
    struct job_cost cost;
    struct replaces_record replaces;
    struct opt_i64 scheduling_priority; /* the one that holds for it; absent: none was given */
    struct array_status array;          /* size 0: a single job */
    struct array_status nodes; /* size 0: not a multi-node job. Data as an array's has it */
    uint32_t main_node;
};

struct batch_job {
    struct object_meta meta;
    char *parent_uid; /* of the BatchJob that owns it (metadata.ownerReferences); NULL: none */
    char *queue;      /* spec.jobQueue */
    char *definition; /* spec.jobDefinition: name or name:revision; NULL: an inline template */
    bool has_template;
    struct pod_template template_; /* spec.template */
    struct template_override overrides;
    struct opt_i64 scheduling_priority; /* schedulingPriorityOverride */
    char *share;                        /* shareIdentifier; NULL: none */
    bool preemptible, has_preemptible;  /* else the definition's holds */
    bool has_nodes;                     /* spec.nodeProperties */
    struct node_properties nodes;
    bool has_node_overrides;
    struct node_overrides node_overrides;
    struct key_values parameters;
    struct opt_i64 array_size;     /* 1..JOB_ARRAY_SIZE_MAX; absent: a single job */
    char *size_from;               /* arrayProperties.sizeFrom, a reference, instead; NULL: none */
    struct opt_i64 max_concurrent; /* arrayProperties.maxConcurrent; absent: no limit */
    struct consumable_needs consumables; /* consumableResourceProperties, of each pod */
    bool has_consumables;                /* else the definition's hold */
    struct dependency *dependencies;
    size_t dependency_count;
    char *replaces;              /* spec.replaces.jobName: of a job that FAILED; NULL: none */
    struct retry_strategy retry; /* attempts absent: the definition's */
    bool has_retry;
    struct opt_i64 timeout_s;        /* timeout.attemptDurationSeconds */
    struct opt_i64 start_deadline_s; /* startDeadlineSeconds; absent: the controller's */
    struct opt_i64 ttl_s;            /* ttlSecondsAfterFinished; absent: the queue's */
    struct job_request *requests;
    size_t request_count;
    struct job_status status; /* as read */
    bool has_status;
    char *invalid; /* not NULL: why this job cannot run; a sentence with the field's path */
};

struct job_definition_status {
    int64_t observed_generation;
    const char *status; /* ACTIVE, INACTIVE (all revisions are deregistered) or INVALID */
    const char *reason; /* CamelCase: DefinitionAccepted, DefinitionInvalid, ... */
    char *message;
    int64_t latest_revision;
    struct number_list active; /* newest first, at most DEFINITION_ACTIVE_TOLD */
    struct run_history runs;
};
/* Of all that it says: what is stored already is not written again. */
uint64_t job_definition_status_hash(const struct job_definition_status *status);

struct job_definition *job_definition_free(struct job_definition *definition);
struct batch_job *batch_job_free(struct batch_job *job);
void job_status_done(struct job_status *status);
DEFINE_AUTO(job_definition, job_definition_free)
DEFINE_AUTO(batch_job, batch_job_free)

/* Both decoders succeed whenever there is usable metadata: what is wrong in spec is told in
 * ->invalid (so that it can be written to the object's status), with the path:
 * "spec.retryStrategy.attempts: 0, expected 1..10". */
int job_definition_decode(struct json_object *doc, struct job_definition **ret_definition,
                          struct err *err);
int batch_job_decode(struct json_object *doc, struct batch_job **ret_job, struct err *err);

/* The effective template. Containers are found by name, or without one where the template has a
 * single one; image, command, args and resources are replaced, env is merged by name, labels and
 * annotations by key. path: of the override, for errors: "spec.overrides". The result is the
 * caller's, for pod_template_done. */
int template_override_apply(const struct pod_template *base,
                            const struct template_override *override, const char *path,
                            struct pod_template *ret_template, struct err *err);
void pod_template_done(struct pod_template *template_);

/* A whole document for PUT .../status (see queue.h). Conditions: Ready, Stalled (kstatus), and once
 * the job ended Complete or Failed, as batch/v1 Job has them. status.progress is "12/20" for
 * printer columns. */
struct json_object *batch_job_status_encode(const struct object_meta *meta,
                                            const struct job_status *status,
                                            struct json_object *previous, int64_t now_ns);

struct json_object *job_definition_status_encode(const struct object_meta *meta,
                                                 const struct job_definition_status *status,
                                                 struct json_object *previous, int64_t now_ns);

/* The companion of a large array: kind ArrayState, name of the job, owned by it. */
struct json_object *array_state_encode(const struct batch_job *job, const char *resource_version,
                                       const struct array_status *status);
int array_state_decode(struct json_object *doc, char **ret_job_uid, struct array_status *ret_status,
                       char **ret_resource_version, struct err *err);

/* What one pod is to be. Borrowed text. */
struct pod_order {
    const struct batch_job *job;
    const struct job_definition *definition; /* whose parameters hold; NULL: only the job's own */
    const struct pod_template *template_; /* the effective one; NULL: the definition's or job's */
    const char *name;
    const char *node_name, *node_uid; /* NULL: the cluster's scheduler chooses, see placement.h */
    const char *environment;
    uint32_t index, count, try, attempt;
    int64_t active_deadline_s;           /* 0: none */
    int64_t price;                       /* an hour, in millionths; 0: not known */
    const struct node_properties *nodes; /* NULL: not a multi-node job */
    const char *main_address;            /* of the main node's pod; NULL for that pod itself */
    /* Of every reference to a result, the same ones for every pod of a template; NULL: they stay as
     * they are. */
    const struct key_values *values;
    uint32_t array_size; /* a computed one; 0: the job's own */
};
/* The pod as JSON: template, parameters replaced (Ref::name in command and args; unmatched ones
 * stay), AWS_BATCH_* environment in every container, labels, annotations, finalizer, owner
 * reference, toleration, nodeName, restartPolicy Never, automountServiceAccountToken and
 * hostNetwork as the template says. ERR_INVALID names the template field that the controller owns.
 * Caller owns the result. */
int pod_build(const struct pod_order *order, struct json_object **ret_pod, struct err *err);

#endif
