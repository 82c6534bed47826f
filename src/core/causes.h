/* SPDX-License-Identifier: Apache-2.0 */
/* causes.h - who ended a pod, by what its status says, and how long its node rests for that
 *
 * causes.c has the table: what is not in it is the program's own end. penalty.c keeps, for each
 * node, what happened there lately. A node that refuses or loses a pod rests: for all work, or for
 * work of the pod's class, by the table. The rest doubles with each time that the same happens to
 * the same class there, up to 256 s; a pod of the class that comes to an end of its own
 * there clears it, and so do ten quiet minutes. */
#ifndef BULKHEAD_CORE_CAUSES_H
#define BULKHEAD_CORE_CAUSES_H

#include <stdbool.h>
#include <stdint.h>

struct core;
struct core_class;
struct core_environment;
struct core_node;
struct core_pod;
struct pod;

enum cause_kind {
    CAUSE_REFUSED, /* the kubelet did not admit it; of a pod that ran, it did not take it back */
    CAUSE_HOST,    /* the machine, or who looks after it, took the pod away */
    CAUSE_OWN,     /* the pod was taken away for what it did itself */
};
enum cause_rest { REST_NONE, REST_CLASS, REST_ALL }; /* of the node */

struct cause {
    const char *reason;     /* status.reason; with a * at its end, what begins so; NULL: any */
    const char *disruption; /* reason of condition DisruptionTarget; "": there is none; NULL: any */
    const char *words;      /* in status.message; NULL: any */
    enum cause_kind kind;
    enum cause_rest rest;
    uint8_t weight; /* of JOB_REFUSALS_MAX: what will not pass by itself uses it up sooner */
    int level;      /* where the rest begins: 2^level seconds */
};
const struct cause *cause_of(const struct pod *seen); /* NULL: the program's own end */

enum { NODE_PENALTIES_MAX = 8 }; /* kept a node; the one that is over first makes room */

struct penalty {
    const struct cause *cause;
    uint64_t class_hash;
    int64_t since_ns, until_ns;
    int level;
    bool active; /* until its timer says that it is over */
};

void node_penalty(struct core *core, struct core_node *node, const struct core_class *class_,
                  const struct cause *cause);
/* A pod of the class that began at started_ns came to an end of its own. */
void node_forgive(struct core_node *node, const struct core_class *class_, int64_t started_ns);
void penalties_pause(struct core *core, struct core_node *node); /* its kubelet is there anew */
void penalties_done(struct core *core, struct core_node *node);  /* another machine, or none */
bool penalties_end(struct core *core, struct core_node *node); /* those whose time is over: any? */
int64_t penalties_next_ns(const struct core_node *node);       /* INT64_MAX: none */
bool node_rests(const struct core_node *node);                 /* for all work */
bool node_rests_for(const struct core_node *node, const struct core_class *class_);
/* How many nodes rest for the class. */
int64_t environment_resting(const struct core *core, const struct core_environment *environment,
                            const struct core_class *class_);

#endif
