/* SPDX-License-Identifier: Apache-2.0 */
/* known.c - what a watch has told about each object: see the header */
#include "known.h"

#include "json_doc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UID_SIZE_MAX = 128, NAME_SIZE_MAX = 253 };

bool rv_parse(const char *text, uint64_t *ret_rv)
{
    uint64_t rv = 0;
    if (text == NULL || text[0] == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || rv > (UINT64_MAX - 9) / 10)
            return false;
        rv = rv * 10 + (uint64_t)(*text - '0');
    }
    *ret_rv = rv;
    return rv > 0;
}

static bool is_name(const char *text)
{
    return text[0] != '\0' && strlen(text) <= NAME_SIZE_MAX && strchr(text, '/') == NULL;
}

bool identity_read(struct json_object *object, struct identity *ret_identity)
{
    struct json_object *metadata = doc_get(object, "metadata", json_type_object);
    const char *namespace = doc_text(metadata, "namespace");
    const char *name = doc_text(metadata, "name");
    const char *uid = doc_text(metadata, "uid");
    uint64_t rv;

    if (name == NULL || uid == NULL || !is_name(name) || uid[0] == '\0' ||
        strlen(uid) > UID_SIZE_MAX || (namespace != NULL && !is_name(namespace)) ||
        !rv_parse(doc_text(metadata, "resourceVersion"), &rv))
        return false;

    str_clear(&ret_identity->key);
    str_addf(&ret_identity->key, "%s/%s", namespace != NULL ? namespace : "", name);
    ret_identity->uid = uid;
    ret_identity->rv = rv;
    return true;
}

struct known *known_put(struct map *map, const struct identity *identity, uint32_t round)
{
    size_t uid_size = strlen(identity->uid) + 1;
    struct known *known = mem_new(sizeof(*known) + uid_size);
    known->rv = identity->rv;
    known->round = round;
    memcpy(known->uid, identity->uid, uid_size);
    free(map_put(map, str_text(&identity->key), known));
    return known;
}

void known_remove(struct map *map, const char *key)
{
    free(map_remove(map, key));
}

struct map *known_free(struct map *map)
{
    struct known *known;
    if (map == NULL)
        return NULL;
    for (size_t i = 0; (known = map_next(map, &i, NULL)) != NULL;)
        free(known);
    return map_free(map);
}

struct json_object *known_stub(const char *key, const struct known *known)
{
    struct json_object *stub = json_object_new_object();
    const char *slash = strchr(key, '/');
    char rv[24];

    if (slash > key)
        doc_set(stub, "metadata.namespace", json_object_new_string_len(key, (int)(slash - key)));
    doc_set_text(stub, "metadata.name", slash + 1);
    doc_set_text(stub, "metadata.uid", known->uid);
    snprintf(rv, sizeof(rv), "%" PRIu64, known->rv);
    doc_set_text(stub, "metadata.resourceVersion", rv);
    return stub;
}
