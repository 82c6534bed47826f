/* SPDX-License-Identifier: Apache-2.0 */
/* What a pod takes of its node, exactly as Kubernetes counts it.
 *
 * Two steps of Kubernetes in one: what the API server fills in (SetDefaults_Pod) and what scheduler
 * and kubelet make of the result (k8s.io/component-helpers/resource.PodRequests, options of 1.35):
 *   a container's missing request is its limit;
 *   sum of containers, and of the sidecars (init containers with restartPolicy Always);
 *   or, per resource, the largest init container plus the sidecars started before it, if more;
 *   a pod-level request replaces that for cpu, memory and huge pages. Where the pod names only a
 *   limit, the request is what the containers ask for, or the limit where none of them asks;
 *   overhead on top.
 * Of a container that is being resized the largest of spec, allocated and actuated counts, without
 * the spec once the kubelet has called the resize infeasible.
 *
 * A resource that is there with 0 is not the same as one that is not there, and two halves of a
 * byte are one byte: so everything is kept by name, in billionths, until the end, and rounded up to
 * thousandths where the API server does so: after the pod's defaults were made of it. Only then it
 * becomes a whole number that saturates at INT64_MAX, where Kubernetes' Value() wraps around. */
#include "bulkhead/api/template.h"
#include "bulkhead/base/quantity.h"

#include <stdlib.h>
#include <string.h>

/* Different names in one pod; what a status says beyond that is passed over. */
enum { NAMES_MAX = 64, NANO_IN_MILLI = 1000000, NANO_IN_ONE = 1000000000 };

struct list { /* names are borrowed from the document */
    struct list_item {
        const char *name;
        quantity_wide nano;
    } items[NAMES_MAX];
    size_t count;
};

static struct list_item *list_find(struct list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i].name, name) == 0)
            return &list->items[i];
    }
    return NULL;
}

/* The item of that name, made with 0 if it is not there; NULL: no room for another. */
static struct list_item *list_need(struct list *list, const char *name)
{
    struct list_item *item = list_find(list, name);
    if (item != NULL || list->count == NAMES_MAX)
        return item;
    list->items[list->count] = (struct list_item){.name = name};
    return &list->items[list->count++];
}

static void list_set(struct list *list, const char *name, quantity_wide nano)
{
    struct list_item *item = list_need(list, name);
    if (item != NULL)
        item->nano = nano;
}

static void list_add(struct list *sum, const struct list *more)
{
    for (size_t i = 0; i < more->count; i++) {
        struct list_item *item = list_need(sum, more->items[i].name);
        if (item !=
            NULL) /* no overflow: an amount is below 2^93, and a template bounds the terms */
            item->nano += more->items[i].nano;
    }
}

static void list_max(struct list *most, const struct list *other)
{
    for (size_t i = 0; i < other->count; i++) {
        struct list_item *item = list_need(most, other->items[i].name);
        if (item != NULL && item->nano < other->items[i].nano)
            item->nano = other->items[i].nano;
    }
}

static quantity_wide round_up(quantity_wide nano, int64_t step)
{
    return (nano + step - 1) / step * step;
}

/* As SetDefaults_ResourceList of the API server. */
static void list_round(struct list *list)
{
    for (size_t i = 0; i < list->count; i++)
        list->items[i].nano = round_up(list->items[i].nano, NANO_IN_MILLI);
}

/* ---- reading ---- */

/* A child path on the stack, or NULL in a walk that tells nobody. */
#define BELOW(at, key) ((at) != NULL ? JSON_AT((at), (key)) : NULL)
#define BELOW_ITEM(at, index) ((at) != NULL ? JSON_ITEM((at), (index)) : NULL)

/* What is wrong is kept in err when there is a path to tell it with, and passed over otherwise. */
static int complain(const struct json_at *at, struct json_object *value, struct err *err,
                    const char *what)
{
    return at != NULL ? json_fail_value(at, value, err, "%s", what) : 0;
}

/* As Quantity.UnmarshalJSON: null is 0, numbers count as they are written, blanks around are cut.
 */
static int read_amount(struct json_object *value, quantity_wide *ret_nano)
{
    *ret_nano = 0;
    if (value == NULL)
        return 0;
    if (!json_object_is_type(value, json_type_string) &&
        !json_object_is_type(value, json_type_int) && !json_object_is_type(value, json_type_double))
        return -1;
    const char *text = json_object_get_string(value);
    text += strspn(text, " ");
    size_t size = strlen(text);
    while (size > 0 && text[size - 1] == ' ')
        size--;
    AUTO_TEXT trimmed = text_copy_n(text, size);
    return quantity_nano(trimmed, ret_nano, NULL);
}

static int read_list(struct json_object *map, const struct json_at *at, struct list *list,
                     struct err *err)
{
    for (const struct lh_entry *m = json_first(map); m != NULL; m = m->next) {
        const struct json_at member = {at, json_key(m), 0};
        const struct json_at *here = at != NULL ? &member : NULL;
        quantity_wide nano;
        const char *wrong = NULL;
        if (read_amount(json_value(m), &nano) < 0)
            wrong = "not a quantity";
        else if (nano < 0)
            wrong = "expected 0 or more";
        else if (list_need(list, json_key(m)) == NULL)
            wrong = "more different resources than bulkhead keeps";
        if (wrong == NULL)
            list_set(list, json_key(m), nano);
        else if (complain(here, json_value(m), err, wrong) < 0)
            return -1;
    }
    return 0;
}

struct demand {
    struct list requests, limits;
};

/* resources of a container or of a whole pod, as they are written. */
static int read_demand(struct json_object *resources, const struct json_at *at, struct demand *ret,
                       struct err *err)
{
    if (read_list(json_get_object(resources, "limits"), BELOW(at, "limits"), &ret->limits, err) < 0)
        return -1;
    return read_list(json_get_object(resources, "requests"), BELOW(at, "requests"), &ret->requests,
                     err);
}

static void request_limits(struct demand *demand)
{
    for (size_t i = 0; i < demand->limits.count; i++) {
        const struct list_item *limit = &demand->limits.items[i];
        if (list_find(&demand->requests, limit->name) == NULL)
            list_set(&demand->requests, limit->name, limit->nano);
    }
}

/* ---- a pod that was resized ---- */

struct resized { /* status of a pod; all NULL: only its spec is known */
    struct json_object *containers, *init_containers;
    bool infeasible;
};

static struct json_object *find_named(struct json_object *list, const char *key, const char *name)
{
    for (size_t i = 0; name != NULL && i < json_list_count(list); i++) {
        struct json_object *item = json_list_at(list, i);
        if (text_eq(json_get_text(item, key), name))
            return item;
    }
    return NULL;
}

static void read_resized(struct json_object *status, struct resized *ret)
{
    struct json_object *pending =
        find_named(json_get_list(status, "conditions"), "type", "PodResizePending");
    *ret = (struct resized){
        .containers = json_get_list(status, "containerStatuses"),
        .init_containers = json_get_list(status, "initContainerStatuses"),
        .infeasible = text_eq(json_get_text(pending, "reason"), "Infeasible"),
    };
}

static void apply_status(const struct resized *resized, struct json_object *container,
                         struct list *requests)
{
    const char *name = json_get_text(container, "name");
    struct json_object *status = find_named(resized->init_containers, "name", name);
    if (status == NULL)
        status = find_named(resized->containers, "name", name);
    struct json_object *actuated = json_get_object(status, "resources");
    if (actuated == NULL) /* a kubelet that does not report it does not resize either */
        return;
    struct list said = {.count = 0};
    if (resized->infeasible)
        requests->count = 0;
    (void)read_list(json_get_object(actuated, "requests"), NULL, &said, NULL);
    list_round(&said);
    list_max(requests, &said);
    said.count = 0;
    (void)read_list(json_get_object(status, "allocatedResources"), NULL, &said, NULL);
    list_round(&said);
    list_max(requests, &said);
}

/* ---- containers together ---- */

static bool is_sidecar(struct json_object *container)
{
    return text_eq(json_get_text(container, "restartPolicy"), "Always");
}

struct sums {
    struct list all;      /* containers and sidecars */
    struct list sidecars; /* those seen so far */
    struct list starting; /* the most that starting up needs */
};

static void sums_add(struct sums *sums, const struct list *amounts, bool init, bool sidecar)
{
    if (!init || sidecar)
        list_add(&sums->all, amounts);
    if (!init)
        return;
    struct list now = sums->sidecars;
    list_add(&now, amounts);
    list_max(&sums->starting, &now);
    if (sidecar)
        sums->sidecars = now;
}

struct totals {
    struct sums spec, limits; /* as the spec says it: what the pod's own defaults come from */
    struct sums actual;       /* as the status corrects it */
};

static int add_containers(struct totals *totals, struct json_object *list, bool init,
                          const struct resized *resized, const struct json_at *at, struct err *err)
{
    for (size_t i = 0; i < json_list_count(list); i++) {
        struct json_object *container = json_list_at(list, i);
        struct demand demand = {.requests.count = 0};
        const bool sidecar = init && is_sidecar(container);
        if (read_demand(json_get_object(container, "resources"),
                        BELOW(BELOW_ITEM(at, i), "resources"), &demand, err) < 0)
            return -1;
        request_limits(&demand);
        sums_add(&totals->spec, &demand.requests, init, sidecar);
        sums_add(&totals->limits, &demand.limits, init, sidecar);
        list_round(&demand.requests);
        if (!init || sidecar)
            apply_status(resized, container, &demand.requests);
        sums_add(&totals->actual, &demand.requests, init, sidecar);
    }
    return 0;
}

static int sum_containers(struct json_object *spec, const struct resized *resized,
                          const struct json_at *at, struct totals *totals, struct err *err)
{
    if (add_containers(totals, json_get_list(spec, "containers"), false, resized,
                       BELOW(at, "containers"), err) < 0)
        return -1;
    if (add_containers(totals, json_get_list(spec, "initContainers"), true, resized,
                       BELOW(at, "initContainers"), err) < 0)
        return -1;
    list_max(&totals->spec.all, &totals->spec.starting);
    list_max(&totals->limits.all, &totals->limits.starting);
    list_max(&totals->actual.all, &totals->actual.starting);
    return 0;
}

/* ---- the pod as a whole ---- */

static bool is_huge_pages(const char *name)
{
    return text_starts(name, "hugepages-");
}

static bool is_pod_level(const char *name)
{
    return strcmp(name, "cpu") == 0 || strcmp(name, "memory") == 0 || is_huge_pages(name);
}

/* defaultHugePagePodLimits of the API server. */
static void default_huge_pages(struct demand *pod, const struct list *containers)
{
    if (pod->limits.count == 0 && pod->requests.count == 0)
        return;
    for (size_t i = 0; i < containers->count; i++) {
        const struct list_item *limit = &containers->items[i];
        if (is_huge_pages(limit->name) && list_find(&pod->requests, limit->name) == NULL &&
            list_find(&pod->limits, limit->name) == NULL)
            list_set(&pod->limits, limit->name, limit->nano);
    }
}

/* defaultPodRequests of the API server. */
static void default_requests(struct demand *pod, const struct list *containers)
{
    if (pod->limits.count == 0)
        return;
    for (size_t i = 0; i < containers->count; i++) {
        const struct list_item *request = &containers->items[i];
        if (is_pod_level(request->name) && !is_huge_pages(request->name) &&
            list_find(&pod->requests, request->name) == NULL)
            list_set(&pod->requests, request->name, request->nano);
    }
    for (size_t i = 0; i < pod->limits.count; i++) {
        const struct list_item *limit = &pod->limits.items[i];
        if (is_pod_level(limit->name) && list_find(&pod->requests, limit->name) == NULL)
            list_set(&pod->requests, limit->name, limit->nano);
    }
}

static int add_pod_level(struct json_object *spec, const struct json_at *at, struct totals *totals,
                         struct err *err)
{
    struct demand pod = {.requests.count = 0};
    if (read_demand(json_get_object(spec, "resources"), BELOW(at, "resources"), &pod, err) < 0)
        return -1;
    default_huge_pages(&pod, &totals->limits.all);
    default_requests(&pod, &totals->spec.all);
    list_round(&pod.requests);
    for (size_t i = 0; i < pod.requests.count; i++) {
        if (is_pod_level(pod.requests.items[i].name))
            list_set(&totals->actual.all, pod.requests.items[i].name, pod.requests.items[i].nano);
    }
    struct list overhead = {.count = 0};
    if (read_list(json_get_object(spec, "overhead"), BELOW(at, "overhead"), &overhead, err) < 0)
        return -1;
    list_round(&overhead);
    list_add(&totals->actual.all, &overhead);
    return 0;
}

/* In units of so many billionths, rounded up. */
static int64_t count_of(quantity_wide nano, int64_t unit)
{
    quantity_wide count = round_up(nano, unit) / unit;
    return count > INT64_MAX ? INT64_MAX : (int64_t)count;
}

/* Resources that are there with 0 are left out: nothing is taken of them. */
static int to_resources(const struct list *list, const struct json_at *at, struct json_object *spec,
                        struct resources *ret, struct err *err)
{
    for (size_t i = 0; i < list->count; i++) {
        const char *name = list->items[i].name;
        const int64_t whole = count_of(list->items[i].nano, NANO_IN_ONE);
        if (strcmp(name, "cpu") == 0)
            ret->cpu_milli = count_of(list->items[i].nano, NANO_IN_MILLI);
        else if (strcmp(name, "memory") == 0)
            ret->memory_bytes = whole;
        else if (strcmp(name, "ephemeral-storage") == 0)
            ret->ephemeral_bytes = whole;
        else if (strcmp(name, "pods") != 0 && whole > 0 &&
                 resources_set_extended(ret, name, whole, NULL) < 0 &&
                 complain(at, spec, err, "more extended resources than bulkhead keeps") < 0)
            return -1;
    }
    return 0;
}

int pod_requests_decode(struct json_object *pod_spec, struct json_object *status,
                        const struct json_at *at, struct resources *ret_requests, struct err *err)
{
    struct totals *totals = mem_new(sizeof(*totals)); /* too large for the stack of a deep caller */
    struct resized resized;
    struct resources requests = {.pods = 1};
    read_resized(status, &resized);
    int result = sum_containers(pod_spec, &resized, at, totals, err);
    if (result == 0)
        result = add_pod_level(pod_spec, at, totals, err);
    if (result == 0)
        result = to_resources(&totals->actual.all, at, pod_spec, &requests, err);
    free(totals);
    if (result == 0)
        *ret_requests = requests;
    else
        resources_done(&requests);
    return result;
}
