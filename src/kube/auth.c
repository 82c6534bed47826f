/* SPDX-License-Identifier: Apache-2.0 */
/* auth.c - the credential of the moment: see the header
 *
 * A credential that is still good is used while its successor is fetched, and kept when fetching
 * fails. A plugin that fails is asked again after a back-off, and one whose credential the server
 * refuses at most every ten seconds, so that an account without rights makes no hot loop. */
#include "auth.h"

#include "bulkhead/base/clock.h"
#include "bulkhead/base/str.h"
#include "exec.h"
#include "file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { TOKEN_BYTES_MAX = 64 * 1024 };
static const int64_t file_look_ns = 60 * NS_PER_S;
static const int64_t exec_early_ns = 30 * NS_PER_S; /* before it expires */
static const int64_t exec_apart_ns = 5 * NS_PER_S;  /* a short-lived one must not make a hot loop */
static const int64_t refused_young_ns = 10 * NS_PER_S;

struct auth {
    uv_loop_t *loop;
    const struct kube_config *config;
    struct auth_options options;
    char *bearer;
    struct exec_credential credential; /* of the plugin; its token is moved to bearer */
    uint64_t generation, cert_generation;
    struct err error;  /* of the last try, while there is no credential */
    int64_t looked_ns; /* at the token file; INT64_MIN: never */
    struct stat looked;
    struct exec_run *run; /* NULL: none */
    bool have, closing;
    int64_t fetched_ns; /* steady */
    int64_t retry_ns;   /* no plugin before this time */
    struct kube_backoff backoff;
};

static void set_bearer(struct auth *auth, char *token)
{
    if (auth->bearer != NULL)
        explicit_bzero(auth->bearer, strlen(auth->bearer));
    free(auth->bearer);
    auth->bearer = token;
    auth->generation++;
    auth->have = true;
    auth->error = (struct err){0};
}

/* Returns whether the token changed. */
static bool read_token_file(struct auth *auth)
{
    AUTO_STR text = STR_EMPTY;
    struct err err;

    if (kube_file_read(auth->config->token_path, TOKEN_BYTES_MAX, &text, &err) < 0) {
        if (!auth->have)
            err_set(&auth->error, ERR_AGAIN, "token file %s", err.text);
        return false;
    }
    size_t size = strcspn(str_text(&text), " \t\r\n");
    if (size == 0) {
        if (!auth->have)
            err_set(&auth->error, ERR_AGAIN, "token file %s is empty", auth->config->token_path);
        return false;
    }
    char *token = text_copy_n(text.data, size);
    explicit_bzero(text.data, text.size);
    if (text_eq(token, auth->bearer)) {
        free(token);
        return false;
    }
    set_bearer(auth, token);
    return true;
}

static bool token_file_changed(struct auth *auth)
{
    struct stat now;
    if (stat(auth->config->token_path, &now) != 0)
        return false;
    bool same = auth->looked.st_ino == now.st_ino && auth->looked.st_size == now.st_size &&
                auth->looked.st_mtim.tv_sec == now.st_mtim.tv_sec &&
                auth->looked.st_mtim.tv_nsec == now.st_mtim.tv_nsec;
    auth->looked = now;
    return !same;
}

static enum auth_state prepare_file(struct auth *auth)
{
    int64_t now_ns = clock_steady_ns();
    if (!auth->have || now_ns - auth->looked_ns >= file_look_ns) {
        auth->looked_ns = now_ns;
        if (token_file_changed(auth) || !auth->have)
            read_token_file(auth);
    }
    return auth->have ? AUTH_READY : AUTH_FAILED;
}

static void take_credential(struct auth *auth, struct exec_credential *credential)
{
    if (!text_eq(auth->credential.cert_pem, credential->cert_pem) ||
        !text_eq(auth->credential.key_pem, credential->key_pem))
        auth->cert_generation++;
    exec_credential_done(&auth->credential);
    set_bearer(auth, STEAL(credential->token));
    auth->credential = *credential;
    *credential = (struct exec_credential){0};
    auth->fetched_ns = clock_steady_ns();
    auth->retry_ns = auth->fetched_ns + exec_apart_ns;
    kube_backoff_reset(&auth->backoff);
}

static void note_failure(struct auth *auth, const struct err *err)
{
    auth->error = *err;
    auth->retry_ns =
        clock_steady_ns() + kube_backoff_next(&auth->backoff, &auth->options.random) * NS_PER_MS;
}

static void on_exec_done(void *ctx, struct exec_credential *credential, const struct err *err)
{
    struct auth *auth = ctx;
    struct err expired;

    if (credential == NULL) {
        note_failure(auth, err);
    } else if (credential->expires_ns <= clock_wall_ns()) {
        err_set(&expired, ERR_AGAIN,
                "credential plugin %s gave a credential that has expired; compare the clocks",
                auth->config->exec->command);
        note_failure(auth, &expired);
    } else {
        take_credential(auth, credential);
    }
}

static void free_auth(struct auth *auth)
{
    struct auth_options options = auth->options;
    if (auth->bearer != NULL)
        explicit_bzero(auth->bearer, strlen(auth->bearer));
    free(auth->bearer);
    exec_credential_done(&auth->credential);
    free(auth);
    options.on_closed(options.ctx);
}

static void on_exec_closed(void *ctx)
{
    struct auth *auth = ctx;
    auth->run = NULL;
    if (auth->closing)
        free_auth(auth);
    else
        auth->options.on_changed(auth->options.ctx);
}

static void start_exec(struct auth *auth)
{
    if (auth->run != NULL || clock_steady_ns() < auth->retry_ns)
        return;
    struct exec_owner owner = {on_exec_done, on_exec_closed, auth};
    auth->run = exec_run_start(auth->loop, auth->config, auth->options.exec_timeout_ms, &owner);
}

static enum auth_state prepare_exec(struct auth *auth)
{
    int64_t now_ns = clock_wall_ns(), expires_ns = auth->credential.expires_ns;
    bool good = auth->have && now_ns < expires_ns;

    if (!good || (expires_ns != INT64_MAX && now_ns > expires_ns - exec_early_ns))
        start_exec(auth);
    if (good)
        return AUTH_READY;
    if (auth->run != NULL)
        return AUTH_BUSY;
    if (auth->error.kind == ERR_NONE)
        err_set(&auth->error, ERR_AGAIN, "credential plugin %s: its credential has expired",
                auth->config->exec->command);
    return AUTH_FAILED;
}

enum auth_state auth_prepare(struct auth *auth)
{
    if (auth->config->exec != NULL)
        return prepare_exec(auth);
    if (auth->config->token_path != NULL)
        return prepare_file(auth);
    return AUTH_READY;
}

bool auth_refused(struct auth *auth, uint64_t generation)
{
    if (generation != auth->generation)
        return true; /* a newer one is there already */
    if (auth->config->exec != NULL) {
        if (auth->have && clock_steady_ns() - auth->fetched_ns < refused_young_ns)
            return false;
        auth->have = false;
        start_exec(auth);
        return auth->run != NULL;
    }
    return auth->config->token_path != NULL && read_token_file(auth);
}

struct auth *auth_new(uv_loop_t *loop, const struct kube_config *config,
                      const struct auth_options *options)
{
    struct auth *auth = mem_new(sizeof(*auth));
    auth->loop = loop;
    auth->config = config;
    auth->options = *options;
    auth->retry_ns = INT64_MIN;
    auth->backoff = (struct kube_backoff){.min_ms = 1000, .max_ms = 30000};
    auth->credential.expires_ns = INT64_MAX;
    if (config->token != NULL)
        set_bearer(auth, text_copy(config->token));
    return auth;
}

void auth_close(struct auth *auth)
{
    auth->closing = true;
    if (auth->run != NULL)
        exec_run_cancel(auth->run);
    else
        free_auth(auth);
}

uint64_t auth_generation(const struct auth *auth)
{
    return auth->generation;
}

uint64_t auth_cert_generation(const struct auth *auth)
{
    return auth->cert_generation;
}

const char *auth_bearer(const struct auth *auth)
{
    return auth->bearer;
}

const char *auth_cert_pem(const struct auth *auth)
{
    return auth->credential.cert_pem != NULL ? auth->credential.cert_pem
                                             : auth->config->client_cert_pem;
}

const char *auth_key_pem(const struct auth *auth)
{
    return auth->credential.key_pem != NULL ? auth->credential.key_pem
                                            : auth->config->client_key_pem;
}

const struct err *auth_error(const struct auth *auth)
{
    return &auth->error;
}
