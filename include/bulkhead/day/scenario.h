/* SPDX-License-Identifier: Apache-2.0 */
/* scenario.h - a day from manifests: what there is, who submits what, what happens
 *
 * The documents of a YAML text: JobQueue, ComputeEnvironment and the like exactly as kubectl takes
 * them, and of kind Load what a day needs besides:
 *
 *   kind: Load
 *   metadata: {name: office}
 *   spec:
 *     seed: 7
 *     untilSeconds: 86400        # the day ends there; absent: once all has ended
 *     classes:                   # reports tell them apart
 *       - name: small
 *         jobs: 10000
 *         fromSeconds: 0         # they arrive from there
 *         toSeconds: 86400       # until there
 *         arrivals: FLAT         # or OFFICE (by the hour of the day), AT_ONCE, BURSTS
 *         burst: 50              # jobs of one burst
 *         seconds: 120           # how long a pod runs: the middle
 *         spread: 4              # and up to 4 times as long, or a quarter; 1: exactly
 *         failPercent: 2         # of the attempts that exit with 1
 *         arraySizes: [1, 10]    # each as often; 1: a single job; absent: as job says
 *         namespace: research     # that is the default
 *         job: {...}             # spec of a BatchJob
 *     acts:
 *       - {atSeconds: 3600, drought: {computeEnvironment: spot, seconds: 3600}}
 *       - {atSeconds: 3600, reclaim: {computeEnvironment: spot, percent: 50}}
 *       - {atSeconds: 3600, signal: {computeEnvironment: spot, percent: 50, signal: REBALANCE}}
 *       - {atSeconds: 7200, apply: {apiVersion: ..., kind: JobQueue, ...}}
 *
 * Bounds     SCENARIO_BYTES_MAX; DAY_CLASSES_MAX classes; SCENARIO_JOBS_MAX jobs. */
#ifndef BULKHEAD_DAY_SCENARIO_H
#define BULKHEAD_DAY_SCENARIO_H

#include "bulkhead/day/day.h"

enum { SCENARIO_BYTES_MAX = 4 << 20, SCENARIO_JOBS_MAX = 10000000 };

struct scenario;
/* ERR_INVALID names the document, the path and what was expected. */
int scenario_parse(const char *text, size_t size, struct scenario **ret_scenario, struct err *err);
struct scenario *scenario_free(struct scenario *scenario);
DEFINE_AUTO(scenario, scenario_free)

/* "Kind.path=value" or "Kind/name.path=value", in every document that it names:
 * ComputeEnvironment.spec.computeResources.maxvCpus=200. The value is a YAML scalar. */
int scenario_set(struct scenario *scenario, const char *assignment, struct err *err);

/* A day of it, ready to run; the scenario outlives it. What options say of the end and the core
 * holds. Each day of a scenario is the same. */
int scenario_day(struct scenario *scenario, const struct day_options *options, struct day **ret_day,
                 struct err *err);

/* One manifest into the day, at any time: as kubectl apply would. */
int scenario_apply(struct day *day, struct json_object *doc, struct err *err);

#endif
