/* SPDX-License-Identifier: Apache-2.0 */
/* passing_scale_test.c - what a turn costs when one job arrives where very many wait
 *
 * Full nodes, jobs of a hundred shapes that wait, and one more that comes: the CPU time of the
 * turn, the median of many. The figures are in build/check/core/passing_scale_test.log; the bound
 * is loose, since the machine does other things. PASSING_NODES and PASSING_JOBS in the environment
 * measure other worlds: 10,000 nodes and 1,000, 10,000 and 100,000 jobs are the ones to compare. */
#include "check.h"

#include "src/core/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SHAPES = 100, TURNS = 301, NODES = 200, JOBS = 1000 };

static int64_t number_from(const char *name, int64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoll(text, NULL, 10) : otherwise;
}

static void node_add(struct core *core, unsigned number)
{
    struct node *node = mem_new(sizeof(*node));
    node->meta.name = text_printf("n%u", number);
    node->meta.uid = text_printf("n%u", number);
    node->allocatable =
        (struct resources){.cpu_milli = 1000, .memory_bytes = 1LL << 33, .pods = 110};
    node->ready = true;
    key_values_set(&node->labels, LABEL_ENVIRONMENT, "e");
    core_apply(core, &(struct event){.kind = EVENT_NODE, .now_ns = NS_PER_S, .node = node});
}

/* Too large for what is left of any node, and small enough for an empty one. */
static void job_add(struct core *core, unsigned number)
{
    struct batch_job *job = mem_new(sizeof(*job));
    job->meta.name = text_printf("j%07u", number);
    job->meta.namespace_ = text_copy("default");
    job->meta.uid = text_printf("%08u", number);
    job->meta.created_ns = NS_PER_S;
    job->queue = text_copy("q");
    job->has_template = true;
    job->template_.json = text_copy("{}");
    job->template_.placement.requests.cpu_milli = 600 + number % SHAPES;
    core_apply(core, &(struct event){.kind = EVENT_JOB, .now_ns = NS_PER_S, .job = job});
}

/* What takes most of a node. */
static void pod_add(struct core *core, unsigned number)
{
    struct pod *pod = mem_new(sizeof(*pod));
    pod->meta.name = text_printf("p%u", number);
    pod->meta.namespace_ = text_copy("default");
    pod->meta.uid = text_printf("p%u", number);
    pod->meta.resource_version = text_copy("1");
    pod->node_name = text_printf("n%u", number);
    pod->phase = POD_RUNNING;
    pod->requests = (struct resources){.cpu_milli = 500, .pods = 1};
    core_apply(core, &(struct event){.kind = EVENT_POD, .now_ns = NS_PER_S, .pod = pod});
}

static struct core *world_of(int64_t jobs, int64_t nodes)
{
    struct core *core = core_new(NULL);
    struct compute_environment *environment = mem_new(sizeof(*environment));
    environment->meta.name = text_copy("e");
    environment->meta.uid = text_copy("e");
    environment->meta.has_finalizer = true;
    environment->enabled = true;
    environment->provider = PROVIDER_STATIC;
    text_list_add(&environment->namespaces, "default");
    core_apply(
        core,
        &(struct event){.kind = EVENT_ENVIRONMENT, .now_ns = NS_PER_S, .environment = environment});
    struct job_queue *queue = mem_new(sizeof(*queue));
    queue->meta.name = text_copy("q");
    queue->meta.uid = text_copy("q");
    queue->meta.has_finalizer = true;
    queue->state = QUEUE_ENABLED;
    queue->strategy = QUEUE_BEST_EFFORT;
    queue->environments = mem_new(sizeof(*queue->environments));
    queue->environment_count = 1;
    queue->environments[0] = (struct environment_order){1, text_copy("e")};
    core_apply(core, &(struct event){.kind = EVENT_QUEUE, .now_ns = NS_PER_S, .queue = queue});
    for (unsigned i = 0; i < nodes; i++)
        node_add(core, i);
    for (unsigned i = 0; i < nodes; i++)
        pod_add(core, i);
    core_apply(core, &(struct event){.kind = EVENT_SYNCED, .now_ns = NS_PER_S});
    for (unsigned i = 0; i < jobs; i++)
        job_add(core, i);
    return core;
}

static int64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

/* Of a turn in which a job comes, in ns. */
static int64_t cost(int64_t jobs, int64_t nodes)
{
    int64_t costs[TURNS];
    AUTO(core) core = world_of(jobs, nodes);
    AUTO(arena) arena = arena_new(0);
    struct plan plan;
    for (int settle = 0; settle < 50; settle++) {
        arena_reset(arena);
        core_plan(core, (2 + settle) * NS_PER_S, arena, &plan);
    }
    for (unsigned i = 0; i < TURNS; i++) {
        int64_t begun = cpu_ns();
        job_add(core, (unsigned)jobs + i);
        arena_reset(arena);
        core_plan(core, (60 * NS_PER_S) + i, arena, &plan);
        costs[i] = cpu_ns() - begun;
    }
    struct core_counts counts;
    core_counts(core, &counts);
    CHECK_INT("all wait", counts.jobs_by_phase[JOB_RUNNABLE], jobs + TURNS);
    qsort(costs, TURNS, sizeof(*costs), by_size);
    return costs[TURNS / 2];
}

TEST(a_turn_costs_what_changed)
{
    int64_t nodes = number_from("PASSING_NODES", NODES);
    int64_t jobs = number_from("PASSING_JOBS", JOBS);
    int64_t few = cost(jobs, nodes), many = cost(jobs * 10, nodes);
    (void)printf("%lld nodes: a turn in which a job comes takes %lld us where %lld wait, %lld us "
                 "where %lld do\n",
                 (long long)nodes, (long long)few / 1000, (long long)jobs, (long long)many / 1000,
                 (long long)jobs * 10);
    CHECK_INT("ten times as many jobs cost no more than five times as much", many < 5 * few, 1);
}
