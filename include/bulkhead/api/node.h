/* SPDX-License-Identifier: Apache-2.0 */
/* node.h - what bulkhead reads of a core/v1 Node, Pod, apps/v1 DaemonSet and node.k8s.io/v1
 * RuntimeClass */
#ifndef BULKHEAD_API_NODE_H
#define BULKHEAD_API_NODE_H

#include "bulkhead/api/consumable.h"
#include "bulkhead/api/meta.h"
#include "bulkhead/api/placement.h"
#include "bulkhead/api/resources.h"

struct json_object;

struct node {
    struct object_meta meta;
    struct key_values labels;
    struct taints taints;
    struct resources allocatable;
    char *provider_id; /* spec.providerID or NULL */
    bool ready;        /* condition Ready is True */
    bool unschedulable;
};

enum pod_phase { POD_PENDING, POD_RUNNING, POD_SUCCEEDED, POD_FAILED, POD_UNKNOWN };

struct container_exit {
    char *name;
    int32_t exit_code;
    char *reason;  /* Completed, Error, OOMKilled, ContainerCannotRun, ... or NULL */
    char *message; /* termination message, at most 1 KiB kept; or NULL */
};

/* A pod on any node of the cluster, ours or foreign. Labels and annotations of ours are read into
 * fields; job_uid == NULL: not a pod of bulkhead. */
struct pod {
    struct object_meta meta;
    char *address;   /* status.podIP */
    char *node_name; /* NULL: not placed */
    enum pod_phase phase;
    char *reason;  /* status.reason: OutOfcpu, Evicted, NodeLost, DeadlineExceeded, ... */
    char *message; /* status.message, at most 1 KiB kept */
    struct resources requests;
    int32_t *host_ports;
    size_t host_port_count;

    char *owner_kind; /* of the controller owner reference, or NULL */
    char *owner_uid;

    char *job_uid; /* LABEL_JOB_UID; the rest of this block is valid only with it */
    char *job_name;
    char *queue;
    char *share;        /* LABEL_SHARE; NULL: none */
    char *gives_way_to; /* ANNOTATION_GIVES_WAY: a share for which it is stopped; NULL: none */
    char *environment;
    char *node_uid;
    char *definition, *definition_uid; /* name:revision it was made from; NULL: none */
    uint32_t index;
    uint32_t count; /* 1.. */
    uint32_t try;
    uint32_t attempt;
    struct consumable_needs consumables; /* what it holds, by ANNOTATION_CONSUMABLES */
    int64_t price; /* an hour, in millionths, by ANNOTATION_PRICE; 0: not known */

    bool deadline;        /* status.reason is DeadlineExceeded */
    char *disruption;     /* reason of condition DisruptionTarget=True, or NULL */
    int64_t disrupted_ns; /* since when; 0: not told */
    int64_t scheduled_ns; /* when it was bound to its node; 0: not told */
    char *waiting_reason; /* of the first container that waits: ImagePullBackOff, ... or NULL */
    char *waiting_message;
    bool init_started;       /* an init container has run or is running */
    bool containers_started; /* a main container has run or is running: the attempt has begun */
    int64_t started_ns;      /* earliest start of a main container; 0: none */
    int64_t finished_ns;     /* latest finish of a container; 0: none */
    struct container_exit *exits; /* init and main containers that terminated */
    size_t exit_count;
    char *result; /* of a pod of ours that succeeded: what the first of its containers that left
                     something left, see result.h; or NULL */
};

struct daemon_set {
    struct object_meta meta;
    struct placement placement;
};

struct runtime_class {
    struct object_meta meta;
    struct placement adds; /* to each pod of the class; see placement_add_runtime */
};

struct node *node_free(struct node *node);
struct pod *pod_free(struct pod *pod);
struct daemon_set *daemon_set_free(struct daemon_set *set);
struct runtime_class *runtime_class_free(struct runtime_class *class_);
DEFINE_AUTO(runtime_class, runtime_class_free)
DEFINE_AUTO(node, node_free)
DEFINE_AUTO(pod, pod_free)
DEFINE_AUTO(daemon_set, daemon_set_free)

/* Decoders. Fields that are missing or of the wrong type are treated as absent (these objects come
 * from the API server, which has validated them); ERR_INVALID only when there is no name. */
int node_decode(struct json_object *doc, struct node **ret_node, struct err *err);
int pod_decode(struct json_object *doc, struct pod **ret_pod, struct err *err);
int daemon_set_decode(struct json_object *doc, struct daemon_set **ret_set, struct err *err);
int runtime_class_decode(struct json_object *doc, struct runtime_class **ret_class,
                         struct err *err);

/* Effective requests of a pod spec, as k8s.io/component-helpers/resource.PodRequests computes them
 * (restartable init containers, overhead, pod-level resources), pods = 1. Also nodeSelector,
 * affinity, ... */
int placement_decode(struct json_object *pod_spec, struct placement *ret_placement,
                     struct err *err);

#endif
