/* SPDX-License-Identifier: Apache-2.0 */
/* ladder.c - capacity on its way, step by step
 *
 * Between the wish for a machine and the first container on it lie five steps, and each can hang
 * for reasons of its own: REQUESTED (the node group has not answered), ACQUIRED (it has, and the
 * machine boots), BOOTED (it runs, and no Node has its name), JOINED (a Node that is not Ready),
 * READY (pods are there, and no container of them has started: images are pulled). The status of
 * the environment counts the machines on each step, since when the oldest stands there, and says
 * what usually is the matter. What hangs is what is old: a machine that does its first pod is on
 * no step any more.
 *
 * How long a type takes from launch to Ready is learnt from machines that were seen to come: a
 * mean that follows (an eighth of each new one). It is not stored; after a restart it begins anew,
 * and until then the catalogue's word holds, where it has one. */
#include "ladder.h"

#include "bulkhead/base/clock.h"

#include <string.h>

enum { BOOT_MEAN_OF = 8, HINT_BYTES_MAX = 1000 };

void ladder_look(struct core *core, struct core_instance *instance)
{
    const struct core_node *node = instance->node;
    if (instance->state == INSTANCE_RUNNING && instance->running_ns == 0)
        instance->running_ns = core->now_ns;
    if (core->synced && !instance->joined && !instance_ready(instance))
        instance->awaited = true;
    if (instance->joined && instance->joined_ns == 0)
        instance->joined_ns = core->now_ns;
    /* Before we looked somebody may have been served there. */
    if (!instance->awaited && instance->joined && node != NULL && node->live == 0)
        instance->served = true;
}

void ladder_joined(struct core *core, struct core_instance *instance)
{
    struct core_type *type = environment_type(instance->environment, instance->type);
    if (instance->joined)
        return;
    instance->joined = true;
    instance->joined_ns = core->now_ns;
    int64_t took_ns = core->now_ns - instance->launched_ns;
    if (type == NULL || !instance->awaited || took_ns <= 0)
        return;
    type->boots += type->boots < BOOT_MEAN_OF;
    type->boot_ns += (took_ns - type->boot_ns) / type->boots;
}

void ladder_served(struct core_node *node)
{
    struct core_instance *instance = node != NULL ? node->instance : NULL;
    if (instance == NULL || instance->served)
        return;
    instance->served = true;
    instance->environment->status_dirty = true;
}

bool type_boot_is_seen(const struct core_type *type)
{
    return type->boots > 0;
}

int64_t type_boot_ns(const struct core_type *type)
{
    return type->boots > 0 ? type->boot_ns : type->spec.boot_ms * NS_PER_MS;
}

/* -------------------------------------------------------------------------- the steps */

/* The pod of ours that has waited longest for its first container; NULL: none does. */
static const struct core_pod *slowest_pod(const struct core_node *node)
{
    const struct core_pod *slowest = NULL;
    for (const struct core_pod *pod = node != NULL ? node->pods : NULL; pod != NULL;
         pod = pod->next) {
        bool starts = pod->ours && pod->counted && !pod->started && pod->created_ns != 0;
        if (starts && (slowest == NULL || pod->created_ns < slowest->created_ns))
            slowest = pod;
    }
    return slowest;
}

/* Where it stands, and since when; LAUNCH_STEPS: on no step. */
static enum launch_step step_of(const struct core_instance *instance, int64_t *ret_since_ns,
                                const struct core_pod **ret_pod)
{
    const struct core_node *node = instance->node;
    bool there = node != NULL && node->spec != NULL;
    *ret_pod = NULL;
    if (instance->state > INSTANCE_RUNNING || instance->served)
        return LAUNCH_STEPS;
    if (instance->joined) {
        *ret_pod = there ? slowest_pod(node) : NULL;
        *ret_since_ns = *ret_pod != NULL ? (*ret_pod)->created_ns : 0;
        return *ret_pod != NULL ? LAUNCH_READY : LAUNCH_STEPS;
    }
    *ret_since_ns = there ? node->spec->meta.created_ns : instance->launched_ns;
    if (there)
        return LAUNCH_JOINED;
    if (instance->state < INSTANCE_RUNNING)
        return LAUNCH_ACQUIRED;
    *ret_since_ns = instance->running_ns;
    return LAUNCH_BOOTED;
}

void ladder_words(const struct core_environment *environment, struct str *out)
{
    const struct core_instance *oldest = NULL;
    for (const struct core_instance *i = environment->instances; i != NULL; i = i->next) {
        if (instance_coming(i) && (oldest == NULL || i->launched_ns <= oldest->launched_ns))
            oldest = i;
    }
    if (oldest == NULL)
        return;
    char since[TIME_TEXT_MAX];
    int64_t since_ns = 0;
    const struct core_pod *pod;
    unsigned at = step_of(oldest, &since_ns, &pod);
    if (at < LAUNCH_STEPS)
        str_addf(out, "%s since %s", launch_step_name(at), time_print(since_ns, since));
}

struct step {
    int64_t count, since_ns;
    const struct core_instance *oldest;
    const struct core_pod *pod;
};

static void step_add(struct step *step, int64_t count, int64_t since_ns,
                     const struct core_instance *instance, const struct core_pod *pod)
{
    bool older = step->count == 0 || since_ns <= step->since_ns;
    step->count += count;
    if (!older)
        return;
    step->since_ns = since_ns;
    step->oldest = instance;
    step->pod = pod;
}

static const char *hint_of(const struct core *core, const struct core_environment *environment,
                           enum launch_step at, const struct step *step, struct arena *arena)
{
    static const char *const words[LAUNCH_STEPS] = {
        [LAUNCH_ACQUIRED] = "boots, as far as the node group knows",
        [LAUNCH_BOOTED] = "runs, and has not joined the cluster as a Node",
        [LAUNCH_JOINED] = "its Node is there and not Ready",
    };
    char time[TIME_TEXT_MAX];
    if (at == LAUNCH_REQUESTED && environment->provider_words != NULL)
        return arena_printf(arena, "the node group says: %s", environment->provider_words);
    if (at == LAUNCH_REQUESTED)
        return "the node group has not answered";
    if (at == LAUNCH_READY)
        return arena_printf(arena, "pod %s on %s has not started: %s%s%s", step->pod->key,
                            step->oldest->node->name,
                            step->pod->waiting_reason != NULL ? step->pod->waiting_reason
                                                              : "its kubelet pulls images",
                            step->pod->waiting_message != NULL ? ": " : "",
                            step->pod->waiting_message != NULL ? step->pod->waiting_message : "");
    return arena_printf(
        arena, "%s (%s) %s; given back if it is not Ready by %s", step->oldest->id,
        step->oldest->type != NULL ? step->oldest->type : "?", words[at],
        time_print(step->oldest->launched_ns + core->options.boot_deadline_ns, time));
}

void ladder_fill(const struct core *core, const struct core_environment *environment,
                 struct arena *arena, struct compute_environment_status *status)
{
    struct step steps[LAUNCH_STEPS] = {0};
    for (const struct core_launch *launch = environment->launches; launch != NULL;
         launch = launch->next) {
        if (launch->count > 0)
            step_add(&steps[LAUNCH_REQUESTED], launch->count, launch->since_ns, NULL, NULL);
    }
    for (const struct core_instance *i = environment->instances; i != NULL; i = i->next) {
        int64_t since_ns = 0;
        const struct core_pod *pod;
        enum launch_step at = step_of(i, &since_ns, &pod);
        if (at < LAUNCH_STEPS)
            step_add(&steps[at], 1, since_ns, i, pod);
    }
    status->launching_count = 0;
    for (unsigned at = 0; at < LAUNCH_STEPS; at++) {
        if (steps[at].count == 0)
            continue;
        AUTO_TEXT hint = text_copy_max(
            hint_of(core, environment, (enum launch_step)at, &steps[at], arena), HINT_BYTES_MAX);
        status->launching[status->launching_count++] = (struct launching){
            .step = at,
            .count = steps[at].count,
            .since_ns = steps[at].since_ns,
            .hint = arena_copy(arena, hint),
        };
    }
}
