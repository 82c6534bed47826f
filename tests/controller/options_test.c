/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "controller/options.h"

enum { ARGS_MAX = 6 };

static int parse(const char *const *args, struct options *ret_options, struct err *err)
{
    static char program[] = "bulkhead-controller";
    char *argv[ARGS_MAX + 2] = {program};
    int argc = 1;
    for (; argc <= ARGS_MAX && args[argc - 1] != NULL; argc++)
        argv[argc] = (char *)(uintptr_t)args[argc - 1]; /* getopt moves them, and no more */
    return options_parse(argc, argv, ret_options, err);
}

TEST(options_defaults)
{
    struct err err;
    struct options options;
    REQUIRE(parse((const char *[]){NULL}, &options, &err) == 0);
    CHECK_TEXT("kubeconfig", options.kubeconfig, NULL);
    CHECK_TEXT("identity", options.identity, NULL);
    CHECK_TEXT("address", options.listen_address, "0.0.0.0");
    CHECK_INT("port", options.listen_port, 8080);
    CHECK_INT("lease", options.lease_duration_s, 15);
    CHECK_INT("renew", options.renew_deadline_s, 10);
    CHECK_INT("retry", options.retry_period_s, 2);
    CHECK_INT("start", options.start_deadline_s, 300);
    CHECK_INT("level", options.log_level, LOG_INFO);
    CHECK_INT("format", options.log_format, LOG_TEXT);
    CHECK_TRUE("no help", !options.help && !options.version);
}

TEST(options_given)
{
    struct err err;
    struct options options;
    REQUIRE(parse((const char *[]){"--listen=[::1]:0", "--start-deadline", "5m", "--log-level",
                                   "debug", NULL},
                  &options, &err) == 0);
    CHECK_TEXT("address", options.listen_address, "::1");
    CHECK_INT("port", options.listen_port, 0);
    CHECK_INT("start", options.start_deadline_s, 300);
    CHECK_INT("level", options.log_level, LOG_DEBUG);
    REQUIRE(parse((const char *[]){"--namespace", "team", "--identity=me", "--listen", ":9090",
                                   "--verdict-delay=7s", NULL},
                  &options, &err) == 0);
    CHECK_TEXT("namespace", options.namespace_, "team");
    CHECK_TEXT("identity", options.identity, "me");
    CHECK_TEXT("any address", options.listen_address, "0.0.0.0");
    CHECK_INT("port", options.listen_port, 9090);
    CHECK_INT("verdict", options.verdict_delay_s, 7);
}

/* clang-format off */
static const struct { const char *args[4]; const char *want; } refused[] = {
    { { "--nodes", "3" },             "--nodes is not a flag of bulkhead-controller; see --help" },
    { { "-x" },                       "-x is not a flag of bulkhead-controller; see --help" },
    { { "-xh" },                      "-x is not a flag of bulkhead-controller; see --help" },
    { { "--version", "-hx" },         "-x is not a flag of bulkhead-controller; see --help" },
    { { "--help=all" },               "--help takes no value; see --help" },
    { { "--re=3" },                   "--re=3 is not a flag of bulkhead-controller; see --help" },
    { { "start" },                    "\"start\" is left over: bulkhead-controller takes flags only; see --help" },
    { { "--kubeconfig" },             "--kubeconfig needs a value; see --help" },
    { { "--kubeconfig", "" },         "--kubeconfig: \"\", expected a FILE" },
    { { "--log-level", "loud" },      "--log-level: \"loud\", expected debug, info, warn or error" },
    { { "--log-format=xml" },         "--log-format: \"xml\", expected text or json" },
    { { "--start-deadline", "soon" }, "--start-deadline: \"soon\", expected seconds, 1 to 86400" },
    { { "--start-deadline", "0" },    "--start-deadline: \"0\", expected seconds, 1 to 86400" },
    { { "--start-deadline", "-5" },   "--start-deadline: \"-5\", expected seconds, 1 to 86400" },
    { { "--listen", "8080" },         "--listen: \"8080\", expected ADDRESS:PORT, such as 0.0.0.0:8080" },
    { { "--listen", "a:99999" },      "--listen: \"a:99999\", expected ADDRESS:PORT, such as 0.0.0.0:8080" },
    { { "--renew-deadline", "15" },   "--renew-deadline: 15 s, expected less than --lease-duration (15 s)" },
    { { "--event-sink-ca-file", "x" }, "--event-sink-ca-file: there is no --event-sink" },
    { { "--event-sink-token-file", "x" }, "--event-sink-token-file: there is no --event-sink" },
    { { "--record", "x", "--record-size=0" }, "--record-size: \"0\", expected a number, 1 to 1048576" },
    { { "--retry-period", "9" },      "--retry-period: 9 s, expected less than --renew-deadline (10 s) / 1.2" },
};
/* clang-format on */

TEST(options_refused)
{
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct err err = {.kind = ERR_NONE};
        struct options options;
        CHECK_INT(refused[i].want, parse(refused[i].args, &options, &err), -1);
        CHECK_TEXT(refused[i].want, err.text, refused[i].want);
    }
}

TEST(options_help_is_a_table)
{
    AUTO_STR help = STR_EMPTY;
    options_help(&help);
    CHECK_HAS("a flag", str_text(&help), "\n  --lease-duration TIME         another replica");
    CHECK_HAS("its default", str_text(&help), "so long (15)\n");
    CHECK_HAS("the longest", str_text(&help), "\n  --event-sink-token-file FILE  a bearer token");
}
