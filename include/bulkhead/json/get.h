/* SPDX-License-Identifier: Apache-2.0 */
/* get.h - reading documents that somebody else has validated already
 *
 * Pods and nodes come from the API server by the thousand, and we read a tenth of each. These
 * look one member up and treat what is missing or of another type as absent. For our own kinds,
 * whose authors deserve to be told what is wrong, there is table.h. Results are borrowed. */
#ifndef BULKHEAD_JSON_GET_H
#define BULKHEAD_JSON_GET_H

#include "bulkhead/base/err.h"
#include "bulkhead/json/values.h"

#include <json-c/json_object.h>
#include <json-c/linkhash.h>

DEFINE_AUTO(json_object, json_object_put)

enum { JSON_DEPTH_MAX = 64, JSON_SHOWN_MAX = 64 };

/* All take NULL for the object. */
struct json_object *json_get(struct json_object *object, const char *key);        /* any type */
struct json_object *json_get_object(struct json_object *object, const char *key); /* or NULL */
struct json_object *json_get_list(struct json_object *object, const char *key);   /* or NULL */
const char *json_get_text(struct json_object *object, const char *key); /* NULL also when empty */
int64_t json_get_i64(struct json_object *object, const char *key, int64_t otherwise);
bool json_get_bool(struct json_object *object, const char *key);
int64_t json_get_time(struct json_object *object, const char *key); /* ns; 0: absent or damaged */
size_t json_list_count(struct json_object *list);
struct json_object *json_list_at(struct json_object *list, size_t index);
/* for (const struct lh_entry *m = json_first(object); m != NULL; m = m->next) json_key(m), ... */
const struct lh_entry *json_first(struct json_object *object);
const char *json_key(const struct lh_entry *member);
struct json_object *json_value(const struct lh_entry *member);
/* Adds every member with a text value. */
void json_get_key_values(struct json_object *object, struct key_values *ret_list);
void json_get_texts(struct json_object *list, struct text_list *ret_list);

/* A whole document; ERR_INVALID with where it breaks off. Caller owns the result. */
int json_parse(const char *text, size_t size, struct json_object **ret_doc, struct err *err);
/* Compact text in the order of the document; borrowed from the object, valid until it changes. */
const char *json_print(struct json_object *object);
/* The same, cut to JSON_SHOWN_MAX bytes: a value as an error shows it. */
const char *json_show(struct json_object *object, char text[JSON_SHOWN_MAX + 4]);

/* Building: the object takes over the value. NULL text adds nothing. */
void json_put(struct json_object *object, const char *key, struct json_object *value);
void json_put_text(struct json_object *object, const char *key, const char *value);
void json_put_i64(struct json_object *object, const char *key, int64_t value);
void json_put_bool(struct json_object *object, const char *key, bool value);

#endif
