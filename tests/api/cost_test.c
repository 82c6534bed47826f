/* SPDX-License-Identifier: Apache-2.0 */
/* What things cost, as statuses and pods have it. */
#include "bulkhead/api/node.h"
#include "bulkhead/api/queue.h"
#include "bulkhead/base/str.h"
#include "bulkhead/json/get.h"

#include "check.h"

#include <json-c/json_tokener.h>

static const struct {
    const char *text;
    int64_t amount; /* -1: it does not read so */
} amounts[] = {
    {"0.096000", 96000}, {"12.000001", 12000001},
    {"0.000000", 0},     {"0.096", -1},
    {"0.0960000", -1},   {"-1.000000", -1},
    {"1", -1},           {".500000", -1},
    {"1.00000x", -1},    {"9999999999999.000000", -1},
    {NULL, -1},
};

TEST(amounts_in_words)
{
    for (size_t i = 0; i < ARRAY_LEN(amounts); i++) {
        const char *text = amounts[i].text != NULL ? amounts[i].text : "NULL";
        int64_t amount = -1;
        bool reads = money_parse(amounts[i].text, &amount);
        CHECK_INT(text, amount, amounts[i].amount);
        CHECK_INT(text, reads, amounts[i].amount >= 0);
        if (!reads)
            continue;
        AUTO_TEXT again = money_text(amount);
        CHECK_TEXT("there and back", again, text);
    }
}

static char *meta_name = (char *)(uintptr_t) "sim";

TEST(a_queue_reads_what_it_has_told)
{
    char share[] = "team-a";
    struct share_cost shares = {share, {.vcpu_seconds = 6, .amount = 900000}, {.amount = 7}};
    const struct object_meta meta = {.name = meta_name};
    struct job_queue_status status = {
        .status = "VALID",
        .reason = "Healthy",
        .cost = {.all = {.vcpu_seconds = 7, .gpu_seconds = 2, .amount = 1500000},
                 .settled = {.vcpu_seconds = 5, .amount = 1000000, .mark = 3},
                 .since_ns = 1700000000 * NS_PER_S,
                 .shares = &shares,
                 .share_count = 1,
                 .forecast = {.amount = 4, .since_ns = 1700000001 * NS_PER_S, .unknown = 9}},
    };
    AUTO(json_object) doc = job_queue_status_encode(&meta, &status, NULL, NS_PER_S);
    AUTO(json_object)
    spec = json_tokener_parse("{'computeEnvironmentOrder':[{'order':1,'computeEnvironment':'e'}]}");
    AUTO(job_queue) queue = NULL;
    json_put(doc, "spec", STEAL(spec));
    REQUIRE(job_queue_decode(doc, &queue, NULL) == 0);
    CHECK_INT("vCPU-seconds", queue->cost.all.vcpu_seconds, 7);
    CHECK_INT("GPU-seconds", queue->cost.all.gpu_seconds, 2);
    CHECK_INT("amount", queue->cost.all.amount, 1500000);
    CHECK_INT("settled", queue->cost.settled.amount, 1000000);
    CHECK_INT("up to", queue->cost.settled.mark, 3);
    CHECK_INT("since", queue->cost.since_ns, 1700000000 * NS_PER_S);
    CHECK_INT("to come", queue->cost.forecast.amount, 4);
    CHECK_INT("since then", queue->cost.forecast.since_ns, 1700000001 * NS_PER_S);
    CHECK_INT("not known", queue->cost.forecast.unknown, 9);
    REQUIRE(queue->cost.share_count == 1);
    CHECK_TEXT("share", queue->cost.shares[0].identifier, "team-a");
    CHECK_INT("its vCPU-seconds", queue->cost.shares[0].all.vcpu_seconds, 6);
    CHECK_INT("its amount", queue->cost.shares[0].all.amount, 900000);
    CHECK_INT("its settled part", queue->cost.shares[0].settled.amount, 7);
    struct json_object *cost = json_get(json_get(doc, "status"), "cost");
    json_put(cost, "amount", json_object_new_string("dear"));
    AUTO(job_queue) damaged = NULL;
    REQUIRE(job_queue_decode(doc, &damaged, NULL) == 0);
    CHECK_INT("what does not read is nothing", damaged->cost.all.vcpu_seconds, 0);
    CHECK_INT("nor are its shares", (int64_t)damaged->cost.share_count, 0);
}

TEST(an_environment_reads_what_it_has_told)
{
    const struct object_meta meta = {.name = meta_name};
    const struct compute_environment_status base = {
        .status = "VALID",
        .reason = "Healthy",
        .cost = {.vcpu_seconds = 7,
                 .gpu_seconds = 2,
                 .amount = 1500000,
                 .at_ns = 1700000001 * NS_PER_S,
                 .price = 96000,
                 .vcpus = 4,
                 .gpus = 1,
                 .since_ns = 1700000000 * NS_PER_S},
    };
    char type[] = "m5.large";
    struct interruption_record seen = {type, 86400, 1500000};
    struct compute_environment_status status = base;
    status.interruptions = &seen;
    status.interruption_count = 1;
    status.interruptions_at_ns = 1700000002 * NS_PER_S;
    AUTO(json_object)
    doc = compute_environment_status_encode(&meta, &status, NULL, NS_PER_S);
    AUTO(json_object)
    spec = json_tokener_parse("{'type':'UNMANAGED','kubernetesNamespaces':['team']}");
    AUTO(compute_environment) environment = NULL;
    json_put(doc, "spec", STEAL(spec));
    REQUIRE(compute_environment_decode(doc, &environment, NULL) == 0);
    CHECK_INT("vCPU-seconds", environment->cost.vcpu_seconds, 7);
    CHECK_INT("GPU-seconds", environment->cost.gpu_seconds, 2);
    CHECK_INT("amount", environment->cost.amount, 1500000);
    CHECK_INT("as of", environment->cost.at_ns, 1700000001 * NS_PER_S);
    CHECK_INT("price", environment->cost.price, 96000);
    CHECK_INT("vCPUs", environment->cost.vcpus, 4);
    CHECK_INT("GPUs", environment->cost.gpus, 1);
    CHECK_INT("since", environment->cost.since_ns, 1700000000 * NS_PER_S);
    REQUIRE(environment->interruption_count == 1);
    CHECK_TEXT("type", environment->interruptions[0].type, "m5.large");
    CHECK_INT("ran", environment->interruptions[0].machine_s, 86400);
    CHECK_INT("taken back", environment->interruptions[0].interruptions, 1500000);
    CHECK_INT("seen until", environment->interruptions_at_ns, 1700000002 * NS_PER_S);
    struct json_object *list = json_get(json_get(doc, "status"), "interruptions");
    json_put(json_list_at(list, 0), "interruptions", json_object_new_string("many"));
    AUTO(compute_environment) damaged = NULL;
    REQUIRE(compute_environment_decode(doc, &damaged, NULL) == 0);
    CHECK_INT("what does not read is nothing", (int64_t)damaged->interruption_count, 0);
}

static int64_t price_of(const char *text)
{
    AUTO(pod) pod = NULL;
    AUTO_TEXT json = text_printf("{'metadata':{'name':'p','labels':{'bulkhead.dev/job-uid':'u'},"
                                 "'annotations':{'bulkhead.dev/price-per-hour':'%s'}}}",
                                 text);
    AUTO(json_object) doc = json_tokener_parse(json);
    REQUIRE(pod_decode(doc, &pod, NULL) == 0);
    return pod->price;
}

TEST(a_pod_carries_its_price)
{
    CHECK_INT("as it was written", price_of("0.900000"), 900000);
    CHECK_INT("anybody may edit it: too much", price_of("99999999999.000000"), 0);
    CHECK_INT("not a number", price_of("dear"), 0);
}
