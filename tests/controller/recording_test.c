/* SPDX-License-Identifier: Apache-2.0 */
/* recording_test.c - --record: what is written can be replayed, and no disk stops the process */
#include "check.h"

#include "bulkhead/base/str.h"
#include "controller/recording.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct core_options core_options = {.creates_max = 9};

static struct job_queue *queue_make(void)
{
    struct job_queue *queue = mem_new(sizeof(*queue));
    queue->meta = (struct object_meta){
        .name = text_copy("q"), .uid = text_copy("u"), .resource_version = text_copy("1")};
    return queue;
}

/* A queue arrives, everything is listed, two plans are made. */
static void play(struct recording *recording)
{
    AUTO(core) core = core_new(&core_options);
    AUTO(arena) arena = arena_new(0);
    struct plan plan;
    struct event events[] = {{.kind = EVENT_QUEUE, .now_ns = NS_PER_S, .queue = queue_make()},
                             {.kind = EVENT_SYNCED, .now_ns = 2 * NS_PER_S}};
    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        recording_event(recording, &events[i]);
        core_apply(core, &events[i]);
        core_plan(core, events[i].now_ns, arena, &plan);
        recording_plan(recording, events[i].now_ns, &plan);
        arena_reset(arena);
    }
}

static void read_file(const char *path, struct str *out)
{
    char buffer[4096];
    size_t size;
    FILE *file = fopen(path, "re");
    while (file != NULL && (size = fread(buffer, 1, sizeof(buffer), file)) > 0)
        str_add_bytes(out, buffer, size);
    if (file != NULL)
        fclose(file);
}

static void check_log(const char *path)
{
    struct err err;
    struct replay replay;
    AUTO_STR bytes = STR_EMPTY;
    AUTO(record_reader) reader = NULL;
    read_file(path, &bytes);
    REQUIRE(record_reader_new(str_text(&bytes), bytes.size, &reader, &err) == 0);
    REQUIRE(record_replay(reader, NULL, &replay, &err) == 0);
    CHECK_TRUE("the same plans", !replay.differs && replay.actions > 0);
    CHECK_INT("all events", (int64_t)replay.events, 2);
    CHECK_INT("all plans", (int64_t)replay.plans, 2);
    CHECK_INT("the options", (int64_t)record_reader_core(reader)->creates_max, 9);
    replay_done(&replay);
}

static char *folder_make(void)
{
    char *folder = text_copy("/tmp/bulkhead-recording-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return folder;
}

TEST(a_recording_is_replayed_and_older_ones_stay)
{
    AUTO_TEXT folder = folder_make();
    AUTO_TEXT path = text_printf("%s/log", folder);
    for (int i = 0; i < RECORDINGS_KEPT + 2; i++) {
        struct recording *recording = recording_open(path, 0, &core_options);
        play(recording);
        CHECK_TRUE("it goes on", recording_goes_on(recording));
        recording_close(recording);
        check_log(path);
    }
    CHECK_INT("nobody else reads it", unlink(path), 0);
    for (int i = 1; i <= RECORDINGS_KEPT + 1; i++) {
        AUTO_TEXT older = text_printf("%s.%d", path, i);
        if (i <= RECORDINGS_KEPT)
            check_log(older);
        CHECK_INT("as many as are kept", unlink(older), i <= RECORDINGS_KEPT ? 0 : -1);
    }
    CHECK_INT("nothing else", rmdir(folder), 0);
}

TEST(no_disk_stops_the_process)
{
    AUTO_TEXT folder = folder_make();
    AUTO_TEXT nowhere = text_printf("%s/missing/log", folder);
    AUTO_TEXT full = text_printf("%s/full", folder);
    REQUIRE(symlink("/dev/full", full) == 0);
    const char *const paths[] = {nowhere, full};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct recording *recording = recording_open(paths[i], 0, &core_options);
        play(recording);
        recording_tick(recording, 60 * NS_PER_S);
        CHECK_TRUE(paths[i], !recording_goes_on(recording));
        CHECK_INT("bytes", recording_bytes(recording) < 100, true);
        play(recording); /* and it goes on without it */
        recording_close(recording);
    }
    unlink(full);
    rmdir(folder);
    play(NULL);
    recording_tick(NULL, 0);
    CHECK_TRUE("none", !recording_goes_on(NULL) && recording_close(NULL) == NULL);
}

TEST(a_recording_ends_at_its_size)
{
    AUTO_TEXT folder = folder_make();
    AUTO_TEXT path = text_printf("%s/log", folder);
    struct recording *recording = recording_open(path, 300, &core_options);
    for (int i = 0; i < 20; i++) {
        play(recording);
        recording_tick(recording, (10 + i) * NS_PER_S);
    }
    CHECK_TRUE("ended", !recording_goes_on(recording));
    CHECK_TRUE("within its size", recording_bytes(recording) <= 300);
    recording_close(recording);
    unlink(path);
    rmdir(folder);
}
