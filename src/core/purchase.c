/* SPDX-License-Identifier: Apache-2.0 */
/* purchase.c - how many machines of which types take all the work at the lowest price
 *
 * 1. Bound. The relaxed problem (purchase_bound.c) says what each resource is worth, and that no
 *    plan costs less than that.
 * 2. Patterns. Again and again one machine of each promising type is filled (purchase_fill.c), and
 *    the one that costs least for what its work is worth is bought, as many times as there is work
 *    for. That is done with two opinions of what work is worth: by the resources' worth, and by the
 *    cheapest part of a machine that could host it, which is more for work that few types take.
 * 3. Smaller. A machine whose work fits a cheaper type becomes one.
 * 4. Ruin and recreate (Schrimpf and others, 2000). The worst-used machines are given up, their
 *    work goes into the gaps of the others as far as it fits, and the rest is bought anew. Kept
 * when cheaper.
 * 5. One type. The best plan with a single type is made as well, in the same way; the plan is never
 *    dearer than that, because it is that when nothing cheaper was found.
 *
 * How many types are tried in a round follows from how many classes are left, so that the time for
 * a round stays about the same; towards the end, where a good choice matters most, all are. */
#include "purchase_parts.h"

#include "bulkhead/base/macros.h"
#include <stdlib.h>

#include <string.h>

enum {
    ROUND_WORK = 80000,   /* classes looked at to choose one pattern */
    WORK_MAX = 120000000, /* in all; then the first type that is of use is taken */
    STEPS_A_FILL = 16,    /* about */
    SHAPE_MAX = 2,        /* types of the same shape that are tried in a round */
    RUIN_ROUNDS = 24,
    SIZED_EVERY = 4, /* one in so many of them lets size count */
};

static const double PRICE_ANY = 1e300, WORTH_LEAST = 1e-300;

/* -------------------------------------------------------------------------- solutions */

static struct solution *solution_new(const struct planner *planner)
{
    struct solution *solution = arena_alloc(planner->arena, sizeof(*solution));
    size_t classes = planner->class_count + 1;
    solution->remaining = arena_alloc(planner->arena, classes * sizeof(int64_t));
    solution->active = arena_alloc(planner->arena, classes * sizeof(size_t));
    solution->machines = arena_alloc(planner->arena, (planner->type_count + 1) * sizeof(int64_t));
    return solution;
}

static void activate(const struct planner *planner, struct solution *solution)
{
    solution->active_count = 0;
    for (size_t c = 0; c < planner->class_count; c++) {
        if (solution->remaining[c] > 0)
            solution->active[solution->active_count++] = c;
    }
}

static struct solution *solution_start(const struct planner *planner, const int64_t *count)
{
    struct solution *solution = solution_new(planner);
    memcpy(solution->remaining, count, planner->class_count * sizeof(*count));
    for (size_t c = 0; c < planner->class_count; c++)
        solution->left += count[c];
    activate(planner, solution);
    return solution;
}

static struct solution *solution_copy(const struct planner *planner, const struct solution *from)
{
    struct solution *copy = solution_new(planner);
    struct purchase_group *groups =
        arena_alloc(planner->arena, (from->group_count + 1) * sizeof(*groups));
    memcpy(copy->remaining, from->remaining, planner->class_count * sizeof(*copy->remaining));
    memcpy(copy->machines, from->machines, planner->type_count * sizeof(*copy->machines));
    if (from->group_count > 0)
        memcpy(groups, from->groups, from->group_count * sizeof(*groups));
    copy->groups = groups;
    copy->group_count = copy->group_capacity = from->group_count;
    copy->vcpus = from->vcpus;
    copy->left = from->left;
    copy->price = from->price;
    activate(planner, copy);
    return copy;
}

static void group_add(const struct planner *planner, struct solution *solution,
                      const struct purchase_group *group)
{
    ARENA_ROOM(planner->arena, solution->groups, solution->group_count, solution->group_capacity);
    solution->groups[solution->group_count++] = *group;
}

static void machines_add(const struct planner *planner, struct solution *solution, size_t type,
                         int64_t count)
{
    const struct purchase_type *bought = &planner->problem->types[type];
    solution->machines[type] += count;
    solution->vcpus += count * bought->vcpus;
    solution->price += (double)count * bought->price;
}

/* How many more of the type may be bought. */
static int64_t machines_left(const struct planner *planner, const struct solution *solution,
                             size_t type)
{
    const struct purchase_type *bought = &planner->problem->types[type];
    int64_t vcpus = planner->problem->vcpus_max - solution->vcpus;
    int64_t left = bought->vcpus > 0 ? vcpus / bought->vcpus : INT64_MAX;
    if (bought->limit >= 0 && bought->limit - solution->machines[type] < left)
        left = bought->limit - solution->machines[type];
    return left;
}

static bool is_better(const struct solution *a, const struct solution *b)
{
    return b == NULL || a->left < b->left || (a->left == b->left && a->price < b->price);
}

/* Takes work that a pattern describes, as often as there is enough of it; how often. */
static int64_t parts_take(struct solution *solution, const struct purchase_part *parts,
                          size_t count, int64_t limit)
{
    for (size_t i = 0; i < count; i++) {
        int64_t often = solution->remaining[parts[i].class_] / parts[i].times;
        limit = often < limit ? often : limit;
    }
    bool gone = false;
    for (size_t i = 0; i < count; i++) {
        int64_t *remaining = &solution->remaining[parts[i].class_];
        *remaining -= parts[i].times * limit;
        solution->left -= parts[i].times * limit;
        gone = gone || *remaining == 0;
    }
    size_t kept = 0;
    for (size_t i = 0; gone && i < solution->active_count; i++) {
        if (solution->remaining[solution->active[i]] > 0)
            solution->active[kept++] = solution->active[i];
    }
    if (gone)
        solution->active_count = kept;
    return limit;
}

static struct purchase_part *parts_copy(const struct planner *planner,
                                        const struct purchase_part *parts, size_t count)
{
    struct purchase_part *copy = arena_alloc(planner->arena, (count + 1) * sizeof(*copy));
    if (count > 0)
        memcpy(copy, parts, count * sizeof(*copy));
    return copy;
}

/* --------------------------------------------------------------------------- patterns */

static void room_of(const struct planner *planner, size_t type, int64_t *ret_room)
{
    memcpy(ret_room, &planner->rooms[type * planner->dims], planner->dims * sizeof(*ret_room));
}

/* Types of which one machine is about so much of another are tried in place of each other. */
static bool same_shape(const struct planner *planner, size_t a, size_t b)
{
    const double *left = &planner->inverse[a * planner->dims];
    const double *right = &planner->inverse[b * planner->dims];
    double scale = 0;
    for (size_t d = 0; d < planner->dims; d++) {
        if ((left[d] == 0) != (right[d] == 0))
            return false;
        double here = right[d] > 0 ? left[d] / right[d] : 0;
        if (scale == 0)
            scale = here;
        if (here > scale * 1.1 || here < scale * 0.9)
            return false;
    }
    return true;
}

/* Enough of that shape have been tried already in this round. */
static bool shape_is_full(const struct planner *planner, const size_t *tried, size_t count,
                          size_t type)
{
    int same = 0;
    for (size_t i = 0; i < count; i++)
        same += same_shape(planner, tried[i], type);
    return same >= SHAPE_MAX;
}

/* The pattern with the lowest price for what it is worth; false: nothing can be bought. */
static bool pattern_choose(struct planner *planner, const struct solution *solution, size_t only,
                           struct purchase_group *ret_group)
{
    enum { TRIED_MAX = 64 };
    size_t tried[TRIED_MAX];
    size_t count = 0;
    int64_t a_fill = (int64_t)solution->active_count * STEPS_A_FILL;
    int64_t most = planner->work < WORK_MAX ? ROUND_WORK / (a_fill + 1) + 2 : 1;
    bool all = (size_t)most >= planner->order_count;
    double best_ratio = 0;
    ret_group->parts = NULL;
    for (size_t i = 0; i < planner->order_count && (all || (int64_t)count < most); i++) {
        size_t type = only != SIZE_MAX ? only : planner->order[i];
        int64_t room[PURCHASE_DIMS];
        if (only != SIZE_MAX && i > 0)
            break;
        if (machines_left(planner, solution, type) <= 0 ||
            (!all && count < TRIED_MAX && shape_is_full(planner, tried, count, type)))
            continue;
        room_of(planner, type, room);
        double value = planner_fill(planner, solution, type, room);
        if (planner->part_count == 0)
            continue;
        if (count < TRIED_MAX)
            tried[count] = type;
        count += count < TRIED_MAX;
        double ratio = planner->problem->types[type].price / (value > 0 ? value : WORTH_LEAST);
        if (ret_group->parts != NULL && ratio >= best_ratio)
            continue;
        best_ratio = ratio;
        *ret_group = (struct purchase_group){
            .type = type,
            .parts = parts_copy(planner, planner->parts, planner->part_count),
            .part_count = planner->part_count,
        };
    }
    return ret_group->parts != NULL;
}

/* Buys for what remains. only: a type, or SIZE_MAX; given up when it gets dearer than that. */
static void buy_rest(struct planner *planner, struct solution *solution, size_t only, double limit)
{
    struct purchase_group group;
    while (solution->active_count > 0 && solution->price <= limit &&
           pattern_choose(planner, solution, only, &group)) {
        group.count = parts_take(solution, group.parts, group.part_count,
                                 machines_left(planner, solution, group.type));
        machines_add(planner, solution, group.type, group.count);
        group_add(planner, solution, &group);
    }
}

/* ----------------------------------------------------------------------- improvements */

static void group_used(const struct planner *planner, const struct purchase_group *group,
                       int64_t *ret_used)
{
    memset(ret_used, 0, planner->dims * sizeof(*ret_used));
    for (size_t i = 0; i < group->part_count; i++) {
        const int64_t *needs = &planner->needs[group->parts[i].class_ * planner->dims];
        for (size_t d = 0; d < planner->dims; d++)
            ret_used[d] += needs[d] * group->parts[i].times;
    }
}

static bool group_could_be(const struct planner *planner, const struct purchase_group *group,
                           const int64_t *used, size_t type)
{
    const int64_t *room = &planner->rooms[type * planner->dims];
    for (size_t d = 0; d < planner->dims; d++) {
        if (used[d] > room[d] && used[d] > 0)
            return false;
    }
    for (size_t i = 0; i < group->part_count; i++) {
        if (!planner_allows(planner, group->parts[i].class_, type))
            return false;
    }
    return true;
}

static void make_smaller(const struct planner *planner, struct solution *solution)
{
    for (size_t g = 0; g < solution->group_count; g++) {
        struct purchase_group *group = &solution->groups[g];
        int64_t used[PURCHASE_DIMS];
        size_t best = group->type;
        group_used(planner, group, used);
        machines_add(planner, solution, group->type, -group->count);
        for (size_t i = 0; i < planner->order_count; i++) {
            size_t type = planner->order[i];
            if (planner->problem->types[type].price < planner->problem->types[best].price &&
                group_could_be(planner, group, used, type) &&
                machines_left(planner, solution, type) >= group->count)
                best = type;
        }
        group->type = best;
        machines_add(planner, solution, best, group->count);
    }
}

struct ranked {
    double worth; /* for what it costs */
    size_t group;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *left = a, *right = b;
    if (left->worth < right->worth || left->worth > right->worth)
        return left->worth < right->worth ? -1 : 1;
    return left->group < right->group ? -1 : left->group > right->group;
}

static struct ranked *rank(const struct planner *planner, const struct solution *solution)
{
    struct ranked *ranked =
        arena_alloc(planner->arena, (solution->group_count + 1) * sizeof(*ranked));
    for (size_t g = 0; g < solution->group_count; g++) {
        const struct purchase_group *group = &solution->groups[g];
        double worth = 0;
        for (size_t i = 0; i < group->part_count; i++)
            worth += planner->values[group->parts[i].class_] * (double)group->parts[i].times;
        ranked[g] = (struct ranked){worth / planner->problem->types[group->type].price, g};
    }
    if (solution->group_count > 1)
        qsort(ranked, solution->group_count, sizeof(*ranked), compare_ranked);
    return ranked;
}

/* More work into the gaps of a group's machines, on as many of them as there is work for. */
static void fill_gaps(struct planner *planner, struct solution *solution,
                      struct purchase_group group)
{
    while (group.count > 0) {
        int64_t room[PURCHASE_DIMS], used[PURCHASE_DIMS];
        struct purchase_group fuller = group;
        room_of(planner, group.type, room);
        group_used(planner, &group, used);
        for (size_t d = 0; d < planner->dims; d++)
            room[d] -= used[d];
        if (solution->active_count > 0)
            planner_fill(planner, solution, group.type, room);
        if (solution->active_count == 0 || planner->part_count == 0) {
            group_add(planner, solution, &group);
            return;
        }
        fuller.part_count = group.part_count + planner->part_count;
        fuller.parts = arena_alloc(planner->arena, fuller.part_count * sizeof(*fuller.parts));
        memcpy(fuller.parts, group.parts, group.part_count * sizeof(*fuller.parts));
        memcpy(fuller.parts + group.part_count, planner->parts,
               planner->part_count * sizeof(*fuller.parts));
        fuller.count = parts_take(solution, planner->parts, planner->part_count, group.count);
        group_add(planner, solution, &fuller);
        group.count -= fuller.count;
    }
}

/* The same with a part of its machines given up and bought anew. */
static struct solution *ruin(struct planner *planner, const struct solution *from, int64_t machines)
{
    struct solution *solution = solution_new(planner);
    bool *gone = arena_alloc(planner->arena, (from->group_count + 1) * sizeof(*gone));
    const struct ranked *ranked = rank(planner, from);
    memcpy(solution->remaining, from->remaining,
           planner->class_count * sizeof(*solution->remaining));
    solution->left = from->left;
    for (size_t i = 0; i < from->group_count && machines > 0; i++) {
        const struct purchase_group *group = &from->groups[ranked[i].group];
        gone[ranked[i].group] = true;
        machines -= group->count;
        for (size_t p = 0; p < group->part_count; p++) {
            int64_t back = group->parts[p].times * group->count;
            solution->remaining[group->parts[p].class_] += back;
            solution->left += back;
        }
    }
    activate(planner, solution);
    for (size_t g = 0; g < from->group_count; g++) {
        if (gone[g])
            continue;
        machines_add(planner, solution, from->groups[g].type, from->groups[g].count);
        fill_gaps(planner, solution, from->groups[g]);
    }
    buy_rest(planner, solution, SIZE_MAX, from->left > 0 ? PRICE_ANY : from->price);
    make_smaller(planner, solution);
    return solution;
}

static struct solution *improve(struct planner *planner, struct solution *best)
{
    static const int parts[] = {50, 20, 10, 5, 3, 2}; /* one in so many is given up */
    make_smaller(planner, best);
    size_t without = 0;
    for (size_t i = 0; i < RUIN_ROUNDS && without < ARRAY_LEN(parts); i++) {
        int64_t machines = 0;
        for (size_t g = 0; g < best->group_count; g++)
            machines += best->groups[g].count;
        if (planner->work >= WORK_MAX || machines == 0)
            break;
        planner->sized = i % SIZED_EVERY == SIZED_EVERY - 1;
        struct solution *other = ruin(planner, best, machines / parts[i % ARRAY_LEN(parts)] + 1);
        without = is_better(other, best) ? 0 : without + 1;
        best = is_better(other, best) ? other : best;
    }
    return best;
}

/* --------------------------------------------------------------------------- one type */

/* What the work would cost on that type at least, with machines in parts; 0: some cannot be there.
 */
static double single_bound(const struct planner *planner, const int64_t *count, size_t type)
{
    double demand[PURCHASE_DIMS] = {0}, most = 0;
    for (size_t c = 0; c < planner->class_count; c++) {
        if (count[c] <= 0)
            continue;
        if (!planner_allows(planner, c, type) ||
            !planner_fits(planner, c, &planner->rooms[type * planner->dims]))
            return 0;
        for (size_t d = 0; d < planner->dims; d++)
            demand[d] += (double)planner->needs[c * planner->dims + d] * (double)count[c];
    }
    for (size_t d = 0; d < planner->dims; d++) {
        double machines = demand[d] * planner->inverse[type * planner->dims + d];
        most = machines > most ? machines : most;
    }
    return most * planner->problem->types[type].price;
}

static struct solution *single_best(struct planner *planner, const int64_t *count, size_t *ret_type)
{
    struct ranked *ranked =
        arena_alloc(planner->arena, (planner->order_count + 1) * sizeof(*ranked));
    size_t ranked_count = 0;
    for (size_t i = 0; i < planner->order_count; i++) {
        double bound = single_bound(planner, count, planner->order[i]);
        if (bound > 0)
            ranked[ranked_count++] = (struct ranked){bound, planner->order[i]};
    }
    if (ranked_count > 1)
        qsort(ranked, ranked_count, sizeof(*ranked), compare_ranked);
    struct solution *best = NULL;
    planner->sized = false;
    for (size_t i = 0; i < ranked_count; i++) {
        if (best != NULL && best->left == 0 && ranked[i].worth >= best->price)
            break; /* and so are all that follow */
        struct solution *solution = solution_start(planner, count);
        buy_rest(planner, solution, ranked[i].group,
                 best != NULL && best->left == 0 ? best->price : PRICE_ANY);
        if (!is_better(solution, best))
            continue;
        best = solution;
        *ret_type = ranked[i].group;
    }
    return best;
}

/* ------------------------------------------------------------------------ preparation */

static void prepare_dims(struct planner *planner)
{
    const struct purchase_problem *problem = planner->problem;
    size_t dim[PURCHASE_DIMS] = {0};
    for (size_t d = 0; d < PURCHASE_DIMS; d++) {
        bool needed = false;
        for (size_t c = 0; c < planner->class_count; c++)
            needed = needed || (problem->classes[c].needs[d] > 0 && problem->classes[c].count > 0);
        if (needed)
            dim[planner->dims++] = d;
    }
    size_t cells = (planner->class_count + planner->type_count + 1) * (planner->dims + 1);
    planner->needs = arena_alloc(planner->arena, cells * sizeof(*planner->needs));
    planner->rooms = arena_alloc(planner->arena, cells * sizeof(*planner->rooms));
    planner->inverse = arena_alloc(planner->arena, cells * sizeof(*planner->inverse));
    planner->prices = arena_alloc(planner->arena, (planner->dims + 1) * sizeof(double));
    for (size_t d = 0; d < planner->dims; d++) {
        for (size_t c = 0; c < planner->class_count; c++)
            planner->needs[c * planner->dims + d] = problem->classes[c].needs[dim[d]];
        for (size_t t = 0; t < planner->type_count; t++) {
            int64_t room = problem->types[t].room[dim[d]];
            planner->rooms[t * planner->dims + d] = room > 0 ? room : 0;
            planner->inverse[t * planner->dims + d] = room > 0 ? 1 / (double)room : 0;
        }
    }
}

/* The classes that some type takes, and the types that take some. */
static void prepare_order(struct planner *planner, int64_t *ret_count)
{
    const struct purchase_problem *problem = planner->problem;
    bool *useful = arena_alloc(planner->arena, (planner->type_count + 1) * sizeof(*useful));
    for (size_t c = 0; c < planner->class_count; c++) {
        for (size_t t = 0; t < planner->type_count; t++) {
            if (problem->classes[c].count <= 0 || problem->types[t].vcpus > problem->vcpus_max ||
                problem->types[t].limit == 0 || !planner_allows(planner, c, t) ||
                !planner_fits(planner, c, &planner->rooms[t * planner->dims]))
                continue;
            useful[t] = true;
            ret_count[c] = problem->classes[c].count;
        }
    }
    for (size_t t = 0; t < planner->type_count; t++) {
        if (useful[t])
            planner->order[planner->order_count++] = t;
    }
}

static double worth_of(const struct planner *planner, const int64_t *amounts)
{
    double worth = 0;
    for (size_t d = 0; d < planner->dims; d++)
        worth += planner->prices[d] * (double)amounts[d];
    return worth;
}

/* The most promising types first: the lowest price for what their room is worth. */
static void sort_order(struct planner *planner)
{
    struct ranked *ranked =
        arena_alloc(planner->arena, (planner->order_count + 1) * sizeof(*ranked));
    for (size_t i = 0; i < planner->order_count; i++) {
        size_t type = planner->order[i];
        double worth = worth_of(planner, &planner->rooms[type * planner->dims]);
        double price = planner->problem->types[type].price;
        /* Of equal ones the larger: the price decides in the twelfth digit. */
        ranked[i] =
            (struct ranked){price / (worth > 0 ? worth : WORTH_LEAST) * (1 - worth * 1e-12), type};
    }
    if (planner->order_count > 1)
        qsort(ranked, planner->order_count, sizeof(*ranked), compare_ranked);
    for (size_t i = 0; i < planner->order_count; i++)
        planner->order[i] = ranked[i].group;
}

/* What a place for one of a class is worth: by its resources, or the cheapest part of a machine. */
static void values_by_prices(const struct planner *planner)
{
    for (size_t c = 0; c < planner->class_count; c++)
        planner->values[c] = worth_of(planner, &planner->needs[c * planner->dims]);
}

static void values_by_parts(const struct planner *planner)
{
    for (size_t c = 0; c < planner->class_count; c++) {
        const int64_t *needs = &planner->needs[c * planner->dims];
        double best = 0;
        for (size_t i = 0; i < planner->order_count; i++) {
            size_t type = planner->order[i];
            double part = 0;
            if (!planner_allows(planner, c, type) ||
                !planner_fits(planner, c, &planner->rooms[type * planner->dims]))
                continue;
            for (size_t d = 0; d < planner->dims; d++) {
                double here = (double)needs[d] * planner->inverse[type * planner->dims + d];
                part = here > part ? here : part;
            }
            double price = part * planner->problem->types[type].price;
            best = best == 0 || price < best ? price : best;
        }
        planner->values[c] = best;
    }
}

static void planner_open(struct planner *planner, struct arena *arena,
                         const struct purchase_problem *problem, int64_t **ret_count)
{
    *planner = (struct planner){
        .arena = arena,
        .problem = problem,
        .class_count = problem->class_count < PURCHASE_CLASSES_MAX ? problem->class_count
                                                                   : PURCHASE_CLASSES_MAX,
        .type_count =
            problem->type_count < PURCHASE_TYPES_MAX ? problem->type_count : PURCHASE_TYPES_MAX,
    };
    size_t classes = planner->class_count + 1;
    planner->values = arena_alloc(arena, classes * sizeof(double));
    planner->candidates = arena_alloc(arena, classes * sizeof(struct candidate));
    planner->taken = arena_alloc(arena, classes * sizeof(int64_t));
    planner->parts = arena_alloc(arena, classes * sizeof(struct purchase_part));
    planner->order = arena_alloc(arena, (planner->type_count + 1) * sizeof(size_t));
    *ret_count = arena_alloc(arena, classes * sizeof(int64_t));
    prepare_dims(planner);
    prepare_order(planner, *ret_count);
    planner_bound(planner, *ret_count);
    sort_order(planner);
}

/* By patterns, from each pair of opinions: what work is worth, and whether size counts. */
static struct solution *start(struct planner *planner, const int64_t *count)
{
    struct solution *best = NULL;
    for (int i = 0; i < 4 && (i < 2 || planner->work < WORK_MAX / 4); i++) {
        planner->sized = i % 2 != 0;
        if (i < 2)
            values_by_prices(planner);
        else
            values_by_parts(planner);
        struct solution *other = solution_start(planner, count);
        buy_rest(planner, other, SIZE_MAX,
                 best != NULL && best->left == 0 ? best->price : PRICE_ANY);
        best = is_better(other, best) ? other : best;
    }
    values_by_parts(planner);
    return best;
}

void purchase_make(struct arena *arena, const struct purchase_problem *problem,
                   struct purchase_plan *ret_plan)
{
    struct planner planner;
    int64_t *count, all = 0;
    planner_open(&planner, arena, problem, &count);
    for (size_t c = 0; c < problem->class_count; c++)
        all += problem->classes[c].count - (c < planner.class_count ? count[c] : 0);

    struct solution *best = improve(&planner, start(&planner, count));
    size_t type = 0;
    struct solution *single = single_best(&planner, count, &type);
    bool whole = single != NULL && single->left == 0;
    if (single != NULL && is_better(single, best))
        best = single;
    if (single != NULL && planner.work < WORK_MAX / 8) { /* small: another beginning is cheap */
        struct solution *other = improve(&planner, solution_copy(&planner, single));
        best = is_better(other, best) ? other : best;
    }
    *ret_plan = (struct purchase_plan){
        .counts = best->machines,
        .groups = best->groups,
        .group_count = best->group_count,
        .price = best->price,
        .vcpus = best->vcpus,
        .left = best->left + all,
        .bound = planner.bound,
        .single_price = whole ? single->price : 0,
        .single_type = type,
        .single_count = whole ? single->machines[type] : 0,
    };
}
