/* bench_source.c - a receiver: each webhook becomes one small record.
 *
 * Does what a connector does and no more: reads the body strictly and emits.
 * On the instance's thread. */
#include <connect/ext/receiver.h>
#include <connect/json.h>
#include <connect/sdk.h>

extern const char bench_source_manifest[];

struct bench_source {
    const cn_host *host;
};

static void *source_create(const cn_host *host)
{
    struct bench_source *self = calloc(1, sizeof(*self));

    if (self)
        self->host = host;
    return self;
}

static void source_receive(void *arg, cn_op op, const cn_http_request *request)
{
    struct bench_source *self = arg;
    cJSON *json = NULL;
    const char *seq = NULL;
    cn_record record = {.size = sizeof(record),
                        .type = "bench_event/1",
                        .time_ms = 1700000000000};

    if (!cn_json_read(request->body, NULL, &json, NULL))
        seq = cn_json_text_at(json, "/seq", NULL);
    if (seq) {
        record.id = cn_text(seq);
        record.key = cn_text(seq);
        record.body = request->body;
        if (self->host->emit(self->host, op, &record) == CN_OK)
            cn_done(self->host, op);
        else
            cn_fail(self->host, op, CN_RETRY, "the host took no record");
    } else {
        cn_fail(self->host, op, CN_REJECTED, "the body has no seq");
    }
    cJSON_Delete(json);
}

static const void *source_extension(const char *id)
{
    static const cn_receiver receiver = {.size = sizeof(cn_receiver),
                                         .receive = source_receive};

    return strcmp(id, CN_EXT_RECEIVER) ? NULL : &receiver;
}

const cn_plugin cn_plugin_v1 = {
    .size = sizeof(cn_plugin),
    .id = "test.bench.source",
    .version = "1.0.0",
    .manifest = bench_source_manifest,
    .max_open = 1024,
    .create = source_create,
    .destroy = free,
    .extension = source_extension,
};
