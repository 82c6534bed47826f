/* SPDX-License-Identifier: Apache-2.0 */
#include "bulkhead/base/clock.h"

#include "check.h"

TEST(steady_time)
{
    int64_t wall = clock_wall_ns(), steady = clock_steady_ns();
    CHECK_TRUE("near the wall clock at the start", steady - wall < NS_PER_S * 60);
    int64_t last = steady;
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_steady_ns();
        CHECK_TRUE("never back", now >= last);
        last = now;
    }
}

TEST(print)
{
    static const struct {
        int64_t ns;
        const char *seconds, *micro;
    } rows[] = {
        {0, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z"},
        {-1, "1969-12-31T23:59:59Z", "1969-12-31T23:59:59.999999Z"},
        {1795253400123456789, "2026-11-21T09:30:00Z", "2026-11-21T09:30:00.123456Z"},
        {951782400000000000, "2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000000Z"},
        {951868800000000000, "2000-03-01T00:00:00Z", "2000-03-01T00:00:00.000000Z"},
        {4107542399000000000, "2100-02-28T23:59:59Z", "2100-02-28T23:59:59.000000Z"},
        {4107542400000000000, "2100-03-01T00:00:00Z", "2100-03-01T00:00:00.000000Z"},
        {INT64_MAX, "2262-04-11T23:47:16Z", "2262-04-11T23:47:16.854775Z"},
        {INT64_MIN, "1677-09-21T00:12:43Z", "1677-09-21T00:12:43.145224Z"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[TIME_TEXT_MAX];
        CHECK_TEXT("seconds", time_print(rows[i].ns, text), rows[i].seconds);
        CHECK_TEXT("microseconds", time_print_micro(rows[i].ns, text), rows[i].micro);
    }
}

TEST(parse)
{
    static const struct {
        const char *text;
        int64_t ns;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-11-21T09:30:00Z", 1795253400000000000},
        {"2026-11-21T09:30:00.123456Z", 1795253400123456000},
        {"2026-11-21T09:30:00.1234567899Z", 1795253400123456789},
        {"2026-11-21T09:30:00.5Z", 1795253400500000000},
        {"2026-11-21T11:30:00+02:00", 1795253400000000000},
        {"2026-11-21T00:00:00-09:30", 1795253400000000000},
        {"2000-02-29T00:00:00Z", 951782400000000000},
        {"1969-12-31T23:59:59.999999Z", -1000},
        {"1678-01-01T00:00:00Z", -9214560000000000000},
        {"2261-12-31T23:59:59Z", 9214646399000000000},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t ns = 42;
        CHECK_INT(rows[i].text, time_parse(rows[i].text, &ns, NULL), 0);
        CHECK_INT(rows[i].text, ns, rows[i].ns);
    }
}

TEST(parse_refuses)
{
    static const char *const rows[] = {
        "",
        "now",
        "2026-11-21",
        "2026-11-21T09:30:00",
        "2026-11-21T09:30:00z",
        "2026-11-21 09:30:00Z",
        "2026-11-21T09:30:00.Z",
        "2026-11-21T09:30:00Z ",
        "2026-11-21T9:30:00Z",
        "2026-11-21T09:30Z",
        "2026-13-21T09:30:00Z",
        "2026-00-21T09:30:00Z",
        "2026-02-29T09:30:00Z",
        "2100-02-29T00:00:00Z",
        "2026-04-31T09:30:00Z",
        "2026-11-00T09:30:00Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T09:60:00Z",
        "2026-11-21T09:30:60Z",
        "2026-11-21T09:30:00+2:00",
        "2026-11-21T09:30:00+24:00",
        "0001-01-01T00:00:00Z",
        "2262-01-01T00:00:00Z",
        "-026-11-21T09:30:00Z",
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t ns = 42;
        struct err err = {0};
        CHECK_INT(rows[i], time_parse(rows[i], &ns, &err), -1);
        CHECK_INT(rows[i], err.kind, ERR_INVALID);
        CHECK_INT(rows[i], ns, 42);
    }
}

TEST(what_is_printed_reads_back)
{
    struct check_random random = {9};
    for (int i = 0; i < 20000; i++) {
        /* 1680 to 2260, in whole microseconds */
        int64_t micro = (int64_t)check_random_below(&random, 18300000000000000U) - 9150000000000000;
        int64_t ns = 0;
        char text[TIME_TEXT_MAX];
        CHECK_INT("parse", time_parse(time_print_micro(micro * 1000, text), &ns, NULL), 0);
        CHECK_INT(text, ns, micro * 1000);
    }
}
