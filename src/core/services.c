/* SPDX-License-Identifier: Apache-2.0 */
/* services.c - the Services that name the nodes of multi-node jobs (api/service.h)
 *
 * No pod of a multi-node job is made before its Service is known to be stored, so that a program
 * that asks for a name never asks too early. It stays over the job's retries, and is deleted when
 * everybody can read that the job has ended; with a job that is deleted it is garbage collected.
 *
 * Nothing of this is stored: what is there is watched. A Service whose job has ended is deleted
 * whoever made it and whenever it is seen, one that a person took away is made again, and what has
 * its name and is not the job's keeps the job waiting, which is told so.
 *
 * Work is done in services_plan for those in core->services_to_look; after a failure the service's
 * timer brings it back. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static void look(struct core *core, struct core_service *service)
{
    if (service->to_look)
        return;
    service->to_look = true;
    service->look_next = core->services_to_look;
    core->services_to_look = service;
}

void service_timer(struct core *core, struct core_service *service)
{
    look(core, service);
}

/* Something did not come about: again after a pause that grows. */
static void try_again(struct core *core, struct core_service *service)
{
    enum { LEVEL_MAX = 5 };
    timer_set(&core->timers, &service->timer, core->now_ns + (NS_PER_S << service->retry_level));
    if (service->retry_level < LEVEL_MAX)
        service->retry_level++;
}

/* ---------------------------------------------------------------------- records */

static struct core_service *service_of(struct core *core, const char *namespace_, const char *name,
                                       const char *job_uid)
{
    AUTO_TEXT key = text_printf("%s/%s", namespace_, name);
    struct core_service *service = map_get(core->services, key);
    if (service != NULL)
        return service;
    service = mem_new(sizeof(*service));
    service->key = text_copy(key);
    service->namespace_ = text_copy(namespace_);
    service->name = text_copy(name);
    service->job_uid = text_copy(job_uid);
    service->timer.kind = TIMER_SERVICE;
    map_put(core->services, key, service);
    return service;
}

static struct core_service *service_of_job(struct core *core, const struct core_job *job, bool make)
{
    const struct object_meta *meta = &job->spec->meta;
    AUTO_TEXT name = node_service_name(meta->name, job->uid);
    AUTO_TEXT key = text_printf("%s/%s", meta->namespace_, name);
    return make ? service_of(core, meta->namespace_, name, job->uid) : map_get(core->services, key);
}

static void service_free(struct core *core, struct core_service *service)
{
    map_remove(core->services, service->key);
    timer_clear(&core->timers, &service->timer);
    free(service->key);
    free(service->namespace_);
    free(service->name);
    free(service->job_uid);
    free(service->uid);
    free(service);
}

/* The job that it is to serve; NULL: there is none, or none any more. */
static struct core_job *job_of(const struct core *core, const struct core_service *service)
{
    struct core_job *job = map_get(core->jobs, service->job_uid);
    return job != NULL && !job->end_durable ? job : NULL;
}

static void free_if_unused(struct core *core, struct core_service *service)
{
    if (service->uid == NULL && service->flights == 0 && !service->to_look &&
        job_of(core, service) == NULL)
        service_free(core, service);
}

/* ----------------------------------------------------------------- what is observed */

void service_apply(struct core *core, struct node_service *take_seen)
{
    const struct object_meta *meta = &take_seen->meta;
    struct core_service *service =
        service_of(core, meta->namespace_, meta->name, take_seen->job_uid);
    if (text_eq(service->job_uid, take_seen->job_uid)) {
        text_set(&service->uid, meta->uid);
        service->deleting = meta->deleted_ns != 0;
        look(core, service);
    }
    node_service_free(take_seen);
}

void service_gone(struct core *core, const char *key, const char *uid)
{
    struct core_service *service = map_get(core->services, key);
    if (service == NULL || !text_eq(service->uid, uid))
        return;
    text_set(&service->uid, NULL);
    service->deleting = false;
    service->wanted = true;
    look(core, service);
}

bool service_is_stored(struct core *core, const struct core_job *job)
{
    struct core_service *service = service_of_job(core, job, true);
    if (service->uid != NULL && !service->deleting)
        return true;
    service->wanted = true;
    look(core, service);
    return false;
}

void service_look(struct core *core, const struct core_job *job)
{
    struct core_service *service = job->gang ? service_of_job(core, job, false) : NULL;
    if (service != NULL)
        look(core, service);
}

/* ------------------------------------------------------------------------- plan */

static struct action *action_for(struct core *core, struct core_service *service,
                                 enum action_kind kind)
{
    struct action *action = action_new(core, kind, service);
    action->namespace_ = service->namespace_;
    action->name = service->name;
    service->in_flight = true;
    return action;
}

static void plan_one(struct core *core, struct core_service *service)
{
    const struct core_job *job = map_get(core->jobs, service->job_uid);
    if (job == NULL || service->in_flight || timer_is_set(&service->timer))
        return; /* what is of no job any more goes with its owner */
    if (job->end_durable && service->uid != NULL && !service->deleting) {
        struct action *action = action_for(core, service, ACTION_SERVICE_DELETE);
        action->uid = arena_copy(core->arena, service->uid);
    } else if (!job->ended && service->uid == NULL && service->wanted) {
        struct action *action = action_for(core, service, ACTION_SERVICE_CREATE);
        action->job = job->spec;
        action->uid = job->uid;
    }
}

void services_plan(struct core *core)
{
    while (core->services_to_look != NULL && plan_has_room(core)) {
        struct core_service *service = core->services_to_look;
        core->services_to_look = service->look_next;
        plan_one(core, service);
        service->to_look = false;
        free_if_unused(core, service);
    }
}

/* ---------------------------------------------------------------------- answers */

/* Its pods that wait for the Service wait for a place again, so that they keep no room. */
static void unplace_pods(struct core *core, struct core_job *job)
{
    for (uint32_t i = 0; job->children != NULL && i < job->size; i++) {
        struct core_pod *pod = job->children[i].pod;
        if (pod != NULL && pod->state == PODS_CREATING && !pod->create_sent)
            pod_unplace(core, pod, false);
    }
}

static void create_refused(struct core *core, const struct core_service *service,
                           const struct done *done)
{
    struct core_job *job = job_of(core, service);
    const char *words = done->message != NULL ? done->message : "";
    if (job == NULL || job->ended)
        return;
    unplace_pods(core, job);
    if (job->ended)
        return; /* it was cancelled, and waited for nothing but that */
    AUTO_TEXT message =
        done->result == DONE_EXISTS
            ? text_printf("a Service %s is there that is not this job's, whose nodes are to have "
                          "that name: delete it",
                          service->name)
            : text_copy(words);
    if (done->result == DONE_REFUSED)
        job_fail_waiting(core, job, "ServiceRefused", message);
    else
        job_hold(core, job,
                 done->result == DONE_EXISTS  ? VERDICT_SERVICE
                 : done->result == DONE_QUOTA ? VERDICT_QUOTA
                                              : VERDICT_FORBIDDEN,
                 message, 5 * NS_PER_S);
}

static void create_done(struct core *core, struct core_service *service, const struct done *done)
{
    switch (done->result) {
    case DONE_OK:
        text_set(&service->uid, done->uid);
        service->deleting = service->wanted = false;
        service->retry_level = 0;
        break;
    case DONE_EXISTS:
    case DONE_REFUSED:
    case DONE_QUOTA:
    case DONE_FORBIDDEN:
        service->wanted = false; /* until its job is placed again */
        service->retry_level = 0;
        create_refused(core, service, done);
        break;
    default:
        try_again(core, service);
        break;
    }
}

static void delete_done(struct core *core, struct core_service *service, const struct done *done)
{
    if (done->result == DONE_OK || done->result == DONE_NOT_FOUND)
        text_set(&service->uid, NULL); /* should the watch show it once more, it is deleted again */
    else
        try_again(core, service);
}

void service_done(struct core *core, struct flight *flight, const struct done *done)
{
    struct core_service *service = flight->object;
    bool create = flight->kind == ACTION_SERVICE_CREATE;
    service->in_flight = false;
    look(core, service); /* first: it is not freed before services_plan has seen it */
    flight_end(core, flight);
    if (create)
        create_done(core, service, done);
    else
        delete_done(core, service, done);
}

/* ---------------------------------------------------------------------- the end */

void services_free(struct core *core)
{
    size_t at = 0;
    struct core_service *service;
    while ((at = 0, service = map_next(core->services, &at, NULL)) != NULL)
        service_free(core, service);
    map_free(core->services);
}
