/* SPDX-License-Identifier: Apache-2.0 */
/* What a submission changes about a template.
 *
 * An override has the shape of what it changes: metadata, and containers by name. It is checked
 * when it is decoded, as far as it can be without the template, so that the error names the field
 * the author wrote; what depends on the template (the containers' names, the size of the whole) is
 * checked when it is applied. The result is read by the same function as any template, so that
 * placement, class, dry run and parameters see nothing but the effective template. */
#include "bulkhead/api/tables.h"
#include "bulkhead/api/template.h"

#include <stdlib.h>
#include <string.h>

enum { CONTAINERS_MAX = 64, NAMES_TOLD = 8 };

static const char *const lists[] = {"containers", "initContainers"};

/* ---- decoding ---- */

static int check_members(struct json_object *value, const char *const *known, size_t count,
                         const struct json_at *at, struct err *err)
{
    if (!json_object_is_type(value, json_type_object))
        return json_fail_value(at, value, err, "expected an object");
    for (const struct lh_entry *m = json_first(value); m != NULL; m = m->next) {
        size_t i = 0;
        while (i < count && strcmp(json_key(m), known[i]) != 0)
            i++;
        if (i == count)
            return json_fail(JSON_AT(at, json_key(m)), err, "no such field");
    }
    return 0;
}

static int check_text(struct json_object *container, const char *key, const struct json_at *at,
                      struct err *err)
{
    struct json_object *value = json_get(container, key);
    if (value != NULL &&
        (!json_object_is_type(value, json_type_string) || json_object_get_string_len(value) == 0))
        return json_fail_value(JSON_AT(at, key), value, err, "expected a text");
    return 0;
}

/* They are merged by name, so one without would be lost among the others. */
static int check_env_names(struct json_object *env, const struct json_at *at, struct err *err)
{
    for (size_t i = 0; i < json_list_count(env); i++) {
        if (json_get_text(json_list_at(env, i), "name") == NULL)
            return json_fail(JSON_AT(JSON_ITEM(at, i), "name"), err, "required");
    }
    return 0;
}

static int check_container(struct json_object *container, const struct json_at *at, struct err *err)
{
    static const char *const known[] = {"name", "image", "command", "args", "env", "resources"};
    struct json_object *resources = NULL;
    if (check_members(container, known, ARRAY_LEN(known), at, err) < 0 ||
        check_text(container, "name", at, err) < 0 || check_text(container, "image", at, err) < 0)
        return -1;
    resources = json_get(container, "resources");
    if (resources != NULL && !json_object_is_type(resources, json_type_object))
        return json_fail_value(JSON_AT(at, "resources"), resources, err, "expected an object");
    if (template_check_container(container, at, err) < 0)
        return -1;
    return check_env_names(json_get_list(container, "env"), JSON_AT(at, "env"), err);
}

static bool named_before(struct json_object *list, size_t index)
{
    const char *name = json_get_text(json_list_at(list, index), "name");
    for (size_t i = 0; i < index; i++) {
        if (text_eq(json_get_text(json_list_at(list, i), "name"), name))
            return true;
    }
    return false;
}

static int check_list(struct json_object *overrides, const char *key, const struct json_at *at,
                      struct err *err)
{
    struct json_object *list = json_get(overrides, key);
    const struct json_at here = {at, key, 0};
    if (list != NULL && !json_object_is_type(list, json_type_array))
        return json_fail_value(&here, list, err, "expected a list");
    if (json_list_count(list) > CONTAINERS_MAX)
        return json_fail(&here, err, "%zu items, expected at most %d", json_list_count(list),
                         CONTAINERS_MAX);
    for (size_t i = 0; i < json_list_count(list); i++) {
        if (check_container(json_list_at(list, i), JSON_ITEM(&here, i), err) < 0)
            return -1;
        if (named_before(list, i))
            return json_fail(JSON_AT(JSON_ITEM(&here, i), "name"), err,
                             "expected each container once");
    }
    return 0;
}

int template_override_decode(struct json_object *value, const struct json_at *at,
                             struct template_override *ret_override, struct err *err)
{
    static const char *const known[] = {"containers", "initContainers", "metadata"};
    struct placement placement = {0};
    if (check_members(value, known, ARRAY_LEN(known), at, err) < 0 ||
        template_check_metadata(json_get(value, "metadata"), JSON_AT(at, "metadata"), err) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        if (check_list(value, lists[i], at, err) < 0)
            return -1;
    }
    /* Only for what it says about quantities: an override is laid out like a pod's spec. */
    if (placement_decode_at(value, NULL, at, &placement, err) < 0)
        return -1;
    placement_done(&placement);
    const char *json = json_print(value);
    if (strlen(json) > TEMPLATE_BYTES_MAX)
        return json_fail(at, err, "%zu bytes, expected at most %d", strlen(json),
                         TEMPLATE_BYTES_MAX);
    *ret_override = (struct template_override){.json = text_copy(json)};
    return 0;
}

void template_override_done(struct template_override *override)
{
    free(override->json);
    *override = (struct template_override){.json = NULL};
}

/* ---- applying ---- */

static struct json_object *named(struct json_object *list, const char *name)
{
    for (size_t i = 0; i < json_list_count(list); i++) {
        if (text_eq(json_get_text(json_list_at(list, i), "name"), name))
            return json_list_at(list, i);
    }
    return NULL;
}

static char *names_of(struct json_object *list)
{
    AUTO_STR out = STR_EMPTY;
    size_t count = json_list_count(list);
    if (count == 0)
        return text_copy("there are none");
    for (size_t i = 0; i < count && i < NAMES_TOLD; i++) {
        const char *name = json_get_text(json_list_at(list, i), "name");
        str_addf(&out, "%s%s", i > 0 ? ", " : "", name != NULL ? name : "");
    }
    if (count > NAMES_TOLD)
        str_addf(&out, " and %zu more", count - NAMES_TOLD);
    return str_take(&out);
}

/* The container of the template that item changes; without a name, the only one there is. */
static struct json_object *target_of(struct json_object *list, struct json_object *item,
                                     const struct json_at *at, struct err *err)
{
    const char *name = json_get_text(item, "name");
    struct json_object *found = name != NULL                 ? named(list, name)
                                : json_list_count(list) == 1 ? json_list_at(list, 0)
                                                             : NULL;
    if (found != NULL)
        return found;
    AUTO_TEXT names = names_of(list);
    if (name == NULL)
        (void)json_fail(JSON_AT(at, "name"), err,
                        "required unless the template has one such container (%s)", names);
    else
        (void)json_fail_value(JSON_AT(at, "name"), json_get(item, "name"), err,
                              "expected a container of the template (%s)", names);
    return NULL;
}

static struct json_object *list_copy(struct json_object *list)
{
    struct json_object *copy = json_object_new_array();
    for (size_t i = 0; i < json_list_count(list); i++)
        json_object_array_add(copy, json_object_get(json_list_at(list, i)));
    return copy;
}

/* A variable keeps its place, since a later one may refer to it with $(NAME); new ones follow. */
static struct json_object *merge_env(struct json_object *own, struct json_object *changes)
{
    struct json_object *merged = list_copy(own);
    for (size_t i = 0; i < json_list_count(changes); i++) {
        struct json_object *item = json_list_at(changes, i);
        const char *name = json_get_text(item, "name");
        size_t at = 0;
        while (at < json_list_count(merged) &&
               !text_eq(json_get_text(json_list_at(merged, at), "name"), name))
            at++;
        json_object_array_put_idx(merged, at, json_object_get(item));
    }
    return merged;
}

static void change_container(struct json_object *container, struct json_object *item)
{
    for (const struct lh_entry *m = json_first(item); m != NULL; m = m->next) {
        struct json_object *value = json_value(m);
        if (value == NULL || strcmp(json_key(m), "name") == 0)
            continue;
        if (strcmp(json_key(m), "env") == 0)
            json_put(container, "env", merge_env(json_get_list(container, "env"), value));
        else
            json_put(container, json_key(m), json_object_get(value));
    }
}

static int change_containers(struct json_object *spec, struct json_object *overrides,
                             const char *key, const struct json_at *at, struct err *err)
{
    const struct json_at here = {at, key, 0};
    struct json_object *list = json_get_list(spec, key);
    struct json_object *changes = json_get_list(overrides, key);
    struct json_object *changed[CONTAINERS_MAX];
    for (size_t i = 0; i < json_list_count(changes); i++) {
        struct json_object *item = json_list_at(changes, i);
        changed[i] = target_of(list, item, JSON_ITEM(&here, i), err);
        if (changed[i] == NULL)
            return -1;
        for (size_t before = 0; before < i; before++) {
            if (changed[before] == changed[i])
                return json_fail(JSON_AT(JSON_ITEM(&here, i), "name"), err,
                                 "expected each container once");
        }
        change_container(changed[i], item);
    }
    return 0;
}

/* Sets from's members in to[key]. */
static void merge_map(struct json_object *to, const char *key, struct json_object *from)
{
    if (from == NULL)
        return;
    if (json_get_object(to, key) == NULL)
        json_put(to, key, json_object_new_object());
    for (const struct lh_entry *m = json_first(from); m != NULL; m = m->next)
        json_put(json_get_object(to, key), json_key(m), json_object_get(json_value(m)));
}

static void change_metadata(struct json_object *template_, struct json_object *metadata)
{
    static const char *const maps[] = {"labels", "annotations"};
    if (metadata == NULL)
        return;
    if (json_get_object(template_, "metadata") == NULL)
        json_put(template_, "metadata", json_object_new_object());
    for (size_t i = 0; i < ARRAY_LEN(maps); i++)
        merge_map(json_get_object(template_, "metadata"), maps[i],
                  json_get_object(metadata, maps[i]));
}

static int change_template(struct json_object *template_, struct json_object *overrides,
                           const struct json_at *at, struct err *err)
{
    change_metadata(template_, json_get_object(overrides, "metadata"));
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        if (change_containers(json_get_object(template_, "spec"), overrides, lists[i], at, err) < 0)
            return -1;
    }
    return 0;
}

int template_override_apply(const struct pod_template *base,
                            const struct template_override *override, const char *path,
                            struct pod_template *ret_template, struct err *err)
{
    AUTO(json_object) template_ = NULL;
    AUTO(json_object) overrides = NULL;
    if (json_parse(base->json, strlen(base->json), &template_, err) < 0)
        return err_wrap(err, "template");
    if (json_parse(override->json, strlen(override->json), &overrides, err) < 0)
        return err_wrap(err, "overrides");
    if (change_template(template_, overrides, JSON_ROOT(path), err) < 0)
        return -1;
    return pod_template_decode(template_, JSON_ROOT("the template with its overrides"),
                               ret_template, err);
}

/* ---- as a field of a table ---- */

static int field_decode(struct json_object *value, const struct json_at *at, void *member,
                        struct err *err)
{
    return template_override_decode(value, at, member, err);
}

static struct json_object *field_encode(const void *member)
{
    return template_json(((const struct template_override *)member)->json);
}

static void field_done(void *member)
{
    template_override_done(member);
}

const struct custom_field template_override_field = {"object", field_decode, field_encode,
                                                     field_done};
