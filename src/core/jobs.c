/* SPDX-License-Identifier: Apache-2.0 */
/* jobs.c - jobs: arrival, admission, end
 *
 * A job is admitted once everything it names is there: queue, definition, a template that can be
 * placed. Its children are then PENDING (dependencies) or RUNNABLE. Until then it is SUBMITTED and
 * told what is missing. */
#include "assist.h"
#include "cost.h"
#include "family.h"
#include "gang.h"
#include "order.h"
#include "reclaim.h"
#include "replace.h"
#include "results.h"
#include "shares.h"
#include "tell.h"

#include "bulkhead/base/clock.h"

#include <stdlib.h>
#include <string.h>

/* Ends of a job's pods that are not stored: its pods stay until they are. When the API server takes
 * its pods and not its status, they would pile up without end. */
enum { ENDS_UNSTORED_MAX = 8192 };

bool job_is_stopped(const struct core_job *job)
{
    return job->cancelled || job->terminated;
}

bool job_is_unstored(const struct core_job *job)
{
    return job->ended_pods >= ENDS_UNSTORED_MAX;
}

void job_tell_unstored(struct core *core, struct core_job *job)
{
    AUTO_TEXT words = text_printf("%d of its pods have ended and its status could not be stored: "
                                  "the others wait until it is",
                                  ENDS_UNSTORED_MAX);
    verdict_set(core, job, VERDICT_RETRY, words);
}

int64_t job_wanted(const struct core_job *job)
{
    int64_t wanted = (int64_t)job->runnable.total;
    if (job_is_unstored(job))
        return 0;
    if (!job->spec->max_concurrent.set)
        return wanted;
    int64_t left =
        job->spec->max_concurrent.value - job->counts[JOB_STARTING] - job->counts[JOB_RUNNING];
    if (left < 0)
        left = 0;
    return left < wanted ? left : wanted;
}

bool job_at_limit(const struct core_job *job)
{
    return job->runnable.total > 0 && job_wanted(job) == 0;
}

/* ------------------------------------------------------------- not admitted list */

static void unadmitted_add(struct core *core, struct core_job *job)
{
    if (job->in_unadmitted)
        return;
    job->in_unadmitted = true;
    job->unadmitted_prev = NULL;
    job->unadmitted_next = core->unadmitted;
    if (core->unadmitted != NULL)
        core->unadmitted->unadmitted_prev = job;
    core->unadmitted = job;
}

static void unadmitted_remove(struct core *core, struct core_job *job)
{
    if (!job->in_unadmitted)
        return;
    job->in_unadmitted = false;
    if (job->unadmitted_prev != NULL)
        job->unadmitted_prev->unadmitted_next = job->unadmitted_next;
    else
        core->unadmitted = job->unadmitted_next;
    if (job->unadmitted_next != NULL)
        job->unadmitted_next->unadmitted_prev = job->unadmitted_prev;
}

void jobs_admit_all(struct core *core)
{
    struct core_job *next;
    for (struct core_job *job = core->unadmitted; job != NULL; job = next) {
        next = job->unadmitted_next;
        job_admit(core, job);
    }
}

/* ------------------------------------------------------------------- admission */

static bool queue_allows(struct core *core, const struct core_queue *queue, const char *namespace_)
{
    const struct text_list *allowed = &queue->spec->namespaces;
    for (size_t i = 0; i < allowed->count; i++) {
        if (strcmp(allowed->items[i], namespace_) == 0)
            return true;
    }
    if (allowed->count > 0)
        return false;
    bool known = false;
    for (size_t i = 0; i < queue->spec->environment_count; i++) {
        struct core_environment *environment =
            map_get(core->environments, queue->spec->environments[i].compute_environment);
        if (environment == NULL || environment->spec == NULL)
            continue;
        known = true;
        if (environment_serves(environment, namespace_))
            return true;
    }
    return !known; /* nothing is known yet: the verdict will speak of the environments */
}

/* What keeps the job from being admitted; VERDICT_NONE: nothing. Words for the user go into out. */
static enum verdict admission(struct core *core, struct core_job *job, struct str *out)
{
    const char *name = job->spec->queue;
    struct core_queue *queue = job->queue;
    if (queue == NULL || !queue->present) {
        str_addf(out, "JobQueue %s does not exist: create it, or submit to another", name);
        return VERDICT_QUEUE_MISSING;
    }
    if (queue->spec == NULL) {
        str_addf(out, "JobQueue %s is invalid: %s", name,
                 queue->invalid != NULL ? queue->invalid : "");
        return VERDICT_QUEUE_INVALID;
    }
    if (queue->spec->meta.deleted_ns != 0 &&
        job->spec->meta.created_ns > queue->spec->meta.deleted_ns) {
        str_addf(out, "JobQueue %s is being deleted: submit to another", name);
        return VERDICT_QUEUE_DELETING;
    }
    if (queue_is_closed(queue, job)) {
        char since[TIME_TEXT_MAX];
        str_addf(out,
                 "JobQueue %s is DRAINING and takes no job that was submitted after %s: submit to "
                 "another, or set its state to ENABLED",
                 name, time_print(queue->draining_since_ns, since));
        return VERDICT_QUEUE_DRAINING;
    }
    if (!queue_allows(core, queue, job->spec->meta.namespace_)) {
        str_addf(out,
                 "JobQueue %s takes no jobs from namespace %s: add it to spec.kubernetesNamespaces "
                 "of the queue",
                 name, job->spec->meta.namespace_);
        return VERDICT_NAMESPACE;
    }
    if (shares_full(job)) {
        str_addf(out,
                 "JobQueue %s has %d active share identifiers, as many as it can have: waits until "
                 "one of them has neither jobs nor use any more",
                 name, SHARES_ACTIVE_MAX);
        return VERDICT_SHARES;
    }
    return revision_missing(core, job, out);
}

void job_forget_template(struct core_job *job)
{
    if (job->changed != NULL)
        pod_template_done(job->changed);
    free(job->changed);
    free(job->bad_override);
    gang_forget_nodes(job);
    job->changed = NULL;
    job->bad_override = NULL;
    job->template_ = NULL;
}

/* The job's overrides, once there is a template that they can change. Those of jobs that have ended
 * are not looked at: after a restart there may be very many. */
static void apply_overrides(struct core_job *job)
{
    const struct batch_job *spec = job->spec;
    if (job->ended || spec->overrides.json == NULL || job->template_ == NULL ||
        job->template_->json == NULL)
        return;
    if (job->changed == NULL && job->bad_override == NULL) {
        struct err err = {0};
        struct pod_template changed = {0};
        if (template_override_apply(job->template_, &spec->overrides, "spec.overrides", &changed,
                                    &err) < 0) {
            job->bad_override = text_copy(err.text);
            return;
        }
        job->changed = mem_new(sizeof(*job->changed));
        *job->changed = changed;
    }
    if (job->changed != NULL)
        job->template_ = job->changed;
}

/* The definition, template, retry strategy and timeout that hold for the job, as far as they are
 * there. True: what it uses of others is known now. */
static bool bind(struct core *core, struct core_job *job)
{
    const struct batch_job *spec = job->spec;
    revision_pin(core, job);
    const struct job_definition *definition =
        job->definition != NULL ? job->definition->spec : NULL;
    job->template_ = spec->has_template   ? &spec->template_
                     : definition != NULL ? &definition->template_
                                          : NULL;
    apply_overrides(job);
    gang_bind(core, job,
              spec->has_nodes                               ? &spec->nodes
              : definition != NULL && definition->has_nodes ? &definition->nodes
                                                            : NULL);
    consume_bind(core, job);
    job->retry = spec->has_retry || definition == NULL ? &spec->retry : &definition->retry;
    struct opt_i64 timeout = spec->timeout_s;
    if (!timeout.set && definition != NULL)
        timeout = definition->timeout_s;
    job->timeout_ns = timeout.set ? timeout.value * NS_PER_S : 0;
    job->priority_given = spec->scheduling_priority;
    if (!job->priority_given.set && definition != NULL)
        job->priority_given = definition->scheduling_priority;
    if (!order_has(job)) /* it stands where it was put */
        job->priority = job->priority_given.set ? job->priority_given.value : 0;
    job->preemptible =
        spec->has_preemptible || definition == NULL ? spec->preemptible : definition->preemptible;
    reclaim_lend_all(job);
    return references_read(job);
}

/* false: the job has failed for good. */
static bool resolve(struct core *core, struct core_job *job)
{
    const struct job_definition *definition =
        job->definition != NULL ? job->definition->spec : NULL;
    if (job->spec->definition != NULL && definition == NULL) {
        AUTO_STR words = STR_EMPTY;
        (void)revision_missing(core, job, &words);
        job_fail_waiting(core, job, "InvalidDefinition", str_text(&words));
        return false;
    }
    if (definition != NULL && definition->invalid != NULL) {
        AUTO_TEXT words = text_printf("JobDefinition %s is invalid: %s", job->spec->definition,
                                      definition->invalid);
        job_fail_waiting(core, job, "InvalidDefinition", words);
        return false;
    }
    bool news = !job->spec->has_status || job->spec->status.phase <= JOB_SUBMITTED;
    if (queue_is_fair(job->queue) && job->spec->share == NULL && news) {
        AUTO_TEXT words = text_printf("spec.shareIdentifier: required in JobQueue %s, which has a "
                                      "schedulingPolicy",
                                      job->spec->queue);
        job_fail_waiting(core, job, "InvalidSpec", words);
        return false;
    }
    if (job->gang && job->spec->overrides.json != NULL) {
        job_fail_waiting(core, job, "InvalidSpec",
                         "spec.overrides: not for multi-node jobs: use nodeOverrides");
        return false;
    }
    if (!job->gang && job->spec->has_node_overrides) {
        job_fail_waiting(core, job, "InvalidSpec",
                         "spec.nodeOverrides: only for multi-node jobs: use overrides");
        return false;
    }
    if (job->template_ == NULL) {
        job_fail_waiting(core, job, "InvalidSpec",
                         "spec: neither jobDefinition nor template is given");
        return false;
    }
    if (job->bad_override != NULL) {
        job_fail_waiting(core, job, "InvalidOverrides", job->bad_override);
        return false;
    }
    if (references_fail(core, job))
        return false;
    if (job->class_ == NULL)
        job->class_ = class_for_template(core, &job->template_->placement);
    gang_classes(core, job);
    const char *bar = assist_bar(job);
    if (bar != NULL) {
        AUTO_TEXT words = text_printf("a multi-node job is placed whole and without the cluster's "
                                      "scheduler, which %s of its template needs",
                                      bar);
        job_fail_waiting(core, job, "UnsupportedTemplate", words);
        return false;
    }
    if (!gang_is_measurable(job)) {
        job_fail_waiting(core, job, "UnsupportedTemplate",
                         "the template asks for an extended resource, and the cluster's jobs and "
                         "nodes already use "
                         "as many different ones as bulkhead can tell apart");
        return false;
    }
    return true;
}

static void children_start(struct core *core, struct core_job *job)
{
    if (!job->by_child && job->waiting_whole == 0 && references_ready(job)) {
        /* One range, unless some children have ended or run already (at start-up). */
        uint32_t first = 0;
        for (uint32_t i = 0; i <= job->size; i++) {
            if (i < job->size && job->children[i].phase <= JOB_PENDING)
                continue;
            if (i > first)
                child_move_range(core, job, first, i, ON_READY);
            first = i + 1;
        }
        return;
    }
    for (uint32_t i = 0; i < job->size; i++) {
        if (job->children[i].phase > JOB_PENDING)
            continue;
        if (job->children[i].phase == JOB_SUBMITTED)
            child_move(core, job, i, ON_HOLD);
        enum depend_state state = depend_decide(core, job, i);
        if (state == DEPEND_MET)
            child_move(core, job, i, ON_READY);
        else if (state != DEPEND_WAITS)
            depend_child_end(core, job, i, state);
    }
}

void job_admit(struct core *core, struct core_job *job)
{
    if (job->ended || job->gone || job->admitted)
        return;
    AUTO_STR words = STR_EMPTY;
    bool looks = bind(core, job);
    if (job->pin_untold)
        job_changed(core, job, core->options.verdict_delay_ns);
    job->pin_untold = false;
    if (looks)
        depend_look_again(core, job);
    if (!job->ended)
        references_size(core, job);
    if (job->ended || job->admitted) /* by that look */
        return;
    enum verdict verdict = admission(core, job, &words);
    if (verdict != VERDICT_NONE) {
        verdict_set_lasting(core, job, verdict, str_text(&words));
        unadmitted_add(core, job);
        return;
    }
    unadmitted_remove(core, job);
    if (!resolve(core, job))
        return;
    job->admitted = true;
    queue_took(job->queue, job);
    verdict_set(core, job,
                job->waiting_whole > 0 || job->by_child || !references_ready(job)
                    ? depend_verdict(job)
                    : VERDICT_NONE,
                NULL);
    children_start(core, job);
    if (!job->checked && job->counts[JOB_STARTING] + job->counts[JOB_RUNNING] == 0) {
        job->fresh = true;
        job->fresh_next = core->fresh;
        core->fresh = job;
    }
    queue_enter(core, job); /* children of an earlier life may be runnable already */
    if (job->array) {
        job->phase = JOB_PENDING;
        tell_look(core, job);
        job_changed(core, job, core->options.verdict_delay_ns);
    }
    job_settle(core, job);
}

/* ----------------------------------------------------------------- the way to the end */

void job_fail_child(struct core *core, struct core_job *job, uint32_t index, const char *words)
{
    failures_child(job, index, &(struct failure_words){.status_reason = words}, false);
    child_move(core, job, index, ON_FAIL);
    depend_child_ended(core, job, index);
}

static void end_words(struct core_job *job, const char *reason, const char *message)
{
    if (job->end_reason == NULL) {
        job->end_reason = text_copy(reason);
        job->end_message = text_copy(message);
    }
}

/* It has a place, and is in nobody's hands yet: its claims are being written, say. */
static bool is_unsent(const struct core_pod *pod)
{
    return pod->state == PODS_CREATING && !pod->create_sent;
}

/* Of a gang the main node is stopped, and the others follow. */
static void main_stop(struct core *core, struct core_job *job, bool running_too, const char *words)
{
    const struct child *child = &job->children[job->main_node];
    if (child->pod == NULL && child->phase <= JOB_RUNNABLE) {
        job_fail_child(core, job, job->main_node, words);
        job_changed(core, job, 0);
    } else if (child->pod != NULL && (running_too || is_unsent(child->pod))) {
        pod_kill(core, child->pod, KILL_TERMINATE);
    }
    gang_look(core, job);
    job_settle(core, job);
}

void job_fail_waiting(struct core *core, struct core_job *job, const char *reason,
                      const char *message)
{
    if (job->ended)
        return;
    end_words(job, reason, message);
    if (job->gang && job->children != NULL) {
        main_stop(core, job, true, message);
        job_changed(core, job, 0);
        return;
    }
    for (uint32_t i = 0; job->children != NULL && i < job->size; i++) {
        if (job->children[i].phase <= JOB_RUNNABLE)
            job_fail_child(core, job, i, message);
    }
    job_changed(core, job, 0);
    job->decided_sequence = job->sequence;
    job_settle(core, job);
}

void job_stop_child(struct core *core, struct core_job *job, uint32_t index, bool running_too)
{
    struct child *child = &job->children[index];
    if (child->phase <= JOB_RUNNABLE && child->pod == NULL) {
        job_fail_child(core, job, index, child_stop_reason(job, index));
        job_changed(core, job, 0); /* only then: our own writes come by here too */
    } else if (child->pod != NULL && (running_too || is_unsent(child->pod))) {
        pod_kill(core, child->pod, KILL_TERMINATE);
    }
}

/* Nothing of it will run, and that is as its author wanted it. */
void job_skip_waiting(struct core *core, struct core_job *job, const char *message)
{
    if (job->ended)
        return;
    text_set(&job->end_message, message);
    for (uint32_t i = 0; job->children != NULL && i < job->size; i++) {
        if (job->children[i].phase <= JOB_RUNNABLE)
            depend_child_end(core, job, i, DEPEND_SKIPS);
    }
    job_changed(core, job, 0);
    job->decided_sequence = job->sequence;
    job_settle(core, job);
}

void job_stop_children(struct core *core, struct core_job *job, bool running_too)
{
    if (job->ended || job->children == NULL)
        return;
    if (job->gang) {
        main_stop(core, job, running_too, child_stop_reason(job, job->main_node));
        return;
    }
    for (uint32_t i = 0; i < job->size; i++)
        job_stop_child(core, job, i, running_too);
    job_settle(core, job);
}

/* A child that succeeded without an attempt was skipped. */
static uint32_t skipped_count(const struct core_job *job)
{
    uint32_t count = 0;
    if (job->gang && job->children[job->main_node].attempts > 0)
        return 0; /* its main node has spoken for all */
    for (uint32_t i = 0; i < job->size; i++)
        count += job->children[i].phase == JOB_SUCCEEDED && job->children[i].attempts == 0;
    return count;
}

static void end_succeeded(struct core *core, struct core_job *job)
{
    uint32_t idle = skipped_count(job); /* those that were taken over had no attempt either */
    uint32_t taken = (uint32_t)job->children_taken;
    uint32_t skipped = idle > taken ? idle - taken : 0;
    const char *words = job->end_message != NULL ? job->end_message : "";
    if (skipped > 0 && skipped == job->size) {
        job_end(core, job, JOB_SUCCEEDED, "Skipped",
                words[0] != '\0' ? words : "no child met the condition of its dependency");
    } else if (skipped > 0) {
        AUTO_TEXT some = text_printf("%u of %u children succeeded, the others (%u) were skipped",
                                     job->size - skipped, job->size, skipped);
        job_end(core, job, JOB_SUCCEEDED, "Succeeded", some);
    } else if (job->children_taken > 0) {
        AUTO_TEXT some =
            text_printf("all children succeeded, %lld of %u of them in %s",
                        (long long)job->children_taken, job->size, job->spec->replaces);
        job_end(core, job, JOB_SUCCEEDED, "Succeeded", some);
    } else {
        job_end(core, job, JOB_SUCCEEDED, "Succeeded",
                job->array ? "all children succeeded" : words);
    }
}

void job_settle(struct core *core, struct core_job *job)
{
    if (job->ended || job->children == NULL)
        return;
    int64_t done = job->counts[JOB_SUCCEEDED] + job->counts[JOB_FAILED];
    if (done < job->size)
        return;
    bool failed = job->counts[JOB_FAILED] > 0;
    if (!failed) {
        end_succeeded(core, job);
        return;
    }
    if (job->terminated || (job->cancelled && job->end_reason == NULL))
        job_end(core, job, JOB_FAILED, job->terminated ? "Terminated" : "Cancelled",
                job->stop_reason);
    else if (job->end_reason != NULL)
        job_end(core, job, JOB_FAILED, job->end_reason, job->end_message);
    else if (job->array)
        job_end(core, job, JOB_FAILED, "ArrayChildFailed", "Array Child Job failed");
    else
        job_end(core, job, JOB_FAILED, "DependencyFailed", "Dependent Job failed");
}

static void keep_failed_bits(struct core_job *job)
{
    job->failed_bits = mem_new((size_t)job->size / 8 + 1);
    for (uint32_t i = 0; i < job->size; i++) {
        if (job->children[i].phase == JOB_FAILED)
            job->failed_bits[i / 8] |= (uint8_t)(1U << (i % 8));
    }
}

void job_end(struct core *core, struct core_job *job, enum job_phase phase, const char *reason,
             const char *message)
{
    assert(!job->ended);
    AUTO_TEXT why = text_copy(reason);
    AUTO_TEXT words = text_copy(message);
    text_set(&job->end_reason, why);
    text_set(&job->end_message, words);
    job->ended = true;
    job->phase = phase;
    job->stopped_ns = core->now_ns;
    cost_late(job);
    unadmitted_remove(core, job);
    verdict_set(core, job, VERDICT_NONE, NULL);
    queue_enter(core, job);
    if (job->parked)
        job_unpark(core, job);
    if (job->array && phase == JOB_FAILED)
        keep_failed_bits(job);
    core->counts.jobs_live--;
    if (job->queue != NULL) {
        job->queue->live--;
        job->queue->status_dirty = job->queue->front_dirty = true;
    }
    shares_job_out(job);
    replace_left(core, job);
    job_changed(core, job, 0);
    notice(core, "BatchJob", &job->spec->meta, phase == JOB_SUCCEEDED ? "Normal" : "Warning",
           phase == JOB_SUCCEEDED ? "Succeeded" : "Failed",
           words != NULL && words[0] != '\0' ? words : why);
}

/* ---------------------------------------------------------------------- arrival */

static void read_dependencies(struct core_job *job)
{
    const struct batch_job *spec = job->spec;
    job->dependencies = mem_new((spec->dependency_count + 2) * sizeof(*job->dependencies));
    job->dependency_count = spec->dependency_count;
    size_t named = 0; /* records are of those that have a name, in their order */
    for (size_t i = 0; i < spec->dependency_count; i++) {
        struct core_dependency *dependency = &job->dependencies[i];
        dependency->job = job;
        dependency->name = text_copy(spec->dependencies[i].job_name);
        dependency->type = spec->dependencies[i].type;
        dependency->condition = spec->dependencies[i].condition;
        dependency->hold = spec->dependencies[i].hold;
        if (dependency->name == NULL) { /* SEQUENTIAL within the array */
            job->sequential = job->by_child = true;
            job->sequential_condition = dependency->condition;
            dependency->outcome = DEPENDENCY_SATISFIED;
            continue;
        }
        const struct dependency_record *record =
            named < spec->status.dependency_count ? &spec->status.dependencies[named] : NULL;
        named++;
        if (record != NULL && text_eq(record->job_name, dependency->name)) {
            text_set(&dependency->uid, record->uid);
            text_set(&dependency->replacement, record->replacement);
            dependency->held = record->outcome == DEPENDENCY_HELD;
            dependency->outcome = dependency->held ? DEPENDENCY_WAITING : (int)record->outcome;
        }
        if (dependency->type == DEPENDENCY_N_TO_N)
            job->by_child = true;
        else if (dependency->outcome != DEPENDENCY_SATISFIED)
            job->waiting_whole++;
    }
}

static struct core_job *job_new(struct core *core, struct batch_job *spec)
{
    struct core_job *job = mem_new(sizeof(*job));
    job->spec = spec;
    job->uid = text_copy(spec->meta.uid);
    job->key = text_printf("%s/%s", spec->meta.namespace_, spec->meta.name);
    job->resource_version = text_copy(spec->meta.resource_version);
    job->array = spec->array_size.set && spec->invalid == NULL;
    job->size = job->array ? (uint32_t)spec->array_size.value : 1;
    results_read_size(job);
    if (spec->has_nodes && spec->invalid == NULL) {
        job->gang = true;
        job->size = (uint32_t)spec->nodes.num_nodes;
        job->main_node = (uint32_t)spec->nodes.main_node;
    } else if (spec->has_status && spec->status.nodes.size > 0) { /* by its definition */
        job->gang = true;
        job->size = spec->status.nodes.size;
        job->main_node = spec->status.main_node;
    }
    job->timer.kind = TIMER_JOB;
    job->status_due_ns = INT64_MAX;
    job->phase = spec->has_status ? spec->status.phase : JOB_SUBMITTED;
    job->ended = job->end_durable = job->phase >= JOB_SUCCEEDED;
    if (!job->ended)
        job->phase = JOB_SUBMITTED;
    if (spec->queue != NULL) {
        job->queue = queue_named(core, spec->queue);
        job->queue->users++;
        if (!job->ended)
            job->queue->live++;
        shares_job_in(job);
    }
    read_dependencies(job);
    replace_read(core, job);
    family_join(core, job);
    map_put(core->jobs, job->uid, job);
    struct core_job *older = map_put(core->jobs_by_name, job->key, job);
    if (older !=
        NULL) { /* deleted and made again while we looked away: the old one's end is on its way */
        AUTO_TEXT uid = text_copy(older->uid);
        job_gone(core, uid);
        map_put(core->jobs_by_name, job->key, job);
    }
    core->counts.jobs++;
    if (!job->ended)
        core->counts.jobs_live++;
    return job;
}

/* Everything a job does once the whole world is known. */
static void job_begin(struct core *core, struct core_job *job)
{
    if (!job->ended && job->spec->invalid != NULL) {
        job_fail_waiting(core, job, "InvalidSpec", job->spec->invalid);
        depend_start(core, job);
        family_look(core, job); /* those below it take on what was asked of those above */
        return;
    }
    depend_start(core, job);
    if (!job->ended)
        requests_read(job);
    family_look(core, job);
    if (!job->ended && job->gang) {
        gang_look(core, job); /* an attempt of an earlier life may be on its way out */
        job_settle(core, job);
    }
    if (!job->ended && job_is_stopped(job))
        job_stop_children(core, job, job->terminated);
    requests_stop(core, job, 0);
    if (!job->ended)
        job_admit(core, job);
    else if (job->end_durable)
        depend_ended_later(core, job);
    if (job->ended)
        job_timer_set(core, job); /* its time after the end may be over already */
}

/* Gone, and an action that names it is in flight: what is read meanwhile may be older than its end.
 */
static bool is_dead(const struct core *core, const char *uid)
{
    for (const struct core_job *job = core->dead; job != NULL; job = job->dead_next) {
        if (strcmp(job->uid, uid) == 0)
            return true;
    }
    return false;
}

static void read_phase(struct core *core, struct core_job *job)
{
    if (job->ended || !job->spec->has_status || job->spec->status.phase < JOB_SUCCEEDED)
        return;
    job->phase = job->spec->status.phase;
    job->ended = job->end_durable = true;
    core->counts.jobs_live--;
    if (job->queue != NULL)
        job->queue->live--;
    shares_job_out(job);
}

static bool spec_is_usable(const struct core_job *job)
{
    return job->spec->invalid == NULL && !job->ended;
}

/* A terminal status never changes, and what we write comes by here when we know of its end: this
 * one was on its way when the process died that sent it. What it knew we may not: what had been
 * deleted. What runs comes to the same end by itself. */
static void read_late_end(struct core *core, struct core_job *job)
{
    const struct job_status *status = &job->spec->status;
    if (job->ended && !job->end_durable)
        cost_late(job);
    if (job->ended || !job->spec->has_status || status->phase < JOB_SUCCEEDED)
        return;
    for (uint32_t i = 0; job->children != NULL && i < job->size; i++) {
        if (job->children[i].phase > JOB_RUNNABLE && job->children[i].phase < JOB_SUCCEEDED)
            return;
    }
    if (status->phase == JOB_FAILED)
        job_fail_waiting(core, job, status->reason, status->message);
    else
        job_skip_waiting(core, job, status->message);
}

void job_apply(struct core *core, struct batch_job *take_spec)
{
    struct core_job *job = map_get(core->jobs, take_spec->meta.uid);
    if (job == NULL && is_dead(core, take_spec->meta.uid)) {
        batch_job_free(take_spec);
        return;
    }
    if (job == NULL) {
        job = job_new(core, take_spec);
        if (core->synced) {
            if (spec_is_usable(job))
                (void)bind(core, job); /* a definition may tell how many nodes it has */
            job_load_state(core, job);
            job_begin(core, job);
        }
        return;
    }
    if (is_outdated(&job->spec->meta, &take_spec->meta)) { /* a slow answer: we know better */
        batch_job_free(take_spec);
        return;
    }
    /* Only what others may change is news: requests, deletion, metadata. Status is ours. */
    struct batch_job *old = job->spec;
    version_take(&job->resource_version, take_spec->meta.resource_version);
    bool template_moved = job->template_ == &old->template_;
    bool retry_moved = job->retry == &old->retry;
    job->spec = take_spec;
    if (job->nodes == &old->nodes) {
        job->nodes = take_spec->has_nodes ? &take_spec->nodes : NULL;
        if (job->nodes != NULL)
            job->template_ = &node_range_of(job->nodes, job->nodes->main_node)->template_;
    }
    if (template_moved)
        job->template_ = &take_spec->template_;
    if (retry_moved)
        job->retry = &take_spec->retry;
    batch_job_free(old);
    family_join(core, job);
    if (core->synced)
        references_seen(take_spec);
    if (core->synced && job->ended)
        job_timer_set(core, job); /* ttlSecondsAfterFinished may have changed */
    if (core->synced)
        requests_look(core, job);
    if (core->synced)
        read_late_end(core, job);
    if (core->synced)
        family_look(core, job);
    else
        read_phase(core, job); /* what an earlier life of this process had sent has arrived */
}

void jobs_begin_all(struct core *core)
{
    size_t at = 0;
    struct core_job *job;
    pods_pin_early(core);
    while ((job = map_next(core->jobs, &at, NULL)) != NULL) {
        (void)bind(core, job); /* the pods that follow may end by its retry strategy and timeout */
        if (!job->ended && job->spec->invalid == NULL)
            requests_read(job); /* and by its end on request */
        job_load_state(core, job);
    }
    bill_begin_all(core);
    core->adopting = true;
    family_begin(core);
    pods_apply_early(core); /* a gang is looked at when all of its pods are known */
    core->adopting = false;
    core->beginning = true;
    at = 0;
    while ((job = map_next(core->jobs, &at, NULL)) != NULL)
        job_begin(core, job);
    core->beginning = false;
}

void job_gone(struct core *core, const char *uid)
{
    struct core_job *job = map_remove(core->jobs, uid);
    if (job == NULL)
        return;
    if (map_get(core->jobs_by_name, job->key) == job)
        map_remove(core->jobs_by_name, job->key);
    core->counts.jobs--;
    bill_gone(core, job);
    unadmitted_remove(core, job);
    if (job->parked)
        job_unpark(core, job);
    depend_job_gone(core, job);
    depend_stop(core, job);
    replace_gone(core, job);
    family_leave(core, job);
    pods_disown(core, job);
    gang_free(core, job);
    if (!job->ended) {
        core->counts.jobs_live--;
        if (job->queue != NULL)
            job->queue->live--;
    }
    job_uncount(core, job);
    job->gone = true;
    service_look(core, job);
    queue_enter(core, job);
    shares_job_out(job);
    timer_clear(&core->timers, &job->timer);
    tell_job_gone(core, job);
    job->dead_next = core->dead;
    core->dead = job;
}
