/* SPDX-License-Identifier: Apache-2.0 */
/* state_change_test.c - marks and their order; events as they are told, and as the docs show them
 */
#include "bulkhead/api/state_change.h"
#include "bulkhead/json/get.h"

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOCUMENT "docs/events.md"
#define BEGIN "<!-- example: begin -->\n```json\n"
#define END "\n```\n<!-- example: end -->"

static const int64_t day = 1763719200LL * NS_PER_S; /* 2025-11-21T10:00:00Z */

TEST(marks_are_in_order_and_read_back)
{
    static const struct state_mark marks[] = {
        {0, JOB_SUBMITTED}, {0, JOB_PENDING},  {1, JOB_RUNNABLE}, {1, JOB_STARTING},
        {1, JOB_RUNNING},   {2, JOB_RUNNABLE}, {9, JOB_RUNNING},  {2, JOB_FAILED},
    };
    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        char text[STATE_MARK_TEXT_MAX];
        struct state_mark read = {0};
        state_mark_print(marks[i], text);
        CHECK_TRUE(text, state_mark_parse(text, &read));
        CHECK_INT(text, read.try, marks[i].try);
        CHECK_INT(text, read.phase, marks[i].phase);
        CHECK_TRUE(text, i == 0 || state_mark_order(marks[i]) > state_mark_order(marks[i - 1]));
    }
}

TEST(what_is_no_mark)
{
    static const char *const texts[] = {
        NULL,     "",   "RUNNING",       "1",       ".RUNNING", "-1.RUNNING",
        "1.GONE", "1.", "70000.RUNNING", "1RUNNING"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct state_mark mark;
        CHECK_TRUE(texts[i], !state_mark_parse(texts[i], &mark));
    }
}

static struct batch_job *job_of(const char *spec)
{
    AUTO_TEXT text =
        text_printf("{\"metadata\":{\"name\":\"render\",\"namespace\":\"film\",\"uid\":"
                    "\"5b1c\",\"creationTimestamp\":\"2025-11-21T09:59:00Z\"},"
                    "\"spec\":%s}",
                    spec);
    struct err err;
    struct batch_job *job = NULL;
    AUTO(json_object) doc = NULL;
    REQUIRE(json_parse(text, strlen(text), &doc, &err) == 0);
    REQUIRE(batch_job_decode(doc, &job, &err) == 0);
    return job;
}

static struct job_try tries[] = {
    {.try = 1,
     .attempt = 1,
     .pod = (char[]){"render-5b1c-0-1"},
     .node = (char[]){"node-7"},
     .started_ns = 0,
     .stopped_ns = 0,
     .exit_code = {true, 137},
     .reason = (char[]){"OutOfMemoryError: Container killed due to memory usage"},
     .status_reason = (char[]){"Essential container in task exited"}},
    {.try = 2, .attempt = 0, .pod = (char[]){"render-5b1c-0-2"}, .reason = (char[]){"OutOfcpu"}},
    {.try = 3,
     .attempt = 2,
     .pod = (char[]){"render-5b1c-0-3"},
     .node = (char[]){"node-8"},
     .instance_id = (char[]){"i-0a1b"},
     .exit_code = {true, 0},
     .status_reason = (char[]){"Essential container in task exited"}},
};

static char *example(void)
{
    AUTO(batch_job)
    job = job_of(
        "{\"jobQueue\":\"gpu\",\"jobDefinition\":\"render\",\"parameters\":{\"scene\":\"4\"},"
        "\"dependsOn\":[{\"jobName\":\"split\"}],\"retryStrategy\":{\"attempts\":3},"
        "\"timeout\":{\"attemptDurationSeconds\":3600}}");
    tries[0].started_ns = day;
    tries[0].stopped_ns = day + 30 * NS_PER_S;
    tries[2].started_ns = day + 40 * NS_PER_S;
    tries[2].stopped_ns = day + 100 * NS_PER_S;
    const struct state_change change = {.job = job,
                                        .mark = {3, JOB_SUCCEEDED},
                                        .time_ns = day + 100 * NS_PER_S,
                                        .started_ns = day + 40 * NS_PER_S,
                                        .stopped_ns = day + 100 * NS_PER_S,
                                        .status_reason = "Essential container in task exited",
                                        .tries = tries,
                                        .try_count = ARRAY_LEN(tries)};
    return state_change_encode(&change);
}

TEST(the_documents_example_is_the_programs)
{
    struct err err;
    AUTO_TEXT event = example();
    AUTO(json_object) doc = NULL;
    REQUIRE(json_parse(event, strlen(event), &doc, &err) == 0);
    AUTO_TEXT text = file_text(DOCUMENT);
    REQUIRE(text != NULL); /* tests run at the top of the repository */
    const char *begin = text != NULL ? strstr(text, BEGIN) : NULL;
    const char *end = begin != NULL ? strstr(begin, END) : NULL;
    REQUIRE(begin != NULL && end != NULL);
    if (begin == NULL || end == NULL) /* for the analyzer, which does not see that REQUIRE leaves */
        return;
    begin += strlen(BEGIN);
    AUTO_TEXT shown = text_copy_n(begin, (size_t)(end - begin));
    CHECK_TEXT(DOCUMENT, shown,
               json_object_to_json_string_ext(doc, JSON_C_TO_STRING_PRETTY |
                                                       JSON_C_TO_STRING_SPACED |
                                                       JSON_C_TO_STRING_NOSLASHESCAPE));
}

TEST(an_array_tells_its_counts_and_no_attempts)
{
    AUTO(batch_job)
    job = job_of("{\"jobQueue\":\"q\",\"jobDefinition\":\"d\",\"arrayProperties\":"
                 "{\"size\":3}}");
    const int64_t counts[JOB_PHASE_COUNT] = {[JOB_SUCCEEDED] = 2, [JOB_FAILED] = 1};
    const struct state_change change = {.job = job,
                                        .mark = {0, JOB_FAILED},
                                        .time_ns = day,
                                        .status_reason = "Array Child Job failed",
                                        .tries = tries,
                                        .try_count = ARRAY_LEN(tries),
                                        .counts = counts,
                                        .size = 3};
    AUTO_TEXT event = state_change_encode(&change);
    CHECK_HAS("id", event, "\"id\":\"5b1c.0.FAILED\"");
    CHECK_HAS("counts", event,
              "\"arrayProperties\":{\"size\":3,\"statusSummary\":{\"SUBMITTED\":0,");
    CHECK_HAS("counts", event, "\"SUCCEEDED\":2,\"FAILED\":1}}");
    CHECK_HAS("attempts", event, "\"attempts\":[]");
    CHECK_HAS("cancelled", event, "\"isCancelled\":false");
}

/* Whatever a container or a server says, an event has a bound. */
TEST(long_words_are_cut_between_characters)
{
    AUTO(batch_job) job = job_of("{\"jobQueue\":\"q\",\"jobDefinition\":\"d\"}");
    AUTO_STR words = STR_EMPTY;
    str_add(&words, "x");
    for (int i = 0; i < 5000; i++)
        str_add(&words, "\xc3\xa4");
    const struct state_change change = {
        .job = job, .mark = {1, JOB_FAILED}, .time_ns = day, .status_reason = str_text(&words)};
    AUTO_TEXT event = state_change_encode(&change);
    struct err err;
    AUTO(json_object) doc = NULL;
    REQUIRE(json_parse(event, strlen(event), &doc, &err) == 0);
    struct json_object *detail = json_get_object(json_get_object(doc, "data"), "detail");
    const char *told = json_get_text(detail, "statusReason");
    CHECK_INT("size", strlen(told != NULL ? told : ""), STATE_CHANGE_TEXT_MAX - 1);
    CHECK_TRUE("the rest", strlen(event) < 6000);
}
