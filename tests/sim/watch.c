/* SPDX-License-Identifier: Apache-2.0 */
/* watch.c - what the process hears of the store, and when
 *
 * One stream for each kind. Within a kind order is kept; between kinds nothing is promised: a
 * stream may lag for half a minute while the others flow. A broken stream loses what was under way
 * and is listed again: the difference is told, deletes included, as src/kube/watch does. */
#include "sim/world.h"

#include "bulkhead/base/str.h"

#include <stdlib.h>
#include <string.h>

enum { HELD_MAX_S = 60 };

static const char *const kind_names[KIND_COUNT] = {
    [KIND_ARRAY_STATE] = "array-state",
    [KIND_JOB] = "job",
    [KIND_QUEUE] = "queue",
    [KIND_ENVIRONMENT] = "environment",
    [KIND_DEFINITION] = "definition",
    [KIND_CONSUMABLE] = "consumable",
    [KIND_POLICY] = "policy",
    [KIND_REVISION] = "revision",
    [KIND_SERVICE] = "service",
    [KIND_POD] = "pod",
    [KIND_NODE] = "node",
    [KIND_DAEMON_SET] = "daemon-set",
};

static struct known *known_of(struct watch *watch, const char *uid)
{
    for (size_t i = 0; i < watch->known_count; i++)
        if (strcmp(watch->known[i].copy->uid, uid) == 0)
            return &watch->known[i];
    return NULL;
}

const struct object *watch_known(const struct world *world, enum kind kind, const char *uid)
{
    const struct watch *watch = &world->watches[kind];
    for (size_t i = 0; i < watch->known_count; i++)
        if (strcmp(watch->known[i].copy->uid, uid) == 0)
            return watch->known[i].copy;
    return NULL;
}

static void story_of(struct world *world, const struct object *copy, bool gone)
{
    if (!world->story_on)
        return;
    AUTO_STR text = STR_EMPTY;
    if (copy->kind == KIND_POD) {
        const struct sim_pod *pod = (const struct sim_pod *)(const void *)copy;
        static const char *const phases[] = {"Pending", "Running", "Succeeded", "Failed",
                                             "Unknown"};
        str_addf(&text, "%s on %s%s%s%s%s", phases[pod->phase],
                 pod->node_name != NULL ? pod->node_name : "-", pod->started ? " started" : "",
                 pod->reason != NULL ? " " : "", pod->reason != NULL ? pod->reason : "",
                 copy->finalizer ? " held" : "");
    } else if (copy->kind == KIND_JOB) {
        const struct sim_job *job = (const struct sim_job *)(const void *)copy;
        str_addf(&text, "%s x%u%s",
                 job->status != NULL ? job_phase_name(job->status->status.phase) : "new", job->size,
                 job->request_count > 0 ? " stop-requested" : "");
    } else if (copy->kind == KIND_NODE) {
        const struct sim_node *node = (const struct sim_node *)(const void *)copy;
        str_addf(&text, "%s of %s", node->ready ? "Ready" : "NotReady",
                 node->environment != NULL ? node->environment : "-");
    }
    story_tell(world, "hears  %s %s%s%s rv %lu%s%s %s", kind_names[copy->kind],
               copy->namespace_ != NULL ? copy->namespace_ : "",
               copy->namespace_ != NULL ? "/" : "", copy->name, (unsigned long)copy->version,
               gone ? " GONE" : "", copy->deleted_ns != 0 ? " deleting" : "", str_text(&text));
}

static void tell(struct world *world, const struct object *copy, bool gone)
{
    struct watch *watch = &world->watches[copy->kind];
    struct known *known = known_of(watch, copy->uid);
    if (gone) {
        if (known == NULL)
            return;
        *known = watch->known[--watch->known_count];
    } else if (known != NULL) {
        known->copy = copy;
    } else {
        ARRAY_ROOM(watch->known, watch->known_count, watch->known_capacity);
        watch->known[watch->known_count++].copy = copy;
        if (copy->kind == KIND_JOB)
            revision_heard(world, (const struct sim_job *)(const void *)copy);
    }

    story_of(world, copy, gone);
    if (gone && copy->kind == KIND_ARRAY_STATE)
        return;
    struct event event = {.now_ns = world->now_ns};
    event_fill(copy, gone, &event);
    shell_apply(world, &event);
}

const struct object *object_copy(struct world *world, const struct object *object)
{
    struct object *copy = arena_alloc(world->arena, object->size);
    memcpy(copy, object, object->size);
    return copy;
}

static void run_deliver(struct world *world, struct task *task)
{
    enum kind kind = (enum kind)(task->n & 0xff);
    struct watch *watch = &world->watches[kind];
    if (task->b != (void *)watch || watch->session != (uint64_t)task->n >> 8)
        return; /* the stream broke meanwhile */

    if (chance(world, world->faults.relist)) {
        watch_relist(world, kind);
        return;
    }
    struct notice *notice = watch->first;
    watch->first = notice->next;
    if (watch->first == NULL)
        watch->last = NULL;
    tell(world, notice->copy, notice->gone);
    if (!world->failed && !notice->gone && chance(world, world->faults.duplicate)) {
        world->counters.duplicates++;
        tell(world, notice->copy, false);
    }
}

static void deliver_after(struct world *world, struct watch *watch, enum kind kind,
                          int64_t delay_ns)
{
    int64_t due_ns = world->now_ns + delay_ns;
    if (due_ns < watch->due_ns)
        due_ns = watch->due_ns;
    watch->due_ns = due_ns;
    after(world, due_ns - world->now_ns, run_deliver, NULL, watch,
          (int64_t)(watch->session << 8 | (uint64_t)kind));
}

/* --- Streams that are held at an exact place (sieve.c) -----------------------------------------
 */

static void run_release(struct world *world, struct task *task)
{
    struct watch *watch = task->b;
    enum kind kind = (enum kind)task->n;
    if (watch->held != task->a)
        return; /* the process has died since, or it has been released */
    const struct disturbance *held = watch->held;
    watch->held = NULL;
    STORY(world, "watch  %s flows again", kind_names[kind]);
    if (held->kind == DISTURB_GAP) {
        watch_relist(world, kind);
        return;
    }
    for (; watch->held_count > 0; watch->held_count--)
        deliver_after(world, watch, kind, 1000);
}

/* A notice is about to be sent: does it begin or end a disturbance? */
static void hold(struct world *world, struct watch *watch, const struct object *object)
{
    world->notices++;
    if (world->notice_log != NULL)
        notice_log_add(world->notice_log, object);

    union {
        const struct disturbance *in;
        void *out;
    } held = {.in = NULL}; /* only compared with later */
    if (watch->held != NULL) {
        bool counts =
            watch->held->kind == DISTURB_STALE || strcmp(object->uid, watch->held_uid) == 0;
        held.in = watch->held;
        if (counts && --watch->held_until == 0)
            after(world, 1000, run_release, held.out, watch, (int64_t)object->kind);
        return;
    }
    for (size_t i = 0; i < DISTURBANCES_MAX; i++) {
        const struct disturbance *disturbance = &world->disturbances[i];
        if (disturbance->at != world->notices ||
            (disturbance->kind != DISTURB_STALE && disturbance->kind != DISTURB_GAP))
            continue;
        watch->held = held.in = disturbance;
        watch->held_uid = object->uid;
        watch->held_until = disturbance->until;
        watch->held_count = 0;
        STORY(world, "watch  %s is held", kind_names[object->kind]);
        after(world, HELD_MAX_S * NS_PER_S, run_release, held.out, watch, (int64_t)object->kind);
    }
}

void watch_tell(struct world *world, struct object *object, bool gone)
{
    struct watch *watch = &world->watches[object->kind];
    if (!watch->live)
        return;
    hold(world, watch, object);

    struct notice *notice = arena_alloc(world->arena, sizeof(*notice));
    notice->copy = object_copy(world, object);
    notice->gone = gone;
    if (watch->last != NULL)
        watch->last->next = notice;
    else
        watch->first = notice;
    watch->last = notice;

    if (watch->held != NULL) {
        watch->held_count++;
        return;
    }
    int64_t delay_ns = draw(world, 100, 3000) * 1000;
    if (chance(world, world->faults.lag))
        delay_ns += draw_ms(world, 1, 800);
    if (chance(world, world->faults.stall)) {
        world->counters.watch_stalls++;
        delay_ns += draw_ms(world, 1000, 30000);
    }
    deliver_after(world, watch, object->kind, delay_ns);
}

/* --- Lists -------------------------------------------------------------------------------------
 */

static void start_session(struct world *world, struct watch *watch)
{
    watch->first = watch->last = NULL;
    watch->held = NULL;
    watch->session++;
    watch->due_ns = world->now_ns;
}

/* The state of this moment, told as a difference to what the process knows. */
static void list(struct world *world, enum kind kind)
{
    struct watch *watch = &world->watches[kind];
    const struct store *store = &world->stores[kind];
    start_session(world, watch);
    watch->live = true;

    for (size_t i = watch->known_count; i-- > 0;) {
        const struct object *copy = watch->known[i].copy;
        const struct object *now = store_find(world, kind, copy->namespace_, copy->name);
        if (now == NULL || strcmp(now->uid, copy->uid) != 0)
            tell(world, copy, true);
        if (i > watch->known_count)
            i = watch->known_count;
    }
    /* Nobody promises an order: by age, or the other way round. */
    bool youngest_first = mix64(world->seed ^ mix64(watch->session)) % 2 == 0;
    for (size_t n = 0; n < store->count; n++) {
        const struct object *object = store->items[youngest_first ? store->count - 1 - n : n];
        const struct known *known = known_of(watch, object->uid);
        if (known == NULL || known->copy->version != object->version)
            tell(world, object_copy(world, object), false);
    }
}

void watch_relist(struct world *world, enum kind kind)
{
    world->counters.relists++;
    STORY(world, "watch  %s lists again", kind_names[kind]);
    list(world, kind);
}

void watch_reset(struct world *world)
{
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        struct watch *watch = &world->watches[kind];
        start_session(world, watch);
        watch->live = false;
        watch->known_count = 0;
    }
}

static void run_list(struct world *world, struct task *task)
{
    if (task->a != (void *)world->core || (uint64_t)task->n >> 8 != world->process)
        return;
    list(world, (enum kind)(task->n & 0xff));
}

static void run_synced(struct world *world, struct task *task)
{
    if ((uint64_t)task->n != world->process || world->core == NULL)
        return;
    STORY(world, "synced");
    world->synced = true;
    world->synced_ns = world->now_ns;
    struct event event = {.kind = EVENT_SYNCED, .now_ns = world->now_ns};
    shell_apply(world, &event);
}

/* Each kind at its own moment, large array states before the jobs they belong to. */
void watch_start(struct world *world)
{
    int64_t last_ns = 0;
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        int64_t delay_ns = kind == KIND_ARRAY_STATE ? 0 : draw_ms(world, 1, 60);
        after(world, delay_ns, run_list, world->core, NULL,
              (int64_t)(world->process << 8 | (uint64_t)kind));
        if (delay_ns > last_ns)
            last_ns = delay_ns;
    }
    after(world, last_ns + 1000, run_synced, NULL, NULL, (int64_t)world->process);
}
