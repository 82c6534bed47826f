/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_test.c - what /metrics says of queues, after a restart */
#include "check.h"

#include "controller/metrics.h"

#include "bulkhead/json/get.h"

#include <string.h>

static struct job_queue *stored_queue(const char *cost)
{
    struct err err = {0};
    AUTO_TEXT text = text_printf(
        "{\"apiVersion\":\"bulkhead.dev/v1alpha1\",\"kind\":\"JobQueue\",\"metadata\":{\"name\":"
        "\"nightly\",\"uid\":\"u1\"},\"spec\":{\"computeEnvironmentOrder\":[{\"order\":1,"
        "\"computeEnvironment\":\"e\"}]},\"status\":{\"cost\":%s}}",
        cost);
    AUTO(json_object) doc = NULL;
    struct job_queue *queue = NULL;
    if (json_parse(text, strlen(text), &doc, &err) < 0 || job_queue_decode(doc, &queue, &err) < 0)
        fail_msg("%s", err.text);
    return queue;
}

#define SERIES "bulkhead_queue_share_cost_total{queue=\"nightly\",share="

static const struct {
    const char *name, *cost, *has, *has_not;
} rows[] = {
    /* clang-format off */
    {"what a share has cost goes on, and the rest is of others",
     "{\"amount\":\"5.000000\",\"settled\":{\"amount\":\"5.000000\"},\"shares\":[{\"shareIdentifier\":\"a\","
     "\"amount\":\"3.500000\",\"settled\":{\"amount\":\"3.500000\"}}]}",
     SERIES "\"(other)\"} 1.5\n" SERIES "\"a\"} 3.5\n", NULL},
    {"what is gone of it, while nobody watched, too",
     "{\"amount\":\"5.000000\",\"settled\":{\"amount\":\"1.000000\"},\"shares\":[{\"shareIdentifier\":\"a\","
     "\"amount\":\"3.500000\"}]}",
     SERIES "\"a\"} 3.5\n", NULL},
    {"nothing by share where nobody names one",
     "{\"amount\":\"5.000000\",\"settled\":{\"amount\":\"5.000000\"}}",
     "bulkhead_queue_cost_total{queue=\"nightly\"} 5\n", SERIES},
    {"what is to come, as it was stored, until it is looked at",
     "{\"amount\":\"5.000000\",\"settled\":{\"amount\":\"5.000000\"},\"forecast\":{\"amount\":\"2.500000\","
     "\"since\":\"2026-01-01T00:00:00.000000Z\",\"unknownJobs\":3}}",
     "bulkhead_queue_cost_forecast{queue=\"nightly\"} 2.5\n", NULL},
    {"jobs of which it is not known what they are to cost",
     "{\"amount\":\"5.000000\",\"settled\":{\"amount\":\"5.000000\"},\"forecast\":{\"amount\":\"2.500000\","
     "\"since\":\"2026-01-01T00:00:00.000000Z\",\"unknownJobs\":3}}",
     "bulkhead_queue_cost_forecast_unknown_jobs{queue=\"nightly\"} 3\n", NULL},
    {"shares that are more than the whole are not believed",
     "{\"amount\":\"5.000000\",\"settled\":{\"amount\":\"5.000000\"},\"shares\":[{\"shareIdentifier\":\"a\","
     "\"amount\":\"6.000000\",\"settled\":{\"amount\":\"6.000000\"}}]}",
     "bulkhead_queue_cost_total{queue=\"nightly\"} 5\n", SERIES},
    {"nor one that is there twice",
     "{\"amount\":\"5.000000\",\"settled\":{\"amount\":\"5.000000\"},\"shares\":[{\"shareIdentifier\":\"a\","
     "\"amount\":\"1.000000\"},{\"shareIdentifier\":\"a\",\"amount\":\"1.000000\"}]}",
     "bulkhead_queue_cost_total{queue=\"nightly\"} 5\n", SERIES},
    /* clang-format on */
};

TEST(costs)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(core) core = core_new(&(struct core_options){0});
        AUTO(measures) measures = measures_new();
        AUTO_STR out = STR_EMPTY;
        struct job_queue *queue = stored_queue(rows[i].cost);
        core_apply(core, &(struct event){.kind = EVENT_QUEUE, .now_ns = 1, .queue = queue});
        core_apply(core, &(struct event){.kind = EVENT_SYNCED, .now_ns = 1});
        measures_print(measures, &(struct measures_view){.core = core}, &out);
        CHECK_HAS(rows[i].name, str_text(&out), rows[i].has);
        if (rows[i].has_not != NULL)
            CHECK_INT(rows[i].name, strstr(str_text(&out), rows[i].has_not) == NULL, true);
    }
}
