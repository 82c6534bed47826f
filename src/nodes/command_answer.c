/* SPDX-License-Identifier: Apache-2.0 */
/* command_answer.c - tables of the protocol between the controller and a node program */
#include "command_answer.h"

#include "bulkhead/base/map.h"
#include "bulkhead/json/table.h"

#include <math.h>
#include <stdlib.h>

enum { TYPES_MAX = 2000, PODS_DEFAULT = 110 };

/* --- The request ---------------------------------------------------------------------------------
 */

const char *command_verb_name(enum group_verb verb)
{
    static const char *const names[] = {
        [GROUP_TYPES] = "types",
        [GROUP_OBSERVE] = "list",
        [GROUP_LAUNCH] = "launch",
        [GROUP_TERMINATE] = "terminate",
    };
    return names[verb];
}

static struct json_object *map_of(const struct key_values *values)
{
    struct json_object *object = json_object_new_object();
    for (size_t i = 0; i < values->count; i++)
        json_put_text(object, values->items[i].key, values->items[i].value);
    return object;
}

static struct json_object *taint_of(const char *environment, const char *effect)
{
    struct json_object *taint = json_object_new_object();
    json_put_text(taint, "key", TAINT_ENVIRONMENT);
    json_put_text(taint, "value", environment);
    json_put_text(taint, "effect", effect);
    return taint;
}

static void put_launch(struct json_object *doc, const struct command_request *request)
{
    json_put_text(doc, "instanceType", request->instance_type);
    json_put_i64(doc, "count", request->count);
    json_put_text(doc, "token", request->token);
    if (request->zone != NULL)
        json_put_text(doc, "zone", request->zone);

    struct json_object *labels = json_object_new_object();
    json_put_text(labels, LABEL_ENVIRONMENT, request->environment);
    json_put_text(labels, LABEL_INSTANCE_TYPE, request->instance_type);
    if (request->zone != NULL)
        json_put_text(labels, LABEL_ZONE, request->zone);
    json_put(doc, "labels", labels);

    struct json_object *taints = json_object_new_array();
    json_object_array_add(taints, taint_of(request->environment, "NoSchedule"));
    json_object_array_add(taints, taint_of(request->environment, "NoExecute"));
    json_put(doc, "taints", taints);
}

char *command_request_text(const struct command_request *request)
{
    AUTO(json_object) doc = json_object_new_object();
    if (request->verb != GROUP_TYPES)
        json_put_text(doc, "computeEnvironment", request->environment);
    if (request->verb == GROUP_LAUNCH)
        put_launch(doc, request);
    if (request->verb == GROUP_TERMINATE) {
        struct json_object *ids = json_object_new_array();
        for (size_t i = 0; i < request->id_count; i++)
            json_object_array_add(ids, json_object_new_string(request->ids[i]));
        json_put(doc, "instances", ids);
    }
    json_put(doc, "parameters", map_of(request->parameters));
    return text_printf("%s\n", json_print(doc));
}

/* --- The answer ----------------------------------------------------------------------------------
 */

struct offer { /* an instance type as the program tells it */
    char *name, *arch;
    int64_t vcpus, memory_bytes, pods, gpus, interruption;
    double price, spot_price;
    struct text_list zones;
};
struct offers {
    struct offer *items;
    size_t count;
};

static int price_decode(struct json_object *value, const struct json_at *at, void *member,
                        struct err *err)
{
    double *price = member;
    bool number =
        json_object_is_type(value, json_type_int) || json_object_is_type(value, json_type_double);
    *price = number ? json_object_get_double(value) : -1;
    if (!isfinite(*price) || *price < 0 || *price > 1e9)
        return json_fail_value(at, value, err, "expected a price such as 0.096");
    return 0;
}
static const struct custom_field price_field = {"number", price_decode, NULL, NULL};

static const char *const arch_words[] = {"amd64", "arm64"};
static const char *const state_words[] = {
    [INSTANCE_PENDING] = "pending",
    [INSTANCE_RUNNING] = "running",
    [INSTANCE_TERMINATING] = "terminating",
    [INSTANCE_TERMINATED] = "terminated",
};
static const char *const signal_words[] = {"NONE", "REBALANCE", "INTERRUPTION"};
static const char *const error_words[] = {
    [PROVIDER_OK] = "ok", /* so that words and results line up; refused below */
    [PROVIDER_CAPACITY] = "capacity",
    [PROVIDER_AGAIN] = "again",
    [PROVIDER_INVALID] = "invalid",
};

static const struct field offer_fields[] = {
    FIELD(struct offer, name, "name", .required = true, .min = 1, .max = 63),
    FIELD(struct offer, vcpus, "vcpus", .required = true, .min = 1, .max = 100000),
    BYTES(struct offer, memory_bytes, "memory", .required = true, .min = 1),
    FIELD(struct offer, pods, "pods", .min = 1, .max = 10000, .fallback = PODS_DEFAULT),
    FIELD(struct offer, gpus, "gpus", .min = 0, .max = 1024),
    CUSTOM(struct offer, price, &price_field, "price"),
    CUSTOM(struct offer, spot_price, &price_field, "spotPrice"),
    FIELD(struct offer, interruption, "interruptionPercent", .min = 0, .max = 100, .fallback = -1),
    FIELD(struct offer, arch, "arch", WORDS(arch_words)),
    FIELD(struct offer, zones, "zones", .max = INSTANCE_ZONES_MAX, .item_max = 63),
};
static const struct object_type offer_type =
    OBJECT_TYPE(struct offer, "InstanceType", offer_fields, .open = true);

static const struct field offers_fields[] = {
    LIST(struct offers, items, count, &offer_type, "instanceTypes", .required = true,
         .max = TYPES_MAX),
};
static const struct object_type offers_type =
    OBJECT_TYPE(struct offers, "InstanceTypes", offers_fields, .open = true);

static const struct field instance_fields[] = {
    FIELD(struct instance, id, "id", .required = true, .min = 1, .max = 253),
    FIELD(struct instance, type, "instanceType", .max = 63),
    FIELD(struct instance, node_name, "nodeName", .max = 253),
    FIELD(struct instance, zone, "zone", .max = 63),
    WORD(struct instance, state, state_words, "state", .fallback = INSTANCE_PENDING),
    WORD(struct instance, signal, signal_words, "signal", .fallback = SIGNAL_NONE),
    TIME(struct instance, launched_ns, "launchedAt"),
};
static const struct object_type instance_table =
    OBJECT_TYPE(struct instance, "Instance", instance_fields, .open = true);

static const struct field error_fields[] = {
    WORD(struct command_answer, error, error_words, "kind", .required = true),
    FIELD(struct command_answer, error_message, "message", .required = true, .min = 1, .max = 400),
};
static const struct object_type error_table =
    OBJECT_TYPE(struct command_answer, "Error", error_fields, .open = true);

static const struct field answer_fields[] = {
    LIST(struct command_answer, instances.items, instances.count, &instance_table, "instances",
         .required = true, .max = INSTANCES_MAX),
    PART(&error_table, "error", .present_offset = offsetof(struct command_answer, has_error)),
};
static const struct object_type answer_table =
    OBJECT_TYPE(struct command_answer, "Answer", answer_fields, .open = true);

void command_answer_done(struct command_answer *answer)
{
    json_done(&answer_table, answer);
    for (size_t i = 0; i < answer->type_count; i++)
        instance_type_done(&answer->types[i]);
    free(answer->types);
    *answer = (struct command_answer){.types = NULL};
}

static void take_offer(struct instance_type *type, struct offer *offer)
{
    type->name = STEAL(offer->name);
    type->arch = STEAL(offer->arch);
    type->zones = offer->zones;
    offer->zones = (struct text_list){.items = NULL};
    type->vcpus = offer->vcpus;
    type->price = offer->price;
    type->spot_price = offer->spot_price;
    type->interruption = offer->interruption;
    type->available = -1;
    type->capacity.cpu_milli = offer->vcpus * 1000;
    type->capacity.memory_bytes = offer->memory_bytes;
    type->capacity.pods = offer->pods;
    if (offer->gpus > 0)
        resources_set_extended(&type->capacity, "nvidia.com/gpu", offer->gpus,
                               NULL); /* one always fits */
}

static int parse_types(struct json_object *doc, struct command_answer *answer, struct err *err)
{
    struct offers offers = {.items = NULL};
    AUTO(map) names = map_new();
    int status = json_decode(&offers_type, doc, JSON_ROOT("answer"), &offers, err);
    for (size_t i = 0; status == 0 && i < offers.count; i++) {
        if (map_put(names, offers.items[i].name, &offers) != NULL)
            status = err_set(err, ERR_AGAIN, "answer.instanceTypes[%zu]: %s is there twice", i,
                             offers.items[i].name);
    }
    if (status == 0 && offers.count > 0) {
        answer->types = mem_new(offers.count * sizeof(*answer->types));
        for (; answer->type_count < offers.count; answer->type_count++)
            take_offer(&answer->types[answer->type_count], &offers.items[answer->type_count]);
    }
    json_done(&offers_type, &offers);
    return status;
}

static int parse_instances(struct json_object *doc, struct command_answer *answer, struct err *err)
{
    AUTO(map) ids = map_new();
    if (json_decode(&answer_table, doc, JSON_ROOT("answer"), answer, err) < 0)
        return -1;
    if (answer->has_error && answer->error == PROVIDER_OK)
        return err_set(err, ERR_AGAIN,
                       "answer.error.kind: \"ok\", expected capacity, again or invalid");
    for (size_t i = 0; i < answer->instances.count; i++) {
        if (map_put(ids, answer->instances.items[i].id, answer) != NULL)
            return err_set(err, ERR_AGAIN, "answer.instances[%zu]: %s is there twice", i,
                           answer->instances.items[i].id);
    }
    return 0;
}

int command_answer_parse(enum group_verb verb, const char *text, size_t size,
                         struct command_answer *ret_answer, struct err *err)
{
    AUTO(json_object) doc = NULL;
    struct err why = {.kind = ERR_NONE};
    struct command_answer answer = {.types = NULL};
    int status = json_parse(text, size, &doc, &why);
    if (status == 0)
        status = verb == GROUP_TYPES ? parse_types(doc, &answer, &why)
                                     : parse_instances(doc, &answer, &why);
    if (status < 0) {
        command_answer_done(&answer);
        return err_set(err, ERR_AGAIN, "%s",
                       why.text); /* whatever it is, the next answer may be better */
    }
    *ret_answer = answer;
    return 0;
}
