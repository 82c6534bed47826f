/* SPDX-License-Identifier: Apache-2.0 */
/* kubeconfig.c - which API server to talk to, and as whom: see the header
 *
 * The files are never merged into one: an entry is looked up in each file in turn and the first
 * wins, which comes to the same, and every message can name the file the entry stands in. */
#include "bulkhead/kube/kubeconfig.h"

#include "bulkhead/base/str.h"
#include "bulkhead/json/yaml.h"
#include "config_fields.h"
#include "file.h"
#include "json_doc.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES_MAX = 64 };

static const char in_cluster_dir_default[] = "/var/run/secrets/kubernetes.io/serviceaccount";

struct config_file {
    char *path, *dir;
    struct json_object *doc; /* NULL: an empty file */
};

struct config_files {
    struct config_file items[FILES_MAX];
    size_t count;
};

static void config_files_done(struct config_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        free(files->items[i].path);
        free(files->items[i].dir);
        json_object_put(files->items[i].doc);
    }
}

static const char *getenv_get(void *ctx, const char *name)
{
    UNUSED(ctx);
    return getenv(name);
}

struct kube_env kube_env_process(void)
{
    return (struct kube_env){.get = getenv_get, .ctx = NULL};
}

/* NULL when unset or empty. */
static const char *env_text(const struct kube_env *env, const char *name)
{
    const char *text = env->get != NULL ? env->get(env->ctx, name) : getenv_get(NULL, name);
    return text != NULL && text[0] != '\0' ? text : NULL;
}

static char *dir_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return text_copy(".");
    return slash == path ? text_copy("/") : text_copy_n(path, (size_t)(slash - path));
}

static int check_header(const char *path, struct json_object *doc, struct err *err)
{
    const char *kind = doc_text(doc, "kind"), *version = doc_text(doc, "apiVersion");

    if (doc != NULL && !json_object_is_type(doc, json_type_object))
        return err_set(err, ERR_INVALID, "%s: not a kubeconfig: no fields at its top", path);
    if (kind != NULL && kind[0] != '\0' && strcmp(kind, "Config") != 0)
        return err_set(err, ERR_INVALID, "%s: kind: \"%.60s\", expected Config", path, kind);
    if (version != NULL && version[0] != '\0' && strcmp(version, "v1") != 0)
        return err_set(err, ERR_INVALID, "%s: apiVersion: \"%.60s\", expected v1", path, version);
    return 0;
}

static int add_file(struct config_files *files, const char *path, struct err *err)
{
    if (files->count == FILES_MAX)
        return err_set(err, ERR_INVALID, "KUBECONFIG: more than %d files", FILES_MAX);

    AUTO_STR text = STR_EMPTY;
    struct json_object *doc = NULL;
    if (kube_file_read(path, CONFIG_FILE_BYTES_MAX, &text, err) < 0)
        return err_wrap(err, "kubeconfig");
    if (json_yaml_parse(str_text(&text), text.size, &doc, err) < 0)
        return err_wrap(err, "kubeconfig %s", path);
    if (check_header(path, doc, err) < 0) {
        json_object_put(doc);
        return err_wrap(err, "kubeconfig");
    }
    files->items[files->count++] =
        (struct config_file){.path = text_copy(path), .dir = dir_of(path), .doc = doc};
    return 0;
}

static int add_listed_files(struct config_files *files, const char *list, struct err *err)
{
    while (*list != '\0') {
        size_t size = strcspn(list, ":");
        AUTO_TEXT path = text_copy_n(list, size);
        if (size > 0 && access(path, F_OK) == 0 && add_file(files, path, err) < 0)
            return -1;
        list += size + (list[size] == ':' ? 1 : 0);
    }
    return 0;
}

/* The item of a list whose name is name, in the first file that has one. 0: found; 1: none. */
static int find_entry(const struct config_files *files, const char *list, const char *member,
                      const char *name, struct config_entry *ret_entry, struct err *err)
{
    for (size_t i = 0; i < files->count; i++) {
        const struct config_file *file = &files->items[i];
        struct json_object *items = doc_get(file->doc, list, json_type_array);
        size_t count = items != NULL ? json_object_array_length(items) : 0;
        for (size_t j = 0; j < count; j++) {
            struct json_object *item = json_object_array_get_idx(items, j);
            if (!text_eq(doc_text(item, "name"), name))
                continue;
            *ret_entry = (struct config_entry){.file = file->path,
                                               .dir = file->dir,
                                               .list = list,
                                               .name = name,
                                               .fields = doc_get(item, member, json_type_object)};
            if (ret_entry->fields == NULL)
                return err_set(err, ERR_INVALID, "%s: %s[%s].%s: missing, or not an object",
                               file->path, list, name, member);
            return 0;
        }
    }
    return 1;
}

static const char *current_context(const struct config_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        const char *name = doc_text(files->items[i].doc, "current-context");
        if (name != NULL && name[0] != '\0')
            return name;
    }
    return NULL;
}

static int read_context_fields(const struct config_files *files, const struct config_entry *context,
                               struct kube_config *config, struct err *err)
{
    const char *cluster = doc_text(context->fields, "cluster");
    const char *user = doc_text(context->fields, "user");
    const char *namespace = doc_text(context->fields, "namespace");
    struct config_entry entry;

    if (cluster == NULL || cluster[0] == '\0')
        return config_bad(context, err, "cluster", "missing; name an entry of clusters");
    int found = find_entry(files, "clusters", "cluster", cluster, &entry, err);
    if (found != 0)
        return found < 0
                   ? -1
                   : config_bad(context, err, "cluster", "there is no cluster \"%.100s\"", cluster);
    if (config_read_cluster(&entry, config, err) < 0)
        return -1;

    if (user != NULL && user[0] != '\0') {
        found = find_entry(files, "users", "user", user, &entry, err);
        if (found != 0)
            return found < 0
                       ? -1
                       : config_bad(context, err, "user", "there is no user \"%.100s\"", user);
        if (config_read_user(&entry, config, err) < 0)
            return -1;
    }
    config->namespace =
        text_copy(namespace != NULL && namespace[0] != '\0' ? namespace : "default");
    return 0;
}

static char *files_text(const struct config_files *files)
{
    struct str text = STR_EMPTY;
    for (size_t i = 0; i < files->count; i++)
        str_addf(&text, "%s%s", i > 0 ? ":" : "", files->items[i].path);
    return str_take(&text);
}

static int read_context(const struct config_files *files, const char *name,
                        struct kube_config *config, struct err *err)
{
    struct config_entry context;

    config->source = files_text(files);
    if (name == NULL)
        name = current_context(files);
    if (name == NULL)
        return err_set(err, ERR_INVALID,
                       "%s: current-context: not set; choose one with kubectl config use-context",
                       config->source);
    int found = find_entry(files, "contexts", "context", name, &context, err);
    if (found > 0)
        return err_set(err, ERR_INVALID,
                       "%s: there is no context \"%.100s\"; see kubectl config get-contexts",
                       config->source, name);
    if (found < 0)
        return -1;
    config->context = text_copy(name);
    return read_context_fields(files, &context, config, err);
}

static int read_in_cluster(const struct kube_config_options *options, const struct kube_env *env,
                           struct kube_config *config, struct err *err)
{
    const char *dir =
        options->in_cluster_dir != NULL ? options->in_cluster_dir : in_cluster_dir_default;
    const char *host = env_text(env, "KUBERNETES_SERVICE_HOST");
    const char *port = env_text(env, "KUBERNETES_SERVICE_PORT");

    if (host == NULL || port == NULL)
        return err_set(err, ERR_INVALID,
                       "no kubeconfig: KUBECONFIG is not set, $HOME/.kube/config does not exist, "
                       "and this is no pod (KUBERNETES_SERVICE_HOST is not set); set KUBECONFIG");
    if (options->context != NULL)
        return err_set(err, ERR_INVALID,
                       "there is no context \"%.100s\" in a pod; give a kubeconfig or leave it out",
                       options->context);

    AUTO_TEXT ca_path = text_printf("%s/ca.crt", dir);
    AUTO_TEXT namespace_path = text_printf("%s/namespace", dir);
    AUTO_STR ca = STR_EMPTY;
    AUTO_STR namespace = STR_EMPTY;
    config->source = text_copy("in-cluster");
    config->token_path = text_printf("%s/token", dir);
    if (access(config->token_path, R_OK) != 0)
        return err_set(err, ERR_INVALID,
                       "in-cluster: %s is not readable; set automountServiceAccountToken: true",
                       config->token_path);
    if (kube_file_read(ca_path, CONFIG_FILE_BYTES_MAX, &ca, err) < 0)
        return err_wrap(err, "in-cluster");

    bool ipv6 = strchr(host, ':') != NULL;
    config->server = text_printf("https://%s%s%s:%s", ipv6 ? "[" : "", host, ipv6 ? "]" : "", port);
    config->ca_pem = str_take(&ca);
    if (kube_file_read(namespace_path, 253, &namespace, NULL) == 0 && namespace.size > 0)
        config->namespace = text_copy_n(namespace.data, strcspn(namespace.data, " \t\r\n"));
    else
        config->namespace = text_copy("default");
    return 0;
}

static int add_home_file(struct config_files *files, const struct kube_env *env, struct err *err)
{
    const char *home = env_text(env, "HOME");
    if (home == NULL)
        return 0;
    AUTO_TEXT path = text_printf("%s/.kube/config", home);
    return access(path, F_OK) == 0 ? add_file(files, path, err) : 0;
}

static int load(const struct kube_config_options *options, struct config_files *files,
                struct kube_config *config, struct err *err)
{
    const char *list = env_text(&options->env, "KUBECONFIG");
    int result;

    if (options->path != NULL)
        result = add_file(files, options->path, err);
    else if (list != NULL)
        result = add_listed_files(files, list, err);
    else
        result = add_home_file(files, &options->env, err);
    if (result < 0)
        return -1;

    if (files->count == 0 && options->path == NULL && list != NULL)
        return err_set(err, ERR_INVALID, "KUBECONFIG: no file of \"%.200s\" exists", list);
    if (files->count == 0)
        result = read_in_cluster(options, &options->env, config, err);
    else
        result = read_context(files, options->context, config, err);
    return result < 0 ? -1 : config_check(config, err);
}

int kube_config_load(const struct kube_config_options *options, struct kube_config **ret_config,
                     struct err *err)
{
    struct config_files files = {.count = 0};
    AUTO(kube_config) config = mem_new(sizeof(*config));

    int result = load(options, &files, config, err);
    config_files_done(&files);
    if (result == 0)
        *ret_config = STEAL(config);
    return result;
}

static void free_exec(struct kube_exec *exec)
{
    if (exec == NULL)
        return;
    for (size_t i = 0; i < exec->arg_count; i++)
        free(exec->args[i]);
    for (size_t i = 0; i < exec->variable_count; i++) {
        free(exec->variables[i].name);
        free(exec->variables[i].value);
    }
    free(exec->args);
    free(exec->variables);
    free(exec->api_version);
    free(exec->command);
    free(exec->install_hint);
    free(exec);
}

struct kube_config *kube_config_free(struct kube_config *config)
{
    if (config == NULL)
        return NULL;
    char *texts[] = {config->source,          config->context,         config->server,
                     config->namespace,       config->tls_server_name, config->ca_pem,
                     config->client_cert_pem, config->client_key_pem,  config->token,
                     config->token_path};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        free(texts[i]);
    free_exec(config->exec);
    free(config);
    return NULL;
}
