/* SPDX-License-Identifier: Apache-2.0 */
/* What a pod asks for, and where it may go, against Kubernetes' own rules. */
#include "bulkhead/api/node.h"
#include "bulkhead/api/template.h"
#include "bulkhead/json/get.h"

#include "check.h"

#include <json-c/json_tokener.h>

#define C(requests) "{'name':'c','resources':{'requests':{" requests "}}}"
#define L(limits) "{'name':'c','resources':{'limits':{" limits "}}}"
#define SIDE(requests)                                                                             \
    "{'name':'s','restartPolicy':'Always','resources':{'requests':{" requests "}}}"

static const struct {
    const char *name, *spec, *want;
} sums[] = {
    {"nothing", "{'containers':[{}]}", "nothing"},
    {"sum of containers",
     "{'containers':[" C("'cpu':'1','memory':'1Gi'") "," C("'cpu':'250m'") "]}",
     "cpu 1250m, memory 1Gi"},
    {"a limit is a request", "{'containers':[" L("'cpu':2,'nvidia.com/gpu':1") "]}",
     "cpu 2, nvidia.com/gpu 1"},
    {"a request beats its limit",
     "{'containers':[{'resources':{'limits':{'cpu':2,'memory':'2Gi'},'requests':{'cpu':'1'}}}]}",
     "cpu 1, memory 2Gi"},
    {"init takes the most",
     "{'containers':[" C("'cpu':1") "],'initContainers':[" C("'cpu':3") "," C("'cpu':2") "]}",
     "cpu 3"},
    {"per resource",
     "{'containers':[" C("'cpu':1,'memory':'4Gi'") "],'initContainers':[" C(
         "'cpu':3,'memory':1") "]}",
     "cpu 3, memory 4Gi"},
    {"sidecars run along",
     "{'containers':[" C("'cpu':1") "],'initContainers':[" SIDE("'cpu':2") "]}", "cpu 3"},
    {"init after a sidecar",
     "{'containers':[" C("'cpu':1") "],'initContainers':[" SIDE("'cpu':2") "," C("'cpu':4") "]}",
     "cpu 6"},
    {"init before a sidecar",
     "{'containers':[" C("'cpu':1") "],'initContainers':[" C("'cpu':4") "," SIDE("'cpu':2") "]}",
     "cpu 4"},
    {"overhead", "{'containers':[" C("'cpu':1") "],'overhead':{'cpu':'100m','memory':'64Mi'}}",
     "cpu 1100m, memory 64Mi"},
    {"pod level",
     "{'containers':[" C("'cpu':1,'memory':'1Gi','nvidia.com/gpu':1") "],'resources':{"
                                                                      "'requests':{'cpu':'3','"
                                                                      "nvidia.com/gpu':'9'}}}",
     "cpu 3, memory 1Gi, nvidia.com/gpu 1"},
    {"pod level limit alone", "{'containers':[{}],'resources':{'limits':{'cpu':'3'}}}", "cpu 3"},
    {"containers beat the pod's limit",
     "{'containers':[" C("'cpu':1") "],'resources':{'limits':{'cpu':'3','hugepages-2Mi':'4Mi'}}}",
     "cpu 1, hugepages-2Mi 4194304"},
    {"a request of nothing keeps the pod's limit out",
     "{'containers':[" C("'cpu':'0'") "],'resources':{'limits':{'cpu':'3'}}}", "nothing"},
    {"halves of a byte are summed before they are rounded",
     "{'containers':[" C("'memory':'0.5'") "," C("'memory':'0.5'") "]}", "memory 1"},
    {"the pod's own request is summed before the API server rounds",
     "{'containers':[" C("'cpu':'0.5m'") "," C(
         "'cpu':'0.5m'") "],'resources':{'limits':{'cpu':1}}}",
     "cpu 1m"},
    {"blanks around a quantity, and null", "{'containers':[" C("'cpu':' 1 ','memory':null") "]}",
     "cpu 1"},
    {"rounded up", "{'containers':[" C("'cpu':'0.0001','memory':'0.5'") "]}", "cpu 1m, memory 1"},
    {"too much saturates", "{'containers':[" C("'memory':'8Ei'") "," C("'memory':'8Ei'") "]}",
     "memory 9223372036854775807"},
};

TEST(requests)
{
    for (size_t i = 0; i < ARRAY_LEN(sums); i++) {
        struct placement placement = {.has_affinity = false};
        AUTO_STR text = STR_EMPTY;
        AUTO(json_object) spec = json_tokener_parse(sums[i].spec);
        REQUIRE(placement_decode(spec, &placement, NULL) == 0);
        resources_print(&placement.requests, &text);
        CHECK_TEXT(sums[i].name, str_text(&text), sums[i].want);
        CHECK_INT(sums[i].name, placement.requests.pods, 1);
        placement_done(&placement);
    }
}

/* ---- a pod that is being resized: container c asks for 2 CPUs ---- */

static const struct {
    const char *name, *status, *want;
} resized[] = {
    {"no status", "{}", "cpu 2"},
    {"more is allocated still",
     "{'containerStatuses':[{'name':'c','allocatedResources':{'cpu':3},'resources':{}}]}", "cpu 3"},
    {"more is in use still",
     "{'containerStatuses':[{'name':'c','resources':{'requests':{'cpu':4}}}]}", "cpu 4"},
    {"a kubelet that does not tell what is in use does not resize",
     "{'containerStatuses':[{'name':'c','allocatedResources':{'cpu':3}}]}", "cpu 2"},
    {"what will never be given does not count",
     "{'conditions':[{'type':'PodResizePending','reason':'Infeasible'}],'containerStatuses':"
     "[{'name':'c','allocatedResources':{'cpu':1},'resources':{'requests':{'cpu':1}}}]}",
     "cpu 1"},
    {"what is only put off does",
     "{'conditions':[{'type':'PodResizePending','reason':'Deferred'}],'containerStatuses':"
     "[{'name':'c','allocatedResources':{'cpu':1},'resources':{'requests':{'cpu':1}}}]}",
     "cpu 2"},
};

TEST(resized_pods)
{
    for (size_t i = 0; i < ARRAY_LEN(resized); i++) {
        struct resources requests = {.cpu_milli = 0};
        AUTO_STR text = STR_EMPTY;
        AUTO(json_object) spec = json_tokener_parse("{'containers':[" C("'cpu':2") "]}");
        AUTO(json_object) status = json_tokener_parse(resized[i].status);
        REQUIRE(pod_requests_decode(spec, status, NULL, &requests, NULL) == 0);
        resources_print(&requests, &text);
        CHECK_TEXT(resized[i].name, str_text(&text), resized[i].want);
        resources_done(&requests);
    }
}

TEST(runtime_class)
{
    AUTO(runtime_class) class_ = NULL;
    AUTO_STR text = STR_EMPTY;
    struct placement placement;
    AUTO(json_object)
    doc = json_tokener_parse(
        "{'metadata':{'name':'vm'},'handler':'kata','overhead':{'podFixed':{'cpu':'250m'}},"
        "'scheduling':{'nodeSelector':{'vm':'yes','zone':'b'},"
        "'tolerations':[{'key':'vm','operator':'Exists'}]}}");
    AUTO(json_object)
    spec = json_tokener_parse(
        "{'runtimeClassName':'vm','nodeSelector':{'zone':'a'},'containers':[" C("'cpu':1") "]}");
    REQUIRE(runtime_class_decode(doc, &class_, NULL) == 0);
    REQUIRE(placement_decode(spec, &placement, NULL) == 0);
    CHECK_TEXT("its name", placement.runtime_class, "vm");
    placement_add_runtime(&placement, &class_->adds);
    resources_print(&placement.requests, &text);
    CHECK_TEXT("overhead", str_text(&text), "cpu 1250m");
    CHECK_INT("still one pod", placement.requests.pods, 1);
    CHECK_TEXT("its selector", key_values_get(&placement.node_selector, "vm"), "yes");
    CHECK_TEXT("the pod's own stays", key_values_get(&placement.node_selector, "zone"), "a");
    CHECK_INT("tolerations", placement.tolerations.count, 1);
    placement_done(&placement);

    AUTO(json_object)
    with = json_tokener_parse(
        "{'runtimeClassName':'vm','overhead':{'cpu':'250m'},'containers':[" C("'cpu':1") "]}");
    REQUIRE(placement_decode(with, &placement, NULL) == 0);
    placement_add_runtime(&placement, &class_->adds);
    CHECK_INT("overhead that the pod names itself counts once", placement.requests.cpu_milli, 1250);
    placement_done(&placement);
}

/* ---- node affinity: node n1 with labels zone=a, cores=16, word=x ---- */

#define TERM(expression) "[{'matchExpressions':[" expression "]}]"
#define EXPR(key, op, values) "{'key':'" key "','operator':'" op "','values':[" values "]}"
static const struct {
    const char *name, *terms;
    bool want;
} terms[] = {
    {"in", TERM(EXPR("zone", "In", "'b','a'")), true},
    {"not in the list", TERM(EXPR("zone", "In", "'b'")), false},
    {"in, absent", TERM(EXPR("none", "In", "'a'")), false},
    {"not in", TERM(EXPR("zone", "NotIn", "'b'")), true},
    {"not in, there", TERM(EXPR("zone", "NotIn", "'a'")), false},
    {"not in, absent", TERM(EXPR("none", "NotIn", "'a'")), true},
    {"exists", TERM(EXPR("zone", "Exists", "")), true},
    {"exists, absent", TERM(EXPR("none", "Exists", "")), false},
    {"does not exist", TERM(EXPR("zone", "DoesNotExist", "")), false},
    {"does not exist, absent", TERM(EXPR("none", "DoesNotExist", "")), true},
    {"more", TERM(EXPR("cores", "Gt", "'15'")), true},
    {"more, equal", TERM(EXPR("cores", "Gt", "'16'")), false},
    {"less", TERM(EXPR("cores", "Lt", "'17'")), true},
    {"less, absent", TERM(EXPR("none", "Lt", "'17'")), false},
    {"more than no number", TERM(EXPR("cores", "Gt", "'x'")), false},
    {"no number", TERM(EXPR("word", "Gt", "'1'")), false},
    {"two bounds", TERM(EXPR("cores", "Gt", "'1','2'")), false},
    {"unknown operator", TERM(EXPR("zone", "Like", "'a'")), false},
    {"all expressions", TERM(EXPR("zone", "In", "'a'") "," EXPR("word", "In", "'y'")), false},
    {"any term",
     "[{'matchExpressions':[" EXPR("zone", "In", "'b'") "]},{'matchExpressions':[" EXPR(
         "zone", "In", "'a'") "]}]",
     true},
    {"no terms", "[]", false},
    {"empty term", "[{}]", false},
    {"name", "[{'matchFields':[" EXPR("metadata.name", "In", "'n1'") "]}]", true},
    {"other name", "[{'matchFields':[" EXPR("metadata.name", "In", "'n2'") "]}]", false},
    {"not the name", "[{'matchFields':[" EXPR("metadata.name", "NotIn", "'n2'") "]}]", true},
    {"two names", "[{'matchFields':[" EXPR("metadata.name", "In", "'n1','n2'") "]}]", false},
    {"other field", "[{'matchFields':[" EXPR("metadata.uid", "In", "'n1'") "]}]", false},
};

static bool matches(const char *spec_text)
{
    struct placement placement = {.has_affinity = false};
    struct key_values labels = {NULL, 0};
    AUTO(json_object) spec = json_tokener_parse(spec_text);
    key_values_set(&labels, "zone", "a");
    key_values_set(&labels, "cores", "16");
    key_values_set(&labels, "word", "x");
    REQUIRE(placement_decode(spec, &placement, NULL) == 0);
    bool result = placement_matches(&placement, "n1", &labels);
    placement_done(&placement);
    key_values_done(&labels);
    return result;
}

TEST(node_affinity)
{
    for (size_t i = 0; i < ARRAY_LEN(terms); i++) {
        AUTO_TEXT spec = text_printf("{'affinity':{'nodeAffinity':{"
                                     "'requiredDuringSchedulingIgnoredDuringExecution':{"
                                     "'nodeSelectorTerms':%s}}}}",
                                     terms[i].terms);
        CHECK_INT(terms[i].name, matches(spec), terms[i].want);
    }
}

TEST(node_selector)
{
    CHECK_INT("none", matches("{}"), true);
    CHECK_INT("equal", matches("{'nodeSelector':{'zone':'a','word':'x'}}"), true);
    CHECK_INT("other", matches("{'nodeSelector':{'zone':'b'}}"), false);
    CHECK_INT("absent", matches("{'nodeSelector':{'none':''}}"), false);
}

/* ---- taints ---- */

static const struct {
    const char *name, *tolerations, *taint; /* want is the fourth */
    bool want;
} taints[] = {
    {"none", "[]", "{'key':'k','value':'v','effect':'NoSchedule'}", false},
    {"equal", "[{'key':'k','value':'v'}]", "{'key':'k','value':'v','effect':'NoSchedule'}", true},
    {"other value", "[{'key':'k','operator':'Equal','value':'w'}]",
     "{'key':'k','value':'v','effect':'NoSchedule'}", false},
    {"exists", "[{'key':'k','operator':'Exists'}]", "{'key':'k','value':'v','effect':'NoExecute'}",
     true},
    {"every taint", "[{'operator':'Exists'}]", "{'key':'k','effect':'NoExecute'}", true},
    {"other effect", "[{'key':'k','operator':'Exists','effect':'NoExecute'}]",
     "{'key':'k','effect':'NoSchedule'}", false},
    {"empty value", "[{'key':'k'}]", "{'key':'k','effect':'NoSchedule'}", true},
    {"unknown operator", "[{'key':'k','operator':'Gt','value':'v'}]",
     "{'key':'k','value':'v','effect':'NoSchedule'}", false},
    {"preferred does not block", "[]", "{'key':'k','effect':'PreferNoSchedule'}", true},
};

TEST(tolerations)
{
    for (size_t i = 0; i < ARRAY_LEN(taints); i++) {
        struct placement placement = {.has_affinity = false};
        AUTO_TEXT spec_text = text_printf("{'tolerations':%s}", taints[i].tolerations);
        AUTO_TEXT node_text =
            text_printf("{'metadata':{'name':'n'},'spec':{'taints':[%s]}}", taints[i].taint);
        AUTO(json_object) spec = json_tokener_parse(spec_text);
        AUTO(json_object) node_doc = json_tokener_parse(node_text);
        AUTO(node) node = NULL;
        REQUIRE(placement_decode(spec, &placement, NULL) == 0);
        REQUIRE(node_decode(node_doc, &node, NULL) == 0);
        bool free_to_go = taints_blocking(&node->taints, &placement.tolerations, NULL) == NULL;
        CHECK_INT(taints[i].name, free_to_go, taints[i].want);
        CHECK_TRUE("ignored", taints_blocking(&node->taints, &placement.tolerations, "k") == NULL);
        placement_done(&placement);
    }
}

TEST(copies_are_equal)
{
    AUTO(json_object)
    spec = json_tokener_parse(
        "{'containers':[{'ports':[{'hostPort':80},{'containerPort':9}],'resources':{'requests':{"
        "'cpu':1,'x.y/z':2}}}],'nodeSelector':{'a':'b'},'tolerations':[{'key':'k'}],'affinity':{"
        "'nodeAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':{'nodeSelectorTerms':[{"
        "'matchExpressions':[{'key':'a','operator':'In','values':['x','y']}]}]}}},"
        "'resourceClaims':[{}]}");
    struct placement one = {.has_affinity = false};
    struct placement two = {.has_affinity = false};
    REQUIRE(placement_decode(spec, &one, NULL) == 0);
    placement_copy(&two, &one);
    CHECK_TRUE("equal", placement_equal(&one, &two));
    CHECK_TRUE("hash", placement_hash(&one) == placement_hash(&two));
    CHECK_INT("host ports", (int64_t)two.host_port_count, 1);
    CHECK_TEXT("scheduler", two.scheduler, "resourceClaims");
    two.requests.cpu_milli++;
    CHECK_TRUE("not equal", !placement_equal(&one, &two));
    CHECK_TRUE("other hash", placement_hash(&one) != placement_hash(&two));
    placement_done(&one);
    placement_done(&two);
}

TEST(daemon_sets)
{
    AUTO(json_object)
    doc = json_tokener_parse(
        "{'metadata':{'name':'d'},'spec':{'template':{'spec':{'hostNetwork':true,'containers':[{"
        "'ports':[{'containerPort':9100}],'resources':{'requests':{'cpu':'100m'}}}]}}}}");
    AUTO(daemon_set) set = NULL;
    REQUIRE(daemon_set_decode(doc, &set, NULL) == 0);
    const struct taint unschedulable = {(char[]){"node.kubernetes.io/unschedulable"}, NULL,
                                        (char[]){"NoSchedule"}};
    const struct taint not_ready = {(char[]){"node.kubernetes.io/not-ready"}, NULL,
                                    (char[]){"NoSchedule"}};
    CHECK_INT("added", (int64_t)set->placement.tolerations.count, 7);
    CHECK_INT("cpu", set->placement.requests.cpu_milli, 100);
    CHECK_INT("host port", set->placement.host_ports[0], 9100);
    CHECK_INT("cordoned", taint_tolerated(&unschedulable, &set->placement.tolerations), true);
    CHECK_INT("not ready", taint_tolerated(&not_ready, &set->placement.tolerations), false);
}
