/* SPDX-License-Identifier: Apache-2.0 */
/* array_state.h - the state of up to a million children as one string
 *
 * One symbol a child: what is durable about it. STARTING and RUNNING are not here: pods say that.
 * Two encodings, whichever is smaller:
 *   runs   "w0*10,s1*3,f2" : letter (w waiting, s succeeded, f failed), attempts, *length when > 1
 *   zn64   base64 of zlib of the symbols packed in base N, N the number of distinct symbols; the
 *          text starts with the alphabet: "w0,s1,f2:<base64>"
 * Bound: below 1 MiB for JOB_ARRAY_SIZE_MAX children in any pattern. */
#ifndef BULKHEAD_API_ARRAY_STATE_H
#define BULKHEAD_API_ARRAY_STATE_H

#include "bulkhead/base/err.h"

#include <stdint.h>

enum child_outcome { CHILD_WAITING, CHILD_SUCCEEDED, CHILD_FAILED };

struct child_record { /* 2 bytes a child */
    uint8_t outcome;  /* enum child_outcome */
    uint8_t attempts; /* that began, 0..JOB_ATTEMPTS_MAX */
};

/* Heap texts, caller frees. encoding is "runs" or "zn64". */
void array_state_pack(const struct child_record *children, uint32_t count, char **ret_encoding,
                      char **ret_data);
/* ERR_INVALID when the text is damaged or does not describe exactly count children. */
int array_state_unpack(const char *encoding, const char *data, struct child_record *ret_children,
                       uint32_t count, struct err *err);
/* "3:2,7-9:1": how many tries of each child were used up without an attempt; zero is not listed.
 * What would be longer than size_max (at least REFUSALS_SIZE_MIN) is rounded up, for neighbours
 * together if need be. */
enum { REFUSALS_SIZE_MIN = 8192 };
void refusals_pack(const uint8_t *refusals, uint32_t count, size_t size_max, char **ret_text);
int refusals_unpack(const char *text, uint8_t *ret_refusals, uint32_t count, struct err *err);

#endif
