/* SPDX-License-Identifier: Apache-2.0 */
/* place_fuzz.c - bytes as a few nodes and a queue of jobs, beside a search through every node
 *
 * Of each plan must hold: no node takes more than it has; jobs start in the order of their queue;
 * the first one left over fits nowhere. Jobs too large for every node are set aside. */
#include "fuzz/fuzz.h"

#include "bulkhead/core/core.h"
#include "bulkhead/json/get.h"

#include <string.h>

enum { NODES_MAX = 6, JOBS_MAX = 12, PODS_A_NODE = 3 };

struct thing {
    int64_t cpu, memory, pods; /* halves of a CPU, GiB; of a node: what is left */
    bool placed;
};
struct sketch {
    struct thing nodes[NODES_MAX], jobs[JOBS_MAX];
    size_t node_count, job_count;
};

static void read_sketch(const uint8_t *data, size_t size, struct sketch *ret)
{
    *ret = (struct sketch){0};
    ret->node_count = data[0] % NODES_MAX + 1U;
    for (size_t i = 1; i < size && ret->job_count < JOBS_MAX; i++) {
        bool node = i <= ret->node_count;
        struct thing *thing = node ? &ret->nodes[i - 1] : &ret->jobs[ret->job_count++];
        *thing = (struct thing){.cpu = data[i] % 16, .memory = data[i] / 16, .pods = PODS_A_NODE};
        if (!node && thing->cpu == 0)
            thing->cpu = 1;
    }
}

static struct json_object *parsed(const char *text)
{
    struct err err = {0};
    struct json_object *doc = NULL;
    MUST(json_parse(text, strlen(text), &doc, &err) == 0);
    return doc;
}

static void give_base(struct core *core)
{
    struct err err = {0};
    struct json_object *environment =
        parsed("{\"metadata\":{\"name\":\"e\",\"uid\":\"e\"},\"spec\":{\"type\":\"UNMANAGED\","
               "\"kubernetesNamespaces\":[\"team\"],\"nodeGroup\":{\"provider\":\"static\"}}}");
    struct json_object *queue =
        parsed("{\"metadata\":{\"name\":\"q\",\"uid\":\"q\"},\"spec\":{\"computeEnvironmentOrder\":"
               "[{\"order\":1,\"computeEnvironment\":\"e\"}]}}");
    struct event event = {.kind = EVENT_ENVIRONMENT};
    MUST(compute_environment_decode(environment, &event.environment, &err) == 0);
    core_apply(core, &event);
    event = (struct event){.kind = EVENT_QUEUE};
    MUST(job_queue_decode(queue, &event.queue, &err) == 0);
    core_apply(core, &event);
    json_object_put(environment);
    json_object_put(queue);
}

static void give_node(struct core *core, size_t index, const struct thing *thing)
{
    struct err err = {0};
    AUTO_TEXT text = text_printf(
        "{\"metadata\":{\"name\":\"n%zu\",\"uid\":\"n%zu\",\"labels\":{\"" LABEL_ENVIRONMENT
        "\":\"e\"}},\"status\":{\"allocatable\":{\"cpu\":\"%dm\",\"memory\":\"%dGi\",\"pods\":\"%"
        "d\"},"
        "\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}",
        index, index, (int)thing->cpu * 500, (int)thing->memory, (int)thing->pods);
    AUTO(json_object) doc = parsed(text);
    struct event event = {.kind = EVENT_NODE};
    MUST(node_decode(doc, &event.node, &err) == 0);
    core_apply(core, &event);
}

static void give_job(struct core *core, size_t index, const struct thing *thing)
{
    struct err err = {0};
    AUTO_TEXT text = text_printf(
        "{\"metadata\":{\"name\":\"j%02zu\",\"namespace\":\"team\",\"uid\":\"0000000%02zu\","
        "\"resourceVersion\":\"1\",\"creationTimestamp\":\"2026-01-01T00:00:00Z\"},"
        "\"spec\":{\"jobQueue\":\"q\",\"template\":{\"spec\":{\"containers\":[{\"name\":\"c\","
        "\"image\":\"i\",\"resources\":{\"requests\":{\"cpu\":\"%dm\",\"memory\":\"%dGi\"}}}]}}}}",
        index, index, (int)thing->cpu * 500, (int)thing->memory);
    AUTO(json_object) doc = parsed(text);
    struct event event = {.kind = EVENT_JOB};
    MUST(batch_job_decode(doc, &event.job, &err) == 0);
    core_apply(core, &event);
}

static bool fits(const struct thing *job, const struct thing *node)
{
    return job->cpu <= node->cpu && job->memory <= node->memory && node->pods >= 1;
}

static bool fits_any(const struct sketch *sketch, const struct thing *job)
{
    for (size_t i = 0; i < sketch->node_count; i++) {
        if (fits(job, &sketch->nodes[i]))
            return true;
    }
    return false;
}

/* In the plan's order, which must be the queue's. */
static void take(struct sketch *sketch, const struct plan *plan)
{
    size_t last = 0;
    for (size_t i = 0; i < plan->action_count; i++) {
        const struct action *action = &plan->actions[i];
        if (action->kind != ACTION_POD_CREATE)
            continue;
        size_t index = strtoul(action->order.job->meta.name + 1, NULL, 10);
        struct thing *job = &sketch->jobs[index];
        struct thing *node = &sketch->nodes[strtoul(action->order.node_name + 1, NULL, 10)];
        MUST(index < sketch->job_count && !job->placed && fits(job, node));
        MUST(last <= index);
        last = index;
        job->placed = true;
        node->cpu -= job->cpu;
        node->memory -= job->memory;
        node->pods--;
    }
}

FUZZ(data, size)
{
    if (size < 3)
        return 0;
    struct sketch sketch;
    read_sketch(data, size, &sketch);
    struct sketch empty = sketch;
    AUTO(core) core = core_new(NULL);
    AUTO(arena) arena = arena_new(0);
    give_base(core);
    for (size_t i = 0; i < sketch.node_count; i++)
        give_node(core, i, &sketch.nodes[i]);
    for (size_t i = 0; i < sketch.job_count; i++)
        give_job(core, i, &sketch.jobs[i]);
    core_apply(core, &(struct event){.kind = EVENT_SYNCED});
    struct plan plan;
    core_plan(core, 1767225601000000000, arena, &plan);
    take(&sketch, &plan);
    bool blocked = false;
    for (size_t i = 0; i < sketch.job_count; i++) {
        const struct thing *job = &sketch.jobs[i];
        MUST(!(blocked && job->placed)); /* nobody passes the head */
        if (job->placed || !fits_any(&empty, job))
            continue;
        MUST(blocked || !fits_any(&sketch, job));
        blocked = true;
    }
    AUTO_TEXT wrong = core_check(core);
    MUST(wrong == NULL);
    return 0;
}
