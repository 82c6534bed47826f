/* SPDX-License-Identifier: Apache-2.0 */
/* causes.c - who ended a pod: one table of what kubelets and the control plane say
 *
 * status.reason is the kubelet's (pkg/kubelet/lifecycle, pkg/kubelet/kubelet.go, pkg/kubelet/
 * eviction); the condition DisruptionTarget is from whoever deletes a pod for the cluster's sake
 * (KEP-3329). The first row that fits decides. A reason that no row names is a refusal by a newer
 * kubelet if the program never ran, and says nothing if it did. */
#include "causes.h"
#include "internal.h"

#include <string.h>

enum { WEIGHT_PLAIN = 1, WEIGHT_LASTING = 20 };
enum { LEVEL_LASTING = 6 }; /* 64 s */

/* clang-format off */
#define STALE(reason, rest)   { reason, NULL, NULL, CAUSE_REFUSED, rest,       WEIGHT_PLAIN,   0 }
#define LASTING(reason)       { reason, NULL, NULL, CAUSE_REFUSED, REST_CLASS, WEIGHT_LASTING, LEVEL_LASTING }
#define HOST(reason, rest)    { reason, NULL, NULL, CAUSE_HOST,    rest,       WEIGHT_PLAIN,   0 }
#define DISRUPTED(by, rest)   { NULL,   by,   NULL, CAUSE_HOST,    rest,       WEIGHT_PLAIN,   0 }
#define OWN(reason, words)    { reason, "",   words, CAUSE_OWN,    REST_NONE,  WEIGHT_PLAIN,   0 }

static const struct cause causes[] = {
    /* The kubelet has not the room that we counted: our picture of the node was old. */
    STALE("OutOf*", REST_ALL),
    /* Something of the node or its kubelet that may pass: device plug-ins that are not back yet. */
    STALE("UnexpectedAdmissionError", REST_ALL),
    STALE("InvalidNodeInfo", REST_ALL),
    STALE("UnknownReason", REST_ALL),
    STALE("UnexpectedPredicateFailureType", REST_ALL),
    STALE("NodeShutdown", REST_ALL),
    /* Of this pod on this node: labels, taints, ports, volumes or topology have changed. */
    STALE("NodeAffinity", REST_CLASS),
    STALE("NodeName", REST_CLASS),
    STALE("NodePorts", REST_CLASS),
    STALE("TaintToleration", REST_CLASS),
    STALE("TopologyAffinityError", REST_CLASS),
    STALE("VolumeAttachmentLimitExceeded", REST_CLASS),
    /* Of this pod on every node of its kind: it does not pass by itself. */
    LASTING("PodOSNotSupported"),
    LASTING("PodOSSelectorNodeLabelDoesNotMatch"),
    LASTING("SupplementalGroupsPolicyNotSupported"),
    LASTING("InitContainerRestartPolicyForbidden"),
    LASTING("AppArmor"),
    LASTING("PodFeatureUnsupported"),
    LASTING("PodLevelResourcesNotSupported"),
    LASTING("SysctlForbidden"),
    /* Over its own limits: the pod itself is evicted, whatever the node has left. Kubelets set no
     * DisruptionTarget then. */
    OWN("Evicted", "exceeded its local ephemeral storage limit"),
    OWN("Evicted", "ephemeral local storage usage exceeds the total limit"),
    OWN("Evicted", "Usage of EmptyDir volume"),
    /* The node is short of something, makes room for a critical pod, or goes. */
    HOST("Evicted", REST_ALL),
    HOST("Preempting", REST_ALL),
    HOST("Terminated", REST_ALL),
    HOST("Shutdown", REST_ALL),
    HOST("NodeLost", REST_NONE),
    /* Somebody else, for the cluster's sake. */
    DISRUPTED("TerminationByKubelet", REST_ALL),
    DISRUPTED("DeletionByTaintManager", REST_ALL),
    DISRUPTED("EvictionByEvictionAPI", REST_ALL),
    DISRUPTED("PreemptionByScheduler", REST_ALL),
    DISRUPTED("DeletionByPodGC", REST_NONE),
    DISRUPTED("*", REST_ALL),
};
static const struct cause unknown_refusal = STALE("*", REST_ALL);
/* clang-format on */

static bool is_said(const char *wanted, const char *said)
{
    if (wanted == NULL)
        return true;
    if (wanted[0] == '\0' || said == NULL)
        return wanted[0] == '\0' && said == NULL;
    return glob_matches(wanted, said);
}

const struct cause *cause_of(const struct pod *seen)
{
    for (size_t i = 0; i < ARRAY_LEN(causes); i++) {
        const struct cause *cause = &causes[i];
        if (is_said(cause->reason, seen->reason) && is_said(cause->disruption, seen->disruption) &&
            (cause->words == NULL ||
             (seen->message != NULL && strstr(seen->message, cause->words) != NULL)))
            return cause;
    }
    bool ran = seen->containers_started || seen->exit_count > 0;
    return seen->reason != NULL && !seen->deadline && !ran ? &unknown_refusal : NULL;
}
