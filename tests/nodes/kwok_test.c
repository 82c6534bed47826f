/* SPDX-License-Identifier: Apache-2.0 */
/* kwok_test.c - the kwok provider's contract with a real API server
 *
 * Needs a cluster with KWOK: BULKHEAD_TEST_KUBECONFIG=FILE, such as the one that `make dev-up`
 * prints. Without it every test says that it was skipped. Environments are named for this process
 * and are empty again afterwards. */
#include "check.h"
#include "seen.h"

#include "bulkhead/base/clock.h"
#include "bulkhead/kube/client.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WAIT_S_MAX = 30 };

struct world {
    uv_loop_t loop;
    struct kube_client *kube;
    struct compute_environment environment;
    struct instance_type catalog[4];
    struct node_group *group;
    char *name;
};

static struct node_group *open_group(struct world *world, const char *name)
{
    text_set(&world->environment.meta.name, name);
    struct provider_host host = {
        .loop = &world->loop, .kube = world->kube, .now_ns = clock_steady_ns};
    return node_group_new(&host, &world->environment);
}

static struct instance_type make_type(const char *name, int64_t boot_ms, int64_t available)
{
    return (struct instance_type){
        .name = text_copy(name),
        .vcpus = 2,
        .boot_ms = boot_ms,
        .available = available,
        .capacity = {.cpu_milli = 2000, .memory_bytes = 4LL << 30, .pods = 10}};
}

/* false: no cluster was given, and that was said. */
static bool world_init(struct world *world, const char *what)
{
    const char *path = getenv("BULKHEAD_TEST_KUBECONFIG");
    if (path == NULL || path[0] == '\0') {
        print_message(
            "SKIPPED %s: set BULKHEAD_TEST_KUBECONFIG to test against a real API server\n", what);
        return false;
    }
    struct err err = {.kind = ERR_NONE};
    AUTO(kube_config) config = NULL;
    *world = (struct world){.kube = NULL};
    uv_loop_init(&world->loop);
    if (kube_config_load(&(struct kube_config_options){.path = path}, &config, &err) < 0)
        fail_msg("%s", err.text);
    world->kube = kube_client_new(&world->loop, &config,
                                  &(struct kube_client_options){.window_min = 0}, &err);
    if (world->kube == NULL)
        fail_msg("%s", err.text);

    world->catalog[0] = make_type("small", 0, -1);
    world->catalog[1] = make_type("rare", 0, 2);
    world->catalog[2] = make_type("bad/type", 0, -1);
    world->catalog[3] = make_type("slow", 2500, -1);
    world->environment.provider = PROVIDER_KWOK;
    world->environment.catalog = world->catalog;
    world->environment.catalog_count = ARRAY_LEN(world->catalog);
    world->name = text_printf("contract-%s-%d", what, (int)getpid());
    world->group = open_group(world, world->name);
    return true;
}

static const char *launch(struct world *world, struct seen *seen, const char *type, int64_t count,
                          const char *token)
{
    node_group_launch(world->group, type, NULL, count, token, on_seen, seen);
    return seen_wait(seen, &world->loop);
}

static const char *observe(struct world *world, struct seen *seen)
{
    node_group_observe(world->group, on_seen, seen);
    return seen_wait(seen, &world->loop);
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part))
        count++;
    return count;
}

/* Terminates whatever the group has; returns the answer's text. */
static const char *terminate_all(struct world *world, struct seen *seen)
{
    AUTO_TEXT list = text_copy(observe(world, seen));
    size_t lines = count_of(list, "\n"), count = 0;
    char **ids = mem_new((lines + 1) * sizeof(*ids));
    for (const char *line = strchr(list, '\n') + 1; *line != '\0'; line = strchr(line, '\n') + 1)
        ids[count++] = text_copy_n(line, strcspn(line, " "));
    const char *text = "OK\n";
    if (count > 0) {
        node_group_terminate(world->group, (const char *const *)ids, count, on_seen, seen);
        text = seen_wait(seen, &world->loop);
    }
    for (size_t i = 0; i < count; i++)
        free(ids[i]);
    free(ids);
    return text;
}

static void world_done(struct world *world)
{
    AUTO_SEEN seen = SEEN_NOTHING;
    if (world->group != NULL)
        CHECK_TRUE("cleaned up", text_starts(terminate_all(world, &seen), "OK\n"));
    node_group_free(world->group);
    kube_client_close(world->kube, NULL, NULL);
    loop_done(&world->loop);
    for (size_t i = 0; i < ARRAY_LEN(world->catalog); i++)
        instance_type_done(&world->catalog[i]);
    free(world->environment.meta.name);
    free(world->name);
}

TEST(launch_observe_terminate)
{
    struct world world;
    AUTO_SEEN seen = SEEN_NOTHING;
    if (!world_init(&world, "life"))
        return;
    AUTO_TEXT want =
        text_printf("OK\n%s-t1-0 small %s-t1-0 pending\n%s-t1-1 small %s-t1-1 pending\n",
                    world.name, world.name, world.name, world.name);
    AUTO_TEXT first = text_printf("%s-t1-0", world.name);
    const char *ids[] = {first, "no-such-instance"};

    CHECK_TEXT("nothing yet", observe(&world, &seen), "OK\n");
    CHECK_TEXT("launched", launch(&world, &seen, "small", 2, "t1"), want);
    CHECK_INT("the same token, the same two",
              count_of(launch(&world, &seen, "small", 2, "t1"), "-t1-"), 4);
    CHECK_INT("observed", count_of(observe(&world, &seen), "\n"), 3);
    CHECK_INT("another token", count_of(launch(&world, &seen, "small", 1, "t2"), "-t2-0 pending"),
              1);

    node_group_terminate(world.group, ids, 2, on_seen, &seen);
    AUTO_TEXT gone = text_printf(
        "OK\n%s - %s terminated\nno-such-instance - no-such-instance terminated\n", first, first);
    CHECK_TEXT("terminated", seen_wait(&seen, &world.loop), gone);
    node_group_terminate(world.group, ids, 2, on_seen, &seen);
    CHECK_TEXT("and again", seen_wait(&seen, &world.loop), gone);
    CHECK_INT("two are left", count_of(observe(&world, &seen), "\n"), 3);
    world_done(&world);
}

TEST(the_catalogue_bounds_what_there_is)
{
    struct world world;
    AUTO_SEEN seen = SEEN_NOTHING;
    if (!world_init(&world, "rare"))
        return;
    const char *got = launch(&world, &seen, "rare", 3, "t1");
    CHECK_HAS("part", got, "CAPACITY: 2 of 3 rare launched: there are 2 in all\n");
    CHECK_INT("two of them", count_of(got, "\n"), 3);
    got = launch(&world, &seen, "rare", 3, "t1");
    CHECK_HAS("the same token", got, "CAPACITY: 2 of 3");
    CHECK_INT("the same two", count_of(got, "\n"), 3);
    CHECK_TEXT("none left", launch(&world, &seen, "rare", 1, "t2"),
               "CAPACITY: 0 of 1 rare launched: there are 2 in all\n");
    CHECK_TRUE("gone", text_starts(terminate_all(&world, &seen), "OK\n"));
    CHECK_TRUE("room again", text_starts(launch(&world, &seen, "rare", 2, "t3"), "OK\n"));
    world_done(&world);
}

TEST(what_cannot_be_launched_is_told)
{
    struct world world;
    AUTO_SEEN seen = SEEN_NOTHING;
    if (!world_init(&world, "told"))
        return;
    AUTO_TEXT unknown = text_printf(
        "INVALID: instance type x is not in the catalogue of compute environment %s\n", world.name);
    CHECK_TEXT("unknown type", launch(&world, &seen, "x", 1, "t"), unknown);
    CHECK_HAS("the server's words", launch(&world, &seen, "bad/type", 1, "t"),
              "INVALID: POST /api/v1/nodes: 422");
    world_done(&world);
}

/* Environment "e", token "b-t" and environment "e-b", token "t" ask for one name. */
TEST(a_node_of_another_environment_is_never_touched)
{
    struct world world;
    AUTO_SEEN seen = SEEN_NOTHING;
    AUTO_SEEN other_seen = SEEN_NOTHING;
    if (!world_init(&world, "ours"))
        return;
    AUTO_TEXT other_name = text_printf("%s-b", world.name);
    AUTO_TEXT node = text_printf("%s-t-0", other_name);
    const char *ids[] = {node};
    struct node_group *mine = world.group, *other = open_group(&world, other_name);

    node_group_launch(other, "small", NULL, 1, "t", on_seen, &other_seen);
    CHECK_TRUE("theirs", text_starts(seen_wait(&other_seen, &world.loop), "OK\n"));
    AUTO_TEXT refused =
        text_printf("INVALID: node %s exists and is not an instance of compute environment %s\n",
                    node, world.name);
    CHECK_TEXT("the name is taken", launch(&world, &seen, "small", 1, "b-t"), refused);
    node_group_terminate(mine, ids, 1, on_seen, &seen);
    CHECK_HAS("not ours, so gone for us", seen_wait(&seen, &world.loop), "terminated\n");
    node_group_observe(other, on_seen, &other_seen);
    CHECK_HAS("and still there", seen_wait(&other_seen, &world.loop), node);

    world.group = other;
    CHECK_TRUE("cleaned up", text_starts(terminate_all(&world, &seen), "OK\n"));
    world.group = mine;
    node_group_free(other);
    world_done(&world);
}

TEST(many_at_once_and_a_restart_in_the_middle)
{
    struct world world;
    AUTO_SEEN seen = SEEN_NOTHING;
    if (!world_init(&world, "many"))
        return;
    node_group_launch(world.group, "small", NULL, 300, "t", on_seen, &seen);
    for (int turn = 0; turn < 20; turn++)
        uv_run(&world.loop, UV_RUN_ONCE);
    world.group = node_group_free(world.group);
    CHECK_INT("no answer from the freed group", seen.answers, 0);

    world.group = open_group(&world, world.name);
    CHECK_INT("the rest, by the same token",
              count_of(launch(&world, &seen, "small", 300, "t"), "\n"), 301);
    CHECK_INT("none twice", count_of(observe(&world, &seen), "\n"), 301);
    CHECK_INT("all gone", count_of(terminate_all(&world, &seen), " terminated\n"), 300);
    CHECK_TEXT("none left", observe(&world, &seen), "OK\n");
    world_done(&world);
}

static void stop_waiting(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

/* KWOK makes the node Ready when its boot time is over, not before. */
TEST(a_node_runs_after_its_boot_time)
{
    struct world world;
    AUTO_SEEN seen = SEEN_NOTHING;
    if (!world_init(&world, "boot"))
        return;
    bool late = false;
    uv_timer_t deadline;
    uv_timer_init(&world.loop, &deadline);
    deadline.data = &late;
    uv_timer_start(&deadline, stop_waiting, WAIT_S_MAX * 1000, 0);

    int64_t began_ns = clock_steady_ns();
    CHECK_HAS("launched", launch(&world, &seen, "slow", 1, "t"), " pending\n");
    while (strstr(observe(&world, &seen), " running\n") == NULL && !late)
        ;
    CHECK_TEXT("in time", late ? str_text(&seen.text) : "", "");
    CHECK_TRUE("not early", clock_steady_ns() - began_ns >= 2500 * NS_PER_MS);
    uv_close((uv_handle_t *)&deadline, NULL);
    world_done(&world);
}
