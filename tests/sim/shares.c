/* SPDX-License-Identifier: Apache-2.0 */
/* shares.c - scheduling policies of simulated worlds: their users, and what the process is told
 *
 * Not checked here: whose turn it is between shares, which follows from what the process had heard
 * and forgotten at each moment; tests/core/shares_test.c has the formulas worked out for that, in
 * random histories. What is checked: that nothing starves (all that can run has ended when the
 * world has come to rest), the core's own counts (core_check), and that no share is told to have
 * used more than all pods of it that were ever asked for, or had a place, could have. */
#include "sim/world.h"

#include "bulkhead/base/str.h"

#include <stdlib.h>
#include <string.h>

static const char *const shares[SHARE_COUNT] = {"u1", "u2", "v", "w"};

static void draw_policy(struct world *world, struct sim_policy *policy)
{
    policy->decay_s = draw(world, 1, chance(world, 500) ? 20 : 2000);
    policy->dominant = chance(world, 300);
    policy->reclaim = chance(world, 600);
    policy->reservation = chance(world, 300) ? draw(world, 1, 50) : 0;
    world->share_dominant = world->share_dominant || policy->dominant;
    world->reclaims = world->reclaims || policy->reclaim;
    policy->prefix_weight = draw(world, 1, 40000);
    policy->weight = draw(world, 1, 40000);
}

void policies_draw(struct world *world)
{
    if (chance(world, 600))
        return;
    struct sim_policy *policy = object_new(world, KIND_POLICY, sizeof(*policy), NULL, "policy-a");
    draw_policy(world, policy);
    store_add(world, &policy->object);
}

const char *policy_choose(struct world *world)
{
    return world->stores[KIND_POLICY].count > 0 && chance(world, 700) ? "policy-a" : NULL;
}

/* A world in which shares have to get their due back: there is room for a few pods only, and they
 * run for long. */
void lending_draw(struct world *world)
{
    struct object *object = store_find(world, KIND_POLICY, NULL, "policy-a");
    if (object == NULL || chance(world, 500))
        return;
    world->lends = world->reclaims = true;
    ((struct sim_policy *)object)->reclaim = true;
    for (size_t i = 0; i < world->stores[KIND_QUEUE].count; i++)
        ((struct sim_queue *)world->stores[KIND_QUEUE].items[i])->policy = object->name;
    for (size_t i = 0; i < world->group_count; i++)
        world->groups[i]->environment->max_vcpus = draw(world, 1, 2) * 4;
}

void lending_job(struct world *world, struct sim_job *job)
{
    if (!world->lends)
        return;
    job->preemptible = job->preemptible || chance(world, 600);
    job->size = (uint32_t)draw(world, world->scale->lent_min, world->scale->lent_max);
    job->template_.cpu_milli = draw(world, 1, 3) * 500;
    job->template_.memory_mib = 256;
    job->template_.assisted = chance(world, 50);
    job->template_.hash =
        mix64((uint64_t)(job->template_.cpu_milli * 4096 + 256) * 2 + job->template_.assisted);
}

static int64_t milli_of(const struct world *world, const struct sim_environment *environment)
{
    int64_t milli = environment->managed ? environment->max_vcpus * 1000 : 0;
    const struct store *nodes = &world->stores[KIND_NODE];
    for (size_t i = 0; !environment->managed && i < nodes->count; i++) {
        const struct sim_node *node = (const struct sim_node *)nodes->items[i];
        if (name_eq(node->environment, environment->object.name) && node->instance->alive)
            milli += node->cpu_milli;
    }
    return milli;
}

static bool asks_for(const struct sim_queue *queue, const char *environment)
{
    for (size_t i = 0; i < queue->environment_count; i++)
        if (name_eq(queue->environments[i], environment))
            return true;
    return false;
}

static size_t shares_waiting(const struct world *world, const struct sim_queue *queue)
{
    bool there[SHARE_COUNT] = {false};
    size_t count = 0;
    for (const struct truth *truth = world->truths; truth != NULL; truth = truth->next) {
        const struct sim_job *job = truth->job;
        bool live = !job->object.gone && name_eq(job->queue, queue->object.name) && !job_ended(job);
        if (live && job->share != NULL)
            there[share_index(job->share)] = true;
    }
    for (size_t i = 0; i < SHARE_COUNT; i++)
        count += there[i];
    return count;
}

/* What runs is charged by the second: another share comes to the front with nothing heard. */
bool shares_take_turns(const struct world *world, const char *environment)
{
    const struct store *queues = &world->stores[KIND_QUEUE];
    for (size_t i = 0; i < queues->count; i++) {
        const struct sim_queue *queue = (const struct sim_queue *)queues->items[i];
        if (queue->policy != NULL && asks_for(queue, environment) &&
            shares_waiting(world, queue) > 1)
            return true;
    }
    return false;
}

static const struct sim_queue *shared_queue(const struct world *world, const char *name)
{
    const struct store *queues = &world->stores[KIND_QUEUE];
    for (size_t i = 0; name != NULL && i < queues->count; i++) {
        const struct sim_queue *queue = (const struct sim_queue *)queues->items[i];
        if (name_eq(queue->object.name, name))
            return queue->policy != NULL && shares_waiting(world, queue) > 1 ? queue : NULL;
    }
    return NULL;
}

static bool reserves(const struct world *world, const char *queue_name)
{
    const struct sim_queue *queue = store_find(world, KIND_QUEUE, NULL, queue_name);
    const struct sim_policy *policy = queue != NULL && queue->policy != NULL
                                          ? store_find(world, KIND_POLICY, NULL, queue->policy)
                                          : NULL;
    return policy != NULL && policy->reservation > 0;
}

/* At rest a share may still cease to be active by the clock, and more is kept for such: what waited
 * for room is barred then, leaves the line, and is told so once. Less is kept only when somebody
 * comes. */
static bool reserve_is_told(struct world *world, const struct sim_job *job, const char *reason)
{
    static const char reserved[] = "ReservedForOtherShares";
    if (!reserves(world, job->queue) || !name_eq(reason, reserved) ||
        name_eq(job->status->status.reason, reserved) ||
        job->truth->reserve_told_ns >= world->rest_ns)
        return false;
    job->truth->reserve_told_ns = world->now_ns;
    world->turns_told++;
    return true;
}

/* At rest shares still come to the front by the clock: what was used decays, what the next pod
 * would use does not. All of it decays alike, so that each share passes each other once at most: a
 * job is told once that it is not behind others any more, and once that it is. */
bool turn_is_told(struct world *world, const struct request *request)
{
    static const char behind[] = "BehindInQueue";
    if (world->rest_ns == 0)
        return false;
    if (request->kind == ACTION_QUEUE_STATUS &&
        (shared_queue(world, request->name) != NULL || reserves(world, request->name))) {
        world->fronts_told++;
        return true;
    }
    if (request->kind != ACTION_JOB_STATUS)
        return false;
    const struct sim_job *job =
        (const struct sim_job *)store_find(world, KIND_JOB, request->namespace_, request->name);
    if (job == NULL || job->status == NULL)
        return false;
    if (reserve_is_told(world, job, request->status->status.reason))
        return true;
    if (shared_queue(world, job->queue) == NULL)
        return false;
    bool was = name_eq(job->status->status.reason, behind);
    bool is = name_eq(request->status->status.reason, behind);
    if (was == is || job->truth->turn_told_ns[is] >= world->rest_ns)
        return false;
    job->truth->turn_told_ns[is] = world->now_ns;
    world->turns_told++;
    return true;
}

/* What is kept for shares that are not there may be all that a job would need; while one share
 * alone is active that is the most. */
bool reservation_feasible(const struct world *world, const struct sim_queue *queue,
                          const struct sim_job *job, const struct template_ *template_)
{
    const struct sim_policy *policy =
        queue->policy != NULL ? store_find(world, KIND_POLICY, NULL, queue->policy) : NULL;
    int64_t milli = 0;
    if (policy == NULL || policy->reservation == 0)
        return true;
    for (size_t i = 0; i < queue->environment_count; i++) {
        const struct sim_environment *environment =
            store_find(world, KIND_ENVIRONMENT, NULL, queue->environments[i]);
        if (environment != NULL && environment->object.deleted_ns == 0 && environment->enabled)
            milli += milli_of(world, environment);
    }
    int64_t needs = template_->cpu_milli;
    if (job->gang)
        needs = (needs > job->others.cpu_milli ? needs : job->others.cpu_milli) * job->size;
    return needs <= milli * (100 - policy->reservation) / 100 - 100;
}

/* In a queue without a policy it has no effect. */
const char *share_choose(struct world *world)
{
    return shares[draw(world, 0, ARRAY_LEN(shares) - 1)];
}

size_t share_index(const char *share)
{
    size_t at = 0;
    while (at + 1 < SHARE_COUNT && strcmp(shares[at], share) != 0)
        at++;
    return at;
}

static void run_again(struct world *world, struct task *task)
{
    UNUSED(task);
    if (store_find(world, KIND_POLICY, NULL, "policy-a") != NULL)
        return;
    struct sim_policy *policy = object_new(world, KIND_POLICY, sizeof(*policy), NULL, "policy-a");
    draw_policy(world, policy);
    store_add(world, &policy->object);
}

void policy_edit(struct world *world)
{
    struct object *object = store_find(world, KIND_POLICY, NULL, "policy-a");
    if (object == NULL)
        return;
    world->counters.policy_edits++;
    if (chance(world, 200)) {
        STORY(world, "user   deletes policy %s for a while", object->name);
        store_delete(world, object);
        after(world, draw_ms(world, 1000, 30000), run_again, NULL, NULL, 0);
        return;
    }
    STORY(world, "user   edits policy %s", object->name);
    draw_policy(world, (struct sim_policy *)object);
    store_change(world, object, true);
}

struct scheduling_policy *policy_convert(const struct sim_policy *from)
{
    struct scheduling_policy *policy = mem_new(sizeof(*policy));
    meta_fill(&from->object, &policy->meta);
    policy->decay_s = from->decay_s;
    policy->dominant = from->dominant;
    policy->reclaim = from->reclaim;
    policy->reservation = from->reservation;
    policy->weight_count = 2;
    policy->weights = mem_new(policy->weight_count * sizeof(*policy->weights));
    policy->weights[0] = (struct share_weight){text_copy("u*"), from->prefix_weight};
    policy->weights[1] = (struct share_weight){text_copy("v"), from->weight};
    return policy;
}

/* ------------------------------------------------------------------------- the oracle */

void share_pod_made(struct world *world, const char *queue, const char *share, int64_t cpu_milli)
{
    for (size_t i = 0; i < world->share_count; i++) {
        struct sim_share *known = &world->shares[i];
        if (strcmp(known->queue, queue) == 0 && strcmp(known->share, share) == 0) {
            known->pods++;
            known->cpu_milli += cpu_milli;
            return;
        }
    }
    if (world->share_count < ARRAY_LEN(world->shares))
        world->shares[world->share_count++] = (struct sim_share){queue, share, 1, cpu_milli};
}

bool pod_gave_way(const struct sim_pod *pod)
{
    return pod->gives_way_to != NULL && pod->body->job != NULL && !pod->body->job->gang;
}

/* Only pods of those who said that they may be stopped, for another share, and not for ever. */
void oracle_marked(struct world *world, const struct sim_pod *pod, const struct request *request)
{
    enum { MARKS_MAX = 5 };
    const struct sim_job *job = pod->body->job;
    const char *name = pod->object.name;
    int marks = 0;
    world->counters.preempted++;
    STORY(world, "server pod %s gives way to share %s", name, request->message);
    if (job == NULL || !job->preemptible || job->gang)
        violation(world, "reclaim", "pod %s is to be stopped, and is not preemptible", name);
    if (pod->share != NULL && strcmp(pod->share, request->message) == 0)
        violation(world, "reclaim", "pod %s is to be stopped for its own share", name);
    if (!world->reclaims)
        violation(world, "reclaim", "pod %s is to be stopped, and no policy says so", name);
    if (pod->phase == POD_SUCCEEDED || pod->phase == POD_FAILED || pod->gives_way_to != NULL)
        violation(world, "reclaim", "pod %s is to be stopped, but has ended, or is stopped", name);
    for (const struct sim_pod *earlier = pod->body->sibling; earlier != NULL;
         earlier = earlier->body->sibling)
        marks += earlier->gives_way_to != NULL;
    if (marks >= MARKS_MAX)
        violation(world, "reclaim", "pod %s is the %dth of its child that is stopped", name,
                  marks + 1);
}

/* Of pods that may be STARTING, and so be charged, though none of them was ever sent: they have
 * their places while the claims of what they hold, or their job's Service, are being stored. */
static int64_t unsent_milli(const struct world *world, const struct sim_share *share)
{
    int64_t milli = 0;
    for (const struct truth *truth = world->truths; truth != NULL; truth = truth->next) {
        const struct sim_job *job = truth->job;
        bool stores_first = job->needs.count > 0 || job->gang;
        if (!stores_first || !name_eq(job->queue, share->queue) ||
            !name_eq(job->share, share->share))
            continue;
        for (uint32_t i = 0; i < truth->child_count; i++)
            milli += truth->children[i].planned ? 0 : job_template(job, i)->cpu_milli;
    }
    return milli;
}

/* A pod is asked for some time after the world began, and takes what it asks for until now at most;
 * also one that is never made. */
void oracle_shares(struct world *world, const char *queue, const struct queue_shares *told)
{
    const char *text = told->used;
    char *id = NULL;
    int64_t milli = 0;
    int64_t seconds = (world->now_ns - world->start_ns) / NS_PER_S + 2;
    world->counters.shares_told++;
    while (queue_shares_next(&text, &id, &milli)) {
        int64_t most = 0;
        for (size_t i = 0; i < world->share_count; i++) {
            const struct sim_share *known = &world->shares[i];
            if (strcmp(known->queue, queue) == 0 && strcmp(known->share, id) == 0)
                most = (known->cpu_milli + unsent_milli(world, known) + 1) * seconds;
        }
        if (most > 0 && !world->share_dominant && milli > most)
            violation(world, "shares", "share %s of %s is told to have used %lld, at most %lld", id,
                      queue, (long long)milli, (long long)most);
    }
}
