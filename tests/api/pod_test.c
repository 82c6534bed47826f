/* SPDX-License-Identifier: Apache-2.0 */
/* Pods: read from the API server, and built from a template. */
#include "bulkhead/api/job.h"
#include "bulkhead/api/node.h"
#include "bulkhead/api/revision.h"
#include "bulkhead/api/template.h"
#include "bulkhead/base/str.h"

#include "check.h"

#include <json-c/json_tokener.h>

#include <stdlib.h>
#include <string.h>

static struct pod *read_pod(const char *text)
{
    struct pod *pod = NULL;
    AUTO(json_object) doc = json_tokener_parse(text);
    REQUIRE(doc != NULL);
    REQUIRE(pod_decode(doc, &pod, NULL) == 0);
    return pod;
}

TEST(a_pod_of_ours)
{
    AUTO(pod)
    pod = read_pod(
        "{'metadata':{'name':'p','namespace':'ns','uid':'pu','finalizers':['bulkhead.dev/outcome'],"
        "'labels':{'bulkhead.dev/job-uid':'ju','bulkhead.dev/job-queue':'q','bulkhead.dev/"
        "compute-environment':'e','bulkhead.dev/index':'7','bulkhead.dev/try':'3'},'annotations':{"
        "'bulkhead.dev/job':'j','bulkhead.dev/count':'2','bulkhead.dev/attempt':'1','bulkhead.dev/"
        "node-uid':'nu'},'ownerReferences':[{'kind':'BatchJob','uid':'ju','controller':true}]},"
        "'spec':{'nodeName':'n','containers':[{'name':'a','resources':{'requests':{'cpu':1}}}]},"
        "'status':{'phase':'Failed','conditions':[{'type':'DisruptionTarget','status':'True',"
        "'reason':'EvictionByEvictionAPI'}],'initContainerStatuses':[{'name':'i','state':{"
        "'terminated':{'exitCode':0,'reason':'Completed'}}}],'containerStatuses':[{'name':'a',"
        "'state':{'terminated':{'exitCode':137,'reason':'OOMKilled','message':'m','startedAt':"
        "'1970-01-01T00:01:00Z','finishedAt':'1970-01-01T00:02:00Z'}}}]}}");
    CHECK_TEXT("job", pod->job_uid, "ju");
    CHECK_TEXT("name", pod->job_name, "j");
    CHECK_TEXT("queue", pod->queue, "q");
    CHECK_TEXT("environment", pod->environment, "e");
    CHECK_TEXT("node uid", pod->node_uid, "nu");
    CHECK_INT("index", pod->index, 7);
    CHECK_INT("count", pod->count, 2);
    CHECK_INT("try", pod->try, 3);
    CHECK_INT("attempt", pod->attempt, 1);
    CHECK_INT("finalizer", pod->meta.has_finalizer, true);
    CHECK_TEXT("owner", pod->owner_kind, "BatchJob");
    CHECK_INT("phase", pod->phase, POD_FAILED);
    CHECK_TEXT("disruption", pod->disruption, "EvictionByEvictionAPI");
    CHECK_INT("began", pod->containers_started, true);
    CHECK_INT("started", pod->started_ns, 60 * NS_PER_S);
    CHECK_INT("finished", pod->finished_ns, 120 * NS_PER_S);
    CHECK_INT("exits", (int64_t)pod->exit_count, 2);
    CHECK_INT("code", pod->exits[1].exit_code, 137);
    CHECK_TEXT("reason", pod->exits[1].reason, "OOMKilled");
    CHECK_INT("cpu", pod->requests.cpu_milli, 1000);
}

/* Of a failure the end is kept, of a success the beginning. */
TEST(the_last_words_of_a_container)
{
    for (int code = 0; code < 2; code++) {
        AUTO_STR text = STR_EMPTY;
        str_addf(&text,
                 "{'metadata':{'name':'p'},'status':{'containerStatuses':[{'name':'a','state':{"
                 "'terminated':{'exitCode':%d,'message':'first ",
                 code);
        for (int i = 0; i < 2000; i++)
            str_add(&text, ".");
        str_add(&text, " last'}}}]}}");
        AUTO(pod) pod = read_pod(str_text(&text));
        const char *message = pod->exits[0].message;
        CHECK_INT("size", (int64_t)strlen(message), 1024);
        CHECK_TEXT("kept", code == 0 ? "first" : message + 1024 - 4, code == 0 ? "first" : "last");
        CHECK_INT("begins so", text_starts(message, "first"), code == 0);
    }
}

static const struct {
    const char *name, *state;
    bool began;
} starts[] = {
    {"waits", "{'waiting':{'reason':'ContainerCreating'}}", false},
    {"runs", "{'running':{'startedAt':'2026-01-01T00:00:00Z'}}", true},
    {"ran", "{'terminated':{'exitCode':1,'startedAt':'2026-01-01T00:00:00Z'}}", true},
    {"could not run",
     "{'terminated':{'exitCode':128,'reason':'StartError','startedAt':'1970-01-01T00:00:00Z'}}",
     false},
};

TEST(when_an_attempt_has_begun)
{
    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        AUTO_TEXT text = text_printf("{'metadata':{'name':'p'},'status':{'containerStatuses':[{"
                                     "'name':'a','state':%s}]}}",
                                     starts[i].state);
        AUTO(pod) pod = read_pod(text);
        CHECK_INT(starts[i].name, pod->containers_started, starts[i].began);
    }
}

TEST(a_resized_pod_counts_the_larger)
{
    AUTO(pod)
    pod = read_pod(
        "{'metadata':{'name':'p'},'spec':{'containers':[{'name':'a','resources':{'requests':{'cpu':"
        "1,'memory':'2Gi'}}}]},'status':{'containerStatuses':[{'name':'a','allocatedResources':{"
        "'cpu':2,'memory':'1Gi'},'resources':{}}]}}");
    CHECK_INT("cpu", pod->requests.cpu_milli, 2000);
    CHECK_INT("memory", pod->requests.memory_bytes, 2LL << 30);
}

TEST(a_foreign_pod_in_pieces)
{
    AUTO(pod)
    pod = read_pod("{'metadata':{'name':'p','labels':[]},'spec':{'containers':{'a':1},"
                   "'nodeName':5},'status':'x'}");
    CHECK_TEXT("no job", pod->job_uid, NULL);
    CHECK_TEXT("no node", pod->node_name, NULL);
    AUTO(json_object) nameless = json_tokener_parse("{'metadata':{}}");
    struct err err = {.kind = ERR_NONE};
    struct pod *none = NULL;
    CHECK_INT("no name", pod_decode(nameless, &none, &err), -1);
    CHECK_TEXT("said", err.text, "pod: metadata.name: required");
}

/* ---- building ---- */

static struct batch_job *job_of(const char *spec)
{
    struct batch_job *job = NULL;
    AUTO_TEXT text =
        text_printf("{'metadata':{'name':'sim','namespace':'ns','uid':'u-1'},'spec':%s}", spec);
    AUTO(json_object) doc = json_tokener_parse(text);
    REQUIRE(doc != NULL);
    REQUIRE(batch_job_decode(doc, &job, NULL) == 0);
    CHECK_TEXT("valid", job->invalid, NULL);
    return job;
}

static struct pod_order order_of(const struct batch_job *job)
{
    return (struct pod_order){.job = job,
                              .name = "sim-1",
                              .node_name = "n1",
                              .node_uid = "nu",
                              .environment = "e",
                              .index = 0,
                              .count = 1,
                              .try = 2,
                              .attempt = 1};
}

static const char *golden_single =
    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"sim-1\",\"namespace\":\"n"
    "s\",\"labels\":{\"app\":\"x\",\"bulkhead.dev/job-uid\":\"u-1\",\"bulkhead.dev/job-queue\":"
    "\"q\",\"bulkhead.dev/compute-environment\":\"e\",\"bulkhead.dev/index\":\"0\",\"bulkhead.d"
    "ev/try\":\"2\"},\"annotations\":{\"bulkhead.dev/job\":\"sim\""
    ",\"bulkhead.dev/count\":\"1\",\"bulkhead.dev/attempt\":\"1\",\"bulkhead.dev/node-uid\":\"n"
    "u\"},\"finalizers\":[\"bulkhead.dev/outcome\"],\"ownerReferences\":[{\"apiVersion\":\"bulk"
    "head.dev/v1alpha1\",\"kind\":\"BatchJob\",\"name\":\"sim\",\"uid\":\"u-1\",\"controller\":"
    "true,\"blockOwnerDeletion\":false}]},\"spec\":{\"activeDeadlineSeconds\":600,\"nodeName\":"
    "\"n1\",\"restartPolicy\":\"Never\",\"tolerations\":[{\"key\":\"own\",\"operator\":\"Exists"
    "\"},{\"key\":\"bulkhead.dev/compute-environment\",\"operator\":\"Equal\",\"value\":\"e\"},"
    "{\"key\":\"node.kubernetes.io/not-ready\",\"operator\":\"Exists\",\"effect\":"
    "\"NoExecute\",\"tolerationSeconds\":60},{\"key\":\"node.kubernetes.io/unreachable\","
    "\"operator\":\"Exists\",\"effect\":\"NoExecute\",\"tolerationSeconds\":60}]"
    ",\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"env\":[{\"name\":\"AWS_BATCH_JOB_ID\","
    "\"value\":\"u-1\"},{\"name\":\"AWS_BATCH_JOB_ATTEMPT\",\"value\":\"1\"},{\"name\":\"AWS_BA"
    "TCH_JQ_NAME\",\"value\":\"q\"},{\"name\":\"BULKHEAD_JOB_NAME\",\"value\":\"sim\"},{"
    "\"name\":\"BULKHEAD_JOB_UID\",\"value\":\"u-1\"},{\"name\":\"AWS_BATCH_CE_NAME\",\"value\":"
    "\"e\"},{\"name\":"
    "\"AWS_BATCH_JOB_KUBERNETES_NODE_UID\",\"value\":\"nu\"},{\"name\":\"A\",\"value\":\"1\"}],"
    "\"terminationMessagePolicy\":\"File\"}]}}";

TEST(a_single_pod)
{
    AUTO(batch_job)
    job = job_of(
        "{'jobQueue':'q','template':{'metadata':{'labels':{'app':'x'}},'spec':{'restartPolicy':"
        "'Never','activeDeadlineSeconds':900,'tolerations':[{'key':'own','operator':'Exists'}],"
        "'containers':[{'name':'c','image':'i','env':[{'name':'A','value':'1'}],"
        "'terminationMessagePolicy':'File'}]}}}");
    struct pod_order order = order_of(job);
    AUTO(json_object) pod = NULL;
    order.active_deadline_s = 600;
    REQUIRE(pod_build(&order, &pod, NULL) == 0);
    CHECK_TEXT("pod", json_print(pod), golden_single);
    AUTO(json_object) priced = NULL;
    order.price = 96000;
    REQUIRE(pod_build(&order, &priced, NULL) == 0);
    CHECK_HAS("priced", json_print(priced),
              "\"sim\",\"bulkhead.dev/price-per-hour\":\"0.096000\",\"bulkhead.dev/count\"");
}

/* How long a pod stays on a silent node is the template's to say, if it says anything. */
static const struct {
    const char *name, *own, *want;
} graces[] = {
    {"none of its own", "[]", "not-ready 60 unreachable 60"},
    {"another taint", "[{'key':'k','operator':'Exists','effect':'NoExecute'}]",
     "not-ready 60 unreachable 60"},
    {"another effect",
     "[{'key':'node.kubernetes.io/not-ready','operator':'Exists','effect':'NoSchedule'}]",
     "not-ready 60 unreachable 60"},
    {"one of the two",
     "[{'key':'node.kubernetes.io/unreachable','operator':'Exists','effect':'NoExecute',"
     "'tolerationSeconds':600}]",
     "unreachable 600 not-ready 60"},
    {"for ever", "[{'key':'node.kubernetes.io/not-ready','operator':'Exists'}]",
     "not-ready 0 unreachable 60"},
    {"everything", "[{'operator':'Exists'}]", ""},
};

TEST(how_long_on_a_silent_node)
{
    for (size_t i = 0; i < ARRAY_LEN(graces); i++) {
        AUTO_TEXT text =
            text_printf("{'jobQueue':'q','template':{'spec':{'tolerations':%s,'containers':[{"
                        "'name':'c','image':'i'}]}}}",
                        graces[i].own);
        AUTO(batch_job) job = job_of(text);
        struct pod_order order = order_of(job);
        AUTO(json_object) pod = NULL;
        AUTO_STR got = STR_EMPTY;
        REQUIRE(pod_build(&order, &pod, NULL) == 0);
        struct json_object *list = json_get_list(json_get(pod, "spec"), "tolerations");
        for (size_t t = 0; t < json_list_count(list); t++) {
            struct json_object *item = json_list_at(list, t);
            const char *key = json_get_text(item, "key");
            const char *effect = json_get_text(item, "effect");
            if (key == NULL || !text_starts(key, "node.kubernetes.io/") ||
                text_eq(effect, "NoSchedule"))
                continue;
            str_addf(&got, "%s%s %lld", got.size > 0 ? " " : "",
                     key + strlen("node.kubernetes.io/"),
                     (long long)json_get_i64(item, "tolerationSeconds", 0));
        }
        CHECK_TEXT(graces[i].name, str_text(&got), graces[i].want);
    }
}

/* Where in the pod, and what is there. */
static const char *container_text(struct json_object *pod, const char *list, size_t i,
                                  const char *key)
{
    struct json_object *spec = json_get_object(pod, "spec");
    struct json_object *container = json_list_at(json_get_list(spec, list), i);
    return json_print(json_get(container, key));
}

TEST(a_child_of_an_array)
{
    AUTO(batch_job)
    job = job_of(
        "{'jobQueue':'q','arrayProperties':{'size':20},'template':{'spec':{'initContainers':[{"
        "'name':'i','image':'i'}],'containers':[{'name':'c','image':'i'}]}}}");
    struct pod_order order = order_of(job);
    AUTO(json_object) pod = NULL;
    order.index = 17;
    REQUIRE(pod_build(&order, &pod, NULL) == 0);
    const char *env = container_text(pod, "initContainers", 0, "env");
    CHECK_HAS("id", env, "{\"name\":\"AWS_BATCH_JOB_ID\",\"value\":\"u-1:17\"}");
    CHECK_HAS("index", env, "{\"name\":\"AWS_BATCH_JOB_ARRAY_INDEX\",\"value\":\"17\"}");
    CHECK_HAS("size", env, "{\"name\":\"AWS_BATCH_JOB_ARRAY_SIZE\",\"value\":\"20\"}");
    CHECK_TEXT("both", container_text(pod, "containers", 0, "env"), env);
    CHECK_TEXT("message", container_text(pod, "containers", 0, "terminationMessagePolicy"),
               "\"FallbackToLogsOnError\"");
    CHECK_TRUE("no deadline", json_get(json_get(pod, "spec"), "activeDeadlineSeconds") == NULL);
}

TEST(nodes_of_a_multi_node_job)
{
    AUTO(batch_job)
    job = job_of(
        "{'jobQueue':'q','nodeProperties':{'numNodes':4,'mainNode':1,'nodeRangeProperties':["
        "{'targetNodes':':3','template':{'spec':{'containers':[{'name':'c','image':'all'}]}}},"
        "{'targetNodes':'1','template':{'spec':{'containers':[{'name':'c','image':'main'}]}}}"
        "]}}");
    struct pod_order order = order_of(job);
    AUTO(json_object) main_pod = NULL;
    AUTO(json_object) other = NULL;
    order.nodes = &job->nodes;
    order.index = 1;
    REQUIRE(pod_build(&order, &main_pod, NULL) == 0);
    order.index = 3;
    order.main_address = "10.0.0.7";
    REQUIRE(pod_build(&order, &other, NULL) == 0);
    const char *env = container_text(main_pod, "containers", 0, "env");
    CHECK_HAS("id", env, "{\"name\":\"AWS_BATCH_JOB_ID\",\"value\":\"u-1#1\"}");
    CHECK_TRUE("no address", strstr(env, "PRIVATE_IPV4") == NULL);
    CHECK_TEXT("narrowest", container_text(main_pod, "containers", 0, "image"), "\"main\"");
    env = container_text(other, "containers", 0, "env");
    CHECK_HAS("index", env, "{\"name\":\"AWS_BATCH_JOB_NODE_INDEX\",\"value\":\"3\"}");
    CHECK_HAS("count", env, "{\"name\":\"AWS_BATCH_JOB_NUM_NODES\",\"value\":\"4\"}");
    CHECK_HAS("main", env, "{\"name\":\"AWS_BATCH_JOB_MAIN_NODE_INDEX\",\"value\":\"1\"}");
    CHECK_HAS("address", env,
              "{\"name\":\"AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS\",\"value\":\"10.0.0.7\"}");
    CHECK_TEXT("widest", container_text(other, "containers", 0, "image"), "\"all\"");
    CHECK_HAS("own name", env,
              "{\"name\":\"BULKHEAD_JOB_NODE_NAME\","
              "\"value\":\"sim-u-1-3.sim-u-1.ns.svc\"}");
    CHECK_HAS("main's name", env,
              "{\"name\":\"BULKHEAD_JOB_MAIN_NODE_NAME\","
              "\"value\":\"sim-u-1-1.sim-u-1.ns.svc\"}");
    CHECK_HAS("others' names", env, "{\"name\":\"BULKHEAD_JOB_SERVICE\",\"value\":\"sim-u-1\"}");
    struct json_object *spec = json_get_object(other, "spec");
    CHECK_TEXT("hostname", json_get_text(spec, "hostname"), "sim-u-1-3");
    CHECK_TEXT("subdomain", json_get_text(spec, "subdomain"), "sim-u-1");
}

static const struct {
    const char *name, *argument, *want;
} references[] = {
    {"whole", "Ref::in", "[\"job\"]"},
    {"inside", "--x=Ref::in/Ref::codec.", "[\"--x=job/mp4.\"]"},
    {"the job's wins", "Ref::both", "[\"of the job\"]"},
    {"longest name", "Ref::input", "[\"long\"]"},
    {"unmatched stays", "a Ref::none b", "[\"a Ref::none b\"]"},
    {"once", "Ref::loop", "[\"Ref::in\"]"},
    {"nothing after", "Ref::", "[\"Ref::\"]"},
    {"twice", "Ref::Ref::in", "[\"Ref::job\"]"},
    {"quotes", "Ref::quote", "[\"a\\\"b\\\\\"]"},
    {"two make a marker", "Ref::half1Ref::half2", "[\"@bulkhead-0-a@\"]"},
};

TEST(parameters)
{
    for (size_t i = 0; i < ARRAY_LEN(references); i++) {
        AUTO(batch_job)
        job = job_of("{'jobQueue':'q','jobDefinition':'d','parameters':{'in':'job','input':'long',"
                     "'both':'of the job','loop':'Ref::in','quote':'a\\\"b\\\\','half1':'@bulk',"
                     "'half2':'head-0-a@'}}");
        AUTO_TEXT text = text_printf(
            "{'metadata':{'name':'d'},'spec':{'parameters':{'codec':'mp4','both':'x'},'template':{"
            "'spec':{'containers':[{'name':'c','image':'i','args':['%s']}]}}}}",
            references[i].argument);
        AUTO(json_object) doc = json_tokener_parse(text);
        AUTO(job_definition) definition = NULL;
        REQUIRE(job_definition_decode(doc, &definition, NULL) == 0);
        struct pod_order order = order_of(job);
        AUTO(json_object) pod = NULL;
        order.definition = definition;
        REQUIRE(pod_build(&order, &pod, NULL) == 0);
        CHECK_TEXT(references[i].name, container_text(pod, "containers", 0, "args"),
                   references[i].want);
    }
}

TEST(a_pod_tells_its_revision)
{
    AUTO(batch_job) job = job_of("{'jobQueue':'q','jobDefinition':'d'}");
    AUTO(json_object)
    doc = json_tokener_parse(
        "{'metadata':{'name':'d-u1-2','namespace':'ns','uid':'u7'},'revision':2,'data':{"
        "'jobDefinition':{'name':'d','uid':'u1'},'spec':{'template':{'spec':{'containers':[{"
        "'name':'c','image':'i'}]}}}}}");
    AUTO(job_definition) revision = NULL;
    REQUIRE(definition_revision_decode(doc, &revision, NULL) == 0);
    struct pod_order order = order_of(job);
    AUTO(json_object) made = NULL;
    order.definition = revision;
    REQUIRE(pod_build(&order, &made, NULL) == 0);
    AUTO(pod) pod = NULL;
    REQUIRE(pod_decode(made, &pod, NULL) == 0);
    CHECK_TEXT("revision", pod->definition, "d:2");
    CHECK_TEXT("of", pod->definition_uid, "u1");
}

/* The builder is what the controller uses; it must agree with pod_build for every pod of a job. */
TEST(one_builder_many_pods)
{
    AUTO(batch_job)
    job =
        job_of("{'jobQueue':'q','arrayProperties':{'size':100},'template':{'spec':{'containers':[{"
               "'name':'c','image':'@bulkhead-0-a@','command':['@bulkhead-1-b@']}]}}}");
    struct pod_order order = order_of(job);
    AUTO(pod_builder) builder = pod_builder_new(&order, NULL);
    for (uint32_t i = 0; i < 100; i++) {
        AUTO_STR text = STR_EMPTY;
        AUTO(json_object) pod = NULL;
        order.index = i;
        order.attempt = i % 10;
        order.active_deadline_s = i % 3;
        pod_builder_print(builder, &order, &text);
        REQUIRE(pod_build(&order, &pod, NULL) == 0);
        CHECK_TEXT("same", str_text(&text), json_print(pod));
        CHECK_TEXT("image", container_text(pod, "containers", 0, "image"), "\"@bulkhead-0-a@\"");
    }
}
