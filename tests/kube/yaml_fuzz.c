/* SPDX-License-Identifier: Apache-2.0 */
/* yaml_fuzz.c - any text as a kubeconfig: bounded, and one sentence says what is wrong with it */
#include "fuzz/fuzz.h"

#include "bulkhead/base/macros.h"
#include "bulkhead/base/str.h"
#include "bulkhead/json/get.h"
#include "bulkhead/json/yaml.h"
#include "bulkhead/kube/kubeconfig.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *no_variable(void *ctx, const char *name)
{
    UNUSED(ctx);
    UNUSED(name);
    return NULL;
}

/* The whole loader, from a file that only this process has. */
static void load(const uint8_t *data, size_t size)
{
    int file = memfd_create("kubeconfig", MFD_CLOEXEC);
    MUST(file >= 0 && write(file, data, size) == (ssize_t)size);
    AUTO_TEXT path = text_printf("/proc/self/fd/%d", file);
    struct kube_config_options options = {.path = path, .env = {.get = no_variable}};
    struct err err = {0};
    AUTO(kube_config) config = NULL;
    if (kube_config_load(&options, &config, &err) < 0) {
        MUST(config == NULL);
        MUST(err.text[0] != '\0' && strchr(err.text, '\n') == NULL);
    } else {
        MUST(config->server != NULL && config->namespace != NULL);
        MUST(config->server[0] != '\0' && config->server[strlen(config->server) - 1] != '/');
    }
    close(file);
}

FUZZ(data, size)
{
    struct err err = {0};
    AUTO(json_object) doc = NULL;
    if (json_yaml_parse((const char *)data, size, &doc, &err) < 0)
        MUST(doc == NULL && err.text[0] != '\0');
    load(data, size);
    return 0;
}
