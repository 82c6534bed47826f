/* SPDX-License-Identifier: Apache-2.0 */
/* err.h - errors as values that say what to do next
 *
 * A fallible function returns 0, or -1 with *err filled. The kind is named for the caller's next
 * move; the text is one line that grows outward as it climbs ("renew lease a/b: PUT 409: ...").
 * Inline storage, so reporting an error cannot fail. err may be NULL: the caller does not care. */
#ifndef BULKHEAD_BASE_ERR_H
#define BULKHEAD_BASE_ERR_H

#include "bulkhead/base/macros.h"

enum err_kind {
    ERR_NONE,
    ERR_AGAIN,   /* back off, then make the same call again */
    ERR_STALE,   /* read again, plan again */
    ERR_EXPIRED, /* list again */
    ERR_INVALID, /* the input is wrong: tell its author, do not retry */
    ERR_FATAL,   /* stop */
};

struct err {
    enum err_kind kind;
    char text[512];
};

/* Both return -1, so that a caller can write: return err_set(...). Control characters in the text
 * are replaced by spaces: an error is always one line. A longer text is cut and ends in "...". */
int err_set(struct err *err, enum err_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);
int err_wrap(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3); /* keeps the kind */

/* Says to compilers and analyzers, which cannot see into err.c, that the value is always -1: else a
 * caller's ret_x would seem to be used unwritten. */
#define err_set(...) err_failed(err_set(__VA_ARGS__))
#define err_wrap(...) err_failed(err_wrap(__VA_ARGS__))
static inline int err_failed(int minus_one)
{
    (void)minus_one;
    return -1;
}

const char *err_kind_name(enum err_kind kind);

#endif
