/* fuzz_message.c - messages of mailboxes, as another process might send them.
 *
 * The first byte chooses what the rest is read as.  Whatever is read must lie
 * inside the message, which the address sanitizer watches. */
#include <string.h>

#include "fuzz.h"
#include "plugin/http_message.h"
#include "plugin/op_message.h"

/* Every byte that a text says it has is there. */
static void touch(cn_str text)
{
    static volatile unsigned char sum;

    FUZZ_MUST(text.ptr || !text.len);
    for (size_t index = 0; index < text.len; index++)
        sum = (unsigned char)(sum + (unsigned char)text.ptr[index]);
}

static void touch_text(const char *text)
{
    if (text)
        touch((cn_str){text, strlen(text) + 1});
}

static void read_request(struct message_reader *reader)
{
    static struct op_header headers[OP_HEADERS_MAX];
    struct op_request request = {0};

    if (!op_request_take(reader, &request, headers))
        return;
    touch_text(request.instance);
    touch_text(request.stream);
    touch_text(request.action);
    touch_text(request.method);
    touch_text(request.path);
    touch(request.cursor);
    touch(request.call_id);
    touch(request.body);
    FUZZ_MUST(request.header_count <= OP_HEADERS_MAX);
    for (size_t index = 0; index < request.header_count; index++) {
        touch(request.headers[index].name);
        touch(request.headers[index].value);
    }
}

static void read_outcome(struct message_reader *reader)
{
    struct op_outcome_message message = {0};

    if (op_outcome_take(reader, &message)) {
        FUZZ_MUST(message.outcome.record_count <= OP_RECORDS_MAX);
        touch_text(message.outcome.message);
        touch(message.outcome.body);
        touch(message.outcome.cursor);
        for (size_t index = 0; index < message.outcome.record_count; index++) {
            touch_text(message.outcome.records[index].type);
            touch(message.outcome.records[index].id);
            touch(message.outcome.records[index].key);
            touch(message.outcome.records[index].body);
        }
        for (size_t index = 0; index < message.outcome.value_count; index++) {
            touch_text(message.outcome.values[index].key);
            touch(message.outcome.values[index].value);
        }
    }
    op_outcome_done(&message);
}

static void read_http(struct message_reader *reader, bool answer)
{
    static cn_header headers[HTTP_MESSAGE_HEADERS_MAX];
    cn_http_request request = {0};
    cn_http_response response = {0};
    cn_outcome outcome = {0};
    uint64_t number;
    size_t count = 0;

    if (answer && http_message_take_answer(reader, &number, &response, &outcome,
                                           headers)) {
        touch(response.body);
        touch_text(outcome.message);
        count = response.header_count;
    } else if (!answer &&
               http_message_take_request(reader, &number, &request, headers)) {
        touch_text(request.method);
        touch_text(request.url);
        touch(request.body);
        count = request.header_count;
    }
    FUZZ_MUST(count <= HTTP_MESSAGE_HEADERS_MAX);
    for (size_t index = 0; index < count; index++) {
        touch(headers[index].name);
        touch(headers[index].value);
    }
}

static void read_plain(struct message_reader *reader)
{
    for (int index = 0; index < 20; index++) {
        touch_text(message_take_text(reader));
        touch(message_take_str(reader));
        FUZZ_MUST(message_take_count(reader, 8) <= reader->left / 8);
        (void)message_take_number(reader);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t choice = fuzz_number(&data, &size, 1) % 5;
    struct message_reader reader;
    struct message *message;
    struct buf payload;

    buf_init(&payload, MESSAGE_BYTES_MAX);
    FUZZ_MUST(!buf_append(&payload, data, size));
    message = message_create(MESSAGE_OUTCOME, 1, 2, &payload);
    FUZZ_MUST(message);
    message_read(&reader, message);
    if (choice == 0)
        read_request(&reader);
    else if (choice == 1)
        read_outcome(&reader);
    else if (choice == 4)
        read_plain(&reader);
    else
        read_http(&reader, choice == 2);
    message_destroy(message);
    buf_done(&payload);
    return 0;
}
