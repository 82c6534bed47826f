/* SPDX-License-Identifier: Apache-2.0 */
/* lines_fuzz.c - a watch's bytes give the same events, however they arrive */
#include "fuzz/fuzz.h"

#include "bulkhead/base/map.h"
#include "bulkhead/base/str.h"
#include "bulkhead/json/get.h"
#include "bulkhead/kube/lines.h"

#include <string.h>

enum { LINE_MAX_BYTES = 64 };

struct seen {
    uint64_t hash;
    size_t lines;
};

static bool on_line(void *ctx, const char *line, size_t size)
{
    struct seen *seen = ctx;
    struct err err = {0};
    AUTO(json_object) doc = NULL;
    bool whole = json_parse(line, size, &doc, &err) == 0;
    MUST(size > 0);
    seen->lines++;
    seen->hash = seen->hash * 31 + hash_bytes(line, size, 1) + (whole ? 1 : 0);
    return true;
}

/* The first bytes are how many bytes come at a time. */
static int feed(const uint8_t *cuts, size_t cut_count, const uint8_t *data, size_t size,
                struct seen *ret_seen)
{
    struct lines lines;
    struct err err = {0};
    int result = 0;
    lines_init(&lines, LINE_MAX_BYTES, on_line, ret_seen);
    for (size_t at = 0, i = 0; at < size && result == 0; i++) {
        size_t piece = cut_count > 0 ? 1U + cuts[i % cut_count] : size;
        if (piece > size - at)
            piece = size - at;
        AUTO_TEXT exact = mem_new(piece); /* a byte read beyond the piece is found */
        memcpy(exact, data + at, piece);
        result = lines_feed(&lines, exact, piece, &err);
        at += piece;
    }
    MUST(result < 0 || lines_pending(&lines) <= LINE_MAX_BYTES);
    lines_done(&lines);
    return result;
}

FUZZ(data, size)
{
    size_t cut_count = size < 8 ? size : 8;
    struct seen whole = {0, 0};
    struct seen cut = {0, 0};
    int whole_result = feed(NULL, 0, data + cut_count, size - cut_count, &whole);
    int cut_result = feed(data, cut_count, data + cut_count, size - cut_count, &cut);
    MUST(whole_result == cut_result);
    MUST(whole_result < 0 || (whole.lines == cut.lines && whole.hash == cut.hash));
    return 0;
}
