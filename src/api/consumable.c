/* SPDX-License-Identifier: Apache-2.0 */
/* Consumable resources: their own kind, and what jobs and pods say of them. */
#include "bulkhead/api/consumable.h"

#include "bulkhead/api/queue.h"
#include "bulkhead/api/tables.h"

#include <stdlib.h>
#include <string.h>

/* ---- what a job takes ---- */

static const struct field need_fields[] = {
    FIELD(struct consumable_need, resource, "consumableResource", .required = true, .min = 1,
          .max = 63, .format = &format_name),
    FIELD(struct consumable_need, quantity, "quantity", .required = true, .min = 1,
          .max = CONSUMABLE_QUANTITY_MAX),
};
static const struct object_type need_type =
    OBJECT_TYPE(struct consumable_need, "ConsumableResourceRequirement", need_fields);

static const struct field needs_fields[] = {
    LIST(struct consumable_needs, items, count, &need_type, "consumableResourceList",
         .required = true, .max = CONSUMABLE_NEEDS_MAX),
};

static int check_needs(const void *object, const struct json_at *at, struct err *err)
{
    const struct consumable_needs *needs = object;
    const struct json_at list = {at, "consumableResourceList", 0};
    for (size_t i = 0; i < needs->count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (text_eq(needs->items[i].resource, needs->items[j].resource))
                return json_fail(JSON_AT(JSON_ITEM(&list, i), "consumableResource"), err,
                                 "%s is there twice", needs->items[i].resource);
        }
    }
    return 0;
}

const struct object_type consumable_needs_type = OBJECT_TYPE(
    struct consumable_needs, "ConsumableResourceProperties", needs_fields, .check = check_needs);

void consumable_needs_done(struct consumable_needs *needs)
{
    json_done(&consumable_needs_type, needs);
}

/* ---- what a pod holds ---- */

void consumable_needs_print(const struct consumable_needs *needs, struct str *out)
{
    for (size_t i = 0; i < needs->count; i++)
        str_addf(out, "%s%s=%lld", i > 0 ? "," : "", needs->items[i].resource,
                 (long long)needs->items[i].quantity);
}

/* "name=quantity" up to end; the size of the name, or 0. */
static size_t parse_item(const char *text, size_t size, int64_t *ret_quantity)
{
    const char *equals = memchr(text, '=', size);
    size_t name = equals != NULL ? (size_t)(equals - text) : 0;
    int64_t quantity = 0;
    for (size_t i = name + 1; name > 0 && i < size; i++) {
        if (text[i] < '0' || text[i] > '9' || quantity > CONSUMABLE_QUANTITY_MAX)
            return 0;
        quantity = quantity * 10 + (text[i] - '0');
    }
    if (quantity < 1 || quantity > CONSUMABLE_QUANTITY_MAX)
        return 0;
    *ret_quantity = quantity;
    return name;
}

static bool has_need(const struct consumable_needs *needs, const char *name, size_t size)
{
    for (size_t i = 0; i < needs->count; i++) {
        if (strlen(needs->items[i].resource) == size &&
            strncmp(needs->items[i].resource, name, size) == 0)
            return true;
    }
    return false;
}

void consumable_needs_parse(const char *text, struct consumable_needs *ret_needs)
{
    *ret_needs = (struct consumable_needs){NULL, 0};
    while (text != NULL && ret_needs->count < CONSUMABLE_NEEDS_MAX) {
        const char *comma = strchr(text, ',');
        size_t size = comma != NULL ? (size_t)(comma - text) : strlen(text);
        int64_t quantity = 0;
        size_t name = parse_item(text, size, &quantity);
        if (name > 0 && name <= 63 && !has_need(ret_needs, text, name)) {
            if (ret_needs->items == NULL)
                ret_needs->items = mem_new(CONSUMABLE_NEEDS_MAX * sizeof(*ret_needs->items));
            ret_needs->items[ret_needs->count++] =
                (struct consumable_need){text_copy_n(text, name), quantity};
        }
        text = comma != NULL ? comma + 1 : NULL;
    }
}

size_t consumable_claim_parse(const char *text, int64_t *ret_quantity)
{
    return parse_item(text, strlen(text), ret_quantity);
}

/* ---- ConsumableResource ---- */

static const char *const type_words[] = {"REPLENISHABLE", "NON_REPLENISHABLE"};

static const struct field spec_fields[] = {
    WORD(struct consumable_resource, spent, type_words, "resourceType"),
    FIELD(struct consumable_resource, total, "totalQuantity", .required = true, .min = 0,
          .max = CONSUMABLE_QUANTITY_MAX),
    FIELD(struct consumable_resource, namespaces, "kubernetesNamespaces", .max = 64, .item_max = 63,
          .format = &format_namespace),
};
const struct object_type consumable_resource_spec_type =
    OBJECT_TYPE(struct consumable_resource, "ConsumableResourceSpec", spec_fields);

struct consumable_doc {
    struct consumable_status status;
    char *word, *reason;
    struct condition_list conditions;
};

static const char *const status_words[] = {"VALID", "INVALID", "DELETING"};

static const struct field status_fields[] = {
    FIELD(struct consumable_doc, status.observed_generation, "observedGeneration"),
    FIELD(struct consumable_doc, word, "status", WORDS(status_words)),
    FIELD(struct consumable_doc, reason, "reason", .max = 128),
    FIELD(struct consumable_doc, status.message, "statusReason", .max = 4096),
    FIELD(struct consumable_doc, status.in_use, "inUseQuantity", .keep_zero = true),
    FIELD(struct consumable_doc, status.available, "availableQuantity", .keep_zero = true),
    FIELD(struct consumable_doc, status.consumed, "consumedQuantity"),
    FIELD(struct consumable_doc, status.claims, "claims", .max = CONSUMABLE_CLAIMS_MAX,
          .item_max = CONSUMABLE_CLAIM_MAX),
    LIST(struct consumable_doc, conditions.items, conditions.count, &condition_type, "conditions",
         .max = 8),
};
const struct object_type consumable_resource_status_type =
    OBJECT_TYPE(struct consumable_doc, "ConsumableResourceStatus", status_fields, .open = true);

struct consumable_resource *consumable_resource_free(struct consumable_resource *resource)
{
    if (resource == NULL)
        return NULL;
    object_meta_done(&resource->meta);
    json_done(&consumable_resource_spec_type, resource);
    text_list_done(&resource->claims);
    free(resource->invalid);
    free(resource);
    return NULL;
}

/* What was spent must never be forgotten: a status that cannot be read is as bad as a spec. */
static int decode_status(struct json_object *value, struct consumable_resource *resource,
                         struct err *err)
{
    struct consumable_doc doc = {.status = {0}};
    int result = value != NULL ? json_decode(&consumable_resource_status_type, value,
                                             JSON_ROOT("status"), &doc, err)
                               : 0;
    resource->consumed = doc.status.consumed;
    resource->claims = doc.status.claims;
    doc.status.claims = (struct text_list){NULL, 0};
    json_done(&consumable_resource_status_type, &doc);
    return result;
}

int consumable_resource_decode(struct json_object *doc, struct consumable_resource **ret_resource,
                               struct err *err)
{
    struct err why = {0};
    AUTO(consumable_resource) resource = mem_new(sizeof(*resource));
    if (object_meta_decode(doc, &resource->meta, err) < 0)
        return err_wrap(err, "consumable resource");
    if (json_decode(&consumable_resource_spec_type, json_get(doc, "spec"), JSON_ROOT("spec"),
                    resource, &why) < 0 ||
        decode_status(json_get(doc, "status"), resource, &why) < 0)
        resource->invalid = text_copy(why.text);
    *ret_resource = STEAL(resource);
    return 0;
}

struct json_object *consumable_status_encode(const struct object_meta *meta,
                                             const struct consumable_status *status,
                                             struct json_object *previous, int64_t now_ns)
{
    AUTO_TEXT word = text_copy(status->status);
    AUTO_TEXT reason = text_copy(status->reason);
    const struct consumable_doc doc = {.status = *status, .word = word, .reason = reason};
    struct condition_wanted wanted[2];
    struct json_object *json = json_encode(&consumable_resource_status_type, &doc);

    conditions_ready(readiness_of(status->status), status->reason, status->message, wanted);
    json_put(json, "conditions",
             conditions_encode(wanted, ARRAY_LEN(wanted), status->observed_generation, previous,
                               now_ns));
    return status_document("ConsumableResource", meta, json);
}
