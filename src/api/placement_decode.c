/* SPDX-License-Identifier: Apache-2.0 */
/* What a pod spec asks of a node. How much it takes is in requests.c. */
#include "bulkhead/api/node.h"
#include "bulkhead/api/template.h"

#include <stdlib.h>
#include <string.h>

static bool is_sidecar(struct json_object *container)
{
    return text_eq(json_get_text(container, "restartPolicy"), "Always");
}

/* ---- nodeSelector, affinity, tolerations, ports ---- */

static struct node_requirement *decode_requirements(struct json_object *list, size_t *ret_count)
{
    *ret_count = json_list_count(list);
    if (*ret_count == 0)
        return NULL;
    struct node_requirement *items = mem_new(*ret_count * sizeof(*items));
    for (size_t i = 0; i < *ret_count; i++) {
        struct json_object *item = json_list_at(list, i);
        items[i].key = text_copy(json_get_text(item, "key"));
        items[i].operator_ = text_copy(json_get_text(item, "operator"));
        json_get_texts(json_get_list(item, "values"), &items[i].values);
    }
    return items;
}

static void decode_affinity(struct json_object *affinity, struct placement *placement)
{
    struct json_object *required =
        json_get_object(json_get_object(affinity, "nodeAffinity"),
                        "requiredDuringSchedulingIgnoredDuringExecution");
    struct json_object *terms = json_get_list(required, "nodeSelectorTerms");
    placement->has_affinity = required != NULL;
    placement->affinity_count = json_list_count(terms);
    if (placement->affinity_count == 0)
        return;
    placement->affinity = mem_new(placement->affinity_count * sizeof(*placement->affinity));
    for (size_t i = 0; i < placement->affinity_count; i++) {
        struct json_object *item = json_list_at(terms, i);
        struct node_term *term = &placement->affinity[i];
        term->expressions =
            decode_requirements(json_get_list(item, "matchExpressions"), &term->expression_count);
        term->fields = decode_requirements(json_get_list(item, "matchFields"), &term->field_count);
    }
}

static void decode_tolerations(struct json_object *list, struct tolerations *tolerations)
{
    tolerations->count = json_list_count(list);
    if (tolerations->count == 0)
        return;
    tolerations->items = mem_new(tolerations->count * sizeof(*tolerations->items));
    for (size_t i = 0; i < tolerations->count; i++) {
        struct json_object *item = json_list_at(list, i);
        tolerations->items[i] = (struct toleration){
            .key = text_copy(json_get_text(item, "key")),
            .operator_ = text_copy(json_get_text(item, "operator")),
            .value = text_copy(json_get_text(item, "value")),
            .effect = text_copy(json_get_text(item, "effect")),
        };
    }
}

static void add_ports(struct placement *placement, struct json_object *ports, bool host_network)
{
    for (size_t i = 0; i < json_list_count(ports); i++) {
        struct json_object *item = json_list_at(ports, i);
        int64_t port = json_get_i64(item, "hostPort", 0);
        if (port == 0 && host_network) /* the API server's default */
            port = json_get_i64(item, "containerPort", 0);
        if (port <= 0 || port > 65535)
            continue;
        placement->host_ports = mem_grow(placement->host_ports, placement->host_port_count + 1,
                                         sizeof(*placement->host_ports));
        placement->host_ports[placement->host_port_count++] = (int32_t)port;
    }
}

static void decode_ports(struct json_object *spec, struct placement *placement)
{
    bool host_network = json_get_bool(spec, "hostNetwork");
    struct json_object *containers = json_get_list(spec, "containers");
    struct json_object *init = json_get_list(spec, "initContainers");
    for (size_t i = 0; i < json_list_count(containers); i++)
        add_ports(placement, json_get_list(json_list_at(containers, i), "ports"), host_network);
    for (size_t i = 0; i < json_list_count(init); i++) {
        struct json_object *container = json_list_at(init, i);
        if (is_sidecar(container))
            add_ports(placement, json_get_list(container, "ports"), host_network);
    }
}

static bool has_required(struct json_object *affinity, const char *kind)
{
    struct json_object *terms = json_get_list(json_get_object(affinity, kind),
                                              "requiredDuringSchedulingIgnoredDuringExecution");
    return json_list_count(terms) > 0;
}

static bool has_hard_spread(struct json_object *constraints)
{
    for (size_t i = 0; i < json_list_count(constraints); i++) {
        const char *when = json_get_text(json_list_at(constraints, i), "whenUnsatisfiable");
        if (when == NULL || strcmp(when, "ScheduleAnyway") != 0)
            return true;
    }
    return false;
}

static bool is_apart(struct json_object *affinity)
{
    struct json_object *terms = json_get_list(json_get_object(affinity, "podAntiAffinity"),
                                              "requiredDuringSchedulingIgnoredDuringExecution");
    for (size_t i = 0; i < json_list_count(terms); i++) {
        if (text_eq(json_get_text(json_list_at(terms, i), "topologyKey"), "kubernetes.io/hostname"))
            return true;
    }
    return false;
}

/* Whether a claim is bound already, and where, is not looked up: the scheduler knows. */
static bool has_claims(struct json_object *volumes)
{
    for (size_t i = 0; i < json_list_count(volumes); i++) {
        struct json_object *volume = json_list_at(volumes, i);
        if (json_get_object(volume, "persistentVolumeClaim") != NULL ||
            json_get_object(volume, "ephemeral") != NULL)
            return true;
    }
    return false;
}

static const char *needs_scheduler(struct json_object *spec)
{
    struct json_object *affinity = json_get_object(spec, "affinity");
    if (json_list_count(json_get_list(spec, "resourceClaims")) > 0)
        return "resourceClaims";
    if (has_required(affinity, "podAffinity"))
        return "affinity.podAffinity";
    if (has_required(affinity, "podAntiAffinity"))
        return "affinity.podAntiAffinity";
    if (has_hard_spread(json_get_list(spec, "topologySpreadConstraints")))
        return "topologySpreadConstraints";
    return has_claims(json_get_list(spec, "volumes")) ? SCHEDULER_VOLUMES : NULL;
}

int placement_decode_at(struct json_object *pod_spec, struct json_object *status,
                        const struct json_at *at, struct placement *ret_placement, struct err *err)
{
    struct resources requests = {.cpu_milli = 0};
    if (pod_requests_decode(pod_spec, status, at, &requests, err) < 0)
        return -1;
    *ret_placement = (struct placement){.requests = requests};
    json_get_key_values(json_get_object(pod_spec, "nodeSelector"), &ret_placement->node_selector);
    decode_affinity(json_get_object(pod_spec, "affinity"), ret_placement);
    decode_tolerations(json_get_list(pod_spec, "tolerations"), &ret_placement->tolerations);
    decode_ports(pod_spec, ret_placement);
    ret_placement->runtime_class = text_copy(json_get_text(pod_spec, "runtimeClassName"));
    ret_placement->has_overhead = json_first(json_get_object(pod_spec, "overhead")) != NULL;
    ret_placement->scheduler = needs_scheduler(pod_spec);
    ret_placement->apart = is_apart(json_get_object(pod_spec, "affinity"));
    return 0;
}

int placement_decode(struct json_object *pod_spec, struct placement *ret_placement, struct err *err)
{
    return placement_decode_at(pod_spec, NULL, JSON_ROOT("spec"), ret_placement, err);
}
