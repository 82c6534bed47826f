/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - one constant message and keys, one line each
 *
 * A line is built in memory and handed over in one write, so lines of several processes on one pipe
 * do not mix, and values come from users, so everything that could end a line early, drive a
 * terminal or make the JSON invalid is escaped. One thread logs: there is no lock here. */
#include "bulkhead/base/log.h"

#include "bulkhead/base/clock.h"
#include "bulkhead/base/str.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum { VALUE_BYTES_MAX = 2048, LINE_BYTES_MAX = 16 * 1024 };

static struct {
    enum log_level level;
    enum log_format format;
    unsigned lines_per_second_max;
    int64_t (*wall_ns)(void);

    int64_t second; /* the one that the two counts below belong to */
    unsigned lines;
    uint64_t dropped;
    uint64_t dropped_total;
    struct str line;
} logger = {.level = LOG_INFO, .wall_ns = clock_wall_ns};

void log_setup(enum log_level level, enum log_format format, unsigned lines_per_second_max)
{
    logger.level = level;
    logger.format = format;
    logger.lines_per_second_max = lines_per_second_max;
}

void log_set_clock(int64_t (*wall_ns)(void))
{
    logger.wall_ns = wall_ns != NULL ? wall_ns : clock_wall_ns;
}

uint64_t log_dropped(void)
{
    return logger.dropped_total;
}

/* --- Escaping ----------------------------------------------------------------------------------
 */

/* The size of the UTF-8 character at text and its code point; 0 if it is none. */
static size_t read_character(const unsigned char *text, uint32_t *ret_point)
{
    static const uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char lead = text[0];
    size_t size = lead < 0x80   ? 1
                  : lead < 0xc0 ? 0
                  : lead < 0xe0 ? 2
                  : lead < 0xf0 ? 3
                  : lead < 0xf8 ? 4
                                : 0;
    if (size <= 1) {
        *ret_point = lead;
        return size;
    }

    uint32_t point = lead & (0x7fU >> size);
    for (size_t i = 1; i < size; i++) {
        if ((text[i] & 0xc0) != 0x80) /* a NUL ends here too */
            return 0;
        point = point << 6 | (text[i] & 0x3fU);
    }
    if (point < lowest[size] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return 0;
    *ret_point = point;
    return size;
}

static void add_escaped(struct str *line, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t start = line->size;

    while (*at != '\0') {
        if (line->size - start >= VALUE_BYTES_MAX) {
            str_add(line, "...");
            return;
        }

        uint32_t point = 0;
        size_t size = read_character(at, &point);
        if (size == 0)
            str_add(line, "\xef\xbf\xbd"); /* the replacement character */
        else if (point == '"' || point == '\\')
            str_addf(line, "\\%c", (char)point);
        else if (point == '\n')
            str_add(line, "\\n");
        else if (point == '\t')
            str_add(line, "\\t");
        else if (point < 0x20 || (point >= 0x7f && point < 0xa0))
            str_addf(line, "\\u%04x", point);
        else
            str_add_bytes(line, at, size);
        at += size > 0 ? size : 1;
    }
}

static void add_quoted(struct str *line, const char *text)
{
    str_add(line, "\"");
    add_escaped(line, text);
    str_add(line, "\"");
}

/* Whether text may stand unquoted after key=. */
static bool is_plain(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c <= ' ' || *c >= 0x7f || *c == '"' || *c == '\\' || *c == '=')
            return false;
    }
    return *text != '\0' && strlen(text) <= VALUE_BYTES_MAX;
}

/* --- Lines -------------------------------------------------------------------------------------
 */

static void add_kv(struct str *line, const struct log_kv *kv)
{
    if (logger.format == LOG_JSON) {
        str_add(line, line->size > 1 ? "," : "");
        add_quoted(line, kv->key);
        str_add(line, ":");
    } else {
        str_addf(line, "%s%s=", line->size > 0 ? " " : "", kv->key);
    }

    if (kv->text == NULL)
        str_addf(line, "%" PRId64, kv->number);
    else if (logger.format == LOG_TEXT && is_plain(kv->text))
        str_add(line, kv->text);
    else
        add_quoted(line, kv->text);
}

static void write_line(const struct str *line)
{
    for (size_t written = 0; written < line->size;) {
        ssize_t size = write(STDERR_FILENO, line->data + written, line->size - written);
        if (size < 0 && errno == EINTR)
            continue;
        if (size <= 0)
            return; /* nowhere left to say so */
        written += (size_t)size;
    }
}

static void print_line(int64_t now_ns, enum log_level level, const char *message,
                       const struct log_kv *kvs, size_t count)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    struct str *line = &logger.line;
    char time[TIME_TEXT_MAX];

    str_clear(line);
    if (logger.format == LOG_JSON)
        str_add(line, "{");
    add_kv(line, &KV("time", time_print_micro(now_ns, time)));
    add_kv(line, &KV("level", names[level]));
    add_kv(line, &KV("msg", message));
    for (size_t i = 0; i < count && line->size < LINE_BYTES_MAX; i++) {
        if (kvs[i].key != NULL) /* the macros put one empty pair first */
            add_kv(line, &kvs[i]);
    }
    str_add(line, logger.format == LOG_JSON ? "}\n" : "\n");
    write_line(line);
}

void log_line(enum log_level level, const char *message, const struct log_kv *kvs, size_t count)
{
    if (level < logger.level)
        return;

    int64_t now_ns = logger.wall_ns();
    if (now_ns / NS_PER_S != logger.second) {
        uint64_t dropped = logger.dropped;
        logger.second = now_ns / NS_PER_S;
        logger.lines = 0;
        logger.dropped = 0;
        if (dropped > 0)
            print_line(now_ns, LOG_WARN, "log lines dropped", &KV_INT("count", dropped), 1);
    }

    if (logger.lines_per_second_max > 0 && logger.lines >= logger.lines_per_second_max) {
        logger.dropped++;
        logger.dropped_total++;
        return;
    }
    logger.lines++;
    print_line(now_ns, level, message, kvs, count);
}
