/* SPDX-License-Identifier: Apache-2.0 */
/* check.h - what every test program uses, a thin layer over cmocka
 *
 * A file tests/<module>/<name>_test.c is one program: write TEST(name) { ... } blocks, no main;
 * they run in the order of the file. A CHECK that fails prints the row's name and both values, and
 * the test goes on, so that one run shows every bad row; the test fails at its end. REQUIRE ends
 * the test at once, for what the rest cannot do without. No test sleeps, none needs the network. */
#ifndef BULKHEAD_TESTS_CHECK_H
#define BULKHEAD_TESTS_CHECK_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include <stdbool.h>

/* Registers a test when the program starts, so that there is no list to keep. */
#define TEST(name)                                                                                 \
    static void name##_test_body(void);                                                            \
    static void name##_test(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        name##_test_body();                                                                        \
        check_end_of_test();                                                                       \
    }                                                                                              \
    __attribute__((constructor)) static void name##_test_register(void)                            \
    {                                                                                              \
        check_register(#name, name##_test);                                                        \
    }                                                                                              \
    static void name##_test_body(void)

/* name: which row of the table, for the person who reads the failure. NULL texts are allowed. */
#define CHECK_TEXT(name, got, want) check_text((name), (got), (want), __FILE__, __LINE__)
#define CHECK_INT(name, got, want)                                                                 \
    check_int((name), (int64_t)(got), (int64_t)(want), __FILE__, __LINE__)
#define CHECK_TRUE(name, condition) check_true((name), (condition), #condition, __FILE__, __LINE__)
/* The text has this part somewhere. */
#define CHECK_HAS(name, got, part) check_has((name), (got), (part), __FILE__, __LINE__)
#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!check_true("required", (condition), #condition, __FILE__, __LINE__))                  \
            check_stop();                                                                          \
    } while (0)

/* Each returns whether the check held. */
bool check_text(const char *name, const char *got, const char *want, const char *file, int line);
bool check_int(const char *name, int64_t got, int64_t want, const char *file, int line);
bool check_true(const char *name, bool held, const char *condition, const char *file, int line);
bool check_has(const char *name, const char *got, const char *part, const char *file, int line);

/* A small random source for randomized tests: the same seed gives the same numbers everywhere. */
struct check_random {
    uint64_t state;
};
uint64_t check_random_next(struct check_random *random);
uint64_t check_random_below(struct check_random *random, uint64_t bound);

/* A whole file, for the caller to free; NULL when it cannot be read. Paths are from the top of the
 * repository, where tests run. */
char *file_text(const char *path);

/* For the macros above. */
void check_register(const char *name, CMUnitTestFunction test);
void check_end_of_test(void);
__attribute__((noreturn)) void check_stop(void);

#endif
