/* SPDX-License-Identifier: Apache-2.0 */
/* machines.c - the provider: machines that are launched, boot and go
 *
 * Answers are never lost, so a token is never asked for twice. A machine is paid from its launch
 * until it is told to go, or is taken back. */
#include "parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define INTERRUPTION_NS (120 * NS_PER_S) /* from the notice to the end, as on AWS */

struct group *group_of(struct day *day, const char *environment)
{
    struct group *group = map_get(day->groups, environment);
    if (group != NULL)
        return group;
    group = mem_new(sizeof(*group));
    group->name = text_copy(environment);
    group->last = &group->machines;
    group->vcpus.since_ns = group->used_milli.since_ns = group->nodes.since_ns = day->now_ns;
    map_put(day->groups, environment, group);
    return group;
}

static void machine_free(struct machine *machine)
{
    free(machine->id);
    free(machine->uid);
    free(machine);
}

void group_spec(struct group *group, struct compute_environment *spec)
{
    group->specs =
        mem_grow(group->specs, group->spec_count + 1, sizeof(struct compute_environment *));
    group->specs[group->spec_count++] = group->spec = spec;
}

void machines_done(struct day *day)
{
    size_t at = 0;
    struct group *group;
    while ((group = map_next(day->groups, &at, NULL)) != NULL) {
        while (group->machines != NULL) {
            struct machine *machine = group->machines;
            group->machines = machine->next;
            machine_free(machine);
        }
        for (size_t i = 0; i < group->spec_count; i++)
            compute_environment_free(group->specs[i]);
        free(group->specs);
        text_list_done(&group->dry);
        free(group->name);
        free(group);
    }
}

static const struct instance_type *type_of(const struct group *group, const char *name)
{
    for (size_t i = 0; group->spec != NULL && i < group->spec->catalog_count; i++) {
        if (text_eq(group->spec->catalog[i].name, name))
            return &group->spec->catalog[i];
    }
    return NULL;
}

static bool has(const struct text_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], name) == 0)
            return true;
    }
    return list->count == 0;
}

/* How many more of the type can be had now. */
static int64_t stock(const struct day *day, const struct group *group,
                     const struct instance_type *type)
{
    if (group->dry_until_ns > day->now_ns && has(&group->dry, type->name))
        return 0;
    if (type->available < 0)
        return INT64_MAX;
    int64_t left = type->available;
    for (const struct machine *machine = group->machines; machine != NULL; machine = machine->next)
        left -= strcmp(machine->type->name, type->name) == 0;
    return left > 0 ? left : 0;
}

static struct machine *machine_new(struct day *day, struct group *group,
                                   const struct instance_type *type)
{
    struct machine *machine = mem_new(sizeof(*machine));
    *machine = (struct machine){
        .group = group,
        .type = type,
        .id = text_printf("%s-%" PRId64, group->name, ++group->launched),
        .launched_ns = day->now_ns,
        .timer.kind = DUE_MACHINE,
    };
    *group->last = machine;
    group->last = &machine->next;
    measure_launch(day, machine);
    timer_set(&day->timers, &machine->timer, day->now_ns + type->boot_ms * NS_PER_MS);
    return machine;
}

static void node_label(struct node *node, const struct machine *machine)
{
    static const char *const keys[] = {LABEL_ENVIRONMENT,  LABEL_INSTANCE_TYPE,
                                       LABEL_INSTANCE_ID,  "kubernetes.io/arch",
                                       "kubernetes.io/os", "kubernetes.io/hostname"};
    const struct instance_type *type = machine->type;
    const char *const values[] = {machine->group->name,
                                  type->name,
                                  machine->id,
                                  type->arch != NULL ? type->arch : "amd64",
                                  "linux",
                                  machine->id};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        key_values_set(&node->labels, keys[i], values[i]);
    node->taints.items = mem_new(sizeof(*node->taints.items));
    node->taints.items[node->taints.count++] = (struct taint){
        .key = text_copy(TAINT_ENVIRONMENT),
        .value = text_copy(machine->group->name),
        .effect = text_copy("NoSchedule"),
    };
}

static void machine_go(struct day *day, struct machine *machine, bool reclaimed);

/* It has booted: its Node is there, and Ready at once. */
void machine_due(struct day *day, struct machine *machine)
{
    if (machine->signal == SIGNAL_INTERRUPTION) {
        machine_go(day, machine, true);
        return;
    }
    struct node *node = mem_new(sizeof(*node));
    machine->uid = day_uid(day, "node");
    node->meta = (struct object_meta){
        .name = text_copy(machine->id),
        .uid = text_copy(machine->uid),
        .resource_version = day_version(day),
        .created_ns = day->now_ns - day->now_ns % NS_PER_S,
    };
    node_label(node, machine);
    node->provider_id = text_printf("day://%s/%s", machine->group->name, machine->id);
    resources_copy(&node->allocatable, &machine->type->capacity);
    if (node->allocatable.cpu_milli == 0)
        node->allocatable.cpu_milli = machine->type->vcpus * 1000;
    if (node->allocatable.pods == 0)
        node->allocatable.pods = 110;
    node->ready = true;
    meter_add(&machine->group->nodes, day->now_ns, 1);
    day_event_new(day, EVENT_NODE)->node = node;
}

static void machine_go(struct day *day, struct machine *machine, bool reclaimed)
{
    struct group *group = machine->group;
    struct machine **link = &group->machines;
    while (*link != machine)
        link = &(*link)->next;
    *link = machine->next;
    if (group->last == &machine->next)
        group->last = link;
    timer_clear(&day->timers, &machine->timer);
    measure_gone(day, machine, reclaimed);
    pods_machine_gone(day, machine);
    if (machine->uid != NULL) {
        struct event *gone = day_event_new(day, EVENT_NODE_GONE);
        gone->name = arena_copy(day->arena, machine->id);
        meter_add(&group->nodes, day->now_ns, -1);
    }
    machine_free(machine);
}

/* --------------------------------------------------------------------- what is asked */

static void told(const struct machine *machine, struct instances *instances)
{
    instances_add(instances,
                  &(struct instance){
                      .id = machine->id,
                      .type = machine->type->name,
                      .node_name = machine->id,
                      .state = machine->uid != NULL ? INSTANCE_RUNNING : INSTANCE_PENDING,
                      .signal = machine->signal,
                      .launched_ns = machine->launched_ns,
                  });
}

static void launch(struct day *day, struct group *group, const struct action *action,
                   struct done *done, struct instances *instances)
{
    const struct instance_type *type = type_of(group, action->instance_type);
    int64_t left = type != NULL ? stock(day, group, type) : 0;
    for (int64_t i = 0; i < action->count && i < left; i++)
        told(machine_new(day, group, type), instances);
    if (left >= action->count)
        return;
    done->provider = type != NULL ? PROVIDER_CAPACITY : PROVIDER_INVALID;
    done->message = arena_printf(day->arena, "no more machines of type %s", action->instance_type);
}

static void terminate(struct day *day, struct group *group, const struct action *action)
{
    for (size_t i = 0; i < action->id_count; i++) {
        struct machine *machine = group->machines;
        while (machine != NULL && strcmp(machine->id, action->ids[i]) != 0)
            machine = machine->next;
        if (machine != NULL)
            machine_go(day, machine, false);
    }
}

void machines_answer(struct day *day, const struct action *action)
{
    struct group *group = group_of(day, action->environment);
    struct instances *instances = arena_alloc(day->arena, sizeof(*instances));
    struct done done = {.action_id = action->id, .instances = instances};
    switch (action->kind) {
    case ACTION_PROVIDER_TYPES:
        done.types = group->spec != NULL ? group->spec->catalog : NULL;
        done.type_count = group->spec != NULL ? group->spec->catalog_count : 0;
        break;
    case ACTION_PROVIDER_OBSERVE:
        for (const struct machine *m = group->machines; m != NULL; m = m->next)
            told(m, instances);
        break;
    case ACTION_PROVIDER_LAUNCH:
        launch(day, group, action, &done, instances);
        break;
    default:
        terminate(day, group, action);
        break;
    }
    day_event_new(day, EVENT_DONE)->done = done;
}

/* ------------------------------------------------------------------------------ acts */

void day_drought(struct day *day, const char *environment, const struct text_list *types,
                 int64_t for_ns)
{
    struct group *group = group_of(day, environment);
    text_list_done(&group->dry);
    for (size_t i = 0; types != NULL && i < types->count; i++)
        text_list_add(&group->dry, types->items[i]);
    group->dry_until_ns = day->now_ns + for_ns;
}

/* The first so many percent of the environment's machines, rounded up: what is to be done. */
static void each(struct day *day, const char *environment, const struct text_list *types,
                 int64_t percent, enum instance_signal signal)
{
    static const struct text_list all = {NULL, 0};
    const struct text_list *wanted = types != NULL ? types : &all;
    struct group *group = group_of(day, environment);
    int64_t count = 0;
    for (const struct machine *m = group->machines; m != NULL; m = m->next)
        count += has(wanted, m->type->name);
    int64_t left = (count * percent + 99) / 100;
    for (struct machine *m = group->machines, *next; m != NULL && left > 0; m = next) {
        next = m->next;
        if (!has(wanted, m->type->name))
            continue;
        left--;
        if (signal == SIGNAL_NONE) {
            machine_go(day, m, true);
            continue;
        }
        m->signal = signal;
        if (signal == SIGNAL_INTERRUPTION)
            timer_set(&day->timers, &m->timer, day->now_ns + INTERRUPTION_NS);
    }
}

void day_signal(struct day *day, const char *environment, const struct text_list *types,
                int64_t percent, enum instance_signal signal)
{
    each(day, environment, types, percent, signal);
}

void day_reclaim(struct day *day, const char *environment, const struct text_list *types,
                 int64_t percent)
{
    each(day, environment, types, percent, SIGNAL_NONE);
}
