/* SPDX-License-Identifier: Apache-2.0 */
/* placement.h - what a pod asks of a node besides room, and whether a node offers it
 *
 * The matching rules are those of k8s.io/component-helpers/scheduling/corev1 (nodeaffinity,
 * tolerations), which the kubelet applies too: a pod placed against them would be refused. */
#ifndef BULKHEAD_API_PLACEMENT_H
#define BULKHEAD_API_PLACEMENT_H

#include "bulkhead/api/meta.h"
#include "bulkhead/api/resources.h"

struct taint {
    char *key;
    char *value;  /* may be NULL */
    char *effect; /* NoSchedule, PreferNoSchedule, NoExecute */
};
struct taints {
    struct taint *items;
    size_t count;
};

struct toleration {
    char *key;       /* NULL with operator Exists: every taint */
    char *operator_; /* NULL or "Equal", "Exists" */
    char *value;
    char *effect; /* NULL: every effect */
};
struct tolerations {
    struct toleration *items;
    size_t count;
};

struct node_requirement {
    char *key;
    char *operator_; /* In, NotIn, Exists, DoesNotExist, Gt, Lt */
    struct text_list values;
};
struct node_term { /* all expressions AND all fields */
    struct node_requirement *expressions;
    size_t expression_count;
    struct node_requirement *fields; /* only metadata.name */
    size_t field_count;
};

/* Everything that decides on which nodes a pod may run. */
struct placement {
    struct resources requests; /* effective: containers, init containers, sidecars, overhead */
    struct key_values node_selector;
    struct node_term *affinity; /* requiredDuringScheduling terms, ORed */
    size_t affinity_count;
    bool has_affinity; /* true with affinity_count 0 matches no node, as in Kubernetes */
    struct tolerations tolerations;
    int32_t
        *host_ports; /* hostPort numbers the pod binds; two pods with one port never share a node */
    size_t host_port_count;
    char *runtime_class; /* spec.runtimeClassName or NULL; see placement_add_runtime */
    bool has_overhead;   /* spec.overhead is given: in requests already */
    /* What only the cluster's scheduler can see to, as a field of the pod's spec: volumes of
     * claims, resourceClaims, required affinity between pods, DoNotSchedule topology spread. Static
     * text; NULL: nothing, and the pod is created on its node. */
    const char *scheduler;
    bool apart; /* required anti-affinity by host name: at most one such pod a node */
};
#define SCHEDULER_VOLUMES "volumes" /* the one that a preset nodeName can do with, most often */

struct node; /* node.h */

void placement_done(struct placement *placement);
void placement_copy(struct placement *to, const struct placement *from);
uint64_t placement_hash(const struct placement *placement);
bool placement_equal(const struct placement *a, const struct placement *b);

/* What the API server's admission adds to a pod of a RuntimeClass: its overhead, unless the
 * template says it itself, its node selector (where both name a key the pod is refused anyway) and
 * its tolerations. */
void placement_add_runtime(struct placement *to, const struct placement *adds);

bool taint_tolerated(const struct taint *taint, const struct tolerations *tolerations);
/* The first taint with effect NoSchedule or NoExecute that is not tolerated, or NULL. Taints whose
 * key is ignore_key are passed over (NULL: none). */
const struct taint *taints_blocking(const struct taints *taints,
                                    const struct tolerations *tolerations, const char *ignore_key);
/* nodeSelector and required node affinity against labels and the node's name. */
bool placement_matches(const struct placement *placement, const char *node_name,
                       const struct key_values *labels);

void taints_done(struct taints *taints);
void tolerations_done(struct tolerations *tolerations);

#endif
