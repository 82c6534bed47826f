/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - build/day: a scenario's day, or the same day several times with one thing changed
 *
 *   build/day tests/day/office.yaml
 *   build/day --set ComputeEnvironment.spec.computeResources.maxvCpus=400 tests/day/office.yaml
 *   build/day --vary ComputeEnvironment.spec.computeResources.allocationStrategy=BEST_FIT,... FILE
 *   build/day --record day.log FILE         for bulkhead-replay
 *   build/day --series minutes.csv --every 60 FILE
 *
 * The first two print what came of it as tables; --vary one column a value. */
#include "bulkhead/day/scenario.h"
#include "bulkhead/record/record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SETS_MAX = 64, VALUES_MAX = 16 };

struct asked {
    const char *file, *vary, *series, *record;
    const char *sets[SETS_MAX];
    size_t set_count;
    int64_t every_s, hours;
};

static const char usage[] =
    "usage: day [--set Kind[/name].path=value]... [--vary Kind.path=v1,v2,...]\n"
    "           [--series FILE.csv] [--every SECONDS] [--hours N] [--record FILE]\n"
    "           SCENARIO.yaml\n";

static bool read_number(const char *text, int64_t *ret)
{
    char *end = NULL;
    *ret = strtoll(text, &end, 10);
    return *text != '\0' && *end == '\0' && *ret > 0;
}

static int read_flag(const char *flag, const char *value, struct asked *asked, struct err *err)
{
    if (strcmp(flag, "--set") == 0) {
        if (asked->set_count == SETS_MAX)
            return err_set(err, ERR_INVALID, "--set: expected at most %d", SETS_MAX);
        asked->sets[asked->set_count++] = value;
    } else if (strcmp(flag, "--vary") == 0) {
        asked->vary = value;
    } else if (strcmp(flag, "--record") == 0) {
        asked->record = value;
    } else if (strcmp(flag, "--series") == 0) {
        asked->series = value;
    } else if (strcmp(flag, "--every") == 0 || strcmp(flag, "--hours") == 0) {
        if (!read_number(value, flag[2] == 'e' ? &asked->every_s : &asked->hours))
            return err_set(err, ERR_INVALID, "%s: \"%s\", expected a number", flag, value);
    } else {
        return err_set(err, ERR_INVALID, "%s is not a flag of day", flag);
    }
    return 0;
}

/* A column a value: what is written for one day has no place then. */
static int check_vary(const struct asked *asked, struct err *err)
{
    const char *equals = asked->vary != NULL ? strchr(asked->vary, '=') : NULL;
    size_t values = 1;
    if (asked->vary == NULL)
        return 0;
    if (asked->record != NULL || asked->series != NULL)
        return err_set(err, ERR_INVALID, "--vary: not with --record or --series");
    for (const char *at = equals; at != NULL && *at != '\0'; at++)
        values += *at == ',';
    if (equals == NULL || values > VALUES_MAX)
        return err_set(err, ERR_INVALID, "--vary: \"%s\", expected Kind.path=v1,v2, at most %d",
                       asked->vary, VALUES_MAX);
    return 0;
}

static int read_arguments(int argc, char **argv, struct asked *asked, struct err *err)
{
    *asked = (struct asked){.every_s = 60};
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-') {
            if (i + 1 == argc)
                return err_set(err, ERR_INVALID, "%s: not a flag, or without its value", argv[i]);
            if (read_flag(argv[i], argv[i + 1], asked, err) < 0)
                return -1;
            i++;
        } else if (asked->file != NULL) {
            return err_set(err, ERR_INVALID, "\"%s\" is left over: one scenario at a time",
                           argv[i]);
        } else {
            asked->file = argv[i];
        }
    }
    if (asked->file == NULL)
        return err_set(err, ERR_INVALID, "which scenario?");
    return check_vary(asked, err);
}

static int read_file(const char *path, struct str *out, struct err *err)
{
    char buffer[4096];
    size_t size;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return err_set(err, ERR_INVALID, "%s", strerror(errno));
    while ((size = fread(buffer, 1, sizeof(buffer), file)) > 0 && out->size <= SCENARIO_BYTES_MAX)
        str_add_bytes(out, buffer, size);
    bool whole = ferror(file) == 0;
    fclose(file);
    return whole ? 0 : err_set(err, ERR_INVALID, "cannot be read, or is no file");
}

static int write_series(const struct asked *asked, const struct day *day, struct err *err)
{
    if (asked->series == NULL)
        return 0;
    FILE *file = fopen(asked->series, "we");
    if (file == NULL)
        return err_set(err, ERR_INVALID, "%s: cannot be written", asked->series);
    fputs(day_series(day), file);
    return fclose(file) == 0 ? 0 : err_set(err, ERR_INVALID, "%s: disk full", asked->series);
}

/* --- The log of a day --- */

struct tape {
    FILE *file;
    struct recorder *recorder;
    struct err err; /* of the first write that went wrong */
};

static int tape_write(void *ctx, const void *bytes, size_t size, struct err *err)
{
    const struct tape *tape = ctx;
    return fwrite(bytes, 1, size, tape->file) == size ? 0 : err_set(err, ERR_INVALID, "disk full");
}

static void on_event(void *ctx, const struct event *event)
{
    const struct tape *tape = ctx;
    recorder_event(tape->recorder, event);
}

static void on_plan(void *ctx, int64_t now_ns, const struct plan *plan)
{
    struct tape *tape = ctx;
    recorder_plan(tape->recorder, now_ns, plan);
    if (recorder_waiting(tape->recorder) > 256 * 1024)
        (void)recorder_flush(tape->recorder, &tape->err);
}

static int tape_begin(struct tape *tape, const char *path, struct day_options *options,
                      struct err *err)
{
    if (path == NULL)
        return 0;
    tape->file = fopen(path, "we");
    if (tape->file == NULL)
        return err_set(err, ERR_INVALID, "%s: cannot be written", path);
    const struct recorder_options recorder = {
        .version = "day", .core = options->core, .write = tape_write, .ctx = tape};
    tape->recorder = recorder_new(&recorder);
    options->on_event = on_event;
    options->on_plan = on_plan;
    options->ctx = tape;
    return 0;
}

static int tape_end(struct tape *tape, struct err *err)
{
    if (tape->recorder == NULL)
        return 0;
    (void)recorder_flush(tape->recorder, &tape->err);
    const struct recorder_stats *stats = recorder_stats(tape->recorder);
    printf("recorded %" PRIu64 " events and %" PRIu64 " plans in %" PRId64 " bytes (%" PRId64
           " before compression)\n",
           stats->events, stats->plans, stats->bytes, stats->raw_bytes);
    tape->recorder = recorder_free(tape->recorder);
    fclose(tape->file);
    if (tape->err.kind == ERR_NONE)
        return 0;
    *err = tape->err;
    return -1;
}

static double cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* One day; change: one more assignment, or NULL. */
static int run(const struct asked *asked, const struct str *text, const char *change,
               struct tape *tape, struct scenario **ret_scenario, struct day **ret_day,
               struct err *err)
{
    AUTO(scenario) scenario = NULL;
    AUTO(day) day = NULL;
    struct day_options options = {
        .series_ns = asked->series != NULL ? asked->every_s * NS_PER_S : 0,
        .stop_ns = asked->hours * 3600 * NS_PER_S,
    };
    if (tape_begin(tape, asked->record, &options, err) < 0)
        return -1;
    if (scenario_parse(str_text(text), text->size, &scenario, err) < 0)
        return -1;
    for (size_t i = 0; i < asked->set_count; i++) {
        if (scenario_set(scenario, asked->sets[i], err) < 0)
            return -1;
    }
    if (change != NULL && scenario_set(scenario, change, err) < 0)
        return -1;
    if (scenario_day(scenario, &options, &day, err) < 0 || day_run(day, err) < 0)
        return -1;
    *ret_day = STEAL(day);
    *ret_scenario = STEAL(scenario);
    return 0;
}

static int run_one(const struct asked *asked, const struct str *text, struct err *err)
{
    AUTO(scenario) scenario = NULL;
    AUTO(day) day = NULL;
    AUTO_STR out = STR_EMPTY;
    struct tape tape = {.file = NULL};
    double start = cpu_s();
    int result = run(asked, text, NULL, &tape, &scenario, &day, err);
    if (tape_end(&tape, err) < 0 || result < 0 || write_series(asked, day, err) < 0)
        return -1;
    day_report_print(day_report(day), &out);
    str_addf(&out, "CPU %.2f s\n", cpu_s() - start);
    fputs(str_text(&out), stdout);
    return 0;
}

static int run_each(const struct asked *asked, const struct str *text, struct err *err)
{
    struct scenario *scenarios[VALUES_MAX] = {NULL};
    struct day *days[VALUES_MAX] = {NULL};
    const struct day_report *reports[VALUES_MAX];
    char *names[VALUES_MAX] = {NULL};
    size_t count = 0;
    int result = 0;
    const char *equals = strchr(asked->vary, '=');
    for (const char *at = equals; at != NULL && count < VALUES_MAX && result == 0;
         at = strchr(at + 1, ',')) {
        size_t size = strcspn(at + 1, ",");
        AUTO_TEXT change =
            text_printf("%.*s=%.*s", (int)(equals - asked->vary), asked->vary, (int)size, at + 1);
        names[count] = text_copy_n(at + 1, size);
        struct tape none = {.file = NULL};
        result = run(asked, text, change, &none, &scenarios[count], &days[count], err);
        if (result == 0) {
            reports[count] = day_report(days[count]);
            count++;
        }
    }
    if (result == 0) {
        AUTO_STR out = STR_EMPTY;
        day_compare_print((const char *const *)names, reports, count, &out);
        fputs(str_text(&out), stdout);
    }
    for (size_t i = 0; i < VALUES_MAX; i++) {
        day_free(days[i]);
        scenario_free(scenarios[i]);
        free(names[i]);
    }
    return result;
}

int main(int argc, char **argv)
{
    struct asked asked;
    struct err err = {0};
    AUTO_STR text = STR_EMPTY;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    if (read_arguments(argc, argv, &asked, &err) < 0) {
        fprintf(stderr, "day: %s\n%s", err.text, usage);
        return 2;
    }
    if (read_file(asked.file, &text, &err) == 0 &&
        (asked.vary != NULL ? run_each(&asked, &text, &err) : run_one(&asked, &text, &err)) == 0)
        return 0;
    fprintf(stderr, "day: %s: %s\n", asked.file, err.text);
    return 1;
}
