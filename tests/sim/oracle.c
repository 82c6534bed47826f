/* SPDX-License-Identifier: Apache-2.0 */
/* oracle.c - what must always hold, and what must hold in the end
 *
 * The oracle never asks the core what is right. It goes by what the API server has stored about
 * each pod (that is the truth: what no report says has not happened), and works out from the job's
 * own rules what each child must come to. The letters are the invariants of docs/simulator.md. */
#include "sim/world.h"

#include "bulkhead/base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ACTIONS_MAX = 4096 };

void violation(struct world *world, const char *invariant, const char *format, ...)
{
    if (world->failed)
        return;
    world->failed = true;
    va_list args;
    va_start(args, format);
    int used = snprintf(world->failure, sizeof(world->failure), "%s: ", invariant);
    vsnprintf(world->failure + used, sizeof(world->failure) - (size_t)used, format, args);
    va_end(args);
    STORY(world, "VIOLATION %s", world->failure);
}

/* --- Deletes and releases ----------------------------------------------------------------------
 */

void oracle_kill(struct world *world, const struct sim_pod *pod, const struct request *request)
{
    struct body *body = pod->body;
    const struct sim_job *job = body->job;
    if (job != NULL && is_part(job, pod->index)) {
        const struct sim_pod *main_pod = job->truth->children[job->main_node].last;
        if (main_pod == NULL || !pod_may_execute(main_pod) || pod_is_stranded(world, main_pod))
            return; /* the main node has ended: the others are stopped */
        if (job->timeout_s > 0 && main_pod->started &&
            world->now_ns - main_pod->started_ns >= job->timeout_s * NS_PER_S)
            return; /* or is being stopped */
    }
    if (pod->object.deleted_ns != 0 || !pod_may_execute(pod))
        return;
    oracle_ran_on(world, pod);
    if (!pod->ours || job == NULL) {
        violation(world, "I7", "delete of foreign pod %s", request->name);
        return;
    }
    const struct sim_node *node = node_of_pod(world, pod);
    /* Bound in the second in which the Node came: to this one, or to the one before? */
    bool at_once = pod->bound_uid != NULL && node != NULL &&
                   pod->bound_ns / NS_PER_S == node->object.created_ns / NS_PER_S;
    bool registered_anew =
        body->anew || at_once || (node != NULL && !name_eq(node->object.uid, pod_machine(pod)));
    if (pod_is_stranded(world, pod) || job->object.gone || pod->node_name == NULL ||
        registered_anew || pod->gives_way_to != NULL || is_terminated_from_above(world, job))
        return;
    int64_t ran_ns = pod->started ? world->now_ns - pod->started_ns : 0;
    if (job->timeout_s > 0 && pod->started && ran_ns >= job->timeout_s * NS_PER_S)
        return;
    for (size_t i = 0; i < job->request_count; i++)
        if (job->requests[i].action == JOB_TERMINATE && pod->index >= job->requests[i].first &&
            pod->index < job->requests[i].end)
            return;
    /* A process that adopted the pod counts from creationTimestamp, which has a grain of 1 s. */
    if (!pod->started && world->now_ns - body->sent_ns >= (job->start_deadline_s - 1) * NS_PER_S)
        return;
    violation(world, "I12", "pod %s is deleted while it may execute, without a reason",
              request->name);
}

void oracle_released(struct world *world, const struct sim_pod *pod)
{
    const struct sim_job *job = pod->body->job;
    if (job == NULL) {
        violation(world, "I7", "foreign pod %s is released", pod->object.name);
        return;
    }
    if (job->object.gone)
        return;
    if (pod_may_execute(pod) && !pod_is_stranded(world, pod)) {
        violation(world, "I10", "pod %s is released while it may execute", pod->object.name);
        return;
    }
    struct summary sum = summarize(world, job, pod);
    const struct stored_status *stored = job->status;
    const struct sim_array_state *state =
        store_find(world, KIND_ARRAY_STATE, job->object.namespace_, job->object.name);
    if (state != NULL && name_eq(state->job_uid, job->object.uid) &&
        (stored == NULL || stored->elsewhere))
        stored = state->status; /* written first, and read first after a restart */
    if (stored == NULL) {
        violation(world, "I10", "pod %s is released before its job has a status", pod->object.name);
        return;
    }
    const struct child_record *record =
        stored->children != NULL ? &stored->children[pod->index] : NULL;
    int64_t attempts = record != NULL ? record->attempts : stored->status.attempts;
    int64_t refusals = record != NULL ? stored->refusals[pod->index] : stored->status.refusals;
    bool succeeded =
        record != NULL ? record->outcome == CHILD_SUCCEEDED : stored->status.phase == JOB_SUCCEEDED;
    bool ended =
        record != NULL ? record->outcome != CHILD_WAITING : stored->status.phase >= JOB_SUCCEEDED;
    bool part = is_part(job, pod->index); /* its end is the main node's */
    if (part) { /* whether a try of it was an attempt says nothing about the job */
        attempts += refusals;
        refusals = sum.refusals;
        sum.attempts += sum.refusals;
    }
    if (attempts < sum.attempts || (sum.succeeded && !succeeded && !part) ||
        (!ended && refusals < (int64_t)sum.refusals))
        violation(
            world, "I10",
            "pod %s is released, but the status has %lld attempts of %u, %lld refusals of %u%s",
            pod->object.name, (long long)attempts, sum.attempts, (long long)refusals, sum.refusals,
            sum.succeeded && !succeeded ? ", no success" : "");
}

/* Only what has ended so long ago, and only by its own ttlSecondsAfterFinished. */
void oracle_expired(struct world *world, const struct sim_job *job)
{
    bool ended = job_ended(job);
    int64_t since_ns = ended ? world->now_ns - job->status->status.stopped_ns : 0;
    if (!ended || job->ttl_s < 0 || since_ns < job->ttl_s * NS_PER_S)
        violation(world, "I1", "job %s is deleted, %s", job->object.name,
                  ended ? "before its time" : "and has not ended");
}

/* --- Status ------------------------------------------------------------------------------------
 */

static void check_child(struct world *world, const struct sim_job *job, uint32_t index,
                        const struct stored_status *status, enum child_outcome outcome,
                        int64_t attempts)
{
    truth_counted(job, index, attempts);
    struct summary sum = summarize(world, job, job->truth->children[index].last);
    const char *name = job->object.name;
    if (is_part(job, index)) {
        if (outcome != CHILD_WAITING && sum.live)
            violation(world, "I5", "%s[%u] is told to have ended while a pod may execute", name,
                      index);
        return;
    }
    if (attempts > (int64_t)sum.attempts)
        violation(world, "I3", "%s[%u] has %lld attempts in its status, %u in truth", name, index,
                  (long long)attempts, sum.attempts);
    if (outcome == CHILD_WAITING)
        return;
    if (sum.live)
        violation(world, "I5", "%s[%u] is told to have ended while a pod may execute", name, index);
    if (attempts != (int64_t)sum.attempts)
        violation(world, "I3", "%s[%u] ended with %lld attempts in its status, %u in truth", name,
                  index, (long long)attempts, sum.attempts);
    if (outcome == CHILD_SUCCEEDED && !sum.succeeded && sum.attempts == 0 &&
        may_be_skipped(world, job, index, 0)) {
        world->counters.skipped++;
        return;
    }
    if (outcome == CHILD_SUCCEEDED && sum.attempts == 0 && is_taken(world, job, index, status))
        return;
    if (outcome == CHILD_SUCCEEDED && sum.attempts == 0 && may_be_empty(world, job)) {
        world->counters.empty++;
        return;
    }
    if ((outcome == CHILD_SUCCEEDED) != sum.succeeded)
        violation(world, "I5", "%s[%u] is told to have %s, but %s", name, index,
                  outcome == CHILD_SUCCEEDED ? "succeeded" : "failed",
                  sum.succeeded ? "a pod of it succeeded" : "no pod of it did");
    if (outcome == CHILD_FAILED && !sum.final_failed && !sum.may_have_failed &&
        !is_excused(world, job, index, 0) && !is_on_cycle(world, job))
        violation(world, "I5",
                  "%s[%u] is told to have failed after %u attempts, for no reason: %s: %s", name,
                  index, sum.attempts, status->status.reason != NULL ? status->status.reason : "-",
                  status->status.message != NULL ? status->status.message : "-");
}

/* Counted by reason, or as other: every failed child and every failed attempt once. */
static void check_failures(struct world *world, const struct sim_job *job,
                           const struct stored_status *status)
{
    const struct array_status *array = &status->status.array;
    int64_t children = -array->other_children, attempts = -array->other_attempts;
    for (uint32_t i = 0; i < job->size; i++) {
        const struct child_record *record = &status->children[i];
        children += record->outcome == CHILD_FAILED;
        attempts += record->attempts -
                    (record->outcome == CHILD_SUCCEEDED && record->attempts > 0); /* not skipped */
    }
    for (size_t i = 0; i < array->failure_count; i++) {
        children -= array->failures[i].children;
        attempts -= array->failures[i].attempts;
    }
    if (children != 0 || attempts != 0)
        violation(world, "failures",
                  "%s: %lld failed children and %lld failed attempts more than by reason",
                  job->object.name, (long long)children, (long long)attempts);
}

/* An exit code that is told must be that of the pod of that attempt. */
static bool is_exit_of(const struct sim_job *job, uint32_t index, uint32_t attempt, int64_t code)
{
    const struct sim_pod *pod = job->truth->children[index].last;
    for (; pod != NULL; pod = pod->body->sibling)
        if (pod->attempt == attempt && pod->has_exit && pod->exit_code == code)
            return true;
    return false;
}

/* Every failed attempt is told one by one, and agrees with the counts by reason and the truth. */
static void check_history(struct world *world, const struct sim_job *job,
                          const struct stored_status *status)
{
    struct err err = {0};
    AUTO(array_history) history = NULL;
    const struct array_status *array = &status->status.array;
    int64_t attempts = -array->other_attempts;
    if (array_history_unpack(status->history, status->children, job->size, &history, &err) < 0 ||
        array->history_left_out != 0)
        violation(world, "history", "%s: %s, %lld children left out", job->object.name, err.text,
                  (long long)array->history_left_out);
    for (uint32_t i = 0; history != NULL && i < job->size; i++) {
        struct history_end ends[HISTORY_CHILD_MAX];
        size_t count = array_history_read(history, i, ends);
        const struct child_record *record = &status->children[i];
        size_t failed =
            record->attempts - (size_t)(record->outcome == CHILD_SUCCEEDED && record->attempts > 0);
        attempts += (int64_t)(count < failed ? count : failed);
        for (size_t e = 0; e < count && e < failed; e++)
            if (ends[e].exit_code.set &&
                !is_exit_of(job, i, (uint32_t)e + 1, ends[e].exit_code.value))
                violation(world, "history", "%s[%u]: attempt %zu is told to have ended with %lld",
                          job->object.name, i, e + 1, (long long)ends[e].exit_code.value);
    }
    for (size_t i = 0; i < array->failure_count; i++)
        attempts -= array->failures[i].attempts;
    if (attempts != 0)
        violation(world, "history", "%s: %lld failed attempts more than by reason",
                  job->object.name, (long long)attempts);
}

/* Also of what is stored in an ArrayState. */
void oracle_children(struct world *world, const struct sim_job *job,
                     const struct stored_status *old, const struct stored_status *status)
{
    const char *name = job->object.name;
    if (status->children != NULL && !job->gang) {
        check_failures(world, job, status);
        check_history(world, job, status);
    }
    for (uint32_t i = 0; old->children != NULL && i < job->size; i++) {
        const struct child_record *was = &old->children[i];
        const struct child_record *now = status->children != NULL ? &status->children[i] : NULL;
        if (now == NULL || now->attempts < was->attempts ||
            (was->outcome != CHILD_WAITING &&
             (now->outcome != was->outcome || now->attempts != was->attempts)))
            violation(world, "I4", "%s[%u] was %c%u and is told to be %c%u", name, i,
                      "wsf"[was->outcome], was -> attempts, now != NULL ? "wsf"[now->outcome] : '-',
                      now != NULL ? now->attempts : 0);
    }
}

static void check_permanent(struct world *world, const struct sim_job *job,
                            const struct stored_status *status)
{
    const struct stored_status *old = job->status;
    const char *name = job->object.name;
    if (status->status.attempts < old->status.attempts ||
        status->status.refusals < old->status.refusals)
        violation(world, "I3", "%s: attempts or refusals go down", name);
    if (status->status.cost.vcpu_seconds < old->status.cost.vcpu_seconds ||
        status->status.cost.amount < old->status.cost.amount)
        violation(world, "cost", "%s: its cost goes down", name);
    if (old->status.phase >= JOB_SUCCEEDED && (status->status.phase != old->status.phase ||
                                               status->status.attempts != old->status.attempts ||
                                               !name_eq(status->status.reason, old->status.reason)))
        violation(world, "I4", "%s has ended %s (%s), and is told to be %s (%s)", name,
                  job_phase_name(old->status.phase), old->status.reason,
                  job_phase_name(status->status.phase), status->status.reason);
    oracle_children(world, job, old, status);
}

void oracle_status(struct world *world, struct sim_job *job, const struct stored_status *status)
{
    enum job_phase phase = status->status.phase;
    bool first_end = phase >= JOB_SUCCEEDED &&
                     (job->status == NULL || job->status->status.phase < JOB_SUCCEEDED);
    if (job->status != NULL)
        check_permanent(world, job, status);
    oracle_replaces_stored(world, job, status);
    for (size_t i = 0; i < status->status.dependency_count; i++)
        world->counters.held += status->status.dependencies[i].outcome == DEPENDENCY_HELD;
    if (phase >= JOB_SUCCEEDED && status->status.reason == NULL)
        violation(world, "status", "%s ended without a reason", job->object.name);

    if (job->size == 0 || job->invalid != NULL) {
        check_child(world, job, 0, status,
                    phase == JOB_SUCCEEDED ? CHILD_SUCCEEDED
                    : phase == JOB_FAILED  ? CHILD_FAILED
                                           : CHILD_WAITING,
                    status->status.attempts);
    } else if (status->children == NULL) {
        /* Until its definition is there, nobody knows that it is a multi-node job. */
        bool nobody_knows = job->definition_name != NULL && job->truth->pinned == NULL;
        bool never_known = phase == JOB_FAILED || name_eq(status->status.reason, "Skipped");
        if (!job->gang || (phase != JOB_SUBMITTED && !(nobody_knows && never_known)))
            violation(world, "status", "array %s: a status without children", job->object.name);
    } else {
        bool failed = false;
        for (uint32_t i = 0; i < job->size; i++) {
            enum child_outcome outcome = status->children[i].outcome;
            failed |= outcome == CHILD_FAILED;
            if (phase >= JOB_SUCCEEDED && outcome == CHILD_WAITING)
                violation(world, "I5", "array %s ended while child %u waits", job->object.name, i);
            check_child(world, job, i, status, outcome, status->children[i].attempts);
        }
        if (phase >= JOB_SUCCEEDED && failed != (phase == JOB_FAILED))
            violation(world, "I5", "array %s ended as %s", job->object.name, job_phase_name(phase));
    }
    if (first_end && status->status.message != NULL &&
        strstr(status->status.message, "its parent job") != NULL)
        world->counters.stopped_by_parent++;
    if (first_end && phase == JOB_SUCCEEDED)
        world->counters.succeeded++;
    else if (first_end)
        world->counters.failed++;
    if (first_end && name_eq(status->status.reason, "TimedOut"))
        world->counters.timeouts++;
}

/* --- Machines ----------------------------------------------------------------------------------
 */

void oracle_launched(struct world *world, const struct group *group, const struct request *request)
{
    int64_t vcpus = 0; /* those that are told to go count until they are gone */
    for (size_t i = 0; i < group->count; i++)
        if (group->items[i]->alive)
            vcpus += world->types[group->items[i]->type].vcpus;
    /* Nothing fences a provider: what a dead process had sent may come on top of what the next one,
     * which could not know, has bought since. Counted, and told in docs/simulator.md. */
    struct group *mine = group->environment->group;
    if (request->process != world->process || world->core == NULL) {
        mine->launched_late = true;
        world->counters.launches_late++;
    }
    if (mine->launched_late)
        return;
    if (request->number > 0 && vcpus > request->max_vcpus)
        violation(world, "I9", "environment %s has %lld vCPUs after a launch, maxvCpus is %lld",
                  request->environment, (long long)vcpus, (long long)request->max_vcpus);
}

void oracle_terminated(struct world *world, const struct instance_live *instance)
{
    if (!instance->alive || instance->node == NULL || instance->node->object.gone ||
        !instance->node->ready)
        return;
    const struct store *store = &world->stores[KIND_POD];
    for (size_t i = 0; i < store->count; i++) {
        const struct sim_pod *pod = (const struct sim_pod *)store->items[i];
        if (pod->ours && !pod_ended(pod) && name_eq(pod->node_uid, instance->node->object.uid))
            violation(world, "I12", "machine %s is terminated under pod %s", instance->id,
                      pod->object.name);
    }
}

/* --- Turns and sweeps --------------------------------------------------------------------------
 */

void oracle_planned(struct world *world, const struct plan *plan)
{
    if (plan->action_count > ACTIONS_MAX)
        violation(world, "plan", "%zu actions in one plan", plan->action_count);
    int64_t bugs = core_state_bugs(world->core);
    if (bugs != 0)
        violation(world, "state", "%lld events that the table of states does not know",
                  (long long)bugs);
}

void oracle_sweep(struct world *world)
{
    if (world->core == NULL)
        return;
    AUTO_TEXT wrong = core_check(world->core);
    if (wrong != NULL)
        violation(world, "core_check", "%s", wrong);
    oracle_kept(world);
    oracle_explained(world);
}

/* --- The end -----------------------------------------------------------------------------------
 */

/* A job that waits for what it names, a definition say, has not looked at its N_TO_N dependency's
 * children yet, and nobody knows which results it uses: those are kept for it. So is one that
 * another holds on. */
static bool is_kept_for_another(const struct world *world, const struct sim_job *job)
{
    for (const struct truth *other = world->truths; other != NULL; other = other->next) {
        const struct sim_job *waits = other->job;
        if (waits->object.gone || job_ended(waits) ||
            strcmp(waits->object.namespace_, job->object.namespace_) != 0)
            continue;
        for (size_t i = 0; i < waits->dependency_count; i++) {
            const struct sim_dependency *on = &waits->dependencies[i];
            bool unknown = waits->definition_name != NULL && waits->truth->pinned == NULL;
            if ((on->type == DEPENDENCY_N_TO_N || on->hold || unknown) && on->name != NULL &&
                stands_for(world, job, waits, on->name, 0))
                return true;
        }
    }
    return false;
}

static const char *job_unconverged(struct world *world, const struct sim_job *job)
{
    bool ended = job_ended(job);
    if (ended && job->ttl_s >= 0 && !is_kept_for_another(world, job))
        return arena_printf(world->arena, "job %s ended and is not deleted", job->object.name);
    if (ended)
        return sink_unconverged(world, job);
    if (job_feasible(world, job))
        return arena_printf(
            world->arena, "job %s could run and has not ended (%s)", job->object.name,
            job->status != NULL && job->status->status.reason != NULL ? job->status->status.reason
                                                                      : "no reason");
    if (job->status == NULL || job->status->status.reason == NULL)
        return arena_printf(world->arena, "job %s waits and is not told why", job->object.name);
    return NULL;
}

static const char *group_unconverged(struct world *world, const struct group *group)
{
    const struct sim_environment *environment = group->environment;
    int64_t vcpus = group_vcpus(world, group), smallest = INT64_MAX;
    bool gone = environment->object.gone || environment->object.deleted_ns != 0;
    int64_t min_vcpus = gone || !environment->enabled ? 0 : environment->min_vcpus;
    if (!environment->managed)
        return NULL;
    for (size_t i = 0; i < group->count; i++) {
        const struct instance_live *instance = group->items[i];
        if (!instance->alive || instance->state >= INSTANCE_TERMINATING)
            continue;
        int64_t size = world->types[instance->type].vcpus;
        smallest = size < smallest ? size : smallest;
        if (instance->node == NULL || instance->node->object.gone || !instance->node->ready)
            return arena_printf(world->arena, "machine %s has no ready node", instance->id);
    }
    for (size_t i = 0; vcpus < min_vcpus && i < world->type_count; i++)
        if (vcpus + world->types[i].vcpus <= environment->max_vcpus)
            return arena_printf(world->arena, "environment %s has %lld vCPUs, min is %lld",
                                environment->object.name, (long long)vcpus, (long long)min_vcpus);
    if (vcpus > 0 && vcpus - smallest >= min_vcpus)
        return arena_printf(world->arena, "environment %s keeps %lld vCPUs, min is %lld",
                            environment->object.name, (long long)vcpus, (long long)min_vcpus);
    return NULL;
}

const char *oracle_unconverged(struct world *world)
{
    if (world->core == NULL || !world->synced)
        return "the process is not up";
    if (world->rejoins > 0)
        return "a machine is being replaced";
    for (size_t i = 0; i < world->stores[KIND_JOB].count; i++) {
        const char *why =
            job_unconverged(world, (const struct sim_job *)world->stores[KIND_JOB].items[i]);
        if (why != NULL)
            return why;
    }
    for (size_t i = 0; i < world->stores[KIND_POD].count; i++) {
        const struct sim_pod *pod = (const struct sim_pod *)world->stores[KIND_POD].items[i];
        if (pod->ours)
            return arena_printf(world->arena, "pod %s is still there%s", pod->object.name,
                                pod->object.finalizer ? ", not released" : "");
    }
    for (size_t i = 0; i < world->group_count; i++) {
        const char *why = group_unconverged(world, world->groups[i]);
        if (why != NULL)
            return why;
    }
    const char *taken = consumables_unconverged(world);
    if (taken == NULL)
        taken = cost_unconverged(world);
    if (taken != NULL)
        return taken;
    for (size_t i = 0; i < world->stores[KIND_ENVIRONMENT].count; i++)
        if (world->stores[KIND_ENVIRONMENT].items[i]->deleted_ns != 0)
            return arena_printf(world->arena, "environment %s is not let go",
                                world->stores[KIND_ENVIRONMENT].items[i]->name);
    const char *named = services_unconverged(world);
    return named != NULL ? named : revisions_unconverged(world);
}
