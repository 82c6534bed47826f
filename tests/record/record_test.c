/* SPDX-License-Identifier: Apache-2.0 */
/* record_test.c - what is recorded can be read as it was, and what is damaged says so */
#include "check.h"

#include "bulkhead/base/map.h"
#include "bulkhead/json/values.h"
#include "bulkhead/record/record.h"
#include "src/record/events.h"
#include "src/record/log.h"

#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 40, ITEMS_MAX = 3, DEPTH_MAX = 12 };

/* ------------------------------------------------------------------- random objects */

static char *random_text(struct check_random *random)
{
    static const char *const texts[] = {"", "a", "research", "a longer text, with \n and \xc3\xa9"};
    uint64_t which = check_random_below(random, ARRAY_LEN(texts) + 1);
    return which < ARRAY_LEN(texts) ? text_copy(texts[which]) : NULL;
}

static void fill(struct check_random *random, const struct record_type *type, void *object,
                 int depth);

static void fill_integer(struct check_random *random, void *at, size_t size, uint64_t below)
{
    uint64_t value = check_random_next(random) >> check_random_below(random, 64);
    if (check_random_below(random, 4) == 0)
        value = ~value;
    if (size == 1)
        below = 2;
    if (below > 0)
        value %= below;
    memcpy(at, &value, size); /* little endian */
}

static void fill_items(struct check_random *random, const struct member *member, void *object,
                       int depth)
{
    size_t count = depth > DEPTH_MAX ? 0 : check_random_below(random, ITEMS_MAX);
    char *items = (char *)object + member->offset;
    if (member->kind == MEMBER_LIST) {
        char *list = count > 0 ? mem_new(count * member->item_size) : NULL;
        memcpy(items, &list, sizeof(list));
        items = list;
    }
    memcpy((char *)object + member->count_offset, &count, sizeof(count));
    for (size_t i = 0; i < count; i++) {
        if (member->type != NULL)
            fill(random, member->type, items + i * member->item_size, depth + 1);
        else
            fill_integer(random, items + i * member->item_size, member->item_size, 0);
    }
}

static void fill_member(struct check_random *random, const struct member *member, void *object,
                        int depth)
{
    void *at = (char *)object + member->offset;
    const char *text;
    double real = (double)check_random_below(random, 1000) / 7.0;
    switch (member->kind) {
    case MEMBER_INTEGER:
        fill_integer(random, at, member->size, member->below);
        break;
    case MEMBER_REAL:
        memcpy(at, &real, sizeof(real));
        break;
    case MEMBER_TEXT:
        text = random_text(random);
        memcpy(at, &text, sizeof(text));
        break;
    case MEMBER_WORD:
        text = "volumes";
        memcpy(at, &text, sizeof(text));
        break;
    case MEMBER_TEXTS:
        for (uint64_t i = check_random_below(random, ITEMS_MAX); i > 0; i--)
            text_list_add(at, "item");
        break;
    case MEMBER_STRUCT:
        fill(random, member->type, at, depth + 1);
        break;
    case MEMBER_LIST:
    case MEMBER_ARRAY:
        fill_items(random, member, object, depth);
        break;
    case MEMBER_FIXED:
        for (size_t i = 0; i < member->size / sizeof(int64_t); i++)
            fill_integer(random, (int64_t *)at + i, sizeof(int64_t), 0);
        break;
    }
}

static void fill(struct check_random *random, const struct record_type *type, void *object,
                 int depth)
{
    for (size_t i = 0; i < type->count; i++) {
        if (check_random_below(random, 3) != 0)
            fill_member(random, &type->members[i], object, depth);
    }
}

/* The bytes of what was read are those that it was read from: nothing is lost on either way. Cut
 * anywhere, they are bad, and nothing leaks. */
static void check_type(struct check_random *random, const struct record_type *type)
{
    AUTO_STR first = STR_EMPTY;
    AUTO_STR second = STR_EMPTY;
    void *object = mem_new(type->size);
    void *copy = mem_new(type->size);
    fill(random, type, object, 0);
    record_put(&first, type, object);
    struct record_input input = {(const uint8_t *)first.data,
                                 (const uint8_t *)first.data + first.size, false};
    record_get(&input, type, copy);
    CHECK_TRUE(type->name, !input.bad && input.at == input.end);
    record_put(&second, type, copy);
    CHECK_TRUE(type->name,
               first.size == second.size && memcmp(first.data, second.data, first.size) == 0);
    record_done(type, copy);
    memset(copy, 0, type->size);
    input = (struct record_input){
        (const uint8_t *)first.data,
        (const uint8_t *)first.data + check_random_below(random, first.size), false};
    record_get(&input, type, copy);
    CHECK_TRUE(type->name, input.bad);
    record_done(type, copy);
    record_done(type, object);
    free(copy);
    free(object);
}

TEST(every_structure_as_it_was)
{
    struct check_random random = {1};
    for (size_t i = 0; i < record_root_count; i++) {
        for (int round = 0; round < ROUNDS; round++)
            check_type(&random, record_roots[i]);
    }
}

/* ------------------------------------------------------------------------ a small log */

struct disk {
    struct str bytes;
    size_t room;
};

static int write_disk(void *ctx, const void *bytes, size_t size, struct err *err)
{
    struct disk *disk = ctx;
    if (size > disk->room)
        return err_set(err, ERR_INVALID, "no space left on device");
    disk->room -= size;
    str_add_bytes(&disk->bytes, bytes, size);
    return 0;
}

static struct job_queue *queue_make(const char *name)
{
    struct job_queue *queue = mem_new(sizeof(*queue));
    queue->meta = (struct object_meta){
        .name = text_copy(name), .uid = text_copy(name), .resource_version = text_copy("1")};
    queue->state = QUEUE_ENABLED;
    queue->environments = mem_new(sizeof(*queue->environments));
    queue->environments[queue->environment_count++] =
        (struct environment_order){1, text_copy("missing")};
    return queue;
}

/* A core that is told of some queues plans their finalizers and statuses. */
static void play(struct disk *disk, int64_t size_max, int queues, struct err *err)
{
    const struct recorder_options options = {
        .version = "1.2.3",
        .core = {.creates_max = 7},
        .size_max = size_max,
        .write = write_disk,
        .ctx = disk,
    };
    AUTO(recorder) recorder = recorder_new(&options);
    AUTO(core) core = core_new(&options.core);
    AUTO(arena) arena = arena_new(0);
    struct plan plan;
    *err = (struct err){0};
    for (int i = 0; i <= queues; i++) {
        AUTO_TEXT name = text_printf("queue-%d", i);
        struct event event = {.kind = EVENT_QUEUE, .now_ns = (i + 1) * NS_PER_S};
        if (i < queues)
            event.queue = queue_make(name);
        else
            event.kind = EVENT_SYNCED;
        recorder_event(recorder, &event);
        core_apply(core, &event);
        core_plan(core, event.now_ns, arena, &plan);
        recorder_plan(recorder, event.now_ns, &plan);
        arena_reset(arena);
        struct err why = {0};
        if (recorder_flush(recorder, &why) < 0)
            *err = why;
    }
}

static char *replayed(const struct disk *disk)
{
    struct err err = {0};
    struct replay replay = {0};
    AUTO(record_reader) reader = NULL;
    if (record_reader_new(disk->bytes.data, disk->bytes.size, &reader, &err) < 0)
        return text_copy(err.text);
    int result = record_replay(reader, NULL, &replay, &err);
    char *text =
        text_printf("%llu events, %llu plans, %llu actions%s%s%s",
                    (unsigned long long)replay.events, (unsigned long long)replay.plans,
                    (unsigned long long)replay.actions, replay.differs ? ", differs" : "",
                    record_reader_cut(reader) ? ", cut" : "", result < 0 ? ", damaged" : "");
    replay_done(&replay);
    return text;
}

TEST(a_log_is_replayed)
{
    struct err err;
    struct disk disk = {.room = 1 << 20};
    play(&disk, 0, 3, &err);
    AUTO_TEXT told = replayed(&disk);
    CHECK_TEXT("all of it", told, "4 events, 4 plans, 3 actions");
    AUTO(record_reader) reader = NULL;
    REQUIRE(record_reader_new(disk.bytes.data, disk.bytes.size, &reader, &err) == 0);
    CHECK_TEXT("who wrote it", record_reader_version(reader), "1.2.3");
    CHECK_INT("the core's options", (int64_t)record_reader_core(reader)->creates_max, 7);
    str_done(&disk.bytes);
}

TEST(a_full_disk_ends_the_log_and_nothing_else)
{
    struct err err;
    struct disk disk = {.room = 600};
    play(&disk, 0, 20, &err);
    CHECK_TEXT("the reason", err.text, "no space left on device");
    AUTO_TEXT told = replayed(&disk);
    CHECK_HAS("what was written is whole", told, " events, ");
    CHECK_TRUE("no damage", strstr(told, "damaged") == NULL && strstr(told, "differs") == NULL);
    str_done(&disk.bytes);
    disk = (struct disk){.room = 1 << 20};
    play(&disk, 400, 20, &err);
    CHECK_TEXT("its largest size", err.text, "it has reached its largest size");
    CHECK_TRUE("no more than that", disk.bytes.size <= 400);
    str_done(&disk.bytes);
}

/* ---------------------------------------------------------------------------- damage */

TEST(damage_is_told_in_one_sentence)
{
    struct err err;
    struct disk disk = {.room = 1 << 20};
    struct check_random random = {1};
    play(&disk, 0, 4, &err);
    size_t size = disk.bytes.size, damaged = 0, cut = 0;
    for (size_t i = 0; i < size; i++) {
        struct disk other = {.room = 1 << 20};
        str_add_bytes(&other.bytes, disk.bytes.data, size);
        other.bytes.data[i] ^= (char)(1U << check_random_below(&random, 8));
        AUTO_TEXT told = replayed(&other);
        CHECK_TRUE(told, strchr(told, '\n') == NULL && strstr(told, "differs") == NULL);
        damaged += strstr(told, "damaged") != NULL;
        other.bytes.size = i;
        AUTO_TEXT short_ = replayed(&other);
        CHECK_TRUE(short_, strchr(short_, '\n') == NULL && strstr(short_, "differs") == NULL);
        cut += strstr(short_, "cut") != NULL;
        str_done(&other.bytes);
    }
    CHECK_TRUE("both were seen", damaged > size / 2 && cut > size / 2);
    str_done(&disk.bytes);
}

TEST(what_is_no_log)
{
    static const struct {
        const char *name, *bytes, *want;
    } rows[] = {
        {"nothing", "", "this is not a log of decisions"},
        {"something else", "apiVersion: v1\nkind: Pod\n",
         "this is not a log of decisions that this program reads: expected \"bulkhead-record 1\""},
        {"another layout", "bulkhead-record 1 0123 9.9\n",
         "the log was written by version 9.9, which told the core other things: replay it with "
         "that "
         "version"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct disk disk = {0};
        str_add(&disk.bytes, rows[i].bytes);
        AUTO_TEXT told = replayed(&disk);
        CHECK_TEXT(rows[i].name, told, rows[i].want);
        str_done(&disk.bytes);
    }
}

TEST(a_plan_that_comes_out_otherwise)
{
    struct err err;
    struct disk disk = {.room = 1 << 20};
    struct plan nothing = {.wake_ns = 5};
    const struct recorder_options options = {.version = "1", .write = write_disk, .ctx = &disk};
    AUTO(recorder) recorder = recorder_new(&options);
    struct event event = {.kind = EVENT_QUEUE, .now_ns = 1, .queue = queue_make("q")};
    recorder_event(recorder, &event);
    job_queue_free(event.queue);
    event = (struct event){.kind = EVENT_SYNCED, .now_ns = 2};
    recorder_event(recorder, &event);
    recorder_plan(recorder, 3, &nothing);
    REQUIRE(recorder_flush(recorder, &err) == 0);
    AUTO(record_reader) reader = NULL;
    struct replay replay;
    REQUIRE(record_reader_new(disk.bytes.data, disk.bytes.size, &reader, &err) == 0);
    REQUIRE(record_replay(reader, NULL, &replay, &err) == 0);
    CHECK_TRUE("it differs", replay.differs && replay.at_ns == 3 && replay.wanted_actions == 0);
    CHECK_HAS("the plan that was made now", replay.text, "finalizer q JobQueue add");
    replay_done(&replay);
    str_done(&disk.bytes);
}

TEST(a_copy_is_its_own)
{
    struct event event = {.kind = EVENT_QUEUE, .queue = queue_make("q")}, copy;
    REQUIRE(record_copy(&event, &copy));
    job_queue_free(event.queue);
    CHECK_TEXT("the name", copy.queue->meta.name, "q");
    CHECK_TEXT("its list", copy.queue->environments[0].compute_environment, "missing");
    job_queue_free(copy.queue);
}
