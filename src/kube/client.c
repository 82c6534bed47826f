/* SPDX-License-Identifier: Apache-2.0 */
/* client.c - requests to the API server: timers, slots, sending, life and end
 *
 *   kube_send -> lane.waiting -> (window, pause, credential) -> lane.flying on a wire -> on_done
 *                     ^------------------ 429, 401, failed connection -----' */
#include "bulkhead/base/clock.h"
#include "client_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    WINDOW_MIN = 8,
    WINDOW_MAX = 96, /* the API server allows 100 streams on a connection */
    WINDOW_LIMIT_MAX = 256,
    WAITING_MAX = 4096,
    TIMEOUT_MS = 30 * 1000,
    CONNECT_TIMEOUT_MS = 10 * 1000,
    EXEC_TIMEOUT_MS = 60 * 1000,
};
static const size_t answer_bytes_default = 32 * 1024 * 1024;

/* --- Timers ---------------------------------------------------------------------------------- */

static void on_uv_timer(uv_timer_t *handle);

static void arm_timer(struct kube_client *client)
{
    const struct timer *first = timers_first(&client->timers);
    if (client->closing)
        return;
    if (first == NULL) {
        uv_timer_stop(&client->timer);
        return;
    }
    int64_t wait_ns = first->due_ns - clock_steady_ns();
    uv_update_time(client->loop); /* or a long turn would make the timer early */
    uv_timer_start(&client->timer, on_uv_timer,
                   wait_ns > 0 ? (uint64_t)((wait_ns + NS_PER_MS - 1) / NS_PER_MS) : 0, 0);
}

static void on_uv_timer(uv_timer_t *handle)
{
    struct kube_client *client = handle->data;
    int64_t now_ns = clock_steady_ns();

    for (struct timer *first; (first = timers_first(&client->timers)) != NULL;) {
        if (first->due_ns > now_ns)
            break;
        struct kube_timer *due = CONTAINER_OF(first, struct kube_timer, timer);
        timer_clear(&client->timers, first);
        due->on_due(due->ctx);
    }
    arm_timer(client);
}

void kube_timer_set(struct kube_client *client, struct kube_timer *timer, int64_t due_ns)
{
    timer_set(&client->timers, &timer->timer, due_ns);
    if (timers_first(&client->timers) == &timer->timer)
        arm_timer(client);
}

void kube_timer_clear(struct kube_client *client, struct kube_timer *timer)
{
    timer_clear(&client->timers, &timer->timer); /* waking up for nothing does no harm */
}

/* --- Lists and slots ------------------------------------------------------------------------- */

void call_list_append(struct call_list *list, struct call *call)
{
    call->next = NULL;
    call->previous = list->last;
    if (list->last != NULL)
        list->last->next = call;
    else
        list->first = call;
    list->last = call;
    list->count++;
}

void call_list_prepend(struct call_list *list, struct call *call)
{
    call->previous = NULL;
    call->next = list->first;
    if (list->first != NULL)
        list->first->previous = call;
    else
        list->last = call;
    list->first = call;
    list->count++;
}

void call_list_remove(struct call_list *list, struct call *call)
{
    if (call->previous != NULL)
        call->previous->next = call->next;
    else
        list->first = call->next;
    if (call->next != NULL)
        call->next->previous = call->previous;
    else
        list->last = call->previous;
    call->next = call->previous = NULL;
    list->count--;
}

static void take_slot(struct kube_client *client, struct call *call)
{
    size_t place;
    if (client->free_count > 0) {
        place = client->free_slots[--client->free_count];
    } else {
        ARRAY_ROOM(client->slots, client->slot_count, client->slot_capacity);
        place = client->slot_count++;
    }
    client->slots[place] = call;
    call->id = ((uint64_t)++client->generation << 32) | (uint64_t)(place + 1);
}

static struct call *find_call(const struct kube_client *client, uint64_t id)
{
    size_t place = (size_t)(id & 0xffffffffU);
    if (place == 0 || place > client->slot_count)
        return NULL;
    struct call *call = client->slots[place - 1];
    return call != NULL && call->id == id ? call : NULL;
}

static void give_slot_back(struct kube_client *client, const struct call *call)
{
    size_t place = (size_t)(call->id & 0xffffffffU) - 1;
    client->slots[place] = NULL;
    ARRAY_ROOM(client->free_slots, client->free_count, client->free_capacity);
    client->free_slots[client->free_count++] = place;
}

static struct call_list *list_of(struct call *call)
{
    return call->state == CALL_WAITING  ? &call->lane->waiting
           : call->state == CALL_FLYING ? &call->lane->flying
                                        : &call->client->doomed;
}

void client_release(struct call *call)
{
    assert(call->easy == NULL);
    kube_timer_clear(call->client, &call->expiry);
    call_list_remove(list_of(call), call);
    give_slot_back(call->client, call);
    free(call->path);
    free(call->body);
    str_done(&call->answer);
    free(call);
}

/* --- Wires ----------------------------------------------------------------------------------- */

void client_part_closed(struct kube_client *client)
{
    if (--client->open_parts > 0)
        return;
    void (*on_closed)(void *ctx) = client->on_closed;
    void *ctx = client->closed_ctx;

    easy_target_done(&client->target);
    kube_config_free(client->config);
    timers_done(&client->timers);
    free(client->user_agent);
    free(client->slots);
    free(client->free_slots);
    free(client);
    if (on_closed != NULL)
        on_closed(ctx);
}

static void on_credential(void *ctx)
{
    client_pump(ctx);
}

static void on_auth_closed(void *ctx)
{
    client_part_closed(ctx);
}

static void on_expired(void *ctx)
{
    struct call *call = ctx;
    call_fail(call, call->refused ? KUBE_TOO_MANY : KUBE_NOT_SENT,
              call->refused ? "the server is busy: its time was over before it could be sent again"
                            : "its time was over before it could be sent");
}

static int check_request(const struct kube_request *request, struct err *err)
{
    if (request->path == NULL || request->path[0] != '/' ||
        request->path[strcspn(request->path, " \t\r\n#")] != '\0')
        return err_set(err, ERR_INVALID, "request path \"%.200s\"",
                       request->path != NULL ? request->path : "");
    if (request->body != NULL && request->take_body != NULL)
        return err_set(err, ERR_INVALID, "%.200s: body and take_body both", request->path);
    assert(request->on_done != NULL);
    assert((unsigned)request->lane < KUBE_LANE_COUNT);
    return 0;
}

static struct call *new_call(struct kube_client *client, const struct kube_request *request)
{
    struct call *call = mem_new(sizeof(*call));
    int64_t timeout_ms = request->timeout_ms != 0 ? request->timeout_ms : TIMEOUT_MS;

    call->client = client;
    call->lane = &client->lanes[request->lane];
    call->method = request->method;
    call->content = request->content;
    call->accept = request->accept;
    call->keep_429 = request->keep_429;
    call->path = text_copy(request->path);
    call->on_data = request->on_data;
    call->on_done = request->on_done;
    call->on_dropped = request->on_dropped;
    call->ctx = request->ctx;
    call->answer_bytes_max =
        request->body_bytes_max > 0 ? request->body_bytes_max : answer_bytes_default;
    call->deadline_ns = timeout_ms > 0 ? clock_steady_ns() + timeout_ms * NS_PER_MS : INT64_MAX;
    call->expiry = (struct kube_timer){.on_due = on_expired, .ctx = call};

    const char *body = request->take_body != NULL ? *request->take_body : request->body;
    if (body != NULL)
        call->body_bytes = request->body_bytes > 0 ? request->body_bytes : strlen(body);
    if (request->take_body != NULL)
        call->body = STEAL(*request->take_body);
    else if (body != NULL)
        call->body = text_copy_n(body, call->body_bytes);
    return call;
}

int kube_send(struct kube_client *client, const struct kube_request *request, uint64_t *ret_id,
              struct err *err)
{
    struct lane *lane = &client->lanes[request->lane];

    assert(!client->closing);
    if (check_request(request, err) < 0)
        return -1;
    if (lane->waiting.count >= client->options.waiting_max)
        return err_set(err, ERR_AGAIN, "%s %.200s: %zu requests are waiting already",
                       easy_method_text(request->method), request->path, lane->waiting.count);

    struct call *call = new_call(client, request);
    take_slot(client, call);
    if (ret_id != NULL)
        *ret_id = call->id;
    call_list_append(&lane->waiting, call);
    if (call->deadline_ns != INT64_MAX)
        kube_timer_set(client, &call->expiry, call->deadline_ns);
    if (client->in_curl == 0) {
        bool outer = client->sending_only;
        client->sending_only = true;
        lane_pump(lane);
        client->sending_only = outer;
    }
    return 0;
}

void kube_cancel(struct kube_client *client, uint64_t id)
{
    struct call *call = find_call(client, id);
    if (call == NULL || call->state == CALL_DOOMED)
        return;
    if (call->state == CALL_FLYING && client->in_curl > 0) {
        call_list_remove(&call->lane->flying, call);
        call->state = CALL_DOOMED;
        call_list_append(&client->doomed, call);
        return;
    }
    call_detach(call);
    client_release(call);
}

/* --- Life ------------------------------------------------------------------------------------ */

static void fill_options(struct kube_client_options *options)
{
    options->window_min = options->window_min > 0 ? options->window_min : WINDOW_MIN;
    options->window_max = options->window_max > 0 ? options->window_max : WINDOW_MAX;
    options->waiting_max = options->waiting_max > 0 ? options->waiting_max : WAITING_MAX;
    if (options->connect_timeout_ms <= 0)
        options->connect_timeout_ms = CONNECT_TIMEOUT_MS;
    if (options->exec_timeout_ms <= 0)
        options->exec_timeout_ms = EXEC_TIMEOUT_MS;
}

struct kube_client *kube_client_new(uv_loop_t *loop, struct kube_config **take_config,
                                    const struct kube_client_options *options, struct err *err)
{
    struct kube_client_options filled = *options;
    struct easy_target target;

    fill_options(&filled);
    if (filled.window_min > filled.window_max || filled.window_max > WINDOW_LIMIT_MAX) {
        err_set(err, ERR_INVALID, "window %d..%d, expected within 1..%d", filled.window_min,
                filled.window_max, WINDOW_LIMIT_MAX);
        return NULL;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT); /* counted: the first call wins */
    if (easy_target_init(&target, *take_config, err) < 0)
        return NULL;

    struct kube_client *client = mem_new(sizeof(*client));
    client->loop = loop;
    client->options = filled;
    client->config = STEAL(*take_config);
    client->user_agent = text_copy(options->user_agent != NULL ? options->user_agent : "bulkhead");
    client->target = target;
    client->target.user_agent = client->user_agent;
    client->target.connect_timeout_ms = filled.connect_timeout_ms;

    uv_timer_init(loop, &client->timer);
    client->timer.data = client;
    const struct auth_options auth_options = {.exec_timeout_ms = filled.exec_timeout_ms,
                                              .random = filled.random,
                                              .on_changed = on_credential,
                                              .on_closed = on_auth_closed,
                                              .ctx = client};
    client->auth = auth_new(loop, client->config, &auth_options);
    client->open_parts = 2; /* auth and timer */
    for (int i = 0; i < KUBE_LANE_COUNT; i++)
        lane_init(client, (enum kube_lane)i);
    return client;
}

static void on_timer_closed(uv_handle_t *handle)
{
    client_part_closed(handle->data);
}

void kube_client_close(struct kube_client *client, void (*on_closed)(void *ctx), void *ctx)
{
    assert(client->in_curl == 0);
    assert(!client->closing);
    client->on_closed = on_closed;
    client->closed_ctx = ctx;
    for (int i = 0; i < KUBE_LANE_COUNT; i++)
        lane_close(&client->lanes[i]);
    client->closing = true;
    uv_close((uv_handle_t *)&client->timer, on_timer_closed);
    auth_close(client->auth); /* may free the client, but not before the timer has closed */
}

const struct kube_config *kube_client_config(const struct kube_client *client)
{
    return client->config;
}

uv_loop_t *kube_client_loop(const struct kube_client *client)
{
    return client->loop;
}

struct kube_lane_stats kube_client_stats(const struct kube_client *client, enum kube_lane lane_name)
{
    const struct lane *lane = &client->lanes[lane_name];
    struct kube_lane_stats stats = lane->stats;
    stats.in_flight = (int)lane->flying.count;
    stats.waiting = lane->waiting.count;
    stats.window = lane->window.limit;
    return stats;
}

int kube_response_err(const struct kube_response *response, struct err *err)
{
    if (response->outcome == KUBE_OK)
        return 0;
    const char *name =
        response->reason[0] != '\0' ? response->reason : kube_outcome_name(response->outcome);
    if (response->status > 0)
        return err_set(err, kube_outcome_kind(response->outcome), "%s %s: %d %s: %s",
                       response->method_text, response->path, response->status, name,
                       response->message);
    return err_set(err, kube_outcome_kind(response->outcome), "%s %s: %s: %s",
                   response->method_text, response->path, name, response->message);
}
