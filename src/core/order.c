/* SPDX-License-Identifier: Apache-2.0 */
/* order.c - which job of a queue is next */
#include "order.h"
#include "passing.h"

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
    tree_insert(&job->queue->order, &job->order);
    passing_enter(job);
}

void order_leave(struct core_job *job)
{
    passing_leave(job);
    tree_remove(&job->queue->order, &job->order);
}

bool order_has(const struct core_job *job)
{
    return tree_has(&job->order);
}

struct core_job *order_first(const struct core_queue *queue)
{
    return job_of(tree_first(&queue->order));
}

struct core_job *order_each(const struct core_queue *queue, const struct core_job *after)
{
    return after == NULL ? order_first(queue) : job_of(tree_next(&after->order));
}

void order_walk_begin(struct order_walk *walk, struct core *core, const struct core_queue *queue)
{
    (void)core;
    *walk = (struct order_walk){.queue = queue, .next = order_first(queue)};
}

struct core_job *order_walk_next(struct order_walk *walk, int64_t *ret_times)
{
    struct core_job *job = walk->next;
    if (job == NULL)
        return NULL;
    walk->next = job_of(tree_next(&job->order));
    *ret_times = INT64_MAX;
    return job;
}
