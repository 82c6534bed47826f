/* SPDX-License-Identifier: Apache-2.0 */
/* gang.h - multi-node jobs, for the core's modules: see gang.c */
#ifndef BULKHEAD_CORE_GANG_H
#define BULKHEAD_CORE_GANG_H

#include "internal.h"

/* gang.c */
struct core_class *job_class(const struct core_job *job, uint32_t index);
/* What starts at once at least, in thousandths of a vCPU. */
int64_t job_milli_at_once(const struct core_job *job);
bool gang_allowed(const struct core_job *job, const struct core_environment *environment);
void gang_bind(struct core *core, struct core_job *job, const struct node_properties *given);
void gang_forget_nodes(struct core_job *job); /* nothing more is made of it */
bool gang_is_measurable(const struct core_job *job);
void gang_classes(struct core *core, struct core_job *job);
bool gang_place(struct core *core, struct core_job *job, struct core_environment *environment);
void gangs_place(struct core *core);
/* Before the create is sent: does each other part still have a node kept for it, if this is main's?
 */
bool gang_is_whole(const struct core_pod *pod);
void gang_look(struct core *core, struct core_job *job);      /* after any change of its pods */
void gang_timed_out(struct core *core, struct core_job *job); /* its main node is told to go */
void gang_node_gone(struct core *core, struct core_node *node);
void gang_node_unusable(struct core *core, struct core_node *node); /* one that is reserved */
void gang_reclass(struct core *core, struct core_job *job);         /* a RuntimeClass has changed */
bool gang_uses_runtime(const struct core_job *job, const char *runtime_class);
void gang_free(struct core *core, struct core_job *job);
/* Open, and short of a node for a part that has not started: the environment that is to have one;
 * NULL: it is not. */
struct core_environment *gang_short_in(const struct core_job *job);
unsigned gang_attempt(const struct core_job *job); /* parts with as many attempts are spent */

/* gangroom.c */
enum gang_room {
    GANG_ROOM_NOW,  /* nodes that are empty of pods of ours, and take work */
    GANG_ROOM_EVER, /* all nodes, as if they were empty */
};
struct gang_match {
    struct core_node **nodes; /* by part, heap; NULL: it has one, needs none or found none */
    uint32_t missing;         /* parts that found none */
};
/* Nodes for the parts that have none and fewer attempts than that. */
void gang_match(struct core *core, const struct core_job *job,
                const struct core_environment *environment, enum gang_room room, unsigned attempt,
                struct gang_match *ret_match);
bool gang_part_waits(const struct core_job *job, uint32_t index, unsigned attempt);
bool gang_could_use(const struct core_job *job, const struct core_node *node); /* for one part */
/* A part of the class, on a node without any of ours. */
bool gang_part_fits(const struct core_node *node, const struct core_class *class_);
bool gang_fits_now(struct core *core, const struct core_job *job,
                   const struct core_environment *environment);
bool gang_could_fit(struct core *core, const struct core_job *job,
                    const struct core_environment *environment);
/* vCPUs of the smallest machine that takes the class, of the types that are not set aside at now_ns
 * any more; 0: none does. */
int64_t machine_least_vcpus(const struct core_environment *environment,
                            const struct core_class *class_, int64_t now_ns);
int64_t gang_vcpus(const struct core_job *job,
                   const struct core_environment *environment); /* of the least machines for all */

#endif
