/* SPDX-License-Identifier: Apache-2.0 */
/* explain.c - why a job waits: its place in line, and the clause table of each environment
 *
 * A turn says of a waiting job only what it came by while it placed work: a code and a sentence.
 * Here the same question is answered whole, for one job and for whoever asks: every environment of
 * its queue, every node and instance type there, every clause. */
#include "explain.h"
#include "clauses.h"
#include "expect.h"
#include "forecast.h"
#include "gang.h"
#include "ladder.h"
#include "order.h"

#include <string.h>

const char *core_job_uid(const struct core *core, const char *namespace_, const char *name)
{
    AUTO_TEXT key = text_printf("%s/%s", namespace_, name);
    const struct core_job *job = map_get(core->jobs_by_name, key);
    return job != NULL ? job->uid : NULL;
}

static int64_t waiting_of(const struct core_job *job)
{
    return job->counts[JOB_SUBMITTED] + job->counts[JOB_PENDING] + job->counts[JOB_RUNNABLE];
}

/* ------------------------------------------------------------------------- place in line */

/* By the walk in the order in which they would start: a job may come by more than once there, and
 * counts where it first does. */
static void find_position(struct core *core, const struct core_job *job, struct arena *arena,
                          struct explanation *ret)
{
    struct order_walk walk;
    struct core_job *other;
    int64_t times = 0;
    const struct core_queue *queue = job->queue;
    if (queue == NULL || queue->spec == NULL || !order_has(job))
        return;
    for (other = order_each(queue, NULL); other != NULL && ret->in_line < EXPLAIN_AHEAD_MAX;
         other = order_each(queue, other))
        ret->in_line++;
    core->walk++;
    order_walk_begin(&walk, core, queue);
    while ((other = order_walk_next(&walk, &times)) != NULL && !ret->more_ahead) {
        ret->position += other->mark != core->walk;
        other->mark = core->walk;
        if (other == job)
            return;
        if (ret->head == NULL) {
            ret->head = arena_copy(arena, other->key);
            ret->head_reason = verdict_reason(other->verdict);
        }
        int64_t wanted = job_wanted(other);
        ret->tasks_ahead += wanted < times ? wanted : times;
        ret->more_ahead = ret->position >= EXPLAIN_AHEAD_MAX;
    }
}

/* ---------------------------------------------------------------------- its environments */

/* Of a multi-node job with parts that differ: those that the fewest nodes are left for. */
static const struct core_class *tightest_class(const struct core *core, const struct core_job *job,
                                               const struct core_environment *environment,
                                               struct arena *arena)
{
    enum { RUNS_MAX = 16 };
    const struct core_class *tightest = job->class_;
    int64_t least = INT64_MAX;
    int runs = 0;
    for (uint32_t i = 0; job->gang && i < job->size && runs < RUNS_MAX; runs++) {
        const struct core_class *class_ = job_class(job, i);
        int64_t parts = 0;
        struct explain_table table;
        for (; i < job->size && job_class(job, i) == class_; i++)
            parts++;
        clauses_of_nodes(core, environment, class_, true, arena, &table);
        if (table.fit - parts < least) {
            least = table.fit - parts;
            tightest = class_;
        }
    }
    return tightest;
}

static void explain_in(struct core *core, const struct core_job *job, const char *name, bool first,
                       struct arena *arena, struct explain_environment *ret)
{
    struct core_environment *environment = map_get(core->environments, name);
    ret->name = arena_copy(arena, name);
    if (environment == NULL) {
        ret->reason = verdict_reason(VERDICT_ENVIRONMENT);
        ret->words = "it does not exist";
        return;
    }
    const struct core_class *class_ = tightest_class(core, job, environment, arena);
    clauses_of_nodes(core, environment, class_, job->gang, arena, &ret->nodes);
    if (environment->spec != NULL && environment->spec->provider != PROVIDER_STATIC)
        clauses_of_types(core, environment, class_, arena, &ret->types);
    struct compute_environment_status status;
    ladder_fill(core, environment, arena, &status);
    memcpy(ret->launching, status.launching, sizeof(ret->launching));
    ret->launching_count = status.launching_count;
    AUTO_STR words = STR_EMPTY;
    enum verdict verdict = verdict_of_bar(core, job, environment, &words);
    bool room = job->gang ? ret->nodes.fit >= job->size : ret->nodes.fit > 0;
    bool held = environment->gives_way || environment_is_held(environment, job->queue);
    if (verdict == VERDICT_NONE && ((first && !room) || held))
        verdict = verdict_in(core, job, environment, &words);
    ret->reason = verdict != VERDICT_NONE ? verdict_reason(verdict) : NULL;
    ret->words = arena_copy(arena, str_text(&words));
}

static void explain_environments(struct core *core, const struct core_job *job, bool first,
                                 struct arena *arena, struct explanation *ret)
{
    const struct job_queue *queue = job->queue != NULL ? job->queue->spec : NULL;
    if (queue == NULL || job->class_ == NULL)
        return;
    ret->environments = arena_alloc(arena, queue->environment_count * sizeof(*ret->environments));
    for (size_t i = 0; i < queue->environment_count; i++)
        explain_in(core, job, queue->environments[i].compute_environment, first, arena,
                   &ret->environments[ret->environment_count++]);
}

/* ----------------------------------------------------------------------------- the whole */

static const char *needs_of(const struct core_job *job, struct arena *arena)
{
    if (job->class_ == NULL)
        return NULL;
    AUTO_STR text = STR_EMPTY;
    job_needs_print(job, &text);
    return arena_copy(arena, str_text(&text));
}

bool core_explain(struct core *core, const char *uid, struct arena *arena,
                  struct explanation *ret_explanation)
{
    struct core_job *job = map_get(core->jobs, uid);
    *ret_explanation = (struct explanation){0};
    if (job == NULL)
        return false;
    struct explanation *ret = ret_explanation;
    ret->key = arena_copy(arena, job->key);
    ret->uid = arena_copy(arena, job->uid);
    ret->queue = arena_copy(arena, job->spec->queue);
    if (job->ended || job->children == NULL) {
        ret->phase = job_phase_name(job->phase);
        ret->reason = arena_copy(arena, job->end_reason != NULL ? job->end_reason : "");
        ret->message = arena_copy(arena, job->end_message != NULL ? job->end_message : "");
        return true;
    }
    ret->phase = job_phase_name(job->array ? job->phase
                                           : (enum job_phase)job->children[job->main_node].phase);
    ret->waiting = waiting_of(job);
    AUTO_TEXT message = verdict_message(core, job);
    ret->message = arena_copy(arena, message);
    ret->reason = verdict_reason(verdict_shown(job));
    struct expected expected;
    if (expect_job(core, job, arena, &expected)) {
        ret->cost_known = expected.known;
        ret->cost_amount = expected.amount;
        ret->cost_why = expected.why;
    }
    if (ret->waiting == 0)
        return true;
    ret->needs = needs_of(job, arena);
    find_position(core, job, arena, ret);
    struct forecast start;
    if (ret->position > 0 && forecast(core, job->queue, job, 1, arena, &start) > 0) {
        ret->start_ns = start.start_ns;
        ret->start_why = start.why;
    }
    explain_environments(core, job, ret->position == 1 || job->parked, arena, ret);
    return true;
}
