/* links: connect_plugin */
/* Flat messages: what is put comes out, and nothing is read behind the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "plugin/http_message.h"
#include "plugin/op_message.h"

static void str_equal(cn_str text, const char *expected)
{
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.ptr, expected, text.len + 1);
}

static void values(void **state)
{
    struct message_reader reader;
    struct message *message;
    struct buf payload;

    (void)state;
    buf_init(&payload, 1024);
    message_put_number(&payload, UINT64_MAX);
    message_put_text(&payload, NULL);
    message_put_text(&payload, "");
    message_put_str(&payload, (cn_str){"a\0b", 3});
    message_put_str(&payload, (cn_str){NULL, 0});
    message = message_create(MESSAGE_START, 5, 6, &payload);
    buf_done(&payload);
    message_read(&reader, message);
    assert_true(message_take_number(&reader) == UINT64_MAX);
    assert_null(message_take_text(&reader));
    assert_string_equal(message_take_text(&reader), "");
    cn_str text = message_take_str(&reader);
    assert_int_equal(text.len, 3);
    assert_memory_equal(text.ptr, "a\0b", 4);
    str_equal(message_take_str(&reader), "");
    assert_false(reader.failed);
    assert_int_equal(reader.left, 0);
    assert_int_equal(message_take_number(&reader), 0);
    assert_true(reader.failed);
    assert_null(message_take_text(&reader));
    str_equal(message_take_str(&reader), "");
    message_destroy(message);
    message_destroy(NULL);
}

static void overflow(void **state)
{
    struct buf payload;

    (void)state;
    buf_init(&payload, 16);
    message_put_text(&payload, "longer than sixteen");
    assert_null(message_create(MESSAGE_START, 1, 1, &payload));
    buf_done(&payload);
}

static const struct op_request request = {
    .kind = OP_CALL,
    .run = 7,
    .timeout_ms = 1000,
    .stream = "stream",
    .cursor = {"cursor", 6},
    .max_records = 9,
    .overlap_ms = 5000,
    .record = {.type = "item/1",
               .id = {"id", 2},
               .key = {"key", 3},
               .body = {"{}", 2},
               .time_ms = -1,
               .origin = "origin",
               .attempt = 3,
               .change = CN_DELETE},
    .action = "ask",
    .call_id = {"call", 4},
    .body = {"[1]", 3},
    .method = "POST",
    .path = "/in",
};

static void requests(void **state)
{
    const struct op_header sent[] = {{CN_STR("A"), CN_STR("1")},
                                     {CN_STR("B"), CN_STR("")}};
    struct op_request filled = request, taken;
    struct op_header headers[OP_HEADERS_MAX];
    struct message_reader reader;
    struct message *message;
    struct buf payload;

    (void)state;
    filled.headers = sent;
    filled.header_count = 2;
    buf_init(&payload, 4096);
    op_request_put(&payload, &filled);
    message = message_create(MESSAGE_START, 1, 1, &payload);
    buf_done(&payload);
    message_read(&reader, message);
    assert_true(op_request_take(&reader, &taken, headers));
    assert_int_equal(reader.left, 0);
    assert_int_equal(taken.kind, OP_CALL);
    assert_int_equal(taken.run, 7);
    assert_int_equal(taken.timeout_ms, 1000);
    assert_string_equal(taken.stream, "stream");
    str_equal(taken.cursor, "cursor");
    assert_int_equal(taken.max_records, 9);
    assert_int_equal(taken.overlap_ms, 5000);
    assert_string_equal(taken.record.type, "item/1");
    str_equal(taken.record.id, "id");
    str_equal(taken.record.key, "key");
    str_equal(taken.record.body, "{}");
    assert_true(taken.record.time_ms == -1);
    assert_string_equal(taken.record.origin, "origin");
    assert_int_equal(taken.record.attempt, 3);
    assert_int_equal(taken.record.change, CN_DELETE);
    assert_string_equal(taken.action, "ask");
    str_equal(taken.call_id, "call");
    str_equal(taken.body, "[1]");
    assert_string_equal(taken.method, "POST");
    assert_string_equal(taken.path, "/in");
    assert_int_equal(taken.header_count, 2);
    str_equal(taken.headers[1].name, "B");
    message_destroy(message);
}

/* Every cut of every message is refused and read within its bytes; a sanitizer
 * would see the rest. */
static void cut(void **state)
{
    struct op_outcome outcome = {.kind = OP_POLL,
                                 .status = CN_HOLD,
                                 .message = "why",
                                 .body = CN_STR("null"),
                                 .cursor = CN_STR("c"),
                                 .more = 1,
                                 .gap = true,
                                 .alert = true};
    struct op_record record = {.type = "item/1",
                               .id = CN_STR("1"),
                               .body = CN_STR("{}"),
                               .time_ms = 5};
    struct op_value value = {"key", CN_STR("value")};
    struct op_outcome_message taken;
    struct message_reader reader;
    struct buf payload, part;

    (void)state;
    buf_init(&payload, 4096);
    op_outcome_put(&payload, &outcome);
    message_put_number(&payload, 1);
    op_record_put(&payload, &record);
    message_put_number(&payload, 1);
    op_value_put(&payload, &value);
    for (size_t len = 0; len <= payload.len; len++) {
        struct message *message;
        buf_init(&part, 4096);
        (void)buf_append(&part, payload.data, len);
        message = message_create(MESSAGE_OUTCOME, 1, 1, &part);
        message_read(&reader, message);
        assert_int_equal(op_outcome_take(&reader, &taken), len == payload.len);
        if (len == payload.len) {
            assert_int_equal(taken.outcome.status, CN_HOLD);
            assert_string_equal(taken.outcome.message, "why");
            assert_int_equal(taken.outcome.record_count, 1);
            str_equal(taken.outcome.records[0].body, "{}");
            assert_string_equal(taken.outcome.values[0].key, "key");
        }
        op_outcome_done(&taken);
        buf_done(&part);
        message_destroy(message);
    }
    /* A count that the bytes cannot hold allocates nothing. */
    buf_clear(&payload);
    op_outcome_put(&payload, &outcome);
    message_put_number(&payload, UINT64_MAX / 2);
    struct message *message = message_create(MESSAGE_OUTCOME, 1, 1, &payload);
    message_read(&reader, message);
    assert_false(op_outcome_take(&reader, &taken));
    op_outcome_done(&taken);
    message_destroy(message);
    buf_done(&payload);
}

static void http(void **state)
{
    const cn_header header = {CN_STR("X"), CN_STR("1")};
    const cn_outcome said = {
        .status = CN_IN_DOUBT, .retry_after_ms = 3, .message = "cut"};
    const cn_http_response response = {.code = 500,
                                       .outcome = &said,
                                       .headers = &header,
                                       .header_count = 1,
                                       .body = CN_STR("b")};
    cn_header headers[HTTP_MESSAGE_HEADERS_MAX];
    cn_http_response taken;
    cn_outcome outcome;
    struct message_reader reader;
    struct message *message;
    struct buf payload;
    uint64_t number;

    (void)state;
    buf_init(&payload, 4096);
    http_message_put_answer(&payload, 11, &response);
    message = message_create(MESSAGE_HTTP_ANSWER, 1, 1, &payload);
    message_read(&reader, message);
    assert_true(
        http_message_take_answer(&reader, &number, &taken, &outcome, headers));
    assert_int_equal(number, 11);
    assert_int_equal(taken.code, 500);
    assert_int_equal(taken.outcome->status, CN_IN_DOUBT);
    assert_int_equal(taken.outcome->retry_after_ms, 3);
    assert_string_equal(taken.outcome->message, "cut");
    str_equal(taken.headers[0].name, "X");
    str_equal(taken.body, "b");
    message_destroy(message);
    buf_done(&payload);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),   cmocka_unit_test(overflow),
        cmocka_unit_test(requests), cmocka_unit_test(cut),
        cmocka_unit_test(http),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
