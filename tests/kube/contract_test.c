/* SPDX-License-Identifier: Apache-2.0 */
/* contract_test.c - the same promises on a real API server
 *
 * BULKHEAD_TEST_KUBECONFIG names the kubeconfig of a cluster for tests; without it everything here
 * is skipped. Works in a namespace of its own, which it deletes at its end. */
#include "check.h"
#include "fake.h"

#include "bulkhead/base/clock.h"
#include "bulkhead/kube/access.h"
#include "bulkhead/kube/event.h"
#include "bulkhead/kube/lease.h"
#include "bulkhead/kube/path.h"
#include "bulkhead/kube/watch.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct world {
    uv_loop_t loop;
    struct kube_client *client;
    char *namespace, *pods; /* name, and the path of its pods */
    int answers;
    int outcomes[KUBE_OUTCOME_COUNT];
    char *uid, *rv; /* of the last object answered */
    struct err err;
    int told, gone, synced; /* by a watch */
    int acquired, released, checked;
    size_t missing;
};

static const char *kubeconfig(void)
{
    const char *path = getenv("BULKHEAD_TEST_KUBECONFIG");
    if (path == NULL || path[0] == '\0') {
        fprintf(stderr, "SKIPPED: BULKHEAD_TEST_KUBECONFIG is not set, so nothing here was tried "
                        "on a real API server\n");
        return NULL;
    }
    return path;
}

static const char *member(struct json_object *object, const char *key)
{
    struct json_object *metadata = NULL, *value = NULL;
    json_object_object_get_ex(object, "metadata", &metadata);
    return json_object_object_get_ex(metadata, key, &value) ? json_object_get_string(value) : NULL;
}

static void on_answer(void *ctx, const struct kube_response *response)
{
    struct world *world = ctx;
    world->answers++;
    world->outcomes[response->outcome]++;
    kube_response_err(response, &world->err);
    if (response->outcome == KUBE_OK && response->body != NULL) {
        text_set(&world->uid, member(response->body, "uid"));
        text_set(&world->rv, member(response->body, "resourceVersion"));
    }
}

/* One request that is waited for; others may be answered meanwhile. */
struct asked {
    struct world *world;
    enum kube_outcome outcome;
    int done;
};

static void on_asked(void *ctx, const struct kube_response *response)
{
    struct asked *asked = ctx;
    on_answer(asked->world, response);
    asked->outcome = response->outcome;
    asked->done = 1;
}

static enum kube_outcome ask(struct world *world, enum kube_method method,
                             enum kube_content content, const char *path, const char *body)
{
    struct asked asked = {.world = world};
    const struct kube_request request = {.method = method,
                                         .content = content,
                                         .path = path,
                                         .body = body,
                                         .on_done = on_asked,
                                         .ctx = &asked};
    REQUIRE(kube_send(world->client, &request, NULL, &world->err) == 0);
    REQUIRE(run_until(&world->loop, &asked.done, 1));
    return asked.outcome;
}

static bool world_start(struct world *world, const struct kube_client_options *options)
{
    const struct kube_client_options none = {0};
    struct kube_config_options config_options = {.path = kubeconfig()};
    struct kube_config *config = NULL;

    *world = (struct world){0};
    if (config_options.path == NULL)
        return false;
    uv_loop_init(&world->loop);
    REQUIRE(kube_config_load(&config_options, &config, &world->err) == 0);
    world->client =
        kube_client_new(&world->loop, &config, options != NULL ? options : &none, &world->err);
    REQUIRE(world->client != NULL);
    world->namespace = text_printf("kube-contract-%d-%lld", (int)getpid(),
                                   (long long)(clock_wall_ns() / NS_PER_MS % 1000000));
    world->pods = text_printf("/api/v1/namespaces/%s/pods", world->namespace);
    AUTO_TEXT body = text_printf("{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":"
                                 "{\"name\":\"%s\"}}",
                                 world->namespace);
    CHECK_INT("namespace made",
              ask(world, KUBE_POST, KUBE_CONTENT_JSON, "/api/v1/namespaces", body), KUBE_OK);
    AUTO_TEXT account =
        text_printf("/api/v1/namespaces/%s/serviceaccounts/default", world->namespace);
    for (int64_t end_ns = clock_steady_ns() + 10 * NS_PER_S; clock_steady_ns() < end_ns;) {
        if (ask(world, KUBE_GET, KUBE_CONTENT_JSON, account, NULL) == KUBE_OK)
            break;
    }
    return true;
}

static void on_closed(void *ctx)
{
    *(int *)ctx = 1;
}

static void world_end(struct world *world)
{
    AUTO_TEXT path = text_printf("/api/v1/namespaces/%s", world->namespace);
    int closed = 0;

    CHECK_INT("namespace deleted", ask(world, KUBE_DELETE, KUBE_CONTENT_JSON, path, NULL), KUBE_OK);
    kube_client_close(world->client, on_closed, &closed);
    CHECK_TRUE("closed", run_until(&world->loop, &closed, 1));
    CHECK_INT("nothing is left in the loop", uv_loop_close(&world->loop), 0);
    free(world->namespace);
    free(world->pods);
    free(world->uid);
    free(world->rv);
}

static char *pod_text(int number)
{
    return text_printf("{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p-%d\","
                       "\"labels\":{\"app\":\"contract\"},\"finalizers\":[\"bulkhead.dev/test\"]},"
                       "\"spec\":{\"nodeName\":\"kube-contract-no-such-node\",\"containers\":[{"
                       "\"name\":\"c\",\"image\":\"busybox\",\"resources\":{\"requests\":{"
                       "\"cpu\":\"100m\",\"memory\":\"64Mi\"}}}]}}",
                       number);
}

TEST(writes_have_the_outcomes_they_should)
{
    struct world world;
    if (!world_start(&world, NULL))
        return;
    AUTO_TEXT pod = pod_text(0);
    AUTO_TEXT path = text_printf("%s/p-0", world.pods);
    AUTO_TEXT status_path = text_printf("%s/status", path);
    AUTO_TEXT strict = text_printf("%s?fieldValidation=Strict", world.pods);

    CHECK_INT("create", ask(&world, KUBE_POST, KUBE_CONTENT_JSON, world.pods, pod), KUBE_OK);
    CHECK_INT("again", ask(&world, KUBE_POST, KUBE_CONTENT_JSON, world.pods, pod), KUBE_EXISTS);
    CHECK_INT("strict",
              ask(&world, KUBE_POST, KUBE_CONTENT_JSON, strict,
                  "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"q\"},\"spec\":"
                  "{\"containers\":[{\"name\":\"c\",\"image\":\"b\",\"imagee\":1}]}}"),
              KUBE_INVALID);
    CHECK_HAS("names the field", world.err.text, "imagee");
    CHECK_INT("invalid",
              ask(&world, KUBE_POST, KUBE_CONTENT_JSON, world.pods,
                  "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"q\"}}"),
              KUBE_INVALID);

    CHECK_INT("get", ask(&world, KUBE_GET, KUBE_CONTENT_JSON, path, NULL), KUBE_OK);
    AUTO_TEXT stale = text_printf("{\"metadata\":{\"resourceVersion\":\"1\"}}");
    AUTO_TEXT fresh = text_printf("{\"metadata\":{\"uid\":\"%s\",\"finalizers\":null}}", world.uid);
    AUTO_TEXT foreign = text_printf("{\"preconditions\":{\"uid\":\"no\"}}");
    AUTO_TEXT ours =
        text_printf("{\"preconditions\":{\"uid\":\"%s\"},\"gracePeriodSeconds\":0}", world.uid);
    CHECK_INT("status",
              ask(&world, KUBE_PATCH, KUBE_CONTENT_STRATEGIC_MERGE_PATCH, status_path,
                  "{\"status\":{\"phase\":\"Running\"}}"),
              KUBE_OK);
    CHECK_INT("stale patch", ask(&world, KUBE_PATCH, KUBE_CONTENT_MERGE_PATCH, path, stale),
              KUBE_CONFLICT);
    CHECK_INT("patch", ask(&world, KUBE_PATCH, KUBE_CONTENT_MERGE_PATCH, path, fresh), KUBE_OK);
    CHECK_INT("delete another's", ask(&world, KUBE_DELETE, KUBE_CONTENT_JSON, path, foreign),
              KUBE_CONFLICT);
    CHECK_INT("delete", ask(&world, KUBE_DELETE, KUBE_CONTENT_JSON, path, ours), KUBE_OK);
    CHECK_INT("gone", ask(&world, KUBE_GET, KUBE_CONTENT_JSON, path, NULL), KUBE_NOT_FOUND);
    CHECK_INT("expired continue",
              ask(&world, KUBE_GET, KUBE_CONTENT_JSON, "/api/v1/pods?limit=1&continue=bm8", NULL),
              KUBE_INVALID);
    struct kube_lane_stats stats = kube_client_stats(world.client, KUBE_LANE_WRITES);
    CHECK_INT("HTTP/2", stats.http_version, 2);
    CHECK_INT("one connection", stats.connections, 1);
    world_end(&world);
}

/* --- Trust ----------------------------------------------------------------------------------- */

static const struct {
    const char *name, *server_name;
    bool without_ca;
    enum kube_outcome want;
    const char *words;
} trusts[] = {
    {"as configured", NULL, false, KUBE_OK, ""},
    {"another of its names", "kubernetes.default.svc", false, KUBE_OK, ""},
    {"a name that is not its own", "example.org", false, KUBE_NOT_SENT, "certificate"},
    {"a CA of the system", NULL, true, KUBE_NOT_SENT, "certificate"},
};

TEST(a_server_is_trusted_by_its_certificate_only)
{
    for (size_t i = 0; i < ARRAY_LEN(trusts) && kubeconfig() != NULL; i++) {
        struct world world = {0};
        struct kube_config *config = NULL;
        int closed = 0;
        uv_loop_init(&world.loop);
        REQUIRE(kube_config_load(&(struct kube_config_options){.path = kubeconfig()}, &config,
                                 &world.err) == 0);
        text_set(&config->tls_server_name, trusts[i].server_name);
        if (trusts[i].without_ca)
            text_set(&config->ca_pem, NULL);
        world.client =
            kube_client_new(&world.loop, &config, &(struct kube_client_options){0}, &world.err);
        CHECK_TEXT(trusts[i].name,
                   kube_outcome_name(ask(&world, KUBE_GET, KUBE_CONTENT_JSON, "/version", NULL)),
                   kube_outcome_name(trusts[i].want));
        CHECK_HAS(trusts[i].name, world.err.text, trusts[i].words);
        kube_client_close(world.client, on_closed, &closed);
        CHECK_TRUE("closed", run_until(&world.loop, &closed, 1));
        uv_loop_close(&world.loop);
        free(world.uid);
        free(world.rv);
    }
}

/* --- Watching -------------------------------------------------------------------------------- */

static void on_event(void *ctx, enum kube_watch_type type, struct json_object *object, bool initial)
{
    struct world *world = ctx;
    (void)object;
    (void)initial;
    if (type == KUBE_DELETED)
        world->gone++;
    else
        world->told++;
}

static void on_synced(void *ctx)
{
    ((struct world *)ctx)->synced++;
}

static void send_pods(struct world *world, int from, int to)
{
    for (int i = from; i < to; i++) {
        AUTO_TEXT pod = pod_text(i);
        const struct kube_request request = {.method = KUBE_POST,
                                             .path = world->pods,
                                             .take_body = &pod,
                                             .accept = KUBE_ACCEPT_METADATA,
                                             .timeout_ms = 60000,
                                             .on_done = on_answer,
                                             .ctx = world};
        REQUIRE(kube_send(world->client, &request, NULL, &world->err) == 0);
    }
}

static void remove_pods(struct world *world, int from, int to)
{
    for (int i = from; i < to; i++) {
        AUTO_TEXT path = text_printf("%s/p-%d", world->pods, i);
        struct kube_request request = {.method = KUBE_PATCH,
                                       .content = KUBE_CONTENT_MERGE_PATCH,
                                       .path = path,
                                       .body = "{\"metadata\":{\"finalizers\":null}}",
                                       .accept = KUBE_ACCEPT_METADATA,
                                       .on_done = on_answer,
                                       .ctx = world};
        REQUIRE(kube_send(world->client, &request, NULL, &world->err) == 0);
        request.method = KUBE_DELETE;
        request.content = KUBE_CONTENT_JSON;
        request.body = "{\"gracePeriodSeconds\":0}";
        REQUIRE(kube_send(world->client, &request, NULL, &world->err) == 0);
    }
}

TEST(a_watch_follows_a_real_server)
{
    struct world world;
    if (!world_start(&world, NULL))
        return;
    const struct kube_watch_options options = {.path = world.pods,
                                               .label_selector = "app=contract",
                                               .on_event = on_event,
                                               .on_synced = on_synced,
                                               .ctx = &world,
                                               .page_limit = 7};
    int answered = world.answers;
    send_pods(&world, 0, 20);
    CHECK_TRUE("made", run_until(&world.loop, &world.answers, answered + 20));
    struct kube_watch *watch = kube_watch_new(world.client, &options, &world.err);
    REQUIRE(watch != NULL);
    CHECK_TRUE("listed in pages", run_until(&world.loop, &world.synced, 1));
    CHECK_INT("all of them", world.told, 20);
    send_pods(&world, 20, 30);
    CHECK_TRUE("told", run_until(&world.loop, &world.told, 30));
    remove_pods(&world, 0, 15);
    CHECK_TRUE("gone", run_until(&world.loop, &world.gone, 15));
    kube_watch_relist(watch);
    CHECK_TRUE("audited", run_until(&world.loop, &world.synced, 2));
    CHECK_INT("nothing was missed", kube_watch_stats(watch).repaired, 0);
    CHECK_INT("left", kube_watch_stats(watch).objects, 15);
    remove_pods(&world, 15, 30);
    CHECK_TRUE("all gone", run_until(&world.loop, &world.gone, 30));
    kube_watch_free(watch);
    world_end(&world);
}

/* --- Lease, access, events ------------------------------------------------------------------- */

static void on_acquired(void *ctx)
{
    ((struct world *)ctx)->acquired++;
}

static void on_lost(void *ctx, const char *why)
{
    (void)ctx;
    CHECK_TEXT("not lost", why, "");
}

static void on_released(void *ctx)
{
    ((struct world *)ctx)->released++;
}

TEST(a_lease_changes_hands)
{
    struct world world;
    if (!world_start(&world, NULL))
        return;
    struct kube_lease_options options = {.namespace = world.namespace,
                                         .name = "leader",
                                         .identity = "one",
                                         .retry_ms = 100,
                                         .on_acquired = on_acquired,
                                         .on_lost = on_lost,
                                         .ctx = &world};
    struct kube_lease *one = kube_lease_new(world.client, &options, &world.err);
    REQUIRE(one != NULL);
    CHECK_TRUE("taken", run_until(&world.loop, &world.acquired, 1));
    CHECK_TRUE("held", kube_lease_is_held(one, clock_steady_ns()));
    options.identity = "two";
    struct kube_lease *two = kube_lease_new(world.client, &options, &world.err);
    kube_lease_release(one, on_released, &world);
    CHECK_TRUE("given back", run_until(&world.loop, &world.released, 1));
    CHECK_TRUE("taken over", run_until(&world.loop, &world.acquired, 2));
    CHECK_INT("transitions", kube_lease_transitions(two), 1);
    kube_lease_free(one);
    kube_lease_release(two, on_released, &world);
    CHECK_TRUE("given back", run_until(&world.loop, &world.released, 2));
    kube_lease_free(two);
    world_end(&world);
}

static void on_checked(void *ctx, const size_t *missing, size_t count, const struct err *err)
{
    struct world *world = ctx;
    (void)missing;
    (void)err;
    world->checked++;
    world->missing = count;
}

static void on_discovered(void *ctx, const struct err *err)
{
    struct world *world = ctx;
    world->checked++;
    world->err = err != NULL ? *err : (struct err){0};
}

TEST(rights_and_resources_are_found)
{
    struct world world;
    if (!world_start(&world, NULL))
        return;
    static const struct kube_right rights[] = {{"create", "", "pods", NULL},
                                               {"patch", "apps", "deployments/status", "default"}};
    static const char *const some[] = {"deployments", NULL};
    static const char *const more[] = {"deployments", "balloons", NULL};

    CHECK_INT("asked", kube_access_check(world.client, rights, 2, on_checked, &world, NULL), 0);
    CHECK_TRUE("answered", run_until(&world.loop, &world.checked, 1));
    CHECK_INT("an admin may", world.missing, 0);
    kube_discovery_check(world.client, "apps/v1", some, on_discovered, &world, NULL);
    CHECK_TRUE("answered", run_until(&world.loop, &world.checked, 2));
    CHECK_TEXT("there", world.err.text, "");
    kube_discovery_check(world.client, "apps/v1", more, on_discovered, &world, NULL);
    CHECK_TRUE("answered", run_until(&world.loop, &world.checked, 3));
    CHECK_HAS("names what is missing", world.err.text, "knows apps/v1 but not balloons");
    kube_discovery_check(world.client, "nothing.dev/v1", some, on_discovered, &world, NULL);
    CHECK_TRUE("answered", run_until(&world.loop, &world.checked, 4));
    CHECK_HAS("says what to do", world.err.text, "does not know nothing.dev/v1: install the CRDs");

    struct kube_events *events =
        kube_events_new(world.client, &(struct kube_events_options){.component = "contract"});
    const struct kube_event event = {.api_version = "v1",
                                     .kind = "Pod",
                                     .namespace = world.namespace,
                                     .name = "p-0",
                                     .uid = "u",
                                     .reason = "Tried",
                                     .message = "it was"};
    kube_events_post(events, &event);
    kube_events_post(events, &event);
    AUTO_TEXT path = text_printf("/api/v1/namespaces/%s/events", world.namespace);
    for (int i = 0; i < 1000 && kube_events_stats(events).written == 0; i++)
        ask(&world, KUBE_GET, KUBE_CONTENT_JSON, path, NULL);
    CHECK_INT("one Event for both", kube_events_stats(events).written, 1);
    CHECK_INT("none refused", kube_events_stats(events).failed, 0);
    kube_events_free(events);
    world_end(&world);
}

/* --- Speed ----------------------------------------------------------------------------------- */

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
           1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* BULKHEAD_TEST_CREATES=n measures n creates; the figures are printed, nothing is required of them.
 */
TEST(creates_per_second)
{
    const char *wanted = getenv("BULKHEAD_TEST_CREATES"), *fixed = getenv("BULKHEAD_TEST_WINDOW");
    int count = wanted != NULL ? (int)strtol(wanted, NULL, 10) : 0;
    int window = fixed != NULL ? (int)strtol(fixed, NULL, 10) : 0;
    struct world world;
    if (count <= 0 ||
        !world_start(&world, &(struct kube_client_options){.waiting_max = (size_t)count * 2,
                                                           .window_min = window,
                                                           .window_max = window}))
        return;
    int answered = world.answers;
    int64_t began_ns = clock_steady_ns();
    double cpu = cpu_seconds();
    send_pods(&world, 0, count);
    for (int last = -1; world.answers < answered + count && last != world.answers;) {
        last = world.answers;
        run_until(&world.loop, &world.answers, answered + count);
    }
    double seconds = 1e-9 * (double)(clock_steady_ns() - began_ns);
    cpu = cpu_seconds() - cpu;
    struct kube_lane_stats stats = kube_client_stats(world.client, KUBE_LANE_WRITES);
    fprintf(stderr, "%d creates: %.0f/s, %.0f us of CPU each, window %d, HTTP/%d, %d connections\n",
            count, count / seconds, 1e6 * cpu / count, stats.window, stats.http_version,
            (int)stats.connections);
    CHECK_INT("made", world.outcomes[KUBE_OK] >= count, 1);
    answered = world.answers;
    began_ns = clock_steady_ns();
    remove_pods(&world, 0, count);
    for (int last = -1; world.answers < answered + 2 * count && last != world.answers;) {
        last = world.answers;
        run_until(&world.loop, &world.answers, answered + 2 * count);
    }
    seconds = 1e-9 * (double)(clock_steady_ns() - began_ns);
    fprintf(stderr, "finalizer off and delete: %.0f pods/s\n", count / seconds);
    world_end(&world);
}
