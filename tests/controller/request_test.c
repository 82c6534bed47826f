/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "bulkhead/json/get.h"
#include "controller/request.h"

#include <string.h>

static struct json_object *doc_of(const char *text)
{
    struct err err;
    struct json_object *doc = NULL;
    REQUIRE(json_parse(text, strlen(text), &doc, &err) == 0);
    return doc;
}

static void check_request(const char *name, struct request *request, const char *want)
{
    AUTO_STR got = STR_EMPTY;
    request_print(request, &got);
    CHECK_TEXT(name, str_text(&got), want);
    request_done(request);
}

/* clang-format off */
static const struct { const char *name; struct action action; const char *want; } pods[] = {
    { "get", { .kind = ACTION_POD_GET, .namespace_ = "ns", .name = "a" },
      "GET /api/v1/namespaces/ns/pods/a -> object\n" },
    { "release takes off only ours, from the pod that was meant",
      { .kind = ACTION_POD_RELEASE, .namespace_ = "ns", .name = "a", .uid = "u1" },
      "PATCH /api/v1/namespaces/ns/pods/a?timeout=4s strategic-merge-patch -> metadata\n"
      "{\"metadata\":{\"uid\":\"u1\",\"$deleteFromPrimitiveList\\/finalizers\":[\"bulkhead.dev\\/outcome\"]}}\n" },
    { "mark only if nothing has changed",
      { .kind = ACTION_POD_MARK, .namespace_ = "ns", .name = "a", .uid = "u1", .resource_version = "7", .message = "b" },
      "PATCH /api/v1/namespaces/ns/pods/a?timeout=4s strategic-merge-patch -> metadata\n"
      "{\"metadata\":{\"uid\":\"u1\",\"resourceVersion\":\"7\",\"annotations\":{\"bulkhead.dev\\/gives-way-to\":\"b\"}}}\n" },
    { "delete with the pod's own grace",
      { .kind = ACTION_POD_DELETE, .namespace_ = "ns", .name = "a", .uid = "u1", .grace_s = -1 },
      "DELETE /api/v1/namespaces/ns/pods/a?timeout=4s json -> metadata\n"
      "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\",\"preconditions\":{\"uid\":\"u1\"}}\n" },
    { "delete only if nothing has changed",
      { .kind = ACTION_POD_DELETE, .namespace_ = "ns", .name = "a", .uid = "u1", .resource_version = "7", .grace_s = -1 },
      "DELETE /api/v1/namespaces/ns/pods/a?timeout=4s json -> metadata\n"
      "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\",\"preconditions\":{\"uid\":\"u1\",\"resourceVersion\":\"7\"}}\n" },
    { "delete at once",
      { .kind = ACTION_POD_DELETE, .namespace_ = "ns", .name = "a", .uid = "u1", .grace_s = 0 },
      "DELETE /api/v1/namespaces/ns/pods/a?timeout=4s json -> metadata\n"
      "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\",\"preconditions\":{\"uid\":\"u1\"},\"gracePeriodSeconds\":0}\n" },
};
/* clang-format on */

/* JSON allows both spellings of a slash; the tables above are written with one of them. */
static char *plain_slashes(const char *text)
{
    AUTO_STR out = STR_EMPTY;
    for (; *text != '\0'; text++)
        if (!(text[0] == '\\' && text[1] == '/'))
            str_add_bytes(&out, text, 1);
    return str_take(&out);
}

TEST(request_pod)
{
    for (size_t i = 0; i < ARRAY_LEN(pods); i++) {
        struct err err;
        struct request request;
        AUTO_STR got = STR_EMPTY;
        REQUIRE(request_pod(&pods[i].action, NULL, 4, &request, &err) == 0);
        request_print(&request, &got);
        AUTO_TEXT got_plain = plain_slashes(str_text(&got));
        AUTO_TEXT want_plain = plain_slashes(pods[i].want);
        CHECK_TEXT(pods[i].name, got_plain, want_plain);
        request_done(&request);
    }
}

TEST(request_pod_never_a_collection)
{
    struct err err;
    struct request request;
    const struct action action = {
        .kind = ACTION_POD_DELETE, .namespace_ = "ns", .name = "", .uid = "u1"};
    CHECK_INT("no name", request_pod(&action, NULL, 4, &request, &err), -1);
}

static const char job_text[] =
    "{\"apiVersion\":\"bulkhead.dev/v1alpha1\",\"kind\":\"BatchJob\",\"metadata\":{\"name\":"
    "\"hello\",\"namespace\":\"ns\",\"uid\":\"0a1b2c3d-0000-0000-0000-000000000000\","
    "\"resourceVersion\":\"5\"},\"spec\":{\"jobQueue\":\"default\",\"template\":{\"spec\":{"
    "\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}}}";

TEST(request_pod_create)
{
    struct err err;
    struct request request;
    AUTO(json_object) doc = doc_of(job_text);
    AUTO(batch_job) job = NULL;
    AUTO(builders) builders = builders_new(1, BUILDERS_BYTES_MAX);
    REQUIRE(batch_job_decode(doc, &job, &err) == 0);
    struct action action = {.kind = ACTION_POD_CREATE,
                            .order = {.job = job,
                                      .name = "hello-0a1b2c3d-0-1",
                                      .node_name = "n1",
                                      .node_uid = "nu1",
                                      .environment = "e",
                                      .count = 1,
                                      .try = 1,
                                      .attempt = 1}};
    REQUIRE(request_pod(&action, builders, 4, &request, &err) == 0);
    CHECK_TEXT("create", request.path,
               "/api/v1/namespaces/ns/pods?fieldValidation=Strict&timeout=4s");
    CHECK_INT("method", request.method, KUBE_POST);
    CHECK_INT("the whole pod comes back", request.accept, KUBE_ACCEPT_JSON);
    CHECK_HAS("placed", request.body, "\"nodeName\":\"n1\"");
    request_done(&request);

    action.kind = ACTION_POD_CHECK;
    action.order.node_name = action.order.node_uid = NULL;
    REQUIRE(request_pod(&action, builders, 4, &request, &err) == 0);
    CHECK_TEXT("dry run", request.path,
               "/api/v1/namespaces/ns/pods?fieldValidation=Strict&dryRun=All"
               "&timeout=4s");
    CHECK_TRUE("not placed", strstr(request.body, "\"nodeName\":\"n1\"") == NULL);
    request_done(&request);
}

TEST(request_own_kinds)
{
    struct err err;
    struct request request;
    AUTO(json_object)
    queue =
        doc_of("{\"kind\":\"JobQueue\",\"metadata\":{\"name\":\"q\",\"resourceVersion\":\"7\"}}");
    REQUIRE(request_put_status(OWN_QUEUE, queue, 4, &request, &err) == 0);
    check_request(
        "queue status", &request,
        "PUT /apis/bulkhead.dev/v1alpha1/jobqueues/q/status"
        "?timeout=4s json -> metadata\n"
        "{\"kind\":\"JobQueue\",\"metadata\":{\"name\":\"q\",\"resourceVersion\":\"7\"}}\n");
    AUTO(json_object)
    fresh = doc_of("{\"kind\":\"ArrayState\",\"metadata\":{\"name\":\"j\",\"namespace\":\"ns\"}}");
    REQUIRE(request_array_state(fresh, 4, &request, &err) == 0);
    check_request("a new companion", &request,
                  "POST /apis/bulkhead.dev/v1alpha1/namespaces/ns/arraystates"
                  "?timeout=4s json -> metadata\n"
                  "{\"kind\":\"ArrayState\",\"metadata\":{\"name\":\"j\",\"namespace\":\"ns\"}}\n");
    AUTO(json_object)
    known = doc_of("{\"metadata\":{\"name\":\"j\",\"namespace\":\"ns\","
                   "\"resourceVersion\":\"9\"}}");
    REQUIRE(request_array_state(known, 4, &request, &err) == 0);
    CHECK_TEXT("a known one", request.path,
               "/apis/bulkhead.dev/v1alpha1/namespaces/ns/arraystates/j"
               "?timeout=4s");
    CHECK_INT("is replaced", request.method, KUBE_PUT);
    request_done(&request);
    REQUIRE(request_get(OWN_JOB, "ns", "j", &request, &err) == 0);
    check_request("read", &request,
                  "GET /apis/bulkhead.dev/v1alpha1/namespaces/ns/batchjobs/j -> object\n");
    CHECK_INT("a job without a namespace", request_get(OWN_JOB, NULL, "j", &request, &err), -1);
}

/* clang-format off */
static const struct { const char *name, *finalizers; bool add; const char *want; } finalizers[] = {
    { "the first", "", true, "[\"bulkhead.dev/in-use\"]" },
    { "beside another's", ",\"finalizers\":[\"x/y\"]", true, "[\"x/y\",\"bulkhead.dev/in-use\"]" },
    { "there already", ",\"finalizers\":[\"bulkhead.dev/in-use\"]", true, NULL },
    { "off, the other's stays", ",\"finalizers\":[\"x/y\",\"bulkhead.dev/in-use\"]", false, "[\"x/y\"]" },
    { "the last", ",\"finalizers\":[\"bulkhead.dev/in-use\"]", false, "[]" },
    { "off already", ",\"finalizers\":[\"x/y\"]", false, NULL },
};
/* clang-format on */

TEST(request_finalizer)
{
    for (size_t i = 0; i < ARRAY_LEN(finalizers); i++) {
        struct err err;
        struct request request = {.path = NULL};
        bool needed = false;
        AUTO_TEXT text = text_printf("{\"metadata\":{\"name\":\"q\",\"uid\":\"u\","
                                     "\"resourceVersion\":\"7\"%s}}",
                                     finalizers[i].finalizers);
        AUTO(json_object) doc = doc_of(text);
        REQUIRE(request_finalizer(OWN_QUEUE, doc, finalizers[i].add, 4, &request, &needed, &err) ==
                0);
        CHECK_INT(finalizers[i].name, needed, finalizers[i].want != NULL);
        if (!needed)
            continue;
        AUTO_TEXT body = plain_slashes(request.body);
        AUTO_TEXT want = text_printf("{\"metadata\":{\"uid\":\"u\",\"resourceVersion\":\"7\","
                                     "\"finalizers\":%s}}",
                                     finalizers[i].want);
        CHECK_TEXT(finalizers[i].name, body, want);
        CHECK_INT("merge patch", request.content, KUBE_CONTENT_MERGE_PATCH);
        request_done(&request);
    }
}
