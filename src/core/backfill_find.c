/* SPDX-License-Identifier: Apache-2.0 */
/* backfill_find.c - where and by when the head of a queue starts for certain
 *
 * What runs ends by its bound (history.c): when it has begun, at its start + bound, else START_NS
 * later than from now. What runs longer than its history let expect ends at its timeout; without
 * one, or past it, nobody knows. So each node has a time by which it has room for the head, and a
 * machine on its way one by which it is Ready (launched + the mean of its type; not a bound, but
 * nobody can pass the head by taking such a machine). The earliest of them is kept for the head.
 *
 * A multi-node job is given, part by part, the nodes that are empty earliest. One whose part would
 * have found a node only if another part had taken a later one is not found anything for: then
 * nothing passes it.
 *
 * When no node will ever do, since machines have to be given back for a larger one, those are kept
 * that are empty earliest, until what maxvCpus leaves is enough. Not while one that will do is on
 * its way, be it unknown for how long: what is kept then would stand idle, go, and be bought again
 * for who comes next.
 *
 * Bounds  FIND_CHUNK nodes a turn; multi-node jobs and machines to be given back are looked for in
 * one turn, among FIND_NODES_MAX nodes of an environment, and not at all where there are more. */
#include "backfill.h"
#include "clauses.h"
#include "gang.h"
#include "ladder.h"
#include "strategy.h"

#include <stdlib.h>
#include <string.h>

enum { ENDS_MAX = 256 };

/* ------------------------------------------------------------------------------ one node */

static int64_t pod_ends_by_ns(const struct core *core, const struct core_pod *pod)
{
    const struct core_job *job = pod->job;
    int64_t bound_ns = job != NULL ? history_bound_ns(job) : 0;
    int64_t from_ns = pod->started ? pod->started_ns : core->now_ns + START_NS;
    if (bound_ns > 0 && from_ns + bound_ns < core->now_ns)
        bound_ns = job->timeout_ns; /* it takes longer than its history let expect */
    return bound_ns > 0 && from_ns + bound_ns >= core->now_ns ? from_ns + bound_ns : INT64_MAX;
}

int64_t job_ends_by_ns(const struct core *core, const struct core_job *job)
{
    int64_t bound_ns = history_bound_ns(job);
    return bound_ns > 0 ? core->now_ns + START_NS + bound_ns : INT64_MAX;
}

struct end { /* of a pod on a node */
    int64_t at_ns;
    const struct amounts *gives;
};

static int compare_ends(const void *a, const void *b)
{
    const struct end *left = a, *right = b;
    return (left->at_ns > right->at_ns) - (left->at_ns < right->at_ns);
}

/* In their order; false: there are more than can be looked at. */
static bool ends_of(const struct core *core, const struct core_node *node, struct end *ret_ends,
                    size_t *ret_count)
{
    size_t count = 0;
    for (const struct core_pod *pod = node->pods; pod != NULL; pod = pod->next) {
        const struct amounts *gives = pod_amounts(pod);
        if (!pod->ours || !pod->counted || gives == NULL)
            continue;
        if (count + 1 >= ENDS_MAX)
            return false;
        ret_ends[count++] = (struct end){pod_ends_by_ns(core, pod), gives};
    }
    *ret_count = count;
    return true;
}

/* When it has room for needs (NULL: any); empty: and no pod of ours besides. */
static int64_t node_free_ns(const struct core *core, const struct core_node *node,
                            const struct amounts *needs, bool empty, const struct amounts *extra,
                            int64_t extra_end_ns)
{
    struct end ends[ENDS_MAX];
    size_t count = 0;
    struct amounts room;
    if (!ends_of(core, node, ends, &count))
        return INT64_MAX;
    node_free_amounts(node, &room);
    if (extra != NULL) {
        amounts_sub(&room, extra);
        ends[count++] = (struct end){extra_end_ns, extra};
    }
    qsort(ends, count, sizeof(*ends), compare_ends);
    size_t next = 0;
    int64_t at_ns = core->now_ns;
    while ((empty && next < count) || (needs != NULL && !amounts_fit(needs, &room))) {
        if (next == count || ends[next].at_ns == INT64_MAX)
            return INT64_MAX;
        at_ns = ends[next].at_ns > at_ns ? ends[next].at_ns : at_ns;
        amounts_add(&room, ends[next++].gives);
    }
    return at_ns;
}

/* All but room lets it take the class. */
static bool node_would_take(const struct core_node *node, const struct core_class *class_)
{
    uint64_t room = ~((UINT64_C(1) << CLAUSE_RESOURCE) - 1);
    return node != NULL && node->gang == NULL && node_is_usable(node) &&
           (node_clauses(node, class_, false) & ~room) == 0;
}

static bool is_open_to(const struct core_environment *environment, const struct core_job *head)
{
    return environment_usable(environment) &&
           environment_serves(environment, head->spec->meta.namespace_) &&
           (environment->held_by == NULL || environment->held_by == head->queue) &&
           !environment->gives_way && gang_allowed(head, environment);
}

/* ------------------------------------------------------------------ machines on their way */

static bool type_would_do(const struct core_environment *environment, const struct core_type *type,
                          const struct core_class *class_)
{
    return type != NULL && amounts_fit(&class_->needs, &type->room) &&
           type_matches(environment, type, class_);
}

/* When a machine of the type, asked for then, is Ready; INT64_MAX: nobody knows. */
static int64_t machine_ns(const struct core *core, const struct core_type *type,
                          int64_t launched_ns)
{
    if (type_boot_ns(type) <= 0)
        return INT64_MAX;
    int64_t at_ns = launched_ns + type_boot_ns(type);
    return at_ns >= core->now_ns ? at_ns : INT64_MAX; /* it is late */
}

/* Calls visit for each machine on its way. */
static void each_coming(const struct core_environment *environment,
                        void (*visit)(void *ctx, const struct core_type *type, int64_t since_ns),
                        void *ctx)
{
    if (environment->moving > 0) {
        for (const struct core_instance *i = environment->instances; i != NULL; i = i->next) {
            if (instance_coming(i))
                visit(ctx, environment_type_in(environment, i->type, i->zone), i->launched_ns);
        }
    }
    for (const struct core_launch *launch = environment->launches; launch != NULL;
         launch = launch->next) {
        for (int64_t n = 0; n < launch->count; n++)
            visit(ctx, environment_type_in(environment, launch->type, launch->zone),
                  launch->since_ns);
    }
}

struct coming {
    const struct core *core;
    const struct core_environment *environment;
    const struct core_class *class_;
    bool any; /* Ready, some time */
    int64_t first_ns;
};

static void coming_visit(void *ctx, const struct core_type *type, int64_t since_ns)
{
    struct coming *coming = ctx;
    if (!type_would_do(coming->environment, type, coming->class_))
        return;
    coming->any = true;
    int64_t at_ns = machine_ns(coming->core, type, since_ns);
    coming->first_ns = at_ns < coming->first_ns ? at_ns : coming->first_ns;
}

static struct coming coming_for(const struct core *core, const struct core_environment *environment,
                                const struct core_class *class_)
{
    struct coming coming = {core, environment, class_, false, INT64_MAX};
    each_coming(environment, coming_visit, &coming);
    return coming;
}

int64_t kept_free_ns(struct core *core, const struct core_job *head,
                     const struct reservation *reservation, const struct kept_node *kept,
                     const struct amounts *extra, int64_t extra_end_ns)
{
    const struct core_class *class_ = job_class(head, kept->part);
    bool empty = reservation->kind != RESERVE_NODE;
    bool any = reservation->kind == RESERVE_GIVEBACK;
    return node_free_ns(core, kept->node, any ? NULL : &class_->needs, empty, extra, extra_end_ns);
}

int64_t reservation_free_ns(struct core *core, const struct core_job *head,
                            struct reservation *reservation)
{
    const struct core_environment *environment =
        map_get(core->environments, reservation->environment);
    int64_t all_ns = core->now_ns;
    if (environment == NULL || environment->spec == NULL || !is_open_to(environment, head))
        return INT64_MAX;
    if (reservation->kind == RESERVE_GIVEBACK && coming_for(core, environment, head->class_).any)
        return INT64_MAX; /* one has been bought: nothing has to give way any more */
    for (size_t i = 0; i < reservation->node_count; i++) {
        struct kept_node *kept = &reservation->nodes[i];
        kept->node = map_get(core->nodes, kept->name);
        bool good = kept->node != NULL && kept->node->environment == environment &&
                    kept->node->in_environment &&
                    (head->gang_classes == NULL || kept->part < head->size);
        if (good && reservation->kind != RESERVE_GIVEBACK)
            good = node_would_take(kept->node, job_class(head, kept->part)) &&
                   (kept->node->alone == 0 || head->gang);
        int64_t at_ns = good ? kept_free_ns(core, head, reservation, kept, NULL, 0) : INT64_MAX;
        all_ns = at_ns > all_ns ? at_ns : all_ns;
    }
    return all_ns;
}

/* ------------------------------------------------------------------------- the search */

void reservation_done(struct reservation *reservation)
{
    for (size_t i = 0; i < reservation->node_count; i++)
        free(reservation->nodes[i].name);
    free(reservation->nodes);
    free(reservation->environment);
    *reservation = (struct reservation){0};
}

static void take_best(struct search *search, struct reservation *take_found)
{
    reservation_done(&search->best);
    search->best = *take_found;
    search->found = true;
}

/* True: it is earlier than what was found so far. */
static bool is_earlier(const struct search *search, int64_t at_ns)
{
    const struct reservation *best = &search->best;
    int64_t best_ns = best->free_by_ns > best->coming_by_ns ? best->free_by_ns : best->coming_by_ns;
    return at_ns != INT64_MAX && (!search->found || at_ns < best_ns);
}

static void found_node(struct search *search, const struct core_environment *environment,
                       const struct core_node *node, int64_t at_ns)
{
    struct reservation found = {.kind = RESERVE_NODE,
                                .environment = text_copy(environment->name),
                                .nodes = mem_new(sizeof(struct kept_node)),
                                .node_count = 1,
                                .free_by_ns = at_ns,
                                .starts_by_ns = at_ns};
    found.nodes[0] = (struct kept_node){.name = text_copy(node->name)};
    take_best(search, &found);
}

static void find_machine(const struct core *core, const struct core_environment *environment,
                         const struct core_job *head, struct search *search)
{
    struct coming coming = coming_for(core, environment, head->class_);
    if (!is_earlier(search, coming.first_ns))
        return;
    struct reservation found = {.kind = RESERVE_MACHINE,
                                .environment = text_copy(environment->name),
                                .free_by_ns = core->now_ns,
                                .coming_by_ns = coming.first_ns,
                                .starts_by_ns = coming.first_ns};
    take_best(search, &found);
}

/* ----------------------------------------------------- many nodes of one environment */

struct candidate { /* a node, or a machine on its way */
    int64_t at_ns;
    struct core_node *node; /* NULL: on its way */
    const struct core_type *type;
    bool taken;
};

struct gathered {
    struct arena *arena;
    struct candidate *items;
    size_t count, capacity;
};

static void gather(struct gathered *all, const struct candidate *candidate)
{
    ARENA_ROOM(all->arena, all->items, all->count, all->capacity);
    all->items[all->count++] = *candidate;
}

static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *left = a, *right = b;
    if (left->at_ns != right->at_ns)
        return left->at_ns < right->at_ns ? -1 : 1;
    if ((left->node == NULL) != (right->node == NULL))
        return left->node != NULL ? -1 : 1;
    if (left->node == NULL || left->node->slot == right->node->slot)
        return 0;
    return left->node->slot < right->node->slot ? -1 : 1;
}

static void sort(struct gathered *all)
{
    if (all->count > 0)
        qsort(all->items, all->count, sizeof(*all->items), compare_candidates);
}

static void gather_machine(void *ctx, const struct core_type *type, int64_t since_ns)
{
    struct gathered *all = ctx;
    if (type == NULL || type_boot_ns(type) <= 0 || all->count >= FIND_NODES_MAX)
        return;
    gather(all, &(struct candidate){.at_ns = since_ns + type_boot_ns(type), .type = type});
}

static bool too_many(const struct core_environment *environment, struct search *search)
{
    search->looked += environment->slot_count;
    search->bounded = search->bounded || environment->slot_count > FIND_NODES_MAX;
    return environment->slot_count > FIND_NODES_MAX;
}

static void gather_nodes(const struct core *core, const struct core_environment *environment,
                         struct gathered *all)
{
    for (size_t i = 0; i < environment->slot_count && all->count < FIND_NODES_MAX; i++) {
        struct core_node *node = environment->slots[i];
        if (node == NULL || node->gang != NULL || !node_is_usable(node))
            continue;
        int64_t at_ns = node_free_ns(core, node, NULL, true, NULL, 0);
        if (at_ns != INT64_MAX)
            gather(all, &(struct candidate){.at_ns = at_ns, .node = node});
    }
}

static bool would_do(const struct core *core, const struct core_environment *environment,
                     const struct candidate *candidate, const struct core_class *class_)
{
    if (candidate->taken)
        return false;
    if (candidate->node == NULL)
        return candidate->at_ns >= core->now_ns &&
               amounts_fit(&class_->needs, &candidate->type->room) &&
               type_matches(environment, candidate->type, class_);
    return node_would_take(candidate->node, class_) &&
           node_free_ns(core, candidate->node, &class_->needs, true, NULL, 0) != INT64_MAX;
}

/* The earliest for each part, in their order; false: one finds none. */
static bool find_parts(const struct core *core, const struct core_environment *environment,
                       const struct core_job *head, const struct gathered *all,
                       struct reservation *found)
{
    size_t from = 0;
    for (uint32_t part = 0; part < head->size; part++) {
        const struct core_class *class_ = job_class(head, part);
        if (part > 0 && class_ != job_class(head, part - 1))
            from = 0;
        while (from < all->count && !would_do(core, environment, &all->items[from], class_))
            from++;
        if (from == all->count)
            return false;
        struct candidate *taken = &all->items[from];
        taken->taken = true;
        if (taken->node != NULL) {
            found->nodes[found->node_count++] =
                (struct kept_node){.name = text_copy(taken->node->name), .part = part};
            found->free_by_ns = taken->at_ns > found->free_by_ns ? taken->at_ns : found->free_by_ns;
        } else if (taken->at_ns > found->coming_by_ns) {
            found->coming_by_ns = taken->at_ns;
        }
    }
    return true;
}

static void find_gang(struct core *core, const struct core_environment *environment,
                      const struct core_job *head, struct search *search)
{
    struct gathered all = {.arena = core->arena};
    if (head->gang_classes == NULL || too_many(environment, search))
        return;
    gather_nodes(core, environment, &all);
    each_coming(environment, gather_machine, &all);
    sort(&all);
    struct reservation found = {.kind = RESERVE_NODES,
                                .environment = text_copy(environment->name),
                                .nodes = mem_new(head->size * sizeof(struct kept_node)),
                                .free_by_ns = core->now_ns};
    bool all_parts = find_parts(core, environment, head, &all, &found);
    found.starts_by_ns =
        found.coming_by_ns > found.free_by_ns ? found.coming_by_ns : found.free_by_ns;
    if (all_parts && is_earlier(search, found.starts_by_ns))
        take_best(search, &found);
    else
        reservation_done(&found);
}

static void find_giveback(struct core *core, const struct core_environment *environment,
                          const struct core_job *head, struct search *search)
{
    struct gathered all = {.arena = core->arena};
    /* what is bought once there is enough of maxvCpus */
    const struct core_type *type = type_smallest(core, environment, head->class_);
    if (environment->spec->provider == PROVIDER_STATIC || !environment->types_known ||
        type == NULL || type->spec.vcpus > environment->spec->max_vcpus)
        return;
    int64_t lacks = type->spec.vcpus - (environment->spec->max_vcpus - environment->vcpus);
    if (lacks <= 0 || coming_for(core, environment, head->class_).any ||
        too_many(environment, search))
        return; /* nothing to wait for: it is bought, if not yet Ready */
    gather_nodes(core, environment, &all);
    sort(&all);
    struct reservation found = {.kind = RESERVE_GIVEBACK,
                                .environment = text_copy(environment->name),
                                .nodes = mem_new((all.count + 1) * sizeof(struct kept_node)),
                                .free_by_ns = core->now_ns};
    for (size_t i = 0; i < all.count && lacks > 0; i++) {
        const struct core_node *node = all.items[i].node;
        if (node->instance == NULL)
            continue;
        found.nodes[found.node_count++] = (struct kept_node){.name = text_copy(node->name)};
        found.free_by_ns = all.items[i].at_ns;
        lacks -= instance_vcpus(node->instance);
    }
    if (type_boot_ns(type) > 0)
        found.starts_by_ns = found.free_by_ns + type_boot_ns(type);
    if (lacks <= 0 && is_earlier(search, found.free_by_ns))
        take_best(search, &found);
    else
        reservation_done(&found);
}

/* ----------------------------------------------------------------------- all of them */

/* Up to so many nodes; false: there are more in that environment. */
static bool find_node(struct core *core, const struct core_environment *environment,
                      const struct core_job *head, struct search *search, size_t *left)
{
    const struct amounts *needs = &head->class_->needs;
    for (; search->slot < environment->slot_count; search->slot++) {
        const struct core_node *node = environment->slots[search->slot];
        if ((*left)-- == 0)
            return false;
        search->looked++;
        if (node == NULL || node->alone > 0 || !node_would_take(node, head->class_))
            continue;
        int64_t at_ns = node_free_ns(core, node, needs, false, NULL, 0);
        if (is_earlier(search, at_ns))
            found_node(search, environment, node, at_ns);
    }
    search->slot = 0;
    return true;
}

bool find_go_on(struct core *core, const struct core_job *head, struct search *search)
{
    const struct job_queue *queue = head->queue->spec;
    size_t left = FIND_CHUNK;
    for (; search->environment < queue->environment_count; search->environment++) {
        const struct core_environment *environment = map_get(
            core->environments, queue->environments[search->environment].compute_environment);
        if (environment == NULL || environment->spec == NULL || !is_open_to(environment, head))
            continue;
        if (head->gang) {
            find_gang(core, environment, head, search);
            continue;
        }
        if (search->slot == 0)
            find_machine(core, environment, head, search);
        if (!find_node(core, environment, head, search, &left))
            return false;
    }
    for (size_t i = 0; !search->found && !head->gang && i < queue->environment_count; i++) {
        const struct core_environment *environment =
            map_get(core->environments, queue->environments[i].compute_environment);
        if (environment != NULL && environment->spec != NULL && is_open_to(environment, head))
            find_giveback(core, environment, head, search);
    }
    return true;
}
