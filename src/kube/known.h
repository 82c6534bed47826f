/* SPDX-License-Identifier: Apache-2.0 */
/* known.h - what a watch has told about each object: key, uid, resourceVersion; never a body */
#ifndef BULKHEAD_KUBE_KNOWN_H
#define BULKHEAD_KUBE_KNOWN_H

#include "bulkhead/base/map.h"
#include "bulkhead/base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct json_object;

struct known {
    uint64_t rv;
    uint32_t round; /* the last list that had it */
    char uid[];
};

/* An object's identity; all borrowed from the object but key. */
struct identity {
    struct str key; /* "namespace/name", "/name" */
    const char *uid;
    uint64_t rv;
};

/* False when the object has no usable metadata. Reuses identity->key's memory. */
bool identity_read(struct json_object *object, struct identity *ret_identity);

/* A decimal resourceVersion above zero. */
bool rv_parse(const char *text, uint64_t *ret_rv);

struct known *known_put(struct map *map, const struct identity *identity, uint32_t round);
void known_remove(struct map *map, const char *key);
struct map *known_free(struct map *map);

/* {"metadata": {namespace, name, uid, resourceVersion}}; the caller puts it. */
struct json_object *known_stub(const char *key, const struct known *known);

#endif
