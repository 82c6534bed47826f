/* SPDX-License-Identifier: Apache-2.0 */
/* sieve.c - disturbances at each exact place of a calm schedule
 *
 * Random faults hit the rare place rarely. So a schedule without faults is played once, and then
 * again for every place at which one thing can go wrong in it, as Sieve does (Sun et al., OSDI
 * 2022: intermediate, stale and unobserved states), but for all places, none left out as harmless:
 *
 *   crash   the process dies before, at and after each write that it sends
 *   pair    the same, and once more at each write after that (schedules of up to PAIR_WRITES
 * writes) stale   from each notice on, nothing of that kind is heard until any later notice of the
 * kind (HELD_MAX_S at the most): every pair of an old view and what was decided on it gap     from
 * each notice on until any later one of the same object, and then the kind is listed: every run of
 * notices that cancel each other, or look as one, is heard as one */
#include "sim/world.h"

#include "bulkhead/base/map.h"
#include "bulkhead/base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CRASH_WRITES = 400, PAIR_WRITES = 60, STALE_NOTICES = 400 };

const char *const sieve_family_names[SIEVE_FAMILIES] = {
    [SIEVE_CRASH] = "crash",
    [SIEVE_PAIR] = "pair",
    [SIEVE_STALE] = "stale",
    [SIEVE_GAP] = "gap",
};

static const char *const kind_words[] = {
    [DISTURB_CRASH] = "crash",
    [DISTURB_STALE] = "stale",
    [DISTURB_GAP] = "gap",
};

static const char *const phase_words[] = {
    [CRASH_BEFORE] = "before",
    [CRASH_COMMITTED] = "committed",
    [CRASH_REPLIED] = "replied",
};

void notice_log_add(struct notice_log *log, const struct object *object)
{
    ARRAY_ROOM(log->items, log->count, log->capacity);
    log->items[log->count++] = (struct seen_notice){
        .kind = (int)object->kind, .object = hash_bytes(object->uid, strlen(object->uid), 0)};
}

/* --- As text -----------------------------------------------------------------------------------
 */

void disturbances_print(const struct disturbance disturbances[DISTURBANCES_MAX], struct str *text)
{
    for (size_t i = 0; i < DISTURBANCES_MAX; i++) {
        const struct disturbance *each = &disturbances[i];
        if (each->kind == DISTURB_NOT)
            continue;
        str_addf(text, "%s%s:%lld:", i > 0 ? "," : "", kind_words[each->kind], (long long)each->at);
        if (each->kind == DISTURB_CRASH)
            str_addf(text, "%s", phase_words[each->phase]);
        else
            str_addf(text, "%lld", (long long)each->until);
    }
}

/* Up to the next of the separators, or the end; the separator is left. */
static const char *word_end(const char *text)
{
    return text + strcspn(text, ":,");
}

static bool word_read(const char *text, const char *const *words, size_t count, size_t *ret)
{
    size_t size = (size_t)(word_end(text) - text);
    for (size_t i = 0; i < count; i++)
        if (words[i] != NULL && strlen(words[i]) == size && strncmp(words[i], text, size) == 0) {
            *ret = i;
            return true;
        }
    return false;
}

static bool number_read(const char *text, int64_t *ret)
{
    char *end = NULL;
    *ret = strtoll(text, &end, 10);
    return end == word_end(text) && *ret > 0;
}

/* The end of it; NULL: it cannot be read. */
static const char *disturbance_read(const char *text, struct disturbance *ret)
{
    size_t kind = 0, phase = 0;
    const char *at = word_end(text) + 1;
    if (!word_read(text, kind_words, ARRAY_LEN(kind_words), &kind) || at[-1] != ':' ||
        !number_read(at, &ret->at) || *word_end(at) != ':')
        return NULL;
    ret->kind = (enum disturbance_kind)kind;
    const char *how = word_end(at) + 1;
    bool good = ret->kind == DISTURB_CRASH
                    ? word_read(how, phase_words, ARRAY_LEN(phase_words), &phase)
                    : number_read(how, &ret->until);
    ret->phase = (enum crash_phase)phase;
    return good ? word_end(how) : NULL;
}

bool disturbances_read(const char *text, struct disturbance ret[DISTURBANCES_MAX])
{
    memset(ret, 0, sizeof(*ret) * DISTURBANCES_MAX);
    for (size_t i = 0; i < DISTURBANCES_MAX; i++) {
        text = disturbance_read(text, &ret[i]);
        if (text == NULL || *text == '\0')
            return text != NULL;
        if (*text++ != ',')
            return false;
    }
    return false;
}

/* --- Every plan of a seed ----------------------------------------------------------------------
 */

struct walk {
    struct run_options options;
    sieve_try *try;
    void *user;
};

static bool walk_try(struct walk *walk, enum sieve_family family, struct run_result *ret)
{
    return walk->try(walk->user, family, &walk->options, ret);
}

static bool walk_second_crash(struct walk *walk, int64_t writes)
{
    struct disturbance *second = &walk->options.disturbances[1];
    struct run_result result;
    bool goes_on = true;
    for (int64_t at = walk->options.disturbances[0].at + 1; at <= writes && goes_on; at++)
        for (int phase = CRASH_BEFORE; phase <= CRASH_REPLIED && goes_on; phase++) {
            *second = (struct disturbance){
                .kind = DISTURB_CRASH, .at = at, .phase = (enum crash_phase)phase};
            goes_on = walk_try(walk, SIEVE_PAIR, &result);
        }
    *second = (struct disturbance){.kind = DISTURB_NOT};
    return goes_on;
}

static bool walk_crashes(struct walk *walk, int64_t writes, bool pairs)
{
    struct disturbance *first = &walk->options.disturbances[0];
    for (int64_t at = 1; at <= writes && at <= CRASH_WRITES; at++)
        for (int phase = CRASH_BEFORE; phase <= CRASH_REPLIED; phase++) {
            struct run_result result = {0};
            *first = (struct disturbance){
                .kind = DISTURB_CRASH, .at = at, .phase = (enum crash_phase)phase};
            if (!walk_try(walk, SIEVE_CRASH, &result))
                return false;
            if (pairs && writes <= PAIR_WRITES && !walk_second_crash(walk, result.writes_sent))
                return false;
        }
    return true;
}

static bool walk_held(struct walk *walk, const struct notice_log *log, enum sieve_family family)
{
    bool gap = family == SIEVE_GAP;
    size_t count = log->count < STALE_NOTICES ? log->count : STALE_NOTICES;
    for (size_t at = 0; at < count; at++) {
        int64_t until = 0;
        for (size_t later = at + 1; later < count; later++) {
            const struct seen_notice *a = &log->items[at], *b = &log->items[later];
            if (gap ? a->object != b->object : a->kind != b->kind)
                continue;
            until++;
            struct run_result result;
            walk->options.disturbances[0] = (struct disturbance){
                .kind = gap ? DISTURB_GAP : DISTURB_STALE, .at = (int64_t)at + 1, .until = until};
            if (!walk_try(walk, family, &result))
                return false;
        }
    }
    return true;
}

bool sieve_seed(const struct run_options *of, bool pairs, sieve_try *try, void *user)
{
    struct walk walk = {.options = {.seed = of->seed, .small = of->small, .no_faults = true},
                        .try = try,
                        .user = user};
    struct notice_log log = {0};
    struct counters unused = {0};
    struct run_result whole;
    struct run_options calm = walk.options;
    calm.notice_log = &log;
    run_world(&calm, &unused, &whole);

    bool goes_on = walk_crashes(&walk, whole.writes_sent, pairs);
    if (pairs && goes_on)
        goes_on = walk_held(&walk, &log, SIEVE_STALE) && walk_held(&walk, &log, SIEVE_GAP);
    free(log.items);
    return goes_on;
}
