/* SPDX-License-Identifier: Apache-2.0 */
/* json_doc.c - reading json-c trees that came from outside: see the header */
#include "json_doc.h"

#include "bulkhead/base/str.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

enum { KEY_MAX = 64, DEPTH_MAX = 64 };

struct json_object *doc_get(struct json_object *tree, const char *key, enum json_type type)
{
    struct json_object *member = NULL;
    if (!json_object_is_type(tree, json_type_object) ||
        !json_object_object_get_ex(tree, key, &member) || !json_object_is_type(member, type))
        return NULL;
    return member;
}

/* Copies the first part of a path; returns what follows its dot, NULL at the end. */
static const char *next_part(const char *path, char part[KEY_MAX])
{
    size_t size = strcspn(path, ".");
    assert(size < KEY_MAX);
    memcpy(part, path, size);
    part[size] = '\0';
    return path[size] == '.' ? path + size + 1 : NULL;
}

struct json_object *doc_find(struct json_object *tree, const char *path, enum json_type type)
{
    while (tree != NULL && path != NULL) {
        char part[KEY_MAX];
        path = next_part(path, part);
        tree = doc_get(tree, part, path != NULL ? json_type_object : type);
    }
    return tree;
}

const char *doc_text(struct json_object *tree, const char *path)
{
    struct json_object *member = doc_find(tree, path, json_type_string);
    return member != NULL ? json_object_get_string(member) : NULL;
}

int64_t doc_i64(struct json_object *tree, const char *path, int64_t otherwise)
{
    struct json_object *member = doc_find(tree, path, json_type_int);
    return member != NULL ? json_object_get_int64(member) : otherwise;
}

bool doc_bool(struct json_object *tree, const char *path)
{
    struct json_object *member = doc_find(tree, path, json_type_boolean);
    return member != NULL && json_object_get_boolean(member);
}

char *doc_print(struct json_object *tree)
{
    const int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;
    return text_copy(json_object_to_json_string_ext(tree, flags));
}

struct json_object *doc_parse(const char *text, size_t size)
{
    if (size == 0 || size > INT_MAX)
        return NULL;

    struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
    struct json_object *value = json_tokener_parse_ex(tokener, text, (int)size);
    size_t end = json_tokener_get_parse_end(tokener);
    /* A number may go on, so at the end of the text it needs a terminator to be whole. */
    if (json_tokener_get_error(tokener) == json_tokener_continue) {
        value = json_tokener_parse_ex(tokener, "", 1);
        end = size;
    }
    bool whole = json_tokener_get_error(tokener) == json_tokener_success;
    for (; whole && end < size; end++)
        whole = strchr(" \t\r\n", text[end]) != NULL && text[end] != '\0';
    json_tokener_free(tokener);
    if (!whole) {
        json_object_put(value);
        return NULL;
    }
    return value;
}

void doc_set(struct json_object *tree, const char *path, struct json_object *value)
{
    while (path != NULL) {
        char part[KEY_MAX];
        path = next_part(path, part);
        if (path == NULL) {
            json_object_object_add(tree, part, value);
            return;
        }
        struct json_object *member = doc_get(tree, part, json_type_object);
        if (member == NULL) {
            member = json_object_new_object();
            json_object_object_add(tree, part, member);
        }
        tree = member;
    }
}

void doc_set_text(struct json_object *tree, const char *path, const char *text)
{
    if (text != NULL)
        doc_set(tree, path, json_object_new_string(text));
}
