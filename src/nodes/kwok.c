/* SPDX-License-Identifier: Apache-2.0 */
/* kwok.c - a node group of KWOK nodes: Node objects that KWOK brings to life after their boot time
 *
 * One task per call. A launch first lists the instances of its type when the catalogue says how
 * many there are; then a batch creates one Node per item, IN_FLIGHT_MAX at a time. A terminate is a
 * batch of deletes. A batch stops at the first error, lets what is in flight come back, and answers
 * with what is done: the same call again does the rest, for creates are found by name and deletes
 * are repeatable.
 *
 * Only Nodes whose providerID says that they are this environment's are ever deleted: the UID of
 * each is known from the last list or is read first, and every delete names it. */
#include "group.h"
#include "kwok_list.h"

#include "bulkhead/base/map.h"
#include "bulkhead/json/get.h"
#include "bulkhead/kube/client.h"
#include "bulkhead/kube/path.h"

#include <assert.h>
#include <stdlib.h>

enum { IN_FLIGHT_MAX = 64 };

struct kwok_task;
struct kwok_item {
    struct kwok_task *task;
    uint64_t request; /* 0: none in flight */
    char *id;         /* also the Node's name */
    char *uid;        /* terminate: NULL until it is known */
    bool done;
    enum instance_state state; /* when done */
    int64_t launched_ns;       /* 0: unknown */
};

struct kwok_task {
    struct node_group *group;
    enum group_verb verb;
    bool in_call; /* the call that began it has not returned: an answer must wait */
    struct kwok_list *list;
    struct instance_type type; /* launch */
    char *token, *zone;
    int64_t wanted;
    struct kwok_item *items;
    size_t item_count, next, in_flight;
    struct err err; /* the first; no new item is begun after it */
};

struct kwok { /* the group's state */
    struct kwok_task *tasks[GROUP_VERB_COUNT];
    struct map *uids; /* id -> heap text, of what was last seen */
};

static void task_pump(struct kwok_task *task);

/* --- What is known -------------------------------------------------------------------------------
 */

static void remember(struct kwok *kwok, const char *id, const char *uid)
{
    free(map_put(kwok->uids, id, text_copy(uid)));
}

static void forget_all(struct kwok *kwok)
{
    char *uid;
    const char *id;
    for (size_t i = 0; (uid = map_next(kwok->uids, &i, &id)) != NULL;) {
        map_remove(kwok->uids, id);
        free(uid);
    }
}

static struct kwok *state_of(struct node_group *group)
{
    if (group->state == NULL) {
        struct kwok *kwok = mem_new(sizeof(*kwok));
        kwok->uids = map_new();
        group->state = kwok;
    }
    return group->state;
}

/* --- Tasks ---------------------------------------------------------------------------------------
 */

static struct kwok_task *task_new(struct node_group *group, enum group_verb verb)
{
    struct kwok *kwok = state_of(group);
    struct kwok_task *task = mem_new(sizeof(*task));
    assert(kwok->tasks[verb] == NULL);
    task->group = group;
    task->verb = verb;
    task->in_call = true;
    kwok->tasks[verb] = task;
    return task;
}

static void task_free(struct kwok_task *task)
{
    for (size_t i = 0; i < task->item_count; i++) {
        kube_cancel(task->group->host.kube, task->items[i].request);
        free(task->items[i].id);
        free(task->items[i].uid);
    }
    free(task->items);
    kwok_list_cancel(task->list);
    instance_type_done(&task->type);
    free(task->token);
    free(task->zone);
    free(task);
}

/* INVALID only for what the admin can mend: a catalogue that the API server refuses, missing
 * rights. */
static enum provider_result result_of(const struct err *err)
{
    return err->kind == ERR_INVALID || err->kind == ERR_FATAL ? PROVIDER_INVALID : PROVIDER_AGAIN;
}

static void task_end(struct kwok_task *task, const struct instances *instances)
{
    struct node_group *group = task->group;
    enum group_verb verb = task->verb;
    struct err err = task->err;
    bool in_call = task->in_call,
         short_of = err.kind == ERR_NONE && (int64_t)task->item_count < task->wanted;
    int64_t limit = task->type.available;

    if (short_of)
        err_set(&err, ERR_AGAIN, "%zu of %lld %s launched: there are %lld in all", task->item_count,
                (long long)task->wanted, task->type.name, (long long)limit);
    ((struct kwok *)group->state)->tasks[verb] = NULL;
    for (size_t i = 0; i < task->item_count; i++)
        assert(task->items[i].request == 0);
    task_free(task);

    enum provider_result result = short_of               ? PROVIDER_CAPACITY
                                  : err.kind == ERR_NONE ? PROVIDER_OK
                                                         : result_of(&err);
    if (in_call)
        group_refuse(group, verb, result, "%s",
                     err.text); /* nothing was sent, so there is no instance to tell */
    else
        group_answer(group, verb,
                     &(struct provider_answer){.result = result,
                                               .message = result == PROVIDER_OK ? NULL : err.text,
                                               .instances = instances});
}

/* The items that are done, in their order. */
static void batch_end(struct kwok_task *task)
{
    struct instances instances = {.items = NULL};
    for (size_t i = 0; i < task->item_count; i++) {
        const struct kwok_item *item = &task->items[i];
        if (item->done)
            instances_add(&instances, &(struct instance){.id = item->id,
                                                         .node_name = item->id,
                                                         .type = task->type.name,
                                                         .state = item->state,
                                                         .launched_ns = item->launched_ns});
    }
    task_end(task, &instances);
    instances_done(&instances);
}

/* --- One item ------------------------------------------------------------------------------------
 */

static void on_created(void *ctx, const struct kube_response *response);
static void on_read(void *ctx, const struct kube_response *response);
static void on_deleted(void *ctx, const struct kube_response *response);

static int item_send(struct kwok_item *item, enum kube_method method, const char *body,
                     kube_done_fn *on_done, struct err *err)
{
    AUTO_STR path = STR_EMPTY;
    struct kube_ref ref = {
        .group_version = "v1", .resource = "nodes", .name = method == KUBE_POST ? NULL : item->id};
    if (kube_path(&path, &ref, err) < 0)
        return -1;

    struct kube_request request = {
        .lane = KUBE_LANE_WRITES,
        .method = method,
        .path = str_text(&path),
        .body = body,
        .accept = method == KUBE_POST ? KUBE_ACCEPT_METADATA : KUBE_ACCEPT_JSON,
        .on_done = on_done,
        .ctx = item,
    };
    return kube_send(item->task->group->host.kube, &request, &item->request, err);
}

static int item_create(struct kwok_item *item, struct err *err)
{
    const struct node_group *group = item->task->group;
    AUTO_TEXT body = kwok_node_text(group->name, item->id, &item->task->type, item->task->zone,
                                    group->host.now_ns());
    return item_send(item, KUBE_POST, body, on_created, err);
}

static int item_delete(struct kwok_item *item, struct err *err)
{
    AUTO(json_object) options = json_object_new_object();
    struct json_object *preconditions = json_object_new_object();
    json_put_text(options, "apiVersion", "v1");
    json_put_text(options, "kind", "DeleteOptions");
    json_put_text(preconditions, "uid", item->uid);
    json_put(options, "preconditions", preconditions);
    return item_send(item, KUBE_DELETE, json_print(options), on_deleted, err);
}

static int item_begin(struct kwok_item *item, struct err *err)
{
    if (item->task->verb == GROUP_LAUNCH)
        return item_create(item, err);
    return item->uid != NULL ? item_delete(item, err)
                             : item_send(item, KUBE_GET, NULL, on_read, err);
}

/* What has come back is dealt with: on to the next. The first error stays. */
static void item_end(struct kwok_item *item, const struct err *err)
{
    struct kwok_task *task = item->task;
    item->request = 0;
    task->in_flight--;
    if (err->kind != ERR_NONE && task->err.kind == ERR_NONE)
        task->err = *err;
    task_pump(task);
}

static void item_done(struct kwok_item *item, enum instance_state state)
{
    item->done = true;
    item->state = state;
    item_end(item, &(struct err){.kind = ERR_NONE});
}

static void on_created(void *ctx, const struct kube_response *response)
{
    struct kwok_item *item = ctx;
    struct err err = {.kind = ERR_NONE};
    item->request = 0;

    if (response->outcome == KUBE_OK) {
        struct json_object *metadata = json_get_object(response->body, "metadata");
        const char *uid = json_get_text(metadata, "uid");
        if (uid != NULL)
            remember(item->task->group->state, item->id, uid);
        item->launched_ns = json_get_time(metadata, "creationTimestamp");
        item_done(item, INSTANCE_PENDING);
        return;
    }
    /* Launched by an earlier call with this token, or somebody else's: only reading it tells. */
    if (response->outcome == KUBE_EXISTS && item_send(item, KUBE_GET, NULL, on_read, &err) == 0)
        return;
    if (response->outcome != KUBE_EXISTS)
        kube_response_err(response, &err);
    item_end(item, &err);
}

static void on_read(void *ctx, const struct kube_response *response)
{
    struct kwok_item *item = ctx;
    struct kwok_task *task = item->task;
    struct kwok_node node = {.uid = NULL};
    struct err err = {.kind = ERR_NONE};
    bool launching = task->verb == GROUP_LAUNCH;
    item->request = 0;

    bool ours =
        response->outcome == KUBE_OK && kwok_node_read(response->body, task->group->name, &node);
    if (ours && launching) {
        remember(task->group->state, item->id, node.uid);
        item->launched_ns = node.instance.launched_ns;
        item_done(item, node.instance.state);
    } else if (ours) {
        item->uid = text_copy(node.uid);
        if (item_delete(item, &err) < 0)
            item_end(item, &err);
    } else if (!launching &&
               (response->outcome == KUBE_OK || response->outcome == KUBE_NOT_FOUND)) {
        item_done(item, INSTANCE_TERMINATED); /* no such instance, whoever has its name now */
    } else if (response->outcome == KUBE_OK) {
        err_set(&err, ERR_INVALID,
                "node %s exists and is not an instance of compute environment %s", item->id,
                task->group->name);
        item_end(item, &err);
    } else {
        kube_response_err(response, &err);
        item_end(item, &err);
    }
    kwok_node_done(&node);
}

static void on_deleted(void *ctx, const struct kube_response *response)
{
    struct kwok_item *item = ctx;
    struct err err = {.kind = ERR_NONE};
    item->request = 0;

    switch ((int)response->outcome) {
    case KUBE_OK: { /* a Node: something still holds it; a Status: it is gone */
        bool held = text_eq(json_get_text(response->body, "kind"), "Node");
        item_done(item, held ? INSTANCE_TERMINATING : INSTANCE_TERMINATED);
        return;
    }
    case KUBE_NOT_FOUND:
    case KUBE_CONFLICT: /* another Node has the name by now; ours is gone */
        item_done(item, INSTANCE_TERMINATED);
        return;
    default:
        kube_response_err(response, &err);
        item_end(item, &err);
    }
}

/* Begins what may be begun; ends the task when nothing is in flight and nothing is left to begin.
 */
static void task_pump(struct kwok_task *task)
{
    while (task->err.kind == ERR_NONE && task->in_flight < IN_FLIGHT_MAX &&
           task->next < task->item_count) {
        struct kwok_item *item = &task->items[task->next];
        struct err err = {.kind = ERR_NONE};
        if (item->done) {
            task->next++;
            continue;
        }
        if (item_begin(item, &err) < 0) {
            if (err.kind == ERR_AGAIN && task->in_flight > 0)
                return; /* the client's line is full: go on when one of ours comes back */
            task->err = err;
            break;
        }
        task->next++;
        task->in_flight++;
        task->in_call = false; /* its answer comes from the loop, and so will the task's */
    }
    if (task->in_flight == 0)
        batch_end(task);
}

/* --- Verbs ---------------------------------------------------------------------------------------
 */

static void kwok_types(struct node_group *group, provider_callback done, void *ctx)
{
    group_begin(group, GROUP_TYPES, done, ctx);
    group_refuse(group, GROUP_TYPES, PROVIDER_OK, "%s", "");
}

static void on_observed(void *ctx, const struct kwok_nodes *nodes, const struct err *err)
{
    struct kwok_task *task = ctx;
    struct instances instances = {.items = NULL};
    task->list = NULL;
    if (err != NULL)
        task->err = *err;
    else
        forget_all(task->group->state);
    for (size_t i = 0; nodes != NULL && i < nodes->count; i++) {
        remember(task->group->state, nodes->items[i].instance.id, nodes->items[i].uid);
        instances_add(&instances, &nodes->items[i].instance);
    }
    task_end(task, &instances);
    instances_done(&instances);
}

static void start_list(struct kwok_task *task, const char *type, kwok_list_callback on_listed)
{
    struct node_group *group = task->group;
    task->list = kwok_list_start(group->host.kube, group->name, type, on_listed, task, &task->err);
    if (task->list == NULL)
        task_end(task, NULL);
    else
        task->in_call = false;
}

static void kwok_observe(struct node_group *group, provider_callback done, void *ctx)
{
    group_begin(group, GROUP_OBSERVE, done, ctx);
    start_list(task_new(group, GROUP_OBSERVE), NULL, on_observed);
}

static struct kwok_item *add_item(struct kwok_task *task, size_t item_max)
{
    if (task->items == NULL)
        task->items = mem_new(item_max * sizeof(*task->items));
    assert(task->item_count < item_max);
    struct kwok_item *item = &task->items[task->item_count++];
    item->task = task;
    return item;
}

/* Items for what this token has launched before, done already, then for as many more as there are.
 */
static void plan_launch(struct kwok_task *task, const struct kwok_nodes *nodes)
{
    AUTO(map) existing = map_new();
    for (size_t i = 0; nodes != NULL && i < nodes->count; i++)
        map_put(existing, nodes->items[i].instance.id, &nodes->items[i]);

    int64_t room = nodes == NULL ? task->wanted : task->type.available - (int64_t)nodes->count;
    for (int64_t i = 0; i < task->wanted; i++) {
        AUTO_TEXT name = kwok_node_name(task->group->name, task->token, i);
        const struct kwok_node *node = map_get(existing, name);
        if (node == NULL && room-- <= 0)
            continue;
        struct kwok_item *item = add_item(task, (size_t)task->wanted);
        item->id = STEAL(name);
        item->done = node != NULL;
        item->state = node != NULL ? node->instance.state : INSTANCE_PENDING;
        item->launched_ns = node != NULL ? node->instance.launched_ns : 0;
    }
}

static void on_counted(void *ctx, const struct kwok_nodes *nodes, const struct err *err)
{
    struct kwok_task *task = ctx;
    task->list = NULL;
    if (err != NULL)
        task->err = *err;
    else
        plan_launch(task, nodes);
    task_pump(task);
}

static void kwok_launch(struct node_group *group, const char *instance_type, const char *zone,
                        int64_t count, const char *token, provider_callback done, void *ctx)
{
    group_begin(group, GROUP_LAUNCH, done, ctx);
    const struct instance_type *type = group_find_type(group, instance_type);
    if (type == NULL) {
        group_refuse(group, GROUP_LAUNCH, PROVIDER_INVALID,
                     "instance type %s is not in the catalogue of compute environment %s",
                     instance_type, group->name);
        return;
    }

    struct kwok_task *task = task_new(group, GROUP_LAUNCH);
    instance_type_copy(&task->type, type);
    task->token = text_copy(token);
    task->zone = text_copy(zone);
    task->wanted = count;
    if (type->available >= 0) {
        start_list(task, instance_type, on_counted);
    } else {
        plan_launch(task, NULL);
        task_pump(task);
    }
}

static void kwok_terminate(struct node_group *group, const char *const *ids, size_t count,
                           provider_callback done, void *ctx)
{
    group_begin(group, GROUP_TERMINATE, done, ctx);
    struct kwok_task *task = task_new(group, GROUP_TERMINATE);
    for (size_t i = 0; i < count; i++) {
        struct kwok_item *item = add_item(task, count);
        item->id = text_copy(ids[i]);
        item->uid = text_copy(map_get(state_of(group)->uids, ids[i]));
    }
    task_pump(task);
}

static void kwok_free(struct node_group *group)
{
    struct kwok *kwok = group->state;
    if (kwok == NULL)
        return;
    for (size_t i = 0; i < GROUP_VERB_COUNT; i++) {
        if (kwok->tasks[i] != NULL)
            task_free(kwok->tasks[i]);
    }
    forget_all(kwok);
    map_free(kwok->uids);
    free(kwok);
    group->state = NULL;
}

const struct provider provider_kwok = {
    .name = "kwok",
    .types = kwok_types,
    .observe = kwok_observe,
    .launch = kwok_launch,
    .terminate = kwok_terminate,
    .free_state = kwok_free,
};
