/* SPDX-License-Identifier: Apache-2.0 */
#include "recording.h"

#include "bulkhead/base/log.h"

#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct recording {
    char *path;
    int file;                  /* -1: it could not be opened */
    struct recorder *recorder; /* NULL then */
    int64_t flushed_ns;
};

/* FILE.2 to FILE.3, FILE.1 to FILE.2, FILE to FILE.1. What is not there is passed over; what is no
 * file (a pipe, a device) is never moved. */
static void keep_old(const char *path)
{
    struct stat what;
    if (lstat(path, &what) < 0 || !S_ISREG(what.st_mode))
        return;
    for (int i = RECORDINGS_KEPT; i > 0; i--) {
        AUTO_TEXT older = text_printf("%s.%d", path, i);
        AUTO_TEXT newer = i > 1 ? text_printf("%s.%d", path, i - 1) : text_copy(path);
        (void)rename(newer, older);
    }
}

static int write_file(void *ctx, const void *bytes, size_t size, struct err *err)
{
    const struct recording *recording = ctx;
    const char *at = bytes;
    while (size > 0) {
        ssize_t written = write(recording->file, at, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return err_set(err, ERR_INVALID, "%s", written < 0 ? strerror(errno) : "no room");
        at += written;
        size -= (size_t)written;
    }
    return 0;
}

struct recording *recording_open(const char *path, int64_t size_max,
                                 const struct core_options *core)
{
    keep_old(path);
    struct recording *recording = mem_new(sizeof(*recording));
    recording->path = text_copy(path);
    recording->file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (recording->file < 0) {
        log_error("cannot record decisions", KV("file", path), KV("why", strerror(errno)));
        return recording;
    }
    const struct recorder_options options = {
        .version = BULKHEAD_VERSION,
        .core = *core,
        .size_max = size_max,
        .write = write_file,
        .ctx = recording,
    };
    recording->recorder = recorder_new(&options);
    log_info("recording decisions", KV("file", path), KV_INT("bytes_max", size_max));
    return recording;
}

static void flush(struct recording *recording)
{
    struct err err;
    if (recorder_flush(recording->recorder, &err) < 0)
        log_error("decisions are recorded no more: restart to begin a new log",
                  KV("file", recording->path), KV("why", err.text),
                  KV_INT("bytes", recorder_stats(recording->recorder)->bytes));
}

struct recording *recording_close(struct recording *recording)
{
    if (recording == NULL)
        return NULL;
    if (recording->recorder != NULL)
        flush(recording);
    recorder_free(recording->recorder);
    if (recording->file >= 0)
        close(recording->file);
    free(recording->path);
    free(recording);
    return NULL;
}

void recording_event(struct recording *recording, const struct event *event)
{
    if (!recording_goes_on(recording))
        return;
    recorder_event(recording->recorder, event);
    if (recorder_waiting(recording->recorder) >= RECORDING_WAITING_MAX)
        flush(recording); /* a list of everything is applied before there is a plan */
}

void recording_plan(struct recording *recording, int64_t now_ns, const struct plan *plan)
{
    if (!recording_goes_on(recording))
        return;
    recorder_plan(recording->recorder, now_ns, plan);
    recording_tick(recording, now_ns);
}

void recording_tick(struct recording *recording, int64_t now_ns)
{
    if (!recording_goes_on(recording) ||
        (now_ns - recording->flushed_ns < NS_PER_S &&
         recorder_waiting(recording->recorder) < RECORDING_WAITING_MAX))
        return;
    recording->flushed_ns = now_ns;
    flush(recording);
}

bool recording_goes_on(const struct recording *recording)
{
    return recording != NULL && recording->recorder != NULL && !recorder_ended(recording->recorder);
}

int64_t recording_bytes(const struct recording *recording)
{
    return recording != NULL && recording->recorder != NULL
               ? recorder_stats(recording->recorder)->bytes
               : 0;
}
