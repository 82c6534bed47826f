/* SPDX-License-Identifier: Apache-2.0 */
/* Consumable resources: what is said about wrong ones, what of them is read again, and what pods
 * hold. Documents are written with single quotes. */
#include "bulkhead/api/consumable.h"
#include "bulkhead/api/job.h"
#include "bulkhead/api/node.h"
#include "bulkhead/json/get.h"

#include "check.h"

#include <json-c/json_tokener.h>

static struct json_object *document(const char *spec, const char *status)
{
    AUTO_TEXT text = text_printf("{'metadata':{'name':'lic','uid':'u1','generation':3,"
                                 "'resourceVersion':'7'},'spec':%s,'status':%s}",
                                 spec, status);
    struct json_object *doc = json_tokener_parse(text);
    REQUIRE(doc != NULL);
    return doc;
}

static const struct {
    const char *name, *spec, *want; /* want NULL: valid */
} resources[] = {
    {"plain", "{'totalQuantity':5}", NULL},
    {"none", "{'totalQuantity':0}", NULL},
    {"used up", "{'totalQuantity':5,'resourceType':'NON_REPLENISHABLE'}", NULL},
    {"for a team", "{'totalQuantity':5,'kubernetesNamespaces':['team']}", NULL},
    {"no total", "{}", "spec.totalQuantity: required"},
    {"less than none", "{'totalQuantity':-1}", "spec.totalQuantity: -1, expected 0..1000000000000"},
    {"no number", "{'totalQuantity':'5'}",
     "spec.totalQuantity: \"5\", expected an integer 0..1000000000000"},
    {"another type", "{'totalQuantity':5,'resourceType':'ENDLESS'}",
     "spec.resourceType: \"ENDLESS\", expected REPLENISHABLE or NON_REPLENISHABLE"},
    {"misspelt", "{'totalQuantity':5,'total':5}", "spec.total: no such field"},
};

TEST(resource_specs)
{
    for (size_t i = 0; i < ARRAY_LEN(resources); i++) {
        AUTO(json_object) doc = document(resources[i].spec, "null");
        AUTO(consumable_resource) resource = NULL;
        struct err err = {0};
        REQUIRE(consumable_resource_decode(doc, &resource, &err) == 0);
        CHECK_TEXT(resources[i].name, resource->invalid, resources[i].want);
    }
}

TEST(a_status_is_read_as_it_was_written)
{
    char message[] = "ConsumableResource Healthy", name[] = "lic", uid[] = "u1", version[] = "7";
    char one[] = "red/a-1-0-1=2", two[] = "red/a-1-1-1=2";
    char *claims[] = {one, two};
    const struct object_meta meta = {.name = name, .uid = uid, .resource_version = version};
    const struct consumable_status status = {.observed_generation = 3,
                                             .status = "VALID",
                                             .reason = "ConsumableResourceHealthy",
                                             .message = message,
                                             .in_use = 4,
                                             .consumed = 11,
                                             .claims = {claims, 2}};
    AUTO(json_object) json = consumable_status_encode(&meta, &status, NULL, NS_PER_S);
    CHECK_TEXT("written", json_print(json),
               "{\"apiVersion\":\"bulkhead.dev/v1alpha1\",\"kind\":\"ConsumableResource\","
               "\"metadata\":{\"name\":\"lic\",\"uid\":\"u1\",\"resourceVersion\":\"7\"},"
               "\"status\":{\"observedGeneration\":3,\"status\":\"VALID\",\"reason\":"
               "\"ConsumableResourceHealthy\",\"statusReason\":\"ConsumableResource Healthy\","
               "\"inUseQuantity\":4,\"availableQuantity\":0,\"consumedQuantity\":11,\"claims\":["
               "\"red/a-1-0-1=2\",\"red/a-1-1-1=2\"],\"conditions\":[{\"type\":\"Ready\","
               "\"status\":\"True\",\"observedGeneration\":3,\"lastTransitionTime\":"
               "\"1970-01-01T00:00:01Z\",\"reason\":\"ConsumableResourceHealthy\",\"message\":"
               "\"ConsumableResource Healthy\"},{\"type\":\"Stalled\",\"status\":\"False\","
               "\"observedGeneration\":3,\"lastTransitionTime\":\"1970-01-01T00:00:01Z\","
               "\"reason\":\"NotStalled\"}]}}");
    AUTO_TEXT text = text_copy(json_print(json_get(json, "status")));
    AUTO(json_object)
    doc = document("{'totalQuantity':20,'resourceType':'NON_REPLENISHABLE'}", text);
    AUTO(consumable_resource) resource = NULL;
    REQUIRE(consumable_resource_decode(doc, &resource, NULL) == 0);
    CHECK_TEXT("valid", resource->invalid, NULL);
    CHECK_INT("spent", resource->spent, true);
    CHECK_INT("consumed", resource->consumed, 11);
    REQUIRE(resource->claims.count == 2);
    int64_t quantity = 0;
    CHECK_INT("claim", (int64_t)consumable_claim_parse(resource->claims.items[1], &quantity), 11);
    CHECK_INT("quantity", quantity, 2);
}

TEST(a_status_that_cannot_be_read_makes_it_unusable)
{
    AUTO(json_object) doc = document("{'totalQuantity':5}", "{'consumedQuantity':'many'}");
    AUTO(consumable_resource) resource = NULL;
    REQUIRE(consumable_resource_decode(doc, &resource, NULL) == 0);
    CHECK_TEXT("said", resource->invalid, "status.consumedQuantity: \"many\", expected an integer");
}

static const struct {
    const char *name, *list, *want; /* want NULL: valid */
} needs[] = {
    {"two", "[{'consumableResource':'a','quantity':2},{'consumableResource':'b','quantity':1}]",
     NULL},
    {"none", "[]", NULL},
    {"twice", "[{'consumableResource':'a','quantity':2},{'consumableResource':'a','quantity':1}]",
     "spec.consumableResourceProperties.consumableResourceList[1].consumableResource: a is there "
     "twice"},
    {"none of it", "[{'consumableResource':'a','quantity':0}]",
     "spec.consumableResourceProperties.consumableResourceList[0].quantity: 0, expected "
     "1..1000000000000"},
    {"nameless", "[{'quantity':1}]",
     "spec.consumableResourceProperties.consumableResourceList[0].consumableResource: required"},
    {"no list", "null", "spec.consumableResourceProperties.consumableResourceList: required"},
};

#define FORMAT                                                                                     \
    "{'metadata':{'name':'j','namespace':'ns','uid':'u'},'spec':{%s'template':{'spec':{"           \
    "'containers':[{'name':'c','image':'i'}]}},'consumableResourceProperties':{"                   \
    "'consumableResourceList':%s}}}"

TEST(what_jobs_and_definitions_take)
{
    for (size_t i = 0; i < ARRAY_LEN(needs); i++) {
        AUTO_TEXT of_job = text_printf(FORMAT, "'jobQueue':'q',", needs[i].list);
        AUTO_TEXT of_definition = text_printf(FORMAT, "", needs[i].list);
        AUTO(json_object) one = json_tokener_parse(of_job);
        AUTO(json_object) two = json_tokener_parse(of_definition);
        AUTO(batch_job) job = NULL;
        AUTO(job_definition) definition = NULL;
        REQUIRE(batch_job_decode(one, &job, NULL) == 0);
        REQUIRE(job_definition_decode(two, &definition, NULL) == 0);
        CHECK_TEXT(needs[i].name, job->invalid, needs[i].want);
        CHECK_TEXT(needs[i].name, definition->invalid, needs[i].want);
        CHECK_INT(needs[i].name, job->has_consumables, true);
    }
}

static const struct {
    const char *name, *text, *want;
} annotations[] = {
    {"nothing", NULL, ""},
    {"empty", "", ""},
    {"two", "lic=2,tok=1", "lic=2,tok=1"},
    {"edited", "lic=2,,=3,x=,y=0,z=1.5,w=-1,lic=7,v=1000000000001,u=99999999999999999999,tok=1",
     "lic=2,tok=1"},
    {"the most", "a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1,i=1,j=1,k=1,l=1,m=1,n=1,o=1,p=1,q=1",
     "a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1,i=1,j=1,k=1,l=1,m=1,n=1,o=1,p=1"},
};

TEST(what_a_pod_says_it_holds)
{
    for (size_t i = 0; i < ARRAY_LEN(annotations); i++) {
        struct consumable_needs read;
        AUTO_STR text = STR_EMPTY;
        consumable_needs_parse(annotations[i].text, &read);
        consumable_needs_print(&read, &text);
        CHECK_TEXT(annotations[i].name, str_text(&text), annotations[i].want);
        consumable_needs_done(&read);
    }
}

static struct batch_job *job_of(const char *more)
{
    AUTO_TEXT text =
        text_printf("{'metadata':{'name':'j','namespace':'ns','uid':'u'},'spec':{'jobQueue':'q',"
                    "'jobDefinition':'d'%s}}",
                    more);
    AUTO(json_object) doc = json_tokener_parse(text);
    struct batch_job *job = NULL;
    REQUIRE(doc != NULL && batch_job_decode(doc, &job, NULL) == 0 && job->invalid == NULL);
    return job;
}

/* The pod that is built, as it is read again. */
static void check_built(const char *name, const struct batch_job *job,
                        const struct job_definition *definition, const char *want)
{
    const struct pod_order order = {.job = job,
                                    .definition = definition,
                                    .template_ = &definition->template_,
                                    .name = "p",
                                    .node_name = "n",
                                    .node_uid = "nu",
                                    .environment = "e",
                                    .count = 1,
                                    .try = 1,
                                    .attempt = 1};
    AUTO(json_object) built = NULL;
    AUTO(pod) pod = NULL;
    AUTO_STR text = STR_EMPTY;
    struct err err = {0};
    REQUIRE(pod_build(&order, &built, &err) == 0 && pod_decode(built, &pod, &err) == 0);
    consumable_needs_print(&pod->consumables, &text);
    CHECK_TEXT(name, str_text(&text), want);
}

#define TAKES(list) ",'consumableResourceProperties':{'consumableResourceList':[" list "]}"

TEST(a_pod_carries_what_it_takes)
{
    AUTO(json_object)
    doc = json_tokener_parse(
        "{'metadata':{'name':'d','namespace':'ns','uid':'u'},'spec':{'template':{'spec':{"
        "'containers':[{'name':'c','image':'i'}]}}" TAKES(
            "{'consumableResource':'lic','quantity':2}") "}}");
    AUTO(job_definition) definition = NULL;
    REQUIRE(doc != NULL && job_definition_decode(doc, &definition, NULL) == 0);
    AUTO(batch_job) plain = job_of("");
    AUTO(batch_job) own = job_of(TAKES("{'consumableResource':'tok','quantity':3}"));
    AUTO(batch_job) none = job_of(TAKES(""));
    check_built("the definition's", plain, definition, "lic=2");
    check_built("the job's own", own, definition, "tok=3");
    check_built("none", none, definition, "");
}
