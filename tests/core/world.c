/* SPDX-License-Identifier: Apache-2.0 */
/* world.c - the script and the clock
 *
 * Between two "at" lines the core is asked for plans until it has nothing to do, then time goes to
 * the next moment at which it, a container or a machine has something due. */
#include "core/world_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void sync_core(struct world *world)
{
    for (const struct thing *thing = world->things; thing != NULL; thing = thing->next)
        thing_show(world, thing);
    for (struct world_pod *pod = world->pods; pod != NULL; pod = pod->next)
        pod->dirty = true;
    pods_show(world);
    struct event synced = {.kind = EVENT_SYNCED, .now_ns = world->now_ns};
    core_apply(world->core, &synced);
    world->synced = true;
}

static struct core *make_core(unsigned show)
{
    const struct core_options options = {.tells_max = (show & SHOW_TELLS) != 0 ? 2 : 0};
    return core_new(&options);
}

static void restart(struct world *world)
{
    answers_drop(world);
    core_free(world->core);
    world->core = make_core(world->show);
    world->synced = false;
    sync_core(world);
}

struct world *world_new(unsigned show)
{
    struct world *world = mem_new(sizeof(*world));
    world->show = show;
    world->now_ns = WORLD_EPOCH_NS;
    world->version = 100;
    world->core = make_core(show);
    world->arena = arena_new(0);
    world->log = world->plans = STR_EMPTY;
    return world;
}

struct world *world_free(struct world *world)
{
    if (world == NULL)
        return NULL;
    server_free(world);
    core_free(world->core);
    free(world->kept);
    arena_free(world->arena);
    str_done(&world->log);
    str_done(&world->plans);
    free(world);
    return NULL;
}

void world_restart_at(struct world *world, size_t plan, enum world_cut cut)
{
    world->restart_at = plan;
    world->cut = cut;
}

const char *world_log(const struct world *world)
{
    return str_text(&world->log);
}

const char *world_plans(const struct world *world)
{
    return str_text(&world->plans);
}

size_t world_plan_count(const struct world *world)
{
    return world->plan_count;
}

struct core *world_core(struct world *world)
{
    return world->core;
}

/* ------------------------------------------------------------------------- time */

static bool plan_once(struct world *world, int64_t *ret_wake_ns)
{
    struct plan plan;
    arena_reset(world->arena);
    core_plan(world->core, world->now_ns, world->arena, &plan);
    *ret_wake_ns = plan.wake_ns;
    if (plan.action_count == 0)
        return false;
    world->plan_count++;
    plan_print(&plan, &world->plans);
    bool dies = world->cut != CUT_NONE && world->plan_count == world->restart_at;
    size_t count = !dies                              ? plan.action_count
                   : world->cut == CUT_BEFORE_ACTIONS ? 0
                   : world->cut == CUT_HALF_WAY       ? (plan.action_count + 1) / 2
                                                      : plan.action_count;
    for (size_t i = 0; i < count; i++) {
        log_action(world, &plan.actions[i]);
        act(world, &plan.actions[i]);
    }
    if (dies)
        restart(world);
    else
        answers_deliver(world);
    return true;
}

/* Until there is nothing to do now; when there will be. */
static int64_t settle(struct world *world)
{
    int64_t wake_ns = INT64_MAX;
    if (!world->synced)
        sync_core(world);
    for (size_t i = 0; plan_once(world, &wake_ns) || wake_ns <= world->now_ns; i++) {
        if (i > 1000) {
            log_line(world, "RESTLESS: 1000 plans at one moment");
            break;
        }
    }
    log_breaches(world);
    return wake_ns;
}

static int64_t world_due(const struct world *world)
{
    int64_t due = INT64_MAX;
    for (const struct world_pod *pod = world->pods; pod != NULL; pod = pod->next) {
        if (pod->end_due_ns != 0 && pod->end_due_ns < due)
            due = pod->end_due_ns;
    }
    for (const struct machine *m = world->machines; m != NULL; m = m->next) {
        if (m->state == INSTANCE_PENDING && m->boot_due_ns < due)
            due = m->boot_due_ns;
    }
    return due;
}

static void world_happens(struct world *world)
{
    for (struct world_pod *pod = world->pods; pod != NULL; pod = pod->next) {
        if (pod->end_due_ns == 0 || pod->end_due_ns > world->now_ns)
            continue;
        if (pod->lost) {
            text_set(&pod->disruption, "DeletionByPodGC");
            pod->disrupted_ns = world->now_ns;
            pod->deleted_ns = pod->deleted_ns != 0 ? pod->deleted_ns : world->now_ns;
        }
        pod->exited = !pod->lost;
        pod_end(world, pod, pod->lost ? POD_FAILED : POD_SUCCEEDED);
    }
    pods_show(world);
    machines_boot(world);
}

static void go_to(struct world *world, int64_t to_ns)
{
    for (;;) {
        int64_t due = settle(world);
        int64_t own = world_due(world);
        if (own < due)
            due = own;
        if (due <= world->now_ns)
            due = world->now_ns + NS_PER_MS;
        if (due >= to_ns)
            break;
        world->now_ns = due;
        world_happens(world);
    }
    world->now_ns = to_ns;
    world_happens(world);
}

/* ----------------------------------------------------------------------- script */

static char *rest_of(const struct line *line, size_t first)
{
    AUTO_STR out = STR_EMPTY;
    for (size_t i = first; i < line->count; i++)
        str_addf(&out, "%s%s", i > first ? " " : "", line->words[i]);
    return str_take(&out);
}

static void take_answer(struct world *world, const struct line *line)
{
    size_t at = 1;
    bool always = strcmp(line->words[1], "always") == 0;
    at += always;
    struct canned *canned = mem_new(sizeof(*canned));
    canned->always = always;
    canned->action = text_copy(line->words[at]);
    canned->object = text_copy(line->words[at + 1]);
    canned->result = text_copy(line->words[at + 2]);
    canned->words = rest_of(line, at + 3);
    struct canned **link = &world->canned;
    if (strcmp(canned->result, "ok") != 0) {
        while (*link != NULL)
            link = &(*link)->next;
    } else { /* in front of the one that held always */
        for (struct canned *old = world->canned; old != NULL; old = old->next) {
            if (strcmp(old->action, canned->action) == 0 &&
                strcmp(old->object, canned->object) == 0)
                old->always = false, text_set(&old->result, "ok");
        }
    }
    canned->next = *link;
    *link = canned;
}

static bool pod_happens(struct world *world, const struct line *line)
{
    struct world_pod *pod = pod_named(world, line->words[1]);
    const char *what = line->count > 2 ? line->words[2] : "";
    const char *exit_ = line_get(line, "exit");
    if (pod == NULL)
        return false;
    text_set(&pod->also, line_get(line, "also"));
    if (strcmp(what, "running") == 0) {
        pod->phase = POD_RUNNING;
        pod->started_ns = world->now_ns;
        text_set(&pod->waiting, NULL);
        pod_touch(world, pod);
    } else if (strcmp(what, "ok") == 0) {
        if (pod->started_ns == 0)
            pod->started_ns = world->now_ns;
        pod->exited = true;
        text_set(&pod->result, line_get(line, "result"));
        pod_end(world, pod, POD_SUCCEEDED);
    } else if (strcmp(what, "failed") == 0) {
        if (pod->started_ns == 0)
            pod->started_ns = world->now_ns;
        pod->exited = true;
        pod->exit_code = exit_ != NULL ? (int32_t)strtol(exit_, NULL, 10) : 1;
        text_set(&pod->container_reason, line_get(line, "reason"));
        text_set(&pod->message, line_get(line, "message"));
        pod_end(world, pod, POD_FAILED);
    } else if (strcmp(what, "stopped") == 0) { /* before a container of it ran */
        pod_end(world, pod, POD_FAILED);
    } else if (strcmp(what, "refused") == 0) {
        text_set(&pod->reason, line->words[3]);
        pod_end(world, pod, POD_FAILED);
    } else if (strcmp(what, "evicted") == 0) {
        bool own = line->count > 3; /* with words: for what it did itself */
        text_set(&pod->disruption, own ? NULL : "TerminationByKubelet");
        pod->disrupted_ns = world->now_ns;
        text_set(&pod->reason, "Evicted");
        text_set(&pod->reason_words, own ? line->words[3] : NULL);
        pod_end(world, pod, POD_FAILED);
    } else if (strcmp(what, "unknown") == 0) {
        text_set(&pod->container_reason, "ContainerStatusUnknown");
        pod->exit_code = 137;
        pod->exited = true;
        pod_end(world, pod, POD_FAILED);
    } else if (strcmp(what, "deadline") == 0) {
        pod->deadline = true;
        text_set(&pod->reason, "DeadlineExceeded");
        pod_end(world, pod, POD_FAILED);
    } else if (strcmp(what, "waiting") == 0) {
        text_set(&pod->waiting, line->words[3]);
        text_set(&pod->waiting_words, line_get(line, "words"));
        pod->init_started = pod->init_started || line_has(line, "init");
        pod_touch(world, pod);
    } else if (strcmp(what, "bound") == 0) {
        text_set(&pod->node, line->words[3]);
        pod->bound_ns = world->now_ns;
        text_set(&pod->waiting, NULL);
        text_set(&pod->waiting_words, NULL);
        pod_touch(world, pod);
    } else if (strcmp(what, "deleting") == 0) {
        const char *ago = line_get(line, "ago"); /* seconds: the watch of pods is behind */
        pod->deleted_ns = world->now_ns - (ago != NULL ? strtoll(ago, NULL, 10) : 0) * NS_PER_S;
        pod_touch(world, pod);
    } else if (strcmp(what, "gone") == 0) {
        pod_vanish(world, pod);
    } else {
        return false;
    }
    pods_show(world);
    return true;
}

static struct thing *thing_just_gone(const struct world *world, const char *kind, const char *name)
{
    struct thing *gone = world->gone;
    return gone != NULL && strcmp(gone->kind, kind) == 0 && strcmp(gone->name, name) == 0 ? gone
                                                                                          : NULL;
}

/* "queue q was enabled": what it was before its last change, or before it went, heard late. */
static void show_old(struct world *world, const struct thing *thing, const struct line *line)
{
    AUTO_TEXT rest = rest_of(line, 3);
    AUTO_TEXT words = text_printf("%s %s", thing->words, rest);
    char *asked = strcmp(rest, "unasked") == 0 ? strstr(words, " terminate=") : NULL;
    if (asked != NULL)
        *asked = '\0';
    struct thing old = *thing;
    old.words = words;
    old.generation--;
    old.version--;
    thing_show(world, &old);
}

static bool thing_happens(struct world *world, const struct line *line)
{
    const char *kind = line->words[0];
    const char *what = line->count > 2 ? line->words[2] : "";
    struct thing *thing = thing_find(world, kind, line->words[1]);
    if (thing != NULL && strcmp(what, "gone") == 0) {
        thing_gone(world, thing);
        return true;
    }
    if (thing == NULL && strcmp(what, "was") == 0)
        thing = thing_just_gone(world, kind, line->words[1]);
    if (thing != NULL && strcmp(what, "was") == 0) {
        show_old(world, thing, line);
        return true;
    }
    if (thing != NULL && strcmp(what, "deleting") == 0) {
        thing->deleted_ns = world->now_ns;
        thing->version = ++world->version;
        thing->generation++;
    } else if (thing != NULL && (strcmp(what, "cancel") == 0 || strcmp(what, "terminate") == 0)) {
        AUTO_TEXT why = rest_of(line, 3);
        AUTO_TEXT words = text_printf("x y %s=%s", what, why);
        for (char *c = strchr(words, '='); *c != '\0'; c++) {
            if (*c == ' ')
                *c = '~';
        }
        struct line request;
        line_read(&request, words);
        AUTO_TEXT name = text_copy(thing->name);
        request.words[1] = name;
        thing = thing_put(world, kind, &request);
        line_done(&request);
    } else {
        thing = thing_put(world, kind, line);
    }
    if (world->synced)
        thing_show(world, thing);
    return true;
}

static bool happens(struct world *world, const struct line *line)
{
    static const char *const kinds[] = {"job",      "queue",     "environment",  "definition",
                                        "node",     "daemonset", "runtimeclass", "consumable",
                                        "revision", "service",   "policy"};
    const char *word = line->words[0];
    if (strcmp(word, "arrives") == 0)
        return pod_arrive(world) || answer_arrive(world);
    if (strcmp(word, "at") == 0 && line->count == 2) {
        go_to(world, WORLD_EPOCH_NS + line_ns(line->words[1]));
        return true;
    }
    if (strcmp(word, "why") == 0 || strcmp(word, "jobs") == 0 || strcmp(word, "pods") == 0 ||
        strcmp(word, "consumables") == 0 || strcmp(word, "shares") == 0) {
        settle(world);
        if (word[0] == 'w')
            log_why(world, line->words[1]);
        else if (word[0] == 'j')
            log_jobs(world);
        else if (word[0] == 's')
            log_shares(world);
        else if (word[0] == 'c')
            log_consumables(world);
        else
            log_pods(world);
        return true;
    }
    if (strcmp(word, "explain") == 0 && line->count == 2) {
        settle(world);
        log_explain(world, line->words[1]);
        return true;
    }
    if (strcmp(word, "tries") == 0 && line->count == 2) {
        settle(world);
        log_tries(world, line->words[1]);
        return true;
    }
    if (strcmp(word, "restart") == 0) {
        restart(world);
        return true;
    }
    if (line->count < 2)
        return false;
    if (strcmp(word, "answer") == 0 && line->count >= 4) {
        take_answer(world, line);
        return true;
    }
    if (strcmp(word, "machine") == 0) {
        struct machine *machine = machine_find(world, line->words[1]);
        if (machine != NULL && strcmp(line->words[2], "gone") != 0)
            machine_told(machine, line);
        else if (machine != NULL)
            machine_remove(world, machine);
        return machine != NULL;
    }
    if (strcmp(word, "pod") == 0) {
        if (line_get(line, "node") == NULL)
            return pod_happens(world, line);
        pod_put_foreign(world, line);
        if (world->synced)
            pods_show(world);
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (strcmp(word, kinds[i]) == 0)
            return thing_happens(world, line);
    }
    return false;
}

void world_run(struct world *world, const char *script)
{
    AUTO_TEXT copy = text_copy(script);
    char *rest = copy;
    char *text;
    while ((text = strsep(&rest, "\n")) != NULL) {
        struct line line;
        line_read(&line, text);
        if (line.count > 0 && line.words[0][0] != '#' && !happens(world, &line))
            log_line(world, "NOT UNDERSTOOD: %s", text);
        line_done(&line);
    }
    settle(world);
}
