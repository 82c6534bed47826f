/* SPDX-License-Identifier: Apache-2.0 */
/* depend.c - dependencies: who waits for whom, and what an end means to those who wait
 *
 * Everyone who names a job is in one list under that name, whether the job exists or not, so that
 * jobs may be applied in any order. A dependency that has been seen (its uid is recorded) and is
 * deleted before it ended has failed; one that was never seen is waited for. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static char *name_key(const char *namespace_, const char *name)
{
    return text_printf("%s/%s", namespace_ != NULL ? namespace_ : "", name);
}

static struct dependants *dependants_of(struct core *core, const char *key, bool make)
{
    struct dependants *list = map_get(core->dependants, key);
    if (list == NULL && make) {
        list = mem_new(sizeof(*list));
        list->key = text_copy(key);
        map_put(core->dependants, key, list);
    }
    return list;
}

static void unlink_dependency(struct core *core, struct core_dependency *dependency)
{
    struct dependants *list = dependency->list;
    if (list == NULL)
        return;
    if (dependency->prev != NULL)
        dependency->prev->next = dependency->next;
    else
        list->first = dependency->next;
    if (dependency->next != NULL)
        dependency->next->prev = dependency->prev;
    dependency->prev = dependency->next = NULL;
    dependency->list = NULL;
    if (list->first == NULL) {
        map_remove(core->dependants, list->key);
        free(list->key);
        free(list);
    }
}

/* Did this child of an ended or running job succeed (1), fail (-1), or neither yet (0)? */
static int child_outcome(const struct core_job *job, uint32_t index)
{
    if (job->children != NULL) {
        enum job_phase phase = (enum job_phase)job->children[index].phase;
        return phase == JOB_SUCCEEDED ? 1 : phase == JOB_FAILED ? -1 : 0;
    }
    if (job->phase == JOB_SUCCEEDED)
        return 1;
    if (job->failed_bits == NULL)
        return -1;
    return (job->failed_bits[index / 8] & (1U << (index % 8))) != 0 ? -1 : 1;
}

static bool is_n_to_n(const struct core_dependency *dependency)
{
    return dependency->type == DEPENDENCY_N_TO_N;
}

bool depend_met(struct core *core, struct core_job *job, uint32_t index)
{
    UNUSED(core);
    if (job->waiting_whole > 0)
        return false;
    if (job->sequential && index > 0 && job->children[index - 1].phase != JOB_SUCCEEDED)
        return false;
    for (size_t i = 0; i < job->dependency_count; i++) {
        const struct core_dependency *dependency = &job->dependencies[i];
        if (!is_n_to_n(dependency) || dependency->outcome == DEPENDENCY_SATISFIED)
            continue;
        if (dependency->on == NULL || dependency->on->size != job->size ||
            child_outcome(dependency->on, index) <= 0)
            return false;
    }
    return true;
}

bool depend_failed(struct core *core, struct core_job *job, uint32_t index)
{
    UNUSED(core);
    if (job->sequential && index > 0 && job->children[index - 1].phase == JOB_FAILED)
        return true;
    for (size_t i = 0; i < job->dependency_count; i++) {
        const struct core_dependency *dependency = &job->dependencies[i];
        if (!is_n_to_n(dependency))
            continue;
        if (dependency->outcome == DEPENDENCY_FAILED && dependency->on == NULL)
            return true;
        if (dependency->on != NULL && dependency->on->size == job->size &&
            child_outcome(dependency->on, index) < 0)
            return true;
    }
    return false;
}

static void depend_job_ended(struct core *core, struct core_job *job);

static void look_later(struct core *core, struct core_job *job, uint32_t index)
{
    if (core->look_count > 0) { /* the same again is the usual repetition */
        const struct look *last = &core->looks[core->look_count - 1];
        if (last->job == job && last->index == index)
            return;
    }
    ARRAY_ROOM(core->looks, core->look_count, core->look_capacity);
    core->looks[core->look_count++] = (struct look){job, index};
}

/* Looks at one held child of an admitted job. True: it failed just now. */
static bool child_look(struct core *core, struct core_job *job, uint32_t index)
{
    if (job->children[index].phase != JOB_PENDING)
        return false;
    if (depend_failed(core, job, index)) {
        job->children[index].dependency_failed = 1;
        failures_child(job, index,
                       &(struct failure_words){.status_reason = "Dependent Job failed"});
        child_move(core, job, index, ON_FAIL);
        job_changed(core, job, 0);
        depend_child_ended(core, job, index);
        return true;
    }
    if (depend_met(core, job, index) && !job_is_stopped(job))
        child_move(core, job, index, ON_READY);
    return false;
}

/* From index on; index LOOK_ALL: every child. A child that fails takes those after it along when
 * they are SEQUENTIAL, here in a loop: an array may be a million long. */
static void children_look(struct core *core, struct core_job *job, uint32_t index)
{
    if (job->children == NULL || !job->admitted)
        return;
    uint32_t first = index == LOOK_ALL ? 0 : index;
    uint32_t end = index == LOOK_ALL ? job->size : index + 1;
    for (uint32_t i = first; i < end; i++) {
        bool failed = child_look(core, job, i);
        if (failed && job->sequential && i + 1 == end && end < job->size)
            end++;
    }
    job_settle(core, job);
}

/* The work that ends and changes of others have caused, one after another instead of one inside
 * another: chains of dependants can be as long as users make them. */
void depend_settle(struct core *core)
{
    for (size_t i = 0; i < core->look_count; i++) {
        struct look look = core->looks[i];
        if (look.index == LOOK_DEPENDANTS)
            depend_job_ended(core, look.job);
        else
            children_look(core, look.job, look.index);
    }
    core->look_count = 0;
}

void depend_ended_later(struct core *core, struct core_job *job)
{
    look_later(core, job, LOOK_DEPENDANTS);
}

static void dependency_fails(struct core *core, struct core_dependency *dependency, const char *why)
{
    struct core_job *job = dependency->job;
    dependency->outcome = DEPENDENCY_FAILED;
    if (job->ended)
        return;
    job_changed(core, job, 0);
    dependency->sequence = job->sequence;
    if (is_n_to_n(dependency) && dependency->on != NULL) { /* child by child; at the latest when
                                                              the job is admitted */
        if (job->admitted)
            look_later(core, job, LOOK_ALL);
        return;
    }
    AUTO_TEXT words = text_printf("Dependent Job failed: %s %s", dependency->name, why);
    job_fail_waiting(core, job, "DependencyFailed", words);
}

static void dependency_met(struct core *core, struct core_dependency *dependency)
{
    struct core_job *job = dependency->job;
    if (dependency->outcome == DEPENDENCY_SATISFIED)
        return;
    dependency->outcome = DEPENDENCY_SATISFIED;
    if (dependency->type != DEPENDENCY_N_TO_N)
        job->waiting_whole--;
    if (job->ended)
        return;
    job_changed(core, job, NS_PER_S);
    dependency->sequence = job->sequence;
    if (job->admitted)
        look_later(core, job, LOOK_ALL);
    else
        job_admit(core, job);
}

/* The job that a dependency names is there: what does that mean now? */
static void dependency_look(struct core *core, struct core_dependency *dependency)
{
    struct core_job *on = dependency->on;
    if (dependency->outcome != DEPENDENCY_WAITING || on == NULL)
        return;
    if (is_n_to_n(dependency) && on->size != dependency->job->size) {
        AUTO_TEXT why =
            text_printf("has %u children, expected %u for N_TO_N", on->size, dependency->job->size);
        dependency->on = NULL;
        dependency_fails(core, dependency, why);
    } else if (on->end_durable && on->phase == JOB_SUCCEEDED) {
        dependency_met(core, dependency);
    } else if (on->end_durable) {
        dependency_fails(core, dependency, "ended FAILED");
    }
}

/* Walks from job along unmet dependencies; writes the path if it comes back to it. Bounded by the
 * number of jobs: each is marked once. */
static bool find_cycle(struct core *core, struct core_job *from, struct core_job *target,
                       struct str *path, int depth)
{
    enum { DEPTH_MAX = 1000 };
    if (depth > DEPTH_MAX)
        return false;
    for (size_t i = 0; i < from->dependency_count; i++) {
        struct core_job *on = from->dependencies[i].on;
        if (on == NULL || on->ended || from->dependencies[i].outcome != DEPENDENCY_WAITING)
            continue;
        if (on != target) {
            if (on->mark == core->walk)
                continue;
            on->mark = core->walk;
            size_t before = path->size;
            str_addf(path, " -> %s", on->spec->meta.name);
            if (find_cycle(core, on, target, path, depth + 1))
                return true;
            path->size = before;
            if (path->data != NULL)
                path->data[before] = '\0';
            continue;
        }
        str_addf(path, " -> %s", target->spec->meta.name);
        return true;
    }
    return false;
}

/* Fails every job on the cycle that job closes. Specs are immutable, so a cycle can never resolve.
 */
static bool break_cycle(struct core *core, struct core_job *job)
{
    AUTO_STR path = STR_EMPTY;
    core->walk++;
    str_add(&path, job->spec->meta.name);
    if (!find_cycle(core, job, job, &path, 0))
        return false;
    AUTO_TEXT words = text_printf(
        "dependency cycle: %s; delete one of these jobs and submit it without the dependency",
        str_text(&path));
    job_fail_waiting(core, job, "DependencyCycle", words);
    return true; /* the others fail with it: their dependency has failed */
}

void depend_start(struct core *core, struct core_job *job)
{
    for (size_t i = 0; i < job->dependency_count; i++) {
        struct core_dependency *dependency = &job->dependencies[i];
        bool by_child = is_n_to_n(dependency) && dependency->outcome == DEPENDENCY_FAILED;
        if (dependency->name == NULL || job->ended ||
            (dependency->outcome != DEPENDENCY_WAITING && !by_child))
            continue;
        AUTO_TEXT key = name_key(job->spec->meta.namespace_, dependency->name);
        struct dependants *list = dependants_of(core, key, true);
        dependency->list = list;
        dependency->next = list->first;
        if (list->first != NULL)
            list->first->prev = dependency;
        list->first = dependency;
        struct core_job *on = map_get(core->jobs_by_name, key);
        if (dependency->uid != NULL && (on == NULL || strcmp(on->uid, dependency->uid) != 0))
            on = NULL; /* the one it waited for is gone; another of the same name does not count */
        dependency->on = on;
        if (on != NULL)
            text_set(&dependency->uid, on->uid);
    }
    /* Those who waited for this name. */
    struct dependants *list = dependants_of(core, job->key, false);
    for (struct core_dependency *d = list != NULL ? list->first : NULL; d != NULL; d = d->next) {
        if (d->on == NULL && d->outcome == DEPENDENCY_WAITING &&
            (d->uid == NULL || strcmp(d->uid, job->uid) == 0)) {
            d->on = job;
            text_set(&d->uid, job->uid);
            job_changed(core, d->job, NS_PER_S);
        }
    }
    /* Whom nobody waits for closes no cycle. */
    if (!job->ended && list != NULL && break_cycle(core, job))
        return;
    for (size_t i = 0; i < job->dependency_count && !job->ended; i++) {
        struct core_dependency *dependency = &job->dependencies[i];
        if (dependency->name == NULL || dependency->outcome != DEPENDENCY_WAITING)
            continue;
        if (dependency->on == NULL && dependency->uid != NULL)
            dependency_fails(core, dependency, "was deleted before it ended");
        else
            dependency_look(core, dependency);
    }
}

void depend_stop(struct core *core, struct core_job *job)
{
    for (size_t i = 0; i < job->dependency_count; i++)
        unlink_dependency(core, &job->dependencies[i]);
}

/* A dependant that fails stays in the list until its job is gone, so the walk is safe. */
static void depend_job_ended(struct core *core, struct core_job *job)
{
    struct dependants *list = dependants_of(core, job->key, false);
    struct core_dependency *next;
    for (struct core_dependency *d = list != NULL ? list->first : NULL; d != NULL; d = next) {
        next = d->next;
        if (d->on == job)
            dependency_look(core, d);
    }
}

void depend_child_ended(struct core *core, struct core_job *job, uint32_t index)
{
    if (job->sequential && index + 1 < job->size && job->children != NULL)
        look_later(core, job, index + 1);
    struct dependants *list = dependants_of(core, job->key, false);
    for (struct core_dependency *d = list != NULL ? list->first : NULL; d != NULL; d = d->next) {
        if (d->on == job && is_n_to_n(d) && d->job->admitted && d->job->size == job->size)
            look_later(core, d->job, index);
    }
}

void depend_job_gone(struct core *core, struct core_job *job)
{
    struct dependants *list = dependants_of(core, job->key, false);
    struct core_dependency *next;
    for (struct core_dependency *d = list != NULL ? list->first : NULL; d != NULL; d = next) {
        next = d->next;
        if (d->on != job)
            continue;
        d->on = NULL;
        if (d->outcome == DEPENDENCY_WAITING)
            dependency_fails(core, d, "was deleted before it ended");
    }
}

/* Of a failed N_TO_N the children that are left are still looked up one by one. */
bool depend_all_know(struct core *core, const struct core_job *job)
{
    const struct dependants *list = dependants_of(core, job->key, false);
    for (const struct core_dependency *d = list != NULL ? list->first : NULL; d != NULL;
         d = d->next) {
        if (d->on != job || d->job->end_durable || d->job->gone)
            continue;
        if (d->outcome != DEPENDENCY_SATISFIED || d->sequence > d->job->written_sequence)
            return false;
    }
    return true;
}

static enum job_phase phase_now(const struct core_job *job)
{
    bool whole = job->ended || job->array || job->children == NULL;
    return whole ? job->phase : (enum job_phase)job->children[0].phase;
}

void depend_print(struct core *core, const struct core_job *job, struct str *out)
{
    UNUSED(core);
    size_t told = 0;
    size_t left = 0;
    for (size_t i = 0; i < job->dependency_count; i++) {
        const struct core_dependency *d = &job->dependencies[i];
        if (d->name == NULL || d->outcome == DEPENDENCY_SATISFIED)
            continue;
        if (told >= 3) {
            left++;
            continue;
        }
        str_addf(out, "%s%s (%s)", told > 0 ? ", " : "", d->name,
                 d->on == NULL ? "does not exist yet" : job_phase_name(phase_now(d->on)));
        told++;
    }
    if (left > 0)
        str_addf(out, " and %zu more", left);
    if (told == 0 && job->sequential)
        str_add(out, "the child before (SEQUENTIAL)");
}
