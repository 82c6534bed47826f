/* SPDX-License-Identifier: Apache-2.0 */
/* replace.c - a job that takes the place of one that FAILED
 *
 * spec.replaces is a dependency of its own kind: the job waits until the one it names has FAILED,
 * and then takes its place. Children of an array that had succeeded there count as succeeded here.
 * That is written before anything of the new job starts, and before anybody follows it: whoever
 * waits for a job that failed (it holds on it, or came later) then waits for its replacement
 * instead, and that one's uid is in its record. A replacement that fails can be replaced in turn.
 *
 * A job has one replacement at most; the first that was there when it failed. Who replaced whom is
 * found by uid also when the replaced job is gone: by the replacement's own record. */
#include "replace.h"
#include "results.h"

#include <stdlib.h>
#include <string.h>

static struct core_dependency *replaces_of(const struct core_job *job)
{
    if (job->dependency_count == 0)
        return NULL;
    struct core_dependency *last = &job->dependencies[job->dependency_count - 1];
    return last->type == DEPENDENCY_REPLACES ? last : NULL;
}

void replace_read(struct core *core, struct core_job *job)
{
    const struct batch_job *spec = job->spec;
    if (spec->replaces == NULL)
        return;
    struct core_dependency *dependency = &job->dependencies[job->dependency_count++];
    *dependency = (struct core_dependency){
        .job = job,
        .name = text_copy(spec->replaces),
        .type = DEPENDENCY_REPLACES,
        .condition = DEPEND_ON_FAILURE,
    };
    const struct replaces_record *record = &spec->status.replaces;
    if (text_eq(record->job.job_name, spec->replaces)) {
        text_set(&dependency->uid, record->job.uid);
        dependency->outcome = (int)record->job.outcome;
    }
    if (dependency->outcome != DEPENDENCY_SATISFIED) {
        job->waiting_whole++;
        return;
    }
    job->children_taken = record->children_taken;
    if (dependency->uid != NULL)
        map_put(core->replacements, dependency->uid, job);
}

static bool is_durable(const struct core_job *replacement)
{
    return replaces_of(replacement)->sequence <= replacement->written_sequence;
}

struct core_job *replace_find(const struct core *core, const char *uid)
{
    struct core_job *found = map_get(core->replacements, uid);
    if (found == NULL || !is_durable(found))
        return found;
    struct core_job *next;
    while ((next = map_get(core->replacements, found->uid)) != NULL && is_durable(next))
        found = next;
    return found;
}

bool replace_can_follow(const struct core_job *replacement)
{
    return is_durable(replacement);
}

/* ------------------------------------------------------------------- taking the place */

void replace_refuse(struct core *core, struct core_dependency *dependency, const char *why)
{
    struct core_job *job = dependency->job;
    dependency->outcome = DEPENDENCY_FAILED;
    if (job->ended)
        return;
    AUTO_TEXT words = text_printf("spec.replaces.jobName: %s %s", dependency->name, why);
    job_changed(core, job, 0);
    dependency->sequence = job->sequence;
    job_fail_waiting(core, job, "ReplacesRefused", words);
}

static char *size_words(const struct core_job *job)
{
    return job->array ? text_printf("an array of %u", job->size) : text_copy("a single job");
}

/* Why the job cannot take the place of the one that FAILED; NULL: it can. */
static char *why_not(const struct core *core, const struct core_job *job, const struct core_job *on)
{
    if (on->phase != JOB_FAILED)
        return text_copy("ended SUCCEEDED, expected a job that FAILED");
    const struct core_job *other = map_get(core->replacements, on->uid);
    if (other != NULL)
        return text_printf("is replaced by %s already (%s), expected that one once it has FAILED",
                           other->spec->meta.name, job_phase_name(other->phase));
    bool same = on->array == job->array && (!on->array || on->size == job->size);
    if (on->spec->invalid != NULL || !on->sized || same)
        return NULL;
    AUTO_TEXT was = size_words(on);
    AUTO_TEXT is = size_words(job);
    return text_printf("was %s and this is %s, expected the same size", was, is);
}

static void take(struct core *core, struct core_dependency *dependency)
{
    struct core_job *job = dependency->job;
    const struct core_job *on = dependency->on;
    job->children_taken = 0;
    for (uint32_t i = 0; on->array && on->size == job->size && i < job->size; i++) {
        bool ended = job->children[i].phase >= JOB_SUCCEEDED; /* stopped, or skipped */
        if (ended || depend_child_outcome(on, i) <= 0)
            continue;
        child_move(core, job, i, ON_SUCCEED);
        job->children_taken++;
        result_inherit(job, i, on);
    }
    dependency->outcome = DEPENDENCY_SATISFIED;
    job_changed(core, job, 0);
    dependency->sequence = job->sequence;
    job->decided_sequence = job->sequence;
    job->taking = true;
    map_put(core->replacements, on->uid, job);
    AUTO_TEXT words = text_printf("takes the place of %s", dependency->name);
    notice(core, "BatchJob", &job->spec->meta, "Normal", "Replaces", words);
}

/* Of those that wait to replace the same job the oldest goes first. */
static bool is_older(const struct core_job *a, const struct core_job *b)
{
    if (a->spec->meta.created_ns != b->spec->meta.created_ns)
        return a->spec->meta.created_ns < b->spec->meta.created_ns;
    return strcmp(a->key, b->key) < 0;
}

static bool may_take(const struct core_dependency *dependency)
{
    const struct core_job *job = dependency->job;
    return dependency->outcome == DEPENDENCY_WAITING && !job->ended && !job->gone &&
           !job_is_stopped(job) && job->children != NULL && job->sized;
}

void replace_look(struct core *core, struct core_dependency *dependency)
{
    const struct core_job *on = dependency->on;
    if (on == NULL || !on->end_durable || !may_take(dependency))
        return;
    if (core->beginning) { /* not all that wait to replace it are in the list yet */
        depend_again_later(core, dependency->job);
        return;
    }
    for (const struct core_dependency *d = dependency->list->first; d != NULL; d = d->next) {
        if (d->type != DEPENDENCY_REPLACES || d == dependency || d->on != on || !may_take(d) ||
            !is_older(d->job, dependency->job))
            continue;
        AUTO_TEXT words = why_not(core, d->job, on);
        if (words == NULL)
            return; /* its turn comes in the same walk, and after it this one is looked at again */
    }
    AUTO_TEXT words = why_not(core, dependency->job, on);
    if (words != NULL)
        replace_refuse(core, dependency, words);
    else
        take(core, dependency);
}

void replace_left(struct core *core, struct core_job *job)
{
    const struct core_dependency *dependency = replaces_of(job);
    if (dependency != NULL && dependency->outcome == DEPENDENCY_WAITING && dependency->on != NULL &&
        dependency->on->end_durable)
        depend_ended_later(core, dependency->on);
}

void replace_written(struct core *core, struct core_job *job)
{
    const struct core_dependency *dependency = replaces_of(job);
    if (!job->taking || !is_durable(job))
        return;
    job->taking = false;
    job->waiting_whole--;
    struct core_job *on = map_get(core->jobs, dependency->uid);
    if (on != NULL)
        depend_ended_later(core, on); /* who waits for it follows now */
    if (job->admitted)
        depend_look_all(core, job);
    else
        job_admit(core, job);
}

void replace_gone(struct core *core, struct core_job *job)
{
    const struct core_dependency *dependency = replaces_of(job);
    if (dependency == NULL || dependency->uid == NULL ||
        map_get(core->replacements, dependency->uid) != job)
        return;
    map_remove(core->replacements, dependency->uid);
    struct core_job *on = map_get(core->jobs, dependency->uid);
    if (on != NULL && on->end_durable)
        depend_ended_later(core, on);
}

void replace_fill(struct arena *arena, const struct core_job *job, struct job_status *ret_status)
{
    const struct core_dependency *dependency = replaces_of(job);
    if (dependency == NULL)
        return;
    struct replaces_record *record = &ret_status->replaces;
    record->job.job_name = arena_copy(arena, dependency->name);
    record->job.uid = arena_copy(arena, dependency->uid);
    record->job.outcome = (__typeof__(record->job.outcome))dependency->outcome;
    record->children_taken = job->children_taken;
}
