/* SPDX-License-Identifier: Apache-2.0 */
/* load.c - a job as its stored status tells it
 *
 * What is durable: the phase, and for each child whether it waits, succeeded or failed, with its
 * attempts and refusals. What starts and runs is told by the pods themselves (pods.c), afterwards.
 */
#include "inputs.h"
#include "results.h"
#include "tell.h"

#include <stdlib.h>
#include <string.h>

static void load_history(struct core_job *job)
{
    const struct job_status *status = &job->spec->status;
    job->started_ns = status->started_ns;
    job->stopped_ns = status->stopped_ns;
    tries_load(job);
}

/* The children's records from status or the companion; false: there are none that can be read. */
static bool load_records(struct core *core, struct core_job *job, struct child_record *records,
                         uint8_t *refusals, const struct array_status **ret_array)
{
    const struct array_status *array =
        job->gang ? &job->spec->status.nodes : &job->spec->status.array;
    const struct array_status *companion =
        core->companions != NULL ? map_get(core->companions, job->uid) : NULL;
    /* A state that was large once and has shrunk is in the status again, and the companion is old:
     * what the status holds is what was written last. */
    if (array->data == NULL && companion != NULL)
        array = companion;
    struct err err = {0};
    if (array->data == NULL || array->encoding == NULL ||
        array_state_unpack(array->encoding, array->data, records, job->size, &err) < 0)
        return false;
    failures_load(job, array);
    results_load(job, array);
    *ret_array = array;
    if (array->refusals != NULL && refusals_unpack(array->refusals, refusals, job->size, &err) < 0)
        memset(refusals, 0, job->size);
    return true;
}

/* Children that an older program has recorded without a reason. */
static void load_unexplained(struct core_job *job)
{
    int64_t unexplained = -job->other_children;
    for (uint32_t i = 0; i < job->size; i++)
        unexplained += job->children[i].phase == JOB_FAILED;
    for (size_t i = 0; i < job->failure_count; i++)
        unexplained -= job->failures[i].children;
    if (unexplained > 0)
        job->other_children += unexplained;
}

static void load_array(struct core *core, struct core_job *job)
{
    struct child_record *records = mem_new((size_t)job->size * sizeof(*records));
    uint8_t *refusals = mem_new(job->size);
    const struct array_status *array = NULL;
    /* The companion may be there before the first status is. */
    if (load_records(core, job, records, refusals, &array)) {
        for (uint32_t i = 0; i < job->size; i++) {
            struct child *child = &job->children[i];
            child->attempts = records[i].attempts;
            child->refusals = refusals[i];
            if (records[i].outcome == CHILD_SUCCEEDED)
                child->phase = JOB_SUCCEEDED;
            else if (records[i].outcome == CHILD_FAILED)
                child->phase = JOB_FAILED;
        }
    } else if (job->ended) { /* the state is lost or damaged: all that is known is how the whole
                                ended */
        for (uint32_t i = 0; i < job->size; i++)
            job->children[i].phase = (uint8_t)job->phase;
    }
    if (job->array)
        load_unexplained(job);
    records_load(job, array != NULL ? array->history : NULL);
    if (job->array && array != NULL)
        inputs_load(job, array->inputs);
    free(records);
    free(refusals);
}

static void load_ended(struct core_job *job)
{
    if (job->array && job->phase == JOB_FAILED) {
        job->failed_bits = mem_new((size_t)job->size / 8 + 1);
        for (uint32_t i = 0; i < job->size; i++) {
            if (job->children[i].phase == JOB_FAILED)
                job->failed_bits[i / 8] |= (uint8_t)(1U << (i % 8));
        }
    }
    text_set(&job->end_reason, job->spec->status.reason);
    text_set(&job->end_message, job->spec->status.message);
}

void job_load_state(struct core *core, struct core_job *job)
{
    job->children = mem_new((size_t)job->size * sizeof(*job->children));
    records_new(job);
    load_history(job);
    references_load(job);
    blocked_load(job);
    job->cost = job->spec->status.cost;
    bill_read(core, job);
    notice_load(job);
    if (!job->array)
        job->result = STEAL(job->spec->status.result);
    if (job->array || job->gang) {
        load_array(core, job);
    } else {
        job->children[0].attempts = (uint8_t)job->spec->status.attempts;
        job->children[0].refusals = (uint8_t)job->spec->status.refusals;
        if (job->ended)
            job->children[0].phase = (uint8_t)job->phase;
    }
    job_count_new(core, job);
    tell_load(core, job);
    if (!job->ended)
        return;
    /* Ended and told: nothing is left to write. The children are kept until here only. */
    load_ended(job);
    free(job->children);
    job->children = NULL;
    records_done(job);
}
