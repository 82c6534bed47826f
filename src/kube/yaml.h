/* SPDX-License-Identifier: Apache-2.0 */
/* yaml.h - a YAML document as a json-c tree
 *
 * Every scalar becomes a string, so that nothing is guessed (no: false, 1e3: 1000); only an empty
 * plain scalar, ~ and null become JSON null.
 * Bounds     depth 32, 100,000 nodes, one document.
 * Refused    anchors and aliases, keys that are not scalars, a key that comes twice. */
#ifndef BULKHEAD_KUBE_YAML_H
#define BULKHEAD_KUBE_YAML_H

#include "bulkhead/base/err.h"

struct json_object;

/* ERR_INVALID: "line 3: ..."; the caller says which file. An empty text gives *ret_value NULL. */
int kube_yaml_parse(const char *text, size_t size, struct json_object **ret_value, struct err *err);

#endif
