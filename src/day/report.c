/* SPDX-License-Identifier: Apache-2.0 */
/* report.c - what came of a day, as tables */
#include "bulkhead/day/day.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SPAN_TEXT_MAX = 32, CELL_MAX = 40 };

/* "12.3s", "4m05s", "3h07m" */
static const char *span(int64_t ns, char text[SPAN_TEXT_MAX])
{
    int64_t s = ns / NS_PER_S;
    int64_t tenths = ns % NS_PER_S / (100 * NS_PER_MS);
    if (s < 60)
        snprintf(text, SPAN_TEXT_MAX, "%" PRId64 ".%" PRId64 "s", s, tenths);
    else if (s < 3600)
        snprintf(text, SPAN_TEXT_MAX, "%" PRId64 "m%02" PRId64 "s", s / 60, s % 60);
    else
        snprintf(text, SPAN_TEXT_MAX, "%" PRId64 "h%02" PRId64 "m", s / 3600, s % 3600 / 60);
    return text;
}

static void print_class(const struct day_class *class_, const char *name, struct str *out)
{
    char p50[SPAN_TEXT_MAX], p95[SPAN_TEXT_MAX], max[SPAN_TEXT_MAX];
    str_addf(out,
             "%-20s %8" PRId64 " %9" PRId64 " %9" PRId64 " %7" PRId64 " %9" PRId64
             " %11.1f %9s %9s %9s\n",
             name, class_->jobs, class_->children, class_->succeeded, class_->failed,
             class_->unfinished, class_->vcpu_hours, span(class_->waits.p50_ns, p50),
             span(class_->waits.p95_ns, p95), span(class_->waits.max_ns, max));
}

static void print_classes(const struct day_report *report, struct str *out)
{
    str_addf(out, "%-20s %8s %9s %9s %7s %9s %11s %9s %9s %9s\n", "class", "jobs", "children",
             "succeeded", "failed", "unfinish.", "vCPU-hours", "wait p50", "p95", "max");
    for (size_t i = 0; i < report->class_count; i++)
        print_class(&report->classes[i], report->classes[i].name, out);
    print_class(&report->all, "all", out);
}

static void print_machines(const struct day_report *report, struct str *out)
{
    str_addf(out, "%-20s %-20s %9s %7s %9s %11s %11s\n", "environment", "type", "launched", "peak",
             "reclaimed", "hours", "cost");
    for (size_t i = 0; i < report->machine_count; i++) {
        const struct day_machines *row = &report->machines[i];
        str_addf(out, "%-20s %-20s %9" PRId64 " %7" PRId64 " %9" PRId64 " %11.1f %11.2f\n",
                 row->environment, row->type, row->launched, row->peak, row->reclaimed, row->hours,
                 row->cost);
    }
}

void day_report_print(const struct day_report *report, struct str *out)
{
    char makespan[SPAN_TEXT_MAX];
    print_classes(report, out);
    if (report->machine_count > 0)
        print_machines(report, out);
    str_addf(out,
             "makespan %s, cost %.2f, utilisation %.1f %% of %.1f vCPU-hours, peak %" PRId64
             " vCPUs, %" PRId64 " retries\n",
             span(report->makespan_ns, makespan), report->cost, report->utilisation * 100.0,
             report->machine_vcpu_hours, report->peak_vcpus, report->retries);
    str_addf(out,
             "%" PRIu64 " turns, %" PRIu64 " events, %" PRIu64 " actions, plans %016" PRIx64 "\n",
             report->turns, report->events, report->actions, report->plan_hash);
}

/* ------------------------------------------------------------------------- comparing */

enum figure {
    FIGURE_MAKESPAN,
    FIGURE_COST,
    FIGURE_UTILISATION,
    FIGURE_P50,
    FIGURE_P95,
    FIGURE_MAX,
    FIGURE_MEAN,
    FIGURE_PEAK,
    FIGURE_LAUNCHED,
    FIGURE_SUCCEEDED,
    FIGURE_FAILED,
    FIGURE_UNFINISHED,
    FIGURE_COUNT,
};

static const char *const figure_names[FIGURE_COUNT] = {
    [FIGURE_MAKESPAN] = "makespan",
    [FIGURE_COST] = "cost",
    [FIGURE_UTILISATION] = "utilisation",
    [FIGURE_P50] = "wait p50",
    [FIGURE_P95] = "wait p95",
    [FIGURE_MAX] = "wait max",
    [FIGURE_MEAN] = "wait mean",
    [FIGURE_PEAK] = "peak vCPUs",
    [FIGURE_LAUNCHED] = "machines launched",
    [FIGURE_SUCCEEDED] = "children succeeded",
    [FIGURE_FAILED] = "children failed",
    [FIGURE_UNFINISHED] = "children unfinished",
};

static int64_t launched(const struct day_report *report)
{
    int64_t sum = 0;
    for (size_t i = 0; i < report->machine_count; i++)
        sum += report->machines[i].launched;
    return sum;
}

static const char *cell(const struct day_report *report, enum figure figure, char text[CELL_MAX])
{
    const struct day_class *all = &report->all;
    const int64_t counts[FIGURE_COUNT] = {
        [FIGURE_PEAK] = report->peak_vcpus,    [FIGURE_LAUNCHED] = launched(report),
        [FIGURE_SUCCEEDED] = all->succeeded,   [FIGURE_FAILED] = all->failed,
        [FIGURE_UNFINISHED] = all->unfinished,
    };
    const int64_t spans[FIGURE_COUNT] = {
        [FIGURE_MAKESPAN] = report->makespan_ns,
        [FIGURE_P50] = all->waits.p50_ns,
        [FIGURE_P95] = all->waits.p95_ns,
        [FIGURE_MAX] = all->waits.max_ns,
        [FIGURE_MEAN] = (int64_t)(all->waits.mean_s * (double)NS_PER_S),
    };
    switch (figure) {
    case FIGURE_COST:
        snprintf(text, CELL_MAX, "%.2f", report->cost);
        return text;
    case FIGURE_UTILISATION:
        snprintf(text, CELL_MAX, "%.1f %%", report->utilisation * 100.0);
        return text;
    case FIGURE_MAKESPAN:
    case FIGURE_P50:
    case FIGURE_P95:
    case FIGURE_MAX:
    case FIGURE_MEAN:
        return span(spans[figure], text);
    default:
        snprintf(text, CELL_MAX, "%" PRId64, counts[figure]);
        return text;
    }
}

static int column_width(const char *name)
{
    enum { WIDTH_MIN = 16, WIDTH_MAX = 60 };
    size_t size = strlen(name);
    return size < WIDTH_MIN ? WIDTH_MIN : size > WIDTH_MAX ? WIDTH_MAX : (int)size;
}

void day_compare_print(const char *const *names, const struct day_report *const *reports,
                       size_t count, struct str *out)
{
    str_addf(out, "%-20s", "");
    for (size_t i = 0; i < count; i++)
        str_addf(out, " %*s", column_width(names[i]), names[i]);
    str_add(out, "\n");
    for (int figure = 0; figure < FIGURE_COUNT; figure++) {
        char text[CELL_MAX];
        str_addf(out, "%-20s", figure_names[figure]);
        for (size_t i = 0; i < count; i++)
            str_addf(out, " %*s", column_width(names[i]),
                     cell(reports[i], (enum figure)figure, text));
        str_add(out, "\n");
    }
}
