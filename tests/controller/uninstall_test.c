/* SPDX-License-Identifier: Apache-2.0 */
/* uninstall_test.c - what --uninstall takes away, from a small store that can misbehave */
#include "check.h"
#include "kube/fake.h"

#include "controller/uninstall.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PODS_MAX = 3 };

struct pod {
    bool there, held, ours, going;
};

struct world {
    uv_loop_t loop;
    struct fake fake;
    struct kube_client *client;
    struct pod pods[PODS_MAX];
    bool paged;         /* a page has one pod */
    const char *holder; /* NULL: there is no lease */
    bool renewed;       /* at each look */
    bool queue_held;
    bool no_crds;
    int conflicts, forbidden_list; /* so many patches conflict; lists of pods are refused */
    bool stubborn;                 /* patches change nothing */
    int nodes;
    int version, done, exit_status, writes;
};

static void reply_lease(struct world *world, const struct fake_request *request)
{
    char body[300];
    if (world->holder == NULL) {
        fake_reply(request, 404, NULL, "{}");
        return;
    }
    world->version += world->renewed ? 1 : 0;
    (void)snprintf(body, sizeof(body),
                   "{\"metadata\":{\"resourceVersion\":\"%d\"},\"spec\":{\"holderIdentity\":\"%s\","
                   "\"leaseDurationSeconds\":2}}",
                   world->version, world->holder);
    fake_reply(request, 200, NULL, body);
}

static void add_pod(struct str *out, const struct pod *pod, size_t i)
{
    str_addf(out, "%s{\"metadata\":{\"namespace\":\"a\",\"name\":\"p%zu\",\"uid\":\"u%zu\"%s%s%s}}",
             out->size > 10 ? "," : "", i, i,
             pod->held ? ",\"finalizers\":[\"x/y\",\"bulkhead.dev/outcome\"]" : "",
             pod->ours ? ",\"labels\":{\"bulkhead.dev/job-uid\":\"j\"}" : "",
             pod->going ? ",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"" : "");
}

static void reply_pods(struct world *world, const struct fake_request *request)
{
    AUTO_STR out = STR_EMPTY;
    const char *from = strstr(request->path, "continue=");
    size_t first = from != NULL ? (size_t)strtol(from + 9, NULL, 10) : 0;
    size_t last = world->paged ? first + 1 : PODS_MAX;
    if (world->forbidden_list > 0) {
        fake_reply(request, 403, NULL,
                   "{\"kind\":\"Status\",\"reason\":\"Forbidden\",\"message\":\"no\"}");
        return;
    }
    str_add(&out, "{\"items\":[");
    for (size_t i = first; i < last; i++)
        if (world->pods[i].there)
            add_pod(&out, &world->pods[i], i);
    str_add(&out, "],\"metadata\":{");
    if (last < PODS_MAX)
        str_addf(&out, "\"continue\":\"%zu\"", last);
    str_add(&out, "}}");
    fake_reply(request, 200, NULL, str_text(&out));
}

static void write_pod(struct world *world, const struct fake_request *request)
{
    const char *name = strstr(request->path, "/pods/p");
    REQUIRE(name != NULL);
    struct pod *pod = &world->pods[name[strlen("/pods/p")] - '0'];
    world->writes++;
    if (world->conflicts > 0) {
        world->conflicts--;
        fake_reply(request, 409, NULL, "{\"kind\":\"Status\",\"reason\":\"Conflict\"}");
        return;
    }
    if (strcmp(request->method, "DELETE") == 0)
        pod->going = true;
    else if (!world->stubborn)
        pod->held = false;
    if (pod->going && !pod->held)
        pod->there = false;
    fake_reply(request, 200, NULL, "{}");
}

static void reply_queues(struct world *world, const struct fake_request *request)
{
    if (world->no_crds) {
        fake_reply(request, 404, NULL, "{}");
    } else if (strcmp(request->method, "PATCH") == 0) {
        world->writes++;
        world->queue_held = false;
        fake_reply(request, 200, NULL, "{}");
    } else {
        fake_reply(
            request, 200, NULL,
            world->queue_held
                ? "{\"items\":[{\"metadata\":{\"name\":\"q\",\"uid\":\"q\",\"resourceVersion\":"
                  "\"5\",\"finalizers\":[\"bulkhead.dev/in-use\"]}}]}"
                : "{\"items\":null}");
    }
}

static void serve(void *ctx, const struct fake_request *request)
{
    struct world *world = ctx;
    if (strstr(request->path, "/leases/") != NULL)
        reply_lease(world, request);
    else if (strncmp(request->path, "/api/v1/pods?", 13) == 0)
        reply_pods(world, request);
    else if (strstr(request->path, "/pods/") != NULL)
        write_pod(world, request);
    else if (strstr(request->path, "jobqueues") != NULL)
        reply_queues(world, request);
    else if (strstr(request->path, "bulkhead.dev/v1alpha1") != NULL && world->no_crds)
        fake_reply(request, 404, NULL, "{}");
    else
        fake_reply(request, 200, NULL, "{\"items\":[]}");
}

static void on_done(void *ctx, int exit_status)
{
    struct world *world = ctx;
    world->done++;
    world->exit_status = exit_status;
}

static const struct {
    const char *name;
    struct world world;
    int exit_status, writes, left; /* left: pods that are there and held, or were not deleted */
} rows[] = {
    {"nothing is there", {.no_crds = true}, 0, 0, 0},
    {"pods that are held, one that lost its labels, and somebody else's",
     {.pods = {{true, true, true, false}, {true, true, false, false}, {true, false, false, false}}},
     0,
     4,
     1},
    {"a page at a time",
     {.pods = {{true, true, true, true}, {true, false, true, false}, {true, true, true, false}},
      .paged = true},
     0,
     4,
     0},
    {"a pod that goes already is not deleted again",
     {.pods = {{true, false, true, true}}, .queue_held = true},
     0,
     1,
     1},
    {"what changed meanwhile is seen by the next list",
     {.pods = {{true, true, true, true}}, .conflicts = 3},
     0,
     4,
     0},
    {"what cannot be taken away is told at the bound",
     {.pods = {{true, true, true, true}}, .stubborn = true},
     1,
     UNINSTALL_PASSES,
     1},
    {"who may not list is told",
     {.pods = {{true, true, true, false}}, .forbidden_list = 1},
     1,
     0,
     1},
    {"somebody leads",
     {.pods = {{true, true, true, false}}, .holder = "them", .renewed = true},
     1,
     0,
     1},
    {"who led is gone", {.pods = {{true, true, true, true}}, .holder = "them"}, 0, 1, 0},
    {"who led gave it back", {.pods = {{true, true, true, true}}, .holder = ""}, 0, 1, 0},
};

TEST(uninstall)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world world = rows[i].world;
        uv_loop_init(&world.loop);
        fake_start(&world.fake, &world.loop, serve, &world);
        world.client = fake_client(&world.fake, NULL);
        const struct uninstall_options options = {.uv = &world.loop,
                                                  .kube = world.client,
                                                  .namespace_ = "bulkhead-system",
                                                  .second_ms = 5,
                                                  .pause_ms = 1,
                                                  .on_done = on_done,
                                                  .ctx = &world};
        struct uninstall *uninstall = uninstall_new(&options);
        REQUIRE(run_until(&world.loop, &world.done, 1));
        int left = 0;
        for (size_t p = 0; p < PODS_MAX; p++)
            left += world.pods[p].there ? 1 : 0;
        CHECK_INT(rows[i].name, world.exit_status, rows[i].exit_status);
        CHECK_INT(rows[i].name, world.writes, rows[i].writes);
        CHECK_INT(rows[i].name, left, rows[i].left);
        CHECK_INT(rows[i].name, world.done, 1);
        kube_client_close(world.client, NULL, NULL);
        uninstall_free(uninstall);
        fake_finish(&world.fake, NULL, &world.loop);
    }
}
