/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - the core's own structures, shared by its modules only
 *
 * Who changes what
 *   jobs.c       jobs: arrival, admission, end
 *   requests.c   what users ask of a job later: cancel and terminate, whole or in part
 *   depend.c     dependencies and who waits for whom
 *   replace.c    a job that takes the place of one that failed
 *   family.c     jobs that were submitted by a job
 *   child.c      the state of one child; nothing else writes child.phase or any count
 *   outcome.c    what the end of a pod means for its child
 *   causes.c     who ended a pod, by what its status says (causes.h)
 *   penalty.c    how long a node rests after it refused or lost a pod (causes.h)
 *   failures.c   why children of an array failed, counted by reason (records.h)
 *   tries.c      the latest tries of a job, told one by one
 *   results.c    what jobs leave to those who depend on them
 *   inputs.c     what children use of their own ones in another array (inputs.h)
 *   records.c    what is durable of an array's children, as it is written (records.h)
 *   pods.c       pods as the API server has them: observation, adoption, end
 *   podwork.c    what is to be done about pods
 *   assist.c     pods that the cluster's scheduler places
 *   tell.c       changes of state for the event sink, in order and at least once
 *   kept.c       finished pods that stay for a while
 *   notices.c    Kubernetes Events about jobs, best effort
 *   limits.c     limits of time: what waits too long, what ended long ago
 *   load.c       a job as its stored status tells it
 *   queues.c     queues come and go
 *   passing.c    queues in which what can start passes what cannot (passing.h)
 *   backfill.c, backfill_find.c  who may pass a head without making it later (backfill.h)
 *   quota.c      what runs of a queue, against its limits (quota.h)
 *   revisions.c  definitions, their revisions, and which one a job has
 *   amounts.c    resources as vectors; classes of equal requirements
 *   runtime.c    RuntimeClasses and what they add to pods
 *   nodes.c      nodes, DaemonSets and the room that is left on each
 *   rooms.c      finding a node with enough room
 *   order.c      which job of a queue is next (order.h)
 *   usage.c, shares.c, shares_tell.c  fair share: what shares have used, which is next, and what
 *                their queue tells of them (usage.h, shares.h)
 *   reclaim.c    a share gets its due back from those that borrowed it (reclaim.h)
 *   place.c      queue order into pods on nodes
 *   consume.c, consume_place.c, consume_tell.c  consumable resources: who holds how many of
 *                what; is there enough; their status
 *   environments.c  environments come, change and go
 *   instances.c  their machines, as providers tell of them
 *   signals.c    machines of which it is known beforehand that they go (signals.h)
 *   ladder.c     capacity on its way, step by step (ladder.h)
 *   gang.c       multi-node jobs: placed whole, led by their main node
 *   gangroom.c   is there room for one, and what would it take (gang.h)
 *   gangbuy.c    machines for one
 *   services.c   stable names for its nodes (services.h)
 *   buy.c        what to buy (buyer.h)
 *   counted.c    what waiting work counts on, of the room that is there
 *   bins.c       machines that are on their way or to be bought, and what will go there
 *   buymix.c     which mixture of types is the cheapest for all of it
 *   purchase.c, purchase_bound.c, purchase_fill.c  how many machines of which types take all the
 *                work at the lowest price; knows nothing else of the core (purchase.h)
 *   spot.c       how often spot machines are taken back, as it is learnt (spot.h)
 *   strategy.c   which instance type, by the allocation strategy (strategy.h)
 *   giveback.c   what to give back (buyer.h)
 *   scale.c      calls to the providers of machines, and their pace
 *   giveway.c    environments that run empty because an earlier, cheaper one has machines again
 *   spare.c      room for what will come back from machines that go
 *   verdict.c    why something waits, in words
 *   cost.c       what work costs (cost.h)
 *   charge.c     what the machines of an environment cost (charge.h)
 *   bill.c, bill_shares.c  what the jobs of a queue and its shares cost, over restarts (bill.h)
 *   front.c      the first jobs in line, for the status of their queue (front.h)
 *   history.c, forecast.c, expect.c  how long work took; when what waits starts, what it will cost
 *                yet (history.h, forecast.h, expect.h)
 *   explain.c, explain_print.c, clauses.c  the same whole, for who asks: every node and type
 *                (explain.h, clauses.h)
 *   status.c     what is written when, and what a durable status sets free
 *   admin.c      status and finalizers of queues and environments
 *   flight.c     actions in flight
 *   core.c       events in, plans out
 *
 * Lifetime: an object that is gone from the API server is unlinked at once and freed when no
 * action that names it is in flight any more (its flights count is 0). */
#ifndef BULKHEAD_CORE_INTERNAL_H
#define BULKHEAD_CORE_INTERNAL_H

#include "amounts.h"
#include "bulkhead/api/references.h"
#include "bulkhead/api/service.h"
#include "bulkhead/base/heap.h"
#include "bulkhead/base/map.h"
#include "bulkhead/base/ranges.h"
#include "bulkhead/base/tree.h"
#include "bulkhead/core/core.h"
#include "history.h"
#include "quota.h"
#include "records.h"

#include <assert.h>

/* --------------------------------------------------------------------- structures */

struct core_class { /* all work with the same requirements; searched for once */
    struct placement placement;
    struct amounts needs;
    char *requests_text; /* what it asks for, for people */
    uint64_t hash;
    bool measurable; /* false: asks for more different extended resources than the core can tell
                        apart */
    size_t users;
    struct core_runs runs;
    struct core_class *next; /* same hash */
};

struct hold; /* consume.h */

#include "bill.h"
#include "queues.h"

#include "machines.h" /* environments, their machines and instance types */

struct core_node {
    char *name;
    struct node *spec; /* NULL: only pods name it */
    struct amounts capacity, used, reserved;
    struct amounts daemons; /* the part of used that DaemonSets' pods take: it does not come back */
    struct core_environment *environment; /* labelled for it */
    struct core_instance *instance;
    bool in_environment; /* has a slot */
    int64_t slot_cpu;    /* counted in environment->slots_cpu */
    bool counted_ready;  /* in environment->nodes_ready */
    bool was_managed;    /* spec is gone: it was a machine that we bought */
    uint32_t slot;
    struct core_job *gang;     /* reserved for a part of that multi-node job: takes nothing else */
    uint64_t match;            /* the last matching that has given it to a part (gangroom.c) */
    uint64_t claim;            /* the step of a buying pass that first counted on it: counted.c */
    int64_t live;              /* pods of ours that hold room */
    int64_t alone;             /* those of them that want no other beside them */
    bool closed, kept_away;    /* never place here again; not the job at hand: see backfill.c */
    enum instance_signal told; /* by its taints; see signals.h */
    int64_t idle_since_ns, counted_ns; /* counted_ns: when a buying pass last counted on it */
    struct penalty *penalties;         /* what happened here lately; see causes.h */
    size_t penalty_count;
    struct core_pod *pods;
    struct timer timer; /* idle or penalty over */
};

enum pod_state {
    PODS_FOREIGN,  /* not ours: it only takes room */
    PODS_CREATING, /* the create is to be sent, in flight or unresolved */
    PODS_LIVE,
    PODS_ENDED,   /* its outcome is applied; waits for the status to be durable */
    PODS_RELEASE, /* the finalizer may go */
    PODS_KEPT,    /* the finalizer is off; the object stays for a while (kept.c) */
    PODS_DELETE,  /* the finalizer is off; the object may go */
    PODS_LEAVING, /* deleted; waits to vanish */
};

enum kill_reason {
    KILL_NONE,
    KILL_TIMEOUT,
    KILL_TERMINATE,
    KILL_START,
    KILL_HOST,
    KILL_ORPHAN,
    KILL_GANG,
    KILL_SHARE, /* another share is due what it takes: reclaim.c */
};

struct core_pod {
    char *key; /* namespace/name */
    char *namespace_, *name, *uid;
    int64_t version; /* resourceVersion as a number; 0: not seen */
    enum pod_state state;
    struct core_job *job; /* NULL: foreign, or its job is gone */
    uint32_t index, count;
    uint16_t try, attempt;
    struct core_class *class_;               /* ours */
    struct core_share *share;                /* that is charged for it; NULL: none */
    int64_t charge, charge_milli, charged_s; /* rate, its vCPUs in thousandths, and since when */
    struct core_pod *lent_prev, *lent_next;  /* in share->lent */
    bool lent, chosen, gives_way; /* chosen: to be stopped for another share; gives_way: for ever */
    char *gives_way_to;           /* that share; see reclaim.c */
    struct hold *holds;           /* of consumable resources */
    size_t hold_count;
    struct amounts *own; /* what it takes, where that is not the class's (foreign, resized) */
    struct core_node *node;
    struct core_pod *prev, *next; /* on the node */
    struct core_pod *ended_next;  /* of the job, in order of ending */
    struct core_pod *out_next;    /* in core->outbox */
    bool counted;                 /* in node->used */
    bool ours, deleting, has_finalizer, started, init_started, create_sent, in_outbox, in_job;
    bool assisted;     /* the cluster's scheduler finds its node, see assist.c */
    bool bound;        /* it has; node is where it is, and before that where room is kept for it */
    bool given_up;     /* bound, and its machine went: another of that name may yet take it in */
    char *environment; /* while it is assisted and not bound */
    bool adrift;       /* in core->adrift: room is to be found for it */
    int64_t adrift_ns; /* since; 0: not */
    struct core_pod *adrift_next;
    bool unresolved; /* CREATING: ask what became of it */
    bool shadowed;   /* CREATING and sent: of somebody else's pod with its name there is news */
    bool alone;      /* of a multi-node job: no other of ours on its node */
    bool suspect;    /* LIVE: its machine is gone; ask for its last word before it is given up */
    enum kill_reason kill;
    bool kill_sent, kill_guarded;               /* guarded: with the version that it had */
    int64_t started_ns, created_ns, deleted_ns; /* deleted_ns: told to go; 0: not */
    int64_t finished_ns;                        /* 0: not, or no container ran */
    char *queue;                                /* its label, once it has ended */
    uint64_t node_uid;    /* hash of the UID of the Node it was placed on; 0: not known */
    int64_t scheduled_ns; /* when the scheduler bound it; 0: it did not */
    bool named_only;  /* nobody has said on which Node: node_uid is what was known of the name */
    bool told_on_own; /* told to go when its Node had the name, or nobody any more */
    bool told_on_another; /* told to go when another Node had it */
    int create_tries;
    struct core_queue *charged; /* counts against its limits; NULL: none */
    struct queue_use use;       /* what was charged */
    char *daemon_uid;           /* owner, when that is a DaemonSet */
    char *address;              /* podIP */
    char *waiting_reason, *waiting_message;
    int32_t *host_ports;
    size_t host_port_count;
    int64_t price;           /* an hour of it, in millionths; 0: not known (cost.c) */
    uint64_t needs_sequence; /* ENDED: durable once this status of the job is */
    int flights;
    bool gone;
    struct timer timer;
};

struct child {
    uint8_t phase; /* enum job_phase */
    uint8_t attempts, refusals;
    uint8_t dependency_failed;
    struct core_pod *pod; /* the try that lives; NULL: none */
};

#define DEPENDENCY_REPLACES ((enum dependency_type)(DEPENDENCY_N_TO_N + 1)) /* see replace.c */
struct core_dependency {
    struct core_job *job;      /* who depends */
    struct core_job *on;       /* NULL: not there (any more) */
    char *name, *uid;          /* uid: as recorded */
    enum dependency_type type; /* or DEPENDENCY_REPLACES, the last of them */
    enum dependency_condition condition;
    bool hold;         /* waits over a failure */
    bool held;         /* it does, or for a replacement that is not recorded yet */
    char *replacement; /* the name of the job that stands in for it; NULL: itself */
    int outcome;       /* DEPENDENCY_WAITING, _SATISFIED, _FAILED, _SKIPPED */
    uint64_t sequence; /* durable once this status of the dependant is */
    struct core_dependency *prev, *next; /* in the list of those that name the same job */
    struct dependants *list;
};
struct dependants { /* everyone who names a job, whether it exists or not */
    char *key;
    struct core_dependency *first;
};

enum verdict {
    VERDICT_NONE,
    VERDICT_QUEUE_MISSING,
    VERDICT_QUEUE_INVALID,
    VERDICT_QUEUE_DISABLED,
    VERDICT_QUEUE_DELETING,
    VERDICT_QUEUE_DRAINING,
    VERDICT_QUEUE_LIMIT,
    VERDICT_QUEUE_LIMIT_TOO_SMALL,
    VERDICT_NAMESPACE,
    VERDICT_DEFINITION_MISSING,
    VERDICT_DEFINITION_STORING,
    VERDICT_POLICY,
    VERDICT_SHARES,
    VERDICT_DEPENDENCY,
    VERDICT_HELD,
    VERDICT_BEHIND,
    VERDICT_BOOTING,
    VERDICT_BUYING,
    VERDICT_MAX_VCPUS,
    VERDICT_CAPACITY,
    VERDICT_BID,
    VERDICT_ROOM,
    VERDICT_PRIORITY,
    VERDICT_ENVIRONMENT,
    VERDICT_MAX_RESOURCE,
    VERDICT_FIT,
    VERDICT_CONCURRENT,
    VERDICT_RESERVED,
    VERDICT_KEPT,
    VERDICT_CONSUMABLE,
    VERDICT_CONSUMABLE_MISSING,
    VERDICT_CONSUMABLE_TOO_SMALL,
    VERDICT_SERVICE,
    VERDICT_QUOTA,
    VERDICT_FORBIDDEN,
    VERDICT_RETRY,
    VERDICT_STARTING,
    VERDICT_RUNNING,
    VERDICT_COUNT,
};

struct core_ask { /* a request that names children */
    enum job_action action;
    char *reason;
    struct ranges indexes;
};

struct core_job {
    char *key; /* namespace/name */
    struct batch_job *spec;
    char *uid;
    struct core_queue *queue;         /* by the name in spec; may not be present */
    struct core_revision *definition; /* what it was accepted with; NULL: inline template */
    char *pinned, *pinned_uid; /* the same in words, while that is not there: "name:3"; or NULL */
    bool pin_untold;           /* its status was written before it had a revision */
    const struct pod_template *template_; /* the effective one */
    struct pod_template *changed;         /* with the job's overrides; NULL: it has none */
    char *bad_override;                   /* why they do not go with the template */
    struct core_class *class_;
    struct hold *holds; /* what each child takes of consumable resources */
    size_t hold_count;
    struct queue_use quota_kept; /* of its queue, for parts that follow the main node */
    int64_t kept;                /* parts of a multi-node job for which that is kept */
    const struct retry_strategy *retry;
    int64_t timeout_ns; /* 0: none */
    enum job_phase phase;
    bool array, admitted, ended, gone;
    bool end_durable; /* everybody can read that it ended: now it counts for those who depend on it
                       */
    uint32_t size;
    struct child *children; /* NULL once ended */
    uint8_t *failed_bits;   /* ended arrays that did not wholly succeed: one bit a child */
    int64_t counts[JOB_PHASE_COUNT];
    struct ranges runnable;
    struct tree_node order;   /* in queue->order, or in that of its share */
    struct tree_node in_line; /* in line, see passing.h */
    struct core_line *line;   /* NULL: none */
    struct core_share *share; /* while it lives, in a queue with a policy */
    struct opt_i64 priority_given;
    int64_t priority; /* in its share */
    bool preemptible;
    bool parked, parked_reserved; /* the latter: by shares_never */
    struct core_job *parked_prev, *parked_next;
    struct core_job *unadmitted_prev, *unadmitted_next;
    bool in_unadmitted;
    uint64_t parked_shape;
    int64_t hold_until_ns; /* not to be placed before: quota, refused connections */
    int hold_level;
    /* dependencies */
    struct core_dependency *dependencies;
    size_t dependency_count;
    int64_t waiting_whole; /* plain dependencies not satisfied yet */
    bool by_child;         /* SEQUENTIAL or N_TO_N: children become runnable one by one */
    bool sequential;
    enum dependency_condition sequential_condition; /* on the child before */
    uint64_t mark;                                  /* of the last walk that came by */
    struct core_job *walk_from;                     /* in that walk: who depends on it */
    size_t walk_next; /* in that walk: which of its dependencies is next */
    /* multi-node (gang.c); a child is one node */
    bool gang, gang_open, in_gangs, gang_looking; /* open: placed, and not all of it gone again */
    uint32_t main_node;
    const struct node_properties *nodes;   /* NULL: not known (any more) */
    struct node_properties *changed_nodes; /* with the job's nodeOverrides; NULL: it has none */
    struct core_class **gang_classes;      /* of each node */
    size_t class_count;                    /* runs of equal ones: 1 when all are alike */
    struct core_node **gang_nodes;         /* reserved for each; NULL: none */
    struct core_job *gang_next;            /* in core->gangs */
    int64_t children_taken;                /* over from the job that it replaces */
    bool taking;                           /* that is not durable yet */
    struct family_member *family;          /* see family.c; NULL: nobody's child */
    /* requests */
    size_t requests_seen;
    bool cancelled, terminated;
    char *stop_reason;     /* the user's words */
    struct core_ask *asks; /* requests that name children, in their order */
    size_t ask_count;
    char *request_refused; /* the last request that could not be carried out, and why; or NULL */
    /* pods */
    struct core_pod *ended_first, *ended_last;
    int64_t ended_pods; /* of that list, whose end is not stored yet */
    int64_t pods;       /* records that name this job */
    bool checked, check_in_flight, fresh;
    struct core_job *fresh_next, *dead_next;
    struct core_job *tell_next; /* in core->tell_first */
    bool to_tell;
    /* verdict */
    enum verdict verdict, told_verdict;
    int64_t retried; /* attempts of an array that no Event has told of yet */
    char *retried_last;
    char *verdict_text;  /* extra words of the verdict; NULL: none */
    uint32_t slow_index; /* the child whose pod last told why it does not start yet */
    enum blocked_reason blocked;
    int64_t blocked_since_ns;
    int64_t verdict_due_ns; /* when to tell a verdict that is not told yet; 0: none */
    /* status */
    char *end_reason, *end_message;
    int64_t started_ns, stopped_ns;
    struct core_runs runs;
    struct job_cost cost; /* of its tries that have ended: cost.c */
    struct job_bill bill; /* how much of that its queue counts: bill.c */
    struct job_try tries[JOB_TRIES_KEPT];
    size_t try_count;
    struct core_records records;   /* of an array */
    struct core_failure *failures; /* of an array, by reason */
    size_t failure_count;
    int64_t other_attempts, other_children;
    struct references references; /* to results of others; read once there is a template */
    bool references_known;
    uint64_t references_hash; /* of the template that they were read from */
    char *bad_reference;      /* why they make no sense, or a result cannot be used */
    bool bad_result;          /* the latter */
    struct key_values values; /* of references, by their text, as recorded or to be */
    bool sized; /* false: computed and not known yet, or of a spec that is invalid; size is 1 */
    uint64_t values_sequence;     /* durable once this status is; 0: they are */
    char *result;                 /* of a single job; NULL: none */
    struct core_results *results; /* of children; NULL: none */
    struct core_inputs *inputs;   /* of children; NULL: they use nothing of their own ones */
    uint64_t sequence, written_sequence, sent_sequence; /* changes; durable; in flight */
    uint64_t decided_sequence; /* ends of children that no pod has made: count once durable */
    bool status_in_flight;
    int64_t written_ns, status_due_ns, status_retry_ns;
    int64_t status_bytes;
    char *resource_version, *array_version;
    struct array_status *companion; /* from EVENT_ARRAY_STATE before the job is read */
    int status_level;               /* failures in a row */
    bool delete_sent;               /* its time after the end is over */
    bool kept_told;                 /* that it is kept for one who depends on it */
    int64_t kept_since_ns;
    int delete_level;
    int64_t delete_retry_ns;
    /* event sink, see tell.c */
    bool tells;                      /* its changes of state are told */
    struct state_mark told, reached; /* taken by the sink; the farthest that it came */
    struct state_mark telling;       /* in flight */
    int64_t reached_ns;
    bool tell_in_flight, told_durable; /* told_durable: that the end was taken */
    bool tell_held;                    /* gone, and kept until all is told */
    struct tell_line *tell_line;       /* NULL: in none */
    struct core_job *tells_prev, *tells_next;
    int flights;
    struct timer timer; /* status due, verdict due, hold over, limit reached */
};

struct tell_line { /* jobs with something to send, first come first sent */
    struct core_job *first, *last;
    size_t count, in_flight;
    int64_t until_ns; /* a pause after a failure */
    int level;
};

enum timer_kind {
    TIMER_JOB,
    TIMER_POD,
    TIMER_NODE,
    TIMER_ENVIRONMENT,
    TIMER_DEFINITION,
    TIMER_HISTORY,
    TIMER_BACKFILL,
    TIMER_SERVICE
};

struct core_daemon_set {
    char *key, *uid;
    struct daemon_set *spec;
    struct amounts needs;
};

struct flight {
    enum action_kind kind;
    uint32_t generation;
    bool used;
    void *object;      /* pod, job, queue, environment, definition, revision or service */
    uint64_t sequence; /* JOB_STATUS: what it makes durable; others: a hash */
    char *text;        /* LAUNCH: token */
};

#define LOOK_ALL UINT32_MAX
#define LOOK_DEPENDANTS (UINT32_MAX - 1)
#define LOOK_CYCLE (UINT32_MAX - 2)
#define LOOK_FAMILY (UINT32_MAX - 3)
#define LOOK_AGAIN (UINT32_MAX - 4)
struct look { /* work that waits for depend_settle */
    struct core_job *job;
    uint32_t index; /* a child, LOOK_ALL or another LOOK_ */
};

struct pod_list { /* linked by out_next */
    struct core_pod *first, *last;
    size_t count;
};

struct core {
    struct core_options options;
    int64_t now_ns;
    bool synced;
    struct map *jobs;         /* uid */
    struct map *jobs_by_name; /* namespace/name: the newest of that name */
    struct map *queues, *environments, *definitions, *nodes, *pods, *daemon_sets, *runtime_classes,
        *consumables, *policies;                /* by name or key */
    struct map *definitions_by_uid, *revisions; /* gone ones too; by key */
    struct map *services;                       /* by key */
    struct map *dependants;                     /* namespace/name */
    struct map *families;                       /* uid of the parent */
    struct map *replacements; /* uid of a job that failed -> the job that took its place */
    struct map *companions;   /* uid -> array_status, until synced */
    struct map *checked;      /* namespace + template hash that the server has accepted */
    struct tree queue_order;  /* by priority descending, name */
    struct core_class **classes;
    size_t class_buckets;
    struct core_job *unadmitted;
    struct core_job *fresh; /* admitted in this turn */
    struct core_definition *definitions_to_look;
    struct core_service *services_to_look;
    uint64_t gang_match;           /* of the last matching */
    uint64_t buy_pass;             /* the last one: the step with which it began */
    struct core_thinking thinking; /* of that pass */
    struct core_job *gangs;        /* open ones with parts to reserve for or to start */
    struct core_consumable *consumables_to_look; /* whose status may have to be written */
    struct core_consumable *consumables_dirty;   /* those that are */
    uint64_t consume_pass;                       /* the last placement pass */
    struct pod_list outbox;                      /* pods that need an action now */
    struct pod_list cleanup; /* pods to release and delete: as many at once as cleanups_max */
    struct pod **early_pods;
    size_t early_count, early_capacity;
    char *gone[256]; /* UIDs of what was deleted lately, see gone_remember */
    size_t gone_next;
    bool adopting;   /* the pods of earlier lives are being taken in */
    bool beginning;  /* jobs begin one after another: not all that wait are known */
    bool superseded; /* a later try is known of the pod whose end is being applied */
    struct timers timers;
    char *dim_names[DIM_MAX];
    size_t dim_count;
    struct flight *flights;
    uint32_t *free_flights;
    size_t flight_capacity, free_flight_count, flights_in_use, creates_in_flight,
        cleanups_in_flight;
    int64_t penalties_active; /* nodes rest: see causes.h */
    struct look *looks;
    size_t look_count, look_capacity, looks_begun;
    struct core_job *dead;                   /* gone jobs, freed once nothing is left to look at */
    uint64_t walk;                           /* mark of the last dependency walk */
    struct core_job *tell_first, *tell_last; /* due statuses, told when all is placed */
    struct tell_line tells, tolds; /* to the event sink; that it has taken the end, to the status */
    size_t tells_gone;             /* jobs that are gone and kept until all is told */
    struct core_pod *adrift;       /* assisted pods that no room is kept for */
    bool pass_all;                 /* look at every queue in the next pass */
    bool pass_below;               /* in this pass: look at the queues that follow */
    bool pass_plain;               /* the last pass met nothing that moves with the time */
    bool shape_changed, any_dirty; /* some may fit that fitted nothing; some environment is dirty */
    int64_t admin_wake_ns, states_next_ns;
    int64_t turns_wake_ns; /* another share may be first then */
    struct core_counts counts;
    /* the plan that is being made */
    struct arena *arena;
    struct action *actions;
    size_t action_count, action_capacity, plan_creates;
    bool creates_full; /* pods wait for creates to come back */
    bool more;         /* something had to wait for the next turn */
    struct {           /* notices to users, bounded, dropped first */
        struct action *items;
        size_t count, capacity;
    } notices;
};

/* ---------------------------------------------------------------- between modules */

/* flight.c */
struct action *action_new(struct core *core, enum action_kind kind, void *object);
struct flight *flight_find(struct core *core, uint64_t action_id);
void flight_end(struct core *core, struct flight *flight);
bool flight_is_of_pod(enum action_kind kind); /* what its object is */
bool plan_has_room(struct core *core);

/* view.c */
void core_free_objects(struct core *core);
void core_free_records(struct core *core);

/* core.c */
void pod_release_memory(struct core *core, struct core_pod *pod);

/* amounts.c */
struct core_class *class_use(struct core *core, const struct placement *placement);
struct core_class *class_share(struct core_class *class_); /* one user more */
void class_drop(struct core *core, struct core_class *class_);

/* runtime.c */
struct core_class *class_for_template(struct core *core, const struct placement *placement);
void runtime_class_apply(struct core *core, struct runtime_class *take_class);
void runtime_class_gone(struct core *core, const char *name);
void runtime_classes_free(struct core *core);

/* child.c */
enum child_event {
    ON_HOLD,    /* accepted; waits for dependencies */
    ON_READY,   /* nothing left to wait for but a place */
    ON_PLACE,   /* a pod is being made for it */
    ON_UNPLACE, /* the pod was never made, was refused or lost before it started */
    ON_START,   /* a container runs */
    ON_RETRY,   /* the attempt failed and there will be another */
    ON_SUCCEED,
    ON_FAIL,
    CHILD_EVENT_COUNT,
};
struct child_step {
    enum { STEP_BUG, STEP_STAY, STEP_MOVE } kind;
    enum job_phase to;
};
const struct child_step *child_step_at(enum job_phase phase, enum child_event event);
const char *child_event_name(enum child_event event);
/* Moves one child, and keeps every count, the runnable set and the queue's order in step. */
void child_move(struct core *core, struct core_job *job, uint32_t index, enum child_event event);
/* The same for children [first, end) that are all in one phase; used for whole arrays. */
void child_move_range(struct core *core, struct core_job *job, uint32_t first, uint32_t end,
                      enum child_event event);
void queue_enter(struct core *core,
                 struct core_job *job); /* into or out of queue->order, as the job is now */

void job_uncount(struct core *core,
                 struct core_job *job); /* the job is gone: its children count no more */
void job_count_new(struct core *core,
                   struct core_job *job); /* its children start to count, as they are now */

/* jobs.c */
void jobs_begin_all(struct core *core); /* at EVENT_SYNCED */
void job_apply(struct core *core, struct batch_job *take_spec);
void job_gone(struct core *core, const char *uid);
void job_load_state(struct core *core,
                    struct core_job *job); /* load.c: from status as it was read */
void job_admit(struct core *core,
               struct core_job *job);   /* looks again at what keeps it from being runnable */
void jobs_admit_all(struct core *core); /* every job that is not admitted yet */
void job_stop_children(struct core *core, struct core_job *job, bool running_too);
void job_fail_waiting(struct core *core, struct core_job *job, const char *reason,
                      const char *message);
void job_skip_waiting(struct core *core, struct core_job *job, const char *message);
void job_settle(struct core *core,
                struct core_job *job); /* ends the job when all children have ended */
void job_end(struct core *core, struct core_job *job, enum job_phase phase, const char *reason,
             const char *message);
void job_hold(struct core *core, struct core_job *job, enum verdict verdict, const char *words,
              int64_t least_ns);
void job_timer(struct core *core, struct core_job *job);     /* the timer has fired */
void job_timer_set(struct core *core, struct core_job *job); /* works out when it is due */
void job_forget_template(struct core_job *job);              /* nothing more is made of it */
bool job_is_stopped(const struct core_job *job);
bool job_at_limit(const struct core_job *job);    /* as many children at once as it may have */
bool job_is_unstored(const struct core_job *job); /* so many ends that nothing more starts */
void job_tell_unstored(struct core *core, struct core_job *job);
/* How many more children may be placed now. */
int64_t job_wanted(const struct core_job *job);
void job_stop_child(struct core *core, struct core_job *job, uint32_t index, bool running_too);
void job_fail_child(struct core *core, struct core_job *job, uint32_t index, const char *words);

/* requests.c */
bool requests_read(struct core_job *job); /* were there new ones? Those that name children are read
                                             only; requests_stop acts on them */
void requests_look(struct core *core, struct core_job *job);
void requests_stop(struct core *core, struct core_job *job, size_t first_ask);
bool child_is_stopped(const struct core_job *job, uint32_t index);
const char *child_stop_reason(const struct core_job *job, uint32_t index); /* NULL: none */
void requests_done(struct core_job *job);

/* jobs.c again */
void queue_apply(struct core *core, struct job_queue *take_spec);
void queue_invalid(struct core *core, struct object_meta *take_meta, const char *message);
void queue_gone(struct core *core, const char *name);
const struct object_meta *queue_meta(const struct core_queue *queue); /* NULL: nothing is known */
bool queue_is_closed(const struct core_queue *queue, const struct core_job *job);
void queue_took(struct core_queue *queue, const struct core_job *job);
void queues_look(struct core *core); /* their status is to be looked at again */
struct core_queue *queue_named(struct core *core,
                               const char *name); /* makes a record for a missing one */
void queue_drop(struct core *core,
                struct core_queue *queue); /* one user less; frees a missing one */

/* depend.c */
void depend_start(struct core *core,
                  struct core_job *job); /* its own dependencies; and wakes those who name it */
void depend_stop(struct core *core, struct core_job *job); /* unlinks */
enum depend_state { DEPEND_WAITS, DEPEND_MET, DEPEND_FAILS, DEPEND_SKIPS };
/* What of a child that waits? Takes what it uses of its own ones; it may have failed after that. */
enum depend_state depend_decide(struct core *core, struct core_job *job, uint32_t index);
/* Ends a child that waits and cannot run any more (DEPEND_FAILS, DEPEND_SKIPS). */
void depend_child_end(struct core *core, struct core_job *job, uint32_t index,
                      enum depend_state state);
void depend_child_ended(struct core *core, struct core_job *job, uint32_t index);
void depend_decided(struct core *core,
                    const struct core_job *job); /* decided_sequence is durable */
void depend_ended_later(struct core *core,
                        struct core_job *job); /* tells dependants when depend_settle runs */
void depend_look_family(struct core *core, struct core_job *job); /* likewise */
void depend_look_all(struct core *core, struct core_job *job);    /* at its children, likewise */
void depend_look_child(struct core *core, struct core_job *job, uint32_t index); /* likewise */
void depend_again_later(struct core *core, struct core_job *job); /* at what it depends on */
void depend_settle(struct core *core); /* at the end of every apply and plan */
void depend_job_gone(struct core *core, struct core_job *job);
void depend_sized(struct core *core, struct core_job *job);      /* its size is known now */
void depend_look_again(struct core *core, struct core_job *job); /* at what it depends on */
void depend_print(struct core *core, const struct core_job *job, struct str *out);
bool depend_is_held(const struct core_dependency *dependency); /* it failed, and is waited over */
enum verdict depend_verdict(const struct core_job *job);       /* of one that waits for others */
void depend_print_held(const struct core_job *job, struct str *out);
/* Did this child of an ended or running job succeed (1), fail (-1), or neither yet (0)? */
int depend_child_outcome(const struct core_job *job, uint32_t index);

/* Who depends on it and has not durably taken note of its end. NULL: nobody, and it may be deleted.
 */
const struct core_job *depend_kept_for(struct core *core, const struct core_job *job);

/* limits.c */
void blocked_look(struct core *core, struct core_job *job);  /* its verdict has changed */
void blocked_moved(struct core *core, struct core_job *job); /* a child of it got a pod */
void blocked_load(struct core_job *job);
int64_t limits_due(const struct core_job *job);
void limits_apply(struct core *core, struct core_job *job);
void limits_changed(struct core *core, struct core_queue *queue);
void job_deleted(struct core *core, struct flight *flight, const struct done *done);

/* outcome.c */
enum outcome_kind { OUTCOME_SUCCEEDED, OUTCOME_FAILED, OUTCOME_REFUSED, OUTCOME_LOST };
struct outcome {
    enum outcome_kind kind;
    bool attempt; /* an attempt began */
    bool final_;  /* never retried: timeout, terminated */
    bool timed_out;
    bool used_up; /* no try is left, though no attempt was used */
    struct opt_i64 exit_code;
    char *reason;        /* of the container, AWS's words */
    char *status_reason; /* of the attempt */
    char *message;
};
void outcome_read(const struct core_pod *pod, const struct pod *seen, struct outcome *ret_outcome);
bool retry_wanted(const struct retry_strategy *retry, const struct outcome *outcome,
                  int64_t attempts_done);
/* Would another attempt follow this one, were it to end now: with its machine, or, where it did not
 * start in time and was told to go, for that? */
bool outcome_is_followed(const struct core_pod *pod);
bool glob_matches(const char *pattern, const char *text);
/* Applies the end of a pod to its child: counts the attempt, decides on a retry, records the try.
 * seen may be NULL when the pod was lost without a last word. */
void outcome_apply(struct core *core, struct core_pod *pod, const struct pod *seen,
                   const char *lost_why);

/* tries.c */
void tries_record(struct core *core, const struct core_pod *pod, const struct pod *seen,
                  const struct outcome *outcome);
void tries_load(struct core_job *job);
void tries_done(struct core_job *job);

/* pods.c */
void pod_apply(struct core *core, struct pod *take_seen);
void pod_read(struct core *core,
              struct pod *take_seen);     /* the same; it is the server's own answer */
void pods_apply_early(struct core *core); /* those that came before EVENT_SYNCED */
void pods_pin_early(struct core *core);   /* what they say of the revisions of their jobs */
void pod_gone(struct core *core, const char *key, const char *uid);
struct core_pod *pod_place(struct core *core, struct core_job *job, uint32_t index,
                           struct core_node *node);
void pod_kill(struct core *core, struct core_pod *pod, enum kill_reason reason);
/* Its machine is certainly gone: asks the server for its last word, then gives it up. */
void pod_lost(struct core *core, struct core_pod *pod);
void pod_unplace(struct core *core, struct core_pod *pod, bool use_up_try);
void pod_unlink(struct core *core, struct core_pod *pod);
void pod_finish(struct core *core, struct core_pod *pod, const struct pod *seen,
                const char *lost_why);
void pod_hold(struct core *core, struct core_pod *pod, bool held); /* by its finalizer */
bool pod_has_trouble(const struct core_pod *pod); /* its kubelet tells why it does not start */
void pod_timer_set(struct core *core, struct core_pod *pod);
int64_t job_start_deadline_ns(const struct core *core, const struct core_job *job);
void pod_give_up(struct core *core, struct core_pod *pod);
void pod_outbox(struct core *core, struct core_pod *pod);
void pods_plan(struct core *core);
bool creates_are_full(const struct core *core); /* no more pods may be placed in this turn */
void pod_done(struct core *core, struct flight *flight, struct done *done);
void pod_timer(struct core *core, struct core_pod *pod);
void pods_durable(struct core *core,
                  struct core_job *job); /* releases ended pods up to written_sequence */
void pods_disown(struct core *core,
                 struct core_job *job); /* the job is gone: stop and release its pods */

/* notices.c */
void notice(struct core *core, const char *kind, const struct object_meta *meta, const char *type,
            const char *reason, const char *message); /* a Kubernetes Event, best effort */
void notice_retry(struct core *core, struct core_job *job, const struct core_pod *pod,
                  const struct outcome *outcome);
void notice_retries(struct core *core, struct core_job *job); /* of an array, at its status */
void notice_waits(struct core *core, struct core_job *job, const char *words); /* the same */
void notice_load(struct core_job *job);

/* kept.c */
bool pod_keep(struct core *core, struct core_pod *pod); /* its finalizer is off: does it stay? */
void kept_timer(struct core *core, struct core_pod *pod);
void kept_node_gone(struct core *core, struct core_node *node);
void kept_queue_changed(struct core *core, const struct core_queue *queue);

/* nodes.c */
struct core_node *node_named(struct core *core, const char *name, bool make);
const struct amounts *pod_amounts(const struct core_pod *pod); /* NULL: not known */
void node_apply(struct core *core, struct node *take_spec);
void node_gone(struct core *core, const char *name);
void node_pod_add(struct core *core, struct core_node *node, struct core_pod *pod);
void node_pod_remove(struct core *core, struct core_pod *pod);
void node_count_pod(struct core *core, struct core_pod *pod,
                    bool holds_room);                         /* takes or gives back its room */
void node_refresh(struct core *core, struct core_node *node); /* membership, reserve, room */
uint64_t uid_hash(const char *uid);
/* Had another Node the name of the pod's one when the pod was told to go? Then it was stopped for
 * that. One that came after has nothing to do with it. */
bool node_was_another(const struct core_pod *pod);
void node_was_bound(struct core_pod *pod); /* learns on which Node, if nobody has said */
void node_check_lost(struct core *core,
                     struct core_pod *pod); /* is the machine under it certainly gone? */
void node_check_pods(struct core *core, struct core_node *node);
bool node_is_another(const struct core_pod *pod); /* than the one on which it was given up */
void node_timer(struct core *core, struct core_node *node);
bool node_takes(const struct core_node *node, const struct core_class *class_); /* all but room */
void node_free_amounts(const struct core_node *node, struct amounts *ret_free);
void daemon_set_apply(struct core *core, struct daemon_set *take_spec);
void daemon_set_gone(struct core *core, const char *key);
void daemon_sets_reserve(struct core *core, const char *node_name, const struct key_values *labels,
                         const struct taints *taints, const struct core_node *node,
                         struct amounts *ret_sum);
void node_room_changed(struct core *core,
                       struct core_node *node); /* brings the search tree up to date */
void node_settle(struct core *core,
                 struct core_node *node); /* frees a record that nothing names any more */
void node_idle_timer(struct core *core, struct core_node *node);
void node_wake_by(struct core *core, struct core_node *node, int64_t due_ns);
void node_lost_pods(struct core *core, struct core_node *node); /* the machine is certainly gone */
void slot_take(struct core *core, struct core_environment *environment, struct core_node *node);
void slot_give(struct core *core, struct core_node *node);
struct core_node *rooms_find(const struct core_environment *environment,
                             const struct core_class *class_, uint32_t first_slot);

/* rooms.c */
bool node_is_usable(const struct core_node *node); /* all but room */
void rooms_think(const struct core_node *node);    /* its room changes in thought: see counted.c */

/* quota.c again */
enum verdict quota_never(const struct core *core, const struct core_job *job,
                         struct str *out); /* it needs more than a limit */
enum verdict quota_words(const struct core *core, const struct core_job *job, struct str *out);

/* place.c */
void job_park(struct core *core, struct core_job *job);
void job_unpark(struct core *core, struct core_job *job);
void queue_unpark_all(struct core *core, struct core_queue *queue);
void place_all(struct core *core);
bool environment_usable(const struct core_environment *environment);
bool environment_serves(const struct core_environment *environment, const char *namespace_);
bool environment_is_held(const struct core_environment *environment,
                         const struct core_queue *queue); /* nothing of the queue starts there */
/* Could a pod of the class ever run here: does it fit the node at its emptiest, or a type? */
bool node_could_fit(const struct core_node *node, const struct core_class *class_);
bool environment_could_fit(const struct core_environment *environment,
                           const struct core_class *class_);
bool environment_could_fit_without(const struct core_environment *environment,
                                   const struct core_class *class_, const struct core_node *except);

bool environment_max_too_small(const struct core_environment *environment,
                               const struct core_class *class_);

/* instances.c */
struct core_environment *environment_named(struct core *core, const char *name);
void environment_apply(struct core *core, struct compute_environment *take_spec);
void environment_invalid(struct core *core, struct object_meta *take_meta, const char *message);
void environment_gone(struct core *core, const char *name);
const struct object_meta *
environment_meta(const struct core_environment *environment); /* or NULL */
void environment_touch(struct core *core,
                       struct core_environment *environment); /* room or shape changed */
void environment_shape(struct core *core, struct core_environment *environment);
struct core_type *environment_type(const struct core_environment *environment, const char *name);
/* In the zone, or in any where that is NULL or there is none such. */
struct core_type *environment_type_in(const struct core_environment *environment, const char *name,
                                      const char *zone);
struct core_instance *environment_instance_of_node(const struct core_environment *environment,
                                                   const char *node_name);
void environment_free_if_unused(struct core *core, struct core_environment *environment);
void launch_free(struct core_launch *launch);
void instance_forget(struct core *core, struct core_instance *instance);
bool instance_ready(const struct core_instance *instance);
bool instance_moves(const struct core_instance *instance);  /* comes, goes, or is not well */
void instance_judge(struct core_instance *instance);        /* after any of that may have changed */
bool instance_coming(const struct core_instance *instance); /* launched, and not seen Ready yet */
bool launch_is_allowed(const struct core_environment *environment);
void instance_remove(struct core *core, struct core_instance *instance);
int64_t instance_vcpus(const struct core_instance *instance);
void environment_recount(struct core_environment *environment);
void provider_done(struct core *core, struct flight *flight, struct done *done);
void environment_timer(struct core *core, struct core_environment *environment);
void environment_heard(struct core *core, struct core_environment *environment,
                       enum action_kind verb, bool failed); /* how a question or launch ended */
void types_refresh(struct core *core, struct core_environment *environment);
bool node_is_verified(const struct core_node *node);

bool type_matches(
    const struct core_environment *environment, const struct core_type *type,
    const struct core_class *class_); /* labels and taints of a new node of this type */

/* strategy.c */
/* The type to buy for up to wanted pods of the class, within budget vCPUs; NULL: none now. */
struct core_type *type_choose(const struct core *core, const struct core_environment *environment,
                              const struct core_class *class_, int64_t budget, int64_t wanted);

/* scale.c */
void scale_plan(struct core *core);
int64_t environment_wake_ns(const struct core *core, const struct core_environment *environment);
/* It is deleted, and a dead process may have launched machines that nobody has seen yet. */
bool environment_wants_last_look(const struct core_environment *environment);

/* verdict.c */
const char *verdict_reason(enum verdict verdict); /* CamelCase */
void verdict_set(struct core *core, struct core_job *job, enum verdict verdict, const char *words);
/* One that stays until somebody acts: that its words have changed is told too. */
void verdict_set_lasting(struct core *core, struct core_job *job, enum verdict verdict,
                         const char *words);
bool verdict_words_untold(struct core *core, struct core_job *job); /* status has others */
char *verdict_message(struct core *core, struct core_job *job);     /* heap */
enum verdict verdict_shown(const struct core_job *job);             /* as its status tells it */
enum verdict verdict_of_blocked(struct core *core, struct core_job *job, struct str *out);
void job_needs_print(const struct core_job *job, struct str *out); /* "cpu 2, memory 1Gi" */

/* status.c */
void job_changed(struct core *core, struct core_job *job,
                 int64_t within_ns); /* a status write is due by then */
void status_plan(struct core *core);
void job_status_plan(struct core *core, struct core_job *job);
void jobs_tell(struct core *core); /* whose status is due */
void status_done(struct core *core, struct flight *flight, struct done *done);
void environment_status_fill(const struct core_environment *environment,
                             struct compute_environment_status *ret);

/* admin.c */
/* An object that was read again after a conflict may be shown when its deletion has been told of
 * already. No UID comes back: what is among the last 256 that went is passed over. */
void gone_remember(struct core *core, const struct object_meta *meta); /* NULL: nobody went */
bool is_gone(const struct core *core, const struct object_meta *meta);
void admin_wake(struct core *core, int64_t at_ns); /* plans these again then, if not before */
/* A read is ahead of the watch, which then tells what was before, or behind it: an older spec would
 * raise a maxvCpus again that was lowered, open a queue that is closed, or take back what was asked
 * of a job. known may be NULL. */
bool is_outdated(const struct object_meta *known, const struct object_meta *meta);
/* A resourceVersion, unless a newer one is known: our own writes may be answered first. */
void version_take(char **known, const char *version);
void admin_plan(struct core *core);
void admin_done(struct core *core, struct flight *flight, struct done *done);
void plan_finalizer(struct core *core, const char *kind, const struct object_meta *meta,
                    const char *version, bool free_to_go, bool *in_flight);

#include "consume.h"

#include "revisions.h"

#include "services.h"

#endif
