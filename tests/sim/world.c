/* SPDX-License-Identifier: Apache-2.0 */
/* world.c - the API server's store, tasks on virtual time, random numbers
 *
 * Objects change in place and every change tells the watches, which take a copy: what the process
 * learns is always a state that was stored once. */
#include "sim/world.h"

#include "bulkhead/base/str.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Random numbers: splitmix64 seeds xoshiro256** ---------------------------------------------
 */

uint64_t mix64(uint64_t x)
{
    x += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

void rng_seed(struct rng *rng, uint64_t seed)
{
    for (size_t i = 0; i < 4; i++)
        rng->s[i] = mix64(seed + i * 0x632be59bd9b4e019U);
}

static uint64_t rotate(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

uint64_t rng_next(struct rng *rng)
{
    uint64_t *s = rng->s;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

int64_t draw(struct world *world, int64_t low, int64_t high)
{
    assert(low <= high);
    struct rng *rng = &world->rng;
    if (rng->choice_bytes >= 2) {
        uint64_t choice = rng->choices[0] * 256U + rng->choices[1];
        rng->choices += 2;
        rng->choice_bytes -= 2;
        return low + (int64_t)(choice * ((uint64_t)(high - low) / 65536 + 1) %
                               (uint64_t)(high - low + 1));
    }
    return low + (int64_t)(rng_next(&world->rng) % (uint64_t)(high - low + 1));
}

bool chance(struct world *world, int per_mille)
{
    return per_mille > 0 && draw(world, 0, 999) < per_mille;
}

int64_t draw_ms(struct world *world, int64_t low_ms, int64_t high_ms)
{
    return draw(world, low_ms * 1000, high_ms * 1000) * 1000;
}

/* --- Tasks -------------------------------------------------------------------------------------
 */

struct task *after(struct world *world, int64_t delay_ns, task_run *run, void *a, void *b,
                   int64_t n)
{
    struct task *task = arena_alloc(world->arena, sizeof(*task));
    task->run = run;
    task->a = a;
    task->b = b;
    task->n = n;
    timer_set(&world->tasks, &task->timer, world->now_ns + delay_ns);
    return task;
}

/* --- Store -------------------------------------------------------------------------------------
 */

bool name_eq(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Shaped like a UUID; the first eight digits differ for every number, as pod names need. */
const char *new_uid(struct world *world)
{
    uint32_t number = (uint32_t)++world->uids;
    return arena_printf(world->arena, "%08x-0000-4000-8000-%012x", number * 2654435761U, number);
}

void *object_new(struct world *world, enum kind kind, size_t size, const char *namespace_,
                 const char *name)
{
    struct object *object = arena_alloc(world->arena, size);
    object->kind = kind;
    object->size = size;
    object->namespace_ = namespace_; /* static text */
    object->name = arena_copy(world->arena, name);
    object->uid = new_uid(world);
    object->generation = 1;
    return object;
}

void store_add(struct world *world, struct object *object)
{
    struct store *store = &world->stores[object->kind];
    ARRAY_ROOM(store->items, store->count, store->capacity);
    store->items[store->count++] = object;
    object->version = ++world->version;
    object->created_ns = world->now_ns / NS_PER_S * NS_PER_S;
    watch_tell(world, object, false);
}

void store_change(struct world *world, struct object *object, bool spec)
{
    if (object->gone)
        return;
    object->version = ++world->version;
    object->generation += spec ? 1 : 0;
    watch_tell(world, object, false);
}

static void remove_now(struct world *world, struct object *object)
{
    struct store *store = &world->stores[object->kind];
    size_t at = 0;
    while (store->items[at] != object)
        at++;
    memmove(&store->items[at], &store->items[at + 1],
            (store->count - at - 1) * sizeof(struct object *));
    store->count--;
    object->gone = true;
    object->version = ++world->version;
    if (object->kind == KIND_JOB)
        ((struct sim_job *)object)->truth->gone_ns = world->now_ns;
    if (object->kind == KIND_POD && !world->deleting_pod)
        world->pod_taken_ns = world->now_ns;
    watch_tell(world, object, true);
}

static void run_collect_pods(struct world *world, struct task *task)
{
    const struct sim_job *job = task->a;
    for (size_t i = world->stores[KIND_POD].count; i-- > 0;) {
        struct sim_pod *pod = (struct sim_pod *)world->stores[KIND_POD].items[i];
        if (pod->ours && name_eq(pod->owner_uid, job->object.uid) && pod->object.deleted_ns == 0)
            pod_delete(world, pod, -1);
    }
}

static void run_collect_owned(struct world *world, struct task *task)
{
    const struct sim_job *job = task->a;
    family_collect(world, job);
    services_collect(world, job);
    if (moment_collector_ns(world, &job->object) == 0)
        run_collect_pods(world, task);
    for (size_t i = world->stores[KIND_ARRAY_STATE].count; i-- > 0;) {
        struct sim_array_state *state =
            (struct sim_array_state *)world->stores[KIND_ARRAY_STATE].items[i];
        if (name_eq(state->job_uid, job->object.uid))
            store_delete(world, &state->object);
    }
}

void store_delete(struct world *world, struct object *object)
{
    if (object->gone)
        return;
    if (object->finalizer) {
        if (object->deleted_ns == 0) {
            object->deleted_ns = world->now_ns;
            store_change(world, object, true);
        }
        return;
    }
    remove_now(world, object);
    if (object->kind != KIND_JOB)
        return;
    for (int64_t i = 0; i < 3; i++) /* the garbage collector looks now, and again for late pods */
        after(world, draw_ms(world, 10, 4000) + i * 8 * NS_PER_S, run_collect_owned, object, NULL,
              0);
    int64_t late_ns = moment_collector_ns(world, object);
    if (late_ns != 0)
        after(world, late_ns, run_collect_pods, object, NULL, 0);
}

void store_unfinalize(struct world *world, struct object *object)
{
    object->finalizer = false;
    if (object->kind == KIND_POD) {
        struct sim_pod *pod = (struct sim_pod *)object;
        if (object->deleted_ns != 0 && pod->body->confirmed) {
            remove_now(world, object);
            kubelet_kills(world, pod);
        } else {
            store_change(world, object, false);
        }
    } else if (object->deleted_ns != 0) {
        remove_now(world, object);
    } else {
        store_change(world, object, false);
    }
}

void *store_find(const struct world *world, enum kind kind, const char *namespace_,
                 const char *name)
{
    const struct store *store = &world->stores[kind];
    for (size_t i = 0; i < store->count; i++) {
        struct object *object = store->items[i];
        if (strcmp(object->name, name) == 0 && name_eq(object->namespace_, namespace_))
            return object;
    }
    return NULL;
}

/* --- Pods: graceful deletion as the API server does it -----------------------------------------
 */

bool pod_ended(const struct sim_pod *pod)
{
    return pod->phase == POD_SUCCEEDED || pod->phase == POD_FAILED;
}

/* As the API server does it: deletionTimestamp moves along, so that less its grace period it always
 * says when the deletion was asked for. */
static void shorten_grace(struct sim_pod *pod, int64_t grace_s)
{
    pod->object.deleted_ns -= (pod->grace_s - grace_s) * NS_PER_S;
    pod->grace_s = grace_s;
}

void pod_confirm(struct world *world, struct sim_pod *pod)
{
    if (pod->object.gone || pod->object.deleted_ns == 0)
        return;
    pod->body->confirmed = true;
    shorten_grace(pod, 0);
    if (!pod->object.finalizer)
        remove_now(world, &pod->object);
}

/* The next try of its child is on its way: what became of this one has been decided. */
static bool is_given_up(const struct world *world, const struct sim_pod *pod)
{
    for (const struct request *r = world->creates; r != NULL; r = r->create_next)
        if (name_eq(r->job_uid, pod->job_uid) && r->index == pod->index && r->try > pod->try)
            return true;
    return false;
}

void pod_delete(struct world *world, struct sim_pod *pod, int64_t grace_s)
{
    if (pod->object.gone)
        return;
    if (grace_s < 0)
        grace_s = 30;
    bool at_once = grace_s == 0 || pod_ended(pod) || pod->node_name == NULL;
    if (pod->object.deleted_ns == 0) {
        const struct sim_node *node = node_of_pod(world, pod);
        pod->body->told_held =
            pod->object.finalizer && !is_recorded(world, pod) && !is_given_up(world, pod);
        bool another = node != NULL && !name_eq(node->object.uid, pod_machine(pod));
        bool dead = pod->node_name != NULL && (node == NULL || !node->instance->alive);
        pod->body->host_lost = another || (dead && !world->deleting_pod);
        pod->body->for_another = another || (pod->body->anew && world->deleting_pod);
        pod->object.deleted_ns = world->now_ns + grace_s * NS_PER_S;
        pod->grace_s = grace_s;
        if (!at_once || pod->object.finalizer)
            store_change(world, &pod->object, true);
    } else if (grace_s < pod->grace_s) {
        shorten_grace(pod, grace_s);
        store_change(world, &pod->object, true);
    }
    if (at_once)
        pod_confirm(world, pod);
    kubelet_kills(world, pod);
}
