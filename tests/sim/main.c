/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - sim: many small worlds, or one again
 *
 *   sim --runs N [--first S]       seeds S..S+N-1 (0 by default)
 *
 *   sim --seed S [--verbose]       one seed again; --verbose tells all of its story
 *
 *   sim --seed S --plan P          without other faults, what P says: crash:12:committed,
 *                                  stale:30:2, gap:17:1, or two with a comma between (sieve.c)
 *
 *   sim --walk N                   N seeds, the process dying at each write, at three moments of it
 *
 *   sim --sieve N                  N seeds, every plan of sieve.c
 *
 *   --small                        small worlds (scenario.c): others than those of the same seeds
 *   --keep-going                   does not stop at the first failure
 *   --jobs N                       processes side by side; one for each core by default
 *
 *   sim --array N [--pattern P]    one array of N children instead: what size costs (array.c)
 *
 * The last line is "N passed, M failed"; the exit status is 1 when anything failed. */
#include "sim/array.h"
#include "sim/world.h"

#include "bulkhead/base/str.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FAILURES_SHOWN = 3, COMPARED_ONE_IN = 100, SMALL_COMPARED_ONE_IN = 200, JOBS_MAX = 64 };

struct job_line { /* the command line */
    uint64_t runs, first, seed, walk, sieve, jobs;
    uint64_t part; /* this process takes every jobs-th seed from here */
    bool has_seed, verbose, keep_going, small;
    struct disturbance disturbances[DISTURBANCES_MAX];
};

struct totals {
    uint64_t passed, failed, steps;
    uint64_t sieved[SIEVE_FAMILIES], sieve_failed[SIEVE_FAMILIES], sieve_seeds;
    double virtual_s;
    struct counters counters;
};

static char seed_text[128]; /* of the run under way, for a process that dies in it */

static void on_death(int signal_number)
{
    ssize_t written = write(STDERR_FILENO, seed_text, strlen(seed_text));
    UNUSED(written);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Of this process and those that it has waited for: says how fast the simulator is, however busy
 * the machine. */
static double cpu_seconds(void)
{
    double sum = 0;
    const int whose[] = {RUSAGE_SELF, RUSAGE_CHILDREN};
    for (size_t i = 0; i < ARRAY_LEN(whose); i++) {
        struct rusage used;
        if (getrusage(whose[i], &used) == 0)
            sum += (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                   (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
    }
    return sum;
}

static void show_failure(const struct run_options *failed)
{
    struct run_options options = *failed;
    struct counters unused = {0};
    struct run_result result;
    options.story = !options.verbose;
    if (!options.verbose)
        run_world(&options, &unused, &result);
}

static void count(struct totals *totals, const struct run_options *options,
                  const struct run_result *result)
{
    totals->steps += result->steps;
    totals->virtual_s += (double)result->virtual_ns * 1e-9;
    if (!result->failed) {
        totals->passed++;
        return;
    }
    totals->failed++;
    AUTO_STR plan = STR_EMPTY;
    disturbances_print(options->disturbances, &plan);
    printf("FAILED seed %llu%s%s%s\n  %s\n", (unsigned long long)options->seed,
           options->small ? " --small" : "", plan.size > 0 ? " --plan " : "", str_text(&plan),
           result->failure);
    if (totals->failed <= FAILURES_SHOWN)
        show_failure(options);
    fflush(stdout);
}

static struct run_result run_seed(const struct run_options *given, struct totals *totals)
{
    struct run_options options = *given;
    AUTO_STR plan = STR_EMPTY;
    disturbances_print(options.disturbances, &plan);
    unsigned one_in = options.small ? SMALL_COMPARED_ONE_IN : COMPARED_ONE_IN;
    options.hash_plans = options.recorded = options.seed % one_in == 0 && plan.size == 0;
    snprintf(seed_text, sizeof(seed_text), "died in seed %llu%s %s\n",
             (unsigned long long)options.seed, options.small ? " --small" : "", str_text(&plan));
    struct run_result result, again;
    run_world(&options, &totals->counters, &result);
    if (options.hash_plans && !result.failed && !options.verbose) {
        struct counters unused = {0};
        options.recorded = false;
        run_world(&options, &unused, &again);
        totals->counters.replays_compared++;
        if (again.plan_hash != result.plan_hash || again.steps != result.steps) {
            result.failed = true;
            snprintf(result.failure, sizeof(result.failure),
                     "the same seed made two different plans");
        }
    }
    count(totals, &options, &result);
    return result;
}

static void run_many(const struct job_line *line, struct totals *totals)
{
    double start = seconds(), shown = start;
    for (uint64_t i = line->part; i < line->runs; i += line->jobs) {
        struct run_options options = {.seed = line->first + i, .small = line->small};
        run_seed(&options, totals);
        if (totals->failed > 0 && !line->keep_going)
            return;
        double now = seconds();
        if (line->part == 0 && now - shown >= 5) {
            printf("%llu of %llu runs, %.0f schedules/s, %llu failed here\n",
                   (unsigned long long)i + 1, (unsigned long long)line->runs,
                   (double)(i + 1) / (now - start), (unsigned long long)totals->failed);
            fflush(stdout);
            shown = now;
        }
    }
}

struct sieving {
    const struct job_line *line;
    struct totals *totals;
};

static bool sieve_run(void *user, enum sieve_family family, const struct run_options *options,
                      struct run_result *ret_result)
{
    struct sieving *sieving = user;
    *ret_result = run_seed(options, sieving->totals);
    sieving->totals->sieved[family]++;
    if (ret_result->failed)
        sieving->totals->sieve_failed[family]++;
    return !ret_result->failed || sieving->line->keep_going;
}

static void sieve(const struct job_line *line, uint64_t seeds, bool pairs, struct totals *totals)
{
    struct sieving sieving = {.line = line, .totals = totals};
    for (uint64_t i = line->part; i < seeds; i += line->jobs) {
        totals->sieve_seeds++;
        const struct run_options of = {.seed = line->first + i, .small = line->small};
        if (!sieve_seed(&of, pairs, sieve_run, &sieving))
            return;
        if (line->part == 0) {
            printf("%llu of %llu seeds, %llu failed here\n", (unsigned long long)i + 1,
                   (unsigned long long)seeds, (unsigned long long)totals->failed);
            fflush(stdout);
        }
    }
}

static void print_sieve(const struct totals *totals)
{
    if (totals->sieve_seeds == 0)
        return;
    printf("%llu seeds   %12s %12s\n", (unsigned long long)totals->sieve_seeds, "plans",
           "violations");
    for (size_t i = 0; i < SIEVE_FAMILIES; i++)
        printf("  %-8s %12llu %12llu\n", sieve_family_names[i],
               (unsigned long long)totals->sieved[i], (unsigned long long)totals->sieve_failed[i]);
}

static void run_part(const struct job_line *line, struct totals *totals)
{
    run_many(line, totals);
    if (totals->failed == 0 || line->keep_going)
        sieve(line, line->walk, false, totals);
    if (totals->failed == 0 || line->keep_going)
        sieve(line, line->sieve, true, totals);
}

/* --- Processes side by side ------------------------------------------------------------------- */

static void totals_add(struct totals *sum, const struct totals *more)
{
    sum->passed += more->passed;
    sum->failed += more->failed;
    sum->steps += more->steps;
    sum->virtual_s += more->virtual_s;
    sum->sieve_seeds += more->sieve_seeds;
    for (size_t i = 0; i < SIEVE_FAMILIES; i++) {
        sum->sieved[i] += more->sieved[i];
        sum->sieve_failed[i] += more->sieve_failed[i];
    }
#define X(name) sum->counters.name += more->counters.name;
    COUNTERS(X)
#undef X
}

static bool spawn(const struct job_line *line, int *ret_fd)
{
    int fds[2];
    if (pipe(fds) < 0)
        return false;
    fflush(stdout);
    pid_t pid = fork();
    if (pid < 0)
        return false;
    if (pid > 0) {
        close(fds[1]);
        *ret_fd = fds[0];
        return true;
    }
    struct totals *totals = mem_new(sizeof(*totals));
    run_part(line, totals);
    fflush(stdout);
    bool written = write(fds[1], totals, sizeof(*totals)) == (ssize_t)sizeof(*totals);
    free(totals);
    _exit(written ? 0 : 1);
}

/* A part that dies (an assertion, a sanitizer) counts as one failure. */
static void run_parts(struct job_line *line, struct totals *sum)
{
    int fds[JOBS_MAX];
    for (line->part = 0; line->part < line->jobs; line->part++)
        if (!spawn(line, &fds[line->part]))
            fds[line->part] = -1;
    for (uint64_t part = 0; part < line->jobs; part++) {
        struct totals totals = {0};
        if (fds[part] < 0 || read(fds[part], &totals, sizeof(totals)) != (ssize_t)sizeof(totals)) {
            printf("FAILED: part %llu of %llu died\n", (unsigned long long)part,
                   (unsigned long long)line->jobs);
            totals = (struct totals){.failed = 1};
        }
        totals_add(sum, &totals);
    }
    while (wait(NULL) > 0)
        ;
}

/* --- The command line --------------------------------------------------------------------------
 */

static void print_counters(const struct counters *counters)
{
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
#define X(name_) {#name_, counters->name_},
        COUNTERS(X)
#undef X
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        printf("%-20s %10llu%s", rows[i].name, (unsigned long long)rows[i].value,
               i % 4 == 3 || i + 1 == ARRAY_LEN(rows) ? "\n" : "  ");
}

static bool read_number(const char *text, uint64_t *ret)
{
    char *end = NULL;
    *ret = strtoull(text, &end, 10);
    return *text != '\0' && *end == '\0';
}

static const char usage[] =
    "usage: sim [--runs N] [--walk N] [--sieve N] [--first S] [--small] [--jobs N] [--keep-going]\n"
    "           [--seed S [--verbose] [--plan crash:12:committed|stale:30:2|gap:17:1]]\n"
    "       sim --array N [--pattern all|third-fails-twice|alternating|random]\n";

/* The word that is wrong, or NULL. */
static const char *read_line(int argc, char **argv, struct job_line *line)
{
    for (int i = 1; i < argc; i++) {
        uint64_t number = 0;
        bool more = i + 1 < argc;
        if (strcmp(argv[i], "--verbose") == 0) {
            line->verbose = true;
        } else if (strcmp(argv[i], "--small") == 0) {
            line->small = true;
        } else if (strcmp(argv[i], "--keep-going") == 0) {
            line->keep_going = true;
        } else if (strcmp(argv[i], "--plan") == 0 && more) {
            if (!disturbances_read(argv[++i], line->disturbances))
                return argv[i];
        } else if (!more || !read_number(argv[i + 1], &number)) {
            return argv[i];
        } else if (strcmp(argv[i], "--runs") == 0) {
            line->runs = number;
            i++;
        } else if (strcmp(argv[i], "--first") == 0) {
            line->first = number;
            i++;
        } else if (strcmp(argv[i], "--walk") == 0) {
            line->walk = number;
            i++;
        } else if (strcmp(argv[i], "--sieve") == 0) {
            line->sieve = number;
            i++;
        } else if (strcmp(argv[i], "--jobs") == 0 && number > 0 && number <= JOBS_MAX) {
            line->jobs = number;
            i++;
        } else if (strcmp(argv[i], "--seed") == 0) {
            line->seed = number;
            line->has_seed = true;
            i++;
        } else {
            return argv[i];
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    if ((argc == 3 || (argc == 5 && strcmp(argv[3], "--pattern") == 0)) &&
        strcmp(argv[1], "--array") == 0)
        return array_main(argv[2], argc == 5 ? argv[4] : NULL);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct job_line line = {.jobs = cores > 0 && cores <= JOBS_MAX ? (uint64_t)cores : 1};
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    const char *wrong = read_line(argc, argv, &line);
    if (wrong != NULL) {
        fprintf(stderr, "sim: %s: not a flag, or not what it takes\n%s", wrong, usage);
        return 2;
    }

    signal(SIGABRT, on_death);
    signal(SIGSEGV, on_death);
    signal(SIGTERM, on_death);
    struct totals *totals = mem_new(sizeof(*totals));
    double start = seconds();
    if (line.has_seed) {
        struct run_options options = {.seed = line.seed,
                                      .verbose = line.verbose,
                                      .small = line.small,
                                      .no_faults = line.disturbances[0].at > 0};
        memcpy(options.disturbances, line.disturbances, sizeof(options.disturbances));
        run_seed(&options, totals);
    } else if (line.jobs == 1) {
        run_part(&line, totals);
    } else {
        run_parts(&line, totals);
    }
    double took = seconds() - start;
    uint64_t runs = totals->passed + totals->failed;
    print_counters(&totals->counters);
    print_sieve(totals);
    double cpu = cpu_seconds();
    printf("%llu schedules in %.1f s: %.0f for each second of a core, %.0f steps and %.0f virtual "
           "minutes each\n",
           (unsigned long long)runs, took, cpu > 0 ? (double)runs / cpu : 0.0,
           runs > 0 ? (double)totals->steps / (double)runs : 0.0,
           runs > 0 ? totals->virtual_s / 60 / (double)runs : 0.0);
    printf("%llu passed, %llu failed\n", (unsigned long long)totals->passed,
           (unsigned long long)totals->failed);
    bool failed = totals->failed > 0;
    free(totals);
    return failed ? 1 : 0;
}
