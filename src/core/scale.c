/* SPDX-License-Identifier: Apache-2.0 */
/* scale.c - calls to the providers of machines, and their pace
 *
 * What is to be launched was decided in buy.c, what is to be terminated in giveback.c. One call of
 * a kind at a time for an environment, and at most one launch a second: if it comes to nothing,
 * what is behind in the queue is not bought for. The types of one mixture are one decision for all
 * of the work, and are asked for together. */
#include "buyer.h"

#include <stdlib.h>

enum { TERMINATE_MAX = 500, TOGETHER_MAX = 16 };

static void plan_terminate(struct core *core, struct core_environment *environment)
{
    if (!environment->terminate_wanted || environment->terminate_in_flight ||
        environment->terminate_next_ns > core->now_ns)
        return;
    environment->terminate_wanted = false;
    const char **ids = arena_alloc(core->arena, TERMINATE_MAX * sizeof(*ids));
    size_t count = 0;
    for (struct core_instance *i = environment->instances; i != NULL; i = i->next) {
        if (i->state != INSTANCE_TERMINATING || i->terminate_asked)
            continue;
        if (count == TERMINATE_MAX) {
            environment->terminate_wanted = true;
            break;
        }
        i->terminate_asked = true;
        ids[count++] = arena_copy(core->arena, i->id);
    }
    if (count == 0)
        return;
    struct action *action = action_new(core, ACTION_PROVIDER_TERMINATE, environment);
    action->environment = environment->name;
    action->ids = ids;
    action->id_count = count;
    environment->terminate_in_flight = true;
}

static void send_launch(struct core *core, struct core_environment *environment,
                        struct core_launch *launch)
{
    struct action *action = action_new(core, ACTION_PROVIDER_LAUNCH, environment);
    action->environment = environment->name;
    action->instance_type = arena_copy(core->arena, launch->type);
    action->zone = arena_copy(core->arena, launch->zone);
    action->token = arena_copy(core->arena, launch->token);
    action->count = launch->count;
    flight_find(core, action->id)->text = text_copy(launch->token);
    launch->in_flight = launch->sent = true;
    environment->launches_in_flight++;
}

/* One call, and with it those for the rest of its mixture. */
static void plan_launch(struct core *core, struct core_environment *environment)
{
    struct core_launch *launch = environment->launches;
    if (launch == NULL || environment->launches_in_flight > 0 ||
        environment->launch_next_ns > core->now_ns || !launch_is_allowed(environment))
        return;
    send_launch(core, environment, launch);
    for (int sent = 1; launch->together && launch->next != NULL && sent < TOGETHER_MAX; sent++) {
        launch = launch->next;
        send_launch(core, environment, launch);
    }
    environment->launch_next_ns = core->now_ns + NS_PER_S;
    environment->status_dirty = true;
}

bool environment_wants_last_look(const struct core_environment *environment)
{
    return environment->spec->provider != PROVIDER_STATIC &&
           environment->spec->meta.deleted_ns != 0 &&
           environment->observed_ns < environment->late_until_ns;
}

static bool moves(const struct core_environment *environment)
{
    return environment->launches != NULL || environment->provider_error != NULL ||
           environment->moving > 0 || environment_wants_last_look(environment);
}

/* Spot prices move: who sells them is asked now and then. A catalogue moves with its spec. */
static bool prices_move(const struct core_environment *environment)
{
    return environment->spec->spot && environment->spec->provider == PROVIDER_COMMAND;
}

/* A spot notice leaves two minutes: it is of use only when it is heard soon. */
static int64_t observe_period_ns(const struct core *core,
                                 const struct core_environment *environment)
{
    int64_t period_ns = core->options.observe_period_ns;
    if (moves(environment))
        return 5 * NS_PER_S;
    bool spot = environment->spec->spot && environment->instance_count > 0;
    return spot && period_ns > 15 * NS_PER_S ? 15 * NS_PER_S : period_ns;
}

static void plan_questions(struct core *core, struct core_environment *environment)
{
    if ((!environment->types_known || prices_move(environment)) && !environment->types_in_flight &&
        environment->types_next_ns <= core->now_ns) {
        action_new(core, ACTION_PROVIDER_TYPES, environment)->environment = environment->name;
        environment->types_in_flight = true;
    }
    bool due =
        environment->observe_next_ns <= core->now_ns ||
        (environment->observe_wanted && environment->observe_sent_ns + NS_PER_S <= core->now_ns);
    if (environment->observe_in_flight || !due)
        return;
    action_new(core, ACTION_PROVIDER_OBSERVE, environment)->environment = environment->name;
    environment->observe_in_flight = true;
    environment->observe_wanted = false;
    environment->observe_sent_ns = core->now_ns;
    environment->observe_next_ns = core->now_ns + observe_period_ns(core, environment);
}

static void sooner(int64_t *due, int64_t at)
{
    if (at < *due)
        *due = at;
}

/* A provider that cannot be asked for so long may be away for long: work does not wait for it. A
 * good answer to the same question ends that; for launches, that there is none to ask for. */
enum { SILENT_S = 60 };

void environment_heard(struct core *core, struct core_environment *environment,
                       enum action_kind verb, bool failed)
{
    bool same =
        verb == environment->silent_verb ||
        (environment->silent_verb == ACTION_PROVIDER_LAUNCH && environment->launches == NULL);
    if (failed && environment->silent_since_ns == 0 && verb != ACTION_PROVIDER_TERMINATE) {
        environment->silent_since_ns = core->now_ns;
        environment->silent_verb = verb;
    } else if (!failed && same && environment->silent_since_ns != 0) {
        environment->silent_since_ns = 0;
        environment->buy_dirty = environment->buy_dirty || environment->silent_told;
        environment->silent_told = false;
    }
}

bool environment_is_silent(const struct core *core, const struct core_environment *environment)
{
    return environment->silent_since_ns != 0 &&
           core->now_ns - environment->silent_since_ns >= SILENT_S * NS_PER_S;
}

int64_t environment_wake_ns(const struct core *core, const struct core_environment *environment)
{
    int64_t due = INT64_MAX;
    if (environment->spec == NULL || environment->spec->provider == PROVIDER_STATIC)
        return due;
    if ((!environment->types_known || prices_move(environment)) && !environment->types_in_flight)
        sooner(&due, environment->types_next_ns);
    if (!environment->observe_in_flight) {
        sooner(&due, environment->observe_next_ns);
        if (environment->observe_wanted)
            sooner(&due, environment->observe_sent_ns + NS_PER_S);
        if (moves(environment))
            sooner(&due, environment->observe_sent_ns + 5 * NS_PER_S);
    }
    if (environment->launches_in_flight == 0 && environment->launches != NULL &&
        launch_is_allowed(environment))
        sooner(&due, environment->launch_next_ns);
    if ((environment->terminate_wanted || environment->give_back_dirty) &&
        !environment->terminate_in_flight)
        sooner(&due, environment->terminate_next_ns);
    if (environment->buy_dirty && environment_can_buy(environment) &&
        environment->launches_in_flight == 0) {
        int64_t at = environment->buy_next_ns;
        sooner(&due, at > environment->launch_next_ns ? at : environment->launch_next_ns);
    }
    sooner(&due, give_way_due_ns(environment));
    if (environment->silent_since_ns != 0 && !environment->silent_told)
        sooner(&due, environment->silent_since_ns + SILENT_S * NS_PER_S);
    for (size_t i = 0; i < environment->type_count; i++) {
        if (environment->types[i].out_until_ns > core->now_ns)
            sooner(&due, environment->types[i].out_until_ns);
    }
    return due;
}

static void types_come_back(struct core *core, struct core_environment *environment)
{
    for (size_t i = 0; i < environment->type_count; i++) {
        struct core_type *type = &environment->types[i];
        if (type->out_until_ns == 0 || type->out_until_ns > core->now_ns)
            continue;
        type->out_until_ns = 0;
        environment->buy_dirty = true;
    }
}

void environment_timer(struct core *core, struct core_environment *environment)
{
    types_come_back(core, environment);
    if (environment->silent_told || !environment_is_silent(core, environment))
        return;
    environment->silent_told = true;
    environment_touch(core, environment); /* who waits for it looks elsewhere */
}

void scale_plan(struct core *core)
{
    buy_plan(core);
    size_t at = 0;
    struct core_environment *environment;
    while ((environment = map_next(core->environments, &at, NULL)) != NULL) {
        if (environment->spec == NULL || environment->spec->provider == PROVIDER_STATIC)
            continue;
        give_way_look(core, environment);
        if (environment->give_back_dirty)
            give_back(core, environment);
        if (moves(environment))
            sooner(&environment->observe_next_ns, environment->observe_sent_ns + 5 * NS_PER_S);
        plan_terminate(core, environment);
        plan_launch(core, environment);
        plan_questions(core, environment);
        int64_t due = environment_wake_ns(core, environment);
        if (due <= core->now_ns)
            due = core->now_ns + NS_PER_MS;
        if (due == INT64_MAX)
            timer_clear(&core->timers, &environment->timer);
        else if (!timer_is_set(&environment->timer) || environment->timer.due_ns != due)
            timer_set(&core->timers, &environment->timer, due); /* most turns do not move it */
    }
}
