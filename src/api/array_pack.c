/* SPDX-License-Identifier: Apache-2.0 */
/* The children of an array packed into texts, and which object holds these. An ArrayState stays
 * below 1 MiB whatever the children do. */
#include "bulkhead/api/array_history.h"
#include "bulkhead/api/array_state.h"
#include "bulkhead/api/job.h"
#include "bulkhead/base/str.h"

#include <string.h>

/* Of all texts together; the rest of 1 MiB is for failures and metadata. Data has at most 890,000
 * bytes (array_state.c), and results and inputs are bounded (result.h): the others get what is
 * left. */
enum { STATE_TEXT_MAX = 1024 * 1024 - 24 * 1024 };

static size_t size_of(const char *text)
{
    return text != NULL ? strlen(text) : 0;
}

static size_t size_of_all(const struct array_status *array)
{
    return size_of(array->data) + size_of(array->refusals) + size_of(array->history) +
           size_of(array->results) + size_of(array->inputs);
}

/* Inside of JSON quotes and backslashes take two bytes. */
static size_t size_escaped(const char *text)
{
    size_t size = size_of(text);
    for (; text != NULL && *text != '\0'; text++)
        size += *text == '"' || *text == '\\' || *text == '\n' || *text == '\t';
    return size;
}

static size_t at_most(size_t wanted, size_t used)
{
    size_t left = used < STATE_TEXT_MAX ? STATE_TEXT_MAX - used : 0;
    return wanted < left ? wanted : left;
}

int64_t array_status_pack(struct array_status *array, const struct child_record *children,
                          const uint8_t *refusals, const struct array_history *history)
{
    array_state_pack(children, array->size, &array->encoding, &array->data);
    size_t used = size_of(array->data) + size_escaped(array->results) +
                  size_escaped(array->inputs) + REFUSALS_SIZE_MIN;
    if (history != NULL)
        array_history_pack(history, children, array->size, at_most(HISTORY_TEXT_MAX, used),
                           &array->history, &array->history_left_out);
    used += size_of(array->history);
    if (refusals != NULL)
        refusals_pack(refusals, array->size, REFUSALS_SIZE_MIN + at_most(STATE_TEXT_MAX, used),
                      &array->refusals);
    return (int64_t)size_of_all(array);
}

bool array_status_is_large(const struct array_status *array)
{
    return size_of_all(array) > JOB_STATE_INLINE_MAX;
}

void array_status_move_out(struct array_status *array)
{
    array->encoding = array->data = array->refusals = array->history = array->results = NULL;
    array->inputs = NULL;
}
