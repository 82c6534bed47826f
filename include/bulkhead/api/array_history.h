/* SPDX-License-Identifier: Apache-2.0 */
/* array_history.h - how the attempts ended of children that did not simply succeed at once
 *
 * For every child of an array: the ends of its failed attempts in their order, and for one that
 * failed without an attempt (it was stopped, its dependency failed) the reason for that. As text it
 * is one string, kept beside the array's state, from which it follows which children have ends:
 *   base64 of zlib of   "exit code TAB reason TAB statusReason LF" for each kind of end,
 *                       "-" being an absent exit code; an empty line; then
 *                       for each child in order of its index that has a failed attempt or failed:
 *                       one byte for each failed attempt: the number of a kind of end, from 1, or
 *                       255: not told. Before them, when it failed for something that was no
 *                       attempt: 254 and the byte for that.
 * Bounds     HISTORY_TEXT_MAX bytes of text: what does not fit is left out from the highest index
 *            on, and counted. HISTORY_ENDS_MAX kinds of ends with HISTORY_WORDS_TOTAL bytes of
 *            words; HISTORY_NODES_MAX different sequences of ends in memory; 2 bytes a child. */
#ifndef BULKHEAD_API_ARRAY_HISTORY_H
#define BULKHEAD_API_ARRAY_HISTORY_H

#include "bulkhead/api/array_state.h"
#include "bulkhead/base/macros.h"
#include "bulkhead/json/values.h"

enum {
    HISTORY_TEXT_MAX = 64 * 1024,
    HISTORY_TEXT_MIN = 36 * 1024, /* whatever the words are */
    HISTORY_ENDS_MAX = 250,       /* below 254 and 255, which mean something else */
    HISTORY_WORDS_TOTAL = 16 * 1024,
    HISTORY_WORDS_MAX = 256, /* bytes of one reason */
    HISTORY_NODES_MAX = 65000,
    HISTORY_CHILD_MAX = 11, /* ends of one child: ten attempts, and one that is none */
};

struct history_end { /* text may be NULL; borrowed */
    const char *status_reason, *reason;
    struct opt_i64 exit_code;
    bool told; /* false: only that there was an end is known */
};

struct array_history;
struct array_history *array_history_new(uint32_t size) NEVER_NULL;
struct array_history *array_history_free(struct array_history *history);
DEFINE_AUTO(array_history, array_history_free)

/* One more end of a child of which there have been `before`. */
void array_history_add(struct array_history *history, uint32_t index, unsigned before,
                       const struct history_end *end);
/* The ends of a child, first to last; returns how many. Texts live as long as the history. */
size_t array_history_read(const struct array_history *history, uint32_t index,
                          struct history_end ret_ends[HISTORY_CHILD_MAX]);
size_t array_history_kinds(const struct array_history *history);

/* Heap text of at most size_max bytes, NULL when there is nothing to tell or less than
 * HISTORY_TEXT_MIN to tell it in. ret_left_out: children whose ends are not all in it. history
 * NULL: nothing is known. */
void array_history_pack(const struct array_history *history, const struct child_record *children,
                        uint32_t count, size_t size_max, char **ret_text, int64_t *ret_left_out);
/* What the text does not tell of is marked as left out. Text that is damaged (ERR_INVALID) or NULL
 * tells nothing. Always returns a history, or NULL when no child has ends. */
int array_history_unpack(const char *text, const struct child_record *children, uint32_t count,
                         struct array_history **ret_history, struct err *err);

#endif
