/* SPDX-License-Identifier: Apache-2.0 */
/* drought_test.c - spot machines run out for an hour: where the work goes, minute by minute */
#include "check.h"

#include "bulkhead/day/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MINUTES_MAX = 400, JOBS = 3600, FIRST = 60, LAST = 120 /* minutes of the drought */ };

struct minute {
    double spot, spot_used, spot_nodes, other, other_used, other_nodes, running, asked, waiting;
};

static void read_file(const char *path, struct str *out)
{
    char buffer[4096];
    size_t size;
    FILE *file = fopen(path, "re");
    REQUIRE(file != NULL);
    while ((size = fread(buffer, 1, sizeof(buffer), file)) > 0)
        str_add_bytes(out, buffer, size);
    fclose(file);
}

static size_t read_series(const char *series, struct minute *minutes)
{
    size_t count = 0;
    for (const char *line = strchr(series, '\n'); line != NULL && line[1] != '\0';
         line = strchr(line + 1, '\n')) {
        struct minute *minute = &minutes[count];
        double *columns[] = {&minute->spot,    &minute->spot_used,  &minute->spot_nodes,
                             &minute->other,   &minute->other_used, &minute->other_nodes,
                             &minute->running, &minute->asked,      &minute->waiting};
        char *at = NULL;
        (void)strtod(line + 1, &at); /* the minute itself */
        for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
            *columns[i] = strtod(at + 1, &at);
        if (++count == MINUTES_MAX)
            break;
    }
    return count;
}

static void print(const struct minute *minutes, size_t count)
{
    printf("minute  spot vCPUs (used)  on demand vCPUs (used)  running  waiting\n");
    for (size_t m = FIRST - 2; m < count && m <= LAST + 30; m++) {
        const struct minute *at = &minutes[m];
        bool shown = m <= FIRST + 6 || (m >= LAST - 2 && m <= LAST + 20) || m % 10 == 0;
        if (shown)
            printf("%6zu  %10.0f %6.0f  %15.0f %6.0f  %7.0f  %7.0f%s\n", m, at->spot, at->spot_used,
                   at->other, at->other_used, at->running, at->waiting,
                   m == FIRST  ? "  no more spot machines, half of them taken back"
                   : m == LAST ? "  spot machines again"
                               : "");
    }
}

TEST(a_drought_of_spot_machines)
{
    struct err err = {0};
    AUTO_STR text = STR_EMPTY;
    AUTO(scenario) scenario = NULL;
    AUTO(day) day = NULL;
    static struct minute minutes[MINUTES_MAX];
    read_file("tests/day/drought.yaml", &text);
    REQUIRE(scenario_parse(str_text(&text), text.size, &scenario, &err) == 0);
    struct day_options options = {.series_ns = 60 * NS_PER_S};
    REQUIRE(scenario_day(scenario, &options, &day, &err) == 0);
    REQUIRE(day_run(day, &err) == 0);
    size_t count = read_series(day_series(day), minutes);
    print(minutes, count);
    REQUIRE(count > 180);

    const struct day_report *report = day_report(day);
    CHECK_INT("nothing is lost", report->all.succeeded, JOBS);
    double before = minutes[FIRST - 1].running;
    for (size_t m = FIRST + 3; m < LAST; m++) {
        CHECK_TRUE("no spot machine is bought in the drought",
                   minutes[m].spot <= minutes[FIRST].spot);
        CHECK_TRUE("as much runs as before", minutes[m].running > before * 8 / 10);
    }
    CHECK_TRUE("the next environment took it", minutes[LAST - 1].other > before);
    CHECK_TRUE("nearly all is on spot machines again a quarter of an hour after the drought",
               minutes[LAST + 15].spot_used > 5 * minutes[LAST + 15].other_used);
    CHECK_TRUE("and all of it soon after", minutes[LAST + 25].other == 0);
    CHECK_TRUE("nobody waited for long", report->all.waits.max_ns <= 60 * NS_PER_S);
}
