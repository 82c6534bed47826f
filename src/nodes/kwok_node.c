/* SPDX-License-Identifier: Apache-2.0 */
#include "kwok_node.h"

#include "bulkhead/base/clock.h"
#include "bulkhead/base/map.h"
#include "bulkhead/base/quantity.h"
#include "bulkhead/json/get.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Lower case, and '-' for what a DNS label does not have. Returns whether that changed anything. */
static bool make_plain(char *text)
{
    bool changed = false;
    for (char *at = text; *at != '\0'; at++) {
        char before = *at;
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at - 'A' + 'a');
        else if (!(*at >= 'a' && *at <= 'z') && !(*at >= '0' && *at <= '9'))
            *at = '-';
        changed = changed || *at != before;
    }
    if (text[0] == '-') {
        text[0] = 'x'; /* a label begins with a letter or digit */
        changed = true;
    }
    return changed;
}

char *kwok_node_name(const char *environment, const char *token, int64_t number)
{
    AUTO_TEXT stem = text_printf("%s-%s", environment, token);
    AUTO_TEXT end = text_printf("-%" PRId64, number);
    uint64_t hash = hash_bytes(stem, strlen(stem), 0);
    if (!make_plain(stem) && strlen(stem) + strlen(end) <= KWOK_NAME_MAX)
        return text_printf("%s%s", stem, end);

    AUTO_TEXT hashed_end = text_printf("-%08" PRIx32 "%s", (uint32_t)(hash ^ hash >> 32), end);
    size_t room = KWOK_NAME_MAX - strlen(hashed_end);
    return text_printf("%.*s%s", (int)room, stem, hashed_end);
}

/* --- Writing -------------------------------------------------------------------------------------
 */

static struct json_object *add_object(struct json_object *parent, const char *key)
{
    struct json_object *child = json_object_new_object();
    json_put(parent, key, child);
    return child;
}

static void put_metadata(struct json_object *doc, const char *environment, const char *name,
                         const struct instance_type *type, const char *zone, int64_t now_ns)
{
    char text[TIME_TEXT_MAX];
    AUTO_TEXT boot_ms = text_printf("%" PRId64, type->boot_ms);
    struct json_object *metadata = add_object(doc, "metadata");
    json_put_text(metadata, "name", name);

    struct json_object *annotations = add_object(metadata, "annotations");
    json_put_text(annotations, "kwok.x-k8s.io/node", "fake");
    json_put_text(annotations, "kwok.bulkhead.dev/boot-ms", boot_ms);
    json_put_text(annotations, "kwok.bulkhead.dev/ready-at",
                  time_print_micro(now_ns + type->boot_ms * NS_PER_MS, text));

    struct json_object *labels = add_object(metadata, "labels");
    json_put_text(labels, LABEL_ENVIRONMENT, environment);
    json_put_text(labels, LABEL_INSTANCE_TYPE, type->name);
    json_put_text(labels, LABEL_INSTANCE_ID, name);
    json_put_text(labels, "kubernetes.io/arch", type->arch != NULL ? type->arch : "amd64");
    json_put_text(labels, "kubernetes.io/os", "linux");
    json_put_text(labels, "kubernetes.io/hostname", name);
    if (zone != NULL)
        json_put_text(labels, LABEL_ZONE, zone);
    json_put_text(labels, "type", "kwok");
}

static void put_taint(struct json_object *taints, const char *environment, const char *effect)
{
    struct json_object *taint = json_object_new_object();
    json_put_text(taint, "key", TAINT_ENVIRONMENT);
    json_put_text(taint, "value", environment);
    json_put_text(taint, "effect", effect);
    json_object_array_add(taints, taint);
}

static void put_spec(struct json_object *doc, const char *environment, const char *name)
{
    AUTO_TEXT provider_id = text_printf(KWOK_PROVIDER_PREFIX "%s/%s", environment, name);
    struct json_object *spec = add_object(doc, "spec"), *taints = json_object_new_array();
    json_put_text(spec, "providerID", provider_id);
    put_taint(taints, environment, "NoSchedule");
    put_taint(taints, environment, "NoExecute");
    json_put(spec, "taints", taints);
}

static void put_amount(struct json_object *amounts, const char *name, int64_t amount)
{
    AUTO_TEXT text = text_printf("%" PRId64, amount);
    if (amount > 0)
        json_put_text(amounts, name, text);
}

static void put_capacity(struct json_object *status, const char *key,
                         const struct instance_type *type)
{
    char text[QUANTITY_TEXT_MAX];
    const struct resources *capacity = &type->capacity;
    int64_t cpu_milli = capacity->cpu_milli > 0 ? capacity->cpu_milli : type->vcpus * 1000;
    struct json_object *amounts = add_object(status, key);

    json_put_text(amounts, "cpu", quantity_print_milli(cpu_milli, text));
    json_put_text(amounts, "memory", quantity_print_bytes(capacity->memory_bytes, text));
    put_amount(amounts, "pods", capacity->pods > 0 ? capacity->pods : 110);
    if (capacity->ephemeral_bytes > 0)
        json_put_text(amounts, "ephemeral-storage",
                      quantity_print_bytes(capacity->ephemeral_bytes, text));
    for (size_t i = 0; i < capacity->extended_count; i++)
        put_amount(amounts, capacity->extended[i].name, capacity->extended[i].amount);
}

char *kwok_node_text(const char *environment, const char *name, const struct instance_type *type,
                     const char *zone, int64_t now_ns)
{
    AUTO(json_object) doc = json_object_new_object();
    json_put_text(doc, "apiVersion", "v1");
    json_put_text(doc, "kind", "Node");
    put_metadata(doc, environment, name, type, zone, now_ns);
    put_spec(doc, environment, name);

    struct json_object *status = add_object(doc, "status");
    put_capacity(status, "capacity", type);
    put_capacity(status, "allocatable", type);
    struct json_object *info = add_object(status, "nodeInfo");
    json_put_text(info, "architecture", type->arch != NULL ? type->arch : "amd64");
    json_put_text(info, "operatingSystem", "linux");
    return text_copy(json_print(doc));
}

/* --- Reading -------------------------------------------------------------------------------------
 */

static bool is_ready(struct json_object *doc)
{
    struct json_object *conditions = json_get_list(json_get_object(doc, "status"), "conditions");
    for (size_t i = 0; i < json_list_count(conditions); i++) {
        struct json_object *condition = json_list_at(conditions, i);
        if (text_eq(json_get_text(condition, "type"), "Ready"))
            return text_eq(json_get_text(condition, "status"), "True");
    }
    return false;
}

static const char *id_of(struct json_object *doc, const char *environment)
{
    const char *provider_id = json_get_text(json_get_object(doc, "spec"), "providerID");
    AUTO_TEXT prefix = text_printf(KWOK_PROVIDER_PREFIX "%s/", environment);
    if (provider_id == NULL || !text_starts(provider_id, prefix))
        return NULL;
    return provider_id[strlen(prefix)] != '\0' ? provider_id + strlen(prefix) : NULL;
}

bool kwok_node_read(struct json_object *doc, const char *environment, struct kwok_node *ret_node)
{
    struct json_object *metadata = json_get_object(doc, "metadata");
    const char *name = json_get_text(metadata, "name"), *uid = json_get_text(metadata, "uid");
    const char *id = id_of(doc, environment);
    if (id == NULL || name == NULL || uid == NULL || !text_eq(id, name))
        return false;

    bool leaving = json_get_text(metadata, "deletionTimestamp") != NULL;
    struct json_object *labels = json_get_object(metadata, "labels");
    *ret_node = (struct kwok_node){.uid = text_copy(uid)};
    ret_node->instance = (struct instance){
        .id = text_copy(id),
        .node_name = text_copy(name),
        .type = text_copy(json_get_text(labels, LABEL_INSTANCE_TYPE)),
        .zone = text_copy(json_get_text(labels, LABEL_ZONE)),
        .state = leaving         ? INSTANCE_TERMINATING
                 : is_ready(doc) ? INSTANCE_RUNNING
                                 : INSTANCE_PENDING,
        .signal = instance_signal_named(
            json_get_text(json_get_object(metadata, "annotations"), KWOK_SIGNAL)),
        .launched_ns = json_get_time(metadata, "creationTimestamp"),
    };
    return true;
}

void kwok_node_done(struct kwok_node *node)
{
    free(node->instance.id);
    free(node->instance.type);
    free(node->instance.node_name);
    free(node->instance.zone);
    free(node->uid);
}

void kwok_nodes_done(struct kwok_nodes *nodes)
{
    for (size_t i = 0; i < nodes->count; i++)
        kwok_node_done(&nodes->items[i]);
    free(nodes->items);
    *nodes = (struct kwok_nodes){.items = NULL};
}
