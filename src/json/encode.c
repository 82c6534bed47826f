/* SPDX-License-Identifier: Apache-2.0 */
/* Encoding, freeing and walking by table. */
#include "bulkhead/base/clock.h"
#include "bulkhead/base/quantity.h"
#include "bulkhead/base/str.h"
#include "bulkhead/json/table.h"

#include <assert.h>
#include <stdlib.h>

static struct json_object *encode_i64(const struct field *field, int64_t number)
{
    if (number == 0 && !field->keep_zero && !field->required)
        return NULL;
    return json_object_new_int64(field->scale != 0 ? number / field->scale : number);
}

static struct json_object *encode_opt(const struct field *field, const struct opt_i64 *number)
{
    if (!number->set)
        return NULL;
    return json_object_new_int64(field->scale != 0 ? number->value / field->scale : number->value);
}

/* A text longer than the table allows is cut: a server that validates would refuse all of it. */
static struct json_object *encode_text(const struct field *field, const char *text)
{
    if (text == NULL || (text[0] == '\0' && !field->keep_zero && !field->required))
        return NULL;
    size_t max = (size_t)(field->max > 0 ? field->max : TEXT_MAX);
    size_t count = 0, size = 0;
    for (; text[size] != '\0'; size++) {
        count += ((unsigned char)text[size] & 0xC0) != 0x80;
        if (count > max)
            break;
    }
    return json_object_new_string_len(text, (int)size);
}

static struct json_object *encode_texts(const struct text_list *list)
{
    if (list->count == 0)
        return NULL;
    struct json_object *array = json_object_new_array_ext((int)list->count);
    for (size_t i = 0; i < list->count; i++)
        json_object_array_add(array, json_object_new_string(list->items[i]));
    return array;
}

static struct json_object *encode_map(const struct key_values *list)
{
    if (list->count == 0)
        return NULL;
    struct json_object *map = json_object_new_object();
    for (size_t i = 0; i < list->count; i++)
        json_put_text(map, list->items[i].key, list->items[i].value);
    return map;
}

static size_t word_value(const struct field *field, const void *member)
{
    return field->member_size == sizeof(bool) ? *(const bool *)member : *(const unsigned *)member;
}

static struct json_object *encode_word(const struct field *field, const void *member)
{
    size_t value = word_value(field, member);
    size_t first = (size_t)field->min;
    if (value < first)
        return NULL;
    assert(value - first < field->word_count);
    return json_object_new_string(field->words[value - first]);
}

static struct json_object *encode_time(int64_t ns)
{
    char text[TIME_TEXT_MAX];
    return ns != 0 ? json_object_new_string(time_print_micro(ns, text)) : NULL;
}

static struct json_object *encode_bytes(const struct field *field, int64_t bytes)
{
    char text[QUANTITY_TEXT_MAX];
    if (bytes == 0 && !field->required)
        return NULL;
    return json_object_new_string(quantity_print_bytes(bytes, text));
}

static const char *items_of(const struct field *field, const char *object)
{
    const char *member = object + field->offset;
    return field->kind == KIND_LIST ? *(const char *const *)(const void *)member : member;
}

static size_t count_of(const struct field *field, const char *object)
{
    return *(const size_t *)(const void *)(object + field->count_offset);
}

static struct json_object *encode_items(const struct field *field, const char *object)
{
    size_t count = count_of(field, object);
    const char *items = items_of(field, object);
    if (count == 0)
        return NULL;
    struct json_object *array = json_object_new_array_ext((int)count);
    for (size_t i = 0; i < count; i++)
        json_object_array_add(array, json_encode(field->type, items + i * field->type->size));
    return array;
}

/* An object that says nothing is left out, unless a member tells whether it was there. */
static struct json_object *encode_object(const struct field *field, const char *object)
{
    bool told = field->present_offset != 0;
    if (told && !*(const bool *)(object + field->present_offset))
        return NULL;
    struct json_object *value = json_encode(field->type, object + field->offset);
    if (told || field->keep_zero || json_object_object_length(value) > 0)
        return value;
    json_object_put(value);
    return NULL;
}

static struct json_object *encode_field(const struct field *field, const char *object)
{
    const void *member = object + field->offset;
    switch (field->kind) {
    case KIND_TEXT:
        return encode_text(field, *(const char *const *)member);
    case KIND_I64:
        return encode_i64(field, *(const int64_t *)member);
    case KIND_U32:
        return encode_i64(field, *(const uint32_t *)member);
    case KIND_OPT_I64:
        return encode_opt(field, member);
    case KIND_BOOL:
        return *(const bool *)member || field->keep_zero
                   ? json_object_new_boolean(*(const bool *)member)
                   : NULL;
    case KIND_TEXTS:
        return encode_texts(member);
    case KIND_MAP:
        return encode_map(member);
    case KIND_WORD:
        return encode_word(field, member);
    case KIND_TIME:
        return encode_time(*(const int64_t *)member);
    case KIND_BYTES:
        return encode_bytes(field, *(const int64_t *)member);
    case KIND_OBJECT:
        return encode_object(field, object);
    case KIND_LIST:
    case KIND_ARRAY:
        return encode_items(field, object);
    case KIND_CUSTOM:
        return field->custom->encode != NULL ? field->custom->encode(member) : NULL;
    }
    abort(); /* a kind without an encoder */
}

struct json_object *json_encode(const struct object_type *type, const void *object)
{
    struct json_object *result = json_object_new_object();
    for (size_t i = 0; i < type->count; i++) {
        struct json_object *value = encode_field(&type->fields[i], object);
        if (value != NULL)
            json_put(result, type->fields[i].key, value);
    }
    return result;
}

static void done_items(const struct field *field, char *object)
{
    size_t *count = (size_t *)(void *)(object + field->count_offset);
    void **list = (void **)(void *)(object + field->offset);
    char *items = field->kind == KIND_LIST ? *list : object + field->offset;
    for (size_t i = 0; i < *count; i++)
        json_done(field->type, items + i * field->type->size);
    *count = 0;
    if (field->kind == KIND_LIST) {
        free(*list);
        *list = NULL;
    }
}

static void done_field(const struct field *field, char *object)
{
    void *member = object + field->offset;
    switch (field->kind) {
    case KIND_TEXT: {
        char **text = member;
        free(*text);
        *text = NULL;
        break;
    }
    case KIND_TEXTS:
        text_list_done(member);
        break;
    case KIND_MAP:
        key_values_done(member);
        break;
    case KIND_OBJECT:
        json_done(field->type, member);
        break;
    case KIND_LIST:
    case KIND_ARRAY:
        done_items(field, object);
        break;
    case KIND_CUSTOM:
        if (field->custom->done != NULL)
            field->custom->done(member);
        break;
    default: /* numbers own nothing */
        break;
    }
}

void json_done(const struct object_type *type, void *object)
{
    for (size_t i = 0; i < type->count; i++)
        done_field(&type->fields[i], object);
}

void json_walk(const struct object_type *type, const char *path, json_walk_fn *on_field, void *ctx)
{
    for (size_t i = 0; i < type->count; i++) {
        const struct field *field = &type->fields[i];
        AUTO_TEXT at = text_printf("%s.%s", path, field->key);
        on_field(ctx, at, field);
        if (field->type == NULL)
            continue;
        AUTO_TEXT below = text_printf("%s%s", at, field->kind == KIND_OBJECT ? "" : "[]");
        json_walk(field->type, below, on_field, ctx);
    }
}
