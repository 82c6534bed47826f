/* SPDX-License-Identifier: Apache-2.0 */
/* view.c - reading the core: counts, plans in words, and the check of its own invariants */
#include "charge.h"
#include "cost.h"
#include "front.h"
#include "inputs.h"
#include "order.h"
#include "shares.h"

#include <stdlib.h>
#include <string.h>

const char *action_kind_name(enum action_kind kind)
{
    static const char *const names[ACTION_KIND_COUNT] = {
        [ACTION_POD_CREATE] = "create",
        [ACTION_POD_CHECK] = "check",
        [ACTION_POD_GET] = "get",
        [ACTION_POD_MARK] = "mark",
        [ACTION_POD_RELEASE] = "release",
        [ACTION_POD_DELETE] = "delete",
        [ACTION_JOB_STATUS] = "job-status",
        [ACTION_JOB_DELETE] = "job-delete",
        [ACTION_JOB_TELL] = "job-tell",
        [ACTION_JOB_TOLD] = "job-told",
        [ACTION_QUEUE_STATUS] = "queue-status",
        [ACTION_ENVIRONMENT_STATUS] = "environment-status",
        [ACTION_DEFINITION_STATUS] = "definition-status",
        [ACTION_CONSUMABLE_STATUS] = "consumable-status",
        [ACTION_REVISION_CREATE] = "revision-create",
        [ACTION_REVISION_DELETE] = "revision-delete",
        [ACTION_SERVICE_CREATE] = "service-create",
        [ACTION_SERVICE_DELETE] = "service-delete",
        [ACTION_FINALIZER] = "finalizer",
        [ACTION_PROVIDER_TYPES] = "types",
        [ACTION_PROVIDER_OBSERVE] = "observe",
        [ACTION_PROVIDER_LAUNCH] = "launch",
        [ACTION_PROVIDER_TERMINATE] = "terminate",
        [ACTION_EVENT] = "event",
    };
    return names[kind];
}

static void print_status(const struct action *action, struct str *out)
{
    const struct job_status *status = action->status;
    str_addf(out, " %s reason=%s attempts=%lld refusals=%lld", job_phase_name(status->phase),
             status->reason, (long long)status->attempts, (long long)status->refusals);
    if (status->array.size == 0)
        return;
    str_addf(out, " of %u:", status->array.size);
    for (int phase = 0; phase < JOB_PHASE_COUNT; phase++)
        str_addf(out, "%s%lld", phase > 0 ? "/" : "", (long long)status->array.counts[phase]);
    if (action->children != NULL)
        str_addf(out, " hash=%llx",
                 (unsigned long long)hash_bytes(action->children,
                                                status->array.size * sizeof(*action->children), 0));
}

static void print_action(const struct action *action, struct str *out)
{
    str_add(out, action_kind_name(action->kind));
    if (action->namespace_ != NULL)
        str_addf(out, " %s/%s", action->namespace_, action->name);
    else if (action->name != NULL)
        str_addf(out, " %s", action->name);
    switch (action->kind) {
    case ACTION_POD_CREATE:
        str_addf(out, " on %s attempt %u", action->order.node_name, action->order.attempt);
        break;
    case ACTION_POD_DELETE:
        str_addf(out, " grace %lld", (long long)action->grace_s);
        break;
    case ACTION_JOB_STATUS:
        print_status(action, out);
        break;
    case ACTION_QUEUE_STATUS:
        str_addf(out, " %s %s", action->queue_status->status, action->queue_status->message);
        break;
    case ACTION_ENVIRONMENT_STATUS:
        str_addf(out, " %s vcpus %lld/%lld nodes %lld+%lld %s", action->environment_status->status,
                 (long long)action->environment_status->used_vcpus,
                 (long long)action->environment_status->vcpus,
                 (long long)action->environment_status->nodes,
                 (long long)action->environment_status->nodes_booting,
                 action->environment_status->message);
        break;
    case ACTION_CONSUMABLE_STATUS:
        str_addf(out, " %s in use %lld free %lld consumed %lld claims %zu %s",
                 action->consumable_status->status, (long long)action->consumable_status->in_use,
                 (long long)action->consumable_status->available,
                 (long long)action->consumable_status->consumed,
                 action->consumable_status->claims.count, action->consumable_status->message);
        break;
    case ACTION_FINALIZER:
        str_addf(out, " %s %s", action->object_kind, action->add ? "add" : "remove");
        break;
    case ACTION_PROVIDER_LAUNCH:
        str_addf(out, " %s %lldx%s%s%s token %s", action->environment, (long long)action->count,
                 action->instance_type, action->zone != NULL ? " in " : "",
                 action->zone != NULL ? action->zone : "", action->token);
        break;
    case ACTION_PROVIDER_TERMINATE:
        str_addf(out, " %s", action->environment);
        for (size_t i = 0; i < action->id_count; i++)
            str_addf(out, " %s", action->ids[i]);
        break;
    case ACTION_PROVIDER_TYPES:
    case ACTION_PROVIDER_OBSERVE:
        str_addf(out, " %s", action->environment);
        break;
    case ACTION_JOB_TELL:
        str_addf(out, " %s",
                 state_mark_print(action->change->mark, (char[STATE_MARK_TEXT_MAX]){0}));
        break;
    case ACTION_JOB_TOLD:
        str_addf(out, " %s", action->message);
        break;
    case ACTION_EVENT:
        str_addf(out, " %s %s: %s", action->object_kind, action->reason, action->message);
        break;
    default:
        break;
    }
    str_add(out, "\n");
}

void plan_print(const struct plan *plan, struct str *out)
{
    for (size_t i = 0; i < plan->action_count; i++)
        print_action(&plan->actions[i], out);
}

void core_counts(const struct core *core, struct core_counts *ret_counts)
{
    *ret_counts = core->counts;
    ret_counts->actions_in_flight = (int64_t)core->flights_in_use;
    ret_counts->creates_in_flight = (int64_t)core->creates_in_flight;
    ret_counts->tells_waiting = (int64_t)(core->tells.count + core->tells.in_flight);
}

int64_t core_state_bugs(const struct core *core)
{
    return core->counts.state_bugs;
}

void core_queues(const struct core *core,
                 bool (*visit)(void *ctx, const struct core_queue_view *view), void *ctx)
{
    size_t at = 0;
    const struct core_queue *queue;
    while ((queue = map_next(core->queues, &at, NULL)) != NULL) {
        struct core_queue_view view = {.name = queue->name,
                                       .cost = queue->bill.all,
                                       .shares = queue->bill.shares,
                                       .share_count = queue->bill.share_count,
                                       .forecast = front_cost(queue)};
        memcpy(view.jobs, queue->jobs, sizeof(view.jobs));
        if (queue->present && !visit(ctx, &view))
            return;
    }
}

void core_environments(const struct core *core,
                       bool (*visit)(void *ctx, const struct core_environment_view *view),
                       void *ctx)
{
    size_t at = 0;
    const struct core_environment *environment;
    while ((environment = map_next(core->environments, &at, NULL)) != NULL) {
        struct compute_environment_status status;
        environment_status_fill(environment, &status);
        struct core_environment_view view = {
            .name = environment->name,
            .status = &status,
            .price = environment_price(environment),
            .cost = charge_until(environment, core->now_ns),
            .max_vcpus = environment->spec != NULL ? environment->spec->max_vcpus : 0,
        };
        bool more = visit(ctx, &view);
        free(status.message);
        if (!more)
            return;
    }
}

/* ------------------------------------------------------------------------ check */

static char *check_node(const struct core_node *node)
{
    struct amounts used = {0};
    int64_t live = 0;
    for (const struct core_pod *pod = node->pods; pod != NULL; pod = pod->next) {
        if (!pod->counted)
            continue;
        live += pod->ours;
        if (pod->own != NULL)
            amounts_add(&used, pod->own);
        else if (pod->class_ != NULL)
            amounts_add(&used, &pod->class_->needs);
    }
    if (memcmp(&used, &node->used, sizeof(used)) != 0)
        return text_printf("node %s: the sum of its pods is not what is kept as used", node->name);
    if (live != node->live)
        return text_printf("node %s: %lld live pods, %lld counted", node->name, (long long)live,
                           (long long)node->live);
    if (node->in_environment &&
        (node->environment == NULL || node->environment->slots[node->slot] != node))
        return text_printf("node %s: its slot holds another", node->name);
    return NULL;
}

/* What an earlier life had given up for lost, and could not store, is read as live again, beside
 * what it had put in its place. What this one makes is within the limit. */
static bool is_beyond_limit(const struct core_job *job)
{
    const struct opt_i64 *most = &job->spec->max_concurrent;
    if (!most->set || job->counts[JOB_STARTING] + job->counts[JOB_RUNNING] <= most->value)
        return false;
    for (uint32_t i = 0; i < job->size; i++) {
        const struct core_pod *pod = job->children[i].pod;
        if (pod != NULL && (pod->create_sent || pod->state == PODS_CREATING))
            return true;
    }
    return false;
}

static char *check_job(const struct core_job *job)
{
    int64_t counts[JOB_PHASE_COUNT] = {0};
    if (job->children == NULL)
        return job->ended ? NULL : text_printf("job %s: no children and not ended", job->key);
    for (uint32_t i = 0; i < job->size; i++) {
        const struct child *child = &job->children[i];
        counts[child->phase]++;
        bool lives = child->phase == JOB_STARTING || child->phase == JOB_RUNNING;
        if (lives != (child->pod != NULL))
            return text_printf("job %s child %u: %s with%s a pod", job->key, i,
                               job_phase_name((enum job_phase)child->phase),
                               child->pod != NULL ? "" : "out");
        if (child->pod != NULL &&
            (child->pod->job != job || child->pod->index != i || !child->pod->in_job))
            return text_printf("job %s child %u: its pod belongs to another", job->key, i);
        if ((child->phase == JOB_RUNNABLE) != ranges_has(&job->runnable, i))
            return text_printf("job %s child %u: runnable set and phase disagree", job->key, i);
    }
    if (memcmp(counts, job->counts, sizeof(counts)) != 0)
        return text_printf("job %s: counts are not what its children say", job->key);
    if (job->ended && counts[JOB_SUCCEEDED] + counts[JOB_FAILED] != job->size)
        return text_printf("job %s: ended with children that have not", job->key);
    int64_t explained = job->other_children;
    for (size_t i = 0; i < job->failure_count; i++)
        explained += job->failures[i].children;
    if (job->array && explained != counts[JOB_FAILED])
        return text_printf("job %s: %lld failed children have a reason, %lld failed", job->key,
                           (long long)explained, (long long)counts[JOB_FAILED]);
    char *record = records_check(job);
    if (record == NULL)
        record = inputs_check(job);
    if (record != NULL)
        return record;
    bool wanted = job->runnable.total > 0 && !job->ended && job->admitted && !job->parked &&
                  job->hold_until_ns == 0 && job->queue != NULL && !job->gang_open &&
                  !job_at_limit(job);
    if (is_beyond_limit(job))
        return text_printf("job %s: more children at once than maxConcurrent %lld", job->key,
                           (long long)job->spec->max_concurrent.value);
    if (wanted && !order_has(job))
        return text_printf("job %s: has runnable children and is not in its queue's order",
                           job->key);
    return NULL;
}

static char *check_environment(const struct core_environment *environment)
{
    int64_t vcpus = 0, moving = 0;
    for (const struct core_instance *i = environment->instances; i != NULL; i = i->next) {
        vcpus += instance_vcpus(i);
        moving += instance_moves(i);
    }
    if (moving != environment->moving)
        return text_printf("environment %s: %lld machines move, %lld kept", environment->name,
                           (long long)moving, (long long)environment->moving);
    for (const struct core_launch *launch = environment->launches; launch != NULL;
         launch = launch->next)
        vcpus += launch->vcpus;
    if (vcpus != environment->vcpus)
        return text_printf("environment %s: %lld vCPUs, %lld kept", environment->name,
                           (long long)vcpus, (long long)environment->vcpus);
    for (size_t i = 0; i < environment->slot_count; i++) {
        const struct core_node *node = environment->slots[i];
        if (node != NULL && (node->slot != i || node->environment != environment))
            return text_printf("environment %s: slot %zu is wrong", environment->name, i);
    }
    return NULL;
}

char *core_check(const struct core *core)
{
    size_t at = 0;
    char *found = NULL;
    const struct core_node *node;
    while (found == NULL && (node = map_next(core->nodes, &at, NULL)) != NULL)
        found = check_node(node);
    at = 0;
    const struct core_job *job;
    while (found == NULL && core->synced && (job = map_next(core->jobs, &at, NULL)) != NULL)
        found = check_job(job);
    at = 0;
    const struct core_environment *environment;
    while (found == NULL && (environment = map_next(core->environments, &at, NULL)) != NULL)
        found = check_environment(environment);
    if (found == NULL)
        found = consume_check(core);
    if (found == NULL)
        found = quota_check(core);
    at = 0;
    const struct core_queue *queue;
    while (found == NULL && (queue = map_next(core->queues, &at, NULL)) != NULL)
        found = shares_check(core, queue);
    if (found == NULL && core->synced)
        found = bill_check(core);
    if (found == NULL && core->counts.state_bugs > 0)
        found = text_printf("%lld moves that the state table does not know",
                            (long long)core->counts.state_bugs);
    return found;
}

/* ------------------------------------------------------------------- the very end */

void core_free_objects(struct core *core)
{
    size_t at = 0;
    struct core_job *job;
    while ((at = 0, job = map_next(core->jobs, &at, NULL)) != NULL) {
        AUTO_TEXT uid = text_copy(job->uid);
        job_gone(core, uid);
    }
    core->look_count = core->looks_begun = 0;
    struct core_pod *pod;
    while ((at = 0, pod = map_next(core->pods, &at, NULL)) != NULL) {
        pod->state = PODS_LEAVING;
        pod_unlink(core, pod);
        pod->flights = 0;
        pod_release_memory(core, pod);
    }
    struct pod_list lists[] = {core->outbox, core->cleanup};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        while ((pod = lists[i].first) != NULL) {
            lists[i].first = pod->out_next;
            pod->in_outbox = false;
            pod->flights = 0;
            pod_release_memory(core, pod);
        }
    }
    struct core_environment *environment;
    while ((at = 0, environment = map_next(core->environments, &at, NULL)) != NULL) {
        AUTO_TEXT name = text_copy(environment->name);
        environment_gone(core, name);
    }
    struct core_node *node;
    while ((at = 0, node = map_next(core->nodes, &at, NULL)) != NULL) {
        if (node->spec == NULL)
            break;
        AUTO_TEXT name = text_copy(node->name);
        node_gone(core, name);
    }
}

void core_free_records(struct core *core)
{
    size_t at = 0;
    struct core_queue *queue;
    while ((at = 0, queue = map_next(core->queues, &at, NULL)) != NULL) {
        queue->present = true;
        queue_gone(core, queue->name);
    }
    struct core_daemon_set *set;
    while ((at = 0, set = map_next(core->daemon_sets, &at, NULL)) != NULL) {
        AUTO_TEXT key = text_copy(set->key);
        daemon_set_gone(core, key);
    }
}
