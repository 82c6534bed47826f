/* SPDX-License-Identifier: Apache-2.0 */
/* exec.h - runs a client.authentication.k8s.io credential plugin
 *
 * A process of its own with a deadline; its output is bounded (1 MiB, and of what it says on
 * standard error the last 400 bytes). Standard input is /dev/null. */
#ifndef BULKHEAD_KUBE_EXEC_H
#define BULKHEAD_KUBE_EXEC_H

#include "bulkhead/base/err.h"
#include "bulkhead/kube/kubeconfig.h"

#include <stdint.h>
#include <uv.h>

struct exec_credential {
    char *token;              /* NULL: none */
    char *cert_pem, *key_pem; /* NULL: none; go together */
    int64_t expires_ns;       /* wall clock; INT64_MAX: never */
};
void exec_credential_done(struct exec_credential *credential);

/* What a plugin printed. ERR_INVALID when it is no usable ExecCredential of that version. */
int exec_parse(const char *text, size_t size, const char *api_version,
               struct exec_credential *ret_credential, struct err *err);

/* The KUBERNETES_EXEC_INFO a plugin gets; the caller frees. */
char *exec_info(const struct kube_config *config);

/* on_done runs once from the loop; credential is NULL when err says why, else its texts may be
 * taken. on_closed runs last, when the run is freed; also after exec_run_cancel, which kills. */
struct exec_owner {
    void (*on_done)(void *ctx, struct exec_credential *credential, const struct err *err);
    void (*on_closed)(void *ctx);
    void *ctx;
};
struct exec_run;
struct exec_run *exec_run_start(uv_loop_t *loop, const struct kube_config *config,
                                int64_t timeout_ms, const struct exec_owner *owner);
void exec_run_cancel(struct exec_run *run); /* no on_done any more */

#endif
