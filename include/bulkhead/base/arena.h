/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h - memory for one turn: allocate freely, reset once
 *
 * Owns       every block it hands out; all are valid until the next arena_reset or arena_free.
 * Bound      arena_new's size_max; beyond it the process aborts (a bug: turns are bounded). */
#ifndef BULKHEAD_BASE_ARENA_H
#define BULKHEAD_BASE_ARENA_H

#include "bulkhead/base/macros.h"

#include <stdarg.h>

struct arena;
struct arena *arena_new(size_t size_max) NEVER_NULL; /* bytes; 0: 1 GiB */
struct arena *arena_free(struct arena *arena);
DEFINE_AUTO(arena, arena_free)

void *arena_alloc(struct arena *arena, size_t size) NEVER_NULL; /* zeroed, aligned to 16 */
/* Another block of size bytes that begins with the used ones of the old, which stays. */
void *arena_grow(struct arena *arena, const void *old, size_t used, size_t size) NEVER_NULL;
char *arena_copy(struct arena *arena, const char *text); /* NULL in, NULL out */
char *arena_printf(struct arena *arena, const char *format, ...) NEVER_NULL PRINTF_LIKE(2, 3);
void arena_reset(struct arena *arena); /* keeps the first block for the next turn */
size_t arena_used(const struct arena *arena);

/* As ARRAY_ROOM (str.h), for an array in an arena. */
#define ARENA_ROOM(arena, items, count, capacity)                                                  \
    do {                                                                                           \
        if ((count) >= (capacity)) {                                                               \
            (capacity) = (capacity) > 0 ? (capacity)*2 : 4;                                        \
            (items) = arena_grow((arena), (items), (count) * sizeof(*(items)),                     \
                                 (capacity) * sizeof(*(items)));                                   \
        }                                                                                          \
    } while (0)

#endif
