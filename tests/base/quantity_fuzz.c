/* SPDX-License-Identifier: Apache-2.0 */
/* quantity_fuzz.c - any text as a quantity: the units agree, and what is printed reads the same */
#include "fuzz/fuzz.h"

#include "bulkhead/base/quantity.h"
#include "bulkhead/base/str.h"

#include <string.h>

static void check_printed(int64_t value, int64_t milli)
{
    char text[QUANTITY_TEXT_MAX];
    struct err err = {0};
    int64_t again = 0;
    MUST(quantity_milli(quantity_print_milli(milli, text), &again, &err) == 0);
    MUST(again == milli);
    MUST(quantity_value(quantity_print_bytes(value, text), &again, &err) == 0);
    MUST(again == value);
}

FUZZ(data, size)
{
    AUTO_TEXT text = fuzz_text(data, size);
    struct err err = {0};
    int64_t value = 0;
    int64_t milli = 0;
    quantity_wide nano = 0;
    bool good = quantity_value(text, &value, &err) == 0;
    MUST(good || err.text[0] != '\0');
    MUST((quantity_milli(text, &milli, &err) == 0) == good);
    MUST((quantity_nano(text, &nano, &err) == 0) == good);
    if (!good)
        return 0;
    /* Rounded up, away from zero: thousandths never say less than a whole one does. */
    MUST((value > 0) == (milli > 0) && (value < 0) == (milli < 0) && (nano > 0) == (milli > 0));
    if (milli < INT64_MAX && milli > -INT64_MAX)
        MUST(value == milli / 1000 + (milli % 1000 > 0) - (milli % 1000 < 0));
    check_printed(value, milli);
    return 0;
}
