/* world.c - the harness of the rogue tests.
 *
 * The HTTP client is this file: it defines the functions of http_client.h that
 * the bridge calls, so the library's own are never linked.  Waiting is running
 * the loop until something holds, with an end after which the test fails. */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"

enum { WAIT_MS = 30 * 1000, TICK_MS = 2 };

/* ---- HTTP --------------------------------------------------------------- */

struct request {
    uv_timer_t timer; /* first */
    struct world_answer answer;
    http_answer_fn fn;
    void *arg;
    uint64_t id;
    struct request *next;
};

static struct request *open_requests;
static uint64_t request_last;

static void request_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void request_answer(uv_timer_t *timer)
{
    struct request *request = timer->data, **at = &open_requests;
    cn_header header = {CN_STR("X-Peer"), CN_STR("yes")};
    struct http_answer answer = {.id = request->id,
                                 .code = request->answer.code,
                                 .failure = request->answer.failure,
                                 .sent = request->answer.sent,
                                 .answered = request->answer.answered,
                                 .headers = &header,
                                 .header_count = 1,
                                 .body = CN_STR("peer"),
                                 .message = "the peer's words"};

    while (*at != request)
        at = &(*at)->next;
    *at = request->next;
    request->fn(request->arg, &answer);
    uv_close((uv_handle_t *)timer, request_closed);
}

int http_client_send(struct http_client *client,
                     const struct http_client_request *sent, http_answer_fn fn,
                     void *arg, uint64_t *ret_id)
{
    struct world *world = (struct world *)client;
    struct request *request = memory_zero(1, sizeof(*request));
    size_t index = world->request_count++;

    if (index >= world->answer_count)
        index = world->answer_count - 1;
    assert_true(world->answer_count > 0);
    assert_string_equal(sent->url, "http://example.test/");
    if (sent->credential_count)
        snprintf(world->credential, sizeof(world->credential), "%d %.*s",
                 sent->credentials[0].kind, (int)sent->credentials[0].value.len,
                 sent->credentials[0].value.ptr);
    request->answer = world->answers[index];
    request->fn = fn;
    request->arg = arg;
    request->id = *ret_id = ++request_last;
    request->next = open_requests;
    open_requests = request;
    request->timer.data = request;
    assert_int_equal(uv_timer_init(&world->loop, &request->timer), 0);
    assert_int_equal(uv_timer_start(&request->timer, request_answer,
                                    request->answer.hang ? WAIT_MS : 0, 0),
                     0);
    return 0;
}

void http_client_cancel(struct http_client *client, uint64_t id)
{
    (void)client;
    for (struct request *request = open_requests; request;
         request = request->next) {
        if (request->id != id)
            continue;
        request->answer.code = 0;
        request->answer.failure = HTTP_FAILURE_CANCELLED;
        request->answer.answered = false;
        (void)uv_timer_start(&request->timer, request_answer, 0, 0);
    }
}

static void ticked(uv_timer_t *timer)
{
    (void)timer;
}

/* ---- The world ---------------------------------------------------------- */

static void world_changed(void *arg, const char *name)
{
    struct world *world = arg;

    (void)name;
    world->changed_count++;
}

void world_open(struct world *world, uint32_t operation_ms, uint32_t stuck_ms)
{
    struct instances_options options = {.loop = &world->loop,
                                        .operation_ms = operation_ms,
                                        .stuck_ms = stuck_ms,
                                        .http = (struct http_client *)world,
                                        .changed = world_changed,
                                        .arg = world};
    static const struct world_answer fine = {
        .code = 200, .sent = true, .answered = true};
    struct error err = {""};

    memset(world, 0, sizeof(*world));
    world->answers = &fine;
    world->answer_count = 1;
    assert_int_equal(uv_loop_init(&world->loop), 0);
    assert_int_equal(uv_timer_init(&world->loop, &world->ticker), 0);
    assert_int_equal(uv_timer_start(&world->ticker, ticked, TICK_MS, TICK_MS),
                     0);
    world->types = record_types_create();
    if (record_types_load(world->types, ROGUE_RECORDS, &err))
        fail_msg("%s", err.text);
    options.types = world->types;
    options.public_address = "https://connect.example.test";
    if (instances_create(&options, &world->instances, &err))
        fail_msg("%s", err.text);
}

static void world_stopped(void *arg)
{
    struct world *world = arg;

    world->stopped = true;
}

void world_turn(struct world *world)
{
    for (int turn = 0; turn < 5; turn++)
        (void)uv_run(&world->loop, UV_RUN_ONCE);
}

#define WAIT_UNTIL(world, condition)                                           \
    do {                                                                       \
        uint64_t began_ns = uv_hrtime();                                       \
        while (!(condition)) {                                                 \
            (void)uv_run(&(world)->loop, UV_RUN_ONCE);                         \
            if ((uv_hrtime() - began_ns) / 1000000 > WAIT_MS)                  \
                fail_msg("waited too long for " #condition);                   \
        }                                                                      \
    } while (0)

void world_close(struct world *world)
{
    instances_stop(world->instances, 1000, world_stopped, world);
    WAIT_UNTIL(world, world->stopped);
    instances_destroy(world->instances);
    uv_close((uv_handle_t *)&world->ticker, NULL);
    while (uv_run(&world->loop, UV_RUN_DEFAULT))
        ;
    assert_int_equal(uv_loop_close(&world->loop), 0);
    record_types_destroy(world->types);
}

enum instance_state world_state(struct world *world, const char *name)
{
    const struct instance_info *info = instances_find(world->instances, name);

    assert_non_null(info);
    return info->state;
}

void world_wait_state(struct world *world, const char *name,
                      enum instance_state state)
{
    WAIT_UNTIL(world, world_state(world, name) == state);
}

int world_try_add(struct world *world, const char *name, const char *plugin,
                  struct error *err)
{
    char path[1024];
    cJSON *config = cJSON_Parse("{\"colour\": \"red\"}");
    const struct op_value values[] = {{"before", CN_STR("then")}};
    struct config_instance instance = {.name = name,
                                       .plugin = path,
                                       .config = config,
                                       .path_secret = "s3cret",
                                       .rate = world->rate,
                                       .place = "connect.json:7"};
    int status;

    setenv("ROGUE_TOKEN", "sesame-open", 1);
    cJSON_AddStringToObject(config, "token", "env:ROGUE_TOKEN");
    snprintf(path, sizeof(path), "%s/%s.so", ROGUE_PLUGINS, plugin);
    status = instances_add(world->instances, &instance, values, 1, err);
    cJSON_Delete(config);
    return status;
}

void world_add(struct world *world, const char *name, const char *plugin)
{
    struct error err = {""};

    if (world_try_add(world, name, plugin, &err))
        fail_msg("%s", err.text);
    WAIT_UNTIL(world, world_state(world, name) != INSTANCE_STARTING);
}

static void text_keep(char *to, size_t size, cn_str text)
{
    snprintf(to, size, "%.*s", (int)text.len, text.len ? text.ptr : "");
}

static void world_ended(void *arg, uint64_t op,
                        const struct op_outcome *outcome)
{
    struct world_result *result = arg;

    assert_true(op > 0);
    result->count++;
    result->outcome = *outcome;
    snprintf(result->message, WORLD_TEXT, "%s", outcome->message);
    text_keep(result->body, WORLD_TEXT, outcome->body);
    text_keep(result->cursor, WORLD_TEXT, outcome->cursor);
    result->record_count = outcome->record_count;
    result->value_count = outcome->value_count;
    for (size_t index = 0;
         index < outcome->record_count && index < WORLD_RECORDS; index++) {
        text_keep(result->ids[index], 64, outcome->records[index].id);
        text_keep(result->bodies[index], 128, outcome->records[index].body);
    }
}

int world_start(struct world *world, const struct op_request *request,
                struct world_result *result)
{
    struct error err = {""};
    uint64_t op;

    memset(result, 0, sizeof(*result));
    return instances_start(world->instances, request, world_ended, result, &op,
                           &err);
}

void world_deliver(struct world *world, const char *instance, const char *key,
                   struct world_result *result)
{
    struct op_request request = {.kind = OP_DELIVER,
                                 .instance = instance,
                                 .record = {.size = sizeof(cn_record),
                                            .type = "item/1",
                                            .id = CN_STR("id-1"),
                                            .key = {key, strlen(key)},
                                            .body = CN_STR("{\"name\":\"x\"}"),
                                            .attempt = 1}};

    assert_int_equal(world_start(world, &request, result), 0);
}

void world_wait(struct world *world, struct world_result *result)
{
    WAIT_UNTIL(world, result->count > 0);
}

static int log_file = -1;
static off_t log_begin;

void world_log_open(void)
{
    if (log_file < 0) {
        log_file = memfd_create("log", MFD_CLOEXEC);
        assert_true(log_file >= 0);
        log_open(log_file, LOG_JSON, LOG_DEBUG, NULL);
    }
    log_begin = lseek(log_file, 0, SEEK_END);
}

size_t world_log_count(const char *text)
{
    off_t end = lseek(log_file, 0, SEEK_END);
    size_t len = (size_t)(end - log_begin), count = 0;
    char *bytes = memory_zero(len + 1, 1), *at = bytes;

    assert_int_equal(pread(log_file, bytes, len, log_begin), (ssize_t)len);
    while ((at = strstr(at, text))) {
        at += strlen(text);
        count++;
    }
    free(bytes);
    return count;
}

void world_neighbour_works(struct world *world, const char *name)
{
    struct world_result result;

    WAIT_UNTIL(world, world_state(world, name) == INSTANCE_RUNNING);
    world_deliver(world, name, "", &result);
    world_wait(world, &result);
    assert_int_equal(result.outcome.status, CN_OK);
    assert_string_equal(result.body, "{\"number\": \"A-1\"}");
}
