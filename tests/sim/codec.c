/* SPDX-License-Identifier: Apache-2.0 */
/* codec.c - in one schedule of a hundred: what is written is what will be read
 *
 * Objects pass by as structs, which no JSON has seen. Here what the process writes is made by the
 * real encoders, and read again by the real decoders: of a job all of its status, of a queue and an
 * environment what a later life of the process goes by, of a pod all that it is known by. */
#include "sim/world.h"

#include "bulkhead/base/str.h"
#include "bulkhead/json/get.h"

#include <stdlib.h>
#include <string.h>

bool codec_is_tried(const struct world *world)
{
    return mix64(world->seed ^ 0x636f646563U) % 100 == 0;
}

/* As it is on the wire; with a spec, where it is a status alone. */
static struct json_object *over_the_wire(struct world *world, struct json_object *doc,
                                         const char *spec_text)
{
    struct err err;
    struct json_object *read = NULL, *spec = NULL;
    const char *text = json_print(doc);
    if (json_parse(text, strlen(text), &read, &err) < 0)
        violation(world, "codec", "%s: %s", err.text, text);
    else if (spec_text != NULL && json_parse(spec_text, strlen(spec_text), &spec, &err) == 0)
        json_put(read, "spec", spec);
    return read;
}

static const char *status_text(struct json_object *doc)
{
    return json_print(json_get_object(doc, "status"));
}

/* Read and written again it is the same. */
static void check_job(struct world *world, const struct action *action)
{
    struct err err;
    struct job_status status = *action->status;
    status.request_refused = NULL; /* told in a condition, and found in the spec again */
    struct array_status *array = status.nodes.size > 0 ? &status.nodes : &status.array;
    if (action->children != NULL)
        array_status_pack(array, action->children, action->refusals, action->history);
    char *const packed[] = {array->encoding, array->data, array->refusals, array->history};
    AUTO(json_object)
    doc = batch_job_status_encode(&action->job->meta, &status, NULL, world->now_ns);
    AUTO(json_object)
    read =
        over_the_wire(world, doc,
                      "{\"jobQueue\":\"q\",\"template\":{\"spec\":{\"containers\":[{\"name\":\"c\","
                      "\"image\":\"i\"}]}}}");
    AUTO(batch_job) job = NULL;
    if (batch_job_decode(read, &job, &err) < 0) {
        violation(world, "codec", "the status of %s cannot be read: %s", action->name, err.text);
    } else {
        AUTO(json_object)
        again = batch_job_status_encode(&action->job->meta, &job->status, NULL, world->now_ns);
        if (!text_eq(status_text(doc), status_text(again)))
            violation(world, "codec", "the status of %s is written as %s and read as %s",
                      action->name, status_text(doc), status_text(again));
    }
    for (size_t i = 0; action->children != NULL && i < ARRAY_LEN(packed); i++)
        free(packed[i]);
    world->counters.statuses_coded++;
}

static bool same_cost(const struct job_cost *a, const struct job_cost *b)
{
    return a->vcpu_seconds == b->vcpu_seconds && a->gpu_seconds == b->gpu_seconds &&
           a->amount == b->amount && a->mark == b->mark;
}

static bool same_bill(const struct queue_cost *a, const struct queue_cost *b)
{
    bool same = same_cost(&a->all, &b->all) && same_cost(&a->settled, &b->settled) &&
                a->share_count == b->share_count;
    for (size_t i = 0; same && i < a->share_count; i++)
        same = text_eq(a->shares[i].identifier, b->shares[i].identifier) &&
               same_cost(&a->shares[i].all, &b->shares[i].all) &&
               same_cost(&a->shares[i].settled, &b->shares[i].settled);
    return same;
}

static void check_queue(struct world *world, const struct action *action)
{
    struct err err;
    const struct job_queue_status *status = action->queue_status;
    AUTO(json_object)
    doc = job_queue_status_encode(action->meta, status, NULL, world->now_ns);
    AUTO(json_object)
    read = over_the_wire(
        world, doc, "{\"computeEnvironmentOrder\":[{\"order\":1,\"computeEnvironment\":\"e\"}]}");
    AUTO(job_queue) queue = NULL;
    if (job_queue_decode(read, &queue, &err) < 0)
        violation(world, "codec", "the status of %s cannot be read: %s", action->name, err.text);
    else if (queue->observed_generation != status->observed_generation ||
             queue->draining_since_ns / 1000 != status->draining_since_ns / 1000 || /* in us */
             !text_eq(queue->shares.used, status->shares.used) ||
             queue->shares.at_ns != status->shares.at_ns || !same_bill(&queue->cost, &status->cost))
        violation(world, "codec", "the status of %s is read as another: %s", action->name,
                  status_text(doc));
    world->counters.statuses_coded++;
}

static void check_environment(struct world *world, const struct action *action)
{
    struct err err;
    const struct compute_environment_status *status = action->environment_status;
    AUTO(json_object)
    doc = compute_environment_status_encode(action->meta, status, NULL, world->now_ns);
    AUTO(json_object)
    read = over_the_wire(world, doc,
                         "{\"type\":\"UNMANAGED\",\"kubernetesNamespaces\":[\"n\"],"
                         "\"nodeGroup\":{\"provider\":\"static\"}}");
    AUTO(compute_environment) environment = NULL;
    if (compute_environment_decode(read, &environment, &err) < 0)
        violation(world, "codec", "the status of %s cannot be read: %s", action->name, err.text);
    else if (environment->cost.vcpu_seconds != status->cost.vcpu_seconds ||
             environment->cost.amount != status->cost.amount ||
             environment->cost.at_ns / 1000 != status->cost.at_ns / 1000) /* told in us */
        violation(world, "codec", "the status of %s is read as another: %s", action->name,
                  status_text(doc));
    world->counters.statuses_coded++;
}

static void check_pod(struct world *world, const struct action *action)
{
    struct err err;
    const struct pod_order *order = &action->order;
    AUTO(json_object) doc = NULL;
    if (pod_build(order, &doc, &err) < 0) {
        violation(world, "codec", "pod %s cannot be built: %s", order->name, err.text);
        return;
    }
    AUTO(json_object) read = over_the_wire(world, doc, NULL);
    AUTO(pod) pod = NULL;
    if (pod_decode(read, &pod, &err) < 0)
        violation(world, "codec", "pod %s cannot be read: %s", order->name, err.text);
    else if (!text_eq(pod->meta.name, order->name) ||
             !text_eq(pod->meta.namespace_, order->job->meta.namespace_) ||
             !pod->meta.has_finalizer || !text_eq(pod->owner_uid, order->job->meta.uid) ||
             !text_eq(pod->job_uid, order->job->meta.uid) ||
             !text_eq(pod->job_name, order->job->meta.name) ||
             !text_eq(pod->queue, order->job->queue) || !text_eq(pod->share, order->job->share) ||
             !text_eq(pod->environment, order->environment) ||
             !text_eq(pod->node_name, order->node_name) ||
             !text_eq(pod->node_uid, order->node_uid) || pod->index != order->index ||
             pod->count != order->count || pod->try != order->try ||
             pod->attempt != order->attempt || pod->price != order->price)
        violation(world, "codec", "pod %s is read as another: %s", order->name, json_print(doc));
    world->counters.pods_coded++;
}

void codec_sent(struct world *world, const struct action *action)
{
    if (!world->coded)
        return;
    if (action->kind == ACTION_JOB_STATUS)
        check_job(world, action);
    else if (action->kind == ACTION_QUEUE_STATUS)
        check_queue(world, action);
    else if (action->kind == ACTION_ENVIRONMENT_STATUS)
        check_environment(world, action);
    else if (action->kind == ACTION_POD_CREATE)
        check_pod(world, action);
}
