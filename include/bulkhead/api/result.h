/* SPDX-License-Identifier: Apache-2.0 */
/* result.h - what a job leaves to those who depend on it
 *
 * A result is the termination message of a container that succeeded: a JSON object, or any text,
 * without the newlines at its end. A single job has one, in status.result; an array has one a
 * child, all of them together in one text. */
#ifndef BULKHEAD_API_RESULT_H
#define BULKHEAD_API_RESULT_H

#include "bulkhead/base/err.h"
#include "bulkhead/base/str.h"

enum {
    RESULT_BYTES_MAX = 4096, /* of one, as the kubelet keeps it */
    /* Of the children of one array together, as the text below. An array whose state may take most
     * of what an object can hold keeps less. */
    RESULTS_BYTES_MAX = 256 * 1024,
    RESULTS_LARGE_ARRAY = 500000,
    RESULTS_LARGE_ARRAY_BYTES_MAX = 64 * 1024,
};
size_t results_bytes_max(uint32_t array_size);

/* One line a child, ascending: the index, a space, the text with \n, \t and \\ for newline, tab and
 * backslash. */
void result_line_add(struct str *lines, uint32_t index, const char *text);
size_t result_line_bytes(uint32_t index, const char *text);
/* The line at the cursor, which moves on; the text is the caller's. False: the end, or no such line
 * is there. */
bool result_line_next(const char **cursor, uint32_t *ret_index, char **ret_text);

#endif
