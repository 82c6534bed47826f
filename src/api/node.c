/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes, DaemonSets and RuntimeClasses. Pods are in pod.c. */
#include "bulkhead/api/node.h"

#include "bulkhead/api/template.h"
#include "bulkhead/base/quantity.h"
#include "bulkhead/json/get.h"

#include <stdlib.h>
#include <string.h>

struct node *node_free(struct node *node)
{
    if (node == NULL)
        return NULL;
    object_meta_done(&node->meta);
    key_values_done(&node->labels);
    taints_done(&node->taints);
    resources_done(&node->allocatable);
    free(node->provider_id);
    free(node);
    return NULL;
}

static void decode_allocatable(struct json_object *map, struct resources *resources)
{
    for (const struct lh_entry *m = json_first(map); m != NULL; m = m->next) {
        const char *name = json_key(m);
        struct json_object *value = json_value(m);
        int64_t amount = 0;
        if (value == NULL)
            continue;
        const char *text = json_object_get_string(value);
        bool cpu = strcmp(name, "cpu") == 0;
        if ((cpu ? quantity_milli(text, &amount, NULL) : quantity_value(text, &amount, NULL)) < 0)
            continue;
        if (cpu)
            resources->cpu_milli = amount;
        else if (strcmp(name, "memory") == 0)
            resources->memory_bytes = amount;
        else if (strcmp(name, "ephemeral-storage") == 0)
            resources->ephemeral_bytes = amount;
        else if (strcmp(name, "pods") == 0)
            resources->pods = amount;
        else if (amount > 0)
            (void)resources_set_extended(resources, name, amount, NULL);
    }
}

static void decode_taints(struct json_object *list, struct taints *taints)
{
    size_t count = json_list_count(list);
    if (count == 0)
        return;
    taints->items = mem_new(count * sizeof(*taints->items));
    for (size_t i = 0; i < count; i++) {
        struct json_object *item = json_list_at(list, i);
        const char *key = json_get_text(item, "key");
        if (key == NULL)
            continue;
        taints->items[taints->count++] = (struct taint){
            .key = text_copy(key),
            .value = text_copy(json_get_text(item, "value")),
            .effect = text_copy(json_get_text(item, "effect")),
        };
    }
}

static bool condition_is_true(struct json_object *conditions, const char *type)
{
    for (size_t i = 0; i < json_list_count(conditions); i++) {
        struct json_object *item = json_list_at(conditions, i);
        if (text_eq(json_get_text(item, "type"), type))
            return text_eq(json_get_text(item, "status"), "True");
    }
    return false;
}

int node_decode(struct json_object *doc, struct node **ret_node, struct err *err)
{
    AUTO(node) node = mem_new(sizeof(*node));
    struct json_object *spec = json_get_object(doc, "spec");
    struct json_object *status = json_get_object(doc, "status");
    if (object_meta_decode(doc, &node->meta, err) < 0)
        return err_wrap(err, "node");
    json_get_key_values(json_get_object(json_get_object(doc, "metadata"), "labels"), &node->labels);
    decode_taints(json_get_list(spec, "taints"), &node->taints);
    decode_allocatable(json_get_object(status, "allocatable"), &node->allocatable);
    node->provider_id = text_copy(json_get_text(spec, "providerID"));
    node->unschedulable = json_get_bool(spec, "unschedulable");
    node->ready = condition_is_true(json_get_list(status, "conditions"), "Ready");
    *ret_node = STEAL(node);
    return 0;
}

/* ---- DaemonSets ---- */

struct daemon_set *daemon_set_free(struct daemon_set *set)
{
    if (set == NULL)
        return NULL;
    object_meta_done(&set->meta);
    placement_done(&set->placement);
    free(set);
    return NULL;
}

/* As AddOrUpdateDaemonPodTolerations of the DaemonSet controller has it. */
static void add_daemon_tolerations(struct tolerations *tolerations, bool host_network)
{
    static const struct {
        const char *key, *effect;
        bool host_network_only;
    } added[] = {
        {"node.kubernetes.io/not-ready", "NoExecute", false},
        {"node.kubernetes.io/unreachable", "NoExecute", false},
        {"node.kubernetes.io/disk-pressure", "NoSchedule", false},
        {"node.kubernetes.io/memory-pressure", "NoSchedule", false},
        {"node.kubernetes.io/pid-pressure", "NoSchedule", false},
        {"node.kubernetes.io/unschedulable", "NoSchedule", false},
        {"node.kubernetes.io/network-unavailable", "NoSchedule", true},
    };
    tolerations->items = mem_grow(tolerations->items, tolerations->count + ARRAY_LEN(added),
                                  sizeof(*tolerations->items));
    for (size_t i = 0; i < ARRAY_LEN(added); i++) {
        if (added[i].host_network_only && !host_network)
            continue;
        tolerations->items[tolerations->count++] = (struct toleration){
            .key = text_copy(added[i].key),
            .operator_ = text_copy("Exists"),
            .effect = text_copy(added[i].effect),
        };
    }
}

int daemon_set_decode(struct json_object *doc, struct daemon_set **ret_set, struct err *err)
{
    AUTO(daemon_set) set = mem_new(sizeof(*set));
    struct json_object *template_ = json_get_object(json_get_object(doc, "spec"), "template");
    struct json_object *pod_spec = json_get_object(template_, "spec");
    if (object_meta_decode(doc, &set->meta, err) < 0)
        return err_wrap(err, "daemon set");
    if (placement_decode_at(pod_spec, NULL, NULL, &set->placement, err) < 0)
        return err_wrap(err, "daemon set %s", set->meta.name);
    add_daemon_tolerations(&set->placement.tolerations, json_get_bool(pod_spec, "hostNetwork"));
    *ret_set = STEAL(set);
    return 0;
}

/* ---- RuntimeClasses ---- */

struct runtime_class *runtime_class_free(struct runtime_class *class_)
{
    if (class_ == NULL)
        return NULL;
    object_meta_done(&class_->meta);
    placement_done(&class_->adds);
    free(class_);
    return NULL;
}

/* Under other names it is what a pod spec says of the same things, so it is read as one. */
int runtime_class_decode(struct json_object *doc, struct runtime_class **ret_class, struct err *err)
{
    static const char *const scheduling_keys[] = {"nodeSelector", "tolerations"};
    AUTO(runtime_class) class_ = mem_new(sizeof(*class_));
    AUTO(json_object) spec = json_object_new_object();
    struct json_object *overhead = json_get_object(json_get_object(doc, "overhead"), "podFixed");
    struct json_object *scheduling = json_get_object(doc, "scheduling");
    if (object_meta_decode(doc, &class_->meta, err) < 0)
        return err_wrap(err, "runtime class");
    json_object_object_add(spec, "overhead", json_object_get(overhead));
    for (size_t i = 0; i < ARRAY_LEN(scheduling_keys); i++)
        json_object_object_add(spec, scheduling_keys[i],
                               json_object_get(json_get(scheduling, scheduling_keys[i])));
    if (placement_decode_at(spec, NULL, NULL, &class_->adds, err) < 0)
        return err_wrap(err, "runtime class %s", class_->meta.name);
    *ret_class = STEAL(class_);
    return 0;
}
