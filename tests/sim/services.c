/* SPDX-License-Identifier: Apache-2.0 */
/* services.c - the Services that name the nodes of multi-node jobs: the server's side, the people
 * who are in their way, and the oracle on them */
#include "sim/world.h"

#include "bulkhead/base/str.h"

#include <string.h>

struct node_service *service_convert(const struct sim_service *from)
{
    struct node_service *service = mem_new(sizeof(*service));
    meta_fill(&from->object, &service->meta);
    service->job_uid = text_copy(from->job_uid);
    return service;
}

/* --- People ------------------------------------------------------------------------------------
 */

static struct sim_service *service_of(const struct world *world, const char *job_uid)
{
    const struct store *store = &world->stores[KIND_SERVICE];
    for (size_t i = 0; i < store->count; i++) {
        struct sim_service *service = (struct sim_service *)store->items[i];
        if (name_eq(service->job_uid, job_uid))
            return service;
    }
    return NULL;
}

static void run_take_away(struct world *world, struct task *task)
{
    struct truth *truth = task->a;
    struct sim_service *service = service_of(world, truth->job->object.uid);
    if (service == NULL)
        return;
    STORY(world, "user   deletes service %s", service->object.name);
    truth->service_lost = true;
    world->counters.services_lost++;
    store_delete(world, &service->object);
}

/* Of some jobs the name is another Service's for a while, from others theirs is taken away. */
void service_troubles(struct world *world, const struct sim_job *job)
{
    if (!job->gang || !world->restless)
        return;
    if (chance(world, 60))
        job->truth->name_taken_until_ns = world->now_ns + draw_ms(world, 1000, 60000);
    if (chance(world, 60))
        after(world, draw_ms(world, 1000, 60000), run_take_away, job->truth, NULL, 0);
}

static void run_collect(struct world *world, struct task *task)
{
    services_collect(world, ((const struct truth *)task->a)->job);
}

/* --- The API server ----------------------------------------------------------------------------
 */

void service_create(struct world *world, struct request *request)
{
    struct truth *truth = truth_of(world, request->uid);
    struct sim_service *service =
        store_find(world, KIND_SERVICE, request->namespace_, request->name);
    if (truth == NULL || !truth->job->gang) {
        violation(world, "service", "service %s is not of a multi-node job", request->name);
        return;
    }
    if (service == NULL && world->now_ns < truth->name_taken_until_ns && !truth->served) {
        world->counters.services_taken++;
        request->result = DONE_EXISTS;
        return;
    }
    if (service != NULL) { /* as controller/execute.c: it is read, and it is ours */
        world->counters.creates_exist++;
    } else {
        service =
            object_new(world, KIND_SERVICE, sizeof(*service), request->namespace_, request->name);
        service->job_uid = request->uid;
        store_add(world, &service->object);
        world->counters.services++;
        if (truth->job->object.gone) /* its owner is not there: the garbage collector sees that */
            after(world, draw_ms(world, 10, 4000), run_collect, truth, NULL, 0);
    }
    truth->served = true;
    truth->service_lost = false;
    request->ret_uid = service->object.uid;
}

static bool has_ended(const struct sim_job *job)
{
    return job->object.gone || job_ended(job);
}

void service_delete(struct world *world, struct request *request, struct sim_service *service)
{
    if (request->uid == NULL)
        violation(world, "I7", "delete of service %s without a uid", request->name);
    if (service == NULL)
        return;
    if (!has_ended(truth_of(world, service->job_uid)->job))
        violation(world, "service", "service %s is deleted, and its job goes on", request->name);
    world->counters.services_deleted++;
    store_delete(world, &service->object);
}

void services_collect(struct world *world, const struct sim_job *job)
{
    struct sim_service *service = service_of(world, job->object.uid);
    if (service != NULL)
        store_delete(world, &service->object);
}

/* --- The oracle --------------------------------------------------------------------------------
 */

void oracle_service_sent(struct world *world, const struct request *request,
                         const struct sim_job *job)
{
    const struct truth *truth = job->truth;
    if (!job->gang || job->object.gone)
        return;
    if (!truth->served || (!truth->service_lost && service_of(world, job->object.uid) == NULL))
        violation(world, "service", "create %s before the Service that names it is stored",
                  request->name);
}

const char *services_unconverged(struct world *world)
{
    const struct store *store = &world->stores[KIND_SERVICE];
    for (size_t i = 0; i < store->count; i++) {
        const struct sim_service *service = (const struct sim_service *)store->items[i];
        if (has_ended(truth_of(world, service->job_uid)->job))
            return arena_printf(world->arena, "service %s is left behind", service->object.name);
    }
    for (const struct truth *truth = world->truths; truth != NULL; truth = truth->next)
        if (truth->service_lost && !has_ended(truth->job))
            return arena_printf(world->arena, "the service of %s is not made again",
                                truth->job->object.name);
    return NULL;
}
