/* kit.c - one instance of a plugin, and the operations a test starts on it.
 *
 * Each function here enters the plugin once, and leaves it by freeing what was
 * lent, running what was posted and ending the requests of operations that
 * are over, until all is quiet.  All on the test's thread. */
#include "kit.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kit_inside.h"

/* A plugin that posts or sends without end would never let the test go on. */
enum { QUIET_ROUNDS_MAX = 10000, POST_WAIT_S = 10 };

/* ---- The instance -------------------------------------------------------- */

const cn_plugin *kit_open(const char *path)
{
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const cn_plugin *plugin = module ? dlsym(module, "cn_plugin_v1") : NULL;

    if (!plugin)
        fprintf(stderr, "kit: %s\n", dlerror());
    return plugin;
}

struct kit *kit_create(const cn_plugin *plugin, const char *config)
{
    struct kit *kit = kit_must(calloc(1, sizeof(*kit)));
    size_t size =
        plugin->size < sizeof(*plugin) ? plugin->size : sizeof(*plugin);

    memcpy(&kit->plugin, plugin, size);
    kit->thread = pthread_self();
    pthread_mutex_init(&kit->lock, NULL);
    pthread_cond_init(&kit->posted, NULL);
    kit_host_init(kit);
    kit_config_load(kit, config);
    return kit;
}

static bool take_post(struct kit *kit, struct kit_post *ret_post)
{
    struct kit_post *post;

    pthread_mutex_lock(&kit->lock);
    post = kit->posts;
    if (post)
        kit->posts = post->next;
    pthread_mutex_unlock(&kit->lock);
    if (!post)
        return false;
    *ret_post = *post;
    free(post);
    return true;
}

void kit_enter(struct kit *kit)
{
    if (kit->inside++) {
        fprintf(stderr, "kit: a test function was called by the plugin\n");
        abort();
    }
    if (!kit->self && kit->started) {
        fprintf(stderr, "kit: there is no instance\n");
        abort();
    }
}

static bool run_post(struct kit *kit)
{
    struct kit_post post;

    if (!take_post(kit, &post))
        return false;
    kit->inside++;
    post.fn(post.arg);
    kit->inside--;
    kit_drop(&kit->lent);
    return true;
}

/* One request of an operation that is over, or NULL. */
static struct kit_request *orphan(struct kit *kit)
{
    for (size_t index = 0; index < kit->exchange_count; index++) {
        struct kit_request *request = &kit->exchanges[index]->request;
        if (!request->answered && request->op && request->op <= kit->op_count &&
            kit->ops[request->op - 1]->result.done)
            return request;
    }
    return NULL;
}

void kit_leave(struct kit *kit)
{
    kit->inside--;
    kit_drop(&kit->lent);
    for (int round = 0; run_post(kit); round++) {
        if (round == QUIET_ROUNDS_MAX) {
            kit_breach(kit, "the plugin posts without end");
            return;
        }
    }
    /* Answering leaves again, and so takes the next one. */
    struct kit_request *request = orphan(kit);
    if (request)
        kit_answer_failure(kit, request, KIT_NO_ANSWER);
}

bool kit_start(struct kit *kit)
{
    kit_enter(kit);
    kit->self = kit->plugin.create(&kit->host);
    kit->started = true;
    kit_leave(kit);
    return kit->self != NULL;
}

static void free_ops(struct kit *kit)
{
    for (size_t index = 0; index < kit->op_count; index++) {
        struct kit_op *op = kit->ops[index];
        free(op->records);
        free(op->settled);
        kit_values_done(&op->values);
        free(op);
    }
    for (size_t index = 0; index < kit->exchange_count; index++)
        free(kit->exchanges[index]);
    free(kit->ops);
    free(kit->exchanges);
}

void kit_destroy(struct kit *kit)
{
    struct kit_post post;

    if (!kit)
        return;
    for (size_t index = 0; index < kit->op_count; index++) {
        if (!kit->ops[index]->result.done)
            kit_breach(kit, "operation %zu never ended", index + 1);
    }
    if (kit->self) {
        while (kit_pending(kit))
            kit_answer_failure(kit, kit_pending(kit), KIT_NO_ANSWER);
        kit_enter(kit);
        kit->plugin.destroy(kit->self);
        kit->inside--;
    }
    while (take_post(kit, &post))
        continue; /* dropped: destroy has returned */
    free_ops(kit);
    free(kit->timers);
    kit_drop(&kit->lent);
    kit_drop(&kit->kept);
    kit_values_done(&kit->secrets);
    kit_values_done(&kit->state);
    cJSON_Delete(kit->manifest);
    cJSON_Delete(kit->config);
    pthread_cond_destroy(&kit->posted);
    pthread_mutex_destroy(&kit->lock);
    free(kit->log);
    free(kit->breaches);
    free(kit);
}

void kit_set_secret(struct kit *kit, const char *name, const char *value)
{
    kit_values_set(&kit->secrets, name, value, value ? strlen(value) : 0);
}

void kit_set_state(struct kit *kit, const char *key, const char *value)
{
    kit_values_set(&kit->state, key, value, value ? strlen(value) : 0);
}

const char *kit_state(struct kit *kit, const char *key)
{
    const struct kit_value *value = kit_values_get(&kit->state, key);

    return value ? kit_keep(kit, value->value, value->len) : NULL;
}

void kit_collect_breaches(struct kit *kit)
{
    kit->collect = true;
}

/* A copy of a text that other threads may add to. */
static const char *copy_text(struct kit *kit, char *const *text)
{
    const char *copy;

    pthread_mutex_lock(&kit->lock);
    copy = kit_keep(kit, *text, *text ? strlen(*text) : 0);
    pthread_mutex_unlock(&kit->lock);
    return copy;
}

const char *kit_breaches(struct kit *kit)
{
    return copy_text(kit, &kit->breaches);
}

const char *kit_log(struct kit *kit)
{
    return copy_text(kit, &kit->log);
}

/* ---- Operations ---------------------------------------------------------- */

static void misuse(const char *what)
{
    fprintf(stderr, "kit: the test asks for what a host never does: %s\n",
            what);
    abort();
}

static struct kit_op *open_op(struct kit *kit, enum kit_kind kind, bool able)
{
    struct kit_op *op = kit_must(calloc(1, sizeof(*op)));
    uint32_t limit = kit->plugin.max_open ? kit->plugin.max_open : 1;
    uint32_t open = 0;

    if (!kit->self)
        misuse("an operation without an instance");
    if (!able)
        misuse("a function that this plugin does not have");
    for (size_t index = 0; index < kit->op_count; index++)
        open += kit->ops[index]->kind == kind && !kit->ops[index]->result.done;
    if (open >= limit && kind != KIT_RECEIVE)
        misuse("more open operations of a kind than max_open");
    kit->ops = kit_grow(kit->ops, kit->op_count + 1, sizeof(*kit->ops));
    kit->ops[kit->op_count++] = op;
    op->id = kit->op_count;
    op->kind = kind;
    op->room = UINT32_MAX;
    op->result.outcome =
        (struct kit_outcome){.message = "", .body = "", .cursor = ""};
    return op;
}

cn_op kit_poll(struct kit *kit, const char *stream, const char *cursor,
               uint32_t max_records)
{
    struct kit_op *op = open_op(kit, KIT_POLL, kit->plugin.poll);
    cn_poll poll = {
        .size = sizeof(poll), .max_records = max_records, .timeout_ms = 60000};

    op->room = max_records;
    kit_enter(kit);
    poll.stream = kit_lend_text(kit, stream).ptr;
    poll.cursor = kit_lend_text(kit, cursor);
    kit->plugin.poll(kit->self, op->id, kit_lend(kit, &poll, sizeof(poll)));
    kit_leave(kit);
    return op->id;
}

static const cn_record *lend_record(struct kit *kit, const cn_record *record)
{
    cn_record *copy = kit_lend(kit, record, sizeof(*record));

    copy->size = sizeof(*copy);
    copy->type = kit_lend_text(kit, record->type).ptr;
    copy->id.ptr = kit_lend(kit, record->id.ptr, record->id.len);
    copy->key.ptr = kit_lend(kit, record->key.ptr, record->key.len);
    copy->body.ptr = kit_lend(kit, record->body.ptr, record->body.len);
    copy->origin =
        kit_lend_text(kit, record->origin ? record->origin : "origin").ptr;
    copy->attempt = record->attempt ? record->attempt : 1;
    return copy;
}

/* Lend records and run one of the functions that take a delivery. */
static cn_op hand_over(struct kit *kit, enum kit_kind kind,
                       void (*fn)(void *, cn_op, const cn_delivery *),
                       const cn_record *records, uint32_t count)
{
    uint32_t most = kit->plugin.max_batch ? kit->plugin.max_batch : 1;
    struct kit_op *op = open_op(kit, kind, fn);
    cn_delivery delivery = {
        .size = sizeof(delivery), .count = count, .timeout_ms = 60000};
    const cn_record **list = kit_must(calloc(count ? count : 1, sizeof(*list)));

    if (!count || count > most)
        misuse("a delivery of more records than max_batch, or of none");
    op->settled = kit_must(calloc(count, sizeof(*op->settled)));
    op->result.settled = op->settled;
    op->result.settled_count = kind == KIT_DELIVER ? count : 0;
    kit_enter(kit);
    for (uint32_t index = 0; index < count; index++)
        list[index] = lend_record(kit, &records[index]);
    delivery.records = kit_lend(kit, list, count * sizeof(*list));
    free(list);
    fn(kit->self, op->id, kit_lend(kit, &delivery, sizeof(delivery)));
    kit_leave(kit);
    return op->id;
}

static cn_record make_record(const char *type, const char *id, const char *key,
                             const char *body)
{
    return (cn_record){.size = sizeof(cn_record),
                       .type = type,
                       .id = {id, id ? strlen(id) : 0},
                       .key = {key, key ? strlen(key) : 0},
                       .body = {body, strlen(body)}};
}

cn_op kit_deliver(struct kit *kit, const char *type, const char *id,
                  const char *key, const char *body)
{
    cn_record record = make_record(type, id, key, body);

    return hand_over(kit, KIT_DELIVER, kit->plugin.deliver, &record, 1);
}

cn_op kit_probe(struct kit *kit, const char *type, const char *id,
                const char *key, const char *body)
{
    cn_record record = make_record(type, id, key, body);

    return hand_over(kit, KIT_PROBE, kit->plugin.probe, &record, 1);
}

cn_op kit_transform(struct kit *kit, const char *type, const char *id,
                    const char *key, const char *body)
{
    cn_record record = make_record(type, id, key, body);

    return hand_over(kit, KIT_TRANSFORM, kit->plugin.transform, &record, 1);
}

cn_op kit_deliver_records(struct kit *kit, const cn_record *records,
                          uint32_t count)
{
    return hand_over(kit, KIT_DELIVER, kit->plugin.deliver, records, count);
}

cn_op kit_probe_record(struct kit *kit, const cn_record *record)
{
    return hand_over(kit, KIT_PROBE, kit->plugin.probe, record, 1);
}

cn_op kit_call(struct kit *kit, const char *action, const char *body)
{
    struct kit_op *op = open_op(kit, KIT_CALL, kit->plugin.call);
    cn_call call = {.size = sizeof(call), .timeout_ms = 60000};

    kit_enter(kit);
    call.action = kit_lend_text(kit, action).ptr;
    call.id = kit_lend_text(kit, "call");
    call.body = kit_lend_text(kit, body ? body : "{}");
    kit->plugin.call(kit->self, op->id, kit_lend(kit, &call, sizeof(call)));
    kit_leave(kit);
    return op->id;
}

cn_op kit_check(struct kit *kit)
{
    struct kit_op *op = open_op(kit, KIT_CHECK, kit->plugin.check);

    kit_enter(kit);
    kit->plugin.check(kit->self, op->id);
    kit_leave(kit);
    return op->id;
}

cn_op kit_stop(struct kit *kit)
{
    struct kit_op *op = open_op(kit, KIT_STOP, kit->plugin.stop);

    kit_enter(kit);
    kit->plugin.stop(kit->self, op->id);
    kit_leave(kit);
    return op->id;
}

cn_op kit_receive(struct kit *kit, const char *url, const char *const *headers,
                  const char *body)
{
    enum { HEADERS_MAX = 64 };
    cn_header list[HEADERS_MAX];
    cn_http_request request = {
        .size = sizeof(request), .method = "POST", .url = url, .headers = list};

    while (headers && headers[0] && request.header_count < HEADERS_MAX) {
        cn_header *header = &list[request.header_count++];
        header->name = (cn_str){headers[0], strlen(headers[0])};
        header->value = (cn_str){headers[1], strlen(headers[1])};
        headers += 2;
    }
    request.body = (cn_str){body, body ? strlen(body) : 0};
    return kit_receive_request(kit, &request);
}

cn_op kit_receive_request(struct kit *kit, const cn_http_request *request)
{
    const cn_receiver *receiver =
        kit->plugin.extension ? kit->plugin.extension(CN_EXT_RECEIVER) : NULL;
    struct kit_op *op = open_op(kit, KIT_RECEIVE, receiver);
    cn_http_request *copy;
    cn_header *headers;

    kit_enter(kit);
    copy = kit_lend(kit, request, sizeof(*request));
    copy->op = op->id;
    copy->method = kit_lend_text(kit, request->method).ptr;
    copy->url = kit_lend_text(kit, request->url).ptr;
    copy->auth = NULL;
    copy->body.ptr = kit_lend(kit, request->body.ptr, request->body.len);
    headers = kit_lend(kit, request->headers,
                       request->header_count * sizeof(*headers));
    for (uint32_t index = 0; index < request->header_count; index++) {
        cn_header *header = &headers[index];
        header->name.ptr = kit_lend(kit, header->name.ptr, header->name.len);
        header->value.ptr = kit_lend(kit, header->value.ptr, header->value.len);
    }
    copy->headers = headers;
    receiver->receive(kit->self, op->id, copy);
    kit_leave(kit);
    return op->id;
}

void kit_cancel(struct kit *kit, cn_op op)
{
    kit_http_end(kit, op);
    if (!kit->plugin.cancel || kit_result(kit, op)->done)
        return;
    kit_enter(kit);
    kit->plugin.cancel(kit->self, op);
    kit_leave(kit);
}

void kit_commit(struct kit *kit, const char *cursor)
{
    if (!kit->plugin.commit)
        return;
    kit_enter(kit);
    kit->plugin.commit(kit->self, kit_lend_text(kit, cursor));
    kit_leave(kit);
}

const struct kit_result *kit_result(struct kit *kit, cn_op op)
{
    if (!op || op > kit->op_count)
        misuse("the result of an operation that never was");
    return &kit->ops[op - 1]->result;
}

/* ---- Time ---------------------------------------------------------------- */

static size_t next_timer(const struct kit *kit)
{
    size_t next = 0;

    for (size_t index = 1; index < kit->timer_count; index++) {
        const struct kit_timer *timer = &kit->timers[index];
        const struct kit_timer *best = &kit->timers[next];
        if (timer->due_ms < best->due_ms ||
            (timer->due_ms == best->due_ms && timer->id < best->id))
            next = index;
    }
    return next;
}

void kit_advance(struct kit *kit, uint64_t delay_ms)
{
    uint64_t end_ms = kit->now_ms + delay_ms;

    for (int round = 0; kit->timer_count; round++) {
        size_t index = next_timer(kit);
        struct kit_timer timer = kit->timers[index];
        if (timer.due_ms > end_ms)
            break;
        if (round == QUIET_ROUNDS_MAX) {
            kit_breach(kit, "the plugin starts timers without end");
            break;
        }
        kit->timers[index] = kit->timers[--kit->timer_count];
        kit->now_ms = timer.due_ms;
        kit_enter(kit);
        timer.fn(timer.arg);
        kit_leave(kit);
    }
    kit->now_ms = end_ms;
}

size_t kit_timer_count(struct kit *kit)
{
    return kit->timer_count;
}

uint64_t kit_timer_next_ms(struct kit *kit)
{
    if (!kit->timer_count)
        return UINT64_MAX;
    return kit->timers[next_timer(kit)].due_ms - kit->now_ms;
}

size_t kit_wait_posts(struct kit *kit)
{
    struct timespec limit;
    size_t count = 0;
    int status = 0;

    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += POST_WAIT_S;
    pthread_mutex_lock(&kit->lock);
    while (!kit->posts && status != ETIMEDOUT)
        status = pthread_cond_timedwait(&kit->posted, &kit->lock, &limit);
    pthread_mutex_unlock(&kit->lock);
    while (count < QUIET_ROUNDS_MAX && run_post(kit))
        count++;
    kit_enter(kit);
    kit_leave(kit);
    return count;
}
