/* SPDX-License-Identifier: Apache-2.0 */
/* event_fuzz.c - any bytes as a log, and as one event of one: bounded, and what is read is written
 * as it was read */
#include "fuzz/fuzz.h"

#include "bulkhead/record/record.h"
#include "src/record/events.h"

#include <string.h>

static void read_log(const uint8_t *data, size_t size)
{
    struct err err = {0};
    struct record record;
    AUTO(record_reader) reader = NULL;
    int result = record_reader_new(data, size, &reader, &err);
    while (result >= 0 && (result = record_read(reader, &record, &err)) > 0)
        record_drop(&record);
    MUST(result == 0 || (err.text[0] != '\0' && strchr(err.text, '\n') == NULL));
}

FUZZ(data, size)
{
    AUTO(arena) arena = arena_new(0);
    AUTO_STR first = STR_EMPTY;
    AUTO_STR second = STR_EMPTY;
    read_log(data, size);
    if (size == 0 || data[0] > EVENT_TICK)
        return 0;
    struct event event = {.kind = (enum event_kind)data[0]}, again = event;
    struct record_input input = {data + 1, data + size, false};
    event_get(&input, arena, &event);
    if (input.bad)
        return 0;
    event_put(&first, &event);
    event_drop(&event);
    input = (struct record_input){(const uint8_t *)first.data,
                                  (const uint8_t *)first.data + first.size, false};
    event_get(&input, arena, &again);
    MUST(!input.bad);
    event_put(&second, &again);
    MUST(first.size == second.size && memcmp(first.data, second.data, first.size) == 0);
    event_drop(&again);
    return 0;
}
