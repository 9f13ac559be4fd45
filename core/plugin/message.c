/* message.c - writes and reads flat messages.
 *
 * Its one idea: numbers are eight bytes, texts are a number and that many bytes
 * and a NUL.  The reader never looks behind the end, whatever the bytes say,
 * because one day they come from another process.  Called on any thread; a
 * message belongs to one thread at a time. */
#include "plugin/message.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* The length that stands for NULL; no text is that long. */
static const uint64_t text_none = UINT64_MAX;

struct message *message_create(enum message_kind kind, uint64_t instance,
                               uint64_t op, const struct buf *payload)
{
    struct message *message;
    size_t len = payload ? payload->len : 0;

    if (payload && payload->overflow)
        return NULL;
    message = memory_zero(1, sizeof(*message) + len + 1);
    message->kind = kind;
    message->instance = instance;
    message->op = op;
    message->len = len;
    if (len)
        memcpy(message->bytes, payload->data, len);
    return message;
}

struct message *message_copy(const struct message *message)
{
    struct message *copy = memory_zero(1, sizeof(*copy) + message->len + 1);

    memcpy(copy, message, sizeof(*copy) + message->len);
    copy->prev = copy->next = NULL;
    return copy;
}

void message_destroy(struct message *message)
{
    if (!message)
        return;
    if (message->secret)
        explicit_bzero(message->bytes, message->len);
    free(message);
}

void message_put_number(struct buf *payload, uint64_t number)
{
    (void)buf_append(payload, &number, sizeof(number));
}

void message_put_str(struct buf *payload, cn_str text)
{
    message_put_number(payload, text.len);
    (void)buf_append(payload, text.ptr, text.len);
    (void)buf_append(payload, "", 1);
}

void message_put_text(struct buf *payload, const char *text)
{
    if (text)
        message_put_str(payload, (cn_str){text, strlen(text)});
    else
        message_put_number(payload, text_none);
}

void message_read(struct message_reader *reader, const struct message *message)
{
    reader->at = message->bytes;
    reader->left = message->len;
    reader->failed = false;
}

static const char *reader_advance(struct message_reader *reader, size_t len)
{
    const char *at = reader->at;

    if (reader->failed || len > reader->left) {
        reader->failed = true;
        return NULL;
    }
    reader->at += len;
    reader->left -= len;
    return at;
}

uint64_t message_take_number(struct message_reader *reader)
{
    uint64_t number = 0;
    const char *at = reader_advance(reader, sizeof(number));

    if (at)
        memcpy(&number, at, sizeof(number));
    return number;
}

static bool reader_text(struct message_reader *reader, cn_str *ret_text)
{
    uint64_t len = message_take_number(reader);
    const char *at;

    *ret_text = (cn_str){"", 0};
    if (reader->failed || len == text_none)
        return false;
    if (len >= reader->left) { /* the NUL needs a byte too */
        reader->failed = true;
        return false;
    }
    at = reader_advance(reader, (size_t)len + 1);
    if (!at || at[len]) {
        reader->failed = true;
        return false;
    }
    *ret_text = (cn_str){at, (size_t)len};
    return true;
}

cn_str message_take_str(struct message_reader *reader)
{
    cn_str text;

    (void)reader_text(reader, &text);
    return text;
}

const char *message_take_text(struct message_reader *reader)
{
    cn_str text;

    return reader_text(reader, &text) ? text.ptr : NULL;
}

size_t message_take_count(struct message_reader *reader, size_t bytes_min)
{
    uint64_t count = message_take_number(reader);

    if (count > reader->left / (bytes_min ? bytes_min : 1)) {
        reader->failed = true;
        return 0;
    }
    return (size_t)count;
}
