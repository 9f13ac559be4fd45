/* bench_sink.c - a sink: each record is one request with effect, and a probe
 * asks whether it arrived.  On the instance's thread. */
#include <connect/json.h>
#include <connect/sdk.h>

extern const char bench_sink_manifest[];

struct bench_sink {
    const cn_host *host;
    const cn_http *http;
    const char *url;
};

enum { URL_MAX = 300 };

static void *sink_create(const cn_host *host)
{
    struct bench_sink *self = calloc(1, sizeof(*self));

    if (!self)
        return NULL;
    self->host = host;
    self->url = cn_config_text(host, "/url", "");
    self->http = host->extension(host, CN_EXT_HTTP);
    return self;
}

static void answered_deliver(void *arg, const cn_http_response *response)
{
    struct bench_sink *self = arg;

    if (response->outcome->status == CN_OK)
        cn_done_body(self->host, response->op, response->body);
    else
        self->host->done(self->host, response->op, response->outcome);
}

static void sink_deliver(void *arg, cn_op op, const cn_delivery *delivery)
{
    struct bench_sink *self = arg;
    char url[URL_MAX];
    cn_header type = {CN_STR("Content-Type"), CN_STR("application/json")};
    cn_http_request request = {.size = sizeof(request),
                               .op = op,
                               .method = "POST",
                               .url = url,
                               .headers = &type,
                               .header_count = 1,
                               .body = delivery->records[0]->body,
                               .effect = 1};

    snprintf(url, sizeof(url), "%s/orders", self->url);
    self->http->send(self->host, &request, answered_deliver, self);
}

static void answered_probe(void *arg, const cn_http_response *response)
{
    struct bench_sink *self = arg;

    if (response->code == 404)
        cn_fail(self->host, response->op, CN_ABSENT, "it did not arrive");
    else if (response->outcome->status == CN_OK)
        cn_done_body(self->host, response->op, response->body);
    else
        cn_fail(self->host, response->op, CN_RETRY, "it cannot be told yet");
}

static void sink_probe(void *arg, cn_op op, const cn_delivery *delivery)
{
    struct bench_sink *self = arg;
    cJSON *json = NULL;
    char url[URL_MAX];
    cn_http_request request = {
        .size = sizeof(request), .op = op, .method = "GET", .url = url};

    if (cn_json_read(delivery->records[0]->body, NULL, &json, NULL)) {
        cn_fail(self->host, op, CN_REJECTED, "the record is no JSON");
        return;
    }
    snprintf(url, sizeof(url), "%s/orders/%s", self->url,
             cn_json_text_at(json, "/seq", "0"));
    cJSON_Delete(json);
    self->http->send(self->host, &request, answered_probe, self);
}

const cn_plugin cn_plugin_v1 = {
    .size = sizeof(cn_plugin),
    .id = "test.bench.sink",
    .version = "1.0.0",
    .manifest = bench_sink_manifest,
    .max_open = 1024,
    .create = sink_create,
    .destroy = free,
    .deliver = sink_deliver,
    .probe = sink_probe,
};
