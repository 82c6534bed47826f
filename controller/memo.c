/* SPDX-License-Identifier: Apache-2.0 */
#include "memo.h"

#include "bulkhead/base/clock.h"
#include "bulkhead/base/map.h"
#include "bulkhead/base/str.h"
#include "bulkhead/json/get.h"

#include <errno.h>
#include <stdlib.h>

static const char *const types[] = {"Ready", "Stalled", "Complete", "Failed"};
static const char *const statuses[] = {NULL, "True", "False", "Unknown"};

struct record {
    uint64_t version;
    int64_t arrived_ns;
    int64_t changed_ns[ARRAY_LEN(types)];
    uint8_t status[ARRAY_LEN(types)]; /* index into statuses */
    bool arrived;
    struct json_object *stored; /* NULL: not kept, or not known */
};

struct memo {
    struct map *records; /* uid to struct record */
};

struct memo *memo_new(void)
{
    struct memo *memo = mem_new(sizeof(*memo));
    memo->records = map_new();
    return memo;
}

static void record_free(struct record *record)
{
    if (record != NULL)
        json_object_put(record->stored);
    free(record);
}

struct memo *memo_free(struct memo *memo)
{
    if (memo == NULL)
        return NULL;
    struct record *record;
    for (size_t i = 0; (record = map_next(memo->records, &i, NULL)) != NULL;)
        record_free(record);
    map_free(memo->records);
    free(memo);
    return NULL;
}

static struct record *record_of(struct memo *memo, const char *uid)
{
    struct record *record = map_get(memo->records, uid);
    if (record == NULL) {
        record = mem_new(sizeof(*record));
        map_put(memo->records, uid, record);
    }
    return record;
}

static uint64_t version_of(const char *text) /* 0: none, or not a number */
{
    char *end = NULL;
    if (text == NULL)
        return 0;
    errno = 0;
    uint64_t version = strtoull(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' ? version : 0;
}

bool memo_is_news(const struct memo *memo, const char *uid, const char *resource_version)
{
    const struct record *record = uid != NULL ? map_get(memo->records, uid) : NULL;
    uint64_t version = version_of(resource_version);
    return record == NULL || version == 0 || version > record->version;
}

void memo_version(struct memo *memo, const char *uid, const char *resource_version)
{
    uint64_t version = version_of(resource_version);
    if (uid == NULL || version == 0)
        return;
    struct record *record = record_of(memo, uid);
    if (version > record->version)
        record->version = version;
}

static size_t index_of(const char *text, const char *const *list, size_t count)
{
    size_t i = 0;
    while (i < count && !(list[i] != NULL && text_eq(text, list[i])))
        i++;
    return i;
}

void memo_conditions(struct memo *memo, const char *uid, struct json_object *doc)
{
    struct json_object *list = json_get_list(json_get_object(doc, "status"), "conditions");
    if (uid == NULL || json_list_count(list) == 0)
        return;
    struct record *record = record_of(memo, uid);
    for (size_t i = 0; i < json_list_count(list); i++) {
        struct json_object *item = json_list_at(list, i);
        size_t type = index_of(json_get_text(item, "type"), types, ARRAY_LEN(types));
        size_t status = index_of(json_get_text(item, "status"), statuses, ARRAY_LEN(statuses));
        if (type == ARRAY_LEN(types) || status == ARRAY_LEN(statuses))
            continue;
        record->status[type] = (uint8_t)status;
        record->changed_ns[type] = json_get_time(item, "lastTransitionTime");
    }
}

struct json_object *memo_previous(const struct memo *memo, const char *uid)
{
    const struct record *record = uid != NULL ? map_get(memo->records, uid) : NULL;
    struct json_object *list = NULL;
    for (size_t i = 0; record != NULL && i < ARRAY_LEN(types); i++) {
        char changed[TIME_TEXT_MAX];
        if (record->status[i] == 0)
            continue;
        if (list == NULL)
            list = json_object_new_array();
        struct json_object *item = json_object_new_object();
        json_put_text(item, "type", types[i]);
        json_put_text(item, "status", statuses[record->status[i]]);
        json_put_text(item, "lastTransitionTime", time_print(record->changed_ns[i], changed));
        json_object_array_add(list, item);
    }
    if (list == NULL)
        return NULL;
    struct json_object *doc = json_object_new_object();
    struct json_object *status = json_object_new_object();
    json_put(status, "conditions", list);
    json_put(doc, "status", status);
    return doc;
}

void memo_stored(struct memo *memo, const char *uid, struct json_object *doc)
{
    struct json_object *status = json_get_object(doc, "status");
    if (uid == NULL || (status == NULL && map_get(memo->records, uid) == NULL))
        return;
    struct record *record = record_of(memo, uid);
    json_object_put(record->stored);
    record->stored = json_object_get(status);
}

bool memo_is_stored(const struct memo *memo, const char *uid, struct json_object *doc)
{
    const struct record *record = uid != NULL ? map_get(memo->records, uid) : NULL;
    return record != NULL && record->stored != NULL &&
           json_object_equal(record->stored, json_get_object(doc, "status")) == 1;
}

void memo_arrival(struct memo *memo, const char *uid, int64_t now_ns)
{
    struct record *record = record_of(memo, uid);
    if (record->arrived)
        return;
    record->arrived = true;
    record->arrived_ns = now_ns;
}

int64_t memo_take_arrival(struct memo *memo, const char *uid)
{
    struct record *record = uid != NULL ? map_get(memo->records, uid) : NULL;
    if (record == NULL)
        return 0;
    int64_t arrived_ns = record->arrived_ns;
    record->arrived_ns = 0;
    return arrived_ns;
}

void memo_forget(struct memo *memo, const char *uid)
{
    if (uid != NULL)
        record_free(map_remove(memo->records, uid));
}

size_t memo_count(const struct memo *memo)
{
    return map_count(memo->records);
}
