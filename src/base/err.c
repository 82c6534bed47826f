/* SPDX-License-Identifier: Apache-2.0 */
/* err.c - errors as values that say what to do next */
#include "bulkhead/base/err.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* How much of text, cut at size, is whole UTF-8 characters: a cut never leaves half of one. */
static size_t whole_characters(const char *text, size_t size)
{
    while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80)
        size--;
    return size;
}

/* Makes text, of which wanted bytes were to be written, one line that fits and says if it was cut.
 */
static void tidy(char *text, size_t capacity, size_t wanted)
{
    static const char ellipsis[] = "...";

    if (wanted >= capacity) {
        size_t keep = whole_characters(text, capacity - sizeof(ellipsis));
        memcpy(text + keep, ellipsis, sizeof(ellipsis));
    }

    for (char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
    }
}

int(err_set)(struct err *err, enum err_kind kind, const char *format, ...)
{
    assert(kind != ERR_NONE);
    if (err == NULL)
        return -1;

    /* Written beside err first: an argument may be err's own text. */
    char text[sizeof(err->text)];
    va_list args;
    va_start(args, format);
    int wanted = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    assert(wanted >= 0);

    tidy(text, sizeof(text), (size_t)wanted);
    memcpy(err->text, text, sizeof(text));
    err->kind = kind;
    return -1;
}

int(err_wrap)(struct err *err, const char *format, ...)
{
    if (err == NULL)
        return -1;

    assert(err->kind != ERR_NONE); /* whoever failed has said why */

    char text[sizeof(err->text)];
    va_list args;
    va_start(args, format);
    int prefix = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    assert(prefix >= 0);

    size_t wanted = (size_t)prefix;
    if (wanted < sizeof(text)) {
        int rest = snprintf(text + wanted, sizeof(text) - wanted, ": %s", err->text);
        assert(rest >= 0);
        wanted += (size_t)rest;
    }

    tidy(text, sizeof(text), wanted);
    memcpy(err->text, text, sizeof(text));
    return -1;
}

const char *err_kind_name(enum err_kind kind)
{
    switch (kind) {
    case ERR_NONE:
        return "none";
    case ERR_AGAIN:
        return "again";
    case ERR_STALE:
        return "stale";
    case ERR_EXPIRED:
        return "expired";
    case ERR_INVALID:
        return "invalid";
    case ERR_FATAL:
        return "fatal";
    }
    return "unknown";
}
