/* candidate_parser.c - http-parser on libuv, alone and with our strict head
 * check (core/net/http_server_message.h) in front of it.  With the check the
 * parser is left with the framing of the body.  Runs on the candidate's process
 * only. */
#include "candidate.h"

#include <http_parser.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/memory.h"
#include "net/http_server_message.h"

enum { READ_BYTES = 32 * 1024 };

struct client {
    uv_tcp_t tcp;
    http_parser parser;
    char target[64];
    char head[READ_BYTES * 2]; /* bytes until the head is complete */
    size_t head_len;
    struct message_scan scan;
    bool in_body;
    bool complete;
};

static http_parser_settings settings;
static bool check_head;
static char read_bytes[READ_BYTES];

static int on_url(http_parser *parser, const char *text, size_t len)
{
    struct client *client = parser->data;
    size_t have = strlen(client->target);

    if (len > sizeof(client->target) - 1 - have)
        len = sizeof(client->target) - 1 - have;
    memcpy(client->target + have, text, len);
    client->target[have + len] = '\0';
    return 0;
}

static void say(struct client *client, const char *text)
{
    uv_buf_t bytes =
        uv_buf_init((char *)(uintptr_t)text, (unsigned)strlen(text));

    (void)uv_try_write((uv_stream_t *)&client->tcp, &bytes, 1);
}

static int on_complete(http_parser *parser)
{
    struct client *client = parser->data;

    candidate_saw(client->target);
    client->target[0] = '\0';
    client->complete = true;
    say(client, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine");
    /* Stop behind the message, so that the next head is checked too. */
    if (check_head)
        http_parser_pause(parser, 1);
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

static void refuse(struct client *client)
{
    if (uv_is_closing((uv_handle_t *)&client->tcp))
        return;
    say(client, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n"
                "Connection: close\r\n\r\n");
    uv_close((uv_handle_t *)&client->tcp, on_closed);
}

static size_t parse(struct client *client, const char *bytes, size_t len)
{
    size_t used = http_parser_execute(&client->parser, &settings, bytes, len);
    enum http_errno reason = HTTP_PARSER_ERRNO(&client->parser);

    if (reason == HPE_PAUSED) {
        http_parser_pause(&client->parser, 0);
        /* It stops on the last byte of the message, or behind it. */
        return used + (used < len && bytes[used] == '\n');
    }
    if (reason != HPE_OK || client->parser.upgrade)
        refuse(client);
    return used;
}

/* Collect a head, check it, then let the parser see it and the body. */
static void checked_parse(struct client *client)
{
    while (client->head_len && !uv_is_closing((uv_handle_t *)&client->tcp)) {
        size_t used;

        if (!client->in_body) {
            struct message_head head;
            char *text;
            int status =
                message_scan(&client->scan, client->head, client->head_len);

            if (!status && !client->scan.head_len)
                return;
            if (!status) {
                text = memory_copy(client->head, client->scan.head_len);
                status = message_head_read(&head, text, client->scan.head_len);
                if (!status)
                    message_head_done(&head);
                free(text);
            }
            if (status) {
                refuse(client);
                return;
            }
            client->in_body = true;
        }
        client->complete = false;
        used = parse(client, client->head, client->head_len);
        client->head_len -= used;
        memmove(client->head, client->head + used, client->head_len);
        if (client->complete) {
            client->in_body = false;
            memset(&client->scan, 0, sizeof(client->scan));
        }
    }
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *bytes)
{
    (void)handle;
    (void)suggested;
    *bytes = uv_buf_init(read_bytes, READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *bytes)
{
    struct client *client = (struct client *)stream;

    if (got < 0) {
        uv_close((uv_handle_t *)stream, on_closed);
        return;
    }
    if (!check_head) {
        (void)parse(client, bytes->base, (size_t)got);
        return;
    }
    if ((size_t)got > sizeof(client->head) - client->head_len) {
        refuse(client);
        return;
    }
    memcpy(client->head + client->head_len, bytes->base, (size_t)got);
    client->head_len += (size_t)got;
    checked_parse(client);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct client *client;

    if (status)
        return;
    client = memory_zero(1, sizeof(*client));
    http_parser_init(&client->parser, HTTP_REQUEST);
    client->parser.data = client;
    uv_tcp_init(uv_default_loop(), &client->tcp);
    if (uv_accept(listener, (uv_stream_t *)&client->tcp)) {
        uv_close((uv_handle_t *)&client->tcp, on_closed);
        return;
    }
    uv_tcp_nodelay(&client->tcp, 1);
    uv_read_start((uv_stream_t *)&client->tcp, on_allocate, on_read);
}

void candidate_parser(int port)
{
    uv_tcp_t listener;
    struct sockaddr_in address;

    http_parser_settings_init(&settings);
    settings.on_url = on_url;
    settings.on_message_complete = on_complete;
    uv_tcp_init(uv_default_loop(), &listener);
    uv_ip4_addr("127.0.0.1", port, &address);
    if (uv_tcp_bind(&listener, (struct sockaddr *)&address, 0) ||
        uv_listen((uv_stream_t *)&listener, 1024, on_connection)) {
        fprintf(stderr, "http-parser's server does not start\n");
        exit(1);
    }
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}

void candidate_parser_head(int port)
{
    check_head = true;
    candidate_parser(port);
}
