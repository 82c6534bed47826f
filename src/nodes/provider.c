/* SPDX-License-Identifier: Apache-2.0 */
/* provider.c - the table of providers, and the group that every call goes through */
#include "group.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* An answer that must wait until the call that asked has returned. */
struct group_later {
    uv_timer_t timer; /* first: the handle and this are one block */
    struct node_group *group;
    enum group_verb verb;
    enum provider_result result;
    char message[512];
};

const struct provider *provider_find(enum provider_kind kind)
{
    static const struct provider *const providers[] = {
        [PROVIDER_STATIC] = &provider_static,
        [PROVIDER_KWOK] = &provider_kwok,
        [PROVIDER_COMMAND] = &provider_command,
    };
    assert((size_t)kind < ARRAY_LEN(providers));
    return providers[kind];
}

static void drop_environment(struct node_group *group)
{
    for (size_t i = 0; i < group->catalog_count; i++)
        instance_type_done(&group->catalog[i]);
    free(group->catalog);
    group->catalog = NULL;
    group->catalog_count = 0;
    key_values_done(&group->parameters);
}

void node_group_update(struct node_group *group, const struct compute_environment *environment)
{
    assert(provider_find(environment->provider) == group->provider);
    assert(group->name == NULL || text_eq(group->name, environment->meta.name));

    drop_environment(group);
    text_set(&group->name, environment->meta.name);
    text_set(&group->program, environment->command_program);
    for (size_t i = 0; i < environment->command_parameters.count; i++)
        key_values_set(&group->parameters, environment->command_parameters.items[i].key,
                       environment->command_parameters.items[i].value);

    group->catalog_count = environment->catalog_count;
    if (group->catalog_count > 0)
        group->catalog = mem_new(group->catalog_count * sizeof(*group->catalog));
    for (size_t i = 0; i < group->catalog_count; i++)
        instance_type_copy(&group->catalog[i], &environment->catalog[i]);
}

struct node_group *node_group_new(const struct provider_host *host,
                                  const struct compute_environment *environment)
{
    struct node_group *group = mem_new(sizeof(*group));
    group->provider = provider_find(environment->provider);
    group->host = *host;
    group->programs_dir = text_copy(host->programs_dir);
    group->host.programs_dir = group->programs_dir;
    node_group_update(group, environment);
    return group;
}

static void later_closed(uv_handle_t *handle)
{
    free(handle);
}

static void later_drop(struct group_later *later)
{
    later->group->calls[later->verb].later = NULL;
    later->group = NULL;
    uv_close((uv_handle_t *)&later->timer, later_closed);
}

struct node_group *node_group_free(struct node_group *group)
{
    if (group == NULL)
        return NULL;

    for (size_t i = 0; i < GROUP_VERB_COUNT; i++) {
        if (group->calls[i].later != NULL)
            later_drop(group->calls[i].later);
    }
    group->provider->free_state(group);
    drop_environment(group);
    free(group->name);
    free(group->program);
    free(group->programs_dir);
    free(group);
    return NULL;
}

void group_begin(struct node_group *group, enum group_verb verb, provider_callback done, void *ctx)
{
    assert(done != NULL);
    assert(group->calls[verb].done == NULL); /* one call of a verb at a time */

    group->calls[verb].done = done;
    group->calls[verb].ctx = ctx;
}

void group_answer(struct node_group *group, enum group_verb verb,
                  const struct provider_answer *answer)
{
    static const struct instances none = {.items = NULL, .count = 0};
    struct group_call *call = &group->calls[verb];
    provider_callback done = call->done;
    void *ctx = call->ctx;
    assert(done != NULL);
    assert(answer->result == PROVIDER_OK || answer->message != NULL);

    struct provider_answer whole = *answer;
    if (whole.instances == NULL)
        whole.instances = &none;
    *call = (struct group_call){.done = NULL};
    done(ctx, &whole);
}

static void later_due(uv_timer_t *timer)
{
    struct group_later *later = CONTAINER_OF(timer, struct group_later, timer);
    struct node_group *group = later->group;
    struct provider_answer answer = {.result = later->result};

    if (answer.result != PROVIDER_OK)
        answer.message = later->message;
    else if (later->verb == GROUP_TYPES) {
        answer.types = group->catalog;
        answer.type_count = group->catalog_count;
    }
    enum group_verb verb = later->verb;
    later_drop(later); /* freed when its handle is closed, on a later turn: the message lives on */
    group_answer(group, verb, &answer);
}

void group_refuse(struct node_group *group, enum group_verb verb, enum provider_result result,
                  const char *format, ...)
{
    assert(group->calls[verb].later == NULL);

    struct group_later *later = mem_new(sizeof(*later));
    later->group = group;
    later->verb = verb;
    later->result = result;
    va_list args;
    va_start(args, format);
    vsnprintf(later->message, sizeof(later->message), format, args);
    va_end(args);

    group->calls[verb].later = later;
    uv_timer_init(group->host.loop, &later->timer);
    uv_timer_start(&later->timer, later_due, 0, 0);
}

const struct instance_type *group_find_type(const struct node_group *group, const char *name)
{
    for (size_t i = 0; i < group->catalog_count; i++) {
        if (text_eq(group->catalog[i].name, name))
            return &group->catalog[i];
    }
    return NULL;
}

void node_group_types(struct node_group *group, provider_callback done, void *ctx)
{
    group->provider->types(group, done, ctx);
}

void node_group_observe(struct node_group *group, provider_callback done, void *ctx)
{
    group->provider->observe(group, done, ctx);
}

void node_group_launch(struct node_group *group, const char *instance_type, const char *zone,
                       int64_t count, const char *token, provider_callback done, void *ctx)
{
    assert(count >= 1 && count <= NODE_GROUP_LAUNCH_MAX);
    assert(token[0] != '\0');
    group->provider->launch(group, instance_type, zone, count, token, done, ctx);
}

void node_group_terminate(struct node_group *group, const char *const *ids, size_t count,
                          provider_callback done, void *ctx)
{
    assert(count >= 1);
    group->provider->terminate(group, ids, count, done, ctx);
}
