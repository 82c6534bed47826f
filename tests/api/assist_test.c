/* SPDX-License-Identifier: Apache-2.0 */
/* assist_test.c - which templates need the cluster's scheduler, and their pods */
#include "bulkhead/api/job.h"
#include "bulkhead/api/node.h"
#include "bulkhead/json/get.h"

#include "check.h"

#include <json-c/json_tokener.h>

#include <stdlib.h>
#include <string.h>

#define REQUIRED(kind, term)                                                                       \
    "'affinity':{'" kind "':{'requiredDuringSchedulingIgnoredDuringExecution':[" term "]}}"

/* clang-format off */
static const struct { const char *name, *spec, *scheduler; bool apart; } templates[] = {
    { "plain", "'volumes':[{'name':'a','emptyDir':{}},{'name':'b','configMap':{'name':'c'}}]", NULL, false },
    { "node affinity", "'affinity':{'nodeAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':{'nodeSelectorTerms':[{}]}}}", NULL, false },
    { "preferred", "'affinity':{'podAffinity':{'preferredDuringSchedulingIgnoredDuringExecution':[{}]}}", NULL, false },
    { "spread if it can be", "'topologySpreadConstraints':[{'whenUnsatisfiable':'ScheduleAnyway'}]", NULL, false },
    { "claim", "'volumes':[{'name':'a','persistentVolumeClaim':{'claimName':'c'}}]", "volumes", false },
    { "ephemeral", "'volumes':[{'name':'a','ephemeral':{'volumeClaimTemplate':{}}}]", "volumes", false },
    { "devices", "'resourceClaims':[{'name':'a'}]", "resourceClaims", false },
    { "near", REQUIRED("podAffinity", "{}"), "affinity.podAffinity", false },
    { "apart by zone", REQUIRED("podAntiAffinity", "{'topologyKey':'zone'}"), "affinity.podAntiAffinity", false },
    { "apart by node", REQUIRED("podAntiAffinity", "{'topologyKey':'kubernetes.io/hostname'}"), "affinity.podAntiAffinity", true },
    { "spread", "'topologySpreadConstraints':[{'whenUnsatisfiable':'DoNotSchedule'}]", "topologySpreadConstraints", false },
    { "spread by default", "'topologySpreadConstraints':[{}]", "topologySpreadConstraints", false },
};
/* clang-format on */

static struct batch_job *job_of(const char *spec)
{
    AUTO_TEXT text =
        text_printf("{'metadata':{'name':'j','namespace':'ns','uid':'u'},'spec':{'jobQueue':'q',"
                    "'template':{'spec':{'containers':[{'name':'c','image':'i'}],%s}}}}",
                    spec);
    struct batch_job *job = NULL;
    AUTO(json_object) doc = json_tokener_parse(text);
    REQUIRE(doc != NULL);
    REQUIRE(batch_job_decode(doc, &job, NULL) == 0);
    CHECK_TEXT(spec, job->invalid, NULL);
    return job;
}

TEST(what_needs_the_scheduler)
{
    for (size_t i = 0; i < ARRAY_LEN(templates); i++) {
        AUTO(batch_job) job = job_of(templates[i].spec);
        const struct placement *placement = &job->template_.placement;
        CHECK_TEXT(templates[i].name, placement->scheduler, templates[i].scheduler);
        CHECK_INT(templates[i].name, placement->apart, templates[i].apart);
    }
}

static struct json_object *spec_of_pod(const struct batch_job *job, const char *node,
                                       struct json_object **ret_pod)
{
    const struct pod_order order = {.job = job,
                                    .name = "p",
                                    .node_name = node,
                                    .environment = "e",
                                    .count = 1,
                                    .try = 1,
                                    .attempt = 1};
    REQUIRE(pod_build(&order, ret_pod, NULL) == 0);
    return json_get_object(*ret_pod, "spec");
}

TEST(a_pod_for_the_scheduler)
{
    AUTO(batch_job)
    job = job_of("'nodeSelector':{'zone':'a'},'tolerations':[{'key':'gpu','operator':'Exists'}],"
                 "'volumes':[{'name':'a','persistentVolumeClaim':{'claimName':'c'}}]");
    AUTO(json_object) pod = NULL;
    struct json_object *spec = spec_of_pod(job, NULL, &pod);
    CHECK_TRUE("no node", json_get(spec, "nodeName") == NULL);
    CHECK_TRUE("the default scheduler", json_get(spec, "schedulerName") == NULL);
    CHECK_TEXT("only there", json_print(json_get(spec, "nodeSelector")),
               "{\"zone\":\"a\",\"bulkhead.dev/compute-environment\":\"e\"}");
    struct json_object *tolerations = json_get_list(spec, "tolerations");
    CHECK_TEXT("its own", json_get_text(json_list_at(tolerations, 0), "key"), "gpu");
    CHECK_TEXT("ours", json_get_text(json_list_at(tolerations, 1), "value"), "e");
    AUTO(pod) seen = NULL;
    REQUIRE(pod_decode(pod, &seen, NULL) == 0);
    CHECK_TEXT("of no node", seen->node_uid, NULL);
    CHECK_TEXT("environment", seen->environment, "e");
}

TEST(a_pod_on_its_node)
{
    AUTO(batch_job) job = job_of("'nodeSelector':{'zone':'a'}");
    AUTO(json_object) pod = NULL;
    struct json_object *spec = spec_of_pod(job, "n1", &pod);
    CHECK_TEXT("node", json_get_text(spec, "nodeName"), "n1");
    CHECK_TEXT("as it is", json_print(json_get(spec, "nodeSelector")), "{\"zone\":\"a\"}");
}

/* clang-format off */
static const struct { const char *name, *node, *status, *reason, *message; int64_t bound_s; } waits[] = {
    { "words", "", "{'conditions':[{'type':'PodScheduled','status':'False','reason':'Unschedulable','message':'0/1 nodes'}]}", "Unschedulable", "0/1 nodes", 0 },
    { "gated", "", "{'conditions':[{'type':'PodScheduled','status':'False','reason':'SchedulingGated'}]}", "SchedulingGated", NULL, 0 },
    { "bound", "'nodeName':'n'", "{'conditions':[{'type':'PodScheduled','status':'True','lastTransitionTime':'1970-01-01T00:01:00Z'}]}", NULL, NULL, 60 },
    { "to be bound", "", "{'conditions':[{'type':'PodScheduled','status':'True','lastTransitionTime':'1970-01-01T00:01:00Z'}]}", NULL, NULL, 0 },
    { "old words", "'nodeName':'n'", "{'conditions':[{'type':'PodScheduled','status':'False','reason':'Unschedulable'}]}", NULL, NULL, 0 },
};
/* clang-format on */

TEST(the_schedulers_words)
{
    for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
        AUTO_TEXT text = text_printf("{'metadata':{'name':'p'},'spec':{%s},'status':%s}",
                                     waits[i].node, waits[i].status);
        AUTO(json_object) doc = json_tokener_parse(text);
        AUTO(pod) pod = NULL;
        REQUIRE(pod_decode(doc, &pod, NULL) == 0);
        CHECK_TEXT(waits[i].name, pod->waiting_reason, waits[i].reason);
        CHECK_TEXT(waits[i].name, pod->waiting_message, waits[i].message);
        CHECK_INT(waits[i].name, pod->scheduled_ns, waits[i].bound_s * NS_PER_S);
    }
}
