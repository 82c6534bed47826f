/* SPDX-License-Identifier: Apache-2.0 */
/* stops.c - the oracle on what must stop and runs on, and moments that chance alone rarely makes
 *
 * A pod that came to its end by itself, or was told to go at last, should have been told long
 * before: when its job had gone, its time was up, or the main node of its job had ended. The
 * kubelet and the garbage collector would end most of these too, but later: so nobody else may be
 * quicker here than the process that is being judged.
 *
 * The moments cost no draw: which of them come follows from the seed. */
#include "sim/world.h"

#include "bulkhead/base/str.h"

#include <string.h>

/* From when it must stop until it is told: a stream that stalls for half a minute, and a few writes
 * that are lost. */
enum { RUNS_ON_S = 60, COLLECTS_LATE_S = 150 };

static bool may_be_told_late(const struct world *world)
{
    bool disturbed = false; /* a sieve's plan may hold a stream for a minute */
    for (size_t i = 0; i < DISTURBANCES_MAX; i++)
        disturbed |= world->disturbances[i].at != 0;
    return disturbed || world->core == NULL || !world->synced;
}

/* Of the node that decides, while no later try of it is there. */
static int64_t main_node_ended_ns(const struct sim_job *job, const struct sim_pod *part)
{
    const struct sim_pod *main_pod = job->truth->children[job->main_node].last;
    if (!is_part(job, part->index) || main_pod == NULL || !pod_ended(main_pod) ||
        part->body->sent_ns >= main_pod->finished_ns)
        return 0;
    return main_pod->finished_ns;
}

void oracle_ran_on(struct world *world, const struct sim_pod *pod)
{
    const struct sim_job *job = pod->body->job;
    if (!pod->ours || job == NULL || pod->object.deleted_ns != 0 || may_be_told_late(world) ||
        pod_is_stranded(world, pod))
        return;
    int64_t since_ns = job->truth->gone_ns;
    const char *why = "its job was deleted";
    if (since_ns == 0 && job->timeout_s > 0 && pod->started) {
        since_ns = pod->started_ns + job->timeout_s * NS_PER_S;
        why = "its timeout was over";
    }
    int64_t main_ns = main_node_ended_ns(job, pod);
    if (main_ns != 0 && (since_ns == 0 || main_ns < since_ns)) {
        since_ns = main_ns;
        why = "the main node of its job had ended";
    }
    if (since_ns == 0)
        return;
    if (since_ns < world->synced_ns)
        since_ns = world->synced_ns;
    if (world->now_ns - since_ns > RUNS_ON_S * NS_PER_S)
        violation(world, "stop", "pod %s ran on for %lld s after %s", pod->object.name,
                  (long long)((world->now_ns - since_ns) / NS_PER_S), why);
}

/* --- Moments -----------------------------------------------------------------------------------
 */

static bool falls(const struct world *world, uint64_t what, uint64_t one_in)
{
    return mix64(world->seed ^ mix64(what)) % one_in == 0;
}

/* One attempt in sixteen does not end by itself for long; helpers of a main node serve it. */
int64_t moment_run_ns(const struct world *world, const struct sim_job *job, uint32_t index,
                      uint64_t hash)
{
    UNUSED(world);
    if ((hash >> 40) % 16 != 0 && (!is_part(job, index) || (hash >> 44) % 4 != 0))
        return 0;
    return (job->timeout_s + 100) * NS_PER_S;
}

/* The garbage collector is far behind with the pods of some jobs: until then they are nobody's but
 * ours. 0: it is not. */
int64_t moment_collector_ns(const struct world *world, const struct object *job)
{
    return falls(world, job->version ^ 0x6763U, 3) ? COLLECTS_LATE_S * NS_PER_S : 0;
}

/* Released, and what is left of it is the garbage collector's. */
bool moment_is_collected(const struct world *world, const struct sim_pod *pod)
{
    int64_t gone_ns = pod->body->job != NULL ? pod->body->job->truth->gone_ns : 0;
    return gone_ns != 0 && world->now_ns < gone_ns + (COLLECTS_LATE_S + 30) * NS_PER_S;
}

static void run_stop(struct world *world, struct task *task)
{
    struct sim_job *job = task->a;
    if (job->object.gone || job->request_count == ARRAY_LEN(job->requests))
        return;
    bool cancel = task->n != 0;
    world->counters.cancels += cancel;
    world->counters.terminations += !cancel;
    job->requests[job->request_count++] =
        (struct sim_ask){.action = cancel ? JOB_CANCEL : JOB_TERMINATE, .end = UINT32_MAX};
    STORY(world, "user   %s %s while nobody looks", cancel ? "cancels" : "terminates",
          job->object.name);
    store_change(world, &job->object, true);
}

/* A try ended, the next is there, and that the first had ended is on no record: what is asked for
 * now must not decide about the first. */
static bool is_followed(const struct truth *truth)
{
    for (uint32_t i = 0; i < truth->child_count; i++) {
        const struct sim_pod *last = truth->children[i].last;
        const struct sim_pod *before = last != NULL ? last->body->sibling : NULL;
        if (before != NULL && !before->object.gone && before->object.finalizer &&
            pod_ended(before) && !pod_ended(last))
            return true;
    }
    return false;
}

/* Edited and used at once, as a script does it: before the new revision is stored. */
void moment_edited(struct world *world, struct sim_definition *definition)
{
    if (world->restless && falls(world, definition->edited, 3))
        use_definition(world, definition, (int64_t)(mix64(definition->edited) % 6000) * 1000);
}

/* Whoever watches pods knows of an end before it is stored, and goes on from there. */
void moment_ended(struct world *world, const struct sim_pod *pod)
{
    const struct sim_job *job = pod->body->job;
    if (job != NULL && job->size == 0 && world->restless && falls(world, pod->object.version, 16))
        follow(world, job, (int64_t)(mix64(pod->object.version) % 4000) * 1000);
}

static bool runs(const struct truth *truth)
{
    for (uint32_t i = 0; i < truth->child_count; i++)
        if (truth->children[i].last != NULL && truth->children[i].last->body->executing)
            return true;
    return false;
}

static void run_delete(struct world *world, struct task *task)
{
    if (!((struct sim_job *)task->a)->object.gone)
        delete_job(world, task->a);
}

/* What users do while no process is there. */
void moment_crash(struct world *world, int64_t restart_delay_ns)
{
    for (struct truth *truth = world->truths; truth != NULL; truth = truth->next) {
        struct sim_job *job = truth->job;
        uint64_t version = job->object.version;
        if (job->object.gone || !world->restless)
            continue;
        if (is_followed(truth) && falls(world, version, 2))
            after(world, restart_delay_ns / 2, run_stop, job, NULL, (int64_t)(mix64(version) % 2));
        else if (runs(truth) && falls(world, version, 16))
            after(world, restart_delay_ns / 2, run_delete, job, NULL, 0);
    }
}

/* The stream of pods stands still, and somebody had a pod of the name that the job's first will
 * have: its coming and going is heard when ours is there. */
void moment_submitted(struct world *world, const struct sim_job *job)
{
    if (world->watches[KIND_POD].due_ns > world->now_ns + NS_PER_S &&
        falls(world, job->object.version, 2))
        squat_for_a_moment(world, job);
}

static void run_max_vcpus(struct world *world, struct task *task)
{
    struct sim_environment *environment = task->a;
    if (!environment->object.gone && environment->object.deleted_ns == 0)
        set_max_vcpus(world, environment, task->n);
}

/* While a launch that was refused waits for its next turn, maxvCpus is lowered below what it needs.
 */
void moment_launch_refused(struct world *world, struct sim_environment *environment)
{
    uint64_t hash = mix64(world->seed ^ (uint64_t)world->now_ns);
    if (!world->restless || hash % 8 != 0 || environment->max_vcpus == 4)
        return;
    after(world, (int64_t)(hash / 8 % 800) * NS_PER_MS, run_max_vcpus, environment, NULL, 4);
    after(world, 20 * NS_PER_S, run_max_vcpus, environment, NULL, environment->max_vcpus);
}

static void run_node_deleted(struct world *world, struct task *task)
{
    const struct store *store = &world->stores[KIND_POD];
    uint64_t hash = mix64(world->seed ^ (uint64_t)task->n);
    if (!world->restless)
        return;
    for (size_t i = 0; i < store->count; i++) {
        const struct sim_pod *pod = (const struct sim_pod *)store->items[i];
        struct sim_node *node = node_of_pod(world, pod);
        if (!pod->ours || !pod->body->executing || node == NULL || !node->instance->alive ||
            node->instance != pod->body->instance)
            continue;
        node_deleted(world, node, (int64_t)(1 + hash % 40) * NS_PER_S);
        return;
    }
}

/* In one world of four an admin takes Node objects away. */
void moments_begin(struct world *world)
{
    for (int64_t n = 1; n <= 3 && falls(world, 0x6e6f6465U, 4); n++)
        after(world, n * (int64_t)(1000 + mix64(world->seed) % 9000) * NS_PER_MS, run_node_deleted,
              NULL, NULL, n);
}
