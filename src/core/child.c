/* SPDX-License-Identifier: Apache-2.0 */
/* child.c - the state of one child
 *
 * The table is the whole truth about moves; docs/states.md embeds its print. A cell that is empty
 * is a bug: it is counted, and the state is kept. A single job is an array of one child as far as
 * this file goes. */
#include "inputs.h"
#include "order.h"
#include "shares.h"
#include "tell.h"

#define MOVE(state)                                                                                \
    {                                                                                              \
        STEP_MOVE, (state)                                                                         \
    }
#define STAY                                                                                       \
    {                                                                                              \
        STEP_STAY, JOB_SUBMITTED                                                                   \
    }

/* clang-format off */
static const struct child_step steps[JOB_PHASE_COUNT][CHILD_EVENT_COUNT] = {
    [JOB_SUBMITTED] = { [ON_HOLD]    = MOVE(JOB_PENDING),  [ON_READY]   = MOVE(JOB_RUNNABLE),
                        [ON_PLACE]   = STAY,               [ON_UNPLACE] = STAY,
                        [ON_START]   = STAY,               [ON_RETRY]   = STAY,
                        [ON_SUCCEED] = MOVE(JOB_SUCCEEDED),[ON_FAIL]    = MOVE(JOB_FAILED) },
    [JOB_PENDING]   = { [ON_HOLD]    = STAY,               [ON_READY]   = MOVE(JOB_RUNNABLE),
                        [ON_PLACE]   = STAY,               [ON_UNPLACE] = STAY,
                        [ON_START]   = STAY,               [ON_RETRY]   = STAY,
                        [ON_SUCCEED] = MOVE(JOB_SUCCEEDED),[ON_FAIL]    = MOVE(JOB_FAILED) },
    [JOB_RUNNABLE]  = { [ON_HOLD]    = STAY,               [ON_READY]   = STAY,
                        [ON_PLACE]   = MOVE(JOB_STARTING), [ON_UNPLACE] = STAY,
                        [ON_START]   = MOVE(JOB_RUNNING),  [ON_RETRY]   = STAY,
                        [ON_SUCCEED] = MOVE(JOB_SUCCEEDED),[ON_FAIL]    = MOVE(JOB_FAILED) },
    [JOB_STARTING]  = { [ON_HOLD]    = STAY,               [ON_READY]   = STAY,
                        [ON_PLACE]   = STAY,               [ON_UNPLACE] = MOVE(JOB_RUNNABLE),
                        [ON_START]   = MOVE(JOB_RUNNING),  [ON_RETRY]   = MOVE(JOB_RUNNABLE),
                        [ON_SUCCEED] = MOVE(JOB_SUCCEEDED),[ON_FAIL]    = MOVE(JOB_FAILED) },
    [JOB_RUNNING]   = { [ON_HOLD]    = STAY,               [ON_READY]   = STAY,
                        [ON_PLACE]   = STAY,               [ON_UNPLACE] = MOVE(JOB_RUNNABLE),
                        [ON_START]   = STAY,               [ON_RETRY]   = MOVE(JOB_RUNNABLE),
                        [ON_SUCCEED] = MOVE(JOB_SUCCEEDED),[ON_FAIL]    = MOVE(JOB_FAILED) },
    [JOB_SUCCEEDED] = { [ON_HOLD]    = STAY,               [ON_READY]   = STAY,
                        [ON_PLACE]   = STAY,               [ON_UNPLACE] = STAY,
                        [ON_START]   = STAY,               [ON_RETRY]   = STAY,
                        [ON_SUCCEED] = STAY,               [ON_FAIL]    = STAY },
    [JOB_FAILED]    = { [ON_HOLD]    = STAY,               [ON_READY]   = STAY,
                        [ON_PLACE]   = STAY,               [ON_UNPLACE] = STAY,
                        [ON_START]   = STAY,               [ON_RETRY]   = STAY,
                        [ON_SUCCEED] = STAY,               [ON_FAIL]    = STAY },
};
/* clang-format on */

const struct child_step *child_step_at(enum job_phase phase, enum child_event event)
{
    return &steps[phase][event];
}

const char *child_event_name(enum child_event event)
{
    static const char *const names[CHILD_EVENT_COUNT] = {
        [ON_HOLD] = "hold",       [ON_READY] = "ready", [ON_PLACE] = "place",
        [ON_UNPLACE] = "unplace", [ON_START] = "start", [ON_RETRY] = "retry",
        [ON_SUCCEED] = "succeed", [ON_FAIL] = "fail",
    };
    return names[event];
}

/* Where children of a phase are counted: their job, their queue and the whole core. */
static void count(struct core *core, struct core_job *job, enum job_phase phase, int64_t change)
{
    job->counts[phase] += change;
    core->counts.jobs_by_phase[phase] += change;
    if (job->queue != NULL && phase < JOB_SUCCEEDED) {
        job->queue->jobs[phase] += change;
        job->queue->status_dirty = job->queue->front_dirty = true;
    }
}

/* Until its queue has looked at it, what keeps a job is its place in line; afterwards, what it
 * waits for. */
static void verdict_by_place(struct core *core, struct core_job *job, bool in_line)
{
    if (job->ended || job->gone || !job->admitted || job->parked ||
        job->hold_until_ns > core->now_ns)
        return;
    if (in_line && (job->queue->spec == NULL || shares_bar(job->queue, NULL)))
        job->queue->verdict_dirty = true;
    if (in_line && (job->queue->spec == NULL || job->queue->spec->state != QUEUE_DISABLED))
        verdict_set(core, job, VERDICT_BEHIND, NULL);
    else if (in_line)
        verdict_set(core, job, VERDICT_QUEUE_DISABLED, NULL);
    else if (job->runnable.total > 0 && job_is_unstored(job))
        job_tell_unstored(core, job);
    else if (job_at_limit(job))
        verdict_set(core, job, VERDICT_CONCURRENT, NULL);
    else if (job->counts[JOB_PENDING] > 0)
        verdict_set(core, job, depend_verdict(job), NULL);
    else
        verdict_set(core, job, VERDICT_NONE, NULL);
}

void queue_enter(struct core *core, struct core_job *job)
{
    bool wanted = job->runnable.total > 0 && !job->ended && !job->gone && job->admitted &&
                  !job->parked && job->hold_until_ns <= core->now_ns && job->queue != NULL &&
                  !job->gang_open &&
                  !job_at_limit(job); /* what its own limit holds does not block its queue */
    if (wanted == order_has(job))
        return;
    if (wanted)
        order_enter(job);
    else
        order_leave(job);
    job->queue->dirty = true;
    verdict_by_place(core, job, wanted);
}

void child_move(struct core *core, struct core_job *job, uint32_t index, enum child_event event)
{
    assert(index < job->size && job->children != NULL);
    struct child *child = &job->children[index];
    enum job_phase from = (enum job_phase)child->phase;
    const struct child_step *step = child_step_at(from, event);
    if (step->kind == STEP_BUG)
        core->counts.state_bugs++;
    if (step->kind != STEP_MOVE)
        return;
    child->phase = (uint8_t)step->to;
    if (step->to >= JOB_SUCCEEDED)
        records_child(job, index);
    count(core, job, from, -1);
    count(core, job, step->to, 1);
    if (step->to >= JOB_SUCCEEDED)
        inputs_child_ended(core, job, index);
    if (from == JOB_RUNNABLE)
        ranges_remove(&job->runnable, index);
    if (step->to == JOB_RUNNABLE)
        ranges_add(&job->runnable, index, index + 1);
    if (from == JOB_RUNNABLE || step->to == JOB_RUNNABLE || job->spec->max_concurrent.set)
        queue_enter(core, job);
    tell_look(core, job);
}

void child_move_range(struct core *core, struct core_job *job, uint32_t first, uint32_t end,
                      enum child_event event)
{
    if (first >= end)
        return;
    enum job_phase from = (enum job_phase)job->children[first].phase;
    const struct child_step *step = child_step_at(from, event);
    if (step->kind == STEP_BUG)
        core->counts.state_bugs++;
    if (step->kind != STEP_MOVE)
        return;
    assert(from != JOB_RUNNABLE);
    for (uint32_t i = first; i < end; i++) {
        assert(job->children[i].phase == from);
        job->children[i].phase = (uint8_t)step->to;
        if (step->to >= JOB_SUCCEEDED)
            records_child(job, i);
    }
    count(core, job, from, -(int64_t)(end - first));
    count(core, job, step->to, end - first);
    for (uint32_t i = first; i < end && step->to >= JOB_SUCCEEDED; i++)
        inputs_child_ended(core, job, i);
    if (step->to == JOB_RUNNABLE) {
        ranges_add(&job->runnable, first, end);
        queue_enter(core, job);
    }
    tell_look(core, job);
}

void job_count_new(struct core *core, struct core_job *job)
{
    for (uint32_t i = 0; i < job->size; i++)
        count(core, job, (enum job_phase)job->children[i].phase, 1);
}

void job_uncount(struct core *core, struct core_job *job)
{
    for (int phase = 0; phase < JOB_PHASE_COUNT; phase++)
        count(core, job, (enum job_phase)phase, -job->counts[phase]);
}
