/* SPDX-License-Identifier: Apache-2.0 */
/* str.h - growing text, and heap copies that cannot fail
 *
 * Out of memory aborts (see ARCHITECTURE.md), so none of these return NULL.
 * struct str is a plain value: zero it (STR_EMPTY) and str_done it. */
#ifndef BULKHEAD_BASE_STR_H
#define BULKHEAD_BASE_STR_H

#include "bulkhead/base/macros.h"

#include <stdbool.h>
#include <stdint.h>

struct str {
    char *data; /* always ends in NUL once anything was added; NULL while empty */
    size_t size;
    size_t capacity;
};
#define STR_EMPTY ((struct str){NULL, 0, 0})
#define AUTO_STR __attribute__((cleanup(str_done))) struct str

void str_done(struct str *str);
void str_clear(struct str *str); /* keeps the memory */
void str_add(struct str *str, const char *text);
void str_add_bytes(struct str *str, const void *bytes, size_t size);
void str_addf(struct str *str, const char *format, ...) PRINTF_LIKE(2, 3);
const char *str_text(const struct str *str) NEVER_NULL; /* "" while empty */
char *str_take(struct str *str) NEVER_NULL; /* the heap text (caller frees); str is empty again */

void *mem_new(size_t size) NEVER_NULL; /* zeroed */
/* realloc; the new part is not zeroed */
void *mem_grow(void *old, size_t count, size_t item_size) NEVER_NULL;
char *text_copy(const char *text); /* NULL in, NULL out */
char *text_copy_n(const char *text, size_t size) NEVER_NULL;
/* The first size_max bytes, or less: never half a character. NULL in, NULL out. */
char *text_copy_max(const char *text, size_t size_max);
/* The last size_max bytes, or less: never half a character. NULL in, NULL out. */
char *text_copy_end(const char *text, size_t size_max);
char *text_printf(const char *format, ...) NEVER_NULL PRINTF_LIKE(1, 2);
void text_set(char **field, const char *text); /* frees the old one */
bool text_eq(const char *a, const char *b);    /* NULL equals only NULL */
bool text_starts(const char *text, const char *prefix);
void text_auto(char **text);
#define AUTO_TEXT __attribute__((cleanup(text_auto))) char *

/* Makes room for one more item in a growing array: doubles the capacity when count reaches it. */
#define ARRAY_ROOM(items, count, capacity)                                                         \
    do {                                                                                           \
        if ((count) >= (capacity)) {                                                               \
            (capacity) = (capacity) > 0 ? (capacity)*2 : 4;                                        \
            (items) = mem_grow((items), (size_t)(capacity), sizeof(*(items)));                     \
        }                                                                                          \
    } while (0)

#endif
