/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.h - Prometheus text exposition: counters, gauges and histograms with bounded labels
 *
 * A metric is registered once with its help text and label names; values are set by label values.
 * At most METRICS_SERIES_MAX series a metric: further label values are counted under label value
 * "other". */
#ifndef BULKHEAD_SERVE_METRICS_H
#define BULKHEAD_SERVE_METRICS_H

#include "bulkhead/base/str.h"

enum { METRICS_SERIES_MAX = 1000, METRICS_LABELS_MAX = 4 };
enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metrics;
struct metric;
struct metrics *metrics_new(void);
struct metrics *metrics_free(struct metrics *metrics);
/* labels: names, NULL-terminated, or NULL. bounds: upper bucket bounds of a histogram, ascending.
 */
struct metric *metrics_register(struct metrics *metrics, enum metric_kind kind, const char *name,
                                const char *help, const char *const *labels, const double *bounds,
                                size_t bound_count);
/* values: one per label, in order; NULL when the metric has none. */
void metric_set(struct metric *metric, const char *const *values, double value);
void metric_add(struct metric *metric, const char *const *values, double more);
void metric_observe(struct metric *metric, const char *const *values, double value);
void metric_clear(
    struct metric *metric); /* drops all series: for gauges that are set anew at each scrape */
void metrics_print(const struct metrics *metrics, struct str *out);

#endif
