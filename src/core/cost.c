/* SPDX-License-Identifier: Apache-2.0 */
/* cost.c - what work costs
 *
 * A try is charged when it ends, from the start of its first container to its end, a begun second
 * as a whole one: vCPU-seconds and GPU-seconds by what it asked for (a begun vCPU-second as a whole
 * one), and its share of the machine's price. The share is the largest of its fractions of the
 * node's resources: who takes half of the memory leaves half of the machine to others, whatever it
 * takes of the CPUs. A part of a multi-node job has its node alone, and pays all of it. Machines'
 * idle time and start are nobody's: they are the environment's, whose machines cost what they cost.
 *
 * The price is that of the moment in which the pod was made, and the pod carries it in an
 * annotation (ANNOTATION_PRICE): so it is the same whoever sees the end, also when the machine has
 * gone by then or its price is not known yet, in the first second of a process. Only of a pod that
 * the cluster's scheduler placed the machine is looked at when it ends, as far as it is known.
 *
 * The job's cost goes out with the very status that tells of the try, so each try is charged once,
 * over restarts too. Exactly: whole millionths and seconds, so that no sum drifts. What the jobs of
 * a queue cost is in bill.c. */
#include "cost.h"
#include "gang.h"

/* An hour of it, in millionths; 0: not known. (struct core_type.price is for comparing: it falls
 * back on vCPUs.) */
int64_t type_price(const struct core_environment *environment, const struct core_type *type)
{
    if (type == NULL || environment->spec == NULL)
        return 0;
    bool spot = environment->spec->spot && type->spec.spot_price > 0;
    double price = spot ? type->spec.spot_price : type->spec.price;
    return price > 0 && price < 1e9 ? (int64_t)(price * 1e6 + 0.5) : 0;
}

int64_t instance_price(const struct core_instance *instance)
{
    return type_price(instance->environment,
                      environment_type(instance->environment, instance->type));
}

int64_t environment_price(const struct core_environment *environment)
{
    int64_t sum = 0;
    for (const struct core_instance *i = environment->instances; i != NULL; i = i->next) {
        if (i->state <= INSTANCE_TERMINATING)
            sum += instance_price(i);
    }
    return sum;
}

/* What it asked for; one that was adopted may know only its own amounts. */
static const struct amounts *needs_of(const struct core_pod *pod)
{
    const struct amounts *amounts = pod_amounts(pod);
    if (amounts != NULL)
        return amounts;
    const struct core_class *class_ = job_class(pod->job, pod->index);
    return class_ != NULL ? &class_->needs : NULL;
}

static int64_t gpus_of(const struct core *core, const struct amounts *needs)
{
    for (size_t d = DIM_FIXED; d < core->dim_count; d++) {
        if (text_eq(core->dim_names[d], COST_GPU))
            return needs->v[d];
    }
    return 0;
}

int64_t amounts_share(const struct amounts *needs, const struct amounts *all, bool alone)
{
    int64_t largest = 0;
    if (alone)
        return SHARE_ONE;
    for (unsigned d = 0; d < DIM_MAX; d++) {
        if (needs->v[d] <= 0 || all->v[d] <= 0)
            continue;
        __extension__ __int128 share = (__int128)needs->v[d] * SHARE_ONE / all->v[d];
        int64_t here = share < SHARE_ONE ? (int64_t)share : SHARE_ONE;
        largest = here > largest ? here : largest;
    }
    return largest;
}

void cost_add(struct job_cost *sum, const struct job_cost *more)
{
    sum->vcpu_seconds += more->vcpu_seconds;
    sum->gpu_seconds += more->gpu_seconds;
    sum->amount += more->amount;
}

int64_t pod_price(const struct core_pod *pod)
{
    const struct amounts *needs = needs_of(pod);
    const struct core_instance *instance = pod->node != NULL ? pod->node->instance : NULL;
    if (needs == NULL || instance == NULL)
        return 0;
    __extension__ __int128 price =
        (__int128)instance_price(instance) * amounts_share(needs, &pod->node->capacity, pod->alone);
    return (int64_t)(price / SHARE_ONE);
}

void cost_take(struct core *core, const struct core_pod *pod, const struct pod *seen)
{
    struct core_job *job = pod->job;
    const struct amounts *needs = needs_of(pod);
    int64_t began_ns = seen != NULL && seen->started_ns != 0 ? seen->started_ns : pod->started_ns;
    int64_t ended_ns = seen != NULL && seen->finished_ns != 0 ? seen->finished_ns : core->now_ns;
    if (began_ns == 0 || ended_ns <= began_ns || needs == NULL)
        return;
    int64_t seconds = (ended_ns - began_ns + NS_PER_S - 1) / NS_PER_S;
    int64_t here = pod->assisted || pod->price == 0 ? pod_price(pod) : 0;
    __extension__ __int128 price = here > 0 ? here : pod->price;
    struct job_cost cost = {
        .vcpu_seconds = (needs->v[DIM_CPU] * seconds + 999) / 1000,
        .gpu_seconds = gpus_of(core, needs) * seconds,
        .amount = (int64_t)(price * seconds / SECONDS_A_HOUR),
    };
    cost_add(&job->cost, &cost);
}

static void raise_to(int64_t *value, int64_t least)
{
    *value = *value < least ? least : *value;
}

/* It tells of no try that goes on here, and is still to be charged. */
static bool is_charged(const struct core_job *job, const struct job_status *stored)
{
    if (job->ended)
        return true;
    if (job->array || job->gang || job->children == NULL || stored->phase >= JOB_SUCCEEDED)
        return false;
    const struct child *child = &job->children[job->main_node];
    return stored->attempts <= child->attempts && stored->refusals <= child->refusals;
}

void cost_late(struct core_job *job)
{
    const struct batch_job *spec = job->spec;
    if (!spec->has_status || !is_charged(job, &spec->status))
        return;
    raise_to(&job->cost.vcpu_seconds, spec->status.cost.vcpu_seconds);
    raise_to(&job->cost.gpu_seconds, spec->status.cost.gpu_seconds);
    raise_to(&job->cost.amount, spec->status.cost.amount);
}
