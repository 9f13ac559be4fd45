/* main.c - arguments, signals, exit code; the daemon, its two doors and the
 * order in which they open and close.
 *
 * One idea: the doors (the listener for webhooks, the socket for people) open
 * after everything behind them is ready and close before it.  Exit codes: 0
 * stopped as asked, 1 could not start or went on, 2 wrong use.  Runs on the
 * loop thread, which is the main thread. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cjson/cJSON.h>
#include <sodium.h>
#include <uv.h>

#include "admin/api.h"
#include "admin/doctor_offline.h"
#include "admin/ingress.h"
#include "base/log.h"
#include "base/memory.h"
#include "daemon/daemon.h"
#include "net/http_server.h"

enum { DOOR_DRAIN_MS = 5000 }; /* open requests may end within this */

#define CONFIG_DEFAULT "/etc/connect/connect.json"

struct program {
    uv_loop_t loop;
    uv_signal_t term, interrupt, hangup;
    struct daemon *daemon;
    struct ingress *ingress;
    struct api *api;
    struct http_server *webhooks; /* where webhooks arrive */
    struct http_server *socket;   /* where people ask */
    unsigned doors_open;
    const char *port_file;
    bool stopping;
    int exit_code;
};

/* ---- Stopping ------------------------------------------------------------ */

static void daemon_stopped(void *arg)
{
    struct program *program = arg;

    uv_close((uv_handle_t *)&program->term, NULL);
    uv_close((uv_handle_t *)&program->interrupt, NULL);
    uv_close((uv_handle_t *)&program->hangup, NULL);
}

static void door_closed(void *arg)
{
    struct program *program = arg;

    if (--program->doors_open == 0)
        daemon_stop(program->daemon, daemon_stopped, program);
}

static void program_stop(struct program *program, int exit_code)
{
    if (program->stopping)
        return;
    program->stopping = true;
    program->exit_code = exit_code;
    if (program->ingress)
        ingress_stop(program->ingress);
    api_stop(program->api);
    program->doors_open = 1;
    if (program->webhooks) {
        program->doors_open++;
        http_server_stop(program->webhooks, DOOR_DRAIN_MS, door_closed,
                         program);
    }
    if (program->socket) {
        program->doors_open++;
        http_server_stop(program->socket, DOOR_DRAIN_MS, door_closed, program);
    }
    door_closed(program);
}

static void stop_asked(uv_signal_t *signal, int number)
{
    struct program *program = signal->data;

    if (program->stopping) {
        log_write(LOG_WARN, NULL,
                  "asked to stop again: ending at once; what "
                  "was accepted is stored");
        _exit(1);
    }
    log_write(LOG_INFO, NULL, "stopping (%s)",
              number == SIGTERM ? "SIGTERM" : "SIGINT");
    program_stop(program, 0);
}

/* ---- Reload -------------------------------------------------------------- */

/* Certificates first: a mistake in them leaves the configuration as it was, and
 * new ones fit the old configuration, which names the same files. */
static int program_reload(void *arg, daemon_registered_fn *registered,
                          void *fn_arg, struct error *ret_note,
                          struct error *err)
{
    struct program *program = arg;
    int status = http_server_reload(program->webhooks, err);

    if (!status)
        status =
            daemon_reload(program->daemon, registered, fn_arg, ret_note, err);
    if (status < 0)
        log_write(LOG_ERROR, NULL, "the configuration stays as it was: %s",
                  err->text);
    else
        log_write(LOG_INFO, NULL, "configuration reloaded%s%s",
                  ret_note->text[0] ? "; " : "", ret_note->text);
    return status;
}

static void reload_asked(uv_signal_t *signal, int number)
{
    struct program *program = signal->data;
    struct error note = {""}, err = {""};

    (void)number;
    if (!program->stopping && program->webhooks)
        (void)!program_reload(program, NULL, NULL, &note, &err);
}

/* ---- The doors ----------------------------------------------------------- */

static const struct config *current_config(void *arg)
{
    struct program *program = arg;
    struct daemon_parts parts;

    daemon_parts(program->daemon, &parts);
    return parts.config;
}

static void socket_request(void *arg, struct http_server_exchange *exchange,
                           const struct http_server_request *request)
{
    struct program *program = arg;

    api_request(program->api, exchange, request);
}

static int open_webhooks(struct program *program, const struct config *config,
                         int *ret_port, struct error *err)
{
    struct http_server_options options;
    struct http_server_listener listener = {
        .address = config->listen_address,
        .port = config->listen_port,
        .certificate_file = config->tls_certificate,
        .key_file = config->tls_key,
        .body_bytes_max = config->limits.webhook_bytes,
    };
    int status;

    http_server_options_default(&options);
    options.clock = clock_network();
    options.on_head = ingress_head;
    options.on_request = ingress_request;
    options.arg = program->ingress;
    options.connections_max = (int)config->limits.connections;
    status = http_server_create(&program->loop, &options, &program->webhooks);
    if (status) {
        error_set(err, "cannot serve webhooks: %s", strerror(-status));
        return status;
    }
    return http_server_listen(program->webhooks, &listener, ret_port, err);
}

static int give_group(const struct config *config, struct error *err)
{
    struct group *group = getgrnam(config->admin_group);

    if (group && !chown(config->admin_socket, (uid_t)-1, group->gr_gid))
        return 0;
    error_set(err, "%s: cannot be given to the group %s: %s",
              config->admin_socket, config->admin_group,
              group ? strerror(errno) : "there is no such group");
    return -EPERM;
}

static int open_socket(struct program *program, const struct config *config,
                       struct error *err)
{
    struct http_server_options options;
    struct http_server_listener listener = {
        .path = config->admin_socket,
        .mode = config->admin_group ? 0660 : 0600,
    };
    int status;

    http_server_options_default(&options);
    options.clock = clock_network();
    options.on_request = socket_request;
    options.arg = program;
    status = http_server_create(&program->loop, &options, &program->socket);
    if (status) {
        error_set(err, "cannot serve the admin socket: %s", strerror(-status));
        return status;
    }
    status = http_server_listen(program->socket, &listener, NULL, err);
    if (!status && config->admin_group)
        status = give_group(config, err);
    return status;
}

/* The port, for scripts that let the kernel choose; whole or not at all. */
static int write_port(const char *path, int port, struct error *err)
{
    char fresh[4096];
    FILE *file;
    int status = 0;

    snprintf(fresh, sizeof(fresh), "%s.new", path);
    file = fopen(fresh, "we");
    if (!file || fprintf(file, "%d\n", port) < 0)
        status = -errno;
    if (file && fclose(file))
        status = -errno;
    if (!status && rename(fresh, path))
        status = -errno;
    if (status)
        error_set(err, "%s: cannot be written: %s", path, strerror(-status));
    return status;
}

#ifdef CONNECT_TEST_CLOCK
static void clock_stepped(void *arg)
{
    struct program *program = arg;

    daemon_clock_stepped(program->daemon);
}
#endif

static int program_examine(void *arg, daemon_examined_fn *fn, void *fn_arg)
{
    struct program *program = arg;

    return daemon_examine(program->daemon, fn, fn_arg);
}

static bool program_webhook(void *arg, size_t index,
                            struct daemon_webhook *ret_webhook)
{
    struct program *program = arg;

    return daemon_webhook_at(program->daemon, index, ret_webhook);
}

static void store_committed(void *arg)
{
    struct program *program = arg;

    api_store_changed(program->api);
}

static void make_api(struct program *program, const struct daemon_parts *parts)
{
    struct api_options options = {
        .loop = &program->loop,
        .store = parts->store,
        .engine = parts->engine,
        .instances = parts->instances,
        .types = parts->types,
        .ingress = program->ingress,
        .clock = clock_system(),
        .version = CONNECT_VERSION,
        .config = current_config,
        .reload = program_reload,
        .examine = program_examine,
        .webhook = program_webhook,
#ifdef CONNECT_TEST_CLOCK
        .clock_stepped = clock_stepped,
#endif
        .arg = program,
    };

    program->api = api_create(&options);
    daemon_watch(program->daemon, store_committed, program);
}

static int open_doors(struct program *program, struct error *err)
{
    struct daemon_parts parts;
    int status, port = 0;

    daemon_parts(program->daemon, &parts);
    struct ingress_options ingress = {
        .engine = parts.engine,
        .instances = parts.instances,
        .clock = clock_network(),
        .config = current_config,
        .arg = program,
    };
    program->ingress = ingress_create(&ingress);
    make_api(program, &parts);
    status = open_webhooks(program, parts.config, &port, err);
    if (!status)
        status = open_socket(program, parts.config, err);
    if (!status && program->port_file)
        status = write_port(program->port_file, port, err);
    if (!status)
        status = daemon_register(program->daemon, NULL, NULL, err);
    if (status >= 0)
        log_write(LOG_INFO, NULL,
                  "connectd " CONNECT_VERSION " is ready: webhooks on %s:%d, "
                  "people on %s",
                  parts.config->listen_address, port,
                  parts.config->admin_socket);
    return status < 0 ? status : 0;
}

static void daemon_ready(void *arg, int status, const struct error *err)
{
    struct program *program = arg;
    struct error door_err = {""};

    if (!status) {
        status = open_doors(program, &door_err);
        err = &door_err;
    }
    if (status) {
        log_write(LOG_ERROR, NULL, "cannot start: %s", err->text);
        program_stop(program, 1);
    }
}

/* ---- Arguments ----------------------------------------------------------- */

static const char help_text[] =
    "usage: connectd [options] [CONFIG]\n"
    "\n"
    "Connects a CRM with an ERP through plugins, durably.  CONFIG is the\n"
    "configuration file, " CONFIG_DEFAULT " if not given.\n"
    "\n"
    "  -c, --check            look at the configuration, its plugins and "
    "flows;\n"
    "                         name the first mistake of each file, with line\n"
    "                         and path\n"
    "  -d, --doctor           look at what can be looked at while no daemon "
    "runs:\n"
    "                         the configuration, rights of files, disk, "
    "clock,\n"
    "                         certificates\n"
    "  -j, --json             with --doctor: as JSON\n"
    "  -r, --restore DIRECTORY\n"
    "                         put a backup in the place of what is stored, "
    "while\n"
    "                         no daemon runs; what was there is kept aside\n"
    "  -p, --port-file FILE   write the port of the webhook listener to FILE\n"
    "  -V, --version          print the version\n"
    "  -h, --help             print this\n"
    "\n"
    "SIGTERM and SIGINT stop within the configured limit, a second one at\n"
    "once; SIGHUP reads the configuration again or keeps the old one and says\n"
    "why.  Exit codes: 0 stopped as asked or nothing to complain of, 1 could\n"
    "not start or mistakes found, 2 wrong use.\n";

static void open_log(const struct config *config)
{
    bool terminal = isatty(STDERR_FILENO);
    enum log_form form = terminal ? LOG_TEXT_COLOUR : LOG_JSON;

    if (!strcmp(config->log_form, "json"))
        form = LOG_JSON;
    else if (!strcmp(config->log_form, "text"))
        form = terminal ? LOG_TEXT_COLOUR : LOG_TEXT;
    if (form == LOG_TEXT_COLOUR && getenv("NO_COLOR"))
        form = LOG_TEXT;
    log_open(STDERR_FILENO, form, config->log_level, clock_system());
}

static void watch_signals(struct program *program)
{
    uv_signal_init(&program->loop, &program->term);
    uv_signal_init(&program->loop, &program->interrupt);
    uv_signal_init(&program->loop, &program->hangup);
    program->term.data = program;
    program->interrupt.data = program;
    program->hangup.data = program;
    uv_signal_start(&program->term, stop_asked, SIGTERM);
    uv_signal_start(&program->interrupt, stop_asked, SIGINT);
    uv_signal_start(&program->hangup, reload_asked, SIGHUP);
}

static void program_free(struct program *program)
{
    http_server_destroy(program->webhooks);
    http_server_destroy(program->socket);
    ingress_destroy(program->ingress);
    api_destroy(program->api);
    daemon_destroy(program->daemon);
    uv_loop_close(&program->loop);
}

/* Connections are bounded by descriptors: take all that we may have. */
static void raise_descriptors(void)
{
    struct rlimit limit;

    if (!getrlimit(RLIMIT_NOFILE, &limit)) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int run(const char *config_path, const char *port_file)
{
    struct program program = {.port_file = port_file};
    struct error err = {""};

    raise_descriptors();
    uv_loop_init(&program.loop);
    if (daemon_create(&program.loop, config_path, &program.daemon, &err)) {
        fprintf(stderr, "connectd: %s\n", err.text);
        return 1;
    }
    open_log(current_config(&program));
    watch_signals(&program);
    daemon_start(program.daemon, daemon_ready, &program);
    uv_run(&program.loop, UV_RUN_DEFAULT);
    log_write(LOG_INFO, NULL, "stopped");
    program_free(&program);
    return program.exit_code;
}

static int check_with(const char *config_path, daemon_report_fn *report,
                      void *arg, struct daemon_found *ret_found)
{
    uv_loop_t loop;
    int mistakes;

    log_open(STDERR_FILENO, isatty(STDERR_FILENO) ? LOG_TEXT_COLOUR : LOG_TEXT,
             LOG_ERROR, clock_system());
    uv_loop_init(&loop);
    mistakes = daemon_check(&loop, config_path, report, arg, ret_found);
    uv_loop_close(&loop);
    return mistakes;
}

static void say_mistake(void *arg, const char *text)
{
    (void)arg;
    fprintf(stderr, "%s\n", text);
}

static int check(const char *config_path)
{
    struct daemon_found found = {0, 0};

    if (check_with(config_path, say_mistake, NULL, &found))
        return 1;
    printf("%zu instances and %zu flows are in order\n", found.instances,
           found.flows);
    return 0;
}

static void note_mistake(void *arg, const char *text)
{
    doctor_add(arg, "configuration", DOCTOR_FAILED, NULL,
               "Mend it, then look again.", "%s", text);
}

static int look_offline(const char *config_path, bool json)
{
    struct doctor *doctor = doctor_create();
    struct daemon_found found = {0, 0};
    int failed;

    if (!check_with(config_path, note_mistake, doctor, &found))
        doctor_add(doctor, "configuration", DOCTOR_OK, NULL, NULL,
                   "%zu instances and %zu flows are in order", found.instances,
                   found.flows);
    failed = doctor_offline(doctor, config_path, json, stdout);
    doctor_destroy(doctor);
    return failed ? 1 : 0;
}

static int doctor(const char *config_path)
{
    return look_offline(config_path, false);
}

static int doctor_json(const char *config_path)
{
    return look_offline(config_path, true);
}

static void *allocate(size_t size)
{
    return memory_grow(NULL, 1, size);
}

/* Libraries that leave something out when memory ends would make another
 * record of it: an order without a line.  They end the process instead. */
static void end_with_memory(void)
{
    cJSON_Hooks hooks = {.malloc_fn = allocate, .free_fn = free};

    cJSON_InitHooks(&hooks);
}

/* What root restored belongs to the daemon's user, as its directory does.  What
 * was there before was only moved. */
static int give_back(const char *data, struct error *err)
{
    DIR *directory = opendir(data);
    const struct dirent *entry;
    struct stat owner;
    int status = 0;

    if (!directory || fstat(dirfd(directory), &owner))
        status = -errno;
    while (!status && (entry = readdir(directory)))
        if (strcmp(entry->d_name, "..") != 0 &&
            fchownat(dirfd(directory), entry->d_name, owner.st_uid,
                     owner.st_gid, AT_SYMLINK_NOFOLLOW))
            status = -errno;
    if (directory)
        closedir(directory);
    if (status)
        error_set(err, "%s: cannot be given to its user: %s", data,
                  strerror(-status));
    return status;
}

/* Afterwards a delivery of which the backup cannot know whether it was sent is
 * asked about before anything is sent. */
static int restore(const char *backup, const char *config_path)
{
    struct config *config = NULL;
    struct error err = {""};
    char real[4096];
    int status = config_read(config_path, &config, &err);

    if (!status && !realpath(backup, real)) {
        status = -errno;
        error_set(&err, "%s: %s", backup, strerror(-status));
    }
    if (!status)
        status = store_restore(real, config->data, &err);
    if (!status && geteuid() == 0)
        status = give_back(config->data, &err);
    if (!status)
        printf(
            "%s holds the backup now; what it held before, if anything, is in "
            "before-restore-... inside it.\n"
            "Start connectd. Where it cannot know whether something was sent "
            "after the\nbackup was made, it asks the other system before it "
            "sends.\n",
            config->data);
    else
        fprintf(stderr, "connectd: %s\n", err.text);
    config_destroy(config);
    return status ? 1 : 0;
}

/* Do these options go together?  If not, it is said. */
static bool fits(const char *backup, int (*instead)(const char *config_path),
                 bool json, int files)
{
    if (backup && instead)
        fprintf(stderr, "connectd: --restore changes what is stored; it is not "
                        "given with --check or --doctor\n");
    else if (json && instead != doctor)
        fprintf(stderr, "connectd: --json goes with --doctor\n");
    else if (files > 1)
        fprintf(stderr,
                "connectd: one configuration file, not %d; try: "
                "connectd --help\n",
                files);
    else
        return true;
    return false;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"check", no_argument, NULL, 'c'},
        {"doctor", no_argument, NULL, 'd'},
        {"json", no_argument, NULL, 'j'},
        {"restore", required_argument, NULL, 'r'},
        {"port-file", required_argument, NULL, 'p'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *port_file = NULL, *backup = NULL, *config_path;
    int (*instead)(const char *config_path) = NULL;
    bool json = false;
    int letter;

    umask(0077);
    signal(SIGPIPE, SIG_IGN);
    end_with_memory();
    argv[0] = (char[]){"connectd"}; /* for what getopt says */
    while ((letter = getopt_long(argc, argv, "cdjr:p:Vh", options, NULL)) !=
           -1) {
        switch (letter) {
        case 'c':
            instead = check;
            break;
        case 'd':
            instead = doctor;
            break;
        case 'j':
            json = true;
            break;
        case 'r':
            backup = optarg;
            break;
        case 'p':
            port_file = optarg;
            break;
        case 'V':
            printf("connectd " CONNECT_VERSION "\n");
            return 0;
        case 'h':
            fputs(help_text, stdout);
            return 0;
        default:
            fprintf(stderr, "try: connectd --help\n");
            return 2;
        }
    }
    if (!fits(backup, instead, json, argc - optind))
        return 2;
    if (json)
        instead = doctor_json;
    if (sodium_init() < 0) {
        fprintf(stderr, "connectd: no random numbers on this machine\n");
        return 1;
    }
    config_path = optind < argc ? argv[optind] : CONFIG_DEFAULT;
    if (backup)
        return restore(backup, config_path);
    return instead ? instead(config_path) : run(config_path, port_file);
}
