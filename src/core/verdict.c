/* SPDX-License-Identifier: Apache-2.0 */
/* verdict.c - why something waits, and what would unblock it, in words
 *
 * A verdict is a code and words. The code decides when a status is written again (not every change
 * of a number does), and of a verdict that lasts until somebody acts its words do too; the words
 * are what a person reads. AWS's reason strings come first where they apply, and only when certain:
 * clients kill jobs on MISCONFIGURATION (docs/states.md). */
#include "assist.h"
#include "causes.h"
#include "explain.h"
#include "gang.h"
#include "ladder.h"
#include "strategy.h"

#include <stdlib.h>
#include <string.h>

/* clang-format off */
static const char *const reasons[VERDICT_COUNT] = {
    [VERDICT_NONE]               = "Accepted",
    [VERDICT_QUEUE_MISSING]      = "JobQueueMissing",
    [VERDICT_QUEUE_INVALID]      = "JobQueueInvalid",
    [VERDICT_QUEUE_DISABLED]     = "JobQueueDisabled",
    [VERDICT_QUEUE_DELETING]     = "JobQueueDeleting",
    [VERDICT_QUEUE_DRAINING]     = "JobQueueDraining",
    [VERDICT_QUEUE_LIMIT]        = "QueueLimitReached",
    [VERDICT_QUEUE_LIMIT_TOO_SMALL] = "QueueLimitTooSmall",
    [VERDICT_NAMESPACE]          = "NamespaceNotAllowed",
    [VERDICT_DEFINITION_MISSING] = "JobDefinitionMissing",
    [VERDICT_DEFINITION_STORING] = "JobDefinitionNotStored",
    [VERDICT_POLICY]             = "SchedulingPolicyMissing",
    [VERDICT_SHARES]             = "TooManyShares",
    [VERDICT_DEPENDENCY]         = "DependencyPending",
    [VERDICT_HELD]               = "DependencyHeld",
    [VERDICT_BEHIND]             = "BehindInQueue",
    [VERDICT_BOOTING]            = "NodesBooting",
    [VERDICT_BUYING]             = "NodesRequested",
    [VERDICT_MAX_VCPUS]          = "MaxvCpusReached",
    [VERDICT_CAPACITY]           = "InsufficientInstanceCapacity",
    [VERDICT_BID]                = "SpotPriceTooHigh",
    [VERDICT_ROOM]               = "NodesFull",
    [VERDICT_PRIORITY]           = "HigherPriorityFirst",
    [VERDICT_ENVIRONMENT]        = "ComputeEnvironmentUnusable",
    [VERDICT_MAX_RESOURCE]       = "MaxvCpusTooSmall",
    [VERDICT_FIT]                = "DoesNotFit",
    [VERDICT_CONCURRENT]         = "MaxConcurrentReached",
    [VERDICT_RESERVED]           = "ReservedForOtherShares",
    [VERDICT_KEPT]               = "ReservedForFirst",
    [VERDICT_CONSUMABLE]         = "ConsumableResourceInUse",
    [VERDICT_CONSUMABLE_MISSING] = "ConsumableResourceMissing",
    [VERDICT_CONSUMABLE_TOO_SMALL] = "ConsumableResourceTooSmall",
    [VERDICT_SERVICE]            = "ServiceNameTaken",
    [VERDICT_QUOTA]              = "QuotaExceeded",
    [VERDICT_FORBIDDEN]          = "Forbidden",
    [VERDICT_RETRY]              = "Retrying",
    [VERDICT_STARTING]           = "Starting",
    [VERDICT_RUNNING]            = "Running",
};
/* clang-format on */

const char *verdict_reason(enum verdict verdict)
{
    return reasons[verdict];
}

void verdict_set(struct core *core, struct core_job *job, enum verdict verdict, const char *words)
{
    bool same_words = text_eq(job->verdict_text, words) ||
                      (words != NULL && words[0] == '\0' && !job->verdict_text);
    if (job->verdict == verdict && same_words)
        return;
    if (job->queue != NULL)
        job->queue->front_dirty = true;
    if (!same_words)
        text_set(&job->verdict_text, words != NULL && words[0] != '\0' ? words : NULL);
    if (job->verdict == verdict)
        return;
    job->verdict = verdict;
    blocked_look(core, job);
    if (verdict == job->told_verdict)
        job->verdict_due_ns = 0;
    else if (job->verdict_due_ns == 0)
        job->verdict_due_ns = core->now_ns + core->options.verdict_delay_ns;
    job_timer_set(core, job);
}

bool verdict_words_untold(struct core *core, struct core_job *job)
{
    AUTO_TEXT words = verdict_message(core, job);
    const char *told = job->spec->status.message;
    return !text_eq(told != NULL ? told : "", words != NULL ? words : "");
}

void verdict_set_lasting(struct core *core, struct core_job *job, enum verdict verdict,
                         const char *words)
{
    bool moved = !text_eq(job->verdict_text, words);
    verdict_set(core, job, verdict, words);
    if (!moved || verdict != job->told_verdict || job->verdict_due_ns != 0 ||
        !verdict_words_untold(core, job))
        return;
    job->verdict_due_ns = core->now_ns + core->options.verdict_delay_ns;
    job_timer_set(core, job);
}

/* ------------------------------------------------------ why the head of a queue is blocked */

static void print_vcpus(const struct core_environment *environment, struct str *out)
{
    str_addf(out, "%lld of maxvCpus %lld", (long long)environment->vcpus,
             (long long)environment->spec->max_vcpus);
}

/* Machines that will come, and types that are set aside. */
static int64_t machines_coming(const struct core_environment *environment)
{
    int64_t coming = 0;
    for (const struct core_instance *i = environment->instances; i != NULL; i = i->next) {
        coming += instance_coming(i);
    }
    return coming;
}

static const struct core_type *type_set_aside(const struct core *core,
                                              const struct core_environment *environment,
                                              const struct core_class *class_)
{
    for (size_t i = 0; i < environment->type_count; i++) {
        const struct core_type *type = &environment->types[i];
        if (type_may_be_bought(type) && type_is_out(core, type) &&
            amounts_fit(&class_->needs, &type->room))
            return type;
    }
    return NULL;
}

static bool affordable(const struct core *core, const struct core_environment *environment,
                       const struct core_job *job)
{
    int64_t budget = environment->spec->max_vcpus - environment->vcpus;
    int64_t wanted = job_wanted(job);
    return type_choose(core, environment, job->class_, budget, wanted > 0 ? wanted : 1) != NULL;
}

/* There is a type at or below the ceiling of its spot price; it waits for room in maxvCpus. */
static bool affordable_later(const struct core_environment *environment,
                             const struct core_class *class_)
{
    for (size_t i = 0; i < environment->type_count; i++) {
        const struct core_type *type = &environment->types[i];
        if (type_may_be_bought(type) && amounts_fit(&class_->needs, &type->room) &&
            type_matches(environment, type, class_))
            return true;
    }
    return false;
}

static void resting_words(const struct core *core, const struct core_environment *environment,
                          const struct core_class *class_, struct str *out)
{
    int64_t count = environment_resting(core, environment, class_);
    if (count > 0)
        str_addf(out, "; %lld node%s for minutes at most after refusing or losing such a pod",
                 (long long)count, count == 1 ? " rests" : "s rest");
}

static enum verdict unusable_words(const struct core_environment *environment, struct str *out)
{
    if (environment->spec == NULL)
        str_addf(out, "its spec is invalid: %s",
                 environment->invalid != NULL ? environment->invalid : "");
    else if (environment->provider_error != NULL)
        str_addf(out, "its node group is misconfigured: %s", environment->provider_error);
    else if (environment->spec->meta.deleted_ns != 0)
        str_add(out, "it is being deleted");
    else
        str_add(out, "it is DISABLED");
    return VERDICT_ENVIRONMENT;
}

/* What keeps the job from ever starting there as things are, however much room there is. */
enum verdict verdict_of_bar(struct core *core, const struct core_job *job,
                            const struct core_environment *environment, struct str *out)
{
    if (!environment_usable(environment))
        return unusable_words(environment, out);
    if (!environment_serves(environment, job->spec->meta.namespace_)) {
        str_addf(out, "it does not serve namespace %s", job->spec->meta.namespace_);
        return VERDICT_FIT;
    }
    if (!gang_allowed(job, environment)) {
        str_add(out, "it is SPOT, and the job does not set nodeProperties.allowSpot");
        return VERDICT_FIT;
    }
    if (job->gang && !gang_could_fit(core, job, environment)) {
        str_addf(out, "it cannot have %u such nodes", job->size);
        if (environment->spec->provider != PROVIDER_STATIC)
            str_addf(out, " within maxvCpus %lld: raise it, or add a larger instance type",
                     (long long)environment->spec->max_vcpus);
        return VERDICT_FIT;
    }
    if (environment_max_too_small(environment, job->class_)) {
        str_addf(out, "every instance type that it fits has more vCPUs than maxvCpus, %lld",
                 (long long)environment->spec->max_vcpus);
        return VERDICT_MAX_RESOURCE;
    }
    if (!environment_could_fit(environment, job->class_)) {
        str_add(out, environment->spec->provider == PROVIDER_STATIC
                         ? "no labelled node is large enough or matches"
                         : "no instance type is large enough or matches");
        return VERDICT_FIT;
    }
    return VERDICT_NONE;
}

enum verdict verdict_in(struct core *core, const struct core_job *job,
                        const struct core_environment *environment, struct str *out)
{
    enum verdict bar = verdict_of_bar(core, job, environment, out);
    if (bar != VERDICT_NONE)
        return bar;
    if (environment->held_for_part) {
        str_addf(out, "a multi-node job of queue %s that has started waits for a node there",
                 environment->held_by->name);
        return VERDICT_PRIORITY;
    }
    if (environment_is_held(environment, job->queue)) {
        str_addf(out, "queue %s of higher priority waits for room there",
                 environment->held_by->name);
        return VERDICT_PRIORITY;
    }
    if (environment->spec->provider == PROVIDER_STATIC) {
        str_add(out, job->gang ? "too few of its nodes are empty" : "its nodes are full");
        str_add(out, "; room comes when a running pod ends or a node is added");
        resting_words(core, environment, job->class_, out);
        return VERDICT_ROOM;
    }
    if (environment->gives_way) {
        str_add(out, "it runs empty, since cheaper machines can be had in an earlier environment");
        return VERDICT_ROOM;
    }
    int64_t coming = machines_coming(environment);
    if (coming > 0) {
        str_addf(out, "%lld node%s booting", (long long)coming, coming == 1 ? " is" : "s are");
        str_add(out, coming == 1 ? ", " : ", the oldest ");
        ladder_words(environment, out);
        return VERDICT_BOOTING;
    }
    if (environment->launches != NULL || !environment->types_known || !environment->observed ||
        affordable(core, environment, job)) {
        str_add(out, "nodes are being requested");
        if (environment->provider_words != NULL)
            str_addf(out, " (%s)", environment->provider_words);
        return VERDICT_BUYING;
    }
    const struct core_type *aside = type_set_aside(core, environment, job->class_);
    if (aside != NULL) {
        str_addf(out,
                 "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - no more %s to be had now; asked for "
                 "again in %lld s",
                 aside->spec.name,
                 (long long)((aside->out_until_ns - core->now_ns) / NS_PER_S + 1));
        return VERDICT_CAPACITY;
    }
    const struct core_type *dear = type_over_bid(environment, job->class_);
    if (dear != NULL && !affordable_later(environment, job->class_)) {
        str_addf(out,
                 "the spot price of %s is above bidPercentage %lld of its on-demand price; it is "
                 "bought when that falls, or raise bidPercentage",
                 dear->spec.name, (long long)environment->spec->bid_percentage);
        return VERDICT_BID;
    }
    str_add(out, "at ");
    print_vcpus(environment, out);
    str_add(out, "; room comes when a running pod ends, or raise maxvCpus");
    resting_words(core, environment, job->class_, out);
    return VERDICT_MAX_VCPUS;
}

/* The most hopeful of the environments decides the code. */
static int hope(enum verdict verdict)
{
    static const enum verdict order[] = {
        VERDICT_BOOTING,   VERDICT_BUYING,      VERDICT_ROOM,
        VERDICT_MAX_VCPUS, VERDICT_CAPACITY,    VERDICT_BID,
        VERDICT_PRIORITY,  VERDICT_ENVIRONMENT, VERDICT_MAX_RESOURCE};
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        if (order[i] == verdict)
            return (int)i;
    }
    return (int)ARRAY_LEN(order);
}

void job_needs_print(const struct core_job *job, struct str *out)
{
    if (job->gang)
        str_addf(out, "%u nodes at once, each with ", job->size);
    str_add(out, job->class_->requests_text);
}

enum verdict verdict_of_blocked(struct core *core, struct core_job *job, struct str *out)
{
    const struct job_queue *queue = job->queue->spec;
    enum verdict best = VERDICT_FIT;
    bool usable = false;
    AUTO_STR all = STR_EMPTY;
    for (size_t i = 0; i < queue->environment_count; i++) {
        const char *name = queue->environments[i].compute_environment;
        const struct core_environment *environment = map_get(core->environments, name);
        if (i > 0)
            str_add(&all, "; ");
        str_add(&all, name);
        str_add(&all, ": ");
        enum verdict here = VERDICT_ENVIRONMENT;
        if (environment == NULL)
            str_add(&all, "it does not exist");
        else
            here = verdict_in(core, job, environment, &all);
        usable = usable || here != VERDICT_ENVIRONMENT;
        if (hope(here) < hope(best))
            best = here;
    }
    if (best == VERDICT_FIT)
        str_addf(out, "%s - ", blocked_reason_name(BLOCKED_REQUIREMENT));
    else if (best == VERDICT_MAX_RESOURCE)
        str_addf(out, "%s - ", blocked_reason_name(BLOCKED_MAX_RESOURCE));
    else if (!usable)
        str_add(out, "ACTION_REQUIRED - ");
    str_add(out, "needs ");
    job_needs_print(job, out);
    str_add(out, "; ");
    str_add(out, str_text(&all));
    return best;
}

/* -------------------------------------------------------------------- messages */

enum verdict verdict_shown(const struct core_job *job)
{
    if (job->counts[JOB_SUBMITTED] + job->counts[JOB_PENDING] + job->counts[JOB_RUNNABLE] > 0)
        return job->verdict;
    return job->counts[JOB_RUNNING] > 0 ? VERDICT_RUNNING : VERDICT_STARTING;
}

static void waiting_indexes(const struct core_job *job, struct str *out)
{
    struct ranges waiting = {0};
    uint32_t first = 0;
    for (uint32_t i = 0; i <= job->size; i++) {
        if (i < job->size && job->children[i].phase <= JOB_RUNNABLE)
            continue;
        if (i > first)
            ranges_add(&waiting, first, i);
        first = i + 1;
    }
    ranges_print(&waiting, out, 100);
    ranges_done(&waiting);
}

/* Of what has its place: why it does not start yet, in the kubelet's words. */
static void slow_start(const struct core_job *job, struct str *out)
{
    const struct core_pod *pod = job->children != NULL ? job->children[job->slow_index].pod : NULL;
    if (pod == NULL || pod->started || !pod_has_trouble(pod))
        return;
    if (job->array)
        str_addf(out, "child %u: ", job->slow_index);
    str_addf(out, "pod %s", pod->name);
    if (pod_is_afloat(pod))
        str_add(out, " waits for the cluster's scheduler: ");
    else
        str_addf(out, " on node %s cannot start yet: ", pod->node != NULL ? pod->node->name : "?");
    str_addf(out, "%s%s%s", pod->waiting_reason, pod->waiting_message != NULL ? ": " : "",
             pod->waiting_message != NULL ? pod->waiting_message : "");
}

char *verdict_message(struct core *core, struct core_job *job)
{
    AUTO_STR out = STR_EMPTY;
    int64_t waiting =
        job->counts[JOB_SUBMITTED] + job->counts[JOB_PENDING] + job->counts[JOB_RUNNABLE];
    if (waiting == 0) {
        slow_start(job, &out);
        return str_take(&out);
    }
    if (job->array && job->admitted) {
        str_addf(&out, "%lld of %u children (", (long long)waiting, job->size);
        waiting_indexes(job, &out);
        str_addf(&out, ") wait%s: ", waiting == 1 ? "s" : "");
    }
    switch (job->verdict) {
    case VERDICT_DEPENDENCY:
        str_add(&out, "waits for ");
        depend_print(core, job, &out);
        break;
    case VERDICT_HELD:
        depend_print_held(job, &out);
        break;
    case VERDICT_QUEUE_DISABLED:
        str_addf(&out,
                 "JobQueue %s is DISABLED: it starts nothing until its state is ENABLED again",
                 job->queue->name);
        break;
    case VERDICT_BEHIND:
        str_addf(&out,
                 job->share != NULL ? "shares of JobQueue %s that have used less go first, "
                                      "and earlier jobs of its own"
                                    : "earlier jobs of JobQueue %s go first",
                 job->queue->name);
        break;
    case VERDICT_CONCURRENT:
        str_addf(&out, "maxConcurrent %lld reached: the next starts when one that runs ends",
                 (long long)job->spec->max_concurrent.value);
        break;
    case VERDICT_QUOTA:
        str_addf(&out, "a ResourceQuota of the namespace is used up: %s",
                 job->verdict_text != NULL ? job->verdict_text : "");
        break;
    case VERDICT_FORBIDDEN:
        str_addf(&out, "the controller may not create %s here: %s",
                 job->gang ? "pods and Services" : "pods",
                 job->verdict_text != NULL ? job->verdict_text : "");
        break;
    default:
        str_add(&out, job->verdict_text != NULL ? job->verdict_text : "");
        break;
    }
    return str_take(&out);
}
