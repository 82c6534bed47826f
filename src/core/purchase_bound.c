/* SPDX-License-Identifier: Apache-2.0 */
/* purchase_bound.c - a price below which no plan can be, and what each resource is worth
 *
 * Relaxed, the work is a fluid: machines may be bought in parts, and only the sums of the resources
 * have to suffice. That is the linear program
 *
 *     minimise  sum over types of price[t] x[t]
 *     such that sum over types of room[t][d] x[t] >= demand[d] for each resource d,  x >= 0
 *
 * and any plan for the real work is a solution of it. Its dual has one variable a resource:
 *
 *     maximise  sum over d of demand[d] y[d]
 *     such that sum over d of room[t][d] y[d] <= price[t] for each type t,  y >= 0
 *
 * y[d] is what one of resource d is worth. y = 0 is feasible, so the simplex method starts there;
 * there are few resources, so the tableau is narrow: a row for each type, a column for each
 * resource (Dantzig's rule; Bland's when it takes long, so that it ends). By weak duality every
 * feasible y gives a bound, so rounding cannot make it wrong: in the end y is scaled until it is
 * feasible for certain. */
#include "purchase_parts.h"

enum { PIVOTS_MAX = 400, DANTZIG_MAX = 200 };
static const double EPSILON = 1e-9;

struct tableau {
    size_t rows, columns;
    double *cells; /* [row * (columns + 1) + column]; the last column is the right side */
    double *goal;  /* by column */
    size_t *basic; /* by row: which variable, resources first, then the slack of each type */
    size_t *free_; /* by column */
};

static double *cell(const struct tableau *tableau, size_t row, size_t column)
{
    return &tableau->cells[row * (tableau->columns + 1) + column];
}

static size_t column_choose(const struct tableau *tableau, int pivots)
{
    size_t best = SIZE_MAX;
    for (size_t c = 0; c < tableau->columns; c++) {
        if (tableau->goal[c] <= EPSILON)
            continue;
        bool better =
            best == SIZE_MAX || (pivots < DANTZIG_MAX ? tableau->goal[c] > tableau->goal[best]
                                                      : tableau->free_[c] < tableau->free_[best]);
        if (better)
            best = c;
    }
    return best;
}

static size_t row_choose(const struct tableau *tableau, size_t column)
{
    size_t best = SIZE_MAX;
    double least = 0;
    for (size_t r = 0; r < tableau->rows; r++) {
        double a = *cell(tableau, r, column);
        if (a <= EPSILON)
            continue;
        double ratio = *cell(tableau, r, tableau->columns) / a;
        if (best == SIZE_MAX || ratio < least ||
            (ratio <= least && tableau->basic[r] < tableau->basic[best])) {
            best = r;
            least = ratio;
        }
    }
    return best;
}

static void pivot(struct tableau *tableau, size_t row, size_t column)
{
    double inverse = 1 / *cell(tableau, row, column);
    for (size_t c = 0; c <= tableau->columns; c++)
        *cell(tableau, row, c) *= c == column ? 0 : inverse;
    *cell(tableau, row, column) = inverse;
    for (size_t r = 0; r < tableau->rows; r++) {
        double factor = *cell(tableau, r, column);
        if (r == row || factor == 0)
            continue;
        *cell(tableau, r, column) = 0;
        for (size_t c = 0; c <= tableau->columns; c++)
            *cell(tableau, r, c) -= factor * *cell(tableau, row, c);
    }
    double factor = tableau->goal[column];
    tableau->goal[column] = 0;
    for (size_t c = 0; c < tableau->columns; c++)
        tableau->goal[c] -= factor * *cell(tableau, row, c);
    size_t was = tableau->basic[row];
    tableau->basic[row] = tableau->free_[column];
    tableau->free_[column] = was;
}

static void solve(struct tableau *tableau)
{
    for (int pivots = 0; pivots < PIVOTS_MAX; pivots++) {
        size_t column = column_choose(tableau, pivots);
        size_t row = column != SIZE_MAX ? row_choose(tableau, column) : SIZE_MAX;
        if (row == SIZE_MAX)
            return;
        pivot(tableau, row, column);
    }
}

/* Scaled until no type is worth more than it costs. */
static void make_feasible(struct planner *planner)
{
    double most = 1;
    for (size_t i = 0; i < planner->order_count; i++) {
        size_t t = planner->order[i];
        double worth = 0;
        for (size_t d = 0; d < planner->dims; d++)
            worth += planner->prices[d] * (double)planner->rooms[t * planner->dims + d];
        double over = worth / planner->problem->types[t].price;
        if (over > most)
            most = over;
    }
    for (size_t d = 0; d < planner->dims; d++)
        planner->prices[d] /= most;
}

void planner_bound(struct planner *planner, const int64_t *count)
{
    size_t dims = planner->dims, rows = planner->order_count;
    double demand[PURCHASE_DIMS] = {0};
    for (size_t c = 0; c < planner->class_count; c++) {
        for (size_t d = 0; d < dims; d++)
            demand[d] += (double)planner->needs[c * dims + d] * (double)count[c];
    }
    struct tableau tableau = {
        .rows = rows,
        .columns = dims,
        .cells = arena_alloc(planner->arena, (rows + 1) * (dims + 1) * sizeof(double)),
        .goal = arena_alloc(planner->arena, (dims + 1) * sizeof(double)),
        .basic = arena_alloc(planner->arena, (rows + 1) * sizeof(size_t)),
        .free_ = arena_alloc(planner->arena, (dims + 1) * sizeof(size_t)),
    };
    double dearest = 0;
    for (size_t r = 0; r < rows; r++) {
        double price = planner->problem->types[planner->order[r]].price;
        dearest = price > dearest ? price : dearest;
    }
    /* In units of all that is asked for, and of the dearest type. */
    for (size_t d = 0; d < dims; d++) {
        tableau.goal[d] = demand[d] > 0 ? 1 : 0;
        tableau.free_[d] = d;
    }
    for (size_t r = 0; r < rows; r++) {
        size_t t = planner->order[r];
        for (size_t d = 0; d < dims; d++)
            *cell(&tableau, r, d) =
                demand[d] > 0 ? (double)planner->rooms[t * dims + d] / demand[d] : 0;
        *cell(&tableau, r, dims) = planner->problem->types[t].price / dearest;
        tableau.basic[r] = dims + r;
    }
    solve(&tableau);
    for (size_t d = 0; d < dims; d++)
        planner->prices[d] = 0;
    for (size_t r = 0; r < rows; r++) {
        size_t d = tableau.basic[r];
        double worth = *cell(&tableau, r, dims);
        if (d < dims && demand[d] > 0 && worth > 0)
            planner->prices[d] = worth * dearest / demand[d];
    }
    make_feasible(planner);
    planner->bound = 0;
    for (size_t d = 0; d < dims; d++)
        planner->bound += planner->prices[d] * demand[d];
}
