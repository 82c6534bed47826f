/* SPDX-License-Identifier: Apache-2.0 */
/* passing.c - queues in which what can start passes what cannot (BEST_EFFORT_FIFO)
 *
 * A queue may have 100,000 jobs that cannot start, and a turn must not walk over them to find one
 * that can. So jobs that would be answered alike stand in a line of their own: of one namespace,
 * one class of requirements (of every node of a multi-node job), and one set of consumable
 * resources. When the head of a line finds no room, its whole line is shut until room may have
 * grown: a pod ended, a node or machine came, a limit was raised. A pass takes the oldest among
 * the heads of open lines, again and again; every job that could start then has been found, and
 * nobody was looked at twice.
 *
 * A job that arrives enters its line. If that is shut it waits there: those before it are the same
 * and have found no room. So a turn costs what has changed, and in the worst case, when room has
 * grown, one search for each line.
 *
 * Lines are kept only for queues that ask for it; lists of other queues cost nothing here. */
#include "passing.h"
#include "gang.h"

#include "bulkhead/base/arena.h"

#include <stdlib.h>
#include <string.h>

struct core_line { /* jobs that would be answered alike */
    struct core_passing *passing;
    char *key;
    struct tree jobs;      /* by in_line, in the queue's order */
    struct tree_node node; /* in open or shut, by the head */
    bool shut, takes;      /* takes: consumable resources */
    uint32_t blocked;      /* where it waits for room: a bit for each environment of the queue */
};

struct core_passing {
    struct map *lines; /* by key */
    struct tree open, shut;
    size_t waits[QUEUE_ENVIRONMENTS_MAX]; /* shut lines that wait for room there */
    size_t taking;                        /* lines whose jobs take consumable resources */
    bool bounded;                         /* equal jobs have equal bounds, too: see backfill.c */
};
_Static_assert(QUEUE_ENVIRONMENTS_MAX <= 32, "a bit for each");

static struct core_job *job_of(const struct tree_node *node)
{
    return node != NULL ? CONTAINER_OF(node, struct core_job, in_line) : NULL;
}

static struct core_job *head_of(const struct tree_node *node)
{
    return node != NULL ? job_of(tree_first(&CONTAINER_OF(node, struct core_line, node)->jobs))
                        : NULL;
}

static int compare_in_line(const struct tree_node *a, const struct tree_node *b)
{
    return order_compare(job_of(a), job_of(b));
}

static int compare_lines(const struct tree_node *a, const struct tree_node *b)
{
    return order_compare(head_of(a), head_of(b));
}

/* ------------------------------------------------------------------------ lines */

/* Addresses tell classes and resources apart; nothing is ever ordered by them. */
static void add_address(const void *object, struct str *out)
{
    str_addf(out, "/%llx", (unsigned long long)(uintptr_t)object);
}

static char *key_of(const struct core_job *job, bool bounded)
{
    AUTO_STR key = STR_EMPTY;
    str_add(&key, job->spec->meta.namespace_);
    add_address(job->class_, &key);
    for (size_t i = 0; i < job->hold_count; i++) {
        add_address(job->holds[i].of, &key);
        str_addf(&key, "=%lld", (long long)job->holds[i].quantity);
    }
    if (bounded) {
        str_addf(&key, "/%llds", (long long)job->timeout_ns);
        add_address(job->definition != NULL ? job->definition->of : NULL, &key);
    }
    if (!job->gang)
        return str_take(&key);
    str_addf(&key, "/%ux%u%s", job->size, job->main_node,
             job->nodes != NULL && job->nodes->allow_spot ? "s" : "");
    for (uint32_t i = 0; job->gang_classes != NULL && i < job->size; i++) {
        if (i == 0 || job->gang_classes[i] != job->gang_classes[i - 1]) {
            str_addf(&key, "/%u", i);
            add_address(job->gang_classes[i], &key);
        }
    }
    return str_take(&key);
}

static struct tree *tree_of(struct core_line *line)
{
    return line->shut ? &line->passing->shut : &line->passing->open;
}

static void count_waits(struct core_line *line, uint32_t blocked)
{
    for (size_t i = 0; i < QUEUE_ENVIRONMENTS_MAX; i++) {
        line->passing->waits[i] -= (line->blocked >> i) & 1U;
        line->passing->waits[i] += (blocked >> i) & 1U;
    }
    line->blocked = blocked;
}

static void open_line(struct core_line *line)
{
    line->shut = false;
    count_waits(line, 0);
}

static struct core_line *line_for(struct core_passing *passing, const struct core_job *job)
{
    AUTO_TEXT key = key_of(job, passing->bounded);
    struct core_line *line = map_get(passing->lines, key);
    if (line != NULL)
        return line;
    line = mem_new(sizeof(*line));
    line->passing = passing;
    line->key = text_copy(key);
    line->jobs.compare = compare_in_line;
    line->takes = job->hold_count > 0;
    passing->taking += line->takes;
    map_put(passing->lines, key, line);
    return line;
}

/* Takes it out of the trees, since its head may be another; goes back as shut as it is then. */
static void take_out(struct core_line *line)
{
    tree_remove(tree_of(line), &line->node);
}

static void put_back(struct core_line *line, const struct core_job *old_head)
{
    /* Another head is to be told what it waits for, like the one before it. */
    if (line->shut && job_of(tree_first(&line->jobs)) != old_head)
        open_line(line);
    tree_insert(tree_of(line), &line->node);
}

void passing_enter(struct core_job *job)
{
    struct core_passing *passing = job->queue->passing;
    if (passing == NULL)
        return;
    struct core_line *line = line_for(passing, job);
    const struct core_job *head = job_of(tree_first(&line->jobs));
    take_out(line);
    tree_insert(&line->jobs, &job->in_line);
    job->line = line;
    put_back(line, head);
}

void passing_leave(struct core_job *job)
{
    struct core_line *line = job->line;
    if (line == NULL)
        return;
    const struct core_job *head = job_of(tree_first(&line->jobs));
    take_out(line);
    tree_remove(&line->jobs, &job->in_line);
    job->line = NULL;
    if (line->jobs.root != NULL) {
        put_back(line, head);
        return;
    }
    open_line(line);
    line->passing->taking -= line->takes;
    map_remove(line->passing->lines, line->key);
    free(line->key);
    free(line);
}

void passing_set(struct core_queue *queue)
{
    const struct job_queue *spec = queue->spec;
    bool bounded = queue->backfill != NULL;
    bool wanted =
        bounded || (spec != NULL && spec->strategy == QUEUE_BEST_EFFORT && spec->policy == NULL);
    if (queue->passing != NULL && (!wanted || bounded != queue->passing->bounded))
        passing_free(queue);
    if (!wanted || queue->passing != NULL)
        return;
    struct core_passing *passing = mem_new(sizeof(*passing));
    passing->lines = map_new();
    passing->bounded = bounded;
    passing->open.compare = passing->shut.compare = compare_lines;
    queue->passing = passing;
    for (struct core_job *job = NULL; (job = order_each(queue, job)) != NULL;)
        passing_enter(job);
}

void passing_free(struct core_queue *queue)
{
    if (queue->passing == NULL)
        return;
    for (struct core_job *job = NULL; (job = order_each(queue, job)) != NULL;)
        passing_leave(job);
    map_free(queue->passing->lines);
    free(queue->passing);
    queue->passing = NULL;
}

/* ------------------------------------------------------------------------ a pass */

struct core_job *passing_first(const struct core_queue *queue)
{
    return head_of(tree_first(&queue->passing->open));
}

void passing_shut(const struct core *core, struct core_job *job,
                  struct core_environment *const *blocked, size_t count)
{
    const struct job_queue *spec = job->queue->spec;
    struct core_line *line = job->line;
    uint32_t bits = 0;
    for (size_t i = 0, next = 0; i < spec->environment_count && next < count; i++) {
        if (map_get(core->environments, spec->environments[i].compute_environment) != blocked[next])
            continue; /* both are in the queue's order */
        bits |= 1U << i;
        next++;
    }
    take_out(line);
    line->shut = true;
    count_waits(line, bits);
    tree_insert(tree_of(line), &line->node);
}

void passing_reopen(struct core_queue *queue)
{
    struct core_passing *passing = queue->passing;
    struct tree_node *node;
    while ((node = tree_first(&passing->shut)) != NULL) {
        struct core_line *line = CONTAINER_OF(node, struct core_line, node);
        take_out(line);
        open_line(line);
        tree_insert(tree_of(line), node);
    }
}

size_t passing_blocked(const struct core *core, const struct core_queue *queue,
                       struct core_environment **ret_blocked)
{
    size_t count = 0;
    for (size_t i = 0; i < queue->spec->environment_count; i++) {
        if (queue->passing->waits[i] > 0)
            ret_blocked[count++] =
                map_get(core->environments, queue->spec->environments[i].compute_environment);
    }
    return count;
}

bool passing_takes_consumables(const struct core_queue *queue)
{
    return queue->passing != NULL && queue->passing->taking > 0;
}

/* ------------------------------------------------------------------------- a walk */

struct cursor {
    struct tree_node node;
    struct core_job *job;
};

static int compare_cursors(const struct tree_node *a, const struct tree_node *b)
{
    return order_compare(CONTAINER_OF(a, const struct cursor, node)->job,
                         CONTAINER_OF(b, const struct cursor, node)->job);
}

void passing_walk_begin(struct passing_walk *walk, struct arena *arena,
                        const struct core_queue *queue)
{
    *walk = (struct passing_walk){
        .arena = arena,
        .cursors = {.compare = compare_cursors},
        .open = tree_first(&queue->passing->open),
        .shut = tree_first(&queue->passing->shut),
    };
}

/* The next of the line that the last job was of. */
static void go_on(struct passing_walk *walk)
{
    struct core_job *next = job_of(tree_next(&walk->last->in_line));
    if (next == NULL)
        return;
    struct cursor *cursor = arena_alloc(walk->arena, sizeof(*cursor));
    *cursor = (struct cursor){.job = next};
    tree_insert(&walk->cursors, &cursor->node);
}

struct core_job *passing_walk_next(struct passing_walk *walk, bool skip)
{
    if (walk->last != NULL && !skip)
        go_on(walk);
    struct tree_node *first = tree_first(&walk->cursors);
    struct core_job *best = first != NULL ? CONTAINER_OF(first, struct cursor, node)->job : NULL;
    struct core_job *open = head_of(walk->open), *shut = head_of(walk->shut);
    struct tree_node **line = open != NULL ? &walk->open : &walk->shut;
    if (open != NULL && shut != NULL && order_compare(shut, open) < 0)
        line = &walk->shut;
    struct core_job *head = head_of(*line);
    if (head != NULL && (best == NULL || order_compare(head, best) < 0)) {
        best = head;
        *line = tree_next(*line);
    } else if (first != NULL) {
        tree_remove(&walk->cursors, first);
    }
    walk->last = best;
    return best;
}
