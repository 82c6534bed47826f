/* SPDX-License-Identifier: Apache-2.0 */
#include "bulkhead/base/str.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

TEST(growing_text)
{
    AUTO_STR str = STR_EMPTY;
    CHECK_TEXT("empty", str_text(&str), "");
    str_addf(&str, "%s", "");
    CHECK_TEXT("nothing added", str_text(&str), "");
    str_add(&str, "a");
    str_addf(&str, "%d-%s", 12, "bc");
    str_add_bytes(&str, "\0x", 2);
    CHECK_INT("size counts NUL bytes", (int64_t)str.size, 8);
    CHECK_TEXT("before the NUL", str_text(&str), "a12-bc");
    CHECK_INT("bytes kept", memcmp(str.data, "a12-bc\0x", 9), 0);

    str_clear(&str);
    CHECK_TEXT("cleared", str_text(&str), "");
    CHECK_TRUE("memory kept", str.capacity > 0);
}

TEST(every_length_of_piece)
{
    char piece[200];
    for (size_t size = 0; size < sizeof(piece); size++) {
        AUTO_STR added = STR_EMPTY, printed = STR_EMPTY;
        memset(piece, 'p', size);
        piece[size] = '\0';
        for (int i = 0; i < 5; i++) {
            str_add(&added, piece);
            str_addf(&printed, "%s", piece);
        }
        CHECK_INT("size", (int64_t)added.size, (int64_t)(5 * size));
        CHECK_TEXT("same", str_text(&added), str_text(&printed));
    }
}

TEST(taking_the_text)
{
    struct str str = STR_EMPTY;
    AUTO_TEXT empty = str_take(&str);
    CHECK_TEXT("of an empty one", empty, "");

    str_add(&str, "abc");
    AUTO_TEXT text = str_take(&str);
    CHECK_TEXT("taken", text, "abc");
    CHECK_TRUE("left empty", str.data == NULL && str.size == 0 && str.capacity == 0);
    str_done(&str);
}

TEST(heap_copies)
{
    AUTO_TEXT copy = text_copy("abc");
    AUTO_TEXT part = text_copy_n("abc", 2);
    AUTO_TEXT none = text_copy(NULL);
    AUTO_TEXT printed = text_printf("%s-%03d", "x", 7);
    CHECK_TEXT("copy", copy, "abc");
    CHECK_TEXT("part", part, "ab");
    CHECK_TEXT("NULL", none, NULL);
    CHECK_TEXT("printed", printed, "x-007");

    char *field = NULL;
    text_set(&field, "one");
    CHECK_TEXT("first", field, "one");
    text_set(&field, field + 1);
    CHECK_TEXT("part of itself", field, "ne");
    text_set(&field, NULL);
    CHECK_TEXT("unset", field, NULL);
}

TEST(comparing)
{
    CHECK_TRUE("same", text_eq("a", "a"));
    CHECK_TRUE("other", !text_eq("a", "b"));
    CHECK_TRUE("NULL is NULL", text_eq(NULL, NULL));
    CHECK_TRUE("NULL is not empty", !text_eq(NULL, "") && !text_eq("", NULL));
    CHECK_TRUE("starts", text_starts("abc", "ab") && text_starts("abc", ""));
    CHECK_TRUE("does not start", !text_starts("ab", "abc") && !text_starts(NULL, ""));
}

TEST(arrays_grow)
{
    struct {
        int *items;
        size_t count, capacity;
    } numbers = {0};
    for (int i = 0; i < 1000; i++) {
        ARRAY_ROOM(numbers.items, numbers.count, numbers.capacity);
        numbers.items[numbers.count++] = i;
    }
    CHECK_INT("last", numbers.items[999], 999);
    CHECK_INT("doubled", (int64_t)numbers.capacity, 1024);
    free(numbers.items);

    AUTO_TEXT zeroed = mem_new(10);
    for (size_t i = 0; i < 10; i++)
        CHECK_INT("zero", zeroed[i], 0);
}

TEST(the_end_of_a_text)
{
    static const struct {
        const char *text;
        size_t size_max;
        const char *want;
    } rows[] = {
        {NULL, 3, NULL},        {"", 3, ""},
        {"abc", 3, "abc"},      {"abcd", 3, "bcd"},
        {"abc", 0, ""},         {"a\xc3\xbc", 1, ""},
        {"a\xc3\xbc!", 2, "!"}, {"a\xc3\xbc!", 3, "\xc3\xbc!"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TEXT got = text_copy_end(rows[i].text, rows[i].size_max);
        CHECK_TEXT("end", got, rows[i].want);
    }
}

TEST(a_cut_never_splits_a_character)
{
    static const struct {
        const char *name, *text;
        size_t size_max;
        const char *want;
    } rows[] = {
        {"shorter than the cut", "ab", 3, "ab"},
        {"exactly the cut", "abc", 3, "abc"},
        {"one byte each", "abcd", 3, "abc"},
        {"nothing may stay", "abcd", 0, ""},
        {"two bytes, cut within", "ab\xc3\xa9z", 3, "ab"},
        {"two bytes, cut behind", "ab\xc3\xa9z", 4, "ab\xc3\xa9"},
        {"three bytes, cut after one", "a\xe2\x82\xacz", 2, "a"},
        {"three bytes, cut after two", "a\xe2\x82\xacz", 3, "a"},
        {"three bytes, cut behind", "a\xe2\x82\xacz", 4, "a\xe2\x82\xac"},
        {"four bytes, cut after three", "a\xf0\x9f\x98\x80z", 4, "a"},
        {"four bytes, cut behind", "a\xf0\x9f\x98\x80z", 5, "a\xf0\x9f\x98\x80"},
        {"no text", NULL, 3, NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        AUTO_TEXT cut = text_copy_max(rows[i].text, rows[i].size_max);
        CHECK_TEXT(rows[i].name, cut, rows[i].want);
    }
}
