/* SPDX-License-Identifier: Apache-2.0 */
/* kubelet.c - kubelets, node life cycle, pod garbage collection, DaemonSets, foreign pods
 *
 * The kubelet is the second opinion on every placement: it admits what fits, refuses the rest, and
 * its word on how a pod ended is the truth that the oracle goes by. What a machine did between its
 * last report and its death is not known to anybody, so it does not count. */
#include "sim/world.h"

#include "bulkhead/base/str.h"

#include <string.h>

struct sim_node *node_of_pod(const struct world *world, const struct sim_pod *pod)
{
    return pod->node_name != NULL ? store_find(world, KIND_NODE, NULL, pod->node_name) : NULL;
}

static bool node_is_pods(const struct sim_node *node, const struct sim_pod *pod)
{
    const char *uid = pod_machine(pod);
    return node != NULL && (uid == NULL || strcmp(node->object.uid, uid) == 0);
}

static void finish(struct world *world, struct sim_pod *pod, enum pod_phase phase,
                   const char *reason)
{
    pod->phase = phase;
    pod->reason = reason;
    pod->waiting_reason = NULL;
    pod->body->executing = false;
    if (pod->started)
        pod->finished_ns = world->now_ns;
    store_change(world, &pod->object, false);
    moment_ended(world, pod);
    if (pod->object.deleted_ns != 0)
        pod_confirm(world, pod);
}

static void finish_exit(struct world *world, struct sim_pod *pod, int exit_code, const char *reason)
{
    pod->has_exit = true;
    pod->exit_code = exit_code;
    if (exit_code == 0 && pod->body->job != NULL) {
        pod->result = truth_result(world, pod->body->job, pod->index, pod->attempt);
        world->counters.results += pod->result != NULL;
    }
    finish(world, pod, exit_code == 0 ? POD_SUCCEEDED : POD_FAILED, reason);
}

/* A task of a kubelet that is cut off waits until it is back; of one that is dead, for ever. */
static bool kubelet_can(struct world *world, struct task *task, const struct sim_pod *pod)
{
    const struct instance_live *instance = pod->body->instance;
    if (!instance->alive) {
        pod->body->executing = false;
        return false;
    }
    if (instance->partitioned_until_ns <= world->now_ns)
        return true;
    after(world, instance->partitioned_until_ns - world->now_ns + draw_ms(world, 0, 500), task->run,
          task->a, task->b, task->n);
    return false;
}

/* --- A pod's life ------------------------------------------------------------------------------
 */

static void run_exit(struct world *world, struct task *task)
{
    struct sim_pod *pod = task->a;
    if (pod_ended(pod) || pod->object.gone || !kubelet_can(world, task, pod))
        return;
    oracle_ran_on(world, pod);
    finish_exit(world, pod, (int)task->n, NULL);
}

/* The node is short of memory: its pods go. Or the pod filled its disk, which is its own doing. */
static void run_evict(struct world *world, struct task *task)
{
    struct sim_pod *pod = task->a;
    if (pod_ended(pod) || pod->object.gone || pod->body->killed || !kubelet_can(world, task, pod))
        return;
    bool own = task->n != 0;
    world->counters.evictions += !own;
    world->counters.evictions_own += own;
    pod->disruption = own ? NULL : "TerminationByKubelet";
    pod->disrupted_ns = world->now_ns;
    pod->message =
        own ? "Pod ephemeral local storage usage exceeds the total limit of containers 1Gi."
            : "The node was low on resource: memory.";
    finish(world, pod, POD_FAILED, "Evicted");
}

static void run_container(struct world *world, struct task *task)
{
    struct sim_pod *pod = task->a;
    struct body *body = pod->body;
    if (pod_ended(pod) || pod->object.gone || pod->object.deleted_ns != 0 || body->killed ||
        !kubelet_can(world, task, pod))
        return;
    pod->phase = POD_RUNNING;
    pod->started = true;
    pod->started_ns = world->now_ns;
    pod->waiting_reason = NULL;
    body->executing = true;
    store_change(world, &pod->object, false);
    if (body->job != NULL)
        after(world, truth_run_ns(world, body->job, pod->index, pod->attempt), run_exit, pod, NULL,
              truth_exit(world, body->job, pod->index, pod->attempt));
    if (body->job != NULL && chance(world, world->faults.kubelet_evict))
        after(world, draw_ms(world, 1, 5000), run_evict, pod, NULL, chance(world, 500));
    if (body->job == NULL && !name_eq(pod->owner_kind, "DaemonSet"))
        after(world, draw_ms(world, 2000, 30000), run_exit, pod, NULL, 0);
}

static void run_image_hang(struct world *world, struct task *task)
{
    struct sim_pod *pod = task->a;
    if (pod_ended(pod) || pod->object.gone || !kubelet_can(world, task, pod))
        return;
    world->counters.image_hangs++;
    pod->waiting_reason = "ImagePullBackOff";
    pod->body->told_hang = true;
    store_change(world, &pod->object, false);
}

static void run_deadline(struct world *world, struct task *task)
{
    struct sim_pod *pod = task->a;
    if (pod_ended(pod) || pod->object.gone || !kubelet_can(world, task, pod))
        return;
    world->counters.deadlines++;
    oracle_ran_on(world, pod);
    pod->deadline = true;
    pod->body->killed = true;
    if (pod->started)
        finish_exit(world, pod, 137, "DeadlineExceeded");
    else
        finish(world, pod, POD_FAILED, "DeadlineExceeded");
}

static const char *lacks(const struct world *world, const struct sim_node *node,
                         const struct sim_pod *pod)
{
    int64_t cpu = node->cpu_milli, memory = node->memory_mib, pods = node->pods;
    const struct store *store = &world->stores[KIND_POD];
    for (size_t i = 0; i < store->count; i++) {
        const struct sim_pod *other = (const struct sim_pod *)store->items[i];
        if (other->body->instance != node->instance || !other->body->admitted || pod_ended(other))
            continue;
        cpu -= other->cpu_milli;
        memory -= other->memory_mib;
        pods--;
    }
    if (pods < 1)
        return "OutOfpods";
    if (cpu < pod->cpu_milli)
        return "OutOfcpu";
    return memory < pod->memory_mib ? "OutOfmemory" : NULL;
}

static void run_sync(struct world *world, struct task *task)
{
    struct sim_pod *pod = task->a;
    struct body *body = pod->body;
    struct sim_node *node = node_of_pod(world, pod);
    if (body->admitted || pod_ended(pod) || pod->object.gone || node == NULL ||
        !node->instance->alive || !node_is_pods(node, pod))
        return;
    struct instance_live *instance = node->instance;
    if (instance->partitioned_until_ns > world->now_ns) {
        after(world, instance->partitioned_until_ns - world->now_ns + NS_PER_MS, run_sync, pod,
              NULL, 0);
        return;
    }
    body->instance = instance;
    if (pod->object.deleted_ns != 0) {
        finish(world, pod, POD_FAILED, NULL);
        return;
    }

    const char *why = lacks(world, node, pod);
    if (why == NULL && (instance->refuses_until_ns > world->now_ns ||
                        (body->job != NULL && chance(world, world->faults.kubelet_refuse))))
        why = "UnexpectedAdmissionError";
    if (why == NULL && body->job != NULL && body->job->unfit)
        why = "SysctlForbidden";
    if (why != NULL) {
        world->counters.kubelet_refusals += body->job != NULL;
        finish(world, pod, POD_FAILED, why);
        return;
    }
    body->admitted = true;
    if (body->job != NULL && body->job->image_hangs)
        after(world, draw_ms(world, 200, 3000), run_image_hang, pod, NULL, 0);
    else
        after(world, chance(world, 100) ? draw_ms(world, 500, 8000) : draw_ms(world, 5, 200),
              run_container, pod, NULL, 0);
    if (pod->active_deadline_s > 0)
        after(world, pod->active_deadline_s * NS_PER_S, run_deadline, pod, NULL, 0);
}

void kubelet_sees(struct world *world, struct sim_pod *pod)
{
    if (node_of_pod(world, pod) != NULL)
        after(world, draw_ms(world, 1, 20), run_sync, pod, NULL, 0);
}

/* --- Killing -----------------------------------------------------------------------------------
 */

static void run_killed(struct world *world, struct task *task)
{
    struct sim_pod *pod = task->a;
    if (!kubelet_can(world, task, pod))
        return;
    pod->body->executing = false;
    if (pod->object.gone)
        return;
    if (pod_ended(pod)) {
        pod_confirm(world, pod);
    } else if (pod->started) {
        finish_exit(world, pod, 143, NULL);
    } else {
        pod->exit_unknown =
            chance(world, 500); /* containers that never ran are told to have failed */
        finish(world, pod, POD_FAILED, NULL);
    }
}

/* Sees that a pod is to go. */
static void run_kill(struct world *world, struct task *task)
{
    struct sim_pod *pod = task->a;
    struct body *body = pod->body;
    struct sim_node *node = node_of_pod(world, pod);
    bool here = body->admitted && node != NULL && body->instance == node->instance;
    if (!here && node != NULL && node->instance->alive && !node_is_pods(node, pod) &&
        !pod->object.gone) {
        body->instance = node->instance; /* another machine of the same name: it never ran here */
        pod->exit_unknown = true;
        if (pod_ended(pod))
            pod_confirm(world, pod);
        else
            finish(world, pod, POD_FAILED, NULL);
        return;
    }
    if (!body->admitted) {
        run_sync(world, task);
        return;
    }
    if (body->killed || !kubelet_can(world, task, pod))
        return;
    body->killed = true;
    int64_t grace_ns = (pod->grace_s > 0 ? pod->grace_s : 0) * NS_PER_S;
    int64_t takes_ns = chance(world, 200) ? grace_ns : draw_ms(world, 1, 300);
    after(world, takes_ns < grace_ns ? takes_ns : grace_ns, run_killed, pod, NULL, 0);
}

void kubelet_kills(struct world *world, struct sim_pod *pod)
{
    after(world, draw_ms(world, 1, 30), run_kill, pod, NULL, 0);
}

/* --- Pod garbage collection: pods of nodes that are not there ----------------------------------
 */

static void run_collect(struct world *world, struct task *task)
{
    struct sim_pod *pod = task->a;
    if (pod->object.gone || node_of_pod(world, pod) != NULL)
        return;
    world->counters.pods_collected++;
    pod->body->executing = false; /* its kubelet is told at once, if there is one */
    if (!pod_ended(pod)) {
        pod->disruption = "DeletionByPodGC";
        pod->disrupted_ns = world->now_ns;
        pod->phase = POD_FAILED;
        pod->waiting_reason = NULL;
        store_change(world, &pod->object, false);
    }
    pod_delete(world, pod, 0);
}

void pod_collect_later(struct world *world, struct sim_pod *pod)
{
    if (pod->node_name != NULL && node_of_pod(world, pod) == NULL)
        after(world, draw_ms(world, 5000, 60000), run_collect, pod, NULL, 0);
}

/* --- DaemonSets and foreign pods ---------------------------------------------------------------
 */

static struct sim_pod *plain_pod(struct world *world, const char *name, const char *node_name,
                                 int64_t cpu_milli, int64_t memory_mib)
{
    struct sim_pod *pod = object_new(world, KIND_POD, sizeof(*pod), "kube-system", name);
    pod->node_name = node_name;
    pod->cpu_milli = cpu_milli;
    pod->memory_mib = memory_mib;
    pod->grace_s = 30;
    pod->body = arena_alloc(world->arena, sizeof(*pod->body));
    pod->body->pod = pod;
    return pod;
}

static void run_daemon(struct world *world, struct task *task)
{
    struct sim_node *node = task->a;
    struct sim_daemon_set *set = task->b;
    if (node->object.gone || !node->instance->alive)
        return;
    const char *name = arena_printf(world->arena, "%s-%s", set->object.name, node->object.name);
    struct sim_pod *old = store_find(world, KIND_POD, "kube-system", name);
    if (old != NULL) {
        if (!pod_ended(old) && node_is_pods(node, old))
            return;
        pod_delete(world, old, 0);
    }
    struct sim_pod *pod =
        plain_pod(world, name, node->object.name, set->cpu_milli, set->memory_mib);
    pod->owner_kind = "DaemonSet";
    pod->owner_uid = set->object.uid;
    world->counters.daemon_pods++;
    store_add(world, &pod->object);
    kubelet_sees(world, pod);
    if (task->n < 20) /* refused for lack of room: tried again */
        after(world, 15 * NS_PER_S, run_daemon, node, set, task->n + 1);
}

static void daemons_start(struct world *world, struct sim_node *node)
{
    const struct store *store = &world->stores[KIND_DAEMON_SET];
    for (size_t i = 0; i < store->count; i++)
        after(world, chance(world, 200) ? draw_ms(world, 2000, 15000) : draw_ms(world, 10, 500),
              run_daemon, node, store->items[i], 18);
}

static void run_foreign_end(struct world *world, struct task *task)
{
    pod_delete(world, task->a, 0);
}

void foreign_pod(struct world *world)
{
    const struct store *store = &world->stores[KIND_NODE];
    if (store->count == 0)
        return;
    const struct object *node = store->items[draw(world, 0, (int64_t)store->count - 1)];
    const char *name = arena_printf(world->arena, "foreign-%u", ++world->foreign_numbers);
    struct sim_pod *pod = plain_pod(world, name, node->name, draw(world, 1, 8) * 250, 256);
    world->counters.foreign_pods++;
    STORY(world, "foreign pod %s of %lldm on %s", name, (long long)pod->cpu_milli, node->name);
    store_add(world, &pod->object);
    kubelet_sees(world, pod);
    pod_collect_later(world, pod);
    after(world, draw_ms(world, 20000, 60000), run_foreign_end, pod, NULL, 0);
}

/* A pod of somebody else's succeeds too; that is nobody's success here. */
static void run_foreign_success(struct world *world, struct task *task)
{
    struct sim_pod *pod = task->a;
    if (pod->object.gone)
        return;
    pod->phase = POD_SUCCEEDED;
    pod->started = pod->has_exit = true;
    pod->started_ns = pod->finished_ns = world->now_ns;
    store_change(world, &pod->object, false);
}

void squat_name(struct world *world, const struct sim_job *job, const char *name)
{
    struct sim_pod *pod = plain_pod(world, name, NULL, 100, 64);
    pod->object.namespace_ = job->object.namespace_;
    job->truth->create_failed = true;
    world->counters.squatters++;
    STORY(world, "user   makes a pod %s of their own", name);
    store_add(world, &pod->object);
    if (chance(world, 500))
        after(world, draw_ms(world, 50, 5000), run_foreign_success, pod, NULL, 0);
    after(world, draw_ms(world, 100, 60000), run_foreign_end, pod, NULL, 0);
}

/* Made and taken away again by its user, before anything of it ran. */
void squat_for_a_moment(struct world *world, const struct sim_job *job)
{
    const char *name = arena_printf(world->arena, "%s-%.8s-0-1", job->object.name, job->object.uid);
    if (store_find(world, KIND_POD, job->object.namespace_, name) != NULL)
        return;
    struct sim_pod *pod = plain_pod(world, name, NULL, 100, 64);
    pod->object.namespace_ = job->object.namespace_;
    world->counters.squatters++;
    STORY(world, "user   makes a pod %s and takes it away", name);
    store_add(world, &pod->object);
    store_delete(world, &pod->object);
}

/* Somebody takes the name that the first try of a job's first child will have. */
void squat(struct world *world, const struct sim_job *job)
{
    const char *name = arena_printf(world->arena, "%s-%.8s-0-1", job->object.name, job->object.uid);
    if (store_find(world, KIND_POD, job->object.namespace_, name) == NULL)
        squat_name(world, job, name);
}

/* --- Nodes -------------------------------------------------------------------------------------
 */

static void set_ready(struct world *world, struct sim_node *node, bool ready)
{
    if (node->object.gone || (node->ready == ready && !node->tainted))
        return;
    node->ready = ready;
    node->tainted = !ready;
    store_change(world, &node->object, false);
}

static void run_ready(struct world *world, struct task *task)
{
    struct sim_node *node = task->a;
    const struct instance_live *instance = node->instance;
    bool ready = task->n != 0;
    if (ready && (!instance->alive || instance->partitioned_until_ns > world->now_ns))
        return;
    if (!ready && instance->alive && instance->partitioned_until_ns <= world->now_ns)
        return;
    set_ready(world, node, ready);
}

static void pods_of_node(struct world *world, const char *node_name,
                         void (*visit)(struct world *world, struct sim_pod *pod))
{
    const struct store *store = &world->stores[KIND_POD];
    for (size_t i = store->count; i-- > 0;) {
        struct sim_pod *pod = (struct sim_pod *)store->items[i];
        if (name_eq(pod->node_name, node_name))
            visit(world, pod);
    }
}

static void run_node_gone(struct world *world, struct task *task)
{
    struct sim_node *node = task->a;
    if (node->object.gone)
        return;
    store_delete(world, &node->object);
    pods_of_node(world, node->object.name, pod_collect_later);
}

/* A kubelet that starts finishes what is to go on its node, also what another machine left behind.
 */
static void sees_deleted(struct world *world, struct sim_pod *pod)
{
    if (pod->object.deleted_ns != 0 && !pod_ended(pod))
        kubelet_kills(world, pod);
}

static void another_came(struct world *world, struct sim_pod *pod)
{
    const struct sim_node *node = node_of_pod(world, pod);
    if (name_eq(node->object.uid, pod_machine(pod)))
        return;
    pod->body->anew = true;
    /* Told to go in that very second: times do not say to a later process which was first. */
    int64_t told_ns = pod->object.deleted_ns - pod->grace_s * NS_PER_S;
    if (pod->object.deleted_ns != 0 && told_ns / NS_PER_S == world->now_ns / NS_PER_S)
        pod->body->host_lost = pod->body->for_another = true;
}

void node_join(struct world *world, struct instance_live *instance)
{
    struct sim_node *old = store_find(world, KIND_NODE, NULL, instance->node_name);
    if (old != NULL) { /* the name comes back before its last owner was cleaned away */
        world->counters.names_reused++;
        store_delete(world, &old->object);
    }
    struct sim_node *node = object_new(world, KIND_NODE, sizeof(*node), NULL, instance->node_name);
    const struct machine_type *type = &world->types[instance->type >= 0 ? instance->type : 0];
    node->environment = instance->group->environment->object.name;
    node->type = type->name;
    node->instance_id = instance->id;
    node->cpu_milli = type->vcpus * 1000 - (chance(world, 300) ? 100 : 0); /* less than promised */
    node->memory_mib = type->memory_mib;
    node->pods = 20;
    node->ready = chance(world, 300);
    node->tainted = !node->ready;
    node->instance = instance;
    instance->node = node;
    store_add(world, &node->object);
    pods_of_node(world, node->object.name, another_came);
    daemons_start(world, node);
    if (!node->ready)
        after(world, draw_ms(world, 10, 4000), run_ready, node, NULL, 1);
    pods_of_node(world, node->object.name, kubelet_sees);
    pods_of_node(world, node->object.name, sees_deleted);
    scheduler_node_joined(world, node);
}

static void run_register(struct world *world, struct task *task)
{
    struct instance_live *instance = task->a;
    if (instance->partitioned_until_ns > world->now_ns) /* nobody hears it */
        after(world, instance->partitioned_until_ns - world->now_ns, run_register, instance, NULL,
              0);
    else if (instance->alive && store_find(world, KIND_NODE, NULL, instance->node_name) == NULL)
        node_join(world, instance);
}

/* Somebody deletes the Node of a machine that works. Its pods run on until the garbage collector
 * looks; then its kubelet starts anew, and registers. */
void node_deleted(struct world *world, struct sim_node *node, int64_t back_ns)
{
    world->counters.nodes_deleted++;
    node->instance->troubled = true;
    STORY(world, "user   deletes node %s, whose machine works", node->object.name);
    store_delete(world, &node->object);
    pods_of_node(world, node->object.name, pod_collect_later);
    after(world, back_ns, run_register, node->instance, NULL, 0);
}

static void run_rejoin(struct world *world, struct task *task)
{
    const struct instance_live *old = task->a;
    world->rejoins--;
    struct instance_live *instance = group_add(world, old->group, old->type);
    bool taken = node_name_in_use(world, old->node_name);
    instance->node_name = taken ? node_name_new(world) : old->node_name;
    instance->state = INSTANCE_RUNNING;
    node_join(world, instance);
}

/* The machine stops at this instant. What the cluster makes of that takes its time. */
void instance_die(struct world *world, struct instance_live *instance)
{
    if (!instance->alive)
        return;
    instance->alive = false;
    instance->dead_ns = world->now_ns;
    world->counters.node_deaths++;
    STORY(world, "machine %s (%s) dies", instance->id,
          instance->node_name != NULL ? instance->node_name : "-");
    if (!instance->group->environment->managed) { /* an admin puts a new one there */
        world->rejoins++;
        after(world, draw_ms(world, 20000, 90000), run_rejoin, instance, NULL, 0);
    }
    if (instance->node == NULL)
        return;
    const struct store *store = &world->stores[KIND_POD];
    for (size_t i = 0; i < store->count; i++) {
        struct body *body = ((struct sim_pod *)store->items[i])->body;
        if (body->instance != instance)
            continue;
        world->counters.host_losses += body->job != NULL && body->executing;
        body->executing = false;
    }
    after(world, draw_ms(world, 1000, 40000), run_ready, instance->node, NULL, 0);
    after(world, draw_ms(world, 2000, 90000), run_node_gone, instance->node, NULL, 0);
}

/* --- Kubelet faults ----------------------------------------------------------------------------
 */

static struct instance_live *some_instance(struct world *world)
{
    const struct store *store = &world->stores[KIND_NODE];
    if (store->count == 0)
        return NULL;
    struct sim_node *node =
        (struct sim_node *)store->items[draw(world, 0, (int64_t)store->count - 1)];
    return node->instance->alive ? node->instance : NULL;
}

/* A device plug-in is not back yet: new pods are refused for a while. */
void kubelet_restart(struct world *world)
{
    struct instance_live *instance = some_instance(world);
    if (instance == NULL)
        return;
    world->counters.kubelet_restarts++;
    instance->refuses_until_ns = world->now_ns + draw_ms(world, 500, 10000);
    STORY(world, "kubelet %s restarts", instance->node_name);
}

/* Cut off and back again, with its pods running on. */
void node_partition(struct world *world)
{
    struct instance_live *instance = some_instance(world);
    if (instance == NULL || instance->partitioned_until_ns > world->now_ns)
        return;
    world->counters.partitions++;
    int64_t lasts_ns = draw_ms(world, 2000, 50000);
    STORY(world, "node %s is cut off for %lld s", instance->node_name,
          (long long)(lasts_ns / NS_PER_S));
    instance->partitioned_until_ns = world->now_ns + lasts_ns;
    int64_t notice_ns = draw_ms(world, 1000, 40000);
    if (notice_ns < lasts_ns)
        after(world, notice_ns, run_ready, instance->node, NULL, 0);
    after(world, lasts_ns + draw_ms(world, 1, 3000), run_ready, instance->node, NULL, 1);
}
