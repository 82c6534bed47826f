/* SPDX-License-Identifier: Apache-2.0 */
/* recorded_test.c - a day that was recorded: the same plans again, the same figures, and what if */
#include "check.h"

#include "bulkhead/day/recorded.h"
#include "bulkhead/day/scenario.h"
#include "bulkhead/json/get.h"
#include "bulkhead/json/yaml.h"

#include <stdlib.h>
#include <string.h>

#define ENVIRONMENT(max)                                                                           \
    "kind: ComputeEnvironment\n"                                                                   \
    "metadata: {name: e}\n"                                                                        \
    "spec:\n"                                                                                      \
    "  type: MANAGED\n"                                                                            \
    "  kubernetesNamespaces: [research]\n"                                                         \
    "  computeResources: {maxvCpus: " max ", scalingPolicy: {scaleDownDelaySeconds: 30}}\n"        \
    "  nodeGroup: {provider: kwok, kwok: {catalog: [\n"                                            \
    "    {name: small, vcpus: 4, memory: 16Gi, price: \"0.36\", bootSeconds: 10}]}}\n"
#define QUEUE(name, priority)                                                                      \
    "kind: JobQueue\n"                                                                             \
    "metadata: {name: " name "}\n"                                                                 \
    "spec: {priority: " priority                                                                   \
    ", computeEnvironmentOrder: [{order: 1, computeEnvironment: e}]}\n"
#define JOB(queue, cpu)                                                                            \
    "{jobQueue: " queue ", template: {spec: {containers: [{name: c, image: i, "                    \
    "resources: {requests: {cpu: " cpu ", memory: 1Gi}}}]}}}"
#define WORLD(max, classes)                                                                        \
    ENVIRONMENT(max)                                                                               \
    "---\n" QUEUE("q", "1") "---\n" QUEUE(                                                         \
        "r", "2") "---\nkind: Load\nspec:\n  seed: 1\n  classes:\n" classes

/* Three jobs for a machine that takes two: 11 s to boot and start, 100 s each. */
#define THREE                                                                                      \
    WORLD("4",                                                                                     \
          "    - {name: a, jobs: 3, arrivals: AT_ONCE, seconds: 100, job: " JOB("q", "2") "}\n")

#define BUSY                                                                                       \
    WORLD(                                                                                         \
        "32",                                                                                      \
        "    - {name: a, jobs: 200, toSeconds: 3600, arrivals: OFFICE, seconds: 60, spread: 4,\n"  \
        "       failPercent: 5, job: " JOB("q", "1") "}\n"                                         \
                                                     "    - {name: b, jobs: 12, toSeconds: 3600, " \
                                                     "arrivals: BURSTS, burst: 3, seconds: 90,\n"  \
                                                     "       arraySizes: [3, 20], job: " JOB(      \
                                                         "r", "2") "}\n")

struct tape {
    struct str bytes;
    struct recorder *recorder;
    void (*act)(struct day *day, void *ctx); /* after 30 s; NULL: nothing happens */
};

static int tape_write(void *ctx, const void *bytes, size_t size, struct err *err)
{
    UNUSED(err);
    str_add_bytes(ctx, bytes, size);
    return 0;
}

static void on_event(void *ctx, const struct event *event)
{
    const struct tape *tape = ctx;
    recorder_event(tape->recorder, event);
}

static void on_plan(void *ctx, int64_t now_ns, const struct plan *plan)
{
    struct err err;
    const struct tape *tape = ctx;
    recorder_plan(tape->recorder, now_ns, plan);
    CHECK_INT("recorded", recorder_flush(tape->recorder, &err), 0);
}

/* One column of the comparison. */
static char *figures(const struct day_report *report)
{
    AUTO_STR out = STR_EMPTY;
    const char *const names[] = {"day"};
    const struct day_report *reports[] = {report};
    day_compare_print(names, reports, 1, &out);
    return str_take(&out);
}

static char *record_day(const char *text, struct tape *tape)
{
    struct err err = {0};
    AUTO(scenario) scenario = NULL;
    AUTO(day) day = NULL;
    const struct recorder_options recorder = {
        .version = "test", .write = tape_write, .ctx = &tape->bytes};
    const struct day_options options = {.on_event = on_event, .on_plan = on_plan, .ctx = tape};
    tape->recorder = recorder_new(&recorder);
    if (scenario_parse(text, strlen(text), &scenario, &err) < 0 ||
        scenario_day(scenario, &options, &day, &err) < 0) {
        tape->recorder = recorder_free(tape->recorder);
        return text_copy(err.text);
    }
    if (tape->act != NULL)
        day_act(day, 30 * NS_PER_S, tape->act, NULL);
    if (day_run(day, &err) < 0) {
        tape->recorder = recorder_free(tape->recorder);
        return text_copy(err.text);
    }
    tape->recorder = recorder_free(tape->recorder);
    return figures(day_report(day));
}

static struct recorded *read_day(const struct tape *tape, struct replay *ret_replay)
{
    struct err err = {0};
    AUTO(record_reader) reader = NULL;
    struct recorded *recorded = NULL;
    if (record_reader_new(tape->bytes.data, tape->bytes.size, &reader, &err) == 0)
        (void)recorded_read(reader, &recorded, ret_replay, &err);
    return recorded;
}

static char *what_if(struct recorded *recorded, const char *manifests)
{
    struct err err = {0};
    AUTO(json_object) docs = NULL;
    AUTO(day) day = NULL;
    if ((manifests != NULL && json_yaml_manifests(manifests, strlen(manifests), &docs, &err) < 0) ||
        recorded_day(recorded, docs, &(struct day_options){0}, &day, &err) < 0 ||
        day_run(day, &err) < 0)
        return text_copy(err.text);
    return figures(day_report(day));
}

TEST(a_recorded_day_is_the_day)
{
    struct tape tape = {.recorder = NULL};
    struct replay replay = {0};
    AUTO_TEXT day = record_day(BUSY, &tape);
    AUTO(recorded) recorded = read_day(&tape, &replay);
    REQUIRE(recorded != NULL);
    CHECK_TRUE("the same plans, byte for byte", !replay.differs && replay.actions > 1000);
    AUTO_TEXT told = figures(recorded_report(recorded));
    CHECK_TEXT("the same figures by the log alone", told, day);
    AUTO_TEXT again = what_if(recorded, NULL);
    CHECK_TEXT("and when its jobs are played again", again, day);
    AUTO_TEXT once_more = what_if(recorded, NULL);
    CHECK_TEXT("as often as one likes", once_more, day);
    replay_done(&replay);
    str_done(&tape.bytes);
}

static const struct {
    const char *name, *manifests, *makespan, *waits;
} rows[] = {
    {"as it was", NULL, "3m32s", "1m52s"},
    {"twice the machines", ENVIRONMENT("8"), "1m51s", "11.1s"},
    {"nothing of another name", QUEUE("other", "5"), "3m32s", "1m52s"},
};

TEST(what_if_there_were_more_machines)
{
    struct tape tape = {.recorder = NULL};
    struct replay replay = {0};
    free(record_day(THREE, &tape));
    AUTO(recorded) recorded = read_day(&tape, &replay);
    REQUIRE(recorded != NULL);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TEXT got = what_if(recorded, rows[i].manifests);
        AUTO_TEXT makespan = text_printf("makespan             %16s\n", rows[i].makespan);
        AUTO_TEXT waits = text_printf("wait max             %16s\n", rows[i].waits);
        CHECK_HAS(rows[i].name, got, makespan);
        CHECK_HAS(rows[i].name, got, waits);
    }
    AUTO_TEXT wrong =
        what_if(recorded, "kind: JobQueue\nmetadata: {name: q}\nspec: {priority: x}\n");
    CHECK_TEXT("a manifest that is none", wrong,
               "JobQueue q: spec.priority: \"x\", expected an integer 0..1000");
    replay_done(&replay);
    str_done(&tape.bytes);
}

static void objects_go(struct day *day, void *ctx)
{
    UNUSED(ctx);
    day_event(day, &(struct event){.kind = EVENT_DEFINITION_GONE,
                                   .namespace_ = "research",
                                   .name = "d",
                                   .uid = "d-uid"});
    day_event(day, &(struct event){.kind = EVENT_RUNTIME_CLASS_GONE, .name = "slow"});
    day_event(day, &(struct event){.kind = EVENT_JOB_GONE, .uid = "a-0000001"});
}

/* A queue and an environment that are deleted go when their last job has ended, a definition and a
 * job at once; on the other day too. */
TEST(what_goes_during_the_day)
{
    static const char text[] =
        "kind: RuntimeClass\nmetadata: {name: slow}\nhandler: x\n---\n"
        "kind: JobDefinition\nmetadata: {name: d, namespace: research}\nspec: {type: container, "
        "template: {spec: {containers: [{name: c, image: i}]}}}\n---\n" ENVIRONMENT(
            "4") "---\n" QUEUE("q",
                               "1") "---\nkind: Load\nspec:\n  seed: 1\n  classes:\n"
                                    "    - {name: a, jobs: 3, arrivals: AT_ONCE, seconds: 100, "
                                    "job: " JOB("q",
                                                "2") "}\n"
                                                     "  acts:\n"
                                                     "    - {atSeconds: 60, apply: {kind: "
                                                     "JobQueue, metadata: "
                                                     "{name: q, generation: 2,\n"
                                                     "       deletionTimestamp: "
                                                     "\"2026-01-05T00:01:00Z\"}, spec: "
                                                     "{priority: 1,\n"
                                                     "       computeEnvironmentOrder: [{order: 1, "
                                                     "computeEnvironment: e}]}}}\n";
    struct tape tape = {.act = objects_go};
    struct replay replay = {0};
    AUTO_TEXT day = record_day(text, &tape);
    CHECK_HAS("two ended, one was deleted", day, "children succeeded                  2\n");
    AUTO(recorded) recorded = read_day(&tape, &replay);
    REQUIRE(recorded != NULL);
    CHECK_TRUE("the same plans", !replay.differs);
    AUTO_TEXT again = what_if(recorded, NULL);
    CHECK_TEXT("the same figures", again, day);
    replay_done(&replay);
    str_done(&tape.bytes);
}

#define SHARED(share)                                                                              \
    "    - {name: " share ", jobs: 8, arrivals: AT_ONCE, seconds: 100, job: {jobQueue: q, "        \
    "shareIdentifier: " share ", template: {spec: {containers: [{name: c, image: i, "              \
    "resources: {requests: {cpu: 1, memory: 1Gi}}}]}}}}\n"
#define POLICY(a, b)                                                                               \
    "kind: SchedulingPolicy\nmetadata: {name: p}\nspec:\n  fairsharePolicy:\n"                     \
    "    shareDistribution: [{shareIdentifier: a, weightFactor: " a "}, {shareIdentifier: b, "     \
    "weightFactor: " b "}]\n"

/* When the last of a share began to run, as the report tells it by share. */
static char *longest_waits(const struct day_report *report)
{
    AUTO_STR out = STR_EMPTY;
    for (size_t i = 0; i < report->class_count; i++)
        str_addf(&out, "%s %d s\n", report->classes[i].name,
                 (int)(report->classes[i].waits.max_ns / NS_PER_S));
    return str_take(&out);
}

/* Four places for eight jobs of each share: the favoured share is through after three rounds. */
TEST(what_if_the_weights_were_others)
{
    static const char text[] = POLICY("0.3333", "1") "---\n" ENVIRONMENT(
        "4") "---\n"
             "kind: JobQueue\nmetadata: {name: q}\nspec: {schedulingPolicy: p, "
             "computeEnvironmentOrder: [{order: 1, computeEnvironment: e}]}\n---\n"
             "kind: Load\nspec:\n  seed: 1\n  classes:\n" SHARED("a") SHARED("b");
    struct tape tape = {.recorder = NULL};
    struct replay replay = {0};
    struct err err = {0};
    free(record_day(text, &tape));
    AUTO(recorded) recorded = read_day(&tape, &replay);
    REQUIRE(recorded != NULL);
    CHECK_TRUE("the same plans", !replay.differs);
    AUTO_TEXT was = longest_waits(recorded_report(recorded));
    CHECK_TEXT("by share", was, "q/a 213 s\nq/b 314 s\n");
    AUTO(json_object) docs = NULL;
    static const char other[] = POLICY("1", "0.3333");
    REQUIRE(json_yaml_manifests(other, strlen(other), &docs, &err) == 0);
    AUTO(day) day = NULL;
    REQUIRE(recorded_day(recorded, docs, &(struct day_options){0}, &day, &err) == 0);
    REQUIRE(day_run(day, &err) == 0);
    AUTO_TEXT would = longest_waits(day_report(day));
    CHECK_TEXT("with the weights the other way round", would, "q/a 314 s\nq/b 213 s\n");
    replay_done(&replay);
    str_done(&tape.bytes);
}

/* Killed in the middle: what came before is a day, and what was running then ends on another. */
TEST(a_log_that_was_cut_off)
{
    struct tape tape = {.recorder = NULL};
    struct replay replay = {0};
    free(record_day(BUSY, &tape));
    tape.bytes.size = tape.bytes.size / 2;
    AUTO(recorded) recorded = read_day(&tape, &replay);
    REQUIRE(recorded != NULL);
    CHECK_TRUE("the same plans until then", !replay.differs && replay.actions > 100);
    AUTO_TEXT told = what_if(recorded, NULL);
    CHECK_HAS("all that arrived ends", told, "children unfinished                 0\n");
    replay_done(&replay);
    str_done(&tape.bytes);
}
