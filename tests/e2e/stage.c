/* stage.c - one play: its directory, its programs, their clocks.
 *
 * One idea: a stage is whole or the test has failed; what was started is known
 * to the stage from the moment it runs, so that stage_teardown finds it. Called
 * on the test's main thread. */
#include "stage_life.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

enum {
    POLL_MS = 3,
    STOP_MS = 60000,   /* more than any drain limit of a test */
    PORT_LOW = 10000,  /* below what the kernel gives out by itself, so */
    PORT_HIGH = 30000, /* that nobody gets it while the daemon is down */
    PORT_TRIES = 200,
    LOG_SHOWN = 6000, /* bytes of the end, when a test fails */
    CTL_ARGUMENTS_MAX = 16,
    CTL_MS = 20000,
    REMOVE_DEPTH = 16
};

static struct stage *stage_up; /* the one of the running test */

/* ---- Failing ------------------------------------------------------------- */

static void show_end(const struct stage *stage, const char *name)
{
    char path[STAGE_PATH_MAX + 40];
    size_t len = 0;
    char *text;

    snprintf(path, sizeof(path), "%s/%s", stage->directory, name);
    text = process_read_file(path, &len);
    if (text && len)
        fprintf(stderr, "---- the end of %s:\n%s\n", name,
                text + (len > LOG_SHOWN ? len - LOG_SHOWN : 0));
    free(text);
}

char *stage_text(const char *format, va_list arguments)
{
    char *text = NULL;

    if (vasprintf(&text, format, arguments) < 0)
        abort();
    return text;
}

void stage_fail(struct stage *stage, const char *format, ...)
{
    va_list arguments;
    char *text;

    (void)stage;
    va_start(arguments, format);
    text = stage_text(format, arguments);
    va_end(arguments);
    fprintf(stderr, "stage: %s\n", text);
    free(text);
    fail();
    abort(); /* fail never comes back */
}

/* ---- Files --------------------------------------------------------------- */

static void path_in(const struct stage *stage, const char *name,
                    char path[STAGE_PATH_MAX + 80])
{
    snprintf(path, STAGE_PATH_MAX + 80, "%s/%s", stage->directory, name);
}

void stage_write(struct stage *stage, const char *name, const char *text)
{
    char path[STAGE_PATH_MAX + 80];
    size_t len = strlen(text);
    int file;

    path_in(stage, name, path);
    file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0 || write(file, text, len) != (ssize_t)len)
        stage_fail(stage, "%s: %s", path, strerror(errno));
    close(file);
}

static void copy_flow(struct stage *stage)
{
    char *text = process_read_file(
        CONNECT_SOURCE_DIR "/config/flows/won-deal-to-sales-order.json", NULL);

    stage_must(stage, text);
    stage_write(stage, "flows/won-deal-to-sales-order.json", text);
    free(text);
}

static int remove_one(const char *path, const struct stat *about, int type,
                      struct FTW *walk)
{
    (void)about;
    (void)type;
    (void)walk;
    return remove(path);
}

static void random_text(char *text, size_t len)
{
    unsigned char bytes[64];

    if (getrandom(bytes, len, 0) != (ssize_t)len)
        abort();
    for (size_t at = 0; at < len; at++)
        text[at] = "abcdefghijklmnopqrstuvwxyz234567"[bytes[at] % 32];
    text[len] = '\0';
}

static void make_directories(struct stage *stage)
{
    static const char *const names[] = {"data", "secrets", "flows"};
    char path[STAGE_PATH_MAX + 80];

    snprintf(stage->directory, sizeof(stage->directory),
             "/tmp/connect-e2e.XXXXXX");
    stage_must(stage, mkdtemp(stage->directory));
    for (size_t at = 0; at < sizeof(names) / sizeof(*names); at++) {
        path_in(stage, names[at], path);
        stage_must(stage, !mkdir(path, 0700));
    }
    snprintf(stage->socket, sizeof(stage->socket), "%s/admin.sock",
             stage->directory);
    random_text(stage->token, 32);
    random_text(stage->path_secret, 32);
    stage_write(stage, "secrets/streak.key", "sandbox-streak-key");
    stage_write(stage, "secrets/streak.token", stage->token);
    stage_write(stage, "secrets/streak.path", stage->path_secret);
    stage_write(stage, "secrets/syspro.password", "s3cret+1");
    copy_flow(stage);
}

/* ---- Configuration ------------------------------------------------------- */

static void merge(struct stage *stage, cJSON *object, const char *text)
{
    cJSON *more = text ? cJSON_Parse(text) : NULL;

    stage_must(stage, !text || more);
    while (more && more->child) {
        cJSON *item = cJSON_DetachItemViaPointer(more, more->child);
        cJSON_DeleteItemFromObjectCaseSensitive(object, item->string);
        cJSON_AddItemToObject(object, item->string, item);
    }
    cJSON_Delete(more);
}

static cJSON *streak_webhooks(const struct stage *stage)
{
    static const char *const events[] = {"BOX_CREATE", "BOX_EDIT",
                                         "BOX_CHANGE_STAGE"};
    cJSON *list = cJSON_CreateArray();

    for (size_t at = 0; at < sizeof(events) / sizeof(*events); at++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "event", events[at]);
        cJSON_AddStringToObject(item, "scope", stage->pipeline);
        cJSON_AddItemToArray(list, item);
    }
    return list;
}

static cJSON *streak_instance(struct stage *stage)
{
    cJSON *instance = cJSON_CreateObject(), *config, *rate;
    char address[STAGE_TEXT_MAX];

    snprintf(address, sizeof(address), "http://127.0.0.1:%u/api",
             stage->streak_base);
    cJSON_AddStringToObject(instance, "plugin", "streak.so");
    cJSON_AddStringToObject(instance, "path_secret",
                            "file:secrets/streak.path");
    if (!stage->options.no_registrations)
        cJSON_AddItemToObject(instance, "webhooks", streak_webhooks(stage));
    config = cJSON_AddObjectToObject(instance, "config");
    cJSON_AddStringToObject(config, "base_url", address);
    cJSON_AddStringToObject(config, "api_key", "file:secrets/streak.key");
    cJSON_AddStringToObject(config, "webhook_token",
                            "file:secrets/streak.token");
    merge(stage, config, stage->options.streak);
    rate = cJSON_AddObjectToObject(instance, "rate");
    cJSON_AddNumberToObject(rate, "per_second", 0);
    return instance;
}

static cJSON *syspro_instance(struct stage *stage)
{
    cJSON *instance = cJSON_CreateObject(), *config;
    char address[STAGE_TEXT_MAX];

    snprintf(address, sizeof(address),
             "http://127.0.0.1:%u/SYSPROWCFService/Rest", stage->syspro_base);
    cJSON_AddStringToObject(instance, "plugin", "syspro.so");
    config = cJSON_AddObjectToObject(instance, "config");
    cJSON_AddStringToObject(config, "base_url", address);
    cJSON_AddStringToObject(config, "operator", "CRMLINK");
    cJSON_AddStringToObject(config, "operator_password",
                            "file:secrets/syspro.password");
    cJSON_AddStringToObject(config, "company", "EDU1");
    merge(stage, config,
          "{\"customer_key\":{\"kind\":\"numeric\",\"length\":15},"
          "\"order_key\":{\"kind\":\"numeric\",\"length\":15}}");
    if (!stage->options.refuse_duplicates)
        merge(stage, config,
              "{\"order_parameters\":{\"AllowDuplicateOrderNumbers\":\"Y\","
              "\"CheckForCustomerPoNumbers\":\"N\"}}");
    merge(stage, config, stage->options.syspro);
    return instance;
}

void stage_configure(struct stage *stage, const struct stage_options *options)
{
    cJSON *config = cJSON_CreateObject(), *part;
    char address[STAGE_TEXT_MAX];
    char *text;

    if (options)
        stage->options = *options;
    snprintf(address, sizeof(address), "http://127.0.0.1:%u", stage->port);
    cJSON_AddStringToObject(config, "data", "data");
    cJSON_AddStringToObject(config, "records",
                            CONNECT_SOURCE_DIR "/config/records");
    cJSON_AddStringToObject(config, "flows", "flows");
    cJSON_AddStringToObject(config, "plugins", CONNECT_BUILD_DIR "/plugins");
    part = cJSON_AddObjectToObject(config, "listen");
    cJSON_AddStringToObject(part, "address", "127.0.0.1");
    cJSON_AddNumberToObject(part, "port", stage->port);
    cJSON_AddStringToObject(config, "public_address", address);
    part = cJSON_AddObjectToObject(config, "admin");
    cJSON_AddStringToObject(part, "socket", "admin.sock");
    part = cJSON_AddObjectToObject(config, "log");
    cJSON_AddStringToObject(
        part, "level", stage->options.level ? stage->options.level : "debug");
    cJSON_AddStringToObject(part, "form", "json");
    part = cJSON_AddObjectToObject(config, "limits");
    merge(stage, part, stage->options.limits);
    part = cJSON_AddObjectToObject(config, "instances");
    cJSON_AddItemToObject(part, "streak", streak_instance(stage));
    cJSON_AddItemToObject(part, "syspro", syspro_instance(stage));
    text = cJSON_Print(config);
    stage_write(stage, "connect.json", text);
    cJSON_free(text);
    cJSON_Delete(config);
}

/* A port that nobody has, for an address that must be known before. */
static unsigned free_port(struct stage *stage)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    for (int tries = 0; tries < PORT_TRIES; tries++) {
        int test = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        unsigned number;
        bool is_free;
        stage_must(stage, getrandom(&number, sizeof(number), 0) > 0);
        number = PORT_LOW + number % (PORT_HIGH - PORT_LOW);
        address.sin_port = htons((uint16_t)number);
        is_free = !bind(test, (struct sockaddr *)&address, sizeof(address));
        close(test);
        if (is_free)
            return number;
    }
    stage_fail(stage, "no free port");
}

/* ---- Programs ------------------------------------------------------------ */

static unsigned read_port_file(const struct stage *stage, const char *name)
{
    char path[STAGE_PATH_MAX + 80];
    char *text;
    unsigned port = 0;

    path_in(stage, name, path);
    text = process_read_file(path, NULL);
    if (text && strchr(text, '\n'))
        port = (unsigned)strtoul(text, NULL, 10);
    free(text);
    return port;
}

static unsigned await_port(struct stage *stage, struct process *process,
                           const char *name)
{
    int64_t until = process_now_ms() + STAGE_READY_MS;
    unsigned port;

    while (!(port = read_port_file(stage, name))) {
        if (!process_runs(process))
            stage_fail(stage, "%s: the program ended with %d", name,
                       process->exit_code);
        if (process_now_ms() > until)
            stage_fail(stage, "%s was not written in %d ms", name,
                       STAGE_READY_MS);
        process_nap(POLL_MS);
    }
    return port;
}

static void start_simulator(struct stage *stage, struct process *process,
                            const char *name, unsigned *ret_base,
                            unsigned *ret_control)
{
    char program[4096], port[STAGE_PATH_MAX + 80], control[sizeof(port)];
    char ledger[sizeof(port)], log[sizeof(port)], file[64];
    const char *arguments[] = {
        program, "--port",   "0",    "--port-file", port, "--control-port-file",
        control, "--ledger", ledger, NULL};

    snprintf(program, sizeof(program), "%s/sdk/sandbox/%s-sim",
             CONNECT_BUILD_DIR, name);
    snprintf(file, sizeof(file), "%s.port", name);
    path_in(stage, file, port);
    snprintf(file, sizeof(file), "%s.control", name);
    path_in(stage, file, control);
    snprintf(file, sizeof(file), "%s.ledger", name);
    path_in(stage, file, ledger);
    snprintf(file, sizeof(file), "%s.log", name);
    path_in(stage, file, log);
    stage_must(stage, !process_start(process, log, arguments));
    snprintf(file, sizeof(file), "%s.port", name);
    *ret_base = await_port(stage, process, file);
    snprintf(file, sizeof(file), "%s.control", name);
    *ret_control = await_port(stage, process, file);
}

static void read_pipeline(struct stage *stage)
{
    cJSON *world = stage_get(stage, STREAK, "/_sim/world?boxes=0");
    const cJSON *pipeline =
        cJSON_GetObjectItemCaseSensitive(world, "pipelines")->child;

    snprintf(stage->pipeline, sizeof(stage->pipeline), "%s",
             stage_member(pipeline, "key"));
    stage_must(stage, stage->pipeline[0]);
    cJSON_Delete(world);
}

/* What people write about a firm, with a canary in it: no log and no list may
 * have it. */
static void plant_canaries(struct stage *stage)
{
    static const char *const headers[] = {
        /* sandbox-streak-key and an empty password */
        "Authorization: Basic c2FuZGJveC1zdHJlYWsta2V5Og==",
        "Content-Type: application/json", NULL};
    char url[STAGE_TEXT_MAX * 2];
    struct web_request request = {
        .url = url,
        .headers = headers,
        .body = "{\"phoneNumbers\":[\"" STAGE_CANARY "phone\"],"
                "\"addresses\":[\"" STAGE_CANARY "street 1\"],"
                "\"other\":\"" STAGE_CANARY "other\"}"};
    cJSON *world = stage_get(stage, STREAK, "/_sim/world?boxes=0");
    const cJSON *firm;

    cJSON_ArrayForEach(firm,
                       cJSON_GetObjectItemCaseSensitive(world, "organizations"))
    {
        struct web_answer answer;
        snprintf(url, sizeof(url),
                 "http://127.0.0.1:%u/api/v2/organizations/%s",
                 stage->streak_base, firm->valuestring);
        answer = web_call(stage->web, &request);
        stage_must(stage, answer.status / 100 == 2);
        web_answer_end(&answer);
    }
    cJSON_Delete(world);
    stage_tell(stage, SYSPRO, "/_sim/customers",
               "{\"customer\":\"0001207\",\"short_name\":\"" STAGE_CANARY
               "\",\"email\":\"" STAGE_CANARY "@example.test\"}");
    stage->canary = STAGE_CANARY;
}

struct stage *stage_prepare(const struct stage_options *options)
{
    struct stage *stage = memory_zero(1, sizeof(*stage));

    stage_up = stage;
    if (options)
        stage->options = *options;
    stage->web = web_create();
    stage->sent = cJSON_CreateArray();
    make_directories(stage);
    start_simulator(stage, &stage->streak, "streak", &stage->streak_base,
                    &stage->streak_port);
    start_simulator(stage, &stage->syspro, "syspro", &stage->syspro_base,
                    &stage->syspro_port);
    read_pipeline(stage);
    plant_canaries(stage);
    /* As fast as it goes, and sent again until it is taken. */
    stage_tell(stage, STREAK, "/_sim/options", "{\"rate\":0}");
    stage_tell(stage, STREAK, "/_sim/webhooks",
               "{\"delay_ms\":1,\"spread_ms\":0,\"connections\":16,"
               "\"tries\":1000,\"retry_waits_ms\":[20,50,100,200]}");
    if (!stage->options.refuse_duplicates)
        stage_tell(stage, SYSPRO, "/_sim/company",
                   "{\"options\":{\"duplicate_po_refused\":false}}");
    stage->port = free_port(stage);
    stage_configure(stage, NULL);
    return stage;
}

void stage_launch(struct stage *stage)
{
    char config[STAGE_PATH_MAX + 80], port[sizeof(config)], log[sizeof(config)];
    const char *arguments[] = {CONNECT_BUILD_DIR "/core/connectd",
                               "--port-file", port, config, NULL};

    path_in(stage, "connect.json", config);
    path_in(stage, "connectd.port", port);
    path_in(stage, "connectd.log", log);
    unlink(port);
    stage->launches++;
    stage_must(stage, !process_start(&stage->connectd, log, arguments));
}

static bool registered(struct stage *stage, void *arg)
{
    cJSON *told = stage_get(stage, STREAK, "/_sim/webhooks");
    int count = cJSON_GetArraySize(
        cJSON_GetObjectItemCaseSensitive(told, "registrations"));

    (void)arg;
    cJSON_Delete(told);
    return count >= 3;
}

void stage_await(struct stage *stage)
{
    await_port(stage, &stage->connectd, "connectd.port");
    cJSON_Delete(stage_get(stage, ADMIN, "/v1/status"));
}

void stage_start(struct stage *stage)
{
    stage_launch(stage);
    stage_await(stage);
}

struct stage *stage_begin(const struct stage_options *options)
{
    struct stage *stage = stage_prepare(options);

    stage_start(stage);
    if (!stage->options.no_registrations)
        stage_until(stage, STAGE_READY_MS, "the webhooks to be registered",
                    registered, NULL);
    return stage;
}

void stage_kill(struct stage *stage)
{
    if (!process_runs(&stage->connectd))
        stage_fail(stage, "connectd ended by itself with %d",
                   stage->connectd.exit_code);
    process_end(&stage->connectd);
    stage->kills++;
}

void stage_stop(struct stage *stage)
{
    process_signal(&stage->connectd, SIGTERM);
    if (!process_wait(&stage->connectd, STOP_MS))
        stage_fail(stage, "connectd did not stop in %d ms", STOP_MS);
    if (stage->connectd.exit_code)
        stage_fail(stage, "connectd stopped with %d",
                   stage->connectd.exit_code);
}

void stage_step(struct stage *stage, int64_t ms)
{
    stage_tell(stage, ADMIN, "/v1/test/clock", "{\"advance_ms\":%lld}",
               (long long)ms);
    stage_tell(stage, STREAK, "/_sim/clock", "{\"advance_ms\":%lld}",
               (long long)ms);
    stage_tell(stage, SYSPRO, "/_sim/clock", "{\"advance_ms\":%lld}",
               (long long)ms);
}

char *stage_log(struct stage *stage)
{
    char path[STAGE_PATH_MAX + 80];
    char *text;

    path_in(stage, "connectd.log", path);
    text = process_read_file(path, NULL);
    stage_must(stage, text);
    return text;
}

int stage_ctl(struct stage *stage, char **ret_text, ...)
{
    const char *arguments[CTL_ARGUMENTS_MAX] = {CONNECT_BUILD_DIR
                                                "/core/ctl/connectctl"};
    size_t count = 1;
    va_list more;

    va_start(more, ret_text);
    while (count + 1 < CTL_ARGUMENTS_MAX &&
           (arguments[count] = va_arg(more, const char *)))
        count++;
    va_end(more);
    setenv("CONNECT_SOCKET", stage->socket, 1);
    return process_output(arguments, CTL_MS, ret_text);
}

/* ---- The end ------------------------------------------------------------- */

void stage_passed(struct stage *stage)
{
    stage->passed = true;
}

int stage_teardown(void **state)
{
    struct stage *stage = stage_up;

    (void)state;
    stage_up = NULL;
    if (!stage)
        return 0;
    process_end(&stage->connectd);
    process_end(&stage->streak);
    process_end(&stage->syspro);
    if (!stage->passed) {
        show_end(stage, "streak.log");
        show_end(stage, "syspro.log");
        show_end(stage, "connectd.log");
    }
    if (getenv("CONNECT_KEEP"))
        fprintf(stderr, "kept: %s\n", stage->directory);
    else if (stage->directory[0])
        nftw(stage->directory, remove_one, REMOVE_DEPTH, FTW_DEPTH | FTW_PHYS);
    web_destroy(stage->web);
    cJSON_Delete(stage->sent);
    free(stage);
    return 0;
}
