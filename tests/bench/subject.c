/* subject.c - the daemon that is measured, from outside.
 *
 * One idea: everything is asked as an operator would ask it: the files of a
 * configuration, signals, the admin socket, /proc.  Called on one thread. */
#include "subject.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

enum {
    START_MS = 120000, /* with 100,000 waiting runs and a slow disk */
    LOOK_US = 200,     /* how exact the start is */
    STATUS_MAX = 65536,
    INSTANCES = 2 /* source and sink */
};

/* ---- Files --------------------------------------------------------------- */

static int write_text(const struct subject *subject, const char *name,
                      const char *text)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", subject->directory, name);
    file = fopen(path, "we");
    if (!file || fputs(text, file) < 0 || fclose(file))
        return -errno;
    return chmod(path, 0600) ? -errno : 0;
}

static int write_config(const struct subject *subject,
                        const struct subject_options *options)
{
    char text[4096], flows[1024];

    if (options->flows)
        snprintf(flows, sizeof(flows), "%s/flows/%s", options->sources,
                 options->flows);
    else
        snprintf(flows, sizeof(flows), "none");
    snprintf(text, sizeof(text),
             "{\"data\": \"data\", \"plugins\": \"%s\","
             " \"records\": \"%s/records\", \"flows\": \"%s\","
             " \"listen\": {\"port\": 0}, \"admin\": {\"socket\":"
             " \"admin.sock\"}, \"log\": {\"level\": \"warn\"},"
             " \"instances\": {"
             "  \"source\": {\"plugin\": \"bench_source.so\","
             "   \"path_secret\": \"file:source.path\"},"
             "  \"sink\": {\"plugin\": \"bench_sink.so\", \"open_max\": %u,"
             "   \"config\": {\"url\": \"http://127.0.0.1:%d\"}}}}",
             options->plugins, options->sources, flows, options->open_max,
             options->target_port);
    return write_text(subject, "connect.json", text);
}

int subject_make(struct subject *subject, const struct subject_options *options)
{
    char none[128];
    int status;

    memset(subject, 0, sizeof(*subject));
    snprintf(subject->directory, sizeof(subject->directory),
             "%s/connect-bench-XXXXXX", options->parent);
    if (!mkdtemp(subject->directory))
        return -errno;
    snprintf(none, sizeof(none), "%s/none", subject->directory);
    if (mkdir(none, 0700))
        return -errno;
    status = write_config(subject, options);
    if (!status)
        status = write_text(subject, "source.path",
                            &SUBJECT_PATH[sizeof("/in/source/") - 1]);
    return status;
}

static int remove_one(const char *path, const struct stat *found, int kind,
                      struct FTW *place)
{
    (void)found;
    (void)kind;
    (void)place;
    return remove(path);
}

void subject_remove(struct subject *subject)
{
    nftw(subject->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- Process ------------------------------------------------------------- */

static void subject_exec(const struct subject *subject,
                         const struct subject_options *options)
{
    int log;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (chdir(subject->directory))
        _exit(1);
    log = open("connectd.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    dup2(log, STDERR_FILENO);
    execl(options->connectd, options->connectd, "--port-file", "port",
          "connect.json", (char *)NULL);
    _exit(1);
}

static int read_port(const struct subject *subject)
{
    char path[128], text[32] = "";
    FILE *file;
    size_t len = 0;

    snprintf(path, sizeof(path), "%s/port", subject->directory);
    file = fopen(path, "re");
    if (file) {
        len = fread(text, 1, sizeof(text) - 1, file);
        fclose(file);
    }
    text[len] = '\0';
    return (int)strtol(text, NULL, 10);
}

int subject_start(struct subject *subject,
                  const struct subject_options *options)
{
    uint64_t end_ns = measure_now_ns() + START_MS * 1000000ull;
    char path[128];

    snprintf(path, sizeof(path), "%s/port", subject->directory);
    unlink(path);
    subject->process = fork();
    if (!subject->process)
        subject_exec(subject, options);
    if (subject->process < 0)
        return -errno;
    while (!(subject->port = read_port(subject))) {
        if (waitpid(subject->process, NULL, WNOHANG) == subject->process ||
            measure_now_ns() > end_ns) {
            fprintf(stderr, "bench: it did not start; see %s/connectd.log\n",
                    subject->directory);
            return -ESRCH;
        }
        usleep(LOOK_US);
    }
    return 0;
}

int subject_stop(struct subject *subject)
{
    int status = 0;

    kill(subject->process, SIGTERM);
    if (waitpid(subject->process, &status, 0) != subject->process)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

clockid_t subject_cpu(const struct subject *subject)
{
    clockid_t clock = 0;

    return clock_getcpuclockid(subject->process, &clock) ? 0 : clock;
}

double subject_memory_mib(const struct subject *subject)
{
    char path[64], text[4096];
    FILE *file;
    size_t len = 0;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)subject->process);
    file = fopen(path, "re");
    if (file) {
        len = fread(text, 1, sizeof(text) - 1, file);
        fclose(file);
    }
    text[len] = '\0';
    return (double)measure_number(text, "VmRSS:") / 1024;
}

/* ---- The admin socket ---------------------------------------------------- */

static int socket_open(const struct subject *subject)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s/admin.sock",
             subject->directory);
    if (descriptor < 0 ||
        connect(descriptor, (struct sockaddr *)&address, sizeof(address))) {
        if (descriptor >= 0)
            close(descriptor);
        return -1;
    }
    return descriptor;
}

/* GET /v1/status whole, or an empty text. */
static const char *subject_status(const struct subject *subject)
{
    static const char request[] = "GET /v1/status HTTP/1.1\r\nHost: x\r\n"
                                  "Connection: close\r\n\r\n";
    static char text[STATUS_MAX];
    size_t len = 0;
    ssize_t got;
    int descriptor = socket_open(subject);

    text[0] = '\0';
    if (descriptor < 0)
        return text;
    (void)!write(descriptor, request, sizeof(request) - 1);
    while (len < sizeof(text) - 1 &&
           (got = read(descriptor, text + len, sizeof(text) - 1 - len)) > 0)
        len += (size_t)got;
    close(descriptor);
    text[len] = '\0';
    return text;
}

long long subject_runs(const struct subject *subject, const char *state)
{
    const char *runs = strstr(subject_status(subject), "\"runs\"");
    char name[32];

    snprintf(name, sizeof(name), "\"%s\"", state);
    return runs ? measure_number(runs, name) : -1;
}

int subject_wait_running(const struct subject *subject)
{
    uint64_t end_ns = measure_now_ns() + START_MS * 1000000ull;

    for (;;) {
        const char *text = strstr(subject_status(subject), "\"instances\"");
        unsigned count = 0;
        while (text && (text = strstr(text + 1, "\"running\"")))
            count++;
        if (count == INSTANCES)
            return 0;
        if (measure_now_ns() > end_ns)
            return -ETIMEDOUT;
        usleep(1000);
    }
}

int subject_wait_done(const struct subject *subject, unsigned long long count,
                      double limit_s)
{
    uint64_t end_ns = measure_now_ns() + (uint64_t)(limit_s * 1e9);

    while (subject_runs(subject, "done") < (long long)count) {
        if (measure_now_ns() > end_ns)
            return -1;
        usleep(20000);
    }
    return 0;
}
