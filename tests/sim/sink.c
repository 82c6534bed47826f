/* SPDX-License-Identifier: Apache-2.0 */
/* sink.c - the event sink, and the oracle on what it is told
 *
 * It is down now and then, takes what it answers nothing to, and hears what a dead process had on
 * its way. What it hears for the first time must be in order; what it hears again it has heard. */
#include "sim/world.h"

#include <string.h>

struct heard { /* marks of one job, in the order in which they came first */
    struct state_mark marks[HEARD_MAX];
    size_t count;
};

static struct heard *heard_of(struct world *world, struct truth *truth)
{
    if (truth->heard == NULL)
        truth->heard = arena_alloc(world->arena, sizeof(*truth->heard));
    return truth->heard;
}

static bool has_heard(const struct heard *heard, enum job_phase phase)
{
    for (size_t i = 0; heard != NULL && i < heard->count; i++) {
        if (heard->marks[i].phase == phase)
            return true;
    }
    return false;
}

static bool has_heard_end(const struct truth *truth)
{
    return has_heard(truth->heard, JOB_SUCCEEDED) || has_heard(truth->heard, JOB_FAILED);
}

static bool is_double(const struct heard *heard, struct state_mark mark)
{
    for (size_t i = 0; i < heard->count; i++) {
        if (heard->marks[i].try == mark.try && heard->marks[i].phase == mark.phase)
            return true;
    }
    return false;
}

static void check_end(struct world *world, const struct truth *truth, struct state_mark mark)
{
    const struct sim_job *job = truth->job;
    const struct job_status *status = job->status != NULL ? &job->status->status : NULL;
    bool gone = job->object.gone || job->object.deleted_ns != 0;
    bool ended = status != NULL && status->phase >= JOB_SUCCEEDED;
    if (!ended && !gone) /* of a deleted one nothing is stored any more */
        violation(world, "sink", "%s is told to be %s, and its status is not", job->object.name,
                  job_phase_name(mark.phase));
    else if (ended && !gone && status->phase != mark.phase)
        violation(world, "sink", "%s is told to be %s and is %s", job->object.name,
                  job_phase_name(mark.phase), job_phase_name(status->phase));
    if (ended && job->size == 0 && mark.phase == JOB_SUCCEEDED && status->attempts > 0 &&
        !has_heard(truth->heard, JOB_RUNNING))
        violation(world, "sink", "%s is told to have succeeded, and never to run",
                  job->object.name);
}

static void run_back(struct world *world, struct task *task)
{
    UNUSED(task);
    world->sink_down = false;
}

void sink_mischief(struct world *world)
{
    if (world->sink_down || !chance(world, 100))
        return;
    STORY(world, "the event sink is down");
    world->sink_down = true;
    after(world, draw_ms(world, 500, 40000), run_back, NULL, NULL, 0);
}

void sink_hears(struct world *world, struct request *request)
{
    struct truth *truth = truth_of(world, request->uid);
    struct state_mark mark = request->mark;
    bool stale = request->process != world->process || world->core == NULL;
    if (world->sink_down) {
        request->result = DONE_AGAIN;
        world->counters.sink_failures++;
        return;
    }
    if (truth == NULL)
        return;
    struct heard *heard = heard_of(world, truth);
    world->counters.sink_events++;
    if (is_double(heard, mark)) {
        world->counters.sink_doubles++;
        return;
    }
    /* What a dead process had on its way may be overtaken. */
    if (!stale && heard->count > 0 &&
        state_mark_order(heard->marks[heard->count - 1]) >= state_mark_order(mark))
        violation(world, "sink", "%s is told %u.%s after %u.%s", truth->job->object.name, mark.try,
                  job_phase_name(mark.phase), heard->marks[heard->count - 1].try,
                  job_phase_name(heard->marks[heard->count - 1].phase));
    if (!stale && mark.phase >= JOB_SUCCEEDED)
        check_end(world, truth, mark);
    if (heard->count == HEARD_MAX)
        violation(world, "sink", "%s changes its state without end", truth->job->object.name);
    else if (!stale || heard->count == 0)
        heard->marks[heard->count++] = mark;
}

void sink_delivered(struct world *world, struct request *request, struct sim_job *job)
{
    struct stored_status *status = arena_alloc(world->arena, sizeof(*status));
    const struct truth *truth = truth_of(world, job->object.uid);
    if (job->status == NULL || job->status->status.phase < JOB_SUCCEEDED)
        violation(world, "sink", "%s has not ended, and its end is told to be delivered",
                  job->object.name);
    else
        *status = *job->status;
    if (!has_heard_end(truth))
        violation(world, "sink", "the end of %s is told to be delivered and is not",
                  job->object.name);
    union {
        const char *in;
        char *out;
    } text = {.in = request->message}; /* in the arena */
    status->status.delivered = text.out;
    job->status = status;
    store_change(world, &job->object, false);
}

/* Its job is about to be deleted for its age. */
void sink_expires(struct world *world, const struct sim_job *job)
{
    const struct truth *truth = truth_of(world, job->object.uid);
    if (world->has_sink && !has_heard_end(truth))
        violation(world, "sink", "%s is deleted and nobody was told of its end", job->object.name);
}

const char *sink_unconverged(const struct world *world, const struct sim_job *job)
{
    const struct truth *truth = truth_of(world, job->object.uid);
    struct state_mark mark;
    if (!world->has_sink)
        return job->status != NULL && job->status->status.delivered != NULL
                   ? arena_printf(world->arena, "job %s: delivered without a sink",
                                  job->object.name)
                   : NULL;
    if (!has_heard_end(truth))
        return arena_printf(world->arena, "job %s ended, and the sink has not heard",
                            job->object.name);
    if (!state_mark_parse(job->status->status.delivered, &mark) || mark.phase < JOB_SUCCEEDED)
        return arena_printf(world->arena, "job %s: delivered is not its end", job->object.name);
    return NULL;
}
