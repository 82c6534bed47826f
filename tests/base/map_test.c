/* SPDX-License-Identifier: Apache-2.0 */
#include "bulkhead/base/map.h"

#include "bulkhead/base/str.h"
#include "check.h"

#include <stdio.h>
#include <string.h>

static char *walk(const struct map *map)
{
    struct str out = STR_EMPTY;
    const char *key, *value;
    for (size_t i = 0; (value = map_next(map, &i, &key)) != NULL;)
        str_addf(&out, "%s%s=%s", out.size > 0 ? " " : "", key, value);
    return str_take(&out);
}

#define CHECK_WALK(name, map, want)                                                                \
    do {                                                                                           \
        AUTO_TEXT walked = walk(map);                                                              \
        CHECK_TEXT(name, walked, want);                                                            \
    } while (0)

TEST(put_get_remove)
{
    static char one[] = "1", two[] = "2", three[] = "3";
    AUTO(map) map = map_new();

    CHECK_TRUE("none", map_get(map, "a") == NULL && map_remove(map, "a") == NULL);
    CHECK_TRUE("new", map_put(map, "b", one) == NULL);
    CHECK_TRUE("new", map_put(map, "a", two) == NULL);
    CHECK_TRUE("replaced", map_put(map, "b", three) == one);
    CHECK_TRUE("empty key", map_put(map, "", one) == NULL);
    CHECK_TEXT("get", map_get(map, "b"), "3");
    CHECK_WALK("in order of insertion", map, "b=3 a=2 =1");
    CHECK_TRUE("removed", map_remove(map, "b") == three);
    CHECK_TRUE("again", map_remove(map, "b") == NULL);
    map_put(map, "b", one);
    CHECK_WALK("at the end", map, "a=2 =1 b=1");
    CHECK_INT("count", (int64_t)map_count(map), 3);
    CHECK_TRUE("NULL in, NULL out", map_free(NULL) == NULL);
}

TEST(keys_are_copies)
{
    char key[] = "key", value[] = "v";
    AUTO(map) map = map_new();
    map_put(map, key, value);
    key[0] = 'K';
    CHECK_TEXT("kept", map_get(map, "key"), "v");
    CHECK_TRUE("not the new one", map_get(map, "Key") == NULL);

    /* The map's own copy may name what to remove. */
    const char *own;
    size_t i = 0;
    map_next(map, &i, &own);
    CHECK_TRUE("removed", map_remove(map, own) == value);
}

TEST(remove_during_a_walk)
{
    enum { COUNT = 1000 };
    static int numbers[COUNT];
    AUTO(map) map = map_new();
    char key[16];

    for (int i = 0; i < COUNT; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        numbers[i] = i;
        map_put(map, key, &numbers[i]);
    }

    int seen = 0;
    const char *walked;
    const int *number;
    for (size_t i = 0; (number = map_next(map, &i, &walked)) != NULL;) {
        CHECK_INT("in order", *number, seen++);
        if (*number % 3 != 0)
            map_remove(map, walked);
    }
    CHECK_INT("all seen", seen, COUNT);
    CHECK_INT("a third left", (int64_t)map_count(map), 334);
    for (size_t i = 0; (number = map_next(map, &i, NULL)) != NULL;)
        CHECK_INT("left", *number % 3, 0);
}

/* As a queue: the map stays as small as what is in it. */
TEST(first_in_first_out)
{
    static char value[] = "v";
    AUTO(map) map = map_new();
    char key[16];
    for (int i = 0; i < 100000; i++) {
        snprintf(key, sizeof(key), "%d", i);
        map_put(map, key, value);
        if (i < 10)
            continue;
        size_t at = 0;
        const char *first;
        map_next(map, &at, &first);
        snprintf(key, sizeof(key), "%d", i - 10);
        if (strcmp(first, key) != 0)
            CHECK_TEXT("oldest", first, key);
        map_remove(map, first);
    }
    CHECK_INT("count", (int64_t)map_count(map), 10);
}

/* The same operations on a plain array. */
TEST(random_against_an_array)
{
    enum { KEYS = 400 };
    static int values[2];

    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct check_random random = {seed};
        AUTO(map) map = map_new();
        void *want[KEYS] = {NULL};
        size_t count = 0;
        char key[16];

        for (int step = 0; step < 20000; step++) {
            size_t at = check_random_below(&random, KEYS);
            bool shrinking = step / 3000 % 2 == 1;
            snprintf(key, sizeof(key), "key-%zu", at);

            if (check_random_below(&random, shrinking ? 2 : 8) != 0) {
                void *value = &values[check_random_below(&random, 2)];
                CHECK_TRUE(key, map_put(map, key, value) == want[at]);
                count += want[at] == NULL;
                want[at] = value;
            } else {
                CHECK_TRUE(key, map_remove(map, key) == want[at]);
                count -= want[at] != NULL;
                want[at] = NULL;
            }
            CHECK_INT("count", (int64_t)map_count(map), (int64_t)count);
            at = check_random_below(&random, KEYS);
            snprintf(key, sizeof(key), "key-%zu", at);
            CHECK_TRUE(key, map_get(map, key) == want[at]);
        }

        size_t walked = 0;
        for (size_t i = 0; map_next(map, &i, NULL) != NULL;)
            walked++;
        CHECK_INT("walk sees each once", (int64_t)walked, (int64_t)count);
    }
}

/* Fixed: what is made from hashes must not change from one version or machine to the next. */
TEST(hash_is_fixed)
{
    static const char text[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    static const struct {
        size_t size;
        uint64_t hash;
    } rows[] = {
        {0, 0xfd8f6ee2d9165a8dU},  {1, 0xe59103f2234bd120U},  {2, 0x647118dd303d08eaU},
        {3, 0x15f20558b173422aU},  {4, 0x1f912c61b64a93f1U},  {5, 0x11f1dc69eb5dd3b0U},
        {6, 0xa47eae225bb2f21cU},  {7, 0x89edbdef4e9fe965U},  {8, 0x97ceeec7911c2d88U},
        {9, 0xaba794390220e297U},  {16, 0x767992ce73bc1067U}, {17, 0x66553c334f4f4058U},
        {32, 0x769c4d9f0bfc7650U}, {36, 0xe10efe7184fab562U},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char got[20], want[20];
        snprintf(got, sizeof(got), "%016llx",
                 (unsigned long long)hash_bytes(text, rows[i].size, 42));
        snprintf(want, sizeof(want), "%016llx", (unsigned long long)rows[i].hash);
        CHECK_TEXT("hash", got, want);
    }
    CHECK_TRUE("differs by seed", hash_bytes("a", 1, 1) != hash_bytes("a", 1, 2));
    CHECK_TRUE("differs by size", hash_bytes("\0", 1, 0) != hash_bytes("\0\0", 2, 0));
}

TEST(hash_spreads)
{
    /* Each of 64 bits of the hash of similar keys is set about half of the time. */
    enum { COUNT = 20000 };
    int ones[64] = {0};
    char key[32];
    for (int i = 0; i < COUNT; i++) {
        int size = snprintf(key, sizeof(key), "namespace/job-%d", i);
        uint64_t hash = hash_bytes(key, (size_t)size, 0);
        for (size_t bit = 0; bit < 64; bit++)
            ones[bit] += (int)(hash >> bit & 1);
    }
    for (size_t bit = 0; bit < 64; bit++)
        CHECK_TRUE("about half", ones[bit] > COUNT * 47 / 100 && ones[bit] < COUNT * 53 / 100);
}
