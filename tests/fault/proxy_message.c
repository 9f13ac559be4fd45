/* proxy_message.c - where an HTTP message ends, and other ways to say it.
 *
 * One idea: only what the programs of our tests send is understood; whatever is
 * stranger passes as "not ended yet", until its sender closes.  Pure functions;
 * called on the proxy's thread. */
#include "proxy_message.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static size_t head_len(const char *bytes, size_t len)
{
    const char *end = memmem(bytes, len, "\r\n\r\n", 4);

    return end ? (size_t)(end - bytes) + 4 : 0;
}

const char *proxy_header(const char *message, size_t len, const char *name,
                         size_t *ret_len)
{
    size_t name_len = strlen(name);
    const char *end = message + head_len(message, len);
    const char *line = memmem(message, len, "\r\n", 2);

    while (line && line + 2 < end) {
        const char *start = line + 2;
        line = memmem(start, (size_t)(end - start), "\r\n", 2);
        if (!line || (size_t)(line - start) <= name_len ||
            strncasecmp(start, name, name_len) != 0 || start[name_len] != ':')
            continue;
        start += name_len + 1;
        while (start < line && *start == ' ')
            start++;
        *ret_len = (size_t)(line - start);
        return start;
    }
    return NULL;
}

/* The length of a chunked body at the front of bytes, or 0. */
static size_t chunked_len(const char *bytes, size_t len)
{
    size_t at = 0;

    for (;;) {
        const char *end = memmem(bytes + at, len - at, "\r\n", 2);
        unsigned long size;
        if (!end)
            return 0;
        size = strtoul(bytes + at, NULL, 16);
        at = (size_t)(end - bytes) + 2;
        if (size > len - at || len - at - size < 2)
            return 0;
        at += size + 2;
        if (!size)
            return at;
    }
}

size_t proxy_message_len(const char *bytes, size_t len, bool answer,
                         bool bodyless)
{
    size_t head = head_len(bytes, len), value_len, body;
    const char *value;

    if (!head)
        return 0;
    if (answer && (bodyless || !strncmp(bytes, "HTTP/1.1 204", 12) ||
                   !strncmp(bytes, "HTTP/1.1 304", 12)))
        return head;
    value = proxy_header(bytes, head, "Transfer-Encoding", &value_len);
    if (value && value_len == 7 && !strncasecmp(value, "chunked", 7)) {
        body = chunked_len(bytes + head, len - head);
        return body ? head + body : 0;
    }
    value = proxy_header(bytes, head, "Content-Length", &value_len);
    if (!value)
        return answer ? 0 : head;
    body = strtoul(value, NULL, 10);
    return body <= len - head ? head + body : 0;
}

/* The head without the line of this header. */
static void append_without(struct buf *to, const char *head, size_t len,
                           const char *name)
{
    size_t value_len;
    const char *value = proxy_header(head, len, name, &value_len);
    const char *start = value, *end = value ? value + value_len + 2 : NULL;

    while (start && start[-1] != '\n')
        start--;
    if (!value) {
        buf_append(to, head, len);
        return;
    }
    buf_append(to, head, (size_t)(start - head));
    buf_append(to, end, (size_t)(head + len - end));
}

void proxy_message_reframe(struct buf *answer, enum proxy_framing framing)
{
    size_t head = head_len(answer->data, answer->len), value_len, half, body;
    struct buf made;

    if (framing == PROXY_AS_IT_IS || !head ||
        !proxy_header(answer->data, head, "Content-Length", &value_len))
        return;
    buf_init(&made, answer->max);
    append_without(&made, answer->data, head, "Content-Length");
    made.len -= 2; /* the empty line comes after what is added */
    body = answer->len - head;
    half = body / 2;
    if (framing == PROXY_TO_CLOSE) {
        buf_printf(&made, "Connection: close\r\n\r\n");
        buf_append(&made, answer->data + head, body);
    } else {
        buf_printf(&made, "Transfer-Encoding: chunked\r\n\r\n");
        if (half) {
            buf_printf(&made, "%zx\r\n", half);
            buf_append(&made, answer->data + head, half);
            buf_printf(&made, "\r\n");
        }
        if (body) {
            buf_printf(&made, "%zX\r\n", body - half);
            buf_append(&made, answer->data + head + half, body - half);
            buf_printf(&made, "\r\n");
        }
        buf_printf(&made, "0\r\n\r\n");
    }
    buf_done(answer);
    *answer = made;
}
