/* SPDX-License-Identifier: Apache-2.0 */
/* sink_test.c - events on their way to a sink that takes them, refuses them, or does not answer */
#include "check.h"
#include "kube/fake.h"

#include "controller/sink.h"

#include <stdio.h>
#include <string.h>

struct world {
    uv_loop_t loop;
    struct fake fake;
    struct sink *sink;
    int status; /* of every answer; 0: hang up */
    int answers;
    struct str asked, told;
};

static void serve(void *ctx, const struct fake_request *request)
{
    struct world *world = ctx;
    const char *type = strstr(request->head, "Content-Type:");
    const char *id = strstr(request->body, "\"id\":");
    str_addf(&world->asked, "%s %s %.*s %.*s\n", request->method, request->path,
             type != NULL ? (int)strcspn(type, "\r\n") : 0, type, id != NULL ? 20 : 0, id);
    if (world->status == 0)
        fake_hang_up(request);
    else
        fake_reply(request, world->status, NULL, world->status < 300 ? "thank you" : "no");
}

static void on_answer(void *ctx, uint64_t action_id, enum done_result result, const char *message)
{
    struct world *world = ctx;
    str_addf(&world->told, "%d %s%s\n", (int)action_id,
             result == DONE_OK        ? "taken"
             : result == DONE_REFUSED ? "refused: "
                                      : "again: ",
             message != NULL ? message : "");
    world->answers++;
}

static void world_start(struct world *world)
{
    struct err err;
    memset(world, 0, sizeof(*world));
    uv_loop_init(&world->loop);
    fake_start(&world->fake, &world->loop, serve, world);
    AUTO_TEXT url = text_printf("http://127.0.0.1:%d/in/box?key=1", world->fake.port);
    const struct sink_options options = {.uv = &world->loop,
                                         .endpoint = {.name = "--event-sink", .url = url},
                                         .user_agent = "test",
                                         .on_answer = on_answer,
                                         .ctx = world};
    world->sink = sink_new(&options, &err);
    REQUIRE(world->sink != NULL);
}

static void world_end(struct world *world)
{
    world->sink = sink_free(world->sink);
    fake_finish(&world->fake, NULL, &world->loop);
    str_done(&world->asked);
    str_done(&world->told);
}

static void post(struct world *world, uint64_t id)
{
    static char name[] = "a", namespace_[] = "ns", uid[] = "u-1", queue[] = "q";
    const struct batch_job job = {
        .meta = {.name = name, .namespace_ = namespace_, .uid = uid, .created_ns = NS_PER_S},
        .queue = queue,
    };
    const struct state_change change = {
        .job = &job, .mark = {1, JOB_RUNNING}, .time_ns = 2 * NS_PER_S};
    const struct action action = {.kind = ACTION_JOB_TELL, .id = id, .change = &change};
    CHECK_TRUE("sent", sink_post(world->sink, &action));
}

/* clang-format off */
static const struct { int status; const char *want; } rows[] = {
    { 200, "7 taken\n" },
    { 202, "7 taken\n" },
    { 400, "7 refused: no\n" },
    { 413, "7 refused: no\n" },
    { 404, "7 again: no\n" },
    { 302, "7 again: no\n" },
    { 500, "7 again: no\n" },
    { 503, "7 again: no\n" },
};
/* clang-format on */

TEST(what_the_sink_answers)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world world;
        AUTO_TEXT name = text_printf("%d", rows[i].status);
        world_start(&world);
        world.status = rows[i].status;
        post(&world, 7);
        CHECK_TRUE(name, run_until(&world.loop, &world.answers, 1));
        CHECK_TEXT(name, str_text(&world.told), rows[i].want);
        CHECK_TEXT(name, str_text(&world.asked),
                   "POST /in/box?key=1 Content-Type: application/cloudevents+json; charset=UTF-8 "
                   "\"id\":\"u-1.1.RUNNING\"\n");
        world_end(&world);
    }
}

TEST(a_sink_that_hangs_up_is_asked_again_by_the_core_only)
{
    struct world world;
    world_start(&world);
    post(&world, 7);
    CHECK_TRUE("answered", run_until(&world.loop, &world.answers, 1));
    CHECK_HAS("again", str_text(&world.told), "7 again: ");
    world.status = 204;
    post(&world, 8);
    CHECK_TRUE("answered", run_until(&world.loop, &world.answers, 2));
    CHECK_HAS("taken", str_text(&world.told), "8 taken\n");
    struct sink_stats stats = sink_stats(world.sink);
    CHECK_INT("delivered", (int64_t)stats.delivered, 1);
    CHECK_INT("failed", (int64_t)stats.failed, 1);
    world_end(&world);
}

/* Nothing may leak, and nobody is told. */
TEST(a_sink_that_is_closed_before_the_answer)
{
    struct world world;
    world_start(&world);
    world.status = 200;
    post(&world, 7);
    world_end(&world);
    CHECK_INT("answers", world.answers, 0);
}

/* clang-format off */
static const struct { const char *url, *ca, *token, *want; } refused[] = {
    { "ftp://sink", NULL, NULL, "--event-sink: \"ftp://sink\", expected http://HOST or https://HOST" },
    { "http://", NULL, NULL, "--event-sink: \"http://\", expected http://HOST or https://HOST" },
    { "http:///path", NULL, NULL, "--event-sink: \"http:///path\", expected http://HOST or https://HOST" },
    { "sink:8080", NULL, NULL, "--event-sink: \"sink:8080\", expected http://HOST or https://HOST" },
    { "https://me:secret@sink/", NULL, NULL, "--event-sink: a URL with a password is not taken; use a token file" },
    { "http://sink/a b", NULL, NULL, "--event-sink: \"http://sink/a b\", expected no spaces and no #" },
    { "https://sink", "/nowhere/ca.pem", NULL, "--event-sink: certificate authority: /nowhere/ca.pem: No such file or directory" },
    { "https://sink", "docs/events.md", NULL, "--event-sink: certificate-authority: holds no PEM certificate" },
    { "http://sink/x", NULL, "/token", "--event-sink: server http://sink would get credentials unencrypted; use https://" },
};
/* clang-format on */

TEST(a_sink_that_cannot_be)
{
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct err err = {.kind = ERR_NONE};
        uv_loop_t loop;
        uv_loop_init(&loop);
        const struct sink_options options = {.uv = &loop,
                                             .endpoint = {.name = "--event-sink",
                                                          .url = refused[i].url,
                                                          .ca_path = refused[i].ca,
                                                          .token_path = refused[i].token},
                                             .on_answer = on_answer};
        CHECK_TRUE(refused[i].url, sink_new(&options, &err) == NULL);
        CHECK_TEXT(refused[i].url, err.text, refused[i].want);
        uv_loop_close(&loop);
    }
}
