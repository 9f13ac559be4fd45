/* bench.c - the benchmark: what the daemon does beside what the machine can.
 *
 * One idea: every figure of the daemon stands beside a bare cost measured in
 * the same round, and their ratio is what can be compared between machines and
 * days.  Every measurement has a fresh daemon in a fresh directory.  It also
 * counts: what was answered with 200 arrives once, or the exit code is 1.
 * Usage: bench --help */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bare.h"
#include "load.h"
#include "measure.h"
#include "subject.h"
#include "target.h"

enum {
    BODY_BYTES = 240, /* of the record that each webhook brings */
    DONE_S = 60,      /* until the runs of what arrived are done */
    OUTAGE_BEFORE_S = 1,
    OUTAGE_AFTER_S = 4, /* events still come while the backlog goes */
    OUTAGE_PER_SECOND = 50,
    OUTAGE_TRIAL_S = 3,
    BACKLOG_MS = 2000 /* after the return of the target; else it is a fault */
};

struct bench {
    struct subject_options subject;
    struct target target;
    struct figures *figures;
    double warm_s, seconds;
    unsigned rounds;
    uint64_t count_max; /* of a trial run, else 0 */
    unsigned long waiting;
    unsigned outage_s;
    bool keep;        /* the daemon's files */
    const char *only; /* begin of the names that are measured */
    unsigned faults;  /* lost, doubled, refused, not ended well */
};

static const unsigned widths[] = {1, 64, 256};
enum { WIDTH_COUNT = sizeof(widths) / sizeof(*widths) };

static void bench_fault(struct bench *bench, const char *name, const char *what,
                        unsigned long long count)
{
    fprintf(stderr, "bench: %s: %s %llu\n", name, what, count);
    bench->faults++;
}

static bool bench_wants(const struct bench *bench, const char *name)
{
    size_t len = bench->only ? strlen(bench->only) : 0;
    size_t own = strlen(name);

    return !len || !strncmp(name, bench->only, own < len ? own : len);
}

static void add_times(struct bench *bench, const char *name,
                      struct samples *samples)
{
    figures_add(bench->figures, samples_at(samples, 0.5), "%s/p50_ms", name);
    figures_add(bench->figures, samples_at(samples, 0.99), "%s/p99_ms", name);
}

static double per_second(const struct load_result *result)
{
    return result->seconds > 0 ? (double)result->finished / result->seconds : 0;
}

static double ratio(double value, double of)
{
    return of > 0 ? value / of : 0;
}

static void load_defaults(const struct bench *bench,
                          struct load_options *ret_options)
{
    memset(ret_options, 0, sizeof(*ret_options));
    ret_options->path = SUBJECT_PATH;
    ret_options->warm_s = bench->warm_s;
    ret_options->seconds = bench->seconds;
    ret_options->count_max = bench->count_max;
}

/* ---- The bare costs ------------------------------------------------------ */

struct bare {
    double commits, answers; /* a second */
};

static int measure_bare(struct bench *bench, unsigned width,
                        struct bare *ret_bare)
{
    struct load_options options;
    struct load_result result;
    char name[64];
    pid_t server;
    int status;

    ret_bare->commits = bare_commits(bench->subject.parent, width, BODY_BYTES,
                                     bench->seconds / 2);
    load_defaults(bench, &options);
    options.width = width;
    status = bare_http_start(&options.port, &server);
    if (status)
        return status;
    status = load_run(&options, &result);
    bare_http_stop(server);
    ret_bare->answers = per_second(&result);
    snprintf(name, sizeof(name), "bare/%u", width);
    figures_add(bench->figures, ret_bare->commits, "%s/commit_rows_per_second",
                name);
    figures_add(bench->figures, ret_bare->answers, "%s/answers_per_second",
                name);
    add_times(bench, name, &result.answer_ms);
    load_result_done(&result);
    return status;
}

/* ---- Accepting ----------------------------------------------------------- */

/* One load against a fresh daemon. */
static int measure_subject(struct bench *bench, const char *name,
                           struct load_options *options,
                           struct load_result *ret_result)
{
    struct subject subject;
    unsigned long long ended = 0;
    int status = subject_make(&subject, &bench->subject);

    memset(ret_result, 0, sizeof(*ret_result));
    if (!status)
        status = subject_start(&subject, &bench->subject);
    if (!status)
        status = subject_wait_running(&subject);
    if (status)
        return status;
    figures_add(bench->figures, subject_memory_mib(&subject), "%s/idle_mib",
                name);
    options->port = subject.port;
    options->cpu = subject_cpu(&subject);
    status = load_run(options, ret_result);
    figures_add(bench->figures, subject_memory_mib(&subject), "%s/loaded_mib",
                name);
    ended = bench->subject.flows ? ret_result->answered : 0;
    if (!status && subject_wait_done(&subject, ended, DONE_S))
        bench_fault(bench, name, "runs not done of", ended);
    if (subject_stop(&subject) != 0)
        bench_fault(bench, name, "did not stop well", 1);
    if (ret_result->refused)
        bench_fault(bench, name, "refused", ret_result->refused);
    if (ret_result->lost)
        bench_fault(bench, name, "lost", ret_result->lost);
    if (bench->keep)
        printf("%s: %s\n", name, subject.directory);
    else
        subject_remove(&subject);
    figures_add(bench->figures, per_second(ret_result), "%s/per_second", name);
    figures_add(bench->figures, ret_result->cpu_us, "%s/cpu_us_per_event",
                name);
    return status;
}

static int measure_accept(struct bench *bench, const char *flows,
                          unsigned width, const struct bare *bare)
{
    struct load_options options;
    struct load_result result;
    char name[64];
    int status;

    snprintf(name, sizeof(name), "accept/%s/%u", flows ? flows : "none", width);
    if (!bench_wants(bench, name))
        return 0;
    bench->subject.flows = flows;
    bench->subject.target_port = target_closed_port();
    bench->subject.open_max = 64;
    load_defaults(bench, &options);
    options.width = width;
    status = measure_subject(bench, name, &options, &result);
    add_times(bench, name, &result.answer_ms);
    figures_add(bench->figures, ratio(per_second(&result), bare->commits),
                "%s/of_bare_commit_rows", name);
    figures_add(bench->figures, ratio(per_second(&result), bare->answers),
                "%s/of_bare_answers", name);
    load_result_done(&result);
    return status;
}

/* ---- Delivering ---------------------------------------------------------- */

static int measure_deliver(struct bench *bench, unsigned delay_ms,
                           unsigned open_max, unsigned width,
                           const struct bare *bare)
{
    struct load_options options;
    struct load_result result;
    char name[64];
    uint64_t doubled = bench->target.board->doubled;
    double most;
    int status;

    snprintf(name, sizeof(name), "deliver/%ums/open%u/%u", delay_ms, open_max,
             width);
    if (!bench_wants(bench, name))
        return 0;
    status = target_start(&bench->target, delay_ms);
    if (status)
        return status;
    bench->subject.flows = "deliver";
    bench->subject.target_port = bench->target.port;
    bench->subject.open_max = open_max;
    load_defaults(bench, &options);
    options.width = width;
    options.until_arrived = true;
    options.target = &bench->target;
    status = measure_subject(bench, name, &options, &result);
    target_stop(&bench->target);
    add_times(bench, name, &result.arrive_ms);
    figures_add(bench->figures, ratio(per_second(&result), bare->commits),
                "%s/of_bare_commit_rows", name);
    most = (width < open_max ? width : open_max) * 1000.0 / (delay_ms + 1e-9);
    if (delay_ms)
        figures_add(bench->figures, ratio(per_second(&result), most),
                    "%s/of_what_the_target_takes", name);
    else
        figures_add(bench->figures, ratio(per_second(&result), bare->answers),
                    "%s/of_bare_answers", name);
    if (bench->target.board->doubled != doubled)
        bench_fault(bench, name, "doubled",
                    bench->target.board->doubled - doubled);
    load_result_done(&result);
    return status;
}

/* ---- An outage ----------------------------------------------------------- */

struct outage {
    struct target *target;
    unsigned seconds;
    uint64_t begin_ns, back_ns; /* of the load; of the target's return */
    bool gone;
};

static int outage_turn(void *arg, uint64_t now_ns)
{
    struct outage *outage = arg;
    uint64_t second, lasted;

    if (!outage->begin_ns)
        outage->begin_ns = now_ns;
    second = (now_ns - outage->begin_ns) / 1000000000u;
    lasted = OUTAGE_BEFORE_S + outage->seconds;
    if (!outage->gone && second >= OUTAGE_BEFORE_S) {
        target_stop(outage->target);
        outage->gone = true;
    }
    if (outage->back_ns || second < lasted)
        return 0;
    outage->back_ns = measure_now_ns();
    return target_return(outage->target, 0);
}

/* How soon its end is noticed, and when all is there that came before it. */
static void outage_judge(struct bench *bench, const char *name,
                         const struct load_result *result, uint64_t back_ns,
                         const struct bare *bare)
{
    struct load_backlog backlog;
    double noticed_ms, gone_ms, per_second;

    load_backlog(result, bench->target.board, back_ns, &backlog);
    noticed_ms = ((double)backlog.first_ns - (double)back_ns) / 1e6;
    gone_ms = ((double)backlog.last_ns - (double)back_ns) / 1e6;
    per_second = ratio((double)backlog.count * 1e3, gone_ms - noticed_ms);
    figures_add(bench->figures, (double)backlog.count, "%s/backlog", name);
    figures_add(bench->figures, noticed_ms, "%s/noticed_ms", name);
    figures_add(bench->figures, gone_ms, "%s/backlog_gone_ms", name);
    figures_add(bench->figures, per_second, "%s/backlog_per_second", name);
    figures_add(bench->figures, ratio(per_second, bare->commits),
                "%s/of_bare_commit_rows", name);
    if (backlog.missing)
        bench_fault(bench, name, "did not arrive", backlog.missing);
    if (backlog.count < bench->outage_s * OUTAGE_PER_SECOND * 9 / 10)
        bench_fault(bench, name, "no outage: it waited only", backlog.count);
    if (!bench->count_max && gone_ms > BACKLOG_MS)
        bench_fault(bench, name, "backlog gone only after ms",
                    (unsigned long long)gone_ms);
}

/* The target refuses connections for a while; events come all the time. */
static int measure_outage(struct bench *bench, const struct bare *bare)
{
    struct outage outage = {.target = &bench->target,
                            .seconds = bench->outage_s};
    struct load_options options;
    struct load_result result;
    char name[64];
    uint64_t doubled = bench->target.board->doubled;
    int status;

    snprintf(name, sizeof(name), "outage/%us", bench->outage_s);
    if (!bench->outage_s || !bench_wants(bench, name))
        return 0;
    status = target_start(&bench->target, 0);
    if (status)
        return status;
    bench->subject.flows = "deliver";
    bench->subject.target_port = bench->target.port;
    bench->subject.open_max = 64;
    load_defaults(bench, &options);
    options.width = 64;
    options.warm_s = 0;
    options.seconds = OUTAGE_BEFORE_S + bench->outage_s + OUTAGE_AFTER_S;
    options.count_max = 0;
    options.per_second = OUTAGE_PER_SECOND;
    options.turn = outage_turn;
    options.turn_arg = &outage;
    status = measure_subject(bench, name, &options, &result);
    target_stop(&bench->target);
    if (!status)
        outage_judge(bench, name, &result, outage.back_ns, bare);
    add_times(bench, name, &result.answer_ms);
    if (bench->target.board->doubled != doubled)
        bench_fault(bench, name, "doubled",
                    bench->target.board->doubled - doubled);
    load_result_done(&result);
    return status;
}

static int measure_round(struct bench *bench)
{
    int status = 0;

    for (size_t index = 0; !status && index < WIDTH_COUNT; index++) {
        unsigned width = widths[index];
        struct bare bare;
        status = measure_bare(bench, width, &bare);
        if (!status)
            status = measure_accept(bench, NULL, width, &bare);
        if (!status)
            status = measure_accept(bench, "filter", width, &bare);
        if (!status)
            status = measure_deliver(bench, 0, 64, width, &bare);
        if (!status && width > 64)
            status = measure_deliver(bench, 0, 256, width, &bare);
        if (!status)
            status = measure_deliver(bench, 50, 64, width, &bare);
        if (!status && width > 64)
            status = measure_deliver(bench, 50, 256, width, &bare);
        if (!status && width == 64)
            status = measure_outage(bench, &bare);
    }
    return status;
}

/* ---- Starting ------------------------------------------------------------ */

/* From exec to the first 200, and what it holds then. */
static int measure_first(struct bench *bench, struct subject *subject,
                         const char *name)
{
    uint64_t begin_ns = measure_now_ns(), ready_ns;
    int code, status = subject_start(subject, &bench->subject);

    if (status)
        return status;
    ready_ns = measure_now_ns();
    while ((code = load_one(subject->port, SUBJECT_PATH)) == 503)
        usleep(1000); /* its instances are not there yet */
    if (code != 200)
        bench_fault(bench, name, "first webhook answered",
                    (unsigned long long)code);
    figures_add(bench->figures, (double)(ready_ns - begin_ns) / 1e6,
                "%s/listens_ms", name);
    figures_add(bench->figures, (double)(measure_now_ns() - begin_ns) / 1e6,
                "%s/first_accepted_ms", name);
    figures_add(bench->figures, subject_memory_mib(subject), "%s/mib", name);
    return 0;
}

/* Fill it with runs whose target does not answer, before it starts again. */
static int fill(struct bench *bench, struct subject *subject)
{
    struct load_options options;
    struct load_result result;
    int status = subject_start(subject, &bench->subject);

    if (!status)
        status = subject_wait_running(subject);
    if (status)
        return status;
    load_defaults(bench, &options);
    options.port = subject->port;
    options.width = 256;
    options.warm_s = 0;
    options.seconds = 3600;
    options.count_max = bench->waiting;
    status = load_run(&options, &result);
    printf("%llu waiting: %.0f a second\n", (unsigned long long)result.answered,
           per_second(&result));
    load_result_done(&result);
    subject_stop(subject);
    return status;
}

static int measure_start(struct bench *bench)
{
    struct subject subject;
    char name[64] = "start/cold";
    int status;

    if (!bench_wants(bench, "start"))
        return 0;
    bench->subject.flows = "deliver";
    bench->subject.target_port = target_closed_port();
    bench->subject.open_max = 64;
    status = subject_make(&subject, &bench->subject);
    for (unsigned round = 0; !status && round < bench->rounds; round++) {
        snprintf(name, sizeof(name), "start/%s", round ? "again" : "cold");
        status = measure_first(bench, &subject, name);
        subject_stop(&subject);
    }
    if (!status && bench->waiting) {
        status = fill(bench, &subject);
        snprintf(name, sizeof(name), "start/%lu_waiting", bench->waiting);
        for (unsigned round = 0; !status && round < bench->rounds; round++) {
            status = measure_first(bench, &subject, name);
            subject_stop(&subject);
        }
    }
    if (!status)
        subject_remove(&subject);
    return status;
}

/* ---- Arguments ----------------------------------------------------------- */

static const char help_text[] =
    "usage: bench [options]\n"
    "\n"
    "  --seconds S      counted time of one measurement (2)\n"
    "  --rounds N       of all measurements (3)\n"
    "  --only NAME      what begins with this: accept, deliver/50ms, start\n"
    "  --waiting N      also start with N waiting runs\n"
    "  --outage S       of the target, at 50 events a second (30); 0: none\n"
    "  --count N        a trial: N events a measurement, one round, an outage\n"
    "                   of 3 s; no time is judged\n"
    "  --json FILE      write the figures to FILE\n"
    "  --directory DIR  where the daemon's files are made (/tmp)\n"
    "  --keep           leave the daemon's files where they are\n"
    "  --connectd FILE  another daemon, to compare\n"
    "  --help           print this\n";

enum {
    OPTION_SECONDS = 256,
    OPTION_ROUNDS,
    OPTION_ONLY,
    OPTION_WAITING,
    OPTION_OUTAGE,
    OPTION_COUNT,
    OPTION_JSON,
    OPTION_DIRECTORY,
    OPTION_CONNECTD,
    OPTION_KEEP,
    OPTION_HELP
};

static const struct option options_known[] = {
    {"seconds", required_argument, NULL, OPTION_SECONDS},
    {"rounds", required_argument, NULL, OPTION_ROUNDS},
    {"only", required_argument, NULL, OPTION_ONLY},
    {"waiting", required_argument, NULL, OPTION_WAITING},
    {"outage", required_argument, NULL, OPTION_OUTAGE},
    {"count", required_argument, NULL, OPTION_COUNT},
    {"json", required_argument, NULL, OPTION_JSON},
    {"directory", required_argument, NULL, OPTION_DIRECTORY},
    {"connectd", required_argument, NULL, OPTION_CONNECTD},
    {"keep", no_argument, NULL, OPTION_KEEP},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

/* 0 to go on, else the exit code and one more. */
static int take_option(struct bench *bench, int option, const char **ret_json)
{
    switch (option) {
    case OPTION_SECONDS:
        bench->seconds = strtod(optarg, NULL);
        return 0;
    case OPTION_ROUNDS:
        bench->rounds = (unsigned)strtoul(optarg, NULL, 10);
        return 0;
    case OPTION_ONLY:
        bench->only = optarg;
        return 0;
    case OPTION_WAITING:
        bench->waiting = strtoul(optarg, NULL, 10);
        return 0;
    case OPTION_OUTAGE:
        bench->outage_s = (unsigned)strtoul(optarg, NULL, 10);
        return 0;
    case OPTION_COUNT:
        bench->count_max = strtoull(optarg, NULL, 10);
        bench->rounds = 1;
        bench->warm_s = 0;
        bench->outage_s = OUTAGE_TRIAL_S;
        return 0;
    case OPTION_JSON:
        *ret_json = optarg;
        return 0;
    case OPTION_DIRECTORY:
        bench->subject.parent = optarg;
        return 0;
    case OPTION_CONNECTD:
        bench->subject.connectd = optarg;
        return 0;
    case OPTION_KEEP:
        bench->keep = true;
        return 0;
    case OPTION_HELP:
        fputs(help_text, stdout);
        return 1;
    default:
        fputs(help_text, stderr);
        return 3;
    }
}

static int bench_all(struct bench *bench)
{
    int status = board_open(&bench->target);

    if (!status)
        status = measure_start(bench);
    for (unsigned round = 0;
         !status && round < bench->rounds &&
         (!bench->only || strncmp(bench->only, "start", 5) != 0);
         round++) {
        fprintf(stderr, "round %u of %u\n", round + 1, bench->rounds);
        status = measure_round(bench);
    }
    return status;
}

int main(int argc, char **argv)
{
    struct bench bench = {
        .subject = {.parent = "/tmp",
                    .connectd = BENCH_CONNECTD,
                    .plugins = BENCH_PLUGINS,
                    .sources = BENCH_SOURCES},
        .warm_s = 0.3,
        .seconds = 2,
        .rounds = 3,
        .outage_s = 30,
    };
    struct rlimit limit;
    const char *json = NULL;
    int option, status = 0;

    while ((option = getopt_long(argc, argv, "", options_known, NULL)) != -1) {
        status = take_option(&bench, option, &json);
        if (status)
            return status - 1;
    }
    signal(SIGPIPE, SIG_IGN);
    if (!getrlimit(RLIMIT_NOFILE, &limit)) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    bench.figures = figures_create();
    status = bench_all(&bench);
    figures_print(bench.figures);
    if (status)
        fprintf(stderr, "bench: %s\n", strerror(-status));
    if (json && figures_write(bench.figures, json))
        fprintf(stderr, "bench: %s cannot be written\n", json);
    figures_destroy(bench.figures);
    return status || bench.faults ? 1 : 0;
}
