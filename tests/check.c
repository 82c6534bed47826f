/* SPDX-License-Identifier: Apache-2.0 */
/* check.c - the main of every test program: runs what TEST registered, ends with one plain line
 *
 * The last line on standard output is "check: N passed, M failed"; tests/run.sh adds them up. A
 * program that ends without it has crashed, and counts as one failure. */
#include "check.h"

#include "bulkhead/base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TESTS_MAX = 512 };

static struct CMUnitTest tests[TESTS_MAX];
static size_t test_count;
static size_t failed_checks;

void check_register(const char *name, CMUnitTestFunction test)
{
    if (test_count == TESTS_MAX) {
        fputs("check: too many tests in one program, split the file\n", stderr);
        exit(2);
    }
    tests[test_count++] = (struct CMUnitTest){.name = name, .test_func = test};
}

static int before_test(void **state)
{
    (void)state;
    failed_checks = 0;
    return 0;
}

void check_end_of_test(void)
{
    if (failed_checks > 0)
        fail_msg("%zu checks failed", failed_checks);
}

void check_stop(void)
{
    fail(); /* jumps to the next test; its declaration does not say that it never returns */
    abort();
}

char *file_text(const char *path)
{
    FILE *file = fopen(path, "r");
    AUTO_STR out = STR_EMPTY;
    char bytes[4096];
    size_t size;
    if (file == NULL)
        return NULL;
    while ((size = fread(bytes, 1, sizeof(bytes), file)) > 0)
        str_add_bytes(&out, bytes, size);
    (void)fclose(file);
    return str_take(&out);
}

static bool report(bool held)
{
    if (!held)
        failed_checks++;
    return held;
}

static const char *shown(const char *text)
{
    return text != NULL ? text : "(NULL)";
}

bool check_text(const char *name, const char *got, const char *want, const char *file, int line)
{
    if (got == want || (got != NULL && want != NULL && strcmp(got, want) == 0))
        return true;

    print_error("%s:%d: %s\n--- got\n%s\n--- want\n%s\n---\n", file, line, shown(name), shown(got),
                shown(want));
    return report(false);
}

bool check_int(const char *name, int64_t got, int64_t want, const char *file, int line)
{
    if (got != want)
        print_error("%s:%d: %s: got %lld, want %lld\n", file, line, shown(name), (long long)got,
                    (long long)want);
    return report(got == want);
}

bool check_true(const char *name, bool held, const char *condition, const char *file, int line)
{
    if (!held)
        print_error("%s:%d: %s: not so: %s\n", file, line, shown(name), condition);
    return report(held);
}

bool check_has(const char *name, const char *got, const char *part, const char *file, int line)
{
    bool held = got != NULL && strstr(got, part) != NULL;
    if (!held)
        print_error("%s:%d: %s\n--- got\n%s\n--- want somewhere in it\n%s\n---\n", file, line,
                    shown(name), shown(got), part);
    return report(held);
}

uint64_t check_random_next(struct check_random *random)
{
    /* splitmix64 */
    random->state += 0x9e3779b97f4a7c15U;
    uint64_t mixed = random->state;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
    return mixed ^ (mixed >> 31);
}

uint64_t check_random_below(struct check_random *random, uint64_t bound)
{
    return bound == 0 ? 0 : check_random_next(random) % bound;
}

int main(void)
{
    for (size_t i = 0; i < test_count; i++)
        tests[i].setup_func = before_test;

    /* The public macro wants an array whose size it can see; this is the function behind it. */
    int failed = _cmocka_run_group_tests("tests", tests, test_count, NULL, NULL);
    if (failed < 0)
        failed = (int)test_count;

    fflush(stderr);
    printf("check: %zu passed, %d failed\n", test_count - (size_t)failed, failed);
    fflush(stdout); /* a leak found at exit ends the program before libc would do so */
    return failed > 0 ? 1 : 0;
}
