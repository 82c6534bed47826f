/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - what the command line says
 *
 * One table declares every flag: its name, where it goes, its bounds and its line in --help.
 * Texts are borrowed from argv. */
#ifndef BULKHEAD_CONTROLLER_OPTIONS_H
#define BULKHEAD_CONTROLLER_OPTIONS_H

#include "bulkhead/base/err.h"
#include "bulkhead/base/log.h"
#include "bulkhead/base/str.h"

#include <stdint.h>

#define BULKHEAD_VERSION "0.1.0"

struct options {
    const char *kubeconfig, *context; /* NULL: found as kubectl does */
    const char *namespace_;           /* of the lease; NULL: the service account's, else below */
    const char *identity;             /* NULL: the host name, "_", the pid */
    const char *listen;               /* ADDRESS:PORT */
    char listen_address[64];          /* its parts, "[" and "]" taken off */
    int64_t listen_port;
    const char *programs_dir; /* NULL: command environments are refused */
    const char *record;       /* NULL: decisions are not recorded */
    int64_t record_mebibytes;
    const char *sink_url, *sink_ca, *sink_token; /* NULL: none */
    int64_t lease_duration_s, renew_deadline_s, retry_period_s;
    int64_t start_deadline_s, boot_deadline_s, verdict_delay_s;
    enum log_level log_level;
    enum log_format log_format;
    bool cold_standby, uninstall, help, version;
};
#define NAMESPACE_DEFAULT "bulkhead-system"
#define LEASE_NAME "bulkhead-controller"

/* Fills in the defaults. ERR_INVALID: one sentence for the person who typed it. */
int options_parse(int argc, char *const argv[], struct options *ret_options, struct err *err);
void options_help(struct str *out);

#endif
