/* SPDX-License-Identifier: Apache-2.0 */
/* The children of an array packed into texts, and which object holds these. */
#include "bulkhead/api/array_state.h"
#include "bulkhead/api/job.h"
#include "bulkhead/base/str.h"

#include <string.h>

void array_status_pack(struct array_status *array, const struct child_record *children,
                       const uint8_t *refusals)
{
    array_state_pack(children, array->size, &array->encoding, &array->data);
    if (refusals != NULL)
        refusals_pack(refusals, array->size, &array->refusals);
}

static size_t size_of(const char *text)
{
    return text != NULL ? strlen(text) : 0;
}

bool array_status_is_large(const struct array_status *array)
{
    size_t bytes = size_of(array->data) + size_of(array->refusals) + size_of(array->results);
    return bytes > JOB_STATE_INLINE_MAX;
}

void array_status_move_out(struct array_status *array)
{
    array->encoding = array->data = array->refusals = array->results = NULL;
}
