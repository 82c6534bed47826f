/* SPDX-License-Identifier: Apache-2.0 */
/* easy.c - libcurl easy handles that are set up for one API server: see the header */
#include "easy.h"

#include "bulkhead/base/str.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    USER_TIMEOUT_MS =
        30 * 1000, /* sent bytes not acknowledged for so long: the connection is dead */
    KEEPALIVE_IDLE_S = 15,
    KEEPALIVE_INTERVAL_S = 5,
    KEEPALIVE_COUNT = 3,
    WATCH_BUFFER_BYTES = 128 * 1024,
};

const char *easy_method_text(enum kube_method method)
{
    static const char *const texts[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    return texts[method];
}

static const char *content_header(enum kube_content content)
{
    static const char *const texts[] = {
        [KUBE_CONTENT_JSON] = "Content-Type: application/json",
        [KUBE_CONTENT_MERGE_PATCH] = "Content-Type: application/merge-patch+json",
        [KUBE_CONTENT_STRATEGIC_MERGE_PATCH] =
            "Content-Type: application/strategic-merge-patch+json",
        [KUBE_CONTENT_JSON_PATCH] = "Content-Type: application/json-patch+json",
        [KUBE_CONTENT_APPLY] = "Content-Type: application/apply-patch+yaml",
        [KUBE_CONTENT_CLOUD_EVENT] = "Content-Type: application/cloudevents+json; charset=UTF-8",
    };
    return texts[content];
}

static const char *accept_header(enum kube_accept accept)
{
    static const char *const texts[] = {
        [KUBE_ACCEPT_JSON] = "Accept: application/json",
        [KUBE_ACCEPT_METADATA] =
            "Accept: application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json",
        [KUBE_ACCEPT_METADATA_LIST] =
            ("Accept: application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,"
             "application/json"),
    };
    return texts[accept];
}

/* libcurl has no option for the name in TLS alone. The URL carries the name, so that SNI and
 * verification use it, and CONNECT_TO leads the connection to the real host. */
static int set_server_name(struct easy_target *target, CURLU *url, struct err *err)
{
    char *host = NULL, *port = NULL, *named = NULL;
    int result = 0;

    if (curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK ||
        curl_url_set(url, CURLUPART_HOST, target->config->tls_server_name, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_URL, &named, 0) != CURLUE_OK) {
        result = err_set(err, ERR_INVALID, "tls-server-name \"%.100s\": not a host name",
                         target->config->tls_server_name);
    } else {
        AUTO_TEXT route = text_printf("::%s:%s", host, port);
        target->connect_to = curl_slist_append(NULL, route);
        target->host_header = text_printf("Host: %s:%s", host, port);
        target->base = text_copy(named);
    }
    curl_free(host);
    curl_free(port);
    curl_free(named);
    return result;
}

static int set_base(struct easy_target *target, CURLU *url, struct err *err)
{
    if (curl_url_set(url, CURLUPART_URL, target->config->server, 0) != CURLUE_OK)
        return err_set(err, ERR_INVALID, "%s: server \"%.100s\" is not a URL",
                       target->config->source, target->config->server);
    if (target->config->tls_server_name != NULL) {
        if (set_server_name(target, url, err) < 0)
            return -1;
    } else {
        target->base = text_copy(target->config->server);
    }
    size_t size = strlen(target->base);
    if (size > 0 && target->base[size - 1] == '/')
        target->base[size - 1] = '\0';
    return 0;
}

int easy_target_init(struct easy_target *target, const struct kube_config *config, struct err *err)
{
    *target = (struct easy_target){.config = config,
                                   .client_cert_pem = config->client_cert_pem,
                                   .client_key_pem = config->client_key_pem};
    CURLU *url = curl_url();
    int result = set_base(target, url, err);
    curl_url_cleanup(url);
    if (result < 0)
        easy_target_done(target);
    return result;
}

void easy_target_done(struct easy_target *target)
{
    text_set(&target->base, NULL);
    text_set(&target->host_header, NULL);
    curl_slist_free_all(target->connect_to);
    target->connect_to = NULL;
}

static int on_socket_made(void *ctx, curl_socket_t fd, curlsocktype purpose)
{
    const struct {
        int level, name, value;
    } options[] = {
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S},
        {IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S},
        {IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS},
    };
    UNUSED(ctx);
    UNUSED(purpose);
    /* Best effort: without them a dead connection is only found later. */
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        setsockopt(fd, options[i].level, options[i].name, &options[i].value,
                   sizeof(options[i].value));
    return CURL_SOCKOPT_OK;
}

static void set_blob(CURL *easy, CURLoption option, const char *text)
{
    union {
        const char *in;
        void *out;
    } data = {.in = text}; /* CURL_BLOB_COPY: libcurl only reads it */
    struct curl_blob blob = {data.out, strlen(text), CURL_BLOB_COPY};
    curl_easy_setopt(easy, option, &blob);
}

static void set_tls(CURL *easy, const struct easy_target *target)
{
    bool verify = !target->config->insecure_skip_tls_verify;

    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
    if (target->config->ca_pem != NULL) {
        /* Without the NULLs the system's roots would be trusted as well. */
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
        curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
        set_blob(easy, CURLOPT_CAINFO_BLOB, target->config->ca_pem);
    }
    if (target->client_cert_pem != NULL) {
        curl_easy_setopt(easy, CURLOPT_SSLCERTTYPE, "PEM");
        curl_easy_setopt(easy, CURLOPT_SSLKEYTYPE, "PEM");
        set_blob(easy, CURLOPT_SSLCERT_BLOB, target->client_cert_pem);
        set_blob(easy, CURLOPT_SSLKEY_BLOB, target->client_key_pem);
    }
}

CURL *easy_new(const struct easy_target *target, enum kube_lane lane)
{
    CURL *easy = curl_easy_init();
    if (easy == NULL)
        abort(); /* out of memory */

    set_tls(easy, target);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    /* ALPN tells at once whether a connection can be shared. Without TLS only the first answer
     * would tell, and behind a watch that can take minutes. */
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, text_starts(target->base, "https://") ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, target->user_agent);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)target->connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket_made);
    if (target->connect_to != NULL)
        curl_easy_setopt(easy, CURLOPT_CONNECT_TO, target->connect_to);
    if (lane == KUBE_LANE_WATCHES)
        curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)WATCH_BUFFER_BYTES);
    return easy;
}

static struct curl_slist *add_header(struct curl_slist *headers, const char *line)
{
    struct curl_slist *longer = curl_slist_append(headers, line);
    if (longer == NULL)
        abort(); /* out of memory */
    return longer;
}

struct curl_slist *easy_headers(const struct easy_target *target, bool has_body,
                                enum kube_content content, enum kube_accept accept,
                                const char *bearer)
{
    struct curl_slist *headers = add_header(NULL, accept_header(accept));

    if (has_body) {
        headers = add_header(headers, content_header(content));
        headers = add_header(headers, "Expect:"); /* no round trip before a large body */
    }
    if (target->host_header != NULL)
        headers = add_header(headers, target->host_header);
    if (bearer != NULL) {
        AUTO_TEXT line = text_printf("Authorization: Bearer %s", bearer);
        headers = add_header(headers, line);
    }
    return headers;
}

void easy_request(CURL *easy, const struct easy_target *target, enum kube_method method,
                  const char *path, const char *body, size_t body_bytes, struct curl_slist *headers)
{
    AUTO_TEXT url = text_printf("%s%s", target->base, path);

    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    if (body != NULL) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body_bytes);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    } else {
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, easy_method_text(method));
}
