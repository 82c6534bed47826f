/* SPDX-License-Identifier: Apache-2.0 */
/* table.h - a C struct and its JSON object, declared once
 *
 * A static table of fields says which member of a struct is which member of a JSON object. From it
 * come decoding with validation, encoding, freeing, and a walk over the declaration (with which a
 * test compares the tables with the CRDs). An error names the path, the value and what was
 * expected:
 *     spec.retryStrategy.attempts: 0, expected 1..10
 *     spec.priority: "high", expected an integer 0..1000
 *     spec.atempts: no such field
 * Bounds     every text and list has a maximum (TEXT_MAX and LIST_MAX where the table names none);
 *            depth is the table's own, since tables do not recurse.
 * Absence    absent and null are the same. Absent numbers get .fallback, absent texts stay NULL. */
#ifndef BULKHEAD_JSON_TABLE_H
#define BULKHEAD_JSON_TABLE_H

#include "bulkhead/base/err.h"
#include "bulkhead/json/get.h"
#include "bulkhead/json/values.h"

enum { TEXT_MAX = 1024, LIST_MAX = 1024, MAP_VALUE_MAX = 16 * TEXT_MAX };

/* Where in a document we are; lives on the stack, printed only when something is wrong. */
struct json_at {
    const struct json_at *up;
    const char *key; /* NULL: an item of a list */
    size_t index;
};
#define JSON_ROOT(text) (&(const struct json_at){NULL, (text), 0})
#define JSON_AT(up_, key_) (&(const struct json_at){(up_), (key_), 0})
#define JSON_ITEM(up_, index_) (&(const struct json_at){(up_), NULL, (index_)})
/* "spec.template.spec.containers[0].image: " and the text; ERR_INVALID, -1. */
int json_fail(const struct json_at *at, struct err *err, const char *format, ...) PRINTF_LIKE(3, 4);
/* The same with the value in front: `at: "1,5", <text>`. */
int json_fail_value(const struct json_at *at, struct json_object *value, struct err *err,
                    const char *format, ...) PRINTF_LIKE(4, 5);

enum field_kind {
    KIND_TEXT,    /* char * */
    KIND_I64,     /* int64_t */
    KIND_U32,     /* uint32_t */
    KIND_OPT_I64, /* struct opt_i64 */
    KIND_BOOL,    /* bool */
    KIND_TEXTS,   /* struct text_list */
    KIND_MAP,     /* struct key_values */
    KIND_WORD,    /* an enum, or a bool, written as one of .words; the first means .min */
    KIND_TIME,    /* int64_t, ns since the epoch, written as RFC 3339 */
    KIND_BYTES,   /* int64_t, written as a quantity: 16Gi */
    KIND_OBJECT,  /* a struct by value, or a part of the same struct */
    KIND_LIST,    /* pointer to structs, and a count */
    KIND_ARRAY,   /* structs in place, and a count */
    KIND_CUSTOM,  /* by functions */
};

/* How a text must look. valid may be NULL: then only the length counts. */
struct text_format {
    const char *expected; /* "a DNS label" */
    const char *pattern;  /* the same for the CRD; NULL: not said there */
    bool (*valid)(const char *text);
};

struct custom_field {
    const char *schema_type; /* as in the CRD: "object", "x-int-or-string" */
    /* value is never NULL. Fills *member, which is zeroed. */
    int (*decode)(struct json_object *value, const struct json_at *at, void *member,
                  struct err *err);
    struct json_object *(*encode)(const void *member); /* NULL: leave out */
    void (*done)(void *member);
};

struct object_type;
struct field {
    const char *key;
    size_t offset;
    enum field_kind kind;
    size_t member_size; /* of a word */

    bool required;
    bool keep_zero;   /* encode also 0, "" and {} */
    int64_t min, max; /* of the number; characters of a text; items of a list */
    int64_t item_max; /* characters of each item of a text list */
    int64_t fallback; /* of a number or word when absent */
    int64_t scale;    /* the member holds the document's number times this; 0: 1 */

    const char *const *words; /* of a word, or all that a text may be */
    size_t word_count;
    bool any_case;

    const struct text_format *format; /* of a text, or of each item of a text list */
    const struct object_type *type;   /* of an object, or of each item */
    size_t count_offset;              /* of a list or array */
    size_t present_offset;            /* bool member that tells whether it was there; 0: none */
    const struct custom_field *custom;
};

struct object_type {
    const char *name;
    const struct field *fields;
    size_t count;
    size_t size;
    bool open; /* other fields are passed over: statuses, which newer versions may have written */
    /* What single fields cannot say; NULL: nothing. Called once all fields are in. */
    int (*check)(const void *object, const struct json_at *at, struct err *err);
};

#define KIND_OF(m)                                                                                 \
    _Generic((m),                                                                                  \
        char *: KIND_TEXT,                                                                         \
        int64_t: KIND_I64,                                                                         \
        uint32_t: KIND_U32,                                                                        \
        struct opt_i64: KIND_OPT_I64,                                                              \
        bool: KIND_BOOL,                                                                           \
        struct text_list: KIND_TEXTS,                                                              \
        struct key_values: KIND_MAP)
/* The compiler refuses a member of another type. */
#define MEMBER_IS(T, m, type) (0 * sizeof(_Generic(((T *)0)->m, type : 0)))

/* The key comes first in what follows the member: FIELD(struct job, queue, "queue", .max = 63). */
#define FIELD(T, m, ...)                                                                           \
    {                                                                                              \
        .offset = offsetof(T, m), .kind = KIND_OF(((T *)0)->m), .key = __VA_ARGS__                 \
    }
#define TIME(T, m, ...)                                                                            \
    {                                                                                              \
        .offset = offsetof(T, m) + MEMBER_IS(T, m, int64_t), .kind = KIND_TIME, .key = __VA_ARGS__ \
    }
#define BYTES(T, m, ...)                                                                           \
    {                                                                                              \
        .offset = offsetof(T, m) + MEMBER_IS(T, m, int64_t), .kind = KIND_BYTES,                   \
        .key = __VA_ARGS__                                                                         \
    }
#define WORDS(list) .words = (list), .word_count = ARRAY_LEN(list)
#define WORD(T, m, words_, ...)                                                                    \
    {                                                                                              \
        .offset = offsetof(T, m), .kind = KIND_WORD, .member_size = sizeof(((T *)0)->m),           \
        WORDS(words_), .key = __VA_ARGS__                                                          \
    }
#define OBJECT(T, m, type_, ...)                                                                   \
    {                                                                                              \
        .offset = offsetof(T, m), .kind = KIND_OBJECT, .type = (type_), .key = __VA_ARGS__         \
    }
/* A JSON object whose members live in the enclosing struct itself. */
#define PART(type_, ...)                                                                           \
    {                                                                                              \
        .offset = 0, .kind = KIND_OBJECT, .type = (type_), .key = __VA_ARGS__                      \
    }
#define LIST(T, m, count_, type_, ...)                                                             \
    {                                                                                              \
        .offset = offsetof(T, m), .kind = KIND_LIST, .type = (type_),                              \
        .count_offset = offsetof(T, count_) + MEMBER_IS(T, count_, size_t), .key = __VA_ARGS__     \
    }
#define ARRAY(T, m, count_, type_, ...)                                                            \
    {                                                                                              \
        .offset = offsetof(T, m), .kind = KIND_ARRAY, .type = (type_),                             \
        .count_offset = offsetof(T, count_) + MEMBER_IS(T, count_, size_t),                        \
        .max = (int64_t)ARRAY_LEN(((T *)0)->m), .key = __VA_ARGS__                                 \
    }
#define CUSTOM(T, m, custom_, ...)                                                                 \
    {                                                                                              \
        .offset = offsetof(T, m), .kind = KIND_CUSTOM, .custom = (custom_), .key = __VA_ARGS__     \
    }
#define OBJECT_TYPE(T, name_, fields_, ...)                                                        \
    {                                                                                              \
        .fields = (fields_), .count = ARRAY_LEN(fields_), .size = sizeof(T), .name = name_,        \
        __VA_ARGS__                                                                                \
    }

/* ret_object is zeroed memory of type->size. On -1 it holds what was decoded up to the error (the
 * owner frees it with json_done): a status must tell about objects whose spec is wrong. */
int json_decode(const struct object_type *type, struct json_object *value, const struct json_at *at,
                void *ret_object, struct err *err);
/* Members in the order of the table. Caller owns the result. */
struct json_object *json_encode(const struct object_type *type, const void *object);
/* Frees what the object's members own and zeroes them; not the object itself. */
void json_done(const struct object_type *type, void *object);

/* One field of a declaration: `array.size`, `rules[].action`. Walks depth first, in order. */
typedef void json_walk_fn(void *ctx, const char *path, const struct field *field);
void json_walk(const struct object_type *type, const char *path, json_walk_fn *on_field, void *ctx);

/* For checks and custom fields. */
size_t utf8_count(const char *text); /* characters, as maxLength counts them */

#endif
