/* SPDX-License-Identifier: Apache-2.0 */
/* json_doc.h - reading json-c trees that came from outside: a missing or mistyped member is absent
 */
#ifndef BULKHEAD_KUBE_JSON_DOC_H
#define BULKHEAD_KUBE_JSON_DOC_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

/* Borrowed; NULL when tree is no object, has no such member, or it is null or of another type. */
struct json_object *doc_get(struct json_object *tree, const char *key, enum json_type type);
/* Along a path "metadata.name" of objects, the last member of the type. */
struct json_object *doc_find(struct json_object *tree, const char *path, enum json_type type);
const char *doc_text(struct json_object *tree, const char *path); /* NULL: none */
int64_t doc_i64(struct json_object *tree, const char *path, int64_t otherwise);
bool doc_bool(struct json_object *tree, const char *path); /* false: none */

/* Text of a whole tree, compact; the caller frees. */
char *doc_print(struct json_object *tree);

/* Parses exactly one JSON value of at most depth 64 (and UTF-8); NULL when it is not that. */
struct json_object *doc_parse(const char *text, size_t size);

/* Sets "a.b.c" in an object, making the objects on the way. Takes value. */
void doc_set(struct json_object *tree, const char *path, struct json_object *value);
void doc_set_text(struct json_object *tree, const char *path, const char *text); /* NULL: no-op */

#endif
