/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - time for the shell around the core, and its text form
 *
 * The core is handed steady time: nanoseconds since the Unix epoch as they were when the process
 * started, advanced by the monotonic clock. It can be compared with timestamps of the API server
 * and never jumps with the wall clock. */
#ifndef BULKHEAD_BASE_CLOCK_H
#define BULKHEAD_BASE_CLOCK_H

#include "bulkhead/base/err.h"

#include <stdint.h>

int64_t clock_steady_ns(void);
int64_t clock_wall_ns(void);

enum { TIME_TEXT_MAX = 40 };
/* RFC 3339 in UTC. Seconds ("2026-11-21T09:30:00Z", metav1.Time) and microseconds (MicroTime). */
const char *time_print(int64_t ns, char text[TIME_TEXT_MAX]);
const char *time_print_micro(int64_t ns, char text[TIME_TEXT_MAX]);
/* Any RFC 3339 time from 1678 to 2261, with or without a fraction and with any offset. */
int time_parse(const char *text, int64_t *ret_ns, struct err *err);

#endif
