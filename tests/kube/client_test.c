/* SPDX-License-Identifier: Apache-2.0 */
/* client_test.c - what a request ends as, for every way a server can answer or fail to */
#include "check.h"
#include "fake.h"

#include "bulkhead/base/clock.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What came back, as text: "POST AlreadyExists 409 pods x already exists". */
struct answers {
    int count;
    struct str log;
    int64_t last_ns;
};

static void on_answer(void *ctx, const struct kube_response *response)
{
    struct answers *answers = ctx;
    answers->count++;
    answers->last_ns = clock_steady_ns();
    str_addf(&answers->log, "%s %s %d %s\n", response->method_text,
             kube_outcome_name(response->outcome), response->status, response->message);
}

struct world {
    uv_loop_t loop;
    struct fake fake;
    struct kube_client *client;
    struct answers answers;
};

static void world_start(struct world *world, fake_handler *handler, void *ctx,
                        const struct kube_client_options *options)
{
    memset(world, 0, sizeof(*world));
    uv_loop_init(&world->loop);
    fake_start(&world->fake, &world->loop, handler, ctx);
    world->client = fake_client(&world->fake, options);
}

static void world_end(struct world *world)
{
    fake_finish(&world->fake, world->client, &world->loop);
    str_done(&world->answers.log);
}

static uint64_t world_send(struct world *world, enum kube_method method, const char *path,
                           int64_t timeout_ms)
{
    struct err err;
    uint64_t id = 0;
    const struct kube_request request = {.method = method,
                                         .path = path,
                                         .body = method == KUBE_GET ? NULL : "{}",
                                         .timeout_ms = timeout_ms,
                                         .on_done = on_answer,
                                         .ctx = &world->answers};
    REQUIRE(kube_send(world->client, &request, &id, &err) == 0);
    return id;
}

/* --- One answer ------------------------------------------------------------------------------ */

#define STATUS(reason_, message_)                                                                  \
    "{\"kind\":\"Status\",\"reason\":\"" reason_ "\",\"message\":\"" message_ "\"}"

static const struct one {
    const char *name;
    enum kube_method method;
    int status;       /* 0: hang up; -1: cut the answer off; -2: say nothing */
    const char *body; /* of the answer */
    const char *want;
} ones[] = {
    {"ok", KUBE_POST, 201, "{}", "POST OK 201 \n"},
    {"empty", KUBE_DELETE, 200, "", "DELETE OK 200 \n"},
    {"exists", KUBE_POST, 409, STATUS("AlreadyExists", "x"), "POST AlreadyExists 409 x\n"},
    {"conflict", KUBE_PUT, 409, STATUS("Conflict", "x"), "PUT Conflict 409 x\n"},
    {"invalid", KUBE_POST, 422, STATUS("Invalid", "bad name"), "POST Invalid 422 bad name\n"},
    {"quota", KUBE_POST, 403, STATUS("Forbidden", "exceeded quota: q"),
     "POST QuotaExceeded 403 exceeded quota: q\n"},
    {"gone", KUBE_GET, 410, STATUS("Expired", "x"), "GET Expired 410 x\n"},
    {"words", KUBE_GET, 502, "bad gateway", "GET ServerError 502 bad gateway\n"},
    {"redirect", KUBE_GET, 302, "", "GET Invalid 302 \n"},
    {"unauthorized", KUBE_GET, 401, "", "GET Unauthorized 401 \n"},
    {"not JSON", KUBE_POST, 201, "{\"kind\":\"Po",
     "POST Unknown 201 the answer is cut off, or not JSON\n"},
    {"reply lost", KUBE_POST, 0, NULL,
     "POST Unknown 0 no answer: Server returned nothing (no headers, no data)\n"},
    {"cut off", KUBE_PUT, -1, NULL, "PUT Unknown 200 no answer: Transferred a partial file\n"},
    {"silence", KUBE_PATCH, -2, NULL, "PATCH Unknown 0 no answer: Timeout was reached\n"},
};

static void answer_one(void *ctx, const struct fake_request *request)
{
    const struct one *one = ctx;
    if (one->status > 0)
        fake_reply(request, one->status, "Location: /elsewhere\r\n", one->body);
    if (one->status == -1)
        fake_raw(request, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{");
    if (one->status == 0 || one->status == -1)
        fake_hang_up(request);
}

TEST(every_answer_has_its_outcome)
{
    for (size_t i = 0; i < ARRAY_LEN(ones); i++) {
        struct world world;
        struct one one = ones[i];
        world_start(&world, answer_one, &one, NULL);
        world_send(&world, one.method, "/api/v1/pods", one.status == -2 ? 200 : 0);
        CHECK_TRUE(one.name, run_until(&world.loop, &world.answers.count, 1));
        CHECK_TEXT(one.name, str_text(&world.answers.log), one.want);
        world_end(&world);
    }
}

/* --- Requests as the server sees them -------------------------------------------------------- */

static void answer_with_head(void *ctx, const struct fake_request *request)
{
    struct str *head = ctx;
    str_addf(head, "%s%s", request->head, request->body);
    fake_reply(request, 200, NULL, "{}");
}

TEST(requests_carry_what_they_must)
{
    struct world world;
    struct str head = STR_EMPTY;
    char *body = text_copy("{\"a\":1}");
    const struct kube_request request = {.method = KUBE_PATCH,
                                         .path = "/api/v1/../x",
                                         .take_body = &body,
                                         .content = KUBE_CONTENT_MERGE_PATCH,
                                         .accept = KUBE_ACCEPT_METADATA,
                                         .on_done = on_answer,
                                         .ctx = &world.answers};
    world_start(&world, answer_with_head, &head, NULL);
    REQUIRE(kube_send(world.client, &request, NULL, NULL) == 0);
    CHECK_TRUE("taken", body == NULL);
    CHECK_TRUE("answered", run_until(&world.loop, &world.answers.count, 1));
    CHECK_HAS("path as it is", str_text(&head), "PATCH /api/v1/../x HTTP/1.1\r\n");
    CHECK_HAS("token", str_text(&head), "Authorization: Bearer secret\r\n");
    CHECK_HAS("content", str_text(&head), "Content-Type: application/merge-patch+json\r\n");
    CHECK_HAS("accept", str_text(&head), "as=PartialObjectMetadata;g=meta.k8s.io;v=v1");
    CHECK_HAS("agent", str_text(&head), "User-Agent: bulkhead\r\n");
    CHECK_HAS("body", str_text(&head), "\r\n\r\n{\"a\":1}");
    CHECK_TRUE("no compression", strcasestr(str_text(&head), "accept-encoding") == NULL);
    str_done(&head);
    world_end(&world);
}

/* --- Sent again, and not sent again ---------------------------------------------------------- */

static void busy_twice(void *ctx, const struct fake_request *request)
{
    (void)ctx;
    if (request->number <= 2)
        fake_reply(request, 429, "Retry-After: 1\r\n", "{}");
    else
        fake_reply(request, 201, NULL, "{}");
}

TEST(a_429_is_sent_again_after_its_time)
{
    struct world world;
    world_start(&world, busy_twice, NULL, &(struct kube_client_options){.window_min = 1});
    int64_t began_ns = clock_steady_ns();
    world_send(&world, KUBE_POST, "/one", 0);
    CHECK_TRUE("answered", run_until(&world.loop, &world.answers.count, 1));
    CHECK_TEXT("made in the end", str_text(&world.answers.log), "POST OK 201 \n");
    CHECK_TRUE("waited", world.answers.last_ns - began_ns >= 2 * NS_PER_S);
    struct kube_lane_stats stats = kube_client_stats(world.client, KUBE_LANE_WRITES);
    CHECK_INT("429s", stats.too_many, 2);
    CHECK_INT("sent again", stats.resent, 2);
    world_end(&world);
}

static void always_busy(void *ctx, const struct fake_request *request)
{
    (void)ctx;
    fake_reply(request, 429, "Retry-After: 1\r\n", STATUS("TooManyRequests", "not now"));
}

TEST(a_429_ends_with_its_time)
{
    struct world world;
    world_start(&world, always_busy, NULL, NULL);
    world_send(&world, KUBE_POST, "/one", 300);
    CHECK_TRUE("answered", run_until(&world.loop, &world.answers.count, 1));
    CHECK_HAS("outcome", str_text(&world.answers.log), "POST TooManyRequests");
    CHECK_INT("sent once", world.fake.requests, 1);
    world_end(&world);
}

TEST(an_eviction_keeps_its_429)
{
    struct world world;
    world_start(&world, always_busy, NULL, NULL);
    const struct kube_request request = {.method = KUBE_POST,
                                         .path = "/evict",
                                         .body = "{}",
                                         .keep_429 = true,
                                         .on_done = on_answer,
                                         .ctx = &world.answers};
    REQUIRE(kube_send(world.client, &request, NULL, NULL) == 0);
    CHECK_TRUE("answered", run_until(&world.loop, &world.answers.count, 1));
    CHECK_TEXT("handed over", str_text(&world.answers.log), "POST TooManyRequests 429 not now\n");
    world_end(&world);
}

/* The first request is answered; the connection is then closed under the second, which libcurl
 * would silently send again. */
static void close_on_second(void *ctx, const struct fake_request *request)
{
    (void)ctx;
    if (request->number == 2)
        fake_hang_up(request);
    else
        fake_reply(request, 200, NULL, "{}");
}

TEST(a_write_is_never_put_on_the_wire_twice)
{
    struct world world;
    world_start(&world, close_on_second, NULL, NULL);
    world_send(&world, KUBE_POST, "/one", 0);
    CHECK_TRUE("first", run_until(&world.loop, &world.answers.count, 1));
    world_send(&world, KUBE_POST, "/two", 0);
    CHECK_TRUE("second", run_until(&world.loop, &world.answers.count, 2));
    CHECK_HAS("open", str_text(&world.answers.log), "POST OK 200 \nPOST Unknown 0 no answer");
    CHECK_INT("requests seen", world.fake.requests, 2);
    world_end(&world);
}

TEST(a_refused_connection_was_not_sent)
{
    struct world world;
    world_start(&world, answer_with_head, NULL, NULL);
    fake_refuse(&world.fake);
    world_send(&world, KUBE_POST, "/one", 0);
    CHECK_TRUE("answered", run_until(&world.loop, &world.answers.count, 1));
    CHECK_HAS("outcome", str_text(&world.answers.log),
              "POST NotSent 0 Failed to connect to 127.0.0.1");
    CHECK_INT("tried again once", kube_client_stats(world.client, KUBE_LANE_WRITES).resent, 1);
    world_end(&world);
}

/* --- Bounds ---------------------------------------------------------------------------------- */

static void answer_large(void *ctx, const struct fake_request *request)
{
    (void)ctx;
    fake_begin(request, 200);
    for (int i = 0; i < 100; i++)
        fake_piece(request, "0123456789012345678901234567890123456789");
    fake_end(request);
}

TEST(a_body_beyond_its_bound_is_dropped)
{
    struct world world;
    world_start(&world, answer_large, NULL, NULL);
    const struct kube_request request = {
        .path = "/large", .body_bytes_max = 1000, .on_done = on_answer, .ctx = &world.answers};
    REQUIRE(kube_send(world.client, &request, NULL, NULL) == 0);
    CHECK_TRUE("answered", run_until(&world.loop, &world.answers.count, 1));
    CHECK_TEXT("outcome", str_text(&world.answers.log),
               "GET Unknown 200 the answer is larger than 1000 bytes\n");
    world_end(&world);
}

static void hold_all(void *ctx, const struct fake_request *request)
{
    (void)ctx;
    (void)request;
}

TEST(the_line_is_bounded_and_keeps_time)
{
    struct world world;
    struct err err;
    const struct kube_client_options options = {.window_min = 1, .window_max = 1, .waiting_max = 2};
    const struct kube_request request = {
        .path = "/x", .timeout_ms = 300, .on_done = on_answer, .ctx = &world.answers};
    world_start(&world, hold_all, NULL, &options);
    for (int i = 0; i < 3; i++)
        CHECK_INT("taken", kube_send(world.client, &request, NULL, &err), 0);
    CHECK_INT("full", kube_send(world.client, &request, NULL, &err), -1);
    CHECK_INT("again later", err.kind, ERR_AGAIN);
    CHECK_TRUE("all end", run_until(&world.loop, &world.answers.count, 3));
    CHECK_HAS("sent", str_text(&world.answers.log), "GET Unknown 0 no answer: Timeout");
    CHECK_HAS("never sent", str_text(&world.answers.log), "GET NotSent 0 its time was over");
    world_end(&world);
}

TEST(cancel_and_close_run_nothing)
{
    struct world world;
    world_start(&world, hold_all, NULL, &(struct kube_client_options){.window_max = 8});
    uint64_t flying = world_send(&world, KUBE_POST, "/a", 0);
    for (int i = 0; i < 20; i++)
        world_send(&world, KUBE_POST, "/b", 0);
    CHECK_TRUE("seen", run_until(&world.loop, &world.fake.requests, 8));
    kube_cancel(world.client, flying);
    kube_cancel(world.client, flying);
    kube_cancel(world.client, 12345);
    world_send(&world, KUBE_POST, "/c", 0); /* its sending finds the place that is free now */
    CHECK_TRUE("one more goes out", run_until(&world.loop, &world.fake.requests, 9));
    world_end(&world);
    CHECK_INT("no answer", world.answers.count, 0);
}
