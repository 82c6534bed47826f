/* SPDX-License-Identifier: Apache-2.0 */
/* server_test.c - the server as a raw TCP client on the same loop sees it */
#include "check.h"

#include "bulkhead/serve/server.h"

#include <stdlib.h>
#include <string.h>

enum { METRICS_LINES = 100000 };

struct world {
    uv_loop_t loop;
    uv_timer_t tick; /* so that UV_RUN_ONCE always comes back soon to look at the condition */
    struct server *server;
    bool ready, standby;
    int metrics_lines;
};

struct client {
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t writes[8];
    size_t write_count;
    struct str got;
    bool connected, ended, reading;
    char buffer[64 * 1024];
};

static bool is_ready(void *ctx, struct str *why)
{
    struct world *world = ctx;
    if (!world->ready)
        str_add(why, "lease: not held\nwatch jobs: listing\n");
    if (world->standby)
        str_add(why, "standby: a leads\n");
    return world->ready;
}

static void print_metrics(void *ctx, struct str *out)
{
    struct world *world = ctx;
    for (int i = 0; i < world->metrics_lines; i++)
        str_addf(out, "line_%06d 1\n", i);
}

static unsigned explain(void *ctx, const struct key_values *args, bool *ret_json, struct str *out)
{
    UNUSED(ctx);
    for (size_t i = 0; i < args->count; i++)
        str_addf(out, "%s is %s\n", args->items[i].key, args->items[i].value);
    *ret_json = text_eq(key_values_get(args, "format"), "json");
    return args->count > 0 ? 200 : 400;
}

static void on_tick(uv_timer_t *timer)
{
    UNUSED(timer);
}

static void start_loop(struct world *world)
{
    uv_loop_init(&world->loop);
    uv_timer_init(&world->loop, &world->tick);
    uv_timer_start(&world->tick, on_tick, 5, 5);
}

static void world_init(struct world *world, int connections_max, int64_t request_ms_max)
{
    struct err err = {.kind = ERR_NONE};
    *world = (struct world){.ready = true, .metrics_lines = 1};
    start_loop(world);
    struct server_options options = {.loop = &world->loop,
                                     .address = "127.0.0.1",
                                     .ctx = world,
                                     .ready = is_ready,
                                     .metrics = print_metrics,
                                     .explain = explain,
                                     .connections_max = connections_max,
                                     .request_ms_max = request_ms_max};
    if (server_new(&options, &world->server, &err) < 0)
        fail_msg("%s", err.text);
}

static void world_done(struct world *world)
{
    server_free(world->server);
    uv_close((uv_handle_t *)&world->tick, NULL);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    CHECK_INT("nothing is left on the loop", uv_loop_close(&world->loop), 0);
}

static void give_buffer(uv_handle_t *handle, size_t size, uv_buf_t *ret_buffer)
{
    UNUSED(size);
    struct client *client = handle->data;
    *ret_buffer = uv_buf_init(client->buffer, sizeof(client->buffer));
}

static void client_closed(uv_handle_t *handle)
{
    struct client *client = handle->data;
    client->ended = true;
}

static void client_close(struct client *client)
{
    if (!uv_is_closing((uv_handle_t *)&client->tcp))
        uv_close((uv_handle_t *)&client->tcp, client_closed);
}

static void on_bytes(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct client *client = stream->data;
    if (size > 0)
        str_add_bytes(&client->got, buffer->base, (size_t)size);
    if (size < 0)
        client_close(client);
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct client *client = connect->handle->data;
    client->connected = status == 0;
    if (client->reading)
        uv_read_start((uv_stream_t *)&client->tcp, give_buffer, on_bytes);
}

static void client_start(struct client *client, struct world *world, bool reading)
{
    struct sockaddr_in address;
    *client = (struct client){.reading = reading};
    uv_ip4_addr("127.0.0.1", server_port(world->server), &address);
    uv_tcp_init(&world->loop, &client->tcp);
    client->tcp.data = client;
    uv_tcp_connect(&client->connect, &client->tcp, (const struct sockaddr *)&address, on_connected);
    while (!client->connected && !client->ended)
        uv_run(&world->loop, UV_RUN_ONCE);
}

static void client_send_bytes(struct client *client, char *text, size_t size)
{
    uv_buf_t buffer = uv_buf_init(text, (unsigned)size);
    assert_true(client->write_count < ARRAY_LEN(client->writes));
    uv_write(&client->writes[client->write_count++], (uv_stream_t *)&client->tcp, &buffer, 1, NULL);
}

static void client_done(struct client *client, struct world *world)
{
    client_close(client);
    while (!client->ended)
        uv_run(&world->loop, UV_RUN_ONCE);
    str_done(&client->got);
}

/* The whole conversation; caller frees the text. */
static char *ask(struct world *world, const char *request)
{
    struct client *client = mem_new(sizeof(*client));
    AUTO_TEXT copy = text_copy(request);
    client_start(client, world, true);
    client_send_bytes(client, copy, strlen(copy));
    while (!client->ended)
        uv_run(&world->loop, UV_RUN_ONCE);
    char *got = str_take(&client->got);
    free(client);
    return got;
}

#define HEAD_OK(type, length)                                                                      \
    "HTTP/1.1 200 OK\r\nserver: bulkhead\r\ncontent-type: " type "\r\nconnection: close\r\n"       \
    "cache-control: no-store\r\ncontent-length: " length "\r\n\r\n"
#define PLAIN "text/plain; charset=utf-8"

static const struct {
    const char *name, *request, *want;
} pages[] = {
    {"health", "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", HEAD_OK(PLAIN, "3") "ok\n"},
    {"ready", "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n", HEAD_OK(PLAIN, "3") "ok\n"},
    {"metrics", "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
     HEAD_OK("text/plain; version=0.0.4; charset=utf-8", "14") "line_000000 1\n"},
    {"explain, with its query decoded",
     "GET /explain?namespace=a&job=b%2Fc%20d&x=&format=text HTTP/1.1\r\nHost: a\r\n\r\n",
     HEAD_OK(PLAIN, "49") "namespace is a\njob is b/c d\nx is \nformat is text\n"},
    {"explain as JSON", "GET /explain?format=json HTTP/1.1\r\nHost: a\r\n\r\n",
     HEAD_OK("application/json", "15") "format is json\n"},
    {"a query is passed over", "GET /healthz?verbose=1 HTTP/1.1\r\nHost: a\r\n\r\n",
     HEAD_OK(PLAIN, "3") "ok\n"},
    {"head", "HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n", HEAD_OK(PLAIN, "3")},
    {"a second request is not answered",
     "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
     HEAD_OK(PLAIN, "3") "ok\n"},
};

TEST(pages)
{
    struct world world;
    world_init(&world, 0, 0);
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        AUTO_TEXT got = ask(&world, pages[i].request);
        CHECK_TEXT(pages[i].name, got, pages[i].want);
    }
    world_done(&world);
}

static const struct {
    const char *name, *request, *status, *line;
} refusals[] = {
    {"no such page", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 404 ",
     "\r\n\r\nnothing here; there are /healthz, /readyz, /metrics and /explain\n"},
    {"explain what?", "GET /explain HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400 ", "\r\n"},
    {"a page below", "GET /metrics/x HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 404 ", "nothing here"},
    {"up and out", "GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 404 ",
     "nothing here"},
    {"post", "POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 405 ",
     "\r\n\r\nonly GET and HEAD are answered here\n"},
    {"delete", "DELETE /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 405 ",
     "\r\nallow: GET, HEAD\r\n"},
};

TEST(refusals_say_why_in_one_line)
{
    struct world world;
    world_init(&world, 0, 0);
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        AUTO_TEXT got = ask(&world, refusals[i].request);
        CHECK_HAS(refusals[i].name, got, refusals[i].status);
        CHECK_HAS(refusals[i].name, got, refusals[i].line);
    }
    world_done(&world);
}

TEST(ready_says_more_when_there_is_more)
{
    struct world world;
    world_init(&world, 0, 0);
    world.standby = true;
    AUTO_TEXT got = ask(&world, "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_HAS("status", got, "HTTP/1.1 200 ");
    CHECK_HAS("text", got, "\r\n\r\nstandby: a leads\n");
    world_done(&world);
}

TEST(not_ready_is_503_with_the_reasons)
{
    struct world world;
    world_init(&world, 0, 0);
    world.ready = false;
    AUTO_TEXT got = ask(&world, "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_HAS("status", got, "HTTP/1.1 503 ");
    CHECK_HAS("reasons", got, "\r\n\r\nlease: not held\nwatch jobs: listing\n");
    AUTO_TEXT alive = ask(&world, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_HAS("still alive", alive, "HTTP/1.1 200 ");
    world_done(&world);
}

TEST(a_request_may_come_byte_by_byte)
{
    static char request[] = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    struct world world;
    world_init(&world, 0, 0);
    for (size_t split = 1; split < sizeof(request) - 1; split++) {
        struct client client;
        client_start(&client, &world, true);
        client_send_bytes(&client, request, split);
        for (int turn = 0; turn < 3; turn++)
            uv_run(&world.loop, UV_RUN_NOWAIT);
        client_send_bytes(&client, request + split, sizeof(request) - 1 - split);
        while (!client.ended)
            uv_run(&world.loop, UV_RUN_ONCE);
        CHECK_TEXT("split", str_text(&client.got), HEAD_OK(PLAIN, "3") "ok\n");
        client_done(&client, &world);
    }
    world_done(&world);
}

TEST(a_long_page_arrives_whole)
{
    struct world world;
    world_init(&world, 0, 0);
    world.metrics_lines = METRICS_LINES;
    AUTO_TEXT got = ask(&world, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    const char *body = strstr(got, "\r\n\r\n");
    REQUIRE(body != NULL);
    CHECK_INT("bytes", strlen(body + 4), METRICS_LINES * 14);
    CHECK_HAS("the end", body + strlen(body) - 14, "line_099999 1\n");
    world_done(&world);
}

TEST(huge_headers_end_the_connection)
{
    struct world world;
    world_init(&world, 0, 0);
    AUTO_STR request = STR_EMPTY;
    str_add(&request, "GET /healthz HTTP/1.1\r\nHost: a\r\nUser-Agent: ");
    for (int i = 0; i < 16 * 1024; i++)
        str_add(&request, "x");
    str_add(&request, "\r\n\r\n");
    AUTO_TEXT got = ask(&world, str_text(&request));
    CHECK_TRUE("not answered as if it were fine", strstr(got, "200") == NULL);
    AUTO_TEXT next = ask(&world, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_HAS("the next client is served", next, "HTTP/1.1 200 ");
    world_done(&world);
}

static char half_request[] = "GET /healthz HTTP/1.1\r\nX-Slow: ";
static char metrics_request[] = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";
static const struct {
    const char *name;
    char *request;
    bool reading;
} slow_clients[] = {
    {"says nothing", NULL, true},
    {"stops in the middle", half_request, true},
    {"never reads the answer", metrics_request, false},
};

TEST(slow_clients_are_dropped_at_their_deadline)
{
    for (size_t i = 0; i < ARRAY_LEN(slow_clients); i++) {
        struct world world;
        world_init(&world, 0, 50);
        world.metrics_lines = METRICS_LINES * 10;
        struct client client;
        client_start(&client, &world, slow_clients[i].reading);
        if (slow_clients[i].request != NULL)
            client_send_bytes(&client, slow_clients[i].request, strlen(slow_clients[i].request));
        while (server_connections(world.server) == 0) /* until it is accepted */
            uv_run(&world.loop, UV_RUN_ONCE);
        while (server_connections(world.server) > 0) /* a hang here is the failure */
            uv_run(&world.loop, UV_RUN_ONCE);
        CHECK_TEXT(slow_clients[i].name, str_text(&client.got), "");
        client_done(&client, &world);
        world_done(&world);
    }
}

TEST(connections_beyond_the_bound_are_closed)
{
    struct world world;
    struct client clients[3];
    world_init(&world, 2, 0);
    for (size_t i = 0; i < ARRAY_LEN(clients); i++)
        client_start(&clients[i], &world, true);
    while (!clients[2].ended)
        uv_run(&world.loop, UV_RUN_ONCE);
    CHECK_INT("two stay", server_connections(world.server), 2);

    client_done(&clients[0], &world);
    while (server_connections(world.server) == 2)
        uv_run(&world.loop, UV_RUN_ONCE);
    AUTO_TEXT got = ask(&world, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_HAS("room again", got, "HTTP/1.1 200 ");
    client_done(&clients[1], &world);
    client_done(&clients[2], &world);
    world_done(&world);
}

TEST(freeing_closes_whatever_is_open)
{
    struct world world;
    struct client idle, half, unread;
    world_init(&world, 0, 0);
    world.metrics_lines = METRICS_LINES * 10;
    client_start(&idle, &world, true);
    client_start(&half, &world, true);
    client_start(&unread, &world, false);
    client_send_bytes(&half, half_request, strlen(half_request));
    client_send_bytes(&unread, metrics_request, strlen(metrics_request));
    while (server_connections(world.server) < 3)
        uv_run(&world.loop, UV_RUN_ONCE);
    for (int turn = 0; turn < 20; turn++)
        uv_run(&world.loop, UV_RUN_NOWAIT);

    world.server = server_free(world.server);
    while (!idle.ended || !half.ended)
        uv_run(&world.loop, UV_RUN_ONCE);
    client_done(&idle, &world);
    client_done(&half, &world);
    client_done(&unread, &world);
    world_done(&world);
}

static const struct {
    const char *name, *address;
    int port;
    const char *want;
} bad_places[] = {
    {"a taken port", "127.0.0.1", 0, NULL},
    {"not an address", "localhost", 8080,
     "listen on localhost port 8080: \"localhost\" is not an IP address"},
    {"not ours", "192.0.2.1", 8080,
     "listen on 192.0.2.1 port 8080: Cannot assign requested address"},
    {"no port", "127.0.0.1", 70000,
     "listen on 127.0.0.1 port 70000: port 70000, expected 0..65535"},
};

TEST(a_place_that_cannot_be_had_is_named)
{
    struct world world;
    world_init(&world, 0, 0);
    int taken = server_port(world.server);
    for (size_t i = 0; i < ARRAY_LEN(bad_places); i++) {
        struct err err = {.kind = ERR_NONE};
        struct server *second = NULL;
        struct server_options options = {.loop = &world.loop,
                                         .address = bad_places[i].address,
                                         .port =
                                             bad_places[i].port != 0 ? bad_places[i].port : taken};
        CHECK_INT(bad_places[i].name, server_new(&options, &second, &err), -1);
        AUTO_TEXT taken_text =
            text_printf("listen on 127.0.0.1 port %d: Address already in use", taken);
        CHECK_TEXT(bad_places[i].name, err.text, i == 0 ? taken_text : bad_places[i].want);
        CHECK_INT(bad_places[i].name, err.kind, ERR_INVALID);
    }
    world_done(&world);
}

TEST(both_families_on_the_open_address)
{
    struct world world = {.ready = true};
    struct err err = {.kind = ERR_NONE};
    start_loop(&world);
    struct server_options options = {.loop = &world.loop, .address = "::", .ctx = &world};
    if (server_new(&options, &world.server, &err) < 0) {
        print_message("SKIPPED: this machine has no IPv6: %s\n", err.text);
        world_done(&world);
        return;
    }
    AUTO_TEXT got = ask(&world, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK_HAS("an IPv4 client", got, "HTTP/1.1 200 ");
    world_done(&world);
}
