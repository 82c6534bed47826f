/* SPDX-License-Identifier: Apache-2.0 */
/* nodes.c - nodes, DaemonSets, and the room that is left on each node
 *
 * Room = allocatable - every pod on the node that is not terminal (ours, foreign, static,
 * terminating, and those being created) - DaemonSet pods that will come. Neither a preset nodeName
 * nor the API server checks any of it, so this is where overcommitment is prevented. */
#include "assist.h"
#include "causes.h"
#include "clauses.h"
#include "gang.h"
#include "ladder.h"
#include "signals.h"

#include <stdlib.h>
#include <string.h>

struct core_node *node_named(struct core *core, const char *name, bool make)
{
    struct core_node *node = map_get(core->nodes, name);
    if (node == NULL && make) {
        node = mem_new(sizeof(*node));
        node->name = text_copy(name);
        node->idle_since_ns = core->now_ns;
        node->timer.kind = TIMER_NODE;
        map_put(core->nodes, name, node);
    }
    return node;
}

void node_settle(struct core *core, struct core_node *node)
{
    if (node->spec != NULL || node->pods != NULL || node->instance != NULL)
        return;
    slot_give(core, node);
    timer_clear(&core->timers, &node->timer);
    map_remove(core->nodes, node->name);
    penalties_done(core, node);
    free(node->name);
    free(node);
}

/* ----------------------------------------------------------------------- pods */

const struct amounts *pod_amounts(const struct core_pod *pod)
{
    return pod->own != NULL ? pod->own : pod->class_ != NULL ? &pod->class_->needs : NULL;
}

void node_pod_add(struct core *core, struct core_node *node, struct core_pod *pod)
{
    UNUSED(core);
    assert(pod->node == NULL);
    pod->node = node;
    pod->prev = NULL;
    pod->next = node->pods;
    if (node->pods != NULL)
        node->pods->prev = pod;
    node->pods = pod;
}

void node_pod_remove(struct core *core, struct core_pod *pod)
{
    struct core_node *node = pod->node;
    if (node == NULL)
        return;
    assert(!pod->counted);
    if (pod->prev != NULL)
        pod->prev->next = pod->next;
    else
        node->pods = pod->next;
    if (pod->next != NULL)
        pod->next->prev = pod->prev;
    pod->prev = pod->next = NULL;
    pod->node = NULL;
    if (pod->daemon_uid != NULL && node->spec != NULL)
        node_refresh(core, node);
    node_settle(core, node);
}

void node_count_pod(struct core *core, struct core_pod *pod, bool holds_room)
{
    struct core_node *node = pod->node;
    const struct amounts *amounts = pod_amounts(pod);
    if (pod->counted == holds_room || node == NULL)
        return;
    pod->counted = holds_room;
    if (amounts != NULL && holds_room)
        amounts_add(&node->used, amounts);
    else if (amounts != NULL)
        amounts_sub(&node->used, amounts);
    if (pod->daemon_uid != NULL && amounts != NULL && holds_room)
        amounts_add(&node->daemons, amounts);
    else if (pod->daemon_uid != NULL && amounts != NULL)
        amounts_sub(&node->daemons, amounts);
    if (pod->ours) {
        node->live += holds_room ? 1 : -1;
        node->alone += pod->alone ? (holds_room ? 1 : -1) : 0;
        if (node->live == 0) {
            node->idle_since_ns = core->now_ns;
            node_idle_timer(core, node);
        }
        core->counts.pods_live += holds_room ? 1 : -1;
    }
    struct core_environment *environment = node->environment;
    if (environment != NULL && pod->ours) {
        environment->pods_live += holds_room ? 1 : -1;
        if (amounts != NULL && holds_room)
            amounts_add(&environment->used, amounts);
        else if (amounts != NULL)
            amounts_sub(&environment->used, amounts);
        environment->status_dirty = true;
    }
    node_room_changed(core, node);
    /* A DaemonSet's pod is predicted until it is there. */
    if (pod->daemon_uid != NULL && node->spec != NULL)
        node_refresh(core, node);
}

/* ---------------------------------------------------------------- DaemonSets */

static bool has_daemon_pod(const struct core_node *node, const char *uid)
{
    for (const struct core_pod *pod = node->pods; pod != NULL; pod = pod->next) {
        if (pod->counted && pod->daemon_uid != NULL && strcmp(pod->daemon_uid, uid) == 0)
            return true;
    }
    return false;
}

void daemon_sets_reserve(struct core *core, const char *node_name, const struct key_values *labels,
                         const struct taints *taints, const struct core_node *node,
                         struct amounts *ret_sum)
{
    memset(ret_sum, 0, sizeof(*ret_sum));
    size_t at = 0;
    const struct core_daemon_set *set;
    while ((set = map_next(core->daemon_sets, &at, NULL)) != NULL) {
        if (set->spec->meta.deleted_ns != 0 ||
            !placement_matches(&set->spec->placement, node_name, labels))
            continue;
        if (taints_blocking(taints, &set->spec->placement.tolerations, NULL) != NULL)
            continue;
        if (node == NULL || !has_daemon_pod(node, set->uid))
            amounts_add(ret_sum, &set->needs);
    }
}

static void daemon_sets_changed(struct core *core)
{
    size_t at = 0;
    struct core_node *node;
    while ((node = map_next(core->nodes, &at, NULL)) != NULL) {
        if (node->environment != NULL && node->spec != NULL)
            node_refresh(core, node);
    }
    at = 0;
    struct core_environment *environment;
    while ((environment = map_next(core->environments, &at, NULL)) != NULL)
        types_refresh(core, environment);
}

static void daemon_set_free_record(struct core_daemon_set *set)
{
    daemon_set_free(set->spec);
    free(set->key);
    free(set->uid);
    free(set);
}

void daemon_set_apply(struct core *core, struct daemon_set *take_spec)
{
    AUTO_TEXT key = text_printf("%s/%s", take_spec->meta.namespace_, take_spec->meta.name);
    struct core_daemon_set *set = mem_new(sizeof(*set));
    set->key = text_copy(key);
    set->uid = text_copy(take_spec->meta.uid != NULL ? take_spec->meta.uid : "");
    set->spec = take_spec;
    amounts_from(core, &take_spec->placement.requests, &set->needs);
    set->needs.v[DIM_PODS] = 1;
    struct core_daemon_set *old = map_put(core->daemon_sets, key, set);
    /* Status updates of a DaemonSet are frequent and change nothing here. */
    bool same = old != NULL && old->spec->meta.generation == take_spec->meta.generation &&
                (old->spec->meta.deleted_ns != 0) == (take_spec->meta.deleted_ns != 0) &&
                strcmp(old->uid, set->uid) == 0;
    if (old != NULL)
        daemon_set_free_record(old);
    if (!same)
        daemon_sets_changed(core);
}

void daemon_set_gone(struct core *core, const char *key)
{
    struct core_daemon_set *set = map_remove(core->daemon_sets, key);
    if (set == NULL)
        return;
    daemon_set_free_record(set);
    daemon_sets_changed(core);
}

/* ----------------------------------------------------------------------- room */

/* Taints that a pod of ours gets by without a toleration of its own. */
const struct taint *node_blocking_taint(const struct core_node *node,
                                        const struct tolerations *tolerations)
{
    const struct taints *taints = &node->spec->taints;
    for (size_t i = 0; i < taints->count; i++) {
        const struct taint *taint = &taints->items[i];
        bool not_ready = strcmp(taint->key, "node.kubernetes.io/not-ready") == 0 &&
                         strcmp(taint->effect, "NoSchedule") == 0;
        bool ours = strcmp(taint->key, TAINT_ENVIRONMENT) == 0 && node->environment != NULL &&
                    text_eq(taint->value, node->environment->name);
        if (not_ready || ours || strcmp(taint->effect, "PreferNoSchedule") == 0)
            continue;
        if (!taint_tolerated(taint, tolerations))
            return taint;
    }
    return NULL;
}

bool node_ports_free(const struct core_node *node, const struct placement *placement)
{
    if (placement->host_port_count == 0)
        return true;
    for (const struct core_pod *pod = node->pods; pod != NULL; pod = pod->next) {
        const struct placement *other = pod->class_ != NULL ? &pod->class_->placement : NULL;
        const int32_t *ports = other != NULL ? other->host_ports : pod->host_ports;
        size_t count = other != NULL ? other->host_port_count : pod->host_port_count;
        for (size_t i = 0; pod->counted && i < count; i++) {
            for (size_t j = 0; j < placement->host_port_count; j++) {
                if (ports[i] == placement->host_ports[j])
                    return false;
            }
        }
    }
    return true;
}

bool node_has_none_of(const struct core_node *node, const struct core_class *class_)
{
    for (const struct core_pod *pod = node->pods; pod != NULL; pod = pod->next) {
        const struct core_class *other = pod->class_ != NULL ? pod->class_
                                         : pod->job != NULL  ? pod->job->class_
                                                             : NULL;
        if (pod->counted && other == class_)
            return false;
    }
    return true;
}

bool node_takes(const struct core_node *node, const struct core_class *class_)
{
    return node->spec != NULL && !node->kept_away &&
           placement_matches(&class_->placement, node->name, &node->spec->labels) &&
           !node_rests_for(node, class_) &&
           node_blocking_taint(node, &class_->placement.tolerations) == NULL &&
           node_ports_free(node, &class_->placement) &&
           (!class_->placement.apart || node_has_none_of(node, class_));
}

void node_free_amounts(const struct core_node *node, struct amounts *ret_free)
{
    *ret_free = node->capacity;
    amounts_sub(ret_free, &node->used);
    amounts_sub(ret_free, &node->reserved);
}

/* ----------------------------------------------------------------- membership */

bool node_is_verified(const struct core_node *node)
{
    const struct core_environment *environment = node->environment;
    if (environment == NULL || environment->spec == NULL || node->spec == NULL)
        return false;
    if (environment->spec->provider == PROVIDER_STATIC)
        return true; /* the label is the contract, as with AWS's unmanaged environments */
    return node->instance != NULL && node->instance->state <= INSTANCE_RUNNING;
}

static struct core_environment *labelled_environment(struct core *core, const struct node *spec)
{
    const char *name = spec != NULL ? key_values_get(&spec->labels, LABEL_ENVIRONMENT) : NULL;
    return name != NULL ? environment_named(core, name) : NULL;
}

static void set_environment(struct core *core, struct core_node *node,
                            struct core_environment *environment)
{
    if (node->environment == environment)
        return;
    slot_give(core, node);
    for (struct core_pod *pod = node->pods; pod != NULL; pod = pod->next) {
        if (!pod->ours || !pod->counted)
            continue;
        const struct amounts *amounts = pod_amounts(pod);
        if (node->environment != NULL) {
            node->environment->pods_live--;
            amounts_sub(&node->environment->used, amounts);
        }
        if (environment != NULL) {
            environment->pods_live++;
            amounts_add(&environment->used, amounts);
        }
    }
    node->environment = environment;
    struct core_instance *instance = node->instance;
    if (environment != NULL && instance != NULL && instance->environment != environment) {
        instance->node = NULL; /* the name belongs to a machine of another environment now */
        node->instance = NULL;
        instance_judge(instance);
    }
}

static bool learn_from(struct core_type *type, const struct core_node *node)
{
    bool changed = !type->has_learnt;
    for (size_t i = 0; i < DIM_MAX; i++) {
        if (type->has_learnt && type->learnt.v[i] <= node->capacity.v[i])
            continue;
        type->learnt.v[i] = node->capacity.v[i];
        changed = true;
    }
    type->has_learnt = true;
    return changed;
}

/* True: the types of its environment are known better now. */
static bool learn_type(const struct core_node *node)
{
    struct core_environment *environment = node->environment;
    bool changed = false;
    if (node->instance == NULL || environment == NULL || !node->spec->ready)
        return false;
    for (size_t i = 0; i < environment->type_count; i++) { /* in all zones alike */
        if (text_eq(environment->types[i].spec.name, node->instance->type) &&
            learn_from(&environment->types[i], node))
            changed = true;
    }
    return changed;
}

void nodes_teach(const struct core_environment *environment)
{
    for (size_t i = 0; i < environment->slot_count; i++) {
        if (environment->slots[i] != NULL && environment->slots[i]->spec != NULL)
            (void)learn_type(environment->slots[i]);
    }
}

/* By the instance id on its label, which is an identity; by name where the provider sets none. A
 * name may belong to two machines for a while, the one that died and the one that has it now. */
static struct core_instance *labelled_instance(const struct core_environment *environment,
                                               const struct core_node *node)
{
    const char *id = key_values_get(&node->spec->labels, LABEL_INSTANCE_ID);
    if (id == NULL)
        return environment_instance_of_node(environment, node->name);
    struct core_instance *instance = map_get(environment->instances_by_id, id);
    return instance != NULL && instance->state <= INSTANCE_RUNNING ? instance : NULL;
}

/* A machine whose type is not in the catalogue counts by its node, also when that has gone. */
static void count_by_node(const struct core_node *node)
{
    struct core_instance *instance = node->instance;
    int64_t vcpus = amounts_vcpus(&node->capacity);
    if (instance == NULL || instance->node_vcpus == vcpus)
        return;
    instance->node_vcpus = vcpus;
    environment_recount(instance->environment);
}

void node_refresh(struct core *core, struct core_node *node)
{
    struct core_environment *environment = labelled_environment(core, node->spec);
    set_environment(core, node, environment);
    if (environment == NULL || node->spec == NULL) {
        if (node->instance != NULL)
            instance_judge(node->instance);
        slot_give(core, node);
        return;
    }
    if (environment->spec != NULL && environment->spec->provider != PROVIDER_STATIC &&
        node->instance == NULL) {
        struct core_instance *instance = labelled_instance(environment, node);
        if (instance != NULL && instance->node == NULL) {
            instance->node = node;
            node->instance = instance;
            environment->buy_dirty = true;
            node_check_pods(core, node);
        } else if (instance == NULL) {
            environment->observe_wanted = true; /* labelled for us, but is it one of ours? ask */
        }
    }
    count_by_node(node);
    if (node->instance != NULL && node->spec->ready) {
        ladder_joined(core, node->instance);
        node->instance->ready_ns = core->now_ns;
    }
    daemon_sets_reserve(core, node->name, &node->spec->labels, &node->spec->taints, node,
                        &node->reserved);
    if (learn_type(node))
        types_refresh(core, environment);
    if (node->instance != NULL)
        instance_judge(node->instance);
    slot_take(core, environment, node);
    environment_shape(core, environment);
    node_idle_timer(core, node);
}

void node_apply(struct core *core, struct node *take_spec)
{
    struct core_node *node = node_named(core, take_spec->meta.name, true);
    bool known = node->spec != NULL;
    if (known && !text_eq(node->spec->meta.uid, take_spec->meta.uid)) {
        /* The name came back as another machine: whatever ran on the old one is lost. */
        node_gone(core, take_spec->meta.name);
        node = node_named(core, take_spec->meta.name, true);
        known = false;
    }
    bool ready_before = known && node->spec->ready;
    if (known)
        node_free(node->spec);
    else
        core->counts.nodes++;
    node->spec = take_spec;
    amounts_from(core, &take_spec->allocatable, &node->capacity);
    if (!known && node->instance != NULL) { /* of the node that had the name before */
        struct core_instance *before = node->instance;
        before->node = NULL;
        node->instance = NULL;
        instance_judge(before);
    }
    if (!known) {
        node->closed = false;
        node->told = SIGNAL_NONE;
        node->idle_since_ns = core->now_ns;
    }
    if (take_spec->ready && !ready_before) {
        penalties_pause(core, node);
        if (node->live == 0)
            node->idle_since_ns = core->now_ns; /* booting is not idling */
    }
    node_refresh(core, node);
    node_take_signal(core, node);
    if (!known)
        node_check_pods(core, node);
}

uint64_t uid_hash(const char *uid)
{
    return uid != NULL ? hash_bytes(uid, strlen(uid), 0) | 1 : 0;
}

enum { UID_ANOTHER = 2 }; /* no uid_hash() is even */

/* The scheduler binds to a name. Which Node that was then, a process that was not there can only
 * tell by the times: one that is younger was not it. One that is older was, also when it is heard
 * of after another that had the name before: the watch of nodes may be behind. */
void node_was_bound(struct core_pod *pod)
{
    const struct node *node = pod->node != NULL ? pod->node->spec : NULL;
    if (node == NULL || (pod->node_uid != 0 && !pod->named_only))
        return;
    int64_t bound_s = pod->scheduled_ns / NS_PER_S, came_s = node->meta.created_ns / NS_PER_S;
    if (pod->node_uid == 0)
        pod->node_uid = bound_s != 0 && came_s > bound_s ? UID_ANOTHER : uid_hash(node->meta.uid);
    else if (bound_s > came_s)
        pod->node_uid = uid_hash(node->meta.uid);
    pod->named_only = true;
}

/* Times have a grain of a second: of one and the same what was heard first was first. */
bool node_was_another(const struct core_pod *pod)
{
    const struct node *node = pod->node != NULL ? pod->node->spec : NULL;
    if (pod->told_on_another || pod->deleted_ns == 0 || node == NULL || pod->node_uid == 0 ||
        pod->node_uid == uid_hash(node->meta.uid))
        return pod->told_on_another;
    int64_t came_s = node->meta.created_ns / NS_PER_S, told_s = pod->deleted_ns / NS_PER_S;
    return came_s < told_s || (came_s == told_s && !pod->told_on_own);
}

/* Is the machine that the pod was placed on certainly gone? Yes when its Node is gone and the
 * provider says that the machine is too (for machines that we did not buy, pod GC tells, by failing
 * the pod). Yes when another machine, bought later, has the Node's name now: a name is not an
 * identity. When only the Node's UID is another, it may be the same machine that registered anew;
 * then the pod is stopped, and its kubelet confirms. */
void node_check_lost(struct core *core, struct core_pod *pod)
{
    struct core_node *node = pod->node;
    if (!core->synced || node == NULL || pod->state != PODS_LIVE || pod_is_afloat(pod))
        return;
    if (node->spec == NULL) {
        pod->told_on_own = pod->deleted_ns != 0 && !pod->told_on_another;
        if (node->was_managed &&
            (node->instance == NULL || node->instance->state == INSTANCE_TERMINATED))
            pod_lost(core, pod);
        return;
    }
    node_was_bound(pod);
    if (pod->node_uid == uid_hash(node->spec->meta.uid)) {
        pod->told_on_own = pod->deleted_ns != 0;
        return;
    }
    pod->told_on_another = node_was_another(pod);
    /* What the scheduler bound may have waited for this very machine. */
    int64_t placed_ns = pod->scheduled_ns != 0 ? pod->scheduled_ns : pod->created_ns;
    if (node->instance != NULL && node->instance->launched_ns > placed_ns)
        pod_lost(core, pod);
    else if (pod->deleted_ns == 0 || pod->told_on_another) /* else it is stopped already, for */
        pod_kill(core, pod, KILL_HOST);                    /* something else */
}

bool node_is_another(const struct core_pod *pod)
{
    const struct core_node *node = pod->node;
    return pod->given_up && node != NULL && node->spec != NULL &&
           pod->node_uid != uid_hash(node->spec->meta.uid);
}

/* The scheduler binds to a name. A kubelet that comes under that name takes in what it finds. */
static void recount_given_up(struct core *core, struct core_node *node)
{
    for (struct core_pod *pod = node->pods; pod != NULL; pod = pod->next) {
        if (node_is_another(pod))
            node_count_pod(core, pod, true);
    }
}

void node_check_pods(struct core *core, struct core_node *node)
{
    struct core_pod *next;
    recount_given_up(core, node);
    for (struct core_pod *pod = node->pods; pod != NULL; pod = next) {
        next = pod->next;
        if (pod->ours)
            node_check_lost(core, pod);
    }
}

void node_gone(struct core *core, const char *name)
{
    struct core_node *node = map_get(core->nodes, name);
    if (node == NULL || node->spec == NULL)
        return;
    core->counts.nodes--;
    struct core_environment *environment = node->environment;
    struct core_instance *instance = node->instance;
    node->was_managed = instance != NULL;
    gang_node_gone(core, node);
    assist_node_gone(core, node);
    slot_give(core, node);
    node_free(node->spec);
    node->spec = NULL;
    node->closed = true;
    if (instance != NULL)
        instance_judge(instance);
    penalties_done(core, node);
    kept_node_gone(core, node);
    timer_clear(&core->timers, &node->timer);
    if (environment != NULL) {
        environment->observe_wanted = environment->observe_wanted || instance != NULL;
        environment_touch(core, environment);
        environment_shape(core, environment);
    }
    if (instance != NULL && instance->state == INSTANCE_TERMINATED)
        node_lost_pods(core, node);
    set_environment(core, node, NULL);
    node_settle(core, node);
}

/* The scheduler may have bound a pod to the Node of another machine that has the name now, of which
 * nobody has heard yet: that Node tells whose it is, or its end. */
static bool may_be_of_another(const struct core_node *node, const struct core_pod *pod)
{
    const struct core_instance *instance = pod->named_only ? node->instance : NULL;
    const struct core_instance *other = instance != NULL ? instance->environment->instances : NULL;
    while (other != NULL && (other == instance || other->state >= INSTANCE_TERMINATING ||
                             !text_eq(other->node_name, node->name)))
        other = other->next;
    return other != NULL;
}

void node_lost_pods(struct core *core, struct core_node *node)
{
    struct core_pod *next;
    for (struct core_pod *pod = node->pods; pod != NULL; pod = next) {
        next = pod->next;
        if (!may_be_of_another(node, pod))
            pod_lost(core, pod);
    }
}

/* --------------------------------------------------------------------- timer */

/* It has one timer: for the end of a rest, and for having been idle for long. */
void node_wake_by(struct core *core, struct core_node *node, int64_t due_ns)
{
    int64_t rested_ns = penalties_next_ns(node);
    timer_set(&core->timers, &node->timer, rested_ns < due_ns ? rested_ns : due_ns);
}

void node_idle_timer(struct core *core, struct core_node *node)
{
    struct core_environment *environment = node->environment;
    if (environment == NULL || environment->spec == NULL || node->live > 0 || node->gang != NULL ||
        node->closed || node_rests(node))
        return;
    /* Then nothing is kept for later work. */
    bool going = environment->spec->meta.deleted_ns != 0 || node_signal(node) != SIGNAL_NONE;
    if (environment->spec->provider != PROVIDER_STATIC)
        node_wake_by(core, node,
                     node->idle_since_ns + (going ? 0 : environment->spec->scale_down_delay_ns));
}

void node_timer(struct core *core, struct core_node *node)
{
    struct core_environment *environment = node->environment;
    bool rested = penalties_end(core, node);
    if (penalties_next_ns(node) != INT64_MAX)
        node_wake_by(core, node, INT64_MAX);
    if (environment == NULL)
        return;
    if (!rested) {
        environment->give_back_dirty = true;
        return;
    }
    node_room_changed(core, node);
    environment_touch(core, environment); /* it may take a class again: no room has grown */
    node_idle_timer(core, node);
}
