/* SPDX-License-Identifier: Apache-2.0 */
/* fence_test.c - how the epoch is taken, against a store of one Cell that can misbehave */
#include "check.h"
#include "kube/fake.h"

#include "bulkhead/json/get.h"
#include "controller/fence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct world {
    uv_loop_t loop;
    struct fake fake;
    struct kube_client *client;
    bool there, policies;
    int epoch, version;
    int lose;   /* so many raises are carried out, and not answered */
    int race;   /* so many raises come after somebody else's */
    int sleepy; /* so many proofs are accepted before the policies have seen the Cell */
    int taken, passed;
    bool enforced;
    char why[200], proof[64];
    struct str log;
};

static void reply_cell(struct world *world, const struct fake_request *request)
{
    char body[256];
    (void)snprintf(body, sizeof(body),
                   "{\"metadata\":{\"name\":\"default\",\"uid\":\"u\",\"resourceVersion\":\"%d\"},"
                   "\"status\":{\"epoch\":%d,\"holder\":\"them\"}}",
                   world->version, world->epoch);
    fake_reply(request, 200, NULL, body);
}

static void raise_epoch(struct world *world, const struct fake_request *request)
{
    struct err err;
    AUTO(json_object) doc = NULL;
    REQUIRE(json_parse(request->body, strlen(request->body), &doc, &err) == 0);
    const char *version = json_get_text(json_get_object(doc, "metadata"), "resourceVersion");
    if (world->race > 0) {
        world->race--;
        world->epoch++;
        world->version++;
    }
    if (version == NULL || strtol(version, NULL, 10) != world->version) {
        fake_reply(request, 409, NULL, "{}");
        return;
    }
    world->epoch = (int)json_get_i64(json_get_object(doc, "status"), "epoch", 0);
    world->version++;
    if (world->lose > 0) {
        world->lose--;
        fake_hang_up(request);
        return;
    }
    reply_cell(world, request);
}

static void prove(struct world *world, const struct fake_request *request)
{
    const char *manager = strstr(request->path, "fieldManager=");
    (void)snprintf(world->proof, sizeof(world->proof), "%s", manager != NULL ? manager : "");
    bool sleeps = world->sleepy > 0 && world->sleepy-- > 0;
    if (world->policies && !sleeps)
        fake_reply(request, 422, NULL,
                   "{\"kind\":\"Status\",\"reason\":\"Invalid\",\"message\":\"cells "
                   "\\\"default\\\" is forbidden: "
                   "ValidatingAdmissionPolicy 'bulkhead-fence' with binding 'bulkhead-fence' "
                   "denied request: no\"}");
    else
        reply_cell(world, request);
}

static void serve(void *ctx, const struct fake_request *request)
{
    struct world *world = ctx;
    str_addf(&world->log, "%s ", request->method);
    if (strcmp(request->method, "POST") == 0) {
        world->there = true;
        reply_cell(world, request);
    } else if (!world->there) {
        fake_reply(request, 404, NULL, "{}");
    } else if (strcmp(request->method, "PUT") == 0) {
        raise_epoch(world, request);
    } else if (strcmp(request->method, "PATCH") == 0) {
        prove(world, request);
    } else {
        reply_cell(world, request);
    }
}

static void on_taken(void *ctx, bool enforced)
{
    struct world *world = ctx;
    world->taken++;
    world->enforced = enforced;
}

static void on_passed(void *ctx, const char *why)
{
    struct world *world = ctx;
    world->passed++;
    (void)snprintf(world->why, sizeof(world->why), "%s", why);
}

static int64_t wall_ns(void)
{
    return 1700000000000000000;
}

static struct fence *start(struct world *world)
{
    uv_loop_init(&world->loop);
    fake_start(&world->fake, &world->loop, serve, world);
    world->client = fake_client(&world->fake, NULL);
    const struct fence_options options = {.uv = &world->loop,
                                          .kube = world->client,
                                          .cell = "default",
                                          .holder = "me",
                                          .proof_ms = 100,
                                          .wall_ns = wall_ns,
                                          .on_taken = on_taken,
                                          .on_passed = on_passed,
                                          .ctx = world};
    struct fence *fence = fence_new(&options);
    fence_take(fence);
    return fence;
}

static void end(struct world *world, struct fence *fence)
{
    kube_client_close(world->client, NULL, NULL);
    fence_free(fence);
    fake_finish(&world->fake, NULL, &world->loop);
    str_done(&world->log);
}

static const struct {
    const char *name;
    struct world world;
    int epoch;
    bool enforced;
    const char *log, *proof;
} rows[] = {
    {"nobody has led yet",
     {.policies = true},
     1,
     true,
     "GET POST GET PUT PATCH ",
     "fieldManager=bulkhead-default-0"},
    {"somebody has",
     {.there = true, .epoch = 6, .policies = true},
     7,
     true,
     "GET PUT PATCH ",
     "fieldManager=bulkhead-default-6"},
    {"another is faster",
     {.there = true, .epoch = 6, .policies = true, .race = 1},
     8,
     true,
     "GET PUT GET PUT PATCH ",
     "fieldManager=bulkhead-default-7"},
    {"the answer is lost",
     {.there = true, .epoch = 6, .policies = true, .lose = 1},
     8,
     true,
     "GET PUT GET PUT PATCH ",
     "fieldManager=bulkhead-default-7"},
    {"the policies see the Cell later",
     {.there = true, .epoch = 6, .policies = true, .sleepy = 2},
     7,
     true,
     "GET PUT PATCH PATCH PATCH ",
     "fieldManager=bulkhead-default-6"},
    {"there are no policies",
     {.there = true, .epoch = 6},
     7,
     false,
     NULL,
     "fieldManager=bulkhead-default-6"},
};

TEST(an_epoch_is_taken)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world world = rows[i].world;
        struct fence *fence = start(&world);
        CHECK_TRUE(rows[i].name, run_until(&world.loop, &world.taken, 1));
        CHECK_INT(rows[i].name, fence_epoch(fence), rows[i].epoch);
        CHECK_INT(rows[i].name, world.enforced, rows[i].enforced);
        CHECK_INT(rows[i].name, fence_is_enforced(fence), rows[i].enforced);
        if (rows[i].log != NULL)
            CHECK_TEXT(rows[i].name, str_text(&world.log), rows[i].log);
        CHECK_TEXT(rows[i].name, world.proof, rows[i].proof);
        AUTO_TEXT manager = text_printf("bulkhead-default-%d", rows[i].epoch);
        CHECK_TEXT(rows[i].name, fence_manager(fence), manager);
        end(&world, fence);
    }
}

TEST(a_refused_write_tells_who_leads)
{
    struct world world = {.there = true, .epoch = 6, .policies = true};
    struct fence *fence = start(&world);
    CHECK_TRUE("taken", run_until(&world.loop, &world.taken, 1));
    int requests = world.fake.requests;
    fence_look(fence);
    fence_look(fence); /* one look at a time */
    CHECK_TRUE("looked", run_until(&world.loop, &world.fake.requests, requests + 1));
    world.epoch = 9;
    fence_look(fence); /* the first one is still on its way, or the second look finds it */
    while (world.passed == 0 && world.fake.requests < requests + 10) {
        fence_look(fence);
        uv_run(&world.loop, UV_RUN_ONCE);
    }
    CHECK_TEXT("why", world.why, "epoch 9 of Cell default is held by them, ours was 7");
    end(&world, fence);
}
