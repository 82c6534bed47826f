/* SPDX-License-Identifier: Apache-2.0 */
/* world_revisions.c - definitions and their revisions, as the API server has them */
#include "core/world_parts.h"

#include "bulkhead/api/revision.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Words that are about a definition's revisions, or about one revision, and no content. */
static bool is_content(const char *word)
{
    static const char *const others[] = {"deregistered=", "history=", "of=", "uid=", "number="};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (text_starts(word, others[i]))
            return false;
    }
    return true;
}

/* Of two words for one thing the later holds, as everywhere in this world. */
static bool is_overruled(const struct line *line, size_t at)
{
    const char *mark = strchr(line->words[at], '=');
    size_t size = mark != NULL ? (size_t)(mark - line->words[at]) + 1 : 0;
    for (size_t i = at + 1; i < line->count; i++) {
        if (size > 0 && strncmp(line->words[i], line->words[at], size) == 0)
            return true;
    }
    return false;
}

static char *content_of(const char *words)
{
    AUTO_STR out = STR_EMPTY;
    struct line line;
    line_read(&line, words);
    for (size_t i = 0; i < line.count; i++) {
        if (!is_content(line.words[i]) || is_overruled(&line, i) ||
            strcmp(line.words[i], "invalid=") == 0) /* mended */
            continue;
        str_add(&out, " ");
        for (const char *c = line.words[i]; *c != '\0'; c++)
            str_add_bytes(&out, *c == ' ' ? "~" : c, 1);
    }
    line_done(&line);
    return out.size > 0 ? str_take(&out) : text_copy("");
}

static void numbers_from(const char *text, struct number_list *ret)
{
    while (text != NULL && *text != '\0') {
        char *end = NULL;
        ret->items = mem_grow(ret->items, ret->count + 1, sizeof(*ret->items));
        ret->items[ret->count++] = strtoll(text, &end, 10);
        text = *end == ',' ? end + 1 : NULL;
    }
}

struct job_definition *definition_from(const struct thing *thing)
{
    struct line line;
    line_read(&line, thing->words);
    struct job_definition *definition = mem_new(sizeof(*definition));
    definition_words(thing, definition);
    definition->content = content_of(thing->words);
    numbers_from(line_get(&line, "deregistered"), &definition->deregistered);
    definition->history_limit = DEFINITION_HISTORY_DEFAULT;
    if (line_get(&line, "history") != NULL)
        definition->history_limit = strtoll(line_get(&line, "history"), NULL, 10);
    definition->told_hash = thing->told_hash;
    definition->latest_revision = thing->told_latest;
    definition->runs = thing->told_runs;
    if (line_get(&line, "number") != NULL) {
        definition->revision = strtoll(line_get(&line, "number"), NULL, 10);
        definition->of_name = text_copy(line_get(&line, "of"));
        definition->of_uid = text_copy(line_get(&line, "uid"));
    }
    line_done(&line);
    return definition;
}

/* ---------------------------------------------------------------------- actions */

enum done_result definition_told(struct world *world, const struct action *action,
                                 struct answer *answer)
{
    struct thing *thing = thing_find(world, "definition", action->name);
    if (thing == NULL || strcmp(thing->uid, action->meta->uid) != 0)
        return DONE_NOT_FOUND;
    AUTO_TEXT version = text_printf("%" PRId64, thing->version);
    if (!text_eq(version, action->resource_version))
        return DONE_CONFLICT;
    thing->version = ++world->version;
    thing->told_hash = job_definition_status_hash(action->definition_status);
    thing->told_latest = action->definition_status->latest_revision;
    thing->told_runs = action->definition_status->runs;
    answer->version = text_printf("%" PRId64, thing->version);
    return DONE_OK;
}

enum done_result revision_create(struct world *world, const struct action *action,
                                 struct answer *answer)
{
    answer->revision = text_copy(action->name);
    if (thing_find(world, "revision", action->name) != NULL)
        return DONE_EXISTS;
    const struct job_definition *content = action->definition;
    AUTO_TEXT words = text_printf("revision %s of=%s uid=%s number=%" PRId64 "%s", action->name,
                                  content->of_name != NULL ? content->of_name : content->meta.name,
                                  content->of_uid != NULL ? content->of_uid : content->meta.uid,
                                  action->count, content->content);
    struct line line;
    line_read(&line, words);
    thing_put(world, "revision", &line)->dirty = true;
    line_done(&line);
    return DONE_OK;
}

/* things_sweep shows it gone when the plan has been carried out. */
enum done_result revision_delete(struct world *world, const struct action *action)
{
    struct thing *thing = thing_find(world, "revision", action->name);
    if (thing == NULL || !text_eq(thing->uid, action->uid))
        return DONE_NOT_FOUND;
    thing->deleted_ns = world->now_ns;
    thing->dirty = true;
    return DONE_OK;
}

/* -------------------------------------------------------------------------- log */

char *revision_label(const struct job_definition *content, int64_t number)
{
    return text_printf("%s:%" PRId64,
                       content->of_name != NULL ? content->of_name : content->meta.name, number);
}

void log_revision(struct world *world, const struct action *action)
{
    if ((world->show & SHOW_REVISIONS) == 0)
        return;
    const struct job_definition *used = action->order.definition;
    if (action->kind == ACTION_REVISION_DELETE)
        log_line(world, "delete revision %s", action->name);
    else if (action->kind == ACTION_REVISION_CREATE)
        log_line(world, "store %s:%s", action->name, action->definition->content);
    else if (used != NULL)
        log_line(world, "  of %s:%" PRId64 ":%s", used->of_name, used->revision, used->content);
}

void log_definition(struct world *world, const struct action *action)
{
    const struct job_definition_status *status = action->definition_status;
    if ((world->show & SHOW_REVISIONS) == 0) {
        log_line(world, "definition %s %s", action->name, status->status);
        return;
    }
    AUTO_STR active = STR_EMPTY;
    for (size_t i = 0; i < status->active.count; i++)
        str_addf(&active, "%s%" PRId64, i > 0 ? "," : "", status->active.items[i]);
    if (status->runs.count > 0)
        str_addf(&active, " runs=%" PRId64 " of %" PRId64 " ms, off by %" PRId64 " ms",
                 status->runs.count, status->runs.mean_ms, status->runs.deviation_ms);
    log_line(world, "definition %s %s latest=%" PRId64 " active=%s%s%s", action->name,
             status->status, status->latest_revision, str_text(&active),
             status->message != NULL ? ": " : "", status->message != NULL ? status->message : "");
}
