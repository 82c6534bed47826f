/* SPDX-License-Identifier: Apache-2.0 */
/* watch.c - every change of one resource: see the header
 *
 *            +-> LISTING --list told--> WATCHING --ended, but lasted or told--> WATCHING on
 *            |      |  ^                   |
 *            |    error 410 on a page    410, or anything else
 *            |      v                      v
 *            +-- BACKING_OFF <-------------+      (410: list next; else: watch on)
 *
 * A list is told page by page as it comes; only at its end is what it did not have DELETED. What a
 * list has is the truth, so there any difference from what was told is told; in a watch only what
 * is newer. Every list has a number (round), which marks the objects it had. */
#include "bulkhead/kube/watch.h"

#include "bulkhead/base/clock.h"
#include "bulkhead/kube/lines.h"
#include "bulkhead/kube/path.h"
#include "client_priv.h"
#include "json_doc.h"
#include "tell.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_TIMEOUT_MS = 60 * 1000, SHORT_WATCH_MS = 5000 };

struct kube_watch {
    struct kube_client *client;
    struct kube_watch_options options;
    char *path, *label_selector, *field_selector; /* the options' texts */
    enum kube_watch_state state;
    struct tell tell;
    uint64_t call_id;        /* 0: none in flight */
    struct kube_timer timer; /* silence while WATCHING, the wait while BACKING_OFF */
    struct kube_backoff backoff;
    bool list_next; /* not just a new watch */

    char *continue_token;

    struct lines lines;
    int64_t began_ns, heard_ns;
    uint64_t began_rv;
    struct err problem; /* why we stopped the stream */
};

static void begin_list(struct kube_watch *watch);
static void begin_watch(struct kube_watch *watch);

const char *kube_watch_type_name(enum kube_watch_type type)
{
    static const char *const names[] = {"ADDED", "MODIFIED", "DELETED"};
    return names[type];
}

const char *kube_watch_state_name(enum kube_watch_state state)
{
    static const char *const names[] = {"Listing", "Watching", "BackingOff"};
    return names[state];
}

static void enter(struct kube_watch *watch, enum kube_watch_state state, const struct err *err)
{
    watch->state = state;
    if (watch->options.on_state != NULL)
        watch->options.on_state(watch->options.ctx, state, err);
}

/* --- Backing off and going on ---------------------------------------------------------------- */

static void go_on(struct kube_watch *watch)
{
    if (watch->list_next)
        begin_list(watch);
    else
        begin_watch(watch);
}

static void back_off(struct kube_watch *watch, int64_t at_least_ms, const struct err *err)
{
    int64_t wait_ms = kube_backoff_next(&watch->backoff, &watch->options.random);
    if (wait_ms < at_least_ms)
        wait_ms = at_least_ms;
    kube_timer_set(watch->client, &watch->timer, clock_steady_ns() + wait_ms * NS_PER_MS);
    enter(watch, KUBE_WATCH_BACKING_OFF, err);
}

static void fall_silent(struct kube_watch *watch)
{
    struct err err;
    watch->tell.stats.silences++;
    kube_cancel(watch->client, watch->call_id);
    watch->call_id = 0;
    kube_client_renew_lane(watch->client, KUBE_LANE_WATCHES);
    err_set(&err, ERR_AGAIN, "watch %s: nothing heard for %" PRId64 " ms", watch->path,
            watch->options.silence_ms);
    back_off(watch, 0, &err);
}

static void on_timer(void *ctx)
{
    struct kube_watch *watch = ctx;
    int64_t silent_until_ns = watch->heard_ns + watch->options.silence_ms * NS_PER_MS;

    if (watch->tell.round == 0) {
        begin_list(watch); /* kube_watch_new */
    } else if (watch->state == KUBE_WATCH_BACKING_OFF) {
        go_on(watch);
    } else if (watch->state == KUBE_WATCH_WATCHING && watch->list_next) {
        kube_cancel(watch->client, watch->call_id); /* kube_watch_relist */
        watch->call_id = 0;
        begin_list(watch);
    } else if (watch->state == KUBE_WATCH_WATCHING && clock_steady_ns() >= silent_until_ns) {
        fall_silent(watch);
    } else if (watch->state == KUBE_WATCH_WATCHING) {
        kube_timer_set(watch->client, &watch->timer, silent_until_ns);
    }
}

static void add_selectors(const struct kube_watch *watch, struct str *path)
{
    if (watch->label_selector != NULL)
        kube_path_query(path, "labelSelector", watch->label_selector);
    if (watch->field_selector != NULL)
        kube_path_query(path, "fieldSelector", watch->field_selector);
}

static void send_request(struct kube_watch *watch, const struct kube_request *request)
{
    struct err err;
    if (kube_send(watch->client, request, &watch->call_id, &err) < 0) {
        watch->call_id = 0;
        back_off(watch, 0, &err);
    }
}

/* --- Listing --------------------------------------------------------------------------------- */

static void on_page(void *ctx, const struct kube_response *response);

static void request_page(struct kube_watch *watch)
{
    AUTO_STR path = STR_EMPTY;
    char limit[16];

    snprintf(limit, sizeof(limit), "%d", watch->options.page_limit);
    str_add(&path, watch->path);
    kube_path_query(&path, "limit", limit);
    add_selectors(watch, &path);
    if (watch->continue_token != NULL)
        kube_path_query(&path, "continue", watch->continue_token);

    const struct kube_request request = {
        .lane = KUBE_LANE_WATCHES,
        .path = path.data,
        .accept = watch->options.metadata_only ? KUBE_ACCEPT_METADATA_LIST : KUBE_ACCEPT_JSON,
        .timeout_ms = PAGE_TIMEOUT_MS,
        .on_done = on_page,
        .ctx = watch,
    };
    send_request(watch, &request);
}

static void begin_list(struct kube_watch *watch)
{
    kube_timer_clear(watch->client, &watch->timer);
    watch->list_next = true; /* until it has been told whole */
    tell_begin_list(&watch->tell);
    watch->problem = (struct err){0};
    text_set(&watch->continue_token, NULL);
    enter(watch, KUBE_WATCH_LISTING, NULL);
    request_page(watch);
}

static void finish_list(struct kube_watch *watch)
{
    struct err err;
    uint64_t told_rv = watch->tell.rv;

    if (tell_end_list(&watch->tell)) {
        err_set(&err, ERR_STALE,
                "list %s: the server's store went back from resource version %" PRIu64
                " to %" PRIu64 ": was it restored from a backup?",
                watch->path, told_rv, watch->tell.rv);
        enter(watch, KUBE_WATCH_LISTING, &err);
    }
    watch->list_next = false;
    watch->options.on_synced(watch->options.ctx);
    begin_watch(watch);
}

static int too_many(const struct kube_watch *watch, struct err *err)
{
    return err_set(err, ERR_INVALID, "%s: more than %zu objects", watch->path,
                   watch->options.objects_max);
}

/* One page of a list. 0: taken; -1: err says why it is none. */
static int take_page(struct kube_watch *watch, struct json_object *body, struct err *err)
{
    struct json_object *items = doc_get(body, "items", json_type_array);
    const char *token = doc_text(body, "metadata.continue");
    uint64_t rv;

    /* A null items is an empty list to Go. */
    if (items == NULL && !json_object_object_get_ex(body, "items", NULL))
        return err_set(err, ERR_INVALID, "list %s: the answer is no list", watch->path);
    if (!rv_parse(doc_text(body, "metadata.resourceVersion"), &rv))
        return err_set(err, ERR_INVALID, "list %s: no usable resourceVersion", watch->path);
    if (watch->tell.list_rv == 0)
        watch->tell.list_rv = rv; /* the pages after the first show the same moment */

    size_t count = items != NULL ? json_object_array_length(items) : 0;
    for (size_t i = 0; i < count; i++) {
        if (!tell_listed(&watch->tell, json_object_array_get_idx(items, i)))
            return too_many(watch, err);
    }
    text_set(&watch->continue_token, token != NULL && token[0] != '\0' ? token : NULL);
    return 0;
}

static void on_page(void *ctx, const struct kube_response *response)
{
    struct kube_watch *watch = ctx;
    struct err err;

    watch->call_id = 0;
    if (response->body_too_large && watch->options.page_limit > 1)
        watch->options.page_limit /= 2;
    if (kube_response_err(response, &err) < 0 || take_page(watch, response->body, &err) < 0) {
        back_off(watch, response->retry_after_ms, &err);
        return;
    }
    if (watch->continue_token != NULL)
        request_page(watch);
    else
        finish_list(watch);
}

/* --- Watching -------------------------------------------------------------------------------- */

static bool is_expired(struct json_object *status)
{
    const char *reason = doc_text(status, "reason");
    return doc_i64(status, "code", 0) == 410 || text_eq(reason, "Expired") ||
           text_eq(reason, "Gone");
}

/* Returns false: an ERROR event is the stream's last. */
static bool take_error(struct kube_watch *watch, struct json_object *status)
{
    bool expired = is_expired(status);
    const char *message = doc_text(status, "message");
    watch->list_next |= expired;
    err_set(&watch->problem, expired ? ERR_EXPIRED : ERR_AGAIN, "watch %s: %" PRId64 ": %.200s",
            watch->path, doc_i64(status, "code", 0), message != NULL ? message : "");
    return false;
}

static void take_bookmark(struct kube_watch *watch, struct json_object *object)
{
    uint64_t rv;
    if (rv_parse(doc_text(object, "metadata.resourceVersion"), &rv) && rv > watch->tell.rv)
        watch->tell.rv = rv;
}

static bool on_line(void *ctx, const char *line, size_t size)
{
    struct kube_watch *watch = ctx;
    struct json_object *event = doc_parse(line, size);
    struct json_object *object = doc_get(event, "object", json_type_object);
    const char *type = doc_text(event, "type");
    bool go_on = true;

    if (type == NULL || object == NULL) {
        err_set(&watch->problem, ERR_AGAIN, "watch %s: a line that is no event", watch->path);
        go_on = false;
    } else if (strcmp(type, "BOOKMARK") == 0) {
        take_bookmark(watch, object);
    } else if (strcmp(type, "ERROR") == 0) {
        go_on = take_error(watch, object);
    } else if (strcmp(type, "DELETED") == 0) {
        go_on = tell_watched(&watch->tell, true, object);
    } else if (strcmp(type, "ADDED") == 0 || strcmp(type, "MODIFIED") == 0) {
        go_on = tell_watched(&watch->tell, false, object);
    } /* a type from the future is none of ours */
    json_object_put(event);
    if (!go_on && watch->problem.kind == ERR_NONE) {
        watch->list_next = true; /* a stream would not tell of this one again */
        too_many(watch, &watch->problem);
    }
    return go_on;
}

static bool on_bytes(void *ctx, const char *bytes, size_t size)
{
    struct kube_watch *watch = ctx;
    struct err err;

    watch->heard_ns = clock_steady_ns();
    if (lines_feed(&watch->lines, bytes, size, &err) < 0)
        err_set(&watch->problem, ERR_AGAIN, "watch %s: %s", watch->path, err.text);
    return watch->problem.kind == ERR_NONE;
}

static void on_watch_end(void *ctx, const struct kube_response *response)
{
    struct kube_watch *watch = ctx;
    int64_t lasted_ms = (clock_steady_ns() - watch->began_ns) / NS_PER_MS;
    struct err err = watch->problem;

    watch->call_id = 0;
    kube_timer_clear(watch->client, &watch->timer);
    if (lasted_ms >= watch->options.healthy_ms)
        kube_backoff_reset(&watch->backoff);
    if (response->outcome == KUBE_GONE)
        watch->list_next = true;
    if (err.kind == ERR_NONE && kube_response_err(response, &err) == 0) {
        /* Its time was over, or the server could not feed it fast enough: a busy server closes
         * such watches every few seconds. One that came forward goes on at once. */
        if (lasted_ms >= SHORT_WATCH_MS || watch->tell.rv > watch->began_rv) {
            begin_watch(watch);
            return;
        }
        err_set(&err, ERR_AGAIN, "watch %s: ended after %" PRId64 " ms", watch->path, lasted_ms);
    }
    back_off(watch, response->retry_after_ms, &err);
}

static void begin_watch(struct kube_watch *watch)
{
    AUTO_STR path = STR_EMPTY;
    char rv[24], timeout[24];
    int64_t timeout_s = kube_random_between(&watch->options.random, watch->options.timeout_s_min,
                                            watch->options.timeout_s_max);

    snprintf(rv, sizeof(rv), "%" PRIu64, watch->tell.rv);
    snprintf(timeout, sizeof(timeout), "%" PRId64, timeout_s);
    str_add(&path, watch->path);
    kube_path_query(&path, "watch", "true");
    kube_path_query(&path, "allowWatchBookmarks", "true");
    kube_path_query(&path, "resourceVersion", rv);
    kube_path_query(&path, "timeoutSeconds", timeout);
    add_selectors(watch, &path);

    const struct kube_request request = {
        .lane = KUBE_LANE_WATCHES,
        .path = path.data,
        .accept = watch->options.metadata_only ? KUBE_ACCEPT_METADATA : KUBE_ACCEPT_JSON,
        .timeout_ms = (timeout_s + 30) * 1000,
        .on_data = on_bytes,
        .on_done = on_watch_end,
        .ctx = watch,
    };
    lines_reset(&watch->lines);
    watch->problem = (struct err){0};
    watch->began_ns = watch->heard_ns = clock_steady_ns();
    watch->began_rv = watch->tell.rv;
    watch->tell.stats.watches++;
    enter(watch, KUBE_WATCH_WATCHING, NULL);
    kube_timer_set(watch->client, &watch->timer,
                   watch->heard_ns + watch->options.silence_ms * NS_PER_MS);
    send_request(watch, &request);
}

/* --- Life ------------------------------------------------------------------------------------ */

static int64_t or_default(int64_t value, int64_t otherwise)
{
    return value > 0 ? value : otherwise;
}

static void fill_options(struct kube_watch_options *options)
{
    options->page_limit = (int)or_default(options->page_limit, 500);
    options->timeout_s_min = or_default(options->timeout_s_min, 240);
    options->timeout_s_max = or_default(options->timeout_s_max, 480);
    options->silence_ms = or_default(options->silence_ms, 90 * 1000);
    options->backoff_min_ms = or_default(options->backoff_min_ms, 800);
    options->backoff_max_ms = or_default(options->backoff_max_ms, 30 * 1000);
    options->healthy_ms = or_default(options->healthy_ms, 120 * 1000);
    options->objects_max = options->objects_max > 0 ? options->objects_max : 4000000;
    options->line_bytes_max =
        options->line_bytes_max > 0 ? options->line_bytes_max : 4 * 1024 * 1024;
}

struct kube_watch *kube_watch_new(struct kube_client *client,
                                  const struct kube_watch_options *options, struct err *err)
{
    if (options->path == NULL || options->path[0] != '/' || strpbrk(options->path, "? ") != NULL) {
        err_set(err, ERR_INVALID, "watch path \"%.200s\", expected /api/v1/pods or the like",
                options->path != NULL ? options->path : "");
        return NULL;
    }
    assert(options->on_event != NULL);
    assert(options->on_synced != NULL);

    struct kube_watch *watch = mem_new(sizeof(*watch));
    watch->client = client;
    watch->options = *options;
    fill_options(&watch->options);
    watch->path = text_copy(options->path);
    watch->label_selector = text_copy(options->label_selector);
    watch->field_selector = text_copy(options->field_selector);
    tell_init(&watch->tell, &watch->options);
    watch->timer = (struct kube_timer){.on_due = on_timer, .ctx = watch};
    watch->backoff = (struct kube_backoff){.min_ms = watch->options.backoff_min_ms,
                                           .max_ms = watch->options.backoff_max_ms};
    lines_init(&watch->lines, watch->options.line_bytes_max, on_line, watch);
    kube_timer_set(client, &watch->timer, clock_steady_ns()); /* callbacks run from the loop */
    return watch;
}

struct kube_watch *kube_watch_free(struct kube_watch *watch)
{
    if (watch == NULL)
        return NULL;
    kube_timer_clear(watch->client, &watch->timer);
    kube_cancel(watch->client, watch->call_id);
    tell_done(&watch->tell);
    lines_done(&watch->lines);
    free(watch->continue_token);
    free(watch->path);
    free(watch->label_selector);
    free(watch->field_selector);
    free(watch);
    return NULL;
}

void kube_watch_relist(struct kube_watch *watch)
{
    if (watch->state == KUBE_WATCH_LISTING)
        return;
    watch->list_next = true;
    if (watch->state == KUBE_WATCH_WATCHING)
        kube_timer_set(watch->client, &watch->timer, clock_steady_ns());
}

struct kube_watch_stats kube_watch_stats(const struct kube_watch *watch)
{
    struct kube_watch_stats stats = watch->tell.stats;
    stats.objects = map_count(watch->tell.known);
    stats.resource_version = watch->tell.rv;
    return stats;
}
