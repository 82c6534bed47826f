/* SPDX-License-Identifier: Apache-2.0 */
/* yaml.c - YAML documents as json-c trees: see the header
 *
 * Built from libyaml's events with a stack of open collections rather than from its document tree,
 * because the tree follows aliases and has no bounds. */
#include "bulkhead/json/yaml.h"

#include "bulkhead/base/str.h"
#include "bulkhead/json/get.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { DEPTH_MAX = 32, NODES_MAX = 100000 };

struct level {
    struct json_object *collection; /* borrowed: owned by the level below, or by builder.root */
    char *key;                      /* of a mapping: read, its value not yet; NULL otherwise */
};

struct builder {
    struct json_object *root;
    struct level levels[DEPTH_MAX];
    size_t depth;
    size_t nodes;
    size_t line;
    bool typed; /* plain scalars have the types of YAML's core schema */
    bool many;  /* root is a list of the stream's documents */
    bool done;
};

static int bad(const struct builder *builder, struct err *err, const char *what)
{
    return err_set(err, ERR_INVALID, "line %zu: %s", builder->line, what);
}

/* Takes value, whatever comes of it. */
static int put_value(struct builder *builder, struct json_object *value, struct err *err)
{
    struct level *level = builder->depth > 0 ? &builder->levels[builder->depth - 1] : NULL;

    if (++builder->nodes > NODES_MAX) {
        json_object_put(value);
        return bad(builder, err, "more than 100000 values");
    }
    if (level == NULL && builder->many) {
        json_object_array_add(builder->root, value);
    } else if (level == NULL) {
        builder->root = value;
    } else if (json_object_is_type(level->collection, json_type_array)) {
        json_object_array_add(level->collection, value);
    } else {
        json_object_object_add(level->collection, level->key, value);
        text_set(&level->key, NULL);
    }
    return 0;
}

static bool wants_key(const struct builder *builder)
{
    const struct level *level = builder->depth > 0 ? &builder->levels[builder->depth - 1] : NULL;
    return level != NULL && json_object_is_type(level->collection, json_type_object) &&
           level->key == NULL;
}

static int on_key(struct builder *builder, const char *key, struct err *err)
{
    struct level *level = &builder->levels[builder->depth - 1];
    if (json_object_object_get_ex(level->collection, key, NULL))
        return err_set(err, ERR_INVALID, "line %zu: the key \"%.100s\" comes twice", builder->line,
                       key);
    text_set(&level->key, key);
    return 0;
}

/* Of a plain scalar, as the core schema has it; a text where it is nothing else. Octal and hex
 * numbers, infinities and NaN are texts: nobody means them in a manifest. */
static struct json_object *typed_value(const char *text, size_t size)
{
    char *end = NULL;
    if (text_eq(text, "true") || text_eq(text, "True") || text_eq(text, "TRUE"))
        return json_object_new_boolean(true);
    if (text_eq(text, "false") || text_eq(text, "False") || text_eq(text, "FALSE"))
        return json_object_new_boolean(false);
    if (size == 0 || strspn(text, "+-.eE0123456789") != size || strpbrk(text, "0123456789") == NULL)
        return json_object_new_string_len(text, (int)size);
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (*end == '\0' && errno == 0)
        return json_object_new_int64(number);
    double real = strtod(text, &end);
    if (*end == '\0')
        return json_object_new_double_s(real, text);
    return json_object_new_string_len(text, (int)size);
}

static int on_scalar(struct builder *builder, const yaml_event_t *event, struct err *err)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t size = event->data.scalar.length;
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

    if (event->data.scalar.anchor != NULL)
        return bad(builder, err, "anchors (&name) are not allowed; write the value out");
    if (memchr(text, '\0', size) != NULL)
        return bad(builder, err, "a NUL character");
    if (wants_key(builder))
        return on_key(builder, text, err);
    if (plain && (size == 0 || text_eq(text, "~") || text_eq(text, "null")))
        return put_value(builder, NULL, err);
    if (plain && builder->typed)
        return put_value(builder, typed_value(text, size), err);
    return put_value(builder, json_object_new_string_len(text, (int)size), err);
}

static int on_open(struct builder *builder, struct json_object *collection, bool anchor,
                   struct err *err)
{
    const char *problem = anchor ? "anchors (&name) are not allowed; write the value out"
                          : builder->depth >= DEPTH_MAX ? "nested more than 32 deep"
                          : wants_key(builder)          ? "a key must be plain text"
                                                        : NULL;
    if (problem != NULL) {
        json_object_put(collection);
        return bad(builder, err, problem);
    }
    if (put_value(builder, collection, err) < 0)
        return -1;
    builder->levels[builder->depth++] = (struct level){.collection = collection};
    return 0;
}

static int on_event(struct builder *builder, const yaml_event_t *event, struct err *err)
{
    builder->line = event->start_mark.line + 1;
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return on_scalar(builder, event, err);
    case YAML_ALIAS_EVENT:
        return bad(builder, err, "aliases (*name) are not allowed; write the value out");
    case YAML_SEQUENCE_START_EVENT:
        return on_open(builder, json_object_new_array(), event->data.sequence_start.anchor != NULL,
                       err);
    case YAML_MAPPING_START_EVENT:
        return on_open(builder, json_object_new_object(), event->data.mapping_start.anchor != NULL,
                       err);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        builder->depth--;
        return 0;
    case YAML_DOCUMENT_START_EVENT:
        return builder->nodes > 0 && !builder->many
                   ? bad(builder, err, "a second document; keep one")
                   : 0;
    case YAML_STREAM_END_EVENT:
        builder->done = true;
        return 0;
    default:
        return 0;
    }
}

static int parse_events(yaml_parser_t *parser, struct builder *builder, struct err *err)
{
    while (!builder->done) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event))
            return err_set(err, ERR_INVALID, "line %zu: not YAML: %s",
                           parser->problem_mark.line + 1,
                           parser->problem != NULL ? parser->problem : "unreadable");
        int result = on_event(builder, &event, err);
        yaml_event_delete(&event);
        if (result < 0)
            return -1;
    }
    return 0;
}

static int parse(const char *text, size_t size, struct builder *builder,
                 struct json_object **ret_value, struct err *err)
{
    yaml_parser_t parser;

    if (!yaml_parser_initialize(&parser))
        abort(); /* out of memory */
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    int result = parse_events(&parser, builder, err);
    yaml_parser_delete(&parser);

    for (size_t i = 0; i < DEPTH_MAX; i++)
        text_set(&builder->levels[i].key, NULL);
    if (result < 0) {
        json_object_put(builder->root);
        return -1;
    }
    *ret_value = builder->root;
    return 0;
}

int json_yaml_parse(const char *text, size_t size, struct json_object **ret_value, struct err *err)
{
    struct builder builder = {0};
    return parse(text, size, &builder, ret_value, err);
}

int json_yaml_manifests(const char *text, size_t size, struct json_object **ret_list,
                        struct err *err)
{
    struct builder builder = {.root = json_object_new_array(), .typed = true, .many = true};
    return parse(text, size, &builder, ret_list, err);
}
