/* SPDX-License-Identifier: Apache-2.0 */
#include "bulkhead/json/get.h"

#include "bulkhead/base/clock.h"
#include "bulkhead/base/str.h"

#include <json-c/json_tokener.h>

#include <limits.h>
#include <string.h>

struct json_object *json_get(struct json_object *object, const char *key)
{
    struct json_object *value = NULL;
    if (!json_object_is_type(object, json_type_object))
        return NULL;
    json_object_object_get_ex(object, key, &value);
    return value;
}

static struct json_object *get_typed(struct json_object *object, const char *key,
                                     enum json_type type)
{
    struct json_object *value = json_get(object, key);
    return value != NULL && json_object_is_type(value, type) ? value : NULL;
}

struct json_object *json_get_object(struct json_object *object, const char *key)
{
    return get_typed(object, key, json_type_object);
}

struct json_object *json_get_list(struct json_object *object, const char *key)
{
    return get_typed(object, key, json_type_array);
}

const char *json_get_text(struct json_object *object, const char *key)
{
    struct json_object *value = get_typed(object, key, json_type_string);
    if (value == NULL || json_object_get_string_len(value) == 0)
        return NULL;
    return json_object_get_string(value);
}

int64_t json_get_i64(struct json_object *object, const char *key, int64_t otherwise)
{
    struct json_object *value = get_typed(object, key, json_type_int);
    return value != NULL ? json_object_get_int64(value) : otherwise;
}

bool json_get_bool(struct json_object *object, const char *key)
{
    struct json_object *value = get_typed(object, key, json_type_boolean);
    return value != NULL && json_object_get_boolean(value);
}

int64_t json_get_time(struct json_object *object, const char *key)
{
    const char *text = json_get_text(object, key);
    int64_t ns = 0;
    if (text == NULL || time_parse(text, &ns, NULL) < 0)
        return 0;
    return ns;
}

size_t json_list_count(struct json_object *list)
{
    return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

struct json_object *json_list_at(struct json_object *list, size_t index)
{
    return index < json_list_count(list) ? json_object_array_get_idx(list, index) : NULL;
}

const struct lh_entry *json_first(struct json_object *object)
{
    if (!json_object_is_type(object, json_type_object))
        return NULL;
    return lh_table_head(json_object_get_object(object));
}

const char *json_key(const struct lh_entry *member)
{
    return lh_entry_k(member);
}

struct json_object *json_value(const struct lh_entry *member)
{
    return lh_entry_v(member);
}

void json_get_key_values(struct json_object *object, struct key_values *ret_list)
{
    for (const struct lh_entry *m = json_first(object); m != NULL; m = m->next) {
        if (json_object_is_type(json_value(m), json_type_string))
            key_values_set(ret_list, json_key(m), json_object_get_string(json_value(m)));
    }
}

void json_get_texts(struct json_object *list, struct text_list *ret_list)
{
    for (size_t i = 0; i < json_list_count(list); i++) {
        struct json_object *value = json_list_at(list, i);
        if (json_object_is_type(value, json_type_string))
            text_list_add(ret_list, json_object_get_string(value));
    }
}

static int parse_with(struct json_tokener *tokener, const char *text, size_t size,
                      struct json_object **ret_doc, struct err *err)
{
    struct json_object *doc = json_tokener_parse_ex(tokener, text, (int)size);
    enum json_tokener_error error = json_tokener_get_error(tokener);
    size_t end = json_tokener_get_parse_end(tokener);
    if (error == json_tokener_continue && doc == NULL) { /* numbers end only with what follows */
        doc = json_tokener_parse_ex(tokener, "\n", 1);
        error = json_tokener_get_error(tokener);
        if (error == json_tokener_continue)
            return err_set(err, ERR_INVALID, "not JSON: it ends too early");
    }
    if (error != json_tokener_success) {
        json_object_put(doc);
        return err_set(err, ERR_INVALID, "not JSON: %s at byte %zu", json_tokener_error_desc(error),
                       end);
    }
    for (size_t i = end; i < size; i++) {
        if (strchr(" \t\r\n", text[i]) == NULL || text[i] == '\0') {
            json_object_put(doc);
            return err_set(err, ERR_INVALID, "not JSON: more text after byte %zu", i);
        }
    }
    *ret_doc = doc;
    return 0;
}

int json_parse(const char *text, size_t size, struct json_object **ret_doc, struct err *err)
{
    if (size > INT_MAX - 1)
        return err_set(err, ERR_INVALID, "not JSON: %zu bytes is too long", size);
    struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
    if (tokener == NULL)
        return err_set(err, ERR_FATAL, "out of memory");
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
    int result = parse_with(tokener, text, size, ret_doc, err);
    json_tokener_free(tokener);
    return result;
}

const char *json_print(struct json_object *object)
{
    return json_object_to_json_string_ext(object,
                                          JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

const char *json_show(struct json_object *object, char text[JSON_SHOWN_MAX + 4])
{
    const char *full = json_print(object);
    size_t size = strnlen(full, JSON_SHOWN_MAX + 1);
    bool cut = size > JSON_SHOWN_MAX;
    if (cut) {
        size = JSON_SHOWN_MAX;
        while (size > 0 && ((unsigned char)full[size] & 0xC0) == 0x80) /* never half a character */
            size--;
    }
    memcpy(text, full, size);
    memcpy(text + size, cut ? "..." : "", cut ? 4 : 1);
    return text;
}

void json_put(struct json_object *object, const char *key, struct json_object *value)
{
    json_object_object_add(object, key, value);
}

void json_put_text(struct json_object *object, const char *key, const char *value)
{
    if (value != NULL)
        json_object_object_add(object, key, json_object_new_string(value));
}

void json_put_i64(struct json_object *object, const char *key, int64_t value)
{
    json_object_object_add(object, key, json_object_new_int64(value));
}

void json_put_bool(struct json_object *object, const char *key, bool value)
{
    json_object_object_add(object, key, json_object_new_boolean(value));
}
