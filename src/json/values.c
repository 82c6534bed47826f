/* SPDX-License-Identifier: Apache-2.0 */
#include "bulkhead/json/values.h"

#include "bulkhead/base/str.h"

#include <stdlib.h>
#include <string.h>

void text_list_done(struct text_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct text_list){NULL, 0};
}

/* Lists hold no capacity: room doubles whenever the count is a power of two. */
static bool needs_room(size_t count)
{
    return (count & (count - 1)) == 0;
}

void text_list_add(struct text_list *list, const char *text)
{
    if (needs_room(list->count))
        list->items = mem_grow(list->items, list->count > 0 ? list->count * 2 : 1, sizeof(char *));
    list->items[list->count++] = text_copy(text);
}

void key_values_done(struct key_values *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].key);
        free(list->items[i].value);
    }
    free(list->items);
    *list = (struct key_values){NULL, 0};
}

static struct key_value *find(const struct key_values *list, const char *key)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i].key, key) == 0)
            return &list->items[i];
    }
    return NULL;
}

void key_values_set(struct key_values *list, const char *key, const char *value)
{
    struct key_value *old = find(list, key);
    if (old != NULL) {
        text_set(&old->value, value);
        return;
    }
    if (needs_room(list->count))
        list->items =
            mem_grow(list->items, list->count > 0 ? list->count * 2 : 1, sizeof(struct key_value));
    list->items[list->count++] = (struct key_value){text_copy(key), text_copy(value)};
}

const char *key_values_get(const struct key_values *list, const char *key)
{
    const struct key_value *item = find(list, key);
    return item != NULL ? item->value : NULL;
}
