/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - one run from its seed to its verdict
 *
 * A step is one task at its virtual time. After the last fault everything must heal within
 * CONVERGE_S of the last pod that was made; from then on, for QUIET_S, the process may ask its
 * providers how things are and nothing else. */
#include "sim/world.h"

#include "bulkhead/base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CONVERGE_S = 3600,
    SETTLE_S = 130,     /* checkpoints may follow within two minutes */
    REST_S = 48 * 3600, /* whatever happens, it ends */
    SWEEP_STEPS = 45,
    LOOK_S = 20, /* how often convergence is looked for */
    STEPS_MAX = 400000,
};

static void world_init(struct world *world, const struct run_options *options)
{
    world->seed = options->seed;
    world->scale = scale_of(options->small);
    world->arena = arena_new(0);
    world->turn_arena = arena_new(0);
    world->now_ns = world->start_ns = 1800000000 * NS_PER_S;
    world->verbose = options->verbose;
    world->story_on = options->story || options->verbose;
    world->hash_plans = options->hash_plans;
    world->recorded = options->recorded;
    world->coded = codec_is_tried(world);
    memcpy(world->disturbances, options->disturbances, sizeof(world->disturbances));
    world->notice_log = options->notice_log;
    rng_seed(&world->rng, options->seed);
    world->has_sink = mix64(options->seed ^ 0x73696e6bU) % world->scale->sink_in == 0;
    world->rng.choices = options->choices;
    world->rng.choice_bytes = options->choice_bytes;
}

static void world_done(struct world *world)
{
    core_free(world->core);
    timers_done(&world->tasks);
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        free(world->stores[kind].items);
        free(world->watches[kind].known);
    }
    story_done(world);
    arena_free(world->turn_arena);
    arena_free(world->arena);
}

/* Runs everything that is due before a moment. */
static void run_until(struct world *world, int64_t until_ns)
{
    while (!world->failed) {
        struct timer *first = timers_first(&world->tasks);
        if (first == NULL || first->due_ns > until_ns)
            break;
        struct task *task = (struct task *)(void *)first;
        timer_clear(&world->tasks, first);
        world->now_ns = first->due_ns;
        task->run(world, task);
        if (++world->steps % SWEEP_STEPS == 0)
            oracle_sweep(world);
        if (world->steps > STEPS_MAX)
            violation(world, "I18", "more than %d steps: something spins", STEPS_MAX);
    }
    if (!world->failed)
        world->now_ns = until_ns;
}

static void converge(struct world *world)
{
    int64_t start_ns = world->now_ns;
    const char *why = oracle_unconverged(world);
    while (!world->failed && why != NULL &&
           world->now_ns - (world->progress_ns > start_ns ? world->progress_ns : start_ns) <
               CONVERGE_S * NS_PER_S) {
        run_until(world, world->now_ns + LOOK_S * NS_PER_S);
        why = oracle_unconverged(world);
    }
    if (why != NULL)
        explain_left(world);
    if (why != NULL)
        violation(world, "I17", "%d s after the last fault and the last pod: %s", CONVERGE_S, why);
}

/* A job that is only just possible may have been taken for impossible; then it is not over yet. */
static void stay_quiet(struct world *world)
{
    int64_t since_ns;
    bool long_ = mix64(world->seed ^ 0x7175696574U) % world->scale->long_quiet_in == 0;
    int64_t quiet_s = long_ ? QUIET_S : world->scale->quiet_s;
    do {
        converge(world);
        run_until(world, world->now_ns + SETTLE_S * NS_PER_S);
        since_ns = world->rest_ns = world->now_ns;
        world->turns_told = world->fronts_told = 0;
        run_until(world, since_ns + quiet_s * NS_PER_S);
        world->rest_ns = 0;
    } while (!world->failed && world->progress_ns > since_ns - SETTLE_S * NS_PER_S &&
             world->now_ns < world->calm_ns + REST_S * NS_PER_S);
    if (world->last_write_ns > since_ns)
        violation(world, "I17", "%s although everything had come to rest", world->last_write);
    if (world->fronts_told > 2 * world->turns_told)
        violation(world, "I17", "%lld queue-status for %lld turns of shares at rest",
                  (long long)world->fronts_told, (long long)world->turns_told);
    const char *why = oracle_unconverged(world);
    if (why != NULL)
        violation(world, "I17", "did not stay as it was: %s", why);
    oracle_sweep(world);
}

static void counters_add(struct counters *sum, const struct counters *more)
{
#define X(name) sum->name += more->name;
    COUNTERS(X)
#undef X
}

void run_world(const struct run_options *options, struct counters *sum,
               struct run_result *ret_result)
{
    struct world *world = mem_new(sizeof(*world));
    world_init(world, options);
    scenario_draw(world);
    if (options->no_faults)
        world->faults = (struct faults){0};
    shell_start(world);

    run_until(world, world->calm_ns + 1 + world->scale->late_ms * NS_PER_MS);
    stay_quiet(world);
    life_end(world);

    *ret_result = (struct run_result){
        .failed = world->failed,
        .plan_hash = world->plan_hash,
        .writes_sent = world->writes_sent,
        .virtual_ns = world->now_ns - world->start_ns,
        .steps = world->steps,
    };
    memcpy(ret_result->failure, world->failure, sizeof(ret_result->failure));
    if (options->story || options->verbose)
        story_print(world);
    counters_add(sum, &world->counters);
    world_done(world);
    free(world);
}
