/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint.h - a client for one URL that is not an API server's
 *
 * The same transport, with its lanes, window and answers to 429, for whoever takes posts from us.
 * Reads the CA file, so call it at start, not in a turn. */
#ifndef BULKHEAD_KUBE_ENDPOINT_H
#define BULKHEAD_KUBE_ENDPOINT_H

#include "bulkhead/kube/kubeconfig.h"

struct kube_endpoint {
    const char *name;       /* for messages: "--event-sink" */
    const char *url;        /* http or https, with a host; path and query may follow */
    const char *ca_path;    /* PEM; NULL: the system's roots */
    const char *token_path; /* sent as bearer, read again when it changes; NULL: none */
};

/* What kube_client_new takes, and the path (with query) to send to. ERR_INVALID: which part is
 * wrong. A token goes over https, or to this machine itself. */
int kube_endpoint_config(const struct kube_endpoint *endpoint, struct kube_config **ret_config,
                         char **ret_path, struct err *err);

#endif
