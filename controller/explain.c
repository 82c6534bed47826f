/* SPDX-License-Identifier: Apache-2.0 */
#include "explain.h"

#include "bulkhead/base/clock.h"
#include "bulkhead/json/get.h"

#include <string.h>

static void put_text(struct json_object *object, const char *key, const char *text)
{
    if (text != NULL && text[0] != '\0')
        json_put_text(object, key, text);
}

static struct json_object *table_json(const struct explain_table *table)
{
    struct json_object *json = json_object_new_object();
    struct json_object *lines = json_object_new_array();
    json_put_i64(json, "all", table->all);
    json_put_i64(json, "fit", table->fit);
    for (size_t i = 0; i < table->line_count; i++) {
        const struct explain_line *line = &table->lines[i];
        struct json_object *item = json_object_new_object();
        put_text(item, "what", line->what);
        json_put_i64(item, "rulesOut", line->rules_out);
        json_put_i64(item, "byItself", line->alone);
        if (line->never > 0)
            json_put_i64(item, "evenWhenEmpty", line->never);
        put_text(item, "change", line->change);
        json_object_array_add(lines, item);
    }
    json_put(json, "clauses", lines);
    return json;
}

static struct json_object *environment_json(const struct explain_environment *environment)
{
    struct json_object *json = json_object_new_object();
    put_text(json, "name", environment->name);
    put_text(json, "reason", environment->reason);
    put_text(json, "message", environment->words);
    json_put(json, "nodes", table_json(&environment->nodes));
    json_put(json, "instanceTypes", table_json(&environment->types));
    struct json_object *steps = json_object_new_array();
    for (size_t i = 0; i < environment->launching_count; i++) {
        const struct launching *step = &environment->launching[i];
        struct json_object *item = json_object_new_object();
        char since[TIME_TEXT_MAX];
        put_text(item, "step", launch_step_name(step->step));
        json_put_i64(item, "count", step->count);
        put_text(item, "since", time_print(step->since_ns, since));
        put_text(item, "hint", step->hint);
        json_object_array_add(steps, item);
    }
    json_put(json, "launching", steps);
    return json;
}

static struct json_object *explanation_json(const struct explanation *explanation)
{
    struct json_object *json = json_object_new_object();
    put_text(json, "job", explanation->key);
    put_text(json, "uid", explanation->uid);
    put_text(json, "jobQueue", explanation->queue);
    put_text(json, "status", explanation->phase);
    put_text(json, "reason", explanation->reason);
    put_text(json, "message", explanation->message);
    put_text(json, "needs", explanation->needs);
    json_put_i64(json, "waiting", explanation->waiting);
    if (explanation->cost_why != NULL) {
        AUTO_TEXT amount = explanation->cost_known ? money_text(explanation->cost_amount) : NULL;
        put_text(json, "costToCome", amount);
        put_text(json, "costEstimate", explanation->cost_why);
    }
    if (explanation->position > 0) {
        json_put_i64(json, "position", explanation->position);
        json_put_i64(json, "inLine", explanation->in_line);
        json_put_i64(json, "podsAhead", explanation->tasks_ahead);
        json_put_bool(json, "moreAhead", explanation->more_ahead);
        put_text(json, "first", explanation->head);
        char start[TIME_TEXT_MAX];
        if (explanation->start_ns != 0)
            put_text(json, "earliestStart", time_print(explanation->start_ns, start));
        put_text(json, "estimate", explanation->start_why);
    }
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < explanation->environment_count; i++)
        json_object_array_add(list, environment_json(&explanation->environments[i]));
    json_put(json, "computeEnvironments", list);
    return json;
}

static bool in_pace(struct explain_pace *pace, int64_t now_ns)
{
    if (now_ns - pace->second_ns >= NS_PER_S) {
        pace->second_ns = now_ns;
        pace->asked = 0;
    }
    return pace->asked++ < EXPLAIN_PER_S;
}

unsigned explain_answer(struct explain_pace *pace, const struct explain_view *view,
                        const struct key_values *args, bool *ret_json, struct str *out)
{
    const char *namespace_ = key_values_get(args, "namespace");
    const char *name = key_values_get(args, "job");
    const char *format = key_values_get(args, "format");
    bool json = text_eq(format, "json");
    if (namespace_ == NULL || name == NULL ||
        (format != NULL && !json && strcmp(format, "text") != 0)) {
        str_add(out, "expected /explain?namespace=NAMESPACE&job=NAME, and format=text or json\n");
        return 400;
    }
    if (!view->leading) {
        str_addf(out, "this replica does not lead and does not know; %s%s\n",
                 view->holder[0] != '\0' ? "ask " : "nobody is known to lead", view->holder);
        return 503;
    }
    if (!in_pace(pace, view->now_ns)) {
        str_addf(out, "more than %d questions a second: ask again\n", EXPLAIN_PER_S);
        return 429;
    }
    struct explanation explanation;
    AUTO(arena) arena = arena_new(0);
    const char *uid = core_job_uid(view->core, namespace_, name);
    if (uid == NULL || !core_explain(view->core, uid, arena, &explanation)) {
        str_addf(out, "there is no BatchJob %s in namespace %s\n", name, namespace_);
        return 404;
    }
    *ret_json = json;
    if (!json) {
        explanation_print(&explanation, out);
        return 200;
    }
    AUTO(json_object) doc = explanation_json(&explanation);
    str_addf(out, "%s\n", json_object_to_json_string_ext(doc, JSON_C_TO_STRING_PRETTY));
    return 200;
}
