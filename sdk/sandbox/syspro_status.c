/* syspro_status.c - SORTOS: the status of an order.
 *
 * The idea: only the trap matters here, namely that ValidateOnly is Y when it
 * is left out and the answer looks the same either way.
 * Called on the server's thread. */
#include "syspro_status.h"

#include <string.h>

#include "syspro_xml.h"

struct run {
    struct syspro_company *company;
    bool validate_only;
    int processed, invalid;
    bool changed;
};

/* The reason an item is refused, or NULL. */
static const char *check(struct run *run, xmlNodePtr item,
                         struct syspro_order **ret_order)
{
    char text[SYSPRO_TEXT_MAX];

    syspro_xml_child_text(item, "SalesOrder", text);
    *ret_order = syspro_company_order(run->company, text);
    if (*ret_order == NULL)
        return "Sales order not found";
    syspro_xml_child_text(item, "OrderStatus", text);
    if (strcmp(text, (*ret_order)->status) != 0)
        return "Sales order is not in the status expected";
    syspro_xml_child_text(item, "NewOrderStatus", text);
    if (strlen(text) != 1 || strchr("123489S", text[0]) == NULL)
        return "New order status is invalid";
    return NULL;
}

static void run_item(struct run *run, xmlNodePtr item, struct buf *out)
{
    struct syspro_order *order = NULL;
    char text[SYSPRO_TEXT_MAX];
    const char *reason = check(run, item, &order);

    syspro_xml_open(out, "Item");
    syspro_xml_open(out, "Key");
    syspro_xml_child_text(item, "SalesOrder", text);
    syspro_xml_leaf(out, "SalesOrder", order != NULL ? order->number : text);
    syspro_xml_close(out, "Key");
    syspro_xml_leaf_count(out, "ItemNumber", ++run->processed);
    if (reason != NULL) {
        run->invalid++;
        syspro_xml_leaf(out, "ErrorDescription", reason);
    } else if (!run->validate_only) {
        syspro_xml_child_text(item, "NewOrderStatus", text);
        syspro_text_set(order->status, sizeof(order->status), text);
        run->changed = true;
    }
    syspro_xml_close(out, "Item");
}

bool syspro_status_post(struct syspro_company *company, const char *parameters,
                        const char *document, struct buf *out)
{
    struct run run = {.company = company, .validate_only = true};
    char text[SYSPRO_TEXT_MAX];
    const char *root_name = "PostSorOrderStatus";
    bool blank = parameters[strspn(parameters, " \t\r\n")] == '\0';
    xmlDocPtr data = syspro_xml_read(document, "XmlIn", root_name, out);
    xmlDocPtr settings =
        data != NULL && !blank
            ? syspro_xml_read(parameters, "XmlParameters", root_name, out)
            : NULL;

    if (data == NULL || (settings == NULL && !blank))
        goto out;
    if (settings != NULL) {
        syspro_xml_child_text(
            syspro_xml_child(xmlDocGetRootElement(settings), "Parameters"),
            "ValidateOnly", text);
        run.validate_only = strcmp(text, "N") != 0;
    }
    syspro_xml_begin(out, "postsororderstatus", "8.0.006", "");
    for (xmlNodePtr item = syspro_xml_child(xmlDocGetRootElement(data), "Item");
         item != NULL; item = syspro_xml_next(item))
        run_item(&run, item, out);
    syspro_xml_open(out, "StatusOfItems");
    syspro_xml_leaf_count(out, "ItemsProcessed", run.processed);
    syspro_xml_leaf_count(out, "ItemsInvalid", run.invalid);
    syspro_xml_close(out, "StatusOfItems");
    syspro_xml_end(out, "postsororderstatus");
out:
    xmlFreeDoc(settings);
    xmlFreeDoc(data);
    return run.changed;
}
