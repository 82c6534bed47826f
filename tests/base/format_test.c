/* SPDX-License-Identifier: Apache-2.0 */
#include "bulkhead/base/format.h"

#include "check.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

/* Both print into the same kind of buffer, of every size from none to more than is needed. */
#define SAME(...)                                                                                  \
    do {                                                                                           \
        for (size_t size = 0; size <= sizeof(wanted); size++) {                                    \
            memset(wanted, '#', sizeof(wanted));                                                   \
            memset(got, '#', sizeof(got));                                                         \
            int wanted_size = snprintf(wanted, size, __VA_ARGS__);                                 \
            int got_size = format_to(got, size, __VA_ARGS__);                                      \
            CHECK_INT(#__VA_ARGS__, got_size, wanted_size);                                        \
            if (size > 0)                                                                          \
                CHECK_TEXT(#__VA_ARGS__, got, wanted);                                             \
            CHECK_INT("nothing behind it", memcmp(got, wanted, sizeof(got)), 0);                   \
        }                                                                                          \
    } while (0)

static char wanted[80], got[80];

TEST(texts)
{
    SAME("nothing");
    SAME("%s", "");
    SAME("a%sb%sc", "one", "two");
    SAME("%c%c %%", 'x', 'y');
    SAME("%.*s|", 3, "abcdef");
    SAME("%.*s|", 30, "abcdef");
    SAME("%.*s|", 0, "abcdef");
    SAME("%.*s|", -1, "abcdef");
}

TEST(integers)
{
    SAME("%d %d %d %i", 0, INT_MAX, INT_MIN, -7);
    SAME("%u %u %x %x", 0U, UINT_MAX, 0U, UINT_MAX);
    SAME("%ld %ld", LONG_MAX, LONG_MIN);
    SAME("%lu %lx", ULONG_MAX, ULONG_MAX);
    SAME("%lld %lld", LLONG_MAX, LLONG_MIN);
    SAME("%llu %llx", ULLONG_MAX, ULLONG_MAX);
    SAME("%zu", SIZE_MAX);
    SAME("%08x-0000-%012x", 0xabcU, 0x1234U);
    SAME("%02d:%02d:%03d", 5, 12, -7);
    SAME("%020lld", -1LL);
    SAME("%01d", 123);
}

/* What it leaves to libc, whatever was printed before. */
TEST(everything_else)
{
    const char *volatile none = NULL;
    SAME("%s %.3f %s", "a", 1.5, "b");
    SAME("%d %5d|%-5d|%+d", 1, 2, 3, 4);
    SAME("%*d|", 7, 5);
    SAME("%d %.2s %s", 1, "abc", "d");
    SAME("%d %10s|%-10s|", 1, "abc", "d");
    SAME("%.3d %X %o", 5, 255U, 8U);
    SAME("%hhu %hd", (unsigned char)200, (short)-3);
    SAME("%d %s", 1, none);
    SAME("%zd", (ssize_t)-5);
}
