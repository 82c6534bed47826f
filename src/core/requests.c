/* SPDX-License-Identifier: Apache-2.0 */
/* requests.c - what users ask of a job later: cancel and terminate, whole or in part
 *
 * spec.requests only grows, so it is itself the record of what was asked: nothing about it needs to
 * be stored, a new start reads it again from the beginning. A request that names children holds for
 * those; one that names none, or a deletion, holds for the whole job. A child that was asked to
 * stop is never tried again, whatever becomes of the attempt that runs. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static void refuse(struct core_job *job, size_t request, const char *why)
{
    free(job->request_refused);
    job->request_refused = text_printf("spec.requests[%zu].indexes: %s", request, why);
}

static void read_indexes(struct core_job *job, size_t request)
{
    const struct job_request *asked = &job->spec->requests[request];
    if (!job->sized)
        return; /* read again when it is */
    if (!job->array) {
        refuse(job, request, "the job is not an array; expected a request without indexes");
        return;
    }
    struct err err = {0};
    struct ranges ranges = {0};
    if (ranges_parse(asked->indexes, job->size, &ranges, &err) < 0) {
        AUTO_TEXT why =
            text_printf("%s; expected indexes below %u, the size of the array. Nothing was stopped",
                        err.text, job->size);
        refuse(job, request, why);
        return;
    }
    if (job->asks == NULL)
        job->asks = mem_new(JOB_REQUESTS_MAX * sizeof(*job->asks));
    if (job->ask_count < JOB_REQUESTS_MAX)
        job->asks[job->ask_count++] =
            (struct core_ask){asked->action, text_copy(asked->reason), ranges};
    else
        ranges_done(&ranges);
}

bool requests_read(struct core_job *job)
{
    const struct batch_job *spec = job->spec;
    bool news = false;
    for (; job->requests_seen < spec->request_count; job->requests_seen++) {
        const struct job_request *request = &spec->requests[job->requests_seen];
        news = true;
        if (request->indexes != NULL) {
            read_indexes(job, job->requests_seen);
            continue;
        }
        if (!job_is_stopped(job))
            job->stop_reason = text_copy(request->reason);
        if (request->action == JOB_TERMINATE)
            job->terminated = true;
        else
            job->cancelled = true;
    }
    if (spec->meta.deleted_ns != 0 && !job->terminated) {
        job->terminated = news = true;
        if (job->stop_reason == NULL)
            job->stop_reason = text_copy("the BatchJob is being deleted");
    }
    return news;
}

/* Acts on the requests that name children, from first_ask on. Safe to repeat. */
void requests_stop(struct core *core, struct core_job *job, size_t first_ask)
{
    if (job->ended || job->children == NULL || first_ask >= job->ask_count)
        return;
    for (size_t a = first_ask; a < job->ask_count; a++) {
        const struct core_ask *ask = &job->asks[a];
        bool running_too = ask->action == JOB_TERMINATE;
        for (size_t r = 0; r < ask->indexes.count; r++) {
            const struct range *range = ranges_at(&ask->indexes, r);
            for (uint32_t i = range->first; i < range->end; i++)
                job_stop_child(core, job, i, running_too);
        }
    }
    job_settle(core, job);
}

void requests_look(struct core *core, struct core_job *job)
{
    size_t asks = job->ask_count;
    bool stopped = job->cancelled, terminated = job->terminated;
    if (!requests_read(job) || job->ended)
        return;
    if (job->request_refused != NULL)
        job_changed(core, job, 0);
    if (job->cancelled != stopped || job->terminated != terminated)
        job_stop_children(core, job, job->terminated);
    requests_stop(core, job, asks);
}

static const struct core_ask *ask_for(const struct core_job *job, uint32_t index)
{
    for (size_t i = 0; i < job->ask_count; i++) {
        if (ranges_has(&job->asks[i].indexes, index))
            return &job->asks[i];
    }
    return NULL;
}

bool child_is_stopped(const struct core_job *job, uint32_t index)
{
    return job_is_stopped(job) || ask_for(job, index) != NULL;
}

const char *child_stop_reason(const struct core_job *job, uint32_t index)
{
    const struct core_ask *ask = ask_for(job, index);
    return ask != NULL ? ask->reason : job->stop_reason;
}

void requests_done(struct core_job *job)
{
    for (size_t i = 0; i < job->ask_count; i++) {
        free(job->asks[i].reason);
        ranges_done(&job->asks[i].indexes);
    }
    free(job->asks);
    free(job->request_refused);
    free(job->stop_reason);
    job->asks = NULL;
    job->ask_count = 0;
}
