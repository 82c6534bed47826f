/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - one table of flags; getopt_long does the cutting */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum flag_kind {
    FLAG_TEXT,
    FLAG_SECONDS,
    FLAG_NUMBER,
    FLAG_LISTEN,
    FLAG_LEVEL,
    FLAG_FORMAT,
    FLAG_SWITCH
};

struct flag {
    const char *name;
    enum flag_kind kind;
    size_t offset;
    const char *fallback; /* in the words of the command line; NULL: none */
    int64_t min, max;     /* of seconds and numbers */
    const char *argument; /* its name in --help */
    const char *help;
};

#define AT(member) offsetof(struct options, member)
/* clang-format off */
static const struct flag flags[] = {
    { "kubeconfig", FLAG_TEXT, AT(kubeconfig), NULL, 0, 0, "FILE",
      "the API server and who we are; else $KUBECONFIG, ~/.kube/config, the service account" },
    { "context", FLAG_TEXT, AT(context), NULL, 0, 0, "NAME",
      "a context of the kubeconfig instead of its current one" },
    { "namespace", FLAG_TEXT, AT(namespace_), NULL, 0, 0, "NAME",
      "where the lease lives; else the service account's namespace, or " NAMESPACE_DEFAULT },
    { "identity", FLAG_TEXT, AT(identity), NULL, 0, 0, "NAME",
      "holder of the lease; a stable one takes its own lease again at once after a restart" },
    { "lease-duration", FLAG_SECONDS, AT(lease_duration_s), "15", 2, 3600, "TIME",
      "another replica may take a lease that was not renewed for so long" },
    { "renew-deadline", FLAG_SECONDS, AT(renew_deadline_s), "10", 1, 3600, "TIME",
      "a leader that could not renew for so long stops" },
    { "retry-period", FLAG_SECONDS, AT(retry_period_s), "2", 1, 3600, "TIME",
      "how often the lease is renewed or tried" },
    { "listen", FLAG_LISTEN, AT(listen), "0.0.0.0:8080", 0, 0, "ADDR:PORT",
      "/healthz, /readyz, /metrics and /explain; port 0 takes any free one and prints it" },
    { "node-programs-dir", FLAG_TEXT, AT(programs_dir), NULL, 0, 0, "DIR",
      "programs that environments with the command provider may run; none without it" },
    { "event-sink", FLAG_TEXT, AT(sink_url), NULL, 0, 0, "URL",
      "where each change of a job's state is posted as a CloudEvent; nowhere without it" },
    { "event-sink-ca-file", FLAG_TEXT, AT(sink_ca), NULL, 0, 0, "FILE",
      "who signed the sink's certificate; else the system's certificate authorities" },
    { "event-sink-token-file", FLAG_TEXT, AT(sink_token), NULL, 0, 0, "FILE",
      "a bearer token for the sink" },
    { "record", FLAG_TEXT, AT(record), NULL, 0, 0, "FILE",
      "a log of all that the core is told, for bulkhead-replay; none without it" },
    { "record-size", FLAG_NUMBER, AT(record_mebibytes), "1024", 1, 1048576, "MEBIBYTES",
      "where the log ends; those of the three processes before are kept beside it" },
    { "start-deadline", FLAG_SECONDS, AT(start_deadline_s), "300", 1, 86400, "TIME",
      "an attempt that cannot start (image, missing Secret) ends after this" },
    { "boot-deadline", FLAG_SECONDS, AT(boot_deadline_s), "600", 1, 86400, "TIME",
      "an instance that has not joined by then is given back" },
    { "verdict-delay", FLAG_SECONDS, AT(verdict_delay_s), "5", 1, 3600, "TIME",
      "a job that waits this long is told why in its status" },
    { "log-level", FLAG_LEVEL, AT(log_level), "info", 0, 0, "LEVEL",
      "debug, info, warn or error" },
    { "log-format", FLAG_FORMAT, AT(log_format), "text", 0, 0, "FORMAT",
      "text or json" },
    { "cold-standby", FLAG_SWITCH, AT(cold_standby), NULL, 0, 0, NULL,
      "a replica that does not lead reads nothing until it does: less load, a slower takeover" },
    { "uninstall", FLAG_SWITCH, AT(uninstall), NULL, 0, 0, NULL,
      "take off what waits for a controller that has gone: finalizers, pods; then exit" },
    { "version", FLAG_SWITCH, AT(version), NULL, 0, 0, NULL, "print the version and exit" },
    { "help", FLAG_SWITCH, AT(help), NULL, 0, 0, NULL, "print this and exit" },
};
/* clang-format on */

static const char *const level_words[] = {
    [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error"};
static const char *const format_words[] = {[LOG_TEXT] = "text", [LOG_JSON] = "json"};

static int word_find(const char *text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text_eq(text, words[i]))
            return (int)i;
    return -1;
}

/* "15", "15s" or "5m". */
static int set_seconds(const struct flag *flag, int64_t *ret_seconds, const char *text,
                       struct err *err)
{
    char *end = NULL;
    errno = 0;
    int64_t value = strtoll(text, &end, 10);
    int64_t unit = text_eq(end, "m") ? 60 : 1;
    bool shaped = end != text && (*end == '\0' || text_eq(end, "s") || unit == 60);
    if (!shaped || errno != 0 || value < 0 || value > INT_MAX || value * unit < flag->min ||
        value * unit > flag->max)
        return err_set(err, ERR_INVALID, "--%s: \"%s\", expected seconds, %lld to %lld", flag->name,
                       text, (long long)flag->min, (long long)flag->max);
    *ret_seconds = value * unit;
    return 0;
}

static int set_number(const struct flag *flag, int64_t *ret_number, const char *text,
                      struct err *err)
{
    char *end = NULL;
    errno = 0;
    int64_t value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || value < flag->min || value > flag->max)
        return err_set(err, ERR_INVALID, "--%s: \"%s\", expected a number, %lld to %lld",
                       flag->name, text, (long long)flag->min, (long long)flag->max);
    *ret_number = value;
    return 0;
}

static int set_listen(struct options *options, const char *text, struct err *err)
{
    const char *colon = strrchr(text, ':');
    const char *first = text;
    const char *last = colon;
    if (colon != NULL && colon - text >= 2 && text[0] == '[' && colon[-1] == ']') {
        first++;
        last--;
    }
    char *end = NULL;
    long port = colon != NULL ? strtol(colon + 1, &end, 10) : -1;
    if (colon == NULL || end == colon + 1 || *end != '\0' || port < 0 || port > 65535 ||
        (size_t)(last - first) >= sizeof(options->listen_address))
        return err_set(err, ERR_INVALID,
                       "--listen: \"%s\", expected ADDRESS:PORT, such as 0.0.0.0:8080", text);
    options->listen = text;
    options->listen_port = port;
    memcpy(options->listen_address, first, (size_t)(last - first));
    options->listen_address[last - first] = '\0';
    if (first == last)
        memcpy(options->listen_address, "0.0.0.0", sizeof("0.0.0.0"));
    return 0;
}

static int set_word(const struct flag *flag, unsigned *ret_word, const char *text,
                    const char *const *words, size_t count, struct err *err)
{
    int word = word_find(text, words, count);
    if (word < 0)
        return err_set(err, ERR_INVALID, "--%s: \"%s\", expected %s", flag->name, text, flag->help);
    *ret_word = (unsigned)word;
    return 0;
}

static int flag_set(struct options *options, const struct flag *flag, const char *text,
                    struct err *err)
{
    void *member = (char *)options + flag->offset;
    unsigned word = 0;
    switch (flag->kind) {
    case FLAG_TEXT:
        if (text[0] == '\0')
            return err_set(err, ERR_INVALID, "--%s: \"\", expected a %s", flag->name,
                           flag->argument);
        *(const char **)member = text;
        return 0;
    case FLAG_SECONDS:
        return set_seconds(flag, member, text, err);
    case FLAG_NUMBER:
        return set_number(flag, member, text, err);
    case FLAG_LISTEN:
        return set_listen(options, text, err);
    case FLAG_LEVEL:
        if (set_word(flag, &word, text, level_words, ARRAY_LEN(level_words), err) < 0)
            return -1;
        options->log_level = (enum log_level)word;
        return 0;
    case FLAG_FORMAT:
        if (set_word(flag, &word, text, format_words, ARRAY_LEN(format_words), err) < 0)
            return -1;
        options->log_format = (enum log_format)word;
        return 0;
    case FLAG_SWITCH:
        *(bool *)member = true;
        return 0;
    }
    return 0;
}

static int options_check(const struct options *options, struct err *err)
{
    if (options->renew_deadline_s >= options->lease_duration_s)
        return err_set(err, ERR_INVALID,
                       "--renew-deadline: %lld s, expected less than --lease-duration (%lld s)",
                       (long long)options->renew_deadline_s, (long long)options->lease_duration_s);
    if (options->retry_period_s * 12 >= options->renew_deadline_s * 10)
        return err_set(err, ERR_INVALID,
                       "--retry-period: %lld s, expected less than --renew-deadline (%lld s) / 1.2",
                       (long long)options->retry_period_s, (long long)options->renew_deadline_s);
    if (options->sink_url == NULL && (options->sink_ca != NULL || options->sink_token != NULL))
        return err_set(err, ERR_INVALID, "--event-sink-%s-file: there is no --event-sink",
                       options->sink_ca != NULL ? "ca" : "token");
    return 0;
}

/* What getopt_long stopped at: a long flag that is none is the word before where it stands. */
static int flag_refuse(const char *word, struct err *err)
{
    if (optopt >= 256)
        return err_set(err, ERR_INVALID, "--%s takes no value; see --help",
                       flags[optopt - 256].name);
    if (optopt != 0)
        return err_set(err, ERR_INVALID, "-%c is not a flag of bulkhead-controller; see --help",
                       optopt);
    return err_set(err, ERR_INVALID, "%s is not a flag of bulkhead-controller; see --help", word);
}

int options_parse(int argc, char *const argv[], struct options *ret_options, struct err *err)
{
    struct options options = {.kubeconfig = NULL};
    struct option longs[ARRAY_LEN(flags) + 1] = {{NULL, 0, NULL, 0}};
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        int has_argument = flags[i].kind == FLAG_SWITCH ? no_argument : required_argument;
        longs[i] = (struct option){flags[i].name, has_argument, NULL, (int)i + 256};
        if (flags[i].fallback != NULL && flag_set(&options, &flags[i], flags[i].fallback, err) < 0)
            return -1;
    }
    opterr = 0;
    optind = 0; /* glibc: start again */
    int got;
    while ((got = getopt_long(argc, argv, ":h", longs, NULL)) != -1) {
        if (got == ':')
            return err_set(err, ERR_INVALID, "%s needs a value; see --help", argv[optind - 1]);
        if (got == '?')
            return flag_refuse(argv[optind - 1], err);
        if (got == 'h')
            options.help = true;
        else if (flag_set(&options, &flags[got - 256], optarg, err) < 0)
            return -1;
    }
    if (optind < argc)
        return err_set(err, ERR_INVALID,
                       "\"%s\" is left over: bulkhead-controller takes flags only; see --help",
                       argv[optind]);
    if (options_check(&options, err) < 0)
        return -1;
    *ret_options = options;
    return 0;
}

void options_help(struct str *out)
{
    str_add(out, "bulkhead-controller - AWS Batch for any Kubernetes cluster\n\n"
                 "Watches job queues, compute environments and jobs; scales node groups and places "
                 "pods.\nTimes are seconds, or such as 90s or 5m.\n\n");
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        const struct flag *flag = &flags[i];
        AUTO_STR left = STR_EMPTY;
        str_addf(&left, "--%s %s", flag->name, flag->argument != NULL ? flag->argument : "");
        str_addf(out, "  %-29s %s", str_text(&left), flag->help);
        if (flag->fallback != NULL)
            str_addf(out, " (%s)", flag->fallback);
        str_add(out, "\n");
    }
}
