/* SPDX-License-Identifier: Apache-2.0 */
/* watch_test.c - what a watch tells, for scripts of what the server does
 *
 * A script is a list of answers, one for each request in turn; what was told and asked is compared
 * as text. */
#include "check.h"
#include "fake.h"

#include "bulkhead/kube/watch.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POD(name_, uid_, rv_)                                                                      \
    "{\"metadata\":{\"namespace\":\"a\",\"name\":\"" name_ "\",\"uid\":\"" uid_                    \
    "\",\"resourceVersion\":\"" rv_ "\"}}"
#define LIST(rv_, items_) "{\"metadata\":{\"resourceVersion\":\"" rv_ "\"},\"items\":[" items_ "]}"
#define PAGE(rv_, token_, items_)                                                                  \
    "{\"metadata\":{\"resourceVersion\":\"" rv_ "\",\"continue\":\"" token_                        \
    "\"},\"items\":[" items_ "]}"
#define EVENT(type_, object_) "{\"type\":\"" type_ "\",\"object\":" object_ "}\n"
#define EXPIRED                                                                                    \
    "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\","     \
    "\"message\":\"too old\"}}\n"

enum { STEPS_MAX = 8, OBJECTS_MAX = 2 /* a controller has 4,000,000 */ };

struct step {
    int status;       /* of a whole answer; 0: a stream */
    const char *body; /* of a stream: its lines; "" leaves it silent */
    bool ends;        /* the stream ends after its lines */
    bool cut;         /* the connection breaks after them */
};

static const struct row {
    const char *name;
    struct step steps[STEPS_MAX];
    const char *want_told; /* "+a/x 1" added, "~" modified, "-" deleted, "!" synced; '.' initial */
    const char *want_asked;
} rows[] = {
    {"list, then watch",
     {{200, LIST("10", POD("x", "u1", "5")), false, false},
      {0,
       EVENT("ADDED", POD("y", "u2", "11")) EVENT("MODIFIED", POD("x", "u1", "12"))
           EVENT("DELETED", POD("y", "u2", "13")),
       false, false}},
     "+.x5 ! +y11 ~x12 -y13 ",
     "list watch@10 "},
    {"pages",
     {{200, PAGE("10", "t 1", POD("x", "u1", "5")), false, false},
      {200, LIST("10", POD("y", "u2", "6")), false, false},
      {0, "", false, false}},
     "+.x5 +.y6 ! ",
     "list list+t%201 watch@10 "},
    {"a page expires",
     {{200, PAGE("10", "t", POD("x", "u1", "5")), false, false},
      {410, "{}", false, false},
      {200, LIST("20", POD("y", "u2", "6")), false, false},
      {0, "", false, false}},
     "+.x5 +.y6 -.x5 ! ",
     "list list+t list watch@20 "},
    {"history expires in the stream",
     {{200, LIST("10", POD("x", "u1", "5") "," POD("y", "u2", "6")), false, false},
      {0, EXPIRED, false, false},
      {200, LIST("30", POD("y", "u2", "25")), false, false},
      {0, EVENT("ADDED", POD("z", "u3", "31")), false, false}},
     "+.x5 +.y6 ! ~.y25 -.x5 ! +z31 ",
     "list watch@10 list watch@30 "},
    {"history expires before the stream",
     {{200, LIST("10", ""), false, false},
      {410, "{}", false, false},
      {200, LIST("30", POD("y", "u2", "25")), false, false},
      {0, "", false, false}},
     "! +.y25 ! ",
     "list watch@10 list watch@30 "},
    {"resumes at the last bookmark",
     {{200, LIST("10", ""), false, false},
      {0, EVENT("BOOKMARK", "{\"metadata\":{\"resourceVersion\":\"40\"}}"), true, false},
      {0, EVENT("ADDED", POD("x", "u1", "41")), false, true},
      {0, EVENT("ADDED", POD("x", "u1", "41")) EVENT("MODIFIED", POD("x", "u1", "42")), false,
       false}},
     "! +x41 ~x42 ",
     "list watch@10 watch@40 watch@41 "},
    {"a name comes back as another object",
     {{200, LIST("10", POD("x", "u1", "5")), false, false},
      {0, EVENT("ADDED", POD("x", "u9", "20")) EVENT("DELETED", POD("x", "u1", "19")), false,
       false}},
     "+.x5 ! -x5 +x20 ",
     "list watch@10 "},
    {"what is not newer is not told",
     {{200, LIST("10", POD("x", "u1", "9")), false, false},
      {0,
       EVENT("MODIFIED", POD("x", "u1", "9")) EVENT("MODIFIED", POD("x", "u1", "8"))
           EVENT("DELETED", POD("z", "u3", "7")) EVENT("ADDED", POD("z", "u3", "7"))
               EVENT("MODIFIED", POD("x", "u1", "11")),
       false, false}},
     "+.x9 ! ~x11 ",
     "list watch@10 "},
    {"unusable objects are left out",
     {{200, LIST("10", "{},null,7," POD("x", "", "5") "," POD("y", "u2", "0x")), false, false},
      {0,
       EVENT("ADDED", "{\"metadata\":null}") EVENT("FUTURE", "{}")
           EVENT("BOOKMARK", "{\"metadata\":{\"resourceVersion\":\"no\"}}")
               EVENT("ADDED", POD("x", "u1", "11")),
       false, false}},
     "! +x11 ",
     "list watch@10 "},
    {"the list is retried",
     {{500, "{}", false, false},
      {200, "{\"kind\":\"Status\"}", false, false},
      {200, LIST("3", POD("x", "u1", "2")), false, false},
      {0, "", false, false}},
     "+.x2 ! ",
     "list list list watch@3 "},
    {"a line that is no event",
     {{200, LIST("10", ""), false, false},
      {0, "{\"type\":\"ADD\n", false, false},
      {0, EVENT("ADDED", POD("x", "u1", "11")), false, false}},
     "! +x11 ",
     "list watch@10 watch@10 "},
    {"a silent stream is replaced",
     {{200, LIST("10", ""), false, false},
      {0, "", false, false},
      {0, EVENT("ADDED", POD("x", "u1", "11")), false, false}},
     "! +x11 ",
     "list watch@10 watch@10 "},
    {"the server's store went back",
     {{200, LIST("100", POD("x", "u1", "90")), false, false},
      {0, EXPIRED, false, false},
      {200, LIST("50", POD("x", "u1", "40")), false, false},
      {0, EVENT("MODIFIED", POD("x", "u1", "51")), false, false}},
     "+.x90 ! ~.x40 ! ~x51 ",
     "list watch@100 list watch@50 "},
    {"more objects than there may be, in a list and in a stream",
     {{200, LIST("10", POD("x", "u1", "5") "," POD("y", "u2", "6") "," POD("z", "u3", "7")), false,
       false},
      {200, LIST("20", POD("x", "u1", "5") "," POD("y", "u2", "6")), false, false},
      {0, EVENT("ADDED", POD("z", "u3", "21")), false, false},
      {200, LIST("30", POD("y", "u2", "6")), false, false},
      {0, EVENT("ADDED", POD("z", "u3", "31")), false, false}},
     "+.x5 +.y6 ! -.x5 ! +z31 ",
     "list list watch@20 list watch@30 "},
};

struct world {
    uv_loop_t loop;
    struct fake fake;
    struct kube_client *client;
    const struct row *row;
    struct check_random random;
    struct str told, asked;
    int told_size; /* of told, as the loop waits for it */
};

static void on_event(void *ctx, enum kube_watch_type type, struct json_object *object, bool initial)
{
    struct world *world = ctx;
    struct json_object *metadata = NULL, *name = NULL, *rv = NULL;
    json_object_object_get_ex(object, "metadata", &metadata);
    json_object_object_get_ex(metadata, "name", &name);
    json_object_object_get_ex(metadata, "resourceVersion", &rv);
    str_addf(&world->told, "%c%s%s%s ", "+~-"[type], initial ? "." : "",
             json_object_get_string(name), json_object_get_string(rv));
    world->told_size = (int)world->told.size;
}

static void on_synced(void *ctx)
{
    struct world *world = ctx;
    str_add(&world->told, "! ");
    world->told_size = (int)world->told.size;
}

static void note_asked(struct str *asked, const char *path)
{
    const char *rv = strstr(path, "resourceVersion="), *token = strstr(path, "continue=");
    if (strstr(path, "watch=true") != NULL)
        str_addf(asked, "watch@%.*s ", (int)strcspn(rv + 16, "&"), rv + 16);
    else if (token != NULL)
        str_addf(asked, "list+%.*s ", (int)strcspn(token + 9, "&"), token + 9);
    else
        str_add(asked, "list ");
}

/* Sends the lines of a stream cut at random places. */
static void stream(struct world *world, const struct fake_request *request, const char *lines)
{
    fake_begin(request, 200);
    while (*lines != '\0') {
        size_t size = 1 + (size_t)check_random_below(&world->random, 60);
        AUTO_TEXT piece = text_copy_n(lines, size < strlen(lines) ? size : strlen(lines));
        fake_piece(request, piece);
        lines += strlen(piece);
    }
}

static void play(void *ctx, const struct fake_request *request)
{
    struct world *world = ctx;
    if (request->number > STEPS_MAX)
        return;
    const struct step *step = &world->row->steps[request->number - 1];

    if (step->body == NULL)
        return; /* the script is over */
    note_asked(&world->asked, request->path);
    if (step->status != 0) {
        fake_reply(request, step->status, NULL, step->body);
        return;
    }
    stream(world, request, step->body);
    if (step->ends)
        fake_end(request);
    if (step->cut)
        fake_hang_up(request);
}

static uint64_t next_random(void *ctx)
{
    return check_random_next(ctx);
}

static void run_row(const struct row *row, uint64_t seed, int64_t backoff_ms)
{
    struct world world = {.row = row, .random = {.state = seed}};
    struct err err;
    uv_loop_init(&world.loop);
    fake_start(&world.fake, &world.loop, play, &world);
    world.client = fake_client(&world.fake, NULL);
    const struct kube_watch_options options = {
        .path = "/api/v1/pods",
        .on_event = on_event,
        .on_synced = on_synced,
        .ctx = &world,
        .random = {.next = next_random, .ctx = &world.random},
        .silence_ms = 150,
        .objects_max = OBJECTS_MAX,
        .backoff_min_ms = backoff_ms,
        .backoff_max_ms = 5 * backoff_ms,
    };
    struct kube_watch *watch = kube_watch_new(world.client, &options, &err);
    REQUIRE(watch != NULL);
    run_until(&world.loop, &world.told_size, (int)strlen(row->want_told));
    CHECK_TEXT(row->name, str_text(&world.told), row->want_told);
    CHECK_TEXT(row->name, str_text(&world.asked), row->want_asked);
    kube_watch_free(watch);
    fake_finish(&world.fake, world.client, &world.loop);
    str_done(&world.told);
    str_done(&world.asked);
}

TEST(a_watch_tells_every_change_once)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        run_row(&rows[i], i + 1, 1);
}

/* As a busy server does: with a wait of minutes after each, this would never end. */
TEST(a_watch_that_was_cut_short_goes_on_at_once)
{
    static const struct row cut = {
        "ends after every event",
        {{200, LIST("10", ""), false, false},
         {0, EVENT("ADDED", POD("x", "u1", "11")), true, false},
         {0, EVENT("MODIFIED", POD("x", "u1", "12")), true, false},
         {0, EVENT("BOOKMARK", "{\"metadata\":{\"resourceVersion\":\"13\"}}"), true, false},
         {0, EVENT("MODIFIED", POD("x", "u1", "14")), true, false},
         {0, EVENT("MODIFIED", POD("x", "u1", "15")), false, false}},
        "! +x11 ~x12 ~x14 ~x15 ",
        "list watch@10 watch@11 watch@12 watch@13 watch@14 "};
    run_row(&cut, 1, 600 * 1000);
}
