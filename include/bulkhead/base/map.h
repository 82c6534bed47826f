/* SPDX-License-Identifier: Apache-2.0 */
/* map.h - text keys to borrowed pointers
 *
 * Owns       copies of its keys; never the values.
 * Order      map_next walks in order of insertion (a removed entry leaves no hole that a walk could
 *            see), so that walking is deterministic whatever the hash. */
#ifndef BULKHEAD_BASE_MAP_H
#define BULKHEAD_BASE_MAP_H

#include "bulkhead/base/macros.h"

#include <stdint.h>

struct map;
struct map *map_new(void) NEVER_NULL;
struct map *map_free(struct map *map);
DEFINE_AUTO(map, map_free)

void *map_get(const struct map *map, const char *key);        /* NULL: none */
void *map_put(struct map *map, const char *key, void *value); /* the value it replaced, or NULL */
void *map_remove(struct map *map, const char *key);           /* the value it held, or NULL */
size_t map_count(const struct map *map);

/* for (size_t i = 0; (value = map_next(map, &i, &key)) != NULL;) ...; key may be NULL.
 * The entry just returned may be removed during the walk; other changes end it early or not. */
void *map_next(const struct map *map, size_t *index, const char **ret_key);

uint64_t hash_bytes(const void *bytes, size_t size, uint64_t seed);
uint64_t hash_text(const char *text, uint64_t seed); /* NULL is not "" */

#endif
