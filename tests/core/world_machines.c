/* SPDX-License-Identifier: Apache-2.0 */
/* world_machines.c - the provider: machines that are launched, boot and go */
#include "core/world_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct machine *machine_find(struct world *world, const char *id)
{
    for (struct machine *machine = world->machines; machine != NULL; machine = machine->next) {
        if (strcmp(machine->id, id) == 0)
            return machine;
    }
    return NULL;
}

void machine_remove(struct world *world, struct machine *machine)
{
    struct machine **link = &world->machines;
    while (*link != machine)
        link = &(*link)->next;
    *link = machine->next;
    free(machine->id);
    free(machine->environment);
    free(machine->type);
    free(machine->token);
    free(machine->node);
    free(machine->zone);
    free(machine);
}

void machine_told(struct machine *machine, const struct line *line)
{
    if (strcmp(line->words[2], "hidden") == 0) {
        machine->hidden = true;
        return;
    }
    if (strcmp(line->words[2], "going") == 0) {
        machine->state = INSTANCE_TERMINATING;
        return;
    }
    if (line_get(line, "node") != NULL) {
        text_set(&machine->node, line_get(line, "node"));
        return;
    }
    text_set(&machine->zone, line_get(line, "zone"));
    machine->signal = instance_signal_named(line->words[2]);
}

const char *environment_word(struct world *world, const char *name, const char *key,
                             struct line *line)
{
    const struct thing *thing = thing_find(world, "environment", name);
    line_read(line, thing != NULL ? thing->words : "");
    return line_get(line, key);
}

static void machine_add(struct world *world, const struct action *action)
{
    struct machine **link = &world->machines;
    while (*link != NULL)
        link = &(*link)->next;
    struct machine *machine = *link = mem_new(sizeof(*machine));
    unsigned id = ++world->machine_count;
    machine->id = text_printf("i%u", id);
    machine->environment = text_copy(action->environment);
    machine->type = text_copy(action->instance_type);
    machine->token = text_copy(action->token);
    machine->zone = text_copy(action->zone);
    machine->node = text_printf("%s-%u", action->environment, id);
    machine->launched_ns = world->now_ns;
    struct line line;
    const char *boot = environment_word(world, action->environment, "boot", &line);
    machine->boot_due_ns = boot != NULL && strcmp(boot, "never") == 0
                               ? INT64_MAX
                               : world->now_ns + (boot != NULL ? line_ns(boot) : 10 * NS_PER_S);
    line_done(&line);
}

/* How many more of the type there are. */
static int64_t stock(struct world *world, const struct action *action)
{
    struct line line;
    struct instance_type *types;
    size_t count;
    int64_t left = INT64_MAX;
    types_from(environment_word(world, action->environment, "types", &line), &types, &count);
    line_done(&line);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(types[i].name, action->instance_type) == 0 && types[i].available >= 0)
            left = types[i].available;
        instance_type_done(&types[i]);
    }
    free(types);
    for (const struct machine *m = world->machines; m != NULL && left != INT64_MAX; m = m->next)
        left -= strcmp(m->environment, action->environment) == 0 &&
                strcmp(m->type, action->instance_type) == 0;
    return left;
}

enum provider_result machines_launch(struct world *world, const struct action *action)
{
    for (const struct machine *m = world->machines; m != NULL; m = m->next) {
        if (strcmp(m->token, action->token) == 0 &&
            strcmp(m->environment, action->environment) == 0)
            return PROVIDER_OK; /* the call came twice */
    }
    int64_t left = stock(world, action);
    for (int64_t i = 0; i < action->count && i < left; i++)
        machine_add(world, action);
    return left < action->count ? PROVIDER_CAPACITY : PROVIDER_OK;
}

void machines_boot(struct world *world)
{
    for (struct machine *m = world->machines; m != NULL; m = m->next) {
        if (m->boot_due_ns > world->now_ns || m->state != INSTANCE_PENDING)
            continue;
        m->state = INSTANCE_RUNNING;
        struct line line;
        struct instance_type *types;
        size_t count;
        types_from(environment_word(world, m->environment, "types", &line), &types, &count);
        offers_from(line_get(&line, "offers"), types, count);
        const char *allocatable = line_get(&line, "allocatable");
        for (size_t i = 0; i < count; i++) {
            if (strcmp(types[i].name, m->type) == 0) {
                AUTO_TEXT cpu = text_printf("%" PRId64, types[i].vcpus);
                AUTO_TEXT words =
                    text_printf("node %s env=%s cpu=%s memory=%" PRId64 " type=%s machine=%s"
                                " nvidia.com/gpu=%" PRId64 "%s%s",
                                m->node, m->environment, allocatable != NULL ? allocatable : cpu,
                                types[i].capacity.memory_bytes, m->type, m->id,
                                resources_get(&types[i].capacity, "nvidia.com/gpu"),
                                m->zone != NULL ? " labels=" LABEL_ZONE ":" : "",
                                m->zone != NULL ? m->zone : "");
                struct line node;
                line_read(&node, words);
                thing_show(world, thing_put(world, "node", &node));
                line_done(&node);
            }
            instance_type_done(&types[i]);
        }
        free(types);
        line_done(&line);
    }
}

void machines_terminate(struct world *world, const struct action *action)
{
    for (size_t i = 0; i < action->id_count; i++) {
        struct machine *machine = machine_find(world, action->ids[i]);
        if (machine == NULL)
            continue;
        for (struct world_pod *pod = world->pods; pod != NULL; pod = pod->next) {
            if (pod->job != NULL && text_eq(pod->node, machine->node) && pod->started_ns != 0 &&
                !is_over(pod) && pod->deleted_ns == 0)
                log_line(world, "KILLED %s on %s", pod->name, machine->node);
        }
        struct thing *node = thing_find(world, "node", machine->node);
        if (node != NULL)
            node->deleted_ns = world->now_ns;
        machine_remove(world, machine);
    }
}

/* What its status tells, and the next process reads. */
enum done_result environment_told(struct world *world, const struct action *action)
{
    struct thing *thing = thing_find(world, "environment", action->name);
    if (thing == NULL)
        return DONE_NOT_FOUND;
    thing->told_generation = action->environment_status->observed_generation;
    thing->charge = action->environment_status->cost;
    const struct compute_environment_status *status = action->environment_status;
    for (size_t i = 0; i < thing->interruption_count; i++)
        free(thing->interruptions[i].type);
    thing->interruption_count = status->interruption_count;
    thing->interruptions_at_ns = status->interruptions_at_ns;
    for (size_t i = 0; i < status->interruption_count; i++) {
        thing->interruptions[i] = status->interruptions[i];
        thing->interruptions[i].type = text_copy(status->interruptions[i].type);
    }
    return DONE_OK;
}
