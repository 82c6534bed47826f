/* SPDX-License-Identifier: Apache-2.0 */
/* outcome.c - what the end of a pod means for its child
 *
 * Four ends. SUCCEEDED and FAILED are the program's own. REFUSED: the kubelet did not admit the
 * pod, or the name was taken: a stale placement, never the job's failure. LOST: the machine or
 * somebody else took the pod away. causes.c tells them apart. Refused and lost-before-start use up
 * a try, not an attempt; lost-after-start is an attempt with AWS's reason "Host EC2 (...)
 * terminated.", so that evaluateOnExit rules written for AWS work. */
#include "assist.h"
#include "causes.h"
#include "cost.h"
#include "gang.h"
#include "reclaim.h"
#include "results.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The container that decides: the first that failed, else the last. */
static const struct container_exit *deciding_exit(const struct pod *seen)
{
    for (size_t i = 0; i < seen->exit_count; i++) {
        if (seen->exits[i].exit_code != 0)
            return &seen->exits[i];
    }
    return seen->exit_count > 0 ? &seen->exits[seen->exit_count - 1] : NULL;
}

static char *container_reason(const struct container_exit *exit_)
{
    if (exit_ == NULL || exit_->reason == NULL)
        return NULL;
    if (strcmp(exit_->reason, "OOMKilled") == 0)
        return text_copy("OutOfMemoryError: Container killed due to memory usage");
    if (strcmp(exit_->reason, "Completed") == 0 || strcmp(exit_->reason, "Error") == 0)
        return NULL; /* an ordinary exit has no container reason in AWS either */
    if (strcmp(exit_->reason, "ContainerCannotRun") == 0 ||
        strcmp(exit_->reason, "StartError") == 0)
        return text_printf("CannotStartContainerError: %s",
                           exit_->message != NULL ? exit_->message : exit_->reason);
    return text_copy(exit_->reason);
}

static const char *pull_error(const char *waiting)
{
    static const char *const pulls[] = {
        "ErrImagePull",      "ImagePullBackOff",    "InvalidImageName",         "ErrImageNeverPull",
        "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed"};
    for (size_t i = 0; waiting != NULL && i < ARRAY_LEN(pulls); i++) {
        if (strcmp(waiting, pulls[i]) == 0)
            return "CannotPullContainerError";
    }
    return "CannotStartContainerError";
}

/* What kept the pod from starting, in the kubelet's own words as far as its status has any: of a
 * volume or a network it tells in the pod's Events only. */
static char *start_words(const struct core_pod *pod)
{
    const char *reason = pod->waiting_reason != NULL ? pod->waiting_reason : "not started in time";
    const char *words = pod->waiting_message;
    if (words == NULL &&
        (text_eq(reason, "ContainerCreating") || text_eq(reason, "PodInitializing")))
        words = "a volume or the network of the pod was not ready in time";
    return text_printf("%s: %s%s%s", pull_error(pod->waiting_reason), reason,
                       words != NULL ? ": " : "", words != NULL ? words : "");
}

static char *host_words(const struct core_pod *pod)
{
    const struct core_node *node = pod->node;
    const char *id = node == NULL             ? "unknown"
                     : node->instance != NULL ? node->instance->id
                                              : node->name;
    return text_printf("Host EC2 (instance %s) terminated.", id);
}

/* "Evicted: The node was low on resource: memory." */
static char *status_words(const struct pod *seen)
{
    const char *reason = seen->reason != NULL ? seen->reason : seen->disruption;
    return text_printf("%s%s%s", reason, seen->message != NULL ? ": " : "",
                       seen->message != NULL ? seen->message : "");
}

static void read_killed(const struct core_pod *pod, const struct pod *seen, enum kill_reason kill,
                        struct outcome *out)
{
    out->kind = OUTCOME_FAILED;
    out->final_ = true;
    out->attempt = true;
    if (kill == KILL_TIMEOUT) {
        out->timed_out = true;
        out->status_reason = text_copy("Job attempt duration exceeded timeout");
    } else if (kill == KILL_START) {
        out->final_ = false;
        out->status_reason = text_copy("Task failed to start");
        free(out->reason);
        out->reason = start_words(pod);
    } else if (kill == KILL_GANG) {
        out->attempt = pod->started || (seen != NULL && seen->containers_started);
        out->status_reason = text_copy("the main node has ended");
    } else {
        out->attempt = pod->started || (seen != NULL && seen->containers_started);
        const char *words = pod->job != NULL ? child_stop_reason(pod->job, pod->index) : NULL;
        out->status_reason = text_copy(words != NULL ? words : "the job was deleted");
    }
}

/* By the times in the pod's own status, so that it holds whoever looks and whenever: also a process
 * that was started after the pod was stopped. */
static bool ran_too_long(const struct core_pod *pod, const struct pod *seen)
{
    const struct core_job *job = pod->job;
    return job != NULL && job->timeout_ns > 0 && seen->phase == POD_FAILED &&
           seen->disruption == NULL && seen->started_ns != 0 &&
           seen->finished_ns - seen->started_ns >= job->timeout_ns;
}

void outcome_read(const struct core_pod *pod, const struct pod *seen, struct outcome *ret_outcome)
{
    struct outcome *out = ret_outcome;
    bool started = pod->started || (seen != NULL && seen->containers_started);
    *out = (struct outcome){.attempt = started};
    const struct container_exit *exit_ = seen != NULL ? deciding_exit(seen) : NULL;
    /* So kubelets tell of a container that they cannot find, and of one that was stopped before it
     * ran: that is no exit of the program. */
    bool vanished = exit_ != NULL && text_eq(exit_->reason, "ContainerStatusUnknown");
    if (vanished)
        exit_ = NULL;
    if (exit_ != NULL) {
        out->exit_code = OPT_I64(exit_->exit_code);
        out->reason = container_reason(exit_);
        if (exit_->exit_code != 0)
            out->message = text_copy(exit_->message);
    }
    if (seen != NULL && seen->phase == POD_SUCCEEDED) {
        /* Also when it was to be stopped: what has succeeded has succeeded. */
        out->kind = OUTCOME_SUCCEEDED;
        out->attempt = true;
        out->status_reason = text_copy("Essential container in task exited");
        return;
    }
    if (reclaim_gave_way(pod, seen)) { /* however it ended: nothing of it is held against the job */
        out->kind = OUTCOME_LOST;
        out->attempt = false;
        out->status_reason = reclaim_words(pod, seen);
        return;
    }
    const struct cause *cause = seen != NULL ? cause_of(seen) : NULL;
    bool own = cause != NULL && cause->kind == CAUSE_OWN;
    bool gone = seen == NULL || (seen->phase != POD_FAILED && !pod_is_afloat(pod)) ||
                (cause != NULL && !own) || (vanished && started && !own);
    bool host = gone || pod->kill == KILL_HOST;
    bool by_user =
        pod->kill == KILL_TERMINATE || pod->kill == KILL_ORPHAN || pod->kill == KILL_GANG;
    /* Told to go for its timeout, but ended before: then it was not the timeout. Told to go for
     * something else, and it ran on until its timeout: a later process sees the times alone. */
    bool timed_out = !gone && (ran_too_long(pod, seen) || (seen->deadline && started) ||
                               (pod->kill == KILL_TIMEOUT && seen->finished_ns == 0));
    if (by_user || timed_out ||
        (pod->kill == KILL_START && !host)) { /* a machine that died first is no timeout */
        read_killed(pod, seen, timed_out && !by_user ? KILL_TIMEOUT : pod->kill, out);
        return;
    }
    if (seen == NULL || seen->phase != POD_FAILED || pod->kill == KILL_HOST || (host && started)) {
        out->kind = OUTCOME_LOST;
        out->status_reason = host_words(pod);
        if (out->message == NULL && cause != NULL)
            out->message = status_words(seen);
        return;
    }
    if (seen->deadline) { /* activeDeadlineSeconds: the timeout held while we were away */
        out->kind = OUTCOME_FAILED;
        out->final_ = started;
        out->attempt = true;
        out->status_reason =
            text_copy(started ? "Job attempt duration exceeded timeout" : "Task failed to start");
        return;
    }
    if (!started && cause != NULL && !own) {
        out->kind = cause->kind == CAUSE_REFUSED ? OUTCOME_REFUSED : OUTCOME_LOST;
        out->status_reason = status_words(seen);
        return;
    }
    if (!started && exit_ == NULL && !own) { /* deleted before it began */
        out->kind = OUTCOME_LOST;
        out->status_reason = text_copy("the pod was deleted before it started");
        return;
    }
    out->kind = OUTCOME_FAILED;
    out->attempt = true;
    out->status_reason = text_copy("Essential container in task exited");
    if (own) {
        free(out->reason);
        out->reason = status_words(seen);
    }
}

/* ----------------------------------------------------------------- retries */

bool glob_matches(const char *pattern, const char *text)
{
    if (pattern == NULL)
        return true;
    if (text == NULL)
        text = "";
    size_t size = strlen(pattern);
    if (size > 0 && pattern[size - 1] == '*')
        return strncmp(pattern, text, size - 1) == 0;
    return strcmp(pattern, text) == 0;
}

bool retry_wanted(const struct retry_strategy *retry, const struct outcome *outcome,
                  int64_t attempts_done)
{
    int64_t attempts = retry != NULL && retry->attempts.set ? retry->attempts.value : 1;
    if (outcome->final_ || attempts_done >= attempts)
        return false;
    char code[24] = "";
    if (outcome->exit_code.set) {
        snprintf(code, sizeof(code), "%lld", (long long)outcome->exit_code.value);
    }
    for (size_t i = 0; retry != NULL && i < retry->rule_count; i++) {
        const struct exit_rule *rule = &retry->rules[i];
        if (glob_matches(rule->on_reason, outcome->reason) &&
            glob_matches(rule->on_status_reason, outcome->status_reason) &&
            glob_matches(rule->on_exit_code, code))
            return rule->retry;
    }
    return true;
}

bool outcome_is_followed(const struct core_pod *pod)
{
    struct outcome outcome = {.kind = OUTCOME_LOST, .attempt = true};
    if (pod->kill == KILL_START)
        read_killed(pod, NULL, KILL_START, &outcome);
    else
        outcome.status_reason = host_words(pod);
    bool again =
        retry_wanted(pod->job->retry, &outcome, pod->job->children[pod->index].attempts + 1);
    free(outcome.reason);
    free(outcome.status_reason);
    return again;
}

/* ------------------------------------------------------------- what it means */

/* One try without an attempt more. When the budget is used up the child fails, and says what was in
 * the way; no attempt is counted for it. */
static void use_refusal(struct core_job *job, uint32_t index, unsigned weight,
                        struct outcome *outcome)
{
    struct child *child = &job->children[index];
    if (child->refusals + weight <= JOB_REFUSALS_MAX) {
        child->refusals = (uint8_t)(child->refusals + weight);
        records_child(job, index);
        return;
    }
    AUTO_TEXT last = STEAL(outcome->status_reason);
    free(outcome->reason);
    outcome->used_up = true;
    outcome->status_reason = text_copy("Task failed to start");
    outcome->reason = text_printf("CannotStartContainerError: its pods were refused or lost before "
                                  "they started, too often; the last: %s",
                                  last != NULL ? last : "");
}

static const char *end_word(const struct outcome *outcome)
{
    if (outcome->used_up)
        return "NeverStarted";
    if (outcome->timed_out)
        return "TimedOut";
    return outcome->kind == OUTCOME_LOST ? "HostTerminated" : "ContainerFailed";
}

static void apply_to_child(struct core *core, struct core_pod *pod, unsigned weight,
                           struct outcome *outcome)
{
    struct core_job *job = pod->job;
    struct child *child = &job->children[pod->index];
    child->pod = NULL;
    if (child->phase >= JOB_SUCCEEDED)
        return;
    if (!outcome->attempt)
        use_refusal(job, pod->index, weight, outcome);
    bool part = job->gang && pod->index != job->main_node;
    if (outcome->attempt || (part && outcome->used_up)) {
        child->attempts = (uint8_t)pod->attempt;
        records_child(job, pod->index);
    }
    if (part) { /* its end says nothing about the job */
        child_move(core, job, pod->index, outcome->attempt ? ON_RETRY : ON_UNPLACE);
        return;
    }
    if (job->started_ns == 0 && pod->started_ns != 0)
        job->started_ns = pod->started_ns;
    if (outcome->kind == OUTCOME_SUCCEEDED) {
        if (!job->array)
            text_set(&job->end_message, outcome->status_reason);
        child_move(core, job, pod->index, ON_SUCCEED);
        depend_child_ended(core, job, pod->index);
        return;
    }
    const struct failure_words words = {outcome->status_reason, outcome->reason,
                                        outcome->exit_code};
    if (outcome->attempt)
        failures_attempt(job, pod->index, &words);
    /* That there is a later try proves that this one was to be followed by it, before the job was
     * stopped. */
    bool stopped = child_is_stopped(job, pod->index) && !core->superseded;
    bool again =
        core->superseded ||
        (outcome->attempt ? retry_wanted(job->retry, outcome, child->attempts) : !outcome->used_up);
    if (again && !stopped) {
        child_move(core, job, pod->index, outcome->attempt ? ON_RETRY : ON_UNPLACE);
        if (outcome->attempt)
            notice_retry(core, job, pod, outcome);
        return;
    }
    if (!job->array && job->end_reason == NULL && !(stopped && !outcome->attempt)) {
        text_set(&job->end_reason, end_word(outcome));
        text_set(&job->end_message, outcome->used_up ? outcome->reason : outcome->status_reason);
    }
    failures_child(job, pod->index, &words, outcome->attempt);
    child_move(core, job, pod->index, ON_FAIL);
    depend_child_ended(core, job, pod->index);
}

/* It was told to go, and not before its start deadline. */
static bool told_late(const struct core *core, const struct core_pod *pod, const struct pod *seen)
{
    /* Ours has a finer grain than the server's, which is all that a later process has. */
    int64_t created_ns =
        seen != NULL ? seen->meta.created_ns : pod->created_ns - pod->created_ns % NS_PER_S;
    return pod->deleted_ns != 0 &&
           pod->deleted_ns - created_ns >= job_start_deadline_ns(core, pod->job);
}

/* Stopped when its start deadline had passed, by us, by an earlier life of this process or by the
 * kubelet: the pod's own times tell. */
static bool could_not_start(const struct core *core, const struct core_pod *pod,
                            const struct pod *seen)
{
    if (pod->started ||
        (seen != NULL && (seen->containers_started || seen->phase == POD_SUCCEEDED)))
        return false;
    if (seen != NULL && seen->deadline)
        return true;
    return told_late(core, pod, seen) && !node_was_another(pod);
}

/* It ended by itself before it was told to go; times have whole seconds. */
static bool ended_before(const struct core_pod *pod, const struct pod *seen)
{
    return seen != NULL && seen->phase == POD_FAILED &&
           (!pod->deleting || (seen->finished_ns != 0 && seen->finished_ns < pod->deleted_ns));
}

/* It was told to go before anything else happened to it. */
static bool was_undisturbed(const struct core_pod *pod, const struct pod *seen)
{
    if (seen == NULL || seen->deadline)
        return true;
    return seen->reason == NULL &&
           (seen->disruption == NULL || seen->disrupted_ns > pod->deleted_ns);
}

void outcome_apply(struct core *core, struct core_pod *pod, const struct pod *seen,
                   const char *lost_why)
{
    struct core_job *job = pod->job;
    assert(job != NULL && job->children != NULL && pod->in_job);
    bool gave_way = reclaim_gave_way(pod, seen);
    bool late = !gave_way && could_not_start(core, pod, seen);
    /* Told to go when its start deadline had passed already: whoever asked first, and whatever
     * became of its machine since, a process that was started later can only go by the times. */
    static const struct pod stopped = {.phase = POD_FAILED};
    bool undisturbed = late && was_undisturbed(pod, seen);
    if (pod->kill == KILL_START && pod->deleted_ns != 0 && !told_late(core, pod, seen))
        pod->kill = KILL_NONE; /* by somebody else, of which we heard after */
    if (late && (pod->kill == KILL_NONE || (pod->kill == KILL_HOST && undisturbed)))
        pod->kill = KILL_START;
    else if (pod->kill == KILL_START && !late &&
             (pod->started || (seen != NULL && (seen->containers_started || !pod->deleting))))
        pod->kill =
            KILL_NONE; /* it started at the last moment, or ended before it was told to go */
    else if (pod->kill == KILL_HOST && ended_before(pod, seen))
        pod->kill = KILL_NONE;
    else if (pod->kill == KILL_NONE && node_was_another(pod) && !ended_before(pod, seen))
        pod->kill = KILL_HOST; /* by a process that has died since */
    bool cut_off = undisturbed && (seen == NULL || seen->disruption != NULL);
    struct outcome outcome;
    outcome_read(pod, cut_off ? &stopped : seen, &outcome);
    if (undisturbed && (pod->kill == KILL_TERMINATE || pod->kill == KILL_GANG))
        outcome.attempt = true;
    if (lost_why != NULL && !gave_way && outcome.kind == OUTCOME_LOST && !outcome.attempt)
        text_set(&outcome.status_reason, lost_why);
    cost_take(core, pod, seen);
    const struct cause *cause = seen != NULL ? cause_of(seen) : NULL;
    bool by_node = outcome.kind == OUTCOME_REFUSED || outcome.kind == OUTCOME_LOST;
    if (by_node && pod->node != NULL && cause != NULL)
        node_penalty(core, pod->node, pod->class_, cause);
    else if (!by_node && pod->node != NULL && pod->started)
        node_forgive(pod->node, pod->class_, pod->started_ns);
    pod->in_job = false;
    if (outcome.kind == OUTCOME_SUCCEEDED && job->children[pod->index].phase < JOB_SUCCEEDED)
        result_keep(job, pod->index, seen->result);
    if (outcome.kind == OUTCOME_SUCCEEDED)
        history_learn(core, pod, seen->finished_ns);
    apply_to_child(core, pod, by_node && cause != NULL ? cause->weight : 1, &outcome);
    tries_record(core, pod, seen, &outcome);
    free(outcome.reason);
    free(outcome.status_reason);
    free(outcome.message);
    bool last = job->counts[JOB_SUCCEEDED] + job->counts[JOB_FAILED] == job->size;
    gang_look(core, job);
    job_changed(core, job, last ? 0 : NS_PER_S);
    job_settle(core, job);
}
