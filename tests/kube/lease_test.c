/* SPDX-License-Identifier: Apache-2.0 */
/* lease_test.c - who holds the lease, for each way it can be taken, renewed and lost
 *
 * The server here is a store of one Lease with resourceVersions, and switches to misbehave. */
#include "check.h"
#include "fake.h"

#include "bulkhead/base/clock.h"
#include "bulkhead/kube/lease.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct world {
    uv_loop_t loop;
    struct fake fake;
    struct kube_client *client;
    struct json_object *stored; /* NULL: no lease */
    int rv;
    bool mute;      /* takes requests, does nothing, answers nothing */
    bool lose_next; /* does the next write, and hangs up instead of answering */
    int odd;        /* so many answers are 200 with a body that is no object */
    int writes;
    int acquired, lost, released;
    char why[200];
};

static struct json_object *find(struct json_object *object, const char *part, const char *key)
{
    struct json_object *inner = NULL, *value = NULL;
    json_object_object_get_ex(object, part, &inner);
    json_object_object_get_ex(inner, key, &value);
    return value;
}

static const char *holder(const struct world *world)
{
    struct json_object *value = find(world->stored, "spec", "holderIdentity");
    return value != NULL ? json_object_get_string(value) : "";
}

static void store(struct world *world, struct json_object *object)
{
    struct json_object *metadata = NULL;
    char rv[16];
    snprintf(rv, sizeof(rv), "%d", ++world->rv);
    json_object_object_get_ex(object, "metadata", &metadata);
    json_object_object_add(metadata, "resourceVersion", json_object_new_string(rv));
    json_object_object_add(metadata, "uid", json_object_new_string("u1"));
    if (object != world->stored)
        json_object_put(world->stored);
    world->stored = object;
}

static void store_held_by(struct world *world, const char *who, int duration_s)
{
    AUTO_TEXT text =
        text_printf("{\"metadata\":{\"name\":\"l\"},\"spec\":{\"holderIdentity\":\"%s\","
                    "\"leaseDurationSeconds\":%d,\"leaseTransitions\":3,"
                    "\"renewTime\":\"2001-01-01T00:00:00.000000Z\"}}",
                    who, duration_s);
    store(world, json_tokener_parse(text));
}

static void show(struct world *world, const struct fake_request *request)
{
    bool odd = world->odd > 0;
    world->odd -= odd;
    fake_reply(request, 200, NULL, odd ? "[1]" : json_object_to_json_string(world->stored));
}

static void write_stored(struct world *world, const struct fake_request *request)
{
    struct json_object *next = json_tokener_parse(request->body);
    struct json_object *theirs = find(next, "metadata", "resourceVersion");
    struct json_object *ours = find(world->stored, "metadata", "resourceVersion");
    bool post = strcmp(request->method, "POST") == 0;

    world->writes++;
    if (post ? world->stored != NULL
             : world->stored == NULL || theirs == NULL || !json_object_equal(theirs, ours)) {
        json_object_put(next);
        fake_reply(request, 409, NULL, "{}");
        return;
    }
    store(world, next);
    if (world->lose_next) {
        world->lose_next = false;
        fake_hang_up(request);
        return;
    }
    show(world, request);
}

static void serve(void *ctx, const struct fake_request *request)
{
    struct world *world = ctx;
    if (world->mute)
        return;
    if (strcmp(request->method, "GET") != 0)
        write_stored(world, request);
    else if (world->stored == NULL)
        fake_reply(request, 404, NULL, "{}");
    else
        show(world, request);
}

static void on_acquired(void *ctx)
{
    ((struct world *)ctx)->acquired++;
}

static void on_lost(void *ctx, const char *why)
{
    struct world *world = ctx;
    world->lost++;
    snprintf(world->why, sizeof(world->why), "%s", why);
}

static void on_released(void *ctx)
{
    ((struct world *)ctx)->released++;
}

static struct kube_lease *start(struct world *world, const char *identity)
{
    struct err err;
    const struct kube_lease_options options = {.namespace = "ns",
                                               .name = "l",
                                               .identity = identity,
                                               .duration_ms = 1000,
                                               .renew_deadline_ms = 600,
                                               .retry_ms = 50,
                                               .on_acquired = on_acquired,
                                               .on_lost = on_lost,
                                               .ctx = world};
    struct kube_lease *lease = kube_lease_new(world->client, &options, &err);
    REQUIRE(lease != NULL);
    return lease;
}

static void world_start(struct world *world)
{
    memset(world, 0, sizeof(*world));
    uv_loop_init(&world->loop);
    fake_start(&world->fake, &world->loop, serve, world);
    world->client = fake_client(&world->fake, NULL);
}

static void world_end(struct world *world, struct kube_lease *lease)
{
    kube_lease_free(lease);
    fake_finish(&world->fake, world->client, &world->loop);
    json_object_put(world->stored);
}

static const struct {
    const char *name, *held_by; /* NULL: there is no lease */
    bool at_once;               /* else only after the holder's second */
    int transitions;
} takeovers[] = {
    {"absent", NULL, true, 0},
    {"released", "", true, 4},
    {"ours already", "me", true, 3},
    {"another's, long ago by its clock", "other", false, 4},
};

TEST(a_lease_is_taken_when_it_may_be)
{
    for (size_t i = 0; i < ARRAY_LEN(takeovers); i++) {
        struct world world;
        world_start(&world);
        if (takeovers[i].held_by != NULL)
            store_held_by(&world, takeovers[i].held_by, 1);
        int64_t began_ns = clock_steady_ns();
        struct kube_lease *lease = start(&world, "me");
        CHECK_TRUE(takeovers[i].name, run_until(&world.loop, &world.acquired, 1));
        int64_t waited_ns = clock_steady_ns() - began_ns;
        CHECK_INT(takeovers[i].name, waited_ns < NS_PER_S, takeovers[i].at_once);
        CHECK_TEXT(takeovers[i].name, holder(&world), "me");
        CHECK_INT(takeovers[i].name, kube_lease_transitions(lease), takeovers[i].transitions);
        CHECK_TRUE(takeovers[i].name, kube_lease_is_held(lease, clock_steady_ns()));
        CHECK_TRUE("runs out", !kube_lease_is_held(lease, clock_steady_ns() + NS_PER_S));
        int writes = world.writes;
        CHECK_TRUE("renewed", run_until(&world.loop, &world.writes, writes + 3));
        CHECK_INT("never lost", world.lost, 0);
        world_end(&world, lease);
    }
}

TEST(a_lease_is_lost_before_another_can_take_it)
{
    struct world world;
    world_start(&world);
    struct kube_lease *lease = start(&world, "me");
    CHECK_TRUE("taken", run_until(&world.loop, &world.acquired, 1));
    world.mute = true;
    int64_t until_ns = kube_lease_held_until_ns(lease);
    CHECK_TRUE("lost", run_until(&world.loop, &world.lost, 1));
    CHECK_TRUE("at its deadline", clock_steady_ns() >= until_ns);
    CHECK_TRUE("well before its duration", clock_steady_ns() < until_ns + 300 * NS_PER_MS);
    CHECK_TEXT("why", world.why, "no renewal succeeded within the renew deadline");
    CHECK_TRUE("not held", !kube_lease_is_held(lease, clock_steady_ns()));
    world.mute = false;
    CHECK_TRUE("taken again", run_until(&world.loop, &world.acquired, 2));
    world_end(&world, lease);
}

TEST(a_lost_reply_is_no_lost_lease)
{
    struct world world;
    world_start(&world);
    struct kube_lease *lease = start(&world, "me");
    CHECK_TRUE("taken", run_until(&world.loop, &world.acquired, 1));
    world.lose_next = true;
    int writes = world.writes;
    CHECK_TRUE("renewed", run_until(&world.loop, &world.writes, writes + 5));
    CHECK_INT("never lost", world.lost, 0);
    world_end(&world, lease);
}

TEST(an_answer_that_is_no_object_says_nothing)
{
    struct world world;
    world_start(&world);
    store_held_by(&world, "", 1);
    world.odd = 3; /* of the reads before it is taken */
    struct kube_lease *lease = start(&world, "me");
    CHECK_TRUE("taken", run_until(&world.loop, &world.acquired, 1));
    CHECK_INT("not before it was read", world.odd, 0);
    world.odd = 1; /* of a renewal, which counts */
    int writes = world.writes;
    CHECK_TRUE("renewed", run_until(&world.loop, &world.writes, writes + 5));
    CHECK_INT("never lost", world.lost, 0);
    world_end(&world, lease);
}

TEST(a_lease_taken_or_deleted_by_others_is_lost)
{
    struct world world;
    world_start(&world);
    struct kube_lease *lease = start(&world, "me");
    CHECK_TRUE("taken", run_until(&world.loop, &world.acquired, 1));
    store_held_by(&world, "other", 1);
    CHECK_TRUE("lost", run_until(&world.loop, &world.lost, 1));
    CHECK_TEXT("why", world.why, "someone else is the holder now");
    CHECK_TEXT("who", kube_lease_holder(lease), "other");
    CHECK_TRUE("taken when it ran out", run_until(&world.loop, &world.acquired, 2));
    json_object_put(world.stored);
    world.stored = NULL;
    CHECK_TRUE("lost", run_until(&world.loop, &world.lost, 2));
    CHECK_TEXT("why", world.why, "the lease was deleted");
    CHECK_TRUE("made again", run_until(&world.loop, &world.acquired, 3));
    world_end(&world, lease);
}

TEST(a_released_lease_is_free_at_once)
{
    struct world world;
    world_start(&world);
    struct kube_lease *one = start(&world, "one");
    CHECK_TRUE("taken", run_until(&world.loop, &world.acquired, 1));
    kube_lease_release(one, on_released, &world);
    CHECK_TRUE("not held", !kube_lease_is_held(one, clock_steady_ns()));
    CHECK_TRUE("released", run_until(&world.loop, &world.released, 1));
    CHECK_TEXT("free", holder(&world), "");
    struct kube_lease *two = start(&world, "two");
    CHECK_TRUE("taken over", run_until(&world.loop, &world.acquired, 2));
    kube_lease_free(one);
    CHECK_INT("release is no loss", world.lost, 0);
    world_end(&world, two);
}

TEST(times_that_cannot_be_safe_are_refused)
{
    static const struct {
        int64_t duration_ms, renew_deadline_ms, retry_ms;
        const char *want;
    } cases[] = {
        {500, 400, 50, "lease duration 500 ms, expected 1 s to 1 h"},
        {10000, 10000, 2000, "lease renew deadline 10000 ms, expected less than the duration"},
        {15000, 10000, 9000, "lease retry 9000 ms, expected less than renew deadline / 1.2"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err;
        const struct kube_lease_options options = {.namespace = "ns",
                                                   .name = "l",
                                                   .identity = "me",
                                                   .duration_ms = cases[i].duration_ms,
                                                   .renew_deadline_ms = cases[i].renew_deadline_ms,
                                                   .retry_ms = cases[i].retry_ms};
        CHECK_TRUE(cases[i].want, kube_lease_new(NULL, &options, &err) == NULL);
        CHECK_TEXT("text", err.text, cases[i].want);
    }
}
