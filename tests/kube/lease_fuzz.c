/* SPDX-License-Identifier: Apache-2.0 */
/* lease_fuzz.c - any JSON as the Lease that a server shows: what is read of it is within bounds,
 * and what we write keeps all that is not ours to say */
#include "fuzz/fuzz.h"

#include "../../src/kube/lease_record.h"

#include "bulkhead/base/str.h"
#include "bulkhead/json/get.h"

#include <json-c/linkhash.h>
#include <string.h>

static const char *const ours_of_spec[] = {"holderIdentity", "leaseDurationSeconds", "renewTime",
                                           "acquireTime",    "leaseTransitions",     NULL};
static const char *const ours_of_metadata[] = {"name", "namespace", NULL};
static const char *const ours_of_all[] = {"apiVersion", "kind", "metadata", "spec", NULL};

/* As texts: json-c takes NaN for a number, and that is not equal to itself. */
static bool equal(struct json_object *a, struct json_object *b)
{
    return strcmp(json_object_to_json_string(a), json_object_to_json_string(b)) == 0;
}

static bool is_one_of(const char *key, const char *const names[])
{
    for (; *names != NULL; names++) {
        if (strcmp(key, *names) == 0)
            return true;
    }
    return false;
}

/* Every member of one that is not ours is in the other, and the same. */
static void check_in(struct json_object *one, struct json_object *other, const char *const ours[])
{
    for (struct lh_entry *entry = json_object_get_object(one)->head; entry != NULL;
         entry = lh_entry_next(entry)) {
        struct json_object *kept = NULL;
        const char *key = lh_entry_k(entry);
        MUST(is_one_of(key, ours) || (json_object_object_get_ex(other, key, &kept) &&
                                      equal((struct json_object *)lh_entry_v(entry), kept)));
    }
}

static void check_kept(struct json_object *before, struct json_object *after,
                       const char *const ours[])
{
    if (!json_object_is_type(before, json_type_object))
        return;
    check_in(before, after, ours);
    check_in(after, before, ours);
}

static struct json_object *member(struct json_object *object, const char *key)
{
    struct json_object *found = NULL;
    json_object_object_get_ex(object, key, &found);
    return found;
}

static void check_next(struct json_object *object, const char *holder, bool taken)
{
    const struct lease_claim claim = {"system", "bulkhead", holder,
                                      taken,    15000,      1767225600000000000};
    AUTO(json_object) next = lease_record_next(object, &claim);
    bool ours = holder[0] != '\0';
    int64_t before = lease_record_transitions(object), after = lease_record_transitions(next);
    MUST(lease_record_is(next) && strcmp(lease_record_holder(next), holder) == 0);
    MUST(lease_record_duration_ms(next, 0) == (ours ? 15000 : 1000));
    bool counts = taken && ours && lease_record_is(object) && before < LEASE_TRANSITIONS_MAX;
    MUST(after == before + (counts ? 1 : 0));
    struct json_object *renewed = member(member(next, "spec"), "renewTime");
    MUST(strcmp(json_object_get_string(renewed), "2026-01-01T00:00:00.000000Z") == 0);
    if (!lease_record_is(object))
        return;
    check_kept(object, next, ours_of_all);
    check_kept(member(object, "metadata"), member(next, "metadata"), ours_of_metadata);
    check_kept(member(object, "spec"), member(next, "spec"), ours_of_spec);
    /* A write without the version that was read would be one without its precondition. */
    MUST(lease_record_same(object, object) == lease_record_same(object, next));
    struct json_object *acquired = member(member(next, "spec"), "acquireTime");
    if (!taken || !ours)
        MUST(equal(acquired, member(member(object, "spec"), "acquireTime")));
}

FUZZ(data, size)
{
    struct err err = {0};
    AUTO(json_object) object = NULL;
    if (json_parse((const char *)data, size, &object, &err) < 0)
        return 0;
    MUST(lease_record_holder(object) != NULL);
    int64_t duration_ms = lease_record_duration_ms(object, -7);
    MUST(duration_ms == -7 || (duration_ms >= 1000 && duration_ms <= LEASE_DURATION_S_MAX * 1000));
    MUST(lease_record_transitions(object) >= 0);
    MUST(lease_record_transitions(object) <= LEASE_TRANSITIONS_MAX);
    MUST(!lease_record_same(object, NULL) && !lease_record_same(NULL, object));
    check_next(object, "we", true);
    check_next(object, "we", false);
    check_next(object, "", false);
    return 0;
}
