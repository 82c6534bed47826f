/* SPDX-License-Identifier: Apache-2.0 */
/* gang.c - multi-node parallel jobs: many pods that start together, each alone on its node
 *
 * A gang is placed whole or not at all: a node for each of its nodes, empty of pods of ours, is
 * reserved, then the main node's pod is created, and when that runs the others follow. A reserved
 * node takes no other work (rooms.c) and is not given back (giveback.c) until its part has ended.
 *
 * The main node decides. While it lives, the end of another is recorded and nothing more: it
 * waits, spent, for the attempt to be over. When the main's pod has ended, every other is stopped;
 * only when the last is gone does the job end, or wait for a place again as a whole. So no two
 * attempts are ever there at once.
 *
 * Nothing of a reservation is stored. After a restart the main's pod tells that its gang is placed;
 * the nodes of the parts that have not started are as empty as they were, since nobody but this
 * core places there, and open gangs take theirs before any queue is looked at. Which nodes they get
 * may differ; that there are enough does not, unless machines died meanwhile, and then the part
 * waits for another. */
#include "gang.h"
#include "causes.h"

#include <stdlib.h>
#include <string.h>

struct core_class *job_class(const struct core_job *job, uint32_t index)
{
    return job->gang_classes != NULL ? job->gang_classes[index] : job->class_;
}

int64_t job_milli_at_once(const struct core_job *job)
{
    int64_t milli = job->gang ? 0 : job->class_->needs.v[DIM_CPU];
    for (uint32_t i = 0; job->gang && i < job->size; i++)
        milli += job_class(job, i)->needs.v[DIM_CPU];
    return milli;
}

bool gang_allowed(const struct core_job *job, const struct core_environment *environment)
{
    return !job->gang || job->nodes == NULL || job->nodes->allow_spot || !environment->spec->spot;
}

/* ------------------------------------------------------------------ what it is made of */

/* The nodes with the job's overrides, made once. Of jobs that have ended they are not looked at. */
static const struct node_properties *overridden(struct core_job *job,
                                                const struct node_properties *nodes)
{
    const struct batch_job *spec = job->spec;
    if (!spec->has_node_overrides || nodes == NULL || job->ended)
        return nodes;
    if (job->changed_nodes == NULL && job->bad_override == NULL) {
        struct err err = {0};
        struct node_properties changed = {0};
        if (node_overrides_apply(nodes, &spec->node_overrides, &changed, &err) < 0) {
            job->bad_override = text_copy(err.text);
            return nodes;
        }
        job->changed_nodes = mem_new(sizeof(*job->changed_nodes));
        *job->changed_nodes = changed;
    }
    return job->changed_nodes != NULL ? job->changed_nodes : nodes;
}

void gang_forget_nodes(struct core_job *job)
{
    if (job->changed_nodes == NULL)
        return;
    if (job->nodes == job->changed_nodes)
        job->nodes = NULL;
    node_properties_done(job->changed_nodes);
    free(job->changed_nodes);
    job->changed_nodes = NULL;
}

bool gang_is_measurable(const struct core_job *job)
{
    for (uint32_t i = 0; job->gang_classes != NULL && i < job->size; i++) {
        if (!job->gang_classes[i]->measurable)
            return false;
    }
    return job->class_->measurable;
}

void gang_bind(struct core *core, struct core_job *job, const struct node_properties *given)
{
    const struct node_properties *nodes = overridden(job, given);
    job->nodes = nodes;
    if (nodes == NULL)
        return;
    job->main_node = (uint32_t)nodes->main_node;
    job->template_ = &node_range_of(nodes, nodes->main_node)->template_;
    if (!job->gang && job->children != NULL) { /* its definition was not there when it came */
        job_uncount(core, job);
        memset(job->counts, 0, sizeof(job->counts));
        free(job->children);
        job->children = mem_new((size_t)nodes->num_nodes * sizeof(*job->children));
        job->size = (uint32_t)nodes->num_nodes;
        job_count_new(core, job);
    }
    job->gang = true;
    job->size = (uint32_t)nodes->num_nodes;
}

void gang_classes(struct core *core, struct core_job *job)
{
    if (job->nodes == NULL || job->gang_classes != NULL)
        return;
    job->gang_classes = mem_new((size_t)job->size * sizeof(struct core_class *));
    job->gang_nodes = mem_new((size_t)job->size * sizeof(struct core_node *));
    job->class_count = 0;
    for (uint32_t i = 0; i < job->size; i++) {
        job->gang_classes[i] =
            class_for_template(core, &node_range_of(job->nodes, i)->template_.placement);
        job->class_count += i == 0 || job->gang_classes[i] != job->gang_classes[i - 1];
    }
    quota_keep(core, job);
}

bool gang_uses_runtime(const struct core_job *job, const char *runtime_class)
{
    for (size_t i = 0; job->nodes != NULL && i < job->nodes->range_count; i++) {
        if (text_eq(job->nodes->ranges[i].template_.placement.runtime_class, runtime_class))
            return true;
    }
    return false;
}

void gang_reclass(struct core *core, struct core_job *job)
{
    if (job->gang_classes == NULL || job->nodes == NULL)
        return;
    job->class_count = 0;
    for (uint32_t i = 0; i < job->size; i++) {
        struct core_class *old = job->gang_classes[i];
        job->gang_classes[i] =
            class_for_template(core, &node_range_of(job->nodes, i)->template_.placement);
        class_drop(core, old);
        job->class_count += i == 0 || job->gang_classes[i] != job->gang_classes[i - 1];
    }
    quota_keep(core, job);
}

/* --------------------------------------------------------------------- reservations */

static void take(struct core *core, struct core_job *job, uint32_t index, struct core_node *node)
{
    job->gang_nodes[index] = node;
    node->gang = job;
    node_room_changed(core, node);
}

static void give(struct core *core, struct core_job *job, uint32_t index)
{
    struct core_node *node = job->gang_nodes != NULL ? job->gang_nodes[index] : NULL;
    if (node == NULL)
        return;
    job->gang_nodes[index] = NULL;
    node->gang = NULL;
    if (node->live == 0)
        node->idle_since_ns = core->now_ns;
    node_room_changed(core, node);
    node_idle_timer(core, node);
}

static void list_add(struct core *core, struct core_job *job)
{
    if (job->in_gangs)
        return;
    job->in_gangs = true;
    job->gang_next = core->gangs;
    core->gangs = job;
}

void gang_node_unusable(struct core *core, struct core_node *node)
{
    list_add(core, node->gang);
}

void gang_node_gone(struct core *core, struct core_node *node)
{
    struct core_job *job = node->gang;
    node->gang = NULL;
    if (job != NULL)
        list_add(core, job);
    for (uint32_t i = 0; job != NULL && i < job->size; i++) {
        if (job->gang_nodes[i] == node)
            job->gang_nodes[i] = NULL;
    }
}

/* A node for each part that still needs one and has none; how many found none. */
static uint32_t reserve(struct core *core, struct core_job *job,
                        const struct core_environment *environment, unsigned attempt)
{
    struct gang_match match;
    gang_match(core, job, environment, GANG_ROOM_NOW, attempt, &match);
    for (uint32_t i = 0; i < job->size; i++) {
        if (match.nodes[i] != NULL)
            take(core, job, i, match.nodes[i]);
    }
    uint32_t missing = match.missing;
    free(match.nodes);
    return missing;
}

static void release(struct core *core, struct core_job *job)
{
    for (uint32_t i = 0; i < job->size; i++)
        give(core, job, i);
}

/* ------------------------------------------------------------------------- placing */

bool gang_place(struct core *core, struct core_job *job, struct core_environment *environment)
{
    if (job->runnable.total < job->size || job->gang_open || consume_lacks(core, job) ||
        quota_times(core, job) <= 0)
        return false;
    if (creates_are_full(core)) {
        core->creates_full = true;
        environment->starved_ns = core->now_ns;
        return false;
    }
    if (!gang_fits_now(core, job, environment))
        return false;
    (void)reserve(core, job, environment, UINT32_MAX);
    if (pod_place(core, job, job->main_node, job->gang_nodes[job->main_node]) == NULL) {
        release(core, job);
        job_hold(core, job, VERDICT_RETRY, "an earlier pod of the same name has not gone yet",
                 NS_PER_S);
        return false;
    }
    core->plan_creates++;
    job->gang_open = true;
    consume_keep(core, job);
    quota_keep(core, job);
    queue_enter(core, job);
    return true;
}

/* True: nothing is left to be started. */
static bool start_parts(struct core *core, struct core_job *job, unsigned attempt)
{
    bool all = true;
    for (uint32_t i = 0; i < job->size; i++) {
        const struct child *child = &job->children[i];
        struct core_node *node = job->gang_nodes[i];
        if (child->pod != NULL || child->attempts >= attempt || i == job->main_node)
            continue;
        all = false;
        if (creates_are_full(core)) {
            core->creates_full = true;
            return false;
        }
        if (node == NULL || !consume_part_fits(job) || pod_place(core, job, i, node) == NULL)
            continue;
        core->plan_creates++;
        consume_keep(core, job);
        quota_keep(core, job);
    }
    return all;
}

static bool still_fits(const struct core_node *node, const struct core_class *class_)
{
    struct amounts free_;
    node_free_amounts(node, &free_);
    return node_is_usable(node) && !node_rests_for(node, class_) &&
           amounts_fit(&class_->needs, &free_);
}

bool gang_is_whole(const struct core_pod *pod)
{
    const struct core_job *job = pod->job;
    for (uint32_t i = 0; job->gang && pod->index == job->main_node && i < job->size; i++) {
        const struct core_node *node = job->gang_nodes[i];
        if (i != job->main_node && (node == NULL || !still_fits(node, job_class(job, i))))
            return false;
    }
    return true;
}

/* A reserved node that can no longer be used, or where a pod that is not ours has taken the room:
 * the part needs another. */
static void drop_unusable(struct core *core, struct core_job *job)
{
    for (uint32_t i = 0; i < job->size; i++) {
        const struct core_node *node = job->gang_nodes[i];
        const struct core_pod *pod = job->children[i].pod;
        if (node != NULL && pod == NULL && !still_fits(node, job_class(job, i)))
            give(core, job, i);
        else if (pod != NULL && pod->node != NULL && pod->node->gang == NULL)
            take(core, job, i, job->children[i].pod->node); /* adopted */
    }
}

unsigned gang_attempt(const struct core_job *job)
{
    const struct core_pod *main_pod = job->children[job->main_node].pod;
    return main_pod != NULL ? main_pod->attempt : 0;
}

struct core_environment *gang_short_in(const struct core_job *job)
{
    if (job->gone || job->ended || job->children == NULL || !job->gang_open || !job->admitted)
        return NULL;
    const struct core_pod *main_pod = job->children[job->main_node].pod;
    if (main_pod == NULL || main_pod->node == NULL || main_pod->kill != KILL_NONE)
        return NULL;
    for (uint32_t i = 0; i < job->size; i++) {
        if (gang_part_waits(job, i, main_pod->attempt))
            return main_pod->node->environment;
    }
    return NULL;
}

/* True: nothing is left to do for now. */
static bool go_on(struct core *core, struct core_job *job)
{
    if (job->gone || job->ended || job->children == NULL || !job->gang_open || !job->admitted)
        return true;
    drop_unusable(core, job);
    const struct core_pod *main_pod = job->children[job->main_node].pod;
    if (main_pod == NULL || main_pod->node == NULL || main_pod->node->environment == NULL)
        return true;
    struct core_environment *environment = main_pod->node->environment;
    uint32_t missing = reserve(core, job, environment, main_pod->attempt);
    if (missing > 0) { /* a machine died: nobody takes what is to replace it */
        environment->held_by = job->queue;
        environment->held_for_part = true;
        environment->buy_dirty = environment->buy_dirty || environment->dirty;
    }
    if (!main_pod->started || main_pod->kill != KILL_NONE)
        return missing == 0;
    return job->hold_until_ns <= core->now_ns && start_parts(core, job, main_pod->attempt) &&
           missing == 0;
}

/* Before any queue: what is reserved, or was before a restart, is nobody else's. */
void gangs_place(struct core *core)
{
    struct core_job **link = &core->gangs;
    while (*link != NULL) {
        struct core_job *job = *link;
        if (!go_on(core, job)) {
            link = &job->gang_next;
            continue;
        }
        *link = job->gang_next;
        job->in_gangs = false;
    }
}

/* -------------------------------------------------------------------------- the end */

/* All but the main node's pod. False: one of them is there still. */
static bool stop_parts(struct core *core, struct core_job *job)
{
    bool left = false;
    job->gang_looking = true; /* a pod that was never sent ends at once, and comes by here */
    for (uint32_t i = 0; i < job->size; i++) {
        if (i == job->main_node)
            continue;
        if (job->children[i].pod != NULL)
            pod_kill(core, job->children[i].pod, KILL_GANG);
        left = left || job->children[i].pod != NULL;
    }
    job->gang_looking = false;
    return !left;
}

/* That the main node has ended may be heard of long after: its machine may have died. */
void gang_timed_out(struct core *core, struct core_job *job)
{
    (void)stop_parts(core, job);
}

static void look(struct core *core, struct core_job *job)
{
    if (!job->gang || job->gone || job->ended || job->children == NULL || job->gang_looking ||
        core->adopting)
        return;
    const struct child *main_child = &job->children[job->main_node];
    for (uint32_t i = 0; job->gang_nodes != NULL && i < job->size; i++) {
        if (i != job->main_node && main_child->pod != NULL && job->children[i].pod == NULL &&
            job->children[i].attempts >= main_child->pod->attempt)
            give(core, job, i); /* spent: its node is free again */
    }
    if (main_child->pod != NULL) {
        job->gang_open = true;
        list_add(core, job);
        return;
    }
    if (!stop_parts(core, job))
        return;
    if (job->gang_nodes != NULL)
        release(core, job);
    job->gang_open = false;
    for (uint32_t i = 0; i < job->size && main_child->phase >= JOB_SUCCEEDED; i++) {
        child_move(core, job, i, main_child->phase == JOB_SUCCEEDED ? ON_SUCCEED : ON_FAIL);
    }
    queue_enter(core, job);
}

/* What has changed about one of its pods may mean something for the others. */
void gang_look(struct core *core, struct core_job *job)
{
    look(core, job);
    consume_keep(core, job);
    quota_keep(core, job);
}

void gang_free(struct core *core, struct core_job *job)
{
    for (uint32_t i = 0; job->gang_classes != NULL && i < job->size; i++) {
        give(core, job, i);
        class_drop(core, job->gang_classes[i]);
    }
    free(job->gang_classes);
    free(job->gang_nodes);
    job->gang_classes = NULL;
    job->gang_nodes = NULL;
    job->gang_open = false;
    consume_keep(core, job);
    quota_keep(core, job);
}
