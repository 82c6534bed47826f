/* SPDX-License-Identifier: Apache-2.0 */
/* Matching, copying and comparing. Decoding is in placement_decode.c.
 *
 * The rules are those of k8s.io/component-helpers/scheduling/corev1: a requirement that does not
 * parse (Gt with two values, an unknown operator) makes its term match nothing; an empty term
 * matches nothing; NotIn and DoesNotExist hold for nodes without the label. */
#include "bulkhead/api/placement.h"

#include "bulkhead/base/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- matching ---- */

bool taint_tolerated(const struct taint *taint, const struct tolerations *tolerations)
{
    for (size_t i = 0; i < tolerations->count; i++) {
        const struct toleration *t = &tolerations->items[i];
        if (t->effect != NULL && !text_eq(t->effect, taint->effect))
            continue;
        if (t->key != NULL && strcmp(t->key, taint->key) != 0)
            continue;
        if (text_eq(t->operator_, "Exists"))
            return true;
        if (t->operator_ != NULL && strcmp(t->operator_, "Equal") != 0)
            continue;
        if (strcmp(t->value != NULL ? t->value : "", taint->value != NULL ? taint->value : "") == 0)
            return true;
    }
    return false;
}

const struct taint *taints_blocking(const struct taints *taints,
                                    const struct tolerations *tolerations, const char *ignore_key)
{
    for (size_t i = 0; i < taints->count; i++) {
        const struct taint *taint = &taints->items[i];
        if (!text_eq(taint->effect, "NoSchedule") && !text_eq(taint->effect, "NoExecute"))
            continue;
        if (ignore_key != NULL && strcmp(taint->key, ignore_key) == 0)
            continue;
        if (!taint_tolerated(taint, tolerations))
            return taint;
    }
    return NULL;
}

/* As strconv.ParseInt(text, 10, 64): a sign is fine, a space is not. */
static bool parse_integer(const char *text, int64_t *ret_number)
{
    const char *digits = text[0] == '-' || text[0] == '+' ? text + 1 : text;
    if (digits[0] == '\0' || strspn(digits, "0123456789") != strlen(digits))
        return false;
    errno = 0;
    *ret_number = strtoll(text, NULL, 10);
    return errno == 0;
}

static bool compares(const struct node_requirement *want, const char *value)
{
    int64_t bound = 0, number = 0;
    if (want->values.count != 1 || !parse_integer(want->values.items[0], &bound))
        return false;
    if (value == NULL || !parse_integer(value, &number))
        return false;
    return want->operator_[0] == 'G' ? number > bound : number < bound;
}

static bool is_one_of(const struct text_list *values, const char *value)
{
    for (size_t i = 0; i < values->count; i++) {
        if (strcmp(values->items[i], value) == 0)
            return true;
    }
    return false;
}

/* value NULL: the node has no such label. */
static bool requirement_holds(const struct node_requirement *want, const char *value)
{
    if (text_eq(want->operator_, "In"))
        return value != NULL && is_one_of(&want->values, value);
    if (text_eq(want->operator_, "NotIn"))
        return want->values.count > 0 && (value == NULL || !is_one_of(&want->values, value));
    if (text_eq(want->operator_, "Exists"))
        return want->values.count == 0 && value != NULL;
    if (text_eq(want->operator_, "DoesNotExist"))
        return want->values.count == 0 && value == NULL;
    if (text_eq(want->operator_, "Gt") || text_eq(want->operator_, "Lt"))
        return compares(want, value);
    return false;
}

static bool field_holds(const struct node_requirement *want, const char *node_name)
{
    if (!text_eq(want->key, "metadata.name") || want->values.count != 1)
        return false;
    bool equal = strcmp(want->values.items[0], node_name) == 0;
    if (text_eq(want->operator_, "In"))
        return equal;
    return text_eq(want->operator_, "NotIn") && !equal;
}

static bool term_matches(const struct node_term *term, const char *node_name,
                         const struct key_values *labels)
{
    if (term->expression_count == 0 && term->field_count == 0)
        return false;
    for (size_t i = 0; i < term->expression_count; i++) {
        const struct node_requirement *want = &term->expressions[i];
        if (want->key == NULL || !requirement_holds(want, key_values_get(labels, want->key)))
            return false;
    }
    for (size_t i = 0; i < term->field_count; i++) {
        if (!field_holds(&term->fields[i], node_name))
            return false;
    }
    return true;
}

bool placement_matches(const struct placement *placement, const char *node_name,
                       const struct key_values *labels)
{
    for (size_t i = 0; i < placement->node_selector.count; i++) {
        const struct key_value *want = &placement->node_selector.items[i];
        const char *value = key_values_get(labels, want->key);
        if (value == NULL || !text_eq(value, want->value))
            return false;
    }
    if (!placement->has_affinity)
        return true;
    for (size_t i = 0; i < placement->affinity_count; i++) {
        if (term_matches(&placement->affinity[i], node_name, labels))
            return true;
    }
    return false;
}

/* ---- lifetime ---- */

void taints_done(struct taints *taints)
{
    for (size_t i = 0; i < taints->count; i++) {
        free(taints->items[i].key);
        free(taints->items[i].value);
        free(taints->items[i].effect);
    }
    free(taints->items);
    *taints = (struct taints){NULL, 0};
}

void tolerations_done(struct tolerations *tolerations)
{
    for (size_t i = 0; i < tolerations->count; i++) {
        free(tolerations->items[i].key);
        free(tolerations->items[i].operator_);
        free(tolerations->items[i].value);
        free(tolerations->items[i].effect);
    }
    free(tolerations->items);
    *tolerations = (struct tolerations){NULL, 0};
}

static void requirements_done(struct node_requirement *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(items[i].key);
        free(items[i].operator_);
        text_list_done(&items[i].values);
    }
    free(items);
}

void placement_done(struct placement *placement)
{
    resources_done(&placement->requests);
    key_values_done(&placement->node_selector);
    for (size_t i = 0; i < placement->affinity_count; i++) {
        requirements_done(placement->affinity[i].expressions,
                          placement->affinity[i].expression_count);
        requirements_done(placement->affinity[i].fields, placement->affinity[i].field_count);
    }
    free(placement->affinity);
    tolerations_done(&placement->tolerations);
    free(placement->host_ports);
    free(placement->runtime_class);
    *placement = (struct placement){0};
}

static struct node_requirement *requirements_copy(const struct node_requirement *from, size_t count)
{
    if (count == 0)
        return NULL;
    struct node_requirement *to = mem_new(count * sizeof(*to));
    for (size_t i = 0; i < count; i++) {
        to[i].key = text_copy(from[i].key);
        to[i].operator_ = text_copy(from[i].operator_);
        for (size_t j = 0; j < from[i].values.count; j++)
            text_list_add(&to[i].values, from[i].values.items[j]);
    }
    return to;
}

static void affinity_copy(struct placement *to, const struct placement *from)
{
    to->has_affinity = from->has_affinity;
    to->affinity_count = from->affinity_count;
    if (from->affinity_count == 0)
        return;
    to->affinity = mem_new(from->affinity_count * sizeof(*to->affinity));
    for (size_t i = 0; i < from->affinity_count; i++) {
        const struct node_term *term = &from->affinity[i];
        to->affinity[i] = (struct node_term){
            .expressions = requirements_copy(term->expressions, term->expression_count),
            .expression_count = term->expression_count,
            .fields = requirements_copy(term->fields, term->field_count),
            .field_count = term->field_count,
        };
    }
}

static void tolerations_add(struct tolerations *to, const struct tolerations *from)
{
    if (from->count == 0)
        return;
    to->items = mem_grow(to->items, to->count + from->count, sizeof(*to->items));
    for (size_t i = 0; i < from->count; i++)
        to->items[to->count++] = (struct toleration){
            text_copy(from->items[i].key),
            text_copy(from->items[i].operator_),
            text_copy(from->items[i].value),
            text_copy(from->items[i].effect),
        };
}

void placement_copy(struct placement *to, const struct placement *from)
{
    *to = (struct placement){0};
    resources_copy(&to->requests, &from->requests);
    for (size_t i = 0; i < from->node_selector.count; i++)
        key_values_set(&to->node_selector, from->node_selector.items[i].key,
                       from->node_selector.items[i].value);
    affinity_copy(to, from);
    tolerations_add(&to->tolerations, &from->tolerations);
    if (from->host_port_count > 0) {
        to->host_ports = mem_new(from->host_port_count * sizeof(*to->host_ports));
        memcpy(to->host_ports, from->host_ports, from->host_port_count * sizeof(*to->host_ports));
        to->host_port_count = from->host_port_count;
    }
    to->runtime_class = text_copy(from->runtime_class);
    to->has_overhead = from->has_overhead;
    to->scheduler = from->scheduler;
    to->apart = from->apart;
}

void placement_add_runtime(struct placement *to, const struct placement *adds)
{
    const int64_t pods = to->requests.pods;
    if (!to->has_overhead)
        resources_add(&to->requests, &adds->requests);
    to->requests.pods = pods;
    for (size_t i = 0; i < adds->node_selector.count; i++) {
        const struct key_value *pair = &adds->node_selector.items[i];
        if (key_values_get(&to->node_selector, pair->key) == NULL)
            key_values_set(&to->node_selector, pair->key, pair->value);
    }
    tolerations_add(&to->tolerations, &adds->tolerations);
}

/* ---- equality ---- */

/* Two placements are equal when their canonical texts are: one walk serves hashing and comparing,
 * so that they cannot disagree. Each text goes with its length, so no two differ by a boundary. */
static void add_text(struct str *out, const char *text)
{
    if (text == NULL)
        str_add(out, "-;");
    else
        str_addf(out, "%zu:%s;", strlen(text), text);
}

static void add_number(struct str *out, int64_t number)
{
    str_addf(out, "%lld;", (long long)number);
}

static void add_requirements(struct str *out, const struct node_requirement *items, size_t count)
{
    add_number(out, (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        add_text(out, items[i].key);
        add_text(out, items[i].operator_);
        add_number(out, (int64_t)items[i].values.count);
        for (size_t j = 0; j < items[i].values.count; j++)
            add_text(out, items[i].values.items[j]);
    }
}

static void add_requests(struct str *out, const struct resources *requests)
{
    add_number(out, requests->cpu_milli);
    add_number(out, requests->memory_bytes);
    add_number(out, requests->ephemeral_bytes);
    add_number(out, requests->pods);
    add_number(out, (int64_t)requests->extended_count);
    for (size_t i = 0; i < requests->extended_count; i++) {
        add_text(out, requests->extended[i].name);
        add_number(out, requests->extended[i].amount);
    }
}

static void add_tolerations(struct str *out, const struct tolerations *tolerations)
{
    add_number(out, (int64_t)tolerations->count);
    for (size_t i = 0; i < tolerations->count; i++) {
        add_text(out, tolerations->items[i].key);
        add_text(out, tolerations->items[i].operator_);
        add_text(out, tolerations->items[i].value);
        add_text(out, tolerations->items[i].effect);
    }
}

static void canonical(const struct placement *placement, struct str *out)
{
    add_requests(out, &placement->requests);
    add_number(out, (int64_t)placement->node_selector.count);
    for (size_t i = 0; i < placement->node_selector.count; i++) {
        add_text(out, placement->node_selector.items[i].key);
        add_text(out, placement->node_selector.items[i].value);
    }
    add_number(out, placement->has_affinity);
    add_number(out, (int64_t)placement->affinity_count);
    for (size_t i = 0; i < placement->affinity_count; i++) {
        const struct node_term *term = &placement->affinity[i];
        add_requirements(out, term->expressions, term->expression_count);
        add_requirements(out, term->fields, term->field_count);
    }
    add_tolerations(out, &placement->tolerations);
    add_number(out, (int64_t)placement->host_port_count);
    for (size_t i = 0; i < placement->host_port_count; i++)
        add_number(out, placement->host_ports[i]);
    add_text(out, placement->runtime_class);
    add_number(out, placement->has_overhead);
    add_text(out, placement->scheduler);
    add_number(out, placement->apart);
}

uint64_t placement_hash(const struct placement *placement)
{
    AUTO_STR text = STR_EMPTY;
    canonical(placement, &text);
    return hash_bytes(text.data, text.size, 0);
}

bool placement_equal(const struct placement *a, const struct placement *b)
{
    AUTO_STR text_a = STR_EMPTY;
    AUTO_STR text_b = STR_EMPTY;
    canonical(a, &text_a);
    canonical(b, &text_b);
    return text_eq(str_text(&text_a), str_text(&text_b));
}
