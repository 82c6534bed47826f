/* SPDX-License-Identifier: Apache-2.0 */
/* amounts.c - resources as vectors, and the classes of equal requirements */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* The dimension of an extended resource; SIZE_MAX when there is no room for another name. */
static size_t core_dim(struct core *core, const char *name)
{
    for (size_t i = DIM_FIXED; i < core->dim_count; i++) {
        if (strcmp(core->dim_names[i], name) == 0)
            return i;
    }
    if (core->dim_count >= DIM_MAX)
        return SIZE_MAX;
    core->dim_names[core->dim_count] = text_copy(name);
    return core->dim_count++;
}

bool amounts_from(struct core *core, const struct resources *resources, struct amounts *ret_amounts)
{
    bool whole = true;
    memset(ret_amounts, 0, sizeof(*ret_amounts));
    ret_amounts->v[DIM_CPU] = resources->cpu_milli;
    ret_amounts->v[DIM_MEMORY] = resources->memory_bytes;
    ret_amounts->v[DIM_EPHEMERAL] = resources->ephemeral_bytes;
    ret_amounts->v[DIM_PODS] = resources->pods;
    for (size_t i = 0; i < resources->extended_count; i++) {
        const struct extended_resource *extended = &resources->extended[i];
        if (extended->amount == 0)
            continue; /* hugepages of a size that a node does not offer would use up dimensions */
        size_t dim = core_dim(core, extended->name);
        if (dim == SIZE_MAX)
            whole = false;
        else
            ret_amounts->v[dim] = extended->amount;
    }
    return whole;
}

static int64_t add_capped(int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return b > 0 ? INT64_MAX : INT64_MIN;
    return sum;
}

/* Most dimensions are of nothing that is asked for here: a look is quicker than a sum. */
void amounts_add(struct amounts *sum, const struct amounts *more)
{
    for (size_t i = 0; i < DIM_MAX; i++)
        if (more->v[i] != 0)
            sum->v[i] = add_capped(sum->v[i], more->v[i]);
}

void amounts_sub(struct amounts *sum, const struct amounts *less)
{
    for (size_t i = 0; i < DIM_MAX; i++)
        if (less->v[i] != 0)
            sum->v[i] = add_capped(sum->v[i], -less->v[i]);
}

bool amounts_fit(const struct amounts *needs, const struct amounts *room)
{
    for (size_t i = 0; i < DIM_MAX; i++) {
        if (needs->v[i] > 0 && needs->v[i] > room->v[i])
            return false;
    }
    return true;
}

int64_t amounts_times(const struct amounts *needs, const struct amounts *room, int64_t limit)
{
    int64_t times = limit;
    for (size_t i = 0; i < DIM_MAX; i++) {
        if (needs->v[i] <= 0)
            continue;
        int64_t here = room->v[i] <= 0 ? 0 : room->v[i] / needs->v[i];
        if (here < times)
            times = here;
    }
    return times;
}

bool amounts_extended(const struct amounts *amounts)
{
    for (size_t d = DIM_FIXED; d < DIM_MAX; d++) {
        if (amounts->v[d] > 0)
            return true;
    }
    return false;
}

int64_t amounts_vcpus(const struct amounts *amounts)
{
    return add_capped(amounts->v[DIM_CPU], 999) / 1000;
}

/* ----------------------------------------------------------------- classes */

enum { CLASS_BUCKETS = 1024 };

struct core_class *class_use(struct core *core, const struct placement *placement)
{
    if (core->classes == NULL) {
        core->class_buckets = CLASS_BUCKETS;
        core->classes = mem_new(CLASS_BUCKETS * sizeof(struct core_class *));
    }
    uint64_t hash = placement_hash(placement);
    struct core_class **bucket = &core->classes[hash % core->class_buckets];
    for (struct core_class *class_ = *bucket; class_ != NULL; class_ = class_->next) {
        if (class_->hash == hash && placement_equal(&class_->placement, placement)) {
            class_->users++;
            return class_;
        }
    }
    struct core_class *class_ = mem_new(sizeof(*class_));
    placement_copy(&class_->placement, placement);
    class_->hash = hash;
    class_->measurable = amounts_from(core, &placement->requests, &class_->needs);
    class_->needs.v[DIM_PODS] = 1;
    struct str words = STR_EMPTY;
    resources_print(&placement->requests, &words);
    class_->requests_text = str_take(&words);
    class_->users = 1;
    class_->next = *bucket;
    *bucket = class_;
    return class_;
}

struct core_class *class_share(struct core_class *class_)
{
    class_->users++;
    return class_;
}

void class_drop(struct core *core, struct core_class *class_)
{
    if (class_ == NULL || --class_->users > 0)
        return;
    struct core_class **link = &core->classes[class_->hash % core->class_buckets];
    while (*link != class_)
        link = &(*link)->next;
    *link = class_->next;
    placement_done(&class_->placement);
    free(class_->requests_text);
    free(class_);
}
