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

/* Inputs: what the children of an array use of the children of the same index elsewhere, for those
 * that have not ended. The first line has the references, the values of a child are in their order,
 * a tab between any two: "jobs.split.count TAB jobs.split LF", "7 TAB 3 TAB text LF", ... In values
 * newline, tab and backslash are as above. */
enum {
    INPUTS_BYTES_MAX = 256 * 1024, /* of all children of an array at a time */
    INPUTS_LARGE_ARRAY_BYTES_MAX = 32 * 1024,
    INPUT_BYTES_MAX = 16 * 1024, /* of one child */
    /* One child always fits, and the first line has REFERENCES_MAX references at most. */
    INPUTS_TEXT_MAX = INPUTS_BYTES_MAX + 33 * 1024,
};
size_t inputs_bytes_max(uint32_t array_size);
void input_add(struct str *values, const char *value); /* one more value of a child */
/* The value of that number, the caller's; NULL: there are not so many. */
char *input_value(const char *values, size_t number);
void input_line_add(struct str *lines, uint32_t index, const char *values);
/* As result_line_next; the values as input_value takes them. */
bool input_line_next(const char **cursor, uint32_t *ret_index, char **ret_values);

#endif
