/* SPDX-License-Identifier: Apache-2.0 */
/* placement_fuzz.c - any JSON {"spec": a pod's, "node": a Node}: selectors, affinity and taints
 * beside a slow reference that reads the same JSON by Kubernetes' rules */
#include "fuzz/fuzz.h"

#include "bulkhead/api/node.h"
#include "bulkhead/api/placement.h"
#include "bulkhead/json/get.h"

#include <errno.h>
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

/* strconv.ParseInt: a sign is fine, a space is not, nor what does not fit. */
static bool number_of(const char *text, long long *ret)
{
    char *end = NULL;
    char first = text[text[0] == '-' || text[0] == '+'];
    errno = 0;
    *ret = strtoll(text, &end, 10);
    return first >= '0' && first <= '9' && *end == '\0' && errno == 0;
}

/* One line of matchExpressions (value: the node's label) or of matchFields. */
static bool line_holds(struct json_object *line, const char *value, bool field)
{
    const char *is = json_get_text(line, "operator");
    struct json_object *values = json_get_list(line, "values");
    size_t count = 0;
    const char *only = NULL;
    bool listed = false;
    for (size_t i = 0; i < json_list_count(values); i++) {
        struct json_object *one = json_list_at(values, i);
        if (!json_object_is_type(one, json_type_string))
            continue;
        only = json_object_get_string(one);
        listed = listed || text_eq(value, only);
        count++;
    }
    if (is == NULL || (field && (count != 1 || is[0] == 'E' || is[0] == 'D')))
        return false;
    long long bound = 0, number = 0;
    bool compares = !field && count == 1 && value != NULL && number_of(only, &bound) &&
                    number_of(value, &number);
    return (strcmp(is, "In") == 0 && value != NULL && listed) ||
           (strcmp(is, "NotIn") == 0 && count > 0 && (value == NULL || !listed)) ||
           (strcmp(is, "Exists") == 0 && count == 0 && value != NULL) ||
           (strcmp(is, "DoesNotExist") == 0 && count == 0 && value == NULL) ||
           (strcmp(is, "Gt") == 0 && compares && number > bound) ||
           (strcmp(is, "Lt") == 0 && compares && number < bound);
}

static bool term_holds(struct json_object *term, struct json_object *node, const char *name)
{
    struct json_object *lines = json_get_list(term, "matchExpressions");
    struct json_object *fields = json_get_list(term, "matchFields");
    bool holds = json_list_count(lines) + json_list_count(fields) > 0;
    for (size_t i = 0; i < json_list_count(lines); i++) {
        const char *key = json_get_text(json_list_at(lines, i), "key");
        holds =
            holds && key != NULL && line_holds(json_list_at(lines, i), label_of(node, key), false);
    }
    for (size_t i = 0; i < json_list_count(fields); i++) {
        const char *key = json_get_text(json_list_at(fields, i), "key");
        holds = holds && text_eq(key, "metadata.name") &&
                line_holds(json_list_at(fields, i), name, true);
    }
    return holds;
}

/* Any of its terms; one that is there and has none matches nothing. */
static bool affinity_holds(struct json_object *spec, struct json_object *node, const char *name)
{
    struct json_object *required =
        json_get_object(json_get_object(json_get_object(spec, "affinity"), "nodeAffinity"),
                        "requiredDuringSchedulingIgnoredDuringExecution");
    struct json_object *terms = json_get_list(required, "nodeSelectorTerms");
    bool holds = required == NULL;
    for (size_t i = 0; i < json_list_count(terms); i++)
        holds = holds || term_holds(json_list_at(terms, i), node, name);
    return holds;
}

static bool is_empty(const char *text)
{
    return text == NULL || text[0] == '\0';
}

static bool tolerates(struct json_object *toleration, const struct taint *taint)
{
    const char *effect = json_get_text(toleration, "effect");
    const char *key = json_get_text(toleration, "key");
    const char *is = json_get_text(toleration, "operator");
    const char *value = json_get_text(toleration, "value");
    if ((!is_empty(effect) && !text_eq(effect, taint->effect)) ||
        (!is_empty(key) && !text_eq(key, taint->key)))
        return false;
    if (!is_empty(is) && strcmp(is, "Equal") != 0)
        return strcmp(is, "Exists") == 0;
    return strcmp(value != NULL ? value : "", taint->value != NULL ? taint->value : "") == 0;
}

static void check_tolerations(const struct node *node, const struct placement *placement,
                              struct json_object *spec)
{
    struct json_object *list = json_get_list(spec, "tolerations");
    for (size_t i = 0; i < node->taints.count; i++) {
        bool tolerated = false;
        for (size_t j = 0; j < json_list_count(list); j++)
            tolerated = tolerated || tolerates(json_list_at(list, j), &node->taints.items[i]);
        MUST(taint_tolerated(&node->taints.items[i], &placement->tolerations) == tolerated);
    }
    struct tolerations none = {NULL, 0};
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
    struct json_object *raw = json_get_object(doc, "node");
    MUST(matches == (selector_holds(spec, raw) && affinity_holds(spec, raw, node->meta.name)));
    check_tolerations(node, &placement, spec);
    check_copy(&placement);
    placement_done(&placement);
    return 0;
}
