/* SPDX-License-Identifier: Apache-2.0 */
/* day_test.c - a day on virtual time: what comes of it can be said by hand */
#include "check.h"

#include "bulkhead/day/scenario.h"

#include <string.h>

/* Machines of 4 vCPUs that boot in 10 s, given back after 30 s of idling. */
#define WORLD(max, more)                                                                           \
    "kind: ComputeEnvironment\n"                                                                   \
    "metadata: {name: e}\n"                                                                        \
    "spec:\n"                                                                                      \
    "  type: MANAGED\n"                                                                            \
    "  kubernetesNamespaces: [research]\n"                                                         \
    "  computeResources: {maxvCpus: " max ", scalingPolicy: {scaleDownDelaySeconds: 30}}\n"        \
    "  nodeGroup: {provider: kwok, kwok: {catalog: [\n"                                            \
    "    {name: small, vcpus: 4, memory: 16Gi, price: \"0.36\", bootSeconds: 10}]}}\n"             \
    "---\n"                                                                                        \
    "kind: JobQueue\n"                                                                             \
    "metadata: {name: q}\n"                                                                        \
    "spec: {priority: 1, computeEnvironmentOrder: [{order: 1, computeEnvironment: e}]}\n"          \
    "---\n"                                                                                        \
    "kind: Load\n"                                                                                 \
    "spec:\n"                                                                                      \
    "  seed: 1\n" more
#define TEMPLATE(cpu)                                                                              \
    "template: {spec: {containers: [{name: c, image: i, resources: {requests: {cpu: " cpu          \
    ", memory: 1Gi}}}]}}"

static struct day *play(const char *text, const char *set, struct scenario **ret_scenario,
                        struct err *err)
{
    struct day *day = NULL;
    *err = (struct err){0};
    if (scenario_parse(text, strlen(text), ret_scenario, err) < 0 ||
        (set != NULL && scenario_set(*ret_scenario, set, err) < 0) ||
        scenario_day(*ret_scenario, &(struct day_options){.series_ns = 30 * NS_PER_S}, &day, err) <
            0)
        return NULL;
    if (day_run(day, err) < 0)
        return day_free(day);
    return day;
}

/* One line: what a person would say of the day. */
static char *told(const char *text, const char *set)
{
    struct err err;
    AUTO(scenario) scenario = NULL;
    AUTO(day) day = play(text, set, &scenario, &err);
    if (day == NULL)
        return text_copy(err.text);
    const struct day_report *report = day_report(day);
    int64_t launched = 0, reclaimed = 0;
    for (size_t i = 0; i < report->machine_count; i++) {
        launched += report->machines[i].launched;
        reclaimed += report->machines[i].reclaimed;
    }
    return text_printf(
        "%lld ok %lld failed %lld left, %lld s, waits %lld/%lld/%lld s, %lld launched "
        "%lld reclaimed, %lld retries, %.4f",
        (long long)report->all.succeeded, (long long)report->all.failed,
        (long long)report->all.unfinished, (long long)(report->makespan_ns / NS_PER_S),
        (long long)(report->all.waits.p50_ns / NS_PER_S),
        (long long)(report->all.waits.p95_ns / NS_PER_S),
        (long long)(report->all.waits.max_ns / NS_PER_S), (long long)launched, (long long)reclaimed,
        (long long)report->retries, report->cost);
}

/* A wait is boot and start, 10 s + 1 s. A machine of the first row is paid for boot, start, work
 * and idling: 10 + 1 + 100 + 30 s at 0.36 an hour, 0.0001 a second. */
static const struct {
    const char *name, *text, *set, *want;
} rows[] = {
    {"one job",
     WORLD("4", "  classes:\n"
                "    - {name: a, jobs: 1, toSeconds: 0, seconds: 100, job: {jobQueue: q, " TEMPLATE(
                    "4") "}}\n"),
     NULL,
     "1 ok 0 failed 0 left, 111 s, waits 11/11/11 s, 1 launched 0 reclaimed, 0 retries, 0.0141"},
    {"two share a machine, a third waits for room",
     WORLD("4",
           "  classes:\n"
           "    - {name: a, jobs: 3, arrivals: AT_ONCE, seconds: 100, job: {jobQueue: q, " TEMPLATE(
               "2") "}}\n"),
     NULL,
     "3 ok 0 failed 0 left, 212 s, waits 11/112/112 s, 1 launched 0 reclaimed, 0 retries, 0.0242"},
    {"with room for all none waits for another",
     WORLD("4",
           "  classes:\n"
           "    - {name: a, jobs: 3, arrivals: AT_ONCE, seconds: 100, job: {jobQueue: q, " TEMPLATE(
               "2") "}}\n"),
     "ComputeEnvironment/e.spec.computeResources.maxvCpus=8",
     "3 ok 0 failed 0 left, 111 s, waits 11/11/11 s, 2 launched 0 reclaimed, 0 retries, 0.0282"},
    {"an array that fails is tried again",
     WORLD(
         "8",
         "  classes:\n"
         "    - {name: a, jobs: 1, toSeconds: 0, seconds: 10, arraySizes: [4], failPercent: 100,\n"
         "       job: {jobQueue: q, retryStrategy: {attempts: 2}, " TEMPLATE("2") "}}\n"),
     NULL,
     "0 ok 4 failed 0 left, 32 s, waits 11/11/11 s, 2 launched 0 reclaimed, 4 retries, 0.0124"},
    {"what is not over at the end is left",
     WORLD("4", "  untilSeconds: 50\n"
                "  classes:\n"
                "    - {name: a, jobs: 1, toSeconds: 0, seconds: 100, job: {jobQueue: q, " TEMPLATE(
                    "4") "}}\n"),
     NULL,
     "0 ok 0 failed 1 left, 0 s, waits 11/11/11 s, 1 launched 0 reclaimed, 0 retries, 0.0050"},
    {"a machine that is taken back costs a try",
     WORLD("4", "  classes:\n"
                "    - {name: a, jobs: 1, toSeconds: 0, seconds: 100, job: {jobQueue: q,\n"
                "       retryStrategy: {attempts: 2}, " TEMPLATE(
                    "4") "}}\n"
                         "  acts:\n"
                         "    - {atSeconds: 50, reclaim: {computeEnvironment: e}}\n"
                         "    - {atSeconds: 50, drought: {computeEnvironment: e, seconds: 300}}\n"),
     NULL, NULL},
    {"a queue can be switched off for a while",
     WORLD("4",
           "  classes:\n"
           "    - {name: a, jobs: 1, fromSeconds: 10, toSeconds: 10, seconds: 100, job: {jobQueue: "
           "q, " TEMPLATE(
               "4") "}}\n"
                    "  acts:\n"
                    "    - {atSeconds: 5, apply: {kind: JobQueue, metadata: {name: q, generation: "
                    "2},\n"
                    "       spec: {state: DISABLED, priority: 1,\n"
                    "       computeEnvironmentOrder: [{order: 1, computeEnvironment: e}]}}}\n"
                    "    - {atSeconds: 110, apply: {kind: JobQueue, metadata: {name: q, "
                    "generation: 3},\n"
                    "       spec: {priority: 1,\n"
                    "       computeEnvironmentOrder: [{order: 1, computeEnvironment: e}]}}}\n"),
     NULL,
     "1 ok 0 failed 0 left, 211 s, waits 111/111/111 s, 1 launched 0 reclaimed, 0 retries, 0.0141"},
    {"a machine that is said to go in two minutes takes no more, and what outlives that runs again",
     WORLD(
         "8",
         "  classes:\n"
         "    - {name: a, jobs: 1, toSeconds: 0, seconds: 200, job: {jobQueue: q,\n"
         "       retryStrategy: {attempts: 2}, " TEMPLATE(
             "4") "}}\n"
                  "  acts:\n"
                  "    - {atSeconds: 50, signal: {computeEnvironment: e, signal: INTERRUPTION}}\n"),
     NULL, NULL},
    {"a job of two nodes has a machine for each",
     WORLD(
         "8",
         "  classes:\n"
         "    - {name: a, jobs: 1, toSeconds: 0, seconds: 100, job: {jobQueue: q, nodeProperties:\n"
         "       {numNodes: 2, mainNode: 0, nodeRangeProperties: [{targetNodes: \"0:\", " TEMPLATE(
             "1") "}]}}}\n"),
     NULL,
     "2 ok 0 failed 0 left, 111 s, waits 11/12/12 s, 2 launched 0 reclaimed, 0 retries, 0.0282"},
    {"nodes that are there anyway",
     "kind: ComputeEnvironment\n"
     "metadata: {name: e}\n"
     "spec: {type: UNMANAGED, kubernetesNamespaces: [research], nodeGroup: {provider: static}}\n"
     "---\n"
     "kind: Node\n"
     "metadata: {name: n, labels: {bulkhead.dev/compute-environment: e}}\n"
     "status: {conditions: [{type: Ready, status: \"True\"}],\n"
     "  allocatable: {cpu: \"4\", memory: 16Gi, pods: \"110\"}}\n"
     "---\n"
     "kind: JobQueue\n"
     "metadata: {name: q}\n"
     "spec: {priority: 1, computeEnvironmentOrder: [{order: 1, computeEnvironment: e}]}\n"
     "---\n"
     "kind: Load\n"
     "spec: {classes: [{name: a, jobs: 2, arrivals: AT_ONCE, seconds: 100, job: {jobQueue: "
     "q, " TEMPLATE("4") "}}]}\n",
     NULL,
     "2 ok 0 failed 0 left, 202 s, waits 1/102/102 s, 0 launched 0 reclaimed, 0 retries, 0.0000"},
    {"nobody submits", "kind: Namespace\n", NULL,
     "no document of kind Load: nobody submits anything"},
    {"an unknown kind",
     "kind: Deployment\nmetadata: {name: d}\n---\nkind: Load\nspec: {classes: [\n"
     "  {name: a, jobs: 1, seconds: 1, job: {jobQueue: q, " TEMPLATE("1") "}}]}\n",
     NULL, "kind: Deployment, expected one that a scenario can have"},
    {"a job that is none",
     "kind: Load\nspec: {classes: [{name: a, jobs: 1, seconds: 1, job: {}}]}\n", NULL,
     "Load: spec.classes[0].job: spec.jobQueue: required"},
    {"nothing to set", WORLD("4", "  classes: []\n"), "JobQueue/other.spec.priority=1",
     "JobQueue/other.spec.priority=1: the scenario has no such object"},
};

TEST(days_by_hand)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TEXT got = told(rows[i].text, rows[i].set);
        if (rows[i].want != NULL)
            CHECK_TEXT(rows[i].name, got, rows[i].want);
        else
            CHECK_HAS(rows[i].name, got, "1 ok 0 failed 0 left");
    }
}

#define BUSY                                                                                       \
    WORLD("64", "  classes:\n"                                                                     \
                "    - {name: a, jobs: 300, toSeconds: 3600, arrivals: OFFICE, seconds: 60, "      \
                "spread: 4, failPercent: 5,\n"                                                     \
                "       job: {jobQueue: q, retryStrategy: {attempts: 2}, " TEMPLATE(               \
                    "1") "}}\n"                                                                    \
                         "    - {name: b, jobs: 20, toSeconds: 3600, arrivals: BURSTS, burst: 5, " \
                         "seconds: "                                                               \
                         "90, arraySizes: [3, 30],\n"                                              \
                         "       job: {jobQueue: q, " TEMPLATE("2") "}}\n")

TEST(the_same_day_twice)
{
    struct err err;
    AUTO(scenario) one = NULL;
    AUTO(scenario) two = NULL;
    AUTO(day) first = play(BUSY, NULL, &one, &err);
    AUTO(day) second = play(BUSY, NULL, &two, &err);
    REQUIRE(first != NULL && second != NULL);
    AUTO_STR left = STR_EMPTY;
    AUTO_STR right = STR_EMPTY;
    day_report_print(day_report(first), &left);
    day_report_print(day_report(second), &right);
    CHECK_TEXT("the same report", str_text(&left), str_text(&right));
    CHECK_TEXT("the same series", day_series(first), day_series(second));
    CHECK_HAS("every minute of it", day_series(first), "\n3600,");
    CHECK_INT("the same plans", (int64_t)day_report(first)->plan_hash,
              (int64_t)day_report(second)->plan_hash);
    CHECK_TRUE("all ended",
               day_report(first)->all.unfinished == 0 && day_report(first)->all.children > 300);
}

TEST(another_seed_is_another_day)
{
    struct err err;
    AUTO(scenario) one = NULL;
    AUTO(scenario) two = NULL;
    AUTO(day) first = play(BUSY, NULL, &one, &err);
    AUTO(day) second = play(BUSY, "Load.spec.seed=2", &two, &err);
    REQUIRE(first != NULL && second != NULL);
    CHECK_TRUE("other plans", day_report(first)->plan_hash != day_report(second)->plan_hash);
    AUTO_STR out = STR_EMPTY;
    const char *const names[] = {"one", "two"};
    const struct day_report *reports[] = {day_report(first), day_report(second)};
    day_compare_print(names, reports, 2, &out);
    CHECK_HAS("side by side", str_text(&out), "wait p95");
}
