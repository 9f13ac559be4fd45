/* http_client_head.c - reads the head of an answer, line by line.
 *
 * One idea: an answer whose length can be read in two ways, or whose encoding
 * nobody asked for, is no answer.  libcurl decides where the body ends; this
 * refuses what would make its decision a guess: Content-Length twice with
 * different numbers or beside Transfer-Encoding, a transfer encoding other than
 * chunked, a content encoding.  Interim (1xx) heads are read and forgotten;
 * trailers are counted and ignored.  Called by the client on its loop thread.
 */
#include "net/http_client_head.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

enum {
    HEAD_BYTES_MAX = 64 * 1024, /* servers of our neighbours send 1 to 2 KiB;
                                 * also ends a flood of interim answers */
    LENGTH_DIGITS_MAX = 18      /* fits 64 bits */
};

void http_head_init(struct http_head *head)
{
    memset(head, 0, sizeof(*head));
    /* A NUL more than line end and colon for each; never reached before
     * HEAD_BYTES_MAX. */
    buf_init(&head->text, HEAD_BYTES_MAX + 2 * HTTP_HEAD_COUNT_MAX);
}

void http_head_done(struct http_head *head)
{
    buf_done(&head->text);
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* "HTTP/1.1 200 OK"; the reason may be missing. */
static int read_status_line(struct http_head *head, const char *line,
                            size_t len)
{
    if (len < 12 || memcmp(line, "HTTP/1.", 7) != 0 || !is_digit(line[7]) ||
        line[8] != ' ' || !is_digit(line[9]) || !is_digit(line[10]) ||
        !is_digit(line[11]) || (len > 12 && line[12] != ' '))
        return -EPROTO;
    head->code = (uint32_t)((line[9] - '0') * 100 + (line[10] - '0') * 10 +
                            (line[11] - '0'));
    /* 101 would change the protocol, which was not asked for. */
    if (head->code < 100 || head->code == 101 || head->code > 599)
        return -EPROTO;
    buf_clear(&head->text);
    head->header_count = 0;
    head->chunked = head->has_length = false;
    head->inside = true;
    return 0;
}

static int end_head(struct http_head *head)
{
    head->inside = false;
    if (head->code < 200)
        return 0;
    head->complete = true;
    return head->chunked && head->has_length ? -EPROTO : 0;
}

static int read_length(struct http_head *head, const char *value, size_t len)
{
    uint64_t length = 0;

    if (!len || len > LENGTH_DIGITS_MAX)
        return -EPROTO;
    for (size_t index = 0; index < len; index++) {
        if (!is_digit(value[index]))
            return -EPROTO;
        length = length * 10 + (uint64_t)(value[index] - '0');
    }
    if (head->has_length && head->length != length)
        return -EPROTO;
    head->has_length = true;
    head->length = length;
    return 0;
}

static bool is_text(const char *value, size_t len, const char *text)
{
    return len == strlen(text) && !strncasecmp(value, text, len);
}

static int check_framing(struct http_head *head, const char *name,
                         const char *value, size_t len)
{
    if (!strcasecmp(name, "Content-Length"))
        return read_length(head, value, len);
    if (!strcasecmp(name, "Content-Encoding"))
        return len && !is_text(value, len, "identity") ? -EPROTO : 0;
    if (strcasecmp(name, "Transfer-Encoding") != 0)
        return 0;
    if (head->chunked || !is_text(value, len, "chunked"))
        return -EPROTO;
    head->chunked = true;
    return 0;
}

static void append(struct http_head *head, const char *bytes, size_t len)
{
    /* Cannot overflow: text is a part of what bytes counts. */
    int status = buf_append(&head->text, bytes, len);
    (void)status;
}

/* A line that begins with white space continues the value before it. */
static int read_fold(struct http_head *head, const char *value, size_t len)
{
    if (!head->header_count)
        return -EPROTO;
    head->text.len--;
    append(head, " ", 1);
    append(head, value, len);
    append(head, "", 1);
    return 0;
}

static int read_header(struct http_head *head, const char *line, size_t len)
{
    static const char token[] = "!#$%&'*+-.^_`|~0123456789"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz";
    size_t name_len = 0, start, name_at = head->text.len;

    while (name_len < len && line[name_len] != ':')
        name_len++;
    if (!name_len || name_len == len)
        return -EPROTO;
    for (size_t index = 0; index < name_len; index++) {
        if (!line[index] || !strchr(token, line[index]))
            return -EPROTO;
    }
    if (head->header_count == HTTP_HEAD_COUNT_MAX)
        return -E2BIG;
    start = name_len + 1;
    while (start < len && (line[start] == ' ' || line[start] == '\t'))
        start++;
    append(head, line, name_len);
    append(head, "", 1);
    append(head, line + start, len - start);
    append(head, "", 1);
    head->header_count++;
    return check_framing(head, head->text.data + name_at, line + start,
                         len - start);
}

int http_head_line(struct http_head *head, const char *line, size_t len)
{
    head->bytes += len;
    if (head->bytes > HEAD_BYTES_MAX)
        return -E2BIG;
    if (head->complete)
        return 0; /* a trailer */
    if (memchr(line, '\0', len))
        return -EPROTO;
    while (len && strchr(" \t\r\n", line[len - 1]))
        len--;
    if (memchr(line, '\r', len))
        return -EPROTO;
    if (!head->inside)
        return read_status_line(head, line, len);
    if (!len)
        return end_head(head);
    if (line[0] != ' ' && line[0] != '\t')
        return read_header(head, line, len);
    while (line[0] == ' ' || line[0] == '\t') {
        line++;
        len--;
    }
    return read_fold(head, line, len);
}

const cn_header *http_head_headers(struct http_head *head)
{
    const char *at = head->text.data;

    for (size_t index = 0; index < head->header_count; index++) {
        cn_header *header = &head->headers[index];

        header->name.ptr = at;
        header->name.len = strlen(at);
        at += header->name.len + 1;
        header->value.ptr = at;
        header->value.len = strlen(at);
        at += header->value.len + 1;
    }
    return head->headers;
}

const char *http_head_value(struct http_head *head, const char *name)
{
    const cn_header *headers = http_head_headers(head);

    for (size_t index = 0; index < head->header_count; index++) {
        if (!strcasecmp(headers[index].name.ptr, name))
            return headers[index].value.ptr;
    }
    return NULL;
}
