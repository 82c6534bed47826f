/* SPDX-License-Identifier: Apache-2.0 */
#include "lease_record.h"

#include "bulkhead/base/clock.h"
#include "bulkhead/base/str.h"
#include "json_doc.h"

bool lease_record_is(const struct json_object *object)
{
    return json_object_is_type(object, json_type_object);
}

const char *lease_record_holder(struct json_object *object)
{
    const char *holder = doc_text(object, "spec.holderIdentity");
    return holder != NULL ? holder : "";
}

int64_t lease_record_transitions(struct json_object *object)
{
    int64_t count = doc_i64(object, "spec.leaseTransitions", 0);
    return count >= 0 && count <= LEASE_TRANSITIONS_MAX ? count : 0;
}

int64_t lease_record_duration_ms(struct json_object *object, int64_t otherwise_ms)
{
    int64_t promised_s = doc_i64(object, "spec.leaseDurationSeconds", 0);
    return promised_s > 0 && promised_s <= LEASE_DURATION_S_MAX ? promised_s * 1000 : otherwise_ms;
}

bool lease_record_same(struct json_object *a, struct json_object *b)
{
    const char *rv = doc_text(a, "metadata.resourceVersion");
    return rv != NULL && text_eq(rv, doc_text(b, "metadata.resourceVersion")) &&
           text_eq(doc_text(a, "metadata.uid"), doc_text(b, "metadata.uid"));
}

struct json_object *lease_record_next(struct json_object *object, const struct lease_claim *claim)
{
    struct json_object *next = NULL;
    char now[TIME_TEXT_MAX];
    bool ours = claim->holder[0] != '\0';
    int64_t transitions = lease_record_transitions(object);

    if (lease_record_is(object))
        json_object_deep_copy(object, &next, NULL);
    else
        next = json_object_new_object();
    doc_set_text(next, "apiVersion", "coordination.k8s.io/v1");
    doc_set_text(next, "kind", "Lease");
    doc_set_text(next, "metadata.name", claim->name);
    doc_set_text(next, "metadata.namespace", claim->namespace);
    doc_set_text(next, "spec.holderIdentity", claim->holder);
    doc_set(next, "spec.leaseDurationSeconds",
            json_object_new_int64(ours ? (claim->duration_ms + 999) / 1000 : 1));
    time_print_micro(claim->now_ns, now);
    doc_set_text(next, "spec.renewTime", now);
    if (ours && claim->taken) {
        doc_set_text(next, "spec.acquireTime", now);
        if (lease_record_is(object) && transitions < LEASE_TRANSITIONS_MAX)
            transitions++;
    }
    doc_set(next, "spec.leaseTransitions", json_object_new_int64(transitions));
    return next;
}
