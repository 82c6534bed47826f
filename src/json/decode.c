/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding by table. One function a kind, all with the same arguments; decode_field picks. */
#include "bulkhead/base/clock.h"
#include "bulkhead/base/quantity.h"
#include "bulkhead/base/str.h"
#include "bulkhead/json/table.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int64_t text_max(const struct field *field)
{
    return field->max > 0 ? field->max : TEXT_MAX;
}

static int64_t list_max(const struct field *field)
{
    return field->max > 0 ? field->max : LIST_MAX;
}

static bool bounded(const struct field *field)
{
    return field->min != 0 || field->max != 0;
}

static int expected_integer(const struct field *field, struct json_object *value,
                            const struct json_at *at, struct err *err)
{
    bool integer = json_object_is_type(value, json_type_int);
    const char *kind = integer ? "" : "an integer";
    if (!bounded(field))
        return json_fail_value(at, value, err, "expected an integer");
    const char *space = integer ? "" : " ";
    if (field->max == 0)
        return json_fail_value(at, value, err, "expected %s%s%" PRId64 " or more", kind, space,
                               field->min);
    return json_fail_value(at, value, err, "expected %s%s%" PRId64 "..%" PRId64, kind, space,
                           field->min, field->max);
}

static int decode_integer(const struct field *field, struct json_object *value,
                          const struct json_at *at, int64_t *ret_number, struct err *err)
{
    if (!json_object_is_type(value, json_type_int))
        return expected_integer(field, value, at, err);
    int64_t number = json_object_get_int64(value);
    if (bounded(field) && (number < field->min || (field->max != 0 && number > field->max)))
        return expected_integer(field, value, at, err);
    int64_t scale = field->scale != 0 ? field->scale : 1;
    if (__builtin_mul_overflow(number, scale, ret_number))
        return json_fail_value(at, value, err, "too large");
    return 0;
}

/* ---- texts ---- */

static void words_print(const struct field *field, struct str *out)
{
    for (size_t i = 0; i < field->word_count; i++) {
        const char *between = i + 1 == field->word_count ? " or " : ", ";
        str_addf(out, "%s%s", i == 0 ? "" : between, field->words[i]);
    }
}

static bool word_is(const struct field *field, size_t i, const char *text)
{
    return field->any_case ? strcasecmp(field->words[i], text) == 0
                           : strcmp(field->words[i], text) == 0;
}

static int find_word(const struct field *field, struct json_object *value, const struct json_at *at,
                     size_t *ret_index, struct err *err)
{
    if (json_object_is_type(value, json_type_string)) {
        const char *text = json_object_get_string(value);
        for (size_t i = 0; i < field->word_count; i++) {
            if (word_is(field, i, text)) {
                *ret_index = i;
                return 0;
            }
        }
    }
    AUTO_STR words = STR_EMPTY;
    words_print(field, &words);
    return json_fail_value(at, value, err, "expected %s", str_text(&words));
}

static int check_text(const struct field *field, struct json_object *value, int64_t min,
                      int64_t max, const struct json_at *at, struct err *err)
{
    if (!json_object_is_type(value, json_type_string))
        return json_fail_value(at, value, err, "expected a text");
    const char *text = json_object_get_string(value);
    if (strlen(text) != (size_t)json_object_get_string_len(value))
        return json_fail(at, err, "holds a NUL character");
    int64_t count = (int64_t)utf8_count(text);
    if (count < min || count > max)
        return json_fail(at, err, "%" PRId64 " characters, expected %" PRId64 "..%" PRId64, count,
                         min, max);
    if (field->format != NULL && field->format->valid != NULL && !field->format->valid(text))
        return json_fail_value(at, value, err, "expected %s", field->format->expected);
    return 0;
}

static int decode_text(const struct field *field, struct json_object *value,
                       const struct json_at *at, char **ret_text, struct err *err)
{
    size_t word = 0;
    if (field->words != NULL) {
        if (find_word(field, value, at, &word, err) < 0)
            return -1;
        *ret_text = text_copy(field->words[word]);
        return 0;
    }
    int64_t min = field->min > 0 ? field->min : 0;
    if (field->required && min == 0)
        min = 1;
    if (check_text(field, value, min, text_max(field), at, err) < 0)
        return -1;
    *ret_text = text_copy(json_object_get_string(value));
    return 0;
}

static int decode_word(const struct field *field, struct json_object *value,
                       const struct json_at *at, void *member, struct err *err)
{
    size_t word = 0;
    if (find_word(field, value, at, &word, err) < 0)
        return -1;
    word += (size_t)field->min;
    assert(field->member_size == sizeof(bool) || field->member_size == sizeof(unsigned));
    if (field->member_size == sizeof(bool))
        *(bool *)member = word != 0;
    else
        *(unsigned *)member = (unsigned)word;
    return 0;
}

static int decode_time(struct json_object *value, const struct json_at *at, int64_t *ret_ns,
                       struct err *err)
{
    if (!json_object_is_type(value, json_type_string) ||
        time_parse(json_object_get_string(value), ret_ns, NULL) < 0)
        return json_fail_value(at, value, err, "expected a time such as 2026-11-21T09:30:00Z");
    return 0;
}

static int decode_bytes(const struct field *field, struct json_object *value,
                        const struct json_at *at, int64_t *ret_bytes, struct err *err)
{
    int64_t bytes = 0;
    bool number =
        json_object_is_type(value, json_type_int) || json_object_is_type(value, json_type_string);
    if (!number || quantity_value(json_object_get_string(value), &bytes, NULL) < 0)
        return json_fail_value(at, value, err, "not a quantity such as 16Gi");
    if (bytes < field->min)
        return json_fail_value(at, value, err, "expected at least %" PRId64, field->min);
    *ret_bytes = bytes;
    return 0;
}

/* ---- lists and maps ---- */

static int check_count(const struct field *field, size_t count, const char *what,
                       const struct json_at *at, struct err *err)
{
    int64_t min = field->min > 0 ? field->min : 0;
    if ((int64_t)count < min || (int64_t)count > list_max(field))
        return json_fail(at, err, "%zu %s, expected %" PRId64 "..%" PRId64, count, what, min,
                         list_max(field));
    return 0;
}

static int expect_list(const struct field *field, struct json_object *value,
                       const struct json_at *at, struct err *err)
{
    if (!json_object_is_type(value, json_type_array))
        return json_fail_value(at, value, err, "expected a list");
    return check_count(field, json_object_array_length(value), "items", at, err);
}

static int decode_texts(const struct field *field, struct json_object *value,
                        const struct json_at *at, struct text_list *ret_list, struct err *err)
{
    if (expect_list(field, value, at, err) < 0)
        return -1;
    int64_t max = field->item_max > 0 ? field->item_max : TEXT_MAX;
    for (size_t i = 0; i < json_object_array_length(value); i++) {
        struct json_object *item = json_object_array_get_idx(value, i);
        if (check_text(field, item, 1, max, JSON_ITEM(at, i), err) < 0)
            return -1;
        text_list_add(ret_list, json_object_get_string(item));
    }
    return 0;
}

static int decode_map(const struct field *field, struct json_object *value,
                      const struct json_at *at, struct key_values *ret_list, struct err *err)
{
    if (!json_object_is_type(value, json_type_object))
        return json_fail_value(at, value, err, "expected an object of texts");
    if (check_count(field, (size_t)json_object_object_length(value), "entries", at, err) < 0)
        return -1;
    const struct field entry = {.format = field->format};
    for (const struct lh_entry *m = json_first(value); m != NULL; m = m->next) {
        if (check_text(&entry, json_value(m), 0, MAP_VALUE_MAX, JSON_AT(at, json_key(m)), err) < 0)
            return -1;
        key_values_set(ret_list, json_key(m), json_object_get_string(json_value(m)));
    }
    return 0;
}

static int decode_items(const struct field *field, struct json_object *value,
                        const struct json_at *at, char *object, struct err *err)
{
    if (expect_list(field, value, at, err) < 0)
        return -1;
    size_t count = json_object_array_length(value);
    size_t *ret_count = (size_t *)(void *)(object + field->count_offset);
    char *items = object + field->offset;
    if (field->kind == KIND_LIST && count > 0) {
        items = mem_new(count * field->type->size);
        *(void **)(void *)(object + field->offset) = items;
    }
    for (size_t i = 0; i < count; i++) {
        *ret_count = i + 1; /* before decoding, so that a half-decoded item is freed too */
        if (json_decode(field->type, json_object_array_get_idx(value, i), JSON_ITEM(at, i),
                        items + i * field->type->size, err) < 0)
            return -1;
    }
    return 0;
}

/* ---- objects ---- */

static void set_fallback(const struct field *field, char *object)
{
    void *member = object + field->offset;
    switch (field->kind) {
    case KIND_I64:
        *(int64_t *)member = field->fallback;
        break;
    case KIND_U32:
        *(uint32_t *)member = (uint32_t)field->fallback;
        break;
    case KIND_BOOL:
        *(bool *)member = field->fallback != 0;
        break;
    case KIND_WORD:
        if (field->member_size == sizeof(bool))
            *(bool *)member = field->fallback != 0;
        else
            *(unsigned *)member = (unsigned)field->fallback;
        break;
    default:
        break;
    }
}

static int decode_number_field(const struct field *field, struct json_object *value,
                               const struct json_at *at, void *member, struct err *err)
{
    int64_t number = 0;
    if (decode_integer(field, value, at, &number, err) < 0)
        return -1;
    if (field->kind == KIND_I64)
        *(int64_t *)member = number;
    else if (field->kind == KIND_OPT_I64)
        *(struct opt_i64 *)member = OPT_I64(number);
    else if (number < 0 || number > UINT32_MAX)
        return json_fail_value(at, value, err, "expected 0..%u", UINT32_MAX);
    else
        *(uint32_t *)member = (uint32_t)number;
    return 0;
}

static int decode_field(const struct field *field, struct json_object *value,
                        const struct json_at *at, char *object, struct err *err)
{
    void *member = object + field->offset;
    switch (field->kind) {
    case KIND_TEXT:
        return decode_text(field, value, at, member, err);
    case KIND_I64:
    case KIND_U32:
    case KIND_OPT_I64:
        return decode_number_field(field, value, at, member, err);
    case KIND_BOOL:
        if (!json_object_is_type(value, json_type_boolean))
            return json_fail_value(at, value, err, "expected true or false");
        *(bool *)member = json_object_get_boolean(value);
        return 0;
    case KIND_TEXTS:
        return decode_texts(field, value, at, member, err);
    case KIND_MAP:
        return decode_map(field, value, at, member, err);
    case KIND_WORD:
        return decode_word(field, value, at, member, err);
    case KIND_TIME:
        return decode_time(value, at, member, err);
    case KIND_BYTES:
        return decode_bytes(field, value, at, member, err);
    case KIND_OBJECT:
        return json_decode(field->type, value, at, member, err);
    case KIND_LIST:
    case KIND_ARRAY:
        return decode_items(field, value, at, object, err);
    case KIND_CUSTOM:
        return field->custom->decode(value, at, member, err);
    }
    abort(); /* a kind without a decoder */
}

static bool has_field(const struct object_type *type, const char *key)
{
    for (size_t i = 0; i < type->count; i++) {
        if (strcmp(type->fields[i].key, key) == 0)
            return true;
    }
    return false;
}

static int refuse_unknown(const struct object_type *type, struct json_object *value,
                          const struct json_at *at, struct err *err)
{
    for (const struct lh_entry *m = json_first(value); m != NULL; m = m->next) {
        if (!has_field(type, json_key(m)))
            return json_fail(JSON_AT(at, json_key(m)), err, "no such field");
    }
    return 0;
}

int json_decode(const struct object_type *type, struct json_object *value, const struct json_at *at,
                void *ret_object, struct err *err)
{
    char *object = ret_object;
    if (!json_object_is_type(value, json_type_object))
        return json_fail_value(at, value, err, "expected an object");
    for (size_t i = 0; i < type->count; i++)
        set_fallback(&type->fields[i], object);
    for (size_t i = 0; i < type->count; i++) {
        const struct field *field = &type->fields[i];
        struct json_object *member = json_get(value, field->key);
        if (member == NULL && field->required)
            return json_fail(JSON_AT(at, field->key), err, "required");
        if (member == NULL)
            continue;
        if (field->present_offset != 0)
            *(bool *)(object + field->present_offset) = true;
        if (decode_field(field, member, JSON_AT(at, field->key), object, err) < 0)
            return -1;
    }
    if (!type->open && refuse_unknown(type, value, at, err) < 0)
        return -1;
    return type->check != NULL ? type->check(ret_object, at, err) : 0;
}
