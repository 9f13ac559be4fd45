/* client.c - questions to the daemon over its unix socket.
 *
 * One idea: libcurl with a socket path, and nothing of the environment: no
 * proxy, no configuration file, no redirect.  The answer's size is limited. One
 * thread. */
#include "ctl/client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <curl/curl.h>

#include <connect/json.h>

#include "base/buf.h"
#include "base/memory.h"

enum {
    ANSWER_BYTES_MAX = 17 * 1024 * 1024, /* the daemon sends 16 MiB at most */
    CONNECT_MS = 5000,
    ANSWER_MS = 70000, /* the daemon gives itself 60 s for an answer */
    PATH_MAX_BYTES = 1024
};

struct client {
    CURL *curl;
    char *socket_path;
    struct buf answer;
};

struct client *client_create(const char *socket_path)
{
    struct client *client = memory_zero(1, sizeof(*client));

    curl_global_init(CURL_GLOBAL_DEFAULT);
    client->curl = curl_easy_init();
    if (!client->curl)
        abort();
    client->socket_path = memory_text(socket_path);
    buf_init(&client->answer, ANSWER_BYTES_MAX);
    return client;
}

void client_destroy(struct client *client)
{
    curl_easy_cleanup(client->curl);
    curl_global_cleanup();
    buf_done(&client->answer);
    free(client->socket_path);
    free(client);
}

const char *client_text(const struct client *client, size_t *ret_len)
{
    *ret_len = client->answer.len;
    return client->answer.len ? client->answer.data : "";
}

static size_t take_bytes(char *bytes, size_t size, size_t count, void *arg)
{
    struct client *client = arg;

    return buf_append(&client->answer, bytes, size * count) ? 0 : size * count;
}

static int not_reachable(const struct client *client, CURLcode code,
                         struct error *err)
{
    long number = 0;

    curl_easy_getinfo(client->curl, CURLINFO_OS_ERRNO, &number);
    if (number == EACCES || number == EPERM)
        error_set(err,
                  "%s: you may not ask the daemon; become its user or a member "
                  "of the group in \"admin\" of its configuration",
                  client->socket_path);
    else if (code == CURLE_COULDNT_CONNECT)
        error_set(err,
                  "no daemon answers at %s; start it with \"systemctl start "
                  "connectd\" or \"connectd CONFIG\", or name its socket with "
                  "--socket PATH",
                  client->socket_path);
    else
        error_set(err, "the daemon at %s gave no answer: %s",
                  client->socket_path, curl_easy_strerror(code));
    return -ECONNREFUSED;
}

static void client_options(struct client *client, const char *method,
                           const char *path, const char *body)
{
    char address[PATH_MAX_BYTES + 32];

    snprintf(address, sizeof(address), "http://connectd%s", path);
    curl_easy_reset(client->curl);
    curl_easy_setopt(client->curl, CURLOPT_URL, address);
    curl_easy_setopt(client->curl, CURLOPT_UNIX_SOCKET_PATH,
                     client->socket_path);
    curl_easy_setopt(client->curl, CURLOPT_PROXY, "");
    curl_easy_setopt(client->curl, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(client->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(client->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(client->curl, CURLOPT_TIMEOUT_MS, (long)ANSWER_MS);
    curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, client);
    if (body) {
        curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(client->curl, CURLOPT_POSTFIELDSIZE,
                         (long)strlen(body));
        curl_easy_setopt(client->curl, CURLOPT_CUSTOMREQUEST, method);
    }
}

int client_ask(struct client *client, const char *method, const char *path,
               const char *body, cJSON **ret_value, struct error *err)
{
    struct curl_slist *headers =
        curl_slist_append(NULL, "Content-Type: application/json");
    cn_json_limits limits = {.bytes_max = ANSWER_BYTES_MAX,
                             .depth_max = 200,
                             .flags = CN_JSON_ALLOW_CASE_TWINS};
    cJSON *value = NULL;
    cn_str text;
    CURLcode code;
    long status = 0;

    buf_clear(&client->answer);
    client_options(client, method, path, body);
    /* Nothing is asked for leave: the daemon is here. */
    headers = curl_slist_append(headers, "Expect:");
    if (body)
        curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
    code = curl_easy_perform(client->curl);
    curl_slist_free_all(headers);
    if (code != CURLE_OK)
        return not_reachable(client, code, err);
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    text.ptr = client_text(client, &text.len);
    if (cn_json_read(text, &limits, &value, NULL)) {
        error_set(err, "the daemon gave an answer that is no JSON (status %ld)",
                  status);
        return -EBADMSG;
    }
    if (status != 200)
        error_set(err, "%s",
                  cn_json_text_at(value, "/error/message",
                                  cn_json_text_at(value, "/error", "refused")));
    if (ret_value)
        *ret_value = value;
    else
        cJSON_Delete(value);
    if (status == 400)
        return -EINVAL;
    return status == 200 ? 0 : -EREMOTEIO;
}
