/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - bulkhead-replay: a log of decisions again, or its jobs under other settings
 *
 * Exit status: 0 the plans are the same; 1 they are not, or something cannot be read; 2 usage. */
#include "bulkhead/base/clock.h"
#include "bulkhead/day/recorded.h"
#include "bulkhead/json/get.h"
#include "bulkhead/json/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MANIFESTS_BYTES_MAX = 4 << 20, PLAN_LINES_SHOWN = 40 };

struct asked {
    const char *log, *what_if;
    bool report, help;
};

static const char help[] =
    "bulkhead-replay [--report] [--what-if MANIFESTS.yaml] LOG\n\n"
    "Makes every plan of a log (bulkhead-controller --record) again, byte for byte.\n\n"
    "  --report                  and what came of that day, as tables\n"
    "  --what-if MANIFESTS.yaml  the same jobs with these queues and environments instead, as a\n"
    "                            table: the day as recorded, its own settings in a perfect world,\n"
    "                            and these settings there\n"
    "  --help                    print this and exit\n\n"
    "Exit status: 0 every plan is the recorded one; 1 one is not, or something cannot be read;\n"
    "2 the command line is wrong.\n";

static int read_arguments(int argc, char **argv, struct asked *asked, struct err *err)
{
    *asked = (struct asked){.log = NULL};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            asked->help = true;
        else if (strcmp(argv[i], "--report") == 0)
            asked->report = true;
        else if (strcmp(argv[i], "--what-if") == 0 && i + 1 < argc)
            asked->what_if = argv[++i];
        else if (strcmp(argv[i], "--what-if") == 0)
            return err_set(err, ERR_INVALID, "--what-if needs a file of manifests; see --help");
        else if (argv[i][0] == '-')
            return err_set(err, ERR_INVALID, "%s is not a flag of bulkhead-replay; see --help",
                           argv[i]);
        else if (asked->log != NULL)
            return err_set(err, ERR_INVALID, "\"%s\" is left over: one log at a time; see --help",
                           argv[i]);
        else
            asked->log = argv[i];
    }
    if (asked->log == NULL && !asked->help)
        return err_set(err, ERR_INVALID, "which log? see --help");
    return 0;
}

/* Logs are large and read once from begin to end. */
static int map_file(const char *path, const void **ret_bytes, size_t *ret_size, struct err *err)
{
    struct stat what;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return err_set(err, ERR_INVALID, "%s", strerror(errno));
    if (fstat(file, &what) < 0 || !S_ISREG(what.st_mode) || what.st_size == 0) {
        close(file);
        return err_set(err, ERR_INVALID, "it is empty, or no file");
    }
    void *bytes = mmap(NULL, (size_t)what.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    if (bytes == MAP_FAILED)
        return err_set(err, ERR_INVALID, "%s", strerror(errno));
    *ret_bytes = bytes;
    *ret_size = (size_t)what.st_size;
    return 0;
}

static int read_manifests(const char *path, struct json_object **ret_docs, struct err *err)
{
    const void *bytes;
    size_t size;
    if (map_file(path, &bytes, &size, err) < 0)
        return err_wrap(err, "%s", path);
    int result =
        size > MANIFESTS_BYTES_MAX
            ? err_set(err, ERR_INVALID, "%zu bytes, expected at most %d", size, MANIFESTS_BYTES_MAX)
            : json_yaml_manifests(bytes, size, ret_docs, err);
    (void)munmap((void *)(uintptr_t)bytes, size);
    return result < 0 ? err_wrap(err, "%s", path) : 0;
}

/* ------------------------------------------------------------------------- the replay */

static void print_plan(const char *text)
{
    const char *at = text;
    for (int lines = 0; *at != '\0'; lines++) {
        size_t size = strcspn(at, "\n");
        if (lines == PLAN_LINES_SHOWN) {
            printf("  ...\n");
            return;
        }
        printf("  %.*s\n", (int)size, at);
        at += size + (at[size] == '\n' ? 1 : 0);
    }
}

/* Whether every plan was the recorded one. */
static bool tell_replay(const struct asked *asked, const struct replay *replay,
                        const struct record_reader *reader)
{
    char time[TIME_TEXT_MAX];
    printf("%s: %" PRIu64 " events, %" PRIu64 " plans, %" PRIu64 " actions%s\n", asked->log,
           replay->events, replay->plans, replay->actions,
           record_reader_cut(reader) ? "; the log was cut off behind that" : "");
    if (!replay->differs) {
        printf("every plan is the recorded one, byte for byte\n");
        return true;
    }
    printf("plan %" PRIu64 " at %s is another: %" PRIu64 " actions, %" PRIu64
           " recorded (by version %s). Here it is:\n",
           replay->plans, time_print_micro(replay->at_ns, time), replay->got_actions,
           replay->wanted_actions, record_reader_version(reader));
    print_plan(replay->text);
    return false;
}

/* --------------------------------------------------------------------------- what if */

static int play(struct recorded *recorded, struct json_object *manifests, struct day **ret_day,
                struct err *err)
{
    AUTO(day) day = NULL;
    if (recorded_day(recorded, manifests, &(struct day_options){0}, &day, err) < 0 ||
        day_run(day, err) < 0)
        return -1;
    *ret_day = STEAL(day);
    return 0;
}

static int what_if(const struct asked *asked, struct recorded *recorded, struct err *err)
{
    AUTO(json_object) manifests = NULL;
    AUTO(day) same = NULL;
    AUTO(day) other = NULL;
    AUTO_STR out = STR_EMPTY;
    if (read_manifests(asked->what_if, &manifests, err) < 0 || play(recorded, NULL, &same, err) < 0)
        return -1;
    if (play(recorded, manifests, &other, err) < 0)
        return err_wrap(err, "%s", asked->what_if);
    const char *const names[] = {"recorded", "as it was", "what if"};
    const struct day_report *reports[] = {recorded_report(recorded), day_report(same),
                                          day_report(other)};
    day_compare_print(names, reports, ARRAY_LEN(reports), &out);
    if (asked->report) {
        str_add(&out, "\nwhat if:\n");
        day_report_print(day_report(other), &out);
    }
    fputs(str_text(&out), stdout);
    return 0;
}

static int run(const struct asked *asked, const void *bytes, size_t size, struct err *err)
{
    AUTO(record_reader) reader = NULL;
    AUTO(recorded) recorded = NULL;
    struct replay replay;
    if (record_reader_new(bytes, size, &reader, err) < 0)
        return -1;
    int result = recorded_read(reader, &recorded, &replay, err);
    bool same = tell_replay(asked, &replay, reader);
    replay_done(&replay);
    if (result < 0)
        return -1;
    if (asked->report) {
        AUTO_STR out = STR_EMPTY;
        day_report_print(recorded_report(recorded), &out);
        fputs(str_text(&out), stdout);
    }
    if (asked->what_if != NULL && what_if(asked, recorded, err) < 0)
        return -1;
    return same ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct asked asked;
    struct err err = {0};
    const void *bytes;
    size_t size;
    if (read_arguments(argc, argv, &asked, &err) < 0) {
        fprintf(stderr, "bulkhead-replay: %s\n", err.text);
        return 2;
    }
    if (asked.help) {
        fputs(help, stdout);
        return 0;
    }
    int result = map_file(asked.log, &bytes, &size, &err);
    if (result == 0) {
        result = run(&asked, bytes, size, &err);
        (void)munmap((void *)(uintptr_t)bytes, size);
    }
    if (result < 0)
        fprintf(stderr, "bulkhead-replay: %s: %s\n", asked.log, err.text);
    return result != 0 ? 1 : 0;
}
