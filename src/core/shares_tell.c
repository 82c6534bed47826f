/* SPDX-License-Identifier: Apache-2.0 */
/* shares_tell.c - what the status of a queue tells of its shares, and what is read from it again
 *
 * What was used is in no pod and no spec. So it is checkpointed in the queue's status, at most once
 * a minute when something has changed: a process that starts goes on from there, and counts pods
 * that still run from the checkpoint on. What pods used that started or ended in the minute between
 * and are gone is not counted. Where the text would become too long, those who used least are left
 * out: they are taken to have used nothing. */
#include "shares.h"

#include <stdlib.h>
#include <string.h>

#define TELL_EVERY_NS (60 * NS_PER_S)

/* Of the seconds and thousandths at the time of the checkpoint: rounded to the nearest. */
static int64_t used_of(const struct core_share *share, int64_t now_s)
{
    const struct usage_clock *clock = &share->of->clock;
    int64_t rate = share->running < USAGE_RATE_MAX ? share->running : USAGE_RATE_MAX;
    usage_sum sum = share->past + (usage_sum)rate * usage_weights(clock, share->upto_s, now_s);
    usage_sum weight = usage_weight(clock, now_s);
    return (int64_t)((sum + weight / 2) / weight);
}

struct used {
    const struct core_share *share;
    int64_t milli;
};

static int most_first(const void *a, const void *b)
{
    const struct used *left = a, *right = b;
    if (left->milli != right->milli)
        return left->milli > right->milli ? -1 : 1;
    return strcmp(left->share->id, right->share->id);
}

static struct queue_shares *take(struct core *core, struct shares *shares)
{
    int64_t now_s = core->now_ns / NS_PER_S;
    struct queue_shares *told = mem_new(sizeof(*told));
    struct used *all = mem_new((map_count(shares->by_id) + 1) * sizeof(*all));
    AUTO_STR text = STR_EMPTY;
    size_t count = 0;
    for (const struct core_share *share = shares->first; share != NULL; share = share->next)
        if (share->active || share->past > 0)
            all[count++] = (struct used){share, used_of(share, now_s)};
    qsort(all, count, sizeof(*all), most_first);
    told->at_ns = now_s * NS_PER_S;
    told->active = (int64_t)shares->active;
    told->top = mem_new((SHARES_TOLD + 1) * sizeof(*told->top));
    for (size_t i = 0; i < count; i++) {
        const struct core_share *share = all[i].share;
        if (i < SHARES_TOLD)
            told->top[told->top_count++] = (struct share_told){
                .identifier = text_copy(share->id[0] != '\0' ? share->id : "(none)"),
                .used = all[i].milli / 1000,
                .running_milli = share->running,
                .waiting = (int64_t)share->jobs.count,
            };
        if (all[i].milli > 0)
            queue_shares_print(&text, share->id, all[i].milli, &told->left_out);
    }
    free(all);
    told->used = text.size > 0 ? text_copy(str_text(&text)) : NULL;
    return told;
}

int64_t shares_due_ns(const struct core_queue *queue)
{
    const struct shares *shares = queue->shares;
    if (!queue_is_fair(queue) || shares->policy == NULL ||
        (shares->changes == shares->told_changes && shares->running_milli == 0))
        return INT64_MAX;
    return shares->told != NULL ? shares->told->at_ns + TELL_EVERY_NS : 0;
}

const struct queue_shares *shares_status(struct core *core, struct core_queue *queue)
{
    if (!queue_is_fair(queue))
        return NULL;
    struct shares *shares = queue->shares;
    if (shares_due_ns(queue) <= core->now_ns) {
        queue_shares_done(shares->told);
        free(shares->told);
        shares->told = take(core, shares);
        shares->told_changes = shares->changes;
    }
    return shares->told;
}

void shares_load(struct core_queue *queue)
{
    struct shares *shares = queue->shares;
    const struct queue_shares *stored = queue->spec != NULL ? &queue->spec->shares : NULL;
    if (stored == NULL || stored->at_ns == 0 || shares->told != NULL)
        return;
    int64_t at_s = stored->at_ns / NS_PER_S;
    const char *text = stored->used;
    char *id = NULL;
    int64_t milli = 0;
    while (queue_shares_next(&text, &id, &milli) && map_count(shares->by_id) < SHARES_ACTIVE_MAX)
        shares_recall(queue, id, at_s, milli);
    shares->told = mem_new(sizeof(*shares->told));
    shares->told->at_ns = stored->at_ns;
    shares->told->active = stored->active;
    shares->told->used = text_copy(stored->used);
}

/* ------------------------------------------------------------------------------ checks */

char *shares_check(const struct core *core, const struct core_queue *queue)
{
    const struct shares *shares = queue->shares;
    if (shares == NULL)
        return NULL;
    size_t active = 0;
    int64_t pods = 0, running = 0;
    for (const struct core_share *share = shares->first; share != NULL; share = share->next) {
        active += share->active;
        pods += share->pods;
        running += share->running;
        bool waits = share->jobs.count > 0 && share->group != NULL;
        if (waits != tree_has(&share->node))
            return text_printf("queue %s: share %s is %s line", queue->name, share->id,
                               waits ? "not in" : "in");
        if (!share->idle && share->live == 0 && share->pods == 0)
            return text_printf("queue %s: share %s would never be forgotten", queue->name,
                               share->id);
    }
    if (active != shares->active)
        return text_printf("queue %s: %zu active shares, %zu counted", queue->name, active,
                           shares->active);
    size_t at = 0;
    const struct core_pod *pod;
    while ((pod = map_next(core->pods, &at, NULL)) != NULL) {
        if (pod->share == NULL || pod->share->of != shares)
            continue;
        pods--;
        running -= pod->charge;
    }
    if (pods != 0 || running != 0)
        return text_printf("queue %s: its shares count %lld pods and %lld thousandths of a vCPU "
                           "that are not there",
                           queue->name, (long long)pods, (long long)running);
    return NULL;
}
