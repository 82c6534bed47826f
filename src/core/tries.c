/* SPDX-License-Identifier: Apache-2.0 */
/* tries.c - the latest tries of a job, told one by one in its status
 *
 * Of an array only those that did not simply succeed are worth a place. A pod may have many
 * containers, and each may say a kilobyte: both are cut, so that a try is never larger than
 * JOB_TRY_CONTAINERS_MAX * JOB_CONTAINER_WORDS_MAX and a few texts more. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* Those that failed come before others when there are too many of them; the order stays. */
static void fill_containers(const struct pod *seen, struct job_try *try)
{
    size_t failed = 0;
    for (size_t i = 0; i < seen->exit_count; i++)
        failed += seen->exits[i].exit_code != 0;
    size_t others = failed < JOB_TRY_CONTAINERS_MAX ? JOB_TRY_CONTAINERS_MAX - failed : 0;
    try->containers = mem_new((seen->exit_count + 1) * sizeof(*try->containers));
    for (size_t i = 0; i < seen->exit_count && try->container_count < JOB_TRY_CONTAINERS_MAX; i++) {
        const struct container_exit *exit_ = &seen->exits[i];
        bool bad = exit_->exit_code != 0;
        if (!bad && others == 0)
            continue;
        others -= !bad;
        try->containers[try->container_count++] = (struct try_container){
            .name = text_copy(exit_->name),
            .exit_code = exit_->exit_code,
            .reason = text_copy(exit_->reason),
            .message = bad ? text_copy_end(exit_->message, JOB_CONTAINER_WORDS_MAX) : NULL,
        };
    }
}

void tries_record(struct core *core, const struct core_pod *pod, const struct pod *seen,
                  const struct outcome *outcome)
{
    struct core_job *job = pod->job;
    bool part = job->gang && pod->index != job->main_node;
    bool plain = outcome->kind == OUTCOME_SUCCEEDED || pod->kill == KILL_GANG;
    if ((job->array || part) && plain)
        return; /* and of a multi-node job those that did as the main node has it */
    if (job->try_count == JOB_TRIES_KEPT) {
        job_try_done(&job->tries[0]);
        memmove(&job->tries[0], &job->tries[1], (JOB_TRIES_KEPT - 1) * sizeof(job->tries[0]));
        job->try_count--;
    }
    const struct core_node *node = pod->node;
    struct job_try *try = &job->tries[job->try_count++];
    *try = (struct job_try){
        .index = pod->index,
        .try = pod->try,
        .attempt = outcome->attempt ? pod->attempt : 0,
        .pod = text_copy(pod->name),
        .pod_uid = text_copy(pod->uid),
        .node = text_copy(node != NULL ? node->name : NULL),
        .node_uid = text_copy(node != NULL && node->spec != NULL ? node->spec->meta.uid : NULL),
        .instance_id =
            text_copy(node != NULL && node->instance != NULL ? node->instance->id : NULL),
        .started_ns = pod->started_ns,
        .stopped_ns = seen != NULL && seen->finished_ns != 0 ? seen->finished_ns : core->now_ns,
        .exit_code = outcome->exit_code,
        .reason = text_copy(outcome->reason),
        .status_reason = text_copy(outcome->status_reason),
        .message = text_copy(outcome->message),
    };
    if (seen != NULL && seen->exit_count > 0)
        fill_containers(seen, try);
}

void tries_load(struct core_job *job)
{
    const struct job_status *status = &job->spec->status;
    size_t skip = status->try_count > JOB_TRIES_KEPT ? status->try_count - JOB_TRIES_KEPT : 0;
    for (size_t i = skip; i < status->try_count; i++)
        job_try_copy(&job->tries[job->try_count++], &status->tries[i]);
}

void tries_done(struct core_job *job)
{
    for (size_t i = 0; i < job->try_count; i++)
        job_try_done(&job->tries[i]);
    job->try_count = 0;
}
