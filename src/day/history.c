/* SPDX-License-Identifier: Apache-2.0 */
/* history.c - what came of a recorded day, measured as a day's own world is
 *
 * By the log's own times: a pod starts when the process heard of it, a machine is paid from the
 * answer to its launch until it is told to go or is no longer listed. */
#include "recorded.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_MAX = 160, LISTS_WITHOUT = 2 };

static void asked_key(char key[KEY_MAX], uint64_t id)
{
    AUTO_TEXT text = text_printf("%" PRIu64, id);
    memcpy(key, text, strlen(text) + 1);
}

/* ------------------------------------------------------------------------------- jobs */

void history_arrival(struct recorded *recorded, struct recorded_job *job)
{
    struct day *day = recorded->history;
    const struct batch_job *spec = job->spec;
    job->measured = mem_new(sizeof(*job->measured));
    job->measured->uid = text_copy(spec->meta.uid);
    job->measured->class_ = job->class_;
    job->measured->arrived_ns = day->now_ns = job->at_ns;
    map_put(day->jobs, job->measured->uid, job->measured);
    measure_arrival(day, job->measured,
                    spec->array_size.set ? spec->array_size.value
                    : spec->has_nodes    ? spec->nodes.num_nodes
                                         : 1);
}

/* How the attempt ended, for another day. What a machine that went took with it has no end. */
static void note_work(struct recorded *recorded, const struct recorded_pod *seen,
                      const struct pod *pod, int64_t now_ns)
{
    if (pod->disruption != NULL || (pod->phase == POD_FAILED && pod->exit_count == 0))
        return;
    struct recorded_job *job = seen->job;
    struct recorded_work *work = mem_new(sizeof(*work));
    int64_t by_clock = now_ns - seen->started_ns;
    work->work.duration_ns =
        by_clock > 0 ? by_clock : pod->finished_ns - pod->started_ns; /* told at one go */
    for (size_t i = 0; i < pod->exit_count && work->work.exit_code == 0; i++)
        work->work.exit_code = pod->exits[i].exit_code;
    if (work->work.exit_code == 0 && pod->phase == POD_FAILED)
        work->work.exit_code = 1;
    double seconds = (double)work->work.duration_ns / (double)NS_PER_S;
    job->ended++;
    job->ended_s += seconds;
    recorded->class_ended[job->class_]++;
    recorded->class_ended_s[job->class_] += seconds;
    AUTO_TEXT key = text_printf("%s/%u/%u", job->measured->uid, pod->index, pod->attempt);
    free(map_put(recorded->works, key, work));
}

static struct recorded_pod *pod_of(struct recorded *recorded, const struct pod *pod)
{
    struct recorded_pod *seen = map_get(recorded->pods, pod->meta.uid);
    struct recorded_job *job = map_get(recorded->jobs_by_uid, pod->job_uid);
    if (seen != NULL || job == NULL)
        return seen;
    seen = mem_new(sizeof(*seen));
    seen->job = job;
    seen->attempt = pod->attempt;
    seen->pod.job = job->measured;
    seen->pod.index = pod->index;
    seen->pod.requests.cpu_milli = pod->requests.cpu_milli;
    seen->pod.group = group_of(recorded->history, pod->environment != NULL ? pod->environment : "");
    map_put(recorded->pods, pod->meta.uid, seen);
    return seen;
}

void history_pod(struct recorded *recorded, const struct pod *pod, int64_t now_ns)
{
    struct day *day = recorded->history;
    if (pod->job_uid == NULL || pod->meta.uid == NULL)
        return;
    struct recorded_pod *seen = pod_of(recorded, pod);
    if (seen == NULL || seen->ended)
        return;
    day->now_ns = now_ns;
    if (pod->containers_started && seen->started_ns == 0) {
        seen->started_ns = now_ns;
        measure_start(day, &seen->pod);
    }
    if (pod->phase != POD_SUCCEEDED && pod->phase != POD_FAILED)
        return;
    seen->ended = true;
    if (seen->started_ns == 0)
        return;
    measure_end(day, &seen->pod);
    note_work(recorded, seen, pod, now_ns);
}

void history_pod_gone(struct recorded *recorded, const char *uid, int64_t now_ns)
{
    struct recorded_pod *seen = uid != NULL ? map_remove(recorded->pods, uid) : NULL;
    if (seen == NULL)
        return;
    recorded->history->now_ns = now_ns;
    if (seen->started_ns != 0 && !seen->ended)
        measure_end(recorded->history, &seen->pod);
    free(seen);
}

/* --------------------------------------------------------------------------- machines */

static const struct instance_type *type_named(const struct group *group, const char *name)
{
    for (size_t i = 0; group->spec != NULL && i < group->spec->catalog_count; i++) {
        if (text_eq(group->spec->catalog[i].name, name))
            return &group->spec->catalog[i];
    }
    return NULL;
}

static struct machine **machine_named(struct group *group, const char *id)
{
    struct machine **link = &group->machines;
    while (*link != NULL && strcmp((*link)->id, id) != 0)
        link = &(*link)->next;
    return link;
}

static void machine_gone(struct recorded *recorded, struct machine **link, bool reclaimed)
{
    struct machine *machine = *link;
    *link = machine->next;
    measure_gone(recorded->history, machine, reclaimed);
    free(machine->id);
    free(machine->uid);
    free(machine);
}

/* pod_count counts the lists in a row without it. */
static void machine_seen(struct recorded *recorded, struct group *group,
                         const struct instance *told)
{
    const struct instance_type *type = type_named(group, told->type);
    struct machine **link = machine_named(group, told->id);
    if (*link != NULL) {
        (*link)->pod_count = -1;
        return;
    }
    if (type == NULL || told->state > INSTANCE_RUNNING)
        return;
    struct machine *machine = mem_new(sizeof(*machine));
    *machine = (struct machine){.group = group,
                                .type = type,
                                .id = text_copy(told->id),
                                .launched_ns = recorded->history->now_ns,
                                .pod_count = -1};
    *link = machine;
    measure_launch(recorded->history, machine);
}

static void list_seen(struct recorded *recorded, struct group *group)
{
    for (struct machine **link = &group->machines; *link != NULL;) {
        if (++(*link)->pod_count >= LISTS_WITHOUT)
            machine_gone(recorded, link, true);
        else
            link = &(*link)->next;
    }
}

static void types_seen(struct recorded *recorded, struct group *group, const struct done *done)
{
    if (group->spec == NULL || group->spec->catalog_count > 0 || done->type_count == 0)
        return;
    struct compute_environment lender = *group->spec; /* copies what it lends */
    lender.catalog = (struct instance_type *)(uintptr_t)done->types;
    lender.catalog_count = done->type_count;
    UNUSED(recorded);
    group_spec(group, environment_copy(&lender));
}

void history_done(struct recorded *recorded, const struct done *done, int64_t now_ns)
{
    char key[KEY_MAX];
    asked_key(key, done->action_id);
    struct asked *asked = map_remove(recorded->asked, key);
    if (asked == NULL)
        return;
    recorded->history->now_ns = now_ns;
    struct group *group = group_of(recorded->history, asked->environment);
    types_seen(recorded, group, done);
    for (size_t i = 0; done->instances != NULL && i < done->instances->count; i++)
        machine_seen(recorded, group, &done->instances->items[i]);
    if (done->instances != NULL && asked->lists && done->provider == PROVIDER_OK)
        list_seen(recorded, group);
    free(asked->environment);
    free(asked);
}

/* When its Node is Ready for the first time: how long it took to boot. */
void history_node(struct recorded *recorded, const struct node *node, int64_t now_ns)
{
    const char *environment = key_values_get(&node->labels, LABEL_ENVIRONMENT);
    const char *id = key_values_get(&node->labels, LABEL_INSTANCE_ID);
    if (environment == NULL || id == NULL || !node->ready)
        return;
    struct machine *machine = *machine_named(group_of(recorded->history, environment), id);
    if (machine == NULL || machine->uid != NULL)
        return;
    machine->uid = text_copy(node->meta.uid);
    AUTO_TEXT key = text_printf("%s/%s", environment, machine->type->name);
    struct recorded_boots *boots = map_get(recorded->boots, key);
    if (boots == NULL) {
        boots = mem_new(sizeof(*boots));
        map_put(recorded->boots, key, boots);
    }
    boots->count++;
    boots->sum_ns += now_ns - machine->launched_ns;
}

/* ------------------------------------------------------------------------------ plans */

static void ask(struct recorded *recorded, const struct action *action)
{
    char key[KEY_MAX];
    asked_key(key, action->id);
    struct asked *asked = mem_new(sizeof(*asked));
    asked->environment = text_copy(action->environment);
    asked->lists = action->kind == ACTION_PROVIDER_OBSERVE;
    map_put(recorded->asked, key, asked);
}

static void terminated(struct recorded *recorded, const struct action *action)
{
    struct group *group = group_of(recorded->history, action->environment);
    for (size_t i = 0; i < action->id_count; i++) {
        struct machine **link = machine_named(group, action->ids[i]);
        if (*link != NULL)
            machine_gone(recorded, link, false);
    }
}

void history_plan(struct recorded *recorded, int64_t now_ns, const struct plan *plan)
{
    recorded->history->now_ns = now_ns;
    for (size_t i = 0; i < plan->action_count; i++) {
        const struct action *action = &plan->actions[i];
        struct recorded_job *job;
        switch (action->kind) {
        case ACTION_PROVIDER_TYPES:
        case ACTION_PROVIDER_OBSERVE:
        case ACTION_PROVIDER_LAUNCH:
            ask(recorded, action);
            break;
        case ACTION_PROVIDER_TERMINATE:
            terminated(recorded, action);
            break;
        case ACTION_JOB_STATUS:
            job = map_get(recorded->jobs_by_uid, action->job->meta.uid);
            if (job != NULL && !job->measured->over && action->status->phase >= JOB_SUCCEEDED)
                measure_job_over(recorded->history, job->measured, action->status);
            break;
        default:
            break;
        }
    }
}

void history_free(struct recorded *recorded)
{
    size_t at = 0;
    struct recorded_pod *pod;
    while ((pod = map_next(recorded->pods, &at, NULL)) != NULL)
        free(pod);
    map_free(recorded->pods);
    at = 0;
    struct asked *asked;
    while ((asked = map_next(recorded->asked, &at, NULL)) != NULL) {
        free(asked->environment);
        free(asked);
    }
    map_free(recorded->asked);
}
