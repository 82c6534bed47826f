/* SPDX-License-Identifier: Apache-2.0 */
/* world_rows.c - the rows of a table of worlds; apart, since a fuzz target has no cmocka */
#include "core/world.h"

#include <stdio.h>

void world_check(const struct world_row *rows, size_t count, unsigned show)
{
    for (size_t i = 0; i < count; i++) {
        AUTO(world) first = world_new(show);
        AUTO(world) second = world_new(show);
        world_run(first, rows[i].given);
        world_run(second, rows[i].given);
        if (!check_text(rows[i].name, world_log(first), rows[i].want, __FILE__, __LINE__))
            fprintf(stderr, "given:\n%s\n", rows[i].given);
        CHECK_TEXT(rows[i].name, world_plans(second), world_plans(first));
    }
}
