/* SPDX-License-Identifier: Apache-2.0 */
/* signals.c - machines of which it is known beforehand that they go */
#include "signals.h"
#include "spot.h"

#include <string.h>

/* Taints by which others tell the same, whatever their value and effect. */
static const struct {
    const char *key;
    enum instance_signal signal;
} taint_signals[] = {
    {"aws-node-termination-handler/spot-itn", SIGNAL_INTERRUPTION},
    {"aws-node-termination-handler/asg-lifecycle-termination", SIGNAL_INTERRUPTION},
    {"aws-node-termination-handler/scheduled-maintenance", SIGNAL_REBALANCE},
    {"aws-node-termination-handler/rebalance-recommendation", SIGNAL_REBALANCE},
    {"cloud.google.com/impending-node-termination", SIGNAL_INTERRUPTION},
    {"node.cloudprovider.kubernetes.io/shutdown", SIGNAL_INTERRUPTION},
    {"ToBeDeletedByClusterAutoscaler", SIGNAL_INTERRUPTION},
    {"karpenter.sh/disrupted", SIGNAL_REBALANCE},
};

static enum instance_signal signal_of_taints(const struct taints *taints)
{
    enum instance_signal worst = SIGNAL_NONE;
    for (size_t i = 0; i < taints->count; i++) {
        for (size_t k = 0; k < ARRAY_LEN(taint_signals); k++) {
            if (taint_signals[k].signal > worst &&
                text_eq(taints->items[i].key, taint_signals[k].key))
                worst = taint_signals[k].signal;
        }
    }
    return worst;
}

enum instance_signal node_signal(const struct core_node *node)
{
    enum instance_signal of_machine = node->instance != NULL ? node->instance->signal : SIGNAL_NONE;
    return of_machine > node->told ? of_machine : node->told;
}

bool node_is_leaving(const struct core_node *node)
{
    return node_signal(node) != SIGNAL_NONE || (node->spec != NULL && node->spec->unschedulable);
}

int64_t environment_vcpus_leaving(const struct core_environment *environment)
{
    int64_t sum = 0;
    for (const struct core_instance *i = environment->instances; i != NULL; i = i->next) {
        if (i->state >= INSTANCE_TERMINATING || i->signal != SIGNAL_NONE ||
            (i->node != NULL && node_is_leaving(i->node)))
            sum += instance_vcpus(i);
    }
    return sum;
}

/* Cordoned at once: what could run here, what is bought and what is given back are looked at anew.
 */
static void follow(struct core *core, struct core_environment *environment, struct core_node *node)
{
    environment->give_back_dirty = environment->buy_dirty = true;
    environment_shape(core, environment);
    if (node == NULL)
        return;
    node_room_changed(core, node);
    node_idle_timer(core, node);
}

void instance_take_signal(struct core *core, struct core_instance *instance,
                          const struct instance *told)
{
    struct core_environment *environment = instance->environment;
    if (told->zone != NULL)
        text_set(&instance->zone, told->zone);
    if (told->signal <= instance->signal)
        return;
    instance->signal = told->signal;
    if (told->signal == SIGNAL_INTERRUPTION)
        spot_interrupted(core, instance);
    instance->signal_ns = core->now_ns;
    environment->signals_new++;
    environment->signal_last = instance;
    follow(core, environment, instance->node);
}

static void notice_signal(struct core *core, const struct core_environment *environment,
                          enum instance_signal signal, const char *words)
{
    notice(core, "ComputeEnvironment", &environment->spec->meta, "Warning",
           signal == SIGNAL_INTERRUPTION ? "MachineInterruption" : "MachineRebalance", words);
}

static const char *meaning(enum instance_signal signal)
{
    return signal == SIGNAL_INTERRUPTION ? "will be taken back" : "may be taken back soon";
}

void signals_notice(struct core *core, struct core_environment *environment)
{
    const struct core_instance *last = environment->signal_last;
    int64_t others = environment->signals_new - 1;
    environment->signals_new = 0;
    environment->signal_last = NULL;
    /* The first answer after a start tells what was told before. */
    if (last == NULL || !environment->observed || environment->spec == NULL)
        return;
    AUTO_STR words = STR_EMPTY;
    str_addf(&words, "machine %s (%s%s%s) ", last->id, last->type != NULL ? last->type : "?",
             last->zone != NULL ? " in " : "", last->zone != NULL ? last->zone : "");
    if (others > 0)
        str_addf(&words, "and %lld other%s ", (long long)others, others == 1 ? "" : "s");
    str_addf(&words, "%s: nothing more is placed there", meaning(last->signal));
    notice_signal(core, environment, last->signal, str_text(&words));
}

void node_take_signal(struct core *core, struct core_node *node)
{
    enum instance_signal before = node_signal(node);
    enum instance_signal told = signal_of_taints(&node->spec->taints);
    if (told > node->told)
        node->told = told;
    if (node_signal(node) <= before || node->environment == NULL)
        return;
    if (node->instance != NULL && node->instance->signal_ns == 0)
        node->instance->signal_ns = core->now_ns;
    follow(core, node->environment, node);
    if (!core->synced || node->environment->spec == NULL)
        return;
    AUTO_TEXT words =
        text_printf("node %s %s: nothing more is placed there", node->name, meaning(node->told));
    notice_signal(core, node->environment, node->told, words);
}
