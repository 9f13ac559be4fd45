/* fuzz_http_client_head.c - heads of answers, line by line as libcurl hands
 * them over. */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "net/http_client_head.h"

static int take_line(struct http_head *head, const char *line, size_t len)
{
    char *copy = malloc(len);
    int status;

    FUZZ_MUST(copy);
    memcpy(copy, line, len);
    status = http_head_line(head, copy, len);
    free(copy);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http_head head;
    const char *at = (const char *)data, *end = at + size;
    const cn_header *headers;
    int status = 0;

    http_head_init(&head);
    while (at < end && !status) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        size_t len = line ? (size_t)(line - at) + 1 : (size_t)(end - at);

        status = take_line(&head, at, len);
        at += len;
    }
    FUZZ_MUST(status == 0 || status == -EPROTO || status == -E2BIG);
    if (!status && head.complete) {
        FUZZ_MUST(head.code >= 200 && head.code <= 999);
        FUZZ_MUST(head.header_count <= HTTP_HEAD_COUNT_MAX);
        headers = http_head_headers(&head);
        for (size_t index = 0; index < head.header_count; index++) {
            FUZZ_MUST(headers[index].name.len);
            FUZZ_MUST(http_head_value(&head, headers[index].name.ptr));
        }
        (void)http_head_value(&head, "Retry-After");
    }
    http_head_done(&head);
    return 0;
}
