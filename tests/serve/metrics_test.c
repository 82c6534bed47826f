/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_test.c - what a scrape reads, word for word */
#include "check.h"

#include "bulkhead/serve/metrics.h"

#include <math.h>
#include <stdio.h>

static void check_page(const char *name, const struct metrics *metrics, const char *want)
{
    AUTO_STR page = STR_EMPTY;
    metrics_print(metrics, &page);
    CHECK_TEXT(name, str_text(&page), want);
}

TEST(nothing_registered_prints_nothing)
{
    struct metrics *metrics = metrics_new();
    check_page("empty", metrics, "");
    metrics_free(metrics);
}

TEST(without_labels_a_metric_starts_at_zero)
{
    struct metrics *metrics = metrics_new();
    struct metric *turns = metrics_register(metrics, METRIC_COUNTER, "bulkhead_turns_total",
                                            "Turns of the loop.", NULL, NULL, 0);
    check_page("zero", metrics,
               "# HELP bulkhead_turns_total Turns of the loop.\n"
               "# TYPE bulkhead_turns_total counter\n"
               "bulkhead_turns_total 0\n");
    metric_add(turns, NULL, 1);
    metric_add(turns, NULL, 2.5);
    check_page("added up", metrics,
               "# HELP bulkhead_turns_total Turns of the loop.\n"
               "# TYPE bulkhead_turns_total counter\n"
               "bulkhead_turns_total 3.5\n");
    metrics_free(metrics);
}

TEST(series_come_in_the_order_of_their_labels)
{
    const char *labels[] = {"queue", "state", NULL};
    struct metrics *metrics = metrics_new();
    struct metric *jobs =
        metrics_register(metrics, METRIC_GAUGE, "bulkhead_jobs", "Jobs by state.", labels, NULL, 0);
    check_page("no series, no header", metrics, "");

    metric_set(jobs, (const char *[]){"b", "RUNNING"}, 2);
    metric_set(jobs, (const char *[]){"a", "RUNNING"}, 7);
    metric_set(jobs, (const char *[]){"a", "RUNNABLE"}, 1000000);
    metric_set(jobs, (const char *[]){"a", "RUNNING"}, 3);
    check_page("sorted", metrics,
               "# HELP bulkhead_jobs Jobs by state.\n"
               "# TYPE bulkhead_jobs gauge\n"
               "bulkhead_jobs{queue=\"a\",state=\"RUNNABLE\"} 1000000\n"
               "bulkhead_jobs{queue=\"a\",state=\"RUNNING\"} 3\n"
               "bulkhead_jobs{queue=\"b\",state=\"RUNNING\"} 2\n");
    metric_clear(jobs);
    check_page("cleared", metrics, "");
    metrics_free(metrics);
}

static const struct {
    const char *name, *value, *want;
} escapes[] = {
    {"quote", "a\"b", "a\\\"b"},
    {"backslash", "a\\n", "a\\\\n"},
    {"newline", "a\nb", "a\\nb"},
    {"a value that looks like more labels", "x\",y=\"z", "x\\\",y=\\\"z"},
    {"UTF-8 stays", "\xc3\xbc\xe2\x82\xac\xf0\x9f\x90\x8b", "\xc3\xbc\xe2\x82\xac\xf0\x9f\x90\x8b"},
    {"a lone byte",
     "a\xff"
     "b",
     "a?b"},
    {"cut off", "\xe2\x82", "??"},
    {"overlong", "\xc0\xaf", "??"},
    {"surrogate", "\xed\xa0\x80", "???"},
    {"beyond Unicode", "\xf4\x90\x80\x80", "????"},
    {"empty", "", ""},
};

TEST(label_values_are_escaped)
{
    const char *labels[] = {"v", NULL};
    for (size_t i = 0; i < ARRAY_LEN(escapes); i++) {
        struct metrics *metrics = metrics_new();
        struct metric *metric = metrics_register(metrics, METRIC_GAUGE, "m",
                                                 "Back\\slash,\n\"quote\".", labels, NULL, 0);
        metric_set(metric, &escapes[i].value, 1);

        AUTO_TEXT want =
            text_printf("# HELP m Back\\\\slash,\\n\"quote\".\n# TYPE m gauge\nm{v=\"%s\"} 1\n",
                        escapes[i].want);
        check_page(escapes[i].name, metrics, want);
        metrics_free(metrics);
    }
}

static const struct {
    double value;
    const char *want;
} numbers[] = {
    {0, "0"},
    {-1, "-1"},
    {0.1, "0.1"},
    {1.0 / 3, "0.33333333333333331"},
    {1e15, "1e+15"},
    {123456789012345.0, "123456789012345"},
    {9007199254740992, "9007199254740992"},
    {1e-9, "1e-09"},
    {INFINITY, "+Inf"},
    {-INFINITY, "-Inf"},
    {NAN, "NaN"},
};

TEST(numbers_read_back_as_they_were)
{
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        struct metrics *metrics = metrics_new();
        metric_set(metrics_register(metrics, METRIC_GAUGE, "m", "h", NULL, NULL, 0), NULL,
                   numbers[i].value);
        AUTO_TEXT want = text_printf("# HELP m h\n# TYPE m gauge\nm %s\n", numbers[i].want);
        check_page(numbers[i].want, metrics, want);
        metrics_free(metrics);
    }
}

TEST(histograms_are_cumulative)
{
    const char *labels[] = {"verb", NULL};
    const double bounds[] = {0.1, 1, 10};
    struct metrics *metrics = metrics_new();
    struct metric *wait =
        metrics_register(metrics, METRIC_HISTOGRAM, "wait_seconds", "Waiting.", labels, bounds, 3);
    const double seen[] = {0.1, 0.05, 1.5, 100};
    for (size_t i = 0; i < ARRAY_LEN(seen); i++)
        metric_observe(wait, (const char *[]){"launch"}, seen[i]);
    metrics_register(metrics, METRIC_HISTOGRAM, "plain", "No labels, no bounds.", NULL, NULL, 0);

    check_page("histogram", metrics,
               "# HELP wait_seconds Waiting.\n"
               "# TYPE wait_seconds histogram\n"
               "wait_seconds_bucket{verb=\"launch\",le=\"0.1\"} 2\n"
               "wait_seconds_bucket{verb=\"launch\",le=\"1\"} 2\n"
               "wait_seconds_bucket{verb=\"launch\",le=\"10\"} 3\n"
               "wait_seconds_bucket{verb=\"launch\",le=\"+Inf\"} 4\n"
               "wait_seconds_sum{verb=\"launch\"} 101.65\n"
               "wait_seconds_count{verb=\"launch\"} 4\n"
               "# HELP plain No labels, no bounds.\n"
               "# TYPE plain histogram\n"
               "plain_bucket{le=\"+Inf\"} 0\n"
               "plain_sum 0\n"
               "plain_count 0\n");
    metrics_free(metrics);
}

TEST(too_many_series_are_counted_as_other)
{
    const char *labels[] = {"job", NULL};
    struct metrics *metrics = metrics_new();
    struct metric *metric = metrics_register(metrics, METRIC_COUNTER, "m", "h", labels, NULL, 0);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < METRICS_SERIES_MAX + 50; i++) {
            AUTO_TEXT job = text_printf("job-%04d", i);
            metric_add(metric, (const char *[]){job}, 1);
        }
    }

    AUTO_STR page = STR_EMPTY;
    metrics_print(metrics, &page);
    size_t lines = 0;
    for (const char *at = str_text(&page); *at != '\0'; at++)
        lines += *at == '\n';
    CHECK_INT("two of header, the rest bounded", lines, 2 + METRICS_SERIES_MAX);
    CHECK_HAS("the last of its own", str_text(&page), "m{job=\"job-0998\"} 2\n");
    CHECK_HAS("51 others, twice", str_text(&page), "m{job=\"other\"} 102\n");
    metrics_free(metrics);
}
