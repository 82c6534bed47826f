/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "bulkhead/base/log.h"
#include "bulkhead/json/get.h"
#include "controller/observe.h"

#include <stdlib.h>
#include <string.h>

static void drop_payload(const struct event *event)
{
    switch (event->kind) {
    case EVENT_JOB:
        batch_job_free(event->job);
        break;
    case EVENT_QUEUE:
        job_queue_free(event->queue);
        break;
    case EVENT_ENVIRONMENT:
        compute_environment_free(event->environment);
        break;
    case EVENT_CONSUMABLE:
        consumable_resource_free(event->consumable);
        break;
    case EVENT_POLICY:
        scheduling_policy_free(event->policy);
        break;
    case EVENT_POD:
        pod_free(event->pod);
        break;
    case EVENT_REVISION:
        job_definition_free(event->definition);
        break;
    case EVENT_SERVICE:
        node_service_free(event->service);
        break;
    case EVENT_INVALID:
        object_meta_done(event->meta);
        free(event->meta);
        break;
    case EVENT_ARRAY_STATE:
        array_status_done(event->array);
        free(event->array);
        break;
    default:
        break;
    }
}

static void on_apply(void *ctx, enum watched_kind kind, struct event *event)
{
    struct str *log = ctx;
    UNUSED(kind);
    switch (event->kind) {
    case EVENT_JOB:
        str_addf(log, "job %s rv=%s", event->job->meta.name, event->job->meta.resource_version);
        break;
    case EVENT_REVISION:
        str_addf(log, "%s:%lld", event->definition->of_name,
                 (long long)event->definition->revision);
        break;
    case EVENT_SERVICE:
        str_addf(log, "service of %s", event->service->job_uid);
        break;
    case EVENT_REVISION_GONE:
        str_addf(log, "revision gone %s/%s %s", event->namespace_, event->name, event->uid);
        break;
    case EVENT_JOB_GONE:
        str_addf(log, "job gone %s", event->uid);
        break;
    case EVENT_QUEUE:
        str_addf(log, "queue %s", event->queue->meta.name);
        break;
    case EVENT_ENVIRONMENT:
        str_addf(log, "environment %s", event->environment->meta.name);
        break;
    case EVENT_CONSUMABLE:
        str_addf(log, "resource %s of %lld", event->consumable->meta.name,
                 (long long)event->consumable->total);
        break;
    case EVENT_POLICY:
        str_addf(log, "policy %s decay %lld", event->policy->meta.name,
                 (long long)event->policy->decay_s);
        break;
    case EVENT_POLICY_GONE:
        str_addf(log, "policy gone %s", event->name);
        break;
    case EVENT_CONSUMABLE_GONE:
        str_addf(log, "resource gone %s", event->name);
        break;
    case EVENT_ENVIRONMENT_GONE:
        str_addf(log, "environment gone %s", event->name);
        break;
    case EVENT_POD_GONE:
        str_addf(log, "pod gone %s/%s %s", event->namespace_, event->name, event->uid);
        break;
    case EVENT_ARRAY_STATE:
        str_addf(log, "array of %s rv=%s %s", event->uid, event->resource_version,
                 event->array->data);
        break;
    case EVENT_INVALID:
        str_addf(log, "invalid %s %s: %s", event->object_kind, event->meta->name, event->message);
        break;
    default:
        str_addf(log, "event %d", (int)event->kind);
    }
    str_add(log, "\n");
    drop_payload(event);
}

static void on_environment(void *ctx, const struct compute_environment *environment)
{
    str_addf(ctx, "group %s\n", environment->meta.name);
}

static void on_environment_gone(void *ctx, const char *name)
{
    str_addf(ctx, "no group %s\n", name);
}

static int64_t now(void)
{
    return 1000;
}

/* clang-format off */
#define JOB(rv) "{\"metadata\":{\"name\":\"j\",\"namespace\":\"ns\",\"uid\":\"u1\",\"resourceVersion\":\"" rv "\"}," \
    "\"spec\":{\"jobQueue\":\"q\",\"template\":{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}}}"
#define ENVIRONMENT "{\"metadata\":{\"name\":\"e\",\"uid\":\"u2\",\"resourceVersion\":\"3\"},\"spec\":{\"type\":\"MANAGED\"," \
    "\"kubernetesNamespaces\":[\"ns\"],\"computeResources\":{\"maxvCpus\":4},\"nodeGroup\":{\"provider\":\"kwok\",\"kwok\":{" \
    "\"catalog\":[{\"name\":\"s\",\"vcpus\":4,\"memory\":\"8Gi\"}]}}}}"
static const struct { const char *name; enum watched_kind kind; enum kube_watch_type type; const char *doc, *want; } rows[] = {
    { "a job", WATCHED_JOBS, KUBE_ADDED, JOB("6"), "job j rv=6\n" },
    { "our own write comes back", WATCHED_JOBS, KUBE_MODIFIED, JOB("7"), "" },
    { "an older one, late", WATCHED_JOBS, KUBE_MODIFIED, JOB("5"), "" },
    { "somebody else's", WATCHED_JOBS, KUBE_MODIFIED, JOB("8"), "job j rv=8\n" },
    { "gone", WATCHED_JOBS, KUBE_DELETED, JOB("9"), "job gone u1\n" },
    { "an environment gets its node group first", WATCHED_ENVIRONMENTS, KUBE_ADDED, ENVIRONMENT, "group e\nenvironment e\n" },
    { "and loses it first", WATCHED_ENVIRONMENTS, KUBE_DELETED, ENVIRONMENT, "no group e\nenvironment gone e\n" },
    { "what a list found gone has only a name", WATCHED_PODS, KUBE_DELETED,
      "{\"metadata\":{\"name\":\"p\",\"namespace\":\"ns\",\"uid\":\"u3\"}}", "pod gone ns/p u3\n" },
    { "a pod without a name is left out", WATCHED_PODS, KUBE_ADDED, "{\"metadata\":{}}", "" },
    { "a service", WATCHED_SERVICES, KUBE_ADDED,
      "{\"metadata\":{\"name\":\"j-u1\",\"namespace\":\"ns\",\"uid\":\"u8\",\"ownerReferences\":[{\"apiVersion\":\"bulkhead.dev/v1alpha1\","
      "\"kind\":\"BatchJob\",\"name\":\"j\",\"uid\":\"u1\",\"controller\":true}]}}", "service of u1\n" },
    { "a service with our label that is not ours", WATCHED_SERVICES, KUBE_ADDED,
      "{\"metadata\":{\"name\":\"j-u1\",\"namespace\":\"ns\",\"uid\":\"u8\"}}", "" },
    { "a revision", WATCHED_REVISIONS, KUBE_ADDED,
      "{\"metadata\":{\"name\":\"d-u1-2\",\"namespace\":\"ns\",\"uid\":\"u7\"},\"revision\":2,\"data\":{\"jobDefinition\":{"
      "\"name\":\"d\",\"uid\":\"u1\"},\"spec\":{}}}", "d:2\n" },
    { "a revision goes", WATCHED_REVISIONS, KUBE_DELETED, "{\"metadata\":{\"name\":\"d-u1-2\",\"namespace\":\"ns\",\"uid\":\"u7\"}}",
      "revision gone ns/d-u1-2 u7\n" },
    { "array state is about its job", WATCHED_ARRAY_STATES, KUBE_ADDED,
      "{\"metadata\":{\"name\":\"j\",\"namespace\":\"ns\",\"uid\":\"u9\",\"resourceVersion\":\"4\"},\"jobUid\":\"u1\",\"size\":2,"
      "\"encoding\":\"runs\",\"data\":\"w0*2\"}", "array of u1 rv=4 w0*2\n" },
    { "array states go with their jobs", WATCHED_ARRAY_STATES, KUBE_DELETED, "{\"metadata\":{\"name\":\"j\"}}", "" },
};
/* clang-format on */

static struct observer *observer_of(struct memo *memo, struct str *log)
{
    const struct observer_options options = {.memo = memo,
                                             .apply = on_apply,
                                             .on_environment = on_environment,
                                             .on_environment_gone = on_environment_gone,
                                             .now_ns = now,
                                             .ctx = log};
    return observer_new(&options);
}

static void see(struct observer *observer, enum watched_kind kind, enum kube_watch_type type,
                const char *text)
{
    struct err err;
    AUTO(json_object) doc = NULL;
    REQUIRE(json_parse(text, strlen(text), &doc, &err) == 0);
    observe(observer, kind, type, doc, false);
}

TEST(observe)
{
    AUTO_STR log = STR_EMPTY;
    AUTO(memo) memo = memo_new();
    AUTO(observer) observer = observer_of(memo, &log);
    log_setup(LOG_ERROR, LOG_TEXT, 100);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        str_clear(&log);
        see(observer, rows[i].kind, rows[i].type, rows[i].doc);
        CHECK_TEXT(rows[i].name, str_text(&log), rows[i].want);
        if (i == 0) /* our status write of version 7 was answered */
            memo_version(memo, "u1", "7");
    }
    CHECK_INT("echoes", observer_stats(observer)->echoes, 2);
    CHECK_INT("unreadable", observer_stats(observer)->unreadable, 2);
    CHECK_INT("forgotten with its object", memo_take_arrival(memo, "u1"), 0);
}

TEST(observe_read_is_always_news)
{
    struct err err;
    AUTO_STR log = STR_EMPTY;
    AUTO(memo) memo = memo_new();
    AUTO(observer) observer = observer_of(memo, &log);
    AUTO(json_object) doc = NULL;
    static const char text[] = JOB("7");
    REQUIRE(json_parse(text, strlen(text), &doc, &err) == 0);
    memo_version(memo, "u1", "7"); /* another write of ours, whose echo was skipped */
    observe_read(observer, WATCHED_JOBS, doc);
    CHECK_TEXT("told", str_text(&log), "job j rv=7\n");
    see(observer, WATCHED_JOBS, KUBE_MODIFIED, JOB("7"));
    CHECK_TEXT("not twice", str_text(&log), "job j rv=7\n");
}

#define RESOURCE(version)                                                                          \
    "{\"metadata\":{\"name\":\"lic\",\"uid\":\"u\",\"resourceVersion\":\"" version                 \
    "\"},\"spec\":{"                                                                               \
    "\"totalQuantity\":5}}"

TEST(observe_consumable_resources)
{
    AUTO_STR log = STR_EMPTY;
    AUTO(memo) memo = memo_new();
    AUTO(observer) observer = observer_of(memo, &log);
    see(observer, WATCHED_CONSUMABLES, KUBE_ADDED, RESOURCE("3"));
    memo_version(memo, "u", "4"); /* a status of ours */
    see(observer, WATCHED_CONSUMABLES, KUBE_MODIFIED, RESOURCE("4"));
    see(observer, WATCHED_CONSUMABLES, KUBE_DELETED, RESOURCE("5"));
    CHECK_TEXT("told", str_text(&log), "resource lic of 5\nresource gone lic\n");
}

TEST(observe_policies)
{
    AUTO_STR log = STR_EMPTY;
    AUTO(memo) memo = memo_new();
    AUTO(observer) observer = observer_of(memo, &log);
#define POLICY(version)                                                                            \
    "{\"metadata\":{\"name\":\"p\",\"uid\":\"u\",\"resourceVersion\":\"" version                   \
    "\"},\"spec\":{\"fairsharePolicy\":{\"shareDecaySeconds\":60}}}"
    see(observer, WATCHED_POLICIES, KUBE_ADDED, POLICY("3"));
    see(observer, WATCHED_POLICIES, KUBE_DELETED, POLICY("5"));
    CHECK_TEXT("told", str_text(&log), "policy p decay 60\npolicy gone p\n");
}

TEST(observe_tells_the_author)
{
    AUTO_STR log = STR_EMPTY;
    AUTO(memo) memo = memo_new();
    AUTO(observer) observer = observer_of(memo, &log);
    see(observer, WATCHED_QUEUES, KUBE_ADDED,
        "{\"metadata\":{\"name\":\"q\",\"uid\":\"u\",\"resourceVersion\":\"3\"},"
        "\"spec\":{\"priority\":2000}}");
    CHECK_HAS("kind and name", str_text(&log), "invalid JobQueue q: ");
    CHECK_HAS("what is wrong", str_text(&log), "spec");
}

/* Each is named in the log once, and of very many only the first; all are counted. */
TEST(observe_unreadable_objects)
{
    enum { NAMED_MAX = 1024, MANY = NAMED_MAX + 10 };
    AUTO_STR log = STR_EMPTY;
    AUTO(memo) memo = memo_new();
    AUTO(observer) observer = observer_of(memo, &log);
    log_setup(LOG_ERROR, LOG_TEXT, 100);
    for (int i = 0; i < 2 * MANY; i++) {
        AUTO_TEXT text =
            text_printf("{\"metadata\":{\"name\":\"d-%d\",\"namespace\":\"ns\"}}", i / 2);
        see(observer, WATCHED_REVISIONS, KUBE_ADDED, text);
    }
    CHECK_TEXT("told of", str_text(&log), "");
    CHECK_INT("counted", observer_stats(observer)->unreadable, 2 * MANY);
    CHECK_INT("named", observer_stats(observer)->unreadable_named, NAMED_MAX);
}
