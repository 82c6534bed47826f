/* SPDX-License-Identifier: Apache-2.0 */
/* results.c - what jobs leave must be in their status, word for word
 *
 * The truth is what the kubelet has reported of the pod that succeeded. */
#include "sim/world.h"

#include "bulkhead/base/str.h"

#include <stdio.h>
#include <string.h>

/* Of the pod that succeeded; NULL: it left none, or there is no such pod. */
static const char *result_of(const struct sim_job *job, uint32_t index)
{
    const struct sim_pod *pod = job->truth->children[index].last;
    while (pod != NULL && pod->phase != POD_SUCCEEDED)
        pod = pod->body->sibling;
    return pod != NULL ? pod->result : NULL;
}

/* Of a child that has succeeded, here or in the job whose place this one took. */
static const char *result_told(const struct world *world, const struct sim_job *job,
                               const struct stored_status *status, uint32_t index)
{
    const struct sim_pod *pod = job->truth->children[index].last;
    const struct dependency_record *record = &status->status.replaces.job;
    const struct truth *replaced = pod == NULL && record->outcome == DEPENDENCY_SATISFIED
                                       ? truth_of(world, record->uid)
                                       : NULL;
    bool ended = job->truth->children[index].skipped ||
                 (status->children != NULL && status->children[index].outcome == CHILD_FAILED);
    if (replaced == NULL || index >= replaced->child_count || replaced->job->status == NULL ||
        ended) /* by its own dependencies, before it took what had succeeded there */
        return result_of(job, index);
    return result_told(world, replaced->job, replaced->job->status, index);
}

/* The same for who follows the job: with what it has taken over. */
static const char *result_for(const struct world *world, const struct sim_job *job, uint32_t index)
{
    return job->status != NULL ? result_told(world, job, job->status, index)
                               : result_of(job, index);
}

/* From after one text to the next, and what is to be kept of that; false: they are not there. */
static bool between(const char *text, const char *from, const char *to, int keep, char value[64])
{
    const char *first = strstr(text, from);
    const char *end = first != NULL ? strstr(first + strlen(from), to) : NULL;
    if (end == NULL)
        return false;
    first += strlen(from);
    snprintf(value, 64, "%.*s", (int)(end - first) + keep, first);
    return true;
}

/* What the path finds in a result as truth_result makes them. */
static bool value_of(const char *result, const char *path, char value[64])
{
    if (result == NULL)
        return false;
    if (path[0] == '\0')
        snprintf(value, 64, "%s", result);
    return path[0] == '\0' ||
           (strcmp(path, "count") == 0 && between(result, "{\"count\":", ",", 0, value)) ||
           (strcmp(path, "of") == 0 && between(result, "\"of\":", "}}", 1, value)) ||
           (strcmp(path, "of.job") == 0 && between(result, "\"job\":\"", "\"", 0, value));
}

static bool is_array(const struct sim_job *job)
{
    return job->size > 0 && !job->gang;
}

static bool is_used(const struct world *world, const struct sim_job *job, const struct sim_job *on)
{
    return stands_for(world, on, job, job->dependencies[0].name, 0);
}

/* Does each child use what its own one has left? */
static bool uses_own(const struct sim_job *job)
{
    return job->uses != NULL && job->dependencies[0].type == DEPENDENCY_N_TO_N;
}

/* Which child of the job leaves what this child uses; UINT32_MAX: none. */
static uint32_t left_by(const struct sim_job *job, uint32_t index, const struct sim_job *on)
{
    if (!uses_own(job))
        return is_array(on) ? UINT32_MAX : on->main_node;
    if (job->size == 1 && on->size == 0 && !on->computed)
        return 0; /* a single job is the only child of an array of one */
    return is_array(on) && on->size == job->size ? index : UINT32_MAX;
}

bool may_be_unusable(const struct world *world, const struct sim_job *job, uint32_t index)
{
    char value[64];
    for (const struct truth *other = world->truths; job->uses != NULL && other != NULL;
         other = other->next) {
        const struct sim_job *on = other->job;
        uint32_t by = left_by(job, index, on);
        if (is_used(world, job, on) &&
            (on->object.gone || on->object.deleted_ns != 0 || by == UINT32_MAX || on->computed ||
             !value_of(result_for(world, on, by), job->uses, value) ||
             (job->computed && strspn(value, "0123456789") != strlen(value))))
            return true;
    }
    return false;
}

/* Is that the number which one of the jobs of that name has left? */
static bool may_have_size(const struct world *world, const struct sim_job *job, uint32_t size)
{
    char value[64], wanted[16];
    snprintf(wanted, sizeof(wanted), "%u", size);
    for (const struct truth *other = world->truths; job->computed && other != NULL;
         other = other->next) {
        const struct sim_job *on = other->job;
        if (is_used(world, job, on) && !is_array(on) &&
            value_of(result_for(world, on, on->main_node), job->uses, value) &&
            name_eq(value, wanted))
            return true;
    }
    return false;
}

bool may_be_empty(const struct world *world, const struct sim_job *job)
{
    return job->size == 0 && may_have_size(world, job, 0);
}

/* The first status with a size is what the size is from then on. */
void oracle_sized(struct world *world, struct sim_job *job, const struct stored_status *status)
{
    uint32_t size = status->status.array.size;
    if (!job->computed || size == job->size)
        return;
    if (job->size != 0 || size > RESULT_COUNT_MAX || !may_have_size(world, job, size)) {
        violation(world, "size", "%s of size %u is told to have %u children", job->object.name,
                  job->size, size);
        return;
    }
    world->counters.sized++;
    job->size = job->truth->child_count = size;
}

/* What is recorded for the child; false: nothing is. */
static bool recorded(const struct stored_status *stored, uint32_t index, char value[64])
{
    char from[16];
    snprintf(from, sizeof(from), "\n%u\t", index);
    return stored->inputs_text != NULL && between(stored->inputs_text, from, "\n", 0, value);
}

/* By now the child may have been stopped, and what it used be forgotten. */
static void check_recorded(struct world *world, const struct sim_job *job,
                           const struct sim_pod *pod)
{
    char value[64];
    const struct stored_status *stored = job->status;
    const struct sim_array_state *state =
        store_find(world, KIND_ARRAY_STATE, job->object.namespace_, job->object.name);
    if (uses_own(job) && state != NULL && name_eq(state->job_uid, job->object.uid) &&
        (stored == NULL || stored->elsewhere))
        stored = state->status; /* written first, and read first after a restart */
    if (uses_own(job) && stored != NULL && stored->children != NULL &&
        stored->children[pod->index].outcome != CHILD_WAITING)
        return;
    if (uses_own(job) && stored != NULL && recorded(stored, pod->index, value)) {
        world->counters.given_own++;
    } else if (!uses_own(job) && stored != NULL && stored->status.references.count == 1) {
        snprintf(value, sizeof(value), "%s", stored->status.references.items[0].value);
    } else {
        violation(world, "results", "%s is created before what it uses is recorded",
                  pod->object.name);
        return;
    }
    if (!name_eq(pod->arg, value))
        violation(world, "results", "%s is given %s, and %s is recorded", pod->object.name,
                  pod->arg, value);
}

/* Exactly what was recorded, and that is what one of the jobs of that name has left. */
void oracle_given(struct world *world, const struct sim_job *job, const struct sim_pod *pod,
                  uint32_t array_size)
{
    if (job->uses == NULL || job->object.gone)
        return;
    if (job->computed && (job->size == 0 || array_size != job->size || pod->index >= job->size))
        violation(world, "size", "%s is created for an array of %u, whose size is %u",
                  pod->object.name, array_size, job->size);
    check_recorded(world, job, pod);
    world->counters.given++;
    for (const struct truth *other = world->truths; other != NULL; other = other->next) {
        char value[64];
        const struct sim_job *on = other->job;
        uint32_t by = left_by(job, pod->index, on);
        if (is_used(world, job, on) && by != UINT32_MAX &&
            value_of(result_for(world, on, by), job->uses, value) && name_eq(value, pod->arg))
            return;
    }
    violation(world, "results", "%s is given %s, which nobody has left", pod->object.name,
              pod->arg);
}

static bool tells_result(const struct stored_status *status, uint32_t index)
{
    AUTO_TEXT first = text_printf("%u ", index);
    AUTO_TEXT later = text_printf("\n%u ", index);
    const char *text = status->results_text != NULL ? status->results_text : "";
    return strncmp(text, first, strlen(first)) == 0 || strstr(text, later) != NULL;
}

/* Skipped, and its job has taken another's place, where it may have left something: when both are
 * told at once, what is told says which was first. From then on it stays as it was told. */
static bool is_skipped_first(const struct world *world, const struct sim_job *job,
                             const struct stored_status *status, uint32_t index)
{
    const struct stored_status *old = job->status;
    bool new_ =
        old == NULL || old->children == NULL || old->children[index].outcome != CHILD_SUCCEEDED;
    return new_ && status->children[index].outcome == CHILD_SUCCEEDED &&
           job->truth->children[index].last == NULL && may_be_skipped(world, job, index, 0) &&
           !tells_result(status, index);
}

void results_stored(struct world *world, const struct sim_job *job,
                    const struct stored_status *status)
{
    for (uint32_t i = 0; status->children != NULL && i < job->size; i++)
        if (is_skipped_first(world, job, status, i))
            job->truth->children[i].skipped = true;
}

void oracle_results(struct world *world, const struct sim_job *job,
                    const struct stored_status *status)
{
    const char *left = status->status.result;
    if (job->invalid != NULL)
        return;
    if (status->children == NULL || job->gang) { /* of a multi-node job the main node's counts */
        bool succeeded = job->gang && status->children != NULL
                             ? status->children[job->main_node].outcome == CHILD_SUCCEEDED
                             : job->size == 0 && status->status.phase == JOB_SUCCEEDED;
        const char *truth = succeeded ? result_of(job, job->main_node) : NULL;
        if (!name_eq(left, truth))
            violation(world, "results", "%s is told to have left %s, and left %s", job->object.name,
                      left != NULL ? left : "nothing", truth != NULL ? truth : "nothing");
        return;
    }
    AUTO_STR lines = STR_EMPTY; /* as api/result.h has it; nothing here needs a backslash */
    for (uint32_t i = 0; i < job->size; i++) {
        bool may_have_left = status->children[i].outcome == CHILD_SUCCEEDED &&
                             !is_skipped_first(world, job, status, i);
        const char *truth = may_have_left ? result_told(world, job, status, i) : NULL;
        if (truth != NULL)
            str_addf(&lines, "%u %s\n", i, truth);
    }
    if (strcmp(status->results_text != NULL ? status->results_text : "", str_text(&lines)) != 0)
        violation(world, "results", "children of %s are told to have left\n%s, and left\n%s",
                  job->object.name, status->results_text != NULL ? status->results_text : "",
                  str_text(&lines));
}
