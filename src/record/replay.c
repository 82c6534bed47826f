/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c - the same events into another core: it must make the same plans */
#include "bulkhead/record/record.h"

#include <stdlib.h>

void replay_done(struct replay *replay)
{
    free(replay->text);
    *replay = (struct replay){0};
}

static void plan_again(struct core *core, const struct record *record, struct arena *arena,
                       struct str *text, const struct replay_watch *watch, struct replay *replay)
{
    struct plan plan;
    core_plan(core, record->now_ns, arena, &plan);
    replay->plans++;
    replay->actions += plan.action_count;
    uint64_t hash = record_plan_hash(&plan, text);
    if (plan.action_count != record->action_count || hash != record->hash) {
        replay->differs = true;
        replay->at_ns = record->now_ns;
        replay->wanted_actions = record->action_count;
        replay->got_actions = plan.action_count;
        replay->text = text_copy(str_text(text));
    }
    if (watch->on_plan != NULL)
        watch->on_plan(watch->ctx, record->now_ns, &plan);
    arena_reset(arena);
}

int record_replay(struct record_reader *reader, const struct replay_watch *watch,
                  struct replay *ret_replay, struct err *err)
{
    static const struct replay_watch nobody = {.ctx = NULL};
    AUTO(core) core = core_new(record_reader_core(reader));
    AUTO(arena) arena = arena_new(0);
    AUTO_STR text = STR_EMPTY;
    struct record record;
    int result = 0;
    if (watch == NULL)
        watch = &nobody;
    *ret_replay = (struct replay){0};
    while (!ret_replay->differs && (result = record_read(reader, &record, err)) > 0) {
        if (record.kind == RECORD_PLAN) {
            plan_again(core, &record, arena, &text, watch, ret_replay);
        } else {
            if (watch->on_event != NULL)
                watch->on_event(watch->ctx, &record.event);
            core_apply(core, &record.event);
            ret_replay->events++;
        }
    }
    return result < 0 ? -1 : 0;
}
