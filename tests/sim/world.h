/* SPDX-License-Identifier: Apache-2.0 */
/* world.h - a whole cluster in one process, on virtual time
 *
 * The real core is driven by a world that is as unkind as the real one: an API server with
 * resourceVersions, finalizers and garbage collection, watches that lag and break, writes that are
 * lost before or after they commit, kubelets that refuse, machines that die, providers that lie
 * late, users who change their minds, and a process that is killed at any instruction. Everything
 * random comes from one generator per run, so a seed replays a run exactly.
 *
 * Who does what
 *   world.c     the API server's store, tasks on virtual time, random numbers
 *   watch.c     what the process hears of the store, and when
 *   convert.c   the store's objects as the typed objects of api/
 *   shell.c     the process: the core, its turns, requests in flight and their faults, crashes
 *   request.c   an action of a plan as a request that owns its copies
 *   commit.c    what a request does when it commits
 *   kubelet.c   kubelets, node life cycle, pod garbage collection, DaemonSets, foreign pods
 *   provider.c  groups of machines
 *   capacity.c  machines that are told to go, groups that run dry, and the oracle on both
 *   scenario.c  draws what there is, what goes wrong and when it ends
 *   users.c     plays the people of a scenario
 *   feasible.c  which jobs must come to an end
 *   scheduler.c the cluster's own scheduler
 *   sink.c      the event sink, and the oracle on what it is told
 *   revisions.c definitions, their revisions, and the oracle on them
 *   services.c  Services that name nodes, and the oracle on them
 *   truth.c     what each child must come to
 *   mend.c      jobs that replace one that failed
 *   family.c    jobs that belong to a job
 *   creates.c   the oracle on pods that are made
 *   shares.c    scheduling policies, and what is told of shares
 *   consume.c   consumable resources: their users, the server's side and the oracle
 *   kept.c      the oracle on finished pods that stay for a while
 *   explain.c   the oracle on why jobs wait
 *   stops.c     the oracle on what must stop and runs on; moments that chance rarely makes
 *   oracle.c    what must always hold, and what must hold in the end
 *   sieve.c     disturbances at each exact place of a calm schedule
 *   run.c       one run from its seed to its verdict
 *
 * Lifetime    all of it lives in the run's arena; nothing is freed before the run ends. */
#ifndef BULKHEAD_TESTS_SIM_WORLD_H
#define BULKHEAD_TESTS_SIM_WORLD_H

#include "sim/counters.h"
#include "sim/objects.h"
#include "sim/scenario.h"
#include "sim/sieve.h"

#include "bulkhead/base/arena.h"
#include "bulkhead/base/heap.h"
#include "bulkhead/core/core.h"

enum {
    TYPES_MAX = 3,
    QUIET_S = 600, /* nothing may be written for so long in the end */
    STORY_LINES = 60,
    HEARD_MAX = 400, /* changes of state of one job */
};

/* ---------------------------------------------------------------- machines */

struct machine_type {
    const char *name;
    int64_t vcpus, memory_mib;
    int64_t available; /* -1: no limit */
    int64_t price, spot_price, interruption;
};

struct instance_live {
    struct group *group;
    const char *id, *token, *node_name;
    int type; /* -1: a node that was there from the start */
    enum instance_state state;
    int64_t launched_ns, dead_ns;
    bool alive, joins;
    enum instance_signal signal;
    uint64_t heard_by;     /* the process that knows of its signal */
    uint64_t told_to;      /* the last process that an answer with it went to */
    bool left_out;         /* of the last answer, though it is there */
    struct sim_node *node; /* while the Node object is there */
    int64_t refuses_until_ns, partitioned_until_ns;
    bool was_ready, troubled; /* troubled: a pod of ours has failed there, or it was not Ready
                                 again: nothing may be placed there for a while */
};

struct group {
    struct sim_environment *environment;
    struct instance_live **items;
    size_t count, capacity;
    bool drought;        /* it has no machines to launch */
    bool dear;           /* its machines cost three times as much */
    int64_t told_prices; /* a sum of those in the last answer that arrived */
    struct given_back {  /* idle machines that the process gave back of its own will, a ring */
        int64_t sent_ns, vcpus;
        uint64_t process;
    } given_back[16];
    size_t given_back_count;
    bool launched_late;     /* by a process that was dead already */
    const char *tokens[32]; /* of the last launches, a ring */
    size_t token_count;
};

/* ------------------------------------------------------------------- truth */

struct child_truth {
    struct sim_pod *last; /* newest try; older ones by body->sibling */
    bool planned;         /* a create has been sent */
    bool skipped;         /* by its dependencies, before its job took another's place */
};
struct truth {
    struct sim_job *job;
    const struct sim_revision *pinned; /* what it runs for ever, once anything durable says so */
    int64_t pinned_ns;                 /* when that was stored */
    int64_t gone_ns;                   /* when the job was removed; 0: it is there */
    const struct sim_definition *heard_definition; /* when a process first heard of the job */
    uint64_t heard_by;                             /* that process */
    struct child_truth *children;                  /* size, or 1 */
    uint32_t child_count;
    bool create_failed; /* some create was refused or delayed: its place in the order is not its own
                         */
    bool served, service_lost;   /* its Service was stored; somebody has deleted it since */
    int64_t name_taken_until_ns; /* by somebody else's Service */
    struct heard *heard;         /* what the event sink has heard of it; see sink.c */
    uint64_t walk;               /* the last walk along dependencies that came by */
    int64_t turn_told_ns[2];     /* told at rest that it is first by now; behind: see shares.c */
    int64_t reserve_told_ns;     /* told at rest that what is kept for other shares bars it */
    struct truth *next;
};

/* -------------------------------------------------------------------- world */

struct world;
struct task {
    struct timer timer; /* first: tasks are found by their timers */
    void (*run)(struct world *world, struct task *task);
    void *a, *b;
    int64_t n;
};

struct notice {
    struct notice *next;
    const struct object *copy;
    bool gone;
};
struct known {
    const struct object *copy;
};
struct watch {
    struct notice *first, *last;
    uint64_t session;
    int64_t due_ns; /* of the last notice */
    bool live;
    struct known *known; /* what the process has been told and not taken back */
    size_t known_count, known_capacity;
    const struct disturbance *held; /* nothing is delivered for now; NULL: it flows */
    const char *held_uid;           /* of the object whose notice was the first to be held */
    int64_t held_until;             /* how many more notices end it */
    size_t held_count;              /* notices that wait for that */
};

struct faults { /* per mille of each chance; 0 when calm */
    int lag, stall, relist, duplicate;
    int lost_before, lost_after, late, throttle, conflict, quota, forbidden;
    int crash, provider_error, launch_lost, observe_short, capacity, never_join, spot, name_reuse;
    int kubelet_refuse, kubelet_evict, kubelet_restart, partition, user, edit, squat;
};

struct rng {
    uint64_t s[4];
    const uint8_t *choices; /* taken before any number is drawn; borrowed */
    size_t choice_bytes;
};

struct request;
struct world {
    uint64_t seed;
    struct arena *arena, *turn_arena;
    struct rng rng;
    struct timers tasks;
    int64_t now_ns, start_ns, calm_ns;
    struct sim_share shares[16];
    size_t share_count;
    bool share_dominant; /* a policy counted other things than vCPUs */
    bool reclaims;       /* a policy let pods be stopped for other shares */
    bool lends;          /* little room, long attempts, arrays of small pods */
    uint64_t version, uids, steps;
    struct store stores[KIND_COUNT];
    struct watch watches[KIND_COUNT];
    const struct scale *scale;
    unsigned features; /* one bit for each enum feature */
    struct faults faults;
    struct counters counters;
    bool verbose, story_on;

    /* the process */
    struct core *core;
    uint64_t process; /* which incarnation */
    bool synced, turn_set;
    int64_t synced_ns;
    struct task wake;         /* the turn that the last plan asked for */
    struct request *requests; /* in flight */
    struct request *creates;  /* sent by this incarnation and perhaps not heard of yet */
    struct disturbance disturbances[DISTURBANCES_MAX];
    struct notice_log *notice_log; /* NULL: not wanted */
    int64_t writes_sent, notices;
    int64_t last_write_ns; /* last action that is not a provider's observe */
    const char *last_write;
    int64_t rest_ns;                 /* since when all is at rest; 0: not yet */
    int64_t turns_told, fronts_told; /* since then: see turn_is_told */
    int64_t progress_ns;             /* when a pod, a machine or a process last came */
    uint64_t plan_hash;
    bool hash_plans, recorded;
    bool coded;                /* what is written is encoded and decoded too: codec.c */
    struct recorder *recorder; /* of this life of the process; NULL: it is not recorded */
    struct str record;
    int64_t news_ns, upset_ns; /* when it last heard of something that others did; see capacity.c */
    int64_t erred_ns;          /* when a provider's call last failed */
    bool quota_full, forbidden;
    bool has_sink, sink_down;
    bool deleting_pod;    /* a delete of ours commits */
    int64_t pod_taken_ns; /* when somebody else last removed a pod */

    /* the scenario */
    struct machine_type types[TYPES_MAX];
    size_t type_count;
    struct group *groups[ENVIRONMENTS_MAX];
    size_t group_count;
    struct truth *truths;
    uint64_t walk; /* of the last walk along dependencies */
    uint32_t job_numbers, node_numbers, instance_numbers, foreign_numbers, follow_numbers;
    bool defined;                  /* the next job that is submitted is of the definition common */
    const struct sim_job *follows; /* whom the next job that is submitted waits for; NULL: any */
    int rejoins;                   /* machines that an admin is about to replace */
    bool restless;                 /* faults are on */

    /* the verdict */
    bool failed;
    char failure[1024];
    struct str story[STORY_LINES];
    size_t story_count;
};

/* world.c: random numbers */
uint64_t mix64(uint64_t x);
void rng_seed(struct rng *rng, uint64_t seed);
uint64_t rng_next(struct rng *rng);
int64_t draw(struct world *world, int64_t low, int64_t high); /* both inclusive */
bool chance(struct world *world, int per_mille);
int64_t draw_ms(struct world *world, int64_t low_ms, int64_t high_ms); /* in ns */

/* world.c: tasks */
typedef void task_run(struct world *world, struct task *task);
struct task *after(struct world *world, int64_t delay_ns, task_run *run, void *a, void *b,
                   int64_t n);

/* world.c: the store. Names are copied; store_add and store_change tell the watches. */
const char *new_uid(struct world *world);
void *object_new(struct world *world, enum kind kind, size_t size, const char *namespace_,
                 const char *name);
void store_add(struct world *world, struct object *object);
void store_change(struct world *world, struct object *object, bool spec);
void store_delete(struct world *world, struct object *object); /* finalizers hold it */
void store_unfinalize(struct world *world, struct object *object);
void *store_find(const struct world *world, enum kind kind, const char *namespace_,
                 const char *name);
void pod_delete(struct world *world, struct sim_pod *pod, int64_t grace_s); /* -1: its own */
void pod_confirm(struct world *world, struct sim_pod *pod); /* the kubelet says: it is over */
bool pod_ended(const struct sim_pod *pod);
bool name_eq(const char *a, const char *b); /* NULL equals NULL */

/* watch.c */
void watch_tell(struct world *world, struct object *object, bool gone);
void watch_reset(struct world *world); /* the process has died */
void watch_start(struct world *world); /* lists every kind, then EVENT_SYNCED */
void watch_relist(struct world *world, enum kind kind);
const struct object *object_copy(struct world *world, const struct object *object);
const struct object *watch_known(const struct world *world, enum kind kind, const char *uid);

/* convert.c */
void event_fill(const struct object *copy, bool gone, struct event *ret);
void meta_fill(const struct object *object, struct object_meta *ret);
struct pod *pod_convert(const struct sim_pod *from);
void template_fill(const struct template_ *from, struct pod_template *ret);
void nodes_fill(uint32_t size, uint32_t main_node, const struct template_ *main_template,
                const struct template_ *others, struct node_properties *ret);

/* shell.c */
void shell_start(struct world *world);
void shell_apply(struct world *world, struct event *event);
void shell_crash(struct world *world, int64_t restart_delay_ns);
bool shell_is_idle(const struct world *world); /* nothing in flight */

/* kubelet.c */
void kubelet_sees(struct world *world, struct sim_pod *pod);
void kubelet_kills(struct world *world, struct sim_pod *pod);
void node_join(struct world *world, struct instance_live *instance);
void instance_die(struct world *world, struct instance_live *instance);
void pod_collect_later(struct world *world, struct sim_pod *pod);
struct sim_node *node_of_pod(const struct world *world, const struct sim_pod *pod);
void foreign_pod(struct world *world);
void squat(struct world *world, const struct sim_job *job);
/* The same with any name that a pod of the job may have. */
void squat_name(struct world *world, const struct sim_job *job, const char *name);
void squat_for_a_moment(struct world *world, const struct sim_job *job);
void kubelet_restart(struct world *world);
void node_partition(struct world *world);
void node_deleted(struct world *world, struct sim_node *node, int64_t back_ns);

/* scheduler.c */
void scheduler_sees(struct world *world, struct sim_pod *pod);
void scheduler_node_joined(struct world *world, const struct sim_node *node);
const char *pod_machine(const struct sim_pod *pod); /* UID of the node it is for; NULL: any */

/* sink.c */
void sink_mischief(struct world *world);
void sink_hears(struct world *world, struct request *request);
void sink_delivered(struct world *world, struct request *request, struct sim_job *job);
void sink_expires(struct world *world, const struct sim_job *job);
const char *sink_unconverged(const struct world *world, const struct sim_job *job);

/* provider.c */
struct instance_live *group_add(struct world *world, struct group *group, int type);
bool node_name_in_use(const struct world *world, const char *name);
const char *node_name_new(struct world *world);
int64_t group_vcpus(const struct world *world,
                    const struct group *group); /* of machines that live */
void provider_commit(struct world *world, struct request *request);
void provider_spot(struct world *world);
void provider_reclaim(struct world *world, struct instance_live *instance);  /* it dies at once */
struct instance_live *group_find(const struct group *group, const char *id); /* NULL: none */
void provider_capacity(struct world *world);

/* capacity.c */
void capacity_mischief(struct world *world);
void capacity_calm(struct world *world);
bool capacity_dear(const struct world *world, const char *environment); /* its machines are */
void capacity_event(struct world *world, const struct event *event);    /* is about to be applied */
void capacity_heard(struct world *world, const struct request *request);
void capacity_planned(struct world *world, const struct plan *plan); /* is about to be sent */
void capacity_sent(struct world *world, const struct request *request);

/* twice.c */
void twice_event(struct world *world, const struct event *event);
void twice_launch(struct world *world, struct group *group, const struct request *request);

/* feasible.c */
bool job_feasible(const struct world *world, const struct sim_job *job);

/* users.c */
void users_come(struct world *world, int64_t burst_ms); /* submit what the scenario has, and more */
struct template_ draw_template(struct world *world);
int truth_exit(const struct world *world, const struct sim_job *job, uint32_t index,
               uint32_t attempt);
enum { RESULT_COUNT_MAX = 5 }; /* the numbers that programs leave */
const char *truth_result(struct world *world, const struct sim_job *job, uint32_t index,
                         uint32_t attempt); /* NULL: it leaves none */
int64_t truth_run_ns(const struct world *world, const struct sim_job *job, uint32_t index,
                     uint32_t attempt);

#include "sim/shares.h"

/* consume.c */
void consumables_draw(struct world *world);
void needs_draw(struct world *world, struct sim_needs *ret);
void consumable_edit(struct world *world);
bool needs_feasible(const struct world *world, const struct sim_job *job);
void needs_fill(const struct sim_needs *from, struct consumable_needs *ret);
void needs_read(struct world *world, const struct consumable_needs *from, struct sim_needs *ret);
struct consumable_resource *consumable_convert(const struct sim_consumable *from);
void request_copy_consumable(struct world *world, const struct action *action,
                             struct request *request);
void consumable_write(struct world *world, struct sim_consumable *resource,
                      const struct request *request);
void oracle_takes(struct world *world, struct request *request); /* as it is sent */
void oracle_taken(struct world *world, const struct sim_pod *pod, const struct request *request);
void oracle_gives(struct world *world, const struct sim_pod *pod); /* as it is released */
const char *consumables_unconverged(struct world *world);

/* quota.c */
void quota_draw(struct world *world, struct sim_queue *queue);
void quota_edit(struct world *world, struct sim_queue *queue);
void quota_fill(const struct sim_queue *from, struct job_queue *ret);
struct node_use {
    int64_t cpu_milli, memory_mib, pods;
};
struct node_pod {
    const char *job_uid;         /* NULL: not ours */
    const struct sim_pod *known; /* NULL: sent, and not heard of */
};
bool is_squatted(const struct world *world, const struct request *request); /* see creates.c */
const struct sim_node *known_node(const struct world *world, const char *name);
void node_use_add(struct world *world, const struct sim_node *node, const struct request *except,
                  bool (*stays)(void *ctx, const struct node_pod *pod), void *ctx,
                  struct node_use *use);
int64_t timeout_draw(struct world *world);                               /* of a job; 0: none */
void oracle_backfill_sent(struct world *world, const struct plan *plan); /* backfill.c */
void oracle_quota_sent(struct world *world, struct request *request, const struct sim_job *job);
void oracle_quota_created(struct world *world, const struct sim_pod *created,
                          const struct request *request);
bool quota_feasible(const struct sim_queue *queue, const struct sim_job *job,
                    const struct template_ *template_);

/* revisions.c */
void definition_add(struct world *world, const char *namespace_);
void definition_add_nodes(struct world *world, const char *namespace_); /* never edited */
void definition_edit(struct world *world); /* somebody changes, deregisters or deletes one */
void definition_choose(struct world *world, struct sim_job *job);
struct job_definition *definition_convert(const struct sim_definition *from);
struct job_definition *revision_convert(const struct sim_revision *from);
void revision_copy_order(struct world *world, const struct pod_order *order,
                         struct request *request);
void revision_copy(struct world *world, const struct action *action, struct request *request);
void revision_create(struct world *world, struct request *request);
void revision_delete(struct world *world, struct request *request, struct sim_revision *revision);
void definition_told(struct world *world, const struct request *request);
/* Who hears of a job, and knows what its definition says now, gives it nothing older. */
void revision_heard(struct world *world, const struct sim_job *job);
void oracle_newest(struct world *world, const struct sim_job *job, const char *ref,
                   const char *of_uid);
/* Something durable says which revision the job has: it must be the one that it always had. */
void oracle_pinned(struct world *world, struct sim_job *job, const char *ref, const char *of_uid);
/* The create asks for what its revision says, which is stored. */
void oracle_revision_sent(struct world *world, const struct request *request,
                          const struct sim_job *job);
/* Does what the create is made of need the cluster's scheduler? */
bool revision_assisted(const struct world *world, const struct request *request,
                       const struct sim_job *job);
int64_t revision_attempts(const struct sim_job *job); /* 0: absent */
bool revision_may_be_missing(const struct world *world, const struct sim_job *job);
/* What the job runs, or would by now; NULL: it cannot be told. */
const struct template_ *revision_template(const struct world *world, const struct sim_job *job);
const char *revisions_unconverged(struct world *world);

/* services.c */
struct node_service *service_convert(const struct sim_service *from);
void service_troubles(struct world *world, const struct sim_job *job);
void service_create(struct world *world, struct request *request);
void service_delete(struct world *world, struct request *request, struct sim_service *service);
void services_collect(struct world *world, const struct sim_job *job);
void oracle_service_sent(struct world *world, const struct request *request,
                         const struct sim_job *job);
const char *services_unconverged(struct world *world);

/* A request in flight; what the plan pointed to is copied. */
struct request {
    struct request *next, **link;       /* in flight */
    struct request *create_next, *self; /* creates: the one that commits, whoever answers */
    bool first_of_child;                /* creates: to be judged at the turn's end */
    bool settled;                       /* creates: failed, or its pod has been heard of */
    bool unclear;                       /* its answer was that nobody knows */
    enum action_kind kind;
    uint64_t id, process;
    int64_t sent_ns;
    bool committed, dead; /* dead: never to be answered */
    enum crash_phase crash;
    bool crashes;
    const char *namespace_, *name, *uid, *resource_version, *object_kind;
    int64_t grace_s;
    bool add;
    struct state_mark mark; /* JOB_TELL */
    /* creates */
    const char *node_name, *node_uid, *environment, *job_uid, *job_name, *queue, *share;
    const char *shares_used; /* of a queue's status */
    int64_t shares_at_ns;
    uint32_t index, count, try, attempt;
    int64_t price;
    int64_t active_deadline_s;
    struct template_ template_;
    struct sim_needs needs;
    const char *arg;
    uint32_t array_size;
    int64_t allowed[NEEDS_MAX];         /* totals that the process may go by */
    const char *revision, *revision_of; /* name:number and the definition's UID; or NULL */
    /* revisions */
    const struct sim_revision *content;
    uint64_t told_hash;
    struct run_history told_runs;
    /* statuses */
    int64_t in_use, consumed;
    const char **claims;
    size_t claim_count;
    const struct stored_status *status;
    const char *array_version;
    int64_t observed_generation;
    bool told_ready, told_unknown; /* of an environment: VALID; it is not known how it is */
    /* providers */
    const char *instance_type, *token;
    int64_t number, max_vcpus;
    int64_t most_milli, most_mib, most_jobs; /* limits of its queue */
    int64_t draining_since_ns;               /* of a queue's status */
    struct queue_cost queue_cost;            /* likewise */
    struct environment_cost charge;          /* of an environment's status, and what follows */
    struct interruption_record *interruptions;
    size_t interruption_count;
    int64_t interruptions_at_ns;
    const char **ids;
    size_t id_count;
    /* the answer */
    enum done_result result;
    const char *message, *ret_version, *ret_array_version, *ret_uid;
    const struct sim_pod *ret_pod; /* a copy */
    const struct sim_revision *ret_revision;
    const struct object *seen;  /* a copy, after a conflict */
    struct instances instances; /* in the arena */
    enum provider_result provider;
};

/* codec.c */
bool codec_is_tried(const struct world *world);
void codec_sent(struct world *world, const struct action *action);

/* request.c, commit.c */
struct request *request_new(struct world *world, const struct action *action);
void request_commit(struct world *world, struct request *request);
bool request_is_refused(const struct world *world, const struct request *request);

/* truth.c */
bool job_ended(const struct sim_job *job); /* as stored */
enum { START_DEADLINE_S = 300 };
struct summary { /* of the tries of a child, up to and including one of them */
    uint32_t attempts, refusals;
    unsigned used; /* of the refusals that a child may use up */
    bool live, succeeded, final_failed;
    bool may_have_failed; /* for good: nobody can tell */
};

struct summary summarize(const struct world *world, const struct sim_job *job,
                         const struct sim_pod *last);
bool is_recorded(const struct world *world, const struct sim_pod *pod); /* is its outcome stored? */
/* Neither admitted nor ever to be: its node is not the one it was made for. */
bool pod_is_stranded(const struct world *world, const struct sim_pod *pod);
/* May a child have failed though no attempt of its own failed for good? */
bool is_asked_to_stop(const struct sim_job *job, uint32_t index);
bool is_excused(const struct world *world, const struct sim_job *job, uint32_t index, int depth);
/* May a child have succeeded without a pod: was what it was to run OnFailure of successful? */
bool may_be_skipped(const struct world *world, const struct sim_job *job, uint32_t index,
                    int depth);
bool may_start(const struct world *world, const struct sim_job *job, uint32_t index);
bool may_follow(const struct world *world, const struct sim_job *job);
bool is_on_cycle(struct world *world, const struct sim_job *job);

/* oracle.c and creates.c. Every check ends in violation() when it does not hold. */
void violation(struct world *world, const char *invariant, const char *format, ...)
    PRINTF_LIKE(3, 4);
struct truth *truth_of(const struct world *world, const char *job_uid);
/* So many attempts of a child are told of: its last pod may be one of them. */
void truth_counted(const struct sim_job *job, uint32_t index, int64_t attempts);
void truth_new(struct world *world, struct sim_job *job);
bool pod_may_execute(const struct sim_pod *pod);
void oracle_sent(struct world *world, struct request *request);
void oracle_turn_sent(struct world *world);
/* gangs.c */
bool is_part(const struct sim_job *job, uint32_t index); /* of a gang, and not its main node */
const struct template_ *job_template(const struct sim_job *job, uint32_t index);
void oracle_gang_sent(struct world *world, const struct request *request,
                      const struct sim_job *job);
void oracle_gang_created(struct world *world, const struct sim_pod *pod, const struct sim_job *job);

void oracle_created(struct world *world, struct sim_pod *pod, const struct request *request);
void oracle_kill(struct world *world, const struct sim_pod *pod, const struct request *request);
void oracle_expired(struct world *world, const struct sim_job *job);
void oracle_released(struct world *world, const struct sim_pod *pod);
void oracle_children(struct world *world, const struct sim_job *job,
                     const struct stored_status *old, const struct stored_status *status);
void oracle_status(struct world *world, struct sim_job *job, const struct stored_status *status);
void oracle_results(struct world *world, const struct sim_job *job,
                    const struct stored_status *status); /* results.c */
void results_stored(struct world *world, const struct sim_job *job,
                    const struct stored_status *status);
void oracle_given(struct world *world, const struct sim_job *job, const struct sim_pod *pod,
                  uint32_t array_size);
void oracle_sized(struct world *world, struct sim_job *job, const struct stored_status *status);
bool may_be_empty(const struct world *world, const struct sim_job *job);
bool may_be_unusable(const struct world *world, const struct sim_job *job, uint32_t index);
void oracle_removed(struct world *world, const struct sim_pod *pod, const struct request *request);
/* cost.c */
void cost_job_stored(struct world *world, const struct sim_job *job,
                     const struct stored_status *status);
void cost_job_taken(struct world *world, const struct sim_job *job); /* others delete it */
void cost_job_expired(struct world *world, const struct sim_job *job);
void cost_queue_stored(struct world *world, struct sim_queue *queue, const struct request *request);
void cost_environment_stored(struct world *world, struct sim_environment *environment,
                             const struct request *request);
const char *cost_unconverged(struct world *world); /* NULL: it is as it should be */

void oracle_kept(struct world *world); /* now and then */

/* users.c: somebody deletes a job, or submits one that waits for it */
void delete_job(struct world *world, struct sim_job *job);
void follow(struct world *world, const struct sim_job *job, int64_t delay_ns);
void set_max_vcpus(struct world *world, struct sim_environment *environment, int64_t vcpus);
void use_definition(struct world *world, struct sim_definition *definition, int64_t delay_ns);

/* stops.c */
void oracle_ran_on(struct world *world, const struct sim_pod *pod); /* as it ends by itself */
int64_t moment_run_ns(const struct world *world, const struct sim_job *job, uint32_t index,
                      uint64_t hash); /* 0: as long as others */
int64_t moment_collector_ns(const struct world *world, const struct object *job);
bool moment_is_collected(const struct world *world, const struct sim_pod *pod);
void moment_edited(struct world *world, struct sim_definition *definition);
void moment_ended(struct world *world, const struct sim_pod *pod);
void moment_launch_refused(struct world *world, struct sim_environment *environment);
void moment_crash(struct world *world, int64_t restart_delay_ns);
void moments_begin(struct world *world);
void moment_submitted(struct world *world, const struct sim_job *job);

void oracle_launched(struct world *world, const struct group *group, const struct request *request);
void oracle_terminated(struct world *world, const struct instance_live *instance);
void oracle_planned(struct world *world, const struct plan *plan);
void oracle_sweep(struct world *world);              /* the whole world, now and then */
const char *oracle_unconverged(struct world *world); /* NULL: converged; else why not */

void oracle_explained(struct world *world); /* explain.c: why jobs wait, now and then */
void explain_left(struct world *world); /* what is told of each job that is left, for the story */

/* family.c */
bool is_stopped_from_above(const struct world *world, const struct sim_job *job);
bool is_terminated_from_above(const struct world *world, const struct sim_job *job);
bool is_known_stopped_from_above(const struct world *world, const struct sim_job *job);
bool must_stop_from_above(const struct world *world, const struct sim_job *job); /* all are there */
void family_collect(struct world *world, const struct sim_job *parent);
void draw_parent(struct world *world, struct sim_job *job);

/* mend.c */
bool stands_for(const struct world *world, const struct sim_job *job,
                const struct sim_job *dependant, const char *name, int depth);
bool is_taken(const struct world *world, const struct sim_job *job, uint32_t index,
              const struct stored_status *status);
bool may_be_taken(const struct world *world, const struct sim_job *job, uint32_t index);
bool replaces_may_fail(const struct world *world, const struct sim_job *job);
void oracle_replaces_created(struct world *world, const struct sim_job *job,
                             const struct sim_pod *pod);
void oracle_replaces_stored(struct world *world, const struct sim_job *job,
                            const struct stored_status *status);
const struct sim_job *stand_in(const struct world *world, const struct sim_job *job);
const struct sim_job *job_to_replace(struct world *world, const char *namespace_);

/* story.c: what happened, told only when somebody will read it */
void story_tell(struct world *world, const char *format, ...) PRINTF_LIKE(2, 3);
#define STORY(world, ...)                                                                          \
    do {                                                                                           \
        if ((world)->story_on)                                                                     \
            story_tell((world), __VA_ARGS__);                                                      \
    } while (0)
void story_print(const struct world *world);
void story_done(struct world *world);

/* run.c */
struct run_options {
    uint64_t seed;
    const uint8_t *choices; /* two bytes decide one draw each, until they are used up; or NULL */
    size_t choice_bytes;
    bool verbose, story, hash_plans, no_faults, small;
    bool recorded; /* each life of the process, and replayed */
    struct disturbance disturbances[DISTURBANCES_MAX];
    struct notice_log *notice_log; /* filled; NULL: not wanted */
};
/* record.c */
void life_begin(struct world *world, const struct core_options *options);
void life_event(struct world *world, const struct event *event);
void life_plan(struct world *world, const struct plan *plan);
void life_end(struct world *world); /* replays it */

struct run_result {
    bool failed;
    uint64_t plan_hash;
    int64_t writes_sent, virtual_ns;
    uint64_t steps;
    char failure[1024];
};
void run_world(const struct run_options *options, struct counters *sum,
               struct run_result *ret_result);

#endif
