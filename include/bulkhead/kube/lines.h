/* SPDX-License-Identifier: Apache-2.0 */
/* lines.h - cuts a byte stream into lines, however its bytes arrive
 *
 * Owns       the bytes of a line that has not ended yet: at most line_bytes_max.
 * Promise    any split of the same bytes gives the same lines. Empty lines and a '\r' before the
 *            '\n' are dropped. What follows the last '\n' is not a line: a stream that ends there
 *            was cut off, and lines_pending tells. */
#ifndef BULKHEAD_KUBE_LINES_H
#define BULKHEAD_KUBE_LINES_H

#include "bulkhead/base/err.h"
#include "bulkhead/base/str.h"

#include <stdbool.h>

/* line is borrowed, size > 0, not NUL-terminated. Returns false to stop: lines_feed returns at
 * once with 0, and what follows is dropped. Must not touch the splitter. */
typedef bool lines_fn(void *ctx, const char *line, size_t size);

struct lines {
    struct str pending;
    size_t line_bytes_max;
    lines_fn *on_line;
    void *ctx;
};

void lines_init(struct lines *lines, size_t line_bytes_max, lines_fn *on_line, void *ctx);
void lines_done(struct lines *lines);
void lines_reset(struct lines *lines); /* forgets an unfinished line */
size_t lines_pending(const struct lines *lines);

/* ERR_INVALID when a line is longer than line_bytes_max; then reset before feeding again. */
int lines_feed(struct lines *lines, const char *bytes, size_t size, struct err *err);

#endif
