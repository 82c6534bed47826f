/* SPDX-License-Identifier: Apache-2.0 */
#include "bulkhead/base/ranges.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

#define AUTO_RANGES __attribute__((cleanup(ranges_done))) struct ranges

TEST(parse_and_print)
{
    static const struct {
        const char *given, *want;
        int64_t total;
    } rows[] = {
        {"", "", 0},
        {"0", "0", 1},
        {"7,7,7", "7", 1},
        {"0-3,7,9-12", "0-3,7,9-12", 9},
        {"9-12,0-3,7", "0-3,7,9-12", 9},
        {"0-1,2-3", "0-3", 4},
        {"5,4,3", "3-5", 3},
        {"1,3,5,7,9,2-8", "1-9", 9},
        {"0-99", "0-99", 100},
        {"001-002", "1-2", 2},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_RANGES ranges = {0};
        AUTO_STR text = STR_EMPTY;
        CHECK_INT(rows[i].given, ranges_parse(rows[i].given, 100, &ranges, NULL), 0);
        ranges_print(&ranges, &text, 0);
        CHECK_TEXT(rows[i].given, str_text(&text), rows[i].want);
        CHECK_INT(rows[i].given, (int64_t)ranges.total, rows[i].total);
    }
}

TEST(parse_refuses)
{
    static const struct {
        const char *given, *want;
    } rows[] = {
        {"a", "indexes: a number expected at \"a\""},
        {",", "indexes: a number expected at \",\""},
        {"1,", "indexes: a number expected at \"\""},
        {"1-", "indexes: a number expected at \"\""},
        {"-1", "indexes: a number expected at \"-1\""},
        {"1 ,2", "indexes: a comma expected at \" ,2\""},
        {"3-1", "indexes: 3-1 runs backwards"},
        {"100", "indexes: 100: expected below 100"},
        {"0-100", "indexes: 100: expected below 100"},
        {"4294967296", "indexes: 4294967296: expected below 100"},
        {"18446744073709551617", "indexes: 18446744073709551617: expected below 100"},
        {"99999999999999999999999999", "indexes: 99999999999999999999: expected below 100"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_RANGES ranges = {0};
        struct err err = {0};
        ranges_add(&ranges, 5, 6);
        CHECK_INT(rows[i].given, ranges_parse(rows[i].given, 100, &ranges, &err), -1);
        CHECK_TEXT(rows[i].given, err.text, rows[i].want);
        CHECK_TRUE(rows[i].given, ranges_has(&ranges, 5) && ranges.total == 1);
    }
}

TEST(print_is_cut)
{
    static const struct {
        size_t size_max;
        const char *want;
    } rows[] = {
        {0, "0-3,7,9-12"},   {10, "0-3,7,9-12"}, {9, "0-3,7,..."}, {8, "0-3,..."},
        {7, "0-3,..."},      {6, "..."},         {3, "..."},       {2, ""},
        {100, "0-3,7,9-12"},
    };

    AUTO_RANGES ranges = {0};
    REQUIRE(ranges_parse("0-3,7,9-12", 100, &ranges, NULL) == 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_STR text = STR_EMPTY;
        str_add(&text, "before:");
        ranges_print(&ranges, &text, rows[i].size_max);
        CHECK_TEXT("cut", str_text(&text) + strlen("before:"), rows[i].want);
    }
}

TEST(edges_of_uint32)
{
    AUTO_RANGES ranges = {0};
    ranges_add(&ranges, 0, UINT32_MAX);
    CHECK_INT("whole", (int64_t)ranges.total, UINT32_MAX);
    CHECK_INT("one range", (int64_t)ranges.count, 1);
    CHECK_TRUE("last", ranges_remove(&ranges, UINT32_MAX - 1));
    CHECK_TRUE("beyond", !ranges_has(&ranges, UINT32_MAX));
    ranges_add(&ranges, UINT32_MAX - 1, UINT32_MAX);
    CHECK_INT("one range again", (int64_t)ranges.count, 1);
    ranges_add(&ranges, 3, 3);
    CHECK_INT("adding nothing", (int64_t)ranges.total, UINT32_MAX);
}

TEST(take_a_million_from_the_front)
{
    AUTO_RANGES ranges = {0};
    ranges_add(&ranges, 0, 1000000);
    for (uint32_t i = 0; i < 1000000; i++) {
        uint32_t first;
        REQUIRE(ranges_first(&ranges, &first) && first == i);
        REQUIRE(ranges_remove(&ranges, first));
    }
    uint32_t first = 42;
    CHECK_TRUE("empty", !ranges_first(&ranges, &first) && first == 42);
    CHECK_TRUE("one range was enough", ranges.capacity <= 4);

    /* Every other one, so that as many ranges as can be; taken and put back in turn. */
    for (uint32_t i = 0; i < 20000; i += 2)
        ranges_add(&ranges, i, i + 1);
    for (uint32_t i = 0; i < 200000; i++) {
        REQUIRE(ranges_first(&ranges, &first));
        REQUIRE(ranges_remove(&ranges, first));
        ranges_add(&ranges, first + 20000, first + 20001);
    }
    CHECK_INT("count", (int64_t)ranges.count, 10000);
    CHECK_TRUE("memory follows what is in the set", ranges.capacity <= 40000);
}

/* The same operations on a plain array of flags. */
enum { WORLD = 300 };

static void check_same(const struct ranges *ranges, const bool flags[WORLD])
{
    size_t count = 0;
    int64_t total = 0;
    for (uint32_t i = 0; i < WORLD; i++) {
        if (ranges_has(ranges, i) != flags[i])
            CHECK_INT("has", i, -1);
        total += flags[i];
        count += flags[i] && (i == 0 || !flags[i - 1]);
    }
    CHECK_INT("total", (int64_t)ranges->total, total);
    CHECK_INT("ranges are merged", (int64_t)ranges->count, (int64_t)count);
    for (size_t i = 0; i + 1 < ranges->count; i++)
        CHECK_TRUE("sorted, apart", ranges_at(ranges, i)->end < ranges_at(ranges, i + 1)->first);
}

TEST(random_against_flags)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct check_random random = {seed};
        AUTO_RANGES ranges = {0};
        bool flags[WORLD] = {false};

        for (int step = 0; step < 400; step++) {
            uint32_t at = (uint32_t)check_random_below(&random, WORLD);
            switch (check_random_below(&random, 8)) {
            case 0: {
                uint32_t end = at + (uint32_t)check_random_below(&random, 12);
                if (end > WORLD)
                    end = WORLD;
                ranges_add(&ranges, at, end);
                for (uint32_t i = at; i < end; i++)
                    flags[i] = true;
                break;
            }
            case 1:
            case 2:
                if (!ranges_first(&ranges, &at))
                    break;
                CHECK_TRUE("taken", ranges_remove(&ranges, at));
                flags[at] = false;
                break;
            case 3:
            case 4:
                ranges_add(&ranges, at, at + 1);
                flags[at] = true;
                break;
            default:
                CHECK_INT("was in", ranges_remove(&ranges, at), flags[at]);
                flags[at] = false;
            }
            check_same(&ranges, flags);
        }

        /* What is printed reads back as the same set, also over an old one. */
        AUTO_STR text = STR_EMPTY;
        AUTO_RANGES again = {0};
        ranges_print(&ranges, &text, 0);
        ranges_add(&again, 1, 2);
        CHECK_INT("read back", ranges_parse(str_text(&text), WORLD, &again, NULL), 0);
        check_same(&again, flags);
        ranges_clear(&ranges);
        CHECK_INT("cleared", (int64_t)ranges.total, 0);
    }
}
