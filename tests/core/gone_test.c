/* SPDX-License-Identifier: Apache-2.0 */
/* gone_test.c - what was deleted does not come back by an answer that is older than its end; what
 * is kept tells for whom; what a dead process has said of an end holds */
#include "core/world.h"

#include "bulkhead/base/str.h"
#include "bulkhead/core/core.h"

static void meta_fill(struct object_meta *meta, const char *uid, const char *version)
{
    meta->name = text_copy("x");
    meta->uid = text_copy(uid);
    meta->resource_version = text_copy(version);
    meta->generation = 1;
}

static void show(struct core *core, enum event_kind kind, const char *uid)
{
    struct event event = {.kind = kind, .now_ns = NS_PER_S};
    switch (kind) {
    case EVENT_QUEUE:
        event.queue = mem_new(sizeof(*event.queue));
        event.queue->state = QUEUE_ENABLED;
        meta_fill(&event.queue->meta, uid, "7");
        break;
    case EVENT_ENVIRONMENT:
        event.environment = mem_new(sizeof(*event.environment));
        event.environment->provider = PROVIDER_STATIC;
        meta_fill(&event.environment->meta, uid, "7");
        break;
    case EVENT_INVALID:
        event.meta = mem_new(sizeof(*event.meta));
        event.object_kind = "JobQueue";
        event.message = "spec.priority: -1, expected 0..1000";
        meta_fill(event.meta, uid, "7");
        break;
    default:
        event.name = "x";
        break;
    }
    core_apply(core, &event);
}

static void check_counts(const char *name, const struct core *core, int64_t queues,
                         int64_t environments)
{
    struct core_counts counts;
    core_counts(core, &counts);
    CHECK_INT(name, counts.queues, queues);
    CHECK_INT(name, counts.environments, environments);
}

TEST(what_is_gone_stays_gone)
{
    AUTO(core) core = core_new(&(struct core_options){0});
    core_apply(core, &(struct event){.kind = EVENT_SYNCED, .now_ns = NS_PER_S});
    show(core, EVENT_QUEUE, "q-1");
    show(core, EVENT_ENVIRONMENT, "e-1");
    check_counts("there", core, 1, 1);
    show(core, EVENT_QUEUE_GONE, NULL);
    show(core, EVENT_ENVIRONMENT_GONE, NULL);
    show(core, EVENT_QUEUE, "q-1");
    show(core, EVENT_INVALID, "q-1");
    show(core, EVENT_ENVIRONMENT, "e-1");
    check_counts("read again, and overtaken", core, 0, 0);
    show(core, EVENT_QUEUE, "q-2");
    show(core, EVENT_ENVIRONMENT, "e-2");
    check_counts("made again", core, 1, 1);
    show(core, EVENT_QUEUE, "q-1");
    show(core, EVENT_ENVIRONMENT, "e-1");
    show(core, EVENT_QUEUE_GONE, NULL);
    show(core, EVENT_ENVIRONMENT_GONE, NULL);
    check_counts("the newer ones were what went", core, 0, 0);
    show(core, EVENT_QUEUE, "q-2");
    show(core, EVENT_ENVIRONMENT, "e-2");
    check_counts("and stay gone", core, 0, 0);
}

static const struct world_row kept[] = {
    /* clang-format off */
    {"who keeps a job beyond its time is told of, once",
     "environment e static\n"
     "queue q envs=e\n"
     "node n1 env=e cpu=1\n"
     "job a queue=q cpu=1 array=1 ttl=0s\n"
     "job b queue=q array=1 after=a:N_TO_N definition=d\n"
     "at 1s\n"
     "pod a/0 ok result=one\n"
     "at 200s\n"
     "definition d cpu=1\n"
     "at 210s\n"
     "jobs\n",
     "1s event BatchJob a Succeeded: all children succeeded\n"
     "5s event BatchJob b JobDefinitionMissing: JobDefinition d does not exist in namespace default\n"
     "61s event BatchJob a KeptForDependant: kept beyond its ttlSecondsAfterFinished: b, which depends on it, has not taken note of its end yet (JobDefinitionMissing): see what that one waits for, or cancel it\n"
     "210s jobs\n"
     "  b 1 STARTING\n"},
    /* clang-format on */
};

TEST(what_is_kept_for_another)
{
    world_check(kept, ARRAY_LEN(kept), SHOW_EVENTS);
}

static void show_job(struct core *core, const char *version, int64_t cost)
{
    struct batch_job *job = mem_new(sizeof(*job));
    meta_fill(&job->meta, "j-1", version);
    job->meta.namespace_ = text_copy("default");
    job->queue = text_copy("q");
    job->has_template = true;
    if (cost > 0) {
        job->has_status = true;
        job->status.cost.amount = cost;
        job->status.phase = JOB_FAILED;
        job->status.reason = text_copy("ReplacesRefused");
        job->status.message = text_copy("what it was to replace was deleted");
    }
    core_apply(core, &(struct event){.kind = EVENT_JOB, .now_ns = NS_PER_S, .job = job});
}

/* It was on its way when its process died, and says what the next one cannot know. */
TEST(a_late_end_holds)
{
    AUTO(core) core = core_new(&(struct core_options){0});
    AUTO(arena) arena = arena_new(1 << 20);
    core_apply(core, &(struct event){.kind = EVENT_SYNCED, .now_ns = NS_PER_S});
    show_job(core, "7", 0);
    show_job(core, "8", 500);
    show_job(core, "9", 700);
    struct plan plan;
    core_plan(core, NS_PER_S, arena, &plan);
    const struct job_status *told = NULL;
    for (size_t i = 0; i < plan.action_count; i++) {
        if (plan.actions[i].kind == ACTION_JOB_STATUS)
            told = plan.actions[i].status;
    }
    CHECK_INT("told again", told != NULL, true);
    if (told == NULL)
        return;
    CHECK_INT("as it ended", told->phase, JOB_FAILED);
    CHECK_TEXT("for that reason", told->reason, "ReplacesRefused");
    CHECK_TEXT("in these words", told->message, "what it was to replace was deleted");
    CHECK_INT("and what it cost is not less", told->cost.amount, 700);
}

static int64_t told_after(int64_t attempts)
{
    AUTO(core) core = core_new(&(struct core_options){0});
    AUTO(arena) arena = arena_new(1 << 20);
    core_apply(core, &(struct event){.kind = EVENT_SYNCED, .now_ns = NS_PER_S});
    show_job(core, "7", 0);
    struct batch_job *job = mem_new(sizeof(*job));
    meta_fill(&job->meta, "j-1", "8");
    job->meta.namespace_ = text_copy("default");
    job->queue = text_copy("q");
    job->has_template = job->has_status = true;
    job->status.phase = JOB_STARTING;
    job->status.attempts = attempts;
    job->status.cost.amount = 500;
    core_apply(core, &(struct event){.kind = EVENT_JOB, .now_ns = NS_PER_S, .job = job});
    struct plan plan;
    core_plan(core, 10 * NS_PER_S, arena, &plan);
    for (size_t i = 0; i < plan.action_count; i++) {
        if (plan.actions[i].kind == ACTION_JOB_STATUS)
            return plan.actions[i].status->cost.amount;
    }
    return -1;
}

/* The same tries, some of them at prices that are not known any more. What is still to end is
 * charged when it does. */
TEST(a_late_cost_is_the_least)
{
    CHECK_INT("of as many tries as are known", told_after(0), 500);
    CHECK_INT("of one more, that goes on here", told_after(1), 0);
}
