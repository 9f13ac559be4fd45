/* links: connect_net connect_base */
/* test_http_server_message.c - the strict reader alone: what a probe over a
 * socket cannot show.
 *
 * The generated requests come from a small generator with a fixed seed, so a
 * failure can be repeated. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http_probes.h"
#include "net/http_server_message.h"

/* The framing of a body is bounded apart from its data. */
static void tiny_chunks_end(void **state)
{
    enum { LIMIT = 100000 };
    struct message_chunks chunks = {0};
    struct buf body;
    size_t sent = 0, used;
    int status = 0;

    (void)state;
    buf_init(&body, LIMIT);
    while (!status) {
        status = message_chunks_read(&chunks, "1\r\nx\r\n", 6, &body, &used);
        sent += 6;
        assert_true(sent < 3 * LIMIT);
    }
    assert_int_equal(status, 413);
    assert_true(body.len < LIMIT / 2);
    buf_done(&body);
}

static void chunks_stop_at_their_end(void **state)
{
    static const char text[] = "3\r\nabc\r\n0\r\n\r\nGET";
    size_t first, used;

    (void)state;
    /* However the bytes are cut in two. */
    for (first = 0; first < sizeof(text) - 1; first++) {
        struct message_chunks chunks = {0};
        struct buf body;

        buf_init(&body, 3);
        assert_int_equal(
            message_chunks_read(&chunks, text, first, &body, &used), 0);
        if (!chunks.complete) {
            assert_int_equal(used, first);
            assert_int_equal(message_chunks_read(&chunks, text + first,
                                                 sizeof(text) - 1 - first,
                                                 &body, &used),
                             0);
            used += first;
        }
        assert_true(chunks.complete);
        assert_int_equal(used, sizeof(text) - 4);
        assert_string_equal(body.data, "abc");
        buf_done(&body);
    }
}

/* The verdict on a head: 0 or a status; -1 while it is not complete. */
static int head_verdict(const char *bytes, size_t len, size_t piece)
{
    struct message_scan scan = {0};
    struct message_head head;
    char *text;
    size_t seen = 0;
    int status = 0;

    while (!status && !scan.head_len && seen < len) {
        seen = seen + piece < len ? seen + piece : len;
        status = message_scan(&scan, bytes, seen);
    }
    if (status)
        return status;
    if (!scan.head_len)
        return -1;
    /* A copy of exactly this size, so that a sanitizer sees one byte more. */
    text = malloc(scan.head_len);
    assert_non_null(text);
    memcpy(text, bytes, scan.head_len);
    status = message_head_read(&head, text, scan.head_len);
    if (!status) {
        assert_int_equal(head.path[0], '/');
        assert_false(head.chunked && head.content_length);
        message_head_done(&head);
    }
    free(text);
    return status;
}

static uint64_t next_number(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static size_t request_mutate(char *bytes, size_t len, size_t size,
                             uint64_t *seed)
{
    static const char odd[] = "\r\n\t \0:;,%#\x7f\xff\x0b_+-0aA/?\"\\@[]";
    size_t changes = 1 + next_number(seed) % 3;

    while (changes--) {
        size_t at = next_number(seed) % len;
        char c = odd[next_number(seed) % (sizeof(odd) - 1)];

        switch (next_number(seed) % 3) {
        case 0:
            bytes[at] = c;
            break;
        case 1:
            if (len < size) {
                memmove(bytes + at + 1, bytes + at, len - at);
                bytes[at] = c;
                len++;
            }
            break;
        default:
            memmove(bytes + at, bytes + at + 1, len - at - 1);
            len--;
        }
    }
    return len;
}

/* Whatever is done to a request, how the network cuts it does not change how it
 * is understood, and nothing is read beyond it. */
static void cutting_changes_nothing(void **state)
{
    static const char request[] =
        "POST /in/streak/a%20b?c=d HTTP/1.1\r\nHost: a.example:80\r\n"
        "Content-Length: 5\r\nConnection: close\r\nExpect: 100-continue\r\n"
        "X-A: b\r\n\r\n";
    uint64_t seed = 20261123;
    int accepted = 0, round;

    (void)state;
    for (round = 0; round < 20000; round++) {
        char bytes[512];
        size_t len = sizeof(request) - 1;
        int whole;

        memcpy(bytes, request, len);
        len = request_mutate(bytes, len, sizeof(bytes), &seed);
        whole = head_verdict(bytes, len, len);
        accepted += whole == 0;
        if (head_verdict(bytes, len, 1) != whole ||
            head_verdict(bytes, len, 13) != whole)
            fail_msg("round %d is understood in two ways", round);
    }
    /* Some changes are harmless, most are not. */
    assert_in_range(accepted, 1000, 15000);
}

static void probes_have_one_verdict(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < HTTP_PROBES_SMUGGLING; i++) {
        const struct http_probe *probe = &http_probes_smuggling[i];
        assert_int_equal(head_verdict(probe->bytes, probe->len, 1),
                         head_verdict(probe->bytes, probe->len, probe->len));
    }
    for (i = 0; i < HTTP_PROBES_MALFORMED; i++) {
        const struct http_probe *probe = &http_probes_malformed[i];
        assert_int_equal(head_verdict(probe->bytes, probe->len, 1),
                         head_verdict(probe->bytes, probe->len, probe->len));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiny_chunks_end),
        cmocka_unit_test(chunks_stop_at_their_end),
        cmocka_unit_test(cutting_changes_nothing),
        cmocka_unit_test(probes_have_one_verdict),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
