/* SPDX-License-Identifier: Apache-2.0 */
/* The history of an array's children: what is told comes back, what is not is counted, the text is
 * bounded whatever the children do, and damaged text is refused. */
#include "bulkhead/api/array_history.h"

#include "check.h"

#include "bulkhead/api/job.h"
#include "bulkhead/api/result.h"
#include "bulkhead/json/get.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MILLION = JOB_ARRAY_SIZE_MAX, LIMIT = 1024 * 1024 };

static struct history_end exit_of(int64_t code)
{
    return (struct history_end){.told = true,
                                .status_reason = "Essential container in task exited",
                                .exit_code = OPT_I64(code)};
}

static void print(const struct array_history *history, uint32_t count, struct str *out)
{
    for (uint32_t i = 0; i < count; i++) {
        struct history_end ends[HISTORY_CHILD_MAX];
        size_t size = history != NULL ? array_history_read(history, i, ends) : 0;
        for (size_t e = 0; e < size; e++) {
            str_addf(out, "%s%u:", out->size > 0 ? " " : "", i);
            if (ends[e].exit_code.set)
                str_addf(out, "%lld", (long long)ends[e].exit_code.value);
            if (ends[e].reason != NULL)
                str_addf(out, "/%s", ends[e].reason);
            if (!ends[e].exit_code.set && ends[e].told)
                str_addf(out, "(%s)", ends[e].status_reason);
            if (!ends[e].told)
                str_add(out, "?");
        }
    }
}

TEST(what_is_told_comes_back)
{
    const struct child_record children[] = {
        {CHILD_SUCCEEDED, 1}, {CHILD_SUCCEEDED, 3}, {CHILD_FAILED, 2},    {CHILD_FAILED, 0},
        {CHILD_WAITING, 1},   {CHILD_FAILED, 1},    {CHILD_SUCCEEDED, 0}, {CHILD_WAITING, 0},
        {CHILD_FAILED, 1},    {CHILD_SUCCEEDED, 2}};
    const struct history_end one = exit_of(1), killed = {.told = true,
                                                         .status_reason = "on\trequest\n",
                                                         .reason = "a\\b"};
    struct history_end memory = exit_of(137);
    memory.reason = "OutOfMemoryError: Container killed";
    AUTO(array_history) history = array_history_new(ARRAY_LEN(children));
    array_history_add(history, 1, 0, &one);
    array_history_add(history, 1, 1, &memory);
    array_history_add(history, 2, 0, &memory);
    array_history_add(history, 2, 1, &memory);
    array_history_add(history, 3, 0, &killed); /* never ran */
    array_history_add(history, 4, 0, &one);
    array_history_add(history, 5, 0, &one);
    array_history_add(history, 5, 1, &killed); /* before its second attempt */
    array_history_add(history, 9, 0, &one);
    static const char want[] =
        "1:1 1:137/OutOfMemoryError: Container killed 2:137/OutOfMemoryError: Container killed "
        "2:137/OutOfMemoryError: Container killed 3:/a\\b(on request ) 4:1 5:1 "
        "5:/a\\b(on request ) ";
    AUTO_TEXT want_before = text_printf("%s9:1", want);
    AUTO_TEXT want_after = text_printf("%s8:? 9:1", want); /* that it had an attempt is known */
    AUTO_STR before = STR_EMPTY;
    print(history, ARRAY_LEN(children), &before);
    CHECK_TEXT("before", str_text(&before), want_before);

    AUTO_TEXT text = NULL;
    int64_t left_out = 0;
    array_history_pack(history, children, ARRAY_LEN(children), HISTORY_TEXT_MAX, &text, &left_out);
    CHECK_INT("child 8's end is not known", left_out, 1);
    AUTO(array_history) back = NULL;
    struct err err = {.kind = ERR_NONE};
    int result = array_history_unpack(text, children, ARRAY_LEN(children), &back, &err);
    CHECK_TEXT("unpacked", result < 0 ? err.text : NULL, NULL);
    AUTO_STR after = STR_EMPTY;
    print(back, ARRAY_LEN(children), &after);
    CHECK_TEXT("after", str_text(&after), want_after);
    AUTO_TEXT again = NULL;
    array_history_pack(back, children, ARRAY_LEN(children), HISTORY_TEXT_MAX, &again, &left_out);
    CHECK_TEXT("the same text again", again, text);

    array_history_add(back, 4, 1, &memory); /* goes on */
    array_history_add(back, 7, 2, &one);    /* two before it left no trace */
    AUTO_STR more = STR_EMPTY;
    print(back, ARRAY_LEN(children), &more);
    CHECK_HAS("more", str_text(&more), "4:1 4:137/OutOfMemoryError: Container killed 5:1");
    CHECK_HAS("unknown", str_text(&more), "7:? 7:? 7:1 8:?");
}

TEST(nothing_to_tell)
{
    const struct child_record good[] = {{CHILD_SUCCEEDED, 1}, {CHILD_WAITING, 0}};
    const struct child_record bad[] = {{CHILD_FAILED, 1}, {CHILD_WAITING, 2}};
    AUTO_TEXT text = NULL;
    int64_t left_out = 7;
    array_history_pack(NULL, good, 2, HISTORY_TEXT_MAX, &text, &left_out);
    CHECK_TEXT("no text", text, NULL);
    CHECK_INT("none left out", left_out, 0);
    AUTO(array_history) none = NULL;
    CHECK_INT("unpacked", array_history_unpack(NULL, good, 2, &none, NULL), 0);
    CHECK_TRUE("no history", none == NULL);

    /* An older program has told nothing. */
    AUTO(array_history) old = NULL;
    CHECK_INT("of an older program", array_history_unpack(NULL, bad, 2, &old, NULL), 0);
    array_history_pack(old, bad, 2, HISTORY_TEXT_MAX, &text, &left_out);
    CHECK_TEXT("still no text", text, NULL);
    CHECK_INT("both are left out", left_out, 2);
}

TEST(bounded_kinds)
{
    enum { CHILDREN = 400 };
    struct child_record children[CHILDREN];
    AUTO(array_history) history = array_history_new(CHILDREN);
    char words[600];
    memset(words, 'x', sizeof(words) - 1);
    words[sizeof(words) - 1] = '\0';
    for (uint32_t i = 0; i < CHILDREN; i++) {
        struct history_end end = exit_of(i);
        end.reason = i % 2 == 0 ? words : NULL; /* all cut to the same */
        children[i] = (struct child_record){CHILD_FAILED, 1};
        array_history_add(history, i, 0, &end);
    }
    CHECK_TRUE("kinds", array_history_kinds(history) <= HISTORY_ENDS_MAX);
    AUTO_TEXT text = NULL;
    int64_t left_out = 0;
    array_history_pack(history, children, CHILDREN, HISTORY_TEXT_MAX, &text, &left_out);
    CHECK_INT("the rest is left out", left_out, CHILDREN - (int64_t)array_history_kinds(history));
    AUTO(array_history) back = NULL;
    CHECK_INT("back", array_history_unpack(text, children, CHILDREN, &back, NULL), 0);
    CHECK_INT("kinds again", (int64_t)array_history_kinds(back),
              (int64_t)array_history_kinds(history));
}

/* ---- a million children ---- */

static const struct {
    const char *name;
    unsigned kinds;    /* exit codes */
    unsigned attempts; /* at most */
    unsigned one_in;   /* children with failed attempts */
    bool random;
    bool whole; /* everything can be told */
    uint32_t count;
} patterns[] = {
    {"every third failed twice", 1, 3, 3, false, true, MILLION},
    {"every second failed", 1, 1, 2, false, true, MILLION},
    {"one in ten, at random, with one exit code", 1, 10, 10, true, true, 300000},
    {"all failed, with one exit code", 1, 10, 1, true, true, 200000},
    {"one in a hundred, three exit codes", 3, 3, 100, true, true, MILLION},
    {"noise: 255 exit codes, ten attempts", 255, 10, 1, true, false, 100000},
    {"two exit codes, one attempt", 2, 1, 1, true, false, MILLION},
};

static void fill(size_t pattern, struct child_record *children, struct array_history *history)
{
    struct check_random random = {.state = pattern + 1};
    for (uint32_t i = 0; i < patterns[pattern].count; i++) {
        bool noise = patterns[pattern].random;
        bool hit = noise ? check_random_below(&random, patterns[pattern].one_in) == 0
                         : i % patterns[pattern].one_in == 0;
        unsigned attempts = patterns[pattern].attempts;
        unsigned used = noise ? 1 + (unsigned)check_random_below(&random, attempts) : attempts;
        bool failed = attempts == 1 || (noise && check_random_below(&random, 2) == 0);
        children[i] = (struct child_record){CHILD_SUCCEEDED, 1};
        if (!hit)
            continue;
        children[i] = (struct child_record){failed ? CHILD_FAILED : CHILD_SUCCEEDED, (uint8_t)used};
        for (unsigned before = 0; before + !failed < used; before++) {
            struct history_end end =
                exit_of(1 + (int64_t)check_random_below(&random, patterns[pattern].kinds));
            array_history_add(history, i, before, &end);
        }
    }
}

/* How many children are not told as they are; told and wrong is an error. */
static int64_t count_untold(const char *name, uint32_t count, const struct child_record *children,
                            const struct array_history *history, const struct array_history *back)
{
    int64_t untold = 0;
    bool wrong = false;
    for (uint32_t i = 0; i < count; i++) {
        struct history_end want[HISTORY_CHILD_MAX], got[HISTORY_CHILD_MAX];
        size_t failed = children[i].attempts - (size_t)(children[i].outcome == CHILD_SUCCEEDED);
        size_t size = back != NULL ? array_history_read(back, i, got) : 0;
        bool told = size == failed;
        (void)array_history_read(history, i, want);
        for (size_t e = 0; e < size; e++) {
            told = told && got[e].told;
            wrong = wrong || (got[e].told && got[e].exit_code.value != want[e].exit_code.value);
        }
        untold += failed > 0 && !told;
    }
    CHECK_TRUE(name, !wrong);
    return untold;
}

TEST(a_million_of_any_pattern)
{
    struct child_record *children = mem_new(MILLION * sizeof(*children));
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
        const char *name = patterns[i].name;
        uint32_t count = patterns[i].count;
        AUTO(array_history) history = array_history_new(count);
        AUTO(array_history) back = NULL;
        AUTO_TEXT text = NULL;
        int64_t left_out = 0;
        fill(i, children, history);
        array_history_pack(history, children, count, HISTORY_TEXT_MAX, &text, &left_out);
        CHECK_TRUE(name, strlen(text) <= HISTORY_TEXT_MAX);
        CHECK_INT(name, left_out == 0, patterns[i].whole);
        CHECK_INT(name, array_history_unpack(text, children, count, &back, NULL), 0);
        CHECK_INT(name, count_untold(name, count, children, history, back), left_out);
    }
    free(children);
}

/* Noise in everything at once: the object must still be one that the API server takes. */
TEST(the_worst_array_state_is_below_a_mebibyte)
{
    enum { WORDS = 256 };
    struct child_record *children = mem_new(MILLION * sizeof(*children));
    uint8_t *refusals = mem_new(MILLION);
    AUTO(array_history) history = array_history_new(MILLION);
    struct check_random random = {.state = 99};
    for (uint32_t i = 0; i < MILLION; i++) {
        uint8_t attempts = (uint8_t)check_random_below(&random, JOB_ATTEMPTS_MAX + 1);
        uint8_t outcome = (uint8_t)check_random_below(&random, 3);
        children[i] = (struct child_record){outcome, attempts};
        refusals[i] = (uint8_t)check_random_below(&random, JOB_REFUSALS_MAX + 1);
        for (uint8_t a = 0; a + (outcome == CHILD_SUCCEEDED) < attempts; a++) {
            struct history_end end = exit_of((int64_t)check_random_below(&random, 256));
            array_history_add(history, i, a, &end);
        }
    }
    char words[WORDS + 1], indexes[WORDS + 5];
    memset(words, 'w', WORDS);
    memset(indexes, '1', WORDS + 4);
    words[WORDS] = indexes[WORDS + 4] = '\0';
    struct array_failure failures[JOB_FAILURE_GROUPS_MAX];
    for (size_t i = 0; i < JOB_FAILURE_GROUPS_MAX; i++)
        failures[i] = (struct array_failure){words, words, OPT_I64(-1), MILLION, MILLION, indexes};
    struct array_status status = {.size = MILLION,
                                  .failures = failures,
                                  .failure_count = JOB_FAILURE_GROUPS_MAX,
                                  .other_attempts = 10 * MILLION,
                                  .other_children = MILLION};
    /* As much as their bound allows, and with a quote in four bytes. */
    char *results = mem_new(RESULTS_LARGE_ARRAY_BYTES_MAX + 1);
    for (size_t i = 0; i < RESULTS_LARGE_ARRAY_BYTES_MAX; i++)
        results[i] = i % 4 == 0 ? '"' : 'r';
    status.results = results;
    array_status_pack(&status, children, refusals, history);
    char name[] = "a-name", uid[] = "00000000-0000-0000-0000-000000000000";
    const struct batch_job job = {.meta = {.name = name, .namespace_ = name, .uid = uid}};
    AUTO(json_object) state = array_state_encode(&job, "1234567890", &status);
    size_t size = strlen(json_print(state));
    printf("the worst ArrayState: %zu bytes (data %zu, history %zu, refusals %zu)\n", size,
           strlen(status.data), status.history != NULL ? strlen(status.history) : 0,
           strlen(status.refusals));
    CHECK_TRUE("large", array_status_is_large(&status));
    CHECK_TRUE("below 1 MiB", size < LIMIT);
    free(results);
    free(status.encoding);
    free(status.data);
    free(status.refusals);
    free(status.history);
    free(children);
    free(refusals);
}

/* ---- damage ---- */

TEST(damage_is_refused)
{
    enum { COUNT = 2000 };
    static struct child_record children[COUNT];
    AUTO(array_history) history = array_history_new(COUNT);
    struct check_random random = {.state = 4};
    for (uint32_t i = 0; i < COUNT; i++) {
        struct history_end end = exit_of((int64_t)check_random_below(&random, 9));
        children[i] = (struct child_record){CHILD_FAILED, 1};
        array_history_add(history, i, 0, &end);
    }
    AUTO_TEXT text = NULL;
    int64_t left_out = 0;
    array_history_pack(history, children, COUNT, HISTORY_TEXT_MAX, &text, &left_out);
    static const char *const bad[] = {"", "x", "eJwD", "eJwDAAAAAAE=", "AAAA", "eJwzAAAAMQAx"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        AUTO(array_history) back = NULL;
        struct err err = {.kind = ERR_NONE};
        CHECK_INT(bad[i], array_history_unpack(bad[i], children, COUNT, &back, &err), -1);
        CHECK_INT("kind", err.kind, ERR_INVALID);
        CHECK_TRUE("a history all the same", back != NULL);
    }
    /* Of children that ended otherwise it makes no sense, and must not be read beyond its end. */
    struct child_record others[COUNT];
    for (int i = 0; i < 3000; i++) {
        AUTO(array_history) back = NULL;
        AUTO_TEXT copy = text_copy(text);
        for (uint32_t c = 0; c < COUNT; c++)
            others[c] = (struct child_record){(uint8_t)check_random_below(&random, 3),
                                              (uint8_t)check_random_below(&random, 11)};
        if (i % 2 == 0)
            copy[check_random_below(&random, strlen(copy))] =
                (char)('A' + (char)check_random_below(&random, 26));
        (void)array_history_unpack(copy, i % 3 == 0 ? others : children, COUNT, &back, NULL);
    }
}
