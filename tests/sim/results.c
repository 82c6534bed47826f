/* SPDX-License-Identifier: Apache-2.0 */
/* results.c - what jobs leave must be in their status, word for word
 *
 * The truth is what the kubelet has reported of the pod that succeeded. */
#include "sim/world.h"

#include "bulkhead/base/str.h"

#include <string.h>

/* Of the pod that succeeded; NULL: it left none, or there is no such pod. */
static const char *result_of(const struct sim_job *job, uint32_t index)
{
    const struct sim_pod *pod = job->truth->children[index].last;
    while (pod != NULL && pod->phase != POD_SUCCEEDED)
        pod = pod->body->sibling;
    return pod != NULL ? pod->result : NULL;
}

void oracle_results(struct world *world, const struct sim_job *job,
                    const struct stored_status *status)
{
    const char *left = status->status.result;
    if (job->invalid != NULL)
        return;
    if (status->children == NULL || job->gang) { /* of a multi-node job the main node's counts */
        bool succeeded = job->gang && status->children != NULL
                             ? status->children[job->main_node].outcome == CHILD_SUCCEEDED
                             : job->size == 0 && status->status.phase == JOB_SUCCEEDED;
        const char *truth = succeeded ? result_of(job, job->main_node) : NULL;
        if (!name_eq(left, truth))
            violation(world, "results", "%s is told to have left %s, and left %s", job->object.name,
                      left != NULL ? left : "nothing", truth != NULL ? truth : "nothing");
        return;
    }
    AUTO_STR lines = STR_EMPTY; /* as api/result.h has it; nothing here needs a backslash */
    for (uint32_t i = 0; i < job->size; i++) {
        const char *truth =
            status->children[i].outcome == CHILD_SUCCEEDED ? result_of(job, i) : NULL;
        if (truth != NULL)
            str_addf(&lines, "%u %s\n", i, truth);
    }
    if (strcmp(status->results_text != NULL ? status->results_text : "", str_text(&lines)) != 0)
        violation(world, "results", "children of %s are told to have left\n%s, and left\n%s",
                  job->object.name, status->results_text != NULL ? status->results_text : "",
                  str_text(&lines));
}
