/* SPDX-License-Identifier: Apache-2.0 */
/* text_test.c - the pure parts: paths, lines, outcomes, back-off, window */
#include "check.h"

#include "bulkhead/base/str.h"
#include "bulkhead/kube/backoff.h"
#include "bulkhead/kube/lines.h"
#include "bulkhead/kube/outcome.h"
#include "bulkhead/kube/path.h"
#include "src/kube/window.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

/* --- Paths ----------------------------------------------------------------------------------- */

static const struct {
    struct kube_ref ref;
    const char *want; /* a path, or an error */
} paths[] = {
    {{"v1", "pods", NULL, NULL, NULL}, "/api/v1/pods"},
    {{"v1", "pods", "a", "p-1", NULL}, "/api/v1/namespaces/a/pods/p-1"},
    {{"bulkhead.dev/v1alpha1", "batchjobs", "a", "j", "status"},
     "/apis/bulkhead.dev/v1alpha1/namespaces/a/batchjobs/j/status"},
    {{"v1", "nodes", NULL, "a/../b?c#d e%", NULL}, "/api/v1/nodes/a%2F..%2Fb%3Fc%23d%20e%25"},
    {{"v1", "nodes", NULL, "\xc3\xa4", NULL}, "/api/v1/nodes/%C3%A4"},
    {{"v1", "pods", "a", "", NULL}, "request path: empty name"},
    {{"v1", "pods", "", "x", NULL}, "request path: empty namespace"},
    {{"v1", "pods", "a", "..", NULL}, "request path: name \"..\""},
    {{"v1", NULL, "a", "x", NULL}, "request path: no resource"},
    {{"v1", "pods", "a", NULL, "status"}, "request path: subresource status of no name"},
};

TEST(paths_are_encoded_or_refused)
{
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        AUTO_STR out = STR_EMPTY;
        struct err err;
        int result = kube_path(&out, &paths[i].ref, &err);
        CHECK_TEXT(paths[i].want, result == 0 ? str_text(&out) : err.text, paths[i].want);
    }
    AUTO_STR out = STR_EMPTY;
    str_add(&out, "/x");
    kube_path_query(&out, "labelSelector", "a=b,c in (d)");
    kube_path_query(&out, "limit", "5");
    CHECK_TEXT("query", str_text(&out), "/x?labelSelector=a%3Db%2Cc%20in%20%28d%29&limit=5");
}

/* --- Lines ----------------------------------------------------------------------------------- */

static bool on_line(void *ctx, const char *line, size_t size)
{
    struct str *seen = ctx;
    AUTO_TEXT text = text_copy_n(line, size);
    str_addf(seen, "[%s]", text);
    return strcmp(text, "stop") != 0;
}

TEST(any_split_gives_the_same_lines)
{
    static const char bytes[] = "one\ntwo\r\n\n\r\n{\"a\":1}\nfive six\n\rx\nunfinished";
    struct check_random random = {.state = 7};

    for (int round = 0; round < 500; round++) {
        AUTO_STR seen = STR_EMPTY;
        struct lines lines;
        struct err err;
        lines_init(&lines, 100, on_line, &seen);
        for (size_t at = 0; at < sizeof(bytes) - 1;) {
            size_t size = 1 + (size_t)check_random_below(&random, round < 10 ? 60 : 6);
            size = size < sizeof(bytes) - 1 - at ? size : sizeof(bytes) - 1 - at;
            AUTO_TEXT piece = text_copy_n(bytes + at, size); /* exact, for the address sanitizer */
            CHECK_INT("fed", lines_feed(&lines, piece, size, &err), 0);
            at += size;
        }
        CHECK_TEXT("lines", str_text(&seen), "[one][two][{\"a\":1}][five six][\rx]");
        CHECK_INT("pending", lines_pending(&lines), strlen("unfinished"));
        lines_done(&lines);
    }
}

TEST(lines_are_bounded_and_can_be_stopped)
{
    static const char bytes[] = "12345\n123456";
    for (size_t split = 1; split < 12; split++) {
        AUTO_STR seen = STR_EMPTY;
        struct lines lines;
        struct err err;
        int result = 0;
        lines_init(&lines, 5, on_line, &seen);
        for (size_t at = 0; at < 12 && result == 0; at += split)
            result = lines_feed(&lines, bytes + at, split < 12 - at ? split : 12 - at, &err);
        CHECK_INT("too long", result, -1);
        CHECK_TEXT("words", err.text, "a line of more than 5 bytes");
        CHECK_TEXT("lines", str_text(&seen), "[12345]");
        lines_done(&lines);
    }
    AUTO_STR seen = STR_EMPTY;
    struct lines lines;
    lines_init(&lines, 10, on_line, &seen);
    CHECK_INT("stops", lines_feed(&lines, "a\nstop\nb\n", 9, NULL), 0);
    CHECK_TEXT("lines", str_text(&seen), "[a][stop]");
    lines_done(&lines);
}

/* --- Outcomes -------------------------------------------------------------------------------- */

#define FORBIDDEN(message_)                                                                        \
    "{\"kind\":\"Status\",\"reason\":\"Forbidden\",\"message\":\"" message_ "\"}"

static const struct {
    int status;
    const char *body;
    enum kube_outcome want;
    enum err_kind kind;
} outcomes[] = {
    {200, "{}", KUBE_OK, ERR_NONE},
    {201, NULL, KUBE_OK, ERR_NONE},
    {301, NULL, KUBE_INVALID, ERR_INVALID},
    {400, "[]", KUBE_INVALID, ERR_INVALID},
    {401, NULL, KUBE_UNAUTHORIZED, ERR_AGAIN},
    {403, NULL, KUBE_FORBIDDEN, ERR_INVALID},
    {403, FORBIDDEN("pods \\\"x\\\" is forbidden: exceeded quota: q, requested: cpu=1"), KUBE_QUOTA,
     ERR_AGAIN},
    {403, FORBIDDEN("unable to create new content in namespace a because it is being terminated"),
     KUBE_NAMESPACE_TERMINATING, ERR_INVALID},
    {403,
     "{\"kind\":\"Status\",\"details\":{\"causes\":[7,{\"reason\":\"NamespaceTerminating\"}]}}",
     KUBE_NAMESPACE_TERMINATING, ERR_INVALID},
    {403, "{\"kind\":\"Pod\",\"message\":\"exceeded quota\"}", KUBE_FORBIDDEN, ERR_INVALID},
    {403, "{\"kind\":\"Status\",\"message\":{\"a\":1},\"details\":[]}", KUBE_FORBIDDEN,
     ERR_INVALID},
    {404, "null", KUBE_NOT_FOUND, ERR_STALE},
    {408, NULL, KUBE_SERVER, ERR_AGAIN},
    {409, "{\"kind\":\"Status\",\"reason\":\"AlreadyExists\"}", KUBE_EXISTS, ERR_STALE},
    {409, "{\"kind\":\"Status\",\"reason\":\"Conflict\"}", KUBE_CONFLICT, ERR_STALE},
    {409, "{\"kind\":\"Status\",\"reason\":7}", KUBE_CONFLICT, ERR_STALE},
    {410, NULL, KUBE_GONE, ERR_EXPIRED},
    {422, NULL, KUBE_INVALID, ERR_INVALID},
    {429, NULL, KUBE_TOO_MANY, ERR_AGAIN},
    {504, NULL, KUBE_SERVER, ERR_AGAIN},
};

TEST(answers_are_classified)
{
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
        const char *name = outcomes[i].body != NULL ? outcomes[i].body : "no body";
        struct json_object *body =
            outcomes[i].body != NULL ? json_tokener_parse(outcomes[i].body) : NULL;
        enum kube_outcome got = kube_outcome_of(outcomes[i].status, body);
        CHECK_TEXT(name, kube_outcome_name(got), kube_outcome_name(outcomes[i].want));
        CHECK_TEXT(name, err_kind_name(kube_outcome_kind(got)), err_kind_name(outcomes[i].kind));
        json_object_put(body);
    }
    CHECK_TRUE("open", kube_outcome_is_open(KUBE_UNKNOWN) && kube_outcome_is_open(KUBE_SERVER));
    CHECK_TRUE("closed", !kube_outcome_is_open(KUBE_NOT_SENT) && !kube_outcome_is_open(KUBE_OK));
}

/* --- Back-off and window --------------------------------------------------------------------- */

static uint64_t highest(void *ctx)
{
    UNUSED(ctx);
    return UINT64_MAX;
}

static uint64_t drawn(void *ctx)
{
    return check_random_next(ctx);
}

TEST(waits_double_with_full_jitter)
{
    struct kube_backoff backoff = {.min_ms = 800, .max_ms = 30000};
    struct check_random source = {.state = 3};
    const struct kube_random random = {.next = drawn, .ctx = &source};
    static const int64_t ceilings[] = {800, 1600, 3200, 6400, 12800, 25600, 30000, 30000};

    for (int round = 0; round < 200; round++) {
        for (size_t i = 0; i < ARRAY_LEN(ceilings); i++) {
            int64_t wait_ms = kube_backoff_next(&backoff, &random);
            CHECK_INT("ceiling", backoff.ceiling_ms, ceilings[i]);
            CHECK_TRUE("within", wait_ms >= 1 && wait_ms <= ceilings[i]);
        }
        kube_backoff_reset(&backoff);
    }
    const struct kube_random top = {.next = highest};
    CHECK_INT("one value", kube_random_between(&top, 5, 5), 5);
    CHECK_INT("no room", kube_random_between(&top, 5, 4), 5);
}

/* A server that answers in 40 ms up to some requests in flight, and beyond makes them queue. */
static int settle(struct window *window, int capacity, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        int limit = window->limit;
        int64_t latency_ns = 40 * NS_PER_MS * (limit > capacity ? limit : capacity) / capacity;
        for (int j = 0; j < limit && window->limit == limit; j++)
            window_answer(window, latency_ns, true);
    }
    return window->limit;
}

TEST(the_window_finds_what_the_server_can_use)
{
    struct window window;
    window_init(&window, 8, 96);
    CHECK_INT("starts small", window.limit, 16);
    int limit = settle(&window, 16, 200);
    CHECK_TRUE("within a few times its capacity", limit >= 32 && limit <= 72);
    window_pushback(&window, 1000 * NS_PER_S);
    int after = window.limit;
    CHECK_TRUE("a 429 takes a third", after <= limit * 2 / 3);
    window_pushback(&window, 1000 * NS_PER_S + 1);
    CHECK_INT("once per round trip", window.limit, after);
    for (int i = 0; i < 100; i++)
        window_pushback(&window, (2000 + i) * NS_PER_S);
    CHECK_INT("never below its least", window.limit, 8);
    CHECK_INT("never above its most", settle(&window, 1000, 200), 96);

    window_init(&window, 8, 96);
    settle(&window, 1000, 5);
    for (int i = 0; i < 5000; i++) /* ten times slower, whatever the window: no queue of ours */
        window_answer(&window, 400 * NS_PER_MS, true);
    CHECK_INT("a slower server is learnt", window.limit, 96);

    window_init(&window, 8, 96);
    for (int i = 0; i < 1000; i++)
        window_answer(&window, NS_PER_MS, false);
    CHECK_INT("grows only when it holds something back", window.limit, 16);
}
