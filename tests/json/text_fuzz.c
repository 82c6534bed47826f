/* SPDX-License-Identifier: Apache-2.0 */
/* text_fuzz.c - any bytes, written as a value and as a key, are one value and one key when read */
#include "fuzz/fuzz.h"

#include "bulkhead/base/macros.h"
#include "bulkhead/base/str.h"
#include "bulkhead/json/get.h"

#include <string.h>

FUZZ(data, size)
{
    AUTO_TEXT text = fuzz_text(data, size);
    AUTO(json_object) doc = json_object_new_object();
    json_put_text(doc, "a", text);
    json_put_text(doc, "b", "end");
    AUTO_TEXT printed = text_copy(json_print(doc));
    struct err err = {0};
    AUTO(json_object) again = NULL;
    int result = json_parse(printed, strlen(printed), &again, &err);
    if (result == 0) { /* what is not UTF-8 may be refused, and must not turn into something else */
        MUST(json_object_object_length(again) == 2);
        MUST(text_eq(json_get_text(again, "b"), "end"));
        MUST(text[0] == '\0' || text_eq(json_get_text(again, "a"), text));
    }
    AUTO(json_object) parsed = NULL;
    if (json_parse((const char *)data, size, &parsed, &err) == 0) {
        AUTO_TEXT first = text_copy(json_print(parsed));
        AUTO(json_object) twice = NULL;
        MUST(json_parse(first, strlen(first), &twice, &err) == 0);
        MUST(text_eq(json_print(twice), first));
    }
    return 0;
}
