/* syspro_service.c - the e.net REST service in front of a company.
 *
 * The idea: a table of operations; each writes its result as UTF-8 text, and
 * one place at the end makes bytes of it: Windows-1252, or one of the wrapped
 * variants.  Whatever happens inside is HTTP 200, as with the real service;
 * only what Windows' HTTP layer and WCF refuse by themselves has another
 * status.
 * What must hold: an operation that needs a session runs only with one, so the
 * text about an invalid UserID means that nothing was done.
 * Called on the server's thread. */
#include "syspro_service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim_json.h"
#include "syspro_find.h"
#include "syspro_hostile.h"
#include "syspro_import.h"
#include "syspro_query.h"
#include "syspro_status.h"
#include "syspro_xml.h"

/* The largest hostile answer has 100 MB; an honest one a few MB. */
enum { ANSWER_BYTES_MAX = 128 << 20 };

#define INVALID_SESSION "ERROR: The supplied UserID is invalid."
#define NOT_AVAILABLE "ERROR: e.net exception raised: 100000"

const char *const syspro_service_faults[] = {
    "evict_session", "licence_full",    "exception_100000",
    "record_lock",   "period_closed",   "reject_empty",
    "doctype",       "wrong_reference", NULL};

struct call {
    struct syspro_service *service;
    struct sim_request *request;
    struct sim_answer *answer;
    char today[11];
    struct buf out; /* the result, UTF-8 */
};

typedef void operation_fn(struct call *call);

static const struct sim_fault *take_fault(struct call *call, const char *name)
{
    const struct sim_fault *fault = sim_fault_take(
        sim_server_faults(call->service->server), name, call->request->method,
        call->request->url, call->request->body);

    if (fault != NULL)
        call->answer->fault = fault->name;
    return fault;
}

static int64_t now_ms(const struct call *call)
{
    return sim_clock_now_ms(sim_server_clock(call->service->server));
}

/* A parameter that must be there, though it may be blank; NULL after an ERROR
 * text. */
static const char *parameter(struct call *call, const char *name)
{
    const char *value = sim_request_query(call->request, name);

    if (value == NULL)
        buf_printf(&call->out, "ERROR: Parameter %s was not supplied", name);
    return value;
}

/* false after the text about an invalid UserID. */
static bool has_session(struct call *call, const char *id)
{
    struct syspro_service *service = call->service;
    struct syspro_session *session = syspro_session_use(
        &service->sessions, id, now_ms(call), service->company.options.idle_ms);

    if (session != NULL && take_fault(call, "evict_session") != NULL) {
        syspro_session_close(&service->sessions, session);
        session = NULL;
    }
    if (session == NULL)
        buf_append_text(&call->out, INVALID_SESSION);
    return session != NULL;
}

static bool is_licensed(struct call *call, const char *object)
{
    if (!syspro_codes_have(&call->service->company.unlicensed, object) &&
        take_fault(call, "exception_100000") == NULL)
        return true;
    buf_append_text(&call->out, NOT_AVAILABLE);
    return false;
}

static void get_version(struct call *call)
{
    buf_append_text(&call->out, "8.0.0.6");
}

static void get_service_name(struct call *call)
{
    buf_append_text(&call->out, "SYSPRO 8 e.net Communications Service");
}

/* Whether company and operator are right; false after an ERROR text. */
static bool may_log_on(struct call *call)
{
    const struct syspro_company *company = &call->service->company;
    const char *operator_code = parameter(call, "Operator");
    const char *password =
        operator_code != NULL ? parameter(call, "OperatorPassword") : NULL;
    const char *id = password != NULL ? parameter(call, "CompanyId") : NULL;
    const char *company_password =
        id != NULL ? parameter(call, "CompanyPassword") : NULL;
    const char *wrong = NULL;

    if (company_password == NULL)
        return false;
    if (strcmp(operator_code, company->operator_code) != 0)
        wrong = "ERROR: Invalid operator";
    else if (strcmp(password, company->operator_password) != 0)
        wrong = "ERROR: Invalid operator password";
    else if (strcmp(id, company->id) != 0)
        wrong = "ERROR: Invalid company";
    else if (strcmp(company_password, company->password) != 0)
        wrong = "ERROR: Invalid company password";
    if (wrong != NULL)
        buf_append_text(&call->out, wrong);
    return wrong == NULL;
}

static void log_on(struct call *call)
{
    struct syspro_service *service = call->service;
    const struct syspro_options *options = &service->company.options;
    const char *id = NULL;

    if (!may_log_on(call))
        return;
    const char *operator_code = service->company.operator_code;
    bool full =
        options->sessions_max > 0 &&
        syspro_session_count_others(&service->sessions, operator_code) >=
            (size_t)options->sessions_max;

    if (take_fault(call, "licence_full") == NULL && !full)
        id = syspro_session_open(&service->sessions, operator_code,
                                 now_ms(call), options->idle_ms);
    buf_append_text(&call->out,
                    id != NULL ? id
                               : "ERROR: The maximum number of e.net licenses "
                                 "is in use");
}

static void log_off(struct call *call)
{
    struct syspro_service *service = call->service;
    const char *id = parameter(call, "UserId");

    if (id == NULL)
        return;
    struct syspro_session *session = syspro_session_use(
        &service->sessions, id, now_ms(call), service->company.options.idle_ms);

    if (session == NULL) {
        buf_append_text(&call->out, "ERROR: Unable to read the SYSPRO base "
                                    "directory registry string BaseDir8");
        return;
    }
    syspro_session_close(&service->sessions, session);
    buf_append_text(&call->out, "0");
}

static void get_profile(struct call *call)
{
    const char *id = parameter(call, "UserId");

    if (id != NULL && has_session(call, id))
        syspro_query_profile(&call->service->company, call->today, &call->out);
}

static void run_query(struct call *call)
{
    struct syspro_company *company = &call->service->company;
    const char *id = parameter(call, "UserId");
    const char *object = id != NULL ? parameter(call, "BusinessObject") : NULL;
    const char *document = object != NULL ? parameter(call, "XmlIn") : NULL;

    if (document == NULL || !has_session(call, id) ||
        !is_licensed(call, object))
        return;
    if (strcmp(object, "COMFND") == 0)
        syspro_find_query(company, document, &call->out);
    else if (strcmp(object, "ARSQRY") == 0)
        syspro_query_customer(company, document, &call->out);
    else if (strcmp(object, "INVQRY") == 0)
        syspro_query_stock(company, document, &call->out);
    else
        buf_append_text(&call->out, NOT_AVAILABLE);
}

static void run_fetch(struct call *call)
{
    const char *id = parameter(call, "UserId");
    const char *document = id != NULL ? parameter(call, "XmlIn") : NULL;

    if (document != NULL && has_session(call, id) &&
        is_licensed(call, "COMFCH"))
        syspro_find_fetch(&call->service->company, document, &call->out);
}

static const char *line_type(const struct syspro_line *line)
{
    switch (line->type) {
    case '6':
        return "comment";
    case '5':
        return "misc";
    case '4':
        return "freight";
    default:
        return line->non_stocked ? "non_stocked" : "stock";
    }
}

static cJSON *describe_line(const struct syspro_line *line)
{
    cJSON *tree = cJSON_CreateObject();

    cJSON_AddNumberToObject(tree, "line", line->number);
    cJSON_AddStringToObject(tree, "type", line_type(line));
    cJSON_AddStringToObject(tree, "stock_code", line->stock_code);
    cJSON_AddStringToObject(tree, "description", line->description);
    cJSON_AddStringToObject(tree, "warehouse", line->warehouse);
    cJSON_AddStringToObject(tree, "quantity", line->quantity_text);
    cJSON_AddStringToObject(tree, "uom", line->uom);
    cJSON_AddStringToObject(tree, "price", line->price_text);
    cJSON_AddStringToObject(tree, "price_sent", line->price_sent);
    cJSON_AddStringToObject(tree, "ship_date", line->ship_date);
    return tree;
}

cJSON *syspro_service_describe(const struct syspro_company *company,
                               const struct syspro_order *order)
{
    char customer[SYSPRO_KEY_MAX], number[SYSPRO_KEY_MAX];
    cJSON *tree = cJSON_CreateObject();
    cJSON *lines = NULL;

    syspro_key_show(order->customer, company->options.customer_presentation,
                    customer);
    syspro_key_show(order->number, company->options.order_presentation, number);
    cJSON_AddStringToObject(tree, "sales_order", number);
    cJSON_AddStringToObject(tree, "customer", customer);
    cJSON_AddStringToObject(tree, "po", order->po);
    cJSON_AddStringToObject(tree, "status", order->status);
    cJSON_AddBoolToObject(tree, "cancelled", order->cancelled);
    cJSON_AddStringToObject(tree, "currency", order->currency);
    cJSON_AddStringToObject(tree, "order_date", order->order_date);
    cJSON_AddStringToObject(tree, "ship_date", order->ship_date);
    lines = cJSON_AddArrayToObject(tree, "lines");
    for (size_t i = 0; i < order->lines_len; i++)
        cJSON_AddItemToArray(lines, describe_line(&order->lines[i]));
    return tree;
}

static void on_committed(void *arg, const struct syspro_order *order,
                         char action)
{
    struct call *call = arg;
    cJSON *detail = syspro_service_describe(&call->service->company, order);

    sim_ledger_document(sim_server_ledger(call->service->server), "sales_order",
                        order->number, order->po,
                        action == 'A'   ? "create"
                        : action == 'C' ? "update"
                                        : "delete",
                        detail);
    cJSON_Delete(detail);
    call->answer->committed = true;
}

static void import_orders(struct call *call, const char *parameters,
                          const char *document)
{
    const struct syspro_import_fault fault = {
        .record_lock = take_fault(call, "record_lock") != NULL,
        .period_closed = take_fault(call, "period_closed") != NULL,
        .reject_empty = take_fault(call, "reject_empty") != NULL,
        .wrong_reference = take_fault(call, "wrong_reference") != NULL,
    };

    syspro_import_post(&call->service->company, parameters, document,
                       call->today, &fault, on_committed, call, &call->out);
}

static void post_documents(struct call *call, const char *id,
                           const char *object, const char *parameters,
                           const char *document)
{
    if (!has_session(call, id) || !is_licensed(call, object))
        return;
    if (strcmp(object, "SORTOI") == 0)
        import_orders(call, parameters, document);
    else if (strcmp(object, "SORTOS") == 0)
        call->answer->committed = syspro_status_post(
            &call->service->company, parameters, document, &call->out);
    else
        buf_append_text(&call->out, NOT_AVAILABLE);
}

static void run_post(struct call *call)
{
    const char *id = parameter(call, "UserId");
    const char *object = id != NULL ? parameter(call, "BusinessObject") : NULL;
    const char *parameters =
        object != NULL ? parameter(call, "XmlParameters") : NULL;
    const char *document = parameters != NULL ? parameter(call, "XmlIn") : NULL;

    if (document != NULL)
        post_documents(call, id, object, parameters, document);
}

/* The text of a child as it is, for the caller to free with xmlFree. */
static xmlChar *whole_text(xmlNodePtr root, const char *name)
{
    xmlNodePtr node = syspro_xml_child(root, name);

    return node != NULL ? xmlNodeGetContent(node) : NULL;
}

static void post_envelope(struct call *call, xmlNodePtr root)
{
    static const char *const names[] = {"UserId", "BusinessObject",
                                        "XmlParameters", "XmlIn"};
    xmlChar *texts[4] = {NULL, NULL, NULL, NULL};
    bool complete = true;

    for (size_t i = 0; i < 4; i++) {
        texts[i] = whole_text(root, names[i]);
        complete = complete && texts[i] != NULL;
    }
    if (complete)
        post_documents(call, (char *)texts[0], (char *)texts[1],
                       (char *)texts[2], (char *)texts[3]);
    else
        buf_append_text(&call->out,
                        "ERROR: TransactionPostLD lacks an element");
    for (size_t i = 0; i < 4; i++)
        xmlFree(texts[i]);
}

static void run_post_large(struct call *call)
{
    const char *type = sim_request_header(call->request, "Content-Type");
    const char *why = NULL;
    xmlDocPtr doc = NULL;

    if (type == NULL || strncasecmp(type, "application/xml", 15) != 0) {
        buf_append_text(&call->out, "ERROR: Content type is not supported");
        return;
    }
    doc = syspro_xml_parse(call->request->body, call->request->body_len, &why);
    xmlNodePtr root = doc != NULL ? xmlDocGetRootElement(doc) : NULL;

    if (root == NULL)
        buf_printf(&call->out, "ERROR: %s", why);
    else if (!syspro_xml_is(root, "TransactionPostLD") || root->ns == NULL ||
             strcmp((const char *)root->ns->href, "http://SYSPROWcfService") !=
                 0)
        buf_append_text(&call->out, "ERROR: Body is not a TransactionPostLD");
    else
        post_envelope(call, root);
    xmlFreeDoc(doc);
}

/* Business objects of other kinds: the session counts, then 100000. */
static void run_other(struct call *call)
{
    const char *id = parameter(call, "UserId");

    if (id != NULL && has_session(call, id))
        buf_append_text(&call->out, NOT_AVAILABLE);
}

static const struct operation {
    const char *path;
    const char *method;
    operation_fn *run;
} operations[] = {
    {"/GetVersion", "GET", get_version},
    {"/GetServiceName", "GET", get_service_name},
    {"/Logon", "GET", log_on},
    {"/GetLogonProfile", "GET", get_profile},
    {"/Logoff", "GET", log_off},
    {"/Query/Query", "GET", run_query},
    {"/Query/Fetch", "GET", run_fetch},
    {"/Query/Browse", "GET", run_other},
    {"/NextKey", "GET", run_other},
    {"/PreviousKey", "GET", run_other},
    {"/Setup/Add", "GET", run_other},
    {"/Setup/Update", "GET", run_other},
    {"/Setup/Delete", "GET", run_other},
    {"/Transaction/Build", "GET", run_other},
    {"/Transaction/Post", "GET", run_post},
    {"/Transaction/PostLD", "POST", run_post_large},
};

static void write_json_text(const char *text, struct buf *out)
{
    buf_append_text(out, "\"");
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            buf_append_text(out, "\\");
        if (*text == '\n')
            buf_append_text(out, "\\n");
        else if ((unsigned char)*text >= 0x20)
            buf_append(out, text, 1);
    }
    buf_append_text(out, "\"");
}

static void write_wrapped(const char *text, struct buf *out)
{
    buf_append_text(out, "<string xmlns=\"http://schemas.microsoft.com/2003/"
                         "10/Serialization/\">");
    for (; *text != '\0'; text++) {
        if (*text == '&')
            buf_append_text(out, "&amp;");
        else if (*text == '<')
            buf_append_text(out, "&lt;");
        else if (*text == '>')
            buf_append_text(out, "&gt;");
        else
            buf_append(out, text, 1);
    }
    buf_append_text(out, "</string>");
}

static void send_result(struct call *call, const char *text, size_t len)
{
    const char *type = "application/octet-stream";
    struct buf bytes;

    buf_init(&bytes, ANSWER_BYTES_MAX);
    if (call->service->company.options.body == 'j') {
        type = "application/json; charset=utf-8";
        write_json_text(text, &bytes);
    } else if (call->service->company.options.body == 's') {
        type = "application/xml; charset=utf-8";
        write_wrapped(text, &bytes);
    } else {
        syspro_xml_to_bytes(text, len, &bytes);
    }
    sim_answer_buf(call->answer, 200, type, &bytes);
    buf_done(&bytes);
}

static void finish(struct call *call)
{
    const char *text = call->out.data != NULL ? call->out.data : "";
    const struct sim_fault *fault =
        strncmp(text, "<?xml", 5) == 0 ? take_fault(call, "doctype") : NULL;
    struct buf hostile;

    buf_init(&hostile, ANSWER_BYTES_MAX);
    if (fault != NULL) {
        const char *attack = sim_json_text(fault->given, "attack");
        const char *url = sim_json_text(fault->given, "url");

        if (attack == NULL || !syspro_hostile_known(attack))
            attack = "external";
        syspro_hostile_write(attack, url != NULL ? url : "http://127.0.0.1:1/e",
                             text, &hostile);
        send_result(call, hostile.data, hostile.len);
    } else {
        send_result(call, text, call->out.len);
    }
    buf_done(&hostile);
    sim_answer_header(call->answer, "Server", "Microsoft-HTTPAPI/2.0");
}

static void refuse_too_long(struct sim_answer *answer)
{
    sim_answer_text(
        answer, 400, "text/html; charset=us-ascii",
        "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\""
        "\"http://www.w3.org/TR/html4/strict.dtd\">\r\n"
        "<HTML><HEAD><TITLE>Bad Request</TITLE></HEAD>\r\n"
        "<BODY><h2>Bad Request - Request Too Long</h2>\r\n"
        "<hr><p>HTTP Error 400. The size of the request headers is too "
        "long.</p>\r\n"
        "</BODY></HTML>\r\n");
    sim_answer_header(answer, "Server", "Microsoft-HTTPAPI/2.0");
    sim_answer_header(answer, "Connection", "close");
}

/* The operation of a path, in any case of letters; NULL when there is none. */
static const struct operation *find_operation(const char *path)
{
    static const char prefix[] = "/SYSPROWCFService/Rest";
    const struct operation *found = NULL;
    char *decoded = sim_decode_percent(path, strlen(path), false, NULL);

    if (strncasecmp(decoded, prefix, strlen(prefix)) == 0)
        for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
            if (strcasecmp(decoded + strlen(prefix), operations[i].path) == 0)
                found = &operations[i];
    free(decoded);
    return found;
}

void syspro_service_handle(struct syspro_service *service,
                           struct sim_request *request,
                           struct sim_answer *answer)
{
    const struct operation *operation = NULL;
    struct call call = {
        .service = service, .request = request, .answer = answer};
    time_t now = (time_t)(now_ms(&call) / 1000);
    struct tm day;

    if (request->header_bytes >
        (size_t)service->company.options.request_bytes_max) {
        refuse_too_long(answer);
        return;
    }
    operation = find_operation(request->path);
    if (operation == NULL) {
        sim_answer_text(answer, 404, "text/html; charset=UTF-8",
                        "<HTML><BODY><P>Endpoint not found.</P></BODY></HTML>");
        return;
    }
    if (strcmp(request->method, operation->method) != 0) {
        sim_answer_text(answer, 405, "text/html; charset=UTF-8",
                        "<HTML><BODY><P>Method not allowed.</P></BODY></HTML>");
        sim_answer_header(answer, "Allow", operation->method);
        return;
    }
    strftime(call.today, sizeof(call.today), "%Y-%m-%d", gmtime_r(&now, &day));
    buf_init(&call.out, ANSWER_BYTES_MAX);
    operation->run(&call);
    finish(&call);
    buf_done(&call.out);
}

void syspro_service_init(struct syspro_service *service,
                         struct sim_server *server)
{
    service->server = server;
    syspro_company_init(&service->company);
    syspro_session_init(&service->sessions, sim_server_random(server));
}

void syspro_service_done(struct syspro_service *service)
{
    syspro_session_done(&service->sessions);
    syspro_company_done(&service->company);
}
