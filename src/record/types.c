/* SPDX-License-Identifier: Apache-2.0 */
/* types.c - the structures' members: see types.h
 *
 * One TYPE a structure, in the order of the headers. A member that is missing here would be lost
 * from recorded days; lint finds it. */
#include "types.h"

#include "bulkhead/core/core.h"

#include <string.h>

/* clang-format off */
#define KIND_OF_MEMBER(m) _Generic((m), double: MEMBER_REAL, char *: MEMBER_TEXT, \
    const char *: MEMBER_WORD, struct text_list: MEMBER_TEXTS, default: MEMBER_INTEGER)
#define IS_SIGNED(m) _Generic((m), int64_t: true, int32_t: true, default: false)
#define AT(m) .name = #m, .offset = offsetof(struct T, m), .size = sizeof(((struct T *)0)->m)
/* A number, bool, text or list of texts; an enum that the core indexes tables with; structs. */
#define M(m) { AT(m), .kind = KIND_OF_MEMBER(((struct T *)0)->m), .is_signed = IS_SIGNED(((struct T *)0)->m) },
#define ENUM(m, count_) { AT(m), .kind = MEMBER_INTEGER, .below = (count_) },
#define STRUCT(m, tag) { AT(m), .kind = MEMBER_STRUCT, .type = &tag##_record },
#define LIST(m, count_, tag) { AT(m), .kind = MEMBER_LIST, .type = &tag##_record, \
    .item_size = sizeof(struct tag), .count_offset = offsetof(struct T, count_) },
#define NUMBERS(m, count_) { AT(m), .kind = MEMBER_LIST, .item_size = sizeof(*((struct T *)0)->m), \
    .count_offset = offsetof(struct T, count_), .is_signed = true },
#define ARRAY(m, count_, tag) { AT(m), .kind = MEMBER_ARRAY, .type = &tag##_record, \
    .item_size = sizeof(struct tag), .count_offset = offsetof(struct T, count_) },
#define FIXED(m) { AT(m), .kind = MEMBER_FIXED },
#define TYPE_OF(scope, tag, ...) \
    static const struct member tag##_members[] = { __VA_ARGS__ }; \
    scope const struct record_type tag##_record = { #tag, sizeof(struct tag), tag##_members, ARRAY_LEN(tag##_members) };
#define PART(tag, ...) TYPE_OF(static, tag, __VA_ARGS__)
#define ROOT(tag, ...) TYPE_OF(, tag, __VA_ARGS__)

/* --- meta.h, values.h, resources.h, placement.h --- */
#define T opt_i64
PART(opt_i64, M(set) M(value))
#undef T
#define T key_value
PART(key_value, M(key) M(value))
#undef T
#define T key_values
PART(key_values, LIST(items, count, key_value))
#undef T
#define T object_meta
ROOT(object_meta, M(name) M(namespace_) M(uid) M(resource_version) M(generation) M(created_ns)
    M(deleted_ns) M(has_finalizer))
#undef T
#define T extended_resource
PART(extended_resource, M(name) M(amount))
#undef T
#define T resources
PART(resources, M(cpu_milli) M(memory_bytes) M(ephemeral_bytes) M(pods)
    LIST(extended, extended_count, extended_resource))
#undef T
#define T taint
PART(taint, M(key) M(value) M(effect))
#undef T
#define T taints
PART(taints, LIST(items, count, taint))
#undef T
#define T toleration
PART(toleration, M(key) M(operator_) M(value) M(effect))
#undef T
#define T tolerations
PART(tolerations, LIST(items, count, toleration))
#undef T
#define T node_requirement
PART(node_requirement, M(key) M(operator_) M(values))
#undef T
#define T node_term
PART(node_term, LIST(expressions, expression_count, node_requirement)
    LIST(fields, field_count, node_requirement))
#undef T
#define T placement
PART(placement, STRUCT(requests, resources) STRUCT(node_selector, key_values)
    LIST(affinity, affinity_count, node_term) M(has_affinity) STRUCT(tolerations, tolerations)
    NUMBERS(host_ports, host_port_count) M(runtime_class) M(has_overhead) M(scheduler) M(apart))
#undef T

/* --- nodes.h, consumable.h --- */
#define T pod_template
PART(pod_template, M(json) STRUCT(placement, placement) M(hash))
#undef T
#define T template_override
PART(template_override, M(json))
#undef T
#define T node_range
PART(node_range, M(target_nodes) STRUCT(template_, pod_template))
#undef T
#define T node_properties
PART(node_properties, M(num_nodes) M(main_node) M(allow_spot) LIST(ranges, range_count, node_range))
#undef T
#define T node_override
PART(node_override, M(target_nodes) STRUCT(overrides, template_override))
#undef T
#define T node_overrides
PART(node_overrides, STRUCT(num_nodes, opt_i64) LIST(items, count, node_override))
#undef T
#define T consumable_need
PART(consumable_need, M(resource) M(quantity))
#undef T
#define T consumable_needs
PART(consumable_needs, LIST(items, count, consumable_need))
#undef T
#define T consumable_resource
ROOT(consumable_resource, STRUCT(meta, object_meta) M(spent) M(total) M(namespaces) M(consumed)
    M(claims) M(invalid))
#undef T

/* --- policy.h --- */
#define T share_weight
PART(share_weight, M(identifier) M(weight))
#undef T
#define T scheduling_policy
ROOT(scheduling_policy, STRUCT(meta, object_meta) M(decay_s) M(reservation)
    LIST(weights, weight_count, share_weight) M(dominant) M(reclaim) M(invalid))
#undef T
#define T share_told
PART(share_told, M(identifier) M(used) M(running_milli) M(waiting))
#undef T
#define T queue_shares
PART(queue_shares, M(at_ns) M(active) LIST(top, top_count, share_told) M(used) M(left_out))
#undef T

/* --- queue.h --- */
#define T time_limit_action
PART(time_limit_action, ENUM(reason, BLOCKED_COUNT) M(state) M(action) M(seconds))
#undef T
#define T job_cost
PART(job_cost, M(vcpu_seconds) M(gpu_seconds) M(amount) M(mark))
#undef T
#define T share_cost
PART(share_cost, M(identifier) STRUCT(all, job_cost) STRUCT(settled, job_cost))
#undef T
#define T cost_forecast
PART(cost_forecast, M(amount) M(since_ns) M(unknown))
#undef T
#define T queue_cost
PART(queue_cost, STRUCT(all, job_cost) STRUCT(settled, job_cost) M(since_ns)
    LIST(shares, share_count, share_cost) STRUCT(forecast, cost_forecast))
#undef T
#define T environment_cost
PART(environment_cost, M(vcpu_seconds) M(gpu_seconds) M(amount) M(at_ns) M(price) M(vcpus) M(gpus)
    M(since_ns))
#undef T
#define T environment_order
PART(environment_order, M(order) M(compute_environment))
#undef T
#define T finished_pods
PART(finished_pods, M(keep_s) M(per_node))
#undef T
#define T queue_limits
PART(queue_limits, STRUCT(vcpus, opt_i64) M(memory_bytes) STRUCT(gpus, opt_i64)
    STRUCT(jobs, opt_i64))
#undef T
#define T job_queue
ROOT(job_queue, STRUCT(meta, object_meta) M(state) M(strategy) M(priority)
    LIST(environments, environment_count, environment_order) M(policy) M(namespaces)
    ARRAY(limits, limit_count, time_limit_action) STRUCT(ttl_s, opt_i64) STRUCT(most, queue_limits)
    M(draining_since_ns) STRUCT(cost, queue_cost)
    STRUCT(finished_pods, finished_pods) M(observed_generation) STRUCT(shares, queue_shares))
#undef T
#define T instance_type
ROOT(instance_type, M(name) M(vcpus) STRUCT(capacity, resources) M(price) M(spot_price)
    M(interruption) M(arch) M(zones) M(boot_ms)
    M(available))
#undef T
#define T interruption_record
PART(interruption_record, M(type) M(machine_s) M(interruptions))
#undef T
#define T compute_environment
ROOT(compute_environment, STRUCT(meta, object_meta) M(managed) M(enabled) M(namespaces)
    M(min_vcpus) M(max_vcpus) M(spot) ENUM(allocation_strategy, ALLOCATE_LOWEST_PRICE_PACKING + 1) M(bid_percentage)
    M(instance_types)
    M(scale_down_delay_ns) ENUM(provider, PROVIDER_COMMAND + 1)
    LIST(catalog, catalog_count, instance_type) M(command_program)
    STRUCT(command_parameters, key_values) M(observed_generation)
    STRUCT(cost, environment_cost) LIST(interruptions, interruption_count, interruption_record)
    M(interruptions_at_ns))
#undef T
#define T instance
ROOT(instance, M(id) M(type) M(node_name) M(zone) ENUM(state, INSTANCE_TERMINATED + 1)
    ENUM(signal, SIGNAL_INTERRUPTION + 1) M(launched_ns))
#undef T

/* --- job.h --- */
#define T exit_rule
PART(exit_rule, M(on_reason) M(on_status_reason) M(on_exit_code) M(retry))
#undef T
#define T retry_strategy
PART(retry_strategy, STRUCT(attempts, opt_i64) ARRAY(rules, rule_count, exit_rule))
#undef T
#define T number_list
PART(number_list, NUMBERS(items, count))
#undef T
#define T run_history
PART(run_history, M(count) M(mean_ms) M(deviation_ms))
#undef T
#define T job_definition
ROOT(job_definition, STRUCT(meta, object_meta) STRUCT(deregistered, number_list) M(history_limit)
    M(content) M(revision) M(of_name) M(of_uid) M(latest_revision) M(told_hash)
    STRUCT(runs, run_history)
    STRUCT(parameters, key_values) STRUCT(retry, retry_strategy) STRUCT(timeout_s, opt_i64)
    STRUCT(scheduling_priority, opt_i64) M(preemptible) STRUCT(consumables, consumable_needs) M(has_template)
    STRUCT(template_, pod_template) M(has_nodes) STRUCT(nodes, node_properties) M(invalid))
#undef T
#define T dependency
PART(dependency, M(job_name) ENUM(type, DEPENDENCY_N_TO_N + 1) ENUM(condition, DEPEND_ALWAYS + 1)
    M(hold))
#undef T
#define T job_request
PART(job_request, ENUM(action, JOB_TERMINATE + 1) M(reason) M(indexes))
#undef T
#define T try_container
PART(try_container, M(name) M(exit_code) M(reason) M(message))
#undef T
#define T job_try
PART(job_try, M(index) M(try) M(attempt) M(pod) M(pod_uid) M(node) M(node_uid) M(instance_id)
    M(started_ns) M(stopped_ns) STRUCT(exit_code, opt_i64) M(reason) M(status_reason) M(message)
    LIST(containers, container_count, try_container))
#undef T
#define T dependency_record
PART(dependency_record, M(job_name) M(uid) ENUM(outcome, DEPENDENCY_HELD + 1) M(replacement))
#undef T
#define T replaces_record
PART(replaces_record, STRUCT(job, dependency_record) M(children_taken))
#undef T
#define T array_failure
PART(array_failure, M(status_reason) M(reason) STRUCT(exit_code, opt_i64) M(attempts) M(children)
    M(indexes))
#undef T
#define T array_status
ROOT(array_status, M(size) FIXED(counts) M(encoding) M(data) M(refusals) M(history)
    M(history_left_out) M(failed_indexes) LIST(failures, failure_count, array_failure)
    M(other_attempts) M(other_children) M(results) M(results_left_out) M(inputs))
#undef T
#define T job_status
PART(job_status, M(observed_generation) ENUM(phase, JOB_PHASE_COUNT) M(reason) M(message)
    M(started_ns) M(stopped_ns) M(attempts) M(refusals) M(cancelled) M(terminated)
    M(request_refused) ENUM(blocked, BLOCKED_COUNT) M(blocked_since_ns) M(delivered) M(definition)
    M(definition_uid) LIST(tries, try_count, job_try)
    LIST(dependencies, dependency_count, dependency_record) STRUCT(references, key_values)
    M(result) STRUCT(replaces, replaces_record) STRUCT(scheduling_priority, opt_i64)
    STRUCT(array, array_status) STRUCT(nodes, array_status) M(main_node)
    STRUCT(cost, job_cost))
#undef T
#define T batch_job
ROOT(batch_job, STRUCT(meta, object_meta) M(parent_uid) M(queue) M(definition) M(has_template)
    STRUCT(template_, pod_template) STRUCT(overrides, template_override)
    STRUCT(scheduling_priority, opt_i64) M(share) M(preemptible) M(has_preemptible) M(has_nodes) STRUCT(nodes, node_properties)
    M(has_node_overrides) STRUCT(node_overrides, node_overrides) STRUCT(parameters, key_values)
    STRUCT(array_size, opt_i64) M(size_from) STRUCT(max_concurrent, opt_i64)
    STRUCT(consumables, consumable_needs) M(has_consumables)
    LIST(dependencies, dependency_count, dependency) M(replaces) STRUCT(retry, retry_strategy)
    M(has_retry) STRUCT(timeout_s, opt_i64) STRUCT(start_deadline_s, opt_i64)
    STRUCT(ttl_s, opt_i64) LIST(requests, request_count, job_request) STRUCT(status, job_status)
    M(has_status) M(invalid))
#undef T

/* --- node.h --- */
#define T node
ROOT(node, STRUCT(meta, object_meta) STRUCT(labels, key_values) STRUCT(taints, taints)
    STRUCT(allocatable, resources) M(provider_id) M(ready) M(unschedulable))
#undef T
#define T container_exit
PART(container_exit, M(name) M(exit_code) M(reason) M(message))
#undef T
#define T pod
ROOT(pod, STRUCT(meta, object_meta) M(address) M(node_name) ENUM(phase, POD_UNKNOWN + 1) M(reason)
    M(message) STRUCT(requests, resources) NUMBERS(host_ports, host_port_count) M(owner_kind)
    M(owner_uid) M(job_uid) M(job_name) M(queue) M(share) M(gives_way_to) M(environment) M(node_uid) M(definition)
    M(definition_uid) M(index) M(count) M(try) M(attempt) STRUCT(consumables, consumable_needs) M(price)
    M(deadline) M(disruption) M(disrupted_ns) M(scheduled_ns) M(waiting_reason) M(waiting_message) M(init_started)
    M(containers_started) M(started_ns) M(finished_ns) LIST(exits, exit_count, container_exit)
    M(result))
#undef T
#define T daemon_set
ROOT(daemon_set, STRUCT(meta, object_meta) STRUCT(placement, placement))
#undef T
#define T runtime_class
ROOT(runtime_class, STRUCT(meta, object_meta) STRUCT(adds, placement))
#undef T
#define T node_service
ROOT(node_service, STRUCT(meta, object_meta) M(job_uid))
#undef T

/* --- core.h --- */
#define T core_options
ROOT(core_options, M(verdict_delay_ns) M(running_delay_ns) M(start_deadline_ns)
    M(boot_deadline_ns) M(observe_period_ns) M(status_interval_ns) M(creates_max) M(cleanups_max)
    M(tells_max))
#undef T
/* clang-format on */

const struct record_type *const record_roots[] = {
    &object_meta_record,    &batch_job_record,
    &job_queue_record,      &compute_environment_record,
    &job_definition_record, &pod_record,
    &node_record,           &daemon_set_record,
    &runtime_class_record,  &consumable_resource_record,
    &array_status_record,   &instance_record,
    &instance_type_record,  &core_options_record,
    &node_service_record,   &scheduling_policy_record,
};
const size_t record_root_count = ARRAY_LEN(record_roots);
