/* SPDX-License-Identifier: Apache-2.0 */
/* record.c - each life of the process as a log, and the log replayed
 *
 * In the worlds that run twice, everything that the core is told in the first run goes through the
 * log's form into a second core, which must make the same plans, byte for byte. The second run is
 * not recorded: it must make the plans of the first, with whose log all has been looked at. */
#include "bulkhead/record/record.h"
#include "sim/world.h"

#include <stdlib.h>

static int keep(void *ctx, const void *bytes, size_t size, struct err *err)
{
    UNUSED(err);
    str_add_bytes(ctx, bytes, size);
    return 0;
}

void life_begin(struct world *world, const struct core_options *options)
{
    if (!world->recorded)
        return;
    const struct recorder_options recorder = {
        .version = "sim", .core = *options, .write = keep, .ctx = &world->record};
    str_clear(&world->record);
    world->recorder = recorder_new(&recorder);
}

void life_event(struct world *world, const struct event *event)
{
    if (world->recorder != NULL)
        recorder_event(world->recorder, event);
}

static void keep_plan(struct world *world, const struct plan *plan)
{
    struct err err = {0};
    recorder_plan(world->recorder, world->now_ns, plan);
    if (recorder_waiting(world->recorder) > 16 * 1024 && recorder_flush(world->recorder, &err) < 0)
        violation(world, "record", "cannot record: %s", err.text);
}

void life_plan(struct world *world, const struct plan *plan)
{
    if (world->recorder != NULL)
        keep_plan(world, plan);
}

static void check(struct world *world)
{
    struct err err = {0};
    struct replay replay = {0};
    AUTO(record_reader) reader = NULL;
    if (recorder_flush(world->recorder, &err) < 0 ||
        record_reader_new(world->record.data, world->record.size, &reader, &err) < 0 ||
        record_replay(reader, NULL, &replay, &err) < 0)
        violation(world, "record", "%s", err.text);
    else if (replay.differs)
        violation(world, "record",
                  "plan %llu is another when it is replayed: %llu actions, %llu "
                  "recorded: %.200s",
                  (unsigned long long)replay.plans, (unsigned long long)replay.got_actions,
                  (unsigned long long)replay.wanted_actions, replay.text);
    const struct recorder_stats *stats = recorder_stats(world->recorder);
    if (!world->failed && (replay.events != stats->events || replay.plans != stats->plans))
        violation(world, "record", "%llu events and %llu plans recorded, %llu and %llu replayed",
                  (unsigned long long)stats->events, (unsigned long long)stats->plans,
                  (unsigned long long)replay.events, (unsigned long long)replay.plans);
    world->counters.lives_replayed++;
    world->counters.recorded_bytes += (uint64_t)stats->bytes;
    replay_done(&replay);
}

void life_end(struct world *world)
{
    if (world->recorder == NULL)
        return;
    if (!world->failed)
        check(world);
    world->recorder = recorder_free(world->recorder);
    str_done(&world->record);
}
