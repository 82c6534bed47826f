/* SPDX-License-Identifier: Apache-2.0 */
/* read.c - a log, record by record: see log.h */
#include "bulkhead/record/record.h"

#include "events.h"
#include "log.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { HEADER_MAX = 128 };

struct record_reader {
    const uint8_t *at, *end; /* of the log */
    char *version;
    struct core_options core;
    z_stream stream;
    uint8_t *raw; /* of the chunk that is being read */
    struct record_input input;
    struct arena *arena;  /* of the record that was read last */
    struct done borrowed; /* the same */
    int64_t now_ns;
    uint64_t records;
    bool cut, damaged;
};

/* ------------------------------------------------------------------------------ chunks */

static int damaged(struct record_reader *reader, struct err *err, const char *what)
{
    reader->damaged = true;
    return err_set(err, ERR_INVALID, "the log is damaged after %llu records: %s",
                   (unsigned long long)reader->records, what);
}

static int unpack(struct record_reader *reader, const struct chunk_head *head, struct err *err)
{
    z_stream *stream = &reader->stream;
    free(reader->raw);
    reader->raw = mem_new((size_t)head->raw_size + 1);
    stream->next_in = (uint8_t *)(uintptr_t)reader->at;
    stream->avail_in = head->packed_size;
    stream->next_out = reader->raw;
    stream->avail_out = head->raw_size + 1; /* one more would be too much */
    int result = inflate(stream, Z_SYNC_FLUSH);
    if ((result != Z_OK && result != Z_BUF_ERROR) || stream->avail_in != 0 ||
        stream->avail_out != 1)
        return damaged(reader, err, "a chunk does not unpack to its size");
    reader->input = (struct record_input){reader->raw, reader->raw + head->raw_size, false};
    return 1;
}

/* 1: the next chunk is there; 0: there is none. */
static int next_chunk(struct record_reader *reader, struct err *err)
{
    struct chunk_head head = {0};
    size_t left = (size_t)(reader->end - reader->at);
    if (left == 0)
        return 0;
    if (left >= sizeof(head))
        memcpy(&head, reader->at, sizeof(head));
    if (left < sizeof(head) || head.packed_size > left - sizeof(head)) {
        reader->cut = true; /* whoever wrote it was killed */
        reader->at = reader->end;
        return 0;
    }
    reader->at += sizeof(head);
    if (head.raw_size > CHUNK_RAW_MAX || head.raw_size / 1100 > head.packed_size)
        return damaged(reader, err, "a chunk has a size that no chunk has");
    if (crc32(0, reader->at, head.packed_size) != head.checksum)
        return damaged(reader, err, "a checksum is wrong");
    if (unpack(reader, &head, err) < 0)
        return -1;
    reader->at += head.packed_size;
    return 1;
}

/* ------------------------------------------------------------------------------ opening */

static int read_header(struct record_reader *reader, struct err *err)
{
    char line[HEADER_MAX + 1] = "";
    size_t left = (size_t)(reader->end - reader->at);
    const uint8_t *newline = memchr(reader->at, '\n', left < HEADER_MAX ? left : HEADER_MAX);
    if (newline == NULL)
        return err_set(err, ERR_INVALID, "this is not a log of decisions");
    memcpy(line, reader->at, (size_t)(newline - reader->at));
    if (!text_starts(line, RECORD_MAGIC " "))
        return err_set(err, ERR_INVALID,
                       "this is not a log of decisions that this program reads: "
                       "expected \"" RECORD_MAGIC "\"");
    char *rest = NULL;
    uint64_t layout = strtoull(line + strlen(RECORD_MAGIC " "), &rest, 16);
    text_set(&reader->version, *rest == ' ' ? rest + 1 : "");
    if (layout != record_layout())
        return err_set(err, ERR_INVALID,
                       "the log was written by version %s, which told the core other things: "
                       "replay it with that version",
                       reader->version);
    reader->at = newline + 1;
    return 0;
}

int record_reader_new(const void *bytes, size_t size, struct record_reader **ret_reader,
                      struct err *err)
{
    AUTO(record_reader) reader = mem_new(sizeof(*reader));
    reader->at = bytes;
    reader->end = reader->at + size;
    reader->arena = arena_new(0);
    if (inflateInit(&reader->stream) != Z_OK)
        abort(); /* out of memory */
    if (read_header(reader, err) < 0)
        return -1;
    int found = next_chunk(reader, err);
    if (found < 0)
        return -1;
    if (found > 0)
        record_get(&reader->input, &core_options_record, &reader->core);
    if (reader->input.bad)
        return damaged(reader, err, "it does not begin with the core's options");
    *ret_reader = STEAL(reader);
    return 0;
}

struct record_reader *record_reader_free(struct record_reader *reader)
{
    if (reader == NULL)
        return NULL;
    (void)inflateEnd(&reader->stream);
    event_drop_borrowed(&reader->borrowed);
    arena_free(reader->arena);
    free(reader->version);
    free(reader->raw);
    free(reader);
    return NULL;
}

const char *record_reader_version(const struct record_reader *reader)
{
    return reader->version;
}

const struct core_options *record_reader_core(const struct record_reader *reader)
{
    return &reader->core;
}

bool record_reader_cut(const struct record_reader *reader)
{
    return reader->cut;
}

/* ------------------------------------------------------------------------------ records */

static int read_one(struct record_reader *reader, struct record *record, struct err *err)
{
    struct record_input *input = &reader->input;
    uint64_t tag = record_get_number(input);
    uint64_t size = record_get_number(input);
    if (input->bad || size > (size_t)(input->end - input->at) ||
        (tag > EVENT_TICK && tag != RECORD_TAG_PLAN))
        return damaged(reader, err, "a record is none");
    struct record_input one = {input->at, input->at + size, false};
    input->at += size;
    uint64_t passed = record_get_number(&one);
    reader->now_ns += (int64_t)(passed >> 1) ^ -(int64_t)(passed & 1);
    if (tag == RECORD_TAG_PLAN) {
        *record = (struct record){.kind = RECORD_PLAN, .now_ns = reader->now_ns};
        record->action_count = record_get_number(&one);
        if ((size_t)(one.end - one.at) == sizeof(record->hash))
            memcpy(&record->hash, one.at, sizeof(record->hash));
        else
            one.bad = true;
    } else {
        *record = (struct record){.kind = RECORD_EVENT, .now_ns = reader->now_ns};
        record->event = (struct event){.kind = (enum event_kind)tag, .now_ns = reader->now_ns};
        event_get(&one, reader->arena, &record->event);
        if (!one.bad && record->event.kind == EVENT_DONE)
            reader->borrowed = (struct done){.instances = record->event.done.instances,
                                             .types = record->event.done.types,
                                             .type_count = record->event.done.type_count};
    }
    if (one.bad)
        return damaged(reader, err, "a record does not make sense");
    reader->records++;
    return 1;
}

int record_read(struct record_reader *reader, struct record *ret_record, struct err *err)
{
    event_drop_borrowed(&reader->borrowed);
    arena_reset(reader->arena);
    if (reader->damaged)
        return damaged(reader, err, "nothing behind it can be read");
    while (reader->input.at == reader->input.end) {
        int found = next_chunk(reader, err);
        if (found <= 0)
            return found;
    }
    return read_one(reader, ret_record, err);
}

/* What event_drop would free a second time belongs to the reader. */
void record_drop(struct record *record)
{
    if (record->kind != RECORD_EVENT)
        return;
    if (record->event.kind == EVENT_DONE) {
        record->event.done.instances = NULL;
        record->event.done.types = NULL;
        record->event.done.type_count = 0;
    }
    event_drop(&record->event);
}

bool record_has_object(const struct event *event)
{
    return event_has_object(event);
}

bool record_copy(const struct event *event, struct event *ret_event)
{
    AUTO_STR bytes = STR_EMPTY;
    AUTO(arena) arena = arena_new(0);
    struct event copy = *event;
    if (event->kind == EVENT_DONE)
        return false;
    copy.namespace_ = copy.name = copy.uid = NULL;
    copy.message = copy.resource_version = copy.object_kind = NULL;
    event_put(&bytes, &copy);
    struct record_input input = {(const uint8_t *)bytes.data,
                                 (const uint8_t *)bytes.data + bytes.size, false};
    *ret_event = (struct event){.kind = event->kind, .now_ns = event->now_ns};
    event_get(&input, arena, ret_event);
    return !input.bad;
}
