/* SPDX-License-Identifier: Apache-2.0 */
/* kubeconfig.h - which API server to talk to, and as whom
 *
 * Finds the configuration as kubectl does, the first that applies:
 *   1. options.path
 *   2. $KUBECONFIG: several files, ':'-separated, merged: the first to name an entry wins; files
 *      that do not exist are skipped
 *   3. $HOME/.kube/config, if it exists
 *   4. the service account of the pod we run in
 * Relative paths in a file are relative to that file. Reads files, so load at start, not in a turn.
 *
 * Bounds     a file 4 MiB, YAML depth 32, 100,000 nodes, no aliases or anchors; 64 files.
 * Errors     ERR_INVALID, one sentence: which file, which field, what is wrong, what to do.
 * Refused    by name, never ignored: proxy-url, auth-provider, username/password, as/as-groups. */
#ifndef BULKHEAD_KUBE_KUBECONFIG_H
#define BULKHEAD_KUBE_KUBECONFIG_H

#include "bulkhead/base/err.h"
#include "bulkhead/base/macros.h"

#include <stdbool.h>
#include <stddef.h>

/* The environment, so that tests can pass their own. The text is borrowed; NULL: not set. */
struct kube_env {
    const char *(*get)(void *ctx, const char *name);
    void *ctx;
};
struct kube_env kube_env_process(void); /* getenv */

struct kube_exec_variable {
    char *name, *value;
};

/* A client.authentication.k8s.io plugin: a program that prints a credential. */
struct kube_exec {
    char *api_version; /* client.authentication.k8s.io/v1 or /v1beta1 */
    char *command;     /* looked up in PATH when it holds no '/' */
    char **args;
    size_t arg_count;
    struct kube_exec_variable *variables; /* added to our own environment */
    size_t variable_count;
    bool provide_cluster_info;
    char *install_hint; /* NULL: none */
};

struct kube_config {
    char *source;          /* for messages: the file or files, or "in-cluster" */
    char *context;         /* its name; NULL in-cluster */
    char *server;          /* https://host:port[/prefix] or http://...; no '/' at the end */
    char *namespace;       /* never NULL; "default" unless the context says otherwise */
    char *tls_server_name; /* NULL: the host of server */
    bool insecure_skip_tls_verify;
    char *ca_pem;          /* NULL: the system's roots */
    char *client_cert_pem; /* NULL: none; goes with client_key_pem */
    char *client_key_pem;
    char *token;      /* NULL: none, or token_path */
    char *token_path; /* NULL: none; else read again when it changes, looked at once a minute */
    struct kube_exec *exec; /* NULL: none */
};

struct kube_config_options {
    const char *path;           /* NULL: search as above */
    const char *context;        /* NULL: the file's current-context */
    struct kube_env env;        /* .get NULL: the process's own */
    const char *in_cluster_dir; /* NULL: /var/run/secrets/kubernetes.io/serviceaccount */
};

int kube_config_load(const struct kube_config_options *options, struct kube_config **ret_config,
                     struct err *err);
struct kube_config *kube_config_free(struct kube_config *config);
DEFINE_AUTO(kube_config, kube_config_free)

#endif
