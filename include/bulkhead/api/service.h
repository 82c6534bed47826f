/* SPDX-License-Identifier: Apache-2.0 */
/* service.h - stable names for the nodes of a multi-node job
 *
 * A pod's address changes with every try. So each multi-node job has a headless Service that
 * selects its pods, and each pod a hostname and that Service as its subdomain: the cluster's DNS
 * then knows node i as <service>-i.<service>.<namespace>.svc, in every try alike. Its name is made
 * of the job's name and UID, as the names of pods are: a second create is a 409. The job owns it.
 */
#ifndef BULKHEAD_API_SERVICE_H
#define BULKHEAD_API_SERVICE_H

#include "bulkhead/api/meta.h"
#include "bulkhead/json/get.h"

struct node_service {
    struct object_meta meta;
    char *job_uid; /* whose it is */
};

/* "<job's name, cut to 30, without dots>-<8 hex digits of its UID>": what names of its objects
 * begin with; the caller's, like all names here. */
char *job_stem(const char *job_name, const char *job_uid);
/* At most 43 bytes, and with a letter first, as names of Services must be. */
char *node_service_name(const char *job_name, const char *job_uid);
char *node_host_name(const char *service, int64_t node);
/* As DNS knows it: "<hostname>.<service>.<namespace>.svc". */
char *node_dns_name(const struct object_meta *job, int64_t node);

struct json_object *node_service_encode(const struct object_meta *job);
/* ERR_INVALID also for one that has our label and is not a multi-node job's by owner and name. */
int node_service_decode(struct json_object *doc, struct node_service **ret_service,
                        struct err *err);
struct node_service *node_service_free(struct node_service *service);
DEFINE_AUTO(node_service, node_service_free)

#endif
