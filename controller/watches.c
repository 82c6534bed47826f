/* SPDX-License-Identifier: Apache-2.0 */
#include "watches.h"

#include "bulkhead/base/log.h"

#include <stdlib.h>

enum {
    AUDIT_TICKS = 300,  /* seconds between two audits; each kind's turn comes every half an hour */
    GONE_TICKS = 2,     /* all watches fail for so long: the server is gone */
    TROUBLE_TICKS = 30, /* a single watch that is back within this is not worth a line */
    WELL_TICKS = 2,     /* a watch that is open for so long is well again */
    LISTING_TICKS = 60, /* a first list that takes longer is said to go on */
};

struct slot { /* one kind */
    struct watches *watches;
    enum watched_kind kind;
    struct kube_watch *watch;
    enum kube_watch_state state;
    bool listed;        /* at least once */
    bool failing;       /* its last word was an error */
    bool told;          /* ... and the log has it */
    bool behind;        /* of a takeover: must catch up */
    bool list, listing; /* by a list: to be begun, begun */
    uint64_t version;   /* by the watch: when it has told that; 0: not by it */
    int behind_ticks;
    int failing_ticks, well_ticks;
    uint64_t repaired; /* of its statistics, as the log has it */
    char why[256];
};

struct watches {
    struct watches_options options;
    struct slot slots[WATCHED_COUNT];
    bool all_started, synced;
    bool standby, taking_over;
    bool server_gone; /* told */
    int gone_ticks;
    int ticks;
    int audit_next;
};

struct watches *watches_new(const struct watches_options *options)
{
    struct watches *watches = mem_new(sizeof(*watches));
    watches->options = *options;
    watches->standby = options->standby;
    for (size_t i = 0; i < WATCHED_COUNT; i++) {
        watches->slots[i].watches = watches;
        watches->slots[i].kind = (enum watched_kind)i;
    }
    return watches;
}

struct watches *watches_free(struct watches *watches)
{
    if (watches == NULL)
        return NULL;
    for (size_t i = 0; i < WATCHED_COUNT; i++)
        kube_watch_free(watches->slots[i].watch);
    free(watches);
    return NULL;
}

/* --------------------------------------------------------------- callbacks */

static void on_event(void *ctx, enum kube_watch_type type, struct json_object *object, bool initial)
{
    struct slot *slot = ctx;
    observe(slot->watches->options.observer, slot->kind, type, object,
            initial || slot->watches->standby);
}

static void on_listed(void *ctx)
{
    struct slot *slot = ctx;
    struct kube_watch_stats stats = kube_watch_stats(slot->watch);
    slot->listed = true;
    if (slot->listing)
        slot->behind = slot->listing = false;
    if (stats.repaired > slot->repaired)
        log_warn("the watch had not told of all changes; a list has",
                 KV("kind", watched_kind_name(slot->kind)),
                 KV_INT("changes", (int64_t)(stats.repaired - slot->repaired)));
    slot->repaired = stats.repaired;
}

static void on_state(void *ctx, enum kube_watch_state state, const struct err *err)
{
    struct slot *slot = ctx;
    slot->state = state;
    if (err != NULL) {
        slot->failing = true;
        (void)snprintf(slot->why, sizeof(slot->why), "%.*s", (int)sizeof(slot->why) - 1, err->text);
    } else if (state == KUBE_WATCH_WATCHING) {
        slot->well_ticks = 0; /* it was asked for; whether it holds shows in a moment */
    }
}

/* ---------------------------------------------------------------- starting */

static int slot_start(struct slot *slot, struct err *err)
{
    const struct kube_watch_options options = {
        .path = watched_kind_path(slot->kind),
        .label_selector = watched_kind_selector(slot->kind),
        .on_event = on_event,
        .on_synced = on_listed,
        .on_state = on_state,
        .ctx = slot,
        .random = slot->watches->options.random,
    };
    slot->watch = kube_watch_new(slot->watches->options.kube, &options, err);
    return slot->watch != NULL ? 0 : err_wrap(err, "watch %s", watched_kind_name(slot->kind));
}

int watches_start(struct watches *watches, struct err *err)
{
    return slot_start(&watches->slots[WATCHED_ARRAY_STATES], err);
}

static void start_rest(struct watches *watches)
{
    struct err err;
    watches->all_started = true;
    for (size_t i = 0; i < WATCHED_COUNT; i++)
        if (watches->slots[i].watch == NULL && slot_start(&watches->slots[i], &err) < 0)
            log_error("cannot watch", KV("why", err.text));
}

static size_t count_listed(const struct watches *watches)
{
    size_t count = 0;
    for (size_t i = 0; i < WATCHED_COUNT; i++)
        count += watches->slots[i].listed ? 1 : 0;
    return count;
}

static void forget_states(struct watches *watches)
{
    struct slot *states = &watches->slots[WATCHED_ARRAY_STATES];
    states->watch = kube_watch_free(states->watch);
}

/* A list that is under way already was begun before, and says too little. */
static void slot_catch_up(struct slot *slot)
{
    if (slot->list && slot->state != KUBE_WATCH_LISTING) {
        slot->list = false;
        slot->listing = true;
        kube_watch_relist(slot->watch);
    }
    if (slot->version > 0 && kube_watch_stats(slot->watch).resource_version >= slot->version)
        slot->behind = false;
}

static void take_over_turn(struct watches *watches)
{
    size_t behind = 0;
    for (size_t i = 0; i < WATCHED_COUNT; i++) {
        struct slot *slot = &watches->slots[i];
        if (slot->behind)
            slot_catch_up(slot);
        behind += slot->behind ? 1 : 0;
    }
    if (behind > 0)
        return;
    watches->taking_over = watches->standby = false;
    forget_states(watches);
    watches->options.on_synced(watches->options.ctx);
}

void watches_turn(struct watches *watches)
{
    if (watches->taking_over)
        take_over_turn(watches);
    if (watches->synced)
        return;
    if (!watches->all_started && watches->slots[WATCHED_ARRAY_STATES].listed)
        start_rest(watches);
    if (count_listed(watches) < WATCHED_COUNT)
        return;
    watches->synced = true;
    if (!watches->standby)
        forget_states(watches);
    watches->options.on_synced(watches->options.ctx);
}

void watches_fall_behind(struct watches *watches)
{
    watches->taking_over = true;
    for (size_t i = 0; i < WATCHED_COUNT; i++)
        watches->slots[i].behind = true;
}

void watches_catch_up(struct watches *watches, enum watched_kind kind, uint64_t version)
{
    struct slot *slot = &watches->slots[kind];
    slot->version = version;
    slot->list = version == 0;
    slot->behind_ticks = 0;
}

static void lose_patience(struct watches *watches)
{
    for (size_t i = 0; i < WATCHED_COUNT; i++) {
        struct slot *slot = &watches->slots[i];
        if (slot->behind && slot->version > 0 && ++slot->behind_ticks > STANDBY_PATIENCE_TICKS)
            watches_catch_up(watches, slot->kind, 0);
    }
}

/* ----------------------------------------------------------------- trouble */

static void tell_server(struct watches *watches, size_t running, size_t failing, const char *why)
{
    bool gone = running > 0 && failing == running;
    watches->gone_ticks = gone ? watches->gone_ticks + 1 : 0;
    if (gone && !watches->server_gone && watches->gone_ticks >= GONE_TICKS) {
        watches->server_gone = true;
        log_warn("the API server does not answer; trying on", KV("why", why));
    } else if (watches->server_gone && failing < running) {
        watches->server_gone = false;
        log_info("the API server answers again");
    }
}

static void tell_slot(struct slot *slot, bool server_gone)
{
    const char *kind = watched_kind_name(slot->kind);
    slot->failing_ticks = slot->failing && !server_gone ? slot->failing_ticks + 1 : 0;
    if (!slot->told && slot->failing_ticks > TROUBLE_TICKS) {
        slot->told = true;
        log_warn("cannot watch; trying on", KV("kind", kind), KV("why", slot->why));
    } else if (!slot->failing && slot->told) {
        slot->told = false;
        log_info("watching again", KV("kind", kind));
    }
}

static void tell_trouble(struct watches *watches)
{
    size_t running = 0;
    size_t failing = 0;
    const char *why = "";
    for (size_t i = 0; i < WATCHED_COUNT; i++) {
        struct slot *slot = &watches->slots[i];
        if (slot->watch == NULL)
            continue;
        running++;
        if (slot->state == KUBE_WATCH_WATCHING && ++slot->well_ticks >= WELL_TICKS)
            slot->failing = false;
        if (slot->failing) {
            failing++;
            why = slot->why;
        }
    }
    tell_server(watches, running, failing, why);
    for (size_t i = 0; i < WATCHED_COUNT; i++)
        if (watches->slots[i].watch != NULL)
            tell_slot(&watches->slots[i], watches->server_gone || watches->gone_ticks > 0);
}

static void audit_one(struct watches *watches)
{
    struct slot *slot = &watches->slots[watches->audit_next];
    watches->audit_next = (watches->audit_next + 1) % WATCHED_COUNT;
    if (slot->watch != NULL)
        kube_watch_relist(slot->watch);
}

void watches_tick(struct watches *watches)
{
    watches->ticks++;
    tell_trouble(watches);
    if (watches->taking_over)
        lose_patience(watches);
    if (!watches->synced && watches->ticks % LISTING_TICKS == 0) {
        AUTO_STR text = STR_EMPTY;
        watches_print(watches, &text);
        log_info("still reading the cluster", KV("left", str_text(&text)));
    }
    if (watches->synced && !watches->taking_over && watches->ticks % AUDIT_TICKS == 0)
        audit_one(watches);
}

/* ----------------------------------------------------------------- reading */

bool watches_synced(const struct watches *watches)
{
    return watches->synced;
}

bool watches_server_gone(const struct watches *watches)
{
    return watches->server_gone;
}

void watches_print(const struct watches *watches, struct str *out)
{
    if (watches->server_gone)
        str_add(out, "the API server does not answer\n");
    for (size_t i = 0; i < WATCHED_COUNT; i++) {
        const struct slot *slot = &watches->slots[i];
        const char *kind = watched_kind_name(slot->kind);
        if (slot->told && slot->watch != NULL)
            str_addf(out, "cannot watch %s: %s\n", kind, slot->why);
        else if (!watches->synced && !slot->listed)
            str_addf(out, "%s has not been listed yet\n", kind);
        else if (slot->behind)
            str_addf(out, "%s has not caught up yet\n", kind);
    }
}

const struct kube_watch *watches_at(const struct watches *watches, enum watched_kind kind)
{
    return watches->slots[kind].watch;
}

enum kube_watch_state watches_state(const struct watches *watches, enum watched_kind kind)
{
    return watches->slots[kind].state;
}
