/* SPDX-License-Identifier: Apache-2.0 */
/* environments.c - compute environments come, change and go */
#include "charge.h"
#include "spot.h"

#include <stdlib.h>
#include <string.h>

/* Nothing fences a provider: a launch that a dead process had sent may be carried out after this
 * one's first look, and an environment that is deleted goes only after one that shows it. */
enum { LATE_S = 10 };

static void meta_free(struct object_meta *meta)
{
    if (meta == NULL)
        return;
    object_meta_done(meta);
    free(meta);
}

static struct core_environment *environment_make(struct core *core, const char *name)
{
    struct core_environment *environment = environment_named(core, name);
    if (environment != NULL)
        return environment;
    environment = mem_new(sizeof(*environment));
    environment->name = text_copy(name);
    environment->instances_by_id = map_new();
    environment->timer.kind = TIMER_ENVIRONMENT;
    environment->present = true;
    map_put(core->environments, name, environment);
    core->counts.environments++;
    return environment;
}

/* Nodes that are labelled for this environment find it (again). */
static void nodes_look(struct core *core, const char *name)
{
    size_t at = 0;
    struct core_node *node;
    while ((node = map_next(core->nodes, &at, NULL)) != NULL) {
        const char *label =
            node->spec != NULL ? key_values_get(&node->spec->labels, LABEL_ENVIRONMENT) : NULL;
        if (text_eq(label, name))
            node_refresh(core, node);
    }
}

static void admissions_look(struct core *core)
{
    core->pass_all = true;
    queues_look(core);
    if (core->synced)
        jobs_admit_all(core); /* which namespaces a queue takes depends on its environments */
}

const struct object_meta *environment_meta(const struct core_environment *environment)
{
    if (environment == NULL)
        return NULL;
    return environment->spec != NULL ? &environment->spec->meta : environment->bad_meta;
}

void environment_apply(struct core *core, struct compute_environment *take_spec)
{
    if (is_gone(core, &take_spec->meta)) {
        compute_environment_free(take_spec);
        return;
    }
    struct core_environment *environment = environment_named(core, take_spec->meta.name);
    if (is_outdated(environment_meta(environment), &take_spec->meta)) {
        compute_environment_free(take_spec);
        return;
    }
    if (environment != NULL && environment->spec != NULL &&
        !text_eq(environment->spec->meta.uid, take_spec->meta.uid))
        environment_gone(core, take_spec->meta.name);
    environment = environment_make(core, take_spec->meta.name);
    bool same_spec = environment->spec != NULL &&
                     environment->spec->meta.generation == take_spec->meta.generation &&
                     environment->spec->meta.deleted_ns == take_spec->meta.deleted_ns;
    compute_environment_free(environment->spec);
    meta_free(environment->bad_meta);
    environment->bad_meta = NULL;
    text_set(&environment->invalid, NULL);
    environment->spec = take_spec;
    if (!core->synced && take_spec->meta.has_finalizer)
        environment->late_until_ns = core->now_ns + LATE_S * NS_PER_S;
    charge_heard(core, environment);
    environment->finalizer_waits = false;
    version_take(&environment->resource_version, take_spec->meta.resource_version);
    environment->status_dirty = true;
    if (take_spec->meta.deleted_ns != 0)
        environment->give_back_dirty = true;
    if (same_spec)
        return; /* our own status write, or metadata */
    if (take_spec->provider == PROVIDER_STATIC) {
        environment->types_known = environment->observed = true;
    } else {
        environment->types_known = false;
        environment->types_next_ns = 0;
    }
    environment->give_back_dirty = environment->buy_dirty = true;
    nodes_look(core, environment->name);
    environment_shape(core, environment);
    admissions_look(core);
}

void environment_invalid(struct core *core, struct object_meta *take_meta, const char *message)
{
    if (is_gone(core, take_meta)) {
        meta_free(take_meta);
        return;
    }
    struct core_environment *environment = environment_make(core, take_meta->name);
    if (is_outdated(environment_meta(environment), take_meta)) {
        meta_free(take_meta);
        return;
    }
    compute_environment_free(environment->spec);
    environment->spec = NULL;
    meta_free(environment->bad_meta);
    environment->bad_meta = take_meta;
    text_set(&environment->invalid, message);
    text_set(&environment->resource_version, take_meta->resource_version);
    environment_shape(core, environment);
    admissions_look(core);
}

void environment_free_if_unused(struct core *core, struct core_environment *environment)
{
    if (environment->present || environment->flights > 0)
        return;
    timer_clear(&core->timers, &environment->timer);
    for (size_t i = 0; i < environment->type_count; i++) {
        instance_type_done(&environment->types[i].spec);
        key_values_done(&environment->types[i].labels);
    }
    free(environment->types);
    spot_free(environment);
    compute_environment_free(environment->spec);
    meta_free(environment->bad_meta);
    map_free(environment->instances_by_id);
    map_free(environment->left);
    free(environment->slots);
    free(environment->rooms);
    free(environment->invalid);
    free(environment->provider_error);
    free(environment->provider_words);
    free(environment->resource_version);
    free(environment->name);
    free(environment);
}

void environment_gone(struct core *core, const char *name)
{
    struct core_environment *environment = map_remove(core->environments, name);
    if (environment == NULL)
        return;
    gone_remember(core, environment_meta(environment));
    core->counts.environments--;
    environment->present = false;
    while (environment->launches != NULL) {
        struct core_launch *launch = environment->launches;
        environment->launches = launch->next;
        launch_free(launch);
    }
    while (environment->instances != NULL)
        instance_forget(core, environment->instances);
    size_t at = 0;
    struct core_node *node;
    while ((node = map_next(core->nodes, &at, NULL)) != NULL) {
        if (node->environment == environment)
            node_refresh(core, node); /* finds no environment of that name any more */
    }
    at = 0;
    struct core_queue *queue;
    while ((queue = map_next(core->queues, &at, NULL)) != NULL)
        queue->blocked_count = 0;
    core->shape_changed = true;
    admissions_look(core);
    environment_free_if_unused(core, environment);
}
