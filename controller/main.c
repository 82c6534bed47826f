/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - bulkhead-controller: flags in, exit status out
 *
 * 0: told to stop, and did; --uninstall: all is taken away. 1: could not start, or lost the lease;
 * starting again is right. 2: the command line is wrong. */
#include "controller.h"
#include "uninstall.h"

#include <stdio.h>

enum { EXIT_START = 1, EXIT_USAGE = 2 };
enum { LINES_PER_SECOND = 200, LINES_PER_SECOND_DEBUG = 20000 }; /* debug prints whole plans */

int main(int argc, char **argv)
{
    struct err err;
    struct options options;
    if (options_parse(argc, argv, &options, &err) < 0) {
        (void)fprintf(stderr, "bulkhead-controller: %s\n", err.text);
        return EXIT_USAGE;
    }
    if (options.help) {
        AUTO_STR help = STR_EMPTY;
        options_help(&help);
        (void)fputs(str_text(&help), stdout);
        return 0;
    }
    if (options.version) {
        (void)puts("bulkhead-controller " BULKHEAD_VERSION);
        return 0;
    }
    bool debug = options.log_level == LOG_DEBUG;
    log_setup(options.log_level, options.log_format,
              debug ? LINES_PER_SECOND_DEBUG : LINES_PER_SECOND);
    int status = options.uninstall ? uninstall_run(&options, &err) : controller_run(&options, &err);
    if (status >= 0)
        return status;
    log_error("cannot start", KV("why", err.text));
    return EXIT_START;
}
