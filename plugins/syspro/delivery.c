/* delivery.c - one sales order on its way: deliver and probe.
 *
 *      post -> created, with number ------------------------.
 *           -> created, no number --.                        |
 *           -> "duplicate" ---------+-> look up -> [compare] +-> OK
 *           -> unlisted ERROR ------'      |
 *      probe ------------------------------'
 *
 * SYSPRO takes no key against repetition, so the customer's PO number is ours:
 * it is looked for after every answer that leaves something open.
 *
 * What must hold: a deliver ends with anything but OK and IN_DOUBT only when
 * SYSPRO or the network said that nothing was done; a probe ends with ABSENT
 * only when a readable answer has no such order.  Every delivery has exactly
 * one call in the session, whose result moves it on or ends it.  Called on the
 * instance's thread. */
#include "delivery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <connect/json.h>
#include <connect/sdk.h>

#include "comfnd.h"
#include "order_map.h"

enum {
    ORDERS_MAX = 50,           /* orders of one PO number that are looked at */
    LINES_MAX = 20000,         /* rows of one order: 9,999 and what is added */
    DOCUMENT_MAX = CN_BODY_MAX /* PostLD's body holds it */
};

/* Why the order is looked up. */
enum cause {
    CAUSE_NUMBERED,   /* it is not: SYSPRO gave the number */
    CAUSE_UNNUMBERED, /* created, number unknown */
    CAUSE_DUPLICATE,  /* SYSPRO says that it is there */
    CAUSE_ERROR,      /* an ERROR text that does not tell, or an error beside
                       * a number */
    CAUSE_PROBE
};

struct delivery {
    struct syspro *syspro;
    cn_op op;
    enum cause cause;
    cJSON *order;                    /* owned */
    const char *po_number;           /* of order */
    char customer[KEY_MAX];          /* stored form */
    char number[KEY_MAX];            /* stored form; "" until known */
    bool cancelled;                  /* the order found is cancelled */
    size_t found_count;              /* orders of this PO number */
    char reason[CN_MESSAGE_MAX / 2]; /* SYSPRO's own text */
    cn_status refusal;               /* what follows from it */
    cJSON *warnings;                 /* owned; an array of texts */
};

static void delivery_destroy(struct delivery *delivery)
{
    cJSON_Delete(delivery->order);
    cJSON_Delete(delivery->warnings);
    free(delivery);
}

/* ---- Ending -------------------------------------------------------------- */

static void end(struct delivery *delivery, cn_status status,
                uint64_t retry_after_ms, const char *message)
{
    cn_outcome outcome = {.size = sizeof(outcome),
                          .status = status,
                          .retry_after_ms = retry_after_ms,
                          .message = message};

    delivery->syspro->host->done(delivery->syspro->host, delivery->op,
                                 &outcome);
    delivery_destroy(delivery);
}

/* Whether SYSPRO made the order is unknown, and whom it answers as well. */
static void end_foreign(struct delivery *delivery)
{
    cn_outcome outcome = {.size = sizeof(outcome),
                          .status = CN_IN_DOUBT,
                          .alert = 1,
                          .message = "SYSPRO's answer is about another order"};

    delivery->syspro->host->done(delivery->syspro->host, delivery->op,
                                 &outcome);
    delivery_destroy(delivery);
}

CN_PRINTF_LIKE(3, 4)
static void endf(struct delivery *delivery, cn_status status,
                 const char *format, ...)
{
    char message[CN_MESSAGE_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    text_mend(message);
    end(delivery, status, 0, message);
}

/* Not enough is known.  A probe says so; after a post the order may be there.
 */
static void end_open(struct delivery *delivery,
                     const struct session_result *result, const char *what)
{
    const char *message = result->message ? result->message : "";
    cn_status status = result->status;

    if (delivery->cause != CAUSE_PROBE)
        endf(delivery, CN_IN_DOUBT, "%s: %s%s%s",
             delivery->cause == CAUSE_UNNUMBERED
                 ? "the order was created, its number is unknown"
                 : "the order could not be looked up",
             what, *message ? ", " : "", message);
    else if (status == CN_AUTH || status == CN_RATE_LIMITED ||
             status == CN_CANCELLED)
        end(delivery, status, result->retry_after_ms, message);
    else
        endf(delivery, CN_RETRY, "%s%s%s", what, *message ? ": " : "", message);
}

static void warn(struct delivery *delivery, const char *text)
{
    if (*text)
        cn_json_append(delivery->warnings, cn_json_string(cn_text(text)));
}

static int put_reference(const struct delivery *delivery, cJSON *body)
{
    const struct settings *settings = &delivery->syspro->settings;
    char number[KEY_MAX] = "", customer[KEY_MAX] = "";
    int status = 0;

    key_shown(&settings->order_key, cn_text(delivery->number), number);
    key_shown(&settings->customer_key, cn_text(delivery->customer), customer);
    if ((status = cn_json_put_text(body, "sales_order", number)) ||
        (status =
             cn_json_put_text(body, "sales_order_stored", delivery->number)) ||
        (status = cn_json_put_text(body, "customer", customer)) ||
        (status = cn_json_put_text(body, "po_number", delivery->po_number)))
        return status;
    if (delivery->cause == CAUSE_DUPLICATE)
        status = cn_json_put(body, "adopted", cJSON_CreateTrue());
    if (!status && delivery->cancelled)
        status = cn_json_put(body, "cancelled", cJSON_CreateTrue());
    if (!status)
        status = cn_json_put(body, "warnings",
                             cJSON_Duplicate(delivery->warnings, true));
    return status;
}

static void end_found(struct delivery *delivery)
{
    cJSON *body = cJSON_CreateObject();
    char *text = NULL;
    cn_outcome outcome = {.size = sizeof(outcome), .status = CN_OK};

    if (body && !put_reference(delivery, body))
        text = cn_json_print(body);
    cJSON_Delete(body);
    if (!text) {
        end(delivery, delivery->cause == CAUSE_PROBE ? CN_RETRY : CN_IN_DOUBT,
            0, "memory ended");
        return;
    }
    outcome.body = cn_text(text);
    delivery->syspro->host->done(delivery->syspro->host, delivery->op,
                                 &outcome);
    free(text);
    delivery_destroy(delivery);
}

/* ---- Comparing ----------------------------------------------------------- */

static void differs(struct delivery *delivery, const char *difference)
{
    char number[KEY_MAX] = "";

    key_shown(&delivery->syspro->settings.order_key, cn_text(delivery->number),
              number);
    if (delivery->cause == CAUSE_PROBE || delivery->cause == CAUSE_DUPLICATE)
        endf(delivery, CN_REJECTED,
             "sales order %s exists with other amounts: %s", number,
             difference);
    else /* the probe that follows refuses it */
        endf(delivery, CN_IN_DOUBT,
             "sales order %s was created with other amounts: %s", number,
             difference);
}

static void compared(void *arg, const struct session_result *result)
{
    struct delivery *delivery = arg;
    struct comfnd_rows rows;
    char difference[256] = "";
    bool known = delivery->cause == CAUSE_NUMBERED ||
                 delivery->cause == CAUSE_UNNUMBERED;
    bool same = false;

    if (result->status == CN_OK &&
        comfnd_read(result->answer, "SorDetail", &rows)) {
        same = order_map_same(&delivery->syspro->settings, delivery->order,
                              &rows, difference, sizeof(difference));
        comfnd_done(&rows);
        if (same)
            end_found(delivery);
        else
            differs(delivery, difference);
    } else if (known || (result->status == CN_OK &&
                         result->answer->kind == ANSWER_ERROR)) {
        warn(delivery, "the order's lines could not be compared");
        end_found(delivery);
    } else {
        end_open(delivery, result, "the order's lines could not be read");
    }
}

static void query(struct delivery *delivery, const struct comfnd_query *what,
                  session_fn *fn)
{
    struct request request = {.kind = REQUEST_QUERY, .object = "COMFND"};
    struct text document;

    text_init(&document, DOCUMENT_MAX);
    comfnd_write(what, &document);
    if (document.failed) {
        struct session_result failed = {.status = CN_RETRY,
                                        .message = "memory ended"};
        fn(delivery, &failed);
    } else {
        request.document = (cn_str){document.ptr, document.len};
        session_send(delivery->syspro->session, delivery->op, &request, fn,
                     delivery);
    }
    text_done(&document);
}

static void compare(struct delivery *delivery)
{
    static const char *const columns[] = {
        "SalesOrder", "SalesOrderLine", "LineType",  "MStockCode", "MOrderQty",
        "MOrderUom",  "MPrice",         "MPriceUom", NULL};
    const struct settings *settings = &delivery->syspro->settings;
    struct comfnd_condition condition = {"SalesOrder", delivery->number};
    bool created = delivery->cause == CAUSE_NUMBERED ||
                   delivery->cause == CAUSE_UNNUMBERED;

    if (delivery->cancelled ||
        !(created ? settings->compare_created : settings->compare_found)) {
        end_found(delivery);
        return;
    }
    query(delivery,
          &(struct comfnd_query){.table = "SorDetail",
                                 .rows_max = LINES_MAX,
                                 .columns = columns,
                                 .conditions = &condition,
                                 .condition_count = 1,
                                 .order_by = "SalesOrderLine"},
          compared);
}

/* ---- Looking up ---------------------------------------------------------- */

static bool is_cancelled(const struct comfnd_rows *rows, size_t row)
{
    char flag[8], status[8];

    comfnd_value(rows, row, "CancelledFlag", flag, sizeof(flag));
    comfnd_value(rows, row, "OrderStatus", status, sizeof(status));
    return flag[0] == 'Y' || status[0] == '\\' || status[0] == '*';
}

/* Credit and debit notes carry the PO number of the order they are for. */
static bool is_note(const struct comfnd_rows *rows, size_t row)
{
    char type[8];

    comfnd_value(rows, row, "DocumentType", type, sizeof(type));
    return type[0] == 'C' || type[0] == 'D';
}

/* One row of SorMaster.  False: it is no answer to our question. */
static bool take_row(struct delivery *delivery, const struct comfnd_rows *rows,
                     size_t row)
{
    char text[64], ours[64], number[KEY_MAX];
    bool cancelled = is_cancelled(rows, row);

    comfnd_value(rows, row, "CustomerPoNumber", text, sizeof(text));
    text_clean(ours, sizeof(ours), cn_text(delivery->po_number));
    if (strcasecmp(text, ours) != 0)
        return false;
    if (strcmp(text, ours) != 0 || is_note(rows, row))
        return true; /* the data base may not tell cases apart; we do */
    comfnd_value(rows, row, "SalesOrder", text, sizeof(text));
    if (!key_stored(&delivery->syspro->settings.order_key, cn_text(text),
                    number))
        return false;
    delivery->found_count++;
    if (!*delivery->number || (delivery->cancelled && !cancelled) ||
        (delivery->cancelled == cancelled &&
         strcmp(number, delivery->number) < 0)) {
        memcpy(delivery->number, number, sizeof(number));
        delivery->cancelled = cancelled;
    }
    return true;
}

static bool take_rows(struct delivery *delivery,
                      const struct session_result *result)
{
    struct comfnd_rows rows;
    bool fine = true;

    if (!comfnd_read(result->answer, "SorMaster", &rows))
        return false;
    for (size_t row = 0; row < rows.count && fine; row++)
        fine = take_row(delivery, &rows, row);
    comfnd_done(&rows);
    return fine;
}

static void found_none(struct delivery *delivery)
{
    if (delivery->cause == CAUSE_PROBE)
        end(delivery, CN_ABSENT, 0, "SYSPRO has no order of this PO number");
    else if (delivery->cause == CAUSE_UNNUMBERED)
        end(delivery, CN_IN_DOUBT, 0,
            "SYSPRO created an order without a number, and none is found");
    else if (delivery->cause == CAUSE_DUPLICATE)
        endf(delivery, CN_REJECTED,
             "%s; but this customer has no order of this PO number",
             delivery->reason);
    else
        end(delivery, delivery->refusal, 0, delivery->reason);
}

/* COMFND answers with an ERROR text. */
static void look_up_refused(struct delivery *delivery,
                            const struct answer *answer)
{
    const struct settings *settings = &delivery->syspro->settings;
    char text[128];
    struct session_result told = {.status = CN_RETRY, .message = text};
    enum reason reason = REASON_OTHER;

    text_clean(text, sizeof(text), answer->text);
    reason = answer_reason(settings->texts, text);
    if (reason == REASON_UNAVAILABLE) {
        told.status = CN_AUTH;
    } else if (reason == REASON_LICENCE) {
        told.status = CN_RATE_LIMITED;
        told.retry_after_ms = settings->licence_wait_ms;
    }
    end_open(delivery, &told, "COMFND is refused");
}

static void found(void *arg, const struct session_result *result)
{
    struct delivery *delivery = arg;
    char text[128];

    if (result->status != CN_OK) {
        end_open(delivery, result, "the look-up failed");
        return;
    }
    if (result->answer->kind == ANSWER_ERROR) {
        look_up_refused(delivery, result->answer);
        return;
    }
    if (!take_rows(delivery, result)) {
        end_open(delivery, result,
                 "the answer to the look-up is unreadable or does not fit "
                 "order_key");
        return;
    }
    if (!delivery->found_count) {
        found_none(delivery);
        return;
    }
    if (delivery->found_count > 1) {
        snprintf(text, sizeof(text),
                 "%zu sales orders of this customer have this PO number",
                 delivery->found_count);
        warn(delivery, text);
    }
    compare(delivery);
}

static void look_up(struct delivery *delivery, enum cause cause)
{
    static const char *const columns[] = {"SalesOrder",
                                          "OrderStatus",
                                          "CancelledFlag",
                                          "DocumentType",
                                          "CustomerPoNumber",
                                          "EntrySystemDate",
                                          NULL};
    struct comfnd_condition conditions[] = {
        {"Customer", delivery->customer},
        {"CustomerPoNumber", delivery->po_number}};

    delivery->cause = cause;
    query(delivery,
          &(struct comfnd_query){.table = "SorMaster",
                                 .rows_max = ORDERS_MAX,
                                 .columns = columns,
                                 .conditions = conditions,
                                 .condition_count = 2,
                                 .order_by = "SalesOrder"},
          found);
}

/* ---- Posting
 * ----------------------------------------------------------------------------
 */

/* The next move after a refusal for this reason. */
static cn_status reason_status(enum reason reason)
{
    switch (reason) {
    case REASON_HOLD:
    case REASON_CREDIT:
    case REASON_PERIOD:
        return CN_HOLD;
    case REASON_LOCKED:
        return CN_RETRY;
    case REASON_LICENCE:
        return CN_RATE_LIMITED;
    case REASON_UNAVAILABLE: /* for every order until someone sees to it */
        return CN_AUTH;
    default:
        return CN_REJECTED;
    }
}

/* Of several reasons the one that stands longest counts: what will never work,
 * then what waits for a person, then what passes. */
static int severity(enum reason reason)
{
    switch (reason_status(reason)) {
    case CN_REJECTED:
        return 3;
    case CN_HOLD:
        return 2;
    default:
        return 1;
    }
}

/* The reason that counts, or DUPLICATE when any says so: the order is there
 * then, whatever else would stand in the way of a second one. */
static enum reason worst_reason(const struct delivery *delivery,
                                const struct decision *decision)
{
    const cJSON *texts = delivery->syspro->settings.texts;
    bool errors = decision->error_count > 0;
    size_t count = errors ? decision->error_count : decision->warning_count;
    enum reason worst = REASON_OTHER;

    for (size_t index = 0; index < count && index < REASONS_MAX; index++) {
        enum reason reason =
            answer_reason(texts, errors ? decision->errors[index].text
                                        : decision->warnings[index]);
        if (reason == REASON_DUPLICATE)
            return reason;
        if (!index || severity(reason) > severity(worst))
            worst = reason;
    }
    return worst;
}

static void refused(struct delivery *delivery, const struct decision *decision)
{
    enum reason reason = worst_reason(delivery, decision);
    uint64_t wait = reason == REASON_LICENCE
                        ? delivery->syspro->settings.licence_wait_ms
                        : 0;

    answer_describe(decision, delivery->reason, sizeof(delivery->reason));
    delivery->refusal = reason_status(reason);
    if (reason == REASON_DUPLICATE)
        look_up(delivery, CAUSE_DUPLICATE);
    else if (*decision->number || /* it refuses, and names the order it made */
             (decision->verdict == VERDICT_ERROR && reason == REASON_OTHER))
        look_up(delivery, CAUSE_ERROR);
    else if (reason == REASON_UNAVAILABLE)
        endf(delivery, CN_AUTH, "SORTOI is missing or not licensed: %s",
             delivery->reason);
    else
        end(delivery, reason_status(reason), wait, delivery->reason);
}

static void created(struct delivery *delivery, const struct decision *decision)
{
    size_t shown = decision->warning_count < REASONS_MAX
                       ? decision->warning_count
                       : REASONS_MAX;

    for (size_t index = 0; index < shown; index++)
        warn(delivery, decision->warnings[index]);
    if (decision->verdict == VERDICT_UNNUMBERED) {
        look_up(delivery, CAUSE_UNNUMBERED);
    } else if (!key_stored(&delivery->syspro->settings.order_key,
                           cn_text(decision->number), delivery->number)) {
        end(delivery, CN_IN_DOUBT, 0,
            "SYSPRO's sales order number does not fit the setting order_key");
    } else {
        delivery->cause = CAUSE_NUMBERED;
        compare(delivery);
    }
}

static void posted(void *arg, const struct session_result *result)
{
    struct delivery *delivery = arg;
    struct decision *decision = NULL;

    if (result->status != CN_OK) {
        end(delivery, result->status, result->retry_after_ms, result->message);
        return;
    }
    decision = malloc(sizeof(*decision));
    if (!decision) {
        end(delivery, CN_IN_DOUBT, 0, "memory ended");
        return;
    }
    answer_decide(result->answer, delivery->po_number, false, decision);
    switch (decision->verdict) {
    case VERDICT_CREATED:
    case VERDICT_UNNUMBERED:
        created(delivery, decision);
        break;
    case VERDICT_ERROR:
    case VERDICT_REJECTED:
        refused(delivery, decision);
        break;
    case VERDICT_UNKNOWN:
    case VERDICT_VALIDATED: /* never asked for */
        if (decision->foreign)
            end_foreign(delivery);
        else
            end(delivery, CN_IN_DOUBT, 0,
                "SYSPRO's answer is unreadable or contradicts itself");
        break;
    }
    free(decision);
}

static void post(struct delivery *delivery)
{
    const struct settings *settings = &delivery->syspro->settings;
    struct request request = {.kind = REQUEST_POST, .object = "SORTOI"};
    struct text parameters, document;
    char why[128] = "";

    text_init(&parameters, DOCUMENT_MAX);
    text_init(&document, DOCUMENT_MAX);
    order_map_parameters(settings, &parameters);
    if (!order_map_document(settings, delivery->order, &document, why,
                            sizeof(why)) ||
        parameters.failed) {
        end(delivery, CN_REJECTED, 0, *why ? why : "the order is too large");
    } else {
        request.parameters = (cn_str){parameters.ptr, parameters.len};
        request.document = (cn_str){document.ptr, document.len};
        session_send(delivery->syspro->session, delivery->op, &request, posted,
                     delivery);
    }
    text_done(&parameters);
    text_done(&document);
}

/* ---- For plugin.c -------------------------------------------------------- */

/* NULL: the operation has ended already. */
static struct delivery *delivery_create(struct syspro *syspro, cn_op op,
                                        const cn_record *record)
{
    struct delivery *delivery = NULL;

    if (strcmp(record->type, "sales_order/1") != 0 ||
        record->change != CN_UPSERT) {
        cn_fail(syspro->host, op, CN_UNSUPPORTED,
                "only new sales orders are taken");
        return NULL;
    }
    delivery = calloc(1, sizeof(*delivery));
    if (delivery)
        delivery->warnings = cJSON_CreateArray();
    if (!delivery || !delivery->warnings) {
        free(delivery);
        cn_fail(syspro->host, op, CN_RETRY, "memory ended");
        return NULL;
    }
    delivery->syspro = syspro;
    delivery->op = op;
    if (cn_json_read(record->body, NULL, &delivery->order, NULL)) {
        end(delivery, CN_REJECTED, 0, "the order is no JSON");
        return NULL;
    }
    delivery->po_number = cn_json_text_at(delivery->order, "/po_number", "");
    if (!order_map_customer(&syspro->settings, delivery->order,
                            delivery->customer)) {
        end(delivery, CN_REJECTED, 0,
            "the customer is no key of the kind in the setting customer_key");
        return NULL;
    }
    return delivery;
}

void delivery_post(struct syspro *syspro, cn_op op, const cn_record *record)
{
    struct delivery *delivery = delivery_create(syspro, op, record);

    if (delivery)
        post(delivery);
}

void delivery_probe(struct syspro *syspro, cn_op op, const cn_record *record)
{
    struct delivery *delivery = delivery_create(syspro, op, record);

    if (delivery)
        look_up(delivery, CAUSE_PROBE);
}
