/* SPDX-License-Identifier: Apache-2.0 */
/* exec.c - runs a client.authentication.k8s.io credential plugin: see the header
 *
 * The run is over when the process has been reaped and both pipes have ended; on_done runs then,
 * and once the handles are closed, on_closed. A plugin that leaves a child holding its pipes is cut
 * off by the deadline, like one that hangs. */
#include "exec.h"

#include "bulkhead/base/clock.h"
#include "bulkhead/base/str.h"
#include "file.h"
#include "json_doc.h"

#include <openssl/evp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OUTPUT_BYTES_MAX = 1024 * 1024, COMPLAINT_BYTES_MAX = 400, READ_BYTES = 16 * 1024 };

struct exec_run {
    const struct kube_config *config; /* borrowed: the client closes runs before it frees it */
    struct exec_owner owner;
    uv_process_t process;
    uv_pipe_t out, complaints;
    uv_timer_t deadline;
    int handles;    /* not closed yet */
    int unfinished; /* of: process, out, complaints */
    bool spawned, cancelled;
    struct str output, complaint;
    struct err problem; /* the first: timed out, too much output */
    int64_t exit_status;
    int exit_signal;
    char bytes[READ_BYTES];
};

void exec_credential_done(struct exec_credential *credential)
{
    text_set(&credential->token, NULL);
    text_set(&credential->cert_pem, NULL);
    text_set(&credential->key_pem, NULL);
}

static int read_credential(struct json_object *status, struct exec_credential *credential,
                           struct err *err)
{
    const char *token = doc_text(status, "token");
    const char *cert = doc_text(status, "clientCertificateData");
    const char *key = doc_text(status, "clientKeyData");
    const char *expires = doc_text(status, "expirationTimestamp");

    credential->expires_ns = INT64_MAX;
    if (expires != NULL && time_parse(expires, &credential->expires_ns, err) < 0)
        return err_wrap(err, "status.expirationTimestamp");
    if ((cert == NULL) != (key == NULL))
        return err_set(err, ERR_INVALID, "clientCertificateData and clientKeyData go together");
    if (token == NULL && cert == NULL)
        return err_set(err, ERR_INVALID, "neither status.token nor status.clientCertificateData");
    if (token != NULL && (token[0] == '\0' || token[strcspn(token, " \t\r\n")] != '\0'))
        return err_set(err, ERR_INVALID, "status.token: empty, or with white space in it");
    credential->token = text_copy(token);
    credential->cert_pem = text_copy(cert);
    credential->key_pem = text_copy(key);
    return 0;
}

int exec_parse(const char *text, size_t size, const char *api_version,
               struct exec_credential *ret_credential, struct err *err)
{
    struct json_object *doc = doc_parse(text, size);
    struct exec_credential credential = {0};
    const char *version = doc_text(doc, "apiVersion");
    int result;

    if (doc == NULL)
        result = err_set(err, ERR_INVALID, "its output is not JSON");
    else if (!text_eq(doc_text(doc, "kind"), "ExecCredential"))
        result = err_set(err, ERR_INVALID, "its output is no ExecCredential");
    else if (!text_eq(version, api_version))
        result = err_set(err, ERR_INVALID, "it answered apiVersion %.60s, expected %s",
                         version != NULL ? version : "\"\"", api_version);
    else
        result = read_credential(doc_get(doc, "status", json_type_object), &credential, err);
    json_object_put(doc);
    if (result == 0)
        *ret_credential = credential;
    return result;
}

static char *base64_of(const char *text)
{
    size_t size = strlen(text);
    char *encoded = mem_new(4 * ((size + 2) / 3) + 1);
    EVP_EncodeBlock((unsigned char *)encoded, (const unsigned char *)text, (int)size);
    return encoded;
}

char *exec_info(const struct kube_config *config)
{
    struct json_object *info = json_object_new_object();

    doc_set_text(info, "apiVersion", config->exec->api_version);
    doc_set_text(info, "kind", "ExecCredential");
    doc_set(info, "spec.interactive", json_object_new_boolean(false));
    if (config->exec->provide_cluster_info) {
        doc_set_text(info, "spec.cluster.server", config->server);
        doc_set_text(info, "spec.cluster.tls-server-name", config->tls_server_name);
        if (config->insecure_skip_tls_verify)
            doc_set(info, "spec.cluster.insecure-skip-tls-verify", json_object_new_boolean(true));
        if (config->ca_pem != NULL) {
            AUTO_TEXT ca = base64_of(config->ca_pem);
            doc_set_text(info, "spec.cluster.certificate-authority-data", ca);
        }
    }
    char *text = doc_print(info);
    json_object_put(info);
    return text;
}

/* "credential plugin aws exited with 255: Unable to locate credentials" */
static void describe_exit(struct exec_run *run, struct err *err)
{
    const struct kube_exec *exec = run->config->exec;
    const char *complaint = str_text(&run->complaint);

    complaint += strspn(complaint, " \r\n\t");
    if (run->problem.kind != ERR_NONE)
        *err = run->problem;
    else if (run->exit_signal != 0)
        err_set(err, ERR_AGAIN, "credential plugin %s was ended by signal %d", exec->command,
                run->exit_signal);
    else
        err_set(err, ERR_AGAIN, "credential plugin %s exited with %d%s%s", exec->command,
                (int)run->exit_status, complaint[0] != '\0' ? ": " : "", complaint);
}

static void finish(struct exec_run *run)
{
    struct exec_credential credential = {0};
    struct err err = {0};

    if (run->cancelled)
        return;
    if (run->problem.kind != ERR_NONE || run->exit_signal != 0 || run->exit_status != 0) {
        describe_exit(run, &err);
    } else if (exec_parse(str_text(&run->output), run->output.size, run->config->exec->api_version,
                          &credential, &err) < 0) {
        err_wrap(&err, "credential plugin %s", run->config->exec->command);
    } else {
        run->owner.on_done(run->owner.ctx, &credential, NULL);
        exec_credential_done(&credential);
        return;
    }
    run->owner.on_done(run->owner.ctx, NULL, &err);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct exec_run *run = handle->data;
    if (--run->handles > 0)
        return;
    struct exec_owner owner = run->owner;
    /* The output held the credential. */
    if (run->output.data != NULL)
        explicit_bzero(run->output.data, run->output.capacity);
    explicit_bzero(run->bytes, sizeof(run->bytes));
    str_done(&run->output);
    str_done(&run->complaint);
    free(run);
    owner.on_closed(owner.ctx);
}

static void close_handle(uv_handle_t *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, on_handle_closed);
}

static void on_part_finished(struct exec_run *run)
{
    if (--run->unfinished > 0)
        return;
    close_handle((uv_handle_t *)&run->deadline);
    finish(run);
}

static void on_exit_seen(uv_process_t *process, int64_t status, int signal_number)
{
    struct exec_run *run = process->data;
    run->exit_status = status;
    run->exit_signal = signal_number;
    close_handle((uv_handle_t *)process);
    on_part_finished(run);
}

/* Kills, and stops listening: a grandchild may hold the pipes for ever. */
static void cut_off(struct exec_run *run)
{
    bool closing = uv_is_closing((uv_handle_t *)&run->process);
    if (run->spawned && !closing) {
        uv_process_kill(&run->process, SIGKILL); /* on_exit_seen follows */
    } else if (!closing) {
        close_handle((uv_handle_t *)&run->process); /* its pid is 0: that would kill us */
        on_part_finished(run);
    }
    uv_pipe_t *pipes[] = {&run->out, &run->complaints};
    for (size_t i = 0; i < ARRAY_LEN(pipes); i++) {
        if (uv_is_closing((uv_handle_t *)pipes[i]))
            continue;
        close_handle((uv_handle_t *)pipes[i]);
        on_part_finished(run);
    }
}

static void fail(struct exec_run *run, const char *what)
{
    if (run->problem.kind == ERR_NONE)
        err_set(&run->problem, ERR_AGAIN, "credential plugin %s %s", run->config->exec->command,
                what);
    cut_off(run);
}

static void on_deadline(uv_timer_t *timer)
{
    fail(timer->data, "took too long and was stopped");
}

static void give_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buffer)
{
    struct exec_run *run = handle->data;
    UNUSED(suggested);
    *ret_buffer = uv_buf_init(run->bytes, sizeof(run->bytes));
}

static void on_output(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct exec_run *run = stream->data;
    if (size < 0) {
        close_handle((uv_handle_t *)stream);
        on_part_finished(run);
        return;
    }
    if (run->output.size + (size_t)size > OUTPUT_BYTES_MAX) {
        fail(run, "printed more than 1 MiB and was stopped");
        return;
    }
    str_add_bytes(&run->output, buffer->base, (size_t)size);
}

static void on_complaint(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct exec_run *run = stream->data;
    if (size < 0) {
        close_handle((uv_handle_t *)stream);
        on_part_finished(run);
        return;
    }
    str_add_bytes(&run->complaint, buffer->base, (size_t)size);
    if (run->complaint.size > COMPLAINT_BYTES_MAX) {
        size_t cut = run->complaint.size - COMPLAINT_BYTES_MAX;
        AUTO_TEXT end = text_copy_n(run->complaint.data + cut, COMPLAINT_BYTES_MAX);
        str_clear(&run->complaint);
        str_add(&run->complaint, end);
    }
}

/* Our environment, the plugin's own variables over it, and KUBERNETES_EXEC_INFO. */
static char **make_environment(const struct kube_config *config)
{
    const struct kube_exec *exec = config->exec;
    size_t inherited = 0, count = 0;
    while (environ[inherited] != NULL)
        inherited++;

    char **all = mem_new((inherited + exec->variable_count + 2) * sizeof(*all));
    for (size_t i = 0; i < inherited; i++) {
        size_t name_size = strcspn(environ[i], "=");
        bool replaced = strncmp(environ[i], "KUBERNETES_EXEC_INFO=", name_size + 1) == 0;
        for (size_t j = 0; j < exec->variable_count; j++)
            replaced |= strlen(exec->variables[j].name) == name_size &&
                        memcmp(exec->variables[j].name, environ[i], name_size) == 0;
        if (!replaced)
            all[count++] = text_copy(environ[i]);
    }
    for (size_t j = 0; j < exec->variable_count; j++)
        all[count++] = text_printf("%s=%s", exec->variables[j].name, exec->variables[j].value);
    AUTO_TEXT info = exec_info(config);
    all[count] = text_printf("KUBERNETES_EXEC_INFO=%s", info);
    return all;
}

static int spawn(struct exec_run *run)
{
    const struct kube_exec *exec = run->config->exec;
    char **args = mem_new((exec->arg_count + 2) * sizeof(*args));
    char **environment = make_environment(run->config);
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&run->out},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
         .data.stream = (uv_stream_t *)&run->complaints},
    };
    uv_process_options_t options = {.exit_cb = on_exit_seen,
                                    .file = exec->command,
                                    .args = args,
                                    .env = environment,
                                    .stdio_count = 3,
                                    .stdio = stdio};
    args[0] = exec->command;
    for (size_t i = 0; i < exec->arg_count; i++)
        args[i + 1] = exec->args[i];

    int status = uv_spawn(run->deadline.loop, &run->process, &options);
    free(args);
    for (size_t i = 0; environment[i] != NULL; i++)
        free(environment[i]);
    free(environment);
    return status;
}

static void on_spawn_failed(uv_timer_t *timer)
{
    cut_off(timer->data);
}

struct exec_run *exec_run_start(uv_loop_t *loop, const struct kube_config *config,
                                int64_t timeout_ms, const struct exec_owner *owner)
{
    struct exec_run *run = mem_new(sizeof(*run));
    run->config = config;
    run->owner = *owner;
    uv_timer_init(loop, &run->deadline);
    uv_pipe_init(loop, &run->out, 0);
    uv_pipe_init(loop, &run->complaints, 0);
    run->deadline.data = run->out.data = run->complaints.data = run->process.data = run;
    run->handles = 4;
    run->unfinished = 3;

    int status = spawn(run);
    if (status != 0) {
        const char *hint = config->exec->install_hint;
        err_set(&run->problem, ERR_AGAIN, "credential plugin %s: %s%s%s", config->exec->command,
                uv_strerror(status), hint != NULL ? "; " : "", hint != NULL ? hint : "");
        /* on_done must not run in here; the process handle is not active, only to be closed. */
        uv_timer_start(&run->deadline, on_spawn_failed, 0, 0);
        return run;
    }
    run->spawned = true;
    uv_timer_start(&run->deadline, on_deadline, (uint64_t)timeout_ms, 0);
    uv_read_start((uv_stream_t *)&run->out, give_buffer, on_output);
    uv_read_start((uv_stream_t *)&run->complaints, give_buffer, on_complaint);
    return run;
}

void exec_run_cancel(struct exec_run *run)
{
    run->cancelled = true;
    cut_off(run);
}
