/* SPDX-License-Identifier: Apache-2.0 */
/* instances.c - compute environments and their machines, as their providers tell of them
 *
 * A machine counts against maxvCpus from the moment it is asked for until the provider says that it
 * is gone, or has left it out of two answers in a row that were asked for after the machine was
 * known. */
#include "charge.h"
#include "expect.h"
#include "ladder.h"
#include "signals.h"
#include "spot.h"
#include "strategy.h"

#include <stdlib.h>
#include <string.h>

enum { TYPES_PERIOD_S = 300 }; /* between two questions for what moves */

struct core_environment *environment_named(struct core *core, const char *name)
{
    return map_get(core->environments, name);
}

void environment_touch(struct core *core, struct core_environment *environment)
{
    core->any_dirty = environment->dirty = true;
    environment->status_dirty = true;
}

void environment_shape(struct core *core, struct core_environment *environment)
{
    environment->shape++;
    core->shape_changed = true;
    environment_touch(core, environment);
}

/* --------------------------------------------------------------------- types */

struct core_type *environment_type_in(const struct core_environment *environment, const char *name,
                                      const char *zone)
{
    struct core_type *found = NULL;
    for (size_t i = 0; name != NULL && i < environment->type_count; i++) {
        struct core_type *type = &environment->types[i];
        if (strcmp(type->spec.name, name) != 0)
            continue;
        if (zone == NULL || text_eq(type->zone, zone))
            return type;
        found = found != NULL ? found : type;
    }
    return found;
}

struct core_type *environment_type(const struct core_environment *environment, const char *name)
{
    return environment_type_in(environment, name, NULL);
}

static void types_free(struct core_type *types, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        instance_type_done(&types[i].spec);
        key_values_done(&types[i].labels);
    }
    free(types);
}

static bool is_wanted(const struct compute_environment *spec, const struct instance_type *type)
{
    for (size_t i = 0; i < spec->instance_types.count; i++) {
        if (instance_type_is(type, spec->instance_types.items[i]))
            return true;
    }
    return spec->instance_types.count == 0;
}

void types_refresh(struct core *core, struct core_environment *environment)
{
    struct taint ours = {.key = (char *)(uintptr_t)TAINT_ENVIRONMENT,
                         .value = environment->name,
                         .effect = (char *)(uintptr_t) "NoSchedule"};
    struct taints taints = {&ours, 1};
    for (size_t i = 0; i < environment->type_count; i++) {
        struct core_type *type = &environment->types[i];
        struct amounts daemons;
        type->wanted = environment->spec != NULL && is_wanted(environment->spec, &type->spec);
        daemon_sets_reserve(core, "", &type->labels, &taints, NULL, &daemons);
        if (type->has_learnt)
            type->room = type->learnt;
        else
            amounts_from(core, &type->spec.capacity, &type->room);
        amounts_sub(&type->room, &daemons);
        type_refresh_price(environment, type);
    }
    environment_shape(core, environment);
    environment->buy_dirty = true;
    expect_changed(core, environment);
}

bool type_matches(const struct core_environment *environment, const struct core_type *type,
                  const struct core_class *class_)
{
    UNUSED(environment);
    return placement_matches(&class_->placement, "", &type->labels);
}

static bool same_capacity(const struct resources *a, const struct resources *b)
{
    bool same = a->cpu_milli == b->cpu_milli && a->memory_bytes == b->memory_bytes &&
                a->ephemeral_bytes == b->ephemeral_bytes && a->pods == b->pods &&
                a->extended_count == b->extended_count;
    for (size_t i = 0; same && i < a->extended_count; i++)
        same = resources_get(b, a->extended[i].name) == a->extended[i].amount;
    return same;
}

static bool same_texts(const struct text_list *a, const struct text_list *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = strcmp(a->items[i], b->items[i]) == 0;
    return same;
}

static bool same_offer(const struct instance_type *a, const struct instance_type *b)
{
    return strcmp(a->name, b->name) == 0 && a->vcpus == b->vcpus && a->price == b->price &&
           a->spot_price == b->spot_price && a->interruption == b->interruption &&
           text_eq(a->arch, b->arch) && same_texts(&a->zones, &b->zones) &&
           same_capacity(&a->capacity, &b->capacity);
}

/* A type is there once for each of its zones, one after the other. */
static size_t times_there(const struct instance_type *offer)
{
    return offer->zones.count > 0 ? offer->zones.count : 1;
}

static size_t types_there(const struct done *done)
{
    size_t count = 0;
    for (size_t i = 0; i < done->type_count; i++)
        count += times_there(&done->types[i]);
    return count;
}

static bool same_offers(const struct core_environment *environment, const struct done *done)
{
    bool same = environment->types_known && environment->type_count == types_there(done);
    for (size_t i = 0, at = 0; same && i < done->type_count; i++) {
        same = same_offer(&environment->types[at].spec, &done->types[i]);
        at += times_there(&done->types[i]);
    }
    return same;
}

static void type_open(const struct core_environment *environment, struct core_type *type,
                      const struct instance_type *offer, size_t zone)
{
    instance_type_copy(&type->spec, offer);
    type->zone = zone < offer->zones.count ? type->spec.zones.items[zone] : NULL;
    key_values_set(&type->labels, LABEL_ENVIRONMENT, environment->name);
    key_values_set(&type->labels, LABEL_INSTANCE_TYPE, type->spec.name);
    key_values_set(&type->labels, "kubernetes.io/arch",
                   type->spec.arch != NULL ? type->spec.arch : "amd64");
    key_values_set(&type->labels, "kubernetes.io/os", "linux");
    if (type->zone != NULL)
        key_values_set(&type->labels, LABEL_ZONE, type->zone);
}

/* What was learnt stays, unless the catalogue has changed. */
static void type_remember(struct core_type *type, const struct core_type *old)
{
    bool same = strcmp(old->spec.name, type->spec.name) == 0 && text_eq(old->zone, type->zone) &&
                old->spec.capacity.cpu_milli == type->spec.capacity.cpu_milli &&
                old->spec.capacity.memory_bytes == type->spec.capacity.memory_bytes;
    if (!same)
        return;
    type->has_learnt = old->has_learnt;
    type->learnt = old->learnt;
    type->out_until_ns = old->out_until_ns;
    type->out_level = old->out_level;
    type->boot_ns = old->boot_ns;
    type->boots = old->boots;
}

static void types_take(struct core *core, struct core_environment *environment,
                       const struct done *done)
{
    environment->types_next_ns = core->now_ns + TYPES_PERIOD_S * NS_PER_S;
    if (same_offers(environment, done))
        return;
    struct core_type *old = environment->types;
    size_t old_count = environment->type_count;
    environment->type_count = types_there(done);
    environment->types = mem_new((environment->type_count + 1) * sizeof(*environment->types));
    for (size_t i = 0, at = 0; i < done->type_count; i++) {
        for (size_t z = 0; z < times_there(&done->types[i]); z++, at++) {
            type_open(environment, &environment->types[at], &done->types[i], z);
            for (size_t o = 0; o < old_count; o++)
                type_remember(&environment->types[at], &old[o]);
        }
    }
    types_free(old, old_count);
    if (!environment->types_known)
        nodes_teach(environment);
    environment->types_known = true;
    types_refresh(core, environment);
    environment->buy_dirty = true;    /* something may be cheap enough now */
    environment_recount(environment); /* a machine has its type's vCPUs, once that is known */
}

/* ------------------------------------------------------------------ instances */

struct core_instance *environment_instance_of_node(const struct core_environment *environment,
                                                   const char *node_name)
{
    for (struct core_instance *i = environment->instances; i != NULL; i = i->next) {
        if (i->node_name != NULL && strcmp(i->node_name, node_name) == 0 &&
            i->state <= INSTANCE_RUNNING)
            return i;
    }
    return NULL;
}

int64_t instance_vcpus(const struct core_instance *instance)
{
    const struct core_type *type = environment_type(instance->environment, instance->type);
    return type != NULL ? type->spec.vcpus : instance->node_vcpus;
}

void environment_recount(struct core_environment *environment)
{
    int64_t sum = 0;
    for (const struct core_instance *i = environment->instances; i != NULL; i = i->next)
        sum += instance_vcpus(i);
    for (const struct core_launch *launch = environment->launches; launch != NULL;
         launch = launch->next)
        sum += launch->vcpus;
    environment->vcpus = sum;
    environment->status_dirty = true;
}

static void attach(struct core *core, struct core_instance *instance)
{
    struct core_node *node =
        instance->node_name != NULL ? map_get(core->nodes, instance->node_name) : NULL;
    if (node == NULL || node->instance != NULL || instance->node != NULL)
        return;
    if (node->spec != NULL)
        node_refresh(core, node); /* attaches, if the node is labelled for the environment */
}

bool instance_moves(const struct core_instance *instance)
{
    return instance->state >= INSTANCE_TERMINATING || !instance_ready(instance) ||
           instance->missing > 0 || instance->signal == SIGNAL_INTERRUPTION;
}

void instance_judge(struct core_instance *instance)
{
    bool moves = instance_moves(instance);
    instance->environment->moving += (int64_t)moves - (int64_t)instance->moves;
    instance->moves = moves;
}

static struct core_instance *instance_take(struct core *core, struct core_environment *environment,
                                           const struct instance *told)
{
    struct core_instance *instance = map_get(environment->instances_by_id, told->id);
    bool known = instance != NULL;
    if (instance == NULL) {
        if (told->state == INSTANCE_TERMINATED)
            return NULL;
        instance = mem_new(sizeof(*instance));
        instance->environment = environment;
        instance->id = text_copy(told->id);
        instance->launched_ns = told->launched_ns != 0 ? told->launched_ns : core->now_ns;
        instance->next = environment->instances;
        if (environment->instances != NULL)
            environment->instances->prev = instance;
        environment->instances = instance;
        environment->instance_count++;
        map_put(environment->instances_by_id, instance->id, instance);
        environment->buy_dirty = true;
    }
    if (told->type != NULL)
        text_set(&instance->type, told->type);
    if (told->node_name != NULL && instance->node == NULL)
        text_set(&instance->node_name, told->node_name);
    instance->seen_ns = core->now_ns;
    instance->missing = 0;
    if (known && told->state >= INSTANCE_TERMINATING && instance->state <= INSTANCE_RUNNING)
        spot_interrupted(core, instance);
    if (told->state > instance->state)
        instance->state = told->state;
    instance_take_signal(core, instance, told);
    if (instance->state >= INSTANCE_TERMINATING && instance->node != NULL &&
        !instance->node->closed) {
        instance->node->closed = true; /* someone else told it to go */
        node_room_changed(core, instance->node);
    }
    attach(core, instance);
    ladder_look(core, instance);
    instance_judge(instance);
    return instance;
}

/* Drops the record; what became of the machine is not known (its environment is gone) or told by
 * the caller. */
void instance_forget(struct core *core, struct core_instance *instance)
{
    struct core_environment *environment = instance->environment;
    struct core_node *node = instance->node;
    map_remove(environment->instances_by_id, instance->id);
    if (instance->prev != NULL)
        instance->prev->next = instance->next;
    else
        environment->instances = instance->next;
    if (instance->next != NULL)
        instance->next->prev = instance->prev;
    environment->instance_count--;
    environment->moving -= instance->moves;
    if (node != NULL) {
        node->closed = true;
        node->instance = NULL;
        node->was_managed = true;
        node_room_changed(core, node);
        node_settle(core, node);
    }
    free(instance->id);
    free(instance->type);
    free(instance->node_name);
    free(instance->zone);
    free(instance);
}

void instance_remove(struct core *core, struct core_instance *instance)
{
    struct core_environment *environment = instance->environment;
    if (instance->node != NULL)
        node_lost_pods(core, instance->node); /* while the instance can still be named */
    if (environment->launches_in_flight > 0) {
        if (environment->left == NULL)
            environment->left = map_new();
        map_put(environment->left, instance->id, environment);
    }
    instance_forget(core, instance);
    environment->buy_dirty = true;
    environment_touch(core, environment);
    environment_recount(environment);
}

static void type_set_aside(struct core *core, struct core_environment *environment,
                           const char *name, const char *zone)
{
    enum { LEVEL_MAX = 6 };
    struct core_type *type = environment_type_in(environment, name, zone);
    if (type == NULL)
        return;
    type->out_until_ns =
        core->now_ns + (15 * NS_PER_S << type->out_level); /* 15 s doubling to 16 min */
    if (type->out_level < LEVEL_MAX)
        type->out_level++;
    environment->buy_dirty = true;
}

bool instance_ready(const struct core_instance *instance)
{
    return instance->node != NULL && instance->node->spec != NULL && instance->node->spec->ready;
}

bool instance_coming(const struct core_instance *instance)
{
    return !instance->joined && instance->state <= INSTANCE_RUNNING &&
           instance->signal == SIGNAL_NONE && !instance_ready(instance);
}

/* It has not joined in time, or its node has gone or not been Ready for as long. Under a running
 * pod, as far as that can be known, it stays: the Node must be gone for that. */
static bool is_useless(const struct core *core, const struct core_instance *instance)
{
    if (instance->state > INSTANCE_RUNNING || instance_ready(instance))
        return false;
    const struct core_node *node = instance->node;
    if (node != NULL && node->spec != NULL && node->live > 0)
        return false;
    int64_t since_ns =
        instance->ready_ns > instance->launched_ns ? instance->ready_ns : instance->launched_ns;
    return core->now_ns - since_ns > core->options.boot_deadline_ns;
}

/* maxvCpus may have been lowered since the launch was planned. */
bool launch_is_allowed(const struct core_environment *environment)
{
    return environment_usable(environment) && environment->vcpus <= environment->spec->max_vcpus;
}

/* A launch whose answer was lost is asked for again, with its token, while it is still allowed. If
 * not, this answer, sent for some time after, has shown all machines that it may have made. */
static void drop_unresolved(struct core_environment *environment)
{
    if (launch_is_allowed(environment) || environment->launches_in_flight > 0 ||
        environment->observe_sent_ns < environment->launch_next_ns)
        return;
    while (environment->launches != NULL) {
        struct core_launch *launch = environment->launches;
        environment->launches = launch->next;
        launch_free(launch);
    }
    environment->give_back_dirty = true;
}

static void observe_take(struct core *core, struct core_environment *environment,
                         const struct done *done)
{
    for (size_t i = 0; done->instances != NULL && i < done->instances->count; i++)
        instance_take(core, environment, &done->instances->items[i]);
    signals_notice(core, environment);
    struct core_instance *next;
    for (struct core_instance *instance = environment->instances; instance != NULL;
         instance = next) {
        next = instance->next;
        if (instance->seen_ns < core->now_ns && instance->seen_ns < environment->observe_sent_ns)
            instance->missing++;
        /* One answer is never enough: it may leave out what runs. Of what was told to go the next
         * is asked for at once. */
        if (instance->missing == 1 && instance->state >= INSTANCE_TERMINATING)
            environment->observe_wanted = true;
        if (instance->state == INSTANCE_TERMINATED || instance->missing >= 2) {
            if (instance->state <= INSTANCE_RUNNING)
                spot_interrupted(core, instance);
            instance->state = INSTANCE_TERMINATED;
            instance_remove(core, instance);
            continue;
        }
        if (instance_ready(instance)) {
            ladder_joined(core, instance);
            instance->ready_ns = core->now_ns;
        }
        if (is_useless(core, instance)) {
            type_set_aside(core, environment, instance->type, instance->zone);
            instance->state = INSTANCE_TERMINATING;
            environment->terminate_wanted = true;
            text_set(&environment->provider_words, "a machine was given back because its node did "
                                                   "not join, or was not Ready for too long");
        }
        instance_judge(instance);
    }
    environment->observed = true;
    environment->observed_ns = environment->observe_sent_ns;
    drop_unresolved(environment);
    environment_recount(environment);
    environment_touch(core, environment);
}

static struct core_launch *launch_take(struct core_environment *environment, const char *token)
{
    for (struct core_launch **link = &environment->launches; *link != NULL; link = &(*link)->next) {
        struct core_launch *launch = *link;
        if (strcmp(launch->token, token) != 0)
            continue;
        *link = launch->next;
        return launch;
    }
    return NULL;
}

void launch_free(struct core_launch *launch)
{
    free(launch->type);
    free(launch->zone);
    free(launch->token);
    free(launch);
}

/* Where it was asked for, unless its provider says where it is. */
static void instance_zone(struct core_instance *instance, const char *zone)
{
    if (instance != NULL && instance->zone == NULL && zone != NULL)
        text_set(&instance->zone, zone);
}

static void launch_take_answer(struct core *core, struct core_environment *environment,
                               const char *token, const struct done *done)
{
    struct core_launch *launch = launch_take(environment, token);
    if (launch == NULL)
        return;
    for (size_t i = 0; done->instances != NULL && i < done->instances->count; i++) {
        const struct instance *told = &done->instances->items[i];
        if (environment->left == NULL || map_get(environment->left, told->id) == NULL)
            instance_zone(instance_take(core, environment, told), launch->zone);
    }
    signals_notice(core, environment);
    if (done->provider == PROVIDER_AGAIN) { /* it may have happened: the same token again */
        launch->in_flight = false;
        launch->next = environment->launches;
        environment->launches = launch;
        environment->launch_next_ns = core->now_ns + 2 * NS_PER_S;
        text_set(&environment->provider_words, done->message);
    } else {
        struct core_type *type = environment_type_in(environment, launch->type, launch->zone);
        if (done->provider == PROVIDER_CAPACITY && type != NULL && done->instances != NULL &&
            done->instances->count > 0)
            type->out_level = 0; /* it has some: it is asked again soon */
        if (done->provider == PROVIDER_CAPACITY)
            type_set_aside(core, environment, launch->type, launch->zone);
        else if (done->provider == PROVIDER_OK && type != NULL)
            type->out_level = 0;
        text_set(&environment->provider_words,
                 done->provider == PROVIDER_OK ? NULL : done->message);
        launch_free(launch);
        environment->buy_dirty = true;
    }
    environment_recount(environment);
    environment_touch(core, environment);
}

/* A group that is misconfigured is asked on: what was wrong (a right, a program, a quota) may be
 * mended outside the spec. A good answer to the verb that failed clears it; for launches, which are
 * not made meanwhile, any good look at the group after a minute does. */
static void judge_group(struct core *core, struct core_environment *environment,
                        enum action_kind kind, bool failed, const struct done *done)
{
    const char *error = done->provider == PROVIDER_INVALID ? done->message : NULL;
    bool good = !failed && done->provider == PROVIDER_OK;
    bool clears = good && (kind == environment->provider_error_verb ||
                           (kind == ACTION_PROVIDER_OBSERVE &&
                            core->now_ns - environment->provider_error_ns >= 60 * NS_PER_S));
    if (error != NULL) {
        environment->provider_error_verb = kind;
        environment->provider_error_ns = core->now_ns;
    } else if (!clears) {
        return;
    }
    if (text_eq(error, environment->provider_error))
        return;
    text_set(&environment->provider_error, error);
    environment_shape(core, environment);
    queues_look(core);
}

void provider_done(struct core *core, struct flight *flight, struct done *done)
{
    struct core_environment *environment = flight->object;
    enum action_kind kind = flight->kind;
    AUTO_TEXT token = STEAL(flight->text);
    flight_end(core, flight);
    if (kind == ACTION_PROVIDER_LAUNCH)
        environment->launches_in_flight--;
    if (!environment->present) {
        environment_free_if_unused(core, environment);
        return;
    }
    bool failed = done->result != DONE_OK || done->provider == PROVIDER_AGAIN;
    environment_heard(core, environment, kind, failed);
    if (done->result != DONE_OK)
        done->provider = PROVIDER_AGAIN;
    if (kind == ACTION_PROVIDER_TYPES) {
        environment->types_in_flight = false;
        if (failed || done->provider != PROVIDER_OK)
            environment->types_next_ns = core->now_ns + 5 * NS_PER_S;
        else
            types_take(core, environment, done);
    } else if (kind == ACTION_PROVIDER_OBSERVE) {
        environment->observe_in_flight = false;
        if (!failed && done->provider == PROVIDER_OK)
            observe_take(core, environment, done);
    } else if (kind == ACTION_PROVIDER_LAUNCH) {
        launch_take_answer(core, environment, token, done);
        if (environment->launches_in_flight == 0)
            environment->left = map_free(environment->left);
    } else {
        bool accepted = !failed && done->provider == PROVIDER_OK;
        environment->terminate_in_flight = false;
        for (struct core_instance *i = environment->instances; i != NULL; i = i->next) {
            if (i->state == INSTANCE_TERMINATING && i->terminate_asked)
                i->terminate_asked = accepted;
        }
        environment->terminate_wanted = environment->terminate_wanted || !accepted;
        environment->terminate_next_ns = accepted ? 0 : core->now_ns + (failed ? 2 : 5) * NS_PER_S;
        environment->observe_wanted = true;
    }
    charge_look(core, environment);
    spot_look(core, environment);
    judge_group(core, environment, kind, failed, done);
    if (failed && kind != ACTION_PROVIDER_LAUNCH)
        text_set(&environment->provider_words, done->message);
    environment->status_dirty = true;
}
