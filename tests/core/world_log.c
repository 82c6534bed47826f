/* SPDX-License-Identifier: Apache-2.0 */
/* world_log.c - what is written down, and what must never be */
#include "core/world_parts.h"

#include "bulkhead/core/explain.h"
#include "bulkhead/json/get.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void log_time(struct world *world)
{
    int64_t ns = world->now_ns - WORLD_EPOCH_NS;
    long long ms = (long long)(ns / NS_PER_MS);
    if (ms % 1000 == 0)
        str_addf(&world->log, "%llds ", ms / 1000);
    else
        str_addf(&world->log, "%lld.%llds ", ms / 1000, ms % 1000 / 100);
}

void log_line(struct world *world, const char *format, ...)
{
    va_list args;
    char text[4096];
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    log_time(world);
    str_addf(&world->log, "%s\n", text);
}

/* ---------------------------------------------------------------------- actions */

static const struct world_pod *pod_of(const struct world *world, const char *name)
{
    for (const struct world_pod *pod = world->pods; pod != NULL; pod = pod->next) {
        if (strcmp(pod->name, name) == 0 && !pod->gone)
            return pod;
    }
    return NULL;
}

/* What a script and the log call it: a pod is its job, or job/index of an array. */
char *action_label(const struct world *world, const struct action *action)
{
    const struct world_pod *pod = NULL;
    switch (action->kind) {
    case ACTION_POD_CREATE:
        return action->order.job->array_size.set || action->order.array_size > 0 ||
                       action->order.nodes != NULL
                   ? text_printf("%s/%u", action->order.job->meta.name, action->order.index)
                   : text_copy(action->order.job->meta.name);
    case ACTION_POD_CHECK:
        return text_copy(action->order.job->meta.name);
    case ACTION_REVISION_CREATE:
        return revision_label(action->definition, action->count);
    case ACTION_PROVIDER_TYPES:
    case ACTION_PROVIDER_OBSERVE:
    case ACTION_PROVIDER_LAUNCH:
    case ACTION_PROVIDER_TERMINATE:
        return text_copy(action->environment);
    case ACTION_POD_GET:
    case ACTION_POD_MARK:
    case ACTION_POD_RELEASE:
    case ACTION_POD_DELETE:
        pod = pod_of(world, action->name);
        return pod != NULL ? pod_label(pod) : text_copy(action->name);
    default:
        return text_copy(action->name);
    }
}

static void log_results(struct world *world, const struct job_status *status)
{
    if (status->result != NULL)
        str_addf(&world->log, " result %s", status->result);
    if (status->array.results != NULL)
        str_add(&world->log, " results");
    for (const char *c = status->array.results; c != NULL && *c != '\0'; c++) {
        if (c == status->array.results || c[-1] == '\n')
            str_add(&world->log, " ");
        str_add_bytes(&world->log, *c == '\n' ? ";" : c, 1);
    }
    for (size_t i = 0; i < status->array.failure_count; i++) {
        const struct array_failure *failure = &status->array.failures[i];
        if (failure->status_reason != NULL && text_starts(failure->status_reason, "Ref::"))
            str_addf(&world->log, " %s: %s", failure->indexes, failure->status_reason);
    }
    if (status->array.inputs != NULL)
        str_add(&world->log, " inputs ");
    for (const char *c = status->array.inputs; c != NULL && *c != '\0'; c++)
        str_add(&world->log, *c == '\n' ? ";" : *c == '\t' ? "|" : (char[]){*c, '\0'});
    for (size_t i = 0; i < status->references.count; i++)
        str_addf(&world->log, " %s=%s", status->references.items[i].key,
                 status->references.items[i].value);
    if (status->array.results_left_out > 0)
        str_addf(&world->log, " left out %lld", (long long)status->array.results_left_out);
}

static void log_status(struct world *world, const struct action *action)
{
    const struct job_status *status = action->status;
    log_time(world);
    str_addf(&world->log, "told %s %s %s", action->name, job_phase_name(status->phase),
             status->reason);
    if ((world->show & SHOW_CHILDREN) != 0 && status->array.size > 0) {
        str_add(&world->log, " of");
        for (int phase = 0; phase < JOB_PHASE_COUNT; phase++) {
            if (status->array.counts[phase] > 0)
                str_addf(&world->log, " %lld %s", (long long)status->array.counts[phase],
                         job_phase_name((enum job_phase)phase));
        }
    }
    if ((world->show & SHOW_RESULTS) != 0)
        log_results(world, status);
    if ((world->show & SHOW_WORDS) != 0 && status->message[0] != '\0')
        str_addf(&world->log, ": %s", status->message);
    str_add(&world->log, "\n");
}

static void log_admin(struct world *world, const struct action *action)
{
    if (action->kind == ACTION_QUEUE_STATUS)
        log_line(world, "queue %s %s: %s", action->name, action->queue_status->status,
                 action->queue_status->message);
    else if (action->kind == ACTION_ENVIRONMENT_STATUS)
        log_line(world, "environment %s %s: %s", action->name, action->environment_status->status,
                 action->environment_status->message);
    else if (action->kind == ACTION_CONSUMABLE_STATUS)
        log_consumable(world, action);
    else if (action->kind == ACTION_DEFINITION_STATUS)
        log_definition(world, action);
    else
        log_line(world, "%s finalizer of %s %s", action->add ? "add" : "remove",
                 action->object_kind, action->name);
}

static void log_launching(struct world *world, const struct action *action)
{
    const struct compute_environment_status *status = action->environment_status;
    for (size_t i = 0; i < status->launching_count; i++) {
        const struct launching *step = &status->launching[i];
        log_line(world, "%s has %lld %s since %llds: %s", action->name, (long long)step->count,
                 launch_step_name(step->step),
                 (long long)((step->since_ns - WORLD_EPOCH_NS) / NS_PER_S), step->hint);
    }
    if (status->launching_count == 0)
        log_line(world, "%s has nothing on its way", action->name);
}

static void log_front(struct world *world, const struct action *action)
{
    const struct job_queue_status *status = action->queue_status;
    const struct cost_forecast *cost = &status->cost.forecast;
    if (cost->since_ns != 0)
        log_line(world, "%s is to cost %lld millionths more since %llds, and %lld jobs",
                 action->name, (long long)cost->amount,
                 (long long)((cost->since_ns - WORLD_EPOCH_NS) / NS_PER_S),
                 (long long)cost->unknown);
    for (size_t i = 0; i < status->front_count; i++) {
        const struct queue_front *item = &status->front[i];
        long long from_s = (long long)((item->earliest_ns - WORLD_EPOCH_NS) / NS_PER_S);
        AUTO_TEXT start =
            item->earliest_ns != 0 ? text_printf("from %llds", from_s) : text_copy("not known");
        log_line(world, "%s %lld %s %s, %s: %s", action->name, (long long)item->position, item->job,
                 item->reason, start, item->estimate);
    }
    if (status->front_count == 0)
        log_line(world, "%s has nobody in line", action->name);
}

static void log_bill(struct world *world, const struct action *action)
{
    const struct queue_cost *cost = &action->queue_status->cost;
    if (cost->since_ns == 0)
        return;
    AUTO_STR shares = STR_EMPTY;
    for (size_t i = 0; i < cost->share_count; i++)
        str_addf(&shares, "%s%s %lld/%lld", i == 0 ? ", by share: " : ", ",
                 cost->shares[i].identifier, (long long)cost->shares[i].all.amount,
                 (long long)cost->shares[i].settled.amount);
    log_line(world, "%s costs %lld vCPU-s, %lld GPU-s, %lld millionths, %lld settled up to %lld%s",
             action->name, (long long)cost->all.vcpu_seconds, (long long)cost->all.gpu_seconds,
             (long long)cost->all.amount, (long long)cost->settled.amount,
             (long long)cost->settled.mark, str_text(&shares));
}

static void log_charge(struct world *world, const struct action *action)
{
    const struct environment_cost *cost = &action->environment_status->cost;
    log_line(world, "%s costs %lld vCPU-s, %lld millionths, and %lld an hour for %lld vCPUs",
             action->name, (long long)cost->vcpu_seconds, (long long)cost->amount,
             (long long)cost->price, (long long)cost->vcpus);
}

static void log_kept(struct world *world, const struct action *action)
{
    const struct queue_reservation *kept = &action->queue_status->reservation;
    AUTO_STR words = STR_EMPTY;
    str_addf(&words, "%s keeps", action->name);
    if (kept->job == NULL) {
        str_add(&words, " nothing");
    } else {
        if (kept->node_count > 1)
            str_addf(&words, " %lld nodes with", (long long)kept->node_count);
        str_addf(&words, " %s for %s", kept->node != NULL ? kept->node : "nothing", kept->job);
        if (kept->starts_by_ns != 0)
            str_addf(&words, ", by %llds",
                     (long long)((kept->starts_by_ns - WORLD_EPOCH_NS) / NS_PER_S));
        str_addf(&words, ": %s", kept->message);
    }
    if (text_eq(world->kept, str_text(&words)))
        return;
    bool first = world->kept == NULL && kept->job == NULL;
    text_set(&world->kept, str_text(&words));
    if (!first)
        log_line(world, "%s", str_text(&words));
}

static void log_machines(struct world *world, const struct action *action)
{
    if (action->kind == ACTION_PROVIDER_LAUNCH) {
        log_time(world);
        str_addf(&world->log, "launch %s %lldx %s", action->environment, (long long)action->count,
                 action->instance_type);
        if (action->zone != NULL)
            str_addf(&world->log, " in %s", action->zone);
        if ((world->show & SHOW_TOKENS) != 0)
            str_addf(&world->log, " token %s", action->token);
        str_add(&world->log, "\n");
        return;
    }
    log_time(world);
    str_addf(&world->log, "terminate %s", action->environment);
    for (size_t i = 0; i < action->id_count; i++)
        str_addf(&world->log, " %s", action->ids[i]);
    str_add(&world->log, "\n");
}

static void log_pod(struct world *world, const struct action *action, const char *verb)
{
    AUTO_TEXT label = action_label(world, action);
    const struct world_pod *pod = pod_of(world, action->name);
    if (pod != NULL && pod->try > 1)
        log_line(world, "%s %s try %u", verb, label, pod->try);
    else
        log_line(world, "%s %s", verb, label);
}

/* As the pod has them that is made of the order. */
static void log_args(struct world *world, const struct action *action, const char *label)
{
    struct err err = {0};
    AUTO(json_object) pod = NULL;
    if (pod_build(&action->order, &pod, &err) < 0) {
        log_line(world, "BROKEN pod of %s: %s", label, err.text);
        return;
    }
    struct json_object *containers = json_get_list(json_get_object(pod, "spec"), "containers");
    struct json_object *args = json_get_list(json_list_at(containers, 0), "args");
    log_line(world, "start %s with %s", label, args != NULL ? json_print(args) : "no args");
}

void log_action(struct world *world, const struct action *action)
{
    static const unsigned masks[ACTION_KIND_COUNT] = {
        [ACTION_POD_CREATE] = SHOW_PODS,
        [ACTION_POD_CHECK] = SHOW_QUESTIONS,
        [ACTION_POD_GET] = SHOW_PODS,
        [ACTION_POD_MARK] = SHOW_PODS,
        [ACTION_POD_RELEASE] = SHOW_CLEANUP,
        [ACTION_POD_DELETE] = SHOW_PODS,
        [ACTION_JOB_STATUS] = SHOW_STATUS,
        [ACTION_JOB_DELETE] = SHOW_STATUS,
        [ACTION_JOB_TELL] = SHOW_TELLS,
        [ACTION_JOB_TOLD] = SHOW_TELLS,
        [ACTION_QUEUE_STATUS] = SHOW_ADMIN,
        [ACTION_ENVIRONMENT_STATUS] = SHOW_ADMIN,
        [ACTION_DEFINITION_STATUS] = SHOW_ADMIN | SHOW_REVISIONS,
        [ACTION_REVISION_CREATE] = SHOW_REVISIONS,
        [ACTION_REVISION_DELETE] = SHOW_REVISIONS,
        [ACTION_CONSUMABLE_STATUS] = SHOW_CONSUMABLES,
        [ACTION_SERVICE_CREATE] = SHOW_SERVICES,
        [ACTION_SERVICE_DELETE] = SHOW_SERVICES,
        [ACTION_FINALIZER] = SHOW_ADMIN,
        [ACTION_PROVIDER_TYPES] = SHOW_QUESTIONS,
        [ACTION_PROVIDER_OBSERVE] = SHOW_QUESTIONS,
        [ACTION_PROVIDER_LAUNCH] = SHOW_MACHINES,
        [ACTION_PROVIDER_TERMINATE] = SHOW_MACHINES,
        [ACTION_EVENT] = SHOW_EVENTS,
    };
    if (action->kind == ACTION_ENVIRONMENT_STATUS && (world->show & SHOW_LAUNCHING) != 0)
        log_launching(world, action);
    if (action->kind == ACTION_QUEUE_STATUS && (world->show & SHOW_FRONT) != 0)
        log_front(world, action);
    if (action->kind == ACTION_QUEUE_STATUS && (world->show & SHOW_BILL) != 0)
        log_bill(world, action);
    if (action->kind == ACTION_ENVIRONMENT_STATUS && (world->show & SHOW_CHARGE) != 0)
        log_charge(world, action);
    if (action->kind == ACTION_QUEUE_STATUS && (world->show & SHOW_KEPT) != 0)
        log_kept(world, action);
    if (action->kind == ACTION_JOB_STATUS && (world->show & SHOW_COST) != 0)
        log_line(world, "%s costs %lld vCPU-s, %lld GPU-s, %lld millionths", action->name,
                 (long long)action->status->cost.vcpu_seconds,
                 (long long)action->status->cost.gpu_seconds,
                 (long long)action->status->cost.amount);
    unsigned mask = masks[action->kind];
    bool cleanup = action->kind == ACTION_POD_DELETE && action->grace_s == 0;
    if (((cleanup ? SHOW_CLEANUP : mask) & world->show) == 0)
        return;
    AUTO_TEXT label = action_label(world, action);
    switch (action->kind) {
    case ACTION_POD_CREATE:
        if ((world->show & SHOW_ARGS) != 0)
            log_args(world, action, label);
        else if (action->order.node_name == NULL)
            log_line(world, "start %s in %s, unbound", label, action->order.environment);
        else if ((world->show & SHOW_ATTEMPTS) != 0)
            log_line(world, "start %s on %s try %u attempt %u", label, action->order.node_name,
                     action->order.try, action->order.attempt);
        else
            log_line(world, "start %s on %s", label, action->order.node_name);
        log_revision(world, action);
        break;
    case ACTION_REVISION_CREATE:
    case ACTION_REVISION_DELETE:
        log_revision(world, action);
        break;
    case ACTION_SERVICE_CREATE:
    case ACTION_SERVICE_DELETE:
        log_line(world, "%s service %s", action->kind == ACTION_SERVICE_CREATE ? "make" : "delete",
                 label);
        break;
    case ACTION_POD_CHECK:
        log_line(world, "check %s", label);
        break;
    case ACTION_POD_GET:
        log_pod(world, action, "ask for");
        break;
    case ACTION_POD_MARK:
        log_line(world, "mark %s: gives way to %s", label, action->message);
        break;
    case ACTION_POD_RELEASE:
        log_pod(world, action, "release");
        break;
    case ACTION_POD_DELETE:
        log_pod(world, action, cleanup ? "delete" : "stop");
        break;
    case ACTION_JOB_STATUS:
        log_status(world, action);
        break;
    case ACTION_JOB_DELETE:
        log_line(world, "delete job %s", label);
        break;
    case ACTION_JOB_TELL:
        log_tell(world, action);
        break;
    case ACTION_JOB_TOLD:
        log_line(world, "delivered %s %s", label, action->message);
        break;
    case ACTION_PROVIDER_TYPES:
    case ACTION_PROVIDER_OBSERVE:
        log_line(world, "%s %s", action_kind_name(action->kind), label);
        break;
    case ACTION_PROVIDER_LAUNCH:
    case ACTION_PROVIDER_TERMINATE:
        log_machines(world, action);
        break;
    case ACTION_EVENT:
        log_line(world, "event %s %s %s: %s", action->object_kind, action->name, action->reason,
                 action->message);
        break;
    default:
        log_admin(world, action);
        break;
    }
}

/* --------------------------------------------------------------------- breaches */

static void log_overcommit(struct world *world, const struct thing *node)
{
    struct node *seen = node_from(node);
    struct resources sum = {0};
    for (const struct world_pod *pod = world->pods; pod != NULL; pod = pod->next) {
        if (pod->gone || !text_eq(pod->node, node->name) || pod->phase == POD_SUCCEEDED ||
            pod->phase == POD_FAILED)
            continue;
        struct pod *one = pod_from(pod);
        sum.cpu_milli += one->requests.cpu_milli;
        sum.memory_bytes += one->requests.memory_bytes;
        sum.pods += 1;
        pod_free(one);
    }
    struct line line;
    line_read(&line, node->words);
    if (!line_has(&line, "overcommitted") &&
        (sum.cpu_milli > seen->allocatable.cpu_milli ||
         sum.memory_bytes > seen->allocatable.memory_bytes || sum.pods > seen->allocatable.pods))
        log_line(world, "OVERCOMMITTED %s", node->name);
    line_done(&line);
    node_free(seen);
}

static bool is_alive(const struct world_pod *pod)
{
    return !pod->gone && pod->job != NULL && pod->node != NULL && pod->phase != POD_SUCCEEDED &&
           pod->phase != POD_FAILED;
}

static void log_twice(struct world *world)
{
    for (const struct world_pod *a = world->pods; a != NULL; a = a->next) {
        for (const struct world_pod *b = is_alive(a) ? a->next : NULL; b != NULL; b = b->next) {
            if (is_alive(b) && a->job == b->job && a->index == b->index &&
                thing_find(world, "node", a->node) != NULL &&
                thing_find(world, "node", b->node) != NULL)
                log_line(world, "TWICE %s %u", a->job_name, a->index);
        }
    }
}

static void log_beyond(struct world *world, const struct thing *thing)
{
    struct compute_environment *environment = environment_from(thing);
    int64_t vcpus = 0;
    for (const struct machine *m = world->machines; m != NULL; m = m->next) {
        for (size_t i = 0; i < environment->catalog_count; i++)
            vcpus += strcmp(m->environment, thing->name) == 0 &&
                             strcmp(m->type, environment->catalog[i].name) == 0
                         ? environment->catalog[i].vcpus
                         : 0;
    }
    if (environment->managed && vcpus > environment->max_vcpus)
        log_line(world, "BEYOND maxvCpus of %s: %lld", thing->name, (long long)vcpus);
    compute_environment_free(environment);
}

void log_breaches(struct world *world)
{
    char *broken = core_check(world->core);
    if (broken != NULL)
        log_line(world, "BROKEN %s", broken);
    free(broken);
    for (const struct thing *thing = world->things; thing != NULL; thing = thing->next) {
        if (strcmp(thing->kind, "node") == 0)
            log_overcommit(world, thing);
        else if (strcmp(thing->kind, "environment") == 0)
            log_beyond(world, thing);
        else if (strcmp(thing->kind, "consumable") == 0)
            log_oversold(world, thing);
    }
    log_twice(world);
}

/* ---------------------------------------------------------------- how things stand */

static struct core_job *job_of(struct world *world, const struct thing *thing)
{
    return map_get(world->core->jobs, thing->uid);
}

void log_why(struct world *world, const char *name)
{
    struct thing *thing = thing_find(world, "job", name);
    struct core_job *job = thing != NULL ? job_of(world, thing) : NULL;
    if (job == NULL) {
        log_line(world, "%s is not there", name);
        return;
    }
    if (job->ended) {
        log_line(world, "%s %s %s: %s", name, job_phase_name(job->phase), job->end_reason,
                 job->end_message != NULL ? job->end_message : "");
        return;
    }
    AUTO_TEXT words = verdict_message(world->core, job);
    enum job_phase phase =
        job->array ? job->phase : (enum job_phase)job->children[job->main_node].phase;
    log_line(world, "%s %s %s%s%s", name, job_phase_name(phase), verdict_reason(job->verdict),
             words[0] != '\0' ? ": " : "", words);
}

void log_explain(struct world *world, const char *name)
{
    struct thing *thing = thing_find(world, "job", name);
    struct explanation explanation;
    AUTO(arena) arena = arena_new(0);
    if (thing == NULL || !core_explain(world->core, thing->uid, arena, &explanation)) {
        log_line(world, "%s is not there", name);
        return;
    }
    log_time(world);
    explanation_print(&explanation, &world->log);
}

static void log_job(struct world *world, const struct thing *thing)
{
    const struct core_job *job = job_of(world, thing);
    if (job == NULL)
        return;
    str_addf(&world->log, "  %s", thing->name);
    if (job->ended)
        str_addf(&world->log, " %s %s", job_phase_name(job->phase), job->end_reason);
    for (int phase = 0; phase < JOB_PHASE_COUNT; phase++) {
        bool many = job->array || (job->gang && !job->ended);
        if (many && job->counts[phase] > 0)
            str_addf(&world->log, " %lld %s", (long long)job->counts[phase],
                     job_phase_name((enum job_phase)phase));
        else if (!many && !job->ended && job->counts[phase] > 0)
            str_addf(&world->log, " %s", job_phase_name((enum job_phase)phase));
    }
    if (!job->array && job->children != NULL && job->children[job->main_node].attempts > 0)
        str_addf(&world->log, " attempts=%u", job->children[job->main_node].attempts);
    else if (!job->array && job->children == NULL && thing->status.attempts > 0)
        str_addf(&world->log, " attempts=%lld", (long long)thing->status.attempts);
    if (!job->array && thing->status.refusals > 0)
        str_addf(&world->log, " refusals=%lld", (long long)thing->status.refusals);
    str_add(&world->log, "\n");
}

void log_jobs(struct world *world)
{
    log_line(world, "jobs");
    for (const struct thing *thing = world->things; thing != NULL; thing = thing->next) {
        if (strcmp(thing->kind, "job") == 0)
            log_job(world, thing);
    }
}

void log_pods(struct world *world)
{
    static const char *const names[] = {"pending", "running", "succeeded", "failed", "unknown"};
    log_line(world, "pods");
    for (const struct world_pod *pod = world->pods; pod != NULL; pod = pod->next) {
        AUTO_TEXT label = pod_label(pod);
        str_addf(&world->log, "  %s %s on %s\n", label, names[pod->phase],
                 pod->node != NULL ? pod->node : "no node");
    }
}

static void log_container(struct world *world, const struct try_container *container)
{
    str_addf(&world->log, ", %s %lld", container->name, (long long)container->exit_code);
    if (container->reason != NULL)
        str_addf(&world->log, " %s", container->reason);
    if (container->message != NULL)
        str_addf(&world->log, " (%s)", container->message);
}

void log_tries(struct world *world, const char *name)
{
    const struct thing *thing = thing_find(world, "job", name);
    log_line(world, "tries of %s", name);
    for (size_t i = 0; thing != NULL && i < thing->status.try_count; i++) {
        const struct job_try *try = &thing->status.tries[i];
        str_addf(&world->log, "  %u.%u", try->index, try->try);
        if (try->attempt > 0)
            str_addf(&world->log, " attempt %u", try->attempt);
        str_addf(&world->log, " on %s: %s", try->node, try->status_reason);
        if (try->reason != NULL)
            str_addf(&world->log, "; %s", try->reason);
        for (size_t c = 0; c < try->container_count; c++)
            log_container(world, &try->containers[c]);
        str_add(&world->log, "\n");
    }
}
