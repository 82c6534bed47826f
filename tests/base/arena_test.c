/* SPDX-License-Identifier: Apache-2.0 */
#include "bulkhead/base/arena.h"

#include "check.h"

#include <stdint.h>
#include <string.h>

TEST(zeroed_and_aligned)
{
    AUTO(arena) arena = arena_new(0);
    for (int turn = 0; turn < 3; turn++) {
        unsigned char nothing, *last = &nothing;
        for (size_t size = 0; size < 3000; size += 7) {
            unsigned char *bytes = arena_alloc(arena, size);
            CHECK_INT("aligned", (int64_t)((uintptr_t)bytes % 16), 0);
            CHECK_TRUE("its own address", bytes != last);
            for (size_t i = 0; i < size; i++)
                if (bytes[i] != 0)
                    CHECK_INT("zero", bytes[i], 0);
            for (size_t i = 0; i < size; i++)
                bytes[i] = 0xff;
            last = bytes;
        }
        CHECK_TRUE("counted", arena_used(arena) > 600UL * 1000);
        arena_reset(arena);
        CHECK_INT("reset", (int64_t)arena_used(arena), 0);
    }
}

TEST(texts)
{
    AUTO(arena) arena = arena_new(0);
    CHECK_TEXT("copy", arena_copy(arena, "abc"), "abc");
    CHECK_TEXT("empty", arena_copy(arena, ""), "");
    CHECK_TEXT("printed", arena_printf(arena, "%s/%d", "a", 5), "a/5");
}

TEST(larger_than_a_block)
{
    AUTO(arena) arena = arena_new(0);
    char *small = arena_copy(arena, "small");
    char *large = arena_alloc(arena, 5UL * 1024 * 1024);
    char *after = arena_copy(arena, "after");
    large[5 * 1024 * 1024 - 1] = 'x';
    CHECK_TEXT("before it", small, "small");
    CHECK_TEXT("after it", after, "after");

    arena_reset(arena);
    CHECK_TRUE("the first block is used again", arena_alloc(arena, 1) == (void *)small);
}

TEST(up_to_its_bound)
{
    AUTO(arena) arena = arena_new(1024);
    arena_alloc(arena, 512);
    arena_alloc(arena, 512);
    CHECK_INT("full", (int64_t)arena_used(arena), 1024);
    arena_reset(arena);
    CHECK_TRUE("and again", arena_alloc(arena, 1024) != NULL);
    CHECK_TRUE("NULL in, NULL out", arena_free(NULL) == NULL);
}
