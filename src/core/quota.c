/* SPDX-License-Identifier: Apache-2.0 */
/* quota.c - what runs of a queue, against its limits
 *
 * Counted    from the moment in which a pod is to be made until it has ended, vanished or was given
 *            up with its machine, whatever has become of its job: requests as they were placed, the
 *            overhead of a RuntimeClass included. A multi-node job starts when there is enough for
 *            all of its nodes, and what the parts take that follow the main node is kept for them.
 *            Nothing of it is stored: after a restart the pods tell the same.
 * Order      A head that a limit holds back blocks its queue, as one without room does; but it
 *            holds no environment against lower queues, and no machine is bought for it. A job that
 *            needs more than a limit is parked, and told so.
 * Lowered    limits stop nothing that runs. */
#include "quota.h"
#include "backfill.h"
#include "gang.h"

#include "bulkhead/base/quantity.h"

#include <string.h>

/* Anybody who may create pods can pretend that one is ours, whatever it asks for: sums wrap, and
 * are right again when it has gone. */
static void add(int64_t *sum, int64_t more)
{
    *sum = (int64_t)((uint64_t)*sum + (uint64_t)more);
}

static void use_add(struct queue_use *sum, const struct queue_use *more)
{
    add(&sum->cpu_milli, more->cpu_milli);
    add(&sum->memory_bytes, more->memory_bytes);
    add(&sum->gpus, more->gpus);
    add(&sum->jobs, more->jobs);
}

static void use_sub(struct queue_use *sum, const struct queue_use *less)
{
    const struct queue_use negative = {
        .cpu_milli = (int64_t)(0 - (uint64_t)less->cpu_milli),
        .memory_bytes = (int64_t)(0 - (uint64_t)less->memory_bytes),
        .gpus = (int64_t)(0 - (uint64_t)less->gpus),
        .jobs = (int64_t)(0 - (uint64_t)less->jobs),
    };
    use_add(sum, &negative);
}

static bool is_gpu(const char *resource)
{
    const char *slash = strchr(resource, '/');
    return slash != NULL && strcmp(slash, "/gpu") == 0;
}

static struct queue_use use_of(const struct core *core, const struct amounts *amounts)
{
    struct queue_use use = {0};
    if (amounts == NULL)
        return use;
    use.cpu_milli = amounts->v[DIM_CPU];
    use.memory_bytes = amounts->v[DIM_MEMORY];
    for (size_t i = DIM_FIXED; i < core->dim_count; i++) {
        if (amounts->v[i] > 0 && is_gpu(core->dim_names[i]))
            add(&use.gpus, amounts->v[i]);
    }
    return use;
}

/* ------------------------------------------------------------------------- pods */

static bool is_limited(const struct core_queue *queue)
{
    const struct job_queue *spec = queue->spec;
    return spec != NULL && (spec->most.vcpus.set || spec->most.memory_bytes > 0 ||
                            spec->most.gpus.set || spec->most.jobs.set);
}

static void used_changed(struct core_queue *queue, bool less)
{
    if (!is_limited(queue))
        return;
    queue->dirty = queue->dirty || less;
    queue->reopen = queue->reopen || less;
    queue->status_dirty = true;
}

static void charge(struct core *core, struct core_pod *pod, struct core_queue *queue)
{
    pod->charged = queue;
    pod->use = use_of(core, pod_amounts(pod));
    pod->use.jobs = pod->job == NULL || !pod->job->gang;
    queue->users++;
    use_add(&queue->quota.used, &pod->use);
    used_changed(queue, false);
}

void quota_take(struct core *core, struct core_pod *pod)
{
    charge(core, pod, pod->job->queue);
}

void quota_seen(struct core *core, struct core_pod *pod, const struct pod *seen)
{
    if (!pod->ours || pod->state > PODS_LIVE || seen->phase == POD_SUCCEEDED ||
        seen->phase == POD_FAILED)
        return;
    if (pod->charged == NULL) { /* a pod that this process did not create */
        struct core_queue *queue = pod->job != NULL ? pod->job->queue : NULL;
        if (queue == NULL && seen->queue != NULL)
            queue = queue_named(core, seen->queue);
        if (queue != NULL)
            charge(core, pod, queue);
        return;
    }
    struct queue_use use = use_of(core, pod_amounts(pod));
    use.jobs = pod->use.jobs;
    if (memcmp(&use, &pod->use, sizeof(use)) == 0)
        return;
    use_sub(&pod->charged->quota.used, &pod->use);
    use_add(&pod->charged->quota.used, &use);
    pod->use = use;
    used_changed(pod->charged, true);
}

void quota_end(struct core *core, struct core_pod *pod)
{
    struct core_queue *queue = pod->charged;
    if (queue == NULL)
        return;
    pod->charged = NULL;
    use_sub(&queue->quota.used, &pod->use);
    used_changed(queue, true);
    queue_drop(core, queue);
}

/* With its main node's pod a multi-node job starts as a whole; then its parts have their place. */
bool quota_is_passed(const struct core_pod *pod)
{
    const struct core_queue *queue = pod->charged;
    const struct core_job *job = pod->job;
    if (queue == NULL || !is_limited(queue) || (job->gang && pod->index != job->main_node))
        return false;
    const struct queue_limits *most = &queue->spec->most;
    const struct queue_use *used = &queue->quota.used;
    struct queue_use mine = pod->use;
    use_add(&mine, &job->quota_kept);
    return (most->vcpus.set && mine.cpu_milli > 0 && used->cpu_milli > most->vcpus.value * 1000) ||
           (most->memory_bytes > 0 && mine.memory_bytes > 0 &&
            used->memory_bytes > most->memory_bytes) ||
           (most->gpus.set && mine.gpus > 0 && used->gpus > most->gpus.value) ||
           (most->jobs.set && used->jobs > most->jobs.value);
}

void quota_keep(struct core *core, struct core_job *job)
{
    struct queue_use kept = {0};
    bool open = job->gang_open && !job->gone && !job->ended && job->children != NULL;
    unsigned attempt = open ? gang_attempt(job) : 0;
    kept.jobs = open;
    bool known = job->gang_classes != NULL; /* else this is looked at again when they are */
    for (uint32_t i = 0; attempt > 0 && known && i < job->size; i++) {
        if (job->children[i].pod != NULL || job->children[i].attempts >= attempt)
            continue;
        struct queue_use part = use_of(core, &job_class(job, i)->needs);
        use_add(&kept, &part);
    }
    if (job->queue == NULL || memcmp(&kept, &job->quota_kept, sizeof(kept)) == 0)
        return;
    use_sub(&job->queue->quota.used, &job->quota_kept);
    use_add(&job->queue->quota.used, &kept);
    job->quota_kept = kept;
    used_changed(job->queue, true);
}

/* ----------------------------------------------------------------------- limits */

/* One limit of a queue, what is used of it, and what one more of the job needs. */
struct limit {
    const char *name; /* in spec.limits; NULL: it is not set */
    int64_t most, used, planned, need;
};
enum { LIMIT_COUNT = 4 };

/* Of a multi-node job all of its nodes at once. */
static struct queue_use need_of(const struct core *core, const struct core_job *job)
{
    struct queue_use need = {0};
    if (!job->gang || job->gang_classes == NULL) {
        need = use_of(core, &job->class_->needs);
    } else {
        for (uint32_t i = 0; i < job->size; i++) {
            struct queue_use part = use_of(core, &job->gang_classes[i]->needs);
            use_add(&need, &part);
        }
    }
    need.jobs = 1;
    return need;
}

static void limits_of(const struct core *core, const struct core_job *job, struct limit *ret)
{
    const struct core_queue *queue = job->queue;
    const struct queue_limits *most = &queue->spec->most;
    const struct queue_use need = need_of(core, job);
    const struct queue_use *used = &queue->quota.used;
    const struct queue_use *planned = &queue->quota.planned;
    ret[0] = (struct limit){most->vcpus.set ? "maxvCpus" : NULL, most->vcpus.value * 1000,
                            used->cpu_milli, planned->cpu_milli, need.cpu_milli};
    ret[1] = (struct limit){most->memory_bytes > 0 ? "maxMemory" : NULL, most->memory_bytes,
                            used->memory_bytes, planned->memory_bytes, need.memory_bytes};
    ret[2] = (struct limit){most->gpus.set ? "maxGpus" : NULL, most->gpus.value, used->gpus,
                            planned->gpus, need.gpus};
    ret[3] = (struct limit){most->jobs.set ? "maxRunningJobs" : NULL, most->jobs.value, used->jobs,
                            planned->jobs, need.jobs};
}

static int64_t times_of(const struct limit *limit, int64_t used)
{
    if (limit->name == NULL || limit->need <= 0)
        return INT64_MAX;
    return used < limit->most ? (limit->most - used) / limit->need : 0;
}

/* What passes the head leaves its part: see backfill.c. */
static void limits_now(const struct core *core, const struct core_job *job, struct limit *ret)
{
    struct limit before[LIMIT_COUNT];
    const struct core_job *head = backfill_before(job);
    limits_of(core, job, ret);
    if (head == NULL)
        return;
    limits_of(core, head, before);
    for (size_t i = 0; i < LIMIT_COUNT; i++)
        ret[i].used += before[i].need;
}

int64_t quota_times(const struct core *core, const struct core_job *job)
{
    struct limit limits[LIMIT_COUNT];
    int64_t times = INT64_MAX;
    if (!is_limited(job->queue))
        return times;
    limits_now(core, job, limits);
    for (size_t i = 0; i < LIMIT_COUNT; i++) {
        int64_t here = times_of(&limits[i], limits[i].used);
        times = here < times ? here : times;
    }
    return times;
}

int64_t quota_buy(struct core *core, const struct core_job *job, int64_t wanted)
{
    struct core_queue *queue = job->queue;
    struct limit limits[LIMIT_COUNT];
    if (!is_limited(queue) || wanted <= 0)
        return wanted;
    if (queue->quota.planned_pass != core->buy_pass)
        queue->quota.planned = (struct queue_use){0};
    queue->quota.planned_pass = core->buy_pass;
    limits_of(core, job, limits);
    int64_t enough = job->gang ? 1 : wanted;
    for (size_t i = 0; i < LIMIT_COUNT; i++) {
        int64_t here = times_of(&limits[i], limits[i].used + limits[i].planned);
        enough = here < enough ? here : enough;
    }
    queue->quota.planned.cpu_milli += limits[0].name != NULL ? enough * limits[0].need : 0;
    queue->quota.planned.memory_bytes += limits[1].name != NULL ? enough * limits[1].need : 0;
    queue->quota.planned.gpus += limits[2].name != NULL ? enough * limits[2].need : 0;
    queue->quota.planned.jobs += limits[3].name != NULL ? enough : 0;
    return !job->gang ? enough : enough > 0 ? wanted : 0;
}

/* ------------------------------------------------------------------------ words */

static void print_amount(size_t which, int64_t amount, struct str *out)
{
    char text[QUANTITY_TEXT_MAX];
    if (which == 0)
        str_add(out, quantity_print_milli(amount, text));
    else if (which == 1)
        str_add(out, quantity_print_bytes(amount, text));
    else
        str_addf(out, "%lld", (long long)amount);
}

enum verdict quota_never(const struct core *core, const struct core_job *job, struct str *out)
{
    struct limit limits[LIMIT_COUNT];
    if (!is_limited(job->queue))
        return VERDICT_NONE;
    limits_of(core, job, limits);
    for (size_t i = 0; i < LIMIT_COUNT; i++) {
        if (times_of(&limits[i], 0) > 0)
            continue;
        str_add(out, "needs ");
        print_amount(i, limits[i].need, out);
        str_addf(out, ", more than limits.%s of JobQueue %s, ", limits[i].name, job->queue->name);
        print_amount(i, limits[i].most, out);
        str_add(out, ": raise it, or submit to another");
        return VERDICT_QUEUE_LIMIT_TOO_SMALL;
    }
    return VERDICT_NONE;
}

enum verdict quota_words(const struct core *core, const struct core_job *job, struct str *out)
{
    struct limit limits[LIMIT_COUNT];
    size_t which = 0;
    limits_now(core, job, limits);
    while (which + 1 < LIMIT_COUNT && times_of(&limits[which], limits[which].used) > 0)
        which++;
    str_add(out, "needs ");
    print_amount(which, limits[which].need, out);
    str_addf(out, " of limits.%s of JobQueue %s, ", limits[which].name, job->queue->name);
    print_amount(which, limits[which].used, out);
    str_add(out, " of ");
    print_amount(which, limits[which].most, out);
    str_add(out, " in use; room comes when a running job of the queue ends, or raise the limit");
    return VERDICT_QUEUE_LIMIT;
}

void quota_tell(const struct core_queue *queue, struct queue_limits *ret_used)
{
    *ret_used = (struct queue_limits){0};
    if (!is_limited(queue))
        return;
    const struct queue_limits *most = &queue->spec->most;
    const struct amounts cpu = {.v = {[DIM_CPU] = queue->quota.used.cpu_milli}};
    if (most->vcpus.set)
        ret_used->vcpus = OPT_I64(amounts_vcpus(&cpu));
    if (most->memory_bytes > 0)
        ret_used->memory_bytes = queue->quota.used.memory_bytes;
    if (most->gpus.set)
        ret_used->gpus = OPT_I64(queue->quota.used.gpus);
    if (most->jobs.set)
        ret_used->jobs = OPT_I64(queue->quota.used.jobs);
}

/* ------------------------------------------------------------------------ check */

static struct queue_use sum_of(const struct core *core, const struct core_queue *queue)
{
    struct queue_use sum = {0};
    size_t at = 0;
    const struct core_pod *pod;
    while ((pod = map_next(core->pods, &at, NULL)) != NULL) {
        if (pod->charged == queue && pod->state < PODS_ENDED) /* the dead need no room */
            use_add(&sum, &pod->use);
    }
    at = 0;
    const struct core_job *job;
    while ((job = map_next(core->jobs, &at, NULL)) != NULL) {
        if (job->queue == queue)
            use_add(&sum, &job->quota_kept);
    }
    return sum;
}

char *quota_check(const struct core *core)
{
    size_t at = 0;
    const struct core_queue *queue;
    while ((queue = map_next(core->queues, &at, NULL)) != NULL) {
        struct queue_use sum = sum_of(core, queue);
        if (memcmp(&sum, &queue->quota.used, sizeof(sum)) != 0)
            return text_printf("queue %s: pods use %lldm and %lld jobs run, kept %lldm and %lld",
                               queue->name, (long long)sum.cpu_milli, (long long)sum.jobs,
                               (long long)queue->quota.used.cpu_milli,
                               (long long)queue->quota.used.jobs);
    }
    return NULL;
}
