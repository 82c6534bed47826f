/* SPDX-License-Identifier: Apache-2.0 */
#include "bulkhead/base/log.h"

#include "bulkhead/base/str.h"
#include "check.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int64_t test_now_ns;

static int64_t test_clock(void)
{
    return test_now_ns;
}

/* Standard error goes to a file of our own from capture_start to capture_end. */
static FILE *captured;
static int saved_stderr;

static void capture_start(void)
{
    fflush(stderr);
    captured = tmpfile();
    REQUIRE(captured != NULL);
    saved_stderr = dup(STDERR_FILENO);
    REQUIRE(dup2(fileno(captured), STDERR_FILENO) >= 0);
}

static char *capture_end(void)
{
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);

    struct str out = STR_EMPTY;
    char part[4096];
    rewind(captured);
    for (size_t size; (size = fread(part, 1, sizeof(part), captured)) > 0;)
        str_add_bytes(&out, part, size);
    fclose(captured);
    return str_take(&out);
}

/* Logs one line at the epoch and returns it without its time. */
static char *one_line(enum log_format format, const char *value)
{
    test_now_ns = 0;
    log_set_clock(test_clock);
    log_setup(LOG_INFO, format, 0);
    capture_start();
    log_info("hello there", KV("key", value), KV_INT("n", -3));
    return capture_end();
}

TEST(text_lines)
{
    static const struct {
        const char *value, *want;
    } rows[] = {
        {"plain/value-1.2", "plain/value-1.2"},
        {"", "\"\""},
        {NULL, "\"\""},
        {"two words", "\"two words\""},
        {"a=b", "\"a=b\""},
        {"say \"hi\"", "\"say \\\"hi\\\"\""},
        {"back\\slash", "\"back\\\\slash\""},
        {"line\nbreak\ttab\r", "\"line\\nbreak\\ttab\\u000d\""},
        {"\x1b[31mred", "\"\\u001b[31mred\""},
        {"caf\xc3\xa9", "\"caf\xc3\xa9\""},
        {"\xc2\x9b"
         "c1",
         "\"\\u009bc1\""},
        {"bad\xff\xc3(", "\"bad\xef\xbf\xbd\xef\xbf\xbd(\""},
        {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xf0\x9f\x9a\xa2", "\"\xf0\x9f\x9a\xa2\""},
        {"cut\xf0\x9f\x9a", "\"cut\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TEXT got = one_line(LOG_TEXT, rows[i].value);
        AUTO_TEXT want = text_printf("time=1970-01-01T00:00:00.000000Z level=info "
                                     "msg=\"hello there\" key=%s n=-3\n",
                                     rows[i].want);
        CHECK_TEXT("line", got, want);
    }
}

TEST(json_lines)
{
    AUTO_TEXT got = one_line(LOG_JSON, "a \"b\"\n\\\x01\xff");
    CHECK_TEXT("line", got,
               "{\"time\":\"1970-01-01T00:00:00.000000Z\",\"level\":\"info\","
               "\"msg\":\"hello there\",\"key\":\"a \\\"b\\\"\\n\\\\\\u0001\xef\xbf\xbd\","
               "\"n\":-3}\n");
}

TEST(long_values_are_cut)
{
    char value[5000];
    memset(value, 'v', sizeof(value));
    value[sizeof(value) - 1] = '\0';
    AUTO_TEXT got = one_line(LOG_TEXT, value);
    CHECK_HAS("says so", got, "vvv...\" n=-3\n");
    CHECK_TRUE("bounded", strlen(got) < 2200);
}

TEST(levels)
{
    test_now_ns = 0;
    log_setup(LOG_WARN, LOG_TEXT, 0);
    capture_start();
    log_debug("no");
    log_info("no");
    log_warn("w");
    log_error("e");
    AUTO_TEXT got = capture_end();
    CHECK_TEXT("from warn up", got,
               "time=1970-01-01T00:00:00.000000Z level=warn msg=w\n"
               "time=1970-01-01T00:00:00.000000Z level=error msg=e\n");
}

TEST(limit)
{
    uint64_t before = log_dropped();
    test_now_ns = 5 * NS_PER_S;
    log_setup(LOG_INFO, LOG_TEXT, 2);
    capture_start();
    for (int i = 0; i < 5; i++) {
        log_info("tick", KV_INT("i", i));
        log_debug("not counted");
    }
    test_now_ns = 6 * NS_PER_S;
    for (int i = 5; i < 7; i++)
        log_info("tick", KV_INT("i", i));
    test_now_ns = 7 * NS_PER_S;
    log_info("quiet");
    AUTO_TEXT got = capture_end();

    CHECK_TEXT("two a second, and the count", got,
               "time=1970-01-01T00:00:05.000000Z level=info msg=tick i=0\n"
               "time=1970-01-01T00:00:05.000000Z level=info msg=tick i=1\n"
               "time=1970-01-01T00:00:06.000000Z level=warn msg=\"log lines dropped\" count=3\n"
               "time=1970-01-01T00:00:06.000000Z level=info msg=tick i=5\n"
               "time=1970-01-01T00:00:06.000000Z level=info msg=tick i=6\n"
               "time=1970-01-01T00:00:07.000000Z level=info msg=quiet\n");
    CHECK_INT("total", (int64_t)(log_dropped() - before), 3);
    log_set_clock(NULL);
    log_setup(LOG_INFO, LOG_TEXT, 0);
}
