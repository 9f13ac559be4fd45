/* daemon_examine.c - the configuration on disk, looked at by another process.
 *
 * One idea: looking at a configuration loads its plugins, and code that was
 * loaded stays; so a child of the same program does it, as connectd --check,
 * and its sentences are taken as they are.  One at a time; it ends within
 * EXAMINE_MS or is ended.  [loop thread] */
#include "daemon/daemon_state.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/memory.h"

enum {
    EXAMINE_MS = 20000, /* a check takes tens of ms; a slow disk some more */
    TEXT_MAX = 64 * 1024
};

struct examination {
    struct daemon *daemon;
    uv_process_t process;
    uv_pipe_t errors;
    uv_timer_t timer;
    struct buf text;
    char chunk[4096];
    unsigned handles_open;
    int mistakes;
    daemon_examined_fn *fn;
    void *arg;
};

static void handle_closed(uv_handle_t *handle)
{
    struct examination *examination = handle->data;
    char *text;

    if (--examination->handles_open)
        return;
    if (examination->daemon->examination == examination)
        examination->daemon->examination = NULL;
    text = examination->text.len ? examination->text.data : NULL;
    examination->fn(examination->arg, examination->mistakes, text ? text : "");
    buf_done(&examination->text);
    free(examination);
}

/* Its output may still be on its way; the pipe ends by itself. */
static void ended(uv_process_t *process, int64_t status, int signal)
{
    struct examination *examination = process->data;

    examination->mistakes = signal ? -1 : (int)status;
    uv_close((uv_handle_t *)process, handle_closed);
    uv_close((uv_handle_t *)&examination->timer, handle_closed);
}

static void over_time(uv_timer_t *timer)
{
    struct examination *examination = timer->data;

    uv_process_kill(&examination->process, SIGKILL);
}

static void give_chunk(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    struct examination *examination = handle->data;

    (void)size;
    *buf = uv_buf_init(examination->chunk, sizeof(examination->chunk));
}

static void take_chunk(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct examination *examination = stream->data;

    if (count < 0)
        uv_close((uv_handle_t *)stream, handle_closed);
    else /* what is too much is left out */
        (void)buf_append(&examination->text, buf->base, (size_t)count);
}

static int spawn(struct examination *examination)
{
    char *arguments[] = {(char[]){"connectd"}, (char[]){"--check"},
                         examination->daemon->config_path, NULL};
    uv_stdio_container_t pipes[3] = {
        {.flags = UV_IGNORE},
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
         .data.stream = (uv_stream_t *)&examination->errors},
    };
    uv_process_options_t options = {
        .exit_cb = ended,
        .file = "/proc/self/exe",
        .args = arguments,
        .stdio = pipes,
        .stdio_count = 3,
    };

    return uv_spawn(examination->daemon->loop, &examination->process, &options);
}

int daemon_examine(struct daemon *daemon, daemon_examined_fn *fn, void *arg)
{
    struct examination *examination;
    uv_loop_t *loop = daemon->loop;

    if (daemon->examination || daemon->stopped)
        return -EAGAIN;
    examination = memory_zero(1, sizeof(*examination));
    examination->daemon = daemon;
    examination->fn = fn;
    examination->arg = arg;
    examination->mistakes = -1;
    buf_init(&examination->text, TEXT_MAX);
    uv_pipe_init(loop, &examination->errors, 0);
    uv_timer_init(loop, &examination->timer);
    examination->errors.data = examination->timer.data = examination;
    examination->handles_open = 3;
    daemon->examination = examination;
    if (spawn(examination)) { /* answered with -1, from the loop */
        examination->process.data = examination;
        uv_close((uv_handle_t *)&examination->process, handle_closed);
        uv_close((uv_handle_t *)&examination->timer, handle_closed);
        uv_close((uv_handle_t *)&examination->errors, handle_closed);
        return 0;
    }
    examination->process.data = examination;
    uv_read_start((uv_stream_t *)&examination->errors, give_chunk, take_chunk);
    uv_timer_start(&examination->timer, over_time, EXAMINE_MS, 0);
    return 0;
}

void daemon_examine_stop(struct daemon *daemon)
{
    if (daemon->examination)
        uv_process_kill(&daemon->examination->process, SIGKILL);
}
