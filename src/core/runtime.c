/* SPDX-License-Identifier: Apache-2.0 */
/* runtime.c - RuntimeClasses, and what they add to the pods that name them
 *
 * The API server's admission writes a RuntimeClass's overhead, node selector and tolerations into
 * each pod. A pod that is there shows them itself; what is still to be placed has only the class's
 * name. So a job's class of requirements is made of its template and what its RuntimeClass adds,
 * and made anew when that changes. Pods in flight keep what they were placed with until the API
 * server shows them.
 *
 * A RuntimeClass that is not there adds nothing: the dry run of the template tells the job so in
 * the API server's words. */
#include "gang.h"
#include "order.h"

#include <stdlib.h>
#include <string.h>

struct core_class *class_for_template(struct core *core, const struct placement *placement)
{
    const struct runtime_class *runtime =
        placement->runtime_class != NULL ? map_get(core->runtime_classes, placement->runtime_class)
                                         : NULL;
    if (runtime == NULL)
        return class_use(core, placement);
    struct placement whole;
    placement_copy(&whole, placement);
    placement_add_runtime(&whole, &runtime->adds);
    struct core_class *class_ = class_use(core, &whole);
    placement_done(&whole);
    return class_;
}

static void job_reclass(struct core *core, struct core_job *job)
{
    struct core_class *old = job->class_;
    bool waits = order_has(job);
    if (waits)
        order_leave(job);
    job->class_ = class_for_template(core, &job->template_->placement);
    class_drop(core, old);
    gang_reclass(core, job);
    if (waits)
        order_enter(job); /* it may stand in another line now */
    if (job->parked)
        job_unpark(core, job);
    if (job->queue != NULL)
        job->queue->dirty = true;
}

/* Walks all jobs: RuntimeClasses change about as often as a cluster gets a new kind of node. */
static void jobs_reclass(struct core *core, const char *name)
{
    size_t at = 0;
    struct core_job *job;
    while ((job = map_next(core->jobs, &at, NULL)) != NULL) {
        if (job->class_ != NULL && job->template_ != NULL && !job->ended &&
            (text_eq(job->template_->placement.runtime_class, name) ||
             gang_uses_runtime(job, name)))
            job_reclass(core, job);
    }
}

void runtime_class_apply(struct core *core, struct runtime_class *take_class)
{
    AUTO_TEXT name = text_copy(take_class->meta.name);
    struct runtime_class *old = map_put(core->runtime_classes, name, take_class);
    const bool same = old != NULL && placement_equal(&old->adds, &take_class->adds);
    runtime_class_free(old);
    if (!same)
        jobs_reclass(core, name);
}

void runtime_class_gone(struct core *core, const char *name)
{
    struct runtime_class *old = map_remove(core->runtime_classes, name);
    if (old == NULL)
        return;
    runtime_class_free(old);
    jobs_reclass(core, name);
}

void runtime_classes_free(struct core *core)
{
    size_t at = 0;
    struct runtime_class *class_;
    while ((class_ = map_next(core->runtime_classes, &at, NULL)) != NULL)
        runtime_class_free(class_);
    map_free(core->runtime_classes);
}
