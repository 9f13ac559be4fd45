/* plugin.c - the Streak connector: its table, and who does which work.
 *
 * It receives webhooks (receive.c), answers read_deal (read_deal.c) and takes
 * three types of records (deliver_*.c); each operation is a task (task.c).
 * Nothing is global: an instance is a struct streak.  On the instance's
 * thread. */
#include "plugin.h"

#include <stdlib.h>
#include <string.h>

#include <connect/ext/receiver.h>
#include <connect/sdk.h>

#include "definitions.h"
#include "deliver_activity.h"
#include "deliver_deal.h"
#include "deliver_webhook.h"
#include "read_deal.h"
#include "receive.h"
#include "task.h"
#include "text.h"

/* connect_plugin() makes it from manifest.json. */
extern const char streak_manifest[];

enum { SECOND_MS = 1000 };

static void destroy(void *self)
{
    struct streak *streak = self;

    definitions_destroy(streak->definitions);
    free(streak->base_url);
    free(streak);
}

static void *create(const cn_host *host)
{
    struct streak *streak = text_zero(sizeof(*streak));
    int64_t keep_s = cn_config_integer(host, "/structure_seconds", 60);
    size_t len;

    streak->host = host;
    streak->http = host->extension(host, CN_EXT_HTTP);
    streak->base_url = text_copy(
        cn_config_text(host, "/base_url", "https://api.streak.com/api"));
    len = strlen(streak->base_url);
    while (len && streak->base_url[len - 1] == '/')
        streak->base_url[--len] = '\0';
    streak->auth = cn_is(host->config(host, "/auth"), "bearer")
                       ? "api_key"
                       : "basic api_key";
    streak->definitions =
        definitions_create(host, (uint64_t)keep_s * SECOND_MS);
    if (!streak->http) {
        cn_logf(host, CN_LOG_ERROR, "this host lacks %s", CN_EXT_HTTP);
        destroy(streak);
        return NULL;
    }
    return streak;
}

/* ---- Records --------------------------------------------------------------
 */

static void start_record(struct streak *streak, cn_op op, enum task_kind kind,
                         const cn_delivery *delivery)
{
    const cn_record *record = delivery->records[0]; /* max_batch is 1 */

    if (strcmp(record->type, "deal/1") == 0)
        deliver_deal_start(streak, op, kind, record);
    else if (strcmp(record->type, "activity/1") == 0)
        deliver_activity_start(streak, op, kind, record);
    else if (strcmp(record->type, "webhook/1") == 0)
        deliver_webhook_start(streak, op, kind, record);
    else
        cn_fail(streak->host, op, CN_UNSUPPORTED, "no records of this type");
}

static void deliver(void *self, cn_op op, const cn_delivery *delivery)
{
    start_record(self, op, TASK_DELIVER, delivery);
}

static void probe(void *self, cn_op op, const cn_delivery *delivery)
{
    start_record(self, op, TASK_PROBE, delivery);
}

/* ---- Questions ------------------------------------------------------------
 */

static void call(void *self, cn_op op, const cn_call *call)
{
    struct streak *streak = self;

    if (strcmp(call->action, "read_deal") == 0)
        read_deal_start(streak, op, call);
    else
        cn_fail(streak->host, op, CN_UNSUPPORTED, "no action of this name");
}

static void checked(struct task *task, struct answer *answer)
{
    if (cJSON_IsObject(answer->json))
        task_done(task, cJSON_CreateNull());
    else
        task_fail(task, CN_REJECTED,
                  "this address answers %u, but not as Streak does",
                  answer->code);
}

static void check(void *self, cn_op op)
{
    struct task *task = task_start(self, op, TASK_CHECK, NULL, NULL);

    task_get(task, PATH_ME, NULL, checked);
}

static void cancel(void *self, cn_op op)
{
    task_cancel(self, op);
}

/* ---- Webhooks -------------------------------------------------------------
 */

static void receive(void *self, cn_op op, const cn_http_request *request)
{
    struct streak *streak = self;

    receive_webhook(streak->host, op, request);
}

static const void *extension(const char *id)
{
    static const cn_receiver receiver = {.size = sizeof(receiver),
                                         .receive = receive};

    return strcmp(id, CN_EXT_RECEIVER) == 0 ? &receiver : NULL;
}

const cn_plugin cn_plugin_v1 = {
    .size = sizeof(cn_plugin),
    .id = "connect.streak",
    .version = "0.1.0",
    .manifest = streak_manifest,
    .max_batch = 1,
    .max_open = 16,
    .create = create,
    .destroy = destroy,
    .deliver = deliver,
    .probe = probe,
    .call = call,
    .check = check,
    .cancel = cancel,
    .extension = extension,
};
