/* SPDX-License-Identifier: Apache-2.0 */
/* world_services.c - Services that name the nodes of multi-node jobs, as the API server has them */
#include "core/world_parts.h"

#include <stdlib.h>
#include <string.h>

/* NULL: somebody else's, whom the watch does not show. */
struct node_service *service_from(const struct thing *thing)
{
    struct line line;
    line_read(&line, thing->words);
    const char *owner = line_get(&line, "owner");
    struct node_service *service = owner != NULL ? mem_new(sizeof(*service)) : NULL;
    if (service != NULL) {
        meta_from(thing, &service->meta);
        service->job_uid = text_copy(owner);
    }
    line_done(&line);
    return service;
}

enum done_result service_create(struct world *world, const struct action *action,
                                struct answer *answer)
{
    struct thing *thing = thing_find(world, "service", action->name);
    if (thing == NULL) {
        AUTO_TEXT words = text_printf("service %s owner=%s", action->name, action->uid);
        struct line line;
        line_read(&line, words);
        thing = thing_put(world, "service", &line);
        thing->dirty = true;
        line_done(&line);
    }
    /* As controller/execute.c: what has the name is read. */
    struct node_service *service = service_from(thing);
    bool ours = service != NULL && text_eq(service->job_uid, action->uid);
    node_service_free(service);
    if (ours)
        answer->service = text_copy(thing->uid);
    return ours ? DONE_OK : DONE_EXISTS;
}

static void remove_later(struct world *world, struct thing *thing)
{
    thing->deleted_ns = world->now_ns;
    thing->dirty = true;
}

enum done_result service_delete(struct world *world, const struct action *action)
{
    struct thing *thing = thing_find(world, "service", action->name);
    if (thing == NULL || !text_eq(thing->uid, action->uid))
        return DONE_NOT_FOUND;
    remove_later(world, thing);
    return DONE_OK;
}

/* The garbage collector. */
void services_orphaned(struct world *world, const struct thing *job)
{
    for (struct thing *thing = world->things; thing != NULL; thing = thing->next) {
        struct node_service *service =
            strcmp(thing->kind, "service") == 0 ? service_from(thing) : NULL;
        if (service != NULL && text_eq(service->job_uid, job->uid))
            remove_later(world, thing);
        node_service_free(service);
    }
}
