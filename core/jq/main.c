/* main.c - connect-jq, the helper program in which jq programs run.
 *
 * One idea: libjq has no interrupt and aborts when memory ends, so it lives in
 * a process of its own that may be killed at any time.  This process has an
 * empty environment, three pipes, limits on memory and time, and a filter that
 * leaves it no system call that could open, connect or start anything.
 *
 * Frames, numbers in the machine's own order, both ends being one machine:
 *   in:  uint32 bytes of the program, uint32 bytes of the input, both texts
 *   out: uint32 status (0 a result, 1 the input is wrong), uint32 bytes, text
 * Reading ends, the process ends.  A program is compiled once and kept while it
 * is the one asked for. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <jq.h>
#include <jv.h>
#include <seccomp.h>
#include <signal.h>

enum {
    FRAME_MAX = 16 * 1024 * 1024, /* of one text */
    PROGRAM_MAX = 64 * 1024,
    MESSAGE_MAX = 1024,
    DEPTH_MAX = 200,   /* of a result */
    CPU_SECONDS = 3600 /* of the whole life; one program is timed outside */
};

enum { ANSWER_RESULT = 0, ANSWER_WRONG = 1 };

struct machine { /* one compiled program */
    jq_state *jq;
    char *program;
    char message[MESSAGE_MAX]; /* what libjq complained of */
};

/* ---- Bytes --------------------------------------------------------------- */

static bool read_all(void *into, size_t len)
{
    char *at = into;

    while (len > 0) {
        ssize_t count = read(STDIN_FILENO, at, len);
        if (count <= 0)
            return false;
        at += count;
        len -= (size_t)count;
    }
    return true;
}

static bool write_all(const void *from, size_t len)
{
    const char *at = from;

    while (len > 0) {
        ssize_t count = write(STDOUT_FILENO, at, len);
        if (count <= 0)
            return false;
        at += count;
        len -= (size_t)count;
    }
    return true;
}

static bool answer(uint32_t status, const char *text)
{
    uint32_t head[2] = {status, (uint32_t)strlen(text)};

    return write_all(head, sizeof(head)) && write_all(text, head[1]);
}

/* A text of the frame with a NUL behind it, or NULL. */
static char *read_text(uint32_t len, uint32_t len_max)
{
    char *text = len <= len_max ? malloc((size_t)len + 1) : NULL;

    if (!text || !read_all(text, len)) {
        free(text);
        return NULL;
    }
    text[len] = '\0';
    return text;
}

/* ---- Programs ------------------------------------------------------------ */

static void complain(void *arg, jv message)
{
    struct machine *machine = arg;
    jv text = jv_get_kind(message) == JV_KIND_STRING
                  ? jv_copy(message)
                  : jv_dump_string(jv_copy(message), 0);

    /* The first says what is wrong, the rest how many. */
    if (!machine->message[0])
        snprintf(machine->message, sizeof(machine->message), "%s",
                 jv_string_value(text));
    jv_free(text);
    jv_free(message);
}

/* There is one input, and the program has it: "input" finds no more. */
static jv no_input(jq_state *jq, void *arg)
{
    (void)jq;
    (void)arg;
    return jv_invalid_with_msg(jv_string("there is no more input"));
}

static void machine_close(struct machine *machine)
{
    if (machine->jq)
        jq_teardown(&machine->jq);
    free(machine->program);
    machine->program = NULL;
}

static bool machine_open(struct machine *machine, const char *program)
{
    if (machine->jq && machine->program && !strcmp(machine->program, program))
        return true;
    machine_close(machine);
    machine->message[0] = '\0';
    machine->jq = jq_init();
    if (!machine->jq)
        return false;
    jq_set_error_cb(machine->jq, complain, machine);
    jq_set_input_cb(machine->jq, no_input, NULL);
    jq_set_attr(machine->jq, jv_string("JQ_LIBRARY_PATH"), jv_array());
    if (!jq_compile(machine->jq, program)) {
        machine_close(machine);
        return false;
    }
    machine->program = strdup(program);
    return machine->program != NULL;
}

/* A number in a result may have been a double: only texts leave here. */
static bool has_number(jv value, unsigned depth)
{
    bool found = false;
    jv_kind kind = jv_get_kind(value);

    if (kind == JV_KIND_NUMBER || depth > DEPTH_MAX)
        found = true;
    else if (kind == JV_KIND_ARRAY) {
        int count = jv_array_length(jv_copy(value));
        for (int index = 0; !found && index < count; index++)
            found = has_number(jv_array_get(jv_copy(value), index), depth + 1);
    } else if (kind == JV_KIND_OBJECT) {
        for (int at = jv_object_iter(value);
             !found && jv_object_iter_valid(value, at);
             at = jv_object_iter_next(value, at))
            found = has_number(jv_object_iter_value(value, at), depth + 1);
    }
    jv_free(value);
    return found;
}

static bool answer_error(jv error)
{
    char text[MESSAGE_MAX] = "the program ended with an error";
    jv message = jv_invalid_get_msg(error);

    if (jv_get_kind(message) == JV_KIND_STRING)
        snprintf(text, sizeof(text), "%s", jv_string_value(message));
    jv_free(message);
    return answer(ANSWER_WRONG, text);
}

static bool answer_result(jv result)
{
    jv text;
    bool sent;

    if (has_number(jv_copy(result), 0)) {
        jv_free(result);
        return answer(ANSWER_WRONG,
                      "the result holds a number; quantities and money must "
                      "stay texts, other numbers need tostring");
    }
    text = jv_dump_string(result, 0);
    sent = answer(ANSWER_RESULT, jv_string_value(text));
    jv_free(text);
    return sent;
}

/* Exactly one result is expected. */
static bool run_program(struct machine *machine, jv input)
{
    jv first, second;

    jq_start(machine->jq, input, 0);
    first = jq_next(machine->jq);
    if (!jv_is_valid(first)) {
        if (jv_invalid_has_msg(jv_copy(first)))
            return answer_error(first);
        jv_free(first);
        return answer(ANSWER_WRONG, "the program gives no result");
    }
    second = jq_next(machine->jq);
    if (jv_is_valid(second)) {
        jv_free(first);
        jv_free(second);
        return answer(ANSWER_WRONG, "the program gives more than one result");
    }
    jv_free(second);
    return answer_result(first);
}

static bool serve_one(struct machine *machine)
{
    uint32_t head[2];
    char *program = NULL, *text = NULL;
    bool going = false;
    jv input;

    if (!read_all(head, sizeof(head)))
        return false;
    program = read_text(head[0], PROGRAM_MAX);
    text = program ? read_text(head[1], FRAME_MAX) : NULL;
    if (!text)
        goto out;
    if (!machine_open(machine, program)) {
        going = answer(ANSWER_WRONG, machine->message);
        goto out;
    }
    input = jv_parse_sized(text, (int)head[1]);
    if (jv_is_valid(input)) {
        going = run_program(machine, input);
    } else {
        jv_free(input);
        going = answer(ANSWER_WRONG, "the input is not JSON");
    }
out:
    free(program);
    free(text);
    return going;
}

/* ---- The cell ------------------------------------------------------------ */

static void limit(__rlimit_resource_t resource, rlim_t value)
{
    struct rlimit both = {value, value};

    setrlimit(resource, &both);
}

/* What is left: memory, the two pipes, the end.  Anything else fails with
 * EPERM. */
static int filter(void)
{
    static const int allowed[] = {
        SCMP_SYS(read),           SCMP_SYS(write),        SCMP_SYS(exit),
        SCMP_SYS(exit_group),     SCMP_SYS(brk),          SCMP_SYS(mmap),
        SCMP_SYS(munmap),         SCMP_SYS(mremap),       SCMP_SYS(madvise),
        SCMP_SYS(mprotect),       SCMP_SYS(rt_sigreturn), SCMP_SYS(futex),
        SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction), SCMP_SYS(getpid),
        SCMP_SYS(gettid),         SCMP_SYS(tgkill),       SCMP_SYS(sigaltstack),
        SCMP_SYS(clock_gettime),  SCMP_SYS(getrandom)};
    scmp_filter_ctx context = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int status = context ? 0 : -ENOMEM;

    for (size_t index = 0;
         !status && index < sizeof(allowed) / sizeof(allowed[0]); index++)
        status = seccomp_rule_add(context, SCMP_ACT_ALLOW, allowed[index], 0);
    if (!status)
        status = seccomp_load(context);
    if (context)
        seccomp_release(context);
    return status;
}

static int lock_up(const char *mebibytes, const char *parent)
{
    char *end;
    unsigned long memory = strtoul(mebibytes, &end, 10);

    if (!*mebibytes || *end || memory < 16 || memory > 65536)
        return -EINVAL;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != (pid_t)strtol(parent, &end, 10))
        return -ESRCH; /* it died before the line above */
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_CPU, CPU_SECONDS);
#ifndef CONNECT_SANITIZED /* a sanitizer's shadow is larger than any limit */
    limit(RLIMIT_AS, (rlim_t)memory * 1024 * 1024);
#endif
    limit(RLIMIT_NOFILE, 3);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return -errno;
    return filter();
}

static int check(void)
{
    struct machine machine = {.jq = NULL};
    char *program = calloc(1, PROGRAM_MAX + 1);
    bool good;

    if (!program)
        return 1;
    for (size_t len = 0; len < PROGRAM_MAX;) {
        ssize_t count = read(STDIN_FILENO, program + len, PROGRAM_MAX - len);
        if (count <= 0)
            break;
        len += (size_t)count;
    }
    good = machine_open(&machine, program);
    if (!good)
        fprintf(stderr, "%s\n", machine.message);
    machine_close(&machine);
    free(program);
    return good ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct machine machine = {.jq = NULL};

    if (argc == 2 && !strcmp(argv[1], "--check"))
        return check();
    if (argc != 4 || strcmp(argv[1], "--serve") != 0) {
        fprintf(stderr,
                "usage: connect-jq --serve MEBIBYTES PARENT | --check\n"
                "Started by connectd; runs the jq programs of flows.\n");
        return 2;
    }
    /* libjq sets up thread-local storage at its first use: before the filter.
     */
    if (!machine_open(&machine, ".") || lock_up(argv[2], argv[3]))
        return 3;
    while (serve_one(&machine))
        continue;
    machine_close(&machine);
    return 0;
}
