/* SPDX-License-Identifier: Apache-2.0 */
/* status.c - what is written about jobs, when, and what a durable status sets free
 *
 * A single job: nothing before its pod exists, STARTING if that takes some seconds, RUNNING if it
 * still runs after a second, a reason once it has waited for some seconds, and its end at once. An
 * array: at most once a second, less often as its state grows (64 KiB/s), and all large states
 * together at most 1 MiB/s. */
#include "cost.h"
#include "gang.h"
#include "inputs.h"
#include "replace.h"
#include "results.h"
#include "tell.h"

#include <stdlib.h>
#include <string.h>

enum {
    STATE_BYTES_PER_S = 64 * 1024,    /* of one job */
    STATES_BYTES_PER_S = 1024 * 1024, /* of all large ones */
};

static int64_t job_interval_ns(const struct core *core, const struct core_job *job)
{
    int64_t by_size = job->status_bytes * NS_PER_S / STATE_BYTES_PER_S;
    return by_size > core->options.status_interval_ns ? by_size : core->options.status_interval_ns;
}

void job_changed(struct core *core, struct core_job *job, int64_t within_ns)
{
    job->sequence++;
    int64_t due = core->now_ns + within_ns;
    if (due < job->status_due_ns)
        job->status_due_ns = due;
    job_timer_set(core, job);
}

static int64_t status_due(const struct core *core, const struct core_job *job)
{
    if (job->status_in_flight || job->status_due_ns == INT64_MAX)
        return INT64_MAX;
    int64_t due = job->status_due_ns;
    if (job->status_retry_ns > due)
        due = job->status_retry_ns;
    if (job->array && !job->ended && job->written_ns != 0 &&
        due < job->written_ns + job_interval_ns(core, job))
        due = job->written_ns + job_interval_ns(core, job);
    if (job->status_bytes > JOB_STATE_INLINE_MAX && due < core->states_next_ns)
        due = core->states_next_ns;
    return due;
}

void job_timer_set(struct core *core, struct core_job *job)
{
    if (job->gone || !core->synced)
        return;
    int64_t due = status_due(core, job);
    if (job->verdict_due_ns != 0 && !job->ended && job->verdict_due_ns < due)
        due = job->verdict_due_ns;
    if (job->hold_until_ns != 0 && !job->ended && job->hold_until_ns < due)
        due = job->hold_until_ns;
    int64_t limit = limits_due(job);
    if (limit < due)
        due = limit;
    if (due == INT64_MAX)
        timer_clear(&core->timers, &job->timer);
    else
        timer_set(&core->timers, &job->timer, due);
}

void job_hold(struct core *core, struct core_job *job, enum verdict verdict, const char *words,
              int64_t least_ns)
{
    enum { LEVEL_MAX = 5 };
    if (job->hold_until_ns <= core->now_ns) {
        job->hold_until_ns = core->now_ns + (least_ns << job->hold_level);
        if (job->hold_level < LEVEL_MAX)
            job->hold_level++;
    }
    verdict_set(core, job, verdict, words);
    queue_enter(core, job);
    job_timer_set(core, job);
}

void job_timer(struct core *core, struct core_job *job)
{
    if (job->hold_until_ns != 0 && job->hold_until_ns <= core->now_ns) {
        job->hold_until_ns = 0;
        queue_enter(core, job);
    }
    if (job->verdict_due_ns != 0 && job->verdict_due_ns <= core->now_ns) {
        job->verdict_due_ns = 0;
        bool waits =
            job->counts[JOB_SUBMITTED] + job->counts[JOB_PENDING] + job->counts[JOB_RUNNABLE] > 0;
        if (waits && !job->ended && job->verdict != VERDICT_NONE &&
            (job->verdict != job->told_verdict || verdict_words_untold(core, job)))
            job_changed(core, job, 0);
    }
    limits_apply(core, job);
    if (status_due(core, job) > core->now_ns) {
        job_timer_set(core, job);
        return;
    }
    if (job->to_tell)
        return;
    job->to_tell = true; /* jobs_tell sets the timer again */
    job->tell_next = NULL;
    if (core->tell_last != NULL)
        core->tell_last->tell_next = job;
    else
        core->tell_first = job;
    core->tell_last = job;
}

/* What was waiting a moment ago may have its place by now. */
void jobs_tell(struct core *core)
{
    struct core_job *job;
    while ((job = core->tell_first) != NULL) {
        core->tell_first = job->tell_next;
        if (core->tell_first == NULL)
            core->tell_last = NULL;
        job->to_tell = false;
        if (status_due(core, job) <= core->now_ns)
            job_status_plan(core, job);
        job_timer_set(core, job);
    }
}

/* -------------------------------------------------------------------- job status */

static void fill_dependencies(struct core *core, const struct core_job *job,
                              struct job_status *status)
{
    status->dependencies =
        arena_alloc(core->arena, (job->dependency_count + 1) * sizeof(*status->dependencies));
    for (size_t i = 0; i < job->dependency_count; i++) {
        const struct core_dependency *dependency = &job->dependencies[i];
        if (dependency->name == NULL || dependency->type == DEPENDENCY_REPLACES)
            continue;
        struct dependency_record *record = &status->dependencies[status->dependency_count++];
        record->job_name = arena_copy(core->arena, dependency->name);
        record->uid = arena_copy(core->arena, dependency->uid);
        record->outcome = depend_is_held(dependency)
                              ? DEPENDENCY_HELD
                              : (__typeof__(record->outcome))dependency->outcome;
        if (dependency->replacement != NULL)
            record->replacement = arena_copy(core->arena, dependency->replacement);
    }
    replace_fill(core->arena, job, status);
}

static void fill_array(struct core *core, struct core_job *job, struct action *action,
                       struct job_status *status)
{
    records_fill(core, job, action, &status->array);
    action->array_version = arena_copy(core->arena, job->array_version);
    if (job->status_bytes == 0)
        job->status_bytes = records_bytes(job);
    if (job->status_bytes > JOB_STATE_INLINE_MAX) {
        int64_t from = core->states_next_ns > core->now_ns ? core->states_next_ns : core->now_ns;
        core->states_next_ns = from + job->status_bytes * NS_PER_S / STATES_BYTES_PER_S;
    }
}

static void fill_words(struct core *core, struct core_job *job, struct job_status *status)
{
    if (job->ended) {
        status->reason = arena_copy(core->arena, job->end_reason != NULL ? job->end_reason : "");
        status->message = arena_copy(core->arena, job->end_message != NULL ? job->end_message : "");
        return;
    }
    int64_t waiting =
        job->counts[JOB_SUBMITTED] + job->counts[JOB_PENDING] + job->counts[JOB_RUNNABLE];
    AUTO_TEXT words = verdict_message(core, job);
    status->reason = arena_copy(core->arena, verdict_reason(verdict_shown(job)));
    status->message = arena_copy(core->arena, words);
    if (waiting > 0)
        notice_waits(core, job, words);
    job->told_verdict = job->verdict;
    job->verdict_due_ns = 0;
}

static struct job_status *fill_status(struct core *core, struct core_job *job,
                                      struct action *action)
{
    struct job_status *status = arena_alloc(core->arena, sizeof(*status));
    status->observed_generation = job->spec->meta.generation;
    status->phase =
        job->ended || job->array ? job->phase : (enum job_phase)job->children[job->main_node].phase;
    if (!job->ended && status->phase >= JOB_SUCCEEDED)
        status->phase = JOB_RUNNING; /* the main node has ended, others are being stopped */
    status->started_ns = job->started_ns;
    status->stopped_ns = job->stopped_ns;
    status->cancelled = job->cancelled && !job->terminated;
    status->terminated = job->terminated;
    if (job->request_refused != NULL)
        status->request_refused = arena_copy(core->arena, job->request_refused);
    status->blocked = job->blocked;
    cost_late(job);
    bill_send(job);
    status->cost = job->cost;
    status->blocked_since_ns = job->blocked_since_ns;
    status->delivered = tell_delivered(core, job);
    status->scheduling_priority = job->priority_given;
    revision_tell(core, job, status);
    status->tries = arena_alloc(core->arena, sizeof(job->tries));
    memcpy(status->tries, job->tries, sizeof(job->tries)); /* texts stay the job's */
    status->try_count = job->try_count;
    fill_dependencies(core, job, status);
    status->references = job->values; /* they stay the job's, too */
    fill_words(core, job, status);
    notice_retries(core, job);
    if (job->array) {
        fill_array(core, job, action, status);
    } else {
        status->attempts = job->children[job->main_node].attempts;
        status->refusals = job->children[job->main_node].refusals;
        status->result = arena_copy(core->arena, job->result);
    }
    if (job->gang) {
        fill_array(core, job, action, status);
        status->nodes = status->array;
        status->array = (struct array_status){0};
        status->main_node = job->main_node;
    }
    return status;
}

void job_status_plan(struct core *core, struct core_job *job)
{
    if (job->status_in_flight || job->gone || job->children == NULL ||
        job->sequence == job->written_sequence) {
        job->status_due_ns = job->status_in_flight ? job->status_due_ns : INT64_MAX;
        return;
    }
    if (!plan_has_room(core))
        return;
    struct action *action = action_new(core, ACTION_JOB_STATUS, job);
    action->job = job->spec;
    action->meta = &job->spec->meta;
    action->namespace_ = job->spec->meta.namespace_;
    action->name = job->spec->meta.name;
    action->uid = job->uid;
    action->resource_version = arena_copy(core->arena, job->resource_version);
    action->status = fill_status(core, job, action);
    flight_find(core, action->id)->sequence = job->sequence;
    job->status_in_flight = true;
    job->status_due_ns = INT64_MAX;
}

/* Ended, and everybody can read so: what is kept in memory shrinks to a name and an outcome. */
static void job_shrink(struct core *core, struct core_job *job)
{
    free(job->children);
    job->children = NULL;
    records_done(job);
    ranges_done(&job->runnable);
    gang_free(core, job);
    job->nodes = NULL;
    class_drop(core, job->class_);
    job->class_ = NULL;
    job_forget_template(job);
    consume_job_done(core, job);
    references_forget(job);
    key_values_done(&job->values);
    inputs_done(job);
    job->retry = NULL;
    revision_unpin(core, job);
    text_set(&job->verdict_text, NULL);
}

static void job_written(struct core *core, struct core_job *job, uint64_t sequence,
                        const struct done *done)
{
    if (done->resource_version != NULL)
        text_set(&job->resource_version, done->resource_version);
    if (done->array_version != NULL)
        text_set(&job->array_version, done->array_version);
    job->status_level = 0;
    job->status_retry_ns = 0;
    job->status_bytes = done->state_bytes > 0 ? done->state_bytes : records_bytes(job);
    job->written_ns = core->now_ns;
    bool undecided = job->written_sequence < job->decided_sequence;
    if (job->written_sequence < sequence)
        job->written_sequence = sequence;
    if (job->gone)
        return;
    if (undecided && job->written_sequence >= job->decided_sequence)
        depend_decided(core, job);
    bill_written(core, job);
    pods_durable(core, job);
    replace_written(core, job);
    references_written(core, job);
    inputs_written(core, job);
    if (job->ended && job->written_sequence == job->sequence && !job->end_durable) {
        job->end_durable = true;
        depend_ended_later(core, job);
        tell_look(core, job);
        service_look(core, job);
    }
    if (job->ended && job->written_sequence == job->sequence && job->children != NULL)
        job_shrink(core, job);
    else if (job->written_sequence < job->sequence && job->status_due_ns == INT64_MAX)
        job->status_due_ns = core->now_ns + (job->ended ? 0 : NS_PER_S);
}

static void job_not_written(struct core *core, struct core_job *job, const struct done *done)
{
    enum { LEVEL_MAX = 5 };
    int64_t pause = done->result == DONE_CONFLICT ? NS_PER_S / 10 : NS_PER_S;
    job->status_retry_ns = core->now_ns + (pause << job->status_level);
    if (job->status_level < LEVEL_MAX)
        job->status_level++;
    job->status_due_ns = core->now_ns;
    if (done->array_version != NULL) /* the companion was written before the status failed */
        text_set(&job->array_version, done->array_version);
}

static void job_status_answered(struct core *core, struct flight *flight, struct done *done)
{
    struct core_job *job = flight->object;
    uint64_t sequence = flight->sequence;
    flight_end(core, flight);
    job->status_in_flight = false;
    if (done->result == DONE_OK)
        job_written(core, job, sequence, done);
    else if (!job->gone)
        job_not_written(core, job, done);
    job_timer_set(core, job);
}

/* A template that could not be tried with a real pod at once: does the server accept it? */
static void check_done(struct core *core, struct flight *flight, struct done *done)
{
    struct core_job *job = flight->object;
    flight_end(core, flight);
    job->check_in_flight = false;
    if (job->gone || job->ended)
        return;
    if (done->result == DONE_REFUSED) {
        AUTO_TEXT words = text_printf("the API server refused the pod: %s",
                                      done->message != NULL ? done->message : "");
        job_fail_waiting(core, job, "PodRefused", words);
    } else if (done->result == DONE_OK) {
        job->checked = true;
    }
}

void status_done(struct core *core, struct flight *flight, struct done *done)
{
    switch (flight->kind) {
    case ACTION_JOB_STATUS:
        job_status_answered(core, flight, done);
        break;
    case ACTION_POD_CHECK:
        check_done(core, flight, done);
        break;
    case ACTION_JOB_DELETE:
        job_deleted(core, flight, done);
        break;
    case ACTION_JOB_TELL:
    case ACTION_JOB_TOLD:
        tell_action_done(core, flight, done);
        break;
    case ACTION_CONSUMABLE_STATUS:
        consume_done(core, flight, done);
        break;
    case ACTION_DEFINITION_STATUS:
    case ACTION_REVISION_CREATE:
    case ACTION_REVISION_DELETE:
        revision_done(core, flight, done);
        break;
    case ACTION_SERVICE_CREATE:
    case ACTION_SERVICE_DELETE:
        service_done(core, flight, done);
        break;
    default:
        admin_done(core, flight, done);
        break;
    }
}

static void plan_checks(struct core *core)
{
    while (core->fresh != NULL) {
        struct core_job *job = core->fresh;
        core->fresh = job->fresh_next;
        job->fresh = false;
        bool idle = job->counts[JOB_STARTING] + job->counts[JOB_RUNNING] == 0;
        if (job->gone || job->ended || job->checked || !idle || job->template_ == NULL ||
            job->queue->spec == NULL) /* the queue went in the turn in which the job came */
            continue;
        if (!plan_has_room(core)) {
            job->fresh = true;
            core->fresh = job;
            return;
        }
        struct action *action = action_new(core, ACTION_POD_CHECK, job);
        action->namespace_ = job->spec->meta.namespace_;
        action->name = arena_printf(core->arena, "check-%.8s", job->uid);
        action->order = (struct pod_order){
            .job = job->spec,
            .definition =
                job->definition != NULL && !job->spec->has_template ? job->definition->spec : NULL,
            .template_ = job->template_,
            .name = action->name,
            .environment = job->queue->spec->environments[0].compute_environment,
            .index = job->main_node,
            .nodes = job->nodes,
            .count = 1,
            .try = 1,
            .attempt = 1,
        };
        job->check_in_flight = true;
    }
}

void status_plan(struct core *core)
{
    plan_checks(core);
    revisions_plan(core);
    services_plan(core);
    admin_plan(core);
}
