/* tracer.c - a program under a tracer that counts its system calls and kills it
 * at one of them.
 *
 * One idea: the kernel stops a thread for us at exactly the calls that a filter
 * names (seccomp with RET_TRACE), before the call is made and, if asked, when
 * it has been made; all other calls run at full speed.  It sees every call of
 * every thread, also those inside libraries, which a preloaded library does
 * not.
 *
 *   seccomp stop ---- count, is it the one? ---- before: kill
 *        |                                  \--- after: go on to the exit stop,
 *     continue                                   then kill
 *
 * Children of the program (they inherit the filter) are let through uncounted;
 * they end with the tracer.  The tracer is forked from the harness, has one
 * thread and calls nothing of the harness but this file. */
#include "tracer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    THREADS_MAX = 1024, /* of the program over its life */
    CALLS_MAX = 64,
    PATH_BYTES = 160
};

enum subject { OF_FILE, OF_PATH, OF_PATH_AT, OF_NOTHING };

/* What a call's first argument is; what all of them do is touch the outside. */
static const struct call {
    long number;
    const char *name;
    enum subject subject;
} calls[] = {
#define CALL(name, subject)                                                    \
    {                                                                          \
        SYS_##name, #name, subject                                             \
    }
#ifdef SYS_open
    CALL(open, OF_PATH),         CALL(creat, OF_PATH),
    CALL(rename, OF_PATH),       CALL(unlink, OF_PATH),
    CALL(link, OF_PATH),         CALL(mkdir, OF_PATH),
    CALL(rmdir, OF_PATH),        CALL(chmod, OF_PATH),
    CALL(accept, OF_FILE),
#endif
    CALL(openat, OF_PATH_AT),    CALL(renameat, OF_PATH_AT),
    CALL(renameat2, OF_PATH_AT), CALL(unlinkat, OF_PATH_AT),
    CALL(linkat, OF_PATH_AT),    CALL(mkdirat, OF_PATH_AT),
    CALL(fchmodat, OF_PATH_AT),  CALL(fchmod, OF_FILE),
    CALL(truncate, OF_PATH),     CALL(read, OF_FILE),
    CALL(pread64, OF_FILE),      CALL(readv, OF_FILE),
    CALL(preadv, OF_FILE),       CALL(write, OF_FILE),
    CALL(pwrite64, OF_FILE),     CALL(writev, OF_FILE),
    CALL(pwritev, OF_FILE),      CALL(fsync, OF_FILE),
    CALL(fdatasync, OF_FILE),    CALL(sync_file_range, OF_FILE),
    CALL(ftruncate, OF_FILE),    CALL(fallocate, OF_FILE),
    CALL(sendfile, OF_FILE),     CALL(copy_file_range, OF_FILE),
    CALL(close, OF_FILE),        CALL(socket, OF_NOTHING),
    CALL(bind, OF_FILE),         CALL(listen, OF_FILE),
    CALL(connect, OF_FILE),      CALL(accept4, OF_FILE),
    CALL(shutdown, OF_FILE),     CALL(sendto, OF_FILE),
    CALL(sendmsg, OF_FILE),      CALL(sendmmsg, OF_FILE),
    CALL(recvfrom, OF_FILE),     CALL(recvmsg, OF_FILE),
#undef CALL
};
enum { CALL_COUNT = sizeof(calls) / sizeof(*calls) };

struct tracer {
    struct tracer_page *page;
    pid_t program;
    struct thread {
        pid_t id;
        bool foreign; /* of a child of the program */
    } threads[THREADS_MAX];
    size_t thread_count;
    enum phase {
        BEFORE_CHECKPOINT,
        MOVING, /* the database file itself is written, until its sync */
        MOVED,  /* and until the log begins anew */
        BEGUN_ANEW,
        AFTER_CHECKPOINT /* its new head is synced */
    } phase;
    bool dead; /* killed by us */
};

static pid_t traced_program; /* for the handler of SIGTERM */

struct tracer_page *tracer_page_create(void)
{
    int file = memfd_create("tracer", MFD_CLOEXEC);
    void *page = MAP_FAILED;
    char path[64];

    if (file >= 0 && !ftruncate(file, sizeof(struct tracer_page)))
        page = mmap(NULL, sizeof(struct tracer_page), PROT_READ | PROT_WRITE,
                    MAP_SHARED, file, 0);
    if (page == MAP_FAILED)
        abort();
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), file);
    setenv(TRACER_PAGE, path, 1);
    return page;
}

void tracer_aim(struct tracer_page *page, enum tracer_begin begin,
                uint64_t target, bool after)
{
    page->begin = TRACER_NEVER;
    page->count = 0;
    page->killed = false;
    page->target = target;
    page->after = after;
    page->begin = begin;
}

/* ---- The program's side, between fork and exec --------------------------- */

static bool filter_calls(void)
{
    struct sock_filter code[CALLS_MAX];
    struct sock_fprog program = {.filter = code};
    size_t len = 0;

    _Static_assert(CALL_COUNT + 3 < CALLS_MAX, "the filter fits");
    code[len++] = (struct sock_filter)BPF_STMT(
        BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t at = 0; at < CALL_COUNT; at++)
        code[len++] = (struct sock_filter)BPF_JUMP(
            BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[at].number,
            (unsigned char)(CALL_COUNT - at), 0);
    code[len++] =
        (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[len++] =
        (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
    program.len = (unsigned short)len;
    return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
           !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

__attribute__((noreturn)) static void become(const char *log,
                                             const char *const *arguments)
{
    int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int output = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    dup2(input, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
        _exit(TRACER_FORBIDDEN);
    raise(SIGSTOP);
    if (!filter_calls())
        _exit(TRACER_FORBIDDEN);
    execv(arguments[0], (char *const *)(uintptr_t)arguments);
    _exit(127);
}

/* ---- What a call touches --------------------------------------------------
 */

/* A text of the program; cut at the end of the buffer or what can be read. */
static void read_text(pid_t thread, uint64_t address, char text[PATH_BYTES])
{
    struct iovec own = {text, PATH_BYTES - 1};
    struct iovec other = {(void *)(uintptr_t)address, PATH_BYTES - 1};
    ssize_t len = process_vm_readv(thread, &own, 1, &other, 1, 0);

    if (len < 0) { /* perhaps the next page is not there */
        other.iov_len = own.iov_len = 4096 - (address & 4095);
        if (own.iov_len > PATH_BYTES - 1)
            other.iov_len = own.iov_len = PATH_BYTES - 1;
        len = process_vm_readv(thread, &own, 1, &other, 1, 0);
    }
    text[len > 0 ? len : 0] = '\0';
}

static void read_link(pid_t thread, uint64_t descriptor, char text[PATH_BYTES])
{
    char link[64];
    ssize_t len;

    snprintf(link, sizeof(link), "/proc/%d/fd/%u", (int)thread,
             (unsigned)descriptor);
    len = readlink(link, text, PATH_BYTES - 1);
    text[len > 0 ? len : 0] = '\0';
}

static void what_is_touched(pid_t thread, const struct call *call,
                            const uint64_t *arguments, char text[PATH_BYTES])
{
    text[0] = '\0';
    switch (call->subject) {
    case OF_FILE:
        read_link(thread, arguments[0], text);
        break;
    case OF_PATH:
        read_text(thread, arguments[0], text);
        break;
    case OF_PATH_AT:
        read_text(thread, arguments[1], text);
        break;
    case OF_NOTHING:
        snprintf(text, PATH_BYTES, "new");
        break;
    }
}

/* Store, network or log?  Not what stays inside the program or only loads it.
 */
static bool is_outside(const char *what)
{
    static const char *const inside[] = {
        "",      "anon_inode:", "pipe:", "/usr/", "/lib",
        "/etc/", "/proc/",      "/sys/", "/dev/"};

    if (!*what)
        return false;
    for (size_t at = 1; at < sizeof(inside) / sizeof(*inside); at++)
        if (!strncmp(what, inside[at], strlen(inside[at])))
            return false;
    return true;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);

    return len >= end_len && !strcmp(text + len - end_len, end);
}

/* ---- Stops ----------------------------------------------------------------
 */

static void go_on(pid_t thread, int signal)
{
    (void)ptrace(PTRACE_CONT, thread, NULL, (void *)(intptr_t)signal);
}

static void kill_program(struct tracer *tracer)
{
    tracer->dead = true;
    kill(tracer->program, SIGKILL);
    tracer->page->killed = true;
}

/* Is the call of a checkpoint, from the first write to the database file to its
 * sync (then of all threads), or of the log's new beginning?  offset: of a
 * pwrite64. */
static bool in_checkpoint(struct tracer *tracer, const struct call *call,
                          const char *what, uint64_t offset)
{
    bool database = ends_with(what, "/connect.db");
    bool log = ends_with(what, "/connect.db-wal");
    bool writes = call->number == SYS_pwrite64;
    bool syncs = call->number == SYS_fdatasync || call->number == SYS_fsync;

    if (tracer->phase == BEFORE_CHECKPOINT && database && writes) {
        tracer->phase = MOVING;
        return true;
    }
    if (tracer->phase == MOVING) {
        if (database && syncs)
            tracer->phase = MOVED;
        return true;
    }
    if (tracer->phase == MOVED && log && writes && !offset) {
        tracer->phase = BEGUN_ANEW;
        return true;
    }
    if (tracer->phase == BEGUN_ANEW && log && syncs) {
        tracer->phase = AFTER_CHECKPOINT;
        return true;
    }
    return tracer->phase == BEGUN_ANEW && log;
}

static bool counts_now(struct tracer *tracer, const struct call *call,
                       const char *what, uint64_t offset)
{
    int begin = tracer->page->begin;

    switch (begin) {
    case TRACER_NOW:
        return true;
    case TRACER_AT_CHECKPOINT:
        return in_checkpoint(tracer, call, what, offset);
    default:
        tracer->phase = BEFORE_CHECKPOINT;
        return false;
    }
}

static const struct call *find_call(uint64_t number)
{
    for (size_t at = 0; at < CALL_COUNT; at++)
        if ((uint64_t)calls[at].number == number)
            return &calls[at];
    return NULL;
}

/* A thread is about to make a call of the list. */
static void call_comes(struct tracer *tracer, pid_t thread)
{
    struct tracer_page *page = tracer->page;
    struct __ptrace_syscall_info info;
    const struct call *call = NULL;
    char what[PATH_BYTES] = "";
    uint64_t offset = 0;
    const char *name;

    if (page->begin != TRACER_NEVER &&
        ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof(info), &info) > 0)
        call = find_call(info.seccomp.nr);
    if (call) {
        uint64_t arguments[2] = {info.seccomp.args[0], info.seccomp.args[1]};
        offset = info.seccomp.args[3];
        what_is_touched(thread, call, arguments, what);
    }
    if (!call || !is_outside(what) || !counts_now(tracer, call, what, offset) ||
        ++page->count != page->target) {
        go_on(thread, 0);
        return;
    }
    name = strrchr(what, '/');
    snprintf(page->where, sizeof(page->where), "%s %s of %s",
             page->after ? "after" : "before", call->name,
             name ? name + 1 : what);
    if (page->after)
        (void)ptrace(PTRACE_SYSCALL, thread, NULL, NULL);
    else
        kill_program(tracer);
}

static bool is_foreign(const struct tracer *tracer, pid_t thread)
{
    char path[64], text[512];
    ssize_t len;
    const char *group;
    int file;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)thread);
    file = open(path, O_RDONLY | O_CLOEXEC);
    len = file < 0 ? 0 : read(file, text, sizeof(text) - 1);
    close(file);
    text[len > 0 ? len : 0] = '\0';
    group = strstr(text, "Tgid:");
    return group && strtol(group + 5, NULL, 10) != tracer->program;
}

/* The thread's entry; NULL at its first stop, when it gets one. */
static struct thread *find_thread(struct tracer *tracer, pid_t thread)
{
    for (size_t at = 0; at < tracer->thread_count; at++)
        if (tracer->threads[at].id == thread)
            return &tracer->threads[at];
    if (tracer->thread_count < THREADS_MAX)
        tracer->threads[tracer->thread_count++] =
            (struct thread){thread, is_foreign(tracer, thread)};
    return NULL;
}

static void forget_thread(struct tracer *tracer, pid_t thread)
{
    for (size_t at = 0; at < tracer->thread_count; at++)
        if (tracer->threads[at].id == thread)
            tracer->threads[at] = tracer->threads[--tracer->thread_count];
}

static void stopped(struct tracer *tracer, pid_t thread, int state)
{
    const struct thread *known = find_thread(tracer, thread);
    int signal = WSTOPSIG(state), event = state >> 16;

    if (tracer->dead) {
        go_on(thread, 0);                    /* it dies */
    } else if (signal == (SIGTRAP | 0x80)) { /* the exit stop we asked for */
        kill_program(tracer);
        go_on(thread, 0);
    } else if (event == PTRACE_EVENT_SECCOMP) {
        if (known && known->foreign)
            go_on(thread, 0);
        else
            call_comes(tracer, thread);
    } else if (event || (!known && signal == SIGSTOP)) {
        go_on(thread, 0);
    } else {
        go_on(thread, signal);
    }
}

static void hand_over(int number)
{
    if (traced_program > 0)
        kill(traced_program, number);
}

/* Until the program has ended: how. */
static int watch(struct tracer *tracer)
{
    for (;;) {
        int state;
        pid_t thread = waitpid(-1, &state, __WALL);

        if (thread < 0 && errno != EINTR)
            return 1;
        if (thread < 0)
            continue;
        if (WIFSTOPPED(state)) {
            stopped(tracer, thread, state);
        } else if (thread == tracer->program) {
            return WIFEXITED(state) ? WEXITSTATUS(state)
                                    : 128 + WTERMSIG(state);
        } else {
            forget_thread(tracer, thread);
        }
    }
}

__attribute__((noreturn)) static void
trace(struct tracer_page *page, const char *log, const char *const *arguments)
{
    static struct tracer tracer;
    struct sigaction action = {.sa_handler = hand_over};
    int state;
    int options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD |
                  PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
                  PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;

    tracer.page = page;
    tracer.program = fork();
    if (!tracer.program)
        become(log, arguments);
    if (tracer.program < 0 || waitpid(tracer.program, &state, 0) < 0)
        _exit(TRACER_FORBIDDEN);
    if (!WIFSTOPPED(state) || ptrace(PTRACE_SETOPTIONS, tracer.program, NULL,
                                     (void *)(intptr_t)options)) {
        kill(tracer.program, SIGKILL);
        _exit(TRACER_FORBIDDEN);
    }
    traced_program = tracer.program;
    sigaction(SIGTERM, &action, NULL);
    tracer.threads[tracer.thread_count++].id = tracer.program;
    go_on(tracer.program, 0);
    _exit(watch(&tracer));
}

pid_t tracer_start(struct tracer_page *page, const char *log,
                   const char *const *arguments)
{
    pid_t parent = getpid(), child;

    fflush(NULL);
    child = fork();
    if (child < 0)
        return -errno;
    if (child > 0)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    /* The harness's connections are not held open by us. */
    (void)syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0);
    trace(page, log, arguments);
}
