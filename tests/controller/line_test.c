/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "bulkhead/base/str.h"
#include "controller/line.h"

enum { ITEMS_MAX = 16 };

/* clang-format off */
static const struct { const char *name, *given, *want; } rows[] = {
    { "nobody", "", "" },
    { "first come, first served", "n0 n1 n2", "0 1 2" },
    { "a status goes before all creates", "n0 n1 f2", "2 0 1" },
    { "two that end for one that is new", "n0 n1 n2 e3 e4 e5 e6 e7", "3 4 0 5 6 1 7 2" },
    { "nobody waits for a class that is empty", "e0 e1 e2 e3", "0 1 2 3" },
    { "what was taken before is not held against it", "e0 e1 e2 n3", "0 1 3 2" },
    { "statuses do not change whose turn it is", "e0 f1 n2 f3 e4 e5", "1 3 0 4 2 5" },
};
/* clang-format on */

static void fill(struct line *line, struct line_item *items, const char *given)
{
    for (; *given != '\0'; given += given[2] == ' ' ? 3 : 2)
        line_add(line, &items[given[1] - '0'],
                 given[0] == 'f'   ? LINE_FIRST
                 : given[0] == 'e' ? LINE_ENDING
                                   : LINE_NEW);
}

TEST(line)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct line line = {.count = 0};
        struct line_item items[ITEMS_MAX];
        AUTO_STR got = STR_EMPTY;
        fill(&line, items, rows[i].given);
        for (struct line_item *item; (item = line_take(&line)) != NULL;)
            str_addf(&got, "%s%d", got.size > 0 ? " " : "", (int)(item - items));
        CHECK_TEXT(rows[i].name, str_text(&got), rows[i].want);
        CHECK_INT("empty", line.count, 0);
    }
}
