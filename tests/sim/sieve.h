/* SPDX-License-Identifier: Apache-2.0 */
/* sieve.h - disturbances at each exact place of a calm schedule; see sieve.c */
#ifndef BULKHEAD_TESTS_SIM_SIEVE_H
#define BULKHEAD_TESTS_SIM_SIEVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct object;
struct run_options;
struct run_result;
struct str;

enum crash_phase { CRASH_BEFORE, CRASH_COMMITTED, CRASH_REPLIED };

/* What happens at one exact place of a calm schedule; see sieve.c. */
enum disturbance_kind {
    DISTURB_NOT,
    DISTURB_CRASH, /* the process dies at its at-th write */
    DISTURB_STALE, /* the kind of the at-th notice is not heard until its until-th later one */
    DISTURB_GAP,   /* the same until the until-th later one of the object, and then listed: what was
                      in between is never heard */
};
struct disturbance {
    enum disturbance_kind kind;
    int64_t at; /* from 1 */
    enum crash_phase phase;
    int64_t until;
};
enum { DISTURBANCES_MAX = 2 };

struct notice_log { /* of what the process was to hear, in order */
    struct seen_notice {
        int kind;        /* an enum kind */
        uint64_t object; /* a hash of its uid */
    } * items;
    size_t count, capacity;
};
void notice_log_add(struct notice_log *log, const struct object *object);
enum sieve_family { SIEVE_CRASH, SIEVE_PAIR, SIEVE_STALE, SIEVE_GAP, SIEVE_FAMILIES };
extern const char *const sieve_family_names[SIEVE_FAMILIES];
/* Calls try for every plan of the world (its seed and size); it says whether to go on. */
typedef bool sieve_try(void *user, enum sieve_family family, const struct run_options *options,
                       struct run_result *ret_result);
bool sieve_seed(const struct run_options *of, bool pairs, sieve_try *try, void *user);
/* "crash:12:committed", "stale:30:2", "gap:17:1"; two with a comma between. */
bool disturbances_read(const char *text, struct disturbance ret[DISTURBANCES_MAX]);
void disturbances_print(const struct disturbance disturbances[DISTURBANCES_MAX], struct str *text);

#endif
