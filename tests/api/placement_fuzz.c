/* SPDX-License-Identifier: Apache-2.0 */
/* placement_fuzz.c - any JSON {"spec": a pod's, "node": a Node}: selectors, affinity and taints
 * beside a slow reference that reads the same JSON by Kubernetes' rules */
#include "fuzz/fuzz.h"

#include "bulkhead/api/node.h"
#include "bulkhead/api/placement.h"
#include "bulkhead/json/get.h"

#include <string.h>

static const char *label_of(struct json_object *node, const char *key)
{
    struct json_object *labels = json_get_object(json_get_object(node, "metadata"), "labels");
    struct json_object *value = json_get(labels, key);
    return value != NULL && json_object_is_type(value, json_type_string)
               ? json_object_get_string(value)
               : NULL;
}

/* nodeSelector only: every key must be there with exactly that value. */
static bool selector_holds(struct json_object *spec, struct json_object *node)
{
    struct json_object *selector = json_get_object(spec, "nodeSelector");
    for (const struct lh_entry *m = json_first(selector); m != NULL; m = m->next) {
        if (!json_object_is_type(json_value(m), json_type_string))
            continue;
        if (!text_eq(label_of(node, json_key(m)), json_object_get_string(json_value(m))))
            return false;
    }
    return true;
}

static void check_tolerations(const struct node *node, const struct placement *placement)
{
    char exists[] = "Exists";
    struct toleration all = {.operator_ = exists};
    struct tolerations every = {&all, 1};
    struct tolerations none = {NULL, 0};
    MUST(taints_blocking(&node->taints, &every, NULL) == NULL);
    const struct taint *blocking = taints_blocking(&node->taints, &placement->tolerations, NULL);
    if (blocking != NULL) { /* what more tolerations do not let through, fewer do not either */
        MUST(!taint_tolerated(blocking, &placement->tolerations));
        MUST(taints_blocking(&node->taints, &none, NULL) != NULL);
        MUST(!text_eq(blocking->effect, "PreferNoSchedule"));
    }
}

static void check_copy(const struct placement *placement)
{
    struct placement copy;
    placement_copy(&copy, placement);
    MUST(placement_equal(placement, &copy));
    MUST(placement_hash(placement) == placement_hash(&copy));
    placement_done(&copy);
}

FUZZ(data, size)
{
    struct err err = {0};
    AUTO(json_object) doc = NULL;
    if (json_parse((const char *)data, size, &doc, &err) < 0)
        return 0;
    struct json_object *spec = json_get_object(doc, "spec");
    AUTO(node) node = NULL;
    if (spec == NULL || node_decode(json_get_object(doc, "node"), &node, &err) < 0)
        return 0;
    struct placement placement;
    if (placement_decode(spec, &placement, &err) < 0) {
        MUST(err.text[0] != '\0');
        return 0;
    }
    bool matches = placement_matches(&placement, node->meta.name, &node->labels);
    bool selected = selector_holds(spec, json_get_object(doc, "node"));
    MUST(!matches || selected);
    MUST(placement.has_affinity || matches == selected);
    MUST(!placement.has_affinity || placement.affinity_count > 0 || !matches);
    check_tolerations(node, &placement);
    check_copy(&placement);
    placement_done(&placement);
    return 0;
}
