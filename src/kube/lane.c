/* SPDX-License-Identifier: Apache-2.0 */
/* lane.c - a lane: its wires, its window, and who may go next
 *
 * client_pump moves requests forward wherever something may have changed: after a wire's turn, when
 * a pause ends, when a credential has come, and at once in kube_send, so that what the controller
 * sends in a turn of the loop leaves in that turn. Inside libcurl's callbacks nothing may touch its
 * handles: sends only wait in line until the turn's end, and cancelled requests are doomed. */
#include "bulkhead/base/clock.h"
#include "client_priv.h"

#include <stdlib.h>

enum { WATCHES_IN_FLIGHT = 64, LEASE_IN_FLIGHT = 8 };
static const int64_t renew_every_ns = 5 * NS_PER_S;

/* --- Wires ----------------------------------------------------------------------------------- */

static void on_enter(void *ctx)
{
    struct lane_wire *wire = ctx;
    wire->lane->client->in_curl++;
}

static void sweep_doomed(struct kube_client *client)
{
    for (struct call *call = client->doomed.first, *next; call != NULL; call = next) {
        next = call->next;
        call_detach(call);
        client_release(call);
    }
}

static void on_leave(void *ctx)
{
    struct lane_wire *wire = ctx;
    wire->lane->client->in_curl--;
    sweep_doomed(wire->lane->client);
}

static void on_transfer_done(void *ctx, CURL *easy, CURLcode code)
{
    struct call *call = NULL;
    UNUSED(ctx);
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&call);
    call_finished(call, code);
}

static void close_wire(struct lane_wire *wire)
{
    wire->closing = true;
    wire_close(wire->wire);
}

static void close_drained_wires(struct lane *lane)
{
    for (size_t i = 0; i < OLD_WIRES_MAX; i++) {
        if (lane->old[i] != NULL && wire_count(lane->old[i]->wire) == 0) {
            close_wire(lane->old[i]);
            lane->old[i] = NULL;
        }
    }
}

static void on_turn(void *ctx)
{
    struct lane_wire *wire = ctx;
    if (wire->lane->client->closing)
        return;
    close_drained_wires(wire->lane);
    client_pump(wire->lane->client);
}

static void on_wire_closed(void *ctx)
{
    struct lane_wire *wire = ctx;
    struct kube_client *client = wire->lane->client;
    free(wire);
    client_part_closed(client);
}

static struct lane_wire *new_wire(struct lane *lane)
{
    struct lane_wire *wire = mem_new(sizeof(*wire));
    const struct wire_owner owner = {on_enter, on_leave,       on_transfer_done,
                                     on_turn,  on_wire_closed, wire};
    wire->lane = lane;
    wire->wire = wire_new(lane->client->loop, &owner);
    lane->client->open_parts++;
    return wire;
}

static void renew_lane(struct lane *lane)
{
    size_t place = 0;

    while (place < OLD_WIRES_MAX && lane->old[place] != NULL)
        place++;
    if (place == OLD_WIRES_MAX)
        return; /* what is on them has time limits: one will drain, and the next call renews */
    lane->old[place] = lane->current;
    lane->current = new_wire(lane);
    lane->renewed_ns = clock_steady_ns();
}

void kube_client_renew_lane(struct kube_client *client, enum kube_lane lane_name)
{
    struct lane *lane = &client->lanes[lane_name];
    /* Ten watches that fall silent together suspect one connection. */
    if (clock_steady_ns() - lane->renewed_ns >= renew_every_ns)
        renew_lane(lane);
}

/* --- Moving forward -------------------------------------------------------------------------- */

void lane_pause(struct lane *lane, int64_t until_ns)
{
    if (until_ns > lane->paused_until_ns)
        lane->paused_until_ns = until_ns;
    kube_timer_set(lane->client, &lane->resume, lane->paused_until_ns);
}

static void take_new_certificate(struct kube_client *client)
{
    if (client->cert_generation == auth_cert_generation(client->auth))
        return;
    client->cert_generation = auth_cert_generation(client->auth);
    for (int i = 0; i < KUBE_LANE_COUNT; i++)
        renew_lane(&client->lanes[i]);
}

static enum auth_state prepare_credential(struct kube_client *client)
{
    enum auth_state state = auth_prepare(client->auth);
    if (state == AUTH_READY) {
        take_new_certificate(client);
        client->target.client_cert_pem = auth_cert_pem(client->auth);
        client->target.client_key_pem = auth_key_pem(client->auth);
    }
    return state;
}

static bool may_start(const struct lane *lane)
{
    return lane->waiting.first != NULL && lane->flying.count < (size_t)lane->window.limit &&
           clock_steady_ns() >= lane->paused_until_ns;
}

void lane_pump(struct lane *lane)
{
    struct kube_client *client = lane->client;

    /* What on_done adds meanwhile waits for the next turn, so that a turn ends. */
    for (size_t turns = lane->waiting.count; turns > 0 && may_start(lane); turns--) {
        enum auth_state state = prepare_credential(client);
        if (state == AUTH_READY) {
            call_start(lane->waiting.first);
        } else if (state == AUTH_FAILED && !client->sending_only) {
            call_fail(lane->waiting.first, KUBE_NOT_SENT, auth_error(client->auth)->text);
        } else {
            if (state == AUTH_FAILED)
                lane_pause(lane,
                           clock_steady_ns()); /* again from the loop: on_done may run there */
            return;
        }
    }
}

void client_pump(struct kube_client *client)
{
    if (client->in_curl > 0 || client->closing)
        return;
    for (int i = 0; i < KUBE_LANE_COUNT; i++)
        lane_pump(&client->lanes[i]);
}

static void on_resume(void *ctx)
{
    struct lane *lane = ctx;
    client_pump(lane->client);
}

/* --- Life ------------------------------------------------------------------------------------ */

void lane_init(struct kube_client *client, enum kube_lane name)
{
    struct lane *lane = &client->lanes[name];
    const struct kube_client_options *options = &client->options;

    lane->client = client;
    lane->name = name;
    lane->adaptive = name == KUBE_LANE_WRITES;
    lane->resume = (struct kube_timer){.on_due = on_resume, .ctx = lane};
    lane->pause = (struct kube_backoff){.min_ms = 1000, .max_ms = 8000};
    lane->current = new_wire(lane);
    if (lane->adaptive)
        window_init(&lane->window, options->window_min, options->window_max);
    else
        lane->window.limit = name == KUBE_LANE_WATCHES ? WATCHES_IN_FLIGHT : LEASE_IN_FLIGHT;
}

static void drop_calls(struct call_list *list)
{
    for (struct call *call = list->first, *next; call != NULL; call = next) {
        next = call->next;
        void (*on_dropped)(void *ctx) = call->on_dropped;
        void *ctx = call->ctx;
        call_detach(call);
        client_release(call);
        if (on_dropped != NULL)
            on_dropped(ctx);
    }
}

void lane_close(struct lane *lane)
{
    drop_calls(&lane->waiting);
    drop_calls(&lane->flying);
    for (size_t i = 0; i < lane->idle_count; i++)
        curl_easy_cleanup(lane->idle[i].easy);
    lane->idle_count = 0;
    for (size_t i = 0; i < OLD_WIRES_MAX; i++) {
        if (lane->old[i] != NULL)
            close_wire(lane->old[i]);
        lane->old[i] = NULL;
    }
    close_wire(lane->current);
}
