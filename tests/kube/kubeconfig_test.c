/* SPDX-License-Identifier: Apache-2.0 */
/* kubeconfig_test.c - what is found, what is merged, and what is said about bad files
 *
 * Files are written into a folder of the test's own; F in a wanted text stands for the folder. */
#include "check.h"

#include "bulkhead/base/str.h"
#include "bulkhead/kube/kubeconfig.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
    char path[64];
    char kubeconfig[256]; /* $KUBECONFIG */
    bool pod;             /* KUBERNETES_SERVICE_HOST is set */
};

static const char *get(void *ctx, const char *name)
{
    const struct folder *folder = ctx;
    if (strcmp(name, "KUBECONFIG") == 0)
        return folder->kubeconfig[0] != '\0' ? folder->kubeconfig : NULL;
    if (strcmp(name, "HOME") == 0)
        return folder->path;
    if (strcmp(name, "KUBERNETES_SERVICE_HOST") == 0)
        return folder->pod ? "fd00::1" : NULL;
    return strcmp(name, "KUBERNETES_SERVICE_PORT") == 0 && folder->pod ? "443" : NULL;
}

static void folder_start(struct folder *folder)
{
    *folder = (struct folder){.path = "/tmp/kubeconfig-test-XXXXXX"};
    REQUIRE(mkdtemp(folder->path) != NULL);
}

static void write_file(const struct folder *folder, const char *name, const char *text)
{
    AUTO_TEXT path = text_printf("%s/%s", folder->path, name);
    FILE *file = fopen(path, "w");
    REQUIRE(file != NULL);
    fputs(text, file);
    fclose(file);
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *place)
{
    UNUSED(about);
    UNUSED(kind);
    UNUSED(place);
    return remove(path);
}

static void remove_files(const char *path)
{
    nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static struct kube_config *load(struct folder *folder, const char *path, const char *context,
                                struct err *err)
{
    struct kube_config *config = NULL;
    const struct kube_config_options options = {
        .path = path,
        .context = context,
        .env = {.get = get, .ctx = folder},
        .in_cluster_dir = folder->path,
    };
    *err = (struct err){0};
    return kube_config_load(&options, &config, err) == 0 ? config : NULL;
}

/* "server namespace token token_path exec", as far as there are any; or the error. */
static char *describe(const struct folder *folder, const struct kube_config *config,
                      const struct err *err)
{
    struct str text = STR_EMPTY;
    if (config == NULL) {
        str_add(&text, err->text);
    } else {
        str_addf(&text, "%s ns=%s", config->server, config->namespace);
        if (config->token != NULL)
            str_addf(&text, " token=%s", config->token);
        if (config->token_path != NULL)
            str_addf(&text, " file=%s", config->token_path);
        if (config->tls_server_name != NULL)
            str_addf(&text, " name=%s", config->tls_server_name);
        if (config->insecure_skip_tls_verify)
            str_add(&text, " insecure");
        if (config->exec != NULL)
            str_addf(&text, " exec=%s(%zu,%zu)", config->exec->command, config->exec->arg_count,
                     config->exec->variable_count);
    }
    char *found;
    while (text.data != NULL && (found = strstr(text.data, folder->path)) != NULL) {
        *found = 'F';
        memmove(found + 1, found + strlen(folder->path), strlen(found + strlen(folder->path)) + 1);
    }
    return str_take(&text);
}

#define HEAD "apiVersion: v1\nkind: Config\n"
#define USE HEAD "current-context: c\ncontexts:\n- name: c\n  context: {cluster: k, user: u}\n"
#define CLUSTER(fields_) "clusters:\n- name: k\n  cluster: {" fields_ "}\n"
#define USER(fields_) "users:\n- name: u\n  user: {" fields_ "}\n"
#define HTTPS CLUSTER("server: 'https://h:6443/'")
#define EXEC(fields_) USER("exec: {" fields_ "}")

/* clang-format off */
static const struct {
    const char *name, *text, *want;
} files[] = {
    {"plain", USE HTTPS USER("token: t"), "https://h:6443 ns=default token=t"},
    {"namespace", HEAD "current-context: c\ncontexts: [{name: c, context: {cluster: k, namespace: n}}]\n" HTTPS,
     "https://h:6443 ns=n"},
    {"json is yaml", "{\"kind\":\"Config\",\"current-context\":\"c\",\"contexts\":[{\"name\":\"c\",\"context\":"
     "{\"cluster\":\"k\"}}],\"clusters\":[{\"name\":\"k\",\"cluster\":{\"server\":\"https://[::1]:1\"}}]}",
     "https://[::1]:1 ns=default"},
    {"relative token file wins", USE HTTPS USER("token: t, tokenFile: sub/tok"), "https://h:6443 ns=default file=F/sub/tok"},
    {"tls", USE CLUSTER("server: 'https://h', tls-server-name: n, insecure-skip-tls-verify: true"),
     "F/x: contexts[c].user: there is no user \"u\""},
    {"tls with user", USE CLUSTER("server: 'https://h', tls-server-name: n, insecure-skip-tls-verify: true") USER("token: t"),
     "https://h ns=default token=t name=n insecure"},
    {"exec", USE HTTPS EXEC("apiVersion: client.authentication.k8s.io/v1, command: aws, args: [eks, get-token], "
     "env: [{name: A, value: b}], interactiveMode: IfAvailable"), "https://h:6443 ns=default exec=aws(2,1)"},
    {"exec by relative path", USE HTTPS EXEC("apiVersion: client.authentication.k8s.io/v1beta1, command: ./bin/x, env: null"),
     "https://h:6443 ns=default exec=F/./bin/x(0,0)"},
    {"empty", "", "F/x: current-context: not set; choose one with kubectl config use-context"},
    {"not yaml", "a: [b", "kubeconfig F/x: line 2: not YAML: did not find expected ',' or ']'"},
    {"a list", "- a\n", "kubeconfig: F/x: not a kubeconfig: no fields at its top"},
    {"alias", "a: &x 1\nb: *x\n", "kubeconfig F/x: line 1: anchors (&name) are not allowed; write the value out"},
    {"twice", "a: 1\nb: 2\na: 3\n", "kubeconfig F/x: line 3: the key \"a\" comes twice"},
    {"two documents", "a: 1\n---\nb: 1\n", "kubeconfig F/x: line 2: a second document; keep one"},
    {"deep", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "kubeconfig F/x: line 1: nested more than 32 deep"},
    {"another kind", "kind: Pod\n", "kubeconfig: F/x: kind: \"Pod\", expected Config"},
    {"no such context", HEAD "current-context: z\n", "F/x: there is no context \"z\"; see kubectl config get-contexts"},
    {"no such cluster", USE, "F/x: contexts[c].cluster: there is no cluster \"k\""},
    {"cluster is text", USE "clusters: [{name: k, cluster: 7}]\n", "F/x: clusters[k].cluster: missing, or not an object"},
    {"no server", USE CLUSTER("") USER(""), "F/x: clusters[k].server: missing; set it to https://host:port"},
    {"bad server", USE CLUSTER("server: 'ftp://h'"), "F/x: clusters[k].server: \"ftp://h\", expected https://host:port"},
    {"user in server", USE CLUSTER("server: 'https://a@h'"), "F/x: clusters[k].server: \"https://a@h\", expected https://host:port"},
    {"proxy", USE CLUSTER("server: 'https://h', proxy-url: 'http://p'"),
     "F/x: clusters[k].proxy-url: not supported: reach the API server directly, or through a port forward"},
    {"not a flag", USE CLUSTER("server: 'https://h', insecure-skip-tls-verify: 1"),
     "F/x: clusters[k].insecure-skip-tls-verify: \"1\", expected true or false"},
    {"not base64", USE CLUSTER("server: 'https://h', certificate-authority-data: '%%%'"),
     "F/x: clusters[k].certificate-authority-data: not base64; encode the PEM file"},
    {"not PEM", USE CLUSTER("server: 'https://h', certificate-authority-data: aGVsbG8=") USER(""),
     "F/x: c: certificate-authority: holds no PEM certificate"},
    {"no such file", USE CLUSTER("server: 'https://h', certificate-authority: ca.pem"),
     "F/x: clusters[k].certificate-authority: F/ca.pem: No such file or directory"},
    {"half a pair", USE HTTPS USER("client-certificate-data: aGVsbG8="),
     "F/x: users[u].client-key: missing; certificate and key go together"},
    {"in clear", USE CLUSTER("server: 'http://h:80'") USER("token: t"),
     "F/x: server http://h:80 would get credentials unencrypted; use https://"},
    {"in clear, at home", USE CLUSTER("server: 'http://127.0.0.1:80'") USER("token: t"), "http://127.0.0.1:80 ns=default token=t"},
    {"not quite home", USE CLUSTER("server: 'http://localhost.evil'") USER("token: t"),
     "F/x: server http://localhost.evil would get credentials unencrypted; use https://"},
    {"token with a break", USE HTTPS USER("token: \"a\\nb\""), "F/x: users[u].token: it has a line break; keep it on one line"},
    {"password", USE HTTPS USER("username: a, password: b"),
     "F/x: users[u].username: not supported: API servers dropped basic authentication in 1.19; use a token"},
    {"impersonation", USE HTTPS USER("token: t, as: root"),
     "F/x: users[u].as: not supported: give the account itself the rights it needs"},
    {"exec and token", USE HTTPS USER("token: t, exec: {apiVersion: client.authentication.k8s.io/v1, command: a}"),
     "F/x: users[u].exec: set together with a token; keep one of them"},
    {"exec version", USE HTTPS EXEC("apiVersion: client.authentication.k8s.io/v1alpha1, command: a"),
     "F/x: users[u].exec.apiVersion: \"client.authentication.k8s.io/v1alpha1\", expected client.authentication.k8s.io/v1 "
     "or client.authentication.k8s.io/v1beta1"},
    {"exec without command", USE HTTPS EXEC("apiVersion: client.authentication.k8s.io/v1"),
     "F/x: users[u].exec.command: missing; name the credential plugin"},
    {"exec asks", USE HTTPS EXEC("apiVersion: client.authentication.k8s.io/v1, command: a, interactiveMode: Always"),
     "F/x: users[u].exec.interactiveMode: Always, but nobody is there to answer; use Never or IfAvailable"},
    {"exec env", USE HTTPS EXEC("apiVersion: client.authentication.k8s.io/v1, command: a, env: [{name: 'A=B'}]"),
     "F/x: users[u].exec.env: entry 0: expected a name and a value"},
};
/* clang-format on */

TEST(a_file_is_read_or_refused_in_one_sentence)
{
    struct folder folder;
    folder_start(&folder);
    AUTO_TEXT path = text_printf("%s/x", folder.path);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct err err;
        write_file(&folder, "x", files[i].text);
        AUTO(kube_config) config = load(&folder, path, NULL, &err);
        AUTO_TEXT got = describe(&folder, config, &err);
        CHECK_TEXT(files[i].name, got, files[i].want);
    }
    remove_files(folder.path);
}

TEST(several_files_are_merged_first_wins)
{
    struct folder folder;
    struct err err;
    folder_start(&folder);
    AUTO_TEXT sub = text_printf("%s/sub", folder.path);
    mkdir(sub, 0700);
    write_file(&folder, "a", HEAD CLUSTER("server: 'https://first'"));
    write_file(&folder, "sub/b",
               USE CLUSTER("server: 'https://second'") USER("tokenFile: tok") "# more\n");
    snprintf(folder.kubeconfig, sizeof(folder.kubeconfig), "%s/a::%s/missing:%s/sub/b", folder.path,
             folder.path, folder.path);
    AUTO(kube_config) config = load(&folder, NULL, NULL, &err);
    AUTO_TEXT got = describe(&folder, config, &err);
    CHECK_TEXT("merged", got, "https://first ns=default file=F/sub/tok");

    AUTO(kube_config) other = load(&folder, NULL, "nobody", &err);
    CHECK_TRUE("no such context", other == NULL);
    CHECK_HAS("says so", err.text, "there is no context \"nobody\"");
    snprintf(folder.kubeconfig, sizeof(folder.kubeconfig), "%s/missing", folder.path);
    AUTO(kube_config) none = load(&folder, NULL, NULL, &err);
    AUTO_TEXT words = describe(&folder, none, &err);
    CHECK_TEXT("none there", words, "KUBECONFIG: no file of \"F/missing\" exists");
    remove_files(folder.path);
}

TEST(without_files_the_home_then_the_pod_decides)
{
    struct folder folder;
    struct err err;
    folder_start(&folder);
    AUTO(kube_config) nothing = load(&folder, NULL, NULL, &err);
    CHECK_TRUE("nothing", nothing == NULL);
    CHECK_HAS("says what was looked for", err.text, "KUBECONFIG is not set, $HOME/.kube/config");

    folder.pod = true;
    AUTO(kube_config) no_token = load(&folder, NULL, NULL, &err);
    CHECK_TRUE("no token", no_token == NULL);
    CHECK_HAS("says what to do", err.text, "set automountServiceAccountToken: true");
    write_file(&folder, "token", "abc\n");
    AUTO(kube_config) no_ca = load(&folder, NULL, NULL, &err);
    CHECK_TRUE("no ca", no_ca == NULL);
    CHECK_HAS("names it", err.text, "/ca.crt: No such file or directory");

    AUTO_TEXT dir = text_printf("%s/.kube", folder.path);
    mkdir(dir, 0700);
    write_file(&folder, ".kube/config", USE HTTPS USER("token: t"));
    AUTO(kube_config) home = load(&folder, NULL, NULL, &err);
    AUTO_TEXT got = describe(&folder, home, &err);
    CHECK_TEXT("home", got, "https://h:6443 ns=default token=t");
    remove_files(folder.path);
}
