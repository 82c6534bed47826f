/* SPDX-License-Identifier: Apache-2.0 */
/* queues.c - queues come, change and go */
#include "backfill.h"
#include "front.h"
#include "order.h"
#include "passing.h"
#include "shares.h"

#include <stdlib.h>
#include <string.h>

static int compare_queues(const struct tree_node *a, const struct tree_node *b)
{
    const struct core_queue *left = CONTAINER_OF(a, const struct core_queue, by_priority);
    const struct core_queue *right = CONTAINER_OF(b, const struct core_queue, by_priority);
    if (left->spec->priority != right->spec->priority)
        return left->spec->priority > right->spec->priority ? -1 : 1;
    return strcmp(left->name, right->name);
}

struct core_queue *queue_named(struct core *core, const char *name)
{
    struct core_queue *queue = map_get(core->queues, name);
    if (queue != NULL)
        return queue;
    queue = mem_new(sizeof(*queue));
    queue->name = text_copy(name);
    order_init(queue);
    map_put(core->queues, name, queue);
    return queue;
}

static void meta_free(struct object_meta *meta)
{
    if (meta == NULL)
        return;
    object_meta_done(meta);
    free(meta);
}

static void queue_free_if_unused(struct core *core, struct core_queue *queue)
{
    if (queue->present || queue->users > 0 || queue->flights > 0)
        return;
    passing_free(queue);
    backfill_free(core, queue);
    map_remove(core->queues, queue->name);
    shares_free(queue);
    job_queue_free(queue->spec);
    meta_free(queue->bad_meta);
    free(queue->invalid);
    free(queue->resource_version);
    front_free(queue);
    bill_free(queue);
    free(queue->name);
    free(queue);
}

void queue_drop(struct core *core, struct core_queue *queue)
{
    queue->users--;
    queue_free_if_unused(core, queue);
}

static void set_present(struct core *core, struct core_queue *queue, bool present)
{
    if (queue->present != present)
        core->counts.queues += present ? 1 : -1;
    queue->present = present;
}

/* Since when it takes nothing more: as it was stored, or from now on. Whether a job was taken has
 * to follow from that time alone, also after a restart; the API server's clock may be ahead of
 * ours, so no job that was taken already is later than it. */
static void drain(const struct core *core, struct core_queue *queue, const struct job_queue *spec)
{
    int64_t now_ns = core->now_ns > queue->newest_ns ? core->now_ns : queue->newest_ns;
    if (spec->state != QUEUE_DRAINING)
        queue->draining_since_ns = 0;
    else if (queue->draining_since_ns == 0)
        queue->draining_since_ns =
            spec->draining_since_ns != 0 && queue->spec == NULL ? spec->draining_since_ns : now_ns;
}

bool queue_is_closed(const struct core_queue *queue, const struct core_job *job)
{
    return queue->draining_since_ns != 0 && job->spec->meta.created_ns > queue->draining_since_ns;
}

void queue_took(struct core_queue *queue, const struct core_job *job)
{
    if (job->spec->meta.created_ns > queue->newest_ns)
        queue->newest_ns = job->spec->meta.created_ns;
}

const struct object_meta *queue_meta(const struct core_queue *queue)
{
    return queue->spec != NULL ? &queue->spec->meta : queue->bad_meta;
}

void queue_apply(struct core *core, struct job_queue *take_spec)
{
    core->queue_order.compare = compare_queues;
    if (is_gone(core, &take_spec->meta)) {
        job_queue_free(take_spec);
        return;
    }
    struct core_queue *queue = queue_named(core, take_spec->meta.name);
    if (is_outdated(queue_meta(queue), &take_spec->meta)) {
        job_queue_free(take_spec);
        return;
    }
    if (queue->spec != NULL && !text_eq(queue->spec->meta.uid, take_spec->meta.uid))
        gone_remember(core, &queue->spec->meta);
    if (queue->spec != NULL && !text_eq(queue->spec->meta.uid, take_spec->meta.uid))
        text_set(&queue->resource_version, NULL);
    bool same_spec = queue->spec != NULL && text_eq(queue->spec->meta.uid, take_spec->meta.uid) &&
                     queue->spec->meta.generation == take_spec->meta.generation &&
                     queue->spec->meta.deleted_ns == take_spec->meta.deleted_ns;
    unsigned state_before = queue->spec == NULL ? QUEUE_ENABLED : queue->spec->state;
    queue->verdict_dirty =
        queue->verdict_dirty || queue->spec == NULL || state_before != take_spec->state;
    drain(core, queue, take_spec);
    tree_remove(&core->queue_order, &queue->by_priority);
    job_queue_free(queue->spec);
    meta_free(queue->bad_meta);
    queue->bad_meta = NULL;
    text_set(&queue->invalid, NULL);
    queue->spec = take_spec;
    backfill_set(core, queue);
    passing_set(queue);
    queue->finalizer_waits = false;
    tree_insert(&core->queue_order, &queue->by_priority);
    version_take(&queue->resource_version, take_spec->meta.resource_version);
    set_present(core, queue, true);
    bill_queue_new(core, queue);
    front_heard(queue);
    if (same_spec)
        return; /* metadata, or our own status write coming back */
    shares_queue_changed(core, queue);
    queue->dirty = queue->status_dirty = true;
    core->pass_all = true;
    if (core->synced) {
        limits_changed(core, queue);
        kept_queue_changed(core, queue);
        queue_unpark_all(core, queue);
        jobs_admit_all(core);
    }
}

void queue_invalid(struct core *core, struct object_meta *take_meta, const char *message)
{
    if (is_gone(core, take_meta)) {
        meta_free(take_meta);
        return;
    }
    struct core_queue *queue = queue_named(core, take_meta->name);
    if (is_outdated(queue_meta(queue), take_meta)) {
        meta_free(take_meta);
        return;
    }
    tree_remove(&core->queue_order, &queue->by_priority);
    job_queue_free(queue->spec);
    queue->spec = NULL;
    meta_free(queue->bad_meta);
    queue->bad_meta = take_meta;
    text_set(&queue->invalid, message);
    text_set(&queue->resource_version, take_meta->resource_version);
    set_present(core, queue, true);
    bill_queue_new(core, queue);
    queue_unpark_all(core, queue);
    queue->status_dirty = queue->verdict_dirty = true;
    core->pass_all = true;
}

void queue_gone(struct core *core, const char *name)
{
    struct core_queue *queue = map_get(core->queues, name);
    if (queue == NULL || !queue->present)
        return;
    gone_remember(core, queue_meta(queue));
    tree_remove(&core->queue_order, &queue->by_priority);
    job_queue_free(queue->spec);
    queue->spec = NULL;
    meta_free(queue->bad_meta);
    queue->bad_meta = NULL;
    text_set(&queue->resource_version, NULL);
    set_present(core, queue, false);
    queue->written_hash = 0;
    queue->blocked_count = 0;
    core->pass_all = true;
    /* Its jobs stay where they are, and are told; a queue of the same name takes them up again. */
    queue_unpark_all(core, queue);
    queue->verdict_dirty = true;
    kept_queue_changed(core, queue);
    queue_free_if_unused(core, queue);
}

/* An environment came, went or changed: is each queue still VALID? */
void queues_look(struct core *core)
{
    size_t at = 0;
    struct core_queue *queue;
    while ((queue = map_next(core->queues, &at, NULL)) != NULL)
        queue->status_dirty = true;
}
