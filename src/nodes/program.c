/* SPDX-License-Identifier: Apache-2.0 */
/* program.c - one child process and its three pipes
 *
 * Five handles: the process, a timer and three pipes. A run is over when the process has ended and
 * both its outputs are closed, or when it has ended and the drain time is over, or at once when it
 * was stopped. on_done then runs, every handle is closed, and the last one to close frees the run.
 * A process that was killed keeps its handle until it is reaped, so that none is left as a zombie.
 */
#include "program.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { IN, OUT, ERRORS, PIPES };
enum { FIRST_LINE_MAX = 300 };

struct program {
    struct program_options options; /* its texts are path, verb below */
    char *path, *verb, *input;
    uv_process_t process;
    uv_timer_t timer;
    uv_pipe_t pipes[PIPES];
    uv_write_t write;
    int handles; /* not closed yet */
    bool alive;  /* started and not reaped */
    bool over;   /* on_done has run or never will */
    bool open[PIPES];
    struct str output, errors;
    struct err err; /* why it was stopped, if it was */
    int64_t exit_status;
    int exit_signal;
    char buffer[16 * 1024];
};

/* --- Which program -------------------------------------------------------------------------------
 */

static int check_name(const char *name, struct err *err)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    if (name[0] == '\0' || name[0] == '.' || name[strspn(name, allowed)] != '\0')
        return err_set(
            err, ERR_INVALID,
            "program \"%.64s\": expected the name of a file, of letters, digits, '.', '_', '-'",
            name);
    return 0;
}

static int check_file(const char *path, const char *name, struct err *err)
{
    struct stat file;
    if (stat(path, &file) < 0)
        return err_set(err, ERR_INVALID, "program %s: %s", name, strerror(errno));
    if (!S_ISREG(file.st_mode))
        return err_set(err, ERR_INVALID, "program %s is not a regular file", name);
    if ((file.st_mode & S_IWOTH) != 0)
        return err_set(err, ERR_INVALID, "program %s may be written by everybody: chmod o-w it",
                       name);
    if (access(path, X_OK) < 0)
        return err_set(err, ERR_INVALID, "program %s is not executable for the controller", name);
    return 0;
}

int program_find(const char *directory, const char *name, char **ret_path, struct err *err)
{
    char root[PATH_MAX], path[PATH_MAX];
    struct stat folder;
    if (check_name(name, err) < 0)
        return -1;
    if (realpath(directory, root) == NULL || stat(root, &folder) < 0)
        return err_set(err, ERR_INVALID, "directory of node programs %s: %s", directory,
                       strerror(errno));
    if ((folder.st_mode & S_IWOTH) != 0)
        return err_set(err, ERR_INVALID,
                       "directory of node programs %s may be written by everybody", directory);

    AUTO_TEXT joined = text_printf("%s/%s", directory, name);
    if (realpath(joined, path) == NULL)
        return err_set(err, ERR_INVALID, "program %s: %s in %s", name, strerror(errno), directory);
    size_t size = strcmp(root, "/") == 0 ? 0 : strlen(root);
    if (strncmp(path, root, size) != 0 || path[size] != '/')
        return err_set(err, ERR_INVALID, "program %s leads out of %s", name, directory);
    if (check_file(path, name, err) < 0)
        return -1;

    *ret_path = text_copy(path);
    return 0;
}

/* --- Its life ------------------------------------------------------------------------------------
 */

static void handle_closed(uv_handle_t *handle)
{
    struct program *program = handle->data;
    if (--program->handles > 0)
        return;
    str_done(&program->output);
    str_done(&program->errors);
    free(program->path);
    free(program->verb);
    free(program->input);
    free(program);
}

static void close_pipe(struct program *program, int which)
{
    uv_handle_t *handle = (uv_handle_t *)&program->pipes[which];
    program->open[which] = false;
    if (!uv_is_closing(handle))
        uv_close(handle, handle_closed);
}

static void close_all(struct program *program)
{
    program->over = true;
    uv_close((uv_handle_t *)&program->timer, handle_closed);
    for (int i = 0; i < PIPES; i++)
        close_pipe(program, i);
    if (!program->alive)
        uv_close((uv_handle_t *)&program->process, handle_closed);
}

static void kill_group(struct program *program)
{
    if (program->alive)
        kill(-program->process.pid, SIGKILL); /* libuv made it a session leader: pid is its group */
}

static void ended_badly(const struct program *program, struct err *err)
{
    const char *text = str_text(&program->errors);
    size_t size = strcspn(text, "\r\n");
    if (size > FIRST_LINE_MAX)
        size = FIRST_LINE_MAX;
    bool killed = program->exit_signal != 0;
    long long number = killed ? program->exit_signal : program->exit_status;
    err_set(err, ERR_AGAIN, "%s %lld%s%.*s", killed ? "killed by signal" : "exit status", number,
            size > 0 ? ": " : "", (int)size, text);
}

static void finish(struct program *program)
{
    struct err err = program->err;
    if (err.kind == ERR_NONE && (program->exit_status != 0 || program->exit_signal != 0))
        ended_badly(program, &err);
    if (err.kind != ERR_NONE)
        err_wrap(&err, "%s %s", strrchr(program->options.path, '/') + 1, program->options.verb);

    close_all(program);
    bool good = err.kind == ERR_NONE;
    program->options.on_done(program->options.ctx, good ? &program->output : NULL,
                             good ? NULL : &err);
}

static void finish_if_done(struct program *program)
{
    if (!program->over && !program->alive && !program->open[OUT] && !program->open[ERRORS])
        finish(program);
}

static void stop(struct program *program, const char *why)
{
    kill_group(program);
    err_set(&program->err, ERR_AGAIN, "%s", why);
    finish(program);
}

static void time_is_over(uv_timer_t *timer)
{
    struct program *program = timer->data;
    if (program->alive)
        stop(program, "took too long and was killed");
    else
        finish(program); /* drained, or never started */
}

static void on_exit_status(uv_process_t *process, int64_t status, int signal_number)
{
    struct program *program = process->data;
    program->alive = false;
    program->exit_status = status;
    program->exit_signal = signal_number;
    if (program->over) {
        uv_close((uv_handle_t *)process, handle_closed);
        return;
    }
    uv_timer_start(&program->timer, time_is_over, PROGRAM_DRAIN_MS, 0);
    finish_if_done(program);
}

static void give_buffer(uv_handle_t *handle, size_t size, uv_buf_t *ret_buffer)
{
    struct program *program = handle->data;
    UNUSED(size);
    *ret_buffer = uv_buf_init(program->buffer, sizeof(program->buffer));
}

static void on_output(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct program *program = stream->data;
    if (size > 0 && program->output.size + (size_t)size > PROGRAM_OUTPUT_MAX) {
        stop(program, "printed more than 4 MiB and was killed");
    } else if (size > 0) {
        str_add_bytes(&program->output, buffer->base, (size_t)size);
    } else if (size < 0) {
        close_pipe(program, OUT);
        finish_if_done(program);
    }
}

static void on_errors(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct program *program = stream->data;
    if (size > 0) {
        size_t room = PROGRAM_ERRORS_MAX - program->errors.size;
        str_add_bytes(&program->errors, buffer->base, (size_t)size < room ? (size_t)size : room);
    } else if (size < 0) {
        close_pipe(program, ERRORS);
        finish_if_done(program);
    }
}

static void on_written(uv_write_t *write, int status)
{
    struct program *program = write->data;
    UNUSED(status); /* a program that does not read its request may still answer */
    close_pipe(program, IN);
}

static int spawn(struct program *program)
{
    char *args[] = {program->path, program->verb, NULL};
    uv_stdio_container_t stdio[PIPES];
    for (int i = 0; i < PIPES; i++) {
        stdio[i].flags = UV_CREATE_PIPE | (i == IN ? UV_READABLE_PIPE : UV_WRITABLE_PIPE);
        stdio[i].data.stream = (uv_stream_t *)&program->pipes[i];
    }
    uv_process_options_t options = {
        .file = program->path,
        .args = args,
        .flags = UV_PROCESS_DETACHED,
        .stdio = stdio,
        .stdio_count = PIPES,
        .exit_cb = on_exit_status,
    };
    return uv_spawn(program->options.loop, &program->process, &options);
}

static void start(struct program *program)
{
    int status = spawn(program);
    if (status < 0) {
        err_set(&program->err, ERR_AGAIN, "not started: %s", uv_strerror(status));
        uv_timer_start(&program->timer, time_is_over, 0, 0);
        return;
    }
    program->alive = true;
    for (int i = 0; i < PIPES; i++)
        program->open[i] = true;
    uv_read_start((uv_stream_t *)&program->pipes[OUT], give_buffer, on_output);
    uv_read_start((uv_stream_t *)&program->pipes[ERRORS], give_buffer, on_errors);

    uv_buf_t input = uv_buf_init(program->input, (unsigned)strlen(program->input));
    if (uv_write(&program->write, (uv_stream_t *)&program->pipes[IN], &input, 1, on_written) < 0)
        close_pipe(program, IN);
    uv_timer_start(&program->timer, time_is_over, (uint64_t)program->options.ms_max, 0);
}

struct program *program_run(const struct program_options *options, char **take_input)
{
    struct program *program = mem_new(sizeof(*program));
    program->options = *options;
    program->path = text_copy(options->path);
    program->verb = text_copy(options->verb);
    program->options.path = program->path;
    program->options.verb = program->verb;
    if (options->ms_max == 0)
        program->options.ms_max = PROGRAM_MS_MAX;
    program->input = STEAL(*take_input);

    uv_timer_init(options->loop, &program->timer);
    program->timer.data = program->process.data = program->write.data = program;
    for (int i = 0; i < PIPES; i++) {
        uv_pipe_init(options->loop, &program->pipes[i], 0);
        program->pipes[i].data = program;
    }
    program->handles = PIPES + 2;
    start(program);
    return program;
}

void program_cancel(struct program *program)
{
    assert(!program->over);
    kill_group(program);
    close_all(program);
}
