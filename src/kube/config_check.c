/* SPDX-License-Identifier: Apache-2.0 */
/* config_check.c - what must hold across a kubeconfig's cluster and user
 *
 * Certificates are read once here, because what libcurl says about a bad one when it connects
 * ("error setting certificate verify locations") helps nobody. */
#include "bulkhead/base/str.h"
#include "config_fields.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

/* Without this OpenSSL would ask at the terminal for the passphrase of an encrypted key. */
static int no_passphrase(char *text, int size, int writing, void *ctx)
{
    UNUSED(text);
    UNUSED(size);
    UNUSED(writing);
    UNUSED(ctx);
    return -1;
}

static X509 *read_cert(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *cert = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    return cert;
}

static EVP_PKEY *read_key(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    return key;
}

static const char *problem_of_certs(const struct kube_config *config)
{
    X509 *ca = config->ca_pem != NULL ? read_cert(config->ca_pem) : NULL;
    X509 *cert = config->client_cert_pem != NULL ? read_cert(config->client_cert_pem) : NULL;
    EVP_PKEY *key = config->client_key_pem != NULL ? read_key(config->client_key_pem) : NULL;
    const char *problem = NULL;

    if (config->ca_pem != NULL && ca == NULL)
        problem = "certificate-authority: holds no PEM certificate";
    else if (config->client_cert_pem != NULL && cert == NULL)
        problem = "client-certificate: holds no PEM certificate";
    else if (config->client_key_pem != NULL && key == NULL)
        problem = "client-key: holds no unencrypted PEM key";
    else if (cert != NULL && X509_check_private_key(cert, key) != 1)
        problem = "client-key: does not belong to client-certificate";

    X509_free(ca);
    X509_free(cert);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return problem;
}

static bool is_loopback(const char *server)
{
    static const char *const hosts[] = {"http://127.0.0.1", "http://localhost", "http://[::1]"};
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        if (text_starts(server, hosts[i]) && strchr(":/", server[strlen(hosts[i])]) != NULL)
            return true; /* strchr finds the end of the text too */
    }
    return false;
}

int config_check(const struct kube_config *config, struct err *err)
{
    bool clear = text_starts(config->server, "http://");
    bool secret = config->token != NULL || config->token_path != NULL || config->exec != NULL ||
                  config->client_key_pem != NULL;

    if (clear && secret && !is_loopback(config->server))
        return err_set(err, ERR_INVALID,
                       "%s: server %s would get credentials unencrypted; use https://",
                       config->source, config->server);
    const char *problem = problem_of_certs(config);
    if (problem != NULL)
        return err_set(err, ERR_INVALID, "%s: %s%s%s", config->source,
                       config->context != NULL ? config->context : "",
                       config->context != NULL ? ": " : "", problem);
    return 0;
}
