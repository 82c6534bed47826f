/* SPDX-License-Identifier: Apache-2.0 */
/* services.h - the Services that name the nodes of multi-node jobs; a part of internal.h, which
 * includes it */
#ifndef BULKHEAD_CORE_SERVICES_H
#define BULKHEAD_CORE_SERVICES_H

#include "internal.h"

struct core_service {
    char *key; /* namespace/name */
    char *namespace_, *name;
    char *job_uid;  /* whose it is */
    char *uid;      /* NULL: it is not there */
    bool deleting;  /* somebody deletes it: it is as good as gone, and its name is not free yet */
    bool wanted;    /* pods wait for it, or somebody took it away from a job that goes on */
    bool in_flight; /* a create or a delete */
    int retry_level;
    bool to_look; /* in core->services_to_look */
    struct core_service *look_next;
    int flights;
    struct timer timer; /* after a failure: when it is tried again */
};

void service_apply(struct core *core, struct node_service *take_seen);
void service_gone(struct core *core, const char *key, const char *uid);
/* May pods of this multi-node job be made? If not, its Service is asked for. */
bool service_is_stored(struct core *core, const struct core_job *job);
void service_look(struct core *core, const struct core_job *job); /* it has ended, or is gone */
void service_timer(struct core *core, struct core_service *service);
void services_plan(struct core *core);
void service_done(struct core *core, struct flight *flight, const struct done *done);
void services_free(struct core *core); /* at the very end */

#endif
