/* SPDX-License-Identifier: Apache-2.0 */
/* record.h - a log of everything that the core was told, and what it decided
 *
 * The core is a function of its events and of when it planned. So a log of these is enough to make
 * every plan again, byte for byte: after an incident, with a debugger, or with another policy. Of
 * each plan only a hash is kept: the log says that a replay went the same way, the replay itself
 * has the text.
 *
 * Format     one line of text (version and the layout of the structures), then chunks: size,
 *            checksum, and a part of one zlib stream that ends with whole records.
 * Bounds     RECORD_BYTES_MAX for one record; the writer's own size_max for the log. A log that
 *            reached it, or that cannot be written, ends there: it is whole up to its last chunk.
 * Trust      damage is found by checksums. A log that was forged is not guarded against: whoever
 *            can write it can as well run any program as the one who replays it. */
#ifndef BULKHEAD_RECORD_RECORD_H
#define BULKHEAD_RECORD_RECORD_H

#include "bulkhead/base/err.h"
#include "bulkhead/base/str.h"
#include "bulkhead/core/core.h"

enum { RECORD_BYTES_MAX = 32 << 20 };

/* ---------------------------------------------------------------------------- writing */

struct recorder_options {
    const char *version; /* of the program */
    struct core_options core;
    int64_t size_max; /* bytes of the log; 0: no limit */
    /* Appends to the log; -1 and err: it cannot be written (any more). */
    int (*write)(void *ctx, const void *bytes, size_t size, struct err *err);
    void *ctx;
};

struct recorder_stats {
    uint64_t events, plans;
    int64_t bytes;     /* written */
    int64_t raw_bytes; /* before compression */
};

struct recorder;
struct recorder *recorder_new(const struct recorder_options *options) NEVER_NULL;
struct recorder *recorder_free(struct recorder *recorder); /* what was not flushed is lost */
DEFINE_AUTO(recorder, recorder_free)
/* Both buffer, and cannot fail; nothing is kept of what they are given. The event: before the core
 * takes it, with its time. */
void recorder_event(struct recorder *recorder, const struct event *event);
void recorder_plan(struct recorder *recorder, int64_t now_ns, const struct plan *plan);
size_t recorder_waiting(const struct recorder *recorder); /* bytes that a flush would compress */
/* -1: the log has ended (disk, size_max); from then on nothing is recorded and this returns 0. */
int recorder_flush(struct recorder *recorder, struct err *err);
bool recorder_ended(const struct recorder *recorder);
const struct recorder_stats *recorder_stats(const struct recorder *recorder);

/* Of a plan as plan_print has it, and of when the core wants to wake. text is scratch. */
uint64_t record_plan_hash(const struct plan *plan, struct str *text);

/* ---------------------------------------------------------------------------- reading */

enum record_kind { RECORD_EVENT, RECORD_PLAN };

struct record {
    enum record_kind kind;
    struct event event; /* the caller's: for core_apply or record_drop */
    int64_t now_ns;     /* of a plan */
    uint64_t action_count, hash;
};
void record_drop(struct record *record); /* frees what an event that nobody applied holds */

struct record_reader;
/* The bytes stay the caller's, and unchanged. ERR_INVALID: not a log, or one of another layout. */
int record_reader_new(const void *bytes, size_t size, struct record_reader **ret_reader,
                      struct err *err);
struct record_reader *record_reader_free(struct record_reader *reader);
DEFINE_AUTO(record_reader, record_reader_free)
const char *record_reader_version(const struct record_reader *reader);
const struct core_options *record_reader_core(const struct record_reader *reader);
/* 1: a record; 0: the end; -1: the log is damaged here, and that was all. Texts of the event live
 * until the next call. A log that was cut off inside a chunk just ends; see _cut. */
int record_read(struct record_reader *reader, struct record *ret_record, struct err *err);
bool record_reader_cut(const struct record_reader *reader);

/* --------------------------------------------------------------------------- replaying */

struct replay {
    uint64_t events, plans, actions;
    /* The first plan that came out otherwise; then the replay has stopped. */
    bool differs;
    int64_t at_ns;
    uint64_t wanted_actions, got_actions;
    char *text; /* of the plan that came out; heap */
};
void replay_done(struct replay *replay);
struct replay_watch { /* who wants to see what happens; NULL functions: nobody */
    void (*on_event)(void *ctx, const struct event *event); /* before the core takes it */
    void (*on_plan)(void *ctx, int64_t now_ns, const struct plan *plan);
    void *ctx;
};
/* All of the log into a core of its own. watch: may be NULL. -1: the log is damaged; what was
 * replayed until then is told all the same. */
int record_replay(struct record_reader *reader, const struct replay_watch *watch,
                  struct replay *ret_replay, struct err *err);

/* ---------------------------------------------------------------------------- copying */

/* A deep copy by way of the log's own form. EVENT_DONE's instances and types, and the texts of the
 * event itself, are not copied. False: it holds what no log can. */
bool record_has_object(const struct event *event); /* false: only texts, or nothing */
bool record_copy(const struct event *event, struct event *ret_event);

#endif
