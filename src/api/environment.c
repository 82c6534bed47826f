/* SPDX-License-Identifier: Apache-2.0 */
#include "bulkhead/api/queue.h"
#include "bulkhead/api/tables.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    VCPUS_MAX = 10000000,
    CATALOG_MAX = 512,
    SCALE_DOWN_DEFAULT_S = 60,
    PODS_DEFAULT = 110,
    BID_DEFAULT = 100
};

/* What the document says and the struct does not keep as it is said. */
struct environment_doc {
    struct compute_environment environment;
    bool has_resources, has_scaling, has_group, has_kwok, has_command;
    struct opt_i64 delay_minutes, delay_seconds, bid;
};

/* ---- the catalogue of instance types ---- */

/* A price is not money that we move: it orders instance types. Doubles are exact enough. */
static int price_decode(struct json_object *value, const struct json_at *at, void *member,
                        struct err *err)
{
    double *price = member;
    if (json_object_is_type(value, json_type_int) || json_object_is_type(value, json_type_double)) {
        *price = json_object_get_double(value);
    } else {
        const char *text =
            json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
        char *end = NULL;
        bool plain =
            text[0] != '\0' && strlen(text) <= 24 && strspn(text, "0123456789.") == strlen(text);
        *price = plain ? strtod(text, &end) : -1;
        if (plain && *end != '\0')
            *price = -1;
    }
    if (!isfinite(*price) || *price < 0 || *price > 1e9)
        return json_fail_value(at, value, err, "expected a price such as 0.096");
    return 0;
}

static struct json_object *price_encode(const void *member)
{
    const double *price = member;
    return *price > 0 ? json_object_new_double(*price) : NULL;
}
static const struct custom_field price_field = {"number-or-string", price_decode, price_encode,
                                                NULL};

#define GPU "nvidia.com/gpu"
static int gpus_decode(struct json_object *value, const struct json_at *at, void *member,
                       struct err *err)
{
    int64_t gpus = json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : -1;
    if (gpus < 0 || gpus > 1024)
        return json_fail_value(at, value, err, "expected an integer 0..1024");
    return gpus > 0 ? resources_set_extended(member, GPU, gpus, err) : 0;
}

static struct json_object *gpus_encode(const void *member)
{
    int64_t gpus = resources_get(member, GPU);
    return gpus > 0 ? json_object_new_int64(gpus) : NULL;
}

static void gpus_done(void *member)
{
    resources_done(member);
}
static const struct custom_field gpus_field = {"integer", gpus_decode, gpus_encode, gpus_done};

static const char *const arch_words[] = {"amd64", "arm64"};

static const struct field catalog_fields[] = {
    FIELD(struct instance_type, name, "name", .required = true, .max = 63,
          .format = &format_instance_type),
    FIELD(struct instance_type, vcpus, "vcpus", .required = true, .min = 1, .max = 100000),
    BYTES(struct instance_type, capacity.memory_bytes, "memory", .required = true, .min = 1),
    CUSTOM(struct instance_type, capacity, &gpus_field, "gpus"),
    FIELD(struct instance_type, capacity.pods, "pods", .min = 1, .max = 10000,
          .fallback = PODS_DEFAULT),
    CUSTOM(struct instance_type, price, &price_field, "price"),
    CUSTOM(struct instance_type, spot_price, &price_field, "spotPrice"),
    FIELD(struct instance_type, interruption, "interruptionPercent", .min = 0, .max = 100,
          .fallback = -1),
    FIELD(struct instance_type, arch, "arch", WORDS(arch_words)),
    FIELD(struct instance_type, zones, "zones", .max = INSTANCE_ZONES_MAX, .item_max = 63,
          .format = &format_instance_type),
    FIELD(struct instance_type, boot_ms, "bootSeconds", .min = 0, .max = 86400, .scale = 1000),
    FIELD(struct instance_type, available, "capacity", .min = 0, .max = 1000000, .fallback = -1),
};
static const struct object_type catalog_type =
    OBJECT_TYPE(struct instance_type, "InstanceType", catalog_fields);

void instance_type_done(struct instance_type *type)
{
    json_done(&catalog_type, type);
}

void instance_type_copy(struct instance_type *to, const struct instance_type *from)
{
    *to = *from;
    to->name = text_copy(from->name);
    to->arch = text_copy(from->arch);
    to->zones = (struct text_list){.items = NULL};
    for (size_t i = 0; i < from->zones.count; i++)
        text_list_add(&to->zones, from->zones.items[i]);
    resources_copy(&to->capacity, &from->capacity);
}

/* ---- spec ---- */

#define DOC struct environment_doc
#define E(m) environment.m

static const struct field scaling_fields[] = {
    FIELD(DOC, delay_minutes, "minScaleDownDelayMinutes", .min = 0, .max = 10080),
    FIELD(DOC, delay_seconds, "scaleDownDelaySeconds", .min = 0, .max = 604800),
};
static const struct object_type scaling_type = OBJECT_TYPE(DOC, "ScalingPolicy", scaling_fields);

static const char *const strategy_words[] = {
    [ALLOCATE_BEST_FIT] = "BEST_FIT",
    [ALLOCATE_BEST_FIT_PROGRESSIVE] = "BEST_FIT_PROGRESSIVE",
    [ALLOCATE_SPOT_CAPACITY] = "SPOT_CAPACITY_OPTIMIZED",
    [ALLOCATE_SPOT_PRICE_CAPACITY] = "SPOT_PRICE_CAPACITY_OPTIMIZED",
    [ALLOCATE_LOWEST_PRICE_PACKING] = "LOWEST_PRICE_PACKING",
};
static const char *const purchase_words[] = {"EC2", "SPOT"};

static const struct field resources_fields[] = {
    WORD(DOC, E(spot), purchase_words, "type"),
    FIELD(DOC, E(min_vcpus), "minvCpus", .min = 0, .max = VCPUS_MAX),
    FIELD(DOC, E(max_vcpus), "maxvCpus", .required = true, .min = 0, .max = VCPUS_MAX),
    WORD(DOC, E(allocation_strategy), strategy_words, "allocationStrategy",
         .fallback = ALLOCATE_BEST_FIT_PROGRESSIVE),
    FIELD(DOC, bid, "bidPercentage", .min = 1, .max = 100),
    FIELD(DOC, E(instance_types), "instanceTypes", .max = CATALOG_MAX, .item_max = 63,
          .format = &format_instance_type),
    PART(&scaling_type, "scalingPolicy", .present_offset = offsetof(DOC, has_scaling)),
};
static const struct object_type resources_type =
    OBJECT_TYPE(DOC, "ComputeResources", resources_fields);

static const struct field kwok_fields[] = {
    LIST(DOC, E(catalog), E(catalog_count), &catalog_type, "catalog", .required = true, .min = 1,
         .max = CATALOG_MAX),
};
static const struct object_type kwok_type = OBJECT_TYPE(DOC, "KwokNodeGroup", kwok_fields);

static const struct field command_fields[] = {
    FIELD(DOC, E(command_program), "program", .required = true, .max = 63,
          .format = &format_program),
    FIELD(DOC, E(command_parameters), "parameters", .max = 64),
};
static const struct object_type command_type = OBJECT_TYPE(DOC, "CommandNodeGroup", command_fields);

static const char *const provider_words[] = {
    [PROVIDER_STATIC] = "static", [PROVIDER_KWOK] = "kwok", [PROVIDER_COMMAND] = "command"};

static const struct field group_fields[] = {
    WORD(DOC, E(provider), provider_words, "provider", .required = true),
    PART(&kwok_type, "kwok", .present_offset = offsetof(DOC, has_kwok)),
    PART(&command_type, "command", .present_offset = offsetof(DOC, has_command)),
};
static const struct object_type group_type = OBJECT_TYPE(DOC, "NodeGroup", group_fields);

static const char *const managed_words[] = {"UNMANAGED", "MANAGED"};

static const struct field spec_fields[] = {
    WORD(DOC, E(managed), managed_words, "type", .required = true),
    WORD(DOC, E(enabled), state_words, "state", .fallback = 1),
    FIELD(DOC, E(namespaces), "kubernetesNamespaces", .required = true, .min = 1, .max = 64,
          .item_max = 63, .format = &format_namespace),
    PART(&resources_type, "computeResources", .present_offset = offsetof(DOC, has_resources)),
    PART(&group_type, "nodeGroup", .present_offset = offsetof(DOC, has_group)),
};

static int check_resources(const DOC *doc, const struct json_at *at, struct err *err)
{
    const struct compute_environment *e = &doc->environment;
    const struct json_at here = {at, "computeResources", 0};
    if (e->min_vcpus > e->max_vcpus)
        return json_fail(JSON_AT(&here, "minvCpus"), err,
                         "%" PRId64 ", expected at most maxvCpus (%" PRId64 ")", e->min_vcpus,
                         e->max_vcpus);
    if (doc->delay_minutes.set && doc->delay_seconds.set)
        return json_fail(
            JSON_AT(&here, "scalingPolicy"), err,
            "minScaleDownDelayMinutes and scaleDownDelaySeconds, expected one of them");
    if (!e->spot && (e->allocation_strategy == ALLOCATE_SPOT_CAPACITY ||
                     e->allocation_strategy == ALLOCATE_SPOT_PRICE_CAPACITY))
        return json_fail(JSON_AT(&here, "allocationStrategy"), err, "%s, only with type SPOT",
                         strategy_words[e->allocation_strategy]);
    if (!e->spot && doc->bid.set)
        return json_fail(JSON_AT(&here, "bidPercentage"), err, "only with type SPOT");
    return 0;
}

static int check_group(const DOC *doc, const struct json_at *at, struct err *err)
{
    const struct compute_environment *e = &doc->environment;
    const struct json_at here = {at, "nodeGroup", 0};
    if (e->managed && e->provider == PROVIDER_STATIC)
        return json_fail(JSON_AT(&here, "provider"), err,
                         "static, expected kwok or command with type MANAGED: static nodes cannot "
                         "be scaled");
    if (!e->managed && e->provider != PROVIDER_STATIC)
        return json_fail(JSON_AT(&here, "provider"), err, "%s, expected static with type UNMANAGED",
                         provider_words[e->provider]);
    if (doc->has_kwok != (e->provider == PROVIDER_KWOK))
        return json_fail(JSON_AT(&here, "kwok"), err, "%s",
                         doc->has_kwok ? "only with provider kwok" : "required with provider kwok");
    if (doc->has_command != (e->provider == PROVIDER_COMMAND))
        return json_fail(JSON_AT(&here, "command"), err, "%s",
                         doc->has_command ? "only with provider command"
                                          : "required with provider command");
    return 0;
}

static bool in_catalog(const struct compute_environment *e, const char *name, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(e->catalog[i].name, name) == 0)
            return true;
    }
    return false;
}

bool instance_type_is(const struct instance_type *type, const char *item)
{
    size_t size = strlen(item);
    const char *arch = type->arch != NULL ? type->arch : "amd64";
    return strcmp(item, "optimal") == 0 || strcmp(item, type->name) == 0 ||
           (strncmp(item, type->name, size) == 0 && type->name[size] == '.') ||
           (strcmp(item, "default_x86_64") == 0 && strcmp(arch, "amd64") == 0) ||
           (strcmp(item, "default_arm64") == 0 && strcmp(arch, "arm64") == 0);
}

static bool is_offered(const struct compute_environment *e, const char *item)
{
    for (size_t i = 0; i < e->catalog_count; i++) {
        if (instance_type_is(&e->catalog[i], item))
            return true;
    }
    return false;
}

static int check_catalog(const struct compute_environment *e, const struct json_at *at,
                         struct err *err)
{
    for (size_t i = 0; i < e->catalog_count; i++) {
        const struct json_at list = {JSON_AT(JSON_AT(at, "nodeGroup"), "kwok"), "catalog", 0};
        if (in_catalog(e, e->catalog[i].name, i))
            return json_fail(JSON_AT(JSON_ITEM(&list, i), "name"), err, "%s is there twice",
                             e->catalog[i].name);
    }
    for (size_t i = 0; e->provider == PROVIDER_KWOK && i < e->instance_types.count; i++) {
        const struct json_at list = {JSON_AT(at, "computeResources"), "instanceTypes", 0};
        if (!is_offered(e, e->instance_types.items[i]))
            return json_fail(JSON_ITEM(&list, i), err, "%s is not in nodeGroup.kwok.catalog",
                             e->instance_types.items[i]);
    }
    return 0;
}

static int check_environment(const void *object, const struct json_at *at, struct err *err)
{
    const DOC *doc = object;
    bool managed = doc->environment.managed;
    if (managed && !doc->has_resources)
        return json_fail(JSON_AT(at, "computeResources"), err, "required with type MANAGED");
    if (!managed && doc->has_resources)
        return json_fail(JSON_AT(at, "computeResources"), err, "only with type MANAGED");
    if (managed && !doc->has_group)
        return json_fail(JSON_AT(at, "nodeGroup"), err, "required with type MANAGED");
    if (check_resources(doc, at, err) < 0 || check_group(doc, at, err) < 0)
        return -1;
    return check_catalog(&doc->environment, at, err);
}

const struct object_type compute_environment_spec_type =
    OBJECT_TYPE(DOC, "ComputeEnvironmentSpec", spec_fields, .check = check_environment);

struct compute_environment *compute_environment_free(struct compute_environment *environment)
{
    if (environment == NULL)
        return NULL;
    object_meta_done(&environment->meta);
    for (size_t i = 0; i < environment->interruption_count; i++)
        free(environment->interruptions[i].type);
    free(environment->interruptions);
    /* The document begins with the environment, and owns nothing beyond it. */
    json_done(&compute_environment_spec_type,
              CONTAINER_OF(environment, struct environment_doc, environment));
    free(environment);
    return NULL;
}

static void complete(DOC *doc)
{
    struct compute_environment *e = &doc->environment;
    int64_t seconds = SCALE_DOWN_DEFAULT_S;
    if (doc->delay_minutes.set)
        seconds = doc->delay_minutes.value * 60;
    if (doc->delay_seconds.set)
        seconds = doc->delay_seconds.value;
    e->scale_down_delay_ns = seconds * NS_PER_S;
    e->bid_percentage = doc->bid.set ? doc->bid.value : BID_DEFAULT;
    for (size_t i = 0; i < e->catalog_count; i++)
        e->catalog[i].capacity.cpu_milli = e->catalog[i].vcpus * 1000;
}

static void learnt_decode(struct json_object *status, struct compute_environment *environment);

int compute_environment_decode(struct json_object *doc_json,
                               struct compute_environment **ret_environment, struct err *err)
{
    /* All of the document's struct is allocated, so that the table fits it for its whole life. */
    _Static_assert(offsetof(DOC, environment) == 0, "freed through its first member");
    DOC *doc = mem_new(sizeof(*doc));
    AUTO(compute_environment) environment = &doc->environment;
    if (object_meta_decode(doc_json, &environment->meta, err) < 0)
        return err_wrap(err, "compute environment");
    if (json_decode(&compute_environment_spec_type, json_get(doc_json, "spec"), JSON_ROOT("spec"),
                    doc, err) < 0)
        return -1;
    complete(doc);
    environment->observed_generation =
        json_get_i64(json_get_object(doc_json, "status"), "observedGeneration", 0);
    environment_cost_decode(json_get(json_get_object(doc_json, "status"), "cost"),
                            &environment->cost);
    learnt_decode(json_get_object(doc_json, "status"), environment);
    *ret_environment = STEAL(environment);
    return 0;
}

/* ---- status ---- */

struct environment_status_doc {
    struct compute_environment_status status;
    char *word, *reason;
    struct condition_list conditions;
};

static const char *const status_words[] = {"VALID", "INVALID", "UPDATING", "DELETING"};

static const char *const launch_words[] = {
    [LAUNCH_REQUESTED] = "REQUESTED", [LAUNCH_ACQUIRED] = "ACQUIRED", [LAUNCH_BOOTED] = "BOOTED",
    [LAUNCH_JOINED] = "JOINED",       [LAUNCH_READY] = "READY",
};

const char *launch_step_name(unsigned step)
{
    return launch_words[step];
}

static const struct field launching_fields[] = {
    WORD(struct launching, step, launch_words, "step"),
    FIELD(struct launching, count, "count"),
    TIME(struct launching, since_ns, "since"),
    FIELD(struct launching, hint, "hint", .max = 1024),
};
static const struct object_type launching_type =
    OBJECT_TYPE(struct launching, "Launching", launching_fields, .open = true);

static const struct field interruption_fields[] = {
    FIELD(struct interruption_record, type, "instanceType", .required = true, .max = 63),
    FIELD(struct interruption_record, machine_s, "machineSeconds"),
    CUSTOM(struct interruption_record, interruptions, &amount_field, "interruptions"),
};
static const struct object_type interruption_type =
    OBJECT_TYPE(struct interruption_record, "Interruptions", interruption_fields, .open = true);

#define S struct environment_status_doc
static const struct field status_fields[] = {
    FIELD(S, status.observed_generation, "observedGeneration"),
    FIELD(S, word, "status", WORDS(status_words)),
    FIELD(S, reason, "reason", .max = 128),
    FIELD(S, status.message, "statusReason", .max = 4096),
    FIELD(S, status.desired_vcpus, "desiredvCpus", .keep_zero = true),
    FIELD(S, status.vcpus, "vcpus", .keep_zero = true),
    FIELD(S, status.used_vcpus, "usedvCpus", .keep_zero = true),
    FIELD(S, status.nodes, "nodes", .keep_zero = true),
    FIELD(S, status.nodes_booting, "nodesBooting", .keep_zero = true),
    OBJECT(S, status.cost, &environment_cost_type, "cost"),
    ARRAY(S, status.launching, status.launching_count, &launching_type, "launching"),
    LIST(S, status.interruptions, status.interruption_count, &interruption_type, "interruptions",
         .max = INTERRUPTIONS_TOLD_MAX),
    TIME(S, status.interruptions_at_ns, "interruptionsAsOf"),
    LIST(S, conditions.items, conditions.count, &condition_type, "conditions", .max = 8),
};
const struct object_type compute_environment_status_type =
    OBJECT_TYPE(S, "ComputeEnvironmentStatus", status_fields, .open = true);

/* The part that the next process goes on from. */
static const struct field learnt_fields[] = {
    LIST(struct compute_environment, interruptions, interruption_count, &interruption_type,
         "interruptions", .max = INTERRUPTIONS_TOLD_MAX),
    TIME(struct compute_environment, interruptions_at_ns, "interruptionsAsOf"),
};
static const struct object_type learnt_type =
    OBJECT_TYPE(struct compute_environment, "Learnt", learnt_fields, .open = true);

static void learnt_decode(struct json_object *status, struct compute_environment *environment)
{
    struct err ignored;
    if (status == NULL ||
        json_decode(&learnt_type, status, JSON_ROOT("status"), environment, &ignored) == 0)
        return;
    json_done(&learnt_type, environment); /* damaged by somebody: as if nothing had been seen */
    environment->interruptions_at_ns = 0;
}

struct json_object *
compute_environment_status_encode(const struct object_meta *meta,
                                  const struct compute_environment_status *status,
                                  struct json_object *previous, int64_t now_ns)
{
    AUTO_TEXT word = text_copy(status->status);
    AUTO_TEXT reason = text_copy(status->reason);
    const S doc = {.status = *status, .word = word, .reason = reason};
    struct condition_wanted wanted[2];
    struct json_object *json = json_encode(&compute_environment_status_type, &doc);

    conditions_ready(readiness_of(status->status), status->reason, status->message, wanted);
    json_put(json, "conditions",
             conditions_encode(wanted, ARRAY_LEN(wanted), status->observed_generation, previous,
                               now_ns));
    return status_document("ComputeEnvironment", meta, json);
}
