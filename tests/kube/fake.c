/* SPDX-License-Identifier: Apache-2.0 */
/* fake.c - a small HTTP/1.1 server in the loop of the test: see the header */
#include "fake.h"

#include "check.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake_connection {
    struct fake *fake;
    struct fake_connection *next;
    uv_tcp_t tcp;
    struct str input;
    char *texts[4]; /* of the request at hand */
    char bytes[64 * 1024];
};

static void on_closed(uv_handle_t *handle)
{
    struct fake_connection *connection = handle->data;
    struct fake *fake = connection->fake;
    struct fake_connection **place = &fake->first;

    while (*place != connection)
        place = &(*place)->next;
    *place = connection->next;
    for (size_t i = 0; i < 4; i++)
        free(connection->texts[i]);
    str_done(&connection->input);
    free(connection);
    fake->open--;
}

static void hang_up(struct fake_connection *connection)
{
    if (!uv_is_closing((uv_handle_t *)&connection->tcp))
        uv_close((uv_handle_t *)&connection->tcp, on_closed);
}

struct sending {
    uv_write_t write;
    char *text;
};

static void on_written(uv_write_t *write, int status)
{
    struct sending *sending = write->data;
    (void)status;
    free(sending->text);
    free(sending);
}

static void send_text(struct fake_connection *connection, const char *text)
{
    struct sending *sending = mem_new(sizeof(*sending));
    if (uv_is_closing((uv_handle_t *)&connection->tcp)) {
        free(sending);
        return;
    }
    sending->text = text_copy(text);
    sending->write.data = sending;
    uv_buf_t buffer = uv_buf_init(sending->text, (unsigned)strlen(text));
    uv_write(&sending->write, (uv_stream_t *)&connection->tcp, &buffer, 1, on_written);
}

/* Cuts one request off the input; false when it is not whole yet. */
static bool take_request(struct fake_connection *connection)
{
    struct str *input = &connection->input;
    const char *end = input->data != NULL ? strstr(input->data, "\r\n\r\n") : NULL;
    if (end == NULL)
        return false;
    size_t head_size = (size_t)(end - input->data) + 4, body_size = 0;
    AUTO_TEXT head = text_copy_n(input->data, head_size);
    const char *length = strcasestr(head, "\r\ncontent-length:");
    if (length != NULL)
        body_size = strtoul(length + 17, NULL, 10);
    if (input->size < head_size + body_size)
        return false;

    size_t method_size = strcspn(head, " "), path_size = strcspn(head + method_size + 1, " ");
    char *texts[4] = {text_copy_n(head, method_size),
                      text_copy_n(head + method_size + 1, path_size),
                      text_copy_n(input->data + head_size, body_size), text_copy(head)};
    for (size_t i = 0; i < 4; i++) {
        free(connection->texts[i]);
        connection->texts[i] = texts[i];
    }
    size_t used = head_size + body_size;
    AUTO_TEXT rest = text_copy_n(input->data + used, input->size - used);
    size_t rest_size = input->size - used;
    str_clear(input);
    str_add_bytes(input, rest, rest_size);
    return true;
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct fake_connection *connection = stream->data;
    struct fake *fake = connection->fake;
    if (size < 0) {
        hang_up(connection);
        return;
    }
    str_add_bytes(&connection->input, buffer->base, (size_t)size);
    while (!uv_is_closing((uv_handle_t *)stream) && take_request(connection)) {
        struct fake_request request = {.fake = fake,
                                       .connection = connection,
                                       .method = connection->texts[0],
                                       .path = connection->texts[1],
                                       .body = connection->texts[2],
                                       .head = connection->texts[3],
                                       .number = ++fake->requests};
        fake->handler(fake->ctx, &request);
    }
}

static void give_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct fake_connection *connection = handle->data;
    (void)suggested;
    *buffer = uv_buf_init(connection->bytes, sizeof(connection->bytes));
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct fake *fake = listener->data;
    struct fake_connection *connection = mem_new(sizeof(*connection));
    (void)status;
    connection->fake = fake;
    uv_tcp_init(fake->loop, &connection->tcp);
    connection->tcp.data = connection;
    connection->next = fake->first;
    fake->first = connection;
    fake->open++;
    fake->connections++;
    uv_accept(listener, (uv_stream_t *)&connection->tcp);
    uv_read_start((uv_stream_t *)&connection->tcp, give_buffer, on_read);
}

void fake_start(struct fake *fake, uv_loop_t *loop, fake_handler *handler, void *ctx)
{
    struct sockaddr_in address;
    int size = sizeof(address);

    *fake = (struct fake){.loop = loop, .handler = handler, .ctx = ctx};
    uv_tcp_init(loop, &fake->listener);
    fake->listener.data = fake;
    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_tcp_bind(&fake->listener, (const struct sockaddr *)&address, 0);
    REQUIRE(uv_listen((uv_stream_t *)&fake->listener, 128, on_connection) == 0);
    uv_tcp_getsockname(&fake->listener, (struct sockaddr *)&address, &size);
    fake->port = ntohs(address.sin_port);
}

void fake_refuse(struct fake *fake)
{
    if (!fake->refusing)
        uv_close((uv_handle_t *)&fake->listener, NULL);
    fake->refusing = true;
}

void fake_stop(struct fake *fake)
{
    for (struct fake_connection *connection = fake->first; connection != NULL;
         connection = connection->next)
        hang_up(connection);
    fake_refuse(fake);
}

void fake_reply(const struct fake_request *request, int status, const char *headers,
                const char *body)
{
    AUTO_TEXT text = text_printf("HTTP/1.1 %d X\r\nContent-Type: application/json\r\n"
                                 "Content-Length: %zu\r\n%s\r\n%s",
                                 status, strlen(body), headers != NULL ? headers : "", body);
    send_text(request->connection, text);
}

void fake_begin(const struct fake_request *request, int status)
{
    AUTO_TEXT text = text_printf("HTTP/1.1 %d X\r\nContent-Type: application/json\r\n"
                                 "Transfer-Encoding: chunked\r\n\r\n",
                                 status);
    send_text(request->connection, text);
}

void fake_piece(const struct fake_request *request, const char *text)
{
    AUTO_TEXT chunk = text_printf("%zx\r\n%s\r\n", strlen(text), text);
    send_text(request->connection, chunk);
}

void fake_end(const struct fake_request *request)
{
    send_text(request->connection, "0\r\n\r\n");
}

void fake_raw(const struct fake_request *request, const char *text)
{
    send_text(request->connection, text);
}

void fake_hang_up(const struct fake_request *request)
{
    hang_up(request->connection);
}

struct kube_client *fake_client_as(const struct fake *fake, struct kube_config *take_config,
                                   const struct kube_client_options *options)
{
    const struct kube_client_options none = {0};
    struct err err;

    take_config->source = text_copy("test");
    take_config->server = text_printf("http://127.0.0.1:%d", fake->port);
    take_config->namespace = text_copy("default");
    struct kube_client *client =
        kube_client_new(fake->loop, &take_config, options != NULL ? options : &none, &err);
    REQUIRE(client != NULL);
    return client;
}

struct kube_client *fake_client(const struct fake *fake, const struct kube_client_options *options)
{
    struct kube_config *config = mem_new(sizeof(*config));
    config->token = text_copy("secret");
    return fake_client_as(fake, config, options);
}

static void on_late(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

static void on_timer_closed(uv_handle_t *timer)
{
    *(bool *)timer->data = true;
}

bool run_until(uv_loop_t *loop, const int *flag, int want)
{
    uv_timer_t timer;
    bool late = false;

    uv_timer_init(loop, &timer);
    timer.data = &late;
    uv_timer_start(&timer, on_late, 10 * 1000, 0);
    while (*flag < want && !late)
        uv_run(loop, UV_RUN_ONCE);
    bool closed = false;
    timer.data = &closed;
    uv_close((uv_handle_t *)&timer, on_timer_closed);
    while (!closed)
        uv_run(loop, UV_RUN_NOWAIT);
    return *flag >= want;
}

static void on_client_closed(void *ctx)
{
    *(int *)ctx = 1;
}

void fake_finish(struct fake *fake, struct kube_client *client, uv_loop_t *loop)
{
    int client_closed = client == NULL;
    if (client != NULL)
        kube_client_close(client, on_client_closed, &client_closed);
    CHECK_TRUE("client closed", run_until(loop, &client_closed, 1));
    fake_stop(fake);
    for (int i = 0; i < 1000 && uv_loop_alive(loop); i++)
        uv_run(loop, UV_RUN_NOWAIT);
    CHECK_TRUE("nothing is left in the loop", uv_loop_close(loop) == 0);
}
