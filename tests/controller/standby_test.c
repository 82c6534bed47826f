/* SPDX-License-Identifier: Apache-2.0 */
/* standby_test.c - what a standby hears, how it catches up, and what the core is handed
 *
 * The store is a fake API server with pods and a few queues, whose version grows with each change;
 * a change is told to the watch that is open, or not, as the row says. */
#include "check.h"
#include "kube/fake.h"

#include "bulkhead/base/map.h"
#include "bulkhead/record/record.h"
#include "controller/standby.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PODS_MAX = 4, MANY_QUEUES = STANDBY_MANY + 5 };

struct world {
    uv_loop_t loop;
    struct fake fake;
    struct kube_client *client;
    struct memo *memo;
    struct observer *observer;
    struct watches *watches;
    struct standby *standby;
    bool pods[PODS_MAX];
    int queues;
    int version;
    bool deaf;     /* watches are told nothing */
    bool no_marks; /* patches are refused */
    int synced, pod_lists, queue_lists, marks, asked;
    struct fake_request watching; /* pods */
    bool open;
    struct str handed;
};

static int64_t now_ns(void)
{
    return 5;
}

/* --- The store ------------------------------------------------------------------------------- */

static void add_pod(const struct world *world, size_t i, struct str *out)
{
    str_addf(out,
             "{\"metadata\":{\"namespace\":\"a\",\"name\":\"p%zu\",\"uid\":\"u%zu\","
             "\"resourceVersion\":\"%d\",\"finalizers\":[\"bulkhead.dev/outcome\"],\"labels\":{"
             "\"bulkhead.dev/job-uid\":\"j\",\"bulkhead.dev/index\":\"%zu\","
             "\"bulkhead.dev/try\":\"1\"}},\"spec\":{},\"status\":{}}",
             i, i, world->version, i);
}

static void change_pod(struct world *world, size_t i, bool there)
{
    const char *type = !there ? "DELETED" : world->pods[i] ? "MODIFIED" : "ADDED";
    AUTO_STR line = STR_EMPTY;
    world->version++;
    world->pods[i] = there;
    str_addf(&line, "{\"type\":\"%s\",\"object\":", type);
    add_pod(world, i, &line);
    str_add(&line, "}\n");
    if (world->open && !world->deaf)
        fake_piece(&world->watching, str_text(&line));
}

static void reply_list(const struct world *world, const struct fake_request *request,
                       const char *items)
{
    AUTO_STR out = STR_EMPTY;
    str_addf(&out, "{\"metadata\":{\"resourceVersion\":\"%d\"},\"items\":[%s]}", world->version,
             items);
    fake_reply(request, 200, NULL, str_text(&out));
}

static void list_pods(struct world *world, const struct fake_request *request)
{
    AUTO_STR items = STR_EMPTY;
    world->pod_lists++;
    for (size_t i = 0; i < PODS_MAX; i++) {
        if (!world->pods[i])
            continue;
        str_add(&items, items.size > 0 ? "," : "");
        add_pod(world, i, &items);
    }
    reply_list(world, request, str_text(&items));
}

static void list_queues(struct world *world, const struct fake_request *request)
{
    AUTO_STR items = STR_EMPTY;
    bool asked = strstr(request->path, "limit=1&") != NULL ||
                 strcmp(strstr(request->path, "limit="), "limit=1") == 0;
    world->asked += asked ? 1 : 0;
    world->queue_lists += asked ? 0 : 1;
    for (int i = 0; i < (asked ? 1 : world->queues); i++)
        str_addf(&items,
                 "%s{\"metadata\":{\"name\":\"q%04d\",\"uid\":\"q%d\",\"resourceVersion\":\"1\"},"
                 "\"spec\":{}}",
                 i > 0 ? "," : "", i, i);
    reply_list(world, request, str_text(&items));
}

static void mark(struct world *world, const struct fake_request *request)
{
    char body[100];
    world->marks++;
    if (world->no_marks) {
        fake_reply(request, 404, NULL, "{\"kind\":\"Status\",\"reason\":\"NotFound\"}");
        return;
    }
    CHECK_HAS("signed", request->path, "fieldManager=bulkhead-default-7");
    CHECK_HAS("the epoch", request->body, "\"bulkhead.dev/takeover\":\"7\"");
    change_pod(world, 0, true);
    (void)snprintf(body, sizeof(body), "{\"metadata\":{\"resourceVersion\":\"%d\"}}",
                   world->version);
    fake_reply(request, 200, NULL, body);
}

static void serve(void *ctx, const struct fake_request *request)
{
    struct world *world = ctx;
    bool watch = strstr(request->path, "watch=true") != NULL;
    bool pods = strncmp(request->path, "/api/v1/pods?", 13) == 0;
    if (strcmp(request->method, "PATCH") == 0) {
        mark(world, request);
    } else if (watch) {
        fake_begin(request, 200);
        world->watching = pods ? *request : world->watching;
        world->open = world->open || pods;
    } else if (pods) {
        world->open = false;
        list_pods(world, request);
    } else if (strstr(request->path, "jobqueues") != NULL) {
        list_queues(world, request);
    } else {
        reply_list(world, request, "");
    }
}

/* --- The process around it ------------------------------------------------------------------- */

static void on_object(void *ctx, enum watched_kind kind, const char *namespace_, const char *name)
{
    struct world *world = ctx;
    standby_drop(world->standby, kind, namespace_, name);
}

static void apply(void *ctx, enum watched_kind kind, struct event *event)
{
    struct world *world = ctx;
    standby_put(world->standby, kind, event);
}

static void on_handed_over(void *ctx, enum watched_kind kind, struct event *event)
{
    struct world *world = ctx;
    struct record record = {.kind = RECORD_EVENT, .event = *event};
    if (kind == WATCHED_PODS)
        str_addf(&world->handed, "%s/%s@%s ", event->namespace_, event->name,
                 event->pod->meta.resource_version);
    record_drop(&record);
}

static void on_synced(void *ctx)
{
    struct world *world = ctx;
    world->synced++;
}

static void on_environment(void *ctx, const struct compute_environment *environment)
{
    UNUSED(ctx);
    UNUSED(environment);
}

static void on_environment_gone(void *ctx, const char *name)
{
    UNUSED(ctx);
    UNUSED(name);
}

static void on_turn(uv_prepare_t *prepare)
{
    struct world *world = prepare->data;
    watches_turn(world->watches);
}

static void on_tick(uv_timer_t *timer)
{
    struct world *world = timer->data;
    watches_tick(world->watches);
}

static void open_world(struct world *world)
{
    world->memo = memo_new();
    world->standby = standby_new();
    const struct observer_options observer = {.memo = world->memo,
                                              .apply = apply,
                                              .on_object = on_object,
                                              .on_environment = on_environment,
                                              .on_environment_gone = on_environment_gone,
                                              .now_ns = now_ns,
                                              .ctx = world};
    world->observer = observer_new(&observer);
    uv_loop_init(&world->loop);
    fake_start(&world->fake, &world->loop, serve, world);
    world->client = fake_client(&world->fake, NULL);
    const struct watches_options watches = {.kube = world->client,
                                            .observer = world->observer,
                                            .standby = true,
                                            .on_synced = on_synced,
                                            .ctx = world};
    struct err err;
    world->watches = watches_new(&watches);
    REQUIRE(watches_start(world->watches, &err) == 0);
}

static void close_world(struct world *world)
{
    watches_free(world->watches);
    standby_free(world->standby);
    kube_client_close(world->client, NULL, NULL);
    fake_finish(&world->fake, NULL, &world->loop);
    observer_free(world->observer);
    memo_free(world->memo);
    str_done(&world->handed);
}

/* --- The rows -------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    struct world world;
    bool unheard; /* what comes between is told to nobody, as by a watch that is behind */
    int pod_lists, queue_lists, marks, asked;
    const char *handed;
} rows[] = {
    {"a mark in the watch of pods, the others by lists",
     {.pods = {true, true, false, true}, .queues = 2, .version = 10},
     false,
     1,
     2,
     1,
     0,
     "a/p0@14 a/p1@11 a/p2@13 "},
    {"who has no pod to mark lists",
     {.queues = 2, .version = 10},
     false,
     2,
     2,
     0,
     0,
     "a/p1@13 a/p2@13 "},
    {"a mark that is refused: lists",
     {.pods = {true, true, false, true}, .queues = 2, .version = 10, .no_marks = true},
     false,
     2,
     2,
     1,
     0,
     "a/p0@13 a/p1@13 a/p2@13 "},
    {"a watch that does not come so far: lists",
     {.pods = {true, true, false, true}, .queues = 2, .version = 10},
     true,
     2,
     2,
     1,
     0,
     "a/p0@14 a/p1@14 a/p2@14 "},
};

static void play(size_t row, struct world *world)
{
    uv_prepare_t turn;
    uv_timer_t tick;
    open_world(world);
    uv_prepare_init(&world->loop, &turn);
    uv_timer_init(&world->loop, &tick);
    turn.data = tick.data = world;
    uv_prepare_start(&turn, on_turn);
    uv_timer_start(&tick, on_tick, 20, 20);
    REQUIRE(run_until(&world->loop, &world->synced, 1));
    while (!world->open)
        uv_run(&world->loop, UV_RUN_ONCE);

    /* The last leader's last words. */
    world->deaf = rows[row].unheard;
    change_pod(world, 1, true);
    change_pod(world, 3, false);
    change_pod(world, 2, true);
    const struct standby_takeover takeover = {.kube = world->client,
                                              .watches = world->watches,
                                              .manager = "bulkhead-default-7",
                                              .epoch = 7};
    standby_catch_up(world->standby, &takeover);
    REQUIRE(run_until(&world->loop, &world->synced, 2));
    standby_hand_over(world->standby, on_handed_over, world);
    CHECK_INT(rows[row].name, standby_count(world->standby), 0);
    uv_close((uv_handle_t *)&turn, NULL);
    uv_close((uv_handle_t *)&tick, NULL);
}

TEST(standby)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world world = rows[i].world;
        play(i, &world);
        CHECK_INT(rows[i].name, world.pod_lists, rows[i].pod_lists);
        CHECK_INT(rows[i].name, world.queue_lists, rows[i].queue_lists);
        CHECK_INT(rows[i].name, world.marks, rows[i].marks);
        CHECK_INT(rows[i].name, world.asked, rows[i].asked);
        CHECK_TEXT(rows[i].name, str_text(&world.handed), rows[i].handed);
        close_world(&world);
    }
}

/* A kind of many objects is not listed again, if its watch has come far enough; this one has not.
 */
TEST(many_objects_are_asked_for_their_version)
{
    struct world world = {.pods = {true}, .queues = MANY_QUEUES, .version = 10};
    play(0, &world);
    CHECK_INT("asked", world.asked, 1);
    CHECK_INT("pods", world.pod_lists, 1);
    close_world(&world);
}
