/* SPDX-License-Identifier: Apache-2.0 */
/* program.h - runs an admin's program once: text in, text out, bounded in time and size
 *
 * The program is the leader of a process group of its own, inherits our environment, and reads its
 * whole request from standard input. When its time or its output runs over, or when it is
 * cancelled, the whole group is killed. A process that it leaves behind on purpose (a daemon) lives
 * on: once the program itself has ended, its output is what arrived until the pipe closed, or
 * PROGRAM_DRAIN_MS later. Needs     SIGPIPE ignored by the process: a program need not read its
 * request. */
#ifndef BULKHEAD_SRC_NODES_PROGRAM_H
#define BULKHEAD_SRC_NODES_PROGRAM_H

#include "bulkhead/base/err.h"
#include "bulkhead/base/str.h"

#include <uv.h>

enum {
    PROGRAM_OUTPUT_MAX = 4 * 1024 * 1024,
    PROGRAM_ERRORS_MAX = 4 * 1024, /* of standard error; the rest is read and dropped */
    PROGRAM_MS_MAX = 60 * 1000,
    PROGRAM_DRAIN_MS = 500,
};

/* output is what the program printed, borrowed, or NULL when err says why there is none that
 * counts: it could not be started, ran too long, printed too much, or ended badly. */
typedef void (*program_callback)(void *ctx, const struct str *output, const struct err *err);

struct program_options {
    uv_loop_t *loop;
    const char *path;         /* as program_find returned it */
    const char *verb;         /* its only argument */
    int64_t ms_max;           /* 0: PROGRAM_MS_MAX */
    program_callback on_done; /* once, from the loop */
    void *ctx;
};

/* The program of this name in a directory: its path, for the caller to free. ERR_INVALID when it
 * must not be run: not there, not a regular file, not executable, writable by everybody (or its
 * directory is), or outside of the directory once links are followed. */
int program_find(const char *directory, const char *name, char **ret_path, struct err *err);

struct program;
/* Moves *take_input, heap text. Never fails: what goes wrong is told by on_done. */
struct program *program_run(const struct program_options *options, char **take_input);
void program_cancel(
    struct program *program); /* kills it; on_done never comes. Not after on_done began */

#endif
