/* SPDX-License-Identifier: Apache-2.0 */
/* ranges.c - a set of array indexes kept as sorted, disjoint ranges
 *
 * Invariant: live ranges are sorted, none is empty, and between two there is at least one index
 * that is not in the set (so equal sets have equal ranges). */
#include "bulkhead/base/ranges.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void ranges_done(struct ranges *ranges)
{
    free(ranges->items);
    *ranges = (struct ranges){NULL, 0, 0, 0, 0};
}

void ranges_clear(struct ranges *ranges)
{
    ranges->first = 0;
    ranges->count = 0;
    ranges->total = 0;
}

/* The first live range whose end is beyond index: the one that holds it, or the next. */
static size_t find(const struct ranges *ranges, uint32_t index)
{
    size_t low = 0, high = ranges->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ranges_at(ranges, middle)->end > index)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Opens a place for one more range at i, on whichever side has fewer ranges to shift. */
static struct range *insert_at(struct ranges *ranges, size_t i)
{
    assert(i <= ranges->count);

    if (ranges->first > 0 && i <= ranges->count / 2) {
        ranges->first--;
        struct range *live = ranges->items + ranges->first;
        memmove(live, live + 1, i * sizeof(*live));
        ranges->count++;
        return live + i;
    }

    if (ranges->first + ranges->count == ranges->capacity && ranges->first > ranges->capacity / 2) {
        memmove(ranges->items, ranges->items + ranges->first,
                ranges->count * sizeof(*ranges->items));
        ranges->first = 0;
    }
    ARRAY_ROOM(ranges->items, ranges->first + ranges->count, ranges->capacity);
    struct range *live = ranges->items + ranges->first;
    memmove(live + i + 1, live + i, (ranges->count - i) * sizeof(*live));
    ranges->count++;
    return live + i;
}

static void remove_at(struct ranges *ranges, size_t i, size_t count)
{
    assert(i + count <= ranges->count);

    struct range *live = ranges->items + ranges->first;
    if (i == 0)
        ranges->first += count;
    else
        memmove(live + i, live + i + count, (ranges->count - i - count) * sizeof(*live));
    ranges->count -= count;
    if (ranges->count == 0)
        ranges->first = 0;
}

void ranges_add(struct ranges *ranges, uint32_t first, uint32_t end)
{
    assert(first <= end);
    if (first == end)
        return;

    /* Everything from i to j touches [first, end) and becomes one range with it. */
    size_t i = first > 0 ? find(ranges, first - 1) : 0;
    size_t j = i;
    struct range merged = {first, end};
    uint64_t had = 0;
    for (; j < ranges->count && ranges_at(ranges, j)->first <= end; j++) {
        const struct range *old = ranges_at(ranges, j);
        had += old->end - old->first;
        if (old->first < merged.first)
            merged.first = old->first;
        if (old->end > merged.end)
            merged.end = old->end;
    }

    if (i == j) {
        *insert_at(ranges, i) = merged;
    } else {
        ranges->items[ranges->first + i] = merged;
        if (j - i > 1)
            remove_at(ranges, i + 1, j - i - 1);
    }
    ranges->total += merged.end - merged.first - had;
}

bool ranges_remove(struct ranges *ranges, uint32_t index)
{
    size_t i = find(ranges, index);
    if (i == ranges->count || ranges_at(ranges, i)->first > index)
        return false;

    struct range *range = &ranges->items[ranges->first + i];
    ranges->total--;
    if (range->end - range->first == 1) {
        remove_at(ranges, i, 1);
    } else if (range->first == index) {
        range->first++;
    } else if (range->end - 1 == index) {
        range->end--;
    } else {
        struct range before = {range->first, index};
        range->first = index + 1;
        *insert_at(ranges, i) = before;
    }
    return true;
}

bool ranges_has(const struct ranges *ranges, uint32_t index)
{
    size_t i = find(ranges, index);
    return i < ranges->count && ranges_at(ranges, i)->first <= index;
}

bool ranges_first(const struct ranges *ranges, uint32_t *ret_index)
{
    if (ranges->count == 0)
        return false;
    *ret_index = ranges_at(ranges, 0)->first;
    return true;
}

void ranges_print(const struct ranges *ranges, struct str *out, size_t size_max)
{
    static const char more[] = ",...";
    const size_t more_size = sizeof(more) - 1;
    size_t start = out->size;
    size_t keep = 0; /* bytes of whole ranges after which "more" still fits */
    size_t limit = size_max > 0 ? size_max : SIZE_MAX;

    str_add(out, "");
    for (size_t i = 0; i < ranges->count; i++) {
        const struct range *range = ranges_at(ranges, i);
        const char *comma = i > 0 ? "," : "";
        if (range->end - range->first == 1)
            str_addf(out, "%s%u", comma, range->first);
        else
            str_addf(out, "%s%u-%u", comma, range->first, range->end - 1);

        if (out->size - start > limit) {
            out->size = start + keep;
            out->data[out->size] = '\0';
            if (keep > 0)
                str_add(out, more);
            else if (more_size - 1 <= limit)
                str_add(out, more + 1);
            return;
        }
        if (limit - (out->size - start) >= more_size)
            keep = out->size - start;
    }
}

/* Digits at *text to a number below end_max; *text is moved past them. */
static int parse_index(const char **text, uint32_t end_max, uint32_t *ret_index, struct err *err)
{
    const char *start = *text;
    uint64_t index = 0;
    for (; **text >= '0' && **text <= '9'; (*text)++) {
        if (index <= UINT32_MAX)
            index = index * 10 + (uint64_t)(**text - '0');
    }

    if (*text == start)
        return err_set(err, ERR_INVALID, "indexes: a number expected at \"%.20s\"", start);
    if (index >= end_max)
        return err_set(err, ERR_INVALID, "indexes: %.*s: expected below %u",
                       (int)(*text - start < 20 ? *text - start : 20), start, end_max);
    *ret_index = (uint32_t)index;
    return 0;
}

static int parse_into(const char *text, uint32_t end_max, struct ranges *ranges, struct err *err)
{
    if (*text == '\0')
        return 0;

    for (;;) {
        uint32_t first, last;
        if (parse_index(&text, end_max, &first, err) < 0)
            return -1;
        last = first;
        if (*text == '-') {
            text++;
            if (parse_index(&text, end_max, &last, err) < 0)
                return -1;
        }
        if (last < first)
            return err_set(err, ERR_INVALID, "indexes: %u-%u runs backwards", first, last);
        ranges_add(ranges, first, last + 1);

        if (*text == '\0')
            return 0;
        if (*text != ',')
            return err_set(err, ERR_INVALID, "indexes: a comma expected at \"%.20s\"", text);
        text++;
    }
}

int ranges_parse(const char *text, uint32_t end_max, struct ranges *ret_ranges, struct err *err)
{
    struct ranges parsed = {NULL, 0, 0, 0, 0};
    if (parse_into(text, end_max, &parsed, err) < 0) {
        ranges_done(&parsed);
        return -1;
    }

    ranges_done(ret_ranges);
    *ret_ranges = parsed;
    return 0;
}
