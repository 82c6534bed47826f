/* SPDX-License-Identifier: Apache-2.0 */
/* write.c - the log, as it is written
 *
 * Records are kept until a flush makes a chunk of them. All chunks are one zlib stream, each ended
 * by a sync flush, so that what was written can be read whatever happens next, and a chunk of a few
 * records still profits from what stood in those before. */
#include "bulkhead/record/record.h"

#include "bulkhead/base/map.h"
#include "events.h"
#include "log.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { LEVEL = 1, OUT_SIZE = 64 * 1024 }; /* half the time of the usual level, a tenth more bytes */

struct recorder {
    struct recorder_options options;
    struct recorder_stats stats;
    struct str raw;  /* records that are not flushed yet */
    struct str one;  /* of the record that is being made */
    struct str text; /* of a plan */
    struct str chunk;
    z_stream stream;
    int64_t now_ns;
    bool ended, too_large;
};

uint64_t record_plan_hash(const struct plan *plan, struct str *text)
{
    str_clear(text);
    plan_print(plan, text);
    return hash_bytes(str_text(text), text->size, (uint64_t)plan->wake_ns);
}

struct recorder *recorder_new(const struct recorder_options *options)
{
    struct recorder *recorder = mem_new(sizeof(*recorder));
    recorder->options = *options;
    if (deflateInit(&recorder->stream, LEVEL) != Z_OK)
        abort(); /* out of memory */
    record_put(&recorder->raw, &core_options_record, &options->core);
    return recorder;
}

struct recorder *recorder_free(struct recorder *recorder)
{
    if (recorder == NULL)
        return NULL;
    (void)deflateEnd(&recorder->stream);
    str_done(&recorder->raw);
    str_done(&recorder->one);
    str_done(&recorder->text);
    str_done(&recorder->chunk);
    free(recorder);
    return NULL;
}

bool recorder_ended(const struct recorder *recorder)
{
    return recorder->ended;
}

const struct recorder_stats *recorder_stats(const struct recorder *recorder)
{
    return &recorder->stats;
}

size_t recorder_waiting(const struct recorder *recorder)
{
    return recorder->raw.size;
}

/* ---------------------------------------------------------------------------- records */

static void begin(struct recorder *recorder, int64_t now_ns)
{
    int64_t passed = now_ns - recorder->now_ns;
    str_clear(&recorder->one);
    record_put_signed(&recorder->one, passed);
    recorder->now_ns = now_ns;
}

static void finish(struct recorder *recorder, uint64_t tag)
{
    if (recorder->one.size > RECORD_BYTES_MAX)
        recorder->too_large = true;
    record_put_number(&recorder->raw, tag);
    record_put_number(&recorder->raw, recorder->one.size);
    str_add_bytes(&recorder->raw, recorder->one.data, recorder->one.size);
}

void recorder_event(struct recorder *recorder, const struct event *event)
{
    if (recorder->ended)
        return;
    begin(recorder, event->now_ns);
    event_put(&recorder->one, event);
    finish(recorder, (uint64_t)event->kind);
    recorder->stats.events++;
}

void recorder_plan(struct recorder *recorder, int64_t now_ns, const struct plan *plan)
{
    if (recorder->ended)
        return;
    begin(recorder, now_ns);
    record_put_number(&recorder->one, plan->action_count);
    uint64_t hash = record_plan_hash(plan, &recorder->text);
    str_add_bytes(&recorder->one, &hash, sizeof(hash));
    finish(recorder, RECORD_TAG_PLAN);
    recorder->stats.plans++;
}

/* ----------------------------------------------------------------------------- chunks */

static void compress_raw(struct recorder *recorder)
{
    z_stream *stream = &recorder->stream;
    uint8_t out[OUT_SIZE];
    stream->next_in = (uint8_t *)recorder->raw.data;
    stream->avail_in = (unsigned)recorder->raw.size;
    do {
        stream->next_out = out;
        stream->avail_out = OUT_SIZE;
        (void)deflate(stream, Z_SYNC_FLUSH); /* fails only for a stream that is not set up */
        str_add_bytes(&recorder->chunk, out, OUT_SIZE - stream->avail_out);
    } while (stream->avail_out == 0);
}

static int end(struct recorder *recorder, struct err *err, const char *why)
{
    recorder->ended = true;
    str_done(&recorder->raw);
    return why != NULL ? err_set(err, ERR_INVALID, "%s", why) : -1;
}

static int write_header(struct recorder *recorder, struct err *err)
{
    AUTO_TEXT line = text_printf(RECORD_MAGIC " %016llx %.40s\n",
                                 (unsigned long long)record_layout(), recorder->options.version);
    recorder->stats.bytes += (int64_t)strlen(line);
    return recorder->options.write(recorder->options.ctx, line, strlen(line), err);
}

int recorder_flush(struct recorder *recorder, struct err *err)
{
    if (recorder->ended || recorder->raw.size == 0)
        return 0;
    if (recorder->too_large || recorder->raw.size > CHUNK_RAW_MAX)
        return end(recorder, err, "an object is too large for a log");
    if (recorder->stats.bytes == 0 && write_header(recorder, err) < 0)
        return end(recorder, err, NULL);
    struct chunk_head head = {0};
    str_clear(&recorder->chunk);
    str_add_bytes(&recorder->chunk, &head, sizeof(head));
    compress_raw(recorder);
    const uint8_t *packed = (const uint8_t *)recorder->chunk.data + sizeof(head);
    head.packed_size = (uint32_t)(recorder->chunk.size - sizeof(head));
    head.raw_size = (uint32_t)recorder->raw.size;
    head.checksum = (uint32_t)crc32(0, packed, head.packed_size);
    memcpy(recorder->chunk.data, &head, sizeof(head));
    int64_t bytes = recorder->stats.bytes + (int64_t)recorder->chunk.size;
    if (recorder->options.size_max > 0 && bytes > recorder->options.size_max)
        return end(recorder, err, "it has reached its largest size");
    if (recorder->options.write(recorder->options.ctx, recorder->chunk.data, recorder->chunk.size,
                                err) < 0)
        return end(recorder, err, NULL);
    recorder->stats.bytes = bytes;
    recorder->stats.raw_bytes += (int64_t)recorder->raw.size;
    str_clear(&recorder->raw);
    return 0;
}
