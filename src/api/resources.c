/* SPDX-License-Identifier: Apache-2.0 */
#include "bulkhead/api/resources.h"

#include "bulkhead/base/quantity.h"

#include <stdlib.h>
#include <string.h>

void resources_done(struct resources *resources)
{
    for (size_t i = 0; i < resources->extended_count; i++)
        free(resources->extended[i].name);
    free(resources->extended);
    *resources = (struct resources){0};
}

void resources_copy(struct resources *to, const struct resources *from)
{
    *to = *from;
    to->extended = NULL;
    if (from->extended_count == 0)
        return;
    to->extended = mem_new(RESOURCES_EXTENDED_MAX * sizeof(*to->extended));
    for (size_t i = 0; i < from->extended_count; i++)
        to->extended[i] =
            (struct extended_resource){text_copy(from->extended[i].name), from->extended[i].amount};
}

static int64_t saturating_add(int64_t a, int64_t b)
{
    int64_t sum = 0;
    if (!__builtin_add_overflow(a, b, &sum))
        return sum;
    return a > 0 ? INT64_MAX : INT64_MIN;
}

/* Where the name is, or where it would go. */
static size_t extended_place(const struct resources *resources, const char *name)
{
    size_t i = 0;
    while (i < resources->extended_count && strcmp(resources->extended[i].name, name) < 0)
        i++;
    return i;
}

static bool extended_at(const struct resources *resources, size_t i, const char *name)
{
    return i < resources->extended_count && strcmp(resources->extended[i].name, name) == 0;
}

int64_t resources_get(const struct resources *resources, const char *name)
{
    if (strcmp(name, "cpu") == 0)
        return resources->cpu_milli;
    if (strcmp(name, "memory") == 0)
        return resources->memory_bytes;
    if (strcmp(name, "ephemeral-storage") == 0)
        return resources->ephemeral_bytes;
    if (strcmp(name, "pods") == 0)
        return resources->pods;
    size_t i = extended_place(resources, name);
    return extended_at(resources, i, name) ? resources->extended[i].amount : 0;
}

int resources_set_extended(struct resources *resources, const char *name, int64_t amount,
                           struct err *err)
{
    size_t place = extended_place(resources, name);
    if (extended_at(resources, place, name)) {
        resources->extended[place].amount = amount;
        return 0;
    }
    if (resources->extended_count == RESOURCES_EXTENDED_MAX)
        return err_set(err, ERR_INVALID, "%s: more than %d extended resources", name,
                       RESOURCES_EXTENDED_MAX);
    if (resources->extended == NULL)
        resources->extended = mem_new(RESOURCES_EXTENDED_MAX * sizeof(*resources->extended));
    memmove(&resources->extended[place + 1], &resources->extended[place],
            (resources->extended_count - place) * sizeof(*resources->extended));
    resources->extended[place] = (struct extended_resource){text_copy(name), amount};
    resources->extended_count++;
    return 0;
}

typedef int64_t combine_fn(int64_t a, int64_t b);

/* Sums of pods of one node stay within RESOURCES_EXTENDED_MAX names only if the node does; names
 * beyond that are dropped, which is safe: a node offers none of them. */
static void combine(struct resources *sum, const struct resources *more, combine_fn *fn)
{
    sum->cpu_milli = fn(sum->cpu_milli, more->cpu_milli);
    sum->memory_bytes = fn(sum->memory_bytes, more->memory_bytes);
    sum->ephemeral_bytes = fn(sum->ephemeral_bytes, more->ephemeral_bytes);
    sum->pods = fn(sum->pods, more->pods);
    for (size_t i = 0; i < more->extended_count; i++) {
        const struct extended_resource *item = &more->extended[i];
        int64_t had = resources_get(sum, item->name);
        (void)resources_set_extended(sum, item->name, fn(had, item->amount), NULL);
    }
}

void resources_add(struct resources *sum, const struct resources *more)
{
    combine(sum, more, saturating_add);
}

void resources_max(struct resources *sum, const struct resources *other)
{
    combine(sum, other, larger);
}

static void print_item(struct str *out, const char *name, const char *amount)
{
    if (out->size > 0)
        str_add(out, ", ");
    str_add(out, name);
    str_add(out, " ");
    str_add(out, amount);
}

void resources_print(const struct resources *resources, struct str *out)
{
    AUTO_STR list = STR_EMPTY;
    char text[QUANTITY_TEXT_MAX];
    if (resources->cpu_milli != 0)
        print_item(&list, "cpu", quantity_print_milli(resources->cpu_milli, text));
    if (resources->memory_bytes != 0)
        print_item(&list, "memory", quantity_print_bytes(resources->memory_bytes, text));
    if (resources->ephemeral_bytes != 0)
        print_item(&list, "ephemeral-storage",
                   quantity_print_bytes(resources->ephemeral_bytes, text));
    for (size_t i = 0; i < resources->extended_count; i++) {
        AUTO_TEXT amount = text_printf("%lld", (long long)resources->extended[i].amount);
        print_item(&list, resources->extended[i].name, amount);
    }
    str_add(out, list.size > 0 ? str_text(&list) : "nothing");
}
