/* SPDX-License-Identifier: Apache-2.0 */
/* log.h - one constant message and keys: log_info("gang admitted", KV("job", key))
 *
 * Only controller/ logs; libraries return errors. Lines go to standard error, as text (time=...
 * level=info msg="..." job=a/b) or as JSON. Values are escaped, so a line is always one line. Lines
 * beyond the limit per second are dropped and counted; the count is logged once a second. */
#ifndef BULKHEAD_BASE_LOG_H
#define BULKHEAD_BASE_LOG_H

#include "bulkhead/base/macros.h"

#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

struct log_kv {
    const char *key;
    const char *text; /* NULL: number */
    int64_t number;
};
#define KV(k, v) ((struct log_kv){.key = (k), .text = (v) != NULL ? (v) : "", .number = 0})
#define KV_INT(k, v) ((struct log_kv){.key = (k), .text = NULL, .number = (int64_t)(v)})

/* lines_per_second_max: 0 is no limit. Before log_setup: info and above, as text, no limit. */
void log_setup(enum log_level level, enum log_format format, unsigned lines_per_second_max);
void log_line(enum log_level level, const char *message, const struct log_kv *kvs, size_t count);
uint64_t log_dropped(void);                   /* since the start */
void log_set_clock(int64_t (*wall_ns)(void)); /* for tests; NULL: clock_wall_ns */

#define LOG_(level, message, ...)                                                                  \
    log_line((level), (message), (const struct log_kv[]){{NULL, NULL, 0}, ##__VA_ARGS__},          \
             ARRAY_LEN(((const struct log_kv[]){{NULL, NULL, 0}, ##__VA_ARGS__})))
#define log_debug(message, ...) LOG_(LOG_DEBUG, message, ##__VA_ARGS__)
#define log_info(message, ...) LOG_(LOG_INFO, message, ##__VA_ARGS__)
#define log_warn(message, ...) LOG_(LOG_WARN, message, ##__VA_ARGS__)
#define log_error(message, ...) LOG_(LOG_ERROR, message, ##__VA_ARGS__)

#endif
