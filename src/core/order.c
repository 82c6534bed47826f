/* SPDX-License-Identifier: Apache-2.0 */
/* order.c - which job of a queue is next */
#include "order.h"
#include "gang.h"
#include "passing.h"
#include "shares.h"

#include <string.h>

int order_compare(const struct core_job *left, const struct core_job *right)
{
    if (left->spec->meta.created_ns != right->spec->meta.created_ns)
        return left->spec->meta.created_ns < right->spec->meta.created_ns ? -1 : 1;
    int order = strcmp(left->key, right->key);
    return order != 0 ? order : strcmp(left->uid, right->uid);
}

static int compare_jobs(const struct tree_node *a, const struct tree_node *b)
{
    return order_compare(CONTAINER_OF(a, const struct core_job, order),
                         CONTAINER_OF(b, const struct core_job, order));
}

static struct core_job *job_of(struct tree_node *node)
{
    return node != NULL ? CONTAINER_OF(node, struct core_job, order) : NULL;
}

void order_init(struct core_queue *queue)
{
    queue->order.compare = compare_jobs;
}

void order_enter(struct core_job *job)
{
    job->queue->waiting++;
    if (job->share != NULL) {
        shares_enter(job);
        return;
    }
    tree_insert(&job->queue->order, &job->order);
    passing_enter(job);
}

void order_leave(struct core_job *job)
{
    job->queue->waiting--;
    if (job->share != NULL) {
        shares_leave(job);
        return;
    }
    passing_leave(job);
    tree_remove(&job->queue->order, &job->order);
}

bool order_has(const struct core_job *job)
{
    return tree_has(&job->order);
}

struct core_job *order_first(const struct core_queue *queue)
{
    return queue_is_fair(queue) ? shares_first(queue) : job_of(tree_first(&queue->order));
}

struct core_job *order_each(const struct core_queue *queue, const struct core_job *after)
{
    if (queue_is_fair(queue))
        return shares_each(queue, after);
    return job_of(after == NULL ? tree_first(&queue->order) : tree_next(&after->order));
}

/* ------------------------------------------------------------------------------- a walk */

enum { WALK_PARTS = 32 };

static void line_begin(struct order_line *line, struct core_job *job)
{
    line->job = job;
    if (job == NULL)
        return;
    line->left = job_wanted(job);
    line->rate = shares_rate(job->queue, &job->class_->needs);
}

static void line_add(struct order_walk *walk, const struct core_share *share)
{
    struct order_line *line = &walk->lines[walk->line_count++];
    *line = (struct order_line){.share = share,
                                .key = usage_times(share->key, share_weight_now(share->group))};
    line_begin(line, job_of(tree_first(&share->jobs)));
}

/* The shares that stand first: as many of each group as there is place, groups in their order. */
static void lines_begin(struct order_walk *walk, const struct shares *shares)
{
    const struct tree_node *front = tree_first(&shares->order);
    for (; front != NULL && walk->line_count < ORDER_LINES_MAX; front = tree_next(front)) {
        const struct share_group *group = CONTAINER_OF(front, const struct share_group, node);
        const struct tree_node *n = tree_first(&group->waiting);
        for (; n != NULL && walk->line_count < ORDER_LINES_MAX; n = tree_next(n))
            line_add(walk, CONTAINER_OF(n, const struct core_share, node));
    }
}

void order_walk_begin(struct order_walk *walk, struct core *core, const struct core_queue *queue)
{
    (void)core;
    walk->queue = queue;
    walk->next = order_first(queue);
    walk->fair = queue_is_fair(queue);
    walk->line_count = 0;
    if (walk->fair && walk->next != NULL) {
        lines_begin(walk, queue->shares);
        walk->milli_left = shares_milli_left(queue);
    }
}

/* The lowest, and the one after it. */
static struct order_line *lowest(struct order_walk *walk, usage_sum *ret_second)
{
    struct order_line *best = NULL;
    *ret_second = ~(usage_sum)0;
    for (size_t i = 0; i < walk->line_count; i++) {
        struct order_line *line = &walk->lines[i];
        if (line->job == NULL)
            continue;
        bool lower = best == NULL || line->key < best->key ||
                     (line->key == best->key && strcmp(line->share->id, best->share->id) < 0);
        usage_sum other = lower ? (best != NULL ? best->key : *ret_second) : line->key;
        if (other < *ret_second)
            *ret_second = other;
        if (lower)
            best = line;
    }
    return best;
}

/* Child by child would be many steps for large arrays: at least so large a part of what is left. */
static struct core_job *walk_shares(struct order_walk *walk, int64_t *ret_times)
{
    usage_sum second;
    struct order_line *line = lowest(walk, &second);
    if (line == NULL || walk->milli_left <= 0) /* what is kept for others is not bought either */
        return NULL;
    struct core_job *job = line->job;
    usage_sum each = usage_times(shares_ahead(line->share->of, line->rate),
                                 share_weight_now(line->share->group));
    usage_sum turns = each > 0 && second > line->key ? (second - line->key) / each + 1 : 1;
    int64_t times = (line->left + WALK_PARTS - 1) / WALK_PARTS;
    if (turns > (usage_sum)times)
        times = turns < (usage_sum)line->left ? (int64_t)turns : line->left;
    int64_t milli = job_milli_at_once(job);
    if (job->gang || walk->milli_left / (milli > 0 ? milli : 1) < 1)
        times = line->left;
    else if (milli > 0 && times > walk->milli_left / milli)
        times = walk->milli_left / milli;
    if (walk->milli_left != INT64_MAX)
        walk->milli_left -= job->gang ? milli : times * milli;
    if (walk->milli_left < 0)
        return NULL;
    line->key += usage_times(each, times);
    line->left -= times;
    if (line->left <= 0)
        line_begin(line, job_of(tree_next(&job->order)));
    *ret_times = times;
    return job;
}

struct core_job *order_walk_next(struct order_walk *walk, int64_t *ret_times)
{
    if (walk->fair)
        return walk_shares(walk, ret_times);
    struct core_job *job = walk->next;
    if (job == NULL)
        return NULL;
    walk->next = job_of(tree_next(&job->order));
    *ret_times = INT64_MAX;
    return job;
}
