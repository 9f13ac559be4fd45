/* jq_pool.c - jq programs, run in helper processes of the daemon.
 *
 * One idea: a helper does one program at a time and may be killed at any
 * moment, so everything about one program lives here: its text, its timer, its
 * answer.  A helper is idle, busy or ending; a job is queued or at a helper.
 * A job that takes long moves out of the way: its helper no longer counts, and
 * another serves the queue, so that programs that hang do not keep the rest
 * waiting until they are killed.
 * What must hold: every started job is answered exactly once; a helper that was
 * killed never answers for the next job.  Called on the loop thread. */
#include "plugin/jq_pool.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utlist.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"

enum {
    PROCESSES_MAX = 8,
    ASIDE_MS = 100,  /* a usual program takes one or two */
    ASIDE_MAX = 4,   /* helpers that do not count; bounds the memory */
    ASIDE_NICE = 10, /* nor shall they take the processor from the rest */
    HELPERS_MAX = PROCESSES_MAX + ASIDE_MAX,
    IDLE_MS = 60000,               /* then a helper is not worth its memory */
    ANSWER_MAX = 16 * 1024 * 1024, /* as the helper's own limit */
    CHECK_MS = 5000,
    KNOWN_MAX = 1024 /* programs; a flow has a few, beyond it: begin anew */
};

struct job {
    struct job *prev, *next;
    char *frame; /* head, program, input */
    size_t frame_len;
    jq_pool_fn *fn;
    void *arg;
};

struct helper {
    struct jq_pool *pool;
    uv_process_t process;
    uv_pipe_t input, output;
    uv_timer_t timer; /* of the job, or of idleness */
    uv_write_t write;
    struct job *job; /* NULL: idle */
    struct buf answer;
    unsigned handles_open;
    bool running, ending;
    bool takes_long; /* its job */
    int verdict;     /* why it was killed: -ETIMEDOUT, or 0 */
};

struct jq_pool {
    uv_loop_t *loop;
    struct jq_pool_options options;
    char *program;
    struct helper *helpers[HELPERS_MAX];
    struct job *queue;
    uint32_t queue_count;
    bool stopping;
    void (*stopped)(void *arg);
    void *stopped_arg;
};

static void pool_serve(struct jq_pool *pool);
static void pool_check_stopped(struct jq_pool *pool);

static void job_end(struct job *job, int status, const char *text, size_t len)
{
    job->fn(job->arg, status, text, len);
    free(job->frame);
    free(job);
}

/* ---- A helper's end ------------------------------------------------------ */

static void helper_gone(struct helper *helper)
{
    static const char over_time[] = "the program took longer than it may";
    static const char died[] =
        "the program's process died, most likely because "
        "it needed more memory than it may";
    struct jq_pool *pool = helper->pool;
    struct job *job = helper->job;

    for (size_t index = 0; index < HELPERS_MAX; index++) {
        if (pool->helpers[index] == helper)
            pool->helpers[index] = NULL;
    }
    buf_done(&helper->answer);
    if (job && pool->stopping)
        job_end(job, -ECANCELED, "", 0);
    else if (job && helper->verdict == -ETIMEDOUT)
        job_end(job, -ETIMEDOUT, over_time, sizeof(over_time) - 1);
    else if (job)
        job_end(job, -EPIPE, died, sizeof(died) - 1);
    free(helper);
    pool_serve(pool);
    pool_check_stopped(pool);
}

static void helper_handle_closed(uv_handle_t *handle)
{
    struct helper *helper = handle->data;

    if (--helper->handles_open == 0)
        helper_gone(helper);
}

static void helper_exited(uv_process_t *process, int64_t code,
                          int signal_number)
{
    struct helper *helper = process->data;

    (void)code;
    (void)signal_number;
    helper->running = false;
    helper->ending = true;
    uv_close((uv_handle_t *)&helper->process, helper_handle_closed);
    uv_close((uv_handle_t *)&helper->input, helper_handle_closed);
    uv_close((uv_handle_t *)&helper->output, helper_handle_closed);
    uv_close((uv_handle_t *)&helper->timer, helper_handle_closed);
}

static void helper_kill(struct helper *helper, int verdict)
{
    helper->ending = true;
    helper->verdict = verdict;
    if (helper->running)
        uv_process_kill(&helper->process, SIGKILL);
}

static void helper_over_time(uv_timer_t *timer)
{
    struct helper *helper = timer->data;
    uint32_t time_ms = helper->pool->options.time_ms;

    if (helper->job && !helper->takes_long && time_ms > ASIDE_MS) {
        helper->takes_long = true;
        (void)setpriority(PRIO_PROCESS, (id_t)helper->process.pid, ASIDE_NICE);
        uv_timer_start(timer, helper_over_time, time_ms - ASIDE_MS, 0);
        pool_serve(helper->pool);
        return;
    }
    helper_kill(helper, helper->job ? -ETIMEDOUT : 0);
}

/* ---- A helper's work ----------------------------------------------------- */

static void helper_answered(struct helper *helper, uint32_t status,
                            const char *text, size_t len)
{
    struct job *job = helper->job;
    struct jq_pool *pool = helper->pool;

    helper->job = NULL;
    uv_timer_start(&helper->timer, helper_over_time, IDLE_MS, 0);
    job_end(job, status ? -EINVAL : 0, text, len);
    buf_clear(&helper->answer);
    if (helper->takes_long) /* another serves in its place */
        helper_kill(helper, 0);
    else
        pool_serve(pool);
}

static void helper_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct helper *helper = stream->data;
    uint32_t head[2];

    if (count > 0)
        (void)!buf_append(&helper->answer, buf->base, (size_t)count);
    free(buf->base);
    if (count < 0) {
        helper_kill(helper, helper->verdict);
        return;
    }
    if (helper->answer.len < sizeof(head) || helper->ending)
        return;
    memcpy(head, helper->answer.data, sizeof(head));
    if (head[1] > ANSWER_MAX || !helper->job || helper->answer.overflow)
        helper_kill(helper, 0);
    else if (helper->answer.len == sizeof(head) + head[1])
        helper_answered(helper, head[0], helper->answer.data + sizeof(head),
                        head[1]);
}

static void helper_allocate(uv_handle_t *handle, size_t suggested,
                            uv_buf_t *ret_buf)
{
    (void)handle;
    ret_buf->base = memory_zero(suggested, 1);
    ret_buf->len = suggested;
}

static void helper_written(uv_write_t *write, int status)
{
    struct helper *helper = write->data;

    if (status && status != UV_ECANCELED)
        helper_kill(helper, 0);
}

static void helper_give(struct helper *helper, struct job *job)
{
    uv_buf_t buf = uv_buf_init(job->frame, (unsigned)job->frame_len);
    uint32_t time_ms = helper->pool->options.time_ms;

    helper->job = job;
    helper->write.data = helper;
    uv_timer_start(&helper->timer, helper_over_time,
                   time_ms > ASIDE_MS ? ASIDE_MS : time_ms, 0);
    if (uv_write(&helper->write, (uv_stream_t *)&helper->input, &buf, 1,
                 helper_written))
        helper_kill(helper, 0);
}

static int helper_spawn(struct helper *helper)
{
    struct jq_pool *pool = helper->pool;
    char memory[16], parent[24];
    char *arguments[] = {pool->program, (char[]){"--serve"}, memory, parent,
                         NULL};
    char *environment[] = {NULL};
    uv_stdio_container_t pipes[3] = {
        {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE,
         .data.stream = (uv_stream_t *)&helper->input},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
         .data.stream = (uv_stream_t *)&helper->output},
        {.flags = UV_IGNORE},
    };
    uv_process_options_t options = {
        .exit_cb = helper_exited,
        .file = pool->program,
        .args = arguments,
        .env = environment,
        .flags = UV_PROCESS_DETACHED, /* a process group of its own */
        .stdio = pipes,
        .stdio_count = 3,
    };

    snprintf(memory, sizeof(memory), "%u", pool->options.memory_mib);
    snprintf(parent, sizeof(parent), "%ld", (long)getpid());
    return uv_spawn(pool->loop, &helper->process, &options);
}

static struct helper *helper_create(struct jq_pool *pool)
{
    struct helper *helper = memory_zero(1, sizeof(*helper));
    int status;

    helper->pool = pool;
    buf_init(&helper->answer, ANSWER_MAX + 64);
    uv_pipe_init(pool->loop, &helper->input, 0);
    uv_pipe_init(pool->loop, &helper->output, 0);
    uv_timer_init(pool->loop, &helper->timer);
    helper->input.data = helper->output.data = helper;
    helper->timer.data = helper->process.data = helper;
    helper->handles_open = 4;
    status = helper_spawn(helper);
    helper->process.data = helper;
    if (status) {
        log_write(LOG_ERROR, NULL, "cannot start %s: %s", pool->program,
                  uv_strerror(status));
        helper_exited(&helper->process, 0, 0);
        return NULL;
    }
    helper->running = true;
    uv_read_start((uv_stream_t *)&helper->output, helper_allocate, helper_read);
    return helper;
}

/* ---- The pool ------------------------------------------------------------ */

/* Who took long is done away with when its answer has been given, and the
 * answer may begin another program. */
static bool helper_is_idle(const struct helper *helper)
{
    return helper->running && !helper->ending && !helper->job &&
           !helper->takes_long;
}

/* Helpers at work or on their way out, as far as they count. */
static uint32_t pool_taken(const struct jq_pool *pool)
{
    uint32_t taken = 0, lasting = 0;

    for (size_t index = 0; index < HELPERS_MAX; index++) {
        const struct helper *helper = pool->helpers[index];
        if (!helper || helper_is_idle(helper))
            continue;
        taken++;
        lasting += helper->takes_long;
    }
    return taken - (lasting < ASIDE_MAX ? lasting : ASIDE_MAX);
}

/* An idle helper, or a new one if there may be one more. */
static struct helper *pool_helper(struct jq_pool *pool)
{
    if (pool_taken(pool) >= pool->options.processes)
        return NULL;
    for (size_t index = 0; index < HELPERS_MAX; index++) {
        if (pool->helpers[index] && helper_is_idle(pool->helpers[index]))
            return pool->helpers[index];
    }
    for (size_t index = 0; index < HELPERS_MAX; index++) {
        if (!pool->helpers[index])
            return pool->helpers[index] = helper_create(pool);
    }
    return NULL;
}

static void pool_serve(struct jq_pool *pool)
{
    while (pool->queue && !pool->stopping) {
        struct helper *helper = pool_helper(pool);
        struct job *job = pool->queue;
        if (!helper)
            return;
        DL_DELETE(pool->queue, job);
        pool->queue_count--;
        helper_give(helper, job);
    }
}

/* connect-jq: installed under libexec, or beside connectd in a build tree. */
static char *default_program(void)
{
    static const char *const places[] = {
        "/jq/connect-jq", "/../libexec/connect/connect-jq", "/connect-jq"};
    char self[4096], path[4200];
    size_t len = sizeof(self);
    char *slash;

    if (uv_exepath(self, &len))
        return NULL;
    slash = strrchr(self, '/');
    if (!slash)
        return NULL;
    *slash = '\0';
    for (size_t index = 0; index < 3; index++) {
        snprintf(path, sizeof(path), "%s%s", self, places[index]);
        if (!access(path, X_OK))
            return memory_text(path);
    }
    return NULL;
}

int jq_pool_create(uv_loop_t *loop, const struct jq_pool_options *options,
                   struct jq_pool **ret_pool, struct error *err)
{
    struct jq_pool *pool = memory_zero(1, sizeof(*pool));

    pool->loop = loop;
    pool->options = *options;
    pool->program =
        options->program ? memory_text(options->program) : default_program();
    if (!pool->program) {
        error_set(err, "connect-jq is not installed beside connectd");
        free(pool);
        return -ENOENT;
    }
    if (!pool->options.processes)
        pool->options.processes = 1;
    if (pool->options.processes > PROCESSES_MAX)
        pool->options.processes = PROCESSES_MAX;
    if (!pool->options.time_ms)
        pool->options.time_ms = 2000;
    if (!pool->options.memory_mib)
        pool->options.memory_mib = 256;
    if (!pool->options.queue_max)
        pool->options.queue_max = 256;
    *ret_pool = pool;
    return 0;
}

int jq_pool_start(struct jq_pool *pool, const char *program, const char *input,
                  size_t len, jq_pool_fn *fn, void *arg)
{
    uint32_t head[2] = {(uint32_t)strlen(program), (uint32_t)len};
    struct job *job;

    if (pool->stopping || pool->queue_count >= pool->options.queue_max)
        return -EAGAIN;
    job = memory_zero(1, sizeof(*job));
    job->fn = fn;
    job->arg = arg;
    job->frame_len = sizeof(head) + head[0] + head[1];
    job->frame = memory_zero(job->frame_len, 1);
    memcpy(job->frame, head, sizeof(head));
    memcpy(job->frame + sizeof(head), program, head[0]);
    memcpy(job->frame + sizeof(head) + head[0], input, head[1]);
    DL_APPEND(pool->queue, job);
    pool->queue_count++;
    pool_serve(pool);
    return 0;
}

static void pool_check_stopped(struct jq_pool *pool)
{
    void (*stopped)(void *arg) = pool->stopped;
    void *arg = pool->stopped_arg;

    if (!pool->stopping)
        return;
    for (size_t index = 0; index < HELPERS_MAX; index++) {
        if (pool->helpers[index])
            return;
    }
    free(pool->program);
    free(pool);
    stopped(arg);
}

void jq_pool_stop(struct jq_pool *pool, void (*stopped)(void *arg), void *arg)
{
    struct job *job, *next;

    pool->stopping = true;
    pool->stopped = stopped;
    pool->stopped_arg = arg;
    DL_FOREACH_SAFE(pool->queue, job, next)
    {
        DL_DELETE(pool->queue, job);
        job_end(job, -ECANCELED, "", 0);
    }
    for (size_t index = 0; index < HELPERS_MAX; index++) {
        if (pool->helpers[index])
            helper_kill(pool->helpers[index], 0);
    }
    pool_check_stopped(pool);
}

/* ---- Checking a program -------------------------------------------------- */

static int check_run(const char *helper, const char *program, char *message,
                     size_t size)
{
    int input[2], output[2], state = 0;
    ssize_t count;
    size_t len = 0;
    pid_t child;

    if (pipe(input) || pipe(output))
        return -errno;
    child = fork();
    if (child == 0) {
        char *const environment[] = {NULL};
        alarm(CHECK_MS / 1000);
        dup2(input[0], STDIN_FILENO);
        dup2(output[1], STDERR_FILENO);
        close(input[1]);
        close(output[0]);
        execle(helper, helper, "--check", (char *)NULL, environment);
        _exit(127);
    }
    close(input[0]);
    close(output[1]);
    count = child < 0 ? -1 : write(input[1], program, strlen(program));
    close(input[1]);
    while (count >= 0 && len + 1 < size &&
           (count = read(output[0], message + len, size - len - 1)) > 0)
        len += (size_t)count;
    message[len] = '\0';
    close(output[0]);
    if (child < 0 || waitpid(child, &state, 0) != child)
        return -EIO;
    return WIFEXITED(state) && WEXITSTATUS(state) == 0 ? 0 : -EINVAL;
}

struct jq_known {
    char *program;
    UT_hash_handle hh;
};

void jq_known_free(struct jq_known **known)
{
    struct jq_known *one, *next;

    HASH_ITER(hh, *known, one, next)
    {
        HASH_DEL(*known, one);
        free(one->program);
        free(one);
    }
}

static void known_add(struct jq_known **known, const char *program)
{
    struct jq_known *one = memory_zero(1, sizeof(*one));

    if (HASH_COUNT(*known) >= KNOWN_MAX)
        jq_known_free(known);
    one->program = memory_text(program);
    HASH_ADD_KEYPTR(hh, *known, one->program, strlen(one->program), one);
}

int jq_pool_check(const char *helper, const char *program,
                  struct jq_known **known, struct error *err)
{
    struct jq_known *before = NULL;
    char *found = NULL;
    char message[512] = "";
    int status;

    if (known)
        HASH_FIND_STR(*known, program, before);
    if (before)
        return 0;
    found = helper ? memory_text(helper) : default_program();
    status =
        found ? check_run(found, program, message, sizeof(message)) : -ENOENT;
    if (!status && known)
        known_add(known, program);
    if (status)
        error_set(err, "%s (jq)",
                  status == -ENOENT ? "connect-jq is not installed"
                  : *message        ? message
                                    : "is not a jq program");
    free(found);
    return status;
}
