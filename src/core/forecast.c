/* SPDX-License-Identifier: Apache-2.0 */
/* forecast.c - when a waiting job starts, as far as that can be reckoned
 *
 * A small model of what would happen if nothing new came: the nodes of the queue's environments
 * with what is free there, the expected ends of what runs, the machines on their way and those that
 * may still be bought, and the jobs in line, placed one after another as soon as each fits. An end
 * is expected by the mean of the runs that were seen of the job, else of its definition, else of
 * pods with equal requirements (history.c), else at the timeout, which is a bound; without any of
 * these, or when a run takes longer than the mean, nobody knows and nothing is assumed to end. A
 * machine is expected when its type's mean from launch to Ready has passed since it was launched.
 *
 * It is an estimate and says what it rests on; where it would be a guess it says that it does not
 * know: multi-node jobs, consumable resources, limits, other queues that go first.
 *
 * Bounds  SLOTS_MAX machines, ENDS_MAX pods on them and VISITS_MAX looks at one; what is beyond
 * them is not known. */
#include "forecast.h"
#include "clauses.h"
#include "gang.h"
#include "ladder.h"
#include "order.h"

#include <string.h>

enum {
    SLOTS_MAX = 5000,
    ENDS_MAX = 50000,
    VISITS_MAX = 500000,
    BOUGHT_MAX = 1000,
};

struct slot { /* a machine */
    const struct core_environment *environment;
    const struct core_node *node; /* NULL: one that is to come */
    const struct core_type *type;
    struct amounts room;
    bool ready;
};

struct happening { /* a slot is Ready, or something on it ends */
    struct timer timer;
    size_t slot;
    const struct amounts *ends; /* NULL: it is Ready */
    const struct core_job *of;
    const char *why;
};

struct model {
    struct core *core;
    struct arena *arena;
    const struct core_queue *queue;
    struct slot *slots;
    size_t slot_count, slot_capacity, bought;
    size_t ends, coming; /* pods that run; slots that are not Ready yet */
    /* Slots before that one take no more of what was last looked for, but for the one in which
     * something has happened since. */
    const struct core_job *looked;
    size_t from, changed;
    int64_t budgets[QUEUE_ENVIRONMENTS_MAX];
    struct timers timers;
    int64_t now_ns;
    int64_t visits;
    const char *why;     /* of the last thing that happened */
    const char *unknown; /* what kept a machine or an end out of the model */
};

/* -------------------------------------------------------------------------- the model */

static void happens_at(struct model *model, int64_t at_ns, size_t slot, const struct amounts *ends,
                       const struct core_job *of, const char *why)
{
    struct happening *item = arena_alloc(model->arena, sizeof(*item));
    *item = (struct happening){.slot = slot, .ends = ends, .of = of, .why = why};
    timer_set(&model->timers, &item->timer, at_ns > model->now_ns ? at_ns : model->now_ns);
}

/* NULL: there are too many. */
static struct slot *add_slot(struct model *model, const struct core_environment *environment)
{
    if (model->slot_count >= SLOTS_MAX) {
        model->unknown = "there are too many nodes to reckon with";
        return NULL;
    }
    ARENA_ROOM(model->arena, model->slots, model->slot_count, model->slot_capacity);
    struct slot *slot = &model->slots[model->slot_count++];
    *slot = (struct slot){.environment = environment};
    return slot;
}

static void add_end(struct model *model, size_t slot, const struct core_pod *pod)
{
    bool bound = false;
    const struct core_job *job = pod->job;
    int64_t run_ns = job != NULL ? history_run_ns(job, &bound) : 0;
    int64_t from_ns = pod->started ? pod->started_ns : model->core->now_ns;
    bool longer = run_ns > 0 && !bound && from_ns + run_ns < model->core->now_ns;
    if (longer) {
        run_ns = job->timeout_ns; /* only that is certain */
        bound = true;
    }
    if (longer && run_ns <= 0) {
        model->unknown = arena_printf(model->arena,
                                      "a pod of %s runs longer than earlier ones did, and has no "
                                      "timeout",
                                      job->key);
        return;
    }
    const struct amounts *needs = pod_amounts(pod);
    if (run_ns <= 0 || needs == NULL) {
        model->unknown = "pods run there of which nobody knows how long: they have no timeout, and "
                         "none like them has ended yet";
        return;
    }
    model->ends++;
    happens_at(model, from_ns + run_ns, slot, needs, job,
               bound ? "ends at its timeout, at the latest" : "ends, by the mean of earlier runs");
}

static void add_node(struct model *model, const struct core_environment *environment,
                     const struct core_node *node)
{
    struct slot *slot = add_slot(model, environment);
    if (slot == NULL)
        return;
    slot->node = node;
    slot->ready = true;
    node_free_amounts(node, &slot->room);
    for (const struct core_pod *pod = node->pods; pod != NULL; pod = pod->next) {
        if (pod->ours && pod->counted)
            add_end(model, model->slot_count - 1, pod);
    }
}

static void add_machine(struct model *model, const struct core_environment *environment,
                        const struct core_type *type, int64_t launched_ns)
{
    if (type == NULL || type_boot_ns(type) <= 0) {
        model->unknown =
            arena_printf(model->arena, "no machine of type %s has been seen to boot yet",
                         type != NULL ? type->spec.name : "?");
        return;
    }
    struct slot *slot = add_slot(model, environment);
    if (slot == NULL)
        return;
    slot->type = type;
    slot->room = type->room;
    model->coming++;
    happens_at(model, launched_ns + type_boot_ns(type), model->slot_count - 1, NULL, NULL,
               arena_printf(model->arena, "a machine of type %s is Ready, by %s", type->spec.name,
                            type_boot_is_seen(type) ? "the mean of earlier ones"
                                                    : "what its catalogue says"));
}

static void add_environment(struct model *model, const struct core_environment *environment,
                            size_t index)
{
    for (size_t i = 0; i < environment->slot_count; i++) {
        const struct core_node *node = environment->slots[i];
        if (model->ends >= ENDS_MAX) {
            model->unknown = "there are too many pods to reckon with";
            break;
        }
        if (node != NULL && node_is_usable(node) && node->gang == NULL && node->alone == 0)
            add_node(model, environment, node);
    }
    if (environment->spec->provider == PROVIDER_STATIC)
        return;
    model->budgets[index] = environment->spec->max_vcpus - environment->vcpus;
    for (const struct core_instance *i = environment->instances; i != NULL; i = i->next) {
        if (instance_coming(i))
            add_machine(model, environment, environment_type(environment, i->type), i->launched_ns);
    }
    for (const struct core_launch *launch = environment->launches; launch != NULL;
         launch = launch->next) {
        for (int64_t n = 0; n < launch->count; n++)
            add_machine(model, environment, environment_type(environment, launch->type),
                        launch->since_ns);
    }
}

static const struct core_environment *environment_at(const struct model *model, size_t index)
{
    const struct job_queue *queue = model->queue->spec;
    const struct core_environment *environment =
        map_get(model->core->environments, queue->environments[index].compute_environment);
    return environment_usable(environment) ? environment : NULL;
}

/* --------------------------------------------------------------------------- placing */

static bool slot_fits(struct model *model, const struct slot *slot, const struct core_job *job)
{
    model->visits++;
    if (!amounts_fit(&job->class_->needs, &slot->room) ||
        !environment_serves(slot->environment, job->spec->meta.namespace_))
        return false;
    if (slot->node == NULL)
        return type_matches(slot->environment, slot->type, job->class_);
    uint64_t set = node_clauses(slot->node, job->class_, false);
    return (set & ((UINT64_C(1) << CLAUSE_RESOURCE) - 1)) == 0;
}

/* A machine that has room for one now. */
static struct slot *find_ready(struct model *model, const struct core_job *job)
{
    const struct core_job *looked = model->looked;
    if (looked == NULL || looked->class_ != job->class_ ||
        strcmp(looked->spec->meta.namespace_, job->spec->meta.namespace_) != 0)
        model->from = 0;
    model->looked = job;
    struct slot *changed = model->changed < model->from ? &model->slots[model->changed] : NULL;
    if (changed != NULL && changed->ready && slot_fits(model, changed, job))
        return changed;
    for (; model->from < model->slot_count; model->from++) {
        assert(model->slots != NULL); /* there is one */
        struct slot *slot = &model->slots[model->from];
        if (slot->ready && slot_fits(model, slot, job))
            return slot;
    }
    return NULL;
}

static bool one_comes(struct model *model, const struct core_job *job)
{
    for (size_t i = 0; model->coming > 0 && i < model->slot_count; i++) {
        if (!model->slots[i].ready && slot_fits(model, &model->slots[i], job))
            return true;
    }
    return false;
}

static void buy(struct model *model, const struct core_job *job)
{
    for (size_t i = 0; i < model->queue->spec->environment_count; i++) {
        const struct core_environment *environment = environment_at(model, i);
        if (environment == NULL || environment->spec->provider == PROVIDER_STATIC ||
            !environment_serves(environment, job->spec->meta.namespace_) ||
            model->bought >= BOUGHT_MAX)
            continue;
        const struct core_type *type =
            type_choose(model->core, environment, job->class_, model->budgets[i], 1);
        if (type == NULL)
            continue;
        model->bought++;
        model->budgets[i] -= type->spec.vcpus;
        add_machine(model, environment, type, model->now_ns);
        return;
    }
}

/* The next thing happens. False: nothing will. */
static bool advance(struct model *model)
{
    struct timer *first = timers_first(&model->timers);
    if (first == NULL)
        return false;
    struct happening *item = CONTAINER_OF(first, struct happening, timer);
    timer_clear(&model->timers, first);
    struct slot *slot = &model->slots[item->slot];
    if (item->timer.due_ns > model->now_ns)
        model->now_ns = item->timer.due_ns;
    model->changed = item->slot;
    model->coming -= item->ends == NULL;
    if (item->ends != NULL)
        amounts_add(&slot->room, item->ends);
    else
        slot->ready = true;
    model->why = item->of != NULL
                     ? arena_printf(model->arena, "a pod of %s %s", item->of->key, item->why)
                     : item->why;
    return true;
}

/* When one more child of the job starts; false: not known. */
static bool place_one(struct model *model, const struct core_job *job)
{
    struct slot *slot;
    bool bound = false;
    while ((slot = find_ready(model, job)) == NULL) {
        if (!one_comes(model, job))
            buy(model, job);
        if (model->visits > VISITS_MAX) {
            model->unknown = "there is too much before it to reckon with";
            return false;
        }
        if (!advance(model))
            return false;
    }
    amounts_sub(&slot->room, &job->class_->needs);
    int64_t run_ns = history_run_ns(job, &bound);
    if (run_ns > 0)
        happens_at(
            model, model->now_ns + run_ns, (size_t)(slot - model->slots), &job->class_->needs, job,
            bound ? "ends at its timeout, at the latest" : "ends, by the mean of earlier runs");
    else
        model->unknown =
            "nobody knows how long those before it run: they have no timeout, and none "
            "like them has ended yet";
    return true;
}

/* What keeps the model from saying anything of it; NULL: nothing. */
static const char *beyond(struct core *core, const struct core_job *job)
{
    if (job->gang)
        return "when enough nodes are empty at once for a multi-node job is not reckoned";
    if (job->class_ == NULL)
        return "what it runs is not known yet";
    if (consume_lacks(core, job))
        return "when a consumable resource is given back is not reckoned";
    switch (job->verdict) {
    case VERDICT_NONE:
    case VERDICT_BEHIND:
    case VERDICT_BOOTING:
    case VERDICT_BUYING:
    case VERDICT_ROOM:
    case VERDICT_MAX_VCPUS:
        return NULL;
    default:
        return "that is not a matter of time alone";
    }
}

static void not_known(struct forecast *ret, const struct core_job *job, const char *why)
{
    *ret = (struct forecast){.job = job, .why = why};
}

/* When the first of it starts; returns why nothing is known of those behind it, or NULL. */
static const char *walk(struct model *model, const struct core_job *job, struct forecast *ret)
{
    const char *stop = beyond(model->core, job);
    if (stop == NULL && job_wanted(job) <= 0)
        not_known(ret, job, "none of it waits");
    else if (stop == NULL && place_one(model, job))
        *ret = (struct forecast){job, model->now_ns, model->why};
    else if (stop == NULL)
        stop = model->unknown != NULL ? model->unknown : "nothing that would make room is known";
    if (ret->job == NULL)
        not_known(ret, job, stop);
    return stop;
}

/* Its others, which matter to those behind it only: of a large array they are many. */
static const char *walk_rest(struct model *model, const struct core_job *job, int64_t times)
{
    int64_t wanted = job_wanted(job);
    for (int64_t i = 1; i < wanted && i < times; i++) {
        if (!place_one(model, job))
            return model->unknown != NULL ? model->unknown
                                          : "nothing that would make room is known";
    }
    return NULL;
}

size_t forecast(struct core *core, const struct core_queue *queue, const struct core_job *only,
                size_t max, struct arena *arena, struct forecast *ret)
{
    struct model model = {.core = core,
                          .arena = arena,
                          .queue = queue,
                          .now_ns = core->now_ns,
                          .why = "there is room for it now"};
    struct order_walk line;
    struct core_job *job;
    const struct core_job *before = NULL;
    int64_t times, before_times = 0;
    size_t count = 0;
    const char *stop = NULL;
    for (size_t i = 0; i < queue->spec->environment_count; i++) {
        const struct core_environment *environment = environment_at(&model, i);
        if (environment == NULL)
            continue;
        add_environment(&model, environment, i);
        if (environment_is_held(environment, queue))
            stop = environment->held_for_part ? "a multi-node job waits for a node it has lost"
                                              : "a queue of higher priority goes first";
    }
    core->walk++;
    order_walk_begin(&line, core, queue);
    while (count < max && (job = order_walk_next(&line, &times)) != NULL) {
        struct forecast one = {0};
        bool again = job->mark == core->walk;
        job->mark = core->walk;
        if (stop == NULL && before != NULL)
            stop = walk_rest(&model, before, before_times);
        before = job;
        before_times = times;
        if (stop == NULL)
            stop = walk(&model, job, &one);
        else
            not_known(&one, job, stop);
        if (!again && (only == NULL || job == only))
            ret[count++] = one;
        if (stop != NULL && beyond(core, job) == stop)
            stop = arena_printf(arena, "it is behind %s, and of that one: %s", job->key, stop);
        if (job == only)
            break;
    }
    timers_done(&model.timers);
    return count;
}
