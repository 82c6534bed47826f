/* SPDX-License-Identifier: Apache-2.0 */
/* provider_test.c - the group itself, by way of the provider that does nothing */
#include "check.h"
#include "seen.h"

#include <stdlib.h>

struct world {
    uv_loop_t loop;
    struct compute_environment environment;
    struct node_group *group;
};

static void world_init(struct world *world, enum provider_kind kind)
{
    *world = (struct world){.group = NULL};
    uv_loop_init(&world->loop);
    world->environment.provider = kind;
    text_set(&world->environment.meta.name, "lab");
    world->group =
        node_group_new(&(struct provider_host){.loop = &world->loop}, &world->environment);
}

static void world_done(struct world *world)
{
    node_group_free(world->group);
    loop_done(&world->loop);
    free(world->environment.meta.name);
}

TEST(every_kind_has_a_provider)
{
    CHECK_TEXT("static", provider_find(PROVIDER_STATIC)->name, "static");
    CHECK_TEXT("kwok", provider_find(PROVIDER_KWOK)->name, "kwok");
    CHECK_TEXT("command", provider_find(PROVIDER_COMMAND)->name, "command");
}

TEST(static_nodes_are_left_alone)
{
    static const char *const ids[] = {"n1"};
    struct world world;
    AUTO_SEEN seen = SEEN_NOTHING;
    world_init(&world, PROVIDER_STATIC);

    node_group_types(world.group, on_seen, &seen);
    CHECK_TEXT("types", seen_wait(&seen, &world.loop), "OK\n");
    node_group_observe(world.group, on_seen, &seen);
    CHECK_TEXT("observe", seen_wait(&seen, &world.loop), "OK\n");
    node_group_launch(world.group, "small", NULL, 1, "t", on_seen, &seen);
    CHECK_TEXT(
        "launch", seen_wait(&seen, &world.loop),
        "INVALID: compute environment lab has static nodes: it cannot launch any; label nodes with "
        "bulkhead.dev/compute-environment=lab to add them\n");
    node_group_terminate(world.group, ids, 1, on_seen, &seen);
    CHECK_TEXT("terminate", seen_wait(&seen, &world.loop),
               "INVALID: compute environment lab has static nodes: it cannot terminate any\n");
    world_done(&world);
}

TEST(calls_of_different_verbs_go_side_by_side)
{
    struct world world;
    AUTO_SEEN observed = SEEN_NOTHING;
    AUTO_SEEN typed = SEEN_NOTHING;
    world_init(&world, PROVIDER_STATIC);
    node_group_observe(world.group, on_seen, &observed);
    node_group_types(world.group, on_seen, &typed);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    CHECK_INT("observed once", observed.answers, 1);
    CHECK_INT("typed once", typed.answers, 1);
    world_done(&world);
}

TEST(a_freed_group_never_answers)
{
    struct world world;
    AUTO_SEEN seen = SEEN_NOTHING;
    world_init(&world, PROVIDER_STATIC);
    node_group_observe(world.group, on_seen, &seen);
    world.group = node_group_free(world.group);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    CHECK_INT("no answer", seen.answers, 0);
    world_done(&world);
}

TEST(a_command_group_needs_a_directory)
{
    struct world world;
    AUTO_SEEN seen = SEEN_NOTHING;
    world_init(&world, PROVIDER_COMMAND);
    node_group_observe(world.group, on_seen, &seen);
    CHECK_HAS("refused", seen_wait(&seen, &world.loop), "--node-programs-dir");
    world_done(&world);
}
