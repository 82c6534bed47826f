/* SPDX-License-Identifier: Apache-2.0 */
/* auth.h - the credential of the moment: fixed, from a file that changes, or from a plugin */
#ifndef BULKHEAD_KUBE_AUTH_H
#define BULKHEAD_KUBE_AUTH_H

#include "bulkhead/base/err.h"
#include "bulkhead/kube/backoff.h"
#include "bulkhead/kube/kubeconfig.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

enum auth_state {
    AUTH_READY, /* use what the accessors say */
    AUTH_BUSY,  /* being fetched: on_changed will run */
    AUTH_FAILED /* auth_error says why */
};

struct auth_options {
    int64_t exec_timeout_ms;
    struct kube_random random;
    void (*on_changed)(void *ctx); /* a fetch has ended; from the loop */
    void (*on_closed)(void *ctx);
    void *ctx;
};

struct auth;
struct auth *auth_new(uv_loop_t *loop, const struct kube_config *config,
                      const struct auth_options *options); /* config is borrowed */
void auth_close(struct auth *auth); /* on_closed follows, from here or from the loop */

/* Looks at the token file at most once a minute; starts the plugin when there is no credential or
 * it is about to expire. */
enum auth_state auth_prepare(struct auth *auth);

/* The server refused the credential of that generation. True: there is, or soon will be, another.
 */
bool auth_refused(struct auth *auth, uint64_t generation);

uint64_t auth_generation(const struct auth *auth);      /* rises with each new credential */
uint64_t auth_cert_generation(const struct auth *auth); /* rises when the certificate changes */
const char *auth_bearer(const struct auth *auth);       /* NULL: none; borrowed */
const char *auth_cert_pem(const struct auth *auth);     /* NULL: none */
const char *auth_key_pem(const struct auth *auth);
const struct err *auth_error(const struct auth *auth);

#endif
