/* SPDX-License-Identifier: Apache-2.0 */
/* lines.c - cuts a byte stream into lines, however its bytes arrive: see the header
 *
 * A line that lies whole in the fed bytes is handed on where it lies; only the end of a feed is
 * copied. So an event is copied at most once, however long the feed. */
#include "bulkhead/kube/lines.h"

#include <assert.h>
#include <string.h>

void lines_init(struct lines *lines, size_t line_bytes_max, lines_fn *on_line, void *ctx)
{
    assert(line_bytes_max > 0);
    *lines = (struct lines){STR_EMPTY, line_bytes_max, on_line, ctx};
}

void lines_done(struct lines *lines)
{
    str_done(&lines->pending);
}

void lines_reset(struct lines *lines)
{
    /* One giant line must not keep its memory for the life of the stream. */
    if (lines->pending.capacity > 64 * 1024)
        str_done(&lines->pending);
    else
        str_clear(&lines->pending);
}

size_t lines_pending(const struct lines *lines)
{
    return lines->pending.size;
}

static bool give(struct lines *lines, const char *line, size_t size)
{
    if (size > 0 && line[size - 1] == '\r')
        size--;
    return size == 0 || lines->on_line(lines->ctx, line, size);
}

/* The bound holds for a line as it came, its '\r' included, so that it does not depend on the
 * split. */
static int check_size(const struct lines *lines, size_t size, struct err *err)
{
    if (size > lines->line_bytes_max)
        return err_set(err, ERR_INVALID, "a line of more than %zu bytes", lines->line_bytes_max);
    return 0;
}

int lines_feed(struct lines *lines, const char *bytes, size_t size, struct err *err)
{
    while (size > 0) {
        const char *end = memchr(bytes, '\n', size);
        size_t piece = end != NULL ? (size_t)(end - bytes) : size;

        if (check_size(lines, lines->pending.size + piece, err) < 0)
            return -1;
        if (end == NULL) {
            str_add_bytes(&lines->pending, bytes, piece);
            return 0;
        }

        bool go_on;
        if (lines->pending.size > 0) {
            str_add_bytes(&lines->pending, bytes, piece);
            go_on = give(lines, lines->pending.data, lines->pending.size);
            lines_reset(lines);
        } else {
            go_on = give(lines, bytes, piece);
        }
        if (!go_on)
            return 0;
        bytes += piece + 1;
        size -= piece + 1;
    }
    return 0;
}
