/* SPDX-License-Identifier: Apache-2.0 */
/* recording.h - --record: the log of decisions of this process, in a file
 *
 * A log begins with the process, for only then is it known what the core knows. The logs of the
 * processes before stay as FILE.1 to FILE.RECORDINGS_KEPT. A log that has reached its largest size,
 * or that cannot be written, ends: that is logged and told as a metric, and all else goes on.
 * Written in the loop, at the end of a turn: once a second, or when RECORDING_WAITING_MAX bytes
 * wait. What was not written yet is lost with the process. */
#ifndef BULKHEAD_CONTROLLER_RECORDING_H
#define BULKHEAD_CONTROLLER_RECORDING_H

#include "bulkhead/core/core.h"
#include "bulkhead/record/record.h"

enum { RECORDINGS_KEPT = 3, RECORDING_WAITING_MAX = 256 * 1024 };

struct recording;
/* A file that cannot be written is logged; the recording has then ended before it began. */
struct recording *recording_open(const char *path, int64_t size_max,
                                 const struct core_options *core);
struct recording *recording_close(struct recording *recording); /* writes what waits */
/* All take NULL: nothing is recorded. */
void recording_event(struct recording *recording, const struct event *event);
void recording_plan(struct recording *recording, int64_t now_ns, const struct plan *plan);
void recording_tick(struct recording *recording, int64_t now_ns);
bool recording_goes_on(const struct recording *recording);
int64_t recording_bytes(const struct recording *recording);

#endif
