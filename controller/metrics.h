/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.h - what the controller counts, as Prometheus metrics with the prefix bulkhead_
 *
 * Counters and histograms are fed as things happen (measure_*); gauges are read off the parts when
 * somebody asks. Labels are bounded: names of queues and environments, of a hundred shares a queue,
 * and words of our own. */
#ifndef BULKHEAD_CONTROLLER_METRICS_H
#define BULKHEAD_CONTROLLER_METRICS_H

#include "bulkhead/core/core.h"
#include "bulkhead/kube/client.h"
#include "bulkhead/kube/event.h"

#include "recording.h"
#include "sink.h"
#include "watches.h"

struct measures;
struct measures *measures_new(void);
struct measures *measures_free(struct measures *measures);
DEFINE_AUTO(measures, measures_free)

void measure_write(struct measures *measures, const char *write, enum kube_outcome outcome);
void measure_action(struct measures *measures, enum action_kind action, enum done_result done);
void measure_plan(struct measures *measures, int64_t took_ns, size_t action_count);
void measure_reaction(struct measures *measures, int64_t took_ns);

struct measures_view { /* borrowed; NULL parts are left out */
    const struct core *core;
    const struct kube_client *kube;
    const struct kube_events *events;
    const struct sink *sink;
    const struct recording *recording;
    const struct watches *watches;
    const struct observer *observer;
    uint64_t events_applied;
    size_t provider_calls; /* in flight */
    int64_t epoch;         /* of the Cell; 0: not taken */
    bool leading, fenced, ready;
};
void measures_print(struct measures *measures, const struct measures_view *view, struct str *out);

#endif
