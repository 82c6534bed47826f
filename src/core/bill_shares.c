/* SPDX-License-Identifier: Apache-2.0 */
/* bill_shares.c - what the jobs of each share of a queue cost
 *
 * By the rules of bill.c, with the same marks: each share has a sum of all and a settled part,
 * which go out together with those of the queue. The first SHARE_COSTS_MAX shares that cost
 * anything have sums of their own, and keep them for the life of their queue: so no sum ever goes
 * down, and it is the same whichever process adds to it. What comes later is told in the queue's
 * sum alone, like what jobs without a share cost. */
#include "cost.h"
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static bool is_at_most(const struct job_cost *a, const struct job_cost *b)
{
    return a->vcpu_seconds <= b->vcpu_seconds && a->gpu_seconds <= b->gpu_seconds &&
           a->amount <= b->amount;
}

static struct share_cost *find(const struct share_cost *shares, size_t count, const char *share)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(shares[i].identifier, share) == 0)
            return (struct share_cost *)&shares[i];
    }
    return NULL;
}

struct share_cost *bill_share(struct queue_bill *bill, const char *share, bool make)
{
    struct share_cost *found = share != NULL ? find(bill->shares, bill->share_count, share) : NULL;
    if (found != NULL || !make || share == NULL || bill->share_count >= SHARE_COSTS_MAX)
        return found;
    ARRAY_ROOM(bill->shares, bill->share_count, bill->share_capacity);
    found = &bill->shares[bill->share_count++];
    *found = (struct share_cost){.identifier = text_copy(share)};
    return found;
}

void bill_shares_free(struct queue_bill *bill)
{
    for (size_t i = 0; i < bill->share_count; i++)
        free(bill->shares[i].identifier);
    free(bill->shares);
    bill->shares = NULL;
    bill->share_count = bill->share_capacity = 0;
}

bool bill_shares_are_sound(const struct queue_cost *stored)
{
    static const struct job_cost nothing;
    struct job_cost all = {0}, settled = {0};
    for (size_t i = 0; i < stored->share_count; i++) {
        const struct share_cost *share = &stored->shares[i];
        if (find(stored->shares, i, share->identifier) != NULL ||
            !is_at_most(&nothing, &share->settled) || !is_at_most(&share->settled, &share->all))
            return false;
        /* Each by itself first, so that no sum grows beyond what a number holds. */
        if (!is_at_most(&share->all, &stored->all))
            return false;
        cost_add(&all, &share->all);
        cost_add(&settled, &share->settled);
        if (!is_at_most(&all, &stored->all) || !is_at_most(&settled, &stored->settled))
            return false;
    }
    return true;
}

void bill_shares_open(struct queue_bill *bill, const struct queue_cost *stored)
{
    bill_shares_free(bill);
    if (stored == NULL || !bill_shares_are_sound(stored))
        return;
    for (size_t i = 0; i < stored->share_count; i++) {
        struct share_cost *share = bill_share(bill, stored->shares[i].identifier, true);
        share->all = share->settled = stored->shares[i].settled;
        share->all.mark = share->settled.mark = 0;
    }
}

static int dearest_first(const void *a, const void *b)
{
    const struct share_cost *left = a, *right = b;
    if (left->all.amount != right->all.amount)
        return left->all.amount > right->all.amount ? -1 : 1;
    if (left->all.vcpu_seconds != right->all.vcpu_seconds)
        return left->all.vcpu_seconds > right->all.vcpu_seconds ? -1 : 1;
    return strcmp(left->identifier, right->identifier);
}

void bill_shares_fill(const struct queue_bill *bill, struct arena *arena, struct queue_cost *cost)
{
    if (bill->share_count == 0)
        return;
    cost->share_count = bill->share_count;
    cost->shares = arena_alloc(arena, bill->share_count * sizeof(*cost->shares));
    memcpy(cost->shares, bill->shares, bill->share_count * sizeof(*cost->shares));
    qsort(cost->shares, cost->share_count, sizeof(*cost->shares), dearest_first);
}
