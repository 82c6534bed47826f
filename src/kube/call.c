/* SPDX-License-Identifier: Apache-2.0 */
/* call.c - one request on the wire, and what its end means
 *
 * Whether a request that brought no answer may have happened decides what its caller must do, so it
 * is never guessed from error codes: libcurl tells through CURLOPT_PREREQFUNCTION when it begins to
 * send. Before that moment nothing happened; after it, anything may have. libcurl itself repeats a
 * request on a new connection when a reused one turns out to be dead; for a write that could run it
 * twice, so the second beginning of a write is stopped and reported as UNKNOWN. */
#include "bulkhead/base/clock.h"
#include "client_priv.h"
#include "json_doc.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_MAX = 300, RETRY_AFTER_S_MAX = 60 };

static int on_begin(void *ctx, char *remote_ip, char *local_ip, int remote_port, int local_port)
{
    struct call *call = ctx;
    UNUSED(remote_ip);
    UNUSED(local_ip);
    UNUSED(remote_port);
    UNUSED(local_port);

    if (call->state == CALL_DOOMED || (call->sent_ns != 0 && call->method != KUBE_GET))
        return CURL_PREREQFUNC_ABORT;
    call->sent_ns = clock_steady_ns();
    call->lane->stats.sent++;
    return CURL_PREREQFUNC_OK;
}

static size_t on_body(char *bytes, size_t one, size_t size, void *ctx)
{
    struct call *call = ctx;
    UNUSED(one);

    if (call->state == CALL_DOOMED)
        return CURL_WRITEFUNC_ERROR;
    if (call->on_data != NULL) {
        long status = 0;
        curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
        if (status >= 200 && status <= 299) {
            call->stopped = !call->on_data(call->ctx, bytes, size);
            return call->stopped ? CURL_WRITEFUNC_ERROR : size;
        }
    }
    if (call->answer.size + size > call->answer_bytes_max) {
        call->too_large = true;
        return CURL_WRITEFUNC_ERROR;
    }
    str_add_bytes(&call->answer, bytes, size);
    return size;
}

static CURL *take_easy(struct lane *lane)
{
    while (lane->idle_count > 0) {
        struct idle_easy idle = lane->idle[--lane->idle_count];
        if (idle.cert_generation == lane->client->cert_generation)
            return idle.easy;
        curl_easy_cleanup(idle.easy);
    }
    CURL *easy = easy_new(&lane->client->target, lane->name);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_begin);
    return easy;
}

static void put_easy(struct lane *lane, CURL *easy)
{
    if (lane->idle_count == IDLE_EASIES_MAX) {
        curl_easy_cleanup(easy);
        return;
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);  /* freed with its call */
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL); /* its call's, too */
    lane->idle[lane->idle_count++] =
        (struct idle_easy){.easy = easy, .cert_generation = lane->client->cert_generation};
}

void call_start(struct call *call)
{
    struct lane *lane = call->lane;
    struct kube_client *client = call->client;
    long timeout_ms = 0; /* none */

    if (call->deadline_ns != INT64_MAX) {
        int64_t left_ns = call->deadline_ns - clock_steady_ns();
        timeout_ms = left_ns > NS_PER_MS ? (long)(left_ns / NS_PER_MS) : 1;
    }
    call_list_remove(&lane->waiting, call);
    call_list_append(&lane->flying, call);
    call->state = CALL_FLYING;
    kube_timer_clear(client, &call->expiry);
    call->sent_ns = 0;
    call->too_large = call->stopped = false;
    str_clear(&call->answer);

    call->easy = take_easy(lane);
    call->auth_generation = auth_generation(client->auth);
    call->headers = easy_headers(&client->target, call->body != NULL, call->content, call->accept,
                                 auth_bearer(client->auth));
    easy_request(call->easy, &client->target, call->method, call->path, call->body,
                 call->body_bytes, call->headers);
    curl_easy_setopt(call->easy, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(call->easy, CURLOPT_PREREQDATA, call);
    curl_easy_setopt(call->easy, CURLOPT_PRIVATE, call);
    call->curl_text[0] = '\0';
    curl_easy_setopt(call->easy, CURLOPT_ERRORBUFFER, call->curl_text);
    call->wire = lane->current;
    wire_add(call->wire->wire, call->easy);
}

/* on_wire: the wire does not know yet. */
static void drop_easy(struct call *call, bool on_wire)
{
    if (call->easy == NULL)
        return;
    if (on_wire)
        wire_remove(call->wire->wire, call->easy);
    put_easy(call->lane, call->easy);
    curl_slist_free_all(call->headers);
    call->easy = NULL;
    call->headers = NULL;
    call->wire = NULL;
}

void call_detach(struct call *call)
{
    drop_easy(call, true);
}

static void send_again(struct call *call)
{
    struct lane *lane = call->lane;

    call_list_remove(&lane->flying, call);
    call_list_prepend(&lane->waiting, call);
    call->state = CALL_WAITING;
    lane->stats.resent++;
    if (call->deadline_ns != INT64_MAX)
        kube_timer_set(call->client, &call->expiry, call->deadline_ns);
}

/* Everything but the call's own memory is out of its hands when on_done runs, so that on_done may
 * send, cancel and renew as it likes. */
static void deliver(struct call *call, struct kube_response *response)
{
    response->method_text = easy_method_text(call->method);
    response->path = call->path;
    response->latency_ns = call->latency_ns;

    struct call copy = *call;
    call->path = call->body = NULL;
    call->answer = STR_EMPTY;
    client_release(call);

    copy.on_done(copy.ctx, response);
    json_object_put(response->body);
    free(copy.path);
    free(copy.body);
    str_done(&copy.answer);
}

void call_fail(struct call *call, enum kube_outcome outcome, const char *message)
{
    struct kube_response response = {.outcome = outcome, .reason = "", .message = message};
    deliver(call, &response);
}

struct ending {
    CURLcode code;
    int status;
    int64_t retry_after_ms;
    char detail[128]; /* of a transport error */
};

static struct ending read_ending(struct call *call, CURLcode code)
{
    struct ending ending = {.code = code};
    struct lane *lane = call->lane;
    long status = 0, version = 0, connections = 0;
    curl_off_t retry_after_s = 0;

    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(call->easy, CURLINFO_HTTP_VERSION, &version);
    curl_easy_getinfo(call->easy, CURLINFO_NUM_CONNECTS, &connections);
    curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    ending.status = (int)status;
    if (retry_after_s > RETRY_AFTER_S_MAX)
        retry_after_s = RETRY_AFTER_S_MAX;
    ending.retry_after_ms = retry_after_s > 0 ? (int64_t)retry_after_s * 1000 : 0;

    lane->stats.connections += connections > 0 ? (uint64_t)connections : 0;
    if (status > 0) {
        lane->stats.answers++;
        lane->stats.http_version = version == CURL_HTTP_VERSION_2_0 ? 2 : 1;
        if (version == CURL_HTTP_VERSION_2_0)
            wire_is_http2(call->wire->wire);
    }
    call->latency_ns = call->sent_ns != 0 ? clock_steady_ns() - call->sent_ns : 0;
    return ending;
}

/* In the window's eyes only an answer to a short request says something about the server. */
static void tell_window(struct call *call, const struct ending *ending)
{
    struct lane *lane = call->lane;
    if (!lane->adaptive || ending->code != CURLE_OK || call->on_data != NULL)
        return;
    if ((ending->status == 429 && !call->keep_429) || ending->status == 503)
        window_pushback(&lane->window, clock_steady_ns());
    else
        window_answer(&lane->window, call->latency_ns, lane->waiting.count > 0);
}

static bool is_expired(const struct call *call)
{
    return clock_steady_ns() >= call->deadline_ns;
}

/* The three cases in which it certainly did not happen and another try can help. */
static bool may_send_again(struct call *call, const struct ending *ending)
{
    if (is_expired(call))
        return false;
    if (ending->code != CURLE_OK) {
        bool again =
            call->sent_ns == 0 && !call->reconnected && ending->code != CURLE_OPERATION_TIMEDOUT;
        call->reconnected |= again;
        return again;
    }
    if (ending->status == 401) {
        bool again = !call->reauthorized && auth_refused(call->client->auth, call->auth_generation);
        call->reauthorized |= again;
        return again;
    }
    if (ending->status == 429) {
        call->lane->stats.too_many++;
        call->refused = true;
        return !call->keep_429;
    }
    return false;
}

static void pause_after_429(struct lane *lane, const struct ending *ending)
{
    int64_t pause_ms = ending->retry_after_ms;
    if (pause_ms == 0)
        pause_ms = kube_backoff_next(&lane->pause, &lane->client->options.random);
    lane_pause(lane, clock_steady_ns() + pause_ms * NS_PER_MS);
}

static void describe_transport(const struct call *call, const struct ending *ending,
                               char message[MESSAGE_MAX])
{
    if (call->too_large)
        snprintf(message, MESSAGE_MAX, "the answer is larger than %zu bytes",
                 call->answer_bytes_max);
    else if (call->stopped)
        snprintf(message, MESSAGE_MAX, "its reader stopped it");
    else
        snprintf(message, MESSAGE_MAX, "%s%s", call->sent_ns != 0 ? "no answer: " : "",
                 call->sent_ns == 0 && call->curl_text[0] != '\0'
                     ? call->curl_text /* says where to, and why not */
                     : curl_easy_strerror(ending->code));
}

static void deliver_transport_error(struct call *call, const struct ending *ending)
{
    char message[MESSAGE_MAX];
    struct kube_response response = {
        .outcome = call->sent_ns == 0 ? KUBE_NOT_SENT : KUBE_UNKNOWN,
        .status = ending->status,
        .reason = "",
        .message = message,
        .body_too_large = call->too_large,
    };
    describe_transport(call, ending, message);
    deliver(call, &response);
}

static void deliver_answer(struct call *call, const struct ending *ending)
{
    struct json_object *body = doc_parse(str_text(&call->answer), call->answer.size);
    char message[MESSAGE_MAX] = "";
    struct kube_response response = {
        .outcome = kube_outcome_of(ending->status, body),
        .status = ending->status,
        .body = body,
        .retry_after_ms = ending->retry_after_ms,
        .reason = kube_status_reason(body),
        .message = kube_status_message(body),
    };
    if (response.outcome == KUBE_OK && body == NULL && call->answer.size > 0) {
        response.outcome = KUBE_UNKNOWN;
        response.message = "the answer is cut off, or not JSON";
    } else if (response.outcome != KUBE_OK && response.message[0] == '\0') {
        snprintf(message, sizeof(message), "%.*s", MESSAGE_MAX - 1, str_text(&call->answer));
        response.message = message;
    }
    deliver(call, &response);
}

/* A sent request that nobody answered: the connection may be dead without knowing it. */
static void suspect_connection(struct call *call, const struct ending *ending)
{
    struct lane *lane = call->lane;
    if (ending->code == CURLE_OPERATION_TIMEDOUT && call->sent_ns != 0 && ending->status == 0 &&
        call->wire == lane->current)
        kube_client_renew_lane(call->client, lane->name);
}

void call_finished(struct call *call, CURLcode code)
{
    struct lane *lane = call->lane;
    struct ending ending = read_ending(call, code);

    suspect_connection(call, &ending);
    drop_easy(call, false);
    tell_window(call, &ending);
    if (code == CURLE_OK && ending.status != 429)
        kube_backoff_reset(&lane->pause);

    if (may_send_again(call, &ending)) {
        if (ending.status == 429)
            pause_after_429(lane, &ending);
        send_again(call);
    } else if (code != CURLE_OK) {
        deliver_transport_error(call, &ending);
    } else {
        deliver_answer(call, &ending);
    }
}
