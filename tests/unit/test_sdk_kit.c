/* links: connect_kit */
/* test_sdk_kit.c - the kit itself: a plugin that does what its records say
 * shows that the kit carries out what is right and sees what is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <connect/json.h>

#include "kit.h"

/* ---- A plugin that obeys the type of its record ------------------------- */

struct puppet {
    const cn_host *host;
    const cn_http *http;
    const cn_state *state;
    cn_op open; /* the last operation */
    pthread_t thread;
    int posted, fired;
    cn_timer timer;
};

static void end(struct puppet *self, cn_op op, cn_status status,
                const char *message)
{
    cn_outcome outcome = {
        .size = sizeof(outcome), .status = status, .message = message};

    self->host->done(self->host, op, &outcome);
}

static cn_status emit(struct puppet *self, cn_op op, const char *body)
{
    cn_record record = {.size = sizeof(record),
                        .type = "thing/1",
                        .id = CN_STR("id"),
                        .key = CN_STR("key"),
                        .body = {body, strlen(body)}};

    return self->host->emit(self->host, op, &record);
}

static void *puppet_create(const cn_host *host)
{
    struct puppet *self;

    if (!host->config(host, "/url").ptr) {
        host->log(host, CN_LOG_ERROR, "there is no url");
        return NULL;
    }
    self = calloc(1, sizeof(*self));
    self->host = host;
    self->http = host->extension(host, CN_EXT_HTTP);
    self->state = host->extension(host, CN_EXT_STATE);
    return self;
}

static void answered(void *arg, const cn_http_response *response)
{
    struct puppet *self = arg;

    self->host->done(self->host, response->op, response->outcome);
}

static void answered_retry(void *arg, const cn_http_response *response)
{
    end(arg, response->op, CN_RETRY, "again");
}

static void ignored(void *arg, const cn_http_response *response)
{
    (void)arg;
    (void)response;
}

static void send(struct puppet *self, cn_op op, uint32_t effect,
                 const char *auth, void (*fn)(void *, const cn_http_response *))
{
    cn_header header = {CN_STR("X-Kind"), CN_STR("test")};
    cn_http_request request = {.size = sizeof(request),
                               .op = op,
                               .method = "POST",
                               .url = "http://there/",
                               .auth = auth,
                               .headers = &header,
                               .header_count = 1,
                               .body = CN_STR("{\"a\":1}"),
                               .effect = effect};

    self->http->send(self->host, &request, fn, self);
}

static void posted(void *arg)
{
    struct puppet *self = arg;

    self->posted++;
    self->host->done(self->host, self->open, NULL);
}

static void *work(void *arg)
{
    struct puppet *self = arg;

    self->host->log(self->host, CN_LOG_INFO, "from a thread");
    self->host->post(self->host, posted, self);
    return NULL;
}

static void fired(void *arg)
{
    ((struct puppet *)arg)->fired++;
}

static void deliver_badly(struct puppet *self, cn_op op, const char *what)
{
    const cn_host *host = self->host;

    if (!strcmp(what, "twice")) {
        host->done(host, op, NULL);
        host->done(host, op, NULL);
    } else if (!strcmp(what, "emit")) {
        emit(self, op, "{}");
        host->done(host, op, NULL);
    } else if (!strcmp(what, "stranger")) {
        host->done(host, op + 7, NULL);
        host->done(host, op, NULL);
    } else if (!strcmp(what, "speechless")) {
        end(self, op, CN_REJECTED, NULL);
    } else if (!strcmp(what, "babble")) {
        end(self, op, CN_REJECTED, "\xe9");
    } else if (!strcmp(what, "tell")) {
        end(self, op, CN_AUTH, "hush-hush was refused");
    } else if (!strcmp(what, "number")) {
        end(self, op, 77, "what");
    } else if (!strcmp(what, "absent")) {
        end(self, op, CN_ABSENT, "not there");
    } else if (!strcmp(what, "deny")) {
        send(self, op, 1, NULL, answered_retry);
    } else if (!strcmp(what, "hasty")) {
        send(self, op, 1, NULL, ignored);
        end(self, op, CN_RETRY, "again");
    } else if (!strcmp(what, "auth")) {
        send(self, op, 0, "basic token:nothing", answered);
    }
}

static void puppet_deliver(void *arg, cn_op op, const cn_delivery *delivery)
{
    struct puppet *self = arg;
    const char *what = delivery->records[0]->type;

    self->open = op;
    if (!strcmp(what, "post"))
        send(self, op, 1, "basic token, header:X-Key token", answered);
    else if (!strcmp(what, "thread"))
        pthread_create(&self->thread, NULL, work, self);
    else if (!strcmp(what, "settle")) {
        cn_outcome outcome = {
            .size = sizeof(outcome), .status = CN_HOLD, .message = "on hold"};
        self->host->settle(self->host, op, 1, &outcome);
        self->host->done(self->host, op, NULL);
    } else if (strcmp(what, "wait"))
        deliver_badly(self, op, what);
}

static void puppet_poll(void *arg, cn_op op, const cn_poll *poll)
{
    struct puppet *self = arg;
    cn_outcome outcome = {
        .size = sizeof(outcome), .cursor = CN_STR("next"), .more = 1};

    if (!strcmp(poll->stream, "broken"))
        assert_int_equal(emit(self, op, "{\"a\":1,\"a\":2}"), CN_INVALID);
    while (emit(self, op, "{\"n\":1}") == CN_OK)
        continue;
    assert_string_equal(poll->cursor.ptr, "start");
    self->host->done(self->host, op, &outcome);
}

static void puppet_call(void *arg, cn_op op, const cn_call *call)
{
    struct puppet *self = arg;
    cn_outcome outcome = {.size = sizeof(outcome)};
    cn_str value = {call->body.ptr, call->body.len};

    self->open = op;
    if (!strcmp(call->action, "put"))
        self->state->put(self->host, op, "value", value);
    if (!strcmp(call->action, "forget"))
        self->state->put(self->host, op, "value", (cn_str){NULL, 0});
    if (!strcmp(call->action, "fail")) {
        self->state->put(self->host, op, "value", value);
        end(self, op, CN_RETRY, "later");
        return;
    }
    if (!strcmp(call->action, "timers")) {
        self->host->timer_start(self->host, 100, fired, self);
        self->timer = self->host->timer_start(self->host, 50, fired, self);
        self->host->timer_start(self->host, 10, fired, self);
        self->host->timer_stop(self->host, self->timer);
    }
    if (!strcmp(call->action, "effect"))
        send(self, op, 1, NULL, ignored);
    outcome.body = self->state->get(self->host, op, "value");
    self->host->done(self->host, op, &outcome);
}

static void puppet_cancel(void *arg, cn_op op)
{
    end(arg, op, CN_CANCELLED, "as asked");
}

static void puppet_destroy(void *arg)
{
    struct puppet *self = arg;

    if (self->thread)
        pthread_join(self->thread, NULL);
    free(self);
}

static void puppet_receive(void *arg, cn_op op, const cn_http_request *request)
{
    struct puppet *self = arg;
    const cn_header *header = request->headers;

    if (!request->header_count || strcmp(header->value.ptr, "sesame")) {
        end(self, op, CN_AUTH, "the token is wrong");
        return;
    }
    emit(self, op, request->body.ptr);
    self->host->done(self->host, op, NULL);
}

static const void *puppet_extension(const char *id)
{
    static const cn_receiver receiver = {sizeof(receiver), 0, puppet_receive};

    return strcmp(id, CN_EXT_RECEIVER) ? NULL : &receiver;
}

static const cn_plugin puppet = {
    .size = sizeof(cn_plugin),
    .id = "test.puppet",
    .version = "1",
    .manifest = "{\"config\":{\"properties\":{\"url\":{\"type\":\"string\"},"
                "\"retries\":{\"type\":\"integer\",\"default\":3},"
                "\"deep\":{\"properties\":{\"on\":{\"default\":true}}},"
                "\"token\":{\"writeOnly\":true}}},\"emits\":[\"thing/1\"]}",
    .max_batch = 4,
    .max_open = 2,
    .create = puppet_create,
    .destroy = puppet_destroy,
    .poll = puppet_poll,
    .deliver = puppet_deliver,
    .probe = puppet_deliver,
    .call = puppet_call,
    .cancel = puppet_cancel,
    .extension = puppet_extension,
};

static struct kit *start(void)
{
    struct kit *kit = kit_create(
        &puppet, "{\"url\":\"u\",\"deep\":{},\"token\":\"hush-hush\"}");

    assert_true(kit_start(kit));
    return kit;
}

/* ---- What is right ------------------------------------------------------ */

static void serves_configuration(void **state)
{
    struct kit *kit = start(), *poor = kit_create(&puppet, "{}");
    const cn_host *host = (const cn_host *)(void *)kit; /* first member */

    (void)state;
    assert_string_equal(host->config(host, "/url").ptr, "u");
    assert_string_equal(host->config(host, "/retries").ptr, "3");
    assert_string_equal(host->config(host, "/deep/on").ptr, "true");
    assert_null(host->config(host, "/token").ptr);
    assert_string_equal(host->config(host, "").ptr,
                        "{\"url\":\"u\",\"deep\":{\"on\":true},\"retries\":3}");
    assert_string_equal(host->secret(host, "token").ptr, "hush-hush");
    assert_null(host->secret(host, "url").ptr);
    kit_destroy(kit);
    assert_false(kit_start(poor));
    assert_string_equal(kit_log(poor), "error: there is no url\n");
    kit_destroy(poor);
}

static void carries_requests(void **state)
{
    struct kit *kit = start();
    cn_op op = kit_deliver(kit, "post", "1", "k", "{}");
    struct kit_request *request = kit_pending(kit);
    static const char *const headers[] = {"Retry-After", "7", NULL};

    (void)state;
    assert_false(kit_result(kit, op)->done);
    assert_string_equal(request->method, "POST");
    assert_string_equal(request->url, "http://there/");
    assert_string_equal(request->body, "{\"a\":1}");
    assert_string_equal(kit_request_header(request, "x-kind"), "test");
    assert_null(kit_request_header(request, "other"));
    assert_int_equal(request->effect, 1);
    kit_answer(kit, request, 201, "{}");
    assert_true(kit_result(kit, op)->done);
    assert_int_equal(kit_result(kit, op)->outcome.status, CN_OK);
    assert_null(kit_pending(kit));

    static const struct {
        uint32_t code;
        cn_status status;
    } rows[] = {
        {204, CN_OK},       {429, CN_RATE_LIMITED}, {503, CN_RATE_LIMITED},
        {401, CN_AUTH},     {403, CN_AUTH},         {500, CN_IN_DOUBT},
        {408, CN_IN_DOUBT}, {404, CN_REJECTED},     {302, CN_REJECTED}};
    for (size_t index = 0; index < sizeof(rows) / sizeof(*rows); index++) {
        op = kit_deliver(kit, "post", "1", "k", "{}");
        kit_answer_headers(kit, kit_pending(kit), rows[index].code, headers,
                           (cn_str){NULL, 0});
        assert_int_equal(kit_result(kit, op)->outcome.status,
                         rows[index].status);
        assert_int_equal(kit_result(kit, op)->outcome.retry_after_ms,
                         rows[index].status == CN_RATE_LIMITED ? 7000 : 0);
    }
    static const cn_status failures[] = {CN_RETRY, CN_IN_DOUBT, CN_IN_DOUBT,
                                         CN_REJECTED};
    for (int failure = KIT_NOT_SENT; failure <= KIT_NO_CREDENTIAL; failure++) {
        op = kit_deliver(kit, "post", "1", "k", "{}");
        kit_answer_failure(kit, kit_pending(kit), (enum kit_failure)failure);
        assert_int_equal(kit_result(kit, op)->outcome.status,
                         failures[failure]);
    }
    assert_int_equal(kit_request_count(kit), 14);
    kit_destroy(kit);
}

static void collects_records(void **state)
{
    static const char *const good[] = {"X-Token", "sesame", NULL};
    struct kit *kit = start();
    cn_op op = kit_poll(kit, "things", "start", 3);
    const struct kit_result *result = kit_result(kit, op);
    cn_record records[2] = {
        {.size = sizeof(cn_record), .type = "settle", .body = CN_STR("{}")},
        {.size = sizeof(cn_record), .type = "settle", .body = CN_STR("{}")}};

    (void)state;
    assert_int_equal(result->record_count, 3);
    assert_string_equal(result->records[2].body, "{\"n\":1}");
    assert_string_equal(result->outcome.cursor, "next");
    assert_int_equal(result->outcome.more, 1);
    op = kit_receive(kit, "/in/x", good, "{\"key\":\"b\"}");
    assert_string_equal(kit_result(kit, op)->records[0].body,
                        "{\"key\":\"b\"}");
    op = kit_receive(kit, "/in/x", NULL, "{}");
    assert_int_equal(kit_result(kit, op)->outcome.status, CN_AUTH);
    assert_int_equal(kit_result(kit, op)->record_count, 0);
    op = kit_deliver_records(kit, records, 2);
    result = kit_result(kit, op);
    assert_int_equal(result->settled_count, 2);
    assert_null(result->settled[0]);
    assert_int_equal(result->settled[1]->status, CN_HOLD);
    assert_int_equal(result->outcome.status, CN_OK);
    kit_destroy(kit);
}

static void keeps_state_with_the_outcome(void **state)
{
    struct kit *kit = start();
    cn_op op;

    (void)state;
    kit_set_state(kit, "value", "\"old\"");
    op = kit_call(kit, "get", NULL);
    assert_string_equal(kit_result(kit, op)->outcome.body, "\"old\"");
    kit_call(kit, "fail", "\"lost\"");
    assert_string_equal(kit_state(kit, "value"), "\"old\"");
    op = kit_call(kit, "put", "\"new\"");
    assert_string_equal(kit_result(kit, op)->outcome.body, "\"new\"");
    assert_string_equal(kit_state(kit, "value"), "\"new\"");
    op = kit_call(kit, "forget", NULL);
    assert_string_equal(kit_result(kit, op)->outcome.body, "");
    assert_null(kit_state(kit, "value"));
    kit_destroy(kit);
}

static void moves_time(void **state)
{
    struct kit *kit = start();

    (void)state;
    kit_call(kit, "timers", NULL);
    assert_int_equal(kit_timer_count(kit), 2);
    assert_int_equal(kit_timer_next_ms(kit), 10);
    kit_advance(kit, 9);
    assert_int_equal(kit_timer_count(kit), 2);
    kit_advance(kit, 1);
    assert_int_equal(kit_timer_count(kit), 1);
    assert_int_equal(kit_timer_next_ms(kit), 90);
    kit_advance(kit, 1000);
    assert_int_equal(kit_timer_count(kit), 0);
    assert_true(kit_timer_next_ms(kit) == UINT64_MAX);
    kit_destroy(kit);
}

static void takes_posts_from_threads(void **state)
{
    struct kit *kit = start();
    cn_op op = kit_deliver(kit, "thread", "1", "k", "{}");

    (void)state;
    while (!kit_result(kit, op)->done)
        assert_int_equal(kit_wait_posts(kit), 1);
    assert_string_equal(kit_log(kit), "info: from a thread\n");
    kit_destroy(kit);
}

static void cancels(void **state)
{
    struct kit *kit = start();
    cn_op op = kit_deliver(kit, "wait", "1", "k", "{}");

    (void)state;
    kit_cancel(kit, op);
    assert_int_equal(kit_result(kit, op)->outcome.status, CN_CANCELLED);
    op = kit_deliver(kit, "post", "1", "k", "{}");
    kit_cancel(kit, op);
    assert_int_equal(kit_result(kit, op)->outcome.status, CN_IN_DOUBT);
    kit_destroy(kit);
}

/* ---- What is wrong ------------------------------------------------------ */

static void sees_breaches(void **state)
{
    static const struct {
        const char *what, *breach;
        uint32_t code; /* to answer, 0: none */
    } rows[] = {
        {"twice", "has ended", 0},
        {"emit", "takes no records", 0},
        {"stranger", "never was", 0},
        {"speechless", "message is empty", 0},
        {"babble", "not UTF-8", 0},
        {"tell", "holds the secret \"token\"", 0},
        {"number", "status 77", 0},
        {"absent", "status 11", 0},
        {"deny", "no definite answer", 500},
        {"hasty", "no definite answer", 0},
        {"auth", "auth names \"nothing\"", 200},
        {"wait", "never ended", 0},
    };

    (void)state;
    for (size_t index = 0; index < sizeof(rows) / sizeof(*rows); index++) {
        struct kit *kit = start();
        kit_collect_breaches(kit);
        kit_deliver(kit, rows[index].what, "1", "k", "{}");
        if (rows[index].code)
            kit_answer(kit, kit_pending(kit), rows[index].code, "{}");
        if (!strcmp(rows[index].what, "wait")) {
            assert_string_equal(kit_breaches(kit), "");
        } else if (!strstr(kit_breaches(kit), rows[index].breach)) {
            fail_msg("%s: '%s'", rows[index].what, kit_breaches(kit));
        }
        kit_destroy(kit);
    }
}

static void sees_wrong_calls(void **state)
{
    struct kit *kit = start();
    cn_op op;

    (void)state;
    kit_collect_breaches(kit);
    /* A definite answer after the doubtful one: RETRY is believed. */
    op = kit_deliver(kit, "deny", "1", "k", "{}");
    kit_answer(kit, kit_pending(kit), 404, "{}");
    assert_int_equal(kit_result(kit, op)->outcome.status, CN_RETRY);
    assert_string_equal(kit_breaches(kit), "");
    op = kit_poll(kit, "broken", "start", 1);
    assert_int_equal(kit_result(kit, op)->record_count, 1);
    assert_non_null(strstr(kit_breaches(kit), "not one JSON value"));
    kit_call(kit, "effect", NULL);
    assert_non_null(strstr(kit_breaches(kit), "sent from call"));
    assert_null(kit_pending(kit)); /* the operation is over: ended */
    kit_destroy(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serves_configuration),
        cmocka_unit_test(carries_requests),
        cmocka_unit_test(collects_records),
        cmocka_unit_test(keeps_state_with_the_outcome),
        cmocka_unit_test(moves_time),
        cmocka_unit_test(takes_posts_from_threads),
        cmocka_unit_test(cancels),
        cmocka_unit_test(sees_breaches),
        cmocka_unit_test(sees_wrong_calls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
