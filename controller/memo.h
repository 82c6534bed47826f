/* SPDX-License-Identifier: Apache-2.0 */
/* memo.h - what we know about objects whose status we write, beyond what the core keeps
 *
 * Version     the newest resourceVersion that we wrote or read. A watch event that is not newer is
 *             our own echo, or older than it: nothing to decode.
 * Conditions  status and time of change of each, so that lastTransitionTime tells the truth.
 * Arrival     when a job was first seen, until its first pod is sent: the reaction time.
 * Stored      the whole status of the few objects that admins declare, so that a process that has
 *             just started does not write once more what is there.
 * Bound       one small record an object; forgotten with the object. */
#ifndef BULKHEAD_CONTROLLER_MEMO_H
#define BULKHEAD_CONTROLLER_MEMO_H

#include "bulkhead/base/macros.h"

#include <stdbool.h>
#include <stdint.h>

struct json_object;
struct memo;
struct memo *memo_new(void);
struct memo *memo_free(struct memo *memo);
DEFINE_AUTO(memo, memo_free)

/* Versions are compared as numbers, which they are; one that is not a number is always news. */
bool memo_is_news(const struct memo *memo, const char *uid, const char *resource_version);
void memo_version(struct memo *memo, const char *uid, const char *resource_version);
void memo_conditions(struct memo *memo, const char *uid, struct json_object *doc);
/* {"status":{"conditions":[...]}} with type, status and lastTransitionTime; NULL: none known.
 * Caller owns the result. */
struct json_object *memo_previous(const struct memo *memo, const char *uid);
/* What is stored of an object from now on: doc's status; NULL: not known. */
void memo_stored(struct memo *memo, const char *uid, struct json_object *doc);
bool memo_is_stored(const struct memo *memo, const char *uid, struct json_object *doc);
void memo_arrival(struct memo *memo, const char *uid, int64_t now_ns); /* the first one counts */
int64_t memo_take_arrival(struct memo *memo, const char *uid);         /* 0: none, or taken */
void memo_forget(struct memo *memo, const char *uid);
size_t memo_count(const struct memo *memo);

#endif
