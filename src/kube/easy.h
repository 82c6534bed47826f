/* SPDX-License-Identifier: Apache-2.0 */
/* easy.h - libcurl easy handles that are set up for one API server
 *
 * Everything about security stands here: TLS, verification, no redirects, no proxy, no netrc. */
#ifndef BULKHEAD_KUBE_EASY_H
#define BULKHEAD_KUBE_EASY_H

#include "bulkhead/base/err.h"
#include "bulkhead/kube/client.h"

#include <curl/curl.h>

/* Where requests go. Borrows the config. */
struct easy_target {
    const struct kube_config *config;
    char *base;                    /* "https://name:port/prefix", before every request's path */
    char *host_header;             /* "Host: ..." when base names another host; NULL otherwise */
    struct curl_slist *connect_to; /* NULL: base's own host */
    const char *user_agent;
    int64_t connect_timeout_ms;
    const char *client_cert_pem, *client_key_pem; /* borrowed; NULL: none */
};

int easy_target_init(struct easy_target *target, const struct kube_config *config, struct err *err);
void easy_target_done(struct easy_target *target);

/* A handle with all that does not change from request to request. The PEM texts are copied. */
CURL *easy_new(const struct easy_target *target, enum kube_lane lane);

const char *easy_method_text(enum kube_method method);

/* Method, URL, headers and body. body and headers are borrowed until the transfer is over. */
void easy_request(CURL *easy, const struct easy_target *target, enum kube_method method,
                  const char *path, const char *body, size_t body_bytes,
                  struct curl_slist *headers);
/* The caller frees. bearer: NULL or the token. */
struct curl_slist *easy_headers(const struct easy_target *target, bool has_body,
                                enum kube_content content, enum kube_accept accept,
                                const char *bearer);

#endif
