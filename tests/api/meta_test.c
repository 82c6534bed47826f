/* SPDX-License-Identifier: Apache-2.0 */
/* meta_test.c - resourceVersions as numbers */
#include "bulkhead/api/meta.h"
#include "check.h"

TEST(a_version_is_read_as_a_number)
{
    static const struct {
        const char *given;
        int64_t want;
    } rows[] = {
        {NULL, 0},
        {"", 0},
        {"later", 0},
        {"0", 0},
        {"48211", 48211},
        {"12x", 12},
        {"9223372036854775790", 9223372036854775790},
        {"99999999999999999999", INT64_MAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK_INT(rows[i].given != NULL ? rows[i].given : "none", version_number(rows[i].given),
                  rows[i].want);
}
