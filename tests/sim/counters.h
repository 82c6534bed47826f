/* SPDX-License-Identifier: Apache-2.0 */
/* counters.h - what the runs have exercised; part of world.h */
#ifndef BULKHEAD_TESTS_SIM_COUNTERS_H
#define BULKHEAD_TESTS_SIM_COUNTERS_H

#include <stdint.h>

/* Everything that a run can exercise; counted, so that a fault that never happens is visible. */
/* clang-format off */
#define COUNTERS(X) \
    X(turns) X(events) X(actions) X(writes) X(pods) X(jobs) X(crashes) X(relists) X(duplicates) \
    X(watch_stalls) X(conflicts) X(lost_before) X(lost_after) X(late_commits) X(throttled) \
    X(quota_refusals) X(forbidden) X(refused_jobs) X(dry_runs) X(creates_exist) X(adoptions) \
    X(expired_jobs) X(kubelet_refusals) X(unfit_jobs) X(queue_limits) X(limited_creates) X(queue_drains) X(best_effort) X(backfill) X(kept_places) X(passed) X(evictions) X(evictions_own) X(kubelet_restarts) X(image_hangs) X(partitions) X(deadlines) \
    X(node_deaths) X(nodes_deleted) X(names_reused) X(pods_collected) X(host_losses) X(daemon_pods) \
    X(sink_events) X(sink_doubles) X(sink_failures) X(assisted) X(bound) \
    X(services) X(services_deleted) X(services_taken) X(services_lost) \
    X(foreign_pods) X(squatters) X(launches) X(launches_partial) X(launches_lost) X(launches_late) \
    X(launches_repeated) X(observes_short) X(launches_never_join) X(terminates) X(terminates_late) X(provider_errors) X(retries) \
    X(succeeded) X(failed) X(timeouts) X(cancels) X(terminations) X(job_deletes) X(recreates) \
    X(pod_deletes) X(pods_kept) X(pods_kept_less) X(queue_edits) X(environment_edits) X(environment_deletes) X(companions) \
    X(fenced) X(infeasible) X(overrides) X(invalid_jobs) X(dependencies) X(skipped) X(results) \
    X(held) X(replaced) X(taken) X(parents) X(stopped_by_parent) \
    X(takes) X(claims) X(consumed) X(consumable_edits) X(consumable_deletes) X(policy_edits) \
    X(shares_told) X(preempted) X(uses) X(given) X(uses_own) X(given_own) X(sized) X(empty) \
    X(definition_edits) X(same_edits) X(deregistrations) X(definition_deletes) X(revisions) \
    X(revisions_deleted) X(revisions_kept) X(numbered_jobs) \
    X(signals) X(interruptions) X(droughts) X(given_back) X(turns_taken) X(launches_judged) \
    X(explained) X(explained_nodes) X(arrays) X(gangs) X(replays_compared) \
    X(charged) X(shares_charged) X(forecasts) X(taken_back) X(lives_replayed) X(recorded_bytes) X(statuses_coded) X(pods_coded)
/* clang-format on */

struct counters {
#define X(name) uint64_t name;
    COUNTERS(X)
#undef X
};

#endif
