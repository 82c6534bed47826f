/* SPDX-License-Identifier: Apache-2.0 */
/* codec.c - objects as bytes, by their declaration in types.c
 *
 * Numbers are in base 128, low part first; signed ones are folded, so that small negative ones are
 * short. A text is its size plus one (0: NULL) and its bytes. Reading never trusts a count: a list
 * has at most as many items as there are bytes left for their bits. */
#include "types.h"

#include "bulkhead/base/map.h"
#include "bulkhead/json/values.h"

#include <stdlib.h>
#include <string.h>

enum { MEMBERS_MAX = 64 };

/* What a const char * may point to: texts that are never freed. */
static const char *const words[] = {
    "volumes",
    "resourceClaims",
    "affinity.podAffinity",
    "affinity.podAntiAffinity",
    "topologySpreadConstraints",
};

static const void *member_of(const struct member *member, const void *object)
{
    return (const char *)object + member->offset;
}

static size_t *count_of(const struct member *member, const void *object)
{
    return (size_t *)(uintptr_t)((const char *)object + member->count_offset);
}

/* ----------------------------------------------------------------------------- layout */

static uint64_t layout_of(const struct record_type *type, uint64_t hash)
{
    hash = hash_bytes(type->name, strlen(type->name), hash);
    for (size_t i = 0; i < type->count; i++) {
        const struct member *member = &type->members[i];
        const uint64_t shape[] = {(uint64_t)member->kind, member->below, member->is_signed};
        hash = hash_bytes(member->name, strlen(member->name), hash);
        hash = hash_bytes(shape, sizeof(shape), hash);
        if (member->type != NULL)
            hash = layout_of(member->type, hash);
    }
    return hash;
}

uint64_t record_layout(void)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < record_root_count; i++)
        hash = layout_of(record_roots[i], hash);
    return hash;
}

/* ---------------------------------------------------------------------------- writing */

void record_put_number(struct str *out, uint64_t number)
{
    uint8_t bytes[10];
    size_t size = 0;
    do {
        bytes[size] = (uint8_t)(number & 0x7f);
        number >>= 7;
        if (number != 0)
            bytes[size] |= 0x80;
        size++;
    } while (number != 0);
    str_add_bytes(out, bytes, size);
}

void record_put_text(struct str *out, const char *text)
{
    size_t size = text != NULL ? strlen(text) : 0;
    record_put_number(out, text != NULL ? size + 1 : 0);
    str_add_bytes(out, text, size);
}

static uint64_t fold(int64_t value)
{
    return ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0);
}

void record_put_signed(struct str *out, int64_t number)
{
    record_put_number(out, fold(number));
}

static int64_t unfold(uint64_t bits)
{
    return (int64_t)(bits >> 1) ^ -(int64_t)(bits & 1);
}

static uint64_t load_integer(const void *at, size_t size, bool is_signed)
{
    int64_t wide = 0;
    int32_t narrow = 0;
    uint16_t half = 0;
    uint8_t byte = 0;
    switch (size) {
    case 8:
        memcpy(&wide, at, 8);
        return is_signed ? fold(wide) : (uint64_t)wide;
    case 4:
        memcpy(&narrow, at, 4);
        return is_signed ? fold(narrow) : (uint32_t)narrow;
    case 2:
        memcpy(&half, at, 2);
        return half;
    default:
        memcpy(&byte, at, 1);
        return byte;
    }
}

static bool is_zero(const struct member *member, const void *object)
{
    static const uint8_t zeros[64];
    const uint8_t *at = member_of(member, object);
    const char *text;
    switch (member->kind) {
    case MEMBER_LIST:
    case MEMBER_ARRAY:
        return *count_of(member, object) == 0;
    case MEMBER_TEXTS:
        return ((const struct text_list *)(const void *)at)->count == 0;
    case MEMBER_TEXT:
    case MEMBER_WORD:
        memcpy(&text, at, sizeof(text));
        return text == NULL;
    case MEMBER_STRUCT:
        for (size_t i = 0; i < member->type->count; i++) {
            if (!is_zero(&member->type->members[i], at))
                return false;
        }
        return true;
    default:
        for (size_t i = 0; i < member->size; i += sizeof(zeros)) {
            size_t left = member->size - i;
            if (memcmp(at + i, zeros, left < sizeof(zeros) ? left : sizeof(zeros)) != 0)
                return false;
        }
        return true;
    }
}

static void put_items(struct str *out, const struct member *member, const void *items, size_t count)
{
    record_put_number(out, count);
    for (size_t i = 0; i < count; i++) {
        const char *item = (const char *)items + i * member->item_size;
        if (member->type != NULL)
            record_put(out, member->type, item);
        else
            record_put_number(out, load_integer(item, member->item_size, member->is_signed));
    }
}

static void put_texts(struct str *out, const struct text_list *list)
{
    record_put_number(out, list->count);
    for (size_t i = 0; i < list->count; i++)
        record_put_text(out, list->items[i]);
}

static void put_member(struct str *out, const struct member *member, const void *object)
{
    const void *at = member_of(member, object);
    const void *pointer;
    switch (member->kind) {
    case MEMBER_INTEGER:
        record_put_number(out, load_integer(at, member->size, member->is_signed));
        break;
    case MEMBER_REAL:
        str_add_bytes(out, at, sizeof(double));
        break;
    case MEMBER_TEXT:
    case MEMBER_WORD:
        memcpy(&pointer, at, sizeof(pointer));
        record_put_text(out, pointer);
        break;
    case MEMBER_TEXTS:
        put_texts(out, at);
        break;
    case MEMBER_STRUCT:
        record_put(out, member->type, at);
        break;
    case MEMBER_LIST:
        memcpy(&pointer, at, sizeof(pointer));
        put_items(out, member, pointer, *count_of(member, object));
        break;
    case MEMBER_ARRAY:
        put_items(out, member, at, *count_of(member, object));
        break;
    case MEMBER_FIXED:
        for (size_t i = 0; i < member->size / sizeof(int64_t); i++)
            record_put_number(out, load_integer((const int64_t *)at + i, 8, true));
        break;
    }
}

void record_put(struct str *out, const struct record_type *type, const void *object)
{
    uint8_t bits[MEMBERS_MAX / 8] = {0};
    for (size_t i = 0; i < type->count; i++) {
        if (!is_zero(&type->members[i], object))
            bits[i / 8] |= (uint8_t)(1U << i % 8);
    }
    str_add_bytes(out, bits, (type->count + 7) / 8);
    for (size_t i = 0; i < type->count; i++) {
        if ((bits[i / 8] & 1U << i % 8) != 0)
            put_member(out, &type->members[i], object);
    }
}

/* ---------------------------------------------------------------------------- reading */

static size_t left_of(const struct record_input *input)
{
    return (size_t)(input->end - input->at);
}

static const uint8_t *take(struct record_input *input, size_t size)
{
    const uint8_t *at = input->at;
    if (input->bad || size > left_of(input)) {
        input->bad = true;
        return NULL;
    }
    input->at += size;
    return at;
}

uint64_t record_get_number(struct record_input *input)
{
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        const uint8_t *byte = take(input, 1);
        if (byte == NULL)
            return 0;
        number |= (uint64_t)(*byte & 0x7f) << shift;
        if ((*byte & 0x80) == 0)
            return number;
    }
    input->bad = true;
    return 0;
}

const char *record_get_text(struct record_input *input, size_t *ret_size)
{
    uint64_t size = record_get_number(input);
    *ret_size = 0;
    if (size == 0 || size - 1 > left_of(input)) {
        input->bad = input->bad || size != 0;
        return NULL;
    }
    const uint8_t *bytes = take(input, (size_t)size - 1);
    if (bytes == NULL || memchr(bytes, '\0', (size_t)size - 1) != NULL) {
        input->bad = true;
        return NULL;
    }
    *ret_size = (size_t)size - 1;
    return (const char *)bytes;
}

static char *get_text(struct record_input *input)
{
    size_t size;
    const char *text = record_get_text(input, &size);
    return text != NULL ? text_copy_n(text, size) : NULL;
}

static const char *get_word(struct record_input *input)
{
    size_t size;
    const char *text = record_get_text(input, &size);
    for (size_t i = 0; text != NULL && i < ARRAY_LEN(words); i++) {
        if (strlen(words[i]) == size && memcmp(words[i], text, size) == 0)
            return words[i];
    }
    input->bad = true;
    return NULL;
}

static void get_integer(struct record_input *input, void *at, size_t size, bool is_signed,
                        uint64_t below)
{
    uint64_t bits = record_get_number(input);
    uint64_t value = is_signed ? (uint64_t)unfold(bits) : bits;
    uint32_t narrow = (uint32_t)value;
    uint16_t half = (uint16_t)value;
    uint8_t byte = (uint8_t)value;
    bool fits = size == 8 ||
                (is_signed ? (int64_t)value == (int32_t)narrow : value < (uint64_t)1 << (size * 8));
    if (!fits || (below > 0 && value >= below) || (size == 1 && byte > 1)) {
        input->bad = true;
        return;
    }
    if (size == 8)
        memcpy(at, &value, 8);
    else if (size == 4)
        memcpy(at, &narrow, 4);
    else if (size == 2)
        memcpy(at, &half, 2);
    else
        memcpy(at, &byte, 1);
}

/* Each item takes a byte at least: a list cannot be longer than what is left. */
static size_t get_count(struct record_input *input, const struct member *member)
{
    uint64_t count = record_get_number(input);
    size_t least = member->type != NULL ? (member->type->count + 7) / 8 : 1;
    if (input->bad || count > left_of(input) / least ||
        (member->kind == MEMBER_ARRAY && count > member->size / member->item_size)) {
        input->bad = true;
        return 0;
    }
    return (size_t)count;
}

static void get_items(struct record_input *input, const struct member *member, void *object)
{
    size_t count = get_count(input, member);
    char *items = (char *)object + member->offset;
    if (member->kind == MEMBER_LIST) {
        char *list = mem_new((count + 1) * member->item_size);
        memcpy(items, &list, sizeof(list));
        items = list;
    }
    for (size_t i = 0; i < count && !input->bad; i++) {
        char *item = items + i * member->item_size;
        *count_of(member, object) = i + 1;
        if (member->type != NULL)
            record_get(input, member->type, item);
        else
            get_integer(input, item, member->item_size, member->is_signed, 0);
    }
}

static void get_texts(struct record_input *input, struct text_list *list)
{
    uint64_t count = record_get_number(input);
    if (count > left_of(input)) {
        input->bad = true;
        return;
    }
    list->items = mem_new((size_t)(count + 1) * sizeof(*list->items));
    for (uint64_t i = 0; i < count && !input->bad; i++)
        list->items[list->count++] = get_text(input);
}

static void get_member(struct record_input *input, const struct member *member, void *object)
{
    void *at = (char *)object + member->offset;
    const void *pointer;
    const uint8_t *bytes;
    switch (member->kind) {
    case MEMBER_INTEGER:
        get_integer(input, at, member->size, member->is_signed, member->below);
        break;
    case MEMBER_REAL:
        bytes = take(input, sizeof(double));
        if (bytes != NULL)
            memcpy(at, bytes, sizeof(double));
        break;
    case MEMBER_TEXT:
        pointer = get_text(input);
        memcpy(at, &pointer, sizeof(pointer));
        break;
    case MEMBER_WORD:
        pointer = get_word(input);
        memcpy(at, &pointer, sizeof(pointer));
        break;
    case MEMBER_TEXTS:
        get_texts(input, at);
        break;
    case MEMBER_STRUCT:
        record_get(input, member->type, at);
        break;
    case MEMBER_LIST:
    case MEMBER_ARRAY:
        get_items(input, member, object);
        break;
    case MEMBER_FIXED:
        for (size_t i = 0; i < member->size / sizeof(int64_t); i++)
            get_integer(input, (int64_t *)at + i, 8, true, 0);
        break;
    }
}

void record_get(struct record_input *input, const struct record_type *type, void *ret_object)
{
    uint8_t bits[MEMBERS_MAX / 8] = {0};
    const uint8_t *bytes = take(input, (type->count + 7) / 8);
    if (bytes == NULL)
        return;
    memcpy(bits, bytes, (type->count + 7) / 8);
    for (size_t i = 0; i < type->count && !input->bad; i++) {
        if ((bits[i / 8] & 1U << i % 8) != 0)
            get_member(input, &type->members[i], ret_object);
    }
}

/* ---------------------------------------------------------------------------- freeing */

static void done_items(const struct member *member, char *items, size_t count)
{
    for (size_t i = 0; member->type != NULL && i < count; i++)
        record_done(member->type, items + i * member->item_size);
}

void record_done(const struct record_type *type, void *object)
{
    for (size_t i = 0; i < type->count; i++) {
        const struct member *member = &type->members[i];
        void *at = (char *)object + member->offset;
        void *pointer = NULL;
        if (at != NULL && sizeof(pointer) <= member->size)
            memcpy(&pointer, at, sizeof(pointer));
        switch (member->kind) {
        case MEMBER_TEXT:
            free(pointer);
            break;
        case MEMBER_TEXTS:
            text_list_done(at);
            break;
        case MEMBER_STRUCT:
            record_done(member->type, at);
            break;
        case MEMBER_LIST:
            done_items(member, pointer, *count_of(member, object));
            free(pointer);
            break;
        case MEMBER_ARRAY:
            done_items(member, at, *count_of(member, object));
            break;
        default:
            break;
        }
    }
}
