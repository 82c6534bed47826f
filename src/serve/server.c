/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - probes, metrics and explanations over libwebsockets
 *
 * One request a connection, because that is how kubelets probe, and because it makes the deadline
 * whole: whoever sends slowly, reads slowly or says nothing is gone when the time of the connection
 * is over, whichever of libwebsockets' own timeouts would have been extended meanwhile. The page is
 * made when the request is complete and is written as fast as the client takes it. */
#include "bulkhead/serve/server.h"

#include "listener.h"

#include <assert.h>
#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    HEADER_BYTES_MAX = 8 * 1024,
    CONNECTIONS_MAX = 64,
    REQUEST_MS_MAX = 10000,
    CHUNK_BYTES = 32 * 1024,
    CLOSING_STEPS = 4
};

struct server {
    struct server_options options;
    struct listener *listener;
    struct lws_context *context;
    struct lws_vhost *vhost;
    int connections;
    bool closing;
    uv_timer_t step; /* never runs: see one_step_closed */
    int steps;
};

struct exchange { /* one per connection; libwebsockets allocates it, zeroed */
    struct str body;
    size_t sent;
};

struct answer {
    unsigned status;
    const char *content_type;
};

static void send_nowhere(int level, const char *line)
{
    UNUSED(level);
    UNUSED(line);
}

/* --- Pages ---------------------------------------------------------------------------------------
 */

static struct answer page_ready(struct server *server, struct str *body)
{
    AUTO_STR why = STR_EMPTY;
    bool ready = server->options.ready == NULL || server->options.ready(server->options.ctx, &why);
    str_add(body, why.size > 0 ? str_text(&why) : ready ? "ok" : "not ready");
    if (body->data[body->size - 1] != '\n')
        str_add(body, "\n");
    return (struct answer){ready ? 200 : 503, "text/plain; charset=utf-8"};
}

/* libwebsockets has taken the query apart at each &, and decoded it. */
static void read_args(struct lws *wsi, struct key_values *args)
{
    char item[SERVER_ARG_BYTES_MAX];
    for (int i = 0; i < SERVER_ARGS_MAX; i++) {
        int size = lws_hdr_copy_fragment(wsi, item, sizeof(item), WSI_TOKEN_HTTP_URI_ARGS, i);
        if (size <= 0)
            return;
        char *equals = strchr(item, '=');
        if (equals == NULL)
            continue;
        *equals = '\0';
        key_values_set(args, item, equals + 1);
    }
}

static struct answer page_explain(struct server *server, struct lws *wsi, struct str *body)
{
    struct key_values args = {0};
    bool json = false;
    read_args(wsi, &args);
    unsigned status = server->options.explain(server->options.ctx, &args, &json, body);
    key_values_done(&args);
    return (struct answer){status, json ? "application/json" : "text/plain; charset=utf-8"};
}

static struct answer make_page(struct server *server, struct lws *wsi, const char *path,
                               bool readable, struct str *body)
{
    if (!readable) {
        str_add(body, "only GET and HEAD are answered here\n");
        return (struct answer){405, "text/plain; charset=utf-8"};
    }
    if (strcmp(path, "/healthz") == 0) {
        str_add(body, "ok\n");
        return (struct answer){200, "text/plain; charset=utf-8"};
    }
    if (strcmp(path, "/readyz") == 0)
        return page_ready(server, body);
    if (strcmp(path, "/metrics") == 0) {
        if (server->options.metrics != NULL)
            server->options.metrics(server->options.ctx, body);
        return (struct answer){200, "text/plain; version=0.0.4; charset=utf-8"};
    }
    if (strcmp(path, "/explain") == 0 && server->options.explain != NULL)
        return page_explain(server, wsi, body);
    str_addf(body, "nothing here; there are /healthz, /readyz%s\n",
             server->options.explain != NULL ? ", /metrics and /explain" : " and /metrics");
    return (struct answer){404, "text/plain; charset=utf-8"};
}

/* --- One request ---------------------------------------------------------------------------------
 */

static bool has_token(struct lws *wsi, enum lws_token_indexes token)
{
    return lws_hdr_total_length(wsi, token) > 0;
}

static int add_header(struct lws *wsi, const char *name, const char *value, unsigned char **at,
                      unsigned char *end)
{
    return lws_add_http_header_by_name(wsi, (const unsigned char *)name,
                                       (const unsigned char *)value, (int)strlen(value), at, end);
}

static int send_head(struct lws *wsi, struct answer answer, size_t body_bytes)
{
    unsigned char buffer[LWS_PRE + 1024];
    unsigned char *start = buffer + LWS_PRE, *at = start, *end = buffer + sizeof(buffer);

    if (lws_add_http_header_status(wsi, answer.status, &at, end) != 0 ||
        add_header(wsi, "content-type:", answer.content_type, &at, end) != 0 ||
        add_header(wsi, "connection:", "close", &at, end) != 0 ||
        add_header(wsi, "cache-control:", "no-store", &at, end) != 0 ||
        (answer.status == 405 && add_header(wsi, "allow:", "GET, HEAD", &at, end) != 0) ||
        lws_add_http_header_content_length(wsi, body_bytes, &at, end) != 0)
        return -1;
    return lws_finalize_write_http_header(wsi, start, &at, end) != 0 ? -1 : 0;
}

/* -1 closes the connection, as everywhere in libwebsockets' callbacks. */
static int on_request(struct server *server, struct lws *wsi, struct exchange *exchange,
                      const char *path)
{
    bool head = has_token(wsi, WSI_TOKEN_HEAD_URI);
    bool readable = head || has_token(wsi, WSI_TOKEN_GET_URI);

    str_clear(&exchange->body);
    struct answer answer = make_page(server, wsi, path, readable, &exchange->body);
    if (send_head(wsi, answer, exchange->body.size) < 0)
        return -1;
    if (head)
        str_clear(&exchange->body);
    exchange->sent = 0;
    lws_callback_on_writable(wsi);
    return 0;
}

static int on_writable(struct lws *wsi, struct exchange *exchange)
{
    unsigned char buffer[LWS_PRE + CHUNK_BYTES];
    size_t left = exchange->body.size - exchange->sent;
    size_t size = left < CHUNK_BYTES ? left : CHUNK_BYTES;
    bool last = size == left;
    if (left == 0)
        return -1; /* all is written: close */

    memcpy(buffer + LWS_PRE, exchange->body.data + exchange->sent, size);
    if (lws_write(wsi, buffer + LWS_PRE, size, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < 0)
        return -1;
    exchange->sent += size;
    lws_callback_on_writable(
        wsi); /* once more after the last bytes: they may wait inside until then */
    return 0;
}

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t size)
{
    struct lws_vhost *vhost = wsi != NULL ? lws_get_vhost(wsi) : NULL;
    struct server *server = vhost != NULL ? lws_get_vhost_user(vhost) : NULL;
    UNUSED(size);

    if (server == NULL)
        return 0; /* about the context, not about a connection of ours */
    switch ((int)reason) {
    case LWS_CALLBACK_WSI_CREATE:
        server->connections++;
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        server->connections--;
        return 0;
    case LWS_CALLBACK_HTTP:
        return server->closing ? -1 : on_request(server, wsi, user, in);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return on_writable(wsi, user);
    case LWS_CALLBACK_CLOSED_HTTP:
        if (user != NULL)
            str_done(&((struct exchange *)user)->body);
        return 0;
    case LWS_CALLBACK_TIMER:
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: /* no websockets, no h2c */
        return -1;
    default:
        return 0;
    }
}

/* --- Life ----------------------------------------------------------------------------------------
 */

static void on_accept(void *ctx, int fd)
{
    struct server *server = ctx;
    if (server->connections >= server->options.connections_max) {
        close(fd);
        return;
    }
    struct lws *wsi = lws_adopt_socket_vhost(server->vhost, fd); /* closes fd when it cannot */
    if (wsi != NULL)
        lws_set_timer_usecs(wsi, server->options.request_ms_max * 1000);
}

static const struct lws_protocols protocols[] = {
    {.name = "http", .callback = on_lws, .per_session_data_size = sizeof(struct exchange)},
    {.name = NULL},
};

/* libwebsockets leaves a foreign loop in three steps: lws_context_destroy closes the handles of its
 * connections; when the last is closed, on the loop, it closes its own timers; and when these are
 * closed it waits for lws_context_destroy once more, without telling anybody that it may be called.
 * So a handle is closed for each step and one more: libuv runs what is closed in one turn before
 * what is closed in the next. */
static void one_step_closed(uv_handle_t *handle)
{
    struct server *server = handle->data;
    if (++server->steps < CLOSING_STEPS) {
        uv_timer_init(server->options.loop, &server->step);
        uv_close((uv_handle_t *)&server->step, one_step_closed);
        return;
    }
    lws_context_destroy(server->context);
    free(server);
}

static void stop_lws(struct server *server)
{
    lws_context_destroy(server->context);
    server->step.data = server;
    uv_timer_init(server->options.loop, &server->step);
    uv_close((uv_handle_t *)&server->step, one_step_closed);
}

static int start_lws(struct server *server, struct err *err)
{
    void *loops[] = {server->options.loop};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   LWS_SERVER_OPTION_NO_LWS_SYSTEM_STATES,
        .foreign_loops = loops,
        .gid = -1,
        .uid = -1,
        .max_http_header_data = HEADER_BYTES_MAX,
        .max_http_header_pool = (unsigned short)server->options.connections_max,
        .fd_limit_per_thread = (unsigned)server->options.connections_max + 8,
        .user = server,
        .vhost_name = "bulkhead",
        .server_string = "bulkhead",
    };

    lws_set_log_level(0, send_nowhere);
    server->context = lws_create_context(&info);
    if (server->context == NULL)
        return err_set(err, ERR_FATAL,
                       "libwebsockets does not start; is its libuv event library installed "
                       "(Debian: libwebsockets-evlib-uv)?");
    server->vhost = lws_create_vhost(server->context, &info);
    if (server->vhost != NULL)
        return 0;
    return err_set(err, ERR_FATAL, "libwebsockets cannot make a server");
}

int server_new(const struct server_options *options, struct server **ret_server, struct err *err)
{
    struct server *server = mem_new(sizeof(*server));
    server->options = *options;
    if (options->connections_max == 0)
        server->options.connections_max = CONNECTIONS_MAX;
    if (options->request_ms_max == 0)
        server->options.request_ms_max = REQUEST_MS_MAX;

    /* The port first: that is what goes wrong, and then nothing needs to be undone. */
    if (listener_new(options->loop, options->address, options->port, on_accept, server,
                     &server->listener, err) < 0 ||
        start_lws(server, err) < 0) {
        listener_free(server->listener);
        if (server->context != NULL)
            stop_lws(server);
        else
            free(server);
        return -1;
    }
    *ret_server = server;
    return 0;
}

int server_port(const struct server *server)
{
    return listener_port(server->listener);
}

int server_connections(const struct server *server)
{
    return server->connections;
}

struct server *server_free(struct server *server)
{
    if (server == NULL)
        return NULL;

    server->closing = true;
    listener_free(server->listener);
    stop_lws(server);
    return NULL;
}
