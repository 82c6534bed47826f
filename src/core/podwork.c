/* SPDX-License-Identifier: Apache-2.0 */
/* podwork.c - what is to be done about pods: create, ask, stop, release, delete
 *
 * A pod that needs something is in the outbox; pods_plan turns the outbox into actions. One action
 * a pod is in flight at a time, but for a create. Whatever did not happen is tried again after a
 * pause, by the pod's timer. */
#include "assist.h"
#include "gang.h"
#include "inputs.h"
#include "reclaim.h"
#include "results.h"

#include <stdlib.h>
#include <string.h>

/* A create without an answer may still happen until its server-side timeout is over (5 s at most,
 * see the controller); its room is kept until then, and only then is the server asked. */
#define ASK_DELAY_NS (6 * NS_PER_S)
#define RETRY_DELAY_NS NS_PER_S

/* A pod takes one create and two writes to be rid of again. Were creates not held back, the API
 * server would hold more and more of what is over, most of a large array in the end. */
enum { CLEANUPS_WAITING_MAX = 8192, ENDS_WAITING_MAX = 65536 };

static void list_append(struct pod_list *list, struct core_pod *pod)
{
    pod->in_outbox = true;
    pod->out_next = NULL;
    if (list->last != NULL)
        list->last->out_next = pod;
    else
        list->first = pod;
    list->last = pod;
    list->count++;
}

static struct core_pod *list_take(struct pod_list *list)
{
    struct core_pod *pod = list->first;
    if (pod == NULL)
        return NULL;
    list->first = pod->out_next;
    if (list->first == NULL)
        list->last = NULL;
    list->count--;
    pod->in_outbox = false;
    return pod;
}

/* What is in more comes after what is in list. */
static void list_join(struct pod_list *list, const struct pod_list *more)
{
    if (more->first == NULL)
        return;
    if (list->last != NULL)
        list->last->out_next = more->first;
    else
        list->first = more->first;
    list->last = more->last;
    list->count += more->count;
}

static bool is_cleanup(const struct core_pod *pod)
{
    return pod->state == PODS_RELEASE || pod->state == PODS_DELETE;
}

void pod_outbox(struct core *core, struct core_pod *pod)
{
    if (!pod->in_outbox && !pod->gone)
        list_append(is_cleanup(pod) ? &core->cleanup : &core->outbox, pod);
}

/* Stopped for what may have changed by now. */
static bool is_guarded(const struct core_pod *pod)
{
    return pod->kill == KILL_START || (pod->kill == KILL_HOST && pod_is_afloat(pod));
}

void pod_kill(struct core *core, struct core_pod *pod, enum kill_reason reason)
{
    if (pod->state > PODS_LIVE)
        return;
    if (pod->state == PODS_CREATING && !pod->create_sent) {
        pod_unplace(core, pod, false);
        return; /* it is in the outbox, which frees it */
    }
    if (is_guarded(pod) &&
        (reason == KILL_TERMINATE || reason == KILL_GANG || reason == KILL_ORPHAN)) {
        pod->kill = reason; /* that delete may not happen; this one must */
        pod->kill_sent = false;
    }
    if (pod->kill == KILL_NONE || reason == KILL_ORPHAN)
        pod->kill = reason;
    if (pod->deleting)
        pod->kill_sent = true;
    if (pod->state == PODS_LIVE && !pod->kill_sent)
        pod_outbox(core, pod);
}

/* ---------------------------------------------------------------------- timers */

/* For how long an attempt may be on its way to its start. */
int64_t job_start_deadline_ns(const struct core *core, const struct core_job *job)
{
    const struct opt_i64 *own = &job->spec->start_deadline_s;
    return own->set ? own->value * NS_PER_S : core->options.start_deadline_ns;
}

void pod_timer_set(struct core *core, struct core_pod *pod)
{
    int64_t due = INT64_MAX;
    if (pod->kill != KILL_NONE || !pod->in_job || pod->suspect)
        return; /* a retry or the orphan's grace may be set; nothing else is due */
    bool timed = !pod->job->gang || pod->index == pod->job->main_node; /* of a gang for the whole */
    if (pod->started && pod->job->timeout_ns > 0 && timed)
        due = pod->started_ns + pod->job->timeout_ns +
              NS_PER_S; /* timestamps have whole seconds: never early */
    else if (!pod->started)
        due = pod->created_ns + job_start_deadline_ns(core, pod->job);
    if (assist_due(pod) < due)
        due = assist_due(pod);
    if (due == INT64_MAX)
        timer_clear(&core->timers, &pod->timer);
    else
        timer_set(&core->timers, &pod->timer, due);
}

/* On the ordinary way to a start: an init container works. Before the first one runs,
 * PodInitializing is what a kubelet says that waits for a volume or the network too. */
static bool is_on_its_way(const struct core_pod *pod)
{
    return pod->init_started &&
           (pod->waiting_reason == NULL || strcmp(pod->waiting_reason, "PodInitializing") == 0);
}

void pod_timer(struct core *core, struct core_pod *pod)
{
    if (pod->state == PODS_CREATING) {
        pod->unresolved = true;
        pod_outbox(core, pod);
    } else if (pod->state == PODS_KEPT) {
        kept_timer(core, pod);
    } else if (pod->state >= PODS_RELEASE) {
        pod_outbox(core, pod);
    } else if (pod->state == PODS_LIVE && pod->suspect) {
        pod_outbox(core, pod);
    } else if (pod->state == PODS_LIVE && !pod->in_job && pod->kill == KILL_NONE) {
        pod_kill(core, pod, KILL_ORPHAN);
    } else if (pod->state == PODS_LIVE && pod->kill != KILL_NONE) {
        if (!pod->kill_sent)
            pod_outbox(core, pod);
    } else if (pod->state == PODS_LIVE && pod->started) {
        pod_kill(core, pod, KILL_TIMEOUT);
        if (pod->job->gang)
            gang_timed_out(core, pod->job);
    } else if (assist_timer(core, pod)) {
        return;
    } else if (pod->state == PODS_LIVE) {
        /* Of one that has no node yet, the scheduler has the word. */
        bool somebody_there = pod_is_afloat(pod) || (pod->node != NULL && pod->node->spec != NULL &&
                                                     pod->node->spec->ready);
        /* What somebody else deletes already is not stopped for its deadline. */
        if (somebody_there && !is_on_its_way(pod) && !pod->deleting)
            pod_kill(core, pod, KILL_START);
        else
            timer_set(&core->timers, &pod->timer,
                      core->now_ns + job_start_deadline_ns(core, pod->job));
    }
}

/* ------------------------------------------------------------------------ plan */

static void fill_order(struct core *core, const struct core_pod *pod, struct pod_order *order)
{
    const struct core_job *job = pod->job;
    const struct core_node *node = pod->node;
    *order = (struct pod_order){
        .job = job->spec,
        .definition =
            job->definition != NULL && !job->spec->has_template ? job->definition->spec : NULL,
        .template_ = job->template_,
        .name = pod->name,
        .node_name = pod->assisted ? NULL : node->name,
        .node_uid = node->spec != NULL && !pod->assisted ? node->spec->meta.uid : NULL,
        .environment = pod->assisted               ? pod->environment
                       : node->environment != NULL ? node->environment->name
                                                   : NULL,
        .index = pod->index,
        .count = pod->count,
        .try = pod->try,
        .attempt = pod->attempt,
        .price = pod->price,
        .nodes = job->nodes,
        .values = inputs_values(core->arena, job, pod->index),
        .array_size = results_array_size(job),
    };
    if (job->gang && pod->index != job->main_node && job->children[job->main_node].pod != NULL)
        order->main_address = job->children[job->main_node].pod->address;
    if (job->timeout_ns >
        0) /* holds also while nobody watches; the exact timeout is kept by pod_timer */
        order->active_deadline_s = (job->timeout_ns + job_start_deadline_ns(core, job)) / NS_PER_S;
}

static void name_pod(struct action *action, const struct core_pod *pod)
{
    action->namespace_ = pod->namespace_;
    action->name = pod->name;
    action->uid = pod->uid;
}

/* What must be stored before it: the Service that names it, the claims of what it holds. */
static bool may_be_created(struct core *core, const struct core_pod *pod)
{
    bool named = !pod->job->gang || service_is_stored(core, pod->job);
    return consume_is_durable(pod) && named;
}

/* A multi-node job that has started goes on. */
static bool is_shut_out(const struct core_pod *pod)
{
    const struct core_job *job = pod->job;
    const struct job_queue *queue = job->queue->spec;
    return queue != NULL && queue->state == QUEUE_DISABLED &&
           (!job->gang || pod->index == job->main_node);
}

/* While that was being written another may have come to its node, or the node have gone, or its
 * queue have been disabled, or a limit of it been lowered. */
static bool has_its_place(const struct core_pod *pod)
{
    const struct core_node *node = pod->node;
    struct amounts free_;
    if (is_shut_out(pod) || quota_is_passed(pod))
        return false;
    if (pod->hold_count == 0 && !pod->job->gang)
        return true;
    if (!node_is_usable(node) || !gang_is_whole(pod) ||
        (!pod->assisted && uid_hash(node->spec->meta.uid) != pod->node_uid))
        return false;
    node_free_amounts(node, &free_);
    amounts_add(&free_, &pod->class_->needs); /* it is counted already */
    return amounts_fit(&pod->class_->needs, &free_);
}

static bool plan_create(struct core *core, struct core_pod *pod)
{
    if (!has_its_place(pod)) {
        pod_unplace(core, pod, false);
        pod_release_memory(core, pod);
        core->more = true; /* it is placed again in the next turn */
        return true;
    }
    if (core->creates_in_flight >= core->options.creates_max) {
        core->creates_full = true;
        return false;
    }
    struct action *action = action_new(core, ACTION_POD_CREATE, pod);
    name_pod(action, pod);
    fill_order(core, pod, &action->order);
    pod->create_sent = true;
    return true;
}

/* false: no room in this plan for what it needs. */
static bool plan_pod(struct core *core, struct core_pod *pod)
{
    if (pod->flights > 0 && !(pod->state == PODS_LIVE && pod->kill != KILL_NONE && !pod->suspect))
        return true; /* its answer puts it back */
    if (pod->state == PODS_CREATING && !pod->create_sent)
        return may_be_created(core, pod) && plan_create(core, pod);
    if (pod->state == PODS_CREATING && pod->unresolved) {
        name_pod(action_new(core, ACTION_POD_GET, pod), pod);
        pod->unresolved = false;
        return true;
    }
    if (pod->state == PODS_LIVE && pod->suspect) {
        name_pod(action_new(core, ACTION_POD_GET, pod), pod);
        return true;
    }
    if (reclaim_plan(core, pod))
        return true;
    if (pod->state == PODS_LIVE && pod->kill == KILL_START && !pod->kill_sent && pod->started) {
        pod->kill = KILL_NONE; /* in the meantime */
        pod_timer_set(core, pod);
        return true;
    }
    if (pod->state == PODS_LIVE && pod->kill != KILL_NONE && !pod->kill_sent && pod->uid != NULL) {
        struct action *action = action_new(core, ACTION_POD_DELETE, pod);
        name_pod(action, pod);
        pod->kill_guarded = is_guarded(pod);
        if (pod->kill_guarded) /* it may have started or been bound, and the watch lags */
            action->resource_version = arena_printf(core->arena, "%lld", (long long)pod->version);
        pod->kill_sent = true;
        return true;
    }
    if (pod->state == PODS_RELEASE && pod->has_finalizer && !consume_is_durable(pod))
        return false; /* until then only the pod tells whether it used up what it claimed */
    if (pod->state == PODS_RELEASE && pod->has_finalizer) {
        name_pod(action_new(core, ACTION_POD_RELEASE, pod), pod);
        return true;
    }
    if (pod->state == PODS_RELEASE && pod_keep(core, pod))
        return true;
    if (pod->state == PODS_RELEASE)
        pod->state =
            PODS_DELETE; /* also when it is being deleted: its kubelet may not live to confirm */
    if (pod->state == PODS_DELETE) {
        struct action *action = action_new(core, ACTION_POD_DELETE, pod);
        name_pod(action, pod);
        action->grace_s = 0;
    }
    return true;
}

bool creates_are_full(const struct core *core)
{
    return core->creates_in_flight + core->plan_creates >= core->options.creates_max ||
           core->cleanup.count > CLEANUPS_WAITING_MAX || core->counts.pods_ended > ENDS_WAITING_MAX;
}

void pods_plan(struct core *core)
{
    struct pod_list kept = {NULL, NULL, 0};
    struct core_pod *pod;
    core->creates_full = false;
    if (core->outbox.first == NULL && core->cleanup.first == NULL)
        return; /* as in most turns */
    while ((pod = list_take(&core->outbox)) != NULL) {
        if (pod->gone)
            pod_release_memory(core, pod);
        else if (is_cleanup(pod)) /* it ended while it was in here for something else */
            list_append(&core->cleanup, pod);
        else if (!plan_has_room(core) || !plan_pod(core, pod))
            list_append(&kept, pod);
    }
    core->outbox = kept;
    kept = (struct pod_list){NULL, NULL, 0};
    /* What is over waits behind what is to start: only so much of it is under way at once. */
    while (core->cleanups_in_flight < core->options.cleanups_max && plan_has_room(core) &&
           (pod = list_take(&core->cleanup)) != NULL) {
        if (pod->gone)
            pod_release_memory(core, pod);
        else if (!plan_pod(core, pod))
            list_append(&kept, pod);
    }
    list_join(&core->cleanup, &kept);
}

/* --------------------------------------------------------------------- answers */

/* A machine does not go while a job waits for a moment after a refusal, once or twice. Beyond that,
 * under a quota that is used up for long, it goes after its delay. */
#define BACK_SOON_NS (2 * NS_PER_S)

static void create_refused(struct core *core, struct core_pod *pod, const struct done *done)
{
    struct core_job *job = pod->job;
    const char *words = done->message != NULL ? done->message : "";
    bool in_job = pod->in_job;
    if (pod->node != NULL && done->result != DONE_REFUSED)
        pod->node->counted_ns = core->now_ns + BACK_SOON_NS; /* it is tried there again */
    pod_unplace(core, pod, false);
    if (!in_job || job == NULL || job->ended)
        return;
    switch (done->result) {
    case DONE_REFUSED: {
        AUTO_TEXT message = text_printf("the API server refused the pod: %s", words);
        job_fail_waiting(core, job, "PodRefused", message);
        break;
    }
    case DONE_QUOTA:
        job_hold(core, job, VERDICT_QUOTA, words, NS_PER_S);
        break;
    case DONE_FORBIDDEN:
        job_hold(core, job, VERDICT_FORBIDDEN, words, 5 * NS_PER_S);
        break;
    case DONE_NOT_FOUND:
    case DONE_CONFLICT:
    case DONE_AGAIN:
    default:
        job_hold(core, job, VERDICT_RETRY, words, NS_PER_S);
        break;
    }
}

/* The answer comes after the watch has told of the pod's whole life. */
static bool is_old_news(const struct core_pod *pod, const struct done *done)
{
    return pod->gone && pod->uid != NULL && done->pod != NULL &&
           text_eq(pod->uid, done->pod->meta.uid);
}

static void create_done(struct core *core, struct core_pod *pod, struct done *done)
{
    if (is_old_news(pod, done))
        return;
    if (done->result == DONE_OK && done->pod != NULL) {
        pod_apply(core, STEAL(done->pod));
        return;
    }
    if (pod->state != PODS_CREATING || pod->gone)
        return; /* the watch has told already */
    if (done->result == DONE_EXISTS || done->result == DONE_OK) {
        pod->unresolved = true;
        pod_outbox(core, pod);
    } else if (done->result == DONE_UNKNOWN) {
        timer_set(&core->timers, &pod->timer, core->now_ns + ASK_DELAY_NS);
    } else if (pod->shadowed) { /* whose pod has the name, is to be known */
        pod->shadowed = false;
        pod->unresolved = true;
        pod_outbox(core, pod);
    } else {
        create_refused(core, pod, done);
    }
}

static void last_word(struct core *core, struct core_pod *pod, struct done *done)
{
    AUTO_TEXT key = text_copy(pod->key);
    AUTO_TEXT uid = text_copy(pod->uid);
    bool same = done->result == DONE_OK && done->pod != NULL && text_eq(done->pod->meta.uid, uid);
    if (done->result == DONE_NOT_FOUND || (done->result == DONE_OK && !same)) {
        pod_gone(core, key, uid);
    } else if (!same) {
        timer_set(&core->timers, &pod->timer, core->now_ns + RETRY_DELAY_NS);
    } else {
        pod_apply(core, STEAL(done->pod));
        if (!pod->gone && pod->state == PODS_LIVE)
            pod_give_up(core, pod);
    }
}

static void get_done(struct core *core, struct core_pod *pod, struct done *done)
{
    if (pod->suspect && pod->state == PODS_LIVE && !pod->gone) {
        last_word(core, pod, done);
        return;
    }
    if (is_old_news(pod, done))
        return;
    if (done->result == DONE_OK && done->pod != NULL) {
        pod_read(core, STEAL(done->pod));
        return;
    }
    if (pod->state != PODS_CREATING || pod->gone)
        return;
    if (done->result == DONE_NOT_FOUND) {
        /* It may still come to be, should the create be on its way: then the next create of the
         * same name finds it, and it is adopted. */
        pod_unplace(core, pod, false);
        return;
    }
    timer_set(&core->timers, &pod->timer, core->now_ns + RETRY_DELAY_NS);
}

static void release_done(struct core *core, struct core_pod *pod, const struct done *done)
{
    if (pod->gone || pod->state != PODS_RELEASE)
        return;
    if (done->result == DONE_OK) {
        pod_hold(core, pod, false);
        if (pod->ours)
            pod_outbox(core, pod);
        else
            pod->state = PODS_LEAVING; /* whoever deletes it goes on with that */
    } else if (done->result == DONE_NOT_FOUND || done->result == DONE_CONFLICT) {
        pod->state = PODS_LEAVING; /* that object is gone; the watch will say so */
    } else {
        timer_set(&core->timers, &pod->timer, core->now_ns + RETRY_DELAY_NS);
    }
}

static void delete_done(struct core *core, struct core_pod *pod, const struct done *done)
{
    if (pod->gone)
        return;
    if (done->result == DONE_CONFLICT && pod->kill_guarded && is_guarded(pod) &&
        pod->state == PODS_LIVE) {
        /* It has changed since: the watch will say whether it started, or where it is. */
        bool for_start = pod->kill == KILL_START;
        pod->kill = KILL_NONE;
        pod->kill_sent = false;
        if (pod->started || !for_start)
            pod_timer_set(core, pod);
        else
            timer_set(&core->timers, &pod->timer, core->now_ns + RETRY_DELAY_NS);
        return;
    }
    bool happened =
        done->result == DONE_OK || done->result == DONE_NOT_FOUND || done->result == DONE_CONFLICT;
    if (pod->state == PODS_DELETE && happened) {
        pod->state = PODS_LEAVING;
    } else if (!happened) {
        pod->kill_sent = pod->state == PODS_LIVE ? pod->deleting : pod->kill_sent;
        timer_set(&core->timers, &pod->timer, core->now_ns + RETRY_DELAY_NS);
    } else if (pod->state == PODS_RELEASE) {
        pod_outbox(core, pod);
    }
}

void pod_done(struct core *core, struct flight *flight, struct done *done)
{
    struct core_pod *pod = flight->object;
    enum action_kind kind = flight->kind;
    flight_end(core, flight);
    pod->flights++; /* keeps the record until this function is done with it */
    if (kind == ACTION_POD_CREATE)
        create_done(core, pod, done);
    else if (kind == ACTION_POD_GET)
        get_done(core, pod, done);
    else if (kind == ACTION_POD_MARK)
        reclaim_done(core, pod, done);
    else if (kind == ACTION_POD_RELEASE)
        release_done(core, pod, done);
    else
        delete_done(core, pod, done);
    pod->flights--;
    bool waits = pod->state == PODS_RELEASE || pod->state == PODS_DELETE ||
                 (pod->state == PODS_LIVE && pod->suspect);
    if (!pod->gone && pod->flights == 0 && waits && !timer_is_set(&pod->timer))
        pod_outbox(core, pod);
    pod_release_memory(core, pod);
}
