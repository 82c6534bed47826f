/* SPDX-License-Identifier: Apache-2.0 */
/* convert.c - the store's objects as the typed objects of api/, which the core takes
 *
 * They are what the decoders would make of the JSON. Written here and not by the real encoders, so
 * that the core is checked against the documented forms and not against our own habits. */
#include "sim/world.h"

#include "bulkhead/base/format.h"
#include "bulkhead/base/str.h"

#include <stdlib.h>
#include <string.h>

void meta_fill(const struct object *object, struct object_meta *ret)
{
    char version[24];
    format_to(version, sizeof(version), "%llu", (unsigned long long)object->version);
    *ret = (struct object_meta){
        .name = text_copy(object->name),
        .namespace_ = text_copy(object->namespace_),
        .uid = text_copy(object->uid),
        .resource_version = text_copy(version),
        .generation = (int64_t)object->generation,
        .created_ns = object->created_ns,
        .deleted_ns = object->deleted_ns,
        .has_finalizer = object->finalizer,
    };
}

static struct resources amount(int64_t cpu_milli, int64_t memory_mib, int64_t pods)
{
    return (struct resources){
        .cpu_milli = cpu_milli, .memory_bytes = memory_mib * 1024 * 1024, .pods = pods};
}

void template_fill(const struct template_ *from, struct pod_template *ret)
{
    *ret = (struct pod_template){
        .json =
            text_printf("{\"spec\":{%s\"containers\":[{\"name\":\"c\",\"image\":\"i%llu\"}]}}",
                        from->assisted ? "\"volumes\":[{\"name\":\"v\",\"ephemeral\":{}}]," : "",
                        (unsigned long long)from->hash),
        .placement.scheduler = from->assisted ? SCHEDULER_VOLUMES : NULL,
        .hash = from->hash,
        .placement.requests = amount(from->cpu_milli, from->memory_mib, 1),
    };
}

void nodes_fill(uint32_t size, uint32_t main_node, const struct template_ *main_template,
                const struct template_ *others, struct node_properties *ret)
{
    ret->num_nodes = size;
    ret->allow_spot = true;
    ret->main_node = main_node;
    ret->ranges = mem_new(2 * sizeof(*ret->ranges));
    ret->range_count = 2;
    ret->ranges[0].target_nodes = text_copy("0:");
    template_fill(others, &ret->ranges[0].template_);
    ret->ranges[1].target_nodes = text_printf("%u", main_node); /* narrower: it decides */
    template_fill(main_template, &ret->ranges[1].template_);
}

/* --- Jobs --------------------------------------------------------------------------------------
 */

static void array_fill(const struct stored_status *stored, bool with_data, struct array_status *ret)
{
    const struct array_status *from =
        stored->status.nodes.size > 0 ? &stored->status.nodes : &stored->status.array;
    *ret = (struct array_status){.size = from->size};
    memcpy(ret->counts, from->counts, sizeof(ret->counts));
    ret->failed_indexes = text_copy(from->failed_indexes);
    if (!with_data)
        return;
    ret->failure_count = from->failure_count;
    if (from->failure_count > 0)
        ret->failures = mem_new(from->failure_count * sizeof(*ret->failures));
    for (size_t i = 0; i < from->failure_count; i++) {
        ret->failures[i] = from->failures[i];
        ret->failures[i].status_reason = text_copy(from->failures[i].status_reason);
        ret->failures[i].reason = text_copy(from->failures[i].reason);
        ret->failures[i].indexes = text_copy(from->failures[i].indexes);
    }
    ret->other_attempts = from->other_attempts;
    ret->other_children = from->other_children;
    ret->encoding = text_copy("runs");
    ret->data = text_copy(stored->data);
    ret->refusals = text_copy(stored->refusals_text);
    ret->results = text_copy(stored->results_text);
    ret->inputs = text_copy(stored->inputs_text);
    ret->history = text_copy(stored->history);
}

static void status_fill(const struct stored_status *stored, struct job_status *ret)
{
    const struct job_status *from = &stored->status;
    *ret = *from;
    ret->reason = text_copy(from->reason);
    ret->message = text_copy(from->message);
    ret->delivered = text_copy(from->delivered);
    ret->definition = text_copy(from->definition);
    ret->definition_uid = text_copy(from->definition_uid);
    ret->result = text_copy(from->result);
    ret->references = (struct key_values){NULL, 0};
    for (size_t i = 0; i < from->references.count; i++)
        key_values_set(&ret->references, from->references.items[i].key,
                       from->references.items[i].value);
    ret->tries = from->try_count > 0 ? mem_new(from->try_count * sizeof(*ret->tries)) : NULL;
    for (size_t i = 0; i < from->try_count; i++)
        job_try_copy(&ret->tries[i], &from->tries[i]);
    ret->dependencies = from->dependency_count > 0
                            ? mem_new(from->dependency_count * sizeof(*ret->dependencies))
                            : NULL;
    for (size_t i = 0; i < from->dependency_count; i++) {
        ret->dependencies[i] = from->dependencies[i];
        ret->dependencies[i].job_name = text_copy(from->dependencies[i].job_name);
        ret->dependencies[i].uid = text_copy(from->dependencies[i].uid);
        ret->dependencies[i].replacement = text_copy(from->dependencies[i].replacement);
    }
    ret->replaces.job.job_name = text_copy(from->replaces.job.job_name);
    ret->replaces.job.uid = text_copy(from->replaces.job.uid);
    ret->array = ret->nodes = (struct array_status){0};
    bool gang = from->nodes.size > 0;
    if (stored->children != NULL)
        array_fill(stored, !stored->elsewhere, gang ? &ret->nodes : &ret->array);
    if (gang)
        text_set(&ret->nodes.failed_indexes, NULL);
}

/* "Ref::jobs.job-3.count", in an argument. */
static void use_result(const struct sim_job *from, struct pod_template *template_)
{
    AUTO_TEXT rest = text_copy(strstr(template_->json, "}]}}"));
    char *json =
        text_printf("%.*s,\"args\":[\"Ref::jobs.%s%s%s\"]%s",
                    (int)(strlen(template_->json) - strlen(rest)), template_->json,
                    from->dependencies[0].name, from->uses[0] != '\0' ? "." : "", from->uses, rest);
    free(template_->json);
    template_->json = json;
}

static struct batch_job *job_convert(const struct sim_job *from)
{
    struct batch_job *job = mem_new(sizeof(*job));
    meta_fill(&from->object, &job->meta);
    job->queue = text_copy(from->queue);
    job->share = text_copy(from->share);
    job->preemptible = job->has_preemptible = from->preemptible;
    job->scheduling_priority = OPT_I64(from->priority);
    job->definition =
        from->definition_number == 0
            ? text_copy(from->definition_name)
            : text_printf("%s:%lld", from->definition_name, (long long)from->definition_number);
    job->has_nodes = from->gang && from->definition_name == NULL;
    job->has_template = from->definition_name == NULL && !from->gang;
    if (job->has_template)
        template_fill(&from->base, &job->template_);
    if (from->overridden && !from->gang)
        job->overrides.json = text_printf(
            "{\"containers\":[{\"resources\":{\"requests\":{\"cpu\":\"%lldm\","
            "\"memory\":\"%lldMi\"}}}]}",
            (long long)from->template_.cpu_milli, (long long)from->template_.memory_mib);
    job->has_node_overrides = from->renumbered;
    if (from->renumbered)
        job->node_overrides.num_nodes = OPT_I64(from->size);
    if (job->has_nodes)
        nodes_fill(from->size, from->main_node, &from->template_, &from->others, &job->nodes);
    else if (from->computed)
        job->size_from = text_printf("Ref::jobs.%s%s%s", from->dependencies[0].name,
                                     from->uses[0] != '\0' ? "." : "", from->uses);
    else if (from->size > 0 && !from->gang)
        job->array_size = OPT_I64(from->size);
    if (from->uses != NULL && !from->gang)
        use_result(from, &job->template_);
    for (size_t i = 0; from->uses != NULL && i < job->nodes.range_count; i++)
        use_result(from, &job->nodes.ranges[i].template_);
    if (from->max_concurrent > 0)
        job->max_concurrent = OPT_I64(from->max_concurrent);
    if (from->timeout_s > 0)
        job->timeout_s = OPT_I64(from->timeout_s);
    if (from->start_deadline_s != START_DEADLINE_S)
        job->start_deadline_s = OPT_I64(from->start_deadline_s);
    if (from->ttl_s >= 0)
        job->ttl_s = OPT_I64(from->ttl_s);
    if (from->attempts > 0) {
        job->has_retry = true;
        job->retry.attempts = OPT_I64(from->attempts);
        job->retry.rule_count = from->rule_count;
        for (size_t i = 0; i < from->rule_count; i++)
            job->retry.rules[i] = (struct exit_rule){
                .on_reason = text_copy(from->rules[i].on_reason),
                .on_status_reason = text_copy(from->rules[i].on_status_reason),
                .on_exit_code = text_copy(from->rules[i].on_exit_code),
                .retry = from->rules[i].retry,
            };
    }
    job->dependency_count = from->dependency_count;
    if (from->dependency_count > 0)
        job->dependencies = mem_new(from->dependency_count * sizeof(*job->dependencies));
    for (size_t i = 0; i < from->dependency_count; i++)
        job->dependencies[i] = (struct dependency){
            .job_name = text_copy(from->dependencies[i].name),
            .type = from->dependencies[i].type,
            .condition = from->dependencies[i].condition,
            .hold = from->dependencies[i].hold,
        };
    job->replaces = text_copy(from->replaces);
    job->parent_uid = text_copy(from->parent_uid);
    job->request_count = from->request_count;
    if (from->request_count > 0)
        job->requests = mem_new(from->request_count * sizeof(*job->requests));
    for (size_t i = 0; i < from->request_count; i++)
        job->requests[i] = (struct job_request){.action = from->requests[i].action,
                                                .reason = text_copy("on request"),
                                                .indexes = text_copy(from->requests[i].indexes)};
    job->has_consumables = from->own_needs;
    if (from->own_needs)
        needs_fill(&from->needs, &job->consumables);
    job->invalid = text_copy(from->invalid);
    if (from->status != NULL) {
        job->has_status = true;
        status_fill(from->status, &job->status);
    }
    return job;
}

/* --- Queues, environments ----------------------------------------------------------------------
 */

static struct job_queue *queue_convert(const struct sim_queue *from)
{
    struct job_queue *queue = mem_new(sizeof(*queue));
    meta_fill(&from->object, &queue->meta);
    quota_fill(from, queue);
    queue->priority = from->priority;
    queue->policy = text_copy(from->policy);
    queue->shares.at_ns = from->shares_at_ns;
    queue->shares.used = text_copy(from->shares_used);
    queue->observed_generation = from->observed_generation;
    queue->cost = from->cost;
    queue->cost.shares = share_costs_copy(from->cost.shares, from->cost.share_count);
    queue->finished_pods =
        (struct finished_pods){.keep_s = from->keep_s, .per_node = from->per_node};
    queue->environment_count = from->environment_count;
    queue->environments = mem_new(from->environment_count * sizeof(*queue->environments));
    for (size_t i = 0; i < from->environment_count; i++)
        queue->environments[i] = (struct environment_order){
            .order = (int64_t)i + 1, .compute_environment = text_copy(from->environments[i])};
    return queue;
}

static struct compute_environment *environment_convert(const struct sim_environment *from)
{
    struct compute_environment *environment = mem_new(sizeof(*environment));
    meta_fill(&from->object, &environment->meta);
    environment->managed = from->managed;
    environment->enabled = from->enabled;
    for (size_t i = 0; i < from->namespace_count; i++)
        text_list_add(&environment->namespaces, from->namespaces[i]);
    environment->min_vcpus = from->min_vcpus;
    environment->max_vcpus = from->max_vcpus;
    environment->allocation_strategy = from->strategy;
    environment->spot = from->spot;
    environment->bid_percentage = from->bid;
    environment->scale_down_delay_ns = from->delay_ns;
    environment->provider = from->managed ? PROVIDER_COMMAND : PROVIDER_STATIC;
    environment->observed_generation = from->observed_generation;
    environment->cost = from->charge;
    environment->interruptions_at_ns = from->interruptions_at_ns;
    environment->interruption_count = from->interruption_count;
    environment->interruptions =
        mem_new((from->interruption_count + 1) * sizeof(*environment->interruptions));
    for (size_t i = 0; i < from->interruption_count; i++) {
        environment->interruptions[i] = from->interruptions[i];
        environment->interruptions[i].type = text_copy(from->interruptions[i].type);
    }
    return environment;
}

/* --- Pods, nodes, DaemonSets -------------------------------------------------------------------
 */

struct pod *pod_convert(const struct sim_pod *from)
{
    struct pod *pod = mem_new(sizeof(*pod));
    meta_fill(&from->object, &pod->meta);
    if (pod->meta.deleted_ns != 0)
        pod->meta.deleted_ns -= from->grace_s * NS_PER_S;
    pod->node_name = text_copy(from->node_name);
    pod->phase = from->phase;
    pod->reason = text_copy(from->reason);
    pod->requests = amount(from->cpu_milli, from->memory_mib, 1);
    pod->owner_kind = text_copy(from->owner_kind);
    pod->owner_uid = text_copy(from->owner_uid);
    pod->deadline = from->deadline;
    pod->disruption = text_copy(from->disruption);
    pod->disrupted_ns = from->disruption != NULL ? from->disrupted_ns : 0;
    pod->scheduled_ns = from->bound_ns;
    pod->message = text_copy(from->message);
    pod->waiting_reason = text_copy(from->waiting_reason);
    if (from->waiting_reason != NULL)
        pod->waiting_message = text_copy("Back-off pulling image");
    pod->containers_started = from->started;
    pod->started_ns = from->started_ns;
    pod->finished_ns = from->finished_ns;
    if (from->has_exit || from->exit_unknown) {
        pod->exit_count = 1;
        pod->exits = mem_new(sizeof(*pod->exits));
        pod->exits[0].name = text_copy("main");
        pod->exits[0].exit_code = from->exit_unknown ? 137 : from->exit_code;
        pod->exits[0].reason = text_copy(from->exit_unknown     ? "ContainerStatusUnknown"
                                         : from->exit_code == 0 ? "Completed"
                                                                : "Error");
    }
    if (from->ours) {
        pod->job_uid = text_copy(from->job_uid);
        pod->job_name = text_copy(from->job_name);
        pod->queue = text_copy(from->queue);
        pod->share = text_copy(from->share);
        pod->gives_way_to = text_copy(from->gives_way_to);
        pod->environment = text_copy(from->environment);
        pod->node_uid = text_copy(from->node_uid);
        pod->definition = text_copy(from->revision);
        pod->definition_uid = text_copy(from->revision_of);
        pod->index = from->index;
        pod->count = from->count;
        pod->try = from->try;
        pod->attempt = from->attempt;
        pod->price = from->price;
        needs_fill(&from->needs, &pod->consumables);
        pod->result = text_copy(from->result);
    }
    return pod;
}

static void taint_add(struct taints *taints, const char *key, const char *value, const char *effect)
{
    size_t capacity = taints->count;
    taints->items = mem_grow(taints->items, capacity + 1, sizeof(*taints->items));
    taints->items[taints->count++] = (struct taint){
        .key = text_copy(key), .value = text_copy(value), .effect = text_copy(effect)};
}

static struct node *node_convert(const struct sim_node *from)
{
    struct node *node = mem_new(sizeof(*node));
    meta_fill(&from->object, &node->meta);
    node->allocatable = amount(from->cpu_milli, from->memory_mib, from->pods);
    node->ready = from->ready;
    key_values_set(&node->labels, "kubernetes.io/hostname", from->object.name);
    if (from->environment != NULL) {
        key_values_set(&node->labels, LABEL_ENVIRONMENT, from->environment);
        taint_add(&node->taints, TAINT_ENVIRONMENT, from->environment, "NoSchedule");
    }
    if (from->type != NULL)
        key_values_set(&node->labels, LABEL_INSTANCE_TYPE, from->type);
    if (from->instance_id != NULL) {
        key_values_set(&node->labels, LABEL_INSTANCE_ID, from->instance_id);
        node->provider_id = text_printf("sim:///%s", from->instance_id);
    }
    if (from->tainted)
        taint_add(&node->taints, "node.kubernetes.io/not-ready", NULL, "NoSchedule");
    return node;
}

static struct daemon_set *daemon_set_convert(const struct sim_daemon_set *from)
{
    struct daemon_set *set = mem_new(sizeof(*set));
    meta_fill(&from->object, &set->meta);
    set->placement.requests = amount(from->cpu_milli, from->memory_mib, 1);
    set->placement.tolerations.items = mem_new(sizeof(*set->placement.tolerations.items));
    set->placement.tolerations.items[0].operator_ = text_copy("Exists");
    set->placement.tolerations.count = 1;
    return set;
}

static void array_state_fill(const struct sim_array_state *from, struct event *ret)
{
    struct array_status *array = mem_new(sizeof(*array));
    array_fill(from->status, true, array);
    ret->kind = EVENT_ARRAY_STATE;
    ret->uid = from->job_uid;
    ret->array = array;
}

/* --- Events ------------------------------------------------------------------------------------
 */

static const enum event_kind gone_events[KIND_COUNT] = {
    [KIND_JOB] = EVENT_JOB_GONE,
    [KIND_QUEUE] = EVENT_QUEUE_GONE,
    [KIND_ENVIRONMENT] = EVENT_ENVIRONMENT_GONE,
    [KIND_DEFINITION] = EVENT_DEFINITION_GONE,
    [KIND_CONSUMABLE] = EVENT_CONSUMABLE_GONE,
    [KIND_POLICY] = EVENT_POLICY_GONE,
    [KIND_REVISION] = EVENT_REVISION_GONE,
    [KIND_SERVICE] = EVENT_SERVICE_GONE,
    [KIND_POD] = EVENT_POD_GONE,
    [KIND_NODE] = EVENT_NODE_GONE,
    [KIND_DAEMON_SET] = EVENT_DAEMON_SET_GONE,
};

void event_fill(const struct object *copy, bool gone, struct event *ret)
{
    const void *object = copy;
    ret->namespace_ = copy->namespace_;
    ret->name = copy->name;
    ret->uid = copy->uid;
    if (gone) {
        ret->kind = gone_events[copy->kind];
        return;
    }
    switch (copy->kind) {
    case KIND_ARRAY_STATE: {
        static char version[24];
        format_to(version, sizeof(version), "%llu", (unsigned long long)copy->version);
        ret->resource_version = version;
        array_state_fill(object, ret);
        break;
    }
    case KIND_JOB:
        ret->kind = EVENT_JOB;
        ret->job = job_convert(object);
        break;
    case KIND_QUEUE:
        ret->kind = EVENT_QUEUE;
        ret->queue = queue_convert(object);
        break;
    case KIND_ENVIRONMENT:
        ret->kind = EVENT_ENVIRONMENT;
        ret->environment = environment_convert(object);
        break;
    case KIND_DEFINITION:
        ret->kind = EVENT_DEFINITION;
        ret->definition = definition_convert(object);
        break;
    case KIND_CONSUMABLE:
        ret->kind = EVENT_CONSUMABLE;
        ret->consumable = consumable_convert(object);
        break;
    case KIND_POLICY:
        ret->kind = EVENT_POLICY;
        ret->policy = policy_convert(object);
        break;
    case KIND_REVISION:
        ret->kind = EVENT_REVISION;
        ret->definition = revision_convert(object);
        break;
    case KIND_SERVICE:
        ret->kind = EVENT_SERVICE;
        ret->service = service_convert(object);
        break;
    case KIND_POD:
        ret->kind = EVENT_POD;
        ret->pod = pod_convert(object);
        break;
    case KIND_NODE:
        ret->kind = EVENT_NODE;
        ret->node = node_convert(object);
        break;
    case KIND_DAEMON_SET:
        ret->kind = EVENT_DAEMON_SET;
        ret->daemon_set = daemon_set_convert(object);
        break;
    case KIND_COUNT:
        break;
    }
}
