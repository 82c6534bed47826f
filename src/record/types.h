/* SPDX-License-Identifier: Apache-2.0 */
/* types.h - the structures that the core is given, member by member, as a log has them
 *
 * JSON says what users and the API server say; this says what the core sees, down to what a decoder
 * worked out (a template's placement, a pod's effective requests). Every member of these structures
 * stands in types.c: `make lint ONLY=record` compares it with the headers.
 *
 * An object is written as one bit a member (is it other than zero?) and the members that are. */
#ifndef BULKHEAD_RECORD_TYPES_H
#define BULKHEAD_RECORD_TYPES_H

#include "bulkhead/base/err.h"
#include "bulkhead/base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum member_kind {
    MEMBER_INTEGER, /* of any size, signed or not; enums and bools too */
    MEMBER_REAL,    /* double */
    MEMBER_TEXT,    /* char *, owned */
    MEMBER_WORD,    /* const char *, one of types.c's words */
    MEMBER_TEXTS,   /* struct text_list */
    MEMBER_STRUCT,  /* by value */
    MEMBER_LIST,    /* pointer to structs or numbers, and a count */
    MEMBER_ARRAY,   /* structs in place, and a count */
    MEMBER_FIXED,   /* int64_t in place, all of them */
};

struct record_type;
struct member {
    const char *name;
    size_t offset, size;
    enum member_kind kind;
    bool is_signed;
    uint64_t below;                 /* of an enum that indexes tables: its count; 0: any value */
    const struct record_type *type; /* of a struct or of items; NULL: items are numbers */
    size_t item_size;               /* of a list or array */
    size_t count_offset;            /* of a list or array: size_t */
};

struct record_type {
    const char *name;
    size_t size;
    const struct member *members;
    size_t count;
};

extern const struct record_type object_meta_record, batch_job_record, job_queue_record,
    compute_environment_record, job_definition_record, pod_record, node_record, daemon_set_record,
    runtime_class_record, consumable_resource_record, array_status_record, instance_record,
    instance_type_record, core_options_record, node_service_record, scheduling_policy_record;
extern const struct record_type *const record_roots[];
extern const size_t record_root_count;

/* Changes whenever a structure does: names, order and kinds of all members. */
uint64_t record_layout(void);

struct record_input { /* bytes to read; bad: they ended, or do not make sense */
    const uint8_t *at, *end;
    bool bad;
};

void record_put_number(struct str *out, uint64_t number); /* base 128, low part first */
void record_put_signed(struct str *out, int64_t number);  /* folded: small ones are short */
void record_put_text(struct str *out, const char *text);  /* NULL and "" differ */
uint64_t record_get_number(struct record_input *input);
/* Borrowed from the input: its first size bytes; NULL: a NULL text, or bad. */
const char *record_get_text(struct record_input *input, size_t *ret_size);

void record_put(struct str *out, const struct record_type *type, const void *object);
/* Into zeroed memory; on bad input the object holds what was read, for record_done. */
void record_get(struct record_input *input, const struct record_type *type, void *ret_object);
void record_done(const struct record_type *type, void *object); /* frees what record_get made */

#endif
