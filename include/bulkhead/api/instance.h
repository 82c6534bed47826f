/* SPDX-License-Identifier: Apache-2.0 */
/* instance.h - a machine of a compute environment, as its provider tells it */
#ifndef BULKHEAD_API_INSTANCE_H
#define BULKHEAD_API_INSTANCE_H

#include "bulkhead/api/meta.h"

enum instance_state {
    INSTANCE_PENDING,     /* launched, may not have joined yet */
    INSTANCE_RUNNING,     /* up, as far as the provider knows */
    INSTANCE_TERMINATING, /* told to go */
    INSTANCE_TERMINATED,  /* gone; may vanish from the next answer */
};

enum instance_signal { /* what is known of its end beforehand */
                       SIGNAL_NONE,
                       SIGNAL_REBALANCE,    /* likelier than others to be taken back: nothing new is
                                               placed there */
                       SIGNAL_INTERRUPTION, /* it will be taken back within minutes */
};
const char *instance_signal_name(enum instance_signal signal); /* NULL: none */
/* What no name says is no signal. */
enum instance_signal instance_signal_named(const char *name);

struct instance {
    char *id;        /* the provider's, unique within the environment */
    char *type;      /* instance type */
    char *node_name; /* the Node it is or will be; NULL: not known yet */
    char *zone;      /* where it is; NULL: not known */
    enum instance_state state;
    enum instance_signal signal;
    int64_t launched_ns;
};

struct instances {
    struct instance *items;
    size_t count;
};
enum { INSTANCES_MAX = 20000 }; /* in one environment */

void instances_done(struct instances *instances);
void instances_add(struct instances *instances, const struct instance *instance); /* copies */

/* How a provider call ended. */
enum provider_result {
    PROVIDER_OK,
    PROVIDER_CAPACITY, /* no (or not enough) machines of this type now: try another type, or later
                        */
    PROVIDER_AGAIN,    /* could not be asked; nothing is known: ask again after a pause */
    PROVIDER_INVALID,  /* the environment's node group is misconfigured: tell the admin */
};

#endif
