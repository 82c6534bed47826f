/* SPDX-License-Identifier: Apache-2.0 */
/* config_fields.h - the fields of a kubeconfig's cluster and user, read into a kube_config */
#ifndef BULKHEAD_KUBE_CONFIG_FIELDS_H
#define BULKHEAD_KUBE_CONFIG_FIELDS_H

#include "bulkhead/kube/kubeconfig.h"

struct json_object;

enum { CONFIG_FILE_BYTES_MAX = 4 * 1024 * 1024 };

/* One named entry of a kubeconfig. Everything is borrowed. */
struct config_entry {
    const char *file; /* for messages */
    const char *dir;  /* what relative paths are relative to */
    const char *list; /* "clusters", "users", "contexts" */
    const char *name;
    const char *prefix;         /* of the field names in messages: "exec."; NULL: none */
    struct json_object *fields; /* the object under cluster, user or context */
};

/* Fill their part of config. ERR_INVALID: one sentence; config may be half filled. */
int config_read_cluster(const struct config_entry *entry, struct kube_config *config,
                        struct err *err);
int config_read_user(const struct config_entry *entry, struct kube_config *config, struct err *err);

/* What holds across both: credentials never in clear, certificates that OpenSSL can use. */
int config_check(const struct kube_config *config, struct err *err);

/* Sets err to "<file>: <list>[<name>].<prefix><field>: <words>". Returns -1. */
int config_bad(const struct config_entry *entry, struct err *err, const char *field,
               const char *format, ...) PRINTF_LIKE(4, 5);

#endif
