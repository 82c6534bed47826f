/* SPDX-License-Identifier: Apache-2.0 */
/* event_test.c - what is posted, aggregated and dropped; and access checks that cannot be made */
#include "check.h"
#include "fake.h"

#include "bulkhead/kube/access.h"
#include "bulkhead/kube/event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct world {
    uv_loop_t loop;
    struct fake fake;
    struct kube_client *client;
    struct kube_events *events;
    struct str asked;
    int status; /* of every answer; 0: none */
    int checked;
    char words[600];
};

static void serve(void *ctx, const struct fake_request *request)
{
    struct world *world = ctx;
    const char *count = strstr(request->body, "\"count\":");
    str_addf(&world->asked, "%s %.*s%s\n", request->method, (int)strcspn(request->path, "."),
             request->path, count != NULL ? count + 7 : "");
    if (world->status != 0)
        fake_reply(request, world->status, NULL, "{}");
}

static void world_start(struct world *world, const struct kube_events_options *options)
{
    memset(world, 0, sizeof(*world));
    uv_loop_init(&world->loop);
    fake_start(&world->fake, &world->loop, serve, world);
    world->client = fake_client(&world->fake, NULL);
    world->events = kube_events_new(world->client, options);
    world->status = 201;
}

static void world_end(struct world *world)
{
    kube_events_free(world->events);
    fake_finish(&world->fake, world->client, &world->loop);
    str_done(&world->asked);
}

static void post(struct world *world, const char *name, const char *reason)
{
    const struct kube_event event = {.api_version = "v1",
                                     .kind = "Pod",
                                     .namespace = "a",
                                     .name = name,
                                     .uid = "u",
                                     .reason = reason,
                                     .message = "words"};
    kube_events_post(world->events, &event);
}

TEST(the_same_reason_is_one_event)
{
    struct world world;
    world_start(&world, &(struct kube_events_options){.component = "t", .series_ms = 1});
    post(&world, "x", "Retried");
    post(&world, "x", "Retried");
    post(&world, "y", "Retried");
    CHECK_TRUE("two", run_until(&world.loop, &world.fake.requests, 2));
    CHECK_HAS("made", str_text(&world.asked), "POST /api/v1/namespaces/a/events:2,");
    CHECK_HAS("made", str_text(&world.asked), "POST /api/v1/namespaces/a/events:1,");
    post(&world, "x", "Retried");
    CHECK_TRUE("a third", run_until(&world.loop, &world.fake.requests, 3));
    CHECK_HAS("counted", str_text(&world.asked), "PATCH /api/v1/namespaces/a/events/x:3,");
    world_end(&world);
}

TEST(events_are_dropped_first)
{
    struct world world;
    world_start(&world, &(struct kube_events_options){.component = "t", .queue_max = 5});
    world.status = 0;
    for (int i = 0; i < 20; i++) {
        AUTO_TEXT name = text_printf("p%d", i);
        post(&world, name, "Retried");
    }
    CHECK_INT("dropped", kube_events_stats(world.events).dropped, 15);
    CHECK_TRUE("four at once", run_until(&world.loop, &world.fake.requests, 4));
    CHECK_INT("waiting", kube_events_stats(world.events).waiting, 1);
    world_end(&world);
}

static void on_checked(void *ctx, const size_t *missing, size_t count, const struct err *err)
{
    struct world *world = ctx;
    world->checked++;
    snprintf(world->words, sizeof(world->words), "%zu %s", count, err != NULL ? err->text : "");
    (void)missing;
}

TEST(missing_rights_are_one_clear_line)
{
    static const struct kube_right rights[] = {{"create", "", "pods", "a"},
                                               {"patch", "bulkhead.dev", "batchjobs/status", NULL}};
    struct world world;
    world_start(&world, &(struct kube_events_options){.component = "t"});
    REQUIRE(kube_access_check(world.client, rights, 2, on_checked, &world, NULL) == 0);
    CHECK_TRUE("answered", run_until(&world.loop, &world.checked, 1));
    CHECK_TEXT("words", world.words,
               "2 not allowed (kubectl apply -k manifests/default, or grant it): create pods in a, "
               "patch batchjobs/status.bulkhead.dev");
    world.status = 500;
    REQUIRE(kube_access_check(world.client, rights, 2, on_checked, &world, NULL) == 0);
    CHECK_TRUE("answered", run_until(&world.loop, &world.checked, 2));
    CHECK_HAS("not made is not missing", world.words,
              "0 POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews: 500 ServerError");

    world.status = 0; /* and the client is closed before the answer: nothing may leak */
    REQUIRE(kube_access_check(world.client, rights, 2, on_checked, &world, NULL) == 0);
    CHECK_TRUE("asked", run_until(&world.loop, &world.fake.requests, 6));
    world_end(&world);
    CHECK_INT("no answer", world.checked, 2);
}
