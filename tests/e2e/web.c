/* web.c - HTTP calls of the tests.
 *
 * One idea: a call never fails the test by itself; it says what came back, and
 * status 0 when nothing did.  Called on the main thread. */
#include "web.h"

#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "base/memory.h"

enum {
    CALL_MS = 30000,        /* a bound, no expectation */
    ANSWER_MAX = 512 << 20, /* ledgers of long runs */
    HEADERS_MAX_BYTES = 65536,
    CONNECTIONS_MAX = 64
};

struct web {
    CURL *curl;
};

struct web *web_create(void)
{
    struct web *web = memory_zero(1, sizeof(*web));

    curl_global_init(CURL_GLOBAL_DEFAULT);
    web->curl = curl_easy_init();
    return web;
}

void web_destroy(struct web *web)
{
    if (!web)
        return;
    curl_easy_cleanup(web->curl);
    free(web);
}

static size_t take(char *data, size_t size, size_t count, void *arg)
{
    struct buf *buf = arg;

    buf_append(buf, data, size * count);
    return size * count;
}

static struct curl_slist *prepare(CURL *curl, const struct web_request *request,
                                  struct buf *body, struct buf *headers)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");

    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, request->url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)CALL_MS);
    if (request->socket)
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, request->socket);
    if (request->body) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)(request->body_len
                                          ? request->body_len
                                          : strlen(request->body)));
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
    }
    if (request->method)
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    for (size_t at = 0; request->headers && request->headers[at]; at++)
        list = curl_slist_append(list, request->headers[at]);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, headers);
    return list;
}

struct web_answer web_call(struct web *web, const struct web_request *request)
{
    struct web_answer answer = {0};
    struct buf body, headers;
    struct curl_slist *list;
    long status = 0;

    buf_init(&body, ANSWER_MAX);
    buf_init(&headers, HEADERS_MAX_BYTES);
    list = prepare(web->curl, request, &body, &headers);
    if (curl_easy_perform(web->curl) == CURLE_OK)
        curl_easy_getinfo(web->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(list);
    answer.status = (int)status;
    answer.len = body.len;
    answer.body = memory_copy(body.data ? body.data : "", body.len);
    answer.headers = memory_copy(headers.data ? headers.data : "", headers.len);
    buf_done(&body);
    buf_done(&headers);
    return answer;
}

void web_answer_end(struct web_answer *answer)
{
    free(answer->headers);
    free(answer->body);
    *answer = (struct web_answer){0};
}

/* ---- Many at once -------------------------------------------------------- */

struct lane { /* one connection of a burst */
    CURL *curl;
    struct curl_slist *list;
    struct buf body, headers;
    size_t number; /* of the request under way */
};

static struct lane *lane_of(struct lane *lanes, size_t count, const CURL *curl)
{
    for (size_t at = 0; at < count; at++)
        if (lanes[at].curl == curl)
            return &lanes[at];
    return NULL;
}

static void lane_end(struct lane *lane, int *statuses, CURLcode result)
{
    long status = 0;

    if (result == CURLE_OK)
        curl_easy_getinfo(lane->curl, CURLINFO_RESPONSE_CODE, &status);
    statuses[lane->number] = (int)status;
}

static void lane_begin(struct lane *lane, CURLM *multi, size_t number,
                       const struct web_request *request)
{
    lane->curl = curl_easy_init();
    buf_init(&lane->body, ANSWER_MAX);
    buf_init(&lane->headers, ANSWER_MAX);
    lane->list = prepare(lane->curl, request, &lane->body, &lane->headers);
    lane->number = number;
    curl_multi_add_handle(multi, lane->curl);
}

static void lanes_free(struct lane *lanes, size_t count)
{
    for (size_t at = 0; at < count; at++) {
        curl_easy_cleanup(lanes[at].curl);
        curl_slist_free_all(lanes[at].list);
        buf_done(&lanes[at].body);
        buf_done(&lanes[at].headers);
    }
}

/* Until count have ended; who is free takes the next of those not yet begun. */
static void lanes_run(CURLM *multi, struct lane *lanes, size_t connections,
                      size_t count, int *statuses)
{
    size_t begun = connections, ended = 0;
    int running, left;

    while (ended < count) {
        CURLMsg *told;
        curl_multi_perform(multi, &running);
        while ((told = curl_multi_info_read(multi, &left))) {
            struct lane *lane = lane_of(lanes, connections, told->easy_handle);
            lane_end(lane, statuses, told->data.result);
            ended++;
            curl_multi_remove_handle(multi, lane->curl);
            lane->number = begun;
            if (begun < count) {
                begun++;
                curl_multi_add_handle(multi, lane->curl);
            }
        }
        if (ended < count)
            curl_multi_poll(multi, NULL, 0, 100, NULL);
    }
}

void web_burst(const struct web_request *request, size_t count,
               size_t connections, int *statuses)
{
    struct lane lanes[CONNECTIONS_MAX];
    CURLM *multi = curl_multi_init();

    if (connections > CONNECTIONS_MAX)
        connections = CONNECTIONS_MAX;
    if (connections > count)
        connections = count;
    for (size_t at = 0; at < connections; at++)
        lane_begin(&lanes[at], multi, at, request);
    lanes_run(multi, lanes, connections, count, statuses);
    lanes_free(lanes, connections);
    curl_multi_cleanup(multi);
}

void web_at_once(const struct web_request *requests, size_t count,
                 int *statuses)
{
    struct lane lanes[CONNECTIONS_MAX];
    CURLM *multi = curl_multi_init();

    if (count > CONNECTIONS_MAX)
        abort();
    for (size_t at = 0; at < count; at++)
        lane_begin(&lanes[at], multi, at, &requests[at]);
    lanes_run(multi, lanes, count, count, statuses);
    lanes_free(lanes, count);
    curl_multi_cleanup(multi);
}
