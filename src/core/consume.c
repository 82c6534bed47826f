/* SPDX-License-Identifier: Apache-2.0 */
/* consume.c - consumable resources: who holds how many of what
 *
 * Taken       when a child is placed, by its pod, and held until the pod has ended, vanished or was
 *             given up with its machine, whatever has become of its job. The pod carries an
 *             annotation that says what it holds, so that a later process counts the same.
 * Order       A head that cannot get what it needs blocks its queue, as one without room does, and
 *             no machine is bought for it. What a head still needs is kept for it from queues of
 *             lower priority, unless no environment of its queue would take it: that may last for
 *             ever. A job that needs more than there can ever be is parked. A multi-node job starts
 *             when there is enough for all of its nodes, and what those take that follow the main
 *             node is kept for them (gang.c).
 *
 * Used up     Of a NON_REPLENISHABLE resource a try uses up its share once its containers have
 *             started; one that never starts gives it back. Consumed is a number in the resource's
 *             status and nowhere else, so it has to be exact over crashes:
 *               1. Before the pod is created its claim, named by the try's pod, is written to the
 *                  status (by resourceVersion: compare and swap). A crash in between leaves a claim
 *                  without a pod. The next process gives it to the try of that name, should it make
 *                  it, or drops it after some seconds.
 *               2. When the pod is seen to have started, one write takes the claim off the list and
 *                  adds it to consumed. A pod that has started and has no claim is counted already.
 *               3. When a pod is over and never started, the claim is taken off the list.
 *               4. A pod is released only when 2 or 3 is durable: until then the pod itself tells
 *                  a later process which of them it was.
 *             Whether a write of unknown outcome happened does not matter: each holds the whole
 *             list, and is made durable by the next that succeeds. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* --------------------------------------------------------------------- records */

static struct core_consumable *consumable_named(struct core *core, const char *name)
{
    struct core_consumable *resource = map_get(core->consumables, name);
    if (resource != NULL)
        return resource;
    resource = mem_new(sizeof(*resource));
    resource->name = text_copy(name);
    map_put(core->consumables, name, resource);
    return resource;
}

void consume_look(struct core *core, struct core_consumable *resource)
{
    if (resource->in_looks)
        return;
    resource->in_looks = true;
    resource->look_next = core->consumables_to_look;
    core->consumables_to_look = resource;
}

void consume_drop_orphans(struct core_consumable *resource)
{
    while (resource->orphans != NULL) {
        struct orphan_claim *claim = resource->orphans;
        resource->orphans = claim->next;
        free(claim->pod);
        free(claim);
    }
    resource->orphan_count = 0;
    resource->orphaned = 0;
}

void consumable_free_if_unused(struct core *core, struct core_consumable *resource)
{
    if (resource->spec != NULL || resource->users > 0 || resource->flights > 0 ||
        resource->in_looks || resource->dirty)
        return;
    map_remove(core->consumables, resource->name);
    consume_drop_orphans(resource);
    free(resource->resource_version);
    free(resource->name);
    free(resource);
}

bool consume_is_spent(const struct core_consumable *resource)
{
    return resource->spec != NULL && resource->spec->spent;
}

/* What is left of all there is once everything under way has been given back. */
int64_t consume_left_at_most(const struct core_consumable *resource)
{
    return resource->spec != NULL ? resource->spec->total - resource->consumed : 0;
}

int64_t consume_left_now(const struct core_consumable *resource)
{
    return consume_left_at_most(resource) - resource->held - resource->orphaned;
}

/* Something may be free that was not. */
void consume_changed(struct core *core, struct core_consumable *resource)
{
    if (!resource->dirty) {
        resource->dirty = true;
        resource->dirty_next = core->consumables_dirty;
        core->consumables_dirty = resource;
    }
    consume_look(core, resource);
}

/* ----------------------------------------------------------------------- events */

/* Until all is known a newer status may come: what an earlier life had sent has arrived. Afterwards
 * what it had sent can only tell of claims and starts that are in what was listed. */
static void load_status(struct core *core, struct core_consumable *resource)
{
    const struct text_list *claims = &resource->spec->claims;
    consume_drop_orphans(resource);
    resource->consumed = resource->spec->consumed;
    for (size_t i = 0; resource->spec->spent && i < claims->count; i++) {
        int64_t quantity = 0;
        size_t size = consumable_claim_parse(claims->items[i], &quantity);
        if (size == 0)
            continue;
        struct orphan_claim *claim = mem_new(sizeof(*claim));
        claim->pod = text_copy_n(claims->items[i], size);
        claim->quantity = quantity;
        claim->next = resource->orphans;
        resource->orphans = claim;
        resource->orphan_count++;
        resource->orphaned += quantity;
    }
    resource->orphan_until_ns = core->synced ? core->now_ns + CONSUME_ORPHAN_NS : 0;
}

static bool same_namespaces(const struct text_list *a, const struct text_list *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = strcmp(a->items[i], b->items[i]) == 0;
    return same;
}

void consumable_apply(struct core *core, struct consumable_resource *take_spec)
{
    if (is_gone(core, &take_spec->meta)) {
        consumable_resource_free(take_spec);
        return;
    }
    struct core_consumable *resource = map_get(core->consumables, take_spec->meta.name);
    if (resource != NULL && resource->spec != NULL &&
        !text_eq(resource->spec->meta.uid, take_spec->meta.uid))
        consumable_gone(core, take_spec->meta.name);
    resource = consumable_named(core, take_spec->meta.name);
    const struct consumable_resource *old = resource->spec;
    if (old != NULL && is_outdated(&old->meta, &take_spec->meta)) {
        consumable_resource_free(take_spec);
        return;
    }
    bool same = old != NULL && old->total == take_spec->total &&
                text_eq(old->invalid, take_spec->invalid) &&
                (old->meta.deleted_ns == 0) == (take_spec->meta.deleted_ns == 0) &&
                same_namespaces(&old->namespaces, &take_spec->namespaces);
    consumable_resource_free(resource->spec);
    resource->spec = take_spec;
    resource->finalizer_waits = false;
    version_take(&resource->resource_version, take_spec->meta.resource_version);
    if (old == NULL || !core->synced)
        load_status(core, resource);
    else if (take_spec->consumed > resource->consumed)
        resource->consumed = take_spec->consumed; /* somebody else has set it */
    consume_changed(core, resource);
    if (!same)
        core->shape_changed = core->pass_all = true;
}

/* Pods that are not sent yet do not go without what their job asks for. */
void consume_unplace_unsent(struct core *core, struct core_consumable *resource,
                            enum verdict verdict, const char *words)
{
    struct hold *next;
    for (struct hold *hold = resource->holds; hold != NULL; hold = next) {
        struct core_pod *pod = hold->pod;
        struct core_job *job = pod->job;
        next = hold->next;
        if (pod->state != PODS_CREATING || pod->create_sent)
            continue;
        pod_unplace(core, pod, false); /* it is in the outbox, which frees it */
        if (job != NULL && !job->ended)
            job_hold(core, job, verdict, words, NS_PER_S);
    }
}

void consumable_gone(struct core *core, const char *name)
{
    struct core_consumable *resource = map_get(core->consumables, name);
    if (resource == NULL || resource->spec == NULL)
        return;
    gone_remember(core, &resource->spec->meta);
    if (resource->spec->spent)
        consume_unplace_unsent(core, resource, VERDICT_CONSUMABLE_MISSING,
                               "its resource was deleted");
    consumable_resource_free(resource->spec);
    resource->spec = NULL;
    consume_drop_orphans(resource);
    resource->consumed = 0;
    resource->written_sequence = resource->sequence; /* there is nobody left to tell */
    resource->written_hash = 0;
    resource->finalizer_waits = resource->urgent = false;
    text_set(&resource->resource_version, NULL);
    core->shape_changed = core->pass_all = true;
    consumable_free_if_unused(core, resource);
}

void consumables_free(struct core *core)
{
    size_t at = 0;
    struct core_consumable *resource;
    core->consumables_to_look = core->consumables_dirty = NULL;
    while ((at = 0, resource = map_next(core->consumables, &at, NULL)) != NULL) {
        assert(resource->users == 0);
        consumable_resource_free(resource->spec);
        resource->spec = NULL;
        resource->flights = 0;
        resource->in_looks = resource->dirty = false;
        consumable_free_if_unused(core, resource);
    }
    map_free(core->consumables);
}

/* ------------------------------------------------------------------------- jobs */

void consume_bind(struct core *core, struct core_job *job)
{
    const struct batch_job *spec = job->spec;
    const struct consumable_needs *needs = &spec->consumables;
    if (job->ended || job->holds != NULL || spec->invalid != NULL)
        return;
    if (!spec->has_consumables && job->definition != NULL && !spec->has_template)
        needs = &job->definition->spec->consumables;
    if (needs->count == 0)
        return;
    job->holds = mem_new(needs->count * sizeof(*job->holds));
    job->hold_count = needs->count;
    for (size_t i = 0; i < needs->count; i++) {
        struct core_consumable *resource = consumable_named(core, needs->items[i].resource);
        job->holds[i] = (struct hold){.of = resource, .quantity = needs->items[i].quantity};
        resource->users++;
    }
}

static void holds_done(struct core *core, struct hold **holds, size_t *count)
{
    for (size_t i = 0; i < *count; i++) {
        struct core_consumable *resource = (*holds)[i].of;
        resource->users--;
        consumable_free_if_unused(core, resource);
    }
    free(*holds);
    *holds = NULL;
    *count = 0;
}

void consume_job_done(struct core *core, struct core_job *job)
{
    assert(job->kept == 0);
    holds_done(core, &job->holds, &job->hold_count);
}

/* ------------------------------------------------------------------------- pods */

static void take(struct core *core, struct hold *hold)
{
    struct core_consumable *resource = hold->of;
    hold->taken = true;
    hold->prev = NULL;
    hold->next = resource->holds;
    if (hold->next != NULL)
        hold->next->prev = hold;
    resource->holds = hold;
    resource->hold_count++;
    resource->held += hold->quantity;
    consume_look(core, resource);
}

static void give(struct core *core, struct hold *hold)
{
    struct core_consumable *resource = hold->of;
    hold->taken = false;
    if (hold->prev != NULL)
        hold->prev->next = hold->next;
    else
        resource->holds = hold->next;
    if (hold->next != NULL)
        hold->next->prev = hold->prev;
    hold->prev = hold->next = NULL;
    resource->hold_count--;
    resource->held -= hold->quantity;
    consume_changed(core, resource);
}

/* The claim that an earlier life has written for a try of this name. */
static bool take_orphan(struct core_consumable *resource, const char *pod, int64_t *ret_quantity)
{
    for (struct orphan_claim **link = &resource->orphans; *link != NULL; link = &(*link)->next) {
        struct orphan_claim *claim = *link;
        if (strcmp(claim->pod, pod) != 0)
            continue;
        *ret_quantity = claim->quantity;
        *link = claim->next;
        resource->orphan_count--;
        resource->orphaned -= claim->quantity;
        free(claim->pod);
        free(claim);
        return true;
    }
    return false;
}

static void claim_anew(struct core *core, struct hold *hold)
{
    take(core, hold);
    hold->sequence = ++hold->of->sequence;
    hold->of->urgent = true;
}

static void pod_holds_new(struct core_pod *pod, size_t count)
{
    pod->holds = mem_new(count * sizeof(*pod->holds));
    pod->hold_count = count;
}

void consume_take(struct core *core, struct core_pod *pod)
{
    const struct core_job *job = pod->job;
    if (job->hold_count == 0)
        return;
    pod_holds_new(pod, job->hold_count);
    for (size_t i = 0; i < pod->hold_count; i++) {
        struct hold *hold = &pod->holds[i];
        *hold =
            (struct hold){.of = job->holds[i].of, .quantity = job->holds[i].quantity, .pod = pod};
        hold->of->users++;
        if (!consume_is_spent(hold->of) || take_orphan(hold->of, pod->key, &hold->quantity))
            take(core, hold);
        else
            claim_anew(core, hold);
    }
}

/* A pod that this process did not create. Anybody who may create pods can pretend that one is ours:
 * until it is stopped it holds what it says, but it uses up nothing. */
static void adopt(struct core *core, struct core_pod *pod, const struct pod *seen)
{
    bool over = seen->phase == POD_SUCCEEDED || seen->phase == POD_FAILED;
    pod_holds_new(pod, seen->consumables.count);
    for (size_t i = 0; i < pod->hold_count; i++) {
        const struct consumable_need *need = &seen->consumables.items[i];
        struct hold *hold = &pod->holds[i];
        *hold = (struct hold){
            .of = consumable_named(core, need->resource), .quantity = need->quantity, .pod = pod};
        hold->of->users++;
        if (take_orphan(hold->of, pod->key, &hold->quantity))
            take(core, hold);
        else if (!over && !consume_is_spent(hold->of))
            take(core, hold);
        else if (!over && !seen->containers_started && pod->in_job)
            claim_anew(core, hold); /* the resource is not the one it was made with */
    }
}

void consume_seen(struct core *core, struct core_pod *pod, const struct pod *seen)
{
    if (pod->ours && pod->holds == NULL && pod->state <= PODS_LIVE && seen->consumables.count > 0)
        adopt(core, pod, seen);
}

/* Of what can be used up, it is used up or given back: the claim goes either way. */
static void settle(struct core *core, struct hold *hold, bool used_up)
{
    give(core, hold);
    if (!consume_is_spent(hold->of))
        return;
    if (used_up)
        hold->of->consumed += hold->quantity;
    hold->sequence = ++hold->of->sequence;
}

void consume_started(struct core *core, struct core_pod *pod)
{
    for (size_t i = 0; i < pod->hold_count; i++) {
        if (pod->holds[i].taken && consume_is_spent(pod->holds[i].of))
            settle(core, &pod->holds[i], true);
    }
}

void consume_end(struct core *core, struct core_pod *pod)
{
    for (size_t i = 0; i < pod->hold_count; i++) {
        if (pod->holds[i].taken)
            settle(core, &pod->holds[i], pod->started);
    }
}

void consume_pod_done(struct core *core, struct core_pod *pod)
{
    holds_done(core, &pod->holds, &pod->hold_count);
}

bool consume_is_durable(const struct core_pod *pod)
{
    for (size_t i = 0; i < pod->hold_count; i++) {
        if (pod->holds[i].sequence > pod->holds[i].of->written_sequence)
            return false;
    }
    return true;
}

/* ------------------------------------------------------------------------ check */

static int64_t sum_kept(const struct core *core, const struct core_consumable *resource)
{
    int64_t kept = 0;
    size_t at = 0;
    const struct core_job *job;
    while ((job = map_next(core->jobs, &at, NULL)) != NULL) {
        for (size_t i = 0; i < job->hold_count; i++)
            kept += job->holds[i].of == resource ? job->kept * job->holds[i].quantity : 0;
    }
    return kept;
}

char *consume_check(const struct core *core)
{
    size_t at = 0;
    const struct core_consumable *resource;
    while ((resource = map_next(core->consumables, &at, NULL)) != NULL) {
        int64_t held = 0;
        size_t count = 0;
        for (const struct hold *hold = resource->holds; hold != NULL; hold = hold->next) {
            held += hold->quantity;
            count++;
            if (!hold->taken || hold->of != resource || hold->pod->gone)
                return text_printf("resource %s: a hold of %s should not be there", resource->name,
                                   hold->pod->key);
        }
        int64_t kept = sum_kept(core, resource);
        if (kept != resource->kept)
            return text_printf("resource %s: %lld kept for multi-node jobs, %lld counted",
                               resource->name, (long long)resource->kept, (long long)kept);
        if (held != resource->held || count != resource->hold_count)
            return text_printf("resource %s: %lld held by pods, %lld kept", resource->name,
                               (long long)held, (long long)resource->held);
    }
    return NULL;
}
