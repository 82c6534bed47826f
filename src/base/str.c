/* SPDX-License-Identifier: Apache-2.0 */
/* str.c - growing text, and heap copies that cannot fail */
#include "bulkhead/base/str.h"

#include "bulkhead/base/format.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

NEVER_NULL static void *not_null(void *block)
{
    if (block == NULL) {
        fputs("out of memory\n", stderr);
        abort();
    }
    return block;
}

void *mem_new(size_t size)
{
    return not_null(calloc(1, size > 0 ? size : 1));
}

void *mem_grow(void *old, size_t count, size_t item_size)
{
    assert(count > 0);
    assert(item_size > 0);
    return not_null(reallocarray(old, count, item_size));
}

void str_done(struct str *str)
{
    free(str->data);
    *str = STR_EMPTY;
}

void str_clear(struct str *str)
{
    str->size = 0;
    if (str->data != NULL)
        str->data[0] = '\0';
}

/* Room for size more bytes and the NUL. */
static void str_room(struct str *str, size_t size)
{
    assert(size < SIZE_MAX / 2 - str->size);
    size_t wanted = str->size + size + 1;
    if (wanted <= str->capacity)
        return;

    size_t capacity = str->capacity > 0 ? str->capacity : 32;
    while (capacity < wanted)
        capacity *= 2;
    str->data = mem_grow(str->data, capacity, 1);
    str->capacity = capacity;
}

void str_add_bytes(struct str *str, const void *bytes, size_t size)
{
    str_room(str, size);
    if (size > 0)
        memcpy(str->data + str->size, bytes, size);
    str->size += size;
    str->data[str->size] = '\0';
}

void str_add(struct str *str, const char *text)
{
    str_add_bytes(str, text, strlen(text));
}

void str_addf(struct str *str, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);

    if (str->data == NULL)
        str_room(str, 100); /* long enough for most: then it is printed once */
    size_t room = str->capacity - str->size;
    int wanted = format_va(str->data + str->size, room, format, args);
    va_end(args);
    assert(wanted >= 0);

    if ((size_t)wanted >= room) {
        str_room(str, (size_t)wanted);
        format_va(str->data + str->size, (size_t)wanted + 1, format, again);
    }
    va_end(again);
    str->size += (size_t)wanted;
}

const char *str_text(const struct str *str)
{
    return str->data != NULL ? str->data : "";
}

char *str_take(struct str *str)
{
    char *text = str->data != NULL ? str->data : mem_new(1);
    *str = STR_EMPTY;
    return text;
}

char *text_copy_n(const char *text, size_t size)
{
    assert(size < SIZE_MAX);
    char *copy = not_null(malloc(size + 1));
    if (size > 0)
        memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

char *text_copy_max(const char *text, size_t size_max)
{
    if (text == NULL)
        return NULL;
    size_t size = strnlen(text, size_max);
    /* The byte behind the cut tells: within a character it is one of its later bytes. */
    while (size > 0 && ((unsigned char)text[size] & 0xC0) == 0x80)
        size--;
    return text_copy_n(text, size);
}

char *text_copy_end(const char *text, size_t size_max)
{
    if (text == NULL)
        return NULL;
    size_t size = strlen(text);
    const char *from = size > size_max ? text + (size - size_max) : text;
    while (((unsigned char)*from & 0xC0) == 0x80)
        from++;
    return text_copy(from);
}

char *text_copy(const char *text)
{
    return text != NULL ? text_copy_n(text, strlen(text)) : NULL;
}

char *text_printf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);

    char most[256]; /* long enough for most: then it is printed once */
    int wanted = format_va(most, sizeof(most), format, args);
    va_end(args);
    assert(wanted >= 0);

    char *text = mem_grow(NULL, (size_t)wanted + 1, 1);
    if ((size_t)wanted < sizeof(most))
        memcpy(text, most, (size_t)wanted + 1);
    else
        format_va(text, (size_t)wanted + 1, format, again);
    va_end(again);
    return text;
}

void text_set(char **field, const char *text)
{
    char *copy = text_copy(text); /* first: text may be part of the old one */
    free(*field);
    *field = copy;
}

bool text_eq(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return strcmp(a, b) == 0;
}

bool text_starts(const char *text, const char *prefix)
{
    return text != NULL && strncmp(text, prefix, strlen(prefix)) == 0;
}

void text_auto(char **text)
{
    free(*text);
}
