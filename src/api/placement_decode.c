/* SPDX-License-Identifier: Apache-2.0 */
/* What a pod spec asks of a node.
 *
 * Requests are those of k8s.io/component-helpers/resource.PodRequests:
 *   sum of containers, and of the sidecars (init containers with restartPolicy Always);
 *   or, per resource, the largest init container plus the sidecars started before it, if more;
 *   a pod-level request replaces that for cpu, memory and huge pages;
 *   overhead on top.
 * A missing request is the limit, as the API server's defaults have it. Of a resized pod the
 * larger of spec and status counts: until the kubelet has acted both may be true. */
#include "bulkhead/api/node.h"
#include "bulkhead/api/template.h"
#include "bulkhead/base/quantity.h"

#include <stdlib.h>
#include <string.h>

/* What is wrong is kept in err when there is a path to tell it with, and passed over otherwise. */
static int complain(const struct json_at *at, struct json_object *value, struct err *err,
                    const char *what)
{
    return at != NULL ? json_fail_value(at, value, err, "%s", what) : 0;
}

static int set_amount(struct resources *to, const char *name, struct json_object *value,
                      const struct json_at *at, struct err *err)
{
    bool number = json_object_is_type(value, json_type_string) ||
                  json_object_is_type(value, json_type_int) ||
                  json_object_is_type(value, json_type_double);
    bool cpu = strcmp(name, "cpu") == 0;
    const char *text = number ? json_object_get_string(value) : "";
    int64_t amount = 0;
    if ((cpu ? quantity_milli(text, &amount, NULL) : quantity_value(text, &amount, NULL)) < 0)
        return complain(at, value, err, "not a quantity");
    if (amount < 0)
        return complain(at, value, err, "expected 0 or more");
    if (cpu)
        to->cpu_milli = amount;
    else if (strcmp(name, "memory") == 0)
        to->memory_bytes = amount;
    else if (strcmp(name, "ephemeral-storage") == 0)
        to->ephemeral_bytes = amount;
    else if (strcmp(name, "pods") == 0)
        to->pods = amount;
    else if (resources_set_extended(to, name, amount, NULL) < 0)
        return complain(at, value, err, "more extended resources than bulkhead keeps");
    return 0;
}

static int set_amounts(struct json_object *map, const struct json_at *at, struct resources *to,
                       struct err *err)
{
    for (const struct lh_entry *m = json_first(map); m != NULL; m = m->next) {
        const struct json_at here = {at, json_key(m), 0};
        if (set_amount(to, json_key(m), json_value(m), at != NULL ? &here : NULL, err) < 0)
            return -1;
    }
    return 0;
}

/* A child path on the stack, or NULL in a walk that tells nobody. */
#define BELOW(at, key) ((at) != NULL ? JSON_AT((at), (key)) : NULL)
#define BELOW_ITEM(at, index) ((at) != NULL ? JSON_ITEM((at), (index)) : NULL)

/* Limits first, then requests over them: where a request is missing the limit stays. */
static int container_requests(struct json_object *container, const struct json_at *at,
                              struct resources *ret, struct err *err)
{
    struct json_object *resources = json_get_object(container, "resources");
    const struct json_at *here = BELOW(at, "resources");
    if (resources == NULL)
        return 0;
    if (set_amounts(json_get_object(resources, "limits"), BELOW(here, "limits"), ret, err) < 0)
        return -1;
    return set_amounts(json_get_object(resources, "requests"), BELOW(here, "requests"), ret, err);
}

static struct json_object *status_of(struct json_object *statuses, const char *name)
{
    for (size_t i = 0; name != NULL && i < json_list_count(statuses); i++) {
        struct json_object *status = json_list_at(statuses, i);
        if (text_eq(json_get_text(status, "name"), name))
            return status;
    }
    return NULL;
}

static void max_with_map(struct resources *sum, struct json_object *map)
{
    struct resources other = {0};
    if (map == NULL)
        return;
    (void)set_amounts(map, NULL, &other, NULL);
    resources_max(sum, &other);
    resources_done(&other);
}

static void max_with_status(struct resources *sum, struct json_object *container,
                            struct json_object *statuses)
{
    struct json_object *status = status_of(statuses, json_get_text(container, "name"));
    if (status == NULL)
        return;
    max_with_map(sum, json_get_object(status, "allocatedResources"));
    max_with_map(sum, json_get_object(json_get_object(status, "resources"), "requests"));
}

static bool is_sidecar(struct json_object *container)
{
    return text_eq(json_get_text(container, "restartPolicy"), "Always");
}

struct sums {
    struct resources all;      /* containers and sidecars */
    struct resources sidecars; /* those seen so far */
    struct resources init;     /* the most that starting up needs */
};

static void sums_done(struct sums *sums)
{
    resources_done(&sums->all);
    resources_done(&sums->sidecars);
    resources_done(&sums->init);
}

static void add_init(struct sums *sums, struct json_object *container,
                     const struct resources *requests)
{
    struct resources now = {0};
    if (is_sidecar(container)) {
        resources_add(&sums->all, requests);
        resources_add(&sums->sidecars, requests);
        resources_max(&sums->init, &sums->sidecars);
        return;
    }
    resources_copy(&now, requests);
    resources_add(&now, &sums->sidecars);
    resources_max(&sums->init, &now);
    resources_done(&now);
}

static int add_containers(struct sums *sums, struct json_object *list, struct json_object *statuses,
                          bool init, const struct json_at *at, struct err *err)
{
    int result = 0;
    for (size_t i = 0; result == 0 && i < json_list_count(list); i++) {
        struct json_object *container = json_list_at(list, i);
        struct resources requests = {0};
        result = container_requests(container, BELOW_ITEM(at, i), &requests, err);
        if (result == 0 && statuses != NULL && (!init || is_sidecar(container)))
            max_with_status(&requests, container, statuses);
        if (result == 0 && init)
            add_init(sums, container, &requests);
        else if (result == 0)
            resources_add(&sums->all, &requests);
        resources_done(&requests);
    }
    return result;
}

static bool pod_level(const char *name)
{
    return strcmp(name, "cpu") == 0 || strcmp(name, "memory") == 0 ||
           text_starts(name, "hugepages-");
}

/* Where the pod names no request but a limit: containers that ask for the resource have said it
 * already, except for huge pages, which are never more than the limit. */
static bool limit_applies(const struct resources *sum, struct json_object *requests,
                          const char *name)
{
    if (!pod_level(name) || json_get(requests, name) != NULL)
        return false;
    return resources_get(sum, name) == 0 || text_starts(name, "hugepages-");
}

static int pod_level_requests(struct json_object *resources, const struct json_at *at,
                              struct resources *sum, struct err *err)
{
    struct json_object *requests = json_get_object(resources, "requests");
    struct json_object *limits = json_get_object(resources, "limits");
    for (const struct lh_entry *m = json_first(limits); m != NULL; m = m->next) {
        const struct json_at *here = BELOW(BELOW(at, "limits"), json_key(m));
        if (limit_applies(sum, requests, json_key(m)) &&
            set_amount(sum, json_key(m), json_value(m), here, err) < 0)
            return -1;
    }
    for (const struct lh_entry *m = json_first(requests); m != NULL; m = m->next) {
        const struct json_at *here = BELOW(BELOW(at, "requests"), json_key(m));
        if (pod_level(json_key(m)) && set_amount(sum, json_key(m), json_value(m), here, err) < 0)
            return -1;
    }
    return 0;
}

static int sum_requests(struct json_object *spec, struct json_object *status,
                        const struct json_at *at, struct sums *sums, struct err *err)
{
    struct resources overhead = {0};
    if (add_containers(sums, json_get_list(spec, "containers"),
                       json_get_list(status, "containerStatuses"), false, BELOW(at, "containers"),
                       err) < 0)
        return -1;
    if (add_containers(sums, json_get_list(spec, "initContainers"),
                       json_get_list(status, "initContainerStatuses"), true,
                       BELOW(at, "initContainers"), err) < 0)
        return -1;
    resources_max(&sums->all, &sums->init);
    if (pod_level_requests(json_get_object(spec, "resources"), BELOW(at, "resources"), &sums->all,
                           err) < 0)
        return -1;
    int result =
        set_amounts(json_get_object(spec, "overhead"), BELOW(at, "overhead"), &overhead, err);
    resources_add(&sums->all, &overhead);
    resources_done(&overhead);
    return result;
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

static const char *find_unsupported(struct json_object *spec)
{
    struct json_object *affinity = json_get_object(spec, "affinity");
    if (json_list_count(json_get_list(spec, "resourceClaims")) > 0)
        return "resourceClaims: bulkhead places pods without the scheduler and does not allocate "
               "devices for resource claims yet";
    if (has_required(affinity, "podAffinity"))
        return "affinity.podAffinity: bulkhead does not place by required affinity between pods "
               "yet; use nodeSelector, or make it preferred";
    if (has_required(affinity, "podAntiAffinity"))
        return "affinity.podAntiAffinity: bulkhead does not place by required anti-affinity "
               "between pods yet; make it preferred";
    if (has_hard_spread(json_get_list(spec, "topologySpreadConstraints")))
        return "topologySpreadConstraints: bulkhead does not place by topology spread yet; use "
               "whenUnsatisfiable ScheduleAnyway";
    return NULL;
}

int placement_decode_at(struct json_object *pod_spec, struct json_object *status,
                        const struct json_at *at, struct placement *ret_placement, struct err *err)
{
    struct sums sums = {0};
    if (sum_requests(pod_spec, status, at, &sums, err) < 0) {
        sums_done(&sums);
        return -1;
    }
    *ret_placement = (struct placement){.requests = sums.all};
    sums.all = (struct resources){0};
    sums_done(&sums);
    ret_placement->requests.pods = 1;
    json_get_key_values(json_get_object(pod_spec, "nodeSelector"), &ret_placement->node_selector);
    decode_affinity(json_get_object(pod_spec, "affinity"), ret_placement);
    decode_tolerations(json_get_list(pod_spec, "tolerations"), &ret_placement->tolerations);
    decode_ports(pod_spec, ret_placement);
    ret_placement->unsupported = text_copy(find_unsupported(pod_spec));
    return 0;
}

int placement_decode(struct json_object *pod_spec, struct placement *ret_placement, struct err *err)
{
    return placement_decode_at(pod_spec, NULL, JSON_ROOT("spec"), ret_placement, err);
}
