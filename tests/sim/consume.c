/* SPDX-License-Identifier: Apache-2.0 */
/* consume.c - consumable resources: their users, the server's side and the oracle
 *
 * Held      what pods that may execute hold of a resource is never more than the process may have
 *           known its total to be.
 * Used up   a claim is stored before its pod is; what is stored as consumed never exceeds what
 *           pods that started have taken, nothing is released with an open claim, and in the end
 *           the two are equal: each try that started is counted once. */
#include "sim/world.h"

#include "bulkhead/base/str.h"

#include <string.h>

enum { PLENTY = 1000000, HEARD_S = 45 }; /* HEARD_S: by then every watch has told of a change */

/* --- Users -------------------------------------------------------------------------------------
 */

void consumables_draw(struct world *world)
{
    static const char *const names[] = {"licences", "tokens", "doses"};
    if (chance(world, 500))
        return;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (chance(world, 300))
            continue;
        struct sim_consumable *resource =
            object_new(world, KIND_CONSUMABLE, sizeof(*resource), NULL, names[i]);
        resource->spent = i == 2;
        resource->total = resource->spent && chance(world, 700) ? PLENTY : draw(world, 0, 9);
        resource->old_total = resource->total;
        store_add(world, &resource->object);
    }
}

void needs_draw(struct world *world, struct sim_needs *ret)
{
    const struct store *store = &world->stores[KIND_CONSUMABLE];
    *ret = (struct sim_needs){.count = 0};
    for (size_t i = 0; i < store->count && ret->count < NEEDS_MAX; i++)
        if (chance(world, 500))
            ret->items[ret->count++] =
                (struct sim_need){.resource = store->items[i]->name, .quantity = draw(world, 1, 3)};
    if (ret->count < NEEDS_MAX && chance(world, 20))
        ret->items[ret->count++] = (struct sim_need){.resource = "nothing", .quantity = 1};
}

void consumable_edit(struct world *world)
{
    const struct store *store = &world->stores[KIND_CONSUMABLE];
    if (store->count == 0)
        return;
    struct sim_consumable *resource =
        (struct sim_consumable *)store->items[draw(world, 0, (int64_t)store->count - 1)];
    if (resource->object.deleted_ns != 0)
        return;
    if (chance(world, 100)) {
        world->counters.consumable_deletes++;
        STORY(world, "user   deletes resource %s", resource->object.name);
        store_delete(world, &resource->object);
        return;
    }
    if (world->now_ns - resource->changed_ns < HEARD_S * NS_PER_S && resource->changed_ns != 0)
        return; /* one change at a time, so that there are two totals to go by at most */
    world->counters.consumable_edits++;
    resource->old_total = resource->total;
    resource->changed_ns = world->now_ns;
    resource->total = draw(world, 0, 12);
    STORY(world, "user   sets the total of %s to %lld", resource->object.name,
          (long long)resource->total);
    store_change(world, &resource->object, true);
}

/* Must a job that takes it get it in the end? What is used up may not be enough for everybody. */
bool needs_feasible(const struct world *world, const struct sim_job *job)
{
    for (size_t i = 0; i < job->needs.count; i++) {
        const struct sim_need *need = &job->needs.items[i];
        const struct sim_consumable *resource =
            store_find(world, KIND_CONSUMABLE, NULL, need->resource);
        if (resource == NULL || resource->object.deleted_ns != 0 ||
            resource->total < need->quantity * (job->gang ? job->size : 1))
            return false;
        if (resource->spent && resource->total < PLENTY)
            return false;
    }
    return true;
}

/* --- What the process is told ------------------------------------------------------------------
 */

void needs_fill(const struct sim_needs *from, struct consumable_needs *ret)
{
    *ret = (struct consumable_needs){NULL, 0};
    if (from->count == 0)
        return;
    ret->items = mem_new(from->count * sizeof(*ret->items));
    for (size_t i = 0; i < from->count; i++)
        ret->items[ret->count++] =
            (struct consumable_need){text_copy(from->items[i].resource), from->items[i].quantity};
}

void needs_read(struct world *world, const struct consumable_needs *from, struct sim_needs *ret)
{
    ret->count = 0;
    for (size_t i = 0; i < from->count && i < NEEDS_MAX; i++)
        ret->items[ret->count++] = (struct sim_need){
            arena_copy(world->arena, from->items[i].resource), from->items[i].quantity};
}

struct consumable_resource *consumable_convert(const struct sim_consumable *from)
{
    struct consumable_resource *resource = mem_new(sizeof(*resource));
    meta_fill(&from->object, &resource->meta);
    resource->spent = from->spent;
    resource->total = from->total;
    resource->consumed = from->consumed;
    for (size_t i = 0; i < from->claim_count; i++)
        text_list_add(&resource->claims, from->claims[i]);
    return resource;
}

void request_copy_consumable(struct world *world, const struct action *action,
                             struct request *request)
{
    const struct consumable_status *status = action->consumable_status;
    request->in_use = status->in_use;
    request->consumed = status->consumed;
    request->claim_count = status->claims.count;
    request->claims = arena_alloc(world->arena, (status->claims.count + 1) * sizeof(char *));
    for (size_t i = 0; i < status->claims.count; i++)
        request->claims[i] = arena_copy(world->arena, status->claims.items[i]);
}

/* --- The oracle --------------------------------------------------------------------------------
 */

static int64_t quantity_of(const struct sim_needs *needs, const char *resource)
{
    for (size_t i = 0; i < needs->count; i++)
        if (strcmp(needs->items[i].resource, resource) == 0)
            return needs->items[i].quantity;
    return 0;
}

/* What the process may think there is: the watch may be behind, and a pod may wait for its claim.
 */
static int64_t allowed_total(const struct world *world, const struct sim_consumable *resource)
{
    bool fresh =
        resource->changed_ns != 0 && world->now_ns - resource->changed_ns < HEARD_S * NS_PER_S;
    return fresh && resource->old_total > resource->total ? resource->old_total : resource->total;
}

void oracle_takes(struct world *world, struct request *request)
{
    for (size_t i = 0; i < request->needs.count; i++) {
        const struct sim_consumable *resource =
            store_find(world, KIND_CONSUMABLE, NULL, request->needs.items[i].resource);
        request->allowed[i] = resource != NULL ? allowed_total(world, resource) : -1;
    }
    const struct truth *truth = truth_of(world, request->job_uid);
    const struct sim_job *job = truth != NULL ? truth->job : NULL;
    bool known =
        job != NULL && (job->own_needs || job->definition_name == NULL || truth->pinned != NULL);
    for (size_t i = 0; known && i < job->needs.count; i++) {
        const struct sim_need *need = &job->needs.items[i];
        if (quantity_of(&request->needs, need->resource) != need->quantity)
            violation(world, "consume", "create %s does not take %lld of %s", request->name,
                      (long long)need->quantity, need->resource);
    }
}

/* What is held by pods, of which each is on a machine that lives, or may still get there. */
static int64_t sum_held(const struct world *world, const char *resource)
{
    int64_t sum = 0;
    const struct store *store = &world->stores[KIND_POD];
    for (size_t i = 0; i < store->count; i++) {
        const struct sim_pod *pod = (const struct sim_pod *)store->items[i];
        if (pod->ours && pod_may_execute(pod) && !pod_is_stranded(world, pod))
            sum += quantity_of(&pod->needs, resource);
    }
    return sum;
}

static bool is_claim_of(const char *claim, const struct sim_pod *pod)
{
    size_t space = strlen(pod->object.namespace_);
    size_t name = strlen(pod->object.name);
    return strncmp(claim, pod->object.namespace_, space) == 0 && claim[space] == '/' &&
           strncmp(claim + space + 1, pod->object.name, name) == 0 &&
           claim[space + 1 + name] == '=';
}

static bool has_claim(const struct sim_consumable *resource, const struct sim_pod *pod)
{
    for (size_t i = 0; i < resource->claim_count; i++)
        if (is_claim_of(resource->claims[i], pod))
            return true;
    return false;
}

/* The pod is in no store yet. */
void oracle_taken(struct world *world, const struct sim_pod *pod, const struct request *request)
{
    world->counters.takes += pod->needs.count > 0;
    for (size_t i = 0; i < pod->needs.count; i++) {
        const struct sim_need *need = &pod->needs.items[i];
        const struct sim_consumable *resource =
            store_find(world, KIND_CONSUMABLE, NULL, need->resource);
        if (resource == NULL)
            continue; /* it was forced away */
        int64_t held = sum_held(world, need->resource) + need->quantity;
        /* It may have been raised since this create was sent, and others have come meanwhile. */
        int64_t now = allowed_total(world, resource);
        int64_t most = now > request->allowed[i] ? now : request->allowed[i];
        if (!resource->spent && held > most)
            violation(world, "consume", "pod %s: %lld of %s are held, there are %lld",
                      pod->object.name, (long long)held, need->resource, (long long)most);
        if (resource->spent && !has_claim(resource, pod))
            violation(world, "consume", "pod %s is created and has no claim on %s",
                      pod->object.name, need->resource);
    }
}

void oracle_gives(struct world *world, const struct sim_pod *pod)
{
    for (size_t i = 0; i < pod->needs.count; i++) {
        const struct sim_consumable *resource =
            store_find(world, KIND_CONSUMABLE, NULL, pod->needs.items[i].resource);
        if (resource != NULL && resource->spent && has_claim(resource, pod))
            violation(world, "consume", "pod %s is released with an open claim on %s",
                      pod->object.name, pod->needs.items[i].resource);
    }
}

/* By all pods there ever were. */
static int64_t sum_started(const struct world *world, const char *resource)
{
    int64_t sum = 0;
    for (const struct truth *truth = world->truths; truth != NULL; truth = truth->next)
        for (uint32_t i = 0; i < truth->child_count; i++)
            for (const struct sim_pod *pod = truth->children[i].last; pod != NULL;
                 pod = pod->body->sibling)
                sum += pod->started ? quantity_of(&pod->needs, resource) : 0;
    return sum;
}

static int64_t sum_claimed(const char *const *claims, size_t count)
{
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t quantity = 0;
        if (consumable_claim_parse(claims[i], &quantity) > 0)
            sum += quantity;
    }
    return sum;
}

void consumable_write(struct world *world, struct sim_consumable *resource,
                      const struct request *request)
{
    const char *name = resource->object.name;
    const char *const *claims = request->claims;
    int64_t started = sum_started(world, name);
    int64_t before = resource->consumed + sum_claimed(resource->claims, resource->claim_count);
    int64_t after_ = request->consumed + sum_claimed(claims, request->claim_count);
    if (request->consumed < resource->consumed)
        violation(world, "consume", "%s: %lld are consumed after %lld", name,
                  (long long)request->consumed, (long long)resource->consumed);
    if (request->consumed > started)
        violation(world, "consume", "%s: %lld are consumed, pods that started took %lld", name,
                  (long long)request->consumed, (long long)started);
    if (after_ > before && after_ > allowed_total(world, resource))
        violation(world, "consume", "%s: %lld are claimed and consumed, there are %lld", name,
                  (long long)after_, (long long)allowed_total(world, resource));
    if (!resource->spent && (request->consumed > 0 || request->claim_count > 0))
        violation(world, "consume", "%s is given back, and has claims", name);
    world->counters.claims += request->claim_count > resource->claim_count;
    world->counters.consumed += request->consumed > resource->consumed;
    resource->in_use = request->in_use;
    resource->consumed = request->consumed;
    resource->claims = claims;
    resource->claim_count = request->claim_count;
}

const char *consumables_unconverged(struct world *world)
{
    const struct store *store = &world->stores[KIND_CONSUMABLE];
    for (size_t i = 0; i < store->count; i++) {
        const struct sim_consumable *resource = (const struct sim_consumable *)store->items[i];
        const char *name = resource->object.name;
        if (resource->object.deleted_ns != 0)
            return arena_printf(world->arena, "resource %s is not let go", name);
        if (resource->in_use != 0 || resource->claim_count != 0)
            return arena_printf(world->arena, "resource %s: %lld are still in use, %zu claims",
                                name, (long long)resource->in_use, resource->claim_count);
        int64_t started = sum_started(world, name);
        if (resource->spent && resource->consumed != started)
            return arena_printf(world->arena,
                                "resource %s: %lld are consumed, pods that started took %lld", name,
                                (long long)resource->consumed, (long long)started);
    }
    return NULL;
}
