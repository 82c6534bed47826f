/* SPDX-License-Identifier: Apache-2.0 */
/* Array state: what it looks like, that any pattern of a million fits and comes back, and that
 * damaged text is refused. */
#include "bulkhead/api/array_state.h"

#include "check.h"

#include "bulkhead/api/job.h"
#include "bulkhead/base/str.h"

#include <stdlib.h>
#include <string.h>

enum { MILLION = JOB_ARRAY_SIZE_MAX, LIMIT = 1024 * 1024, SYMBOLS = 33 };

static struct child_record child(unsigned symbol)
{
    return (struct child_record){(uint8_t)(symbol / 11), (uint8_t)(symbol % 11)};
}

TEST(readable_when_regular)
{
    const struct child_record children[] = {
        {CHILD_WAITING, 0}, {CHILD_WAITING, 0}, {CHILD_SUCCEEDED, 1}, {CHILD_FAILED, 10}};
    AUTO_TEXT encoding = NULL;
    AUTO_TEXT data = NULL;
    array_state_pack(children, ARRAY_LEN(children), &encoding, &data);
    CHECK_TEXT("encoding", encoding, "runs");
    CHECK_TEXT("data", data, "w0*2,s1,f10");
}

static const struct {
    const char *name;
    unsigned symbols; /* how many kinds of children */
    unsigned run_max; /* 1: each differs; 0: alternating */
} patterns[] = {
    {"all symbols at random", SYMBOLS, 1},
    {"two at random", 2, 1},
    {"three at random", 3, 1},
    {"seventeen at random", 17, 1},
    {"alternating", 2, 0},
    {"alternating all", SYMBOLS, 0},
    {"short runs", SYMBOLS, 4},
    {"long runs", 5, 50000},
    {"one run", 1, 1},
};

static void fill(struct child_record *children, size_t pattern, uint64_t seed)
{
    struct check_random random = {.state = seed};
    unsigned symbols = patterns[pattern].symbols;
    for (uint32_t i = 0; i < MILLION;) {
        unsigned symbol = patterns[pattern].run_max == 0
                              ? i % symbols
                              : (unsigned)check_random_below(&random, symbols);
        uint64_t run = 1;
        if (patterns[pattern].run_max > 1)
            run += check_random_below(&random, patterns[pattern].run_max);
        for (; run > 0 && i < MILLION; run--)
            children[i++] = child(symbol);
    }
}

TEST(a_million_of_any_pattern)
{
    struct child_record *children = mem_new(MILLION * sizeof(*children));
    struct child_record *back = mem_new(MILLION * sizeof(*back));
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
        struct err err = {.kind = ERR_NONE};
        AUTO_TEXT encoding = NULL;
        AUTO_TEXT data = NULL;
        fill(children, i, i + 1);
        array_state_pack(children, MILLION, &encoding, &data);
        CHECK_TRUE(patterns[i].name, strlen(data) < LIMIT);
        int result = array_state_unpack(encoding, data, back, MILLION, &err);
        CHECK_TEXT(patterns[i].name, result < 0 ? err.text : NULL, NULL);
        CHECK_TRUE(patterns[i].name, memcmp(children, back, MILLION * sizeof(*back)) == 0);
    }
    free(children);
    free(back);
}

TEST(every_size)
{
    struct child_record children[200], back[200];
    struct check_random random = {.state = 5};
    for (uint32_t count = 1; count < 200; count++) {
        AUTO_TEXT encoding = NULL;
        AUTO_TEXT data = NULL;
        for (uint32_t i = 0; i < count; i++)
            children[i] = child((unsigned)check_random_below(&random, 1 + count % SYMBOLS));
        array_state_pack(children, count, &encoding, &data);
        CHECK_INT("back", array_state_unpack(encoding, data, back, count, NULL), 0);
        CHECK_TRUE("same", memcmp(children, back, count * sizeof(*back)) == 0);
        CHECK_INT("of one more", array_state_unpack(encoding, data, back, count + 1, NULL), -1);
        CHECK_INT("of one less", array_state_unpack(encoding, data, back, count - 1, NULL), -1);
    }
}

static const struct {
    const char *encoding, *data;
} damaged[] = {
    {"runs", ""},         {"runs", "w0*3"},    {"runs", "w0*5"},       {"runs", "w0*4,"},
    {"runs", ",w0*4"},    {"runs", "x0*4"},    {"runs", "w11*4"},      {"runs", "w*4"},
    {"runs", "w0*04"},    {"runs", "w00*4"},   {"runs", "w0*0,w0*4"},  {"runs", "w0*99999999999"},
    {"runs", "w0*-4"},    {"runs", "w0 *4"},   {"runs", NULL},         {"zn64", ""},
    {"zn64", "w0"},       {"zn64", "w0:"},     {"zn64", "w0,w0:AAAA"}, {"zn64", "w0:!!!!"},
    {"zn64", "w0:AAAAA"}, {"zn64", "w0:===="}, {"zn64", "w0;s1:AAAA"}, {"zn64", NULL},
    {"zip", "w0*4"},      {NULL, "w0*4"},
};

TEST(damage_is_refused)
{
    struct child_record back[4];
    for (size_t i = 0; i < ARRAY_LEN(damaged); i++) {
        struct err err = {.kind = ERR_NONE};
        int result = array_state_unpack(damaged[i].encoding, damaged[i].data, back, 4, &err);
        CHECK_INT(damaged[i].data != NULL ? damaged[i].data : "(none)", result, -1);
        CHECK_INT("kind", err.kind, ERR_INVALID);
    }
}

/* Any change of a packed text is either refused or decodes within bounds; the sanitizers watch. */
TEST(random_damage)
{
    enum { COUNT = 3000 };
    static struct child_record children[COUNT], back[COUNT];
    struct check_random random = {.state = 11};
    AUTO_TEXT encoding = NULL;
    AUTO_TEXT data = NULL;
    for (uint32_t i = 0; i < COUNT; i++)
        children[i] = child((unsigned)check_random_below(&random, SYMBOLS));
    array_state_pack(children, COUNT, &encoding, &data);
    CHECK_TEXT("packed", encoding, "zn64");
    for (int i = 0; i < 5000; i++) {
        AUTO_TEXT copy = text_copy(data);
        size_t size = strlen(copy);
        for (uint64_t n = 1 + check_random_below(&random, 3); n > 0; n--)
            copy[check_random_below(&random, size)] = (char)check_random_below(&random, 128);
        if (check_random_below(&random, 4) == 0)
            copy[check_random_below(&random, size)] = '\0';
        (void)array_state_unpack("zn64", copy, back, COUNT, NULL);
        (void)array_state_unpack("runs", copy, back, COUNT, NULL);
        (void)refusals_unpack(copy, (uint8_t *)back, COUNT, NULL);
    }
}

TEST(refusals_as_text)
{
    const uint8_t refusals[] = {0, 0, 0, 2, 0, 0, 0, 1, 1, 1};
    uint8_t back[10];
    AUTO_TEXT text = NULL;
    refusals_pack(refusals, 10, LIMIT, &text);
    CHECK_TEXT("text", text, "3:2,7-9:1");
    CHECK_INT("back", refusals_unpack(text, back, 10, NULL), 0);
    CHECK_TRUE("same", memcmp(refusals, back, 10) == 0);
    static const char *const bad[] = {"10:1", "3:0", "3",     "3:2,3:1", "7-7:1",    "9-7:1",
                                      "3:2,", "a",   "3:256", "z64:",    "z64:AAAA", "3:2,1:1"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CHECK_INT(bad[i], refusals_unpack(bad[i], back, 10, NULL), -1);
    CHECK_INT("none", refusals_unpack(NULL, back, 10, NULL), 0);
    CHECK_INT("cleared", back[3], 0);
}

/* Pod names are made of them, so they may be rounded up and never down. */
TEST(many_refusals_fit_and_are_never_lost)
{
    struct check_random random = {.state = 3};
    uint8_t *refusals = mem_new(MILLION);
    uint8_t *back = mem_new(MILLION);
    AUTO_TEXT text = NULL;
    bool lost = false;
    for (uint32_t i = 0; i < MILLION; i++)
        refusals[i] = (uint8_t)check_random_below(&random, JOB_REFUSALS_MAX + 1);
    static const size_t bounds[] = {512 * 1024, 60 * 1024, REFUSALS_SIZE_MIN};
    for (size_t b = 0; b < ARRAY_LEN(bounds); b++) {
        refusals_pack(refusals, MILLION, bounds[b], &text);
        CHECK_TRUE("fits", strlen(text) <= bounds[b]);
        REQUIRE(refusals_unpack(text, back, MILLION, NULL) == 0);
        for (uint32_t i = 0; i < MILLION; i++)
            lost = lost || back[i] < refusals[i];
        CHECK_TRUE("never lost", !lost);
        text_set(&text, NULL);
    }
    free(refusals);
    free(back);
}
