/* SPDX-License-Identifier: Apache-2.0 */
#include "bulkhead/api/revision.h"

#include "bulkhead/api/tables.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_CUT = 200, LABEL_CUT = 63, UID_CUT = 8 };

size_t definition_ref_read(const char *text, int64_t *ret_revision)
{
    const char *colon = strchr(text, ':');
    *ret_revision = colon != NULL ? strtoll(colon + 1, NULL, 10) : 0;
    return colon != NULL ? (size_t)(colon - text) : strlen(text);
}

/* At most size_max bytes, with a letter or digit at the end, as names and labels want it. */
static int cut_size(const char *text, size_t size_max)
{
    size_t size = strnlen(text, size_max);
    while (size > 0 && (text[size - 1] == '-' || text[size - 1] == '.'))
        size--;
    return (int)size;
}

char *definition_revision_name(const char *definition, const char *uid, int64_t revision)
{
    return text_printf("%.*s-%.*s-%" PRId64, cut_size(definition, NAME_CUT), definition, UID_CUT,
                       uid, revision);
}

/* ---- content ---- */

static int compare_members(const void *a, const void *b)
{
    const struct lh_entry *const *left = a;
    const struct lh_entry *const *right = b;
    return strcmp(json_key(*left), json_key(*right));
}

static void print_canonical(struct json_object *value, struct str *out);

static void print_object(struct json_object *object, struct str *out)
{
    size_t count = 0;
    size_t capacity = (size_t)json_object_object_length(object) + 1;
    const struct lh_entry **members = mem_new(capacity * sizeof(struct lh_entry *));
    for (const struct lh_entry *m = json_first(object); m != NULL; m = m->next)
        members[count++] = m;
    qsort(members, count, sizeof(struct lh_entry *), compare_members);
    str_add(out, "{");
    for (size_t i = 0; i < count; i++) {
        AUTO(json_object) key = json_object_new_string(json_key(members[i]));
        str_addf(out, "%s%s:", i > 0 ? "," : "", json_print(key));
        print_canonical(json_value(members[i]), out);
    }
    str_add(out, "}");
    free(members);
}

/* Members in the order of their names: the server keeps no other. */
static void print_canonical(struct json_object *value, struct str *out)
{
    if (json_object_is_type(value, json_type_object)) {
        print_object(value, out);
    } else if (json_object_is_type(value, json_type_array)) {
        str_add(out, "[");
        for (size_t i = 0; i < json_list_count(value); i++) {
            str_add(out, i > 0 ? "," : "");
            print_canonical(json_list_at(value, i), out);
        }
        str_add(out, "]");
    } else {
        str_add(out, json_print(value));
    }
}

char *definition_content(struct json_object *spec)
{
    if (!json_object_is_type(spec, json_type_object))
        return NULL;
    AUTO_STR text = STR_EMPTY;
    AUTO(json_object) content = json_object_new_object();
    for (const struct lh_entry *m = json_first(spec); m != NULL; m = m->next) {
        if (strcmp(json_key(m), DEFINITION_DEREGISTERED) != 0 &&
            strcmp(json_key(m), DEFINITION_HISTORY) != 0)
            json_put(content, json_key(m), json_object_get(json_value(m)));
    }
    print_canonical(content, &text);
    return str_take(&text);
}

/* ---- the object ---- */

struct json_object *definition_revision_encode(const struct job_definition *content,
                                               int64_t revision)
{
    const char *of = content->of_name != NULL ? content->of_name : content->meta.name;
    const char *uid = content->of_uid != NULL ? content->of_uid : content->meta.uid;
    AUTO_TEXT name = definition_revision_name(of, uid, revision);
    AUTO_TEXT label = text_printf("%.*s", cut_size(of, LABEL_CUT), of);
    struct json_object *labels = json_object_new_object();
    struct json_object *meta = json_object_new_object();
    struct json_object *definition = json_object_new_object();
    struct json_object *data = json_object_new_object();
    struct json_object *doc = json_object_new_object();
    struct json_object *spec = NULL;
    json_put_text(labels, LABEL_DEFINITION, label);
    json_put_text(meta, "name", name);
    json_put_text(meta, "namespace", content->meta.namespace_);
    json_put(meta, "labels", labels);
    json_put_text(definition, "name", of);
    json_put_text(definition, "uid", uid);
    json_put(data, "jobDefinition", definition);
    if (content->content != NULL &&
        json_parse(content->content, strlen(content->content), &spec, &(struct err){0}) == 0)
        json_put(data, "spec", spec);
    json_put_text(doc, "apiVersion", "apps/v1");
    json_put_text(doc, "kind", "ControllerRevision");
    json_put(doc, "metadata", meta);
    json_put_i64(doc, "revision", revision);
    json_put(doc, "data", data);
    return doc;
}

int definition_revision_decode(struct json_object *doc, struct job_definition **ret_revision,
                               struct err *err)
{
    struct json_object *data = json_get_object(doc, "data");
    struct json_object *of = json_get_object(data, "jobDefinition");
    const char *of_name = json_get_text(of, "name");
    const char *of_uid = json_get_text(of, "uid");
    int64_t number = json_get_i64(doc, "revision", 0);
    AUTO_TEXT name = of_name != NULL && of_uid != NULL
                         ? definition_revision_name(of_name, of_uid, number)
                         : NULL;
    if (name == NULL || number < 1 ||
        !text_eq(name, json_get_text(json_get_object(doc, "metadata"), "name")))
        return err_set(err, ERR_INVALID, "not a revision of a JobDefinition that bulkhead made");
    AUTO(json_object) like = json_object_new_object(); /* as the JobDefinition was */
    json_put(like, "metadata", json_object_get(json_get(doc, "metadata")));
    json_put(like, "spec", json_object_get(json_get(data, "spec")));
    struct job_definition *revision = NULL;
    if (job_definition_decode(like, &revision, err) < 0)
        return -1;
    revision->revision = number;
    revision->of_name = text_copy(of_name);
    revision->of_uid = text_copy(of_uid);
    *ret_revision = revision;
    return 0;
}

/* ---- lists of numbers, as a field of a table ---- */

static int numbers_decode(struct json_object *value, const struct json_at *at, void *member,
                          struct err *err)
{
    struct number_list *list = member;
    size_t count = json_list_count(value);
    if (!json_object_is_type(value, json_type_array))
        return json_fail_value(at, value, err, "expected a list of numbers");
    if (count > LIST_MAX)
        return json_fail(at, err, "%zu items, expected at most %d", count, LIST_MAX);
    list->items = mem_new((count + 1) * sizeof(*list->items));
    for (size_t i = 0; i < count; i++) {
        struct json_object *item = json_list_at(value, i);
        int64_t number = json_object_get_int64(item);
        if (!json_object_is_type(item, json_type_int) || number < 1)
            return json_fail_value(JSON_ITEM(at, i), item, err, "expected a number 1..");
        list->items[list->count++] = number;
    }
    return 0;
}

static struct json_object *numbers_encode(const void *member)
{
    const struct number_list *list = member;
    if (list->count == 0)
        return NULL;
    struct json_object *value = json_object_new_array();
    for (size_t i = 0; i < list->count; i++)
        json_object_array_add(value, json_object_new_int64(list->items[i]));
    return value;
}

static void numbers_done(void *member)
{
    struct number_list *list = member;
    free(list->items);
    *list = (struct number_list){0};
}

const struct custom_field numbers_field = {"array", numbers_decode, numbers_encode, numbers_done};
