/* A plugin that is compiled against frozen headers, once each version, and uses
 * all that its version has. */
#include <connect/ext/http.h>
#include <connect/ext/state.h>
#include <connect/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef MINOR_VERSION
#define MINOR_VERSION "1.0.0"
#endif

struct minor {
    const cn_host *host;
};

static void *minor_create(const cn_host *host)
{
    struct minor *self = calloc(1, sizeof(*self));

    if (self)
        self->host = host;
    return self;
}

#ifdef MINOR_1
static void minor_pause(void *self)
{
    (void)self;
    abort(); /* a host of 1.0 does not know it */
}

/* Fields of 1.1 that a host of 1.0 lacks. */
static int host_lacks(const cn_host *host)
{
    return !CN_HAS(host, now);
}
#else
static int host_lacks(const cn_host *host)
{
    (void)host;
    return 1;
}
#endif

static void minor_poll(void *arg, cn_op op, const cn_poll *poll)
{
    struct minor *self = arg;
    cn_record record = {.size = sizeof(record),
                        .type = "item/1",
                        .id = CN_STR("1"),
                        .body = CN_STR("{\"name\": \"abi\"}")};
    cn_outcome outcome = {.size = sizeof(outcome)};
    char cursor[64];
    cn_status status;

    (void)poll;
#ifdef MINOR_1
    record.encoding = (cn_str)CN_STR("json");
    outcome.cost = 5;
#endif
    status = self->host->emit(self->host, op, &record);
    snprintf(cursor, sizeof(cursor), "%d %d", status, host_lacks(self->host));
    outcome.cursor = (cn_str){cursor, strlen(cursor)};
    self->host->done(self->host, op, &outcome);
}

static void minor_answered(void *arg, const cn_http_response *response)
{
    struct minor *self = arg;

    self->host->done(self->host, response->op, response->outcome);
}

static void minor_deliver(void *arg, cn_op op, const cn_delivery *delivery)
{
    struct minor *self = arg;
    const cn_http *http = self->host->extension(self->host, CN_EXT_HTTP);
    cn_http_request request = {.size = sizeof(request),
                               .op = op,
                               .method = "POST",
                               .url = "http://example.test/",
                               .body = delivery->records[0]->body,
                               .effect = 1};

#ifdef MINOR_1
    request.purpose = "to test";
#endif
    http->send(self->host, &request, minor_answered, self);
}

const cn_plugin cn_plugin_v1 = {
    .size = sizeof(cn_plugin),
    .id = "test.minor",
    .version = MINOR_VERSION,
    .manifest = "{\"takes\": [\"item/1\"], \"emits\": [\"item/1\"],"
                " \"streams\": [{\"name\": \"items\"}],"
                " \"config\": {\"properties\": {\"colour\": {\"type\":"
                " \"string\"}, \"token\": {\"type\": \"string\","
                " \"writeOnly\": true}}}}",
    .create = minor_create,
    .destroy = free,
    .poll = minor_poll,
    .deliver = minor_deliver,
#ifdef MINOR_1
    .pause = minor_pause,
#endif
};
