/* SPDX-License-Identifier: Apache-2.0 */
/* instance.c - the list of machines that a provider answers with
 *
 * The list keeps no capacity: it is grown when its count is a power of two, which is enough to add
 * in amortised constant time. */
#include "bulkhead/api/instance.h"

#include <assert.h>
#include <stdlib.h>

static const char *const signal_names[] = {
    [SIGNAL_REBALANCE] = "REBALANCE",
    [SIGNAL_INTERRUPTION] = "INTERRUPTION",
};

const char *instance_signal_name(enum instance_signal signal)
{
    return signal_names[signal];
}

enum instance_signal instance_signal_named(const char *name)
{
    if (text_eq(name, signal_names[SIGNAL_INTERRUPTION]))
        return SIGNAL_INTERRUPTION;
    return text_eq(name, signal_names[SIGNAL_REBALANCE]) ? SIGNAL_REBALANCE : SIGNAL_NONE;
}

void instances_done(struct instances *instances)
{
    for (size_t i = 0; i < instances->count; i++) {
        free(instances->items[i].id);
        free(instances->items[i].type);
        free(instances->items[i].node_name);
        free(instances->items[i].zone);
    }
    free(instances->items);
    *instances = (struct instances){.items = NULL, .count = 0};
}

void instances_add(struct instances *instances, const struct instance *instance)
{
    assert(instance->id != NULL);

    size_t count = instances->count;
    if ((count & (count - 1)) == 0)
        instances->items =
            mem_grow(instances->items, count > 0 ? count * 2 : 1, sizeof(*instances->items));

    instances->items[count] = (struct instance){
        .id = text_copy(instance->id),
        .type = text_copy(instance->type),
        .node_name = text_copy(instance->node_name),
        .zone = text_copy(instance->zone),
        .state = instance->state,
        .signal = instance->signal,
        .launched_ns = instance->launched_ns,
    };
    instances->count++;
}
