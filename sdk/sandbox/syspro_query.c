/* syspro_query.c - ARSQRY, INVQRY and the logon profile.
 *
 * The idea: the answers of the two query objects that a connector may use to
 * check a customer or a stock code, with the traps of the real ones: padded
 * numbers, Edited_ twins, totals that repeat the element names.
 * What must hold: queries change nothing.  Called on the server's thread. */
#include "syspro_query.h"

#include <stdio.h>
#include <string.h>

#include "syspro_decimal.h"
#include "syspro_xml.h"

static void leaf_number(struct buf *out, const char *name, int64_t value,
                        int decimals, int width)
{
    char text[SYSPRO_DECIMAL_TEXT_MAX];

    syspro_decimal_write(value, decimals, width, text);
    syspro_xml_leaf(out, name, text);
}

static void write_customer(const struct syspro_customer *customer,
                           struct buf *out)
{
    syspro_xml_open(out, "Header");
    syspro_xml_leaf(out, "Customer", customer->code);
    syspro_xml_leaf(out, "Name", customer->name);
    syspro_xml_leaf(out, "ShortName", customer->short_name);
    syspro_xml_leaf(out, "SoldToAddr1", customer->address[0]);
    syspro_xml_leaf(out, "SoldToAddr2", customer->address[1]);
    syspro_xml_leaf(out, "SoldToAddr3", customer->address[2]);
    syspro_xml_leaf(out, "SoldToAddr4", customer->address[3]);
    syspro_xml_leaf(out, "SoldToAddr5", customer->address[4]);
    syspro_xml_leaf(out, "SoldPostalCode", customer->postal_code);
    syspro_xml_leaf(out, "Currency", customer->currency);
    syspro_xml_leaf(out, "TBLCUR:Description", customer->currency);
    leaf_number(out, "CreditLimit", customer->credit_limit, 0, 12);
    syspro_xml_leaf(out, "CreditStatus", "0");
    syspro_xml_leaf(out, "CreditCheckFlag", customer->credit_check ? "T" : "N");
    syspro_xml_leaf(out, "CustomerOnHold", customer->on_hold ? "Y" : "N");
    leaf_number(out, "OutstOrdVal", customer->outstanding, 2, 16);
    syspro_xml_leaf(out, "TermsCode", customer->terms);
    syspro_xml_leaf(out, "Branch", customer->branch);
    syspro_xml_leaf(out, "Area", customer->area);
    syspro_xml_leaf(out, "Salesperson", customer->salesperson);
    syspro_xml_leaf(out, "Email", customer->email);
    syspro_xml_close(out, "Header");
    syspro_xml_open(out, "TotalSection");
    leaf_number(out, "CurrentBalance", 0, 2, 16);
    leaf_number(out, "Current", 0, 2, 16);
    syspro_xml_close(out, "TotalSection");
}

void syspro_query_customer(struct syspro_company *company, const char *document,
                           struct buf *out)
{
    xmlDocPtr doc = syspro_xml_read(document, "XmlIn", "Query", out);
    char text[SYSPRO_TEXT_MAX];

    if (doc == NULL)
        return;
    syspro_xml_child_text(syspro_xml_child(xmlDocGetRootElement(doc), "Key"),
                          "Customer", text);
    const struct syspro_customer *customer =
        syspro_company_customer(company, text);

    if (customer == NULL) {
        buf_printf(out, "ERROR: Customer '%.40s' not found", text);
    } else {
        syspro_xml_begin(out, "ARStatement", "8.0.037",
                         " xmlns:SALSLS=\"SALSLS\" xmlns:TBLART=\"TBLART\" "
                         "xmlns:TBLCUR=\"TBLCUR\"");
        write_customer(customer, out);
        syspro_xml_end(out, "ARStatement");
    }
    xmlFreeDoc(doc);
}

/* Whether the Filter lets a warehouse through.  A misspelt filter lets all
 * through, as the real one does. */
static bool passes(xmlNodePtr root, const char *warehouse)
{
    xmlNodePtr node =
        syspro_xml_child(syspro_xml_child(root, "Filter"), "Warehouse");
    char list[256], *rest = list, *code = NULL;
    bool found = false;

    if (node == NULL)
        return true;
    xmlChar *type = xmlGetNoNsProp(node, (const xmlChar *)"FilterType");
    xmlChar *value = xmlGetNoNsProp(node, (const xmlChar *)"FilterValue");

    if (type == NULL || value == NULL) {
        found = true;
    } else {
        syspro_text_set(list, sizeof(list), (const char *)value);
        if (strcmp((const char *)type, "R") == 0) {
            code = strsep(&rest, ",");
            found = strcmp(warehouse, code) >= 0 &&
                    (rest == NULL || strcmp(warehouse, rest) <= 0);
        } else {
            while ((code = strsep(&rest, ",")) != NULL)
                found = found || strcmp(code, warehouse) == 0;
        }
    }
    xmlFree(type);
    xmlFree(value);
    return found;
}

static void leaf_quantity(struct buf *out, const char *name, int64_t value,
                          int decimals)
{
    char edited_name[64], text[SYSPRO_DECIMAL_TEXT_MAX];

    leaf_number(out, name, value, 6, 20);
    snprintf(edited_name, sizeof(edited_name), "Edited_%s", name);
    syspro_decimal_write_edited(value, decimals, text);
    syspro_xml_leaf(out, edited_name, text);
}

static void write_item(const struct syspro_item *item, struct buf *out)
{
    syspro_xml_open(out, "StockItem");
    syspro_xml_leaf(out, "StockCode", item->code);
    syspro_xml_leaf(out, "Description", item->description);
    leaf_number(out, "Decimals", (int64_t)item->decimals * 1000000, 0, 15);
    syspro_xml_leaf(out, "StockUom", item->stock_uom);
    syspro_xml_leaf(out, "AlternateUom", item->alternate_uom);
    syspro_xml_leaf(out, "OtherUom", item->other_uom);
    syspro_xml_leaf(out, "ProductClass", item->product_class);
    syspro_xml_leaf(out, "WarehouseToUse", item->warehouse);
    syspro_xml_leaf(out, "TaxCode", "A");
    syspro_xml_leaf(out, "StockOnHold", item->on_hold ? "F" : "");
    syspro_xml_close(out, "StockItem");
}

static void write_stock(const struct syspro_company *company,
                        const struct syspro_item *item,
                        const struct syspro_stock *stock, struct buf *out)
{
    const char *description = "";

    for (size_t i = 0; i < company->warehouses_len; i++)
        if (strcmp(company->warehouses[i].code, stock->warehouse) == 0)
            description = company->warehouses[i].description;
    syspro_xml_open(out, "WarehouseItem");
    syspro_xml_leaf(out, "Warehouse", stock->warehouse);
    syspro_xml_leaf(out, "Description", description);
    leaf_quantity(out, "QtyOnHand", stock->on_hand, item->decimals);
    leaf_quantity(out, "AvailableQty", stock->on_hand - stock->allocated,
                  item->decimals);
    leaf_number(out, "QtyOnOrder", stock->on_order, 6, 20);
    leaf_number(out, "QtyOnBackOrder", stock->back_order, 6, 20);
    leaf_number(out, "QtyAllocated", stock->allocated, 6, 20);
    leaf_number(out, "QtyInTransit", 0, 6, 20);
    syspro_xml_leaf(out, "DefaultBin", stock->warehouse);
    syspro_xml_close(out, "WarehouseItem");
}

void syspro_query_stock(struct syspro_company *company, const char *document,
                        struct buf *out)
{
    xmlDocPtr doc = syspro_xml_read(document, "XmlIn", "Query", out);
    xmlNodePtr root = doc != NULL ? xmlDocGetRootElement(doc) : NULL;
    char text[SYSPRO_TEXT_MAX];
    int64_t on_hand = 0, available = 0;

    if (root == NULL)
        return;
    syspro_xml_child_text(syspro_xml_child(root, "Key"), "StockCode", text);
    const struct syspro_item *item = syspro_company_item(company, text);

    if (item == NULL) {
        buf_printf(out, "ERROR: Stock code '%.40s' not found", text);
        goto out;
    }
    syspro_xml_begin(out, "InvQuery", "8.0.042", "");
    write_item(item, out);
    for (size_t i = 0; i < item->stock_len; i++) {
        const struct syspro_stock *stock = &item->stock[i];

        if (!passes(root, stock->warehouse))
            continue;
        write_stock(company, item, stock, out);
        on_hand += stock->on_hand;
        available += stock->on_hand - stock->allocated;
    }
    syspro_xml_open(out, "WarehouseTotals");
    leaf_quantity(out, "QtyOnHand", on_hand, item->decimals);
    leaf_quantity(out, "AvailableQty", available, item->decimals);
    syspro_xml_close(out, "WarehouseTotals");
    syspro_xml_end(out, "InvQuery");
out:
    xmlFreeDoc(doc);
}

void syspro_query_profile(const struct syspro_company *company,
                          const char *today, struct buf *out)
{
    syspro_xml_begin(out, "UserProfile", "8.0.161", "");
    syspro_xml_leaf(out, "CompanyName", company->name);
    syspro_xml_leaf(out, "OperatorCode", company->operator_code);
    syspro_xml_leaf(out, "OperatorGroup", "CRM");
    syspro_xml_leaf(out, "OperatorLanguageCode", "05");
    syspro_xml_leaf(out, "SystemLanguage", "05");
    syspro_xml_leaf(out, "AccountingDate", today);
    syspro_xml_leaf(out, "CompanyDate", today);
    syspro_xml_leaf(out, "DefaultArBranch", "10");
    syspro_xml_leaf(out, "DefaultWarehouse", "FG");
    syspro_xml_leaf(out, "LocalCurrencyCode", company->currency);
    syspro_xml_leaf(out, "CurrencyDescription", company->currency);
    syspro_xml_leaf(out, "DecimalFormat", "1");
    syspro_xml_leaf(out, "DateFormat", "01");
    syspro_xml_leaf(out, "DatabaseType", "SQL");
    syspro_xml_leaf(out, "SysproVersion", "8.0.161");
    syspro_xml_leaf(out, "EnetVersion", "8.0.0.6");
    syspro_xml_leaf(out, "SysproServerBitWidth", "64");
    syspro_xml_end(out, "UserProfile");
}
