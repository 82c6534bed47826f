/* SPDX-License-Identifier: Apache-2.0 */
/* Statuses: what is written is what a person reads, and what a restart reads back. */
#include "bulkhead/api/job.h"
#include "bulkhead/json/get.h"

#include "check.h"

#include <json-c/json_tokener.h>

#include <stdlib.h>

static const int64_t now = 1700000000LL * NS_PER_S; /* 2023-11-14T22:13:20Z */

static struct object_meta meta_of(void)
{
    static char name[] = "sim", space[] = "ns", uid[] = "u-1", version[] = "77";
    return (struct object_meta){
        .name = name, .namespace_ = space, .uid = uid, .resource_version = version};
}

static const char *const stories[] = {
    /* a single job that ran twice */
    "{'observedGeneration':2,'status':'RUNNING','reason':'Running','statusReason':'on n1',"
    "'cost':{'vcpuSeconds':60,'gpuSeconds':2,'amount':'1.000250'},"
    "'startedAt':'2023-11-14T22:13:20.123456Z','attempts':2,'refusals':1,'definition':'d:3','"
    "definitionUid':'d',"
    "'dependencies':[{'jobName':'a','uid':'x','outcome':'SATISFIED'},{'jobName':'b','outcome':"
    "'WAITING'},{'jobName':'c','uid':'z','outcome':'HELD','replacement':'r'}],'replaces':{"
    "'jobName':'d','uid':'y','outcome':'SATISFIED','childrenTaken':3},'tries':[{'index':0,'try':1,'"
    "attempt':0,'pod':'p','podUid':'pu','node':'n',"
    "'nodeUid':'nu','instanceId':'i','startedAt':'2023-11-14T22:13:20.000000Z','stoppedAt':"
    "'2023-11-14T22:13:21.000000Z','exitCode':0,'reason':'r','statusReason':'s','message':'m','"
    "containers':["
    "{'name':'main','exitCode':3,'reason':'Error','message':'no such file'},"
    "{'name':'log','exitCode':0,'reason':'Completed'}]}]}",
    /* an array, cancelled */
    "{'observedGeneration':1,'status':'FAILED','reason':'Cancelled','statusReason':'not needed',"
    "'stoppedAt':'2023-11-14T22:13:20.000000Z','attempts':0,'isCancelled':true,'arrayProperties':{"
    "'size':9,'statusSummary':{'SUBMITTED':0,'PENDING':0,'RUNNABLE':0,'STARTING':0,'RUNNING':1,"
    "'SUCCEEDED':5,'FAILED':3},'failedIndexes':'1-3','failures':[{'statusReason':'s','reason':'r','"
    "exitCode':3,"
    "'attempts':4,'children':2,'indexes':'1-2'}],'otherFailedAttempts':2,'otherFailedChildren':1,"
    "'history':'eJw=','historyLeftOut':3,'encoding':'runs','data':'s1*9','refusals':"
    "'1:2'}}",
};

/* Everything of the story is in the status again; derived members and conditions are beside it. */
TEST(status_round_trip)
{
    for (size_t i = 0; i < ARRAY_LEN(stories); i++) {
        AUTO_TEXT text = text_printf("{'metadata':{'name':'sim'},'spec':{'jobQueue':'q',"
                                     "'jobDefinition':'d'},'status':%s}",
                                     stories[i]);
        AUTO(json_object) doc = json_tokener_parse(text);
        AUTO(batch_job) job = NULL;
        REQUIRE(batch_job_decode(doc, &job, NULL) == 0);
        CHECK_TEXT("valid", job->invalid, NULL);
        CHECK_INT("has a status", job->has_status, true);
        struct object_meta meta = meta_of();
        AUTO(json_object) out = batch_job_status_encode(&meta, &job->status, NULL, now);
        struct json_object *want = json_get_object(doc, "status");
        struct json_object *got = json_get_object(out, "status");
        for (const struct lh_entry *m = json_first(want); m != NULL; m = m->next) {
            struct json_object *value = json_get(got, json_key(m));
            CHECK_TEXT(json_key(m), json_print(value), json_print(json_value(m)));
        }
        AUTO(json_object) twice = batch_job_status_encode(&meta, &job->status, NULL, now);
        CHECK_TEXT("same bytes", json_print(out), json_print(twice));
    }
}

static const struct {
    const char *name;
    enum job_phase phase;
    int64_t size; /* of the array; 5 of it succeeded, 1 failed */
    const char *progress, *conditions;
} phases[] = {
    {"waits", JOB_RUNNABLE, 0, "0/1", "Ready=False Stalled=False "},
    {"runs", JOB_RUNNING, 0, "0/1", "Ready=False Stalled=False "},
    {"succeeded", JOB_SUCCEEDED, 0, "1/1", "Complete=True Ready=True Stalled=False "},
    {"failed", JOB_FAILED, 0, "1/1", "Failed=True Ready=False Stalled=True "},
    {"array", JOB_PENDING, 9, "6/9", "Ready=False Stalled=False "},
};

TEST(progress_and_conditions)
{
    for (size_t i = 0; i < ARRAY_LEN(phases); i++) {
        AUTO_STR conditions = STR_EMPTY;
        struct object_meta meta = meta_of();
        struct job_status status = {.phase = phases[i].phase,
                                    .array.size = (uint32_t)phases[i].size};
        status.array.counts[JOB_SUCCEEDED] = 5;
        status.array.counts[JOB_FAILED] = 1;
        AUTO(json_object) doc = batch_job_status_encode(&meta, &status, NULL, now);
        struct json_object *json = json_get_object(doc, "status");
        struct json_object *list = json_get_list(json, "conditions");
        for (size_t j = 0; j < json_list_count(list); j++)
            str_addf(&conditions, "%s=%s ", json_get_text(json_list_at(list, j), "type"),
                     json_get_text(json_list_at(list, j), "status"));
        CHECK_TEXT(phases[i].name, json_get_text(json, "progress"), phases[i].progress);
        CHECK_TEXT(phases[i].name, str_text(&conditions), phases[i].conditions);
        CHECK_INT("array only", json_get(json, "arrayProperties") != NULL, phases[i].size > 0);
    }
}

TEST(an_invalid_status_is_told)
{
    AUTO(json_object)
    doc =
        json_tokener_parse("{'metadata':{'name':'sim'},'spec':{'jobQueue':'q','jobDefinition':'d'},"
                           "'status':{'status':'LOST'}}");
    AUTO(batch_job) job = NULL;
    REQUIRE(batch_job_decode(doc, &job, NULL) == 0);
    CHECK_INT("has none", job->has_status, false);
    CHECK_HAS("said", job->invalid, "status.status: \"LOST\", expected SUBMITTED, PENDING,");
}

static const char *transition(struct json_object *doc)
{
    struct json_object *list = json_get_list(json_get_object(doc, "status"), "conditions");
    return json_get_text(json_list_at(list, 0), "lastTransitionTime");
}

TEST(a_transition_keeps_its_time)
{
    struct object_meta meta = meta_of();
    char message[] = "all is well";
    struct job_queue_status status = {.status = "VALID", .reason = "Healthy", .message = message};
    AUTO(json_object) first = job_queue_status_encode(&meta, &status, NULL, now);
    AUTO(json_object) same = job_queue_status_encode(&meta, &status, first, now + NS_PER_S);
    status.status = "INVALID";
    AUTO(json_object) other = job_queue_status_encode(&meta, &status, same, now + NS_PER_S);
    CHECK_TEXT("first", transition(first), "2023-11-14T22:13:20Z");
    CHECK_TEXT("same", transition(same), "2023-11-14T22:13:20Z");
    CHECK_TEXT("other", transition(other), "2023-11-14T22:13:21Z");
}

TEST(queue_environment_and_definition)
{
    struct object_meta meta = meta_of();
    char message[] = "m";
    const struct job_queue_status queue = {.observed_generation = 4,
                                           .status = "DELETING",
                                           .reason = "InUse",
                                           .message = message,
                                           .jobs = {[JOB_RUNNING] = 2},
                                           .front = {{message, 1, message, NULL, now, message}},
                                           .front_count = 1};
    AUTO(json_object) one = job_queue_status_encode(&meta, &queue, NULL, now);
    CHECK_TEXT(
        "queue", json_print(one),
        "{\"apiVersion\":\"bulkhead.dev/v1alpha1\",\"kind\":\"JobQueue\",\"metadata\":{"
        "\"name\":\"sim\",\"namespace\":\"ns\",\"uid\":\"u-1\",\"resourceVersion\":\"77\"},"
        "\"status\":{\"observedGeneration\":4,\"status\":\"DELETING\",\"reason\":\"InUse\","
        "\"statusReason\":\"m\",\"jobs\":{\"SUBMITTED\":0,\"PENDING\":0,\"RUNNABLE\":0,"
        "\"STARTING\":0,\"RUNNING\":2,\"SUCCEEDED\":0,\"FAILED\":0},\"front\":[{\"job\":\"m\","
        "\"position\":1,\"reason\":\"m\",\"earliestStart\":\"2023-11-14T22:13:20.000000Z\","
        "\"estimate\":\"m\"}],\"conditions\":[{"
        "\"type\":\"Ready\",\"status\":\"False\",\"observedGeneration\":4,"
        "\"lastTransitionTime\":\"2023-11-14T22:13:20Z\",\"reason\":\"InUse\",\"message\":"
        "\"m\"},{\"type\":\"Stalled\",\"status\":\"False\",\"observedGeneration\":4,"
        "\"lastTransitionTime\":\"2023-11-14T22:13:20Z\",\"reason\":\"NotStalled\"}]}}");

    const struct job_queue_status limited = {
        .status = "VALID",
        .reason = "JobQueueDraining",
        .draining_since_ns = now,
        .used = {.vcpus = OPT_I64(0), .memory_bytes = 3LL << 30, .jobs = OPT_I64(2)},
    };
    AUTO(json_object) used = job_queue_status_encode(&meta, &limited, NULL, now);
    CHECK_HAS("used", json_print(used),
              "\"used\":{\"vcpus\":0,\"memory\":\"3Gi\",\"runningJobs\":2},\"drainingSince\":"
              "\"2023-11-14T22:13:20.000000Z\"");

    const struct compute_environment_status environment = {
        .status = "VALID",
        .reason = "Healthy",
        .desired_vcpus = 8,
        .nodes = 2,
        .launching = {{LAUNCH_BOOTED, 3, now, message}},
        .launching_count = 1};
    AUTO(json_object) two = compute_environment_status_encode(&meta, &environment, NULL, now);
    CHECK_HAS(
        "environment", json_print(two),
        "\"desiredvCpus\":8,\"vcpus\":0,\"usedvCpus\":0,\"nodes\":2,\"nodesBooting\":0,"
        "\"launching\":[{\"step\":\"BOOTED\",\"count\":3,\"since\":\"2023-11-14T22:13:20.000000Z\","
        "\"hint\":\"m\"}],");

    const struct job_definition_status definition = {
        .status = "INVALID", .message = message, .reason = "DefinitionInvalid"};
    AUTO(json_object) three = job_definition_status_encode(&meta, &definition, NULL, now);
    CHECK_HAS("definition", json_print(three), "\"type\":\"Stalled\",\"status\":\"True\"");
}

TEST(companion_of_a_large_array)
{
    AUTO(json_object)
    doc = json_tokener_parse(
        "{'metadata':{'name':'sim','namespace':'ns','uid':'u-1'},'spec':{'jobQueue':'q',"
        "'jobDefinition':'d','arrayProperties':{'size':5}}}");
    AUTO(batch_job) job = NULL;
    REQUIRE(batch_job_decode(doc, &job, NULL) == 0);
    char encoding[] = "runs", data[] = "w0*5", refusals[] = "1:1", history[] = "eJw=";
    const struct array_status status = {.size = 5,
                                        .encoding = encoding,
                                        .data = data,
                                        .refusals = refusals,
                                        .history = history,
                                        .history_left_out = 2};
    AUTO(json_object) json = array_state_encode(job, "12", &status);
    CHECK_TEXT("written", json_print(json),
               "{\"jobUid\":\"u-1\",\"size\":5,\"history\":\"eJw=\",\"historyLeftOut\":2,"
               "\"encoding\":\"runs\",\"data\":\"w0*5\","
               "\"refusals\":\"1:1\",\"apiVersion\":\"bulkhead.dev/v1alpha1\",\"kind\":"
               "\"ArrayState\",\"metadata\":{\"name\":\"sim\",\"namespace\":\"ns\","
               "\"resourceVersion\":\"12\",\"ownerReferences\":[{\"apiVersion\":\"bulkhead.dev/"
               "v1alpha1\",\"kind\":\"BatchJob\",\"name\":\"sim\",\"uid\":\"u-1\",\"controller\":"
               "true,\"blockOwnerDeletion\":false}]}}");
    AUTO_TEXT uid = NULL;
    AUTO_TEXT version = NULL;
    struct job_status read = {.phase = JOB_PENDING};
    REQUIRE(array_state_decode(json, &uid, &read.array, &version, NULL) == 0);
    CHECK_TEXT("uid", uid, "u-1");
    CHECK_TEXT("version", version, "12");
    CHECK_INT("size", read.array.size, 5);
    CHECK_TEXT("data", read.array.data, "w0*5");
    CHECK_TEXT("refusals", read.array.refusals, "1:1");
    CHECK_TEXT("history", read.array.history, "eJw=");
    CHECK_INT("left out", read.array.history_left_out, 2);
    job_status_done(&read);
}
