/* SPDX-License-Identifier: Apache-2.0 */
/* config_fields.c - the fields of a kubeconfig's cluster and user: see the header */
#include "config_fields.h"

#include "bulkhead/base/str.h"
#include "file.h"
#include "json_doc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { EXEC_ARGS_MAX = 256 };

int config_bad(const struct config_entry *entry, struct err *err, const char *field,
               const char *format, ...)
{
    char words[300];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof(words), format, args);
    va_end(args);
    return err_set(err, ERR_INVALID, "%s: %s[%s].%s%s: %s", entry->file, entry->list, entry->name,
                   entry->prefix != NULL ? entry->prefix : "", field, words);
}

/* *ret_text is borrowed; NULL when the field is absent, null or empty. */
static int read_text(const struct config_entry *entry, const char *field, const char **ret_text,
                     struct err *err)
{
    struct json_object *value = NULL;
    *ret_text = NULL;
    if (!json_object_object_get_ex(entry->fields, field, &value) || value == NULL)
        return 0;
    if (!json_object_is_type(value, json_type_string))
        return config_bad(entry, err, field, "expected text");
    const char *text = json_object_get_string(value);
    if (text[strcspn(text, "\r\n")] != '\0')
        return config_bad(entry, err, field, "it has a line break; keep it on one line");
    *ret_text = text[0] != '\0' ? text : NULL;
    return 0;
}

static int read_copy(const struct config_entry *entry, const char *field, char **ret_text,
                     struct err *err)
{
    const char *text;
    if (read_text(entry, field, &text, err) < 0)
        return -1;
    text_set(ret_text, text);
    return 0;
}

static int read_bool(const struct config_entry *entry, const char *field, bool *ret_value,
                     struct err *err)
{
    const char *text;
    if (read_text(entry, field, &text, err) < 0)
        return -1;
    if (text != NULL && strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return config_bad(entry, err, field, "\"%.40s\", expected true or false", text);
    *ret_value = text_eq(text, "true");
    return 0;
}

static char *resolve_path(const struct config_entry *entry, const char *path)
{
    return path[0] == '/' ? text_copy(path) : text_printf("%s/%s", entry->dir, path);
}

/* PEM from <field>-data (base64) or, without it, from the file that <field> names. */
static int read_pem(const struct config_entry *entry, const char *field, char **ret_pem,
                    struct err *err)
{
    char data_field[64];
    const char *data, *path;

    snprintf(data_field, sizeof(data_field), "%s-data", field);
    if (read_text(entry, data_field, &data, err) < 0 || read_text(entry, field, &path, err) < 0)
        return -1;

    AUTO_STR pem = STR_EMPTY;
    if (data != NULL) {
        if (kube_base64_decode(data, &pem) < 0)
            return config_bad(entry, err, data_field, "not base64; encode the PEM file");
    } else if (path != NULL) {
        AUTO_TEXT resolved = resolve_path(entry, path);
        struct err reason;
        if (kube_file_read(resolved, CONFIG_FILE_BYTES_MAX, &pem, &reason) < 0)
            return config_bad(entry, err, field, "%s", reason.text);
    }
    if (pem.size > 0 && memchr(pem.data, '\0', pem.size) != NULL)
        return config_bad(entry, err, field, "not PEM: it has a NUL byte");
    if (pem.size > 0)
        *ret_pem = str_take(&pem);
    return 0;
}

/* What kubectl reads and we do not must be refused: ignoring it would talk to the wrong place, or
 * as the wrong person. */
static int refuse(const struct config_entry *entry, const char *const (*fields)[2], size_t count,
                  struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct json_object *value = NULL;
        if (json_object_object_get_ex(entry->fields, fields[i][0], &value) && value != NULL &&
            !(json_object_is_type(value, json_type_string) &&
              json_object_get_string_len(value) == 0))
            return config_bad(entry, err, fields[i][0], "not supported: %s", fields[i][1]);
    }
    return 0;
}

static int read_server(const struct config_entry *entry, struct kube_config *config,
                       struct err *err)
{
    const char *server;
    if (read_text(entry, "server", &server, err) < 0)
        return -1;
    if (server == NULL)
        return config_bad(entry, err, "server", "missing; set it to https://host:port");
    size_t scheme = text_starts(server, "https://")  ? strlen("https://")
                    : text_starts(server, "http://") ? strlen("http://")
                                                     : 0;
    if (scheme == 0 || strchr("/?#", server[scheme]) != NULL || strpbrk(server, "?#@ \t\\") != NULL)
        return config_bad(entry, err, "server", "\"%.100s\", expected https://host:port", server);

    size_t size = strlen(server);
    while (size > scheme && server[size - 1] == '/')
        size--;
    config->server = text_copy_n(server, size);
    return 0;
}

int config_read_cluster(const struct config_entry *entry, struct kube_config *config,
                        struct err *err)
{
    static const char *const refused[][2] = {
        {"proxy-url", "reach the API server directly, or through a port forward"},
    };
    if (refuse(entry, refused, ARRAY_LEN(refused), err) < 0 ||
        read_server(entry, config, err) < 0 ||
        read_copy(entry, "tls-server-name", &config->tls_server_name, err) < 0 ||
        read_bool(entry, "insecure-skip-tls-verify", &config->insecure_skip_tls_verify, err) < 0 ||
        read_pem(entry, "certificate-authority", &config->ca_pem, err) < 0)
        return -1;
    if (config->insecure_skip_tls_verify && config->ca_pem != NULL)
        return config_bad(entry, err, "insecure-skip-tls-verify",
                          "set together with certificate-authority; keep one of them");
    return 0;
}

static int read_exec_args(const struct config_entry *entry, struct kube_exec *exec, struct err *err)
{
    struct json_object *args = NULL;
    if (!json_object_object_get_ex(entry->fields, "args", &args) || args == NULL)
        return 0;
    if (!json_object_is_type(args, json_type_array) ||
        json_object_array_length(args) > EXEC_ARGS_MAX)
        return config_bad(entry, err, "args", "expected a list of at most %d texts", EXEC_ARGS_MAX);

    size_t count = json_object_array_length(args);
    exec->args = mem_new((count + 1) * sizeof(*exec->args));
    for (size_t i = 0; i < count; i++) {
        struct json_object *arg = json_object_array_get_idx(args, i);
        if (!json_object_is_type(arg, json_type_string))
            return config_bad(entry, err, "args", "entry %zu: expected text", i);
        exec->args[exec->arg_count++] = text_copy(json_object_get_string(arg));
    }
    return 0;
}

static int read_exec_variables(const struct config_entry *entry, struct kube_exec *exec,
                               struct err *err)
{
    struct json_object *list = NULL;
    if (!json_object_object_get_ex(entry->fields, "env", &list) || list == NULL)
        return 0;
    if (!json_object_is_type(list, json_type_array) ||
        json_object_array_length(list) > EXEC_ARGS_MAX)
        return config_bad(entry, err, "env", "expected a list of at most %d name and value pairs",
                          EXEC_ARGS_MAX);

    size_t count = json_object_array_length(list);
    exec->variables = mem_new((count + 1) * sizeof(*exec->variables));
    for (size_t i = 0; i < count; i++) {
        struct json_object *pair = json_object_array_get_idx(list, i);
        const char *name = doc_text(pair, "name"), *value = doc_text(pair, "value");
        if (name == NULL || name[0] == '\0' || strchr(name, '=') != NULL)
            return config_bad(entry, err, "env", "entry %zu: expected a name and a value", i);
        exec->variables[exec->variable_count++] = (struct kube_exec_variable){
            .name = text_copy(name), .value = text_copy(value != NULL ? value : "")};
    }
    return 0;
}

static int check_exec_version(const struct config_entry *entry, const char *version,
                              struct err *err)
{
    static const char group[] = "client.authentication.k8s.io/";
    if (version != NULL && text_starts(version, group) &&
        (text_eq(version + strlen(group), "v1") || text_eq(version + strlen(group), "v1beta1")))
        return 0;
    return config_bad(entry, err, "apiVersion", "\"%.60s\", expected %sv1 or %sv1beta1",
                      version != NULL ? version : "", group, group);
}

static int read_exec(const struct config_entry *user, struct kube_config *config, struct err *err)
{
    struct json_object *fields = NULL;
    if (!json_object_object_get_ex(user->fields, "exec", &fields) || fields == NULL)
        return 0;
    if (!json_object_is_type(fields, json_type_object))
        return config_bad(user, err, "exec", "expected an object");

    struct config_entry entry = *user;
    entry.fields = fields;
    entry.prefix = "exec.";
    struct kube_exec *exec = config->exec = mem_new(sizeof(*exec));
    const char *command, *mode;

    if (read_copy(&entry, "apiVersion", &exec->api_version, err) < 0 ||
        check_exec_version(&entry, exec->api_version, err) < 0 ||
        read_text(&entry, "command", &command, err) < 0 ||
        read_text(&entry, "interactiveMode", &mode, err) < 0 ||
        read_copy(&entry, "installHint", &exec->install_hint, err) < 0 ||
        read_bool(&entry, "provideClusterInfo", &exec->provide_cluster_info, err) < 0 ||
        read_exec_args(&entry, exec, err) < 0 || read_exec_variables(&entry, exec, err) < 0)
        return -1;
    if (command == NULL)
        return config_bad(user, err, "exec.command", "missing; name the credential plugin");
    if (text_eq(mode, "Always"))
        return config_bad(user, err, "exec.interactiveMode",
                          "Always, but nobody is there to answer; use Never or IfAvailable");
    exec->command =
        strchr(command, '/') != NULL ? resolve_path(&entry, command) : text_copy(command);
    return 0;
}

int config_read_user(const struct config_entry *entry, struct kube_config *config, struct err *err)
{
    static const char *const refused[][2] = {
        {"auth-provider", "Kubernetes dropped it in 1.26; use exec"},
        {"username", "API servers dropped basic authentication in 1.19; use a token"},
        {"password", "API servers dropped basic authentication in 1.19; use a token"},
        {"as", "give the account itself the rights it needs"},
        {"as-uid", "give the account itself the rights it needs"},
        {"as-groups", "give the account itself the rights it needs"},
        {"as-user-extra", "give the account itself the rights it needs"},
    };
    const char *token_path;
    if (refuse(entry, refused, ARRAY_LEN(refused), err) < 0 ||
        read_copy(entry, "token", &config->token, err) < 0 ||
        read_text(entry, "tokenFile", &token_path, err) < 0 ||
        read_pem(entry, "client-certificate", &config->client_cert_pem, err) < 0 ||
        read_pem(entry, "client-key", &config->client_key_pem, err) < 0 ||
        read_exec(entry, config, err) < 0)
        return -1;

    if (token_path != NULL) {
        config->token_path = resolve_path(entry, token_path);
        text_set(&config->token, NULL); /* the file takes precedence, as for kubectl */
    }
    if ((config->client_cert_pem == NULL) != (config->client_key_pem == NULL))
        return config_bad(entry, err,
                          config->client_key_pem == NULL ? "client-key" : "client-certificate",
                          "missing; certificate and key go together");
    if (config->exec != NULL && (config->token != NULL || config->token_path != NULL))
        return config_bad(entry, err, "exec", "set together with a token; keep one of them");
    return 0;
}
