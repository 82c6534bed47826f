/* SPDX-License-Identifier: Apache-2.0 */
/* scenario.c - a day from manifests: see scenario.h */
#include "bulkhead/day/scenario.h"

#include "bulkhead/json/yaml.h"
#include "load.h"

#include <stdlib.h>
#include <string.h>

struct scenario {
    struct json_object *docs;
    struct load_spec spec;
    bool has_spec;
    struct load *load; /* of the day that was made last */
};

/* ------------------------------------------------------------------------ manifests */

static int apply_queue(struct day *day, struct json_object *doc, struct err *err)
{
    struct job_queue *queue = NULL;
    if (job_queue_decode(doc, &queue, err) < 0)
        return -1;
    day_queue(day, queue);
    return 0;
}

static int apply_environment(struct day *day, struct json_object *doc, struct err *err)
{
    AUTO(compute_environment) environment = NULL;
    struct compute_environment *provider = NULL;
    if (compute_environment_decode(doc, &environment, err) < 0 ||
        compute_environment_decode(doc, &provider, err) < 0)
        return -1;
    day_environment(day, STEAL(environment), provider);
    return 0;
}

static int apply_node(struct day *day, struct json_object *doc, struct err *err)
{
    struct node *node = NULL;
    if (node_decode(doc, &node, err) < 0)
        return -1;
    day_node(day, node);
    return 0;
}

static int apply_definition(struct day *day, struct json_object *doc, struct err *err)
{
    struct event event = {.kind = EVENT_DEFINITION};
    if (job_definition_decode(doc, &event.definition, err) < 0)
        return -1;
    day_event(day, &event);
    return 0;
}

static int apply_consumable(struct day *day, struct json_object *doc, struct err *err)
{
    struct event event = {.kind = EVENT_CONSUMABLE};
    if (consumable_resource_decode(doc, &event.consumable, err) < 0)
        return -1;
    day_event(day, &event);
    return 0;
}

static int apply_policy(struct day *day, struct json_object *doc, struct err *err)
{
    struct event event = {.kind = EVENT_POLICY};
    if (scheduling_policy_decode(doc, &event.policy, err) < 0)
        return -1;
    day_event(day, &event);
    return 0;
}

static int apply_daemon_set(struct day *day, struct json_object *doc, struct err *err)
{
    struct event event = {.kind = EVENT_DAEMON_SET};
    if (daemon_set_decode(doc, &event.daemon_set, err) < 0)
        return -1;
    day_event(day, &event);
    return 0;
}

static int apply_runtime_class(struct day *day, struct json_object *doc, struct err *err)
{
    struct event event = {.kind = EVENT_RUNTIME_CLASS};
    if (runtime_class_decode(doc, &event.runtime_class, err) < 0)
        return -1;
    day_event(day, &event);
    return 0;
}

static int apply_nothing(struct day *day, struct json_object *doc, struct err *err)
{
    UNUSED(day);
    UNUSED(doc);
    UNUSED(err);
    return 0;
}

static const struct {
    const char *kind;
    int (*apply)(struct day *day, struct json_object *doc, struct err *err);
} kinds[] = {
    {"JobQueue", apply_queue},           {"ComputeEnvironment", apply_environment},
    {"JobDefinition", apply_definition}, {"ConsumableResource", apply_consumable},
    {"SchedulingPolicy", apply_policy},  {"Node", apply_node},
    {"DaemonSet", apply_daemon_set},     {"RuntimeClass", apply_runtime_class},
    {"Namespace", apply_nothing},        {"Load", apply_nothing}, /* scenario_day reads it */
};

/* What an API server would have added. */
static void complete(struct json_object *doc)
{
    struct json_object *meta = json_get_object(doc, "metadata");
    const char *name = json_get_text(meta, "name");
    if (meta == NULL || name == NULL)
        return;
    AUTO_TEXT uid = text_printf("%s-uid", name);
    if (json_get_text(meta, "uid") == NULL)
        json_put_text(meta, "uid", uid);
    if (json_get(meta, "generation") == NULL)
        json_put_i64(meta, "generation", 1);
}

int scenario_apply(struct day *day, struct json_object *doc, struct err *err)
{
    const char *kind = json_get_text(doc, "kind");
    const char *name = json_get_text(json_get_object(doc, "metadata"), "name");
    complete(doc);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (!text_eq(kind, kinds[i].kind))
            continue;
        if (kinds[i].apply(day, doc, err) < 0)
            return err_wrap(err, "%s %s", kind, name != NULL ? name : "without a name");
        return 0;
    }
    return err_set(err, ERR_INVALID, "kind: %s, expected one that a scenario can have",
                   kind != NULL ? kind : "none");
}

/* -------------------------------------------------------------------------- parsing */

int scenario_parse(const char *text, size_t size, struct scenario **ret_scenario, struct err *err)
{
    if (size > SCENARIO_BYTES_MAX)
        return err_set(err, ERR_INVALID, "%zu bytes, expected at most %d", size,
                       SCENARIO_BYTES_MAX);
    AUTO(scenario) scenario = mem_new(sizeof(*scenario));
    if (json_yaml_manifests(text, size, &scenario->docs, err) < 0)
        return -1;
    *ret_scenario = STEAL(scenario);
    return 0;
}

static void spec_done(struct scenario *scenario)
{
    if (scenario->has_spec)
        json_done(&load_spec_type, &scenario->spec);
    scenario->has_spec = false;
}

struct scenario *scenario_free(struct scenario *scenario)
{
    if (scenario == NULL)
        return NULL;
    load_free(scenario->load);
    spec_done(scenario);
    json_object_put(scenario->docs);
    free(scenario);
    return NULL;
}

/* ------------------------------------------------------------------------- changing */

/* The object at the path, up to its last word, which it returns; members are made on the way. */
static struct json_object *walk(struct json_object *doc, char *path, char **ret_last)
{
    char *dot;
    while ((dot = strchr(path, '.')) != NULL) {
        *dot = '\0';
        struct json_object *below = json_get_object(doc, path);
        if (below == NULL) {
            below = json_object_new_object();
            json_put(doc, path, below);
        }
        doc = below;
        path = dot + 1;
    }
    *ret_last = path;
    return doc;
}

int scenario_set(struct scenario *scenario, const char *assignment, struct err *err)
{
    const char *equals = strchr(assignment, '=');
    const char *dot = strchr(assignment, '.');
    if (equals == NULL || dot == NULL || dot > equals)
        return err_set(err, ERR_INVALID, "%s: expected Kind.path=value or Kind/name.path=value",
                       assignment);
    AUTO_TEXT kind = text_copy_n(assignment, (size_t)(dot - assignment));
    char *name = strchr(kind, '/');
    if (name != NULL)
        *name++ = '\0';
    size_t found = 0;
    for (size_t i = 0; i < json_list_count(scenario->docs); i++) {
        struct json_object *doc = json_list_at(scenario->docs, i);
        AUTO(json_object) values = NULL;
        if (!text_eq(json_get_text(doc, "kind"), kind) ||
            (name != NULL &&
             !text_eq(json_get_text(json_get_object(doc, "metadata"), "name"), name)))
            continue;
        if (json_yaml_manifests(equals + 1, strlen(equals + 1), &values, err) < 0)
            return err_wrap(err, "%s", assignment);
        AUTO_TEXT path = text_copy_n(dot + 1, (size_t)(equals - dot - 1));
        char *last;
        struct json_object *object = walk(doc, path, &last);
        json_put(object, last, json_object_get(json_list_at(values, 0)));
        found++;
    }
    if (found == 0)
        return err_set(err, ERR_INVALID, "%s: the scenario has no such object", assignment);
    return 0;
}

/* -------------------------------------------------------------------------- the day */

static void run_act(struct day *day, void *ctx)
{
    const struct load_act *act = ctx;
    struct err err;
    if (act->has_drought)
        day_drought(day, act->environment, &act->types, act->drought_s * NS_PER_S);
    if (act->has_reclaim)
        day_reclaim(day, act->reclaim_environment, &act->reclaim_types, act->percent);
    if (act->has_signal)
        day_signal(day, act->signal_environment, &act->signal_types, act->signal_percent,
                   (enum instance_signal)(SIGNAL_REBALANCE + act->signal));
    if (act->apply != NULL && scenario_apply(day, act->apply, &err) < 0)
        day_fail(day, &err);
}

static int read_load(struct scenario *scenario, struct err *err)
{
    spec_done(scenario);
    for (size_t i = 0; i < json_list_count(scenario->docs); i++) {
        struct json_object *doc = json_list_at(scenario->docs, i);
        if (!text_eq(json_get_text(doc, "kind"), "Load"))
            continue;
        if (scenario->has_spec)
            return err_set(err, ERR_INVALID, "two documents of kind Load, expected one");
        scenario->has_spec = true;
        scenario->spec = (struct load_spec){0};
        if (json_decode(&load_spec_type, json_get(doc, "spec"), JSON_ROOT("spec"), &scenario->spec,
                        err) < 0)
            return err_wrap(err, "Load");
    }
    if (!scenario->has_spec)
        return err_set(err, ERR_INVALID, "no document of kind Load: nobody submits anything");
    return 0;
}

int scenario_day(struct scenario *scenario, const struct day_options *options, struct day **ret_day,
                 struct err *err)
{
    scenario->load = load_free(scenario->load);
    if (read_load(scenario, err) < 0)
        return -1;
    scenario->load = load_new(&scenario->spec);
    struct day_options with = *options;
    if (with.stop_ns == 0)
        with.stop_ns = scenario->spec.until_s * NS_PER_S;
    const struct day_load load = load_source(scenario->load);
    AUTO(day) day = day_new(&with, &load);
    for (size_t i = 0; i < json_list_count(scenario->docs); i++) {
        struct json_object *doc = json_list_at(scenario->docs, i);
        if (doc != NULL && scenario_apply(day, doc, err) < 0)
            return -1;
    }
    for (size_t i = 0; i < scenario->spec.act_count; i++)
        day_act(day, scenario->spec.acts[i].at_s * NS_PER_S, run_act, &scenario->spec.acts[i]);
    *ret_day = STEAL(day);
    return 0;
}
