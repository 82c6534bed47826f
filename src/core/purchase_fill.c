/* SPDX-License-Identifier: Apache-2.0 */
/* purchase_fill.c - what goes together on one machine
 *
 * One class after the other is taken: the one whose needs point most into the direction of the room
 * that is left. With x the needs and r the room left, both in parts of the machine and weighted by
 * how scarce the resource is on this type for all that waits, that is the largest cosine,
 * (x.r)^2 / (x.x): what wants much memory goes with what wants many CPUs, and nothing is left over
 * of one resource when the other is used up. (Plain x.r, as in Panigrahy and others, "Heuristics
 * for vector bin packing", 2011, takes the largest first and wastes a third of the room when there
 * are many classes.) Where machines are small for the work, size counts too: then SIZE_WEIGHT times
 * (x.r)^2 is added, and what is awkward to place comes earlier.
 *
 * Of the chosen class half of what would fit is taken at a time, so that a machine is filled in
 * few steps and still with a mixture. */
#include "purchase_parts.h"

static const double SIZE_WEIGHT = 16; /* of 1 to 16 the best on small worlds */

bool planner_allows(const struct planner *planner, size_t class_, size_t type)
{
    const struct purchase_problem *problem = planner->problem;
    return problem->allowed == NULL || problem->allowed[class_ * problem->type_count + type];
}

bool planner_fits(const struct planner *planner, size_t class_, const int64_t *room)
{
    const int64_t *needs = &planner->needs[class_ * planner->dims];
    for (size_t d = 0; d < planner->dims; d++) {
        if (needs[d] > room[d])
            return false;
    }
    return true;
}

static int64_t times(const struct planner *planner, size_t class_, const int64_t *room,
                     int64_t limit)
{
    const int64_t *needs = &planner->needs[class_ * planner->dims];
    for (size_t d = 0; d < planner->dims; d++) {
        if (needs[d] > 0 && room[d] / needs[d] < limit)
            limit = room[d] / needs[d];
    }
    return limit;
}

/* Those that may be on such a machine and fit it. */
static size_t gather(struct planner *planner, const struct solution *solution, size_t type,
                     const int64_t *room)
{
    size_t count = 0;
    for (size_t i = 0; i < solution->active_count; i++) {
        size_t c = solution->active[i];
        if (planner_fits(planner, c, room) && planner_allows(planner, c, type))
            planner->candidates[count++].class_ = c;
    }
    planner->work += (int64_t)solution->active_count;
    return count;
}

/* How scarce each resource of the type is for all of them: 1 for the scarcest, by the square of a
 * machine's room. And what of each candidate's score does not change. */
static void weigh(struct planner *planner, const struct solution *solution, size_t type,
                  size_t count, double *ret_weights)
{
    size_t dims = planner->dims;
    const double *inverse = &planner->inverse[type * dims];
    double demand[PURCHASE_DIMS] = {0}, most = 0;
    for (size_t i = 0; i < count; i++) {
        size_t c = planner->candidates[i].class_;
        for (size_t d = 0; d < dims; d++)
            demand[d] += (double)planner->needs[c * dims + d] * (double)solution->remaining[c];
    }
    for (size_t d = 0; d < dims; d++) {
        demand[d] *= inverse[d];
        most = demand[d] > most ? demand[d] : most;
    }
    for (size_t d = 0; d < dims; d++)
        ret_weights[d] = most > 0 ? demand[d] / most * inverse[d] * inverse[d] : 0;
    for (size_t i = 0; i < count; i++) {
        size_t c = planner->candidates[i].class_;
        double square = 0;
        for (size_t d = 0; d < dims; d++) {
            double x = (double)planner->needs[c * dims + d];
            square += x * x * ret_weights[d];
        }
        planner->candidates[i].factor =
            square > 0 ? (planner->sized ? SIZE_WEIGHT + 1 / square : 1 / square) : 0;
    }
    planner->work += (int64_t)count;
}

/* The best of those that fit still; those that do not are dropped. SIZE_MAX: none. */
static size_t choose(struct planner *planner, size_t *count, const double *direction,
                     const int64_t *room)
{
    size_t dims = planner->dims, kept = 0, best = SIZE_MAX;
    double best_score = -1;
    planner->work += (int64_t)*count;
    for (size_t i = 0; i < *count; i++) {
        struct candidate candidate = planner->candidates[i];
        const int64_t *needs = &planner->needs[candidate.class_ * dims];
        double dot = 0;
        bool fits = true;
        for (size_t d = 0; d < dims; d++) {
            fits = fits && needs[d] <= room[d];
            dot += (double)needs[d] * direction[d];
        }
        if (!fits)
            continue;
        double score = dot * dot * candidate.factor;
        if (score > best_score) {
            best = kept;
            best_score = score;
        }
        planner->candidates[kept++] = candidate;
    }
    *count = kept;
    return best;
}

static void part_add(struct planner *planner, size_t class_, int64_t count)
{
    for (size_t i = 0; i < planner->part_count; i++) {
        if (planner->parts[i].class_ == class_) {
            planner->parts[i].times += count;
            return;
        }
    }
    planner->parts[planner->part_count++] = (struct purchase_part){class_, count};
}

double planner_fill(struct planner *planner, const struct solution *solution, size_t type,
                    int64_t *room)
{
    enum { PART_OF_FIT = 2 };
    size_t dims = planner->dims;
    double weights[PURCHASE_DIMS] = {0}, direction[PURCHASE_DIMS] = {0}, value = 0;
    size_t count = gather(planner, solution, type, room);
    weigh(planner, solution, type, count, weights);
    planner->part_count = 0;
    while (count > 0) {
        for (size_t d = 0; d < dims; d++)
            direction[d] = (double)room[d] * weights[d];
        size_t at = choose(planner, &count, direction, room);
        if (at == SIZE_MAX)
            break;
        size_t c = planner->candidates[at].class_;
        int64_t most = solution->remaining[c] - planner->taken[c];
        int64_t fit = times(planner, c, room, most);
        int64_t take = count == 1 ? fit : (fit + PART_OF_FIT - 1) / PART_OF_FIT;
        for (size_t d = 0; d < dims; d++)
            room[d] -= planner->needs[c * dims + d] * take;
        planner->taken[c] += take;
        value += planner->values[c] * (double)take;
        part_add(planner, c, take);
        if (take == most) { /* in order, so that ties are decided alike */
            for (size_t i = at + 1; i < count; i++)
                planner->candidates[i - 1] = planner->candidates[i];
            count--;
        }
    }
    for (size_t i = 0; i < planner->part_count; i++)
        planner->taken[planner->parts[i].class_] = 0;
    return value;
}
