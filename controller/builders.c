/* SPDX-License-Identifier: Apache-2.0 */
#include "builders.h"

#include "bulkhead/base/map.h"

#include <inttypes.h>
#include <stdlib.h>

struct entry { /* in a ring through builders.ring, most recently used after it */
    struct entry *prev, *next;
    char *key;
    struct pod_builder *builder;
};

struct builders {
    struct map *by_key;
    struct entry ring;
    size_t count_max, bytes_max, bytes;
};

struct builders *builders_new(size_t count_max, size_t bytes_max)
{
    struct builders *builders = mem_new(sizeof(*builders));
    builders->by_key = map_new();
    builders->ring.prev = builders->ring.next = &builders->ring;
    builders->count_max = count_max;
    builders->bytes_max = bytes_max;
    return builders;
}

static void unlink_entry(struct entry *entry)
{
    entry->prev->next = entry->next;
    entry->next->prev = entry->prev;
}

static void use_entry(struct builders *builders, struct entry *entry)
{
    entry->prev = &builders->ring;
    entry->next = builders->ring.next;
    entry->next->prev = entry;
    builders->ring.next = entry;
}

static void drop_last(struct builders *builders)
{
    struct entry *entry = builders->ring.prev;
    builders->ring.prev = entry->prev; /* the ring's end is next to it */
    entry->prev->next = &builders->ring;
    map_remove(builders->by_key, entry->key);
    builders->bytes -= pod_builder_bytes(entry->builder);
    pod_builder_free(entry->builder);
    free(entry->key);
    free(entry);
}

struct builders *builders_free(struct builders *builders)
{
    if (builders == NULL)
        return NULL;
    while (map_count(builders->by_key) > 0)
        drop_last(builders);
    map_free(builders->by_key);
    free(builders);
    return NULL;
}

size_t builders_count(const struct builders *builders)
{
    return map_count(builders->by_key);
}

static void make_room(struct builders *builders, size_t bytes)
{
    while (map_count(builders->by_key) > 0 && (map_count(builders->by_key) >= builders->count_max ||
                                               builders->bytes + bytes > builders->bytes_max))
        drop_last(builders);
}

const struct pod_builder *builders_get(struct builders *builders, const struct pod_order *order,
                                       struct err *err)
{
    const struct pod_template *template_ = order->template_;
    /* A dry run comes before the results that its job uses. */
    AUTO_TEXT key = text_printf("%s %016" PRIx64 "%s", order->job->meta.uid,
                                template_ != NULL ? template_->hash : (uint64_t)0,
                                order->values != NULL ? " with results" : "");
    struct entry *entry = map_get(builders->by_key, key);
    if (entry != NULL) {
        unlink_entry(entry);
        use_entry(builders, entry);
        return entry->builder;
    }
    struct pod_builder *builder = pod_builder_new(order, err);
    if (builder == NULL)
        return NULL;
    make_room(builders, pod_builder_bytes(builder));
    entry = mem_new(sizeof(*entry));
    entry->key = STEAL(key);
    entry->builder = builder;
    builders->bytes += pod_builder_bytes(builder);
    map_put(builders->by_key, entry->key, entry);
    use_entry(builders, entry);
    return builder;
}
