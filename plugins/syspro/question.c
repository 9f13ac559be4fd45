/* question.c - what the plugin is asked: customers, stock codes, the check.
 *
 * Both look-ups are COMFND on a table and not the query objects: an unknown key
 * is an empty answer there and some ERROR text here.  A column that field
 * security hides is left out of the answer, which is not the same as empty.
 * Called on the instance's thread. */
#include "question.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <connect/json.h>
#include <connect/sdk.h>

#include "comfnd.h"
#include "xml.h"

enum { ROWS_MAX = 5, VALUE_MAX = 256 };

/* A column and the member it becomes. */
struct member {
    const char *column, *name;
    enum { MEMBER_TEXT, MEMBER_FLAG, MEMBER_CUSTOMER } kind;
};

struct table {
    const char *name, *order_by;
    const char *const *columns;
    const struct member *members; /* in the order of columns */
};

static const char *const customer_columns[] = {
    "Customer",  "Name",        "CustomerOnHold", "Currency",
    "TermsCode", "Salesperson", "Branch",         NULL};
static const struct member customer_members[] = {
    {"Customer", "customer", MEMBER_CUSTOMER},
    {"Name", "name", MEMBER_TEXT},
    {"CustomerOnHold", "on_hold", MEMBER_FLAG},
    {"Currency", "currency", MEMBER_TEXT},
    {"TermsCode", "terms", MEMBER_TEXT},
    {"Salesperson", "salesperson", MEMBER_TEXT},
    {"Branch", "branch", MEMBER_TEXT}};
static const struct table customers = {"ArCustomer", "Customer",
                                       customer_columns, customer_members};

static const char *const stock_columns[] = {
    "StockCode",    "Description",    "StockUom",    "Decimals",
    "ProductClass", "WarehouseToUse", "StockOnHold", NULL};
static const struct member stock_members[] = {
    {"StockCode", "stock_code", MEMBER_TEXT},
    {"Description", "description", MEMBER_TEXT},
    {"StockUom", "unit", MEMBER_TEXT},
    {"Decimals", "decimals", MEMBER_TEXT},
    {"ProductClass", "product_class", MEMBER_TEXT},
    {"WarehouseToUse", "warehouse", MEMBER_TEXT},
    {"StockOnHold", "on_hold", MEMBER_FLAG}};
static const struct table stock_codes = {"InvMaster", "StockCode",
                                         stock_columns, stock_members};

struct question {
    struct syspro *syspro;
    cn_op op;
    const struct table *table; /* NULL: the check */
};

static void end(struct question *question, cn_status status,
                uint64_t retry_after_ms, const char *message)
{
    cn_outcome outcome = {.size = sizeof(outcome),
                          .status = status,
                          .retry_after_ms = retry_after_ms,
                          .message = message};

    question->syspro->host->done(question->syspro->host, question->op,
                                 &outcome);
    free(question);
}

static void end_body(struct question *question, const cJSON *body)
{
    char *text = body ? cn_json_print(body) : NULL;

    if (!text) {
        end(question, CN_RETRY, 0, "memory ended");
        return;
    }
    cn_done_body(question->syspro->host, question->op, cn_text(text));
    free(text);
    free(question);
}

static void end_null(struct question *question)
{
    cn_done_body(question->syspro->host, question->op, cn_text("null"));
    free(question);
}

/* An ERROR text as the answer to a pure question. */
static void end_error(struct question *question, const struct answer *answer)
{
    const struct settings *settings = &question->syspro->settings;
    char text[VALUE_MAX];
    enum reason reason = REASON_OTHER;

    text_clean(text, sizeof(text), answer->text);
    reason = answer_reason(settings->texts, text);
    if (reason == REASON_LICENCE)
        end(question, CN_RATE_LIMITED, settings->licence_wait_ms, text);
    else if (reason == REASON_UNAVAILABLE)
        end(question, CN_AUTH, 0, text);
    else
        end(question, reason == REASON_LOCKED ? CN_RETRY : CN_REJECTED, 0,
            text);
}

/* ---- The tables -------------------------------------------------------------
 */

static cJSON *member_value(const struct settings *settings,
                           const struct member *member, const char *text)
{
    char shown[KEY_MAX];

    if (member->kind == MEMBER_FLAG)
        return cJSON_CreateBool(*text && *text != 'N' && *text != ' ');
    if (member->kind == MEMBER_CUSTOMER &&
        key_shown(&settings->customer_key, cn_text(text), shown))
        return cn_json_string(cn_text(shown));
    return cn_json_string(cn_text(text));
}

static cJSON *row_object(const struct question *question,
                         const struct comfnd_rows *rows)
{
    cJSON *object = cJSON_CreateObject();
    char text[VALUE_MAX];

    for (size_t index = 0; object && question->table->columns[index]; index++) {
        const struct member *member = &question->table->members[index];
        if (!xml_child(rows->rows[0], member->column))
            continue;
        comfnd_value(rows, 0, member->column, text, sizeof(text));
        if (cn_json_put(
                object, member->name,
                member_value(&question->syspro->settings, member, text))) {
            cJSON_Delete(object);
            object = NULL;
        }
    }
    return object;
}

static void rows_found(struct question *question,
                       const struct comfnd_rows *rows)
{
    cJSON *object = NULL;

    if (!rows->count) {
        end_null(question);
    } else if (rows->count > 1) {
        end(question, CN_REJECTED, 0,
            "several have that name: ask by their key");
    } else {
        object = row_object(question, rows);
        end_body(question, object);
        cJSON_Delete(object);
    }
}

static void found(void *arg, const struct session_result *result)
{
    struct question *question = arg;
    struct comfnd_rows rows;

    if (result->status != CN_OK) {
        end(question, result->status, result->retry_after_ms, result->message);
    } else if (result->answer->kind == ANSWER_ERROR) {
        end_error(question, result->answer);
    } else if (!comfnd_read(result->answer, question->table->name, &rows)) {
        end(question, CN_RETRY, 0, "the answer to the query is unreadable");
    } else {
        rows_found(question, &rows);
        comfnd_done(&rows);
    }
}

static struct question *question_create(struct syspro *syspro, cn_op op,
                                        const struct table *table)
{
    struct question *question = calloc(1, sizeof(*question));

    if (!question) {
        cn_fail(syspro->host, op, CN_RETRY, "memory ended");
        return NULL;
    }
    question->syspro = syspro;
    question->op = op;
    question->table = table;
    return question;
}

static void ask(struct syspro *syspro, cn_op op, const struct table *table,
                const char *column, const char *value)
{
    struct question *question = question_create(syspro, op, table);
    struct comfnd_condition condition = {column, value};
    struct comfnd_query query = {.table = table->name,
                                 .rows_max = ROWS_MAX,
                                 .columns = table->columns,
                                 .conditions = &condition,
                                 .condition_count = 1,
                                 .order_by = table->order_by};
    struct request request = {.kind = REQUEST_QUERY, .object = "COMFND"};
    struct text document;

    if (!question)
        return;
    text_init(&document, CN_BODY_MAX);
    comfnd_write(&query, &document);
    request.document = (cn_str){document.ptr, document.len};
    if (document.failed)
        end(question, CN_REJECTED, 0, "this is no text for SYSPRO");
    else
        session_send(syspro->session, op, &request, found, question);
    text_done(&document);
}

static void take_code(const cJSON *value, bool upper, char *to, size_t size)
{
    text_trim(to, size, cn_text(cn_json_text(value)), upper);
}

void question_find_customer(struct syspro *syspro, cn_op op, cn_str body)
{
    const struct settings *settings = &syspro->settings;
    char text[VALUE_MAX] = "", stored[KEY_MAX];
    cJSON *value = NULL;

    if (cn_json_read(body, NULL, &value, NULL)) {
        cn_fail(syspro->host, op, CN_REJECTED, "the question is no JSON");
        return;
    }
    take_code(cn_json_member(value, "customer"), settings->upper_customer, text,
              sizeof(text));
    if (*text && !key_stored(&settings->customer_key, cn_text(text), stored)) {
        cn_done_body(syspro->host, op, cn_text("null")); /* cannot exist */
    } else if (*text) {
        ask(syspro, op, &customers, "Customer", stored);
    } else {
        take_code(cn_json_member(value, "name"), false, text, sizeof(text));
        if (*text)
            ask(syspro, op, &customers, "Name", text);
        else
            cn_fail(syspro->host, op, CN_REJECTED,
                    "find_customer needs a customer or a name");
    }
    cJSON_Delete(value);
}

void question_find_stock_code(struct syspro *syspro, cn_op op, cn_str body)
{
    char text[VALUE_MAX] = "";
    cJSON *value = NULL;

    if (!cn_json_read(body, NULL, &value, NULL))
        take_code(cn_json_member(value, "stock_code"),
                  syspro->settings.upper_stock_code, text, sizeof(text));
    if (*text)
        ask(syspro, op, &stock_codes, "StockCode", text);
    else
        cn_fail(syspro->host, op, CN_REJECTED,
                "find_stock_code needs a stock_code");
    cJSON_Delete(value);
}

/* ---- The check ----------------------------------------------------------- */

static void profile_read(void *arg, const struct session_result *result)
{
    struct question *question = arg;
    xmlDocPtr doc = NULL;
    char version[32] = "", currency[8] = "";

    if (result->status != CN_OK) {
        end(question, result->status, result->retry_after_ms, result->message);
        return;
    }
    if (result->answer->kind == ANSWER_ERROR) {
        end_error(question, result->answer);
        return;
    }
    if (result->answer->kind == ANSWER_XML)
        doc = xml_read(result->answer->text, result->answer->utf8);
    if (!doc) {
        end(question, CN_RETRY, 0, "the logon profile is unreadable");
        return;
    }
    xml_text(xml_child(xmlDocGetRootElement(doc), "SysproVersion"), version,
             sizeof(version));
    xml_text(xml_child(xmlDocGetRootElement(doc), "LocalCurrencyCode"),
             currency, sizeof(currency));
    xmlFreeDoc(doc);
    cn_logf(question->syspro->host, CN_LOG_INFO, "SYSPRO %s, local currency %s",
            version, currency);
    end(question, CN_OK, 0, NULL);
}

/* "7.0.0.6": digits and points, nothing else. */
static bool is_version(const struct answer *answer)
{
    cn_str text = answer->text;

    while (text.len && memchr(" \r\n", text.ptr[text.len - 1], 3))
        text.len--;
    for (size_t index = 0; index < text.len; index++) {
        if (!memchr("0123456789.", text.ptr[index], 11))
            return false;
    }
    return answer->kind == ANSWER_PLAIN && text.len > 0;
}

static void version_read(void *arg, const struct session_result *result)
{
    struct question *question = arg;
    struct request request = {.kind = REQUEST_PROFILE};

    if (result->status != CN_OK)
        end(question, result->status, result->retry_after_ms, result->message);
    else if (!is_version(result->answer))
        end(question, CN_RETRY, 0,
            "there is no e.net service at base_url: GetVersion gives no "
            "version");
    else
        session_send(question->syspro->session, question->op, &request,
                     profile_read, question);
}

void question_check(struct syspro *syspro, cn_op op)
{
    struct question *question = question_create(syspro, op, NULL);
    struct request request = {.kind = REQUEST_VERSION};

    if (question)
        session_send(syspro->session, op, &request, version_read, question);
}
