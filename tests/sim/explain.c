/* SPDX-License-Identifier: Apache-2.0 */
/* explain.c - the oracle on why jobs wait
 *
 * When nothing is under way (no request, no notice of a watch, no turn), what the process knows is
 * what there is. Then every waiting job is explained, and the clause tables are compared with a
 * count over the store: so many nodes, so many of them too small now, so many not Ready. A node
 * that is told to fit must fit; a job that is told that there is no room must have none. */
#include "sim/world.h"

#include "bulkhead/base/str.h"
#include "bulkhead/core/explain.h"

#include <string.h>

struct counted {
    int64_t all, cpu, memory, pods, not_ready, fit;
    bool sure; /* what is on the nodes is certain */
};

static bool all_is_heard(const struct world *world)
{
    if (world->core == NULL || !world->synced || world->turn_set || !shell_is_idle(world))
        return false;
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (!world->watches[i].live || world->watches[i].first != NULL)
            return false;
    const struct timer *wake = &world->wake.timer;
    /* Or it has asked for one more turn at once. */
    return !timer_is_set(wake) || wake->due_ns > world->now_ns + 1000;
}

static bool has_daemon(const struct world *world, const struct sim_node *node, const char *uid)
{
    const struct store *pods = &world->stores[KIND_POD];
    for (size_t i = 0; i < pods->count; i++) {
        const struct sim_pod *pod = (const struct sim_pod *)pods->items[i];
        if (name_eq(pod->node_name, node->object.name) && name_eq(pod->owner_uid, uid) &&
            !pod_ended(pod))
            return true;
    }
    return false;
}

static void count_node(const struct world *world, const struct sim_node *node,
                       const struct template_ *needs, struct counted *counted)
{
    int64_t cpu = node->cpu_milli, memory = node->memory_mib, room = node->pods;
    const struct store *pods = &world->stores[KIND_POD];
    const struct store *daemons = &world->stores[KIND_DAEMON_SET];
    for (size_t i = 0; i < pods->count; i++) {
        const struct sim_pod *pod = (const struct sim_pod *)pods->items[i];
        if (!name_eq(pod->node_name, node->object.name) || pod_ended(pod))
            continue;
        /* Of a node that had the name before; or given up, since its machine is gone. */
        bool others = pod->node_uid != NULL && strcmp(pod->node_uid, node->object.uid) != 0;
        bool dead = node->instance == NULL || !node->instance->alive;
        bool lost = dead || (pod->object.deleted_ns != 0 && !node->ready);
        counted->sure = counted->sure && !others && !lost;
        cpu -= pod->cpu_milli;
        memory -= pod->memory_mib;
        room--;
    }
    for (size_t i = 0; i < daemons->count; i++) {
        const struct sim_daemon_set *set = (const struct sim_daemon_set *)daemons->items[i];
        if (set->object.deleted_ns != 0 || has_daemon(world, node, set->object.uid))
            continue;
        cpu -= set->cpu_milli;
        memory -= set->memory_mib;
        room--;
    }
    counted->all++;
    counted->not_ready += !node->ready;
    counted->cpu += needs->cpu_milli > 0 && needs->cpu_milli > cpu;
    counted->memory += needs->memory_mib > 0 && needs->memory_mib > memory;
    counted->pods += room < 1;
    counted->fit +=
        node->ready && needs->cpu_milli <= cpu && needs->memory_mib <= memory && room >= 1;
}

static struct counted count_nodes(const struct world *world, const char *environment,
                                  const struct template_ *needs)
{
    struct counted counted = {.sure = true};
    const struct store *nodes = &world->stores[KIND_NODE];
    for (size_t i = 0; i < nodes->count; i++) {
        const struct sim_node *node = (const struct sim_node *)nodes->items[i];
        if (name_eq(node->environment, environment))
            count_node(world, node, needs, &counted);
    }
    return counted;
}

static int64_t ruled_out(const struct explain_table *table, const char *what)
{
    for (size_t i = 0; i < table->line_count; i++)
        if (strcmp(table->lines[i].what, what) == 0)
            return table->lines[i].rules_out;
    return 0;
}

static void compare(struct world *world, const struct sim_job *job, const char *needs,
                    const struct explain_environment *told, const struct counted *counted)
{
    const struct explain_table *nodes = &told->nodes;
    const struct {
        const char *what;
        int64_t told, counted;
    } pairs[] = {
        {"nodes", nodes->all, counted->all},
        {"nodes without enough cpu", ruled_out(nodes, "cpu"), counted->cpu},
        {"nodes without enough memory", ruled_out(nodes, "memory"), counted->memory},
        {"nodes full of pods", ruled_out(nodes, "number of pods"), counted->pods},
        {"nodes that are not Ready", ruled_out(nodes, "not Ready"), counted->not_ready},
    };
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        if (pairs[i].told != pairs[i].counted)
            violation(world, "explain", "job %s (%s) is told of %lld %s of %s, there are %lld",
                      job->object.name, needs, (long long)pairs[i].told, pairs[i].what, told->name,
                      (long long)pairs[i].counted);
    if (nodes->fit > counted->fit)
        violation(world, "explain", "job %s is told that %lld nodes of %s fit, %lld do",
                  job->object.name, (long long)nodes->fit, told->name, (long long)counted->fit);
}

/* A pod that no node is known of yet is kept room for where nobody but the process knows; so is
 * one of which the process does not know whether it was made. */
static bool is_any_unclear(const struct world *world)
{
    const struct store *pods = &world->stores[KIND_POD];
    struct core_counts counts;
    int64_t ours = 0;
    core_counts(world->core, &counts);
    for (size_t i = 0; i < pods->count; i++)
        ours += ((const struct sim_pod *)pods->items[i])->ours;
    if (ours != counts.pods)
        return true;
    for (size_t i = 0; i < pods->count; i++) {
        const struct sim_pod *pod = (const struct sim_pod *)pods->items[i];
        if (pod->ours && pod->node_uid == NULL && !pod_ended(pod))
            return true;
    }
    return false;
}

static void explain_job(struct world *world, const struct sim_job *job, struct arena *arena)
{
    struct explanation told;
    bool known = job->definition_name == NULL || job->overridden || job->truth->pinned != NULL;
    const struct template_ *needs = known ? &job->template_ : NULL;
    if (!core_explain(world->core, job->object.uid, arena, &told)) {
        violation(world, "explain", "job %s is not known", job->object.name);
        return;
    }
    if (told.waiting == 0 || told.needs == NULL)
        return;
    if (told.reason[0] == '\0' || (told.message[0] == '\0' && strcmp(told.reason, "Accepted") != 0))
        violation(world, "explain", "job %s waits, and nothing says why", job->object.name);
    bool full = strcmp(told.reason, "NodesFull") == 0 || strcmp(told.reason, "DoesNotFit") == 0 ||
                strcmp(told.reason, "MaxvCpusReached") == 0;
    full = full && told.position == 1; /* what it was told as the first in line may be over */
    for (size_t i = 0; i < told.environment_count; i++) {
        const struct explain_environment *environment = &told.environments[i];
        if (full && environment->reason == NULL && environment->nodes.fit > 0 && !job->gang)
            violation(world, "explain",
                      "job %s is told %s (%s), and %lld nodes of %s would take it",
                      job->object.name, told.reason, told.message,
                      (long long)environment->nodes.fit, environment->name);
        if (job->gang || needs == NULL ||
            store_find(world, KIND_ENVIRONMENT, NULL, environment->name) == NULL)
            continue;
        struct counted counted = count_nodes(world, environment->name, needs);
        if (!counted.sure)
            continue;
        compare(world, job, told.needs, environment, &counted);
        world->counters.explained++;
        world->counters.explained_nodes += (uint64_t)counted.all;
    }
}

void oracle_explained(struct world *world)
{
    if (!all_is_heard(world) || is_any_unclear(world))
        return;
    AUTO(arena) arena = arena_new(0);
    for (size_t i = 0; i < world->stores[KIND_JOB].count && !world->failed; i++) {
        const struct sim_job *job = (const struct sim_job *)world->stores[KIND_JOB].items[i];
        bool ended = job_ended(job);
        if (!ended)
            explain_job(world, job, arena);
    }
}

void explain_left(struct world *world)
{
    AUTO(arena) arena = arena_new(0);
    for (size_t i = 0; world->story_on && i < world->stores[KIND_JOB].count; i++) {
        const struct sim_job *job = (const struct sim_job *)world->stores[KIND_JOB].items[i];
        struct explanation told;
        if (job_ended(job) || world->core == NULL ||
            !core_explain(world->core, job->object.uid, arena, &told))
            continue;
        AUTO_STR text = STR_EMPTY;
        explanation_print(&told, &text);
        for (const char *at = str_text(&text); *at != '\0';) {
            int length = (int)strcspn(at, "\n");
            STORY(world, "explain %.*s", length, at);
            at += length + (at[length] != '\0');
        }
    }
}
