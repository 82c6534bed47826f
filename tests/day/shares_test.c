/* SPDX-License-Identifier: Apache-2.0 */
/* shares_test.c - what shares get of a queue that all of them ask too much of, against what they
 * are due. tests/day/shares.yaml is the same for a day and three queues: make day
 * SCENARIO=tests/day/shares.yaml */
#include "check.h"

#include "bulkhead/day/scenario.h"

#include <string.h>

#define SHARE(name, weight) "      - {shareIdentifier: " name ", weightFactor: " weight "}\n"
#define CLASS(name, jobs, cpu)                                                                     \
    "    - name: " name "\n"                                                                       \
    "      jobs: " jobs "\n"                                                                       \
    "      arrivals: FLAT\n"                                                                       \
    "      seconds: 200\n"                                                                         \
    "      spread: 3\n"                                                                            \
    "      arraySizes: [1, 20]\n"                                                                  \
    "      job:\n"                                                                                 \
    "        jobQueue: q\n"                                                                        \
    "        shareIdentifier: " name "\n"                                                          \
    "        template: {spec: {containers: [{name: c, image: i, resources: {requests: {cpu: " cpu  \
    ", memory: 1Gi}}}]}}\n"

static const char scenario_text[] =
    "kind: SchedulingPolicy\n"
    "metadata: {name: p}\n"
    "spec:\n"
    "  fairsharePolicy:\n"
    "    shareDecaySeconds: 1200\n"
    "    shareDistribution:\n" SHARE("one", "1") SHARE("two", "2") SHARE("four", "4")
        SHARE("eight", "8") "---\n"
                            "kind: ComputeEnvironment\n"
                            "metadata: {name: e}\n"
                            "spec:\n"
                            "  type: MANAGED\n"
                            "  kubernetesNamespaces: [research]\n"
                            "  computeResources: {maxvCpus: 16}\n"
                            "  nodeGroup: {provider: kwok, kwok: {catalog: [\n"
                            "    {name: small, vcpus: 4, memory: 16Gi, bootSeconds: 10}]}}\n"
                            "---\n"
                            "kind: JobQueue\n"
                            "metadata: {name: q}\n"
                            "spec:\n"
                            "  schedulingPolicy: p\n"
                            "  computeEnvironmentOrder: [{order: 1, computeEnvironment: e}]\n"
                            "---\n"
                            "kind: Load\n"
                            "spec:\n"
                            "  seed: 1\n"
                            "  untilSeconds: 14400\n"
                            "  classes:\n" CLASS("one", "500", "1") CLASS("two", "200", "2")
                                CLASS("four", "400", "1") CLASS("eight", "200", "500m");

/* In percent of what all got; weights 1:2:4:8 are due 8/15, 4/15, 2/15 and 1/15. */
TEST(shares_got_are_shares_due)
{
    static const double due[] = {800 / 15.0, 400 / 15.0, 200 / 15.0, 100 / 15.0};
    struct err err = {0};
    AUTO(scenario) scenario = NULL;
    struct day *made = NULL;
    REQUIRE(scenario_parse(scenario_text, strlen(scenario_text), &scenario, &err) == 0);
    REQUIRE(scenario_day(scenario, &(struct day_options){0}, &made, &err) == 0);
    AUTO(day) day = made;
    if (day_run(day, &err) < 0)
        CHECK_TEXT("the day", err.text, "");
    const struct day_report *report = day_report(day);
    REQUIRE(report->class_count == 4);
    for (size_t i = 0; i < report->class_count; i++) {
        double got = 100 * report->classes[i].vcpu_hours / report->all.vcpu_hours;
        AUTO_TEXT name = text_printf("%s: %.1f %% of %.1f vCPU-hours, due %.1f %%",
                                     report->classes[i].name, got, report->all.vcpu_hours, due[i]);
        CHECK_TRUE(name, got > due[i] * 0.93 && got < due[i] * 1.07);
        CHECK_TRUE("asks for more", report->classes[i].unfinished > 0);
    }
    CHECK_TRUE("all of it is used", report->utilisation > 0.9);
}
