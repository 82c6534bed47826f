/* SPDX-License-Identifier: Apache-2.0 */
/* bounds_test.c - the core at its bounds: of a plan, of ended pods, of Events (docs/limits.md)
 *
 * One node has room for everything; the API server answers what a test lets it answer. */
#include "check.h"

#include "bulkhead/api/job.h"
#include "bulkhead/api/node.h"
#include "bulkhead/api/policy.h"
#include "bulkhead/api/queue.h"
#include "bulkhead/core/core.h"
#include "bulkhead/json/get.h"

#include <string.h>

enum {
    PLAN_BOUND = 8192,
    ENDED_BOUND = 8192,
    EVENTS_BOUND = 256,
    CREATES_BOUND = 160,
    SHARES_BOUND = 10000,
    TURNS = 40,
    MANY = 1000000
};

struct driver {
    struct core *core;
    int64_t now_ns;
    size_t creates_max; /* in flight; 0: as a controller has it */
    bool pods_end;      /* at once, well */
    bool deaf;          /* creates are not answered */
    bool silent;        /* releases and deletes are not answered */
    bool unstored;      /* statuses of jobs are refused for now */
    bool own_shares;    /* each job that is added has a share of its own */
    int64_t creates;    /* so far */
    int shares_full;    /* statuses that say TooManyShares */
    size_t actions_max; /* of a plan */
    size_t events_max;  /* Events of a plan */
    bool woken;         /* a plan at its bound asked to be woken at once */
    int64_t version;
};

static struct json_object *parse(const char *text)
{
    struct err err;
    struct json_object *doc = NULL;
    REQUIRE(json_parse(text, strlen(text), &doc, &err) == 0);
    return doc;
}

static void apply(struct driver *driver, struct event *event)
{
    event->now_ns = driver->now_ns;
    core_apply(driver->core, event);
}

static void open_world(struct driver *driver)
{
    struct err err;
    struct event event = {.kind = EVENT_ENVIRONMENT};
    const struct core_options options = {.creates_max = driver->creates_max};
    driver->core = core_new(&options);
    driver->now_ns = 1700000000 * NS_PER_S;
    AUTO(json_object)
    environment =
        parse("{\"metadata\":{\"name\":\"e\",\"uid\":\"e\",\"resourceVersion\":\"1\","
              "\"finalizers\":[\"bulkhead.dev/in-use\"]},\"spec\":{\"type\":\"UNMANAGED\","
              "\"kubernetesNamespaces\":[\"n\"],\"nodeGroup\":{\"provider\":\"static\"}}}");
    REQUIRE(compute_environment_decode(environment, &event.environment, &err) == 0);
    apply(driver, &event);
    event = (struct event){.kind = EVENT_QUEUE};
    AUTO(json_object)
    queue = parse("{\"metadata\":{\"name\":\"q\",\"uid\":\"q\",\"resourceVersion\":\"1\","
                  "\"finalizers\":[\"bulkhead.dev/in-use\"]},\"spec\":{\"computeEnvironmentOrder\":"
                  "[{\"order\":1,\"computeEnvironment\":\"e\"}]}}");
    REQUIRE(job_queue_decode(queue, &event.queue, &err) == 0);
    apply(driver, &event);
    event = (struct event){.kind = EVENT_NODE};
    AUTO(json_object)
    node =
        parse("{\"metadata\":{\"name\":\"node\",\"uid\":\"node\",\"resourceVersion\":\"1\","
              "\"labels\":{\"bulkhead.dev/compute-environment\":\"e\"}},\"status\":{\"conditions\":"
              "[{\"type\":\"Ready\",\"status\":\"True\"}],\"allocatable\":{\"cpu\":\"1000000\","
              "\"memory\":\"1000Ti\",\"pods\":\"1000000\"}}}");
    REQUIRE(node_decode(node, &event.node, &err) == 0);
    apply(driver, &event);
    apply(driver, &(struct event){.kind = EVENT_SYNCED});
}

static void add_job(struct driver *driver, int number, int children)
{
    struct err err;
    struct event event = {.kind = EVENT_JOB};
    AUTO_TEXT array =
        children > 1 ? text_printf("\"arrayProperties\":{\"size\":%d},", children) : text_copy("");
    AUTO_TEXT share =
        driver->own_shares ? text_printf("\"shareIdentifier\":\"s%d\",", number) : text_copy("");
    AUTO_TEXT text = text_printf(
        "{\"metadata\":{\"name\":\"j%d\",\"namespace\":\"n\",\"uid\":\"uid-%d\",\"generation\":1,"
        "\"resourceVersion\":\"1\"},\"spec\":{\"jobQueue\":\"q\",%s%s\"template\":{\"spec\":{"
        "\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"resources\":{\"requests\":{\"cpu\":"
        "\"1\",\"memory\":\"1Mi\"}}}]}}}}",
        number, number, array, share);
    AUTO(json_object) doc = parse(text);
    REQUIRE(batch_job_decode(doc, &event.job, &err) == 0);
    event.job->meta.created_ns = driver->now_ns;
    apply(driver, &event);
}

static struct pod *pod_made(struct driver *driver, const struct pod_order *order, bool ended)
{
    struct pod *pod = mem_new(sizeof(*pod));
    const struct object_meta *job = &order->job->meta;
    pod->meta = (struct object_meta){.name = text_copy(order->name),
                                     .namespace_ = text_copy("n"),
                                     .uid = text_printf("pod-%s", order->name),
                                     .resource_version =
                                         text_printf("%lld", (long long)++driver->version + 10),
                                     .created_ns = driver->now_ns,
                                     .has_finalizer = true};
    pod->node_name = text_copy(order->node_name);
    pod->phase = ended ? POD_SUCCEEDED : POD_PENDING;
    pod->containers_started = ended;
    pod->started_ns = pod->finished_ns = ended ? driver->now_ns : 0;
    pod->requests = (struct resources){.cpu_milli = 1000, .memory_bytes = 1 << 20, .pods = 1};
    pod->owner_kind = text_copy("BatchJob");
    pod->owner_uid = text_copy(job->uid);
    pod->job_uid = text_copy(job->uid);
    pod->job_name = text_copy(job->name);
    pod->queue = text_copy("q");
    pod->environment = text_copy("e");
    pod->node_uid = text_copy("node");
    pod->index = order->index;
    pod->count = 1;
    pod->try = order->try;
    pod->attempt = order->attempt;
    return pod;
}

static void carry_out(struct driver *driver, const struct action *action)
{
    struct event event = {.kind = EVENT_DONE};
    event.done = (struct done){.action_id = action->id, .result = DONE_OK};
    bool create = action->kind == ACTION_POD_CREATE;
    bool about_pods = action->kind == ACTION_POD_RELEASE || action->kind == ACTION_POD_DELETE;
    if (action->kind == ACTION_EVENT || (driver->silent && about_pods))
        return;
    AUTO_TEXT version = text_printf("%lld", (long long)++driver->version + 1000000);
    event.done.resource_version = version;
    if (driver->unstored && action->kind == ACTION_JOB_STATUS)
        event.done = (struct done){.action_id = action->id, .result = DONE_AGAIN, .message = "no"};
    driver->creates += create ? 1 : 0;
    driver->shares_full +=
        action->kind == ACTION_JOB_STATUS && strcmp(action->status->reason, "TooManyShares") == 0;
    if (create && driver->deaf)
        return;
    if (create)
        event.done.pod = pod_made(driver, &action->order, false);
    struct pod *ended = create && driver->pods_end ? pod_made(driver, &action->order, true) : NULL;
    apply(driver, &event);
    if (ended != NULL)
        apply(driver, &(struct event){.kind = EVENT_POD, .pod = ended});
}

static void turns(struct driver *driver, int count)
{
    for (int i = 0; i < count; i++) {
        struct plan plan;
        size_t events = 0;
        AUTO(arena) arena = arena_new(0);
        core_plan(driver->core, driver->now_ns, arena, &plan);
        for (size_t a = 0; a < plan.action_count; a++)
            events += plan.actions[a].kind == ACTION_EVENT ? 1 : 0;
        if (plan.action_count > driver->actions_max)
            driver->actions_max = plan.action_count;
        if (events > driver->events_max)
            driver->events_max = events;
        if (plan.action_count >= PLAN_BOUND)
            driver->woken = plan.wake_ns <= driver->now_ns;
        for (size_t a = 0; a < plan.action_count; a++)
            carry_out(driver, &plan.actions[a]);
        driver->now_ns += NS_PER_S;
    }
}

/* Creates that are sent and not answered: as many as the API server is to have at a time. */
TEST(creates_in_flight)
{
    struct driver driver = {.deaf = true};
    open_world(&driver);
    add_job(&driver, 1, 1000);
    turns(&driver, TURNS);
    CHECK_INT("creates", driver.creates, CREATES_BOUND);
    core_free(driver.core);
}

/* All of a large array has room: a plan has so many creates, and the next comes at once. */
TEST(one_plan)
{
    struct driver driver = {.creates_max = MANY};
    open_world(&driver);
    add_job(&driver, 1, 3 * PLAN_BOUND);
    turns(&driver, TURNS);
    CHECK_INT("all are created", driver.creates, 3 * PLAN_BOUND);
    CHECK_TRUE("a plan reaches its bound", driver.actions_max >= PLAN_BOUND);
    CHECK_TRUE("and does not pass it by more than what no array has",
               driver.actions_max <= PLAN_BOUND + 8);
    CHECK_TRUE("the rest follows at once", driver.woken);
    core_free(driver.core);
}

/* They end at once, and nobody answers who would let go of them. */
TEST(ended_pods_do_not_pile_up)
{
    struct driver driver = {.creates_max = 1000, .pods_end = true, .silent = true};
    open_world(&driver);
    add_job(&driver, 1, 10 * ENDED_BOUND);
    turns(&driver, TURNS);
    CHECK_TRUE("up to the bound", driver.creates > ENDED_BOUND);
    CHECK_TRUE("and those of the plans before a status is stored",
               driver.creates <= ENDED_BOUND + 4000);
    core_free(driver.core);
}

/* Pods are taken and statuses are not: a job's pods wait, and its others do not start. */
TEST(ends_that_are_not_stored)
{
    struct driver driver = {.creates_max = 1000, .pods_end = true, .unstored = true};
    open_world(&driver);
    add_job(&driver, 1, 3 * ENDED_BOUND);
    turns(&driver, TURNS);
    CHECK_TRUE("up to the bound", driver.creates >= ENDED_BOUND);
    CHECK_TRUE("and those that were in flight then", driver.creates <= ENDED_BOUND + 1000);
    add_job(&driver, 2, 10);
    int64_t before = driver.creates;
    turns(&driver, 1);
    CHECK_INT("another job starts", driver.creates - before, 10);
    driver.unstored = false;
    turns(&driver, 10 * TURNS);
    CHECK_INT("and all of it when it is stored", driver.creates, 3 * ENDED_BOUND + 10);
    core_free(driver.core);
}

/* The same over many jobs: of all together there is a bound too. */
TEST(ends_of_many_jobs_that_are_not_stored)
{
    struct driver driver = {.creates_max = 4000, .pods_end = true, .unstored = true};
    open_world(&driver);
    for (int i = 0; i < 12; i++)
        add_job(&driver, i + 1, ENDED_BOUND);
    turns(&driver, TURNS);
    CHECK_TRUE("up to the bound", driver.creates >= 8 * ENDED_BOUND);
    CHECK_TRUE("and those that were in flight then", driver.creates <= 8 * ENDED_BOUND + 4000);
    driver.unstored = false;
    turns(&driver, 50 * TURNS); /* so many releases and deletes are at once */
    CHECK_INT("and all when they are stored", driver.creates, 12 * ENDED_BOUND);
    core_free(driver.core);
}

static void set_policy(struct driver *driver)
{
    struct err err;
    struct event event = {.kind = EVENT_POLICY};
    AUTO(json_object)
    policy = parse("{\"metadata\":{\"name\":\"p\",\"uid\":\"p\",\"resourceVersion\":"
                   "\"1\"},\"spec\":{\"fairsharePolicy\":{}}}");
    REQUIRE(scheduling_policy_decode(policy, &event.policy, &err) == 0);
    apply(driver, &event);
    event = (struct event){.kind = EVENT_QUEUE};
    AUTO(json_object)
    queue = parse(
        "{\"metadata\":{\"name\":\"q\",\"uid\":\"q\",\"resourceVersion\":\"2\",\"generation\":2,"
        "\"finalizers\":[\"bulkhead.dev/in-use\"]},\"spec\":{\"schedulingPolicy\":\"p\","
        "\"computeEnvironmentOrder\":[{\"order\":1,\"computeEnvironment\":\"e\"}]}}");
    REQUIRE(job_queue_decode(queue, &event.queue, &err) == 0);
    apply(driver, &event);
}

/* So many shares of a queue take turns; a job of one more waits until one of them has nothing left,
 * and says why. */
TEST(shares_of_a_queue)
{
    struct driver driver = {.creates_max = MANY};
    open_world(&driver);
    set_policy(&driver);
    driver.own_shares = true;
    for (int i = 0; i <= SHARES_BOUND; i++)
        add_job(&driver, i + 1, 1);
    turns(&driver, TURNS);
    CHECK_INT("started", driver.creates, SHARES_BOUND);
    CHECK_INT("the other is told why", driver.shares_full, 1);
    core_free(driver.core);
}

TEST(events_of_one_turn)
{
    struct driver driver = {.creates_max = MANY, .pods_end = true};
    open_world(&driver);
    for (int i = 0; i < 3 * EVENTS_BOUND; i++)
        add_job(&driver, i + 1, 1);
    turns(&driver, TURNS);
    CHECK_INT("all ran", driver.creates, 3 * EVENTS_BOUND);
    CHECK_INT("Events of a plan", driver.events_max, EVENTS_BOUND);
    core_free(driver.core);
}
