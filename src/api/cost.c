/* SPDX-License-Identifier: Apache-2.0 */
#include "bulkhead/api/cost.h"

#include "bulkhead/api/policy.h"
#include "bulkhead/api/tables.h"
#include "bulkhead/base/str.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { WHOLE_DIGITS_MAX = 12, PART_DIGITS = 6 };

char *money_text(int64_t amount)
{
    return text_printf("%" PRId64 ".%06" PRId64, amount / AMOUNT_ONE, amount % AMOUNT_ONE);
}

bool money_parse(const char *text, int64_t *ret_amount)
{
    size_t whole = text != NULL ? strspn(text, "0123456789") : 0;
    if (whole == 0 || whole > WHOLE_DIGITS_MAX || text[whole] != '.')
        return false;
    const char *part = text + whole + 1;
    if (strspn(part, "0123456789") != PART_DIGITS || part[PART_DIGITS] != '\0')
        return false;
    *ret_amount = strtoll(text, NULL, 10) * AMOUNT_ONE + strtoll(part, NULL, 10);
    return true;
}

static int amount_decode(struct json_object *value, const struct json_at *at, void *member,
                         struct err *err)
{
    const char *text =
        json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
    if (!money_parse(text, member))
        return json_fail_value(at, value, err, "expected an amount such as 0.096000");
    return 0;
}

static struct json_object *amount_encode(const void *member)
{
    const int64_t *amount = member;
    AUTO_TEXT text = money_text(*amount);
    return *amount > 0 ? json_object_new_string(text) : NULL;
}

const struct custom_field amount_field = {"string", amount_decode, amount_encode, NULL};

static const struct field cost_fields[] = {
    FIELD(struct job_cost, vcpu_seconds, "vcpuSeconds"),
    FIELD(struct job_cost, gpu_seconds, "gpuSeconds"),
    CUSTOM(struct job_cost, amount, &amount_field, "amount"),
    FIELD(struct job_cost, mark, "mark"),
};
const struct object_type job_cost_type =
    OBJECT_TYPE(struct job_cost, "JobCost", cost_fields, .open = true);

static const struct field share_cost_fields[] = {
    FIELD(struct share_cost, identifier, "shareIdentifier", .required = true, .min = 1,
          .max = SHARE_IDENTIFIER_MAX),
    FIELD(struct share_cost, all.vcpu_seconds, "vcpuSeconds"),
    FIELD(struct share_cost, all.gpu_seconds, "gpuSeconds"),
    CUSTOM(struct share_cost, all.amount, &amount_field, "amount"),
    OBJECT(struct share_cost, settled, &job_cost_type, "settled"),
};
static const struct object_type share_cost_type =
    OBJECT_TYPE(struct share_cost, "ShareCost", share_cost_fields, .open = true);

static const struct field forecast_fields[] = {
    CUSTOM(struct cost_forecast, amount, &amount_field, "amount"),
    TIME(struct cost_forecast, since_ns, "since"),
    FIELD(struct cost_forecast, unknown, "unknownJobs"),
};
static const struct object_type forecast_type =
    OBJECT_TYPE(struct cost_forecast, "CostForecast", forecast_fields, .open = true);

static const struct field queue_cost_fields[] = {
    FIELD(struct queue_cost, all.vcpu_seconds, "vcpuSeconds"),
    FIELD(struct queue_cost, all.gpu_seconds, "gpuSeconds"),
    CUSTOM(struct queue_cost, all.amount, &amount_field, "amount"),
    TIME(struct queue_cost, since_ns, "since"),
    OBJECT(struct queue_cost, settled, &job_cost_type, "settled"),
    LIST(struct queue_cost, shares, share_count, &share_cost_type, "shares",
         .max = SHARE_COSTS_MAX),
    OBJECT(struct queue_cost, forecast, &forecast_type, "forecast"),
};
const struct object_type queue_cost_type =
    OBJECT_TYPE(struct queue_cost, "QueueCost", queue_cost_fields, .open = true);

static const struct field environment_cost_fields[] = {
    FIELD(struct environment_cost, vcpu_seconds, "vcpuSeconds"),
    FIELD(struct environment_cost, gpu_seconds, "gpuSeconds"),
    CUSTOM(struct environment_cost, amount, &amount_field, "amount"),
    TIME(struct environment_cost, at_ns, "asOf"),
    CUSTOM(struct environment_cost, price, &amount_field, "pricePerHour"),
    FIELD(struct environment_cost, vcpus, "vcpus"),
    FIELD(struct environment_cost, gpus, "gpus"),
    TIME(struct environment_cost, since_ns, "since"),
};
const struct object_type environment_cost_type =
    OBJECT_TYPE(struct environment_cost, "EnvironmentCost", environment_cost_fields, .open = true);

void queue_cost_decode(struct json_object *value, struct queue_cost *ret_cost)
{
    struct err err;
    struct queue_cost cost = {0};
    bool good =
        value != NULL && json_decode(&queue_cost_type, value, JSON_ROOT("cost"), &cost, &err) == 0;
    if (!good)
        queue_cost_done(&cost);
    *ret_cost = good ? cost : (struct queue_cost){0};
}

struct share_cost *share_costs_copy(const struct share_cost *shares, size_t count)
{
    struct share_cost *copy = count > 0 ? mem_new(count * sizeof(*copy)) : NULL;
    for (size_t i = 0; i < count; i++) {
        copy[i] = shares[i];
        copy[i].identifier = text_copy(shares[i].identifier);
    }
    return copy;
}

void queue_cost_done(struct queue_cost *cost)
{
    for (size_t i = 0; i < cost->share_count; i++)
        free(cost->shares[i].identifier);
    free(cost->shares);
    cost->shares = NULL;
    cost->share_count = 0;
}

void environment_cost_decode(struct json_object *value, struct environment_cost *ret_cost)
{
    struct err err;
    struct environment_cost cost = {0};
    bool good = value != NULL &&
                json_decode(&environment_cost_type, value, JSON_ROOT("cost"), &cost, &err) == 0;
    *ret_cost = good ? cost : (struct environment_cost){0};
}
