/* SPDX-License-Identifier: Apache-2.0 */
/* What is said about specs that cannot be used. Documents are written with single quotes. */
#include "bulkhead/api/job.h"
#include "bulkhead/json/get.h"

#include "check.h"

#include <json-c/json_tokener.h>

static struct json_object *with_spec(const char *spec)
{
    AUTO_TEXT text = text_printf(
        "{'metadata':{'name':'me','namespace':'ns','uid':'u1','generation':3},'spec':%s}", spec);
    struct json_object *doc = json_tokener_parse(text);
    REQUIRE(doc != NULL);
    return doc;
}

#define POD "{'spec':{'containers':[{'name':'c','image':'i'}]}}"
#define NODES(count, main, ranges)                                                                 \
    "{'jobQueue':'q','nodeProperties':{'numNodes':" count ",'mainNode':" main                      \
    ",'nodeRangeProperties':[" ranges "]}}"
#define RANGE(target) "{'targetNodes':'" target "','template':" POD "}"
#define NAMED(key)                                                                                 \
    "{'targetNodes':'0:','template':{'spec':{'" key                                                \
    "':'x','containers':[{'name':'c','image':'i'}]"                                                \
    "}}}"
#define JOB(more) "{'jobQueue':'q','jobDefinition':'d'" more "}"
#define SPEC(more) "{'template':{'spec':{'containers':[{'name':'c','image':'i'}]" more "}}}"
#define CONTAINER(more) "{'template':{'spec':{'containers':[{'name':'c','image':'i'" more "}]}}}"

/* want NULL: valid. */
struct row {
    const char *name, *spec, *want;
};

static const struct row jobs[] = {
    {"by definition", JOB(), NULL},
    {"by revision", "{'jobQueue':'q','jobDefinition':'a.d-1:31'}", NULL},
    {"revision 0", "{'jobQueue':'q','jobDefinition':'d:0'}",
     "spec.jobDefinition: \"d:0\", expected a JobDefinition's name, or name:revision"},
    {"no revision", "{'jobQueue':'q','jobDefinition':'d:'}",
     "spec.jobDefinition: \"d:\", expected a JobDefinition's name, or name:revision"},
    {"by template", "{'jobQueue':'q','template':" POD "}", NULL},
    {"no spec", "null", "spec: null, expected an object"},
    {"no queue", "{'jobDefinition':'d'}", "spec.jobQueue: required"},
    {"queue's name", "{'jobQueue':'Q','jobDefinition':'d'}",
     "spec.jobQueue: \"Q\", expected an object's name (a-z, 0-9, - and .)"},
    {"neither", "{'jobQueue':'q'}",
     "spec: expected one of jobDefinition, template and nodeProperties"},
    {"both", JOB(",'template':" POD),
     "spec: expected one of jobDefinition, template and nodeProperties, not more"},
    {"misspelt", JOB(",'atempts':1"), "spec.atempts: no such field"},
    {"array", JOB(",'arrayProperties':{'size':1000000}"), NULL},
    {"array too large", JOB(",'arrayProperties':{'size':1000001}"),
     "spec.arrayProperties.size: 1000001, expected 1..1000000"},
    {"array of none", JOB(",'arrayProperties':{'size':0}"),
     "spec.arrayProperties.size: 0, expected 1..1000000"},
    {"array with a limit", JOB(",'arrayProperties':{'size':10,'maxConcurrent':3}"), NULL},
    {"array with a limit of none", JOB(",'arrayProperties':{'size':10,'maxConcurrent':0}"),
     "spec.arrayProperties.maxConcurrent: 0, expected 1..1000000"},
    {"request for some", JOB(",'requests':[{'action':'CANCEL','reason':'x','indexes':'0-3,7'}]"),
     NULL},
    {"request for nonsense", JOB(",'requests':[{'action':'CANCEL','reason':'x','indexes':'0-,7'}]"),
     "spec.requests[0].indexes: \"0-,7\", expected indexes such as 0-3,7"},
    {"array without size", JOB(",'arrayProperties':{}"),
     "spec.arrayProperties: expected one of size and sizeFrom"},
    {"array with both sizes",
     JOB(",'arrayProperties':{'size':1,'sizeFrom':'Ref::jobs.a'},'dependsOn':[{'jobName':'a'}]"),
     "spec.arrayProperties: expected one of size and sizeFrom, not both"},
    {"a computed size",
     JOB(",'arrayProperties':{'sizeFrom':'Ref::jobs.a.n'},'dependsOn':[{'jobName':'a'}]"), NULL},
    {"a computed size that is no reference",
     JOB(",'arrayProperties':{'sizeFrom':'Ref::jobs.a.n+1'},'dependsOn':[{'jobName':'a'}]"),
     "spec.arrayProperties.sizeFrom: \"Ref::jobs.a.n+1\", expected Ref::jobs.<jobName> or "
     "Ref::jobs.<jobName>.<field> of a job in dependsOn"},
    {"a computed size of a job that it does not depend on",
     JOB(",'arrayProperties':{'sizeFrom':'Ref::jobs.b.n'},'dependsOn':[{'jobName':'a'}]"),
     "spec.arrayProperties.sizeFrom: \"Ref::jobs.b.n\", expected Ref::jobs.<jobName> or "
     "Ref::jobs.<jobName>.<field> of a job in dependsOn"},
    {"a computed size of N_TO_N",
     JOB(",'arrayProperties':{'sizeFrom':'Ref::jobs.a.n'},'dependsOn':[{'jobName':'a','type':"
         "'N_TO_N'}]"),
     "spec.arrayProperties.sizeFrom: Ref::jobs.a.n: not with type N_TO_N; expected a dependsOn "
     "entry without it"},
    {"depends", JOB(",'dependsOn':[{'jobName':'a'},{'jobName':'b','type':'SEQUENTIAL'}]"), NULL},
    {"depends on nothing", JOB(",'dependsOn':[{}]"),
     "spec.dependsOn[0].jobName: required, except with type SEQUENTIAL"},
    {"sequential alone", JOB(",'dependsOn':[{'type':'SEQUENTIAL'}]"),
     "spec.dependsOn[0].type: SEQUENTIAL without jobName, expected arrayProperties too"},
    {"sequential array", JOB(",'dependsOn':[{'type':'SEQUENTIAL'}],'arrayProperties':{'size':2}"),
     NULL},
    {"n to n alone", JOB(",'dependsOn':[{'jobName':'a','type':'N_TO_N'}]"),
     "spec.dependsOn[0].type: N_TO_N, expected arrayProperties too"},
    {"n to n without a name", JOB(",'dependsOn':[{'type':'N_TO_N'}],'arrayProperties':{'size':2}"),
     "spec.dependsOn[0].jobName: required, except with type SEQUENTIAL"},
    {"on itself", JOB(",'dependsOn':[{'jobName':'me'}]"),
     "spec.dependsOn[0].jobName: me is this job itself; for children one after another use type "
     "SEQUENTIAL without jobName"},
    {"holds", JOB(",'dependsOn':[{'jobName':'a','onDependencyFailure':'Hold'}]"), NULL},
    {"holds on what it does not wait for",
     JOB(",'dependsOn':[{'jobName':'a','condition':'Always','onDependencyFailure':'Hold'}]"),
     "spec.dependsOn[0].onDependencyFailure: Hold, expected with a jobName and condition OnSuccess "
     "only"},
    {"holds on itself",
     JOB(",'arrayProperties':{'size':2},'dependsOn':[{'type':'SEQUENTIAL','onDependencyFailure':"
         "'Hold'}]"),
     "spec.dependsOn[0].onDependencyFailure: Hold, expected with a jobName and condition OnSuccess "
     "only"},
    {"replaces", JOB(",'replaces':{'jobName':'a'}"), NULL},
    {"replaces nothing", JOB(",'replaces':{}"), "spec.replaces.jobName: required"},
    {"replaces itself", JOB(",'replaces':{'jobName':'me'}"),
     "spec.replaces.jobName: me is this job itself; submit it under another name"},
    {"replaces what it waits for", JOB(",'replaces':{'jobName':'a'},'dependsOn':[{'jobName':'a'}]"),
     "spec.dependsOn[0].jobName: a is the job that this one replaces, expected another"},
    {"attempts", JOB(",'retryStrategy':{'attempts':0}"),
     "spec.retryStrategy.attempts: 0, expected 1..10"},
    {"rules",
     JOB(",'retryStrategy':{'attempts':2,'evaluateOnExit':[{'onReason':'Host EC2*','action':"
         "'retry'},{'onExitCode':'*','action':'EXIT'}]}"),
     NULL},
    {"rules without attempts",
     JOB(",'retryStrategy':{'evaluateOnExit':[{'onReason':'*','action':'EXIT'}]}"),
     "spec.retryStrategy.attempts: required with evaluateOnExit"},
    {"rule without condition",
     JOB(",'retryStrategy':{'attempts':1,'evaluateOnExit':[{'action':'EXIT'}]}"),
     "spec.retryStrategy.evaluateOnExit[0]: expected onReason, onStatusReason or onExitCode"},
    {"star inside",
     JOB(",'retryStrategy':{'attempts':1,'evaluateOnExit':[{'onReason':'a*b','action':'EXIT'}]}"),
     "spec.retryStrategy.evaluateOnExit[0].onReason: \"a*b\", expected letters, digits, '.', ':' "
     "and blanks, with at most one '*' at the end"},
    {"exit code",
     JOB(",'retryStrategy':{'attempts':1,'evaluateOnExit':[{'onExitCode':'1a','action':'EXIT'}]}"),
     "spec.retryStrategy.evaluateOnExit[0].onExitCode: \"1a\", expected digits, with at most one "
     "'*' at the end"},
    {"action",
     JOB(",'retryStrategy':{'attempts':1,'evaluateOnExit':[{'onExitCode':'1','action':'stop'}]}"),
     "spec.retryStrategy.evaluateOnExit[0].action: \"stop\", expected EXIT or RETRY"},
    {"timeout", JOB(",'timeout':{'attemptDurationSeconds':0}"),
     "spec.timeout.attemptDurationSeconds: 0, expected 1..2147483647"},
    {"priority", JOB(",'schedulingPriorityOverride':9999"), NULL},
    {"share", JOB(",'shareIdentifier':'Team_A.vision-1','preemptible':true"), NULL},
    {"share that is no label", JOB(",'shareIdentifier':'team a'"),
     "spec.shareIdentifier: \"team a\", expected a share identifier (letters, digits, -, . and _)"},
    {"priority too high", JOB(",'schedulingPriorityOverride':10000"),
     "spec.schedulingPriorityOverride: 10000, expected 0..9999"},
    {"overrides",
     JOB(",'overrides':{'containers':[{'image':'i','command':['a'],'args':[],'env':[{'name':'A',"
         "'value':'1'}],'resources':{'limits':{'cpu':'500m'}}}],'initContainers':[{'name':'x'}],"
         "'metadata':{'labels':{'a':'b'},'annotations':{'c':'d'}}}"),
     NULL},
    {"override of what is not there", JOB(",'overrides':{'nodeSelector':{}}"),
     "spec.overrides.nodeSelector: no such field"},
    {"override of a field that stays", JOB(",'overrides':{'containers':[{'ports':[]}]}"),
     "spec.overrides.containers[0].ports: no such field"},
    {"override twice", JOB(",'overrides':{'containers':[{'name':'c'},{'name':'c'}]}"),
     "spec.overrides.containers[1].name: expected each container once"},
    {"override's quantity",
     JOB(",'overrides':{'containers':[{'resources':{'requests':{'cpu':'abc'}}}]}"),
     "spec.overrides.containers[0].resources.requests.cpu: \"abc\", not a quantity"},
    {"override's variable", JOB(",'overrides':{'containers':[{'env':[{'name':'AWS_BATCH_X'}]}]}"),
     "spec.overrides.containers[0].env[0].name: AWS_BATCH_X: names that start with AWS_BATCH or "
     "BULKHEAD_JOB_ are set by bulkhead"},
    {"override's nameless variable", JOB(",'overrides':{'containers':[{'env':[{'value':'1'}]}]}"),
     "spec.overrides.containers[0].env[0].name: required"},
    {"override's label", JOB(",'overrides':{'metadata':{'labels':{'bulkhead.dev/x':'1'}}}"),
     "spec.overrides.metadata.labels.bulkhead.dev/x: keys under bulkhead.dev/ are bulkhead's own"},
    {"override's command", JOB(",'overrides':{'containers':[{'command':'ls'}]}"),
     "spec.overrides.containers[0].command: \"ls\", expected a list of texts"},
    {"request", JOB(",'requests':[{'action':'CANCEL','reason':'x'}]"), NULL},
    {"request without a reason", JOB(",'requests':[{'action':'CANCEL'}]"),
     "spec.requests[0].reason: required"},
    {"request in small letters", JOB(",'requests':[{'action':'cancel','reason':'x'}]"),
     "spec.requests[0].action: \"cancel\", expected CANCEL or TERMINATE"},
    {"nodes", NODES("4", "0", RANGE("0") "," RANGE("1:")), NULL},
    {"nested nodes", NODES("4", "3", RANGE(":3") "," RANGE("1:2")), NULL},
    {"nodes and an array",
     "{'jobQueue':'q','arrayProperties':{'size':2},'nodeProperties':{'numNodes':1,'mainNode':0,"
     "'nodeRangeProperties':[" RANGE("0") "]}}",
     "spec.arrayProperties: not together with nodeProperties"},
    {"too many nodes", NODES("1001", "0", RANGE("0:")),
     "spec.nodeProperties.numNodes: 1001, expected 1..1000"},
    {"main node", NODES("2", "2", RANGE("0:")),
     "spec.nodeProperties.mainNode: 2, expected less than numNodes"},
    {"a node too far", NODES("2", "0", RANGE("0:2")),
     "spec.nodeProperties.nodeRangeProperties[0].targetNodes: 0:2, expected nodes within 0..1, the "
     "lower one first"},
    {"the wrong way round", NODES("4", "0", RANGE("0:") "," RANGE("3:1")),
     "spec.nodeProperties.nodeRangeProperties[1].targetNodes: 3:1, expected nodes within 0..3, the "
     "lower one first"},
    {"a node in no range", NODES("3", "0", RANGE("0") "," RANGE("2:")),
     "spec.nodeProperties.nodeRangeProperties: no range has node 1"},
    {"a hostname of a node", NODES("2", "0", NAMED("hostname")),
     "spec.nodeProperties.nodeRangeProperties[0].template.spec.hostname: not in a template of "
     "nodes: bulkhead names the nodes of a multi-node job (see BULKHEAD_JOB_NODE_NAME)"},
    {"a subdomain of a node", NODES("2", "0", NAMED("subdomain")),
     "spec.nodeProperties.nodeRangeProperties[0].template.spec.subdomain: not in a template of "
     "nodes: bulkhead names the nodes of a multi-node job (see BULKHEAD_JOB_NODE_NAME)"},
    {"overrides of nodes that are not there",
     "{'jobQueue':'q','nodeOverrides':{'numNodes':2},'template':" POD "}",
     "spec.nodeOverrides: only for multi-node jobs"},
    {"no nodes at all", NODES("3", "0", RANGE(":")),
     "spec.nodeProperties.nodeRangeProperties[0].targetNodes: \":\", expected nodes as 0:3, :3, 4: "
     "or 2"},
};

TEST(job_specs)
{
    for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
        AUTO(json_object) doc = with_spec(jobs[i].spec);
        AUTO(batch_job) job = NULL;
        REQUIRE(batch_job_decode(doc, &job, NULL) == 0);
        CHECK_TEXT(jobs[i].name, job->invalid, jobs[i].want);
    }
}

static const struct row definitions[] = {
    {"smallest", SPEC(""), NULL},
    {"type", "{'type':'multinode','template':" POD "}",
     "spec.nodeProperties: required with type multinode"},
    {"nodes without the type",
     "{'nodeProperties':{'numNodes':1,'mainNode':0,'nodeRangeProperties':[" RANGE("0") "]}}",
     "spec.nodeProperties: needs type multinode"},
    {"a hostname of a node",
     "{'type':'multinode','nodeProperties':{'numNodes':1,'mainNode':0,'nodeRangeProperties':"
     "[" NAMED("hostname") "]}}",
     "spec.nodeProperties.nodeRangeProperties[0].template.spec.hostname: not in a template of "
     "nodes: bulkhead names the nodes of a multi-node job (see BULKHEAD_JOB_NODE_NAME)"},
    {"nodes with the type",
     "{'type':'multinode','nodeProperties':{'numNodes':1,'mainNode':0,'nodeRangeProperties':"
     "[" RANGE("0") "]}}",
     NULL},
    {"priority", "{'schedulingPriority':-1,'template':" POD "}",
     "spec.schedulingPriority: -1, expected 0..9999"},
    {"revisions", "{'deregisteredRevisions':[1,12],'revisionHistoryLimit':0,'template':" POD "}",
     NULL},
    {"no such revision", "{'deregisteredRevisions':[1,0],'template':" POD "}",
     "spec.deregisteredRevisions[1]: 0, expected a number 1.."},
    {"history", "{'revisionHistoryLimit':1001,'template':" POD "}",
     "spec.revisionHistoryLimit: 1001, expected 0..1000"},
    {"no template", "{}", "spec.template: required"},
    {"no spec", "{'template':{}}", "spec.template.spec: required"},
    {"no containers", "{'template':{'spec':{}}}",
     "spec.template.spec.containers: expected at least one container"},
    {"no image", "{'template':{'spec':{'containers':[{'name':'c'}]}}}",
     "spec.template.spec.containers[0].image: required"},
    {"init image", SPEC(",'initContainers':[{'name':'a','image':'b'},{'name':'c'}]"),
     "spec.template.spec.initContainers[1].image: required"},
    {"other fields", SPEC(",'hostNetwork':true,'volumes':[{'name':'v','emptyDir':{}}]"), NULL},
    {"node", SPEC(",'nodeName':'n'"),
     "spec.template.spec.nodeName: not in a template: bulkhead chooses the node"},
    {"scheduler", SPEC(",'schedulerName':'x'"),
     "spec.template.spec.schedulerName: not in a template: bulkhead places pods itself, without a "
     "scheduler"},
    {"restart", SPEC(",'restartPolicy':'OnFailure'"),
     "spec.template.spec.restartPolicy: \"OnFailure\", expected Never: a retry is a new pod (see "
     "retryStrategy)"},
    {"never", SPEC(",'restartPolicy':'Never'"), NULL},
    {"priority", SPEC(",'priorityClassName':'system-node-critical'"),
     "spec.template.spec.priorityClassName: system-node-critical: system-* classes are not for "
     "jobs"},
    {"debug", SPEC(",'ephemeralContainers':[]"),
     "spec.template.spec.ephemeralContainers: not in a template: only a running pod can have them"},
    {"our label",
     "{'template':{'metadata':{'labels':{'bulkhead.dev/index':'1'}},'spec':{'containers':[{'name':"
     "'c','image':'i'}]}}}",
     "spec.template.metadata.labels.bulkhead.dev/index: keys under bulkhead.dev/ are bulkhead's "
     "own"},
    {"own name",
     "{'template':{'metadata':{'name':'x'},'spec':{'containers':[{'name':'c','image':'i'}]}}}",
     "spec.template.metadata.name: a template has labels and annotations only; bulkhead sets the "
     "rest"},
    {"beside spec", "{'template':{'spec':{'containers':[{'name':'c','image':'i'}]},'status':{}}}",
     "spec.template.status: no such field"},
    {"reserved variable", CONTAINER(",'env':[{'name':'A','value':'1'},{'name':'AWS_BATCH_X'}]"),
     "spec.template.spec.containers[0].env[1].name: AWS_BATCH_X: names that start with AWS_BATCH "
     "or BULKHEAD_JOB_ are set by bulkhead"},
    {"command", CONTAINER(",'command':'ls'"),
     "spec.template.spec.containers[0].command: \"ls\", expected a list of texts"},
    {"argument", CONTAINER(",'args':['a',1]"),
     "spec.template.spec.containers[0].args[1]: 1, expected a text"},
    {"quantity", CONTAINER(",'resources':{'requests':{'cpu':'1,5'}}"),
     "spec.template.spec.containers[0].resources.requests.cpu: \"1,5\", not a quantity"},
    {"negative", CONTAINER(",'resources':{'limits':{'memory':'-1'}}"),
     "spec.template.spec.containers[0].resources.limits.memory: \"-1\", expected 0 or more"},
    {"preferred",
     SPEC(",'affinity':{'podAffinity':{'preferredDuringSchedulingIgnoredDuringExecution':[{}]}}"),
     NULL},
};

TEST(definition_specs)
{
    for (size_t i = 0; i < ARRAY_LEN(definitions); i++) {
        AUTO(json_object) doc = with_spec(definitions[i].spec);
        AUTO(job_definition) definition = NULL;
        REQUIRE(job_definition_decode(doc, &definition, NULL) == 0);
        CHECK_TEXT(definitions[i].name, definition->invalid, definitions[i].want);
    }
}

#define ORDER "'computeEnvironmentOrder':[{'order':1,'computeEnvironment':'a'}]"
static const struct row queues[] = {
    {"a time limit",
     "{'computeEnvironmentOrder':[{'order':1,'computeEnvironment':'e'}],'jobStateTimeLimitActions':"
     "[{"
     "'reason':'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY','state':'RUNNABLE','maxTimeSeconds':600,"
     "'action':'CANCEL'}],'ttlSecondsAfterFinished':0}",
     NULL},
    {"a time limit without an end",
     "{'computeEnvironmentOrder':[{'order':1,'computeEnvironment':'e'}],'jobStateTimeLimitActions':"
     "[{"
     "'reason':'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY','state':'RUNNABLE','maxTimeSeconds':0,"
     "'action':'CANCEL'}]}",
     "spec.jobStateTimeLimitActions[0].maxTimeSeconds: 0, expected 1..86400"},
    {"a reason twice",
     "{'computeEnvironmentOrder':[{'order':1,'computeEnvironment':'e'}],'jobStateTimeLimitActions':"
     "[{"
     "'reason':'MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT','state':'RUNNABLE','maxTimeSeconds':6,"
     "'action':'CANCEL'},{'reason':'MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT','state':'RUNNABLE',"
     "'maxTimeSeconds':9,'action':'CANCEL'}]}",
     "spec.jobStateTimeLimitActions[1].reason: MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT is there "
     "twice"},
    {"smallest", "{" ORDER "}", NULL},
    {"finished pods", "{" ORDER ",'finishedPods':{'keepSeconds':60}}", NULL},
    {"finished pods without a time", "{" ORDER ",'finishedPods':{'maxPerNode':3}}",
     "spec.finishedPods.keepSeconds: required"},
    {"finished pods for too long", "{" ORDER ",'finishedPods':{'keepSeconds':604801}}",
     "spec.finishedPods.keepSeconds: 604801, expected 0..604800"},
    {"no finished pods at all", "{" ORDER ",'finishedPods':{'keepSeconds':1,'maxPerNode':0}}",
     "spec.finishedPods.maxPerNode: 0, expected 1..100"},
    {"priority", "{" ORDER ",'priority':2000}", "spec.priority: 2000, expected 0..1000"},
    {"a word", "{" ORDER ",'priority':'high'}",
     "spec.priority: \"high\", expected an integer 0..1000"},
    {"state", "{" ORDER ",'state':'on'}",
     "spec.state: \"on\", expected DISABLED, ENABLED or DRAINING"},
    {"limits",
     "{" ORDER ",'state':'DRAINING','limits':{'maxvCpus':8,'maxMemory':'64Gi','maxGpus':0,"
     "'maxRunningJobs':3}}",
     NULL},
    {"a strategy", "{" ORDER ",'queueingStrategy':'BEST_EFFORT_FIFO'}", NULL},
    {"a strategy", "{" ORDER ",'queueingStrategy':'BACKFILL'}", NULL},
    {"a strategy that there is not", "{" ORDER ",'queueingStrategy':'LIFO'}",
     "spec.queueingStrategy: \"LIFO\", expected FIFO, BEST_EFFORT_FIFO or BACKFILL"},
    {"a limit of nothing", "{" ORDER ",'limits':{'maxvCpus':0}}",
     "spec.limits.maxvCpus: 0, expected 1..10000000"},
    {"no memory", "{" ORDER ",'limits':{'maxMemory':'0'}}",
     "spec.limits.maxMemory: \"0\", expected at least 1"},
    {"an unknown limit", "{" ORDER ",'limits':{'maxPods':3}}",
     "spec.limits.maxPods: no such field"},
    {"no environment", "{'computeEnvironmentOrder':[]}",
     "spec.computeEnvironmentOrder: 0 items, expected 1..16"},
    {"twice",
     "{'computeEnvironmentOrder':[{'order':1,'computeEnvironment':'a'},{'order':2,"
     "'computeEnvironment':'a'}]}",
     "spec.computeEnvironmentOrder[1].computeEnvironment: a is there twice"},
    {"same order",
     "{'computeEnvironmentOrder':[{'order':1,'computeEnvironment':'a'},{'order':1,"
     "'computeEnvironment':'b'}]}",
     "spec.computeEnvironmentOrder[1].order: 1 is there twice"},
    {"namespace", "{" ORDER ",'kubernetesNamespaces':['a','default']}",
     "spec.kubernetesNamespaces[1]: \"default\", expected a namespace other than default and "
     "kube-*"},
};

TEST(queue_specs)
{
    for (size_t i = 0; i < ARRAY_LEN(queues); i++) {
        struct err err = {.kind = ERR_NONE};
        AUTO(json_object) doc = with_spec(queues[i].spec);
        AUTO(job_queue) queue = NULL;
        int result = job_queue_decode(doc, &queue, &err);
        CHECK_TEXT(queues[i].name, result < 0 ? err.text : NULL, queues[i].want);
    }
}

#define NS "'kubernetesNamespaces':['a']"
#define TYPES "'catalog':[{'name':'s','vcpus':4,'memory':'16Gi'},{'name':'l','vcpus':8,'memory':1}]"
#define KWOK "'nodeGroup':{'provider':'kwok','kwok':{" TYPES "}}"
#define COMMAND ",'nodeGroup':{'provider':'command','command':{'program':'x'}}"
#define MAX "'computeResources':{'maxvCpus':8}"
#define MANAGED(more) "{'type':'MANAGED'," NS "," more "}"
static const struct row environments[] = {
    {"unmanaged", "{'type':'UNMANAGED'," NS "}", NULL},
    {"managed", MANAGED(MAX "," KWOK), NULL},
    {"no type", "{" NS "}", "spec.type: required"},
    {"no resources", MANAGED(KWOK), "spec.computeResources: required with type MANAGED"},
    {"no node group", MANAGED(MAX), "spec.nodeGroup: required with type MANAGED"},
    {"resources unmanaged", "{'type':'UNMANAGED'," NS "," MAX "}",
     "spec.computeResources: only with type MANAGED"},
    {"kwok unmanaged", "{'type':'UNMANAGED'," NS "," KWOK "}",
     "spec.nodeGroup.provider: kwok, expected static with type UNMANAGED"},
    {"static managed", MANAGED(MAX ",'nodeGroup':{'provider':'static'}"),
     "spec.nodeGroup.provider: static, expected kwok or command with type MANAGED: static nodes "
     "cannot be scaled"},
    {"kube namespace", "{'type':'UNMANAGED','kubernetesNamespaces':['kube-system']}",
     "spec.kubernetesNamespaces[0]: \"kube-system\", expected a namespace other than default and "
     "kube-*"},
    {"min above max", MANAGED("'computeResources':{'minvCpus':9,'maxvCpus':8}," KWOK),
     "spec.computeResources.minvCpus: 9, expected at most maxvCpus (8)"},
    {"two delays",
     MANAGED("'computeResources':{'maxvCpus':8,'scalingPolicy':{'minScaleDownDelayMinutes':1,"
             "'scaleDownDelaySeconds':1}}," KWOK),
     "spec.computeResources.scalingPolicy: minScaleDownDelayMinutes and scaleDownDelaySeconds, "
     "expected one of them"},
    {"unknown type", MANAGED("'computeResources':{'maxvCpus':8,'instanceTypes':['s','x']}," KWOK),
     "spec.computeResources.instanceTypes[1]: x is not in nodeGroup.kwok.catalog"},
    {"type twice",
     MANAGED(MAX ",'nodeGroup':{'provider':'kwok','kwok':{'catalog':[{'name':'s','vcpus':4,"
                 "'memory':1},{'name':'s','vcpus':4,'memory':1}]}}"),
     "spec.nodeGroup.kwok.catalog[1].name: s is there twice"},
    {"no block", MANAGED(MAX ",'nodeGroup':{'provider':'command'}"),
     "spec.nodeGroup.command: required with provider command"},
    {"a path", MANAGED(MAX ",'nodeGroup':{'provider':'command','command':{'program':'../x'}}"),
     "spec.nodeGroup.command.program: \"../x\", expected a program's name (a-z, 0-9, - and .), not "
     "a path"},
    {"a spot strategy on demand",
     MANAGED("'computeResources':{'maxvCpus':8,'allocationStrategy':'SPOT_CAPACITY_OPTIMIZED'"
             "}" COMMAND),
     "spec.computeResources.allocationStrategy: SPOT_CAPACITY_OPTIMIZED, only with type SPOT"},
    {"a bid on demand", MANAGED("'computeResources':{'maxvCpus':8,'bidPercentage':50}" COMMAND),
     "spec.computeResources.bidPercentage: only with type SPOT"},
    {"a bid above the price",
     MANAGED("'computeResources':{'maxvCpus':8,'type':'SPOT','bidPercentage':101}" COMMAND),
     "spec.computeResources.bidPercentage: 101, expected 1..100"},
    {"a percentage",
     MANAGED(MAX ",'nodeGroup':{'provider':'kwok','kwok':{'catalog':[{'name':'s','vcpus':4,"
                 "'memory':1,'interruptionPercent':101}]}}"),
     "spec.nodeGroup.kwok.catalog[0].interruptionPercent: 101, expected 0..100"},
    {"price",
     MANAGED(MAX ",'nodeGroup':{'provider':'kwok','kwok':{'catalog':[{'name':'s','vcpus':4,"
                 "'memory':1,'price':'1,5'}]}}"),
     "spec.nodeGroup.kwok.catalog[0].price: \"1,5\", expected a price such as 0.096"},
};

TEST(environment_specs)
{
    for (size_t i = 0; i < ARRAY_LEN(environments); i++) {
        struct err err = {.kind = ERR_NONE};
        AUTO(json_object) doc = with_spec(environments[i].spec);
        AUTO(compute_environment) environment = NULL;
        int result = compute_environment_decode(doc, &environment, &err);
        CHECK_TEXT(environments[i].name, result < 0 ? err.text : NULL, environments[i].want);
    }
}

TEST(what_is_read)
{
    AUTO(json_object)
    queue_doc =
        with_spec("{'state':'DISABLED','computeEnvironmentOrder':[{'order':7,'computeEnvironment':"
                  "'b'},{'order':2,'computeEnvironment':'a'}]}");
    AUTO(job_queue) queue = NULL;
    REQUIRE(job_queue_decode(queue_doc, &queue, NULL) == 0);
    CHECK_TEXT("sorted by order", queue->environments[0].compute_environment, "a");
    CHECK_INT("disabled", queue->state, QUEUE_DISABLED);
    CHECK_INT("generation", queue->meta.generation, 3);
    CHECK_INT("no limit", queue->most.vcpus.set, 0);

    AUTO(json_object)
    limited_doc =
        with_spec("{" ORDER ",'state':'DRAINING','limits':{'maxvCpus':8,'maxMemory':'2Gi'}}");
    AUTO(job_queue) limited = NULL;
    REQUIRE(job_queue_decode(limited_doc, &limited, NULL) == 0);
    CHECK_INT("draining", limited->state, QUEUE_DRAINING);
    CHECK_INT("vCPUs", limited->most.vcpus.value, 8);
    CHECK_INT("memory", limited->most.memory_bytes, 2LL << 30);

    AUTO(json_object)
    doc = with_spec(MANAGED(
        "'computeResources':{'maxvCpus':8,'type':'SPOT','scalingPolicy':{"
        "'minScaleDownDelayMinutes':2}},'nodeGroup':{'provider':'kwok','kwok':{'catalog':[{'name':"
        "'s','vcpus':4,'memory':'16Gi','gpus':2,'price':0.25,'bootSeconds':3,'arch':'arm64'}]}}"));
    AUTO(compute_environment) environment = NULL;
    REQUIRE(compute_environment_decode(doc, &environment, NULL) == 0);
    const struct instance_type *type = &environment->catalog[0];
    CHECK_INT("cpu", type->capacity.cpu_milli, 4000);
    CHECK_INT("memory", type->capacity.memory_bytes, 16LL << 30);
    CHECK_INT("gpus", resources_get(&type->capacity, "nvidia.com/gpu"), 2);
    CHECK_INT("pods", type->capacity.pods, 110);
    CHECK_INT("price", (int64_t)(type->price * 100), 25);
    CHECK_INT("boot", type->boot_ms, 3000);
    CHECK_INT("no limit", type->available, -1);
    CHECK_INT("delay", environment->scale_down_delay_ns, 120 * NS_PER_S);
    CHECK_INT("spot", environment->spot, 1);
    CHECK_INT("strategy", environment->allocation_strategy, ALLOCATE_BEST_FIT_PROGRESSIVE);
    CHECK_INT("bid", environment->bid_percentage, 100);
}

static const struct {
    const char *name, *owners, *want;
} parent_cases[] = {
    {"a job", "[{'apiVersion':'bulkhead.dev/v1alpha1','kind':'BatchJob','name':'a','uid':'u'}]",
     "u"},
    {"of a later version", "[{'apiVersion':'bulkhead.dev/v1','kind':'BatchJob','uid':'u'}]", "u"},
    {"the first of two",
     "[{'apiVersion':'v1','kind':'ConfigMap','uid':'c'},{'apiVersion':'bulkhead.dev/v1','kind':"
     "'BatchJob','uid':'u'},{'apiVersion':'bulkhead.dev/v1','kind':'BatchJob','uid':'v'}]",
     "u"},
    {"somebody else's BatchJob", "[{'apiVersion':'other.dev/v1','kind':'BatchJob','uid':'u'}]",
     NULL},
    {"none", "[]", NULL},
};

TEST(parents)
{
    for (size_t i = 0; i < ARRAY_LEN(parent_cases); i++) {
        AUTO_TEXT text = text_printf("{'metadata':{'name':'me','ownerReferences':%s},'spec':{"
                                     "'jobQueue':'q','jobDefinition':'d'}}",
                                     parent_cases[i].owners);
        AUTO(json_object) doc = json_tokener_parse(text);
        AUTO(batch_job) job = NULL;
        REQUIRE(batch_job_decode(doc, &job, NULL) == 0);
        CHECK_TEXT(parent_cases[i].name, job->parent_uid, parent_cases[i].want);
    }
}
