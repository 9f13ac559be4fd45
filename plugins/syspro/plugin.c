/* plugin.c - the connector to SYSPRO: orders in, answers out, over e.net REST.
 *
 * It is a sink for sales_order/1 and answers two questions.  The table and the
 * calls are here; the order's way is delivery.c, the operator's session and its
 * queue session.c, what answers mean answer.c.  All functions run on the
 * instance's one thread. */
#include "plugin.h"

#include <stdlib.h>
#include <string.h>

#include <connect/sdk.h>

#include "delivery.h"
#include "question.h"
#include "xml.h"

/* Made from manifest.json by connect_plugin(). */
extern const char syspro_manifest[];

static void syspro_destroy(void *self)
{
    struct syspro *syspro = self;

    if (!syspro)
        return;
    session_destroy(syspro->session);
    settings_done(&syspro->settings);
    free(syspro);
}

static void *syspro_create(const cn_host *host)
{
    struct syspro *syspro = calloc(1, sizeof(*syspro));

    if (!syspro)
        return NULL;
    xml_begin();
    syspro->host = host;
    if (settings_read(host, &syspro->settings) ||
        session_create(host, &syspro->settings, &syspro->session)) {
        syspro_destroy(syspro);
        return NULL;
    }
    return syspro;
}

static void syspro_deliver(void *self, cn_op op, const cn_delivery *delivery)
{
    delivery_post(self, op, delivery->records[0]); /* max_batch is 1 */
}

static void syspro_probe(void *self, cn_op op, const cn_delivery *delivery)
{
    delivery_probe(self, op, delivery->records[0]);
}

static void syspro_call(void *self, cn_op op, const cn_call *call)
{
    struct syspro *syspro = self;

    if (!strcmp(call->action, "find_customer"))
        question_find_customer(syspro, op, call->body);
    else if (!strcmp(call->action, "find_stock_code"))
        question_find_stock_code(syspro, op, call->body);
    else
        cn_fail(syspro->host, op, CN_UNSUPPORTED, "no action %s", call->action);
}

static void syspro_check(void *self, cn_op op)
{
    question_check(self, op);
}

/* Session and operation of a stop that is under way. */
struct leaving {
    struct syspro *syspro;
    cn_op op;
};

static void left(void *arg, const struct session_result *result)
{
    struct leaving *leaving = arg;

    (void)result; /* it ends with the instance all the same */
    cn_done(leaving->syspro->host, leaving->op);
    free(leaving);
}

static void syspro_stop(void *self, cn_op op)
{
    struct syspro *syspro = self;
    struct leaving *leaving = malloc(sizeof(*leaving));

    if (!leaving) {
        cn_done(syspro->host, op);
        return;
    }
    *leaving = (struct leaving){syspro, op};
    session_leave(syspro->session, op, left, leaving);
}

static void syspro_cancel(void *self, cn_op op)
{
    struct syspro *syspro = self;

    session_cancel(syspro->session, op);
}

const cn_plugin cn_plugin_v1 = {
    .size = sizeof(cn_plugin),
    .id = "connect.syspro",
    .version = "0.1.0",
    .manifest = syspro_manifest,
    .max_open = 4, /* one call is out at a time; the rest waits here */
    .create = syspro_create,
    .destroy = syspro_destroy,
    .deliver = syspro_deliver,
    .probe = syspro_probe,
    .call = syspro_call,
    .check = syspro_check,
    .stop = syspro_stop,
    .cancel = syspro_cancel,
};
