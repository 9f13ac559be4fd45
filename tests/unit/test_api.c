/* links: connect_admin */
/* The admin API over a real store and engine, asked through a real unix socket;
 * instances are played by this file.  Every reply is held against openapi.json,
 * and at the end all of openapi.json must have been seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "../e2e/openapi_check/openapi.h"
#include "admin/api.h"
#include "admin/api_routes.h"
#include "base/buf.h"
#include "base/memory.h"

enum {
    OPS_MAX = 64,
    ROUNDS_MAX = 200000, /* of the loop, for one answer */
    REPLY_BYTES_MAX = 20 * 1024 * 1024,
    BIG = 300 * 1024 /* a payload too large to be shown */
};

struct instances { /* played here, see the functions below */
    const struct schema *deal;
    struct instance_info info;
    op_ended_fn *check_fn;
    void *check_arg;
    int check_status;
    enum op_kind check_kind;
    char received[256];   /* what was handed over again */
    bool check_by_itself; /* ends with the outcome below */
    cn_status check_outcome;
};

struct open_op {
    enum op_kind kind;
    op_ended_fn *fn;
    void *arg;
};

struct world {
    char directory[64], socket[96];
    int64_t now_ms;
    struct clock clock;
    uv_loop_t loop;
    struct store *store;
    struct record_types *types;
    struct engine *engine;
    struct instances instances;
    struct config config;
    struct http_server *server;
    struct api *api;
    struct ingress *ingress;
    struct open_op ops[OPS_MAX];
    size_t op_count;
    uint64_t next_op;
    int reload_status;
    daemon_registered_fn *registered; /* of the last reload */
    void *registered_arg;
    int mistakes; /* of the configuration on disk */
    bool server_stopped, stepped;
    /* the last reply */
    int status;
    char *text, *head;
    cJSON *reply;
};

static struct openapi openapi; /* marks of all tests gather here */

/* ---- Instances, played --------------------------------------------------- */

bool instances_info(const struct instances *instances, size_t index,
                    struct instance_info *ret_info)
{
    if (index == 0)
        *ret_info = instances->info;
    return index == 0;
}

const struct instance_info *instances_find(const struct instances *instances,
                                           const char *name)
{
    return strcmp(name, "crm") ? NULL : &instances->info;
}

int instances_action(const struct instances *instances, const char *instance,
                     const char *action, const struct schema **ret_request,
                     const struct schema **ret_response)
{
    (void)instance;
    *ret_request = NULL;
    *ret_response = instances->deal;
    return strcmp(action, "read_deal") ? -ENOENT : 0;
}

int instances_start(struct instances *instances,
                    const struct op_request *request, op_ended_fn *fn,
                    void *arg, uint64_t *ret_op, struct error *err)
{
    (void)err;
    if (strcmp(request->instance, "crm") != 0)
        return -ENOENT;
    assert_true(request->kind == OP_CHECK || request->kind == OP_RECEIVE);
    if (request->kind == OP_RECEIVE) {
        assert_string_equal(request->action, "kept");
        snprintf(instances->received, sizeof(instances->received), "%.*s",
                 (int)request->body.len, request->body.ptr);
    }
    instances->check_kind = request->kind;
    instances->check_fn = fn;
    instances->check_arg = arg;
    *ret_op = 1;
    return instances->check_status;
}

/* ---- The world ----------------------------------------------------------- */

static int64_t world_now(void *arg)
{
    return ((struct world *)arg)->now_ms;
}

static int world_op_start(void *arg, const struct op_request *request,
                          op_ended_fn *fn, void *fn_arg, uint64_t *ret_op,
                          struct error *err)
{
    struct world *world = arg;

    (void)err;
    assert_true(world->op_count < OPS_MAX);
    world->ops[world->op_count++] = (struct open_op){request->kind, fn, fn_arg};
    *ret_op = ++world->next_op;
    return 0;
}

static void world_op_cancel(void *arg, uint64_t op)
{
    (void)arg, (void)op;
}

static bool (*op_known)(void *arg, const char *instance);

static bool world_op_known(void *arg, const char *instance)
{
    return !op_known || op_known(arg, instance);
}

static uint32_t world_op_room(void *arg, const char *instance)
{
    (void)arg, (void)instance;
    return 4;
}

static int world_jq(void *arg, const char *program, const char *input,
                    size_t len, ports_jq_fn *fn, void *fn_arg)
{
    (void)arg, (void)program, (void)input, (void)len, (void)fn, (void)fn_arg;
    return -1;
}

static void world_wake_at(void *arg, int64_t steady_ms)
{
    (void)arg, (void)steady_ms;
}

static uint64_t world_random(void *arg)
{
    (void)arg;
    return 12345;
}

static const struct config *world_config(void *arg)
{
    return &((struct world *)arg)->config;
}

static int world_reload(void *arg, daemon_registered_fn *registered,
                        void *fn_arg, struct error *ret_note, struct error *err)
{
    struct world *world = arg;

    world->registered = registered;
    world->registered_arg = fn_arg;

    error_set(ret_note, "the port takes a restart");
    error_set(err, "connect.json:3: /listen/port: must be a number");
    return world->reload_status;
}

static int world_examine(void *arg, daemon_examined_fn *fn, void *fn_arg)
{
    struct world *world = arg;
    struct buf text;

    buf_init(&text, 10000);
    for (int index = 1; index <= world->mistakes; index++)
        buf_printf(&text, "mistake %d\n", index);
    fn(fn_arg, world->mistakes, text.len ? text.data : "");
    buf_done(&text);
    return 0;
}

static bool world_webhook(void *arg, size_t index,
                          struct daemon_webhook *ret_webhook)
{
    (void)arg, (void)index, (void)ret_webhook;
    return false;
}

#ifdef CONNECT_TEST_CLOCK
static void world_stepped(void *arg)
{
    ((struct world *)arg)->stepped = true;
}
#endif

static void world_request(void *arg, struct http_server_exchange *exchange,
                          const struct http_server_request *request)
{
    api_request(((struct world *)arg)->api, exchange, request);
}

static void settle(struct world *world)
{
    for (int round = 0; round < 50; round++)
        store_drain(world->store);
}

static const char flow_won[] =
    "{\"flow\":\"won\",\"title\":\"A won deal\",\"trigger\":{\"instance\":"
    "\"crm\",\"type\":\"box_event/1\"},\"steps\":["
    "{\"name\":\"deal\",\"call\":\"read_deal\",\"on\":\"crm\",\"with\":[{"
    "\"to\":\"/box\",\"from\":\"/trigger/box\"}]},"
    "{\"name\":\"won\",\"filter\":{\"path\":\"/deal/stage\",\"equals\":"
    "\"Closed-Won\"}},"
    "{\"name\":\"post\",\"deliver\":\"deal/1\",\"to\":\"crm\",\"body\":["
    "{\"to\":\"/key\",\"from\":\"/deal/key\"},"
    "{\"to\":\"/name\",\"from\":\"/deal/name\"}]},"
    "{\"name\":\"tell\",\"deliver\":\"activity/1\",\"to\":\"crm\",\"body\":["
    "{\"to\":\"/external_id\",\"from\":\"/deal/key\"},"
    "{\"to\":\"/deal\",\"from\":\"/deal/key\"},"
    "{\"to\":\"/text\",\"value\":\"hello\"}]}]}";

/* Another kind of event, for the shapes of steps. */
static const char flow_shapes[] =
    "{\"flow\":\"shapes\",\"trigger\":{\"instance\":\"crm\",\"type\":"
    "\"deal/1\"},\"steps\":["
    "{\"name\":\"which\",\"switch\":[{\"otherwise\":true,\"steps\":[{\"name\":"
    "\"inner\",\"filter\":{\"path\":\"/trigger/key\",\"exists\":true}}]}]},"
    "{\"name\":\"each\",\"map\":{\"over\":\"/trigger/contacts\",\"as\":"
    "\"contact\",\"steps\":[{\"name\":\"copy\",\"transform\":[{\"to\":\"/"
    "mail\","
    "\"from\":\"/contact/email\"}]}]}}]}";

static void add_flow(struct world *world, const char *text)
{
    struct definition *flow = NULL;
    struct error err = {""};

    if (definition_create("flow.json", text, strlen(text), NULL, world->types,
                          &flow, &err))
        fail_msg("%s", err.text);
    assert_int_equal(engine_add_flow(world->engine, flow), 0);
    definition_release(flow);
}

static void make_engine(struct world *world)
{
    struct engine_options engine = {
        .store = world->store,
        .ports = {.op_start = world_op_start,
                  .op_cancel = world_op_cancel,
                  .op_room = world_op_room,
                  .op_known = world_op_known,
                  .jq_start = world_jq,
                  .wake_at = world_wake_at,
                  .random = world_random,
                  .arg = world},
        .types = world->types,
        .limits = {.attempts_max = 5,
                   .retry_after_max_ms = 900000,
                   .delay_first_ms = 1000,
                   .delay_max_ms = 60000,
                   .hold_ms = 900000},
    };

    world->engine = engine_create(&engine);
    add_flow(world, flow_won);
    add_flow(world, flow_shapes);
    engine_wake(world->engine);
    settle(world);
}

static void make_doors(struct world *world)
{
    struct api_options api = {
        .loop = &world->loop,
        .store = world->store,
        .engine = world->engine,
        .instances = &world->instances,
        .types = world->types,
        .clock = &world->clock,
        .version = "1.2.3",
        .config = world_config,
        .reload = world_reload,
        .examine = world_examine,
        .webhook = world_webhook,
#ifdef CONNECT_TEST_CLOCK
        .clock_stepped = world_stepped,
#endif
        .arg = world,
    };
    struct ingress_options ingress = {.engine = world->engine,
                                      .instances = &world->instances,
                                      .clock = &world->clock,
                                      .config = world_config,
                                      .arg = world};
    struct http_server_listener listener = {.path = world->socket,
                                            .mode = 0600};
    struct http_server_options options;
    struct error err = {""};

    world->ingress = ingress_create(&ingress);
    api.ingress = world->ingress;
    world->api = api_create(&api);
    http_server_options_default(&options);
    options.clock = &world->clock;
    options.on_request = world_request;
    options.arg = world;
    assert_int_equal(http_server_create(&world->loop, &options, &world->server),
                     0);
    if (http_server_listen(world->server, &listener, NULL, &err))
        fail_msg("%s", err.text);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    struct error err = {""};
    struct store_options store = {.directory = world->directory,
                                  .owner = "test",
                                  .clock = &world->clock,
                                  .inline_mode = true};

    snprintf(world->directory, sizeof(world->directory),
             "/tmp/test-api-XXXXXX");
    assert_non_null(mkdtemp(world->directory));
    snprintf(world->socket, sizeof(world->socket), "%s/admin.sock",
             world->directory);
    world->now_ms = 1800000000000;
    world->clock = (struct clock){world_now, world_now, world};
    world->config.path = "/etc/connect/connect.json";
    world->config.data = world->directory;
    world->config.flows = world->directory;
    world->config.admin_socket = world->socket;
    fingerprint_file(world->config.path, world->config.file_hash);
    fingerprint_flows(world->config.flows, world->config.flows_hash);
    world->types = record_types_create();
    if (record_types_load(world->types, CONNECT_SOURCE_DIR "/config/records",
                          &err))
        fail_msg("%s", err.text);
    world->instances.deal = record_types_find(world->types, "deal/1")->schema;
    world->instances.info = (struct instance_info){
        .name = "crm",
        .plugin_id = "com.example.crm",
        .plugin_version = "2.0",
        .path = "/usr/lib/crm.so",
        .title = "CRM",
        .state = INSTANCE_RUNNING,
        .roles = ROLE_SINK | ROLE_CALL | ROLE_CHECK,
        .open_max = 4,
        .rate_per_second = 8,
        .rate_burst = 2,
        .rate_left = 1,
        .rate_waiting = 3,
        .reason = "",
    };
    uv_loop_init(&world->loop);
    if (store_open(&store, &world->store, &err))
        fail_msg("%s", err.text);
    make_engine(world);
    make_doors(world);
    *state = world;
    return 0;
}

static void server_stopped(void *arg)
{
    ((struct world *)arg)->server_stopped = true;
}

static int teardown(void **state)
{
    static const char *const names[] = {
        "connect.db",   "connect.db-wal",  "connect.db-shm", "lookup.key",
        "connect.lock", "connect.reserve", "admin.sock"};
    struct world *world = *state;
    char path[160];

    http_server_stop(world->server, 0, server_stopped, world);
    while (!world->server_stopped)
        uv_run(&world->loop, UV_RUN_ONCE);
    http_server_destroy(world->server);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    store_close(world->store);
    api_destroy(world->api);
    ingress_destroy(world->ingress);
    engine_destroy(world->engine);
    record_types_destroy(world->types);
    assert_int_equal(uv_loop_close(&world->loop), 0);
    for (size_t index = 0; index < sizeof(names) / sizeof(*names); index++) {
        snprintf(path, sizeof(path), "%s/%s", world->directory, names[index]);
        unlink(path);
    }
    rmdir(world->directory);
    cJSON_Delete(world->reply);
    free(world->head);
    free(world);
    return 0;
}

/* ---- Asking -------------------------------------------------------------- */

static int client_open(struct world *world, const char *method,
                       const char *path, const char *body)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    char request[4096];
    int len = snprintf(request, sizeof(request),
                       "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                       "Content-Type: application/json\r\n"
                       "Content-Length: %zu\r\n\r\n%s",
                       method, path, body ? strlen(body) : 0, body ? body : "");

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", world->socket);
    assert_int_equal(
        connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(write(client, request, (size_t)len), len);
    return client;
}

/* What the plugin was asked ends, if the test wants that. */
static void end_check(struct world *world)
{
    struct op_outcome outcome = {.kind = world->instances.check_kind,
                                 .status = world->instances.check_outcome,
                                 .message = "401"};
    struct op_record record = {.type = "box_event/1",
                               .id = {"again", 5},
                               .key = {"box9", 4},
                               .body = {"{\"box\":\"box9\"}", 14}};
    op_ended_fn *fn = world->instances.check_fn;

    if (outcome.kind == OP_RECEIVE && outcome.status == CN_OK) {
        outcome.records = &record;
        outcome.record_count = 1;
    }

    if (!fn || !world->instances.check_by_itself)
        return;
    world->instances.check_fn = NULL;
    fn(world->instances.check_arg, 1, &outcome);
}

/* Ask, hold the reply against the file, return its status. */
static int ask(struct world *world, const char *method, const char *path,
               const char *body)
{
    int client = client_open(world, method, path, body);
    size_t len = 0, capacity = 65536;
    char *bytes = malloc(capacity), *end;

    for (int round = 0;; round++) {
        ssize_t count;
        assert_true(round < ROUNDS_MAX);
        uv_run(&world->loop, UV_RUN_NOWAIT);
        store_drain(world->store);
        api_store_changed(world->api);
        end_check(world);
        if (capacity - len < 65536) {
            capacity *= 2;
            assert_true(capacity < REPLY_BYTES_MAX);
            bytes = realloc(bytes, capacity);
        }
        count = read(client, bytes + len, capacity - len - 1);
        if (count == 0)
            break;
        if (count > 0)
            len += (size_t)count;
        else
            assert_int_equal(errno, EAGAIN);
    }
    close(client);
    bytes[len] = '\0';
    cJSON_Delete(world->reply);
    free(world->head);
    world->head = bytes;
    world->status = (int)strtol(bytes + 9, NULL, 10); /* behind "HTTP/1.1 " */
    end = strstr(bytes, "\r\n\r\n");
    assert_non_null(end);
    world->text = end + 4;
    world->reply = cJSON_Parse(world->text);
    assert_non_null(world->reply);
    if (openapi_reply(&openapi, method, path, world->status, world->reply))
        fail_msg("%s", openapi.text);
    return world->status;
}

#define GET(path) ask(world, "GET", path, NULL)
#define POST(path, body) ask(world, "POST", path, body)
#define PUT(path, body) ask(world, "PUT", path, body)

/* A text of the reply by its place: "steps/0/path". */
static const cJSON *at(const struct world *world, const char *place)
{
    const cJSON *value = world->reply;
    char word[64];

    while (*place && value) {
        size_t len = strcspn(place, "/");
        snprintf(word, sizeof(word), "%.*s", (int)len, place);
        value = cJSON_IsArray(value)
                    ? cJSON_GetArrayItem(value, (int)strtol(word, NULL, 10))
                    : openapi_member(value, word);
        place += len;
        place += *place == '/';
    }
    return value;
}

static const char *text_at(const struct world *world, const char *place)
{
    const char *text = cJSON_GetStringValue(at(world, place));

    return text ? text : "(none)";
}

static int number_at(const struct world *world, const char *place)
{
    const cJSON *value = at(world, place);

    return cJSON_IsNumber(value) ? value->valueint : -1;
}

/* ---- Events and operations ------------------------------------------------
 */

static void accepted(void *arg, int status, size_t count, size_t duplicates)
{
    (void)arg, (void)count, (void)duplicates;
    assert_int_equal(status, 0);
}

static void accept_record(struct world *world, const char *type, const char *id,
                          const char *body)
{
    struct op_record record = {.type = type,
                               .id = {id, strlen(id)},
                               .key = {id, strlen(id)},
                               .body = {body, strlen(body)},
                               .time_ms = world->now_ms};
    struct engine_accept accept = {
        .origin = "crm", .records = &record, .record_count = 1};

    assert_int_equal(engine_accept(world->engine, &accept, accepted, world), 0);
    settle(world);
}

static void end_op(struct world *world, enum op_kind kind, cn_status status,
                   const char *text)
{
    struct op_outcome outcome = {.kind = kind,
                                 .status = status,
                                 .answered = status != CN_IN_DOUBT,
                                 .message = status == CN_OK ? "" : text};
    struct open_op op;

    assert_int_equal(world->op_count, 1);
    op = world->ops[0];
    world->op_count = 0;
    assert_int_equal(op.kind, kind);
    if (status == CN_OK)
        outcome.body = (cn_str){text, strlen(text)};
    op.fn(op.arg, world->next_op, &outcome);
    settle(world);
}

static const char deal_won[] =
    "{\"key\":\"box1\",\"name\":\"Canary Ltd\",\"stage\":\"Closed-Won\","
    "\"notes\":\"CANARY-NOTE\",\"fields\":{\"Phone\":\"CANARY-FIELD\"}}";

/* Run 1: read, posted, told. */
static void run_whole_deal(struct world *world)
{
    accept_record(world, "box_event/1", "box1", "{\"box\":\"box1\"}");
    end_op(world, OP_CALL, CN_OK, deal_won);
    end_op(world, OP_DELIVER, CN_OK, "{\"sales_order\":\"000123\"}");
    end_op(world, OP_DELIVER, CN_OK, "{\"comment\":\"c1\"}");
}

/* Run 1: parked at its first delivery. */
static void park_a_deal(struct world *world)
{
    accept_record(world, "box_event/1", "box1", "{\"box\":\"box1\"}");
    end_op(world, OP_CALL, CN_OK, deal_won);
    end_op(world, OP_DELIVER, CN_REJECTED, "unknown stock code X1");
}

/* ---- Tests --------------------------------------------------------------- */

static void test_status(void **state)
{
    struct world *world = *state;

    run_whole_deal(world);
    accept_record(world, "box_event/1", "box1", "{\"box\":\"box1\"}");
    world->now_ms += 5000;
    assert_int_equal(GET("/v1/status"), 200);
    assert_string_equal(text_at(world, "version"), "1.2.3");
    assert_int_equal(number_at(world, "uptime_ms"), 5000);
    assert_int_equal(number_at(world, "runs/done"), 1);
    assert_int_equal(number_at(world, "runs/parked"), 0);
    assert_int_equal(number_at(world, "events"), 1);
    assert_int_equal(number_at(world, "duplicates"), 1);
    assert_string_equal(text_at(world, "gates/0/instance"), "crm");
    assert_string_equal(text_at(world, "instances/0/state"), "running");
    assert_int_equal(number_at(world, "alerts"), 0);
}

static void test_resting_gate_is_shown(void **state)
{
    struct world *world = *state;

    accept_record(world, "box_event/1", "box1", "{\"box\":\"box1\"}");
    end_op(world, OP_CALL, CN_AUTH, "401");
    assert_int_equal(GET("/v1/status"), 200);
    assert_true(number_at(world, "gates/0/rests_ms") > 0);
    assert_string_equal(text_at(world, "gates/0/state"), "open");
    assert_string_equal(text_at(world, "gates/0/reason"),
                        "the other system refuses the credentials");
    assert_int_equal(number_at(world, "alerts"), 1);
    assert_string_equal(text_at(world, "queues/0/queue"), "crm");
    assert_int_equal(GET("/v1/runs"), 200);
    assert_string_equal(text_at(world, "runs/0/reason"),
                        "the other system refuses the credentials");
    assert_int_equal(GET("/v1/alerts"), 200);
    assert_string_equal(text_at(world, "alerts/0/cause"), "auth:crm");
}

static bool knows_no_crm(void *arg, const char *instance)
{
    (void)arg;
    return strcmp(instance, "crm") != 0;
}

/* The instance went out of the configuration while a run waited for it. */
static void test_run_of_a_missing_instance_says_so(void **state)
{
    struct world *world = *state;

    accept_record(world, "box_event/1", "box1", "{\"box\":\"box1\"}");
    end_op(world, OP_CALL, CN_AUTH, "401");
    op_known = knows_no_crm;
    assert_int_equal(GET("/v1/runs"), 200);
    assert_string_equal(text_at(world, "runs/0/reason"),
                        "no instance of this name is configured");
    assert_int_equal(GET("/v1/runs/1"), 200);
    assert_string_equal(text_at(world, "reason"),
                        "no instance of this name is configured");
    op_known = NULL;
}

static void test_plugins_and_flows(void **state)
{
    struct world *world = *state;

    assert_int_equal(GET("/v1/plugins"), 200);
    assert_string_equal(text_at(world, "plugins/0/plugin"), "com.example.crm");
    assert_string_equal(text_at(world, "plugins/0/roles/1"), "call");
    assert_int_equal(GET("/v1/flows"), 200);
    assert_string_equal(text_at(world, "flows/0/flow"), "won");
    assert_string_equal(text_at(world, "flows/0/steps/0/action"), "read_deal");
    assert_string_equal(text_at(world, "flows/1/steps/0/cases/0/0/name"),
                        "inner");
    assert_string_equal(text_at(world, "flows/1/steps/1/steps/0/kind"),
                        "transform");
}

static void test_run_is_masked(void **state)
{
    struct world *world = *state;

    run_whole_deal(world);
    assert_int_equal(GET("/v1/runs/1"), 200);
    assert_string_equal(text_at(world, "state"), "done");
    assert_string_equal(text_at(world, "steps/0/path"), "deal");
    assert_string_equal(text_at(world, "steps/0/result/key"), "box1");
    assert_string_equal(text_at(world, "steps/0/result/notes"), "***");
    assert_true(cJSON_IsTrue(at(world, "steps/1/result")));
    assert_string_equal(text_at(world, "deliveries/0/body/name"), "***");
    assert_string_equal(text_at(world, "deliveries/0/reference/sales_order"),
                        "000123");
    assert_true(cJSON_IsTrue(at(world, "masked")));
    assert_null(strstr(world->text, "CANARY"));
    assert_null(strstr(world->text, "Canary"));
    assert_int_equal(GET("/v1/history"), 200);
    assert_null(strstr(world->text, "payload.shown"));
}

static void test_unmasked_is_recorded(void **state)
{
    struct world *world = *state;
    char actor[32];

    run_whole_deal(world);
    assert_int_equal(GET("/v1/runs/1?unmasked=1"), 200);
    assert_string_equal(text_at(world, "steps/0/result/notes"), "CANARY-NOTE");
    assert_true(cJSON_IsFalse(at(world, "masked")));
    assert_int_equal(GET("/v1/history?after=0&limit=1000"), 200);
    snprintf(actor, sizeof(actor), "\"uid:%u", (unsigned)getuid());
    assert_non_null(strstr(world->text, "payload.shown"));
    assert_non_null(strstr(world->text, actor));
}

/* The flow was changed since: the run is shown by the version it began with. */
static void test_older_flow_is_known(void **state)
{
    static const char changed[] =
        "{\"flow\":\"won\",\"trigger\":{\"instance\":\"crm\",\"type\":"
        "\"box_event/1\"},\"steps\":[{\"name\":\"other\",\"filter\":{\"path\":"
        "\"/trigger/box\",\"exists\":true}}]}";
    struct world *world = *state;

    run_whole_deal(world);
    engine_begin_flows(world->engine);
    add_flow(world, changed);
    engine_end_flows(world->engine);
    assert_int_equal(GET("/v1/flows"), 200);
    assert_string_equal(text_at(world, "flows/0/steps/0/name"), "other");
    assert_int_equal(GET("/v1/runs/1"), 200);
    assert_string_equal(text_at(world, "title"), "A won deal");
    assert_string_equal(text_at(world, "steps/0/kind"), "call");
    assert_string_equal(text_at(world, "steps/0/result/key"), "box1");
    assert_string_equal(text_at(world, "steps/0/result/notes"), "***");
}

static void test_undescribed_results_are_masked_whole(void **state)
{
    struct world *world = *state;

    accept_record(world, "deal/1", "d1",
                  "{\"key\":\"d1\",\"contacts\":[{\"key\":\"c1\",\"email\":"
                  "\"canary@example.com\"}]}");
    assert_int_equal(GET("/v1/runs/1"), 200);
    assert_string_equal(text_at(world, "flow"), "shapes");
    assert_null(strstr(world->text, "canary@"));
    assert_non_null(strstr(world->text, "each[0].copy"));
}

static void test_large_payloads_are_not_shown(void **state)
{
    struct world *world = *state;
    char *deal = malloc(BIG + 1000);
    int len = snprintf(deal, 1000,
                       "{\"key\":\"b\",\"stage\":\"Closed-Won\",\"name\":\"");

    memset(deal + len, 'x', BIG);
    snprintf(deal + len + BIG, 100, "\"}");
    accept_record(world, "deal/1", "big", deal);
    accept_record(world, "box_event/1", "box1", "{\"box\":\"box1\"}");
    end_op(world, OP_CALL, CN_OK, deal);
    free(deal);
    assert_int_equal(GET("/v1/runs/1?unmasked=1"), 200);
    assert_true(number_at(world, "trigger/not_shown_bytes") > BIG);
    assert_int_equal(GET("/v1/runs/2?unmasked=1"), 200);
    assert_true(number_at(world, "steps/0/not_shown_bytes") > BIG);
    assert_true(cJSON_IsNull(at(world, "steps/0/result")));
}

static void test_retry_begins_anew(void **state)
{
    struct world *world = *state;

    park_a_deal(world);
    assert_int_equal(GET("/v1/parked"), 200);
    assert_int_equal(number_at(world, "runs/0/run"), 1);
    assert_string_equal(text_at(world, "runs/0/reason"),
                        "unknown stock code X1");
    assert_non_null(
        strstr(text_at(world, "runs/0/advice"), "connectctl retry 1"));
    assert_int_equal(POST("/v1/runs/1/retry", "{}"), 200);
    assert_string_equal(text_at(world, "act"), "restart");
    settle(world);
    end_op(world, OP_CALL, CN_OK, deal_won); /* read afresh */
}

static void test_retry_as_it_was(void **state)
{
    struct world *world = *state;

    park_a_deal(world);
    assert_int_equal(POST("/v1/runs/1/retry", "{\"as_was\":true}"), 200);
    assert_string_equal(text_at(world, "act"), "retry");
    settle(world);
    end_op(world, OP_DELIVER, CN_OK, "{\"n\":\"1\"}");
}

static void test_retry_goes_on_when_something_happened(void **state)
{
    struct world *world = *state;

    accept_record(world, "box_event/1", "box1", "{\"box\":\"box1\"}");
    end_op(world, OP_CALL, CN_OK, deal_won);
    end_op(world, OP_DELIVER, CN_OK, "{\"sales_order\":\"000123\"}");
    end_op(world, OP_DELIVER, CN_REJECTED, "no such deal");
    assert_int_equal(POST("/v1/runs/1/retry", ""), 200);
    assert_string_equal(text_at(world, "act"), "retry");
    settle(world);
    end_op(world, OP_DELIVER, CN_OK, "{\"comment\":\"c1\"}");
}

static void test_acts_are_refused_by_state(void **state)
{
    struct world *world = *state;

    run_whole_deal(world);
    assert_int_equal(POST("/v1/runs/1/retry", "{}"), 409);
    assert_string_equal(
        text_at(world, "error/message"),
        "run 1 is done: only parked and held runs can be retried");
    assert_int_equal(POST("/v1/runs/1/release", "{}"), 409);
    assert_int_equal(POST("/v1/runs/1/discard", "{\"reason\":\"x\"}"), 409);
    assert_int_equal(POST("/v1/runs/2/retry", "{}"), 404);
    assert_string_equal(text_at(world, "error/message"), "there is no run 2");
}

static void test_discard_needs_a_reason(void **state)
{
    struct world *world = *state;

    park_a_deal(world);
    assert_int_equal(POST("/v1/runs/1/discard", "{}"), 400);
    assert_int_equal(POST("/v1/runs/1/discard", "{\"reason\":\"\"}"), 400);
    assert_int_equal(POST("/v1/runs/1/discard", "{\"reason\":7}"), 400);
    assert_int_equal(POST("/v1/runs/1/discard", "{\"reason\":\"twice\"}"), 200);
    assert_int_equal(GET("/v1/runs?state=discarded"), 200);
    assert_int_equal(number_at(world, "runs/0/run"), 1);
    assert_string_equal(text_at(world, "runs/0/reason"), "twice");
}

static void test_held_is_released(void **state)
{
    struct world *world = *state;

    accept_record(world, "box_event/1", "box1", "{\"box\":\"box1\"}");
    end_op(world, OP_CALL, CN_OK, deal_won);
    end_op(world, OP_DELIVER, CN_HOLD, "customer on hold");
    assert_int_equal(GET("/v1/parked"), 200);
    assert_string_equal(text_at(world, "runs/0/state"), "held");
    assert_int_equal(POST("/v1/runs/1/release", "{}"), 200);
    settle(world);
    end_op(world, OP_DELIVER, CN_OK, "{\"n\":\"1\"}");
}

static void test_doubt_is_shown(void **state)
{
    struct world *world = *state;

    accept_record(world, "box_event/1", "box1", "{\"box\":\"box1\"}");
    end_op(world, OP_CALL, CN_OK, deal_won);
    assert_int_equal(GET("/v1/runs/1"), 200);
    assert_string_equal(text_at(world, "deliveries/0/state"), "sending");
    assert_true(cJSON_IsTrue(at(world, "deliveries/0/doubt")));
}

static void test_pages(void **state)
{
    struct world *world = *state;
    char id[16];

    for (int index = 1; index <= 5; index++) {
        snprintf(id, sizeof(id), "d%d", index);
        accept_record(world, "deal/1", id, "{\"key\":\"d\"}");
    }
    assert_int_equal(GET("/v1/runs?limit=2"), 200);
    assert_int_equal(number_at(world, "runs/0/run"), 5);
    assert_int_equal(number_at(world, "next"), 4);
    assert_int_equal(GET("/v1/runs?limit=2&before=2"), 200);
    assert_int_equal(number_at(world, "runs/0/run"), 1);
    assert_true(cJSON_IsNull(at(world, "next")));
    assert_int_equal(GET("/v1/runs?flow=won"), 200);
    assert_int_equal(cJSON_GetArraySize(at(world, "runs")), 0);
    assert_int_equal(GET("/v1/runs?flow=shape%73"), 200);
    assert_int_equal(cJSON_GetArraySize(at(world, "runs")), 5);
    assert_int_equal(GET("/v1/history?limit=3"), 200);
    assert_int_equal(number_at(world, "next"), 3);
    assert_true(cJSON_IsTrue(at(world, "more")));
    assert_int_equal(GET("/v1/history?after=100000"), 200);
    assert_int_equal(number_at(world, "next"), 100000);
    assert_true(cJSON_IsFalse(at(world, "more")));
}

static void test_wrong_requests(void **state)
{
    struct world *world = *state;

    assert_int_equal(GET("/v1/runs?state=lost"), 400);
    assert_int_equal(GET("/v1/runs?limit=1001"), 400);
    assert_int_equal(GET("/v1/runs?limit=-1"), 400);
    assert_int_equal(GET("/v1/runs?before=x"), 400);
    assert_int_equal(GET("/v1/history?after="), 400);
    assert_int_equal(GET("/v1/quarantine?limit=21"), 400);
    assert_int_equal(GET("/v1/runs/0"), 404);
    assert_int_equal(GET("/v1/runs/1x"), 404);
    assert_int_equal(GET("/v1/runs/99999999999999999999"), 404);
    assert_int_equal(GET("/v1/runs/12"), 404);
    assert_int_equal(GET("/v1"), 404);
    assert_int_equal(GET("/v1/status/"), 404);
    assert_int_equal(GET("/v1/runs/1/retry"), 405);
    assert_non_null(strstr(world->head, "Allow: POST\r\n"));
    assert_int_equal(POST("/v1/status", "{}"), 405);
    assert_int_equal(POST("/v1/runs/1/retry", "[]"), 400);
    assert_int_equal(POST("/v1/runs/1/retry", "{"), 400);
    assert_int_equal(POST("/v1/runs/1/retry", "{\"as_was\":1}"), 400);
    assert_int_equal(POST("/v1/check/..%2f", "{}"), 404);
}

static void test_quarantine(void **state)
{
    struct world *world = *state;
    static const char content[] = "{\"mail\":\"CANARY\"}";

    assert_int_equal(engine_quarantine(world->engine, "crm", "/box: missing",
                                       (cn_str){content, sizeof(content) - 1},
                                       accepted, world),
                     0);
    settle(world);
    assert_int_equal(GET("/v1/quarantine"), 200);
    assert_string_equal(text_at(world, "quarantine/0/reason"), "/box: missing");
    assert_null(strstr(world->text, "CANARY"));
    assert_int_equal(GET("/v1/quarantine?unmasked=1&limit=1"), 200);
    assert_string_equal(text_at(world, "quarantine/0/content"), content);
    assert_int_equal(GET("/v1/history"), 200);
    assert_non_null(strstr(world->text, "quarantine.shown"));
}

static void test_quarantine_is_replayed(void **state)
{
    struct world *world = *state;
    static const char content[] = "{\"mail\":[\"CANARY\",7]}";

    assert_int_equal(engine_quarantine(world->engine, "crm", "/box: missing",
                                       (cn_str){content, sizeof(content) - 1},
                                       accepted, world),
                     0);
    settle(world);
    assert_int_equal(GET("/v1/quarantine?instance=crm"), 200);
    assert_string_equal(text_at(world, "quarantine/0/shape/mail/1"), "***");
    assert_int_equal(GET("/v1/quarantine?instance=erp"), 200);
    assert_int_equal(cJSON_GetArraySize(at(world, "quarantine")), 0);
    world->instances.check_by_itself = true;
    world->instances.check_outcome = CN_REJECTED;
    assert_int_equal(POST("/v1/quarantine/1/replay", ""), 409);
    assert_non_null(strstr(text_at(world, "error/message"), "still cannot"));
    world->instances.check_outcome = CN_AUTH;
    assert_int_equal(POST("/v1/quarantine/1/replay", ""), 409);
    world->instances.check_outcome = CN_OK;
    assert_int_equal(POST("/v1/quarantine/2/replay", ""), 404);
    assert_int_equal(POST("/v1/quarantine/1/replay", ""), 200);
    assert_string_equal(world->instances.received, content);
    assert_int_equal(number_at(world, "accepted"), 1);
    assert_int_equal(POST("/v1/quarantine/1/replay", ""), 404);
    assert_int_equal(GET("/v1/history?limit=1000"), 200);
    assert_non_null(strstr(world->text, "quarantine.replayed"));
    assert_null(strstr(world->text, "CANARY"));
    settle(world);
    end_op(world, OP_CALL, CN_OK, deal_won); /* it became a run */
}

static void test_quarantine_is_given_up(void **state)
{
    struct world *world = *state;

    assert_int_equal(engine_quarantine(world->engine, "crm", "no JSON",
                                       (cn_str){"x", 1}, accepted, world),
                     0);
    settle(world);
    assert_int_equal(POST("/v1/quarantine/1/discard", "{}"), 400);
    assert_int_equal(POST("/v1/quarantine/9/discard", "{\"reason\":\"r\"}"),
                     404);
    assert_int_equal(POST("/v1/quarantine/1/discard", "{\"reason\":\"r\"}"),
                     200);
    assert_int_equal(GET("/v1/quarantine"), 200);
    assert_int_equal(cJSON_GetArraySize(at(world, "quarantine")), 0);
    assert_int_equal(GET("/v1/history?limit=1000"), 200);
    assert_non_null(strstr(world->text, "quarantine.discarded"));
}

static void test_alerts_are_acknowledged(void **state)
{
    struct world *world = *state;

    accept_record(world, "box_event/1", "box1", "{\"box\":\"box1\"}");
    end_op(world, OP_CALL, CN_AUTH, "401");
    assert_int_equal(POST("/v1/alerts/acknowledge", "{}"), 400);
    assert_int_equal(POST("/v1/alerts/acknowledge", "{\"cause\":\"x\"}"), 404);
    assert_int_equal(POST("/v1/alerts/acknowledge", "{\"cause\":\"auth:crm\"}"),
                     200);
    assert_int_equal(number_at(world, "acknowledged"), 1);
    assert_int_equal(GET("/v1/status"), 200);
    assert_int_equal(number_at(world, "alerts"), 0); /* that are open */
    assert_int_equal(GET("/v1/alerts"), 200);
    assert_int_equal(number_at(world, "more"), 0);
    assert_true(cJSON_IsTrue(at(world, "alerts/0/acknowledged")));
    assert_non_null(strstr(text_at(world, "alerts/0/acknowledged_by"), "uid:"));
    assert_int_equal(POST("/v1/alerts/acknowledge", "{\"all\":true}"), 200);
    assert_int_equal(number_at(world, "acknowledged"), 0);
}

/* Runs 1 to 3, parked: two for the same reason in other words. */
static void park_three(struct world *world)
{
    static const char *const reasons[] = {"unknown stock code X1",
                                          "unknown stock code X2",
                                          "customer 7 is closed"};
    char id[16], body[64];

    for (int index = 0; index < 3; index++) {
        snprintf(id, sizeof(id), "b%d", index + 1);
        snprintf(body, sizeof(body), "{\"box\":\"%s\"}", id);
        accept_record(world, "box_event/1", id, body);
        snprintf(body, sizeof(body),
                 "{\"key\":\"%s\",\"name\":\"n\",\"stage\":\"Closed-Won\"}",
                 id);
        end_op(world, OP_CALL, CN_OK, body);
        end_op(world, OP_DELIVER, CN_REJECTED, reasons[index]);
        world->now_ms += 1000;
    }
}

static void test_filters(void **state)
{
    struct world *world = *state;
    char path[96];

    park_three(world);
    assert_int_equal(GET("/v1/parked?contains=STOCK"), 200);
    assert_int_equal(cJSON_GetArraySize(at(world, "runs")), 2);
    assert_string_equal(text_at(world, "runs/0/trigger_key"), "b2");
    assert_int_equal(GET("/v1/parked?state=done"), 400);
    assert_int_equal(GET("/v1/parked?state=parked,done"), 400);
    assert_int_equal(GET("/v1/parked?state=held"), 200);
    assert_int_equal(cJSON_GetArraySize(at(world, "runs")), 0);
    assert_int_equal(GET("/v1/runs?code="), 400);
    assert_int_equal(GET("/v1/parked?code=rejected&key=b3"), 200);
    assert_int_equal(number_at(world, "runs/0/run"), 3);
    assert_int_equal(cJSON_GetArraySize(at(world, "runs")), 1);
    assert_int_equal(GET("/v1/runs?code=mapping"), 200);
    assert_int_equal(cJSON_GetArraySize(at(world, "runs")), 0);
    assert_int_equal(GET("/v1/runs?instance=crm&type=box_event/1"), 200);
    assert_int_equal(cJSON_GetArraySize(at(world, "runs")), 3);
    snprintf(path, sizeof(path), "/v1/runs?accepted_before_ms=%lld",
             (long long)world->now_ms - 2500);
    assert_int_equal(GET(path), 200);
    assert_int_equal(cJSON_GetArraySize(at(world, "runs")), 1);
    assert_int_equal(GET("/v1/runs?accepted_after_ms=x"), 400);
    assert_int_equal(GET("/v1/reasons"), 200);
    assert_int_equal(number_at(world, "reasons/0/count"), 3);
    assert_int_equal(number_at(world, "reasons/0/run"), 1);
    assert_string_equal(text_at(world, "reasons/0/code"), "rejected");
}

static void test_acts_on_many(void **state)
{
    static const char where[] =
        "{\"act\":\"discard\",\"where\":{\"contains\":\"stock\"},\"dry\":%s,"
        "\"reason\":\"old\"}";
    struct world *world = *state;
    char body[256];

    park_three(world);
    assert_int_equal(POST("/v1/acts", "{}"), 400);
    assert_int_equal(POST("/v1/acts", "{\"act\":\"retry\"}"), 400);
    assert_int_equal(POST("/v1/acts", "{\"act\":\"discard\",\"runs\":[1]}"),
                     400);
    assert_int_equal(
        POST("/v1/acts", "{\"act\":\"retry\",\"where\":{\"cod\":\"x\"}}"), 400);
    assert_int_equal(POST("/v1/acts", "{\"act\":\"retry\",\"where\":"
                                      "{\"state\":\"done\"}}"),
                     400);
    /* A word that was left empty, as by a script, does not mean all. */
    assert_int_equal(POST("/v1/acts", "{\"act\":\"retry\",\"where\":"
                                      "{\"code\":\"\"}}"),
                     400);
    assert_int_equal(POST("/v1/acts", "{\"act\":\"retry\",\"where\":"
                                      "{\"key\":\"\"}}"),
                     400);
    assert_int_equal(POST("/v1/acts", "{\"act\":\"retry\",\"where\":"
                                      "{\"state\":\"\"}}"),
                     400);
    snprintf(body, sizeof(body), where, "true");
    assert_int_equal(POST("/v1/acts", body), 200);
    assert_int_equal(number_at(world, "matched"), 2);
    assert_int_equal(number_at(world, "applied"), 0);
    snprintf(body, sizeof(body), where, "false");
    assert_int_equal(POST("/v1/acts", body), 200);
    assert_int_equal(number_at(world, "applied"), 2);
    assert_int_equal(GET("/v1/runs?state=discarded"), 200);
    assert_int_equal(cJSON_GetArraySize(at(world, "runs")), 2);
    assert_int_equal(POST("/v1/acts", "{\"act\":\"retry\",\"runs\":[1,3,77]}"),
                     200);
    assert_string_equal(text_at(world, "act"), "restart");
    assert_int_equal(number_at(world, "applied"), 1);
    assert_int_equal(number_at(world, "refused"), 2);
    assert_int_equal(number_at(world, "refused_runs/1"), 77);
    settle(world);
    end_op(world, OP_CALL, CN_OK, deal_won); /* run 3 begins anew */
}

static void test_replay(void **state)
{
    struct world *world = *state;

    run_whole_deal(world);
    assert_int_equal(POST("/v1/runs/1/replay", "{}"), 200);
    assert_string_equal(text_at(world, "act"), "replay");
    assert_int_equal(number_at(world, "made"), 2);
    settle(world);
    end_op(world, OP_CALL, CN_OK, deal_won);
    assert_int_equal(POST("/v1/runs/9/replay", "{}"), 404);
    assert_int_equal(POST("/v1/runs/1/replay", "{\"shadow\":1}"), 400);
}

static void test_edit(void **state)
{
    struct world *world = *state;

    park_a_deal(world);
    assert_int_equal(PUT("/v1/runs/1/body", "{\"body\":1}"), 400);
    assert_int_equal(PUT("/v1/runs/1/body",
                         "{\"path\":\"post\",\"dry\":true,\"body\":{\"key\":"
                         "\"box1\",\"name\":7}}"),
                     400);
    assert_non_null(strstr(text_at(world, "error/message"), "/name"));
    assert_int_equal(PUT("/v1/runs/1/body",
                         "{\"path\":\"post\",\"body\":{\"key\":\"box1\","
                         "\"name\":\"Mended\"}}"),
                     400); /* no reason */
    assert_int_equal(PUT("/v1/runs/1/body",
                         "{\"path\":\"post\",\"reason\":\"typo\",\"body\":{"
                         "\"key\":\"box1\",\"name\":\"Mended\"}}"),
                     200);
    assert_string_equal(text_at(world, "path"), "post");
    assert_int_equal(GET("/v1/runs/1?unmasked=1"), 200);
    assert_string_equal(text_at(world, "deliveries/0/body/name"), "Mended");
    assert_int_equal(POST("/v1/runs/1/discard", "{\"reason\":\"x\"}"), 200);
    assert_int_equal(PUT("/v1/runs/1/body",
                         "{\"reason\":\"typo\",\"body\":{\"box\":\"b\"}}"),
                     409);
    assert_int_equal(PUT("/v1/runs/8/body",
                         "{\"reason\":\"typo\",\"body\":{\"box\":\"b\"}}"),
                     404);
}

static void test_settle(void **state)
{
    static const char happened[] =
        "{\"happened\":true,\"reference\":{\"sales_order\":\"000777\"},"
        "\"reason\":\"seen in the ERP\"}";
    struct world *world = *state;

    run_whole_deal(world);
    assert_int_equal(POST("/v1/runs/1/settle", happened), 409);
    assert_int_equal(POST("/v1/runs/1/settle", "{}"), 400);
    assert_int_equal(POST("/v1/runs/1/settle", "{\"happened\":true}"), 400);
    assert_int_equal(POST("/v1/runs/1/settle",
                          "{\"happened\":false,\"reference\":\"x\","
                          "\"reason\":\"r\"}"),
                     400);
    accept_record(world, "box_event/1", "box2", "{\"box\":\"box2\"}");
    end_op(world, OP_CALL, CN_OK,
           "{\"key\":\"box2\",\"name\":\"n\",\"stage\":\"Closed-Won\"}");
    end_op(world, OP_DELIVER, CN_IN_DOUBT, "cut");
    assert_int_equal(POST("/v1/runs/2/settle", happened), 200);
    assert_string_equal(text_at(world, "act"), "happened");
    assert_int_equal(GET("/v1/runs/2"), 200);
    assert_string_equal(text_at(world, "deliveries/0/reference/sales_order"),
                        "000777");
}

/* Ask, end the call and, if there are any, the probes it leads to. */
static void preview_ends(struct world *world, const char *path,
                         const char *body, const char *deal,
                         const cn_status *probes, size_t probe_count)
{
    int client = client_open(world, "POST", path, body);
    char reply[8192] = "";
    size_t len = 0;
    ssize_t count;

    for (int round = 0; !world->op_count; round++) {
        assert_true(round < ROUNDS_MAX);
        uv_run(&world->loop, UV_RUN_NOWAIT);
        store_drain(world->store);
    }
    end_op(world, OP_CALL, CN_OK, deal);
    for (size_t index = 0; index < probe_count; index++)
        end_op(world, OP_PROBE, probes[index],
               probes[index] == CN_OK ? "{\"n\":\"1\"}" : "busy");
    for (int round = 0;; round++) {
        assert_true(round < ROUNDS_MAX);
        uv_run(&world->loop, UV_RUN_NOWAIT);
        store_drain(world->store);
        count = read(client, reply + len, sizeof(reply) - len - 1);
        if (count == 0)
            break;
        len += count > 0 ? (size_t)count : 0;
    }
    close(client);
    cJSON_Delete(world->reply);
    world->reply = cJSON_Parse(strstr(reply, "\r\n\r\n") + 4);
    if (openapi_reply(&openapi, "POST", path, 200, world->reply))
        fail_msg("%s", openapi.text);
}

static void test_preview(void **state)
{
    static const cn_status absent[] = {CN_ABSENT, CN_ABSENT};
    static const cn_status other[] = {CN_OK, CN_RETRY};
    struct world *world = *state;

    park_a_deal(world);
    assert_int_equal(POST("/v1/runs/1/preview", "{}"), 400);
    assert_int_equal(POST("/v1/runs/7/preview", "{\"flow\":\"now\"}"), 404);
    preview_ends(world, "/v1/runs/1/preview", "{\"flow\":\"now\"}", deal_won,
                 absent, 2);
    assert_string_equal(text_at(world, "ended"), "done");
    assert_string_equal(text_at(world, "deliveries/0/body/name"), "***");
    assert_string_equal(text_at(world, "deliveries/0/probe"), "absent");
    assert_string_equal(text_at(world, "steps/0/result/notes"), "***");
    preview_ends(world, "/v1/runs/1/replay?unmasked=1", "{\"shadow\":true}",
                 deal_won, other, 2);
    assert_string_equal(text_at(world, "steps/0/result/notes"), "CANARY-NOTE");
    assert_string_equal(text_at(world, "deliveries/0/probe"), "found");
    assert_true(cJSON_IsFalse(at(world, "masked")));
    preview_ends(world, "/v1/runs/1/preview", "{\"flow\":\"now\"}",
                 "{\"key\":\"box1\",\"name\":7,\"stage\":\"Closed-Won\"}", NULL,
                 0);
    assert_string_equal(text_at(world, "ended"), "parked");
    assert_true(cJSON_IsFalse(at(world, "deliveries/0/valid")));
    /* Nothing changed. */
    assert_int_equal(GET("/v1/runs/1"), 200);
    assert_string_equal(text_at(world, "state"), "parked");
    assert_int_equal(GET("/v1/runs"), 200);
    assert_int_equal(cJSON_GetArraySize(at(world, "runs")), 1);
}

static void test_backup(void **state)
{
    struct world *world = *state;
    char body[160];

    assert_int_equal(GET("/v1/backup"), 200);
    assert_string_equal(text_at(world, "state"), "none");
    assert_int_equal(POST("/v1/backup", "{\"directory\":\"relative\"}"), 400);
    snprintf(body, sizeof(body), "{\"directory\":\"%s/copy\"}",
             world->directory);
    run_whole_deal(world);
    assert_int_equal(POST("/v1/backup", body), 200);
    assert_string_equal(text_at(world, "state"), "running");
    assert_non_null(strstr(text_at(world, "directory"), "/copy"));
    settle(world);
    assert_int_equal(GET("/v1/backup"), 200);
    assert_string_equal(text_at(world, "state"), "done");
    assert_true(number_at(world, "bytes") > 0);
}

static void test_reload(void **state)
{
    struct world *world = *state;

    assert_int_equal(POST("/v1/reload", ""), 200);
    assert_string_equal(text_at(world, "note"), "the port takes a restart");
    world->reload_status = -EINVAL;
    assert_int_equal(POST("/v1/reload", ""), 409);
    assert_string_equal(text_at(world, "error/message"),
                        "connect.json:3: /listen/port: must be a number");
}

/* It is answered when what it registers is stored, with what came of that. */
static void reload_waits(struct world *world, int status, const char *note)
{
    char reply[1024] = "";
    int client = client_open(world, "POST", "/v1/reload", "{}");

    world->reload_status = 1;
    world->registered = NULL;
    for (int round = 0; !world->registered; round++) {
        assert_true(round < ROUNDS_MAX);
        uv_run(&world->loop, UV_RUN_NOWAIT);
        store_drain(world->store);
    }
    for (int round = 0; round < 50; round++)
        uv_run(&world->loop, UV_RUN_NOWAIT);
    assert_true(read(client, reply, sizeof(reply) - 1) < 0);
    world->registered(world->registered_arg, status);
    for (int round = 0; read(client, reply, sizeof(reply) - 1) < 0; round++) {
        assert_true(round < ROUNDS_MAX);
        uv_run(&world->loop, UV_RUN_NOWAIT);
    }
    close(client);
    assert_non_null(strstr(reply, "\"reloaded\":true"));
    assert_non_null(strstr(reply, note));
}

static void test_reload_waits_for_registrations(void **state)
{
    reload_waits(*state, 0, "\"note\":\"the port takes a restart\"");
    reload_waits(*state, -ENOSPC,
                 "(No space left on device): reload again; the port takes");
}

static void test_check(void **state)
{
    struct world *world = *state;
    struct op_outcome outcome = {
        .kind = OP_CHECK, .status = CN_AUTH, .message = "401"};
    int client = client_open(world, "POST", "/v1/check/crm", "{}");
    char reply[1024] = "";

    for (int round = 0; !world->instances.check_fn; round++) {
        assert_true(round < ROUNDS_MAX);
        uv_run(&world->loop, UV_RUN_NOWAIT);
    }
    world->instances.check_fn(world->instances.check_arg, 1, &outcome);
    for (int round = 0; read(client, reply, sizeof(reply) - 1) < 0; round++) {
        assert_true(round < ROUNDS_MAX);
        uv_run(&world->loop, UV_RUN_NOWAIT);
    }
    close(client);
    assert_non_null(strstr(reply, "\"ok\":false,\"status\":\"auth\","
                                  "\"message\":\"401\""));
    world->reply = cJSON_Parse(strchr(reply, '{'));
    assert_int_equal(
        openapi_reply(&openapi, "POST", "/v1/check/crm", 200, world->reply), 0);
    world->instances.check_status = -ENOTSUP;
    assert_int_equal(POST("/v1/check/crm", ""), 409);
    world->instances.check_status = -EAGAIN;
    assert_int_equal(POST("/v1/check/crm", ""), 503);
    assert_int_equal(POST("/v1/check/erp", ""), 404);
}

#ifdef CONNECT_TEST_CLOCK
static void test_clock_is_stepped(void **state)
{
    struct world *world = *state;
    int64_t before_ms = clock_wall_ms(clock_system());

    assert_int_equal(POST("/v1/test/clock", "{\"advance_ms\":3600000}"), 200);
    assert_true(world->stepped);
    assert_true(clock_wall_ms(clock_system()) >= before_ms + 3600000);
    assert_int_equal(POST("/v1/test/clock", "{\"advance_ms\":-1}"), 400);
    assert_int_equal(POST("/v1/test/clock", "{}"), 400);
}
#endif

/* The state of a check and, with it, what was found. */
static const char *finding_state(const struct world *world, const char *check,
                                 const char **ret_found)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, at(world, "checks"))
    {
        if (strcmp(cJSON_GetStringValue(openapi_member(item, "check")), check))
            continue;
        *ret_found = cJSON_GetStringValue(openapi_member(item, "found"));
        return cJSON_GetStringValue(openapi_member(item, "state"));
    }
    *ret_found = "";
    return "(none)";
}

static void finding_is(const struct world *world, const char *check,
                       const char *state, const char *found)
{
    const char *text;

    assert_string_equal(finding_state(world, check, &text), state);
    if (!strstr(text, found))
        fail_msg("%s says \"%s\", not \"%s\"", check, text, found);
}

static void test_doctor(void **state)
{
    struct world *world = *state;

    world->instances.check_by_itself = true;
    assert_int_equal(GET("/v1/doctor"), 200);
    finding_is(world, "configuration", "ok", "what the files say");
    finding_is(world, "credentials", "ok", "takes the credentials");
    finding_is(world, "clock", "ok", "");
    finding_is(world, "waiting", "ok", "");
    finding_is(world, "parked", "ok", "");
    finding_is(world, "alerts", "ok", "");
    finding_is(world, "reserve", "ok", "");
    /* The configuration on disk is another one. */
    world->config.file_hash[0] = 'x';
    assert_int_equal(GET("/v1/doctor"), 200);
    finding_is(world, "configuration", "warning", "was changed");
    world->mistakes = 2;
    assert_int_equal(GET("/v1/doctor"), 200);
    finding_is(world, "configuration", "failed", "mistake 1");
    assert_non_null(strstr(world->text, "\"mistake 2\""));
    assert_true(cJSON_IsFalse(at(world, "ok")));
    /* What is left out is counted. */
    world->mistakes = 20;
    assert_int_equal(GET("/v1/doctor"), 200);
    assert_non_null(strstr(world->text, "\"mistake 20\""));
    assert_null(strstr(world->text, " more\""));
    world->mistakes = 23;
    assert_int_equal(GET("/v1/doctor"), 200);
    assert_null(strstr(world->text, "\"mistake 21\""));
    assert_non_null(strstr(world->text, "\"and 3 more\""));
}

static void test_doctor_sees_what_waits(void **state)
{
    struct world *world = *state;
    static const char content[] = "{}";

    world->instances.check_by_itself = true;
    world->instances.check_outcome = CN_AUTH;
    park_a_deal(world);
    accept_record(world, "box_event/1", "box2", "{\"box\":\"box2\"}");
    end_op(world, OP_CALL, CN_AUTH, "401"); /* the instance rests */
    assert_int_equal(engine_quarantine(world->engine, "crm", "/box: missing",
                                       (cn_str){content, sizeof(content) - 1},
                                       accepted, world),
                     0);
    settle(world);
    world->now_ms += 16 * 60 * 1000;
    assert_int_equal(GET("/v1/doctor"), 200);
    finding_is(world, "credentials", "failed", "refused: 401");
    finding_is(world, "waiting", "warning", "ready for 16 min");
    finding_is(world, "parked", "warning", "1 parked and 0 held");
    finding_is(world, "quarantine", "warning", "1 ");
    finding_is(world, "alerts", "warning", "");
    finding_is(world, "doubt", "ok", "");
}

/* A page that would be empty is answered when there is something, or in time.
 */
static void test_history_waits(void **state)
{
    struct world *world = *state;
    char reply[4096] = "";
    int client;

    assert_int_equal(GET("/v1/history?after=1000000&wait_ms=20"), 200);
    assert_int_equal(cJSON_GetArraySize(at(world, "history")), 0);
    assert_int_equal(GET("/v1/history?after=0&limit=1000&wait_ms=30000"), 200);
    client = client_open(world, "GET", "/v1/history?after=2&wait_ms=30000", "");
    for (int round = 0; round < 50; round++) {
        uv_run(&world->loop, UV_RUN_NOWAIT);
        store_drain(world->store);
        api_store_changed(world->api);
    }
    assert_true(read(client, reply, sizeof(reply) - 1) < 0);
    accept_record(world, "deal/1", "d1", "{\"key\":\"d\"}");
    for (int round = 0; read(client, reply, sizeof(reply) - 1) < 0; round++) {
        assert_true(round < ROUNDS_MAX);
        api_store_changed(world->api);
        store_drain(world->store);
        uv_run(&world->loop, UV_RUN_NOWAIT);
    }
    close(client);
    assert_non_null(strstr(reply, "run.done"));
    assert_int_equal(GET("/v1/history?wait_ms=30001"), 400);
}

static void test_history_of_one_run(void **state)
{
    struct world *world = *state;
    const cJSON *entry;
    size_t count = 0;

    run_whole_deal(world);
    accept_record(world, "deal/1", "d1", "{\"key\":\"d\"}");
    assert_int_equal(GET("/v1/history?limit=1000"), 200);
    assert_non_null(strstr(world->text, "\"run\":1"));
    assert_int_equal(GET("/v1/history?run=2&limit=1000"), 200);
    cJSON_ArrayForEach(entry, at(world, "history"))
    {
        assert_int_equal(cJSON_GetNumberValue(openapi_member(entry, "run")), 2);
        count++;
    }
    assert_true(count > 1);
    assert_int_equal(GET("/v1/history?run=x"), 400);
}

static void test_stop_ends_waiting(void **state)
{
    struct world *world = *state;
    char reply[4096] = "";
    int client =
        client_open(world, "GET", "/v1/history?after=1000&wait_ms=30000", "");

    for (int round = 0; round < 50; round++) {
        uv_run(&world->loop, UV_RUN_NOWAIT);
        store_drain(world->store);
    }
    api_stop(world->api);
    for (int round = 0; read(client, reply, sizeof(reply) - 1) < 0; round++) {
        assert_true(round < ROUNDS_MAX);
        uv_run(&world->loop, UV_RUN_NOWAIT);
    }
    close(client);
    assert_non_null(strstr(reply, "\"history\":[]"));
}

/* A call that waits when the API is destroyed is answered and frees it. */
static void test_destroyed_with_open_calls(void **state)
{
    struct world *world = *state;
    struct op_outcome outcome = {.kind = OP_CHECK, .status = CN_CANCELLED};
    int client = client_open(world, "POST", "/v1/check/crm", "{}");

    for (int round = 0; !world->instances.check_fn; round++) {
        assert_true(round < ROUNDS_MAX);
        uv_run(&world->loop, UV_RUN_NOWAIT);
    }
    api_destroy(world->api);
    world->api = NULL;
    world->instances.check_fn(world->instances.check_arg, 1, &outcome);
    close(client);
}

/* ---- The description ------------------------------------------------------
 */

static void test_openapi_is_served(void **state)
{
    struct world *world = *state;

    assert_int_equal(GET("/v1/openapi.json"), 200);
    assert_string_equal(text_at(world, "openapi"), "3.1.0");
}

static void test_routes_are_described(void **state)
{
    const struct api_route *route;
    const cJSON *path, *operation;
    size_t count = 0, described = 0;

    (void)state;
    for (; (route = api_route_at(count)); count++)
        if (!openapi_operation(&openapi, route->method, route->pattern))
            fail_msg("%s %s is not described", route->method, route->pattern);
    cJSON_ArrayForEach(path, openapi_member(openapi.file, "paths"))
        cJSON_ArrayForEach(operation, path)
    {
#ifndef CONNECT_TEST_CLOCK
        if (openapi_member(operation, "x-only"))
            continue;
#endif
        described++;
    }
    assert_int_equal(count, described);
}

static void note_unseen(void *arg, const char *what)
{
    static const char *const not_here[] = {
        /* One helper puts it in all three places. */
        "Delivery.not_shown_bytes",
#ifndef CONNECT_TEST_CLOCK
        "Clock.now_ms",
#endif
    };
    int *faults = arg;

    for (size_t index = 0; index < sizeof(not_here) / sizeof(*not_here);
         index++)
        if (!strcmp(not_here[index], what))
            return;
    print_error("described, but in no reply: %s\n", what);
    ++*faults;
}

static void test_all_described_was_seen(void **state)
{
    int faults = 0;

    (void)state;
    openapi_unseen(&openapi, note_unseen, &faults);
    assert_int_equal(faults, 0);
}

#define API_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        API_TEST(test_status),
        API_TEST(test_resting_gate_is_shown),
        API_TEST(test_run_of_a_missing_instance_says_so),
        API_TEST(test_plugins_and_flows),
        API_TEST(test_run_is_masked),
        API_TEST(test_unmasked_is_recorded),
        API_TEST(test_older_flow_is_known),
        API_TEST(test_undescribed_results_are_masked_whole),
        API_TEST(test_large_payloads_are_not_shown),
        API_TEST(test_retry_begins_anew),
        API_TEST(test_retry_as_it_was),
        API_TEST(test_retry_goes_on_when_something_happened),
        API_TEST(test_acts_are_refused_by_state),
        API_TEST(test_discard_needs_a_reason),
        API_TEST(test_held_is_released),
        API_TEST(test_doubt_is_shown),
        API_TEST(test_pages),
        API_TEST(test_wrong_requests),
        API_TEST(test_quarantine),
        API_TEST(test_quarantine_is_replayed),
        API_TEST(test_quarantine_is_given_up),
        API_TEST(test_alerts_are_acknowledged),
        API_TEST(test_filters),
        API_TEST(test_acts_on_many),
        API_TEST(test_replay),
        API_TEST(test_edit),
        API_TEST(test_settle),
        API_TEST(test_preview),
        API_TEST(test_backup),
        API_TEST(test_reload),
        API_TEST(test_reload_waits_for_registrations),
        API_TEST(test_check),
        API_TEST(test_doctor),
        API_TEST(test_doctor_sees_what_waits),
        API_TEST(test_history_waits),
        API_TEST(test_history_of_one_run),
        API_TEST(test_stop_ends_waiting),
#ifdef CONNECT_TEST_CLOCK
        API_TEST(test_clock_is_stepped),
#endif
        API_TEST(test_destroyed_with_open_calls),
        API_TEST(test_openapi_is_served),
        cmocka_unit_test(test_routes_are_described),
        cmocka_unit_test(test_all_described_was_seen), /* the last one */
    };
    int failed;

    if (openapi_load(&openapi, CONNECT_SOURCE_DIR "/core/admin/openapi.json"))
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    openapi_done(&openapi);
    return failed;
}
