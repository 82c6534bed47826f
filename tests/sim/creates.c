/* SPDX-License-Identifier: Apache-2.0 */
/* creates.c - the oracle on pods that are made: where, in what order, and whether at all */
#include "sim/world.h"

#include "bulkhead/base/str.h"

#include <string.h>

const struct sim_node *known_node(const struct world *world, const char *name)
{
    const struct watch *watch = &world->watches[KIND_NODE];
    for (size_t i = 0; i < watch->known_count; i++)
        if (strcmp(watch->known[i].copy->name, name) == 0)
            return (const struct sim_node *)(const void *)watch->known[i].copy;
    return NULL;
}

/* The name is known to be somebody else's: the create can only come back as EXISTS. */
bool is_squatted(const struct world *world, const struct request *request)
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

/* What it has heard of there, and sent itself, but for one request; of that what stays. */
void node_use_add(struct world *world, const struct sim_node *node, const struct request *except,
                  bool (*stays)(void *ctx, const struct node_pod *pod), void *ctx,
                  struct node_use *use)
{
    const struct watch *watch = &world->watches[KIND_POD];
    for (size_t i = 0; i < watch->known_count; i++) {
        const struct sim_pod *pod = (const struct sim_pod *)(const void *)watch->known[i].copy;
        /* By the watch, or by a read that was ahead of it. */
        bool over = pod_ended(pod) || pod_ended(pod->body->pod) || pod->body->pod->object.gone;
        if (!name_eq(pod->node_name, node->object.name) || over)
            continue;
        if (pod->node_uid != NULL && strcmp(pod->node_uid, node->object.uid) != 0)
            continue;
        const struct node_pod known = {pod->ours ? pod->job_uid : NULL, pod};
        if (stays != NULL && !stays(ctx, &known))
            continue;
        use->cpu_milli += pod->cpu_milli;
        use->memory_mib += pod->memory_mib;
        use->pods++;
    }
    for (struct request *other = world->creates; other != NULL; other = other->create_next) {
        if (other->settled || other == except || !name_eq(other->node_name, node->object.name))
            continue;
        if (is_squatted(world, other) || strcmp(other->node_uid, node->object.uid) != 0)
            continue; /* comes back as EXISTS, or is bound to a machine that had the name before */
        const struct sim_pod *pod = other->ret_pod;
        if (pod != NULL && (pod->body->pod->object.gone ||
                            watch_known(world, KIND_POD, pod->object.uid) != NULL)) {
            other->settled = true;
            continue;
        }
        const struct node_pod sent = {other->job_uid, NULL};
        if (stays != NULL && !stays(ctx, &sent))
            continue;
        use->cpu_milli += other->template_.cpu_milli;
        use->memory_mib += other->template_.memory_mib;
        use->pods++;
    }
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

    struct node_use use = {request->template_.cpu_milli, request->template_.memory_mib, 1};
    node_use_add(world, node, request, NULL, NULL, &use);
    if (use.cpu_milli > node->cpu_milli || use.memory_mib > node->memory_mib ||
        use.pods > node->pods)
        violation(world, "I8",
                  "create %s overcommits %s: %lldm of %lldm CPU, %lld of %lld MiB, %lld pods",
                  request->name, request->node_name, (long long)use.cpu_milli,
                  (long long)node->cpu_milli, (long long)use.memory_mib,
                  (long long)node->memory_mib, (long long)use.pods);
}

/* What it asks for is what the user wanted: the template with the job's own overrides. */
static void check_template(struct world *world, const struct request *request,
                           const struct sim_job *job)
{
    oracle_revision_sent(world, request, job);
    bool known = job->definition_name == NULL || job->overridden || job->gang;
    const struct template_ *wanted = job_template(job, request->index);
    if (known && (request->template_.cpu_milli != wanted->cpu_milli ||
                  request->template_.memory_mib != wanted->memory_mib))
        violation(world, "I8",
                  "create %s asks for %lldm CPU and %lld MiB, its job for %lldm and %lld",
                  request->name, (long long)request->template_.cpu_milli,
                  (long long)request->template_.memory_mib, (long long)wanted->cpu_milli,
                  (long long)wanted->memory_mib);
}

static bool is_plain(const struct sim_job *job)
{
    return job->dependency_count == 0 && job->replaces == NULL && job->parent_uid == NULL &&
           job->request_count == 0 && !job->refused &&
           job->max_concurrent == 0 && /* its own limit lets later ones pass it */
           job->needs.count == 0 &&    /* so does what there can never be enough of */
           job->invalid == NULL && !job->truth->create_failed && job->object.deleted_ns == 0 &&
           !job->gang &&
           (job->definition_name == NULL || job->truth->pinned != NULL); /* else nothing to run */
}

/* I14: nobody of the same class and queue who came earlier is still waiting to be sent. */
static void check_order(struct world *world, const struct request *request,
                        const struct truth *mine)
{
    const struct sim_job *job = mine->job;
    const struct sim_queue *queue = store_find(world, KIND_QUEUE, NULL, job->queue);
    bool fair = queue != NULL && queue->policy != NULL;
    bool backfill = queue != NULL && queue->backfilled;
    for (const struct truth *other = world->truths; other != NULL; other = other->next) {
        const struct sim_job *earlier = other->job;
        if (other == mine || earlier->object.gone || !is_plain(earlier) ||
            earlier->template_.hash != job->template_.hash ||
            earlier->template_.assisted != job->template_.assisted ||
            strcmp(earlier->queue, job->queue) != 0 ||
            strcmp(earlier->object.namespace_, job->object.namespace_) != 0)
            continue;
        if (earlier->object.created_ns > job->object.created_ns ||
            (earlier->object.created_ns == job->object.created_ns &&
             strcmp(earlier->object.name, job->object.name) > 0))
            continue;
        if (fair && (strcmp(earlier->share, job->share) != 0 || earlier->priority < job->priority))
            continue; /* shares take turns, and in one the priority comes first */
        if (backfill && (earlier->timeout_s != job->timeout_s ||
                         !name_eq(earlier->definition_name, job->definition_name)))
            continue; /* one may be known to end in time, and the other not */
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
        (request->node_name == NULL) !=
            (revision_assisted(world, request, truth->job) && !truth->job->gang) ||
        (request->node_name == NULL) != (request->node_uid == NULL)) {
        violation(world, "create", "%s: job, index, count or node do not make sense",
                  request->name);
        return;
    }
    const struct sim_job *known =
        (const struct sim_job *)(const void *)watch_known(world, KIND_JOB, request->job_uid);
    if (known == NULL || known->object.deleted_ns != 0 ||
        ((is_asked_to_stop(known, request->index) || is_known_stopped_from_above(world, known)) &&
         !known->gang)) /* cancel spares it whole */
        violation(world, "I16", "create %s, whose job is known to be stopped or gone",
                  request->name);
    if (request->node_name != NULL) /* else a kubelet refuses what the scheduler got wrong */
        check_room(world, request);
    check_template(world, request, truth->job);
    oracle_takes(world, request);
    oracle_quota_sent(world, request, truth->job);
    oracle_gang_sent(world, request, truth->job);
    oracle_service_sent(world, request, truth->job);
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
    capacity_sent(world, request);
    if (request->kind == ACTION_POD_CREATE)
        check_create_sent(world, request);
    if (request->kind != ACTION_PROVIDER_LAUNCH)
        return;
    /* What the watch has told, or a read after a conflict has or may have. */
    const struct sim_environment *live =
        store_find(world, KIND_ENVIRONMENT, NULL, request->environment);
    uint64_t version = 0;
    request->max_vcpus = live != NULL ? live->max_vcpus : 0;
    const struct watch *watch = &world->watches[KIND_ENVIRONMENT];
    for (size_t i = 0; i < watch->known_count; i++) {
        const struct sim_environment *known =
            (const struct sim_environment *)(const void *)watch->known[i].copy;
        if (strcmp(known->object.name, request->environment) != 0)
            continue;
        version = known->object.version > version ? known->object.version : version;
        request->max_vcpus = larger(request->max_vcpus, known->max_vcpus);
    }
    for (int i = 0; live != NULL && i < 2; i++) {
        const struct object *last = i == 0 ? live->object.read : live->object.read_before;
        const struct sim_environment *read = (const struct sim_environment *)(const void *)last;
        if (read != NULL && read->object.version > version)
            request->max_vcpus = larger(request->max_vcpus, read->max_vcpus);
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
    truth_counted(job, pod->index, pod->attempt - 1);
    struct summary sum = summarize(world, job, child->last);

    if (strcmp(job->object.namespace_, pod->object.namespace_) != 0 ||
        !environment_serves(world, request))
        violation(world, "I6", "pod %s/%s of queue %s on environment %s", pod->object.namespace_,
                  pod->object.name, request->queue, request->environment);
    if (sum.live)
        violation(world, "I2", "pod %s is created while %s of the same child may execute",
                  pod->object.name, child->last->object.name);
    int64_t live = 1; /* with this one */
    for (uint32_t i = 0; job->max_concurrent > 0 && i < truth->child_count; i++)
        live += i != pod->index && summarize(world, job, truth->children[i].last).live;
    if (job->max_concurrent > 0 && live > job->max_concurrent)
        violation(world, "maxConcurrent", "pod %s is number %lld of at most %lld at a time",
                  pod->object.name, (long long)live, (long long)job->max_concurrent);
    if (sum.succeeded && !is_part(job, pod->index))
        violation(world, "I5", "pod %s: its child has succeeded already", pod->object.name);
    if (sum.final_failed && !is_part(job, pod->index))
        violation(world, "I3", "pod %s: its child has failed for good already", pod->object.name);
    if (pod->attempt != sum.attempts + 1 && !is_part(job, pod->index))
        violation(world, "I3", "pod %s is attempt %u, but %u have begun", pod->object.name,
                  pod->attempt, sum.attempts);
    if (!job->object.gone && job_ended(job))
        violation(world, "I4", "pod %s of a job that has ended", pod->object.name);
    if (child->last != NULL && pod->try <= child->last->try)
        violation(world, "I3", "pod %s is try %u after try %u", pod->object.name, pod->try,
                  child->last->try);
    if (child->last == NULL && !may_start(world, job, pod->index))
        violation(world, "depend", "pod %s is created before what it depends on has ended so",
                  pod->object.name);
    if (child->last == NULL && !may_follow(world, job))
        violation(world, "depend", "pod %s is created before the end that it waits for is stored",
                  pod->object.name);
    oracle_replaces_created(world, job, pod);
    if (request->process == world->process)
        oracle_newest(world, truth->job, request->revision, request->revision_of);
    if (request->process == world->process)
        oracle_pinned(world, truth->job, request->revision, request->revision_of);
    if (sum.attempts > 0)
        world->counters.retries++;
    world->progress_ns = world->now_ns;
    pod->body->sibling = child->last;
    child->last = pod;
    oracle_gang_created(world, pod, job);
    oracle_quota_created(world, pod, request);
}
