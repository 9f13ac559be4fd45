/* http_server_message.c - reads the bytes of one HTTP/1 request, strictly.
 *
 * One idea: two readers who understand the same bytes differently are a hole,
 * so whatever could be understood in two ways is refused (F03 of the fault
 * catalogue; README.md says why no library did it for us).  The head is scanned
 * as it grows, for its end and for bytes that no head may contain; when it is
 * complete each line is checked against the grammar.  Then the framing fields
 * decide how the body ends, and they must be written in the one plain way that
 * real clients use.
 *
 * Must hold: a request that is accepted has exactly one possible end.  Called
 * by http_server_connection.c on the loop thread, and by the fuzz target. */
#include "net/http_server_message.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

/* Framing and data of a chunked body may together be this many times the limit
 * of its data: room for honest small chunks, an end to a million chunks of one
 * byte. */
enum { CHUNK_WIRE_FACTOR = 2 };
/* The largest chunk size that is read: seven hex digits, 256 MiB; any body
 * limit is far below it. */
enum { CHUNK_DIGITS_MAX = 7 };
/* Content-Length: 18 digits always fit into 64 bits. */
enum { LENGTH_DIGITS_MAX = 18 };

enum chunk_state {
    CHUNK_SIZE,
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    CHUNK_LAST_CR,
    CHUNK_LAST_LF,
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* tchar of RFC 9110, 5.6.2. */
static bool is_token(char c)
{
    return is_digit(c) || is_letter(c) ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

/* What a path and a query may contain (RFC 3986); "%" is checked apart. */
static bool is_target(char c)
{
    return is_digit(c) || is_letter(c) ||
           (c != '\0' && strchr("-._~!$&'()*+,;=:@/?%", c));
}

int message_scan(struct message_scan *scan, const char *bytes, size_t len)
{
    size_t i;

    for (i = scan->position; i < len && !scan->head_len; i++) {
        unsigned char c = (unsigned char)bytes[i];
        bool after_return = i > 0 && bytes[i - 1] == '\r';

        if (i >= MESSAGE_HEAD_BYTES_MAX)
            return 431;
        if (after_return != (c == '\n'))
            return 400; /* a bare CR or a bare LF */
        if ((c < 0x20 && c != '\r' && c != '\n' && c != '\t') || c == 0x7f)
            return 400;
        if (c != '\n')
            continue;
        if (i == 1)
            return 400; /* an empty line where a request should begin */
        if (i >= 3 && bytes[i - 2] == '\n')
            scan->head_len = i + 1;
        /* The request line and the empty line are not headers. */
        else if (++scan->lines > MESSAGE_HEADERS_MAX + 1)
            return 431;
    }
    scan->position = i;
    return 0;
}

/* One line of the head, cut off in place; *rest moves behind it. */
static char *line_take(char **rest, const char *end)
{
    char *line = *rest;
    char *line_end = memchr(line, '\r', (size_t)(end - line));

    assert(line_end); /* the scan saw it */
    *line_end = '\0';
    *rest = line_end + 2;
    return line;
}

/* Behind a "%": two digits, and no character that ends a line or a text when
 * somebody decodes it.  A query may hold the ends of lines. */
static bool escape_valid(const char *digits, bool in_query)
{
    int high = hex_value(digits[0]);
    int low = high < 0 ? -1 : hex_value(digits[1]);
    int byte = high * 16 + low;

    if (low < 0 || byte == '\0')
        return false;
    return in_query || (byte != '\r' && byte != '\n');
}

static bool target_split(struct message_head *head, char *target)
{
    bool in_query = false;
    const char *c;

    if (target[0] != '/')
        return false; /* absolute, authority and asterisk form */
    for (c = target; *c; c++) {
        if (!is_target(*c))
            return false;
        in_query = in_query || *c == '?';
        if (*c == '%' && !escape_valid(c + 1, in_query))
            return false;
    }
    head->path = target;
    head->query = strchr(target, '?');
    if (head->query)
        *head->query++ = '\0';
    return true;
}

static bool request_line_read(struct message_head *head, char *line)
{
    char *target = strchr(line, ' ');
    char *version = target ? strchr(target + 1, ' ') : NULL;
    const char *c;

    if (!version || target == line)
        return false;
    *target++ = '\0';
    *version++ = '\0';
    for (c = line; *c; c++) {
        if (!is_token(*c))
            return false;
    }
    if (strcmp(version, "HTTP/1.1") && strcmp(version, "HTTP/1.0"))
        return false;
    if (!strcmp(line, "CONNECT"))
        return false;
    head->method = line;
    head->head_only = !strcmp(line, "HEAD");
    head->version_1_0 = version[7] == '0';
    head->keep_alive = !head->version_1_0;
    return target_split(head, target);
}

/* "Name: value" split in place.  raw is the value less at most one blank, as
 * the framing fields want it; field->value is without any blanks around it. */
static bool field_split(struct http_server_header *field, char *line,
                        const char **ret_raw)
{
    char *colon = line;
    char *value, *end;

    while (is_token(*colon))
        colon++;
    if (colon == line || *colon != ':')
        return false;
    *colon = '\0';
    value = colon + 1;
    if (*value == ' ')
        value++;
    *ret_raw = value;
    field->name = line;
    while (*value == ' ' || *value == '\t')
        value++;
    end = value + strlen(value);
    /* The raw value of a framing field was read before this cut. */
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    field->value = value;
    return true;
}

static void field_trim(const struct http_server_header *field)
{
    char *end = (char *)field->value + strlen(field->value);

    while (end > field->value && (end[-1] == ' ' || end[-1] == '\t'))
        *--end = '\0';
}

static bool length_read(const char *text, uint64_t *ret_length)
{
    uint64_t length = 0;
    size_t i;

    if (text[0] == '0' && text[1])
        return false;
    for (i = 0; is_digit(text[i]); i++) {
        if (i >= LENGTH_DIGITS_MAX)
            return false;
        length = length * 10 + (uint64_t)(text[i] - '0');
    }
    if (i == 0 || text[i])
        return false;
    *ret_length = length;
    return true;
}

/* A name or an IPv6 address in brackets, and perhaps a port. */
static bool host_valid(const char *text)
{
    const char *c = text;

    if (*c == '[') {
        for (c++; hex_value(*c) >= 0 || *c == ':' || *c == '.'; c++)
            ;
        if (c < text + 3 || *c != ']')
            return false;
        c++;
    } else {
        while (is_digit(*c) || is_letter(*c) || (*c && strchr("-._~", *c)))
            c++;
        if (c == text)
            return false;
    }
    if (!*c)
        return true;
    if (*c++ != ':' || !*c)
        return false;
    while (is_digit(*c))
        c++;
    return !*c;
}

static void connection_read(struct message_head *head, const char *value)
{
    while (*value) {
        size_t len;

        while (*value == ' ' || *value == '\t' || *value == ',')
            value++;
        len = strcspn(value, ", \t");
        if (len == 5 && !strncasecmp(value, "close", len))
            head->keep_alive = false;
        value += len;
    }
}

struct framing_seen {
    int host, length, coding;
};

/* What a field means for the framing: 0, 400 or 415. */
static int field_apply(struct message_head *head, struct framing_seen *seen,
                       const char *name, const char *raw)
{
    if (!strcasecmp(name, "Host"))
        return seen->host++ || !host_valid(raw) ? 400 : 0;
    if (!strcasecmp(name, "Content-Length"))
        return seen->length++ || !length_read(raw, &head->content_length) ? 400
                                                                          : 0;
    if (!strcasecmp(name, "Transfer-Encoding")) {
        head->chunked = true;
        return seen->coding++ || strcmp(raw, "chunked") ? 400 : 0;
    }
    /* Some programs in front turn "_" into "-" or the other way. */
    if (!strcasecmp(name, "Content_Length") ||
        !strcasecmp(name, "Transfer_Encoding"))
        return 400;
    if (!strcasecmp(name, "Content-Encoding"))
        return 415;
    if (!strcasecmp(name, "Expect")) {
        head->expect_continue = !head->version_1_0;
        return strcasecmp(raw, "100-continue") ? 400 : 0;
    }
    if (!strcasecmp(name, "Connection"))
        connection_read(head, raw);
    return 0;
}

static int fields_read(struct message_head *head, char *rest, const char *end)
{
    struct framing_seen seen = {0, 0, 0};
    int status = 0;

    while (rest < end) {
        struct http_server_header *field = &head->fields[head->field_count];
        char *line = line_take(&rest, end);
        const char *raw;
        int verdict;

        if (!*line)
            break;
        assert(head->field_count < MESSAGE_HEADERS_MAX);
        if (!field_split(field, line, &raw))
            return 400;
        verdict = field_apply(head, &seen, field->name, raw);
        if (verdict == 400)
            return 400;
        if (verdict)
            status = verdict;
        field_trim(field);
        head->field_count++;
    }
    if (!seen.host || (seen.coding && (seen.length || head->version_1_0)))
        return 400;
    return status;
}

int message_head_read(struct message_head *head, char *text, size_t len)
{
    char *rest = text;
    int status;

    memset(head, 0, sizeof(*head));
    head->fields =
        memory_zero(MESSAGE_HEADERS_MAX, sizeof(struct http_server_header));
    if (!request_line_read(head, line_take(&rest, text + len)))
        status = 400;
    else
        status = fields_read(head, rest, text + len);
    if (status)
        message_head_done(head);
    return status;
}

void message_head_done(struct message_head *head)
{
    free(head->fields);
    memset(head, 0, sizeof(*head));
}

static int chunk_size_step(struct message_chunks *chunks, char c)
{
    if (hex_value(c) >= 0 && chunks->digits < CHUNK_DIGITS_MAX) {
        chunks->size = chunks->size * 16 + (uint64_t)hex_value(c);
        chunks->digits++;
        return 0;
    }
    /* An extension is refused like anything else that is not CR. */
    if (c != '\r' || !chunks->digits)
        return 400;
    chunks->state = CHUNK_SIZE_LF;
    return 0;
}

/* One byte of framing: 0 or 400. */
static int chunk_step(struct message_chunks *chunks, char c)
{
    switch (chunks->state) {
    case CHUNK_SIZE:
        return chunk_size_step(chunks, c);
    case CHUNK_SIZE_LF:
        chunks->state = chunks->size ? CHUNK_DATA : CHUNK_LAST_CR;
        return c == '\n' ? 0 : 400;
    case CHUNK_DATA_CR:
        chunks->state = CHUNK_DATA_LF;
        return c == '\r' ? 0 : 400;
    case CHUNK_DATA_LF:
        chunks->state = CHUNK_SIZE;
        chunks->digits = 0;
        return c == '\n' ? 0 : 400;
    case CHUNK_LAST_CR:
        /* Anything but CR would be a trailer field: refused. */
        chunks->state = CHUNK_LAST_LF;
        return c == '\r' ? 0 : 400;
    default:
        chunks->complete = c == '\n';
        return c == '\n' ? 0 : 400;
    }
}

static size_t chunk_data_take(struct message_chunks *chunks, const char *bytes,
                              size_t len, struct buf *body)
{
    size_t take = chunks->size < len ? (size_t)chunks->size : len;

    if (buf_append(body, bytes, take))
        return 0;
    chunks->size -= take;
    if (!chunks->size)
        chunks->state = CHUNK_DATA_CR;
    return take;
}

int message_chunks_read(struct message_chunks *chunks, const char *bytes,
                        size_t len, struct buf *body, size_t *ret_used)
{
    size_t used = 0;

    while (used < len && !chunks->complete) {
        size_t step = 1;

        if (chunks->state == CHUNK_DATA) {
            step = chunk_data_take(chunks, bytes + used, len - used, body);
            if (!step)
                return 413;
        } else if (chunk_step(chunks, bytes[used])) {
            return 400;
        }
        /* The announced size alone is enough to refuse. */
        if (chunks->state != CHUNK_SIZE && chunks->size > body->max - body->len)
            return 413;
        used += step;
        chunks->wire_size += step;
        if (chunks->wire_size >
            CHUNK_WIRE_FACTOR * (uint64_t)body->max + MESSAGE_HEAD_BYTES_MAX)
            return 413;
    }
    *ret_used = used;
    return 0;
}
