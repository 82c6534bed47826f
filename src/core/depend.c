/* SPDX-License-Identifier: Apache-2.0 */
/* depend.c - dependencies: who waits for whom, and what an end means to those who wait
 *
 * Everyone who names a job is in one list under that name, whether the job exists or not, so that
 * jobs may be applied in any order. A dependency that has been seen (its uid is recorded) and is
 * deleted before it ended has failed; one that was never seen is waited for.
 *
 * Held   A dependency that failed is waited over when its dependant says so
 * (onDependencyFailure: Hold), as long as the job that failed is there: another may take its place
 * (replace.c), and then the dependant waits for that one, whose name and uid go into its record. */
#include "family.h"
#include "inputs.h"
#include "replace.h"
#include "results.h"

#include <stdlib.h>
#include <string.h>

static char *name_key(const char *namespace_, const char *name)
{
    return text_printf("%s/%s", namespace_ != NULL ? namespace_ : "", name);
}

/* Of the job that it waits for now. */
static const char *name_now(const struct core_dependency *dependency)
{
    return dependency->replacement != NULL ? dependency->replacement : dependency->name;
}

static struct dependants *dependants_of(struct core *core, const char *key, bool make)
{
    struct dependants *list = map_get(core->dependants, key);
    if (list == NULL && make) {
        list = mem_new(sizeof(*list));
        list->key = text_copy(key);
        map_put(core->dependants, key, list);
    }
    return list;
}

static void link_dependency(struct core *core, struct core_dependency *dependency, const char *key)
{
    struct dependants *list = dependants_of(core, key, true);
    dependency->list = list;
    dependency->next = list->first;
    if (list->first != NULL)
        list->first->prev = dependency;
    list->first = dependency;
}

static void unlink_dependency(struct core *core, struct core_dependency *dependency)
{
    struct dependants *list = dependency->list;
    if (list == NULL)
        return;
    if (dependency->prev != NULL)
        dependency->prev->next = dependency->next;
    else
        list->first = dependency->next;
    if (dependency->next != NULL)
        dependency->next->prev = dependency->prev;
    dependency->prev = dependency->next = NULL;
    dependency->list = NULL;
    if (list->first == NULL) {
        map_remove(core->dependants, list->key);
        free(list->key);
        free(list);
    }
}

/* Did this child of an ended or running job succeed (1), fail (-1), or neither yet (0)? */
int depend_child_outcome(const struct core_job *job, uint32_t index)
{
    if (!job->sized) /* it has no children, and may end without ever having any */
        return !job->ended ? 0 : job->phase == JOB_SUCCEEDED ? 1 : -1;
    if (job->children != NULL) {
        enum job_phase phase = (enum job_phase)job->children[index].phase;
        return phase == JOB_SUCCEEDED ? 1 : phase == JOB_FAILED ? -1 : 0;
    }
    if (job->phase == JOB_SUCCEEDED)
        return 1;
    if (job->failed_bits == NULL)
        return -1;
    return (job->failed_bits[index / 8] & (1U << (index % 8))) != 0 ? -1 : 1;
}

static bool is_n_to_n(const struct core_dependency *dependency)
{
    return dependency->type == DEPENDENCY_N_TO_N;
}

/* What the end of a dependency means to who waits for it. */
static enum depend_state state_after(enum dependency_condition condition, bool succeeded)
{
    if (condition == DEPEND_ALWAYS || succeeded == (condition == DEPEND_ON_SUCCESS))
        return DEPEND_MET;
    return condition == DEPEND_ON_SUCCESS ? DEPEND_FAILS : DEPEND_SKIPS;
}

static enum depend_state state_after_child(const struct core_job *on, uint32_t index,
                                           enum dependency_condition condition)
{
    int outcome = depend_child_outcome(on, index);
    return outcome == 0 ? DEPEND_WAITS : state_after(condition, outcome > 0);
}

/* What a pod has come to is read from it again after a restart. What was decided about a job, for
 * a cycle or an admission that was refused, may be decided otherwise then: it counts once it is
 * durable, also for children that wait for children.
 *
 * Once an outcome is recorded its meaning has been applied to every child that waited, in the same
 * turn and the same status: those that still wait then are those that may run, also when the
 * dependency is not there any more. */
static enum depend_state pair_state(const struct core_dependency *dependency, uint32_t index)
{
    const struct core_job *on = dependency->on;
    if (on == NULL)
        return dependency->outcome == DEPENDENCY_WAITING ? DEPEND_WAITS : DEPEND_MET;
    if (!dependency->job->sized || (on->sized && on->size != dependency->job->size))
        return DEPEND_WAITS; /* the whole fails, see dependency_look */
    if (on->decided_sequence > on->written_sequence)
        return DEPEND_WAITS;
    enum depend_state state = state_after_child(on, index, dependency->condition);
    bool waits = state == DEPEND_FAILS && (dependency->hold || dependency->held);
    return waits ? DEPEND_WAITS : state;
}

/* What those mean for the child that it waits for alone. */
static enum depend_state own_state(const struct core_job *job, uint32_t index)
{
    enum depend_state worst = DEPEND_MET;
    if (job->sequential && index > 0) {
        enum depend_state state = state_after_child(job, index - 1, job->sequential_condition);
        if (state >= DEPEND_FAILS)
            return state;
        worst = state == DEPEND_WAITS ? state : worst;
    }
    for (size_t i = 0; i < job->dependency_count; i++) {
        if (!is_n_to_n(&job->dependencies[i]))
            continue;
        enum depend_state state = pair_state(&job->dependencies[i], index);
        if (state >= DEPEND_FAILS)
            return state;
        worst = state == DEPEND_WAITS ? state : worst;
    }
    return worst;
}

enum depend_state depend_decide(struct core *core, struct core_job *job, uint32_t index)
{
    enum depend_state state = own_state(job, index);
    if (state != DEPEND_MET)
        return state;
    bool ready = inputs_take(core, job, index) && job->waiting_whole == 0 && references_ready(job);
    return ready ? DEPEND_MET : DEPEND_WAITS;
}

void depend_child_end(struct core *core, struct core_job *job, uint32_t index,
                      enum depend_state state)
{
    job->children[index].dependency_failed = state == DEPEND_FAILS;
    if (state == DEPEND_FAILS)
        failures_child(job, index, &(struct failure_words){.status_reason = "Dependent Job failed"},
                       false);
    child_move(core, job, index, state == DEPEND_FAILS ? ON_FAIL : ON_SUCCEED);
    job_changed(core, job, 0);
    depend_child_ended(core, job, index);
}

static void depend_job_ended(struct core *core, struct core_job *job);
static void dependency_look(struct core *core, struct core_dependency *dependency);
static bool break_cycle(struct core *core, struct core_job *job);

static void look_later(struct core *core, struct core_job *job, uint32_t index)
{
    if (core->look_count > core->looks_begun) { /* the same again is the usual repetition */
        const struct look *last = &core->looks[core->look_count - 1];
        if (last->job == job && last->index == index)
            return;
    }
    ARRAY_ROOM(core->looks, core->look_count, core->look_capacity);
    core->looks[core->look_count++] = (struct look){job, index};
}

/* Looks at one child that waits. True: it ended just now, without having run. */
static bool child_look(struct core *core, struct core_job *job, uint32_t index)
{
    if (job->children[index].phase > JOB_PENDING)
        return false;
    enum depend_state state = depend_decide(core, job, index);
    if (state >= DEPEND_FAILS)
        depend_child_end(core, job, index, state);
    else if (state == DEPEND_MET && job->admitted && !job_is_stopped(job))
        child_move(core, job, index, ON_READY);
    return job->children[index].phase >= JOB_SUCCEEDED;
}

/* From index on; index LOOK_ALL: every child. A child that ends takes those after it along when
 * they are SEQUENTIAL, here in a loop: an array may be a million long. Also before the job is
 * admitted: what an end means must be durable before the one that ended may be deleted. */
static void children_look(struct core *core, struct core_job *job, uint32_t index)
{
    if (job->children == NULL || job->ended || job->gone)
        return;
    uint32_t first = index == LOOK_ALL ? 0 : index;
    uint32_t end = index == LOOK_ALL ? job->size : index + 1;
    for (uint32_t i = first; i < end; i++) {
        bool over = child_look(core, job, i);
        if (over && job->sequential && i + 1 == end && end < job->size)
            end++;
    }
    job_settle(core, job);
}

/* The work that ends and changes of others have caused, one after another instead of one inside
 * another: chains of dependants can be as long as users make them. */
void depend_settle(struct core *core)
{
    while (core->looks_begun < core->look_count) {
        struct look look = core->looks[core->looks_begun++];
        if (look.index == LOOK_DEPENDANTS)
            depend_job_ended(core, look.job);
        else if (look.index == LOOK_CYCLE)
            break_cycle(core, look.job);
        else if (look.index == LOOK_FAMILY)
            family_settle(core, look.job);
        else if (look.index == LOOK_AGAIN)
            depend_look_again(core, look.job);
        else
            children_look(core, look.job, look.index);
    }
    core->look_count = core->looks_begun = 0;
}

void depend_ended_later(struct core *core, struct core_job *job)
{
    look_later(core, job, LOOK_DEPENDANTS);
}

void depend_look_family(struct core *core, struct core_job *job)
{
    look_later(core, job, LOOK_FAMILY);
}

void depend_look_all(struct core *core, struct core_job *job)
{
    look_later(core, job, LOOK_ALL);
}

void depend_look_child(struct core *core, struct core_job *job, uint32_t index)
{
    look_later(core, job, index);
}

void depend_again_later(struct core *core, struct core_job *job)
{
    look_later(core, job, LOOK_AGAIN);
}

static void dependency_fails(struct core *core, struct core_dependency *dependency, const char *why)
{
    struct core_job *job = dependency->job;
    dependency->outcome = DEPENDENCY_FAILED;
    if (job->ended)
        return;
    job_changed(core, job, 0);
    dependency->sequence = job->sequence;
    AUTO_TEXT words = text_printf("Dependent Job failed: %s %s", name_now(dependency), why);
    job_fail_waiting(core, job, "DependencyFailed", words);
}

static void dependency_skips(struct core *core, struct core_dependency *dependency, const char *how)
{
    struct core_job *job = dependency->job;
    dependency->outcome = DEPENDENCY_SKIPPED;
    if (job->ended)
        return;
    job_changed(core, job, 0);
    dependency->sequence = job->sequence;
    AUTO_TEXT words =
        text_printf("skipped: %s %s, and this job was to run OnFailure", dependency->name, how);
    job_skip_waiting(core, job, words);
}

/* Takes what the dependant uses. False: it is still needed, for that or to know that. */
static bool take_results(struct core *core, struct core_dependency *dependency)
{
    bool all = references_take(core, dependency);
    if (!all && is_n_to_n(dependency))
        look_later(core, dependency->job, LOOK_ALL); /* looked at again when they all have theirs */
    return all;
}

static void dependency_met(struct core *core, struct core_dependency *dependency)
{
    struct core_job *job = dependency->job;
    if (dependency->outcome == DEPENDENCY_SATISFIED || !take_results(core, dependency))
        return;
    dependency->outcome = DEPENDENCY_SATISFIED;
    if (dependency->type != DEPENDENCY_N_TO_N)
        job->waiting_whole--;
    if (job->ended)
        return;
    job_changed(core, job, NS_PER_S);
    dependency->sequence = job->sequence;
    if (references_fail(core, job))
        return;
    references_size(core, job);
    if (job->ended)
        return;
    if (job->admitted || is_n_to_n(dependency))
        look_later(core, job, LOOK_ALL);
    if (!job->admitted)
        job_admit(core, job);
}

/* What keeps the job is another thing now. */
static void tell_dependant(struct core *core, struct core_job *job)
{
    job_changed(core, job, NS_PER_S);
    if (job->admitted && (job->verdict == VERDICT_DEPENDENCY || job->verdict == VERDICT_HELD))
        verdict_set(core, job, depend_verdict(job), NULL);
}

static void dependency_held(struct core *core, struct core_dependency *dependency)
{
    if (dependency->held || dependency->job->ended)
        return;
    dependency->held = true;
    tell_dependant(core, dependency->job);
}

/* The one that failed has been replaced, perhaps more than once. */
static void dependency_follows(struct core *core, struct core_dependency *dependency,
                               struct core_job *replacement)
{
    struct core_job *job = dependency->job;
    unlink_dependency(core, dependency);
    link_dependency(core, dependency, replacement->key);
    dependency->on = replacement;
    dependency->held = false;
    text_set(&dependency->uid, replacement->uid);
    text_set(&dependency->replacement, replacement->spec->meta.name);
    job_changed(core, job, 0);
    dependency->sequence = job->sequence;
    tell_dependant(core, job);
    look_later(core, replacement, LOOK_CYCLE);
    if (is_n_to_n(dependency))
        look_later(core, job, LOOK_ALL);
    dependency_look(core, dependency);
}

/* It failed. True: that is not its last word, or the dependant waits over it. */
static bool dependency_goes_on(struct core *core, struct core_dependency *dependency)
{
    if (dependency->type == DEPENDENCY_REPLACES || dependency->uid == NULL)
        return false;
    struct core_job *replacement = replace_find(core, dependency->uid);
    if (replacement != NULL && replace_can_follow(replacement))
        dependency_follows(core, dependency, replacement);
    else if (dependency->on != NULL && (dependency->hold || replacement != NULL))
        dependency_held(core, dependency);
    else
        return false;
    return true;
}

/* Everybody can read how it ended. N_TO_N is decided child by child, now. */
static void dependency_ended(struct core *core, struct core_dependency *dependency, bool succeeded,
                             const char *how)
{
    enum depend_state state = state_after(dependency->condition, succeeded);
    if (dependency->type == DEPENDENCY_REPLACES) {
        replace_refuse(core, dependency, how);
        return;
    }
    if (state == DEPEND_FAILS && dependency_goes_on(core, dependency))
        return;
    if (is_n_to_n(dependency) && dependency->on != NULL && state != DEPEND_MET) {
        if (!take_results(core, dependency))
            return;
        dependency->outcome = state == DEPEND_FAILS ? DEPENDENCY_FAILED : DEPENDENCY_SKIPPED;
        job_changed(core, dependency->job, 0);
        dependency->sequence = dependency->job->sequence;
        look_later(core, dependency->job, LOOK_ALL);
    } else if (state == DEPEND_MET) {
        dependency_met(core, dependency);
    } else if (state == DEPEND_FAILS) {
        dependency_fails(core, dependency, how);
    } else {
        dependency_skips(core, dependency, how);
    }
}

/* The job that a dependency names is there: what does that mean now? */
static void dependency_look(struct core *core, struct core_dependency *dependency)
{
    struct core_job *on = dependency->on;
    if (dependency->outcome != DEPENDENCY_WAITING || on == NULL)
        return;
    if (dependency->type == DEPENDENCY_REPLACES) {
        replace_look(core, dependency);
        return;
    }
    if (is_n_to_n(dependency) && (!dependency->job->sized || (!on->sized && !on->end_durable)))
        return; /* looked at again when both have their sizes */
    bool empty = !on->sized && on->phase == JOB_SUCCEEDED;
    bool pairs = !on->gang && !empty && (!on->sized || on->size == dependency->job->size);
    if (is_n_to_n(dependency) && !pairs) {
        AUTO_TEXT why = on->gang ? text_copy("is a multi-node job, expected an array for N_TO_N")
                                 : text_printf("has %u children, expected %u for N_TO_N",
                                               empty ? 0 : on->size, dependency->job->size);
        dependency->on = NULL;
        dependency_fails(core, dependency, why);
    } else if (on->end_durable) {
        bool succeeded = on->phase == JOB_SUCCEEDED;
        dependency_ended(core, dependency, succeeded,
                         succeeded ? "ended SUCCEEDED" : "ended FAILED");
    }
}

void depend_sized(struct core *core, struct core_job *job)
{
    depend_look_again(core, job);
    depend_job_ended(core, job); /* those who wait for its children compare their sizes */
}

void depend_look_again(struct core *core, struct core_job *job)
{
    for (size_t i = 0; i < job->dependency_count && !job->ended && !job->gone; i++)
        dependency_look(core, &job->dependencies[i]);
}

/* The next job that from waits for and that this walk has not come by, or target; NULL: none. */
static struct core_job *walk_step(struct core *core, struct core_job *from,
                                  const struct core_job *target)
{
    while (from->walk_next < from->dependency_count) {
        const struct core_dependency *dependency = &from->dependencies[from->walk_next++];
        struct core_job *on = dependency->on;
        if (on == NULL || on->ended || dependency->outcome != DEPENDENCY_WAITING)
            continue;
        if (on == target)
            return on;
        if (on->mark == core->walk)
            continue;
        on->mark = core->walk;
        on->walk_from = from;
        on->walk_next = 0;
        return on;
    }
    return NULL;
}

/* Walks from job along unmet dependencies until it comes back to it. Each job is marked once, and
 * the way back is kept in the jobs themselves: a cycle may be as long as users make it. The last
 * one before job again, or NULL: there is no cycle. */
static struct core_job *find_cycle(struct core *core, struct core_job *job)
{
    core->walk++;
    job->walk_from = NULL;
    job->walk_next = 0;
    struct core_job *at = job;
    while (at != NULL) {
        struct core_job *next = walk_step(core, at, job);
        if (next == job)
            return at;
        at = next != NULL ? next : at->walk_from;
    }
    return NULL;
}

/* "a -> b -> ... (1200 more) -> y -> a": both ends of a long one are enough to find it. */
static void print_cycle(struct core_job *job, struct core_job *last, struct str *out)
{
    enum { HEAD = 8, TAIL = 4 };
    size_t count = 0;
    struct core_job *before = NULL;
    for (struct core_job *at = last; at != NULL; count++) { /* turns the way round */
        struct core_job *from = at->walk_from;
        at->walk_from = before;
        before = at;
        at = from;
    }
    size_t i = 0;
    for (struct core_job *at = job; at != NULL; at = at->walk_from, i++) {
        if (i < HEAD || i + TAIL >= count)
            str_addf(out, "%s -> ", at->spec->meta.name);
        else if (i == HEAD)
            str_addf(out, "... (%zu more) -> ", count - HEAD - TAIL);
    }
    str_add(out, job->spec->meta.name);
}

/* Fails every job on the cycle that job closes. Specs are immutable, so a cycle can never resolve.
 */
static bool break_cycle(struct core *core, struct core_job *job)
{
    if (job->ended || job->gone)
        return false;
    struct core_job *last = find_cycle(core, job);
    if (last == NULL)
        return false;
    AUTO_STR path = STR_EMPTY;
    print_cycle(job, last, &path);
    AUTO_TEXT words = text_printf(
        "dependency cycle: %s; delete one of these jobs and submit it without the dependency",
        str_text(&path));
    /* Those who wait for a success fail with the one they wait for, and say so; the others would
     * take its failure for their turn. */
    for (struct core_job *at = job; at != NULL; at = at->walk_from) {
        const struct core_dependency *dependency = &at->dependencies[at->walk_next - 1];
        if (at == job || dependency->condition != DEPEND_ON_SUCCESS)
            job_fail_waiting(core, at, "DependencyCycle", words);
    }
    return true;
}

static const char *deleted_words(const struct core_dependency *dependency)
{
    if (dependency->type == DEPENDENCY_REPLACES)
        return "was deleted before this job could take its place";
    if (dependency->on != NULL && dependency->on->phase == JOB_SUCCEEDED)
        return "was deleted before it was known what this job uses of it";
    return dependency->held ? "failed and was deleted before another job replaced it"
                            : "was deleted before it ended";
}

void depend_start(struct core *core, struct core_job *job)
{
    for (size_t i = 0; i < job->dependency_count; i++) {
        struct core_dependency *dependency = &job->dependencies[i];
        if (dependency->name == NULL || job->ended || dependency->outcome != DEPENDENCY_WAITING)
            continue;
        AUTO_TEXT key = name_key(job->spec->meta.namespace_, name_now(dependency));
        link_dependency(core, dependency, key);
        struct core_job *on = map_get(core->jobs_by_name, key);
        if (dependency->uid != NULL && (on == NULL || strcmp(on->uid, dependency->uid) != 0))
            on = NULL; /* the one it waited for is gone; another of the same name does not count */
        dependency->on = on;
        if (on != NULL)
            text_set(&dependency->uid, on->uid);
    }
    /* Those who waited for this name. */
    struct dependants *list = dependants_of(core, job->key, false);
    for (struct core_dependency *d = list != NULL ? list->first : NULL; d != NULL; d = d->next) {
        if (d->on == NULL && d->outcome == DEPENDENCY_WAITING &&
            (d->uid == NULL || strcmp(d->uid, job->uid) == 0)) {
            d->on = job;
            text_set(&d->uid, job->uid);
            job_changed(core, d->job, NS_PER_S);
        }
    }
    /* Whom nobody waits for closes no cycle. */
    if (!job->ended && list != NULL && break_cycle(core, job))
        return;
    for (size_t i = 0; i < job->dependency_count && !job->ended; i++) {
        struct core_dependency *dependency = &job->dependencies[i];
        if (dependency->name == NULL || dependency->outcome != DEPENDENCY_WAITING)
            continue;
        if (dependency->on == NULL && dependency->uid != NULL)
            dependency_ended(core, dependency, false, deleted_words(dependency));
        else
            dependency_look(core, dependency);
    }
}

void depend_stop(struct core *core, struct core_job *job)
{
    for (size_t i = 0; i < job->dependency_count; i++)
        unlink_dependency(core, &job->dependencies[i]);
}

/* A dependant that fails stays in the list until its job is gone, so the walk is safe. */
static void depend_job_ended(struct core *core, struct core_job *job)
{
    struct dependants *list = dependants_of(core, job->key, false);
    struct core_dependency *next;
    for (struct core_dependency *d = list != NULL ? list->first : NULL; d != NULL; d = next) {
        next = d->next;
        if (d->on == job)
            dependency_look(core, d);
    }
}

void depend_child_ended(struct core *core, struct core_job *job, uint32_t index)
{
    if (job->sequential && index + 1 < job->size && job->children != NULL)
        look_later(core, job, index + 1);
    struct dependants *list = dependants_of(core, job->key, false);
    for (struct core_dependency *d = list != NULL ? list->first : NULL; d != NULL; d = d->next) {
        if (d->on == job && is_n_to_n(d) && d->job->size == job->size && d->job->sized &&
            job->sized)
            look_later(core, d->job, index);
    }
}

void depend_decided(struct core *core, const struct core_job *job)
{
    const struct dependants *list = dependants_of(core, job->key, false);
    for (const struct core_dependency *d = list != NULL ? list->first : NULL; d != NULL;
         d = d->next) {
        if (d->on == job && is_n_to_n(d))
            look_later(core, d->job, LOOK_ALL);
    }
}

/* Nothing will replace it any more: children whose own ones succeeded run, the others fail. */
static void held_on_gone(struct core *core, struct core_dependency *dependency)
{
    struct core_job *job = dependency->job;
    dependency->hold = dependency->held = false;
    dependency->outcome = DEPENDENCY_FAILED;
    job_changed(core, job, 0);
    dependency->sequence = job->sequence;
    children_look(core, job, LOOK_ALL);
}

void depend_job_gone(struct core *core, struct core_job *job)
{
    struct dependants *list = dependants_of(core, job->key, false);
    struct core_dependency *next;
    for (struct core_dependency *d = list != NULL ? list->first : NULL; d != NULL; d = next) {
        next = d->next;
        if (d->on != job)
            continue;
        bool by_pairs = d->held && is_n_to_n(d) && replace_find(core, job->uid) == NULL;
        if (by_pairs)
            held_on_gone(core, d);
        const char *words = deleted_words(d);
        /* It may only have been kept because nobody knows yet what is used of it. */
        bool succeeded = job->end_durable && job->phase == JOB_SUCCEEDED && !is_n_to_n(d);
        d->on = NULL;
        if (d->outcome == DEPENDENCY_WAITING)
            dependency_ended(core, d, succeeded, words);
    }
}

/* An N_TO_N that failed is decided for every child at once, but only where there are children to
 * decide about: a job that is not admitted yet must look at it later. */
const struct core_job *depend_kept_for(struct core *core, const struct core_job *job)
{
    const struct dependants *list = dependants_of(core, job->key, false);
    for (const struct core_dependency *d = list != NULL ? list->first : NULL; d != NULL;
         d = d->next) {
        if (d->on != job || d->job->end_durable || d->job->gone)
            continue;
        if (d->outcome == DEPENDENCY_WAITING || d->sequence > d->job->written_sequence)
            return d->job;
        if (is_n_to_n(d) && d->outcome != DEPENDENCY_SATISFIED && !d->job->admitted)
            return d->job;
    }
    return NULL;
}

static enum job_phase phase_now(const struct core_job *job)
{
    bool whole = job->ended || job->array || job->gang || job->children == NULL;
    return whole ? job->phase : (enum job_phase)job->children[0].phase;
}

bool depend_is_held(const struct core_dependency *dependency)
{
    return dependency->hold && dependency->held && dependency->outcome == DEPENDENCY_WAITING;
}

enum verdict depend_verdict(const struct core_job *job)
{
    for (size_t i = 0; i < job->dependency_count; i++) {
        if (depend_is_held(&job->dependencies[i]))
            return VERDICT_HELD;
    }
    return VERDICT_DEPENDENCY;
}

void depend_print_held(const struct core_job *job, struct str *out)
{
    const struct core_dependency *first = NULL;
    size_t more = 0;
    for (size_t i = 0; i < job->dependency_count; i++) {
        const struct core_dependency *d = &job->dependencies[i];
        if (!depend_is_held(d))
            continue;
        more += first != NULL;
        first = first != NULL ? first : d;
    }
    if (first == NULL)
        return;
    str_addf(out, "dependency %s failed", name_now(first));
    if (first->replacement != NULL)
        str_addf(out, " (it had replaced %s)", first->name);
    if (more > 0)
        str_addf(out, ", and %zu more", more);
    str_addf(out, ": submit a job with spec.replaces.jobName: %s to go on, or cancel this one",
             name_now(first));
}

static void print_dependency(const struct core_dependency *d, struct str *out)
{
    str_addf(out, "%s (%s%s)", name_now(d),
             d->on == NULL ? "does not exist yet" : job_phase_name(phase_now(d->on)),
             d->type == DEPENDENCY_REPLACES ? "; to be replaced once it has FAILED" : "");
}

void depend_print(struct core *core, const struct core_job *job, struct str *out)
{
    UNUSED(core);
    size_t told = 0;
    size_t left = 0;
    for (size_t i = 0; i < job->dependency_count; i++) {
        const struct core_dependency *d = &job->dependencies[i];
        bool over = is_n_to_n(d) && d->on != NULL && d->on->end_durable && inputs_wait(job);
        if (d->name == NULL || d->outcome != DEPENDENCY_WAITING || over)
            continue;
        if (told >= 3) {
            left++;
            continue;
        }
        str_add(out, told > 0 ? ", " : "");
        print_dependency(d, out);
        told++;
    }
    if (left > 0)
        str_addf(out, " and %zu more", left);
    if (told == 0 && job->taking)
        str_add(out, "its status to be written");
    else if (told == 0 && !references_ready(job))
        str_add(out, "the results that it uses to be recorded");
    else if (told == 0 && inputs_wait(job))
        inputs_print(job, out);
    else if (told == 0 && job->sequential)
        str_add(out, "the child before (SEQUENTIAL)");
}
