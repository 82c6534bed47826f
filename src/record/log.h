/* SPDX-License-Identifier: Apache-2.0 */
/* log.h - what the writer and the reader of a log agree on
 *
 *   "bulkhead-record 1 LAYOUT VERSION\n"
 *   chunk...: struct chunk_head (little endian), then packed_size bytes of the zlib stream
 * Unpacked, the stream is the core's options and then records: a tag (an event's kind, or
 * RECORD_TAG_PLAN), the size of the rest, the time since the record before (folded), the rest. */
#ifndef BULKHEAD_RECORD_LOG_H
#define BULKHEAD_RECORD_LOG_H

#include <stdint.h>

#define RECORD_MAGIC "bulkhead-record 1"
enum { RECORD_TAG_PLAN = 200, CHUNK_RAW_MAX = 64 << 20 };

struct chunk_head {
    uint32_t packed_size, raw_size, checksum;
};
_Static_assert(sizeof(struct chunk_head) == 12, "as it stands in the log");
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "logs are little endian"
#endif

#endif
