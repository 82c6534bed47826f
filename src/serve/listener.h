/* SPDX-License-Identifier: Apache-2.0 */
/* listener.h - a listening TCP socket on a libuv loop that hands over what it accepts
 *
 * Not left to libwebsockets, because there a taken port is a log line, and a full table of
 * connections stops accepting altogether. */
#ifndef BULKHEAD_SRC_SERVE_LISTENER_H
#define BULKHEAD_SRC_SERVE_LISTENER_H

#include "bulkhead/base/err.h"

#include <uv.h>

struct listener;
/* The descriptor is the callback's: it closes it or hands it on. */
typedef void (*listener_callback)(void *ctx, int fd);

/* ERR_INVALID with the address and what the system says. */
int listener_new(uv_loop_t *loop, const char *address, int port, listener_callback on_accept,
                 void *ctx, struct listener **ret_listener, struct err *err);
int listener_port(const struct listener *listener);
struct listener *
listener_free(struct listener *listener); /* the port is free at once; no callback any more */
DEFINE_AUTO(listener, listener_free)

#endif
