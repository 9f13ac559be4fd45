/* syspro_import.c - SORTOI from two documents to an answer of shape A to E.
 *
 * The idea: check, allocate, decide, commit, for each order by itself; the
 * answer is written afterwards from the drafts.  Shapes are those of section
 * 2.1.3 of the reference:
 *   A  clean import, counters only          (default; the number is hidden)
 *   B  Order with the number                (with warnings, or by switch)
 *   C  Order without number                 (rejected by warnings, or fault)
 *   D  the document echoed with messages    (rejected by errors)
 *   E  ValidationStatus last                (Process VALIDATE)
 * What must hold: an order is in the company exactly when it is committed; a
 * rejected or validated one leaves no trace on stock or credit.
 * Called on the server's thread. */
#include "syspro_import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "syspro_draft.h"
#include "syspro_header.h"
#include "syspro_line.h"

/* SORTOI takes many orders a call; a thousand is far above any client. */
enum { ORDERS_OF_CALL_MAX = 1000 };

static const char *const version = "8.0.161";

struct import {
    struct syspro_company *company;
    struct syspro_parameters parameters;
    const struct syspro_import_fault *fault;
    const char *today;
    struct syspro_draft *drafts; /* owned */
    size_t drafts_len;
};

static void apply_fault(struct syspro_draft *draft,
                        const struct syspro_import_fault *fault)
{
    if (fault->record_lock)
        syspro_draft_error(draft, draft->header,
                           "Sales order record is in use by operator 'ADMIN'");
    if (fault->period_closed)
        syspro_draft_error(draft, draft->header, "Posting period is closed");
    if (fault->reject_empty)
        draft->rejected_by_warnings = true;
}

static void cancel(struct syspro_order *order)
{
    order->status[0] = '\\';
    order->cancelled = true;
    order->value = 0;
    for (size_t i = 0; i < order->lines_len; i++) {
        order->lines[i].ship = 0;
        order->lines[i].back = 0;
    }
}

/* Put a draft without errors on stock, and take it off when it may not stay. */
static void decide(struct import *import, struct syspro_draft *draft)
{
    if (draft->existing != NULL)
        syspro_order_allocate(import->company, draft->existing, -1);
    if (draft->action == 'D')
        cancel(draft->order);
    else
        syspro_line_allocate(draft);
    if (import->parameters.warnings == 'N' && draft->warnings_len > 0)
        draft->rejected_by_warnings = true;
    if (import->parameters.import && !draft->rejected_by_warnings)
        return;
    if (draft->action != 'D')
        syspro_order_allocate(import->company, draft->order, -1);
    if (draft->existing != NULL)
        syspro_order_allocate(import->company, draft->existing, 1);
}

static void commit(struct import *import, struct syspro_draft *draft,
                   syspro_import_fn *committed, void *arg)
{
    struct syspro_order *order = draft->order;

    if (draft->existing != NULL) {
        struct syspro_order *existing = draft->existing;

        draft->order = NULL;
        syspro_company_replace_order(import->company, order);
        order = existing;
    } else {
        if (order->number[0] == '\0')
            syspro_company_next_number(import->company, order->number);
        if (syspro_company_add_order(import->company, order) != 0) {
            syspro_order_allocate(import->company, order, -1);
            syspro_draft_error(draft, draft->header, "Data base is full");
            return;
        }
        draft->order = NULL;
        draft->existing = order;
    }
    draft->committed = true;
    committed(arg, order, draft->action);
}

static void run_order(struct import *import, struct syspro_draft *draft,
                      syspro_import_fn *committed, void *arg)
{
    draft->company = import->company;
    draft->parameters = &import->parameters;
    draft->today = import->today;
    draft->header = syspro_xml_child(draft->orders, "OrderHeader");
    draft->details = syspro_xml_child(draft->orders, "OrderDetails");
    if (draft->header == NULL) {
        syspro_draft_error(draft, draft->orders, "Order header is missing");
        return;
    }
    syspro_header_check(draft);
    if (draft->order != NULL && draft->action != 'D') {
        syspro_line_check_all(draft);
        syspro_header_check_credit(draft);
    }
    apply_fault(draft, import->fault);
    if (draft->errors_len > 0)
        return;
    decide(import, draft);
    if (import->parameters.import && !draft->rejected_by_warnings)
        commit(import, draft, committed, arg);
}

static void write_errors(const struct syspro_draft *draft, xmlNodePtr section,
                         struct buf *out)
{
    bool opened = false;

    for (size_t i = 0; i < draft->errors_len; i++) {
        if (draft->errors[i].section != section)
            continue;
        if (!opened)
            syspro_xml_open(out, "ErrorMessages");
        opened = true;
        syspro_xml_leaf(out, "ErrorDescription", draft->errors[i].text);
    }
    if (opened)
        syspro_xml_close(out, "ErrorMessages");
}

/* The input as it came, each failing section with its messages at the end.
 * Depth is bounded by libxml2 (256). */
static void echo(const struct syspro_draft *draft, xmlNodePtr node,
                 struct buf *out)
{
    const char *name = (const char *)node->name;
    char text[SYSPRO_TEXT_MAX];
    bool leaf = true;

    for (xmlNodePtr at = node->children; at != NULL; at = at->next)
        if (at->type == XML_ELEMENT_NODE)
            leaf = false;
    for (size_t i = 0; i < draft->errors_len; i++)
        if (draft->errors[i].section == node)
            leaf = false;
    if (leaf) {
        syspro_xml_text(node, text);
        syspro_xml_leaf(out, name, text);
        return;
    }
    syspro_xml_open(out, name);
    for (xmlNodePtr at = node->children; at != NULL; at = at->next)
        if (at->type == XML_ELEMENT_NODE)
            echo(draft, at, out);
    write_errors(draft, node, out);
    syspro_xml_close(out, name);
}

static void write_order(const struct import *import,
                        const struct syspro_draft *draft, struct buf *out)
{
    const char action[2] = {draft->action, '\0'};
    char number[SYSPRO_KEY_MAX] = "";
    char text[SYSPRO_MESSAGE_MAX];
    bool wrong = import->fault->wrong_reference;

    syspro_xml_open(out, "Order");
    syspro_xml_leaf(out, "CustomerPoNumber", wrong ? "OTHER-1" : draft->po);
    syspro_xml_leaf(out, "OrderActionType", action);
    if (draft->committed)
        syspro_key_show(wrong ? "000000000019999" : draft->existing->number,
                        import->company->options.order_presentation, number);
    syspro_xml_leaf(out, "SalesOrder", number);
    if (draft->committed && import->parameters.warnings != 'Y')
        for (size_t i = 0; i < draft->back_ordered_len; i++) {
            snprintf(text, sizeof(text),
                     "Item '%s' was placed on back order on sales order '%s'",
                     draft->back_ordered[i], draft->existing->number);
            syspro_xml_leaf(out, "BackOrderComment", text);
        }
    if (draft->warnings_len > 0 && import->parameters.warnings != 'Y') {
        syspro_xml_open(out, "WarningMessages");
        for (size_t i = 0; i < draft->warnings_len; i++)
            syspro_xml_leaf(out, "WarningDescription", draft->warnings[i].text);
        syspro_xml_close(out, "WarningMessages");
    }
    syspro_xml_close(out, "Order");
}

/* Whether a draft without errors has an Order element in the answer. */
static bool shows_order(const struct import *import,
                        const struct syspro_draft *draft)
{
    if (draft->rejected_by_warnings)
        return true;
    if (!draft->committed)
        return draft->warnings_len > 0 && import->parameters.warnings == 'W';
    return import->company->options.clean_shape == 'B' ||
           import->fault->wrong_reference ||
           (draft->warnings_len > 0 && import->parameters.warnings == 'W');
}

static void write_answer(const struct import *import, struct buf *out)
{
    int rejected = 0, warned = 0;
    bool failed = false;

    syspro_xml_begin(out, "SalesOrders", version, "");
    for (size_t i = 0; i < import->drafts_len; i++) {
        const struct syspro_draft *draft = &import->drafts[i];

        if (draft->errors_len > 0)
            echo(draft, draft->orders, out);
        else if (shows_order(import, draft))
            write_order(import, draft, out);
        if (draft->errors_len > 0 || draft->rejected_by_warnings)
            failed = true;
        if (draft->errors_len == 0 && draft->rejected_by_warnings)
            rejected++;
        else if (draft->errors_len == 0 && draft->warnings_len > 0 &&
                 import->parameters.warnings == 'W')
            warned++;
    }
    syspro_xml_open(out, "StatusOfItems");
    syspro_xml_leaf_count(out, "ItemsProcessed", (int)import->drafts_len);
    syspro_xml_leaf_count(out, "ItemsRejectedWithWarnings", rejected);
    syspro_xml_leaf_count(out, "ItemsProcessedWithWarnings", warned);
    syspro_xml_close(out, "StatusOfItems");
    if (!import->parameters.import) {
        syspro_xml_open(out, "ValidationStatus");
        syspro_xml_leaf(out, "Status", failed ? "Failed" : "Successful");
        syspro_xml_close(out, "ValidationStatus");
    }
    syspro_xml_end(out, "SalesOrders");
}

static bool collect(struct import *import, xmlNodePtr root)
{
    size_t count = 0;

    for (xmlNodePtr node = syspro_xml_child(root, "Orders"); node != NULL;
         node = syspro_xml_next(node))
        count++;
    if (count == 0 || count > ORDERS_OF_CALL_MAX)
        return false;
    import->drafts = memory_zero(count, sizeof(*import->drafts));
    for (xmlNodePtr node = syspro_xml_child(root, "Orders"); node != NULL;
         node = syspro_xml_next(node))
        import->drafts[import->drafts_len++].orders = node;
    return true;
}

void syspro_import_post(struct syspro_company *company, const char *parameters,
                        const char *document, const char *today,
                        const struct syspro_import_fault *fault,
                        syspro_import_fn *committed, void *arg, struct buf *out)
{
    struct import import = {.company = company, .fault = fault, .today = today};
    struct error err = {""};
    xmlDocPtr settings = NULL, data = NULL;

    /* Blank parameters are the defaults, which only validate. */
    if (parameters[strspn(parameters, " \t\r\n")] != '\0') {
        settings =
            syspro_xml_read(parameters, "XmlParameters", "SalesOrders", out);
        if (settings == NULL)
            goto out;
    }
    data = syspro_xml_read(document, "XmlIn", "SalesOrders", out);
    if (data == NULL)
        goto out;
    if (syspro_parameters_read(settings != NULL ? xmlDocGetRootElement(settings)
                                                : NULL,
                               &import.parameters, &err) != 0) {
        buf_printf(out, "ERROR: %s", err.text);
        goto out;
    }
    if (!collect(&import, xmlDocGetRootElement(data))) {
        buf_printf(out, "ERROR: XmlIn - no or too many Orders elements");
        goto out;
    }
    for (size_t i = 0; i < import.drafts_len; i++)
        run_order(&import, &import.drafts[i], committed, arg);
    write_answer(&import, out);
out:
    for (size_t i = 0; i < import.drafts_len; i++)
        syspro_draft_done(&import.drafts[i]);
    free(import.drafts);
    xmlFreeDoc(data);
    xmlFreeDoc(settings);
}
