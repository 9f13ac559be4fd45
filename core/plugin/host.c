/* host.c - one instance: its life and the calls into it.
 *
 * Its one idea: every call into a plugin stands between host_enter and
 * host_leave, so that there is one place that says who holds the thread, for
 * how long, and whether the core has given it up meanwhile.  What must hold:
 * after host_leave said false nothing of the host is touched any more, but by
 * host_leave_behind when the thread ends.  Runs on the instance's runner
 * thread, but host_permits, which any thread may try. */
#include "plugin/host.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "plugin/host_config.h"
#include "plugin/host_emit.h"
#include "plugin/host_http.h"
#include "plugin/host_log.h"
#include "plugin/host_outcome.h"
#include "plugin/host_state.h"
#include "plugin/host_timer.h"
#include "plugin/op_message.h"
#include "plugin/runner.h"

enum {
    SCRATCH_BYTES_MAX = 16 * 1024 * 1024, /* of one call; values have 4 KiB */
    HELD_WARN_MS = 100, /* on a shared thread; neighbours wait that long */
    VALUES_MAX = CN_STATE_COUNT_MAX
};

struct host_block {
    struct host_block *next;
    char bytes[];
};

static struct host *hosts_ever; /* keeps them reachable; under the mutex */
static uv_mutex_t hosts_mutex;
static uv_once_t hosts_once = UV_ONCE_INIT;

static void hosts_prepare(void)
{
    if (uv_mutex_init(&hosts_mutex))
        abort();
}

static const void *host_extension(const cn_host *table, const char *id)
{
    struct host *host;

    if (!host_permits(table, "extension", &host) || !id)
        return NULL;
    if (!strcmp(id, CN_EXT_HTTP))
        return host_http_extension();
    if (!strcmp(id, CN_EXT_STATE))
        return host_state_extension();
    return NULL;
}

bool host_permits(const cn_host *table, const char *function,
                  struct host **ret_host)
{
    struct host *host = (struct host *)(uintptr_t)table;
    uv_thread_t self = uv_thread_self();

    if (!atomic_load(&host->open)) {
        host_complain(host, 0, "called %s after the instance had ended",
                      function);
        return false;
    }
    if (!uv_thread_equal(&self, &host->thread)) {
        host_complain(host, 0,
                      "called %s on a thread that is not the instance's",
                      function);
        return false;
    }
    if (atomic_load(&host->runner->abandoned)) {
        host_complain(host, 0, "called %s after it had been given up",
                      function);
        return false;
    }
    *ret_host = host;
    return true;
}

void host_enter(struct host *host, const struct host_op *op)
{
    struct runner *runner = host->runner;

    host->calling = true;
    host->current_op = op ? op->id : 0;
    host->current_run = op ? op->run : 0;
    host->call_began = uv_hrtime();
    atomic_store(&runner->calling, host->number);
    atomic_fetch_add(&runner->calls, 1);
}

static void scratch_free(struct host *host)
{
    while (host->scratch) {
        struct host_block *block = host->scratch;
        host->scratch = block->next;
        free(block);
    }
    host->scratch_bytes = 0;
}

bool host_leave(struct host *host)
{
    struct runner *runner = host->runner;
    uint64_t held_ms = (uv_hrtime() - host->call_began) / 1000000;

    atomic_fetch_add(&runner->calls, 1);
    if (atomic_load(&runner->abandoned))
        return false;
    host->calling = false;
    if (held_ms > host->held_ms_max)
        host->held_ms_max = held_ms;
    if (!runner->blocking && held_ms >= HELD_WARN_MS &&
        held_ms > 2 * host->held_ms_told) {
        host->held_ms_told = held_ms;
        host_complain(host, host->current_op,
                      "held its thread for %" PRIu64
                      " ms; others wait meanwhile",
                      held_ms);
    }
    host->current_op = host->current_run = 0;
    scratch_free(host);
    return true;
}

char *host_scratch(struct host *host, const void *bytes, size_t len)
{
    struct host_block *block;

    if (len > SCRATCH_BYTES_MAX - host->scratch_bytes)
        return NULL;
    block = memory_zero(1, sizeof(*block) + len + 1);
    if (len)
        memcpy(block->bytes, bytes, len);
    block->next = host->scratch;
    host->scratch = block;
    host->scratch_bytes += len;
    return block->bytes;
}

struct host_op *host_op_find(struct host *host, uint64_t op)
{
    struct host_op *found;

    HASH_FIND(hh, host->ops, &op, sizeof(op), found);
    return found;
}

/* ---- Making ------------------------------------------------------------- */

void host_setup_put(struct buf *payload, const struct host_setup *setup)
{
    message_put_text(payload, setup->name);
    message_put_number(payload, setup->module);
    message_put_str(payload, setup->config);
    message_put_number(payload, setup->secret_count);
    for (size_t index = 0; index < setup->secret_count; index++) {
        message_put_text(payload, setup->secrets[index].name);
        message_put_text(payload, setup->secrets[index].value);
    }
    message_put_number(payload, setup->value_count);
    for (size_t index = 0; index < setup->value_count; index++)
        op_value_put(payload, &setup->values[index]);
}

static bool setup_take(struct message_reader *reader, struct host_setup *setup,
                       struct op_value values[VALUES_MAX])
{
    setup->name = message_take_text(reader);
    setup->module = message_take_number(reader);
    setup->config = message_take_str(reader);
    setup->secret_count = message_take_count(reader, 2);
    if (setup->secret_count > HOST_SECRETS_MAX)
        return false;
    for (size_t index = 0; index < setup->secret_count; index++) {
        setup->secrets[index].name =
            (char *)(uintptr_t)message_take_text(reader);
        setup->secrets[index].value =
            (char *)(uintptr_t)message_take_text(reader);
    }
    setup->values = values;
    setup->value_count = message_take_count(reader, 2);
    if (setup->value_count > VALUES_MAX)
        return false;
    for (size_t index = 0; index < setup->value_count; index++) {
        values[index].key = message_take_text(reader);
        values[index].value = message_take_str(reader);
    }
    return !reader->failed && setup->name && module_find(setup->module);
}

static struct host *host_make(struct runner *runner, uint64_t number,
                              const struct host_setup *setup)
{
    struct host *host = memory_zero(1, sizeof(*host));

    if (uv_mutex_init(&host->lock))
        abort();
    host->number = number;
    host->runner = runner;
    host->thread = uv_thread_self();
    host->module = module_find(setup->module);
    host->name = memory_text(setup->name);
    host->plugin = memory_text(host->module->table.id);
    host->table = (cn_host){
        .size = sizeof(cn_host),
        .version = CONNECT_VERSION,
        .instance = host->name,
        .emit = host_emit,
        .settle = host_settle,
        .done = host_done,
        .config = host_config,
        .secret = host_secret,
        .timer_start = host_timer_start,
        .timer_stop = host_timer_stop,
        .post = host_post,
        .log = host_log,
        .extension = host_extension,
    };
    atomic_init(&host->open, true);
    uv_once(&hosts_once, hosts_prepare);
    uv_mutex_lock(&hosts_mutex);
    host->older = hosts_ever;
    hosts_ever = host;
    uv_mutex_unlock(&hosts_mutex);
    return host;
}

static void host_tell_created(struct runner *runner, uint64_t number,
                              int64_t status, const char *reason, bool receiver)
{
    struct buf payload;

    buf_init(&payload, MESSAGE_BYTES_MAX);
    message_put_number(&payload, (uint64_t)status);
    message_put_text(&payload, reason);
    message_put_number(&payload, receiver);
    mailbox_send_urgent(runner->outbox,
                        message_create(MESSAGE_CREATED, number, 0, &payload));
    buf_done(&payload);
}

/* The receiver's table as of 1.0: size, reserved and one function. */
static void host_receiver(struct host *host, const void *extension)
{
    const size_t size_min = 16;

    if (!extension)
        return;
    if (!loader_normalise(&host->receiver, sizeof(host->receiver), extension,
                          size_min) ||
        !host->receiver.receive) {
        host_complain(host, 0,
                      "offers " CN_EXT_RECEIVER
                      " with a table that is too small or empty");
        host->receiver.size = 0;
    }
}

static void host_close(struct host *host);

void host_create(struct runner *runner, const struct message *message)
{
    struct message_reader reader;
    struct host_setup setup = {0};
    struct op_value values[VALUES_MAX];
    const void *extension = NULL;
    struct host *host;

    message_read(&reader, message);
    if (!setup_take(&reader, &setup, values)) {
        host_tell_created(runner, message->instance, -EINVAL,
                          "the host could not read its own message", false);
        return;
    }
    host = host_make(runner, message->instance, &setup);
    if (host_config_fill(host, &setup)) {
        host_tell_created(runner, host->number, -EINVAL,
                          "the configuration could not be read", false);
        host_close(host);
        return;
    }
    /* Known from here on: create may begin a thread that posts, and hang. */
    HASH_ADD(hh, runner->hosts, number, sizeof(host->number), host);
    host_enter(host, NULL);
    host->self = host->module->table.create(&host->table);
    if (host->self && host->module->table.extension)
        extension = host->module->table.extension(CN_EXT_RECEIVER);
    if (!host_leave(host))
        return;
    if (!host->self) {
        host_tell_created(
            runner, host->number, -ECANCELED,
            *host->reason ? host->reason : "the plugin gave no reason", false);
        HASH_DEL(runner->hosts, host);
        host_close(host);
        return;
    }
    host_receiver(host, extension);
    host_tell_created(runner, host->number, 0, "", host->receiver.size != 0);
}

/* ---- Ending ------------------------------------------------------------- */

/* Free what it held; the shell stays. */
static void host_close(struct host *host)
{
    struct host_op *op, *next;

    atomic_store(&host->open, false);
    host_posts_free(host); /* and forgets the runner */
    host_timers_free(host);
    host_http_free(host);
    HASH_ITER(hh, host->ops, op, next)
    {
        host_op_free(host, op);
    }
    values_free(&host->values);
    host_config_free(host);
    scratch_free(host);
}

void host_destroy(struct host *host)
{
    struct runner *runner = host->runner;

    host_timers_free(host);
    if (!host_http_end(host))
        return;
    host_enter(host, NULL);
    host->module->table.destroy(host->self);
    if (!host_leave(host))
        return;
    host->self =
        NULL; /* one that is abandoned keeps it: it is lost, and known */
    HASH_DEL(runner->hosts, host);
    mailbox_send_urgent(runner->outbox, message_create(MESSAGE_DESTROYED,
                                                       host->number, 0, NULL));
    host_close(host);
}

void host_abandon(struct host *host)
{
    HASH_DEL(host->runner->hosts, host);
    host_close(host);
}

void host_leave_behind(struct host *host)
{
    atomic_store(&host->open, false);
    host_posts_free(host); /* and forgets the runner */
}

/* ---- Work --------------------------------------------------------------- */

static void start_delivery(struct host *host, struct host_op *op,
                           const struct op_request *request)
{
    const cn_plugin *table = &host->module->table;
    cn_record record = request->record;
    const cn_record *records[] = {&record};
    cn_delivery delivery = {.size = sizeof(delivery),
                            .count = 1,
                            .records = records,
                            .timeout_ms = request->timeout_ms};

    record.size = sizeof(record);
    record.origin = record.origin ? record.origin : "";
    if (request->kind == OP_DELIVER)
        table->deliver(host->self, op->id, &delivery);
    else if (request->kind == OP_PROBE)
        table->probe(host->self, op->id, &delivery);
    else
        table->transform(host->self, op->id, &delivery);
}

static void start_receive(struct host *host, struct host_op *op,
                          const struct op_request *request)
{
    cn_header headers[OP_HEADERS_MAX];
    cn_http_request received = {.size = sizeof(received),
                                .header_count = (uint32_t)request->header_count,
                                .op = op->id,
                                .method = request->method,
                                .url = request->path,
                                .auth = request->action,
                                .headers = headers,
                                .body = request->body,
                                .timeout_ms = request->timeout_ms};

    for (size_t index = 0; index < request->header_count; index++)
        headers[index] = (cn_header){request->headers[index].name,
                                     request->headers[index].value};
    host->receiver.receive(host->self, op->id, &received);
}

static void start_poll(struct host *host, struct host_op *op,
                       const struct op_request *request)
{
    cn_poll poll = {.size = sizeof(poll),
                    .max_records = request->max_records,
                    .stream = request->stream,
                    .cursor = request->cursor,
                    .timeout_ms = request->timeout_ms,
                    .overlap_ms = request->overlap_ms};

    host->module->table.poll(host->self, op->id, &poll);
}

static void start_call(struct host *host, struct host_op *op,
                       const struct op_request *request)
{
    cn_call call = {.size = sizeof(call),
                    .action = request->action,
                    .id = request->call_id,
                    .body = request->body,
                    .timeout_ms = request->timeout_ms};

    host->module->table.call(host->self, op->id, &call);
}

/* Has the instance what this kind of operation needs? */
static bool host_plays(const struct host *host, enum op_kind kind)
{
    const cn_plugin *table = &host->module->table;

    switch (kind) {
    case OP_POLL:
        return table->poll != NULL;
    case OP_DELIVER:
        return table->deliver != NULL;
    case OP_PROBE:
        return table->probe != NULL;
    case OP_TRANSFORM:
        return table->transform != NULL;
    case OP_CALL:
        return table->call != NULL;
    case OP_CHECK:
        return table->check != NULL;
    case OP_STOP:
        return table->stop != NULL;
    case OP_RECEIVE:
        return host->receiver.size != 0;
    }
    return false;
}

static void start_call_into(struct host *host, struct host_op *op,
                            const struct op_request *request)
{
    switch (request->kind) {
    case OP_POLL:
        start_poll(host, op, request);
        break;
    case OP_DELIVER:
    case OP_PROBE:
    case OP_TRANSFORM:
        start_delivery(host, op, request);
        break;
    case OP_CALL:
        start_call(host, op, request);
        break;
    case OP_CHECK:
        host->module->table.check(host->self, op->id);
        break;
    case OP_STOP:
        host->module->table.stop(host->self, op->id);
        break;
    case OP_RECEIVE:
        start_receive(host, op, request);
        break;
    }
}

static void host_start(struct host *host, const struct message *message)
{
    struct message_reader reader;
    struct op_request request;
    struct op_header headers[OP_HEADERS_MAX];
    struct host_op *op = memory_zero(1, sizeof(*op));
    cn_outcome lacking = {.size = sizeof(lacking), .status = CN_UNSUPPORTED};

    message_read(&reader, message);
    op->id = message->op;
    buf_init(&op->records, MESSAGE_BYTES_MAX / 2);
    buf_init(&op->settlement, MESSAGE_BYTES_MAX / 2);
    if (!op_request_take(&reader, &request, headers))
        request.kind = OP_STOP; /* our own message; cannot happen */
    op->run = request.run;
    op->kind = request.kind;
    op->max_records =
        request.kind == OP_POLL ? request.max_records : OP_RECORDS_MAX;
    if (request.kind == OP_CALL)
        op->action = manifest_action(host->module->manifest, request.action);
    if (request.kind == OP_TRANSFORM)
        op->origin_id =
            memory_copy(request.record.id.ptr, request.record.id.len);
    HASH_ADD(hh, host->ops, id, sizeof(op->id), op);
    if (!host_plays(host, request.kind)) {
        host_done(&host->table, op->id,
                  request.kind == OP_STOP ? NULL : &lacking);
        return;
    }
    host_enter(host, op);
    start_call_into(host, op, &request);
    (void)host_leave(host);
}

static void host_cancel(struct host *host, uint64_t id)
{
    struct host_op *op = host_op_find(host, id);

    if (!op || !host->module->table.cancel)
        return;
    host_enter(host, op);
    host->module->table.cancel(host->self, id);
    (void)host_leave(host);
}

static void host_commit(struct host *host, const struct message *message)
{
    struct message_reader reader;
    cn_str cursor;

    message_read(&reader, message);
    cursor = message_take_str(&reader);
    if (!host->module->table.commit)
        return;
    host_enter(host, NULL);
    host->module->table.commit(host->self, cursor);
    (void)host_leave(host);
}

static void host_values_take(struct host *host, const struct message *message)
{
    struct message_reader reader;
    size_t count;

    message_read(&reader, message);
    count = message_take_count(&reader, 2);
    for (size_t index = 0; index < count; index++) {
        const char *key = message_take_text(&reader);
        cn_str value = message_take_str(&reader);
        if (key && !reader.failed)
            value_keep(&host->values, key, value);
    }
}

void host_receive(struct host *host, const struct message *message)
{
    switch (message->kind) {
    case MESSAGE_START:
        host_start(host, message);
        break;
    case MESSAGE_CANCEL:
        host_cancel(host, message->op);
        break;
    case MESSAGE_COMMIT:
        host_commit(host, message);
        break;
    case MESSAGE_VALUES:
        host_values_take(host, message);
        break;
    case MESSAGE_HTTP_ANSWER:
        host_http_answer(host, message);
        break;
    case MESSAGE_DESTROY:
        host_destroy(host);
        break;
    case MESSAGE_ABANDON:
        host_abandon(host);
        break;
    default:
        break;
    }
}
