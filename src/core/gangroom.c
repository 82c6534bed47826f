/* SPDX-License-Identifier: Apache-2.0 */
/* gangroom.c - is there room for a multi-node job, and what would it take?
 *
 * Its parts may differ, so that "enough nodes" is a matching of parts with nodes: a small part must
 * not take the only node that is large enough for a large one. Parts of one class are alike, so
 * the way that makes place for one more part (find) looks at each class once, however many parts
 * there are; a job of one class is matched in one walk over the nodes. Nothing is reserved here. */
#include "gang.h"

#include <stdlib.h>

struct walk {
    const struct core *core;
    const struct core_job *job;
    const struct core_environment *environment;
    enum gang_room room;
    struct core_node **nodes;         /* by part */
    uint64_t number;                  /* of the matching */
    const struct core_class **looked; /* classes that this search has come by */
    size_t looked_count;
};

static bool fits(const struct walk *walk, const struct core_node *node,
                 const struct core_class *class_)
{
    if (node == NULL)
        return false;
    if (walk->room == GANG_ROOM_EVER)
        return node_could_fit(node, class_);
    struct amounts free_;
    if (node->gang != NULL || node->live > 0 || !node_is_usable(node))
        return false;
    node_free_amounts(node, &free_);
    return amounts_fit(&class_->needs, &free_) && node_takes(node, class_);
}

static bool is_matched(const struct walk *walk, const struct core_node *node)
{
    return node->match == walk->number;
}

static bool come_by(struct walk *walk, const struct core_class *class_)
{
    for (size_t i = 0; i < walk->looked_count; i++) {
        if (walk->looked[i] == class_)
            return false;
    }
    walk->looked[walk->looked_count++] = class_;
    return true;
}

/* A node for one more part of the class: a free one, or one whose part finds another. As deep as
 * there are classes, at most one a range. */
static struct core_node *find(struct walk *walk, const struct core_class *class_)
{
    const struct core_job *job = walk->job;
    if (!come_by(walk, class_))
        return NULL;
    for (size_t i = 0; i < walk->environment->slot_count; i++) {
        struct core_node *node = walk->environment->slots[i];
        if (fits(walk, node, class_) && !is_matched(walk, node))
            return node;
    }
    for (uint32_t i = 0; i < job->size; i++) {
        struct core_node *node = walk->nodes[i];
        if (node == NULL || job_class(job, i) == class_ || !fits(walk, node, class_))
            continue;
        struct core_node *other = find(walk, job_class(job, i));
        if (other == NULL)
            continue;
        other->match = walk->number;
        walk->nodes[i] = other;
        return node;
    }
    return NULL;
}

bool gang_part_waits(const struct core_job *job, uint32_t index, unsigned attempt)
{
    const struct child *child = &job->children[index];
    return job->gang_nodes[index] == NULL && child->pod == NULL && child->attempts < attempt;
}

void gang_match(struct core *core, const struct core_job *job,
                const struct core_environment *environment, enum gang_room room, unsigned attempt,
                struct gang_match *ret_match)
{
    struct walk walk = {.core = core,
                        .job = job,
                        .environment = environment,
                        .room = room,
                        .nodes = mem_new((size_t)job->size * sizeof(*walk.nodes)),
                        .number = ++core->gang_match,
                        .looked = mem_new((size_t)job->size * sizeof(*walk.looked))};
    const struct core_class *last = NULL;
    size_t slot = 0; /* neighbours of one class go on where the one before them stopped */
    uint32_t missing = 0;
    for (uint32_t i = 0; i < job->size; i++) {
        const struct core_class *class_ = job_class(job, i);
        struct core_node *node = NULL;
        if (room == GANG_ROOM_NOW && !gang_part_waits(job, i, attempt))
            continue;
        if (class_ != last)
            slot = 0;
        last = class_;
        for (; node == NULL && slot < environment->slot_count; slot++) {
            struct core_node *here = environment->slots[slot];
            if (fits(&walk, here, class_) && !is_matched(&walk, here))
                node = here;
        }
        walk.looked_count = 0;
        if (node == NULL && job->class_count > 1)
            node = find(&walk, class_);
        if (node != NULL) {
            node->match = walk.number;
            walk.nodes[i] = node;
        } else {
            missing++;
        }
    }
    free(walk.looked);
    *ret_match = (struct gang_match){.nodes = walk.nodes, .missing = missing};
}

/* Others' pods may hold room there for as long as they like. */
bool gang_part_fits(const struct core_node *node, const struct core_class *class_)
{
    struct amounts free_;
    node_free_amounts(node, &free_);
    return amounts_fit(&class_->needs, &free_) && node_could_fit(node, class_);
}

bool gang_could_use(const struct core_job *job, const struct core_node *node)
{
    const struct core_class *last = NULL;
    for (uint32_t i = 0; i < job->size; i++) {
        if (job_class(job, i) != last && gang_part_fits(node, job_class(job, i)))
            return true;
        last = job_class(job, i);
    }
    return false;
}

bool gang_fits_now(struct core *core, const struct core_job *job,
                   const struct core_environment *environment)
{
    struct gang_match match;
    gang_match(core, job, environment, GANG_ROOM_NOW, UINT32_MAX, &match);
    free(match.nodes);
    return match.missing == 0;
}

int64_t machine_least_vcpus(const struct core_environment *environment,
                            const struct core_class *class_, int64_t now_ns)
{
    int64_t smallest = 0;
    for (size_t i = 0; i < environment->type_count; i++) {
        const struct core_type *type = &environment->types[i];
        if (type->wanted && type->out_until_ns <= now_ns &&
            (!type->over_bid || now_ns == INT64_MAX) && amounts_fit(&class_->needs, &type->room) &&
            type_matches(environment, type, class_) &&
            (smallest == 0 || type->spec.vcpus < smallest))
            smallest = type->spec.vcpus > 0 ? type->spec.vcpus : 1;
    }
    return smallest;
}

int64_t gang_vcpus(const struct core_job *job, const struct core_environment *environment)
{
    int64_t sum = 0;
    int64_t smallest = 0;
    const struct core_class *last = NULL;
    for (uint32_t i = 0; i < job->size; i++) {
        if (job_class(job, i) != last)
            smallest = machine_least_vcpus(environment, job_class(job, i), INT64_MAX);
        if (smallest == 0)
            return 0;
        last = job_class(job, i);
        sum += smallest;
    }
    return sum;
}

/* Nodes that are there, at their emptiest, or machines that maxvCpus allows: enough for all? */
bool gang_could_fit(struct core *core, const struct core_job *job,
                    const struct core_environment *environment)
{
    bool bought = environment->spec->provider != PROVIDER_STATIC;
    if (!gang_allowed(job, environment))
        return false;
    if (bought && !environment->types_known)
        return true; /* not certain yet */
    int64_t vcpus = bought ? gang_vcpus(job, environment) : 0;
    if (vcpus > 0 && vcpus <= environment->spec->max_vcpus)
        return true;
    struct gang_match match;
    gang_match(core, job, environment, GANG_ROOM_EVER, UINT32_MAX, &match);
    free(match.nodes);
    return match.missing == 0;
}
