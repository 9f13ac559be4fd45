/* answer.c - what an answer of e.net says.
 *
 * e.net answers 200 to everything: the session is gone, the order is refused,
 * the order is made but its number is not told.  What happened is worked out
 * here, in three layers: the wrapping of the body, the texts, and the decision
 * about an order import, whose ten steps are ten lines of decide_document
 * below, in the order in which they count.
 *
 * What must hold: nothing that is cut, broken or about another order ever
 * counts as created or as refused.  Pure; called on the instance's thread. */
#include "answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <connect/json.h>

#include "xml.h"

enum {
    UNWRAPPED_MAX = 16 * 1024 * 1024, /* no more than a body can be */
    COUNTER_DIGITS_MAX = 9,           /* of ItemsProcessed */
    PO_MAX = 64                       /* 30 in SYSPRO; room for a broken one */
};

/* ---- Bodies ---------------------------------------------------------------
 */

static cn_str skip_blanks(cn_str text)
{
    while (text.len && memchr(" \t\r\n", text.ptr[0], 4)) {
        text.ptr++;
        text.len--;
    }
    if (text.len >= 3 && !memcmp(text.ptr, "\xEF\xBB\xBF", 3))
        return skip_blanks((cn_str){text.ptr + 3, text.len - 3});
    return text;
}

static void classify(struct answer *answer, cn_str text)
{
    answer->text = skip_blanks(text);
    if (!answer->text.len)
        answer->kind = ANSWER_BROKEN;
    else if (answer->text.len >= 5 &&
             !strncasecmp(answer->text.ptr, "ERROR", 5))
        answer->kind = ANSWER_ERROR;
    else
        answer->kind = answer->text.ptr[0] == '<' ? ANSWER_XML : ANSWER_PLAIN;
}

static void open_json(struct answer *answer, cn_str body)
{
    cJSON *value = NULL;

    answer->kind = ANSWER_BROKEN;
    if (!cn_json_read(body, NULL, &value, NULL) && cJSON_IsString(value))
        text_put(&answer->storage, value->valuestring);
    if (answer->storage.len && !answer->storage.failed)
        classify(answer, (cn_str){answer->storage.ptr, answer->storage.len});
    cJSON_Delete(value);
}

/* Is the root of what may be a document called string? */
static bool is_string_element(cn_str text)
{
    size_t at = 0;
    const char *end = NULL;

    if (text.len > 2 && text.ptr[1] == '?') {
        end = memmem(text.ptr, text.len, "?>", 2);
        if (!end)
            return false;
        text = skip_blanks(
            (cn_str){end + 2, text.len - (size_t)(end + 2 - text.ptr)});
    }
    if (text.len < 8 || text.ptr[0] != '<')
        return false;
    for (at = 1; at < text.len && at < 40; at++) {
        if (text.ptr[at] == ':')
            return text.len - at > 7 &&
                   !strncasecmp(text.ptr + at + 1, "string", 6);
        if (memchr(" \t\r\n/>", text.ptr[at], 6))
            break;
    }
    return at == 7 && !strncasecmp(text.ptr + 1, "string", 6);
}

static void open_string(struct answer *answer, cn_str body)
{
    xmlDocPtr doc = xml_read(body, answer->utf8);
    xmlNodePtr root = doc ? xmlDocGetRootElement(doc) : NULL;
    xmlChar *content = xml_is(root, "string") ? xmlNodeGetContent(root) : NULL;

    answer->kind = ANSWER_BROKEN;
    if (content)
        text_put(&answer->storage, (const char *)content);
    if (answer->storage.len && !answer->storage.failed)
        classify(answer, (cn_str){answer->storage.ptr, answer->storage.len});
    answer->utf8 = true;
    xmlFree(content);
    xmlFreeDoc(doc);
}

void answer_open(struct answer *answer, cn_str body)
{
    cn_str text = skip_blanks(body);

    *answer = (struct answer){.kind = ANSWER_BROKEN};
    text_init(&answer->storage, UNWRAPPED_MAX);
    if (text.len && text.ptr[0] == '"') {
        answer->utf8 = true;
        open_json(answer, text);
    } else if (is_string_element(text)) {
        open_string(answer, text);
    } else {
        classify(answer, text);
    }
}

void answer_close(struct answer *answer)
{
    text_done(&answer->storage);
}

/* ---- ERROR texts and reasons ------------------------------------------------
 */

static const char *const names[REASON_COUNT] = {
    [REASON_OTHER] = "other",
    [REASON_SESSION] = "session",
    [REASON_UNAVAILABLE] = "unavailable",
    [REASON_LICENCE] = "licence",
    [REASON_LOCKED] = "locked",
    [REASON_DUPLICATE] = "duplicate",
    [REASON_HOLD] = "hold",
    [REASON_CREDIT] = "credit",
    [REASON_PERIOD] = "period"};

/* "licence ... in use" must not count as locked, so licence comes first. */
static const enum reason order[] = {
    REASON_SESSION, REASON_UNAVAILABLE, REASON_LICENCE, REASON_DUPLICATE,
    REASON_HOLD,    REASON_CREDIT,      REASON_PERIOD,  REASON_LOCKED};

const char *reason_name(enum reason reason)
{
    return names[reason];
}

enum reason answer_reason(const cJSON *texts, const char *text)
{
    for (size_t index = 0; index < sizeof(order) / sizeof(*order); index++) {
        CN_JSON_EACH(pattern, cn_json_member(texts, names[order[index]]))
        {
            const char *words = cn_json_text(pattern);
            if (words && *words && text_matches(text, words))
                return order[index];
        }
    }
    return REASON_OTHER;
}

/* ---- The answer to an order import ------------------------------------------
 */

/* What a document says, gathered in one walk. */
struct facts {
    struct decision *decision;
    const char *po_number; /* ours, cleaned like theirs */
    bool foreign;          /* it is about another PO number */
    bool contradiction;    /* two numbers, or a counter that is none */
    bool failed;           /* ValidationStatus/Status is Failed */
    bool order;            /* an Order element is there */
    unsigned long processed, rejected;
};

static void note_po_number(struct facts *facts, const xmlNode *parent)
{
    xmlNodePtr node = xml_child(parent, "CustomerPoNumber");
    char text[PO_MAX];

    xml_text(node, text, sizeof(text));
    if (*text && strcmp(text, facts->po_number) != 0)
        facts->foreign = true;
}

/* The section of the document sent back that an error stands in. */
static void note_error(struct facts *facts, const xmlNode *node)
{
    struct decision *decision = facts->decision;
    struct decision_error *error = NULL;
    const xmlNode *section = node->parent;

    if (decision->error_count++ >= REASONS_MAX)
        return;
    error = &decision->errors[decision->error_count - 1];
    if (xml_is(section, "ErrorMessages"))
        section = section->parent;
    if (section && section->name)
        text_clean(error->section, sizeof(error->section),
                   (cn_str){(const char *)section->name,
                            strlen((const char *)section->name)});
    xml_text(xml_child(section, "CustomerPoLine"), error->line,
             sizeof(error->line));
    xml_text(xml_child(section, "StockCode"), error->stock_code,
             sizeof(error->stock_code));
    xml_text(node, error->text, sizeof(error->text));
}

static void note_warning(struct facts *facts, const xmlNode *node)
{
    struct decision *decision = facts->decision;

    if (decision->warning_count++ < REASONS_MAX)
        xml_text(node, decision->warnings[decision->warning_count - 1],
                 REASON_TEXT_MAX);
}

static void note_order(struct facts *facts, const xmlNode *node)
{
    char number[sizeof(facts->decision->number)];

    facts->order = true;
    note_po_number(facts, node);
    xml_text(xml_child(node, "SalesOrder"), number, sizeof(number));
    if (*number && *facts->decision->number &&
        strcmp(number, facts->decision->number) != 0)
        facts->contradiction = true;
    if (*number)
        memcpy(facts->decision->number, number, sizeof(number));
}

static void note_counter(struct facts *facts, const xmlNode *node,
                         unsigned long *count)
{
    char text[32];
    size_t len = 0;

    xml_text(node, text, sizeof(text));
    len = strlen(text);
    if (!len || len > COUNTER_DIGITS_MAX || strspn(text, "0123456789") != len)
        facts->contradiction = true;
    else
        *count += strtoul(text, NULL, 10);
}

static void note_status(struct facts *facts, const xmlNode *node)
{
    char text[32];

    xml_text(xml_child(node, "Status"), text, sizeof(text));
    if (!strcasecmp(text, "Failed"))
        facts->failed = true;
}

/* Recursion ends: a document has at most 256 levels (xml.c). */
static void gather(struct facts *facts, const xmlNode *node)
{
    for (; node; node = node->next) {
        if (xml_is(node, "ErrorDescription"))
            note_error(facts, node);
        else if (xml_is(node, "WarningDescription"))
            note_warning(facts, node);
        else if (xml_is(node, "Order"))
            note_order(facts, node);
        else if (xml_is(node, "OrderHeader"))
            note_po_number(facts, node);
        else if (xml_is(node, "ValidationStatus"))
            note_status(facts, node);
        else if (xml_is(node, "ItemsProcessed"))
            note_counter(facts, node, &facts->processed);
        else if (xml_is(node, "ItemsRejectedWithWarnings"))
            note_counter(facts, node, &facts->rejected);
        if (node->type == XML_ELEMENT_NODE)
            gather(facts, node->children);
    }
}

static void decide(struct decision *decision, int step, enum verdict verdict)
{
    decision->step = step;
    decision->verdict = verdict;
}

static void decide_document(struct facts *facts, bool validating)
{
    struct decision *decision = facts->decision;

    decision->foreign = facts->foreign;
    if (facts->foreign || facts->contradiction)
        decide(decision, 2, VERDICT_UNKNOWN);
    else if (decision->error_count)
        decide(decision, 3, VERDICT_REJECTED);
    else if (facts->failed)
        decide(decision, 4, VERDICT_REJECTED);
    else if (validating)
        decide(decision, 5, VERDICT_VALIDATED);
    else if (*decision->number)
        decide(decision, 6, VERDICT_CREATED);
    else if (facts->order)
        decide(decision, 7, VERDICT_REJECTED);
    else if (facts->rejected)
        decide(decision, 8, VERDICT_REJECTED);
    else if (facts->processed)
        decide(decision, 9, VERDICT_UNNUMBERED);
    else
        decide(decision, 10, VERDICT_REJECTED);
}

void answer_decide(const struct answer *answer, const char *po_number,
                   bool validating, struct decision *ret_decision)
{
    char cleaned[PO_MAX];
    struct facts facts = {.decision = ret_decision, .po_number = cleaned};
    xmlDocPtr doc = NULL;

    memset(ret_decision, 0, sizeof(*ret_decision));
    text_clean(cleaned, sizeof(cleaned),
               (cn_str){po_number, strlen(po_number)});
    decide(ret_decision, 2, VERDICT_UNKNOWN);
    if (answer->kind == ANSWER_ERROR) {
        decide(ret_decision, 1, VERDICT_ERROR);
        ret_decision->error_count = 1;
        text_clean(ret_decision->errors[0].text, REASON_TEXT_MAX, answer->text);
        return;
    }
    if (answer->kind == ANSWER_XML)
        doc = xml_read(answer->text, answer->utf8);
    if (doc && xml_is(xmlDocGetRootElement(doc), "SalesOrders")) {
        gather(&facts, xmlDocGetRootElement(doc)->children);
        decide_document(&facts, validating);
    }
    xmlFreeDoc(doc);
}

void answer_describe(const struct decision *decision, char *to, size_t size)
{
    size_t shown = decision->error_count < REASONS_MAX ? decision->error_count
                                                       : REASONS_MAX;
    size_t len = 0;

    to[0] = '\0';
    for (size_t index = 0; index < shown && len + 1 < size; index++) {
        const struct decision_error *error = &decision->errors[index];
        bool line = *error->line != '\0', code = *error->stock_code != '\0';
        int written = snprintf(
            to + len, size - len, "%s%s%s%s%s%s%s%s%s", index ? "; " : "",
            error->section, line ? " " : "", error->line, code ? " (" : "",
            error->stock_code, code ? ")" : "", *error->section ? ": " : "",
            *error->text ? error->text : "no reason given");
        len += written > 0 ? (size_t)written : 0;
    }
    if (len < size && decision->error_count > shown)
        snprintf(to + len, size - len, "; and %zu more",
                 decision->error_count - shown);
    if (!decision->error_count)
        snprintf(to, size, "rejected without a reason");
    text_mend(to);
}
