/* SPDX-License-Identifier: Apache-2.0 */
/* outcome_test.c - infrastructure failures told apart from the program's own
 *
 * One row at least for each of P1-P19, the ways in which a pod that is placed by its nodeName ends
 * badly. What a pod needs and what a node has left (P13-P17) is placement's; the rows here are
 * about what follows when it was wrong all the same. */
#include "core/world.h"

#include "src/core/causes.h"
#include "src/core/internal.h"

#include <stdlib.h>

#define WORDS(text) ((char *)(uintptr_t)(text))
#define REASON(text) .phase = POD_FAILED, .reason = WORDS(text)
#define BY(text) .phase = POD_FAILED, .disruption = WORDS(text)
#define EXIT(code, why)                                                                            \
    .exit_count = 1, .exits = &(struct container_exit)                                             \
    {                                                                                              \
        .exit_code = (code), .reason = WORDS(why)                                                  \
    }

static const struct {
    const char *name;
    struct pod seen;
    enum kill_reason kill;
    bool started;
    const char *waiting; /* what it waited for, when it was stopped */
    /* "REFUSED", "LOST", "FAILED"; "+" with an attempt, "!" not retried; then its texts */
    const char *want;
    const char *node; /* "": it does not rest; else for whom, and from how many seconds on */
} rows[] = {
    /* clang-format off */
    {"P1 no room: the picture of the node was old", {REASON("OutOfcpu"), .message = WORDS("Node didn't have enough resource: cpu")},
     .want = "REFUSED OutOfcpu: Node didn't have enough resource: cpu", .node = "all 1 s"},
    {"P1 no room for an extended resource", {REASON("OutOfnvidia.com/gpu")}, .want = "REFUSED OutOfnvidia.com/gpu", .node = "all 1 s"},
    {"P1 OutOfephemeral-storage", {REASON("OutOfephemeral-storage")}, .want = "REFUSED OutOfephemeral-storage", .node = "all 1 s"},
    {"P1 OutOfpods", {REASON("OutOfpods")}, .want = "REFUSED OutOfpods", .node = "all 1 s"},
    {"P1 NodeAffinity", {REASON("NodeAffinity")}, .want = "REFUSED NodeAffinity", .node = "class 1 s"},
    {"P1 NodeName", {REASON("NodeName")}, .want = "REFUSED NodeName", .node = "class 1 s"},
    {"P1 NodePorts", {REASON("NodePorts")}, .want = "REFUSED NodePorts", .node = "class 1 s"},
    {"P1 TaintToleration", {REASON("TaintToleration")}, .want = "REFUSED TaintToleration", .node = "class 1 s"},
    {"P1 TopologyAffinityError", {REASON("TopologyAffinityError")}, .want = "REFUSED TopologyAffinityError", .node = "class 1 s"},
    {"P1 PodOSNotSupported", {REASON("PodOSNotSupported")}, .want = "REFUSED PodOSNotSupported", .node = "class 64 s, counts 20"},
    {"P1 PodOSSelectorNodeLabelDoesNotMatch", {REASON("PodOSSelectorNodeLabelDoesNotMatch")}, .want = "REFUSED PodOSSelectorNodeLabelDoesNotMatch", .node = "class 64 s, counts 20"},
    {"P1 SupplementalGroupsPolicyNotSupported", {REASON("SupplementalGroupsPolicyNotSupported")}, .want = "REFUSED SupplementalGroupsPolicyNotSupported", .node = "class 64 s, counts 20"},
    {"P1 InitContainerRestartPolicyForbidden", {REASON("InitContainerRestartPolicyForbidden")}, .want = "REFUSED InitContainerRestartPolicyForbidden", .node = "class 64 s, counts 20"},
    {"P1 AppArmor", {REASON("AppArmor")}, .want = "REFUSED AppArmor", .node = "class 64 s, counts 20"},
    {"P1 PodFeatureUnsupported", {REASON("PodFeatureUnsupported")}, .want = "REFUSED PodFeatureUnsupported", .node = "class 64 s, counts 20"},
    {"P1 PodLevelResourcesNotSupported", {REASON("PodLevelResourcesNotSupported")}, .want = "REFUSED PodLevelResourcesNotSupported", .node = "class 64 s, counts 20"},
    {"P1 SysctlForbidden", {REASON("SysctlForbidden")}, .want = "REFUSED SysctlForbidden", .node = "class 64 s, counts 20"},
    {"P1 InvalidNodeInfo", {REASON("InvalidNodeInfo")}, .want = "REFUSED InvalidNodeInfo", .node = "all 1 s"},
    {"P1 UnknownReason", {REASON("UnknownReason")}, .want = "REFUSED UnknownReason", .node = "all 1 s"},
    {"P1 UnexpectedPredicateFailureType", {REASON("UnexpectedPredicateFailureType")}, .want = "REFUSED UnexpectedPredicateFailureType", .node = "all 1 s"},
    {"P1 NodeShutdown", {REASON("NodeShutdown")}, .want = "REFUSED NodeShutdown", .node = "all 1 s"},
    {"P1 a reason of a newer kubelet", {REASON("PodTooFancy")}, .want = "REFUSED PodTooFancy", .node = "all 1 s"},
    {"P3 a device plug-in is not back yet", {REASON("UnexpectedAdmissionError"), .message = WORDS("no healthy devices present")},
     .want = "REFUSED UnexpectedAdmissionError: no healthy devices present", .node = "all 1 s"},
    {"P3 the same, of a pod that ran", {REASON("UnexpectedAdmissionError")}, .started = true,
     .want = "LOST + Host EC2 (instance unknown) terminated.", .node = "all 1 s"},
    {"P4 a kubelet that restarted did not take it back", {REASON("OutOfcpu"), .containers_started = true}, .started = true,
     .want = "LOST + Host EC2 (instance unknown) terminated.", .node = "all 1 s"},
    {"P4 the same, while its init container ran", {REASON("OutOfcpu"), .init_started = true, EXIT(137, "Error")},
     .want = "REFUSED OutOfcpu", .node = "all 1 s"},
    {"P5 its Node is gone, and it ran", {BY("DeletionByPodGC")}, .started = true,
     .want = "LOST + Host EC2 (instance unknown) terminated.", .node = ""},
    {"P5 its Node is gone before it started", {BY("DeletionByPodGC"), .message = WORDS("PodGC: node no longer exists")},
     .want = "LOST DeletionByPodGC: PodGC: node no longer exists", .node = ""},
    {"P6 its machine is certainly gone, and nobody told of an end", {.phase = POD_RUNNING}, .started = true,
     .want = "LOST + Host EC2 (instance unknown) terminated.", .node = ""},
    {"P7 stopped, because another machine has the name", {.phase = POD_FAILED, EXIT(137, "ContainerStatusUnknown")}, KILL_HOST, true,
     .want = "LOST + Host EC2 (instance unknown) terminated.", .node = ""},
    {"P8 a taint that it does not tolerate", {BY("DeletionByTaintManager"), EXIT(143, "Error")}, .started = true,
     .want = "LOST + Host EC2 (instance unknown) terminated.", .node = "all 1 s"},
    {"P9 the node is short of memory", {REASON("Evicted"), .disruption = WORDS("TerminationByKubelet"), EXIT(137, "Error")}, .started = true,
     .want = "LOST + Host EC2 (instance unknown) terminated.", .node = "all 1 s"},
    {"P9 the node is short of memory, while the init container ran", {REASON("Evicted"), .disruption = WORDS("TerminationByKubelet"), EXIT(137, "Error")},
     .want = "LOST Evicted", .node = "all 1 s"},
    {"P9 room for a critical pod", {REASON("Preempting"), .message = WORDS("Preempted in order to admit critical pod")},
     .want = "LOST Preempting: Preempted in order to admit critical pod", .node = "all 1 s"},
    {"P9 evicted by the API", {BY("EvictionByEvictionAPI"), EXIT(143, "Error")}, .started = true,
     .want = "LOST + Host EC2 (instance unknown) terminated.", .node = "all 1 s"},
    {"P9 the node shuts down", {REASON("Terminated"), .disruption = WORDS("TerminationByKubelet")}, .started = true,
     .want = "LOST + Host EC2 (instance unknown) terminated.", .node = "all 1 s"},
    {"P9 over its own limit of a container", {REASON("Evicted"), .message = WORDS("Container main exceeded its local ephemeral storage limit \"1Gi\". ")}, .started = true,
     .want = "FAILED + Essential container in task exited; Evicted: Container main exceeded its local ephemeral storage limit \"1Gi\". ", .node = ""},
    {"P9 over its own limit of the pod", {REASON("Evicted"), .message = WORDS("Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. "), EXIT(137, "ContainerStatusUnknown")}, .started = true,
     .want = "FAILED + Essential container in task exited; Evicted: Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. ", .node = ""},
    {"P9 over the limit of an emptyDir", {REASON("Evicted"), .message = WORDS("Usage of EmptyDir volume \"tmp\" exceeds the limit \"1Gi\". ")}, .started = true,
     .want = "FAILED + Essential container in task exited; Evicted: Usage of EmptyDir volume \"tmp\" exceeds the limit \"1Gi\". ", .node = ""},
    {"P10 its image does not come", {.phase = POD_FAILED}, KILL_START, false, "ImagePullBackOff",
     .want = "FAILED + Task failed to start; CannotPullContainerError: ImagePullBackOff", .node = ""},
    {"P11 its Secret does not come", {.phase = POD_FAILED}, KILL_START, false, "CreateContainerConfigError",
     .want = "FAILED + Task failed to start; CannotStartContainerError: CreateContainerConfigError", .node = ""},
    {"P12 no room for its volumes", {REASON("VolumeAttachmentLimitExceeded")}, .want = "REFUSED VolumeAttachmentLimitExceeded", .node = "class 1 s"},
    {"P12 its volume does not come", {.phase = POD_FAILED}, KILL_START, false, "ContainerCreating",
     .want = "FAILED + Task failed to start; CannotStartContainerError: ContainerCreating: a volume or the network of the pod was not ready in time", .node = ""},
    {"P18 deleted before it started", {.phase = POD_FAILED}, .want = "LOST the pod was deleted before it started", .node = ""},
    {"P18 deleted while it ran", {.phase = POD_FAILED, EXIT(143, "Error")}, .started = true,
     .want = "FAILED + Essential container in task exited", .node = ""},
    {"terminated, and refused on top", {REASON("OutOfcpu")}, KILL_TERMINATE, false, NULL, "FAILED ! the job was deleted", ""},
    /* clang-format on */
};

static char *outcome_words(const struct outcome *outcome)
{
    static const char *const kinds[] = {"SUCCEEDED", "FAILED", "REFUSED", "LOST"};
    return text_printf("%s %s%s%s%s%s", kinds[outcome->kind], outcome->attempt ? "+ " : "",
                       outcome->final_ ? "! " : "", outcome->status_reason,
                       outcome->reason != NULL ? "; " : "",
                       outcome->reason != NULL ? outcome->reason : "");
}

static char *rest_words(const struct outcome *outcome, const struct cause *cause)
{
    bool by_node = outcome->kind == OUTCOME_REFUSED || outcome->kind == OUTCOME_LOST;
    if (!by_node || cause == NULL || cause->rest == REST_NONE)
        return text_copy("");
    return cause->weight > 1
               ? text_printf("%s %d s, counts %d", cause->rest == REST_ALL ? "all" : "class",
                             1 << cause->level, cause->weight)
               : text_printf("%s %d s", cause->rest == REST_ALL ? "all" : "class",
                             1 << cause->level);
}

TEST(infrastructure_failures)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TEXT waiting = text_copy(rows[i].waiting);
        struct core_pod pod = {
            .kill = rows[i].kill, .started = rows[i].started, .waiting_reason = waiting};
        struct outcome outcome;
        outcome_read(&pod, &rows[i].seen, &outcome);
        AUTO_TEXT words = outcome_words(&outcome);
        AUTO_TEXT rest = rest_words(&outcome, cause_of(&rows[i].seen));
        CHECK_TEXT(rows[i].name, words, rows[i].want);
        CHECK_TEXT(rows[i].name, rest, rows[i].node);
        free(outcome.reason);
        free(outcome.status_reason);
        free(outcome.message);
    }
}

#define HOUSE                                                                                      \
    "environment e static\n"                                                                       \
    "queue q envs=e\n"                                                                             \
    "node n1 env=e cpu=4\n"

static const struct world_row rests[] = {
    /* clang-format off */
    {"P2 a node rests twice as long each time",
     HOUSE
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "pod a refused OutOfcpu\n"
     "at 3s\n"
     "pod a refused OutOfcpu\n"
     "at 6s\n"
     "pod a refused OutOfcpu\n"
     "at 20s\n"
     "jobs\n",
     "0s start a on n1\n"
     "2s start a on n1\n"
     "5s start a on n1\n"
     "10s start a on n1\n"
     "20s jobs\n"
     "  a STARTING refusals=3\n"},
    {"a node that refuses a class takes others",
     HOUSE
     "job a queue=q cpu=1\n"
     "job b queue=q cpu=2\n"
     "at 1s\n"
     "pod a refused NodePorts\n"
     "why a\n"
     "job c queue=q cpu=2\n"
     "at 3s\n"
     "jobs\n",
     "0s start a on n1\n"
     "0s start b on n1\n"
     "1s a RUNNABLE NodesFull: needs cpu 1; e: its nodes are full; room comes when a running pod ends "
     "or a node is added; 1 node rests for minutes at most after refusing or losing such a pod\n"
     "2s start a on n1\n"
     "3s jobs\n"
     "  a STARTING refusals=1\n"
     "  b STARTING\n"
     "  c RUNNABLE\n"},
    {"a node that lacks room takes nobody for a while",
     HOUSE
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "pod a refused OutOfmemory\n"
     "job b queue=q cpu=2\n"
     "at 3s\n"
     "jobs\n",
     "0s start a on n1\n"
     "2s start a on n1\n"
     "2s start b on n1\n"
     "3s jobs\n"
     "  a STARTING refusals=1\n"
     "  b STARTING\n"},
    {"what ends well on the node clears its past",
     HOUSE
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "pod a refused OutOfcpu\n"
     "at 3s\n"
     "pod a refused OutOfcpu\n"
     "at 6s\n"
     "pod a running\n"
     "at 7s\n"
     "pod a ok\n"
     "job b queue=q cpu=1\n"
     "at 8s\n"
     "pod b refused OutOfcpu\n"
     "at 20s\n"
     "jobs\n",
     "0s start a on n1\n"
     "2s start a on n1\n"
     "5s start a on n1\n"
     "7s start b on n1\n"
     "9s start b on n1\n"
     "20s jobs\n"
     "  a SUCCEEDED Succeeded attempts=1 refusals=2\n"
     "  b STARTING refusals=1\n"},
    {"ten quiet minutes clear it too",
     HOUSE
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "pod a refused OutOfcpu\n"
     "at 3s\n"
     "pod a refused OutOfcpu\n"
     "at 6s\n"
     "pod a running\n"
     "at 11m\n"
     "job b queue=q cpu=1\n"
     "at 661s\n"
     "pod b refused OutOfcpu\n"
     "at 663s\n"
     "jobs\n",
     "0s start a on n1\n"
     "2s start a on n1\n"
     "5s start a on n1\n"
     "660s start b on n1\n"
     "662s start b on n1\n"
     "663s jobs\n"
     "  a RUNNING refusals=2\n"
     "  b STARTING refusals=1\n"},
    {"a node that is ready anew is tried at once",
     HOUSE
     "job a queue=q cpu=1\n"
     "at 1s\n"
     "pod a refused SysctlForbidden\n"
     "at 2s\n"
     "node n1 unready\n"
     "at 3s\n"
     "node n1 ready\n"
     "at 4s\n"
     "jobs\n",
     "0s start a on n1\n"
     "3s start a on n1\n"
     "4s jobs\n"
     "  a STARTING refusals=20\n"},
    {"what no kubelet takes fails without an attempt, and says why",
     HOUSE
     "node n2 env=e cpu=4\n"
     "node n3 env=e cpu=4\n"
     "node n4 env=e cpu=4\n"
     "node n5 env=e cpu=4\n"
     "node n6 env=e cpu=4\n"
     "job a queue=q cpu=1 retry=3\n"
     "at 1s\n"
     "pod a refused SysctlForbidden\n"
     "at 2s\n"
     "pod a refused SysctlForbidden\n"
     "at 3s\n"
     "pod a refused SysctlForbidden\n"
     "at 4s\n"
     "restart\n"
     "at 5s\n"
     "pod a refused SysctlForbidden\n"
     "at 6s\n"
     "pod a refused SysctlForbidden\n"
     "at 7s\n"
     "pod a refused SysctlForbidden\n"
     "at 8s\n"
     "why a\n"
     "jobs\n",
     "0s start a on n1\n"
     "1s start a on n2\n"
     "2s start a on n3\n"
     "3s start a on n4\n"
     "5s start a on n1\n"
     "6s start a on n2\n"
     "8s a FAILED NeverStarted: CannotStartContainerError: its pods were refused or lost before they "
     "started, too often; the last: SysctlForbidden\n"
     "8s jobs\n"
     "  a FAILED NeverStarted refusals=100\n"},
    {"an eviction for its own use of the disk is the program's failure",
     HOUSE
     "job a queue=q cpu=1 retry=3 rule=EXIT,reason=Evicted:*\n"
     "at 1s\n"
     "pod a running\n"
     "at 2s\n"
     "pod a evicted Pod~ephemeral~local~storage~usage~exceeds~the~total~limit~of~containers~1Gi.\n"
     "at 3s\n"
     "jobs\n",
     "0s start a on n1\n"
     "3s jobs\n"
     "  a FAILED ContainerFailed attempts=1\n"},
    /* clang-format on */
};

TEST(nodes_rest)
{
    world_check(rests, ARRAY_LEN(rests), SHOW_PODS);
}

/* A Node that registers anew, with the same machine under it: its pods are stopped. Whoever judges
 * such an end, the process that stopped the pod or one that was started later, judges alike. */
static const struct world_row anew[] = {
    /* clang-format off */
    {"its kubelet tells of its deadline: it timed out, for whoever stopped it",
     HOUSE
     "job a queue=q cpu=1 retry=3 timeout=10s\n"
     "at 1s\n"
     "pod a running\n"
     "answer delete a never\n"
     "at 2s\n"
     "node n1 gone\n"
     "at 3s\n"
     "node n1 env=e cpu=4\n"
     "at 3.5s\n"
     "pod a deleting\n"
     "at 20s\n"
     "pod a deadline\n"
     "at 21s\n"
     "jobs\n",
     "0s start a on n1\n"
     "3s stop a\n"
     "21s jobs\n"
     "  a FAILED TimedOut attempts=1\n"},
    {"also when its container had begun late",
     HOUSE
     "job a queue=q cpu=1 retry=3 timeout=10s\n"
     "answer delete a never\n"
     "at 2s\n"
     "node n1 gone\n"
     "at 3s\n"
     "pod a running\n"
     "node n1 env=e cpu=4\n"
     "at 4s\n"
     "pod a deleting\n"
     "pod a deadline\n"
     "at 5s\n"
     "jobs\n",
     "0s start a on n1\n"
     "3s stop a\n"
     "5s jobs\n"
     "  a FAILED TimedOut attempts=1\n"},
    {"and for a later process",
     HOUSE
     "job a queue=q cpu=1 retry=3 timeout=10s\n"
     "at 1s\n"
     "pod a running\n"
     "answer delete a never\n"
     "at 2s\n"
     "node n1 gone\n"
     "at 3s\n"
     "node n1 env=e cpu=4\n"
     "at 3.5s\n"
     "pod a deleting\n"
     "at 4s\n"
     "restart\n"
     "at 20s\n"
     "pod a deadline\n"
     "at 21s\n"
     "jobs\n",
     "0s start a on n1\n"
     "3s stop a\n"
     "21s jobs\n"
     "  a FAILED TimedOut attempts=1\n"},
    {"stopped for its timeout, and its node registers anew while nobody watches: it timed out",
     HOUSE
     "job a queue=q cpu=1 retry=3 timeout=4s\n"
     "at 1s\n"
     "pod a running\n"
     "answer delete a never\n"
     "at 2s\n"
     "node n1 gone\n"
     "at 6.5s\n"
     "pod a deleting\n"
     "at 10s\n"
     "node n1 env=e cpu=4\n"
     "restart\n"
     "at 20s\n"
     "pod a failed exit=143\n"
     "at 21s\n"
     "jobs\n",
     "0s start a on n1\n"
     "6s stop a\n"
     "21s jobs\n"
     "  a FAILED TimedOut attempts=1\n"},
    {"it ends by itself before it is told to go: by its exit",
     HOUSE
     "job a queue=q cpu=1 retry=3 rule=RETRY,status=Host* rule=EXIT,exit=3\n"
     "at 1s\n"
     "pod a running\n"
     "answer delete a never\n"
     "at 2s\n"
     "node n1 gone\n"
     "at 3s\n"
     "node n1 env=e cpu=4\n"
     "at 3.5s\n"
     "pod a failed exit=3\n"
     "at 4s\n"
     "jobs\n",
     "0s start a on n1\n"
     "3s stop a\n"
     "4s jobs\n"
     "  a FAILED ContainerFailed attempts=1\n"},
    {"somebody stops it before its node registers anew: by its exit",
     HOUSE
     "job a queue=q cpu=1 retry=3 rule=RETRY,status=Host* rule=EXIT,exit=143\n"
     "at 1s\n"
     "pod a running\n"
     "at 2s\n"
     "pod a deleting\n"
     "at 3s\n"
     "node n1 gone\n"
     "at 5s\n"
     "node n1 env=e cpu=4\n"
     "at 6s\n"
     "pod a failed exit=143\n"
     "at 7s\n"
     "jobs\n",
     "0s start a on n1\n"
     "7s jobs\n"
     "  a FAILED ContainerFailed attempts=1\n"},
    {"somebody stops it while its node is gone, which registers anew in the same second: by its exit",
     HOUSE
     "job a queue=q cpu=1 retry=3 rule=RETRY,status=Host* rule=EXIT,exit=143\n"
     "at 1s\n"
     "pod a running\n"
     "at 2s\n"
     "node n1 gone\n"
     "at 3.2s\n"
     "pod a deleting\n"
     "at 3.6s\n"
     "node n1 env=e cpu=4\n"
     "at 4s\n"
     "pod a failed exit=143\n"
     "at 5s\n"
     "jobs\n",
     "0s start a on n1\n"
     "5s jobs\n"
     "  a FAILED ContainerFailed attempts=1\n"},
    {"stopped for that, and a later process hears of its end: its host",
     HOUSE
     "job a queue=q cpu=1 retry=3 rule=EXIT,status=Host*\n"
     "at 1s\n"
     "pod a running\n"
     "answer delete a never\n"
     "at 2s\n"
     "node n1 gone\n"
     "at 3s\n"
     "node n1 env=e cpu=4\n"
     "at 3.5s\n"
     "pod a deleting\n"
     "at 4s\n"
     "pod a failed exit=143\n"
     "restart\n"
     "at 5s\n"
     "jobs\n",
     "0s start a on n1\n"
     "3s stop a\n"
     "5s jobs\n"
     "  a FAILED HostTerminated attempts=1\n"},
    /* clang-format on */
};

TEST(node_registered_anew)
{
    world_check(anew, ARRAY_LEN(anew), SHOW_PODS);
}

/* The first delete holds only if the pod has not changed. */
TEST(stopped_for_good_after_all)
{
    AUTO(core) core = core_new(&(struct core_options){0});
    static const enum kill_reason later[] = {KILL_TERMINATE, KILL_GANG, KILL_ORPHAN};
    for (size_t i = 0; i < ARRAY_LEN(later); i++) {
        struct core_pod pod = {.state = PODS_LIVE,
                               .kill = KILL_START,
                               .kill_sent = true,
                               .kill_guarded = true,
                               .in_outbox = true};
        pod_kill(core, &pod, later[i]);
        CHECK_INT("for what was asked later", pod.kill, later[i]);
        CHECK_INT("with another delete", pod.kill_sent, false);
        pod_kill(core, &pod, KILL_START);
        CHECK_INT("which stays", pod.kill, later[i]);
    }
}
