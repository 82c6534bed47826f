/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a pod template: which fields it must not have, and what it asks for.
 *
 * What is refused is what bulkhead itself decides for every pod. Everything else is the API
 * server's to judge: a dry run at first use tells a typo in its own words. */
#include "bulkhead/api/template.h"

#include "bulkhead/api/node.h"
#include "bulkhead/api/tables.h"
#include "bulkhead/base/map.h"

#include <stdlib.h>
#include <string.h>

static const char *const containers_keys[] = {"containers", "initContainers"};

static int check_keys(struct json_object *map, const struct json_at *at, struct err *err)
{
    if (map != NULL && !json_object_is_type(map, json_type_object))
        return json_fail_value(at, map, err, "expected an object of texts");
    for (const struct lh_entry *m = json_first(map); m != NULL; m = m->next) {
        const struct json_at here = {at, json_key(m), 0};
        if (text_starts(json_key(m), API_GROUP "/"))
            return json_fail(&here, err, "keys under %s/ are bulkhead's own", API_GROUP);
        if (!json_object_is_type(json_value(m), json_type_string))
            return json_fail_value(&here, json_value(m), err, "expected a text");
    }
    return 0;
}

int template_check_metadata(struct json_object *metadata, const struct json_at *at, struct err *err)
{
    if (metadata == NULL)
        return 0;
    if (!json_object_is_type(metadata, json_type_object))
        return json_fail_value(at, metadata, err, "expected an object");
    for (const struct lh_entry *m = json_first(metadata); m != NULL; m = m->next) {
        const char *key = json_key(m);
        if (json_value(m) != NULL && strcmp(key, "labels") != 0 && strcmp(key, "annotations") != 0)
            return json_fail(JSON_AT(at, key), err,
                             "a template has labels and annotations only; bulkhead sets the rest");
    }
    if (check_keys(json_get(metadata, "labels"), JSON_AT(at, "labels"), err) < 0)
        return -1;
    return check_keys(json_get(metadata, "annotations"), JSON_AT(at, "annotations"), err);
}

static int check_env(struct json_object *container, const struct json_at *at, struct err *err)
{
    struct json_object *env = json_get(container, "env");
    const struct json_at list = {at, "env", 0};
    if (env != NULL && !json_object_is_type(env, json_type_array))
        return json_fail_value(&list, env, err, "expected a list");
    for (size_t i = 0; i < json_list_count(env); i++) {
        const char *name = json_get_text(json_list_at(env, i), "name");
        if (name != NULL && (text_starts(name, "AWS_BATCH") || text_starts(name, "BULKHEAD_JOB_")))
            return json_fail(JSON_AT(JSON_ITEM(&list, i), "name"), err,
                             "%s: names that start with AWS_BATCH or BULKHEAD_JOB_ are set by "
                             "bulkhead",
                             name);
    }
    return 0;
}

static int check_texts(struct json_object *container, const char *key, const struct json_at *at,
                       struct err *err)
{
    struct json_object *list = json_get(container, key);
    const struct json_at here = {at, key, 0};
    if (list != NULL && !json_object_is_type(list, json_type_array))
        return json_fail_value(&here, list, err, "expected a list of texts");
    for (size_t i = 0; i < json_list_count(list); i++) {
        if (!json_object_is_type(json_list_at(list, i), json_type_string))
            return json_fail_value(JSON_ITEM(&here, i), json_list_at(list, i), err,
                                   "expected a text");
    }
    return 0;
}

int template_check_container(struct json_object *container, const struct json_at *at,
                             struct err *err)
{
    if (check_texts(container, "command", at, err) < 0 ||
        check_texts(container, "args", at, err) < 0)
        return -1;
    return check_env(container, at, err);
}

static int check_container(struct json_object *container, const struct json_at *at, struct err *err)
{
    if (!json_object_is_type(container, json_type_object))
        return json_fail_value(at, container, err, "expected an object");
    if (json_get_text(container, "name") == NULL)
        return json_fail(JSON_AT(at, "name"), err, "required");
    if (json_get_text(container, "image") == NULL)
        return json_fail(JSON_AT(at, "image"), err, "required");
    return template_check_container(container, at, err);
}

static int check_containers(struct json_object *spec, const char *key, const struct json_at *at,
                            struct err *err)
{
    struct json_object *list = json_get(spec, key);
    const struct json_at here = {at, key, 0};
    if (list != NULL && !json_object_is_type(list, json_type_array))
        return json_fail_value(&here, list, err, "expected a list");
    for (size_t i = 0; i < json_list_count(list); i++) {
        if (check_container(json_list_at(list, i), JSON_ITEM(&here, i), err) < 0)
            return -1;
    }
    return 0;
}

static int check_owned_fields(struct json_object *spec, const struct json_at *at, struct err *err)
{
    static const struct {
        const char *key, *why;
    } owned[] = {
        {"nodeName", "bulkhead chooses the node"},
        {"schedulerName", "bulkhead places pods itself, without a scheduler"},
        {"ephemeralContainers", "only a running pod can have them"},
    };
    for (size_t i = 0; i < ARRAY_LEN(owned); i++) {
        if (json_get(spec, owned[i].key) != NULL)
            return json_fail(JSON_AT(at, owned[i].key), err, "not in a template: %s", owned[i].why);
    }
    struct json_object *restart = json_get(spec, "restartPolicy");
    if (restart != NULL && !text_eq(json_get_text(spec, "restartPolicy"), "Never"))
        return json_fail_value(JSON_AT(at, "restartPolicy"), restart, err,
                               "expected Never: a retry is a new pod (see retryStrategy)");
    const char *priority = json_get_text(spec, "priorityClassName");
    if (priority != NULL && text_starts(priority, "system-"))
        return json_fail(JSON_AT(at, "priorityClassName"), err,
                         "%s: system-* classes are not for jobs", priority);
    return 0;
}

static int check_spec(struct json_object *spec, const struct json_at *at, struct err *err)
{
    if (spec == NULL)
        return json_fail(at, err, "required");
    if (!json_object_is_type(spec, json_type_object))
        return json_fail_value(at, spec, err, "expected an object");
    if (check_owned_fields(spec, at, err) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(containers_keys); i++) {
        if (check_containers(spec, containers_keys[i], at, err) < 0)
            return -1;
    }
    if (json_list_count(json_get(spec, "containers")) == 0)
        return json_fail(JSON_AT(at, "containers"), err, "expected at least one container");
    return 0;
}

static int check_template(struct json_object *value, const struct json_at *at, struct err *err)
{
    if (!json_object_is_type(value, json_type_object))
        return json_fail_value(at, value, err, "expected a pod template");
    for (const struct lh_entry *m = json_first(value); m != NULL; m = m->next) {
        if (strcmp(json_key(m), "metadata") != 0 && strcmp(json_key(m), "spec") != 0)
            return json_fail(JSON_AT(at, json_key(m)), err, "no such field");
    }
    if (template_check_metadata(json_get(value, "metadata"), JSON_AT(at, "metadata"), err) < 0)
        return -1;
    return check_spec(json_get(value, "spec"), JSON_AT(at, "spec"), err);
}

int pod_template_decode(struct json_object *value, const struct json_at *at,
                        struct pod_template *ret_template, struct err *err)
{
    const struct json_at spec_at = {at, "spec", 0};
    struct placement placement = {0};
    if (check_template(value, at, err) < 0)
        return -1;
    const char *json = json_print(value);
    size_t size = strlen(json);
    if (size > TEMPLATE_BYTES_MAX)
        return json_fail(at, err, "%zu bytes, expected at most %d", size, TEMPLATE_BYTES_MAX);
    if (placement_decode_at(json_get(value, "spec"), NULL, &spec_at, &placement, err) < 0)
        return -1;
    *ret_template = (struct pod_template){
        .json = text_copy(json), .placement = placement, .hash = hash_bytes(json, size, 0)};
    return 0;
}

void pod_template_done(struct pod_template *template_)
{
    free(template_->json);
    placement_done(&template_->placement);
    *template_ = (struct pod_template){0};
}

/* ---- as a field of a table ---- */

static int field_decode(struct json_object *value, const struct json_at *at, void *member,
                        struct err *err)
{
    return pod_template_decode(value, at, member, err);
}

struct json_object *template_json(const char *text)
{
    struct json_object *value = NULL;
    if (text != NULL)
        (void)json_parse(text, strlen(text), &value, NULL);
    return value;
}

static struct json_object *field_encode(const void *member)
{
    return template_json(((const struct pod_template *)member)->json);
}

static void field_done(void *member)
{
    pod_template_done(member);
}

const struct custom_field template_field = {"object", field_decode, field_encode, field_done};

/* Of a node of a multi-node job: what the cluster's DNS calls it is not the template's to say. */
static int node_field_decode(struct json_object *value, const struct json_at *at, void *member,
                             struct err *err)
{
    static const char *const owned[] = {"hostname", "subdomain"};
    struct json_object *spec = json_get_object(value, "spec");
    const struct json_at spec_at = {at, "spec", 0};
    for (size_t i = 0; i < ARRAY_LEN(owned); i++) {
        if (json_get(spec, owned[i]) != NULL)
            return json_fail(JSON_AT(&spec_at, owned[i]), err,
                             "not in a template of nodes: bulkhead names the nodes of a multi-node "
                             "job (see BULKHEAD_JOB_NODE_NAME)");
    }
    return field_decode(value, at, member, err);
}

const struct custom_field node_template_field = {"object", node_field_decode, field_encode,
                                                 field_done};
