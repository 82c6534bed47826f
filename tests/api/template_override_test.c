/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a template when a job overrides parts of it. Single quotes stand for double. */
#include "bulkhead/api/template.h"

#include "check.h"

#include <json-c/json_tokener.h>

#define MAIN                                                                                       \
    "{'name':'main','image':'i','command':['a'],'args':['b'],'env':[{'name':'A','value':'1'},{'"   \
    "name':'B','value':'2'}],'resources':{'requests':{'cpu':'1','memory':'1Gi'},'limits':{'cpu':'" \
    "2'}}}"
#define SIDE "{'name':'side','image':'s'}"
#define ONE "{'spec':{'containers':[" MAIN "]}}"
#define TWO "{'metadata':{'labels':{'a':'1','b':'2'}},'spec':{'containers':[" MAIN "," SIDE "]}}"

/* want: the effective template, or what is said. */
static const struct {
    const char *name, *template_, *overrides, *want;
    int64_t cpu_milli;
} rows[] = {
    {"nothing", ONE, "{}", ONE, 1000},
    {"the only container needs no name", ONE, "{'containers':[{'image':'j'}]}",
     "{'spec':{'containers':[{'name':'main','image':'j','command':['a'],'args':['b'],'env':[{'name'"
     ":'A','value':'1'},{'name':'B','value':'2'}],'resources':{'requests':{'cpu':'1','memory':'1Gi'"
     "},'limits':{'cpu':'2'}}}]}}",
     1000},
    {"command and args are replaced", ONE,
     "{'containers':[{'name':'main','command':['x','y'],'args':[]}]}",
     "{'spec':{'containers':[{'name':'main','image':'i','command':['x','y'],'args':[],'env':[{'"
     "name':'A','value':'1'},{'name':'B','value':'2'}],'resources':{'requests':{'cpu':'1','memory':"
     "'1Gi'},'limits':{'cpu':'2'}}}]}}",
     1000},
    {"variables are merged by name, in place", ONE,
     "{'containers':[{'env':[{'name':'C','value':'3'},{'name':'A','valueFrom':{'fieldRef':{'"
     "fieldPath':'metadata.name'}}}]}]}",
     "{'spec':{'containers':[{'name':'main','image':'i','command':['a'],'args':['b'],'env':[{'name'"
     ":'A','valueFrom':{'fieldRef':{'fieldPath':'metadata.name'}}},{'name':'B','value':'2'},{'name'"
     ":'C','value':'3'}],'resources':{'requests':{'cpu':'1','memory':'1Gi'},'limits':{'cpu':'2'}}}]"
     "}}",
     1000},
    {"resources are replaced as a whole", ONE,
     "{'containers':[{'resources':{'requests':{'cpu':'4'}}}]}",
     "{'spec':{'containers':[{'name':'main','image':'i','command':['a'],'args':['b'],'env':[{'name'"
     ":'A','value':'1'},{'name':'B','value':'2'}],'resources':{'requests':{'cpu':'4'}}}]}}",
     4000},
    {"null changes nothing", ONE, "{'containers':[{'image':null,'env':null}],'metadata':null}", ONE,
     1000},
    {"labels and annotations are merged", TWO,
     "{'metadata':{'labels':{'b':'3','c':'4'},'annotations':{'d':'5'}}}",
     "{'metadata':{'labels':{'a':'1','b':'3','c':'4'},'annotations':{'d':'5'}},'spec':{'containers'"
     ":[" MAIN "," SIDE "]}}",
     1000},
    {"metadata where there was none", "{'spec':{'containers':[" SIDE "]}}",
     "{'metadata':{'labels':{'a':'1'}}}",
     "{'spec':{'containers':[" SIDE "]},'metadata':{'labels':{'a':'1'}}}", 0},
    {"one of two by name", TWO, "{'containers':[{'name':'side','image':'t'}]}",
     "{'metadata':{'labels':{'a':'1','b':'2'}},'spec':{'containers':[" MAIN
     ",{'name':'side','image':'t'}]}}",
     1000},
    {"init containers too",
     "{'spec':{'initContainers':[{'name':'in','image':'i'}],'containers':[" SIDE "]}}",
     "{'initContainers':[{'env':[{'name':'A','value':'1'}]}]}",
     "{'spec':{'initContainers':[{'name':'in','image':'i','env':[{'name':'A','value':'1'}]}],'"
     "containers':[" SIDE "]}}",
     0},
    {"unknown name", TWO, "{'containers':[{'name':'mian'}]}",
     "spec.overrides.containers[0].name: \"mian\", expected a container of the template (main, "
     "side)",
     0},
    {"no name among two", TWO, "{'containers':[{'image':'x'}]}",
     "spec.overrides.containers[0].name: required unless the template has one such container "
     "(main, side)",
     0},
    {"no init containers", ONE, "{'initContainers':[{'name':'x'}]}",
     "spec.overrides.initContainers[0].name: \"x\", expected a container of the template (there "
     "are "
     "none)",
     0},
    {"one container by name and without", ONE,
     "{'containers':[{'image':'x'},{'name':'main','image':'y'}]}",
     "spec.overrides.containers[1].name: expected each container once", 0},
};

TEST(overridden_templates)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {.kind = ERR_NONE};
        const struct json_at *at = JSON_ROOT("spec.overrides");
        AUTO(json_object) base_doc = json_tokener_parse(rows[i].template_);
        AUTO(json_object) doc = json_tokener_parse(rows[i].overrides);
        AUTO(json_object) want = json_tokener_parse(rows[i].want);
        struct pod_template base = {.json = NULL};
        struct pod_template changed = {.json = NULL};
        struct template_override override = {.json = NULL};
        REQUIRE(pod_template_decode(base_doc, JSON_ROOT("spec.template"), &base, NULL) == 0);
        REQUIRE(template_override_decode(doc, at, &override, &err) == 0);
        if (template_override_apply(&base, &override, "spec.overrides", &changed, &err) < 0) {
            CHECK_TEXT(rows[i].name, err.text, rows[i].want);
        } else {
            CHECK_TEXT(rows[i].name, changed.json, want != NULL ? json_print(want) : rows[i].want);
            CHECK_INT(rows[i].name, changed.placement.requests.cpu_milli, rows[i].cpu_milli);
        }
        pod_template_done(&base);
        pod_template_done(&changed);
        template_override_done(&override);
    }
}
