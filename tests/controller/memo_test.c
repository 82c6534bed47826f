/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "bulkhead/json/get.h"
#include "controller/memo.h"

#include <string.h>

TEST(memo_knows_its_own_echo)
{
    AUTO(memo) memo = memo_new();
    CHECK_TRUE("unknown object", memo_is_news(memo, "u", "5"));
    memo_version(memo, "u", "7");
    CHECK_TRUE("older", !memo_is_news(memo, "u", "6"));
    CHECK_TRUE("our own", !memo_is_news(memo, "u", "7"));
    CHECK_TRUE("newer", memo_is_news(memo, "u", "8"));
    CHECK_TRUE("longer, not later in the alphabet", memo_is_news(memo, "u", "10"));
    CHECK_TRUE("not a number", memo_is_news(memo, "u", "x7"));
    CHECK_TRUE("no version", memo_is_news(memo, "u", NULL));
    memo_version(memo, "u", "6");
    CHECK_TRUE("an answer that came late", !memo_is_news(memo, "u", "7"));
    memo_forget(memo, "u");
    CHECK_TRUE("forgotten", memo_is_news(memo, "u", "7"));
    CHECK_INT("bounded by the objects", memo_count(memo), 0);
}

TEST(memo_conditions)
{
    static const char text[] =
        "{\"status\":{\"conditions\":["
        "{\"type\":\"Ready\",\"status\":\"True\",\"lastTransitionTime\":\"2026-01-02T03:04:05Z\","
        "\"reason\":\"R\",\"message\":\"m\"},"
        "{\"type\":\"Custom\",\"status\":\"True\"},"
        "{\"type\":\"Failed\",\"status\":\"Unknown\",\"lastTransitionTime\":"
        "\"2026-01-02T03:04:06Z\"}]}}";
    struct err err;
    AUTO(memo) memo = memo_new();
    AUTO(json_object) doc = NULL;
    REQUIRE(json_parse(text, strlen(text), &doc, &err) == 0);
    CHECK_TRUE("nothing yet", memo_previous(memo, "u") == NULL);
    memo_conditions(memo, "u", doc);
    AUTO(json_object) previous = memo_previous(memo, "u");
    CHECK_TEXT("only what decides lastTransitionTime", json_print(previous),
               "{\"status\":{\"conditions\":["
               "{\"type\":\"Ready\",\"status\":\"True\",\"lastTransitionTime\":"
               "\"2026-01-02T03:04:05Z\"},"
               "{\"type\":\"Failed\",\"status\":\"Unknown\",\"lastTransitionTime\":"
               "\"2026-01-02T03:04:06Z\"}]}}");
}

TEST(memo_arrival_is_taken_once)
{
    AUTO(memo) memo = memo_new();
    CHECK_INT("unknown", memo_take_arrival(memo, "u"), 0);
    memo_arrival(memo, "u", 100);
    memo_arrival(memo, "u", 200);
    CHECK_INT("the first", memo_take_arrival(memo, "u"), 100);
    memo_arrival(memo, "u", 300);
    CHECK_INT("only once", memo_take_arrival(memo, "u"), 0);
}
