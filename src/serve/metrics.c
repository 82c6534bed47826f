/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.c - series by their label text, printed in a fixed order
 *
 * A series is found by its labels as they are printed, queue="a",state="b" with every value
 * escaped: two different sets of values never print alike, so that text is the key. Metrics come
 * out in the order in which they were registered, series in the order of their label text, so that
 * the same values give the same page whatever happened first.
 *
 * Bound: METRICS_SERIES_MAX series a metric, the one called "other" among them. A gauge that is set
 * beyond the bound is added up in "other", which is right for gauges that are cleared and set anew
 * at each scrape; others must stay below the bound by themselves. */
#include "bulkhead/serve/metrics.h"

#include "bulkhead/base/map.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct series {
    char *labels; /* queue="a",state="b"; "" without labels */
    double value; /* of a histogram: the sum */
    uint64_t count;
    uint64_t *buckets; /* of a histogram, one per bound, each without those below it */
};

struct metric {
    enum metric_kind kind;
    char *name;
    char *help;
    char *labels[METRICS_LABELS_MAX];
    size_t label_count;
    double *bounds;
    size_t bound_count;
    struct map *series; /* label text -> struct series, owned */
    struct str key;     /* scratch, so that counting allocates nothing */
};

struct metrics {
    struct metric **items;
    size_t count, capacity;
};

/* How many bytes the UTF-8 sequence at text takes; 0: it is not one. */
static size_t utf8_size(const unsigned char *text)
{
    static const struct {
        unsigned char mask, lead;
        size_t size;
        uint32_t min; /* smaller values are overlong */
    } forms[] = {{0x80, 0x00, 1, 0},
                 {0xe0, 0xc0, 2, 0x80},
                 {0xf0, 0xe0, 3, 0x800},
                 {0xf8, 0xf0, 4, 0x10000}};

    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if ((text[0] & forms[i].mask) != forms[i].lead)
            continue;
        uint32_t value = text[0] & (unsigned char)~forms[i].mask;
        for (size_t at = 1; at < forms[i].size; at++) {
            if ((text[at] & 0xc0) != 0x80)
                return 0; /* the closing NUL ends here too */
            value = value << 6 | (text[at] & 0x3fU);
        }
        bool allowed =
            value >= forms[i].min && value <= 0x10ffff && (value < 0xd800 || value > 0xdfff);
        return allowed ? forms[i].size : 0;
    }
    return 0;
}

/* A byte that is not UTF-8 would make the scraper refuse the whole page: it becomes '?'. */
static void add_escaped(struct str *out, const char *text, bool quotes)
{
    for (const char *at = text; *at != '\0';) {
        size_t size = utf8_size((const unsigned char *)at);
        if (*at == '\\')
            str_add(out, "\\\\");
        else if (*at == '\n')
            str_add(out, "\\n");
        else if (*at == '"' && quotes)
            str_add(out, "\\\"");
        else if (size == 0)
            str_add(out, "?");
        else
            str_add_bytes(out, at, size);
        at += size > 0 ? size : 1;
    }
}

static bool name_is_valid(const char *name)
{
    size_t size = strlen(name);
    size_t good = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return size > 0 && good == size && !(name[0] >= '0' && name[0] <= '9');
}

static void series_free(struct series *series)
{
    free(series->labels);
    free(series->buckets);
    free(series);
}

static struct series *series_add(struct metric *metric, const char *labels)
{
    struct series *series = mem_new(sizeof(*series));
    series->labels = text_copy(labels);
    if (metric->bound_count > 0)
        series->buckets = mem_new(metric->bound_count * sizeof(*series->buckets));
    map_put(metric->series, labels, series);
    return series;
}

/* values NULL: every label is "other". */
static void make_key(struct metric *metric, const char *const *values)
{
    str_clear(&metric->key);
    for (size_t i = 0; i < metric->label_count; i++) {
        str_addf(&metric->key, "%s%s=\"", i > 0 ? "," : "", metric->labels[i]);
        add_escaped(&metric->key, values != NULL ? values[i] : "other", true);
        str_add(&metric->key, "\"");
    }
}

/* The series of these values, made if need be; ret_other: it stands for more than these values. */
static struct series *series_of(struct metric *metric, const char *const *values, bool *ret_other)
{
    assert((values != NULL) == (metric->label_count > 0));

    make_key(metric, values);
    struct series *series = map_get(metric->series, str_text(&metric->key));
    *ret_other = false;
    if (series != NULL)
        return series;

    if (map_count(metric->series) < METRICS_SERIES_MAX - 1)
        return series_add(metric, str_text(&metric->key));

    make_key(metric, NULL);
    *ret_other = true;
    series = map_get(metric->series, str_text(&metric->key));
    return series != NULL ? series : series_add(metric, str_text(&metric->key));
}

struct metrics *metrics_new(void)
{
    return mem_new(sizeof(struct metrics));
}

static void metric_free(struct metric *metric)
{
    metric_clear(metric);
    map_free(metric->series);
    str_done(&metric->key);
    for (size_t i = 0; i < metric->label_count; i++)
        free(metric->labels[i]);
    free(metric->bounds);
    free(metric->name);
    free(metric->help);
    free(metric);
}

struct metrics *metrics_free(struct metrics *metrics)
{
    if (metrics == NULL)
        return NULL;

    for (size_t i = 0; i < metrics->count; i++)
        metric_free(metrics->items[i]);
    free(metrics->items);
    free(metrics);
    return NULL;
}

static void set_bounds(struct metric *metric, const double *bounds, size_t count)
{
    if (count == 0)
        return;

    metric->bounds = mem_new(count * sizeof(*bounds));
    for (size_t i = 0; i < count; i++) {
        assert(isfinite(bounds[i])); /* +Inf is printed anyway */
        assert(i == 0 || bounds[i - 1] < bounds[i]);
        metric->bounds[i] = bounds[i];
    }
    metric->bound_count = count;
}

struct metric *metrics_register(struct metrics *metrics, enum metric_kind kind, const char *name,
                                const char *help, const char *const *labels, const double *bounds,
                                size_t bound_count)
{
    assert(name_is_valid(name));
    assert(kind == METRIC_HISTOGRAM || bound_count == 0);
    for (size_t i = 0; i < metrics->count; i++)
        assert(strcmp(metrics->items[i]->name, name) != 0);

    struct metric *metric = mem_new(sizeof(*metric));
    metric->kind = kind;
    metric->name = text_copy(name);
    metric->help = text_copy(help);
    metric->series = map_new();
    for (; labels != NULL && labels[metric->label_count] != NULL; metric->label_count++) {
        assert(metric->label_count < METRICS_LABELS_MAX);
        assert(name_is_valid(labels[metric->label_count]));
        metric->labels[metric->label_count] = text_copy(labels[metric->label_count]);
    }
    set_bounds(metric, bounds, bound_count);
    if (metric->label_count == 0)
        series_add(metric, ""); /* without labels it is there from the start, as zero */

    ARRAY_ROOM(metrics->items, metrics->count, metrics->capacity);
    metrics->items[metrics->count++] = metric;
    return metric;
}

void metric_set(struct metric *metric, const char *const *values, double value)
{
    assert(metric->kind != METRIC_HISTOGRAM);

    bool other;
    struct series *series = series_of(metric, values, &other);
    series->value = other ? series->value + value : value;
}

void metric_add(struct metric *metric, const char *const *values, double more)
{
    assert(metric->kind != METRIC_HISTOGRAM);
    assert(metric->kind != METRIC_COUNTER || more >= 0);

    bool other;
    series_of(metric, values, &other)->value += more;
}

void metric_observe(struct metric *metric, const char *const *values, double value)
{
    assert(metric->kind == METRIC_HISTOGRAM);

    bool other;
    struct series *series = series_of(metric, values, &other);
    series->value += value;
    series->count++;
    for (size_t i = 0; i < metric->bound_count; i++) {
        if (value <= metric->bounds[i]) {
            series->buckets[i]++;
            break;
        }
    }
}

void metric_clear(struct metric *metric)
{
    struct series *series;
    const char *key;
    for (size_t i = 0; (series = map_next(metric->series, &i, &key)) != NULL;) {
        map_remove(metric->series, key);
        series_free(series);
    }
    assert(map_count(metric->series) == 0);
}

static const char *print_number(double value, char text[32])
{
    if (isnan(value))
        return "NaN";
    if (isinf(value))
        return value > 0 ? "+Inf" : "-Inf";

    snprintf(text, 32, "%.15g", value);
    if (strtod(text, NULL) < value || strtod(text, NULL) > value)
        snprintf(text, 32, "%.17g", value);
    return text;
}

static void print_line(const struct metric *metric, const struct series *series, const char *suffix,
                       const char *le, double value, struct str *out)
{
    char text[32];
    bool labelled = series->labels[0] != '\0';

    str_addf(out, "%s%s", metric->name, suffix);
    if (labelled || le != NULL)
        str_addf(out, "{%s", series->labels);
    if (le != NULL)
        str_addf(out, "%sle=\"%s\"", labelled ? "," : "", le);
    str_addf(out, "%s %s\n", labelled || le != NULL ? "}" : "", print_number(value, text));
}

static void print_series(const struct metric *metric, const struct series *series, struct str *out)
{
    if (metric->kind != METRIC_HISTOGRAM) {
        print_line(metric, series, "", NULL, series->value, out);
        return;
    }

    uint64_t below = 0;
    for (size_t i = 0; i < metric->bound_count; i++) {
        char bound[32];
        below += series->buckets[i];
        print_line(metric, series, "_bucket", print_number(metric->bounds[i], bound), (double)below,
                   out);
    }
    print_line(metric, series, "_bucket", "+Inf", (double)series->count, out);
    print_line(metric, series, "_sum", NULL, series->value, out);
    print_line(metric, series, "_count", NULL, (double)series->count, out);
}

static int by_labels(const void *a, const void *b)
{
    const struct series *const *left = a, *const *right = b;
    return strcmp((*left)->labels, (*right)->labels);
}

static void metric_print(const struct metric *metric, struct str *out)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    size_t count = map_count(metric->series);
    if (count == 0)
        return;

    str_addf(out, "# HELP %s ", metric->name);
    add_escaped(out, metric->help, false);
    str_addf(out, "\n# TYPE %s %s\n", metric->name, kinds[metric->kind]);

    struct series **sorted = mem_new(count * sizeof(struct series *)), *series;
    size_t filled = 0;
    for (size_t i = 0; (series = map_next(metric->series, &i, NULL)) != NULL;)
        sorted[filled++] = series;
    qsort(sorted, filled, sizeof(struct series *), by_labels);
    for (size_t i = 0; i < filled; i++)
        print_series(metric, sorted[i], out);
    free(sorted);
}

void metrics_print(const struct metrics *metrics, struct str *out)
{
    for (size_t i = 0; i < metrics->count; i++)
        metric_print(metrics->items[i], out);
}
