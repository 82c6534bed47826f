/* SPDX-License-Identifier: Apache-2.0 */
#include "bulkhead/api/policy.h"

#include "bulkhead/api/queue.h"
#include "bulkhead/api/tables.h"
#include "bulkhead/base/str.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Ten-thousandths, as fine as AWS has them: sums of usage stay whole numbers. */
static int weight_decode(struct json_object *value, const struct json_at *at, void *member,
                         struct err *err)
{
    int64_t *weight = member;
    double number = -1;
    if (json_object_is_type(value, json_type_int) || json_object_is_type(value, json_type_double))
        number = json_object_get_double(value);
    if (!isfinite(number) || number < 1.0 / SHARE_WEIGHT_ONE ||
        number > (double)SHARE_WEIGHT_MAX / SHARE_WEIGHT_ONE)
        return json_fail_value(at, value, err, "expected a number 0.0001..999.9999");
    *weight = (int64_t)(number * SHARE_WEIGHT_ONE + 0.5);
    return 0;
}

static struct json_object *weight_encode(const void *member)
{
    const int64_t *weight = member;
    return json_object_new_double((double)*weight / SHARE_WEIGHT_ONE);
}
static const struct custom_field weight_field = {"number", weight_decode, weight_encode, NULL};

static const struct field weight_fields[] = {
    FIELD(struct share_weight, identifier, "shareIdentifier", .required = true, .min = 1,
          .max = SHARE_IDENTIFIER_MAX + 1, .format = &format_share_pattern),
    CUSTOM(struct share_weight, weight, &weight_field, "weightFactor"),
};
static const struct object_type weight_type =
    OBJECT_TYPE(struct share_weight, "ShareAttributes", weight_fields);

static const char *const resource_words[] = {"VCPU", "DOMINANT"};
static const char *const reclaim_words[] = {"Never", "Preemptible"};

static const struct field fairshare_fields[] = {
    FIELD(struct scheduling_policy, decay_s, "shareDecaySeconds", .min = 0,
          .max = POLICY_DECAY_S_MAX),
    FIELD(struct scheduling_policy, reservation, "computeReservation", .min = 0,
          .max = POLICY_RESERVATION_MAX),
    LIST(struct scheduling_policy, weights, weight_count, &weight_type, "shareDistribution",
         .max = POLICY_SHARES_MAX),
    WORD(struct scheduling_policy, dominant, resource_words, "resource"),
    WORD(struct scheduling_policy, reclaim, reclaim_words, "reclaim"),
};

/* How many characters of a pattern are meant as they stand. */
static size_t plain_size(const char *pattern)
{
    size_t size = strlen(pattern);
    return size > 0 && pattern[size - 1] == '*' ? size - 1 : size;
}

/* Is there an identifier that both stand for? */
static bool overlap(const char *a, const char *b)
{
    size_t left = plain_size(a), right = plain_size(b);
    bool open_left = a[left] == '*', open_right = b[right] == '*';
    if (strncmp(a, b, left < right ? left : right) != 0)
        return false;
    return left == right || (left < right ? open_left : open_right);
}

static int check_fairshare(const void *object, const struct json_at *at, struct err *err)
{
    const struct scheduling_policy *policy = object;
    const struct json_at list = {at, "shareDistribution", 0};
    for (size_t i = 0; i < policy->weight_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (overlap(policy->weights[i].identifier, policy->weights[j].identifier))
                return json_fail(JSON_AT(JSON_ITEM(&list, i), "shareIdentifier"), err,
                                 "%s overlaps with %s: expected each share in one entry",
                                 policy->weights[i].identifier, policy->weights[j].identifier);
        }
    }
    return 0;
}

static const struct object_type fairshare_type = OBJECT_TYPE(
    struct scheduling_policy, "FairsharePolicy", fairshare_fields, .check = check_fairshare);
static const struct field spec_fields[] = {
    PART(&fairshare_type, "fairsharePolicy"),
};
const struct object_type scheduling_policy_spec_type =
    OBJECT_TYPE(struct scheduling_policy, "SchedulingPolicySpec", spec_fields);

struct scheduling_policy *scheduling_policy_free(struct scheduling_policy *policy)
{
    if (policy == NULL)
        return NULL;
    object_meta_done(&policy->meta);
    json_done(&scheduling_policy_spec_type, policy);
    free(policy->invalid);
    free(policy);
    return NULL;
}

int scheduling_policy_decode(struct json_object *doc, struct scheduling_policy **ret_policy,
                             struct err *err)
{
    struct err why = {0};
    AUTO(scheduling_policy) policy = mem_new(sizeof(*policy));
    if (object_meta_decode(doc, &policy->meta, err) < 0)
        return err_wrap(err, "scheduling policy");
    if (json_decode(&scheduling_policy_spec_type, json_get(doc, "spec"), JSON_ROOT("spec"), policy,
                    &why) < 0)
        policy->invalid = text_copy(why.text);
    for (size_t i = 0; i < policy->weight_count; i++) {
        if (policy->weights[i].weight == 0)
            policy->weights[i].weight = SHARE_WEIGHT_ONE;
    }
    if (policy->decay_s == 0)
        policy->decay_s = POLICY_DECAY_S;
    *ret_policy = STEAL(policy);
    return 0;
}

/* ---- what a queue's status tells of its shares ---- */

static const struct field told_fields[] = {
    FIELD(struct share_told, identifier, "shareIdentifier", .max = SHARE_IDENTIFIER_MAX),
    FIELD(struct share_told, used, "usedVcpuSeconds", .keep_zero = true),
    FIELD(struct share_told, running_milli, "runningMilliVcpus", .keep_zero = true),
    FIELD(struct share_told, waiting, "waitingJobs", .keep_zero = true),
};
static const struct object_type told_type =
    OBJECT_TYPE(struct share_told, "ShareTold", told_fields, .open = true);

static const struct field shares_fields[] = {
    TIME(struct queue_shares, at_ns, "observedAt"),
    FIELD(struct queue_shares, active, "active"),
    LIST(struct queue_shares, top, top_count, &told_type, "top", .max = SHARES_TOP_MAX),
    FIELD(struct queue_shares, used, "used", .max = SHARES_TEXT_MAX),
    FIELD(struct queue_shares, left_out, "leftOut"),
};
const struct object_type queue_shares_type =
    OBJECT_TYPE(struct queue_shares, "QueueShares", shares_fields, .open = true);

void queue_shares_done(struct queue_shares *shares)
{
    if (shares != NULL)
        json_done(&queue_shares_type, shares);
}

void queue_shares_print(struct str *out, const char *identifier, int64_t milli, int64_t *left_out)
{
    enum { ITEM_MAX = SHARE_IDENTIFIER_MAX + 24 };
    if (out->size + ITEM_MAX > SHARES_TEXT_MAX) {
        *left_out += 1;
        return;
    }
    str_addf(out, "%s%s=%" PRId64, out->size > 0 ? "," : "", identifier, milli);
}

bool queue_shares_next(const char **text, char **id, int64_t *ret_milli)
{
    free(*id);
    *id = NULL;
    while (*text != NULL && **text != '\0') {
        const char *end = strchrnul(*text, ',');
        const char *equals = memchr(*text, '=', (size_t)(end - *text));
        const char *from = *text;
        *text = *end == ',' ? end + 1 : end;
        int64_t milli = 0;
        bool good = equals != NULL && equals - from <= SHARE_IDENTIFIER_MAX && equals + 1 < end;
        for (const char *c = equals + 1; good && c < end; c++) {
            good = *c >= '0' && *c <= '9' && milli < INT64_MAX / 100;
            milli = milli * 10 + (*c - '0');
        }
        if (!good)
            continue;
        *id = text_copy_n(from, (size_t)(equals - from));
        *ret_milli = milli;
        return true;
    }
    return false;
}
