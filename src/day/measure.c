/* SPDX-License-Identifier: Apache-2.0 */
/* measure.c - what came of it: waits, hours, cost, the series */
#include "parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_HOUR (3600.0 * (double)NS_PER_S)

void meter_add(struct meter *meter, int64_t now_ns, int64_t change)
{
    meter->seconds +=
        (double)meter->value * ((double)(now_ns - meter->since_ns) / (double)NS_PER_S);
    meter->since_ns = now_ns;
    meter->value += change;
    if (meter->value > meter->peak)
        meter->peak = meter->value;
}

/* ------------------------------------------------------------------------------- jobs */

static struct class_measures *class_of(struct day *day, const struct day_job *job)
{
    return &day->classes[job->class_ < DAY_CLASSES_MAX ? job->class_ : DAY_CLASSES_MAX - 1];
}

void measure_arrival(struct day *day, struct day_job *job, int64_t children)
{
    struct class_measures *class_ = class_of(day, job);
    job->children = children;
    class_->jobs++;
    class_->children += children;
    if (day->first_arrival_ns == 0)
        day->first_arrival_ns = day->now_ns;
}

/* The first start of a child; later tries of it are counted as retries. */
void measure_start(struct day *day, struct day_pod *pod)
{
    struct day_job *job = pod->job;
    struct class_measures *class_ = class_of(day, job);
    size_t byte = pod->index / 8;
    uint8_t bit = (uint8_t)(1U << pod->index % 8);
    meter_add(&class_->running_milli, day->now_ns, pod->requests.cpu_milli);
    meter_add(&class_->running, day->now_ns, 1);
    meter_add(&day->used_milli, day->now_ns, pod->requests.cpu_milli);
    meter_add(&pod->group->used_milli, day->now_ns, pod->requests.cpu_milli);
    if (byte >= job->started_size) {
        job->started = mem_grow(job->started, byte + 1, 1);
        memset(job->started + job->started_size, 0, byte + 1 - job->started_size);
        job->started_size = byte + 1;
    }
    if ((job->started[byte] & bit) != 0) {
        day->retries++;
        return;
    }
    job->started[byte] |= bit;
    ARRAY_ROOM(class_->waits, class_->wait_count, class_->wait_capacity);
    class_->waits[class_->wait_count++] = day->now_ns - job->arrived_ns;
}

void measure_end(struct day *day, struct day_pod *pod)
{
    struct class_measures *class_ = class_of(day, pod->job);
    meter_add(&class_->running_milli, day->now_ns, -pod->requests.cpu_milli);
    meter_add(&class_->running, day->now_ns, -1);
    meter_add(&day->used_milli, day->now_ns, -pod->requests.cpu_milli);
    meter_add(&pod->group->used_milli, day->now_ns, -pod->requests.cpu_milli);
    day->last_end_ns = day->now_ns;
}

void measure_job_over(struct day *day, struct day_job *job, const struct job_status *status)
{
    struct class_measures *class_ = class_of(day, job);
    const struct array_status *array = status->array.size > 0   ? &status->array
                                       : status->nodes.size > 0 ? &status->nodes
                                                                : NULL;
    job->over = true;
    day->jobs_over++;
    if (array != NULL) {
        class_->children += (int64_t)array->size - job->children; /* a computed size */
        job->children = array->size;
        job->failed = array->counts[JOB_FAILED];
    } else {
        job->failed = status->phase == JOB_FAILED;
    }
    job->succeeded = job->children - job->failed;
    class_->succeeded += job->succeeded;
    class_->failed += job->failed;
}

/* --------------------------------------------------------------------------- machines */

size_t measure_row(struct day *day, const struct group *group, const char *type)
{
    struct day_report *report = &day->report;
    for (size_t i = 0; i < report->machine_count; i++) {
        if (strcmp(report->machines[i].environment, group->name) == 0 &&
            strcmp(report->machines[i].type, type) == 0)
            return i;
    }
    ARRAY_ROOM(report->machines, report->machine_count, day->machine_capacity);
    report->machines[report->machine_count] =
        (struct day_machines){.environment = group->name, .type = type};
    return report->machine_count++;
}

void measure_launch(struct day *day, struct machine *machine)
{
    machine->row = measure_row(day, machine->group, machine->type->name);
    struct day_machines *row = &day->report.machines[machine->row];
    row->launched++;
    row->now++;
    if (row->now > row->peak)
        row->peak = row->now;
    meter_add(&day->vcpus, day->now_ns, machine->type->vcpus);
    meter_add(&machine->group->vcpus, day->now_ns, machine->type->vcpus);
}

static double price_of(const struct machine *machine)
{
    bool spot = machine->group->spec->spot && machine->type->spot_price > 0;
    return spot ? machine->type->spot_price : machine->type->price;
}

static void pay(struct day *day, const struct machine *machine)
{
    struct day_machines *row = &day->report.machines[machine->row];
    double hours = (double)(day->now_ns - machine->launched_ns) / NS_PER_HOUR;
    row->hours += hours;
    row->cost += hours * price_of(machine);
}

void measure_gone(struct day *day, struct machine *machine, bool reclaimed)
{
    struct day_machines *row = &day->report.machines[machine->row];
    row->now--;
    row->reclaimed += reclaimed;
    pay(day, machine);
    meter_add(&day->vcpus, day->now_ns, -machine->type->vcpus);
    meter_add(&machine->group->vcpus, day->now_ns, -machine->type->vcpus);
}

/* ----------------------------------------------------------------------------- series */

static int64_t waiting(const struct class_measures *class_)
{
    return class_->children - (int64_t)class_->wait_count;
}

static void series_header(struct day *day)
{
    size_t at = 0;
    const struct group *group;
    str_add(&day->series, "seconds");
    while ((group = map_next(day->groups, &at, NULL)) != NULL)
        str_addf(&day->series, ",%s.vcpus,%s.used,%s.nodes", group->name, group->name, group->name);
    for (size_t i = 0; i < day->class_count; i++) {
        const char *name = day->load.class_name(day->load.ctx, i);
        str_addf(&day->series, ",%s.running,%s.vcpus,%s.unstarted", name, name, name);
    }
    str_add(&day->series, "\n");
}

void measure_series(struct day *day)
{
    size_t at = 0;
    const struct group *group;
    if (day->series.size == 0)
        series_header(day);
    str_addf(&day->series, "%lld", (long long)(day_now_ns(day) / NS_PER_S));
    while ((group = map_next(day->groups, &at, NULL)) != NULL)
        str_addf(&day->series, ",%" PRId64 ",%.1f,%" PRId64, group->vcpus.value,
                 (double)group->used_milli.value / 1000.0, group->nodes.value);
    for (size_t i = 0; i < day->class_count; i++) {
        const struct class_measures *class_ = &day->classes[i];
        str_addf(&day->series, ",%" PRId64 ",%.1f,%" PRId64, class_->running.value,
                 (double)class_->running_milli.value / 1000.0, waiting(class_));
    }
    str_add(&day->series, "\n");
}

const char *day_series(const struct day *day)
{
    return str_text(&day->series);
}

/* ---------------------------------------------------------------------------- the end */

static int by_size(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

/* Percentiles by the nearest rank. */
static struct day_waits waits_of(int64_t *waits, size_t count)
{
    double sum = 0;
    if (count == 0)
        return (struct day_waits){0};
    qsort(waits, count, sizeof(*waits), by_size);
    for (size_t i = 0; i < count; i++)
        sum += (double)waits[i] / (double)NS_PER_S;
    return (struct day_waits){
        .count = (int64_t)count,
        .p50_ns = waits[(count * 50 + 99) / 100 - 1],
        .p95_ns = waits[(count * 95 + 99) / 100 - 1],
        .max_ns = waits[count - 1],
        .mean_s = sum / (double)count,
    };
}

static void class_finish(struct day *day, size_t index, struct day_class *ret)
{
    struct class_measures *class_ = &day->classes[index];
    meter_add(&class_->running_milli, day->now_ns, 0);
    *ret = (struct day_class){
        .name = day->load.class_name(day->load.ctx, index),
        .jobs = class_->jobs,
        .children = class_->children,
        .succeeded = class_->succeeded,
        .failed = class_->failed,
        .unfinished = class_->children - class_->succeeded - class_->failed,
        .vcpu_hours = class_->running_milli.seconds / 1000.0 / 3600.0,
        .waits = waits_of(class_->waits, class_->wait_count),
    };
}

static void all_finish(struct day *day, struct day_class *all)
{
    size_t count = 0;
    for (size_t i = 0; i < day->class_count; i++)
        count += day->classes[i].wait_count;
    int64_t *waits = mem_new((count + 1) * sizeof(*waits));
    count = 0;
    for (size_t i = 0; i < day->class_count; i++) {
        const struct class_measures *class_ = &day->classes[i];
        const struct day_class *from = &day->report.classes[i];
        if (class_->wait_count > 0)
            memcpy(waits + count, class_->waits, class_->wait_count * sizeof(*waits));
        count += class_->wait_count;
        all->jobs += from->jobs;
        all->children += from->children;
        all->succeeded += from->succeeded;
        all->failed += from->failed;
        all->unfinished += from->unfinished;
        all->vcpu_hours += from->vcpu_hours;
    }
    all->waits = waits_of(waits, count);
    free(waits);
}

void measure_finish(struct day *day)
{
    struct day_report *report = &day->report;
    size_t at = 0;
    const struct group *group;
    while ((group = map_next(day->groups, &at, NULL)) != NULL) {
        for (const struct machine *m = group->machines; m != NULL; m = m->next)
            pay(day, m);
    }
    meter_add(&day->vcpus, day->now_ns, 0);
    report->class_count = day->class_count;
    report->classes = mem_new((day->class_count + 1) * sizeof(*report->classes));
    for (size_t i = 0; i < day->class_count; i++)
        class_finish(day, i, &report->classes[i]);
    all_finish(day, &report->all);
    report->makespan_ns =
        day->last_end_ns > day->first_arrival_ns ? day->last_end_ns - day->first_arrival_ns : 0;
    report->peak_vcpus = day->vcpus.peak;
    report->retries = day->retries;
    report->machine_vcpu_hours = day->vcpus.seconds / 3600.0;
    for (size_t i = 0; i < report->machine_count; i++)
        report->cost += report->machines[i].cost;
    if (report->machine_vcpu_hours > 0)
        report->utilisation = report->all.vcpu_hours / report->machine_vcpu_hours;
}

void measure_done(struct day *day)
{
    for (size_t i = 0; i < DAY_CLASSES_MAX; i++)
        free(day->classes[i].waits);
    free(day->report.classes);
    free(day->report.machines);
    str_done(&day->series);
}

const struct day_report *day_report(struct day *day)
{
    return &day->report;
}
