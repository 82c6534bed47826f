/* SPDX-License-Identifier: Apache-2.0 */
/* assist.h - pods that the cluster's scheduler places, see assist.c */
#ifndef BULKHEAD_CORE_ASSIST_H
#define BULKHEAD_CORE_ASSIST_H

#include "internal.h"

bool job_is_assisted(const struct core_job *job);
const char *assist_bar(const struct core_job *job); /* a field that its job cannot have, or NULL */
void assist_begin(struct core_pod *pod, const struct core_node *node); /* room is kept there */
bool pod_is_afloat(const struct core_pod *pod);  /* assisted and not bound yet */
bool assist_is_over(const struct core_pod *pod); /* deleted before it was bound: it never will be */
void assist_seen(struct core *core, struct core_pod *pod, const struct pod *seen);
void assist_drift(struct core *core, struct core_pod *pod); /* no room is kept for it any more */
void assist_node_gone(struct core *core, struct core_node *node);
int64_t assist_due(const struct core_pod *pod);
bool assist_timer(struct core *core, struct core_pod *pod); /* true: the timer was for that */
void assists_place(struct core *core);
void assists_free(struct core *core);

#endif
