/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint.c - a client for one URL that is not an API server's: see the header */
#include "bulkhead/kube/endpoint.h"

#include "bulkhead/base/str.h"
#include "config_fields.h"
#include "file.h"

#include <string.h>

enum { CA_BYTES_MAX = 1024 * 1024 };

/* Up to the path. */
static size_t server_size(const char *url)
{
    const char *host = strstr(url, "://");
    return host != NULL ? (size_t)(host + 3 - url) + strcspn(host + 3, "/?") : 0;
}

static int check_url(const struct kube_endpoint *endpoint, struct err *err)
{
    const char *url = endpoint->url;
    size_t scheme = text_starts(url, "https://") ? 8 : text_starts(url, "http://") ? 7 : 0;
    size_t server = server_size(url);
    if (scheme == 0 || server <= scheme)
        return err_set(err, ERR_INVALID, "%s: \"%.200s\", expected http://HOST or https://HOST",
                       endpoint->name, url);
    if (memchr(url, '@', server) != NULL)
        return err_set(err, ERR_INVALID, "%s: a URL with a password is not taken; use a token file",
                       endpoint->name);
    if (url[strcspn(url, " \t\r\n#")] != '\0')
        return err_set(err, ERR_INVALID, "%s: \"%.200s\", expected no spaces and no #",
                       endpoint->name, url);
    return 0;
}

int kube_endpoint_config(const struct kube_endpoint *endpoint, struct kube_config **ret_config,
                         char **ret_path, struct err *err)
{
    AUTO(kube_config) config = mem_new(sizeof(*config));
    AUTO_STR ca = STR_EMPTY;
    if (check_url(endpoint, err) < 0)
        return -1;
    if (endpoint->ca_path != NULL && kube_file_read(endpoint->ca_path, CA_BYTES_MAX, &ca, err) < 0)
        return err_wrap(err, "%s: certificate authority", endpoint->name);
    size_t size = server_size(endpoint->url);
    const char *rest = endpoint->url + size;
    config->source = text_copy(endpoint->name);
    config->server = text_copy_n(endpoint->url, size);
    config->namespace = text_copy("default");
    config->token_path = text_copy(endpoint->token_path);
    if (endpoint->ca_path != NULL)
        config->ca_pem = text_copy(str_text(&ca));
    if (config_check(config, err) < 0)
        return -1;
    *ret_path = text_printf("%s%s", rest[0] == '/' ? "" : "/", rest);
    *ret_config = STEAL(config);
    return 0;
}
