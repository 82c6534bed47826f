/* SPDX-License-Identifier: Apache-2.0 */
/* Scheduling policies: what is said about wrong ones, and what a queue's status tells of shares.
 * Documents are written with single quotes. */
#include "bulkhead/api/policy.h"
#include "bulkhead/api/queue.h"
#include "bulkhead/base/str.h"
#include "bulkhead/json/get.h"

#include "check.h"

#include <json-c/json_tokener.h>
#include <stdlib.h>

#define SHARES(list) "{'fairsharePolicy':{'shareDistribution':[" list "]}}"

static const struct {
    const char *name, *spec, *want; /* want NULL: valid */
} policies[] = {
    {"nothing said", "{}", NULL},
    {"all said",
     "{'fairsharePolicy':{'shareDecaySeconds':3600,'computeReservation':50,'resource':'DOMINANT',"
     "'reclaim':'Preemptible','shareDistribution':[{'shareIdentifier':'a','weightFactor':0.125},"
     "{'shareIdentifier':'u*'}]}}",
     NULL},
    {"no such word", "{'fairsharePolicy':{'reclaim':'Always'}}",
     "spec.fairsharePolicy.reclaim: \"Always\", expected Never or Preemptible"},
    {"no decay that long", "{'fairsharePolicy':{'shareDecaySeconds':604801}}",
     "spec.fairsharePolicy.shareDecaySeconds: 604801, expected 0..604800"},
    {"no reservation of all", "{'fairsharePolicy':{'computeReservation':100}}",
     "spec.fairsharePolicy.computeReservation: 100, expected 0..99"},
    {"no weight", SHARES("{'shareIdentifier':'a','weightFactor':0}"),
     "spec.fairsharePolicy.shareDistribution[0].weightFactor: 0, expected a number "
     "0.0001..999.9999"},
    {"a weight in words", SHARES("{'shareIdentifier':'a','weightFactor':'1'}"),
     "spec.fairsharePolicy.shareDistribution[0].weightFactor: \"1\", expected a number "
     "0.0001..999.9999"},
    {"a star inside", SHARES("{'shareIdentifier':'a*b'}"),
     "spec.fairsharePolicy.shareDistribution[0].shareIdentifier: \"a*b\", expected a share "
     "identifier, or the beginning of some with * behind it"},
    {"one twice", SHARES("{'shareIdentifier':'a'},{'shareIdentifier':'a'}"),
     "spec.fairsharePolicy.shareDistribution[1].shareIdentifier: a overlaps with a: expected each "
     "share in one entry"},
    {"one under a prefix", SHARES("{'shareIdentifier':'user*'},{'shareIdentifier':'user7'}"),
     "spec.fairsharePolicy.shareDistribution[1].shareIdentifier: user7 overlaps with user*: "
     "expected each share in one entry"},
    {"a prefix of a prefix", SHARES("{'shareIdentifier':'user*'},{'shareIdentifier':'us*'}"),
     "spec.fairsharePolicy.shareDistribution[1].shareIdentifier: us* overlaps with user*: expected "
     "each share in one entry"},
    {"alike, and apart", SHARES("{'shareIdentifier':'us'},{'shareIdentifier':'user*'}"), NULL},
    {"misspelt", "{'fairsharePolicy':{'decay':1}}", "spec.fairsharePolicy.decay: no such field"},
};

TEST(policy_specs)
{
    for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
        AUTO_TEXT text =
            text_printf("{'metadata':{'name':'p','uid':'u1'},'spec':%s}", policies[i].spec);
        AUTO(json_object) doc = json_tokener_parse(text);
        AUTO(scheduling_policy) policy = NULL;
        struct err err = {0};
        REQUIRE(doc != NULL);
        REQUIRE(scheduling_policy_decode(doc, &policy, &err) == 0);
        CHECK_TEXT(policies[i].name, policy->invalid, policies[i].want);
    }
}

TEST(policy_defaults)
{
    AUTO(json_object)
    doc = json_tokener_parse(
        "{'metadata':{'name':'p','uid':'u1'},'spec':{'fairsharePolicy':{'shareDistribution':["
        "{'shareIdentifier':'a'},{'shareIdentifier':'b','weightFactor':0.125}]}}}");
    AUTO(scheduling_policy) policy = NULL;
    struct err err = {0};
    REQUIRE(doc != NULL);
    REQUIRE(scheduling_policy_decode(doc, &policy, &err) == 0);
    CHECK_INT("window", policy->decay_s, POLICY_DECAY_S);
    CHECK_INT("weight of one", policy->weights[0].weight, SHARE_WEIGHT_ONE);
    CHECK_INT("an eighth", policy->weights[1].weight, SHARE_WEIGHT_ONE / 8);
}

TEST(use_is_read_as_it_was_written)
{
    AUTO_STR text = STR_EMPTY;
    int64_t left_out = 0;
    queue_shares_print(&text, "Team_A.x-1", 1500, &left_out);
    queue_shares_print(&text, "", 7, &left_out);
    CHECK_TEXT("written", str_text(&text), "Team_A.x-1=1500,=7");
    const char *walk = "a=1,nonsense,b=,c=x,=7,d=99999999999999999999999,e=5,";
    AUTO_STR read = STR_EMPTY;
    char *id = NULL;
    int64_t milli = 0;
    while (queue_shares_next(&walk, &id, &milli))
        str_addf(&read, "%s %lld\n", id, (long long)milli);
    CHECK_TEXT("read", str_text(&read), "a 1\n 7\ne 5\n");
    for (int i = 0; i < 10000; i++)
        queue_shares_print(&text, "0123456789012345678901234567890123456789", 1, &left_out);
    CHECK_TRUE("bounded", text.size <= SHARES_TEXT_MAX && left_out > 8000);
}

TEST(a_damaged_status_is_as_none)
{
    AUTO(json_object)
    doc = json_tokener_parse(
        "{'metadata':{'name':'q','uid':'u1'},'spec':{'computeEnvironmentOrder':[{'order':1,"
        "'computeEnvironment':'e'}],'schedulingPolicy':'p'},'status':{'shares':{'active':'x'}}}");
    AUTO(job_queue) queue = NULL;
    struct err err = {0};
    REQUIRE(doc != NULL);
    REQUIRE(job_queue_decode(doc, &queue, &err) == 0);
    CHECK_TEXT("policy", queue->policy, "p");
    CHECK_TRUE("nothing", queue->shares.used == NULL && queue->shares.at_ns == 0);
}
