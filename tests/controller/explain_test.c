/* SPDX-License-Identifier: Apache-2.0 */
/* explain_test.c - GET /explain, short of HTTP itself */
#include "check.h"

#include "controller/explain.h"

#include "bulkhead/json/get.h"

#include <string.h>

static struct batch_job *waiting_job(void)
{
    struct err err = {0};
    static const char text[] =
        "{\"apiVersion\":\"bulkhead.dev/v1alpha1\",\"kind\":\"BatchJob\",\"metadata\":{"
        "\"namespace\":\"team\",\"name\":\"render\",\"uid\":\"u1\"},\"spec\":{\"jobQueue\":"
        "\"nightly\",\"template\":{\"spec\":{\"containers\":[{\"name\":\"main\",\"image\":\"x\"}]}}"
        "}}";
    AUTO(json_object) doc = NULL;
    struct batch_job *job = NULL;
    if (json_parse(text, strlen(text), &doc, &err) < 0 || batch_job_decode(doc, &job, &err) < 0)
        fail_msg("%s", err.text);
    return job;
}

static const struct {
    const char *name, *namespace_, *job, *format;
    bool standby;
    unsigned status;
    const char *has;
} rows[] = {
    /* clang-format off */
    {"as text", "team", "render", NULL, false, 200,
     "team/render in JobQueue nightly: SUBMITTED JobQueueMissing: JobQueue nightly does not exist"},
    {"as JSON", "team", "render", "json", false, 200, "\"reason\":\"JobQueueMissing\""},
    {"no such job", "team", "x", NULL, false, 404, "there is no BatchJob x in namespace team\n"},
    {"no job named", "team", NULL, NULL, false, 400, "expected /explain?namespace=NAMESPACE&job=NAME"},
    {"no such format", "team", "render", "xml", false, 400, "format=text or json\n"},
    {"a standby", "team", "render", NULL, true, 503, "does not lead and does not know; ask other\n"},
    /* clang-format on */
};

TEST(explain_answer)
{
    AUTO(arena) arena = arena_new(0);
    AUTO(core) core = core_new(&(struct core_options){0});
    struct plan plan;
    core_apply(core, &(struct event){.kind = EVENT_JOB, .now_ns = 1, .job = waiting_job()});
    core_apply(core, &(struct event){.kind = EVENT_SYNCED, .now_ns = 1});
    core_plan(core, 1, arena, &plan);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct key_values args = {0};
        struct explain_pace pace = {0};
        bool json = false;
        AUTO_STR out = STR_EMPTY;
        key_values_set(&args, "namespace", rows[i].namespace_);
        if (rows[i].job != NULL)
            key_values_set(&args, "job", rows[i].job);
        if (rows[i].format != NULL)
            key_values_set(&args, "format", rows[i].format);
        const struct explain_view view = {
            .core = core, .leading = !rows[i].standby, .holder = "other", .now_ns = 2};
        CHECK_INT(rows[i].name, explain_answer(&pace, &view, &args, &json, &out), rows[i].status);
        CHECK_HAS(rows[i].name, str_text(&out), rows[i].has);
        CHECK_INT(rows[i].name, json, rows[i].status == 200 && rows[i].format != NULL);
        key_values_done(&args);
    }
}

TEST(explain_pace)
{
    AUTO(core) core = core_new(&(struct core_options){0});
    struct explain_pace pace = {0};
    struct explain_view view = {.core = core, .leading = true, .holder = "", .now_ns = NS_PER_S};
    struct key_values args = {0};
    unsigned last = 0;
    key_values_set(&args, "namespace", "a");
    key_values_set(&args, "job", "b");
    for (int i = 0; i <= EXPLAIN_PER_S; i++) {
        AUTO_STR out = STR_EMPTY;
        bool json = false;
        CHECK_INT("so far", last == 0 || last == 404, true);
        last = explain_answer(&pace, &view, &args, &json, &out);
    }
    CHECK_INT("one too many", last, 429);
    AUTO_STR out = STR_EMPTY;
    bool json = false;
    view.now_ns += NS_PER_S;
    CHECK_INT("a second later", explain_answer(&pace, &view, &args, &json, &out), 404);
    key_values_done(&args);
}
