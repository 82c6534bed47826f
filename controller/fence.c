/* SPDX-License-Identifier: Apache-2.0 */
#include "fence.h"

#include "bulkhead/api/cell.h"
#include "bulkhead/base/clock.h"
#include "bulkhead/base/log.h"
#include "bulkhead/json/get.h"
#include "bulkhead/kube/path.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PAUSE_MS_MIN = 50, PAUSE_MS_MAX = 2000, PROOF_PAUSE_MS = 20, PROOF_MS = 3000 };

struct fence {
    struct fence_options options;
    char *cell, *holder;
    uv_timer_t timer;
    struct kube_backoff backoff;
    int64_t epoch; /* of ours; 0: not taken */
    char *manager;
    char *obstacle; /* as last told */
    int64_t proof_until_ns;
    bool enforced, looking;
};

static void read_cell(struct fence *fence);
static void prove(struct fence *fence);

/* ------------------------------------------------------------------------ trouble */

static void on_pause_over(uv_timer_t *timer)
{
    read_cell(timer->data);
}

static void stumble(struct fence *fence, const char *why)
{
    if (!text_eq(fence->obstacle, why)) {
        text_set(&fence->obstacle, why);
        log_warn("cannot take the epoch yet; trying on", KV("cell", fence->cell), KV("why", why));
    }
    int64_t pause_ms = kube_backoff_next(&fence->backoff, &fence->options.random);
    uv_timer_start(&fence->timer, on_pause_over, (uint64_t)pause_ms, 0);
}

/* take_body may be NULL. The write that takes the epoch goes out under a name that no policy
 * looks at. */
static void ask(struct fence *fence, enum kube_method method, const char *name,
                const char *subresource, struct json_object *take_body, kube_done_fn *on_done)
{
    struct err err;
    AUTO_STR path = STR_EMPTY;
    AUTO(json_object) body = take_body;
    const struct kube_ref ref = {.group_version = API_VERSION,
                                 .resource = "cells",
                                 .name = name,
                                 .subresource = subresource};
    if (kube_path(&path, &ref, &err) < 0) {
        stumble(fence, err.text);
        return;
    }
    if (body != NULL)
        kube_path_query(&path, "fieldManager", "bulkhead");
    const struct kube_request request = {.lane = KUBE_LANE_LEASE,
                                         .method = method,
                                         .path = str_text(&path),
                                         .body = body != NULL ? json_print(body) : NULL,
                                         .content = KUBE_CONTENT_JSON,
                                         .accept = KUBE_ACCEPT_JSON,
                                         .on_done = on_done,
                                         .ctx = fence};
    if (kube_send(fence->options.kube, &request, NULL, &err) < 0)
        stumble(fence, err.text);
}

/* -------------------------------------------------------------------------- proof */

static char *manager_of(const struct fence *fence, int64_t epoch)
{
    return text_printf("bulkhead-%s-%" PRId64, fence->cell, epoch);
}

static void on_proof_pause_over(uv_timer_t *timer)
{
    prove(timer->data);
}

static void on_proof(void *ctx, const struct kube_response *response)
{
    struct fence *fence = ctx;
    bool refused = strstr(response->message, FENCE_POLICY) != NULL;
    if (refused || clock_steady_ns() >= fence->proof_until_ns) {
        fence->enforced = refused;
        fence->options.on_taken(fence->options.ctx, refused);
        return;
    }
    uv_timer_start(&fence->timer, on_proof_pause_over, PROOF_PAUSE_MS, 0);
}

/* A patch that changes nothing, as a dry run, by whom led before. */
static void prove(struct fence *fence)
{
    struct err err;
    AUTO_STR path = STR_EMPTY;
    AUTO_TEXT before = manager_of(fence, fence->epoch - 1);
    const struct kube_ref ref = {.group_version = API_VERSION,
                                 .resource = "cells",
                                 .name = fence->cell,
                                 .subresource = "status"};
    const struct kube_request request = {.lane = KUBE_LANE_LEASE,
                                         .method = KUBE_PATCH,
                                         .body = "{\"status\":{}}",
                                         .content = KUBE_CONTENT_MERGE_PATCH,
                                         .accept = KUBE_ACCEPT_JSON,
                                         .on_done = on_proof,
                                         .ctx = fence};
    struct kube_request sent = request;
    if (kube_path(&path, &ref, &err) == 0) {
        kube_path_query(&path, "dryRun", "All");
        kube_path_query(&path, "fieldManager", before);
        sent.path = str_text(&path);
        if (kube_send(fence->options.kube, &sent, NULL, &err) == 0)
            return;
    }
    uv_timer_start(&fence->timer, on_proof_pause_over, PROOF_PAUSE_MS, 0);
}

/* ------------------------------------------------------------------------- taking */

/* An answer that was lost may have raised it all the same: then the next try raises it once more,
 * and nobody had that epoch. */
static void on_raised(void *ctx, const struct kube_response *response)
{
    struct err err;
    struct fence *fence = ctx;
    struct cell cell;
    if (response->outcome != KUBE_OK) {
        stumble(fence, response->message);
        return;
    }
    if (cell_decode(response->body, &cell, &err) < 0) {
        stumble(fence, err.text);
        return;
    }
    fence->epoch = cell.epoch;
    fence->manager = manager_of(fence, cell.epoch);
    cell_done(&cell);
    text_set(&fence->obstacle, NULL);
    int64_t proof_ms = fence->options.proof_ms > 0 ? fence->options.proof_ms : PROOF_MS;
    fence->proof_until_ns = clock_steady_ns() + proof_ms * NS_PER_MS;
    prove(fence);
}

static void on_made(void *ctx, const struct kube_response *response)
{
    struct fence *fence = ctx;
    if (response->outcome == KUBE_OK || response->outcome == KUBE_EXISTS)
        read_cell(fence);
    else
        stumble(fence, response->message);
}

static void look_at(struct fence *fence, const struct cell *cell)
{
    fence->looking = false;
    if (cell->epoch == fence->epoch)
        return; /* one of several API servers has not seen it yet */
    AUTO_TEXT why =
        text_printf("epoch %" PRId64 " of Cell %s is held by %s, ours was %" PRId64, cell->epoch,
                    fence->cell, cell->holder != NULL ? cell->holder : "nobody", fence->epoch);
    fence->options.on_passed(fence->options.ctx, why);
}

static void on_read(void *ctx, const struct kube_response *response)
{
    struct err err;
    struct fence *fence = ctx;
    struct cell cell;
    if (response->outcome == KUBE_NOT_FOUND && fence->epoch == 0) {
        ask(fence, KUBE_POST, NULL, NULL, cell_encode_new(fence->cell), on_made);
        return;
    }
    if (response->outcome != KUBE_OK) {
        stumble(fence, response->message);
        return;
    }
    if (cell_decode(response->body, &cell, &err) < 0) {
        stumble(fence, err.text);
        return;
    }
    if (fence->epoch > 0)
        look_at(fence, &cell);
    else
        ask(fence, KUBE_PUT, fence->cell, "status",
            cell_status_encode(&cell.meta, cell.epoch + 1, fence->holder, fence->options.wall_ns()),
            on_raised);
    cell_done(&cell);
}

static void read_cell(struct fence *fence)
{
    ask(fence, KUBE_GET, fence->cell, NULL, NULL, on_read);
}

void fence_take(struct fence *fence)
{
    read_cell(fence);
}

void fence_look(struct fence *fence)
{
    if (fence->looking || fence->epoch == 0)
        return;
    fence->looking = true;
    read_cell(fence);
}

int64_t fence_epoch(const struct fence *fence)
{
    return fence->epoch;
}

bool fence_is_enforced(const struct fence *fence)
{
    return fence->enforced;
}

const char *fence_manager(const struct fence *fence)
{
    return fence->manager;
}

/* ------------------------------------------------------------------- life and end */

struct fence *fence_new(const struct fence_options *options)
{
    struct fence *fence = mem_new(sizeof(*fence));
    fence->options = *options;
    fence->cell = text_copy(options->cell);
    fence->holder = text_copy(options->holder);
    fence->backoff = (struct kube_backoff){.min_ms = PAUSE_MS_MIN, .max_ms = PAUSE_MS_MAX};
    uv_timer_init(options->uv, &fence->timer);
    fence->timer.data = fence;
    return fence;
}

static void on_closed(uv_handle_t *handle)
{
    struct fence *fence = handle->data;
    free(fence->cell);
    free(fence->holder);
    free(fence->manager);
    free(fence->obstacle);
    free(fence);
}

struct fence *fence_free(struct fence *fence)
{
    if (fence != NULL)
        uv_close((uv_handle_t *)&fence->timer, on_closed);
    return NULL;
}
