/* SPDX-License-Identifier: Apache-2.0 */
/* objects_fuzz.c - any JSON as a pod, a Node, a DaemonSet or a RuntimeClass */
#include "fuzz/fuzz.h"

#include "bulkhead/api/node.h"
#include "bulkhead/json/get.h"

static void check_requests(const struct resources *requests)
{
    MUST(requests->cpu_milli >= 0 && requests->memory_bytes >= 0);
    MUST(requests->ephemeral_bytes >= 0 && requests->pods >= 0);
}

static void as_pod(struct json_object *doc)
{
    struct err err = {0};
    AUTO(pod) pod = NULL;
    if (pod_decode(doc, &pod, &err) < 0) {
        MUST(pod == NULL && err.text[0] != '\0');
        return;
    }
    MUST(pod->meta.name != NULL);
    check_requests(&pod->requests);
}

static void as_node(struct json_object *doc)
{
    struct err err = {0};
    AUTO(node) node = NULL;
    if (node_decode(doc, &node, &err) < 0)
        MUST(node == NULL && err.text[0] != '\0');
    else
        MUST(node->meta.name != NULL);
}

static void as_others(struct json_object *doc)
{
    struct err err = {0};
    AUTO(daemon_set) set = NULL;
    if (daemon_set_decode(doc, &set, &err) < 0)
        MUST(set == NULL);
    AUTO(runtime_class) class_ = NULL;
    if (runtime_class_decode(doc, &class_, &err) < 0)
        MUST(class_ == NULL);
}

FUZZ(data, size)
{
    struct err err = {0};
    AUTO(json_object) doc = NULL;
    if (json_parse((const char *)data, size, &doc, &err) < 0)
        return 0;
    as_pod(doc);
    as_node(doc);
    as_others(doc);
    return 0;
}
