/* SPDX-License-Identifier: Apache-2.0 */
/* listener.c - bind, listen, and accept a bounded number of connections a turn */
#include "listener.h"

#include "bulkhead/base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ACCEPTS_A_TURN_MAX = 32, PAUSE_MS = 500 };

struct listener {
    uv_poll_t poll;
    uv_timer_t pause; /* accepting goes on when it ends */
    int handles;      /* not closed yet */
    int fd, port;
    listener_callback on_accept;
    void *ctx;
};

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static int parse_address(const char *text, int port, union address *ret_address,
                         socklen_t *ret_size, struct err *err)
{
    memset(ret_address, 0, sizeof(*ret_address));
    if (port < 0 || port > 65535)
        return err_set(err, ERR_INVALID, "port %d, expected 0..65535", port);

    if (inet_pton(AF_INET, text, &ret_address->v4.sin_addr) == 1) {
        ret_address->v4.sin_family = AF_INET;
        ret_address->v4.sin_port = htons((uint16_t)port);
        *ret_size = sizeof(ret_address->v4);
        return 0;
    }
    if (inet_pton(AF_INET6, text, &ret_address->v6.sin6_addr) == 1) {
        ret_address->v6.sin6_family = AF_INET6;
        ret_address->v6.sin6_port = htons((uint16_t)port);
        *ret_size = sizeof(ret_address->v6);
        return 0;
    }
    return err_set(err, ERR_INVALID, "\"%s\" is not an IP address", text);
}

static int bind_and_listen(int fd, const union address *address, socklen_t size, struct err *err)
{
    /* Reuse: only of a port whose old connections are still winding down, not of one in use.
     * Both families on "::", whatever the machine's default is; IPv4 sockets do not know the
     * option. */
    int on = 1, off = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));

    if (bind(fd, &address->any, size) < 0 || listen(fd, SOMAXCONN) < 0)
        return err_set(err, ERR_INVALID, "%s", strerror(errno));
    return 0;
}

static int open_socket(const char *text, int port, int *ret_fd, struct err *err)
{
    union address address;
    socklen_t size;
    if (parse_address(text, port, &address, &size, err) < 0)
        return -1;

    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_set(err, ERR_INVALID, "%s", strerror(errno));
    if (bind_and_listen(fd, &address, size, err) < 0) {
        close(fd);
        return -1;
    }
    *ret_fd = fd;
    return 0;
}

static int port_of(int fd)
{
    union address address = {.any = {.sa_family = AF_INET}};
    socklen_t size = sizeof(address);
    if (getsockname(fd, &address.any, &size) < 0)
        return 0;
    return ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
}

static void on_readable(uv_poll_t *poll, int status, int events);

static void pause_over(uv_timer_t *timer)
{
    struct listener *listener = CONTAINER_OF(timer, struct listener, pause);
    uv_poll_start(&listener->poll, UV_READABLE, on_readable);
}

/* Out of descriptors or memory: the connection stays in the kernel's line and the socket stays
 * readable, so asking again at once would only burn the loop. */
static void pause_accepting(struct listener *listener)
{
    uv_poll_stop(&listener->poll);
    uv_timer_start(&listener->pause, pause_over, PAUSE_MS, 0);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct listener *listener = CONTAINER_OF(poll, struct listener, poll);
    UNUSED(status);
    UNUSED(events);

    for (int i = 0; i < ACCEPTS_A_TURN_MAX; i++) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            listener->on_accept(listener->ctx, fd);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            pause_accepting(listener);
        else if (errno == EINTR || errno == ECONNABORTED)
            continue;
        return;
    }
}

int listener_new(uv_loop_t *loop, const char *address, int port, listener_callback on_accept,
                 void *ctx, struct listener **ret_listener, struct err *err)
{
    int fd;
    if (open_socket(address, port, &fd, err) < 0)
        return err_wrap(err, "listen on %s port %d", address, port);

    struct listener *listener = mem_new(sizeof(*listener));
    *listener =
        (struct listener){.fd = fd, .port = port_of(fd), .on_accept = on_accept, .ctx = ctx};
    int status = uv_poll_init(loop, &listener->poll, fd);
    if (status < 0) {
        close(fd);
        free(listener);
        return err_set(err, ERR_INVALID, "listen on %s port %d: %s", address, port,
                       uv_strerror(status));
    }
    uv_timer_init(loop, &listener->pause);
    listener->handles = 2;
    uv_poll_start(&listener->poll, UV_READABLE, on_readable);
    *ret_listener = listener;
    return 0;
}

int listener_port(const struct listener *listener)
{
    return listener->port;
}

static void handle_closed(uv_handle_t *handle)
{
    struct listener *listener = handle->data;
    if (--listener->handles == 0)
        free(listener);
}

struct listener *listener_free(struct listener *listener)
{
    if (listener == NULL)
        return NULL;

    listener->poll.data = listener->pause.data = listener;
    uv_close((uv_handle_t *)&listener->pause, handle_closed);
    uv_close((uv_handle_t *)&listener->poll, handle_closed);
    close(listener->fd); /* libuv took it out of epoll in uv_close */
    return NULL;
}
