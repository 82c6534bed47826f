/* SPDX-License-Identifier: Apache-2.0 */
/* pods.c - pods as their kubelets run them
 *
 * A pod starts pod_start_ns after it was made, runs as long as the load says, and ends. One that is
 * deleted stops at once with 143; one whose machine goes is failed by pod garbage collection. */
#include "parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define POD_GC_NS (40 * NS_PER_S)

static void day_pod_free(struct day_pod *pod)
{
    free(pod->key);
    free(pod->namespace_);
    free(pod->name);
    free(pod->uid);
    free(pod->node);
    free(pod->node_uid);
    free(pod->environment);
    free(pod->queue);
    free(pod->definition);
    free(pod->definition_uid);
    free(pod->job_name);
    free(pod->gives_way_to);
    resources_done(&pod->requests);
    consumable_needs_done(&pod->consumables);
    free(pod);
}

void pods_done(struct day *day)
{
    size_t at = 0;
    struct day_pod *pod;
    while ((pod = map_next(day->pods, &at, NULL)) != NULL)
        day_pod_free(pod);
}

static bool is_over(const struct day_pod *pod)
{
    return pod->phase == POD_SUCCEEDED || pod->phase == POD_FAILED;
}

/* --------------------------------------------------------------------------- telling */

static void needs_copy(struct consumable_needs *to, const struct consumable_needs *from)
{
    AUTO_STR text = STR_EMPTY;
    consumable_needs_print(from, &text);
    consumable_needs_parse(str_text(&text), to);
}

static void show_exit(const struct day_pod *from, struct pod *pod)
{
    if (from->started_ns == 0 || from->phase == POD_RUNNING || pod->disruption != NULL)
        return;
    pod->exit_count = 1;
    pod->exits = mem_new(sizeof(*pod->exits));
    pod->exits[0] = (struct container_exit){
        .name = text_copy("main"),
        .exit_code = from->exit_code,
        .reason = text_copy(from->exit_code == 0 ? "Completed" : "Error"),
    };
}

struct pod *pod_show(const struct day *day, const struct day_pod *from)
{
    UNUSED(day);
    struct pod *pod = mem_new(sizeof(*pod));
    pod->meta = (struct object_meta){
        .name = text_copy(from->name),
        .namespace_ = text_copy(from->namespace_),
        .uid = text_copy(from->uid),
        .resource_version = text_printf("%" PRIu64, from->version),
        .created_ns = from->created_ns,
        .deleted_ns = from->deleted_ns,
        .has_finalizer = from->finalizer,
    };
    pod->address = text_copy(from->node != NULL ? "10.0.0.1" : NULL);
    pod->node_name = text_copy(from->node);
    pod->phase = from->phase;
    resources_copy(&pod->requests, &from->requests);
    pod->owner_kind = text_copy("BatchJob");
    pod->owner_uid = text_copy(from->job->uid);
    pod->job_uid = text_copy(from->job->uid);
    pod->job_name = text_copy(from->job_name);
    pod->queue = text_copy(from->queue);
    pod->environment = text_copy(from->environment);
    pod->gives_way_to = text_copy(from->gives_way_to);
    pod->node_uid = text_copy(from->node_uid);
    pod->definition = text_copy(from->definition);
    pod->definition_uid = text_copy(from->definition_uid);
    pod->index = from->index;
    pod->count = from->count;
    pod->try = from->try;
    pod->attempt = from->attempt;
    needs_copy(&pod->consumables, &from->consumables);
    if (from->lost && is_over(from))
        pod->disruption = text_copy("DeletionByPodGC");
    pod->containers_started = from->started_ns != 0;
    pod->started_ns = from->started_ns;
    pod->finished_ns = from->finished_ns;
    show_exit(from, pod);
    return pod;
}

static void tell(struct day *day, struct day_pod *pod)
{
    pod->version = ++day->version;
    day_event_new(day, EVENT_POD)->pod = pod_show(day, pod);
}

/* It has no finalizer and is deleted: the object goes. */
static void vanish(struct day *day, struct day_pod *pod)
{
    struct event *gone = day_event_new(day, EVENT_POD_GONE);
    gone->namespace_ = arena_copy(day->arena, pod->namespace_);
    gone->name = arena_copy(day->arena, pod->name);
    gone->uid = arena_copy(day->arena, pod->uid);
    timer_clear(&day->timers, &pod->timer);
    map_remove(day->pods, pod->key);
    day_pod_free(pod);
}

/* ----------------------------------------------------------------------------- making */

static const struct placement *placement_of(const struct pod_order *order)
{
    const struct node_range *range =
        order->nodes != NULL ? node_range_of(order->nodes, order->index) : NULL;
    if (range != NULL)
        return &range->template_.placement;
    if (order->template_ != NULL)
        return &order->template_->placement;
    return order->definition != NULL ? &order->definition->template_.placement
                                     : &order->job->template_.placement;
}

static bool has_room(const struct machine *machine, const struct resources *needs)
{
    const struct resources *room = &machine->type->capacity;
    return machine->uid != NULL &&
           machine->cpu_milli + needs->cpu_milli <= machine->type->vcpus * 1000 &&
           machine->memory_bytes + needs->memory_bytes <= room->memory_bytes;
}

/* The cluster's scheduler, for a pod that is made without a node: the first with room. */
static void bind(struct day_pod *pod, struct machine *machine)
{
    while (machine != NULL && !has_room(machine, &pod->requests))
        machine = machine->next;
    pod->node = machine != NULL ? text_copy(machine->id) : NULL;
    pod->node_uid = machine != NULL ? text_copy(machine->uid) : NULL;
}

static void take_room(struct day_pod *pod)
{
    if (pod->machine == NULL)
        return;
    pod->machine->cpu_milli += pod->requests.cpu_milli;
    pod->machine->memory_bytes += pod->requests.memory_bytes;
    pod->machine->pod_count++;
}

static void give_room(struct day_pod *pod)
{
    if (pod->machine == NULL)
        return;
    pod->machine->cpu_milli -= pod->requests.cpu_milli;
    pod->machine->memory_bytes -= pod->requests.memory_bytes;
    pod->machine->pod_count--;
    pod->machine = NULL;
}

static struct machine *machine_named(const struct group *group, const char *id)
{
    struct machine *machine = group->machines;
    while (machine != NULL && !text_eq(machine->id, id))
        machine = machine->next;
    return machine;
}

static void fill(struct day_pod *pod, const struct pod_order *order)
{
    const struct job_definition *definition = order->definition;
    pod->job_name = text_copy(order->job->meta.name);
    pod->queue = text_copy(order->job->queue);
    pod->environment = text_copy(order->environment);
    pod->node = text_copy(order->node_name);
    pod->node_uid = text_copy(order->node_uid);
    pod->index = order->index;
    pod->count = order->count;
    pod->try = order->try;
    pod->attempt = order->attempt;
    resources_copy(&pod->requests, &placement_of(order)->requests);
    if (definition != NULL) {
        pod->definition = text_printf("%s:%" PRId64, definition->of_name, definition->revision);
        pod->definition_uid = text_copy(definition->of_uid);
    }
    needs_copy(&pod->consumables, order->job->has_consumables || definition == NULL
                                      ? &order->job->consumables
                                      : &definition->consumables);
}

enum done_result pod_create(struct day *day, const struct action *action, struct pod **ret_pod)
{
    const struct pod_order *order = &action->order;
    AUTO_TEXT key = text_printf("%s/%s", action->namespace_, action->name);
    struct day_job *job = map_get(day->jobs, order->job->meta.uid);
    if (job == NULL)
        return DONE_REFUSED;
    if (map_get(day->pods, key) != NULL)
        return DONE_EXISTS;
    struct day_pod *pod = mem_new(sizeof(*pod));
    pod->key = STEAL(key);
    pod->namespace_ = text_copy(action->namespace_);
    pod->name = text_copy(action->name);
    pod->uid = day_uid(day, "pod");
    pod->job = job;
    fill(pod, order);
    pod->group = group_of(day, pod->environment);
    if (pod->node == NULL)
        bind(pod, pod->group->machines);
    pod->machine = machine_named(pod->group, pod->node);
    pod->version = ++day->version;
    pod->created_ns = day->now_ns - day->now_ns % NS_PER_S;
    pod->finalizer = true;
    pod->timer.kind = DUE_POD;
    map_put(day->pods, pod->key, pod);
    day->pods_live++;
    take_room(pod);
    timer_set(&day->timers, &pod->timer, day->now_ns + day->options.pod_start_ns);
    *ret_pod = pod_show(day, pod);
    return DONE_OK;
}

/* ---------------------------------------------------------------------------- running */

static void end(struct day *day, struct day_pod *pod, enum pod_phase phase)
{
    if (pod->phase == POD_RUNNING && !pod->lost)
        measure_end(day, pod);
    pod->phase = phase;
    pod->finished_ns = pod->started_ns != 0 ? day->now_ns : 0;
    day->pods_live--;
    timer_clear(&day->timers, &pod->timer);
    give_room(pod);
    tell(day, pod);
}

static void start(struct day *day, struct day_pod *pod)
{
    const struct day_try try = {.job_uid = pod->job->uid,
                                .class_ = pod->job->class_,
                                .index = pod->index,
                                .try = pod->try,
                                .attempt = pod->attempt};
    struct day_work work = day->load.work(day->load.ctx, &try);
    pod->phase = POD_RUNNING;
    pod->started_ns = day->now_ns;
    pod->exit_code = work.exit_code;
    measure_start(day, pod);
    timer_set(&day->timers, &pod->timer, day->now_ns + work.duration_ns);
    tell(day, pod);
}

void pod_due(struct day *day, struct day_pod *pod)
{
    if (pod->lost) {
        end(day, pod, POD_FAILED);
        return;
    }
    if (pod->phase == POD_RUNNING) {
        end(day, pod, pod->exit_code == 0 ? POD_SUCCEEDED : POD_FAILED);
        return;
    }
    if (pod->node == NULL) { /* the scheduler finds no node yet */
        bind(pod, pod->group->machines);
        pod->machine = machine_named(pod->group, pod->node);
        take_room(pod);
        timer_set(&day->timers, &pod->timer, day->now_ns + day->options.pod_start_ns);
        if (pod->node != NULL)
            tell(day, pod);
        return;
    }
    start(day, pod);
}

/* ----------------------------------------------------------------------------- ending */

enum done_result pod_mark(struct day *day, const struct action *action)
{
    AUTO_TEXT key = text_printf("%s/%s", action->namespace_, action->name);
    struct day_pod *pod = map_get(day->pods, key);
    AUTO_TEXT version = text_printf("%" PRIu64, pod != NULL ? pod->version : 0);
    if (pod == NULL || !text_eq(pod->uid, action->uid))
        return DONE_NOT_FOUND;
    if (!text_eq(version, action->resource_version))
        return DONE_CONFLICT;
    text_set(&pod->gives_way_to, action->message);
    tell(day, pod);
    return DONE_OK;
}

enum done_result pod_release(struct day *day, const struct action *action)
{
    AUTO_TEXT key = text_printf("%s/%s", action->namespace_, action->name);
    struct day_pod *pod = map_get(day->pods, key);
    if (pod == NULL || !text_eq(pod->uid, action->uid))
        return DONE_NOT_FOUND;
    pod->finalizer = false;
    if (pod->deleted_ns != 0 && is_over(pod))
        vanish(day, pod);
    else
        tell(day, pod);
    return DONE_OK;
}

enum done_result pod_delete(struct day *day, const struct action *action)
{
    AUTO_TEXT key = text_printf("%s/%s", action->namespace_, action->name);
    struct day_pod *pod = map_get(day->pods, key);
    if (pod == NULL || !text_eq(pod->uid, action->uid))
        return DONE_NOT_FOUND;
    pod->deleted_ns = day->now_ns;
    if (!is_over(pod) && !pod->lost) {
        pod->exit_code = 143;
        end(day, pod, POD_FAILED);
    }
    if (!pod->finalizer)
        vanish(day, pod);
    return DONE_OK;
}

/* Nobody on it tells anything any more; garbage collection comes by later. */
void pods_machine_gone(struct day *day, const struct machine *machine)
{
    size_t at = 0;
    struct day_pod *pod;
    if (machine->pod_count == 0)
        return;
    while ((pod = map_next(day->pods, &at, NULL)) != NULL) {
        if (pod->machine != machine)
            continue;
        if (pod->phase == POD_RUNNING)
            measure_end(day, pod);
        give_room(pod);
        pod->lost = true;
        timer_set(&day->timers, &pod->timer, day->now_ns + POD_GC_NS);
    }
}

/* The job's object went: its pods are deleted with it. */
void pods_job_gone(struct day *day, const struct day_job *job)
{
    size_t at = 0;
    struct day_pod *pod;
    while ((pod = map_next(day->pods, &at, NULL)) != NULL) {
        if (pod->job != job || pod->deleted_ns != 0)
            continue;
        pod->deleted_ns = day->now_ns;
        if (!is_over(pod))
            end(day, pod, POD_FAILED);
        else
            tell(day, pod);
    }
}
