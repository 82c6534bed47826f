/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - the process's small HTTP server: /healthz, /readyz, /metrics, /explain
 *
 * libwebsockets on the caller's libuv loop. Answers are made by the callbacks on the loop, so they
 * must be quick. Process-wide, because libwebsockets is so: its log is switched off, and SIGPIPE is
 * ignored.
 *
 * Bounds     64 connections (more are closed unanswered), 8 KiB of request headers, GET and HEAD
 *            only. A connection carries one request, and has 10 s from being accepted to being
 *            answered. */
#ifndef BULKHEAD_SERVE_SERVER_H
#define BULKHEAD_SERVE_SERVER_H

#include "bulkhead/base/err.h"
#include "bulkhead/base/str.h"
#include "bulkhead/json/values.h"

#include <uv.h>

enum {
    SERVER_ARGS_MAX = 8,
    SERVER_ARG_BYTES_MAX = 512
}; /* of a query; what is beyond is left out */

struct server;
struct server_options {
    uv_loop_t *loop;
    const char *address; /* "127.0.0.1", "0.0.0.0", "::" */
    int port;            /* 0: any free one, see server_port */
    void *ctx;
    bool (*ready)(void *ctx, struct str *why); /* false: 503; one reason a line */
    void (*metrics)(void *ctx, struct str *out);
    /* /explain: the HTTP status; args is the query, decoded. NULL: there is no such page. */
    unsigned (*explain)(void *ctx, const struct key_values *args, bool *ret_json, struct str *out);
    int connections_max;    /* 0: 64 */
    int64_t request_ms_max; /* 0: 10 s */
};
int server_new(const struct server_options *options, struct server **ret_server, struct err *err);
int server_port(const struct server *server);
int server_connections(const struct server *server); /* open now */
/* Closes on the loop; run the loop until it is done. NULL in, NULL out. */
struct server *server_free(struct server *server);

#endif
