/* process.c - programs that a test starts, and that never outlive it.
 *
 * One idea: the kernel ends the children of a test that dies (PDEATHSIG), the
 * test's own code ends them on every other way out.  Called on the main thread,
 * because the kernel watches the thread that forked. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    NAP_MS = 2,                /* between two looks at a child */
    FILE_BYTES_MAX = 512 << 20 /* a log at level debug */
};

int64_t process_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void process_nap(int64_t ms)
{
    struct timespec time = {.tv_sec = ms / 1000,
                            .tv_nsec = (ms % 1000) * 1000000};

    nanosleep(&time, NULL);
}

/* In the child: never returns. */
static void become(int output, pid_t parent, const char *const *arguments)
{
    int input = open("/dev/null", O_RDONLY | O_CLOEXEC);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it died before the line above */
        _exit(127);
    dup2(input, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execv(arguments[0], (char *const *)(uintptr_t)arguments);
    dprintf(STDERR_FILENO, "%s: %s\n", arguments[0], strerror(errno));
    _exit(127);
}

static int start_on(struct process *process, int output,
                    const char *const *arguments)
{
    pid_t parent = getpid(), child;

    fflush(NULL);
    child = fork();
    if (child == 0)
        become(output, parent, arguments);
    if (child < 0)
        return -errno;
    process->id = child;
    process->exit_code = -1;
    return 0;
}

int process_start(struct process *process, const char *log,
                  const char *const *arguments)
{
    int output = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int status;

    if (output < 0)
        return -errno;
    status = start_on(process, output, arguments);
    close(output);
    return status;
}

void process_signal(struct process *process, int number)
{
    if (process->id > 0)
        kill(process->id, number);
}

/* Also an end that nobody has looked at until it is killed. */
static void note_crash(struct process *process, int state)
{
    static const int signals[] = {SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE};

    for (size_t at = 0; at < sizeof(signals) / sizeof(*signals); at++)
        process->crashes +=
            WIFSIGNALED(state) && WTERMSIG(state) == signals[at];
}

bool process_runs(struct process *process)
{
    int state;

    if (process->id <= 0)
        return false;
    if (waitpid(process->id, &state, WNOHANG) != process->id)
        return true;
    note_crash(process, state);
    process->exit_code =
        WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
    process->id = 0;
    return false;
}

bool process_wait(struct process *process, int64_t limit_ms)
{
    int64_t until = process_now_ms() + limit_ms;

    while (process_runs(process)) {
        if (process_now_ms() > until)
            return false;
        process_nap(NAP_MS);
    }
    return true;
}

void process_end(struct process *process)
{
    int state = 0;

    if (process->id <= 0)
        return;
    kill(process->id, SIGKILL);
    while (waitpid(process->id, &state, 0) < 0 && errno == EINTR)
        ;
    note_crash(process, state);
    process->exit_code = 128 + SIGKILL;
    process->id = 0;
}

char *process_read_file(const char *path, size_t *ret_len)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat about;
    char *text = NULL;
    size_t len = 0;
    ssize_t count = 1;

    if (file < 0)
        return NULL;
    if (!fstat(file, &about) && about.st_size < FILE_BYTES_MAX)
        text = malloc((size_t)about.st_size + 1);
    while (text && count > 0 && len < (size_t)about.st_size) {
        count = read(file, text + len, (size_t)about.st_size - len);
        if (count > 0)
            len += (size_t)count;
    }
    close(file);
    if (text)
        text[len] = '\0';
    if (ret_len)
        *ret_len = len;
    return text;
}

int process_output(const char *const *arguments, int64_t limit_ms,
                   char **ret_text)
{
    char path[] = "/tmp/connect-e2e-output.XXXXXX";
    int output = mkostemp(path, O_APPEND | O_CLOEXEC);
    struct process process = {0};
    int code = -1;

    if (output < 0)
        return -1;
    if (!start_on(&process, output, arguments)) {
        if (process_wait(&process, limit_ms))
            code = process.exit_code;
        process_end(&process);
    }
    close(output);
    if (ret_text)
        *ret_text = process_read_file(path, NULL);
    unlink(path);
    return code;
}
