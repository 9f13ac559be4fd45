/* plugin.c - the plugin to copy: keeps notes in a notes service.
 *
 * It plays two roles: a sink for records of the type example.note/1, and the
 * answer to one question, find_note.  The service takes a note by POST to
 * /notes and gives it back by GET from /notes/<id>, with 404 for none.
 *
 * Every function below starts one request and returns; the answer comes to one
 * of the functions named answered_..., which ends the operation.  The request
 * carries the operation's number, so nothing has to be remembered in between.
 * All functions run on the instance's one thread. */
#include <connect/json.h>
#include <connect/sdk.h>

/* connect_plugin() makes it from manifest.json. */
extern const char note_manifest[];

struct note {
    const cn_host *host; /* valid until destroy, as are the two below */
    const cn_http *http;
    const char *url;
};

/* A URL is the configured address, "/notes/" and an id of 64 characters. */
enum { URL_MAX = 1100 };

static void *note_create(const cn_host *host)
{
    struct note *self = calloc(1, sizeof(*self));

    if (!self)
        return NULL;
    self->host = host;
    self->url = cn_config_text(host, "/url", ""); /* the manifest requires it */
    self->http = host->extension(host, CN_EXT_HTTP);
    if (!self->http) {
        cn_logf(host, CN_LOG_ERROR, "this host lacks %s", CN_EXT_HTTP);
        free(self);
        return NULL;
    }
    return self;
}

/* Ask for /notes/<id>, or for /notes when id is NULL.  A pure read: the host
 * may repeat it. */
static void get(struct note *self, cn_op op, const char *id,
                void (*fn)(void *arg, const cn_http_response *))
{
    char url[URL_MAX];
    cn_http_request request = {.size = sizeof(request),
                               .op = op,
                               .method = "GET",
                               .url = url,
                               .auth = "token"};

    snprintf(url, sizeof(url), "%s/notes%s%s", self->url, id ? "/" : "",
             id ? id : "");
    self->http->send(self->host, &request, fn, self);
}

/* The text at a pointer of a JSON body in to; false when there is none. */
static bool read_text(cn_str body, const char *pointer, char *to, size_t size)
{
    cJSON *value = NULL;
    const char *text = NULL;

    if (!cn_json_read(body, NULL, &value, NULL))
        text = cn_json_text_at(value, pointer, NULL);
    if (text)
        snprintf(to, size, "%s", text);
    cJSON_Delete(value);
    return text != NULL;
}

/* ---- The sink ----------------------------------------------------------- */

/* The host says in outcome what a status code means; pass it on.  An answer of
 * success that we cannot read leaves open what happened: the host probes. */
static void answered_deliver(void *arg, const cn_http_response *response)
{
    struct note *self = arg;
    char number[64];

    if (response->outcome->status != CN_OK)
        self->host->done(self->host, response->op, response->outcome);
    else if (!read_text(response->body, "/number", number, sizeof(number)))
        cn_fail(self->host, response->op, CN_IN_DOUBT,
                "the service answered %u, but with no number", response->code);
    else
        cn_done_body(self->host, response->op, response->body);
}

static void note_deliver(void *arg, cn_op op, const cn_delivery *delivery)
{
    struct note *self = arg;
    const cn_record *record = delivery->records[0]; /* max_batch is 1 */
    char url[URL_MAX];
    cn_header type = {CN_STR("Content-Type"), CN_STR("application/json")};
    cn_http_request request = {.size = sizeof(request),
                               .op = op,
                               .method = "POST",
                               .url = url,
                               .auth = "token",
                               .headers = &type,
                               .header_count = 1,
                               .body = record->body,
                               .effect = 1}; /* it changes the service */

    if (record->change == CN_DELETE) {
        cn_fail(self->host, op, CN_UNSUPPORTED, "notes cannot be deleted");
        return;
    }
    snprintf(url, sizeof(url), "%s/notes", self->url);
    self->http->send(self->host, &request, answered_deliver, self);
}

/* Did a note arrive whose delivery is in doubt? */
static void answered_probe(void *arg, const cn_http_response *response)
{
    struct note *self = arg;

    if (response->code == 404)
        cn_fail(self->host, response->op, CN_ABSENT, "there is no such note");
    else if (response->outcome->status == CN_OK)
        cn_done_body(self->host, response->op, response->body);
    else
        cn_fail(self->host, response->op, CN_RETRY, "%s",
                response->outcome->message ? response->outcome->message
                                           : "the service cannot tell");
}

static void note_probe(void *arg, cn_op op, const cn_delivery *delivery)
{
    struct note *self = arg;
    char id[65];

    if (read_text(delivery->records[0]->body, "/id", id, sizeof(id)))
        get(self, op, id, answered_probe);
    else
        cn_fail(self->host, op, CN_REJECTED, "the record has no id");
}

/* ---- The action --------------------------------------------------------- */

static void answered_find(void *arg, const cn_http_response *response)
{
    struct note *self = arg;

    if (response->code == 404) /* not found is an answer, not a failure */
        cn_done_body(self->host, response->op, cn_text("null"));
    else if (response->outcome->status == CN_OK)
        cn_done_body(self->host, response->op, response->body);
    else
        self->host->done(self->host, response->op, response->outcome);
}

static void note_call(void *arg, cn_op op, const cn_call *call)
{
    struct note *self = arg;
    char id[65];

    if (strcmp(call->action, "find_note") != 0)
        cn_fail(self->host, op, CN_UNSUPPORTED, "no action %s", call->action);
    else if (!read_text(call->body, "/id", id, sizeof(id)))
        cn_fail(self->host, op, CN_REJECTED, "find_note needs an id");
    else
        get(self, op, id, answered_find);
}

/* ---- The check ---------------------------------------------------------- */

static void answered_check(void *arg, const cn_http_response *response)
{
    struct note *self = arg;

    self->host->done(self->host, response->op, response->outcome);
}

static void note_check(void *arg, cn_op op)
{
    get(arg, op, NULL, answered_check);
}

const cn_plugin cn_plugin_v1 = {
    .size = sizeof(cn_plugin),
    .id = "com.example.note",
    .version = "1.0.0",
    .manifest = note_manifest,
    .max_open = 4,
    .create = note_create,
    .destroy = free,
    .deliver = note_deliver,
    .probe = note_probe,
    .call = note_call,
    .check = note_check,
};
