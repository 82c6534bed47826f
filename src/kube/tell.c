/* SPDX-License-Identifier: Apache-2.0 */
/* tell.c - turns what a list or a watch shows into events, each told once: see the header */
#include "tell.h"

#include "json_doc.h"

#include <stdlib.h>

void tell_init(struct tell *tell, const struct kube_watch_options *options)
{
    *tell = (struct tell){.known = map_new(),
                          .objects_max = options->objects_max,
                          .on_event = options->on_event,
                          .ctx = options->ctx};
}

void tell_done(struct tell *tell)
{
    tell->known = known_free(tell->known);
    str_done(&tell->identity.key);
}

static void tell_event(struct tell *tell, enum kube_watch_type type, struct json_object *object,
                       bool initial)
{
    tell->stats.events++;
    tell->on_event(tell->ctx, type, object, initial);
}

static void tell_gone(struct tell *tell, const char *key, const struct known *known, bool initial)
{
    struct json_object *stub = known_stub(key, known);
    tell_event(tell, KUBE_DELETED, stub, initial);
    json_object_put(stub);
}

/* An object that is new to us, or new under its name. False: there are too many. */
static bool tell_added(struct tell *tell, struct json_object *object, bool initial)
{
    if (map_count(tell->known) >= tell->objects_max)
        return false;
    known_put(tell->known, &tell->identity, tell->round);
    tell_event(tell, KUBE_ADDED, object, initial);
    return true;
}

static bool tell_current(struct tell *tell, struct known *known, struct json_object *object,
                         bool initial)
{
    const char *key = str_text(&tell->identity.key);

    if (known != NULL && !text_eq(known->uid, tell->identity.uid)) {
        tell_gone(tell, key, known, initial);
        known_remove(tell->known, key);
        known = NULL;
    }
    if (known == NULL)
        return tell_added(tell, object, initial);
    known->rv = tell->identity.rv;
    known->round = tell->round;
    tell_event(tell, KUBE_MODIFIED, object, initial);
    return true;
}

bool tell_listed(struct tell *tell, struct json_object *object)
{
    if (!identity_read(object, &tell->identity)) {
        tell->stats.unusable++;
        return true;
    }
    struct known *known = map_get(tell->known, str_text(&tell->identity.key));
    if (known != NULL && known->rv == tell->identity.rv &&
        text_eq(known->uid, tell->identity.uid)) {
        known->round = tell->round;
        return true;
    }
    if (tell->identity.rv <= tell->rv_before_list && tell->list_rv >= tell->rv_before_list)
        tell->stats.repaired++;
    return tell_current(tell, known, object, true);
}

static bool take_deleted(struct tell *tell, const struct known *known, struct json_object *object)
{
    if (known == NULL || !text_eq(known->uid, tell->identity.uid) ||
        tell->identity.rv < known->rv) {
        tell->stats.stale++;
        return true;
    }
    known_remove(tell->known, str_text(&tell->identity.key));
    tell_event(tell, KUBE_DELETED, object, false);
    return true;
}

bool tell_watched(struct tell *tell, bool deleted, struct json_object *object)
{
    if (!identity_read(object, &tell->identity)) {
        tell->stats.unusable++;
        return true;
    }
    struct known *known = map_get(tell->known, str_text(&tell->identity.key));
    uint64_t seen = known != NULL ? known->rv : tell->rv, rv = tell->identity.rv;
    bool go_on = true;

    if (deleted)
        go_on = take_deleted(tell, known, object);
    else if (rv <= seen)
        tell->stats.stale++;
    else
        go_on = tell_current(tell, known, object, false);
    if (rv > tell->rv)
        tell->rv = rv;
    return go_on;
}

static void tell_vanished(struct tell *tell)
{
    const char *key;
    struct known *known;

    for (size_t i = 0; (known = map_next(tell->known, &i, &key)) != NULL;) {
        if (known->round == tell->round)
            continue;
        tell_gone(tell, key, known, true);
        AUTO_TEXT key_copy = text_copy(key); /* the map's own goes with the entry */
        known_remove(tell->known, key_copy);
    }
}

void tell_begin_list(struct tell *tell)
{
    tell->round++;
    tell->list_rv = 0;
    tell->rv_before_list = tell->rv;
}

bool tell_end_list(struct tell *tell)
{
    bool went_back = tell->list_rv < tell->rv_before_list;

    tell_vanished(tell);
    tell->stats.rv_went_back += went_back;
    tell->rv = tell->list_rv;
    tell->stats.lists++;
    tell->stats.synced = true;
    return went_back;
}
