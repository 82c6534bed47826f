/* SPDX-License-Identifier: Apache-2.0 */
/* consumable_fuzz.c - any text as the annotation that says what a pod holds: what is read of it
 * is within bounds, and reads the same when it is written again */
#include "fuzz/fuzz.h"

#include "bulkhead/api/consumable.h"

#include <string.h>

static void check_bounds(const struct consumable_needs *needs)
{
    MUST(needs->count <= CONSUMABLE_NEEDS_MAX);
    for (size_t i = 0; i < needs->count; i++) {
        const struct consumable_need *need = &needs->items[i];
        MUST(need->resource[0] != '\0' && strlen(need->resource) <= 63);
        MUST(need->quantity >= 1 && need->quantity <= CONSUMABLE_QUANTITY_MAX);
        for (size_t j = 0; j < i; j++)
            MUST(strcmp(need->resource, needs->items[j].resource) != 0);
    }
}

FUZZ(data, size)
{
    struct consumable_needs once, again;
    AUTO_TEXT text = fuzz_text(data, size);
    AUTO_STR first = STR_EMPTY;
    AUTO_STR second = STR_EMPTY;
    consumable_needs_parse(text, &once);
    check_bounds(&once);
    consumable_needs_print(&once, &first);
    consumable_needs_parse(str_text(&first), &again);
    consumable_needs_print(&again, &second);
    MUST(strcmp(str_text(&first), str_text(&second)) == 0);
    consumable_needs_done(&once);
    consumable_needs_done(&again);
    return 0;
}
