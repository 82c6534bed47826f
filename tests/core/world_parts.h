/* SPDX-License-Identifier: Apache-2.0 */
/* world_parts.h - what the parts of the text world share; tests use world.h
 *
 *   world.c          the script and the clock
 *   world_text.c     words of a line; declarations as the typed objects that the core takes
 *   world_server.c   the API server: what there is, and what actions do to it
 *   world_machines.c the provider: machines that are launched, boot and go
 *   world_sink.c     the event sink
 *   world_consume.c  consumable resources
 *   world_shares.c   scheduling policies
 *   world_revisions.c  the API server, for definitions and their revisions
 *   world_services.c   likewise, for Services that name nodes
 *   world_log.c      what is written down */
#ifndef BULKHEAD_TESTS_CORE_WORLD_PARTS_H
#define BULKHEAD_TESTS_CORE_WORLD_PARTS_H

#include "core/world.h"

#include "src/core/internal.h"

#define WORLD_EPOCH_NS (1000 * NS_PER_S) /* 0s of every script */

struct line {
    char *text;
    char *words[64];
    size_t count;
};

struct thing { /* a declared object: its words, and what a server adds to them */
    char *kind, *name, *namespace_, *words, *uid;
    int64_t version, generation, created_ns, deleted_ns;
    char *parent_uid; /* of a job: see parent= */
    bool finalizer, dirty;
    struct job_status status; /* of a job, as stored */
    bool has_status;
    int64_t consumed; /* of a consumable resource, as stored */
    struct text_list claims;
    char *shares_used; /* of a queue, as stored */
    int64_t shares_at_ns, shares_active;
    /* Of a large array: its companion. */
    char *array_data, *array_encoding, *array_refusals, *array_results, *array_history;
    char *array_inputs;
    int64_t draining_since_ns;      /* of a queue's status, as stored */
    struct queue_cost cost;         /* likewise */
    struct environment_cost charge; /* of an environment's status, as stored */
    struct interruption_record interruptions[INTERRUPTIONS_TOLD_MAX]; /* likewise */
    size_t interruption_count;
    int64_t interruptions_at_ns;
    int64_t told_generation; /* likewise */
    uint64_t told_hash;      /* of a definition's status, as stored */
    int64_t told_latest;
    struct run_history told_runs;
    struct thing *next;
};

struct world_pod {
    char *namespace_, *name, *uid, *node, *words; /* words: of a foreign pod's declaration */
    int64_t version, created_ns, deleted_ns, started_ns, finished_ns, end_due_ns;
    int64_t disrupted_ns, bound_ns;
    bool finalizer, dirty, gone, lost;
    enum pod_phase phase;
    struct thing *job; /* NULL: foreign */
    bool is_child;
    char *job_name, *job_uid, *environment, *node_uid, *definition, *definition_uid;
    uint32_t index, try, attempt;
    int64_t price;
    struct consumable_needs consumables;
    char *reason, *disruption, *waiting, *waiting_words, *container_reason, *message;
    char *also;   /* other containers that ended */
    char *result; /* what it leaves */
    char *gives_way_to;
    char *reason_words;
    bool deadline, exited, init_started;
    int32_t exit_code;
    struct world_pod *next;
};

static inline bool is_over(const struct world_pod *pod)
{
    return pod->phase == POD_SUCCEEDED || pod->phase == POD_FAILED;
}

struct machine {
    char *id, *environment, *type, *token, *node, *zone;
    enum instance_signal signal;
    int64_t launched_ns, boot_due_ns;
    enum instance_state state;
    bool hidden; /* from one answer */
    struct machine *next;
};

struct canned { /* how an action is to end */
    char *action, *object, *result, *words;
    bool always;
    struct canned *next;
};

struct answer { /* to be delivered after the plan */
    uint64_t id;
    enum action_kind kind;
    enum done_result result;
    enum provider_result provider;
    char *words, *version, *pod, *environment, *token, *revision;
    char *service;          /* its UID */
    struct instances *told; /* of a late launch: as they were when it was made */
    struct answer *next;
};

struct world {
    struct core *core;
    struct arena *arena;
    unsigned show;
    int64_t now_ns;
    int64_t version;
    unsigned job_count, definition_count, machine_count;
    bool synced;
    struct thing *things, *tail;
    struct thing *gone;            /* that went last; NULL: none did */
    struct world_pod *pods, *late; /* late: of a create that is on its way still */
    struct answer *late_answer;    /* of a launch */
    struct machine *machines;
    struct canned *canned;
    struct answer *answers;
    struct str log, plans;
    char *kept; /* the last that was shown of what is kept for the first in line */
    size_t plan_count, restart_at;
    enum world_cut cut;
};

/* world_text.c */
void line_read(struct line *line, const char *text);
void line_done(struct line *line);
const char *line_get(const struct line *line, const char *key); /* the last of that key, or NULL */
bool line_has(const struct line *line, const char *word);
int64_t line_ns(const char *text);
int64_t line_milli(const struct line *line, const char *key); /* a quantity; 0 without it */
struct job_queue *queue_from(const struct thing *thing);
struct compute_environment *environment_from(const struct thing *thing);
void meta_from(const struct thing *thing, struct object_meta *ret);
struct runtime_class *runtime_class_from(const struct thing *thing);
void definition_words(const struct thing *thing, struct job_definition *ret);
struct batch_job *job_from(const struct thing *thing);
struct node *node_from(const struct thing *thing);
struct daemon_set *daemon_set_from(const struct thing *thing);
struct pod *pod_from(const struct world_pod *from);
void types_from(const char *text, struct instance_type **ret_types, size_t *ret_count);
void offers_from(const char *text, struct instance_type *types, size_t count);
void resources_from(const struct line *line, struct resources *ret);

/* world_server.c */
struct thing *thing_find(struct world *world, const char *kind, const char *name);
struct thing *thing_put(struct world *world, const char *kind, const struct line *line);
void thing_gone(struct world *world, struct thing *thing);
void thing_show(struct world *world, const struct thing *thing); /* to the core */
void thing_free(struct thing *thing);
struct world_pod *pod_named(struct world *world, const char *label);
void pod_touch(struct world *world, struct world_pod *pod);
void pod_put_foreign(struct world *world, const struct line *line);
void pod_end(struct world *world, struct world_pod *pod, enum pod_phase phase);
void pod_vanish(struct world *world, struct world_pod *pod);
void pod_hold_back(struct world *world);
bool pod_arrive(struct world *world);
bool answer_arrive(struct world *world); /* the late one; false: there is none */
void pods_show(struct world *world);
void server_free(struct world *world);
void act(struct world *world, const struct action *action);
void answers_deliver(struct world *world);
void answers_drop(struct world *world);

/* world_machines.c */
const char *environment_word(struct world *world, const char *name, const char *key,
                             struct line *line);
enum done_result environment_told(struct world *world, const struct action *action);
enum provider_result machines_launch(struct world *world, const struct action *action);
void machines_terminate(struct world *world, const struct action *action);
void machines_boot(struct world *world);
struct machine *machine_find(struct world *world, const char *id);
void machine_remove(struct world *world, struct machine *machine);
void machine_told(struct machine *machine, const struct line *line); /* its provider says more */

/* world_sink.c */
void log_tell(struct world *world, const struct action *action);
enum done_result write_delivered(struct world *world, const struct action *action,
                                 struct answer *answer);

/* world_consume.c */
bool needs_from(const struct line *line, struct consumable_needs *ret);
struct consumable_resource *consumable_from(const struct thing *thing);
enum done_result consumable_write(struct world *world, const struct action *action,
                                  struct answer *answer);
void log_consumable(struct world *world, const struct action *action);
void log_consumables(struct world *world);

/* world_shares.c */
struct scheduling_policy *policy_from(const struct thing *thing);
void shares_write(struct world *world, const struct action *action);
void log_shares(struct world *world);
void log_oversold(struct world *world, const struct thing *thing);

/* world_revisions.c */
struct job_definition *definition_from(const struct thing *thing); /* or a revision */
enum done_result definition_told(struct world *world, const struct action *action,
                                 struct answer *answer);
enum done_result revision_create(struct world *world, const struct action *action,
                                 struct answer *answer);
enum done_result revision_delete(struct world *world, const struct action *action);
char *revision_label(const struct job_definition *content, int64_t number); /* d:2 */
void log_revision(struct world *world, const struct action *action);
void log_definition(struct world *world, const struct action *action);

/* world_services.c */
struct node_service *service_from(const struct thing *thing);
enum done_result service_create(struct world *world, const struct action *action,
                                struct answer *answer);
enum done_result service_delete(struct world *world, const struct action *action);
void services_orphaned(struct world *world, const struct thing *job);

/* world_log.c */
void log_time(struct world *world);
void log_line(struct world *world, const char *format, ...) PRINTF_LIKE(2, 3);
void log_action(struct world *world, const struct action *action);
void log_breaches(struct world *world);
void log_why(struct world *world, const char *name);
void log_explain(struct world *world, const char *name);
void log_jobs(struct world *world);
void log_pods(struct world *world);
void log_tries(struct world *world, const char *name);
char *pod_label(const struct world_pod *pod);
char *action_label(const struct world *world, const struct action *action);

#endif
