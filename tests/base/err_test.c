/* SPDX-License-Identifier: Apache-2.0 */
#include "bulkhead/base/err.h"

#include "check.h"

#include <string.h>

TEST(text_grows_outward)
{
    struct err err = {0};
    CHECK_INT("set", err_set(&err, ERR_STALE, "PUT %d: %s", 409, "modified"), -1);
    CHECK_INT("wrap", err_wrap(&err, "renew lease %s", "a/b"), -1);
    CHECK_TEXT("text", err.text, "renew lease a/b: PUT 409: modified");
    CHECK_INT("kind", err.kind, ERR_STALE);

    err_set(&err, ERR_FATAL, "again: %s", err.text);
    CHECK_TEXT("own text as argument", err.text, "again: renew lease a/b: PUT 409: modified");
    err_wrap(&err, "%.5s", err.text);
    CHECK_TEXT("own text as prefix", err.text, "again: again: renew lease a/b: PUT 409: modified");
}

TEST(nobody_cares)
{
    CHECK_INT("set", err_set(NULL, ERR_AGAIN, "%d", 1), -1);
    CHECK_INT("wrap", err_wrap(NULL, "%d", 1), -1);
}

TEST(always_one_line)
{
    struct err err = {0};
    err_set(&err, ERR_INVALID,
            "a\nb\tc\x7f"
            "d\x1b[31m");
    CHECK_TEXT("set", err.text, "a b c d [31m");
    err_wrap(&err, "x\r\ny");
    CHECK_TEXT("wrap", err.text, "x  y: a b c d [31m");
}

TEST(long_texts_are_cut)
{
    struct err err = {0};
    const size_t size = sizeof(err.text);
    char text[1000];
    memset(text, 'x', sizeof(text));

    text[size - 1] = '\0';
    err_set(&err, ERR_INVALID, "%s", text);
    CHECK_TEXT("just fits", err.text, text);

    err_wrap(&err, "p");
    CHECK_INT("full", (int64_t)strlen(err.text), (int64_t)size - 1);
    CHECK_TEXT("ends so", err.text + size - 5, "x...");
    CHECK_TRUE("begins so", strncmp(err.text, "p: xxx", 6) == 0);

    text[size - 1] = 'x';
    text[999] = '\0';
    err_set(&err, ERR_INVALID, "%s", text);
    CHECK_INT("full", (int64_t)strlen(err.text), (int64_t)size - 1);
    CHECK_TEXT("ends so", err.text + size - 5, "x...");

    err_set(&err, ERR_INVALID, "short");
    err_wrap(&err, "%s", text);
    CHECK_TEXT("long prefix", err.text + size - 5, "x...");

    /* A cut never leaves half of a character. */
    for (size_t i = 0; i < 3; i++) {
        memset(text, 'x', sizeof(text));
        for (size_t at = i; at + 3 < sizeof(text); at += 3)
            memcpy(text + at, "\xe2\x82\xac", 3);
        text[996] = '\0';
        err_set(&err, ERR_INVALID, "%s", text);
        size_t end = strlen(err.text);
        CHECK_TEXT("ends in whole", err.text + end - 6, "\xe2\x82\xac...");
    }
}

TEST(kinds_have_names)
{
    CHECK_TEXT("none", err_kind_name(ERR_NONE), "none");
    CHECK_TEXT("again", err_kind_name(ERR_AGAIN), "again");
    CHECK_TEXT("stale", err_kind_name(ERR_STALE), "stale");
    CHECK_TEXT("expired", err_kind_name(ERR_EXPIRED), "expired");
    CHECK_TEXT("invalid", err_kind_name(ERR_INVALID), "invalid");
    CHECK_TEXT("fatal", err_kind_name(ERR_FATAL), "fatal");
}
