/* SPDX-License-Identifier: Apache-2.0 */
/* revisions.c - job definitions, their revisions, and which of them a job has
 *
 * A definition is one JobDefinition object, by its UID; a revision is one content that it had, kept
 * by the API server as a ControllerRevision (revision.h). Content that the newest revision has not
 * is stored as the next one, and only a stored revision is given to a job. A job keeps it: it is
 * told in the job's status and on its pods, and a process that starts again takes it from there.
 * So it does not matter whether the definition was edited, deleted or made again meanwhile.
 *
 * What goes  A revision that no live job has goes with its definition, or when so many newer ones
 * are there as spec.revisionHistoryLimit says. One that is needed and was deleted by somebody is
 * stored again.
 * Work       is done in revisions_plan for the definitions in core->definitions_to_look, so its
 * cost follows what changed; after a failure the definition's timer brings it back. */
#include "internal.h"

#include "bulkhead/api/revision.h"

#include <stdlib.h>
#include <string.h>

void definition_look(struct core *core, struct core_definition *definition)
{
    if (definition->to_look)
        return;
    definition->to_look = true;
    definition->look_next = core->definitions_to_look;
    core->definitions_to_look = definition;
}

void definition_timer(struct core *core, struct core_definition *definition)
{
    definition_look(core, definition);
}

/* Something did not come about: again after a pause that grows. */
static void try_again(struct core *core, struct core_definition *definition)
{
    enum { LEVEL_MAX = 5 };
    timer_set(&core->timers, &definition->timer,
              core->now_ns + (NS_PER_S << definition->retry_level));
    if (definition->retry_level < LEVEL_MAX)
        definition->retry_level++;
}

/* ---------------------------------------------------------------------- records */

static struct core_definition *definition_of_uid(struct core *core, const char *uid,
                                                 const char *key)
{
    struct core_definition *definition = map_get(core->definitions_by_uid, uid);
    if (definition != NULL)
        return definition;
    definition = mem_new(sizeof(*definition));
    definition->uid = text_copy(uid);
    definition->key = text_copy(key);
    definition->timer.kind = TIMER_DEFINITION;
    definition->tell_timer.kind = TIMER_HISTORY;
    map_put(core->definitions_by_uid, uid, definition);
    return definition;
}

static void definition_free_if_unused(struct core *core, struct core_definition *definition)
{
    if (definition->spec != NULL || definition->revisions != NULL || definition->flights > 0 ||
        definition->to_look)
        return;
    map_remove(core->definitions_by_uid, definition->uid);
    timer_clear(&core->timers, &definition->timer);
    timer_clear(&core->timers, &definition->tell_timer);
    free(definition->uid);
    free(definition->key);
    free(definition->obstacle);
    free(definition);
}

static void compare_newest(struct core_definition *definition)
{
    const struct core_revision *newest = definition->revisions;
    definition->newest_is_current = definition->spec != NULL && newest != NULL &&
                                    text_eq(definition->spec->content, newest->spec->content);
}

static void revision_free_if_unused(struct core *core, struct core_revision *revision)
{
    struct core_definition *of = revision->of;
    if (revision->stored || revision->users > 0 || revision->flights > 0)
        return;
    struct core_revision **link = &of->revisions;
    while (*link != revision)
        link = &(*link)->next;
    *link = revision->next;
    map_remove(core->revisions, revision->key);
    job_definition_free(revision->spec);
    free(revision->key);
    free(revision);
    compare_newest(of);
}

/* Is what the definition says now a revision already? */
static bool is_current(const struct core_definition *definition)
{
    const struct core_revision *newest = definition->revisions;
    return newest != NULL && newest->stored && !newest->leaving && definition->newest_is_current;
}

static void contents_changed(struct core *core, struct core_definition *definition)
{
    compare_newest(definition);
    definition_look(core, definition);
    if (core->synced)
        jobs_admit_all(core);
}

/* ----------------------------------------------------------------- what is observed */

void definition_apply(struct core *core, struct job_definition *take_spec)
{
    AUTO_TEXT key = text_printf("%s/%s", take_spec->meta.namespace_, take_spec->meta.name);
    struct core_definition *definition = map_get(core->definitions_by_uid, take_spec->meta.uid);
    if (definition != NULL && definition->gone) {
        /* Read again after a conflict, and overtaken by its deletion: no UID comes back. */
        job_definition_free(take_spec);
        return;
    }
    definition = map_get(core->definitions, key);
    bool same = definition != NULL && text_eq(definition->uid, take_spec->meta.uid);
    if (same && definition->spec->meta.generation >= take_spec->meta.generation) {
        text_set(&definition->spec->meta.resource_version, take_spec->meta.resource_version);
        job_definition_free(take_spec);
        return;
    }
    if (definition != NULL && !same) /* another object of the same name */
        definition_gone(core, key);
    definition = definition_of_uid(core, take_spec->meta.uid, key);
    if (definition->spec == NULL) {
        map_put(core->definitions, key, definition);
        core->counts.definitions++;
        definition->written_hash = take_spec->told_hash;
        history_load(definition, &take_spec->runs);
    }
    job_definition_free(definition->spec);
    definition->spec = take_spec;
    if (definition->latest < take_spec->latest_revision)
        definition->latest = take_spec->latest_revision;
    definition->retry_level = 0;
    definition->status_failed = false;
    contents_changed(core, definition);
}

void definition_gone(struct core *core, const char *key)
{
    struct core_definition *definition = map_remove(core->definitions, key);
    if (definition == NULL)
        return;
    core->counts.definitions--;
    job_definition_free(definition->spec);
    definition->spec = NULL;
    definition->gone = true;
    contents_changed(core, definition);
}

static void revision_insert(struct core_definition *of, struct core_revision *revision)
{
    struct core_revision **link = &of->revisions;
    while (*link != NULL && (*link)->spec->revision > revision->spec->revision)
        link = &(*link)->next;
    revision->next = *link;
    *link = revision;
    if (of->latest < revision->spec->revision)
        of->latest = revision->spec->revision;
}

void revision_apply(struct core *core, struct job_definition *take_content)
{
    const struct object_meta *meta = &take_content->meta;
    if (is_gone(core, meta)) {
        job_definition_free(take_content);
        return;
    }
    AUTO_TEXT key = text_printf("%s/%s", meta->namespace_, meta->name);
    struct core_revision *revision = map_get(core->revisions, key);
    if (revision == NULL) {
        AUTO_TEXT of_key = text_printf("%s/%s", meta->namespace_, take_content->of_name);
        revision = mem_new(sizeof(*revision));
        revision->key = text_copy(key);
        revision->spec = take_content;
        revision->of = definition_of_uid(core, take_content->of_uid, of_key);
        map_put(core->revisions, key, revision);
        revision_insert(revision->of, revision);
    } else {
        /* What jobs hold stays; an object that was made again differs in its UID only. */
        bool news = !revision->stored || !text_eq(revision->spec->meta.uid, meta->uid);
        if (news)
            text_set(&revision->spec->meta.uid, meta->uid);
        job_definition_free(take_content);
        if (!news)
            return;
        revision->leaving = false;
    }
    revision->stored = true;
    contents_changed(core, revision->of);
}

void revision_gone(struct core *core, const char *key, const char *uid)
{
    struct core_revision *revision = map_get(core->revisions, key);
    if (revision == NULL || !text_eq(revision->spec->meta.uid, uid))
        return;
    revision->stored = false;
    definition_look(core, revision->of);
}

/* ------------------------------------------------------------------ which one a job has */

static bool is_deregistered(const struct core_definition *definition, int64_t number)
{
    const struct number_list *list = &definition->spec->deregistered;
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i] == number)
            return true;
    }
    return false;
}

static struct core_revision *revision_numbered(const struct core_definition *definition,
                                               int64_t number)
{
    struct core_revision *revision = definition->revisions;
    while (revision != NULL && revision->spec->revision != number)
        revision = revision->next;
    return revision;
}

static bool is_there(const struct core_revision *revision)
{
    return revision != NULL && revision->stored && !revision->leaving;
}

/* What it was accepted with in an earlier life of this process, whatever became of the definition.
 */
static struct core_revision *find_pinned(struct core *core, const struct core_job *job,
                                         enum verdict *ret_why, struct str *words)
{
    int64_t number = 0;
    definition_ref_read(job->pinned, &number);
    const struct core_definition *of = map_get(core->definitions_by_uid, job->pinned_uid);
    struct core_revision *revision = of != NULL ? revision_numbered(of, number) : NULL;
    if (revision != NULL)
        return revision;
    *ret_why = VERDICT_DEFINITION_MISSING;
    str_addf(words, "revision %s of its JobDefinition, which it was accepted with, was deleted",
             job->pinned);
    return NULL;
}

static struct core_revision *find_numbered(const struct core_definition *definition,
                                           const char *ref, int64_t number, enum verdict *ret_why,
                                           struct str *words)
{
    struct core_revision *revision = revision_numbered(definition, number);
    if (is_deregistered(definition, number)) {
        str_addf(words, "JobDefinition %s is INACTIVE: it was deregistered; name another revision",
                 ref);
        return NULL;
    }
    if (is_there(revision))
        return revision;
    if (number <= definition->latest && (revision == NULL || revision->leaving)) {
        str_addf(words,
                 "JobDefinition %s does not exist any more: revisions that no job uses are removed "
                 "after spec.revisionHistoryLimit newer ones",
                 ref);
        return NULL;
    }
    *ret_why = VERDICT_DEFINITION_MISSING;
    str_addf(words, "JobDefinition %s does not exist yet: the newest revision is %lld", ref,
             (long long)definition->latest);
    return NULL;
}

static struct core_revision *find_newest(const struct core_definition *definition, const char *name,
                                         enum verdict *ret_why, struct str *words)
{
    if (definition->spec->invalid != NULL) {
        str_addf(words, "JobDefinition %s is invalid: %s", name, definition->spec->invalid);
        return NULL;
    }
    if (!is_current(definition)) {
        *ret_why = VERDICT_DEFINITION_STORING;
        str_addf(words, "JobDefinition %s is being stored as a new revision%s%s", name,
                 definition->obstacle != NULL ? ": " : "",
                 definition->obstacle != NULL ? definition->obstacle : "");
        return NULL;
    }
    for (struct core_revision *r = definition->revisions; r != NULL; r = r->next) {
        if (is_there(r) && !is_deregistered(definition, r->spec->revision))
            return r;
    }
    str_addf(words, "JobDefinition %s is INACTIVE: all its revisions are deregistered", name);
    return NULL;
}

/* NULL with a verdict: the job has to wait. NULL with VERDICT_NONE: it will never have one. */
static struct core_revision *find(struct core *core, const struct core_job *job,
                                  enum verdict *ret_why, struct str *words)
{
    const char *ref = job->spec->definition;
    const char *namespace_ = job->spec->meta.namespace_;
    *ret_why = VERDICT_NONE;
    if (job->pinned != NULL)
        return find_pinned(core, job, ret_why, words);
    int64_t number = 0;
    AUTO_TEXT name = text_copy_n(ref, definition_ref_read(ref, &number));
    AUTO_TEXT key = text_printf("%s/%s", namespace_, name);
    const struct core_definition *definition = map_get(core->definitions, key);
    if (definition == NULL) {
        *ret_why = VERDICT_DEFINITION_MISSING;
        str_addf(words, "JobDefinition %s does not exist in namespace %s", name, namespace_);
        return NULL;
    }
    return number != 0 ? find_numbered(definition, ref, number, ret_why, words)
                       : find_newest(definition, name, ret_why, words);
}

void revision_pin(struct core *core, struct core_job *job)
{
    const struct job_status *status = &job->spec->status;
    if (job->spec->definition == NULL || job->definition != NULL || job->ended)
        return;
    if (job->pinned == NULL && job->spec->has_status && status->definition != NULL &&
        status->definition_uid != NULL) {
        job->pinned = text_copy(status->definition);
        job->pinned_uid = text_copy(status->definition_uid);
    }
    AUTO_STR words = STR_EMPTY;
    enum verdict why = VERDICT_NONE;
    job->definition = find(core, job, &why, &words);
    if (job->definition == NULL)
        return;
    job->definition->users++;
    /* A job that has been told something is told this too; for another its first status will. */
    job->pin_untold = job->pinned == NULL &&
                      (job->written_ns != 0 || job->status_in_flight || job->spec->has_status);
    text_set(&job->pinned, NULL);
    text_set(&job->pinned_uid, NULL);
}

void revision_pin_by_pod(struct core_job *job, const struct pod *seen)
{
    if (job->ended || job->pinned != NULL || job->spec->definition == NULL ||
        seen->definition == NULL || seen->definition_uid == NULL ||
        !text_eq(seen->owner_uid, job->uid))
        return;
    job->pinned = text_copy(seen->definition);
    job->pinned_uid = text_copy(seen->definition_uid);
}

enum verdict revision_missing(struct core *core, const struct core_job *job, struct str *words)
{
    enum verdict why = VERDICT_NONE;
    if (job->spec->definition != NULL && job->definition == NULL)
        (void)find(core, job, &why, words);
    return why;
}

void revision_unpin(struct core *core, struct core_job *job)
{
    struct core_revision *revision = job->definition;
    text_set(&job->pinned, NULL);
    text_set(&job->pinned_uid, NULL);
    job->definition = NULL;
    if (revision == NULL || --revision->users > 0)
        return;
    definition_look(core, revision->of);
}

void revision_tell(struct core *core, const struct core_job *job, struct job_status *status)
{
    const struct core_revision *revision = job->definition;
    if (revision != NULL) {
        status->definition = arena_printf(core->arena, "%s:%lld", revision->spec->of_name,
                                          (long long)revision->spec->revision);
        status->definition_uid = arena_copy(core->arena, revision->spec->of_uid);
    } else if (job->pinned != NULL) {
        status->definition = arena_copy(core->arena, job->pinned);
        status->definition_uid = arena_copy(core->arena, job->pinned_uid);
    }
}

/* ------------------------------------------------------------------------- plan */

static void plan_create(struct core *core, struct core_definition *definition,
                        const struct job_definition *content, int64_t number)
{
    struct action *action = action_new(core, ACTION_REVISION_CREATE, definition);
    AUTO_TEXT name =
        definition_revision_name(strchr(definition->key, '/') + 1, definition->uid, number);
    action->namespace_ = content->meta.namespace_;
    action->name = arena_copy(core->arena, name);
    action->definition = content;
    action->count = number;
    definition->create_in_flight = true;
}

/* What has to be stored: one at a time, so that numbers follow each other. */
static void plan_store(struct core *core, struct core_definition *definition)
{
    const struct job_definition *spec = definition->spec;
    if (definition->create_in_flight || timer_is_set(&definition->timer))
        return;
    for (const struct core_revision *r = definition->revisions; r != NULL; r = r->next) {
        bool needed = r->users > 0 || (r == definition->revisions && definition->newest_is_current);
        if (!r->stored && needed && r->flights == 0) {
            plan_create(core, definition, r->spec, r->spec->revision);
            return;
        }
    }
    if (spec != NULL && spec->invalid == NULL && !definition->newest_is_current)
        plan_create(core, definition, spec, definition->latest + 1);
}

static void plan_delete(struct core *core, struct core_revision *revision)
{
    struct action *action = action_new(core, ACTION_REVISION_DELETE, revision);
    action->namespace_ = revision->spec->meta.namespace_;
    action->name = revision->spec->meta.name;
    action->uid = revision->spec->meta.uid;
    revision->leaving = true;
}

static void plan_deletes(struct core *core, struct core_definition *definition)
{
    const struct job_definition *spec = definition->spec;
    int64_t rank = 0; /* the newest is not an old one */
    struct core_revision *next;
    for (struct core_revision *r = definition->revisions; r != NULL; r = next, rank++) {
        next = r->next;
        bool current = r == definition->revisions && definition->newest_is_current;
        bool kept = spec != NULL && (spec->invalid != NULL || rank <= spec->history_limit);
        if (!r->stored && !current)
            revision_free_if_unused(core, r);
        else if (r->stored && !kept && r->users == 0 && r->flights == 0 &&
                 !timer_is_set(&definition->timer))
            plan_delete(core, r);
    }
}

static void list_active(struct core *core, const struct core_definition *definition,
                        struct job_definition_status *status)
{
    int64_t *items = arena_alloc(core->arena, DEFINITION_ACTIVE_TOLD * sizeof(*items));
    status->active = (struct number_list){.items = items};
    for (const struct core_revision *r = definition->revisions;
         r != NULL && status->active.count < DEFINITION_ACTIVE_TOLD; r = r->next) {
        if (is_there(r) && !is_deregistered(definition, r->spec->revision))
            items[status->active.count++] = r->spec->revision;
    }
}

/* false: there is nothing to tell before it is stored. */
static bool fill_status(struct core *core, const struct core_definition *definition,
                        struct job_definition_status *status)
{
    const struct job_definition *spec = definition->spec;
    list_active(core, definition, status);
    status->observed_generation = spec->meta.generation;
    status->latest_revision = definition->latest;
    status->runs = definition->told_runs;
    status->status = "INVALID";
    status->reason = "DefinitionInvalid";
    if (spec->invalid != NULL) {
        status->message = arena_copy(core->arena, spec->invalid);
    } else if (!is_current(definition)) {
        status->reason = "RevisionNotStored";
        if (definition->obstacle == NULL)
            return false;
        status->message = arena_copy(core->arena, definition->obstacle);
    } else if (status->active.count == 0) {
        status->status = "INACTIVE";
        status->reason = "DefinitionDeregistered";
        status->message = arena_copy(core->arena, "all revisions are deregistered");
    } else {
        status->status = "ACTIVE";
        status->reason = "DefinitionAccepted";
    }
    return true;
}

static void plan_tell(struct core *core, struct core_definition *definition)
{
    bool pause = definition->status_failed && timer_is_set(&definition->timer);
    if (definition->spec == NULL || definition->status_in_flight || definition->create_in_flight ||
        pause)
        return;
    struct job_definition_status *status = arena_alloc(core->arena, sizeof(*status));
    if (!fill_status(core, definition, status))
        return;
    uint64_t hash = job_definition_status_hash(status);
    if (hash == definition->written_hash)
        return;
    struct action *action = action_new(core, ACTION_DEFINITION_STATUS, definition);
    action->namespace_ = definition->spec->meta.namespace_;
    action->name = definition->spec->meta.name;
    action->resource_version = definition->spec->meta.resource_version;
    action->meta = &definition->spec->meta;
    action->definition_status = status;
    flight_find(core, action->id)->sequence = hash;
    definition->status_in_flight = true;
}

void revisions_plan(struct core *core)
{
    while (core->definitions_to_look != NULL && plan_has_room(core)) {
        struct core_definition *definition = core->definitions_to_look;
        core->definitions_to_look = definition->look_next;
        plan_store(core, definition);
        plan_deletes(core, definition);
        plan_tell(core, definition);
        definition->to_look = false;
        definition_free_if_unused(core, definition);
    }
}

/* ---------------------------------------------------------------------- answers */

static void create_done(struct core *core, struct core_definition *definition, struct done *done)
{
    definition->create_in_flight = false;
    bool there =
        done->definition != NULL && (done->result == DONE_OK || done->result == DONE_EXISTS);
    /* What happens once in a while is not worth a word. */
    bool for_good = done->result == DONE_REFUSED || done->result == DONE_FORBIDDEN ||
                    done->result == DONE_QUOTA || definition->retry_level > 1;
    if (!there && for_good && !text_eq(definition->obstacle, done->message)) {
        text_set(&definition->obstacle, done->message);
        jobs_admit_all(core); /* those that wait for it are told */
    }
    if (there) {
        text_set(&definition->obstacle, NULL);
        definition->retry_level = 0;
        revision_apply(core, STEAL(done->definition));
    } else {
        try_again(core, definition);
    }
}

static void delete_done(struct core *core, struct core_revision *revision, const struct done *done)
{
    struct core_definition *of = revision->of;
    if (done->result == DONE_OK || done->result == DONE_NOT_FOUND) {
        revision->stored = false;
        gone_remember(core, &revision->spec->meta); /* its creation may not have been heard yet */
    } else {
        try_again(core, of);
    }
    definition_look(core, of);
}

static void status_written(struct core *core, struct core_definition *definition, uint64_t hash,
                           const struct done *done)
{
    definition->status_in_flight = false;
    definition->status_failed = done->result != DONE_OK;
    if (done->result == DONE_OK) {
        definition->written_hash = hash;
        if (definition->spec != NULL && done->resource_version != NULL)
            text_set(&definition->spec->meta.resource_version, done->resource_version);
    } else {
        definition->written_hash = 0; /* it is not known what is there */
        try_again(core, definition);
    }
}

void revision_done(struct core *core, struct flight *flight, struct done *done)
{
    enum action_kind kind = flight->kind;
    void *object = flight->object;
    uint64_t hash = flight->sequence;
    flight_end(core, flight);
    if (kind == ACTION_REVISION_DELETE) {
        delete_done(core, object, done);
        return;
    }
    if (kind == ACTION_REVISION_CREATE)
        create_done(core, object, done);
    else
        status_written(core, object, hash, done);
    definition_look(core, object);
}

/* ---------------------------------------------------------------------- the end */

void definitions_free(struct core *core)
{
    size_t at = 0;
    struct core_definition *definition;
    while ((at = 0, definition = map_next(core->definitions_by_uid, &at, NULL)) != NULL) {
        struct core_revision *next;
        for (struct core_revision *r = definition->revisions; r != NULL; r = next) {
            next = r->next;
            r->stored = false;
            revision_free_if_unused(core, r);
        }
        map_remove(core->definitions, definition->key);
        job_definition_free(definition->spec);
        definition->spec = NULL;
        definition->to_look = false;
        definition_free_if_unused(core, definition);
    }
    map_free(core->definitions);
    map_free(core->definitions_by_uid);
    map_free(core->revisions);
}
