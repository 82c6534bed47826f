/* SPDX-License-Identifier: Apache-2.0 */
/* controller.h - the process: its parts, wired together, and its life
 *
 *   checking ── our kinds are there, our rights suffice ──> standby ── lease taken ──> reading
 *   reading  ── every kind listed once ──> leading           (any) ── SIGTERM ──> stopping ──> exit
 *   lease lost: exit 1. Restarting is the one tested way to begin again. */
#ifndef BULKHEAD_CONTROLLER_CONTROLLER_H
#define BULKHEAD_CONTROLLER_CONTROLLER_H

#include "options.h"

/* Runs until it is told to stop, and returns the exit status. -1: it could not begin; err says why
 * in one line. */
int controller_run(const struct options *options, struct err *err);

#endif
