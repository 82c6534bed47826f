/* SPDX-License-Identifier: Apache-2.0 */
#include "standby.h"

#include "bulkhead/base/log.h"
#include "bulkhead/base/map.h"
#include "bulkhead/json/get.h"
#include "bulkhead/kube/path.h"
#include "bulkhead/record/record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { ASK_TIMEOUT_MS = 3000 };

struct item { /* the event's texts are its own, what it points to as well */
    struct event event;
    char *key, *namespace_, *name, *uid, *message, *version;
};

struct question { /* what version has this kind now? */
    struct standby *standby;
    enum watched_kind kind;
    uint64_t call_id;
};

struct standby {
    struct map *items[WATCHED_COUNT]; /* "namespace/name" to struct item */
    struct question questions[WATCHED_COUNT];
    struct standby_takeover takeover;
};

static char *key_of(const char *namespace_, const char *name)
{
    return text_printf("%s/%s", namespace_ != NULL ? namespace_ : "", name != NULL ? name : "");
}

static void item_free(struct item *item)
{
    if (item == NULL)
        return;
    struct record record = {.kind = RECORD_EVENT, .event = item->event};
    record_drop(&record);
    free(item->key);
    free(item->namespace_);
    free(item->name);
    free(item->uid);
    free(item->message);
    free(item->version);
    free(item);
}

struct standby *standby_new(void)
{
    struct standby *standby = mem_new(sizeof(*standby));
    for (size_t i = 0; i < WATCHED_COUNT; i++) {
        standby->items[i] = map_new();
        standby->questions[i] = (struct question){standby, (enum watched_kind)i, 0};
    }
    return standby;
}

struct standby *standby_free(struct standby *standby)
{
    if (standby == NULL)
        return NULL;
    for (size_t i = 0; i < WATCHED_COUNT; i++) {
        struct item *item;
        for (size_t at = 0; (item = map_next(standby->items[i], &at, NULL)) != NULL;)
            item_free(item);
        map_free(standby->items[i]);
        if (standby->questions[i].call_id != 0)
            kube_cancel(standby->takeover.kube, standby->questions[i].call_id);
    }
    free(standby);
    return NULL;
}

/* ------------------------------------------------------------------ what is heard */

void standby_drop(struct standby *standby, enum watched_kind kind, const char *namespace_,
                  const char *name)
{
    AUTO_TEXT key = key_of(namespace_, name);
    item_free(map_remove(standby->items[kind], key));
}

/* All that events of objects own are pointers in one place: none is set when it has gone. */
void standby_put(struct standby *standby, enum watched_kind kind, struct event *event)
{
    if (event->meta == NULL)
        return;
    struct item *item = mem_new(sizeof(*item));
    item->event = *event;
    item->key = key_of(event->namespace_, event->name);
    item->event.namespace_ = item->namespace_ = text_copy(event->namespace_);
    item->event.name = item->name = text_copy(event->name);
    item->event.uid = item->uid = text_copy(event->uid);
    item->event.message = item->message = text_copy(event->message);
    item->event.resource_version = item->version = text_copy(event->resource_version);
    item_free(map_put(standby->items[kind], item->key, item));
}

size_t standby_count_of(const struct standby *standby, enum watched_kind kind)
{
    return map_count(standby->items[kind]);
}

size_t standby_count(const struct standby *standby)
{
    size_t count = 0;
    for (size_t i = 0; i < WATCHED_COUNT; i++)
        count += map_count(standby->items[i]);
    return count;
}

/* ------------------------------------------------------------------ catching up */

/* An answer that is none costs a list. */
static void on_version(void *ctx, const struct kube_response *response)
{
    struct question *question = ctx;
    struct json_object *meta = json_get_object(response->body, "metadata");
    const char *text = json_get_text(meta, "resourceVersion");
    uint64_t version = response->outcome == KUBE_OK && text != NULL ? strtoull(text, NULL, 10) : 0;
    question->call_id = 0;
    if (version == 0)
        log_info("lists again what a watch had told", KV("kind", watched_kind_name(question->kind)),
                 KV("why", response->message));
    watches_catch_up(question->standby->takeover.watches, question->kind, version);
}

static bool ask(struct question *question, struct kube_request *request)
{
    struct err err;
    request->timeout_ms = ASK_TIMEOUT_MS;
    request->on_done = on_version;
    request->ctx = question;
    return kube_send(question->standby->takeover.kube, request, &question->call_id, &err) == 0;
}

/* A list of one object names the version of all. */
static bool ask_version(struct question *question)
{
    AUTO_STR path = STR_EMPTY;
    str_add(&path, watched_kind_path(question->kind));
    kube_path_query(&path, "limit", "1");
    struct kube_request request = {.lane = KUBE_LANE_WATCHES,
                                   .method = KUBE_GET,
                                   .path = str_text(&path),
                                   .accept = KUBE_ACCEPT_METADATA_LIST};
    return ask(question, &request);
}

static const struct item *pod_to_mark(const struct standby *standby)
{
    struct item *item;
    for (size_t i = 0; (item = map_next(standby->items[WATCHED_PODS], &i, NULL)) != NULL;)
        if (item->event.pod->job_uid != NULL && item->event.pod->meta.has_finalizer &&
            item->event.pod->meta.deleted_ns == 0)
            return item;
    return NULL;
}

/* The change itself means nothing: it is heard of after all that was written before it. */
static bool mark_pod(struct question *question)
{
    struct err err;
    AUTO_STR path = STR_EMPTY;
    const struct standby_takeover *takeover = &question->standby->takeover;
    const struct item *item = pod_to_mark(question->standby);
    if (item == NULL)
        return false;
    const struct kube_ref ref = {.group_version = "v1",
                                 .resource = "pods",
                                 .namespace = item->namespace_,
                                 .name = item->name};
    if (kube_path(&path, &ref, &err) < 0)
        return false;
    kube_path_query(&path, "fieldManager", takeover->manager);
    AUTO_TEXT body =
        text_printf("{\"metadata\":{\"uid\":\"%s\",\"annotations\":{\"" ANNOTATION_TAKEOVER
                    "\":\"%" PRId64 "\"}}}",
                    item->uid, takeover->epoch);
    struct kube_request request = {.lane = KUBE_LANE_WRITES,
                                   .method = KUBE_PATCH,
                                   .path = str_text(&path),
                                   .body = body,
                                   .content = KUBE_CONTENT_MERGE_PATCH,
                                   .accept = KUBE_ACCEPT_METADATA};
    return ask(question, &request);
}

void standby_catch_up(struct standby *standby, const struct standby_takeover *takeover)
{
    standby->takeover = *takeover;
    watches_fall_behind(takeover->watches);
    for (size_t i = 0; i < WATCHED_COUNT; i++) {
        struct question *question = &standby->questions[i];
        bool many = map_count(standby->items[i]) >= STANDBY_MANY;
        bool asked = i == WATCHED_PODS ? mark_pod(question) : many && ask_version(question);
        if (!asked)
            watches_catch_up(takeover->watches, (enum watched_kind)i, 0);
    }
}

/* ---------------------------------------------------------------- handing over */

static int by_key(const void *a, const void *b)
{
    const struct item *const *one = a;
    const struct item *const *other = b;
    return strcmp((*one)->key, (*other)->key);
}

static struct item **sorted(struct map *items)
{
    struct item **list = mem_new((map_count(items) + 1) * sizeof(struct item *));
    struct item *item;
    size_t count = 0;
    for (size_t at = 0; (item = map_next(items, &at, NULL)) != NULL;)
        list[count++] = item;
    qsort(list, count, sizeof(struct item *), by_key);
    return list;
}

void standby_hand_over(struct standby *standby,
                       void (*apply)(void *ctx, enum watched_kind kind, struct event *event),
                       void *ctx)
{
    for (size_t kind = 0; kind < WATCHED_COUNT; kind++) {
        struct item **list = sorted(standby->items[kind]);
        for (size_t i = 0; list[i] != NULL; i++) {
            apply(ctx, (enum watched_kind)kind, &list[i]->event);
            list[i]->event = (struct event){.kind = EVENT_TICK}; /* its object was taken */
            item_free(map_remove(standby->items[kind], list[i]->key));
        }
        free(list);
    }
}
