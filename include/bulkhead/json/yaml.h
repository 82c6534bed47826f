/* SPDX-License-Identifier: Apache-2.0 */
/* yaml.h - YAML documents as json-c trees
 *
 * Bounds     depth 32, 100,000 nodes in all.
 * Refused    anchors and aliases, keys that are not scalars, a key that comes twice. */
#ifndef BULKHEAD_JSON_YAML_H
#define BULKHEAD_JSON_YAML_H

#include "bulkhead/base/err.h"

struct json_object;

/* One document. Every scalar becomes a string, so that nothing is guessed (no: false, 1e3: 1000);
 * only an empty plain scalar, ~ and null become JSON null. ERR_INVALID: "line 3: ..."; the caller
 * says which file. An empty text gives *ret_value NULL. */
int json_yaml_parse(const char *text, size_t size, struct json_object **ret_value, struct err *err);

/* Manifests as kubectl takes them: all documents of the text, in a list. Plain scalars are null,
 * true, false, decimal numbers or strings, as in YAML 1.2's core schema; an empty document is null.
 */
int json_yaml_manifests(const char *text, size_t size, struct json_object **ret_list,
                        struct err *err);

#endif
