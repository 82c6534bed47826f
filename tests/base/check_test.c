/* SPDX-License-Identifier: Apache-2.0 */
/* check_test.c - the test harness itself: it must be able to pass */
#include "check.h"

TEST(values_that_match)
{
    CHECK_TEXT("same text", "a", "a");
    CHECK_TEXT("both NULL", NULL, NULL);
    CHECK_INT("same number", 1, 1);
    CHECK_HAS("a part", "abc", "b");
    REQUIRE(check_true("held", true, "true", __FILE__, __LINE__));
}

TEST(random_repeats)
{
    struct check_random a = {7}, b = {7};
    for (int i = 0; i < 100; i++)
        CHECK_INT("same seed", check_random_next(&a), check_random_next(&b));
    CHECK_TRUE("below its bound", check_random_below(&a, 3) < 3);
    CHECK_INT("no bound", check_random_below(&a, 0), 0);
}
