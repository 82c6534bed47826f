/* SPDX-License-Identifier: Apache-2.0 */
/* ranges.h - a set of array indexes kept as sorted, disjoint ranges
 *
 * An array of a million waiting children is one range; taking from the front is O(1) amortised and
 * other changes O(log n) to find and O(n) to shift, n being the number of ranges. */
#ifndef BULKHEAD_BASE_RANGES_H
#define BULKHEAD_BASE_RANGES_H

#include "bulkhead/base/err.h"
#include "bulkhead/base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct range {
    uint32_t first;
    uint32_t end; /* one past the last */
};

struct ranges {
    struct range *items;
    size_t first; /* items[first..first+count) are live: taking from the front moves first */
    size_t count;
    size_t capacity;
    uint64_t total; /* how many indexes are in the set */
};

void ranges_done(struct ranges *ranges);
void ranges_clear(struct ranges *ranges);
/* [first, end); overlap with what is there is fine, first == end adds nothing. */
void ranges_add(struct ranges *ranges, uint32_t first, uint32_t end);
bool ranges_remove(struct ranges *ranges, uint32_t index); /* was it in? */
bool ranges_has(const struct ranges *ranges, uint32_t index);
bool ranges_first(const struct ranges *ranges, uint32_t *ret_index); /* false: empty */
static inline const struct range *ranges_at(const struct ranges *ranges, size_t i)
{
    return &ranges->items[ranges->first + i];
}

/* Adds "0-3,7,9-12" to out. Text longer than size_max bytes (0: no limit) is cut after a whole
 * range and ends in ",...", which counts. */
void ranges_print(const struct ranges *ranges, struct str *out, size_t size_max);
/* The reverse, in any order, overlap allowed; every index is below end_max. "" is the empty set.
 * *ret_ranges is a set (zeroed, or in use: what it held is replaced) and is written on success
 * only. */
int ranges_parse(const char *text, uint32_t end_max, struct ranges *ret_ranges, struct err *err);

#endif
