/* fuzz_http_server_message.c - a request as bytes, whole and in pieces.
 *
 * The first byte is the size of the pieces.  A server must read a request the
 * same way, however the network cut it: both readings are compared. */
#include <string.h>

#include "fuzz.h"
#include "net/http_server_message.h"

enum { BODY_MAX = 1000 };

struct reading {
    int status;
    size_t head_len, used;
    bool complete;
    struct buf body;
    struct message_head head;
};

static void read_body(struct reading *reading, const char *bytes, size_t len,
                      size_t piece)
{
    struct message_chunks chunks = {0};
    size_t at = 0;

    while (at < len && !reading->status && !chunks.complete) {
        size_t part = len - at < piece ? len - at : piece, used = 0;
        char *copy = malloc(part);

        FUZZ_MUST(copy);
        memcpy(copy, bytes + at, part);
        reading->status =
            message_chunks_read(&chunks, copy, part, &reading->body, &used);
        FUZZ_MUST(used <= part);
        FUZZ_MUST(reading->status || chunks.complete || used == part);
        at += used;
        free(copy);
    }
    reading->used = at;
    reading->complete = chunks.complete;
}

/* The copies have exactly the bytes that arrived so far. */
static int scan(struct message_scan *found, const char *bytes, size_t len,
                size_t piece)
{
    int status = 0;

    for (size_t have = piece; !status && !found->head_len; have += piece) {
        size_t now = have < len ? have : len;
        char *copy = malloc(now ? now : 1);

        FUZZ_MUST(copy);
        memcpy(copy, bytes, now);
        status = message_scan(found, copy, now);
        free(copy);
        if (have >= len)
            break;
    }
    return status;
}

static char *read_all(struct reading *reading, const char *bytes, size_t len,
                      size_t piece)
{
    struct message_scan found = {0};
    char *text = NULL;

    memset(reading, 0, sizeof(*reading));
    buf_init(&reading->body, BODY_MAX);
    reading->status = scan(&found, bytes, len, piece);
    FUZZ_MUST(reading->status == 0 || reading->status == 400 ||
              reading->status == 431);
    if (reading->status || !found.head_len)
        return NULL;
    FUZZ_MUST(found.head_len <= len);
    reading->head_len = found.head_len;
    text = malloc(found.head_len);
    FUZZ_MUST(text);
    memcpy(text, bytes, found.head_len);
    reading->status = message_head_read(&reading->head, text, found.head_len);
    if (!reading->status && reading->head.chunked)
        read_body(reading, bytes + found.head_len, len - found.head_len, piece);
    return text;
}

static void sane(const struct message_head *head)
{
    FUZZ_MUST(*head->method && head->path[0] == '/');
    FUZZ_MUST(!head->chunked || !head->content_length);
    FUZZ_MUST(head->field_count <= MESSAGE_HEADERS_MAX);
    for (size_t index = 0; index < head->field_count; index++)
        FUZZ_MUST(*head->fields[index].name && head->fields[index].value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reading whole, pieces;
    size_t piece = fuzz_number(&data, &size, 1) % 32 + 1;
    char *text, *other;

    text = read_all(&whole, (const char *)data, size, size + 1);
    other = read_all(&pieces, (const char *)data, size, piece);
    FUZZ_MUST(whole.head_len == pieces.head_len);
    FUZZ_MUST(whole.status == pieces.status);
    FUZZ_MUST(whole.complete == pieces.complete);
    if (!whole.status && whole.head_len) {
        sane(&whole.head);
        FUZZ_MUST(whole.used == pieces.used);
        FUZZ_MUST(whole.body.len == pieces.body.len);
        FUZZ_MUST(!whole.body.len ||
                  !memcmp(whole.body.data, pieces.body.data, whole.body.len));
    }
    message_head_done(&whole.head);
    message_head_done(&pieces.head);
    buf_done(&whole.body);
    buf_done(&pieces.body);
    free(text);
    free(other);
    return 0;
}
