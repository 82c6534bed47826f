/* SPDX-License-Identifier: Apache-2.0 */
/* fake.h - a small HTTP/1.1 server on 127.0.0.1, in the loop of the test, that can misbehave
 *
 * The test's handler is called for each request and answers at once, later, in pieces, or never. */
#ifndef BULKHEAD_TESTS_KUBE_FAKE_H
#define BULKHEAD_TESTS_KUBE_FAKE_H

#include "bulkhead/base/str.h"
#include "bulkhead/kube/client.h"

#include <stdbool.h>
#include <uv.h>

struct fake;
/* One request, valid until its connection ends. The texts are borrowed. */
struct fake_request {
    struct fake *fake;
    struct fake_connection *connection;
    const char *method, *path, *body, *head; /* head: the raw header lines */
    int number;                              /* 1, 2, 3... of the server */
};
typedef void fake_handler(void *ctx, const struct fake_request *request);

struct fake {
    uv_loop_t *loop;
    uv_tcp_t listener;
    fake_handler *handler;
    void *ctx;
    int port;
    int requests;    /* so far */
    int connections; /* made so far */
    int open;        /* connections that have not closed */
    struct fake_connection *first;
    bool refusing;
};

void fake_start(struct fake *fake, uv_loop_t *loop, fake_handler *handler, void *ctx);
void fake_refuse(struct fake *fake); /* no new connections */
void fake_stop(struct fake *fake);   /* closes everything; run the loop until it is over */

/* A whole answer. headers: NULL or lines that end in \r\n. */
void fake_reply(const struct fake_request *request, int status, const char *headers,
                const char *body);
/* A chunked answer, in pieces. */
void fake_begin(const struct fake_request *request, int status);
void fake_piece(const struct fake_request *request, const char *text);
void fake_end(const struct fake_request *request);
void fake_raw(const struct fake_request *request, const char *text);
void fake_hang_up(const struct fake_request *request);

/* A client whose API server is the fake, with a fixed token. */
struct kube_client *fake_client(const struct fake *fake, const struct kube_client_options *options);

/* The same with credentials of its own: config needs none of source, server and namespace. */
struct kube_client *fake_client_as(const struct fake *fake, struct kube_config *take_config,
                                   const struct kube_client_options *options);

/* Runs the loop until *flag is at least want; false when that takes more than 10 s. */
bool run_until(uv_loop_t *loop, const int *flag, int want);
/* Closes client and fake and the loop; fails the test if handles are left. */
void fake_finish(struct fake *fake, struct kube_client *client, uv_loop_t *loop);

#endif
