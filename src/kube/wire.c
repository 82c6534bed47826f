/* SPDX-License-Identifier: Apache-2.0 */
/* wire.c - libcurl transfers on a libuv loop: see the header
 *
 * libcurl says which sockets it waits for (on_socket_wanted) and when it wants to be called without
 * any (on_timeout_wanted); both only record that in libuv. wake() is the one place from which
 * libcurl works. */
#include "wire.h"

#include "bulkhead/base/macros.h"
#include "bulkhead/base/str.h"

#include <assert.h>
#include <stdlib.h>

/* A server that speaks HTTP/2 gets one connection (PIPEWAIT), more only beyond its stream limit;
 * the bound is for one that does not. */
enum { CONNECTIONS_MAX = 32, HTTP2_CONNECTIONS_MAX = 2, STREAMS_MAX = 256 };

struct wire {
    uv_loop_t *loop;
    struct wire_owner owner;
    CURLM *multi;
    uv_timer_t timer;
    size_t transfers;
    size_t handles; /* libuv handles not closed yet, the timer included */
    bool http2;
    bool closing;
    bool waking; /* inside wake(): the owner may close, but not free */
};

struct wire_socket {
    uv_poll_t poll;
    struct wire *wire;
};

static void free_when_closed(struct wire *wire)
{
    if (!wire->closing || wire->handles > 0 || wire->waking)
        return;
    struct wire_owner owner = wire->owner;
    free(wire);
    owner.on_closed(owner.ctx);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct wire *wire = handle->data;
    wire->handles--;
    free_when_closed(wire);
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct wire_socket *sock = handle->data;
    struct wire *wire = sock->wire;
    free(sock);
    wire->handles--;
    free_when_closed(wire);
}

static void tell_finished(struct wire *wire)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(wire->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURL *easy = message->easy_handle;
        CURLcode code = message->data.result;
        wire_remove(wire, easy); /* message is gone with it */
        wire->owner.on_done(wire->owner.ctx, easy, code);
    }
}

static void wake(struct wire *wire, curl_socket_t socket, int events)
{
    int running;

    wire->waking = true;
    wire->owner.on_enter(wire->owner.ctx);
    CURLMcode code = curl_multi_socket_action(wire->multi, socket, events, &running);
    wire->owner.on_leave(wire->owner.ctx);
    /* Only a bug (a bad handle, a recursive call) or memory makes this fail. */
    assert(code == CURLM_OK || code == CURLM_BAD_SOCKET);
    tell_finished(wire);
    wire->owner.on_turn(wire->owner.ctx);
    wire->waking = false;
    free_when_closed(wire);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct wire_socket *sock = poll->data;
    uv_os_fd_t fd = -1;
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;

    if ((events & UV_READABLE) != 0)
        flags |= CURL_CSELECT_IN;
    if ((events & UV_WRITABLE) != 0)
        flags |= CURL_CSELECT_OUT;
    if (uv_fileno((uv_handle_t *)poll, &fd) == 0)
        wake(sock->wire, fd, flags);
}

static void on_timer(uv_timer_t *timer)
{
    wake(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timeout_wanted(CURLM *multi, long timeout_ms, void *ctx)
{
    struct wire *wire = ctx;
    UNUSED(multi);

    if (wire->closing)
        return 0;
    if (timeout_ms < 0)
        uv_timer_stop(&wire->timer);
    else
        uv_timer_start(&wire->timer, on_timer, (uint64_t)timeout_ms, 0);
    return 0;
}

static struct wire_socket *watch_socket(struct wire *wire, curl_socket_t fd)
{
    struct wire_socket *sock = mem_new(sizeof(*sock));
    sock->wire = wire;
    if (uv_poll_init_socket(wire->loop, &sock->poll, fd) != 0) {
        free(sock);
        return NULL;
    }
    sock->poll.data = sock;
    wire->handles++;
    curl_multi_assign(wire->multi, fd, sock);
    return sock;
}

static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
    struct wire *wire = ctx;
    struct wire_socket *sock = socket_ctx;
    UNUSED(easy);

    if (what == CURL_POLL_REMOVE) {
        if (sock != NULL) {
            curl_multi_assign(wire->multi, fd, NULL);
            uv_close((uv_handle_t *)&sock->poll, on_poll_closed);
        }
        return 0;
    }
    if (sock == NULL && (sock = watch_socket(wire, fd)) == NULL)
        return -1; /* libcurl ends the transfers with CURLM_ABORTED_BY_CALLBACK */

    int events = 0;
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        events |= UV_READABLE;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        events |= UV_WRITABLE;
    return uv_poll_start(&sock->poll, events, on_poll) == 0 ? 0 : -1;
}

struct wire *wire_new(uv_loop_t *loop, const struct wire_owner *owner)
{
    struct wire *wire = mem_new(sizeof(*wire));
    wire->loop = loop;
    wire->owner = *owner;
    wire->multi = curl_multi_init();
    if (wire->multi == NULL)
        abort(); /* out of memory */
    uv_timer_init(loop, &wire->timer);
    wire->timer.data = wire;
    wire->handles = 1;

    curl_multi_setopt(wire->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
    curl_multi_setopt(wire->multi, CURLMOPT_SOCKETDATA, wire);
    curl_multi_setopt(wire->multi, CURLMOPT_TIMERFUNCTION, on_timeout_wanted);
    curl_multi_setopt(wire->multi, CURLMOPT_TIMERDATA, wire);
    curl_multi_setopt(wire->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    curl_multi_setopt(wire->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)CONNECTIONS_MAX);
    curl_multi_setopt(wire->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)STREAMS_MAX);
    return wire;
}

void wire_add(struct wire *wire, CURL *easy)
{
    CURLMcode code = curl_multi_add_handle(wire->multi, easy);
    assert(code == CURLM_OK);
    wire->transfers++;
}

void wire_remove(struct wire *wire, CURL *easy)
{
    CURLMcode code = curl_multi_remove_handle(wire->multi, easy);
    assert(code == CURLM_OK);
    assert(wire->transfers > 0);
    wire->transfers--;
}

size_t wire_count(const struct wire *wire)
{
    return wire->transfers;
}

void wire_is_http2(struct wire *wire)
{
    if (wire->http2)
        return;
    wire->http2 = true;
    curl_multi_setopt(wire->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)HTTP2_CONNECTIONS_MAX);
}

void wire_close(struct wire *wire)
{
    assert(wire->transfers == 0);
    assert(!wire->closing);
    /* Closes the connections, and with them the poll handles, through on_socket_wanted. */
    curl_multi_cleanup(wire->multi);
    wire->closing = true;
    uv_timer_stop(&wire->timer);
    uv_close((uv_handle_t *)&wire->timer, on_timer_closed);
}
