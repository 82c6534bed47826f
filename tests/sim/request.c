/* SPDX-License-Identifier: Apache-2.0 */
/* request.c - an action of a plan as a request that owns its own copies
 *
 * What a plan points to lives until the next call into the core; a request in flight lives longer.
 */
#include "sim/world.h"

#include "bulkhead/base/str.h"
#include "bulkhead/json/get.h"

#include <stdlib.h>
#include <string.h>

static char *copy(struct world *world, const char *text)
{
    return arena_copy(world->arena, text);
}

static void copy_containers(struct world *world, const struct job_try *from, struct job_try *to)
{
    to->containers = arena_alloc(world->arena, from->container_count * sizeof(*to->containers) + 1);
    for (size_t i = 0; i < from->container_count; i++) {
        to->containers[i] = from->containers[i];
        to->containers[i].name = copy(world, from->containers[i].name);
        to->containers[i].reason = copy(world, from->containers[i].reason);
        to->containers[i].message = copy(world, from->containers[i].message);
    }
}

static void copy_tries(struct world *world, const struct job_status *from, struct job_status *to)
{
    to->tries = arena_alloc(world->arena, from->try_count * sizeof(*to->tries) + 1);
    for (size_t i = 0; i < from->try_count; i++) {
        const struct job_try *try = &from->tries[i];
        to->tries[i] = *try;
        to->tries[i].pod = copy(world, try->pod);
        to->tries[i].pod_uid = copy(world, try->pod_uid);
        to->tries[i].node = copy(world, try->node);
        to->tries[i].node_uid = copy(world, try->node_uid);
        to->tries[i].instance_id = copy(world, try->instance_id);
        to->tries[i].reason = copy(world, try->reason);
        to->tries[i].status_reason = copy(world, try->status_reason);
        to->tries[i].message = copy(world, try->message);
        copy_containers(world, try, &to->tries[i]);
    }
    to->dependencies =
        arena_alloc(world->arena, from->dependency_count * sizeof(*to->dependencies) + 1);
    for (size_t i = 0; i < from->dependency_count; i++) {
        to->dependencies[i] = from->dependencies[i];
        to->dependencies[i].job_name = copy(world, from->dependencies[i].job_name);
        to->dependencies[i].uid = copy(world, from->dependencies[i].uid);
        to->dependencies[i].replacement = copy(world, from->dependencies[i].replacement);
    }
    to->replaces.job.job_name = copy(world, from->replaces.job.job_name);
    to->replaces.job.uid = copy(world, from->replaces.job.uid);
}

/* The documented texts, see api/array_state.h: "w0*10,s1*3,f2" and "3:2,7-9:1". */
static void pack(struct world *world, struct stored_status *stored, uint32_t size)
{
    AUTO_STR data = STR_EMPTY;
    AUTO_STR refusals = STR_EMPTY;
    for (uint32_t i = 0, end; i < size; i = end) {
        const struct child_record *first = &stored->children[i];
        for (end = i + 1; end < size && stored->children[end].outcome == first->outcome &&
                          stored->children[end].attempts == first->attempts;)
            end++;
        str_addf(&data, "%s%c%u", i > 0 ? "," : "", "wsf"[first->outcome], first -> attempts);
        if (end - i > 1)
            str_addf(&data, "*%u", end - i);
    }
    for (uint32_t i = 0; i < size; i++)
        if (stored->refusals[i] > 0)
            str_addf(&refusals, "%s%u:%u", refusals.size > 0 ? "," : "", i, stored->refusals[i]);
    stored->data = copy(world, str_text(&data));
    stored->refusals_text = copy(world, str_text(&refusals));
}

static const struct stored_status *copy_status(struct world *world, const struct action *action)
{
    const struct job_status *from = action->status;
    struct stored_status *stored = arena_alloc(world->arena, sizeof(*stored));
    stored->status = *from;
    stored->status.reason = copy(world, from->reason);
    stored->status.message = copy(world, from->message);
    stored->status.delivered = copy(world, from->delivered);
    stored->status.definition = copy(world, from->definition);
    stored->status.definition_uid = copy(world, from->definition_uid);
    stored->status.result = copy(world, from->result);
    stored->status.references = (struct key_values){NULL, 0};
    size_t uses = from->references.count;
    stored->status.references.items =
        arena_alloc(world->arena, (uses + 1) * sizeof(*stored->status.references.items));
    for (size_t i = 0; i < uses; i++)
        stored->status.references.items[stored->status.references.count++] =
            (struct key_value){copy(world, from->references.items[i].key),
                               copy(world, from->references.items[i].value)};
    stored->status.array.results = stored->status.array.inputs = NULL;
    stored->inputs_text = copy(world, from->array.inputs);
    stored->results_text = copy(world, from->array.results);
    stored->status.request_refused = NULL; /* told in a condition, and read from spec again */
    copy_tries(world, from, &stored->status);
    stored->status.array.encoding = stored->status.array.data = NULL;
    stored->status.array.refusals = NULL;
    stored->status.array.failed_indexes = copy(world, from->array.failed_indexes);
    const struct array_failure *failures = from->array.failures;
    struct array_failure *kept =
        arena_alloc(world->arena, (from->array.failure_count + 1) * sizeof(*kept));
    for (size_t i = 0; i < from->array.failure_count; i++) {
        kept[i] = failures[i];
        kept[i].status_reason = copy(world, failures[i].status_reason);
        kept[i].reason = copy(world, failures[i].reason);
        kept[i].indexes = copy(world, failures[i].indexes);
    }
    stored->status.array.failures = kept;
    stored->status.nodes.encoding = stored->status.nodes.data = NULL;
    stored->status.nodes.refusals = stored->status.nodes.failed_indexes = NULL;
    uint32_t size = from->nodes.size > 0 ? from->nodes.size : from->array.size;
    if (action->children != NULL && size > 0) {
        stored->children = arena_alloc(world->arena, size * sizeof(*stored->children));
        memcpy(stored->children, action->children, size * sizeof(*stored->children));
        stored->refusals = arena_alloc(world->arena, size);
        if (action->refusals != NULL)
            memcpy(stored->refusals, action->refusals, size);
        pack(world, stored, size);
        char *history = NULL;
        if (action->history != NULL)
            array_history_pack(action->history, stored->children, size, HISTORY_TEXT_MAX, &history,
                               &stored->status.array.history_left_out);
        stored->history = copy(world, history);
        free(history);
    }
    return stored;
}

/* The first argument, as the API server would have it. */
static const char *first_arg(struct world *world, const struct pod_order *order)
{
    struct err err = {0};
    AUTO(json_object) pod = NULL;
    if (pod_build(order, &pod, &err) < 0) {
        violation(world, "template", "no pod can be built: %s", err.text);
        return NULL;
    }
    struct json_object *containers = json_get_list(json_get_object(pod, "spec"), "containers");
    struct json_object *args = json_get_list(json_list_at(containers, 0), "args");
    return copy(world, json_object_get_string(json_list_at(args, 0)));
}

static void copy_order(struct world *world, const struct pod_order *order, struct request *request)
{
    const struct pod_template *from = order->nodes != NULL
                                          ? &node_range_of(order->nodes, order->index)->template_
                                          : order->template_;
    request->template_ = (struct template_){
        .cpu_milli = from->placement.requests.cpu_milli,
        .memory_mib = from->placement.requests.memory_bytes / (1024 * 1024),
        .hash = from->hash,
    };
    request->namespace_ = copy(world, order->job->meta.namespace_);
    request->name = copy(world, order->name);
    request->job_uid = copy(world, order->job->meta.uid);
    request->job_name = copy(world, order->job->meta.name);
    request->queue = copy(world, order->job->queue);
    request->share = copy(world, order->job->share);
    if (request->share != NULL)
        share_pod_made(world, request->queue, request->share, request->template_.cpu_milli);
    request->node_name = copy(world, order->node_name);
    request->node_uid = copy(world, order->node_uid);
    request->environment = copy(world, order->environment);
    request->index = order->index;
    request->count = order->count;
    request->try = order->try;
    request->attempt = order->attempt;
    request->price = order->price;
    request->active_deadline_s = order->active_deadline_s;
    const struct consumable_needs *needs = &order->job->consumables;
    if (!order->job->has_consumables && order->definition != NULL)
        needs = &order->definition->consumables;
    needs_read(world, needs, &request->needs);
    request->array_size = order->array_size;
    if (strstr(from->json, "Ref::") != NULL)
        request->arg = first_arg(world, order);
    revision_copy_order(world, order, request);
}

static void copy_cost(struct world *world, const struct queue_cost *cost, struct request *request)
{
    struct share_cost *shares = arena_alloc(world->arena, cost->share_count * sizeof(*shares) + 1);
    for (size_t i = 0; i < cost->share_count; i++) {
        shares[i] = cost->shares[i];
        shares[i].identifier = copy(world, cost->shares[i].identifier);
    }
    request->queue_cost = *cost;
    request->queue_cost.shares = shares;
}

static void copy_interruptions(struct world *world, const struct compute_environment_status *status,
                               struct request *request)
{
    size_t count = status->interruption_count;
    request->interruption_count = count;
    request->interruptions_at_ns = status->interruptions_at_ns;
    request->interruptions =
        arena_alloc(world->arena, (count + 1) * sizeof(*status->interruptions));
    for (size_t i = 0; i < count; i++) {
        request->interruptions[i] = status->interruptions[i];
        request->interruptions[i].type = arena_copy(world->arena, status->interruptions[i].type);
    }
}

struct request *request_new(struct world *world, const struct action *action)
{
    struct request *request = arena_alloc(world->arena, sizeof(*request));
    request->kind = action->kind;
    request->id = action->id;
    request->process = world->process;
    request->sent_ns = world->now_ns;
    request->self = request;
    request->namespace_ = copy(world, action->namespace_);
    request->name = copy(world, action->name);
    request->uid = copy(world, action->uid);
    request->resource_version = copy(world, action->resource_version);
    if (action->kind == ACTION_JOB_TOLD || action->kind == ACTION_POD_MARK)
        request->message = copy(world, action->message);
    if (action->change != NULL)
        request->mark = action->change->mark;
    request->object_kind = copy(world, action->object_kind);
    request->grace_s = action->grace_s;
    request->add = action->add;
    request->environment = copy(world, action->environment);
    request->instance_type = copy(world, action->instance_type);
    request->token = copy(world, action->token);
    request->number = action->count;
    request->id_count = action->id_count;
    request->ids = arena_alloc(world->arena, action->id_count * sizeof(char *) + 1);
    for (size_t i = 0; i < action->id_count; i++)
        request->ids[i] = copy(world, action->ids[i]);

    codec_sent(world, action);
    const struct object_meta *meta = action->meta;
    if (action->kind == ACTION_POD_CREATE || action->kind == ACTION_POD_CHECK)
        copy_order(world, &action->order, request);
    if (action->kind == ACTION_JOB_STATUS) {
        meta = &action->job->meta;
        request->status = copy_status(world, action);
        request->array_version = copy(world, action->array_version);
    }
    if (action->kind == ACTION_CONSUMABLE_STATUS)
        request_copy_consumable(world, action, request);
    if (action->kind == ACTION_REVISION_CREATE || action->kind == ACTION_DEFINITION_STATUS)
        revision_copy(world, action, request);
    if (action->kind == ACTION_QUEUE_STATUS) {
        request->observed_generation = action->queue_status->observed_generation;
        request->draining_since_ns = action->queue_status->draining_since_ns;
        request->shares_used = copy(world, action->queue_status->shares.used);
        request->shares_at_ns = action->queue_status->shares.at_ns;
        oracle_shares(world, action->name, &action->queue_status->shares);
        copy_cost(world, &action->queue_status->cost, request);
    }
    if (action->kind == ACTION_ENVIRONMENT_STATUS) {
        const struct compute_environment_status *status = action->environment_status;
        request->observed_generation = status->observed_generation;
        request->told_ready = strcmp(status->status, "VALID") == 0;
        request->told_unknown = strcmp(status->message, "asking the node group") == 0;
        request->charge = status->cost;
        copy_interruptions(world, status, request);
    }
    if (meta != NULL) {
        request->namespace_ = copy(world, meta->namespace_);
        request->name = copy(world, meta->name);
        request->uid = copy(world, meta->uid);
        request->resource_version = copy(world, meta->resource_version);
    }
    return request;
}
