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

enum { ACTIONS_MAX = 4096, START_DEADLINE_S = 300, DEPTH_MAX = 20 };

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

/* --- What is true of a child -------------------------------------------------------------------
 */

struct truth *truth_of(const struct world *world, const char *job_uid)
{
    for (struct truth *truth = world->truths; truth != NULL; truth = truth->next)
        if (strcmp(truth->job->object.uid, job_uid) == 0)
            return truth;
    return NULL;
}

void truth_new(struct world *world, struct sim_job *job)
{
    struct truth *truth = arena_alloc(world->arena, sizeof(*truth));
    truth->job = job;
    truth->child_count = job->size > 0 ? job->size : 1;
    truth->children = arena_alloc(world->arena, truth->child_count * sizeof(*truth->children));
    truth->next = world->truths;
    world->truths = truth;
    job->truth = truth;
}

bool pod_may_execute(const struct sim_pod *pod)
{
    const struct body *body = pod->body;
    if (body->instance != NULL && !body->instance->alive)
        return false;
    if (pod->object.gone)
        return body->executing;
    return !pod_ended(pod);
}

/* Not executing, and nobody but the oracle's machine knows: its node is not the one it was made
 * for. */
static bool pod_is_stranded(const struct world *world, const struct sim_pod *pod)
{
    if (pod->object.gone || pod_ended(pod) || pod->body->admitted)
        return false;
    const struct sim_node *node = node_of_pod(world, pod);
    return node == NULL || !node->instance->alive || !name_eq(node->object.uid, pod->node_uid);
}

/* By the times in its own metadata, so that it holds also when the process that stopped it is gone.
 */
static bool could_not_start(const struct sim_pod *pod)
{
    if (pod->started || pod->phase != POD_FAILED)
        return false;
    return pod->deadline ||
           (pod->reason == NULL && pod->disruption == NULL && pod->object.deleted_ns != 0 &&
            pod->object.deleted_ns - pod->object.created_ns >= START_DEADLINE_S * NS_PER_S);
}

static bool counts_as_attempt(const struct sim_pod *pod)
{
    return pod->started || pod->phase == POD_SUCCEEDED || could_not_start(pod);
}

static bool glob(const char *pattern, const char *text)
{
    if (pattern == NULL)
        return true;
    size_t size = strlen(pattern);
    if (size > 0 && pattern[size - 1] == '*')
        return strncmp(pattern, text, size - 1) == 0;
    return strcmp(pattern, text) == 0;
}

static int64_t attempts_max(const struct sim_job *job)
{
    if (job->attempts > 0)
        return job->attempts;
    return job->definition != NULL && job->definition->attempts > 0 ? job->definition->attempts : 1;
}

/* By the times in the pod's status, so that it holds whoever looks, and whenever. */
static bool ran_too_long(const struct sim_job *job, const struct sim_pod *pod)
{
    return job->timeout_s > 0 && pod->started && pod->phase == POD_FAILED &&
           pod->disruption == NULL && !pod->exit_unknown &&
           pod->finished_ns - pod->started_ns >= job->timeout_s * NS_PER_S;
}

static bool rules_retry(const struct sim_job *job, const struct sim_pod *pod, const char *reason)
{
    bool host_lost =
        !pod_ended(pod) || pod->disruption != NULL || (pod->exit_unknown && pod->started);
    bool not_started = !pod->started;
    const char *status_reason = host_lost     ? "Host EC2 (instance i) terminated."
                                : not_started ? "Task failed to start"
                                              : "Essential container in task exited";
    char code[16] = "";
    if (pod->has_exit)
        snprintf(code, sizeof(code), "%d", pod->exit_code);
    for (size_t i = 0; i < job->rule_count; i++) {
        const struct rule *rule = &job->rules[i];
        if (glob(rule->on_reason, reason) && glob(rule->on_status_reason, status_reason) &&
            glob(rule->on_exit_code, code))
            return rule->retry;
    }
    return true;
}

enum retry { RETRY_NO, RETRY_YES, RETRY_EITHER };

static enum retry attempt_retried(const struct world *world, const struct sim_job *job,
                                  const struct sim_pod *pod, uint32_t attempts_done)
{
    if ((int64_t)attempts_done >= attempts_max(job))
        return RETRY_NO;
    if (pod->deadline && pod->started)
        return RETRY_NO;
    if (ran_too_long(job, pod))
        return RETRY_NO;
    if (!could_not_start(pod))
        return rules_retry(job, pod, "") ? RETRY_YES : RETRY_NO;

    /* What it waited for is not in its last status: a process that came after does not know. */
    bool known = rules_retry(job, pod, "CannotPullContainerError: image");
    bool unknown = rules_retry(job, pod, "CannotStartContainerError: not started in time");
    if (known != unknown && world->counters.crashes > 0)
        return RETRY_EITHER;
    return known ? RETRY_YES : RETRY_NO;
}

struct summary { /* of the tries of a child, up to and including one of them */
    uint32_t attempts, refusals;
    bool live, succeeded, final_failed;
    bool may_have_failed; /* for good: nobody can tell */
};

static struct summary summarize(const struct world *world, const struct sim_job *job,
                                const struct sim_pod *last)
{
    struct summary sum = {0};
    if (last == NULL)
        return sum;
    sum = summarize(world, job, last->body->sibling);
    if (pod_may_execute(last) && !pod_is_stranded(world, last))
        sum.live = true;
    if (last->phase == POD_SUCCEEDED)
        sum.succeeded = true;
    if (!counts_as_attempt(last)) {
        sum.refusals++;
        return sum;
    }
    sum.attempts++;
    enum retry retry = attempt_retried(world, job, last, sum.attempts);
    sum.final_failed |= !sum.live && !sum.succeeded && retry == RETRY_NO;
    sum.may_have_failed = !sum.live && !sum.succeeded && retry == RETRY_EITHER;
    return sum;
}

/* --- Creates -----------------------------------------------------------------------------------
 */

static const struct sim_node *known_node(const struct world *world, const char *name)
{
    const struct watch *watch = &world->watches[KIND_NODE];
    for (size_t i = 0; i < watch->known_count; i++)
        if (strcmp(watch->known[i].copy->name, name) == 0)
            return (const struct sim_node *)(const void *)watch->known[i].copy;
    return NULL;
}

/* The name is known to be somebody else's: the create can only come back as EXISTS. */
static bool is_squatted(const struct world *world, const struct request *request)
{
    const struct watch *watch = &world->watches[KIND_POD];
    for (size_t i = 0; i < watch->known_count; i++) {
        const struct sim_pod *pod = (const struct sim_pod *)(const void *)watch->known[i].copy;
        if (!pod->ours && strcmp(pod->object.name, request->name) == 0 &&
            name_eq(pod->object.namespace_, request->namespace_))
            return true;
    }
    return false;
}

/* I8: what the process has heard of, and what it has sent itself, fits with this one on top. */
static void check_room(struct world *world, const struct request *request)
{
    const struct sim_node *node = known_node(world, request->node_name);
    if (node == NULL || !name_eq(node->object.uid, request->node_uid)) {
        violation(world, "I6", "create %s on node %s with uid %s, which is not known",
                  request->name, request->node_name, request->node_uid);
        return;
    }
    if (!name_eq(node->environment, request->environment))
        violation(world, "I6", "create %s for %s on node %s of %s", request->name,
                  request->environment, request->node_name, node->environment);

    int64_t cpu = request->template_.cpu_milli, memory = request->template_.memory_mib, pods = 1;
    const struct watch *watch = &world->watches[KIND_POD];
    for (size_t i = 0; i < watch->known_count; i++) {
        const struct sim_pod *pod = (const struct sim_pod *)(const void *)watch->known[i].copy;
        if (!name_eq(pod->node_name, request->node_name) || pod_ended(pod))
            continue;
        if (pod->node_uid != NULL && strcmp(pod->node_uid, request->node_uid) != 0)
            continue;
        cpu += pod->cpu_milli;
        memory += pod->memory_mib;
        pods++;
    }
    for (struct request *other = world->creates; other != NULL; other = other->create_next) {
        if (other->settled || other == request || strcmp(other->node_name, request->node_name) != 0)
            continue;
        if (is_squatted(world, other) || strcmp(other->node_uid, request->node_uid) != 0)
            continue; /* comes back as EXISTS, or is bound to a machine that had the name before */
        const struct sim_pod *pod = other->ret_pod;
        if (pod != NULL && (pod->body->pod->object.gone ||
                            watch_known(world, KIND_POD, pod->object.uid) != NULL)) {
            other->settled = true;
            continue;
        }
        cpu += other->template_.cpu_milli;
        memory += other->template_.memory_mib;
        pods++;
    }
    if (cpu > node->cpu_milli || memory > node->memory_mib || pods > node->pods)
        violation(world, "I8",
                  "create %s overcommits %s: %lldm of %lldm CPU, %lld of %lld MiB, %lld pods",
                  request->name, request->node_name, (long long)cpu, (long long)node->cpu_milli,
                  (long long)memory, (long long)node->memory_mib, (long long)pods);
}

static bool is_plain(const struct sim_job *job)
{
    return job->dependency_count == 0 && job->request_count == 0 && !job->refused &&
           job->invalid == NULL && !job->truth->create_failed && job->object.deleted_ns == 0 &&
           (job->definition != NULL || job->definition_name == NULL); /* else nothing to run */
}

/* I14: nobody of the same class and queue who came earlier is still waiting to be sent. */
static void check_order(struct world *world, const struct request *request,
                        const struct truth *mine)
{
    const struct sim_job *job = mine->job;
    for (const struct truth *other = world->truths; other != NULL; other = other->next) {
        const struct sim_job *earlier = other->job;
        if (other == mine || earlier->object.gone || !is_plain(earlier) ||
            earlier->template_.hash != job->template_.hash ||
            strcmp(earlier->queue, job->queue) != 0 ||
            strcmp(earlier->object.namespace_, job->object.namespace_) != 0)
            continue;
        if (earlier->object.created_ns > job->object.created_ns ||
            (earlier->object.created_ns == job->object.created_ns &&
             strcmp(earlier->object.name, job->object.name) > 0))
            continue;
        const struct object *known = watch_known(world, KIND_JOB, earlier->object.uid);
        if (known == NULL)
            continue;
        for (uint32_t i = 0; i < other->child_count; i++)
            if (!other->children[i].planned)
                violation(world, "I14", "%s is created before child %u of %s, which came earlier",
                          request->name, i, earlier->object.name);
    }
}

static void check_create_sent(struct world *world, struct request *request)
{
    struct truth *truth = truth_of(world, request->job_uid);
    if (truth == NULL || request->index >= truth->child_count || request->count > 1 ||
        request->node_name == NULL || request->node_uid == NULL) {
        violation(world, "create", "%s: job, index, count or node do not make sense",
                  request->name);
        return;
    }
    const struct sim_job *known =
        (const struct sim_job *)(const void *)watch_known(world, KIND_JOB, request->job_uid);
    if (known == NULL || known->object.deleted_ns != 0 || known->request_count > 0)
        violation(world, "I16", "create %s, whose job is known to be stopped or gone",
                  request->name);
    check_room(world, request);
    request->first_of_child = !truth->children[request->index].planned;
    truth->children[request->index].planned = true;
    request->create_next = world->creates;
    world->creates = request;
}

/* Within a turn the order of actions means nothing, so order is judged when all are sent. */
void oracle_turn_sent(struct world *world)
{
    for (struct request *request = world->creates; request != NULL;
         request = request->create_next) {
        if (!request->first_of_child)
            continue;
        const struct truth *truth = truth_of(world, request->job_uid);
        request->first_of_child = false;
        if (is_plain(truth->job))
            check_order(world, request, truth);
    }
}

void oracle_sent(struct world *world, struct request *request)
{
    if (request->kind == ACTION_POD_CREATE)
        check_create_sent(world, request);
    if (request->kind != ACTION_PROVIDER_LAUNCH)
        return;
    /* What the watch has told, or a read after a conflict may have. */
    const struct sim_environment *live =
        store_find(world, KIND_ENVIRONMENT, NULL, request->environment);
    request->max_vcpus = live != NULL ? live->max_vcpus : 0;
    const struct watch *watch = &world->watches[KIND_ENVIRONMENT];
    for (size_t i = 0; i < watch->known_count; i++) {
        const struct sim_environment *known =
            (const struct sim_environment *)(const void *)watch->known[i].copy;
        if (strcmp(known->object.name, request->environment) == 0 &&
            known->max_vcpus > request->max_vcpus)
            request->max_vcpus = known->max_vcpus;
    }
}

static bool environment_serves(const struct world *world, const struct request *request)
{
    const struct sim_queue *queue = store_find(world, KIND_QUEUE, NULL, request->queue);
    const struct sim_environment *environment =
        store_find(world, KIND_ENVIRONMENT, NULL, request->environment);
    bool listed = queue == NULL, serves = environment == NULL;
    for (size_t i = 0; queue != NULL && i < queue->environment_count; i++)
        listed |= strcmp(queue->environments[i], request->environment) == 0;
    for (size_t i = 0; environment != NULL && i < environment->namespace_count; i++)
        serves |= strcmp(environment->namespaces[i], request->namespace_) == 0;
    return listed && serves;
}

void oracle_created(struct world *world, struct sim_pod *pod, const struct request *request)
{
    struct truth *truth = truth_of(world, request->job_uid);
    if (truth == NULL || pod->index >= truth->child_count) {
        violation(world, "create", "pod %s of no job", pod->object.name);
        return;
    }
    const struct sim_job *job = truth->job;
    struct child_truth *child = &truth->children[pod->index];
    struct summary sum = summarize(world, job, child->last);

    if (strcmp(job->object.namespace_, pod->object.namespace_) != 0 ||
        !environment_serves(world, request))
        violation(world, "I6", "pod %s/%s of queue %s on environment %s", pod->object.namespace_,
                  pod->object.name, request->queue, request->environment);
    if (sum.live)
        violation(world, "I2", "pod %s is created while %s of the same child may execute",
                  pod->object.name, child->last->object.name);
    if (sum.succeeded)
        violation(world, "I5", "pod %s: its child has succeeded already", pod->object.name);
    if (sum.final_failed)
        violation(world, "I3", "pod %s: its child has failed for good already", pod->object.name);
    if (pod->attempt != sum.attempts + 1)
        violation(world, "I3", "pod %s is attempt %u, but %u have begun", pod->object.name,
                  pod->attempt, sum.attempts);
    if (!job->object.gone && job->status != NULL && job->status->status.phase >= JOB_SUCCEEDED)
        violation(world, "I4", "pod %s of a job that has ended", pod->object.name);
    if (child->last != NULL && pod->try <= child->last->try)
        violation(world, "I3", "pod %s is try %u after try %u", pod->object.name, pod->try,
                  child->last->try);
    if (sum.attempts > 0)
        world->counters.retries++;
    world->progress_ns = world->now_ns;
    pod->body->sibling = child->last;
    child->last = pod;
}

/* --- Deletes and releases ----------------------------------------------------------------------
 */

void oracle_kill(struct world *world, const struct sim_pod *pod, const struct request *request)
{
    struct body *body = pod->body;
    const struct sim_job *job = body->job;
    if (pod->object.deleted_ns != 0 || !pod_may_execute(pod))
        return;
    if (!pod->ours || job == NULL) {
        violation(world, "I7", "delete of foreign pod %s", request->name);
        return;
    }
    if (pod_is_stranded(world, pod) || job->object.gone)
        return;
    int64_t ran_ns = pod->started ? world->now_ns - pod->started_ns : 0;
    if (job->timeout_s > 0 && pod->started && ran_ns >= job->timeout_s * NS_PER_S)
        return;
    for (size_t i = 0; i < job->request_count; i++)
        if (job->requests[i] == JOB_TERMINATE)
            return;
    /* A process that adopted the pod counts from creationTimestamp, which has a grain of 1 s. */
    if (!pod->started && world->now_ns - body->sent_ns >= (START_DEADLINE_S - 1) * NS_PER_S)
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
    if (state != NULL && name_eq(state->job_uid, job->object.uid))
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
    if (attempts < sum.attempts || (sum.succeeded && !succeeded) ||
        (!ended && refusals < (int64_t)sum.refusals))
        violation(
            world, "I10",
            "pod %s is released, but the status has %lld attempts of %u, %lld refusals of %u%s",
            pod->object.name, (long long)attempts, sum.attempts, (long long)refusals, sum.refusals,
            sum.succeeded && !succeeded ? ", no success" : "");
}

/* --- Status ------------------------------------------------------------------------------------
 */

static bool child_may_fail(const struct world *world, const struct sim_job *job, uint32_t index,
                           int depth);

/* Has what a child waits for failed, in truth or by its status? */
static bool dependency_may_fail(const struct world *world, const struct sim_job *job,
                                const struct sim_dependency *dependency, uint32_t index, int depth)
{
    if (dependency->name == NULL) /* SEQUENTIAL: the child before it */
        return index > 0 && child_may_fail(world, job, index - 1, depth + 1);
    for (const struct truth *other = world->truths; other != NULL; other = other->next) {
        const struct sim_job *on = other->job;
        if (strcmp(on->object.name, dependency->name) != 0 ||
            strcmp(on->object.namespace_, job->object.namespace_) != 0)
            continue;
        if (on->object.gone || on->object.deleted_ns != 0 ||
            (on->status != NULL && on->status->status.phase == JOB_FAILED))
            return true;
        if (depth > DEPTH_MAX) /* names that came back can depend in a circle */
            return true;
        bool pairs = dependency->type == DEPENDENCY_N_TO_N && on->size == job->size;
        if (dependency->type == DEPENDENCY_N_TO_N && !pairs)
            return true;
        for (uint32_t i = 0; i < other->child_count; i++)
            if ((!pairs || i == index) && child_may_fail(world, on, i, depth + 1))
                return true;
    }
    return false;
}

/* May a child have failed though no attempt of its own failed for good? */
static bool is_excused(const struct world *world, const struct sim_job *job, uint32_t index,
                       int depth)
{
    if (job->request_count > 0 || job->object.deleted_ns != 0 || job->invalid != NULL ||
        job->refused)
        return true;
    for (size_t i = 0; i < job->dependency_count; i++)
        if (dependency_may_fail(world, job, &job->dependencies[i], index, depth))
            return true;
    return false;
}

static bool child_may_fail(const struct world *world, const struct sim_job *job, uint32_t index,
                           int depth)
{
    if (depth > DEPTH_MAX)
        return true;
    struct summary sum = summarize(world, job, job->truth->children[index].last);
    return sum.final_failed || sum.may_have_failed || is_excused(world, job, index, depth);
}

static void check_child(struct world *world, const struct sim_job *job, uint32_t index,
                        const struct stored_status *status, enum child_outcome outcome,
                        int64_t attempts)
{
    struct summary sum = summarize(world, job, job->truth->children[index].last);
    const char *name = job->object.name;
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
    if ((outcome == CHILD_SUCCEEDED) != sum.succeeded)
        violation(world, "I5", "%s[%u] is told to have %s, but %s", name, index,
                  outcome == CHILD_SUCCEEDED ? "succeeded" : "failed",
                  sum.succeeded ? "a pod of it succeeded" : "no pod of it did");
    if (outcome == CHILD_FAILED && !sum.final_failed && !sum.may_have_failed &&
        !is_excused(world, job, index, 0))
        violation(world, "I5",
                  "%s[%u] is told to have failed after %u attempts, for no reason: %s: %s", name,
                  index, sum.attempts, status->status.reason != NULL ? status->status.reason : "-",
                  status->status.message != NULL ? status->status.message : "-");
}

/* Also of what is stored in an ArrayState. */
void oracle_children(struct world *world, const struct sim_job *job,
                     const struct stored_status *old, const struct stored_status *status)
{
    const char *name = job->object.name;
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
    if (phase >= JOB_SUCCEEDED && status->status.reason == NULL)
        violation(world, "status", "%s ended without a reason", job->object.name);

    if (job->size == 0 || job->invalid != NULL) {
        check_child(world, job, 0, status,
                    phase == JOB_SUCCEEDED ? CHILD_SUCCEEDED
                    : phase == JOB_FAILED  ? CHILD_FAILED
                                           : CHILD_WAITING,
                    status->status.attempts);
    } else if (status->children == NULL) {
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
    struct core_counts counts;
    core_counts(world->core, &counts);
    if (counts.state_bugs != 0)
        violation(world, "state", "%lld events that the table of states does not know",
                  (long long)counts.state_bugs);
}

void oracle_sweep(struct world *world)
{
    if (world->core == NULL)
        return;
    AUTO_TEXT wrong = core_check(world->core);
    if (wrong != NULL)
        violation(world, "core_check", "%s", wrong);
}

/* --- The end -----------------------------------------------------------------------------------
 */

static const char *job_unconverged(struct world *world, const struct sim_job *job)
{
    bool ended = job->status != NULL && job->status->status.phase >= JOB_SUCCEEDED;
    if (ended)
        return NULL;
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
    for (size_t i = 0; i < world->stores[KIND_ENVIRONMENT].count; i++)
        if (world->stores[KIND_ENVIRONMENT].items[i]->deleted_ns != 0)
            return arena_printf(world->arena, "environment %s is not let go",
                                world->stores[KIND_ENVIRONMENT].items[i]->name);
    return NULL;
}
