/* SPDX-License-Identifier: Apache-2.0 */
/* world_consume.c - consumable resources of the text world */
#include "core/world_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* takes=licences:2,tokens:1 */
bool needs_from(const struct line *line, struct consumable_needs *ret)
{
    const char *text = line_get(line, "takes");
    *ret = (struct consumable_needs){NULL, 0};
    if (text == NULL)
        return false;
    AUTO_TEXT words = text_copy(text);
    for (char *c = words; *c != '\0'; c++) {
        if (*c == ':')
            *c = '=';
    }
    consumable_needs_parse(words, ret);
    return true;
}

struct consumable_resource *consumable_from(const struct thing *thing)
{
    struct line line;
    line_read(&line, thing->words);
    struct consumable_resource *resource = mem_new(sizeof(*resource));
    const char *total = line_get(&line, "total");
    const char *namespace_ = line_get(&line, "ns");
    meta_from(thing, &resource->meta);
    resource->spent = line_has(&line, "spent");
    resource->total = total != NULL ? strtoll(total, NULL, 10) : 0;
    if (namespace_ != NULL)
        text_list_add(&resource->namespaces, namespace_);
    resource->invalid = text_copy(line_get(&line, "invalid"));
    resource->consumed = thing->consumed;
    for (size_t i = 0; i < thing->claims.count; i++)
        text_list_add(&resource->claims, thing->claims.items[i]);
    line_done(&line);
    return resource;
}

enum done_result consumable_write(struct world *world, const struct action *action,
                                  struct answer *answer)
{
    struct thing *thing = thing_find(world, "consumable", action->name);
    if (thing == NULL || !text_eq(thing->uid, action->meta->uid))
        return DONE_NOT_FOUND;
    AUTO_TEXT version = text_printf("%" PRId64, thing->version);
    if (!text_eq(version, action->resource_version)) {
        thing->dirty = true; /* the controller reads it before it tells of the conflict */
        return DONE_CONFLICT;
    }
    const struct consumable_status *status = action->consumable_status;
    if (status->consumed < thing->consumed)
        log_line(world, "UNCONSUMED %s: %" PRId64 " after %" PRId64, thing->name, status->consumed,
                 thing->consumed);
    thing->consumed = status->consumed;
    text_list_done(&thing->claims);
    for (size_t i = 0; i < status->claims.count; i++)
        text_list_add(&thing->claims, status->claims.items[i]);
    thing->version = ++world->version;
    answer->version = text_printf("%" PRId64, thing->version);
    return DONE_OK;
}

void log_consumable(struct world *world, const struct action *action)
{
    const struct consumable_status *status = action->consumable_status;
    log_time(world);
    str_addf(&world->log, "resource %s %s in use %" PRId64 " free %" PRId64, action->name,
             status->status, status->in_use, status->available);
    if (status->consumed > 0)
        str_addf(&world->log, " consumed %" PRId64, status->consumed);
    if (status->claims.count > 0)
        str_addf(&world->log, " claims %zu", status->claims.count);
    str_addf(&world->log, ": %s\n", status->message);
}

/* As the server has them. */
void log_consumables(struct world *world)
{
    for (const struct thing *thing = world->things; thing != NULL; thing = thing->next) {
        if (strcmp(thing->kind, "consumable") == 0)
            str_addf(&world->log, "  %s consumed %" PRId64 " claims %zu\n", thing->name,
                     thing->consumed, thing->claims.count);
    }
}

/* How many of the resource the pods hold that there are. */
static int64_t sum_held(const struct world *world, const char *name, bool unstarted_only)
{
    int64_t sum = 0;
    for (const struct world_pod *pod = world->pods; pod != NULL; pod = pod->next) {
        bool holds =
            !pod->gone && !pod->lost && !is_over(pod) && (!unstarted_only || pod->started_ns == 0);
        for (size_t i = 0; holds && i < pod->consumables.count; i++) {
            if (strcmp(pod->consumables.items[i].resource, name) == 0)
                sum += pod->consumables.items[i].quantity;
        }
    }
    return sum;
}

/* Unless the admin has lowered the total under what is in use ("lowered" in its words). */
void log_oversold(struct world *world, const struct thing *thing)
{
    struct consumable_resource *resource = consumable_from(thing);
    struct line line;
    line_read(&line, thing->words);
    int64_t held = sum_held(world, thing->name, resource->spent);
    if (!line_has(&line, "lowered") && held + resource->consumed > resource->total)
        log_line(world, "OVERSOLD %s: %" PRId64 " of %" PRId64, thing->name,
                 held + resource->consumed, resource->total);
    line_done(&line);
    consumable_resource_free(resource);
}
