/* SPDX-License-Identifier: Apache-2.0 */
/* wire.h - libcurl transfers on a libuv loop
 *
 * Owns       one CURLM with its connections, a poll handle for each socket, and a timer. The easy
 *            handles are the caller's.
 * Promises   on_done runs for each finished transfer, after its handle left the wire and never
 *            inside a libcurl callback; then on_turn runs once, when everything that this wake-up
 *            brought has been told. */
#ifndef BULKHEAD_KUBE_WIRE_H
#define BULKHEAD_KUBE_WIRE_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct wire_owner {
    void (*on_enter)(void *ctx); /* before libcurl runs its callbacks ... */
    void (*on_leave)(void *ctx); /* ... and after */
    void (*on_done)(void *ctx, CURL *easy, CURLcode code);
    void (*on_turn)(void *ctx);
    void (*on_closed)(void *ctx); /* the wire is freed */
    void *ctx;
};

struct wire;
struct wire *wire_new(uv_loop_t *loop, const struct wire_owner *owner);

/* Not inside a libcurl callback. */
void wire_add(struct wire *wire, CURL *easy);
void wire_remove(struct wire *wire, CURL *easy); /* cuts the transfer off; no on_done */
size_t wire_count(const struct wire *wire);      /* transfers on it */

/* The server speaks HTTP/2, so that a second connection is the most that helps: libcurl would open
 * one for each request beyond the server's limit of streams (29 were seen with 128 in flight). */
void wire_is_http2(struct wire *wire);

/* No transfer may be on it any more. on_closed follows from the loop. May be called in on_turn. */
void wire_close(struct wire *wire);

#endif
